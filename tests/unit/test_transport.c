/* The framed protocol: encoding, refusals, the server and the client end to end over sockets and pipes, device
 * processes that die or hang, the guard, and the C device model behind all of it. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "model/core/memory.h"
#include "model/cost/cost.h"
#include "model/exec/exec.h"
#include "model/program/random_network.h"
#include "sw/driver/bitdial_regs.h"
#include "sw/driver/driver.h"
#include "sw/transport/channel.h"
#include "sw/transport/link.h"
#include "sw/transport/ref.h"
#include "sw/transport/server.h"

#define HARDWARE "yaml-configs/hardware/demo.yaml"

static void load_hardware(struct bd_hardware *hardware)
{
    struct bd_error err;
    cr_assert_eq(bd_hardware_load(hardware, HARDWARE, &err), BD_OK, "%s", err.message);
}

Test(transport, a_frame_comes_back_as_it_was_sent)
{
    static uint8_t bytes[BD_FRAME_MAX], body[BD_FRAME_PAYLOAD - 8];
    const uint8_t head[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    for (size_t i = 0; i < sizeof body; i++) {
        body[i] = (uint8_t)(i * 37);
    }
    struct bd_message sent = {.sequence = 0xfedcba98, .op = BD_REQUEST_WRITE_MEMORY, .status = 2}, got;
    struct bd_error err;
    size_t size = bd_frame_encode(bytes, &sent, head, sizeof head, body, sizeof body);
    cr_assert_eq(size, BD_FRAME_MAX);
    cr_assert_eq(bd_frame_parse(bytes, size, &got, &err), BD_OK);
    cr_assert_eq(got.sequence, sent.sequence);
    cr_assert_eq(got.op, sent.op);
    cr_assert_eq(got.status, sent.status);
    cr_assert_eq(got.size, sizeof head + sizeof body);
    cr_assert_eq(memcmp(got.payload, head, 8), 0);
    cr_assert_eq(memcmp(got.payload + 8, body, sizeof body), 0);
}

Test(transport, every_single_bit_error_is_refused)
{
    uint8_t bytes[64], body[20] = "twenty bytes of body";
    struct bd_message message = {.sequence = 7, .op = BD_REQUEST_READ_REGISTER}, got;
    struct bd_error err;
    size_t size = bd_frame_encode(bytes, &message, body, sizeof body, NULL, 0);
    cr_assert_eq(bd_frame_parse(bytes, size, &got, &err), BD_OK);
    for (size_t bit = 0; bit < size * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        cr_assert_eq(bd_frame_parse(bytes, size, &got, &err), BD_BAD_INPUT, "bit %zu", bit);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t shorter = 0; shorter < size; shorter++) {
        cr_assert_eq(bd_frame_parse(bytes, shorter, &got, &err), BD_BAD_INPUT);
    }
}

/* A server with the ref device in a thread of this process. */
struct served {
    struct bd_hardware hardware;
    struct bd_platform ref;
    int fds[2][2]; /* [client, server][in, out] */
    pthread_t thread;
    bool allow_shared;
    bd_status status;
    struct bd_error err;
};

static void *serve_thread(void *argument)
{
    struct served *s = argument;
    s->status = bd_serve(&s->ref, s->fds[1][0], s->fds[1][1], s->allow_shared, &s->err);
    close(s->fds[1][0]);
    if (s->fds[1][1] != s->fds[1][0]) {
        close(s->fds[1][1]);
    }
    return NULL;
}

static void start_server(struct served *s, bool pipes, bool allow_shared)
{
    memset(s, 0, sizeof *s);
    load_hardware(&s->hardware);
    bd_ref_open(&s->ref, &s->hardware);
    s->allow_shared = allow_shared;
    int a[2], b[2];
    if (pipes) {
        cr_assert_eq(pipe(a) | pipe(b), 0);
        s->fds[0][0] = a[0];
        s->fds[1][1] = a[1];
        s->fds[1][0] = b[0];
        s->fds[0][1] = b[1];
    } else {
        cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, a), 0);
        s->fds[0][0] = s->fds[0][1] = a[0];
        s->fds[1][0] = s->fds[1][1] = a[1];
    }
    cr_assert_eq(pthread_create(&s->thread, NULL, serve_thread, s), 0);
}

static void stop_server(struct served *s)
{
    struct bd_error err;
    pthread_join(s->thread, NULL);
    cr_assert_eq(s->ref.ops->close(s->ref.self, &err), BD_OK);
    bd_hardware_release(&s->hardware);
}

