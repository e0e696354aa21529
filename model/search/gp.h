/* A Gaussian process over the unit cube: ARD Matern-5/2 kernel, targets standardised inside, learned noise.
 *
 * Hyperparameters theta (d + 2), all logarithms: theta[0..d-1] lengthscales, theta[d] signal variance, theta[d+1]
 * noise variance, of the standardised targets. They maximise the log marginal likelihood plus log priors:
 * lengthscale ~ LogNormal(sqrt 2 + log(d) / 2, sqrt 3), so that a typical lengthscale grows with sqrt(d) (Hvarfner,
 * Hellsten, Nardi, ICML 2024); signal ~ LogNormal(0, 1); noise ~ LogNormal(-6, 3). Rasmussen and Williams, 2006,
 * chapters 2 and 5, give the formulas.
 *
 * Every function does its linear algebra in one thread and restores BLAS's number of threads, so that the bits of a
 * result depend on the arguments alone. */
#ifndef BD_SEARCH_GP_H
#define BD_SEARCH_GP_H

#include <stddef.h>

#include "model/core/error.h"
#include "model/core/rng.h"

#define BD_GP_MAX_DIMENSIONS 40

struct bd_gp {
    size_t n, d, room;    /* points, inputs, points that fit the memory */
    double *x;            /* (n, d), copied */
    double *y;            /* (n) standardised */
    double offset, scale; /* target = offset + scale * y */
    double theta[BD_GP_MAX_DIMENSIONS + 2];
    double *chol;         /* (room, room) lower Cholesky factor of the kernel matrix with noise, row-major */
    double *alpha;        /* (n) K^-1 y */
    double log_posterior; /* of theta, as bd_gp_fit found it: likelihood and priors */
    double jitter;        /* what had to be added to the diagonal; 0 usually */
};

/* An empty process, all zero, may be fitted, conditioned and released; the other functions want one that was fitted or
 * conditioned. */

/* How hard bd_gp_fit looks for theta. */
struct bd_gp_effort {
    const double *warm; /* theta of an earlier fit, the first start; NULL for none */
    int starts;         /* in all, 1 or more: `warm`, the prior's mode, then draws from the prior */
    int evaluations;    /* of the posterior, a start, at most */
};

/* Conditions on n >= 1 observations x (n, d), y (n) with the theta that L-BFGS finds. Deterministic for (data, effort,
 * rng). 1 <= d <= BD_GP_MAX_DIMENSIONS. BD_INFRA when no start gives a positive definite matrix. */
bd_status bd_gp_fit(struct bd_gp *gp, size_t n, size_t d, const double *x, const double *y,
                    const struct bd_gp_effort *effort, struct bd_rng *rng, struct bd_error *err) BD_WARN_UNUSED;
/* Conditions on observations with a given theta (d + 2). Rows of the factor that the process has already, of the same
 * theta and the same first points, stay: one more point costs n^2. The bits are those of a process made anew. */
bd_status bd_gp_condition(struct bd_gp *gp, size_t n, size_t d, const double *x, const double *y, const double *theta,
                          struct bd_error *err) BD_WARN_UNUSED;
/* Adds a point (d) whose value is not known yet, at its own mean: forecasts keep their means, and lose the variance
 * that the point will take. */
void bd_gp_believe(struct bd_gp *gp, const double *point);
void bd_gp_release(struct bd_gp *gp);

/* Mean and variance (noise left out, >= 0) of the function at a point (d), in the targets' own units.
 * `work` holds n doubles. */
void bd_gp_predict(const struct bd_gp *gp, const double *point, double *work, double *mean, double *variance);
/* The same at `count` points (count, d), in one triangular solve; `work` holds n * count doubles. */
void bd_gp_predict_many(const struct bd_gp *gp, size_t count, const double *points, double *work, double *mean,
                        double *variance);
/* The same at one point with the gradients (d) of both; `work` holds 3 * n doubles. */
void bd_gp_predict_gradient(const struct bd_gp *gp, const double *point, double *work, double *mean, double *variance,
                            double *mean_gradient, double *variance_gradient);
/* How many standard deviations the last point's value lies from what the points before it forecast. */
double bd_gp_last_surprise(const struct bd_gp *gp);

/* Log posterior of theta for standardised data, and its gradient (d + 2) where `gradient` is not NULL; for tests
 * and for the fit. Returns -HUGE_VAL where the matrix is not positive definite even with jitter. */
double bd_gp_log_posterior(size_t n, size_t d, const double *x, const double *y, const double *theta, double *gradient);

#endif
