#include "sw/transport/serial.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "model/core/clock.h"
#include "model/core/memory.h"
#include "sw/transport/board.h"

enum {
    LATENCY_MS = 40,    /* of the operating system and the adapter, both ways */
    IRQ_MS = 200,       /* the bridge's longest wait for the interrupt, and more */
    LONGEST_MS = 1000,  /* between two sendings of a request */
    LEAST_PAYLOAD = 32, /* of a line that damages much */
    GOOD_FRAMES = 16,   /* after which frames grow again */
    PART_TRIES = 2,     /* sendings of a part of memory, after which smaller ones are tried */
    ROOM = 4096,
    FRAME = BD_FRAME_HEADER + BD_SERIAL_PAYLOAD + 8 + BD_FRAME_TRAILER,
};

struct serial {
    char *path;
    int fd;
    uint32_t baud, silence_ms, sequence;
    double latency_ms;      /* of answers beyond their bytes' own time, smoothed */
    unsigned payload, good; /* bytes of memory a frame; whole ones in a row */
    size_t have;
    uint8_t received[ROOM];
    struct bd_serial_counts counts;
};

struct request {
    unsigned op;
    const uint64_t *words;
    int count;
    const void *body;
    size_t body_size;
    void *result;
    size_t result_size;
    double deadline; /* 0: silence_ms from now on */
    unsigned tries;  /* sendings after which it is given up without an error; 0: no limit */
};

static double now_ms(void)
{
    return 1000 * bd_seconds(CLOCK_MONOTONIC);
}

static speed_t speed_of(uint32_t baud)
{
    static const struct {
        uint32_t baud;
        speed_t speed;
    } speeds[] = {
        {1200, B1200},       {2400, B2400},       {4800, B4800},       {9600, B9600},       {19200, B19200},
        {38400, B38400},     {57600, B57600},     {115200, B115200},   {230400, B230400},   {460800, B460800},
        {500000, B500000},   {576000, B576000},   {921600, B921600},   {1000000, B1000000}, {1152000, B1152000},
        {1500000, B1500000}, {2000000, B2000000}, {2500000, B2500000}, {3000000, B3000000}, {3500000, B3500000},
        {4000000, B4000000},
    };
    for (size_t i = 0; i < sizeof speeds / sizeof *speeds; i++) {
        if (speeds[i].baud == baud) {
            return speeds[i].speed;
        }
    }
    return B0;
}

