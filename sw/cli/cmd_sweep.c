/* `bitdial sweep SWEEP.yaml --out DIR`: many designs run side by side over the runner, and the front of them. */
#include <getopt.h>
#include <jansson.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/checkpoint/checkpoint.h"
#include "model/core/clock.h"
#include "model/core/json.h"
#include "model/core/memory.h"
#include "model/core/output.h"
#include "sw/cli/cli.h"
#include "sw/cli/image_options.h"
#include "sw/cli/options.h"
#include "sw/cli/report.h"
#include "sw/cli/runs_options.h"
#include "sw/page/page.h"
#include "sw/sweep/work.h"

#define NAME "sweep"
#define WRITE_SECONDS 20 /* between two states of the results while it runs */

static const char usage[] = "Usage: bitdial sweep SWEEP.yaml --out DIR [OPTION]...\n"
                            "Runs many designs, networks at switches and levels of pruning on hardware configurations, "
                            "and finds those that meet\n"
                            "every constraint and that no other beats; each of them is confirmed on the RTL, values "
                            "and clocks. Designs that do\n"
                            "not fit the device are not run. Writes results.json, results.csv and results.md to DIR; "
                            "`bitdial report DIR` makes\n"
                            "one page of it. sw/sweep/README.md tells more, yaml-configs/sweeps has examples.\n\n"
                            "  -o, --out DIR        the folder\n"
                            "  --no-confirm         do not run the front on the RTL: the results say so\n"
                            "  --threads N          of each task (default 1)\n" BD_RUNS_USAGE
                            "  --task NAME          price, accuracy or confirm: do one task and print what it came to, "
                            "as a sweep's process does\n"
                            "  --checkpoint FILE    of --task\n"
                            "  --hardware FILE      of --task\n"
                            "  --switch NAME        of --task\n"
                            "  --program FILE       of --task: the image that confirm writes and runs\n"
                            "  --images N           of --task: number of images (default: all)\n" BD_IMAGE_USAGE
                            "  --help               this text and the tables of keys and metrics\n";

struct options {
    struct bd_runs_command runs;
    const char *config, *out, *task;
    bool no_confirm;
    int64_t threads;
    struct bd_sweep_work work;
    struct bd_image_options images;
};

static int check_task(struct options *o, int rest)
{
    for (int t = BD_SWEEP_ACCURACY_OF; t < BD_SWEEP_TASKS; t++) {
        if (!strcmp(o->task, bd_sweep_task_names[t])) {
            o->work.task = t;
        }
    }
    if (o->work.task == BD_SWEEP_PRUNE) {
        return bd_cli_usage(NAME, "'--task' must be one of accuracy, price, confirm, got '%s'", o->task);
    }
    if (rest || o->out) {
        return bd_cli_usage(NAME, "'--task' takes neither a SWEEP.yaml nor '--out'");
    }
    const bool accuracy = o->work.task == BD_SWEEP_ACCURACY_OF;
    if (!o->work.checkpoint || (!accuracy && (!o->work.hardware || !o->work.sw)) ||
        (o->work.task == BD_SWEEP_CONFIRM && !o->work.program)) {
        return bd_cli_usage(NAME, "'--task %s' needs '--checkpoint'%s%s", o->task,
                            accuracy ? "" : ", '--hardware' and '--switch'",
                            o->work.task == BD_SWEEP_CONFIRM ? ", and '--program'" : "");
    }
    return bd_cli_check_images(&o->images);
}

