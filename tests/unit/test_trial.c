/* A trial of rankings: its points hold to their budgets, its table to its journal, and one that goes on measures
 * nothing twice. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "model/checkpoint/random_checkpoint.h"
#include "model/prune/trial.h"
#include "tests/support/temporary_folder.h"

TestSuite(trial, .init = make_folder, .fini = remove_folder);

static const char network[] = "name: tiny\n"
                              "input: {height: 28, width: 28, channels: 1}\n"
                              "classes: 10\n"
                              "switches: [w4a4, w1a1]\n"
                              "stem: {channels: 16, stride: 2}\n"
                              "stages:\n"
                              "  - {channels: 16, stride: 2, blocks: [{kind: basic, inner: 24}]}\n"
                              "  - {channels: 24, stride: 2, blocks: [{kind: BLOCK}]}\n"
                              "head: {}\n";

static void save_network(const char *name, const char *block)
{
    struct bd_checkpoint checkpoint;
    struct bd_error err;
    const char *at = strstr(network, "BLOCK");
    char *text = bd_asprintf("%.*s%s%s", (int)(at - network), network, block, at + 5);
    char *path = bd_asprintf("%s/%s.h5", folder, name);
    bd_checkpoint_init(&checkpoint);
    cr_assert_eq(bd_graph_parse(&checkpoint.graph, "tiny", text, strlen(text), &err), BD_OK, "%s", err.message);
    bd_random_arrays(&checkpoint, 5);
    cr_assert_eq(bd_checkpoint_save(&checkpoint, path, &err), BD_OK, "%s", err.message);
    bd_checkpoint_release(&checkpoint);
    free(text);
    free(path);
}

enum { POINTS = 2, ORDERS = 3 };

static struct bd_trial_config config_of(const char *checkpoint)
{
    return (struct bd_trial_config){.checkpoint = checkpoint,
                                    .hardware = "yaml-configs/hardware/mac_only.yaml",
                                    .data = {.kind = BD_DATA_ANY, .validation = -1},
                                    .budget_count = 2,
                                    .budgets = {0.9, 0.6},
                                    .points = POINTS,
                                    .orders = ORDERS,
                                    .rankings = 1U << BD_RANK_FIDELITY | 1U << BD_RANK_L1_NORM,
                                    .images = 60,
                                    .recalibrate = 1,
                                    .batch = 16,
                                    .seed = 3};
}

/* What the journal says of each ranking: value[ranking][point], random orders apart. */
static void read_journal(const char *path, double fidelity[4], double random[4][ORDERS])
{
    char line[4096];
    FILE *file = fopen(path, "r");
    int records = 0;
    cr_assert_not_null(file);
    for (; fgets(line, sizeof(line), file); records++) {
        json_t *o = json_loads(line, 0, NULL), *record = json_object_get(o, "record");
        const char *ranking = json_string_value(json_object_get(record, "ranking"));
        if (ranking) {
            const int budget = json_number_value(json_object_get(record, "budget")) == 0.6;
            const int point = POINTS * budget + (int)json_integer_value(json_object_get(record, "point"));
            const double value = 100 * json_number_value(json_object_get(json_object_get(record, "accuracy"), "w1a1"));
            const json_int_t order = json_integer_value(json_object_get(record, "order"));
            cr_assert(point < 4 && order < ORDERS);
            if (!strcmp(ranking, "fidelity")) {
                fidelity[point] = value;
            } else if (!strcmp(ranking, "random")) {
                random[point][order] = value;
            }
        }
        json_decref(o);
    }
    fclose(file);
    cr_assert_eq(records, 1 + 2 * POINTS * (2 + ORDERS));
}

static void check_summary(const struct bd_trial *trial, const char *path)
{
    double fidelity[4], random[4][ORDERS], gain[4], mean = 0, total = 0, spread = 0, within = 0, of_order[ORDERS] = {0};
    int above = 0;
    read_journal(path, fidelity, random);
    for (int p = 0; p < 4; p++) {
        double chance = 0;
        for (int k = 0; k < ORDERS; k++) {
            chance += random[p][k] / ORDERS;
            of_order[k] += random[p][k] / 4;
        }
        for (int k = 0; k < ORDERS; k++) {
            within += pow(random[p][k] - chance, 2) / (ORDERS - 1) / 4;
        }
        gain[p] = fidelity[p] - chance;
        above += gain[p] > 0;
        mean += gain[p] / 4;
        total += fidelity[p] / 4;
    }
    for (int p = 0; p < 4; p++) {
        spread += pow(gain[p] - mean, 2) / 3;
    }
    const struct bd_trial_summary s = bd_trial_summarise(trial, BD_RANK_FIDELITY);
    cr_assert_float_eq(s.gain, mean, 1e-9);
    cr_assert_float_eq(s.total, total, 1e-9);
    cr_assert_float_eq(s.mean[1], (fidelity[2] + fidelity[3]) / 2, 1e-9);
    cr_assert_float_eq(s.high - s.gain, 3.182 * sqrt(spread / 4), 1e-9);
    cr_assert_float_eq(s.gain - s.low, 3.182 * sqrt(spread / 4), 1e-9);
    cr_assert_eq(s.above, above);
    double at_a_point, of_the_mean, middle = 0, between = 0;
    for (int k = 0; k < ORDERS; k++) {
        middle += of_order[k] / ORDERS;
    }
    for (int k = 0; k < ORDERS; k++) {
        between += pow(of_order[k] - middle, 2) / (ORDERS - 1);
    }
    bd_trial_scatter(trial, &at_a_point, &of_the_mean);
    cr_assert_float_eq(at_a_point, sqrt(within), 1e-9);
    cr_assert_float_eq(of_the_mean, sqrt(between), 1e-9);
}

