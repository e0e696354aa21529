#include "sw/sweep/seek.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/search/search.h"

enum { AXES = 16 };

struct bd_sweep_seek {
    struct bd_sweep *sweep;
    struct bd_search search;
    size_t d, sizes[AXES]; /* of network, level, switch, base, memory, keys */
    int moves[AXES];       /* axis of the search, or -1: of one value */
    double *values;        /* 0, 1, 2, ... */
    bool *masked;          /* of each design */
    size_t *proposed;      /* designs, in the order of their proposals */
    size_t count, told;
    bool ended;
    double worst[BD_SEARCH_OBJECTIVES];
};

/* The design at a point of the search. */
static size_t design_at(const struct bd_sweep_seek *k, const double *point)
{
    const struct bd_sweep *s = k->sweep;
    size_t at[AXES] = {0};
    for (size_t a = 0; a < k->d; a++) {
        at[a] = k->moves[a] < 0 ? 0 : (size_t)point[k->moves[a]];
    }
    size_t hardware = at[3]; /* base, keys, memory: as they were combined */
    for (size_t a = 5; a < k->d; a++) {
        hardware = hardware * k->sizes[a] + at[a];
    }
    hardware = hardware * k->sizes[4] + at[4];
    return ((at[0] * s->level_count + at[1]) * s->switch_count + at[2]) * s->hardware_count + hardware;
}

static bool allowed(void *context, const double *point)
{
    const struct bd_sweep_seek *k = context;
    return !k->masked[design_at(k, point)];
}

static void mask(struct bd_sweep_seek *k)
{
    const struct bd_sweep *s = k->sweep;
    for (size_t d = 0; d < s->design_count; d++) {
        const struct bd_sweep_design *design = &s->designs[d];
        k->masked[d] = design->state != BD_SWEEP_OPEN;
        for (size_t c = 0; c < s->constraint_count; c++) {
            const double value = design->metric[s->constraints[c].metric]; /* of area, or not known yet */
            k->masked[d] |= !isnan(value) && !bd_sweep_meets(&s->constraints[c], value);
        }
    }
}

bd_status bd_sweep_seek_new(struct bd_sweep *s, struct bd_sweep_seek **seek, struct bd_error *err)
{
    struct bd_search_axis axes[AXES];
    struct bd_sweep_seek *k = bd_xcalloc(1, sizeof *k);
    size_t most = 0, moving = 0;
    *seek = NULL;
    k->sweep = s;
    k->worst[0] = k->worst[1] = HUGE_VAL;
    k->sizes[0] = s->network_count, k->sizes[1] = s->level_count, k->sizes[2] = s->switch_count;
    k->d = 3 + s->axis_count;
    memcpy(k->sizes + 3, s->axis_sizes, s->axis_count * sizeof *s->axis_sizes);
    for (size_t a = 0; a < k->d; a++) {
        most = k->sizes[a] > most ? k->sizes[a] : most;
    }
    k->values = bd_xcalloc(most, sizeof *k->values);
    for (size_t i = 0; i < most; i++) {
        k->values[i] = (double)i;
    }
    for (size_t a = 0; a < k->d; a++) {
        k->moves[a] = k->sizes[a] > 1 ? (int)moving : -1;
        if (k->sizes[a] > 1) {
            axes[moving++] = (struct bd_search_axis){.count = k->sizes[a], .values = k->values};
        }
    }
    k->masked = bd_xcalloc(s->design_count, sizeof *k->masked);
    k->proposed = bd_xcalloc((size_t)s->search.evaluations, sizeof *k->proposed);
    mask(k);
    const struct bd_search_config config = {.method = BD_SEARCH_BAYES,
                                            .seed = (uint64_t)s->search.seed,
                                            .initial = (int)s->search.initial,
                                            .allowed = allowed,
                                            .objectives = (int)s->objective_count,
                                            .context = k};
    if (!moving) {
        for (size_t d = 0; d < s->design_count; d++) {
            s->designs[d].selected = true;
        }
        bd_sweep_seek_free(k);
        return BD_OK;
    }
    if (bd_search_init(&k->search, moving, axes, &config, err)) {
        bd_sweep_seek_free(k);
        return err->status;
    }
    *seek = k;
    return BD_OK;
}

void bd_sweep_seek_free(struct bd_sweep_seek *k)
{
    if (!k) {
        return;
    }
    if (k->search.d) {
        bd_search_release(&k->search);
    }
    free(k->values);
    free(k->masked);
    free(k->proposed);
    free(k);
}

static void point_of(const struct bd_sweep_seek *k, size_t design, double *point)
{
    const struct bd_sweep *s = k->sweep;
    size_t at[AXES], rest = design, hardware;
    hardware = rest % s->hardware_count, rest /= s->hardware_count;
    at[2] = rest % s->switch_count, rest /= s->switch_count;
    at[1] = rest % s->level_count, at[0] = rest / s->level_count;
    at[4] = hardware % k->sizes[4], hardware /= k->sizes[4];
    for (size_t a = k->d; a-- > 5;) {
        at[a] = hardware % k->sizes[a], hardware /= k->sizes[a];
    }
    at[3] = hardware;
    for (size_t a = 0; a < k->d; a++) {
        if (k->moves[a] >= 0) {
            point[k->moves[a]] = (double)at[a];
        }
    }
}

/* Tells a design that was run; one that the hardware refuses, or that failed, is out. */
static bd_status tell(struct bd_sweep_seek *k, size_t index, struct bd_error *err)
{
    const struct bd_sweep *s = k->sweep;
    const struct bd_sweep_design *d = &s->designs[index];
    double point[AXES], values[BD_SEARCH_OBJECTIVES];
    point_of(k, index, point);
    if (d->state != BD_SWEEP_DONE) {
        k->masked[index] = true;
        return bd_search_forget(&k->search, point, err);
    }
    const bool good = bd_sweep_lack(s, d->metric) == 0;
    for (size_t o = 0; o < s->objective_count; o++) {
        const double value = d->metric[s->objectives[o]];
        values[o] = bd_sweep_metrics[s->objectives[o]].larger ? value : -value;
        k->worst[o] = fmin(k->worst[o], values[o]);
        values[o] = good ? values[o] : k->worst[o];
    }
    return bd_search_tell(&k->search, point, values, err);
}

bd_status bd_sweep_seek_go_on(struct bd_sweep_seek *k, struct bd_error *err)
{
    struct bd_sweep *s = k->sweep;
    const size_t parallel = (size_t)s->search.parallel;
    bd_status status = BD_OK;
    while (!status && !k->ended && k->count < (size_t)s->search.evaluations) {
        while (k->told + parallel <= k->count && !status) { /* just so many, whatever else has ended */
            if (s->designs[k->proposed[k->told]].state == BD_SWEEP_OPEN) {
                return BD_OK;
            }
            status = tell(k, k->proposed[k->told++], err);
        }
        if (status) {
            break;
        }
        double point[AXES];
        status = bd_search_ask(&k->search, point, err);
        if (status == BD_FAIL || (status == BD_BAD_INPUT && k->count == 0)) { /* none is left, or there never was one */
            k->ended = true;
            status = BD_OK;
        } else if (!status) {
            k->proposed[k->count] = design_at(k, point);
            s->designs[k->proposed[k->count++]].selected = true;
        }
    }
    return status;
}