static int parse_options(struct options *o, int argc, char **argv)
{
    *o = (struct options){.runs = {.command = NAME}, .threads = 1, .images = BD_IMAGE_DEFAULTS(NAME)};
    const struct bd_option table[] = {
        {"out", .text = &o->out, .letter = 'o'},
        {"no-confirm", .flag = &o->no_confirm},
        {"threads", .integer = &o->threads, .min = 1, .max = 1024},
        BD_RUNS_ROWS(&o->runs),
        {"task", .text = &o->task},
        {"checkpoint", .text = &o->work.checkpoint},
        {"hardware", .text = &o->work.hardware},
        {"switch", .text = &o->work.sw},
        {"program", .text = &o->work.program},
        BD_IMAGE_ROWS(&o->images),
        {0},
    };
    int code = bd_cli_options(NAME, usage, table, argc, argv);
    if (code == BD_OK) {
        puts("\nKeys of SWEEP.yaml: name, default, meaning");
        bd_cli_print_fields(bd_sweep_fields, 0);
        puts("\nMetrics, for objectives and constraints");
        for (int m = 0; m < BD_SWEEP_METRIC_COUNT; m++) {
            const struct bd_sweep_metric_row *row = &bd_sweep_metrics[m];
            printf("  %-14s %-3s %-7s %s\n", row->name, row->unit, row->larger ? "largest" : "least", row->known);
        }
    }
    if (code != BD_OPTIONS_READ) {
        return code;
    }
    if (o->task) {
        code = check_task(o, argc - optind);
        return code == BD_OK ? BD_OPTIONS_READ : code;
    }
    if (optind + 1 != argc) {
        return bd_cli_usage(NAME, "expected one sweep (SWEEP.yaml)");
    }
    o->config = argv[optind];
    if (!o->out && !o->runs.list) {
        return bd_cli_usage(NAME, "'--out' is missing: the folder for results");
    }
    code = bd_cli_check_runs(&o->runs);
    return code == BD_OK ? BD_OPTIONS_READ : code;
}

/* ---- one task ---- */

static bd_status do_task(struct options *o, struct bd_error *err)
{
    json_t *output;
    o->work.images = o->images.source;
    o->work.notice = bd_cli_notice;
    o->work.context = NAME;
    bd_status status = bd_sweep_work(&o->work, &output, err);
    if (output && o->runs.json) {
        bd_cli_report(output);
        return status;
    }
    const char *key;
    json_t *value;
    json_object_foreach(output, key, value)
    {
        if (json_is_number(value)) {
            printf("%-18s %.10g\n", key, json_number_value(value));
        } else if (json_is_string(value)) {
            printf("%-18s %s\n", key, json_string_value(value));
        }
    }
    json_object_foreach(json_object_get(output, "accuracy"), key, value)
    {
        printf("%-18s %.2f %%\n", key, 100 * json_number_value(value));
    }
    json_decref(output);
    return status;
}

/* ---- the sweep ---- */

struct session {
    const struct options *o;
    struct bd_sweep_run run;
    bool began;
    double written;
    bd_status status; /* of writing results while it runs */
    struct bd_error err;
};

static bd_status write_results(struct session *s, struct bd_error *err)
{
    json_t *document = bd_sweep_document(s->run.sweep);
    bd_status status = bd_sweep_write(s->o->out, document, err);
    json_decref(document);
    s->written = bd_seconds(CLOCK_MONOTONIC);
    return status;
}

static void on_event(void *user, const struct bd_runs_event *event)
{
    struct session *s = user;
    s->began = true; /* the runner has taken the folder */
    if (event->kind == BD_RUNS_TICK && !s->status && bd_seconds(CLOCK_MONOTONIC) - s->written > WRITE_SECONDS) {
        bd_sweep_mark_front(s->run.sweep);
        s->status = write_results(s, &s->err);
    }
}

static bd_status more(void *user, struct bd_runs_plan *plan, struct bd_error *err)
{
    struct session *s = user;
    return s->status ? (*err = s->err, s->status) : bd_sweep_more(&s->run, plan, err);
}

static bd_status on_result(void *user, const struct bd_runs_point *point, enum bd_runs_state state,
                           const json_t *result, struct bd_error *err)
{
    struct session *s = user;
    return bd_sweep_on_result(&s->run, point, state, result, err);
}

