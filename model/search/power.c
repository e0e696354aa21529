#include "model/search/power.h"

#include <math.h>
#include <stdlib.h>

#include "model/core/memory.h"
#include "model/search/gp_parts.h"

#define STEPS 30 /* of the golden section */
#define NEAR 1e-9

static double bend(double power, double t)
{
    if (t >= 0.0) {
        return power < NEAR ? log1p(t) : expm1(power * log1p(t)) / power;
    }
    const double other = 2.0 - power;
    return other < NEAR ? -log1p(-t) : -expm1(other * log1p(-t)) / other;
}

static double straighten(double power, double t)
{
    if (t >= 0.0) {
        return power < NEAR ? expm1(t) : expm1(log1p(power * t) / power);
    }
    const double other = 2.0 - power;
    return other < NEAR ? -expm1(-t) : -expm1(log1p(-other * t) / other);
}

/* Log likelihood of standardised values as a bent normal sample: the variance after bending, and the slope of the bend
 * at each value. */
static double log_likelihood(size_t n, const double *standard, double power)
{
    double mean = 0.0, variance = 0.0, slope = 0.0;
    for (size_t i = 0; i < n; i++) {
        mean += bend(power, standard[i]) / (double)n;
        slope += copysign(log1p(fabs(standard[i])), standard[i]);
    }
    for (size_t i = 0; i < n; i++) {
        variance += bd_gp_square(bend(power, standard[i]) - mean) / (double)n;
    }
    return variance > 0.0 ? (power - 1.0) * slope - 0.5 * (double)n * log(variance) : -HUGE_VAL;
}

struct bd_power bd_power_fit(size_t n, const double *y)
{
    struct bd_power power = {.power = 1.0};
    double *standard = bd_xcalloc(n, sizeof *standard), low = 0.0, high = 2.0;
    bd_gp_standardise(n, y, standard, &power.offset, &power.scale);
    for (int step = 0; step < STEPS; step++) {
        const double third = 0.6180339887498949 * (high - low), a = high - third, b = low + third;
        if (log_likelihood(n, standard, a) > log_likelihood(n, standard, b)) {
            high = b;
        } else {
            low = a;
        }
    }
    if (log_likelihood(n, standard, 0.5 * (low + high)) > log_likelihood(n, standard, 1.0)) {
        power.power = 0.5 * (low + high);
    }
    free(standard);
    return power;
}

double bd_power_bend(const struct bd_power *power, double y)
{
    return bend(power->power, (y - power->offset) / power->scale);
}

double bd_power_straighten(const struct bd_power *power, double bent)
{
    return power->offset + power->scale * straighten(power->power, bent);
}
