#include <setjmp.h>
#include <stdio.h> /* jpeglib.h needs FILE and size_t */
#include <stdlib.h>
#include <string.h>

#include <jerror.h>
#include <jpeglib.h>

#include "model/core/memory.h"
#include "model/data/image_formats.h"

#define MAX_SCANS 500 /* of a progressive file: each costs a walk over the image, and honest files have about ten */

/* libjpeg calls back with a pointer to its own struct, which is the first member of these. */
struct failing {
    struct jpeg_error_mgr base;
    jmp_buf out;
    char text[JMSG_LENGTH_MAX];
};

struct source {
    struct jpeg_source_mgr base;
    size_t size;
    bool ended; /* asked for bytes behind the last */
};

struct decoder {
    struct jpeg_decompress_struct cinfo;
    struct failing failing;
    struct source source;
    struct jpeg_progress_mgr progress;
    uint8_t *row; /* of CMYK */
};

/* ---- errors ---- */

static void leave(j_common_ptr cinfo)
{
    struct failing *failing = (struct failing *)cinfo->err;
    cinfo->err->format_message(cinfo, failing->text);
    longjmp(failing->out, 1);
}

/* Warnings that do not touch the pixels are let pass; all others mean that some are lost. */
static void judge_warning(j_common_ptr cinfo, int level)
{
    if (level >= 0) {
        return;
    }
    switch (cinfo->err->msg_code) {
    case JWRN_EXTRANEOUS_DATA:
    case JWRN_JFIF_MAJOR:
    case JWRN_ADOBE_XFORM:
    case JWRN_NOT_SEQUENTIAL: /* a baseline scan that says another Se than 63, as some cameras do: it has no meaning
                                 there */
        return;
    default:
        leave(cinfo);
    }
}

static void print_nothing(j_common_ptr cinfo)
{
    (void)cinfo;
}

static void limit_scans(j_common_ptr cinfo)
{
    struct failing *failing = (struct failing *)cinfo->err;
    if (((j_decompress_ptr)cinfo)->input_scan_number > MAX_SCANS) {
        snprintf(failing->text, sizeof failing->text, "more than %d scans", MAX_SCANS);
        longjmp(failing->out, 1);
    }
}

/* ---- bytes from memory ---- */

static void source_init(j_decompress_ptr cinfo)
{
    (void)cinfo;
}

static boolean source_fill(j_decompress_ptr cinfo)
{
    struct source *source = (struct source *)cinfo->src;
    source->ended = true;
    ERREXIT(cinfo, JERR_INPUT_EOF);
    return FALSE;
}

static void source_skip(j_decompress_ptr cinfo, long count)
{
    struct source *source = (struct source *)cinfo->src;
    if (count <= 0) {
        return;
    }
    if ((size_t)count > source->base.bytes_in_buffer) {
        source->base.next_input_byte += source->base.bytes_in_buffer;
        source->base.bytes_in_buffer = 0;
        source_fill(cinfo);
    }
    source->base.next_input_byte += count;
    source->base.bytes_in_buffer -= count;
}

static void open_source(struct source *source, const uint8_t *data, size_t size)
{
    *source = (struct source){.size = size};
    source->base.next_input_byte = data;
    source->base.bytes_in_buffer = size;
    source->base.init_source = source_init;
    source->base.fill_input_buffer = source_fill;
    source->base.skip_input_data = source_skip;
    source->base.resync_to_restart = jpeg_resync_to_restart;
    source->base.term_source = source_init;
}

/* ---- pixels ---- */

/* Ink that Adobe stores from the dark end (255: none) multiplies light. */
static void ink_to_light(const uint8_t *ink, uint8_t *rgb, uint32_t width, bool inverted)
{
    for (uint32_t x = 0; x < width; x++) {
        for (int c = 0; c < 3; c++) {
            int colour = ink[4 * x + c], black = ink[4 * x + 3];
            int product = inverted ? colour * black : (255 - colour) * (255 - black);
            rgb[3 * x + c] = (product + 127) / 255;
        }
    }
}

static void read_rows(struct decoder *d, struct bd_image *image)
{
    struct jpeg_decompress_struct *cinfo = &d->cinfo;
    const bool ink = cinfo->out_color_space == JCS_CMYK;
    while (cinfo->output_scanline < cinfo->output_height) {
        uint8_t *to = image->pixels + (size_t)cinfo->output_scanline * image->width * 3;
        JSAMPROW rows[1] = {ink ? d->row : to};
        jpeg_read_scanlines(cinfo, rows, 1);
        if (ink) {
            ink_to_light(d->row, to, image->width, cinfo->saw_Adobe_marker);
        }
    }
}

/* Of the first Exif segment, as other readers take it. */
static int saved_orientation(const struct jpeg_decompress_struct *cinfo)
{
    for (jpeg_saved_marker_ptr marker = cinfo->marker_list; marker; marker = marker->next) {
        if (marker->data_length >= 6 && !memcmp(marker->data, "Exif\0\0", 6)) {
            return bd_exif_orientation(marker->data, marker->data_length);
        }
    }
    return 1;
}

static bd_status decode(struct decoder *d, struct bd_image *image, const char *path, const uint8_t *data, size_t size,
                        struct bd_error *err)
{
    struct jpeg_decompress_struct *cinfo = &d->cinfo;
    cinfo->err = jpeg_std_error(&d->failing.base);
    d->failing.base.error_exit = leave;
    d->failing.base.emit_message = judge_warning;
    d->failing.base.output_message = print_nothing;
    open_source(&d->source, data, size);
    if (setjmp(d->failing.out)) {
        size_t offset = size - d->source.base.bytes_in_buffer;
        return bd_fail_byte(err, path, offset, "%s",
                            d->source.ended ? "the JPEG data ends too early" : d->failing.text);
    }
    jpeg_create_decompress(cinfo);
    cinfo->src = &d->source.base;
    cinfo->progress = &d->progress;
    d->progress.progress_monitor = limit_scans;
    jpeg_save_markers(cinfo, JPEG_APP0 + 1, 0xFFFF);
    jpeg_read_header(cinfo, TRUE);
    const int orientation = saved_orientation(cinfo);
    cinfo->out_color_space = cinfo->num_components == 4 ? JCS_CMYK : JCS_RGB;
    cinfo->dct_method = JDCT_ISLOW;
    bd_status status =
        bd_image_room(image, path, size - d->source.base.bytes_in_buffer, cinfo->image_height, cinfo->image_width, err);
    if (status) {
        return status;
    }
    d->row = cinfo->num_components == 4 ? bd_xmalloc((size_t)cinfo->image_width * 4) : NULL;
    jpeg_start_decompress(cinfo);
    read_rows(d, image);
    jpeg_finish_decompress(cinfo);
    bd_image_orient(image, orientation);
    return BD_OK;
}

bd_status bd_jpeg_decode(struct bd_image *image, const char *path, const uint8_t *data, size_t size,
                         struct bd_error *err)
{
    struct decoder *d =
        bd_xcalloc(1, sizeof *d); /* not on the stack: what setjmp returns to must not be in registers */
    bd_status status = decode(d, image, path, data, size, err);
    jpeg_destroy_decompress(&d->cinfo);
    free(d->row);
    free(d);
    return status;
}
