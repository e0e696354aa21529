/* The point of the highest score: many places at once, the best of them by gradients, then along the grid. */
#include <gsl/gsl_qrng.h>
#include <math.h>
#include <nlopt.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/search/gp_parts.h"
#include "model/search/search_parts.h"

#define MAX_D BD_GP_MAX_DIMENSIONS
#define CANDIDATES 512 /* places scored for each proposal, half of them near the incumbent */
#define STARTS 6       /* the best of them, climbed from */
#define CLIMB 40       /* evaluations of each climb */
#define BATCH 512      /* points scored at once */
#define LEVELS 64      /* of an axis scanned at once */
#define TRADES 400     /* pairs of axes tried against each other */

/* ---- scores ---- */

static void to_box(const struct bd_acquisition *a, const double *u, double *inside)
{
    for (size_t i = 0; i < a->search->d; i++) {
        inside[i] = (u[i] - a->box.low[i]) / a->box.width[i];
    }
}

static double improvement(const struct bd_acquisition *a, const struct bd_forecast *f,
                          struct bd_forecast_gradient *gradients)
{
    return a->search->config.objectives == 1
               ? bd_log_improvement(f[0], a->best, gradients)
               : bd_log_hypervolume_improvement(f, a->front_count, a->front, a->reference, gradients);
}

/* At most BATCH points. */
static void score_batch(const struct bd_acquisition *a, size_t count, const struct bd_search_point *points,
                        double *score)
{
    const size_t d = a->search->d;
    const int objectives = a->search->config.objectives;
    double *u = bd_xcalloc(count * d, sizeof *u), *work = bd_xcalloc(count * a->gp[0]->n, sizeof *work);
    double *mean = bd_xcalloc(2 * count, sizeof *mean), *variance = bd_xcalloc(2 * count, sizeof *variance);
    for (size_t c = 0; c < count; c++) {
        to_box(a, points[c].u, u + c * d);
    }
    for (int k = 0; k < objectives; k++) {
        double *there = mean + (size_t)k * count;
        if (a->gp[k]) {
            bd_gp_predict_many(a->gp[k], count, u, work, there, variance + (size_t)k * count);
            continue;
        }
        for (size_t c = 0; c < count; c++) {
            double point[MAX_D];
            bd_search_values(a->search, &points[c], point);
            there[c] = a->search->config.known(a->search->config.context, point);
        }
    }
    for (size_t c = 0; c < count; c++) {
        struct bd_forecast f[BD_SEARCH_OBJECTIVES];
        for (int k = 0; k < objectives; k++) {
            /* where nothing is left to learn the score stays finite and ordered by the mean */
            const double least = a->gp[k] ? 1e-290 : 0.0;
            f[k] =
                (struct bd_forecast){mean[(size_t)k * count + c], sqrt(fmax(variance[(size_t)k * count + c], least))};
        }
        score[c] = improvement(a, f, NULL);
    }
    free(u);
    free(work);
    free(mean);
    free(variance);
}

void bd_acquisition_score(const struct bd_acquisition *a, size_t count, const struct bd_search_point *points,
                          double *score)
{
    for (size_t from = 0; from < count; from += BATCH) {
        const size_t part = count - from < BATCH ? count - from : BATCH;
        score_batch(a, part, points + from, score + from);
    }
}

double bd_acquisition_climb(const struct bd_acquisition *a, const double *u, double *gradient)
{
    const size_t d = a->search->d;
    const int objectives = a->search->config.objectives;
    double inside[MAX_D], mean_gradient[2][MAX_D], variance_gradient[2][MAX_D], variance;
    double *work = bd_xcalloc(3 * a->gp[0]->n, sizeof *work);
    struct bd_forecast f[BD_SEARCH_OBJECTIVES];
    struct bd_forecast_gradient g[BD_SEARCH_OBJECTIVES];
    to_box(a, u, inside);
    for (int k = 0; k < objectives; k++) {
        bd_gp_predict_gradient(a->gp[k], inside, work, &f[k].mean, &variance, mean_gradient[k], variance_gradient[k]);
        f[k].sd = sqrt(fmax(variance, 1e-290));
    }
    free(work);
    const double value = improvement(a, f, g);
    for (size_t i = 0; i < d; i++) {
        gradient[i] = 0.0;
        for (int k = 0; k < objectives; k++) {
            const double sd_gradient = variance_gradient[k][i] / (2.0 * f[k].sd);
            gradient[i] += (g[k].mean * mean_gradient[k][i] + g[k].sd * sd_gradient) / a->box.width[i];
        }
        gradient[i] = isfinite(gradient[i]) ? gradient[i] : 0.0;
    }
    return value;
}

