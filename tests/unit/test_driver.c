/* The driver against a scripted device: which registers it touches, in which order, and what it refuses. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/file.h"
#include "model/core/memory.h"
#include "model/program/random_network.h"
#include "sw/driver/bitdial_regs.h"
#include "sw/driver/driver.h"

#define HARDWARE "yaml-configs/hardware/demo.yaml"
#define BASE 0x100000000u

/* Registers as an array, every write logged; the test plays the device between the driver's calls. */
struct script {
    uint32_t registers[BITDIAL_WINDOW_BYTES / 4];
    struct {
        uint32_t offset, value;
    } writes[256];
    unsigned write_count, memory_writes, reads_fail_after;
    uint64_t memory_address;
    size_t memory_bytes;
    struct {
        uint32_t tag, switch_index;
    } results[4]; /* not acknowledged, oldest first */
    unsigned result_count;
    int irq_result; /* of wait_irq */
    unsigned waits;
    uint64_t now;
};

static int read32(void *context, uint32_t offset, uint32_t *value)
{
    struct script *s = context;
    if (s->reads_fail_after && --s->reads_fail_after == 0) {
        return BD_PORT_FAILED;
    }
    *value = s->registers[offset / 4];
    s->now++; /* time passes, so that a poll of a stuck device ends */
    return BD_PORT_OK;
}

static int write32(void *context, uint32_t offset, uint32_t value)
{
    struct script *s = context;
    s->writes[s->write_count].offset = offset;
    s->writes[s->write_count++].value = value;
    if (offset == BITDIAL_IRQ_STATUS_REG) {
        if (value & BITDIAL_IRQ_STATUS_DONE_MASK && s->result_count > 0) {
            s->registers[BITDIAL_DONE_TAG_REG / 4] = s->results[0].tag;
            s->registers[BITDIAL_DONE_SWITCH_REG / 4] = s->results[0].switch_index;
            s->result_count--;
            memmove(s->results, s->results + 1, s->result_count * sizeof *s->results);
        }
        s->registers[offset / 4] &= ~value | (s->result_count > 0 ? BITDIAL_IRQ_STATUS_DONE_MASK : 0);
    }
    return BD_PORT_OK;
}

static int read_memory(void *context, uint64_t address, void *data, size_t size)
{
    (void)context;
    (void)address;
    memset(data, 0x11, size);
    return BD_PORT_OK;
}

static int write_memory(void *context, uint64_t address, const void *data, size_t size)
{
    (void)data;
    struct script *s = context;
    s->memory_writes++;
    s->memory_address = address;
    s->memory_bytes = size;
    return BD_PORT_OK;
}

static int wait_irq(void *context, uint32_t milliseconds)
{
    struct script *s = context;
    s->waits++;
    if (s->irq_result == BD_PORT_TIMEOUT) {
        s->now += milliseconds;
    }
    return s->irq_result;
}

static uint64_t now_ms(void *context)
{
    return ((struct script *)context)->now;
}

static void set(struct script *s, uint32_t offset, uint32_t value)
{
    s->registers[offset / 4] = value;
}

static void identify(struct script *s, const struct bd_hardware *h)
{
    memset(s, 0, sizeof *s);
    uint64_t hash = bd_hardware_geometry_hash(h);
    set(s, BITDIAL_ID_REG, BITDIAL_ID_RESET);
    set(s, BITDIAL_ABI_VERSION_REG, BITDIAL_ABI_VERSION_RESET);
    set(s, BITDIAL_GEOMETRY_REG, (uint32_t)(h->rows | h->requant_units << BITDIAL_GEOMETRY_REQUANT_UNITS_SHIFT));
    set(s, BITDIAL_CAPABILITIES_REG, BITDIAL_CAPABILITIES_XNOR_MASK | BITDIAL_CAPABILITIES_MAC_MASK);
    set(s, BITDIAL_ACT_WORDS_REG, (uint32_t)h->act_words);
    set(s, BITDIAL_Z_WORDS_REG, (uint32_t)h->z_words);
    set(s, BITDIAL_WEIGHT_WORDS_REG, (uint32_t)h->weight_words);
    set(s, BITDIAL_GEOMETRY_HASH_LO_REG, (uint32_t)hash);
    set(s, BITDIAL_GEOMETRY_HASH_HI_REG, (uint32_t)(hash >> 32));
}

