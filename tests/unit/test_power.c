/* The power transform: its formula, its inverse, and a likelihood that no other power exceeds. */
#include <criterion/criterion.h>
#include <math.h>

#include "model/core/rng.h"
#include "model/search/power.h"

/* Yeo and Johnson's formula as printed. */
static double printed(double l, double t)
{
    return t >= 0 ? (l > 0 ? (pow(t + 1, l) - 1) / l : log(t + 1))
                  : (l < 2 ? -(pow(1 - t, 2 - l) - 1) / (2 - l) : -log(1 - t));
}

/* Log likelihood of a bent normal sample, the slope of the bend by differences. */
static double likelihood(size_t n, const double *y, double offset, double scale, double power)
{
    double mean = 0, variance = 0, slopes = 0;
    for (size_t i = 0; i < n; i++) {
        const double t = (y[i] - offset) / scale, h = 1e-6;
        mean += printed(power, t) / (double)n;
        slopes += log((printed(power, t + h) - printed(power, t - h)) / (2 * h));
    }
    for (size_t i = 0; i < n; i++) {
        const double away = printed(power, (y[i] - offset) / scale) - mean;
        variance += away * away / (double)n;
    }
    return slopes - 0.5 * (double)n * log(variance);
}

Test(power, bends_by_the_formula_and_back)
{
    for (double l = 0; l <= 2; l += 0.25) {
        const struct bd_power power = {l, 3, 2};
        double last = -HUGE_VAL;
        for (double y = -40; y < 40; y += 0.7) {
            const double bent = bd_power_bend(&power, y);
            cr_assert_float_eq(bent, printed(l, (y - 3) / 2), 1e-12 * (1 + fabs(bent)));
            cr_assert_float_eq(bd_power_straighten(&power, bent), y, 1e-9);
            cr_assert_gt(bent, last, "the order is kept");
            last = bent;
        }
    }
}

Test(power, is_the_most_likely_one)
{
    double y[60];
    struct bd_rng rng;
    bd_rng_seed(&rng, 6);
    for (int shape = 0; shape < 4; shape++) {
        for (int i = 0; i < 60; i++) {
            const double z = bd_rng_normal(&rng);
            y[i] = shape == 0 ? z : shape == 1 ? exp(z) : shape == 2 ? -exp(1.5 * z) : 50 + 1e-3 * z * z;
        }
        const struct bd_power power = bd_power_fit(60, y);
        const double highest = likelihood(60, y, power.offset, power.scale, power.power);
        for (double l = 0; l <= 2; l += 0.05) {
            cr_assert_leq(likelihood(60, y, power.offset, power.scale, l), highest + 1e-4, "shape %d: %g beats %g",
                          shape, l, power.power);
        }
        cr_assert(shape == 0   ? fabs(power.power - 1) < 0.5
                  : shape == 2 ? power.power > 1.5
                               : power.power < 0.5,
                  "%g", power.power);
    }
    const double equal[3] = {2, 2, 2};
    const struct bd_power power = bd_power_fit(3, equal);
    cr_assert(power.power == 1 && bd_power_bend(&power, 2) == 0 && bd_power_straighten(&power, 0) == 2);
}
