/* The quantizers against their definitions, on fine grids. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdint.h>

#include "model/core/rng.h"
#include "model/quant/quant.h"

/* Every latent on a grid eight times as fine as the codes: the bin it stands in, in exact arithmetic (s a power of
 * two). */
Test(quant, weight_codes_are_floors)
{
    for (int i = -1200; i <= 1200; i++) {
        float w = i / 2048.0f; /* s = 1/2: t = w + 1/2, 256 t = i / 8 + 128 */
        uint8_t code;
        bd_weight_codes(&w, 1, 0.5f, &code);
        int floor_code = (i + 1024) >= 0 ? (i + 1024) / 8 : -1;
        int expected = floor_code < 0 ? 0 : floor_code > 255 ? 255 : floor_code;
        cr_assert_eq(code, expected, "w %g: %d, expected %d", w, code, expected);
    }
}

/* The code of b bits is what quantizing at b bits gives: min(floor(2^b t), 2^b - 1). */
Test(quant, codes_nest)
{
    for (int bits = 1; bits <= 8; bits++) {
        for (int i = -1024; i <= 1024; i++) {
            float w = i / 2048.0f;
            uint8_t code;
            bd_weight_codes(&w, 1, 0.5f, &code);
            double t = w + 0.5;
            int direct = fmin(floor(ldexp(t, bits)), (1 << bits) - 1);
            cr_assert_eq(code >> (8 - bits), direct, "bits %d w %g", bits, w);
            cr_assert_eq(bd_weight_odd(code, bits), 2 * direct + 1 - (1 << bits));
        }
    }
}

/* An odd weight is the sum of its +-1 planes; one bit is the sign. */
Test(quant, odd_weights_are_planes)
{
    for (int code = 0; code < 256; code++) {
        for (int bits = 1; bits <= 8; bits++) {
            int sum = 0;
            for (int plane = 0; plane < bits; plane++) {
                sum += (1 << plane) * ((code >> (8 - bits + plane) & 1) ? 1 : -1);
            }
            cr_assert_eq(bd_weight_odd(code, bits), sum);
        }
        cr_assert_eq(bd_weight_odd(code, 1), code >= 128 ? 1 : -1);
    }
}

Test(quant, scales_even_the_root_mean_square)
{
    enum { COUNT = 5000 };
    static float weights[COUNT];
    static uint8_t codes[COUNT];
    struct bd_rng rng;
    bd_rng_seed(&rng, 3);
    for (int i = 0; i < COUNT; i++) {
        weights[i] = 0.1 * bd_rng_normal(&rng);
    }
    bd_weight_codes(weights, COUNT, 0.2f, codes);
    cr_assert_float_eq(bd_weight_scale(codes, COUNT, 0.2f, 8), 0.2 / 256, 1e-9);
    double reference = 0;
    for (int bits = 8; bits >= 1; bits--) {
        double scale = bd_weight_scale(codes, COUNT, 0.2f, bits), squares = 0;
        for (int i = 0; i < COUNT; i++) {
            squares += pow(scale * bd_weight_odd(codes[i], bits), 2);
        }
        reference = bits == 8 ? squares : reference;
        cr_assert_float_eq(squares, reference, 1e-5 * reference, "bits %d", bits);
    }
}

/* Codes are the nearest level, halves upwards; they never fall as x grows; the ends clip. */
Test(quant, pact_codes)
{
    for (int bits = 2; bits <= 8; bits++) {
        float n = (1 << bits) - 1, alpha = 0.75f, scale = n / alpha, before = 0;
        for (int i = -4000; i <= 8000; i++) {
            float x = i / 4000.0f, code = bd_pact_code(x, scale, n);
            double exact = (double)x * scale + 0.5, expected = fmin(fmax(floor(exact), 0), n);
            if (fabs(exact - round(exact)) > 1e-4) {
                cr_assert_eq(code, expected, "bits %d x %g: %g, expected %g", bits, x, code, expected);
            }
            cr_assert_geq(code, before);
            before = code;
        }
        cr_assert_eq(before, n);
    }
    cr_assert_eq(bd_pact_code(0.5f, 1, 3), 1);                /* the edge itself goes up */
    cr_assert_eq(bd_pact_code(nextafterf(0.5f, 0), 1, 3), 1); /* 0.5 - 2^-25 + 0.5 rounds to 1 in float32 */
    cr_assert_eq(bd_pact_code(0.4999f, 1, 3), 0);
}

/* d(code alpha / n) / d alpha by its definition. */
Test(quant, pact_alpha_gradient)
{
    float n = 3, alpha = 1.5f, scale = n / alpha;
    cr_assert_eq(bd_pact_alpha_gradient(-0.1f, scale, n), 0);
    cr_assert_eq(bd_pact_alpha_gradient(1.5f, scale, n), 1);
    cr_assert_eq(bd_pact_alpha_gradient(9, scale, n), 1);
    for (int i = 0; i < 1500; i++) {
        float x = i / 1000.0f, value = bd_pact_code(x, scale, n) / n;
        cr_assert_float_eq(bd_pact_alpha_gradient(x, scale, n), value - x / alpha, 1e-6);
    }
}

/* Only LSQ's step above one bit learns; every other rule passes the weights' gradient on and leaves the level alone. */
Test(quant, only_steps_have_gradients_of_levels)
{
    const float weights[4] = {-0.4f, 0.1f, 0.2f, 0.7f}, gradient[4] = {1, -2, 3, 0.5f};
    for (int family = BD_WEIGHTS_FLOOR; family <= BD_WEIGHTS_LSQ; family++) {
        for (int bits = 1; bits <= 8; bits++) {
            const struct bd_weight_rule rule = {
                .family = (enum bd_weight_quantizer)family, .bits = bits, .level = 0.25f, .unit = BD_UNIT_LAYER};
            float passed[4];
            double d_level = 99;
            bd_weight_gradient(&rule, weights, gradient, 4, passed, &d_level);
            const bool learns = family == BD_WEIGHTS_LSQ && bits > 1;
            cr_assert_eq(d_level != 0, learns, "family %d, %d bits: %g", family, bits, d_level);
            for (int i = 0; i < 4 && (family == BD_WEIGHTS_FLOOR || bits == 1); i++) {
                cr_assert_eq(passed[i], gradient[i]);
            }
        }
    }
}
