#include "model/cost/cost.h"

#include <string.h>

#include "model/cost/energy.h"
#include "model/program/layout.h"

/* Clocks count from the doorbell's handshake (clock 0). "In clock t" speaks of what stands on the wires in that clock;
 * a register shows what it took in the clock before. */

#define BURST_BEATS 16
#define DMA_BURSTS 4 /* bursts that the read DMA keeps open: a memory that holds more changes nothing */
#define DESCRIPTOR_BEATS (sizeof(struct bd_descriptor) / 8)

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Beats of the next burst: up to 16, to the end of the job, to the next 4 KiB boundary. */
static uint64_t burst_beats(uint64_t address, uint64_t beats)
{
    uint64_t room = 512 - (address >> 3 & 511), burst = beats < BURST_BEATS ? beats : BURST_BEATS;
    return burst < room ? burst : room;
}

/* ---- the read channel ---- */

struct read_channel {
    const struct bd_memory_model *memory;
    int64_t next_beat; /* first clock in which the memory may show another beat */
    /* of the job under way */
    unsigned burst;
    int64_t formed;          /* clock in which the DMA forms the next burst */
    int64_t end[DMA_BURSTS]; /* last beats of the bursts before, by burst number */
};

static void read_start(struct read_channel *r, int64_t start)
{
    r->burst = 0;
    r->formed = start + 1;
}

/* Clock in which the first beat of the job's next burst can be shown. An address stands on the bus a clock after it
 * was formed; the next is formed when it is accepted, while fewer than DMA_BURSTS bursts are open. */
static int64_t read_burst(struct read_channel *r)
{
    const struct bd_memory_model *m = r->memory;
    if (r->burst >= DMA_BURSTS) {
        r->formed = later(r->formed, r->end[r->burst % DMA_BURSTS] + 1);
    }
    int64_t accepted = r->formed + 1;
    unsigned held = m->outstanding < DMA_BURSTS ? (unsigned)m->outstanding : DMA_BURSTS;
    if (r->burst >= held) {
        accepted = later(accepted, r->end[(r->burst - held) % DMA_BURSTS] + 1);
    }
    r->formed = accepted;
    return later(accepted + m->latency, r->next_beat);
}

static void read_burst_end(struct read_channel *r, int64_t last)
{
    r->end[r->burst % DMA_BURSTS] = last;
    r->burst++;
    r->next_beat = last + r->memory->beat_interval;
}

/* A job whose beats are taken as they come: clock of its last beat. */
static int64_t read_job(struct read_channel *r, int64_t start, uint64_t address, uint64_t beats)
{
    int64_t last = start;
    read_start(r, start);
    while (beats > 0) {
        uint64_t burst = burst_beats(address, beats);
        last = read_burst(r) + (int64_t)(burst - 1) * r->memory->beat_interval;
        read_burst_end(r, last);
        address += burst * 8;
        beats -= burst;
    }
    return last;
}

/* ---- the image ---- */

/* The unit that takes the image byte by byte. */
struct image_unit {
    const struct bd_descriptor *d;
    int64_t free; /* first clock in which a byte can be taken */
    uint64_t row_bytes, in_row;
};

/* Clock in which a byte is taken that is there from clock `there` on. Windows take a clock for each byte and one for
 * the column beyond each row; a plain tensor takes one for each slot that the byte is written to. */
static int64_t take_byte(struct image_unit *u, int64_t there)
{
    int64_t taken = later(there, u->free);
    if (u->d->flags & BD_FLAG_IM2COL) {
        u->in_row++;
        u->free = taken + 1;
        if (u->in_row == u->row_bytes) {
            u->in_row = 0;
            u->free++;
        }
        return taken;
    }
    taken += u->d->in_slots - 1;
    u->free = taken + 1;
    return taken;
}

/* The image's job: *last is the clock of its last beat; returns the clock in which the unit says that it is done.
 * Eight bytes are unpacked at a time: the next beat is taken with the last byte of the one before. */
