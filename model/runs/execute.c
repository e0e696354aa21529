/* The loop: starts points, takes results, keeps the database, tells the caller. */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/core/clock.h"
#include "model/core/file.h"
#include "model/core/memory.h"
#include "model/core/output.h"
#include "model/runs/runs_parts.h"

#define WAIT_MS 200                            /* for results, before `stop` is looked at again */
#define AT_ONCE 64                             /* results that are taken in one turn */
#define END_SECONDS (5 * BD_RUNS_KILL_SECONDS) /* for killed points to be gone */

/* What this call knows of a point. */
struct point {
    enum bd_runs_state state;
    int attempt; /* of all calls */
    int lost;    /* attempts of this call that were killed from outside, one after another */
    bool selected;
};

struct run {
    struct bd_runs_plan *plan;
    const char *dir;
    const struct bd_runs_options *options;
    struct bd_runs_store *store;
    struct bd_runs_executor *executor;
    struct bd_output_lock lock;
    json_t *stored; /* plan.json as it was found, or NULL */
    struct point *points;
    size_t known; /* points of the plan that stand in the store */
    size_t next;  /* none before it is queued */
    int busy;
    bool stopping, news; /* news: results that `more` has not seen */
    double started, told, done_weight, left_weight, known_weight;
    size_t ended; /* in this call */
    struct bd_runs_progress progress;
};

bool bd_runs_matches(const char *filter, const char *name)
{
    if (!filter || !*filter) {
        return true;
    }
    return strpbrk(filter, "*?[") ? fnmatch(filter, name, 0) == 0 : strstr(name, filter) != NULL;
}

/* ---- telling ---- */

static const struct bd_runs_progress *measure(struct run *r)
{
    struct bd_runs_progress *p = &r->progress;
    const size_t most = r->options->expected;
    p->total = r->plan->count;
    p->expected = most > p->selected ? most : p->selected;
    p->seconds = bd_seconds(CLOCK_MONOTONIC) - r->started;
    p->per_minute = r->ended && p->seconds > 0 ? 60 * (double)r->ended / p->seconds : -1;
    const double later = r->options->expected_weight - r->known_weight;
    p->seconds_left =
        r->done_weight > 0 ? (r->left_weight + (later > 0 ? later : 0)) * p->seconds / r->done_weight : -1;
    return p;
}

static void tell(struct run *r, enum bd_runs_event_kind kind, const struct bd_runs_entry *entry, const char *cause,
                 const json_t *result)
{
    if (r->options->on_event) {
        const struct bd_runs_event event = {.kind = kind,
                                            .point = entry ? &entry->point : NULL,
                                            .state = bd_runs_result_state(result),
                                            .cause = cause ? cause : "",
                                            .result = result,
                                            .progress = measure(r)};
        r->options->on_event(r->options->user, &event);
    }
}

static void move(struct run *r, size_t index, enum bd_runs_state to)
{
    struct point *p = &r->points[index];
    if (p->selected) {
        r->progress.state[p->state]--;
        r->progress.state[to]++;
    }
    p->state = to;
    if (to == BD_RUNS_QUEUED && index < r->next) {
        r->next = index;
    }
}

/* ---- results ---- */

/* A result that was there (`found`) or is new. */
static bd_status take_result(struct run *r, size_t index, const json_t *result, bool found, struct bd_error *err)
{
    const struct bd_runs_entry *entry = &r->plan->entries[index];
    const enum bd_runs_state state = bd_runs_result_state(result);
    move(r, index, state);
    r->news = true;
    if (r->points[index].selected) {
        r->left_weight -= entry->point.weight;
        r->progress.found += found;
    }
    if (!found) {
        r->done_weight += entry->point.weight;
        r->ended++;
    }
    tell(r, found ? BD_RUNS_FOUND : BD_RUNS_ENDED, entry, json_string_value(json_object_get(result, "cause")), result);
    return r->options->on_result ? r->options->on_result(r->options->user, &entry->point, state, result, err) : BD_OK;
}

