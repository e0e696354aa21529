#include "sw/bringup/selftest.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "model/core/clock.h"
#include "sw/bringup/selftest_parts.h"

enum { FRAME_MS = 60000 };

const struct bd_selftest_text bd_selftest_texts[BD_SELFTEST_COUNT] = {
#define X(name, word, title, causes, next) {word, title, causes, next},
    BD_SELFTEST_STEPS(X)
#undef X
};

const struct bd_selftest_text *bd_selftest_advice(enum bd_selftest_step step, const struct bd_selftest_result *result)
{
    return &bd_selftest_texts[result->lost ? BD_SELFTEST_LINK : step];
}

static bd_status link_step(struct bd_selftest *t, struct bd_error *err)
{
    bd_status status = bd_session_connect(&t->session, t->options, err);
    t->connected = status == BD_OK;
    if (status == BD_OK) {
        snprintf(t->detail, t->detail_size, "%s answers; memory 0x%" PRIx64 ", %" PRIu64 " KiB",
                 t->session.platform.target, t->session.platform.memory_base, t->session.platform.memory_bytes >> 10);
    }
    return status;
}

static bd_status identity_step(struct bd_selftest *t, struct bd_error *err)
{
    struct bd_session *s = &t->session;
    bd_status status = bd_session_identify(s, err);
    if (status != BD_OK) { /* the device is reached, and is not what it should be: no fault of the way there */
        const bool lost = s->platform.error.status == BD_INFRA;
        err->status = lost ? BD_INFRA : BD_FAIL;
        return err->status;
    }
    const uint64_t configured = bd_hardware_geometry_hash(&s->hardware);
    if (s->device.geometry_hash != configured) {
        return bd_fail(err, BD_FAIL, "the device's geometry has hash 0x%016" PRIx64 ", that of '%s' 0x%016" PRIx64,
                       s->device.geometry_hash, t->options->hardware_path, configured);
    }
    /* Whatever a program before this one left running ends here. */
    status = bd_session_fail(s, bd_device_reset(&s->device, BD_DEVICE_RESET_MS), err);
    snprintf(t->detail, t->detail_size, "%u rows, %u requantizers, geometry 0x%016" PRIx64 ", RTL 0x%08x, build %u",
             s->device.rows, s->device.requant_units, s->device.geometry_hash, s->device.rtl_hash, s->device.build_id);
    return status;
}

static bd_status (*const steps[BD_SELFTEST_COUNT])(struct bd_selftest *t, struct bd_error *err) = {
    [BD_SELFTEST_LINK] = link_step,
    [BD_SELFTEST_IDENTITY] = identity_step,
    [BD_SELFTEST_SCRATCH] = bd_selftest_scratch,
    [BD_SELFTEST_REGISTERS] = bd_selftest_registers,
    [BD_SELFTEST_MEMORY] = bd_selftest_memory,
    [BD_SELFTEST_DMA] = bd_selftest_dma,
    [BD_SELFTEST_LAYERS] = bd_selftest_layers,
    [BD_SELFTEST_SWITCHES] = bd_selftest_switches,
    [BD_SELFTEST_QUEUE] = bd_selftest_queue,
    [BD_SELFTEST_WATCHDOG] = bd_selftest_watchdog,
};

bd_status bd_selftest(const struct bd_session_options *options, struct bd_selftest_report *report,
                      void (*told)(void *context, enum bd_selftest_step step, const struct bd_selftest_result *result),
                      void *context, struct bd_error *err)
{
    struct bd_session_options own = *options;
    own.frame_ms = own.frame_ms ? own.frame_ms : FRAME_MS;
    struct bd_selftest t = {.options = &own};
    bd_status status = BD_OK;
    *report = (struct bd_selftest_report){0};
    for (int i = 0; i < BD_SELFTEST_COUNT && status == BD_OK; i++) {
        struct bd_selftest_result *result = &report->steps[i];
        const double from = bd_seconds(CLOCK_MONOTONIC);
        t.detail = result->detail;
        t.detail_size = sizeof result->detail;
        status = steps[i](&t, err);
        result->seconds = bd_seconds(CLOCK_MONOTONIC) - from;
        result->verdict = status == BD_OK ? BD_SELFTEST_PASSED : BD_SELFTEST_FAILED;
        if (status != BD_OK) {
            snprintf(result->detail, sizeof result->detail, "%.*s", (int)sizeof result->detail - 1, err->message);
            bd_fail_prefix(err, "step %d (%s)", i + 1, bd_selftest_texts[i].word);
        }
        /* What the options are to blame for is no failure of the device. */
        status = status == BD_BAD_INPUT && i > BD_SELFTEST_LINK ? BD_FAIL : status;
        err->status = status;
        result->lost = status == BD_INFRA;
        if (told) {
            told(context, (enum bd_selftest_step)i, result);
        }
    }
    if (t.connected) {
        struct bd_error ignored;
        snprintf(report->target, sizeof report->target, "%s", t.session.platform.target);
        bd_selftest_release_program(&t);
        (void)!bd_session_close(&t.session, &ignored);
    }
    return status;
}
