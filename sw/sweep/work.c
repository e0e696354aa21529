#include "sw/sweep/work.h"

#include <stdlib.h>
#include <string.h>

#include "model/checkpoint/checkpoint.h"
#include "model/core/file.h"
#include "model/core/json.h"
#include "model/core/memory.h"
#include "model/cost/pricer.h"
#include "model/eval/integers.h"
#include "model/exec/exec.h"
#include "model/fold/fold.h"
#include "model/program/decode.h"
#include "sw/cosim/cosim.h"

/* ---- price ---- */

static const char *datapath_of(const struct bd_descriptor *d)
{
    return d->operation == BD_OP_POOL       ? "pool"
           : d->operation == BD_OP_LOAD     ? "load"
           : d->datapath == BD_DATAPATH_MAC ? "mac"
                                            : "xnor";
}

static json_t *layers_of(const struct bd_pricer *p)
{
    json_t *layers = json_array();
    for (unsigned l = 0; l < p->cost->layer_count; l++) {
        const struct bd_descriptor *d = bd_plan_descriptor(&p->plan, p->at, (int)l);
        const struct bd_layer_cost *c = &p->cost->layers[l];
        json_array_append_new(
            layers, json_pack("{s:o, s:s, s:I, s:f}", "name", bd_json_text(p->plan.network->layers[l].name), "datapath",
                              datapath_of(d), "clocks", (json_int_t)c->total, "energy_nj", c->energy_nj));
    }
    return layers;
}

static bd_status price(const struct bd_sweep_work *w, const struct bd_checkpoint *checkpoint,
                       const struct bd_hardware *hardware, json_t **output, struct bd_error *err)
{
    struct bd_pricer pricer;
    struct bd_error why;
    const int at = bd_graph_switch(&checkpoint->graph, w->sw);
    if (at < 0) {
        return bd_fail(err, BD_BAD_INPUT, "network '%s' has no switch '%s'", checkpoint->graph.name, w->sw);
    }
    bd_status status = bd_pricer_init(&pricer, &checkpoint->graph, hardware, at, &why);
    status = status ? status : bd_pricer_price(&pricer, NULL, &why);
    if (status == BD_BAD_INPUT) {
        *output = json_pack("{s:o}", "refused", bd_json_text(why.message));
        status = BD_OK;
    } else if (!status) {
        *output = json_pack("{s:I, s:f, s:I, s:o}", "clocks", (json_int_t)pricer.cost->cycles, "energy_nj",
                            pricer.cost->energy_nj, "bytes", (json_int_t)pricer.plan.header.image_bytes, "layers",
                            layers_of(&pricer));
    } else {
        *err = why;
    }
    bd_pricer_release(&pricer);
    return status;
}

/* ---- programs ---- */

/* All switches that hardware runs. */
static bd_status fold(const struct bd_checkpoint *checkpoint, const struct bd_hardware *hardware, bool reference,
                      struct bd_program *program, struct bd_error *err)
{
    const struct bd_fold_options options = {.reference = reference, .max_moved = BD_DEFAULT_MAX_MOVED};
    struct bd_fold_report report;
    bd_status status = bd_fold(checkpoint, hardware, &options, program, &report, err);
    if (status == BD_OK || status == BD_FAIL) {
        bd_fold_report_release(&report);
    }
    return status;
}

static bd_status open_images(struct bd_sweep_work *w, const struct bd_checkpoint *checkpoint,
                             const struct bd_program *program, struct bd_dataset *set, struct bd_error *err)
{
    const struct bd_image_shape shape = bd_graph_shape(&checkpoint->graph);
    char *told;
    if (bd_images_open(set, &w->images, &shape, 0, &told, err)) {
        return err->status;
    }
    free(told);
    bd_status status = bd_check_program_images(program, set, err);
    if (status) {
        bd_dataset_release(set);
    }
    return status;
}

