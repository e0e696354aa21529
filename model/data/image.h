/* JPEG and PNG files into RGB pixels, and the two ways in which a data set cuts its images to size.
 *
 * Pixels are uint8, (height, width, 3), red first. What a file holds decides how it is read, not its name.
 *   JPEG (libjpeg-turbo; baseline and progressive): grey becomes three equal channels; CMYK and YCCK become RGB by
 *        r = c k / 255, ink counted from the dark end as Adobe writes it, else inverted first. The slow integer DCT and
 *        smooth chroma upsampling: the same bits on every processor. The orientation that an Exif segment notes is
 *        applied, so that height and width are those of the image as it is seen.
 *   PNG  (libpng): palette and grey become RGB, 16 bits are scaled to 8, alpha is dropped, no gamma is applied.
 * Refused as BD_BAD_INPUT with "path: offset N: ...", N where the reader stood: other formats, over 64 MiB of file,
 * over 67,108,864 pixels, anything that libjpeg or libpng call an error, and those warnings of libjpeg that mean lost
 * pixels (data that ends early or cannot be decoded). */
#ifndef BD_DATA_IMAGE_H
#define BD_DATA_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/core/error.h"
#include "model/core/rng.h"

#define BD_IMAGE_MAX_BYTES (64u << 20)
#define BD_IMAGE_MAX_PIXELS (64u << 20)

struct bd_image {
    uint32_t height, width;
    uint8_t *pixels; /* (height, width, 3), owned: free() */
};

/* `path` is a name for messages. On failure nothing is held. */
bd_status bd_image_decode(struct bd_image *image, const char *path, const uint8_t *data, size_t size,
                          struct bd_error *err) BD_WARN_UNUSED;
bd_status bd_image_load(struct bd_image *image, const char *path, struct bd_error *err) BD_WARN_UNUSED;

/* A rectangle of source pixels, resampled to out_height x out_width. Taps may reach the pixels of `reach` around it. */
struct bd_crop {
    double top, left, height, width;                           /* source pixels; fractions are allowed */
    uint32_t reach_top, reach_left, reach_height, reach_width; /* within the image */
};

/* For training: a part of 0.08..1 of the area with a ratio width / height of 3/4..4/3 (log-uniform), ten tries, else
 * the largest central part within those ratios (Szegedy et al. 2015, arXiv:1409.4842; the tries as torchvision's
 * RandomResizedCrop counts them). */
struct bd_crop bd_crop_random(uint32_t height, uint32_t width, struct bd_rng *rng);

/* For evaluation: the shorter side becomes round(side * 256 / 224), the longer in proportion; then the central
 * side x side. */
struct bd_crop bd_crop_centre(uint32_t height, uint32_t width, uint32_t side);

/* Resamples with a triangle filter, whose half-width is one source pixel or, when shrinking, one output pixel (no
 * aliasing): rows are joined first, then columns, each with weights of 2^-22 and rounded to 8 bits. Mirrored where
 * `flip`. out: (out_height, out_width, 3). */
void bd_resample(const struct bd_image *image, const struct bd_crop *crop, bool flip, uint32_t out_height,
                 uint32_t out_width, uint8_t *out);

#endif
