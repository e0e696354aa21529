/* The pruning pipeline: what the search file says reaches the search, evaluations and the journal, and the checkpoint
 * that is saved says how it was made. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/checkpoint/random_checkpoint.h"
#include "model/core/memory.h"
#include "model/graph/parameter_count.h"
#include "model/prune/pipeline.h"
#include "tests/support/temporary_folder.h"

TestSuite(pipeline, .init = make_folder, .fini = remove_folder);

static const char network[] = "name: tiny\n"
                              "input: {height: 28, width: 28, channels: 1}\n"
                              "classes: 10\n"
                              "switches: [w4a4, w2a2, w1a1]\n"
                              "stem: {channels: 16, stride: 2}\n"
                              "stages:\n"
                              "  - {channels: 16, stride: 2, blocks: [{kind: basic, inner: 24}]}\n"
                              "  - {channels: 24, stride: 2, blocks: [{kind: basic, inner: 16}]}\n"
                              "head: {}\n";

static void save_network(void)
{
    struct bd_checkpoint checkpoint;
    struct bd_error err;
    char path[96];
    bd_checkpoint_init(&checkpoint);
    cr_assert_eq(bd_graph_parse(&checkpoint.graph, "tiny", network, strlen(network), &err), BD_OK, "%s", err.message);
    bd_random_arrays(&checkpoint, 5);
    snprintf(path, sizeof path, "%s/base.h5", folder);
    cr_assert_eq(bd_checkpoint_save(&checkpoint, path, &err), BD_OK, "%s", err.message);
    bd_checkpoint_release(&checkpoint);
}

static void open_with(struct bd_prune_run *run, int seed, const char *journal, const char *budget, const char *search,
                      const char *evaluation)
{
    struct bd_prune_config config;
    struct bd_error err;
    char path[96];
    snprintf(path, sizeof path, "%s/search.yaml", folder);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fprintf(file,
            "checkpoint: %s/base.h5\nhardware: yaml-configs/hardware/small.yaml\njournal: %s/%s\noutput: %s/%s.h5\n"
            "seed: %d\nbudget: {switch: w1a1, %s}\n"
            "search: {method: bayes, evaluations: 9, initial: 3, least_ratio: 0.5%s}\n"
            "evaluation: {switches: 'w4a4,w1a1', images: 60, recalibrate: 1, tune_batch: 16%s}\n"
            "final: {epochs: 0, steps: 0, batch: 16}\n",
            folder, folder, journal, folder, journal, seed, budget, search, evaluation);
    fclose(file);
    cr_assert_eq(bd_prune_config_load(&config, path, &err), BD_OK, "%s", err.message);
    cr_assert_eq(bd_prune_open(run, &config, &err), BD_OK, "%s", err.message);
    cr_assert_eq(bd_prune_journal(run, BD_JOURNAL_NEW, &err), BD_OK, "%s", err.message);
}

static void open_run(struct bd_prune_run *run, int seed, const char *journal)
{
    open_with(run, seed, journal, "ratio: 0.9, floor: 0.3", "", "");
}

/* Steps to `end` evaluations; each observation holds to the file. */
static void evaluate_to(struct bd_prune_run *run, size_t end)
{
    struct bd_error err;
    while (run->search.count < end) {
        cr_assert_eq(bd_prune_step(run, &err), BD_OK, "%s", err.message);
        const struct bd_observation *seen = &run->search.observations[run->search.count - 1];
        const double whole = (double)run->base_cycles;
        cr_assert(seen->cost <= 0.9 * whole && seen->cost >= 0.3 * whole, "%g of %g clocks", seen->cost, whole);
        cr_assert_float_eq(seen->value[0], 50 * (run->accuracy[0] + run->accuracy[2]), 1e-9);
        int widths[BD_MAX_LAYERS];
        struct bd_checkpoint cut;
        bd_prune_channels(run, seen->point, widths);
        cr_assert_eq(bd_prune_cut(run, widths, &cut, &err), BD_OK, "%s", err.message);
        for (int g = 0; g < run->base.graph.prune_group_count; g++) {
            cr_assert_eq(bd_graph_group_channels(&cut.graph, g), widths[g]);
            cr_assert_geq(2 * widths[g], bd_graph_group_channels(&run->base.graph, g), "under the least ratio");
        }
        bd_checkpoint_release(&cut);
    }
}