/* ---- climbs ---- */

static double nlopt_score(unsigned count, const double *u, double *gradient, void *context)
{
    double unused[MAX_D];
    (void)count;
    return bd_acquisition_climb(context, u, gradient ? gradient : unused);
}

/* By gradients from *p, as if the grid were not there; the point that this ends at, where it is open and better. */
static void climb(const struct bd_acquisition *a, struct bd_rng *rng, struct bd_search_point *p, double *score)
{
    const struct bd_search *search = a->search;
    double u[MAX_D], upper[MAX_D], value;
    memcpy(u, p->u, sizeof u);
    for (size_t i = 0; i < search->d; i++) {
        upper[i] = a->box.low[i] + a->box.width[i];
    }
    nlopt_opt opt = nlopt_create(NLOPT_LD_LBFGS, (unsigned)search->d);
    nlopt_set_max_objective(opt, nlopt_score, (void *)a);
    nlopt_set_lower_bounds(opt, a->box.low);
    nlopt_set_upper_bounds(opt, upper);
    nlopt_set_maxeval(opt, CLIMB);
    nlopt_set_ftol_abs(opt, 1e-4);
    nlopt_optimize(opt, u, &value); /* a failed line search still leaves its best point */
    nlopt_destroy(opt);
    struct bd_search_point there;
    bd_search_snap(search, u, &there);
    bd_search_repair(search, rng, &there);
    if (bd_search_open(search, &there)) {
        bd_acquisition_score(a, 1, &there, &value);
        if (value > *score) {
            *score = value;
            *p = there;
        }
    }
}

/* Takes the best of `count` points where it is better than *p. */
static bool take_best(const struct bd_acquisition *a, size_t count, const struct bd_search_point *points,
                      double *scores, struct bd_search_point *p, double *score)
{
    bool better = false;
    bd_acquisition_score(a, count, points, scores);
    for (size_t c = 0; c < count; c++) {
        if (scores[c] > *score) {
            *score = scores[c];
            *p = points[c];
            better = true;
        }
    }
    return better;
}

static bool inside(const struct bd_acquisition *a, size_t i, double u)
{
    return u >= a->box.low[i] && u <= a->box.low[i] + a->box.width[i];
}

/* Points of one axis: all levels, or of many the near ones and some of the others. */
static size_t line(const struct bd_acquisition *a, size_t i, const struct bd_search_point *p,
                   struct bd_search_point *points)
{
    const struct bd_search *search = a->search;
    const int levels = (int)search->axes[i].count, half = LEVELS / 2;
    size_t count = 0;
    for (int c = 0; c < (levels < LEVELS ? levels : LEVELS); c++) {
        int level = c;
        if (levels > LEVELS) {
            level = c < half ? p->level[i] + c - half / 2 : (int)((double)(c - half) / (half - 1) * (levels - 1));
        }
        if (level < 0 || level >= levels || level == p->level[i]) {
            continue;
        }
        points[count] = *p;
        bd_search_set_level(search, &points[count], i, level);
        count += inside(a, i, points[count].u[i]) && bd_search_open(search, &points[count]);
    }
    return count;
}

/* A level up on one axis for one down on another: along the budget's edge single moves are stuck. */
static size_t trades(const struct bd_acquisition *a, struct bd_rng *rng, const struct bd_search_point *p,
                     struct bd_search_point *points)
{
    const struct bd_search *search = a->search;
    const size_t d = search->d;
    size_t count = 0;
    for (size_t i = 0; i < d; i++) {
        for (size_t j = 0; j < d && count < TRADES; j++) {
            if (i == j || !search->axes[i].count || !search->axes[j].count ||
                (d * (d - 1) > TRADES && bd_rng_below(rng, (uint32_t)(d * (d - 1))) >= TRADES)) {
                continue;
            }
            struct bd_search_point *next = &points[count];
            *next = *p;
            if (p->level[i] + 1 < (int)search->axes[i].count && p->level[j] > 0) {
                bd_search_set_level(search, next, i, p->level[i] + 1);
                bd_search_set_level(search, next, j, p->level[j] - 1);
                count += inside(a, i, next->u[i]) && inside(a, j, next->u[j]) && bd_search_open(search, next);
            }
        }
    }
    return count;
}

