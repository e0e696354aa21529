#include "model/search/gp.h"

#include <cblas.h>
#include <gsl/gsl_sf_erf.h>
#include <lapacke.h>
#include <math.h>
#include <nlopt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"

#define MAX_EVALUATIONS 80
#define SIGNAL_MEAN 0.0
#define SIGNAL_SD 1.0
#define NOISE_MEAN (-4.0)
#define NOISE_SD 1.5

/* The bits of a factorisation follow the number of threads, and proposals must not: one thread does it. Returns the
 * number to restore. */
static int use_one_thread(void)
{
    const int before = openblas_get_num_threads();
    if (before != 1) {
        openblas_set_num_threads(1);
    }
    return before;
}

static void restore_threads(int before)
{
    if (before != 1) {
        openblas_set_num_threads(before);
    }
}

static double lengthscale_mean(size_t d)
{
    return sqrt(2.0) + 0.5 * log((double)d);
}

static const double lengthscale_sd = 1.7320508075688772;

static double square(double v)
{
    return v * v;
}

/* Kernel without the signal variance, from the scaled squared distance. */
static double matern(double r2)
{
    double a = sqrt(5.0 * r2);
    return (1.0 + a + a * a / 3.0) * exp(-a);
}

static double scaled_distance(size_t d, const double *a, const double *b, const double *inverse_square)
{
    double sum = 0.0;
    for (size_t i = 0; i < d; i++) {
        sum += square(a[i] - b[i]) * inverse_square[i];
    }
    return sum;
}

static void inverse_squares(size_t d, const double *theta, double *inverse_square)
{
    for (size_t i = 0; i < d; i++) {
        inverse_square[i] = exp(-2.0 * theta[i]);
    }
}

/* Lower factor of the kernel matrix into `chol` (n, n); false where even the largest jitter does not help. */
static bool factorise(size_t n, size_t d, const double *x, const double *theta, double *chol, double *jitter)
{
    double inverse_square[BD_GP_MAX_DIMENSIONS];
    inverse_squares(d, theta, inverse_square);
    double signal = exp(theta[d]), noise = exp(theta[d + 1]);
    *jitter = 0.0;
    for (int attempt = 0; attempt < 8; attempt++) {
        for (size_t i = 0; i < n; i++) {
            for (size_t j = 0; j <= i; j++) {
                chol[i * n + j] = signal * matern(scaled_distance(d, x + i * d, x + j * d, inverse_square));
            }
            chol[i * n + i] += noise + *jitter;
        }
        if (LAPACKE_dpotrf(LAPACK_ROW_MAJOR, 'L', (lapack_int)n, chol, (lapack_int)n) == 0) {
            return true;
        }
        *jitter = *jitter == 0.0 ? 1e-10 * signal : *jitter * 10.0;
    }
    return false;
}

/* alpha = K^-1 y by the factor; returns the log likelihood. */
static double solve(size_t n, const double *chol, const double *y, double *alpha)
{
    memcpy(alpha, y, n * sizeof(*alpha));
    (void)LAPACKE_dpotrs(LAPACK_ROW_MAJOR, 'L', (lapack_int)n, 1, chol, (lapack_int)n, alpha, 1);
    double fit = 0.0, log_det = 0.0;
    for (size_t i = 0; i < n; i++) {
        fit += y[i] * alpha[i];
        log_det += log(chol[i * n + i]);
    }
    return -0.5 * fit - log_det - 0.5 * (double)n * log(2.0 * M_PI);
}

static double log_prior(size_t d, const double *theta, double *gradient)
{
    double total = 0.0;
    for (size_t i = 0; i < d + 2; i++) {
        double mean = i < d ? lengthscale_mean(d) : i == d ? SIGNAL_MEAN : NOISE_MEAN;
        double sd = i < d ? lengthscale_sd : i == d ? SIGNAL_SD : NOISE_SD;
        total -= 0.5 * square((theta[i] - mean) / sd);
        if (gradient) {
            gradient[i] -= (theta[i] - mean) / square(sd);
        }
    }
    return total;
}

/* d(log likelihood)/d(theta) = 1/2 sum_ij (alpha alpha' - K^-1)_ij dK_ij/d(theta). `inverse` holds K^-1's lower half.
 */
