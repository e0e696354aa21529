/* The integer convolution for processors without AVX-512, and for strides and weights that bytes do not take: codes are
 * laid out as 16-bit numbers, (H, W, IC), with +-1 as it is, and multiplied by pairs of channels, which is exact: |w|
 * and codes are at most 255. A call of the inner kernel gives 16 channels of 8 pixels. */
#pragma GCC optimize("O3")

#include <immintrin.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/kernels/intconv.h"

#define BLOCK BD_INTCONV_BLOCK
enum { PIXELS = 8 };

/* ---- weights ---- */

static int even(int channels)
{
    return (channels + 1) / 2 * 2;
}

/* (OC/16, KH, KW, IC/2, 16, 2); depthwise (KH, KW, C). */
static size_t pair_at(const struct bd_intconv_shape *s, int o, int c, int tap)
{
    if (s->depthwise) {
        return (size_t)tap * even(s->in_channels) + o;
    }
    const size_t at = ((size_t)(o / BLOCK) * s->kernel_h * s->kernel_w + tap) * (even(s->in_channels) / 2) + c / 2;
    return (at * BLOCK + o % BLOCK) * 2 + c % 2;
}

void bd_intconv_pack_any(const struct bd_intconv_shape *s, const int16_t *weights, struct bd_intconv_weights *w)
{
    const int taps = s->kernel_h * s->kernel_w, depth = s->depthwise ? 1 : s->in_channels,
              out = s->depthwise ? 1 : bd_intconv_blocks(s->out_channels) * BLOCK;
    free(w->pairs);
    w->pairs = bd_xcalloc((size_t)out * taps * even(s->in_channels), sizeof *w->pairs);
    w->magnitude = 0;
    for (int o = 0; o < s->out_channels; o++) {
        int64_t magnitude = 0;
        for (int c = 0; c < depth; c++) {
            for (int tap = 0; tap < taps; tap++, weights++) {
                w->pairs[pair_at(s, o, c, tap)] = *weights;
                magnitude += abs(*weights);
            }
        }
        w->magnitude = magnitude > w->magnitude ? magnitude : w->magnitude;
    }
}

/* ---- codes ---- */

struct map {
    int height, width; /* what all windows of an image read */
    size_t pixel;      /* numbers of one */
};

static struct map map_of(const struct bd_intconv_shape *s)
{
    return (struct map){.height = (s->out_height - 1) * s->stride + s->kernel_h,
                        .width = (s->out_width - 1) * s->stride + s->kernel_w,
                        .pixel = (size_t)even(s->in_channels)};
}

size_t bd_intconv_any_room_size(const struct bd_intconv_shape *s)
{
    const struct map map = map_of(s);
    return (size_t)map.height * map.width * map.pixel * sizeof(int16_t);
}

static void lay_out(const struct bd_intconv_shape *s, const struct map *map, const struct bd_intconv_source *source,
                    int16_t *to)
{
    for (int y = 0; y < map->height; y++) {
        for (int x = 0; x < map->width; x++, to += map->pixel) {
            const uint8_t *from = source->first + y * s->row + (size_t)x * BLOCK;
            to[map->pixel - 1] = 0; /* of an odd number of channels, a partner of the last */
            for (int c = 0; c < s->in_channels; c++) {
                to[c] = (int16_t)(from[c / BLOCK * s->plane + c % BLOCK] - source->bias);
            }
        }
    }
}

/* ---- sums ---- */

/* base[p]: top left of pixel p's window; a window's row is `run` pairs, the next row `pitch` numbers on. */
struct job {
    const int16_t *base[PIXELS];
    const int16_t *weights;
    size_t rows, run, pitch;
    int32_t sums[PIXELS][BLOCK];
};

typedef void job_kernel(struct job *job);

static inline int32_t load_pair(const int16_t *from)
{
    int32_t pair;
    memcpy(&pair, from, sizeof pair);
    return pair;
}

/* Four pixels at a time: as many sums as the sixteen registers hold. */
__attribute__((target("avx2"))) static void half_job_avx2(struct job *job, int first)
{
    __m256i sums[4][2];
    for (int p = 0; p < 4; p++) {
        sums[p][0] = sums[p][1] = _mm256_setzero_si256();
    }
    const int16_t *w = job->weights;
    for (size_t row = 0; row < job->rows; row++) {
        const int16_t *at[4];
        for (int p = 0; p < 4; p++) {
            at[p] = job->base[first + p] + row * job->pitch;
        }
        for (size_t i = 0; i < job->run; i++, w += 2 * BLOCK) {
            const __m256i low = _mm256_loadu_si256((const __m256i *)w);
            const __m256i high = _mm256_loadu_si256((const __m256i *)(w + BLOCK));
#pragma GCC unroll 4
            for (int p = 0; p < 4; p++) {
                const __m256i pair = _mm256_set1_epi32(load_pair(at[p] + 2 * i));
                sums[p][0] = _mm256_add_epi32(sums[p][0], _mm256_madd_epi16(pair, low));
                sums[p][1] = _mm256_add_epi32(sums[p][1], _mm256_madd_epi16(pair, high));
            }
        }
    }
    for (int p = 0; p < 4; p++) {
        _mm256_storeu_si256((__m256i *)job->sums[first + p], sums[p][0]);
        _mm256_storeu_si256((__m256i *)(job->sums[first + p] + 8), sums[p][1]);
    }
}