static void print_summary(const json_t *document)
{
    const json_t *design;
    size_t i;
    printf("%s\n", bd_page_text(document, "verdict"));
    json_array_foreach(json_object_get(document, "designs"), i, design)
    {
        const bool front = json_is_true(json_object_get(design, "front"));
        if (!front && strcmp(bd_page_text(design, "name"), bd_page_text(document, "nearest"))) {
            continue;
        }
        printf("%s %s:", front ? "front" : "nearest", bd_page_text(design, "name"));
        for (int m = 0; m < BD_SWEEP_METRIC_COUNT; m++) {
            const json_t *value = json_object_get(json_object_get(design, "metrics"), bd_sweep_metrics[m].name);
            if (value) {
                printf(" %s %.*f%s", bd_sweep_metrics[m].name, bd_sweep_metrics[m].digits, json_number_value(value),
                       m == BD_SWEEP_FPS ? bd_page_text(design, "clock")[0] == 'a' ? " (assumed clock)" : "" : "");
            }
        }
        putchar('\n');
    }
}

/* 1 where a task failed, no design meets the constraints, or one of the front is not what was priced. */
static bd_status judge(const json_t *document, const struct bd_runs_summary *summary, struct bd_error *err)
{
    const json_t *counts = json_object_get(document, "counts");
    bd_status status = bd_cli_runs_verdict(summary, err);
    if (!status && (!bd_page_number(counts, "front") || bd_page_number(counts, "unconfirmed") > 0)) {
        status = bd_fail(err, BD_FAIL, "%s", bd_page_text(document, "verdict"));
    }
    return status;
}

static bd_status finish(struct session *s, const struct bd_runs_summary *summary, bd_status status,
                        struct bd_error *err)
{
    struct bd_error other;
    bd_sweep_mark_front(s->run.sweep);
    json_t *document = bd_sweep_document(s->run.sweep);
    const bd_status wrote = bd_sweep_write(s->o->out, document, status ? &other : err);
    status = status ? status : wrote;
    status = status ? status : judge(document, summary, err);
    if (!wrote && s->o->runs.json) {
        json_object_set_new(document, "runs", bd_cli_runs_counts(summary));
        json_object_set_new(document, "seconds", json_real(summary->progress.seconds));
        json_object_set_new(document, "pass", json_boolean(status == BD_OK));
        bd_cli_report(json_incref(document));
    } else if (!wrote) {
        print_summary(document);
        printf("%zu points in %.1f s, %.0f an hour; results.md, results.csv and results.json in %s\n",
               summary->progress.selected - summary->progress.found, summary->progress.seconds,
               summary->progress.seconds > 0
                   ? 3600 * (double)(summary->progress.selected - summary->progress.found) / summary->progress.seconds
                   : 0.0,
               s->o->out);
    }
    json_decref(document);
    return status;
}

/* Names of designs are what -k is about; of tasks runs whatever those need. */
static bd_status select_designs(const struct options *o, struct bd_sweep *sweep, struct bd_error *err)
{
    size_t selected = 0;
    if (!o->runs.filter) {
        return BD_OK;
    }
    if (sweep->kind == BD_SWEEP_SEARCH) {
        return bd_fail(err, BD_BAD_INPUT, "'--filter' does not go with a search, which chooses designs itself");
    }
    for (size_t d = 0; d < sweep->design_count; d++) {
        sweep->designs[d].selected = bd_runs_matches(o->runs.filter, sweep->designs[d].name);
        selected += sweep->designs[d].selected;
    }
    return selected ? BD_OK : bd_fail(err, BD_BAD_INPUT, "no design matches '%s'", o->runs.filter);
}

