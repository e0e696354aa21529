/* A small RV32IMC processor for tests: whole instructions, one a clock, no privilege levels, no traps. A test double
 * for the processor beside an accelerator, not a model of any product. */
#ifndef TESTS_SUPPORT_RV32_H
#define TESTS_SUPPORT_RV32_H

#include <stdbool.h>
#include <stdint.h>

struct rv32_bus { /* false: nothing answers at the address; `size` is 1, 2 or 4, addresses are aligned to it */
    void *context;
    bool (*load)(void *context, uint32_t address, unsigned size, uint32_t *value);
    bool (*store)(void *context, uint32_t address, unsigned size, uint32_t value);
    uint32_t (*csr)(void *context, unsigned number); /* of a control register other than cycle and cycleh */
};

struct rv32 {
    struct rv32_bus bus;
    uint32_t x[32], pc;
    uint64_t cycle;
};

enum rv32_end { RV32_RUNS, RV32_STOPPED, RV32_FAULT }; /* STOPPED: ebreak or ecall */

/* Runs one instruction. After RV32_FAULT pc stands at the one that is illegal, unaligned, or met no memory. */
enum rv32_end rv32_step(struct rv32 *cpu);

#endif
