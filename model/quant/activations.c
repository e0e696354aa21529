/* Activations, whatever the family: the forward pass is PACT's, only alpha and the gradients differ. */
#include <math.h>

#include "model/quant/quant.h"

float bd_activation_alpha(const struct bd_activation_rule *rule)
{
    if (rule->bits == 32) {
        return rule->family == BD_ACTIVATIONS_DOREFA ? 1.0f : rule->level;
    }
    switch (rule->family) {
    case BD_ACTIVATIONS_DOREFA:
        return 1.0f;
    case BD_ACTIVATIONS_LSQ:
        return (float)bd_lsq_high(rule->bits, false) * rule->level;
    default:
        return rule->level;
    }
}

void bd_activation_forward(const struct bd_activation_rule *rule, const float *x, size_t count, float *values)
{
    const float alpha = bd_activation_alpha(rule), n = rule->bits == 32 ? 1 : (float)bd_lsq_high(rule->bits, false);
    for (size_t i = 0; i < count; i++) {
        if (rule->is_signed) {
            values[i] = (float)bd_sign(x[i]);
        } else if (rule->bits == 32) {
            values[i] = fminf(fmaxf(x[i], 0.0f), alpha);
        } else {
            values[i] = bd_pact_code(x[i], n / alpha, n) * (alpha / n);
        }
    }
}

/* One value: what passes to x, and d value / d level before LSQ's g. */
static float slope_at(const struct bd_activation_rule *rule, float x, float alpha, float n, float *d_level)
{
    *d_level = 0;
    if (rule->is_signed) {
        return bd_sign_slope(rule->sign_gradient, x);
    }
    if (rule->family == BD_ACTIVATIONS_DOREFA) {
        return x >= 0.0f && x <= 1.0f ? 1.0f : 0.0f;
    }
    if (rule->bits == 32) {
        *d_level = x >= alpha ? 1.0f : 0.0f;
    } else if (rule->family == BD_ACTIVATIONS_LSQ) {
        *d_level = bd_lsq_step_gradient(x, rule->level, 0, (int)n);
    } else if (rule->family == BD_ACTIVATIONS_PACT_PUBLISHED) {
        *d_level = bd_pact_alpha_gradient_published(x, n / alpha, n);
    } else {
        *d_level = bd_pact_alpha_gradient(x, n / alpha, n);
    }
    return x >= 0.0f && x < alpha ? 1.0f : 0.0f;
}

void bd_activation_backward(const struct bd_activation_rule *rule, const float *x, const float *dy, size_t count,
                            float *dx, double *d_level)
{
    const float alpha = bd_activation_alpha(rule), n = rule->bits == 32 ? 1 : (float)bd_lsq_high(rule->bits, false);
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        float level;
        const float d = dy[i], slope = slope_at(rule, x[i], alpha, n, &level);
        dx[i] = d * slope;
        sum += (double)d * level;
    }
    const bool scaled = rule->family == BD_ACTIVATIONS_LSQ && rule->bits < 32;
    *d_level = scaled ? sum * bd_lsq_gradient_scale(rule->features, (int)n) : sum;
}
