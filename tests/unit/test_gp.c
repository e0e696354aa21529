/* The Gaussian process against dense algebra written out here: kernel matrix, Gaussian elimination with pivots in long
 * double, mean, variance and log posterior by the textbook's formulas (Rasmussen and Williams, 2006, chapter 2). */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/rng.h"
#include "model/search/gp.h"
#include "tests/support/dense_gp.h"

static long double log_normal_prior(double theta, double mean, double deviation)
{
    const long double z = ((long double)theta - mean) / deviation;
    return -z * z / 2;
}

static long double reference_log_posterior(size_t n, size_t d, const double *x, const double *y, const double *theta)
{
    static long double a[MOST][MOST], b[1][MOST];
    fill(n, d, x, theta, a);
    for (size_t i = 0; i < n; i++) {
        b[0][i] = y[i];
    }
    long double sum = -eliminate(n, a, b, 1) / 2 - (long double)n / 2 * logl(2 * acosl(-1));
    for (size_t i = 0; i < n; i++) {
        sum -= y[i] * b[0][i] / 2;
    }
    for (size_t k = 0; k < d; k++) {
        sum += log_normal_prior(theta[k], sqrt(2) + log((double)d) / 2, sqrt(3));
    }
    return sum + log_normal_prior(theta[d], 0, 1) + log_normal_prior(theta[d + 1], -6, 3);
}

static void random_data(size_t n, size_t d, struct bd_rng *rng, double *x, double *y)
{
    for (size_t i = 0; i < n; i++) {
        y[i] = 70 + 0.3 * bd_rng_normal(rng);
        for (size_t k = 0; k < d; k++) {
            x[i * d + k] = bd_rng_uniform(rng);
            y[i] += 4 * sin(3.0 * x[i * d + k] * (double)(k + 1));
        }
    }
}

Test(gp, log_posterior_is_that_of_dense_algebra)
{
    double x[MOST * WIDEST], y[MOST], theta[WIDEST + 2];
    struct bd_rng rng;
    bd_rng_seed(&rng, 3);
    for (size_t trial = 0; trial < 12; trial++) {
        const size_t d = 1 + trial % WIDEST, n = 3 + 3 * trial;
        random_data(n, d, &rng, x, y);
        for (size_t i = 0; i < n; i++) {
            y[i] = (y[i] - 70) / 4;
        }
        for (size_t k = 0; k < d + 2; k++) {
            theta[k] = -1 + 0.8 * bd_rng_normal(&rng);
        }
        const double expected = (double)reference_log_posterior(n, d, x, y, theta);
        cr_assert_float_eq(bd_gp_log_posterior(n, d, x, y, theta, NULL), expected, 1e-8 * (1 + fabs(expected)),
                           "trial %zu: expected %.12g", trial, expected);
    }
}

/* Mean and variance at points between, at and far from the data, in the targets' units. */
static void check_predictions(const struct bd_gp *gp, const double *x, const double *y, struct bd_rng *rng)
{
    const size_t n = gp->n, d = gp->d;
    double mean, spread;
    dense_moments(n, y, &mean, &spread);
    for (int at = 0; at < 30; at++) {
        double point[WIDEST], work[MOST], found, found_variance;
        for (size_t k = 0; k < d; k++) {
            point[k] = at < 5 ? x[(size_t)at % n * d + k] : (at < 20 ? 1 : 4) * bd_rng_uniform(rng);
        }
        double mean_there, variance_there;
        dense_predict(n, d, x, y, gp->theta, point, &mean_there, &variance_there);
        bd_gp_predict(gp, point, work, &found, &found_variance);
        const double scale = spread * exp(gp->theta[d]);
        cr_assert_float_eq(found, mean_there, 1e-6 * sqrt(scale), "point %d: mean %.12g, expected %.12g", at, found,
                           mean_there);
        cr_assert_float_eq(found_variance, variance_there, 1e-7 * scale, "point %d: variance %.12g, expected %.12g", at,
                           found_variance, variance_there);
    }
}

Test(gp, predictions_are_those_of_dense_algebra)
{
    double x[MOST * WIDEST], y[MOST];
    struct bd_rng rng;
    struct bd_error err;
    bd_rng_seed(&rng, 4);
    for (size_t trial = 0; trial < 6; trial++) {
        const size_t d = 1 + trial % WIDEST, n = 6 + 6 * trial;
        struct bd_gp gp = {0};
        random_data(n, d, &rng, x, y);
        cr_assert_eq(bd_gp_fit(&gp, n, d, x, y, &(struct bd_gp_effort){.starts = 2, .evaluations = 80}, &rng, &err),
                     BD_OK, "%s", err.message);
        check_predictions(&gp, x, y, &rng);
        bd_gp_release(&gp);
    }
}

