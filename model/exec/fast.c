#include "model/exec/fast.h"

#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/exec/requantizer.h"
#include "model/kernels/intconv.h"

/* Maps of codes lie as the integer kernels read them (model/kernels/intconv.h): bytes in blocks of 16 channels, with
 * the borders that their readers need around them. The stream and the sums are (C/16, H, W, 16). */
enum { BLOCK = BD_INTCONV_BLOCK };

/* ---- kernels ---- */

struct fast_kernel {
    const char *name;
    bool (*usable)(void);
    bd_intconv_kernel *convolve; /* of layers that it takes; others go by `any` */
    bd_intconv_kernel *any;
    bd_requantize_kernel *requantize;
    bool wide; /* AVX-512: takes packed bytes and sums of 16 bits */
};

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

static const struct fast_kernel kernels[] = {
    {"bits", has_bits, bd_intconv_by_bits, bd_intconv_by_pairs, bd_requantize_wide, true},
    {"bytes", bd_intconv_usable, bd_intconv_by_bytes, bd_intconv_by_pairs, bd_requantize_wide, true},
    {"avx2", has_avx2, NULL, bd_intconv_by_pairs, bd_requantize_plain, false},
    {"plain", always, NULL, bd_intconv_by_loops, bd_requantize_plain, false},
};

/* NULL where the processor lacks it. */
static const struct fast_kernel *kernel_named(const char *name)
{
    for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++) {
        if ((!name || strcmp(name, kernels[i].name) == 0) && kernels[i].usable()) {
            return &kernels[i];
        }
    }
    return NULL;
}

/* ---- the plan of a switch ---- */

/* Codes of one image, in bytes of `bias` and `unit` times the code. */
struct tensor {
    int producer; /* the layer that writes them; -1: the image */
    bool is_signed;
    int height, width, blocks;
    int top, bottom, left, right; /* borders */
    size_t row, plane;
    int last_reader, home; /* home: the tensor in whose memory it lies */
};

struct fast_layer {
    const struct bd_descriptor *d;
    bd_intconv_kernel *convolve;
    struct bd_intconv_shape shape;
    struct bd_intconv_weights weights;
    int in, out; /* tensors; -1: none */
    int highest; /* the largest byte that it reads */
    enum bd_number type;
    struct bd_requantizer requantizer;
    int64_t sum_bound;
};

struct plan {
    const struct fast_kernel *kernel;
    int layer_count, tensor_count;
    struct fast_layer *layers;
    struct tensor *tensors;
    size_t sums, stream, room; /* bytes, the most that any layer needs */
};

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

/* The tensor that a convolution reads, with borders for its windows. */
static int tensor_for(struct plan *plan, int l, int producer)
{
    const struct bd_descriptor *d = plan->layers[l].d;
    const bool is_signed = d->flags & BD_FLAG_IN_SIGNED;
    int t = 0;
    while (t < plan->tensor_count &&
           (plan->tensors[t].producer != producer || plan->tensors[t].is_signed != is_signed)) {
        t++;
    }
    struct tensor *tensor = &plan->tensors[t];
    if (t == plan->tensor_count) {
        plan->tensor_count++;
        *tensor = (struct tensor){.producer = producer,
                                  .is_signed = is_signed,
                                  .height = (int)d->in_height,
                                  .width = (int)d->in_width,
                                  .blocks = bd_intconv_blocks((int)d->in_channels),
                                  .home = t};
    }
    tensor->top = larger_int(tensor->top, (int)d->pad_top);
    tensor->bottom = larger_int(tensor->bottom, (int)d->pad_bottom);
    tensor->left = larger_int(tensor->left, (int)d->pad_left);
    tensor->right = larger_int(tensor->right, (int)d->pad_right);
    tensor->last_reader = l;
    return t;
}

