/* `bitdial cosim`: a device against the reference, every layer and every clock. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/core/clock.h"
#include "model/core/memory.h"
#include "model/core/process.h"
#include "sw/cli/cli.h"
#include "sw/cli/cosim_report.h"
#include "sw/cli/device_options.h"
#include "sw/cli/image_options.h"
#include "sw/cli/options.h"
#include "sw/cli/runs_options.h"
#include "sw/cosim/parts.h"
#include "sw/session/schedule.h"

static const char usage[] =
    "Usage: bitdial cosim NET.bdp --hardware HW.yaml [OPTION]...\n"
    "       bitdial cosim --random COUNT --hardware HW.yaml [OPTION]...\n"
    "Runs frames on a device and compares every layer's codes and stream and every result with the reference, and\n"
    "every frame's clocks with the cost model. Each image runs twice: with its layers stored to memory, where that\n"
    "has room for them, and without.\n"
    "The first difference is named, with the command that repeats it; the exit code is then 1.\n\n"
    "  --hardware HW.yaml  the configuration that the network was compiled for (required)\n" BD_DEVICE_USAGE(
        "rtl") "  --images N          number of images (default: 8)\n" BD_IMAGE_USAGE
               "  --noise             random images of the network's shape by --seed, in place of any files\n"
               "  --schedule LIST     switches of the images, repeated, such as w1a8,w1a1 (default: all of the "
               "network)\n"
               "  --memory L,I,O      memory timing: latency, clocks a beat, bursts open at once; may be given up to 8 "
               "times,\n"
               "                      every image then runs at each (default: the hardware's); of a board:\n"
               "                      the timing to predict with\n"
               "  --random COUNT      random networks instead of NET.bdp, each at all of its switches; --first K "
               "counts them\n"
               "  --seed S            of random networks, images and stalls (default 1)\n"
               "  --results-only      run each image once, without its layers stored: results and clocks are compared\n"
               "  --stalls            random stalls on the device's bus in the runs that store layers\n"
               "  --reset-seed S      rtl registers without reset start as random bits (default 0: as zeros)\n"
               "  -o, --out DIR       run in parts and keep what each came to, so that what is stopped or killed goes "
               "on\n"
               "  --part FROM:COUNT   these items of the run alone; prints the record that the whole adds up\n"
               "  --no-shm            send bulk memory as frames, not through shared memory\n"
               "  --trace FILE        write an FST trace of the rtl device; needs --jobs 1\n"
               "  --fault NAME        plant a fault, which must make the run fail:\n"
#define X(name, build, help) "                        " name ": " help "\n"
    BD_COSIM_FAULTS(X)
#undef X
        "Several devices side by side (without --out: one) run as points of the runner, each a part of the run; the "
        "others of\n"
        "these options but --json need --out:\n" BD_RUNS_USAGE "  --help               print this\n";

#define NAME "cosim"
#define PARTS 64 /* of a run with --out, at most */

static const struct {
    const char *name;
    int build;
} faults[] = {
#define X(name, build, help) {name, build},
    BD_COSIM_FAULTS(X)
#undef X
};

static bool parse_memory(void *context, const char *text)
{
    struct bd_cosim_options *o = context;
    if (o->setting_count == BD_COSIM_SETTINGS) {
        bd_cli_usage(NAME, "'--memory' may be given at most %d times", BD_COSIM_SETTINGS);
        return false;
    }
    return bd_cli_memory(NAME, text, &o->settings[o->setting_count]) && ++o->setting_count;
}

/* The options of the command that are no options of the comparison. */
struct command {
    struct bd_cosim_options cosim;
    struct bd_image_options images;
    struct bd_runs_command runs;
    const char *out;
    bool is_part;
    uint32_t part_from, part_count;
};

static bool parse_part(void *context, const char *text)
{
    struct command *c = context;
    int used = 0;
    c->is_part = sscanf(text, "%" SCNu32 ":%" SCNu32 "%n", &c->part_from, &c->part_count, &used) == 2 && !text[used] &&
                 c->part_count > 0;
    return c->is_part || !bd_cli_usage(NAME, "'--part' must be FROM:COUNT, got '%s'", text);
}

