/* Search: ask and tell. */
#include <math.h>
#include <stdlib.h>

#include "model/core/choice.h"
#include "model/core/memory.h"
#include "model/search/search.h"
#include "sw/lib/api.h"

struct bitdial_search {
    struct bd_search search;
    int *values; /* of all axes, one after the other */
};

static bitdial_status check_axes(size_t count, const struct bitdial_search_axis *axes, size_t *total,
                                 struct bitdial_error *err)
{
    if (count < 1 || count > BD_GP_MAX_DIMENSIONS) {
        return bd_api_fail(err, BITDIAL_BAD_INPUT, "a search has 1 to %d axes, not %zu", BD_GP_MAX_DIMENSIONS, count);
    }
    *total = 0;
    for (size_t a = 0; a < count; a++) {
        for (size_t i = 1; i < axes[a].count; i++) {
            if (axes[a].values[i] <= axes[a].values[i - 1]) {
                return bd_api_fail(err, BITDIAL_BAD_INPUT, "the values of axis %zu do not rise at place %zu", a, i);
            }
        }
        if (!axes[a].count) {
            return bd_api_fail(err, BITDIAL_BAD_INPUT, "axis %zu has no value", a);
        }
        *total += axes[a].count;
    }
    return BITDIAL_OK;
}

bitdial_status bitdial_search_create(size_t axis_count, const struct bitdial_search_axis *axes,
                                     const struct bitdial_search_options *options, struct bitdial_search **search,
                                     struct bitdial_error *err)
{
    size_t total = 0;
    const int method = bd_choice(BD_SEARCH_METHODS, options->method ? options->method : "bayes");
    if (method < 0) {
        return bd_api_fail(err, BITDIAL_BAD_INPUT, "no method is called '%s': it is one of " BD_SEARCH_METHODS,
                           options->method);
    }
    if (check_axes(axis_count, axes, &total, err)) {
        return err->status;
    }
    const int least = method == BD_SEARCH_BAYES ? 2 : 0;
    if (options->initial < least || (options->cost && (!isfinite(options->budget) || !isfinite(options->floor) ||
                                                       options->floor > options->budget))) {
        return bd_api_fail(err, BITDIAL_BAD_INPUT,
                           "'initial' must be %d or more, budget and floor finite, and the floor not above the budget",
                           least);
    }
    struct bitdial_search *made = bd_xcalloc(1, sizeof *made);
    struct bd_search_axis inner[BD_GP_MAX_DIMENSIONS];
    made->values = bd_xcalloc(total, sizeof *made->values);
    int *at = made->values;
    for (size_t a = 0; a < axis_count; a++) {
        memcpy(at, axes[a].values, axes[a].count * sizeof *at);
        inner[a] = (struct bd_search_axis){.count = axes[a].count, .values = at};
        at += axes[a].count;
    }
    struct bd_error here;
    const struct bd_search_config config = {.method = (enum bd_search_method)method,
                                            .seed = options->seed,
                                            .initial = options->initial,
                                            .budget = options->budget,
                                            .floor = options->floor,
                                            .cost = options->cost,
                                            .context = options->context};
    bd_status status = bd_search_init(&made->search, axis_count, inner, &config, &here);
    if (status) {
        free(made->values);
        free(made);
        return bd_api_give(status, &here, err);
    }
    *search = made;
    return BITDIAL_OK;
}

void bitdial_search_free(struct bitdial_search *search)
{
    if (search) {
        bd_search_release(&search->search);
        free(search->values);
        free(search);
    }
}

bitdial_status bitdial_search_ask(struct bitdial_search *search, int *point, struct bitdial_error *err)
{
    struct bd_error here;
    return bd_api_give(bd_search_ask(&search->search, point, &here), &here, err);
}

bitdial_status bitdial_search_tell(struct bitdial_search *search, const int *point, double value,
                                   struct bitdial_error *err)
{
    struct bd_error here;
    return bd_api_give(bd_search_tell(&search->search, point, value, &here), &here, err);
}

bitdial_status bitdial_search_best(const struct bitdial_search *search, int *point, double *value,
                                   struct bitdial_error *err)
{
    const long best = bd_search_best(&search->search);
    if (best < 0) {
        return bd_api_fail(err, BITDIAL_FAIL, "nothing was told to the search yet");
    }
    memcpy(point, search->search.observations[best].point, search->search.d * sizeof *point);
    *value = search->search.observations[best].value;
    return BITDIAL_OK;
}