static void open_link(struct served *s, struct bd_platform *link, bool want_shared)
{
    struct bd_error err;
    struct bd_link_options options = {.name = "served", .shared = want_shared, .reply_ms = 10000};
    cr_assert_eq(bd_link_open(link, s->fds[0][0], s->fds[0][1], &options, &err), BD_OK, "%s", err.message);
}

/* Memory and registers through a link, in sizes around the limits of a frame and of the window. */
static void exercise(const struct bd_platform *link)
{
    static uint8_t out[BD_SHARED_WINDOW_BYTES + 5000], in[sizeof out];
    const size_t sizes[] = {
        1, 8, BD_FRAME_PAYLOAD - 8, BD_FRAME_PAYLOAD - 7, BD_FRAME_PAYLOAD, BD_FRAME_PAYLOAD + 1, sizeof out};
    struct bd_error err;
    for (size_t i = 0; i < sizeof out; i++) {
        out[i] = (uint8_t)(i * 2654435761u >> 13);
    }
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint64_t address = link->memory_base + 1000 * i;
        memset(in, 0, sizeof in);
        cr_assert_eq(link->ops->write_memory(link->self, address, out, sizes[i], &err), BD_OK, "%s", err.message);
        cr_assert_eq(link->ops->read_memory(link->self, address, in, sizes[i], &err), BD_OK, "%s", err.message);
        cr_assert_eq(memcmp(in, out, sizes[i]), 0, "size %zu", sizes[i]);
    }
    uint32_t value = 0;
    cr_assert_eq(link->ops->read_register(link->self, BITDIAL_ID_REG, &value, &err), BD_OK);
    cr_assert_eq(value, BITDIAL_ID_RESET);
    cr_assert_eq(link->ops->write_register(link->self, BITDIAL_TAG_REG, 0xabcd1234, &err), BD_OK);
    cr_assert_eq(link->ops->read_register(link->self, BITDIAL_TAG_REG, &value, &err), BD_OK);
    cr_assert_eq(value, 0xabcd1234);
    cr_assert_eq(link->ops->read_register(link->self, 2, &value, &err), BD_BAD_INPUT);
    cr_assert_eq(link->ops->read_register(link->self, BITDIAL_WINDOW_BYTES, &value, &err), BD_BAD_INPUT);
    cr_assert_eq(link->ops->read_memory(link->self, link->memory_base + link->memory_bytes - 4, in, 8, &err),
                 BD_BAD_INPUT);
    cr_assert_eq(link->ops->write_memory(link->self, link->memory_base - 1, in, 8, &err), BD_BAD_INPUT);
    cr_assert(strstr(err.message, "outside memory"), "%s", err.message);
    bool raised = true;
    cr_assert_eq(link->ops->wait_irq(link->self, 1, 100, &raised, &err), BD_OK);
    cr_assert_not(raised);
}