static void remove_file(const struct run *r, const char *name, const char *file)
{
    char *path = bd_runs_path(r->dir, name, file);
    unlink(path);
    free(path);
}

/* The stored result of a point: of its file, which the database may not have heard of yet, or of the database, whose
 * file somebody has damaged. */
static bd_status find_result(struct run *r, size_t index, json_t **result, struct bd_error *err)
{
    const struct bd_runs_entry *entry = &r->plan->entries[index];
    struct bd_error damaged;
    json_t *row;
    bd_status status = bd_runs_store_row(r->store, entry, &r->points[index].attempt, &row, err);
    if (status) {
        return status;
    }
    if (bd_runs_result_read(r->dir, entry->point.name, entry->identity, result, &damaged) != BD_OK) {
        tell(r, BD_RUNS_REPEATED, entry, damaged.message, NULL);
        remove_file(r, entry->point.name, "result.json");
    }
    if (*result && !row) {
        status = bd_runs_store_result(r->store, entry->point.name, *result, true, err);
    } else if (!*result && row) {
        status = bd_runs_store_state(r->store, entry->point.name, BD_RUNS_QUEUED, r->points[index].attempt, err);
    }
    json_decref(row);
    return status;
}

static void know_point(struct run *r, size_t index)
{
    const struct bd_runs_point *point = &r->plan->entries[index].point;
    const bool selected = bd_runs_matches(r->options->filter, point->name);
    r->points[index] = (struct point){.state = BD_RUNS_QUEUED, .selected = selected};
    r->progress.selected += selected;
    r->progress.state[BD_RUNS_QUEUED] += selected;
    r->left_weight += selected ? point->weight : 0;
    r->known_weight += point->weight;
}

/* Takes a stored result, or drops it so that the point runs again. */
static bd_status use_stored(struct run *r, size_t index, const json_t *result, struct bd_error *err)
{
    const char *name = r->plan->entries[index].point.name;
    if (r->options->retry_failed && r->points[index].selected && bd_runs_result_state(result) != BD_RUNS_DONE) {
        remove_file(r, name, "result.json");
        return bd_runs_store_state(r->store, name, BD_RUNS_QUEUED, r->points[index].attempt, err);
    }
    return take_result(r, index, result, true, err);
}

/* Points that the plan has got since the last call of this: into plan.json and the database, with what is stored. */
static bd_status take_points(struct run *r, struct bd_error *err)
{
    const size_t from = r->known, count = r->plan->count - from;
    if (count == 0) {
        return BD_OK;
    }
    if (r->stored && r->options->growing && bd_runs_plan_same(r->plan, r->stored, true, true, err)) {
        return bd_fail_prefix(err, "the runs in '%s'", r->dir);
    }
    json_t **results = bd_xcalloc(count, sizeof(json_t *));
    bd_status status = bd_runs_plan_save(r->plan, r->dir, &r->stored, err);
    status = status ? status : bd_runs_store_begin(r->store, err);
    r->points = bd_xrealloc(r->points, r->plan->count, sizeof *r->points);
    r->known = r->plan->count;
    for (size_t i = 0; i < count; i++) {
        know_point(r, from + i);
    }
    for (size_t i = 0; i < count && !status; i++) {
        status = find_result(r, from + i, &results[i], err);
    }
    status = status ? status : bd_runs_store_commit(r->store, err);
    for (size_t i = 0; i < count; i++) {
        status = status || !results[i] ? status : use_stored(r, from + i, results[i], err);
        json_decref(results[i]);
    }
    free(results);
    return status;
}

/* ---- what becomes of points ---- */

