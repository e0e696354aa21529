#include "model/cost/pricer.h"

#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"

bd_status bd_pricer_init(struct bd_pricer *pricer, const struct bd_graph *graph, const struct bd_hardware *hardware,
                         int switch_index, struct bd_error *err)
{
    *pricer = (struct bd_pricer){.graph = graph, .hardware = hardware};
    int switches[BD_PROGRAM_MAX_SWITCHES], at = 0;
    int count = bd_plain_switches(graph, switches);
    while (at < count && switches[at] != switch_index) {
        at++;
    }
    if (at == count) { /* asked for all the same: refused by its name */
        switches[at = 0] = switch_index;
        count = 1;
    }
    if (bd_plain_from_graph(&pricer->network, graph, switches, count, err) ||
        bd_plan_open(&pricer->plan, &pricer->network, hardware, false, err)) {
        return err->status;
    }
    pricer->at = at;
    pricer->cost = bd_xcalloc(1, sizeof(*pricer->cost));
    return BD_OK;
}

void bd_pricer_release(struct bd_pricer *pricer)
{
    bd_plan_release(&pricer->plan);
    bd_plain_release(&pricer->network);
    free(pricer->cost);
    memset(pricer, 0, sizeof(*pricer));
}

/* Widths follow the prune groups; a reader has the channels of what it reads. */
static void resize(struct bd_pricer *pricer, const int *group_channels)
{
    const struct bd_graph *graph = pricer->graph;
    int channels[BD_MAX_LAYERS + 1]; /* of code tensors */
    channels[BD_QUANTIZER_INPUT] = graph->input_channels;
    for (int l = 0; l < graph->layer_count; l++) {
        const struct bd_layer *layer = &graph->layers[l];
        struct bd_plain_layer *plain = &pricer->network.layers[l];
        plain->out_channels = layer->prune_group >= 0 ? group_channels[layer->prune_group] : layer->out_channels;
        plain->in_channels = bd_layer_reads_stream(layer) ? plain->out_channels : channels[layer->in_quantizer];
        plain->groups = layer->groups > 1 ? plain->in_channels : 1; /* depthwise: a filter a channel */
        if (layer->out_quantizer >= 0) {
            channels[layer->out_quantizer] = plain->out_channels;
        }
    }
}

bd_status bd_pricer_price(struct bd_pricer *pricer, const int *group_channels, struct bd_error *err)
{
    if (group_channels) {
        resize(pricer, group_channels);
    }
    if (bd_plan_make(&pricer->plan, err)) {
        return err->status;
    }
    bd_cost_layers(&pricer->plan.header, bd_plan_descriptor(&pricer->plan, pricer->at, 0), (unsigned)pricer->at,
                   &pricer->hardware->memory, false, &pricer->image, pricer->cost);
    return BD_OK;
}

uint64_t bd_pricer_cycles(struct bd_pricer *pricer, const int *group_channels)
{
    struct bd_error err;
    return bd_pricer_price(pricer, group_channels, &err) ? UINT64_MAX : pricer->cost->cycles;
}

size_t bd_pricer_grid(struct bd_pricer *pricer, int group, int least, int *counts)
{
    int channels[BD_MAX_LAYERS];
    size_t count = 0;
    for (int g = 0; g < pricer->graph->prune_group_count; g++) {
        channels[g] = bd_graph_group_channels(pricer->graph, g);
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
