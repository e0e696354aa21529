/* The posterior of the hyperparameters, and its maximum. */
#include "model/search/gp.h"

#include <cblas.h>
#include <lapack.h>
#include <math.h>
#include <nlopt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/search/gp_parts.h"

#define SIGNAL_MEAN 0.0
#define SIGNAL_SD 1.0
#define NOISE_MEAN (-6.0)
#define NOISE_SD 3.0
#define JITTERS 8

int bd_gp_use_one_thread(void)
{
    const int before = openblas_get_num_threads();
    if (before != 1) {
        openblas_set_num_threads(1);
    }
    return before;
}

void bd_gp_restore_threads(int before)
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

/* ---- posterior ---- */

/* Memory of the evaluations of one posterior. */
struct posterior {
    size_t n, d;
    const double *x, *y; /* (n, d), (n) */
    double *centred;     /* (n, d) x less its mean */
    double *scaled;      /* (n, d) by the lengthscales */
    double *product;     /* (n, d) */
    double *gram;        /* (n, n) */
    double *kernel;      /* (n, n) lower half: without the signal's variance */
    double *slope;       /* (n, n) lower half: its derivative */
    double *factor;      /* (n, n) lower half */
    double *alpha, *sum; /* (n) */
};

static void begin(struct posterior *p, size_t n, size_t d, const double *x, const double *y)
{
    double *memory = bd_xcalloc(4 * n * n + 3 * n * d + 2 * n, sizeof *memory);
    *p = (struct posterior){.n = n, .d = d, .x = x, .y = y, .gram = memory};
    p->kernel = p->gram + n * n;
    p->slope = p->kernel + n * n;
    p->factor = p->slope + n * n;
    p->centred = p->factor + n * n;
    p->scaled = p->centred + n * d;
    p->product = p->scaled + n * d;
    p->alpha = p->product + n * d;
    p->sum = p->alpha + n;
    for (size_t k = 0; k < d; k++) {
        double mean = 0.0;
        for (size_t i = 0; i < n; i++) {
            mean += x[i * d + k] / (double)n;
        }
        for (size_t i = 0; i < n; i++) {
            p->centred[i * d + k] = x[i * d + k] - mean;
        }
    }
}

static void end(struct posterior *p)
{
    free(p->gram);
}

/* Distances by one product of matrices: |a|^2 + |b|^2 - 2 ab, of centred points, that little cancels. */
static void fill_kernel(struct posterior *p, const double *theta)
{
    const size_t n = p->n, d = p->d;
    for (size_t k = 0; k < d; k++) {
        const double inverse = exp(-theta[k]);
        for (size_t i = 0; i < n; i++) {
            p->scaled[i * d + k] = p->centred[i * d + k] * inverse;
        }
    }
    cblas_dsyrk(CblasRowMajor, CblasLower, CblasNoTrans, (int)n, (int)d, 1.0, p->scaled, (int)d, 0.0, p->gram, (int)n);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < i; j++) {
            const double r2 = p->gram[i * n + i] + p->gram[j * n + j] - 2.0 * p->gram[i * n + j];
            p->kernel[i * n + j] = bd_gp_matern(r2 > 0.0 ? r2 : 0.0, &p->slope[i * n + j]);
        }
        p->kernel[i * n + i] = 1.0;
        p->slope[i * n + i] = 0.0;
    }
}

/* The lower half of a matrix by rows is the upper one by columns, which LAPACK takes without a copy. */
static bool factorise(struct posterior *p, const double *theta)
{
    const size_t n = p->n, d = p->d;
    const double signal = exp(theta[d]), noise = exp(theta[d + 1]);
    double jitter = 0.0;
    for (int attempt = 0; attempt < JITTERS; attempt++) {
        for (size_t i = 0; i < n; i++) {
            for (size_t j = 0; j <= i; j++) {
                p->factor[i * n + j] = signal * p->kernel[i * n + j];
            }
            p->factor[i * n + i] += noise + jitter;
        }
        const lapack_int order = (lapack_int)n;
        lapack_int info;
        LAPACK_dpotrf("U", &order, p->factor, &order, &info);
        if (info == 0) {
            return true;
        }
        jitter = jitter == 0.0 ? 1e-10 * signal : jitter * 10.0;
    }
    return false;
}

