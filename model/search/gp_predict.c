/* The factor of the kernel matrix, row by row, and forecasts. */
#include <cblas.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/search/gp.h"
#include "model/search/gp_parts.h"

#define JITTERS 8
#define STEP 64 /* room grows by so many points */

void bd_gp_standardise(size_t n, const double *y, double *standard, double *offset, double *scale)
{
    double mean = 0.0, variance = 0.0;
    for (size_t i = 0; i < n; i++) {
        mean += y[i] / (double)n;
    }
    for (size_t i = 0; i < n; i++) {
        variance += bd_gp_square(y[i] - mean) / (double)n;
    }
    *offset = mean;
    *scale = variance > 1e-200 ? sqrt(variance) : 1.0;
    for (size_t i = 0; i < n; i++) {
        standard[i] = (y[i] - mean) / *scale;
    }
}

static void inverse_squares(size_t d, const double *theta, double *inverse_square)
{
    for (size_t i = 0; i < d; i++) {
        inverse_square[i] = exp(-2.0 * theta[i]);
    }
}

static double scaled_distance(size_t d, const double *a, const double *b, const double *inverse_square)
{
    double sum = 0.0;
    for (size_t i = 0; i < d; i++) {
        sum += bd_gp_square(a[i] - b[i]) * inverse_square[i];
    }
    return sum;
}

static void grow(struct bd_gp *gp, size_t n)
{
    const size_t room = (n + STEP - 1) / STEP * STEP;
    if (room <= gp->room) {
        return;
    }
    double *chol = bd_xcalloc(room * room, sizeof *chol);
    for (size_t i = 0; i < gp->n; i++) {
        memcpy(chol + i * room, gp->chol + i * gp->room, (i + 1) * sizeof *chol);
    }
    free(gp->chol);
    gp->chol = chol;
    gp->x = bd_xrealloc(gp->x, room * gp->d, sizeof *gp->x);
    gp->y = bd_xrealloc(gp->y, room, sizeof *gp->y);
    gp->alpha = bd_xrealloc(gp->alpha, room, sizeof *gp->alpha);
    gp->room = room;
}

/* Row i of the factor, from the rows above it: L L' = K. The square of its last number, as it came out. */
static double add_row(struct bd_gp *gp, size_t i, const double *inverse_square, double least)
{
    const double signal = exp(gp->theta[gp->d]), noise = exp(gp->theta[gp->d + 1]);
    double *row = gp->chol + i * gp->room, slope;
    for (size_t j = 0; j < i; j++) {
        const double r2 = scaled_distance(gp->d, gp->x + i * gp->d, gp->x + j * gp->d, inverse_square);
        row[j] = signal * bd_gp_matern(r2, &slope);
    }
    cblas_dtrsv(CblasRowMajor, CblasLower, CblasNoTrans, CblasNonUnit, (int)i, gp->chol, (int)gp->room, row, 1);
    double rest = signal + noise + gp->jitter;
    for (size_t j = 0; j < i; j++) {
        rest -= row[j] * row[j];
    }
    row[i] = sqrt(fmax(rest, least));
    return rest;
}

/* Rows from `from` on; where one fails, all of them with more on the diagonal. */
static bool add_rows(struct bd_gp *gp, size_t from)
{
    double inverse_square[BD_GP_MAX_DIMENSIONS];
    inverse_squares(gp->d, gp->theta, inverse_square);
    for (int attempt = 0; attempt < JITTERS; attempt++) {
        size_t i = from;
        while (i < gp->n && add_row(gp, i, inverse_square, 0.0) > 0.0) {
            i++;
        }
        if (i == gp->n) {
            return true;
        }
        from = 0;
        gp->jitter = gp->jitter == 0.0 ? 1e-10 * exp(gp->theta[gp->d]) : gp->jitter * 10.0;
    }
    return false;
}

static void solve_alpha(struct bd_gp *gp)
{
    memcpy(gp->alpha, gp->y, gp->n * sizeof *gp->alpha);
    cblas_dtrsv(CblasRowMajor, CblasLower, CblasNoTrans, CblasNonUnit, (int)gp->n, gp->chol, (int)gp->room, gp->alpha,
                1);
    cblas_dtrsv(CblasRowMajor, CblasLower, CblasTrans, CblasNonUnit, (int)gp->n, gp->chol, (int)gp->room, gp->alpha, 1);
}

