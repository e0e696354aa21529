/* Quantizers: plain reference functions, one for each fact that training, evaluation and folding must agree on.
 * floor.c, dorefa.c, pact.c, lsq.c and sign.c each hold one family: its formula, its gradient, its source and whether
 * its codes nest. weights.c and activations.c choose by the network's families (model/graph/graph.h).
 *
 * Every rounding here is "half up": round(x) = floor(x + 1/2), in float32; folding compares with the same edges.
 *
 * A weight of b bits is an *integer* times a *unit*. At one bit every family meets the sign: +1 for w >= 0, else -1.
 * Else FLOOR and DOREFA give the odd integers 2 c + 1 - 2^b of codes c = 0 .. 2^b - 1, LSQ the integers
 * q = c - 2^(b-1). All have the form (2 c + 1 - 2^b - z) / (1 + z) with z, the zero point, 1 for LSQ and 0 else: an
 * accumulation of LSQ weights is (sum (2q + 1) a - sum a) / 2 in +-1 planes. */
#ifndef BD_QUANT_QUANT_H
#define BD_QUANT_QUANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/graph/graph.h"

/* ---- weights of a layer at a switch ------------------------------------------------------------------------- */

struct bd_weight_rule {
    enum bd_weight_quantizer family;
    enum bd_weight_unit unit;
    int bits;    /* 1..8 */
    float level; /* FLOOR: s, the clip of the latents. DOREFA: the largest |tanh w|. LSQ: the step; unused at 1 bit */
};

/* The integers of `channels` filters of `taps` latent weights each (int16_t[channels * taps]), and their units:
 * bd_weight_unit_count values, or NULL. The one function that says what a layer's weights are. */
void bd_weight_integers(const struct bd_weight_rule *rule, const float *weights, size_t channels, size_t taps,
                        int16_t *integers, float *units);
/* 1, or `channels` where 1-bit weights have a unit for each filter. */
size_t bd_weight_unit_count(const struct bd_weight_rule *rule, size_t channels);

/* From the gradient in the quantized value (integer times unit) to the latents, d_weights[count] written
 * (it may be d_value). LSQ above one
 * bit: *d_level gets the step's gradient, g included; else 0. Units and FLOOR's and DOREFA's levels are taken as
 * constants. */
void bd_weight_gradient(const struct bd_weight_rule *rule, const float *weights, const float *d_value, size_t count,
                        float *d_weights, double *d_level);

/* Whether the codes of fewer bits are the top bits of those of more, so that one stored image serves all widths. */
bool bd_weight_nests(enum bd_weight_quantizer family);
/* 1 where the integers are (odd - 1) / 2, else 0. */
int bd_weight_zero_point(enum bd_weight_quantizer family, int bits);

/* Whether a layer's level (or step) above is one for all switches that read it at `bits` bits, so that equal bits mean
 * equal codes: all but LSQ's steps, which a switch learns for itself, unless the layer's bits are fixed. */
bool bd_weight_level_shared(enum bd_weight_quantizer family, int bits, bool fixed_bits);

/* Weight planes as stored: the code in the top `bits` bits of a byte, and back. */
static inline int bd_weight_of_code(uint8_t code, int bits, int zero_point)
{
    return (2 * (code >> (8 - bits)) + 1 - (1 << bits) - zero_point) / (1 + zero_point);
}

static inline uint8_t bd_weight_code(int integer, int bits, int zero_point)
{
    return (uint8_t)(((1 + zero_point) * integer + zero_point + (1 << bits) - 1) / 2 << (8 - bits));
}

/* The level that training starts with: FLOOR s = factor mean |w|; DOREFA the largest |tanh w|; LSQ
 * 2 mean |w| / sqrt(Qp), or 1 at one bit. Always positive. */
float bd_weight_first_level(enum bd_weight_quantizer family, int bits, const float *weights, size_t count,
                            double floor_factor);

/* ---- activations -------------------------------------------------------------------------------------------- */

/* bits 32: clip(x, 0, alpha), not quantized. One-bit activations of every family are signs (`is_signed`), but for the
 * network's input. */
