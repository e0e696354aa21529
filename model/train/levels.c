#include "model/train/levels.h"

#include <stdlib.h>

#include "model/core/memory.h"

static int bins_of(int bits)
{
    return bits == 32 ? 0 : bits > 4 ? BD_LEVEL_BINS : 1 << bits;
}

static void to_parts(double *bins, int count)
{
    double sum = 0;
    for (int i = 0; i < count; i++) {
        sum += bins[i];
    }
    for (int i = 0; i < count && sum > 0; i++) {
        bins[i] /= sum;
    }
}

/* Integer weights are the odd numbers -(2^bits - 1) .. 2^bits - 1 in every family. */
static void count_weights(const struct bd_net *net, const struct bd_graph *graph, int s, int bits, double *bins)
{
    for (int l = 0; l < graph->layer_count; l++) {
        const struct bd_layer *layer = &graph->layers[l];
        if (!bd_layer_has_weights(layer) || layer->weight_bits) {
            continue;
        }
        const int16_t *odd = bd_net_weight_integers(net, l, s);
        size_t count = (size_t)layer->out_channels * (layer->in_channels / layer->groups) * layer->kernel_h *
                       layer->kernel_w;
        for (size_t i = 0; i < count; i++) {
            int level = (odd[i] + (1 << bits) - 1) / 2;
            bins[bits > 4 ? level >> (bits - 4) : level]++;
        }
    }
}

static void count_activations(const struct bd_net *net, const struct bd_graph *graph, int s, int bits, int batch,
                              double *bins)
{
    for (int q = 1; q < graph->quantizer_count; q++) {
        const struct bd_quantizer *info = &graph->quantizers[q];
        if (info->bits || graph->layers[bd_graph_producer(graph, q)].kind == BD_LAYER_POOL) {
            continue;
        }
        bool is_signed = bd_quantizer_signed(info, &graph->switches[s]);
        size_t count = (size_t)batch * info->channels * info->height * info->width;
        int16_t *codes = bd_xcalloc(count, sizeof *codes);
        bd_net_codes(net, q, s, codes);
        for (size_t i = 0; i < count; i++) {
            int level = is_signed ? (codes[i] + 1) / 2 : codes[i];
            bins[bits > 4 ? level >> (bits - 4) : level]++;
        }
        free(codes);
    }
}

struct bd_levels bd_levels_count(const struct bd_net *net, const struct bd_graph *graph, int s, int batch)
{
    const struct bd_switch *sw = &graph->switches[s];
    struct bd_levels levels = {bins_of(sw->weight_bits), bins_of(sw->activation_bits), {0}, {0}};
    if (levels.weight_bins) {
        count_weights(net, graph, s, sw->weight_bits, levels.weights);
        to_parts(levels.weights, levels.weight_bins);
    }
    if (levels.activation_bins) {
        count_activations(net, graph, s, sw->activation_bits, batch, levels.activations);
        to_parts(levels.activations, levels.activation_bins);
    }
    return levels;
}
