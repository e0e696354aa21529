/* What a checkpoint says, as exact real maps: quantizers, batch norm, units. */
#include <math.h>
#include <stdio.h>

#include "model/fold/fold.h"

static bd_status read_values(const struct bd_checkpoint *checkpoint, const char *name, int64_t count,
                             const float **values, struct bd_error *err)
{
    const struct bd_array *array = bd_checkpoint_find(checkpoint, "%s", name);
    if (!array || array->count != count) {
        return bd_fail(err, BD_BAD_INPUT, "the checkpoint has no array '%s' of %lld values", name, (long long)count);
    }
    for (int64_t i = 0; i < count; i++) {
        if (!isfinite(array->data[i])) {
            return bd_fail(err, BD_BAD_INPUT, "array '%s' holds a value that is not finite at %lld", name,
                           (long long)i);
        }
    }
    *values = array->data;
    return BD_OK;
}

/* The layer's weight units at a switch: one, or one for each filter. */
static bd_status read_units(const struct bd_checkpoint *checkpoint, const struct bd_layer *layer,
                            const struct bd_switch *sw, const float **units, size_t *count, struct bd_error *err)
{
    char name[2 * BD_NAME_SIZE];
    snprintf(name, sizeof name, "%s.%s.wscale", layer->name, sw->name);
    *count = bd_checkpoint_unit_count(&checkpoint->graph, layer, sw);
    if (read_values(checkpoint, name, (int64_t)*count, units, err)) {
        return err->status;
    }
    for (size_t i = 0; i < *count; i++) {
        if ((*units)[i] <= 0) {
            return bd_fail(err, BD_BAD_INPUT, "array '%s' must be positive, got %g", name, (double)(*units)[i]);
        }
    }
    return BD_OK;
}

bd_status bd_fold_rule(const struct bd_checkpoint *checkpoint, int quantizer, int switch_index,
                       struct bd_code_rule *rule, struct bd_error *err)
{
    const struct bd_switch *sw = &checkpoint->graph.switches[switch_index];
    const struct bd_quantizer *q = &checkpoint->graph.quantizers[quantizer];
    *rule = (struct bd_code_rule){.bits = bd_quantizer_bits(q, sw), .is_signed = bd_quantizer_signed(q, sw), .step = 1};
    if (rule->is_signed) {
        return BD_OK;
    }
    long double alpha;
    if (bd_checkpoint_alpha(checkpoint, quantizer, switch_index, &alpha, err)) {
        return err->status;
    }
    rule->step = alpha / (long double)((1 << rule->bits) - 1);
    return BD_OK;
}

/* Range of acc over all inputs: each weight at the end that serves. Windows at the border, which have fewer taps,
 * stay inside. */
static void accumulator_range(const struct bd_layer *layer, const int16_t *weights, int channel,
                              const struct bd_code_rule *in, struct bd_affine *out)
{
    const int64_t taps = (int64_t)(layer->in_channels / layer->groups) * layer->kernel_h * layer->kernel_w;
    const int64_t window = (int64_t)bd_layer_side(layer) * bd_layer_side(layer);
    int64_t positive = 0, negative = 0;
    for (int64_t k = 0; k < taps; k++) {
        const int64_t weight = window * weights[channel * taps + k];
        *(weight > 0 ? &positive : &negative) += weight;
    }
    out->lo = in->is_signed ? negative - positive : negative * ((1 << in->bits) - 1);
    out->hi = in->is_signed ? positive - negative : positive * ((1 << in->bits) - 1);
}

/* `channels` come with the unit of acc as their gain. */
static bd_status fold_batch_norm(const struct bd_checkpoint *checkpoint, const struct bd_layer *layer,
                                 const char *switch_name, struct bd_affine *channels, struct bd_error *err)
{
    static const char *const names[] = {"gamma", "beta", "mean", "var"};
    const float *values[4] = {0};
    for (int i = 0; i < 4; i++) {
        char name[2 * BD_NAME_SIZE];
        snprintf(name, sizeof name, "%s.%s.%s", layer->name, switch_name, names[i]);
        if (read_values(checkpoint, name, layer->out_channels, &values[i], err)) {
            return err->status;
        }
    }
    for (int c = 0; c < layer->out_channels; c++) {
        const long double slope = values[0][c] / sqrtl(values[3][c] + (long double)BD_BN_EPS);
        channels[c].gain *= slope;
        channels[c].offset = values[1][c] - slope * values[2][c];
    }
    return BD_OK;
}

static bd_status fold_bias(const struct bd_checkpoint *checkpoint, const struct bd_layer *layer,
                           struct bd_affine *channels, struct bd_error *err)
{
    char name[2 * BD_NAME_SIZE];
    snprintf(name, sizeof name, "%s.bias", layer->name);
    const float *bias = NULL;
    if (read_values(checkpoint, name, layer->out_channels, &bias, err)) {
        return err->status;
    }
    for (int c = 0; c < layer->out_channels; c++) {
        channels[c].offset = bias[c];
    }
    return BD_OK;
}

bd_status bd_fold_affine(const struct bd_checkpoint *checkpoint, const struct bd_layer *layer, int switch_index,
                         const int16_t *weights, struct bd_affine *channels, struct bd_error *err)
{
    const struct bd_switch *sw = &checkpoint->graph.switches[switch_index];
    struct bd_code_rule in;
    const float *units = NULL;
    size_t unit_count = 1;
    if (bd_fold_rule(checkpoint, layer->in_quantizer, switch_index, &in, err) ||
        read_units(checkpoint, layer, sw, &units, &unit_count, err)) {
        return err->status;
    }
    for (int c = 0; c < layer->out_channels; c++) {
        channels[c].gain = units[unit_count == 1 ? 0 : c] * in.step / (bd_layer_side(layer) * bd_layer_side(layer));
    }
    const bd_status status = layer->kind == BD_LAYER_CLASSIFIER
                                 ? fold_bias(checkpoint, layer, channels, err)
                                 : fold_batch_norm(checkpoint, layer, sw->name, channels, err);
    for (int c = 0; c < layer->out_channels && status == BD_OK; c++) {
        accumulator_range(layer, weights, c, &in, &channels[c]);
        if (channels[c].hi > INT32_MAX || channels[c].lo < -INT32_MAX) {
            return bd_fail(err, BD_BAD_INPUT, "the sum of channel %d could leave 32 bits", c);
        }
    }
    return status;
}
