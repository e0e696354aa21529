/* Search: ask and tell. */
#include <stdlib.h>

#include "model/core/choice.h"
#include "model/core/memory.h"
#include "model/search/improvement.h"
#include "model/search/search.h"
#include "sw/lib/api.h"

struct bitdial_search {
    struct bd_search search;
    double *values; /* of all axes, one after the other */
};

static bitdial_status check_axes(size_t count, const struct bitdial_search_axis *axes, size_t *total,
                                 struct bitdial_error *err)
{
    if (count < 1 || count > BD_GP_MAX_DIMENSIONS) {
        return bd_api_fail(err, BITDIAL_BAD_INPUT, "a search has 1 to %d axes, not %zu", BD_GP_MAX_DIMENSIONS, count);
    }
    *total = 0;
    for (size_t a = 0; a < count; a++) {
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
    struct bitdial_search *made = bd_xcalloc(1, sizeof *made);
    struct bd_search_axis inner[BD_GP_MAX_DIMENSIONS];
    made->values = bd_xcalloc(total + 1, sizeof *made->values);
    double *at = made->values;
    for (size_t a = 0; a < axis_count; a++) {
        if (axes[a].count) {
            memcpy(at, axes[a].values, axes[a].count * sizeof *at);
        }
        inner[a] = (struct bd_search_axis){
            .count = axes[a].count, .values = at, .low = axes[a].low, .high = axes[a].high, .log = axes[a].log};
        at += axes[a].count;
    }
    struct bd_error here;
    const struct bd_search_config config = {.method = (enum bd_search_method)method,
                                            .seed = options->seed,
                                            .initial = options->initial,
                                            .budget = options->budget,
                                            .floor = options->floor,
                                            .cost = options->cost,
                                            .allowed = options->allowed,
                                            .objectives = options->objectives,
                                            .known = options->known,
                                            .reference = options->reference,
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

bitdial_status bitdial_search_ask(struct bitdial_search *search, double *point, struct bitdial_error *err)
{
    struct bd_error here;
    return bd_api_give(bd_search_ask(&search->search, point, &here), &here, err);
}

bitdial_status bitdial_search_tell(struct bitdial_search *search, const double *point, const double *values,
                                   struct bitdial_error *err)
{
    struct bd_error here;
    return bd_api_give(bd_search_tell(&search->search, point, values, &here), &here, err);
}

bitdial_status bitdial_search_forget(struct bitdial_search *search, const double *point, struct bitdial_error *err)
{
    struct bd_error here;
    return bd_api_give(bd_search_forget(&search->search, point, &here), &here, err);
}

bitdial_status bitdial_search_check(const struct bitdial_search *search, const double *point, struct bitdial_error *err)
{
    struct bd_error here;
    return bd_api_give(bd_search_check(&search->search, point, &here), &here, err);
}

bitdial_status bitdial_search_best(const struct bitdial_search *search, double *point, double *values,
                                   struct bitdial_error *err)
{
    const struct bd_search *s = &search->search;
    const long best = bd_search_best(s);
    if (best < 0) {
        return bd_api_fail(err, BITDIAL_FAIL, "nothing was told to the search yet");
    }
    memcpy(point, s->observations[best].point, s->d * sizeof *point);
    memcpy(values, s->observations[best].value, (size_t)s->config.objectives * sizeof *values);
    return BITDIAL_OK;
}

size_t bitdial_search_front(const struct bitdial_search *search, size_t room, double *points, double *values)
{
    const struct bd_search *s = &search->search;
    if (s->config.objectives != 2) {
        return 0;
    }
    size_t *front = bd_xcalloc(s->count + 1, sizeof *front);
    const size_t size = bd_search_front(s, front);
    for (size_t i = 0; i < size && i < room; i++) {
        memcpy(points + i * s->d, s->observations[front[i]].point, s->d * sizeof *points);
        memcpy(values + 2 * i, s->observations[front[i]].value, 2 * sizeof *values);
    }
    free(front);
    return size;
}

double bitdial_search_hypervolume(const struct bitdial_search *search, const double *reference)
{
    const size_t size = bitdial_search_front(search, 0, NULL, NULL), d = search->search.d;
    double *points = bd_xcalloc(size * d + 1, sizeof *points), *values = bd_xcalloc(2 * size + 1, sizeof *values);
    bitdial_search_front(search, size, points, values);
    const double volume = bd_hypervolume(size, values, reference);
    free(points);
    free(values);
    return volume;
}
