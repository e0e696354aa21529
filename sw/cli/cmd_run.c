/* `bitdial run`: test images through the driver on any device, the precision changed between frames. */
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/clock.h"
#include "model/core/file.h"
#include "model/core/json.h"
#include "model/core/memory.h"
#include "model/cost/cost.h"
#include "sw/cli/cli.h"
#include "sw/cli/device_options.h"
#include "sw/cli/image_options.h"
#include "sw/cli/options.h"
#include "sw/cli/report.h"
#include "sw/session/schedule.h"
#include "sw/session/session.h"

static const char usage[] =
    "Usage: bitdial run NET.bdp --hardware HW.yaml [OPTION]...\n"
    "Runs test images on a device, one frame each, and prints for every switch accuracy, clocks and speed.\n\n"
    "  --hardware HW.yaml  the configuration that the network was compiled for (required)\n" BD_DEVICE_USAGE(
        "ref") "  --images N          frames to run (default: 16)\n" BD_IMAGE_USAGE
               "  --schedule LIST     switches of the frames, repeated, such as w1a8,w1a1 (default: all of the "
               "network)\n"
               "  --queue             start each frame while the one before it runs\n"
               "  --dump DIR          write every layer's codes and stream as DIR/frame<n>.<layer>.codes.npy and "
               ".z.npy\n"
               "  --no-shm            send bulk memory as frames, not through shared memory\n"
               "  --trace FILE        write an FST trace of the rtl device\n"
               "  --json              one JSON object on standard output\n"
               "  --help              print this\n";

struct totals { /* of one switch */
    unsigned frames, right;
    uint64_t cycles;
};

struct run {
    struct bd_session_options options;
    const char *dump, *schedule_text;
    struct bd_image_options images;
    bool queue, json;
    struct bd_program program;
    struct bd_dataset dataset;
    unsigned *schedule, schedule_length;
    struct bd_session session;
    struct totals totals[BD_PROGRAM_MAX_SWITCHES];
    double seconds;
    uint64_t load_cycles, load_bytes; /* by which the first frame, which loads the program, is longer */
    bool shared;
};

static bd_status dump_array(const struct run *run, unsigned frame, unsigned layer, const char *kind,
                            enum bd_npy_type type, const struct bd_layer_output *output, const void *data,
                            struct bd_error *err)
{
    const int64_t shape[] = {output->height, output->width, output->channels};
    char *path = bd_asprintf("%s/frame%u.%s.%s.npy", run->dump, frame, run->program.names[layer], kind);
    bd_status status = bd_cli_write_array(path, NULL, type, 3, shape, data, err);
    free(path);
    return status;
}

static bd_status dump_frame(struct run *run, unsigned frame, unsigned switch_index, struct bd_error *err)
{
    uint8_t *store = bd_xmalloc(run->program.header->store_bytes);
    bd_status status = bd_session_read_store(&run->session, store, err);
    for (unsigned l = 0; l < run->program.header->layer_count && status == BD_OK; l++) {
        struct bd_layer_output output;
        bd_store_unpack(&run->program, switch_index, l, store, &output);
        if (output.codes) {
            status = dump_array(run, frame, l, "codes", BD_NPY_U8, &output, output.codes, err);
        }
        if (output.z && status == BD_OK) {
            status = dump_array(run, frame, l, "z", BD_NPY_I32, &output, output.z, err);
        }
        free(output.codes);
        free(output.z);
    }
    free(store);
    return status;
}

static bd_status start_frame(struct run *run, unsigned n, struct bd_error *err)
{
    unsigned switch_index = run->schedule[n % run->schedule_length];
    return bd_session_start(&run->session, n % BD_DEVICE_IN_FLIGHT, switch_index, bd_dataset_image(&run->dataset, n),
                            err);
}

static bd_status finish_frame(struct run *run, unsigned n, struct bd_error *err)
{
    int32_t *logits = bd_xcalloc(run->program.header->classes, sizeof *logits);
    unsigned switch_index = run->schedule[n % run->schedule_length];
    struct bd_statistics statistics;
    bd_status status = bd_session_finish(&run->session, n % BD_DEVICE_IN_FLIGHT, logits, err);
    if (status == BD_OK) {
        status = bd_session_statistics(&run->session, &statistics, err);
    }
    if (status == BD_OK && run->dump) {
        status = dump_frame(run, n, switch_index, err);
    }
    if (status == BD_OK) {
        struct totals *totals = &run->totals[switch_index];
        totals->frames++;
        totals->right +=
            run->dataset.labels && bd_argmax(logits, run->program.header->classes) == run->dataset.labels[n];
        totals->cycles += statistics.frame_cycles - (n == 0 ? run->load_cycles : 0);
    } else {
        bd_fail_prefix(err, "frame %u, switch %s", n, run->program.switches[switch_index].name);
    }
    free(logits);
    return status;
}

static bd_status run_frames(struct run *run, struct bd_error *err)
{
    unsigned ahead = run->queue ? 1 : 0, count = run->dataset.count;
    run->load_cycles = bd_cost_load(run->program.header, bd_program_load_descriptor(&run->program),
                                    &run->session.hardware.memory, &run->load_bytes);
    const double from = bd_seconds(CLOCK_MONOTONIC);
    bd_status status = BD_OK;
    for (unsigned n = 0; n < count + ahead && status == BD_OK; n++) {
        if (n < count) {
            status = start_frame(run, n, err);
        }
        if (n >= ahead && status == BD_OK) {
            status = finish_frame(run, n - ahead, err);
        }
    }
    run->seconds = bd_seconds(CLOCK_MONOTONIC) - from;
    return status;
}

