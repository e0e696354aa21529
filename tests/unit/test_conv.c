/* The trainer's convolutions, every kernel that a shape may get: forward sums, and both gradients as the adjoints of
 * them. One loop nest over all products w x g says what each must be: <conv(x), g> is linear in x, w and g, so that
 * what multiplies each of them is the gradient. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/core/rng.h"
#include "model/kernels/conv.h"

struct problem {
    struct bd_conv_shape shape;
    int filter_channels; /* input channels that a filter reads */
    size_t source_count, result_count, weight_count;
    double *x, *w, *g;          /* (N, C, H, W), (OC, IC, KH, KW), (N, OC, OH, OW) */
    double *y, *d_x, *d_w;      /* what is right */
    void *source, *d_result;    /* as the kernels read them */
    void *d_source, *d_weights; /* as they leave them; the latter OC IC KH KW in the end */
    float *sums;
};

static void *room(size_t size)
{
    void *at = aligned_alloc(64, (size + 63) / 64 * 64 + 64);
    cr_assert(at);
    memset(at, 0xff, size); /* not-a-numbers */
    return at;
}

/* Number i of the kernel's kind: float32, or the upper half of one. */
static void put(void *to, size_t i, bool half, double value)
{
    const float number = (float)value;
    uint32_t bits;
    memcpy(&bits, &number, sizeof bits);
    if (half) {
        cr_assert_eq(bits & 0xffff, 0, "the test's numbers must be bfloat16's");
        ((uint16_t *)to)[i] = (uint16_t)(bits >> 16);
    } else {
        ((float *)to)[i] = number;
    }
}

static double get(const void *from, size_t i, bool half)
{
    uint32_t bits = half ? (uint32_t)((const uint16_t *)from)[i] << 16 : 0;
    float number;
    memcpy(&number, half ? (const void *)&bits : (const void *)((const float *)from + i), sizeof number);
    return number;
}

/* Place of (n, c, y, x) in blocks of channels; the image alone has none. */
static size_t place(int channels, int height, int width, bool image, int n, int c, int y, int x)
{
    const size_t block = image ? 1 : (size_t)bd_conv_block();
    return ((((size_t)n * channels + c - c % block) / block * height + y) * width + x) * block + c % block;
}

static void open_problem(struct problem *p, const struct bd_conv_shape *s, struct bd_rng *rng)
{
    const size_t number = s->half && !s->image ? 2 : 4;
    *p = (struct problem){.shape = *s, .filter_channels = s->depthwise ? 1 : s->in_channels};
    p->source_count = (size_t)s->batch * s->in_channels * s->in_height * s->in_width;
    p->result_count = (size_t)s->batch * s->out_channels * s->out_height * s->out_width;
    p->weight_count = (size_t)s->out_channels * p->filter_channels * s->kernel_h * s->kernel_w;
    p->x = bd_xcalloc(p->source_count, sizeof(double));
    p->d_x = bd_xcalloc(p->source_count, sizeof(double));
    p->w = bd_xcalloc(p->weight_count, sizeof(double));
    p->d_w = bd_xcalloc(p->weight_count, sizeof(double));
    p->g = bd_xcalloc(p->result_count, sizeof(double));
    p->y = bd_xcalloc(p->result_count, sizeof(double));
    p->source = room(p->source_count * number);
    p->d_source = room(p->source_count * number);
    p->d_result = room(p->result_count * number);
    p->sums = room(p->result_count * sizeof(float));
    p->d_weights = bd_xcalloc(p->weight_count, sizeof(float));
    for (size_t i = 0; i < p->source_count; i++) {
        p->x[i] = bd_rng_below(rng, 16); /* codes */
    }
    for (size_t i = 0; i < p->weight_count; i++) {
        p->w[i] = 2.0 * bd_rng_below(rng, 8) - 7; /* odd */
    }
    for (size_t i = 0; i < p->result_count; i++) {
        p->g[i] = (bd_rng_below(rng, 255) - 127.0) / 64;
    }
}

