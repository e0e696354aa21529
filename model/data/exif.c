/* The orientation that cameras note in a JPEG's Exif segment (CIPA DC-008, tag 0x0112 of the first directory). */
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/data/image_formats.h"

#define TAG_ORIENTATION 0x0112
#define TYPE_SHORT 3
#define ENTRY_BYTES 12

struct tiff {
    const uint8_t *data;
    size_t size;
    bool big; /* the most significant byte first */
};

/* `bytes` (2 or 4) at an offset; 0 outside the segment. */
static uint32_t number(const struct tiff *tiff, size_t offset, int bytes)
{
    uint32_t value = 0;
    if (offset > tiff->size || (size_t)bytes > tiff->size - offset) {
        return 0;
    }
    for (int i = 0; i < bytes; i++) {
        value = value << 8 | tiff->data[offset + (tiff->big ? i : bytes - 1 - i)];
    }
    return value;
}

int bd_exif_orientation(const uint8_t *segment, size_t size)
{
    if (size < 14 || memcmp(segment, "Exif\0\0", 6)) {
        return 1;
    }
    struct tiff tiff = {segment + 6, size - 6, segment[6] == 'M'};
    if (memcmp(tiff.data, tiff.big ? "MM" : "II", 2) || number(&tiff, 2, 2) != 42) {
        return 1;
    }
    const size_t directory = number(&tiff, 4, 4);
    const uint32_t entries = number(&tiff, directory, 2);
    for (uint32_t i = 0; i < entries; i++) {
        const size_t entry = directory + 2 + (size_t)i * ENTRY_BYTES;
        if (number(&tiff, entry, 2) == TAG_ORIENTATION && number(&tiff, entry + 2, 2) == TYPE_SHORT &&
            number(&tiff, entry + 4, 4) == 1) {
            const uint32_t orientation = number(&tiff, entry + 8, 2);
            return orientation >= 1 && orientation <= 8 ? (int)orientation : 1;
        }
    }
    return 1;
}

/* Where the stored pixel (row, column) is seen: orientations 5 to 8 swap rows and columns, after which rows or columns
 * may count from the other end. */
void bd_image_orient(struct bd_image *image, int orientation)
{
    static const struct {
        bool swap, up, left; /* rows counted from below, columns from the right */
    } turns[9] = {
        [2] = {false, false, true}, [3] = {false, true, true}, [4] = {false, true, false}, [5] = {true, false, false},
        [6] = {true, false, true},  [7] = {true, true, true},  [8] = {true, true, false}};
    if (orientation < 2 || orientation > 8) {
        return;
    }
    const bool swap = turns[orientation].swap, up = turns[orientation].up, left = turns[orientation].left;
    const uint32_t height = swap ? image->width : image->height, width = swap ? image->height : image->width;
    uint8_t *turned = bd_xmalloc((size_t)height * width * 3);
    const uint8_t *from = image->pixels;
    for (uint32_t row = 0; row < image->height; row++) {
        for (uint32_t column = 0; column < image->width; column++, from += 3) {
            uint32_t y = swap ? column : row, x = swap ? row : column;
            y = up ? height - 1 - y : y;
            x = left ? width - 1 - x : x;
            memcpy(turned + ((size_t)y * width + x) * 3, from, 3);
        }
    }
    free(image->pixels);
    *image = (struct bd_image){height, width, turned};
}
