/* Decoding of every form of JPEG and PNG, what is refused and where, and the resampling against its formula. */
#include <criterion/criterion.h>
#include <math.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/core/rng.h"
#include "model/data/image.h"
#include "tests/support/data_files.h"

#define HEIGHT 37
#define WIDTH 53

static void decode(const uint8_t *bytes, size_t size, struct bd_image *image)
{
    struct bd_error err;
    cr_assert_eq(bd_image_decode(image, "a", bytes, size, &err), BD_OK, "%s", err.message);
}

/* Mean absolute difference of the pixels. */
static double distance(const uint8_t *a, const uint8_t *b, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += abs(a[i] - b[i]);
    }
    return sum / count;
}

/* ---- JPEG ---- */

Test(data_image, jpeg_in_colour_and_grey)
{
    uint8_t *picture = make_picture(HEIGHT, WIDTH, 1), grey[HEIGHT * WIDTH];
    for (int i = 0; i < HEIGHT * WIDTH; i++) {
        grey[i] = picture[3 * i];
    }
    for (int form = JPEG_COLOUR; form <= JPEG_PROGRESSIVE; form++) {
        size_t size;
        struct bd_image image;
        uint8_t *bytes = make_jpeg(form == JPEG_GREY ? grey : picture, HEIGHT, WIDTH, form, 95, &size);
        decode(bytes, size, &image);
        cr_assert(image.height == HEIGHT && image.width == WIDTH);
        for (int i = 0; i < HEIGHT * WIDTH && form == JPEG_GREY; i++) {
            cr_assert(image.pixels[3 * i] == image.pixels[3 * i + 1] && image.pixels[3 * i] == image.pixels[3 * i + 2]);
            cr_assert_lt(abs(image.pixels[3 * i] - grey[i]), 16);
        }
        cr_assert(form == JPEG_GREY || distance(image.pixels, picture, HEIGHT * WIDTH * 3) < 6);
        free(image.pixels);
        free(bytes);
    }
    free(picture);
}

/* Three fifths of cyan and no other ink, as Adobe stores it (255: no ink) and as the plain form does (0: no ink). */
Test(data_image, jpeg_of_ink)
{
    enum { SIDE = 16 };
    static const uint8_t inks[2][4] = {{102, 255, 255, 255}, {153, 0, 0, 0}};
    for (int form = JPEG_CMYK; form <= JPEG_PLAIN_CMYK; form++) {
        uint8_t ink[SIDE * SIDE * 4];
        for (int i = 0; i < SIDE * SIDE; i++) {
            memcpy(ink + 4 * i, inks[form == JPEG_PLAIN_CMYK], 4);
        }
        size_t size;
        struct bd_image image;
        uint8_t *bytes = make_jpeg(ink, SIDE, SIDE, form, 100, &size);
        decode(bytes, size, &image);
        for (int i = 0; i < SIDE * SIDE; i++) {
            const uint8_t *p = image.pixels + 3 * i;
            cr_assert(abs(p[0] - 102) < 4 && p[1] > 251 && p[2] > 251, "form %d: %u %u %u", form, p[0], p[1], p[2]);
        }
        free(image.pixels);
        free(bytes);
    }
}

/* Where the standard says that the 0th row and the 0th column of what is stored are seen (CIPA DC-008, 4.6.4). */
enum side { TOP, BOTTOM, LEFT, RIGHT };
static const enum side seen[9][2] = {
    [1] = {TOP, LEFT}, [2] = {TOP, RIGHT}, [3] = {BOTTOM, RIGHT}, [4] = {BOTTOM, LEFT},
    [5] = {LEFT, TOP}, [6] = {RIGHT, TOP}, [7] = {RIGHT, BOTTOM}, [8] = {LEFT, BOTTOM}};

/* The place along `side`'s direction of something that stands `distance` away from it. */
static void move_from(enum side side, uint32_t distance, uint32_t height, uint32_t width, uint32_t *y, uint32_t *x)
{
    if (side == TOP || side == BOTTOM) {
        *y = side == TOP ? distance : height - 1 - distance;
    } else {
        *x = side == LEFT ? distance : width - 1 - distance;
    }
}

