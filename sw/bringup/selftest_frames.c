/* The steps of the self-test that run frames of a small random network made for the device's geometry. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/cost/cost.h"
#include "model/program/random_network.h"
#include "sw/bringup/selftest_parts.h"
#include "sw/driver/bitdial_regs.h"

enum { SEED = 7, CANDIDATES = 48, GUARD = 64, POISON = 0xa5 };

void bd_selftest_release_program(struct bd_selftest *t)
{
    if (t->has_program) {
        bd_decoded_free(t->decoded);
        bd_program_release(&t->program);
        for (unsigned i = 0; i < BD_DEVICE_IN_FLIGHT; i++) {
            free(t->images[i]);
        }
    }
    t->has_program = false;
}

/* The smallest of some random networks with several switches and layers: it may have to pass a slow line. */
static bd_status make_program(struct bd_selftest *t, struct bd_error *err)
{
    uint64_t best = UINT64_MAX;
    bd_status status = BD_OK;
    for (uint32_t i = 0; i < CANDIDATES && status == BD_OK; i++) {
        struct bd_program candidate;
        status = bd_random_network(SEED, i, &t->session.hardware, &candidate, err);
        if (status != BD_OK) {
            break;
        }
        const struct bd_program_header *h = candidate.header;
        const uint64_t bytes = candidate.size + 3 * (uint64_t)h->input_bytes + h->store_bytes;
        if (h->switch_count >= 2 && h->layer_count >= 3 && bytes < best) {
            best = bytes;
            if (t->has_program) {
                bd_program_release(&t->program);
            }
            t->program = candidate;
            t->has_program = true;
        } else {
            bd_program_release(&candidate);
        }
    }
    if (status != BD_OK) {
        return status;
    }
    for (unsigned i = 0; i < BD_DEVICE_IN_FLIGHT; i++) {
        t->images[i] = bd_xmalloc(t->program.header->input_bytes);
        bd_random_image(&t->program, SEED + i, t->images[i]);
    }
    return bd_decode(&t->program, &t->decoded, err);
}

static bd_status run_frame(struct bd_selftest *t, unsigned slot, unsigned s, int32_t *logits, struct bd_error *err)
{
    bd_status status = bd_session_start(&t->session, slot, s, t->images[slot], err);
    return status ? status : bd_session_finish(&t->session, slot, logits, err);
}

/* Compares logits with those of the reference for the image of a slot. */
static bd_status compare_result(struct bd_selftest *t, unsigned slot, unsigned s, const int32_t *logits,
                                struct bd_error *err)
{
    struct bd_frame frame;
    bd_status status = bd_execute(&t->program, t->decoded, s, t->images[slot], &frame, err);
    if (status != BD_OK) {
        return status;
    }
    for (unsigned c = 0; c < t->program.header->classes && status == BD_OK; c++) {
        if (logits[c] != frame.logits[c]) {
            status = bd_fail(err, BD_FAIL, "switch %s, logit %u: the reference has %d, the device gave %d",
                             t->program.switches[s].name, c, frame.logits[c], logits[c]);
        }
    }
    bd_frame_release(&frame);
    return status;
}

/* Nothing but the result's own bytes may change. */
static bd_status check_result_place(struct bd_selftest *t, const uint8_t *found, struct bd_error *err)
{
    const uint32_t size = t->program.header->output_bytes;
    bool written = false;
    for (uint32_t i = 0; i < size; i++) {
        written = written || found[i] != POISON;
    }
    for (uint32_t i = 0; i < GUARD; i++) {
        if (found[size + i] != POISON) {
            return bd_fail(err, BD_FAIL, "the device wrote past its result: byte %u behind the end is 0x%02x", i,
                           found[size + i]);
        }
    }
    return written ? BD_OK
                   : bd_fail(err, BD_FAIL, "the frame has ended and no byte of its result at 0x%" PRIx64 " has changed",
                             t->session.outputs[0]);
}

static bd_status check_program_bytes(struct bd_selftest *t, const char *when, struct bd_error *err)
{
    const struct bd_platform *p = &t->session.platform;
    uint8_t *found = bd_xmalloc(t->program.size);
    bd_status status = p->ops->read_memory(p->self, p->memory_base, found, t->program.size, err);
    for (size_t i = 0; i < t->program.size && status == BD_OK; i++) {
        if (found[i] != t->program.image[i]) {
            status = bd_fail(err, BD_FAIL, "byte %zu of the program is 0x%02x in memory %s, 0x%02x was written", i,
                             found[i], when, t->program.image[i]);
        }
    }
    free(found);
    return status;
}

