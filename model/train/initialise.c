/* Starting values of every array that training writes. */
#include <math.h>

#include "model/core/rng.h"
#include "model/quant/quant.h"
#include "model/train/optimizer.h"
#include "model/train/train.h"

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

static void initialise_layer(struct bd_checkpoint *checkpoint, const struct bd_layer *layer,
                             const struct bd_train_plan *plan, struct bd_rng *rng)
{
    const int64_t one = 1, channels = layer->out_channels;
    const int64_t kernel[] = {layer->out_channels, layer->in_channels / layer->groups, layer->kernel_h,
                              layer->kernel_w};
    struct bd_array *weight = bd_checkpoint_put(checkpoint, 4, kernel, "%s.weight", layer->name);
    double deviation = sqrt(2.0 / (kernel[1] * kernel[2] * kernel[3]));
    for (int64_t i = 0; i < weight->count; i++) {
        weight->data[i] = deviation * bd_rng_normal(rng);
    }
    float s = plan->scale_factor * bd_mean_magnitude(weight->data, weight->count);
    fill(bd_checkpoint_put(checkpoint, 1, &one, "%s.scale", layer->name), s > BD_SMALLEST_SCALE ? s : BD_SMALLEST_SCALE);
    if (layer->kind == BD_LAYER_CLASSIFIER) {
        bd_checkpoint_put(checkpoint, 1, &channels, "%s.bias", layer->name);
    }
    for (int i = 0; i < checkpoint->graph.switch_count; i++) {
        const char *sw = checkpoint->graph.switches[i].name;
        fill(bd_checkpoint_put(checkpoint, 1, &one, "%s.%s.wscale", layer->name, sw), s / 256);
        if (layer->kind == BD_LAYER_CONV) {
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
            if (bd_checkpoint_has_alpha(graph, q, sw)) {
                fill(bd_checkpoint_put(checkpoint, 1, &one, "%s.%s.alpha", graph->quantizers[q].name, sw->name),
                     first_alpha(bd_quantizer_bits(&graph->quantizers[q], sw)));
            }
        }
    }
}
