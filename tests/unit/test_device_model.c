/* The device model through the driver: programs, frames, errors and results as the register map has them. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/cost/cost.h"
#include "model/exec/exec.h"
#include "model/program/random_network.h"
#include "sw/driver/bitdial_regs.h"
#include "sw/driver/driver.h"
#include "sw/transport/ref.h"

struct rig {
    struct bd_hardware hardware;
    struct bd_program program;
    struct bd_platform platform;
    struct bd_device device;
    uint8_t *image;
    uint64_t input, output, store;
};

static void open_rig(struct rig *rig)
{
    struct bd_error err;
    memset(rig, 0, sizeof *rig);
    cr_assert_eq(bd_hardware_load(&rig->hardware, "yaml-configs/hardware/demo.yaml", &err), BD_OK, "%s", err.message);
    cr_assert_eq(bd_random_network(1, 1, &rig->hardware, &rig->program, &err), BD_OK, "%s", err.message);
    bd_ref_open(&rig->platform, &rig->hardware);
    struct bd_port port = bd_platform_port(&rig->platform);
    cr_assert_eq(bd_device_open(&rig->device, &port), BD_DEVICE_OK);
    cr_assert_eq(bd_device_load(&rig->device, rig->platform.memory_base, rig->program.image, rig->program.size),
                 BD_DEVICE_OK);
    rig->input = rig->platform.memory_base + (1 << 20);
    rig->output = rig->input + (1 << 20);
    rig->store = rig->output + (1 << 20);
    rig->image = bd_xmalloc(rig->program.header->input_bytes);
    bd_random_image(&rig->program, 5, rig->image);
    cr_assert_eq(rig->platform.ops->write_memory(rig->platform.self, rig->input, rig->image,
                                                 rig->program.header->input_bytes, &err),
                 BD_OK);
}

static void close_rig(struct rig *rig)
{
    struct bd_error err;
    free(rig->image);
    cr_assert_eq(rig->platform.ops->close(rig->platform.self, &err), BD_OK);
    bd_program_release(&rig->program);
    bd_hardware_release(&rig->hardware);
}

/* What says that the program may be another one makes the next frame load it, and that one alone. */
Test(device_model, the_model_loads_a_program_when_its_registers_say_so)
{
    static const struct {
        uint32_t offset, value;
        bool loads, again;
        int more; /* times that it is written */
    } cases[] = {
        {BITDIAL_PRECISION_REG, 0, true, false, 0}, /* the first frame */
        {BITDIAL_PRECISION_REG, 1, false, false, 0},
        {BITDIAL_STORE_ADDR_LO_REG, 64, false, false, 0},
        {BITDIAL_WATCHDOG_LIMIT_REG, 0, false, false, 0},
        {BITDIAL_CONTROL_REG, BITDIAL_CONTROL_IRQ_ENABLE_MASK, false, false, 0},
        {BITDIAL_CONTROL_REG, BITDIAL_CONTROL_IRQ_ENABLE_MASK | BITDIAL_CONTROL_RELOAD_MASK, true, false, 0},
        {BITDIAL_CONTROL_REG, BITDIAL_CONTROL_IRQ_ENABLE_MASK | BITDIAL_CONTROL_SOFT_RESET_MASK, true, false, 0},
        {BITDIAL_PROGRAM_ADDR_LO_REG, 0, true, true, 0}, /* written as it was */
        {BITDIAL_PROGRAM_ADDR_HI_REG, 0, true, true, 0},
        {BITDIAL_DESC_OFFSET_REG, 0, true, true, 0},
        {BITDIAL_SWITCH_STRIDE_REG, 0, true, true, 0},
        {BITDIAL_LAYER_COUNT_REG, 0, true, true, 0},
        {BITDIAL_SWITCH_COUNT_REG, 0, true, true, 0},
        {BITDIAL_SWITCH_COUNT_REG, 0, true, true, 255}, /* however often */
        {BITDIAL_PROGRAM_ADDR_LO_REG, 0, true, true, 65535},
    };
    struct rig rig;
    struct bd_error err;
    open_rig(&rig);
    const struct bd_platform_ops *ops = rig.platform.ops;
    uint64_t bytes, clocks[BD_PROGRAM_MAX_SWITCHES];
    struct bd_frame_cost *cost = bd_xcalloc(1, sizeof *cost);
    for (unsigned s = 0; s < 2; s++) {
        cr_assert_eq(bd_cost_frame(&rig.program, &rig.hardware, s, false, cost, &err), BD_OK);
        clocks[s] = cost->cycles;
    }
    const uint64_t load =
        bd_cost_load(rig.program.header, bd_program_load_descriptor(&rig.program), &rig.hardware.memory, &bytes);
    unsigned s = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint32_t value = cases[i].value;
        if (cases[i].again) { /* a device gives its registers back */
            cr_assert_eq(ops->read_register(rig.platform.self, cases[i].offset, &value, &err), BD_OK);
        }
        for (int n = 0; n <= cases[i].more; n++) {
            cr_assert_eq(ops->write_register(rig.platform.self, cases[i].offset, value, &err), BD_OK);
        }
        s = cases[i].offset == BITDIAL_PRECISION_REG ? value : s;
        for (int frame = 0; frame < 2; frame++) {
            struct bd_device_counters counters;
            cr_assert_eq(bd_device_start(&rig.device, rig.input, rig.output, NULL), BD_DEVICE_OK);
            rig.device.flight[0].switch_index = s;
            cr_assert_eq(bd_device_wait(&rig.device, 1000, NULL), BD_DEVICE_OK);
            cr_assert_eq(bd_device_read_counters(&rig.device, &counters), BD_DEVICE_OK);
            cr_assert_eq(counters.total, clocks[s] + (cases[i].loads && frame == 0 ? load : 0), "case %zu, frame %d", i,
                         frame);
        }
    }
    free(cost);
    close_rig(&rig);
}

