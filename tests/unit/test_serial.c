/* The client of a serial line against a scripted board on a pseudo-terminal: what it sends again, what it drops, and
 * that it gives up in time. (The true bridge answers in tests/cli/serial_test.sh.) */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "sw/transport/protocol.h"
#include "sw/transport/serial.h"

enum trick {
    NOTHING,
    LOSE_REQUEST,
    LOSE_REPLY,
    BREAK_REPLY,
    SAY_DAMAGED,
    OLD_REPLY,
    NOISE_BEFORE,
    TWICE,
    SILENCE,
    REFUSE,
    SHORT_REPLY
};

struct peer {
    int line, other;
    char path[64];
    pthread_t thread;
    enum trick trick; /* of the first sending of the next register access */
    uint32_t last;    /* number of the last access that acted */
    unsigned sendings, acted;
    uint64_t value;
    volatile bool end;
};

static void answer(struct peer *p, const struct bd_message *m, unsigned status, const void *data, size_t size,
                   bool broken)
{
    uint8_t frame[BD_FRAME_HEADER + 64 + BD_FRAME_TRAILER];
    const struct bd_message reply = {.sequence = m->sequence, .op = m->op, .status = (uint16_t)status};
    const size_t length = bd_frame_encode(frame, &reply, data, size, NULL, 0);
    frame[BD_FRAME_HEADER] ^= broken ? 4 : 0;
    cr_assert_eq(write(p->line, frame, length), (ssize_t)length);
}

static void answer_access(struct peer *p, const struct bd_message *m)
{
    const enum trick trick = p->trick;
    const struct bd_message old = {.sequence = m->sequence - 1, .op = m->op}, none = {0};
    uint8_t value[8];
    p->sendings++;
    if (trick != SILENCE && trick != REFUSE && trick != SHORT_REPLY) {
        p->trick = NOTHING;
    }
    if (trick == LOSE_REQUEST || trick == SILENCE) {
        return;
    }
    if (trick == SAY_DAMAGED) {
        answer(p, &none, BD_REPLY_DAMAGED, NULL, 0, false);
        return;
    }
    if (m->sequence != p->last) {
        p->acted++;
        p->value = m->op == BD_REQUEST_WRITE_REGISTER ? bd_get_u64(m->payload + 8) : p->value;
        p->last = m->sequence;
    }
    bd_put_u64(value, p->value);
    const size_t size = m->op == BD_REQUEST_READ_REGISTER ? trick == SHORT_REPLY ? 4 : 8 : 0;
    if (trick == OLD_REPLY) {
        answer(p, &old, 0, "\xff\xff\xff\xff\xff\xff\xff\xff", size, false);
    }
    if (trick == NOISE_BEFORE) {
        cr_assert_eq(write(p->line, "BDF1BDFxyzBDF", 13), 13);
    }
    if (trick != LOSE_REPLY) {
        answer(p, m, trick == REFUSE, trick == REFUSE ? "silent  " : (const char *)value, trick == REFUSE ? 8 : size,
               trick == BREAK_REPLY);
    }
    if (trick == TWICE) {
        answer(p, m, 0, value, size, false);
    }
}

static void *play(void *context)
{
    struct peer *p = context;
    uint8_t bytes[4096];
    size_t have = 0;
    while (!p->end) {
        struct bd_error err;
        struct bd_message m;
        const ssize_t got = read(p->line, bytes + have, sizeof bytes - have);
        have += got > 0 ? (size_t)got : 0;
        if (have < BD_FRAME_HEADER) {
            usleep(got > 0 ? 0 : 500);
            continue;
        }
        const size_t length = bd_frame_length(bytes, &err);
        if (length > have) {
            usleep(500);
            continue;
        }
        const size_t used = length ? length : 1;
        if (length && bd_frame_parse(bytes, length, &m, &err) == BD_OK) {
            if (m.op == BD_REQUEST_HELLO) {
                uint8_t hello[sizeof(struct bd_hello_reply)] = {BD_PROTOCOL_VERSION};
                bd_put_u64(hello + 8, 0x1000);
                bd_put_u64(hello + 16, 0x2000);
                answer(p, &m, 0, hello, sizeof hello, false);
            } else {
                answer_access(p, &m);
            }
        }
        have -= used;
        memmove(bytes, bytes + used, have);
    }
    return NULL;
}

static void start(struct peer *p)
{
    struct termios raw;
    memset(p, 0, sizeof *p);
    p->line = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    cr_assert(p->line >= 0 && grantpt(p->line) == 0 && unlockpt(p->line) == 0);
    cr_assert_eq(ptsname_r(p->line, p->path, sizeof p->path), 0);
    p->other = open(p->path, O_RDWR | O_NOCTTY);
    cr_assert_eq(tcgetattr(p->other, &raw), 0);
    cfmakeraw(&raw);
    tcsetattr(p->other, TCSANOW, &raw);
    cr_assert_eq(pthread_create(&p->thread, NULL, play, p), 0);
}

static void stop(struct peer *p)
{
    p->end = true;
    pthread_join(p->thread, NULL);
    close(p->line);
    close(p->other);
}

