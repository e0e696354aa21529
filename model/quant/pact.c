/* PACT activations (Choi et al., arXiv:1805.06085), n = 2^b - 1, alpha > 0 learned for each quantizer and switch, with
 * L2 on it.
 *
 * Formula: code = round(n clip(x, 0, alpha) / alpha), worth code alpha / n.
 * Gradient: dx = dy [0 <= x < alpha]. d alpha: 1 from alpha on, 0 below 0, and inside 0 as published, or q(x/alpha) -
 * x/alpha, the rounding error in units of alpha, as in later variants (the same derivative that LSQ takes).
 * Codes do not nest (alpha is each switch's own); activation codes need not.
 * PACT's weights are DoReFa's. */
#include "model/quant/quant.h"

float bd_pact_alpha_gradient(float x, float scale, float n)
{
    const float u = x * scale;
    if (x < 0.0f) {
        return 0.0f;
    }
    return u >= n ? 1.0f : (bd_pact_code(x, scale, n) - u) / n;
}

float bd_pact_alpha_gradient_published(float x, float scale, float n)
{
    return x * scale >= n ? 1.0f : 0.0f;
}