static void close_problem(struct problem *p)
{
    double *doubles[] = {p->x, p->d_x, p->w, p->d_w, p->g, p->y};
    for (size_t i = 0; i < sizeof doubles / sizeof *doubles; i++) {
        free(doubles[i]);
    }
    free(p->source);
    free(p->d_source);
    free(p->d_result);
    free(p->sums);
    free(p->d_weights);
}

/* All products of the form <conv(x), g>, one after the other. */
static void sum_products(struct problem *p)
{
    const struct bd_conv_shape *s = &p->shape;
    for (size_t out = 0; out < p->result_count; out++) {
        const int ox = out % s->out_width, oy = out / s->out_width % s->out_height;
        const int o = out / s->out_width / s->out_height % s->out_channels,
                  n = out / s->out_width / s->out_height / s->out_channels;
        for (int tap = 0; tap < p->filter_channels * s->kernel_h * s->kernel_w; tap++) {
            const int kx = tap % s->kernel_w, ky = tap / s->kernel_w % s->kernel_h,
                      c = tap / s->kernel_w / s->kernel_h + (s->depthwise ? o : 0);
            const int y = oy * s->stride + ky - s->pad, x = ox * s->stride + kx - s->pad;
            if (y < 0 || y >= s->in_height || x < 0 || x >= s->in_width) {
                continue;
            }
            const size_t from = (((size_t)n * s->in_channels + c) * s->in_height + y) * s->in_width + x,
                         weight = (size_t)o * p->filter_channels * s->kernel_h * s->kernel_w + tap;
            p->y[out] += p->w[weight] * p->x[from];
            p->d_x[from] += p->w[weight] * p->g[out];
            p->d_w[weight] += p->x[from] * p->g[out];
        }
    }
}

static void lay_out(struct problem *p)
{
    const struct bd_conv_shape *s = &p->shape;
    for (size_t i = 0; i < p->source_count; i++) {
        const int x = i % s->in_width, y = i / s->in_width % s->in_height,
                  c = i / s->in_width / s->in_height % s->in_channels,
                  n = i / s->in_width / s->in_height / s->in_channels;
        put(p->source, place(s->in_channels, s->in_height, s->in_width, s->image, n, c, y, x), s->half && !s->image,
            p->x[i]);
    }
    for (size_t i = 0; i < p->result_count; i++) {
        const int x = i % s->out_width, y = i / s->out_width % s->out_height,
                  c = i / s->out_width / s->out_height % s->out_channels,
                  n = i / s->out_width / s->out_height / s->out_channels;
        put(p->d_result, place(s->out_channels, s->out_height, s->out_width, false, n, c, y, x), s->half && !s->image,
            p->g[i]);
    }
}

/* Root mean square of the difference over that of what is right. */
static double apart_maps(const struct problem *p, bool of_source)
{
    const struct bd_conv_shape *s = &p->shape;
    const int channels = of_source ? s->in_channels : s->out_channels,
              height = of_source ? s->in_height : s->out_height, width = of_source ? s->in_width : s->out_width;
    const double *right = of_source ? p->d_x : p->y;
    double error = 0, size = 0;
    for (size_t i = 0; i < (of_source ? p->source_count : p->result_count); i++) {
        const int x = i % width, y = i / width % height, c = i / width / height % channels,
                  n = i / width / height / channels;
        const size_t at = place(channels, height, width, false, n, c, y, x);
        const double found = of_source ? get(p->d_source, at, s->half) : p->sums[at];
        error += pow(found - right[i], 2);
        size += pow(right[i], 2);
    }
    return sqrt(error / size);
}

static double apart_weights(const struct problem *p)
{
    double error = 0, size = 0;
    for (size_t i = 0; i < p->weight_count; i++) {
        error += pow(get(p->d_weights, i, false) - p->d_w[i], 2);
        size += pow(p->d_w[i], 2);
    }
    return sqrt(error / size);
}

