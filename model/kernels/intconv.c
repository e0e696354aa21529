#pragma GCC optimize("O3")

#include "model/kernels/intconv.h"

#include <immintrin.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/kernels/tiles.h"

#define BLOCK BD_INTCONV_BLOCK
#define GROUP 4 /* channels in a dot product */
#define DEPTHWISE_PIXELS 4
#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni")))
#define INLINE static inline __attribute__((always_inline)) TARGET

static void *zeroed_room(size_t size)
{
    return memset(bd_xaligned(size), 0, size);
}

/* ---- weights ---- */

static size_t packed_at(const struct bd_intconv_shape *s, int o, int c, int tap)
{
    size_t at = (size_t)(o / BLOCK) * bd_intconv_blocks(s->in_channels) + c / BLOCK;
    at = (at * s->kernel_h * s->kernel_w + tap) * (BLOCK / GROUP) + c % BLOCK / GROUP;
    return (at * BLOCK + o % BLOCK) * GROUP + c % GROUP;
}

static void make_rooms(const struct bd_intconv_shape *s, struct bd_intconv_weights *w)
{
    int taps = s->kernel_h * s->kernel_w, out = bd_intconv_blocks(s->out_channels) * BLOCK,
        in = bd_intconv_blocks(s->in_channels) * BLOCK;
    w->sums = zeroed_room(out * sizeof *w->sums);
    if (s->depthwise) {
        w->wide = zeroed_room((size_t)out * taps * sizeof *w->wide);
        return;
    }
    w->packed = zeroed_room((size_t)out * in * taps);
}

void bd_intconv_pack(const struct bd_intconv_shape *s, const int16_t *weights, struct bd_intconv_weights *w)
{
    int taps = s->kernel_h * s->kernel_w, depth = s->depthwise ? 1 : s->in_channels;
    if (!w->sums) {
        make_rooms(s, w);
    }
    bd_bitconv_pack(s, weights, &w->bits);
    w->magnitude = 0;
    w->halved = false;
    for (int o = 0; o < s->out_channels; o++) {
        const int16_t *from = weights + (size_t)o * depth * taps;
        int32_t sum = 0, magnitude = 0;
        for (int i = 0; i < depth * taps; i++) {
            sum += from[i];
            magnitude += abs(from[i]);
            w->halved |= from[i] < INT8_MIN || from[i] > INT8_MAX;
        }
        w->sums[o] = sum;
        w->magnitude = magnitude > w->magnitude ? magnitude : w->magnitude;
    }
    for (int o = 0; o < s->out_channels; o++) {
        const int16_t *from = weights + (size_t)o * depth * taps;
        for (int tap = 0; s->depthwise && tap < taps; tap++) {
            w->wide[((size_t)(o / BLOCK) * taps + tap) * BLOCK + o % BLOCK] = from[tap];
        }
        for (int c = 0; !s->depthwise && c < depth; c++) {
            int8_t *to = w->packed + packed_at(s, o, c, 0);
            for (int tap = 0; tap < taps; tap++) {
                int value = from[c * taps + tap];
                to[(size_t)tap * BLOCK * BLOCK] = w->halved ? (value - 1) >> 1 : value;
            }
        }
    }
}

void bd_intconv_release(struct bd_intconv_weights *w)
{
    bd_bitconv_release(&w->bits);
    free(w->packed);
    free(w->wide);
    free(w->sums);
    free(w->pairs);
    *w = (struct bd_intconv_weights){0};
}

/* ---- the kernel ---- */

/* What a tile of output pixels needs. */
struct tile {
    const struct bd_intconv_shape *shape;
    const int8_t *weights;      /* of the first block of output channels */
    size_t weights_step, step;  /* to the next block: of weights, of sums (in numbers) */
    const int32_t *start;       /* 16 numbers per block: what a sum begins with */
    const int32_t *window_sums; /* with halved weights, one a pixel, at the tile's first; else NULL */
    enum bd_number type;
    bool skips;      /* padding is zeros */
    int first, last; /* rows of the kernel that are not all padding */
    struct bd_prefetch *prefetch;
};

INLINE void put(void *sums, size_t at, enum bd_number type, __m512i value)
{
    if (type == BD_INT16) {
        _mm256_storeu_si256((__m256i *)((int16_t *)sums + at), _mm512_cvtepi32_epi16(value));
    } else {
        _mm512_storeu_si512((int32_t *)sums + at, value);
    }
}

