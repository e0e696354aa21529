#include "model/exec/fast.h"

#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/exec/fast_parts.h"

enum { BLOCK = BD_INTCONV_BLOCK };

/* ---- one image ---- */

/* What one thread works in. */
struct scratch {
    uint8_t **tensors;
    void *sums, *room;
    int32_t *stream;
    int32_t **kept; /* [layer]: streams that are brought back later */
};

static size_t stream_bytes(const struct bd_descriptor *d)
{
    return (size_t)d->out_height * d->out_width * bd_intconv_blocks((int)d->out_channels) * BLOCK * sizeof(int32_t);
}

static void scratch_init(struct scratch *s, const struct bd_fast_plan *plan)
{
    s->tensors = bd_xcalloc((size_t)plan->tensor_count, sizeof *s->tensors);
    for (int t = 0; t < plan->tensor_count; t++) {
        const struct bd_fast_tensor *tensor = &plan->tensors[t];
        if (tensor->home == t) {
            s->tensors[t] = bd_xaligned(tensor->blocks * tensor->plane);
            memset(s->tensors[t], tensor->is_signed, tensor->blocks * tensor->plane); /* borders: a true 0 */
        } else {
            s->tensors[t] = s->tensors[tensor->home];
        }
    }
    s->sums = bd_xaligned(plan->sums);
    s->room = bd_xaligned(plan->room);
    s->stream = bd_xaligned(plan->stream);
    s->kept = bd_xcalloc((size_t)plan->layer_count, sizeof *s->kept);
    for (int l = 0; l < plan->layer_count; l++) {
        s->kept[l] = plan->layers[l].keeps_stream ? bd_xaligned(stream_bytes(plan->layers[l].d)) : NULL;
    }
}

static void scratch_release(struct scratch *s, const struct bd_fast_plan *plan)
{
    for (int t = 0; t < plan->tensor_count; t++) {
        if (plan->tensors[t].home == t) {
            free(s->tensors[t]);
        }
    }
    free(s->tensors);
    free(s->sums);
    free(s->room);
    free(s->stream);
    for (int l = 0; l < plan->layer_count; l++) {
        free(s->kept[l]);
    }
    free(s->kept);
}

static uint8_t *inside(const struct bd_fast_tensor *tensor, uint8_t *bytes)
{
    return bytes + tensor->top * tensor->row + (size_t)tensor->left * BLOCK;
}

/* The image's codes (H, W, C) to bytes in blocks. */
static void lay_out(const struct bd_fast_tensor *tensor, int channels, const uint8_t *image, uint8_t *bytes)
{
    const int unit = tensor->is_signed ? 2 : 1;
    for (int y = 0; y < tensor->height; y++) {
        uint8_t *to = inside(tensor, bytes) + y * tensor->row;
        for (int x = 0; x < tensor->width; x++, to += BLOCK) {
            for (int c = 0; c < channels; c++) {
                to[c / BLOCK * tensor->plane + c % BLOCK] = (uint8_t)(unit * *image++);
            }
        }
    }
}

static void convolve(const struct bd_fast_plan *plan, const struct bd_fast_layer *layer, const struct scratch *s)
{
    const struct bd_fast_tensor *in = &plan->tensors[layer->in];
    const uint8_t *corner = inside(in, s->tensors[layer->in]);
    const struct bd_intconv_source source = {.first = corner - layer->d->pad_top * in->row -
                                                      (size_t)layer->d->pad_left * BLOCK,
                                             .bias = in->is_signed,
                                             .highest = layer->highest};
    layer->convolve(&layer->shape, &layer->weights, &source, layer->type, s->sums, s->room);
}

