/* `bitdial train CONFIG`: progress on stderr, one line of JSON per event in a log, checkpoints, resume. */
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/core/clock.h"
#include "model/core/file.h"
#include "model/core/json.h"
#include "model/core/memory.h"
#include "model/core/output.h"
#include "model/data/dataset.h"
#include "model/eval/evaluate.h"
#include "model/train/loop/ranks.h"
#include "model/train/loop/train.h"
#include "sw/cli/cli.h"
#include "sw/cli/options.h"
#include "sw/cli/profile.h"
#include "sw/cli/report.h"
#include "sw/cli/train_inputs.h"
#include "sw/cli/train_view.h"

#define NAME "train"

static const char usage[] =
    "usage: bitdial train CONFIG [options]\n"
    "\n"
    "Trains the network of a training configuration (yaml-configs/training/) at all of its switches and writes a\n"
    "checkpoint. While it runs the checkpoint holds the state to resume from. Under `mpirun -n N` each of N processes\n"
    "takes its part of every batch.\n"
    "\n"
    "  --output FILE        checkpoint to write, instead of the configuration's\n"
    "  --init FILE          start from this checkpoint (fine-tuning), with its own network\n"
    "  --resume             go on from the output's checkpoint, if there is one, to the same bits\n"
    "  --force              begin anew, over an output and a log that are there already\n"
    "  --epochs N           instead of the configuration's\n"
    "  --steps N            length of the run in steps, before --epochs\n"
    "  --rate R             peak learning rate, instead of the configuration's\n"
    "  --seed N             instead of the configuration's\n"
    "  --switches LIST      train these alone, such as w1a8,w1a1\n"
    "  --threads N          default: all processors\n"
    "  --images N           train on the first N images alone\n"
    "  --data DIR           the folder of the data set\n"
    "  --limit-seconds S    stop after S seconds, resumable\n"
    "  --stall-seconds S    under mpirun: fail when a rank that is waited for gives no sign of life for S (120) "
    "seconds\n"
    "  --log FILE           JSON lines of what happens; default: the output's name with .jsonl\n"
    "  --no-test            leave the test images alone at the end\n"
    "  --profile            train nothing: say where the time of a step goes, over --steps (20) steps\n"
    "  --json               one JSON object on stdout at the end\n"
    "  --help               this text\n";

struct options {
    const char *config, *output, *init, *switches, *log, *data;
    int64_t epochs, steps, seed, threads, images;
    double rate, limit_seconds, stall_seconds;
    bool resume, force, json, no_test, profile;
};

struct session {
    struct options options;
    struct bd_train_config config;
    struct bd_checkpoint checkpoint, teacher;
    struct bd_dataset train, validation, test;
    struct bd_mpi mpi;
    struct bd_output_lock lock;
    uint32_t start; /* checksum of the initial checkpoint, or 0 */
    struct bd_train_view view;
    double started, test_accuracy[BD_MAX_SWITCHES];
    bool tested, finished;
};

static void watch(void *context, const struct bd_train_event *event)
{
    struct session *session = context;
    if (!session->mpi.rank) {
        bd_train_view_watch(&session->view, event);
    }
}

/* ---- options ---- */

static int parse_options(struct options *o, int argc, char **argv)
{
    *o = (struct options){.seed = -1, .stall_seconds = BD_MPI_STALL_SECONDS};
    const struct bd_option table[] = {
        {"output", .text = &o->output},
        {"init", .text = &o->init},
        {"resume", .flag = &o->resume},
        {"force", .flag = &o->force},
        {"epochs", .integer = &o->epochs, .min = 1, .max = 10000},
        {"steps", .integer = &o->steps, .min = 1, .max = 1 << 30},
        {"rate", .real = &o->rate, .low = 1e-8, .high = 10},
        {"seed", .integer = &o->seed, .min = 0, .max = 1 << 30},
        {"switches", .text = &o->switches},
        {"threads", .integer = &o->threads, .min = 1, .max = 1024},
        {"images", .integer = &o->images, .min = 1, .max = 1 << 30},
        {"data", .text = &o->data},
        {"limit-seconds", .real = &o->limit_seconds, .low = 0.001, .high = 1e9},
        {"stall-seconds", .real = &o->stall_seconds, .low = 0.1, .high = 1e6},
        {"log", .text = &o->log},
        {"no-test", .flag = &o->no_test},
        {"profile", .flag = &o->profile},
        {"json", .flag = &o->json},
        {0},
    };
    int code = bd_cli_options(NAME, usage, table, argc, argv);
    if (code != BD_OPTIONS_READ) {
        return code;
    }
    if (optind + 1 != argc) {
        return bd_cli_usage(NAME, "expected one training configuration (TRAINING.yaml)");
    }
    if (o->resume && o->force) {
        return bd_cli_usage(NAME, "'--resume' goes on with what '--force' would replace: give one of them");
    }
    o->config = argv[optind];
    return BD_OPTIONS_READ;
}