static void points_of(const struct bd_prune_run *run, double *points)
{
    for (size_t i = 0; i < run->search.count; i++) {
        memcpy(points + i * run->search.d, run->search.observations[i].point, run->search.d * sizeof(double));
    }
}

/* What was saved has the widths of the best and says of itself how it was made. */
static void check_saved(struct bd_prune_run *run, const char *name)
{
    struct bd_checkpoint pruned, saved;
    struct bd_error err;
    char path[96];
    int widths[BD_MAX_LAYERS];
    const struct bd_observation *best = &run->search.observations[bd_search_best(&run->search)];
    bd_prune_channels(run, best->point, widths);
    cr_assert_eq(bd_prune_finish(run, widths, false, NULL, NULL, &pruned, &err), BD_OK, "%s", err.message);
    snprintf(path, sizeof path, "%s/%s.h5", folder, name);
    cr_assert_eq(bd_checkpoint_load(&saved, path, &err), BD_OK, "%s", err.message);
    json_t *metadata = json_loads(saved.metadata, 0, NULL), *array = json_object_get(metadata, "group_channels");
    cr_assert_eq(json_array_size(array), (size_t)run->base.graph.prune_group_count);
    for (int g = 0; g < run->base.graph.prune_group_count; g++) {
        cr_assert_eq(json_integer_value(json_array_get(array, (size_t)g)), widths[g]);
        cr_assert_eq(bd_graph_group_channels(&saved.graph, g), widths[g]);
    }
    cr_assert_str_eq(json_string_value(json_object_get(metadata, "budget_switch")), "w1a1");
    cr_assert_eq(json_integer_value(json_object_get(metadata, "seed")), run->config.seed);
    cr_assert_eq(json_integer_value(json_object_get(metadata, "evaluations")), (json_int_t)run->search.count);
    cr_assert_eq(json_integer_value(json_object_get(metadata, "cycles_before")), (json_int_t)run->base_cycles);
    cr_assert_eq(json_integer_value(json_object_get(metadata, "cycles_after")), (json_int_t)best->cost);
    json_decref(metadata);
    snprintf(path, sizeof path, "%s/%s.h5.partial", folder, name);
    cr_assert_neq(access(path, F_OK), 0, "a partial file was left");
    bd_checkpoint_release(&saved);
    bd_checkpoint_release(&pruned);
}

/* One ratio fits every group, and the next that changes anything is over the budget. */
static void check_uniform(const struct bd_prune_run *run, const double *point)
{
    double low = 0, high = 2, larger[BD_GP_MAX_DIMENSIONS];
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < run->axis_count; i++) {
            const struct bd_search_axis *axis = &run->search.axes[i];
            const double full = bd_graph_group_channels(&run->base.graph, run->axis_group[i]);
            size_t k = 0;
            while (axis->values[k] != point[i]) {
                cr_assert_lt(++k, axis->count);
            }
            const double next = k + 1 < axis->count ? axis->values[k + 1] / full : 2;
            low = k && axis->values[k] / full > low ? axis->values[k] / full : low;
            high = fmin(high, next);
            larger[i] = next <= high ? axis->values[k + 1] : point[i]; /* of the second pass, which knows it */
        }
    }
    cr_assert(low < high, "widths of no one ratio: %g to %g", low, high);
    const struct bd_search_config *c = &run->search.config;
    cr_assert_leq(c->cost(c->context, point), 0.9 * (double)run->base_cycles);
    cr_assert_gt(c->cost(c->context, larger), 0.9 * (double)run->base_cycles, "a larger ratio fits");
}

