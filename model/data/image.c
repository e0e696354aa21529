#include "model/data/image.h"

#include <stdlib.h>
#include <string.h>

#include "model/core/file.h"
#include "model/core/memory.h"
#include "model/data/image_formats.h"

bd_status bd_image_room(struct bd_image *image, const char *path, size_t offset, uint32_t height, uint32_t width,
                        struct bd_error *err)
{
    if (height == 0 || width == 0 || (uint64_t)height * width > BD_IMAGE_MAX_PIXELS) {
        return bd_fail_byte(err, path, offset, "an image of %ux%u must have 1..%u pixels", width, height,
                            BD_IMAGE_MAX_PIXELS);
    }
    image->height = height;
    image->width = width;
    image->pixels = bd_xmalloc((size_t)height * width * 3);
    return BD_OK;
}

bd_status bd_image_decode(struct bd_image *image, const char *path, const uint8_t *data, size_t size,
                          struct bd_error *err)
{
    static const uint8_t jpeg[] = {0xff, 0xd8, 0xff}, png[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    bd_status status;
    *image = (struct bd_image){0};
    if (size >= sizeof jpeg && !memcmp(data, jpeg, sizeof jpeg)) {
        status = bd_jpeg_decode(image, path, data, size, err);
    } else if (size >= sizeof png && !memcmp(data, png, sizeof png)) {
        status = bd_png_decode(image, path, data, size, err);
    } else if (size == 0) {
        return bd_fail_byte(err, path, 0, "the file is empty");
    } else {
        return bd_fail_byte(err, path, 0, "neither a JPEG nor a PNG file");
    }
    if (status) {
        free(image->pixels);
        *image = (struct bd_image){0};
    }
    return status;
}

bd_status bd_image_load(struct bd_image *image, const char *path, struct bd_error *err)
{
    uint8_t *data;
    size_t size;
    *image = (struct bd_image){0};
    bd_status status = bd_file_read(path, BD_IMAGE_MAX_BYTES, &data, &size, err);
    if (status) {
        return status;
    }
    status = bd_image_decode(image, path, data, size, err);
    free(data);
    return status;
}
