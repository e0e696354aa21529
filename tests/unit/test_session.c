/* A session with the reference as its device: where things lie in memory, frames in flight, results and stores. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/exec/exec.h"
#include "model/program/random_network.h"
#include "sw/session/schedule.h"
#include "sw/session/session.h"

#define SMALL "tests/small_hardware.yaml"

struct rig {
    struct bd_session session;
    struct bd_program program;
    struct bd_decoded *decoded;
    uint8_t *images[BD_DEVICE_IN_FLIGHT];
};

static void open_rig(struct rig *rig)
{
    struct bd_error err;
    const struct bd_session_options options = {.device = "ref", .hardware_path = SMALL};
    memset(rig, 0, sizeof *rig);
    cr_assert_eq(bd_session_open(&rig->session, &options, &err), BD_OK, "%s", err.message);
    cr_assert_eq(bd_random_network(1, 1, &rig->session.hardware, &rig->program, &err), BD_OK, "%s", err.message);
    cr_assert_geq(rig->program.header->switch_count, 2);
    cr_assert_eq(bd_decode(&rig->program, &rig->decoded, &err), BD_OK, "%s", err.message);
    cr_assert_eq(bd_session_load(&rig->session, &rig->program, &err), BD_OK, "%s", err.message);
    for (unsigned i = 0; i < BD_DEVICE_IN_FLIGHT; i++) {
        rig->images[i] = bd_xmalloc(rig->program.header->input_bytes);
        bd_random_image(&rig->program, 40 + i, rig->images[i]);
    }
}

static void close_rig(struct rig *rig)
{
    struct bd_error err;
    cr_assert_eq(bd_session_close(&rig->session, &err), BD_OK, "%s", err.message);
    bd_decoded_free(rig->decoded);
    bd_program_release(&rig->program);
    for (unsigned i = 0; i < BD_DEVICE_IN_FLIGHT; i++) {
        free(rig->images[i]);
    }
}

/* Layers need room that a small memory may not have: then all but storing them goes on. */
Test(session, a_memory_without_room_for_layers)
{
    struct rig rig;
    struct bd_error err;
    open_rig(&rig);
    struct bd_session *s = &rig.session;
    const struct bd_program_header *h = rig.program.header;
    cr_assert(s->can_store && h->store_bytes > 0 && h->map_bytes == 0);
    s->platform.memory_bytes = s->store + h->store_bytes - s->platform.memory_base;
    cr_assert_eq(bd_session_load(s, &rig.program, &err), BD_OK, "%s", err.message);
    cr_assert(s->can_store);
    s->platform.memory_bytes = s->store - s->platform.memory_base;
    cr_assert_eq(bd_session_load(s, &rig.program, &err), BD_OK, "%s", err.message);
    cr_assert(!s->can_store);
    cr_assert_eq(bd_session_store_layers(s, false, &err), BD_OK, "%s", err.message);
    cr_assert_eq(bd_session_store_layers(s, true, &err), BD_BAD_INPUT);
    cr_assert(strstr(err.message, "no room"), "%s", err.message);
    int32_t *logits = bd_xcalloc(h->classes, sizeof *logits);
    cr_assert_eq(bd_session_start(s, 0, 0, rig.images[0], &err), BD_OK, "%s", err.message);
    cr_assert_eq(bd_session_finish(s, 0, logits, &err), BD_OK, "%s", err.message);
    free(logits);
    s->platform.memory_bytes--;
    cr_assert_eq(bd_session_load(s, &rig.program, &err), BD_BAD_INPUT);
    cr_assert(strstr(err.message, "bytes with its images and results"), "%s", err.message);
    close_rig(&rig);
}

/* Program, images, results and stores lie one behind the other, each at a multiple of 4 KiB, and none overlap. */
Test(session, memory_is_laid_out_by_pages)
{
    struct rig rig;
    open_rig(&rig);
    const struct bd_session *s = &rig.session;
    const struct bd_program_header *h = rig.program.header;
    uint64_t end = s->platform.memory_base + rig.program.size;
    for (unsigned kind = 0; kind < 2; kind++) {
        for (unsigned i = 0; i < BD_DEVICE_IN_FLIGHT; i++) {
            const uint64_t at = kind ? s->outputs[i] : s->inputs[i];
            cr_assert_eq(at % 4096, 0);
            cr_assert(at >= end && at - end < 4096, "place %u of kind %u is %lld bytes behind the one before", i, kind,
                      (long long)(at - end));
            end = at + (kind ? h->output_bytes : h->input_bytes);
        }
    }
    cr_assert(s->store % 4096 == 0 && s->store >= end && s->store - end < 4096);
    close_rig(&rig);
}

/* All frames that fit are started, each at its switch, before the first is waited for; the results are those of the
 * plain executor. Another program after it is loaded in its place. */
