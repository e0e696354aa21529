/* The steps of the self-test that need no frame: scratch, registers, memory. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "sw/bringup/registers.h"
#include "sw/bringup/selftest_parts.h"
#include "sw/driver/bitdial_regs.h"

enum { LINES = 64, BLOCK = 256, BLOCKS = 3, WORD = 8 };

static bd_status read_register(struct bd_selftest *t, uint32_t offset, uint32_t *value, struct bd_error *err)
{
    return t->session.platform.ops->read_register(t->session.platform.self, offset, value, err);
}

static bd_status write_register(struct bd_selftest *t, uint32_t offset, uint32_t value, struct bd_error *err)
{
    return t->session.platform.ops->write_register(t->session.platform.self, offset, value, err);
}

static bd_status read_memory(struct bd_selftest *t, uint64_t address, void *data, uint64_t size, struct bd_error *err)
{
    return t->session.platform.ops->read_memory(t->session.platform.self, address, data, size, err);
}

static bd_status write_memory(struct bd_selftest *t, uint64_t address, const void *data, uint64_t size,
                              struct bd_error *err)
{
    return t->session.platform.ops->write_memory(t->session.platform.self, address, data, size, err);
}

bd_status bd_selftest_scratch(struct bd_selftest *t, struct bd_error *err)
{
    uint32_t found, once = 0, never = 0;
    bd_status status = BD_OK;
    for (int i = 0; i < 34 && status == BD_OK; i++) {
        const uint32_t value = i < 32 ? UINT32_C(1) << i : i == 32 ? 0xa5c3f00fu : 0x5a3c0ff0u;
        status = write_register(t, BITDIAL_TAG_REG, value, err);
        status = status ? status : read_register(t, BITDIAL_TAG_REG, &found, err);
        if (status == BD_OK && found != value) {
            once |= found & ~value;
            never |= value & ~found;
        }
    }
    if (status == BD_OK && (once || never)) {
        return bd_fail(err, BD_FAIL,
                       "TAG does not keep what is written: bits 0x%08x are 0 where 1 was written, bits "
                       "0x%08x are 1 where 0 was",
                       never, once);
    }
    snprintf(t->detail, t->detail_size, "34 values of TAG read back");
    return status;
}

/* A value of its own for every register. */
static uint32_t own_value(const struct bd_register_row *row, bool inverse)
{
    const uint32_t value = (row->offset * 0x9e3779b1u) ^ 0x01234567u;
    return (inverse ? ~value : value) & row->writable;
}

/* Writes all first and reads then, so that two that answer as one are seen. */
static bd_status check_registers(struct bd_selftest *t, bool inverse, unsigned *count, struct bd_error *err)
{
    bd_status status = BD_OK;
    *count = 0;
    for (size_t i = 0; i < bd_register_count && status == BD_OK; i++) {
        if (bd_registers[i].writable) {
            status = write_register(t, bd_registers[i].offset, own_value(&bd_registers[i], inverse), err);
        }
    }
    for (size_t i = 0; i < bd_register_count && status == BD_OK; i++) {
        const struct bd_register_row *row = &bd_registers[i];
        uint32_t found = 0;
        if (!row->writable) {
            continue;
        }
        status = read_register(t, row->offset, &found, err);
        if (status == BD_OK && found != own_value(row, inverse)) {
            return bd_fail(err, BD_FAIL, "%s (0x%03x): 0x%08x written, 0x%08x read", row->name, row->offset,
                           own_value(row, inverse), found);
        }
        ++*count;
    }
    return status;
}

bd_status bd_selftest_registers(struct bd_selftest *t, struct bd_error *err)
{
    unsigned count;
    uint32_t id;
    bd_status status = check_registers(t, false, &count, err);
    status = status ? status : check_registers(t, true, &count, err);
    status = status ? status : write_register(t, BITDIAL_ID_REG, 0, err);
    status = status ? status : read_register(t, BITDIAL_ID_REG, &id, err);
    if (status == BD_OK && id != BITDIAL_ID_RESET) {
        return bd_fail(err, BD_FAIL, "ID, which is read only, became 0x%08x by a write", id);
    }
    /* As after a reset; the driver writes what it needs when it loads a program. */
    for (size_t i = 0; i < bd_register_count && status == BD_OK; i++) {
        if (bd_registers[i].writable) {
            const bool limit = bd_registers[i].offset == BITDIAL_WATCHDOG_LIMIT_REG;
            status = write_register(t, bd_registers[i].offset, limit ? BITDIAL_WATCHDOG_LIMIT_RESET : 0, err);
        }
    }
    snprintf(t->detail, t->detail_size, "%u registers keep two values each", count);
    return status;
}

