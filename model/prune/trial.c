#include "model/prune/trial.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/clock.h"
#include "model/core/file.h"
#include "model/core/memory.h"
#include "model/prune/trial_parts.h"
#include "model/train/loop/train.h"
#include "model/train/network/accuracy.h"

/* ---- opening ---- */

static bd_status load_network(struct bd_trial *trial, struct bd_error *err)
{
    const struct bd_trial_config *c = &trial->config;
    const struct bd_graph *graph = &trial->base.graph;
    if (bd_checkpoint_load(&trial->base, c->checkpoint, err) || bd_hardware_load(&trial->hardware, c->hardware, err)) {
        return err->status;
    }
    trial->budget_switch = c->budget_switch ? bd_graph_switch(graph, c->budget_switch) : graph->switch_count - 1;
    if (trial->budget_switch < 0) {
        return bd_fail(err, BD_BAD_INPUT, "network '%s' has no switch '%s'", graph->name, c->budget_switch);
    }
    if (!c->switches) {
        trial->switches = 1U << trial->budget_switch;
        return BD_OK;
    }
    return bd_train_switch_mask(graph, strcmp(c->switches, "all") ? c->switches : NULL, &trial->switches, err);
}

static bd_status load_data(struct bd_trial *trial, struct bd_error *err)
{
    const struct bd_image_shape shape = bd_graph_shape(&trial->base.graph);
    bd_status status = bd_data_resolve(&trial->config.data, &shape, &trial->images_told, err);
    if (status == BD_OK) {
        status = bd_dataset_open(&trial->train, &trial->config.data, BD_SPLIT_TRAIN, err);
    }
    if (status == BD_OK) {
        status = bd_dataset_open(&trial->validation, &trial->config.data, BD_SPLIT_VALIDATION, err);
    }
    return status == BD_OK ? bd_check_dataset(&trial->base.graph, &trial->validation, err) : status;
}

static bd_status rank(struct bd_trial *trial, enum bd_ranking ranking, int number, struct bd_error *err)
{
    struct bd_trial_column *column = &trial->columns[trial->column_count++];
    const struct bd_ranking_source source = {.checkpoint = &trial->base,
                                             .images = &trial->train,
                                             .switches = trial->switches,
                                             .seed = (uint64_t)trial->config.seed + (uint64_t)number};
    const double start = bd_seconds(CLOCK_MONOTONIC);
    *column =
        (struct bd_trial_column){.ranking = ranking, .number = number, .orders = bd_orders_new(&trial->base.graph)};
    bd_status status = bd_prune_orders(&source, ranking, column->orders, err);
    column->seconds = bd_seconds(CLOCK_MONOTONIC) - start;
    return status;
}

static bd_status make_columns(struct bd_trial *trial, struct bd_error *err)
{
    bd_status status = BD_OK;
    trial->columns = bd_xcalloc((size_t)(BD_RANKING_COUNT + trial->config.orders), sizeof(*trial->columns));
    for (int k = 0; k < BD_RANKING_COUNT && status == BD_OK; k++) {
        if (k != BD_RANK_RANDOM && trial->config.rankings >> k & 1) {
            status = rank(trial, (enum bd_ranking)k, 0, err);
        }
    }
    for (int k = 0; k < trial->config.orders && status == BD_OK; k++) {
        status = rank(trial, BD_RANK_RANDOM, k, err);
    }
    const size_t cells = (size_t)trial->point_count * (size_t)trial->column_count;
    trial->accuracy = bd_xcalloc(cells, sizeof(*trial->accuracy));
    trial->done = bd_xcalloc(cells, sizeof(*trial->done));
    return status;
}

