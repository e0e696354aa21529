/* Image files in their true formats, written for the tests by libjpeg and libpng themselves. Each stops the program
 * with a message when it fails. */
#ifndef BD_SUPPORT_DATA_FILES_H
#define BD_SUPPORT_DATA_FILES_H

#include <stddef.h>
#include <stdint.h>

/* A smooth picture with texture, (height, width, 3); another for another seed. The caller frees. */
uint8_t *make_picture(uint32_t height, uint32_t width, uint64_t seed);

enum jpeg_form { JPEG_COLOUR, JPEG_GREY, JPEG_PROGRESSIVE, JPEG_CMYK, JPEG_YCCK, JPEG_PLAIN_CMYK };

/* pixels: (height, width, 1 | 3 | 4) as the form wants; PLAIN: without Adobe's marker. Returns the file's bytes. */
uint8_t *make_jpeg(const uint8_t *pixels, uint32_t height, uint32_t width, enum jpeg_form form, int quality,
                   size_t *size);

/* The JPEG with a segment of Exif after its start: little- or big-endian, `entries` other tags before the orientation.
 * Returns the file's bytes, freed by the caller. */
uint8_t *with_exif(const uint8_t *jpeg, size_t size, int orientation, int big, int entries, size_t *new_size);

/* rows: packed rows as PNG wants them for the colour type and depth; `palette`: 3 bytes an entry, `alphas` one, or
 * NULL. */
uint8_t *make_png(const uint8_t *rows, size_t row_size, uint32_t height, uint32_t width, int depth, int colour_type,
                  int interlaced, const uint8_t *palette, int palette_size, const uint8_t *alphas, size_t *size);

/* Writes bytes, making the folders above. */
void put_file(const char *path, const void *data, size_t size);

/* A picture of the seed as a JPEG of quality 90 at `path`. */
void put_jpeg(const char *path, uint32_t height, uint32_t width, uint64_t seed);

#endif
