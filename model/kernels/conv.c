#include "model/kernels/conv.h"

#include <dnnl.h>
#include <omp.h>
#include <stdlib.h>

#include "model/core/memory.h"

enum pass { FORWARD, BACKWARD_DATA, BACKWARD_WEIGHTS, PASSES };

/* What one thread needs of its own: a stream, memory objects whose handles are set for each call, scratchpads. */
struct worker {
    dnnl_stream_t stream;
    dnnl_memory_t source, accumulation, d_source, d_accumulation, d_weights, scratchpad[PASSES];
    void *room; /* the caller's, for gradients by Winograd's filtering */
};

struct bd_conv {
    struct bd_conv_shape shape;
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_t pass[PASSES];
    dnnl_memory_desc_t scratchpad[PASSES], d_weights_desc;
    dnnl_memory_t plain_weights, *weights, *back_weights, d_weights; /* weights by set */
    dnnl_primitive_t to_weights, to_back_weights, from_d_weights;
    struct worker *workers;
    bool winograd; /* takes both passes backward */
    struct bd_winograd_shape filtering;
    void **packed; /* weights by set */
};

static bd_status failed(dnnl_status_t status, const char *what, struct bd_error *err)
{
    return bd_fail(err, status == dnnl_out_of_memory || status == dnnl_runtime_error ? BD_INFRA : BD_BAD_INPUT,
                   "oneDNN cannot %s (status %d)", what, (int)status);
}

int bd_conv_block(void)
{
    return dnnl_get_effective_cpu_isa() >= dnnl_cpu_isa_avx512_core ? 16 : 8;
}

bool bd_conv_half_is_fast(void)
{
    return dnnl_get_effective_cpu_isa() >= dnnl_cpu_isa_avx512_core_bf16;
}

static dnnl_data_type_t operand_type(const struct bd_conv_shape *s)
{
    return s->half && !s->image ? dnnl_bf16 : dnnl_f32;
}

struct descriptors {
    dnnl_memory_desc_t source, weights, accumulation, plain_weights, d_accumulation, any_weights, any_d_weights;
    dnnl_dims_t strides, dilation, pad;
};

static dnnl_status_t describe(const struct bd_conv_shape *s, struct descriptors *d)
{
    dnnl_format_tag_t blocked = bd_conv_block() == 16 ? dnnl_nChw16c : dnnl_nChw8c;
    dnnl_data_type_t type = operand_type(s);
    dnnl_dims_t in = {s->batch, s->in_channels, s->in_height, s->in_width};
    dnnl_dims_t out = {s->batch, s->out_channels, s->out_height, s->out_width};
    dnnl_dims_t dense = {s->out_channels, s->in_channels, s->kernel_h, s->kernel_w};
    dnnl_dims_t grouped = {s->out_channels, 1, 1, s->kernel_h, s->kernel_w};
    dnnl_dim_t *kernel = s->depthwise ? grouped : dense;
    int dims = s->depthwise ? 5 : 4;
    dnnl_format_tag_t plain = s->depthwise ? dnnl_goihw : dnnl_oihw;
    for (int i = 0; i < 2; i++) {
        d->strides[i] = s->stride;
        d->dilation[i] = 0;
        d->pad[i] = s->pad;
    }
    dnnl_status_t status = dnnl_memory_desc_init_by_tag(&d->source, 4, in, type, s->image ? dnnl_nchw : blocked);
    status = status ? status : dnnl_memory_desc_init_by_tag(&d->accumulation, 4, out, dnnl_f32, blocked);
    status = status ? status : dnnl_memory_desc_init_by_tag(&d->d_accumulation, 4, out, type, blocked);
    status = status ? status : dnnl_memory_desc_init_by_tag(&d->plain_weights, dims, kernel, dnnl_f32, plain);
    status = status ? status : dnnl_memory_desc_init_by_tag(&d->any_weights, dims, kernel, type, dnnl_format_tag_any);
    return status ? status
                  : dnnl_memory_desc_init_by_tag(&d->any_d_weights, dims, kernel, dnnl_f32, dnnl_format_tag_any);
}

