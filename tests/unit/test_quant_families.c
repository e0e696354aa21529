/* Every quantizer family against formulas written out again in double, on fine grids; gradients against closed forms
 * and, where the function is smooth between its steps, against finite differences. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "model/core/rng.h"
#include "model/quant/quant.h"

enum { GRID = 4001 };

static const enum bd_weight_quantizer families[] = {BD_WEIGHTS_FLOOR, BD_WEIGHTS_DOREFA, BD_WEIGHTS_LSQ};
static const enum bd_weight_unit all_units[] = {BD_UNIT_RMS, BD_UNIT_LAYER, BD_UNIT_FILTER};

/* Latents from -2 to 2, none of them a power-of-two fraction of anything. */
static void grid(float *x)
{
    for (int i = 0; i < GRID; i++) {
        x[i] = (float)((i - GRID / 2) / 1000.0);
    }
}

static void random_weights(float *weights, size_t count, double deviation, uint64_t seed)
{
    struct bd_rng rng;
    bd_rng_seed(&rng, seed);
    for (size_t i = 0; i < count; i++) {
        weights[i] = (float)(deviation * bd_rng_normal(&rng));
    }
}

/* floor(u + 1/2), and whether u is too near a half for float32 to tell. */
static double half_up(double u, int *close)
{
    *close = fabs(u + 0.5 - round(u + 0.5)) < 2e-5;
    return floor(u + 0.5);
}

Test(quant_families, dorefa_weights_on_a_grid)
{
    static float w[GRID];
    static int16_t q[GRID];
    grid(w);
    const double peak = tanh(2.0);
    cr_assert_float_eq(bd_dorefa_peak(w, GRID), peak, 1e-6);
    for (int bits = 1; bits <= 8; bits++) {
        const int n = (1 << bits) - 1;
        const struct bd_weight_rule rule = {BD_WEIGHTS_DOREFA, BD_UNIT_LAYER, bits, (float)peak};
        float unit;
        int skipped = 0;
        bd_weight_integers(&rule, w, 1, GRID, q, &unit);
        for (int i = 0; i < GRID; i++) {
            int close;
            const double t = tanh(w[i]) / (2 * peak) + 0.5, code = half_up(n * t, &close);
            skipped += close;
            const double expected = 2 * code - n;
            cr_assert(close || q[i] == expected, "bits %d, w %g: %d, expected %g", bits, w[i], q[i], expected);
            cr_assert(q[i] % 2 != 0 && abs(q[i]) <= n);
            cr_assert(i == 0 || q[i] >= q[i - 1], "bits %d: falls at %g", bits, w[i]);
        }
        cr_assert_leq(skipped, 30);
        cr_assert_float_eq(unit, bits == 1 ? bd_mean_magnitude(w, GRID) : 1.0 / n, 1e-7);
    }
}

/* The tangent behind it, its derivative, and that the two forms of the code are one: tiny to huge latents. */
Test(quant_families, dorefa_values_follow_tanh)
{
    for (int i = -4000; i <= 4000; i++) {
        const float x = (float)copysign(exp(fabs(i / 200.0) - 12), i), peak = 0.9f;
        float value, slope;
        bd_dorefa_values(&x, 1, 1, &value);
        cr_assert_float_eq(value, tanh(x), 3e-7 * fabs(tanh(x)) + 1e-12, "x %g: %g", x, value);
        bd_dorefa_slopes(&x, 1, peak, &slope);
        const double h = tanh(x);
        cr_assert(fabs(h - peak) < 1e-6 || fabs(slope - (fabs(h) <= peak ? (1 - h * h) / peak : 0)) < 1e-6, "x %g", x);
        bd_dorefa_values(&x, 1, peak, &value);
        for (int bits = 1; bits <= 8; bits++) {
            int16_t integer;
            bd_dorefa_integers(&x, &value, 1, bits, &integer);
            cr_assert_eq(integer, 2 * bd_dorefa_code(x, peak, bits) + 1 - (1 << bits), "x %g", x);
        }
    }
}