/* The best two of five and one ratio for all; measured once, then read. */
static void check_finalists(struct bd_prune_run *run, double *worth)
{
    double points[3][BD_GP_MAX_DIMENSIONS];
    struct bd_error err;
    int above[2] = {0};
    const size_t count = bd_prune_finalists(run, points), d = run->search.d * sizeof(double);
    cr_assert_eq(count, 3);
    for (int f = 0; f < 2; f++) {
        const struct bd_observation *o = run->search.observations;
        while (memcmp(o->point, points[f], d)) {
            o++;
        }
        for (int i = 0; i < 5; i++) {
            above[f] += run->search.observations[i].value[0] > o->value[0];
        }
        cr_assert_eq(bd_prune_final(run, points[f], &worth[f], &err), BD_OK, "%s", err.message);
    }
    cr_assert(above[0] == 0 && above[1] <= 1 && memcmp(points[0], points[1], d));
    check_uniform(run, points[2]);
}

/* One test, since every opening loads the images: a run, and one of another seed, whose points differ and which the
 * first's journal refuses. That a run taken up again goes on alike is tests/cli/prune_kill_test.sh. */
Test(pipeline, a_search_is_what_its_file_says)
{
    struct bd_prune_run whole, other;
    struct bd_error err;
    double points[6 * BD_GP_MAX_DIMENSIONS] = {0}, others[6 * BD_GP_MAX_DIMENSIONS] = {0};
    save_network();
    open_with(&whole, 7, "whole", "ratio: 0.9, floor: 0.3", ", finalists: 2, finalist_steps: 2", "");
    cr_assert_eq(whole.search.config.method, BD_SEARCH_BAYES);
    cr_assert_eq(whole.search.config.initial, 3);
    cr_assert_eq(whole.search.d, 5);
    evaluate_to(&whole, 5);
    points_of(&whole, points);
    double tuned[2], read[2], accuracy[BD_MAX_SWITCHES];
    int widths[BD_MAX_LAYERS];
    check_finalists(&whole, tuned);
    bd_prune_channels(&whole, whole.search.observations[bd_search_best(&whole.search)].point, widths);
    cr_assert_eq(bd_prune_measure(&whole, widths, 2, accuracy, &err), BD_OK, "%s", err.message);
    cr_assert_float_eq(tuned[0], 50 * (accuracy[0] + accuracy[2]), 1e-9, "a finalist is not tuned for its steps");
    check_saved(&whole, "whole");
    bd_prune_close(&whole);
    open_with(&whole, 7, "again", "ratio: 0.9, floor: 0.3", ", finalists: 2, finalist_steps: 2", "");
    bd_journal_close(&whole.journal);
    free(whole.config.journal);
    whole.config.journal = bd_asprintf("%s/whole", folder);
    cr_assert_eq(bd_prune_journal(&whole, BD_JOURNAL_RESUME, &err), BD_OK, "%s", err.message);
    cr_assert_eq(whole.search.count, 5);
    const uint32_t images = whole.train.count;
    whole.train.count = 0; /* nothing can be tuned any more */
    check_finalists(&whole, read);
    whole.train.count = images;
    cr_assert(read[0] == tuned[0] && read[1] == tuned[1]);
    bd_prune_close(&whole);

    open_run(&other, 8, "other");
    evaluate_to(&other, 3);
    points_of(&other, others);
    cr_assert(memcmp(points, others, 3 * other.search.d * sizeof(double)), "the seed makes no difference");
    bd_journal_close(&other.journal);
    free(other.config.journal);
    other.config.journal = bd_asprintf("%s/whole", folder);
    cr_assert_eq(bd_prune_journal(&other, BD_JOURNAL_RESUME, &err), BD_BAD_INPUT);
    cr_assert(strstr(err.message, "is of another search"), "%s", err.message);
    bd_prune_close(&other);
}

