/* The fast executor against the plain one: every kernel that this processor has, on random networks for several
 * geometries, and on what only the reference runs: groups, wide kernels and strides, max pooling. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/core/rng.h"
#include "model/exec/exec.h"
#include "model/exec/fast.h"
#include "model/kernels/intconv.h"
#include "model/program/hardware.h"
#include "model/program/pack.h"
#include "model/program/random_network.h"

#define IMAGES 3

static const char *const kernels[] = {"bits", "bytes", "avx2", "plain"};

/* Compares all kernels on IMAGES images at every switch; returns the frames compared. */
static int compare(const struct bd_program *program, const char *what, unsigned index)
{
    struct bd_decoded *decoded;
    struct bd_error err;
    const size_t bytes = program->header->input_bytes, classes = program->header->classes;
    cr_assert_eq(bd_decode(program, &decoded, &err), BD_OK, "%s %u: %s", what, index, err.message);
    uint8_t *images = bd_xmalloc(IMAGES * bytes);
    int32_t *logits = bd_xcalloc(IMAGES * classes, sizeof *logits);
    for (unsigned i = 0; i < IMAGES; i++) {
        bd_random_image(program, 100 * index + i, images + i * bytes);
    }
    int compared = 0;
    for (unsigned s = 0; s < program->header->switch_count; s++) {
        struct bd_frame frames[IMAGES];
        for (unsigned i = 0; i < IMAGES; i++) {
            cr_assert_eq(bd_execute(program, decoded, s, images + i * bytes, &frames[i], &err), BD_OK);
        }
        for (size_t k = 0; k < sizeof kernels / sizeof kernels[0]; k++) {
            if (bd_execute_fast_by(kernels[k], program, decoded, s, images, IMAGES, logits, &err)) {
                cr_assert(strstr(err.message, "no kernel") && k < 3, "%s", err.message);
                continue;
            }
            for (unsigned i = 0; i < IMAGES; i++, compared++) {
                cr_assert_arr_eq(logits + i * classes, frames[i].logits, classes * sizeof *logits,
                                 "%s %u, switch %u, image %u, kernel %s", what, index, s, i, kernels[k]);
            }
        }
        for (unsigned i = 0; i < IMAGES; i++) {
            bd_frame_release(&frames[i]);
        }
    }
    free(images);
    free(logits);
    bd_decoded_free(decoded);
    return compared;
}

Test(fast, equals_the_plain_executor_on_random_networks)
{
    static const char *const files[] = {"demo", "small", "large", "rq4"};
    int compared = 0;
    for (unsigned f = 0; f < 4; f++) {
        struct bd_hardware hardware;
        struct bd_error err;
        char path[96];
        snprintf(path, sizeof path, "yaml-configs/hardware/%s.yaml", files[f]);
        cr_assert_eq(bd_hardware_load(&hardware, path, &err), BD_OK, "%s", err.message);
        for (unsigned index = f * 16; index < f * 16 + 16; index++) {
            struct bd_program program;
            cr_assert_eq(bd_random_network(21, index, &hardware, &program, &err), BD_OK, "%u: %s", index, err.message);
            compared += compare(&program, files[f], index);
            bd_program_release(&program);
        }
        bd_hardware_release(&hardware);
    }
    cr_assert_geq(compared, 64 * IMAGES);
}

Test(fast, equals_the_plain_executor_on_reference_networks)
{
    int compared = 0, depthwise = 0, maxima = 0;
    struct bd_hardware hardware;
    bd_hardware_reference(&hardware);
    for (unsigned index = 0; index < 64; index++) {
        struct bd_program program;
        struct bd_error err;
        cr_assert_eq(bd_random_reference_network(23, index, &hardware, &program, &err), BD_OK, "%u: %s", index,
                     err.message);
        cr_assert_eq(program.header->geometry_hash, BD_GEOMETRY_REFERENCE);
        for (unsigned l = 0; l < program.header->layer_count; l++) {
            const struct bd_descriptor *d = bd_program_descriptor(&program, 0, l);
            depthwise += d->groups > 1 && d->groups == d->in_channels && d->groups == d->out_channels;
            maxima += d->operation == BD_OP_POOL && d->pool_kind == BD_POOL_MAX;
        }
        compared += compare(&program, "reference", index);
        bd_program_release(&program);
    }
    bd_hardware_release(&hardware);
    cr_assert_geq(compared, 64 * IMAGES);
    cr_assert(depthwise > 20 && maxima > 20, "%d depthwise layers, %d of max pooling", depthwise, maxima);
}

