#include "sw/transport/server.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "model/core/memory.h"
#include "sw/transport/channel.h"

struct server {
    struct bd_platform *platform;
    struct bd_channel channel;
    bool allow_shared, greeted;
    int window_fd;
    uint8_t *window; /* BD_SHARED_WINDOW_BYTES, or NULL */
    uint8_t bytes[BD_FRAME_PAYLOAD];
};

struct reply { /* points to what lives until the reply is sent */
    const void *data;
    size_t size;
    int fd;
    uint64_t number;
    struct bd_hello_reply hello;
    struct bd_statistics statistics;
};

static bd_status open_window(struct server *server, struct bd_error *err)
{
    if (server->window) {
        return BD_OK;
    }
    server->window_fd = memfd_create("bitdial", MFD_CLOEXEC);
    if (server->window_fd < 0 || ftruncate(server->window_fd, BD_SHARED_WINDOW_BYTES) != 0) {
        return bd_fail(err, BD_INFRA, "cannot make a shared window: %s", strerror(errno));
    }
    void *at = mmap(NULL, BD_SHARED_WINDOW_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, server->window_fd, 0);
    if (at == MAP_FAILED) {
        return bd_fail(err, BD_INFRA, "cannot map the shared window: %s", strerror(errno));
    }
    server->window = at;
    return BD_OK;
}

static bd_status answer_hello(struct server *server, const uint64_t *word, struct reply *reply, struct bd_error *err)
{
    if (word[0] != BD_PROTOCOL_VERSION) {
        return bd_fail(err, BD_BAD_INPUT, "protocol version %" PRIu64 ", this side speaks %u", word[0],
                       BD_PROTOCOL_VERSION);
    }
    reply->hello = (struct bd_hello_reply){
        .version = BD_PROTOCOL_VERSION,
        .memory_base = server->platform->memory_base,
        .memory_bytes = server->platform->memory_bytes,
    };
    memcpy(reply->hello.target, server->platform->target, sizeof reply->hello.target);
    struct bd_error ignored; /* without a window the frames do all the work */
    if (word[1] && server->allow_shared && open_window(server, &ignored) == BD_OK) {
        reply->hello.shared_bytes = BD_SHARED_WINDOW_BYTES;
        reply->fd = server->window_fd;
    }
    server->greeted = true;
    reply->data = &reply->hello;
    reply->size = sizeof reply->hello;
    return BD_OK;
}

/* The part of the window that a shared transfer names. */
static bd_status find_part(const struct server *server, uint64_t size, uint64_t offset, uint8_t **part,
                           struct bd_error *err)
{
    if (!server->window || offset > BD_SHARED_WINDOW_BYTES || size > BD_SHARED_WINDOW_BYTES - offset) {
        return bd_fail(err, BD_BAD_INPUT, "no shared window holds %" PRIu64 " bytes at %" PRIu64, size, offset);
    }
    *part = server->window + offset;
    return BD_OK;
}

/* How many u64 lead each request's payload; bytes may follow those of WRITE_MEMORY alone. */
static int words_of(unsigned request)
{
    switch (request) {
    case BD_REQUEST_HELLO:
    case BD_REQUEST_WRITE_REGISTER:
    case BD_REQUEST_READ_MEMORY:
    case BD_REQUEST_WAIT_IRQ:
    case BD_REQUEST_SET_STALLS:
    case BD_REQUEST_FLIP_BIT:
        return 2;
    case BD_REQUEST_READ_REGISTER:
    case BD_REQUEST_WRITE_MEMORY:
    case BD_REQUEST_SEAL:
        return 1;
    case BD_REQUEST_READ_SHARED:
    case BD_REQUEST_WRITE_SHARED:
    case BD_REQUEST_SET_MEMORY:
    case BD_REQUEST_REGION:
        return 3;
    case BD_REQUEST_STATISTICS:
    case BD_REQUEST_QUIT:
        return 0;
    default:
        return -1;
    }
}

