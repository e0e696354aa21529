/* The kernels of training, vector and half-wide ones, against plain loops. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/rng.h"
#include "model/kernels/kernels_parts.h"
#include "model/quant/quant.h"

enum { PIXELS = 150 };

struct slab {
    int block;
    float a[PIXELS * BD_MAX_BLOCK], slope[BD_MAX_BLOCK], offset[BD_MAX_BLOCK], stream[PIXELS * BD_MAX_BLOCK];
    float d_stream[PIXELS * BD_MAX_BLOCK], d_code[PIXELS * BD_MAX_BLOCK];
};

static void fill_slab(struct slab *slab, int block)
{
    struct bd_rng rng;
    bd_rng_seed(&rng, 11);
    slab->block = block;
    for (int i = 0; i < PIXELS * block; i++) {
        slab->a[i] = bd_rng_below(&rng, 400) - 200.0f;
        slab->stream[i] = 2 * bd_rng_normal(&rng);
        slab->d_stream[i] = bd_rng_normal(&rng);
        slab->d_code[i] = bd_rng_normal(&rng);
    }
    for (int c = 0; c < block; c++) {
        slab->slope[c] = 0.02 * bd_rng_normal(&rng);
        slab->offset[c] = bd_rng_normal(&rng);
    }
}

static struct bd_code make_code(enum bd_code_kind kind)
{
    return (struct bd_code){.kind = kind, .n = 7, .alpha = 1.4f, .scale = 7 / 1.4f, .step = 1.4f / 7};
}

static float plain_code(float z, const struct bd_code *code)
{
    switch (code->kind) {
    case BD_CODE_PACT: {
        float c = floorf(z * code->scale + 0.5f);
        return c < 0 ? 0 : c > code->n ? code->n : c;
    }
    case BD_CODE_SIGN:
        return z >= 0 ? 1 : -1;
    default:
        return z < 0 ? 0 : z > code->alpha ? code->alpha : z;
    }
}

/* Accumulations as the kernels may find them: whole numbers all. */
static const void *stored(const float *a, enum bd_number type)
{
    static int32_t wide[PIXELS * BD_MAX_BLOCK];
    static int16_t narrow[PIXELS * BD_MAX_BLOCK];
    for (int i = 0; i < PIXELS * BD_MAX_BLOCK; i++) {
        wide[i] = narrow[i] = a[i];
    }
    return type == BD_INT32 ? wide : type == BD_INT16 ? (const void *)narrow : a;
}

static void check_forward_kernel(int block, enum bd_code_kind kind, enum bd_number type)
{
    enum { WIDTH = 15, PITCH = WIDTH + 2 };
    static struct slab slab;
    static _Alignas(64) float stream_out[PIXELS * BD_MAX_BLOCK], values[PIXELS * BD_MAX_BLOCK];
    static uint8_t bytes[(PIXELS / WIDTH) * PITCH * BD_MAX_BLOCK];
    struct bd_code code = make_code(kind);
    fill_slab(&slab, block);
    memset(bytes, 99, sizeof bytes);
    struct bd_forward_slab work = {.a = stored(slab.a, type),
                                   .a_type = type,
                                   .slope = slab.slope,
                                   .offset = slab.offset,
                                   .stream_in = slab.stream,
                                   .stream_out = stream_out,
                                   .codes = kind == BD_CODE_CLIP ? (void *)values : bytes,
                                   .width = WIDTH,
                                   .pitch = PITCH * block};
    bd_kernel_forward(&work, PIXELS, block, &code);
    for (int i = 0; i < PIXELS * block; i++) {
        float z = slab.a[i] * slab.slope[i % block] + slab.offset[i % block];
        z += slab.stream[i];
        cr_assert_eq(stream_out[i], z);
        int pixel = i / block, at = (pixel / WIDTH * PITCH + pixel % WIDTH) * block + i % block;
        float got = kind == BD_CODE_CLIP ? values[i] : bytes[at] - bd_code_bias(&code);
        cr_assert_eq(got, plain_code(z, &code), "block %d kind %d z %a: %g", block, kind, z, got);
    }
    for (int y = 0; y < PIXELS / WIDTH && kind != BD_CODE_CLIP; y++) {
        for (int i = WIDTH * block; i < PITCH * block; i++) {
            cr_assert_eq(bytes[y * PITCH * block + i], 99, "a code stands beside its row");
        }
    }
}