/* Windows clipped to the map: padding never wins, and adds nothing. */
static void pool_windows(const struct bd_descriptor *d, const int32_t *stream, int32_t *sums)
{
    const bool largest = bd_pool_kinds[d->pool_kind].largest;
    for (long oy = 0; oy < d->out_height; oy++) {
        const long top = oy * d->stride - d->pad_top, bottom = top + d->kernel_h;
        for (long ox = 0; ox < d->out_width; ox++, sums += BLOCK) {
            const long left = ox * d->stride - d->pad_left, right = left + d->kernel_w;
            int32_t acc[BLOCK];
            for (int c = 0; c < BLOCK; c++) {
                acc[c] = largest ? INT32_MIN : 0;
            }
            for (long y = top < 0 ? 0 : top; y < bottom && y < d->in_height; y++) {
                for (long x = left < 0 ? 0 : left; x < right && x < d->in_width; x++) {
                    const int32_t *r = stream + (y * d->in_width + x) * BLOCK;
                    for (int c = 0; c < BLOCK; c++) {
                        const int32_t sum = (int32_t)((uint32_t)acc[c] + (uint32_t)r[c]); /* wraps, as exec.c does */
                        acc[c] = !largest ? sum : r[c] > acc[c] ? r[c] : acc[c];
                    }
                }
            }
            memcpy(sums, acc, sizeof acc);
        }
    }
}

static void average_pool(const struct bd_descriptor *d, const int32_t *stream, int32_t *sums)
{
    uint32_t acc[BLOCK] = {0}; /* wraps, as exec.c does */
    for (size_t p = 0; p < (size_t)d->in_height * d->in_width; p++) {
        for (int c = 0; c < BLOCK; c++) {
            acc[c] += (uint32_t)stream[p * BLOCK + c];
        }
    }
    memcpy(sums, acc, sizeof acc);
}

static void pool(const struct bd_descriptor *d, const int32_t *stream, int32_t *sums)
{
    const size_t from = (size_t)d->in_height * d->in_width * BLOCK, to = (size_t)d->out_height * d->out_width * BLOCK;
    for (int b = 0; b < bd_intconv_blocks((int)d->out_channels); b++) {
        (bd_pool_kinds[d->pool_kind].windows ? pool_windows : average_pool)(d, stream + b * from, sums + b * to);
    }
}

/* Rows of codes and of the stream that layers before it left, of all blocks. */
static void load(const struct bd_fast_plan *plan, const struct bd_fast_layer *layer, const struct scratch *s)
{
    const struct bd_descriptor *d = layer->d;
    const int blocks = bd_intconv_blocks((int)d->out_channels);
    const size_t values = (size_t)d->out_width * BLOCK;
    for (uint32_t y = 0; y < d->out_height; y++) {
        for (int b = 0; layer->codes && layer->out >= 0 && b < blocks; b++) {
            const struct bd_fast_row *row = &layer->codes[y];
            const struct bd_fast_tensor *from = &plan->tensors[row->from], *to = &plan->tensors[layer->out];
            memcpy(inside(to, s->tensors[layer->out]) + b * to->plane + y * to->row,
                   inside(from, s->tensors[row->from]) + b * from->plane + row->row * from->row, values);
        }
        for (int b = 0; layer->stream && b < blocks; b++) {
            const struct bd_fast_row *row = &layer->stream[y];
            memcpy(s->stream + (b * d->out_height + y) * values,
                   s->kept[row->from] + (b * plan->layers[row->from].d->out_height + row->row) * values,
                   values * sizeof(int32_t));
        }
    }
}

static void run_layer(const struct bd_fast_plan *plan, const struct bd_fast_layer *layer, const struct scratch *s)
{
    if (layer->d->operation == BD_OP_LOAD) {
        load(plan, layer, s);
        return;
    }
    const struct bd_descriptor *d = layer->d;
    struct bd_requantized_map map = {.sums = s->sums,
                                     .type = layer->type,
                                     .stream = s->stream,
                                     .height = (int)d->out_height,
                                     .width = (int)d->out_width};
    if (layer->out >= 0) {
        const struct bd_fast_tensor *out = &plan->tensors[layer->out];
        map.codes = inside(out, s->tensors[layer->out]);
        map.row = out->row;
        map.plane = out->plane;
    }
    if (d->operation == BD_OP_POOL) {
        pool(d, s->stream, s->sums);
    } else {
        convolve(plan, layer, s);
    }
    plan->kernel->requantize(&layer->requantizer, &map);
}

