#include "sw/cli/runs_options.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "model/core/json.h"
#include "sw/cli/cli.h"
#include "sw/cli/report.h"

/* ---- options ---- */

bool bd_cli_take_retry(void *options, const char *text)
{
    struct bd_runs_command *o = options;
    o->retry_failed = !strcmp(text, "failed");
    if (!o->retry_failed) {
        bd_cli_usage(o->command, "'--retry' takes 'failed', got '%s'", text);
    }
    return o->retry_failed;
}

int bd_cli_check_runs(const struct bd_runs_command *o)
{
    if (o->force && (o->resume || o->retry_failed)) {
        return bd_cli_usage(o->command, "'--force' begins anew, '%s' goes on: give one",
                            o->resume ? "--resume" : "--retry");
    }
    return BD_OK;
}

/* ---- progress ---- */

struct view {
    const struct bd_runs_options *own;
    const struct bd_runs_command *options;
    const char *command;
    bool terminal;
};

static size_t ended(const struct bd_runs_progress *p)
{
    return p->selected - p->state[BD_RUNS_QUEUED] - p->state[BD_RUNS_RUNNING];
}

static void print_left(const struct bd_runs_progress *p)
{
    if (p->per_minute > 0) {
        fprintf(stderr, p->per_minute < 600 ? "; %.1f a minute" : "; %.0f a minute", p->per_minute);
    }
    if (p->seconds_left > 0 && ended(p) < p->expected) {
        const double s = p->seconds_left;
        fprintf(stderr,
                s < 100    ? ", about %.0f s left"
                : s < 6000 ? ", about %.0f min left"
                           : ", about %.1f h left",
                s < 100    ? s
                : s < 6000 ? s / 60
                           : s / 3600);
    }
}

/* On a terminal one line that changes. */
static void print_status(const struct bd_runs_progress *p)
{
    fprintf(stderr, "\r\033[K[%zu/%zu] %zu running", ended(p), p->expected, p->state[BD_RUNS_RUNNING]);
    const size_t bad = p->state[BD_RUNS_FAILED] + p->state[BD_RUNS_TIMED_OUT] + p->state[BD_RUNS_INFRASTRUCTURE];
    if (bad) {
        fprintf(stderr, ", %zu not done", bad);
    }
    print_left(p);
    fflush(stderr);
}

static void print_end(const struct view *v, const struct bd_runs_event *event)
{
    const struct bd_runs_progress *p = event->progress;
    char *cause = bd_utf8(event->cause),
         *more = v->options->describe ? v->options->describe(v->own->user, event) : NULL;
    fprintf(stderr, "%s[%zu/%zu] %s %s, %.1f s", v->terminal ? "\r\033[K" : "", ended(p), p->expected,
            event->point->name, bd_runs_state_names[event->state],
            json_number_value(json_object_get(event->result, "seconds")));
    if (*cause) {
        fprintf(stderr, ": %s", cause);
    }
    if (more) {
        fprintf(stderr, " | %s", more);
    }
    print_left(p);
    fputc('\n', stderr);
    free(cause);
    free(more);
}

static void watch(void *user, const struct bd_runs_event *event)
{
    const struct view *v = user;
    const char *line = v->terminal ? "\r\033[K" : "";
    if (event->kind == BD_RUNS_ENDED && (!v->terminal || event->state != BD_RUNS_DONE || v->options->describe)) {
        print_end(v, event);
    } else if (event->kind == BD_RUNS_REPEATED) {
        fprintf(stderr, "%sbitdial %s: point '%s' runs again: %s\n", line, v->command, event->point->name,
                event->cause);
    } else if (event->kind == BD_RUNS_STOPPING && event->progress->state[BD_RUNS_RUNNING]) {
        fprintf(stderr, "%sbitdial %s: stopping: %zu points run to their end; once more ends them now\n", line,
                v->command, event->progress->state[BD_RUNS_RUNNING]);
    }
    if (v->terminal && event->kind != BD_RUNS_FOUND) {
        print_status(event->progress);
    }
    if (v->own->on_event) {
        v->own->on_event(v->own->user, event);
    }
}

static bd_status pass_result(void *user, const struct bd_runs_point *point, enum bd_runs_state state,
                             const json_t *result, struct bd_error *err)
{
    const struct view *v = user;
    return v->own->on_result ? v->own->on_result(v->own->user, point, state, result, err) : BD_OK;
}

static bd_status pass_more(void *user, struct bd_runs_plan *plan, struct bd_error *err)
{
    const struct view *v = user;
    return v->own->more(v->own->user, plan, err);
}

/* ---- running ---- */

static volatile sig_atomic_t stop, at_once;

/* Ctrl-C once and twice; what ends a session or a job has no time for more. */
static void on_signal(int number)
{
    stop = number == SIGINT && !stop && !at_once ? 1 : 2;
}

