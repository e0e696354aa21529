/* DoReFa-Net (Zhou et al., arXiv:1606.06160), n = 2^b - 1.
 *
 * Weights, formula: t = tanh(w) / (2 p) + 1/2 with p = max |tanh| over the layer; c = round(n t); w = 2 c / n - 1, so
 * the odd integer 2 c - n = 2 c + 1 - 2^b times 1/n. p is kept with the layer (its `scale`) so that removing filters
 * changes no code; t is clipped to 0..1 where p is older than the weights.
 * Gradient: round = identity, so dw = dy (1 - tanh^2 w) / p, p a constant; nothing where t is clipped.
 * At 1 bit the paper takes sign(w) mean |w| with identity gradient: units LAYER and FILTER. Under the unit RMS the
 * 1-bit weights stand for 2 t - 1 as at every width, and so does their gradient.
 * Codes do not nest: the top bits of round(255 t) are not round(n t); each width has planes of its own.
 *
 * Activations, formula: round(n clip(x, 0, 1)) / n, which is PACT with alpha fixed at 1; gradient dy [0 <= x <= 1]. */
#include <math.h>

#include "model/quant/quant.h"

#define SMALLEST_PEAK 1e-12f

float bd_dorefa_peak(const float *weights, size_t count)
{
    float most = 0; /* tanh is odd and monotone */
    for (size_t i = 0; i < count; i++) {
        most = fmaxf(most, fabsf(weights[i]));
    }
    return fmaxf(tanhf(most), SMALLEST_PEAK);
}

float bd_dorefa_value(float weight, float peak)
{
    return fminf(fmaxf(tanhf(weight) / peak, -1.0f), 1.0f);
}

int bd_dorefa_code(float weight, float peak, int bits)
{
    if (bits == 1) {
        return weight >= 0.0f; /* t = 1/2 would swallow the sign of the smallest weights */
    }
    const float n = (float)((1 << bits) - 1), t = bd_dorefa_value(weight, peak) * 0.5f + 0.5f;
    return (int)(n * t + 0.5f);
}

float bd_dorefa_slope(float weight, float peak)
{
    const float h = tanhf(weight);
    return fabsf(h) <= peak ? (1.0f - h * h) / peak : 0.0f;
}
