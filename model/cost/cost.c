#include "model/cost/cost.h"

#include <string.h>

#include "model/cost/energy.h"
#include "model/program/layout.h"

/* Clocks around the walk of a layer: to begin it, and from its last block to the last code written. */
#define LAYER_CLOCKS 40
#define BURST_BEATS 16

/* A job of so many beats on the bus: the latency of its first burst, then a beat in each interval; with one burst open
 * at a time each pays the latency. */
static uint64_t bus_clocks(const struct bd_memory_model *m, uint64_t beats)
{
    const uint64_t bursts = (beats + BURST_BEATS - 1) / BURST_BEATS;
    const uint64_t waits = m->outstanding > 1 ? (beats > 0) : bursts;
    return beats * (uint64_t)m->beat_interval + waits * (uint64_t)m->latency;
}

/* Beats fetched for one row group. */
static uint64_t table_beats(const struct bd_program_header *h, const struct bd_descriptor *d)
{
    return d->flags & BD_FLAG_STREAM_TABLES ? (bd_table_chunk(h) + bd_correct_chunk(d, h)) / 8 : 0;
}

static uint64_t weight_beats(const struct bd_program_header *h, const struct bd_descriptor *d)
{
    return d->flags & BD_FLAG_STREAM_WEIGHTS ? bd_weight_bytes(h, bd_weight_step(d->weight_bits, d->weight_plane)) / 8
                                             : 0;
}

static uint64_t image_beats(const struct bd_descriptor *d)
{
    return d->flags & BD_FLAG_LOAD_INPUT ? ((uint64_t)d->in_height * d->in_width * d->in_channels + 7) / 8 : 0;
}

static uint64_t stored_bytes(const struct bd_program_header *h, const struct bd_descriptor *d, bool store)
{
    return (store ? (uint64_t)d->store_codes_bytes + d->store_z_bytes : 0) +
           (d->flags & BD_FLAG_RESULT ? (uint64_t)d->row_groups * h->rows * 4 : 0);
}

/* Fetches of a tile run while the tile before is walked. */
static void time_layer(const struct bd_program_header *h, const struct bd_descriptor *d,
                       const struct bd_memory_model *m, bool store, bool fetches_descriptor, struct bd_layer_cost *cost)
{
    const uint64_t tile = bd_descriptor_clocks(d) / d->row_groups;
    const uint64_t fetch = bus_clocks(m, table_beats(h, d) + weight_beats(h, d));
    cost->compute = bd_descriptor_clocks(d);
    cost->weight_stall = fetch ? fetch + (fetch > tile ? (d->row_groups - 1) * (fetch - tile) : 0) : 0;
    cost->weight_stall += fetches_descriptor ? bus_clocks(m, sizeof *d / 8) : 0;
    cost->input_stall = bus_clocks(m, image_beats(d));
    cost->output_stall = bus_clocks(m, stored_bytes(h, d, store) / 8);
    cost->overhead = LAYER_CLOCKS;
    cost->total = cost->compute + cost->weight_stall + cost->input_stall + cost->output_stall + cost->overhead;
}

/* ---- counts that do not depend on time ---- */

static void count_operations(const struct bd_descriptor *d, struct bd_layer_cost *cost)
{
    if (d->operation == BD_OP_POOL)
        return;
    const uint64_t products = (uint64_t)d->out_height * d->out_width * d->out_channels * d->kernel_h * d->kernel_w *
                              (d->in_channels / d->groups);
    if (d->datapath == BD_DATAPATH_MAC)
        cost->mac_ops = products * d->weight_bits;
    else
        cost->xnor_ops = products * d->weight_bits * d->in_bits;
}

static void count_bytes(const struct bd_program_header *h, const struct bd_descriptor *d, bool store,
                        bool fetches_descriptor, struct bd_layer_cost *cost, struct bd_frame_cost *frame)
{
    cost->table_bytes = d->row_groups * table_beats(h, d) * 8;
    cost->weight_bytes = d->row_groups * weight_beats(h, d) * 8;
    const uint64_t read =
        (fetches_descriptor ? sizeof *d : 0) + cost->table_bytes + cost->weight_bytes + image_beats(d) * 8;
    frame->read_bytes += read;
    frame->write_bytes += stored_bytes(h, d, store);
    cost->energy_nj = bd_energy_layer_nj(d, h) + bd_energy_memory_nj(read);
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
                    const struct bd_memory_model *memory, bool store, struct bd_frame_cost *frame)
{
    memset(frame, 0, offsetof(struct bd_frame_cost, layers));
    memset(frame->layers, 0, header->layer_count * sizeof(frame->layers[0]));
    frame->layer_count = header->layer_count;
    const bool fetches = header->switch_count * header->layer_count > header->descriptors;
    for (unsigned l = 0; l < header->layer_count; l++) {
        const struct bd_descriptor *d = &descriptors[l];
        time_layer(header, d, memory, store, fetches, &frame->layers[l]);
        count_operations(d, &frame->layers[l]);
        count_bytes(header, d, store, fetches, &frame->layers[l], frame);
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
        bd_cost_layers(h, bd_program_descriptor(program, switch_index, 0), &hardware->memory, store, cost);
    }
    return status;
}
