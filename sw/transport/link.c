#include "sw/transport/link.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "model/core/memory.h"
#include "sw/transport/watch.h"

enum { CHILD_FD = 3, CLOSE_MS = 60000 };

struct link {
    struct bd_channel channel;
    char *name;
    pid_t child; /* 0: none, or ended */
    struct bd_watch watch;
    uint32_t sequence;
    bool broken; /* nothing more is sent */
    uint8_t *window;
    uint64_t window_bytes;
};

static void nap_ms(long milliseconds)
{
    struct timespec nap = {.tv_nsec = milliseconds * 1000000};
    nanosleep(&nap, NULL);
}

/* Waits for the child's end, and kills it when that takes too long. Returns its wait status. */
static int reap(struct link *link, int milliseconds)
{
    int status = 0;
    for (int waited = 0; waitpid(link->child, &status, WNOHANG) == 0; waited += 5) {
        if (waited >= milliseconds) {
            kill(link->child, SIGKILL);
            waitpid(link->child, &status, 0);
            break;
        }
        nap_ms(5);
    }
    link->child = 0;
    return status;
}

/* The channel ended in the middle of a request: says how the process ended. */
static bd_status tell_end(struct link *link, unsigned request, struct bd_error *err)
{
    link->broken = true;
    if (link->child == 0) {
        return bd_fail(err, BD_INFRA, "device '%s' closed the channel during %s", link->name, bd_request_name(request));
    }
    int status = reap(link, CLOSE_MS);
    if (WIFSIGNALED(status)) {
        return bd_fail(err, BD_INFRA, "device process '%s' was ended by signal %d (%s) during %s", link->name,
                       WTERMSIG(status), strsignal(WTERMSIG(status)), bd_request_name(request));
    }
    return bd_fail(err, BD_INFRA, "device process '%s' exited with %d during %s", link->name, WEXITSTATUS(status),
                   bd_request_name(request));
}

static bd_status check_reply(struct link *link, const struct bd_message *request, const struct bd_message *reply,
                             struct bd_error *err)
{
    if (reply->status == BD_REPLY_OK && (reply->sequence != request->sequence || reply->op != request->op)) {
        link->broken = true;
        return bd_fail(err, BD_INFRA, "device '%s' answered frame %u (%s) with frame %u (%s)", link->name,
                       request->sequence, bd_request_name(request->op), reply->sequence, bd_request_name(reply->op));
    }
    if (reply->status != BD_REPLY_OK) {
        return bd_fail(err, reply->status == BD_REPLY_VIOLATION ? BD_FAIL : BD_BAD_INPUT, "device '%s': %s: %.*s",
                       link->name, bd_request_name(request->op), (int)reply->size, (const char *)reply->payload);
    }
    return BD_OK;
}

struct request {
    unsigned op;
    const uint64_t *words;
    int count;
    const void *body;
    size_t body_size;
    uint64_t milliseconds; /* that the request itself may take */
    void *result;
    size_t result_size;
};

/* Sends a request and takes its reply, whose payload must have exactly result_size bytes. */
static bd_status ask(struct link *link, const struct request *request, struct bd_error *err)
{
    if (link->broken) {
        return bd_fail(err, BD_INFRA, "device '%s' is gone", link->name);
    }
    struct bd_message message = {.sequence = ++link->sequence, .op = (uint16_t)request->op}, reply;
    uint8_t head[3 * 8];
    for (int i = 0; i < request->count; i++) {
        bd_put_u64(head + 8 * i, request->words[i]);
    }
    if (bd_channel_send(&link->channel, &message, head, 8 * (size_t)request->count, request->body, request->body_size,
                        -1, err) != BD_OK) {
        return tell_end(link, request->op, err);
    }
    switch (bd_watch_reply(&link->watch, &link->channel, &message, request->milliseconds, &reply, err)) {
    case BD_RECEIVED_FRAME:
        break;
    case BD_RECEIVED_END:
        return tell_end(link, request->op, err);
    case BD_RECEIVED_TIMEOUT:
        link->broken = true;
        return err->status;
    default:
        link->broken = true;
        err->status = BD_INFRA;
        return bd_fail_prefix(err, "device '%s': reply to %s", link->name, bd_request_name(request->op));
    }
    bd_status status = check_reply(link, &message, &reply, err);
    if (status != BD_OK) {
        return status;
    }
    if (reply.size != request->result_size) {
        link->broken = true;
        return bd_fail(err, BD_INFRA, "device '%s' answered %s with %u bytes, not %zu", link->name,
                       bd_request_name(request->op), reply.size, request->result_size);
    }
    if (reply.size) {
        memcpy(request->result, reply.payload, reply.size);
    }
    return BD_OK;
}

/* A request of numbers alone. */
static bd_status ask_words(struct link *link, unsigned op, const uint64_t *words, int count, struct bd_error *err)
{
    return ask(link, &(struct request){.op = op, .words = words, .count = count}, err);
}

