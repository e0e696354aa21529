#include "model/train/network/network.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "model/core/memory.h"
#include "model/quant/quant.h"
#include "model/train/network/network_parts.h"

/* Images in a shard: its tensors stay in a core's cache from one kernel to the next. Shards, not threads, are the
 * unit of every sum, so that the number of threads leaves no trace in the results. */
#define SHARD 8

#define HUGE_PAGE ((size_t)2 << 20)

/* Big buffers stand on huge pages, each on its own: the walks over them are long and streaming. */
static void *big_alloc(size_t size)
{
    size_t unit = size >= HUGE_PAGE / 8 ? HUGE_PAGE : 64;
    size = (size + unit - 1) / unit * unit;
    void *room = aligned_alloc(unit, size ? size : unit);
    if (!room) {
        abort();
    }
    if (unit > 64) {
        madvise(room, size, MADV_HUGEPAGE);
    }
    memset(room, 0, size);
    return room;
}

static int padded(const struct bd_net *net, int channels)
{
    return (channels + net->block - 1) / net->block * net->block;
}

static bool runs(const struct bd_net *net, int s)
{
    return net->switches >> s & 1;
}

static float *array_data(const struct bd_net *net, const char *format, const char *a, const char *b)
{
    char name[160];
    snprintf(name, sizeof name, format, a, b);
    struct bd_array *array = bd_checkpoint_find(net->checkpoint, "%s", name);
    return array ? array->data : NULL;
}

static void bind_layer(struct bd_net *net, struct bd_net_layer *layer)
{
    const struct bd_layer *info = layer->info;
    const char *name = info->name;
    layer->weight_count =
        (size_t)info->out_channels * (info->in_channels / info->groups) * info->kernel_h * info->kernel_w;
    layer->weight = array_data(net, "%s.%s", name, "weight");
    layer->d_weight = bd_net_add_parameter(
        net, BD_PARAMETER_WEIGHT, -1, layer->weight_count, layer->weight,
        net->graph->weights == BD_WEIGHTS_FLOOR ? array_data(net, "%s.%s", name, "scale") : NULL, name, "weight");
    if (bd_layer_row(info)->bias) {
        layer->bias = array_data(net, "%s.%s", name, "bias");
        layer->d_bias =
            bd_net_add_parameter(net, BD_PARAMETER_BIAS, -1, info->out_channels, layer->bias, NULL, name, "bias");
    }
    for (int s = 0; s < net->graph->switch_count; s++) {
        const char *sw = net->graph->switches[s].name;
        if (bd_layer_row(info)->norm) {
            int channels = info->out_channels;
            layer->gamma[s] = array_data(net, "%s.%s.gamma", name, sw);
            layer->beta[s] = array_data(net, "%s.%s.beta", name, sw);
            layer->mean[s] = array_data(net, "%s.%s.mean", name, sw);
            layer->variance[s] = array_data(net, "%s.%s.var", name, sw);
            if (runs(net, s)) {
                layer->d_gamma[s] =
                    bd_net_add_parameter(net, BD_PARAMETER_GAMMA, s, channels, layer->gamma[s], NULL, name, "gamma");
                layer->d_beta[s] =
                    bd_net_add_parameter(net, BD_PARAMETER_BETA, s, channels, layer->beta[s], NULL, name, "beta");
            }
        }
    }
}