/* How many rows of the factor are those of the new points. */
static size_t kept_rows(const struct bd_gp *gp, size_t n, size_t d, const double *x, const double *theta)
{
    if (gp->d != d || memcmp(gp->theta, theta, (d + 2) * sizeof *theta)) {
        return 0;
    }
    size_t kept = 0;
    while (kept < gp->n && kept < n && !memcmp(gp->x + kept * d, x + kept * d, d * sizeof *x)) {
        kept++;
    }
    return kept;
}

bd_status bd_gp_condition(struct bd_gp *gp, size_t n, size_t d, const double *x, const double *y, const double *theta,
                          struct bd_error *err)
{
    if (n < 1 || d < 1 || d > BD_GP_MAX_DIMENSIONS) {
        return bd_fail(err, BD_BAD_INPUT, "a Gaussian process wants 1..%d dimensions and data, got %zu and %zu rows",
                       BD_GP_MAX_DIMENSIONS, d, n);
    }
    size_t kept = kept_rows(gp, n, d, x, theta);
    if (gp->d != d) {
        bd_gp_release(gp);
    }
    if (gp->jitter != 0.0) { /* fewer points may do with less of it */
        gp->jitter = 0.0;
        kept = 0;
    }
    gp->d = d;
    gp->n = kept;
    grow(gp, n);
    gp->n = n;
    memcpy(gp->x, x, n * d * sizeof *x);
    memcpy(gp->theta, theta, (d + 2) * sizeof *theta);
    bd_gp_standardise(n, y, gp->y, &gp->offset, &gp->scale);
    const int threads = bd_gp_use_one_thread();
    const bool fits = add_rows(gp, kept);
    if (fits) {
        solve_alpha(gp);
    }
    bd_gp_restore_threads(threads);
    if (!fits) {
        bd_gp_release(gp);
        return bd_fail(err, BD_INFRA, "the Gaussian process over %zu points has no positive definite kernel", n);
    }
    return BD_OK;
}

void bd_gp_believe(struct bd_gp *gp, const double *point)
{
    double inverse_square[BD_GP_MAX_DIMENSIONS], variance, mean;
    double *work = bd_xcalloc(gp->n, sizeof *work);
    bd_gp_predict(gp, point, work, &mean, &variance);
    free(work);
    inverse_squares(gp->d, gp->theta, inverse_square);
    grow(gp, gp->n + 1);
    memcpy(gp->x + gp->n * gp->d, point, gp->d * sizeof *point);
    gp->y[gp->n] = (mean - gp->offset) / gp->scale;
    gp->alpha[gp->n] = 0.0; /* a value where it was forecast moves no forecast */
    const int threads = bd_gp_use_one_thread();
    add_row(gp, gp->n, inverse_square, 1e-10 * exp(gp->theta[gp->d]));
    bd_gp_restore_threads(threads);
    gp->n++;
}

void bd_gp_release(struct bd_gp *gp)
{
    free(gp->x);
    free(gp->y);
    free(gp->chol);
    free(gp->alpha);
    memset(gp, 0, sizeof *gp);
}

/* ---- forecasts ---- */

void bd_gp_predict(const struct bd_gp *gp, const double *point, double *work, double *mean, double *variance)
{
    bd_gp_predict_many(gp, 1, point, work, mean, variance);
}

static void add_squares(size_t count, double from, const double *to, double *sum)
{
#pragma omp simd
    for (size_t c = 0; c < count; c++) {
        sum[c] += (to[c] - from) * (to[c] - from);
    }
}

