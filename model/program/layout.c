#include "model/program/layout.h"

static uint32_t max_u32(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static uint32_t ceil_div(uint32_t a, uint32_t b)
{
    return (a + b - 1) / b;
}

static uint32_t next_power_of_two(uint32_t v)
{
    uint32_t p = 1;
    while (p < v)
        p *= 2;
    return p;
}

struct bd_tensor_layout bd_tensor_layout(uint32_t rows, uint32_t lanes, uint32_t height, uint32_t width,
                                         uint32_t channels, uint32_t reader_kernel, uint32_t reader_pad)
{
    struct bd_tensor_layout t = {.height = height, .width = width, .channels = channels, .slots = 1};
    if (channels > lanes) {
        t.slot_lanes = lanes;
        t.pixel_words = ceil_div(channels, lanes);
    } else {
        t.slot_lanes = channels <= rows ? next_power_of_two(channels) : rows * ceil_div(channels, rows);
        t.pixel_words = 1;
        t.slots = lanes / t.slot_lanes;
        if (t.slots > reader_kernel)
            t.slots = reader_kernel;
        t.slots = max_u32(t.slots, 1);
    }
    t.left = t.slots > 1 ? reader_pad : 0;
    t.pitch = (width + t.left) * t.pixel_words;
    t.words = t.pitch * height;
    return t;
}

struct bd_walk bd_descriptor_walk(const struct bd_descriptor *d)
{
    if (d->flags & BD_FLAG_IM2COL)
        return (struct bd_walk){1, 1, 1, 0, d->kernel_h * d->kernel_w * d->in_channels};
    return (struct bd_walk){d->kernel_h, d->kernel_w, d->stride, d->pad_left, d->in_channels / d->groups};
}

/* Words that the weights of one tap take: those of a pixel, but of a group's channels alone where there are groups. */
static uint32_t weight_pixel_words(const struct bd_descriptor *d, uint32_t lanes)
{
    return d->groups > 1 ? ceil_div(d->in_channels / d->groups, lanes) : d->in_pixel_words;
}

void bd_descriptor_derive(struct bd_descriptor *d, const struct bd_program_header *g)
{
    const uint32_t output_cycles =
        max_u32(g->rows / g->requant_units, d->flags & BD_FLAG_WRITE_CODES ? d->out_slots : 0);
    d->row_groups = ceil_div(d->out_channels, g->rows);
    if (d->operation == BD_OP_POOL) {
        d->row_words = d->k_words = d->segments = 0;
        const uint32_t pixels =
            bd_pool_kinds[d->pool_kind].windows ? d->kernel_h * d->kernel_w : d->in_height * d->in_width;
        d->pixel_cycles = pixels * (g->rows / g->requant_units);
        d->initiation_interval = max_u32(d->pixel_cycles, output_cycles);
        return;
    }
    const struct bd_walk walk = bd_descriptor_walk(d);
    d->row_words = ceil_div(walk.kernel_w, d->in_slots);
    const uint32_t pixel_words = weight_pixel_words(d, g->lanes);
    d->k_words = walk.kernel_h * d->row_words * pixel_words;
    const uint32_t slots = d->in_slots < walk.kernel_w ? d->in_slots : walk.kernel_w;
    const uint32_t used = pixel_words == 1 ? slots * d->in_slot_lanes : g->lanes;
    d->segments = ceil_div(used, g->mac_lanes);
    d->pixel_cycles = d->k_words * d->weight_bits * (d->datapath == BD_DATAPATH_MAC ? d->segments : d->in_bits);
    d->initiation_interval = max_u32(d->pixel_cycles, output_cycles);
}

uint32_t bd_table_bytes(const struct bd_program_header *g, uint32_t presets)
{
    return 3 * ceil_div(g->lanes, 64) * 8 + g->rows * 16 + presets * g->rows * 4;
}

uint32_t bd_plane_bytes(const struct bd_program_header *g, uint32_t k_words)
{
    return k_words * (g->rows * g->lanes / 8);
}

uint32_t bd_store_codes_bytes(const struct bd_descriptor *d)
{
    return d->out_height * d->out_width * ceil_div(d->out_channels, 8) * 8;
}

uint32_t bd_store_z_bytes(const struct bd_descriptor *d, const struct bd_program_header *g)
{
    return d->out_height * d->out_width * ceil_div(d->out_channels, g->rows) * g->rows * 4;
}

void bd_weight_place(const struct bd_descriptor *d, const struct bd_program_header *g, uint32_t ky, uint32_t kx,
                     uint32_t ic, uint32_t *k_word, uint32_t *lane)
{
    if (d->flags & BD_FLAG_IM2COL) {
        *k_word = 0;
        *lane = (ky * d->kernel_w + kx) * d->in_channels + ic;
        return;
    }
    const uint32_t pixel_words = weight_pixel_words(d, g->lanes);
    *k_word = (ky * d->row_words + kx / d->in_slots) * pixel_words + ic / g->lanes;
    *lane = kx % d->in_slots * d->in_slot_lanes + ic % g->lanes;
}