/* The first `count` numbers, which lose what bfloat16 does not hold, in the upper halves of their bits. */
static const void *halved(float *numbers, int count, uint16_t *halves)
{
    for (int i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &numbers[i], sizeof bits);
        halves[i] = bits >> 16;
        bits &= 0xffff0000;
        memcpy(&numbers[i], &bits, sizeof bits);
    }
    return halves;
}

static float number_at(const void *numbers, int i, enum bd_number type)
{
    if (type == BD_FLOAT) {
        return ((const float *)numbers)[i];
    }
    uint32_t bits = (uint32_t)((const uint16_t *)numbers)[i] << 16;
    float number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

/* With the stream: g has the gain and the stream's gradient. Without: neither, and only the sums have the gain. */
static void check_backward_kernel(int block, enum bd_code_kind kind, bool from_stream, enum bd_number type,
                                  enum bd_number d_type)
{
    static struct slab slab;
    static float g[PIXELS * BD_MAX_BLOCK];
    static uint16_t code_halves[PIXELS * BD_MAX_BLOCK], stream_halves[PIXELS * BD_MAX_BLOCK];
    const bool half = d_type == BD_HALF;
    const float gain = 0.5f;
    double sums[2 * BD_MAX_BLOCK], d_alpha, plain_sums[2 * BD_MAX_BLOCK] = {0}, plain_alpha = 0;
    struct bd_code code = make_code(kind);
    fill_slab(&slab, block);
    const void *d_code = half ? halved(slab.d_code, PIXELS * block, code_halves) : slab.d_code;
    const void *d_stream = half ? halved(slab.d_stream, PIXELS * block, stream_halves) : slab.d_stream;
    struct bd_backward_slab work = {.a = stored(slab.a, type),
                                    .a_type = type,
                                    .slope = slab.slope,
                                    .offset = slab.offset,
                                    .stream = from_stream ? slab.stream : NULL,
                                    .d_stream = from_stream ? d_stream : NULL,
                                    .d_type = d_type,
                                    .d_code = d_code,
                                    .d_code_2 = d_stream,
                                    .code_gain = gain,
                                    .g = g};
    bd_kernel_backward(&work, PIXELS, block, &code, sums, &d_alpha);
    for (int i = 0; i < PIXELS * block; i++) {
        int c = i % block;
        float z = from_stream ? slab.stream[i] : slab.a[i] * slab.slope[c] + slab.offset[c];
        float d = slab.d_code[i] + slab.d_stream[i];
        bool inside = kind == BD_CODE_SIGN ? fabsf(z) <= 1 : z >= 0 && z < code.alpha;
        if (kind == BD_CODE_PACT) {
            plain_alpha += gain * d * bd_pact_alpha_gradient(z, code.scale, code.n);
        } else if (kind == BD_CODE_CLIP) {
            plain_alpha += z >= code.alpha ? gain * d : 0;
        }
        float expected = inside ? d : 0;
        if (from_stream) {
            expected = expected * gain + slab.d_stream[i];
        }
        const float got = number_at(g, i, d_type), most = half ? ldexpf(fabsf(expected), -8) : 0;
        cr_assert(fabsf(got - expected) <= most, "block %d kind %d z %a: %g, expected %g", block, kind, z, got,
                  expected);
        double summed = from_stream ? expected : gain * expected;
        plain_sums[c] += summed;
        plain_sums[block + c] += summed * slab.a[i];
    }
    for (int c = 0; c < 2 * block; c++) {
        cr_assert_float_eq(sums[c], plain_sums[c], 1e-3 * (1 + fabs(plain_sums[c])));
    }
    cr_assert_float_eq(d_alpha, kind == BD_CODE_SIGN ? 0 : plain_alpha, 1e-3 * (1 + fabs(plain_alpha)));
}

Test(kernels, forward_and_backward)
{
    for (int block = 8; block <= 16; block += 8) {
        for (enum bd_code_kind kind = BD_CODE_PACT; kind <= BD_CODE_CLIP; kind++) {
            const enum bd_number types[] = {BD_FLOAT, BD_INT32, BD_INT16};
            for (int i = 0; i < 3; i++) {
                check_forward_kernel(block, kind, types[i]);
                for (enum bd_number d_type = BD_FLOAT; d_type <= BD_HALF; d_type++) {
                    check_backward_kernel(block, kind, false, types[i], d_type);
                    check_backward_kernel(block, kind, true, types[i], d_type);
                }
            }
        }
    }
}

/* What one form of the loops makes of a slab, every part present or absent. */
struct made {
    double sums[4][2 * BD_MAX_BLOCK], d_alpha[4];
    _Alignas(64) float streams[4][PIXELS * BD_MAX_BLOCK];
    float codes[4][PIXELS * BD_MAX_BLOCK], g[4][PIXELS * BD_MAX_BLOCK], d_a[2][PIXELS * BD_MAX_BLOCK];
};

static void make(const struct bd_block_kernels *kernels, const struct slab *slab, enum bd_number type,
                 enum bd_number d_type, const struct bd_code *code, struct made *made)
{
    static uint16_t code_halves[PIXELS * BD_MAX_BLOCK], stream_halves[PIXELS * BD_MAX_BLOCK];
    struct slab of = *slab;
    const bool half = d_type == BD_HALF;
    const void *a = stored(slab->a, type);
    const void *d_code = half ? halved(of.d_code, PIXELS * of.block, code_halves) : of.d_code;
    const void *d_stream = half ? halved(of.d_stream, PIXELS * of.block, stream_halves) : of.d_stream;
    for (int parts = 0; parts < 4; parts++) {
        const bool first = parts & 1, second = parts & 2;
        kernels->forward(&(struct bd_forward_slab){.a = a,
                                                   .a_type = type,
                                                   .slope = of.slope,
                                                   .offset = of.offset,
                                                   .stream_in = first ? of.stream : NULL,
                                                   .stream_out = second ? made->streams[parts] : NULL,
                                                   .codes = made->codes[parts],
                                                   .width = PIXELS},
                         PIXELS, code);
        kernels->backward(&(struct bd_backward_slab){.a = a,
                                                     .a_type = type,
                                                     .d_type = d_type,
                                                     .slope = of.slope,
                                                     .offset = of.offset,
                                                     .stream = first ? of.stream : NULL,
                                                     .d_code = d_code,
                                                     .d_code_2 = second ? d_stream : NULL,
                                                     .d_stream = second ? d_stream : NULL,
                                                     .code_gain = 0.5f,
                                                     .g = made->g[parts]},
                          PIXELS, code, made->sums[parts], &made->d_alpha[parts]);
    }
    for (int adds = 0; adds < 2; adds++) {
        kernels->normalize(&(struct bd_normalize_slab){.g = d_code,
                                                       .g_type = d_type,
                                                       .a = a,
                                                       .a_type = type,
                                                       .d_type = d_type,
                                                       .p = of.slope,
                                                       .q = of.offset,
                                                       .r = of.slope,
                                                       .d_a = adds ? NULL : made->d_a[0],
                                                       .sum = made->d_a[1]},
                           PIXELS);
    }
    double moments[2 * BD_MAX_BLOCK];
    kernels->moments(a, type, PIXELS, moments);
    for (int c = 0; c < 2 * of.block; c++) {
        made->sums[0][c] += moments[c];
    }
}

/* The loops for processors without AVX2 give the bits of those with it. */
Test(kernels, any_processor)
{
    static struct made any, avx2;
    static struct slab slab;
    const enum bd_number types[] = {BD_FLOAT, BD_INT32, BD_INT16};
    for (int i = 0; __builtin_cpu_supports("avx2") && i < 2 * 4 * 4 * 3 * 2; i++) {
        const bool wide = i & 1;
        struct bd_code code = make_code(i / 2 % 4);
        code.pass = i / 8 % 4;
        const enum bd_number type = types[i / 32 % 3], d_type = i < 96 ? BD_FLOAT : BD_HALF;
        fill_slab(&slab, wide ? 16 : 8);
        memset(&any, 0, sizeof any);
        memset(&avx2, 0, sizeof avx2);
        make(wide ? &bd_kernels_any.of_16 : &bd_kernels_any.of_8, &slab, type, d_type, &code, &any);
        make(wide ? &bd_kernels_avx2.of_16 : &bd_kernels_avx2.of_8, &slab, type, d_type, &code, &avx2);
        cr_assert_arr_eq(&any, &avx2, sizeof any, "block %d kind %d pass %d types %d %d", slab.block, code.kind,
                         code.pass, type, d_type);
        cr_assert_neq(any.sums[3][0], 0);
    }
}
