/* The weights of a network on their way from latents to the convolutions, and their gradients on the way back. */
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/quant/quant.h"
#include "model/train/network/network_parts.h"

/* The set that a switch's weights are in: switches of the same bits and level share one. */
static int find_set(struct bd_net_layer *layer, int s)
{
    for (int i = 0; i < layer->set_count; i++) {
        int first = layer->sets[i].first;
        if (layer->rule[first].bits == layer->rule[s].bits && layer->level[first] == layer->level[s]) {
            return i;
        }
    }
    layer->sets = bd_xrealloc(layer->sets, layer->set_count + 1, sizeof *layer->sets);
    const bool quantized = layer->rule[s].bits <= 8, classifies = layer->info->kind == BD_LAYER_CLASSIFIER;
    layer->sets[layer->set_count] =
        (struct bd_net_set){.first = s,
                            .integers = quantized ? bd_xcalloc(layer->weight_count, sizeof(int16_t)) : NULL,
                            .factors = classifies ? bd_xcalloc(layer->weight_count, sizeof(float)) : NULL};
    return layer->set_count++;
}

/* How the weights are quantized at a switch, and the gradient of a level that is learned. */
static bd_status bind_switch(struct bd_net *net, struct bd_net_layer *layer, int s, struct bd_error *err)
{
    const struct bd_layer *info = layer->info;
    const struct bd_switch *sw = &net->graph->switches[s];
    char name[2 * BD_NAME_SIZE];
    if (bd_layer_weight_bits(info, sw) > 8) {
        layer->rule[s] = (struct bd_weight_rule){.bits = bd_layer_weight_bits(info, sw), .level = 1};
        layer->unit_count[s] = 1;
        layer->wscale[s] = &layer->one;
        return BD_OK;
    }
    if (bd_checkpoint_weight_rule(net->checkpoint, info, s, &layer->rule[s], err)) {
        return err->status;
    }
    layer->unit_count[s] = bd_checkpoint_unit_count(net->graph, info, sw);
    layer->wscale[s] = bd_checkpoint_find(net->checkpoint, "%s.%s.wscale", info->name, sw->name)->data;
    if (!bd_checkpoint_weight_level_name(net->graph, info, sw, name, sizeof name)) {
        return BD_OK;
    }
    layer->level[s] = bd_checkpoint_find(net->checkpoint, "%s", name)->data;
    if (net->graph->weights != BD_WEIGHTS_LSQ || !(net->switches >> s & 1)) {
        return BD_OK;
    }
    for (int before = 0; before < s; before++) {
        if (layer->d_level[before] && layer->level[before] == layer->level[s]) {
            layer->d_level[s] = layer->d_level[before]; /* fixed weight bits: one step for all switches */
            return BD_OK;
        }
    }
    layer->d_level[s] = bd_net_add_parameter(net, BD_PARAMETER_STEP, info->weight_bits ? -1 : s, 1, layer->level[s],
                                             NULL, info->name, "wstep");
    return BD_OK;
}

bd_status bd_net_open_weights(struct bd_net *net, struct bd_net_layer *layer, struct bd_error *err)
{
    layer->one = 1;
    layer->d_value = net->training ? bd_xcalloc(layer->weight_count, sizeof(float)) : NULL;
    for (int s = 0; s < net->graph->switch_count; s++) {
        if (bind_switch(net, layer, s, err)) {
            return err->status;
        }
        if (net->switches >> s & 1) {
            layer->set_of[s] = find_set(layer, s);
        }
    }
    return BD_OK;
}

void bd_net_close_weights(struct bd_net_layer *layer)
{
    for (int i = 0; i < layer->set_count; i++) {
        free(layer->sets[i].integers);
        free(layer->sets[i].factors);
        bd_intconv_release(&layer->sets[i].packed);
    }
    free(layer->sets);
    free(layer->d_value);
}

/* Of the weights as they stand: DoReFa's level, the integers of every set, and the units of its switches. */
static void quantize(struct bd_net *net, struct bd_net_layer *layer)
{
    const size_t channels = layer->info->out_channels, taps = layer->weight_count / channels;
    for (int i = 0; i < layer->set_count; i++) {
        struct bd_net_set *set = &layer->sets[i];
        if (!set->integers) {
            continue;
        }
        struct bd_weight_rule *rule = &layer->rule[set->first];
        if (net->training && rule->family == BD_WEIGHTS_DOREFA) {
            *layer->level[set->first] = bd_dorefa_peak(layer->weight, layer->weight_count);
        }
        rule->level = layer->level[set->first] ? *layer->level[set->first] : 1;
        bd_weight_integers(rule, layer->weight, channels, taps, set->integers,
                           net->training ? layer->wscale[set->first] : NULL);
    }
    for (int s = 0; net->training && s < net->graph->switch_count; s++) {
        int first = layer->sets[layer->set_of[s]].first;
        if (net->switches >> s & 1 && s != first && layer->rule[s].bits <= 8) {
            layer->rule[s].level = layer->rule[first].level;
            memcpy(layer->wscale[s], layer->wscale[first], layer->unit_count[s] * sizeof(float));
        }
    }
}

static float factor(const struct bd_net_layer *layer, const struct bd_net_set *set, size_t i)
{
    return set->integers ? set->integers[i] : layer->weight[i];
}

static void take_factors(struct bd_net_layer *layer)
{
    for (int i = 0; i < layer->set_count; i++) {
        for (size_t k = 0; layer->sets[i].factors && k < layer->weight_count; k++) {
            layer->sets[i].factors[k] = factor(layer, &layer->sets[i], k);
        }
    }
}