/* Prices of a network by its own description, resized: clocks, nanojoules, bytes. */
static void price(const struct bd_prune_run *run, const int *widths, double *prices)
{
    struct bd_graph resized;
    struct bd_pricer pricer;
    struct bd_switch_counts counts;
    struct bd_error err;
    cr_assert_eq(bd_graph_resize(&run->base.graph, widths, &resized, &err), BD_OK, "%s", err.message);
    cr_assert_eq(bd_pricer_init(&pricer, &resized, &run->hardware, 2, &err), BD_OK, "%s", err.message);
    cr_assert_eq(bd_pricer_price(&pricer, NULL, &err), BD_OK, "%s", err.message);
    bd_switch_counts(&resized, &resized.switches[2], &counts);
    prices[0] = (double)pricer.cost->cycles;
    prices[1] = pricer.cost->energy_nj;
    prices[2] = (double)counts.model_bytes;
    bd_pricer_release(&pricer);
    bd_graph_release(&resized);
}

Test(pipeline, several_budgets_hold_at_once)
{
    struct bd_prune_run run;
    struct bd_error err;
    double whole[3], seen[3];
    int widths[BD_MAX_LAYERS], odd = 0;
    save_network();
    open_with(&run, 3, "budgets", "ratio: 0.9, energy: 0.85, bytes: 0.8", "", ", target: worst");
    for (int g = 0; g < run.base.graph.prune_group_count; g++) {
        widths[g] = bd_graph_group_channels(&run.base.graph, g);
    }
    price(&run, widths, whole);
    cr_assert_eq(run.search.axes[0].count, 9, "single filters, 8 to 16: %zu", run.search.axes[0].count);
    for (int i = 0; i < 5; i++) {
        cr_assert_eq(bd_prune_step(&run, &err), BD_OK, "%s", err.message);
        const struct bd_observation *o = &run.search.observations[i];
        bd_prune_channels(&run, o->point, widths);
        price(&run, widths, seen);
        cr_assert(seen[0] <= 0.9 * whole[0] && seen[1] <= 0.85 * whole[1] && seen[2] <= 0.8 * whole[2],
                  "%g, %g, %g of the whole network's", seen[0] / whole[0], seen[1] / whole[1], seen[2] / whole[2]);
        cr_assert_eq(o->cost, seen[0]);
        cr_assert_float_eq(o->value[0], 100 * fmin(run.accuracy[0], run.accuracy[2]), 1e-9,
                           "the worst of two switches");
        for (int g = 0; g < run.base.graph.prune_group_count; g++) {
            odd += widths[g] % 4 != 0;
        }
    }
    cr_assert_gt(odd, 0, "no group lost single filters");
    cr_assert_not_null(strstr(run.identity, "\"bytes_budget\":"));
    bd_prune_close(&run);
}