static void add_likelihood_gradient(size_t n, size_t d, const double *x, const double *theta, const double *alpha,
                                    const double *inverse, double *gradient)
{
    double inverse_square[BD_GP_MAX_DIMENSIONS];
    inverse_squares(d, theta, inverse_square);
    double signal = exp(theta[d]), noise = exp(theta[d + 1]);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < i; j++) { /* off the diagonal each pair counts twice: the factor 1/2 is gone */
            double weight = alpha[i] * alpha[j] - inverse[i * n + j];
            double a = sqrt(5.0 * scaled_distance(d, x + i * d, x + j * d, inverse_square));
            double slope = weight * signal * (5.0 / 3.0) * (1.0 + a) * exp(-a);
            for (size_t k = 0; k < d; k++) {
                gradient[k] += slope * square(x[i * d + k] - x[j * d + k]) * inverse_square[k];
            }
            gradient[d] += weight * signal * (1.0 + a + a * a / 3.0) * exp(-a);
        }
        double weight = 0.5 * (alpha[i] * alpha[i] - inverse[i * n + i]);
        gradient[d] += weight * signal;
        gradient[d + 1] += weight * noise;
    }
}

double bd_gp_log_posterior(size_t n, size_t d, const double *x, const double *y, const double *theta, double *gradient)
{
    double *chol = bd_xcalloc(n * n, sizeof(*chol));
    double *alpha = bd_xcalloc(n, sizeof(*alpha));
    double jitter, value = -HUGE_VAL;
    const int threads = use_one_thread();
    if (gradient) {
        memset(gradient, 0, (d + 2) * sizeof(*gradient));
    }
    if (factorise(n, d, x, theta, chol, &jitter)) {
        value = solve(n, chol, y, alpha) + log_prior(d, theta, gradient);
        if (gradient) {
            (void)LAPACKE_dpotri(LAPACK_ROW_MAJOR, 'L', (lapack_int)n, chol, (lapack_int)n);
            add_likelihood_gradient(n, d, x, theta, alpha, chol, gradient);
        }
    }
    restore_threads(threads);
    free(chol);
    free(alpha);
    return value;
}

/* ---- fit ---- */

static double nlopt_objective(unsigned count, const double *theta, double *gradient, void *context)
{
    const struct bd_gp *gp = context;
    (void)count;
    double value = bd_gp_log_posterior(gp->n, gp->d, gp->x, gp->y, theta, gradient);
    return isfinite(value) ? value : -1e30;
}

static void standardise(struct bd_gp *gp, const double *y)
{
    double mean = 0.0, variance = 0.0;
    for (size_t i = 0; i < gp->n; i++) {
        mean += y[i] / (double)gp->n;
    }
    for (size_t i = 0; i < gp->n; i++) {
        variance += square(y[i] - mean) / (double)gp->n;
    }
    gp->offset = mean;
    gp->scale = variance > 1e-24 ? sqrt(variance) : 1.0;
    for (size_t i = 0; i < gp->n; i++) {
        gp->y[i] = (y[i] - mean) / gp->scale;
    }
}

static void start_point(size_t d, int start, const double *warm, struct bd_rng *rng, double *theta)
{
    if (start == 0 && warm) {
        memcpy(theta, warm, (d + 2) * sizeof(*theta));
        return;
    }
    bool mode = start == (warm ? 1 : 0);
    for (size_t i = 0; i < d + 2; i++) {
        double mean = i < d ? lengthscale_mean(d) : i == d ? SIGNAL_MEAN : NOISE_MEAN;
        /* Half a deviation: draws from the whole prior mostly start where the likelihood is flat. */
        theta[i] = mean + (mode ? 0.0 : 0.5 * lengthscale_sd * bd_rng_normal(rng));
    }
}

