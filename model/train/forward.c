#include <math.h>
#include <string.h>

#include "model/quant/quant.h"
#include "model/train/network_parts.h"

/* Mean and variance of each channel's accumulations over the batch, from what measure_shard left. */
static void reduce_moments(struct bd_net *net, struct bd_net_layer *layer)
{
    double count = (double)net->batch * layer->out_pixels;
    for (int c = 0; c < layer->info->out_channels; c++) {
        double mean = bd_net_sum(net, layer, 0, c) / count;
        double variance = bd_net_sum(net, layer, 1, c) / count - mean * mean;
        layer->batch_mean[c] = mean;
        layer->batch_variance[c] = variance > 0 ? variance : 0;
    }
}

static double real_unit(struct bd_net *net, const struct bd_net_layer *layer, int s)
{
    struct bd_code in = bd_net_code(net, layer->info->in_quantizer, s);
    return (double)*layer->wscale[s] * in.step;
}

/* Batch norm as slope and offset per channel of the accumulation. */
static void normalize(struct bd_net *net, struct bd_net_layer *layer, int s, double momentum)
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

static void quantize_pooled(struct bd_net *net, const struct bd_net_layer *pool, int s)
{
    struct bd_code code = bd_net_code(net, pool->info->out_quantizer, s);
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

static bd_status forward_classifier(struct bd_net *net, struct bd_net_layer *layer, int s, float *logits,
                                    struct bd_error *err)
{
    bd_status status = bd_net_load_weights(net, layer, s, err);
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
        struct bd_net_layer *layer = &net->layers[i];
        if (!layer->once) {
            continue;
        }
        struct bd_walk walk = {.convolve = layer, .measure = true};
        bd_status status = bd_net_load_weights(net, layer, 0, err);
        status = status ? status : bd_net_walk(net, &walk, err);
        if (status) {
            return status;
        }
        reduce_moments(net, layer);
        if (layer->d_accumulation_sum) {
            memset(layer->d_accumulation_sum, 0, bd_shard_at(net, layer, net->shards) * sizeof(float));
        }
    }
    return BD_OK;
}

/* Each walk emits the codes of the layer before and convolves them while they are in cache. */
bd_status bd_net_forward(struct bd_net *net, int s, double momentum, float *logits, struct bd_error *err)
{
    struct bd_net_layer *waiting = NULL; /* normalized, not emitted yet */
    bd_status status = BD_OK;
    for (int i = 0; i < net->graph->layer_count && !status; i++) {
        struct bd_net_layer *layer = &net->layers[i];
        struct bd_walk walk = {.s = s, .emit = waiting, .measure = momentum >= 0};
        switch (layer->info->kind) {
        case BD_LAYER_CONV:
            if (!layer->once) {
                walk.convolve = layer;
                status = bd_net_load_weights(net, layer, s, err);
                status = status ? status : bd_net_walk(net, &walk, err);
                if (walk.measure) {
                    reduce_moments(net, layer);
                }
            }
            normalize(net, layer, s, momentum);
            waiting = layer;
            break;
        case BD_LAYER_POOL:
            walk.pool = layer;
            status = bd_net_walk(net, &walk, err);
            quantize_pooled(net, layer, s);
            break;
        case BD_LAYER_MAXPOOL: /* bd_net_create refuses it */
            break;
        case BD_LAYER_CLASSIFIER:
            status = forward_classifier(net, layer, s, logits, err);
            break;
        }
    }
    return status;
}
