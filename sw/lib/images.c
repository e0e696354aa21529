/* Labelled images. */
#include <stdlib.h>

#include "model/core/memory.h"
#include "sw/lib/api.h"

bitdial_status bitdial_images_open(const char *kind, const char *folder, enum bitdial_split split, int64_t validation,
                                   int64_t size, struct bitdial_images **images, struct bitdial_error *err)
{
    const int index = bd_data_kind(kind);
    if (index < 0) {
        return bd_api_fail(err, BITDIAL_BAD_INPUT, "no kind of data set is called '%s': it is one of " BD_DATA_CHOICES,
                           kind);
    }
    if ((unsigned)split > BITDIAL_TEST || validation < -1 || size < 0 || size > 4096) {
        return bd_api_fail(err, BITDIAL_BAD_INPUT, "split, validation or size of the data set is out of range");
    }
    struct bd_error here;
    struct bd_data_spec spec = {.kind = index, .folder = (char *)folder, .validation = validation, .size = size};
    struct bitdial_images *made = bd_xcalloc(1, sizeof *made);
    bd_status status = bd_dataset_open(&made->dataset, &spec, (enum bd_split)split, &here);
    if (status) {
        free(made);
        return bd_api_give(status, &here, err);
    }
    *images = made;
    return BITDIAL_OK;
}

bitdial_status bitdial_images_copy(const struct bitdial_images_info *shape, const uint8_t *bytes,
                                   const uint16_t *labels, struct bitdial_images **images, struct bitdial_error *err)
{
    const uint32_t most = 1 << 14;
    if (!shape->count || !shape->height || !shape->width || !shape->channels || !shape->classes ||
        shape->height > most || shape->width > most || shape->channels > most || shape->classes > UINT16_MAX) {
        return bd_api_fail(err, BITDIAL_BAD_INPUT, "images of %ux%ux%u in %u classes, %u of them, are no data set",
                           shape->height, shape->width, shape->channels, shape->classes, shape->count);
    }
    const uint64_t one = (uint64_t)shape->height * shape->width * shape->channels;
    for (uint32_t i = 0; i < shape->count; i++) {
        if (labels[i] >= shape->classes) {
            return bd_api_fail(err, BITDIAL_BAD_INPUT, "label %u of image %u is not below %u classes", labels[i], i,
                               shape->classes);
        }
    }
    struct bitdial_images *made = bd_xcalloc(1, sizeof *made);
    made->dataset = (struct bd_dataset){.count = shape->count,
                                        .height = shape->height,
                                        .width = shape->width,
                                        .channels = shape->channels,
                                        .classes = shape->classes};
    made->dataset.images = bd_xcalloc(shape->count, one);
    memcpy(made->dataset.images, bytes, shape->count * one);
    made->dataset.labels = bd_xcalloc(shape->count, sizeof *labels);
    memcpy(made->dataset.labels, labels, shape->count * sizeof *labels);
    *images = made;
    return BITDIAL_OK;
}

void bitdial_images_free(struct bitdial_images *images)
{
    if (images) {
        bd_dataset_release(&images->dataset);
        free(images);
    }
}

struct bitdial_images_info bitdial_images_info(const struct bitdial_images *images)
{
    const struct bd_dataset *d = &images->dataset;
    return (struct bitdial_images_info){
        .count = d->count, .height = d->height, .width = d->width, .channels = d->channels, .classes = d->classes};
}

bitdial_status bitdial_images_read(const struct bitdial_images *images, uint32_t first, uint32_t count, uint8_t *bytes,
                                   uint16_t *labels, struct bitdial_error *err)
{
    const struct bd_dataset *d = &images->dataset;
    if (first > d->count || count > d->count - first) {
        return bd_api_fail(err, BITDIAL_BAD_INPUT, "images %u to %llu do not exist: there are %u", first,
                           (unsigned long long)first + count, d->count);
    }
    struct bd_error here;
    bd_status status = bytes && count ? bd_dataset_read(d, first, count, bytes, &here) : BD_OK;
    if (!status && labels && count) {
        memcpy(labels, d->labels + first, count * sizeof *labels);
    }
    return bd_api_give(status, &here, err);
}