static void report(const struct run *run)
{
    double clock_hz = run->session.hardware.clock_mhz * 1e6;
    json_t *switches = json_array();
    if (!run->json) {
        printf("%s on %s, %u frames in %.2f s (%.1f frames/s on this machine)\n", run->program.header->network,
               run->options.device, run->dataset.count, run->seconds, run->dataset.count / run->seconds);
        printf("%-8s %8s %10s %14s %20s\n", "switch", "frames", "accuracy", "clocks/frame", "frames/s at clock");
    }
    for (unsigned s = 0; s < run->program.header->switch_count; s++) {
        const struct totals *t = &run->totals[s];
        if (t->frames == 0) {
            continue;
        }
        double accuracy = (double)t->right / t->frames, cycles = (double)t->cycles / t->frames;
        const bool labelled = run->dataset.labels != NULL;
        json_array_append_new(switches, json_pack("{s:o, s:i, s:o, s:f, s:f}", "switch",
                                                  bd_json_text(run->program.switches[s].name), "frames", t->frames,
                                                  "accuracy", labelled ? json_real(accuracy) : json_null(), "cycles",
                                                  cycles, "frames_per_second", clock_hz / cycles));
        if (!run->json) {
            char share[16] = "-";
            if (labelled) {
                snprintf(share, sizeof share, "%.2f%%", 100 * accuracy);
            }
            printf("%-8s %8u %10s %14.1f %20.1f\n", run->program.switches[s].name, t->frames, share, cycles,
                   clock_hz / cycles);
        }
    }
    if (!run->json) {
        printf("the first frame loads the program: %" PRIu64 " bytes in %" PRIu64 " clocks more, in no line above\n",
               run->load_bytes, run->load_cycles);
    }
    json_t *object =
        json_pack("{s:o, s:s, s:I, s:f, s:b, s:I, s:I, s:o}", "network", bd_json_text(run->program.header->network),
                  "device", run->options.device, "frames", (json_int_t)run->dataset.count, "seconds", run->seconds,
                  "shared_memory", run->shared, "load_cycles", (json_int_t)run->load_cycles, "load_bytes",
                  (json_int_t)run->load_bytes, "switches", switches);
    if (run->json) {
        bd_cli_report(object);
    } else {
        json_decref(object);
    }
}

static bd_status run_all(struct run *run, const char *path, struct bd_error *err)
{
    bd_status status = bd_program_load(&run->program, path, err);
    if (status != BD_OK) {
        return status;
    }
    status = bd_schedule_parse(&run->program, run->schedule_text, &run->schedule, &run->schedule_length, err);
    if (status == BD_OK) {
        const struct bd_image_shape shape = bd_program_shape(&run->program);
        status = bd_cli_open_images(&run->dataset, &run->images, &shape, 16, err);
    }
    if (status == BD_OK) {
        status = bd_session_open(&run->session, &run->options, err);
    }
    if (status == BD_OK) {
        status = bd_session_load(&run->session, &run->program, err);
        if (status == BD_OK) {
            status = bd_session_store_layers(&run->session, run->dump != NULL, err);
        }
        if (status == BD_OK && run->dump) {
            status = bd_make_folder(run->dump, err);
        }
        if (status == BD_OK) {
            status = run_frames(run, err);
        }
        if (status == BD_OK) {
            run->shared = bd_session_is_shared(&run->session);
            report(run);
        }
        struct bd_error ignored;
        bd_status closed = bd_session_close(&run->session, status == BD_OK ? err : &ignored);
        status = status == BD_OK ? closed : status;
    }
    free(run->schedule);
    bd_dataset_release(&run->dataset);
    bd_program_release(&run->program);
    return status;
}

int cmd_run(int argc, char **argv)
{
    struct run run = {.options = {.device = "ref", .shared = true, .notice = bd_cli_notice, .context = "run"},
                      .images = BD_IMAGE_DEFAULTS("run")};
    struct bd_cli_device device = {"run", &run.options.device};
    const struct bd_option table[] = {
        {"hardware", .text = &run.options.hardware_path},
        BD_DEVICE_ROW(&device),
        BD_IMAGE_ROWS(&run.images),
        {"schedule", .text = &run.schedule_text},
        {"queue", .flag = &run.queue},
        {"dump", .text = &run.dump},
        {"no-shm", .off = &run.options.shared},
        {"trace", .text = &run.options.trace},
        {"json", .flag = &run.json},
        {0},
    };
    int code = bd_cli_options("run", usage, table, argc, argv);
    if (code != BD_OPTIONS_READ) {
        return code;
    }
    if (optind + 1 != argc) {
        return bd_cli_usage("run", "expected one program image (NET.bdp)");
    }
    if (!run.options.hardware_path) {
        return bd_cli_usage("run", "'--hardware' is missing");
    }
    if (run.queue && run.dump) {
        return bd_cli_usage("run", "--dump needs frames one by one: it excludes --queue");
    }
    if (run.options.trace && strcmp(run.options.device, "rtl") != 0) {
        return bd_cli_usage("run", "--trace needs --device rtl");
    }
    code = bd_cli_check_images(&run.images);
    if (code != BD_OK) {
        return code;
    }
    struct bd_error err;
    const char *const inputs[] = {argv[optind], run.options.hardware_path, NULL};
    bd_status status = bd_cli_trace(&run.options.trace, inputs, &err);
    status = status ? status : run_all(&run, argv[optind], &err);
    return status == BD_OK ? BD_OK : bd_cli_fail("run", &err);
}
