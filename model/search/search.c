#include "model/search/search.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/search/search_parts.h"

#define MAX_D BD_GP_MAX_DIMENSIONS

/* ---- starts ---- */

static bd_status check_axis(const struct bd_search_axis *axis, size_t i, struct bd_error *err)
{
    for (size_t k = 0; k < axis->count; k++) {
        if (!isfinite(axis->values[k])) {
            return bd_fail(err, BD_BAD_INPUT, "a value of dimension %zu is not a finite number", i);
        }
        if (k && axis->values[k] <= axis->values[k - 1]) {
            return bd_fail(err, BD_BAD_INPUT, "the values of dimension %zu do not ascend", i);
        }
    }
    if (!axis->count && axis->low == axis->high) {
        return bd_fail(err, BD_BAD_INPUT, "dimension %zu has no value", i);
    }
    if (!axis->count && !(isfinite(axis->low) && isfinite(axis->high) && axis->low < axis->high)) {
        return bd_fail(err, BD_BAD_INPUT,
                       "dimension %zu is no range: its ends must be finite, the first below the other", i);
    }
    if (axis->log && !((axis->count ? axis->values[0] : axis->low) > 0.0)) {
        return bd_fail(err, BD_BAD_INPUT, "dimension %zu is logarithmic and not above 0", i);
    }
    return BD_OK;
}

/* Whether anything can be proposed, as far as the ends of the axes tell. */
static bd_status check_bounds(const struct bd_search *search, struct bd_error *err)
{
    const struct bd_search_config *config = &search->config;
    const double zeros[MAX_D] = {0.0};
    double ones[MAX_D];
    struct bd_search_point lowest, highest;
    if (config->objectives < 0 || config->objectives > BD_SEARCH_OBJECTIVES) {
        return bd_fail(err, BD_BAD_INPUT, "a search has 1 or 2 objectives, not %d", config->objectives);
    }
    if (!config->cost) {
        return BD_OK;
    }
    if (!isfinite(config->budget) || !isfinite(config->floor) || config->floor > config->budget) {
        return bd_fail(err, BD_BAD_INPUT, "the floor of %.17g is not below the budget of %.17g", config->floor,
                       config->budget);
    }
    for (size_t i = 0; i < search->d; i++) {
        ones[i] = 1.0;
    }
    bd_search_snap(search, zeros, &lowest);
    bd_search_snap(search, ones, &highest);
    if (bd_search_cost_of(search, &lowest) > config->budget) {
        return bd_fail(err, BD_BAD_INPUT, "no point of the grid meets the budget of %.17g: the smallest costs %.17g",
                       config->budget, bd_search_cost_of(search, &lowest));
    }
    if (bd_search_cost_of(search, &highest) < config->floor) {
        return bd_fail(err, BD_BAD_INPUT, "no point of the grid reaches the floor of %.17g: the largest costs %.17g",
                       config->floor, bd_search_cost_of(search, &highest));
    }
    return BD_OK;
}

static void forget_forecast(struct bd_search *search)
{
    for (int k = 0; k < BD_SEARCH_OBJECTIVES; k++) {
        search->proposal_mean[k] = search->proposal_sd[k] = NAN;
    }
}

bd_status bd_search_init(struct bd_search *search, size_t d, const struct bd_search_axis *axes,
                         const struct bd_search_config *config, struct bd_error *err)
{
    memset(search, 0, sizeof *search);
    if (d < 1 || d > MAX_D) {
        return bd_fail(err, BD_BAD_INPUT, "a search wants 1..%d dimensions, got %zu", MAX_D, d);
    }
    for (size_t i = 0; i < d; i++) {
        if (check_axis(&axes[i], i, err)) {
            return err->status;
        }
    }
    search->config = *config;
    search->config.objectives = config->objectives ? config->objectives : 1;
    search->d = d;
    memcpy(search->axes, axes, d * sizeof *axes);
    for (size_t i = 0; i < d; i++) {
        search->places[i] = bd_xcalloc(axes[i].count + 1, sizeof(double));
        for (size_t k = 0; k < axes[i].count; k++) {
            search->places[i][k] = bd_search_place(&axes[i], axes[i].values[k]);
        }
    }
    if (config->reference) {
        memcpy(search->reference, config->reference, (size_t)search->config.objectives * sizeof(double));
        search->config.reference = search->reference;
    }
    forget_forecast(search);
    bd_status status = check_bounds(search, err);
    if (status == BD_OK && config->method == BD_SEARCH_BAYES && config->initial < 2) {
        status =
            bd_fail(err, BD_BAD_INPUT, "a model wants 2 or more points before it is asked, not %d", config->initial);
    }
    if (status != BD_OK) {
        bd_search_release(search);
    }
    return status;
}