/* One layer of `groups` groups, and a 5x5 kernel: shapes that no hardware here runs. */
static void pack_grouped(struct bd_program *program, struct bd_rng *rng, int groups)
{
    enum { IN = 12, OUT = 24, SIZE = 9, KERNEL = 5 };
    const size_t weights = (size_t)OUT * IN / (size_t)groups * KERNEL * KERNEL;
    uint8_t *codes = bd_xmalloc(weights);
    int32_t m[OUT];
    int64_t b[OUT];
    for (size_t i = 0; i < weights; i++) {
        codes[i] = (uint8_t)bd_rng_below(rng, 256);
    }
    for (int c = 0; c < OUT; c++) {
        m[c] = (int32_t)bd_rng_below(rng, 1 << 22) - (1 << 21);
        b[c] = (int64_t)bd_rng_u64(rng) >> 20;
    }
    struct bd_plain_layer layer = {.name = "grouped",
                                   .operation = BD_OP_CONV,
                                   .out_tensor = -1,
                                   .in_height = SIZE,
                                   .in_width = SIZE,
                                   .in_channels = IN,
                                   .out_height = 5,
                                   .out_width = 5,
                                   .out_channels = OUT,
                                   .kernel_h = KERNEL,
                                   .kernel_w = KERNEL,
                                   .stride = 2,
                                   .pad = 2,
                                   .groups = groups,
                                   .weight_planes = 8,
                                   .codes = codes};
    layer.at[0] = (struct bd_plain_layer_switch){
        .weight_bits = 8,
        .in_bits = 8,
        .datapath = -1,
        .requant = {.multiplier = m, .bias = b, .shift = 20, .code_multiplier = 1, .residual_multiplier = 1}};
    const struct bd_plain_network net = {.name = "grouped",
                                         .switch_count = 1,
                                         .layer_count = 1,
                                         .classes = OUT,
                                         .switches = {{.name = "w8a8", .weight_bits = 8, .activation_bits = 8}},
                                         .layers = &layer};
    struct bd_hardware hardware;
    struct bd_error err;
    cr_assert_eq(bd_hardware_load(&hardware, "yaml-configs/hardware/demo.yaml", &err), BD_OK);
    cr_assert_eq(bd_pack(&net, &hardware, true, program, &err), BD_OK, "%s", err.message);
    bd_hardware_release(&hardware);
    free(codes);
}

Test(fast, equals_the_plain_executor_on_groups)
{
    struct bd_rng rng;
    bd_rng_seed(&rng, 22);
    static const int groups[] = {1, 2, 3, 12};
    for (unsigned i = 0; i < 4; i++) {
        struct bd_program program;
        pack_grouped(&program, &rng, groups[i]);
        cr_assert_geq(compare(&program, "groups", (unsigned)groups[i]), IMAGES);
        bd_program_release(&program);
    }
}

/* Three layers: 1x1 to codes of the bits and sign that the layer under test reads, that layer, and one of random
 * weights over its whole map of codes, so that the result has a part of every pixel. */
struct middle {
    int in_channels, out_channels, kernel, stride, pad, groups, weight_bits, in_bits;
    bool is_signed, zero_point, stream;
};

enum { SIDE = 9, CLASSES = 5, MOST_CHANNELS = 70 };

struct parts {
    int32_t m[3][MOST_CHANNELS];
    int64_t b[3][MOST_CHANNELS];
    uint8_t *codes[3];
};