static void filter(struct problem *p, struct bd_conv *conv, float *d_weights)
{
    const struct bd_conv_shape *s = &p->shape;
    const size_t pixels = (size_t)s->in_height * s->in_width, number = s->half ? 2 : 4;
    const int most = bd_conv_filtered_images(conv);
    for (int first = 0; first < s->batch; first += most) {
        struct bd_winograd_task task = bd_conv_filtering(conv, 0, 1);
        task.images = s->batch - first < most ? s->batch - first : most;
        task.begins = first == 0;
        task.ends = first + task.images == s->batch;
        task.source = bd_winograd_number_maps(
            task.shape, (const char *)p->source + first * pixels * s->in_channels * number, s->in_channels);
        task.d_result = (const char *)p->d_result + first * pixels * s->out_channels * number;
        task.d_weights = d_weights;
        task.d_source = (char *)p->d_source + first * pixels * s->in_channels * number;
        bd_winograd_weight_gradient(&task);
        bd_winograd_data_gradient(&task);
    }
}

/* Set 1 of two has the weights, set 0 others: sets must not mix. Returns whether Winograd's kernels took it. */
static bool check(const struct bd_conv_shape *given, struct bd_rng *rng)
{
    struct bd_conv_shape s = *given;
    struct bd_conv *conv;
    struct bd_error err;
    struct problem p;
    s.training = true;
    s.sets = 2;
    s.workers = 1;
    s.out_height = (s.in_height + 2 * s.pad - s.kernel_h) / s.stride + 1;
    s.out_width = (s.in_width + 2 * s.pad - s.kernel_w) / s.stride + 1;
    open_problem(&p, &s, rng);
    sum_products(&p);
    lay_out(&p);
    cr_assert_eq(bd_conv_create(&conv, &s, &err), BD_OK, "%s", err.message);
    float *weights = bd_xcalloc(p.weight_count, sizeof *weights), *other = bd_xcalloc(p.weight_count, sizeof *other);
    for (size_t i = 0; i < p.weight_count; i++) {
        weights[i] = (float)p.w[i];
        other[i] = (float)(5 - p.w[i]);
    }
    float *d_weights = room(bd_conv_gradient_count(conv) * sizeof *d_weights);
    void *lent = bd_conv_room_size(conv) ? room(bd_conv_room_size(conv)) : NULL;
    bd_conv_lend_room(conv, 0, lent);
    cr_assert_eq(bd_conv_set_weights(conv, 1, weights, true, &err), BD_OK, "%s", err.message);
    cr_assert_eq(bd_conv_set_weights(conv, 0, other, true, &err), BD_OK, "%s", err.message);
    cr_assert_eq(bd_conv_forward(conv, 0, 1, p.source, p.sums, &err), BD_OK, "%s", err.message);
    const bool filtered = bd_conv_filters(conv);
    if (filtered) {
        filter(&p, conv, d_weights);
    } else {
        cr_assert_eq(bd_conv_backward_weights(conv, 0, p.source, p.d_result, d_weights, &err), BD_OK, "%s",
                     err.message);
        cr_assert(s.image || bd_conv_backward_data(conv, 0, 1, p.d_result, p.d_source, &err) == BD_OK, "%s",
                  err.message);
    }
    cr_assert_eq(bd_conv_plain_gradient(conv, d_weights, p.d_weights, &err), BD_OK, "%s", err.message);
    char name[96];
    snprintf(name, sizeof name, "%dx%d, %d to %d channels, stride %d, pad %d%s%s%s", s.kernel_h, s.kernel_w,
             s.in_channels, s.out_channels, s.stride, s.pad, s.depthwise ? ", depthwise" : "", s.image ? ", image" : "",
             s.half ? ", bfloat16" : "");
    cr_assert_eq(apart_maps(&p, false), 0, "%s: sums of whole numbers are not exact", name);
    const double rounding = s.half ? (filtered ? 2e-2 : 4e-3) : 2e-6;
    cr_assert_leq(apart_weights(&p), filtered || !s.half ? rounding : 2e-6, "%s: weights' gradient apart by %g", name,
                  apart_weights(&p));
    cr_assert(s.image || apart_maps(&p, true) <= rounding, "%s: activations' gradient apart by %g", name,
              s.image ? 0 : apart_maps(&p, true));
    bd_conv_destroy(conv);
    free(weights);
    free(other);
    free(d_weights);
    free(lent);
    close_problem(&p);
    return filtered;
}