/* All that decides a measurement but the widths and the order. */
static bd_status identify(struct bd_trial *trial, struct bd_error *err)
{
    (void)err;
    const struct bd_trial_config *c = &trial->config;
    const struct bd_memory_model *memory = &trial->hardware.memory;
    struct bd_dataset measured = trial->validation;
    struct bd_train_plan plan;
    bd_train_plan_init(&plan);
    measured.count = c->images < measured.count ? (uint32_t)c->images : measured.count;
    const bool tunes = c->steps || c->epochs;
    char *hardware = bd_asprintf("%s %016" PRIx64 " %" PRId64 ",%" PRId64 ",%" PRId64, trial->hardware.name,
                                 bd_hardware_geometry_hash(&trial->hardware), memory->latency, memory->beat_interval,
                                 memory->outstanding);
    json_t *o =
        json_pack("{s:s, s:s, s:I, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:I, s:b}", "journal",
                  "bitdial rankings 1", "network", trial->base.graph.name, "checkpoint_checksum",
                  (json_int_t)bd_checkpoint_checksum(&trial->base), "hardware", hardware, "budget_switch",
                  trial->base.graph.switches[trial->budget_switch].name, "switches", (json_int_t)trial->switches,
                  "training_images_crc", (json_int_t)bd_dataset_checksum(&trial->train), "validation_images_crc",
                  (json_int_t)bd_dataset_checksum(&measured), "images", (json_int_t)c->images, "recalibrate",
                  (json_int_t)c->recalibrate, "batch", (json_int_t)c->batch, "steps", (json_int_t)c->steps, "epochs",
                  (json_int_t)c->epochs, "rate", tunes ? c->rate : 0.0, "seed", (json_int_t)c->seed, "bfloat16",
                  tunes && bd_train_uses_bfloat16(&plan));
    free(hardware);
    trial->identity = json_dumps(o, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(17));
    json_decref(o);
    return BD_OK;
}

bd_status bd_trial_open(struct bd_trial *trial, const struct bd_trial_config *config, struct bd_error *err)
{
    memset(trial, 0, sizeof(*trial));
    trial->journal.fd = -1;
    trial->config = *config;
    bd_checkpoint_init(&trial->base);
    bd_status (*const steps[])(struct bd_trial *, struct bd_error *) = {load_network, bd_trial_price, bd_trial_draw,
                                                                        load_data,    make_columns,   identify};
    bd_status status = BD_OK;
    for (size_t i = 0; i < sizeof(steps) / sizeof(*steps) && status == BD_OK; i++) {
        status = steps[i](trial, err);
    }
    if (status != BD_OK) {
        bd_trial_close(trial);
    }
    return status;
}

void bd_trial_close(struct bd_trial *trial)
{
    for (int k = 0; k < trial->column_count; k++) {
        bd_orders_free(&trial->base.graph, trial->columns[k].orders);
    }
    for (int i = 0; i < trial->point_count; i++) {
        free(trial->points[i].channels);
    }
    free(trial->points);
    free(trial->columns);
    free(trial->accuracy);
    free(trial->done);
    free(trial->identity);
    free(trial->refusal);
    free(trial->images_told);
    bd_journal_close(&trial->journal);
    bd_pricer_release(&trial->pricer);
    bd_dataset_release(&trial->train);
    bd_dataset_release(&trial->validation);
    bd_hardware_release(&trial->hardware);
    bd_checkpoint_release(&trial->base);
}

/* ---- measurements ---- */

static size_t cell_of(const struct bd_trial *trial, int point, int column)
{
    return (size_t)point * (size_t)trial->column_count + (size_t)column;
}

