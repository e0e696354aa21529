/* The data set as installed, the split, and IDX files that are wrong in every way they can be. */
#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "model/core/file.h"
#include "model/core/memory.h"
#include "model/data/dataset.h"
#include "model/data/idx.h"
#include "model/data/loaders.h"
#include "tests/support/temporary_folder.h"

TestSuite(data_idx, .init = make_folder, .fini = remove_folder);

/* Two images of 2x3 pixels. */
static const uint8_t good[] = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
static const uint32_t any[4] = {0};

/* Compresses to `path`, returns the compressed bytes. */
static uint8_t *write_gzip(const char *path, const uint8_t *data, size_t size, size_t *packed)
{
    struct bd_error err;
    uint8_t *bytes;
    gzFile file = gzopen(path, "wb");
    cr_assert(file && gzwrite(file, data, size) == (int)size && gzclose(file) == Z_OK);
    cr_assert_eq(bd_file_read(path, 1 << 20, &bytes, packed, &err), BD_OK);
    return bytes;
}

static void expect(const char *path, int rank, const uint32_t *shape, const char *message)
{
    struct bd_idx idx;
    struct bd_error err = {0};
    bd_status status = bd_idx_load(&idx, path, rank, shape, &err);
    char *expected = bd_asprintf("%s: %s", path, message);
    cr_assert_eq(status, BD_BAD_INPUT, "no refusal where expected: %s", message);
    cr_assert_str_eq(err.message, expected, "%s", err.message);
    cr_assert_null(idx.data);
    free(expected);
}

Test(data_idx, reads_what_is_right)
{
    struct bd_idx idx;
    struct bd_error err = {0};
    char *path = bd_asprintf("%s/a.gz", folder);
    size_t packed;
    free(write_gzip(path, good, sizeof good, &packed));
    const uint32_t shape[] = {2, 0, 3};
    cr_assert_eq(bd_idx_load(&idx, path, 3, shape, &err), BD_OK, "%s", err.message);
    cr_assert(idx.rank == 3 && idx.shape[0] == 2 && idx.shape[1] == 2 && idx.shape[2] == 3 && idx.count == 12);
    cr_assert_eq(memcmp(idx.data, good + 16, 12), 0);
    free(idx.data);
    free(path);
}

Test(data_idx, refuses_with_offset)
{
    static const struct {
        size_t size; /* bytes of `good` that are written */
        int at;      /* the byte that is changed */
        uint8_t to;
        const char *message;
    } cases[] = {
        {28, 2, 9, "offset 0: the magic number must be 0x00000803 (unsigned bytes of rank 3), got 0x00000903"},
        {28, 3, 1, "offset 0: the magic number must be 0x00000803 (unsigned bytes of rank 3), got 0x00000801"},
        {28, 0, 1, "offset 0: the magic number must be 0x00000803 (unsigned bytes of rank 3), got 0x01000803"},
        {28, 7, 0, "offset 4: dimension 0 is 0"},
        {28, 15, 4, "offset 12: dimension 2 must be 3, got 4"},
        {28, 4, 255, "offset 4: the dimensions ask for more than 268435456 bytes"},
        {28, 7, 3, "offset 28: the file ends after 12 of 18 elements"},
        {28, 11, 1, "offset 22: extra bytes follow the 6 elements"},
        {27, 0, 0, "offset 27: the file ends after 11 of 12 elements"},
        {16, 0, 0, "offset 16: the file ends after 0 of 12 elements"},
        {14, 0, 0, "offset 14: the file ends within its dimensions"},
        {3, 0, 0, "offset 3: the file ends within its magic number"},
        {0, 0, 0, "offset 0: the file ends within its magic number"},
    };
    char *path = bd_asprintf("%s/a.gz", folder);
    const uint32_t shape[] = {0, 0, 3};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t bytes[sizeof good];
        memcpy(bytes, good, sizeof good);
        bytes[cases[i].at] = cases[i].to;
        size_t packed;
        free(write_gzip(path, bytes, cases[i].size, &packed));
        expect(path, 3, shape, cases[i].message);
    }
    free(path);
}

Test(data_idx, refuses_damaged_gzip)
{
    struct bd_error err;
    char *path = bd_asprintf("%s/a.gz", folder);
    size_t packed;
    uint8_t *bytes = write_gzip(path, good, sizeof good, &packed);
    uint8_t *longer = bd_xcalloc(1, packed + 5);
    memcpy(longer, bytes, packed);

    cr_assert_eq(bd_file_write(path, longer, packed + 5, &err), BD_OK);
    expect(path, 3, any, "offset 28: 5 extra bytes follow the gzip stream");
    cr_assert_eq(bd_file_write(path, bytes, packed - 1, &err), BD_OK);
    expect(path, 3, any, "offset 28: the gzip stream is cut off");
    cr_assert_eq(bd_file_write(path, bytes, 5, &err), BD_OK);
    expect(path, 3, any, "offset 0: the gzip stream is cut off");
    cr_assert_eq(bd_file_write(path, good, sizeof good, &err), BD_OK);
    expect(path, 3, any, "offset 0: corrupt gzip stream: incorrect header check");
    bytes[packed - 8] ^= 1;
    cr_assert_eq(bd_file_write(path, bytes, packed, &err), BD_OK);
    expect(path, 3, any, "offset 28: corrupt gzip stream: incorrect data check");
    /* Any one flipped bit of the body or trailer is noticed, unless it is padding and changes nothing. */
    bytes[packed - 8] ^= 1;
    int harmless = 0;
    for (size_t bit = 10 * 8; bit < packed * 8; bit++) {
        struct bd_idx idx;
        bytes[bit / 8] ^= 1 << bit % 8;
        cr_assert_eq(bd_file_write(path, bytes, packed, &err), BD_OK);
        if (bd_idx_load(&idx, path, 3, any, &err) == BD_OK) {
            cr_assert_eq(memcmp(idx.data, good + 16, 12), 0, "bit %zu", bit);
            free(idx.data);
            harmless++;
        }
        bytes[bit / 8] ^= 1 << bit % 8;
    }
    cr_assert_lt(harmless, 8);
    free(longer);
    free(bytes);
    free(path);
}

