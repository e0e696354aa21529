/* The test at start: the kernel against plain loops, which every command that computes waits for. */
#pragma GCC optimize("O3")

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/core/rng.h"
#include "model/kernels/intconv.h"

#define BLOCK BD_INTCONV_BLOCK

enum fill { RANDOM, SMALLEST, LARGEST, ALTERNATING };

struct trial {
    int in_channels, out_channels, kernel, stride, pad, height, width;
    bool depthwise;
    int most_weight; /* odd, up to 255 */
    int most_code;   /* 0: +-1 */
};

static const struct trial trials[] = {
    {16, 16, 3, 1, 1, 14, 14, false, 1, 0},
    {16, 16, 3, 1, 1, 15, 15, false, 1, 255},
    {32, 48, 3, 2, 1, 9, 9, false, 127, 255},
    {48, 32, 3, 1, 1, 7, 7, false, 255, 255},
    {5, 19, 3, 1, 1, 8, 8, false, 255, 0},
    {21, 7, 1, 2, 0, 12, 12, false, 15, 15},
    {16, 32, 5, 1, 2, 11, 11, false, 255, 255},
    {19, 19, 3, 1, 1, 9, 9, true, 255, 255},
    {32, 32, 3, 2, 1, 10, 10, true, 1, 0},
    {64, 64, 3, 1, 1, 4, 4, false, 3, 3},
    {21, 7, 2, 2, 0, 12, 12, false, 255, 255},
    {16, 32, 2, 2, 0, 8, 8, false, 1, 0},
    /* of bits: an odd block, none, one and two channels short of one; borders of two; codes of one, two and four bits
     */
    {48, 32, 3, 1, 1, 9, 9, false, 1, 0},
    {32, 19, 3, 2, 1, 10, 10, false, 1, 3},
    {15, 16, 3, 1, 1, 7, 7, false, 1, 3},
    {30, 16, 3, 2, 1, 9, 9, false, 1, 0},
    {16, 32, 5, 1, 2, 11, 11, false, 1, 0},
    {37, 16, 1, 2, 0, 12, 12, false, 1, 0},
    {21, 16, 1, 1, 0, 5, 5, false, 1, 1},
    {64, 64, 3, 1, 1, 4, 4, false, 1, 3},
    {30, 16, 3, 1, 1, 7, 7, false, 1, 15},
    {16, 16, 5, 2, 2, 11, 11, false, 1, 0},
    {32, 16, 5, 2, 2, 9, 9, false, 1, 3},
    /* maps that are not square, and smaller than a window */
    {16, 32, 3, 1, 1, 3, 17, false, 127, 255},
    {19, 19, 3, 2, 1, 12, 5, true, 255, 255},
    {32, 16, 3, 1, 1, 17, 3, false, 1, 0},
    {16, 16, 3, 2, 1, 5, 16, false, 1, 3},
    {32, 32, 3, 1, 1, 1, 1, false, 1, 0},
    {16, 16, 5, 1, 2, 2, 9, false, 1, 0},
    {16, 16, 5, 1, 2, 9, 2, false, 255, 255},
};

static int pick(struct bd_rng *rng, enum fill fill, int least, int most, int at)
{
    switch (fill) {
    case SMALLEST:
        return least;
    case LARGEST:
        return most;
    case ALTERNATING:
        return at % 2 ? least : most;
    default:
        return least + (int)bd_rng_below(rng, most - least + 1);
    }
}

static int16_t *make_weights(const struct trial *t, enum fill fill, struct bd_rng *rng)
{
    size_t count = (size_t)t->out_channels * (t->depthwise ? 1 : t->in_channels) * t->kernel * t->kernel;
    int16_t *weights = bd_xcalloc(count, sizeof *weights);
    for (size_t i = 0; i < count; i++) {
        weights[i] = 2 * pick(rng, fill, -(t->most_weight + 1) / 2, (t->most_weight - 1) / 2, i) + 1;
    }
    return weights;
}

/* Codes (in_channels, height, width). */
static int *make_codes(const struct trial *t, enum fill fill, struct bd_rng *rng)
{
    size_t count = (size_t)t->in_channels * t->height * t->width;
    int *codes = bd_xcalloc(count, sizeof *codes);
    for (size_t i = 0; i < count; i++) {
        codes[i] = t->most_code ? pick(rng, fill, 0, t->most_code, i) : 2 * pick(rng, fill, 0, 1, i) - 1;
    }
    return codes;
}

static uint8_t *lay_out(const struct trial *t, const struct bd_intconv_shape *shape, const int *codes, int bias)
{
    int in_blocks = bd_intconv_blocks(t->in_channels);
    uint8_t *bytes = bd_xcalloc(in_blocks, shape->plane);
    memset(bytes, bias, in_blocks * shape->plane);
    for (int c = 0; c < t->in_channels; c++) {
        for (int p = 0; p < t->height * t->width; p++) {
            int y = p / t->width + t->pad, x = p % t->width + t->pad;
            bytes[c / BLOCK * shape->plane + y * shape->row + x * BLOCK + c % BLOCK] =
                codes[c * t->height * t->width + p] + bias;
        }
    }
    return bytes;
}

/* sums (out_channels) += code times the weights of one tap from `first` on. */
__attribute__((target_clones("avx2", "default"))) static void add_products(int code, const int *weights, int first,
                                                                           int end, int *sums)
{
    for (int o = first; o < end; o++) {
        sums[o] += code * weights[o];
    }
}

