/* The plain executor once more, the other way round: convolutions by scattering each input value to the outputs that it
 * reaches, maxima by offering each stream value to its windows, the requantizer in 128-bit arithmetic; on random
 * networks of every kind of layer. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "model/core/memory.h"
#include "model/exec/exec.h"
#include "model/program/hardware.h"
#include "model/program/random_network.h"

enum { NETWORKS = 64 };

struct seen {
    int grouped, depthwise, maxima, averages, means, wide;
};

static int64_t floor_shift(__int128 v, unsigned shift)
{
    const __int128 unit = (__int128)1 << shift;
    return (int64_t)((v - ((v % unit + unit) % unit)) / unit);
}

/* Outputs at which input coordinate `at` is some tap: calls for each tap k the output o with o*stride + k - pad = at.
 */
static bool output_of(int64_t at, uint32_t k, uint32_t pad, uint32_t stride, uint32_t count, uint32_t *o)
{
    const int64_t moved = at + pad - k;
    if (moved < 0 || moved % stride != 0 || moved / stride >= count) {
        return false;
    }
    *o = (uint32_t)(moved / stride);
    return true;
}

/* acc (OH, OW, OC) of a convolution. */
static void scatter(const struct bd_descriptor *d, const uint8_t *c8, const uint8_t *in, int64_t *acc)
{
    const uint32_t group_in = d->in_channels / d->groups, group_out = d->out_channels / d->groups;
    for (uint32_t y = 0; y < d->in_height; y++)
        for (uint32_t x = 0; x < d->in_width; x++)
            for (uint32_t ic = 0; ic < d->in_channels; ic++) {
                const uint8_t code = in[(y * d->in_width + x) * d->in_channels + ic];
                const int value = d->flags & BD_FLAG_IN_SIGNED ? (code ? 1 : -1) : code;
                for (uint32_t ky = 0, oy; ky < d->kernel_h; ky++)
                    for (uint32_t kx = 0, ox; kx < d->kernel_w; kx++) {
                        if (!output_of(y, ky, d->pad_top, d->stride, d->out_height, &oy) ||
                            !output_of(x, kx, d->pad_left, d->stride, d->out_width, &ox))
                            continue;
                        for (uint32_t k = 0; k < group_out; k++) {
                            const uint32_t oc = ic / group_in * group_out + k;
                            const uint8_t c =
                                c8[((oc * group_in + ic % group_in) * d->kernel_h + ky) * d->kernel_w + kx];
                            const int code_w = c >> (8 - d->weight_bits), levels = 1 << d->weight_bits;
                            const int weight = d->weight_zero_point ? code_w - levels / 2 : 2 * code_w - levels + 1;
                            acc[(oy * d->out_width + ox) * d->out_channels + oc] += value * weight;
                        }
                    }
            }
}

static void pool(const struct bd_descriptor *d, const int32_t *stream, int64_t *acc)
{
    const bool max = d->pool_kind == BD_POOL_MAX, whole = d->pool_kind == BD_POOL_AVERAGE;
    for (uint32_t i = 0; max && i < d->out_height * d->out_width * d->out_channels; i++)
        acc[i] = INT64_MIN;
    for (uint32_t i = 0; i < d->in_height * d->in_width * d->in_channels; i++) {
        const uint32_t c = i % d->in_channels, x = i / d->in_channels % d->in_width,
                       y = i / d->in_channels / d->in_width;
        if (whole) {
            acc[c] += stream[i];
            continue;
        }
        for (uint32_t ky = 0, oy; ky < d->kernel_h; ky++)
            for (uint32_t kx = 0, ox; kx < d->kernel_w; kx++)
                if (output_of(y, ky, d->pad_top, d->stride, d->out_height, &oy) &&
                    output_of(x, kx, d->pad_left, d->stride, d->out_width, &ox)) {
                    int64_t *to = &acc[(oy * d->out_width + ox) * d->out_channels + c];
                    *to = !max ? *to + stream[i] : stream[i] > *to ? stream[i] : *to;
                }
    }
}