Test(transport, shared_memory_frames_and_pipes_do_the_same)
{
    const struct {
        bool pipes, allow, want, gets;
    } cases[] = {
        {false, true, true, true}, {false, false, true, false}, {false, true, false, false}, {true, true, true, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct served s;
        struct bd_platform link;
        struct bd_error err;
        start_server(&s, cases[i].pipes, cases[i].allow);
        if (cases[i].pipes) { /* a pipe carries no descriptor: a client on one asks for none */
            open_link(&s, &link, false);
        } else {
            open_link(&s, &link, cases[i].want);
        }
        cr_assert_eq(bd_link_is_shared(&link), cases[i].gets, "case %zu", i);
        exercise(&link);
        cr_assert_eq(link.ops->close(link.self, &err), BD_OK, "%s", err.message);
        stop_server(&s);
        cr_assert_eq(s.status, BD_OK);
    }
}

Test(transport, the_guard_counts_and_refuses)
{
    struct served s;
    struct bd_platform link;
    struct bd_error err;
    struct bd_statistics t;
    uint8_t bytes[300] = {0};
    start_server(&s, false, true);
    open_link(&s, &link, true);
    uint64_t base = link.memory_base;
    cr_assert_eq(link.ops->region(link.self, BD_WRITE_PROGRAM, base + 4096, 4096, &err), BD_OK);
    cr_assert_eq(link.ops->region(link.self, BD_WRITE_IMAGE, base + 8192, 4096, &err), BD_OK);
    cr_assert_eq(link.ops->region(link.self, BD_WRITE_CLASSES, base, 1, &err), BD_BAD_INPUT);
    cr_assert_eq(link.ops->region(link.self, BD_WRITE_IMAGE, base, link.memory_bytes + 1, &err), BD_BAD_INPUT);
    cr_assert_eq(link.ops->write_memory(link.self, base + 4096, bytes, 300, &err), BD_OK);
    cr_assert_eq(link.ops->write_memory(link.self, base + 8192, bytes, 200, &err), BD_OK);
    cr_assert_eq(link.ops->write_memory(link.self, base + 64, bytes, 100, &err), BD_OK);
    cr_assert_eq(link.ops->write_register(link.self, BITDIAL_TAG_REG, 1, &err), BD_OK);
    cr_assert_eq(link.ops->seal(link.self, true, &err), BD_OK);
    /* At the edges: the byte before and the byte after the program are free, the first and the last are not. */
    cr_assert_eq(link.ops->write_memory(link.self, base + 4095, bytes, 1, &err), BD_OK);
    cr_assert_eq(link.ops->write_memory(link.self, base + 8192, bytes, 1, &err), BD_OK);
    cr_assert_eq(link.ops->write_memory(link.self, base + 4095, bytes, 2, &err), BD_FAIL);
    cr_assert_eq(link.ops->write_memory(link.self, base + 8191, bytes, 2, &err), BD_FAIL);
    cr_assert(strstr(err.message, "sealed program"), "%s", err.message);
    cr_assert_eq(link.ops->statistics(link.self, &t, &err), BD_OK);
    cr_assert_eq(t.written[BD_WRITE_PROGRAM], 300);
    cr_assert_eq(t.written[BD_WRITE_IMAGE], 201);
    cr_assert_eq(t.written[BD_WRITE_REGISTERS], 4);
    cr_assert_eq(t.written[BD_WRITE_OTHER], 101);
    cr_assert_eq(t.violations, 2);
    cr_assert_eq(t.violation_address, base + 4095);
    cr_assert_eq(link.ops->flip_bit(link.self, base + 5000, 3, &err), BD_OK);
    cr_assert_eq(link.ops->flip_bit(link.self, base + 5000, 8, &err), BD_BAD_INPUT);
    cr_assert_eq(link.ops->read_memory(link.self, base + 5000, bytes, 1, &err), BD_OK);
    cr_assert_eq(bytes[0], 8);
    cr_assert_eq(link.ops->close(link.self, &err), BD_OK);
    stop_server(&s);
}

/* Sends raw bytes as a first word, and returns the server's verdict. */
static bd_status server_verdict(const void *bytes, size_t size, struct bd_error *err)
{
    struct served s;
    start_server(&s, false, false);
    cr_assert_eq(write(s.fds[0][1], bytes, size), (ssize_t)size);
    shutdown(s.fds[0][1], SHUT_WR);
    pthread_join(s.thread, NULL);
    close(s.fds[0][0]);
    struct bd_error ignored;
    cr_assert_eq(s.ref.ops->close(s.ref.self, &ignored), BD_OK);
    bd_hardware_release(&s.hardware);
    *err = s.err;
    return s.status;
}

Test(transport, malformed_frames_end_the_service)
{
    uint8_t frame[64];
    struct bd_message message = {.sequence = 1, .op = BD_REQUEST_STATISTICS};
    struct bd_error err;
    size_t size = bd_frame_encode(frame, &message, NULL, 0, NULL, 0);
    frame[0] ^= 1;
    cr_assert_eq(server_verdict(frame, size, &err), BD_BAD_INPUT);
    cr_assert(strstr(err.message, "bad magic"), "%s", err.message);
    frame[0] ^= 1;
    frame[size - 1] ^= 1;
    cr_assert_eq(server_verdict(frame, size, &err), BD_BAD_INPUT);
    cr_assert(strstr(err.message, "CRC"), "%s", err.message);
    frame[size - 1] ^= 1;
    cr_assert_eq(server_verdict(frame, size - 3, &err), BD_BAD_INPUT);
    cr_assert(strstr(err.message, "closed after"), "%s", err.message);
    frame[15] = 0x7f;
    cr_assert_eq(server_verdict(frame, size, &err), BD_BAD_INPUT);
    cr_assert(strstr(err.message, "payload of"), "%s", err.message);
    cr_assert_eq(server_verdict(frame, 0, &err), BD_OK, "a client that just leaves is no error");
}

/* A well-formed frame that asks for nonsense gets a refusal, and the service goes on. */
Test(transport, senseless_requests_are_refused_one_by_one)
{
    static const struct {
        unsigned op, payload;
        const char *says;
    } cases[] = {
        {BD_REQUEST_STATISTICS, 0, "before HELLO"},
        {BD_REQUEST_HELLO, 8, "8 bytes of payload, not 16"},
        {BD_REQUEST_HELLO, 16, "protocol version 0"},
        {99, 0, "99 is unknown"},
        {0, 0, "0 is unknown"},
    };
    struct served s;
    struct bd_error err;
    struct bd_channel *channel = bd_xcalloc(1, sizeof *channel);
    start_server(&s, false, true);
    bd_channel_init(channel, s.fds[0][0], s.fds[0][1]);
    const uint8_t zeros[16] = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bd_message message = {.sequence = (uint32_t)i, .op = (uint16_t)cases[i].op}, reply;
        cr_assert_eq(bd_channel_send(channel, &message, zeros, cases[i].payload, NULL, 0, -1, &err), BD_OK);
        cr_assert_eq(bd_channel_receive(channel, 10000, &reply, &err), BD_RECEIVED_FRAME, "%s", err.message);
        cr_assert_eq(reply.status, BD_REPLY_REFUSED);
        cr_assert_eq(reply.sequence, i);
        char text[256];
        snprintf(text, sizeof text, "%.*s", (int)reply.size, (const char *)reply.payload);
        cr_assert(strstr(text, cases[i].says), "'%s' does not say '%s'", text, cases[i].says);
    }
    struct bd_message reply;
    cr_assert_eq(bd_channel_receive(channel, 20, &reply, &err), BD_RECEIVED_TIMEOUT);
    close(s.fds[0][0]);
    stop_server(&s);
    cr_assert_eq(s.status, BD_OK);
    free(channel);
}

