/* Points as tasks of Slurm's job arrays. Results come by the file system, which all nodes share; squeue tells which
 * tasks are left, so that one that is gone without a result (a lost node, a killed job, a controller that lost its
 * state) is handed in again. What was handed in stands in DIR/slurm, so that a caller that was killed finds its jobs.
 */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "model/core/clock.h"
#include "model/core/file.h"
#include "model/core/memory.h"
#include "model/core/process.h"
#include "model/runs/runs_parts.h"

#define TASKS 1000           /* of an array, at most: Slurm's own default allows one more */
#define LOOK_SECONDS 0.5     /* between two looks for results, */
#define ASK_SECONDS 2.0      /* and between two questions to the controller */
#define GONE_SECONDS 5.0     /* from the end of a task until its result must be seen */
#define COMMAND_SECONDS 60.0 /* for one command of Slurm */
#define SILENT_SECONDS 900.0 /* without any answer of the controller */
#define LIST_LIMIT ((size_t)64 << 20)

/* A point that is Slurm's. */
struct task {
    size_t index;
    int attempt;
    long job;       /* 0: not handed in yet */
    int batch;      /* that it was handed in with, */
    int number;     /* and its place in the array of that */
    bool listed;    /* by the controller, when it was asked last */
    double gone_at; /* when it was not any more; 0: it is there */
};

struct slurm {
    struct bd_runs_executor x;
    char **options; /* of sbatch, ended by NULL */
    char *program, *script;
    char *name;   /* of jobs, before the number of the batch: a controller that lost its state numbers jobs anew */
    int throttle; /* tasks of an array at once; 0: all */
    struct task *tasks; /* in flight */
    size_t count, room;
    json_t *left; /* name -> [job, batch, number] that an earlier caller handed in */
    int batches;
    double looked, asked, answered;
    bool stopping;
};

/* ---- commands ---- */

/* Runs a command of Slurm: its stdout and stderr (malloc'd) and its exit code. It goes on where the caller dies, so
 * that jobs are not half handed in. BD_INFRA: it cannot be started, or takes longer than COMMAND_SECONDS. */
static bd_status command(const char *const *argv, char **text, int *code, struct bd_error *err)
{
    const struct bd_process process = {
        .argv = argv, .seconds = COMMAND_SECONDS, .errors = BD_PROCESS_JOIN, .outlives = true};
    bd_status status = bd_process_run(&process, text, code, err);
    if (!status && *code == BD_PROCESS_TIMED_OUT) {
        status = bd_fail(err, BD_INFRA, "'%s' took longer than %g s", argv[0], COMMAND_SECONDS);
        free(*text);
        *text = NULL;
    }
    return status;
}

/* Words of `text` at its spaces. */
static char **split(const char *text)
{
    char **words = bd_xcalloc(strlen(text) / 2 + 2, sizeof *words);
    size_t count = 0;
    while (*(text += strspn(text, " \t\n"))) {
        const size_t length = strcspn(text, " \t\n");
        words[count++] = bd_xstrndup(text, length);
        text += length;
    }
    return words;
}

static void free_words(char **words)
{
    for (char **word = words; word && *word; word++) {
        free(*word);
    }
    free(words);
}

/* Whether Slurm's message says that its controller does not answer now. */
static bool is_silence(const char *text)
{
    static const char *const signs[] = {"contact", "timed out", "Connection", "Socket", "Zero Bytes", "try again"};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        if (strstr(text, signs[i])) {
            return true;
        }
    }
    return false;
}

static bd_status check_silence(const struct slurm *s, struct bd_error *err)
{
    return bd_seconds(CLOCK_MONOTONIC) - s->answered > SILENT_SECONDS
               ? bd_fail(err, BD_INFRA, "no answer of Slurm's controller for %.0f s: --resume goes on", SILENT_SECONDS)
               : BD_OK;
}

/* ---- handing in ---- */

/* DIR/slurm/batch-N.json: what its tasks are; with the job, once that is known. */
static bd_status write_batch(const struct slurm *s, const struct task *tasks, int count, long job, char **path,
                             struct bd_error *err)
{
    json_t *points = json_array(), *batch;
    for (int i = 0; i < count; i++) {
        json_array_append_new(points, json_pack("{s:s, s:i}", "name", s->x.plan->entries[tasks[i].index].point.name,
                                                "attempt", tasks[i].attempt));
    }
    batch = json_pack("{s:I, s:o}", "job", (json_int_t)job, "points", points);
    char *text = json_dumps(batch, JSON_COMPACT);
    *path = bd_asprintf("%s/slurm/batch-%d.json", s->x.dir, s->batches);
    bd_status status = bd_file_write(*path, text, strlen(text), err);
    free(text);
    json_decref(batch);
    return status;
}

