#include "sw/transport/device_model.h"

#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/cost/cost.h"
#include "model/exec/exec.h"
#include "model/program/device_rules.h"
#include "sw/driver/bitdial_regs.h"

enum { QUEUE = 2, IN_FLIGHT = 3, WORDS = BITDIAL_WINDOW_BYTES / 4 };

struct request { /* what a doorbell latches: all that its frame uses */
    uint64_t program, input, output, store_address;
    uint32_t desc_offset, switch_stride, layer_count, switch_index, tag;
    uint64_t generation;
    bool store;
};

struct result { /* of a frame that ended well */
    uint32_t tag, switch_index;
    uint64_t counters[6]; /* total, compute, weight stall, input stall, output stall, overhead */
};

struct bd_device_model {
    struct bd_guarded_memory *memory;
    struct bd_hardware hardware; /* its strings stay the caller's */
    uint32_t registers[WORDS];   /* rw registers as written */
    uint32_t error, error_layer, cause;
    struct request queue[QUEUE], running;
    unsigned queued;
    bool busy;
    uint64_t now, start, end;
    uint64_t frame_cycles, frames;
    uint32_t frame_count, upper;             /* half of the counter whose lower half was read last */
    struct result shown, results[IN_FLIGHT]; /* acknowledged last; not acknowledged, oldest first */
    unsigned result_count;
    struct bd_frame_cost running_cost;
    uint64_t generation;        /* counts whatever says that the program may be another one */
    bool loaded;                /* a frame has brought a program onto the chip: */
    uint64_t loaded_generation; /* this one */
    /* the program as last read from memory, and what was made of it */
    bool opened;
    uint8_t *seen;
    size_t seen_size;
    struct bd_program program;
    struct bd_decoded *decoded;
    bool priced[BD_PROGRAM_MAX_SWITCHES][2];
    struct bd_frame_cost prices[BD_PROGRAM_MAX_SWITCHES][2];
    struct bd_frame frame; /* of the running frame */
};

struct bd_device_model *bd_device_model_new(struct bd_guarded_memory *memory, const struct bd_hardware *hardware)
{
    struct bd_device_model *model = bd_xcalloc(1, sizeof *model);
    model->memory = memory;
    model->hardware = *hardware;
    model->registers[BITDIAL_WATCHDOG_LIMIT_REG / 4] = BITDIAL_WATCHDOG_LIMIT_RESET;
    return model;
}

