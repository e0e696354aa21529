/* Quantizers, one function for each fact that training, evaluation and folding must agree on.
 *
 * Weights, centred floor: t = clip(w / (2 s) + 1/2, 0, 1); c_8 = min(floor(256 t), 255); the code of b bits is
 * c_b = c_8 >> (8 - b), so codes nest; it stands for the odd integer 2 c_b + 1 - 2^b times a scale. The gradient
 * passes straight through to the latent weights, which training clips to +-s.
 * Activations, PACT (Choi et al., 2018) with n = 2^b - 1: code = clamp(floor(n x / alpha + 1/2), 0, n), worth
 * code alpha / n. Gradient in x: 1 for 0 <= x < alpha, else 0. In alpha: 1 above, (code - n x / alpha) / n inside, 0
 * below. One-bit activations: +1 for x >= 0, else -1; gradient 1 for |x| <= 1, else 0. */
#ifndef BD_QUANT_QUANT_H
#define BD_QUANT_QUANT_H

#include <stddef.h>
#include <stdint.h>

/* Codes c_8 of `count` latent weights, in float32; s > 0. */
void bd_weight_codes(const float *weights, size_t count, float s, uint8_t *codes);

/* The odd integer of an 8-bit code at `bits` bits: -(2^bits - 1) .. 2^bits - 1. */
static inline int bd_weight_odd(uint8_t code, int bits)
{
    return 2 * (code >> (8 - bits)) + 1 - (1 << bits);
}

/* The value of one weight unit at `bits` bits: s / 256 at 8 bits, and at fewer the factor that gives the layer's
 * quantized weights the root mean square that they have at 8, so that every switch's gradient weighs alike. */
float bd_weight_scale(const uint8_t *codes, size_t count, float s, int bits);

/* PACT code as a whole number. `scale` is (float)(n / alpha). */
static inline float bd_pact_code(float x, float scale, float n)
{
    float t = x * scale + 0.5f;
    t = t > 0.0f ? t : 0.0f;
    t = t < n ? t : n;
    return (float)(int32_t)t; /* truncation is floor from 0 on */
}

/* d code value / d alpha at x. */
static inline float bd_pact_alpha_gradient(float x, float scale, float n)
{
    float u = x * scale;
    if (x < 0.0f) {
        return 0.0f;
    }
    return u >= n ? 1.0f : (bd_pact_code(x, scale, n) - u) / n;
}

#endif
