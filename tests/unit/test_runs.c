/* The runner: what points come to, what survives, what is refused. The points are small shell scripts. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "model/core/file.h"
#include "model/core/memory.h"
#include "model/runs/plan_file.h"
#include "model/runs/runs.h"
#include "tests/support/temporary_folder.h"

TestSuite(runs, .init = make_folder, .fini = remove_folder);

static void add(struct bd_runs_plan *plan, const char *name, const char *script, double time, int64_t memory)
{
    struct bd_error err;
    const char *const argv[] = {"sh", "-c", script, NULL};
    const struct bd_runs_point point = {.name = name, .argv = argv, .time_limit = time, .memory_limit = memory};
    cr_assert_eq(bd_runs_plan_add(plan, &point, &err), BD_OK, "%s", err.message);
}

static bd_status execute(struct bd_runs_plan *plan, const char *dir, struct bd_runs_options options,
                         struct bd_runs_summary *summary, struct bd_error *err)
{
    options.jobs = options.jobs ? options.jobs : 3;
    return bd_runs_execute(plan, dir, &options, summary, err);
}

static const char *text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* One point of each end. */
Test(runs, ends)
{
    static const struct {
        const char *name, *script, *state, *cause;
        double time;
        int64_t memory;
        int exit, signal;
    } rows[] = {
        {"good", "echo '{\"answer\": 42}'", "done", "", 0, 0, 0, -1},
        {"bad", "echo first >&2; echo why >&2; exit 1", "failed", "ended with exit code 1: why", 0, 0, 1, -1},
        {"usage", "exit 2", "failed", "ended with exit code 2 (usage or bad input)", 0, 0, 2, -1},
        {"machine", "exit 3", "failed", "ended with exit code 3 (infrastructure)", 0, 0, 3, -1},
        {"crash", "kill -SEGV $$", "failed", "ended by signal 11 (Segmentation fault)", 0, 0, -1, 11},
        {"spin", "while :; do :; done", "timed_out", "spins", 0.3, 0, -1, 15},
        {"wait", "sleep 60", "timed_out", "waits for what does not come", 0.3, 0, -1, 15},
        {"deaf", "trap '' TERM; sleep 60; sleep 60", "timed_out", "waits", 0.2, 0, -1, 9},
        {"leak", "/usr/bin/python3 -c 'x = bytearray(b\"1\" * (200 << 20)); import time; time.sleep(60)'", "failed",
         "over its limit of 64 MiB: it leaks", 60, 64, -1, 9},
    };
    char *dir = bd_asprintf("%s/runs", folder);
    struct bd_runs_plan *plan = bd_runs_plan_new("test", "ends");
    struct bd_runs_summary summary;
    struct bd_error err;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        add(plan, rows[i].name, rows[i].script, rows[i].time, rows[i].memory);
    }
    const struct bd_runs_point none = {.name = "none", .argv = (const char *const[]){"/no/such", NULL}};
    cr_assert_eq(bd_runs_plan_add(plan, &none, &err), BD_OK);
    cr_assert_eq(execute(plan, dir, (struct bd_runs_options){0}, &summary, &err), BD_OK, "%s", err.message);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *result;
        cr_assert_eq(bd_runs_result(dir, rows[i].name, &result, &err), BD_OK, "%s", err.message);
        cr_assert_str_eq(text(result, "state"), rows[i].state, "%s", rows[i].name);
        cr_assert(strstr(text(result, "cause"), rows[i].cause), "%s: %s", rows[i].name, text(result, "cause"));
        const json_t *code = json_object_get(result, "exit"), *number = json_object_get(result, "signal");
        cr_assert_eq(json_is_null(code) ? -1 : (int)json_integer_value(code), rows[i].exit, "%s", rows[i].name);
        cr_assert_eq(json_is_null(number) ? -1 : (int)json_integer_value(number), rows[i].signal, "%s", rows[i].name);
        const json_t *output = json_object_get(result, "output");
        cr_assert(i ? json_is_null(output) : json_integer_value(json_object_get(output, "answer")) == 42);
        json_decref(result);
    }
    cr_assert_eq(summary.progress.state[BD_RUNS_DONE], 1);
    cr_assert_eq(summary.progress.state[BD_RUNS_FAILED], 5);
    cr_assert_eq(summary.progress.state[BD_RUNS_TIMED_OUT], 3);
    cr_assert_eq(summary.progress.state[BD_RUNS_INFRASTRUCTURE], 1);
    json_t *list, *history;
    cr_assert_eq(bd_runs_list(dir, "*e*", &list, &err), BD_OK, "%s", err.message);
    cr_assert_eq(json_array_size(json_object_get(list, "points")), 5); /* usage, machine, deaf, leak, none */
    cr_assert_eq(bd_runs_history(dir, "crash", &history, &err), BD_OK, "%s", err.message);
    cr_assert_eq(json_array_size(history), 1);
    cr_assert_str_eq(text(json_array_get(history, 0), "state"), "failed");
    json_decref(list);
    json_decref(history);
    bd_runs_plan_free(plan);
    free(dir);
}

