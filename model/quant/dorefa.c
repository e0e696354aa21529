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
#pragma GCC optimize("O3", "no-math-errno", "no-trapping-math")
#include <math.h>

#include "model/quant/quant.h"

#define SMALLEST_PEAK 1e-12f
#define CLONES __attribute__((target_clones("avx2", "default")))
#define INLINE static inline __attribute__((always_inline))

/* tanh |x| = -e / (2 + e), e = exp(-2 |x|) - 1 = 2^k p + (2^k - 1), p the Taylor series of exp(r) - 1 in
 * r = -2 |x| - k ln 2, |r| <= 0.35. Within 3e-7 of the true value, and the same bits wherever it runs: the C library's
 * tanh is neither a vector function nor the same everywhere, and a code must be. */
INLINE float hyperbolic_tangent(float x)
{
    const float size = fabsf(x), t = -2.0f * (size < 20.0f ? size : 20.0f);
    const int k = (int)(t * 1.44269504f - 0.5f); /* nearest, for t <= 0 */
    const float r = (t - (float)k * 0.693359375f) + (float)k * 2.12194440e-4f;
    float p = 1.0f / 5040;
    p = p * r + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r;
    const union {
        int32_t bits;
        float value;
    } power = {.bits = (k + 127) * (1 << 23)};
    const float e = power.value * p + (power.value - 1.0f);
    return copysignf(-e / (2.0f + e), x);
}

INLINE float value_of(float weight, float peak)
{
    const float value = hyperbolic_tangent(weight) / peak;
    return value < -1.0f ? -1.0f : value > 1.0f ? 1.0f : value;
}

float bd_dorefa_peak(const float *weights, size_t count)
{
    float most = 0; /* tanh is odd and monotone */
    for (size_t i = 0; i < count; i++) {
        most = fabsf(weights[i]) > most ? fabsf(weights[i]) : most;
    }
    return fmaxf(hyperbolic_tangent(most), SMALLEST_PEAK);
}

CLONES void bd_dorefa_values(const float *weights, size_t count, float peak, float *values)
{
    for (size_t i = 0; i < count; i++) {
        values[i] = value_of(weights[i], peak);
    }
}

int bd_dorefa_code(float weight, float peak, int bits)
{
    if (bits == 1) {
        return weight >= 0.0f; /* t = 1/2 would swallow the sign of the smallest weights */
    }
    const float n = (float)((1 << bits) - 1), t = value_of(weight, peak) * 0.5f + 0.5f;
    return (int)(n * t + 0.5f);
}

CLONES void bd_dorefa_integers(const float *weights, const float *values, size_t count, int bits, int16_t *integers)
{
    const float n = (float)((1 << bits) - 1);
    for (size_t i = 0; i < count && bits == 1; i++) {
        integers[i] = weights[i] >= 0.0f ? 1 : -1;
    }
    for (size_t i = 0; i < count && bits > 1; i++) {
        const float t = values[i] * 0.5f + 0.5f;
        integers[i] = (int16_t)(2 * (int)(n * t + 0.5f) - (int)n);
    }
}

CLONES void bd_dorefa_slopes(const float *weights, size_t count, float peak, float *slopes)
{
    for (size_t i = 0; i < count; i++) {
        const float h = hyperbolic_tangent(weights[i]), slope = (1.0f - h * h) / peak;
        slopes[i] = fabsf(h) <= peak ? slope : 0.0f;
    }
}
