#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/exec/fast_parts.h"
#include "model/program/maps.h"

enum { BLOCK = BD_INTCONV_BLOCK };

/* ---- kernels ---- */

static bool has_bits(void)
{
    return bd_intconv_usable() && bd_intconv_bits_usable();
}

static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2");
}

static bool always(void)
{
    return true;
}

static const struct bd_fast_kernel kernels[] = {
    {"bits", has_bits, bd_intconv_by_bits, bd_intconv_by_pairs, bd_requantize_wide, true},
    {"bytes", bd_intconv_usable, bd_intconv_by_bytes, bd_intconv_by_pairs, bd_requantize_wide, true},
    {"avx2", has_avx2, NULL, bd_intconv_by_pairs, bd_requantize_plain, false},
    {"plain", always, NULL, bd_intconv_by_loops, bd_requantize_plain, false},
};

const struct bd_fast_kernel *bd_fast_kernel_named(const char *name)
{
    for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++) {
        if ((!name || strcmp(name, kernels[i].name) == 0) && kernels[i].usable()) {
            return &kernels[i];
        }
    }
    return NULL;
}

/* ---- the plan of a switch ---- */

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static int larger_int(int a, int b)
{
    return a > b ? a : b;
}

static size_t blocked(const struct bd_descriptor *d)
{
    return (size_t)d->out_height * d->out_width * bd_intconv_blocks((int)d->out_channels) * BLOCK;
}

/* The codes of a layer, or of the image; none yet: `like` gives its shape. */
static int tensor_of(struct bd_fast_plan *plan, const struct bd_fast_tensor *like)
{
    int t = 0;
    while (t < plan->tensor_count &&
           (plan->tensors[t].producer != like->producer || plan->tensors[t].is_signed != like->is_signed)) {
        t++;
    }
    if (t == plan->tensor_count) {
        plan->tensors[plan->tensor_count++] = *like;
        plan->tensors[t].home = t;
    }
    return t;
}

/* The tensor that a convolution reads, with borders for its windows. */
static int tensor_for(struct bd_fast_plan *plan, int l, int producer)
{
    const struct bd_descriptor *d = plan->layers[l].d;
    const int t = tensor_of(plan, &(struct bd_fast_tensor){.producer = producer,
                                                           .is_signed = d->flags & BD_FLAG_IN_SIGNED,
                                                           .height = (int)d->in_height,
                                                           .width = (int)d->in_width,
                                                           .blocks = bd_intconv_blocks((int)d->in_channels)});
    struct bd_fast_tensor *tensor = &plan->tensors[t];
    tensor->top = larger_int(tensor->top, (int)d->pad_top);
    tensor->bottom = larger_int(tensor->bottom, (int)d->pad_bottom);
    tensor->left = larger_int(tensor->left, (int)d->pad_left);
    tensor->right = larger_int(tensor->right, (int)d->pad_right);
    tensor->last_reader = l;
    return t;
}

/* What OP_LOAD copies: its rows of codes, and of the stream. */
static void trace_load(struct bd_fast_plan *plan, const struct bd_program *program, unsigned s, int l)
{
    struct bd_fast_layer *layer = &plan->layers[l];
    const struct bd_descriptor *d = layer->d;
    const struct bd_program_header *h = program->header;
    struct bd_map_row from;
    layer->codes = d->flags & BD_FLAG_WRITE_CODES ? bd_xcalloc(d->out_height, sizeof *layer->codes) : NULL;
    layer->stream = d->flags & BD_FLAG_WRITE_STREAM ? bd_xcalloc(d->out_height, sizeof *layer->stream) : NULL;
    for (uint32_t y = 0; y < d->out_height; y++) {
        if (layer->codes && bd_map_codes_row(program, s, (unsigned)l, y, &from)) {
            const struct bd_descriptor *source = from.layer < 0 ? d : plan->layers[from.layer].d;
            const int t = tensor_of(
                plan, &(struct bd_fast_tensor){.producer = from.layer,
                                               .is_signed = d->flags & BD_FLAG_OUT_SIGNED,
                                               .height = (int)(from.layer < 0 ? h->input_height : source->out_height),
                                               .width = (int)d->out_width,
                                               .blocks = bd_intconv_blocks((int)d->out_channels)});
            plan->tensors[t].last_reader = l + 1; /* what is copied does not lie where it is copied to */
            layer->codes[y] = (struct bd_fast_row){.from = t, .row = from.row};
        }
        if (layer->stream && bd_map_stream_row(program, s, (unsigned)l, y, &from)) {
            plan->layers[from.layer].keeps_stream = true;
            layer->stream[y] = (struct bd_fast_row){.from = from.layer, .row = from.row};
        }
    }
}

