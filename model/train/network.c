#include "model/train/network.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "model/core/memory.h"
#include "model/quant/quant.h"
#include "model/train/conv.h"
#include "model/train/kernels.h"

/* Images in a shard: its tensors stay in a core's cache from one kernel to the next. Shards, not threads, are the
 * unit of every sum, so that the number of threads leaves no trace in the results. */
#define SHARD 8

struct layer {
    const struct bd_layer *info;
    struct bd_conv *conv;
    int in_padded, out_padded, out_pixels; /* channels in whole blocks */
    bool once;                             /* same accumulations in every switch */
    int stream_source;                     /* ADDS: the layer whose stream it reads */
    size_t weight_count;
    float *weight, *scale, *bias; /* checkpoint */
    float *wscale[BD_MAX_SWITCHES], *gamma[BD_MAX_SWITCHES], *beta[BD_MAX_SWITCHES], *mean[BD_MAX_SWITCHES],
        *variance[BD_MAX_SWITCHES];
    float *d_weight, *d_bias, *d_gamma[BD_MAX_SWITCHES], *d_beta[BD_MAX_SWITCHES];
    uint8_t *codes;                                    /* c_8 of the weights (OC, IC, KH, KW) */
    float *odd;                                        /* the switch's odd weights, channels padded */
    int odd_bits;                                      /* what `odd` and `conv` hold; 0: nothing */
    float *d_odd;                                      /* weight gradient, channels padded */
    float *d_shards;                                   /* the same as oneDNN leaves it, by shard */
    float *accumulation, *stream, *d_accumulation_sum; /* last: float32, ONCE layers only */
    double *batch_mean, *batch_inverse; /* of the accumulation; inverse = k / sqrt(k^2 var + eps), (out_padded) */
    double *batch_variance;
    float *slope, *offset; /* (out_padded) */
    float *back[3];        /* d_a = back[0] g + back[1] a + back[2], (out_padded) */
};

struct bd_net {
    struct bd_checkpoint *checkpoint;
    const struct bd_graph *graph;
    int batch, block, shard, shards, workers;
    uint32_t switches;
    bool half, training;
    struct layer *layers;
    float *alpha[BD_MAX_LAYERS][BD_MAX_SWITCHES], *d_alpha[BD_MAX_LAYERS][BD_MAX_SWITCHES]; /* by quantizer */
    void **codes;                           /* operand, by quantizer; NULL for the pool's */
    const void **d_code[2];                 /* by quantizer: the gradients that its readers left, or NULL */
    float *image;                           /* (N, C, H, W) */
    void *d_code_room[2], **d_accumulation; /* the latter one shard for each worker */
    float *d_stream[2], *d_inner; /* two: a stage's first gradient is gathered while the last of the next is read */
    double *slab_sums, *slab_alpha;
    float *pooled, *pooled_codes, *d_pooled; /* (N, C) */
    int backward_count;
    struct bd_parameter *parameters;
    size_t parameter_count;
};

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

static void bind_layer(struct bd_net *net, struct layer *layer)
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