Test(pipeline, a_front_is_of_accuracy_and_a_price)
{
    static const char *const names[] = {"clocks", "energy", "bytes"};
    struct bd_error err;
    save_network();
    for (int p = 1; p < 3; p++) {
        struct bd_prune_run run, resumed;
        double seen[3];
        int widths[BD_MAX_LAYERS];
        char *search = bd_asprintf(", objective: front, price: %s", names[p]);
        open_with(&run, 3, names[p], "ratio: 0.95", search, "");
        for (int i = 0; i < 4; i++) {
            cr_assert_eq(bd_prune_step(&run, &err), BD_OK, "%s", err.message);
            const struct bd_observation *o = &run.search.observations[i];
            bd_prune_channels(&run, o->point, widths);
            price(&run, widths, seen);
            cr_assert_float_eq(o->value[1], -seen[p], 1e-9 * seen[p], "%s", names[p]);
            cr_assert_float_eq(o->value[0], 50 * (run.accuracy[0] + run.accuracy[2]), 1e-9);
        }
        free(search);
        if (p == 1) {
            bd_prune_close(&run);
            continue;
        }
        bd_journal_close(&run.journal);
        struct bd_prune_config config;
        char path[96];
        snprintf(path, sizeof path, "%s/search.yaml", folder);
        cr_assert_eq(bd_prune_config_load(&config, path, &err), BD_OK, "%s", err.message);
        cr_assert_eq(bd_prune_open(&resumed, &config, &err), BD_OK, "%s", err.message);
        cr_assert_eq(bd_prune_journal(&resumed, BD_JOURNAL_RESUME, &err), BD_OK, "%s", err.message);
        cr_assert_eq(resumed.search.count, 4);
        double next[2][BD_GP_MAX_DIMENSIONS] = {{0}};
        cr_assert_eq(bd_search_ask(&run.search, next[0], &err), BD_OK, "%s", err.message);
        cr_assert_eq(bd_search_ask(&resumed.search, next[1], &err), BD_OK, "%s", err.message);
        cr_assert_arr_eq(next[0], next[1], sizeof next[0]);
        bd_prune_close(&run);
        bd_prune_close(&resumed);
    }
}

/* A network of more groups than a search has axes: the others are told by name. */
Test(pipeline, groups_that_stay_whole_are_named)
{
    struct bd_prune_run run;
    struct bd_error err;
    char *blocks = bd_xstrdup("{kind: basic, inner: 16}");
    for (int i = 1; i < 21; i++) {
        char *longer = bd_asprintf("%s, {kind: basic, inner: 16}", blocks);
        free(blocks);
        blocks = longer;
    }
    char *whole = bd_asprintf("name: long\ninput: {height: 28, width: 28, channels: 1}\nclasses: 10\nswitches: [w1a1]\n"
                              "stem: {channels: 16, stride: 4}\nstages:\n  - {channels: 16, stride: 1, blocks: [%s]}\n"
                              "  - {channels: 16, stride: 1, blocks: [%s]}\nhead: {}\n",
                              blocks, blocks);
    struct bd_checkpoint checkpoint;
    char path[96];
    bd_checkpoint_init(&checkpoint);
    cr_assert_eq(bd_graph_parse(&checkpoint.graph, "long", whole, strlen(whole), &err), BD_OK, "%s", err.message);
    bd_random_arrays(&checkpoint, 5);
    snprintf(path, sizeof path, "%s/base.h5", folder);
    cr_assert_eq(bd_checkpoint_save(&checkpoint, path, &err), BD_OK, "%s", err.message);
    bd_checkpoint_release(&checkpoint);
    struct bd_prune_config config;
    snprintf(path, sizeof path, "%s/search.yaml", folder);
    FILE *file = fopen(path, "w");
    fprintf(file,
            "checkpoint: %s/base.h5\nhardware: yaml-configs/hardware/demo.yaml\njournal: %s/j\noutput: %s/o.h5\n"
            "ranking: l1-norm\nbudget: {switch: w1a1, bytes: 0.9}\nsearch: {evaluations: 2, initial: 2}\n"
            "evaluation: {images: 20, recalibrate: 1}\nfinal: {epochs: 0, batch: 16}\n",
            folder, folder, folder);
    fclose(file);
    cr_assert_eq(bd_prune_config_load(&config, path, &err), BD_OK, "%s", err.message);
    cr_assert_eq(bd_prune_open(&run, &config, &err), BD_OK, "%s", err.message);
    cr_assert_eq(run.axis_count, 40);
    cr_assert(run.told_whole && strstr(run.told_whole, "s2b21.conv1"), "%s", run.told_whole);
    size_t told = 1;
    for (const char *at = run.told_whole; (at = strchr(at, ',')); at++) {
        told++;
    }
    cr_assert_eq(run.base.graph.prune_group_count, 40 + (int)told);
    bd_prune_close(&run);
    free(blocks);
    free(whole);
}
