/* What the files of the self-test share: selftest.c runs the steps, selftest_bus.c has those of registers and memory,
 * selftest_frames.c those that run frames. A step is BD_OK, or fails with what it saw in err. */
#ifndef BD_BRINGUP_SELFTEST_PARTS_H
#define BD_BRINGUP_SELFTEST_PARTS_H

#include "model/exec/exec.h"
#include "sw/bringup/selftest.h"

struct bd_selftest {
    const struct bd_session_options *options;
    struct bd_session session;
    bool connected, has_program;
    struct bd_program program;
    struct bd_decoded *decoded;
    uint8_t *images[BD_DEVICE_IN_FLIGHT];
    char *detail; /* of the step at hand; detail_size bytes */
    size_t detail_size;
};

bd_status bd_selftest_scratch(struct bd_selftest *t, struct bd_error *err) BD_WARN_UNUSED;
bd_status bd_selftest_registers(struct bd_selftest *t, struct bd_error *err) BD_WARN_UNUSED;
bd_status bd_selftest_memory(struct bd_selftest *t, struct bd_error *err) BD_WARN_UNUSED;
bd_status bd_selftest_dma(struct bd_selftest *t, struct bd_error *err) BD_WARN_UNUSED;
bd_status bd_selftest_layers(struct bd_selftest *t, struct bd_error *err) BD_WARN_UNUSED;
bd_status bd_selftest_switches(struct bd_selftest *t, struct bd_error *err) BD_WARN_UNUSED;
bd_status bd_selftest_queue(struct bd_selftest *t, struct bd_error *err) BD_WARN_UNUSED;
bd_status bd_selftest_watchdog(struct bd_selftest *t, struct bd_error *err) BD_WARN_UNUSED;
void bd_selftest_release_program(struct bd_selftest *t);

#endif
