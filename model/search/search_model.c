/* Proposals by the model: a fit of each objective, then the point of the highest expected improvement. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/search/search_parts.h"

#define MAX_D BD_GP_MAX_DIMENSIONS
#define SURPRISE 3.0 /* standard deviations of the newest value that make a fit look elsewhere too */
#define RESTARTS 4
#define OLD 100       /* observations from which each of them has half the evaluations */
#define YOUNG 40      /* observations up to which each fit has all its starts */
#define LOCAL_TURNS 2 /* one proposal in so many looks at the whole space, the others near the best point */

/* ---- fit ---- */

double *bd_search_places(const struct bd_search *search)
{
    const size_t d = search->d;
    double *x = bd_xcalloc((search->count + search->pending) * d, sizeof *x);
    for (size_t i = 0; i < search->count + search->pending; i++) {
        struct bd_search_point p;
        bd_search_find(
            search, i < search->count ? search->observations[i].point : search->pending_points[i - search->count], &p);
        memcpy(x + i * d, p.u, d * sizeof *x);
    }
    return x;
}

/* One warm start, which costs little where little has changed. Other starts where the likelihood asks for them: where
 * the newest value is a surprise to the old hyperparameters, or where there is too little to go by. */
static bd_status fit(struct bd_search *search, int k, const double *x, const double *y, struct bd_rng *rng,
                     struct bd_error *err)
{
    const size_t n = search->count, d = search->d;
    struct bd_gp *gp = &search->gp[k];
    struct bd_gp_effort effort = {.warm = search->has_theta ? search->theta[k] : NULL, .starts = 1, .evaluations = 20};
    bool lost = !search->has_theta || n < YOUNG;
    if (!lost) {
        lost =
            bd_gp_condition(gp, n, d, x, y, search->theta[k], err) != BD_OK || fabs(bd_gp_last_surprise(gp)) > SURPRISE;
    }
    if (lost) {
        effort.starts = RESTARTS;
        effort.evaluations = n < OLD ? 60 : 30;
    }
    if (bd_gp_fit(gp, n, d, x, y, &effort, rng, err)) {
        return err->status;
    }
    memcpy(search->theta[k], gp->theta, (d + 2) * sizeof(double));
    return BD_OK;
}

static bd_status fit_all(struct bd_search *search, struct bd_acquisition *a, struct bd_rng *rng, struct bd_error *err)
{
    const size_t n = search->count, d = search->d;
    double *x = bd_search_places(search), *y = bd_xcalloc(n, sizeof *y);
    bd_status status = BD_OK;
    for (int k = 0; k < search->config.objectives && status == BD_OK; k++) {
        if (k && search->config.known) {
            break;
        }
        for (size_t i = 0; i < n; i++) {
            y[i] = search->observations[i].value[k];
        }
        if (search->config.objectives == 1) {
            search->power = bd_power_fit(n, y);
            for (size_t i = 0; i < n; i++) {
                y[i] = bd_power_bend(&search->power, y[i]);
            }
        }
        status = fit(search, k, x, y, rng, err);
        for (size_t i = 0; i < search->pending && status == BD_OK; i++) {
            bd_gp_believe(&search->gp[k], x + (n + i) * d);
        }
        a->gp[k] = &search->gp[k];
    }
    search->has_theta |= status == BD_OK;
    free(x);
    free(y);
    return status;
}

/* ---- what is to be improved ---- */

/* Means of what was told and is pending: noise is no improvement. */
static void set_target(struct bd_search *search, struct bd_acquisition *a)
{
    const size_t n = a->gp[0]->n;
    double *work = bd_xcalloc(n * n, sizeof *work), *means = bd_xcalloc(2 * n, sizeof *means);
    double *mean = bd_xcalloc(n, sizeof *mean), *variance = bd_xcalloc(n, sizeof *variance);
    for (int k = 0; k < search->config.objectives; k++) {
        if (a->gp[k]) {
            bd_gp_predict_many(a->gp[k], n, a->gp[k]->x, work, mean, variance);
        }
        for (size_t i = 0; i < n; i++) {
            const double *point =
                i < search->count ? search->observations[i].point : search->pending_points[i - search->count];
            means[2 * i + (size_t)k] = a->gp[k] ? mean[i] : search->config.known(search->config.context, point);
        }
    }
    a->best = -HUGE_VAL;
    for (size_t i = 0; i < n; i++) {
        if (means[2 * i] > a->best) {
            a->best = means[2 * i];
            a->incumbent = i < search->count ? i : a->incumbent;
        }
    }
    if (search->config.objectives == 2) {
        size_t *order = bd_xcalloc(n, sizeof *order);
        a->front_count = bd_front_of(n, means, order);
        a->front = bd_xcalloc(2 * n, sizeof *a->front);
        for (size_t i = 0; i < a->front_count; i++) {
            memcpy(a->front + 2 * i, means + 2 * order[i], 2 * sizeof *means);
        }
        free(order);
        bd_search_reference(search, a->reference);
    }
    free(work);
    free(means);
    free(mean);
    free(variance);
}

/* ---- ask ---- */

static void forecast(struct bd_search *search, const struct bd_acquisition *a, const struct bd_search_point *p)
{
    double u[MAX_D], variance;
    for (size_t i = 0; i < search->d; i++) {
        u[i] = (p->u[i] - a->box.low[i]) / a->box.width[i];
    }
    for (int k = 0; k < search->config.objectives; k++) {
        if (a->gp[k]) {
            double *work = bd_xcalloc(a->gp[k]->n, sizeof *work);
            double mean, sd;
            bd_gp_predict(a->gp[k], u, work, &mean, &variance);
            sd = sqrt(variance);
            if (a->gp[k] == &search->gp[0] && search->config.objectives == 1) {
                const struct bd_power *power = &search->power;
                sd = 0.5 * (bd_power_straighten(power, mean + sd) - bd_power_straighten(power, mean - sd));
                mean = bd_power_straighten(power, mean);
            }
            search->proposal_mean[k] = mean;
            search->proposal_sd[k] = sd;
            free(work);
        } else {
            double point[MAX_D];
            bd_search_values(search, p, point);
            search->proposal_mean[k] = search->config.known(search->config.context, point);
            search->proposal_sd[k] = 0.0;
        }
    }
}

/* By the models of the whole space. */
static bool propose(struct bd_search *search, struct bd_acquisition *a, struct bd_rng *rng, struct bd_search_point *p)
{
    *a = (struct bd_acquisition){.search = search, .gp = {a->gp[0], a->gp[1]}};
    for (size_t i = 0; i < search->d; i++) {
        a->box.width[i] = 1.0;
    }
    set_target(search, a);
    const bool found = bd_acquisition_maximise(a, rng, p) || bd_search_first_open(search, p);
    free(a->front);
    return found;
}

bd_status bd_search_ask_model(struct bd_search *search, struct bd_search_point *p, bool *found, struct bd_error *err)
{
    struct bd_acquisition all = {.search = search}, near = {.search = search};
    struct bd_rng rng;
    bd_search_rng(search, &rng);
    if (fit_all(search, &all, &rng, err)) {
        return err->status;
    }
    const struct bd_acquisition *by = &all;
    *found = false;
    if (search->config.objectives == 1 && search->asked % LOCAL_TURNS) {
        if (bd_search_look_near(search, &near, &rng, err)) {
            return err->status;
        }
        *found = bd_acquisition_maximise(&near, &rng, p);
        by = *found ? &near : &all;
    }
    *found = *found || propose(search, &all, &rng, p);
    if (*found) {
        forecast(search, by, p);
    }
    return BD_OK;
}