static void check_layer(const struct bd_program *program, const struct bd_decoded *decoded, unsigned s, unsigned l,
                        const struct bd_frame *frame, const uint8_t *image, const int32_t *stream, struct seen *seen)
{
    const struct bd_descriptor *d = bd_program_descriptor(program, s, l);
    const int producer = bd_decoded_producer(decoded, l);
    const struct bd_layer_output *out = &frame->outputs[l];
    const uint32_t count = d->out_height * d->out_width * d->out_channels;
    int64_t *acc = bd_xcalloc(count, sizeof *acc);
    if (d->operation == BD_OP_POOL) {
        pool(d, stream, acc);
        seen->maxima += d->pool_kind == BD_POOL_MAX;
        seen->averages += d->pool_kind == BD_POOL_AVERAGE;
        seen->means += d->pool_kind == BD_POOL_WINDOW_AVERAGE;
    } else {
        scatter(d, bd_decoded_codes(decoded, s, l), producer < 0 ? image : frame->outputs[producer].codes, acc);
        seen->grouped += d->groups > 1;
        seen->depthwise += d->groups > 1 && d->groups == d->out_channels;
        seen->wide += d->kernel_h > 3;
    }
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t oc = i % d->out_channels;
        const __int128 t =
            (__int128)bd_decoded_multipliers(decoded, s, l)[oc] * acc[i] + bd_decoded_biases(decoded, s, l)[oc];
        __int128 z = floor_shift(t, d->shift);
        if (d->flags & BD_FLAG_ADD_STREAM)
            z += floor_shift((__int128)d->residual_multiplier * stream[i], d->residual_shift);
        z = z > INT32_MAX ? INT32_MAX : z < INT32_MIN ? INT32_MIN : z;
        int64_t code = floor_shift((__int128)d->code_multiplier * z + d->code_offset, d->code_shift);
        code = code < 0 ? 0 : code >= 1 << d->out_bits ? (1 << d->out_bits) - 1 : code;
        cr_assert(!out->z || out->z[i] == z, "%s %s: z[%u]", program->header->network, program->names[l], i);
        cr_assert(!out->codes || out->codes[i] == code, "%s %s: code %u", program->header->network, program->names[l],
                  i);
    }
    free(acc);
}

static void check_program(const struct bd_program *program, unsigned index, struct seen *seen)
{
    struct bd_decoded *decoded;
    struct bd_error err;
    cr_assert_eq(bd_decode(program, &decoded, &err), BD_OK, "%s", err.message);
    uint8_t *image = bd_xmalloc(program->header->input_bytes);
    bd_random_image(program, index, image);
    for (unsigned s = 0; s < program->header->switch_count; s++) {
        struct bd_frame frame;
        const int32_t *stream = NULL;
        cr_assert_eq(bd_execute(program, decoded, s, image, &frame, &err), BD_OK, "%s", err.message);
        for (unsigned l = 0; l < program->header->layer_count; l++) {
            check_layer(program, decoded, s, l, &frame, image, stream, seen);
            stream = frame.outputs[l].z ? frame.outputs[l].z : stream;
        }
        bd_frame_release(&frame);
    }
    free(image);
    bd_decoded_free(decoded);
}

Test(exec, equals_a_scattering_implementation)
{
    struct bd_hardware hardware;
    struct seen seen = {0};
    bd_hardware_reference(&hardware);
    for (unsigned index = 0; index < NETWORKS; index++) {
        struct bd_program program;
        struct bd_error err;
        cr_assert_eq(bd_random_reference_network(31, index, &hardware, &program, &err), BD_OK, "%s", err.message);
        check_program(&program, index, &seen);
        bd_program_release(&program);
    }
    bd_hardware_release(&hardware);
    cr_assert(seen.grouped > 20 && seen.depthwise > 20 && seen.maxima > 20 && seen.averages > 10 && seen.means > 20 &&
                  seen.wide > 20,
              "%d grouped, %d depthwise, %d maxima, %d averages, %d means of windows, %d wide", seen.grouped,
              seen.depthwise, seen.maxima, seen.averages, seen.means, seen.wide);
}