static struct bd_port port_of(struct script *s)
{
    return (struct bd_port){s, read32, write32, read_memory, write_memory, wait_irq, now_ms};
}

struct rig {
    struct bd_hardware hardware;
    struct bd_program program;
    struct script script;
    struct bd_device device;
};

static void open_rig(struct rig *rig)
{
    struct bd_error err;
    cr_assert_eq(bd_hardware_load(&rig->hardware, HARDWARE, &err), BD_OK, "%s", err.message);
    /* Network 1 of seed 1 has three switches. */
    cr_assert_eq(bd_random_network(1, 1, &rig->hardware, &rig->program, &err), BD_OK, "%s", err.message);
    cr_assert_geq(rig->program.header->switch_count, 2);
    identify(&rig->script, &rig->hardware);
    struct bd_port port = port_of(&rig->script);
    cr_assert_eq(bd_device_open(&rig->device, &port), BD_DEVICE_OK);
    cr_assert_eq(rig->script.write_count, 0, "open only reads");
}

static void load_rig(struct rig *rig)
{
    open_rig(rig);
    cr_assert_eq(bd_device_load(&rig->device, BASE, rig->program.image, rig->program.size), BD_DEVICE_OK);
    set(&rig->script, BITDIAL_IRQ_ENABLE_REG, BITDIAL_IRQ_ENABLE_DONE_MASK | BITDIAL_IRQ_ENABLE_ERROR_MASK);
    rig->script.write_count = 0;
}

static void close_rig(struct rig *rig)
{
    bd_program_release(&rig->program);
    bd_hardware_release(&rig->hardware);
}

static bool says(const struct bd_device *device, enum bd_device_status status, const char *words)
{
    char text[256];
    bd_device_explain(device, status, text, sizeof text);
    bool found = strstr(text, words) != NULL;
    if (!found) {
        cr_log_error("'%s' does not say '%s'", text, words);
    }
    return found;
}

Test(driver, refuses_strangers_by_name)
{
    struct rig rig;
    open_rig(&rig);
    struct bd_port port = port_of(&rig.script);
    set(&rig.script, BITDIAL_ID_REG, 0x12345678);
    cr_assert_eq(bd_device_open(&rig.device, &port), BD_DEVICE_BAD_ID);
    cr_assert(says(&rig.device, BD_DEVICE_BAD_ID, "is 0x12345678"));
    set(&rig.script, BITDIAL_ID_REG, BITDIAL_ID_RESET);
    set(&rig.script, BITDIAL_ABI_VERSION_REG, 77);
    cr_assert_eq(bd_device_open(&rig.device, &port), BD_DEVICE_BAD_ABI);
    cr_assert(says(&rig.device, BD_DEVICE_BAD_ABI, "ABI_VERSION should be 4, is 77"));
    rig.script.reads_fail_after = 3;
    set(&rig.script, BITDIAL_ABI_VERSION_REG, BITDIAL_ABI_VERSION_RESET);
    cr_assert_eq(bd_device_open(&rig.device, &port), BD_DEVICE_TRANSPORT);
    cr_assert_eq(rig.script.write_count, 0);
    close_rig(&rig);
}

static void expect_refused(struct rig *rig, const void *image, size_t size, enum bd_device_status status,
                           const char *words)
{
    cr_assert_eq(bd_device_load(&rig->device, BASE, image, size), status, "%s", words);
    cr_assert(says(&rig->device, status, words));
    cr_assert_eq(rig->script.write_count, 0, "%s: a register was written", words);
    cr_assert_eq(rig->script.memory_writes, 0, "%s: memory was written", words);
}

