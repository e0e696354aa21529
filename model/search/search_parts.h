/* What the files of the search share: search_grid.c has its points, search_start.c proposes without a model,
 * search_model.c fits the model, search_local.c one near the best point, search_climb.c finds the point to propose,
 * search_record.c keeps records, search.c asks and tells. */
#ifndef BD_SEARCH_SEARCH_PARTS_H
#define BD_SEARCH_SEARCH_PARTS_H

#include "model/core/rng.h"
#include "model/search/improvement.h"
#include "model/search/search.h"

/* A point inside the search: its place in the unit cube, and of listed axes the index of the value. */
struct bd_search_point {
    double u[BD_GP_MAX_DIMENSIONS];
    int level[BD_GP_MAX_DIMENSIONS];
};

/* Notes a point (d) as pending. */
void bd_search_await(struct bd_search *search, const double *point);

/* ---- points: search_grid.c ---- */

/* A value's place on its axis, 0..1. */
double bd_search_place(const struct bd_search_axis *axis, double value);
bool bd_search_on_axis(const struct bd_search_axis *axis, double value);
void bd_search_set_level(const struct bd_search *search, struct bd_search_point *p, size_t axis, int level);
/* The level of a listed axis that is nearest to a place, the lower of two. */
int bd_search_nearest(const struct bd_search *search, size_t axis, double u);
bool bd_search_same(size_t d, const double *a, const double *b);
/* Values of a point (d); the point of values on the axes; the point nearest to a place (d) of the unit cube. */
void bd_search_values(const struct bd_search *search, const struct bd_search_point *p, double *point);
void bd_search_find(const struct bd_search *search, const double *point, struct bd_search_point *p);
void bd_search_snap(const struct bd_search *search, const double *u, struct bd_search_point *p);
double bd_search_cost_of(const struct bd_search *search, const struct bd_search_point *p);
/* Allowed, and neither told nor pending. */
bool bd_search_open(const struct bd_search *search, const struct bd_search_point *p);
/* Lowers a point into the budget, a level of a random axis at a time, as far as that goes. */
void bd_search_repair(const struct bd_search *search, struct bd_rng *rng, struct bd_search_point *p);

/* ---- proposals without a model: search_start.c ---- */

/* The generator of the next proposal. */
void bd_search_rng(const struct bd_search *search, struct bd_rng *rng);
/* Each sets *p; false where it finds no open point. The first walks the grid in order, as far as can be walked. */
bool bd_search_first_open(const struct bd_search *search, struct bd_search_point *p);
bool bd_search_ask_random(const struct bd_search *search, struct bd_search_point *p);
bool bd_search_ask_sobol(const struct bd_search *search, struct bd_search_point *p);
bool bd_search_ask_uniform(const struct bd_search *search, struct bd_search_point *p);

/* ---- proposals by the model ---- */

/* A box of the unit cube that one model sees as the whole of it. */
struct bd_search_box {
    double low[BD_GP_MAX_DIMENSIONS], width[BD_GP_MAX_DIMENSIONS];
};

/* What is maximised: the log of the expected improvement by the models. */
struct bd_acquisition {
    const struct bd_search *search;
    struct bd_gp *gp[BD_SEARCH_OBJECTIVES]; /* the second NULL: one objective, or it is known */
    struct bd_search_box box;               /* where they hold, and to which proposals keep */
    size_t incumbent;                       /* the observation of the highest mean, */
    double best;                            /* and that mean */
    size_t front_count;                     /* two objectives: the front of means, */
    double *front;                          /* (front_count, 2), */
    double reference[BD_SEARCH_OBJECTIVES]; /* and the point that it is measured by */
};

/* Scores of points (count). */
void bd_acquisition_score(const struct bd_acquisition *a, size_t count, const struct bd_search_point *points,
                          double *score);
/* Score of a place in the unit cube and its gradient (d). Every objective has a model. */
double bd_acquisition_climb(const struct bd_acquisition *a, const double *u, double *gradient);
/* The open point of the highest score that was found; false where there is none. */
bool bd_acquisition_maximise(const struct bd_acquisition *a, struct bd_rng *rng, struct bd_search_point *p);

/* Places of what was told and is pending (count + pending, d); malloc'd. */
double *bd_search_places(const struct bd_search *search);
/* Turns an acquisition over the whole space, one objective, to a box around the best observation: search_local.c. */
bd_status bd_search_look_near(struct bd_search *search, struct bd_acquisition *a, struct bd_rng *rng,
                              struct bd_error *err) BD_WARN_UNUSED;
/* The point of the highest expected improvement that was found; *found is false where there is none. */
bd_status bd_search_ask_model(struct bd_search *search, struct bd_search_point *p, bool *found, struct bd_error *err)
    BD_WARN_UNUSED;

#endif