static bd_status open_line(struct serial *s, struct bd_error *err)
{
    struct termios line;
    const speed_t speed = speed_of(s->baud);
    if (speed == B0) {
        return bd_fail(err, BD_BAD_INPUT, "serial lines have no speed of %u baud", s->baud);
    }
    s->fd = open(s->path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (s->fd < 0) {
        return bd_fail(err, BD_INFRA, "cannot open the serial line '%s': %s", s->path, strerror(errno));
    }
    if (tcgetattr(s->fd, &line) != 0) {
        return bd_fail(err, BD_BAD_INPUT, "'%s' is no serial line", s->path);
    }
    if (flock(s->fd, LOCK_EX | LOCK_NB) != 0) {
        return bd_fail(err, BD_INFRA, "another program holds the serial line '%s'", s->path);
    }
    cfmakeraw(&line);
    line.c_cflag &= ~(tcflag_t)(CSTOPB | CRTSCTS);
    line.c_cflag |= CLOCAL | CREAD;
    line.c_cc[VMIN] = line.c_cc[VTIME] = 0;
    if (cfsetispeed(&line, speed) != 0 || cfsetospeed(&line, speed) != 0 || tcsetattr(s->fd, TCSANOW, &line) != 0) {
        return bd_fail(err, BD_INFRA, "cannot set the serial line '%s' to %u baud: %s", s->path, s->baud,
                       strerror(errno));
    }
    tcflush(s->fd, TCIOFLUSH);
    return BD_OK;
}

static bd_status gone(const struct serial *s, unsigned op, struct bd_error *err)
{
    return bd_fail(err, BD_INFRA, "the serial line '%s' was closed during %s: the adapter may have been unplugged",
                   s->path, bd_request_name(op));
}

/* Sends all before `deadline`; what then is left unsent counts as lost. */
static bd_status send_bytes(struct serial *s, unsigned op, const uint8_t *bytes, size_t size, double deadline,
                            struct bd_error *err)
{
    for (size_t at = 0; at < size && now_ms() < deadline;) {
        const ssize_t sent = write(s->fd, bytes + at, size - at);
        if (sent > 0) {
            at += (size_t)sent;
        } else if (sent < 0 && errno == EAGAIN) {
            struct pollfd wait = {.fd = s->fd, .events = POLLOUT};
            poll(&wait, 1, LATENCY_MS);
        } else if (sent < 0 && errno != EINTR) {
            return gone(s, op, err);
        }
    }
    return BD_OK;
}

static void drop(struct serial *s, size_t bytes)
{
    s->have -= bytes;
    memmove(s->received, s->received + bytes, s->have);
}

enum found { FOUND_NOTHING, FOUND_REPLY, FOUND_DAMAGE };

/* Looks for the reply to the request under way in what has come; whatever is before it is dropped. The message points
 * into the buffer, and *used bytes are to be dropped when it was read. */
static enum found find_reply(struct serial *s, unsigned op, struct bd_message *reply, size_t *used)
{
    struct bd_error ignored;
    while (s->have >= BD_FRAME_HEADER) {
        const size_t length = bd_frame_length(s->received, &ignored);
        if (length == 0 || length > FRAME) {
            drop(s, 1); /* here no frame begins */
            continue;
        }
        if (s->have < length) {
            return FOUND_NOTHING;
        }
        if (bd_frame_parse(s->received, length, reply, &ignored) != BD_OK) {
            drop(s, BD_FRAME_TRAILER); /* the magic number, so that what follows is looked at */
            s->counts.damaged++;
            return FOUND_DAMAGE;
        }
        *used = length;
        if (reply->status == BD_REPLY_DAMAGED) {
            drop(s, length);
            s->counts.damaged++;
            return FOUND_DAMAGE;
        }
        if (reply->sequence == s->sequence && reply->op == op) {
            return FOUND_REPLY;
        }
        drop(s, length); /* of a request that was sent twice */
    }
    return FOUND_NOTHING;
}

/* Takes what comes until there is a reply or damage, or `until`. */
static enum found await(struct serial *s, unsigned op, double until, struct bd_message *reply, size_t *used,
                        bd_status *status, struct bd_error *err)
{
    *status = BD_OK;
    for (;;) {
        const enum found found = find_reply(s, op, reply, used);
        const double left = until - now_ms();
        if (found != FOUND_NOTHING || left <= 0) {
            return found;
        }
        struct pollfd wait = {.fd = s->fd, .events = POLLIN};
        const int ready = poll(&wait, 1, (int)left + 1);
        if (ready <= 0) {
            continue;
        }
        const ssize_t got = read(s->fd, s->received + s->have, sizeof s->received - s->have);
        if (got > 0) {
            s->have += (size_t)got;
        } else if ((got < 0 && errno != EAGAIN && errno != EINTR) || wait.revents & (POLLHUP | POLLERR | POLLNVAL)) {
            *status = gone(s, op, err);
            return FOUND_NOTHING;
        }
        if (s->have == sizeof s->received) {
            drop(s, sizeof s->received / 2); /* noise alone fills it */
        }
    }
}

/* What tells the bridge the speed: square waves of single bits, and a gap, so that the next start bit is the true one.
 */
static bd_status send_speed(struct serial *s, unsigned op, double deadline, struct bd_error *err)
{
    static const uint8_t preamble[] = {'U', 'U', 'U', 'U', 'U', 'U', 0xff, 0xff, 0xff};
    return send_bytes(s, op, preamble, sizeof preamble, deadline, err);
}

/* Takes note of how a frame fared: small frames where much is damaged, large ones where little is. */
static void adapt(struct serial *s, bool whole)
{
    s->good = whole ? s->good + 1 : 0;
    if (!whole && s->payload > LEAST_PAYLOAD) {
        s->payload /= 2;
    } else if (s->good == GOOD_FRAMES && s->payload < BD_SERIAL_PAYLOAD) {
        s->payload *= 2;
        s->good = 0;
    }
}

static bd_status take_reply(struct serial *s, const struct request *r, const struct bd_message *reply,
                            struct bd_error *err)
{
    if (reply->status != BD_REPLY_OK) {
        int length = (int)reply->size;
        while (length > 0 && reply->payload[length - 1] == ' ') {
            length--;
        }
        const uint64_t subject = r->count ? r->words[0] : 0;
        const bool silent = length == 6 && memcmp(reply->payload, "silent", 6) == 0;
        return bd_fail(err, silent ? BD_INFRA : BD_BAD_INPUT, "the board at '%s' refuses %s of 0x%" PRIx64 ": %.*s",
                       s->path, bd_request_name(r->op), subject, length, (const char *)reply->payload);
    }
    if (reply->size != r->result_size) {
        return bd_fail(err, BD_INFRA, "the board at '%s' answered %s with %u bytes, not %zu", s->path,
                       bd_request_name(r->op), reply->size, r->result_size);
    }
    if (reply->size) {
        memcpy(r->result, reply->payload, reply->size);
    }
    return BD_OK;
}

/* Sends a request until its answer is whole, at most silence_ms long. *whole, which may be NULL, tells whether it has
 * come. */
static bd_status ask(struct serial *s, const struct request *r, bool *whole, struct bd_error *err)
{
    uint8_t frame[FRAME], head[2 * 8];
    const struct bd_message message = {.sequence = ++s->sequence, .op = (uint16_t)r->op};
    for (int i = 0; i < r->count; i++) {
        bd_put_u64(head + 8 * i, r->words[i]);
    }
    const size_t size = bd_frame_encode(frame, &message, head, 8 * (size_t)r->count, r->body, r->body_size);
    const double bytes_ms = 1e4 / s->baud * (double)(size + BD_FRAME_HEADER + BD_FRAME_TRAILER + r->result_size);
    const double deadline = r->deadline > 0 ? r->deadline : now_ms() + s->silence_ms;
    double patience = 2 * bytes_ms + 4 * s->latency_ms + 2 + (r->op == BD_REQUEST_WAIT_IRQ ? IRQ_MS : 0);
    unsigned silent = 0, sent = 0;
    bd_status status = BD_OK;
    if (whole) {
        *whole = false;
    }
    while (now_ms() < deadline) {
        if (r->tries > 0 && sent == r->tries) {
            return BD_OK;
        }
        struct bd_message reply;
        size_t used = 0;
        if (r->op == BD_REQUEST_HELLO || silent >= 2) {
            status = send_speed(s, r->op, deadline, err);
        }
        status = status ? status : send_bytes(s, r->op, frame, size, deadline, err);
        if (status != BD_OK) {
            return status;
        }
        s->counts.repeated += sent++ > 0;
        const double asked = now_ms(), until = asked + patience < deadline ? asked + patience : deadline;
        const enum found found = await(s, r->op, until, &reply, &used, &status, err);
        if (status != BD_OK) {
            return status;
        }
        adapt(s, found == FOUND_REPLY);
        if (found == FOUND_REPLY) {
            const double late = now_ms() - asked - bytes_ms;
            s->latency_ms += ((late > 0 && r->op != BD_REQUEST_WAIT_IRQ ? late : 0) - s->latency_ms) / 8;
            s->counts.requests++;
            status = take_reply(s, r, &reply, err);
            drop(s, used);
            if (whole) {
                *whole = true;
            }
            return status;
        }
        if (found == FOUND_NOTHING) {
            silent++;
            patience = 2 * patience < LONGEST_MS ? 2 * patience : LONGEST_MS;
        }
    }
    return bd_fail(err, BD_INFRA,
                   "the board at '%s' did not answer %s within %u ms, in which it was sent %u times at %u baud",
                   s->path, bd_request_name(r->op), s->silence_ms, sent, s->baud);
}

static bd_status read_register(void *self, uint32_t offset, uint32_t *value, struct bd_error *err)
{
    const uint64_t word = offset;
    uint8_t result[8] = {0};
    bd_status status =
        ask(self,
            &(struct request){
                .op = BD_REQUEST_READ_REGISTER, .words = &word, .count = 1, .result = result, .result_size = 8},
            NULL, err);
    *value = (uint32_t)bd_get_u64(result);
    return status;
}

static bd_status write_register(void *self, uint32_t offset, uint32_t value, struct bd_error *err)
{
    const uint64_t words[] = {offset, value};
    return ask(self, &(struct request){.op = BD_REQUEST_WRITE_REGISTER, .words = words, .count = 2}, NULL, err);
}

/* Memory goes in parts, which get smaller where a line damages many: a long frame may never come whole on one that
 * loses a byte in a hundred. A part that does not pass is given up for smaller ones; the smallest are sent until
 * silence_ms are over. */
static bd_status move_memory(struct serial *s, unsigned op, uint64_t address, uint8_t *data, uint64_t size,
                             struct bd_error *err)
{
    bd_status status = BD_OK;
    double deadline = 0;
    for (uint64_t at = 0; at < size && status == BD_OK;) {
        const uint64_t part = size - at < s->payload ? size - at : s->payload;
        const uint64_t words[] = {address + at, part};
        struct request r = {
            .op = op, .words = words, .deadline = deadline, .tries = part > LEAST_PAYLOAD ? PART_TRIES : 0};
        if (op == BD_REQUEST_READ_MEMORY) {
            r.count = 2;
            r.result = data + at;
            r.result_size = part;
        } else {
            r.count = 1;
            r.body = data + at;
            r.body_size = part;
        }
        const double asked = now_ms();
        bool whole;
        status = ask(s, &r, &whole, err);
        if (whole) {
            at += part;
            deadline = 0;
        } else if (deadline == 0) {
            deadline = asked + s->silence_ms;
        }
    }
    return status;
}

static bd_status read_memory(void *self, uint64_t address, void *data, uint64_t size, struct bd_error *err)
{
    return move_memory(self, BD_REQUEST_READ_MEMORY, address, data, size, err);
}

static bd_status write_memory(void *self, uint64_t address, const void *data, uint64_t size, struct bd_error *err)
{
    return move_memory(self, BD_REQUEST_WRITE_MEMORY, address, (uint8_t *)data, size, err);
}

/* The bridge waits for a moment, this side asks again. */
static bd_status wait_irq(void *self, uint64_t milliseconds, bool *raised, struct bd_error *err)
{
    const double until = now_ms() + (double)milliseconds;
    *raised = false;
    do {
        const uint64_t words[] = {milliseconds, 0};
        uint8_t result[8] = {0};
        bd_status status =
            ask(self,
                &(struct request){
                    .op = BD_REQUEST_WAIT_IRQ, .words = words, .count = 2, .result = result, .result_size = 8},
                NULL, err);
        if (status != BD_OK) {
            return status;
        }
        *raised = bd_get_u64(result) != 0;
    } while (!*raised && now_ms() < until);
    return BD_OK;
}

static void close_line(void *self)
{
    struct serial *s = self;
    if (s->fd >= 0) {
        close(s->fd);
    }
    free(s->path);
    free(s);
}

static const struct bd_board_ops serial_ops = {
    .read_register = read_register,
    .write_register = write_register,
    .read_memory = read_memory,
    .write_memory = write_memory,
    .wait_irq = wait_irq,
    .close = close_line,
};

static bd_status say_hello(struct serial *s, uint64_t *base, uint64_t *bytes, struct bd_error *err)
{
    const uint64_t words[] = {BD_PROTOCOL_VERSION, 0};
    uint8_t hello[sizeof(struct bd_hello_reply)];
    bd_status status =
        ask(s,
            &(struct request){
                .op = BD_REQUEST_HELLO, .words = words, .count = 2, .result = hello, .result_size = sizeof hello},
            NULL, err);
    if (status == BD_OK && bd_get_u64(hello) != BD_PROTOCOL_VERSION) {
        status = bd_fail(err, BD_INFRA, "the board at '%s' speaks protocol version %" PRIu64 ", not %u", s->path,
                         bd_get_u64(hello), BD_PROTOCOL_VERSION);
    }
    *base = bd_get_u64(hello + 8);
    *bytes = bd_get_u64(hello + 16);
    return status;
}

bd_status bd_serial_open(struct bd_platform *platform, const struct bd_serial_options *options, struct bd_error *err)
{
    struct serial *s = bd_xcalloc(1, sizeof *s);
    uint64_t base = 0, bytes = 0;
    s->path = bd_xstrdup(options->path);
    s->fd = -1;
    s->baud = options->baud;
    s->silence_ms = options->silence_ms ? options->silence_ms : BD_SERIAL_SILENCE_MS;
    s->payload = BD_SERIAL_PAYLOAD;
    s->latency_ms = LATENCY_MS / 4;
    /* What an earlier program left on the way does not bear this one's numbers. */
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    s->sequence = (uint32_t)now.tv_nsec ^ (uint32_t)now.tv_sec << 20;
    bd_status status = open_line(s, err);
    status = status ? status : say_hello(s, &base, &bytes, err);
    if (status != BD_OK) {
        close_line(s);
        return status;
    }
    bd_board_open(platform, "serial", &serial_ops, s, base, bytes);
    return BD_OK;
}

bool bd_serial_counts(const struct bd_platform *platform, struct bd_serial_counts *counts)
{
    const struct serial *s = bd_board_self(platform, &serial_ops);
    if (s) {
        *counts = s->counts;
    }
    return s != NULL;
}