Test(data_image, exif_orientation)
{
    size_t size;
    struct bd_image plain;
    uint8_t *picture = make_picture(HEIGHT, WIDTH, 9),
            *bytes = make_jpeg(picture, HEIGHT, WIDTH, JPEG_COLOUR, 95, &size);
    decode(bytes, size, &plain);
    for (int round = 0; round < 40; round++) {
        const int orientation = round % 10, known = orientation >= 1 && orientation <= 8 ? orientation : 1;
        size_t longer;
        struct bd_image image;
        uint8_t *turned = with_exif(bytes, size, orientation, round / 10 % 2, round / 20 * 3, &longer);
        decode(turned, longer, &image);
        const bool swaps = seen[known][0] == LEFT || seen[known][0] == RIGHT;
        cr_assert_eq(image.height, (uint32_t)(swaps ? WIDTH : HEIGHT), "orientation %d", orientation);
        cr_assert_eq(image.width, (uint32_t)(swaps ? HEIGHT : WIDTH));
        for (uint32_t row = 0; row < HEIGHT; row++) {
            for (uint32_t column = 0; column < WIDTH; column++) {
                uint32_t y = 0, x = 0;
                move_from(seen[known][0], row, image.height, image.width, &y, &x);
                move_from(seen[known][1], column, image.height, image.width, &y, &x);
                cr_assert_eq(
                    memcmp(image.pixels + 3 * (y * image.width + x), plain.pixels + 3 * (row * WIDTH + column), 3), 0,
                    "orientation %d, row %u, column %u", orientation, row, column);
            }
        }
        free(image.pixels);
        free(turned);
    }
    /* A damaged segment notes nothing, and costs nothing. */
    size_t longer;
    uint8_t *whole = with_exif(bytes, size, 6, 0, 2, &longer);
    struct bd_rng rng;
    bd_rng_seed(&rng, 3);
    for (int round = 0; round < 400; round++) {
        struct bd_image image;
        uint8_t *damaged = bd_xmalloc(longer);
        memcpy(damaged, whole, longer);
        damaged[6 + bd_rng_below(&rng, (uint32_t)(longer - size) - 4)] = bd_rng_below(&rng, 256);
        decode(damaged, longer, &image);
        cr_assert_eq(image.height * image.width, HEIGHT * WIDTH);
        free(image.pixels);
        free(damaged);
    }
    free(whole);
    free(plain.pixels);
    free(bytes);
    free(picture);
}

/* Cameras write baseline files whose scan header says Se = 0; the field has no meaning there. */
Test(data_image, jpeg_whose_scan_says_another_end)
{
    size_t size;
    struct bd_image plain, image;
    uint8_t *picture = make_picture(HEIGHT, WIDTH, 2),
            *bytes = make_jpeg(picture, HEIGHT, WIDTH, JPEG_COLOUR, 90, &size);
    decode(bytes, size, &plain);
    uint8_t *scan = memmem(bytes, size, "\xff\xda", 2);
    cr_assert_eq(scan[6 + 2 * scan[4]], 63);
    scan[6 + 2 * scan[4]] = 0;
    decode(bytes, size, &image);
    cr_assert_eq(memcmp(image.pixels, plain.pixels, HEIGHT * WIDTH * 3), 0);
    free(image.pixels);
    free(plain.pixels);
    free(bytes);
    free(picture);
}

/* ---- PNG ---- */

static uint32_t packed_value(const uint8_t *row, int depth, uint32_t x)
{
    if (depth == 16) {
        return (uint32_t)row[2 * x] << 8 | row[2 * x + 1];
    }
    return (uint32_t)row[x * depth / 8] >> (8 - depth - x * depth % 8) & ((1u << depth) - 1);
}