Test(quant_families, lsq_weights_on_a_grid)
{
    static float w[GRID];
    static int16_t q[GRID];
    grid(w);
    for (int bits = 2; bits <= 8; bits++) {
        const int low = -(1 << (bits - 1)), high = (1 << (bits - 1)) - 1;
        const float step = 1.3f / (float)high;
        const struct bd_weight_rule rule = {BD_WEIGHTS_LSQ, BD_UNIT_RMS, bits, step};
        float unit;
        bd_weight_integers(&rule, w, 1, GRID, q, &unit);
        cr_assert_eq(unit, step);
        int skipped = 0;
        for (int i = 0; i < GRID; i++) {
            int close;
            const double u = fmin(fmax((double)w[i] / step, low), high), expected = half_up(u, &close);
            skipped += close;
            cr_assert(close || q[i] == expected, "bits %d, w %g: %d, expected %g", bits, w[i], q[i], expected);
        }
        cr_assert_leq(skipped, 30);
        cr_assert_eq(q[0], low);
        cr_assert_eq(q[GRID - 1], high);
    }
}

/* w/s an exact half goes up, on both sides of zero; so does a tie of DoReFa's and of an activation. */
Test(quant_families, halves_go_up_everywhere)
{
    for (int k = -8; k < 7; k++) {
        cr_assert_eq(bd_lsq_integer(0.25f * ((float)k + 0.5f), 0.25f, -8, 7), k + 1, "k %d", k);
    }
    cr_assert_eq(bd_lsq_integer(-8.5f, 1, -8, 7), -8);
    cr_assert_eq(bd_dorefa_code(0.0f, 0.5f, 2), 2); /* t = 1/2, n t = 1.5 */
    cr_assert_eq(bd_dorefa_code(0.0f, 0.5f, 8), 128);
    const struct bd_activation_rule rule = {.family = BD_ACTIVATIONS_LSQ, .bits = 3, .level = 0.5f};
    for (int k = 0; k < 7; k++) {
        float x = 0.5f * ((float)k + 0.5f), value;
        bd_activation_forward(&rule, &x, 1, &value);
        cr_assert_eq(value, 0.5f * (float)(k + 1));
    }
}

/* c_b = c_8 >> (8 - b): all codes and widths, through the integers of latents in the middle of each of 256 bins. */
Test(quant_families, floor_nests)
{
    cr_assert(bd_weight_nests(BD_WEIGHTS_FLOOR) && !bd_weight_nests(BD_WEIGHTS_DOREFA));
    cr_assert(!bd_weight_nests(BD_WEIGHTS_LSQ));
    float w[256];
    int16_t q[256];
    for (int c = 0; c < 256; c++) {
        w[c] = ((float)c + 0.5f) / 256 - 0.5f; /* s = 1/2 */
    }
    for (int bits = 1; bits <= 8; bits++) {
        const struct bd_weight_rule rule = {BD_WEIGHTS_FLOOR, BD_UNIT_RMS, bits, 0.5f};
        bd_weight_integers(&rule, w, 16, 16, q, NULL);
        for (int c8 = 0; c8 < 256; c8++) {
            const int direct = (int)floor(ldexp((double)w[c8] + 0.5, bits));
            cr_assert_eq(c8 >> (8 - bits), direct);
            cr_assert_eq(q[c8], 2 * direct + 1 - (1 << bits));
        }
    }
}

/* Truncating rounded codes gives others, in no small number: the reason for planes of each width's own. Layers of 2,304
 * Gaussian weights, as of 16 filters over 16 channels. */