/* Gradients of forecasts against differences, and forecasts at many points against those at one. */
Test(gp, gradients_and_batches_are_those_of_single_forecasts)
{
    double x[MOST * WIDEST], y[MOST], many[7 * WIDEST], work[7 * MOST], mean[7], variance[7];
    struct bd_rng rng;
    struct bd_error err;
    bd_rng_seed(&rng, 8);
    for (size_t trial = 0; trial < 5; trial++) {
        const size_t d = 1 + trial, n = 10 + 5 * trial;
        struct bd_gp gp = {0};
        random_data(n, d, &rng, x, y);
        cr_assert_eq(bd_gp_fit(&gp, n, d, x, y, &(struct bd_gp_effort){.starts = 1, .evaluations = 40}, &rng, &err),
                     BD_OK);
        for (size_t i = 0; i < 7 * d; i++) {
            many[i] = bd_rng_uniform(&rng);
        }
        bd_gp_predict_many(&gp, 7, many, work, mean, variance);
        const double scale = gp.scale * exp(gp.theta[d] / 2);
        for (size_t c = 0; c < 7; c++) {
            double m, v, dm[WIDEST], dv[WIDEST], above[2], below[2], *point = many + c * d;
            bd_gp_predict_gradient(&gp, point, work, &m, &v, dm, dv);
            cr_assert_float_eq(m, mean[c], 1e-8 * scale);
            cr_assert_float_eq(v, variance[c], 1e-8 * scale * scale);
            for (size_t k = 0; k < d; k++) {
                const double kept = point[k], h = 1e-5;
                point[k] = kept + h;
                bd_gp_predict(&gp, point, work, &above[0], &above[1]);
                point[k] = kept - h;
                bd_gp_predict(&gp, point, work, &below[0], &below[1]);
                point[k] = kept;
                cr_assert_float_eq(dm[k], (above[0] - below[0]) / (2 * h), 1e-4 * scale, "mean of %zu by %zu", c, k);
                cr_assert_float_eq(dv[k], (above[1] - below[1]) / (2 * h), 1e-4 * scale * scale, "variance");
            }
        }
        bd_gp_release(&gp);
    }
}

/* One more point costs a row; the bits are those of all rows anew. A point that is believed takes variance alone, as
 * it would if its own mean were measured there. */
Test(gp, rows_that_are_kept_leave_no_trace)
{
    enum { N = 100, D = 3 };
    static double x[N * D], y[N], work[N + 1];
    double theta[D + 2] = {-0.5, 0.2, 0.4, 0.1, -5}, mean[2], variance[2];
    const double point[D] = {0.4, 0.9, 0.2}, other[D] = {0.45, 0.8, 0.25};
    struct bd_rng rng;
    struct bd_error err;
    struct bd_gp grown = {0}, anew = {0};
    bd_rng_seed(&rng, 9);
    random_data(N - 1, D, &rng, x, y);
    for (size_t n = 1; n < N; n++) {
        cr_assert_eq(bd_gp_condition(&grown, n, D, x, y, theta, &err), BD_OK);
        if (n % 7 == 0) {
            bd_gp_believe(&grown, point);
        }
    }
    cr_assert_eq(bd_gp_condition(&anew, N - 1, D, x, y, theta, &err), BD_OK);
    cr_assert_eq(grown.n, N - 1);
    for (size_t i = 0; i < N - 1; i++) {
        cr_assert_eq(memcmp(grown.chol + i * grown.room, anew.chol + i * anew.room, (i + 1) * sizeof(double)), 0);
    }
    cr_assert_eq(memcmp(grown.alpha, anew.alpha, (N - 1) * sizeof(double)), 0);

    bd_gp_predict(&anew, other, work, &mean[0], &variance[0]);
    bd_gp_believe(&anew, point);
    bd_gp_predict(&anew, other, work, &mean[1], &variance[1]);
    cr_assert_float_eq(mean[0], mean[1], 1e-9);
    cr_assert_lt(variance[1], variance[0]);
    /* The posterior variance does not depend on values: whatever is measured there. */
    memcpy(x + (N - 1) * D, point, sizeof point);
    y[N - 1] = 70;
    cr_assert_eq(bd_gp_condition(&grown, N, D, x, y, theta, &err), BD_OK);
    double measured;
    bd_gp_predict(&grown, other, work, &mean[0], &measured);
    cr_assert_float_eq(measured / (grown.scale * grown.scale), variance[1] / (anew.scale * anew.scale), 1e-9);
    theta[0] += 1e-9; /* other hyperparameters keep no row */
    cr_assert_eq(bd_gp_condition(&grown, N, D, x, y, theta, &err), BD_OK);
    cr_assert_neq(grown.chol[1 * grown.room], anew.chol[1 * anew.room]);
    bd_gp_release(&grown);
    bd_gp_release(&anew);
}

