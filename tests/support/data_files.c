#include "tests/support/data_files.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <png.h>

#include "model/core/file.h"
#include "model/core/memory.h"
#include "model/core/rng.h"

static void stop(const char *what)
{
    fprintf(stderr, "cannot make a file for a test: %s\n", what);
    exit(3);
}

uint8_t *make_picture(uint32_t height, uint32_t width, uint64_t seed)
{
    struct bd_rng rng;
    uint8_t *pixels = bd_xmalloc((size_t)height * width * 3);
    double wave[3][4];
    bd_rng_seed(&rng, seed);
    for (int c = 0; c < 3; c++) {
        for (int k = 0; k < 4; k++) {
            wave[c][k] = 0.01 + 0.15 * bd_rng_uniform(&rng);
        }
    }
    for (uint32_t y = 0; y < height; y++) {
        for (uint32_t x = 0; x < width; x++) {
            for (int c = 0; c < 3; c++) {
                double value = 128 + 50 * sin(wave[c][0] * x + wave[c][1] * y) + 40 * cos(wave[c][2] * x) +
                               10 * sin(4 * wave[c][3] * y) + bd_rng_below(&rng, 20);
                pixels[((size_t)y * width + x) * 3 + c] = value < 0 ? 0 : value > 255 ? 255 : value;
            }
        }
    }
    return pixels;
}

uint8_t *make_jpeg(const uint8_t *pixels, uint32_t height, uint32_t width, enum jpeg_form form, int quality,
                   size_t *size)
{
    struct jpeg_compress_struct cinfo;
    struct jpeg_error_mgr failing;
    unsigned char *bytes = NULL;
    unsigned long length = 0;
    const int ink = form >= JPEG_CMYK;
    cinfo.err = jpeg_std_error(&failing); /* its errors end the program */
    jpeg_create_compress(&cinfo);
    jpeg_mem_dest(&cinfo, &bytes, &length);
    cinfo.image_height = height;
    cinfo.image_width = width;
    cinfo.input_components = form == JPEG_GREY ? 1 : ink ? 4 : 3;
    cinfo.in_color_space = form == JPEG_GREY ? JCS_GRAYSCALE : ink ? JCS_CMYK : JCS_RGB;
    jpeg_set_defaults(&cinfo);
    if (form == JPEG_YCCK) {
        jpeg_set_colorspace(&cinfo, JCS_YCCK);
    }
    if (form == JPEG_PLAIN_CMYK) {
        cinfo.write_Adobe_marker = FALSE;
    }
    if (form == JPEG_PROGRESSIVE) {
        jpeg_simple_progression(&cinfo);
    }
    jpeg_set_quality(&cinfo, quality, TRUE);
    jpeg_start_compress(&cinfo, TRUE);
    while (cinfo.next_scanline < height) {
        JSAMPROW row = (JSAMPROW)(pixels + (size_t)cinfo.next_scanline * width * cinfo.input_components);
        jpeg_write_scanlines(&cinfo, &row, 1);
    }
    jpeg_finish_compress(&cinfo);
    jpeg_destroy_compress(&cinfo);
    *size = length;
    return bytes;
}

static void put_number(uint8_t *at, uint32_t value, int bytes, int big)
{
    for (int i = 0; i < bytes; i++) {
        at[i] = (uint8_t)(value >> 8 * (big ? bytes - 1 - i : i));
    }
}

uint8_t *with_exif(const uint8_t *jpeg, size_t size, int orientation, int big, int entries, size_t *new_size)
{
    const size_t segment = 4 + 6 + 8 + 2 + (size_t)(entries + 1) * 12 + 4;
    uint8_t *bytes = bd_xcalloc(size + segment, 1), *at = bytes + 2;
    memcpy(bytes, jpeg, 2);
    memcpy(at, "\xff\xe1", 2);
    put_number(at + 2, (uint32_t)segment - 2, 2, 1);
    memcpy(at + 4, "Exif\0\0", 6);
    uint8_t *tiff = at + 10;
    memcpy(tiff, big ? "MM" : "II", 2);
    put_number(tiff + 2, 42, 2, big);
    put_number(tiff + 4, 8, 4, big);
    put_number(tiff + 8, (uint32_t)entries + 1, 2, big);
    for (int i = 0; i <= entries; i++) {
        uint8_t *entry = tiff + 10 + 12 * i;
        put_number(entry, i < entries ? 0x0100 + (uint32_t)i : 0x0112, 2, big);
        put_number(entry + 2, 3, 2, big);
        put_number(entry + 4, 1, 4, big);
        put_number(entry + 8, i < entries ? 6 : (uint32_t)orientation, 2, big);
    }
    memcpy(bytes + 2 + segment, jpeg + 2, size - 2);
    *new_size = size + segment;
    return bytes;
}

struct growing {
    uint8_t *data;
    size_t size;
};

static void grow(png_structp png, png_bytep data, size_t size)
{
    struct growing *to = png_get_io_ptr(png);
    to->data = bd_xrealloc(to->data, to->size + size, 1);
    memcpy(to->data + to->size, data, size);
    to->size += size;
}

uint8_t *make_png(const uint8_t *rows, size_t row_size, uint32_t height, uint32_t width, int depth, int colour_type,
                  int interlaced, const uint8_t *palette, int palette_size, const uint8_t *alphas, size_t *size)
{
    struct growing to = {0};
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    png_color colours[256];
    png_bytep *lines = bd_xcalloc(height, sizeof *lines);
    if (!info || setjmp(png_jmpbuf(png))) {
        stop("libpng");
    }
    png_set_write_fn(png, &to, grow, NULL);
    png_set_IHDR(png, info, width, height, depth, colour_type, interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (palette) {
        for (int i = 0; i < palette_size; i++) {
            colours[i] = (png_color){palette[3 * i], palette[3 * i + 1], palette[3 * i + 2]};
        }
        png_set_PLTE(png, info, colours, palette_size);
    }
    if (alphas) {
        png_set_tRNS(png, info, alphas, palette_size, NULL);
    }
    png_write_info(png, info);
    for (uint32_t y = 0; y < height; y++) {
        lines[y] = (png_bytep)(rows + y * row_size);
    }
    png_write_image(png, lines);
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
    free(lines);
    *size = to.size;
    return to.data;
}

void put_file(const char *path, const void *data, size_t size)
{
    struct bd_error err;
    char *folder = bd_xstrdup(path);
    *strrchr(folder, '/') = 0;
    if (bd_make_folder(folder, &err)) {
        stop(err.message);
    }
    free(folder);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(data, 1, size, file) != size || fclose(file)) {
        stop(path);
    }
}

void put_jpeg(const char *path, uint32_t height, uint32_t width, uint64_t seed)
{
    size_t size;
    uint8_t *pixels = make_picture(height, width, seed);
    uint8_t *bytes = make_jpeg(pixels, height, width, JPEG_COLOUR, 90, &size);
    put_file(path, bytes, size);
    free(bytes);
    free(pixels);
}