static bd_status open_conv(struct bd_net *net, struct layer *layer, struct bd_error *err)
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
    struct layer *layer = &net->layers[index];
    const struct bd_layer *info = layer->info;
    if (info->kind == BD_LAYER_POOL) {
        return BD_OK;
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
        struct layer *layer = &net->layers[i];
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
        struct layer *layer = &net->layers[i];
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
        struct layer *layer = &net->layers[i];
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

static void set_odd_weights(struct layer *layer, int bits)
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
        struct layer *layer = &net->layers[i];
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

/* Puts the switch's weights into the layer's convolution, unless they are there. */
static bd_status load_weights(struct bd_net *net, struct layer *layer, int s, struct bd_error *err)
{
    int bits = bd_layer_weight_bits(layer->info, &net->graph->switches[s]);
    if (layer->odd_bits == bits) {
        return BD_OK;
    }
    set_odd_weights(layer, bits);
    return layer->conv ? bd_conv_set_weights(layer->conv, layer->odd, err) : BD_OK;
}

static struct bd_code code_of(const struct bd_net *net, int quantizer, int s)
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

/* ---- walks over shards ---- */

/* A shard of a layer: images k * shard .. (k + 1) * shard - 1. */
static int slab_count(const struct bd_net *net, const struct layer *layer)
{
    return net->shard * layer->out_padded / net->block;
}

static size_t slab_size(const struct bd_net *net, const struct layer *layer)
{
    return (size_t)layer->out_pixels * net->block;
}

static size_t shard_at(const struct bd_net *net, const struct layer *layer, int shard)
{
    return (size_t)shard * slab_count(net, layer) * slab_size(net, layer);
}

static int first_channel(const struct bd_net *net, const struct layer *layer, int slab)
{
    return slab % (layer->out_padded / net->block) * net->block;
}

/* What one walk does with each shard, in this order; unused steps are NULL. */
struct walk {
    int s;
    bool measure;
    struct layer *emit, *convolve, *pool;      /* forward */
    struct layer *unpool, *normalize, *gather; /* backward */
    const float *normalize_g;
    const float *d_stream; /* gradient of what `gather` writes to the stream, from the layers that read it; or NULL */
    float *gather_g;
    void *d_source; /* where `normalize` leaves the gradient of its input codes, or NULL */
};

static const void *input_of(const struct bd_net *net, const struct layer *layer, int shard)
{
    const struct bd_layer *info = layer->info;
    size_t size = (size_t)shard * net->shard * layer->in_padded * info->in_height * info->in_width;
    return info->in_quantizer == BD_QUANTIZER_INPUT
               ? (const char *)(net->image + size)
               : (const char *)net->codes[info->in_quantizer] + size * (net->half ? 2 : 4);
}

static void emit_shard(struct bd_net *net, const struct layer *layer, int s, int shard)
{
    const struct bd_layer *info = layer->info;
    size_t operand = net->half ? 2 : 4, start = shard_at(net, layer, shard);
    struct bd_code code = code_of(net, info->out_quantizer, s);
    char *codes = info->out_quantizer < 0 ? NULL : net->codes[info->out_quantizer];
    const float *stream_in = info->adds_stream ? net->layers[layer->stream_source].stream : NULL;
    for (int i = 0; i < slab_count(net, layer); i++) {
        size_t at = start + i * slab_size(net, layer);
        int channel = first_channel(net, layer, i);
        struct bd_forward_slab slab = {.a = layer->accumulation + at,
                                       .slope = layer->slope + channel,
                                       .offset = layer->offset + channel,
                                       .stream_in = stream_in ? stream_in + at : NULL,
                                       .stream_out = layer->stream ? layer->stream + at : NULL,
                                       .codes = codes ? codes + at * operand : NULL};
        bd_kernel_forward(&slab, layer->out_pixels, net->block, net->half, &code);
    }
}

static void measure_shard(struct bd_net *net, const struct layer *layer, int shard)
{
    size_t start = shard_at(net, layer, shard);
    int first = shard * slab_count(net, layer);
    for (int i = 0; i < slab_count(net, layer); i++) {
        bd_kernel_moments(layer->accumulation + start + i * slab_size(net, layer), layer->out_pixels, net->block,
                          net->slab_sums + (size_t)(first + i) * 2 * net->block);
    }
}

/* pooled (N, C): the mean of the stream over its pixels. */
static void pool_shard(struct bd_net *net, const struct layer *pool, int shard)
{
    const struct layer *last = &net->layers[pool->stream_source];
    int channels = pool->info->in_channels, block = net->block;
    for (int n = shard * net->shard; n < (shard + 1) * net->shard; n++) {
        for (int c = 0; c < channels; c++) {
            const float *map = last->stream + ((size_t)n * last->out_padded + c / block * block) * last->out_pixels;
            float sum = 0;
            for (int p = 0; p < last->out_pixels; p++) {
                sum += map[p * block + c % block];
            }
            net->pooled[n * channels + c] = sum / last->out_pixels;
        }
    }
}

/* d_stream[0] from the gradient of the pooled map, which holds what the pool's quantizer lets through. */
static void unpool_shard(struct bd_net *net, const struct layer *pool, int shard)
{
    const struct layer *last = &net->layers[pool->stream_source];
    int channels = pool->info->in_channels, block = net->block;
    for (int n = shard * net->shard; n < (shard + 1) * net->shard; n++) {
        for (int c = 0; c < last->out_padded; c++) {
            float *map = net->d_stream[0] + ((size_t)n * last->out_padded + c / block * block) * last->out_pixels;
            float d = c < channels ? net->d_pooled[n * channels + c] / last->out_pixels : 0;
            for (int p = 0; p < last->out_pixels; p++) {
                map[p * block + c % block] = d;
            }
        }
    }
}

static void gather_shard(struct bd_net *net, const struct walk *walk, int shard)
{
    const struct layer *layer = walk->gather;
    int q = layer->info->out_quantizer, block = net->block, first = shard * slab_count(net, layer);
    size_t operand = net->half ? 2 : 4, start = shard_at(net, layer, shard);
    struct bd_code code = code_of(net, q, walk->s);
    const char *d_code = q < 0 ? NULL : net->d_code[0][q], *d_code_2 = q < 0 ? NULL : net->d_code[1][q];
    for (int i = 0; i < slab_count(net, layer); i++) {
        size_t at = start + i * slab_size(net, layer);
        int channel = first_channel(net, layer, i);
        struct bd_backward_slab slab = {.a = layer->accumulation + at,
                                        .slope = layer->slope + channel,
                                        .offset = layer->offset + channel,
                                        .stream = layer->stream ? layer->stream + at : NULL,
                                        .d_stream = walk->d_stream ? walk->d_stream + at : NULL,
                                        .d_code = d_code ? d_code + at * operand : NULL,
                                        .d_code_2 = d_code_2 ? d_code_2 + at * operand : NULL,
                                        .code_gain = 1 / code.step,
                                        .g = walk->gather_g + at};
        bd_kernel_backward(&slab, layer->out_pixels, block, net->half, &code,
                           net->slab_sums + (size_t)(first + i) * 2 * block, &net->slab_alpha[first + i]);
    }
}

/* Batch norm's backward pass, then the convolution's. */
static bd_status normalize_shard(struct bd_net *net, const struct walk *walk, int shard, int worker,
                                 struct bd_error *err)
{
    const struct layer *layer = walk->normalize;
    const struct bd_layer *info = layer->info;
    size_t start = shard_at(net, layer, shard);
    bool half = net->half && info->in_quantizer != BD_QUANTIZER_INPUT;
    char *d_accumulation = net->d_accumulation[worker];
    for (int i = 0; i < slab_count(net, layer); i++) {
        size_t in = i * slab_size(net, layer), at = start + in;
        int c = first_channel(net, layer, i);
        bd_kernel_normalize_gradient(walk->normalize_g + at, layer->accumulation + at, layer->back[0] + c,
                                     layer->back[1] + c, layer->back[2] + c, layer->out_pixels, net->block, half,
                                     layer->once ? NULL : d_accumulation + in * (half ? 2 : 4),
                                     layer->once ? layer->d_accumulation_sum + at : NULL);
    }
    if (layer->once) {
        return BD_OK;
    }
    bd_status status = bd_conv_backward_weights(layer->conv, worker, input_of(net, layer, shard), d_accumulation,
                                                layer->d_shards + shard * bd_conv_gradient_count(layer->conv), err);
    if (status || !walk->d_source) {
        return status;
    }
    size_t size = (size_t)net->shard * layer->in_padded * info->in_height * info->in_width;
    return bd_conv_backward_data(layer->conv, worker, d_accumulation,
                                 (char *)walk->d_source + shard * size * (half ? 2 : 4), err);
}

static bd_status visit_shard(struct bd_net *net, const struct walk *walk, int shard, int worker, struct bd_error *err)
{
    bd_status status = BD_OK;
    if (walk->emit) {
        emit_shard(net, walk->emit, walk->s, shard);
    }
    if (walk->convolve) {
        const struct layer *layer = walk->convolve;
        status = bd_conv_forward(layer->conv, worker, input_of(net, layer, shard),
                                 layer->accumulation + shard_at(net, layer, shard), err);
        if (!status && walk->measure) {
            measure_shard(net, layer, shard);
        }
    }
    if (walk->pool) {
        pool_shard(net, walk->pool, shard);
    }
    if (walk->unpool) {
        unpool_shard(net, walk->unpool, shard);
    }
    if (walk->normalize) {
        status = normalize_shard(net, walk, shard, worker, err);
    }
    if (!status && walk->gather) {
        gather_shard(net, walk, shard);
    }
    return status;
}

static bd_status run_walk(struct bd_net *net, const struct walk *walk, struct bd_error *err)
{
    bd_status worst = BD_OK;
#pragma omp parallel for schedule(dynamic, 1) num_threads(net->workers)
    for (int shard = 0; shard < net->shards; shard++) {
        struct bd_error here;
        bd_status status = visit_shard(net, walk, shard, omp_get_thread_num(), &here);
        if (status) {
#pragma omp critical(bd_net_walk)
            {
                worst = status;
                *err = here;
            }
        }
    }
    return worst;
}

/* ---- forward ---- */

/* Sum over the batch of slab_sums entry `which` (0 or 1) of channel c. */
static double sum_slabs(const struct bd_net *net, const struct layer *layer, int which, int c)
{
    int block = net->block, blocks = layer->out_padded / block;
    double sum = 0;
    for (int n = 0; n < net->batch; n++) {
        sum += net->slab_sums[((size_t)(n * blocks + c / block) * 2 + which) * block + c % block];
    }
    return sum;
}

/* Mean and variance of each channel's accumulations over the batch, from what measure_shard left. */
static void reduce_moments(struct bd_net *net, struct layer *layer)
{
    double count = (double)net->batch * layer->out_pixels;
    for (int c = 0; c < layer->info->out_channels; c++) {
        double mean = sum_slabs(net, layer, 0, c) / count;
        double variance = sum_slabs(net, layer, 1, c) / count - mean * mean;
        layer->batch_mean[c] = mean;
        layer->batch_variance[c] = variance > 0 ? variance : 0;
    }
}

static double real_unit(struct bd_net *net, const struct layer *layer, int s)
{
    struct bd_code in = code_of(net, layer->info->in_quantizer, s);
    return (double)*layer->wscale[s] * in.step;
}

/* Batch norm as slope and offset per channel of the accumulation. */
static void normalize(struct bd_net *net, struct layer *layer, int s, double momentum)
{
    double k = real_unit(net, layer, s);
    for (int c = 0; c < layer->info->out_channels; c++) {
        double mean, inverse;
        if (momentum < 0) {
            mean = layer->mean[s][c] / k;
            inverse = k / sqrt((double)layer->variance[s][c] + BD_BN_EPS);
        } else {
            double variance = k * k * layer->batch_variance[c];
            mean = layer->batch_mean[c];
            inverse = k / sqrt(variance + BD_BN_EPS);
            layer->mean[s][c] += momentum * (k * mean - layer->mean[s][c]);
            layer->variance[s][c] += momentum * (variance - layer->variance[s][c]);
        }
        layer->batch_inverse[c] = inverse;
        double slope = layer->gamma[s][c] * inverse;
        layer->slope[c] = slope;
        layer->offset[c] = layer->beta[s][c] - slope * mean;
    }
}

static void quantize_pooled(struct bd_net *net, const struct layer *pool, int s)
{
    struct bd_code code = code_of(net, pool->info->out_quantizer, s);
    for (int i = 0; i < net->batch * pool->info->in_channels; i++) {
        float value = net->pooled[i], *to = &net->pooled_codes[i];
        if (code.kind == BD_CODE_SIGN) {
            *to = value >= 0 ? 1 : -1;
        } else if (code.kind == BD_CODE_CLIP) {
            *to = value < 0 ? 0 : value < code.alpha ? value : code.alpha;
        } else {
            *to = bd_pact_code(value, code.scale, code.n);
        }
    }
}

static bd_status forward_classifier(struct bd_net *net, struct layer *layer, int s, float *logits, struct bd_error *err)
{
    bd_status status = load_weights(net, layer, s, err);
    if (status) {
        return status;
    }
    int channels = layer->info->in_channels, classes = layer->info->out_channels;
    float k = real_unit(net, layer, s);
    for (int n = 0; n < net->batch; n++) {
        for (int o = 0; o < classes; o++) {
            float sum = 0;
            for (int c = 0; c < channels; c++) {
                sum += layer->odd[o * channels + c] * net->pooled_codes[n * channels + c];
            }
            logits[n * classes + o] = k * sum + layer->bias[o];
        }
    }
    return BD_OK;
}

static void take_images(struct bd_net *net, const uint8_t *images)
{
    const struct bd_graph *graph = net->graph;
    int channels = graph->input_channels, pixels = graph->input_height * graph->input_width;
    for (int n = 0; n < net->batch; n++) {
        for (int p = 0; p < pixels; p++) {
            for (int c = 0; c < channels; c++) {
                net->image[(n * channels + c) * pixels + p] = images[((size_t)n * pixels + p) * channels + c];
            }
        }
    }
}

bd_status bd_net_begin(struct bd_net *net, const uint8_t *images, struct bd_error *err)
{
    take_images(net, images);
    for (size_t i = 0; i < net->parameter_count; i++) {
        memset(net->parameters[i].gradient, 0, net->parameters[i].count * sizeof(float));
    }
    net->backward_count = 0;
    for (int i = 0; i < net->graph->layer_count; i++) {
        struct layer *layer = &net->layers[i];
        if (!layer->once) {
            continue;
        }
        struct walk walk = {.convolve = layer, .measure = true};
        bd_status status = load_weights(net, layer, 0, err);
        status = status ? status : run_walk(net, &walk, err);
        if (status) {
            return status;
        }
        reduce_moments(net, layer);
        if (layer->d_accumulation_sum) {
            memset(layer->d_accumulation_sum, 0, shard_at(net, layer, net->shards) * sizeof(float));
        }
    }
    return BD_OK;
}

/* Each walk emits the codes of the layer before and convolves them while they are in cache. */
bd_status bd_net_forward(struct bd_net *net, int s, double momentum, float *logits, struct bd_error *err)
{
    struct layer *waiting = NULL; /* normalized, not emitted yet */
    bd_status status = BD_OK;
    for (int i = 0; i < net->graph->layer_count && !status; i++) {
        struct layer *layer = &net->layers[i];
        struct walk walk = {.s = s, .emit = waiting, .measure = momentum >= 0};
        switch (layer->info->kind) {
        case BD_LAYER_CONV:
            if (!layer->once) {
                walk.convolve = layer;
                status = load_weights(net, layer, s, err);
                status = status ? status : run_walk(net, &walk, err);
                if (walk.measure) {
                    reduce_moments(net, layer);
                }
            }
            normalize(net, layer, s, momentum);
            waiting = layer;
            break;
        case BD_LAYER_POOL:
            walk.pool = layer;
            status = run_walk(net, &walk, err);
            quantize_pooled(net, layer, s);
            break;
        case BD_LAYER_CLASSIFIER:
            status = forward_classifier(net, layer, s, logits, err);
            break;
        }
    }
    return status;
}

/* ---- backward ---- */

/* Leaves the gradient of the pooled map's code values in d_pooled. */
static void backward_classifier(struct bd_net *net, struct layer *layer, int s, const float *d_logits)
{
    int channels = layer->info->in_channels, classes = layer->info->out_channels;
    struct bd_code in = code_of(net, layer->info->in_quantizer, s);
    float wscale = *layer->wscale[s];
    for (int n = 0; n < net->batch; n++) {
        const float *d = d_logits + n * classes, *codes = net->pooled_codes + n * channels;
        float *d_pooled = net->d_pooled + n * channels;
        memset(d_pooled, 0, channels * sizeof(float));
        for (int o = 0; o < classes; o++) {
            layer->d_bias[o] += d[o];
            for (int c = 0; c < channels; c++) {
                layer->d_weight[o * channels + c] += d[o] * in.step * codes[c];
                d_pooled[c] += d[o] * wscale * layer->odd[o * channels + c];
            }
        }
    }
}

/* Through the pool's quantizer, in place. */
static void backward_pooled(struct bd_net *net, const struct layer *pool, int s)
{
    int q = pool->info->out_quantizer;
    struct bd_code code = code_of(net, q, s);
    double d_alpha = 0;
    for (int i = 0; i < net->batch * pool->info->in_channels; i++) {
        float value = net->pooled[i], *d = &net->d_pooled[i];
        bool inside;
        if (code.kind == BD_CODE_SIGN) {
            inside = fabsf(value) <= 1;
        } else if (code.kind == BD_CODE_CLIP) {
            inside = value >= 0 && value < code.alpha;
            d_alpha += value >= code.alpha ? *d : 0;
        } else {
            inside = value >= 0 && value * code.scale < code.n;
            d_alpha += *d * bd_pact_alpha_gradient(value, code.scale, code.n);
        }
        *d = inside ? *d : 0;
    }
    if (net->d_alpha[q][s]) {
        *net->d_alpha[q][s] += d_alpha;
    }
}

/* After `gather`: the clip level's gradient, batch norm's own, and the coefficients of
 * d_a = gamma inverse (g - mean g - x' mean(g x')), x' = inverse (a - mean). */
static void reduce_gradients(struct bd_net *net, struct layer *layer, int s)
{
    double count = (double)net->batch * layer->out_pixels;
    int q = layer->info->out_quantizer;
    if (q >= 0 && net->d_alpha[q][s]) {
        double d_alpha = 0;
        for (int i = 0; i < net->shards * slab_count(net, layer); i++) {
            d_alpha += net->slab_alpha[i];
        }
        *net->d_alpha[q][s] += d_alpha;
    }
    for (int c = 0; c < layer->info->out_channels; c++) {
        double sum = sum_slabs(net, layer, 0, c), products = sum_slabs(net, layer, 1, c);
        double inverse = layer->batch_inverse[c], mean = layer->batch_mean[c], gamma = layer->gamma[s][c];
        double d_gamma = inverse * (products - mean * sum);
        layer->d_gamma[s][c] += d_gamma;
        layer->d_beta[s][c] += sum;
        layer->back[0][c] = gamma * inverse;
        layer->back[1][c] = -gamma * inverse * inverse * d_gamma / count;
        layer->back[2][c] = gamma * inverse * (inverse * mean * d_gamma - sum) / count;
    }
}

/* Adds gain times the shards' weight gradients to the layer's. */
static bd_status add_weight_gradient(struct bd_net *net, struct layer *layer, float gain, struct bd_error *err)
{
    const struct bd_layer *info = layer->info;
    size_t count = bd_conv_gradient_count(layer->conv);
    for (int shard = 1; shard < net->shards; shard++) {
        const float *from = layer->d_shards + shard * count;
        for (size_t i = 0; i < count; i++) {
            layer->d_shards[i] += from[i];
        }
    }
    bd_status status = bd_conv_plain_gradient(layer->conv, layer->d_shards, layer->d_odd, err);
    int taps = info->kernel_h * info->kernel_w;
    for (int o = 0; o < info->out_channels && !status; o++) {
        const float *from = layer->d_odd + (size_t)o * layer->in_padded * taps;
        float *to = layer->d_weight + (size_t)o * info->in_channels * taps;
        for (int i = 0; i < info->in_channels * taps; i++) {
            to[i] += gain * from[i];
        }
    }
    return status;
}

/* Each walk takes the layer above through batch norm and convolution, then gathers this layer's gradient while what
 * came back is in cache. `g` is a d_stream for layers that write the stream, else d_inner. Multiplying by odd weights
 * leaves d_code = d_value / step, which `gather` puts right; likewise d_weight = d_odd / wscale; both because k is
 * inside batch norm's slope. */
bd_status bd_net_backward(struct bd_net *net, int s, const float *d_logits, struct bd_error *err)
{
    struct layer *unpool = NULL, *waiting = NULL; /* gathered, not normalized yet */
    const float *waiting_g = NULL;
    bool alive = true; /* a gradient of the stream is on its way in d_stream[stream] */
    int stream = 0;
    bd_status status = BD_OK;
    memset(net->d_code[0], 0, net->graph->quantizer_count * sizeof *net->d_code[0]);
    memset(net->d_code[1], 0, net->graph->quantizer_count * sizeof *net->d_code[1]);
    for (int i = net->graph->layer_count - 1; i >= -1 && !status; i--) {
        struct layer *layer = i < 0 ? NULL : &net->layers[i];
        if (layer && layer->info->kind == BD_LAYER_CLASSIFIER) {
            backward_classifier(net, layer, s, d_logits);
            continue;
        }
        if (layer && layer->info->kind == BD_LAYER_POOL) {
            backward_pooled(net, layer, s);
            unpool = layer;
            continue;
        }
        struct walk walk = {.s = s, .unpool = unpool, .normalize = waiting, .normalize_g = waiting_g, .gather = layer};
        if (waiting && waiting->info->in_quantizer != BD_QUANTIZER_INPUT) {
            int q = waiting->info->in_quantizer, place = net->d_code[0][q] ? 1 : 0;
            walk.d_source = net->d_code_room[place];
            net->d_code[place][q] = walk.d_source;
        }
        if (layer) {
            walk.gather_g = net->d_inner;
        }
        if (layer && layer->info->writes_stream) {
            stream = alive ? stream : 1 - stream;
            walk.d_stream = alive ? net->d_stream[stream] : NULL;
            walk.gather_g = net->d_stream[stream];
            alive = layer->info->adds_stream;
        }
        status = run_walk(net, &walk, err);
        if (!status && waiting && !waiting->once) {
            status = add_weight_gradient(net, waiting, 1 / *waiting->wscale[s], err);
        }
        if (layer) {
            reduce_gradients(net, layer, s);
        }
        waiting = layer;
        waiting_g = walk.gather_g;
        unpool = NULL;
    }
    net->backward_count++;
    return status;
}

/* The weight gradient of a layer that all switches share the accumulations of, from the sum of their d_a. */
static bd_status finish_once(struct bd_net *net, struct layer *layer, struct bd_error *err)
{
    bd_status worst = BD_OK;
    size_t count = bd_conv_gradient_count(layer->conv);
#pragma omp parallel for schedule(dynamic, 1) num_threads(net->workers)
    for (int shard = 0; shard < net->shards; shard++) {
        struct bd_error here;
        bd_status status = bd_conv_backward_weights(layer->conv, omp_get_thread_num(), input_of(net, layer, shard),
                                                    layer->d_accumulation_sum + shard_at(net, layer, shard),
                                                    layer->d_shards + shard * count, &here);
        if (status) {
#pragma omp critical(bd_net_walk)
            {
                worst = status;
                *err = here;
            }
        }
    }
    return worst ? worst : add_weight_gradient(net, layer, 1 / *layer->wscale[0], err);
}

bd_status bd_net_finish(struct bd_net *net, struct bd_error *err)
{
    for (int i = 0; i < net->graph->layer_count; i++) {
        if (net->layers[i].once) {
            bd_status status = finish_once(net, &net->layers[i], err);
            if (status) {
                return status;
            }
        }
    }
    for (size_t i = 0; i < net->parameter_count; i++) {
        struct bd_parameter *p = &net->parameters[i];
        if (p->switch_index < 0 && net->backward_count > 1) {
            for (size_t k = 0; k < p->count; k++) {
                p->gradient[k] /= net->backward_count;
            }
        }
    }
    return BD_OK;
}