Test(driver, refuses_images_and_touches_nothing)
{
    struct rig rig;
    open_rig(&rig);
    size_t size = rig.program.size;
    uint8_t *image = bd_xmalloc(size);
    memcpy(image, rig.program.image, size);
    struct bd_program_header *h = (void *)image;
    expect_refused(&rig, image, 100, BD_DEVICE_BAD_PROGRAM, "length");
    expect_refused(&rig, image, size - 64, BD_DEVICE_BAD_PROGRAM, "length");
    image[size - 1] ^= 1;
    expect_refused(&rig, image, size, BD_DEVICE_BAD_PROGRAM, "CRC");
    image[size - 1] ^= 1;
    h->version++;
    expect_refused(&rig, image, size, BD_DEVICE_BAD_PROGRAM, "version should be 2, is 3");
    h->version--;
    h->rows *= 2;
    expect_refused(&rig, image, size, BD_DEVICE_BAD_GEOMETRY, "rows should be 8, is 16");
    h->rows /= 2;
    h->geometry_hash ^= 1;
    expect_refused(&rig, image, size, BD_DEVICE_BAD_GEOMETRY, "geometry hash");
    h->geometry_hash ^= 1;
    rig.device.capabilities &= ~BITDIAL_CAPABILITIES_MAC_MASK;
    if (h->datapaths & 2) {
        expect_refused(&rig, image, size, BD_DEVICE_NO_CAPABILITY, "MAC datapath");
    }
    rig.device.capabilities |= BITDIAL_CAPABILITIES_MAC_MASK;
    cr_assert_eq(bd_device_load(&rig.device, BASE + 8, image, size), BD_DEVICE_BAD_ARGUMENT);
    cr_assert_eq(rig.script.write_count + rig.script.memory_writes, 0);
    cr_assert_eq(bd_device_load(&rig.device, BASE, image, size), BD_DEVICE_OK);
    cr_assert_eq(rig.script.memory_address, BASE);
    cr_assert_eq(rig.script.memory_bytes, size);
    free(image);
    close_rig(&rig);
}

Test(driver, a_frame_writes_these_registers_in_this_order)
{
    struct rig rig;
    load_rig(&rig);
    cr_assert_eq(bd_device_set_precision(&rig.device, 1), BD_DEVICE_OK);
    cr_assert_eq(bd_device_start(&rig.device, BASE + 0x1000, BASE + 0x2000, NULL), BD_DEVICE_OK);
    const struct {
        uint32_t offset, value;
    } expected[] = {
        {BITDIAL_PRECISION_REG, 1},      {BITDIAL_INPUT_ADDR_LO_REG, 0x1000},
        {BITDIAL_INPUT_ADDR_HI_REG, 1},  {BITDIAL_OUTPUT_ADDR_LO_REG, 0x2000},
        {BITDIAL_OUTPUT_ADDR_HI_REG, 1}, {BITDIAL_TAG_REG, 1},
        {BITDIAL_DOORBELL_REG, 1},
    };
    cr_assert_eq(rig.script.write_count, sizeof expected / sizeof *expected);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        cr_assert_eq(rig.script.writes[i].offset, expected[i].offset, "write %zu", i);
        cr_assert_eq(rig.script.writes[i].value, expected[i].value, "write %zu", i);
    }
    close_rig(&rig);
}

/* The device ends a frame with this tag and switch. */
static void end_frame(struct script *s, uint32_t tag, uint32_t switch_index)
{
    s->registers[BITDIAL_FRAME_COUNT_REG / 4]++;
    s->results[s->result_count].tag = tag;
    s->results[s->result_count++].switch_index = switch_index;
    set(s, BITDIAL_IRQ_STATUS_REG, BITDIAL_IRQ_STATUS_DONE_MASK);
}

