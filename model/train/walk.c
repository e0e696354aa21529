/* What is done to a shard between two batch norms, and the walk over all shards. */
#include <omp.h>

#include "model/train/network_parts.h"

static int first_channel(const struct bd_net *net, const struct bd_net_layer *layer, int slab)
{
    return slab % (layer->out_padded / net->block) * net->block;
}

const void *bd_net_input(const struct bd_net *net, const struct bd_net_layer *layer, int shard)
{
    const struct bd_layer *info = layer->info;
    size_t size = (size_t)shard * net->shard * layer->in_padded * info->in_height * info->in_width;
    return info->in_quantizer == BD_QUANTIZER_INPUT
               ? (const char *)(net->image + size)
               : (const char *)net->codes[info->in_quantizer] + size * (net->half ? 2 : 4);
}

static void emit_shard(struct bd_net *net, const struct bd_net_layer *layer, int s, int shard)
{
    const struct bd_layer *info = layer->info;
    size_t operand = net->half ? 2 : 4, start = bd_shard_at(net, layer, shard);
    struct bd_code code = bd_net_code(net, info->out_quantizer, s);
    char *codes = info->out_quantizer < 0 ? NULL : net->codes[info->out_quantizer];
    const float *stream_in = info->adds_stream ? net->layers[layer->stream_source].stream : NULL;
    for (int i = 0; i < bd_slab_count(net, layer); i++) {
        size_t at = start + i * bd_slab_size(net, layer);
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

static void measure_shard(struct bd_net *net, const struct bd_net_layer *layer, int shard)
{
    size_t start = bd_shard_at(net, layer, shard);
    int first = shard * bd_slab_count(net, layer);
    for (int i = 0; i < bd_slab_count(net, layer); i++) {
        bd_kernel_moments(layer->accumulation + start + i * bd_slab_size(net, layer), layer->out_pixels, net->block,
                          net->slab_sums + (size_t)(first + i) * 2 * net->block);
    }
}

/* pooled (N, C): the mean of the stream over its pixels. */
static void pool_shard(struct bd_net *net, const struct bd_net_layer *pool, int shard)
{
    const struct bd_net_layer *last = &net->layers[pool->stream_source];
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
static void unpool_shard(struct bd_net *net, const struct bd_net_layer *pool, int shard)
{
    const struct bd_net_layer *last = &net->layers[pool->stream_source];
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

static void gather_shard(struct bd_net *net, const struct bd_walk *walk, int shard)
{
    const struct bd_net_layer *layer = walk->gather;
    int q = layer->info->out_quantizer, block = net->block, first = shard * bd_slab_count(net, layer);
    size_t operand = net->half ? 2 : 4, start = bd_shard_at(net, layer, shard);
    struct bd_code code = bd_net_code(net, q, walk->s);
    const char *d_code = q < 0 ? NULL : net->d_code[0][q], *d_code_2 = q < 0 ? NULL : net->d_code[1][q];
    for (int i = 0; i < bd_slab_count(net, layer); i++) {
        size_t at = start + i * bd_slab_size(net, layer);
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
static bd_status normalize_shard(struct bd_net *net, const struct bd_walk *walk, int shard, int worker,
                                 struct bd_error *err)
{
    const struct bd_net_layer *layer = walk->normalize;
    const struct bd_layer *info = layer->info;
    size_t start = bd_shard_at(net, layer, shard);
    bool half = net->half && info->in_quantizer != BD_QUANTIZER_INPUT;
    char *d_accumulation = net->d_accumulation[worker];
    for (int i = 0; i < bd_slab_count(net, layer); i++) {
        size_t in = i * bd_slab_size(net, layer), at = start + in;
        int c = first_channel(net, layer, i);
        bd_kernel_normalize_gradient(walk->normalize_g + at, layer->accumulation + at, layer->back[0] + c,
                                     layer->back[1] + c, layer->back[2] + c, layer->out_pixels, net->block, half,
                                     layer->once ? NULL : d_accumulation + in * (half ? 2 : 4),
                                     layer->once ? layer->d_accumulation_sum + at : NULL);
    }
    if (layer->once) {
        return BD_OK;
    }
    bd_status status = bd_conv_backward_weights(layer->conv, worker, bd_net_input(net, layer, shard), d_accumulation,
                                                layer->d_shards + shard * bd_conv_gradient_count(layer->conv), err);
    if (status || !walk->d_source) {
        return status;
    }
    size_t size = (size_t)net->shard * layer->in_padded * info->in_height * info->in_width;
    return bd_conv_backward_data(layer->conv, worker, d_accumulation,
                                 (char *)walk->d_source + shard * size * (half ? 2 : 4), err);
}

static bd_status visit_shard(struct bd_net *net, const struct bd_walk *walk, int shard, int worker,
                             struct bd_error *err)
{
    bd_status status = BD_OK;
    if (walk->emit) {
        emit_shard(net, walk->emit, walk->s, shard);
    }
    if (walk->convolve) {
        const struct bd_net_layer *layer = walk->convolve;
        status = bd_conv_forward(layer->conv, worker, bd_net_input(net, layer, shard),
                                 layer->accumulation + bd_shard_at(net, layer, shard), err);
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

bd_status bd_net_walk(struct bd_net *net, const struct bd_walk *walk, struct bd_error *err)
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

double bd_net_sum(const struct bd_net *net, const struct bd_net_layer *layer, int which, int c)
{
    int block = net->block, blocks = layer->out_padded / block;
    double sum = 0;
    for (int n = 0; n < net->batch; n++) {
        sum += net->slab_sums[((size_t)(n * blocks + c / block) * 2 + which) * block + c % block];
    }
    return sum;
}