static bd_status spawn_script(const char *script, uint32_t reply_ms, struct bd_error *err)
{
    struct bd_platform link;
    char *argv[] = {"/bin/sh", "-c", (char *)script, NULL};
    bd_status status = bd_link_spawn(&link, argv, &(struct bd_link_options){.reply_ms = reply_ms}, err);
    if (status == BD_OK) {
        struct bd_error ignored;
        cr_assert_eq(link.ops->close(link.self, &ignored), BD_OK);
    }
    return status;
}

static void keep_notice(void *context, const char *text)
{
    snprintf(context, 512, "%s", text);
}

Test(transport, a_stopped_device_process_is_named_while_it_is_waited_for)
{
    struct bd_platform link;
    struct bd_error err;
    char *argv[] = {"/bin/sh", "-c", "kill -STOP $$", NULL}, heard[512] = "";
    struct bd_link_options options = {.reply_ms = 2000, .notice_ms = 300, .notice = keep_notice, .context = heard};
    cr_assert_eq(bd_link_spawn(&link, argv, &options, &err), BD_INFRA);
    cr_assert(strstr(heard, "'/bin/sh' (pid ") && strstr(heard, "stopped by a signal") &&
                  strstr(heard, "no answer to HELLO for "),
              "%s", heard);
    cr_assert(strstr(err.message, "stopped by a signal) did not answer HELLO (frame 1) in "), "%s", err.message);
}

Test(transport, a_device_process_that_dies_or_hangs_is_named)
{
    struct bd_error err;
    cr_assert_eq(spawn_script("kill -SEGV $$", 15000, &err), BD_INFRA);
    cr_assert(strstr(err.message, "signal 11") && strstr(err.message, "during HELLO"), "%s", err.message);
    cr_assert_eq(spawn_script("exit 5", 15000, &err), BD_INFRA);
    cr_assert(strstr(err.message, "exited with 5 during HELLO"), "%s", err.message);
    cr_assert_eq(spawn_script("exec sleep 100", 300, &err), BD_INFRA);
    cr_assert(strstr(err.message, ") did not answer HELLO (frame 1) in 300 ms"), "%s", err.message);
    /* it must outlive what it says, for what is asked of one that has left meets an end, not an answer */
    cr_assert_eq(spawn_script("head -c 20 /dev/zero >&3; exec sleep 100", 15000, &err), BD_INFRA);
    cr_assert(strstr(err.message, "bad magic"), "%s", err.message);
    struct bd_platform link;
    char *argv[] = {"/nonexistent/platform", NULL};
    cr_assert_eq(bd_link_spawn(&link, argv, &(struct bd_link_options){0}, &err), BD_INFRA);
    cr_assert(strstr(err.message, "/nonexistent/platform"), "%s", err.message);
}