static bool parse_fault(void *context, const char *name)
{
    struct bd_cosim_options *o = context;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        if (strcmp(faults[i].name, name) == 0) {
            o->fault = faults[i].name;
            o->session.rtl_fault = faults[i].build;
            return true;
        }
    }
    bd_cli_usage(NAME, "'--fault' knows no '%s'", name);
    return false;
}

static bd_status load_inputs(struct command *c, struct bd_program *program, struct bd_dataset *dataset,
                             struct bd_error *err)
{
    struct bd_cosim_options *o = &c->cosim;
    struct bd_image_source *source = &c->images.source;
    bd_status status = bd_program_load(program, o->path, err);
    if (status != BD_OK) {
        return status;
    }
    unsigned *schedule, length; /* refused before anything runs */
    if (bd_schedule_parse(program, o->schedule, &schedule, &length, err)) {
        return err->status;
    }
    free(schedule);
    const struct bd_image_shape shape = bd_program_shape(program);
    o->kind_given = source->data.kind != BD_DATA_ANY;
    source->seed = o->seed;
    source->first += c->part_from;
    source->count = c->is_part ? c->part_count : source->count;
    status = bd_cli_open_images(dataset, &c->images, &shape, 8, err);
    source->first -= c->part_from;
    o->source = *source;
    o->count = dataset->count;
    return status;
}

/* ---- in one piece ---- */

static void show_progress(void *context, uint64_t done, uint64_t total)
{
    static double shown;
    const double now = bd_seconds(CLOCK_MONOTONIC);
    const bool last = done == total, terminal = isatty(STDERR_FILENO);
    (void)context;
    shown = shown > 0 ? shown : now;
    if (last || now - shown >= (terminal ? 1 : 10)) {
        shown = now;
        fprintf(stderr, "%scosim: %" PRIu64 " of %" PRIu64 " frames%s", terminal ? "\r" : "", done, total,
                terminal && !last ? "" : "\n");
    }
}

/* The part of the run that --part names: its record is all that is printed. */
static bd_status run_part(const struct command *c, const struct bd_program *program, const struct bd_dataset *dataset,
                          struct bd_cosim_totals *totals, struct bd_error *err)
{
    struct bd_cosim_options o = c->cosim;
    o.skip = c->part_from;
    o.count = c->part_count;
    o.first += c->part_from;
    o.progress = NULL;
    bd_status status = bd_cosim(&o, program, dataset, totals, err);
    if (status == BD_OK || status == BD_FAIL) {
        json_t *record = bd_cosim_record(totals, status ? err->message : NULL);
        char *text = json_dumps(record, JSON_COMPACT | JSON_PRESERVE_ORDER);
        puts(text);
        free(text);
        json_decref(record);
    }
    return status;
}

/* ---- in parts ---- */

static bd_status execute(struct command *c, struct bd_cosim_parts *parts, const char *dir, struct bd_error *err)
{
    struct bd_runs_plan *plan = bd_runs_plan_new(NAME, c->cosim.path ? c->cosim.path : "random networks");
    const struct bd_runs_options own = {.user = parts, .on_result = bd_cosim_on_result};
    struct bd_runs_summary summary;
    bd_status status = bd_cosim_plan(parts, plan, err);
    if (!status && c->runs.list) {
        status = bd_cli_runs_list(&c->runs, plan, dir, err);
    } else if (!status) {
        status = bd_cli_runs_execute(&c->runs, plan, dir, &own, &summary, err);
        if (summary.stopped && !c->out) {
            status = bd_fail(err, BD_INFRA, "stopped before its end: with --out DIR a run can be gone on with");
        }
    }
    bd_runs_plan_free(plan);
    return status;
}

static void remove_folder(const char *folder)
{
    struct bd_error ignored;
    const struct bd_process process = {.argv = (const char *const[]){"rm", "-rf", "--", folder, NULL}, .seconds = 60};
    char *output;
    int code;
    if (!bd_process_run(&process, &output, &code, &ignored)) {
        free(output);
    }
}

