/* `bitdial compare CONFIG`: runs of a comparison in processes of their own, a journal of those that are finished, and
 * the table. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <omp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/wait.h>
#include <unistd.h>

#include "model/compare/compare.h"
#include "model/core/clock.h"
#include "model/core/file.h"
#include "model/core/memory.h"
#include "model/search/journal.h"
#include "sw/cli/cli.h"
#include "sw/cli/train_view.h"

#define NAME "compare"
#define MAX_JOBS 256
#define LOG_LIMIT ((size_t)64 << 20)
#define TIMED_STEPS 4

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
    "  --fresh              refuse a folder that holds a comparison already\n"
    "  --json               one JSON object on stdout\n"
    "  --worker ID          train the one run of that name at --rate and print its record, as a worker does\n"
    "  --rate R             of --worker\n"
    "  --help               this text\n";

struct options {
    const char *config, *folder, *worker;
    int64_t jobs, threads;
    double rate;
    bool plan, table, fresh, json;
};

struct worker {
    pid_t pid;
    int output;
    struct bd_compare_run *run;
};

struct session {
    struct options options;
    struct bd_comparison comparison;
    struct bd_journal journal;
    struct worker workers[MAX_JOBS];
    int busy, finished;
    double started;
};

/* ---- options ---- */

/* BD_OK, or the exit code after a message; -1: help was printed. */
static int parse_options(struct options *options, int argc, char **argv)
{
    enum { PLAN = 256, TABLE, JOBS, THREADS, FOLDER, FRESH, JSON, WORKER, RATE, HELP };
    static const struct option table[] = {
        {"plan", no_argument, NULL, PLAN},         {"table", no_argument, NULL, TABLE},
        {"jobs", required_argument, NULL, JOBS},   {"threads", required_argument, NULL, THREADS},
        {"folder", required_argument, NULL, FOLDER}, {"fresh", no_argument, NULL, FRESH},
        {"json", no_argument, NULL, JSON},         {"worker", required_argument, NULL, WORKER},
        {"rate", required_argument, NULL, RATE},   {"help", no_argument, NULL, HELP},
        {0}};
    *options = (struct options){.threads = 1};
    for (int option; (option = getopt_long(argc, argv, "", table, NULL)) != -1;) {
        bool fine = true;
        switch (option) {
        case PLAN:
            options->plan = true;
            break;
        case TABLE:
            options->table = true;
            break;
        case JOBS:
            fine = bd_cli_int(NAME, "--jobs", optarg, 1, MAX_JOBS, &options->jobs);
            break;
        case THREADS:
            fine = bd_cli_int(NAME, "--threads", optarg, 1, 1024, &options->threads);
            break;
        case FOLDER:
            options->folder = optarg;
            break;
        case FRESH:
            options->fresh = true;
            break;
        case JSON:
            options->json = true;
            break;
        case WORKER:
            options->worker = optarg;
            break;
        case RATE:
            fine = bd_cli_real(NAME, "--rate", optarg, 1e-8, 10, &options->rate);
            break;
        case HELP:
            fputs(usage, stdout);
            return -1;
        default:
            return BD_BAD_INPUT;
        }
        if (!fine) {
            return BD_BAD_INPUT;
        }
    }
    if (optind + 1 != argc) {
        return bd_cli_usage(NAME, "one comparison is wanted");
    }
    options->config = argv[optind];
    if (options->worker && options->rate <= 0) {
        return bd_cli_usage(NAME, "'--worker' wants '--rate'");
    }
    return BD_OK;
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
    char *log = bd_asprintf("%s/%s.jsonl", c->config.folder, run->id);
    bd_train_view_init(&view, &c->networks[c->variants[run->variant].network], c->config.train.log_every);
    view.log = fopen(log, "a");
    bd_status status =
        bd_comparison_run(c, run, session->options.rate, bd_train_view_watch, &view, &record, err);
    if (view.log) {
        fclose(view.log);
    }
    free(log);
    if (!status) {
        puts(record);
        free(record);
    }
    return status;
}

/* ---- the plan ---- */