Test(driver, frames_are_limited_at_their_switch_alone)
{
    struct rig rig;
    load_rig(&rig);
    cr_assert_eq(bd_device_limit_frames(&rig.device, 1, 5000), BD_DEVICE_OK);
    cr_assert_eq(rig.script.write_count, 0);
    const uint32_t switches[] = {0, 1, 1, 0, 0}, written[] = {0, 1, 1, 1, 0}, limits[] = {0, 5000, 5000, 0, 0};
    for (unsigned i = 0; i < sizeof switches / sizeof *switches; i++) {
        cr_assert_eq(bd_device_set_precision(&rig.device, switches[i]), BD_DEVICE_OK);
        rig.script.write_count = 0;
        cr_assert_eq(bd_device_start(&rig.device, BASE, BASE, NULL), BD_DEVICE_OK);
        cr_assert_eq(rig.script.write_count, 6 + written[i], "frame %u", i);
        cr_assert_eq(rig.script.writes[0].offset == BITDIAL_FRAME_LIMIT_REG, written[i], "frame %u", i);
        cr_assert(!written[i] || rig.script.writes[0].value == limits[i], "frame %u", i);
        end_frame(&rig.script, i + 1, switches[i]);
        cr_assert_eq(bd_device_wait(&rig.device, 10, NULL), BD_DEVICE_OK);
    }
    cr_assert_eq(bd_device_limit_frames(&rig.device, rig.device.switch_count, 1), BD_DEVICE_BAD_SWITCH);
    /* A load leaves no limit: neither the register's, which another driver may have written, nor a switch's. */
    rig.script.write_count = 0;
    cr_assert_eq(bd_device_load(&rig.device, BASE, rig.program.image, rig.program.size), BD_DEVICE_OK);
    bool cleared = false;
    for (unsigned i = 0; i < rig.script.write_count; i++) {
        cleared |= rig.script.writes[i].offset == BITDIAL_FRAME_LIMIT_REG && rig.script.writes[i].value == 0;
    }
    cr_assert(cleared && rig.device.frame_limits[1] == 0);
    close_rig(&rig);
}

Test(driver, bad_arguments_write_no_register)
{
    struct rig rig;
    open_rig(&rig);
    cr_assert_eq(bd_device_start(&rig.device, BASE, BASE, NULL), BD_DEVICE_NOT_LOADED);
    cr_assert_eq(bd_device_set_precision(&rig.device, 0), BD_DEVICE_NOT_LOADED);
    cr_assert_eq(bd_device_limit_frames(&rig.device, 0, 1), BD_DEVICE_NOT_LOADED);
    cr_assert_eq(bd_device_store_layers(&rig.device, true, BASE), BD_DEVICE_NOT_LOADED);
    cr_assert_eq(bd_device_load(&rig.device, BASE, rig.program.image, rig.program.size), BD_DEVICE_OK);
    rig.script.write_count = 0;
    cr_assert_eq(bd_device_set_precision(&rig.device, rig.device.switch_count), BD_DEVICE_BAD_SWITCH);
    cr_assert_eq(bd_device_start(&rig.device, BASE + 4, BASE, NULL), BD_DEVICE_BAD_ARGUMENT);
    cr_assert_eq(bd_device_start(&rig.device, BASE, BASE + 1, NULL), BD_DEVICE_BAD_ARGUMENT);
    cr_assert_eq(bd_device_store_layers(&rig.device, true, BASE + 4), BD_DEVICE_BAD_ARGUMENT);
    cr_assert_eq(bd_device_wait(&rig.device, 10, NULL), BD_DEVICE_NOTHING_STARTED);
    cr_assert_eq(rig.script.write_count, 0);
    for (unsigned i = 0; i < BD_DEVICE_IN_FLIGHT; i++) {
        cr_assert_eq(bd_device_start(&rig.device, BASE, BASE, NULL), BD_DEVICE_OK);
    }
    rig.script.write_count = 0;
    cr_assert_eq(bd_device_start(&rig.device, BASE, BASE, NULL), BD_DEVICE_QUEUE_FULL);
    cr_assert_eq(bd_device_load(&rig.device, BASE, rig.program.image, rig.program.size), BD_DEVICE_BAD_ARGUMENT);
    cr_assert_eq(rig.script.write_count, 0);
    close_rig(&rig);
}

