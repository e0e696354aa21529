/* Which arrays a network's checkpoint holds, and what quantizers read from them. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/checkpoint/checkpoint.h"
#include "model/core/memory.h"

#define NAME_SIZE 160

/* ---- names -------------------------------------------------------------------------------------------------- */

const char *bd_checkpoint_level_kind(const struct bd_graph *graph, int quantizer, const struct bd_switch *sw)
{
    if (quantizer == BD_QUANTIZER_INPUT || bd_quantizer_signed(&graph->quantizers[quantizer], sw) ||
        graph->activations == BD_ACTIVATIONS_DOREFA) {
        return NULL;
    }
    const bool quantized = bd_quantizer_bits(&graph->quantizers[quantizer], sw) <= 8;
    return graph->activations == BD_ACTIVATIONS_LSQ && quantized ? "step" : "alpha";
}

bool bd_checkpoint_weight_level_name(const struct bd_graph *graph, const struct bd_layer *layer,
                                     const struct bd_switch *sw, char *name, size_t size)
{
    const int bits = bd_layer_weight_bits(layer, sw);
    if (!bd_layer_has_weights(layer) || bits > 8 || (graph->weights == BD_WEIGHTS_LSQ && bits == 1)) {
        return false;
    }
    if (graph->weights != BD_WEIGHTS_LSQ) {
        snprintf(name, size, "%s.scale", layer->name);
    } else if (bd_weight_level_shared(graph->weights, bits, layer->weight_bits > 0)) {
        snprintf(name, size, "%s.wstep", layer->name);
    } else {
        snprintf(name, size, "%s.%s.wstep", layer->name, sw->name);
    }
    return true;
}

/* The unit without which a layer's sums could not be compared is one for all of them: the classifier's logits. */
static struct bd_weight_rule rule_of(const struct bd_graph *graph, const struct bd_layer *layer,
                                     const struct bd_switch *sw)
{
    const bool one = layer->kind == BD_LAYER_CLASSIFIER && graph->weight_unit == BD_UNIT_FILTER;
    return (struct bd_weight_rule){.family = graph->weights,
                                   .unit = one ? BD_UNIT_LAYER : graph->weight_unit,
                                   .bits = bd_layer_weight_bits(layer, sw),
                                   .level = 1};
}

size_t bd_checkpoint_unit_count(const struct bd_graph *graph, const struct bd_layer *layer, const struct bd_switch *sw)
{
    const struct bd_weight_rule rule = rule_of(graph, layer, sw);
    return bd_weight_unit_count(&rule, (size_t)layer->out_channels);
}

/* ---- values ------------------------------------------------------------------------------------------------- */

/* Exponents of all ones. On integers, which the compiler makes vectors of: training asks after every step. */
__attribute__((optimize("O3"))) static bool all_finite(const float *values, int64_t count)
{
    uint32_t bad = 0;
    for (int64_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        bad |= (bits & 0x7f800000) == 0x7f800000;
    }
    return !bad;
}

int64_t bd_first_not_finite(const float *values, int64_t count)
{
    if (all_finite(values, count)) {
        return -1;
    }
    int64_t i = 0;
    while (all_finite(values + i, 1)) {
        i++;
    }
    return i;
}

const struct bd_array *bd_checkpoint_not_finite(const struct bd_checkpoint *checkpoint, int64_t *at)
{
    for (size_t i = 0; i < checkpoint->array_count; i++) {
        *at = bd_first_not_finite(checkpoint->arrays[i].data, checkpoint->arrays[i].count);
        if (*at >= 0) {
            return &checkpoint->arrays[i];
        }
    }
    return NULL;
}

/* ---- checks ------------------------------------------------------------------------------------------------- */

static bd_status expect(const struct bd_checkpoint *checkpoint, int rank, const int64_t *shape, struct bd_error *err,
                        const char *format, ...) BD_PRINTF(5, 6);

