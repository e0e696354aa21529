/* A device with what surrounds it: registers, memory, interrupt, and the control of a simulated platform. Three
 * things are one: the in-process `ref` device (ref.h), a device process reached by frames (link.h), and, inside
 * that process, whatever the frame server serves (server.h). The driver sits on top by bd_platform_port.
 *
 * Calls fail with BD_BAD_INPUT where the platform refuses the request, BD_FAIL for a write into the sealed program,
 * BD_INFRA where the platform cannot be reached or died. */
#ifndef BD_TRANSPORT_PLATFORM_H
#define BD_TRANSPORT_PLATFORM_H

#include <stdbool.h>
#include <stdint.h>

#include "model/core/error.h"
#include "model/program/hardware.h"
#include "sw/driver/port.h"
#include "sw/transport/guarded_memory.h"
#include "sw/transport/protocol.h"

struct bd_platform_ops {
    bd_status (*read_register)(void *self, uint32_t offset, uint32_t *value, struct bd_error *err);
    bd_status (*write_register)(void *self, uint32_t offset, uint32_t value, struct bd_error *err);
    bd_status (*read_memory)(void *self, uint64_t address, void *data, uint64_t size, struct bd_error *err);
    bd_status (*write_memory)(void *self, uint64_t address, const void *data, uint64_t size, struct bd_error *err);
    /* Until the line is high, `milliseconds` of wall time have passed, or (not 0) `clocks` of the device. */
    bd_status (*wait_irq)(void *self, uint64_t milliseconds, uint64_t clocks, bool *raised, struct bd_error *err);
    bd_status (*statistics)(void *self, struct bd_statistics *statistics, struct bd_error *err);
    bd_status (*set_memory)(void *self, const struct bd_memory_model *memory, struct bd_error *err);
    /* Random stalls on every channel of the device's bus; `chance` in 256, 0 for none. */
    bd_status (*set_stalls)(void *self, uint64_t seed, uint64_t chance, struct bd_error *err);
    bd_status (*region)(void *self, enum bd_write_class kind, uint64_t address, uint64_t size, struct bd_error *err);
    bd_status (*seal)(void *self, bool seal, struct bd_error *err);
    bd_status (*flip_bit)(void *self, uint64_t address, unsigned bit, struct bd_error *err);
    bd_status (*close)(void *self, struct bd_error *err); /* frees self in any case */
};

struct bd_platform {
    const struct bd_platform_ops *ops;
    void *self;
    char target[16]; /* "ref", "tlm" or "rtl" */
    uint64_t memory_base, memory_bytes;
    uint64_t wait_clocks;  /* device clocks after which the driver's wait ends too; 0: none */
    struct bd_error error; /* what the port's last failure was about */
};

/* The driver's way in. The platform must outlive the port. */
struct bd_port bd_platform_port(struct bd_platform *platform);

#endif
