/* What the files of the Gaussian process share: gp.c has the posterior of theta and its maximum, gp_predict.c the
 * factor, and forecasts. */
#ifndef BD_SEARCH_GP_PARTS_H
#define BD_SEARCH_GP_PARTS_H

#include <math.h>

#include "model/search/gp.h"

/* The bits of a factorisation follow the number of threads, and results must not: one thread does it. Returns the
 * number to restore. */
int bd_gp_use_one_thread(void);
void bd_gp_restore_threads(int before);

/* Targets y (n) to mean 0 and variance 1; equal ones only lose their mean. */
void bd_gp_standardise(size_t n, const double *y, double *standard, double *offset, double *scale);

static inline double bd_gp_square(double v)
{
    return v * v;
}

/* Matern-5/2 without the signal's variance, from the scaled squared distance; *slope: its derivative times -2. */
static inline double bd_gp_matern(double r2, double *slope)
{
    const double a = sqrt(5.0 * r2), e = exp(-a);
    *slope = 5.0 / 3.0 * (1.0 + a) * e;
    return (1.0 + a + a * a / 3.0) * e;
}

#endif
