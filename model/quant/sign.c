/* Signs: what every family is at one bit. +1 for x >= 0 (zero is +1), else -1.
 *
 * Activations: gradient dy [|x| <= 1] (BNN: Courbariaux et al., arXiv:1602.02830), or dy max(0, 2 - 2 |x|), the
 * derivative of a piecewise quadratic (Bi-Real Net: Liu et al., arXiv:1808.00278).
 * Weights: alpha sign(w), alpha = mean |w| of the filter (BWN and XNOR-Net: Rastegari et al., arXiv:1603.05279) or of
 * the layer (DoReFa-Net), or the factor that evens the root mean square of all switches (ours); identity to the
 * latents, alpha a constant: batch norm behind takes it away again.
 * The sign is the top plane of centred floor, of rounded DoReFa and of LSQ alike: there the families nest. */
#include <math.h>

#include "model/quant/quant.h"

float bd_sign_slope(enum bd_sign_gradient gradient, float x)
{
    const float size = fabsf(x);
    if (gradient == BD_SIGN_BIREAL) {
        return fmaxf(0.0f, 2.0f - 2.0f * size);
    }
    return size <= 1.0f ? 1.0f : 0.0f;
}

double bd_mean_magnitude(const float *weights, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += fabsf(weights[i]);
    }
    return sum / (double)count;
}
