/* Gradients by Winograd's filtering against plain sums in double. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/core/rng.h"
#include "model/kernels/winograd.h"

enum { BLOCK = BD_WINOGRAD_BLOCK, TAPS = 9 };

struct problem {
    struct bd_winograd_shape shape;
    size_t source_count, result_count, weight_count;
    double *source, *d_result, *weights; /* blocked maps; weights (OC, IC, 3, 3) */
    void *source_numbers, *result_numbers;
    uint8_t *codes; /* the source as bytes plus one, in rows that are one pixel longer at each side */
};

static void *room(size_t size)
{
    void *at = aligned_alloc(64, (size + 63) / 64 * 64);
    cr_assert(at);
    memset(at, 0xff, size); /* not-a-numbers, so that what is read unwritten is seen */
    return at;
}

/* Makes `value` one that the type has, and stores it. */
static double put(void *to, size_t i, bool half, double value)
{
    float number = (float)value;
    if (!half) {
        ((float *)to)[i] = number;
        return number;
    }
    uint32_t bits;
    memcpy(&bits, &number, sizeof bits);
    bits &= 0xffff0000u;
    ((uint16_t *)to)[i] = bits >> 16;
    memcpy(&number, &bits, sizeof bits);
    return number;
}

static double get(const void *from, size_t i, bool half)
{
    float number = half ? 0 : ((const float *)from)[i];
    if (half) {
        uint32_t bits = (uint32_t)((const uint16_t *)from)[i] << 16;
        memcpy(&number, &bits, sizeof bits);
    }
    return number;
}

/* Sources are codes 0..15, as activations are; weights odd; gradients normal. */
static void open_problem(struct problem *p, const struct bd_winograd_shape *s)
{
    struct bd_rng rng;
    size_t pixels = (size_t)s->batch * s->height * s->width;
    bd_rng_seed(&rng, 5);
    *p = (struct problem){.shape = *s,
                          .source_count = pixels * s->in_channels,
                          .result_count = pixels * s->out_channels,
                          .weight_count = (size_t)s->in_channels * s->out_channels * TAPS};
    p->source = bd_xcalloc(p->source_count, sizeof(double));
    p->d_result = bd_xcalloc(p->result_count, sizeof(double));
    p->weights = bd_xcalloc(p->weight_count, sizeof(double));
    p->source_numbers = room(p->source_count * 4);
    p->result_numbers = room(p->result_count * 4);
    for (size_t i = 0; i < p->source_count; i++) {
        p->source[i] = put(p->source_numbers, i, s->half, bd_rng_below(&rng, 16));
    }
    for (size_t i = 0; i < p->result_count; i++) {
        p->d_result[i] = put(p->result_numbers, i, s->half, bd_rng_normal(&rng));
    }
    for (size_t i = 0; i < p->weight_count; i++) {
        p->weights[i] = 2 * (double)bd_rng_below(&rng, 4) - 3;
    }
}

static void close_problem(struct problem *p)
{
    free(p->source);
    free(p->d_result);
    free(p->weights);
    free(p->source_numbers);
    free(p->result_numbers);
    free(p->codes);
}

/* Where the bytes of `codes` lie: around every map a border of 0xff, which must not count. */
static struct bd_winograd_maps lay_out_codes(struct problem *p)
{
    const struct bd_winograd_shape *s = &p->shape;
    size_t row = (size_t)(s->width + 2) * BLOCK, plane = (s->height + 2) * row, image = s->in_channels / BLOCK * plane;
    p->codes = room(s->batch * image);
    for (size_t i = 0; i < p->source_count; i++) {
        size_t channel = i % BLOCK, x = i / BLOCK % s->width, y = i / BLOCK / s->width % s->height;
        size_t block = i / BLOCK / s->width / s->height; /* of all images */
        p->codes[block * plane + (y + 1) * row + (x + 1) * BLOCK + channel] = (uint8_t)p->source[i] + 1;
    }
    const void *first = p->codes + row + BLOCK;
    return (struct bd_winograd_maps){.first = first, .row = row, .plane = plane, .image = image, .bias = 1};
}

