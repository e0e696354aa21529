/* Points: places on axes, cost, and what may be proposed. */
#include <math.h>
#include <string.h>

#include "model/search/search_parts.h"

#define MAX_D BD_GP_MAX_DIMENSIONS
#define STEPS 1000 /* in which a real axis is lowered */

static double low_end(const struct bd_search_axis *axis)
{
    return axis->count ? axis->values[0] : axis->low;
}

static double high_end(const struct bd_search_axis *axis)
{
    return axis->count ? axis->values[axis->count - 1] : axis->high;
}

double bd_search_place(const struct bd_search_axis *axis, double value)
{
    const double low = low_end(axis), high = high_end(axis);
    if (!(high > low)) {
        return 0.0;
    }
    const double place = axis->log ? log(value / low) / log(high / low) : (value - low) / (high - low);
    return fmin(fmax(place, 0.0), 1.0);
}

static double value_at(const struct bd_search_axis *axis, double u)
{
    const double value =
        axis->log ? axis->low * pow(axis->high / axis->low, u) : axis->low + u * (axis->high - axis->low);
    return fmin(fmax(value, axis->low), axis->high);
}

/* Index of the first value that is not below `value`. */
static size_t lower_bound(size_t count, const double *values, double value)
{
    size_t from = 0, to = count;
    while (from < to) {
        const size_t middle = from + (to - from) / 2;
        if (values[middle] < value) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from;
}

bool bd_search_on_axis(const struct bd_search_axis *axis, double value)
{
    if (!axis->count) {
        return value >= axis->low && value <= axis->high;
    }
    const size_t at = lower_bound(axis->count, axis->values, value);
    return at < axis->count && axis->values[at] == value;
}

void bd_search_set_level(const struct bd_search *search, struct bd_search_point *p, size_t axis, int level)
{
    p->level[axis] = level;
    p->u[axis] = search->places[axis][level];
}

int bd_search_nearest(const struct bd_search *search, size_t axis, double u)
{
    const size_t count = search->axes[axis].count, at = lower_bound(count, search->places[axis], u);
    if (at == 0) {
        return 0;
    }
    const double *places = search->places[axis];
    return at == count || u - places[at - 1] <= places[at] - u ? (int)at - 1 : (int)at;
}

void bd_search_snap(const struct bd_search *search, const double *u, struct bd_search_point *p)
{
    memset(p, 0, sizeof *p);
    for (size_t i = 0; i < search->d; i++) {
        if (search->axes[i].count) {
            bd_search_set_level(search, p, i, bd_search_nearest(search, i, u[i]));
        } else {
            p->u[i] = u[i];
        }
    }
}

void bd_search_values(const struct bd_search *search, const struct bd_search_point *p, double *point)
{
    for (size_t i = 0; i < search->d; i++) {
        const struct bd_search_axis *axis = &search->axes[i];
        point[i] = axis->count ? axis->values[p->level[i]] : value_at(axis, p->u[i]);
    }
}

void bd_search_find(const struct bd_search *search, const double *point, struct bd_search_point *p)
{
    memset(p, 0, sizeof *p);
    for (size_t i = 0; i < search->d; i++) {
        const struct bd_search_axis *axis = &search->axes[i];
        if (axis->count) {
            bd_search_set_level(search, p, i, (int)lower_bound(axis->count, axis->values, point[i]));
        } else {
            p->u[i] = bd_search_place(axis, point[i]);
        }
    }
}

double bd_search_cost_of(const struct bd_search *search, const struct bd_search_point *p)
{
    double point[MAX_D];
    bd_search_values(search, p, point);
    return search->config.cost ? search->config.cost(search->config.context, point) : search->config.budget;
}

bool bd_search_same(size_t d, const double *a, const double *b)
{
    for (size_t i = 0; i < d; i++) {
        if (a[i] != b[i]) {
            return false;
        }
    }
    return true;
}

static bool seen(const struct bd_search *search, const double *point)
{
    for (size_t i = 0; i < search->count; i++) {
        if (bd_search_same(search->d, search->observations[i].point, point)) {
            return true;
        }
    }
    for (size_t i = 0; i < search->pending; i++) {
        if (bd_search_same(search->d, search->pending_points[i], point)) {
            return true;
        }
    }
    return false;
}

bool bd_search_open(const struct bd_search *search, const struct bd_search_point *p)
{
    const struct bd_search_config *config = &search->config;
    double point[MAX_D];
    bd_search_values(search, p, point);
    if (config->cost) {
        const double cost = config->cost(config->context, point);
        if (!(cost <= config->budget && cost >= config->floor)) {
            return false;
        }
    }
    return !(config->allowed && !config->allowed(config->context, point)) && !seen(search, point);
}

void bd_search_repair(const struct bd_search *search, struct bd_rng *rng, struct bd_search_point *p)
{
    if (!search->config.cost) {
        return;
    }
    while (!(bd_search_cost_of(search, p) <= search->config.budget)) { /* the lowest point is within it */
        size_t above[MAX_D], count = 0;
        for (size_t i = 0; i < search->d; i++) {
            if (p->u[i] > 0.0) {
                above[count++] = i;
            }
        }
        if (count == 0) {
            return;
        }
        const size_t i = above[bd_rng_below(rng, (uint32_t)count)];
        if (search->axes[i].count) {
            bd_search_set_level(search, p, i, p->level[i] - 1);
        } else {
            p->u[i] = fmax(p->u[i] - 1.0 / STEPS, 0.0);
        }
    }
}
