#include "model/cost/cost.h"

#include <string.h>

#include "model/cost/bus.h"
#include "model/cost/energy.h"
#include "model/program/layout.h"

/* Beats fetched for one row group. */
static uint64_t table_beats(const struct bd_program_header *h, const struct bd_descriptor *d)
{
    return d->flags & BD_FLAG_STREAM_TABLES ? (bd_table_chunk(h) + bd_correct_chunk(d, h)) / 8 : 0;
}

static uint64_t weight_beats(const struct bd_program_header *h, const struct bd_descriptor *d)
{
    if (!(d->flags & BD_FLAG_STREAM_WEIGHTS))
        return 0;
    return ((uint64_t)d->weight_bits * d->weight_plane * 18 * h->rows + 63) / 64;
}

static uint64_t image_beats(const struct bd_descriptor *d)
{
    const uint64_t skipped = d->operation == BD_OP_LOAD ? d->store_codes_offset % 8 : 0;
    return d->flags & BD_FLAG_LOAD_INPUT ? (skipped + (uint64_t)d->in_height * d->in_width * d->in_channels + 7) / 8
                                         : 0;
}

/* Bytes of maps that OP_LOAD brings. */
static uint64_t map_bytes(const struct bd_descriptor *d)
{
    return d->operation == BD_OP_LOAD ? (uint64_t)d->store_codes_bytes + d->store_z_bytes : 0;
}

/* Clocks count from the doorbell's handshake (clock 0). "In clock t" speaks of what stands on the wires in that clock;
 * a register shows what it took in the clock before. hw/README.md, section Timing, says the same in words. */

#define FIRST_LAYER 6 /* the sequencer comes to the first layer, the loader to its descriptor */
#define DESCRIPTOR_BEATS (sizeof(struct bd_descriptor) / 8)
#define CHIP_DESCRIPTOR 36 /* from a descriptor's turn to its check, where the chip keeps it */
#define JUDGED 3           /* from a descriptor's last beat from memory to its check */
#define PICK 2             /* from the turn of a streamed part, or the end of the one before, to its job */
#define SETTLE 5           /* from a layer's set-up to its first hand-over */
#define BEHIND 31          /* from a row group's start to the next hand-over, at least */
#define AHEAD 9            /* from a hand-over to the start, at least */
#define POOL_AHEAD 33      /* from a layer's set-up to a start of pooling, at least */
#define COPY 4             /* beside an entry a row: from a hand-over to its tables */
#define FAST_ROWS 16       /* tables of so many rows are copied faster than a first block is summed */
#define PREFILL 15         /* clocks that the store unit leads the write DMA */

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* ---- the walk of a row group ---- */

/* Clocks from a row group's start to its last sums. */
static int64_t summed(const struct bd_descriptor *d, const struct bd_program_header *h, int64_t pixels,
                      int64_t interval)
{
    const int64_t walk = (int64_t)bd_block_clocks(d, h->rows, (uint32_t)pixels);
    const int64_t begin =
        (int64_t)d->blocks_large * d->interval_large + (int64_t)d->blocks_small * d->interval_small - interval;
    if (d->datapath == BD_DATAPATH_XNOR) {
        const int64_t least = d->in_bits == 1 ? 8 : 4; /* clocks of a word */
        return begin + walk - (pixels > least ? pixels : least) + pixels + 17;
    }
    const int64_t gather = bd_gather_clocks(d, h->rows), sum = (int64_t)d->weight_bits * d->tail_segments;
    const int64_t last_word = gather > sum ? gather : sum;
    return begin + walk - last_word + gather + sum + (d->flags & BD_FLAG_DEPTHWISE ? 18 : 19);
}

/* Words of codes that a row group writes for a pixel. */
static int64_t writes_of(const struct bd_descriptor *d, const struct bd_program_header *h, uint32_t group)
{
    const uint32_t left = d->out_channels - group * h->rows;
    return bd_code_writes(d, left < h->rows ? left : h->rows);
}

/* ---- the frame ---- */

/* The loader runs ahead of the sequencer as far as two descriptor slots and two slots of streamed row groups allow; its
 * jobs are serial. Each of these clocks is the first in which the state in question stands. */
