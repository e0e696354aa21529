/* Proposals by the Gaussian process: a fit, then the point of the highest log expected improvement. */
#include <gsl/gsl_qrng.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/search/search_parts.h"

#define MAX_D BD_GP_MAX_DIMENSIONS
#define CANDIDATES 400 /* Sobol points scored for each proposal */
#define STARTS 6       /* the best of them, refined */
#define LOCAL_MOVES 48 /* continuous moves from each */
#define FIT_STARTS 4

struct acquisition {
    const struct bd_search *search;
    struct bd_gp gp;
    double best; /* largest posterior mean at an observed point */
    double *work;
};

static double score_unit(struct acquisition *a, const double *u)
{
    double mean, variance;
    bd_gp_predict(&a->gp, u, a->work, &mean, &variance);
    return bd_log_expected_improvement(mean, variance, a->best);
}

static void unit_point(const struct bd_search *search, const struct bd_search_point *p, double *u)
{
    for (size_t i = 0; i < search->d; i++) {
        u[i] = bd_search_unit(&search->axes[i], search->axes[i].values[p->level[i]]);
    }
}

static double score(struct acquisition *a, const struct bd_search_point *p)
{
    double u[MAX_D];
    unit_point(a->search, p, u);
    return score_unit(a, u);
}

static bd_status fit(struct bd_search *search, struct acquisition *a, struct bd_rng *rng, struct bd_error *err)
{
    size_t n = search->count, d = search->d;
    double *x = bd_xcalloc(n * d, sizeof(*x));
    double *y = bd_xcalloc(n, sizeof(*y));
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < d; k++) {
            x[i * d + k] = bd_search_unit(&search->axes[k], search->observations[i].point[k]);
        }
        y[i] = search->observations[i].value;
    }
    a->search = search;
    bd_status status = bd_gp_fit(&a->gp, n, d, x, y, search->has_theta ? search->theta : NULL, FIT_STARTS, rng, err);
    if (status == BD_OK) {
        search->has_theta = true;
        memcpy(search->theta, a->gp.theta, (d + 2) * sizeof(double));
        a->work = bd_xcalloc(n, sizeof(double));
        a->best = -HUGE_VAL;
        for (size_t i = 0; i < n; i++) {
            double mean, variance;
            bd_gp_predict(&a->gp, x + i * d, a->work, &mean, &variance);
            a->best = fmax(a->best, mean);
        }
    }
    free(x);
    free(y);
    return status;
}

/* Continuous moves of shrinking size; a move counts where its nearest grid point may be proposed. */
static void move_locally(struct acquisition *a, struct bd_rng *rng, struct bd_search_point *p)
{
    const struct bd_search *search = a->search;
    double u[MAX_D], best;
    unit_point(search, p, u);
    best = score_unit(a, u);
    for (int k = 0; k < LOCAL_MOVES; k++) {
        double radius = 0.25 * pow(0.9, k), next[MAX_D];
        struct bd_search_point snapped;
        for (size_t i = 0; i < search->d; i++) {
            next[i] = fmin(fmax(u[i] + radius * bd_rng_normal(rng), 0.0), 1.0);
        }
        double value = score_unit(a, next);
        bd_search_snap(search, next, &snapped);
        if (value > best && bd_search_allowed(search, &snapped)) {
            best = value;
            memcpy(u, next, sizeof(u));
            *p = snapped;
        }
    }
}

static bool try_point(struct acquisition *a, const struct bd_search_point *next, struct bd_search_point *p,
                      double *best)
{
    if (!bd_search_allowed(a->search, next)) {
        return false;
    }
    double value = score(a, next);
    if (value <= *best) {
        return false;
    }
    *best = value;
    *p = *next;
    return true;
}

/* Along each axis every level, and steps that trade one dimension for another (along the budget's edge single moves
 * are stuck), until nothing improves. */
