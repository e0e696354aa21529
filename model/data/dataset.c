#include "model/data/dataset.h"

#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/core/rng.h"
#include "model/data/idx.h"

#define FASHION_CLASSES 10
#define FASHION_SIDE 28
#define TRAIN_COUNT 60000
#define TEST_COUNT 10000

static size_t image_size(const struct bd_dataset *set)
{
    return (size_t)set->height * set->width * set->channels;
}

/* Offset of the first label in an IDX file of rank 1: magic and one dimension. */
#define LABEL_OFFSET 8

static bd_status load_labels(const char *path, uint32_t count, uint32_t classes, uint16_t **labels,
                             struct bd_error *err)
{
    struct bd_idx idx;
    bd_status status = bd_idx_load(&idx, path, 1, &count, err);
    if (status != BD_OK) {
        return status;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (idx.data[i] >= classes) {
            bd_fail(err, BD_BAD_INPUT, "%s: offset %u: label %u of image %u must be 0..%u", path, LABEL_OFFSET + i,
                    idx.data[i], i, classes - 1);
            free(idx.data);
            return BD_BAD_INPUT;
        }
    }
    *labels = bd_xcalloc(count, sizeof **labels);
    for (uint32_t i = 0; i < count; i++) {
        (*labels)[i] = idx.data[i];
    }
    free(idx.data);
    return BD_OK;
}

/* One pair of files, <stem>-images-idx3-ubyte.gz and <stem>-labels-idx1-ubyte.gz. */
static bd_status load_pair(struct bd_dataset *set, const char *folder, const char *stem, uint32_t count,
                           struct bd_error *err)
{
    const uint32_t shape[3] = {count, FASHION_SIDE, FASHION_SIDE};
    char *images_path = bd_asprintf("%s/%s-images-idx3-ubyte.gz", folder, stem);
    char *labels_path = bd_asprintf("%s/%s-labels-idx1-ubyte.gz", folder, stem);
    struct bd_idx images;
    bd_status status = bd_idx_load(&images, images_path, 3, shape, err);
    if (status == BD_OK) {
        *set = (struct bd_dataset){count, FASHION_SIDE, FASHION_SIDE, 1, FASHION_CLASSES, images.data, NULL};
        status = load_labels(labels_path, count, FASHION_CLASSES, &set->labels, err);
    }
    if (status != BD_OK) {
        bd_dataset_release(set);
    }
    free(images_path);
    free(labels_path);
    return status;
}

bd_status bd_dataset_load(struct bd_dataset *dataset, const char *folder, enum bd_split split, struct bd_error *err)
{
    *dataset = (struct bd_dataset){0};
    if (!folder) {
        const char *named = getenv("BITDIAL_DATA");
        folder = named && *named ? named : BD_FASHION_MNIST_FOLDER;
    }
    if (split == BD_SPLIT_TEST) {
        return load_pair(dataset, folder, "t10k", TEST_COUNT, err);
    }
    struct bd_dataset whole = {0}, train, validation;
    bd_status status = load_pair(&whole, folder, "train", TRAIN_COUNT, err);
    if (status != BD_OK) {
        return status;
    }
    bd_dataset_split(&whole, BD_VALIDATION_COUNT, BD_SPLIT_SEED, &train, &validation);
    bd_dataset_release(&whole);
    *dataset = split == BD_SPLIT_TRAIN ? train : validation;
    bd_dataset_release(split == BD_SPLIT_TRAIN ? &validation : &train);
    return BD_OK;
}

/* The images that `index` names, in its order. */
static void gather(const struct bd_dataset *whole, const uint32_t *index, uint32_t count, struct bd_dataset *out)
{
    size_t size = image_size(whole);
    *out = *whole;
    out->count = count;
    out->images = bd_xcalloc(count, size);
    out->labels = bd_xcalloc(count, sizeof *out->labels);
    for (uint32_t i = 0; i < count; i++) {
        memcpy(out->images + i * size, bd_dataset_image(whole, index[i]), size);
        out->labels[i] = whole->labels[index[i]];
    }
}

void bd_dataset_split(const struct bd_dataset *whole, uint32_t validation_count, uint64_t seed,
                      struct bd_dataset *train, struct bd_dataset *validation)
{
    uint32_t *index = bd_xcalloc(whole->count, sizeof *index);
    for (uint32_t i = 0; i < whole->count; i++) {
        index[i] = i;
    }
    struct bd_rng rng;
    bd_rng_seed(&rng, seed);
    bd_rng_shuffle(&rng, index, whole->count);
    uint32_t train_count = whole->count - validation_count;
    gather(whole, index, train_count, train);
    gather(whole, index + train_count, validation_count, validation);
    free(index);
}

void bd_dataset_release(struct bd_dataset *dataset)
{
    free(dataset->images);
    free(dataset->labels);
    *dataset = (struct bd_dataset){0};
}
