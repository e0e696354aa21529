#include "model/checkpoint/checkpoint.h"

#include <hdf5.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/checkpoint/checkpoint_parts.h"
#include "model/core/file.h"
#include "model/core/memory.h"

void bd_checkpoint_init(struct bd_checkpoint *checkpoint)
{
    memset(checkpoint, 0, sizeof *checkpoint);
}

static void release_array(struct bd_array *array)
{
    free(array->name);
    free(array->data);
}

void bd_checkpoint_release(struct bd_checkpoint *checkpoint)
{
    for (size_t i = 0; i < checkpoint->array_count; i++) {
        release_array(&checkpoint->arrays[i]);
    }
    free(checkpoint->arrays);
    free(checkpoint->metadata);
    bd_graph_release(&checkpoint->graph);
    bd_checkpoint_init(checkpoint);
}

static struct bd_array *find(const struct bd_checkpoint *checkpoint, const char *name)
{
    for (size_t i = 0; i < checkpoint->array_count; i++) {
        if (!strcmp(checkpoint->arrays[i].name, name)) {
            return &checkpoint->arrays[i];
        }
    }
    return NULL;
}

struct bd_array *bd_checkpoint_find(const struct bd_checkpoint *checkpoint, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *name = bd_vasprintf(format, arguments);
    va_end(arguments);
    struct bd_array *array = find(checkpoint, name);
    free(name);
    return array;
}

/* Takes `name`; `array` holds nothing yet. */
static struct bd_array *fill(struct bd_array *array, int rank, const int64_t *shape, char *name)
{
    *array = (struct bd_array){.name = name, .rank = rank, .count = 1};
    for (int i = 0; i < rank; i++) {
        array->shape[i] = shape[i];
        array->count *= shape[i];
    }
    array->data = bd_xcalloc(array->count, sizeof *array->data);
    return array;
}

struct bd_array *bd_checkpoint_append(struct bd_checkpoint *checkpoint, int rank, const int64_t *shape, char *name)
{
    if (checkpoint->array_count == checkpoint->array_room) {
        checkpoint->array_room = checkpoint->array_room * 2 + 64;
        checkpoint->arrays = bd_xrealloc(checkpoint->arrays, checkpoint->array_room, sizeof *checkpoint->arrays);
    }
    return fill(&checkpoint->arrays[checkpoint->array_count++], rank, shape, name);
}

struct bd_array *bd_checkpoint_put(struct bd_checkpoint *checkpoint, int rank, const int64_t *shape, const char *format,
                                   ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *name = bd_vasprintf(format, arguments);
    va_end(arguments);
    struct bd_array *array = find(checkpoint, name);
    if (!array) {
        return bd_checkpoint_append(checkpoint, rank, shape, name);
    }
    release_array(array);
    return fill(array, rank, shape, name);
}

void bd_checkpoint_drop(struct bd_checkpoint *checkpoint, const char *prefix)
{
    size_t kept = 0;
    for (size_t i = 0; i < checkpoint->array_count; i++) {
        if (!strncmp(checkpoint->arrays[i].name, prefix, strlen(prefix))) {
            release_array(&checkpoint->arrays[i]);
        } else {
            checkpoint->arrays[kept++] = checkpoint->arrays[i];
        }
    }
    checkpoint->array_count = kept;
}

/* ---- writing ---- */

static void put_le(uint8_t *to, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++) {
        to[i] = value >> (8 * i);
    }
}

/* Dataset creation: contiguous, no times, so that equal contents give equal bytes. */
static hid_t dataset_properties(void)
{
    hid_t list = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_obj_track_times(list, false);
    H5Pset_fill_time(list, H5D_FILL_TIME_NEVER);
    return list;
}