static void check_stored(const struct bd_program *program, unsigned s, unsigned l, const struct bd_layer_output *out,
                         const uint8_t *store)
{
    const struct bd_descriptor *d = bd_program_descriptor(program, s, l);
    const uint32_t channels = d->out_channels, pixels = d->out_height * d->out_width;
    const uint32_t rows = program->header->rows, padded = (channels + rows - 1) / rows * rows;
    struct bd_layer_output back;
    bd_store_unpack(program, s, l, store, &back);
    cr_assert(back.height == out->height && back.width == out->width && back.channels == out->channels);
    cr_assert_eq(!back.codes, !(d->flags & BD_FLAG_STORE_CODES));
    cr_assert_eq(!back.z, !(d->flags & BD_FLAG_STORE_STREAM));
    for (uint32_t i = 0; i < pixels * channels; i++) {
        const uint32_t pixel = i / channels, c = i % channels;
        if (back.codes) { /* pixels of whole eights of bytes */
            cr_assert_eq(store[d->store_codes_offset + pixel * ((channels + 7) / 8 * 8) + c], out->codes[i]);
            cr_assert_eq(back.codes[i], out->codes[i]);
        }
        if (back.z) { /* pixels of whole row groups, four bytes each, the lowest first */
            const uint8_t *at = store + d->store_z_offset + (pixel * padded + c) * 4;
            const uint32_t bits = at[0] | at[1] << 8 | at[2] << 16 | (uint32_t)at[3] << 24;
            cr_assert_eq((int32_t)bits, out->z[i]);
            cr_assert_eq(back.z[i], out->z[i]);
        }
    }
    free(back.codes);
    free(back.z);
}

/* Every layer's stored form by places counted here; all layers in one store, which none of them may leave. */
Test(exec, stores_are_what_the_readme_says)
{
    struct bd_hardware hardware;
    struct bd_error err;
    enum { GUARD = 64 };
    int codes = 0, streams = 0;
    cr_assert_eq(bd_hardware_load(&hardware, "yaml-configs/hardware/demo.yaml", &err), BD_OK, "%s", err.message);
    for (unsigned index = 0; index < 12; index++) {
        struct bd_program program;
        struct bd_decoded *decoded;
        cr_assert_eq(bd_random_network(8, index, &hardware, &program, &err), BD_OK, "%s", err.message);
        cr_assert_eq(bd_decode(&program, &decoded, &err), BD_OK, "%s", err.message);
        const struct bd_program_header *h = program.header;
        const unsigned s = index % h->switch_count;
        uint8_t *image = bd_xcalloc(h->input_bytes, 1), *store = bd_xmalloc(h->store_bytes + 2 * GUARD);
        for (uint32_t i = 0; i < h->input_bytes; i++) {
            image[i] = (uint8_t)(i * 37 % (1u << bd_program_descriptor(&program, s, 0)->in_bits));
        }
        for (uint32_t i = 0; i < h->store_bytes + 2 * GUARD; i++) {
            store[i] = 0xa5;
        }
        struct bd_frame frame;
        cr_assert_eq(bd_execute(&program, decoded, s, image, &frame, &err), BD_OK, "%s", err.message);
        for (unsigned l = 0; l < h->layer_count; l++) {
            bd_store_pack(&program, s, l, &frame.outputs[l], store + GUARD);
        }
        for (unsigned l = 0; l < h->layer_count; l++) {
            check_stored(&program, s, l, &frame.outputs[l], store + GUARD);
            codes += (bd_program_descriptor(&program, s, l)->flags & BD_FLAG_STORE_CODES) != 0;
            streams += (bd_program_descriptor(&program, s, l)->flags & BD_FLAG_STORE_STREAM) != 0;
        }
        for (int i = 0; i < GUARD; i++) {
            cr_assert(store[i] == 0xa5 && store[GUARD + h->store_bytes + i] == 0xa5, "a store was left");
        }
        bd_frame_release(&frame);
        cr_assert(!frame.outputs && !frame.logits && frame.layer_count == 0);
        bd_frame_release(&frame); /* holds nothing */
        free(image);
        free(store);
        bd_decoded_free(decoded);
        bd_decoded_free(NULL);
        bd_program_release(&program);
    }
    cr_assert(codes > 12 && streams > 12, "%d codes and %d streams were stored", codes, streams);
    bd_hardware_release(&hardware);
}