static bd_status read_register(void *self, uint32_t offset, uint32_t *value, struct bd_error *err)
{
    uint64_t word = offset, result = 0;
    bd_status status = ask(self,
                           &(struct request){.op = BD_REQUEST_READ_REGISTER,
                                             .words = &word,
                                             .count = 1,
                                             .result = &result,
                                             .result_size = sizeof result},
                           err);
    *value = (uint32_t)result;
    return status;
}

static bd_status write_register(void *self, uint32_t offset, uint32_t value, struct bd_error *err)
{
    return ask_words(self, BD_REQUEST_WRITE_REGISTER, (const uint64_t[]){offset, value}, 2, err);
}

static bd_status read_memory(void *self, uint64_t address, void *data, uint64_t size, struct bd_error *err)
{
    struct link *link = self;
    uint8_t *to = data;
    uint64_t limit = link->window ? link->window_bytes : BD_FRAME_PAYLOAD;
    bd_status status = BD_OK;
    for (uint64_t at = 0, part; at < size && status == BD_OK; at += part) {
        part = size - at < limit ? size - at : limit;
        if (link->window) {
            status = ask_words(link, BD_REQUEST_READ_SHARED, (const uint64_t[]){address + at, part, 0}, 3, err);
            if (status == BD_OK) {
                memcpy(to + at, link->window, part);
            }
        } else {
            status = ask(link,
                         &(struct request){.op = BD_REQUEST_READ_MEMORY,
                                           .words = (const uint64_t[]){address + at, part},
                                           .count = 2,
                                           .result = to + at,
                                           .result_size = part},
                         err);
        }
    }
    return status;
}

static bd_status write_memory(void *self, uint64_t address, const void *data, uint64_t size, struct bd_error *err)
{
    struct link *link = self;
    const uint8_t *from = data;
    uint64_t limit = link->window ? link->window_bytes : BD_FRAME_PAYLOAD - 8;
    bd_status status = BD_OK;
    for (uint64_t at = 0, part; at < size && status == BD_OK; at += part) {
        part = size - at < limit ? size - at : limit;
        uint64_t words[] = {address + at, part, 0};
        if (link->window) {
            memcpy(link->window, from + at, part);
            status = ask_words(link, BD_REQUEST_WRITE_SHARED, words, 3, err);
        } else {
            status = ask(
                link,
                &(struct request){
                    .op = BD_REQUEST_WRITE_MEMORY, .words = words, .count = 1, .body = from + at, .body_size = part},
                err);
        }
    }
    return status;
}

static bd_status wait_irq(void *self, uint64_t milliseconds, uint64_t clocks, bool *raised, struct bd_error *err)
{
    uint64_t result = 0;
    bd_status status = ask(self,
                           &(struct request){.op = BD_REQUEST_WAIT_IRQ,
                                             .words = (const uint64_t[]){milliseconds, clocks},
                                             .count = 2,
                                             .milliseconds = milliseconds,
                                             .result = &result,
                                             .result_size = sizeof result},
                           err);
    *raised = result != 0;
    return status;
}

static bd_status statistics(void *self, struct bd_statistics *statistics, struct bd_error *err)
{
    return ask(self,
               &(struct request){.op = BD_REQUEST_STATISTICS, .result = statistics, .result_size = sizeof *statistics},
               err);
}

static bd_status set_memory(void *self, const struct bd_memory_model *memory, struct bd_error *err)
{
    const uint64_t words[] = {(uint64_t)memory->latency, (uint64_t)memory->beat_interval,
                              (uint64_t)memory->outstanding};
    return ask_words(self, BD_REQUEST_SET_MEMORY, words, 3, err);
}

static bd_status set_stalls(void *self, uint64_t seed, uint64_t chance, struct bd_error *err)
{
    return ask_words(self, BD_REQUEST_SET_STALLS, (const uint64_t[]){seed, chance}, 2, err);
}

static bd_status region(void *self, enum bd_write_class kind, uint64_t address, uint64_t size, struct bd_error *err)
{
    return ask_words(self, BD_REQUEST_REGION, (const uint64_t[]){kind, address, size}, 3, err);
}

static bd_status seal(void *self, bool sealed, struct bd_error *err)
{
    return ask_words(self, BD_REQUEST_SEAL, (const uint64_t[]){sealed}, 1, err);
}

static bd_status flip_bit(void *self, uint64_t address, unsigned bit, struct bd_error *err)
{
    return ask_words(self, BD_REQUEST_FLIP_BIT, (const uint64_t[]){address, bit}, 2, err);
}

