/* A power transform of targets towards a normal distribution (Yeo and Johnson, 2000), as a Gaussian process expects
 * them: it lays apart what is crowded, be it the best values or the worst, and keeps the order. */
#ifndef BD_SEARCH_POWER_H
#define BD_SEARCH_POWER_H

#include <stddef.h>

/* y is standardised, (y - offset) / scale, then bent by the power, 0 .. 2; 1 leaves it straight. */
struct bd_power {
    double power, offset, scale;
};

/* The power of the highest normal likelihood for y (n), n >= 1. */
struct bd_power bd_power_fit(size_t n, const double *y);
double bd_power_bend(const struct bd_power *power, double y);
/* Of a bent value, the value. */
double bd_power_straighten(const struct bd_power *power, double bent);

#endif