static bd_status run_sweep(struct session *s, struct bd_error *err)
{
    const struct options *o = s->o;
    const struct bd_sweep *sweep = s->run.sweep;
    struct bd_runs_plan *plan = bd_runs_plan_new(NAME, sweep->name);
    struct bd_runs_command command = o->runs;
    struct bd_runs_summary summary = {0};
    size_t selected = 0, excluded = 0;
    command.filter = NULL;
    for (size_t d = 0; d < sweep->design_count; d++) {
        selected += sweep->designs[d].selected && sweep->designs[d].state == BD_SWEEP_OPEN;
        excluded += sweep->designs[d].state == BD_SWEEP_EXCLUDED;
    }
    bd_runs_plan_head(plan, json_pack("{s:o}", "sweep", bd_json_text(sweep->name)));
    const struct bd_runs_options own = {
        .growing = true, .expected = selected, .user = s, .on_event = on_event, .on_result = on_result, .more = more};
    if (sweep->kind == BD_SWEEP_SEARCH) {
        fprintf(stderr, "bitdial " NAME ": %s: a search of %d of %zu designs; %zu more are left out before they run\n",
                sweep->name, (int)sweep->search.evaluations, sweep->design_count - excluded, excluded);
    } else {
        fprintf(stderr, "bitdial " NAME ": %s: %zu designs; %zu more are left out before they run\n", sweep->name,
                selected, excluded);
    }
    bd_status status = bd_cli_runs_execute(&command, plan, o->out, &own, &summary, err);
    if (s->began || !status) {
        status = finish(s, &summary, status, err);
    }
    bd_runs_plan_free(plan);
    return status;
}

/* --list: tasks that are known, and designs that are left out, with their reasons. */
static bd_status list(struct session *s, struct bd_error *err)
{
    const struct bd_sweep *sweep = s->run.sweep;
    struct bd_runs_plan *plan = bd_runs_plan_new(NAME, sweep->name);
    struct bd_runs_command command = s->o->runs;
    command.filter = NULL;
    bd_status status = bd_sweep_plan_all(&s->run, plan, err);
    status = status ? status : bd_cli_runs_list(&command, plan, s->o->out, err);
    for (size_t d = 0; d < sweep->design_count && !status && !command.json; d++) {
        const struct bd_sweep_design *design = &sweep->designs[d];
        if (design->state == BD_SWEEP_EXCLUDED) {
            printf("%-14s %-40s %s\n", "excluded", design->name, design->reason);
        }
    }
    bd_runs_plan_free(plan);
    return status;
}

/* What would fail every task is told before the first one. */
static bd_status check_images(struct bd_sweep *sweep, struct bd_error *err)
{
    struct bd_image_source source = {.data = sweep->data, .split = BD_SPLIT_TEST, .count = 1};
    struct bd_checkpoint checkpoint;
    struct bd_dataset set;
    char *told;
    if (!bd_sweep_needs_accuracy(sweep) || bd_checkpoint_load(&checkpoint, sweep->networks[0].path, err)) {
        return bd_sweep_needs_accuracy(sweep) ? err->status : BD_OK;
    }
    const struct bd_image_shape shape = bd_graph_shape(&checkpoint.graph);
    bd_status status = bd_images_open(&set, &source, &shape, 0, &told, err);
    if (!status) {
        free(told);
        bd_dataset_release(&set);
    }
    bd_checkpoint_release(&checkpoint);
    return status;
}

static bd_status sweep(const struct options *o, struct bd_error *err)
{
    struct bd_sweep sweep;
    char *program = NULL;
    bd_status status = bd_sweep_load(&sweep, o->config, err);
    struct session session = {.o = o,
                              .run = {.sweep = &sweep,
                                      .dir = o->out,
                                      .threads = (int)o->threads,
                                      .confirm = !o->no_confirm,
                                      .force = o->runs.force}};
    status = status ? status : select_designs(o, &sweep, err);
    status = status ? status : bd_runs_own_program(&program, err);
    if (!status) {
        session.run.program = program;
        bd_sweep_run_init(&session.run);
        if (o->runs.list) {
            status = list(&session, err);
        } else {
            status = check_images(&sweep, err);
            status = status ? status : run_sweep(&session, err);
        }
        bd_sweep_run_release(&session.run);
    }
    free(program);
    bd_sweep_release(&sweep);
    return status;
}

int cmd_sweep(int argc, char **argv)
{
    struct options options;
    struct bd_error err;
    int parsed = parse_options(&options, argc, argv);
    if (parsed != BD_OPTIONS_READ) {
        return parsed;
    }
    bd_status status = options.task ? do_task(&options, &err) : sweep(&options, &err);
    return status == BD_OK ? BD_OK : bd_cli_fail(NAME, &err);
}
