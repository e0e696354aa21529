#include <math.h>
#include <omp.h>
#include <string.h>

#include "model/quant/quant.h"
#include "model/train/network/network_parts.h"

/* Leaves the gradient of the pooled map's code values in d_pooled. */
static void backward_classifier(struct bd_net *net, struct bd_net_layer *layer, int s, const float *d_logits)
{
    int channels = layer->info->in_channels, classes = layer->info->out_channels;
    struct bd_code in = bd_net_code(net, layer->info->in_quantizer, s);
    const float *weights = layer->sets[layer->set_of[s]].factors;
    float wscale = *layer->wscale[s];
    memset(layer->d_value, 0, layer->weight_count * sizeof(float));
#pragma omp parallel for num_threads(net->workers)
    for (int n = 0; n < net->batch; n++) {
        float *d_pooled = net->d_pooled + n * channels;
        memset(d_pooled, 0, channels * sizeof(float));
        for (int o = 0; o < classes; o++) {
            float d = d_logits[n * classes + o] * wscale;
            for (int c = 0; c < channels; c++) {
                d_pooled[c] += d * weights[o * channels + c];
            }
        }
    }
#pragma omp parallel for num_threads(net->workers)
    for (int o = 0; o < classes; o++) {
        for (int n = 0; n < net->batch; n++) {
            float d = d_logits[n * classes + o];
            layer->d_bias[o] += d;
            for (int c = 0; c < channels; c++) {
                layer->d_value[o * channels + c] += d * in.step * net->pooled_codes[n * channels + c];
            }
        }
    }
    bd_net_add_value_gradient(layer, s);
}

/* Through the pool's quantizer, in place; `more` is a gradient of the values themselves, or NULL. */
static void backward_pooled(struct bd_net *net, const struct bd_net_layer *pool, int s, const float *more)
{
    int q = pool->info->out_quantizer, count = net->batch * pool->info->in_channels;
    const struct bd_activation_rule rule = bd_net_activation(net, q, s);
    double d_level;
    bd_activation_backward(&rule, net->pooled, net->d_pooled, count, net->d_pooled, &d_level);
    for (int i = 0; more && i < count; i++) {
        net->d_pooled[i] += more[i];
    }
    if (net->d_level[q][s]) {
        *net->d_level[q][s] += d_level;
    }
}

/* This rank's part of the gradients of gamma and beta, from its sums. */
static void add_norm_gradients(struct bd_net *net, struct bd_net_layer *layer, int s)
{
    for (int c = 0; c < layer->info->out_channels; c++) {
        double sum = net->channel_sums[c], products = net->channel_sums[layer->out_padded + c];
        layer->d_gamma[s][c] += layer->batch_inverse[c] * (products - layer->batch_mean[c] * sum);
        layer->d_beta[s][c] += sum;
    }
}

/* After `gather`: the clip level's gradient, batch norm's own, and the coefficients of
 * d_a = gamma inverse (g - mean g - x' mean(g x')), x' = inverse (a - mean). Where g is kept without the gain of its
 * codes (bd_kernel_backward), back[0] has it. */
static bd_status reduce_gradients(struct bd_net *net, struct bd_net_layer *layer, int s, struct bd_error *err)
{
    double count = (double)net->reducer.ranks * net->batch * layer->out_pixels;
    int q = layer->info->out_quantizer;
    double gain = layer->stream ? 1 : 1 / bd_net_code(net, q, s).step;
    if (q >= 0 && net->d_level[q][s]) {
        double d_alpha = 0;
        for (int i = 0; i < net->batch * bd_blocks(net, layer); i++) {
            d_alpha += net->slab_alpha[i];
        }
        bd_net_add_alpha_gradient(net, q, s, d_alpha);
    }
    if (bd_layer_pools_windows(layer->info)) {
        return BD_OK;
    }
    bd_net_add_slabs(net, layer);
    add_norm_gradients(net, layer, s);
    bd_status status = bd_net_reduce_sums(net, layer, err);
    for (int c = 0; c < layer->info->out_channels; c++) {
        double sum = net->channel_sums[c], products = net->channel_sums[layer->out_padded + c];
        double inverse = layer->batch_inverse[c], mean = layer->batch_mean[c], gamma = layer->gamma[s][c];
        double d_gamma = inverse * (products - mean * sum);
        layer->back[0][c] = gamma * inverse * gain;
        layer->back[1][c] = -gamma * inverse * inverse * d_gamma / count;
        layer->back[2][c] = gamma * inverse * (inverse * mean * d_gamma - sum) / count;
    }
    return status;
}

/* Weight gradients of a walk are added up beside the next one, so that no thread waits for it. */
static bd_status add_last_gradient(struct bd_net *net, struct bd_net_layer *layer, int s, struct bd_error *err)
{
    return layer ? bd_net_add_weight_gradient(net, layer, s, net->d_shards[!net->turn], 0, err) : BD_OK;
}