/* `limit` measurements, or all; how many were made. */
static int measure(struct bd_trial *trial, int limit)
{
    struct bd_error err;
    int count = 0, point, column;
    while (count < limit && bd_trial_step(trial, &point, &column, &err) == BD_OK) {
        const double value = bd_trial_value(trial, point, column);
        cr_assert(value >= 0 && value <= 100, "%g %%", value);
        count++;
    }
    return count;
}

Test(trial, measures_each_ranking_at_the_same_widths_once)
{
    struct bd_trial trial;
    struct bd_error err;
    char *checkpoint = bd_asprintf("%s/base.h5", folder), *journal = bd_asprintf("%s/journal", folder);
    save_network("base", "basic, inner: 16");
    struct bd_trial_config config = config_of(checkpoint);

    config.orders = 2; /* cut short, with fewer orders */
    cr_assert_eq(bd_trial_open(&trial, &config, &err), BD_OK, "%s", err.message);
    cr_assert(trial.in_clocks && trial.switches == 2 && trial.point_count == 2 * POINTS);
    for (int p = 0; p < trial.point_count; p++) {
        const struct bd_trial_point *point = &trial.points[p];
        const double part = point->price / trial.whole, budget = config.budgets[point->budget];
        cr_assert(part <= budget && part >= 0.95 * budget, "%g of %g", part, budget);
        cr_assert_eq((double)bd_pricer_cycles(&trial.pricer, point->channels), point->price);
    }
    cr_assert_neq(memcmp(trial.points[2].channels, trial.points[3].channels,
                         (size_t)trial.base.graph.prune_group_count * sizeof(int)),
                  0, "two points of a budget are one");
    cr_assert_eq(bd_trial_journal(&trial, journal, BD_JOURNAL_NEW, &err), BD_OK, "%s", err.message);
    cr_assert_eq(measure(&trial, 5), 5);
    bd_trial_close(&trial);

    config.orders = ORDERS;
    cr_assert_eq(bd_trial_open(&trial, &config, &err), BD_OK, "%s", err.message);
    cr_assert_eq(bd_trial_journal(&trial, journal, BD_JOURNAL_RESUME, &err), BD_OK, "%s", err.message);
    cr_assert_eq(trial.resumed, 5);
    cr_assert_eq(measure(&trial, 99), 2 * POINTS * (2 + ORDERS) - 5);
    check_summary(&trial, journal);
    bd_trial_close(&trial);

    config.seed = 4;
    cr_assert_eq(bd_trial_open(&trial, &config, &err), BD_OK, "%s", err.message);
    cr_assert_eq(bd_trial_journal(&trial, journal, BD_JOURNAL_RESUME, &err), BD_BAD_INPUT);
    cr_assert_not_null(strstr(err.message, "is of another trial of rankings"), "%s", err.message);
    bd_trial_close(&trial);
    free(checkpoint);
    free(journal);
}

/* Depthwise layers, which hardware without the MAC does not price: bit operations, by hand for one vector. */
Test(trial, prices_what_hardware_lacks_in_bit_operations)
{
    struct bd_trial trial;
    struct bd_error err;
    char *checkpoint = bd_asprintf("%s/deep.h5", folder);
    save_network("deep", "separable");
    struct bd_trial_config config = config_of(checkpoint);
    config.switches = "all";
    config.budget_count = config.points = 1;
    config.hardware = "yaml-configs/hardware/xnor_only.yaml";
    cr_assert_eq(bd_trial_open(&trial, &config, &err), BD_OK, "%s", err.message);
    cr_assert_not(trial.in_clocks);
    if (!trial.in_clocks) {
        const int *channels = trial.points[0].channels;
        double c[6]; /* that leave stem, proj, conv1, conv2, dw, pw */
        for (int l = 0; l < 6; l++) {
            c[l] = channels[trial.base.graph.layers[l].prune_group];
        }
        cr_assert(c[1] == c[3] && c[3] == c[4]);
        const double stem = c[0] * 9 * 14 * 14 * 8 * 8, shortcut = c[0] * c[1] * 7 * 7;
        const double inner = (c[0] * c[2] + c[2] * c[3]) * 9 * 7 * 7;
        const double depthwise = c[4] * 9 * 4 * 4, pointwise = c[4] * c[5] * 4 * 4;
        const double classifier = c[5] * 10 * 8 * 8;
        cr_assert_eq(trial.points[0].price, stem + inner + shortcut + depthwise + pointwise + classifier);
        cr_assert_not_null(strstr(trial.refusal, "depthwise"), "%s", trial.refusal);
    }
    bd_trial_close(&trial);
    free(checkpoint);
}