static dnnl_status_t make_memory(struct bd_conv *conv, dnnl_memory_t *memory, const dnnl_memory_desc_t *desc, bool own)
{
    return dnnl_memory_create(memory, desc, conv->engine, own ? DNNL_MEMORY_ALLOCATE : DNNL_MEMORY_NONE);
}

static dnnl_status_t make_reorder(struct bd_conv *conv, dnnl_primitive_t *reorder, const dnnl_memory_desc_t *from,
                                  const dnnl_memory_desc_t *to)
{
    dnnl_primitive_desc_t pd;
    dnnl_status_t status = dnnl_reorder_primitive_desc_create(&pd, from, conv->engine, to, conv->engine, NULL);
    if (!status) {
        status = dnnl_primitive_create(reorder, pd);
        dnnl_primitive_desc_destroy(pd);
    }
    return status;
}

/* Room for every set's weights. */
static dnnl_status_t make_sets(struct bd_conv *conv, dnnl_memory_t **memories, const dnnl_memory_desc_t *desc)
{
    dnnl_status_t status = dnnl_success;
    *memories = bd_xcalloc(conv->shape.sets, sizeof **memories);
    for (int i = 0; i < conv->shape.sets && !status; i++) {
        status = make_memory(conv, &(*memories)[i], desc, true);
    }
    return status;
}

/* Builds a pass; scratch memory is the caller's, so that threads may share the primitive. */
static dnnl_status_t make_pass(struct bd_conv *conv, enum pass pass, const dnnl_convolution_desc_t *desc,
                               dnnl_primitive_desc_t hint, dnnl_primitive_desc_t *pd)
{
    dnnl_primitive_attr_t attributes;
    dnnl_status_t status = dnnl_primitive_attr_create(&attributes);
    if (status) {
        return status;
    }
    status = dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user);
    status = status ? status : dnnl_primitive_desc_create(pd, desc, attributes, conv->engine, hint);
    dnnl_primitive_attr_destroy(attributes);
    if (status) {
        return status;
    }
    conv->scratchpad[pass] = *dnnl_primitive_desc_query_md(*pd, dnnl_query_scratchpad_md, 0);
    return dnnl_primitive_create(&conv->pass[pass], *pd);
}

static dnnl_status_t make_forward(struct bd_conv *conv, const struct descriptors *d, dnnl_primitive_desc_t *pd)
{
    dnnl_convolution_desc_t desc;
    dnnl_status_t status = dnnl_convolution_forward_desc_init(
        &desc, conv->shape.training ? dnnl_forward_training : dnnl_forward_inference, dnnl_convolution_direct,
        &d->source, &d->any_weights, NULL, &d->accumulation, d->strides, d->pad, d->pad);
    status = status ? status : make_pass(conv, FORWARD, &desc, NULL, pd);
    if (status) {
        return status;
    }
    const dnnl_memory_desc_t *weights = dnnl_primitive_desc_query_md(*pd, dnnl_query_weights_md, 0);
    status = status ? status : make_sets(conv, &conv->weights, weights);
    return status ? status : make_reorder(conv, &conv->to_weights, &d->plain_weights, weights);
}

static dnnl_status_t make_backward_data(struct bd_conv *conv, const struct descriptors *d, dnnl_primitive_desc_t hint)
{
    dnnl_convolution_desc_t desc;
    dnnl_primitive_desc_t pd;
    dnnl_status_t status = dnnl_convolution_backward_data_desc_init(
        &desc, dnnl_convolution_direct, &d->source, &d->any_weights, &d->d_accumulation, d->strides, d->pad, d->pad);
    status = status ? status : make_pass(conv, BACKWARD_DATA, &desc, hint, &pd);
    if (status) {
        return status;
    }
    const dnnl_memory_desc_t *weights = dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0);
    status = status ? status : make_sets(conv, &conv->back_weights, weights);
    status = status ? status : make_reorder(conv, &conv->to_back_weights, &d->plain_weights, weights);
    dnnl_primitive_desc_destroy(pd);
    return status;
}