/* Random rows of every colour type and depth; the expected pixel is computed from the packed bytes. */
Test(data_image, png_of_every_kind)
{
    static const struct {
        int type, depths[6], samples;
    } kinds[] = {
        {PNG_COLOR_TYPE_GRAY, {1, 2, 4, 8, 16}, 1}, {PNG_COLOR_TYPE_PALETTE, {1, 2, 4, 8}, 1},
        {PNG_COLOR_TYPE_RGB, {8, 16}, 3},           {PNG_COLOR_TYPE_GRAY_ALPHA, {8, 16}, 2},
        {PNG_COLOR_TYPE_RGB_ALPHA, {8, 16}, 4},
    };
    struct bd_rng rng;
    bd_rng_seed(&rng, 4);
    uint8_t palette[768], alphas[256], rows[HEIGHT * WIDTH * 8];
    for (int i = 0; i < 768; i++) {
        palette[i] = bd_rng_below(&rng, 256);
        alphas[i / 3] = i;
    }
    for (size_t i = 0; i < sizeof rows; i++) {
        rows[i] = bd_rng_below(&rng, 256);
    }
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        for (int d = 0; kinds[k].depths[d]; d++) {
            const int depth = kinds[k].depths[d], samples = kinds[k].samples, most = (1 << depth) - 1;
            const int indexed = kinds[k].type == PNG_COLOR_TYPE_PALETTE, grey = samples <= 2;
            const size_t row_size = ((size_t)WIDTH * samples * depth + 7) / 8;
            for (int interlaced = 0; interlaced < 2; interlaced++) {
                size_t size;
                struct bd_image image;
                uint8_t *bytes =
                    make_png(rows, row_size, HEIGHT, WIDTH, depth, kinds[k].type, interlaced, indexed ? palette : NULL,
                             1 << (depth > 8 ? 8 : depth), indexed && d % 2 ? alphas : NULL, &size);
                decode(bytes, size, &image);
                cr_assert(image.height == HEIGHT && image.width == WIDTH);
                for (int i = 0; i < HEIGHT * WIDTH * 3; i++) {
                    int y = i / 3 / WIDTH, x = i / 3 % WIDTH, c = i % 3;
                    uint32_t value = packed_value(rows + y * row_size, depth, x * samples + (grey ? 0 : c));
                    int expected = indexed ? palette[3 * value + c] : (int)lrint(value * 255.0 / most);
                    cr_assert_eq(image.pixels[i], expected, "type %d, depth %d, pixel %d: %u, not %d", kinds[k].type,
                                 depth, i, image.pixels[i], expected);
                }
                free(image.pixels);
                free(bytes);
            }
        }
    }
}

/* ---- what is refused ---- */

static void expect_refusal(const uint8_t *bytes, size_t size, const char *message)
{
    struct bd_image image;
    struct bd_error err = {0};
    cr_assert_eq(bd_image_decode(&image, "a", bytes, size, &err), BD_BAD_INPUT, "no refusal: %s", message);
    cr_assert_null(image.pixels);
    cr_assert(!strncmp(err.message, message, strlen(message)), "'%s', not '%s'", err.message, message);
}

/* Every beginning of a file is refused, at an offset within it. */
Test(data_image, every_truncation_is_refused)
{
    size_t jpeg_size, grown_size, png_size;
    uint8_t *picture = make_picture(HEIGHT, WIDTH, 1);
    uint8_t *jpeg = make_jpeg(picture, HEIGHT, WIDTH, JPEG_COLOUR, 50, &jpeg_size);
    uint8_t *grown = make_jpeg(picture, HEIGHT, WIDTH, JPEG_PROGRESSIVE, 50, &grown_size);
    uint8_t *png = make_png(picture, WIDTH * 3, HEIGHT, WIDTH, 8, PNG_COLOR_TYPE_RGB, 0, NULL, 0, NULL, &png_size);
    const struct {
        const uint8_t *bytes;
        size_t size, step;
    } files[] = {{jpeg, jpeg_size, 1}, {grown, grown_size, 1}, {png, png_size, 7}};
    for (int f = 0; f < 3; f++) {
        for (size_t size = 0; size < files[f].size; size += files[f].step) {
            struct bd_image image;
            struct bd_error err;
            size_t offset;
            cr_assert_eq(bd_image_decode(&image, "a", files[f].bytes, size, &err), BD_BAD_INPUT, "%zu bytes of file %d",
                         size, f);
            cr_assert_eq(sscanf(err.message, "a: offset %zu: ", &offset), 1, "%s", err.message);
            cr_assert_leq(offset, size);
        }
    }
    expect_refusal(jpeg, jpeg_size - 1, "a: offset 842: the JPEG data ends too early");
    expect_refusal(png, 100, "a: offset 100: the PNG data ends too early");
    free(png);
    free(grown);
    free(jpeg);
    free(picture);
}