/* Seconds that one image takes in the shared network of a variant on one thread, from a few steps on noise. */
static bd_status time_image(const struct bd_graph *graph, const struct bd_train_plan *recipe, double *seconds,
                            struct bd_error *err)
{
    struct bd_checkpoint checkpoint;
    struct bd_train_plan plan = *recipe;
    struct bd_dataset noise = {.count = plan.batch,
                               .height = graph->input_height,
                               .width = graph->input_width,
                               .channels = graph->input_channels,
                               .classes = graph->classes};
    size_t size = (size_t)plan.batch * noise.height * noise.width * noise.channels;
    plan.steps = TIMED_STEPS;
    plan.recalibrate = 0;
    plan.switches = 0;
    noise.images = bd_xcalloc(size, 1);
    noise.labels = bd_xcalloc(plan.batch, sizeof *noise.labels);
    for (size_t i = 0; i < size; i++) {
        noise.images[i] = (i * 2654435761u) >> 24;
    }
    bd_checkpoint_init(&checkpoint);
    bd_status status = bd_graph_parse(&checkpoint.graph, graph->name, graph->yaml_text, strlen(graph->yaml_text), err);
    if (!status) {
        bd_train_initialise(&checkpoint, &plan);
        struct bd_train_control control = {.train = &noise};
        double start = bd_seconds(CLOCK_MONOTONIC);
        status = bd_train_run(&checkpoint, &plan, &control, err);
        *seconds = (bd_seconds(CLOCK_MONOTONIC) - start) / (TIMED_STEPS * plan.batch);
    }
    bd_checkpoint_release(&checkpoint);
    bd_dataset_release(&noise);
    return status;
}

static int64_t training_images(const struct bd_comparison *c, struct bd_error *err)
{
    struct bd_dataset train;
    if (c->config.images) {
        return c->config.images;
    }
    if (bd_dataset_open(&train, &c->config.data, BD_SPLIT_TRAIN, err)) {
        return -1;
    }
    int64_t count = train.count;
    bd_dataset_release(&train);
    return count;
}

static bd_status print_plan(const struct session *session, struct bd_error *err)
{
    const struct bd_comparison *c = &session->comparison;
    int64_t images = training_images(c, err);
    double total = 0, per_image[c->network_count + 1];
    if (images < 0) {
        return err->status;
    }
    for (int n = 0; n < c->network_count; n++) {
        bd_status status = time_image(&c->networks[n], &c->config.train.plan, &per_image[n], err);
        if (status) {
            return status;
        }
    }
    json_t *runs = json_array();
    for (int i = 0; i < c->run_count; i++) {
        const struct bd_compare_run *run = &c->runs[i];
        int network = c->variants[run->variant].network;
        int64_t steps = bd_comparison_steps(c, run, images);
        double part = run->switch_index < 0 ? 1 : 1.0 / c->networks[network].switch_count;
        double seconds = per_image[network] * part * steps * c->config.train.plan.batch;
        total += seconds;
        json_array_append_new(runs, json_pack("{s:s, s:I, s:f}", "run", run->id, "steps", (json_int_t)steps,
                                              "seconds", seconds));
    }
    total /= c->config.jobs;
    if (session->options.json) {
        json_t *o = json_pack("{s:s, s:i, s:f, s:o}", "name", c->config.name, "jobs", (int)c->config.jobs, "seconds",
                              total, "runs", runs);
        json_dumpf(o, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
        putchar('\n');
        json_decref(o);
        return BD_OK;
    }
    for (int i = 0; i < c->run_count; i++) {
        json_t *run = json_array_get(runs, i);
        printf("%-52s %7d steps %8.0f s\n", c->runs[i].id, (int)json_integer_value(json_object_get(run, "steps")),
               json_number_value(json_object_get(run, "seconds")));
    }
    printf("%d runs, about %.1f h with %d side by side (from %d steps of each network, now, on one thread each)\n",
           c->run_count, total / 3600, (int)c->config.jobs, TIMED_STEPS);
    json_decref(runs);
    return BD_OK;
}

/* ---- the runs ---- */

static char *log_path(const struct session *session, const struct bd_compare_run *run)
{
    return bd_asprintf("%s/%s.log", session->comparison.config.folder, run->id);
}

/* In the child: its record goes to `output`, its progress to the log; it dies with its parent. */
static void become_worker(const struct session *session, const struct bd_compare_run *run, int output, pid_t parent)
{
    char *log = log_path(session, run), *rate = bd_asprintf("%.17g", bd_comparison_rate(&session->comparison, run)),
         *threads = bd_asprintf("%d", (int)session->options.threads);
    int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent || fd < 0 || dup2(output, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0) {
        _exit(BD_INFRA);
    }
    setenv("OMP_NUM_THREADS", threads, 1);
    setenv("OMP_WAIT_POLICY", "passive", 1);
    execl("/proc/self/exe", "bitdial", "compare", session->options.config, "--folder",
          session->comparison.config.folder, "--threads", threads, "--worker", run->id, "--rate", rate, (char *)NULL);
    _exit(BD_INFRA);
}

static bd_status start(struct session *session, struct bd_compare_run *run, struct bd_error *err)
{
    int ends[2];
    pid_t parent = getpid();
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return bd_fail(err, BD_INFRA, "cannot make a pipe: %s", strerror(errno));
    }
    pid_t pid = fork();
    if (pid == 0) {
        become_worker(session, run, ends[1], parent);
    }
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return bd_fail(err, BD_INFRA, "cannot start a worker: %s", strerror(errno));
    }
    run->started = true;
    session->workers[session->busy++] = (struct worker){pid, ends[0], run};
    return BD_OK;
}