bd_status bd_selftest_dma(struct bd_selftest *t, struct bd_error *err)
{
    bd_status status = make_program(t, err);
    status = status ? status : bd_session_load(&t->session, &t->program, err);
    if (status != BD_OK) {
        return status;
    }
    const struct bd_platform *p = &t->session.platform;
    const uint32_t room = t->program.header->output_bytes + GUARD;
    int32_t *logits = bd_xcalloc(t->program.header->classes, sizeof *logits);
    uint8_t *block = bd_xmalloc(room);
    memset(block, POISON, room);
    status = p->ops->write_memory(p->self, t->session.outputs[0], block, room, err);
    status = status ? status : run_frame(t, 0, 0, logits, err);
    status = status ? status : p->ops->read_memory(p->self, t->session.outputs[0], block, room, err);
    status = status ? status : check_result_place(t, block, err);
    status = status ? status : check_program_bytes(t, "after the frame", err);
    snprintf(t->detail, t->detail_size, "program of %zu bytes, image of %u, result of %u at 0x%" PRIx64,
             t->program.size, t->program.header->input_bytes, t->program.header->output_bytes, t->session.outputs[0]);
    free(block);
    free(logits);
    return status;
}

static bd_status compare_array(const struct bd_selftest *t, unsigned layer, bool codes,
                               const struct bd_layer_output *expected, const struct bd_layer_output *found,
                               struct bd_error *err)
{
    const size_t channels = (size_t)expected->channels, width = (size_t)expected->width;
    for (size_t i = 0; i < channels * width * (size_t)expected->height; i++) {
        const int32_t should = codes ? expected->codes[i] : expected->z[i], is = codes ? found->codes[i] : found->z[i];
        if (should != is) {
            return bd_fail(err, BD_FAIL,
                           "layer %s (%s), channel %zu, pixel (%zu,%zu): the reference has %d, the device gave %d",
                           t->program.names[layer], codes ? "codes" : "z", i % channels, i / channels / width,
                           i / channels % width, should, is);
        }
    }
    return BD_OK;
}

bd_status bd_selftest_layers(struct bd_selftest *t, struct bd_error *err)
{
    const struct bd_program_header *h = t->program.header;
    int32_t *logits = bd_xcalloc(h->classes, sizeof *logits);
    uint8_t *store = bd_xmalloc(h->store_bytes);
    struct bd_frame frame;
    bd_status status = bd_execute(&t->program, t->decoded, 0, t->images[0], &frame, err);
    const bool executed = status == BD_OK;
    status = status ? status : bd_session_store_layers(&t->session, true, err);
    status = status ? status : run_frame(t, 0, 0, logits, err);
    status = status ? status : bd_session_read_store(&t->session, store, err);
    for (unsigned l = 0; l < h->layer_count && status == BD_OK; l++) {
        struct bd_layer_output found;
        bd_store_unpack(&t->program, 0, l, store, &found);
        if (found.z && frame.outputs[l].z) {
            status = compare_array(t, l, false, &frame.outputs[l], &found, err);
        }
        if (found.codes && frame.outputs[l].codes && status == BD_OK) {
            status = compare_array(t, l, true, &frame.outputs[l], &found, err);
        }
        free(found.codes);
        free(found.z);
    }
    status = status ? status : bd_session_store_layers(&t->session, false, err);
    if (executed) {
        bd_frame_release(&frame);
    }
    snprintf(t->detail, t->detail_size, "%u layers at switch %s, every code and stream value", h->layer_count,
             t->program.switches[0].name);
    free(store);
    free(logits);
    return status;
}

/* The device's own clocks of the frame that was waited for last, against the prediction where one is possible. */
static bd_status compare_clocks(struct bd_selftest *t, unsigned s, uint64_t *clocks, struct bd_error *err)
{
    struct bd_device_counters counters;
    bd_status status = bd_session_fail(&t->session, bd_device_read_counters(&t->session.device, &counters), err);
    if (status != BD_OK) {
        return status;
    }
    *clocks = counters.total;
    const uint64_t sum =
        counters.compute + counters.weight_stall + counters.input_stall + counters.output_stall + counters.overhead;
    if (sum != counters.total || counters.total == 0) {
        return bd_fail(err, BD_FAIL, "switch %s: the counters' parts make %" PRIu64 " clocks, their total is %" PRIu64,
                       t->program.switches[s].name, sum, counters.total);
    }
    if (!t->session.is_timed) {
        return BD_OK;
    }
    struct bd_frame_cost *cost = bd_xcalloc(1, sizeof *cost);
    status = bd_cost_frame(&t->program, &t->session.hardware, s, false, cost, err);
    if (status == BD_OK && cost->cycles != counters.total) {
        status = bd_fail(err, BD_FAIL, "switch %s: %" PRIu64 " clocks were predicted, the device counts %" PRIu64,
                         t->program.switches[s].name, cost->cycles, counters.total);
    }
    free(cost);
    return status;
}

