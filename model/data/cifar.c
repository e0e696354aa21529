/* CIFAR-10 and CIFAR-100, binary version (https://www.cs.toronto.edu/~kriz/cifar.html). */
#include <stdlib.h>
#include <string.h>

#include "model/core/file.h"
#include "model/core/memory.h"
#include "model/data/loaders.h"

#define PLANE (BD_CIFAR_SIDE * BD_CIFAR_SIDE)
#define PIXELS (3 * PLANE)

const struct bd_cifar_form bd_cifar10_form = {1, {10, 0}};
const struct bd_cifar_form bd_cifar100_form = {2, {20, 100}};

static void interleave(const uint8_t *planes, uint8_t *image)
{
    for (int p = 0; p < PLANE; p++) {
        image[3 * p] = planes[p];
        image[3 * p + 1] = planes[PLANE + p];
        image[3 * p + 2] = planes[2 * PLANE + p];
    }
}

static bd_status check_size(const char *path, size_t size, size_t record, uint32_t records, struct bd_error *err)
{
    if (size < record * records) {
        return bd_fail_byte(err, path, size, "the file ends in record %zu of %u", size / record, records);
    }
    if (size > record * records) {
        return bd_fail_byte(err, path, record * records, "extra bytes follow the %u records of %zu", records, record);
    }
    return BD_OK;
}

static bd_status check_labels(const char *path, const uint8_t *at, size_t offset, uint32_t number,
                              const struct bd_cifar_form *form, struct bd_error *err)
{
    for (int l = 0; l < form->label_bytes; l++) {
        if (at[l] >= form->limits[l]) {
            const char *which = form->label_bytes == 1 ? "" : l == 0 ? "coarse " : "fine ";
            return bd_fail_byte(err, path, offset + l, "%slabel %u of record %u must be 0..%u", which, at[l], number,
                                form->limits[l] - 1);
        }
    }
    return BD_OK;
}

bd_status bd_cifar_read(const char *path, const struct bd_cifar_form *form, uint32_t records, const uint32_t *place,
                        struct bd_dataset *dataset, struct bd_error *err)
{
    const size_t record = form->label_bytes + PIXELS;
    uint8_t *data;
    size_t size;
    bd_status status = bd_file_read(path, 2 * record * records, &data, &size, err);
    if (status) {
        return status;
    }
    status = check_size(path, size, record, records, err);
    for (uint32_t i = 0; i < records && !status; i++) {
        const uint8_t *at = data + i * record;
        status = check_labels(path, at, i * record, i, form, err);
        if (!status && place && place[i] != BD_NOWHERE) {
            dataset->labels[place[i]] = at[form->label_bytes - 1];
            interleave(at + form->label_bytes, dataset->images + (size_t)place[i] * PIXELS);
        }
    }
    free(data);
    return status;
}
