/* The weights of a layer at a switch, whatever the family. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/quant/quant.h"

#define SMALLEST 1e-12f

bool bd_weight_nests(enum bd_weight_quantizer family)
{
    return family == BD_WEIGHTS_FLOOR;
}

int bd_weight_zero_point(enum bd_weight_quantizer family, int bits)
{
    return family == BD_WEIGHTS_LSQ && bits > 1;
}

bool bd_weight_level_shared(enum bd_weight_quantizer family, int bits, bool fixed_bits)
{
    return family != BD_WEIGHTS_LSQ || bits == 1 || fixed_bits;
}

size_t bd_weight_unit_count(const struct bd_weight_rule *rule, size_t channels)
{
    return rule->unit == BD_UNIT_FILTER && rule->bits == 1 ? channels : 1;
}

/* A layer or filter of zeros has a unit too. */
static float positive(double unit)
{
    return unit > SMALLEST ? (float)unit : SMALLEST;
}

/* The unit that gives the integers the root mean square of what they stand for: 2 t - 1 of DoReFa, or the latents. */
static float even_unit(const float *values, size_t count, const int16_t *integers)
{
    double real = 0, whole = 0;
    for (size_t i = 0; i < count; i++) {
        real += (double)values[i] * values[i];
        whole += (double)integers[i] * integers[i];
    }
    return positive(sqrt(real / whole));
}

/* FLOOR, and its unit of equal root mean square. */
static float floor_integers(const struct bd_weight_rule *rule, const float *weights, size_t count, int16_t *integers)
{
    uint8_t *codes = bd_xmalloc(count);
    bd_weight_codes(weights, count, rule->level, codes);
    for (size_t i = 0; i < count; i++) {
        integers[i] = (int16_t)bd_weight_odd(codes[i], rule->bits);
    }
    const float unit = bd_weight_scale(codes, count, rule->level, rule->bits);
    free(codes);
    return unit;
}

/* DOREFA, and its unit of the root mean square of 2 t - 1. */
static float dorefa_integers(const struct bd_weight_rule *rule, const float *weights, size_t count, int16_t *integers)
{
    float *values = bd_xmalloc(count * sizeof *values);
    bd_dorefa_values(weights, count, rule->level, values);
    bd_dorefa_integers(weights, values, count, rule->bits, integers);
    const float unit = even_unit(values, count, integers);
    free(values);
    return unit;
}

static void lsq_integers(const struct bd_weight_rule *rule, const float *weights, size_t count, int16_t *integers)
{
    const int low = bd_lsq_low(rule->bits, true), high = bd_lsq_high(rule->bits, true);
    for (size_t i = 0; i < count; i++) {
        integers[i] =
            (int16_t)(rule->bits == 1 ? bd_sign(weights[i]) : bd_lsq_integer(weights[i], rule->level, low, high));
    }
}

/* The unit that the family itself gives to more than one bit. */
static float own_unit(const struct bd_weight_rule *rule)
{
    switch (rule->family) {
    case BD_WEIGHTS_DOREFA:
        return 1.0f / (float)((1 << rule->bits) - 1);
    case BD_WEIGHTS_LSQ:
        return rule->level;
    default:
        return rule->level / (float)(1 << rule->bits);
    }
}

void bd_weight_integers(const struct bd_weight_rule *rule, const float *weights, size_t channels, size_t taps,
                        int16_t *integers, float *units)
{
    const size_t count = channels * taps;
    float unit = 0;
    if (rule->family == BD_WEIGHTS_FLOOR) {
        unit = floor_integers(rule, weights, count, integers);
    } else if (rule->family == BD_WEIGHTS_DOREFA) {
        unit = dorefa_integers(rule, weights, count, integers);
    } else {
        lsq_integers(rule, weights, count, integers);
        unit = even_unit(weights, count, integers);
    }
    if (!units) {
        return;
    }
    if (rule->bits > 1 && (rule->unit != BD_UNIT_RMS || rule->family == BD_WEIGHTS_LSQ)) {
        *units = own_unit(rule);
    } else if (rule->unit == BD_UNIT_RMS) {
        *units = unit;
    } else {
        const size_t unit_count = bd_weight_unit_count(rule, channels);
        for (size_t u = 0; u < unit_count; u++) {
            units[u] = positive(bd_mean_magnitude(weights + u * taps, count / unit_count));
        }
    }
}

/* LSQ above one bit; returns the step's gradient. */
static double step_gradient(const struct bd_weight_rule *rule, const float *weights, const float *d_value, size_t count,
                            float *d_weights)
{
    const int low = bd_lsq_low(rule->bits, true), high = bd_lsq_high(rule->bits, true);
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        const float u = weights[i] / rule->level, d = d_value[i];
        sum += (double)d * bd_lsq_step_gradient(weights[i], rule->level, low, high);
        d_weights[i] = u > (float)low && u < (float)high ? d : 0.0f;
    }
    return sum * bd_lsq_gradient_scale((double)count, high);
}

void bd_weight_gradient(const struct bd_weight_rule *rule, const float *weights, const float *d_value, size_t count,
                        float *d_weights, double *d_level)
{
    *d_level = 0;
    if (rule->family == BD_WEIGHTS_LSQ && rule->bits > 1) {
        *d_level = step_gradient(rule, weights, d_value, count, d_weights);
    } else if (rule->family == BD_WEIGHTS_DOREFA && (rule->bits > 1 || rule->unit == BD_UNIT_RMS)) {
        float *slopes = bd_xmalloc(count * sizeof *slopes);
        bd_dorefa_slopes(weights, count, rule->level, slopes);
        for (size_t i = 0; i < count; i++) {
            d_weights[i] = d_value[i] * slopes[i];
        }
        free(slopes);
    } else {
        memmove(d_weights, d_value, count * sizeof *d_weights);
    }
}

float bd_weight_first_level(enum bd_weight_quantizer family, int bits, const float *weights, size_t count,
                            double floor_factor)
{
    switch (family) {
    case BD_WEIGHTS_DOREFA:
        return bd_dorefa_peak(weights, count);
    case BD_WEIGHTS_LSQ:
        return bits == 1 ? 1.0f : positive(2.0 * bd_mean_magnitude(weights, count) / sqrt(bd_lsq_high(bits, true)));
    default:
        return positive(floor_factor * bd_mean_magnitude(weights, count));
    }
}