Test(quant_families, rounded_dorefa_does_not_nest)
{
    enum { COUNT = 2304 };
    static float w[COUNT];
    static int16_t full[COUNT], q[COUNT];
    random_weights(w, COUNT, 0.05, 5);
    const float peak = bd_dorefa_peak(w, COUNT);
    const struct bd_weight_rule eight = {BD_WEIGHTS_DOREFA, BD_UNIT_RMS, 8, peak};
    bd_weight_integers(&eight, w, 1, COUNT, full, NULL);
    for (int bits = 2; bits <= 7; bits++) {
        const struct bd_weight_rule rule = {BD_WEIGHTS_DOREFA, BD_UNIT_RMS, bits, peak};
        int differ = 0;
        bd_weight_integers(&rule, w, 1, COUNT, q, NULL);
        for (int i = 0; i < COUNT; i++) {
            differ += bd_weight_code(full[i], 8, 0) >> (8 - bits) != bd_weight_code(q[i], bits, 0) >> (8 - bits);
        }
        const double part = (double)differ / COUNT;
        cr_assert(part > 0.04 && part < 0.22, "bits %d: %.1f %% of the truncated codes differ", bits, 100 * part);
    }
}

/* One bit: every family gives the sign, zero +1, even where float32 cannot tell w/(2s) + 1/2 from 1/2. */
Test(quant_families, one_bit_is_the_sign)
{
    const float w[] = {-1.5f, -0.25f, -1e-3f, 0.0f, 1e-3f, 0.25f, 1.5f, -0.0f};
    const int16_t expected[] = {-1, -1, -1, 1, 1, 1, 1, 1};
    const float levels[] = {0.5f, bd_dorefa_peak(w, 8), 1.0f};
    for (int f = 0; f < 3; f++) {
        const struct bd_weight_rule rule = {families[f], BD_UNIT_LAYER, 1, levels[f]};
        int16_t q[8];
        float unit;
        bd_weight_integers(&rule, w, 1, 8, q, &unit);
        for (int i = 0; i < 8; i++) {
            cr_assert_eq(q[i], expected[i], "family %d, w %g: %d", f, w[i], q[i]);
        }
        cr_assert_float_eq(unit, 3.502 / 8, 1e-6);
        cr_assert_eq(bd_weight_zero_point(families[f], 1), 0);
    }
}

/* Stored code to integer and back: all widths, all codes, both zero points; the planes' sum says the same. */
Test(quant_families, codes_hold_the_integers)
{
    for (int zero_point = 0; zero_point <= 1; zero_point++) {
        for (int bits = 1 + zero_point; bits <= 8; bits++) {
            for (int code = 0; code < 1 << bits; code++) {
                const uint8_t stored = (uint8_t)(code << (8 - bits));
                int planes = 0;
                for (int i = 0; i < bits; i++) {
                    planes += (1 << i) * ((code >> i & 1) ? 1 : -1);
                }
                const int integer = bd_weight_of_code(stored, bits, zero_point);
                cr_assert_eq((1 + zero_point) * integer + zero_point, planes);
                cr_assert_eq(bd_weight_code(integer, bits, zero_point), stored);
                cr_assert(!zero_point || integer == code - (1 << (bits - 1)));
            }
        }
    }
}