/* The last value against its forecast from the others, in standard deviations with noise: by dense algebra, values
 * standardised among all. */
Test(gp, surprise_is_the_distance_from_the_forecast)
{
    static long double a[MOST][MOST], b[2][MOST];
    double x[MOST * 2], y[MOST];
    const double theta[4] = {-0.5, 0, 0.2, -3}, *last = x + 2 * (MOST - 1);
    struct bd_rng rng;
    struct bd_error err;
    struct bd_gp gp = {0};
    bd_rng_seed(&rng, 10);
    random_data(MOST, 2, &rng, x, y);
    y[MOST - 1] += 30;
    cr_assert_eq(bd_gp_condition(&gp, MOST, 2, x, y, theta, &err), BD_OK);
    fill(MOST - 1, 2, x, theta, a);
    for (size_t i = 0; i < MOST - 1; i++) {
        b[0][i] = gp.y[i];
        b[1][i] = kernel(2, x + 2 * i, last, theta);
    }
    (void)eliminate(MOST - 1, a, b, 2);
    long double mean = 0, variance = expl(theta[2]) + expl(theta[3]);
    for (size_t i = 0; i < MOST - 1; i++) {
        const long double k = kernel(2, x + 2 * i, last, theta);
        mean += k * b[0][i];
        variance -= k * b[1][i];
    }
    const double expected = (double)((gp.y[MOST - 1] - mean) / sqrtl(variance));
    cr_assert_gt(fabs(expected), 2);
    cr_assert_float_eq(bd_gp_last_surprise(&gp), expected, 1e-6 * fabs(expected));
    bd_gp_release(&gp);
}

/* What was fitted is a maximum: no point around it, and none of a hundred anywhere, has a higher posterior. */
Test(gp, fit_is_the_highest_posterior)
{
    double x[MOST * 2], y[MOST], theta[4];
    struct bd_rng rng;
    struct bd_error err;
    struct bd_gp gp = {0};
    bd_rng_seed(&rng, 5);
    random_data(MOST, 2, &rng, x, y);
    cr_assert_eq(bd_gp_fit(&gp, MOST, 2, x, y, &(struct bd_gp_effort){.starts = 4, .evaluations = 80}, &rng, &err),
                 BD_OK, "%s", err.message);
    const double highest = (double)reference_log_posterior(MOST, 2, gp.x, gp.y, gp.theta);
    cr_assert_float_eq(gp.log_posterior, highest, 1e-6 * (1 + fabs(highest)));
    for (int trial = 0; trial < 150; trial++) {
        for (int k = 0; k < 4; k++) {
            theta[k] = trial < 50 ? gp.theta[k] + 0.05 * bd_rng_normal(&rng) : -1 + 2 * bd_rng_normal(&rng);
        }
        cr_assert_leq((double)reference_log_posterior(MOST, 2, gp.x, gp.y, theta), highest + 1e-5, "trial %d", trial);
    }
    bd_gp_release(&gp);
}

/* Where the matrix has no factor for want of digits, a ten thousand millionth of the signal is added to the diagonal.
 */
Test(gp, jitter_helps_where_points_repeat)
{
    double x[20], y[20], theta[3] = {log(0.5), 0.5, log(1e-30)};
    for (int i = 0; i < 20; i++) {
        x[i] = i / 2 * 0.1; /* each point twice */
        y[i] = sin(x[i]);
    }
    const double found = bd_gp_log_posterior(20, 1, x, y, theta, NULL);
    const double jittered[3] = {theta[0], theta[1], theta[1] + log(1e-10)};
    const double expected = (double)(reference_log_posterior(20, 1, x, y, jittered) -
                                     log_normal_prior(jittered[2], -6, 3) + log_normal_prior(theta[2], -6, 3));
    cr_assert_float_eq(found, expected, 1e-4 * fabs(expected), "%.10g, expected %.10g", found, expected);
}
