/* LSQ, learned step size (Esser et al., arXiv:1902.08153): one step s > 0 for each layer's weights and each
 * quantizer's activations, and for each switch.
 *
 * Formula: q = round(clip(v / s, -Qn, Qp)), worth s q. Weights, signed: Qn = 2^(b-1), Qp = 2^(b-1) - 1; activations,
 * unsigned: Qn = 0, Qp = 2^b - 1, which is PACT with alpha = Qp s.
 * Gradient: dv = dy inside -Qn < v/s < Qp, else 0. ds = g sum dy (round(v/s) - v/s inside, -Qn or Qp at and beyond the
 * ends), g = 1 / sqrt(N Qp), N the layer's weights or one image's features.
 * Start: s = 2 mean |v| / sqrt(Qp).
 * At 1 bit signed Qp is 0: weights take the sign form (sign.c), with no step.
 * Codes do not nest: each switch has a step, and so planes, of its own. Zero is a weight here, so planes of odd
 * integers hold 2 q + 1, with a zero point. */
#include <math.h>

#include "model/quant/quant.h"

int bd_lsq_low(int bits, bool is_signed)
{
    return is_signed ? -(1 << (bits - 1)) : 0;
}

int bd_lsq_high(int bits, bool is_signed)
{
    return (1 << (is_signed ? bits - 1 : bits)) - 1;
}

int bd_lsq_integer(float value, float step, int low, int high)
{
    const float u = fminf(fmaxf(value / step, (float)low), (float)high);
    return (int)floorf(u + 0.5f);
}

float bd_lsq_step_gradient(float value, float step, int low, int high)
{
    const float u = value / step;
    if (u <= (float)low) {
        return (float)low;
    }
    return u >= (float)high ? (float)high : floorf(u + 0.5f) - u;
}

double bd_lsq_gradient_scale(double count, int high)
{
    return 1.0 / sqrt(count * high);
}
