/* The framed protocol: encoding, refusals, the server and the client end to end over sockets and pipes, device
 * processes that die or hang, and the guard. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "model/core/memory.h"
#include "sw/driver/bitdial_regs.h"
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
