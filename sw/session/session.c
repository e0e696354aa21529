#include "sw/session/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "sw/session/platform_build.h"
#include "sw/transport/link.h"
#include "sw/transport/ref.h"

enum { FRAME_MS = 300000, PAGE = 4096 };

static bd_status open_process(struct bd_session *session, const struct bd_session_options *options,
                              struct bd_error *err)
{
    char *path = NULL;
    bd_status status = bd_platform_build(options, &path, err);
    if (status != BD_OK) {
        return status;
    }
    char seed[32];
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)options->reset_seed);
    char *argv[12] = {path,     "--target", (char *)options->device, "--hardware", (char *)options->hardware_path,
                      "--seed", seed};
    int n = 7;
    if (options->trace) {
        argv[n++] = "--trace";
        argv[n++] = (char *)options->trace;
    }
    if (!options->shared) {
        argv[n++] = "--no-shm";
    }
    status = bd_link_spawn(
        &session->platform, argv,
        &(struct bd_link_options){.shared = options->shared, .notice = options->notice, .context = options->context},
        err);
    free(path);
    return status;
}

bd_status bd_session_open(struct bd_session *session, const struct bd_session_options *options, struct bd_error *err)
{
    *session = (struct bd_session){0};
    bd_status status = bd_hardware_load(&session->hardware, options->hardware_path, err);
    if (status != BD_OK) {
        return status;
    }
    if (strcmp(options->device, "ref") == 0) {
        bd_ref_open(&session->platform, &session->hardware);
    } else {
        status = open_process(session, options, err);
    }
    if (status != BD_OK) {
        bd_hardware_release(&session->hardware);
        return status;
    }
    struct bd_port port = bd_platform_port(&session->platform);
    enum bd_device_status opened = bd_device_open(&session->device, &port);
    if (opened != BD_DEVICE_OK) {
        status = bd_session_fail(session, opened, err);
        struct bd_error ignored;
        (void)!bd_session_close(session, &ignored);
    }
    return status;
}

bd_status bd_session_close(struct bd_session *session, struct bd_error *err)
{
    bd_status status = session->platform.ops ? session->platform.ops->close(session->platform.self, err) : BD_OK;
    bd_hardware_release(&session->hardware);
    *session = (struct bd_session){0};
    return status;
}

bd_status bd_session_fail(struct bd_session *session, enum bd_device_status status, struct bd_error *err)
{
    char text[512];
    switch (status) {
    case BD_DEVICE_OK:
        return BD_OK;
    case BD_DEVICE_TRANSPORT:
        *err = session->platform.error;
        return err->status;
    case BD_DEVICE_BAD_ID:
    case BD_DEVICE_BAD_ABI:
    case BD_DEVICE_BAD_ARGUMENT:
    case BD_DEVICE_NOT_LOADED:
    case BD_DEVICE_NOTHING_STARTED:
        bd_device_explain(&session->device, status, text, sizeof text);
        return bd_fail(err, BD_INFRA, "driver: %s", text);
    case BD_DEVICE_BAD_PROGRAM:
    case BD_DEVICE_BAD_GEOMETRY:
    case BD_DEVICE_NO_CAPABILITY:
        bd_device_explain(&session->device, status, text, sizeof text);
        return bd_fail(err, BD_BAD_INPUT, "driver: %s", text);
    default:
        bd_device_explain(&session->device, status, text, sizeof text);
        return bd_fail(err, BD_FAIL, "driver: %s", text);
    }
}

static uint64_t pages(uint64_t bytes)
{
    return (bytes + PAGE - 1) / PAGE * PAGE;
}

/* Lays out memory: the program, then a place for each frame in flight, then the stored layers. All at multiples of
 * 4 KiB, as the cost model takes them to be: bursts end at such boundaries. */
static bd_status lay_out(struct bd_session *session, const struct bd_program *program, struct bd_error *err)
{
    const struct bd_program_header *h = program->header;
    uint64_t base = session->platform.memory_base, images = base + pages(program->size);
    uint64_t input = pages(h->input_bytes), output = pages(h->output_bytes);
    for (unsigned i = 0; i < BD_DEVICE_IN_FLIGHT; i++) {
        session->inputs[i] = images + i * input;
        session->outputs[i] = images + BD_DEVICE_IN_FLIGHT * input + i * output;
    }
    session->store = images + BD_DEVICE_IN_FLIGHT * (input + output);
    if (session->store + h->store_bytes > base + session->platform.memory_bytes) {
        return bd_fail(err, BD_BAD_INPUT, "network '%s' does not fit the device's memory of %llu MiB", h->network,
                       (unsigned long long)session->platform.memory_bytes >> 20);
    }
    const struct bd_platform_ops *ops = session->platform.ops;
    void *self = session->platform.self;
    bd_status status = ops->region(self, BD_WRITE_PROGRAM, base, program->size, err);
    return status == BD_OK ? ops->region(self, BD_WRITE_IMAGE, images, input * BD_DEVICE_IN_FLIGHT, err) : status;
}

bd_status bd_session_load(struct bd_session *session, const struct bd_program *program, struct bd_error *err)
{
    bd_status status = session->platform.ops->seal(session->platform.self, false, err);
    if (status == BD_OK) {
        status = lay_out(session, program, err);
    }
    if (status != BD_OK) {
        return status;
    }
    session->program = program;
    enum bd_device_status loaded =
        bd_device_load(&session->device, session->platform.memory_base, program->image, program->size);
    if (loaded != BD_DEVICE_OK) {
        return bd_session_fail(session, loaded, err);
    }
    return session->platform.ops->seal(session->platform.self, true, err);
}

bd_status bd_session_start(struct bd_session *session, unsigned slot, unsigned switch_index, const uint8_t *image,
                           struct bd_error *err)
{
    const struct bd_platform_ops *ops = session->platform.ops;
    bd_status status = ops->write_memory(session->platform.self, session->inputs[slot], image,
                                         session->program->header->input_bytes, err);
    if (status != BD_OK) {
        return status;
    }
    enum bd_device_status done = bd_device_set_precision(&session->device, switch_index);
    if (done == BD_DEVICE_OK) {
        done = bd_device_start(&session->device, session->inputs[slot], session->outputs[slot], NULL);
    }
    return bd_session_fail(session, done, err);
}

bd_status bd_session_finish(struct bd_session *session, unsigned slot, int32_t *logits, struct bd_error *err)
{
    enum bd_device_status done = bd_device_wait(&session->device, FRAME_MS, NULL);
    if (done == BD_DEVICE_OK) {
        done =
            bd_device_read_result(&session->device, session->outputs[slot], logits, session->program->header->classes);
    }
    return bd_session_fail(session, done, err);
}

bd_status bd_session_store_layers(struct bd_session *session, bool enable, struct bd_error *err)
{
    return bd_session_fail(session, bd_device_store_layers(&session->device, enable, session->store), err);
}

bd_status bd_session_read_store(struct bd_session *session, uint8_t *store, struct bd_error *err)
{
    return session->platform.ops->read_memory(session->platform.self, session->store, store,
                                              session->program->header->store_bytes, err);
}

bd_status bd_session_statistics(struct bd_session *session, struct bd_statistics *statistics, struct bd_error *err)
{
    return session->platform.ops->statistics(session->platform.self, statistics, err);
}

bool bd_session_is_shared(const struct bd_session *session)
{
    return bd_link_is_shared(&session->platform);
}
