/* A Gaussian process over the unit cube: ARD Matern-5/2 kernel, targets standardised inside, learned noise.
 *
 * Hyperparameters theta (d + 2), all logarithms: theta[0..d-1] lengthscales, theta[d] signal variance, theta[d+1]
 * noise variance, of the standardised targets. They maximise the log marginal likelihood plus log priors:
 * lengthscale ~ LogNormal(sqrt 2 + log(d) / 2, sqrt 3), so that a typical lengthscale grows with sqrt(d) (Hvarfner,
 * Hellsten, Nardi, ICML 2024); signal ~ LogNormal(0, 1); noise ~ LogNormal(-4, 1.5). Rasmussen and Williams, 2006,
 * chapters 2 and 5, give the formulas. */
#ifndef BD_SEARCH_GP_H
#define BD_SEARCH_GP_H

#include <stddef.h>

#include "model/core/error.h"
#include "model/core/rng.h"

#define BD_GP_MAX_DIMENSIONS 40

struct bd_gp {
    size_t n, d;
    double *x;            /* (n, d), copied */
    double *y;            /* (n) standardised */
    double offset, scale; /* target = offset + scale * y */
    double theta[BD_GP_MAX_DIMENSIONS + 2];
    double *chol;         /* (n, n) lower Cholesky factor of the kernel matrix with noise, row-major */
    double *alpha;        /* (n) K^-1 y */
    double log_posterior; /* of theta: likelihood and priors */
    double jitter;        /* what had to be added to the diagonal; 0 usually */
};

/* Copies n >= 1 observations x (n, d), y (n) and fits theta by L-BFGS from `starts` points: `warm` (theta of an
 * earlier fit; NULL for none), the prior's mode, and draws from the prior. Deterministic for (data, warm, rng).
 * 1 <= d <= BD_GP_MAX_DIMENSIONS. BD_INFRA when no start gives a positive definite matrix. */
bd_status bd_gp_fit(struct bd_gp *gp, size_t n, size_t d, const double *x, const double *y, const double *warm,
                    int starts, struct bd_rng *rng, struct bd_error *err) BD_WARN_UNUSED;
void bd_gp_release(struct bd_gp *gp);

/* Mean and variance (noise left out, >= 0) of the function at a point (d), in the targets' own units.
 * `work` holds n doubles. */
void bd_gp_predict(const struct bd_gp *gp, const double *point, double *work, double *mean, double *variance);

/* Log posterior of theta for standardised data, and its gradient (d + 2) where `gradient` is not NULL; for tests
 * and for the fit. Returns -HUGE_VAL where the matrix is not positive definite even with jitter. */
double bd_gp_log_posterior(size_t n, size_t d, const double *x, const double *y, const double *theta, double *gradient);

/* log E[max(f - best, 0)] for f normal, stable to any distance below `best` (Ament and others, NeurIPS 2023). */
double bd_log_expected_improvement(double mean, double variance, double best);

#endif