/* All that the worker wrote, without the newline; it has ended. */
static char *read_record(int fd)
{
    char *text = NULL;
    size_t size = 0;
    for (;;) {
        text = bd_xrealloc(text, size + 65536, 1);
        ssize_t got = read(fd, text + size, 65535);
        if (got <= 0 && !(got < 0 && errno == EINTR)) {
            break;
        }
        size += got > 0 ? (size_t)got : 0;
    }
    text[size] = 0;
    text[strcspn(text, "\n")] = 0;
    return text;
}

/* Why a worker failed: the last line of its log. */
static bd_status failure(const struct session *session, const struct bd_compare_run *run, int how,
                         struct bd_error *err)
{
    char *path = log_path(session, run);
    uint8_t *text = NULL;
    size_t size = 0;
    struct bd_error ignored;
    const char *last = "it left no message";
    if (bd_file_read(path, LOG_LIMIT, &text, &size, &ignored) == BD_OK && size) {
        text[size - 1] = text[size - 1] == '\n' ? 0 : text[size - 1];
        const char *line = strrchr((char *)text, '\n');
        last = line ? line + 1 : (char *)text;
    }
    bd_status status =
        WIFSIGNALED(how)
            ? bd_fail(err, BD_INFRA, "run '%s' was ended by signal %d (%s)", run->id, WTERMSIG(how), path)
            : bd_fail(err, WEXITSTATUS(how) ? (bd_status)WEXITSTATUS(how) : BD_INFRA, "run '%s' failed (%s): %s",
                      run->id, path, last);
    free(text);
    free(path);
    return status;
}

static void tell_finished(const struct session *session, const struct bd_compare_run *run)
{
    const char *name;
    json_t *value;
    fprintf(stderr, "[%d/%d] %s rate %g: validation %%", session->finished, session->comparison.run_count, run->id,
            json_number_value(json_object_get(run->result, "rate")));
    json_object_foreach(json_object_get(run->result, "validation"), name, value)
    {
        fprintf(stderr, " %s %.1f", name, 100 * json_number_value(value));
    }
    fprintf(stderr, " (%.0f s since the start)\n", bd_seconds(CLOCK_MONOTONIC) - session->started);
}

/* A run that others learn from keeps its checkpoint, and so does every full run; a pilot's only chose a rate. */
static void drop_pilot(const struct session *session, const struct bd_compare_run *run)
{
    if (session->comparison.rate_count > 1 && run->rate >= 0) {
        char *path = bd_comparison_checkpoint(&session->comparison, run);
        unlink(path);
        free(path);
    }
}