Test(device_model, the_model_runs_a_frame_as_the_reference_and_the_cost_model_say)
{
    struct rig rig;
    struct bd_error err;
    struct bd_decoded *decoded;
    open_rig(&rig);
    const struct bd_program_header *h = rig.program.header;
    cr_assert_eq(bd_decode(&rig.program, &decoded, &err), BD_OK);
    uint8_t *store = bd_xmalloc(h->store_bytes);
    struct bd_frame_cost *cost = bd_xcalloc(1, sizeof *cost);
    for (unsigned s = 0; s < h->switch_count; s++) {
        struct bd_frame frame;
        struct bd_device_counters counters;
        int32_t *logits = bd_xcalloc(h->classes, sizeof *logits);
        cr_assert_eq(bd_execute(&rig.program, decoded, s, rig.image, &frame, &err), BD_OK);
        cr_assert_eq(bd_cost_frame(&rig.program, &rig.hardware, s, true, cost, &err), BD_OK);
        cr_assert_eq(bd_device_store_layers(&rig.device, true, rig.store), BD_DEVICE_OK);
        cr_assert_eq(bd_device_set_precision(&rig.device, s), BD_DEVICE_OK);
        cr_assert_eq(bd_device_start(&rig.device, rig.input, rig.output, NULL), BD_DEVICE_OK);
        cr_assert_eq(bd_device_wait(&rig.device, 1000, NULL), BD_DEVICE_OK);
        cr_assert_eq(bd_device_read_result(&rig.device, rig.output, logits, h->classes), BD_DEVICE_OK);
        cr_assert_eq(memcmp(logits, frame.logits, h->classes * 4), 0);
        cr_assert_eq(bd_device_read_counters(&rig.device, &counters), BD_DEVICE_OK);
        uint64_t bytes;
        const struct bd_load_descriptor *parts = bd_program_load_descriptor(&rig.program);
        const uint64_t load = s == 0 ? bd_cost_load(h, parts, &rig.hardware.memory, &bytes) : 0;
        cr_assert_eq(counters.total, cost->cycles + load); /* the first frame loads the program */
        cr_assert_eq(counters.weight_stall, cost->weight_stall + load);
        cr_assert_eq(counters.total, counters.compute + counters.weight_stall + counters.input_stall +
                                         counters.output_stall + counters.overhead);
        cr_assert_eq(rig.platform.ops->read_memory(rig.platform.self, rig.store, store, h->store_bytes, &err), BD_OK);
        for (unsigned l = 0; l < h->layer_count; l++) {
            struct bd_layer_output found;
            const struct bd_layer_output *expected = &frame.outputs[l];
            size_t count = (size_t)expected->height * (size_t)expected->width * (size_t)expected->channels;
            bd_store_unpack(&rig.program, s, l, store, &found);
            cr_assert(found.codes || found.z);
            cr_assert(!found.codes || memcmp(found.codes, expected->codes, count) == 0, "layer %u", l);
            cr_assert(!found.z || memcmp(found.z, expected->z, count * 4) == 0, "layer %u", l);
            free(found.codes);
            free(found.z);
        }
        bd_frame_release(&frame);
        free(logits);
    }
    free(cost);
    free(store);
    bd_decoded_free(decoded);
    close_rig(&rig);
}