/* Along each axis, and by trades, until nothing improves. */
static void search_lines(const struct bd_acquisition *a, struct bd_rng *rng, struct bd_search_point *p, double *score)
{
    const struct bd_search *search = a->search;
    struct bd_search_point *points = bd_xcalloc(TRADES, sizeof *points);
    double scores[TRADES];
    bool improved = true;
    for (int sweep = 0; sweep < 50 && improved; sweep++) {
        improved = false;
        for (size_t i = 0; i < search->d; i++) {
            const size_t count = search->axes[i].count ? line(a, i, p, points) : 0;
            improved |= take_best(a, count, points, scores, p, score);
        }
        if (search->config.cost) {
            const size_t count = trades(a, rng, p, points);
            improved |= take_best(a, count, points, scores, p, score);
        }
    }
    free(points);
}

/* ---- candidates ---- */

struct scored {
    struct bd_search_point p;
    double value;
};

/* Descending by value; ties by place, so that the order does not depend on the sort. */
static int compare_scored(const void *left, const void *right)
{
    const struct scored *a = left, *b = right;
    if (a->value != b->value) {
        return a->value < b->value ? 1 : -1;
    }
    return memcmp(&a->p, &b->p, sizeof a->p);
}

/* Sobol places over the box, and others around the incumbent, lowered into the budget. */
static size_t draw_candidates(const struct bd_acquisition *a, struct bd_rng *rng, struct bd_search_point *out)
{
    const struct bd_search *search = a->search;
    gsl_qrng *sequence = gsl_qrng_alloc(gsl_qrng_sobol, (unsigned)search->d);
    struct bd_search_point incumbent;
    double shift[MAX_D], u[MAX_D];
    size_t count = 0;
    bd_search_find(search, search->observations[a->incumbent].point, &incumbent);
    for (size_t i = 0; i < search->d; i++) {
        shift[i] = bd_rng_uniform(rng);
    }
    for (int k = 0; k < CANDIDATES; k++) {
        gsl_qrng_get(sequence, u);
        for (size_t i = 0; i < search->d; i++) {
            u[i] = fmod(u[i] + shift[i], 1.0);
            u[i] =
                k % 2 ? a->box.low[i] + u[i] * a->box.width[i] : incumbent.u[i] + 0.2 * a->box.width[i] * (u[i] - 0.5);
            u[i] = fmin(fmax(u[i], a->box.low[i]), a->box.low[i] + a->box.width[i]);
        }
        bd_search_snap(search, u, &out[count]);
        bd_search_repair(search, rng, &out[count]);
        count += bd_search_open(search, &out[count]);
    }
    gsl_qrng_free(sequence);
    return count;
}

/* The best of the candidates (sorted) that differ from each other come first; returns how many, at most STARTS. */
static size_t take_starts(struct scored *candidates, size_t count)
{
    size_t taken = 0;
    for (size_t c = 0; c < count && taken < STARTS; c++) {
        if (c == 0 || memcmp(&candidates[c].p, &candidates[taken - 1].p, sizeof candidates[c].p) != 0) {
            candidates[taken++] = candidates[c];
        }
    }
    return taken;
}

bool bd_acquisition_maximise(const struct bd_acquisition *a, struct bd_rng *rng, struct bd_search_point *p)
{
    struct bd_search_point *points = bd_xcalloc(CANDIDATES + 1, sizeof *points);
    struct scored *candidates = bd_xcalloc(CANDIDATES + 1, sizeof *candidates);
    double scores[CANDIDATES], best = -HUGE_VAL;
    const int threads = bd_gp_use_one_thread();
    const size_t count = draw_candidates(a, rng, points);
    bd_acquisition_score(a, count, points, scores);
    for (size_t c = 0; c < count; c++) {
        candidates[c] = (struct scored){points[c], scores[c]};
    }
    qsort(candidates, count, sizeof *candidates, compare_scored);
    const size_t starts = take_starts(candidates, count);
    for (size_t c = 0; c < starts; c++) {
        if (!a->search->config.known) {
            climb(a, rng, &candidates[c].p, &candidates[c].value);
        }
        search_lines(a, rng, &candidates[c].p, &candidates[c].value);
        if (candidates[c].value > best) {
            best = candidates[c].value;
            *p = candidates[c].p;
        }
    }
    bd_gp_restore_threads(threads);
    free(points);
    free(candidates);
    return starts > 0;
}
