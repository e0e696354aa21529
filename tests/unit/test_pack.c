/* The packed image against the layer it came from: the plain executor must give what a direct loop over the plain layer
 * gives. tests/unit/test_array.c has what stands in the image in between. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/core/rng.h"
#include "model/exec/exec.h"
#include "model/exec/requantize.h"
#include "model/program/layout.h"
#include "model/program/pack.h"
#include "model/program/pack_parts.h"

struct sample {
    struct bd_plain_layer layer;
    struct bd_plain_network net;
    uint8_t *codes, *image;
    int32_t *m;
    int64_t *b;
};

static int out_size(int in, int kernel, int stride, int pad)
{
    return (in + 2 * pad - kernel) / stride + 1;
}

static void sample_init(struct sample *s, struct bd_rng *rng)
{
    struct bd_plain_layer *l = &s->layer;
    memset(s, 0, sizeof *s);
    *l = (struct bd_plain_layer){
        .name = "only", .operation = BD_OP_CONV, .out_tensor = 1, .groups = 1, .weight_planes = 8};
    l->kernel_h = l->kernel_w = bd_rng_below(rng, 2) ? 3 : 1 + (int)bd_rng_below(rng, 7);
    l->pad = (int)bd_rng_below(rng, (uint32_t)l->kernel_h);
    l->stride = 1 + (int)bd_rng_below(rng, 4);
    l->in_channels = 1 + (int)bd_rng_below(rng, 70);
    l->out_channels = 1 + (int)bd_rng_below(rng, 20);
    if (bd_rng_below(rng, 4) == 0)
        l->in_channels = 1 + (int)bd_rng_below(rng, 4);
    l->in_height = l->kernel_h + (int)bd_rng_below(rng, 4);
    l->in_width = l->kernel_h + (int)bd_rng_below(rng, 4);
    l->out_height = out_size(l->in_height, l->kernel_h, l->stride, l->pad);
    l->out_width = out_size(l->in_width, l->kernel_w, l->stride, l->pad);
    const size_t weights = (size_t)l->out_channels * l->in_channels * l->kernel_h * l->kernel_w;
    s->codes = bd_xmalloc(weights);
    for (size_t i = 0; i < weights; i++)
        s->codes[i] = (uint8_t)bd_rng_below(rng, 256);
    l->codes = s->codes;
    struct bd_plain_layer_switch *at = &l->at[0];
    at->weight_bits = 1 + (int)bd_rng_below(rng, 8);
    at->in_bits = 8;
    /* with a zero point only where an XNOR row's correction has room in 24 bits */
    at->weight_zero_point = at->weight_bits > 1 && bd_rng_below(rng, 2) == 0 &&
                            ((long)weights / l->out_channels * 255) << at->weight_bits < 1 << 23;
    at->out_bits = 1 + (int)bd_rng_below(rng, 8);
    at->datapath = -1;
    s->m = bd_xcalloc((size_t)l->out_channels, sizeof *s->m);
    s->b = bd_xcalloc((size_t)l->out_channels, sizeof *s->b);
    for (int c = 0; c < l->out_channels; c++) {
        s->m[c] = (int32_t)bd_rng_below(rng, 2000) - 1000;
        s->b[c] = (int64_t)bd_rng_below(rng, 2000000) - 1000000;
    }
    at->requant = (struct bd_plain_requant){.multiplier = s->m,
                                            .bias = s->b,
                                            .shift = (int)bd_rng_below(rng, 8),
                                            .code_multiplier = 1 + bd_rng_below(rng, 1000),
                                            .code_shift = 12,
                                            .code_offset = 2048,
                                            .residual_multiplier = 1};
    s->net = (struct bd_plain_network){.name = "sample",
                                       .switch_count = 1,
                                       .layer_count = 1,
                                       .classes = l->out_channels,
                                       .switches = {{.name = "wXaY", .weight_bits = 1, .activation_bits = 1}},
                                       .layers = &s->layer};
    const size_t bytes = (size_t)l->in_height * l->in_width * l->in_channels;
    s->image = bd_xmalloc(bytes);
    for (size_t i = 0; i < bytes; i++)
        s->image[i] = (uint8_t)bd_rng_below(rng, 1u << at->in_bits);
}

