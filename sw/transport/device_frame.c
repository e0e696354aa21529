#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/program/device_rules.h"
#include "sw/transport/device_model_parts.h"

void bd_device_frame_forget(struct bd_device_model *model)
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
    bd_device_frame_forget(model);
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
    const struct bd_model_request *r = &model->running;
    const uint32_t behind = (uint32_t)sizeof(struct bd_load_descriptor) + r->switch_index * r->switch_stride;
    for (*layer = 0;; ++*layer) {
        struct bd_descriptor d;
        struct bd_refusal refusal;
        const uint64_t offset = (uint64_t)r->desc_offset + behind + *layer * (uint64_t)sizeof d;
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
    const struct bd_model_request *r = &model->running;
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
    const int64_t limit = model->registers[BITDIAL_WATCHDOG_LIMIT_REG / 4];
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

/* Whether the frame takes more clocks than its doorbell gave it; the layer at which they end. */
static bool takes_too_long(const struct bd_device_model *model, uint32_t *layer)
{
    const struct bd_frame_cost *cost = &model->running_cost;
    const uint64_t limit = model->running.frame_limit;
    if (limit == 0 || cost->cycles <= limit) {
        return false;
    }
    uint64_t end = cost->cycles;
    for (unsigned l = 0; l < cost->layer_count; l++) {
        end -= cost->layers[l].total;
    }
    for (*layer = 0; *layer + 1 < cost->layer_count && (end += cost->layers[*layer].total) <= limit;) {
        ++*layer;
    }
    return true;
}

uint32_t bd_device_frame_begin(struct bd_device_model *model, uint32_t *layer)
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
    if (takes_too_long(model, layer)) {
        return BITDIAL_ERROR_FRAME_LIMIT;
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

static bool device_write(struct bd_device_model *model, uint64_t address, const void *data, uint64_t size)
{
    uint8_t *to = bd_guarded_memory_at(model->memory, address, size);
    if (!to || bd_guarded_memory_refuses(model->memory, address, size)) {
        return false;
    }
    memcpy(to, data, size);
    return true;
}

/* Writes a layer's stored form, codes and stream, where the descriptor asks for them; without stores, only maps that do
 * not stay on the chip. */
static bool store_layers(struct bd_device_model *model)
{
    const bool all = model->running.store;
    const struct bd_program *program = &model->program;
    uint8_t *room = bd_xcalloc(1, program->header->store_bytes);
    const uint64_t address = model->running.store_address;
    bool good = true;
    for (unsigned l = 0; l < program->header->layer_count && good; l++) {
        const struct bd_descriptor *d = bd_program_descriptor(program, model->running.switch_index, l);
        bd_store_pack(program, model->running.switch_index, l, &model->frame.outputs[l], room);
        if ((d->flags & BD_FLAG_STORE_CODES) && (all || (d->flags & BD_FLAG_SPILL_CODES))) {
            good = device_write(model, address + d->store_codes_offset, room + d->store_codes_offset,
                                d->store_codes_bytes);
        }
        if (good && (d->flags & BD_FLAG_STORE_STREAM) && (all || (d->flags & BD_FLAG_SPILL_STREAM))) {
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

bool bd_device_frame_write(struct bd_device_model *model)
{
    const bool stores = model->running.store || model->program.header->map_bytes > 0;
    return (!stores || store_layers(model)) && write_result(model);
}
