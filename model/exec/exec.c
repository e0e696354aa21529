#pragma GCC optimize("O3")
#include "model/exec/exec.h"

#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/exec/requantize.h"
#include "model/program/maps.h"

/* One layer at work: where it reads, what it leaves. */
struct work {
    const struct bd_descriptor *d;
    const int16_t *weights; /* W (OC, KH, KW, IC/groups) */
    const int32_t *m;       /* M[oc] */
    const int64_t *b;       /* B[oc] */
    const int16_t *in;      /* x, the values of the codes read (H, W, C) */
    const int32_t *stream;  /* r, the stream before this layer, or NULL */
    struct bd_layer_output *out;
};

/* Value of a code: the code itself, or +-1. */
static int16_t code_value(const struct bd_descriptor *d, uint8_t code)
{
    return d->flags & BD_FLAG_IN_SIGNED ? 2 * code - 1 : code;
}

/* W of an 8-bit code at the switch's precision: the odd integer 2c + 1 - 2^w, or half of what the zero point leaves. */
static int16_t weight_value(const struct bd_descriptor *d, uint8_t c8)
{
    const int odd = 2 * (c8 >> (8 - d->weight_bits)) + 1 - (1 << d->weight_bits);
    return (int16_t)(d->weight_zero_point ? (odd - 1) / 2 : odd);
}

/* Sum of W * x over the real taps of one output: padding contributes nothing. */
static int32_t accumulate(const struct work *w, uint32_t oc, uint32_t oy, uint32_t ox)
{
    const struct bd_descriptor *d = w->d;
    const uint32_t channels = d->in_channels / d->groups, first = oc / (d->out_channels / d->groups) * channels;
    int32_t acc = 0;
    for (uint32_t ky = 0; ky < d->kernel_h; ky++)
        for (uint32_t kx = 0; kx < d->kernel_w; kx++) {
            const int64_t y = (int64_t)oy * d->stride + ky - d->pad_top, x = (int64_t)ox * d->stride + kx - d->pad_left;
            if (y < 0 || y >= d->in_height || x < 0 || x >= d->in_width)
                continue;
            const int16_t *pixel = w->in + ((size_t)y * d->in_width + (size_t)x) * d->in_channels + first;
            const int16_t *weights = w->weights + ((size_t)(oc * d->kernel_h + ky) * d->kernel_w + kx) * channels;
            for (uint32_t ic = 0; ic < channels; ic++)
                acc += weights[ic] * pixel[ic];
        }
    return acc;
}

int16_t *bd_execute_weights(const struct bd_descriptor *d, const uint8_t *c8)
{
    const uint32_t channels = d->in_channels / d->groups, taps = d->kernel_h * d->kernel_w;
    int16_t *values = bd_xcalloc((size_t)d->out_channels * taps * channels, sizeof *values);
    for (uint32_t oc = 0; oc < d->out_channels; oc++)
        for (uint32_t ic = 0; ic < channels; ic++)
            for (uint32_t tap = 0; tap < taps; tap++)
                values[(oc * taps + tap) * channels + ic] = weight_value(d, *c8++);
    return values;
}

static int16_t *code_values(const struct bd_descriptor *d, const uint8_t *codes)
{
    const size_t count = (size_t)d->in_height * d->in_width * d->in_channels;
    int16_t *values = bd_xcalloc(count, sizeof *values);
    for (size_t i = 0; i < count; i++)
        values[i] = code_value(d, codes[i]);
    return values;
}

/* Sum of the stream over all pixels of one channel. No program of the compiler's passes 32 bits; a damaged one wraps,
 * as a register does. */
static int32_t pool(const struct work *w, uint32_t c)
{
    uint32_t acc = 0;
    for (uint32_t p = 0; p < w->d->in_height * w->d->in_width; p++)
        acc += (uint32_t)w->stream[p * w->d->in_channels + c];
    return (int32_t)acc;
}

/* Largest value of the stream in a window: what lies outside the map takes no part. */
static int32_t max_pool(const struct work *w, uint32_t c, uint32_t oy, uint32_t ox)
{
    const struct bd_descriptor *d = w->d;
    int32_t most = INT32_MIN;
    for (uint32_t ky = 0; ky < d->kernel_h; ky++)
        for (uint32_t kx = 0; kx < d->kernel_w; kx++) {
            const int64_t y = (int64_t)oy * d->stride + ky - d->pad_top, x = (int64_t)ox * d->stride + kx - d->pad_left;
            if (y < 0 || y >= d->in_height || x < 0 || x >= d->in_width)
                continue;
            const int32_t r = w->stream[((size_t)y * d->in_width + (size_t)x) * d->in_channels + c];
            most = r > most ? r : most;
        }
    return most;
}

/* Sum of the stream over a window: what lies outside the map counts as zero. It wraps as the sum over the map does. */
static int32_t window_sum(const struct work *w, uint32_t c, uint32_t oy, uint32_t ox)
{
    const struct bd_descriptor *d = w->d;
    uint32_t acc = 0;
    for (uint32_t ky = 0; ky < d->kernel_h; ky++)
        for (uint32_t kx = 0; kx < d->kernel_w; kx++) {
            const int64_t y = (int64_t)oy * d->stride + ky - d->pad_top, x = (int64_t)ox * d->stride + kx - d->pad_left;
            if (y >= 0 && y < d->in_height && x >= 0 && x < d->in_width)
                acc += (uint32_t)w->stream[((size_t)y * d->in_width + (size_t)x) * d->in_channels + c];
        }
    return (int32_t)acc;
}