static size_t at(const struct bd_winograd_shape *s, int channels, int n, int c, int y, int x)
{
    return ((((size_t)n * (channels / BLOCK) + c / BLOCK) * s->height + y) * s->width + x) * BLOCK + c % BLOCK;
}

/* Both gradients by plain sums: each pixel of the result, each tap, each pair of channels. */
static void plain_gradients(const struct problem *p, double *d_source, double *d_weights)
{
    const struct bd_winograd_shape *s = &p->shape;
    for (int n = 0; n < s->batch; n++) {
        for (int y = 0; y < s->height; y++) {
            for (int x = 0; x < s->width; x++) {
                for (int tap = 0; tap < TAPS; tap++) {
                    int from_y = y + tap / 3 - 1, from_x = x + tap % 3 - 1;
                    if (from_y < 0 || from_y >= s->height || from_x < 0 || from_x >= s->width) {
                        continue;
                    }
                    for (int o = 0; o < s->out_channels; o++) {
                        double d = p->d_result[at(s, s->out_channels, n, o, y, x)];
                        for (int c = 0; c < s->in_channels; c++) {
                            size_t weight = ((size_t)o * s->in_channels + c) * TAPS + tap;
                            size_t source = at(s, s->in_channels, n, c, from_y, from_x);
                            d_source[source] += d * p->weights[weight];
                            d_weights[weight] += d * p->source[source];
                        }
                    }
                }
            }
        }
    }
}

/* Root mean square of the difference over that of `right`. */
static double apart(const double *right, const void *numbers, size_t count, bool half)
{
    double error = 0, size = 0;
    for (size_t i = 0; i < count; i++) {
        error += pow(get(numbers, i, half) - right[i], 2);
        size += pow(right[i], 2);
    }
    return sqrt(error / size);
}

/* The whole batch, in parts. */
static void run(const struct bd_winograd_task *whole)
{
    const struct bd_winograd_shape *s = whole->shape;
    const size_t pixels = (size_t)s->height * s->width, number = s->half ? 2 : 4;
    const int most = bd_winograd_images(s);
    for (int first = 0; first < s->batch; first += most) {
        struct bd_winograd_task part = *whole;
        part.images = s->batch - first < most ? s->batch - first : most;
        part.begins = first == 0;
        part.ends = first + part.images == s->batch;
        part.source.first = (const char *)whole->source.first + first * whole->source.image;
        part.d_result = (const char *)whole->d_result + first * pixels * s->out_channels * number;
        part.d_source = (char *)whole->d_source + first * pixels * s->in_channels * number;
        bd_winograd_weight_gradient(&part);
        bd_winograd_data_gradient(&part);
    }
}