Test(conv, gradients_are_adjoint_to_the_sums)
{
    static const struct bd_conv_shape shapes[] = {
        {.batch = 3,
         .in_channels = 16,
         .out_channels = 32,
         .kernel_h = 3,
         .kernel_w = 3,
         .stride = 1,
         .pad = 1,
         .in_height = 8,
         .in_width = 8},
        {.batch = 2,
         .in_channels = 32,
         .out_channels = 16,
         .kernel_h = 3,
         .kernel_w = 3,
         .stride = 1,
         .pad = 1,
         .in_height = 7,
         .in_width = 10},
        {.batch = 2,
         .in_channels = 16,
         .out_channels = 32,
         .kernel_h = 3,
         .kernel_w = 3,
         .stride = 2,
         .pad = 1,
         .in_height = 9,
         .in_width = 8},
        {.batch = 2,
         .in_channels = 16,
         .out_channels = 16,
         .kernel_h = 3,
         .kernel_w = 3,
         .stride = 1,
         .pad = 0,
         .in_height = 6,
         .in_width = 6},
        {.batch = 2,
         .in_channels = 16,
         .out_channels = 16,
         .kernel_h = 5,
         .kernel_w = 5,
         .stride = 1,
         .pad = 2,
         .in_height = 6,
         .in_width = 9},
        {.batch = 3,
         .in_channels = 32,
         .out_channels = 48,
         .kernel_h = 1,
         .kernel_w = 1,
         .stride = 1,
         .pad = 0,
         .in_height = 5,
         .in_width = 7},
        {.batch = 2,
         .in_channels = 16,
         .out_channels = 32,
         .kernel_h = 1,
         .kernel_w = 1,
         .stride = 2,
         .pad = 0,
         .in_height = 8,
         .in_width = 9},
        {.batch = 2,
         .in_channels = 16,
         .out_channels = 32,
         .kernel_h = 2,
         .kernel_w = 2,
         .stride = 2,
         .pad = 0,
         .in_height = 8,
         .in_width = 6},
        {.batch = 2,
         .in_channels = 32,
         .out_channels = 32,
         .depthwise = true,
         .kernel_h = 3,
         .kernel_w = 3,
         .stride = 1,
         .pad = 1,
         .in_height = 7,
         .in_width = 8},
        {.batch = 2,
         .in_channels = 16,
         .out_channels = 16,
         .depthwise = true,
         .kernel_h = 3,
         .kernel_w = 3,
         .stride = 2,
         .pad = 1,
         .in_height = 8,
         .in_width = 7},
    };
    struct bd_rng rng;
    int filtered = 0;
    bd_rng_seed(&rng, 17);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        for (int half = 0; half <= bd_conv_half_is_fast(); half++) {
            struct bd_conv_shape shape = shapes[i];
            shape.half = half;
            filtered += check(&shape, &rng);
        }
    }
    cr_assert(bd_conv_block() < 16 || filtered >= 2, "Winograd's kernels took %d", filtered);
    /* the same without them, which a processor may lack */
    bd_winograd_allow(false);
    cr_assert_not(check(&shapes[0], &rng));
}

Test(conv, an_image_has_a_gradient_of_its_weights)
{
    static const struct bd_conv_shape shapes[] = {
        {.batch = 3,
         .in_channels = 1,
         .out_channels = 16,
         .kernel_h = 3,
         .kernel_w = 3,
         .stride = 1,
         .pad = 1,
         .in_height = 8,
         .in_width = 8,
         .image = true},
        {.batch = 2,
         .in_channels = 3,
         .out_channels = 32,
         .kernel_h = 7,
         .kernel_w = 7,
         .stride = 2,
         .pad = 3,
         .in_height = 15,
         .in_width = 14,
         .image = true},
    };
    struct bd_rng rng;
    bd_rng_seed(&rng, 18);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        check(&shapes[i], &rng);
    }
}
