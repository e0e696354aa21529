/* bitdial prune --rankings: a trial of rankings (model/prune/trial.h) and its table. Progress on stderr. */
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/clock.h"
#include "model/core/json.h"
#include "model/core/memory.h"
#include "model/core/output.h"
#include "model/prune/trial.h"
#include "sw/cli/cli.h"
#include "sw/cli/options.h"
#include "sw/cli/report.h"

static const char usage[] =
    "Usage: bitdial prune --rankings CHECKPOINT --hardware HW.yaml [OPTION]...\n"
    "Cuts a trained network to the same widths by every ranking of its filters and by random orders, measures the\n"
    "cuts on validation images, and prints how far each ranking is above the mean random order. Widths are drawn by\n"
    "the seed, within 5 % below each budget; the price is in clocks where the hardware runs the network, else in bit\n"
    "operations.\n"
    "  --rankings         this comparison, and not a search\n"
    "  --hardware FILE    configuration that prices the network\n"
    "  --budgets LIST     of the whole network's price, with commas (default: 0.8,0.65,0.5)\n"
    "  --switch NAME      whose price counts (default: the network's last)\n"
    "  --switches LIST    that rank the filters jointly and are measured, or 'all' (default: that of the price)\n"
    "  --points N         width vectors a budget (default: 4)\n"
    "  --orders N         random orders, each at every point (default: 8)\n"
    "  --only LIST        rankings beside random, with commas (default: all)\n"
    "  --validate N       validation images of a measurement (default: 2000)\n"
    "  --recalibrate N    batches for batch-norm statistics (default: 10)\n"
    "  --batch N          images of a batch (default: 128)\n"
    "  --epochs N         of tuning before a measurement (default: 0)\n"
    "  --steps N          of tuning, instead of whole epochs\n"
    "  --rate R           peak rate of tuning (default: 0.003)\n"
    "  --seed N           of widths, images, random orders and tuning (default: 1)\n"
    "  --journal FILE     keep each measurement there, as JSON lines\n"
    "  --resume           go on with the journal, whatever budgets, points, orders and rankings it has by now\n"
    "  --force            begin anew, over a journal that is there already\n"
    "  --data DIR         folder of the images\n"
    "  --kind KIND        " BD_DATA_CHOICES "\n"
    "                     (default: found by the folder's files, else by the network's shape)\n"
    "  --json             one JSON object on stdout\n"
    "  --help             this text and the rankings\n";

struct options {
    struct bd_trial_config trial;
    const char *journal;
    int64_t points, orders;
    bool this, resume, force, json;
};

/* ---- lists ---- */

static bool take_budgets(void *context, const char *text)
{
    struct bd_trial_config *config = context;
    char *copy = bd_xstrdup(text), *rest = NULL;
    bool good = true;
    config->budget_count = 0;
    for (char *word = strtok_r(copy, ",", &rest); word && good; word = strtok_r(NULL, ",", &rest)) {
        if (config->budget_count == BD_TRIAL_BUDGETS) {
            bd_cli_usage("prune", "'--budgets' takes at most %d, got '%s'", BD_TRIAL_BUDGETS, text);
            good = false;
        } else {
            good = bd_cli_real("prune", "--budgets", word, 0.01, 1.0, &config->budgets[config->budget_count++]);
        }
    }
    if (good && !config->budget_count) {
        bd_cli_usage("prune", "'--budgets' names none");
        good = false;
    }
    free(copy);
    return good;
}

static int find_ranking(const char *name)
{
    for (int k = 0; k < BD_RANKING_COUNT; k++) {
        if (!strcmp(bd_rankings[k].name, name)) {
            return k;
        }
    }
    return -1;
}

static bool take_rankings(void *context, const char *text)
{
    struct bd_trial_config *config = context;
    char *copy = bd_xstrdup(text), *rest = NULL;
    bool good = true;
    config->rankings = 0;
    for (char *word = strtok_r(copy, ",", &rest); word && good; word = strtok_r(NULL, ",", &rest)) {
        const int ranking = find_ranking(word);
        good = ranking >= 0;
        if (good) {
            config->rankings |= 1U << ranking;
        } else {
            bd_cli_usage("prune", "'--only': no ranking is called '%s': it is one of " BD_RANKINGS, word);
        }
    }
    free(copy);
    return good;
}

/* ---- the table ---- */

static bool shown(const struct bd_trial *trial, int ranking)
{
    return ranking == BD_RANK_RANDOM || trial->config.rankings >> ranking & 1;
}

static void print_head(const struct bd_trial *trial)
{
    const struct bd_trial_config *c = &trial->config;
    const struct bd_graph *graph = &trial->base.graph;
    printf("%s: %.0f %s at %s; mean accuracy of", graph->name, trial->whole,
           trial->in_clocks ? "clocks" : "bit operations", graph->switches[trial->budget_switch].name);
    for (int s = 0; s < graph->switch_count; s++) {
        if (!trial->switches || trial->switches >> s & 1) {
            printf(" %s", graph->switches[s].name);
        }
    }
    printf(" on %ld validation images, ",
           c->images < trial->validation.count ? (long)c->images : (long)trial->validation.count);
    if (c->steps) {
        printf("%ld steps of tuning\n", (long)c->steps);
    } else if (c->epochs) {
        printf("%ld epochs of tuning\n", (long)c->epochs);
    } else {
        printf("recalibration alone\n");
    }
    printf("%d width vectors a budget, %d random orders\n", c->points, c->orders);
}