void bd_search_release(struct bd_search *search)
{
    for (size_t i = 0; i < search->count; i++) {
        free(search->observations[i].point);
    }
    for (size_t i = 0; i < search->pending; i++) {
        free(search->pending_points[i]);
    }
    for (size_t i = 0; i < search->d; i++) {
        free(search->places[i]);
    }
    for (int k = 0; k < BD_SEARCH_OBJECTIVES; k++) {
        bd_gp_release(&search->gp[k]);
    }
    bd_gp_release(&search->local);
    free(search->pending_points);
    free(search->observations);
    memset(search, 0, sizeof *search);
}

/* ---- ask ---- */

static double *copy_point(const struct bd_search *search, const double *point)
{
    double *copy = bd_xcalloc(search->d, sizeof *copy);
    memcpy(copy, point, search->d * sizeof *copy);
    return copy;
}

void bd_search_await(struct bd_search *search, const double *point)
{
    search->pending_points = bd_xrealloc(search->pending_points, search->pending + 1, sizeof *search->pending_points);
    search->pending_points[search->pending++] = copy_point(search, point);
    search->asked++;
}

bd_status bd_search_ask(struct bd_search *search, double *point, struct bd_error *err)
{
    struct bd_search_point p;
    bool found = false;
    forget_forecast(search);
    switch (search->config.method) {
    case BD_SEARCH_RANDOM:
        found = bd_search_ask_random(search, &p);
        break;
    case BD_SEARCH_UNIFORM:
        found = bd_search_ask_uniform(search, &p);
        break;
    case BD_SEARCH_SOBOL:
        found = bd_search_ask_sobol(search, &p);
        break;
    case BD_SEARCH_BAYES:
        if (search->asked < (size_t)search->config.initial || search->count < 2) {
            found = bd_search_ask_sobol(search, &p);
        } else if (bd_search_ask_model(search, &p, &found, err)) {
            return err->status;
        }
        break;
    }
    if (!found && search->asked) {
        return bd_fail(err, BD_FAIL, "no point is left to propose after %zu evaluations", search->asked);
    }
    if (!found) {
        return search->config.cost ? bd_fail(err, BD_BAD_INPUT, "no point was found that costs %.17g to %.17g",
                                             search->config.floor, search->config.budget)
                                   : bd_fail(err, BD_BAD_INPUT, "no point was found that is allowed");
    }
    bd_search_values(search, &p, point);
    bd_search_await(search, point);
    return BD_OK;
}

/* ---- tell ---- */

/* Index of a pending point; -1 where it is none. */
static long pending_at(const struct bd_search *search, const double *point)
{
    for (size_t i = 0; i < search->pending; i++) {
        if (bd_search_same(search->d, search->pending_points[i], point)) {
            return (long)i;
        }
    }
    return -1;
}

static void drop_pending(struct bd_search *search, long at)
{
    free(search->pending_points[at]);
    search->pending--;
    memmove(search->pending_points + at, search->pending_points + at + 1,
            (search->pending - (size_t)at) * sizeof *search->pending_points);
}