/* What a point leaves behind is gone, whether it stays in its process group or not; so is stdin. */
Test(runs, nothing_is_left)
{
    char *dir = bd_asprintf("%s/runs", folder);
    struct bd_runs_plan *plan = bd_runs_plan_new("test", "left");
    struct bd_runs_summary summary;
    struct bd_error err;
    add(plan, "leaves",
        "sleep 60 & echo \"{\\\"group\\\": $!, \\\"own\\\": $(setsid sh -c 'sleep 60 >&2 & echo $!')}\"", 0, 0);
    add(plan, "reads", "read x; test -z \"$x\"", 5, 0);
    cr_assert_eq(execute(plan, dir, (struct bd_runs_options){0}, &summary, &err), BD_OK, "%s", err.message);
    cr_assert_eq(summary.progress.state[BD_RUNS_DONE], 2);
    json_t *result;
    cr_assert_eq(bd_runs_result(dir, "leaves", &result, &err), BD_OK, "%s", err.message);
    const json_t *output = json_object_get(result, "output");
    const pid_t group = (pid_t)json_integer_value(json_object_get(output, "group")),
                own = (pid_t)json_integer_value(json_object_get(output, "own"));
    cr_assert(group > 1 && own > 1);
    cr_assert_neq(kill(group, 0), 0);
    cr_assert_neq(kill(own, 0), 0);
    json_decref(result);
    bd_runs_plan_free(plan);
    free(dir);
}

/* A folder with runs is gone on with, begun anew, or refused. */
Test(runs, folders)
{
    char *dir = bd_asprintf("%s/runs", folder), *count = bd_asprintf("%s/count", folder);
    char *script = bd_asprintf("echo x >>%s", count), *failing = bd_asprintf("echo x >>%s; exit 1", count);
    struct bd_runs_plan *plan = bd_runs_plan_new("test", "folders"), *other = bd_runs_plan_new("test", "folders");
    struct bd_runs_summary summary;
    struct bd_error err;
    add(plan, "a", script, 0, 0);
    add(plan, "b", failing, 0, 0);
    add(other, "a", script, 0, 0);
    add(other, "b", "echo changed", 0, 0);
    const struct {
        struct bd_runs_plan *plan;
        struct bd_runs_options options;
        const char *told; /* NULL: runs */
        size_t ran;       /* in all, so far */
    } rows[] = {
        {plan, {.filter = "a"}, NULL, 1},
        {plan, {0}, "holds runs already", 1},
        {other, {.resume = true}, "point 'b' is another one: argument 2 was 'echo x >>", 1},
        {plan, {.resume = true}, NULL, 2},
        {plan, {.resume = true}, NULL, 2},
        {plan, {.retry_failed = true}, NULL, 3},
        {plan, {.force = true}, NULL, 5},
        {other, {.force = true}, NULL, 6},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t *data = NULL;
        size_t size = 0;
        bd_status status = execute(rows[i].plan, dir, rows[i].options, &summary, &err);
        cr_assert_eq(status, rows[i].told ? BD_BAD_INPUT : BD_OK, "row %zu: %s", i, err.message);
        cr_assert(!rows[i].told || strstr(err.message, rows[i].told), "row %zu: %s", i, err.message);
        cr_assert_eq(bd_file_read(count, 1000, &data, &size, &err), BD_OK, "%s", err.message);
        cr_assert_eq(size, 2 * rows[i].ran, "row %zu: %zu", i, size / 2);
        free(data);
    }
    json_t *history;
    cr_assert_eq(bd_runs_history(dir, NULL, &history, &err), BD_OK, "%s", err.message);
    cr_assert_eq(json_array_size(history), 7);
    cr_assert_eq(json_integer_value(json_object_get(json_array_get(history, 6), "run")), 3);
    json_decref(history);
    bd_runs_plan_free(plan);
    bd_runs_plan_free(other);
    free(dir), free(count), free(script), free(failing);
}