static void sample_release(struct sample *s)
{
    free(s->codes);
    free(s->image);
    free(s->m);
    free(s->b);
}

static int32_t direct_acc(const struct sample *s, int oc, int oy, int ox)
{
    const struct bd_plain_layer *l = &s->layer;
    const struct bd_plain_layer_switch *at = &l->at[0];
    int32_t acc = 0;
    for (int ic = 0; ic < l->in_channels; ic++)
        for (int ky = 0; ky < l->kernel_h; ky++)
            for (int kx = 0; kx < l->kernel_w; kx++) {
                const int y = oy * l->stride + ky - l->pad, x = ox * l->stride + kx - l->pad;
                if (y < 0 || x < 0 || y >= l->in_height || x >= l->in_width)
                    continue;
                const int code = s->image[(y * l->in_width + x) * l->in_channels + ic];
                const int c = s->codes[((oc * l->in_channels + ic) * l->kernel_h + ky) * l->kernel_w + kx] >>
                              (8 - at->weight_bits);
                const int w = 2 * c + 1 - (1 << at->weight_bits);
                acc += (at->weight_zero_point ? (w - 1) / 2 : w) * code;
            }
    return acc;
}

static void check_sample(const struct sample *s, const struct bd_program *program, unsigned seed)
{
    const struct bd_descriptor *d = bd_program_descriptor(program, 0, 0);
    struct bd_error err;
    struct bd_decoded *decoded;
    struct bd_frame frame;
    cr_assert_eq(bd_decode(program, &decoded, &err), BD_OK, "seed %u: %s", seed, err.message);
    cr_assert_eq(bd_execute(program, decoded, 0, s->image, &frame, &err), BD_OK, "seed %u: %s", seed, err.message);
    for (uint32_t oc = 0; oc < d->out_channels; oc++) {
        for (int oy = 0; oy < (int)d->out_height; oy++)
            for (int ox = 0; ox < (int)d->out_width; ox++) {
                const int32_t acc = direct_acc(s, (int)oc, oy, ox);
                const int64_t z = ((int64_t)s->m[oc] * acc + s->b[oc]) >> d->shift;
                cr_assert_eq(frame.outputs[0].z[((uint32_t)oy * d->out_width + (uint32_t)ox) * d->out_channels + oc], z,
                             "seed %u: channel %u pixel (%d,%d)", seed, oc, oy, ox);
            }
    }
    bd_frame_release(&frame);
    bd_decoded_free(decoded);
}

#define GEOMETRY(r, rq, mc)                                                                                            \
    {                                                                                                                  \
        .name = "demo", .rows = r, .requant_units = rq, .mac_channels = mc, .xnor = mc != 2, .mac = mc > 0,            \
        .act_words = 2048, .z_words = 8192, .weight_words = 16384, .table_words = 1024, .correct_words = 512,          \
        .acc_bits = 32, .mult_bits = 24                                                                                \
    }
static const struct bd_hardware GEOMETRIES[] = {GEOMETRY(8, 2, 1), GEOMETRY(16, 16, 1), GEOMETRY(32, 8, 2),
                                                GEOMETRY(64, 64, 0)};

Test(pack, image_equals_layer)
{
    for (unsigned seed = 1; seed <= 240; seed++) {
        struct bd_rng rng;
        struct sample s;
        struct bd_program program;
        struct bd_error err;
        bd_rng_seed(&rng, seed);
        sample_init(&s, &rng);
        cr_assert_eq(bd_pack(&s.net, &GEOMETRIES[seed % 4], false, &program, &err), BD_OK, "seed %u: %s", seed,
                     err.message);
        check_sample(&s, &program, seed);
        bd_program_release(&program);
        sample_release(&s);
    }
}

