/* `bitdial cosim`: a device against the reference, every layer and every clock. */
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/json.h"
#include "sw/cli/cli.h"
#include "sw/cli/device_options.h"
#include "sw/cli/image_options.h"
#include "sw/cli/options.h"
#include "sw/cli/report.h"
#include "sw/cosim/cosim.h"

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
               "  --jobs J            devices side by side (default 1)\n"
               "  --no-shm            send bulk memory as frames, not through shared memory\n"
               "  --trace FILE        write an FST trace of the rtl device; needs --jobs 1\n"
               "  --fault NAME        plant a fault, which must make the run fail:\n"
#define X(name, build, help) "                        " name ": " help "\n"
    BD_COSIM_FAULTS(X)
#undef X
        "  --json              one JSON object on standard output\n"
        "  --help              print this\n";

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
        bd_cli_usage("cosim", "'--memory' may be given at most %d times", BD_COSIM_SETTINGS);
        return false;
    }
    return bd_cli_memory("cosim", text, &o->settings[o->setting_count]) && ++o->setting_count;
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
    bd_cli_usage("cosim", "'--fault' knows no '%s'", name);
    return false;
}

static json_t *switch_json(const struct bd_cosim_totals *t, const struct bd_program *program)
{
    json_t *list = json_array();
    for (unsigned s = 0; program && s < program->header->switch_count; s++) {
        const struct bd_cosim_switch *at = &t->at[s];
        if (at->frames > 0) {
            json_array_append_new(
                list,
                json_pack("{s:o, s:I, s:I, s:I, s:I, s:I}", "switch", bd_json_text(program->switches[s].name), "frames",
                          (json_int_t)at->frames, "cycles_simulated", (json_int_t)at->simulated[0], "cycles_predicted",
                          (json_int_t)at->predicted[0], "cycles_simulated_storing", (json_int_t)at->simulated[1],
                          "cycles_predicted_storing", (json_int_t)at->predicted[1]));
        }
    }
    return list;
}

static json_t *layer_json(const struct bd_cosim_totals *t, const struct bd_program *program)
{
    json_t *list = json_array();
    for (unsigned l = 0; program && l < program->header->layer_count; l++) {
        json_array_append_new(list, json_pack("{s:o, s:I}", "layer", bd_json_text(program->names[l]), "mismatches",
                                              (json_int_t)t->layer_mismatches[l]));
    }
    return list;
}

static json_t *memory_json(const struct bd_cosim_options *o)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < o->setting_count; i++) {
        json_array_append_new(list, json_pack("{s:I, s:I, s:I}", "latency", (json_int_t)o->settings[i].latency,
                                              "beat_interval", (json_int_t)o->settings[i].beat_interval, "outstanding",
                                              (json_int_t)o->settings[i].outstanding));
    }
    return list;
}

struct sums {
    uint64_t simulated, predicted, simulated_storing, predicted_storing;
};

static struct sums sum(const struct bd_cosim_totals *t)
{
    struct sums sums = {0};
    for (int s = 0; s < BD_PROGRAM_MAX_SWITCHES; s++) {
        sums.simulated += t->at[s].simulated[0];
        sums.predicted += t->at[s].predicted[0];
        sums.simulated_storing += t->at[s].simulated[1];
        sums.predicted_storing += t->at[s].predicted[1];
    }
    return sums;
}

static void report_json(const struct bd_cosim_options *o, const struct bd_program *program,
                        const struct bd_cosim_totals *t, bd_status status, const struct bd_error *err)
{
    struct sums sums = sum(t);
    double seconds = (double)t->run_nanoseconds * 1e-9;
    json_t *object = json_object();
    json_object_update_new(object,
                           json_pack("{s:b, s:s, s:I, s:I, s:I}", "pass", status == BD_OK, "device", o->session.device,
                                     "frames", (json_int_t)t->images, "mismatches", (json_int_t)t->mismatches,
                                     "cycle_mismatches", (json_int_t)t->cycle_mismatches));
    json_object_update_new(object, json_pack("{s:I, s:I, s:I, s:I}", "cycles_simulated", (json_int_t)sums.simulated,
                                             "cycles_predicted", (json_int_t)sums.predicted, "cycles_simulated_storing",
                                             (json_int_t)sums.simulated_storing, "cycles_predicted_storing",
                                             (json_int_t)sums.predicted_storing));
    json_object_set_new(
        object, "program_loads",
        json_pack("{s:I, s:I}", "compared", (json_int_t)t->loads, "cycles", (json_int_t)t->load_cycles));
    json_object_set_new(object, "bytes_written",
                        json_pack("{s:I, s:I, s:I, s:I}", "load", (json_int_t)t->bytes_load, "frame_min",
                                  (json_int_t)t->bytes_min, "frame_max", (json_int_t)t->bytes_max, "stray",
                                  (json_int_t)t->stray_bytes));
    json_object_set_new(object, "guard_violations", json_integer((json_int_t)t->violations));
    json_object_set_new(object, "shared_memory", json_boolean(t->shared));
    json_object_set_new(object, "layers_compared", json_boolean(!t->unstored && !o->results_only));
    json_object_set_new(
        object, "queued",
        json_pack("{s:I, s:I}", "checked", (json_int_t)t->queue_checked, "different", (json_int_t)t->queue_different));
    json_object_set_new(object, "memory", memory_json(o));
    json_object_set_new(object, "speed",
                        json_pack("{s:I, s:f, s:f, s:f}", "clocks", (json_int_t)t->clocks, "seconds", seconds,
                                  "clocks_per_second", seconds > 0 ? (double)t->clocks / seconds : 0.0,
                                  "binary_macs_per_second", seconds > 0 ? (double)t->binary_macs / seconds : 0.0));
    if (program) {
        json_object_set_new(object, "network", bd_json_text(program->header->network));
        json_object_set_new(object, "switches", switch_json(t, program));
        json_object_set_new(object, "layers", layer_json(t, program));
    } else {
        json_object_update_new(object, json_pack("{s:I, s:I, s:I}", "networks", (json_int_t)t->networks, "layers",
                                                 (json_int_t)t->layers, "seed", (json_int_t)o->seed));
    }
    if (o->source.noise) {
        char line[768];
        bd_cosim_repeat_run(o, line, sizeof line);
        json_object_set_new(object, "noise",
                            json_pack("{s:I, s:o}", "seed", (json_int_t)o->seed, "repeat", bd_json_text(line)));
    }
    if (status != BD_OK) {
        json_object_set_new(object, "failure", bd_json_text(err->message));
    }
    bd_cli_report(object);
}

