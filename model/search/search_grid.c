/* Points of the grid: places on axes, cost, and what may be proposed. */
#include <math.h>
#include <string.h>

#include "model/search/search_parts.h"

#define MAX_D BD_GP_MAX_DIMENSIONS

void bd_search_values(const struct bd_search *search, const struct bd_search_point *p, int *point)
{
    for (size_t i = 0; i < search->d; i++) {
        point[i] = search->axes[i].values[p->level[i]];
    }
}

/* A value's place on its axis, 0..1. */
double bd_search_unit(const struct bd_search_axis *axis, int value)
{
    int low = axis->values[0], high = axis->values[axis->count - 1];
    return high > low ? (double)(value - low) / (double)(high - low) : 0.0;
}

static int nearest_level(const struct bd_search_axis *axis, double u)
{
    int best = 0;
    for (size_t i = 1; i < axis->count; i++) {
        if (fabs(bd_search_unit(axis, axis->values[i]) - u) < fabs(bd_search_unit(axis, axis->values[best]) - u)) {
            best = (int)i;
        }
    }
    return best;
}

void bd_search_snap(const struct bd_search *search, const double *u, struct bd_search_point *p)
{
    for (size_t i = 0; i < search->d; i++) {
        p->level[i] = nearest_level(&search->axes[i], u[i]);
    }
}

double bd_search_cost_of(const struct bd_search *search, const struct bd_search_point *p)
{
    int point[MAX_D];
    bd_search_values(search, p, point);
    return search->config.cost ? search->config.cost(search->config.context, point) : search->config.budget;
}

static bool feasible(const struct bd_search *search, const struct bd_search_point *p)
{
    return bd_search_cost_of(search, p) <= search->config.budget;
}

static bool visited(const struct bd_search *search, const struct bd_search_point *p)
{
    int point[MAX_D];
    bd_search_values(search, p, point);
    for (size_t i = 0; i < search->count; i++) {
        if (!memcmp(search->observations[i].point, point, search->d * sizeof(int))) {
            return true;
        }
    }
    return false;
}

bool bd_search_allowed(const struct bd_search *search, const struct bd_search_point *p)
{
    double cost = bd_search_cost_of(search, p);
    return cost <= search->config.budget && cost >= search->config.floor && !visited(search, p);
}

/* Lowers dimensions drawn at random until the point is within the budget, which the lowest point is. */
void bd_search_repair(const struct bd_search *search, struct bd_rng *rng, struct bd_search_point *p)
{
    while (!feasible(search, p)) {
        size_t open[MAX_D], count = 0;
        for (size_t i = 0; i < search->d; i++) {
            if (p->level[i] > 0) {
                open[count++] = i;
            }
        }
        if (count == 0) {
            return;
        }
        p->level[open[bd_rng_below(rng, (uint32_t)count)]]--;
    }
}
