/* Labelled images in memory, and the fixed split of Fashion-MNIST.
 *
 * images: (count, height, width, channels) uint8, raw pixels 0..255; labels: (count) uint16, 0 .. classes-1.
 * The split never changes: the 60,000 training images are shuffled once with BD_SPLIT_SEED; the first 55,000 are
 * `train`, the last 5,000 are `validation` (never trained on); `test` is the data set's own 10,000, in file order. */
#ifndef BD_DATA_DATASET_H
#define BD_DATA_DATASET_H

#include <stddef.h>
#include <stdint.h>

#include "model/core/error.h"

#define BD_SPLIT_SEED 20170825u
#define BD_VALIDATION_COUNT 5000u
#define BD_FASHION_MNIST_FOLDER "/usr/share/datasets/fashion-mnist"

enum bd_split { BD_SPLIT_TRAIN, BD_SPLIT_VALIDATION, BD_SPLIT_TEST };

struct bd_dataset {
    uint32_t count, height, width, channels, classes;
    uint8_t *images;  /* (count, height, width, channels), owned */
    uint16_t *labels; /* (count), owned */
};

/* Loads one split. `folder` NULL: the environment's BITDIAL_DATA, else BD_FASHION_MNIST_FOLDER. Only the files that
 * the split needs are read. Malformed files are BD_BAD_INPUT with "path: offset N: ..."; on failure nothing is held. */
bd_status bd_dataset_load(struct bd_dataset *dataset, const char *folder, enum bd_split split, struct bd_error *err)
    BD_WARN_UNUSED;

/* The same split of any labelled training set: a seeded shuffle whose last `validation_count` images go to
 * *validation and the others to *train. Copies; `whole` stays the caller's. validation_count <= whole->count. */
void bd_dataset_split(const struct bd_dataset *whole, uint32_t validation_count, uint64_t seed,
                      struct bd_dataset *train, struct bd_dataset *validation);

void bd_dataset_release(struct bd_dataset *dataset);

/* One image: height * width * channels bytes. */
static inline const uint8_t *bd_dataset_image(const struct bd_dataset *dataset, uint32_t index)
{
    return dataset->images + (size_t)index * dataset->height * dataset->width * dataset->channels;
}

#endif