static bd_status accuracy(struct bd_sweep_work *w, const struct bd_checkpoint *checkpoint,
                          const struct bd_program *program, json_t **output, struct bd_error *err)
{
    struct bd_dataset set;
    struct bd_decoded *decoded = NULL;
    if (open_images(w, checkpoint, program, &set, err)) {
        return err->status;
    }
    bd_status status = bd_decode(program, &decoded, err);
    json_t *values = json_object();
    for (unsigned s = 0; s < program->header->switch_count && !status; s++) {
        double value;
        status = bd_integer_accuracy(program, decoded, s, &set, set.count, &value, err);
        json_object_set_new(values, program->switches[s].name, status ? NULL : json_real(value));
    }
    *output = status ? NULL : json_pack("{s:I, s:O}", "images", (json_int_t)set.count, "accuracy", values);
    json_decref(values);
    bd_decoded_free(decoded);
    bd_dataset_release(&set);
    return status;
}

/* ---- the RTL ---- */

static bd_status confirm(struct bd_sweep_work *w, const struct bd_checkpoint *checkpoint,
                         const struct bd_hardware *hardware, const struct bd_program *program, json_t **output,
                         struct bd_error *err)
{
    struct bd_cosim_totals *totals = bd_xcalloc(1, sizeof *totals);
    struct bd_dataset set;
    bd_status status = bd_make_parent(w->program, err);
    status = status ? status : bd_file_write(w->program, program->image, program->size, err);
    status = status ? status : open_images(w, checkpoint, program, &set, err);
    if (status) {
        free(totals);
        return status;
    }
    const struct bd_cosim_options options = {
        .session =
            {.device = "rtl", .hardware_path = w->hardware, .shared = true, .notice = w->notice, .context = w->context},
        .path = w->program,
        .source = w->images,
        .count = set.count,
        .schedule = w->sw,
        .settings = {hardware->memory},
        .setting_count = 1,
        .seed = 1,
    };
    status = bd_cosim(&options, program, &set, totals, err);
    if (status == BD_OK || status == BD_FAIL) {
        const int s = bd_program_switch(program, w->sw);
        const struct bd_cosim_switch *at = &totals->at[s < 0 ? 0 : s];
        *output = json_pack("{s:b, s:I, s:I, s:I, s:f}", "pass", status == BD_OK && s >= 0, "frames",
                            (json_int_t)at->frames, "mismatches", (json_int_t)totals->mismatches, "cycle_mismatches",
                            (json_int_t)totals->cycle_mismatches, "clocks",
                            at->frames ? (double)at->simulated[0] / (double)at->frames : 0.0);
    }
    bd_dataset_release(&set);
    free(totals);
    return status;
}

/* ---- */

static bd_status with_program(struct bd_sweep_work *w, const struct bd_checkpoint *checkpoint,
                              const struct bd_hardware *hardware, json_t **output, struct bd_error *err)
{
    struct bd_program program = {0};
    bd_status status = fold(checkpoint, hardware, !w->hardware, &program, err);
    if (!status) {
        status = w->task == BD_SWEEP_CONFIRM ? confirm(w, checkpoint, hardware, &program, output, err)
                                             : accuracy(w, checkpoint, &program, output, err);
    }
    if (program.image) {
        bd_program_release(&program);
    }
    return status;
}

bd_status bd_sweep_work(struct bd_sweep_work *w, json_t **output, struct bd_error *err)
{
    struct bd_checkpoint checkpoint;
    struct bd_hardware hardware;
    bd_status status = BD_OK;
    *output = NULL;
    if (w->hardware) {
        status = bd_hardware_load(&hardware, w->hardware, err);
    } else {
        bd_hardware_reference(&hardware);
    }
    if (status) {
        return status;
    }
    status = bd_checkpoint_load(&checkpoint, w->checkpoint, err);
    if (!status) {
        status = w->task == BD_SWEEP_PRICE ? price(w, &checkpoint, &hardware, output, err)
                                           : with_program(w, &checkpoint, &hardware, output, err);
        bd_checkpoint_release(&checkpoint);
    }
    bd_hardware_release(&hardware);
    return status;
}