static int64_t image_job(struct read_channel *r, int64_t start, int64_t unit_start, const struct bd_descriptor *d,
                         int64_t *last)
{
    uint64_t bytes = (uint64_t)d->in_height * d->in_width * d->in_channels, beats = (bytes + 7) / 8, address = 0;
    struct image_unit unit = {.d = d, .free = unit_start + 1, .row_bytes = (uint64_t)d->in_width * d->in_channels};
    int64_t unpacked = 0, taken = 0; /* clock from which the unpacker has room; of the last byte */
    read_start(r, start);
    while (beats > 0) {
        uint64_t burst = burst_beats(address, beats);
        int64_t shown = read_burst(r);
        for (uint64_t k = 0; k < burst; k++) {
            *last = later(shown, unpacked);
            for (int byte = 0; byte < 8 && bytes > 0; byte++, bytes--) {
                taken = take_byte(&unit, *last + 1);
            }
            unpacked = taken;
            shown = *last + r->memory->beat_interval;
        }
        read_burst_end(r, *last);
        address += burst * 8;
        beats -= burst;
    }
    /* windows run on over the column and the row beyond the image; then `done` is registered */
    return d->flags & BD_FLAG_IM2COL ? unit.free + d->in_width + 1 : taken + 1;
}

/* The same from what was kept of a job like it: one is a later one's picture, shifted by their starts. */
static int64_t kept_image_job(struct read_channel *r, int64_t start, const struct bd_descriptor *d,
                              struct bd_image_fetch *kept, int64_t *last)
{
    const struct bd_image_fetch asked = {.height = d->in_height,
                                         .width = d->in_width,
                                         .channels = d->in_channels,
                                         .windows = d->flags & BD_FLAG_IM2COL,
                                         .slots = d->in_slots,
                                         .memory = *r->memory,
                                         .next_beat_before = r->next_beat - start};
    if (memcmp(&asked, kept, offsetof(struct bd_image_fetch, last)) != 0) {
        *kept = asked;
        kept->done = image_job(r, start, start, d, &kept->last) - start;
        kept->last -= start;
        kept->next_beat = r->next_beat - start;
    }
    r->next_beat = kept->next_beat + start;
    *last = kept->last + start;
    return kept->done + start;
}

/* ---- the write channel ---- */

struct write_channel {
    const struct bd_memory_model *memory;
    int64_t next_beat;
};

/* A job of the write DMA that starts in clock `start`: clock of its last response. One burst at a time: the address
 * in the clock after the start (or the response before), data from the next clock on. The store unit leads and always
 * has a beat ready. */
static int64_t write_job(struct write_channel *w, int64_t start, uint64_t address, uint64_t beats)
{
    int64_t response = start;
    while (beats > 0) {
        uint64_t burst = burst_beats(address, beats);
        int64_t first = later(response + 2, w->next_beat);
        int64_t last = first + (int64_t)(burst - 1) * w->memory->beat_interval;
        w->next_beat = last + w->memory->beat_interval;
        response = last + w->memory->latency;
        address += burst * 8;
        beats -= burst;
    }
    return response;
}

/* ---- the frame ---- */

#define DRAIN 16  /* clocks from a tile's last pixel to its end, beside one for each sub-row */
#define PREFILL 4 /* clocks that the store unit leads the write DMA; the DMA starts in the last of them */

/* The loader runs ahead of the sequencer as far as two descriptor slots and two tile slots allow; its jobs are
 * serial. Each of these clocks is the first in which the state in question stands. */
struct timeline {
    const struct bd_program_header *header;
    const struct bd_descriptor *descriptors;
    unsigned switch_index;
    bool store;
    struct bd_image_fetch *image;
    struct read_channel read;
    struct write_channel write;
    int64_t loader;          /* clock in which the loader comes to its next job */
    int64_t sequencer;       /* clock in which the sequencer comes to its next state */
    int64_t layer_free[2];   /* clock from which the descriptor slot is free */
    int64_t tile_free[2];    /* the same of the table and weight slots */
    unsigned tile;           /* tiles so far: their slot alternates */
    unsigned described;      /* layers whose descriptor is loaded */
    int64_t described_at[2]; /* clock from which the slot's descriptor shows */
};

/* Descriptor, and for the first layer the image. Returns the clock in which the image is in its place. */
static int64_t load_descriptor(struct timeline *t, unsigned layer)
{
    uint64_t address = t->header->descriptor_offset + (uint64_t)t->switch_index * t->header->switch_stride +
                       layer * sizeof(struct bd_descriptor);
    int64_t start = later(t->loader, t->layer_free[layer % 2]);
    int64_t last = read_job(&t->read, start, address, DESCRIPTOR_BEATS), image = 0;
    t->described_at[layer % 2] = last + 2; /* checked in the clock between */
    t->loader = last + 2;
    t->described = layer + 1;
    const struct bd_descriptor *d = &t->descriptors[layer];
    if (d->flags & BD_FLAG_LOAD_INPUT) { /* its size takes a clock */
        start = last + 3;
        image = kept_image_job(&t->read, start, d, t->image, &last);
        t->loader = last + 1;
    }
    return image;
}

