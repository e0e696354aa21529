#include "model/prune/prices.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/graph/parameter_count.h"

bd_status bd_prices_init(struct bd_prices *prices, const struct bd_graph *graph, const struct bd_hardware *hardware,
                         int switch_index, struct bd_error *err)
{
    *prices = (struct bd_prices){.graph = graph, .switch_index = switch_index};
    prices->layers = bd_xcalloc((size_t)graph->layer_count, sizeof *prices->layers);
    if (bd_pricer_init(&prices->clocks, graph, hardware, switch_index, err) ||
        bd_pricer_init(&prices->energy, graph, hardware, switch_index, err) ||
        bd_pricer_price(&prices->clocks, NULL, err)) {
        return err->status;
    }
    int full[BD_MAX_LAYERS];
    for (int g = 0; g < graph->prune_group_count; g++) {
        full[g] = bd_graph_group_channels(graph, g);
    }
    for (enum bd_price price = 0; price < BD_PRICES; price++) {
        prices->whole[price] = bd_prices_of(prices, price, full);
    }
    return BD_OK;
}

void bd_prices_release(struct bd_prices *prices)
{
    bd_pricer_release(&prices->clocks);
    bd_pricer_release(&prices->energy);
    free(prices->layers);
    memset(prices, 0, sizeof *prices);
}

/* The layers with other widths: a reader has the channels of what it reads. */
static void resize(struct bd_prices *prices, const int *group_channels)
{
    const struct bd_graph *graph = prices->graph;
    int channels[BD_MAX_LAYERS + 1]; /* of code tensors */
    memcpy(prices->layers, graph->layers, (size_t)graph->layer_count * sizeof *prices->layers);
    channels[BD_QUANTIZER_INPUT] = graph->input_channels;
    for (int l = 0; l < graph->layer_count; l++) {
        struct bd_layer *layer = &prices->layers[l];
        if (layer->prune_group >= 0) {
            layer->out_channels = group_channels[layer->prune_group];
        }
        layer->in_channels = bd_layer_reads_stream(layer) ? layer->out_channels : channels[layer->in_quantizer];
        layer->groups = layer->groups > 1 ? layer->in_channels : 1; /* depthwise: a filter a channel */
        if (layer->out_quantizer >= 0) {
            channels[layer->out_quantizer] = layer->out_channels;
        }
    }
}

static double bytes_of(struct bd_prices *prices, const int *group_channels)
{
    struct bd_graph resized = *prices->graph;
    struct bd_switch_counts counts;
    resize(prices, group_channels);
    resized.layers = prices->layers;
    bd_switch_counts(&resized, &resized.switches[prices->switch_index], &counts);
    return (double)counts.model_bytes;
}

double bd_prices_of(struct bd_prices *prices, enum bd_price price, const int *group_channels)
{
    struct bd_error err;
    if (price == BD_PRICE_BYTES) {
        return bytes_of(prices, group_channels);
    }
    if (price == BD_PRICE_ENERGY) {
        return bd_pricer_price(&prices->energy, group_channels, &err) ? HUGE_VAL : prices->energy.cost->energy_nj;
    }
    const uint64_t clocks = bd_pricer_cycles(&prices->clocks, group_channels);
    return clocks == UINT64_MAX ? HUGE_VAL : (double)clocks;
}

size_t bd_prices_grid(struct bd_prices *prices, enum bd_price price, int group, int least, int *counts)
{
    if (price != BD_PRICE_BYTES) {
        return bd_pricer_grid(&prices->clocks, group, least, counts);
    }
    size_t count = 0;
    for (int c = least; c <= bd_graph_group_channels(prices->graph, group); c++) {
        counts[count++] = c;
    }
    return count;
}
