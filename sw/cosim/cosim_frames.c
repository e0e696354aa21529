#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "sw/cosim/cosim_parts.h"
#include "sw/session/schedule.h"

enum { STALL_CHANCE = 64 }; /* of 256 */
enum { SLOWEST = 5 }; /* clocks a millisecond that a simulation is waited for, of large geometries on a busy machine */

void bd_cosim_show_progress(struct bd_cosim_worker *w, uint64_t more)
{
    w->done += more;
    if (w->options->progress) {
        w->options->progress(w->options->session.context, w->done, w->total);
    }
}

void bd_cosim_count_bytes(struct bd_cosim_worker *w, const struct bd_statistics *s, bool is_frame)
{
    uint64_t frame = 0, stray = 0;
    for (int i = 0; i < BD_WRITE_CLASSES; i++) {
        uint64_t more = s->written[i] - w->written_before[i];
        w->written_before[i] = s->written[i];
        frame += more;
        stray += i == BD_WRITE_IMAGE || i == BD_WRITE_REGISTERS ? 0 : more;
    }
    struct bd_cosim_totals *t = &w->totals;
    if (!w->loaded_bytes_taken) {
        t->bytes_load += frame;
        w->loaded_bytes_taken = true;
        return;
    }
    t->stray_bytes += stray;
    if (!is_frame) {
        return;
    }
    t->bytes_min = t->bytes_max == 0 || frame < t->bytes_min ? frame : t->bytes_min;
    t->bytes_max = frame > t->bytes_max ? frame : t->bytes_max;
}

/* Tells the device how many clocks a wait may take: a frame that never ends must not be simulated for ever, but one
 * that runs at a wrong switch should end and be told by its switch. */
static bd_status bound_wait(struct bd_cosim_worker *w, bool store, bool stalls, struct bd_error *err)
{
    uint64_t longest = 0, cycles;
    for (unsigned s = 0; s < w->program->header->switch_count; s++) {
        bd_status status = bd_cosim_find_price(w, s, store, &cycles, err);
        if (status != BD_OK) {
            return status;
        }
        longest = cycles > longest ? cycles : longest;
    }
    longest += bd_cosim_load_cycles(w, false);
    w->session.platform.wait_clocks = longest * (stalls ? 64 : 2) + 100000;
    const uint64_t needs = w->session.platform.wait_clocks / SLOWEST;
    if (!w->session.is_board && needs > w->session.frame_ms) {
        w->session.frame_ms = needs < INT32_MAX ? (uint32_t)needs : INT32_MAX;
    }
    return BD_OK;
}

bd_status bd_cosim_run_item(struct bd_cosim_worker *w, const struct bd_cosim_item *item, struct bd_error *err)
{
    const struct bd_platform_ops *ops = w->session.platform.ops;
    bool store = item->reference != NULL;
    struct bd_statistics statistics;
    int32_t *logits = bd_xcalloc(w->program->header->classes, sizeof *logits);
    bd_status status = bound_wait(w, store, item->stalls, err);
    if (status == BD_OK && w->options->stalls) {
        status = ops->set_stalls(w->session.platform.self, w->options->seed + item->id, item->stalls ? STALL_CHANCE : 0,
                                 err);
    }
    if (status == BD_OK) {
        status = bd_session_start(&w->session, 0, item->switch_index, item->image, err);
    }
    if (status == BD_OK) {
        status = bd_session_finish(&w->session, 0, logits, err);
    }
    if (status == BD_OK) {
        status = bd_session_statistics(&w->session, &statistics, err);
    }
    if (status == BD_OK && store) {
        status = bd_session_read_store(&w->session, w->store, err);
    }
    if (status == BD_OK) {
        for (unsigned l = 0; store && l < w->program->header->layer_count; l++) {
            bd_cosim_compare_layer(w, item, l);
        }
        bd_cosim_compare_result(w, item, logits);
        if (!item->stalls) {
            bd_cosim_compare_cycles(w, item, store, statistics.frame_cycles);
        }
        w->loads = false;
        bd_cosim_count_bytes(w, &statistics, true);
        w->totals.binary_macs += w->macs[item->switch_index];
    } else {
        char line[768];
        bd_cosim_repeat_line(w, item, line, sizeof line);
        bd_fail_prefix(err, "%s %u, switch %s", w->options->path ? "image" : "network", item->id,
                       w->program->switches[item->switch_index].name);
        size_t used = strlen(err->message);
        snprintf(err->message + used, sizeof err->message - used, "; repeat with: %s", line);
    }
    free(logits);
    return status;
}