Test(data_image, what_is_wrong_is_named)
{
    size_t size, png_size;
    uint8_t *picture = make_picture(HEIGHT, WIDTH, 1);
    uint8_t *jpeg = make_jpeg(picture, HEIGHT, WIDTH, JPEG_COLOUR, 50, &size);
    uint8_t *png = make_png(picture, WIDTH * 3, HEIGHT, WIDTH, 8, PNG_COLOR_TYPE_RGB, 0, NULL, 0, NULL, &png_size);
    expect_refusal((const uint8_t *)"", 0, "a: offset 0: the file is empty");
    expect_refusal((const uint8_t *)"GIF89a", 6, "a: offset 0: neither a JPEG nor a PNG file");
    png[16] = 0x7f; /* the width, so that the sum of its chunk is wrong too */
    expect_refusal(png, png_size, "a: offset 33: IHDR: CRC error");
    png[16] = 0;
    png[png_size / 2] ^= 0x10;
    expect_refusal(png, png_size, "a: offset 3972: IDAT: ");
    uint8_t *frame = memmem(jpeg, size, "\xff\xc0", 2), *scan = memmem(jpeg, size, "\xff\xda", 2), kept[4];
    memcpy(kept, frame + 5, 4);
    memset(frame + 5, 0xff, 4);
    expect_refusal(jpeg, size, "a: offset 623: Maximum supported image dimension is 65500 pixels");
    memcpy(frame + 5, "\xff\x00\xff\x00", 4);
    expect_refusal(jpeg, size, "a: offset 623: an image of 65280x65280 must have 1..67108864 pixels");
    memcpy(frame + 5, kept, 4);
    memcpy(scan + 200, "\xff\xc4", 2);
    expect_refusal(jpeg, size, "a: offset 811: Corrupt JPEG data: premature end of data segment");
    free(png);
    free(jpeg);
    free(picture);
}

/* Flipped bytes: an image or a refusal with an offset, never a crash. */
Test(data_image, fuzz)
{
    enum { ROUNDS = 1500, SIDE = 24 };
    uint8_t *picture = make_picture(SIDE, SIDE, 2);
    uint8_t ink[SIDE * SIDE * 4], palette[48];
    for (int i = 0; i < SIDE * SIDE * 4; i++) {
        ink[i] = picture[i * 3 / 4];
    }
    memcpy(palette, picture, sizeof palette);
    int accepted = 0, refused = 0;
    for (int form = JPEG_COLOUR; form <= JPEG_PLAIN_CMYK + 3; form++) {
        size_t size;
        uint8_t *bytes =
            form <= JPEG_PLAIN_CMYK
                ? make_jpeg(form == JPEG_GREY || form >= JPEG_CMYK ? ink : picture, SIDE, SIDE, form, 75, &size)
            : form == JPEG_PLAIN_CMYK + 1
                ? make_png(picture, SIDE * 3, SIDE, SIDE, 8, PNG_COLOR_TYPE_RGB, 1, NULL, 0, NULL, &size)
            : form == JPEG_PLAIN_CMYK + 2
                ? make_png(ink, SIDE / 2, SIDE, SIDE, 4, PNG_COLOR_TYPE_PALETTE, 0, palette, 16, ink, &size)
                : make_png(ink, SIDE * 2, SIDE, SIDE, 16, PNG_COLOR_TYPE_GRAY, 0, NULL, 0, NULL, &size);
        for (int round = 0; round < ROUNDS / 9; round++) {
            struct bd_rng rng;
            struct bd_image image;
            struct bd_error err = {0};
            const uint64_t seed = form * ROUNDS + round;
            bd_rng_seed(&rng, seed);
            uint8_t *bad = bd_xmalloc(size);
            memcpy(bad, bytes, size);
            for (uint32_t n = 1 + bd_rng_below(&rng, 4); n > 0; n--) {
                bad[bd_rng_below(&rng, size)] = bd_rng_below(&rng, 256);
            }
            bd_status status = bd_image_decode(&image, "a", bad, size, &err);
            if (status == BD_OK) {
                accepted++;
                free(image.pixels);
            } else {
                refused++;
                cr_assert(status == BD_BAD_INPUT && !strncmp(err.message, "a: offset ", 10), "seed %lu: %s", seed,
                          err.message);
            }
            free(bad);
        }
        free(bytes);
    }
    cr_assert(accepted > 100 && refused > 100, "%d accepted, %d refused", accepted, refused);
    free(picture);
}

/* ---- cutting to size ---- */

/* The triangle filter as a sum over every pixel in reach, in both directions at once. */
static double expected_pixel(const struct bd_image *image, const struct bd_crop *crop, uint32_t out_height,
                             uint32_t out_width, uint32_t y, uint32_t x, int c)
{
    const double sy = crop->height / out_height, sx = crop->width / out_width;
    const double cy = crop->top + (y + 0.5) * sy, cx = crop->left + (x + 0.5) * sx;
    double sum = 0, weights = 0;
    for (uint32_t j = crop->reach_top; j < crop->reach_top + crop->reach_height; j++) {
        for (uint32_t i = crop->reach_left; i < crop->reach_left + crop->reach_width; i++) {
            double wy = 1 - fabs(j + 0.5 - cy) / fmax(sy, 1), wx = 1 - fabs(i + 0.5 - cx) / fmax(sx, 1);
            if (wy > 0 && wx > 0) {
                weights += wy * wx;
                sum += wy * wx * image->pixels[((size_t)j * image->width + i) * 3 + c];
            }
        }
    }
    return sum / weights;
}

