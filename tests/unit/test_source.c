/* Images from .npy files, noise and folders whose kind is found out. The files are written here, byte by byte. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/core/memory.h"
#include "model/data/npy.h"
#include "model/data/source.h"
#include "tests/support/temporary_folder.h"

TestSuite(source, .init = make_folder, .fini = remove_folder);

/* A .npy file of version `version` with this dictionary and `count` bytes of data, 0, 1, 2, ... */
static char *write_npy(int version, const char *dictionary, size_t count)
{
    char *path = bd_asprintf("%s/a.npy", folder);
    FILE *file = fopen(path, "wb");
    size_t length = strlen(dictionary);
    fwrite("\x93NUMPY", 1, 6, file);
    fputc(version, file);
    fputc(0, file);
    for (int i = 0; i < (version == 1 ? 2 : 4); i++) {
        fputc((int)(length >> 8 * i & 255), file);
    }
    fwrite(dictionary, 1, length, file);
    for (size_t i = 0; i < count; i++) {
        fputc((int)(i & 255), file);
    }
    fclose(file);
    return path;
}

Test(source, npy_images_of_every_format_are_what_was_written)
{
    static const struct {
        const char *dictionary;
        uint32_t shape[4];
    } cases[] = {
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3, 5, 3), }           \n", {2, 3, 5, 3}},
        {"{'shape':(4,1,7),'fortran_order':False,'descr':\"|u1\"}", {4, 1, 7, 1}},
        {"{'descr': '|u1', 'shape': (1, 2, 2, 1,), 'fortran_order': False}\n", {1, 2, 2, 1}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int version = 1; version <= 3; version++) {
            const uint32_t *n = cases[i].shape;
            struct bd_dataset set = {0};
            struct bd_error err;
            char *path = write_npy(version, cases[i].dictionary, n[0] * n[1] * n[2] * n[3]);
            cr_assert_eq(bd_npy_images(path, &set, &err), BD_OK, "%s", err.message);
            cr_assert(set.count == n[0] && set.height == n[1] && set.width == n[2] && set.channels == n[3]);
            for (uint32_t k = 0; k < n[0] * n[1] * n[2] * n[3]; k++) {
                cr_assert_eq(set.images[k], k & 255);
            }
            bd_dataset_release(&set);
            free(path);
        }
    }
}

Test(source, a_npy_file_that_is_not_images_is_refused_by_name)
{
    static const struct {
        const char *dictionary;
        size_t bytes;
        const char *text;
    } cases[] = {
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3, 5, 3), }\n", 89, "not of the size"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3, 5, 3), }\n", 91, "not of the size"},
        {"{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3, 5, 3), }\n", 90, "Fortran order"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3, 5), }\n", 120, "'<f4'"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }\n", 6, "2 dimensions"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (0, 3, 3), }\n", 0, "a dimension is 0"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (4294967295, 4294967295, 4294967295, 2), }\n", 2,
         "not of the size"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999999999, 1, 1), }\n", 2, "no dictionary"},
        {"{'descr': '|u1', 'fortran_order': False}\n", 2, "no dictionary"},
        {"{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': (1, 1, 2)}\n", 2, "no dictionary"},
        {"{'descr': [('a', '<i4')], 'fortran_order': False, 'shape': (1, 1, 2)}\n", 2, "no dictionary"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (1, 1, 2)} + 1\n", 2, "no dictionary"},
        {"", 0, "no dictionary"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bd_dataset set = {0};
        struct bd_error err;
        char *path = write_npy(1, cases[i].dictionary, cases[i].bytes);
        cr_assert_eq(bd_npy_images(path, &set, &err), BD_BAD_INPUT, "case %zu", i);
        cr_assert(strstr(err.message, path) && strstr(err.message, cases[i].text), "case %zu: %s", i, err.message);
        cr_assert_null(set.images);
        free(path);
    }
}

Test(source, labels_are_integers_below_the_classes_one_an_image)
{
    struct bd_error err;
    static const struct {
        const char *dictionary;
        size_t bytes;
        uint32_t classes;
        const char *text; /* of the refusal, or NULL */
    } cases[] = {
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (3,)}", 3, 3, NULL},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (3,)}", 3, 2, "offset 67: label 2 is not below 2"},
        {"{'descr': '<i2', 'fortran_order': False, 'shape': (3,)}", 6, 65535, NULL},
        {"{'descr': '>i2', 'fortran_order': False, 'shape': (3,)}", 6, 65535, "little-endian"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (4,)}", 4, 9, "4 labels, but 3 images"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (3, 1)}", 3, 9, "one dimension"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bd_dataset set = {.count = 3, .classes = cases[i].classes};
        char *path = write_npy(1, cases[i].dictionary, cases[i].bytes);
        bd_status status = bd_npy_labels(path, &set, &err);
        cr_assert_eq(status, cases[i].text ? BD_BAD_INPUT : BD_OK, "case %zu: %s", i, err.message);
        cr_assert(status == BD_OK || strstr(err.message, cases[i].text), "case %zu: %s", i, err.message);
        for (int k = 0; k < 3 && status == BD_OK; k++) { /* bytes 0, 1, 2, 3, ... */
            cr_assert_eq(set.labels[k], cases[i].bytes == 3 ? k : 2 * k + 256 * (2 * k + 1));
        }
        free(set.labels);
        free(path);
    }
}

