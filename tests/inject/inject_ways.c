/* Ways to a device in which a fault may strike. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "model/core/memory.h"
#include "sw/transport/link.h"
#include "sw/transport/ref.h"
#include "sw/transport/serial.h"
#include "sw/transport/server.h"
#include "tests/inject/inject.h"

enum { REPLY_MS = 2000, LINK_MS = 30000, BAUD = 3000000 };

/* The device process that this one has started. */
static pid_t find_child(void)
{
    char path[64];
    int child = 0;
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    FILE *file = fopen(path, "r");
    if (file) {
        if (fscanf(file, "%d", &child) != 1) {
            child = 0;
        }
        fclose(file);
    }
    return child;
}

/* The RTL in its platform, with a fault at the pins (sim/platform/pin_faults.h). */
bd_status inject_open_pins(struct injection *in, const char *fault, struct bd_error *err)
{
    char *argv[] = {(char *)inject_platform, "--target", "rtl",         "--hardware",
                    INJECT_HARDWARE,         "--pins",   (char *)fault, NULL};
    const struct bd_link_options options = {.shared = true, .reply_ms = LINK_MS};
    snprintf(in->fault, sizeof in->fault, "%s", fault);
    bd_status status = bd_link_spawn(&in->session.platform, argv, &options, err);
    in->child = find_child();
    return status;
}

/* The RTL behind its serial bridge, with a line that is disturbed (sim/board/board.cpp). */
bd_status inject_open_board(struct injection *in, char *const *options, struct bd_error *err)
{
    char *argv[12] = {(char *)inject_board, INJECT_HARDWARE};
    int line[2], n = 2;
    size_t have = 0;
    for (; options[n - 2]; n++) {
        argv[n] = options[n - 2];
        const size_t used = strlen(in->fault);
        snprintf(in->fault + used, sizeof in->fault - used, "%s%s", used ? " " : "", argv[n]);
    }
    if (pipe(line) != 0) {
        return bd_fail(err, BD_INFRA, "no pipe: %s", strerror(errno));
    }
    in->child = fork();
    if (in->child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(line[1], STDOUT_FILENO);
        const int nothing = open("/dev/null", O_WRONLY);
        dup2(nothing, STDERR_FILENO);
        execv(argv[0], argv);
        _exit(127);
    }
    close(line[1]);
    while (have + 1 < sizeof in->path) {
        const ssize_t got = read(line[0], in->path + have, 1);
        if (got <= 0 || in->path[have] == '\n') {
            break;
        }
        have++;
    }
    in->path[have] = '\0';
    close(line[0]);
    return have ? inject_connect_board(in, err) : bd_fail(err, BD_INFRA, "the board '%s' does not start", inject_board);
}

bd_status inject_connect_board(struct injection *in, struct bd_error *err)
{
    const struct bd_serial_options options = {.path = in->path, .baud = BAUD, .silence_ms = in->silence_ms};
    return bd_serial_open(&in->session.platform, &options, err);
}

void inject_end_board(struct injection *in)
{
    if (in->child > 0 && in->path[0]) {
        kill(in->child, SIGKILL);
        waitpid(in->child, NULL, 0);
    }
}

/* The reference behind the framed protocol, and somebody in the middle who harms one byte of what passes. */
struct middle {
    struct bd_platform ref;
    int what, server[2], host[2]; /* socket pairs: [0] is the middle's end */
    int direction;                /* 0 to the device, 1 from it */
    uint64_t at, passed[2];       /* the byte that is harmed; bytes that have passed */
    struct bd_error err;
};

static void *serve_reference(void *context)
{
    struct middle *m = context;
    (void)!bd_serve(&m->ref, m->server[1], m->server[1], false, &m->err);
    close(m->server[1]);
    return NULL;
}

/* Passes what one side sends to the other; false at the end. */
static bool pass(struct middle *m, int direction, int from, int to)
{
    uint8_t bytes[4096], out[2 * sizeof bytes];
    const ssize_t got = read(from, bytes, sizeof bytes);
    size_t n = 0;
    bool cut = false;
    for (ssize_t i = 0; i < got && !cut; i++) {
        const bool hit = direction == m->direction && m->passed[direction]++ == m->at;
        cut = hit && m->what == 't';
        if (!(hit && (m->what == 'l' || cut))) {
            out[n++] = (uint8_t)(bytes[i] ^ (hit && m->what == 'c' ? 0x10 : 0));
        }
        if (hit && m->what == 'd') {
            out[n++] = bytes[i];
        }
    }
    return got > 0 && send(to, out, n, MSG_NOSIGNAL) == (ssize_t)n && !cut;
}

