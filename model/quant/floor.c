/* Centred floor, Bitdial's own weight quantizer.
 *
 * Formula: t = clip(w / (2 s) + 1/2, 0, 1); c_8 = min(floor(256 t), 255); c_b = c_8 >> (8 - b), which is
 * min(floor(2^b t), 2^b - 1); w = (2 c_b + 1 - 2^b) times a unit. Computed in float32.
 * Gradient: straight through to the latent, which training clips to +-s; s is no learned parameter.
 * Codes nest: one stored 8-bit image serves every width; 1 bit is the sign.
 * Source: ours, after DoReFa-Net's rounding (arXiv:1606.06160), whose codes do not nest. */
#include <math.h>

#include "model/quant/quant.h"

void bd_weight_codes(const float *weights, size_t count, float s, uint8_t *codes)
{
    float inverse = 1.0f / (2.0f * s);
    for (size_t i = 0; i < count; i++) {
        float t = weights[i] * inverse + 0.5f;
        t = t > 0.0f ? t : 0.0f;
        t = t < 1.0f ? t : 1.0f;
        int c = (int)(256.0f * t);
        codes[i] = c < 255 ? c : 255;
    }
}

float bd_weight_scale(const uint8_t *codes, size_t count, float s, int bits)
{
    double squares_8 = 0, squares = 0;
    for (size_t i = 0; i < count; i++) {
        int odd_8 = bd_weight_odd(codes[i], 8), odd = bd_weight_odd(codes[i], bits);
        squares_8 += odd_8 * odd_8;
        squares += odd * odd;
    }
    return s / 256.0 * sqrt(squares_8 / squares);
}
