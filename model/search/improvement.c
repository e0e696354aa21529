#include "model/search/improvement.h"

#include <gsl/gsl_sf_erf.h>
#include <math.h>
#include <string.h>

#define LEAST_SD 1e-150

static double log_density(double z)
{
    return -0.5 * z * z - 0.5 * log(2.0 * M_PI);
}

/* log Phi(z). Far below zero by Mills' ratio. */
static double log_tail(double z)
{
    return z > -1.0 ? log(0.5 * erfc(-z * M_SQRT1_2)) : log_density(z) - log(gsl_sf_hazard(-z));
}

/* log(phi(z) + z Phi(z)). Below zero it is log phi(z) + log(1 - |z| / hazard(|z|)); far below, where the difference
 * cancels, the series of Mills' ratio takes its place. */
static double log_h(double z)
{
    const double log_phi = log_density(z);
    if (z > -1.0) {
        return log(exp(log_phi) + z * 0.5 * erfc(-z * M_SQRT1_2));
    }
    double x = -z;
    if (x > 50.0) {
        double u = 1.0 / (x * x);
        return log_phi + log(u) + log1p(u * (-3.0 + 15.0 * u));
    }
    return log_phi + log1p(-x / gsl_sf_hazard(x));
}

double bd_log_improvement(struct bd_forecast f, double best, struct bd_forecast_gradient *gradient)
{
    if (f.sd < LEAST_SD) { /* known: no improvement is worth next to nothing, rather than minus infinity */
        const double gain = f.mean - best;
        if (gradient) {
            *gradient = (struct bd_forecast_gradient){gain > 0.0 ? 1.0 / gain : 0.0, 0.0};
        }
        return gain > 0.0 ? log(gain) : -1e300;
    }
    const double z = (f.mean - best) / f.sd, value = log_h(z) + log(f.sd);
    if (gradient) { /* d E / d mean = Phi(z), d E / d sd = phi(z) */
        *gradient = (struct bd_forecast_gradient){exp(log_tail(z) - value), exp(log_density(z) - value)};
    }
    return value;
}

double bd_log_expected_improvement(double mean, double variance, double best)
{
    return bd_log_improvement((struct bd_forecast){mean, sqrt(fmax(variance, 1e-290))}, best, NULL);
}

/* ---- two objectives ---- */

size_t bd_front_of(size_t count, const double *values, size_t *front)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        const double *a = values + 2 * i;
        int beaten = 0;
        for (size_t j = 0; j < count && !beaten; j++) {
            const double *b = values + 2 * j;
            beaten = b[0] >= a[0] && b[1] >= a[1] && (b[0] > a[0] || b[1] > a[1] || j < i);
        }
        if (beaten) {
            continue;
        }
        size_t at = size++;
        for (; at > 0 && values[2 * front[at - 1]] > a[0]; at--) {
            front[at] = front[at - 1];
        }
        front[at] = i;
    }
    return size;
}

double bd_hypervolume(size_t count, const double *front, const double *reference)
{
    double volume = 0.0, from = reference[0];
    for (size_t i = 0; i < count; i++) { /* the strip from the last point to this one is as high as this one */
        const double width = front[2 * i] - from, height = front[2 * i + 1] - reference[1];
        if (width > 0.0 && height > 0.0) {
            volume += width * height;
            from = front[2 * i];
        }
    }
    return volume;
}

/* log E[min((f - low)+, high - low)], the expected overlap of f with a strip; `high` may be infinite. */
static double log_overlap(struct bd_forecast f, double low, double high, struct bd_forecast_gradient *gradient)
{
    struct bd_forecast_gradient a, b;
    const double to_low = bd_log_improvement(f, low, &a);
    if (!isfinite(high) || to_low <= -1e299) {
        *gradient = a;
        return to_low;
    }
    const double to_high = bd_log_improvement(f, high, &b);
    const double part = to_high > -1e299 ? exp(to_high - to_low) : 0.0;
    if (part >= 1.0) { /* no digit is left of the difference */
        *gradient = (struct bd_forecast_gradient){0.0, 0.0};
        return -1e300;
    }
    *gradient =
        (struct bd_forecast_gradient){(a.mean - part * b.mean) / (1.0 - part), (a.sd - part * b.sd) / (1.0 - part)};
    return to_low + log1p(-part);
}

double bd_log_hypervolume_improvement(const struct bd_forecast forecasts[2], size_t count, const double *front,
                                      const double *reference, struct bd_forecast_gradient *gradients)
{
    /* A running sum of exponentials, the largest taken out. */
    double top = -1e300, sum = 0.0, from = reference[0];
    struct bd_forecast_gradient weighted[2] = {{0.0, 0.0}, {0.0, 0.0}};
    for (size_t i = 0; i <= count; i++) {
        const double to = i < count ? front[2 * i] : INFINITY;
        const double floor = i < count ? fmax(front[2 * i + 1], reference[1]) : reference[1];
        if (to <= from) {
            continue;
        }
        struct bd_forecast_gradient across, above;
        const double term =
            log_overlap(forecasts[0], from, to, &across) + bd_log_improvement(forecasts[1], floor, &above);
        from = to;
        if (term <= -1e299) {
            continue;
        }
        const double shrink = term > top ? exp(top - term) : 1.0, share = term > top ? 1.0 : exp(term - top);
        top = fmax(top, term);
        sum = sum * shrink + share;
        weighted[0].mean = weighted[0].mean * shrink + share * across.mean;
        weighted[0].sd = weighted[0].sd * shrink + share * across.sd;
        weighted[1].mean = weighted[1].mean * shrink + share * above.mean;
        weighted[1].sd = weighted[1].sd * shrink + share * above.sd;
    }
    for (int k = 0; gradients && k < 2; k++) {
        gradients[k] = sum > 0.0 ? (struct bd_forecast_gradient){weighted[k].mean / sum, weighted[k].sd / sum}
                                 : (struct bd_forecast_gradient){0.0, 0.0};
    }
    return sum > 0.0 ? top + log(sum) : -1e300;
}