/* *job 0: the controller does not answer now. */
static bd_status call_sbatch(struct slurm *s, const char *batch, int count, long *job, struct bd_error *err)
{
    char *job_name = bd_asprintf("--job-name=%s%d", s->name, s->batches);
    char *array =
        s->throttle ? bd_asprintf("--array=0-%d%%%d", count - 1, s->throttle) : bd_asprintf("--array=0-%d", count - 1);
    char *output = bd_asprintf("--output=%s/slurm/batch-%d-%%a.txt", s->x.dir, s->batches), *text = NULL;
    size_t used = 0, more = 0;
    int code = 0;
    while (s->options[more]) {
        more++;
    }
    const char **argv = bd_xcalloc(more + 16, sizeof *argv);
    argv[used++] = "sbatch";
    for (size_t i = 0; i < more; i++) {
        argv[used++] = s->options[i];
    }
    const char *const own[] = {"--parsable", "--no-requeue", job_name, array,    output,   s->script,
                               s->program,   "runs",         "--out",  s->x.dir, "--task", batch};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        argv[used++] = own[i];
    }
    *job = 0;
    bd_status status = command(argv, &text, &code, err);
    if (!status && code != 0 && !is_silence(text)) {
        status = bd_fail(err, BD_INFRA, "sbatch refused the points: %.*s", (int)strcspn(text, "\n"), text);
    } else if (!status && code == 0) {
        const char *number = text;
        while (*number && !isdigit((unsigned char)*number)) {
            number++; /* warnings may stand before it */
        }
        *job = strtol(number, NULL, 10);
        s->answered = bd_seconds(CLOCK_MONOTONIC);
        if (*job <= 0) {
            status = bd_fail(err, BD_INFRA, "sbatch told no job number: %.*s", (int)strcspn(text, "\n"), text);
        }
    }
    free(argv);
    free(job_name);
    free(array);
    free(output);
    free(text);
    return status;
}

static bd_status submit(struct slurm *s, struct bd_error *err)
{
    struct task batch[TASKS];
    size_t at[TASKS];
    int count = 0;
    long job = 0;
    char *path = NULL;
    for (size_t i = 0; i < s->count && count < TASKS; i++) {
        if (!s->tasks[i].job) {
            at[count] = i;
            batch[count++] = s->tasks[i];
        }
    }
    if (!count) {
        return BD_OK;
    }
    bd_status status = write_batch(s, batch, count, 0, &path, err);
    status = status ? status : call_sbatch(s, path, count, &job, err);
    free(path);
    if (!status && job) {
        for (int i = 0; i < count; i++) {
            s->tasks[at[i]].job = job;
            s->tasks[at[i]].number = i;
            s->tasks[at[i]].batch = s->batches;
        }
        status = write_batch(s, batch, count, job, &path, err);
        free(path);
        s->batches++;
    }
    return status ? status : check_silence(s, err);
}

/* ---- what is left in the queue ---- */

/* Calls `take` for each task of ours that the controller has; false where it does not answer. */
static bool ask(struct slurm *s, void (*take)(struct slurm *s, int batch, long number), struct bd_error *err)
{
    const char *const argv[] = {"squeue", "--noheader", "--array", "--me", "--format=%K %j", NULL};
    char *text = NULL, *save = NULL;
    int code = 0;
    s->asked = bd_seconds(CLOCK_MONOTONIC);
    const bool told = command(argv, &text, &code, err) == BD_OK && code == 0;
    for (char *line = told ? strtok_r(text, "\n", &save) : NULL; line; line = strtok_r(NULL, "\n", &save)) {
        char name[96];
        long number;
        const size_t length = strlen(s->name);
        if (sscanf(line, "%ld %95s", &number, name) == 2 && !strncmp(name, s->name, length)) {
            take(s, (int)strtol(name + length, NULL, 10), number);
        }
    }
    s->answered = told ? s->asked : s->answered;
    free(text);
    return told;
}

static void mark_listed(struct slurm *s, int batch, long number)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->tasks[i].job && s->tasks[i].batch == batch && s->tasks[i].number == number) {
            s->tasks[i].listed = true;
        }
    }
}

