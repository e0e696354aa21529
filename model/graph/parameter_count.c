#include "model/graph/parameter_count.h"

void bd_layer_counts(const struct bd_layer *layer, struct bd_layer_counts *counts)
{
    *counts = (struct bd_layer_counts){0};
    if (!bd_layer_has_weights(layer)) {
        return;
    }
    counts->weights = (uint64_t)layer->out_channels * (uint64_t)(layer->in_channels / layer->groups) *
                      (uint64_t)layer->kernel_h * (uint64_t)layer->kernel_w;
    counts->macs = counts->weights * (uint64_t)layer->out_height * (uint64_t)layer->out_width;
    counts->biases = bd_layer_row(layer)->bias ? (uint64_t)layer->out_channels : 0;
    counts->norms = bd_layer_row(layer)->norm ? 2 * (uint64_t)layer->out_channels : 0;
}

static uint64_t bytes_of(uint64_t count, int bits)
{
    return (count * (uint64_t)bits + 7) / 8;
}

void bd_switch_counts(const struct bd_graph *graph, const struct bd_switch *sw, struct bd_switch_counts *counts)
{
    *counts = (struct bd_switch_counts){0};
    for (int l = 0; l < graph->layer_count; l++) {
        const struct bd_layer *layer = &graph->layers[l];
        struct bd_layer_counts own;
        bd_layer_counts(layer, &own);
        if (!own.weights) {
            continue;
        }
        const struct bd_quantizer *in = &graph->quantizers[layer->in_quantizer];
        const int weight_bits = bd_layer_weight_bits(layer, sw), in_bits = bd_quantizer_bits(in, sw);
        const bool outer = layer->in_quantizer == BD_QUANTIZER_INPUT || layer->kind == BD_LAYER_CLASSIFIER;
        counts->binary_macs += weight_bits == 1 && bd_quantizer_signed(in, sw) && !layer->averages ? own.macs : 0;
        counts->bit_ops += own.macs * (uint64_t)weight_bits * (uint64_t)in_bits;
        counts->weight_bytes += bytes_of(own.weights, weight_bits);
        counts->model_bytes += bytes_of(own.weights, outer ? 32 : weight_bits) + 4 * (own.norms + own.biases);
    }
}

void bd_graph_counts(const struct bd_graph *graph, struct bd_graph_counts *counts)
{
    *counts = (struct bd_graph_counts){0};
    for (int l = 0; l < graph->layer_count; l++) {
        struct bd_layer_counts own;
        bd_layer_counts(&graph->layers[l], &own);
        counts->parameters += own.weights + own.norms + own.biases;
        counts->private_parameters += own.norms;
        counts->macs += own.macs;
    }
}