static bd_status close_link(void *self, struct bd_error *err)
{
    struct link *link = self;
    bd_status status = BD_OK;
    bool was_broken = link->broken;
    if (!was_broken) {
        status = ask_words(link, BD_REQUEST_QUIT, NULL, 0, err);
    }
    close(link->channel.in);
    if (link->channel.out != link->channel.in) {
        close(link->channel.out);
    }
    if (link->child) {
        int code = reap(link, was_broken ? 0 : CLOSE_MS);
        if (status == BD_OK && !was_broken && code != 0) {
            status = bd_fail(err, BD_INFRA, "device process '%s' ended badly (wait status 0x%x)", link->name,
                             (unsigned)code);
        }
    }
    if (link->window) {
        munmap(link->window, link->window_bytes);
    }
    if (link->channel.received_fd >= 0) {
        close(link->channel.received_fd);
    }
    free(link->name);
    free(link);
    return status;
}

static const struct bd_platform_ops link_ops = {
    .read_register = read_register,
    .write_register = write_register,
    .read_memory = read_memory,
    .write_memory = write_memory,
    .wait_irq = wait_irq,
    .statistics = statistics,
    .set_memory = set_memory,
    .set_stalls = set_stalls,
    .region = region,
    .seal = seal,
    .flip_bit = flip_bit,
    .close = close_link,
};

static bd_status map_window(struct link *link, uint64_t bytes, struct bd_error *err)
{
    void *at = link->channel.received_fd < 0
                   ? MAP_FAILED
                   : mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, link->channel.received_fd, 0);
    if (at == MAP_FAILED) {
        return bd_fail(err, BD_INFRA, "device '%s' announced a shared window that cannot be mapped", link->name);
    }
    link->window = at;
    link->window_bytes = bytes;
    return BD_OK;
}

bd_status bd_link_open(struct bd_platform *platform, int in, int out, const struct bd_link_options *options,
                       struct bd_error *err)
{
    struct link *link = bd_xcalloc(1, sizeof *link);
    bd_channel_init(&link->channel, in, out);
    link->name = bd_xstrdup(options->name);
    link->child = options->child;
    link->watch = (struct bd_watch){.name = link->name,
                                    .child = options->child,
                                    .reply_ms = options->reply_ms ? options->reply_ms : BD_LINK_REPLY_MS,
                                    .notice_ms = options->notice_ms ? options->notice_ms : BD_WATCH_NOTICE_MS,
                                    .notice = options->notice,
                                    .context = options->context};
    struct bd_hello_reply hello = {0};
    bd_status status = ask(link,
                           &(struct request){.op = BD_REQUEST_HELLO,
                                             .words = (const uint64_t[]){BD_PROTOCOL_VERSION, options->shared},
                                             .count = 2,
                                             .result = &hello,
                                             .result_size = sizeof hello},
                           err);
    if (status == BD_OK && hello.version != BD_PROTOCOL_VERSION) {
        status = bd_fail(err, BD_INFRA, "device '%s' speaks protocol version %" PRIu64 ", not %u", link->name,
                         hello.version, BD_PROTOCOL_VERSION);
    }
    if (status == BD_OK && hello.shared_bytes > 0) {
        status = map_window(link, hello.shared_bytes, err);
    }
    if (status != BD_OK) {
        struct bd_error ignored;
        link->broken = true;
        (void)!close_link(link, &ignored);
        return status;
    }
    *platform = (struct bd_platform){
        .ops = &link_ops, .self = link, .memory_base = hello.memory_base, .memory_bytes = hello.memory_bytes};
    memcpy(platform->target, hello.target, sizeof platform->target - 1);
    return BD_OK;
}

static void become_device(char *const *argv, int fd, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(BD_INFRA); /* the parent died before the line above */
    }
    if (fd == CHILD_FD) {
        fcntl(fd, F_SETFD, 0);
    } else {
        dup2(fd, CHILD_FD);
    }
    dup2(STDERR_FILENO, STDOUT_FILENO);
    execv(argv[0], argv);
    _exit(127);
}

bd_status bd_link_spawn(struct bd_platform *platform, char *const *argv, const struct bd_link_options *options,
                        struct bd_error *err)
{
    int pair[2];
    if (access(argv[0], X_OK) != 0) {
        return bd_fail(err, BD_INFRA, "cannot run the device process '%s': %s", argv[0], strerror(errno));
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        return bd_fail(err, BD_INFRA, "cannot make a socket pair: %s", strerror(errno));
    }
    pid_t parent = getpid(), child = fork();
    if (child == 0) {
        become_device(argv, pair[1], parent);
    }
    close(pair[1]);
    if (child < 0) {
        close(pair[0]);
        return bd_fail(err, BD_INFRA, "cannot start '%s': %s", argv[0], strerror(errno));
    }
    struct bd_link_options own = *options;
    own.name = argv[0];
    own.child = child;
    return bd_link_open(platform, pair[0], pair[0], &own, err);
}

bool bd_link_is_shared(const struct bd_platform *platform)
{
    return platform->ops == &link_ops && ((const struct link *)platform->self)->window;
}