/* The sums (rows, columns, out_channels) by plain loops. */
static void plain_sums(const struct trial *t, int rows, int columns, const int *codes, const int16_t *weights,
                       int *sums)
{
    const int taps = t->kernel * t->kernel, depth = t->depthwise ? 1 : t->in_channels, outs = t->out_channels;
    int *turned = bd_xcalloc((size_t)t->in_channels * taps * outs, sizeof *turned); /* (in_channels, taps, outs) */
    for (int i = 0; i < outs * depth * taps; i++) {
        const int o = i / (depth * taps), c = t->depthwise ? o : i / taps % depth;
        turned[(c * taps + i % taps) * outs + o] = weights[i];
    }
    for (int p = 0; p < rows * columns; p++, sums += outs) {
        const int top = p / columns * t->stride - t->pad, left = p % columns * t->stride - t->pad, *tap = turned;
        for (int c = 0; c < t->in_channels; c++) {
            const int *map = codes + (size_t)c * t->height * t->width;
            const int first = t->depthwise ? c : 0, end = t->depthwise ? c + 1 : outs;
            for (int y = top; y < top + t->kernel; y++) {
                for (int x = left; x < left + t->kernel; x++, tap += outs) {
                    if (y >= 0 && y < t->height && x >= 0 && x < t->width) {
                        add_products(map[y * t->width + x], tap, first, end, sums);
                    }
                }
            }
        }
    }
    free(turned);
}

static bool try_fill(bd_intconv_kernel *kernel, const struct trial *t, enum fill fill, struct bd_rng *rng)
{
    const int high = t->height + 2 * t->pad, wide = t->width + 2 * t->pad;
    const int rows = (high - t->kernel) / t->stride + 1, columns = (wide - t->kernel) / t->stride + 1;
    const int pixels = rows * columns;
    int out_blocks = bd_intconv_blocks(t->out_channels), bias = t->most_code ? 0 : 1;
    struct bd_intconv_shape shape = {.in_channels = t->in_channels,
                                     .out_channels = t->out_channels,
                                     .depthwise = t->depthwise,
                                     .kernel_h = t->kernel,
                                     .kernel_w = t->kernel,
                                     .stride = t->stride,
                                     .pad = t->pad,
                                     .in_height = t->height,
                                     .in_width = t->width,
                                     .out_height = rows,
                                     .out_width = columns,
                                     .row = (size_t)wide * BLOCK,
                                     .plane = (size_t)high * wide * BLOCK};
    struct bd_intconv_weights packed = {0};
    int16_t *weights = make_weights(t, fill, rng);
    int *codes = make_codes(t, fill == ALTERNATING ? LARGEST : fill, rng);
    uint8_t *bytes = lay_out(t, &shape, codes, bias);
    void *sums = bd_xcalloc((size_t)out_blocks * BLOCK * pixels, sizeof(int32_t));
    const size_t room_size = bd_intconv_room_size(&shape), any_size = bd_intconv_any_room_size(&shape);
    void *room = bd_xaligned(room_size > any_size ? room_size : any_size);
    struct bd_prefetch prefetch = {0};
    struct bd_intconv_source source = {.first = bytes, .bias = bias, .highest = t->most_code ? t->most_code : 2};
    const int count = t->out_channels * pixels;
    int *expected = bd_xcalloc(count, sizeof *expected);
    bool fine = true;
    plain_sums(t, rows, columns, codes, weights, expected);
    bd_intconv_pack(&shape, weights, &packed);
    bd_intconv_pack_any(&shape, weights, &packed);
    for (int narrow = 0; narrow < 2 && fine; narrow++) {
        if (narrow && packed.magnitude * (t->most_code ? t->most_code : 1) > INT16_MAX) {
            break;
        }
        if (narrow) { /* fetching changes no sum */
            bd_prefetch_add(&prefetch, bytes, bd_intconv_blocks(t->in_channels) * shape.plane);
            bd_prefetch_add(&prefetch, sums, count * sizeof(int16_t));
            source.prefetch = &prefetch;
        }
        kernel(&shape, &packed, &source, narrow ? BD_INT16 : BD_INT32, sums, room);
        for (int i = 0; i < count && fine; i++) {
            int o = i / pixels, p = i % pixels;
            size_t at = ((size_t)(o / BLOCK) * pixels + p) * BLOCK + o % BLOCK;
            int got = narrow ? ((int16_t *)sums)[at] : ((int32_t *)sums)[at];
            fine = got == expected[p * t->out_channels + o];
        }
    }
    bd_intconv_release(&packed);
    free(weights);
    free(codes);
    free(bytes);
    free(sums);
    free(room);
    free(expected);
    return fine;
}

static bool exact(bd_intconv_kernel *kernel, bool of_bits)
{
    struct bd_rng rng;
    bd_rng_seed(&rng, 1);
    for (size_t i = 0; i < sizeof trials / sizeof *trials; i++) {
        for (enum fill fill = RANDOM; fill <= ALTERNATING; fill++) {
            const bool bits = trials[i].most_weight == 1 && trials[i].most_code <= 15;
            if ((bits || !of_bits) && !try_fill(kernel, &trials[i], fill, &rng)) {
                return false;
            }
        }
    }
    return true;
}

bool bd_intconv_exact(bd_intconv_kernel *kernel)
{
    return exact(kernel, false);
}

static bool found_exact, bits_exact, allowed = true;

static void find_out(void)
{
    found_exact = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                  __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni") &&
                  bd_intconv_exact(bd_intconv_by_bytes);
    bits_exact = found_exact && exact(bd_intconv_by_bits, true);
}

bool bd_intconv_bits_usable(void)
{
    return bits_exact;
}

bool bd_intconv_usable(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, find_out);
    return found_exact && allowed;
}

void bd_intconv_allow(bool allow)
{
    allowed = allow;
}