Test(serial, what_goes_wrong_on_the_way_is_made_good)
{
    static const struct {
        enum trick trick;
        unsigned sendings; /* of a write, at least */
    } cases[] = {{NOTHING, 1},     {LOSE_REQUEST, 2}, {LOSE_REPLY, 2},   {BREAK_REPLY, 2},
                 {SAY_DAMAGED, 2}, {OLD_REPLY, 1},    {NOISE_BEFORE, 1}, {TWICE, 1}};
    struct peer p;
    struct bd_platform platform;
    struct bd_error err;
    start(&p);
    const struct bd_serial_options options = {.path = p.path, .baud = 115200, .silence_ms = 60000};
    cr_assert_eq(bd_serial_open(&platform, &options, &err), BD_OK, "%s", err.message);
    cr_assert_eq(platform.memory_base, 0x1000);
    cr_assert_eq(platform.memory_bytes, 0x2000);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint32_t value = 0;
        p.sendings = p.acted = 0;
        p.trick = cases[i].trick;
        cr_assert_eq(platform.ops->write_register(platform.self, 0x94, 100 + (uint32_t)i, &err), BD_OK, "case %zu: %s",
                     i, err.message);
        cr_assert_eq(p.acted, 1, "case %zu: acted %u times", i, p.acted);
        cr_assert_geq(p.sendings, cases[i].sendings, "case %zu: sent %u times", i, p.sendings);
        p.trick = cases[i].trick;
        cr_assert_eq(platform.ops->read_register(platform.self, 0x94, &value, &err), BD_OK, "case %zu: %s", i,
                     err.message);
        cr_assert_eq(value, 100 + i);
    }
    struct bd_serial_counts counts;
    cr_assert(bd_serial_counts(&platform, &counts));
    cr_assert_geq(counts.repeated, 6);
    cr_assert_geq(counts.damaged, 4);

    p.trick = REFUSE;
    uint32_t value;
    cr_assert_eq(platform.ops->read_register(platform.self, 0x94, &value, &err), BD_INFRA);
    cr_assert(strstr(err.message, "refuses READ_REGISTER of 0x94: silent") &&
                  err.message[strlen(err.message) - 1] == 't',
              "%s", err.message);
    p.trick = SHORT_REPLY;
    cr_assert_eq(platform.ops->read_register(platform.self, 0x94, &value, &err), BD_INFRA);
    cr_assert(strstr(err.message, "with 4 bytes, not 8"), "%s", err.message);
    p.trick = NOTHING;
    /* What lies outside never leaves this side, nor does what a board cannot do. */
    cr_assert_eq(platform.ops->read_memory(platform.self, 0x2ffd, &value, 4, &err), BD_BAD_INPUT);
    cr_assert(strstr(err.message, "memory is 0x1000 to 0x3000"), "%s", err.message);
    cr_assert_eq(platform.ops->flip_bit(platform.self, 0x1000, 0, &err), BD_BAD_INPUT);
    /* The line belongs to one. */
    struct bd_platform second;
    cr_assert_eq(bd_serial_open(&second, &options, &err), BD_INFRA);
    cr_assert(strstr(err.message, "another program holds"), "%s", err.message);
    cr_assert_eq(platform.ops->close(platform.self, &err), BD_OK);
    stop(&p);
}

Test(serial, silence_and_a_cut_line_are_named)
{
    struct peer p;
    struct bd_platform platform;
    struct bd_error err;
    uint32_t value;
    start(&p);
    const struct bd_serial_options options = {.path = p.path, .baud = 3000000, .silence_ms = 200};
    cr_assert_eq(bd_serial_open(&platform, &options, &err), BD_OK, "%s", err.message);
    p.trick = SILENCE;
    cr_assert_eq(platform.ops->read_register(platform.self, 0, &value, &err), BD_INFRA);
    cr_assert(strstr(err.message, "did not answer READ_REGISTER within 200 ms, in which it was sent") &&
                  strstr(err.message, p.path) && strstr(err.message, "3000000 baud"),
              "%s", err.message);
    cr_assert_geq(p.sendings, 2);
    stop(&p);
    cr_assert_eq(platform.ops->read_register(platform.self, 0, &value, &err), BD_INFRA);
    cr_assert(strstr(err.message, "was closed during READ_REGISTER"), "%s", err.message);
    cr_assert_eq(platform.ops->close(platform.self, &err), BD_OK);
}

Test(serial, what_is_no_line)
{
    struct bd_platform platform;
    struct bd_error err;
    struct bd_serial_options options = {.path = "/nonexistent/tty", .baud = 115200};
    cr_assert_eq(bd_serial_open(&platform, &options, &err), BD_INFRA);
    cr_assert(strstr(err.message, "'/nonexistent/tty': No such file"), "%s", err.message);
    options.path = "/dev/null";
    cr_assert_eq(bd_serial_open(&platform, &options, &err), BD_BAD_INPUT);
    cr_assert(strstr(err.message, "'/dev/null' is no serial line"), "%s", err.message);
    options.baud = 115201;
    cr_assert_eq(bd_serial_open(&platform, &options, &err), BD_BAD_INPUT);
    cr_assert(strstr(err.message, "no speed of 115201"), "%s", err.message);
}