static void place_tensors(struct bd_fast_plan *plan, const struct bd_program *program, const struct bd_decoded *decoded,
                          unsigned s)
{
    for (int l = 0; l < plan->layer_count; l++) {
        struct bd_fast_layer *layer = &plan->layers[l];
        layer->in = layer->out = -1;
        if (layer->d->operation == BD_OP_CONV) {
            layer->in = tensor_for(plan, l, bd_decoded_producer(decoded, (unsigned)l));
        } else if (layer->d->operation == BD_OP_LOAD) {
            trace_load(plan, program, s, l);
        }
    }
    for (int t = 0; t < plan->tensor_count; t++) {
        struct bd_fast_tensor *tensor = &plan->tensors[t];
        tensor->row = (size_t)(tensor->left + tensor->width + tensor->right) * BLOCK;
        tensor->plane = (size_t)(tensor->top + tensor->height + tensor->bottom) * tensor->row;
        if (tensor->producer >= 0) {
            plan->layers[tensor->producer].out = t;
        }
    }
}

static bool is_depthwise(const struct bd_descriptor *d)
{
    return d->groups > 1 && d->groups == d->in_channels && d->groups == d->out_channels;
}

static struct bd_intconv_shape shape_of(const struct bd_descriptor *d, const struct bd_fast_tensor *in)
{
    return (struct bd_intconv_shape){.in_channels = (int)d->in_channels,
                                     .out_channels = (int)d->out_channels,
                                     .depthwise = is_depthwise(d),
                                     .kernel_h = (int)d->kernel_h,
                                     .kernel_w = (int)d->kernel_w,
                                     .stride = (int)d->stride,
                                     .pad = (int)d->pad_top,
                                     .in_height = (int)d->in_height,
                                     .in_width = (int)d->in_width,
                                     .out_height = (int)d->out_height,
                                     .out_width = (int)d->out_width,
                                     .row = in->row,
                                     .plane = in->plane};
}

/* W of a code, or what its zero point leaves of it. */
static int16_t weight_value(const struct bd_descriptor *d, uint8_t c8)
{
    const int code = c8 >> (8 - d->weight_bits);
    return (int16_t)(d->weight_zero_point ? code - (1 << (d->weight_bits - 1)) : 2 * code + 1 - (1 << d->weight_bits));
}

/* (OC, IC, KH, KW), depthwise (OC, 1, KH, KW); other groups become full convolutions with zeros. */
static int16_t *weight_values(const struct bd_descriptor *d, const uint8_t *codes)
{
    const size_t group_in = d->in_channels / d->groups, group_out = d->out_channels / d->groups,
                 depth = is_depthwise(d) ? 1 : d->in_channels, taps = (size_t)d->kernel_h * d->kernel_w;
    int16_t *values = bd_xcalloc(d->out_channels * depth, taps * sizeof *values);
    for (size_t oc = 0; oc < d->out_channels; oc++) {
        const size_t first = depth == 1 ? 0 : oc / group_out * group_in;
        int16_t *to = values + (oc * depth + first) * taps;
        for (size_t i = 0; i < group_in * taps; i++) {
            to[i] = weight_value(d, *codes++);
        }
    }
    return values;
}

/* What packed bytes and bits take: zeros of groups are no odd numbers, as large weights must be. */
static bool takes(const struct bd_descriptor *d)
{
    const bool large = d->weight_bits == 8 && !d->weight_zero_point;
    return d->stride <= 2 && (d->groups == 1 || is_depthwise(d) || !large);
}

static void open_convolution(struct bd_fast_plan *plan, struct bd_fast_layer *layer, const uint8_t *codes)
{
    const struct bd_descriptor *d = layer->d;
    const struct bd_fast_tensor *in = &plan->tensors[layer->in];
    const bool packs = plan->kernel->wide && takes(d);
    int16_t *weights = weight_values(d, codes);
    layer->shape = shape_of(d, in);
    (packs ? bd_intconv_pack : bd_intconv_pack_any)(&layer->shape, weights, &layer->weights);
    free(weights);
    layer->convolve = packs ? plan->kernel->convolve : plan->kernel->any;
    layer->highest = in->is_signed ? 2 : (1 << d->in_bits) - 1;
    layer->sum_bound = layer->weights.magnitude * (in->is_signed ? 1 : layer->highest);
    /* 16 bits leave room for a sum's complement. */
    layer->type = plan->kernel->wide && layer->sum_bound < INT16_MAX ? BD_INT16 : BD_INT32;
    plan->room =
        larger(plan->room, packs ? bd_intconv_room_size(&layer->shape) : bd_intconv_any_room_size(&layer->shape));
}

