/* The packed image against the layer it came from, in two ways: the plain executor must give what a direct loop over
 * the plain layers gives, and a walk over activation words, masks, weight bits and presets, exactly as the array
 * does it, must give the same accumulators. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/core/rng.h"
#include "model/exec/exec.h"
#include "model/program/layout.h"
#include "model/program/pack.h"

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
    l->kernel_h = l->kernel_w = bd_rng_below(rng, 2) ? 3 : 1;
    l->pad = l->kernel_h == 3 ? (int)bd_rng_below(rng, 2) : 0;
    l->stride = 1 + (int)bd_rng_below(rng, 2);
    l->in_channels = 1 + (int)bd_rng_below(rng, 70);
    l->out_channels = 1 + (int)bd_rng_below(rng, 20);
    if (bd_rng_below(rng, 4) == 0)
        l->in_channels = 1 + (int)bd_rng_below(rng, 4);
    l->in_height = 3 + (int)bd_rng_below(rng, 4);
    l->in_width = 3 + (int)bd_rng_below(rng, 4);
    l->out_height = out_size(l->in_height, l->kernel_h, l->stride, l->pad);
    l->out_width = out_size(l->in_width, l->kernel_w, l->stride, l->pad);
    const size_t weights = (size_t)l->out_channels * l->in_channels * l->kernel_h * l->kernel_w;
    s->codes = bd_xmalloc(weights);
    for (size_t i = 0; i < weights; i++)
        s->codes[i] = (uint8_t)bd_rng_below(rng, 256);
    l->codes = s->codes;
    struct bd_plain_layer_switch *at = &l->at[0];
    at->weight_bits = 1 + (int)bd_rng_below(rng, 8);
    at->in_bits = 1 + (int)bd_rng_below(rng, 8);
    at->in_signed = at->in_bits == 1 && bd_rng_below(rng, 2);
    at->out_bits = 1 + (int)bd_rng_below(rng, 8);
    at->datapath = (int)bd_rng_below(rng, 2);
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
                acc += (2 * c + 1 - (1 << at->weight_bits)) * (at->in_signed ? 2 * code - 1 : code);
            }
    return acc;
}

/* Activation buffer as the loader leaves it: [word][lane]. */
static uint8_t *load_activations(const struct sample *s, const struct bd_descriptor *d,
                                 const struct bd_program_header *h)
{
    uint8_t *act = bd_xmalloc((size_t)h->act_words * h->lanes);
    memset(act, 0xa5, (size_t)h->act_words * h->lanes); /* lanes nobody writes hold rubbish: masks must hide it */
    const int H = s->layer.in_height, W = s->layer.in_width, C = s->layer.in_channels;
    if (d->flags & BD_FLAG_IM2COL) {
        for (uint32_t oy = 0; oy < d->out_height; oy++)
            for (uint32_t ox = 0; ox < d->out_width; ox++)
                for (int tap = 0; tap < 9 * C; tap++) {
                    const int y = (int)(oy * d->stride) + tap / (3 * C) - 1,
                              x = (int)(ox * d->stride) + tap / C % 3 - 1;
                    const bool real = y >= 0 && x >= 0 && y < H && x < W;
                    act[(d->in_base + oy * d->in_pitch + ox) * h->lanes + (uint32_t)tap] =
                        real ? s->image[(y * W + x) * C + tap % C] : 0;
                }
        return act;
    }
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++)
            for (int c = 0; c < C; c++)
                for (int j = 0; j < (int)d->in_slots; j++) {
                    if (x - j < -(int)d->in_left)
                        continue;
                    const uint32_t word = d->in_base + (uint32_t)y * d->in_pitch +
                                          (uint32_t)(x - j + (int)d->in_left) * d->in_pixel_words +
                                          (uint32_t)c / h->lanes;
                    act[word * h->lanes + (uint32_t)j * d->in_slot_lanes + (uint32_t)c % h->lanes] =
                        s->image[(y * W + x) * C + c];
                }
    return act;
}

struct array {
    const struct bd_program_header *h;
    const struct bd_descriptor *d;
    const uint8_t *act, *table, *weights;
};

static bool mask_bit(const struct array *a, int index, uint32_t lane)
{
    const uint8_t *mask = a->table + (size_t)index * ((a->h->lanes + 63) / 64 * 8);
    return mask[lane / 8] >> lane % 8 & 1;
}

static bool lane_open(const struct array *a, uint32_t t, uint32_t cwi, int y, int x0, uint32_t lane)
{
    const struct bd_descriptor *d = a->d;
    const bool im2col = d->flags & BD_FLAG_IM2COL;
    const int H = im2col ? (int)d->out_height : (int)d->in_height, W = im2col ? (int)d->out_width : (int)d->in_width;
    const uint32_t kw = bd_descriptor_walk(d).kernel_w;
    if (y < 0 || y >= H)
        return false;
    if (d->in_slots > 1) {
        for (uint32_t j = 0; j < d->in_slots; j++) {
            const uint32_t tap = t * d->in_slots + j;
            if (tap < kw && x0 + (int)tap >= 0 && x0 + (int)tap < W && mask_bit(a, (int)j, lane))
                return true;
        }
        return false;
    }
    return x0 + (int)t >= 0 && x0 + (int)t < W && t < kw && mask_bit(a, cwi < d->in_pixel_words - 1 ? 0 : 1, lane);
}