/* Waits for any worker and takes what it found. */
static bd_status reap(struct session *session, struct bd_error *err)
{
    int how;
    /* A record may be longer than a pipe holds, so that a worker would wait for its reader: read before waiting. */
    fd_set set;
    int most = 0;
    FD_ZERO(&set);
    for (int i = 0; i < session->busy; i++) {
        FD_SET(session->workers[i].output, &set);
        most = session->workers[i].output > most ? session->workers[i].output : most;
    }
    while (select(most + 1, &set, NULL, NULL, NULL) < 0 && errno == EINTR) {
    }
    int which = 0;
    while (which < session->busy - 1 && !FD_ISSET(session->workers[which].output, &set)) {
        which++;
    }
    struct worker worker = session->workers[which];
    session->workers[which] = session->workers[--session->busy];
    char *record = read_record(worker.output);
    close(worker.output);
    while (waitpid(worker.pid, &how, 0) < 0 && errno == EINTR) {
    }
    bd_status status = BD_OK;
    if (!WIFEXITED(how) || WEXITSTATUS(how) != 0) {
        status = failure(session, worker.run, how, err);
    } else {
        status = bd_comparison_take(&session->comparison, record, err);
    }
    status = status ? status : bd_journal_append(&session->journal, record, err);
    free(record);
    if (!status) {
        session->finished++;
        tell_finished(session, worker.run);
        drop_pilot(session, worker.run);
    }
    return status;
}

static bd_status run_all(struct session *session, struct bd_error *err)
{
    struct bd_comparison *c = &session->comparison;
    bd_status status = BD_OK;
    while (!status) {
        for (int i = 0; i < c->run_count && session->busy < c->config.jobs && !status; i++) {
            struct bd_compare_run *run = &c->runs[i];
            if (!run->result && !run->started && bd_comparison_ready(c, run)) {
                status = start(session, run, err);
            }
        }
        if (!session->busy) {
            break;
        }
        status = status ? status : reap(session, err);
    }
    for (int i = 0; i < session->busy; i++) { /* after a failure: what the others did is in their checkpoints */
        kill(session->workers[i].pid, SIGKILL);
        waitpid(session->workers[i].pid, NULL, 0);
        close(session->workers[i].output);
    }
    return status;
}

/* ---- the journal and the table ---- */

static bd_status open_journal(struct session *session, struct bd_error *err)
{
    struct bd_comparison *c = &session->comparison;
    bd_status status = bd_make_folder(c->config.folder, err);
    if (status) {
        return status;
    }
    char *path = bd_asprintf("%s/journal.jsonl", c->config.folder), *head = bd_comparison_identity(c);
    status = bd_journal_open(&session->journal, path, !session->options.fresh, err);
    if (!status && session->journal.count == 0) {
        status = bd_journal_append(&session->journal, head, err);
    } else if (!status && strcmp(session->journal.records[0], head)) {
        status = bd_fail(err, BD_BAD_INPUT, "journal '%s' is of another comparison: choose another folder", path);
    }
    for (size_t i = 1; i < session->journal.count && !status; i++) {
        status = bd_comparison_take(c, session->journal.records[i], err);
        if (status) {
            bd_fail_prefix(err, "%s:%zu", path, i + 1);
        }
    }
    for (int i = 0; i < c->run_count; i++) {
        session->finished += c->runs[i].result != NULL;
    }
    free(path);
    free(head);
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
    char *path = bd_asprintf("%s/table.md", c->config.folder), *rows_path = bd_asprintf("%s/rows.jsonl", c->config.folder);
    bd_status status = bd_file_write(path, markdown, strlen(markdown), err);
    status = status ? status : bd_file_write(rows_path, rows, strlen(rows), err);
    if (!status && session->options.json) {
        json_dumpf(table, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(7));
        putchar('\n');
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
        return print_plan(session, err);
    }
    status = open_journal(session, err);
    if (!status && !options->table) {
        fprintf(stderr, "%s: %d runs, %d finished, %d side by side, in %s\n", c->config.name, c->run_count,
                session->finished, (int)c->config.jobs, c->config.folder);
        status = run_all(session, err);
    }
    return status ? status : write_table(session, err);
}

int cmd_compare(int argc, char **argv)
{
    struct session session = {.started = bd_seconds(CLOCK_MONOTONIC), .journal = {.fd = -1}};
    struct bd_error err;
    int parsed = parse_options(&session.options, argc, argv);
    if (parsed) {
        return parsed < 0 ? BD_OK : parsed;
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