static void replace(char **text, const char *with)
{
    if (with) {
        free(*text);
        *text = bd_xstrdup(with);
    }
}

/* What the configuration, not the command line, names to be read is there. */
static bd_status expect_inputs(const struct session *session, struct bd_error *err)
{
    const struct bd_train_config *config = &session->config;
    const char *file = session->options.config;
    bd_status status = BD_OK;
    if (!config->init) {
        status = bd_yaml_expect_path(file, "network", config->network, err);
    } else if (!session->options.init) {
        status = bd_yaml_expect_path(file, "init", config->init, err);
    }
    if (!status && config->plan.teacher == BD_TEACHER_NETWORK && config->teacher) {
        status = bd_yaml_expect_path(file, "teacher.checkpoint", config->teacher, err);
    }
    if (!status && config->data.folder && !session->options.data) {
        status = bd_yaml_expect_path(file, "data.folder", config->data.folder, err);
    }
    return status;
}

static bd_status load_config(struct session *session, struct bd_error *err)
{
    const struct options *options = &session->options;
    struct bd_train_config *config = &session->config;
    bd_status status = bd_train_config_load(config, options->config, err);
    if (status) {
        return status;
    }
    replace(&config->output, options->output);
    replace(&config->init, options->init);
    replace(&config->switches, options->switches);
    replace(&config->data.folder, options->data);
    config->plan.epochs = options->epochs ? options->epochs : config->plan.epochs;
    config->plan.steps = options->epochs ? 0 : config->plan.steps;
    config->plan.steps = options->steps ? options->steps : config->plan.steps;
    config->plan.rate = options->rate > 0 ? options->rate : config->plan.rate;
    config->plan.seed = options->seed >= 0 ? options->seed : config->plan.seed;
    if (!config->output) {
        return bd_fail(err, BD_BAD_INPUT, "%s:1:1: 'output' is missing", options->config);
    }
    if (!config->network && !config->init) {
        return bd_fail(err, BD_BAD_INPUT, "%s:1:1: 'network' and 'init' are both missing: one says what to train",
                       options->config);
    }
    return expect_inputs(session, err);
}

/* ---- the run ---- */

static char *log_path(const struct session *session)
{
    return session->options.log ? bd_xstrdup(session->options.log) : bd_asprintf("%s.jsonl", session->config.output);
}

/* Before anything is read: what the run would write over. */
static bd_status check_outputs(const struct session *session, struct bd_error *err)
{
    const struct bd_train_config *config = &session->config;
    const char *keep = session->options.resume || session->options.force
                           ? NULL
                           : "--resume goes on with it, --force begins anew over it";
    const char *const inputs[] = {session->options.config, config->network && !config->init ? config->network : "",
                                  config->init ? config->init : "", config->teacher ? config->teacher : "", NULL};
    char *log = log_path(session), *output_target = bd_output_target(config->output),
         *log_target = bd_output_target(log);
    bd_status status = bd_output_check(config->output, BD_OUTPUT_CHECKPOINT, keep, inputs, err);
    status = status ? status : bd_output_check(log, BD_OUTPUT_LOG, keep, inputs, err);
    if (!status && output_target && log_target && !strcmp(output_target, log_target)) {
        status = bd_fail(err, BD_BAD_INPUT, "'%s' is the output and the log: name another log", log);
    }
    free(output_target);
    free(log_target);
    free(log);
    return status;
}