/* Units by their definitions, for every family, width and kind. */
Test(quant_families, units)
{
    enum { CHANNELS = 7, TAPS = 90, COUNT = CHANNELS * TAPS };
    static float w[COUNT];
    static int16_t q[COUNT];
    random_weights(w, COUNT, 0.1, 8);
    for (int f = 0; f < 3; f++) {
        for (int k = 0; k < 3; k++) {
            double reference = 0;
            for (int bits = 8; bits >= 1; bits--) {
                float units[CHANNELS];
                const float level = bd_weight_first_level(families[f], bits, w, COUNT, 2.5);
                const struct bd_weight_rule rule = {families[f], all_units[k], bits, level};
                const size_t count = bd_weight_unit_count(&rule, CHANNELS);
                cr_assert_eq(count, all_units[k] == BD_UNIT_FILTER && bits == 1 ? CHANNELS : 1);
                bd_weight_integers(&rule, w, CHANNELS, TAPS, q, units);
                double squares = 0;
                for (int i = 0; i < COUNT; i++) {
                    squares += pow(units[i / (COUNT / count)] * q[i], 2);
                }
                reference = bits == 8 ? squares : reference;
                if (all_units[k] == BD_UNIT_RMS) { /* LSQ's steps see to it only roughly */
                    const double slack = families[f] == BD_WEIGHTS_LSQ ? (bits == 1 ? 0.01 : 0.4) : 0.02;
                    cr_assert_float_eq(squares, reference, slack * reference, "family %d, %d bits: %g beside %g", f,
                                       bits, squares, reference);
                } else if (bits == 1) {
                    for (size_t u = 0; u < count; u++) {
                        double mean = 0;
                        for (size_t i = 0; i < COUNT / count; i++) {
                            mean += fabs((double)w[u * TAPS + i]) / (double)(COUNT / count);
                        }
                        cr_assert_float_eq(units[u], mean, 1e-7);
                    }
                } else {
                    const double own[] = {ldexp(level, -bits), 1.0 / ((1 << bits) - 1), level};
                    cr_assert_float_eq(units[0], own[f], 1e-8);
                }
            }
        }
    }
}

/* ---- gradients of weights ----------------------------------------------------------------------------------- */

/* Straight-through functions: what a family computes when its rounding is left out, in double. */
static double smooth_weight(const struct bd_weight_rule *rule, double w, double level)
{
    if (rule->family == BD_WEIGHTS_DOREFA && (rule->bits > 1 || rule->unit == BD_UNIT_RMS)) {
        return fmin(fmax(tanh(w) / level, -1), 1);
    }
    if (rule->family == BD_WEIGHTS_LSQ && rule->bits > 1) {
        return level * fmin(fmax(w / level, -ldexp(1, rule->bits - 1)), ldexp(1, rule->bits - 1) - 1);
    }
    return w;
}

Test(quant_families, weight_gradients_are_those_of_the_unrounded_function)
{
    static float w[GRID], dy[GRID], dw[GRID];
    grid(w);
    random_weights(dy, GRID, 1, 4);
    for (int f = 0; f < 3; f++) {
        for (int k = 0; k < 2; k++) {
            for (int bits = 1; bits <= 8; bits++) {
                const float level = families[f] == BD_WEIGHTS_LSQ ? 1.01f / (float)(1 << bits) : 0.83f;
                const struct bd_weight_rule rule = {families[f], all_units[k], bits, level};
                double d_level;
                int kinks = 0;
                bd_weight_gradient(&rule, w, dy, GRID, dw, &d_level);
                for (int i = 0; i < GRID; i++) {
                    const double h = 1e-5;
                    const double left = (smooth_weight(&rule, w[i], level) - smooth_weight(&rule, w[i] - h, level)) / h;
                    const double right =
                        (smooth_weight(&rule, w[i] + h, level) - smooth_weight(&rule, w[i], level)) / h;
                    if (fabs(left - right) > 1e-3) {
                        kinks++;
                        continue;
                    }
                    cr_assert_float_eq(dw[i], dy[i] * (left + right) / 2, 2e-5 * (1 + fabsf(dy[i])),
                                       "family %d, %d bits, w %g", f, bits, w[i]);
                }
                cr_assert_leq(kinks, 4);
            }
        }
    }
}

