/* The weights of a network on their way from latents to the convolutions, and their gradients on the way back. */
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/quant/quant.h"
#include "model/train/network_parts.h"

/* The set that a switch's weights are in: switches of the same bits share one. */
static int find_set(struct bd_net_layer *layer, int bits)
{
    for (int i = 0; i < layer->set_count; i++) {
        if (layer->sets[i].bits == bits) {
            return i;
        }
    }
    layer->sets = bd_xrealloc(layer->sets, layer->set_count + 1, sizeof *layer->sets);
    layer->sets[layer->set_count] =
        (struct bd_net_set){.bits = bits, .integers = bd_xcalloc(layer->weight_count, sizeof(int16_t))};
    return layer->set_count++;
}

void bd_net_open_weights(struct bd_net *net, struct bd_net_layer *layer)
{
    layer->codes = bd_xcalloc(layer->weight_count, 1);
    for (int s = 0; s < net->graph->switch_count; s++) {
        if (net->switches >> s & 1) {
            layer->set_of[s] = find_set(layer, bd_layer_weight_bits(layer->info, &net->graph->switches[s]));
        }
    }
}

void bd_net_close_weights(struct bd_net_layer *layer)
{
    for (int i = 0; i < layer->set_count; i++) {
        free(layer->sets[i].integers);
        bd_intconv_release(&layer->sets[i].packed);
    }
    free(layer->sets);
    free(layer->codes);
}

static void quantize(struct bd_net *net, struct bd_net_layer *layer)
{
    bd_weight_codes(layer->weight, layer->weight_count, *layer->scale, layer->codes);
    for (int i = 0; i < layer->set_count; i++) {
        for (size_t k = 0; k < layer->weight_count; k++) {
            layer->sets[i].integers[k] = bd_weight_odd(layer->codes[k], layer->sets[i].bits);
        }
    }
    for (int s = 0; net->training && s < net->graph->switch_count; s++) {
        int bits = bd_layer_weight_bits(layer->info, &net->graph->switches[s]);
        *layer->wscale[s] = bd_weight_scale(layer->codes, layer->weight_count, *layer->scale, bits);
    }
}

void bd_net_update_weights(struct bd_net *net)
{
    double from = bd_clock(net);
#pragma omp parallel for schedule(dynamic, 1) num_threads(net->workers)
    for (int i = 0; i < net->graph->layer_count; i++) {
        if (bd_layer_has_weights(net->layers[i].info)) {
            quantize(net, &net->layers[i]);
        }
    }
    net->laid_out = false;
    bd_clock_phase(net, 0, BD_PHASE_WEIGHTS, from);
}

/* Between (OC, IC / groups, KH, KW) and the same with whole blocks of input channels. */
static size_t filter_size(const struct bd_net_layer *layer)
{
    return layer->weight_count / layer->info->out_channels;
}

static size_t padded_filter_size(const struct bd_net_layer *layer)
{
    const struct bd_layer *info = layer->info;
    return (size_t)(info->groups > 1 ? 1 : layer->in_padded) * info->kernel_h * info->kernel_w;
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
        if (net->integer) {
            bd_intconv_pack(&layer->shape, set->integers, &set->packed);
        }
        if (!forward && !net->training) {
            continue;
        }
        for (int o = 0; o < layer->info->out_channels; o++) {
            const int16_t *from = set->integers + o * filter_size(layer);
            float *to = layer->plain + o * padded_filter_size(layer);
            for (size_t k = 0; k < filter_size(layer); k++) {
                to[k] = from[k];
            }
        }
        status = bd_conv_set_weights(layer->conv, i, layer->plain, forward, err);
    }
    return status;
}

bd_status bd_net_lay_out_weights(struct bd_net *net, struct bd_error *err)
{
    bd_status worst = BD_OK;
    double from = bd_clock(net);
#pragma omp parallel for schedule(dynamic, 1) num_threads(net->workers)
    for (int i = 0; i < net->graph->layer_count; i++) {
        struct bd_error here;
        struct bd_net_layer *layer = &net->layers[i];
        bd_status status = layer->conv && !net->laid_out ? lay_out(net, layer, &here) : BD_OK;
        if (status) {
#pragma omp critical(bd_net_walk)
            {
                worst = status;
                *err = here;
            }
        }
    }
    net->laid_out = !worst;
    bd_clock_phase(net, 0, BD_PHASE_WEIGHTS, from);
    return worst;
}

bd_status bd_net_add_weight_gradient(struct bd_net *net, struct bd_net_layer *layer, float gain, struct bd_error *err)
{
    enum { PIECE = 1024 };
    double from = bd_clock(net);
    size_t count = bd_conv_gradient_count(layer->conv);
    int pieces = (count + PIECE - 1) / PIECE;
#pragma omp parallel for num_threads(net->workers)
    for (int i = 0; i < pieces; i++) {
        size_t at = (size_t)i * PIECE;
        bd_kernel_add_up(layer->d_shards + at, net->shards, count, count - at < PIECE ? count - at : PIECE);
    }
    bd_status status = bd_conv_plain_gradient(layer->conv, layer->d_shards, layer->plain, err);
    for (int o = 0; o < layer->info->out_channels && !status; o++) {
        const float *values = layer->plain + o * padded_filter_size(layer);
        float *to = layer->d_weight + o * filter_size(layer);
        for (size_t i = 0; i < filter_size(layer); i++) {
            to[i] += gain * values[i];
        }
    }
    bd_clock_phase(net, 0, BD_PHASE_WEIGHTS, from);
    return status;
}
