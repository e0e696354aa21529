#pragma GCC optimize("O3")
#include "model/prune/fidelity.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"

/* ---- covariances ---- */

/* Each channel's part of the sum at each point, less its mean: integers, until the mean is taken off. */
static void contributions(int points, int taps, int channels, const int16_t *codes, const int16_t *weights,
                          float *centred)
{
    int32_t *parts = bd_xcalloc((size_t)points * (size_t)channels, sizeof(*parts));
    int64_t *sums = bd_xcalloc((size_t)channels, sizeof(*sums));
    for (int p = 0; p < points; p++) {
        int32_t *part = parts + (size_t)p * (size_t)channels;
        for (int t = 0; t < taps; t++) {
            const int16_t *x = codes + ((size_t)p * (size_t)taps + (size_t)t) * (size_t)channels;
            const int16_t *w = weights + (size_t)t * (size_t)channels;
            for (int c = 0; c < channels; c++) {
                part[c] += x[c] * w[c];
            }
        }
        for (int c = 0; c < channels; c++) {
            sums[c] += part[c];
        }
    }
    for (int p = 0; p < points; p++) {
        for (int c = 0; c < channels; c++) {
            const size_t at = (size_t)p * (size_t)channels + (size_t)c;
            centred[at] = (float)((double)parts[at] - (double)sums[c] / points);
        }
    }
    free(parts);
    free(sums);
}

void bd_fidelity_covariance(int points, int taps, int channels, const int16_t *codes, const int16_t *weights,
                            float *room, float *covariance)
{
    const size_t n = (size_t)channels;
    contributions(points, taps, channels, codes, weights, room);
    memset(covariance, 0, n * n * sizeof(*covariance));
    for (int p = 0; p + 4 <= points; p += 4) { /* four points a pass over the matrix; its lower half alone */
        const float *u0 = room + (size_t)p * n, *u1 = u0 + n, *u2 = u1 + n, *u3 = u2 + n;
        for (size_t i = 0; i < n; i++) {
            float *row = covariance + i * n;
            const float a0 = u0[i], a1 = u1[i], a2 = u2[i], a3 = u3[i];
            for (size_t j = 0; j <= i; j++) {
                row[j] += a0 * u0[j] + a1 * u1[j] + a2 * u2[j] + a3 * u3[j];
            }
        }
    }
    for (int p = points - points % 4; p < points; p++) {
        const float *u = room + (size_t)p * n;
        for (size_t i = 0; i < n; i++) {
            for (size_t j = 0; j <= i; j++) {
                covariance[i * n + j] += u[i] * u[j];
            }
        }
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < i; j++) {
            covariance[j * n + i] = covariance[i * n + j];
        }
    }
}

/* ---- backward elimination ---- */

/* What stands of one sum: its whole variance, cov(kept, whole) and var(kept). */
struct sum {
    double whole, with_whole, kept, weight;
    bool varies;
};

struct elimination {
    size_t terms, sums;
    const float *covariance;
    struct sum *sum;    /* (sums) */
    double *with_whole; /* (sums, terms): covariance of a term with the whole sum */
    double *with_kept;  /* (sums, terms): with the kept sum */
    double *own;        /* (sums, terms): variance of a term */
};

static void begin(struct elimination *e, const double *weight)
{
    const size_t n = e->terms;
    for (size_t k = 0; k < e->sums; k++) {
        struct sum *sum = &e->sum[k];
        const float *matrix = e->covariance + k * n * n;
        double parts = 0.0;
        for (size_t i = 0; i < n; i++) {
            double row = 0.0;
            for (size_t j = 0; j < n; j++) {
                row += (double)matrix[i * n + j];
            }
            e->with_whole[k * n + i] = e->with_kept[k * n + i] = row;
            e->own[k * n + i] = matrix[i * n + i];
            sum->whole += row;
            parts += e->own[k * n + i];
        }
        sum->varies = sum->whole > 1e-6 * parts; /* more than rounding */
        sum->with_whole = sum->kept = sum->whole;
        sum->weight = weight ? weight[k] : 1.0;
    }
}

/* Adds to fidelity[i] what the sum keeps without term i: corr^2, weighted. */
static void add_fidelity(const struct elimination *e, size_t k, double *fidelity)
{
    const struct sum *sum = &e->sum[k];
    const double *whole = e->with_whole + k * e->terms, *kept = e->with_kept + k * e->terms;
    const double *own = e->own + k * e->terms, scale = sum->weight / sum->whole, least = 1e-6 * sum->whole;
    for (size_t i = 0; i < e->terms; i++) {
        const double with_whole = sum->with_whole - whole[i], left = sum->kept - 2.0 * kept[i] + own[i];
        fidelity[i] += left > least ? scale * with_whole * with_whole / left : 0.0;
    }
}

static void drop(struct elimination *e, size_t term)
{
    const size_t n = e->terms;
    for (size_t k = 0; k < e->sums; k++) {
        struct sum *sum = &e->sum[k];
        double *kept = e->with_kept + k * n;
        const float *row = e->covariance + (k * n + term) * n;
        sum->with_whole -= e->with_whole[k * n + term];
        sum->kept -= 2.0 * kept[term] - e->own[k * n + term];
        for (size_t i = 0; i < n; i++) {
            kept[i] -= (double)row[i];
        }
    }
}

void bd_fidelity_order(int terms, size_t sums, const float *covariance, const double *weight, int *order)
{
    const size_t n = (size_t)terms;
    struct elimination e = {.terms = n,
                            .sums = sums,
                            .covariance = covariance,
                            .sum = bd_xcalloc(sums, sizeof(*e.sum)),
                            .with_whole = bd_xcalloc(sums * n, sizeof(double)),
                            .with_kept = bd_xcalloc(sums * n, sizeof(double)),
                            .own = bd_xcalloc(sums * n, sizeof(double))};
    bool *gone = bd_xcalloc(n, sizeof(*gone));
    double *fidelity = bd_xcalloc(n, sizeof(*fidelity));
    begin(&e, weight);
    for (size_t step = 0; step < n; step++) {
        memset(fidelity, 0, n * sizeof(*fidelity));
        for (size_t k = 0; k < sums; k++) {
            if (e.sum[k].varies) {
                add_fidelity(&e, k, fidelity);
            }
        }
        size_t best = n;
        for (size_t i = n; i-- > 0;) {
            if (!gone[i] && (best == n || fidelity[i] > fidelity[best])) {
                best = i;
            }
        }
        gone[best] = true;
        order[step] = (int)best;
        drop(&e, best);
    }
    free(e.sum);
    free(e.with_whole);
    free(e.with_kept);
    free(e.own);
    free(gone);
    free(fidelity);
}