Test(device_model, the_model_reports_every_error_of_the_map)
{
    struct rig rig;
    struct bd_error err;
    open_rig(&rig);
    void *self = rig.platform.self;
    /* PRECISION out of range: written behind the driver's back. */
    cr_assert_eq(rig.platform.ops->write_register(self, BITDIAL_PRECISION_REG, 99, &err), BD_OK);
    cr_assert_eq(bd_device_start(&rig.device, rig.input, rig.output, NULL), BD_DEVICE_OK);
    cr_assert_eq(bd_device_wait(&rig.device, 100, NULL), BD_DEVICE_BAD_SWITCH);
    cr_assert_eq(bd_device_set_precision(&rig.device, 0), BD_DEVICE_OK);
    /* An image outside memory. */
    cr_assert_eq(bd_device_start(&rig.device, 64, rig.output, NULL), BD_DEVICE_OK);
    cr_assert_eq(bd_device_wait(&rig.device, 100, NULL), BD_DEVICE_BUS_ERROR);
    /* A result into the sealed program. */
    cr_assert_eq(rig.platform.ops->region(self, BD_WRITE_PROGRAM, rig.platform.memory_base, rig.program.size, &err),
                 BD_OK);
    cr_assert_eq(rig.platform.ops->seal(self, true, &err), BD_OK);
    cr_assert_eq(bd_device_start(&rig.device, rig.input, rig.platform.memory_base, NULL), BD_DEVICE_OK);
    cr_assert_eq(bd_device_wait(&rig.device, 100, NULL), BD_DEVICE_BUS_ERROR);
    /* A queue that overflows: three frames by the driver, a fourth by hand. */
    for (unsigned i = 0; i < BD_DEVICE_IN_FLIGHT; i++) {
        cr_assert_eq(bd_device_start(&rig.device, rig.input, rig.output, NULL), BD_DEVICE_OK);
    }
    cr_assert_eq(rig.platform.ops->write_register(self, BITDIAL_DOORBELL_REG, 1, &err), BD_OK);
    cr_assert_eq(bd_device_wait(&rig.device, 100, NULL), BD_DEVICE_QUEUE_FULL);
    /* A descriptor that lies. */
    uint64_t address = rig.platform.memory_base + rig.program.header->descriptor_offset;
    cr_assert_eq(rig.platform.ops->flip_bit(self, address, 6, &err), BD_OK);
    cr_assert_eq(bd_device_start(&rig.device, rig.input, rig.output, NULL), BD_DEVICE_OK);
    cr_assert_eq(bd_device_wait(&rig.device, 100, NULL), BD_DEVICE_BAD_DESCRIPTOR);
    cr_assert_eq(rig.platform.ops->flip_bit(self, address, 6, &err), BD_OK);
    /* A memory that is slower than the watchdog bears. */
    const struct bd_memory_model slow = {.latency = 20000, .beat_interval = 1, .outstanding = 4};
    cr_assert_eq(rig.platform.ops->set_memory(self, &slow, &err), BD_OK);
    for (int limit = 19999; limit <= 20000; limit++) {
        cr_assert_eq(rig.platform.ops->write_register(self, BITDIAL_WATCHDOG_LIMIT_REG, (uint32_t)limit, &err), BD_OK);
        cr_assert_eq(bd_device_start(&rig.device, rig.input, rig.output, NULL), BD_DEVICE_OK);
        cr_assert_eq(bd_device_wait(&rig.device, 100, NULL), limit < 20000 ? BD_DEVICE_WATCHDOG : BD_DEVICE_OK);
    }
    /* A frame that takes as many clocks as it may, and one that takes more. */
    struct bd_device_counters counters;
    cr_assert_eq(bd_device_start(&rig.device, rig.input, rig.output, NULL), BD_DEVICE_OK);
    cr_assert_eq(bd_device_wait(&rig.device, 100, NULL), BD_DEVICE_OK);
    cr_assert_eq(bd_device_read_counters(&rig.device, &counters), BD_DEVICE_OK);
    for (uint64_t limit = counters.total; limit + 1 >= counters.total; limit--) {
        cr_assert_eq(bd_device_limit_frames(&rig.device, 0, (uint32_t)limit), BD_DEVICE_OK);
        cr_assert_eq(bd_device_start(&rig.device, rig.input, rig.output, NULL), BD_DEVICE_OK);
        cr_assert_eq(bd_device_wait(&rig.device, 100, NULL),
                     limit < counters.total ? BD_DEVICE_FRAME_LIMIT : BD_DEVICE_OK);
        cr_assert(limit == counters.total || rig.device.layer + 1 == rig.program.header->layer_count);
    }
    cr_assert_eq(bd_device_limit_frames(&rig.device, 0, 0), BD_DEVICE_OK);
    /* And it still works. */
    cr_assert_eq(bd_device_start(&rig.device, rig.input, rig.output, NULL), BD_DEVICE_OK);
    cr_assert_eq(bd_device_wait(&rig.device, 100, NULL), BD_DEVICE_OK);
    close_rig(&rig);
}

