/* What a normal forecast promises: logarithms of expected improvement (one objective) and expected hypervolume
 * improvement (two), with derivatives, finite and ordered where the improvement itself underflows (Ament, Daulton,
 * Eriksson, Balandat, Bakshy, NeurIPS 2023). Larger values are better. */
#ifndef BD_SEARCH_IMPROVEMENT_H
#define BD_SEARCH_IMPROVEMENT_H

#include <stddef.h>

/* A forecast of one objective; sd 0: known exactly. */
struct bd_forecast {
    double mean, sd;
};

/* Derivatives of the logarithm by a forecast's mean and sd. */
struct bd_forecast_gradient {
    double mean, sd;
};

/* log E[max(f - best, 0)] for f normal. `gradient` may be NULL. */
double bd_log_improvement(struct bd_forecast f, double best, struct bd_forecast_gradient *gradient);
/* The same from a variance, without derivatives. */
double bd_log_expected_improvement(double mean, double variance, double best);

/* Points (count, 2) that no other one is as good as in both and better in one, of equal ones the first: their indices
 * into `front` (count), by ascending first objective; returns how many. */
size_t bd_front_of(size_t count, const double *values, size_t *front);
/* Area between the reference point (2) and a front (count, 2) as bd_front_of orders it; what is not above the reference
 * in both counts nothing. */
double bd_hypervolume(size_t count, const double *front, const double *reference);
/* log of the expected growth of that area for two independent forecasts: exact, a sum over the strips below the front
 * (Emmerich, Deutz, Klinkenberg, CEC 2011, in two dimensions). `gradients`: 2, or NULL. */
double bd_log_hypervolume_improvement(const struct bd_forecast forecasts[2], size_t count, const double *front,
                                      const double *reference, struct bd_forecast_gradient *gradients);

#endif
