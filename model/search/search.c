#include "model/search/search.h"

#include <gsl/gsl_qrng.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/search/search_parts.h"

#define MAX_D BD_GP_MAX_DIMENSIONS
#define TRIES 4096      /* draws before the grid is walked in order, */
#define WALK (1L << 22) /* so many points of it at most */

/* ---- starts ---- */

/* Whether anything can be proposed, as far as the ends of the grid tell. */
static bd_status check_bounds(const struct bd_search *search, struct bd_error *err)
{
    const struct bd_search_config *config = &search->config;
    struct bd_search_point lowest = {{0}}, highest = {{0}};
    if (!config->cost) {
        return BD_OK;
    }
    if (!isfinite(config->budget) || !isfinite(config->floor) || config->floor > config->budget) {
        return bd_fail(err, BD_BAD_INPUT, "the floor of %.17g is not below the budget of %.17g", config->floor,
                       config->budget);
    }
    for (size_t i = 0; i < search->d; i++) {
        highest.level[i] = (int)search->axes[i].count - 1;
    }
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

bd_status bd_search_init(struct bd_search *search, size_t d, const struct bd_search_axis *axes,
                         const struct bd_search_config *config, struct bd_error *err)
{
    memset(search, 0, sizeof(*search));
    if (d < 1 || d > MAX_D) {
        return bd_fail(err, BD_BAD_INPUT, "a search wants 1..%d dimensions, got %zu", MAX_D, d);
    }
    search->config = *config;
    search->d = d;
    memcpy(search->axes, axes, d * sizeof(*axes));
    search->proposal_mean = search->proposal_sd = NAN;
    for (size_t i = 0; i < d; i++) {
        for (size_t k = 0; k < axes[i].count; k++) {
            if (k && axes[i].values[k] <= axes[i].values[k - 1]) {
                return bd_fail(err, BD_BAD_INPUT, "the values of dimension %zu do not ascend", i);
            }
        }
        if (axes[i].count < 1) {
            return bd_fail(err, BD_BAD_INPUT, "dimension %zu has no value", i);
        }
    }
    return check_bounds(search, err);
}

void bd_search_release(struct bd_search *search)
{
    for (size_t i = 0; i < search->count; i++) {
        free(search->observations[i].point);
    }
    free(search->observations);
    memset(search, 0, sizeof(*search));
}

/* The generator of one proposal: by seed and count alone. */
void bd_search_rng(const struct bd_search *search, struct bd_rng *rng)
{
    bd_rng_seed(rng, search->config.seed * 0x9e3779b97f4a7c15u + search->count);
}

/* Every point in order, as far as can be walked: the last resort, and how the end of a small grid is known. */
bool bd_search_first_allowed(const struct bd_search *search, struct bd_search_point *p)
{
    memset(p, 0, sizeof(*p));
    for (long walked = 0; walked < WALK; walked++) {
        if (bd_search_allowed(search, p)) {
            return true;
        }
        size_t i = 0;
        while (i < search->d && (size_t)++p->level[i] == search->axes[i].count) {
            p->level[i++] = 0;
        }
        if (i == search->d) {
            return false;
        }
    }
    return false;
}

static bool ask_random(const struct bd_search *search, struct bd_search_point *p)
{
    struct bd_rng rng;
    bd_search_rng(search, &rng);
    for (int attempt = 0; attempt < TRIES; attempt++) {
        for (size_t i = 0; i < search->d; i++) {
            p->level[i] = (int)bd_rng_below(&rng, (uint32_t)search->axes[i].count);
        }
        if (attempt >= TRIES / 2) { /* the mask refuses nearly all: come in from above */
            bd_search_repair(search, &rng, p);
        }
        if (bd_search_allowed(search, p)) {
            return true;
        }
    }
    return bd_search_first_allowed(search, p);
}

/* The sequence shifted by the seed (Cranley and Patterson, 1976); points over the budget are lowered into it. */
static bool ask_sobol(const struct bd_search *search, struct bd_search_point *p)
{
    struct bd_rng rng;
    double shift[MAX_D], u[MAX_D];
    bd_rng_seed(&rng, search->config.seed);
    for (size_t i = 0; i < search->d; i++) {
        shift[i] = bd_rng_uniform(&rng);
    }
    gsl_qrng *sequence = gsl_qrng_alloc(gsl_qrng_sobol, (unsigned)search->d);
    bool found = false;
    bd_search_rng(search, &rng);
    for (size_t k = 0; k < TRIES && !found; k++) {
        gsl_qrng_get(sequence, u);
        if (k < search->count) {
            continue;
        }
        for (size_t i = 0; i < search->d; i++) {
            u[i] = fmod(u[i] + shift[i], 1.0);
        }
        bd_search_snap(search, u, p);
        bd_search_repair(search, &rng, p);
        found = bd_search_allowed(search, p);
    }
    gsl_qrng_free(sequence);
    return found || bd_search_first_allowed(search, p);
}

/* Ratios 0, 1, 1/2, 1/4, 3/4, ...: one for every dimension. */
static bool ask_uniform(const struct bd_search *search, struct bd_search_point *p)
{
    for (uint32_t k = 0; k < TRIES; k++) {
        double ratio = k == 1 ? 1.0 : 0.0, place = 0.5;
        for (uint32_t bits = k > 1 ? k - 1 : 0; bits; bits >>= 1, place /= 2.0) {
            ratio += bits & 1 ? place : 0.0;
        }
        double u[MAX_D];
        for (size_t i = 0; i < search->d; i++) {
            u[i] = ratio;
        }
        bd_search_snap(search, u, p);
        if (bd_search_allowed(search, p)) {
            return true;
        }
    }
    return false;
}

bd_status bd_search_ask(struct bd_search *search, int *point, struct bd_error *err)
{
    struct bd_search_point p = {{0}};
    bool found = false;
    search->proposal_mean = search->proposal_sd = NAN;
    switch (search->config.method) {
    case BD_SEARCH_RANDOM:
        found = ask_random(search, &p);
        break;
    case BD_SEARCH_UNIFORM:
        found = ask_uniform(search, &p);
        break;
    case BD_SEARCH_SOBOL:
        found = ask_sobol(search, &p);
        break;
    case BD_SEARCH_BAYES:
        if (search->count < (size_t)search->config.initial || search->count < 2) {
            found = ask_sobol(search, &p);
        } else {
            bd_status status = bd_search_ask_model(search, &p, &found, err);
            if (status != BD_OK) {
                return status;
            }
        }
        break;
    }
    if (!found) {
        return search->count ? bd_fail(err, BD_FAIL, "no point is left to propose after %zu evaluations", search->count)
                             : bd_fail(err, BD_BAD_INPUT, "no point was found that costs %.17g to %.17g",
                                       search->config.floor, search->config.budget);
    }
    bd_search_values(search, &p, point);
    return BD_OK;
}

static bool on_axis(const struct bd_search_axis *axis, long long value)
{
    for (size_t k = 0; k < axis->count; k++) {
        if (axis->values[k] == value) {
            return true;
        }
    }
    return false;
}

bd_status bd_search_tell(struct bd_search *search, const int *point, double value, struct bd_error *err)
{
    if (!isfinite(value)) {
        return bd_fail(err, BD_BAD_INPUT, "the value of evaluation %zu is not a finite number", search->count);
    }
    for (size_t i = 0; i < search->d; i++) {
        if (!on_axis(&search->axes[i], point[i])) {
            return bd_fail(err, BD_BAD_INPUT,
                           "evaluation %zu is at %d in dimension %zu, which does not have that value", search->count,
                           point[i], i);
        }
    }
    if (search->count == search->room) {
        search->room = search->room ? 2 * search->room : 64;
        search->observations = bd_xrealloc(search->observations, search->room, sizeof(*search->observations));
    }
    struct bd_observation *o = &search->observations[search->count++];
    o->point = bd_xcalloc(search->d, sizeof(int));
    memcpy(o->point, point, search->d * sizeof(int));
    o->value = value;
    o->cost = search->config.cost ? search->config.cost(search->config.context, point) : 0.0;
    return BD_OK;
}

long bd_search_best(const struct bd_search *search)
{
    long best = -1;
    for (size_t i = 0; i < search->count; i++) {
        if (best < 0 || search->observations[i].value > search->observations[best].value) {
            best = (long)i;
        }
    }
    return best;
}

/* ---- records ---- */

char *bd_search_record(const struct bd_search *search)
{
    const struct bd_observation *o = &search->observations[search->count - 1];
    json_t *record = json_object(), *point = json_array();
    json_object_set_new(record, "index", json_integer((json_int_t)search->count - 1));
    for (size_t i = 0; i < search->d; i++) {
        json_array_append_new(point, json_integer(o->point[i]));
    }
    json_object_set_new(record, "point", point);
    json_object_set_new(record, "value", json_real(o->value));
    json_object_set_new(record, "cost", json_real(o->cost));
    if (search->has_theta) {
        json_t *theta = json_array();
        for (size_t i = 0; i < search->d + 2; i++) {
            json_array_append_new(theta, json_real(search->theta[i]));
        }
        json_object_set_new(record, "theta", theta);
    }
    /* 17 digits: every double comes back as it was */
    char *text = json_dumps(record, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(17));
    json_decref(record);
    return text;
}

static bd_status read_record(struct bd_search *search, const json_t *record, int *point, struct bd_error *err)
{
    json_t *values = json_object_get(record, "point"), *theta = json_object_get(record, "theta");
    json_t *index = json_object_get(record, "index");
    if (!json_is_number(json_object_get(record, "value")) || json_array_size(values) != search->d ||
        !json_is_integer(index) || json_integer_value(index) != (json_int_t)search->count ||
        (theta && json_array_size(theta) != search->d + 2)) {
        return bd_fail(err, BD_BAD_INPUT, "record %zu is not of this search", search->count);
    }
    for (size_t i = 0; i < search->d; i++) {
        const json_t *value = json_array_get(values, i);
        if (!json_is_integer(value) || !on_axis(&search->axes[i], json_integer_value(value))) {
            return bd_fail(err, BD_BAD_INPUT, "record %zu has a point that is not on the grid", search->count);
        }
        point[i] = (int)json_integer_value(value);
    }
    for (size_t i = 0; theta && i < search->d + 2; i++) {
        if (!json_is_number(json_array_get(theta, i))) {
            return bd_fail(err, BD_BAD_INPUT, "record %zu has a state that is no list of numbers", search->count);
        }
        search->theta[i] = json_number_value(json_array_get(theta, i));
        search->has_theta = true;
    }
    return BD_OK;
}

bd_status bd_search_replay(struct bd_search *search, const char *text, struct bd_error *err)
{
    int point[MAX_D];
    json_t *record = json_loads(text, 0, NULL);
    bd_status status = read_record(search, record, point, err);
    if (status == BD_OK) {
        status = bd_search_tell(search, point, json_number_value(json_object_get(record, "value")), err);
    }
    json_decref(record);
    return status;
}