static void run_image(const struct bd_fast_plan *plan, const struct scratch *s, const uint8_t *image, int32_t *logits)
{
    for (int t = 0; t < plan->tensor_count; t++) {
        if (plan->tensors[t].producer < 0) {
            lay_out(&plan->tensors[t], (int)plan->layers[0].d->in_channels, image, s->tensors[t]);
        }
    }
    for (int l = 0; l < plan->layer_count; l++) {
        run_layer(plan, &plan->layers[l], s);
        if (s->kept[l]) {
            memcpy(s->kept[l], s->stream, stream_bytes(plan->layers[l].d));
        }
    }
    const struct bd_descriptor *last = plan->layers[plan->layer_count - 1].d;
    const size_t pixels = (size_t)last->out_height * last->out_width;
    for (uint32_t c = 0; c < last->out_channels; c++) {
        logits[c] = s->stream[c / BLOCK * pixels * BLOCK + c % BLOCK];
    }
}

/* ---- batches ---- */

static bd_status check_images(const struct bd_program *program, unsigned s, const uint8_t *images, size_t count,
                              struct bd_error *err)
{
    const unsigned limit = 1u << bd_program_descriptor(program, s, 0)->in_bits;
    const size_t bytes = program->header->input_bytes;
    for (size_t i = 0; limit < 256 && i < count * bytes; i++) {
        if (images[i] >= limit) {
            return bd_fail(err, BD_BAD_INPUT, "image %zu: byte %zu: code %u, but the input has codes below %u",
                           i / bytes, i % bytes, images[i], limit);
        }
    }
    return BD_OK;
}

bd_status bd_execute_fast_by(const char *kernel_name, const struct bd_program *program,
                             const struct bd_decoded *decoded, unsigned switch_index, const uint8_t *images,
                             size_t count, int32_t *logits, struct bd_error *err)
{
    if (switch_index >= program->header->switch_count) {
        return bd_fail(err, BD_BAD_INPUT, "switch index %u: the program has %u", switch_index,
                       program->header->switch_count);
    }
    const struct bd_fast_kernel *kernel = bd_fast_kernel_named(kernel_name);
    if (!kernel) {
        return bd_fail(err, BD_BAD_INPUT, "this processor has no kernel '%s'", kernel_name);
    }
    if (check_images(program, switch_index, images, count, err)) {
        return err->status;
    }
    struct bd_fast_plan plan;
    bd_fast_plan_init(&plan, kernel, program, decoded, switch_index);
    const size_t classes = program->header->classes, bytes = program->header->input_bytes;
#pragma omp parallel
    {
        struct scratch scratch;
        scratch_init(&scratch, &plan);
#pragma omp for schedule(dynamic, 8)
        for (size_t i = 0; i < count; i++) {
            run_image(&plan, &scratch, images + i * bytes, logits + i * classes);
        }
        scratch_release(&scratch, &plan);
    }
    bd_fast_plan_release(&plan);
    return BD_OK;
}

bd_status bd_execute_fast(const struct bd_program *program, const struct bd_decoded *decoded, unsigned switch_index,
                          const uint8_t *images, size_t count, int32_t *logits, struct bd_error *err)
{
    return bd_execute_fast_by(NULL, program, decoded, switch_index, images, count, logits, err);
}

const char *bd_execute_fast_kernel(void)
{
    return bd_fast_kernel_named(NULL)->name;
}

uint64_t bd_program_macs(const struct bd_program *program)
{
    uint64_t macs = 0;
    for (unsigned l = 0; l < program->header->layer_count; l++) {
        const struct bd_descriptor *d = bd_program_descriptor(program, 0, l);
        if (d->operation == BD_OP_CONV) {
            macs += (uint64_t)d->out_height * d->out_width * d->out_channels * (d->in_channels / d->groups) *
                    d->kernel_h * d->kernel_w;
        }
    }
    return macs;
}