static void print_table(const struct bd_trial *trial)
{
    const struct bd_trial_config *c = &trial->config;
    double at_a_point, of_the_mean;
    print_head(trial);
    printf("%-20s", "ranking");
    for (int b = 0; b < c->budget_count; b++) {
        printf("  %5.3f", c->budgets[b]);
    }
    printf("   mean  above random (95 %% interval)  points above  seconds\n");
    for (int k = 0; k < BD_RANKING_COUNT; k++) {
        double seconds = 0.0;
        if (!shown(trial, k)) {
            continue;
        }
        const struct bd_trial_summary s = bd_trial_summarise(trial, (enum bd_ranking)k);
        for (int i = 0; i < trial->column_count; i++) {
            seconds = trial->columns[i].ranking == (enum bd_ranking)k ? trial->columns[i].seconds : seconds;
        }
        printf("%-20s", bd_rankings[k].name);
        for (int b = 0; b < c->budget_count; b++) {
            printf("  %5.2f", s.mean[b]);
        }
        printf("  %5.2f", s.total);
        if (k != BD_RANK_RANDOM) {
            char interval[48] = "(one point)";
            if (trial->point_count > 1) {
                snprintf(interval, sizeof interval, "(%+.2f to %+.2f)", s.low, s.high);
            }
            printf("  %+7.2f %-19s %7d of %-4d", s.gain, interval, s.above, trial->point_count);
        }
        printf("%*s%7.1f\n", k == BD_RANK_RANDOM ? 43 : 0, "", seconds);
    }
    bd_trial_scatter(trial, &at_a_point, &of_the_mean);
    printf("one random order scatters by %.2f at a point, and by %.2f in its mean over the points\n", at_a_point,
           of_the_mean);
}

static void print_json(const struct bd_trial *trial)
{
    const struct bd_trial_config *c = &trial->config;
    const struct bd_graph *graph = &trial->base.graph;
    json_t *rankings = json_object(), *points = json_array();
    double at_a_point, of_the_mean;
    for (int k = 0; k < BD_RANKING_COUNT; k++) {
        if (!shown(trial, k)) {
            continue;
        }
        const struct bd_trial_summary s = bd_trial_summarise(trial, (enum bd_ranking)k);
        json_t *mean = json_array();
        for (int b = 0; b < c->budget_count; b++) {
            json_array_append_new(mean, json_real(s.mean[b]));
        }
        json_t *row = json_pack("{s:o, s:f}", "accuracy", mean, "mean", s.total);
        if (k != BD_RANK_RANDOM) {
            json_object_set_new(row, "above_random", json_real(s.gain));
            json_object_set_new(row, "points_above", json_integer(s.above));
            if (trial->point_count > 1) {
                json_object_set_new(row, "interval", json_pack("[f, f]", s.low, s.high));
            }
        }
        json_object_set_new(rankings, bd_rankings[k].name, row);
    }
    for (int p = 0; p < trial->point_count; p++) {
        json_t *channels = json_array();
        for (int g = 0; g < graph->prune_group_count; g++) {
            json_array_append_new(channels, json_integer(trial->points[p].channels[g]));
        }
        json_array_append_new(points, json_pack("{s:f, s:o, s:f}", "budget", c->budgets[trial->points[p].budget],
                                                "channels", channels, "price", trial->points[p].price));
    }
    bd_trial_scatter(trial, &at_a_point, &of_the_mean);
    bd_cli_report(json_pack("{s:o, s:s, s:f, s:o, s:o, s:f, s:f, s:i}", "network", bd_json_text(graph->name),
                            "price_of", trial->in_clocks ? "clocks" : "bit operations", "whole", trial->whole, "points",
                            points, "rankings", rankings, "scatter_at_a_point", at_a_point, "scatter_of_the_mean",
                            of_the_mean, "resumed", trial->resumed));
}

/* ---- the run ---- */

static void show(const struct bd_trial *trial, int point, int column, double seconds, double left)
{
    const struct bd_trial_point *p = &trial->points[point];
    const struct bd_trial_column *c = &trial->columns[column];
    fprintf(stderr, "%d/%d: %g of the price, widths %d, %s", trial->done_count,
            trial->point_count * trial->column_count, trial->config.budgets[p->budget], p->number + 1,
            bd_rankings[c->ranking].name);
    if (c->ranking == BD_RANK_RANDOM) {
        fprintf(stderr, " %d", c->number + 1);
    }
    fprintf(stderr, ": %.2f %% | %.1f s, %.0f s left\n", bd_trial_value(trial, point, column), seconds, left);
}