struct timeline {
    const struct bd_program_header *header;
    const struct bd_descriptor *descriptors;
    unsigned switch_index;
    bool store, kept; /* kept: the chip has the descriptors */
    struct bd_image_fetch *image;
    struct bd_read_channel read;
    struct bd_write_channel write;
    int64_t loader;        /* clock in which the loader comes to its next job */
    int64_t sequencer;     /* clock in which the sequencer comes to its next state */
    int64_t layer_free[2]; /* clock from which the descriptor slot is free */
    int64_t slot_free[2];  /* the same of the slots of streamed row groups */
    unsigned streamed;     /* row groups streamed so far: their slot alternates */
    uint64_t write_bytes;
};

/* Returns the clock from which the descriptor shows. */
static int64_t load_descriptor(struct timeline *t, unsigned layer)
{
    const int64_t start = later(t->loader, t->layer_free[layer % 2]);
    int64_t check = start + CHIP_DESCRIPTOR;
    if (!t->kept)
        check = bd_read_job(&t->read, start,
                            t->header->descriptor_offset + (uint64_t)t->switch_index * t->header->switch_stride +
                                layer * sizeof(struct bd_descriptor),
                            DESCRIPTOR_BEATS) +
                JUDGED;
    t->loader = check + 1;
    return check + 1;
}

/* The first layer's image: returns the clock in which it is there, 0 for other layers. */
static int64_t load_image(struct timeline *t, const struct bd_descriptor *d)
{
    if (!(d->flags & BD_FLAG_LOAD_INPUT))
        return 0;
    int64_t last;
    const int64_t image = bd_image_job(&t->read, t->loader + 1, d, t->image, &last); /* its size takes a clock */
    t->loader = last + 1;
    return image;
}

/* What a row group streams: returns the clock from which it is there. */
static int64_t load_parts(struct timeline *t, const struct bd_descriptor *d, uint32_t group)
{
    const struct bd_program_header *h = t->header;
    int64_t last = later(t->loader, t->slot_free[t->streamed % 2]);
    if (d->flags & BD_FLAG_STREAM_TABLES) {
        last = bd_read_job(&t->read, last + PICK, d->table_offset + (uint64_t)group * bd_table_chunk(h),
                           bd_table_chunk(h) / 8);
        if (d->flags & BD_FLAG_CORRECT)
            last = bd_read_job(&t->read, last + PICK, d->correct_offset + (uint64_t)group * bd_correct_chunk(d, h),
                               bd_correct_chunk(d, h) / 8);
    }
    if (d->flags & BD_FLAG_STREAM_WEIGHTS)
        last = bd_read_job(&t->read, last + PICK, d->weight_offset + group * bd_weight_bytes(h, d->weight_step),
                           weight_beats(h, d));
    t->streamed++;
    t->loader = last + 1;
    return last + 1;
}

static bool is_streamed(const struct bd_descriptor *d)
{
    return d->flags & (BD_FLAG_STREAM_TABLES | BD_FLAG_STREAM_WEIGHTS);
}

/* The row groups of a layer, set up in clock `setup`: returns the clock in which all is written. */
static int64_t run_tiles(struct timeline *t, const struct bd_descriptor *d, int64_t setup, int64_t image,
                         struct bd_layer_cost *cost)
{
    const struct bd_program_header *h = t->header;
    const bool pool = d->operation == BD_OP_POOL, streamed = is_streamed(d);
    const int64_t subs = h->rows / h->requant_units;
    const int64_t pixels = d->blocks_small ? d->pixels_large - 1 : d->pixels_large;
    const int64_t walk = (int64_t)(bd_descriptor_clocks(d) / d->row_groups);
    const int64_t drain = (pixels - 1) * d->pixel_period + subs - 1; /* of the last block */
    const int64_t last_sums = pool ? 0 : summed(d, h, pixels, d->blocks_small ? d->interval_small : d->interval_large);
    int64_t wait = setup + 1, tables = setup, left[2] = {0, 0}, written = 0, start = 0;
    uint64_t run = 0; /* clocks in which row groups are walked: the one of a start behind another is among them */
    for (uint32_t g = 0; g < d->row_groups; g++) {
        const int64_t turn = g == 0 ? setup + SETTLE : start + BEHIND;
        int64_t hand = later(turn, tables), ready;
        if (streamed) {
            const int64_t there = load_parts(t, d, g), from = later(later(turn, wait), image ? image + 1 : 0);
            cost->weight_stall += there > from ? (uint64_t)(there - from) : 0;
            hand = later(hand, there);
        }
        tables = later(hand + 1, left[g % 2]) + h->rows + COPY - 1;
        ready = hand + AHEAD;
        if (g > 0 || pool || h->rows > FAST_ROWS)
            ready = later(ready, tables);
        if (image && g == 0) {
            ready = later(ready, image + 1);
            cost->input_stall += image > setup ? (uint64_t)(image - setup) : 0;
        }
        if (pool)
            ready = later(ready, setup + POOL_AHEAD);
        run += pool ? 0 : (uint64_t)walk - (g > 0 && ready < wait ? 0 : 1);
        start = later(ready, wait);
        int64_t last_beat; /* the last values of the row group leave for the requantizers, four clocks later */
        if (pool) {
            const int64_t taps = bd_pool_kinds[d->pool_kind].windows ? (int64_t)d->kernel_h * d->kernel_w
                                                                     : (int64_t)d->in_height * d->in_width;
            last_beat = start + 1 + (int64_t)(d->blocks_large - 1) * d->pixel_period + subs * taps - 1 + 4;
        } else {
            last_beat = start + last_sums + 1 + drain;
        }
        left[g % 2] = last_beat + 5;
        if (streamed)
            t->slot_free[(t->streamed - 1) % 2] = last_beat + 6;
        const int64_t writes = writes_of(d, h, g);
        written = last_beat + (writes ? writes + 23 : 22);
        wait = pool ? written + 1 : start + walk;
        run += pool ? (uint64_t)(written - start) : 0;
    }
    cost->compute = run;
    return written;
}