static dnnl_status_t make_backward_weights(struct bd_conv *conv, const struct descriptors *d,
                                           dnnl_primitive_desc_t hint)
{
    dnnl_convolution_desc_t desc;
    dnnl_primitive_desc_t pd;
    dnnl_status_t status =
        dnnl_convolution_backward_weights_desc_init(&desc, dnnl_convolution_direct, &d->source, &d->any_d_weights, NULL,
                                                    &d->d_accumulation, d->strides, d->pad, d->pad);
    status = status ? status : make_pass(conv, BACKWARD_WEIGHTS, &desc, hint, &pd);
    if (status) {
        return status;
    }
    const dnnl_memory_desc_t *weights = dnnl_primitive_desc_query_md(pd, dnnl_query_diff_weights_md, 0);
    conv->d_weights_desc = *weights;
    status = status ? status : make_memory(conv, &conv->d_weights, weights, false);
    status = status ? status : make_reorder(conv, &conv->from_d_weights, weights, &d->plain_weights);
    dnnl_primitive_desc_destroy(pd);
    return status;
}

static dnnl_status_t make_worker(struct bd_conv *conv, const struct descriptors *d, struct worker *worker)
{
    dnnl_status_t status = dnnl_stream_create(&worker->stream, conv->engine, dnnl_stream_default_flags);
    status = status ? status : make_memory(conv, &worker->source, &d->source, false);
    status = status ? status : make_memory(conv, &worker->accumulation, &d->accumulation, false);
    status = status ? status : make_memory(conv, &worker->d_source, &d->source, false);
    status = status ? status : make_memory(conv, &worker->d_accumulation, &d->d_accumulation, false);
    if (!status && conv->pass[BACKWARD_WEIGHTS]) {
        status = make_memory(conv, &worker->d_weights, &conv->d_weights_desc, false);
    }
    for (int pass = 0; pass < PASSES && !status; pass++) {
        if (conv->pass[pass]) {
            status = make_memory(conv, &worker->scratchpad[pass], &conv->scratchpad[pass], true);
        }
    }
    return status;
}

/* Passes backward without oneDNN, where the shape allows. */
static void make_winograd(struct bd_conv *conv)
{
    const struct bd_conv_shape *s = &conv->shape;
    conv->filtering = (struct bd_winograd_shape){.batch = s->batch,
                                                 .in_channels = s->in_channels,
                                                 .out_channels = s->out_channels,
                                                 .height = s->in_height,
                                                 .width = s->in_width,
                                                 .half = s->half};
    conv->winograd = s->training && !s->image && !s->depthwise && s->kernel_h == 3 && s->kernel_w == 3 &&
                     s->stride == 1 && s->pad == 1 && bd_conv_block() == BD_WINOGRAD_BLOCK &&
                     bd_winograd_fits(&conv->filtering);
    if (!conv->winograd) {
        return;
    }
    conv->packed = bd_xcalloc(s->sets, sizeof *conv->packed);
    for (int i = 0; i < s->sets; i++) {
        conv->packed[i] = bd_xaligned(bd_winograd_packed_size(&conv->filtering));
    }
}

size_t bd_conv_room_size(const struct bd_conv *conv)
{
    return conv->winograd ? bd_winograd_room_size(&conv->filtering) : 0;
}

void bd_conv_lend_room(struct bd_conv *conv, int index, void *room)
{
    conv->workers[index].room = room;
}

static dnnl_status_t make(struct bd_conv *conv)
{
    struct descriptors d;
    dnnl_primitive_desc_t forward = NULL;
    dnnl_status_t status = dnnl_engine_create(&conv->engine, dnnl_cpu, 0);
    status = status ? status : dnnl_stream_create(&conv->stream, conv->engine, dnnl_stream_default_flags);
    status = status ? status : describe(&conv->shape, &d);
    status = status ? status : make_memory(conv, &conv->plain_weights, &d.plain_weights, false);
    status = status ? status : make_forward(conv, &d, &forward);
    conv->workers = bd_xcalloc(conv->shape.workers, sizeof *conv->workers);
    make_winograd(conv);
    const bool back = conv->shape.training && !conv->winograd;
    if (!status && back && !conv->shape.image) {
        status = make_backward_data(conv, &d, forward);
    }
    if (!status && back) {
        status = make_backward_weights(conv, &d, forward);
    }
    if (forward) {
        dnnl_primitive_desc_destroy(forward);
    }
    for (int i = 0; i < conv->shape.workers && !status; i++) {
        status = make_worker(conv, &d, &conv->workers[i]);
    }
    return status;
}