/* Devices side by side, as points of the runner: in --out, or in a folder that goes when they have ended. */
static bd_status run_parts(struct command *c, struct bd_cosim_totals *totals, struct bd_error *err)
{
    char temporary[] = "/tmp/bitdial-cosim-XXXXXX", *program = NULL;
    const uint32_t count = c->cosim.count, most = c->out ? PARTS : (uint32_t)c->runs.jobs;
    struct bd_cosim_parts parts = {
        .options = &c->cosim, .input = c->images.source.array, .count = count < most ? count : most};
    if (!c->out && !mkdtemp(temporary)) {
        return bd_fail(err, BD_INFRA, "cannot make a folder in /tmp: %s", strerror(errno));
    }
    c->runs.force |= !c->out; /* the folder is there, and empty */
    c->runs.at_once = !c->out;
    bd_status status = bd_runs_own_program(&program, err);
    parts.program = program;
    status = status ? status : execute(c, &parts, c->out ? c->out : temporary, err);
    bd_cosim_sum(&parts, totals);
    if (!status && !c->runs.list) {
        status = bd_cosim_judge(totals, err);
    }
    if (!c->out) {
        remove_folder(temporary);
    }
    bd_cosim_parts_release(&parts);
    free(program);
    return status;
}

static bd_status run(struct command *c, struct bd_error *err)
{
    struct bd_cosim_options *o = &c->cosim;
    struct bd_program program = {0};
    struct bd_dataset dataset = {0};
    struct bd_cosim_totals *totals = bd_xcalloc(1, sizeof *totals);
    struct bd_hardware hardware;
    bd_status status = bd_hardware_load(&hardware, o->session.hardware_path, err);
    if (status != BD_OK) {
        free(totals);
        return status;
    }
    if (o->setting_count == 0) {
        o->settings[o->setting_count++] = hardware.memory;
    }
    bd_hardware_release(&hardware);
    if (o->path) {
        status = load_inputs(c, &program, &dataset, err);
    }
    const struct bd_program *subject = o->path ? &program : NULL;
    if (status == BD_OK && c->is_part) {
        status = run_part(c, subject, &dataset, totals, err);
    } else if (status == BD_OK) {
        if (c->out || c->runs.jobs > 1) {
            bd_dataset_release(&dataset); /* each part reads its own images */
            status = run_parts(c, totals, err);
        } else {
            status = bd_cosim(o, subject, &dataset, totals, err);
        }
        if ((status == BD_OK || status == BD_FAIL) && !c->runs.list) {
            if (c->runs.json) {
                bd_cli_cosim_json(o, subject, totals, status, err);
            } else {
                bd_cli_cosim_text(o, subject, totals);
            }
        }
    }
    bd_dataset_release(&dataset);
    bd_program_release(&program);
    free(totals);
    return status;
}

/* ---- options ---- */

/* Of the runner's options. */
static int check_runs(const struct command *c)
{
    const struct bd_runs_command *r = &c->runs;
    const bool several = c->out || r->jobs > 1;
    if (!c->out && (r->resume || r->force || r->retry_failed || r->any_build || r->filter || r->slurm || r->list)) {
        return bd_cli_usage(NAME, "--resume, --force, --retry, --any-build, --filter, --slurm and --list need --out");
    }
    if (strchr(c->cosim.session.device, ':') && several) {
        return bd_cli_usage(NAME, "a board is one: --device %s needs --jobs 1, and no --out", c->cosim.session.device);
    }
    if (c->cosim.session.trace && several) {
        return bd_cli_usage(NAME, "--trace needs --jobs 1, and no --out");
    }
    if (c->is_part && (several || r->json)) {
        return bd_cli_usage(NAME, "--part is of a run: it goes with no --jobs, --out or --json");
    }
    return bd_cli_check_runs(r);
}

