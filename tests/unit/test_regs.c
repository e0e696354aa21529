/* The register map as the transaction-level device model has it: reset values, access kinds, side effects. The RTL is
 * held to the same table by sim/bench (tests/cli/rtl_bench_test.sh). */
#include <criterion/criterion.h>
#include <string.h>

#include "model/program/hardware.h"
#include "sw/driver/bitdial_regs.h"
#include "sw/transport/device_model.h"
#include "tests/support/regs_table.h"

struct row {
    const char *name;
    uint32_t offset;
    enum regs_access access;
    uint32_t reset;
    int fixed;
    uint32_t mask;
};

static const struct row table[] = {
#define X(name, offset, access, reset, fixed, mask) {#name, offset, access, reset, fixed, mask},
    REGS_TABLE(X)
#undef X
};
enum { ROWS = sizeof table / sizeof table[0] };

static struct bd_hardware hardware;
static struct bd_guarded_memory memory;

static struct bd_device_model *new_model(void)
{
    struct bd_error err;
    cr_assert_eq(bd_hardware_load(&hardware, "yaml-configs/hardware/demo.yaml", &err), BD_OK, "%s", err.message);
    bd_guarded_memory_init(&memory, 0, 4096);
    return bd_device_model_new(&memory, &hardware);
}

static void free_model(struct bd_device_model *model)
{
    bd_device_model_free(model);
    bd_guarded_memory_release(&memory);
    bd_hardware_release(&hardware);
}

Test(regs, reset_values)
{
    struct bd_device_model *model = new_model();
    for (int i = 0; i < ROWS; i++)
        if (table[i].fixed)
            cr_assert_eq(bd_device_model_read(model, table[i].offset), table[i].reset,
                         "%s is 0x%x after reset, not 0x%x", table[i].name,
                         bd_device_model_read(model, table[i].offset), table[i].reset);
    cr_assert_eq(bd_device_model_read(model, BITDIAL_GEOMETRY_REG),
                 (uint32_t)(hardware.rows << BITDIAL_GEOMETRY_ROWS_SHIFT |
                            hardware.requant_units << BITDIAL_GEOMETRY_REQUANT_UNITS_SHIFT |
                            hardware.mac_channels << BITDIAL_GEOMETRY_MAC_CHANNELS_SHIFT |
                            hardware.acc_bits << BITDIAL_GEOMETRY_ACC_BITS_SHIFT));
    const uint64_t hash = bd_hardware_geometry_hash(&hardware);
    cr_assert_eq(bd_device_model_read(model, BITDIAL_GEOMETRY_HASH_LO_REG), (uint32_t)hash);
    cr_assert_eq(bd_device_model_read(model, BITDIAL_GEOMETRY_HASH_HI_REG), (uint32_t)(hash >> 32));
    free_model(model);
}

Test(regs, access_kinds)
{
    static const uint32_t values[] = {0xfffffffbu, 0xa5a5a5a1u, 0x5a5a5a5au, 0}; /* SOFT_RESET stays 0 */
    struct bd_device_model *model = new_model();
    for (int i = 0; i < ROWS; i++) {
        const struct row *r = &table[i];
        if (r->access == REGS_WO)
            continue;
        const uint32_t before = bd_device_model_read(model, r->offset);
        for (size_t v = 0; v < sizeof values / sizeof values[0]; v++) {
            bd_device_model_write(model, r->offset, values[v]);
            const uint32_t want = r->access == REGS_RW ? values[v] & r->mask : before;
            const uint32_t got = bd_device_model_read(model, r->offset);
            cr_assert_eq(got, want, "%s: 0x%x written, 0x%x read, 0x%x expected", r->name, values[v], got, want);
        }
    }
    free_model(model);
}

/* The table itself: offsets are distinct words of the window, in order, and no fixed reset exceeds what is there. */
Test(regs, table_is_sound)
{
    for (int i = 0; i < ROWS; i++) {
        cr_assert(table[i].offset % 4 == 0 && table[i].offset < BITDIAL_WINDOW_BYTES, "%s", table[i].name);
        cr_assert(i == 0 || table[i].offset > table[i - 1].offset, "%s", table[i].name);
        cr_assert(table[i].access == REGS_RW || table[i].mask == 0, "%s", table[i].name);
        cr_assert(table[i].access != REGS_RW || (table[i].reset & ~table[i].mask) == 0, "%s", table[i].name);
    }
}

/* A doorbell that may not ring says why, and the error goes away with its interrupt. */
Test(regs, bad_switch_is_named_and_cleared)
{
    struct bd_device_model *model = new_model();
    bd_device_model_write(model, BITDIAL_CONTROL_REG, BITDIAL_CONTROL_IRQ_ENABLE_MASK);
    bd_device_model_write(model, BITDIAL_IRQ_ENABLE_REG, BITDIAL_IRQ_ENABLE_ERROR_MASK);
    bd_device_model_write(model, BITDIAL_SWITCH_COUNT_REG, 2);
    bd_device_model_write(model, BITDIAL_PRECISION_REG, 2);
    bd_device_model_write(model, BITDIAL_DOORBELL_REG, 1);
    cr_assert(bd_device_model_irq(model));
    cr_assert_eq(bd_device_model_read(model, BITDIAL_STATUS_REG),
                 (uint32_t)BITDIAL_ERROR_BAD_SWITCH << BITDIAL_STATUS_ERROR_SHIFT);
    bd_device_model_write(model, BITDIAL_IRQ_STATUS_REG, BITDIAL_IRQ_STATUS_ERROR_MASK);
    cr_assert_not(bd_device_model_irq(model));
    cr_assert_eq(bd_device_model_read(model, BITDIAL_STATUS_REG), 0);
    free_model(model);
}
