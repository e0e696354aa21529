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

/* The orientation (1 to 8) that a JPEG's APP1 segment notes, the bytes after its length; 1 (as stored) where it notes
 * none, or nothing that makes sense: damage there costs no pixel. */
int bd_exif_orientation(const uint8_t *segment, size_t size);
/* Turns and mirrors the pixels so that they are seen upright. */
void bd_image_orient(struct bd_image *image, int orientation);

#endif
