#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/data/image_formats.h"

#define MAX_SIDE 65500 /* as JPEG's */

struct decoder {
    png_structp png;
    png_infop info;
    const char *path;
    const uint8_t *data;
    size_t size, at;
    png_bytep *rows;
    char text[128];
    jmp_buf out;
};

static void leave(png_structp png, png_const_charp text)
{
    struct decoder *d = png_get_error_ptr(png);
    strncpy(d->text, text, sizeof d->text - 1);
    longjmp(d->out, 1);
}

static void ignore(png_structp png, png_const_charp text)
{
    (void)png;
    (void)text;
}

static void take(png_structp png, png_bytep out, size_t size)
{
    struct decoder *d = png_get_io_ptr(png);
    if (size > d->size - d->at) {
        d->at = d->size;
        png_error(png, "the PNG data ends too early");
    }
    memcpy(out, d->data + d->at, size);
    d->at += size;
}

/* Whatever the file holds becomes 8-bit RGB. */
static void ask_for_rgb(struct decoder *d)
{
    const int colour = png_get_color_type(d->png, d->info);
    png_set_scale_16(d->png);
    png_set_packing(d->png);
    if (colour == PNG_COLOR_TYPE_PALETTE) {
        png_set_palette_to_rgb(d->png);
    } else if (!(colour & PNG_COLOR_MASK_COLOR)) {
        png_set_expand_gray_1_2_4_to_8(d->png);
        png_set_gray_to_rgb(d->png);
    }
    png_set_strip_alpha(d->png);
    png_set_interlace_handling(d->png);
    png_read_update_info(d->png, d->info);
}

static bd_status decode(struct decoder *d, struct bd_image *image, struct bd_error *err)
{
    if (setjmp(d->out)) {
        return bd_fail_byte(err, d->path, d->at, "%s", d->text);
    }
    d->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, d, leave, ignore);
    d->info = d->png ? png_create_info_struct(d->png) : NULL;
    if (!d->info) {
        return bd_fail(err, BD_INFRA, "%s: cannot start libpng", d->path);
    }
    png_set_read_fn(d->png, d, take);
    png_set_user_limits(d->png, MAX_SIDE, MAX_SIDE);
    png_set_chunk_malloc_max(d->png, BD_IMAGE_MAX_BYTES);
    png_read_info(d->png, d->info);
    bd_status status = bd_image_room(image, d->path, d->at, png_get_image_height(d->png, d->info),
                                     png_get_image_width(d->png, d->info), err);
    if (status) {
        return status;
    }
    ask_for_rgb(d);
    if (png_get_rowbytes(d->png, d->info) != (size_t)image->width * 3) {
        return bd_fail_byte(err, d->path, d->at, "not a picture in colour or grey");
    }
    d->rows = bd_xcalloc(image->height, sizeof *d->rows);
    for (uint32_t y = 0; y < image->height; y++) {
        d->rows[y] = image->pixels + (size_t)y * image->width * 3;
    }
    png_read_image(d->png, d->rows);
    png_read_end(d->png, NULL);
    return BD_OK;
}

bd_status bd_png_decode(struct bd_image *image, const char *path, const uint8_t *data, size_t size,
                        struct bd_error *err)
{
    struct decoder *d =
        bd_xcalloc(1, sizeof *d); /* not on the stack: what setjmp returns to must not be in registers */
    d->path = path;
    d->data = data;
    d->size = size;
    bd_status status = decode(d, image, err);
    png_destroy_read_struct(&d->png, &d->info, NULL);
    free(d->rows);
    free(d);
    return status;
}
