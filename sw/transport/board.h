/* A board as a platform. What a simulated platform is asked for and a board cannot do is refused; what can be done on
 * this side is: bytes are counted by class, host writes into the sealed program refused, and the clocks of the last
 * frame are those of the device's own counter. */
#ifndef BD_TRANSPORT_BOARD_H
#define BD_TRANSPORT_BOARD_H

#include "sw/transport/platform.h"

/* What reaches the board. Every call ends in bounded time; wait_irq ends after `milliseconds` with *raised false. */
struct bd_board_ops {
    bd_status (*read_register)(void *self, uint32_t offset, uint32_t *value, struct bd_error *err);
    bd_status (*write_register)(void *self, uint32_t offset, uint32_t value, struct bd_error *err);
    bd_status (*read_memory)(void *self, uint64_t address, void *data, uint64_t size, struct bd_error *err);
    bd_status (*write_memory)(void *self, uint64_t address, const void *data, uint64_t size, struct bd_error *err);
    bd_status (*wait_irq)(void *self, uint64_t milliseconds, bool *raised, struct bd_error *err);
    void (*close)(void *self); /* frees self */
};

/* Fills a platform; `target` is the word for it ("serial", "uio"). Takes `self`, which ops->close frees. */
void bd_board_open(struct bd_platform *platform, const char *target, const struct bd_board_ops *ops, void *self,
                   uint64_t memory_base, uint64_t memory_bytes);

/* The `self` of a platform that was opened with these ops; NULL: it was not. */
void *bd_board_self(const struct bd_platform *platform, const struct bd_board_ops *ops);

#endif
