#include "sw/transport/ref.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "model/core/memory.h"
#include "sw/driver/bitdial_regs.h"
#include "sw/transport/device_model.h"

struct ref {
    struct bd_hardware hardware;
    struct bd_guarded_memory memory;
    struct bd_device_model *model;
    uint64_t clocks, run_nanoseconds;
};

static bd_status check_offset(uint32_t offset, struct bd_error *err)
{
    return offset % 4 == 0 && offset < BITDIAL_WINDOW_BYTES
               ? BD_OK
               : bd_fail(err, BD_BAD_INPUT, "register offset 0x%x is not in the window", offset);
}

static bd_status read_register(void *self, uint32_t offset, uint32_t *value, struct bd_error *err)
{
    struct ref *ref = self;
    bd_status status = check_offset(offset, err);
    if (status == BD_OK) {
        *value = bd_device_model_read(ref->model, offset);
    }
    return status;
}

static bd_status write_register(void *self, uint32_t offset, uint32_t value, struct bd_error *err)
{
    struct ref *ref = self;
    bd_status status = check_offset(offset, err);
    if (status == BD_OK) {
        bd_guarded_memory_count(&ref->memory, BD_WRITE_REGISTERS, 4);
        bd_device_model_write(ref->model, offset, value);
    }
    return status;
}

static bd_status read_memory(void *self, uint64_t address, void *data, uint64_t size, struct bd_error *err)
{
    struct ref *ref = self;
    return bd_access_status(bd_guarded_memory_host_read(&ref->memory, address, data, size), "read", address, size, err);
}

static bd_status write_memory(void *self, uint64_t address, const void *data, uint64_t size, struct bd_error *err)
{
    struct ref *ref = self;
    return bd_access_status(bd_guarded_memory_host_write(&ref->memory, address, data, size), "write", address, size,
                            err);
}

static bd_status wait_irq(void *self, uint64_t milliseconds, uint64_t clocks, bool *raised, struct bd_error *err)
{
    (void)milliseconds; /* the model's frames end at once in wall time */
    (void)err;
    struct ref *ref = self;
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    ref->clocks += bd_device_model_run(ref->model, clocks ? clocks : UINT64_MAX);
    clock_gettime(CLOCK_MONOTONIC, &to);
    ref->run_nanoseconds += (uint64_t)((to.tv_sec - from.tv_sec) * 1000000000 + to.tv_nsec - from.tv_nsec);
    *raised = bd_device_model_irq(ref->model);
    return BD_OK;
}

static bd_status statistics(void *self, struct bd_statistics *statistics, struct bd_error *err)
{
    (void)err;
    struct ref *ref = self;
    *statistics = (struct bd_statistics){
        .frame_cycles = bd_device_model_frame_cycles(ref->model),
        .frames = bd_device_model_frames(ref->model),
        .clocks = ref->clocks,
        .run_nanoseconds = ref->run_nanoseconds,
        .violations = ref->memory.violations,
        .violation_address = ref->memory.violation_address,
    };
    for (int i = 0; i < BD_WRITE_CLASSES; i++) {
        statistics->written[i] = ref->memory.written[i];
    }
    return BD_OK;
}

static bd_status set_memory(void *self, const struct bd_memory_model *memory, struct bd_error *err)
{
    (void)err;
    struct ref *ref = self;
    bd_device_model_set_memory(ref->model, memory);
    return BD_OK;
}

static bd_status set_stalls(void *self, uint64_t seed, uint64_t chance, struct bd_error *err)
{
    (void)self;
    (void)seed;
    return chance == 0 ? BD_OK : bd_fail(err, BD_BAD_INPUT, "a device without pins has no bus to stall");
}

static bd_status region(void *self, enum bd_write_class kind, uint64_t address, uint64_t size, struct bd_error *err)
{
    struct ref *ref = self;
    return bd_guarded_memory_declare(&ref->memory, kind, address, size, err);
}

static bd_status seal(void *self, bool sealed, struct bd_error *err)
{
    (void)err;
    struct ref *ref = self;
    ref->memory.sealed = sealed;
    return BD_OK;
}

static bd_status flip_bit(void *self, uint64_t address, unsigned bit, struct bd_error *err)
{
    struct ref *ref = self;
    return bd_guarded_memory_flip(&ref->memory, address, bit, err);
}

static bd_status close_ref(void *self, struct bd_error *err)
{
    (void)err;
    struct ref *ref = self;
    bd_device_model_free(ref->model);
    bd_guarded_memory_release(&ref->memory);
    free(ref);
    return BD_OK;
}

static const struct bd_platform_ops ref_ops = {
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
    .close = close_ref,
};

void bd_ref_open(struct bd_platform *platform, const struct bd_hardware *hardware)
{
    bd_ref_open_sized(platform, hardware, BD_PLATFORM_MEMORY_BYTES);
}

void bd_ref_open_sized(struct bd_platform *platform, const struct bd_hardware *hardware, uint64_t memory_bytes)
{
    struct ref *ref = bd_xcalloc(1, sizeof *ref);
    ref->hardware = *hardware;
    bd_guarded_memory_init(&ref->memory, BD_PLATFORM_MEMORY_BASE, memory_bytes);
    ref->model = bd_device_model_new(&ref->memory, &ref->hardware);
    *platform = (struct bd_platform){
        .ops = &ref_ops,
        .self = ref,
        .memory_base = BD_PLATFORM_MEMORY_BASE,
        .memory_bytes = memory_bytes,
    };
    snprintf(platform->target, sizeof platform->target, "ref");
}
