/* Labelled images of the data sets that Bitdial knows, split into training, validation and test.
 *
 * images: (count, height, width, channels) uint8, raw pixels 0..255; labels: (count) uint16, 0 .. classes-1.
 * A set whose images do not fit in memory has `files` instead of `images`: its images are decoded when asked for, by
 * bd_dataset_read in the form for evaluation, by the batch reader (batch.h) in the form for training.
 *
 * Validation images are held out of the training images, which are shuffled once with BD_SPLIT_SEED: the last
 * `validation` of them are `validation` (never trained on), the others `train`. `test` is the data set's own, in file
 * order; Tiny ImageNet and ImageNet publish no labels for theirs, so that their validation folder is `test` here. */
#ifndef BD_DATA_DATASET_H
#define BD_DATA_DATASET_H

#include <stddef.h>
#include <stdint.h>

#include "model/core/error.h"
#include "model/core/yaml.h"

#define BD_SPLIT_SEED 20170825u
#define BD_FASHION_MNIST_FOLDER "/usr/share/datasets/fashion-mnist"

enum bd_split { BD_SPLIT_TRAIN, BD_SPLIT_VALIDATION, BD_SPLIT_TEST };
extern const char *const bd_split_names[3];

enum bd_data_kind {
    BD_DATA_FASHION_MNIST,
    BD_DATA_CIFAR10,
    BD_DATA_CIFAR100, /* its 100 fine classes */
    BD_DATA_TINY_IMAGENET,
    BD_DATA_IMAGENET, /* any set in ImageNet's folder layout */
    BD_DATA_KINDS,
};
#define BD_DATA_CHOICES "fashion-mnist|cifar10|cifar100|tiny-imagenet|imagenet"

/* Which data set, and where. All zero but `validation` -1 is Fashion-MNIST where Debian puts it. */
struct bd_data_spec {
    int kind;           /* enum bd_data_kind */
    char *folder;       /* NULL: the environment's BITDIAL_DATA, else the kind's own (bd_data_about) */
    int64_t validation; /* images held out; -1: the kind's own number */
    int64_t size;       /* side of the images, where they are cut to size (imagenet alone); 0: 224 */
};

/* The rows of a `data:` mapping, bound to a struct bd_data_spec. */
extern const struct bd_field bd_data_fields[];

/* What is known of a kind before any file is read. */
struct bd_data_about {
    const char *name, *title, *home; /* `home`: the page that offers the files */
    const char *folder;              /* where they are sought by default */
    const char *layout;              /* what is in it, for a message */
    uint32_t validation;             /* held out by default */
};
const struct bd_data_about *bd_data_about(int kind);
/* The kind of a name, or -1. */
int bd_data_kind(const char *name);

/* The folder that a spec means. */
const char *bd_data_folder(const struct bd_data_spec *spec);

struct bd_image_files; /* image_files.h */

struct bd_dataset {
    uint32_t count, height, width, channels, classes;
    uint8_t *images;              /* (count, height, width, channels), owned; NULL: see `files` */
    uint16_t *labels;             /* (count), owned */
    struct bd_image_files *files; /* (count), owned; NULL for a set in memory */
};

/* Opens one split and reads its labels and, for a set in memory, its images. Missing files are BD_BAD_INPUT with a
 * message that says what to put where; malformed ones with "path: offset N: ...". On failure nothing is held. */
bd_status bd_dataset_open(struct bd_dataset *dataset, const struct bd_data_spec *spec, enum bd_split split,
                          struct bd_error *err) BD_WARN_UNUSED;

/* Fashion-MNIST: as bd_dataset_open with this folder. */
bd_status bd_dataset_load(struct bd_dataset *dataset, const char *folder, enum bd_split split, struct bd_error *err)
    BD_WARN_UNUSED;

/* Copies or decodes images first .. first+count-1 to out (count, height, width, channels), by all threads. */
bd_status bd_dataset_read(const struct bd_dataset *dataset, uint32_t first, uint32_t count, uint8_t *out,
                          struct bd_error *err) BD_WARN_UNUSED;

/* Decodes the first `count` images of a set in files into memory and drops the others; of a set in memory it drops
 * nothing. 1 <= count <= dataset->count. */
bd_status bd_dataset_keep(struct bd_dataset *dataset, uint32_t count, struct bd_error *err) BD_WARN_UNUSED;

/* Reads every file of a set to its end and tells each thing that is wrong, in a fixed order, as a message with path and
 * offset. BD_BAD_INPUT only where the set cannot be read as one; `checked` counts images (records, files). */
bd_status bd_dataset_check(const struct bd_data_spec *spec, void (*bad)(void *context, const char *message),
                           void *context, uint64_t *checked, struct bd_error *err) BD_WARN_UNUSED;

/* CRC-32 over shape, images and labels; of a set in files over their names and lengths instead of the images. */
uint32_t bd_dataset_checksum(const struct bd_dataset *dataset);

void bd_dataset_release(struct bd_dataset *dataset);

/* One image of a set in memory: height * width * channels bytes. */
static inline const uint8_t *bd_dataset_image(const struct bd_dataset *dataset, uint32_t index)
{
    return dataset->images + (size_t)index * dataset->height * dataset->width * dataset->channels;
}

#endif