Test(session, frames_in_flight_keep_their_results_apart)
{
    struct rig rig;
    struct bd_error err;
    open_rig(&rig);
    const struct bd_program_header *h = rig.program.header;
    int32_t *logits = bd_xcalloc(h->classes, sizeof *logits);
    for (int round = 0; round < 2; round++) {
        for (unsigned i = 0; i < BD_DEVICE_IN_FLIGHT; i++) {
            cr_assert_eq(bd_session_start(&rig.session, i, i % h->switch_count, rig.images[i], &err), BD_OK, "%s",
                         err.message);
        }
        for (unsigned i = 0; i < BD_DEVICE_IN_FLIGHT; i++) {
            struct bd_frame frame;
            memset(logits, 0x55, h->classes * sizeof *logits);
            cr_assert_eq(bd_session_finish(&rig.session, i, logits, &err), BD_OK, "%s", err.message);
            cr_assert_eq(bd_execute(&rig.program, rig.decoded, i % h->switch_count, rig.images[i], &frame, &err),
                         BD_OK);
            cr_assert_arr_eq(logits, frame.logits, h->classes * sizeof *logits, "frame %u", i);
            bd_frame_release(&frame);
        }
        cr_assert_eq(bd_session_load(&rig.session, &rig.program, &err), BD_OK, "%s", err.message);
    }
    cr_assert_eq(bd_session_start(&rig.session, 0, h->switch_count, rig.images[0], &err), BD_FAIL, "no such switch");
    cr_assert_eq(bd_session_finish(&rig.session, 0, logits, &err), BD_INFRA, "nothing was started");
    free(logits);
    close_rig(&rig);
}

Test(session, layers_are_stored_when_asked_for)
{
    struct rig rig;
    struct bd_error err;
    open_rig(&rig);
    const struct bd_program_header *h = rig.program.header;
    int32_t *logits = bd_xcalloc(h->classes, sizeof *logits);
    uint8_t *store = bd_xcalloc(h->store_bytes, 1), *expected = bd_xcalloc(h->store_bytes, 1);
    struct bd_frame frame;
    cr_assert_eq(bd_execute(&rig.program, rig.decoded, 1, rig.images[2], &frame, &err), BD_OK);
    for (unsigned l = 0; l < h->layer_count; l++) {
        bd_store_pack(&rig.program, 1, l, &frame.outputs[l], expected);
    }
    for (int enabled = 0; enabled < 2; enabled++) {
        cr_assert_eq(bd_session_store_layers(&rig.session, enabled, &err), BD_OK, "%s", err.message);
        cr_assert_eq(bd_session_start(&rig.session, 0, 1, rig.images[2], &err), BD_OK, "%s", err.message);
        cr_assert_eq(bd_session_finish(&rig.session, 0, logits, &err), BD_OK, "%s", err.message);
        cr_assert_eq(bd_session_read_store(&rig.session, store, &err), BD_OK, "%s", err.message);
        cr_assert_eq(memcmp(store, expected, h->store_bytes) == 0, enabled, "stored: %d", enabled);
    }
    struct bd_statistics statistics;
    cr_assert_eq(bd_session_statistics(&rig.session, &statistics, &err), BD_OK);
    cr_assert_eq(statistics.frames, 2);
    cr_assert_not(bd_session_is_shared(&rig.session));
    bd_frame_release(&frame);
    free(logits);
    free(store);
    free(expected);
    close_rig(&rig);
}

Test(session, schedules_name_switches_in_any_order)
{
    struct rig rig;
    struct bd_error err;
    unsigned *schedule, length;
    char text[64];
    open_rig(&rig);
    const char *a = rig.program.switches[0].name, *b = rig.program.switches[1].name;
    cr_assert_eq(bd_schedule_parse(&rig.program, NULL, &schedule, &length, &err), BD_OK);
    cr_assert_eq(length, rig.program.header->switch_count);
    for (unsigned i = 0; i < length; i++) {
        cr_assert_eq(schedule[i], i);
    }
    free(schedule);
    snprintf(text, sizeof text, "%s,%s,%s,%s", b, b, a, b);
    cr_assert_eq(bd_schedule_parse(&rig.program, text, &schedule, &length, &err), BD_OK);
    cr_assert_eq(length, 4);
    cr_assert(schedule[0] == 1 && schedule[1] == 1 && schedule[2] == 0 && schedule[3] == 1);
    free(schedule);
    static const char *const wrong[] = {"", "%s,", ",%s", "%s,w9a9", "%sx", "%s %s"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const char *at = strstr(wrong[i], "%s");
        snprintf(text, sizeof text, "%.*s%s%s", at ? (int)(at - wrong[i]) : 0, wrong[i], at ? a : "", at ? at + 2 : "");
        cr_assert_eq(bd_schedule_parse(&rig.program, text, &schedule, &length, &err), BD_BAD_INPUT, "'%s'", text);
        cr_assert(strstr(err.message, "has no switch '"), "%s", err.message);
        cr_assert_null(schedule);
    }
    close_rig(&rig);
}