Test(driver, two_frames_that_share_an_interrupt)
{
    struct rig rig;
    load_rig(&rig);
    struct bd_device_frame done;
    cr_assert_eq(bd_device_start(&rig.device, BASE, BASE, NULL), BD_DEVICE_OK);
    cr_assert_eq(bd_device_set_precision(&rig.device, 1), BD_DEVICE_OK);
    cr_assert_eq(bd_device_start(&rig.device, BASE, BASE, NULL), BD_DEVICE_OK);
    end_frame(&rig.script, 1, 0);
    end_frame(&rig.script, 2, 1);
    cr_assert_eq(bd_device_wait(&rig.device, 10, &done), BD_DEVICE_OK);
    cr_assert_eq(rig.script.registers[BITDIAL_DONE_TAG_REG / 4], 1, "the second is not taken yet");
    cr_assert_eq(done.tag, 1);
    cr_assert_eq(done.switch_index, 0);
    cr_assert_eq(bd_device_wait(&rig.device, 10, &done), BD_DEVICE_OK);
    cr_assert_eq(done.tag, 2);
    cr_assert_eq(done.switch_index, 1);
    cr_assert_eq(bd_device_wait(&rig.device, 10, &done), BD_DEVICE_NOTHING_STARTED);
    close_rig(&rig);
}

Test(driver, waits_are_bounded_and_tell_a_lost_interrupt_from_a_frame_that_never_ends)
{
    struct rig rig;
    load_rig(&rig);
    rig.script.irq_result = BD_PORT_TIMEOUT;
    cr_assert_eq(bd_device_start(&rig.device, BASE, BASE, NULL), BD_DEVICE_OK);
    set(&rig.script, BITDIAL_STATUS_REG, BITDIAL_STATUS_BUSY_MASK);
    cr_assert_eq(bd_device_wait(&rig.device, 250, NULL), BD_DEVICE_TIMEOUT);
    cr_assert(says(&rig.device, BD_DEVICE_TIMEOUT, "waited 250 ms for the interrupt of frame 1"));
    cr_assert(says(&rig.device, BD_DEVICE_TIMEOUT, "; STATUS 0x1 (busy), IRQ_STATUS 0x0"));
    cr_assert_eq(rig.device.in_flight, 1, "it stays in flight");
    set(&rig.script, BITDIAL_STATUS_REG, 0);
    end_frame(&rig.script, 1, 0);
    cr_assert_eq(bd_device_wait(&rig.device, 250, NULL), BD_DEVICE_LOST_INTERRUPT);
    cr_assert(says(&rig.device, BD_DEVICE_LOST_INTERRUPT, "its interrupt never came"));
    /* A reset: registers are as after power-up, the count of frames too. */
    set(&rig.script, BITDIAL_IRQ_ENABLE_REG, 0);
    set(&rig.script, BITDIAL_FRAME_COUNT_REG, 0);
    cr_assert_eq(bd_device_wait(&rig.device, 250, NULL), BD_DEVICE_FORGOTTEN);
    cr_assert(says(&rig.device, BD_DEVICE_FORGOTTEN, "load the program again: IRQ_ENABLE should be 3, is 0"));
    rig.script.irq_result = BD_PORT_FAILED;
    cr_assert_eq(bd_device_wait(&rig.device, 250, NULL), BD_DEVICE_TRANSPORT);
    close_rig(&rig);
}

