/* The widths of a trial's points, and what a network of such widths costs. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/core/rng.h"
#include "model/prune/trial_parts.h"

/* Products times the bits of both sides, at the budget's switch. */
static double bit_operations(const struct bd_trial *trial, const int *channels)
{
    const struct bd_graph *graph = &trial->base.graph;
    const struct bd_switch *sw = &graph->switches[trial->budget_switch];
    double total = 0.0;
    for (int l = 0; l < graph->layer_count; l++) {
        const struct bd_layer *layer = &graph->layers[l];
        if (!bd_layer_has_weights(layer)) {
            continue;
        }
        const int producer = bd_graph_producer(graph, layer->in_quantizer);
        const int before = producer < 0 ? -1 : graph->layers[producer].prune_group, side = bd_layer_side(layer);
        const double out = layer->prune_group < 0 ? layer->out_channels : channels[layer->prune_group];
        const double in = layer->groups > 1 ? 1 : before < 0 ? layer->in_channels : channels[before];
        total += out * in * side * side * layer->kernel_h * layer->kernel_w * layer->out_height * layer->out_width *
                 bd_layer_weight_bits(layer, sw) * bd_quantizer_bits(&graph->quantizers[layer->in_quantizer], sw);
    }
    return total;
}

static double price(struct bd_trial *trial, const int *channels)
{
    if (!trial->in_clocks) {
        return bit_operations(trial, channels);
    }
    const uint64_t cycles = bd_pricer_cycles(&trial->pricer, channels);
    return cycles == UINT64_MAX ? HUGE_VAL : (double)cycles;
}

/* Counts that a group may have: those that the hardware tells apart, or eighths. */
static int grid(struct bd_trial *trial, int group, int *counts)
{
    const int full = bd_graph_group_channels(&trial->base.graph, group), least = full / 4 > 1 ? full / 4 : 1;
    if (trial->in_clocks) {
        return (int)bd_pricer_grid(&trial->pricer, group, least, counts);
    }
    int count = 0;
    for (int k = 1; k <= 8; k++) {
        const int value = full * k / 8;
        if (value >= least && (!count || value > counts[count - 1])) {
            counts[count++] = value;
        }
    }
    return count;
}

static int nearest(const int *counts, int count, double wanted)
{
    int best = 0;
    for (int i = 1; i < count; i++) {
        best = fabs(counts[i] - wanted) < fabs(counts[best] - wanted) ? i : best;
    }
    return counts[best];
}

/* Parts of each group drawn from 0.25 .. 1 and raised to one power, the least at which the price is within the budget.
 */
static bool draw(struct bd_trial *trial, struct bd_rng *rng, int *const *counts, const int *count, double budget,
                 struct bd_trial_point *point)
{
    const struct bd_graph *graph = &trial->base.graph;
    double part[BD_MAX_LAYERS], low = 0.0, high = 16.0;
    for (int g = 0; g < graph->prune_group_count; g++) {
        part[g] = 0.25 + 0.75 * bd_rng_uniform(rng);
    }
    for (int step = 0; step < 24; step++) {
        const double power = step == 23 ? high : (low + high) / 2;
        for (int g = 0; g < graph->prune_group_count; g++) {
            const int full = bd_graph_group_channels(graph, g);
            point->channels[g] = nearest(counts[g], count[g], full * pow(part[g], power));
        }
        point->price = price(trial, point->channels);
        *(point->price <= budget ? &high : &low) = power;
    }
    return point->price <= budget && point->price >= 0.95 * budget;
}

static bd_status draw_points(struct bd_trial *trial, int *const *counts, const int *count, struct bd_error *err)
{
    const struct bd_graph *graph = &trial->base.graph;
    const struct bd_trial_config *c = &trial->config;
    for (int i = 0; i < trial->point_count; i++) {
        struct bd_trial_point *point = &trial->points[i];
        struct bd_rng rng;
        bool found = false;
        point->budget = i / c->points;
        point->number = i % c->points;
        point->channels = bd_xcalloc((size_t)graph->prune_group_count, sizeof(int));
        const uint64_t part = (uint64_t)llround(1e6 * c->budgets[point->budget]);
        bd_rng_seed(&rng, ((uint64_t)c->seed * 1000003u + part) * 1000003u + (uint64_t)point->number);
        for (int attempt = 0; attempt < 1000 && !found; attempt++) {
            found = draw(trial, &rng, counts, count, c->budgets[point->budget] * trial->whole, point);
        }
        if (!found) {
            return bd_fail(err, BD_BAD_INPUT, "no widths of '%s' were found whose price is within 5 %% below %g of it",
                           graph->name, c->budgets[point->budget]);
        }
    }
    return BD_OK;
}

bd_status bd_trial_price(struct bd_trial *trial, struct bd_error *err)
{
    const struct bd_graph *graph = &trial->base.graph;
    int full[BD_MAX_LAYERS];
    for (int g = 0; g < graph->prune_group_count; g++) {
        full[g] = bd_graph_group_channels(graph, g);
    }
    trial->in_clocks = bd_pricer_init(&trial->pricer, graph, &trial->hardware, trial->budget_switch, err) == BD_OK &&
                       bd_pricer_price(&trial->pricer, NULL, err) == BD_OK;
    if (!trial->in_clocks) {
        trial->refusal = bd_xstrdup(err->message);
    }
    trial->whole = price(trial, full);
    return BD_OK;
}

bd_status bd_trial_draw(struct bd_trial *trial, struct bd_error *err)
{
    const struct bd_graph *graph = &trial->base.graph;
    const size_t groups = (size_t)graph->prune_group_count;
    int **counts = bd_orders_new(graph), *count = bd_xcalloc(groups, sizeof(*count));
    for (size_t g = 0; g < groups; g++) {
        count[g] = grid(trial, (int)g, counts[g]);
    }
    trial->point_count = trial->config.budget_count * trial->config.points;
    trial->points = bd_xcalloc((size_t)trial->point_count, sizeof(*trial->points));
    bd_status status = draw_points(trial, counts, count, err);
    bd_orders_free(graph, counts);
    free(count);
    return status;
}
