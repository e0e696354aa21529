/* Fashion-MNIST: pairs of IDX files. */
#include <stdlib.h>

#include "model/core/memory.h"
#include "model/data/idx.h"
#include "model/data/loaders.h"

#define CLASSES 10
#define SIDE 28
#define TRAIN_COUNT 60000
#define TEST_COUNT 10000

/* Offset of the first label in an IDX file of rank 1: magic and one dimension. */
#define LABEL_OFFSET 8

static bd_status load_labels(const char *path, uint32_t count, uint16_t **labels, struct bd_error *err)
{
    struct bd_idx idx;
    bd_status status = bd_idx_load(&idx, path, 1, &count, err);
    if (status != BD_OK) {
        return status;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (idx.data[i] >= CLASSES) {
            bd_fail_byte(err, path, LABEL_OFFSET + i, "label %u of image %u must be 0..%u", idx.data[i], i,
                         CLASSES - 1);
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

bd_status bd_fashion_read(struct bd_dataset *whole, const char *folder, bool test, struct bd_error *err)
{
    const uint32_t count = test ? TEST_COUNT : TRAIN_COUNT, shape[3] = {count, SIDE, SIDE};
    const char *stem = test ? "t10k" : "train";
    char *images_path = bd_asprintf("%s/%s-images-idx3-ubyte.gz", folder, stem);
    char *labels_path = bd_asprintf("%s/%s-labels-idx1-ubyte.gz", folder, stem);
    struct bd_idx images;
    bd_status status = bd_idx_load(&images, images_path, 3, shape, err);
    *whole = (struct bd_dataset){.count = count, .height = SIDE, .width = SIDE, .channels = 1, .classes = CLASSES};
    if (status == BD_OK) {
        whole->images = images.data;
        status = load_labels(labels_path, count, &whole->labels, err);
    }
    if (status != BD_OK) {
        bd_dataset_release(whole);
    }
    free(images_path);
    free(labels_path);
    return status;
}
