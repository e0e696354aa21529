/* A stand-in ("test double") for the kernel's user I/O: every access to the register window traps and reaches the
 * device model, the memory is shared with it, the interrupt comes over a socket. One at a time; on x86-64 alone, for
 * the trap flag. A step of its own that fails ends the program. */
#ifndef BD_TESTS_UIO_STAND_IN_H
#define BD_TESTS_UIO_STAND_IN_H

#include <pthread.h>
#include <stdbool.h>

#include "sw/transport/device_model.h"
#include "sw/transport/platform.h"

struct bd_stand_in {
    struct bd_hardware hardware;
    struct bd_guarded_memory memory;
    struct bd_device_model *model;
    int registers, bytes,
        line[2];     /* files of the window and of the memory; line[0]: the program's end of the interrupt */
    uint8_t *window; /* where the program has mapped the registers */
    uint32_t offset; /* of the access under way */
    bool is_write;
    pthread_t kernel;
    pthread_mutex_t lock;
    unsigned accesses, interrupts;
    /* What a test may change while it runs. */
    bool line_is_cut;  /* interrupts do not come */
    unsigned spurious; /* so many come without a cause, each when it is asked for */
};

/* Opens a platform on it, with the geometry of tests/small_hardware.yaml. */
struct bd_stand_in *bd_stand_in_open(struct bd_platform *platform);
void bd_stand_in_close(struct bd_platform *platform);

#endif
