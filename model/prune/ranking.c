#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/core/rng.h"
#include "model/prune/prune.h"

/* Layers that write a group's channels and hold weights. */
static int group_layers(const struct bd_graph *graph, int group, int *layers)
{
    int count = 0;
    for (int l = 0; l < graph->layer_count; l++) {
        if (graph->layers[l].prune_group == group && bd_layer_row(&graph->layers[l])->norm) {
            layers[count++] = l;
        }
    }
    return count;
}

static size_t filter_size(const struct bd_layer *layer)
{
    return (size_t)(layer->in_channels / layer->groups) * (size_t)layer->kernel_h * (size_t)layer->kernel_w;
}

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
    size_t n = (size_t)layer->out_channels, size = filter_size(layer);
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

static bd_status order_by_redundancy(const struct bd_checkpoint *checkpoint, const int *layers, int layer_count,
                                     size_t n, int *order, struct bd_error *err)
{
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

/* ---- baselines: a score a channel, the least given up first ---- */

static double l1_norm(const float *filters, size_t n, size_t size, size_t i)
{
    (void)n;
    double sum = 0.0;
    for (size_t k = 0; k < size; k++) {
        sum += fabs((double)filters[i * size + k]);
    }
    return sum / (double)size;
}

static double distance_to_all(const float *filters, size_t n, size_t size, size_t i)
{
    double total = 0.0;
    for (size_t j = 0; j < n; j++) {
        double sum = 0.0;
        for (size_t k = 0; k < size; k++) {
            double d = (double)filters[i * size + k] - (double)filters[j * size + k];
            sum += d * d;
        }
        total += sqrt(sum);
    }
    return total;
}

static void order_by_score(size_t n, const double *score, int *order)
{
    for (size_t i = 0; i < n; i++) {
        order[i] = (int)i;
        for (size_t k = i; k > 0 && score[order[k]] < score[order[k - 1]]; k--) {
            int t = order[k];
            order[k] = order[k - 1];
            order[k - 1] = t;
        }
    }
}

static bd_status score_latent(const struct bd_checkpoint *checkpoint, const int *layers, int layer_count, size_t n,
                              enum bd_ranking ranking, double *score, struct bd_error *err)
{
    for (int k = 0; k < layer_count; k++) {
        const struct bd_layer *layer = &checkpoint->graph.layers[layers[k]];
        const struct bd_array *weight = bd_checkpoint_find(checkpoint, "%s.weight", layer->name);
        size_t size = filter_size(layer);
        if (!weight || (size_t)weight->count != n * size) {
            return bd_fail(err, BD_BAD_INPUT, "the checkpoint has no whole '%s.weight'", layer->name);
        }
        double mean = 0.0; /* layers of a group count alike, whatever their scale */
        double *part = bd_xcalloc(n, sizeof(*part));
        for (size_t i = 0; i < n; i++) {
            part[i] = (ranking == BD_RANK_FPGM ? distance_to_all : l1_norm)(weight->data, n, size, i);
            mean += part[i] / (double)n;
        }
        for (size_t i = 0; i < n; i++) {
            score[i] += part[i] / fmax(mean, 1e-30);
        }
        free(part);
    }
    return BD_OK;
}

bd_status bd_prune_order(const struct bd_checkpoint *checkpoint, int group, enum bd_ranking ranking, uint64_t seed,
                         int *order, struct bd_error *err)
{
    int layers[BD_MAX_LAYERS], layer_count = group_layers(&checkpoint->graph, group, layers);
    size_t n = (size_t)bd_graph_group_channels(&checkpoint->graph, group);
    if (layer_count == 0) {
        return bd_fail(err, BD_BAD_INPUT, "network '%s' has no prune group %d", checkpoint->graph.name, group);
    }
    if (ranking == BD_RANK_REDUNDANCY) {
        return order_by_redundancy(checkpoint, layers, layer_count, n, order, err);
    }
    double *score = bd_xcalloc(n, sizeof(*score));
    bd_status status = BD_OK;
    if (ranking == BD_RANK_RANDOM) {
        struct bd_rng rng;
        bd_rng_seed(&rng, seed * 1000003u + (uint64_t)group);
        for (size_t i = 0; i < n; i++) {
            score[i] = bd_rng_uniform(&rng);
        }
    } else {
        status = score_latent(checkpoint, layers, layer_count, n, ranking, score, err);
    }
    order_by_score(n, score, order);
    free(score);
    return status;
}
