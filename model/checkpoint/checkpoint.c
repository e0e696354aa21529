#include "model/checkpoint/checkpoint.h"

#include <hdf5.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/file.h"
#include "model/core/memory.h"

/* The user block before the HDF5 superblock, little-endian, rest zero. */
#define USER_BLOCK 512
#define MAGIC "BITDIALC"
#define VERSION 1
#define AT_VERSION 8 /* uint32 */
#define AT_CRC 12    /* uint32: CRC-32 of the whole file with this field zero */
#define AT_LENGTH 16 /* uint64: of the whole file */
#define MAX_FILE ((size_t)1 << 30)
#define MAX_COUNT ((int64_t)1 << 28)

#define NETWORK_NAME "network.yaml"
#define METADATA_NAME "metadata.json"

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

/* Takes `name`. */
static struct bd_array *put(struct bd_checkpoint *checkpoint, int rank, const int64_t *shape, char *name)
{
    struct bd_array *array = find(checkpoint, name);
    if (array) {
        release_array(array);
    } else {
        if (checkpoint->array_count == checkpoint->array_room) {
            checkpoint->array_room = checkpoint->array_room * 2 + 64;
            checkpoint->arrays = bd_xrealloc(checkpoint->arrays, checkpoint->array_room, sizeof *checkpoint->arrays);
        }
        array = &checkpoint->arrays[checkpoint->array_count++];
    }
    *array = (struct bd_array){.name = name, .rank = rank, .count = 1};
    for (int i = 0; i < rank; i++) {
        array->shape[i] = shape[i];
        array->count *= shape[i];
    }
    array->data = bd_xcalloc(array->count, sizeof *array->data);
    return array;
}

struct bd_array *bd_checkpoint_put(struct bd_checkpoint *checkpoint, int rank, const int64_t *shape, const char *format,
                                   ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *name = bd_vasprintf(format, arguments);
    va_end(arguments);
    return put(checkpoint, rank, shape, name);
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

static uint64_t get_le(const uint8_t *from, int bytes)
{
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++) {
        value |= (uint64_t)from[i] << (8 * i);
    }
    return value;
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

/* ---- reading ---- */

static bd_status check_block(const char *path, uint8_t *bytes, size_t size, struct bd_error *err)
{
    if (size < USER_BLOCK) {
        return bd_fail(err, BD_BAD_INPUT, "%s: offset %zu: the file ends inside its %d-byte header", path, size,
                       USER_BLOCK);
    }
    if (memcmp(bytes, MAGIC, 8)) {
        return bd_fail(err, BD_BAD_INPUT, "%s: offset 0: not a Bitdial checkpoint", path);
    }
    uint64_t version = get_le(bytes + AT_VERSION, 4), length = get_le(bytes + AT_LENGTH, 8);
    if (version != VERSION) {
        return bd_fail(err, BD_BAD_INPUT, "%s: offset %d: checkpoint version %" PRIu64 ", this program reads %d", path,
                       AT_VERSION, version, VERSION);
    }
    if (length != size) {
        return bd_fail(err, BD_BAD_INPUT, "%s: offset %d: the header tells %" PRIu64 " bytes, the file has %zu", path,
                       AT_LENGTH, length, size);
    }
    uint32_t stored = get_le(bytes + AT_CRC, 4);
    put_le(bytes + AT_CRC, 0, 4);
    uint32_t computed = bd_crc32(bytes, size);
    if (stored != computed) {
        return bd_fail(err, BD_BAD_INPUT, "%s: offset %d: CRC-32 is %08x, the contents give %08x", path, AT_CRC, stored,
                       computed);
    }
    return BD_OK;
}

struct reader {
    struct bd_checkpoint *checkpoint;
    const char *path;
    char *network;
    struct bd_error *err;
    bd_status status;
};

static bd_status malformed(struct reader *reader, const char *name, const char *what)
{
    return bd_fail(reader->err, BD_BAD_INPUT, "%s: offset %d: dataset '%s' %s", reader->path, USER_BLOCK, name, what);
}

static char *read_text(hid_t dataset, hid_t type)
{
    size_t size = H5Tget_size(type);
    if (H5Tis_variable_str(type) || size < 1 || size > 1 << 20) {
        return NULL;
    }
    char *text = bd_xcalloc(size + 1, 1);
    if (H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, text) < 0) {
        free(text);
        return NULL;
    }
    return text;
}

