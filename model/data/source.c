#include "model/data/source.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "model/core/memory.h"
#include "model/core/rng.h"
#include "model/data/loaders.h"
#include "model/data/npy.h"

struct bd_image_shape bd_graph_shape(const struct bd_graph *graph)
{
    return (struct bd_image_shape){.network = graph->name,
                                   .height = (uint32_t)graph->input_height,
                                   .width = (uint32_t)graph->input_width,
                                   .channels = (uint32_t)graph->input_channels,
                                   .classes = (uint32_t)graph->classes,
                                   .bits = 8};
}

/* ---- which kind ---- */

static bool holds(const char *folder, const char *name)
{
    char *path = bd_asprintf("%s/%s", folder, name);
    struct stat about;
    bool there = stat(path, &about) == 0;
    free(path);
    return there;
}

/* By what only this kind has; tiny-imagenet, which has imagenet's folders too, comes before it. */
static const struct {
    enum bd_data_kind kind;
    const char *marks[3];
} signs[] = {
    {BD_DATA_FASHION_MNIST, {"train-images-idx3-ubyte.gz", "t10k-images-idx3-ubyte.gz"}},
    {BD_DATA_CIFAR10, {"test_batch.bin", "data_batch_1.bin"}},
    {BD_DATA_CIFAR100, {"test.bin", "train.bin"}},
    {BD_DATA_TINY_IMAGENET, {"wnids.txt"}},
    {BD_DATA_IMAGENET, {"val", "train"}},
};

static bd_status find_by_folder(struct bd_data_spec *spec, const char *folder, char **told, struct bd_error *err)
{
    for (size_t s = 0; s < sizeof signs / sizeof *signs; s++) {
        for (int m = 0; m < 3 && signs[s].marks[m]; m++) {
            if (holds(folder, signs[s].marks[m])) {
                spec->kind = signs[s].kind;
                *told = bd_asprintf("'%s', kind %s (found by '%s' there)", folder, bd_data_about(spec->kind)->name,
                                    signs[s].marks[m]);
                return BD_OK;
            }
        }
    }
    return bd_fail(
        err, BD_BAD_INPUT,
        "'%s' holds no images of a known kind: neither folders 'train' and 'val' with a folder for each class, "
        "nor the files of Fashion-MNIST, CIFAR-10, CIFAR-100 or Tiny ImageNet (--kind with --help lists them; "
        "--images FILE.npy takes an array)",
        folder);
}

static bd_status find_by_shape(struct bd_data_spec *spec, const struct bd_image_shape *n, char **told,
                               struct bd_error *err)
{
    const bool small = n->height == 28 && n->width == 28 && n->channels == 1;
    const bool cifar = n->height == BD_CIFAR_SIDE && n->width == BD_CIFAR_SIDE && n->channels == 3;
    const bool tiny = n->height == BD_TINY_SIDE && n->width == BD_TINY_SIDE && n->channels == 3;
    if (small) {
        spec->kind = BD_DATA_FASHION_MNIST;
    } else if (cifar && n->classes <= 100) {
        spec->kind = n->classes <= 10 ? BD_DATA_CIFAR10 : BD_DATA_CIFAR100;
    } else if (tiny && n->classes == 200) {
        spec->kind = BD_DATA_TINY_IMAGENET;
    } else if (n->height == 224 && n->width == 224 && n->channels == 3) {
        spec->kind = BD_DATA_IMAGENET;
    } else {
        return bd_fail(
            err, BD_BAD_INPUT,
            "network '%s' takes images of %ux%ux%u in %u classes, which no known data set has: say where they are, by "
            "--data FOLDER (train/ and val/ with a folder for each class) or --images FILE.npy",
            n->network, n->height, n->width, n->channels, n->classes);
    }
    *told =
        bd_asprintf("%s in '%s' (kind %s, found by the network's images of %ux%ux%u)", bd_data_about(spec->kind)->title,
                    bd_data_folder(spec), bd_data_about(spec->kind)->name, n->height, n->width, n->channels);
    return BD_OK;
}

bd_status bd_data_resolve(struct bd_data_spec *spec, const struct bd_image_shape *shape, char **told,
                          struct bd_error *err)
{
    bd_status status = BD_OK;
    *told = NULL;
    if (spec->kind == BD_DATA_ANY) {
        const char *environment = getenv("BITDIAL_DATA");
        const char *folder = spec->folder && *spec->folder ? spec->folder : environment;
        status = folder && *folder ? find_by_folder(spec, folder, told, err) : find_by_shape(spec, shape, told, err);
    } else {
        *told = bd_asprintf("'%s', kind %s", bd_data_folder(spec), bd_data_about(spec->kind)->name);
    }
    if (status == BD_OK && spec->kind == BD_DATA_IMAGENET && spec->size == 0) {
        if (shape->height != shape->width) {
            status = bd_fail(err, BD_BAD_INPUT,
                             "network '%s' takes images of %ux%u, but those of kind imagenet are cut to squares: "
                             "--images FILE.npy takes any shape",
                             shape->network, shape->height, shape->width);
        }
        spec->size = shape->height;
    }
    if (status != BD_OK) {
        free(*told);
        *told = NULL;
    }
    return status;
}

