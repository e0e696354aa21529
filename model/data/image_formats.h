/* The two decoders behind bd_image_decode. Both fill image->pixels, which the caller frees also after a failure. */
#ifndef BD_DATA_IMAGE_FORMATS_H
#define BD_DATA_IMAGE_FORMATS_H

#include "model/data/image.h"

bd_status bd_jpeg_decode(struct bd_image *image, const char *path, const uint8_t *data, size_t size,
                         struct bd_error *err) BD_WARN_UNUSED;
bd_status bd_png_decode(struct bd_image *image, const char *path, const uint8_t *data, size_t size,
                        struct bd_error *err) BD_WARN_UNUSED;

/* Room for height x width pixels, or a refusal. */
bd_status bd_image_room(struct bd_image *image, const char *path, size_t offset, uint32_t height, uint32_t width,
                        struct bd_error *err) BD_WARN_UNUSED;

#endif
