/* Checkpoints of strangers: files that the HDF5 library writes well and that hold what no checkpoint may, the checksum
 * right; values that are no numbers; and what is allowed besides what saving writes. */
#include <criterion/criterion.h>
#include <hdf5.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/checkpoint/checkpoint.h"
#include "model/checkpoint/random_checkpoint.h"
#include "model/core/file.h"
#include "model/core/memory.h"
#include "tests/support/temporary_folder.h"

#define NETWORK "tests/small_network.yaml"

TestSuite(checkpoint_load, .init = make_folder, .fini = remove_folder);

/* ---- what strangers put into a file: each gets the open file ---- */

static void add(hid_t file, const char *name, hid_t type, int rank, const hsize_t *shape, hid_t properties)
{
    hid_t space = rank ? H5Screate_simple(rank, shape, NULL) : H5Screate(H5S_SCALAR);
    hid_t dataset = H5Dcreate2(file, name, type, space, H5P_DEFAULT, properties, H5P_DEFAULT);
    cr_assert_geq(dataset, 0, "%s", name);
    char *zeros = bd_xcalloc(1, 1 << 16);
    cr_assert_geq(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, zeros), 0);
    free(zeros);
    H5Dclose(dataset);
    H5Sclose(space);
}

static void add_simple(hid_t file, const char *name, hid_t type, int rank)
{
    const hsize_t shape[] = {2, 2, 2, 2, 2};
    add(file, name, type, rank, shape, H5P_DEFAULT);
}

static void soft_link(hid_t file)
{
    cr_assert_geq(H5Lcreate_soft("/stem.weight", file, "x", H5P_DEFAULT, H5P_DEFAULT), 0);
}

static void external_link(hid_t file)
{
    cr_assert_geq(H5Lcreate_external("/etc/passwd", "/x", file, "x", H5P_DEFAULT, H5P_DEFAULT), 0);
}

static void external_storage(hid_t file)
{
    const hsize_t shape = 4;
    hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    char *other = bd_asprintf("%s/other", folder);
    H5Pset_external(properties, other, 0, 16);
    add(file, "x", H5T_IEEE_F32LE, 1, &shape, properties);
    H5Pclose(properties);
    free(other);
}

static void stored(hid_t file, H5D_layout_t layout, bool deflate)
{
    const hsize_t shape = 64;
    hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_layout(properties, layout);
    if (layout == H5D_CHUNKED) {
        H5Pset_chunk(properties, 1, &shape);
    }
    if (deflate) {
        H5Pset_deflate(properties, 9);
    }
    add(file, "x", H5T_IEEE_F32LE, 1, &shape, properties);
    H5Pclose(properties);
}

static void chunks(hid_t file)
{
    stored(file, H5D_CHUNKED, false);
}

static void compressed(hid_t file)
{
    stored(file, H5D_CHUNKED, true);
}

static void compact(hid_t file)
{
    stored(file, H5D_COMPACT, false);
}

static void text(hid_t file, const char *name, size_t size, int rank)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    cr_assert_geq(H5Tset_size(type, size), 0);
    add_simple(file, name, type, rank);
    H5Tclose(type);
}

static void other_text(hid_t file)
{
    text(file, "x", 64, 0);
}

static void text_array(hid_t file)
{
    H5Ldelete(file, "metadata.json", H5P_DEFAULT);
    text(file, "metadata.json", 64, 1);
}

static void variable_text(hid_t file)
{
    hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
    const char *value = "{}";
    H5Tset_size(type, H5T_VARIABLE);
    hid_t dataset = H5Dcreate2(file, "x", type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    cr_assert_geq(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, &value), 0);
    H5Dclose(dataset);
    H5Sclose(space);
    H5Tclose(type);
}

static void no_json(hid_t file)
{
    H5Ldelete(file, "metadata.json", H5P_DEFAULT);
    text(file, "metadata.json", 64, 0);
}

static void no_metadata(hid_t file)
{
    H5Ldelete(file, "metadata.json", H5P_DEFAULT);
}

static void whole_numbers(hid_t file)
{
    add_simple(file, "x", H5T_STD_I32LE, 1);
}

static void doubles(hid_t file)
{
    add_simple(file, "x", H5T_IEEE_F64LE, 1);
}

static void big_endian(hid_t file)
{
    add_simple(file, "x", H5T_IEEE_F32BE, 1);
}

static void scalar(hid_t file)
{
    add_simple(file, "x", H5T_IEEE_F32LE, 0);
}

static void five_sizes(hid_t file)
{
    add_simple(file, "x", H5T_IEEE_F32LE, 5);
}

static void named_type(hid_t file)
{
    hid_t type = H5Tcopy(H5T_IEEE_F32LE);
    cr_assert_geq(H5Tcommit2(file, "y", type, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), 0);
    add_simple(file, "x", type, 1);
    H5Tclose(type);
}

