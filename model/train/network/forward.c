#include <math.h>
#include <string.h>

#include "model/quant/quant.h"
#include "model/train/network/network_parts.h"

/* Mean and variance of each channel's accumulations over the batch of all ranks, from what measure_image left. */
static bd_status reduce_moments(struct bd_net *net, struct bd_net_layer *layer, struct bd_error *err)
{
    double count = (double)net->reducer.ranks * net->batch * layer->out_pixels;
    bd_net_add_slabs(net, layer);
    bd_status status = bd_net_reduce_sums(net, layer, err);
    for (int c = 0; c < layer->info->out_channels; c++) {
        double mean = net->channel_sums[c] / count;
        double variance = net->channel_sums[layer->out_padded + c] / count - mean * mean;
        layer->batch_mean[c] = mean;
        layer->batch_variance[c] = variance > 0 ? variance : 0;
    }
    return status;
}

/* k of a channel. */
static double real_unit(struct bd_net *net, const struct bd_net_layer *layer, int s, int channel)
{
    struct bd_code in = bd_net_code(net, layer->info->in_quantizer, s);
    const int side = bd_layer_side(layer->info);
    return (double)layer->wscale[s][layer->unit_count[s] == 1 ? 0 : channel] * in.step / (side * side);
}

/* Batch norm as slope and offset per channel of the accumulation. */
static void normalize(struct bd_net *net, struct bd_net_layer *layer, int s, double momentum)
{
    for (int c = 0; c < layer->info->out_channels; c++) {
        double mean, inverse, k = real_unit(net, layer, s, c);
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

static void forward_classifier(struct bd_net *net, struct bd_net_layer *layer, int s, float *logits)
{
    int channels = layer->info->in_channels, classes = layer->info->out_channels;
    const float *weights = layer->sets[layer->set_of[s]].factors;
    float k = real_unit(net, layer, s, 0); /* a classifier has one unit */
#pragma omp parallel for num_threads(net->workers)
    for (int n = 0; n < net->batch; n++) {
        for (int o = 0; o < classes; o++) {
            float sum = 0;
            for (int c = 0; c < channels; c++) {
                sum += weights[o * channels + c] * net->pooled_codes[n * channels + c];
            }
            logits[n * classes + o] = k * sum + layer->bias[o];
        }
    }
}

static void take_images(struct bd_net *net, const uint8_t *images)
{
    const struct bd_graph *graph = net->graph;
    int channels = graph->input_channels, pixels = graph->input_height * graph->input_width;
#pragma omp parallel for num_threads(net->workers)
    for (int n = 0; n < net->batch; n++) {
        for (int p = 0; p < pixels; p++) {
            for (int c = 0; c < channels; c++) {
                net->image[((size_t)n * channels + c) * pixels + p] = images[((size_t)n * pixels + p) * channels + c];
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
    bd_status status = bd_net_lay_out_weights(net, err);
    for (int i = 0; i < net->graph->layer_count && !status; i++) {
        struct bd_net_layer *layer = &net->layers[i];
        if (!layer->once) {
            continue;
        }
        struct bd_walk walk = {.s = __builtin_ctz(net->switches), .convolve = layer, .measure = true};
        layer->accumulation_type = BD_FLOAT;
        status = bd_net_walk(net, &walk, err);
        status = status ? status : reduce_moments(net, layer, err);
        if (layer->d_accumulation_sum) {
            memset(layer->d_accumulation_sum, 0, bd_image_at(layer, net->batch) * sizeof(float));
        }
    }
    return status;
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
                layer->accumulation_type = bd_net_accumulation_type(net, layer, s);
                status = bd_net_walk(net, &walk, err);
                if (!status && walk.measure) {
                    status = reduce_moments(net, layer, err);
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
        case BD_LAYER_MAXPOOL:
        case BD_LAYER_MEANPOOL:
            walk.window_pool = layer;
            status = bd_net_walk(net, &walk, err);
            waiting = layer;
            break;
        case BD_LAYER_CLASSIFIER:
            forward_classifier(net, layer, s, logits);
            break;
        }
    }
    return status;
}