static bd_status open_conv(struct bd_net *net, struct bd_net_layer *layer, struct bd_error *err)
{
    const struct bd_layer *info = layer->info;
    bool image = info->in_quantizer == BD_QUANTIZER_INPUT, depthwise = info->groups > 1;
    const int side = bd_layer_side(info);
    if (depthwise && (info->groups != info->in_channels || info->groups != info->out_channels || image)) {
        return bd_fail(err, BD_BAD_INPUT,
                       "layer '%s': %d groups of %d channels; the trainer has one group, or one for each", info->name,
                       info->groups, info->in_channels);
    }
    layer->in_padded = image ? info->in_channels : padded(net, info->in_channels);
    layer->out_padded = padded(net, info->out_channels);
    layer->once = image && info->weight_bits;
    struct bd_conv_shape shape = {.batch = net->shard,
                                  .workers = net->workers,
                                  .sets = layer->set_count,
                                  .in_channels = layer->in_padded,
                                  .out_channels = layer->out_padded,
                                  .depthwise = depthwise,
                                  .kernel_h = side * info->kernel_h,
                                  .kernel_w = side * info->kernel_w,
                                  .stride = info->stride,
                                  .pad = info->pad,
                                  .in_height = info->in_height,
                                  .in_width = info->in_width,
                                  .out_height = info->out_height,
                                  .out_width = info->out_width,
                                  .image = image,
                                  .half = net->half,
                                  .training = net->training};
    layer->shape = (struct bd_intconv_shape){.in_channels = info->in_channels,
                                             .out_channels = info->out_channels,
                                             .depthwise = depthwise,
                                             .kernel_h = side * info->kernel_h,
                                             .kernel_w = side * info->kernel_w,
                                             .stride = info->stride,
                                             .pad = info->pad,
                                             .in_height = info->in_height,
                                             .in_width = info->in_width,
                                             .out_height = info->out_height,
                                             .out_width = info->out_width,
                                             .row = net->codes[info->in_quantizer].row,
                                             .plane = net->codes[info->in_quantizer].plane};
    size_t depth = depthwise ? 1 : layer->in_padded;
    layer->plain = big_alloc(depth * layer->out_padded * side * info->kernel_h * side * info->kernel_w * sizeof(float));
    return bd_conv_create(&layer->conv, &shape, err);
}

/* It has a stream of its own even where none but its codes are read: its gradient is gathered there. */
static void open_window_pool(struct bd_net *net, struct bd_net_layer *layer)
{
    layer->in_padded = layer->out_padded = padded(net, layer->info->out_channels);
    size_t count = (size_t)net->batch * layer->out_padded * layer->out_pixels;
    layer->accumulation = big_alloc(count * sizeof(float));
    layer->accumulation_type = BD_FLOAT;
    layer->stream = big_alloc(count * sizeof(float));
    layer->winner = big_alloc(count);
    layer->slope = big_alloc(layer->out_padded * sizeof(float));
    layer->offset = big_alloc(layer->out_padded * sizeof(float));
    for (int c = 0; c < layer->out_padded; c++) {
        layer->slope[c] = 1;
    }
}

static bd_status open_layer(struct bd_net *net, int index, struct bd_error *err)
{
    struct bd_net_layer *layer = &net->layers[index];
    const struct bd_layer *info = layer->info;
    if (info->kind == BD_LAYER_POOL) {
        return BD_OK;
    }
    if (bd_layer_pools_windows(info)) {
        open_window_pool(net, layer);
        return BD_OK;
    }
    bind_layer(net, layer);
    bd_status status = bd_net_open_weights(net, layer, err);
    if (status || info->kind == BD_LAYER_CLASSIFIER) {
        return status;
    }
    status = open_conv(net, layer, err);
    if (status) {
        return status;
    }
    size_t size = (size_t)net->batch * layer->out_padded * layer->out_pixels * sizeof(float);
    layer->accumulation = big_alloc(size);
    if (info->writes_stream) {
        layer->stream = big_alloc(size);
    }
    if (layer->once && net->training) {
        layer->d_accumulation_sum = big_alloc(size);
    }
    layer->batch_mean = bd_xcalloc(layer->out_padded, sizeof(double));
    layer->batch_variance = bd_xcalloc(layer->out_padded, sizeof(double));
    layer->batch_inverse = bd_xcalloc(layer->out_padded, sizeof(double));
    layer->slope = big_alloc(layer->out_padded * sizeof(float));
    layer->offset = big_alloc(layer->out_padded * sizeof(float));
    for (int i = 0; i < 3; i++) {
        layer->back[i] = big_alloc(layer->out_padded * sizeof(float));
    }
    return BD_OK;
}