static bd_status look_at_queue(struct slurm *s, struct bd_error *err)
{
    struct bd_error silent;
    for (size_t i = 0; i < s->count; i++) {
        s->tasks[i].listed = false;
    }
    if (!ask(s, mark_listed, &silent)) {
        return check_silence(s, err);
    }
    for (size_t i = 0; i < s->count; i++) {
        struct task *t = &s->tasks[i];
        if (t->listed || !t->job) {
            t->gone_at = 0;
        } else if (t->gone_at == 0) {
            t->gone_at = s->asked;
        }
    }
    return BD_OK;
}

/* Jobs that an earlier caller handed in and that are still there: by the batches that it noted. */
static void take_left(struct slurm *s, int batch, long number)
{
    char *path = bd_asprintf("%s/slurm/batch-%d.json", s->x.dir, batch);
    uint8_t *text;
    size_t size;
    struct bd_error ignored;
    json_t *noted = NULL;
    if (bd_file_read(path, LIST_LIMIT, &text, &size, &ignored) == BD_OK) {
        noted = json_loadb((char *)text, size, 0, NULL);
        free(text);
    }
    const json_t *point = json_array_get(json_object_get(noted, "points"), (size_t)number);
    const json_int_t job = json_integer_value(json_object_get(noted, "job"));
    const char *name = json_string_value(json_object_get(point, "name"));
    if (name && job > 0) {
        json_object_set_new(s->left, name, json_pack("[I, i, I]", job, batch, (json_int_t)number));
    }
    json_decref(noted);
    free(path);
}

static void count_batches(struct slurm *s)
{
    for (;; s->batches++) {
        char *path = bd_asprintf("%s/slurm/batch-%d.json", s->x.dir, s->batches);
        const bool there = access(path, F_OK) == 0;
        free(path);
        if (!there) {
            return;
        }
    }
}

/* ---- the executor ---- */

static bd_status start(struct bd_runs_executor *x, size_t index, int attempt, struct bd_error *err)
{
    struct slurm *s = (struct slurm *)x;
    const char *name = x->plan->entries[index].point.name;
    const json_t *left = json_object_get(s->left, name);
    struct task task = {.index = index, .attempt = attempt};
    for (const char *const *word = x->plan->entries[index].point.argv; *word; word++) {
        json_t *text = json_string(*word);
        json_decref(text);
        if (!text) {
            return bd_fail(err, BD_BAD_INPUT, "point '%s' has an argument that is not UTF-8: it cannot run by Slurm",
                           name);
        }
    }
    if (left) {
        task.job = (long)json_integer_value(json_array_get(left, 0));
        task.batch = (int)json_integer_value(json_array_get(left, 1));
        task.number = (int)json_integer_value(json_array_get(left, 2));
        json_object_del(s->left, name);
    }
    if (s->count == s->room) {
        s->room = s->room ? 2 * s->room : 64;
        s->tasks = bd_xrealloc(s->tasks, s->room, sizeof *s->tasks);
    }
    s->tasks[s->count++] = task;
    return BD_OK;
}

/* Whether a task has ended, by its result or without one. */
static bool has_ended(const struct slurm *s, const struct task *t, double now, struct bd_runs_ended *ended)
{
    const char *name = s->x.plan->entries[t->index].point.name;
    char *path = bd_runs_path(s->x.dir, name, "result.json");
    const bool there = access(path, F_OK) == 0, gone = t->gone_at > 0 && now - t->gone_at > GONE_SECONDS;
    free(path);
    *ended = (struct bd_runs_ended){.index = t->index, .how = BD_RUNS_HAS_ENDED};
    if (!there && (gone || (s->stopping && (t->gone_at > 0 || !t->job)))) {
        ended->how = s->stopping ? BD_RUNS_WAS_STOPPED : BD_RUNS_WAS_LOST;
        snprintf(ended->message, sizeof ended->message,
                 "Slurm's job %ld_%d ended without a result, as on a lost node; what it said is in %.300s/slurm",
                 t->job, t->number, s->x.dir);
    }
    return there || ended->how != BD_RUNS_HAS_ENDED;
}

static bd_status wait_for(struct bd_runs_executor *x, int milliseconds, struct bd_runs_ended *ended, size_t room,
                          size_t *count, struct bd_error *err)
{
    struct slurm *s = (struct slurm *)x;
    *count = 0;
    bd_status status = s->stopping ? BD_OK : submit(s, err);
    nanosleep(&(struct timespec){.tv_nsec = 1000000L * milliseconds}, NULL);
    double now = bd_seconds(CLOCK_MONOTONIC);
    if (!status && now - s->asked > ASK_SECONDS) {
        status = look_at_queue(s, err);
        now = bd_seconds(CLOCK_MONOTONIC);
    }
    if (status || now - s->looked < LOOK_SECONDS) {
        return status;
    }
    size_t kept = 0;
    s->looked = now;
    for (size_t i = 0; i < s->count; i++) {
        if (*count < room && has_ended(s, &s->tasks[i], now, &ended[*count])) {
            ++*count;
        } else {
            s->tasks[kept++] = s->tasks[i];
        }
    }
    s->count = kept;
    return BD_OK;
}

