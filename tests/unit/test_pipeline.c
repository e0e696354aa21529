/* The pruning pipeline: what the search file says reaches the search, evaluations and the journal, and the checkpoint
 * that is saved says how it was made. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "model/checkpoint/random_checkpoint.h"
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

static void open_run(struct bd_prune_run *run, int seed, const char *journal)
{
    struct bd_prune_config config;
    struct bd_error err;
    char path[96];
    snprintf(path, sizeof path, "%s/search.yaml", folder);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fprintf(file,
            "checkpoint: %s/base.h5\nhardware: yaml-configs/hardware/small.yaml\njournal: %s/%s\noutput: %s/%s.h5\n"
            "seed: %d\nbudget: {switch: w1a1, ratio: 0.9, floor: 0.3}\n"
            "search: {method: bayes, evaluations: 9, initial: 3, least_ratio: 0.5}\n"
            "evaluation: {switches: 'w4a4,w1a1', images: 60, recalibrate: 1, tune_batch: 16}\n"
            "final: {epochs: 0, steps: 0, batch: 16}\n",
            folder, folder, journal, folder, journal, seed);
    fclose(file);
    cr_assert_eq(bd_prune_config_load(&config, path, &err), BD_OK, "%s", err.message);
    cr_assert_eq(bd_prune_open(run, &config, &err), BD_OK, "%s", err.message);
    cr_assert_eq(bd_prune_journal(run, BD_JOURNAL_NEW, &err), BD_OK, "%s", err.message);
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

/* One test, since every opening loads the images: a run, and one of another seed, whose points differ and which the
 * first's journal refuses. That a run taken up again goes on alike is tests/cli/prune_kill_test.sh. */
Test(pipeline, a_search_is_what_its_file_says)
{
    struct bd_prune_run whole, other;
    struct bd_error err;
    double points[6 * BD_GP_MAX_DIMENSIONS] = {0}, others[6 * BD_GP_MAX_DIMENSIONS] = {0};
    save_network();
    open_run(&whole, 7, "whole");
    cr_assert_eq(whole.search.config.method, BD_SEARCH_BAYES);
    cr_assert_eq(whole.search.config.initial, 3);
    cr_assert_eq(whole.search.d, 5);
    evaluate_to(&whole, 5);
    points_of(&whole, points);
    check_saved(&whole, "whole");
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