static void report_text(const struct bd_cosim_options *o, const struct bd_program *program,
                        const struct bd_cosim_totals *t)
{
    struct sums sums = sum(t);
    double seconds = (double)t->run_nanoseconds * 1e-9;
    if (program) {
        printf("%s on %s: %" PRIu64 " frames, %s\n", program->header->network, o->session.device, t->images,
               t->unstored       ? "results alone: the device's memory has no room for layers"
               : o->results_only ? "results and clocks compared"
                                 : "each with and without its layers stored");
    } else {
        printf("%" PRIu64 " random networks, %" PRIu64 " layers, %" PRIu64 " frames on %s\n", t->networks, t->layers,
               t->images, o->session.device);
    }
    printf("mismatches        %" PRIu64 "\n", t->mismatches);
    printf("clocks simulated  %" PRIu64 ", storing layers %" PRIu64 "\n", sums.simulated, sums.simulated_storing);
    printf("clocks predicted  %" PRIu64 ", storing layers %" PRIu64 "; ", sums.predicted, sums.predicted_storing);
    if (t->untimed > 0) {
        printf("the memory's timing varies: not compared\n");
    } else {
        printf("frames that differ %" PRIu64 "\n", t->cycle_mismatches);
    }
    if (t->loads > 0) {
        printf("program loaded    %" PRIu64
               " times, clocks as predicted where no frame differs: %.1f each, in no other line\n",
               t->loads, (double)t->load_cycles / (double)t->loads);
    }
    printf("queued frames     %" PRIu64 " checked, %" PRIu64 " differ\n", t->queue_checked, t->queue_different);
    printf("bytes written     %" PRIu64 " to load, %" PRIu64 " to %" PRIu64 " a frame; %" PRIu64 " guard violations\n",
           t->bytes_load, t->bytes_min, t->bytes_max, t->violations);
    printf("speed             %.0f clocks/s, %.3g binary MAC/s\n", seconds > 0 ? (double)t->clocks / seconds : 0,
           seconds > 0 ? (double)t->binary_macs / seconds : 0);
    if (o->source.noise) {
        char line[768];
        bd_cosim_repeat_run(o, line, sizeof line);
        printf("images            noise of seed %" PRIu64 "; repeat with: %s\n", o->seed, line);
    }
    for (unsigned s = 0; program && s < program->header->switch_count; s++) {
        const struct bd_cosim_switch *at = &t->at[s];
        if (at->frames > 0) {
            printf("  %-8s %6" PRIu64 " frames, %12.1f clocks each, %12.1f predicted\n", program->switches[s].name,
                   at->frames, (double)at->simulated[0] / (double)at->frames,
                   (double)at->predicted[0] / (double)at->frames);
        }
    }
}

static bd_status load_inputs(struct bd_cosim_options *o, struct bd_image_options *images, struct bd_program *program,
                             struct bd_dataset *dataset, struct bd_error *err)
{
    bd_status status = bd_program_load(program, o->path, err);
    if (status != BD_OK) {
        return status;
    }
    const struct bd_image_shape shape = bd_program_shape(program);
    o->kind_given = images->source.data.kind != BD_DATA_ANY;
    images->source.seed = o->seed;
    status = bd_cli_open_images(dataset, images, &shape, 8, err);
    o->source = images->source;
    o->count = dataset->count;
    return status;
}

