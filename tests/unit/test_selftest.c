/* The self-test of a device: it passes on the reference, and each of its steps fails, and no earlier one, where that
 * for which the step stands is broken on purpose. */
#include <criterion/criterion.h>
#include <string.h>

#include "sw/bringup/registers.h"
#include "sw/bringup/selftest_parts.h"
#include "sw/driver/bitdial_regs.h"
#include "tests/support/regs_table.h"

enum fault {
    NONE,
    TAG_BIT,
    TWO_AS_ONE,
    READ_ONLY,
    DATA_LINE,
    ADDRESS_LINE,
    RESULT_LOST,
    RESULT_LONG,
    LAYER,
    LOGIT,
    PRECISION,
    CLOCKS,
    ORDER,
    NO_LIMIT,
    NO_FRAME_LIMIT
};

/* The reference with one fault between it and the host. */
struct broken {
    struct bd_platform inner;
    enum fault fault;
    const struct bd_session *session;
    uint32_t faked;
    bool is_faked;
};

static bd_status read_register(void *self, uint32_t offset, uint32_t *value, struct bd_error *err)
{
    struct broken *b = self;
    bd_status status = b->inner.ops->read_register(b->inner.self, offset, value, err);
    *value &= b->fault == TAG_BIT && offset == BITDIAL_TAG_REG ? ~(1u << 5) : ~0u;
    *value += b->fault == CLOCKS && offset == BITDIAL_COUNTER_TOTAL_LO_REG;
    if (b->fault == READ_ONLY && offset == BITDIAL_ID_REG && b->is_faked) {
        *value = b->faked;
    }
    if (b->fault == ORDER && offset == BITDIAL_DONE_TAG_REG && b->session->device.in_flight > 1) {
        *value ^= 1;
    }
    return status;
}

static bd_status write_register(void *self, uint32_t offset, uint32_t value, struct bd_error *err)
{
    struct broken *b = self;
    if (b->fault == TWO_AS_ONE && offset == BITDIAL_STORE_ADDR_HI_REG) {
        offset = BITDIAL_STORE_ADDR_LO_REG;
    }
    if (b->fault == READ_ONLY && offset == BITDIAL_ID_REG) {
        b->is_faked = true;
        b->faked = value;
    }
    if ((b->fault == PRECISION && offset == BITDIAL_PRECISION_REG && b->session->device.loaded) ||
        (b->fault == NO_LIMIT && offset == BITDIAL_WATCHDOG_LIMIT_REG && value == 1) ||
        (b->fault == NO_FRAME_LIMIT && offset == BITDIAL_FRAME_LIMIT_REG && value == 1)) {
        return BD_OK;
    }
    return b->inner.ops->write_register(b->inner.self, offset, value, err);
}

static bd_status read_memory(void *self, uint64_t address, void *data, uint64_t size, struct bd_error *err)
{
    struct broken *b = self;
    const struct bd_session *s = b->session;
    const bool result = s->program && address == s->outputs[0];
    uint8_t *bytes = data;
    if (b->fault == ADDRESS_LINE) {
        address &= ~UINT64_C(0x400000);
    }
    bd_status status = b->inner.ops->read_memory(b->inner.self, address, data, size, err);
    if (b->fault == DATA_LINE) {
        bytes[0] |= address % 8 == 0 ? 0x10 : 0;
    }
    if (b->fault == RESULT_LOST && result) {
        memset(data, 0xa5, size);
    }
    if (b->fault == RESULT_LONG && result && size > s->program->header->output_bytes) {
        bytes[s->program->header->output_bytes] = 0;
    }
    if (b->fault == LAYER && s->program && address == s->store) {
        for (uint64_t i = 0; i < size; i++) {
            bytes[i] ^= 1;
        }
    }
    if (b->fault == LOGIT && s->program && size == s->program->header->classes * 4) {
        bytes[0] ^= 1;
    }
    return status;
}