/* d (s q) / ds with q's rounding error held: (s + h) (u(s + h) + e) where e = q - u at s. */
Test(quant_families, lsq_step_gradient_is_its_definition)
{
    static float w[GRID], dy[GRID], dw[GRID];
    static int16_t q[GRID];
    grid(w);
    random_weights(dy, GRID, 1, 6);
    for (int bits = 2; bits <= 8; bits++) {
        const double step = 1.1003 / (1 << (bits - 1)), h = 1e-6 * step;
        const int low = -(1 << (bits - 1)), high = (1 << (bits - 1)) - 1;
        const struct bd_weight_rule rule = {BD_WEIGHTS_LSQ, BD_UNIT_RMS, bits, (float)step};
        double closed, numeric = 0, before = 0;
        bd_weight_integers(&rule, w, 1, GRID, q, NULL);
        bd_weight_gradient(&rule, w, dy, GRID, dw, &closed);
        for (int i = 0; i < GRID; i++) {
            const double s = (double)rule.level, u = w[i] / s;
            if (u <= low || u >= high) {
                numeric += dy[i] * (u <= low ? low : high);
                continue;
            }
            const double error = q[i] - u; /* rounding is the identity plus this constant */
            numeric += dy[i] * ((s + h) * (w[i] / (s + h) + error) - (s - h) * (w[i] / (s - h) + error)) / (2 * h);
            before += fabs(error) > 0.5 + 1e-5;
        }
        numeric /= sqrt((double)GRID * high);
        cr_assert_eq(before, 0);
        cr_assert_float_eq(closed, numeric, 1e-4 * (1 + fabs(numeric)), "%d bits: %g, numeric %g", bits, closed,
                           numeric);
    }
}

/* The step's gradient finds the step: descent on the squared error ends where a search over steps ends. */
Test(quant_families, lsq_step_descends_to_the_least_error)
{
    enum { COUNT = 4000, BITS = 3 };
    static float w[COUNT], d[COUNT], dw[COUNT];
    static int16_t q[COUNT];
    random_weights(w, COUNT, 0.1, 9);
    struct bd_weight_rule rule = {BD_WEIGHTS_LSQ, BD_UNIT_RMS, BITS, 0.02f};
    for (int i = 0; i < 400; i++) {
        double d_step;
        bd_weight_integers(&rule, w, 1, COUNT, q, NULL);
        for (int k = 0; k < COUNT; k++) {
            d[k] = rule.level * q[k] - w[k];
        }
        bd_weight_gradient(&rule, w, d, COUNT, dw, &d_step);
        rule.level -= (float)(0.02 * d_step / sqrt(COUNT));
    }
    double least = INFINITY, best = 0;
    for (double step = 0.01; step < 0.2; step += 0.0005) {
        const struct bd_weight_rule tried = {BD_WEIGHTS_LSQ, BD_UNIT_RMS, BITS, (float)step};
        double error = 0;
        bd_weight_integers(&tried, w, 1, COUNT, q, NULL);
        for (int k = 0; k < COUNT; k++) {
            error += pow(step * q[k] - w[k], 2);
        }
        best = error < least ? step : best;
        least = fmin(error, least);
    }
    cr_assert_float_eq(rule.level, best, 0.1 * best, "descent %g, search %g", rule.level, best);
}

/* ---- activations -------------------------------------------------------------------------------------------- */

static const enum bd_activation_quantizer activations[] = {BD_ACTIVATIONS_PACT, BD_ACTIVATIONS_PACT_PUBLISHED,
                                                           BD_ACTIVATIONS_DOREFA, BD_ACTIVATIONS_LSQ};

static struct bd_activation_rule activation(int family, int bits)
{
    const float n = (float)((UINT64_C(1) << bits) - 1);
    struct bd_activation_rule rule = {.family = activations[family], .bits = bits, .level = 1.3703f, .features = 784};
    rule.level = rule.family == BD_ACTIVATIONS_LSQ && bits < 32 ? 1.3703f / n : rule.level;
    return rule;
}