static bd_status run(struct bd_cosim_options *o, struct bd_image_options *images, bool json, struct bd_error *err)
{
    struct bd_program program = {0};
    struct bd_dataset dataset = {0};
    struct bd_cosim_totals totals;
    struct bd_hardware hardware;
    bd_status status = bd_hardware_load(&hardware, o->session.hardware_path, err);
    if (status != BD_OK) {
        return status;
    }
    if (o->setting_count == 0) {
        o->settings[o->setting_count++] = hardware.memory;
    }
    bd_hardware_release(&hardware);
    if (o->path) {
        status = load_inputs(o, images, &program, &dataset, err);
    }
    if (status == BD_OK) {
        const struct bd_program *subject = o->path ? &program : NULL;
        status = bd_cosim(o, subject, &dataset, &totals, err);
        if (status == BD_OK || status == BD_FAIL) {
            if (json) {
                report_json(o, subject, &totals, status, err);
            } else {
                report_text(o, subject, &totals);
            }
        }
    }
    bd_dataset_release(&dataset);
    bd_program_release(&program);
    return status;
}

static int check_options(const struct bd_cosim_options *o, const struct bd_image_source *images, int positional,
                         bool random)
{
    const char *device = o->session.device;
    bool rtl = strcmp(device, "rtl") == 0;
    if (positional != !random) {
        return bd_cli_usage("cosim", "expected one program image (NET.bdp), or --random");
    }
    if (!o->session.hardware_path) {
        return bd_cli_usage("cosim", "'--hardware' is missing");
    }
    if (!rtl && (o->stalls || o->session.trace || o->session.rtl_fault || o->session.reset_seed)) {
        return bd_cli_usage("cosim", "--stalls, --trace, --reset-seed and this --fault need --device rtl");
    }
    if (strchr(device, ':') && o->jobs > 1) {
        return bd_cli_usage("cosim", "a board is one: --device %s needs --jobs 1", device);
    }
    if (o->session.trace && o->jobs > 1) {
        return bd_cli_usage("cosim", "--trace needs --jobs 1");
    }
    if (random && (o->fault && !o->session.rtl_fault)) {
        return bd_cli_usage("cosim", "this --fault needs a program image");
    }
    if (!random && o->stalls) {
        return bd_cli_usage("cosim", "--stalls goes with --random");
    }
    if (random && o->results_only) {
        return bd_cli_usage("cosim", "--results-only does not go with --random");
    }
    if (random && (images->noise || images->array || images->data.folder || images->data.kind != BD_DATA_ANY)) {
        return bd_cli_usage("cosim",
                            "--noise, --images, --kind and --data go with a program image: --random makes its own");
    }
    if (random && o->schedule) {
        return bd_cli_usage("cosim", "--schedule goes with a program image");
    }
    return BD_OK;
}

int cmd_cosim(int argc, char **argv)
{
    struct bd_cosim_options o = {.session = {.device = "rtl", .shared = true}};
    struct bd_image_options images = BD_IMAGE_DEFAULTS("cosim");
    bool json = false;
    int64_t networks = 0, seed = 1, reset_seed = 0, jobs = 1;
    struct bd_cli_device device = {"cosim", &o.session.device};
    const struct bd_option table[] = {
        {"hardware", .text = &o.session.hardware_path},
        BD_DEVICE_ROW(&device),
        BD_IMAGE_ROWS(&images),
        {"noise", .flag = &images.source.noise},
        {"schedule", .text = &o.schedule},
        {"memory", .take = parse_memory, .context = &o},
        {"random", .integer = &networks, .min = 1, .max = 1000000},
        {"seed", .integer = &seed, .min = 0, .max = INT64_MAX},
        {"results-only", .flag = &o.results_only},
        {"stalls", .flag = &o.stalls},
        {"reset-seed", .integer = &reset_seed, .min = 0, .max = INT32_MAX},
        {"jobs", .integer = &jobs, .min = 1, .max = BD_COSIM_JOBS},
        {"no-shm", .off = &o.session.shared},
        {"trace", .text = &o.session.trace},
        {"fault", .take = parse_fault, .context = &o},
        {"json", .flag = &json},
        {0},
    };
    int code = bd_cli_options("cosim", usage, table, argc, argv);
    if (code != BD_OPTIONS_READ) {
        return code;
    }
    bool random = networks > 0;
    o.count = (uint32_t)networks;
    o.first = (uint32_t)images.source.first;
    o.seed = (uint64_t)seed;
    o.jobs = (unsigned)jobs;
    o.session.reset_seed = (uint64_t)reset_seed;
    o.session.notice = bd_cli_notice;
    o.session.context = "cosim";
    int checked = check_options(&o, &images.source, argc - optind, random);
    checked = checked == BD_OK ? bd_cli_check_images(&images) : checked;
    if (checked != BD_OK) {
        return checked;
    }
    o.path = random ? NULL : argv[optind];
    struct bd_error err;
    const char *const inputs[] = {o.session.hardware_path, o.path ? o.path : "", images.source.array, NULL};
    bd_status status = bd_cli_trace(&o.session.trace, inputs, &err);
    status = status ? status : run(&o, &images, json, &err);
    return status == BD_OK ? BD_OK : bd_cli_fail("cosim", &err);
}
