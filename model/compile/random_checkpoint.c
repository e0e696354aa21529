#include "model/compile/random_checkpoint.h"

#include <math.h>
#include <stdlib.h>

#include "model/core/memory.h"
#include "model/core/rng.h"
#include "model/quant/quant.h"

static float *vector(struct bd_checkpoint *c, const char *prefix, const char *middle, const char *name, int64_t count)
{
    return bd_checkpoint_put(c, 1, &count, "%s%s%s.%s", prefix, middle ? "." : "", middle ? middle : "", name)->data;
}

/* Latent weights and their scale; codes c_8 for what follows from them. */
static uint8_t *put_weights(struct bd_checkpoint *c, const struct bd_layer *layer, struct bd_rng *rng, size_t *count)
{
    const int64_t shape[4] = {layer->out_channels, layer->in_channels / layer->groups, layer->kernel_h,
                              layer->kernel_w};
    struct bd_array *weights = bd_checkpoint_put(c, 4, shape, "%s.weight", layer->name);
    *count = (size_t)weights->count;
    float *latent = weights->data;
    for (size_t i = 0; i < *count; i++) {
        latent[i] = (float)(0.1 * bd_rng_normal(rng));
    }
    float *scale = vector(c, layer->name, NULL, "scale", 1);
    scale[0] = 0.2f;
    latent = bd_checkpoint_find(c, "%s.weight", layer->name)->data;
    uint8_t *codes = bd_xmalloc(*count);
    bd_weight_codes(latent, *count, scale[0], codes);
    return codes;
}

/* Standard deviation of a layer's sums, roughly: taps of weights of that size times activations of half a step. */
static double spread(const struct bd_layer *layer, double unit, const uint8_t *codes, size_t count, int bits)
{
    double square = 0;
    for (size_t i = 0; i < count; i++) {
        const double weight = unit * bd_weight_odd(codes[i], bits);
        square += weight * weight;
    }
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
    uint8_t *codes = put_weights(c, layer, rng, &count);
    for (int s = 0; s < c->graph.switch_count; s++) {
        const struct bd_switch *sw = &c->graph.switches[s];
        const int bits = bd_layer_weight_bits(layer, sw);
        const float unit = bd_weight_scale(codes, count, 0.2f, bits);
        *vector(c, layer->name, sw->name, "wscale", 1) = unit;
        if (layer->kind == BD_LAYER_CONV) {
            put_batch_norm(c, layer, sw->name, spread(layer, unit, codes, count, bits), rng);
        }
    }
    if (layer->kind == BD_LAYER_CLASSIFIER) {
        float *bias = vector(c, layer->name, NULL, "bias", layer->out_channels);
        for (int i = 0; i < layer->out_channels; i++) {
            bias[i] = (float)(0.3 * bd_rng_normal(rng));
        }
    }
    free(codes);
}

bd_status bd_random_checkpoint(const char *path, uint64_t seed, struct bd_checkpoint *checkpoint, struct bd_error *err)
{
    bd_checkpoint_init(checkpoint);
    if (bd_graph_load(&checkpoint->graph, path, err)) {
        return err->status;
    }
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
            if (bd_checkpoint_has_alpha(graph, q, &graph->switches[s])) {
                *vector(checkpoint, graph->quantizers[q].name, graph->switches[s].name, "alpha", 1) =
                    (float)(1.5 + 2.5 * bd_rng_uniform(&rng));
            }
        }
    }
    return BD_OK;
}
