/* JPEG and PNG files, decoded and resampled; .npy files of images and labels; idx files, as they are and gzipped here,
 * since a gzip stream that is changed at random fails its own checksum. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "model/core/memory.h"
#include "model/data/idx.h"
#include "model/data/image.h"
#include "model/data/npy.h"
#include "tests/fuzz/fuzz.h"

#define MOST_PIXELS 100000

void fuzz_image(const uint8_t *data, size_t size)
{
    struct bd_image image;
    struct bd_error err = {0};
    if (!fuzz_accepted(bd_image_decode(&image, "fuzz", data, size, &err), &err)) {
        return;
    }
    fuzz_demand(image.height && image.width && (uint64_t)image.height * image.width <= BD_IMAGE_MAX_PIXELS,
                "an image over the limit");
    if ((uint64_t)image.height * image.width <= MOST_PIXELS) {
        uint8_t out[3 * 16 * 16];
        struct bd_rng rng;
        bd_rng_seed(&rng, size);
        const struct bd_crop random = bd_crop_random(image.height, image.width, &rng);
        const struct bd_crop centre = bd_crop_centre(image.height, image.width, 16);
        bd_resample(&image, &random, true, 16, 16, out);
        bd_resample(&image, &centre, false, 16, 16, out);
    }
    free(image.pixels);
}

/* First byte: 0 images, else the number of labels that are expected. */
void fuzz_npy(const uint8_t *data, size_t size)
{
    struct bd_dataset set = {.classes = 10};
    struct bd_error err = {0};
    if (size == 0) {
        return;
    }
    const char *path = fuzz_file(data + 1, size - 1);
    set.count = data[0];
    if (fuzz_accepted(set.count ? bd_npy_labels(path, &set, &err) : bd_npy_images(path, &set, &err), &err)) {
        const uint64_t bytes = (uint64_t)set.count * set.height * set.width * set.channels;
        volatile uint16_t last = data[0] ? set.labels[set.count - 1] : set.images[bytes - 1];
        fuzz_demand(data[0] ? last < 10 : bytes < size, "labels or images that the file does not hold");
    }
    bd_dataset_release(&set);
}

static uint8_t *gzipped(const uint8_t *data, size_t size, size_t *packed)
{
    z_stream stream = {0};
    fuzz_demand(deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK, "zlib");
    const size_t room = deflateBound(&stream, size);
    uint8_t *out = bd_xmalloc(room);
    stream.next_in = (uint8_t *)data;
    stream.avail_in = size;
    stream.next_out = out;
    stream.avail_out = room;
    fuzz_demand(deflate(&stream, Z_FINISH) == Z_STREAM_END, "zlib");
    *packed = stream.total_out;
    deflateEnd(&stream);
    return out;
}

void fuzz_idx(const uint8_t *data, size_t size)
{
    static const uint32_t any[4];
    struct bd_idx idx;
    struct bd_error err = {0};
    if (size == 0) {
        return;
    }
    const int rank = 1 + data[0] % 4, raw = data[0] >= 128;
    size_t packed = size - 1;
    uint8_t *bytes = raw ? NULL : gzipped(data + 1, size - 1, &packed);
    if (fuzz_accepted(bd_idx_load(&idx, fuzz_file(raw ? data + 1 : bytes, packed), rank, any, &err), &err)) {
        fuzz_demand(idx.count && idx.count <= BD_IDX_MAX_BYTES, "an idx file over the limit");
        volatile uint8_t last = idx.data[idx.count - 1];
        (void)last;
        free(idx.data);
    }
    free(bytes);
}