Test(driver, an_interrupt_without_a_cause_does_not_hang)
{
    struct rig rig;
    load_rig(&rig);
    cr_assert_eq(bd_device_start(&rig.device, BASE, BASE, NULL), BD_DEVICE_OK);
    cr_assert_eq(bd_device_wait(&rig.device, 100, NULL), BD_DEVICE_TIMEOUT);
    cr_assert_leq(rig.script.waits, 101);
    close_rig(&rig);
}

Test(driver, names_a_wrong_switch_and_a_wrong_tag)
{
    struct rig rig;
    load_rig(&rig);
    cr_assert_eq(bd_device_set_precision(&rig.device, 1), BD_DEVICE_OK);
    cr_assert_eq(bd_device_start(&rig.device, BASE, BASE, NULL), BD_DEVICE_OK);
    end_frame(&rig.script, 1, 0);
    cr_assert_eq(bd_device_wait(&rig.device, 10, NULL), BD_DEVICE_WRONG_SWITCH);
    cr_assert(says(&rig.device, BD_DEVICE_WRONG_SWITCH, "asked for 1 (s1), DONE_SWITCH says 0 (s0)"));
    close_rig(&rig);
    load_rig(&rig);
    cr_assert_eq(bd_device_start(&rig.device, BASE, BASE, NULL), BD_DEVICE_OK);
    end_frame(&rig.script, 9, 0);
    cr_assert_eq(bd_device_wait(&rig.device, 10, NULL), BD_DEVICE_WRONG_TAG);
    cr_assert(says(&rig.device, BD_DEVICE_WRONG_TAG, "DONE_TAG should be 1, is 9"));
    close_rig(&rig);
}