/* Jobs are cancelled, all of their tasks. */
static void stop(struct bd_runs_executor *x)
{
    struct slurm *s = (struct slurm *)x;
    long last = 0;
    for (size_t i = 0; i < s->count && !s->stopping; i++) {
        char job[32], *text = NULL;
        int code;
        struct bd_error ignored;
        if (s->tasks[i].job && s->tasks[i].job != last) {
            last = s->tasks[i].job;
            snprintf(job, sizeof job, "%ld", last);
            if (command((const char *const[]){"scancel", job, NULL}, &text, &code, &ignored) == BD_OK) {
                free(text);
            }
        }
    }
    s->stopping = true;
}

static void close_slurm(struct bd_runs_executor *x)
{
    struct slurm *s = (struct slurm *)x;
    free_words(s->options);
    free(s->program);
    free(s->script);
    free(s->name);
    free(s->tasks);
    json_decref(s->left);
    free(s);
}

/* "bitdial-FOLDER-", FOLDER being a number of it; malloc'd. */
static char *name_jobs(const char *dir)
{
    char *whole = realpath(dir, NULL);
    const char *path = whole ? whole : dir;
    char *name = bd_asprintf("bitdial-%08x-", bd_crc32(path, strlen(path)));
    free(whole);
    return name;
}

bd_status bd_runs_slurm_check(struct bd_error *err)
{
    char *text;
    int code;
    if (command((const char *const[]){"sbatch", "--version", NULL}, &text, &code, err)) {
        return bd_fail_prefix(err, "'--slurm' needs Slurm");
    }
    free(text);
    return BD_OK;
}

bd_status bd_runs_slurm_open(struct bd_runs_executor **x, const char *dir, const struct bd_runs_plan *plan,
                             const char *options, int jobs, struct bd_error *err)
{
    /* The words after it are the program and its arguments: no path is read by a shell. */
    static const char script[] = "#!/bin/sh\nexec \"$@\"\n";
    struct slurm *s = bd_xcalloc(1, sizeof *s);
    char *folder = bd_asprintf("%s/slurm", dir);
    s->x = (struct bd_runs_executor){start, wait_for, stop, close_slurm, dir, plan, BD_RUNS_POINTS};
    s->options = split(options);
    s->throttle = jobs;
    s->left = json_object();
    s->script = bd_asprintf("%s/job.sh", folder);
    s->name = name_jobs(dir);
    s->answered = bd_seconds(CLOCK_MONOTONIC);
    bd_status status = bd_make_folder(folder, err);
    status = status ? status : bd_file_write(s->script, script, strlen(script), err);
    status = status ? status : bd_runs_own_program(&s->program, err);
    if (!status) {
        count_batches(s);
        if (!ask(s, take_left, err)) {
            status = bd_fail(err, BD_INFRA, "Slurm's controller does not answer to squeue");
        }
    }
    free(folder);
    if (status) {
        close_slurm(&s->x);
        s = NULL;
    }
    *x = s ? &s->x : NULL;
    return status;
}

/* ---- in a job ---- */

bd_status bd_runs_task(const char *dir, const char *batch, struct bd_error *err)
{
    const char *number = getenv("SLURM_ARRAY_TASK_ID");
    uint8_t *text;
    size_t size;
    if (!number) {
        return bd_fail(err, BD_BAD_INPUT, "SLURM_ARRAY_TASK_ID is not set: this is no task of Slurm");
    }
    if (bd_file_read(batch, LIST_LIMIT, &text, &size, err)) {
        return err->status;
    }
    json_t *list = json_loadb((char *)text, size, 0, NULL);
    const json_t *task = json_array_get(json_object_get(list, "points"), strtoul(number, NULL, 10));
    const char *name = json_string_value(json_object_get(task, "name"));
    bd_status status =
        name ? bd_runs_point_run(dir, name, (int)json_integer_value(json_object_get(task, "attempt")), err)
             : bd_fail(err, BD_BAD_INPUT, "'%s' has no task %s", batch, number);
    free(text);
    json_decref(list);
    return status;
}
