#include "model/checkpoint/random_checkpoint.h"

#include <math.h>
#include <stdlib.h>

#include "model/core/memory.h"
#include "model/core/rng.h"
#include "model/quant/quant.h"

static float *vector(struct bd_checkpoint *c, const char *prefix, const char *middle, const char *name, int64_t count)
{
    return bd_checkpoint_put(c, 1, &count, "%s%s%s.%s", prefix, middle ? "." : "", middle ? middle : "", name)->data;
}

static float *put_latents(struct bd_checkpoint *c, const struct bd_layer *layer, struct bd_rng *rng, size_t *count)
{
    const int64_t shape[4] = {layer->out_channels, layer->in_channels / layer->groups, layer->kernel_h,
                              layer->kernel_w};
    struct bd_array *weights = bd_checkpoint_put(c, 4, shape, "%s.weight", layer->name);
    *count = (size_t)weights->count;
    float *latent = weights->data;
    for (size_t i = 0; i < *count; i++) {
        latent[i] = (float)(0.1 * bd_rng_normal(rng));
    }
    return latent;
}

/* The level and units of the layer's weights at a switch; the standard deviation of the layer's sums, roughly: taps of
 * weights of that size times activations of half a step. */
static double put_quantizer(struct bd_checkpoint *c, const struct bd_layer *layer, int s, const float *latent,
                            size_t count)
{
    const struct bd_switch *sw = &c->graph.switches[s];
    const int bits = bd_layer_weight_bits(layer, sw);
    const int64_t one = 1, units = (int64_t)bd_checkpoint_unit_count(&c->graph, layer, sw);
    char name[2 * BD_NAME_SIZE];
    struct bd_weight_rule rule;
    struct bd_error err;
    if (bd_checkpoint_weight_level_name(&c->graph, layer, sw, name, sizeof name)) {
        const float level = bd_weight_first_level(c->graph.weights, bits, latent, count, 2.5);
        *bd_checkpoint_put(c, 1, &one, "%s", name)->data = c->graph.weights == BD_WEIGHTS_FLOOR ? 0.2f : level;
    }
    double square = 0;
    if (bd_checkpoint_weight_rule(c, layer, s, &rule, &err)) { /* float weights have no integers */
        for (size_t i = 0; i < count; i++) {
            square += (double)latent[i] * latent[i];
        }
        return 0.7 * sqrt(square / layer->out_channels);
    }
    float *unit = vector(c, layer->name, sw->name, "wscale", units);
    const size_t channels = (size_t)layer->out_channels, taps = count / channels;
    int16_t *integers = bd_xmalloc(count * sizeof *integers);
    bd_weight_integers(&rule, latent, channels, taps, integers, unit);
    for (size_t i = 0; i < count; i++) {
        const double value = (double)unit[units == 1 ? 0 : i / taps] * integers[i];
        square += value * value;
    }
    free(integers);
    return 0.7 * sqrt(square / layer->out_channels);
}

static void put_batch_norm(struct bd_checkpoint *c, const struct bd_layer *layer, const char *sw, double sigma,
                           struct bd_rng *rng)
{
    const int n = layer->out_channels;
    float *gamma = vector(c, layer->name, sw, "gamma", n), *beta = vector(c, layer->name, sw, "beta", n);
    float *mean = vector(c, layer->name, sw, "mean", n), *var = vector(c, layer->name, sw, "var", n);
    for (int i = 0; i < n; i++) {
        gamma[i] = (float)(1 + 0.3 * bd_rng_normal(rng));
        beta[i] = (float)(0.4 * bd_rng_normal(rng));
        mean[i] = (float)(sigma * bd_rng_normal(rng));
        var[i] = (float)(sigma * sigma * exp(0.5 * bd_rng_normal(rng)));
        const uint32_t kind = bd_rng_below(rng, 16);
        gamma[i] *= kind == 0 ? 0.0f : kind < 4 ? -1.0f : 1.0f;
        mean[i] *= kind == 5 ? 10.0f : 1.0f;
    }
}

static void put_layer(struct bd_checkpoint *c, const struct bd_layer *layer, struct bd_rng *rng)
{
    size_t count;
    const float *latent = put_latents(c, layer, rng, &count);
    for (int s = 0; s < c->graph.switch_count; s++) {
        const double sigma = put_quantizer(c, layer, s, latent, count);
        if (bd_layer_row(layer)->norm) {
            put_batch_norm(c, layer, c->graph.switches[s].name, sigma, rng);
        }
    }
    if (bd_layer_row(layer)->bias) {
        float *bias = vector(c, layer->name, NULL, "bias", layer->out_channels);
        for (int i = 0; i < layer->out_channels; i++) {
            bias[i] = (float)(0.3 * bd_rng_normal(rng));
        }
    }
}

bd_status bd_random_checkpoint(const char *path, uint64_t seed, struct bd_checkpoint *checkpoint, struct bd_error *err)
{
    bd_checkpoint_init(checkpoint);
    if (bd_graph_load(&checkpoint->graph, path, err)) {
        return err->status;
    }
    bd_random_arrays(checkpoint, seed);
    return BD_OK;
}

void bd_random_arrays(struct bd_checkpoint *checkpoint, uint64_t seed)
{
    checkpoint->metadata = bd_xstrdup("{}");
    struct bd_rng rng;
    bd_rng_seed(&rng, seed);
    const struct bd_graph *graph = &checkpoint->graph;
    for (int l = 0; l < graph->layer_count; l++) {
        if (bd_layer_has_weights(&graph->layers[l])) {
            put_layer(checkpoint, &graph->layers[l], &rng);
        }
    }
    for (int q = 0; q < graph->quantizer_count; q++) {
        for (int s = 0; s < graph->switch_count; s++) {
            const struct bd_switch *sw = &graph->switches[s];
            const char *kind = bd_checkpoint_level_kind(graph, q, sw);
            if (kind) {
                const float alpha = (float)(1.5 + 2.5 * bd_rng_uniform(&rng));
                const int n = kind[0] == 's' ? (1 << bd_quantizer_bits(&graph->quantizers[q], sw)) - 1 : 1;
                *vector(checkpoint, graph->quantizers[q].name, sw->name, kind, 1) = alpha / (float)n;
            }
        }
    }
}