static int check_options(const struct bd_cosim_options *o, const struct bd_image_source *images, int positional,
                         bool random)
{
    const char *device = o->session.device;
    bool rtl = strcmp(device, "rtl") == 0;
    if (positional != !random) {
        return bd_cli_usage(NAME, "expected one program image (NET.bdp), or --random");
    }
    if (!o->session.hardware_path) {
        return bd_cli_usage(NAME, "'--hardware' is missing");
    }
    if (!rtl && (o->stalls || o->session.trace || o->session.rtl_fault || o->session.reset_seed)) {
        return bd_cli_usage(NAME, "--stalls, --trace, --reset-seed and this --fault need --device rtl");
    }
    if (random && (o->fault && !o->session.rtl_fault)) {
        return bd_cli_usage(NAME, "this --fault needs a program image");
    }
    if (!random && o->stalls) {
        return bd_cli_usage(NAME, "--stalls goes with --random");
    }
    if (random && o->results_only) {
        return bd_cli_usage(NAME, "--results-only does not go with --random");
    }
    if (random && (images->noise || images->array || images->data.folder || images->data.kind != BD_DATA_ANY)) {
        return bd_cli_usage(NAME,
                            "--noise, --images, --kind and --data go with a program image: --random makes its own");
    }
    if (random && o->schedule) {
        return bd_cli_usage(NAME, "--schedule goes with a program image");
    }
    return BD_OK;
}

int cmd_cosim(int argc, char **argv)
{
    struct command c = {.cosim = {.session = {.device = "rtl", .shared = true}, .progress = show_progress},
                        .images = BD_IMAGE_DEFAULTS(NAME),
                        .runs = {.command = NAME}};
    struct bd_cosim_options *o = &c.cosim;
    int64_t networks = 0, seed = 1, reset_seed = 0;
    struct bd_cli_device device = {NAME, &o->session.device};
    const struct bd_option table[] = {
        {"hardware", .text = &o->session.hardware_path},
        BD_DEVICE_ROW(&device),
        BD_IMAGE_ROWS(&c.images),
        {"noise", .flag = &c.images.source.noise},
        {"schedule", .text = &o->schedule},
        {"memory", .take = parse_memory, .context = o},
        {"random", .integer = &networks, .min = 1, .max = 1000000},
        {"seed", .integer = &seed, .min = 0, .max = INT64_MAX},
        {"results-only", .flag = &o->results_only},
        {"stalls", .flag = &o->stalls},
        {"reset-seed", .integer = &reset_seed, .min = 0, .max = INT32_MAX},
        {"out", .text = &c.out, .letter = 'o'},
        {"part", .take = parse_part, .context = &c},
        {"no-shm", .off = &o->session.shared},
        {"trace", .text = &o->session.trace},
        {"fault", .take = parse_fault, .context = o},
        BD_RUNS_ROWS(&c.runs),
        {0},
    };
    int code = bd_cli_options(NAME, usage, table, argc, argv);
    if (code != BD_OPTIONS_READ) {
        return code;
    }
    bool random = networks > 0;
    o->count = (uint32_t)networks;
    o->first = (uint32_t)c.images.source.first;
    o->seed = (uint64_t)seed;
    c.runs.jobs = c.runs.jobs || c.out ? c.runs.jobs : 1;
    o->session.reset_seed = (uint64_t)reset_seed;
    o->session.notice = bd_cli_notice;
    o->session.context = NAME;
    int checked = check_options(o, &c.images.source, argc - optind, random);
    checked = checked == BD_OK ? check_runs(&c) : checked;
    checked = checked == BD_OK ? bd_cli_check_images(&c.images) : checked;
    if (checked != BD_OK) {
        return checked;
    }
    o->path = random ? NULL : argv[optind];
    struct bd_error err;
    const char *const inputs[] = {o->session.hardware_path, o->path ? o->path : "", c.images.source.array, NULL};
    bd_status status = bd_cli_trace(&o->session.trace, inputs, &err);
    status = status ? status : run(&c, &err);
    return status == BD_OK ? BD_OK : bd_cli_fail(NAME, &err);
}
