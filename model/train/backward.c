#include <math.h>
#include <omp.h>
#include <string.h>

#include "model/quant/quant.h"
#include "model/train/network_parts.h"

/* Leaves the gradient of the pooled map's code values in d_pooled. */
static void backward_classifier(struct bd_net *net, struct bd_net_layer *layer, int s, const float *d_logits)
{
    int channels = layer->info->in_channels, classes = layer->info->out_channels;
    struct bd_code in = bd_net_code(net, layer->info->in_quantizer, s);
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

/* Through the pool's quantizer, in place; `more` is a gradient of the values themselves, or NULL. */
static void backward_pooled(struct bd_net *net, const struct bd_net_layer *pool, int s, const float *more)
{
    int q = pool->info->out_quantizer;
    struct bd_code code = bd_net_code(net, q, s);
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
        *d = (inside ? *d : 0) + (more ? more[i] : 0);
    }
    if (net->d_alpha[q][s]) {
        *net->d_alpha[q][s] += d_alpha;
    }
}

/* After `gather`: the clip level's gradient, batch norm's own, and the coefficients of
 * d_a = gamma inverse (g - mean g - x' mean(g x')), x' = inverse (a - mean). */
static void reduce_gradients(struct bd_net *net, struct bd_net_layer *layer, int s)
{
    double count = (double)net->batch * layer->out_pixels;
    int q = layer->info->out_quantizer;
    if (q >= 0 && net->d_alpha[q][s]) {
        double d_alpha = 0;
        for (int i = 0; i < net->shards * bd_slab_count(net, layer); i++) {
            d_alpha += net->slab_alpha[i];
        }
        *net->d_alpha[q][s] += d_alpha;
    }
    for (int c = 0; c < layer->info->out_channels; c++) {
        double sum = bd_net_sum(net, layer, 0, c), products = bd_net_sum(net, layer, 1, c);
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
static bd_status add_weight_gradient(struct bd_net *net, struct bd_net_layer *layer, float gain, struct bd_error *err)
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
bd_status bd_net_backward(struct bd_net *net, int s, const float *d_logits, const float *d_pooled, struct bd_error *err)
{
    struct bd_net_layer *unpool = NULL, *waiting = NULL; /* gathered, not normalized yet */
    const float *waiting_g = NULL;
    bool alive = true; /* a gradient of the stream is on its way in d_stream[stream] */
    int stream = 0;
    bd_status status = BD_OK;
    memset(net->d_code[0], 0, net->graph->quantizer_count * sizeof *net->d_code[0]);
    memset(net->d_code[1], 0, net->graph->quantizer_count * sizeof *net->d_code[1]);
    for (int i = net->graph->layer_count - 1; i >= -1 && !status; i--) {
        struct bd_net_layer *layer = i < 0 ? NULL : &net->layers[i];
        if (layer && layer->info->kind == BD_LAYER_CLASSIFIER) {
            backward_classifier(net, layer, s, d_logits);
            continue;
        }
        if (layer && layer->info->kind == BD_LAYER_POOL) {
            backward_pooled(net, layer, s, d_pooled);
            unpool = layer;
            continue;
        }
        struct bd_walk walk = {
            .s = s, .unpool = unpool, .normalize = waiting, .normalize_g = waiting_g, .gather = layer};
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
        status = bd_net_walk(net, &walk, err);
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
static bd_status finish_once(struct bd_net *net, struct bd_net_layer *layer, struct bd_error *err)
{
    bd_status worst = BD_OK;
    size_t count = bd_conv_gradient_count(layer->conv);
#pragma omp parallel for schedule(dynamic, 1) num_threads(net->workers)
    for (int shard = 0; shard < net->shards; shard++) {
        struct bd_error here;
        bd_status status = bd_conv_backward_weights(layer->conv, omp_get_thread_num(), bd_net_input(net, layer, shard),
                                                    layer->d_accumulation_sum + bd_shard_at(net, layer, shard),
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