static double log_likelihood(struct posterior *p)
{
    const size_t n = p->n;
    memcpy(p->alpha, p->y, n * sizeof *p->alpha);
    const lapack_int order = (lapack_int)n, one = 1;
    lapack_int info; /* refuses arguments alone */
    LAPACK_dpotrs("U", &order, &one, p->factor, &order, p->alpha, &order, &info);
    double fit = 0.0, log_det = 0.0;
    for (size_t i = 0; i < n; i++) {
        fit += p->y[i] * p->alpha[i];
        log_det += log(p->factor[i * n + i]);
    }
    return -0.5 * fit - log_det - 0.5 * (double)n * log(2.0 * M_PI);
}

static double log_prior(size_t d, const double *theta, double *gradient)
{
    double total = 0.0;
    for (size_t i = 0; i < d + 2; i++) {
        double mean = i < d ? lengthscale_mean(d) : i == d ? SIGNAL_MEAN : NOISE_MEAN;
        double sd = i < d ? lengthscale_sd : i == d ? SIGNAL_SD : NOISE_SD;
        total -= 0.5 * bd_gp_square((theta[i] - mean) / sd);
        if (gradient) {
            gradient[i] -= (theta[i] - mean) / bd_gp_square(sd);
        }
    }
    return total;
}

/* d(log likelihood)/d(theta) = 1/2 sum_ij W_ij dK_ij/d(theta), W = alpha alpha' - K^-1. Along input k, with weights S
 * = W times the kernel's slope, the sum over pairs of S_ij (a_i - a_j)^2 is a' diag(S 1) a - a' S a. */
static void add_likelihood_gradient(struct posterior *p, const double *theta, double *gradient)
{
    const size_t n = p->n, d = p->d;
    const double signal = exp(theta[d]), noise = exp(theta[d + 1]);
    const lapack_int order = (lapack_int)n;
    lapack_int info; /* not 0 where the diagonal has a zero, which a factor has not */
    LAPACK_dpotri("U", &order, p->factor, &order, &info);
    memset(p->sum, 0, n * sizeof *p->sum);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < i; j++) { /* off the diagonal each pair counts twice: the factor 1/2 is gone */
            const double weight = signal * (p->alpha[i] * p->alpha[j] - p->factor[i * n + j]);
            gradient[d] += weight * p->kernel[i * n + j];
            const double s = weight * p->slope[i * n + j];
            p->gram[i * n + j] = s;
            p->sum[i] += s;
            p->sum[j] += s;
        }
        p->gram[i * n + i] = 0.0;
        const double weight = 0.5 * (bd_gp_square(p->alpha[i]) - p->factor[i * n + i]);
        gradient[d] += weight * signal;
        gradient[d + 1] += weight * noise;
    }
    cblas_dsymm(CblasRowMajor, CblasLeft, CblasLower, (int)n, (int)d, 1.0, p->gram, (int)n, p->scaled, (int)d, 0.0,
                p->product, (int)d);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < d; k++) {
            const double a = p->scaled[i * d + k];
            gradient[k] += p->sum[i] * a * a - a * p->product[i * d + k];
        }
    }
}

static double evaluate(struct posterior *p, const double *theta, double *gradient)
{
    if (gradient) {
        memset(gradient, 0, (p->d + 2) * sizeof *gradient);
    }
    fill_kernel(p, theta);
    if (!factorise(p, theta)) {
        return -HUGE_VAL;
    }
    const double value = log_likelihood(p) + log_prior(p->d, theta, gradient);
    if (gradient) {
        add_likelihood_gradient(p, theta, gradient);
    }
    return value;
}

double bd_gp_log_posterior(size_t n, size_t d, const double *x, const double *y, const double *theta, double *gradient)
{
    struct posterior p;
    const int threads = bd_gp_use_one_thread();
    begin(&p, n, d, x, y);
    const double value = evaluate(&p, theta, gradient);
    end(&p);
    bd_gp_restore_threads(threads);
    return value;
}