static bd_status check_axes(const struct bd_search *search, const double *point, struct bd_error *err)
{
    for (size_t i = 0; i < search->d; i++) {
        if (!bd_search_on_axis(&search->axes[i], point[i])) {
            return bd_fail(err, BD_BAD_INPUT,
                           "evaluation %zu is at %.17g in dimension %zu, which does not have that value", search->count,
                           point[i], i);
        }
    }
    return BD_OK;
}

bd_status bd_search_tell(struct bd_search *search, const double *point, const double *values, struct bd_error *err)
{
    for (int k = 0; k < search->config.objectives; k++) {
        if (!isfinite(values[k])) {
            return bd_fail(err, BD_BAD_INPUT, "the value of evaluation %zu is not a finite number", search->count);
        }
    }
    if (check_axes(search, point, err)) {
        return err->status;
    }
    const long at = pending_at(search, point);
    if (at >= 0) {
        drop_pending(search, at);
    } else {
        search->asked++;
    }
    if (search->count == search->room) {
        search->room = search->room ? 2 * search->room : 64;
        search->observations = bd_xrealloc(search->observations, search->room, sizeof *search->observations);
    }
    struct bd_observation *o = &search->observations[search->count++];
    *o = (struct bd_observation){.point = copy_point(search, point)};
    memcpy(o->value, values, (size_t)search->config.objectives * sizeof *values);
    o->cost = search->config.cost ? search->config.cost(search->config.context, point) : 0.0;
    return BD_OK;
}

bd_status bd_search_forget(struct bd_search *search, const double *point, struct bd_error *err)
{
    const long at = pending_at(search, point);
    if (at < 0) {
        return bd_fail(err, BD_BAD_INPUT, "a point that is not pending cannot be forgotten");
    }
    drop_pending(search, at);
    return BD_OK;
}

bd_status bd_search_check(const struct bd_search *search, const double *point, struct bd_error *err)
{
    const struct bd_search_config *config = &search->config;
    if (check_axes(search, point, err)) {
        return err->status;
    }
    if (config->cost) {
        const double cost = config->cost(config->context, point);
        if (!(cost <= config->budget && cost >= config->floor)) {
            return bd_fail(err, BD_BAD_INPUT, "the point costs %.17g, which is not between %.17g and %.17g", cost,
                           config->floor, config->budget);
        }
    }
    if (config->allowed && !config->allowed(config->context, point)) {
        return bd_fail(err, BD_BAD_INPUT, "the point is not allowed");
    }
    return BD_OK;
}

/* ---- results ---- */

long bd_search_best(const struct bd_search *search)
{
    long best = -1;
    for (size_t i = 0; i < search->count; i++) {
        if (best < 0 || search->observations[i].value[0] > search->observations[best].value[0]) {
            best = (long)i;
        }
    }
    return best;
}

size_t bd_search_front(const struct bd_search *search, size_t *front)
{
    double *values = bd_xcalloc(2 * search->count + 1, sizeof *values);
    for (size_t i = 0; i < search->count; i++) {
        memcpy(values + 2 * i, search->observations[i].value, 2 * sizeof *values);
    }
    const size_t size = bd_front_of(search->count, values, front);
    free(values);
    return size;
}

void bd_search_reference(const struct bd_search *search, double *reference)
{
    if (search->config.reference) {
        memcpy(reference, search->reference, 2 * sizeof *reference);
        return;
    }
    size_t *front = bd_xcalloc(search->count + 1, sizeof *front);
    const size_t size = bd_search_front(search, front);
    for (int k = 0; k < 2; k++) {
        double least = INFINITY, most = -INFINITY;
        for (size_t i = 0; i < size; i++) {
            least = fmin(least, search->observations[front[i]].value[k]);
            most = fmax(most, search->observations[front[i]].value[k]);
        }
        /* A front of one point has no range: the worst of all is the measure then. */
        double worst = least;
        for (size_t i = 0; i < search->count && !(most > least); i++) {
            worst = fmin(worst, search->observations[i].value[k]);
        }
        reference[k] = most > least ? least - 0.1 * (most - least) : worst - 0.1 * (least - worst);
    }
    free(front);
}