static bd_status queue_again(struct run *r, size_t index, const char *cause, struct bd_error *err)
{
    move(r, index, BD_RUNS_QUEUED);
    if (cause) {
        tell(r, BD_RUNS_REPEATED, &r->plan->entries[index], cause, NULL);
    }
    return bd_runs_store_state(r->store, r->plan->entries[index].point.name, BD_RUNS_QUEUED, r->points[index].attempt,
                               err);
}

static bd_status take_ended(struct run *r, const struct bd_runs_ended *ended, struct bd_error *err)
{
    const struct bd_runs_entry *entry = &r->plan->entries[ended->index];
    struct point *point = &r->points[ended->index];
    json_t *result;
    struct bd_error damaged;
    bd_status status = BD_OK;
    r->busy--;
    if (bd_runs_result_read(r->dir, entry->point.name, entry->identity, &result, &damaged) != BD_OK) {
        remove_file(r, entry->point.name, "result.json");
    }
    if (!result && ended->how == BD_RUNS_CANNOT_WORK) {
        status = queue_again(r, ended->index, NULL, err);
        return status ? status : bd_fail(err, BD_INFRA, "point '%s': %s", entry->point.name, ended->message);
    }
    if (!result && ended->how == BD_RUNS_WAS_STOPPED) {
        return queue_again(r, ended->index, NULL, err);
    }
    if (!result && ++point->lost < BD_RUNS_TRIES) {
        return queue_again(r, ended->index, *ended->message ? ended->message : "it left no result", err);
    }
    if (!result) {
        struct bd_runs_end end = {.state = BD_RUNS_INFRASTRUCTURE, .exit = -1, .signal = -1, .attempt = point->attempt};
        snprintf(end.cause, sizeof end.cause, "%.400s, %d times in a row",
                 *ended->message ? ended->message : "it left no result", point->lost);
        status = bd_runs_result_write(r->dir, entry->point.name, entry->identity, &end, err);
        status = status ? status : bd_runs_result_read(r->dir, entry->point.name, NULL, &result, err);
    }
    status = status ? status : bd_runs_store_result(r->store, entry->point.name, result, true, err);
    status = status ? status : take_result(r, ended->index, result, false, err);
    json_decref(result);
    return status;
}

static bd_status start_points(struct run *r, struct bd_error *err)
{
    bd_status status = BD_OK;
    for (; r->next < r->known && r->busy < r->executor->jobs && !status; r->next++) {
        struct point *point = &r->points[r->next];
        const struct bd_runs_entry *entry = &r->plan->entries[r->next];
        if (point->state != BD_RUNS_QUEUED || !point->selected) {
            continue;
        }
        point->attempt++;
        status = bd_runs_store_state(r->store, entry->point.name, BD_RUNS_RUNNING, point->attempt, err);
        status = status ? status : r->executor->start(r->executor, r->next, point->attempt, err);
        if (!status) {
            r->busy++;
            move(r, r->next, BD_RUNS_RUNNING);
            tell(r, BD_RUNS_STARTED, entry, NULL, NULL);
        }
    }
    return status;
}

/* Waits for points to end, and takes what they came to. */
static bd_status wait_for_points(struct run *r, struct bd_error *err)
{
    struct bd_runs_ended ended[AT_ONCE];
    size_t count = 0;
    bd_status status = r->executor->wait(r->executor, WAIT_MS, ended, AT_ONCE, &count, err);
    for (size_t i = 0; i < count; i++) { /* all, also after a failure: they are not heard of again */
        struct bd_error other;
        bd_status taken = take_ended(r, &ended[i], status ? &other : err);
        status = status ? status : taken;
    }
    return status;
}

static void look_at_stop(struct run *r)
{
    const int stop = r->options->stop ? *r->options->stop : 0;
    if (stop && !r->stopping) {
        r->stopping = true;
        tell(r, BD_RUNS_STOPPING, NULL, NULL, NULL);
    }
    if (stop > 1) {
        r->executor->stop(r->executor);
    }
    if (bd_seconds(CLOCK_MONOTONIC) - r->told >= 1) {
        r->told = bd_seconds(CLOCK_MONOTONIC);
        tell(r, BD_RUNS_TICK, NULL, NULL, NULL);
    }
}