Test(quant_families, activations_on_a_grid)
{
    static float x[GRID], values[GRID];
    grid(x);
    for (int f = 0; f < 4; f++) {
        for (int bits = 1; bits <= 8; bits++) { /* one bit unsigned is {0, 1}, as for the input */
            const struct bd_activation_rule rule = activation(f, bits);
            const double n = (1 << bits) - 1, alpha = activations[f] == BD_ACTIVATIONS_DOREFA ? 1 : 1.3703;
            int skipped = 0;
            bd_activation_forward(&rule, x, GRID, values);
            for (int i = 0; i < GRID; i++) {
                int close;
                const double code = half_up(n * fmin(fmax(x[i], 0), alpha) / alpha, &close);
                skipped += close;
                cr_assert(close || fabs(values[i] - code * alpha / n) < 1e-5, "family %d, %d bits, x %g: %g", f, bits,
                          x[i], values[i]);
            }
            cr_assert_leq(skipped, 30);
        }
    }
}

/* Rounding as the identity plus a constant error, differenced in x and in alpha or step. */
Test(quant_families, activation_gradients)
{
    static float x[GRID], values[GRID], dy[GRID], dx[GRID];
    grid(x);
    random_weights(dy, GRID, 1, 3);
    for (int f = 0; f < 4; f++) {
        for (int bits = 2; bits <= 32; bits = bits == 8 ? 32 : bits + 1) {
            const struct bd_activation_rule rule = activation(f, bits);
            const double n = bits == 32 ? 1 : (1 << bits) - 1;
            const bool step = activations[f] == BD_ACTIVATIONS_LSQ && bits < 32;
            const double alpha = activations[f] == BD_ACTIVATIONS_DOREFA ? 1 : step ? n * rule.level : rule.level;
            double closed, expected = 0;
            bd_activation_forward(&rule, x, GRID, values);
            bd_activation_backward(&rule, x, dy, GRID, dx, &closed);
            for (int i = 0; i < GRID; i++) {
                const bool inside = x[i] >= 0 && x[i] < alpha;
                cr_assert(fabs(x[i] - alpha) < 1e-6 || dx[i] == (inside ? dy[i] : 0), "family %d, %d bits, x %g", f,
                          bits, x[i]);
                if (activations[f] == BD_ACTIVATIONS_DOREFA || x[i] < 0) {
                    continue;
                }
                /* value(a) = a (u(a) + e), u = x / a clipped at 1, e the rounding error in units of alpha at a. */
                const double e = bits == 32 || activations[f] == BD_ACTIVATIONS_PACT_PUBLISHED ? 0
                                 : inside ? values[i] / alpha - x[i] / alpha
                                          : 0;
                const double h = 1e-6, up = (alpha + h) * (fmin(x[i] / (alpha + h), 1) + e);
                const double down = (alpha - h) * (fmin(x[i] / (alpha - h), 1) + e);
                expected += dy[i] * (up - down) / (2 * h) * (step ? n : 1);
            }
            expected *= step ? 1 / sqrt(784 * n) : 1;
            cr_assert_float_eq(closed, expected, 2e-4 * (1 + fabs(expected)), "family %d, %d bits: %g, expected %g", f,
                               bits, closed, expected);
        }
    }
}

Test(quant_families, sign_gradients)
{
    static float x[GRID], values[GRID], dy[GRID], dx[GRID];
    grid(x);
    random_weights(dy, GRID, 1, 2);
    for (int bireal = 0; bireal <= 1; bireal++) {
        const struct bd_activation_rule rule = {
            .sign_gradient = bireal ? BD_SIGN_BIREAL : BD_SIGN_CLIP, .bits = 1, .is_signed = true};
        double d_level, area = 0;
        bd_activation_forward(&rule, x, GRID, values);
        bd_activation_backward(&rule, x, dy, GRID, dx, &d_level);
        cr_assert_eq(d_level, 0);
        for (int i = 0; i < GRID; i++) {
            const double slope = bireal ? fmax(0, 2 - 2 * fabs((double)x[i])) : fabsf(x[i]) <= 1;
            cr_assert_eq(values[i], x[i] >= 0 ? 1 : -1);
            cr_assert_float_eq(dx[i], dy[i] * slope, 1e-6);
            area += slope / 1000;
        }
        cr_assert_float_eq(area, 2, 2e-3); /* as much as the sign's jump from -1 to +1 */
    }
}
