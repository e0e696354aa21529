#include "sw/cli/cosim_report.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "model/core/json.h"
#include "sw/cli/report.h"

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

void bd_cli_cosim_json(const struct bd_cosim_options *o, const struct bd_program *program,
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

void bd_cli_cosim_text(const struct bd_cosim_options *o, const struct bd_program *program,
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