static void add_layer(struct bd_plain_layer *layer, struct parts *parts, int l, struct bd_rng *rng,
                      struct bd_plain_layer shape, struct bd_plain_layer_switch at)
{
    const size_t window = (size_t)shape.kernel_h * shape.kernel_w * shape.in_channels / shape.groups;
    parts->codes[l] = bd_xmalloc(window * shape.out_channels);
    for (size_t i = 0; i < window * shape.out_channels; i++) {
        parts->codes[l][i] = (uint8_t)bd_rng_below(rng, 256);
    }
    for (int c = 0; c < shape.out_channels; c++) {
        parts->m[l][c] = (int32_t)bd_rng_below(rng, 1 << 22) - (1 << 21);
    }
    *layer = shape;
    layer->operation = BD_OP_CONV;
    layer->in_tensor = l;
    layer->out_tensor = l < 2 ? l + 1 : -1;
    layer->weight_planes = 8;
    layer->codes = parts->codes[l];
    layer->at[0] = at;
    layer->at[0].datapath = -1;
    /* The spread of sums, about the square root of the window's, to about 8 bits. */
    int bits = at.weight_bits + at.in_bits + 21 - 8;
    for (size_t n = window; n > 1; n /= 4) {
        bits++;
    }
    for (int c = 0; c < shape.out_channels; c++) {
        parts->b[l][c] = (int64_t)(bd_rng_u64(rng) % (UINT64_C(1) << (bits + 5))) - (INT64_C(1) << (bits + 4));
    }
    layer->at[0].requant = (struct bd_plain_requant){.multiplier = parts->m[l],
                                                     .bias = parts->b[l],
                                                     .shift = bits - 2,
                                                     .code_multiplier = at.out_bits == 1 ? 1 : 1u << at.out_bits,
                                                     .code_offset = at.out_bits == 1 ? 1 : 1 << (at.out_bits + 7),
                                                     .code_shift = at.out_bits == 1 ? 0 : 8,
                                                     .residual_multiplier = 1};
}

static void pack_middle(struct bd_program *program, const struct middle *mid, struct bd_rng *rng)
{
    struct parts parts;
    struct bd_plain_layer layers[3];
    const int out = (SIDE + 2 * mid->pad - mid->kernel) / mid->stride + 1;
    const struct bd_plain_layer first = {.name = "first",
                                         .in_height = SIDE,
                                         .in_width = SIDE,
                                         .in_channels = 2,
                                         .out_height = SIDE,
                                         .out_width = SIDE,
                                         .out_channels = mid->in_channels,
                                         .kernel_h = 1,
                                         .kernel_w = 1,
                                         .stride = 1,
                                         .groups = 1};
    const struct bd_plain_layer middle = {.name = "middle",
                                          .writes_stream = mid->stream,
                                          .in_height = SIDE,
                                          .in_width = SIDE,
                                          .in_channels = mid->in_channels,
                                          .out_height = out,
                                          .out_width = out,
                                          .out_channels = mid->out_channels,
                                          .kernel_h = mid->kernel,
                                          .kernel_w = mid->kernel,
                                          .stride = mid->stride,
                                          .pad = mid->pad,
                                          .groups = mid->groups};
    const struct bd_plain_layer last = {.name = "last",
                                        .in_height = out,
                                        .in_width = out,
                                        .in_channels = mid->out_channels,
                                        .out_height = 1,
                                        .out_width = 1,
                                        .out_channels = CLASSES,
                                        .kernel_h = out,
                                        .kernel_w = out,
                                        .stride = 1,
                                        .groups = 1};
    add_layer(&layers[0], &parts, 0, rng, first,
              (struct bd_plain_layer_switch){
                  .weight_bits = 8, .in_bits = 8, .out_bits = mid->in_bits, .out_signed = mid->is_signed});
    add_layer(&layers[1], &parts, 1, rng, middle,
              (struct bd_plain_layer_switch){.weight_bits = mid->weight_bits,
                                             .in_bits = mid->in_bits,
                                             .in_signed = mid->is_signed,
                                             .out_bits = 7,
                                             .weight_zero_point = mid->zero_point});
    add_layer(&layers[2], &parts, 2, rng, last, (struct bd_plain_layer_switch){.weight_bits = 5, .in_bits = 7});
    layers[2].at[0].requant.multiplier = (const int32_t[CLASSES]){1, 1, 1, 1, 1};
    layers[2].at[0].requant.shift = 0; /* the sums themselves */
    memset(parts.b[2], 0, sizeof parts.b[2]);
    const struct bd_plain_network net = {.name = "middle",
                                         .switch_count = 1,
                                         .layer_count = 3,
                                         .classes = CLASSES,
                                         .switches = {{.name = "w8a8", .weight_bits = 8, .activation_bits = 8}},
                                         .layers = layers};
    struct bd_hardware hardware;
    struct bd_error err;
    bd_hardware_reference(&hardware);
    cr_assert_eq(bd_pack(&net, &hardware, true, program, &err), BD_OK, "%s", err.message);
    bd_hardware_release(&hardware);
    for (int l = 0; l < 3; l++) {
        free(parts.codes[l]);
    }
}