static bd_status read_numbers(struct reader *reader, hid_t dataset, const char *name)
{
    hid_t space = H5Dget_space(dataset);
    int rank = H5Sget_simple_extent_ndims(space);
    hsize_t extent[32] = {0};
    int64_t shape[4], count = 1;
    bool fine = rank >= 1 && rank <= 4 && H5Sget_simple_extent_dims(space, extent, NULL) == rank;
    for (int i = 0; fine && i < rank; i++) {
        fine = extent[i] >= 1 && extent[i] <= (hsize_t)(MAX_COUNT / count);
        shape[i] = extent[i];
        count *= fine ? shape[i] : 1;
    }
    H5Sclose(space);
    if (!fine) {
        return malformed(reader, name, "has no shape of 1 to 4 sizes");
    }
    if (H5Dget_storage_size(dataset) != (hsize_t)count * 4) {
        return malformed(reader, name, "holds fewer values than its shape tells");
    }
    struct bd_array *array = put(reader->checkpoint, rank, shape, bd_xstrdup(name));
    if (H5Dread(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, array->data) < 0) {
        return malformed(reader, name, "cannot be read");
    }
    return BD_OK;
}

static bd_status read_dataset(struct reader *reader, hid_t dataset, const char *name)
{
    hid_t type = H5Dget_type(dataset);
    H5T_class_t kind = H5Tget_class(type);
    bd_status status = BD_OK;
    if (kind == H5T_STRING) {
        char *text = read_text(dataset, type);
        char **to = !strcmp(name, NETWORK_NAME)    ? &reader->network
                    : !strcmp(name, METADATA_NAME) ? &reader->checkpoint->metadata
                                                   : NULL;
        if (text && to && !*to) {
            *to = text;
        } else {
            free(text);
            status = malformed(reader, name, "is not a text that a checkpoint has");
        }
    } else if (kind == H5T_FLOAT && H5Tget_size(type) == 4) {
        status = read_numbers(reader, dataset, name);
    } else {
        status = malformed(reader, name, "is not float32");
    }
    H5Tclose(type);
    return status;
}

static herr_t visit(hid_t root, const char *name, const H5L_info_t *info, void *context)
{
    struct reader *reader = context;
    if (info->type != H5L_TYPE_HARD) {
        reader->status = malformed(reader, name, "is a link");
        return -1;
    }
    hid_t object = H5Oopen(root, name, H5P_DEFAULT);
    if (object < 0) {
        reader->status = malformed(reader, name, "cannot be opened");
        return -1;
    }
    if (H5Iget_type(object) == H5I_DATASET) {
        reader->status = read_dataset(reader, object, name);
    }
    H5Oclose(object);
    return reader->status ? -1 : 0;
}

static bd_status read_image(struct reader *reader, uint8_t *bytes, size_t size)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_fapl_core(access, 1 << 20, false);
    H5Pset_file_image(access, bytes, size);
    hid_t file = H5Fopen("checkpoint", H5F_ACC_RDONLY, access);
    H5Pclose(access);
    if (file < 0) {
        return bd_fail(reader->err, BD_BAD_INPUT, "%s: offset %d: not an HDF5 file", reader->path, USER_BLOCK);
    }
    herr_t walked = H5Lvisit(file, H5_INDEX_NAME, H5_ITER_INC, visit, reader);
    H5Fclose(file);
    if (!reader->status && walked < 0) {
        reader->status =
            bd_fail(reader->err, BD_BAD_INPUT, "%s: offset %d: broken HDF5 structure", reader->path, USER_BLOCK);
    }
    return reader->status;
}

static bd_status read_checkpoint(struct bd_checkpoint *checkpoint, const char *path, uint8_t *bytes, size_t size,
                                 struct bd_error *err)
{
    struct reader reader = {.checkpoint = checkpoint, .path = path, .err = err};
    bd_status status = check_block(path, bytes, size, err);
    status = status ? status : read_image(&reader, bytes, size);
    if (!status && (!reader.network || !checkpoint->metadata)) {
        status = malformed(&reader, reader.network ? METADATA_NAME : NETWORK_NAME, "is missing");
    }
    if (!status) {
        status = bd_graph_parse(&checkpoint->graph, NETWORK_NAME, reader.network, strlen(reader.network), err);
        status = status ? status : bd_checkpoint_check(checkpoint, err);
        if (status) {
            bd_fail_prefix(err, "%s: offset %d", path, USER_BLOCK);
        }
    }
    free(reader.network);
    return status;
}

bd_status bd_checkpoint_load(struct bd_checkpoint *checkpoint, const char *path, struct bd_error *err)
{
    uint8_t *bytes;
    size_t size;
    bd_checkpoint_init(checkpoint);
    bd_status status = bd_file_read(path, MAX_FILE, &bytes, &size, err);
    if (status) {
        return status;
    }
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    status = read_checkpoint(checkpoint, path, bytes, size, err);
    free(bytes);
    if (status) {
        bd_checkpoint_release(checkpoint);
    }
    return status;
}