/* --- the device model, through the driver --------------------------------------------------------------------------
 */

struct rig {
    struct bd_hardware hardware;
    struct bd_program program;
    struct bd_platform platform;
    struct bd_device device;
    uint8_t *image;
    uint64_t input, output, store;
};

static void open_rig(struct rig *rig)
{
    struct bd_error err;
    memset(rig, 0, sizeof *rig);
    load_hardware(&rig->hardware);
    cr_assert_eq(bd_random_network(1, 1, &rig->hardware, &rig->program, &err), BD_OK, "%s", err.message);
    bd_ref_open(&rig->platform, &rig->hardware);
    struct bd_port port = bd_platform_port(&rig->platform);
    cr_assert_eq(bd_device_open(&rig->device, &port), BD_DEVICE_OK);
    cr_assert_eq(bd_device_load(&rig->device, rig->platform.memory_base, rig->program.image, rig->program.size),
                 BD_DEVICE_OK);
    rig->input = rig->platform.memory_base + (1 << 20);
    rig->output = rig->input + (1 << 20);
    rig->store = rig->output + (1 << 20);
    rig->image = bd_xmalloc(rig->program.header->input_bytes);
    bd_random_image(&rig->program, 5, rig->image);
    cr_assert_eq(rig->platform.ops->write_memory(rig->platform.self, rig->input, rig->image,
                                                 rig->program.header->input_bytes, &err),
                 BD_OK);
}

static void close_rig(struct rig *rig)
{
    struct bd_error err;
    free(rig->image);
    cr_assert_eq(rig->platform.ops->close(rig->platform.self, &err), BD_OK);
    bd_program_release(&rig->program);
    bd_hardware_release(&rig->hardware);
}

/* What says that the program may be another one makes the next frame load it, and that one alone. */
Test(transport, the_model_loads_a_program_when_its_registers_say_so)
{
    static const struct {
        uint32_t offset, value;
        bool loads, again;
        int more; /* times that it is written */
    } cases[] = {
        {BITDIAL_PRECISION_REG, 0, true, false, 0}, /* the first frame */
        {BITDIAL_PRECISION_REG, 1, false, false, 0},
        {BITDIAL_STORE_ADDR_LO_REG, 64, false, false, 0},
        {BITDIAL_WATCHDOG_LIMIT_REG, 0, false, false, 0},
        {BITDIAL_CONTROL_REG, BITDIAL_CONTROL_IRQ_ENABLE_MASK, false, false, 0},
        {BITDIAL_CONTROL_REG, BITDIAL_CONTROL_IRQ_ENABLE_MASK | BITDIAL_CONTROL_RELOAD_MASK, true, false, 0},
        {BITDIAL_CONTROL_REG, BITDIAL_CONTROL_IRQ_ENABLE_MASK | BITDIAL_CONTROL_SOFT_RESET_MASK, true, false, 0},
        {BITDIAL_PROGRAM_ADDR_LO_REG, 0, true, true, 0}, /* written as it was */
        {BITDIAL_PROGRAM_ADDR_HI_REG, 0, true, true, 0},
        {BITDIAL_DESC_OFFSET_REG, 0, true, true, 0},
        {BITDIAL_SWITCH_STRIDE_REG, 0, true, true, 0},
        {BITDIAL_LAYER_COUNT_REG, 0, true, true, 0},
        {BITDIAL_SWITCH_COUNT_REG, 0, true, true, 0},
        {BITDIAL_SWITCH_COUNT_REG, 0, true, true, 255}, /* however often */
        {BITDIAL_PROGRAM_ADDR_LO_REG, 0, true, true, 65535},
    };
    struct rig rig;
    struct bd_error err;
    open_rig(&rig);
    const struct bd_platform_ops *ops = rig.platform.ops;
    uint64_t bytes, clocks[BD_PROGRAM_MAX_SWITCHES];
    struct bd_frame_cost *cost = bd_xcalloc(1, sizeof *cost);
    for (unsigned s = 0; s < 2; s++) {
        cr_assert_eq(bd_cost_frame(&rig.program, &rig.hardware, s, false, cost, &err), BD_OK);
        clocks[s] = cost->cycles;
    }
    const uint64_t load =
        bd_cost_load(rig.program.header, bd_program_load_descriptor(&rig.program), &rig.hardware.memory, &bytes);
    unsigned s = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint32_t value = cases[i].value;
        if (cases[i].again) { /* a device gives its registers back */
            cr_assert_eq(ops->read_register(rig.platform.self, cases[i].offset, &value, &err), BD_OK);
        }
        for (int n = 0; n <= cases[i].more; n++) {
            cr_assert_eq(ops->write_register(rig.platform.self, cases[i].offset, value, &err), BD_OK);
        }
        s = cases[i].offset == BITDIAL_PRECISION_REG ? value : s;
        for (int frame = 0; frame < 2; frame++) {
            struct bd_device_counters counters;
            cr_assert_eq(bd_device_start(&rig.device, rig.input, rig.output, NULL), BD_DEVICE_OK);
            rig.device.flight[0].switch_index = s;
            cr_assert_eq(bd_device_wait(&rig.device, 1000, NULL), BD_DEVICE_OK);
            cr_assert_eq(bd_device_read_counters(&rig.device, &counters), BD_DEVICE_OK);
            cr_assert_eq(counters.total, clocks[s] + (cases[i].loads && frame == 0 ? load : 0), "case %zu, frame %d", i,
                         frame);
        }
    }
    free(cost);
    close_rig(&rig);
}

