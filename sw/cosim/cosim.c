#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/program/layout.h"
#include "sw/cosim/cosim_parts.h"
#include "sw/cosim/parts.h"

static bd_status plant(struct bd_cosim_worker *w, struct bd_error *err)
{
    const char *fault = w->options->fault;
    const struct bd_platform_ops *ops = w->session.platform.ops;
    uint64_t base = w->session.platform.memory_base;
    if (fault && strcmp(fault, "weight-bit") == 0) { /* the sign of a middle tap of the first layer's channel 0 */
        const struct bd_descriptor *d = bd_program_descriptor(w->program, 0, 0);
        d += d->operation == BD_OP_LOAD; /* which brings rows of the image */
        uint64_t bit = bd_weight_bit(d, w->program->header, 0, d->kernel_h / 2, d->kernel_w / 2, 0);
        return ops->flip_bit(w->session.platform.self, base + d->weight_offset + bit / 8, bit % 8, err);
    }
    if (fault && strcmp(fault, "guard") == 0) {
        uint8_t byte = 0;
        return ops->write_memory(w->session.platform.self, base + w->program->header->weight_offset, &byte, 1, err);
    }
    return BD_OK;
}

/* The switch of the schedule for item n; a part of a run goes on with that of the whole. */
static unsigned switch_of(const struct bd_cosim_worker *w, uint32_t n)
{
    return w->schedule[(w->options->skip + n) % w->schedule_length];
}

/* Every image of this worker at one memory setting: all with their layers stored, where that is asked for and there is
 * room for them, then all without. */
static bd_status run_setting(struct bd_cosim_worker *w, struct bd_error *err)
{
    const uint32_t count = w->options->count, classes = w->program->header->classes;
    int32_t *logits = bd_xcalloc((size_t)count * classes, sizeof *logits);
    bool store = w->session.can_store && !w->options->results_only;
    bd_status status = bd_session_store_layers(&w->session, store, err);
    for (uint32_t n = 0; n < count && status == BD_OK; n++) {
        struct bd_frame frame;
        const uint32_t id = w->options->first + n;
        const unsigned s = switch_of(w, n);
        const uint8_t *image = bd_dataset_image(w->dataset, n);
        status = bd_execute(w->program, w->decoded, s, image, &frame, err);
        if (status != BD_OK) {
            break;
        }
        memcpy(logits + (size_t)n * classes, frame.logits, classes * sizeof *logits);
        if (store) {
            status = bd_cosim_run_item(
                w,
                &(struct bd_cosim_item){
                    .id = id, .switch_index = s, .image = image, .logits = frame.logits, .reference = &frame},
                err);
        }
        bd_frame_release(&frame);
        bd_cosim_show_progress(w, store);
    }
    if (status == BD_OK && store) {
        status = bd_session_store_layers(&w->session, false, err);
    }
    for (uint32_t n = 0; n < count && status == BD_OK; n++) {
        const uint32_t id = w->options->first + n;
        const unsigned s = switch_of(w, n);
        status = bd_cosim_run_item(w,
                                   &(struct bd_cosim_item){.id = id,
                                                           .switch_index = s,
                                                           .logits = logits + (size_t)n * classes,
                                                           .image = bd_dataset_image(w->dataset, n)},
                                   err);
        w->totals.at[s].frames++;
        w->totals.images++;
        bd_cosim_show_progress(w, 1);
    }
    free(logits);
    return status;
}

/* Every switch of the schedule behind the one that comes before it there. */
static bd_status run_queue_checks(struct bd_cosim_worker *w, struct bd_error *err)
{
    bd_status status = BD_OK;
    for (unsigned i = 0; i < w->schedule_length && status == BD_OK; i++) {
        unsigned index = w->schedule[i], before = w->schedule[(i + w->schedule_length - 1) % w->schedule_length];
        const uint8_t *image = bd_dataset_image(w->dataset, 0);
        struct bd_frame frame;
        if (index == before) {
            continue;
        }
        status = bd_execute(w->program, w->decoded, index, image, &frame, err);
        if (status == BD_OK) {
            status = bd_cosim_check_queue(
                w, before, index,
                &(struct bd_cosim_item){.id = w->options->first, .image = image, .logits = frame.logits}, err);
            bd_frame_release(&frame);
        }
    }
    return status;
}

static bd_status run_network(struct bd_cosim_worker *w, const struct bd_program *program, struct bd_error *err)
{
    bd_status status = bd_cosim_enter(w, program, err);
    struct bd_statistics statistics;
    if (status == BD_OK) {
        status = bd_session_statistics(&w->session, &statistics, err);
    }
    if (status == BD_OK) {
        bd_cosim_count_bytes(w, &statistics, false);
        status = plant(w, err);
    }
    for (unsigned m = 0; m < w->options->setting_count && status == BD_OK; m++) {
        status = bd_cosim_set_memory(w, &w->options->settings[m], err);
        if (status == BD_OK) {
            status = run_setting(w, err);
        }
        if (status == BD_OK && m == 0 && w->options->skip == 0) {
            status = run_queue_checks(w, err);
        }
    }
    bd_cosim_leave(w);
    return status;
}

static bd_status run(struct bd_cosim_worker *w, const struct bd_program *program, struct bd_error *err)
{
    bd_status status = bd_session_open(&w->session, &w->options->session, err);
    if (status != BD_OK) {
        return status;
    }
    w->totals.shared = bd_session_is_shared(&w->session);
    status = program ? run_network(w, program, err) : bd_cosim_run_random(w, err);
    struct bd_statistics statistics;
    struct bd_error ignored;
    if (bd_session_statistics(&w->session, &statistics, &ignored) == BD_OK) {
        w->totals.violations = statistics.violations;
        w->totals.clocks = statistics.clocks;
        w->totals.run_nanoseconds = statistics.run_nanoseconds;
    }
    bd_status closed = bd_session_close(&w->session, status == BD_OK ? err : &ignored);
    return status == BD_OK ? closed : status;
}

bd_status bd_cosim(const struct bd_cosim_options *options, const struct bd_program *program,
                   const struct bd_dataset *dataset, struct bd_cosim_totals *totals, struct bd_error *err)
{
    struct bd_cosim_worker *w = bd_xcalloc(1, sizeof *w);
    w->options = options;
    w->dataset = dataset;
    w->total =
        program ? (options->results_only ? 1 : 2) * (uint64_t)options->count * options->setting_count : options->count;
    bd_status status = run(w, program, err);
    *totals = w->totals;
    totals->broken = status != BD_OK;
    free(w);
    return status == BD_OK ? bd_cosim_judge(totals, err) : status;
}