/* `pixels` neighbours of a row in `many` blocks of 16 channels: 28 accumulators in registers at most. */
INLINE void run_tile(const struct tile *t, const uint8_t *source, void *sums, size_t at, const int pixels,
                     const int many, const int stride)
{
    const struct bd_intconv_shape *s = t->shape;
    __m512i sum[2][BD_TILE_MOST];
#pragma GCC unroll 2
    for (int m = 0; m < many; m++) {
#pragma GCC unroll 14
        for (int p = 0; p < pixels; p++) {
            sum[m][p] = _mm512_setzero_si512();
        }
    }
    const size_t turns = (size_t)(t->last - t->first) * s->kernel_w * ((s->in_channels + GROUP - 1) / GROUP);
    size_t fetch_step;
    const char *fetch = bd_prefetch_take(t->prefetch, turns, t->start, &fetch_step);
    for (int c = 0; c < s->in_channels; c += BLOCK) {
        int groups = s->in_channels - c < BLOCK ? (s->in_channels - c + GROUP - 1) / GROUP : BLOCK / GROUP;
        const uint8_t *plane = source + c / BLOCK * s->plane;
        const int8_t *weights = t->weights + (size_t)(c / BLOCK * s->kernel_h + t->first) * s->kernel_w * BLOCK * BLOCK;
        for (int y = t->first; y < t->last; y++) {
            for (int x = 0; x < s->kernel_w; x++) {
                const uint8_t *pixel = plane + y * s->row + x * BLOCK;
                for (int g = 0; g < groups; g++) {
                    __m512i w[2];
                    _mm_prefetch(fetch, _MM_HINT_T1);
                    fetch += fetch_step;
#pragma GCC unroll 2
                    for (int m = 0; m < many; m++) {
                        w[m] = _mm512_load_si512(weights + m * t->weights_step + g * BLOCK * GROUP);
                    }
#pragma GCC unroll 14
                    for (int p = 0; p < pixels; p++) {
                        int32_t four;
                        memcpy(&four, pixel + p * stride * BLOCK + g * GROUP, sizeof four);
                        __m512i codes = _mm512_set1_epi32(four);
#pragma GCC unroll 2
                        for (int m = 0; m < many; m++) {
                            sum[m][p] = _mm512_dpbusd_epi32(sum[m][p], codes, w[m]);
                        }
                    }
                }
                weights += BLOCK * BLOCK;
            }
        }
    }
#pragma GCC unroll 2
    for (int m = 0; m < many; m++) {
        __m512i start = _mm512_load_si512(t->start + m * BLOCK);
#pragma GCC unroll 14
        for (int p = 0; p < pixels; p++) {
            __m512i value = sum[m][p];
            if (t->window_sums) {
                value = _mm512_add_epi32(_mm512_add_epi32(value, value), _mm512_set1_epi32(t->window_sums[p]));
            }
            put(sums, at + m * t->step + (size_t)p * BLOCK, t->type, _mm512_add_epi32(value, start));
        }
    }
}

#define DEFINE_TILE(pixels, many, stride)                                                                              \
    TARGET static void tile_##pixels##_##many##_##stride(const struct tile *t, const uint8_t *source, void *sums,      \
                                                         size_t at)                                                    \
    {                                                                                                                  \
        run_tile(t, source, sums, at, pixels, many, stride);                                                           \
    }
#define DEFINE_TILES(pixels)                                                                                           \
    DEFINE_TILE(pixels, 1, 1) DEFINE_TILE(pixels, 2, 1) DEFINE_TILE(pixels, 1, 2) DEFINE_TILE(pixels, 2, 2)
BD_TILE_WIDTHS(DEFINE_TILES)

typedef void tile_kernel(const struct tile *tile, const uint8_t *source, void *sums, size_t at);
#define TILES_OF(pixels) {{tile_##pixels##_1_1, tile_##pixels##_2_1}, {tile_##pixels##_1_2, tile_##pixels##_2_2}},
static tile_kernel *const tiles[][2][2] = {BD_TILE_WIDTHS(TILES_OF)}; /* [width][stride - 1][blocks - 1] */

/* Every pixel of the block, or two blocks, of channels that `t` stands at. */
static void run_blocks(struct tile *t, const uint8_t *source, void *sums, size_t at, int many)
{
    const struct bd_intconv_shape *s = t->shape;
    const int32_t *window_sums = t->window_sums;
    for (int y = 0; y < s->out_height; y++) {
        const uint8_t *row = source + (size_t)y * s->stride * s->row;
        const int top = y * s->stride - s->pad;
        t->first = t->skips && top < 0 ? -top : 0;
        t->last = t->skips && top + s->kernel_h > s->in_height ? s->in_height - top : s->kernel_h;
        for (int x = 0, k = 0; x < s->out_width; x += bd_tile_widths[k]) {
            k = bd_tile_fitting(s->out_width - x);
            size_t pixel = (size_t)y * s->out_width + x;
            t->window_sums = window_sums ? window_sums + pixel : NULL;
            tiles[k][s->stride - 1][many - 1](t, row + (size_t)x * s->stride * BLOCK, sums, at + pixel * BLOCK);
        }
    }
    t->window_sums = window_sums;
}