/* Results wait, each for its own acknowledgement; a doorbell whose result would find no place is refused. */
Test(device_model, the_model_keeps_results_until_they_are_acknowledged)
{
    struct rig rig;
    struct bd_error err;
    bool raised;
    uint32_t value;
    open_rig(&rig);
    void *self = rig.platform.self;
    const struct bd_platform_ops *ops = rig.platform.ops;
    for (uint32_t i = 0; i < 3; i++) {
        cr_assert_eq(bd_device_start(&rig.device, rig.input, rig.output, NULL), BD_DEVICE_OK);
        cr_assert_eq(ops->wait_irq(self, 100, 0, &raised, &err), BD_OK); /* the first alone: then the line is high */
    }
    cr_assert_eq(ops->write_register(self, BITDIAL_IRQ_ENABLE_REG, 0, &err), BD_OK);
    cr_assert_eq(ops->wait_irq(self, 100, 0, &raised, &err), BD_OK);
    cr_assert_eq(ops->read_register(self, BITDIAL_STATUS_REG, &value, &err), BD_OK);
    cr_assert_eq(value, 3u << BITDIAL_STATUS_RESULT_LEVEL_SHIFT);
    cr_assert_eq(ops->write_register(self, BITDIAL_DOORBELL_REG, 1, &err), BD_OK);
    cr_assert_eq(ops->read_register(self, BITDIAL_STATUS_REG, &value, &err), BD_OK);
    cr_assert_eq((value & BITDIAL_STATUS_ERROR_MASK) >> BITDIAL_STATUS_ERROR_SHIFT, BITDIAL_ERROR_QUEUE_FULL);
    cr_assert_eq(ops->write_register(self, BITDIAL_IRQ_STATUS_REG, BITDIAL_IRQ_STATUS_ERROR_MASK, &err), BD_OK);
    for (uint32_t i = 1; i <= 3; i++) {
        cr_assert_eq(ops->read_register(self, BITDIAL_IRQ_STATUS_REG, &value, &err), BD_OK);
        cr_assert_eq(value, BITDIAL_IRQ_STATUS_DONE_MASK);
        cr_assert_eq(ops->write_register(self, BITDIAL_IRQ_STATUS_REG, BITDIAL_IRQ_STATUS_DONE_MASK, &err), BD_OK);
        cr_assert_eq(ops->read_register(self, BITDIAL_DONE_TAG_REG, &value, &err), BD_OK);
        cr_assert_eq(value, i);
    }
    cr_assert_eq(ops->read_register(self, BITDIAL_IRQ_STATUS_REG, &value, &err), BD_OK);
    cr_assert_eq(value, 0);
    close_rig(&rig);
}

Test(device_model, a_frame_keeps_what_its_doorbell_latched)
{
    struct rig rig;
    struct bd_error err;
    open_rig(&rig);
    uint32_t last = rig.program.header->switch_count - 1;
    struct bd_device_frame done;
    int32_t value;
    cr_assert_gt(last, 0);
    cr_assert_eq(bd_device_set_precision(&rig.device, last), BD_DEVICE_OK);
    cr_assert_eq(bd_device_start(&rig.device, rig.input, rig.output, NULL), BD_DEVICE_OK);
    cr_assert_eq(bd_device_start(&rig.device, rig.input, rig.output + 4096, NULL), BD_DEVICE_OK);
    /* Everything changes while the two wait. */
    static const uint32_t latched[] = {
        BITDIAL_PROGRAM_ADDR_LO_REG, BITDIAL_PROGRAM_ADDR_HI_REG,
        BITDIAL_DESC_OFFSET_REG,     BITDIAL_SWITCH_STRIDE_REG,
        BITDIAL_LAYER_COUNT_REG,     BITDIAL_SWITCH_COUNT_REG,
        BITDIAL_STORE_ADDR_LO_REG,   BITDIAL_STORE_ADDR_HI_REG,
        BITDIAL_INPUT_ADDR_LO_REG,   BITDIAL_INPUT_ADDR_HI_REG,
        BITDIAL_OUTPUT_ADDR_LO_REG,  BITDIAL_OUTPUT_ADDR_HI_REG,
        BITDIAL_PRECISION_REG,       BITDIAL_TAG_REG,
    };
    for (size_t i = 0; i < sizeof latched / sizeof *latched; i++) {
        cr_assert_eq(rig.platform.ops->write_register(rig.platform.self, latched[i], 1234, &err), BD_OK);
    }
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(bd_device_wait(&rig.device, 100, &done), BD_DEVICE_OK);
        cr_assert_eq(done.switch_index, last);
        cr_assert_eq(done.tag, (uint32_t)i + 1);
    }
    int32_t second;
    cr_assert_eq(bd_device_read_result(&rig.device, rig.output, &value, 1), BD_DEVICE_OK);
    cr_assert_eq(bd_device_read_result(&rig.device, rig.output + 4096, &second, 1), BD_DEVICE_OK);
    cr_assert_eq(value, second);
    cr_assert_neq(value, 0);
    close_rig(&rig);
}