/* What the checkpoint tells of its making; nothing in it depends on the clock. */
static void write_metadata(struct session *session)
{
    struct bd_checkpoint *checkpoint = &session->checkpoint;
    const struct bd_graph *graph = &checkpoint->graph;
    uint32_t mask = session->config.plan.switches;
    json_t *metadata = json_loads(checkpoint->metadata ? checkpoint->metadata : "{}", 0, NULL);
    metadata = json_is_object(metadata) ? metadata : json_object();
    json_object_set_new(metadata, "made_by", json_string("bitdial " BD_VERSION " train"));
    json_object_set_new(metadata, "config", bd_json_text(session->options.config));
    if (session->config.init) {
        json_object_set_new(metadata, "init", bd_json_text(session->config.init));
    }
    if (session->view.validated) {
        json_object_set_new(metadata, "validation_accuracy",
                            bd_train_view_by_switch(graph, mask, session->view.validation_accuracy));
    }
    if (session->tested) {
        json_object_set_new(metadata, "test_accuracy", bd_train_view_by_switch(graph, mask, session->test_accuracy));
    }
    free(checkpoint->metadata);
    checkpoint->metadata = json_dumps(metadata, JSON_SORT_KEYS | JSON_COMPACT | JSON_REAL_PRECISION(6));
    json_decref(metadata);
}

static bd_status test(struct session *session, struct bd_error *err)
{
    const struct bd_graph *graph = &session->checkpoint.graph;
    uint32_t mask = session->config.plan.switches;
    bd_status status = bd_dataset_open(&session->test, &session->config.data, BD_SPLIT_TEST, err);
    status =
        status ? status : bd_float_accuracy(&session->checkpoint, mask, &session->test, 0, session->test_accuracy, err);
    if (status) {
        return status;
    }
    session->tested = true;
    struct bd_train_event event = {.switches = mask};
    memcpy(event.accuracy, session->test_accuracy, sizeof event.accuracy);
    fprintf(stderr, "test %%");
    bd_train_view_print(stderr, graph, &event);
    fprintf(stderr, "\n");
    bd_train_view_log(&session->view, &event, "tested");
    return BD_OK;
}

static bd_status profile(struct session *session, int teacher_switch, struct bd_error *err)
{
    struct bd_train_profile found;
    struct bd_train_control control = {.train = &session->train,
                                       .teacher = session->teacher.arrays ? &session->teacher : NULL,
                                       .teacher_switch = teacher_switch};
    int64_t steps = session->options.steps ? session->options.steps : 20;
    bd_status status = bd_train_profile(&session->checkpoint, &session->config.plan, &control, steps, &found, err);
    if (!status) {
        (session->options.json ? bd_cli_print_profile_json : bd_cli_print_profile)(&found);
    }
    return status;
}

/* The folder, the lock and the log; what another run has written by now counts, too. */
static bd_status open_outputs(struct session *session, struct bd_error *err)
{
    bd_status status = bd_make_parent(session->config.output, err);
    if (!status && session->lock.fd < 0) {
        status = bd_output_lock(&session->lock, session->config.output, err);
        status = status ? status : check_outputs(session, err);
    }
    char *log = log_path(session);
    status = status ? status : bd_train_view_open_log(&session->view, log, session->options.resume, err);
    free(log);
    return status;
}

static bd_status train(struct session *session, struct bd_error *err)
{
    struct bd_train_config *config = &session->config;
    const bool writes = !session->options.profile && !session->mpi.rank; /* rank 0 alone does */
    bd_status status = load_config(session, err);
    if (!status && writes) {
        status = check_outputs(session, err);
    }
    if (!status && writes && session->options.resume && access(config->output, F_OK) == 0) {
        status = bd_output_lock(&session->lock, config->output, err); /* before it is read */
    }
    status =
        status ? status
               : bd_train_open_checkpoint(config, session->options.resume, &session->checkpoint, &session->start, err);
    if (!status) {
        config->data.size = config->data.size ? config->data.size : session->checkpoint.graph.input_height;
        status =
            bd_train_open_images(&config->data, session->options.images, &session->train, &session->validation, err);
    }
    status = status ? status
                    : bd_train_switch_mask(&session->checkpoint.graph, config->switches, &config->plan.switches, err);
    int teacher_switch;
    status = status ? status
                    : bd_train_open_teacher(config, session->options.config, &session->teacher, &teacher_switch, err);
    if (!status && session->options.profile) {
        return profile(session, teacher_switch, err);
    }
    bd_train_view_init(&session->view, &session->checkpoint.graph, config->log_every);
    if (!status && writes) {
        status = open_outputs(session, err);
    }
    if (status) {
        return status;
    }
    struct bd_train_control control = {.train = &session->train,
                                       .validation = session->validation.count ? &session->validation : NULL,
                                       .validate_images = config->validate_images,
                                       .save_path = config->output,
                                       .save_every = config->save_every,
                                       .measure_every = config->measure_every,
                                       .teacher = session->teacher.arrays ? &session->teacher : NULL,
                                       .teacher_switch = teacher_switch,
                                       .start = session->start,
                                       .reducer = session->mpi.ranks > 1 ? &session->mpi.reducer : NULL,
                                       .rank = session->mpi.rank,
                                       .limit_seconds = session->options.limit_seconds,
                                       .watch = watch,
                                       .context = session};
    status = bd_train_run(&session->checkpoint, &config->plan, &control, err);
    bd_train_view_clear(&session->view);
    session->finished = control.finished;
    if (status || !control.finished || session->mpi.rank) { /* rank 0 has the statistics, and does the rest */
        return status;
    }
    status = bd_train_view_levels(&session->checkpoint, err);
    if (!status && !session->options.no_test) {
        status = test(session, err);
    }
    if (!status) {
        write_metadata(session);
        status = bd_checkpoint_save(&session->checkpoint, config->output, err);
    }
    return status;
}