static bd_status check_block(struct bd_selftest *t, const char *what, uint64_t address, const uint8_t *written,
                             uint64_t size, struct bd_error *err)
{
    uint8_t *found = bd_xmalloc(size);
    bd_status status = read_memory(t, address, found, size, err);
    for (uint64_t i = 0; i < size && status == BD_OK; i++) {
        if (found[i] != written[i]) {
            status = bd_fail(err, BD_FAIL, "%s: byte 0x%" PRIx64 ": 0x%02x written, 0x%02x read", what, address + i,
                             written[i], found[i]);
        }
    }
    free(found);
    return status;
}

/* A one that walks over 64 lines, and a zero. */
static bd_status check_data_lines(struct bd_selftest *t, struct bd_error *err)
{
    uint8_t block[2 * LINES * WORD];
    for (unsigned i = 0; i < 2 * LINES; i++) {
        const uint64_t one = UINT64_C(1) << i % LINES, word = i < LINES ? one : ~one;
        bd_put_u64(block + WORD * i, word);
    }
    const uint64_t base = t->session.platform.memory_base;
    bd_status status = write_memory(t, base, block, sizeof block, err);
    status = status ? status : check_block(t, "data lines", base, block, sizeof block, err);
    /* One byte in the middle of a word leaves its neighbours alone. */
    block[3] = 0x96;
    status = status ? status : write_memory(t, base + 3, block + 3, 1, err);
    return status ? status : check_block(t, "one byte alone", base, block, 2 * WORD, err);
}

/* A word of its own at the base and at each power of two behind it. */
static bd_status check_address_lines(struct bd_selftest *t, unsigned *lines, struct bd_error *err)
{
    const struct bd_platform *p = &t->session.platform;
    bd_status status = BD_OK;
    *lines = 0;
    for (int turn = 0; turn < 2 && status == BD_OK; turn++) {
        for (uint64_t offset = 0; offset + WORD <= p->memory_bytes && status == BD_OK;
             offset = offset ? 2 * offset : WORD) {
            uint8_t word[WORD];
            char what[48];
            bd_put_u64(word, (offset + 1) * 0x9e3779b97f4a7c15u);
            snprintf(what, sizeof what, "address line of 0x%" PRIx64, offset);
            status = turn == 0 ? write_memory(t, p->memory_base + offset, word, WORD, err)
                               : check_block(t, what, p->memory_base + offset, word, WORD, err);
            *lines += turn;
        }
    }
    return status;
}

static bd_status check_noise(struct bd_selftest *t, struct bd_error *err)
{
    const struct bd_platform *p = &t->session.platform;
    const uint64_t size = p->memory_bytes < BLOCK ? p->memory_bytes : BLOCK;
    const uint64_t at[BLOCKS] = {0, (p->memory_bytes / 2 - size / 2) / WORD * WORD, p->memory_bytes - size};
    uint8_t block[BLOCK];
    uint32_t state = 1;
    bd_status status = BD_OK;
    for (int i = 0; i < BLOCKS && status == BD_OK; i++) {
        for (uint64_t b = 0; b < size; b++) {
            state = state * 1664525u + 1013904223u;
            block[b] = (uint8_t)(state >> 24);
        }
        status = write_memory(t, p->memory_base + at[i], block, size, err);
        status = status ? status : check_block(t, "noise", p->memory_base + at[i], block, size, err);
    }
    return status;
}

bd_status bd_selftest_memory(struct bd_selftest *t, struct bd_error *err)
{
    unsigned lines = 0;
    bd_status status = check_data_lines(t, err);
    status = status ? status : check_address_lines(t, &lines, err);
    status = status ? status : check_noise(t, err);
    snprintf(t->detail, t->detail_size, "64 data lines, %u words an address line apart, %d blocks of noise", lines,
             BLOCKS);
    return status;
}