/* Lets the caller add points while it does. */
static bd_status ask_for_more(struct run *r, struct bd_error *err)
{
    size_t before;
    bd_status status = BD_OK;
    do {
        before = r->plan->count;
        r->news = false;
        status = r->options->more(r->options->user, r->plan, err);
        status = status ? status : take_points(r, err);
    } while (!status && r->news && r->plan->count > before); /* their results were stored */
    return status;
}

static bd_status loop(struct run *r, struct bd_error *err)
{
    bd_status status = take_points(r, err);
    r->news = true; /* so that the first ones are asked for */
    while (!status) {
        look_at_stop(r);
        if (r->options->more && r->news && !r->stopping) {
            status = ask_for_more(r, err);
        }
        status = status || r->stopping ? status : start_points(r, err);
        if (status || !r->busy) {
            break;
        }
        status = wait_for_points(r, err);
    }
    return status;
}

/* After a failure: what still runs ends without a result and is queued. */
static void give_up(struct run *r)
{
    struct bd_error ignored;
    const double until = bd_seconds(CLOCK_MONOTONIC) + END_SECONDS;
    if (r->busy) {
        r->executor->stop(r->executor);
    }
    while (r->busy && bd_seconds(CLOCK_MONOTONIC) < until) {
        struct bd_runs_ended ended[AT_ONCE];
        size_t count = 0;
        if (r->executor->wait(r->executor, WAIT_MS, ended, AT_ONCE, &count, &ignored)) {
            break;
        }
        r->busy -= (int)count;
        for (size_t i = 0; i < count; i++) {
            if (queue_again(r, ended[i].index, NULL, &ignored)) {
                continue; /* the next call finds out what became of it */
            }
        }
    }
}

/* ---- the folder ---- */

static bd_status open_folder(struct run *r, struct bd_error *err)
{
    const struct bd_runs_options *o = r->options;
    char *path = bd_asprintf("%s/runs.db", r->dir);
    bd_status status = bd_make_folder(r->dir, err);
    status = status ? status : bd_output_lock(&r->lock, path, err);
    status = status ? status : bd_runs_plan_load(r->dir, &r->stored, err);
    if (status && err->status == BD_BAD_INPUT && o->force) {
        status = BD_OK; /* a plan that cannot be read is none */
    }
    if (!status && r->stored && !o->resume && !o->retry_failed && !o->force) {
        status = bd_fail(err, BD_BAD_INPUT, "'%s' holds runs already: --resume goes on with them, --force begins anew",
                         r->dir);
    }
    if (!status && !r->stored && !o->force && access(path, F_OK) == 0) {
        status = bd_fail(err, BD_BAD_INPUT, "'%s' is there without its plan.json: --force begins anew", path);
    }
    if (!status && r->stored && !o->force) {
        status = bd_runs_plan_same(r->plan, r->stored, o->growing, o->any_build, err);
        if (status) {
            bd_fail_prefix(err, "the runs in '%s'", r->dir);
        }
    }
    free(path);
    return status;
}

/* Results of the stored plan go, whatever names it had; its history stays. */
static void drop_results(struct run *r)
{
    static const char *const files[] = {"result.json", "stdout", "stderr"};
    const json_t *point;
    size_t i;
    json_array_foreach(json_object_get(r->stored, "points"), i, point)
    {
        const char *name = json_string_value(json_object_get(point, "name"));
        for (int f = 0; f < 3 && name && !strchr(name, '/') && name[0] != '.'; f++) {
            remove_file(r, name, files[f]);
        }
    }
    for (i = 0; i < r->plan->count; i++) {
        remove_file(r, r->plan->entries[i].point.name, "result.json");
    }
    json_decref(r->stored);
    r->stored = NULL;
}