static void forget_program(struct bd_device_model *model)
{
    if (model->opened) {
        bd_decoded_free(model->decoded);
        bd_program_release(&model->program);
    }
    free(model->seen);
    model->seen = NULL;
    model->opened = false;
    memset(model->priced, 0, sizeof model->priced);
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
        forget_program(model);
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

/* Whether the image in memory is the one opened last, byte for byte. */
static bool is_seen(const struct bd_device_model *model, const uint8_t *image, size_t size)
{
    return model->opened && size == model->seen_size && memcmp(image, model->seen, size) == 0;
}

/* Opens the running frame's program. Returns an error code of STATUS. */
static uint32_t open_program(struct bd_device_model *model)
{
    const uint64_t address = model->running.program;
    const uint8_t *image = bd_guarded_memory_at(model->memory, address, sizeof(struct bd_program_header));
    if (!image) {
        return BITDIAL_ERROR_BUS_ERROR;
    }
    struct bd_program_header header;
    memcpy(&header, image, sizeof header);
    if (!bd_guarded_memory_at(model->memory, address, header.image_bytes) || header.image_bytes < sizeof header) {
        return BITDIAL_ERROR_BUS_ERROR;
    }
    if (is_seen(model, image, header.image_bytes)) {
        return BITDIAL_ERROR_NONE;
    }
    forget_program(model);
    model->seen_size = header.image_bytes;
    model->seen = bd_xmalloc(model->seen_size);
    memcpy(model->seen, image, model->seen_size);
    struct bd_error err;
    bd_status status = bd_program_open_memory(&model->program, "device memory", model->seen, model->seen_size, &err);
    if (status == BD_OK) {
        status = bd_decode(&model->program, &model->decoded, &err);
        if (status != BD_OK) {
            bd_program_release(&model->program);
        }
    }
    model->opened = status == BD_OK;
    return model->opened ? BITDIAL_ERROR_NONE : BITDIAL_ERROR_BAD_DESCRIPTOR;
}

/* Reads the descriptors of the frame's switch as the RTL's loader does, up to the last or the first that it refuses.
 * Returns an error code of STATUS, with the layer. */
static uint32_t check_descriptors(const struct bd_device_model *model, uint32_t *layer)
{
    const struct bd_hardware *h = &model->hardware;
    const struct bd_program_header geometry = {.datapaths = (h->xnor ? 1u : 0) | (h->mac ? 2u : 0),
                                               .rows = (uint32_t)h->rows};
    const struct request *r = &model->running;
    const uint32_t list =
        r->desc_offset + (uint32_t)sizeof(struct bd_load_descriptor) + r->switch_index * r->switch_stride;
    for (*layer = 0;; ++*layer) {
        struct bd_descriptor d;
        struct bd_refusal refusal;
        const uint32_t offset = list + *layer * (uint32_t)sizeof d;
        const uint8_t *at = bd_guarded_memory_at(model->memory, r->program + offset, sizeof d);
        if (!at) {
            *layer = 0; /* none runs yet */
            return BITDIAL_ERROR_BUS_ERROR;
        }
        memcpy(&d, at, sizeof d);
        if (!bd_device_takes(&d, &geometry, *layer, r->layer_count, &refusal)) {
            return BITDIAL_ERROR_BAD_DESCRIPTOR;
        }
        if (d.flags & BD_FLAG_LAST) {
            return BITDIAL_ERROR_NONE;
        }
    }
}

static bool registers_fit(const struct bd_device_model *model)
{
    const struct bd_program_header *h = model->program.header;
    const struct request *r = &model->running;
    return r->desc_offset == h->load_offset && r->switch_stride == h->switch_stride &&
           r->layer_count == h->layer_count && r->switch_index < h->switch_count;
}

static bool find_price(struct bd_device_model *model)
{
    unsigned s = model->running.switch_index, store = model->running.store;
    if (!model->priced[s][store]) {
        struct bd_error err;
        if (bd_cost_frame(&model->program, &model->hardware, s, store, &model->prices[s][store], &err) != BD_OK) {
            return false;
        }
        model->priced[s][store] = true;
    }
    model->running_cost = model->prices[s][store];
    return true;
}

/* The frame that brings its program onto the chip waits for that. */
static void load_program(struct bd_device_model *model)
{
    if (model->loaded && model->loaded_generation == model->running.generation) {
        return;
    }
    uint64_t bytes;
    const uint64_t clocks = bd_cost_load(model->program.header, bd_program_load_descriptor(&model->program),
                                         &model->hardware.memory, &bytes);
    model->running_cost.cycles += clocks;
    model->running_cost.weight_stall += clocks;
    model->loaded = true;
    model->loaded_generation = model->running.generation;
}

/* Whether a memory as slow as this one, or a layer's interval, makes the frame wait for longer than the watchdog bears.
 */
static bool waits_too_long(const struct bd_device_model *model, uint32_t *layer)
{
    const struct bd_memory_model *m = &model->hardware.memory;
    const int64_t limit = word(model, BITDIAL_WATCHDOG_LIMIT_REG);
    *layer = 0;
    if (limit == 0 || m->latency > limit || m->beat_interval > limit) {
        return limit != 0;
    }
    for (; *layer < model->program.header->layer_count; ++*layer) {
        if (bd_program_descriptor(&model->program, model->running.switch_index, *layer)->interval_large > limit) {
            return true;
        }
    }
    return false;
}

/* Starts the frame in `running`; an error, at a layer, aborts it. */
static uint32_t begin(struct bd_device_model *model, uint32_t *layer)
{
    uint32_t error = check_descriptors(model, layer);
    if (error != BITDIAL_ERROR_NONE) {
        return error;
    }
    *layer = 0;
    error = open_program(model);
    if (error != BITDIAL_ERROR_NONE) {
        return error;
    }
    if (!registers_fit(model) || !find_price(model)) {
        return BITDIAL_ERROR_BAD_DESCRIPTOR;
    }
    load_program(model);
    if (waits_too_long(model, layer)) {
        return BITDIAL_ERROR_WATCHDOG;
    }
    *layer = 0;
    const uint8_t *image =
        bd_guarded_memory_at(model->memory, model->running.input, model->program.header->input_bytes);
    if (!image) {
        return BITDIAL_ERROR_BUS_ERROR;
    }
    struct bd_error err;
    if (bd_execute(&model->program, model->decoded, model->running.switch_index, image, &model->frame, &err) != BD_OK) {
        return BITDIAL_ERROR_BAD_DESCRIPTOR;
    }
    return BITDIAL_ERROR_NONE;
}

static void begin_next(struct bd_device_model *model)
{
    while (!model->busy && model->queued > 0) {
        model->running = model->queue[0];
        model->queue[0] = model->queue[1];
        model->queued--;
        uint32_t layer = 0;
        const uint32_t error = begin(model, &layer);
        if (error != BITDIAL_ERROR_NONE) {
            raise_error(model, error, layer);
            continue;
        }
        model->busy = true;
        model->start = model->now;
        model->end = model->now + model->running_cost.cycles;
    }
}

static bool device_write(struct bd_device_model *model, uint64_t address, const void *data, uint64_t size)
{
    uint8_t *to = bd_guarded_memory_at(model->memory, address, size);
    if (!to || bd_guarded_memory_refuses(model->memory, address, size)) {
        return false;
    }
    memcpy(to, data, size);
    return true;
}

/* Writes a layer's stored form, codes and stream, where the descriptor asks for them. */
static bool store_layers(struct bd_device_model *model)
{
    const struct bd_program *program = &model->program;
    uint8_t *room = bd_xcalloc(1, program->header->store_bytes);
    const uint64_t address = model->running.store_address;
    bool good = true;
    for (unsigned l = 0; l < program->header->layer_count && good; l++) {
        const struct bd_descriptor *d = bd_program_descriptor(program, model->running.switch_index, l);
        bd_store_pack(program, model->running.switch_index, l, &model->frame.outputs[l], room);
        if (d->flags & BD_FLAG_STORE_CODES) {
            good = device_write(model, address + d->store_codes_offset, room + d->store_codes_offset,
                                d->store_codes_bytes);
        }
        if (good && d->flags & BD_FLAG_STORE_STREAM) {
            good = device_write(model, address + d->store_z_offset, room + d->store_z_offset, d->store_z_bytes);
        }
    }
    free(room);
    return good;
}

static bool write_result(struct bd_device_model *model)
{
    const struct bd_program_header *h = model->program.header;
    uint8_t *result = bd_xcalloc(1, h->output_bytes);
    memcpy(result, model->frame.logits, h->classes * sizeof(int32_t));
    bool good = device_write(model, model->running.output, result, h->output_bytes);
    free(result);
    return good;
}

static void finish(struct bd_device_model *model)
{
    bool good = (!model->running.store || store_layers(model)) && write_result(model);
    drop_frame(model);
    if (!good) {
        raise_error(model, BITDIAL_ERROR_BUS_ERROR, model->program.header->layer_count - 1);
    } else {
        model->frame_cycles = model->now - model->start;
        model->frames++;
        model->frame_count++;
        const struct bd_frame_cost *cost = &model->running_cost;
        model->results[model->result_count++] = (struct result){
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
    } else if (model->queued == QUEUE || model->queued + model->busy + model->result_count >= IN_FLIGHT) {
        raise_error(model, BITDIAL_ERROR_QUEUE_FULL, 0);
    } else {
        model->queue[model->queued++] = (struct request){
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