bd_status bd_selftest_switches(struct bd_selftest *t, struct bd_error *err)
{
    const struct bd_program_header *h = t->program.header;
    int32_t *logits = bd_xcalloc(h->classes, sizeof *logits);
    bd_status status = BD_OK;
    size_t used = 0;
    for (unsigned s = 0; s < h->switch_count && status == BD_OK; s++) {
        uint64_t clocks = 0;
        status = run_frame(t, s % BD_DEVICE_IN_FLIGHT, s, logits, err);
        status = status ? status : compare_result(t, s % BD_DEVICE_IN_FLIGHT, s, logits, err);
        status = status ? status : compare_clocks(t, s, &clocks, err);
        if (used < t->detail_size) {
            used += (size_t)snprintf(t->detail + used, t->detail_size - used, "%s%s %" PRIu64,
                                     s ? ", " : "clocks: ", t->program.switches[s].name, clocks);
        }
    }
    if (used < t->detail_size) {
        snprintf(t->detail + used, t->detail_size - used, "%s",
                 t->session.is_timed       ? ", as predicted"
                 : t->session.is_described ? " (its memory's timing varies: not compared)"
                                           : " (no --hardware: not compared)");
    }
    free(logits);
    return status;
}

/* Rings once more while three frames are in flight: the device, not the driver, must refuse it. */
static bd_status ring_a_fourth(struct bd_selftest *t, struct bd_error *err)
{
    const struct bd_platform *p = &t->session.platform;
    bd_status status = BD_OK;
    for (unsigned i = 0; i < BD_DEVICE_IN_FLIGHT && status == BD_OK; i++) {
        status = bd_session_start(&t->session, i, 0, t->images[i], err);
    }
    status = status ? status : p->ops->write_register(p->self, BITDIAL_DOORBELL_REG, 1, err);
    if (status != BD_OK) {
        return status;
    }
    const enum bd_device_status waited = bd_device_wait(&t->session.device, t->session.frame_ms, NULL);
    if (waited == BD_DEVICE_TRANSPORT) {
        return bd_session_fail(&t->session, waited, err);
    }
    return waited == BD_DEVICE_QUEUE_FULL ? BD_OK
                                          : bd_fail(err, BD_FAIL, "a fourth doorbell gave '%s', not '%s'",
                                                    bd_device_text(waited), bd_device_text(BD_DEVICE_QUEUE_FULL));
}

bd_status bd_selftest_queue(struct bd_selftest *t, struct bd_error *err)
{
    const struct bd_program_header *h = t->program.header;
    int32_t *logits = bd_xcalloc(h->classes, sizeof *logits);
    bd_status status = BD_OK;
    for (unsigned i = 0; i < BD_DEVICE_IN_FLIGHT && status == BD_OK; i++) {
        status = bd_session_start(&t->session, i, (h->switch_count - 1 + i) % h->switch_count, t->images[i], err);
    }
    for (unsigned i = 0; i < BD_DEVICE_IN_FLIGHT && status == BD_OK; i++) {
        status = bd_session_finish(&t->session, i, logits, err);
        status = status ? status : compare_result(t, i, (h->switch_count - 1 + i) % h->switch_count, logits, err);
    }
    status = status ? status : ring_a_fourth(t, err);
    status = status ? status : run_frame(t, 0, 0, logits, err);
    status = status ? status : compare_result(t, 0, 0, logits, err);
    snprintf(t->detail, t->detail_size, "three frames in order at changing switches; a fourth doorbell refused");
    free(logits);
    return status;
}

/* A frame with this register at 1 ends in that error. */
static bd_status end_early(struct bd_selftest *t, const char *limit, enum bd_device_status error, struct bd_error *err)
{
    bd_status status = bd_session_start(&t->session, 0, 0, t->images[0], err);
    if (status != BD_OK) {
        return status;
    }
    const enum bd_device_status waited = bd_device_wait(&t->session.device, t->session.frame_ms, NULL);
    if (waited == BD_DEVICE_TRANSPORT) {
        return bd_session_fail(&t->session, waited, err);
    }
    return waited == error ? BD_OK
                           : bd_fail(err, BD_FAIL, "with %s 1 a frame gave '%s', not '%s'", limit,
                                     bd_device_text(waited), bd_device_text(error));
}

bd_status bd_selftest_watchdog(struct bd_selftest *t, struct bd_error *err)
{
    const struct bd_platform *p = &t->session.platform;
    int32_t *logits = bd_xcalloc(t->program.header->classes, sizeof *logits);
    bd_status status = p->ops->write_register(p->self, BITDIAL_WATCHDOG_LIMIT_REG, 1, err);
    status = status ? status : end_early(t, "WATCHDOG_LIMIT", BD_DEVICE_WATCHDOG, err);
    status = status ? status
                    : p->ops->write_register(p->self, BITDIAL_WATCHDOG_LIMIT_REG, BITDIAL_WATCHDOG_LIMIT_RESET, err);
    const uint32_t limit = t->session.device.frame_limits[0];
    status = status ? status : bd_session_fail(&t->session, bd_device_limit_frames(&t->session.device, 0, 1), err);
    status = status ? status : end_early(t, "FRAME_LIMIT", BD_DEVICE_FRAME_LIMIT, err);
    status = status ? status : bd_session_fail(&t->session, bd_device_limit_frames(&t->session.device, 0, limit), err);
    status = status ? status : run_frame(t, 0, 0, logits, err);
    status = status ? status : compare_result(t, 0, 0, logits, err);
    snprintf(t->detail, t->detail_size, "frames ended by the watchdog and by their limit, the next one right");
    free(logits);
    return status;
}
