#include "sw/transport/board.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "sw/driver/bitdial_regs.h"

struct board {
    const struct bd_board_ops *ops;
    void *self;
    uint64_t memory_base, memory_bytes;
    struct bd_guarded_memory guard; /* regions and counts; it holds no bytes */
};

static bd_status check_offset(uint32_t offset, struct bd_error *err)
{
    return offset % 4 == 0 && offset < BITDIAL_WINDOW_BYTES
               ? BD_OK
               : bd_fail(err, BD_BAD_INPUT, "register offset 0x%x is not in the window", offset);
}

static bd_status check_range(const struct board *board, const char *what, uint64_t address, uint64_t size,
                             struct bd_error *err)
{
    const uint64_t from = address - board->memory_base;
    return address >= board->memory_base && from <= board->memory_bytes && size <= board->memory_bytes - from
               ? BD_OK
               : bd_fail(err, BD_BAD_INPUT,
                         "%s of %" PRIu64 " bytes at 0x%" PRIx64 ": the device's memory is 0x%" PRIx64 " to 0x%" PRIx64,
                         what, size, address, board->memory_base, board->memory_base + board->memory_bytes);
}

static bd_status read_register(void *self, uint32_t offset, uint32_t *value, struct bd_error *err)
{
    struct board *board = self;
    bd_status status = check_offset(offset, err);
    return status == BD_OK ? board->ops->read_register(board->self, offset, value, err) : status;
}

static bd_status write_register(void *self, uint32_t offset, uint32_t value, struct bd_error *err)
{
    struct board *board = self;
    bd_status status = check_offset(offset, err);
    if (status == BD_OK) {
        bd_guarded_memory_count(&board->guard, BD_WRITE_REGISTERS, 4);
        status = board->ops->write_register(board->self, offset, value, err);
    }
    return status;
}

static bd_status read_memory(void *self, uint64_t address, void *data, uint64_t size, struct bd_error *err)
{
    struct board *board = self;
    bd_status status = check_range(board, "read", address, size, err);
    return status == BD_OK ? board->ops->read_memory(board->self, address, data, size, err) : status;
}

static enum bd_write_class class_of(const struct board *board, uint64_t address)
{
    for (int i = 0; i < BD_WRITE_CLASSES; i++) {
        const struct bd_region *region = &board->guard.regions[i];
        if (address >= region->address && address - region->address < region->size) {
            return (enum bd_write_class)i;
        }
    }
    return BD_WRITE_OTHER;
}

static bd_status write_memory(void *self, uint64_t address, const void *data, uint64_t size, struct bd_error *err)
{
    struct board *board = self;
    bd_status status = check_range(board, "write", address, size, err);
    if (status == BD_OK && bd_guarded_memory_refuses(&board->guard, address, size)) {
        return bd_access_status(BD_ACCESS_SEALED, "write", address, size, err);
    }
    if (status == BD_OK) {
        bd_guarded_memory_count(&board->guard, class_of(board, address), size);
        status = board->ops->write_memory(board->self, address, data, size, err);
    }
    return status;
}

static bd_status wait_irq(void *self, uint64_t milliseconds, uint64_t clocks, bool *raised, struct bd_error *err)
{
    (void)clocks; /* a board's clock is not ours to count */
    struct board *board = self;
    return board->ops->wait_irq(board->self, milliseconds, raised, err);
}

static bd_status statistics(void *self, struct bd_statistics *statistics, struct bd_error *err)
{
    struct board *board = self;
    uint32_t low, high, frames;
    bd_status status = read_register(board, BITDIAL_COUNTER_TOTAL_LO_REG, &low, err);
    status = status ? status : read_register(board, BITDIAL_COUNTER_TOTAL_HI_REG, &high, err);
    status = status ? status : read_register(board, BITDIAL_FRAME_COUNT_REG, &frames, err);
    if (status != BD_OK) {
        return status;
    }
    *statistics = (struct bd_statistics){
        .frame_cycles = (uint64_t)high << 32 | low,
        .frames = frames,
        .violations = board->guard.violations,
        .violation_address = board->guard.violation_address,
    };
    for (int i = 0; i < BD_WRITE_CLASSES; i++) {
        statistics->written[i] = board->guard.written[i];
    }
    return BD_OK;
}

static bd_status refuse(const char *what, struct bd_error *err)
{
    return bd_fail(err, BD_BAD_INPUT, "a board %s: that is for simulated devices", what);
}

static bd_status set_memory(void *self, const struct bd_memory_model *memory, struct bd_error *err)
{
    (void)self, (void)memory;
    return refuse("has the memory timing that it has", err);
}

static bd_status set_stalls(void *self, uint64_t seed, uint64_t chance, struct bd_error *err)
{
    (void)self, (void)seed;
    return chance == 0 ? BD_OK : refuse("cannot be told to stall its bus", err);
}

static bd_status region(void *self, enum bd_write_class kind, uint64_t address, uint64_t size, struct bd_error *err)
{
    struct board *board = self;
    bd_status status = check_range(board, "region", address, size, err);
    if (status == BD_OK) {
        board->guard.regions[kind] = (struct bd_region){address, size};
    }
    return status;
}

static bd_status seal(void *self, bool sealed, struct bd_error *err)
{
    (void)err;
    ((struct board *)self)->guard.sealed = sealed;
    return BD_OK;
}

static bd_status flip_bit(void *self, uint64_t address, unsigned bit, struct bd_error *err)
{
    (void)self, (void)address, (void)bit;
    return refuse("takes no planted faults", err);
}

static bd_status close_board(void *self, struct bd_error *err)
{
    (void)err;
    struct board *board = self;
    board->ops->close(board->self);
    free(board);
    return BD_OK;
}

static const struct bd_platform_ops board_ops = {
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
    .close = close_board,
};

void bd_board_open(struct bd_platform *platform, const char *target, const struct bd_board_ops *ops, void *self,
                   uint64_t memory_base, uint64_t memory_bytes)
{
    struct board *board = bd_xcalloc(1, sizeof *board);
    *board = (struct board){.ops = ops, .self = self, .memory_base = memory_base, .memory_bytes = memory_bytes};
    *platform = (struct bd_platform){
        .ops = &board_ops, .self = board, .memory_base = memory_base, .memory_bytes = memory_bytes};
    snprintf(platform->target, sizeof platform->target, "%s", target);
}

void *bd_board_self(const struct bd_platform *platform, const struct bd_board_ops *ops)
{
    const struct board *board = platform->ops == &board_ops ? platform->self : NULL;
    return board && board->ops == ops ? board->self : NULL;
}