/* Table and weights of a row group; returns the clock from which the tile is ready. */
static int64_t load_tile(struct timeline *t, const struct bd_descriptor *d, uint32_t group)
{
    int64_t start = later(t->loader, t->tile_free[t->tile % 2]);
    int64_t last = read_job(&t->read, start, d->table_offset + (uint64_t)group * d->table_stride, d->table_stride / 8);
    if (d->operation != BD_OP_POOL) {
        last = read_job(&t->read, last + 1, d->weight_offset + (uint64_t)group * d->weight_stride, d->weight_bytes / 8);
    }
    t->loader = last + 1;
    return last + 1;
}

static void run_tile(struct timeline *t, const struct bd_descriptor *d, uint32_t group, struct bd_layer_cost *cost)
{
    int64_t ready = load_tile(t, d, group);
    if (ready > t->sequencer) {
        cost->weight_stall += (uint64_t)(ready - t->sequencer);
        t->sequencer = ready;
    }
    int64_t pixels = (int64_t)d->out_height * d->out_width * d->initiation_interval;
    cost->compute += (uint64_t)pixels;
    /* the clock that sees the tile ready, one to set up, the pixels, the drain, one to end */
    int64_t end = t->sequencer + 2 + pixels + t->header->rows / t->header->requant_units + DRAIN;
    t->tile_free[t->tile % 2] = end + 1;
    t->tile++;
    t->sequencer = end + 1;
}

static void store_pass(struct timeline *t, uint64_t address, uint64_t bytes, struct bd_layer_cost *cost,
                       struct bd_frame_cost *frame)
{
    int64_t response = write_job(&t->write, t->sequencer + PREFILL - 1, address, bytes / 8);
    cost->output_stall += (uint64_t)(response + 1 - t->sequencer);
    t->sequencer = response + 1;
    frame->write_bytes += bytes;
}

static void store_passes(struct timeline *t, const struct bd_descriptor *d, struct bd_layer_cost *cost,
                         struct bd_frame_cost *frame)
{
    if (t->store && (d->flags & BD_FLAG_STORE_CODES)) {
        store_pass(t, d->store_codes_offset, d->store_codes_bytes, cost, frame);
    }
    if (t->store && (d->flags & BD_FLAG_STORE_STREAM)) {
        store_pass(t, d->store_z_offset, d->store_z_bytes, cost, frame);
    }
    if (d->flags & BD_FLAG_RESULT) {
        store_pass(t, 0, (uint64_t)d->row_groups * t->header->rows * 4, cost, frame);
    }
}

static void run_layer(struct timeline *t, unsigned layer, struct bd_frame_cost *frame)
{
    const struct bd_descriptor *d = &t->descriptors[layer];
    struct bd_layer_cost *cost = &frame->layers[layer];
    int64_t start = layer == 0 ? 0 : t->sequencer;
    int64_t image = load_descriptor(t, layer);
    t->sequencer = later(t->sequencer, t->described_at[layer % 2]) + 1;
    if (d->flags & BD_FLAG_LOAD_INPUT) {
        if (image + 1 > t->sequencer) { /* the sequencer keeps the message */
            cost->input_stall += (uint64_t)(image + 1 - t->sequencer);
            t->sequencer = image + 1;
        }
        t->sequencer++;
    }
    for (uint32_t g = 0; g < d->row_groups; g++) {
        run_tile(t, d, g, cost);
    }
    store_passes(t, d, cost, frame);
    t->layer_free[layer % 2] = t->sequencer + 1; /* one clock to end the layer */
    t->sequencer++;
    if (d->flags & BD_FLAG_LAST) {
        t->sequencer++; /* and one to end the frame: the interrupt stands in the next */
    }
    cost->total = (uint64_t)(t->sequencer - start);
    cost->overhead = cost->total - cost->compute - cost->weight_stall - cost->input_stall - cost->output_stall;
}

/* ---- counts that do not depend on time ---- */