bd_status bd_cli_runs_execute(const struct bd_runs_command *o, struct bd_runs_plan *plan, const char *dir,
                              const struct bd_runs_options *own, struct bd_runs_summary *summary, struct bd_error *err)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    struct view view = {.own = own, .options = o, .command = o->command, .terminal = isatty(STDERR_FILENO)};
    struct bd_runs_options options = *own;
    struct sigaction before[3];
    at_once = o->at_once;
    options.jobs = (int)o->jobs;
    options.resume = o->resume;
    options.force = o->force;
    options.retry_failed = o->retry_failed;
    options.any_build = o->any_build;
    options.filter = o->filter;
    options.slurm = o->slurm;
    options.stop = &stop;
    options.user = &view;
    options.on_event = watch;
    options.on_result = pass_result;
    options.more = own->more ? pass_more : NULL;
    for (int i = 0; i < 3; i++) {
        sigaction(signals[i], NULL, &before[i]);
        if (before[i].sa_handler != SIG_IGN) { /* under nohup it stays so */
            sigaction(signals[i], &(struct sigaction){.sa_handler = on_signal}, NULL);
        }
    }
    bd_runs_plan_limit(plan, o->time_limit, o->memory_limit);
    bd_status status = bd_runs_execute(plan, dir, &options, summary, err);
    for (int i = 0; i < 3; i++) {
        sigaction(signals[i], &before[i], NULL);
    }
    if (view.terminal) {
        fputs("\r\033[K", stderr);
    }
    return status;
}

/* ---- lists and reports ---- */

/* What DIR knows, by name; NULL where it knows nothing. */
static json_t *known(const char *dir)
{
    struct bd_error ignored;
    json_t *list = NULL, *by_name, *point;
    size_t i;
    if (!dir || bd_runs_list(dir, NULL, &list, &ignored)) {
        return NULL;
    }
    by_name = json_object();
    json_array_foreach(json_object_get(list, "points"), i, point)
    {
        json_object_set(by_name, json_string_value(json_object_get(point, "name")), point);
    }
    json_decref(list);
    return by_name;
}

bd_status bd_cli_runs_list(const struct bd_runs_command *o, const struct bd_runs_plan *plan, const char *dir,
                           struct bd_error *err)
{
    json_t *by_name = known(dir), *points = json_array();
    for (size_t i = 0; i < bd_runs_plan_count(plan); i++) {
        const struct bd_runs_point *point = bd_runs_plan_point(plan, i);
        json_t *row = json_object_get(by_name, point->name);
        if (!bd_runs_matches(o->filter, point->name)) {
            continue;
        }
        row = row ? json_incref(row)
                  : json_pack("{s:s, s:s, s:o}", "name", point->name, "state", "queued", "repeat",
                              bd_json_text(point->repeat));
        if (!o->json) {
            printf("%-14s %-40s %s\n", json_string_value(json_object_get(row, "state")), point->name,
                   json_string_value(json_object_get(row, "repeat")));
        }
        json_array_append_new(points, row);
    }
    json_decref(by_name);
    bd_status status = json_array_size(points)
                           ? BD_OK
                           : bd_fail(err, BD_BAD_INPUT, "no point matches '%s'", o->filter ? o->filter : "");
    if (o->json && !status) {
        bd_cli_report(json_pack("{s:O}", "points", points));
    }
    json_decref(points);
    return status;
}

bd_status bd_cli_runs_list_folder(const struct bd_runs_command *o, const char *dir, struct bd_error *err)
{
    json_t *list, *point;
    size_t i;
    if (bd_runs_list(dir, o->filter, &list, err)) {
        return err->status;
    }
    if (o->json) {
        bd_cli_report(list);
        return BD_OK;
    }
    json_array_foreach(json_object_get(list, "points"), i, point)
    {
        printf("%-14s %-40s %s\n", json_string_value(json_object_get(point, "state")),
               json_string_value(json_object_get(point, "name")), json_string_value(json_object_get(point, "repeat")));
    }
    json_decref(list);
    return BD_OK;
}

json_t *bd_cli_runs_counts(const struct bd_runs_summary *summary)
{
    const struct bd_runs_progress *p = &summary->progress;
    json_t *counts = json_pack("{s:I}", "total", (json_int_t)p->selected);
    for (int state = BD_RUNS_DONE; state < BD_RUNS_STATES; state++) {
        json_object_set_new(counts, bd_runs_state_names[state], json_integer((json_int_t)p->state[state]));
    }
    json_object_set_new(counts, "queued",
                        json_integer((json_int_t)(p->state[BD_RUNS_QUEUED] + p->state[BD_RUNS_RUNNING])));
    return counts;
}

bd_status bd_cli_runs_verdict(const struct bd_runs_summary *summary, struct bd_error *err)
{
    const size_t *state = summary->progress.state, selected = summary->progress.selected;
    if (state[BD_RUNS_DONE] == selected) {
        return BD_OK;
    }
    const bd_status status = state[BD_RUNS_INFRASTRUCTURE] || state[BD_RUNS_QUEUED] ? BD_INFRA : BD_FAIL;
    return bd_fail(err, status, "%zu of %zu points are not done: %zu failed, %zu timed out, %zu met the infrastructure",
                   selected - state[BD_RUNS_DONE], selected, state[BD_RUNS_FAILED], state[BD_RUNS_TIMED_OUT],
                   state[BD_RUNS_INFRASTRUCTURE]);
}