Test(transport, the_model_runs_a_frame_as_the_reference_and_the_cost_model_say)
{
    struct rig rig;
    struct bd_error err;
    struct bd_decoded *decoded;
    open_rig(&rig);
    const struct bd_program_header *h = rig.program.header;
    cr_assert_eq(bd_decode(&rig.program, &decoded, &err), BD_OK);
    uint8_t *store = bd_xmalloc(h->store_bytes);
    struct bd_frame_cost *cost = bd_xcalloc(1, sizeof *cost);
    for (unsigned s = 0; s < h->switch_count; s++) {
        struct bd_frame frame;
        struct bd_device_counters counters;
        int32_t *logits = bd_xcalloc(h->classes, sizeof *logits);
        cr_assert_eq(bd_execute(&rig.program, decoded, s, rig.image, &frame, &err), BD_OK);
        cr_assert_eq(bd_cost_frame(&rig.program, &rig.hardware, s, true, cost, &err), BD_OK);
        cr_assert_eq(bd_device_store_layers(&rig.device, true, rig.store), BD_DEVICE_OK);
        cr_assert_eq(bd_device_set_precision(&rig.device, s), BD_DEVICE_OK);
        cr_assert_eq(bd_device_start(&rig.device, rig.input, rig.output, NULL), BD_DEVICE_OK);
        cr_assert_eq(bd_device_wait(&rig.device, 1000, NULL), BD_DEVICE_OK);
        cr_assert_eq(bd_device_read_result(&rig.device, rig.output, logits, h->classes), BD_DEVICE_OK);
        cr_assert_eq(memcmp(logits, frame.logits, h->classes * 4), 0);
        cr_assert_eq(bd_device_read_counters(&rig.device, &counters), BD_DEVICE_OK);
        uint64_t bytes;
        const struct bd_load_descriptor *parts = bd_program_load_descriptor(&rig.program);
        const uint64_t load = s == 0 ? bd_cost_load(h, parts, &rig.hardware.memory, &bytes) : 0;
        cr_assert_eq(counters.total, cost->cycles + load); /* the first frame loads the program */
        cr_assert_eq(counters.weight_stall, cost->weight_stall + load);
        cr_assert_eq(counters.total, counters.compute + counters.weight_stall + counters.input_stall +
                                         counters.output_stall + counters.overhead);
        cr_assert_eq(rig.platform.ops->read_memory(rig.platform.self, rig.store, store, h->store_bytes, &err), BD_OK);
        for (unsigned l = 0; l < h->layer_count; l++) {
            struct bd_layer_output found;
            const struct bd_layer_output *expected = &frame.outputs[l];
            size_t count = (size_t)expected->height * (size_t)expected->width * (size_t)expected->channels;
            bd_store_unpack(&rig.program, s, l, store, &found);
            cr_assert(found.codes || found.z);
            cr_assert(!found.codes || memcmp(found.codes, expected->codes, count) == 0, "layer %u", l);
            cr_assert(!found.z || memcmp(found.z, expected->z, count * 4) == 0, "layer %u", l);
            free(found.codes);
            free(found.z);
        }
        bd_frame_release(&frame);
        free(logits);
    }
    free(cost);
    free(store);
    bd_decoded_free(decoded);
    close_rig(&rig);
}

