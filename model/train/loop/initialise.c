/* Starting values of every array that training writes. */
#include <math.h>
#include <stdlib.h>

#include "model/core/memory.h"
#include "model/core/rng.h"
#include "model/quant/quant.h"
#include "model/train/loop/optimizer.h"
#include "model/train/loop/train.h"

/* Clip levels for inputs of about unit variance: near the least squared error of a half-normal. */
static float first_alpha(int bits)
{
    return bits <= 2 ? 2.0f : bits <= 4 ? 3.0f : bits <= 8 ? 4.0f : 6.0f;
}

static void fill(struct bd_array *array, float value)
{
    for (int64_t i = 0; i < array->count; i++) {
        array->data[i] = value;
    }
}

/* The level of the layer's weight quantizer at a switch, and its units. */
static void initialise_quantizer(struct bd_checkpoint *checkpoint, const struct bd_layer *layer, int s,
                                 const float *latent, size_t count, const struct bd_train_plan *plan)
{
    const struct bd_graph *graph = &checkpoint->graph;
    const struct bd_switch *sw = &graph->switches[s];
    const int bits = bd_layer_weight_bits(layer, sw);
    const size_t channels = layer->out_channels;
    const int64_t one = 1, units = bd_checkpoint_unit_count(graph, layer, sw);
    char name[2 * BD_NAME_SIZE];
    struct bd_weight_rule rule;
    struct bd_error err;
    if (bd_checkpoint_weight_level_name(graph, layer, sw, name, sizeof name)) {
        const float level = bd_weight_first_level(graph->weights, bits, latent, count, plan->scale_factor);
        fill(bd_checkpoint_put(checkpoint, 1, &one, "%s", name), level > BD_SMALLEST_SCALE ? level : BD_SMALLEST_SCALE);
    }
    if (bd_checkpoint_weight_rule(checkpoint, layer, s, &rule, &err) == BD_OK) { /* float weights have no unit */
        float *unit = bd_checkpoint_put(checkpoint, 1, &units, "%s.%s.wscale", layer->name, sw->name)->data;
        int16_t *integers = bd_xmalloc(count * sizeof *integers);
        bd_weight_integers(&rule, latent, channels, count / channels, integers, unit);
        free(integers);
    }
}

static void initialise_layer(struct bd_checkpoint *checkpoint, const struct bd_layer *layer,
                             const struct bd_train_plan *plan, struct bd_rng *rng)
{
    const int64_t channels = layer->out_channels;
    const int64_t kernel[] = {layer->out_channels, layer->in_channels / layer->groups, layer->kernel_h,
                              layer->kernel_w};
    struct bd_array *weight = bd_checkpoint_put(checkpoint, 4, kernel, "%s.weight", layer->name);
    double deviation = sqrt(2.0 / (kernel[1] * kernel[2] * kernel[3]));
    for (int64_t i = 0; i < weight->count; i++) {
        weight->data[i] = deviation * bd_rng_normal(rng);
    }
    const float *latent = weight->data; /* stays when arrays are added; `weight` may move */
    const size_t count = weight->count;
    if (bd_layer_row(layer)->bias) {
        bd_checkpoint_put(checkpoint, 1, &channels, "%s.bias", layer->name);
    }
    for (int i = 0; i < checkpoint->graph.switch_count; i++) {
        const char *sw = checkpoint->graph.switches[i].name;
        initialise_quantizer(checkpoint, layer, i, latent, count, plan);
        if (bd_layer_row(layer)->norm) {
            fill(bd_checkpoint_put(checkpoint, 1, &channels, "%s.%s.gamma", layer->name, sw), 1);
            bd_checkpoint_put(checkpoint, 1, &channels, "%s.%s.beta", layer->name, sw);
            bd_checkpoint_put(checkpoint, 1, &channels, "%s.%s.mean", layer->name, sw);
            fill(bd_checkpoint_put(checkpoint, 1, &channels, "%s.%s.var", layer->name, sw), 1);
        }
    }
}

void bd_train_initialise(struct bd_checkpoint *checkpoint, const struct bd_train_plan *plan)
{
    const struct bd_graph *graph = &checkpoint->graph;
    const int64_t one = 1;
    struct bd_rng rng;
    bd_rng_seed(&rng, plan->seed);
    for (int i = 0; i < graph->layer_count; i++) {
        if (bd_layer_has_weights(&graph->layers[i])) {
            initialise_layer(checkpoint, &graph->layers[i], plan, &rng);
        }
    }
    for (int q = 0; q < graph->quantizer_count; q++) {
        for (int s = 0; s < graph->switch_count; s++) {
            const struct bd_switch *sw = &graph->switches[s];
            const char *kind = bd_checkpoint_level_kind(graph, q, sw);
            if (kind) {
                const int bits = bd_quantizer_bits(&graph->quantizers[q], sw);
                fill(bd_checkpoint_put(checkpoint, 1, &one, "%s.%s.%s", graph->quantizers[q].name, sw->name, kind),
                     kind[0] == 's' ? first_alpha(bits) / (float)bd_lsq_high(bits, false) : first_alpha(bits));
            }
        }
    }
}

static void join_weights(struct bd_checkpoint *checkpoint, const struct bd_layer *layer, const struct bd_switch *sw)
{
    const struct bd_graph *graph = &checkpoint->graph;
    char name[2 * BD_NAME_SIZE];
    if (graph->weights == BD_WEIGHTS_LSQ && !layer->weight_bits &&
        bd_checkpoint_weight_level_name(graph, layer, sw, name, sizeof name)) {
        const struct bd_array *weight = bd_checkpoint_find(checkpoint, "%s.weight", layer->name);
        const int bits = bd_layer_weight_bits(layer, sw);
        *bd_checkpoint_find(checkpoint, "%s", name)->data =
            bd_weight_first_level(graph->weights, bits, weight->data, weight->count, 0);
    }
}

void bd_train_join_levels(struct bd_checkpoint *checkpoint, int from, int to)
{
    const struct bd_graph *graph = &checkpoint->graph;
    const struct bd_switch *sw = &graph->switches[to];
    for (int l = 0; l < graph->layer_count; l++) {
        join_weights(checkpoint, &graph->layers[l], sw);
    }
    for (int q = 0; q < graph->quantizer_count; q++) {
        const char *kind = bd_checkpoint_level_kind(graph, q, sw);
        const int bits = bd_quantizer_bits(&graph->quantizers[q], sw);
        long double alpha;
        struct bd_error err;
        if (kind && bd_checkpoint_level_kind(graph, q, &graph->switches[from]) &&
            bd_checkpoint_alpha(checkpoint, q, from, &alpha, &err) == BD_OK) {
            *bd_checkpoint_find(checkpoint, "%s.%s.%s", graph->quantizers[q].name, sw->name, kind)->data =
                kind[0] == 's' ? alpha / bd_lsq_high(bits, false) : alpha;
        }
    }
}
