/* `bitdial compare CONFIG`: the runs of a comparison, a journal of those that are finished, and the table. */
#include <getopt.h>
#include <jansson.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/compare/journal.h"
#include "model/compare/plan.h"
#include "model/compare/workers.h"
#include "model/core/clock.h"
#include "model/core/file.h"
#include "model/core/memory.h"
#include "model/core/output.h"
#include "sw/cli/cli.h"
#include "sw/cli/options.h"
#include "sw/cli/report.h"
#include "sw/cli/train_view.h"

#define NAME "compare"

static const char usage[] =
    "usage: bitdial compare CONFIG [options]\n"
    "\n"
    "Trains the shared network of a comparison (yaml-configs/comparisons/), each switch alone, and each switch alone\n"
    "with a teacher, for several seeds; writes the differences with 95 % intervals to table.md and rows.jsonl in the\n"
    "comparison's folder. Killed at any time and started again it goes on where it was, to the same tables.\n"
    "\n"
    "  --plan               print what will be run and about how long it takes; train nothing\n"
    "  --table              print the table of what is finished; train nothing\n"
    "  --jobs N             runs side by side, instead of the configuration's\n"
    "  --threads N          of each run; default 1\n"
    "  --folder DIR         instead of the configuration's\n"
    "  --any-build          go on in a folder that another build of bitdial began\n"
    "  --fresh              refuse a folder that holds a comparison already\n"
    "  --json               one JSON object on stdout\n"
    "  --worker ID          train the one run of that name at --rate and print its record, as a worker does\n"
    "  --rate R             of --worker\n"
    "  --help               this text\n";

struct options {
    const char *config, *folder, *worker;
    int64_t jobs, threads;
    double rate;
    bool plan, table, fresh, any_build, json;
};

struct session {
    struct options options;
    struct bd_comparison comparison;
    struct bd_journal journal;
    int finished;
    double started;
};

/* ---- options ---- */

static int parse_options(struct options *options, int argc, char **argv)
{
    *options = (struct options){.threads = 1};
    const struct bd_option table[] = {
        {"plan", .flag = &options->plan},
        {"table", .flag = &options->table},
        {"jobs", .integer = &options->jobs, .min = 1, .max = BD_COMPARE_JOBS},
        {"threads", .integer = &options->threads, .min = 1, .max = 1024},
        {"folder", .text = &options->folder},
        {"any-build", .flag = &options->any_build},
        {"fresh", .flag = &options->fresh},
        {"json", .flag = &options->json},
        {"worker", .text = &options->worker},
        {"rate", .real = &options->rate, .low = 1e-8, .high = 10},
        {0},
    };
    int code = bd_cli_options(NAME, usage, table, argc, argv);
    if (code != BD_OPTIONS_READ) {
        return code;
    }
    if (optind + 1 != argc) {
        return bd_cli_usage(NAME, "expected one comparison file (COMPARISON.yaml)");
    }
    options->config = argv[optind];
    if (options->worker && options->rate <= 0) {
        return bd_cli_usage(NAME, "'--worker' wants '--rate'");
    }
    if (options->worker && options->json) {
        return bd_cli_usage(NAME, "'--worker' and '--json' exclude each other: a worker prints its record");
    }
    return BD_OPTIONS_READ;
}

/* ---- a worker ---- */

static bd_status work(struct session *session, struct bd_error *err)
{
    const struct bd_compare_run *run = bd_comparison_find(&session->comparison, session->options.worker);
    const struct bd_comparison *c = &session->comparison;
    struct bd_train_view view;
    char *record;
    if (!run) {
        return bd_fail(err, BD_BAD_INPUT, "comparison '%s' has no run '%s'", session->comparison.config.name,
                       session->options.worker);
    }
    struct stat info;
    if (stat(c->config.folder, &info) != 0 || !S_ISDIR(info.st_mode)) {
        return bd_fail(err, BD_BAD_INPUT, "there is no folder '%s': a worker runs in one that a comparison has begun",
                       c->config.folder);
    }
    char *path = bd_comparison_checkpoint(c, run), *log = bd_asprintf("%s/%s.jsonl", c->config.folder, run->id);
    struct bd_output_lock lock;
    bd_train_view_init(&view, &c->networks[c->variants[run->variant].network], c->config.train.log_every);
    bd_status status = bd_output_lock(&lock, path, err);
    status = status ? status : bd_train_view_open_log(&view, log, true, err);
    status =
        status ? status : bd_comparison_run(c, run, session->options.rate, bd_train_view_watch, &view, &record, err);
    if (!status) {
        puts(record);
        free(record);
    }
    status = bd_train_view_close_log(&view, status, err);
    bd_output_unlock(&lock);
    free(path);
    free(log);
    return status;
}

/* ---- the plan ---- */

static void print_plan(const struct bd_comparison *c, const json_t *plan)
{
    const json_t *data = json_object_get(plan, "data"), *pilot = json_object_get(plan, "pilot_epochs");
    size_t i;
    json_t *run;
    printf("data        %s in %s: %d training, %d validation and %d test images\n",
           json_string_value(json_object_get(data, "set")), json_string_value(json_object_get(data, "folder")),
           (int)json_integer_value(json_object_get(data, "training_images")),
           (int)json_integer_value(json_object_get(data, "validation_images")),
           (int)json_integer_value(json_object_get(data, "test_images")));
    printf("length      %.3g epochs of batches of %d, %d seeds", json_number_value(json_object_get(plan, "epochs")),
           (int)c->config.train.plan.batch, (int)c->config.seeds);
    if (pilot) {
        printf("; pilots %.3g epochs", json_number_value(pilot));
    }
    printf("\narithmetic  %s\nfolder      %s\n\n", bd_comparison_arithmetic(c), c->config.folder);
    json_array_foreach(json_object_get(plan, "runs"), i, run)
    {
        printf("%-52s %7d steps %8.0f s\n", c->runs[i].id, (int)json_integer_value(json_object_get(run, "steps")),
               json_number_value(json_object_get(run, "seconds")));
    }
    printf("%d runs, about %.1f h with %d side by side (from %d steps of each network, now, on one thread each)\n",
           c->run_count, json_number_value(json_object_get(plan, "seconds")) / 3600, (int)c->config.jobs,
           BD_COMPARE_TIMED_STEPS);
}