bd_status bd_conv_create(struct bd_conv **result, const struct bd_conv_shape *shape, struct bd_error *err)
{
    struct bd_conv *conv = bd_xcalloc(1, sizeof *conv);
    conv->shape = *shape;
    /* Primitives plan for the threads that OpenMP has when they are built: here one, the caller's. */
    int threads = omp_get_max_threads();
    omp_set_num_threads(1);
    dnnl_status_t status = make(conv);
    omp_set_num_threads(threads);
    if (status) {
        bd_conv_destroy(conv);
        *result = NULL;
        return failed(status, "build a convolution", err);
    }
    *result = conv;
    return BD_OK;
}

static void destroy_memories(const dnnl_memory_t *memories, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (memories[i]) {
            dnnl_memory_destroy(memories[i]);
        }
    }
}

static void destroy_sets(dnnl_memory_t *memories, int sets)
{
    if (memories) {
        destroy_memories(memories, sets);
        free(memories);
    }
}

static void destroy_worker(struct worker *worker)
{
    const dnnl_memory_t memories[] = {worker->source, worker->accumulation, worker->d_source, worker->d_accumulation,
                                      worker->d_weights};
    destroy_memories(memories, sizeof memories / sizeof *memories);
    destroy_memories(worker->scratchpad, PASSES);
    if (worker->stream) {
        dnnl_stream_destroy(worker->stream);
    }
}

void bd_conv_destroy(struct bd_conv *conv)
{
    if (!conv) {
        return;
    }
    for (int i = 0; conv->workers && i < conv->shape.workers; i++) {
        destroy_worker(&conv->workers[i]);
    }
    free(conv->workers);
    const dnnl_memory_t memories[] = {conv->plain_weights, conv->d_weights};
    destroy_memories(memories, sizeof memories / sizeof *memories);
    destroy_sets(conv->weights, conv->shape.sets);
    destroy_sets(conv->back_weights, conv->shape.sets);
    for (int i = 0; conv->packed && i < conv->shape.sets; i++) {
        free(conv->packed[i]);
    }
    free(conv->packed);
    dnnl_primitive_t primitives[] = {conv->pass[FORWARD], conv->pass[BACKWARD_DATA], conv->pass[BACKWARD_WEIGHTS],
                                     conv->to_weights,    conv->to_back_weights,     conv->from_d_weights};
    for (size_t i = 0; i < sizeof primitives / sizeof *primitives; i++) {
        if (primitives[i]) {
            dnnl_primitive_destroy(primitives[i]);
        }
    }
    if (conv->stream) {
        dnnl_stream_destroy(conv->stream);
    }
    if (conv->engine) {
        dnnl_engine_destroy(conv->engine);
    }
    free(conv);
}

static dnnl_status_t reorder(struct bd_conv *conv, dnnl_primitive_t primitive, dnnl_memory_t from, dnnl_memory_t to)
{
    dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
    dnnl_status_t status = dnnl_primitive_execute(primitive, conv->stream, 2, arguments);
    return status ? status : dnnl_stream_wait(conv->stream);
}

bd_status bd_conv_set_weights(struct bd_conv *conv, int set, const float *weights, bool forward, struct bd_error *err)
{
    dnnl_status_t status = dnnl_memory_set_data_handle(conv->plain_weights, (void *)weights);
    if (!status && forward) {
        status = reorder(conv, conv->to_weights, conv->plain_weights, conv->weights[set]);
    }
    if (!status && conv->to_back_weights) {
        status = reorder(conv, conv->to_back_weights, conv->plain_weights, conv->back_weights[set]);
    }
    if (conv->winograd) {
        bd_winograd_pack(&conv->filtering, weights, conv->packed[set]);
    }
    return status ? failed(status, "lay out weights", err) : BD_OK;
}

