#include "sw/transport/device_model.h"

#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "sw/transport/device_model_parts.h"

struct bd_device_model *bd_device_model_new(struct bd_guarded_memory *memory, const struct bd_hardware *hardware)
{
    struct bd_device_model *model = bd_xcalloc(1, sizeof *model);
    model->memory = memory;
    model->hardware = *hardware;
    model->registers[BITDIAL_WATCHDOG_LIMIT_REG / 4] = BITDIAL_WATCHDOG_LIMIT_RESET;
    return model;
}

static void drop_frame(struct bd_device_model *model)
{
    if (model->busy) {
        bd_frame_release(&model->frame);
    }
    model->busy = false;
}

void bd_device_model_free(struct bd_device_model *model)
{
    if (model) {
        drop_frame(model);
        bd_device_frame_forget(model);
        free(model);
    }
}

void bd_device_model_set_memory(struct bd_device_model *model, const struct bd_memory_model *memory)
{
    model->hardware.memory = *memory;
    memset(model->priced, 0, sizeof model->priced);
}

static uint32_t word(const struct bd_device_model *model, uint32_t offset)
{
    return model->registers[offset / 4];
}

static uint64_t pair(const struct bd_device_model *model, uint32_t offset)
{
    return (uint64_t)word(model, offset + 4) << 32 | word(model, offset);
}

static void raise_error(struct bd_device_model *model, uint32_t code, uint32_t layer)
{
    if (!(model->cause & BITDIAL_IRQ_STATUS_ERROR_MASK)) {
        model->error = code;
        model->error_layer = layer;
    }
    model->cause |= BITDIAL_IRQ_STATUS_ERROR_MASK;
}

static void begin_next(struct bd_device_model *model)
{
    while (!model->busy && model->queued > 0) {
        model->running = model->queue[0];
        model->queue[0] = model->queue[1];
        model->queued--;
        uint32_t layer = 0;
        const uint32_t error = bd_device_frame_begin(model, &layer);
        if (error != BITDIAL_ERROR_NONE) {
            raise_error(model, error, layer);
            continue;
        }
        model->busy = true;
        model->start = model->now;
        model->end = model->now + model->running_cost.cycles;
    }
}

static void finish(struct bd_device_model *model)
{
    const bool good = bd_device_frame_write(model);
    drop_frame(model);
    if (!good) {
        raise_error(model, BITDIAL_ERROR_BUS_ERROR, model->program.header->layer_count - 1);
    } else {
        model->frame_cycles = model->now - model->start;
        model->frames++;
        model->frame_count++;
        const struct bd_frame_cost *cost = &model->running_cost;
        model->results[model->result_count++] = (struct bd_model_result){
            model->running.tag,
            model->running.switch_index,
            {cost->cycles, cost->compute, cost->weight_stall, cost->input_stall, cost->output_stall, cost->overhead}};
        model->cause |= BITDIAL_IRQ_STATUS_DONE_MASK;
    }
    begin_next(model);
}

static void doorbell(struct bd_device_model *model)
{
    const uint32_t precision = word(model, BITDIAL_PRECISION_REG);
    if (precision >= word(model, BITDIAL_SWITCH_COUNT_REG) || precision >= BD_LIMIT_SWITCHES) {
        raise_error(model, BITDIAL_ERROR_BAD_SWITCH, 0);
    } else if (model->queued == BD_MODEL_QUEUE ||
               model->queued + model->busy + model->result_count >= BD_MODEL_IN_FLIGHT) {
        raise_error(model, BITDIAL_ERROR_QUEUE_FULL, 0);
    } else {
        model->queue[model->queued++] = (struct bd_model_request){
            .program = pair(model, BITDIAL_PROGRAM_ADDR_LO_REG),
            .input = pair(model, BITDIAL_INPUT_ADDR_LO_REG),
            .output = pair(model, BITDIAL_OUTPUT_ADDR_LO_REG),
            .store_address = pair(model, BITDIAL_STORE_ADDR_LO_REG),
            .desc_offset = word(model, BITDIAL_DESC_OFFSET_REG),
            .switch_stride = word(model, BITDIAL_SWITCH_STRIDE_REG),
            .layer_count = word(model, BITDIAL_LAYER_COUNT_REG),
            .switch_index = precision,
            .generation = model->generation,
            .tag = word(model, BITDIAL_TAG_REG),
            .frame_limit = word(model, BITDIAL_FRAME_LIMIT_REG),
            .store = word(model, BITDIAL_CONTROL_REG) & BITDIAL_CONTROL_STORE_ENABLE_MASK,
        };
        begin_next(model);
    }
}

