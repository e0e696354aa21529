/* Faults injected on the way between a program and its device, for tests/board_faults.sh. An injection is a process of
 * its own: it opens a device in one of several ways, runs random networks at random switches, and compares what comes
 * back with the reference, while one fault strikes. */
#ifndef BD_TESTS_INJECT_H
#define BD_TESTS_INJECT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "model/core/rng.h"
#include "model/exec/exec.h"
#include "sw/session/session.h"

#define INJECT_HARDWARE "tests/small_hardware.yaml"

struct injection;

/* What an injection must come to. */
enum must {
    EITHER,     /* a right result, or an error with one of the kind's words */
    MUST_FAIL,  /* such an error */
    MUST_RIGHT, /* a right result */
};

struct kind {
    const char *name;
    int count; /* in a whole run; 0: only where it is named */
    enum must must;
    const char *words; /* what errors say, apart by |; each injection's error must hold one */
    bool heals;        /* after the fault, the device on which it struck must be right again */
    /* Opens the platform, with the fault in it or about to strike, or fails as the kind should. */
    bd_status (*open)(struct injection *in, struct bd_error *err);
    /* What else happens: before a frame is waited for, and before the device is used again; may be NULL. */
    void (*strike)(struct injection *in, unsigned frame);
    void (*mend)(struct injection *in);
};

struct injection {
    const struct kind *kind;
    uint64_t seed;
    struct bd_rng rng;
    struct bd_session session;
    struct bd_hardware hardware;
    struct bd_program program;
    struct bd_decoded *decoded;
    bool elsewhere; /* the program is made for other hardware */
    bool store;     /* frames store their layers */
    bool identified;
    uint32_t watchdog;
    unsigned silence_ms;          /* of a serial line; long, for lines that shall come through on a busy machine too */
    unsigned frame_ms, strike_at; /* the frame before whose wait the fault strikes */
    pid_t child;                  /* device process */
    char path[64], fault[64];     /* of the serial line; the fault in words */
    void *self;                   /* of the way */
};

extern const struct kind inject_kinds[];
extern const int inject_kind_count;
/* Paths of device programs, from the command line; "" where there is none. */
extern const char *inject_platform, *inject_board;

/* A number from 0 to limit - 1, and one from an interval. */
uint64_t inject_below(struct injection *in, uint64_t limit);
uint64_t inject_between(struct injection *in, uint64_t low, uint64_t high);

/* Ways to a device. */
bd_status inject_open_pins(struct injection *in, const char *fault, struct bd_error *err);
bd_status inject_open_board(struct injection *in, char *const *options, struct bd_error *err);
bd_status inject_connect_board(struct injection *in, struct bd_error *err);
void inject_end_board(struct injection *in);
bd_status inject_open_middle(struct injection *in, int what, struct bd_error *err);
bd_status inject_open_registers(struct injection *in, uint32_t offset, uint32_t change, struct bd_error *err);
void inject_harm_memory(struct injection *in); /* of the way before: what is read from memory is wrong from now on */

#endif