static void unwritten(hid_t file)
{
    const hsize_t shape = 4;
    hid_t space = H5Screate_simple(1, &shape, NULL);
    H5Dclose(H5Dcreate2(file, "x", H5T_IEEE_F32LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Sclose(space);
}

static void odd_name(hid_t file)
{
    add_simple(file, "a\033[2Jb", H5T_IEEE_F32LE, 1);
}

static void long_name(hid_t file)
{
    char name[300];
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = 0;
    add_simple(file, name, H5T_IEEE_F32LE, 1);
}

static void groups(hid_t file, int depth)
{
    hid_t group = file;
    for (int i = 0; i < depth; i++) {
        hid_t inner = H5Gcreate2(group, "g", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
        if (group != file) {
            H5Gclose(group);
        }
        group = inner;
    }
    add_simple(group, "x", H5T_IEEE_F32LE, 1);
    H5Gclose(group);
}

static void deep(hid_t file)
{
    groups(file, 9);
}

static void circle(hid_t file)
{
    hid_t group = H5Gcreate2(file, "g", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    cr_assert_geq(H5Lcreate_hard(file, "/", group, "x", H5P_DEFAULT, H5P_DEFAULT), 0);
    H5Gclose(group);
}

static void twins(hid_t file)
{
    for (int i = 0; i < 100; i++) {
        char name[8];
        snprintf(name, sizeof name, "x%d", i);
        cr_assert_geq(H5Lcreate_hard(file, "s1b1.conv1.weight", file, name, H5P_DEFAULT, H5P_DEFAULT), 0);
    }
}

/* ---- what they may put into it ---- */

static void nothing(hid_t file)
{
    (void)file;
}

static void in_groups(hid_t file)
{
    groups(file, 4);
}

static void attribute(hid_t file)
{
    hid_t space = H5Screate(H5S_SCALAR);
    H5Aclose(H5Acreate2(file, "note", H5T_STD_I32LE, space, H5P_DEFAULT, H5P_DEFAULT));
    hid_t dataset = H5Dopen2(file, "stem.weight", H5P_DEFAULT);
    for (int i = 0; i < 5; i++) {
        char name[8];
        snprintf(name, sizeof name, "note%d", i);
        H5Aclose(H5Acreate2(dataset, name, H5T_STD_I32LE, space, H5P_DEFAULT, H5P_DEFAULT));
    }
    H5Dclose(dataset);
    H5Sclose(space);
}

/* ---- the file around it ---- */

static char *write_sample(void)
{
    struct bd_checkpoint checkpoint;
    struct bd_error err;
    char *path = bd_asprintf("%s/net.h5", folder);
    cr_assert_eq(bd_random_checkpoint(NETWORK, 1, &checkpoint, &err), BD_OK, "%s", err.message);
    cr_assert_eq(bd_checkpoint_save(&checkpoint, path, &err), BD_OK, "%s", err.message);
    bd_checkpoint_release(&checkpoint);
    return path;
}

/* Length and checksum made right, as whoever changes a file on purpose does. */
static void seal(const char *path)
{
    struct bd_error err;
    uint8_t *bytes;
    size_t size;
    cr_assert_eq(bd_file_read(path, 1 << 24, &bytes, &size, &err), BD_OK, "%s", err.message);
    for (int i = 0; i < 8; i++) {
        bytes[16 + i] = (uint64_t)size >> (8 * i);
    }
    memset(bytes + 12, 0, 4);
    uint32_t crc = bd_crc32(bytes, size);
    memcpy(bytes + 12, &crc, 4);
    cr_assert_eq(bd_file_write(path, bytes, size, &err), BD_OK, "%s", err.message);
    free(bytes);
}

Test(checkpoint_load, what_no_checkpoint_holds_is_refused)
{
    static const struct {
        void (*change)(hid_t file);
        const char *message; /* NULL: loaded */
    } cases[] = {
        {nothing, NULL},
        {in_groups, NULL},
        {attribute, NULL},
        {soft_link, "object 'x' is a link to another name"},
        {external_link, "the HDF5 file is a group of a newer format"},
        {external_storage, "object 'x' keeps its values in another file"},
        {chunks, "object 'x' is not stored contiguously"},
        {compressed, "object 'x' is "},
        {compact, "object 'x' is not stored contiguously"},
        {other_text, "text 'x' is none that a checkpoint has"},
        {text_array, "object 'metadata.json' is neither one text nor an array"},
        {variable_text, "object 'x' is neither little-endian float32 nor fixed-size text"},
        {no_json, "text 'metadata.json' is not a JSON object"},
        {no_metadata, "text 'metadata.json' is missing"},
        {whole_numbers, "object 'x' is neither little-endian float32 nor fixed-size text"},
        {doubles, "object 'x' is neither little-endian float32 nor fixed-size text"},
        {big_endian, "object 'x' is neither little-endian float32 nor fixed-size text"},
        {scalar, "object 'x' is neither one text nor an array"},
        {five_sizes, "object 'x' has no shape of 0 to 4 sizes"},
        {named_type, "object 'x' has a shared or repeated header message"},
        {unwritten, "object 'x' "},
        {odd_name, "the HDF5 file holds a link whose name is not printable ASCII"},
        {long_name, "the HDF5 file holds a link whose name is empty, too long or outside the table of names"},
        {deep, "object 'g/g/g/g/g/g/g/g/g' lies too deep in groups"},
        {circle, "lies too deep in groups"},
        {twins, "has more values than the file holds"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bd_checkpoint checkpoint;
        struct bd_error err = {0};
        char *path = write_sample(), *start = bd_asprintf("%s: offset ", path);
        hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
        cr_assert_geq(file, 0);
        cases[i].change(file);
        cr_assert_geq(H5Fclose(file), 0);
        seal(path);
        const bd_status status = bd_checkpoint_load(&checkpoint, path, &err);
        if (cases[i].message) {
            cr_assert_eq(status, BD_BAD_INPUT, "case %zu was loaded: %s", i, cases[i].message);
            cr_assert(strstr(err.message, cases[i].message), "case %zu: '%s' lacks '%s'", i, err.message,
                      cases[i].message);
            cr_assert_eq(strncmp(err.message, start, strlen(start)), 0, "'%s'", err.message);
        } else {
            cr_assert_eq(status, BD_OK, "case %zu: %s", i, err.message);
            bd_checkpoint_release(&checkpoint);
        }
        free(path);
        free(start);
    }
}

/* The format that another version of the library, or h5py with libver='latest', would write. */
Test(checkpoint_load, newer_formats_are_refused)
{
    struct bd_checkpoint checkpoint;
    struct bd_error err = {0};
    char *path = write_sample();
    hid_t access = H5Pcreate(H5P_FILE_ACCESS), creation = H5Pcreate(H5P_FILE_CREATE);
    H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
    H5Pset_userblock(creation, 512);
    uint8_t *block;
    size_t size;
    cr_assert_eq(bd_file_read(path, 1 << 24, &block, &size, &err), BD_OK);
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, creation, access);
    add_simple(file, "x", H5T_IEEE_F32LE, 1);
    H5Fclose(file);
    H5Pclose(access);
    H5Pclose(creation);
    FILE *stream = fopen(path, "r+b");
    cr_assert(stream && fwrite(block, 1, 512, stream) == 512 && fclose(stream) == 0);
    seal(path);
    cr_assert_eq(bd_checkpoint_load(&checkpoint, path, &err), BD_BAD_INPUT);
    cr_assert(strstr(err.message, "is not of the earliest format (superblock version 0"), "%s", err.message);
    free(block);
    free(path);
}

/* By name and place, when read and when saved; what was saved before stays. */
Test(checkpoint_load, values_that_are_not_finite_are_refused)
{
    static const struct {
        const char *array;
        int64_t at;
        float value;
        const char *shown;
    } cases[] = {{"stem.weight", 3, NAN, "nan"},
                 {"s1b1.conv1.w1a1.var", 0, INFINITY, "inf"},
                 {"fc.bias", 9, -INFINITY, "-inf"},
                 {"stem.scale", 0, NAN, "nan"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bd_checkpoint checkpoint, read;
        struct bd_error err;
        char *path = write_sample();
        size_t size, size_after;
        uint8_t *before, *after;
        cr_assert_eq(bd_checkpoint_load(&checkpoint, path, &err), BD_OK, "%s", err.message);
        cr_assert_eq(bd_file_read(path, 1 << 24, &before, &size, &err), BD_OK);
        bd_checkpoint_find(&checkpoint, "%s", cases[i].array)->data[cases[i].at] = cases[i].value;
        cr_assert_eq(bd_checkpoint_save(&checkpoint, path, &err), BD_FAIL);
        char *message =
            bd_asprintf("array '%s' holds %s at index %d", cases[i].array, cases[i].shown, (int)cases[i].at);
        cr_assert(strstr(err.message, message), "'%s' lacks '%s'", err.message, message);
        cr_assert_eq(bd_file_read(path, 1 << 24, &after, &size_after, &err), BD_OK);
        cr_assert(size == size_after && !memcmp(before, after, size), "a refused checkpoint was written");

        hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
        hid_t dataset = H5Dopen2(file, cases[i].array, H5P_DEFAULT);
        const struct bd_array *array = bd_checkpoint_find(&checkpoint, "%s", cases[i].array);
        cr_assert_geq(H5Dwrite(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, array->data), 0);
        H5Dclose(dataset);
        H5Fclose(file);
        seal(path);
        cr_assert_eq(bd_checkpoint_load(&read, path, &err), BD_BAD_INPUT);
        cr_assert(strstr(err.message, message), "'%s' lacks '%s'", err.message, message);
        bd_checkpoint_release(&checkpoint);
        free(before);
        free(after);
        free(message);
        free(path);
    }
}