static void store_pass(struct timeline *t, uint64_t address, uint64_t bytes, const struct bd_store_reads *reads)
{
    t->sequencer = bd_write_job(&t->write, t->sequencer + PREFILL, t->sequencer, reads, address, bytes / 8) + 1;
    t->write_bytes += bytes;
}

/* Codes as bytes take their planes, words of planes four a beat. */
static struct bd_store_reads code_reads(const struct bd_descriptor *d)
{
    const uint32_t pairs = bd_code_pairs(d->out_bits);
    if (!(d->flags & BD_FLAG_SPILL_CODES))
        return (struct bd_store_reads){pairs, 1, pairs};
    const uint32_t words = d->out_width * bd_map_words(d), row_beats = bd_map_row_bytes(d) / 8;
    return (struct bd_store_reads){4, row_beats, words - 4 * (row_beats - 1)};
}

/* Passes from the clock after the last word is written on. */
static void store_passes(struct timeline *t, const struct bd_descriptor *d, struct bd_layer_cost *cost)
{
    const int64_t begin = t->sequencer;
    const struct bd_store_reads values = {1, 1, 1}, codes = code_reads(d);
    if ((d->flags & BD_FLAG_STORE_CODES) && (t->store || (d->flags & BD_FLAG_SPILL_CODES)))
        store_pass(t, d->store_codes_offset, d->store_codes_bytes, &codes);
    if ((d->flags & BD_FLAG_STORE_STREAM) && (t->store || (d->flags & BD_FLAG_SPILL_STREAM)))
        store_pass(t, d->store_z_offset, d->store_z_bytes, &values);
    if (d->flags & BD_FLAG_RESULT)
        store_pass(t, 0, (uint64_t)d->row_groups * t->header->rows * 4, &values);
    if (t->sequencer != begin) { /* the last pass's end is seen a clock later */
        t->sequencer++;
        cost->output_stall = (uint64_t)(t->sequencer - begin);
    }
}

/* OP_LOAD, to which the sequencer comes in clock `begin`, waits for it, and with it the loader begins. */
static void run_load(struct timeline *t, const struct bd_descriptor *d, int64_t begin, struct bd_layer_cost *cost)
{
    int64_t last = begin, done;
    if (d->flags & BD_FLAG_LOAD_INPUT)
        done = bd_image_job(&t->read, begin + 2, d, t->image, &last); /* its size takes a clock */
    else if (d->flags & BD_FLAG_WRITE_CODES)
        done = bd_codes_job(&t->read, begin + 1, d, &last) + 1;
    else
        done = last = bd_read_job(&t->read, begin + 1, d->store_z_offset, d->store_z_bytes / 8);
    t->loader = later(last + 1, done) + 1;
    t->sequencer = t->loader + 1; /* one clock to end the layer */
    cost->input_stall = (uint64_t)(t->loader - begin);
}