static void count_operations(const struct bd_descriptor *d, struct bd_layer_cost *cost)
{
    if (d->operation == BD_OP_POOL) {
        return;
    }
    uint64_t products = (uint64_t)d->out_height * d->out_width * d->out_channels * d->kernel_h * d->kernel_w *
                        (d->in_channels / d->groups);
    if (d->datapath == BD_DATAPATH_MAC) {
        cost->mac_ops = products * d->weight_bits;
    } else {
        cost->xnor_ops = products * d->weight_bits * d->in_bits;
    }
}

static void count_bytes(const struct bd_program_header *header, const struct bd_descriptor *d,
                        struct bd_layer_cost *cost, struct bd_frame_cost *frame)
{
    uint64_t image = d->flags & BD_FLAG_LOAD_INPUT ? (uint64_t)d->in_height * d->in_width * d->in_channels : 0;
    cost->table_bytes = (uint64_t)d->row_groups * d->table_stride;
    cost->weight_bytes = (uint64_t)d->row_groups * d->weight_bytes;
    uint64_t read = sizeof(*d) + cost->table_bytes + cost->weight_bytes + (image + 7) / 8 * 8;
    frame->read_bytes += read;
    cost->energy_nj = bd_energy_layer_nj(d, header) + bd_energy_memory_nj(read);
}

static void sum_layer(struct bd_frame_cost *frame, const struct bd_layer_cost *cost)
{
    frame->cycles += cost->total;
    frame->compute += cost->compute;
    frame->weight_stall += cost->weight_stall;
    frame->input_stall += cost->input_stall;
    frame->output_stall += cost->output_stall;
    frame->overhead += cost->overhead;
    frame->energy_nj += cost->energy_nj;
}

void bd_cost_layers(const struct bd_program_header *header, const struct bd_descriptor *descriptors,
                    unsigned switch_index, const struct bd_memory_model *memory, bool store,
                    struct bd_image_fetch *image, struct bd_frame_cost *frame)
{
    struct bd_image_fetch none = {0};
    memset(frame, 0, offsetof(struct bd_frame_cost, layers));
    memset(frame->layers, 0, header->layer_count * sizeof(frame->layers[0]));
    frame->layer_count = header->layer_count;
    /* the handshake in clock 0, the doorbell rings in clock 1, the frame is taken in clock 2 and starts the loader in 3
     */
    struct timeline t = {.header = header,
                         .descriptors = descriptors,
                         .switch_index = switch_index,
                         .store = store,
                         .image = image ? image : &none,
                         .read = {.memory = memory},
                         .write = {.memory = memory},
                         .loader = 4,
                         .sequencer = 4};
    for (unsigned l = 0; l < header->layer_count; l++) {
        run_layer(&t, l, frame);
        count_operations(&descriptors[l], &frame->layers[l]);
        count_bytes(header, &descriptors[l], &frame->layers[l], frame);
        sum_layer(frame, &frame->layers[l]);
    }
    frame->energy_nj += bd_energy_memory_nj(frame->write_bytes);
}

bd_status bd_cost_check(const struct bd_program *program, const struct bd_hardware *hardware, struct bd_error *err)
{
    if (program->header->geometry_hash == BD_GEOMETRY_REFERENCE) {
        return bd_fail(err, BD_BAD_INPUT, "program '%s' was compiled for the reference alone: it has no clocks",
                       program->header->network);
    }
    if (program->header->geometry_hash != bd_hardware_geometry_hash(hardware)) {
        return bd_fail(err, BD_BAD_INPUT, "program '%s' was compiled for another geometry than that of hardware '%s'",
                       program->header->network, hardware->name);
    }
    return BD_OK;
}

bd_status bd_cost_frame(const struct bd_program *program, const struct bd_hardware *hardware, unsigned switch_index,
                        bool store, struct bd_frame_cost *cost, struct bd_error *err)
{
    const struct bd_program_header *h = program->header;
    bd_status status = bd_cost_check(program, hardware, err);
    if (status == BD_OK && switch_index >= h->switch_count) {
        status = bd_fail(err, BD_BAD_INPUT, "program '%s' has %u switches, no index %u", h->network, h->switch_count,
                         switch_index);
    }
    if (status == BD_OK) {
        bd_cost_layers(h, bd_program_descriptor(program, switch_index, 0), switch_index, &hardware->memory, store, NULL,
                       cost);
    }
    return status;
}