/* ---- fit ---- */

static double nlopt_objective(unsigned count, const double *theta, double *gradient, void *context)
{
    (void)count;
    const double value = evaluate(context, theta, gradient);
    return isfinite(value) ? value : -1e30;
}

static void start_point(size_t d, int start, const double *warm, struct bd_rng *rng, double *theta)
{
    if (start == 0 && warm) {
        memcpy(theta, warm, (d + 2) * sizeof *theta);
        return;
    }
    bool mode = start == (warm ? 1 : 0);
    for (size_t i = 0; i < d + 2; i++) {
        double mean = i < d ? lengthscale_mean(d) : i == d ? SIGNAL_MEAN : NOISE_MEAN;
        /* Half a deviation: draws from the whole prior mostly start where the likelihood is flat. */
        theta[i] = mean + (mode ? 0.0 : 0.5 * lengthscale_sd * bd_rng_normal(rng));
    }
}

/* The highest log posterior that the starts lead to; -HUGE_VAL where none has one. */
static double optimise(struct posterior *p, const struct bd_gp_effort *effort, struct bd_rng *rng, double *highest)
{
    const unsigned count = (unsigned)p->d + 2;
    double lower[BD_GP_MAX_DIMENSIONS + 2], upper[BD_GP_MAX_DIMENSIONS + 2], best = -HUGE_VAL;
    for (unsigned i = 0; i < count; i++) {
        lower[i] = i < p->d ? log(5e-3) : i == p->d ? log(1e-3) : log(2e-9);
        upper[i] = i < p->d ? log(1e4) : i == p->d ? log(1e3) : log(1e1);
    }
    for (int start = 0; start < effort->starts; start++) {
        double theta[BD_GP_MAX_DIMENSIONS + 2], value;
        start_point(p->d, start, effort->warm, rng, theta);
        for (unsigned i = 0; i < count; i++) {
            theta[i] = fmin(fmax(theta[i], lower[i]), upper[i]);
        }
        nlopt_opt opt = nlopt_create(NLOPT_LD_LBFGS, count);
        nlopt_set_max_objective(opt, nlopt_objective, p);
        nlopt_set_lower_bounds(opt, lower);
        nlopt_set_upper_bounds(opt, upper);
        nlopt_set_maxeval(opt, effort->evaluations);
        nlopt_set_ftol_abs(opt, 1e-7);
        nlopt_optimize(opt, theta, &value); /* a failed line search still leaves its best point */
        nlopt_destroy(opt);
        value = nlopt_objective(count, theta, NULL, p);
        if (value > -1e30 && value > best) {
            best = value;
            memcpy(highest, theta, count * sizeof *theta);
        }
    }
    return best;
}

bd_status bd_gp_fit(struct bd_gp *gp, size_t n, size_t d, const double *x, const double *y,
                    const struct bd_gp_effort *effort, struct bd_rng *rng, struct bd_error *err)
{
    double theta[BD_GP_MAX_DIMENSIONS + 2] = {0};
    if (n < 1 || d < 1 || d > BD_GP_MAX_DIMENSIONS) {
        return bd_fail(err, BD_BAD_INPUT, "a Gaussian process wants 1..%d dimensions and data, got %zu and %zu rows",
                       BD_GP_MAX_DIMENSIONS, d, n);
    }
    struct posterior p;
    const int threads = bd_gp_use_one_thread();
    double *standard = bd_xcalloc(n, sizeof *standard), offset, scale;
    bd_gp_standardise(n, y, standard, &offset, &scale);
    begin(&p, n, d, x, standard);
    const double best = optimise(&p, effort, rng, theta);
    end(&p);
    free(standard);
    bd_gp_restore_threads(threads);
    if (!isfinite(best)) {
        return bd_fail(err, BD_INFRA, "the Gaussian process over %zu points has no positive definite kernel", n);
    }
    const bd_status status = bd_gp_condition(gp, n, d, x, y, theta, err);
    gp->log_posterior = best;
    return status;
}
