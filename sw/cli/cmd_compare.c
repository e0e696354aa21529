/* `bitdial compare CONFIG`: the runs of a comparison, side by side over the runner, and the table. */
#include <getopt.h>
#include <jansson.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/compare/folder.h"
#include "model/compare/plan.h"
#include "model/core/file.h"
#include "model/core/memory.h"
#include "model/core/output.h"
#include "sw/cli/cli.h"
#include "sw/cli/options.h"
#include "sw/cli/report.h"
#include "sw/cli/runs_options.h"
#include "sw/cli/train_view.h"

#define NAME "compare"

static const char usage[] =
    "usage: bitdial compare CONFIG [options]\n"
    "\n"
    "Trains the shared network of a comparison (yaml-configs/comparisons/), each switch alone, and each switch alone\n"
    "with a teacher, for several seeds; writes the differences with 95 % intervals to table.md and rows.jsonl in the\n"
    "comparison's folder. Killed at any time and started again it goes on where it was, with or without --resume, to "
    "the\n"
    "same tables; what failed runs again. Without --jobs the configuration's number runs side by side.\n"
    "\n"
    "  --plan               print what will be run and about how long it takes; train nothing\n"
    "  --table              print the table of what is finished; train nothing\n"
    "  --threads N          of each run; default 1\n"
    "  --folder DIR         instead of the configuration's\n"
    "  --fresh              refuse a folder that holds a comparison already\n" BD_RUNS_USAGE
    "  --worker ID          train the one run of that name at --rate and print its record, as a worker does\n"
    "  --rate R             of --worker\n"
    "  --help               this text\n";

struct options {
    struct bd_runs_command runs;
    const char *config, *folder, *worker;
    int64_t threads;
    double rate;
    bool plan, table, fresh;
};

struct session {
    struct options options;
    struct bd_comparison comparison;
};

/* ---- options ---- */

static int parse_options(struct options *options, int argc, char **argv)
{
    *options = (struct options){.threads = 1, .runs = {.command = NAME}};
    const struct bd_option table[] = {
        {"plan", .flag = &options->plan},
        {"table", .flag = &options->table},
        {"threads", .integer = &options->threads, .min = 1, .max = 1024},
        {"folder", .text = &options->folder},
        {"fresh", .flag = &options->fresh},
        BD_RUNS_ROWS(&options->runs),
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
    if (options->worker && options->runs.json) {
        return bd_cli_usage(NAME, "'--worker' and '--json' exclude each other: a worker prints its record");
    }
    code = bd_cli_check_runs(&options->runs);
    return code == BD_OK ? BD_OPTIONS_READ : code;
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
    if (!status && session->options.runs.json) {
        bd_cli_report(plan);
    } else if (!status) {
        print_plan(&session->comparison, plan);
        json_decref(plan);
    }
    return status;
}

/* ---- the runs ---- */

/* The accuracies of a finished run, as words. */
static char *describe(void *user, const struct bd_runs_event *event)
{
    (void)user;
    const json_t *record = json_object_get(event->result, "output");
    const char *name;
    json_t *value;
    if (!json_is_object(record)) {
        return NULL;
    }
    char *text = bd_asprintf("rate %g: validation %%", json_number_value(json_object_get(record, "rate")));
    json_object_foreach(json_object_get(record, "validation"), name, value)
    {
        char *longer = bd_asprintf("%s %s %.1f", text, name, 100 * json_number_value(value));
        free(text);
        text = longer;
    }
    return text;
}

static bd_status run_all(struct session *session, json_t *head, struct bd_error *err)
{
    struct bd_comparison *c = &session->comparison;
    struct bd_runs_command *options = &session->options.runs;
    struct bd_runs_plan *plan = bd_runs_plan_new(NAME, c->config.name);
    struct bd_runs_summary summary;
    char *program = NULL;
    bd_status status = bd_runs_own_program(&program, err);
    struct bd_compare_runs runs = {.comparison = c,
                                   .program = program,
                                   .config = session->options.config,
                                   .threads = session->options.threads,
                                   .anew = options->force};
    const struct bd_runs_options own = {.growing = true,
                                        .expected = options->filter ? 0 : (size_t)c->run_count,
                                        .expected_weight = options->filter ? 0 : bd_comparison_weight(c),
                                        .user = &runs,
                                        .on_result = bd_comparison_on_result,
                                        .more = bd_comparison_more};
    options->jobs = options->jobs ? options->jobs : c->config.jobs;
    options->resume = options->retry_failed = !options->force;
    options->any_build = true; /* the head has the build, which the folder was checked against */
    options->describe = describe;
    bd_runs_plan_head(plan, head);
    if (!status) {
        fprintf(stderr, "%s: %d runs, %d side by side, in %s\n", c->config.name, c->run_count, (int)options->jobs,
                c->config.folder);
        status = bd_cli_runs_execute(options, plan, c->config.folder, &own, &summary, err);
    }
    bd_runs_plan_free(plan);
    free(program);
    return status;
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
    if (!status && session->options.runs.json) {
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
    if (options->worker) {
        return work(session, err);
    }
    if (options->plan) {
        return plan(session, err);
    }
    if (options->runs.list) {
        return bd_cli_runs_list_folder(&options->runs, c->config.folder, err);
    }
    const struct bd_compare_folder how = {
        .fresh = options->fresh, .go_on = !options->table, .any_build = options->runs.any_build};
    json_t *head = NULL;
    if (!options->runs.force || options->table) {
        status = bd_comparison_check_folder(c, &how, &head, err);
    } else {
        status = bd_comparison_new_head(c, &head, err);
    }
    if (!status) {
        status = options->table ? bd_comparison_read_folder(c, err) : run_all(session, head, err);
    }
    json_decref(head);
    return status ? status : write_table(session, err);
}

int cmd_compare(int argc, char **argv)
{
    struct session session = {0};
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
    bd_comparison_release(&session.comparison);
    return status;
}