static bd_status renew(struct run *r, struct bd_error *err)
{
    bd_status status = bd_runs_store_begin(r->store, err);
    status = status ? status : bd_runs_store_renew(r->store, r->plan, err);
    return status ? status : bd_runs_store_commit(r->store, err);
}

/* Killed anywhere in here, the folder holds nothing yet, or the old runs, or the new ones. */
static bd_status open_store(struct run *r, struct bd_error *err)
{
    char *path = bd_asprintf("%s/runs.db", r->dir);
    const bool there = access(path, F_OK) == 0;
    free(path);
    bd_status status = BD_OK;
    if (!r->options->force && !r->stored) {
        status = bd_runs_plan_save(r->plan, r->dir, &r->stored, err);
    }
    status = status ? status : bd_runs_store_open(&r->store, r->dir, true, err);
    if (status) {
        return status;
    }
    if (!r->options->force) {
        return there ? bd_runs_store_settle(r->store, err) : renew(r, err);
    }
    status = renew(r, err);
    if (!status) {
        drop_results(r);
        status = bd_runs_plan_save(r->plan, r->dir, &r->stored, err);
    }
    return status;
}

/* Stopped by the caller: BD_INFRA unless all had ended by then. */
static bd_status check_stopped(struct run *r, struct bd_error *err)
{
    const struct bd_runs_progress *p = measure(r);
    const size_t ended = p->selected - p->state[BD_RUNS_QUEUED] - p->state[BD_RUNS_RUNNING];
    if (ended == p->selected && (!r->options->more || (r->options->expected && ended >= p->expected))) {
        return BD_OK;
    }
    return bd_fail(err, BD_INFRA, "stopped with %zu of %zu points run: --resume goes on", ended, p->expected);
}

/* Before anything is touched; of a plan that grows nobody knows yet. */
static bd_status check_filter(const struct bd_runs_plan *plan, const struct bd_runs_options *options,
                              struct bd_error *err)
{
    bool any = plan->count == 0 || options->more;
    for (size_t i = 0; i < plan->count && !any; i++)
        any = bd_runs_matches(options->filter, plan->entries[i].point.name);
    return any ? BD_OK : bd_fail(err, BD_BAD_INPUT, "no point matches '%s'", options->filter);
}

bd_status bd_runs_execute(struct bd_runs_plan *plan, const char *dir, const struct bd_runs_options *options,
                          struct bd_runs_summary *summary, struct bd_error *err)
{
    struct run r = {.plan = plan,
                    .dir = dir,
                    .options = options,
                    .lock = BD_OUTPUT_UNLOCKED,
                    .started = bd_seconds(CLOCK_MONOTONIC)};
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
    const int jobs = options->jobs > 0 ? options->jobs : processors > 0 ? (int)processors : 1;
    *summary = (struct bd_runs_summary){0};
    if (check_filter(plan, options, err) || (options->slurm && bd_runs_slurm_check(err))) {
        return err->status;
    }
    bd_status status = open_folder(&r, err);
    status = status ? status : open_store(&r, err);
    if (!status && options->slurm) {
        status = bd_runs_slurm_open(&r.executor, dir, plan, options->slurm, options->jobs, err);
    } else if (!status) {
        r.executor = bd_runs_local_open(dir, plan, jobs < BD_RUNS_JOBS ? jobs : BD_RUNS_JOBS, r.lock.fd);
    }
    if (!status) {
        status = loop(&r, err);
        give_up(&r);
        r.executor->close(r.executor);
    }
    if (!status && r.stopping) {
        status = check_stopped(&r, err);
    }
    *summary = (struct bd_runs_summary){.progress = *measure(&r), .stopped = r.stopping};
    bd_runs_store_close(r.store);
    bd_output_unlock(&r.lock);
    json_decref(r.stored);
    free(r.points);
    return status;
}
