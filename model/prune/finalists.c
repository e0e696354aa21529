/* The last choice of a search: its best points, and one ratio for all groups, tuned longer and measured again. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/prune/pipeline.h"

#define RATIOS 256 /* that are tried for the network of one ratio */

/* ---- who they are ---- */

/* Every group at its largest width that is no more than the ratio of it, or at its smallest. */
static void take_ratio(const struct bd_prune_run *run, double ratio, double *point)
{
    for (size_t i = 0; i < run->axis_count; i++) {
        const struct bd_search_axis *axis = &run->search.axes[i];
        const int full = bd_graph_group_channels(&run->base.graph, run->axis_group[i]);
        point[i] = axis->values[0];
        for (size_t k = 1; k < axis->count && axis->values[k] <= ratio * full; k++) {
            point[i] = axis->values[k];
        }
    }
}

static bool find_uniform(const struct bd_prune_run *run, double *point)
{
    const struct bd_search_config *c = &run->search.config;
    for (int k = RATIOS; k > 0; k--) {
        take_ratio(run, (double)k / RATIOS, point);
        if (c->cost(c->context, point) <= c->budget) { /* it may be below the floor, which is the search's */
            return true;
        }
    }
    return false;
}

static bool same(const struct bd_prune_run *run, const double *a, const double *b)
{
    return memcmp(a, b, run->axis_count * sizeof *a) == 0;
}

size_t bd_prune_finalists(const struct bd_prune_run *run, double (*points)[BD_GP_MAX_DIMENSIONS])
{
    const struct bd_search *search = &run->search;
    bool *taken = bd_xcalloc(search->count + 1, sizeof *taken);
    size_t count = 0;
    while (count < (size_t)run->config.finalists && count < search->count) {
        size_t best = search->count;
        for (size_t i = 0; i < search->count; i++) {
            if (!taken[i] &&
                (best == search->count || search->observations[i].value[0] > search->observations[best].value[0])) {
                best = i;
            }
        }
        taken[best] = true;
        memcpy(points[count++], search->observations[best].point, search->d * sizeof **points);
    }
    free(taken);
    double uniform[BD_GP_MAX_DIMENSIONS] = {0};
    bool new = find_uniform(run, uniform);
    for (size_t i = 0; i < count; i++) {
        new = new && !same(run, points[i], uniform);
    }
    if (new) {
        memcpy(points[count++], uniform, sizeof *points);
    }
    return count;
}

/* ---- what they are worth ---- */

static json_t *describe(const struct bd_prune_run *run, const double *point, const double *accuracy)
{
    json_t *values = json_array(), *by_switch = json_object();
    for (size_t i = 0; i < run->axis_count; i++) {
        json_array_append_new(values, json_real(point[i]));
    }
    for (int s = 0; s < run->base.graph.switch_count; s++) {
        if (!run->objective || run->objective >> s & 1) {
            json_object_set_new(by_switch, run->base.graph.switches[s].name, json_real(accuracy[s]));
        }
    }
    return json_pack("{s:o, s:I, s:o}", "finalist", values, "steps", (json_int_t)run->config.finalist_steps, "accuracy",
                     by_switch);
}

bool bd_prune_is_finalist(const char *record)
{
    json_t *o = json_loads(record, 0, NULL);
    const bool is = json_object_get(o, "finalist") != NULL;
    json_decref(o);
    return is;
}

/* Whether a record of the journal is of this point, tuned for as many steps; then its accuracies. */
static bool read_record(const struct bd_prune_run *run, const char *text, const double *point, double *accuracy)
{
    json_t *o = json_loads(text, 0, NULL);
    const json_t *values = json_object_get(o, "finalist"), *by_switch = json_object_get(o, "accuracy");
    bool found = json_array_size(values) == run->axis_count &&
                 json_integer_value(json_object_get(o, "steps")) == run->config.finalist_steps;
    for (size_t i = 0; i < run->axis_count && found; i++) {
        found = json_number_value(json_array_get(values, i)) == point[i];
    }
    for (int s = 0; s < run->base.graph.switch_count && found; s++) {
        accuracy[s] = json_number_value(json_object_get(by_switch, run->base.graph.switches[s].name));
    }
    json_decref(o);
    return found;
}

bd_status bd_prune_final(struct bd_prune_run *run, const double *point, double *worth, struct bd_error *err)
{
    double accuracy[BD_MAX_SWITCHES] = {0};
    int channels[BD_MAX_LAYERS];
    bool known = false;
    for (size_t i = 1; i < run->journal.count && !known; i++) {
        known = read_record(run, run->journal.records[i], point, accuracy);
    }
    if (!known) {
        bd_prune_channels(run, point, channels);
        bd_status status = bd_prune_measure(run, channels, run->config.finalist_steps, accuracy, err);
        if (status != BD_OK) {
            return status;
        }
        json_t *record = describe(run, point, accuracy);
        char *text = json_dumps(record, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(17));
        status = bd_journal_append(&run->journal, text, err);
        free(text);
        json_decref(record);
        if (status != BD_OK) {
            return status;
        }
    }
    *worth = bd_prune_worth(run, accuracy);
    return BD_OK;
}
