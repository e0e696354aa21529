/* Ask/tell search over axes of listed values or real numbers, under exact constraints: a Gaussian process models each
 * objective, while cost and permission are computed, never modelled, and mask what may be proposed.
 *
 * Every proposal is a function of (space, config, what was asked and told so far, in order), so that a search that
 * replays its journal goes on in the same bits. No point is proposed twice. A point that was asked for is pending until
 * it is told or forgotten: later proposals believe it at the model's mean (kriging believer: Ginsbourger, Le Riche,
 * Carraro, 2010), so that workers side by side are sent to different places. */
#ifndef BD_SEARCH_SEARCH_H
#define BD_SEARCH_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/core/error.h"
#include "model/search/gp.h"
#include "model/search/power.h"

enum { BD_SEARCH_OBJECTIVES = 2 }; /* at most */

enum bd_search_method {
    BD_SEARCH_BAYES,   /* Sobol starts, then log expected improvement, of hypervolume where there are two objectives */
    BD_SEARCH_RANDOM,  /* uniform over the grid */
    BD_SEARCH_UNIFORM, /* one ratio for every dimension, by bisection of 0..1 */
    BD_SEARCH_SOBOL,   /* the Sobol sequence throughout */
};
#define BD_SEARCH_METHODS "bayes|random|uniform|sobol"

/* What one dimension may be: one of `count` values, ascending; or with count 0 any number low .. high. */
struct bd_search_axis {
    size_t count;
    const double *values; /* the caller's; outlives the search */
    double low, high;     /* of a real axis; low < high */
    bool log;             /* equal ratios are equally far, not equal differences: all above 0 */
};

/* Of a point (one value a dimension). Must not depend on anything else. */
typedef double (*bd_search_cost)(void *context, const double *point);
typedef bool (*bd_search_permission)(void *context, const double *point);

struct bd_search_config {
    enum bd_search_method method;
    uint64_t seed;
    int initial;                  /* Sobol points before the model is asked; at least 2 for BAYES */
    bd_search_cost cost;          /* NULL: no constraint by cost. Grows with each dimension: a point over the budget */
    double budget;                /* cost(point) <= budget                                       is lowered into it */
    double floor;                 /* and >= floor: what is far below the budget is seldom the best */
    bd_search_permission allowed; /* NULL: all */
    int objectives;               /* 1 or 2; 0: 1 */
    bd_search_cost known;         /* the second objective, where it is known without measuring; NULL: measured */
    const double *reference;      /* (objectives) with two: what is not above it in both is worth nothing. NULL: each
                                     objective's worst value on the front less a tenth of its range there */
    void *context;                /* of the functions */
};

struct bd_observation {
    double *point;                      /* (d) values */
    double value[BD_SEARCH_OBJECTIVES]; /* larger is better; finite */
    double cost;
};

struct bd_search {
    struct bd_search_config config;
    double reference[BD_SEARCH_OBJECTIVES];
    size_t d;
    struct bd_search_axis axes[BD_GP_MAX_DIMENSIONS];
    double *places[BD_GP_MAX_DIMENSIONS]; /* (count) of an axis's values in 0..1 */
    size_t count, room;                   /* told so far */
    struct bd_observation *observations;
    size_t asked;            /* proposals so far, and observations that were not asked for */
    size_t pending;          /* asked for and not told */
    double **pending_points; /* (d) each */
    bool has_theta;          /* hyperparameters of the last fit: the next one starts there */
    double theta[BD_SEARCH_OBJECTIVES][BD_GP_MAX_DIMENSIONS + 2];
    struct bd_power power;                 /* by which the values of one objective were bent for it */
    struct bd_gp gp[BD_SEARCH_OBJECTIVES]; /* of the last proposal: what of it holds is not computed again */
    struct bd_gp local;                    /* the same of the model near the best point */
    /* The model's forecast for the last point that it proposed; NAN otherwise. */
    double proposal_mean[BD_SEARCH_OBJECTIVES], proposal_sd[BD_SEARCH_OBJECTIVES];
};

/* The axes are copied, their values are not. BD_BAD_INPUT when a bound is not finite, the floor is above the budget,
 * not even the smallest point is within the budget or not even the largest reaches the floor. */
bd_status bd_search_init(struct bd_search *search, size_t d, const struct bd_search_axis *axes,
                         const struct bd_search_config *config, struct bd_error *err) BD_WARN_UNUSED;
void bd_search_release(struct bd_search *search);

/* The next point (d values): allowed, never asked for or told before; pending from now on. BD_FAIL when none is left;
 * BD_BAD_INPUT when there never was one. */
bd_status bd_search_ask(struct bd_search *search, double *point, struct bd_error *err) BD_WARN_UNUSED;
/* `point` on the axes, `values` (objectives) finite; else BD_BAD_INPUT, and nothing was told. A point that was not
 * asked for may be told too. */
bd_status bd_search_tell(struct bd_search *search, const double *point, const double *values, struct bd_error *err)
    BD_WARN_UNUSED;
/* A pending point will not be told: it may be proposed again. BD_BAD_INPUT where it is not pending. */
bd_status bd_search_forget(struct bd_search *search, const double *point, struct bd_error *err) BD_WARN_UNUSED;
/* BD_BAD_INPUT unless a point is on the axes, within the budget and allowed. */
bd_status bd_search_check(const struct bd_search *search, const double *point, struct bd_error *err) BD_WARN_UNUSED;

/* Index of the best observation by the first objective (the first among equals), or -1. */
long bd_search_best(const struct bd_search *search);
/* Indices of the observations that no other beats in both objectives, by ascending first one; returns how many.
 * `front` (count). */
size_t bd_search_front(const struct bd_search *search, size_t *front);
/* The reference point (2) that proposals are measured by now: the config's, or the one chosen from the front. */
void bd_search_reference(const struct bd_search *search, double *reference);

/* The last observation and the model's state as a JSON object (malloc'd), and its replay in a search that was set
 * up alike: init, then one replay a record, equals the search that wrote them. */
char *bd_search_record(const struct bd_search *search);
bd_status bd_search_replay(struct bd_search *search, const char *record, struct bd_error *err) BD_WARN_UNUSED;
/* The same for a proposal: the last one, and its replay, after which the point is pending. */
char *bd_search_record_ask(const struct bd_search *search);
bd_status bd_search_replay_ask(struct bd_search *search, const char *record, struct bd_error *err) BD_WARN_UNUSED;

#endif