Test(driver, device_errors_by_name_and_then_it_is_idle)
{
    static const struct {
        uint32_t code;
        enum bd_device_status status;
        const char *words;
    } cases[] = {
        {BITDIAL_ERROR_BAD_SWITCH, BD_DEVICE_BAD_SWITCH, "no such switch"},
        {BITDIAL_ERROR_QUEUE_FULL, BD_DEVICE_QUEUE_FULL, "queue is full"},
        {BITDIAL_ERROR_BUS_ERROR, BD_DEVICE_BUS_ERROR, "layer 5"},
        {BITDIAL_ERROR_BAD_DESCRIPTOR, BD_DEVICE_BAD_DESCRIPTOR, "layer 5"},
        {BITDIAL_ERROR_WATCHDOG, BD_DEVICE_WATCHDOG, "layer 5; the memory may answer too slowly for WATCHDOG_LIMIT"},
        {BITDIAL_ERROR_BUS_DEAD, BD_DEVICE_BUS_DEAD, "layer 5; nothing may answer at an address"},
        {BITDIAL_ERROR_FRAME_LIMIT, BD_DEVICE_FRAME_LIMIT, "layer 5; the memory may be slower than FRAME_LIMIT allows"},
        {13, BD_DEVICE_DEVICE_ERROR, "13"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig rig;
        load_rig(&rig);
        cr_assert_eq(bd_device_start(&rig.device, BASE, BASE, NULL), BD_DEVICE_OK);
        set(&rig.script, BITDIAL_IRQ_STATUS_REG, BITDIAL_IRQ_STATUS_ERROR_MASK);
        set(&rig.script, BITDIAL_STATUS_REG,
            cases[i].code << BITDIAL_STATUS_ERROR_SHIFT | 5u << BITDIAL_STATUS_ERROR_LAYER_SHIFT);
        cr_assert_eq(bd_device_wait(&rig.device, 10, NULL), cases[i].status, "case %zu", i);
        cr_assert(says(&rig.device, cases[i].status, cases[i].words));
        cr_assert_eq(rig.device.in_flight, 0);
        cr_assert_eq(rig.script.registers[BITDIAL_IRQ_STATUS_REG / 4], 0, "the error is cleared");
        close_rig(&rig);
    }
}

Test(driver, reset_of_a_stuck_device_ends)
{
    struct rig rig;
    load_rig(&rig);
    set(&rig.script, BITDIAL_STATUS_REG, BITDIAL_STATUS_BUSY_MASK);
    cr_assert_eq(bd_device_reset(&rig.device, 40), BD_DEVICE_TIMEOUT);
    cr_assert(says(&rig.device, BD_DEVICE_TIMEOUT, "waited 40 ms for STATUS.BUSY after a soft reset"));
    set(&rig.script, BITDIAL_STATUS_REG, BITDIAL_STATUS_BUS_OPEN_MASK);
    cr_assert_eq(bd_device_reset(&rig.device, 40), BD_DEVICE_BUS_DEAD, "idle, but transfers are open");
    set(&rig.script, BITDIAL_STATUS_REG, 0);
    cr_assert_eq(bd_device_reset(&rig.device, 0), BD_DEVICE_OK, "idle, however long the look at it took");
    cr_assert_eq(rig.script.writes[0].offset, BITDIAL_CONTROL_REG);
    cr_assert(rig.script.writes[0].value & BITDIAL_CONTROL_SOFT_RESET_MASK);
    close_rig(&rig);
}

Test(driver, explanations_fit_any_buffer)
{
    struct rig rig;
    load_rig(&rig);
    for (size_t size = 1; size < 40; size++) {
        char text[64];
        memset(text, 'x', sizeof text);
        bd_device_explain(&rig.device, BD_DEVICE_TIMEOUT, text, size);
        cr_assert_lt(strnlen(text, sizeof text), size);
        cr_assert_eq(text[size], 'x');
    }
    close_rig(&rig);
}

/* A program that uses one datapath runs where the other was not built, and says which it lacks where it was. */
Test(driver, programs_need_the_datapaths_that_they_use)
{
    static const uint32_t built[] = {0, BITDIAL_CAPABILITIES_XNOR_MASK, BITDIAL_CAPABILITIES_MAC_MASK,
                                     BITDIAL_CAPABILITIES_XNOR_MASK | BITDIAL_CAPABILITIES_MAC_MASK};
    struct rig rig;
    open_rig(&rig);
    uint8_t *image = bd_xmalloc(rig.program.size);
    memcpy(image, rig.program.image, rig.program.size);
    struct bd_program_header *h = (void *)image;
    for (uint32_t used = 1; used < 4; used++) {
        h->datapaths = used;
        h->crc = 0;
        h->crc = bd_crc32(image, rig.program.size);
        for (uint32_t has = 0; has < 4; has++) {
            rig.device.capabilities = built[has];
            const enum bd_device_status status = bd_device_load(&rig.device, BASE, image, rig.program.size);
            const uint32_t missing = used & ~has;
            cr_assert_eq(status, missing ? BD_DEVICE_NO_CAPABILITY : BD_DEVICE_OK, "used %u, built %u", used, has);
            cr_assert(!missing || says(&rig.device, status, missing & 1 ? "XNOR datapath" : "MAC datapath"));
        }
    }
    free(image);
    close_rig(&rig);
}

Test(driver, switches_are_found_by_name)
{
    struct rig rig;
    open_rig(&rig);
    cr_assert_eq(bd_device_switch_index(&rig.device, "s0"), -1, "nothing is loaded");
    close_rig(&rig);
    load_rig(&rig);
    for (uint32_t s = 0; s < rig.program.header->switch_count; s++) {
        char name[24];
        snprintf(name, sizeof name, "%s", rig.program.switches[s].name);
        cr_assert_eq(bd_device_switch_index(&rig.device, name), (int)s);
        strcat(name, "x");
        cr_assert_eq(bd_device_switch_index(&rig.device, name), -1);
        name[1] = '\0';
        cr_assert_eq(bd_device_switch_index(&rig.device, name), -1);
    }
    cr_assert_eq(bd_device_switch_index(&rig.device, ""), -1);
    close_rig(&rig);
}