void bd_gp_predict_many(const struct bd_gp *gp, size_t count, const double *points, double *work, double *mean,
                        double *variance)
{
    const size_t n = gp->n, d = gp->d;
    const double signal = exp(gp->theta[d]);
    double inverse[BD_GP_MAX_DIMENSIONS], slope;
    double *scaled = bd_xcalloc(d * count, sizeof *scaled); /* (d, count) the points by the lengthscales */
    for (size_t k = 0; k < d; k++) {
        inverse[k] = exp(-gp->theta[k]);
        for (size_t c = 0; c < count; c++) {
            scaled[k * count + c] = points[c * d + k] * inverse[k];
        }
    }
    memset(mean, 0, count * sizeof *mean);
    memset(work, 0, n * count * sizeof *work);
    for (size_t i = 0; i < n; i++) { /* work (n, count): the kernel between observations and points */
        double *row = work + i * count;
        for (size_t k = 0; k < d; k++) {
            add_squares(count, gp->x[i * d + k] * inverse[k], scaled + k * count, row);
        }
        for (size_t c = 0; c < count; c++) {
            row[c] = signal * bd_gp_matern(row[c], &slope);
            mean[c] += row[c] * gp->alpha[i];
        }
    }
    free(scaled);
    const int threads = bd_gp_use_one_thread();
    cblas_dtrsm(CblasRowMajor, CblasLeft, CblasLower, CblasNoTrans, CblasNonUnit, (int)n, (int)count, 1.0, gp->chol,
                (int)gp->room, work, (int)count);
    bd_gp_restore_threads(threads);
    for (size_t c = 0; c < count; c++) {
        variance[c] = signal;
    }
    for (size_t i = 0; i < n; i++) { /* k' K^-1 k = v'v with L v = k */
        for (size_t c = 0; c < count; c++) {
            variance[c] -= work[i * count + c] * work[i * count + c];
        }
    }
    for (size_t c = 0; c < count; c++) {
        mean[c] = gp->offset + gp->scale * mean[c];
        variance[c] = bd_gp_square(gp->scale) * fmax(variance[c], 0.0);
    }
}

void bd_gp_predict_gradient(const struct bd_gp *gp, const double *point, double *work, double *mean, double *variance,
                            double *mean_gradient, double *variance_gradient)
{
    const size_t n = gp->n, d = gp->d;
    double inverse_square[BD_GP_MAX_DIMENSIONS], *v = work, *kernel = work + n, *slope = work + 2 * n;
    const double signal = exp(gp->theta[d]);
    double sum = 0.0, rest = signal;
    inverse_squares(d, gp->theta, inverse_square);
    for (size_t i = 0; i < n; i++) {
        const double r2 = scaled_distance(d, gp->x + i * d, point, inverse_square);
        kernel[i] = v[i] = signal * bd_gp_matern(r2, &slope[i]);
        sum += kernel[i] * gp->alpha[i];
    }
    const int threads = bd_gp_use_one_thread();
    cblas_dtrsv(CblasRowMajor, CblasLower, CblasNoTrans, CblasNonUnit, (int)n, gp->chol, (int)gp->room, v, 1);
    for (size_t i = 0; i < n; i++) {
        rest -= v[i] * v[i];
    }
    cblas_dtrsv(CblasRowMajor, CblasLower, CblasTrans, CblasNonUnit, (int)n, gp->chol, (int)gp->room, v, 1);
    bd_gp_restore_threads(threads);
    memset(mean_gradient, 0, d * sizeof *mean_gradient);
    memset(variance_gradient, 0, d * sizeof *variance_gradient);
    for (size_t i = 0; i < n; i++) { /* now v = K^-1 k */
        const double toward = gp->alpha[i] * signal * slope[i], away = -2.0 * v[i] * signal * slope[i];
        for (size_t k = 0; k < d; k++) {
            const double step = (gp->x[i * d + k] - point[k]) * inverse_square[k];
            mean_gradient[k] += toward * step;
            variance_gradient[k] += away * step;
        }
    }
    for (size_t k = 0; k < d; k++) {
        mean_gradient[k] *= gp->scale;
        variance_gradient[k] *= bd_gp_square(gp->scale) * (rest > 0.0);
    }
    *mean = gp->offset + gp->scale * sum;
    *variance = bd_gp_square(gp->scale) * fmax(rest, 0.0);
}

/* Whitened targets L^-1 y are independent standard normals where the process is right; the last one is that of the
 * last point given those before it: L' alpha, its last number. */
double bd_gp_last_surprise(const struct bd_gp *gp)
{
    return gp->chol[(gp->n - 1) * gp->room + gp->n - 1] * gp->alpha[gp->n - 1];
}