/* ---- the images ---- */

/* Decodes or cuts out images first .. first + count - 1 and drops the others. */
static bd_status keep_range(struct bd_dataset *set, uint32_t first, uint32_t count, struct bd_error *err)
{
    const size_t size = (size_t)set->height * set->width * set->channels;
    if (first == 0 && count == set->count && set->images) {
        return BD_OK;
    }
    struct bd_dataset kept = *set;
    kept.files = NULL;
    kept.count = count;
    kept.images = bd_xcalloc(count, size);
    kept.labels = NULL;
    bd_status status = bd_dataset_read(set, first, count, kept.images, err);
    if (status == BD_OK && set->labels) {
        kept.labels = bd_xcalloc(count, sizeof *kept.labels);
        memcpy(kept.labels, set->labels + first, count * sizeof *kept.labels);
    }
    if (status != BD_OK) {
        free(kept.images);
        return status;
    }
    bd_dataset_release(set);
    *set = kept;
    return BD_OK;
}

static void make_noise(struct bd_dataset *set, const struct bd_image_source *source, unsigned bits)
{
    const size_t size = (size_t)set->height * set->width * set->channels;
    set->images = bd_xcalloc(set->count, size);
    for (uint32_t i = 0; i < set->count; i++) {
        struct bd_rng rng;
        bd_rng_seed(&rng, source->seed + (uint64_t)source->first + i);
        for (size_t k = 0; k < size; k++) {
            set->images[i * size + k] = (uint8_t)bd_rng_below(&rng, 1u << bits);
        }
    }
}

/* Opens what is there, before a part of it is taken. */
static bd_status open_source(struct bd_dataset *set, struct bd_image_source *source, const struct bd_image_shape *shape,
                             char **told, struct bd_error *err)
{
    if (source->array) {
        bd_status status = bd_npy_images(source->array, set, err);
        set->classes = shape->classes;
        if (status == BD_OK && source->labels) {
            status = bd_npy_labels(source->labels, set, err);
        }
        *told = status ? NULL : bd_asprintf("'%s', %u images", source->array, set->count);
        return status;
    }
    if (source->labels) {
        return bd_fail(err, BD_BAD_INPUT, "labels '%s' go with images from a .npy file: --images FILE.npy",
                       source->labels);
    }
    bd_status status = bd_data_resolve(&source->data, shape, told, err);
    return status ? status : bd_dataset_open(set, &source->data, source->split, err);
}

static bd_status check_shape(const struct bd_dataset *set, const struct bd_image_shape *n, const char *told,
                             struct bd_error *err)
{
    if (set->height != n->height || set->width != n->width || set->channels != n->channels) {
        return bd_fail(err, BD_BAD_INPUT, "network '%s' takes images of %ux%ux%u, those of %s are %ux%ux%u", n->network,
                       n->height, n->width, n->channels, told, set->height, set->width, set->channels);
    }
    if (set->classes > n->classes) {
        return bd_fail(err, BD_BAD_INPUT, "network '%s' tells %u classes, %s has %u", n->network, n->classes, told,
                       set->classes);
    }
    return BD_OK;
}

static bd_status take_part(struct bd_dataset *set, const struct bd_image_source *source, int64_t limit,
                           const char *told, struct bd_error *err)
{
    const int64_t there = set->count;
    int64_t count = source->count;
    if (count == 0) {
        count = there - source->first;
        count = limit && count > limit ? limit : count;
    }
    if (source->first >= there || count > there - source->first) {
        return bd_fail(err, BD_BAD_INPUT, "images %ld..%ld do not exist: there are %ld, %s", (long)source->first,
                       (long)(source->first + (count > 0 ? count : 1) - 1), (long)there, told);
    }
    return keep_range(set, (uint32_t)source->first, (uint32_t)count, err);
}

bd_status bd_images_open(struct bd_dataset *set, struct bd_image_source *source, const struct bd_image_shape *shape,
                         int64_t limit, char **told, struct bd_error *err)
{
    *set = (struct bd_dataset){0};
    *told = NULL;
    if (source->noise) {
        *set = (struct bd_dataset){.count = (uint32_t)(source->count ? source->count
                                                       : limit       ? limit
                                                                     : 1),
                                   .height = shape->height,
                                   .width = shape->width,
                                   .channels = shape->channels,
                                   .classes = shape->classes};
        make_noise(set, source, shape->bits);
        *told = bd_asprintf("noise of %ux%ux%u, seed %lu", shape->height, shape->width, shape->channels,
                            (unsigned long)source->seed);
        return BD_OK;
    }
    bd_status status = open_source(set, source, shape, told, err);
    status = status ? status : check_shape(set, shape, *told, err);
    status = status ? status : take_part(set, source, limit, *told, err);
    if (status != BD_OK) {
        bd_dataset_release(set);
        free(*told);
        *told = NULL;
    }
    return status;
}