/* Both sides of every edge, and the ends of the range, by the requantizer itself. */
Test(pack, signs_are_exact_thresholds)
{
    struct bd_rng rng;
    bd_rng_seed(&rng, 8);
    int edges = 0;
    for (int n = 0; n < 20000; n++) {
        static const int32_t odd[] = {0, 1, -1, 8388607, -8388608};
        const int32_t m = n % 3 ? (int32_t)bd_rng_below(&rng, 1u << 24) - (1 << 23) : odd[bd_rng_below(&rng, 5)];
        const int64_t b =
            (int64_t)(bd_rng_u64(&rng) >> 17 >> bd_rng_below(&rng, 40)) - ((int64_t)1 << 46) / (1 + n % 97);
        const struct bd_plain_requant q = {.multiplier = &m,
                                           .bias = &b,
                                           .shift = (int)bd_rng_below(&rng, n % 2 ? 48 : 20),
                                           .code_multiplier = n % 5 ? 1 + bd_rng_below(&rng, 262143) : (uint32_t)n % 2,
                                           .code_offset = (int32_t)bd_rng_u64(&rng) >> bd_rng_below(&rng, 31),
                                           .code_shift = (int)bd_rng_below(&rng, 32)};
        const struct bd_descriptor d = {.shift = (uint32_t)q.shift,
                                        .code_multiplier = q.code_multiplier,
                                        .code_offset = q.code_offset,
                                        .code_shift = (uint32_t)q.code_shift,
                                        .out_bits = 1};
        const struct bd_descriptor plain = {.code_multiplier = 1, .code_offset = 1, .out_bits = 1};
        const struct bd_pack_row row = bd_pack_sign(&q, 0);
        cr_assert(row.multiplier >= -1 && row.multiplier <= 1);
        int64_t at = row.multiplier ? -row.multiplier * row.bias : 0; /* where the threshold is */
        at = at < INT32_MIN ? INT32_MIN : at > INT32_MAX ? INT32_MAX : at;
        const int64_t accs[] = {at, at - 1, at + 1, INT32_MIN, INT32_MAX, 0, (int32_t)bd_rng_u64(&rng)};
        for (size_t i = 0; i < sizeof accs / sizeof *accs; i++) {
            if (accs[i] < INT32_MIN || accs[i] > INT32_MAX)
                continue;
            const int32_t acc = (int32_t)accs[i];
            const uint8_t want = bd_requantize_code(&d, bd_requantize_z(&d, m, b, acc, 0));
            const uint8_t got =
                bd_requantize_code(&plain, bd_requantize_z(&plain, (int32_t)row.multiplier, row.bias, acc, 0));
            cr_assert_eq(got, want, "case %d: acc %d gives %u, not %u", n, acc, got, want);
            edges += i == 1 && bd_requantize_code(&d, bd_requantize_z(&d, m, b, (int32_t)at, 0)) != want;
        }
    }
    cr_assert_gt(edges, 1000);
}

Test(pack, refuses_by_layer_name)
{
    struct bd_rng rng;
    struct sample s;
    struct bd_program program;
    struct bd_error err;
    bd_rng_seed(&rng, 3);
    sample_init(&s, &rng);
    s.layer.in_channels = s.layer.out_channels = 4;
    s.layer.groups = 2;
    s.net.classes = 4;
    cr_assert_eq(bd_pack(&s.net, &GEOMETRIES[0], false, &program, &err), BD_BAD_INPUT);
    cr_assert(strstr(err.message, "'only'") &&
                  strstr(err.message, "needs groups of more than one channel, which the RTL"),
              "%s", err.message);
    cr_assert_eq(bd_pack(&s.net, &GEOMETRIES[0], true, &program, &err), BD_OK, "%s", err.message);
    bd_program_release(&program);
    sample_release(&s);
}

Test(program, any_flipped_byte_is_refused)
{
    struct bd_rng rng;
    struct sample s;
    struct bd_program program, damaged;
    struct bd_error err;
    bd_rng_seed(&rng, 5);
    sample_init(&s, &rng);
    cr_assert_eq(bd_pack(&s.net, &GEOMETRIES[0], false, &program, &err), BD_OK, "%s", err.message);
    uint8_t *copy = bd_xmalloc(program.size);
    for (int i = 0; i < 200; i++) {
        memcpy(copy, program.image, program.size);
        copy[bd_rng_below(&rng, (uint32_t)program.size)] ^= (uint8_t)(1u << bd_rng_below(&rng, 8));
        cr_assert_eq(bd_program_open(&damaged, "damaged", copy, program.size, &err), BD_BAD_INPUT);
        cr_assert(strstr(err.message, "damaged: byte "), "%s", err.message);
    }
    free(copy);
    bd_program_release(&program);
    sample_release(&s);
}