static bd_status expect(const struct bd_checkpoint *checkpoint, int rank, const int64_t *shape, struct bd_error *err,
                        const char *format, ...)
{
    char name[NAME_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    const struct bd_array *array = bd_checkpoint_find(checkpoint, "%s", name);
    if (!array) {
        return bd_fail(err, BD_BAD_INPUT, "array '%s' is missing", name);
    }
    bool same = array->rank == rank;
    for (int i = 0; same && i < rank; i++) {
        same = array->shape[i] == shape[i];
    }
    return same ? BD_OK : bd_fail(err, BD_BAD_INPUT, "array '%s' has the wrong shape", name);
}

/* A level: one number, positive and finite. */
static bd_status expect_level(const struct bd_checkpoint *checkpoint, const char *name, struct bd_error *err)
{
    const int64_t one = 1;
    if (expect(checkpoint, 1, &one, err, "%s", name)) {
        return err->status;
    }
    const float value = *bd_checkpoint_find(checkpoint, "%s", name)->data;
    return value > 0 && isfinite(value) ? BD_OK : bd_fail(err, BD_BAD_INPUT, "array '%s' must be positive", name);
}

static bd_status check_variance(const struct bd_checkpoint *checkpoint, const struct bd_layer *layer,
                                const struct bd_switch *sw, struct bd_error *err)
{
    const struct bd_array *array = bd_checkpoint_find(checkpoint, "%s.%s.var", layer->name, sw->name);
    for (int64_t i = 0; i < array->count; i++) {
        if (!(array->data[i] >= 0)) {
            return bd_fail(err, BD_BAD_INPUT, "array '%s' holds a negative variance at index %" PRId64, array->name, i);
        }
    }
    return BD_OK;
}

static bd_status check_layer_switch(const struct bd_checkpoint *checkpoint, const struct bd_layer *layer,
                                    const struct bd_switch *sw, struct bd_error *err)
{
    static const char *const norms[] = {"gamma", "beta", "mean", "var"};
    const struct bd_graph *graph = &checkpoint->graph;
    const int64_t channels = layer->out_channels, units = (int64_t)bd_checkpoint_unit_count(graph, layer, sw);
    char level[NAME_SIZE];
    bd_status status = BD_OK;
    if (bd_checkpoint_weight_level_name(graph, layer, sw, level, sizeof level)) {
        status = expect_level(checkpoint, level, err);
    }
    if (!status && bd_layer_weight_bits(layer, sw) <= 8) {
        status = expect(checkpoint, 1, &units, err, "%s.%s.wscale", layer->name, sw->name);
    }
    for (int i = 0; i < 4 && !status && bd_layer_row(layer)->norm; i++) {
        status = expect(checkpoint, 1, &channels, err, "%s.%s.%s", layer->name, sw->name, norms[i]);
    }
    if (!status && bd_layer_row(layer)->norm) {
        status = check_variance(checkpoint, layer, sw, err);
    }
    return status;
}

static bd_status check_layer(const struct bd_checkpoint *checkpoint, const struct bd_layer *layer, struct bd_error *err)
{
    const int64_t channels = layer->out_channels;
    const int64_t kernel[] = {layer->out_channels, layer->in_channels / layer->groups, layer->kernel_h,
                              layer->kernel_w};
    if (!bd_layer_has_weights(layer)) {
        return BD_OK;
    }
    bd_status status = expect(checkpoint, 4, kernel, err, "%s.weight", layer->name);
    if (!status && bd_layer_row(layer)->bias) {
        status = expect(checkpoint, 1, &channels, err, "%s.bias", layer->name);
    }
    for (int s = 0; s < checkpoint->graph.switch_count && !status; s++) {
        status = check_layer_switch(checkpoint, layer, &checkpoint->graph.switches[s], err);
    }
    return status;
}

bd_status bd_checkpoint_check(const struct bd_checkpoint *checkpoint, struct bd_error *err)
{
    const struct bd_graph *graph = &checkpoint->graph;
    for (int i = 0; i < graph->layer_count; i++) {
        if (check_layer(checkpoint, &graph->layers[i], err)) {
            return err->status;
        }
    }
    for (int q = 0; q < graph->quantizer_count; q++) {
        for (int s = 0; s < graph->switch_count; s++) {
            const struct bd_switch *sw = &graph->switches[s];
            const char *kind = bd_checkpoint_level_kind(graph, q, sw);
            char name[NAME_SIZE];
            if (kind) {
                snprintf(name, sizeof name, "%s.%s.%s", graph->quantizers[q].name, sw->name, kind);
                if (expect_level(checkpoint, name, err)) {
                    return err->status;
                }
            }
        }
    }
    return BD_OK;
}

/* ---- what quantizers read ----------------------------------------------------------------------------------- */

static bd_status read_level(const struct bd_checkpoint *checkpoint, const char *name, float *value,
                            struct bd_error *err)
{
    if (expect_level(checkpoint, name, err)) {
        return err->status;
    }
    *value = *bd_checkpoint_find(checkpoint, "%s", name)->data;
    return BD_OK;
}

bd_status bd_checkpoint_alpha(const struct bd_checkpoint *checkpoint, int quantizer, int switch_index,
                              long double *alpha, struct bd_error *err)
{
    const struct bd_graph *graph = &checkpoint->graph;
    const struct bd_switch *sw = &graph->switches[switch_index];
    const char *kind = bd_checkpoint_level_kind(graph, quantizer, sw);
    *alpha = 1;
    if (!kind) {
        return BD_OK;
    }
    char name[NAME_SIZE];
    float level = 1;
    snprintf(name, sizeof name, "%s.%s.%s", graph->quantizers[quantizer].name, sw->name, kind);
    if (read_level(checkpoint, name, &level, err)) {
        return err->status;
    }
    const int bits = bd_quantizer_bits(&graph->quantizers[quantizer], sw);
    *alpha = (long double)level * (kind[0] == 's' ? bd_lsq_high(bits, false) : 1);
    return BD_OK;
}

bd_status bd_checkpoint_weight_rule(const struct bd_checkpoint *checkpoint, const struct bd_layer *layer,
                                    int switch_index, struct bd_weight_rule *rule, struct bd_error *err)
{
    const struct bd_graph *graph = &checkpoint->graph;
    const struct bd_switch *sw = &graph->switches[switch_index];
    char name[NAME_SIZE];
    *rule = rule_of(graph, layer, sw);
    if (rule->bits > 8) {
        return bd_fail(err, BD_BAD_INPUT, "layer '%s' has float weights, which are never integers", layer->name);
    }
    return bd_checkpoint_weight_level_name(graph, layer, sw, name, sizeof name)
               ? read_level(checkpoint, name, &rule->level, err)
               : BD_OK;
}

/* A layer's latent weights and how a switch makes integers of them. */
static bd_status latents(const struct bd_checkpoint *checkpoint, const struct bd_layer *layer, int switch_index,
                         const struct bd_array **weight, struct bd_weight_rule *rule, struct bd_error *err)
{
    *weight = bd_checkpoint_find(checkpoint, "%s.weight", layer->name);
    if (!*weight) {
        return bd_fail(err, BD_BAD_INPUT, "layer '%s' has no weights in the checkpoint", layer->name);
    }
    return bd_checkpoint_weight_rule(checkpoint, layer, switch_index, rule, err);
}

bd_status bd_checkpoint_integers(const struct bd_checkpoint *checkpoint, const struct bd_layer *layer, int switch_index,
                                 int16_t *integers, struct bd_error *err)
{
    const struct bd_array *weight;
    struct bd_weight_rule rule;
    const bd_status status = latents(checkpoint, layer, switch_index, &weight, &rule, err);
    if (status != BD_OK) {
        return status;
    }
    const size_t channels = (size_t)layer->out_channels;
    bd_weight_integers(&rule, weight->data, channels, (size_t)weight->count / channels, integers, NULL);
    return BD_OK;
}

bd_status bd_checkpoint_codes(const struct bd_checkpoint *checkpoint, const struct bd_layer *layer, int switch_index,
                              uint8_t *codes, struct bd_error *err)
{
    const struct bd_array *weight;
    struct bd_weight_rule rule;
    bd_status status = latents(checkpoint, layer, switch_index, &weight, &rule, err);
    if (status != BD_OK) {
        return status;
    }
    if (bd_weight_nests(rule.family)) {
        bd_weight_codes(weight->data, (size_t)weight->count, rule.level, codes);
        return BD_OK;
    }
    int16_t *integers = bd_xmalloc((size_t)weight->count * sizeof *integers);
    status = bd_checkpoint_integers(checkpoint, layer, switch_index, integers, err);
    for (int64_t i = 0; i < weight->count && status == BD_OK; i++) {
        codes[i] = bd_weight_code(integers[i], rule.bits, bd_weight_zero_point(rule.family, rule.bits));
    }
    free(integers);
    return status;
}