/* `pixels` neighbours of a row in a block of channels; `step` bytes from a window to the next. */
INLINE void depthwise_tile(const struct bd_intconv_shape *s, const int32_t *weights, const uint8_t *window, size_t step,
                           __m512i start, const int pixels, enum bd_number type, void *sums, size_t at)
{
    __m512i sum[DEPTHWISE_PIXELS];
#pragma GCC unroll 4
    for (int p = 0; p < pixels; p++) {
        sum[p] = start;
    }
    for (int y = 0; y < s->kernel_h; y++, window += s->row) {
        const uint8_t *pixel = window;
        for (int x = 0; x < s->kernel_w; x++, pixel += BLOCK, weights += BLOCK) {
            const __m512i weight = _mm512_load_si512(weights);
#pragma GCC unroll 4
            for (int p = 0; p < pixels; p++) {
                const __m512i codes = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(pixel + p * step)));
                sum[p] = _mm512_add_epi32(sum[p], _mm512_mullo_epi32(codes, weight));
            }
        }
    }
#pragma GCC unroll 4
    for (int p = 0; p < pixels; p++) {
        put(sums, at + (size_t)p * BLOCK, type, sum[p]);
    }
}

TARGET static void run_depthwise(const struct bd_intconv_shape *s, const struct bd_intconv_weights *w,
                                 const uint8_t *source, int bias, enum bd_number type, void *sums)
{
    const size_t taps = (size_t)s->kernel_h * s->kernel_w, step = (size_t)s->stride * BLOCK;
    size_t at = 0;
    for (int b = 0; b < bd_intconv_blocks(s->out_channels); b++) {
        const int32_t *weights = w->wide + b * taps * BLOCK;
        const __m512i start =
            _mm512_mullo_epi32(_mm512_load_si512(w->sums + (size_t)b * BLOCK), _mm512_set1_epi32(-bias));
        for (int y = 0; y < s->out_height; y++) {
            const uint8_t *window = source + b * s->plane + (size_t)y * s->stride * s->row;
            int x = 0;
            for (; x + DEPTHWISE_PIXELS <= s->out_width; x += DEPTHWISE_PIXELS, at += DEPTHWISE_PIXELS * BLOCK) {
                depthwise_tile(s, weights, window + x * step, step, start, DEPTHWISE_PIXELS, type, sums, at);
            }
            for (; x < s->out_width; x++, at += BLOCK) {
                depthwise_tile(s, weights, window + x * step, step, start, 1, type, sums, at);
            }
        }
    }
}

/* ---- sums of windows ---- */

enum { LANES = 16 };

/* What all windows of an image read; rows of whole vectors of numbers. */
struct field {
    int height, width, pitch;
};

static struct field field_of(const struct bd_intconv_shape *s)
{
    const int height = (s->out_height - 1) * s->stride + s->kernel_h,
              width = (s->out_width - 1) * s->stride + s->kernel_w;
    return (struct field){height, width, (width + LANES - 1) / LANES * LANES};
}

/* A pixel's bytes of all channels that there are. */
TARGET static void sum_pixels(const struct bd_intconv_shape *s, const struct field *f, const uint8_t *source,
                              int32_t *to)
{
    const int blocks = bd_intconv_blocks(s->in_channels), left = s->in_channels - (blocks - 1) * BLOCK;
    const __mmask64 last = ((1ull << left) - 1) * 0x0001000100010001ull;
    for (int y = 0; y < f->height; y++) {
        for (int x = 0; x < f->width; x += 4) {
            const int pixels = f->width - x < 4 ? f->width - x : 4;
            const __mmask64 there = ~(__mmask64)0 >> (64 - pixels * BLOCK);
            const uint8_t *at = source + y * s->row + (size_t)x * BLOCK;
            __m512i sum = _mm512_setzero_si512(); /* of the halves of each pixel */
            for (int b = 0; b < blocks; b++) {
                const __m512i bytes = _mm512_maskz_loadu_epi8(b + 1 < blocks ? there : there & last, at + b * s->plane);
                sum = _mm512_add_epi64(sum, _mm512_sad_epu8(bytes, _mm512_setzero_si512()));
            }
            sum = _mm512_add_epi64(sum, _mm512_shuffle_epi32(sum, _MM_PERM_BADC));
            const __m256i each = _mm512_cvtepi64_epi32(_mm512_maskz_compress_epi64(0x55, sum));
            _mm_storeu_si128((__m128i *)(void *)(to + (size_t)y * f->pitch + x), _mm256_castsi256_si128(each));
        }
    }
}