/* Every pair of weight bits and codes, by turns in kernels of 1 to 7, strides of 1 to 3 and channels that fill blocks
 * or not; groups that are depthwise, several, or one. */
Test(fast, equals_the_plain_executor_on_every_arithmetic)
{
    static const int weight_bits[] = {1, 2, 7, 8}, in_bits[] = {1, 1, 2, 3, 4, 8}, kernels_of[] = {1, 3, 5, 7},
                     ins[] = {16, 32, 12, 48, 64, 36}, outs[] = {16, 24, 64, 32};
    struct bd_rng rng;
    bd_rng_seed(&rng, 24);
    for (unsigned i = 0; i < 4 * 6 * 4; i++) {
        const int turn = (int)(i / 24);
        struct middle mid = {.weight_bits = weight_bits[i % 4],
                             .in_bits = in_bits[i / 4 % 6],
                             .is_signed = i / 4 % 6 == 0,
                             .zero_point = turn % 2 && i % 4,
                             .kernel = kernels_of[(turn + i) % 4],
                             .stride = 1 + (int)bd_rng_below(&rng, 3),
                             .groups = 1,
                             .stream = bd_rng_below(&rng, 2),
                             .in_channels = ins[bd_rng_below(&rng, 6)],
                             .out_channels = outs[bd_rng_below(&rng, 4)]};
        mid.pad = (int)bd_rng_below(&rng, mid.kernel / 2 + 1);
        if (turn % 4 == 3) {
            mid.groups = bd_rng_below(&rng, 2) ? mid.in_channels : 4;
            mid.out_channels = mid.in_channels;
        }
        struct bd_program program;
        pack_middle(&program, &mid, &rng);
        cr_assert_geq(compare(&program, "arithmetic", i), IMAGES);
        bd_program_release(&program);
    }
}

/* Differences of two runs on IMAGES images, in values. */
static int differences(const struct bd_program *program, const struct bd_decoded *a, const struct bd_decoded *b,
                       const char *kernel)
{
    const size_t bytes = program->header->input_bytes, classes = program->header->classes;
    uint8_t *images = bd_xmalloc(IMAGES * bytes);
    int32_t *logits = bd_xcalloc(2 * IMAGES * classes, sizeof *logits);
    struct bd_error err;
    int count = 0;
    for (unsigned i = 0; i < IMAGES; i++) {
        bd_random_image(program, i, images + i * bytes);
    }
    cr_assert_eq(bd_execute_fast_by(kernel, program, a, 0, images, IMAGES, logits, &err), BD_OK, "%s", err.message);
    cr_assert_eq(bd_execute_fast_by(kernel, program, b, 0, images, IMAGES, logits + IMAGES * classes, &err), BD_OK);
    for (size_t i = 0; i < IMAGES * classes; i++) {
        count += logits[i] != logits[IMAGES * classes + i];
    }
    free(images);
    free(logits);
    return count;
}

/* One weight, or one channel's M, that is not the program's changes results by every kernel: those that are compared
 * above depend on each. */