static void optimise(struct bd_gp *gp, const double *warm, int starts, struct bd_rng *rng)
{
    unsigned count = (unsigned)gp->d + 2;
    double lower[BD_GP_MAX_DIMENSIONS + 2], upper[BD_GP_MAX_DIMENSIONS + 2];
    for (unsigned i = 0; i < count; i++) {
        lower[i] = i < gp->d ? log(5e-3) : i == gp->d ? log(1e-3) : log(1e-6);
        upper[i] = i < gp->d ? log(1e4) : i == gp->d ? log(1e3) : log(1e1);
    }
    gp->log_posterior = -HUGE_VAL;
    for (int start = 0; start < starts; start++) {
        double theta[BD_GP_MAX_DIMENSIONS + 2], value;
        start_point(gp->d, start, warm, rng, theta);
        for (unsigned i = 0; i < count; i++) {
            theta[i] = fmin(fmax(theta[i], lower[i]), upper[i]);
        }
        nlopt_opt opt = nlopt_create(NLOPT_LD_LBFGS, count);
        nlopt_set_max_objective(opt, nlopt_objective, gp);
        nlopt_set_lower_bounds(opt, lower);
        nlopt_set_upper_bounds(opt, upper);
        nlopt_set_maxeval(opt, MAX_EVALUATIONS);
        nlopt_set_ftol_abs(opt, 1e-7);
        nlopt_optimize(opt, theta, &value); /* a failed line search still leaves its best point */
        nlopt_destroy(opt);
        value = nlopt_objective(count, theta, NULL, gp);
        if (value > gp->log_posterior) {
            gp->log_posterior = value;
            memcpy(gp->theta, theta, count * sizeof(*theta));
        }
    }
}

bd_status bd_gp_fit(struct bd_gp *gp, size_t n, size_t d, const double *x, const double *y, const double *warm,
                    int starts, struct bd_rng *rng, struct bd_error *err)
{
    memset(gp, 0, sizeof(*gp));
    if (n < 1 || d < 1 || d > BD_GP_MAX_DIMENSIONS) {
        return bd_fail(err, BD_BAD_INPUT, "a Gaussian process wants 1..%d dimensions and data, got %zu and %zu rows",
                       BD_GP_MAX_DIMENSIONS, d, n);
    }
    gp->n = n;
    gp->d = d;
    gp->x = bd_xcalloc(n * d, sizeof(double));
    gp->y = bd_xcalloc(n, sizeof(double));
    gp->chol = bd_xcalloc(n * n, sizeof(double));
    gp->alpha = bd_xcalloc(n, sizeof(double));
    memcpy(gp->x, x, n * d * sizeof(double));
    standardise(gp, y);
    const int threads = use_one_thread();
    optimise(gp, warm, starts, rng);
    const bool fits = isfinite(gp->log_posterior) && factorise(n, d, gp->x, gp->theta, gp->chol, &gp->jitter);
    if (fits) {
        solve(n, gp->chol, gp->y, gp->alpha);
    } else {
        bd_gp_release(gp);
    }
    restore_threads(threads);
    return fits ? BD_OK
                : bd_fail(err, BD_INFRA, "the Gaussian process over %zu points has no positive definite kernel", n);
}

void bd_gp_release(struct bd_gp *gp)
{
    free(gp->x);
    free(gp->y);
    free(gp->chol);
    free(gp->alpha);
    memset(gp, 0, sizeof(*gp));
}

void bd_gp_predict(const struct bd_gp *gp, const double *point, double *work, double *mean, double *variance)
{
    size_t n = gp->n, d = gp->d;
    double inverse_square[BD_GP_MAX_DIMENSIONS];
    inverse_squares(d, gp->theta, inverse_square);
    double signal = exp(gp->theta[d]), sum = 0.0, explained = 0.0;
    for (size_t i = 0; i < n; i++) {
        work[i] = signal * matern(scaled_distance(d, gp->x + i * d, point, inverse_square));
        sum += work[i] * gp->alpha[i];
    }
    for (size_t i = 0; i < n; i++) { /* forward substitution L v = k; k' K^-1 k = v'v */
        double v = work[i];
        for (size_t j = 0; j < i; j++) {
            v -= gp->chol[i * n + j] * work[j];
        }
        work[i] = v / gp->chol[i * n + i];
        explained += work[i] * work[i];
    }
    *mean = gp->offset + gp->scale * sum;
    *variance = square(gp->scale) * fmax(signal - explained, 0.0);
}

/* ---- acquisition ---- */

/* log(phi(z) + z Phi(z)). Below zero it is log phi(z) + log(1 - |z| / hazard(|z|)); far below, where the difference
 * cancels, the series of Mills' ratio takes its place. */
static double log_h(double z)
{
    double log_phi = -0.5 * z * z - 0.5 * log(2.0 * M_PI);
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

double bd_log_expected_improvement(double mean, double variance, double best)
{
    double sd = sqrt(fmax(variance, 1e-300));
    return log_h((mean - best) / sd) + log(sd);
}
