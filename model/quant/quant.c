#include "model/quant/quant.h"

#include <math.h>

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
