#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/data/image.h"

#define CHANNELS 3
#define WEIGHT_BITS 22 /* 8-bit pixels times weights of sum 1, with a bit for the sign, fit 32 bits */

#define SMALLEST_AREA 0.08
#define LARGEST_RATIO (4.0 / 3)
#define TRIES 10

/* ---- which part ---- */

static struct bd_crop whole_pixels(uint32_t top, uint32_t left, uint32_t height, uint32_t width)
{
    return (struct bd_crop){top, left, height, width, top, left, height, width};
}

struct bd_crop bd_crop_random(uint32_t height, uint32_t width, struct bd_rng *rng)
{
    const double area = (double)height * width, spread = log(LARGEST_RATIO);
    for (int i = 0; i < TRIES; i++) {
        double part = area * (SMALLEST_AREA + (1 - SMALLEST_AREA) * bd_rng_uniform(rng));
        double ratio = exp(spread * (2 * bd_rng_uniform(rng) - 1));
        double w = rint(sqrt(part * ratio)), h = rint(sqrt(part / ratio));
        if (w >= 1 && w <= width && h >= 1 && h <= height) {
            uint32_t top = bd_rng_below(rng, height - (uint32_t)h + 1);
            uint32_t left = bd_rng_below(rng, width - (uint32_t)w + 1);
            return whole_pixels(top, left, h, w);
        }
    }
    uint32_t w = width, h = height;
    if ((double)width / height > LARGEST_RATIO) {
        w = rint(height * LARGEST_RATIO);
    } else if ((double)height / width > LARGEST_RATIO) {
        h = rint(width * LARGEST_RATIO);
    }
    return whole_pixels((height - h) / 2, (width - w) / 2, h, w);
}

struct bd_crop bd_crop_centre(uint32_t height, uint32_t width, uint32_t side)
{
    const uint32_t shorter = (side * 256 + 112) / 224, least = height < width ? height : width;
    /* The size that the whole image would take; the longer side is rounded down. */
    const uint64_t new_height = (uint64_t)height * shorter / least, new_width = (uint64_t)width * shorter / least;
    const double scale_y = (double)height / new_height, scale_x = (double)width / new_width;
    return (struct bd_crop){.top = (new_height - side) / 2 * scale_y,
                            .left = (new_width - side) / 2 * scale_x,
                            .height = side * scale_y,
                            .width = side * scale_x,
                            .reach_height = height,
                            .reach_width = width};
}

/* ---- the filter ---- */

/* For each output position: its first source position and `taps` weights, zero beyond its own. */
struct axis {
    uint32_t taps;
    uint32_t *first;  /* (out) */
    int32_t *weights; /* (out, taps) */
};

static struct axis make_axis(double start, double length, uint32_t reach_start, uint32_t reach, uint32_t out, bool flip)
{
    const double scale = length / out, half = scale > 1 ? scale : 1;
    struct axis axis = {.taps = (uint32_t)ceil(2 * half)};
    axis.taps = axis.taps < reach ? axis.taps : reach;
    axis.first = bd_xcalloc(out, sizeof *axis.first);
    axis.weights = bd_xcalloc((size_t)out * axis.taps, sizeof *axis.weights);
    double *raw = bd_xcalloc(axis.taps, sizeof *raw);
    for (uint32_t i = 0; i < out; i++) {
        const double centre = start + (i + 0.5) * scale;
        double low = floor(centre - half + 0.5), sum = 0;
        double last = (double)reach_start + reach - axis.taps;
        low = low < reach_start ? reach_start : low > last ? last : low;
        for (uint32_t k = 0; k < axis.taps; k++) {
            double distance = fabs(low + k + 0.5 - centre) / half;
            raw[k] = distance < 1 ? 1 - distance : 0;
            sum += raw[k];
        }
        uint32_t to = flip ? out - 1 - i : i;
        axis.first[to] = low;
        for (uint32_t k = 0; k < axis.taps; k++) {
            axis.weights[(size_t)to * axis.taps + k] = lrint(raw[k] / sum * (1 << WEIGHT_BITS));
        }
    }
    free(raw);
    return axis;
}