bd_status bd_cosim_check_queue(struct bd_cosim_worker *w, unsigned before, unsigned index,
                               const struct bd_cosim_item *item, struct bd_error *err)
{
    const unsigned order[3] = {before, index, index};
    uint64_t cycles[3], counted[3];
    int32_t *logits = bd_xcalloc(w->program->header->classes, sizeof *logits);
    bd_status status = bound_wait(w, false, false, err);
    for (unsigned i = 0; i < 3 && status == BD_OK; i++) {
        status = bd_session_start(&w->session, i, order[i], item->image, err);
    }
    for (unsigned i = 0; i < 3 && status == BD_OK; i++) {
        struct bd_statistics statistics;
        status = bd_session_finish(&w->session, i, logits, err);
        if (status == BD_OK) {
            status = bd_session_statistics(&w->session, &statistics, err);
        }
        struct bd_device_counters counters = {0};
        if (status == BD_OK) {
            status = bd_session_fail(&w->session, bd_device_read_counters(&w->session.device, &counters), err);
        }
        cycles[i] = status == BD_OK ? statistics.frame_cycles : 0;
        counted[i] = counters.total;
        w->totals.binary_macs += w->macs[order[i]];
    }
    if (status == BD_OK) {
        struct bd_cosim_item last = *item;
        last.switch_index = index;
        bd_cosim_compare_result(w, &last, logits);
        struct bd_statistics statistics;
        status = bd_session_statistics(&w->session, &statistics, err);
        if (status == BD_OK) {
            bd_cosim_count_bytes(w, &statistics, false);
        }
        w->totals.queue_checked++;
        uint64_t alone = w->prices[index][false].cycles;
        if (w->session.is_timed && (cycles[1] != cycles[2] || counted[1] != alone || counted[2] != alone)) {
            char text[320];
            snprintf(text, sizeof text,
                     "queued behind %s it took %" PRIu64 " clocks, behind its own kind %" PRIu64
                     "; the device counts %" PRIu64 " and %" PRIu64 ", alone it takes %" PRIu64,
                     w->program->switches[before].name, cycles[1], cycles[2], counted[1], counted[2], alone);
            bd_cosim_note_in(w, w->totals.first_cycles, &last, text);
            w->totals.queue_different++;
        }
    }
    free(logits);
    return status;
}

/* Binary multiply-accumulates of a frame: every real one, by the bit-planes of both operands. */
static uint64_t frame_macs(const struct bd_program *program, unsigned switch_index)
{
    uint64_t macs = 0;
    for (unsigned l = 0; l < program->header->layer_count; l++) {
        const struct bd_descriptor *d = bd_program_descriptor(program, switch_index, l);
        if (d->operation == BD_OP_CONV) {
            macs += (uint64_t)d->out_height * d->out_width * d->out_channels * (d->in_channels / d->groups) *
                    d->kernel_h * d->kernel_w * d->weight_bits * d->in_bits;
        }
    }
    return macs;
}

void bd_cosim_leave(struct bd_cosim_worker *w)
{
    bd_decoded_free(w->decoded);
    free(w->store);
    free(w->schedule);
    w->decoded = NULL;
    w->store = NULL;
    w->schedule = NULL;
}

bd_status bd_cosim_enter(struct bd_cosim_worker *w, const struct bd_program *program, struct bd_error *err)
{
    w->program = program;
    memset(w->prices, 0, sizeof w->prices);
    w->loaded_bytes_taken = false;
    w->loads = true;
    for (unsigned s = 0; s < program->header->switch_count; s++) {
        w->macs[s] = frame_macs(program, s);
    }
    w->store = bd_xmalloc(program->header->store_bytes);
    bd_status status = bd_decode(program, &w->decoded, err);
    if (status == BD_OK) {
        status = bd_schedule_parse(program, w->options->schedule, &w->schedule, &w->schedule_length, err);
    }
    if (status == BD_OK) {
        status = bd_session_load(&w->session, program, err);
    }
    if (status == BD_OK) {
        status = bd_session_store_layers(&w->session, w->session.can_store, err);
        w->totals.unstored = !w->session.can_store;
    }
    return status;
}

bd_status bd_cosim_set_memory(struct bd_cosim_worker *w, const struct bd_memory_model *memory, struct bd_error *err)
{
    w->memory = *memory;
    memset(w->prices, 0, sizeof w->prices);
    return w->session.is_board ? BD_OK : w->session.platform.ops->set_memory(w->session.platform.self, memory, err);
}
