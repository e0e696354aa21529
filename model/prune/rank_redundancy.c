/* Redundancy: two filters' distance is the mean over the switches of sum |W_f - W_g| / sum of the largest possible, W
 * the switch's integer weights (Hamming distance at 1 bit), or the same to -W_g where that is less, for the batch norm
 * that follows every convolution absorbs a sign; over a group of several layers, their mean. The channel of the closest
 * pair that is nearer to the rest is given up, and so on. Ties go to the higher channel. */
#include <math.h>
#include <stdlib.h>

#include "model/core/memory.h"
#include "model/prune/ranking_parts.h"

static int weight_value(uint8_t c8, int bits)
{
    return 2 * (c8 >> (8 - bits)) + 1 - (1 << bits);
}

/* Distance of two filters at some width, 0..1: the lesser of that to g and that to -g. */
static double code_distance(const uint8_t *f, const uint8_t *g, size_t size, int bits)
{
    int64_t same = 0, opposite = 0;
    for (size_t i = 0; i < size; i++) {
        int a = weight_value(f[i], bits), b = weight_value(g[i], bits);
        same += abs(a - b);
        opposite += abs(a + b);
    }
    int64_t least = same < opposite ? same : opposite;
    return (double)least / ((double)size * 2.0 * (double)((1 << bits) - 1));
}

/* Adds a layer's share to distance (n, n). */
static bd_status add_layer_distance(const struct bd_checkpoint *checkpoint, const struct bd_layer *layer, double share,
                                    double *distance, struct bd_error *err)
{
    const struct bd_graph *graph = &checkpoint->graph;
    if (layer->weight_bits > 8) {
        return bd_fail(err, BD_BAD_INPUT, "layer '%s' has float weights: it has no codes to rank", layer->name);
    }
    size_t n = (size_t)layer->out_channels, size = bd_filter_size(layer);
    uint8_t *codes = bd_xcalloc(n, size);
    bd_status status = BD_OK;
    int uses[9] = {0}; /* switches at each width of weights; with steps of their own each counts for itself */
    for (int s = 0; s < graph->switch_count; s++) {
        uses[bd_layer_weight_bits(layer, &graph->switches[s])]++;
    }
    for (int s = graph->switch_count - 1; s >= 0 && status == BD_OK; s--) {
        const int bits = bd_layer_weight_bits(layer, &graph->switches[s]);
        const bool alone = graph->weights == BD_WEIGHTS_LSQ;
        if (!uses[bits]) {
            continue; /* another switch of this width stood for all */
        }
        double weight = share * (alone ? 1 : uses[bits]) / graph->switch_count;
        uses[bits] = alone ? uses[bits] : 0;
        status = bd_checkpoint_codes(checkpoint, layer, s, codes, err);
        for (size_t i = 0; i < n && status == BD_OK; i++) {
            for (size_t j = 0; j < i; j++) {
                double d = weight * code_distance(codes + i * size, codes + j * size, size, bits);
                distance[i * n + j] += d;
                distance[j * n + i] += d;
            }
        }
    }
    free(codes);
    return status;
}

/* Channel to give up next: of the closest pair, the one nearer to all others. */
static size_t most_redundant(size_t n, const double *distance, const bool *gone)
{
    size_t pair[2] = {n, n};
    double closest = HUGE_VAL, sum[2] = {0, 0};
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < i && !gone[i]; j++) {
            if (!gone[j] && distance[i * n + j] < closest) {
                closest = distance[i * n + j];
                pair[0] = i;
                pair[1] = j;
            }
        }
    }
    for (size_t k = 0; k < n; k++) {
        if (!gone[k]) {
            sum[0] += distance[pair[0] * n + k];
            sum[1] += distance[pair[1] * n + k];
        }
    }
    return sum[1] < sum[0] ? pair[1] : pair[0];
}

static bd_status order_group(const struct bd_checkpoint *checkpoint, int group, int *order, struct bd_error *err)
{
    int layers[BD_MAX_LAYERS];
    const int layer_count = bd_group_layers(&checkpoint->graph, group, layers);
    const size_t n = (size_t)bd_graph_group_channels(&checkpoint->graph, group);
    double *distance = bd_xcalloc(n * n, sizeof(*distance));
    bool *gone = bd_xcalloc(n, sizeof(*gone));
    bd_status status = BD_OK;
    for (int k = 0; k < layer_count && status == BD_OK; k++) {
        status = add_layer_distance(checkpoint, &checkpoint->graph.layers[layers[k]], 1.0 / layer_count, distance, err);
    }
    for (size_t k = 0; k + 1 < n && status == BD_OK; k++) {
        size_t next = most_redundant(n, distance, gone);
        gone[next] = true;
        order[k] = (int)next;
    }
    for (size_t i = 0; i < n; i++) {
        if (!gone[i]) {
            order[n - 1] = (int)i; /* the one that is left; on failure the order does not matter */
        }
    }
    free(distance);
    free(gone);
    return status;
}

bd_status bd_order_by_redundancy(const struct bd_ranking_source *source, int **orders, struct bd_error *err)
{
    bd_status status = BD_OK;
    for (int g = 0; g < source->checkpoint->graph.prune_group_count && status == BD_OK; g++) {
        status = order_group(source->checkpoint, g, orders[g], err);
    }
    return status;
}

bd_status bd_order_by_reversed(const struct bd_ranking_source *source, int **orders, struct bd_error *err)
{
    const struct bd_graph *graph = &source->checkpoint->graph;
    bd_status status = bd_order_by_redundancy(source, orders, err);
    for (int g = 0; g < graph->prune_group_count && status == BD_OK; g++) {
        const int n = bd_graph_group_channels(graph, g);
        for (int i = 0; i < n / 2; i++) {
            const int t = orders[g][i];
            orders[g][i] = orders[g][n - 1 - i];
            orders[g][n - 1 - i] = t;
        }
    }
    return status;
}