static bd_status write_memory(void *self, uint64_t address, const void *data, uint64_t size, struct bd_error *err)
{
    struct broken *b = self;
    address &= b->fault == ADDRESS_LINE ? ~UINT64_C(0x400000) : ~UINT64_C(0);
    return b->inner.ops->write_memory(b->inner.self, address, data, size, err);
}

static bd_status wait_irq(void *self, uint64_t milliseconds, uint64_t clocks, bool *raised, struct bd_error *err)
{
    struct broken *b = self;
    return b->inner.ops->wait_irq(b->inner.self, milliseconds, clocks, raised, err);
}

static bd_status region(void *self, enum bd_write_class kind, uint64_t address, uint64_t size, struct bd_error *err)
{
    struct broken *b = self;
    return b->inner.ops->region(b->inner.self, kind, address, size, err);
}

static bd_status seal(void *self, bool sealed, struct bd_error *err)
{
    struct broken *b = self;
    return b->inner.ops->seal(b->inner.self, sealed, err);
}

static const struct bd_platform_ops broken_ops = {
    .read_register = read_register,
    .write_register = write_register,
    .read_memory = read_memory,
    .write_memory = write_memory,
    .wait_irq = wait_irq,
    .region = region,
    .seal = seal,
};

static bd_status (*const steps[])(struct bd_selftest *t, struct bd_error *err) = {
    bd_selftest_scratch, bd_selftest_registers, bd_selftest_memory, bd_selftest_dma,
    bd_selftest_layers,  bd_selftest_switches,  bd_selftest_queue,  bd_selftest_watchdog,
};
enum { STEPS = sizeof steps / sizeof *steps, FIRST = BD_SELFTEST_SCRATCH };

/* The step that fails under a fault, and what it says. */
static int failing_step(enum fault fault, struct bd_error *err)
{
    const struct bd_session_options options = {.device = "ref", .hardware_path = "tests/small_hardware.yaml"};
    struct bd_selftest t = {.options = &options};
    struct bd_error ignored;
    char detail[640];
    t.detail = detail;
    t.detail_size = sizeof detail;
    cr_assert_eq(bd_session_open(&t.session, &options, err), BD_OK, "%s", err->message);
    struct broken broken = {.inner = t.session.platform, .fault = fault, .session = &t.session};
    t.session.platform.ops = &broken_ops;
    t.session.platform.self = &broken;
    int failed = -1;
    for (int i = 0; i < STEPS && failed < 0; i++) {
        failed = steps[i](&t, err) == BD_OK ? -1 : FIRST + i;
    }
    t.session.platform.ops = broken.inner.ops;
    t.session.platform.self = broken.inner.self;
    bd_selftest_release_program(&t);
    cr_assert_eq(bd_session_close(&t.session, &ignored), BD_OK);
    return failed;
}