Test(transport, the_model_reports_every_error_of_the_map)
{
    struct rig rig;
    struct bd_error err;
    open_rig(&rig);
    void *self = rig.platform.self;
    /* PRECISION out of range: written behind the driver's back. */
    cr_assert_eq(rig.platform.ops->write_register(self, BITDIAL_PRECISION_REG, 99, &err), BD_OK);
    cr_assert_eq(bd_device_start(&rig.device, rig.input, rig.output, NULL), BD_DEVICE_OK);
    cr_assert_eq(bd_device_wait(&rig.device, 100, NULL), BD_DEVICE_BAD_SWITCH);
    cr_assert_eq(bd_device_set_precision(&rig.device, 0), BD_DEVICE_OK);
    /* An image outside memory. */
    cr_assert_eq(bd_device_start(&rig.device, 64, rig.output, NULL), BD_DEVICE_OK);
    cr_assert_eq(bd_device_wait(&rig.device, 100, NULL), BD_DEVICE_BUS_ERROR);
    /* A result into the sealed program. */
    cr_assert_eq(rig.platform.ops->region(self, BD_WRITE_PROGRAM, rig.platform.memory_base, rig.program.size, &err),
                 BD_OK);
    cr_assert_eq(rig.platform.ops->seal(self, true, &err), BD_OK);
    cr_assert_eq(bd_device_start(&rig.device, rig.input, rig.platform.memory_base, NULL), BD_DEVICE_OK);
    cr_assert_eq(bd_device_wait(&rig.device, 100, NULL), BD_DEVICE_BUS_ERROR);
    /* A queue that overflows: three frames by the driver, a fourth by hand. */
    for (unsigned i = 0; i < BD_DEVICE_IN_FLIGHT; i++) {
        cr_assert_eq(bd_device_start(&rig.device, rig.input, rig.output, NULL), BD_DEVICE_OK);
    }
    cr_assert_eq(rig.platform.ops->write_register(self, BITDIAL_DOORBELL_REG, 1, &err), BD_OK);
    cr_assert_eq(bd_device_wait(&rig.device, 100, NULL), BD_DEVICE_QUEUE_FULL);
    /* A descriptor that lies. */
    uint64_t address = rig.platform.memory_base + rig.program.header->descriptor_offset;
    cr_assert_eq(rig.platform.ops->flip_bit(self, address, 6, &err), BD_OK);
    cr_assert_eq(bd_device_start(&rig.device, rig.input, rig.output, NULL), BD_DEVICE_OK);
    cr_assert_eq(bd_device_wait(&rig.device, 100, NULL), BD_DEVICE_BAD_DESCRIPTOR);
    cr_assert_eq(rig.platform.ops->flip_bit(self, address, 6, &err), BD_OK);
    /* A memory that is slower than the watchdog bears. */
    const struct bd_memory_model slow = {.latency = 20000, .beat_interval = 1, .outstanding = 4};
    cr_assert_eq(rig.platform.ops->set_memory(self, &slow, &err), BD_OK);
    for (int limit = 19999; limit <= 20000; limit++) {
        cr_assert_eq(rig.platform.ops->write_register(self, BITDIAL_WATCHDOG_LIMIT_REG, (uint32_t)limit, &err), BD_OK);
        cr_assert_eq(bd_device_start(&rig.device, rig.input, rig.output, NULL), BD_DEVICE_OK);
        cr_assert_eq(bd_device_wait(&rig.device, 100, NULL), limit < 20000 ? BD_DEVICE_WATCHDOG : BD_DEVICE_OK);
    }
    /* And it still works. */
    cr_assert_eq(bd_device_start(&rig.device, rig.input, rig.output, NULL), BD_DEVICE_OK);
    cr_assert_eq(bd_device_wait(&rig.device, 100, NULL), BD_DEVICE_OK);
    close_rig(&rig);
}

