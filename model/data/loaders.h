/* The readers behind bd_dataset_open and bd_dataset_check. */
#ifndef BD_DATA_LOADERS_H
#define BD_DATA_LOADERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/core/error.h"
#include "model/data/dataset.h"
#include "model/data/image_files.h"

/* Whether the training or test part of a set is there. */
bd_status bd_data_present(const struct bd_data_spec *spec, bool test, struct bd_error *err) BD_WARN_UNUSED;

/* Where the images of a whole go: images[place[i]] is number i, BD_NOWHERE is left out. */
#define BD_NOWHERE UINT32_MAX

/* The order of a split: split[k] is a number 0..total-1; *count of them. The caller frees. */
uint32_t *bd_split_order(uint32_t total, uint32_t validation, enum bd_split split, uint32_t *count);

/* A record of CIFAR: `label_bytes` (1; 2: coarse, fine; the last counts) and 3 x 32 x 32 bytes: a red, a green and a
 * blue plane. */
struct bd_cifar_form {
    int label_bytes;
    uint32_t limits[2]; /* each label is below its own */
};
extern const struct bd_cifar_form bd_cifar10_form, bd_cifar100_form;
#define BD_CIFAR_SIDE 32
#define BD_TINY_SIDE 64

/* One file of `records` records; record i becomes image place[i] of the data set. place NULL: checks alone. */
bd_status bd_cifar_read(const char *path, const struct bd_cifar_form *form, uint32_t records, const uint32_t *place,
                        struct bd_dataset *dataset, struct bd_error *err) BD_WARN_UNUSED;

/* `file` counts from 0; the caller frees. */
char *bd_cifar_path(const struct bd_data_spec *spec, bool test, uint32_t file);

/* Every image of the training or test part of tiny-imagenet or imagenet. */
bd_status bd_data_list(struct bd_listing *listing, const struct bd_data_spec *spec, bool test, struct bd_error *err)
    BD_WARN_UNUSED;

/* Fashion-MNIST's two files of 60,000 or 10,000 images. */
bd_status bd_fashion_read(struct bd_dataset *whole, const char *folder, bool test, struct bd_error *err) BD_WARN_UNUSED;

#endif
