/* `bitdial runs PLAN.yaml --out DIR`: many small runs, and what became of them. */
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/json.h"
#include "model/runs/plan_file.h"
#include "sw/cli/cli.h"
#include "sw/cli/options.h"
#include "sw/cli/report.h"
#include "sw/cli/runs_options.h"

#define NAME "runs"

static const char usage[] =
    "usage: bitdial runs PLAN.yaml --out DIR [options]\n"
    "       bitdial runs --out DIR --list\n"
    "\n"
    "Runs the points of a plan, each a program with its arguments, some side by side, within limits of time and\n"
    "memory, and keeps what each came to in DIR: runs.db (SQLite) and points/NAME/. Killed at any time and gone on\n"
    "with by --resume it comes to the same results. model/runs/README.md tells what a plan may say.\n"
    "\n"
    "  -o, --out DIR        the folder\n" BD_RUNS_USAGE
    "  --task FILE          run the point that a job of Slurm is of, as such a job does\n"
    "  --help               this text\n";

struct options {
    struct bd_runs_command runs;
    const char *plan, *out, *task;
};

static int parse_options(struct options *o, int argc, char **argv)
{
    *o = (struct options){.runs = {.command = NAME}};
    const struct bd_option table[] = {
        {"out", .text = &o->out, .letter = 'o'},
        {"task", .text = &o->task},
        BD_RUNS_ROWS(&o->runs),
        {0},
    };
    int code = bd_cli_options(NAME, usage, table, argc, argv);
    if (code == BD_OK) {
        puts("\nKeys of PLAN.yaml: name, default, meaning");
        bd_cli_print_fields(bd_runs_plan_fields, 0);
        puts("\nKeys of a point; a limit of -1 is the plan's");
        bd_cli_print_fields(bd_runs_point_fields, 0);
    }
    if (code != BD_OPTIONS_READ) {
        return code;
    }
    o->plan = optind < argc ? argv[optind] : NULL;
    if (optind + 1 < argc || (!o->plan && !((o->runs.list || o->task) && o->out))) {
        return bd_cli_usage(NAME, "expected one plan (PLAN.yaml)");
    }
    if (!o->out && !o->runs.list) {
        return bd_cli_usage(NAME, "'--out' is missing: the folder for results");
    }
    code = bd_cli_check_runs(&o->runs);
    return code == BD_OK ? BD_OPTIONS_READ : code;
}

/* ---- reports ---- */

static void print_points(const json_t *points)
{
    const json_t *point;
    size_t i;
    json_array_foreach((json_t *)points, i, point)
    {
        const char *state = json_string_value(json_object_get(point, "state"));
        if (strcmp(state, "done")) {
            printf("%-14s %s: %s\n               repeat: %s\n", state,
                   json_string_value(json_object_get(point, "name")),
                   json_string_value(json_object_get(point, "cause")),
                   json_string_value(json_object_get(point, "repeat")));
        }
    }
}

static bd_status report(const struct options *o, const struct bd_runs_summary *summary, bool pass, struct bd_error *err)
{
    const struct bd_runs_progress *p = &summary->progress;
    json_t *list;
    if (bd_runs_list(o->out, o->runs.filter, &list, err)) {
        return err->status;
    }
    if (o->runs.json) {
        json_object_update_new(list, json_pack("{s:b, s:o, s:f, s:o, s:I}", "pass", pass, "out", bd_json_text(o->out),
                                               "seconds", p->seconds, "counts", bd_cli_runs_counts(summary), "found",
                                               (json_int_t)p->found));
        bd_cli_report(json_incref(list));
    } else {
        print_points(json_object_get(list, "points"));
        printf("%zu points in %.1f s: %zu done (%zu results were there), %zu failed, %zu timed out, %zu met the "
               "infrastructure, %zu not run\n",
               p->selected, p->seconds, p->state[BD_RUNS_DONE], p->found, p->state[BD_RUNS_FAILED],
               p->state[BD_RUNS_TIMED_OUT], p->state[BD_RUNS_INFRASTRUCTURE],
               p->state[BD_RUNS_QUEUED] + p->state[BD_RUNS_RUNNING]);
    }
    json_decref(list);
    return BD_OK;
}

static bd_status run(const struct options *o, struct bd_error *err)
{
    struct bd_runs_plan *plan = NULL;
    struct bd_runs_summary summary;
    char *program = NULL;
    if (o->task) {
        return bd_runs_task(o->out, o->task, err);
    }
    if (!o->plan) {
        return bd_cli_runs_list_folder(&o->runs, o->out, err);
    }
    bd_status status = bd_runs_own_program(&program, err);
    status = status ? status : bd_runs_plan_read(o->plan, program, &plan, err);
    free(program);
    if (!status && o->runs.list) {
        status = bd_cli_runs_list(&o->runs, plan, o->out, err);
    } else if (!status) {
        const struct bd_runs_options own = {0};
        struct bd_error other;
        status = bd_cli_runs_execute(&o->runs, plan, o->out, &own, &summary, err);
        status = status ? status : bd_cli_runs_verdict(&summary, err);
        if (summary.progress.selected) { /* what there is, also when it was stopped */
            bd_status told = report(o, &summary, status == BD_OK, status ? &other : err);
            status = status ? status : told;
        }
    }
    bd_runs_plan_free(plan);
    return status;
}

int cmd_runs(int argc, char **argv)
{
    struct options options;
    struct bd_error err;
    int parsed = parse_options(&options, argc, argv);
    if (parsed != BD_OPTIONS_READ) {
        return parsed;
    }
    bd_status status = run(&options, &err);
    return status ? bd_cli_fail(NAME, &err) : BD_OK;
}
