/* The trust region: a box around the best point, with a model of its own. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/search/search_parts.h"

#define START 0.5     /* side of the box at first, of the unit cube, */
#define MOST 1.0      /* at most, */
#define LEAST 1e-4    /* and where it begins anew */
#define STREAK 2      /* values in a row that are better than the best before the box grows, */
#define PATIENCE 4    /* and that are not before it shrinks */
#define NARROWEST 0.5 /* of the side, where a lengthscale is short */
#define WIDEST 2.0
#define REACH 1.0 /* observations so far from the middle, in widths, have a say; */
#define NEAREST 6 /* so many for each dimension at most have one anyway */

/* Side of the box after what was told so far: values that improve on the best double it, others halve it (TuRBO:
 * Eriksson, Pearce, Gardner, Turner, Poloczek, NeurIPS 2019, with less patience). A function of the observations alone,
 * so that a replay comes to the same. */
static double side_of(const struct bd_search *search)
{
    double side = START, best = -HUGE_VAL;
    int good = 0, bad = 0;
    for (size_t i = 0; i < search->count; i++) {
        const double value = search->observations[i].value[0];
        const bool better = value > best;
        best = fmax(best, value);
        if (i < (size_t)search->config.initial) {
            continue;
        }
        good = better ? good + 1 : 0;
        bad = better ? 0 : bad + 1;
        if (good == STREAK) {
            side = fmin(2.0 * side, MOST);
            good = 0;
        } else if (bad == PATIENCE) {
            side = side / 2.0;
            bad = 0;
        }
        if (side < LEAST) {
            side = START;
        }
    }
    return side;
}

/* Longer where the model of all is smoother, at least a step of each grid to both sides. */
static void set_box(const struct bd_search *search, struct bd_acquisition *a)
{
    const double side = side_of(search);
    double mean_log = 0.0;
    struct bd_search_point p;
    bd_search_find(search, search->observations[a->incumbent].point, &p);
    for (size_t i = 0; i < search->d; i++) {
        mean_log += search->theta[0][i] / (double)search->d;
    }
    for (size_t i = 0; i < search->d; i++) {
        const double half = 0.5 * side * fmin(fmax(exp(search->theta[0][i] - mean_log), NARROWEST), WIDEST);
        double low = p.u[i] - half, high = p.u[i] + half;
        const int count = (int)search->axes[i].count, level = p.level[i];
        if (count) {
            low = fmin(low, search->places[i][level > 0 ? level - 1 : 0]);
            high = fmax(high, search->places[i][level + 1 < count ? level + 1 : count - 1]);
        }
        low = fmax(low, 0.0);
        high = fmin(high, 1.0);
        a->box.low[i] = low;
        a->box.width[i] = fmax(high - low, 1e-12);
    }
}

struct near {
    double distance;
    size_t index;
};

static int compare_near(const void *left, const void *right)
{
    const struct near *a = left, *b = right;
    if (a->distance != b->distance) {
        return a->distance < b->distance ? -1 : 1;
    }
    return a->index < b->index ? -1 : 1;
}

/* Observations by their distance from the middle of the box, in its widths. */
static struct near *order_by_distance(const struct bd_search *search, const struct bd_search_box *box, const double *x)
{
    const size_t n = search->count, d = search->d;
    struct near *order = bd_xcalloc(n, sizeof *order);
    for (size_t i = 0; i < n; i++) {
        order[i].index = i;
        for (size_t k = 0; k < d; k++) {
            const double away = fabs(x[i * d + k] - box->low[k] - 0.5 * box->width[k]) / box->width[k];
            order[i].distance = fmax(order[i].distance, away);
        }
    }
    qsort(order, n, sizeof *order, compare_near);
    return order;
}

static void into_box(const struct bd_search_box *box, size_t d, const double *x, double *inside)
{
    for (size_t k = 0; k < d; k++) {
        inside[k] = (x[k] - box->low[k]) / box->width[k];
    }
}

/* How many observations have a say even when they are far: enough to tell the coefficients of a quadratic, since where
 * the box is small the function is one, and fewer leave its optimum open. */
static size_t least_kept(size_t d)
{
    const size_t quadratic = (d + 1) * (d + 2) / 2 + d, most = NEAREST * d;
    return quadratic < most ? quadratic : most;
}

/* A model of the observations in and about the box, whose values are standardised among themselves: it sees differences
 * that are nothing to the model of all. */
static bd_status fit_near(struct bd_search *search, struct bd_acquisition *a, struct bd_rng *rng, struct bd_error *err)
{
    const size_t n = search->count, d = search->d;
    const struct bd_gp_effort effort = {.starts = 1, .evaluations = 60};
    double *x = bd_search_places(search), *inside = bd_xcalloc(n * d, sizeof *inside), *y = bd_xcalloc(n, sizeof *y);
    struct near *order = order_by_distance(search, &a->box, x);
    size_t kept = 0;
    for (; kept < n && (kept < least_kept(d) || order[kept].distance <= REACH); kept++) {
        into_box(&a->box, d, x + order[kept].index * d, inside + kept * d);
        y[kept] = search->observations[order[kept].index].value[0];
    }
    bd_status status = bd_gp_fit(&search->local, kept, d, inside, y, &effort, rng, err);
    for (size_t i = 0; i < search->pending && status == BD_OK; i++) {
        into_box(&a->box, d, x + (n + i) * d, inside);
        bd_gp_believe(&search->local, inside);
    }
    free(x);
    free(inside);
    free(y);
    free(order);
    return status;
}

bd_status bd_search_look_near(struct bd_search *search, struct bd_acquisition *a, struct bd_rng *rng,
                              struct bd_error *err)
{
    a->incumbent = (size_t)bd_search_best(search);
    set_box(search, a);
    if (fit_near(search, a, rng, err)) {
        return err->status;
    }
    a->gp[0] = &search->local;
    const size_t n = a->gp[0]->n;
    double *work = bd_xcalloc(n * n + 2 * n, sizeof *work), *mean = work + n * n;
    bd_gp_predict_many(a->gp[0], n, a->gp[0]->x, work, mean, mean + n);
    a->best = -HUGE_VAL;
    for (size_t i = 0; i < n; i++) {
        a->best = fmax(a->best, mean[i]);
    }
    free(work);
    return BD_OK;
}
