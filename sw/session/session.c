#include "sw/session/session.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/cost/cost.h"
#include "sw/driver/bitdial_regs.h"
#include "sw/session/device_name.h"
#include "sw/session/platform_build.h"
#include "sw/transport/link.h"
#include "sw/transport/ref.h"
#include "sw/transport/serial.h"
#include "sw/transport/uio.h"

enum { FRAME_MS = 300000, PAGE = 4096 };
/* A frame may take so many times its predicted clocks, and so many more for each beat: memories of boards are not
 * known. */
enum { FRAME_TIMES = 4, BEAT_CLOCKS = 256 };

static bd_status open_process(struct bd_session *session, const struct bd_session_options *options,
                              struct bd_error *err)
{
    char *path = NULL;
    bd_status status = bd_platform_build(options, &path, err);
    if (status != BD_OK) {
        return status;
    }
    char seed[32], fault[16];
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)options->reset_seed);
    snprintf(fault, sizeof fault, "%d", options->rtl_fault);
    char *argv[14] = {path,     "--target", (char *)options->device, "--hardware", (char *)options->hardware_path,
                      "--seed", seed};
    int n = 7;
    if (options->trace) {
        argv[n++] = "--trace";
        argv[n++] = (char *)options->trace;
    }
    if (options->rtl_fault) {
        argv[n++] = "--fault";
        argv[n++] = fault;
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

/* The geometry that the identity registers tell; they must agree with the hash beside them. */
static bd_status read_geometry(struct bd_session *session, struct bd_error *err)
{
    uint32_t word[BITDIAL_DESCRIPTORS_REG / 4 + 1];
    for (uint32_t i = 0; i < sizeof word / sizeof *word; i++) {
        bd_status status = session->platform.ops->read_register(session->platform.self, 4 * i, &word[i], err);
        if (status != BD_OK) {
            return status;
        }
    }
#define FIELD(reg, name)                                                                                               \
    ((word[BITDIAL_##reg##_REG / 4] & BITDIAL_##reg##_##name##_MASK) >> BITDIAL_##reg##_##name##_SHIFT)
    struct bd_hardware *h = &session->hardware;
    *h = (struct bd_hardware){
        .name = bd_xstrdup("board"),
        .rows = FIELD(GEOMETRY, ROWS),
        .requant_units = FIELD(GEOMETRY, REQUANT_UNITS),
        .mac_channels = FIELD(GEOMETRY, MAC_CHANNELS),
        .acc_bits = FIELD(GEOMETRY, ACC_BITS),
        .xnor = FIELD(CAPABILITIES, XNOR),
        .mac = FIELD(CAPABILITIES, MAC),
        .mult_bits = FIELD(CAPABILITIES, MULT_BITS),
        .act_words = word[BITDIAL_ACT_WORDS_REG / 4],
        .z_words = word[BITDIAL_Z_WORDS_REG / 4],
        .weight_words = word[BITDIAL_WEIGHT_WORDS_REG / 4],
        .table_words = word[BITDIAL_TABLE_WORDS_REG / 4],
        .correct_words = word[BITDIAL_CORRECT_WORDS_REG / 4],
        .descriptors = word[BITDIAL_DESCRIPTORS_REG / 4],
        .clock_mhz = 100,
        .energy_table = bd_xstrdup("horowitz45"),
        .memory = {.latency = 1, .beat_interval = 1, .outstanding = 1},
    };
#undef FIELD
    const uint64_t told =
        (uint64_t)word[BITDIAL_GEOMETRY_HASH_HI_REG / 4] << 32 | word[BITDIAL_GEOMETRY_HASH_LO_REG / 4];
    const uint64_t is = bd_hardware_geometry_hash(h);
    return told == is ? BD_OK
                      : bd_fail(err, BD_INFRA,
                                "the device's identity registers contradict each other: GEOMETRY_HASH is 0x%016" PRIx64
                                ", that of the registers beside it 0x%016" PRIx64,
                                told, is);
}

static bd_status connect_board(struct bd_session *session, const struct bd_session_options *options,
                               const struct bd_device_name *name, struct bd_error *err)
{
    if (name->kind == BD_KIND_SERIAL) {
        const struct bd_serial_options line = {.path = name->path, .baud = name->baud, .silence_ms = options->reply_ms};
        return bd_serial_open(&session->platform, &line, err);
    }
    const struct bd_uio_options chip = {.path = name->path, .memory = name->memory};
    return bd_uio_open(&session->platform, &chip, err);
}

bd_status bd_session_connect(struct bd_session *session, const struct bd_session_options *options, struct bd_error *err)
{
    struct bd_device_name name;
    *session = (struct bd_session){.frame_ms = options->frame_ms ? options->frame_ms : FRAME_MS};
    bd_status status = bd_device_name_parse(options->device, &name, err);
    if (status != BD_OK) {
        return status;
    }
    session->is_board = bd_device_is_board(&name);
    session->is_described = options->hardware_path != NULL;
    if (options->hardware_path) {
        status = bd_hardware_load(&session->hardware, options->hardware_path, err);
    } else if (!session->is_board) {
        status =
            bd_fail(err, BD_BAD_INPUT, "device '%s' is simulated, and needs a hardware configuration", options->device);
    }
    if (status != BD_OK) {
        return status;
    }
    session->is_timed =
        session->is_described && !(session->is_board && session->hardware.memory_timing == BD_MEMORY_VARYING);
    if (name.kind == BD_KIND_REF) {
        bd_ref_open(&session->platform, &session->hardware);
    } else if (session->is_board) {
        status = connect_board(session, options, &name, err);
    } else {
        status = open_process(session, options, err);
    }
    if (status != BD_OK) {
        bd_hardware_release(&session->hardware);
    }
    return status;
}

bd_status bd_session_identify(struct bd_session *session, struct bd_error *err)
{
    struct bd_port port = bd_platform_port(&session->platform);
    bd_status status = bd_session_fail(session, bd_device_open(&session->device, &port), err);
    return status == BD_OK && !session->is_described ? read_geometry(session, err) : status;
}

bd_status bd_session_open(struct bd_session *session, const struct bd_session_options *options, struct bd_error *err)
{
    bd_status status = bd_session_connect(session, options, err);
    if (status != BD_OK) {
        return status;
    }
    status = bd_session_identify(session, err);
    if (status != BD_OK) {
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
    const uint64_t needs = session->store + h->map_bytes - base, size = session->platform.memory_bytes;
    session->can_store = session->store + h->store_bytes - base <= size;
    if (needs > size) {
        return bd_fail(err, BD_BAD_INPUT,
                       "network '%s' needs %llu bytes with its images and results; the device's memory has %llu",
                       h->network, (unsigned long long)needs, (unsigned long long)size);
    }
    const struct bd_platform_ops *ops = session->platform.ops;
    void *self = session->platform.self;
    bd_status status = ops->region(self, BD_WRITE_PROGRAM, base, program->size, err);
    return status == BD_OK ? ops->region(self, BD_WRITE_IMAGE, images, input * BD_DEVICE_IN_FLIGHT, err) : status;
}

/* What a frame may take: one with damaged counts would go on nearly for ever. By the slowest switch, so that a frame at
 * a wrong one ends and is told by its switch; with the program's load and stores of all layers. */
static bd_status limit_frames(struct bd_session *session, struct bd_error *err)
{
    const struct bd_program *program = session->program;
    const struct bd_program_header *h = program->header;
    struct bd_frame_cost *cost = bd_xcalloc(1, sizeof *cost);
    bd_status status = BD_OK;
    uint64_t load_bytes, limit = 0;
    const uint64_t load = bd_cost_load(h, bd_program_load_descriptor(program), &session->hardware.memory, &load_bytes);
    for (unsigned s = 0; s < h->switch_count && status == BD_OK; s++) {
        status = bd_cost_frame(program, &session->hardware, s, true, cost, err);
        const uint64_t beats = (load_bytes + cost->read_bytes + cost->write_bytes) / 8;
        const uint64_t clocks = FRAME_TIMES * (cost->cycles + load) + BEAT_CLOCKS * beats;
        limit = clocks > limit ? clocks : limit;
    }
    limit = limit < UINT32_MAX ? limit : UINT32_MAX;
    for (unsigned s = 0; s < h->switch_count && status == BD_OK; s++) {
        status = bd_session_fail(session, bd_device_limit_frames(&session->device, s, (uint32_t)limit), err);
    }
    free(cost);
    return status;
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
    status = limit_frames(session, err);
    if (status != BD_OK) {
        return status;
    }
    if (program->header->map_bytes > 0) {
        loaded = bd_device_place_maps(&session->device, session->store);
        if (loaded != BD_DEVICE_OK) {
            return bd_session_fail(session, loaded, err);
        }
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
    enum bd_device_status done = bd_device_wait(&session->device, session->frame_ms, NULL);
    if (done == BD_DEVICE_OK) {
        done =
            bd_device_read_result(&session->device, session->outputs[slot], logits, session->program->header->classes);
    }
    return bd_session_fail(session, done, err);
}

bd_status bd_session_store_layers(struct bd_session *session, bool enable, struct bd_error *err)
{
    if (enable && !session->can_store) {
        const struct bd_program_header *h = session->program->header;
        return bd_fail(err, BD_BAD_INPUT,
                       "the layers of network '%s' take %u bytes, for which the device's memory of %llu bytes has no "
                       "room beside it",
                       h->network, h->store_bytes, (unsigned long long)session->platform.memory_bytes);
    }
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