struct bd_activation_rule {
    enum bd_activation_quantizer family;
    enum bd_sign_gradient sign_gradient;
    int bits;
    bool is_signed;
    float level;     /* PACT, and 32 bits: alpha. LSQ: the step. DOREFA, signs: unused */
    double features; /* LSQ: values of one image in the map that is quantized, N of its gradient scale */
};

/* The clip level: code = clamp(floor(x n / alpha + 1/2), 0, n) is worth code alpha / n, for every family. */
float bd_activation_alpha(const struct bd_activation_rule *rule);
/* values[count]: what the codes of x are worth. */
void bd_activation_forward(const struct bd_activation_rule *rule, const float *x, size_t count, float *values);
/* From the gradient in those values to x (dx[count]) and to the level (*d_level; 0 where nothing is learned). dx
 * may be dy. */
void bd_activation_backward(const struct bd_activation_rule *rule, const float *x, const float *dy, size_t count,
                            float *dx, double *d_level);

/* ---- floor.c ------------------------------------------------------------------------------------------------ */

/* Codes c_8 of `count` latent weights; s > 0. */
void bd_weight_codes(const float *weights, size_t count, float s, uint8_t *codes);

/* The odd integer of an 8-bit code at `bits` bits: -(2^bits - 1) .. 2^bits - 1. */
static inline int bd_weight_odd(uint8_t code, int bits)
{
    return 2 * (code >> (8 - bits)) + 1 - (1 << bits);
}

/* The value of one weight unit at `bits` bits: s / 256 at 8 bits, and at fewer the factor that gives the layer's
 * quantized weights the root mean square that they have at 8, so that every switch's gradient weighs alike. */
float bd_weight_scale(const uint8_t *codes, size_t count, float s, int bits);

/* ---- dorefa.c ----------------------------------------------------------------------------------------------- */

/* max |tanh w|, at least a tiny positive number. */
float bd_dorefa_peak(const float *weights, size_t count);
/* 2 t - 1 = clip(tanh(w) / peak, -1, 1): what rounding starts from. */
void bd_dorefa_values(const float *weights, size_t count, float peak, float *values);
/* The code floor(n t + 1/2), n = 2^bits - 1; and 2 code - n of many weights with their values. */
int bd_dorefa_code(float weight, float peak, int bits);
void bd_dorefa_integers(const float *weights, const float *values, size_t count, int bits, int16_t *integers);
/* d (2 t - 1) / dw. */
void bd_dorefa_slopes(const float *weights, size_t count, float peak, float *slopes);

/* ---- pact.c: n = 2^bits - 1, scale = (float)(n / alpha) ------------------------------------------------------ */

/* The code as a whole number. */
static inline float bd_pact_code(float x, float scale, float n)
{
    float t = x * scale + 0.5f;
    t = t > 0.0f ? t : 0.0f;
    t = t < n ? t : n;
    return (float)(int32_t)t; /* truncation is floor from 0 on */
}

/* d code value / d alpha at x: 1 above, 0 below, and inside the rounding error over n (later variant) or 0. */
float bd_pact_alpha_gradient(float x, float scale, float n);
float bd_pact_alpha_gradient_published(float x, float scale, float n);

/* ---- lsq.c -------------------------------------------------------------------------------------------------- */

/* Bounds of the integers: signed -2^(bits-1) .. 2^(bits-1) - 1, unsigned 0 .. 2^bits - 1. */
int bd_lsq_low(int bits, bool is_signed);
int bd_lsq_high(int bits, bool is_signed);
int bd_lsq_integer(float value, float step, int low, int high);
/* The step's share in the gradient, before g: round(v/s) - v/s inside, `low` at and below it, `high` at and above. */
float bd_lsq_step_gradient(float value, float step, int low, int high);
/* g = 1 / sqrt(count high). */
double bd_lsq_gradient_scale(double count, int high);

/* ---- sign.c ------------------------------------------------------------------------------------------------- */

static inline int bd_sign(float x)
{
    return x >= 0.0f ? 1 : -1;
}

/* Gradient of the sign of an activation: [|x| <= 1] (BNN), or max(0, 2 - 2 |x|) (Bi-Real). */
float bd_sign_slope(enum bd_sign_gradient gradient, float x);
/* mean |w|; count >= 1. */
double bd_mean_magnitude(const float *weights, size_t count);

#endif
