#include "model/data/dataset.h"

#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/core/rng.h"
#include "model/data/image_files.h"
#include "model/data/loaders.h"

#define IMAGENET_SIDE 224

/* ---- splits ---- */

uint32_t *bd_split_order(uint32_t total, uint32_t validation, enum bd_split split, uint32_t *count)
{
    uint32_t *order = bd_xcalloc(total, sizeof *order);
    for (uint32_t i = 0; i < total; i++) {
        order[i] = i;
    }
    *count = total;
    if (split == BD_SPLIT_TEST) {
        return order;
    }
    struct bd_rng rng;
    bd_rng_seed(&rng, BD_SPLIT_SEED);
    bd_rng_shuffle(&rng, order, total);
    *count = split == BD_SPLIT_TRAIN ? total - validation : validation;
    if (split == BD_SPLIT_VALIDATION) {
        memmove(order, order + total - validation, validation * sizeof *order);
    }
    return order;
}

/* How many are held out of `total`; at least one image is left on each side that is asked for. */
static bd_status held_out(const struct bd_data_spec *spec, enum bd_split split, uint64_t total, uint32_t *validation,
                          struct bd_error *err)
{
    const int64_t wanted = spec->validation < 0 ? bd_data_about(spec->kind)->validation : spec->validation;
    *validation = wanted;
    if (split != BD_SPLIT_TEST && (uint64_t)wanted >= total) {
        return bd_fail(err, BD_BAD_INPUT,
                       "%s: 'validation' holds out %u of %lu training images: it must be fewer (validation: N)",
                       bd_data_folder(spec), *validation, (unsigned long)total);
    }
    if (split == BD_SPLIT_VALIDATION && wanted == 0) {
        return bd_fail(err, BD_BAD_INPUT, "%s: no images are held out for validation (validation: 0)",
                       bd_data_folder(spec));
    }
    return BD_OK;
}

/* ---- CIFAR ---- */

static bd_status read_cifar(struct bd_dataset *set, const struct bd_data_spec *spec, enum bd_split split,
                            struct bd_error *err)
{
    const bool ten = spec->kind == BD_DATA_CIFAR10, test = split == BD_SPLIT_TEST;
    const uint32_t files = ten && !test ? 5 : 1, records = ten || test ? 10000 : 50000, total = files * records;
    uint32_t validation, count;
    bd_status status = held_out(spec, split, total, &validation, err);
    if (status) {
        return status;
    }
    uint32_t *order = bd_split_order(total, validation, split, &count), *place = bd_xcalloc(total, sizeof *place);
    memset(place, 0xff, total * sizeof *place); /* BD_NOWHERE */
    for (uint32_t i = 0; i < count; i++) {
        place[order[i]] = i;
    }
    *set = (struct bd_dataset){.count = count,
                               .height = BD_CIFAR_SIDE,
                               .width = BD_CIFAR_SIDE,
                               .channels = 3,
                               .classes = ten ? 10 : 100,
                               .images = bd_xcalloc(count, 3 * BD_CIFAR_SIDE * BD_CIFAR_SIDE),
                               .labels = bd_xcalloc(count, sizeof *set->labels)};
    for (uint32_t f = 0; f < files && !status; f++) {
        char *path = bd_cifar_path(spec, test, f);
        status =
            bd_cifar_read(path, ten ? &bd_cifar10_form : &bd_cifar100_form, records, place + f * records, set, err);
        free(path);
    }
    free(place);
    free(order);
    return status;
}

char *bd_cifar_path(const struct bd_data_spec *spec, bool test, uint32_t file)
{
    const char *folder = bd_data_folder(spec);
    if (spec->kind == BD_DATA_CIFAR100) {
        return bd_asprintf("%s/%s.bin", folder, test ? "test" : "train");
    }
    return test ? bd_asprintf("%s/test_batch.bin", folder) : bd_asprintf("%s/data_batch_%u.bin", folder, file + 1);
}

/* ---- image files ---- */

bd_status bd_data_list(struct bd_listing *listing, const struct bd_data_spec *spec, bool test, struct bd_error *err)
{
    const char *folder = bd_data_folder(spec);
    return spec->kind == BD_DATA_TINY_IMAGENET ? bd_listing_tiny(listing, folder, test, err)
                                               : bd_listing_imagenet(listing, folder, test, err);
}

/* Keeps the images of the split, in its order. */
static void select_files(struct bd_dataset *set, struct bd_listing *listing, const uint32_t *order, bool exact)
{
    struct bd_image_files *files = bd_xcalloc(1, sizeof *files);
    size_t *names = bd_xcalloc(set->count, sizeof *names);
    set->labels = bd_xcalloc(set->count, sizeof *set->labels);
    for (uint32_t i = 0; i < set->count; i++) {
        names[i] = listing->files.names[order[i]];
        set->labels[i] = listing->labels[order[i]];
    }
    *files = listing->files;
    free(files->names);
    files->names = names;
    files->count = set->count;
    files->exact = exact;
    listing->files = (struct bd_image_files){0};
    set->files = files;
}