/* One line of the journal. */
static char *describe(const struct bd_trial *trial, int point, int column)
{
    const struct bd_graph *graph = &trial->base.graph;
    const struct bd_trial_point *p = &trial->points[point];
    const struct bd_trial_column *c = &trial->columns[column];
    json_t *channels = json_array(), *accuracy = json_object();
    for (int g = 0; g < graph->prune_group_count; g++) {
        json_array_append_new(channels, json_integer(p->channels[g]));
    }
    for (int s = 0; s < graph->switch_count; s++) {
        if (!trial->switches || trial->switches >> s & 1) {
            json_object_set_new(accuracy, graph->switches[s].name,
                                json_real(trial->accuracy[cell_of(trial, point, column)][s]));
        }
    }
    json_t *o = json_pack("{s:f, s:i, s:o, s:f, s:s, s:i, s:o}", "budget", trial->config.budgets[p->budget], "point",
                          p->number, "channels", channels, "price", p->price, "ranking", bd_rankings[c->ranking].name,
                          "order", c->number, "accuracy", accuracy);
    char *text = json_dumps(o, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(17));
    json_decref(o);
    return text;
}

static bool same_channels(const struct bd_trial *trial, const struct bd_trial_point *point, const json_t *channels)
{
    bool same = json_array_size(channels) == (size_t)trial->base.graph.prune_group_count;
    for (int g = 0; g < trial->base.graph.prune_group_count && same; g++) {
        same = json_integer_value(json_array_get(channels, (size_t)g)) == point->channels[g];
    }
    return same;
}

/* Takes a record where this trial has its cell; another's is left alone. */
static void take(struct bd_trial *trial, const char *record)
{
    const struct bd_graph *graph = &trial->base.graph;
    json_t *o = json_loads(record, 0, NULL);
    const char *ranking = json_string_value(json_object_get(o, "ranking"));
    const double budget = json_number_value(json_object_get(o, "budget"));
    const json_int_t number = json_integer_value(json_object_get(o, "point"));
    const json_int_t order = json_integer_value(json_object_get(o, "order"));
    for (int p = 0; p < trial->point_count; p++) {
        const struct bd_trial_point *point = &trial->points[p];
        if (trial->config.budgets[point->budget] != budget || point->number != number ||
            !same_channels(trial, point, json_object_get(o, "channels"))) {
            continue;
        }
        for (int k = 0; k < trial->column_count; k++) {
            const struct bd_trial_column *column = &trial->columns[k];
            const size_t cell = cell_of(trial, p, k);
            if (ranking && !strcmp(bd_rankings[column->ranking].name, ranking) && column->number == order &&
                !trial->done[cell]) {
                for (int s = 0; s < graph->switch_count; s++) {
                    trial->accuracy[cell][s] =
                        json_number_value(json_object_get(json_object_get(o, "accuracy"), graph->switches[s].name));
                }
                trial->done[cell] = true;
                trial->done_count++;
            }
        }
    }
    json_decref(o);
}

bd_status bd_trial_journal(struct bd_trial *trial, const char *path, enum bd_journal_mode mode, struct bd_error *err)
{
    bd_status status = bd_make_parent(path, err);
    if (status == BD_OK) {
        status = bd_journal_open(&trial->journal, path, mode, err);
    }
    if (status == BD_OK && trial->journal.count == 0) {
        status = bd_journal_append(&trial->journal, trial->identity, err);
    } else if (status == BD_OK &&
               bd_journal_check_head(trial->journal.records[0], trial->identity, "trial of rankings", err)) {
        status = bd_fail_prefix(err, "journal '%s'", path);
    }
    for (size_t i = 1; i < trial->journal.count && status == BD_OK; i++) {
        take(trial, trial->journal.records[i]);
    }
    trial->resumed = trial->done_count;
    return status;
}