/* Each walk takes the layer above through batch norm and convolution, then gathers this layer's gradient while what
 * came back is in cache. `g` is a d_stream for layers that write the stream, else d_inner. Multiplying by odd weights
 * leaves d_code = d_value / step, which `gather` puts right; likewise d_weight = d_odd / wscale; both because k is
 * inside batch norm's slope. */
bd_status bd_net_backward(struct bd_net *net, int s, const float *d_logits, const float *d_pooled, struct bd_error *err)
{
    struct bd_net_layer *unpool = NULL, *waiting = NULL; /* gathered, not normalized yet */
    struct bd_net_layer *add_up = NULL;                  /* normalized in the walk before */
    const void *waiting_g = NULL;
    bool alive = true; /* a gradient of the stream is on its way in d_stream[stream] */
    int stream = 0;
    bd_status status = BD_OK;
    memset(net->d_code, 0, net->graph->quantizer_count * sizeof *net->d_code);
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
        struct bd_walk walk = {.s = s, .unpool = unpool, .gather = layer, .add_up = add_up};
        if (waiting && bd_layer_pools_windows(waiting->info)) {
            walk.scatter = waiting;
            walk.scatter_g = waiting_g;
            stream = waiting_g == net->d_stream[0] ? 1 : 0;
            walk.scattered = net->d_stream[stream];
            alive = true;
        } else if (waiting) {
            walk.normalize = waiting;
            walk.normalize_g = waiting_g;
        }
        if (walk.normalize && waiting->info->in_quantizer != BD_QUANTIZER_INPUT) {
            int q = waiting->info->in_quantizer;
            walk.d_source = net->d_code_room;
            walk.d_source_stays = layer && layer->info->out_quantizer == q;
            if (!walk.d_source_stays) {
                net->d_code[q] = net->d_code_room;
            }
        }
        if (layer) {
            void **rooms = layer->stream ? net->d_stream : net->d_inner;
            const int room = layer->stream ? stream : 0;
            walk.gather_g = rooms[waiting_g == rooms[room] ? 1 - room : room];
        }
        if (layer && layer->info->writes_stream) {
            stream = alive ? stream : 1 - stream;
            walk.d_stream = alive ? net->d_stream[stream] : NULL;
            walk.gather_g = net->d_stream[stream];
            alive = layer->info->adds_stream;
        }
        status = bd_net_walk(net, &walk, err);
        add_up = walk.normalize && !waiting->once ? waiting : NULL;
        net->turn = !net->turn;
        if (!status && layer) {
            status = reduce_gradients(net, layer, s, err);
        }
        waiting = layer;
        waiting_g = walk.gather_g;
        unpool = NULL;
    }
    net->backward_count++;
    return status ? status : add_last_gradient(net, add_up, s, err);
}

/* The weight gradient of a layer that all switches share the accumulations of, from the sum of their d_a. */
static bd_status finish_once(struct bd_net *net, struct bd_net_layer *layer, struct bd_error *err)
{
    bd_status worst = BD_OK;
    int s = __builtin_ctz(net->switches);
#pragma omp parallel for schedule(dynamic, 1) num_threads(net->workers)
    for (int shard = 0; shard < net->shards; shard++) {
        struct bd_error here;
        int worker = omp_get_thread_num();
        bd_clock_begin(net, worker);
        double from = bd_clock(net);
        bd_status status = bd_net_weight_gradient(
            net, layer, s, shard, worker, layer->d_accumulation_sum + bd_image_at(layer, shard * net->shard), &here);
        bd_clock_phase(net, worker, BD_PHASE_WEIGHT_GRADIENT, from);
        bd_clock_end(net, worker);
        bd_net_count_convolution(net, layer, net->shard, BD_PHASE_WEIGHT_GRADIENT);
        if (status) {
#pragma omp critical(bd_net_walk)
            {
                worst = status;
                *err = here;
            }
        }
    }
    net->turn = !net->turn;
    return worst ? worst : add_last_gradient(net, layer, s, err);
}

bd_status bd_net_finish(struct bd_net *net, struct bd_error *err)
{
    bd_status status = BD_OK;
    for (int i = 0; i < net->graph->layer_count && !status; i++) {
        if (net->layers[i].once) {
            status = finish_once(net, &net->layers[i], err);
        }
    }
    for (size_t i = 0; i < net->parameter_count && !status; i++) {
        struct bd_parameter *p = &net->parameters[i];
        if (net->reducer.ranks > 1) {
            status = net->reducer.sum_floats(net->reducer.context, p->gradient, p->count, err);
        }
        if (p->switch_index < 0 && net->backward_count > 1) {
            for (size_t k = 0; k < p->count; k++) {
                p->gradient[k] /= net->backward_count;
            }
        }
    }
    return status;
}