static bd_status plan(const struct session *session, struct bd_error *err)
{
    json_t *plan;
    bd_status status = bd_comparison_plan(&session->comparison, &plan, err);
    if (!status && session->options.json) {
        bd_cli_report(plan);
    } else if (!status) {
        print_plan(&session->comparison, plan);
        json_decref(plan);
    }
    return status;
}

/* ---- the runs ---- */

/* The same program in the process of a worker. */
static void become(void *context, const struct bd_compare_run *run, double rate)
{
    const struct session *session = context;
    char *exact = bd_asprintf("%.17g", rate), *threads = bd_asprintf("%d", (int)session->options.threads);
    setenv("OMP_NUM_THREADS", threads, 1);
    setenv("OMP_WAIT_POLICY", "passive", 1);
    execl("/proc/self/exe", "bitdial", "compare", session->options.config, "--folder",
          session->comparison.config.folder, "--threads", threads, "--worker", run->id, "--rate", exact, (char *)NULL);
}

static bd_status finished(void *context, const struct bd_compare_run *run, const char *record, struct bd_error *err)
{
    struct session *session = context;
    const char *name;
    json_t *value;
    bd_status status = bd_journal_append(&session->journal, record, err);
    if (status) {
        return status;
    }
    session->finished++;
    fprintf(stderr, "[%d/%d] %s rate %g: validation %%", session->finished, session->comparison.run_count, run->id,
            json_number_value(json_object_get(run->result, "rate")));
    json_object_foreach(json_object_get(run->result, "validation"), name, value)
    {
        fprintf(stderr, " %s %.1f", name, 100 * json_number_value(value));
    }
    fprintf(stderr, " (%.0f s since the start)\n", bd_seconds(CLOCK_MONOTONIC) - session->started);
    return BD_OK;
}

static bd_status write_table(const struct session *session, struct bd_error *err)
{
    const struct bd_comparison *c = &session->comparison;
    json_t *table = bd_comparison_table(c), *row;
    char *markdown = bd_comparison_markdown(table), *rows = bd_xstrdup("");
    size_t i;
    json_array_foreach(json_object_get(table, "rows"), i, row)
    {
        char *line = json_dumps(row, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(7));
        char *longer = bd_asprintf("%s%s\n", rows, line);
        free(line);
        free(rows);
        rows = longer;
    }
    char *path = bd_asprintf("%s/table.md", c->config.folder),
         *rows_path = bd_asprintf("%s/rows.jsonl", c->config.folder);
    bd_status status = bd_output_check(path, BD_OUTPUT_TEXT, NULL, NULL, err);
    status = status ? status : bd_output_check(rows_path, BD_OUTPUT_TEXT, NULL, NULL, err);
    status = status ? status : bd_file_write(path, markdown, strlen(markdown), err);
    status = status ? status : bd_file_write(rows_path, rows, strlen(rows), err);
    if (!status && session->options.json) {
        bd_cli_report(json_incref(table));
    } else if (!status) {
        fputs(markdown, stdout);
    }
    free(path);
    free(rows_path);
    free(markdown);
    free(rows);
    json_decref(table);
    return status;
}

static bd_status compare(struct session *session, struct bd_error *err)
{
    struct bd_comparison *c = &session->comparison;
    const struct options *options = &session->options;
    bd_status status = bd_comparison_load(c, options->config, err);
    if (status) {
        return status;
    }
    if (options->folder) {
        free(c->config.folder);
        c->config.folder = bd_xstrdup(options->folder);
    }
    c->config.jobs = options->jobs ? options->jobs : c->config.jobs;
    if (options->worker) {
        return work(session, err);
    }
    if (options->plan) {
        return plan(session, err);
    }
    const struct bd_compare_journal how = {
        .fresh = options->fresh, .go_on = !options->table, .any_build = options->any_build};
    status = bd_comparison_open_journal(c, &session->journal, &how, err);
    for (int i = 0; i < c->run_count; i++) {
        session->finished += c->runs[i].result != NULL;
    }
    if (!status && !options->table) {
        fprintf(stderr, "%s: %d runs, %d finished, %d side by side, in %s\n", c->config.name, c->run_count,
                session->finished, (int)c->config.jobs, c->config.folder);
        const struct bd_compare_workers workers = {.become = become, .finished = finished, .context = session};
        status = bd_comparison_run_all(c, &workers, err);
    }
    return status ? status : write_table(session, err);
}

int cmd_compare(int argc, char **argv)
{
    struct session session = {.started = bd_seconds(CLOCK_MONOTONIC), .journal = {.fd = -1}};
    struct bd_error err;
    int parsed = parse_options(&session.options, argc, argv);
    if (parsed != BD_OPTIONS_READ) {
        return parsed;
    }
    omp_set_num_threads(session.options.threads);
    bd_status status = compare(&session, &err);
    if (status) {
        bd_cli_fail(NAME, &err);
    }
    bd_journal_close(&session.journal);
    bd_comparison_release(&session.comparison);
    return status;
}
