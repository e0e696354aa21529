#include "model/cost/pricer.h"

#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"

void bd_pricer_init(struct bd_pricer *pricer, const struct bd_graph *graph, const struct bd_hardware *hardware,
                    int switch_index)
{
    *pricer = (struct bd_pricer){.hardware = hardware, .base = graph, .switch_index = switch_index, .graph = *graph};
    size_t layers = (size_t)graph->layer_count * sizeof(*graph->layers);
    size_t quantizers = (size_t)graph->quantizer_count * sizeof(*graph->quantizers);
    pricer->graph.yaml_text = NULL;
    pricer->graph.layers = memcpy(bd_xmalloc(layers), graph->layers, layers);
    pricer->graph.quantizers = memcpy(bd_xmalloc(quantizers), graph->quantizers, quantizers);
    pricer->shape = bd_xcalloc(1, sizeof(*pricer->shape));
    pricer->cost = bd_xcalloc(1, sizeof(*pricer->cost));
}

void bd_pricer_release(struct bd_pricer *pricer)
{
    free(pricer->graph.layers);
    free(pricer->graph.quantizers);
    free(pricer->shape);
    free(pricer->cost);
    memset(pricer, 0, sizeof(*pricer));
}

/* Widths follow the prune groups; a reader has the channels of the quantizer that it reads. */
static void resize(struct bd_graph *graph, const int *group_channels)
{
    for (int l = 0; l < graph->layer_count; l++) {
        struct bd_layer *layer = &graph->layers[l];
        if (layer->prune_group >= 0) {
            layer->out_channels = group_channels[layer->prune_group];
        }
        if (bd_layer_reads_stream(layer)) {
            layer->in_channels = layer->out_channels;
        } else {
            layer->in_channels = graph->quantizers[layer->in_quantizer].channels;
        }
        if (layer->out_quantizer >= 0) {
            graph->quantizers[layer->out_quantizer].channels = layer->out_channels;
        }
    }
}

uint64_t bd_pricer_cycles(struct bd_pricer *pricer, const int *group_channels)
{
    struct bd_error err;
    resize(&pricer->graph, group_channels);
    if (bd_shape_graph(&pricer->graph, pricer->hardware, pricer->switch_index, pricer->shape, &err) != BD_OK) {
        return UINT64_MAX;
    }
    bd_cost_layers(&pricer->shape->header, pricer->shape->descriptors, (unsigned)pricer->switch_index,
                   &pricer->hardware->memory, false, pricer->cost);
    return pricer->cost->cycles;
}

size_t bd_pricer_grid(struct bd_pricer *pricer, int group, int least, int *counts)
{
    int channels[BD_MAX_LAYERS];
    size_t count = 0;
    for (int g = 0; g < pricer->base->prune_group_count; g++) {
        channels[g] = bd_graph_group_channels(pricer->base, g);
    }
    int full = channels[group];
    uint64_t above = UINT64_MAX;
    for (int c = full; c >= least && c >= 1; c--) { /* from the top: only the first of a price is kept */
        channels[group] = c;
        uint64_t price = bd_pricer_cycles(pricer, channels);
        if (c == full || price < above) {
            counts[count++] = c;
            above = price;
        }
    }
    for (size_t i = 0; i < count / 2; i++) {
        int t = counts[i];
        counts[i] = counts[count - 1 - i];
        counts[count - 1 - i] = t;
    }
    return count;
}