/* A layer from its set-up to the clock in which the sequencer comes to the next one, or the interrupt stands. */
static void run_layer(struct timeline *t, const struct bd_descriptor *d, int64_t setup, int64_t image,
                      struct bd_layer_cost *cost)
{
    t->sequencer = run_tiles(t, d, setup, image, cost) + 1;
    store_passes(t, d, cost);
    t->sequencer++; /* one clock to end the layer */
    if (d->flags & BD_FLAG_LAST)
        t->sequencer++; /* and one to end the frame: the interrupt stands in the next */
}

static void walk_layer(struct timeline *t, unsigned layer, struct bd_layer_cost *cost)
{
    const struct bd_descriptor *d = &t->descriptors[layer];
    const int64_t begin = layer == 0 ? 0 : t->sequencer;
    const int64_t setup = later(load_descriptor(t, layer), t->sequencer) + 1;
    if (d->operation == BD_OP_LOAD) {
        run_load(t, d, setup, cost);
    } else {
        const int64_t image = load_image(t, d);
        run_layer(t, d, setup, image, cost);
        if (!is_streamed(d))
            t->loader++; /* it passes the layer's row groups by */
    }
    t->layer_free[layer % 2] = t->sequencer;
    cost->total = (uint64_t)(t->sequencer - begin);
    cost->overhead = cost->total - cost->compute - cost->weight_stall - cost->input_stall - cost->output_stall;
}

static struct timeline start_frame(const struct bd_program_header *header, unsigned switch_index,
                                   const struct bd_memory_model *memory)
{
    return (struct timeline){.header = header,
                             .switch_index = switch_index,
                             .kept = header->switch_count * header->layer_count <= header->descriptors,
                             .read = {.memory = memory},
                             .write = {.memory = memory},
                             .loader = FIRST_LAYER,
                             .sequencer = FIRST_LAYER};
}

/* ---- layers that fetch nothing, each known by its clocks ---- */

bool bd_cost_is_resident(const struct bd_descriptor *d)
{
    return !is_streamed(d);
}

void bd_cost_first_layer(const struct bd_program_header *header, const struct bd_descriptor *d, unsigned switch_index,
                         const struct bd_memory_model *memory, struct bd_image_fetch *image,
                         struct bd_first_layer *first)
{
    struct timeline t = start_frame(header, switch_index, memory);
    struct bd_layer_cost cost = {0};
    t.descriptors = d;
    t.image = image;
    walk_layer(&t, 0, &cost);
    *first = (struct bd_first_layer){.end = t.sequencer, .loader = t.loader, .next_beat = t.read.next_beat};
}

int64_t bd_cost_layer_clocks(const struct bd_program_header *header, const struct bd_descriptor *d,
                             const struct bd_memory_model *memory)
{
    struct timeline t = start_frame(header, 0, memory);
    struct bd_layer_cost cost = {0};
    run_layer(&t, d, FIRST_LAYER, 0, &cost);
    return t.sequencer - FIRST_LAYER;
}

uint64_t bd_cost_resident(const struct bd_program_header *header, unsigned switch_index,
                          const struct bd_memory_model *memory, const struct bd_first_layer *first,
                          const int64_t *layer_clocks)
{
    struct timeline t = start_frame(header, switch_index, memory);
    t.sequencer = t.layer_free[0] = first->end;
    t.loader = first->loader;
    t.read.next_beat = first->next_beat;
    for (unsigned l = 1; l < header->layer_count; l++) {
        t.sequencer = later(load_descriptor(&t, l), t.sequencer) + 1 + layer_clocks[l];
        t.layer_free[l % 2] = t.sequencer;
        t.loader++;
    }
    return (uint64_t)t.sequencer;
}

uint64_t bd_cost_load(const struct bd_program_header *h, const struct bd_load_descriptor *load,
                      const struct bd_memory_model *memory, uint64_t *bytes)
{
    struct bd_read_channel read = {.memory = memory};
    const uint32_t parts[][2] = {{load->descriptor_offset, load->descriptor_beats},
                                 {load->table_offset, load->table_beats},
                                 {load->correct_offset, load->correct_beats},
                                 {load->weight_offset, load->weight_beats}};
    const int64_t begin = FIRST_LAYER - 1; /* the clock in which a frame goes on whose program is there */
    int64_t next = bd_read_job(&read, begin, h->load_offset, sizeof *load / 8) + 1;
    *bytes = sizeof *load;
    for (size_t p = 0; p < sizeof parts / sizeof parts[0]; p++) {
        next++; /* the part is looked up */
        next = parts[p][1] ? bd_read_job(&read, next, parts[p][0], parts[p][1]) + 1 : next + 1;
        *bytes += (uint64_t)parts[p][1] * 8;
    }
    return (uint64_t)(next - begin);
}

