/* Bare-metal example: one image through the accelerator at its first and its last precision, then at the one that the
 * governor picks for a deadline. No operating system, no library: the driver over memory-mapped registers.
 *
 * Build (clang and lld; tests/cli/firmware_test.sh does it and runs the result):
 *   clang --target=riscv32-unknown-elf -march=rv32imc -mabi=ilp32 -std=c11 -ffreestanding -fno-builtin -Os -I.
 * -nostdlib \
 *       -fuse-ld=lld -T sw/examples/firmware/board.ld -o classify.elf sw/examples/firmware/start.S \
 *       sw/examples/firmware/main.c sw/driver/driver.c sw/driver/explain.c sw/driver/governor/governor.c */
#include "sw/driver/driver.h"
#include "sw/driver/governor/governor.h"
#include "sw/examples/firmware/board.h"

enum { WAIT_MS = 1000, CLASSES = 64 };

/* What a compiler may call by itself. */
void *memcpy(void *to, const void *from, size_t size)
{
    uint8_t *t = to;
    const uint8_t *f = from;
    while (size--) {
        *t++ = *f++;
    }
    return to;
}

void *memset(void *to, int value, size_t size)
{
    uint8_t *t = to;
    while (size--) {
        *t++ = (uint8_t)value;
    }
    return to;
}

static void put(const char *text)
{
    while (*text) {
        *(volatile uint8_t *)BOARD_UART = (uint8_t)*text++;
    }
}

static void put_number(uint32_t value)
{
    char digits[12];
    int at = sizeof digits;
    digits[--at] = '\0';
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    put(digits + at);
}

/* --- the port: six calls
 * ---------------------------------------------------------------------------------------------- */

static int read32(void *context, uint32_t offset, uint32_t *value)
{
    (void)context;
    *value = *(volatile uint32_t *)(BOARD_DEVICE + offset);
    return BD_PORT_OK;
}

static int write32(void *context, uint32_t offset, uint32_t value)
{
    (void)context;
    __asm__ volatile("fence" ::
                         : "memory"); /* what was written to memory before is there before the device hears of it */
    *(volatile uint32_t *)(BOARD_DEVICE + offset) = value;
    return BD_PORT_OK;
}

static int read_memory(void *context, uint64_t address, void *data, size_t size)
{
    (void)context;
    __asm__ volatile("fence" ::: "memory");
    memcpy(data, (const void *)(uintptr_t)address, size);
    return BD_PORT_OK;
}

static int write_memory(void *context, uint64_t address, const void *data, size_t size)
{
    (void)context;
    memcpy((void *)(uintptr_t)address, data, size);
    return BD_PORT_OK;
}

static uint64_t cycles(void)
{
    uint32_t high, low, again;
    do {
        __asm__ volatile("csrr %0, cycleh" : "=r"(high));
        __asm__ volatile("csrr %0, cycle" : "=r"(low));
        __asm__ volatile("csrr %0, cycleh" : "=r"(again));
    } while (high != again);
    return (uint64_t)high << 32 | low;
}

/* Milliseconds without a division of 64 bits: 2^17 clocks are 1.3 of them at 100 MHz, so every wait is longer than
 * said. */
static uint64_t now_ms(void *context)
{
    (void)context;
    return cycles() >> 17;
}

static int wait_irq(void *context, uint32_t milliseconds)
{
    const uint64_t start = now_ms(context);
    for (;;) {
        uint32_t pending;
        __asm__ volatile("csrr %0, mip" : "=r"(pending));
        if (pending & 1u << 11) { /* the external interrupt, which is the accelerator's line */
            return BD_PORT_OK;
        }
        if (now_ms(context) - start > milliseconds) {
            return BD_PORT_TIMEOUT;
        }
    }
}

/* --- the example
 * ------------------------------------------------------------------------------------------------------- */

static int fail(const struct bd_device *device, enum bd_device_status status)
{
    char text[200];
    bd_device_explain(device, status, text, sizeof text);
    put("failed: ");
    put(text);
    put("\n");
    return 1;
}

/* One frame: its class and its clocks on the UART, and what it cost. */
static enum bd_device_status classify(struct bd_device *device, uint32_t s, uint32_t *clocks)
{
    static int32_t logits[CLASSES];
    struct bd_device_counters counters;
    const uint32_t classes = device->output_bytes / 4 < CLASSES ? device->output_bytes / 4 : CLASSES;
    enum bd_device_status status = bd_device_set_precision(device, s);
    status = status ? status : bd_device_start(device, BOARD_IMAGE, BOARD_RESULT, NULL);
    status = status ? status : bd_device_wait(device, WAIT_MS, NULL);
    status = status ? status : bd_device_read_result(device, BOARD_RESULT, logits, classes);
    status = status ? status : bd_device_read_counters(device, &counters);
    if (status != BD_DEVICE_OK) {
        return status;
    }
    uint32_t best = 0;
    for (uint32_t c = 1; c < 10; c++) {
        best = logits[c] > logits[best] ? c : best;
    }
    *clocks = (uint32_t)counters.total;
    put("switch ");
    put(device->switch_names[s]);
    put(" class ");
    put_number(best);
    put(" clocks ");
    put_number(*clocks);
    put("\n");
    return BD_DEVICE_OK;
}

int main(void)
{
    static struct bd_device device;
    static struct bd_governor governor;
    const struct board_boot *boot = (const struct board_boot *)BOARD_BOOT;
    const struct bd_port port = {NULL, read32, write32, read_memory, write_memory, wait_irq, now_ms};
    struct bd_governor_switch table[BD_GOVERNOR_SWITCHES];
    enum bd_device_status status = bd_device_open(&device, &port);
    if (status == BD_DEVICE_OK) {
        status = bd_device_load(&device, BOARD_PROGRAM, (const void *)(uintptr_t)boot->program, boot->program_bytes);
    }
    if (status != BD_DEVICE_OK) {
        return fail(&device, status);
    }
    memcpy((void *)BOARD_IMAGE, (const void *)(uintptr_t)boot->image, boot->image_bytes);
    uint32_t loading;
    status = classify(&device, 0, &loading); /* brings the program onto the chip too: its clocks are not a frame's */
    for (uint32_t s = 0; s < device.switch_count && status == BD_DEVICE_OK; s++) {
        status = classify(&device, s, &table[s].clocks);
        table[s].energy_nj = table[s].bus_bytes = 0;
        table[s].accuracy = device.switch_count - s; /* the first switch is the best */
    }
    if (status != BD_DEVICE_OK) {
        return fail(&device, status);
    }
    /* A deadline that the first switch misses by a clock. */
    struct bd_governor_budget budget = {.first = table[0].clocks - 1, .waiting = 1};
    for (int r = 0; r < BD_GOVERN_RESOURCES; r++) {
        budget.buckets[r].level = BD_GOVERNOR_UNLIMITED;
    }
    const int chosen = bd_governor_init(&governor, table, device.switch_count, 1) ? bd_governor_next(&governor, &budget)
                                                                                  : BD_GOVERNOR_SKIP;
    put("governor ");
    put(chosen < 0 ? "none" : device.switch_names[chosen]);
    put("\n");
    return chosen < 0;
}