Test(source, a_kind_is_found_by_the_folder_then_by_the_shape)
{
    static const struct {
        const char *file; /* that the folder holds, or NULL: no folder is named */
        uint32_t side, channels, classes;
        int kind; /* or -1: refused */
    } cases[] = {
        {"t10k-images-idx3-ubyte.gz", 9, 3, 2, BD_DATA_FASHION_MNIST},
        {"test_batch.bin", 9, 3, 2, BD_DATA_CIFAR10},
        {"train.bin", 9, 3, 2, BD_DATA_CIFAR100},
        {"wnids.txt", 9, 3, 2, BD_DATA_TINY_IMAGENET},
        {"val", 9, 3, 2, BD_DATA_IMAGENET},
        {"photograph.jpg", 28, 1, 10, -1},
        {NULL, 28, 1, 10, BD_DATA_FASHION_MNIST},
        {NULL, 32, 3, 10, BD_DATA_CIFAR10},
        {NULL, 32, 3, 100, BD_DATA_CIFAR100},
        {NULL, 64, 3, 200, BD_DATA_TINY_IMAGENET},
        {NULL, 224, 3, 1000, BD_DATA_IMAGENET},
        {NULL, 28, 3, 10, -1},
    };
    unsetenv("BITDIAL_DATA");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *told = NULL, *path = bd_asprintf("%s/%s", folder, cases[i].file ? cases[i].file : "");
        struct bd_data_spec spec = {.kind = BD_DATA_ANY, .folder = cases[i].file ? folder : NULL};
        const struct bd_image_shape shape = {"n", cases[i].side, cases[i].side, cases[i].channels, cases[i].classes, 8};
        struct bd_error err;
        if (cases[i].file) {
            fclose(fopen(path, "w"));
        }
        bd_status status = bd_data_resolve(&spec, &shape, &told, &err);
        cr_assert_eq(status, cases[i].kind < 0 ? BD_BAD_INPUT : BD_OK, "case %zu: %s", i, err.message);
        if (status == BD_OK) {
            cr_assert_eq(spec.kind, cases[i].kind, "case %zu", i);
            cr_assert(strstr(told, bd_data_about(spec.kind)->name) && strstr(told, "found by"), "%s", told);
            cr_assert_eq(spec.size, spec.kind == BD_DATA_IMAGENET ? cases[i].side : 0);
        }
        unlink(path);
        free(path);
        free(told);
    }
}

Test(source, noise_is_a_function_of_seed_and_number)
{
    const struct bd_image_shape shape = {"n", 3, 4, 2, 5, 4};
    struct bd_error err;
    struct bd_dataset whole, part;
    char *told;
    struct bd_image_source source = {.noise = true, .seed = 9, .count = 6};
    cr_assert_eq(bd_images_open(&whole, &source, &shape, 0, &told, &err), BD_OK);
    cr_assert_str_eq(told, "noise of 3x4x2, seed 9");
    free(told);
    bool differ = false;
    for (int i = 0; i < 6 * 24; i++) {
        cr_assert_lt(whole.images[i], 16);
        differ |= whole.images[i] != whole.images[0];
    }
    cr_assert(differ);
    source.first = 4;
    source.count = 2;
    cr_assert_eq(bd_images_open(&part, &source, &shape, 0, &told, &err), BD_OK);
    cr_assert_eq(memcmp(part.images, bd_dataset_image(&whole, 4), 2 * 24), 0);
    free(told);
    bd_dataset_release(&part);
    bd_dataset_release(&whole);
}

Test(source, a_part_of_an_array_keeps_its_labels_and_none_beyond_its_end_exists)
{
    char *told;
    char *path = write_npy(1, "{'descr': '|u1', 'fortran_order': False, 'shape': (6, 2, 2)}", 24);
    const struct bd_image_shape shape = {"n", 2, 2, 1, 9, 8}, other = {"n", 2, 3, 1, 9, 8};
    struct bd_image_source source = {.array = path, .first = 2, .count = 3};
    struct bd_dataset set;
    struct bd_error err;
    cr_assert_eq(bd_images_open(&set, &source, &shape, 0, &told, &err), BD_OK, "%s", err.message);
    cr_assert(set.count == 3 && set.images[0] == 8 && set.images[11] == 19 && !set.labels);
    free(told);
    bd_dataset_release(&set);
    cr_assert_eq(bd_images_open(&set, &source, &other, 0, &told, &err), BD_BAD_INPUT);
    cr_assert(strstr(err.message, "takes images of 2x3x1") && strstr(err.message, "are 2x2x1"), "%s", err.message);
    source.count = 5;
    cr_assert_eq(bd_images_open(&set, &source, &shape, 0, &told, &err), BD_BAD_INPUT);
    cr_assert(strstr(err.message, "images 2..6 do not exist: there are 6"), "%s", err.message);
    free(path);
}