void bd_net_update_weights(struct bd_net *net)
{
#pragma omp parallel for schedule(dynamic, 1) num_threads(net->workers)
    for (int i = net->graph->layer_count - 1; i >= 0; i--) { /* the last layers are the largest */
        const int worker = omp_get_thread_num();
        bd_clock_begin(net, worker);
        const double from = bd_clock(net);
        if (bd_layer_has_weights(net->layers[i].info)) {
            quantize(net, &net->layers[i]);
            take_factors(&net->layers[i]);
        }
        bd_clock_phase(net, worker, BD_PHASE_WEIGHTS, from);
        bd_clock_end(net, worker);
    }
    net->laid_out = false;
}

/* Between (OC, IC / groups, KH, KW) and the same with whole blocks of input channels. */
static size_t filter_size(const struct bd_net_layer *layer)
{
    return layer->weight_count / layer->info->out_channels;
}

/* Taps of the convolutions for each weight. */
static size_t spread(const struct bd_net_layer *layer)
{
    return (size_t)bd_layer_side(layer->info) * bd_layer_side(layer->info);
}

static size_t padded_filter_size(const struct bd_net_layer *layer)
{
    const struct bd_layer *info = layer->info;
    return (size_t)(info->groups > 1 ? 1 : layer->in_padded) * info->kernel_h * info->kernel_w * spread(layer);
}

static void pack(struct bd_net_layer *layer, struct bd_net_set *set)
{
    const size_t taps = spread(layer);
    int16_t *spread_out = taps > 1 ? bd_xcalloc(layer->weight_count, taps * sizeof *spread_out) : NULL;
    for (size_t i = 0; spread_out && i < layer->weight_count * taps; i++) {
        spread_out[i] = set->integers[i / taps];
    }
    bd_intconv_pack(&layer->shape, spread_out ? spread_out : set->integers, &set->packed);
    free(spread_out);
}

/* True when some running switch of the set needs the float convolution forward. */
static bool float_forward(const struct bd_net *net, const struct bd_net_layer *layer, int set)
{
    for (int s = 0; s < net->graph->switch_count; s++) {
        if (net->switches >> s & 1 && layer->set_of[s] == set && !bd_net_in_integers(net, layer, s)) {
            return true;
        }
    }
    return false;
}

static bd_status lay_out(struct bd_net *net, struct bd_net_layer *layer, struct bd_error *err)
{
    bd_status status = BD_OK;
    for (int i = 0; i < layer->set_count && !status; i++) {
        struct bd_net_set *set = &layer->sets[i];
        bool forward = float_forward(net, layer, i);
        if (net->integer && set->integers) {
            pack(layer, set);
        }
        if (!forward && !net->training) {
            continue;
        }
        for (int o = 0; o < layer->info->out_channels; o++) {
            float *to = layer->plain + o * padded_filter_size(layer);
            for (size_t k = 0, taps = spread(layer); k < filter_size(layer) * taps; k++) {
                to[k] = factor(layer, set, o * filter_size(layer) + k / taps);
            }
        }
        status = bd_conv_set_weights(layer->conv, i, layer->plain, forward, err);
    }
    return status;
}

bd_status bd_net_lay_out_weights(struct bd_net *net, struct bd_error *err)
{
    bd_status worst = BD_OK;
#pragma omp parallel for schedule(dynamic, 1) num_threads(net->workers)
    for (int i = net->graph->layer_count - 1; i >= 0; i--) {
        struct bd_error here;
        struct bd_net_layer *layer = &net->layers[i];
        const int worker = omp_get_thread_num();
        bd_clock_begin(net, worker);
        const double from = bd_clock(net);
        bd_status status = layer->conv && !net->laid_out ? lay_out(net, layer, &here) : BD_OK;
        bd_clock_phase(net, worker, BD_PHASE_WEIGHTS, from);
        bd_clock_end(net, worker);
        if (status) {
#pragma omp critical(bd_net_walk)
            {
                worst = status;
                *err = here;
            }
        }
    }
    net->laid_out = !worst;
    return worst;
}

void bd_net_add_value_gradient(struct bd_net_layer *layer, int s)
{
    double d_level;
    bd_weight_gradient(&layer->rule[s], layer->weight, layer->d_value, layer->weight_count, layer->d_value, &d_level);
    for (size_t i = 0; i < layer->weight_count; i++) {
        layer->d_weight[i] += layer->d_value[i];
    }
    if (layer->d_level[s]) {
        *layer->d_level[s] += d_level;
    }
}

bd_status bd_net_add_weight_gradient(struct bd_net *net, struct bd_net_layer *layer, int s, float *d_shards, int worker,
                                     struct bd_error *err)
{
    enum { PIECE = 1024 };
    double from = bd_clock(net);
    const size_t count = bd_conv_gradient_count(layer->conv);
    for (size_t at = 0; at < count; at += PIECE) {
        bd_kernel_add_up(d_shards + at, net->shards, count, count - at < PIECE ? count - at : PIECE);
    }
    bd_status status = bd_conv_plain_gradient(layer->conv, d_shards, layer->plain, err);
    for (int o = 0; o < layer->info->out_channels && !status; o++) {
        const float *values = layer->plain + o * padded_filter_size(layer);
        float *to = layer->d_value + o * filter_size(layer);
        const float gain = 1 / layer->wscale[s][layer->unit_count[s] == 1 ? 0 : o];
        for (size_t i = 0, taps = spread(layer); i < filter_size(layer); i++) {
            float sum = 0;
            for (size_t t = 0; t < taps; t++) {
                sum += values[i * taps + t];
            }
            to[i] = gain * sum;
        }
    }
    if (!status) {
        bd_net_add_value_gradient(layer, s);
    }
    bd_clock_phase(net, worker, BD_PHASE_WEIGHTS, from);
    return status;
}