/* A result that somebody damaged, a database that is gone, one that is none. */
Test(runs, damage)
{
    char *dir = bd_asprintf("%s/runs", folder), *path = bd_asprintf("%s/points/a/result.json", dir),
         *db = bd_asprintf("%s/runs.db", dir);
    struct bd_runs_plan *plan = bd_runs_plan_new("test", "damage");
    struct bd_runs_summary summary;
    struct bd_error err;
    json_t *result;
    add(plan, "a", "echo '{\"x\": 0.1}'", 0, 0);
    add(plan, "b", "exit 0", 0, 0);
    cr_assert_eq(execute(plan, dir, (struct bd_runs_options){0}, &summary, &err), BD_OK, "%s", err.message);
    uint8_t *data;
    size_t size;
    cr_assert_eq(bd_file_read(path, 10000, &data, &size, &err), BD_OK);
    *strstr((char *)data, "0.1") = '7';
    cr_assert_eq(bd_file_write(path, data, size, &err), BD_OK);
    free(data);
    cr_assert_eq(bd_runs_result(dir, "a", &result, &err), BD_BAD_INPUT);
    cr_assert(strstr(err.message, "is damaged"), "%s", err.message);
    cr_assert_eq(execute(plan, dir, (struct bd_runs_options){.resume = true}, &summary, &err), BD_OK, "%s",
                 err.message);
    cr_assert_eq(summary.progress.found, 1); /* a ran again */
    unlink(db);
    cr_assert_eq(execute(plan, dir, (struct bd_runs_options){.resume = true}, &summary, &err), BD_OK, "%s",
                 err.message);
    cr_assert_eq(summary.progress.found, 2);
    cr_assert_eq(bd_file_write(db, "not a database, but long enough to be looked at", 47, &err), BD_OK);
    cr_assert_eq(execute(plan, dir, (struct bd_runs_options){.resume = true}, &summary, &err), BD_BAD_INPUT);
    cr_assert(strstr(err.message, "runs.db' is damaged"), "%s", err.message);
    bd_runs_plan_free(plan);
    free(dir), free(path), free(db);
}

struct growth {
    int seen, added;
    double sum;
};

static bd_status on_result(void *user, const struct bd_runs_point *point, enum bd_runs_state state,
                           const json_t *result, struct bd_error *err)
{
    struct growth *growth = user;
    cr_assert_eq(state, BD_RUNS_DONE, "%s", point->name);
    growth->seen++;
    growth->sum += json_number_value(json_object_get(json_object_get(result, "output"), "x"));
    return growth->seen == 100 ? bd_fail(err, BD_FAIL, "too many") : BD_OK;
}

/* A point more for each result, five in all. */
static bd_status more(void *user, struct bd_runs_plan *plan, struct bd_error *err)
{
    struct growth *growth = user;
    while (growth->added < 5 && growth->added <= growth->seen) {
        char name[16], *script = bd_asprintf("echo '{\"x\": %d}'", growth->added);
        snprintf(name, sizeof name, "p%d", growth->added++);
        add(plan, name, script, 0, 0);
        free(script);
    }
    (void)err;
    return BD_OK;
}

Test(runs, growing)
{
    char *dir = bd_asprintf("%s/runs", folder);
    for (int round = 0; round < 2; round++) {
        struct bd_runs_plan *plan = bd_runs_plan_new("test", "growing");
        struct growth growth = {0};
        struct bd_runs_summary summary;
        struct bd_error err;
        const struct bd_runs_options options = {
            .resume = round > 0, .growing = true, .user = &growth, .on_result = on_result, .more = more};
        cr_assert_eq(execute(plan, dir, options, &summary, &err), BD_OK, "%s", err.message);
        cr_assert_eq(growth.seen, 5);
        cr_assert_eq(growth.sum, 10);
        cr_assert_eq(summary.progress.found, round ? 5 : 0);
        bd_runs_plan_free(plan);
    }
    free(dir);
}

static volatile sig_atomic_t stop;

static bd_status stop_at_two(void *user, const struct bd_runs_point *point, enum bd_runs_state state,
                             const json_t *result, struct bd_error *err)
{
    bd_status status = on_result(user, point, state, result, err);
    stop = ((struct growth *)user)->seen >= 2;
    return status;
}

/* A growing plan that is stopped has not come to its end, whatever it holds by then. */
Test(runs, stopped_growth)
{
    char *dir = bd_asprintf("%s/runs", folder);
    struct bd_runs_plan *plan = bd_runs_plan_new("test", "stopped");
    struct growth growth = {0};
    struct bd_runs_summary summary;
    struct bd_error err;
    const struct bd_runs_options options = {.jobs = 1,
                                            .growing = true,
                                            .expected = 5,
                                            .stop = &stop,
                                            .user = &growth,
                                            .on_result = stop_at_two,
                                            .more = more};
    cr_assert_eq(execute(plan, dir, options, &summary, &err), BD_INFRA);
    cr_assert_str_eq(err.message, "stopped with 2 of 5 points run: --resume goes on");
    cr_assert(summary.stopped);
    bd_runs_plan_free(plan);
    free(dir);
}