/* `room`: sums of windows, (OH, OW), and behind them what they are made of: first each row of the kernel's, then of
 * rows below each other. (Row by row, vectors would be read where halves of two have just been written, and wait.) */
TARGET static void sum_windows(const struct bd_intconv_shape *s, const uint8_t *source, int32_t *room)
{
    const struct field f = field_of(s);
    const int step = LANES / s->stride;
    const __mmask16 taken = s->stride == 1 ? 0xffff : 0x5555;
    int32_t *pixels = room + (size_t)s->out_height * s->out_width;
    sum_pixels(s, &f, source, pixels);
    for (int32_t *at = pixels; at < pixels + (size_t)f.height * f.pitch; at += LANES) {
        __m512i sum = _mm512_loadu_si512(at);
        for (int k = 1; k < s->kernel_w; k++) {
            sum = _mm512_add_epi32(sum, _mm512_loadu_si512(at + k));
        }
        _mm512_storeu_si512(at, sum);
    }
    for (int y = 0; y < s->out_height; y++, room += s->out_width) {
        const int32_t *from = pixels + (size_t)y * s->stride * f.pitch;
        for (int x = 0; x < s->out_width; x += step, from += LANES) {
            const int count = s->out_width - x < step ? s->out_width - x : step;
            __m512i sum = _mm512_loadu_si512(from);
            for (int k = 1; k < s->kernel_h; k++) {
                sum = _mm512_add_epi32(sum, _mm512_loadu_si512(from + k * f.pitch));
            }
            sum = _mm512_maskz_compress_epi32(taken, sum);
            _mm512_mask_storeu_epi32(room + x, (__mmask16)((1u << count) - 1), sum);
        }
    }
}

static size_t sums_room_size(const struct bd_intconv_shape *s)
{
    const struct field f = field_of(s);
    return ((size_t)s->out_height * s->out_width + (size_t)f.height * f.pitch + s->kernel_w + LANES) * sizeof(int32_t);
}

/* ---- the ways ---- */

size_t bd_intconv_room_size(const struct bd_intconv_shape *s)
{
    const size_t sums = s->depthwise ? 0 : sums_room_size(s), bits = bd_bitconv_room_size(s);
    return sums > bits ? sums : bits;
}

void bd_intconv_by_bytes(const struct bd_intconv_shape *s, const struct bd_intconv_weights *w,
                         const struct bd_intconv_source *source, enum bd_number type, void *sums, void *room)
{
    int out = bd_intconv_blocks(s->out_channels);
    _Alignas(64) int32_t start[2 * BLOCK] = {0};
    if (s->depthwise) {
        run_depthwise(s, w, source->first, source->bias, type, sums);
        return;
    }
    struct tile t = {.shape = s,
                     .weights_step =
                         (size_t)bd_intconv_blocks(s->in_channels) * s->kernel_h * s->kernel_w * BLOCK * BLOCK,
                     .step = (size_t)s->out_height * s->out_width * BLOCK,
                     .start = start,
                     .type = type,
                     .skips = source->bias == 0,
                     .prefetch = source->prefetch};
    if (w->halved) {
        sum_windows(s, source->first, room);
        t.window_sums = room;
    }
    for (int b = 0; b < out; b += 2) {
        int many = out - b < 2 ? 1 : 2;
        for (int i = 0; i < many * BLOCK; i++) {
            start[i] = -source->bias * w->sums[b * BLOCK + i];
        }
        t.weights = w->packed + b * t.weights_step;
        run_blocks(&t, source->first, sums, b * t.step, many);
    }
}

void bd_intconv_by_bits(const struct bd_intconv_shape *s, const struct bd_intconv_weights *w,
                        const struct bd_intconv_source *source, enum bd_number type, void *sums, void *room)
{
    if (bd_bitconv_takes(&w->bits, source->bias, source->highest)) {
        bd_bitconv_forward(s, &w->bits, source, type, sums, room);
    } else {
        bd_intconv_by_bytes(s, w, source, type, sums, room);
    }
}

void bd_intconv_forward(const struct bd_intconv_shape *s, const struct bd_intconv_weights *w,
                        const struct bd_intconv_source *source, enum bd_number type, void *sums, void *room)
{
    (bd_intconv_bits_usable() ? bd_intconv_by_bits : bd_intconv_by_bytes)(s, w, source, type, sums, room);
}