static bd_status answer(struct server *server, const struct bd_message *request, const uint64_t *word,
                        struct reply *reply, struct bd_error *err)
{
    const struct bd_platform_ops *ops = server->platform->ops;
    void *self = server->platform->self;
    uint8_t *part = NULL;
    uint32_t value;
    bool raised = false;
    bd_status status;
    switch (request->op) {
    case BD_REQUEST_HELLO:
        return answer_hello(server, word, reply, err);
    case BD_REQUEST_READ_REGISTER:
        status = ops->read_register(self, (uint32_t)word[0], &value, err);
        reply->number = status == BD_OK ? value : 0;
        reply->data = &reply->number;
        reply->size = sizeof reply->number;
        return status;
    case BD_REQUEST_WRITE_REGISTER:
        return ops->write_register(self, (uint32_t)word[0], (uint32_t)word[1], err);
    case BD_REQUEST_READ_MEMORY:
        if (word[1] > sizeof server->bytes) {
            return bd_fail(err, BD_BAD_INPUT, "%" PRIu64 " bytes do not fit a frame", word[1]);
        }
        reply->data = server->bytes;
        reply->size = word[1];
        return ops->read_memory(self, word[0], server->bytes, word[1], err);
    case BD_REQUEST_WRITE_MEMORY:
        return ops->write_memory(self, word[0], request->payload + 8, request->size - 8, err);
    case BD_REQUEST_READ_SHARED:
        status = find_part(server, word[1], word[2], &part, err);
        return status == BD_OK ? ops->read_memory(self, word[0], part, word[1], err) : status;
    case BD_REQUEST_WRITE_SHARED:
        status = find_part(server, word[1], word[2], &part, err);
        return status == BD_OK ? ops->write_memory(self, word[0], part, word[1], err) : status;
    case BD_REQUEST_WAIT_IRQ:
        status = ops->wait_irq(self, word[0], word[1], &raised, err);
        reply->number = status == BD_OK && raised;
        reply->data = &reply->number;
        reply->size = sizeof reply->number;
        return status;
    case BD_REQUEST_STATISTICS:
        reply->data = &reply->statistics;
        reply->size = sizeof reply->statistics;
        return ops->statistics(self, &reply->statistics, err);
    case BD_REQUEST_SET_MEMORY: {
        struct bd_memory_model memory = {(int64_t)word[0], (int64_t)word[1], (int64_t)word[2]};
        if (memory.latency < 1 || memory.beat_interval < 1 || memory.outstanding < 1) {
            return bd_fail(err, BD_BAD_INPUT, "latency, beat interval and outstanding are at least 1");
        }
        return ops->set_memory(self, &memory, err);
    }
    case BD_REQUEST_SET_STALLS:
        return ops->set_stalls(self, word[0], word[1], err);
    case BD_REQUEST_REGION:
        return ops->region(self, (enum bd_write_class)word[0], word[1], word[2], err);
    case BD_REQUEST_SEAL:
        return ops->seal(self, word[0] != 0, err);
    case BD_REQUEST_FLIP_BIT:
        return ops->flip_bit(self, word[0], (unsigned)word[1], err);
    default:
        return BD_OK; /* QUIT */
    }
}

static bd_status check_request(const struct server *server, const struct bd_message *request, uint64_t *word,
                               struct bd_error *err)
{
    int words = words_of(request->op);
    if (words < 0) {
        return bd_fail(err, BD_BAD_INPUT, "request %u is unknown", request->op);
    }
    uint32_t least = 8u * (unsigned)words;
    if (request->size < least || (request->size > least && request->op != BD_REQUEST_WRITE_MEMORY)) {
        return bd_fail(err, BD_BAD_INPUT, "%s has %u bytes of payload, not %u", bd_request_name(request->op),
                       request->size, least);
    }
    if (!server->greeted && request->op != BD_REQUEST_HELLO) {
        return bd_fail(err, BD_BAD_INPUT, "%s came before HELLO", bd_request_name(request->op));
    }
    for (int i = 0; i < words; i++) {
        word[i] = bd_get_u64(request->payload + 8 * i);
    }
    return BD_OK;
}

static bd_status send_reply(struct server *server, const struct bd_message *request, bd_status status,
                            struct reply *reply, const struct bd_error *why, struct bd_error *err)
{
    struct bd_message message = {.sequence = request->sequence, .op = request->op};
    if (status != BD_OK) {
        message.status = status == BD_FAIL ? BD_REPLY_VIOLATION : BD_REPLY_REFUSED;
        reply->data = why->message;
        reply->size = strlen(why->message);
        reply->fd = -1;
    }
    return bd_channel_send(&server->channel, &message, reply->data, reply->size, NULL, 0, reply->fd, err);
}

static bd_status serve(struct server *server, struct bd_error *err)
{
    for (;;) {
        struct bd_message request = {0};
        struct reply reply = {.fd = -1};
        struct bd_error why;
        uint64_t word[3] = {0};
        switch (bd_channel_receive(&server->channel, -1, &request, err)) {
        case BD_RECEIVED_FRAME:
            break;
        case BD_RECEIVED_MALFORMED:
            why = *err;
            return send_reply(server, &request, BD_BAD_INPUT, &reply, &why, err) == BD_OK ? (*err = why, why.status)
                                                                                          : err->status;
        default:
            return BD_OK;
        }
        bd_status status = check_request(server, &request, word, &why);
        if (status == BD_OK) {
            status = answer(server, &request, word, &reply, &why);
        }
        bd_status sent = send_reply(server, &request, status, &reply, &why, err);
        if (sent != BD_OK || request.op == BD_REQUEST_QUIT) {
            return sent;
        }
    }
}

bd_status bd_serve(struct bd_platform *platform, int in, int out, bool allow_shared, struct bd_error *err)
{
    struct server *server = bd_xcalloc(1, sizeof *server);
    server->platform = platform;
    server->allow_shared = allow_shared;
    server->window_fd = -1;
    bd_channel_init(&server->channel, in, out);
    bd_status status = serve(server, err);
    if (server->window) {
        munmap(server->window, BD_SHARED_WINDOW_BYTES);
    }
    if (server->window_fd >= 0) {
        close(server->window_fd);
    }
    free(server);
    return status;
}