static void place_tensors(struct plan *plan, const struct bd_decoded *decoded)
{
    for (int l = 0; l < plan->layer_count; l++) {
        struct fast_layer *layer = &plan->layers[l];
        layer->in = layer->out = -1;
        if (layer->d->operation == BD_OP_CONV) {
            layer->in = tensor_for(plan, l, bd_decoded_producer(decoded, (unsigned)l));
        }
    }
    for (int t = 0; t < plan->tensor_count; t++) {
        struct tensor *tensor = &plan->tensors[t];
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

static struct bd_intconv_shape shape_of(const struct bd_descriptor *d, const struct tensor *in)
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
    return d->stride <= 2 && d->pad_top == d->pad_left && (d->groups == 1 || is_depthwise(d) || !large);
}

static void open_convolution(struct plan *plan, struct fast_layer *layer, const uint8_t *codes)
{
    const struct bd_descriptor *d = layer->d;
    const struct tensor *in = &plan->tensors[layer->in];
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

static void open_layers(struct plan *plan, const struct bd_decoded *decoded, unsigned s)
{
    int64_t stream_bound = 0;
    for (int l = 0; l < plan->layer_count; l++) {
        struct fast_layer *layer = &plan->layers[l];
        const struct bd_descriptor *d = layer->d;
        const bool writes = d->flags & BD_FLAG_WRITE_STREAM;
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
        stream_bound = writes ? z_bound : stream_bound;
        plan->sums = larger(plan->sums, blocked(d) * sizeof(int32_t));
        plan->stream = larger(plan->stream, writes ? blocked(d) * sizeof(int32_t) : 0);
    }
}

/* Tensors that look alike share memory where one is no longer read when the other is written: a layer's sums are
 * complete before its codes leave. */
static void share_memory(struct plan *plan)
{
    for (int t = 0; t < plan->tensor_count; t++) {
        struct tensor *tensor = &plan->tensors[t];
        for (int other = 0; other < t && tensor->producer >= 0; other++) {
            struct tensor *home = &plan->tensors[other];
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

static void plan_init(struct plan *plan, const struct fast_kernel *kernel, const struct bd_program *program,
                      const struct bd_decoded *decoded, unsigned s)
{
    const int layers = (int)program->header->layer_count;
    *plan = (struct plan){.kernel = kernel, .layer_count = layers};
    plan->layers = bd_xcalloc((size_t)layers, sizeof *plan->layers);
    plan->tensors = bd_xcalloc((size_t)layers + 2, sizeof *plan->tensors);
    for (int l = 0; l < layers; l++) {
        plan->layers[l].d = bd_program_descriptor(program, s, (unsigned)l);
    }
    place_tensors(plan, decoded);
    open_layers(plan, decoded, s);
    share_memory(plan);
}

static void plan_release(struct plan *plan)
{
    for (int l = 0; l < plan->layer_count; l++) {
        bd_intconv_release(&plan->layers[l].weights);
        bd_requantizer_release(&plan->layers[l].requantizer);
    }
    free(plan->layers);
    free(plan->tensors);
}

/* ---- one image ---- */

/* What one thread works in. */
struct scratch {
    uint8_t **tensors;
    void *sums, *room;
    int32_t *stream;
};

static void scratch_init(struct scratch *s, const struct plan *plan)
{
    s->tensors = bd_xcalloc((size_t)plan->tensor_count, sizeof *s->tensors);
    for (int t = 0; t < plan->tensor_count; t++) {
        const struct tensor *tensor = &plan->tensors[t];
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
}

static void scratch_release(struct scratch *s, const struct plan *plan)
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
}

static uint8_t *inside(const struct tensor *tensor, uint8_t *bytes)
{
    return bytes + tensor->top * tensor->row + (size_t)tensor->left * BLOCK;
}

/* The image's codes (H, W, C) to bytes in blocks. */
static void lay_out(const struct tensor *tensor, int channels, const uint8_t *image, uint8_t *bytes)
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

static void convolve(const struct plan *plan, const struct fast_layer *layer, const struct scratch *s)
{
    const struct tensor *in = &plan->tensors[layer->in];
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

static void run_layer(const struct plan *plan, const struct fast_layer *layer, const struct scratch *s)
{
    const struct bd_descriptor *d = layer->d;
    struct bd_requantized_map map = {.sums = s->sums,
                                     .type = layer->type,
                                     .stream = s->stream,
                                     .height = (int)d->out_height,
                                     .width = (int)d->out_width};
    if (layer->out >= 0) {
        const struct tensor *out = &plan->tensors[layer->out];
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

static void run_image(const struct plan *plan, const struct scratch *s, const uint8_t *image, int32_t *logits)
{
    for (int t = 0; t < plan->tensor_count; t++) {
        if (plan->tensors[t].producer < 0) {
            lay_out(&plan->tensors[t], (int)plan->layers[0].d->in_channels, image, s->tensors[t]);
        }
    }
    for (int l = 0; l < plan->layer_count; l++) {
        run_layer(plan, &plan->layers[l], s);
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
    const struct fast_kernel *kernel = kernel_named(kernel_name);
    if (!kernel) {
        return bd_fail(err, BD_BAD_INPUT, "this processor has no kernel '%s'", kernel_name);
    }
    if (check_images(program, switch_index, images, count, err)) {
        return err->status;
    }
    struct plan plan;
    plan_init(&plan, kernel, program, decoded, switch_index);
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
    plan_release(&plan);
    return BD_OK;
}

bd_status bd_execute_fast(const struct bd_program *program, const struct bd_decoded *decoded, unsigned switch_index,
                          const uint8_t *images, size_t count, int32_t *logits, struct bd_error *err)
{
    return bd_execute_fast_by(NULL, program, decoded, switch_index, images, count, logits, err);
}

const char *bd_execute_fast_kernel(void)
{
    return kernel_named(NULL)->name;
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