bd_status bd_dataset_keep(struct bd_dataset *dataset, uint32_t count, struct bd_error *err)
{
    if (dataset->images) {
        return BD_OK;
    }
    uint8_t *images = bd_xcalloc(count, (size_t)dataset->height * dataset->width * dataset->channels);
    bd_status status = bd_dataset_read(dataset, 0, count, images, err);
    if (status) {
        free(images);
        return status;
    }
    dataset->images = images;
    dataset->count = count;
    bd_image_files_release(dataset->files);
    free(dataset->files);
    dataset->files = NULL;
    return BD_OK;
}

static bd_status read_files(struct bd_dataset *set, const struct bd_data_spec *spec, enum bd_split split,
                            struct bd_error *err)
{
    const bool tiny = spec->kind == BD_DATA_TINY_IMAGENET;
    const uint32_t side = tiny ? BD_TINY_SIDE : spec->size ? spec->size : IMAGENET_SIDE;
    struct bd_listing listing;
    uint32_t validation;
    bd_status status = bd_data_list(&listing, spec, split == BD_SPLIT_TEST, err);
    if (status) {
        return status;
    }
    status = held_out(spec, split, listing.files.count, &validation, err);
    if (!status) {
        *set = (struct bd_dataset){.height = side, .width = side, .channels = 3, .classes = listing.classes};
        uint32_t *order = bd_split_order(listing.files.count, validation, split, &set->count);
        select_files(set, &listing, order, tiny);
        free(order);
        status = tiny ? bd_dataset_keep(set, set->count, err) : BD_OK;
    }
    bd_listing_release(&listing);
    return status;
}

/* ---- Fashion-MNIST ---- */

/* The images that `index` names, in its order. */
static void gather(const struct bd_dataset *whole, const uint32_t *index, uint32_t count, struct bd_dataset *out)
{
    const size_t size = (size_t)whole->height * whole->width * whole->channels;
    *out = *whole;
    out->count = count;
    out->images = bd_xcalloc(count, size);
    out->labels = bd_xcalloc(count, sizeof *out->labels);
    for (uint32_t i = 0; i < count; i++) {
        memcpy(out->images + i * size, bd_dataset_image(whole, index[i]), size);
        out->labels[i] = whole->labels[index[i]];
    }
}

static bd_status read_fashion(struct bd_dataset *set, const struct bd_data_spec *spec, enum bd_split split,
                              struct bd_error *err)
{
    struct bd_dataset whole;
    uint32_t held;
    bd_status status = bd_fashion_read(&whole, bd_data_folder(spec), split == BD_SPLIT_TEST, err);
    if (status) {
        return status;
    }
    status = held_out(spec, split, whole.count, &held, err);
    if (split == BD_SPLIT_TEST || status) {
        *set = whole;
        return status;
    }
    uint32_t count, *order = bd_split_order(whole.count, held, split, &count);
    gather(&whole, order, count, set);
    free(order);
    bd_dataset_release(&whole);
    return BD_OK;
}

/* ---- data sets ---- */

bd_status bd_dataset_open(struct bd_dataset *dataset, const struct bd_data_spec *spec, enum bd_split split,
                          struct bd_error *err)
{
    *dataset = (struct bd_dataset){0};
    bd_status status = bd_data_present(spec, split == BD_SPLIT_TEST, err);
    if (status) {
        return status;
    }
    switch ((enum bd_data_kind)spec->kind) {
    case BD_DATA_FASHION_MNIST:
        status = read_fashion(dataset, spec, split, err);
        break;
    case BD_DATA_CIFAR10:
    case BD_DATA_CIFAR100:
        status = read_cifar(dataset, spec, split, err);
        break;
    default:
        status = read_files(dataset, spec, split, err);
    }
    if (status) {
        bd_dataset_release(dataset);
    }
    return status;
}

bd_status bd_dataset_load(struct bd_dataset *dataset, const char *folder, enum bd_split split, struct bd_error *err)
{
    const struct bd_data_spec spec = {BD_DATA_FASHION_MNIST, (char *)folder, -1, 0};
    return bd_dataset_open(dataset, &spec, split, err);
}

bd_status bd_dataset_read(const struct bd_dataset *dataset, uint32_t first, uint32_t count, uint8_t *out,
                          struct bd_error *err)
{
    const size_t size = (size_t)dataset->height * dataset->width * dataset->channels;
    if (dataset->images) {
        memcpy(out, dataset->images + first * size, count * size);
        return BD_OK;
    }
    uint32_t failed = UINT32_MAX; /* the first image that failed, so that the message does not depend on threads */
#pragma omp parallel for schedule(dynamic, 4)
    for (uint32_t i = 0; i < count; i++) {
        struct bd_error own;
        if (bd_image_files_read(dataset->files, first + i, dataset->height, out + i * size, &own)) {
#pragma omp critical(bd_dataset_read)
            if (i < failed) {
                failed = i;
                *err = own;
            }
        }
    }
    return failed == UINT32_MAX ? BD_OK : err->status;
}

void bd_dataset_release(struct bd_dataset *dataset)
{
    if (dataset->files) {
        bd_image_files_release(dataset->files);
        free(dataset->files);
    }
    free(dataset->images);
    free(dataset->labels);
    *dataset = (struct bd_dataset){0};
}
