/* A Gaussian process by dense algebra, for tests: kernel matrix, Gaussian elimination with pivots, in long double.
 * Every function is used or not, as the test pleases. */
#ifndef TESTS_DENSE_GP_H
#define TESTS_DENSE_GP_H

#include <math.h>
#include <stddef.h>

#pragma GCC diagnostic ignored "-Wunused-function"

enum { MOST = 40, WIDEST = 5 };

/* Matern-5/2 with one lengthscale an input, times the signal's variance. */
static long double kernel(size_t d, const double *a, const double *b, const double *theta)
{
    long double r2 = 0;
    for (size_t k = 0; k < d; k++) {
        const long double gap = ((long double)a[k] - b[k]) / expl(theta[k]);
        r2 += gap * gap;
    }
    const long double r = sqrtl(r2), root5 = sqrtl(5.0L);
    return expl(theta[d]) * (1 + root5 * r + 5 * r2 / 3) * expl(-root5 * r);
}

/* Solves A x = b for `count` right sides, b (count, n) in place; A (n, n) is used up. Returns log |det A|. */
static long double eliminate(size_t n, long double a[MOST][MOST], long double b[][MOST], size_t count)
{
    long double log_det = 0;
    for (size_t c = 0; c < n; c++) {
        size_t pivot = c;
        for (size_t r = c + 1; r < n; r++) {
            pivot = fabsl(a[r][c]) > fabsl(a[pivot][c]) ? r : pivot;
        }
        for (size_t k = 0; k < n; k++) {
            const long double swapped = a[c][k];
            a[c][k] = a[pivot][k];
            a[pivot][k] = swapped;
        }
        for (size_t s = 0; s < count; s++) {
            const long double swapped = b[s][c];
            b[s][c] = b[s][pivot];
            b[s][pivot] = swapped;
        }
        log_det += logl(fabsl(a[c][c]));
        for (size_t r = 0; r < n; r++) {
            const long double factor = r == c ? 0 : a[r][c] / a[c][c];
            for (size_t k = c; k < n; k++) {
                a[r][k] -= factor * a[c][k];
            }
            for (size_t s = 0; s < count; s++) {
                b[s][r] -= factor * b[s][c];
            }
        }
    }
    for (size_t s = 0; s < count; s++) {
        for (size_t c = 0; c < n; c++) {
            b[s][c] /= a[c][c];
        }
    }
    return log_det;
}

static void fill(size_t n, size_t d, const double *x, const double *theta, long double a[MOST][MOST])
{
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++) {
            a[i][j] = kernel(d, x + i * d, x + j * d, theta) + (i == j ? expl(theta[d + 1]) : 0);
        }
    }
}

static void dense_moments(size_t n, const double *y, double *mean, double *variance)
{
    long double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++) {
        sum += y[i] / (long double)n;
    }
    for (size_t i = 0; i < n; i++) {
        squares += (y[i] - sum) * (y[i] - sum) / (long double)n;
    }
    *mean = (double)sum;
    *variance = (double)squares;
}

/* Of the function, noise left out, in the units of y, which is standardised on the way. */
static void dense_predict(size_t n, size_t d, const double *x, const double *y, const double *theta,
                          const double *point, double *mean, double *variance)
{
    static long double a[MOST][MOST], b[2][MOST];
    double middle, spread;
    long double expected = 0, explained = 0;
    dense_moments(n, y, &middle, &spread);
    fill(n, d, x, theta, a);
    for (size_t i = 0; i < n; i++) {
        b[0][i] = (y[i] - middle) / sqrtl(spread);
        b[1][i] = kernel(d, x + i * d, point, theta);
    }
    (void)eliminate(n, a, b, 2);
    for (size_t i = 0; i < n; i++) {
        const long double k = kernel(d, x + i * d, point, theta);
        expected += k * b[0][i];
        explained += k * b[1][i];
    }
    *mean = (double)(middle + sqrtl(spread) * expected);
    *variance = (double)(spread * (expl(theta[d]) - explained));
}

#endif