static double search_lines(struct acquisition *a, struct bd_search_point *p)
{
    const struct bd_search *search = a->search;
    double best = score(a, p);
    bool improved = true;
    while (improved) {
        improved = false;
        for (size_t i = 0; i < search->d; i++) {
            struct bd_search_point next = *p;
            for (int level = 0; level < (int)search->axes[i].count; level++) {
                next.level[i] = level;
                improved |= try_point(a, &next, p, &best);
            }
        }
        for (size_t i = 0; i < search->d; i++) {
            for (size_t j = 0; j < search->d; j++) {
                struct bd_search_point next = *p;
                next.level[i]++;
                next.level[j]--;
                if (i != j && next.level[i] < (int)search->axes[i].count && next.level[j] >= 0) {
                    improved |= try_point(a, &next, p, &best);
                }
            }
        }
    }
    return best;
}

struct scored {
    struct bd_search_point p;
    double value;
};

/* Descending by value; ties by level, so that the order does not depend on the sort. */
static int compare_scored(const void *left, const void *right)
{
    const struct scored *a = left, *b = right;
    if (a->value != b->value) {
        return a->value < b->value ? 1 : -1;
    }
    return memcmp(&a->p, &b->p, sizeof(a->p));
}

/* Candidates: Sobol points over the cube, lowered into the budget, and neighbours of the best observation. */
static size_t draw_candidates(struct acquisition *a, struct bd_rng *rng, struct scored *out)
{
    const struct bd_search *search = a->search;
    gsl_qrng *sequence = gsl_qrng_alloc(gsl_qrng_sobol, (unsigned)search->d);
    const struct bd_observation *incumbent = &search->observations[bd_search_best(search)];
    double shift[MAX_D], u[MAX_D];
    size_t count = 0;
    for (size_t i = 0; i < search->d; i++) {
        shift[i] = bd_rng_uniform(rng);
    }
    for (int k = 0; k < CANDIDATES; k++) {
        struct scored *c = &out[count];
        memset(c, 0, sizeof(*c));
        gsl_qrng_get(sequence, u);
        for (size_t i = 0; i < search->d; i++) {
            u[i] = fmod(u[i] + shift[i], 1.0);
            if (k % 4 == 0) {
                u[i] = fmin(fmax(bd_search_unit(&search->axes[i], incumbent->point[i]) + 0.2 * (u[i] - 0.5), 0.0), 1.0);
            }
        }
        bd_search_snap(search, u, &c->p);
        bd_search_repair(search, rng, &c->p);
        if (bd_search_allowed(search, &c->p)) {
            c->value = score(a, &c->p);
            count++;
        }
    }
    gsl_qrng_free(sequence);
    return count;
}

static bool maximise(struct acquisition *a, struct bd_rng *rng, struct bd_search_point *p)
{
    struct scored *candidates = bd_xcalloc(CANDIDATES + 1, sizeof(*candidates));
    size_t count = draw_candidates(a, rng, candidates);
    qsort(candidates, count, sizeof(*candidates), compare_scored);
    double best = -HUGE_VAL;
    for (size_t k = 0; k < count && k < STARTS; k++) {
        struct bd_search_point local = candidates[k].p;
        move_locally(a, rng, &local);
        double value = search_lines(a, &local);
        if (value > best) {
            best = value;
            *p = local;
        }
    }
    free(candidates);
    return count > 0 || bd_search_first_allowed(a->search, p);
}

bd_status bd_search_ask_model(struct bd_search *search, struct bd_search_point *p, bool *found, struct bd_error *err)
{
    struct acquisition a = {0};
    struct bd_rng rng;
    bd_search_rng(search, &rng);
    bd_status status = fit(search, &a, &rng, err);
    if (status != BD_OK) {
        return status;
    }
    *found = maximise(&a, &rng, p);
    if (*found) {
        double u[MAX_D], variance;
        unit_point(search, p, u);
        bd_gp_predict(&a.gp, u, a.work, &search->proposal_mean, &variance);
        search->proposal_sd = sqrt(variance);
    }
    free(a.work);
    bd_gp_release(&a.gp);
    return BD_OK;
}
