/* How the driver reaches a device: six calls that a transport fills in. Freestanding.
 *
 * Every call returns 0, or a negative bd_port_result; after one that failed the transport's own error text says
 * why, and what the device has seen is unknown. Memory addresses are the device's. */
#ifndef BD_DRIVER_PORT_H
#define BD_DRIVER_PORT_H

#include <stddef.h>
#include <stdint.h>

enum bd_port_result {
    BD_PORT_OK = 0,
    BD_PORT_TIMEOUT = -1, /* wait_irq alone: the line stayed low */
    BD_PORT_FAILED = -2,  /* the transport is broken or refused */
};

struct bd_port {
    void *context;
    int (*read32)(void *context, uint32_t offset, uint32_t *value);
    int (*write32)(void *context, uint32_t offset, uint32_t value);
    int (*read_memory)(void *context, uint64_t address, void *data, size_t size);
    int (*write_memory)(void *context, uint64_t address, const void *data, size_t size);
    /* Returns at once while the interrupt line is high, else when it rises or `milliseconds` have passed. */
    int (*wait_irq)(void *context, uint32_t milliseconds);
    /* A clock of milliseconds that never runs backwards. */
    uint64_t (*now_ms)(void *context);
};

#endif