/* The codes of quantizers that convolutions read; those of the image and the pool stand elsewhere. */
static void open_codes(struct bd_net *net)
{
    const struct bd_graph *graph = net->graph;
    bool floats = false;
    for (int s = 0; s < graph->switch_count; s++) {
        floats |= runs(net, s) && graph->switches[s].activation_bits == 32;
    }
    for (int i = 0; i < graph->layer_count; i++) {
        const struct bd_layer *info = &graph->layers[i];
        if (bd_layer_has_weights(info) && info->pad > net->codes[info->in_quantizer].pad) {
            net->codes[info->in_quantizer].pad = info->pad;
        }
    }
    for (int q = 1; q < graph->quantizer_count; q++) {
        const struct bd_quantizer *info = &graph->quantizers[q];
        struct bd_net_codes *codes = &net->codes[q];
        if (graph->layers[bd_graph_producer(graph, q)].kind == BD_LAYER_POOL) {
            continue;
        }
        size_t planes = padded(net, info->channels) / net->block;
        codes->row = (size_t)(info->width + 2 * codes->pad) * net->block;
        codes->plane = (info->height + 2 * codes->pad) * codes->row;
        codes->image = planes * codes->plane;
        codes->bytes = big_alloc(net->batch * codes->image);
        codes->border = bd_xcalloc(net->batch, 1);
        if (floats || info->bits == 32) {
            codes->values = big_alloc(net->batch * planes * info->height * info->width * net->block * sizeof(float));
        }
    }
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Numbers in the largest map of an image that a layer reads or makes. */
static size_t largest_map(const struct bd_net *net)
{
    size_t most = 0;
    for (int i = 0; i < net->graph->layer_count; i++) {
        const struct bd_net_layer *layer = &net->layers[i];
        size_t in = (size_t)layer->in_padded * layer->info->in_height * layer->info->in_width;
        size_t out = (size_t)layer->out_padded * layer->out_pixels;
        most = larger(most, larger(in, out));
    }
    return most;
}

static void open_workers(struct bd_net *net, size_t map)
{
    size_t operand = bd_number_size(bd_operand_type(net)), room = 0;
    for (int i = 0; i < net->graph->layer_count; i++) {
        if (net->layers[i].conv) {
            room = larger(room,
                          larger(bd_conv_room_size(net->layers[i].conv), bd_intconv_room_size(&net->layers[i].shape)));
        }
    }
    net->worker = bd_xcalloc(net->workers, sizeof *net->worker);
    for (int i = 0; i < net->workers; i++) {
        struct bd_net_worker *worker = &net->worker[i];
        worker->operand = big_alloc(net->shard * map * operand);
        worker->convolution = big_alloc(room);
        if (net->training) {
            worker->d_accumulation = big_alloc(net->shard * map * sizeof(float));
            worker->d_code = big_alloc(net->shard * map * operand);
        }
        for (int k = 0; k < net->graph->layer_count && net->training; k++) {
            if (net->layers[k].conv) {
                bd_conv_lend_room(net->layers[k].conv, i, worker->convolution);
            }
        }
    }
}

static void open_rooms(struct bd_net *net)
{
    const struct bd_graph *graph = net->graph;
    size_t slabs = 0, channels = 0, map = largest_map(net);
    int pooled = graph->layers[graph->layer_count - 1].in_channels;
    for (int i = 0; i < graph->layer_count; i++) {
        size_t here = net->layers[i].out_padded;
        channels = here > channels ? here : channels;
    }
    slabs = net->batch * channels / net->block;
    net->image = big_alloc((size_t)net->batch * graph->input_channels * graph->input_height * graph->input_width *
                           sizeof(float));
    open_workers(net, map);
    if (net->training) {
        size_t gradient = 0;
        for (int i = 0; i < graph->layer_count; i++) {
            size_t here = net->layers[i].conv ? bd_conv_gradient_count(net->layers[i].conv) : 0;
            gradient = here > gradient ? here : gradient;
        }
        net->d_shards[0] = big_alloc(net->shards * gradient * sizeof(float));
        net->d_shards[1] = big_alloc(net->shards * gradient * sizeof(float));
        net->d_code_room = big_alloc(net->batch * map * bd_number_size(bd_operand_type(net)));
        net->d_stream[0] = big_alloc(net->batch * map * bd_number_size(bd_operand_type(net)));
        net->d_stream[1] = big_alloc(net->batch * map * bd_number_size(bd_operand_type(net)));
        net->d_inner[0] = big_alloc(net->batch * map * bd_number_size(bd_operand_type(net)));
        net->d_inner[1] = big_alloc(net->batch * map * bd_number_size(bd_operand_type(net)));
    }
    net->slab_sums = bd_xcalloc(slabs * 2 * net->block, sizeof(double));
    net->slab_alpha = bd_xcalloc(slabs, sizeof(double));
    net->channel_sums = bd_xcalloc(2 * channels, sizeof(double));
    net->pooled = bd_xcalloc((size_t)net->batch * pooled, sizeof(float));
    net->pooled_codes = bd_xcalloc((size_t)net->batch * pooled, sizeof(float));
    net->d_pooled = bd_xcalloc((size_t)net->batch * pooled, sizeof(float));
}

static int shard_size(int batch)
{
    int size = batch < SHARD ? batch : SHARD;
    while (batch % size) {
        size--;
    }
    return size;
}

bd_status bd_net_create(struct bd_net **result, struct bd_checkpoint *checkpoint, int batch, uint32_t switches,
                        bool half, bool training, struct bd_error *err)
{
    *result = NULL;
    bd_status status = bd_checkpoint_check(checkpoint, err);
    if (status) {
        return status;
    }
    const struct bd_graph *graph = &checkpoint->graph;
    struct bd_net *net = bd_xcalloc(1, sizeof *net);
    *net = (struct bd_net){.checkpoint = checkpoint,
                           .graph = graph,
                           .batch = batch,
                           .switches = switches,
                           .sign_gradient = graph->sign_gradient,
                           .half = half,
                           .training = training,
                           .block = bd_conv_block(),
                           .integer = bd_conv_block() == BD_INTCONV_BLOCK && bd_intconv_usable(),
                           .reducer = {.ranks = 1},
                           .workers = omp_get_max_threads()};
    net->shard = shard_size(batch);
    net->shards = batch / net->shard;
    net->layers = bd_xcalloc(graph->layer_count, sizeof *net->layers);
    net->codes = bd_xcalloc(graph->quantizer_count, sizeof *net->codes);
    net->d_code = bd_xcalloc(graph->quantizer_count, sizeof *net->d_code);
    open_codes(net);
    int stream = -1;
    for (int i = 0; i < graph->layer_count && !status; i++) {
        struct bd_net_layer *layer = &net->layers[i];
        layer->info = &graph->layers[i];
        layer->out_pixels = layer->info->out_height * layer->info->out_width;
        layer->stream_source = stream;
        stream = layer->info->writes_stream ? i : stream;
        status = open_layer(net, i, err);
    }
    if (status) {
        bd_net_destroy(net);
        return status;
    }
    bd_net_bind_quantizers(net);
    open_rooms(net);
    bd_net_update_weights(net);
    *result = net;
    return BD_OK;
}

static void close_layer(struct bd_net_layer *layer)
{
    bd_conv_destroy(layer->conv);
    bd_net_close_weights(layer);
    void *owned[] = {layer->plain,      layer->accumulation,   layer->stream,        layer->d_accumulation_sum,
                     layer->batch_mean, layer->batch_variance, layer->batch_inverse, layer->slope,
                     layer->offset,     layer->back[0],        layer->back[1],       layer->back[2],
                     layer->winner};
    for (size_t k = 0; k < sizeof owned / sizeof *owned; k++) {
        free(owned[k]);
    }
}

void bd_net_destroy(struct bd_net *net)
{
    if (!net) {
        return;
    }
    for (int i = 0; i < net->graph->layer_count; i++) {
        close_layer(&net->layers[i]);
    }
    for (int q = 0; q < net->graph->quantizer_count; q++) {
        free(net->codes[q].bytes);
        free(net->codes[q].values);
        free(net->codes[q].border);
    }
    for (size_t i = 0; i < net->parameter_count; i++) {
        free(net->parameters[i].gradient);
    }
    for (int i = 0; i < net->workers && net->worker; i++) {
        free(net->worker[i].operand);
        free(net->worker[i].convolution);
        free(net->worker[i].d_accumulation);
        free(net->worker[i].d_code);
    }
    void *owned[] = {net->d_shards[0], net->d_shards[1],  net->layers,    net->codes,       net->d_code,
                     net->image,       net->d_code_room,  net->worker,    net->d_stream[0], net->d_stream[1],
                     net->d_inner[0],  net->d_inner[1],   net->slab_sums, net->slab_alpha,  net->channel_sums,
                     net->pooled,      net->pooled_codes, net->d_pooled,  net->parameters};
    for (size_t k = 0; k < sizeof owned / sizeof *owned; k++) {
        free(owned[k]);
    }
    free(net);
}

void bd_net_set_sign_gradient(struct bd_net *net, enum bd_sign_gradient gradient)
{
    net->sign_gradient = gradient;
}

void bd_net_set_reducer(struct bd_net *net, const struct bd_reducer *reducer)
{
    net->reducer = reducer ? *reducer : (struct bd_reducer){.ranks = 1};
}