static bd_status execute(struct bd_conv *conv, const struct worker *worker, enum pass pass,
                         const dnnl_exec_arg_t given[3], const char *what, struct bd_error *err)
{
    const dnnl_exec_arg_t arguments[] = {given[0], given[1], given[2], {DNNL_ARG_SCRATCHPAD, worker->scratchpad[pass]}};
    dnnl_status_t status = dnnl_primitive_execute(conv->pass[pass], worker->stream, 4, arguments);
    status = status ? status : dnnl_stream_wait(worker->stream);
    return status ? failed(status, what, err) : BD_OK;
}

bd_status bd_conv_forward(struct bd_conv *conv, int index, int set, const void *source, float *accumulation,
                          struct bd_error *err)
{
    const struct worker *worker = &conv->workers[index];
    dnnl_memory_set_data_handle(worker->source, (void *)source);
    dnnl_memory_set_data_handle(worker->accumulation, accumulation);
    const dnnl_exec_arg_t arguments[] = {
        {DNNL_ARG_SRC, worker->source}, {DNNL_ARG_WEIGHTS, conv->weights[set]}, {DNNL_ARG_DST, worker->accumulation}};
    return execute(conv, worker, FORWARD, arguments, "convolve", err);
}

bd_status bd_conv_backward_data(struct bd_conv *conv, int index, int set, const void *d_accumulation, void *d_source,
                                struct bd_error *err)
{
    const struct worker *worker = &conv->workers[index];
    dnnl_memory_set_data_handle(worker->d_accumulation, (void *)d_accumulation);
    dnnl_memory_set_data_handle(worker->d_source, d_source);
    const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_DIFF_DST, worker->d_accumulation},
                                         {DNNL_ARG_WEIGHTS, conv->back_weights[set]},
                                         {DNNL_ARG_DIFF_SRC, worker->d_source}};
    return execute(conv, worker, BACKWARD_DATA, arguments, "propagate a gradient to activations", err);
}

bd_status bd_conv_backward_weights(struct bd_conv *conv, int index, const void *source, const void *d_accumulation,
                                   float *d_weights, struct bd_error *err)
{
    const struct worker *worker = &conv->workers[index];
    dnnl_memory_set_data_handle(worker->source, (void *)source);
    dnnl_memory_set_data_handle(worker->d_accumulation, (void *)d_accumulation);
    dnnl_memory_set_data_handle(worker->d_weights, d_weights);
    const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_SRC, worker->source},
                                         {DNNL_ARG_DIFF_DST, worker->d_accumulation},
                                         {DNNL_ARG_DIFF_WEIGHTS, worker->d_weights}};
    return execute(conv, worker, BACKWARD_WEIGHTS, arguments, "propagate a gradient to weights", err);
}

bool bd_conv_filters(const struct bd_conv *conv)
{
    return conv->winograd;
}

struct bd_winograd_task bd_conv_filtering(const struct bd_conv *conv, int index, int set)
{
    return (struct bd_winograd_task){
        .shape = &conv->filtering, .packed = conv->packed[set], .room = conv->workers[index].room};
}

int bd_conv_filtered_images(const struct bd_conv *conv)
{
    return bd_winograd_images(&conv->filtering);
}

size_t bd_conv_gradient_count(const struct bd_conv *conv)
{
    if (conv->winograd) {
        return (size_t)conv->shape.in_channels * conv->shape.out_channels * 9;
    }
    return dnnl_memory_desc_get_size(&conv->d_weights_desc) / sizeof(float);
}

bd_status bd_conv_plain_gradient(struct bd_conv *conv, float *d_weights, float *plain, struct bd_error *err)
{
    if (conv->winograd) {
        bd_winograd_plain(&conv->filtering, d_weights, plain);
        return BD_OK;
    }
    dnnl_memory_set_data_handle(conv->d_weights, d_weights);
    dnnl_memory_set_data_handle(conv->plain_weights, plain);
    dnnl_status_t status = reorder(conv, conv->from_d_weights, conv->d_weights, conv->plain_weights);
    return status ? failed(status, "lay out a weight gradient", err) : BD_OK;
}