static int32_t array_acc(const struct array *a, uint32_t row, int oy, int ox)
{
    const struct bd_descriptor *d = a->d;
    const struct bd_walk walk = bd_descriptor_walk(d);
    const int y0 = oy * (int)walk.stride - (int)walk.pad, x0 = ox * (int)walk.stride - (int)walk.pad;
    const int H = (int)d->in_height, W = (int)d->in_width;
    int64_t sum = 0;
    for (uint32_t ky = 0, k = 0; ky < walk.kernel_h; ky++)
        for (uint32_t t = 0; t < d->row_words; t++)
            for (uint32_t cwi = 0; cwi < d->in_pixel_words; cwi++, k++)
                for (uint32_t lane = 0; lane < a->h->lanes; lane++) {
                    const int y = y0 + (int)ky, x = x0 + (int)(t * d->in_slots);
                    uint32_t code = 0;
                    if (lane_open(a, t, cwi, y, x0, lane))
                        code = a->act[((int)d->in_base + y * (int)d->in_pitch +
                                       (x + (int)d->in_left) * (int)d->in_pixel_words + (int)cwi) *
                                          (int)a->h->lanes +
                                      (int)lane];
                    for (uint32_t i = 0; i < d->weight_bits; i++) {
                        const uint32_t plane = d->weight_bits - 1 - i; /* chunk order: top first */
                        const uint64_t bit = ((uint64_t)k * a->h->rows + row) * a->h->lanes + lane;
                        const int w =
                            a->weights[(size_t)plane * bd_plane_bytes(a->h, d->k_words) + bit / 8] >> bit % 8 & 1;
                        if (d->datapath == BD_DATAPATH_MAC)
                            sum += (int64_t)(w ? (int)code : -(int)code) * (1 << i);
                        else
                            for (uint32_t j = 0; j < d->in_bits; j++)
                                sum += (int64_t)(w == (int)(code >> j & 1)) << (i + j);
                    }
                }
    uint32_t cls = 0;
    if (d->presets == 16)
        cls = (y0 < 0 ? 1 : 0) | (y0 + 3 > H ? 2 : 0) | (x0 < 0 ? 4 : 0) | (x0 + 3 > W ? 8 : 0);
    int32_t preset;
    memcpy(&preset, a->table + 3 * ((a->h->lanes + 63) / 64 * 8) + a->h->rows * 16 + (cls * a->h->rows + row) * 4, 4);
    return (int32_t)((d->flags & BD_FLAG_IN_SIGNED ? 2 * sum : sum) + preset);
}

static void check_sample(const struct sample *s, const struct bd_program *program, unsigned seed)
{
    const struct bd_descriptor *d = bd_program_descriptor(program, 0, 0);
    struct bd_error err;
    struct bd_decoded *decoded;
    struct bd_frame frame;
    cr_assert_eq(bd_decode(program, &decoded, &err), BD_OK, "seed %u: %s", seed, err.message);
    cr_assert_eq(bd_execute(program, decoded, 0, s->image, &frame, &err), BD_OK, "seed %u: %s", seed, err.message);
    uint8_t *act = load_activations(s, d, program->header);
    for (uint32_t oc = 0; oc < d->out_channels; oc++) {
        const struct array a = {program->header, d, act,
                                program->image + d->table_offset + oc / program->header->rows * d->table_stride,
                                program->image + d->weight_offset + oc / program->header->rows * d->weight_stride};
        for (int oy = 0; oy < (int)d->out_height; oy++)
            for (int ox = 0; ox < (int)d->out_width; ox++) {
                const int32_t acc = direct_acc(s, (int)oc, oy, ox);
                const int32_t walked = array_acc(&a, oc % program->header->rows, oy, ox);
                const int64_t z = ((int64_t)s->m[oc] * acc + s->b[oc]) >> d->shift;
                cr_assert_eq(walked, acc, "seed %u: channel %u pixel (%d,%d): the array has %d, the layer %d", seed, oc,
                             oy, ox, walked, acc);
                cr_assert_eq(frame.outputs[0].z[((uint32_t)oy * d->out_width + (uint32_t)ox) * d->out_channels + oc],
                             z);
            }
    }
    free(act);
    bd_frame_release(&frame);
    bd_decoded_free(decoded);
}

static const struct bd_hardware GEOMETRIES[] = {
    {.name = "demo",
     .rows = 8,
     .lanes = 64,
     .mac_lanes = 16,
     .requant_units = 4,
     .xnor = true,
     .mac = true,
     .act_words = 2048,
     .z_words = 4096,
     .weight_words = 256,
     .mult_bits = 24},
    {.name = "lanes32",
     .rows = 8,
     .lanes = 32,
     .mac_lanes = 16,
     .requant_units = 4,
     .xnor = true,
     .mac = true,
     .act_words = 2048,
     .z_words = 4096,
     .weight_words = 256,
     .mult_bits = 24},
    {.name = "lanes144",
     .rows = 8,
     .lanes = 144,
     .mac_lanes = 16,
     .requant_units = 4,
     .xnor = true,
     .mac = true,
     .act_words = 2048,
     .z_words = 4096,
     .weight_words = 256,
     .mult_bits = 24},
    {.name = "rows4",
     .rows = 4,
     .lanes = 64,
     .mac_lanes = 8,
     .requant_units = 2,
     .xnor = true,
     .mac = true,
     .act_words = 2048,
     .z_words = 4096,
     .weight_words = 256,
     .mult_bits = 24},
};

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

Test(pack, refuses_by_layer_name)
{
    struct bd_rng rng;
    struct sample s;
    struct bd_program program;
    struct bd_error err;
    bd_rng_seed(&rng, 3);
    sample_init(&s, &rng);
    s.layer.in_channels = s.layer.groups = s.layer.out_channels = 2;
    s.net.classes = 2;
    cr_assert_eq(bd_pack(&s.net, &GEOMETRIES[0], false, &program, &err), BD_BAD_INPUT);
    cr_assert(strstr(err.message, "'only'") && strstr(err.message, "needs groups, which the RTL does not have"), "%s",
              err.message);
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
