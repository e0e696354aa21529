/* What the files of the search share: search_grid.c has its points, search_model.c proposes by the Gaussian process,
 * search.c asks, tells and keeps records. */
#ifndef BD_SEARCH_SEARCH_PARTS_H
#define BD_SEARCH_SEARCH_PARTS_H

#include "model/core/rng.h"
#include "model/search/search.h"

/* A point inside the search: level indices, one a dimension. */
struct bd_search_point {
    int level[BD_GP_MAX_DIMENSIONS];
};

/* Values of a point (d); a value's place on its axis in 0..1; the point nearest to coordinates of the unit cube. */
void bd_search_values(const struct bd_search *search, const struct bd_search_point *p, int *point);
double bd_search_unit(const struct bd_search_axis *axis, int value);
void bd_search_snap(const struct bd_search *search, const double *u, struct bd_search_point *p);
double bd_search_cost_of(const struct bd_search *search, const struct bd_search_point *p);
/* Inside the budget, and never told. */
bool bd_search_allowed(const struct bd_search *search, const struct bd_search_point *p);
/* Lowers a point into the budget, a level of a random axis at a time, as far as that goes. */
void bd_search_repair(const struct bd_search *search, struct bd_rng *rng, struct bd_search_point *p);

/* The generator of the next proposal; the first point of the grid that is allowed, if one is found. */
void bd_search_rng(const struct bd_search *search, struct bd_rng *rng);
bool bd_search_first_allowed(const struct bd_search *search, struct bd_search_point *p);

/* The point of the highest expected improvement that was found; *found is false where there is none. */
bd_status bd_search_ask_model(struct bd_search *search, struct bd_search_point *p, bool *found, struct bd_error *err)
    BD_WARN_UNUSED;

#endif