Test(fast, one_wrong_number_is_seen)
{
    static const struct middle trials[] = {
        {.in_channels = 32,
         .out_channels = 16,
         .kernel = 3,
         .stride = 1,
         .pad = 1,
         .groups = 1,
         .weight_bits = 1,
         .in_bits = 1,
         .is_signed = true},
        {.in_channels = 16,
         .out_channels = 24,
         .kernel = 5,
         .stride = 2,
         .pad = 2,
         .groups = 1,
         .weight_bits = 8,
         .in_bits = 8},
        {.in_channels = 12,
         .out_channels = 12,
         .kernel = 3,
         .stride = 1,
         .pad = 1,
         .groups = 12,
         .weight_bits = 4,
         .in_bits = 4},
    };
    struct bd_rng rng;
    bd_rng_seed(&rng, 25);
    for (size_t i = 0; i < sizeof trials / sizeof *trials; i++) {
        struct bd_program program;
        struct bd_decoded *right, *wrong;
        struct bd_error err;
        pack_middle(&program, &trials[i], &rng);
        for (int fault = 0; fault < 2; fault++) {
            cr_assert_eq(bd_decode(&program, &right, &err), BD_OK);
            cr_assert_eq(bd_decode(&program, &wrong, &err), BD_OK);
            if (fault) {
                ((int32_t *)bd_decoded_multipliers(wrong, 0, 1))[7] ^= 1 << 20;
            } else {
                ((uint8_t *)bd_decoded_codes(wrong, 0, 1))[5] ^= 0x80;
            }
            for (size_t k = 0; k < sizeof kernels / sizeof *kernels; k++) {
                if (k == 3 || (k == 2 && __builtin_cpu_supports("avx2")) || (k < 2 && bd_intconv_usable())) {
                    cr_assert_eq(differences(&program, right, right, kernels[k]), 0);
                    cr_assert_gt(differences(&program, right, wrong, kernels[k]), 0, "%zu, fault %d, kernel %s", i,
                                 fault, kernels[k]);
                }
            }
            bd_decoded_free(right);
            bd_decoded_free(wrong);
        }
        bd_program_release(&program);
    }
}

/* Where the kernels of AVX-512 are not exact, or not there, others are taken without being asked for. */
Test(fast, falls_back_where_kernels_are_not_usable)
{
    struct bd_rng rng;
    struct bd_program program;
    struct bd_decoded *decoded;
    struct bd_error err;
    bd_rng_seed(&rng, 26);
    pack_grouped(&program, &rng, 1);
    cr_assert_eq(bd_decode(&program, &decoded, &err), BD_OK);
    cr_assert_eq(!strcmp(bd_execute_fast_kernel(), "bits"), bd_intconv_usable());
    bd_intconv_allow(false);
    cr_assert_str_eq(bd_execute_fast_kernel(), __builtin_cpu_supports("avx2") ? "avx2" : "plain");
    uint8_t image[12 * 9 * 9] = {0};
    int32_t logits[24];
    cr_assert_eq(bd_execute_fast_by("bytes", &program, decoded, 0, image, 1, logits, &err), BD_BAD_INPUT);
    cr_assert(strstr(err.message, "no kernel 'bytes'"), "%s", err.message);
    cr_assert_geq(compare(&program, "without AVX-512", 0), IMAGES);
    bd_intconv_allow(true);
    bd_decoded_free(decoded);
    bd_program_release(&program);
}

Test(fast, refuses_what_is_not_there)
{
    struct bd_rng rng;
    struct bd_program program;
    struct bd_decoded *decoded;
    struct bd_error err;
    bd_rng_seed(&rng, 23);
    pack_grouped(&program, &rng, 1);
    cr_assert_eq(bd_decode(&program, &decoded, &err), BD_OK);
    uint8_t image[12 * 9 * 9] = {0};
    int32_t logits[24];
    cr_assert_eq(bd_execute_fast(&program, decoded, 1, image, 1, logits, &err), BD_BAD_INPUT);
    cr_assert(strstr(err.message, "switch index 1"), "%s", err.message);
    cr_assert_eq(bd_execute_fast_by("mmx", &program, decoded, 0, image, 1, logits, &err), BD_BAD_INPUT);
    cr_assert_eq(bd_execute_fast(&program, decoded, 0, image, 1, logits, &err), BD_OK);
    bd_decoded_free(decoded);
    bd_program_release(&program);
}