static bool write_dataset(hid_t file, hid_t links, hid_t properties, const char *name, hid_t type, hid_t space,
                          hid_t memory_type, const void *data)
{
    hid_t dataset = H5Dcreate2(file, name, type, space, links, properties, H5P_DEFAULT);
    bool done = dataset >= 0 && H5Dwrite(dataset, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0;
    if (dataset >= 0) {
        H5Dclose(dataset);
    }
    return done;
}

static bool write_text(hid_t file, hid_t links, hid_t properties, const char *name, const char *text)
{
    hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
    bool done = H5Tset_size(type, strlen(text) + 1) >= 0 &&
                write_dataset(file, links, properties, name, type, space, type, text);
    H5Tclose(type);
    H5Sclose(space);
    return done;
}

static bool write_array(hid_t file, hid_t links, hid_t properties, const struct bd_array *array)
{
    hsize_t shape[4];
    for (int i = 0; i < array->rank; i++) {
        shape[i] = array->shape[i];
    }
    hid_t space = H5Screate_simple(array->rank, shape, NULL);
    bool done = space >= 0 && write_dataset(file, links, properties, array->name, H5T_IEEE_F32LE, space,
                                            H5T_NATIVE_FLOAT, array->data);
    H5Sclose(space);
    return done;
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const struct bd_array *const *)a)->name, (*(const struct bd_array *const *)b)->name);
}

/* The arrays in the order of their names: the order in which they were put leaves no trace. */
static bool write_all(hid_t file, const struct bd_checkpoint *checkpoint)
{
    hid_t links = H5Pcreate(H5P_LINK_CREATE), properties = dataset_properties();
    H5Pset_create_intermediate_group(links, 1);
    const struct bd_array **sorted = bd_xcalloc(checkpoint->array_count, sizeof *sorted);
    for (size_t i = 0; i < checkpoint->array_count; i++) {
        sorted[i] = &checkpoint->arrays[i];
    }
    qsort(sorted, checkpoint->array_count, sizeof *sorted, by_name);
    bool done = write_text(file, links, properties, NETWORK_NAME, checkpoint->graph.yaml_text) &&
                write_text(file, links, properties, METADATA_NAME, checkpoint->metadata ? checkpoint->metadata : "{}");
    for (size_t i = 0; i < checkpoint->array_count && done; i++) {
        done = write_array(file, links, properties, sorted[i]);
    }
    free(sorted);
    H5Pclose(links);
    H5Pclose(properties);
    return done;
}

/* The file's bytes, user block included (still zero), or NULL. */
static uint8_t *make_image(const struct bd_checkpoint *checkpoint, size_t *size)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS), creation = H5Pcreate(H5P_FILE_CREATE);
    uint8_t *image = NULL;
    H5Pset_fapl_core(access, 1 << 20, false);
    H5Pset_libver_bounds(access, H5F_LIBVER_EARLIEST, H5F_LIBVER_LATEST); /* the format that hdf5_reader.h reads */
    H5Pset_userblock(creation, USER_BLOCK);
    H5Pset_obj_track_times(creation, false);
    hid_t file = H5Fcreate("checkpoint", H5F_ACC_TRUNC, creation, access);
    if (file >= 0 && write_all(file, checkpoint) && H5Fflush(file, H5F_SCOPE_GLOBAL) >= 0) {
        ssize_t length = H5Fget_file_image(file, NULL, 0);
        if (length > 0) {
            image = bd_xcalloc(USER_BLOCK + length, 1); /* the library's image starts behind the user block */
            *size = USER_BLOCK + length;
            if (H5Fget_file_image(file, image + USER_BLOCK, length) != length) {
                free(image);
                image = NULL;
            }
        }
    }
    if (file >= 0) {
        H5Fclose(file);
    }
    H5Pclose(access);
    H5Pclose(creation);
    return image;
}

bd_status bd_checkpoint_save(const struct bd_checkpoint *checkpoint, const char *path, struct bd_error *err)
{
    size_t size;
    int64_t at;
    const struct bd_array *bad = bd_checkpoint_not_finite(checkpoint, &at);
    if (bad) {
        return bd_fail(err, BD_FAIL, "cannot save '%s': array '%s' holds %g at index %" PRId64, path, bad->name,
                       (double)bad->data[at], at);
    }
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    uint8_t *image = make_image(checkpoint, &size);
    if (!image) {
        return bd_fail(err, BD_INFRA, "cannot build the HDF5 image of '%s'", path);
    }
    memcpy(image, MAGIC, 8);
    put_le(image + AT_VERSION, VERSION, 4);
    put_le(image + AT_CRC, 0, 4);
    put_le(image + AT_LENGTH, size, 8);
    put_le(image + AT_CRC, bd_crc32(image, size), 4);
    bd_status status = bd_file_write(path, image, size, err);
    free(image);
    return status;
}