/* A whole folder in the true format, then with one label out of range. */
Test(data_idx, test_split_of_a_folder)
{
    struct bd_error err = {0};
    struct bd_dataset set;
    const size_t pixels = 10000 * 784;
    uint8_t *images = bd_xcalloc(1, 16 + pixels), *labels = bd_xcalloc(1, 8 + 10000);
    memcpy(images, (uint8_t[]){0, 0, 8, 3, 0, 0, 0x27, 0x10, 0, 0, 0, 28, 0, 0, 0, 28}, 16);
    memcpy(labels, (uint8_t[]){0, 0, 8, 1, 0, 0, 0x27, 0x10}, 8);
    for (int i = 0; i < 10000; i++) {
        images[16 + i * 784] = i & 0xff;
        labels[8 + i] = i % 10;
    }
    char *images_path = bd_asprintf("%s/t10k-images-idx3-ubyte.gz", folder);
    char *labels_path = bd_asprintf("%s/t10k-labels-idx1-ubyte.gz", folder);
    size_t packed;
    free(write_gzip(images_path, images, 16 + pixels, &packed));
    cr_assert_eq(bd_dataset_load(&set, folder, BD_SPLIT_TEST, &err), BD_BAD_INPUT, "the labels are missing");
    cr_assert_null(set.images);
    free(write_gzip(labels_path, labels, 8 + 10000, &packed));
    cr_assert_eq(setenv("BITDIAL_DATA", folder, 1), 0);
    cr_assert_eq(bd_dataset_load(&set, NULL, BD_SPLIT_TEST, &err), BD_OK, "%s", err.message);
    cr_assert(set.count == 10000 && set.height == 28 && set.width == 28 && set.channels == 1 && set.classes == 10);
    cr_assert_eq(bd_dataset_image(&set, 300)[0], 44);
    cr_assert_eq(set.labels[307], 7);
    bd_dataset_release(&set);

    labels[8 + 77] = 10;
    free(write_gzip(labels_path, labels, 8 + 10000, &packed));
    cr_assert_eq(bd_dataset_load(&set, folder, BD_SPLIT_TEST, &err), BD_BAD_INPUT);
    char *expected = bd_asprintf("%s: offset 85: label 10 of image 77 must be 0..9", labels_path);
    cr_assert_str_eq(err.message, expected, "%s", err.message);
    free(expected);
    free(images_path);
    free(labels_path);
    free(images);
    free(labels);
}

/* The split is part of every published figure: it must never move. The checksums are of the pixels and labels in
 * the order of the split, and of the test set in file order; a second implementation (Python, with the published
 * generator) gave the same. */
Test(data_split, fashion_mnist_is_what_it_was)
{
    static const struct {
        enum bd_split split;
        uint32_t count, images, labels;
    } expected[] = {
        {BD_SPLIT_TRAIN, 55000, 0x18143c29u, 0xc03d7f74u},
        {BD_SPLIT_VALIDATION, 5000, 0xc5b28a80u, 0xe343548du},
        {BD_SPLIT_TEST, 10000, 0x12728439u, 0x242bc73fu},
    };
    for (int i = 0; i < 3; i++) {
        struct bd_dataset set;
        struct bd_error err = {0};
        cr_assert_eq(bd_dataset_load(&set, BD_FASHION_MNIST_FOLDER, expected[i].split, &err), BD_OK, "%s", err.message);
        cr_assert_eq(set.count, expected[i].count);
        cr_assert_eq(bd_crc32(set.images, (size_t)set.count * 784), expected[i].images);
        uint8_t *bytes = bd_xmalloc(set.count); /* as in the files */
        for (uint32_t k = 0; k < set.count; k++) {
            bytes[k] = set.labels[k];
        }
        uint32_t labels = bd_crc32(bytes, set.count);
        free(bytes);
        cr_assert_eq(labels, expected[i].labels, "split %d: labels 0x%08x", i, labels);
        bd_dataset_release(&set);
    }
}

/* Every image goes to one side, and the order is shuffled. */
Test(data_split, is_a_partition)
{
    enum { N = 1000, HELD = 100 };
    bool seen[N] = {false};
    uint32_t moved = 0;
    for (int split = BD_SPLIT_TRAIN; split <= BD_SPLIT_VALIDATION; split++) {
        uint32_t count, *order = bd_split_order(N, HELD, split, &count);
        cr_assert_eq(count, split == BD_SPLIT_TRAIN ? N - HELD : HELD);
        for (uint32_t i = 0; i < count; i++) {
            cr_assert(order[i] < N && !seen[order[i]]);
            seen[order[i]] = true;
            moved += order[i] != i + (split == BD_SPLIT_TRAIN ? 0 : N - HELD);
        }
        free(order);
    }
    cr_assert_gt(moved, 900);
    uint32_t count, *order = bd_split_order(N, HELD, BD_SPLIT_TEST, &count);
    cr_assert(count == N && order[0] == 0 && order[N - 1] == N - 1, "test images stay in file order");
    free(order);
}