static int32_t accumulator(const struct work *w, uint32_t oc, uint32_t oy, uint32_t ox)
{
    if (w->d->operation == BD_OP_CONV)
        return accumulate(w, oc, oy, ox);
    switch ((enum bd_pool_kind)w->d->pool_kind) {
    case BD_POOL_AVERAGE:
        return pool(w, oc);
    case BD_POOL_MAX:
        return max_pool(w, oc, oy, ox);
    case BD_POOL_WINDOW_AVERAGE:
        return window_sum(w, oc, oy, ox);
    }
    return 0; /* opening the program has refused other kinds */
}

static void run_layer(const struct work *w)
{
    const struct bd_descriptor *d = w->d;
    for (uint32_t oy = 0; oy < d->out_height; oy++)
        for (uint32_t ox = 0; ox < d->out_width; ox++)
            for (uint32_t oc = 0; oc < d->out_channels; oc++) {
                const size_t at = ((size_t)oy * d->out_width + ox) * d->out_channels + oc;
                const int32_t acc = accumulator(w, oc, oy, ox);
                const int32_t r = d->flags & BD_FLAG_ADD_STREAM ? w->stream[at] : 0;
                const int32_t z = bd_requantize_z(d, w->m[oc], w->b[oc], acc, r);
                if (w->out->z)
                    w->out->z[at] = z;
                if (w->out->codes)
                    w->out->codes[at] = bd_requantize_code(d, z);
            }
}

static void allocate_output(const struct bd_descriptor *d, struct bd_layer_output *out)
{
    const size_t count = (size_t)d->out_height * d->out_width * d->out_channels;
    *out = (struct bd_layer_output){(int)d->out_height, (int)d->out_width, (int)d->out_channels, NULL, NULL};
    if (d->flags & BD_FLAG_WRITE_CODES)
        out->codes = bd_xcalloc(count, sizeof *out->codes);
    if (d->flags & BD_FLAG_WRITE_STREAM)
        out->z = bd_xcalloc(count, sizeof *out->z);
}

/* Rows of the image, of codes and of the stream that layers before it left. */
static void run_load(const struct bd_program *program, unsigned s, unsigned l, const uint8_t *image,
                     struct bd_layer_output *outputs)
{
    const struct bd_descriptor *d = bd_program_descriptor(program, s, l);
    const size_t values = (size_t)d->out_width * d->out_channels;
    for (uint32_t y = 0; y < d->out_height; y++) {
        struct bd_map_row from;
        if (outputs[l].codes && bd_map_codes_row(program, s, l, y, &from))
            memcpy(outputs[l].codes + y * values,
                   (from.layer < 0 ? image : outputs[from.layer].codes) + from.row * values, values);
        if (outputs[l].z && bd_map_stream_row(program, s, l, y, &from))
            memcpy(outputs[l].z + y * values, outputs[from.layer].z + from.row * values, values * sizeof(int32_t));
    }
}

static bd_status check_image(const struct bd_program *program, unsigned s, const uint8_t *image, struct bd_error *err)
{
    const unsigned limit = 1u << bd_program_descriptor(program, s, 0)->in_bits;
    for (uint32_t i = 0; i < program->header->input_bytes; i++)
        if (image[i] >= limit)
            return bd_fail(err, BD_BAD_INPUT, "image: byte %u: code %u, but the input has codes below %u", i, image[i],
                           limit);
    return BD_OK;
}

bd_status bd_execute(const struct bd_program *program, const struct bd_decoded *decoded, unsigned switch_index,
                     const uint8_t *image, struct bd_frame *frame, struct bd_error *err)
{
    *frame = (struct bd_frame){0};
    if (switch_index >= program->header->switch_count)
        return bd_fail(err, BD_BAD_INPUT, "switch index %u: the program has %u", switch_index,
                       program->header->switch_count);
    if (check_image(program, switch_index, image, err))
        return err->status;
    frame->layer_count = program->header->layer_count;
    frame->outputs = bd_xcalloc(frame->layer_count, sizeof *frame->outputs);
    const int32_t *stream = NULL;
    for (unsigned l = 0; l < frame->layer_count; l++) {
        const struct bd_descriptor *d = bd_program_descriptor(program, switch_index, l);
        const int producer = bd_decoded_producer(decoded, l);
        const bool conv = d->operation == BD_OP_CONV;
        int16_t *weights = conv ? bd_execute_weights(d, bd_decoded_codes(decoded, switch_index, l)) : NULL;
        int16_t *in = conv ? code_values(d, producer >= 0 ? frame->outputs[producer].codes : image) : NULL;
        allocate_output(d, &frame->outputs[l]);
        if (d->operation == BD_OP_LOAD)
            run_load(program, switch_index, l, image, frame->outputs);
        else
            run_layer(&(struct work){.d = d,
                                     .weights = weights,
                                     .m = bd_decoded_multipliers(decoded, switch_index, l),
                                     .b = bd_decoded_biases(decoded, switch_index, l),
                                     .in = in,
                                     .stream = stream,
                                     .out = &frame->outputs[l]});
        free(weights);
        free(in);
        if (frame->outputs[l].z)
            stream = frame->outputs[l].z;
    }
    frame->logits = frame->outputs[frame->layer_count - 1].z;
    return BD_OK;
}

void bd_frame_release(struct bd_frame *frame)
{
    for (unsigned l = 0; l < frame->layer_count; l++) {
        free(frame->outputs[l].codes);
        free(frame->outputs[l].z);
    }
    free(frame->outputs);
    *frame = (struct bd_frame){0};
}

unsigned bd_argmax(const int32_t *logits, unsigned classes)
{
    unsigned best = 0;
    for (unsigned c = 1; c < classes; c++)
        if (logits[c] > logits[best])
            best = c;
    return best;
}