bd_status bd_trial_step(struct bd_trial *trial, int *point, int *column, struct bd_error *err)
{
    const struct bd_trial_config *c = &trial->config;
    const struct bd_cut_recipe recipe = {.train = &trial->train,
                                         .validation = &trial->validation,
                                         .switches = trial->switches,
                                         .images = c->images,
                                         .recalibrate = c->recalibrate,
                                         .batch = c->batch,
                                         .steps = c->steps,
                                         .epochs = c->epochs,
                                         .rate = c->rate,
                                         .teacher = BD_TEACHER_TOP,
                                         .seed = c->seed};
    size_t cell = 0;
    while (cell < (size_t)trial->point_count * (size_t)trial->column_count && trial->done[cell]) {
        cell++;
    }
    if (cell == (size_t)trial->point_count * (size_t)trial->column_count) {
        return bd_fail(err, BD_FAIL, "every ranking is measured at every point");
    }
    *point = (int)(cell / (size_t)trial->column_count);
    *column = (int)(cell % (size_t)trial->column_count);
    bd_status status = bd_cut_accuracy(&trial->base, trial->columns[*column].orders, trial->points[*point].channels,
                                       &recipe, trial->accuracy[cell], err);
    if (status == BD_OK && trial->journal.fd >= 0) {
        char *record = describe(trial, *point, *column);
        status = bd_journal_append(&trial->journal, record, err);
        free(record);
    }
    if (status == BD_OK) {
        trial->done[cell] = true;
        trial->done_count++;
    }
    return status;
}

/* ---- what it says ---- */

double bd_trial_value(const struct bd_trial *trial, int point, int column)
{
    return bd_cut_mean(&trial->base.graph, trial->switches, trial->accuracy[cell_of(trial, point, column)]);
}

/* Mean of a ranking's columns at a point: of RANDOM all its orders. */
static double value_of(const struct bd_trial *trial, int point, enum bd_ranking ranking)
{
    double sum = 0.0;
    int count = 0;
    for (int k = 0; k < trial->column_count; k++) {
        if (trial->columns[k].ranking == ranking) {
            sum += bd_trial_value(trial, point, k);
            count++;
        }
    }
    return count ? sum / count : 0.0;
}

/* Student's 97.5 % quantile. */
static double quantile(int freedom)
{
    static const double table[] = {12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
                                   2.201,  2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086};
    const int rows = (int)(sizeof(table) / sizeof(*table));
    return freedom < 1 ? HUGE_VAL : freedom <= rows ? table[freedom - 1] : 1.96 + 2.5 / freedom;
}

struct bd_trial_summary bd_trial_summarise(const struct bd_trial *trial, enum bd_ranking ranking)
{
    struct bd_trial_summary summary = {.mean = {0}};
    const int n = trial->point_count;
    double squares = 0.0;
    for (int p = 0; p < n; p++) {
        const double value = value_of(trial, p, ranking), gain = value - value_of(trial, p, BD_RANK_RANDOM);
        summary.mean[trial->points[p].budget] += value / trial->config.points;
        summary.total += value / n;
        summary.gain += gain / n;
        summary.above += gain > 0.0;
        squares += gain * gain;
    }
    const double variance = n > 1 ? (squares - n * summary.gain * summary.gain) / (n - 1) : 0.0;
    const double half = n > 1 ? quantile(n - 1) * sqrt(fmax(variance, 0.0) / n) : HUGE_VAL;
    summary.low = summary.gain - half;
    summary.high = summary.gain + half;
    return summary;
}

void bd_trial_scatter(const struct bd_trial *trial, double *at_a_point, double *of_the_mean)
{
    double within = 0.0, between = 0.0;
    int orders = 0;
    const double total = bd_trial_summarise(trial, BD_RANK_RANDOM).total;
    for (int k = 0; k < trial->column_count; k++) {
        if (trial->columns[k].ranking != BD_RANK_RANDOM) {
            continue;
        }
        double mean = 0.0;
        for (int p = 0; p < trial->point_count; p++) {
            const double off = bd_trial_value(trial, p, k) - value_of(trial, p, BD_RANK_RANDOM);
            mean += bd_trial_value(trial, p, k) / trial->point_count;
            within += off * off / trial->point_count;
        }
        between += (mean - total) * (mean - total);
        orders++;
    }
    *at_a_point = orders > 1 ? sqrt(within / (orders - 1)) : 0.0;
    *of_the_mean = orders > 1 ? sqrt(between / (orders - 1)) : 0.0;
}