/* Results wait, each for its own acknowledgement; a doorbell whose result would find no place is refused. */
Test(transport, the_model_keeps_results_until_they_are_acknowledged)
{
    struct rig rig;
    struct bd_error err;
    bool raised;
    uint32_t value;
    open_rig(&rig);
    void *self = rig.platform.self;
    const struct bd_platform_ops *ops = rig.platform.ops;
    for (uint32_t i = 0; i < 3; i++) {
        cr_assert_eq(bd_device_start(&rig.device, rig.input, rig.output, NULL), BD_DEVICE_OK);
        cr_assert_eq(ops->wait_irq(self, 100, 0, &raised, &err), BD_OK); /* the first alone: then the line is high */
    }
    cr_assert_eq(ops->write_register(self, BITDIAL_IRQ_ENABLE_REG, 0, &err), BD_OK);
    cr_assert_eq(ops->wait_irq(self, 100, 0, &raised, &err), BD_OK);
    cr_assert_eq(ops->read_register(self, BITDIAL_STATUS_REG, &value, &err), BD_OK);
    cr_assert_eq(value, 3u << BITDIAL_STATUS_RESULT_LEVEL_SHIFT);
    cr_assert_eq(ops->write_register(self, BITDIAL_DOORBELL_REG, 1, &err), BD_OK);
    cr_assert_eq(ops->read_register(self, BITDIAL_STATUS_REG, &value, &err), BD_OK);
    cr_assert_eq((value & BITDIAL_STATUS_ERROR_MASK) >> BITDIAL_STATUS_ERROR_SHIFT, BITDIAL_ERROR_QUEUE_FULL);
    cr_assert_eq(ops->write_register(self, BITDIAL_IRQ_STATUS_REG, BITDIAL_IRQ_STATUS_ERROR_MASK, &err), BD_OK);
    for (uint32_t i = 1; i <= 3; i++) {
        cr_assert_eq(ops->read_register(self, BITDIAL_IRQ_STATUS_REG, &value, &err), BD_OK);
        cr_assert_eq(value, BITDIAL_IRQ_STATUS_DONE_MASK);
        cr_assert_eq(ops->write_register(self, BITDIAL_IRQ_STATUS_REG, BITDIAL_IRQ_STATUS_DONE_MASK, &err), BD_OK);
        cr_assert_eq(ops->read_register(self, BITDIAL_DONE_TAG_REG, &value, &err), BD_OK);
        cr_assert_eq(value, i);
    }
    cr_assert_eq(ops->read_register(self, BITDIAL_IRQ_STATUS_REG, &value, &err), BD_OK);
    cr_assert_eq(value, 0);
    close_rig(&rig);
}

Test(transport, a_frame_keeps_what_its_doorbell_latched)
{
    struct rig rig;
    struct bd_error err;
    open_rig(&rig);
    uint32_t last = rig.program.header->switch_count - 1;
    struct bd_device_frame done;
    int32_t value;
    cr_assert_gt(last, 0);
    cr_assert_eq(bd_device_set_precision(&rig.device, last), BD_DEVICE_OK);
    cr_assert_eq(bd_device_start(&rig.device, rig.input, rig.output, NULL), BD_DEVICE_OK);
    cr_assert_eq(bd_device_start(&rig.device, rig.input, rig.output + 4096, NULL), BD_DEVICE_OK);
    /* Everything changes while the two wait. */
    static const uint32_t latched[] = {
        BITDIAL_PROGRAM_ADDR_LO_REG, BITDIAL_PROGRAM_ADDR_HI_REG,
        BITDIAL_DESC_OFFSET_REG,     BITDIAL_SWITCH_STRIDE_REG,
        BITDIAL_LAYER_COUNT_REG,     BITDIAL_SWITCH_COUNT_REG,
        BITDIAL_STORE_ADDR_LO_REG,   BITDIAL_STORE_ADDR_HI_REG,
        BITDIAL_INPUT_ADDR_LO_REG,   BITDIAL_INPUT_ADDR_HI_REG,
        BITDIAL_OUTPUT_ADDR_LO_REG,  BITDIAL_OUTPUT_ADDR_HI_REG,
        BITDIAL_PRECISION_REG,       BITDIAL_TAG_REG,
    };
    for (size_t i = 0; i < sizeof latched / sizeof *latched; i++) {
        cr_assert_eq(rig.platform.ops->write_register(rig.platform.self, latched[i], 1234, &err), BD_OK);
    }
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(bd_device_wait(&rig.device, 100, &done), BD_DEVICE_OK);
        cr_assert_eq(done.switch_index, last);
        cr_assert_eq(done.tag, (uint32_t)i + 1);
    }
    int32_t second;
    cr_assert_eq(bd_device_read_result(&rig.device, rig.output, &value, 1), BD_DEVICE_OK);
    cr_assert_eq(bd_device_read_result(&rig.device, rig.output + 4096, &second, 1), BD_DEVICE_OK);
    cr_assert_eq(value, second);
    cr_assert_neq(value, 0);
    close_rig(&rig);
}