/* A parent that is killed leaves no process; another one at a time has the folder. */
Test(runs, killed_parent)
{
    char *dir = bd_asprintf("%s/runs", folder), *pids = bd_asprintf("%s/pids", folder),
         *script = bd_asprintf("echo $$ >>%s; sleep 60 & echo $! >>%s; wait", pids, pids);
    struct bd_runs_plan *plan = bd_runs_plan_new("test", "killed");
    struct bd_runs_summary summary;
    struct bd_error err;
    add(plan, "long", script, 0, 0);
    const pid_t parent = fork();
    if (parent == 0) {
        _exit(execute(plan, dir, (struct bd_runs_options){0}, &summary, &err));
    }
    uint8_t *data = NULL;
    size_t size = 0;
    int first = 0, second = 0;
    for (int i = 0; i < 500 && second == 0; i++) {
        usleep(20000);
        if (bd_file_read(pids, 100, &data, &size, &err) == BD_OK) {
            if (sscanf((char *)data, "%d %d", &first, &second) < 2) {
                second = 0;
            }
            free(data);
        }
    }
    cr_assert_gt(second, 1);
    cr_assert_eq(execute(plan, dir, (struct bd_runs_options){.resume = true}, &summary, &err), BD_INFRA);
    cr_assert(strstr(err.message, "is in use by process"), "%s", err.message);
    kill(parent, SIGKILL);
    waitpid(parent, NULL, 0);
    bool gone = false;
    for (int i = 0; i < 500 && !gone; i++) {
        usleep(20000);
        gone = kill(first, 0) != 0 && kill(second, 0) != 0;
    }
    cr_assert(gone);
    bd_runs_plan_free(plan);
    free(dir), free(pids), free(script);
}

/* Lines that a shell reads back as the words that they were made of. */
Test(runs, shell_lines)
{
    const char *const argv[] = {"printf", "%s|", "plain", "two words", "it's", "$HOME `x` \"q\"", "", "a\nb", NULL};
    const char *const environment[] = {"X=1 2", NULL};
    char *line = bd_runs_shell_line(environment, argv), *expected = "plain|two words|it's|$HOME `x` \"q\"||a\nb|";
    char got[200] = "";
    FILE *shell = popen(line, "r");
    cr_assert_not_null(shell);
    got[fread(got, 1, sizeof got - 1, shell)] = 0;
    pclose(shell);
    cr_assert_str_eq(got, expected, "%s", line);
    free(line);
}

/* Plans as YAML: products, defaults, and what is refused with its place. */
Test(runs, plan_files)
{
    static const struct {
        const char *yaml, *told;
    } rows[] = {
        {"title: t\npoints:\n  - {name: 'p-{a}-{b}', argv: [bitdial, '{b}', '{c}'], for: {a: [1, 2], b: [x, y, z]}}\n",
         NULL},
        {"title: t\npoints:\n  - {name: p, argv: [a], for: {a: [1, 2]}}\n", ":3:5: two points are named 'p'"},
        {"title: t\npoints:\n  - {name: p/q, argv: [a]}\n", ":3:5: 'p/q' is no name of a point"},
        {"title: t\npoints:\n  - {name: p, argv: []}\n", "'argv' must be a list that is not empty"},
        {"title: t\npoints: []\n", "'points' must be a list that is not empty"},
        {"title: t\npoints:\n  - {name: p, argv: [a], inputs: [/no/such]}\n", "'/no/such'"},
        {"title: t\npoints:\n  - {name: p, argv: [a], time: 3}\n", "time"},
    };
    char *path = bd_asprintf("%s/plan.yaml", folder);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bd_runs_plan *plan;
        struct bd_error err;
        cr_assert_eq(bd_file_write(path, rows[i].yaml, strlen(rows[i].yaml), &err), BD_OK);
        bd_status status = bd_runs_plan_read(path, "/bin/own", &plan, &err);
        cr_assert_eq(status, rows[i].told ? BD_BAD_INPUT : BD_OK, "row %zu: %s", i, err.message);
        cr_assert(!rows[i].told || strstr(err.message, rows[i].told), "row %zu: %s", i, err.message);
        if (!status) {
            cr_assert_eq(bd_runs_plan_count(plan), 6);
            cr_assert_str_eq(bd_runs_plan_point(plan, 4)->name, "p-2-y");
            cr_assert_str_eq(bd_runs_plan_point(plan, 4)->argv[0], "/bin/own");
            cr_assert_str_eq(bd_runs_plan_point(plan, 4)->argv[1], "y");
            cr_assert_str_eq(bd_runs_plan_point(plan, 4)->argv[2], "{c}");
            bd_runs_plan_free(plan);
        }
    }
    free(path);
}
