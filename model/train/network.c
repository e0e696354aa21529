#include "model/train/network.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "model/core/memory.h"
#include "model/quant/quant.h"
#include "model/train/network_parts.h"

/* Images in a shard: its tensors stay in a core's cache from one kernel to the next. Shards, not threads, are the
 * unit of every sum, so that the number of threads leaves no trace in the results. */
#define SHARD 8

/* Big buffers stand on huge pages: the walks over them are long and streaming. */
static void *big_alloc(size_t size)
{
    size_t unit = size >= (1 << 21) ? 1 << 21 : 64;
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

static float *add_parameter(struct bd_net *net, enum bd_parameter_kind kind, int switch_index, size_t count,
                            float *value, const float *limit, const char *owner, const char *suffix)
{
    net->parameters = bd_xrealloc(net->parameters, net->parameter_count + 1, sizeof *net->parameters);
    struct bd_parameter *p = &net->parameters[net->parameter_count++];
    *p = (struct bd_parameter){.kind = kind,
                               .switch_index = switch_index,
                               .count = count,
                               .value = value,
                               .gradient = bd_xcalloc(count, sizeof(float)),
                               .limit = limit};
    if (switch_index < 0) {
        snprintf(p->name, sizeof p->name, "%s.%s", owner, suffix);
    } else {
        snprintf(p->name, sizeof p->name, "%s.%s.%s", owner, net->graph->switches[switch_index].name, suffix);
    }
    return p->gradient;
}

static void bind_layer(struct bd_net *net, struct bd_net_layer *layer)
{
    const struct bd_layer *info = layer->info;
    const char *name = info->name;
    layer->weight_count = (size_t)info->out_channels * info->in_channels * info->kernel_h * info->kernel_w;
    layer->weight = array_data(net, "%s.%s", name, "weight");
    layer->scale = array_data(net, "%s.%s", name, "scale");
    layer->d_weight =
        add_parameter(net, BD_PARAMETER_WEIGHT, -1, layer->weight_count, layer->weight, layer->scale, name, "weight");
    if (info->kind == BD_LAYER_CLASSIFIER) {
        layer->bias = array_data(net, "%s.%s", name, "bias");
        layer->d_bias = add_parameter(net, BD_PARAMETER_BIAS, -1, info->out_channels, layer->bias, NULL, name, "bias");
    }
    for (int s = 0; s < net->graph->switch_count; s++) {
        const char *sw = net->graph->switches[s].name;
        layer->wscale[s] = array_data(net, "%s.%s.wscale", name, sw);
        if (info->kind == BD_LAYER_CONV) {
            int channels = info->out_channels;
            layer->gamma[s] = array_data(net, "%s.%s.gamma", name, sw);
            layer->beta[s] = array_data(net, "%s.%s.beta", name, sw);
            layer->mean[s] = array_data(net, "%s.%s.mean", name, sw);
            layer->variance[s] = array_data(net, "%s.%s.var", name, sw);
            if (runs(net, s)) {
                layer->d_gamma[s] =
                    add_parameter(net, BD_PARAMETER_GAMMA, s, channels, layer->gamma[s], NULL, name, "gamma");
                layer->d_beta[s] =
                    add_parameter(net, BD_PARAMETER_BETA, s, channels, layer->beta[s], NULL, name, "beta");
            }
        }
    }
}

static bd_status open_conv(struct bd_net *net, struct bd_net_layer *layer, struct bd_error *err)
{
    const struct bd_layer *info = layer->info;
    bool image = info->in_quantizer == BD_QUANTIZER_INPUT;
    if (info->groups != 1) {
        return bd_fail(err, BD_BAD_INPUT, "layer '%s': the trainer has no grouped convolutions", info->name);
    }
    layer->in_padded = image ? info->in_channels : padded(net, info->in_channels);
    layer->out_padded = padded(net, info->out_channels);
    layer->once = image && info->weight_bits;
    struct bd_conv_shape shape = {.batch = net->shard,
                                  .workers = net->workers,
                                  .in_channels = layer->in_padded,
                                  .out_channels = layer->out_padded,
                                  .kernel_h = info->kernel_h,
                                  .kernel_w = info->kernel_w,
                                  .stride = info->stride,
                                  .pad = info->pad,
                                  .in_height = info->in_height,
                                  .in_width = info->in_width,
                                  .out_height = info->out_height,
                                  .out_width = info->out_width,
                                  .image = image,
                                  .half = net->half,
                                  .training = net->training};
    size_t kernel = (size_t)layer->in_padded * layer->out_padded * info->kernel_h * info->kernel_w;
    layer->odd = big_alloc(kernel * sizeof(float));
    layer->d_odd = big_alloc(kernel * sizeof(float));
    bd_status status = bd_conv_create(&layer->conv, &shape, err);
    if (!status && net->training) {
        layer->d_shards = big_alloc(net->shards * bd_conv_gradient_count(layer->conv) * sizeof(float));
    }
    return status;
}

static bd_status open_layer(struct bd_net *net, int index, struct bd_error *err)
{
    struct bd_net_layer *layer = &net->layers[index];
    const struct bd_layer *info = layer->info;
    if (info->kind == BD_LAYER_POOL) {
        return BD_OK;
    }
    if (info->kind == BD_LAYER_MAXPOOL) {
        return bd_fail(err, BD_BAD_INPUT, "layer '%s': the trainer has no max pooling", info->name);
    }
    if (info->weight_bits > 8) {
        return bd_fail(err, BD_BAD_INPUT, "layer '%s': the trainer has no float weights", info->name);
    }
    bind_layer(net, layer);
    layer->codes = bd_xcalloc(layer->weight_count, 1);
    if (info->kind == BD_LAYER_CLASSIFIER) {
        layer->odd = bd_xcalloc(layer->weight_count, sizeof(float));
        return BD_OK;
    }
    bd_status status = open_conv(net, layer, err);
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

static void open_rooms(struct bd_net *net)
{
    const struct bd_graph *graph = net->graph;
    size_t most = 0, slabs = 0, operand = net->half ? 2 : 4;
    int channels = graph->layers[graph->layer_count - 1].in_channels;
    for (int q = 0; q < graph->quantizer_count; q++) {
        const struct bd_quantizer *info = &graph->quantizers[q];
        size_t size = (size_t)net->batch * padded(net, info->channels) * info->height * info->width;
        most = size > most ? size : most;
        if (q != BD_QUANTIZER_INPUT) {
            net->codes[q] = big_alloc(size * operand);
        }
    }
    for (int i = 0; i < graph->layer_count; i++) {
        struct bd_net_layer *layer = &net->layers[i];
        size_t size = (size_t)net->batch * layer->out_padded * layer->out_pixels;
        most = size > most ? size : most;
        slabs = (size_t)net->batch * layer->out_padded / net->block > slabs
                    ? (size_t)net->batch * layer->out_padded / net->block
                    : slabs;
    }
    net->image = big_alloc((size_t)net->batch * graph->input_channels * graph->input_height * graph->input_width *
                           sizeof(float));
    if (net->training) {
        net->d_code_room[0] = big_alloc(most * operand);
        net->d_code_room[1] = big_alloc(most * operand);
        net->d_accumulation = bd_xcalloc(net->workers, sizeof *net->d_accumulation);
        for (int i = 0; i < net->workers; i++) {
            net->d_accumulation[i] = big_alloc(most / net->shards * sizeof(float));
        }
        net->d_stream[0] = big_alloc(most * sizeof(float));
        net->d_stream[1] = big_alloc(most * sizeof(float));
        net->d_inner = big_alloc(most * sizeof(float));
    }
    net->slab_sums = bd_xcalloc(slabs * 2 * net->block, sizeof(double));
    net->slab_alpha = bd_xcalloc(slabs, sizeof(double));
    net->pooled = bd_xcalloc((size_t)net->batch * channels, sizeof(float));
    net->pooled_codes = bd_xcalloc((size_t)net->batch * channels, sizeof(float));
    net->d_pooled = bd_xcalloc((size_t)net->batch * channels, sizeof(float));
}

static void bind_quantizers(struct bd_net *net)
{
    for (int q = 1; q < net->graph->quantizer_count; q++) {
        const char *name = net->graph->quantizers[q].name;
        for (int s = 0; s < net->graph->switch_count; s++) {
            net->alpha[q][s] = array_data(net, "%s.%s.alpha", name, net->graph->switches[s].name);
            if (net->alpha[q][s] && runs(net, s)) {
                net->d_alpha[q][s] =
                    add_parameter(net, BD_PARAMETER_ALPHA, s, 1, net->alpha[q][s], NULL, name, "alpha");
            }
        }
    }
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
                           .half = half,
                           .training = training,
                           .block = bd_conv_block(),
                           .workers = omp_get_max_threads()};
    net->shard = shard_size(batch);
    net->shards = batch / net->shard;
    net->layers = bd_xcalloc(graph->layer_count, sizeof *net->layers);
    net->codes = bd_xcalloc(graph->quantizer_count, sizeof *net->codes);
    net->d_code[0] = bd_xcalloc(graph->quantizer_count, sizeof *net->d_code[0]);
    net->d_code[1] = bd_xcalloc(graph->quantizer_count, sizeof *net->d_code[1]);
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
    bind_quantizers(net);
    open_rooms(net);
    bd_net_update_weights(net);
    *result = net;
    return BD_OK;
}

void bd_net_destroy(struct bd_net *net)
{
    if (!net) {
        return;
    }
    for (int i = 0; i < net->graph->layer_count; i++) {
        struct bd_net_layer *layer = &net->layers[i];
        bd_conv_destroy(layer->conv);
        void *owned[] = {layer->codes,         layer->odd,
                         layer->d_odd,         layer->accumulation,
                         layer->stream,        layer->d_accumulation_sum,
                         layer->batch_mean,    layer->batch_variance,
                         layer->batch_inverse, layer->slope,
                         layer->offset,        layer->d_shards,
                         layer->back[0],       layer->back[1],
                         layer->back[2]};
        for (size_t k = 0; k < sizeof owned / sizeof *owned; k++) {
            free(owned[k]);
        }
    }
    for (int q = 0; q < net->graph->quantizer_count; q++) {
        free(net->codes[q]);
    }
    for (size_t i = 0; i < net->parameter_count; i++) {
        free(net->parameters[i].gradient);
    }
    for (int i = 0; i < net->workers && net->d_accumulation; i++) {
        free(net->d_accumulation[i]);
    }
    void *owned[] = {net->layers,         net->codes,          net->d_code[0],      net->d_code[1],   net->image,
                     net->d_code_room[0], net->d_code_room[1], net->d_accumulation, net->d_stream[0], net->d_stream[1],
                     net->d_inner,        net->slab_sums,      net->slab_alpha,     net->pooled,      net->pooled_codes,
                     net->d_pooled,       net->parameters};
    for (size_t k = 0; k < sizeof owned / sizeof *owned; k++) {
        free(owned[k]);
    }
    free(net);
}

struct bd_parameter *bd_net_parameters(struct bd_net *net, size_t *count)
{
    *count = net->parameter_count;
    return net->parameters;
}

const float *bd_net_pooled(const struct bd_net *net)
{
    return net->pooled;
}

static void set_odd_weights(struct bd_net_layer *layer, int bits)
{
    const struct bd_layer *info = layer->info;
    int taps = info->kernel_h * info->kernel_w;
    int in_padded = info->kind == BD_LAYER_CONV ? layer->in_padded : info->in_channels;
    for (int o = 0; o < info->out_channels; o++) {
        for (int c = 0; c < info->in_channels; c++) {
            const uint8_t *from = layer->codes + ((size_t)o * info->in_channels + c) * taps;
            float *to = layer->odd + ((size_t)o * in_padded + c) * taps;
            for (int t = 0; t < taps; t++) {
                to[t] = bd_weight_odd(from[t], bits);
            }
        }
    }
    layer->odd_bits = bits;
}

void bd_net_update_weights(struct bd_net *net)
{
    for (int i = 0; i < net->graph->layer_count; i++) {
        struct bd_net_layer *layer = &net->layers[i];
        if (layer->info->kind == BD_LAYER_POOL) {
            continue;
        }
        bd_weight_codes(layer->weight, layer->weight_count, *layer->scale, layer->codes);
        layer->odd_bits = 0;
        if (!net->training) {
            continue;
        }
        for (int s = 0; s < net->graph->switch_count; s++) {
            int bits = bd_layer_weight_bits(layer->info, &net->graph->switches[s]);
            *layer->wscale[s] = bd_weight_scale(layer->codes, layer->weight_count, *layer->scale, bits);
        }
    }
}

bd_status bd_net_load_weights(struct bd_net *net, struct bd_net_layer *layer, int s, struct bd_error *err)
{
    int bits = bd_layer_weight_bits(layer->info, &net->graph->switches[s]);
    if (layer->odd_bits == bits) {
        return BD_OK;
    }
    set_odd_weights(layer, bits);
    return layer->conv ? bd_conv_set_weights(layer->conv, layer->odd, err) : BD_OK;
}

struct bd_code bd_net_code(const struct bd_net *net, int quantizer, int s)
{
    if (quantizer < 0) {
        return (struct bd_code){.kind = BD_CODE_NONE, .step = 1};
    }
    if (quantizer == BD_QUANTIZER_INPUT) {
        return (struct bd_code){.kind = BD_CODE_PACT, .n = 255, .scale = 255, .alpha = 1, .step = 1.0f / 255};
    }
    const struct bd_quantizer *info = &net->graph->quantizers[quantizer];
    const struct bd_switch *sw = &net->graph->switches[s];
    if (bd_quantizer_signed(info, sw)) {
        return (struct bd_code){.kind = BD_CODE_SIGN, .step = 1};
    }
    int bits = bd_quantizer_bits(info, sw);
    float alpha = *net->alpha[quantizer][s];
    if (bits == 32) {
        return (struct bd_code){.kind = BD_CODE_CLIP, .alpha = alpha, .step = 1};
    }
    float n = (1 << bits) - 1;
    return (struct bd_code){.kind = BD_CODE_PACT, .n = n, .scale = n / alpha, .alpha = alpha, .step = alpha / n};
}