/* Values of the stream that go into one result of a pooling layer. */
static int64_t pool_terms(const struct bd_descriptor *d)
{
    const struct bd_pool_kind_row *kind = &bd_pool_kinds[d->pool_kind];
    return kind->largest ? 1 : kind->windows ? (int64_t)d->kernel_h * d->kernel_w : (int64_t)d->in_height * d->in_width;
}

static void open_layers(struct bd_fast_plan *plan, const struct bd_decoded *decoded, unsigned s)
{
    int64_t stream_bound = 0;
    for (int l = 0; l < plan->layer_count; l++) {
        struct bd_fast_layer *layer = &plan->layers[l];
        const struct bd_descriptor *d = layer->d;
        const bool writes = d->flags & BD_FLAG_WRITE_STREAM;
        if (d->operation == BD_OP_LOAD) {
            for (uint32_t y = 0; layer->stream && y < d->out_height; y++) {
                const int64_t bound = plan->layers[layer->stream[y].from].z_bound;
                layer->z_bound = bound > layer->z_bound ? bound : layer->z_bound;
            }
            stream_bound = writes ? layer->z_bound : stream_bound;
            plan->stream = larger(plan->stream, writes ? blocked(d) * sizeof(int32_t) : 0);
            continue;
        }
        if (d->operation == BD_OP_CONV) {
            open_convolution(plan, layer, bd_decoded_codes(decoded, s, (unsigned)l));
        } else {
            const int64_t terms = pool_terms(d);
            const int64_t most = (int64_t)1 << 31; /* sums of damaged programs wrap */
            layer->type = BD_INT32;
            layer->sum_bound = stream_bound * terms < most ? stream_bound * terms : most;
        }
        const int64_t z_bound = bd_requantizer_init(&layer->requantizer, d, bd_decoded_multipliers(decoded, s, l),
                                                    bd_decoded_biases(decoded, s, l), layer->sum_bound, stream_bound,
                                                    writes, layer->out >= 0);
        layer->z_bound = z_bound;
        stream_bound = writes ? z_bound : stream_bound;
        plan->sums = larger(plan->sums, blocked(d) * sizeof(int32_t));
        plan->stream = larger(plan->stream, writes ? blocked(d) * sizeof(int32_t) : 0);
    }
}

/* Tensors that look alike share memory where one is no longer read when the other is written: a layer's sums are
 * complete before its codes leave. */
static void share_memory(struct bd_fast_plan *plan)
{
    for (int t = 0; t < plan->tensor_count; t++) {
        struct bd_fast_tensor *tensor = &plan->tensors[t];
        for (int other = 0; other < t && tensor->producer >= 0; other++) {
            struct bd_fast_tensor *home = &plan->tensors[other];
            if (home->home == other && home->last_reader <= tensor->producer && home->row == tensor->row &&
                home->plane == tensor->plane && home->blocks == tensor->blocks && home->top == tensor->top &&
                home->left == tensor->left && home->height == tensor->height && home->width == tensor->width &&
                home->is_signed == tensor->is_signed) {
                tensor->home = other;
                home->last_reader = tensor->last_reader;
                break;
            }
        }
    }
}

void bd_fast_plan_init(struct bd_fast_plan *plan, const struct bd_fast_kernel *kernel, const struct bd_program *program,
                       const struct bd_decoded *decoded, unsigned s)
{
    const int layers = (int)program->header->layer_count;
    *plan = (struct bd_fast_plan){.kernel = kernel, .layer_count = layers};
    plan->layers = bd_xcalloc((size_t)layers, sizeof *plan->layers);
    plan->tensors = bd_xcalloc((size_t)layers + 3, sizeof *plan->tensors);
    for (int l = 0; l < layers; l++) {
        plan->layers[l].d = bd_program_descriptor(program, s, (unsigned)l);
    }
    place_tensors(plan, program, decoded, s);
    open_layers(plan, decoded, s);
    share_memory(plan);
}

void bd_fast_plan_release(struct bd_fast_plan *plan)
{
    for (int l = 0; l < plan->layer_count; l++) {
        bd_intconv_release(&plan->layers[l].weights);
        bd_requantizer_release(&plan->layers[l].requantizer);
        free(plan->layers[l].codes);
        free(plan->layers[l].stream);
    }
    free(plan->layers);
    free(plan->tensors);
}