/* Relative errors of the two gradients; `spoil` plants a fault in a number of the result's gradient. */
static void errors(const struct bd_winograd_shape *s, bool spoil, double *of_source, double *of_weights)
{
    struct problem p;
    open_problem(&p, s);
    double *d_source = bd_xcalloc(p.source_count, sizeof(double)), *d_weights = bd_xcalloc(p.weight_count, 8);
    float *weights = bd_xcalloc(p.weight_count, sizeof(float)), *plain = bd_xcalloc(p.weight_count, sizeof(float));
    void *packed = room(bd_winograd_packed_size(s)), *own = room(bd_winograd_room_size(s));
    void *filtered = room(p.source_count * 4);
    float *blocked = room(p.weight_count * sizeof(float)), *by_codes = room(p.weight_count * sizeof(float));
    for (size_t i = 0; i < p.weight_count; i++) {
        weights[i] = (float)p.weights[i];
    }
    plain_gradients(&p, d_source, d_weights);
    if (spoil) {
        put(p.result_numbers, p.result_count - 1, s->half, 50);
    }
    bd_winograd_pack(s, weights, packed);
    struct bd_winograd_task task = {.shape = s,
                                    .packed = packed,
                                    .d_result = p.result_numbers,
                                    .source = bd_winograd_number_maps(s, p.source_numbers, s->in_channels),
                                    .room = own,
                                    .d_weights = blocked,
                                    .d_source = filtered};
    run(&task);
    bd_winograd_plain(s, blocked, plain);
    *of_source = apart(d_source, filtered, p.source_count, s->half);
    *of_weights = apart(d_weights, plain, p.weight_count, false);
    task.codes = true;
    task.source = lay_out_codes(&p);
    task.d_weights = by_codes;
    run(&task);
    cr_assert_arr_eq(by_codes, blocked, p.weight_count * sizeof(float), "bytes and numbers give different bits");
    free(d_source);
    free(d_weights);
    free(weights);
    free(plain);
    free(packed);
    free(own);
    free(filtered);
    free(blocked);
    free(by_codes);
    close_problem(&p);
}

static const struct bd_winograd_shape shapes[] = {
    {.batch = 1, .in_channels = 16, .out_channels = 16, .height = 4, .width = 4},
    {.batch = 3, .in_channels = 16, .out_channels = 16, .height = 28, .width = 28}, /* parts of several images */
    {.batch = 8, .in_channels = 32, .out_channels = 16, .height = 14, .width = 14},
    {.batch = 5, .in_channels = 16, .out_channels = 48, .height = 7, .width = 7}, /* odd blocks, odd tiles */
    {.batch = 2, .in_channels = 48, .out_channels = 32, .height = 3, .width = 9},
    {.batch = 1, .in_channels = 64, .out_channels = 64, .height = 12, .width = 20},
    /* strips of eight tiles and of one; two of eight and one of three */
    {.batch = 2, .in_channels = 16, .out_channels = 16, .height = 5, .width = 33},
    {.batch = 1, .in_channels = 32, .out_channels = 16, .height = 9, .width = 75},
};

static void check(bool half, double limit)
{
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct bd_winograd_shape s = shapes[i];
        double of_source, of_weights;
        s.half = half;
        if (!bd_winograd_fits(&s)) {
            cr_assert(!__builtin_cpu_supports("avx512f") || (half && !__builtin_cpu_supports("avx512bf16")),
                      "shape %zu is not taken", i);
            continue; /* this processor has not the instructions */
        }
        errors(&s, false, &of_source, &of_weights);
        cr_assert_leq(of_source, limit, "shape %zu: activations' gradient off by %g", i, of_source);
        cr_assert_leq(of_weights, limit, "shape %zu: weights' gradient off by %g", i, of_weights);
        errors(&s, true, &of_source, &of_weights);
        cr_assert_gt(of_source, 2 * limit, "shape %zu: a planted fault in the activations' gradient is not seen", i);
        cr_assert_gt(of_weights, 2 * limit, "shape %zu: a planted fault in the weights' gradient is not seen", i);
    }
}

Test(winograd, plain_sums)
{
    check(false, 2e-6);
}

Test(winograd, plain_sums_bfloat16)
{
    check(true, 0.02);
}

Test(winograd, fits)
{
    struct bd_winograd_shape s = shapes[0];
    if (!bd_winograd_fits(&s)) {
        return;
    }
    bd_winograd_allow(false);
    cr_assert(!bd_winograd_fits(&s));
    bd_winograd_allow(true);
    s.in_channels = 24;
    cr_assert(!bd_winograd_fits(&s), "channels that fill no blocks");
    s = shapes[0];
    s.in_channels = s.out_channels = 512;
    cr_assert(!bd_winograd_fits(&s), "weights that would take too much memory");
    s = shapes[0];
    s.height = s.width = 2;
    cr_assert(!bd_winograd_fits(&s), "a map of a quarter of a tile");
}