/* ---- counts that do not depend on time ---- */

/* Taps outside the map count: convolutions are counted so everywhere. */
static void count_operations(const struct bd_program_header *h, const struct bd_descriptor *d,
                             struct bd_layer_cost *cost)
{
    if (d->operation != BD_OP_CONV)
        return;
    const uint64_t products = (uint64_t)d->out_height * d->out_width * d->out_channels * d->kernel_h * d->kernel_w *
                              (d->in_channels / d->groups);
    uint64_t peak; /* of a clock */
    if (d->datapath == BD_DATAPATH_MAC) {
        cost->mac_ops = products * d->weight_bits;
        peak = (uint64_t)h->rows * 9 * h->mac_channels;
    } else {
        cost->xnor_ops = products * d->weight_bits * d->in_bits;
        peak = (uint64_t)h->rows * 144;
    }
    cost->busy = (double)(cost->xnor_ops + cost->mac_ops) / (double)(peak * cost->total);
}

static void count_bytes(const struct bd_program_header *h, const struct bd_descriptor *d, bool kept,
                        struct bd_layer_cost *cost, struct bd_frame_cost *frame)
{
    cost->table_bytes = d->row_groups * table_beats(h, d) * 8;
    cost->weight_bytes = d->row_groups * weight_beats(h, d) * 8;
    const uint64_t read =
        (kept ? 0 : sizeof *d) + cost->table_bytes + cost->weight_bytes + image_beats(d) * 8 + map_bytes(d);
    frame->read_bytes += read;
    struct bd_layer_events events;
    bd_energy_count(d, h, &events);
    cost->memory_bytes = (uint64_t)(events.memory_bits / 8);
    cost->fill = events.array_clocks / (double)cost->total;
    cost->energy_nj = bd_energy_layer_nj(&events) + bd_energy_memory_nj(read);
}

static void sum_layer(struct bd_frame_cost *frame, const struct bd_layer_cost *cost)
{
    frame->cycles += cost->total;
    frame->compute += cost->compute;
    frame->weight_stall += cost->weight_stall;
    frame->input_stall += cost->input_stall;
    frame->output_stall += cost->output_stall;
    frame->overhead += cost->overhead;
    frame->memory_bytes += cost->memory_bytes;
    frame->busy += cost->busy * (double)cost->total;
    frame->energy_nj += cost->energy_nj;
}

static double xnor_fill(const struct bd_frame_cost *frame, const struct bd_descriptor *descriptors)
{
    double work = 0, clocks = 0;
    for (unsigned l = 0; l < frame->layer_count; l++) {
        if (descriptors[l].operation == BD_OP_CONV && descriptors[l].datapath == BD_DATAPATH_XNOR) {
            work += frame->layers[l].fill * (double)frame->layers[l].total;
            clocks += (double)frame->layers[l].total;
        }
    }
    return clocks > 0 ? work / clocks : 0;
}

void bd_cost_layers(const struct bd_program_header *header, const struct bd_descriptor *descriptors,
                    unsigned switch_index, const struct bd_memory_model *memory, bool store,
                    struct bd_image_fetch *image, struct bd_frame_cost *frame)
{
    struct bd_image_fetch none = {0};
    memset(frame, 0, offsetof(struct bd_frame_cost, layers));
    memset(frame->layers, 0, header->layer_count * sizeof(frame->layers[0]));
    frame->layer_count = header->layer_count;
    struct timeline t = start_frame(header, switch_index, memory);
    t.descriptors = descriptors;
    t.store = store;
    t.image = image ? image : &none;
    for (unsigned l = 0; l < header->layer_count; l++) {
        walk_layer(&t, l, &frame->layers[l]);
        count_operations(header, &descriptors[l], &frame->layers[l]);
        count_bytes(header, &descriptors[l], t.kept, &frame->layers[l], frame);
        sum_layer(frame, &frame->layers[l]);
    }
    frame->busy /= (double)frame->cycles;
    frame->xnor_fill = xnor_fill(frame, descriptors);
    frame->write_bytes = t.write_bytes;
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
