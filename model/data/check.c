/* Reading a data set to its last byte, going on after what is wrong. */
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/data/image.h"
#include "model/data/loaders.h"

#define IMAGES_AT_ONCE 512 /* results are told in order after each such part */

struct check {
    const struct bd_data_spec *spec;
    void (*bad)(void *context, const char *message);
    void *context;
    uint64_t checked;
};

static void judge(struct check *check, bd_status status, const struct bd_error *err)
{
    if (status) {
        check->bad(check->context, err->message);
    }
}

static void check_fashion(struct check *check, bool test)
{
    struct bd_error err;
    struct bd_dataset whole;
    bd_status status = bd_fashion_read(&whole, bd_data_folder(check->spec), test, &err);
    judge(check, status, &err);
    check->checked += status ? 0 : whole.count;
    bd_dataset_release(&whole);
}

static void check_cifar(struct check *check, bool test)
{
    const bool ten = check->spec->kind == BD_DATA_CIFAR10;
    const uint32_t files = ten && !test ? 5 : 1, records = ten || test ? 10000 : 50000;
    for (uint32_t f = 0; f < files; f++) {
        struct bd_error err;
        char *path = bd_cifar_path(check->spec, test, f);
        bd_status status = bd_cifar_read(path, ten ? &bd_cifar10_form : &bd_cifar100_form, records, NULL, NULL, &err);
        judge(check, status, &err);
        check->checked += status ? 0 : records;
        free(path);
    }
}

static bd_status check_image(const struct bd_image_files *files, uint32_t index, struct bd_error *err)
{
    char *path = bd_image_files_path(files, index);
    struct bd_image image;
    bd_status status = bd_image_load(&image, path, err);
    if (!status && files->exact) {
        status = bd_image_files_check_size(files, index, BD_TINY_SIDE, &image, err);
    }
    free(image.pixels);
    free(path);
    return status;
}

static void check_images(struct check *check, const struct bd_image_files *files)
{
    struct bd_error *errors = bd_xcalloc(IMAGES_AT_ONCE, sizeof *errors);
    for (uint32_t first = 0; first < files->count; first += IMAGES_AT_ONCE) {
        const uint32_t left = files->count - first, count = left < IMAGES_AT_ONCE ? left : IMAGES_AT_ONCE;
        bd_status status[IMAGES_AT_ONCE];
#pragma omp parallel for schedule(dynamic, 4)
        for (uint32_t i = 0; i < count; i++) {
            status[i] = check_image(files, first + i, &errors[i]);
        }
        for (uint32_t i = 0; i < count; i++) {
            judge(check, status[i], &errors[i]);
        }
        check->checked += count;
    }
    free(errors);
}

bd_status bd_dataset_check(const struct bd_data_spec *spec, void (*bad)(void *context, const char *message),
                           void *context, uint64_t *checked, struct bd_error *err)
{
    struct check check = {spec, bad, context, 0};
    bd_status status = BD_OK;
    for (int test = 0; test < 2 && !status; test++) {
        status = bd_data_present(spec, test, err);
        if (status) {
            break;
        }
        if (spec->kind == BD_DATA_FASHION_MNIST) {
            check_fashion(&check, test);
        } else if (spec->kind == BD_DATA_CIFAR10 || spec->kind == BD_DATA_CIFAR100) {
            check_cifar(&check, test);
        } else {
            struct bd_listing listing;
            struct bd_error own;
            bd_status listed = bd_data_list(&listing, spec, test, &own);
            judge(&check, listed, &own);
            if (!listed) {
                listing.files.exact = spec->kind == BD_DATA_TINY_IMAGENET;
                check_images(&check, &listing.files);
            }
            bd_listing_release(&listing);
        }
    }
    *checked = check.checked;
    return status;
}