__attribute__((target("avx2"))) static void job_avx2(struct job *job)
{
    half_job_avx2(job, 0);
    half_job_avx2(job, 4);
}

static void job_plain(struct job *job)
{
    for (int p = 0; p < PIXELS; p++) {
        int32_t sums[BLOCK] = {0};
        const int16_t *w = job->weights;
        for (size_t row = 0; row < job->rows; row++) {
            const int16_t *at = job->base[p] + row * job->pitch;
            for (size_t i = 0; i < job->run; i++, w += 2 * BLOCK) {
                for (int o = 0; o < BLOCK; o++) {
                    sums[o] += at[2 * i] * w[2 * o] + at[2 * i + 1] * w[2 * o + 1];
                }
            }
        }
        memcpy(job->sums[p], sums, sizeof sums);
    }
}

static void put(const int32_t *values, size_t count, enum bd_number type, void *sums, size_t at)
{
    if (type == BD_INT32) {
        memcpy((int32_t *)sums + at, values, count * sizeof *values);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        ((int16_t *)sums)[at + i] = (int16_t)values[i];
    }
}

static void convolve(const struct bd_intconv_shape *s, const struct map *map, const int16_t *weights,
                     const int16_t *codes, job_kernel *kernel, enum bd_number type, void *sums)
{
    const size_t pitch = map->width * map->pixel, run = s->kernel_w * map->pixel / 2;
    const int pixels = s->out_height * s->out_width;
    struct job job = {.rows = s->kernel_h, .run = run, .pitch = pitch};
    for (int first = 0; first < pixels; first += PIXELS) {
        const int count = pixels - first < PIXELS ? pixels - first : PIXELS;
        for (int p = 0; p < PIXELS; p++) {
            const int pixel = p < count ? first + p : pixels - 1;
            const size_t y = (size_t)pixel / s->out_width * s->stride, x = (size_t)pixel % s->out_width * s->stride;
            job.base[p] = codes + y * pitch + x * map->pixel;
        }
        for (int b = 0; b < bd_intconv_blocks(s->out_channels); b++) {
            job.weights = weights + b * s->kernel_h * run * 2 * BLOCK;
            kernel(&job);
            put(job.sums[0], (size_t)count * BLOCK, type, sums, ((size_t)b * pixels + first) * BLOCK);
        }
    }
}

/* Channels side by side: a pixel's sums stay in registers over its taps. */
static inline __attribute__((always_inline)) void depthwise(const struct bd_intconv_shape *s, const struct map *map,
                                                            const int16_t *weights, const int16_t *codes,
                                                            enum bd_number type, void *sums)
{
    const int pixels = s->out_height * s->out_width;
    for (int b = 0; b < bd_intconv_blocks(s->out_channels); b++) {
        const int first = b * BLOCK, channels = s->out_channels - first < BLOCK ? s->out_channels - first : BLOCK;
        for (int p = 0; p < pixels; p++) {
            const size_t y = (size_t)p / s->out_width * s->stride, x = (size_t)p % s->out_width * s->stride;
            const int16_t *window = codes + (y * map->width + x) * map->pixel + first;
            int32_t values[BLOCK] = {0};
            for (int tap = 0; tap < s->kernel_h * s->kernel_w; tap++) {
                const int16_t *code =
                    window + ((size_t)(tap / s->kernel_w) * map->width + tap % s->kernel_w) * map->pixel;
                const int16_t *w = weights + tap * map->pixel + first;
                for (int c = 0; c < channels; c++) {
                    values[c] += w[c] * code[c];
                }
            }
            put(values, BLOCK, type, sums, ((size_t)b * pixels + p) * BLOCK);
        }
    }
}

__attribute__((target("avx2"))) static void depthwise_avx2(const struct bd_intconv_shape *s, const struct map *map,
                                                           const int16_t *weights, const int16_t *codes,
                                                           enum bd_number type, void *sums)
{
    depthwise(s, map, weights, codes, type, sums);
}

void bd_intconv_by_pairs(const struct bd_intconv_shape *s, const struct bd_intconv_weights *w,
                         const struct bd_intconv_source *source, enum bd_number type, void *sums, void *room)
{
    const struct map map = map_of(s);
    lay_out(s, &map, source, room);
    if (s->depthwise) {
        depthwise_avx2(s, &map, w->pairs, room, type, sums);
    } else {
        convolve(s, &map, w->pairs, room, job_avx2, type, sums);
    }
}

void bd_intconv_by_loops(const struct bd_intconv_shape *s, const struct bd_intconv_weights *w,
                         const struct bd_intconv_source *source, enum bd_number type, void *sums, void *room)
{
    const struct map map = map_of(s);
    lay_out(s, &map, source, room);
    if (s->depthwise) {
        depthwise(s, &map, w->pairs, room, type, sums);
    } else {
        convolve(s, &map, w->pairs, room, job_plain, type, sums);
    }
}