static void *stand_between(void *context)
{
    struct middle *m = context;
    struct pollfd wait[2] = {{m->host[0], POLLIN, 0}, {m->server[0], POLLIN, 0}};
    while (poll(wait, 2, -1) > 0) {
        if (wait[0].revents && !pass(m, 0, m->host[0], m->server[0])) {
            break;
        }
        if (wait[1].revents && !pass(m, 1, m->server[0], m->host[0])) {
            break;
        }
    }
    close(m->host[0]);
    close(m->server[0]);
    return NULL;
}

bd_status inject_open_middle(struct injection *in, int what, struct bd_error *err)
{
    struct middle *m = bd_xcalloc(1, sizeof *m);
    pthread_t server, between;
    m->what = what;
    m->direction = (int)inject_below(in, 2);
    m->at = inject_below(in, m->direction ? 6000 : 6000 + in->program.size);
    snprintf(in->fault, sizeof in->fault, "%s byte %" PRIu64 " %s the device",
             what == 'c'   ? "changed"
             : what == 'l' ? "lost"
             : what == 'd' ? "doubled"
                           : "cut at",
             m->at, m->direction ? "from" : "to");
    bd_ref_open(&m->ref, &in->hardware);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, m->server) != 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, m->host) != 0 ||
        pthread_create(&server, NULL, serve_reference, m) != 0 ||
        pthread_create(&between, NULL, stand_between, m) != 0) {
        return bd_fail(err, BD_INFRA, "no middle: %s", strerror(errno));
    }
    in->self = m;
    const struct bd_link_options options = {.name = "served", .reply_ms = REPLY_MS};
    return bd_link_open(&in->session.platform, m->host[1], m->host[1], &options, err);
}

/* The reference, one of whose registers tells another value: as of another bitstream. */
struct registers {
    struct bd_platform inner;
    uint32_t offset, change;
    bool harms; /* a bit of all that is read from memory */
};

static bd_status read_register(void *self, uint32_t offset, uint32_t *value, struct bd_error *err)
{
    const struct registers *r = self;
    bd_status status = r->inner.ops->read_register(r->inner.self, offset, value, err);
    *value ^= offset == r->offset ? r->change : 0;
    return status;
}
static bd_status write_register(void *self, uint32_t offset, uint32_t value, struct bd_error *err)
{
    const struct registers *r = self;
    return r->inner.ops->write_register(r->inner.self, offset, value, err);
}
static bd_status read_memory(void *self, uint64_t address, void *data, uint64_t size, struct bd_error *err)
{
    const struct registers *r = self;
    bd_status status = r->inner.ops->read_memory(r->inner.self, address, data, size, err);
    *(uint8_t *)data ^= r->harms;
    return status;
}
static bd_status write_memory(void *self, uint64_t address, const void *data, uint64_t size, struct bd_error *err)
{
    const struct registers *r = self;
    return r->inner.ops->write_memory(r->inner.self, address, data, size, err);
}
static bd_status wait_irq(void *self, uint64_t milliseconds, uint64_t clocks, bool *raised, struct bd_error *err)
{
    const struct registers *r = self;
    return r->inner.ops->wait_irq(r->inner.self, milliseconds, clocks, raised, err);
}
static bd_status region(void *self, enum bd_write_class kind, uint64_t address, uint64_t size, struct bd_error *err)
{
    const struct registers *r = self;
    return r->inner.ops->region(r->inner.self, kind, address, size, err);
}
static bd_status seal(void *self, bool sealed, struct bd_error *err)
{
    const struct registers *r = self;
    return r->inner.ops->seal(r->inner.self, sealed, err);
}
static bd_status close_registers(void *self, struct bd_error *err)
{
    struct registers *r = self;
    bd_status status = r->inner.ops->close(r->inner.self, err);
    free(r);
    return status;
}

bd_status inject_open_registers(struct injection *in, uint32_t offset, uint32_t change, struct bd_error *err)
{
    static const struct bd_platform_ops ops = {.read_register = read_register,
                                               .write_register = write_register,
                                               .read_memory = read_memory,
                                               .write_memory = write_memory,
                                               .wait_irq = wait_irq,
                                               .region = region,
                                               .seal = seal,
                                               .close = close_registers};
    (void)err;
    struct registers *r = bd_xcalloc(1, sizeof *r);
    bd_ref_open(&r->inner, &in->hardware);
    r->offset = offset;
    r->change = change;
    in->session.platform = r->inner;
    in->session.platform.ops = &ops;
    in->session.platform.self = r;
    return BD_OK;
}

void inject_harm_memory(struct injection *in)
{
    ((struct registers *)in->session.platform.self)->harms = true;
}