Test(selftest, each_step_finds_its_fault)
{
    static const struct {
        enum fault fault;
        int step;
        const char *words;
    } cases[] = {
        {NONE, -1, ""},
        {TAG_BIT, BD_SELFTEST_SCRATCH, "bits 0x00000020 are 0 where 1"},
        {TWO_AS_ONE, BD_SELFTEST_REGISTERS, "STORE_ADDR_LO (0x060)"},
        {READ_ONLY, BD_SELFTEST_REGISTERS, "ID, which is read only"},
        {DATA_LINE, BD_SELFTEST_MEMORY, "data lines: byte 0x100000000"},
        {ADDRESS_LINE, BD_SELFTEST_MEMORY, "address line of 0x0"},
        {RESULT_LOST, BD_SELFTEST_DMA, "no byte of its result"},
        {RESULT_LONG, BD_SELFTEST_DMA, "wrote past its result: byte 0"},
        {LAYER, BD_SELFTEST_LAYERS, "layer "},
        {LOGIT, BD_SELFTEST_SWITCHES, "logit 0: the reference has"},
        {PRECISION, BD_SELFTEST_SWITCHES, "asked for 1 (s1), DONE_SWITCH says 0"},
        {CLOCKS, BD_SELFTEST_SWITCHES, "their total is"},
        {ORDER, BD_SELFTEST_QUEUE, "another frame than the one"},
        {NO_LIMIT, BD_SELFTEST_WATCHDOG, "with WATCHDOG_LIMIT 1 a frame gave 'success'"},
        {NO_FRAME_LIMIT, BD_SELFTEST_WATCHDOG, "with FRAME_LIMIT 1 a frame gave 'success'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bd_error err = {0};
        const int step = failing_step(cases[i].fault, &err);
        cr_assert_eq(step, cases[i].step, "fault %zu is found by step %d (%s), not %d", i, step, err.message,
                     cases[i].step);
        cr_assert(step < 0 || strstr(err.message, cases[i].words), "fault %zu: '%s' does not say '%s'", i, err.message,
                  cases[i].words);
    }
}

static void count_steps(void *context, enum bd_selftest_step step, const struct bd_selftest_result *result)
{
    int *told = context;
    cr_assert_eq((int)step, *told);
    cr_assert_neq(result->verdict, BD_SELFTEST_NOT_RUN);
    ++*told;
}

Test(selftest, report_of_a_whole_run_and_of_an_unknown_device)
{
    struct bd_selftest_report report;
    struct bd_error err;
    int told = 0;
    struct bd_session_options options = {.device = "ref", .hardware_path = "tests/small_hardware.yaml"};
    cr_assert_eq(bd_selftest(&options, &report, count_steps, &told, &err), BD_OK, "%s", err.message);
    cr_assert_eq(told, BD_SELFTEST_COUNT);
    for (int i = 0; i < BD_SELFTEST_COUNT; i++) {
        cr_assert_eq(report.steps[i].verdict, BD_SELFTEST_PASSED);
        cr_assert(report.steps[i].detail[0]);
    }
    options.device = "toaster";
    cr_assert_eq(bd_selftest(&options, &report, NULL, NULL, &err), BD_BAD_INPUT);
    cr_assert(strstr(err.message, "step 1 (link): no device is called 'toaster'"), "%s", err.message);
    cr_assert_eq(report.steps[BD_SELFTEST_LINK].verdict, BD_SELFTEST_FAILED);
    cr_assert_eq(report.steps[BD_SELFTEST_IDENTITY].verdict, BD_SELFTEST_NOT_RUN);
}

/* The names that people read, against the table that the tests read; fields lie inside what their register can hold. */
Test(selftest, named_registers_are_those_of_the_map)
{
    static const struct {
        const char *name;
        uint32_t offset, mask;
    } table[] = {
#define X(name, offset, access, reset, fixed, mask) {#name, offset, mask},
        REGS_TABLE(X)
#undef X
    };
    cr_assert_eq(bd_register_count, sizeof table / sizeof *table);
    for (size_t i = 0; i < bd_register_count; i++) {
        cr_assert_str_eq(bd_registers[i].name, table[i].name);
        cr_assert_eq(bd_registers[i].offset, table[i].offset);
        cr_assert_eq(bd_registers[i].writable, table[i].mask);
        cr_assert_eq(bd_register_find(table[i].name, 0), &bd_registers[i]);
        cr_assert_eq(bd_register_find(NULL, table[i].offset), &bd_registers[i]);
    }
    for (size_t i = 0; i < bd_register_field_count; i++) {
        cr_assert_not_null(bd_register_find(NULL, bd_register_fields[i].offset));
        cr_assert_eq(bd_register_fields[i].mask >> bd_register_fields[i].shift & 1, 1);
    }
    char text[256];
    bd_register_describe(BITDIAL_STATUS_REG, 0x00030503, text, sizeof text);
    cr_assert_str_eq(text, "BUSY 1, QUEUE_LEVEL 1, RESULT_LEVEL 0, BUS_OPEN 0, ERROR 5 (WATCHDOG), ERROR_LAYER 3");
    cr_assert_null(bd_register_find("NOPE", 0));
}