static void print_json(const struct session *session)
{
    const struct bd_graph *graph = &session->checkpoint.graph;
    uint32_t mask = session->config.plan.switches;
    json_t *result = json_pack("{s:o, s:b, s:f, s:f}", "checkpoint", bd_json_text(session->config.output), "finished",
                               session->finished, "seconds", bd_seconds(CLOCK_MONOTONIC) - session->started,
                               "images_per_second", session->view.images_per_second);
    if (session->view.validated) {
        json_object_set_new(result, "validation_accuracy",
                            bd_train_view_by_switch(graph, mask, session->view.validation_accuracy));
    }
    if (session->tested) {
        json_object_set_new(result, "test_accuracy", bd_train_view_by_switch(graph, mask, session->test_accuracy));
    }
    bd_cli_report(result);
}

static void print_result(const struct session *session)
{
    if (session->options.profile) {
        return;
    }
    if (session->options.json) {
        print_json(session);
    } else if (session->finished) {
        printf("wrote %s\n", session->config.output);
    } else {
        printf("stopped by the time limit; go on with --resume: %s\n", session->config.output);
    }
}

/* Of all ranks that fail one tells it as JSON: rank 0, which has what all have in common, or after a while, in which it
 * would have ended the others, another. */
static void report_failure(const struct session *session, bd_status status)
{
    if (session->mpi.rank && session->options.json) {
        sleep(1 + (unsigned)session->mpi.rank);
        bd_cli_report_wanted(true);
    }
    bd_cli_report_end(status);
    fflush(stdout);
}

int cmd_train(int argc, char **argv)
{
    struct session session = {.started = bd_seconds(CLOCK_MONOTONIC), .lock = BD_OUTPUT_UNLOCKED};
    struct bd_error err;
    int parsed = parse_options(&session.options, argc, argv);
    if (parsed != BD_OPTIONS_READ) {
        return parsed;
    }
    if (session.options.threads) {
        omp_set_num_threads(session.options.threads);
    }
    bd_status status = bd_mpi_open(&session.mpi, session.options.stall_seconds, &err);
    if (session.mpi.rank) { /* rank 0 tells */
        bd_cli_report_wanted(false);
    }
    status = status ? status : train(&session, &err);
    status = bd_train_view_close_log(&session.view, status, &err);
    bd_output_unlock(&session.lock);
    if (!status && !session.mpi.rank) {
        print_result(&session);
    }
    status = status ? status : bd_mpi_close(&session.mpi, &err);
    if (status) {
        if (session.mpi.ranks > 1) {
            bd_fail_prefix(&err, "rank %d of %d", session.mpi.rank, session.mpi.ranks);
        }
        bd_cli_fail(NAME, &err);
        report_failure(&session, status);
        bd_mpi_abort(&session.mpi, status);
    }
    bd_dataset_release(&session.train);
    bd_dataset_release(&session.validation);
    bd_dataset_release(&session.test);
    bd_checkpoint_release(&session.checkpoint);
    bd_checkpoint_release(&session.teacher);
    bd_train_config_release(&session.config);
    return status;
}