static void release_axis(struct axis *axis)
{
    free(axis->first);
    free(axis->weights);
}

/* Weights sum to 1 within a few units of 2^-22, so that 255 cannot grow past itself. */
static inline uint8_t rounded(int32_t sum)
{
    return (sum + (1 << (WEIGHT_BITS - 1))) >> WEIGHT_BITS;
}

/* One row of `size` bytes from the `taps` rows that begin at `rows`, `stride` apart. */
__attribute__((target_clones("avx2", "default"))) static void resample_rows(const uint8_t *rows, size_t stride,
                                                                            const int32_t *weights, uint32_t taps,
                                                                            size_t size, int32_t *sums, uint8_t *to)
{
#pragma omp simd
    for (size_t i = 0; i < size; i++) {
        sums[i] = weights[0] * rows[i];
    }
    for (uint32_t k = 1; k < taps; k++) {
        const uint8_t *row = rows + k * stride;
        const int32_t weight = weights[k];
        if (weight == 0) {
            continue;
        }
#pragma omp simd
        for (size_t i = 0; i < size; i++) {
            sums[i] += weight * row[i];
        }
    }
#pragma omp simd
    for (size_t i = 0; i < size; i++) {
        to[i] = rounded(sums[i]);
    }
}

/* Four lanes hold a pixel and the first byte behind it, which is dropped. */
typedef int32_t lanes __attribute__((vector_size(16)));
typedef uint8_t bytes __attribute__((vector_size(4)));

/* One row to (out, 3). A byte follows the row. */
__attribute__((target_clones("avx2", "default"))) static void
resample_columns(const struct axis *axis, const uint8_t *row, uint32_t out, uint8_t *to)
{
    for (uint32_t x = 0; x < out; x++) {
        const uint8_t *from = row + (size_t)axis->first[x] * CHANNELS;
        const int32_t *weights = axis->weights + (size_t)x * axis->taps;
        lanes sum = {0};
        for (uint32_t k = 0; k < axis->taps; k++) {
            bytes pixel;
            memcpy(&pixel, from + CHANNELS * k, sizeof pixel);
            sum += __builtin_convertvector(pixel, lanes) * weights[k];
        }
        sum = (sum + (1 << (WEIGHT_BITS - 1))) >> WEIGHT_BITS;
        to[CHANNELS * x] = sum[0];
        to[CHANNELS * x + 1] = sum[1];
        to[CHANNELS * x + 2] = sum[2];
    }
}

void bd_resample(const struct bd_image *image, const struct bd_crop *crop, bool flip, uint32_t out_height,
                 uint32_t out_width, uint8_t *out)
{
    struct axis columns = make_axis(crop->left, crop->width, crop->reach_left, crop->reach_width, out_width, flip);
    struct axis rows = make_axis(crop->top, crop->height, crop->reach_top, crop->reach_height, out_height, false);
    /* The columns that some output pixel reads: the outermost taps, in either order. */
    const uint32_t one = columns.first[0], other = columns.first[out_width - 1];
    const uint32_t left = one < other ? one : other, right = (one > other ? one : other) + columns.taps;
    const size_t size = (size_t)(right - left) * CHANNELS, stride = (size_t)image->width * CHANNELS;
    uint8_t *row = bd_xcalloc(size + 1, 1);
    int32_t *sums = bd_xmalloc(size * sizeof *sums);
    for (uint32_t x = 0; x < out_width; x++) {
        columns.first[x] -= left;
    }
    for (uint32_t y = 0; y < out_height; y++) {
        resample_rows(image->pixels + rows.first[y] * stride + (size_t)left * CHANNELS, stride,
                      rows.weights + (size_t)y * rows.taps, rows.taps, size, sums, row);
        resample_columns(&columns, row, out_width, out + (size_t)y * out_width * CHANNELS);
    }
    free(sums);
    free(row);
    release_axis(&columns);
    release_axis(&rows);
}