static bd_status measure_all(struct bd_trial *trial, struct bd_error *err)
{
    const int cells = trial->point_count * trial->column_count;
    const double start = bd_seconds(CLOCK_MONOTONIC);
    bd_status status = BD_OK;
    while (trial->done_count < cells && status == BD_OK) {
        int point, column;
        const double before = bd_seconds(CLOCK_MONOTONIC);
        status = bd_trial_step(trial, &point, &column, err);
        if (status == BD_OK) {
            const double now = bd_seconds(CLOCK_MONOTONIC);
            show(trial, point, column, now - before,
                 (now - start) / (trial->done_count - trial->resumed) * (cells - trial->done_count));
        }
    }
    return status;
}

static bd_status run(const struct options *o, struct bd_error *err)
{
    struct bd_trial trial;
    if (o->journal) {
        const char *const inputs[] = {o->trial.checkpoint, o->trial.hardware, NULL};
        const char *keep = o->resume || o->force ? NULL : "--resume goes on with it, --force begins anew over it";
        if (bd_output_check(o->journal, BD_OUTPUT_JOURNAL, keep, inputs, err)) {
            return err->status;
        }
    }
    if (bd_trial_open(&trial, &o->trial, err)) {
        return err->status;
    }
    fprintf(stderr, "images: %s\n", trial.images_told);
    if (!trial.in_clocks) {
        fprintf(stderr, "price: bit operations, for on this hardware %s\n", trial.refusal);
    }
    bd_status status = BD_OK;
    if (o->journal) {
        const enum bd_journal_mode mode = o->force    ? BD_JOURNAL_REPLACE
                                          : o->resume ? BD_JOURNAL_RESUME
                                                      : BD_JOURNAL_NEW;
        status = bd_trial_journal(&trial, o->journal, mode, err);
    }
    if (status == BD_OK && trial.resumed) {
        fprintf(stderr, "journal '%s': %d of these measurements\n", o->journal, trial.resumed);
    }
    status = status ? status : measure_all(&trial, err);
    if (status == BD_OK && o->json) {
        print_json(&trial);
    } else if (status == BD_OK) {
        print_table(&trial);
    }
    bd_trial_close(&trial);
    return status;
}

int bd_cli_prune_rankings(int argc, char **argv)
{
    struct options o = {.points = 4,
                        .orders = 8,
                        .trial = {.data = {.kind = BD_DATA_ANY, .validation = -1},
                                  .budget_count = 3,
                                  .budgets = {0.8, 0.65, 0.5},
                                  .rankings = (1U << BD_RANK_RANDOM) - 1,
                                  .images = 2000,
                                  .recalibrate = 10,
                                  .batch = 128,
                                  .rate = 0.003,
                                  .seed = 1}};
    struct bd_trial_config *t = &o.trial;
    const struct bd_option table[] = {
        {"rankings", .flag = &o.this},
        {"hardware", .text = &t->hardware},
        {"budgets", .take = take_budgets, .context = t},
        {"switch", .text = &t->budget_switch},
        {"switches", .text = &t->switches},
        {"points", .integer = &o.points, .min = 1, .max = 1000},
        {"orders", .integer = &o.orders, .min = 2, .max = 1000},
        {"only", .take = take_rankings, .context = t},
        {"validate", .integer = &t->images, .min = 1, .max = 10000000},
        {"recalibrate", .integer = &t->recalibrate, .min = 1, .max = 10000},
        {"batch", .integer = &t->batch, .min = 1, .max = 4096},
        {"epochs", .integer = &t->epochs, .min = 0, .max = 1000},
        {"steps", .integer = &t->steps, .min = 0, .max = 1000000},
        {"rate", .real = &t->rate, .low = 0, .high = 10},
        {"seed", .integer = &t->seed, .min = 0, .max = 1000000000000000},
        {"journal", .text = &o.journal},
        {"resume", .flag = &o.resume},
        {"force", .flag = &o.force},
        {"data", .text = (const char **)&t->data.folder},
        {"kind", .choice = &t->data.kind, .choices = BD_DATA_CHOICES},
        {"json", .flag = &o.json},
        {0},
    };
    const int code = bd_cli_options("prune", usage, table, argc, argv);
    if (code == BD_OK) {
        puts("\nRankings: name, what it asks of a filter; the least goes first");
        for (int k = 0; k < BD_RANKING_COUNT; k++) {
            printf("  %-20s %s\n", bd_rankings[k].name, bd_rankings[k].help);
        }
    }
    if (code != BD_OPTIONS_READ) {
        return code;
    }
    if (optind + 1 != argc || !t->hardware) {
        return bd_cli_usage("prune", "'--rankings' needs one CHECKPOINT and '--hardware'");
    }
    if (o.resume && o.force) {
        return bd_cli_usage("prune", "'--resume' goes on with what '--force' would replace: give one of them");
    }
    if ((o.resume || o.force) && !o.journal) {
        return bd_cli_usage("prune", "'--%s' needs '--journal'", o.resume ? "resume" : "force");
    }
    struct bd_error err;
    t->checkpoint = argv[optind];
    t->points = (int)o.points;
    t->orders = (int)o.orders;
    return run(&o, &err) == BD_OK ? BD_OK : bd_cli_fail("prune", &err);
}