Test(data_image, resampling_is_its_formula)
{
    struct bd_rng rng;
    bd_rng_seed(&rng, 8);
    for (int round = 0; round < 40; round++) {
        const uint32_t height = 1 + bd_rng_below(&rng, 60), width = 1 + bd_rng_below(&rng, 60);
        const uint32_t side = 1 + bd_rng_below(&rng, 24);
        struct bd_image image = {height, width, make_picture(height, width, round)};
        struct bd_crop crop = round % 2 ? bd_crop_random(height, width, &rng) : bd_crop_centre(height, width, side);
        uint8_t *out = bd_xmalloc(side * side * 3), *mirrored = bd_xmalloc(side * side * 3);
        bd_resample(&image, &crop, false, side, side, out);
        bd_resample(&image, &crop, true, side, side, mirrored);
        for (uint32_t i = 0; i < side * side * 3; i++) {
            uint32_t y = i / 3 / side, x = i / 3 % side, c = i % 3;
            double expected = expected_pixel(&image, &crop, side, side, y, x, c);
            /* Two roundings, of which the first is averaged by the second. */
            cr_assert_lt(fabs(out[i] - expected), 1.01, "round %d: %u, not %f", round, out[i], expected);
            cr_assert_eq(mirrored[(y * side + side - 1 - x) * 3 + c], out[i]);
        }
        free(mirrored);
        free(out);
        free(image.pixels);
    }
}

/* Without a change of size every pixel stays. */
Test(data_image, same_size_is_a_copy)
{
    struct bd_image image = {HEIGHT, WIDTH, make_picture(HEIGHT, WIDTH, 3)};
    struct bd_crop whole = {0, 0, HEIGHT, WIDTH, 0, 0, HEIGHT, WIDTH};
    uint8_t out[HEIGHT * WIDTH * 3];
    bd_resample(&image, &whole, false, HEIGHT, WIDTH, out);
    cr_assert_eq(memcmp(out, image.pixels, sizeof out), 0);
    free(image.pixels);
}

Test(data_image, random_crops_keep_their_bounds)
{
    enum { ROUNDS = 20000 };
    struct bd_rng rng;
    bd_rng_seed(&rng, 12);
    double least = 1, most = 0, flat = 1, mean = 0;
    for (int i = 0; i < ROUNDS; i++) {
        struct bd_crop crop = bd_crop_random(375, 500, &rng);
        double part = crop.height * crop.width / (375.0 * 500), ratio = crop.width / crop.height;
        cr_assert(crop.top + crop.height <= 375 && crop.left + crop.width <= 500 && crop.top >= 0 && crop.left >= 0);
        cr_assert(crop.reach_top == crop.top && crop.reach_width == crop.width);
        cr_assert(ratio > 0.74 && ratio < 1.35);
        least = fmin(least, part);
        most = fmax(most, part);
        flat = fmin(flat, ratio);
        mean += part / ROUNDS;
    }
    cr_assert(least < 0.082 && most > 0.98 && flat < 0.76, "%f %f %f", least, most, flat);
    cr_assert(mean > 0.4 && mean < 0.56, "%f", mean);
    /* An image that no try can suit: the middle, as wide as the ratio allows. */
    struct bd_crop crop = bd_crop_random(3, 3000, &rng);
    cr_assert(crop.height == 3 && crop.width == 4 && crop.left == 1498, "%f %f", crop.width, crop.left);
}

Test(data_image, centre_crop_of_imagenet)
{
    struct bd_crop crop = bd_crop_centre(375, 500, 224); /* 256 x 341, of which 224 x 224 from (16, 58) */
    cr_assert_float_eq(crop.top, 16 * 375.0 / 256, 1e-9);
    cr_assert_float_eq(crop.left, 58 * 500.0 / 341, 1e-9);
    cr_assert_float_eq(crop.height, 224 * 375.0 / 256, 1e-9);
    cr_assert_float_eq(crop.width, 224 * 500.0 / 341, 1e-9);
}
