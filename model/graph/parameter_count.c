#include "model/graph/parameter_count.h"

void bd_layer_account(const struct bd_layer *layer, struct bd_layer_account *account)
{
    *account = (struct bd_layer_account){0};
    if (!bd_layer_has_weights(layer)) {
        return;
    }
    account->weights = (uint64_t)layer->out_channels * (uint64_t)(layer->in_channels / layer->groups) *
                       (uint64_t)layer->kernel_h * (uint64_t)layer->kernel_w;
    account->macs = account->weights * (uint64_t)layer->out_height * (uint64_t)layer->out_width;
    if (layer->kind == BD_LAYER_CLASSIFIER) {
        account->biases = (uint64_t)layer->out_channels;
    } else {
        account->norms = 2 * (uint64_t)layer->out_channels;
    }
}

static uint64_t bytes_of(uint64_t count, int bits)
{
    return (count * (uint64_t)bits + 7) / 8;
}

void bd_switch_account(const struct bd_graph *graph, const struct bd_switch *sw, struct bd_switch_account *account)
{
    *account = (struct bd_switch_account){0};
    for (int l = 0; l < graph->layer_count; l++) {
        const struct bd_layer *layer = &graph->layers[l];
        struct bd_layer_account own;
        bd_layer_account(layer, &own);
        if (!own.weights) {
            continue;
        }
        const struct bd_quantizer *in = &graph->quantizers[layer->in_quantizer];
        const int weight_bits = bd_layer_weight_bits(layer, sw), in_bits = bd_quantizer_bits(in, sw);
        const bool outer = layer->in_quantizer == BD_QUANTIZER_INPUT || layer->kind == BD_LAYER_CLASSIFIER;
        account->binary_macs += weight_bits == 1 && bd_quantizer_signed(in, sw) && !layer->averages ? own.macs : 0;
        account->bit_ops += own.macs * (uint64_t)weight_bits * (uint64_t)in_bits;
        account->weight_bytes += bytes_of(own.weights, weight_bits);
        account->model_bytes += bytes_of(own.weights, outer ? 32 : weight_bits) + 4 * (own.norms + own.biases);
    }
}

void bd_graph_account(const struct bd_graph *graph, struct bd_graph_account *account)
{
    *account = (struct bd_graph_account){0};
    for (int l = 0; l < graph->layer_count; l++) {
        struct bd_layer_account own;
        bd_layer_account(&graph->layers[l], &own);
        account->parameters += own.weights + own.norms + own.biases;
        account->private_parameters += own.norms;
        account->macs += own.macs;
    }
}