static uint32_t identity(const struct bd_device_model *model, uint32_t offset)
{
    const struct bd_hardware *h = &model->hardware;
    switch (offset) {
    case BITDIAL_ID_REG:
        return BITDIAL_ID_RESET;
    case BITDIAL_ABI_VERSION_REG:
        return BITDIAL_ABI_VERSION_RESET;
    case BITDIAL_GEOMETRY_REG:
        return (uint32_t)(h->rows << BITDIAL_GEOMETRY_ROWS_SHIFT |
                          h->requant_units << BITDIAL_GEOMETRY_REQUANT_UNITS_SHIFT |
                          h->mac_channels << BITDIAL_GEOMETRY_MAC_CHANNELS_SHIFT |
                          h->acc_bits << BITDIAL_GEOMETRY_ACC_BITS_SHIFT);
    case BITDIAL_CAPABILITIES_REG:
        return (h->xnor ? BITDIAL_CAPABILITIES_XNOR_MASK : 0) |
               (h->mac ? BITDIAL_CAPABILITIES_MAC_MASK | BITDIAL_CAPABILITIES_DEPTHWISE_MASK : 0) |
               BITDIAL_CAPABILITIES_POOL_MASK | BITDIAL_CAPABILITIES_STREAM_MASK | BITDIAL_CAPABILITIES_STORE_MASK |
               (uint32_t)h->mult_bits << BITDIAL_CAPABILITIES_MULT_BITS_SHIFT;
    case BITDIAL_ACT_WORDS_REG:
        return (uint32_t)h->act_words;
    case BITDIAL_Z_WORDS_REG:
        return (uint32_t)h->z_words;
    case BITDIAL_WEIGHT_WORDS_REG:
        return (uint32_t)h->weight_words;
    case BITDIAL_TABLE_WORDS_REG:
        return (uint32_t)h->table_words;
    case BITDIAL_CORRECT_WORDS_REG:
        return (uint32_t)h->correct_words;
    case BITDIAL_DESCRIPTORS_REG:
        return (uint32_t)h->descriptors;
    case BITDIAL_GEOMETRY_HASH_LO_REG:
        return (uint32_t)bd_hardware_geometry_hash(h);
    case BITDIAL_GEOMETRY_HASH_HI_REG:
        return (uint32_t)(bd_hardware_geometry_hash(h) >> 32);
    default:
        return 0;
    }
}

/* A lower half keeps the upper half of the same moment. */
static uint32_t counter(struct bd_device_model *model, uint32_t offset)
{
    const uint32_t index = (offset - BITDIAL_COUNTER_TOTAL_LO_REG) / 4;
    const uint64_t value = model->shown.counters[index / 2];
    if (index % 2 == 1) {
        return model->upper;
    }
    model->upper = (uint32_t)(value >> 32);
    return (uint32_t)value;
}

