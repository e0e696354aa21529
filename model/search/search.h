/* Ask/tell search over an integer grid under an exact cost constraint: the Gaussian process models the value alone,
 * the cost is computed, never modelled, and masks what may be proposed.
 *
 * Every proposal is a function of (space, config, what was told so far, in order), so that a search that replays
 * its journal goes on in the same bits. No point is proposed twice. */
#ifndef BD_SEARCH_SEARCH_H
#define BD_SEARCH_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/core/error.h"
#include "model/search/gp.h"

enum bd_search_method {
    BD_SEARCH_BAYES,   /* Sobol starts, then log expected improvement */
    BD_SEARCH_RANDOM,  /* uniform over the grid */
    BD_SEARCH_UNIFORM, /* one ratio for every dimension, by bisection of 0..1 */
    BD_SEARCH_SOBOL,   /* the Sobol sequence throughout */
};
#define BD_SEARCH_METHODS "bayes|random|uniform|sobol"

struct bd_search_axis { /* the values that one dimension may take, ascending */
    size_t count;       /* 1 or more */
    const int *values;  /* the caller's; outlives the search */
};

/* Exact cost of a point (one value a dimension). Must not depend on anything else. */
typedef double (*bd_search_cost)(void *context, const int *point);

struct bd_search_config {
    enum bd_search_method method;
    uint64_t seed;
    int initial;         /* Sobol points before the model is asked; at least 2 for BAYES */
    double budget;       /* cost(point) <= budget */
    double floor;        /* and >= floor: what is far below the budget is seldom the best */
    bd_search_cost cost; /* NULL: no constraint */
    void *context;
};

struct bd_observation {
    int *point;   /* (d) values */
    double value; /* larger is better; finite */
    double cost;
};

struct bd_search {
    struct bd_search_config config;
    size_t d;
    struct bd_search_axis axes[BD_GP_MAX_DIMENSIONS];
    size_t count, room; /* told so far */
    struct bd_observation *observations;
    bool has_theta; /* hyperparameters of the last fit: the next one starts there */
    double theta[BD_GP_MAX_DIMENSIONS + 2];
    double proposal_mean, proposal_sd; /* the model's forecast for the last point that it proposed; NAN otherwise */
};

/* The axes are copied, their values are not. BD_BAD_INPUT when a bound is not finite, the floor is above the budget,
 * not even the smallest point is within the budget or not even the largest reaches the floor. */
bd_status bd_search_init(struct bd_search *search, size_t d, const struct bd_search_axis *axes,
                         const struct bd_search_config *config, struct bd_error *err) BD_WARN_UNUSED;
void bd_search_release(struct bd_search *search);

/* The next point (d values): inside the budget, never told before. BD_FAIL when none is left; BD_BAD_INPUT when there
 * never was one. */
bd_status bd_search_ask(struct bd_search *search, int *point, struct bd_error *err) BD_WARN_UNUSED;
/* `point` on the axes, `value` finite; else BD_BAD_INPUT, and nothing was told. */
bd_status bd_search_tell(struct bd_search *search, const int *point, double value, struct bd_error *err) BD_WARN_UNUSED;
/* Index of the best observation (the first among equals), or -1. */
long bd_search_best(const struct bd_search *search);

/* The last observation and the model's state as a JSON object (malloc'd), and its replay in a search that was set
 * up alike: init, then one replay a record, equals the search that wrote them. */
char *bd_search_record(const struct bd_search *search);
bd_status bd_search_replay(struct bd_search *search, const char *record, struct bd_error *err) BD_WARN_UNUSED;

#endif