uint32_t bd_device_model_read(struct bd_device_model *model, uint32_t offset)
{
    if (offset < BITDIAL_CONTROL_REG) {
        return identity(model, offset);
    }
    if (offset >= BITDIAL_COUNTER_TOTAL_LO_REG && offset <= BITDIAL_COUNTER_OVERHEAD_HI_REG) {
        return counter(model, offset);
    }
    switch (offset) {
    case BITDIAL_STATUS_REG:
        return (model->busy ? BITDIAL_STATUS_BUSY_MASK : 0) | model->queued << BITDIAL_STATUS_QUEUE_LEVEL_SHIFT |
               model->result_count << BITDIAL_STATUS_RESULT_LEVEL_SHIFT | model->error << BITDIAL_STATUS_ERROR_SHIFT |
               model->error_layer << BITDIAL_STATUS_ERROR_LAYER_SHIFT;
    case BITDIAL_IRQ_STATUS_REG:
        return model->cause;
    case BITDIAL_DONE_TAG_REG:
        return model->shown.tag;
    case BITDIAL_DONE_SWITCH_REG:
        return model->shown.switch_index;
    case BITDIAL_FRAME_COUNT_REG:
        return model->frame_count;
    default:
        return offset < BITDIAL_WINDOW_BYTES ? word(model, offset) : 0;
    }
}

/* The bits of a rw register; 0 for the others. */
static uint32_t writable(uint32_t offset)
{
    switch (offset) {
#define X(rw_offset, mask)                                                                                             \
    case rw_offset:                                                                                                    \
        return mask;
        BITDIAL_WRITABLE(X)
#undef X
    default:
        return 0;
    }
}

/* Shows the oldest result that waits. */
static void acknowledge(struct bd_device_model *model)
{
    if (model->result_count > 0) {
        model->shown = model->results[0];
        model->result_count--;
        memmove(model->results, model->results + 1, model->result_count * sizeof *model->results);
    }
    if (model->result_count == 0) {
        model->cause &= ~BITDIAL_IRQ_STATUS_DONE_MASK;
    }
}

void bd_device_model_write(struct bd_device_model *model, uint32_t offset, uint32_t value)
{
    if (offset == BITDIAL_DOORBELL_REG) {
        doorbell(model);
    } else if (offset == BITDIAL_IRQ_STATUS_REG) {
        if (value & BITDIAL_IRQ_STATUS_DONE_MASK) {
            acknowledge(model);
        }
        if (value & BITDIAL_IRQ_STATUS_ERROR_MASK) {
            model->cause &= ~BITDIAL_IRQ_STATUS_ERROR_MASK;
            model->error = model->error_layer = 0;
        }
    } else if (offset < BITDIAL_WINDOW_BYTES) {
        model->registers[offset / 4] = value & writable(offset);
        if ((offset >= BITDIAL_PROGRAM_ADDR_LO_REG && offset <= BITDIAL_SWITCH_COUNT_REG) ||
            (offset == BITDIAL_CONTROL_REG &&
             value & (BITDIAL_CONTROL_SOFT_RESET_MASK | BITDIAL_CONTROL_RELOAD_MASK))) {
            model->generation++;
        }
        if (offset == BITDIAL_CONTROL_REG && value & BITDIAL_CONTROL_SOFT_RESET_MASK) {
            drop_frame(model);
            model->queued = model->result_count = 0;
            model->cause &= ~BITDIAL_IRQ_STATUS_DONE_MASK;
        }
    }
}

bool bd_device_model_irq(const struct bd_device_model *model)
{
    return word(model, BITDIAL_CONTROL_REG) & BITDIAL_CONTROL_IRQ_ENABLE_MASK &&
           model->cause & word(model, BITDIAL_IRQ_ENABLE_REG);
}

uint64_t bd_device_model_run(struct bd_device_model *model, uint64_t clocks)
{
    uint64_t from = model->now, limit = clocks > UINT64_MAX - from ? UINT64_MAX : from + clocks;
    while (model->busy && !bd_device_model_irq(model) && model->now < limit) {
        model->now = model->end < limit ? model->end : limit;
        if (model->now == model->end) {
            finish(model);
        }
    }
    return model->now - from;
}

uint64_t bd_device_model_frame_cycles(const struct bd_device_model *model)
{
    return model->frame_cycles;
}

uint64_t bd_device_model_frames(const struct bd_device_model *model)
{
    return model->frames;
}
