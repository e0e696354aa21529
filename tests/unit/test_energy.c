/* Energy, operations and bytes of a frame, counted here one event at a time by loops over the descriptors, and priced
 * by figures written down here: every term must stand in the program's own sum, and every term is large enough to be
 * missed.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/checkpoint/random_checkpoint.h"
#include "model/core/memory.h"
#include "model/cost/cost.h"
#include "model/cost/energy.h"
#include "model/fold/fold.h"

/* Horowitz, ISSCC 2014, 45 nm, in picojoules: an 8-bit add 0.03, a 16-bit add 0.05, a 32-bit add 0.1, a 32-bit multiply
 * 3.1, 64 bits of an 8 KB memory 10, 64 bits of DRAM 1300 to 2600. */
enum event { XNOR_LANE, MAC_LANE, ACCUMULATE, MULTIPLY, SRAM_BIT, DRAM_BEAT, EVENTS };
static const double picojoule[EVENTS] = {0.03 / 8 * 1.25, 0.05, 0.1, 3.1, 10.0 / 64, (1300 + 2600) / 2.0};

/* What happens in a frame, each kind of it counted by itself; memory in beats of 64 bits. */
enum term {
    ARRAY_XNOR,
    ARRAY_MAC,
    ARRAY_ACCUMULATE,
    WORD_SRAM,
    SCALE_MULTIPLY,
    SCALE_ACCUMULATE,
    ADD_SRAM,
    WRITE_SRAM,
    CODES_SRAM,
    POOL_SRAM,
    POOL_ACCUMULATE,
    DRAM_READ,
    DRAM_WRITE,
    TERMS
};
struct events {
    double of[TERMS];
};
static const struct {
    const char *name;
    enum event event;
} terms[TERMS] = {
    [ARRAY_XNOR] = {"XNOR lanes", XNOR_LANE},
    [ARRAY_MAC] = {"MAC lanes", MAC_LANE},
    [ARRAY_ACCUMULATE] = {"accumulators", ACCUMULATE},
    [WORD_SRAM] = {"weight and activation words", SRAM_BIT},
    [SCALE_MULTIPLY] = {"requantizer multiplies", MULTIPLY},
    [SCALE_ACCUMULATE] = {"requantizer adds", ACCUMULATE},
    [ADD_SRAM] = {"stream read", SRAM_BIT},
    [WRITE_SRAM] = {"stream written", SRAM_BIT},
    [CODES_SRAM] = {"codes written", SRAM_BIT},
    [POOL_SRAM] = {"pooled values read", SRAM_BIT},
    [POOL_ACCUMULATE] = {"pooled values added", ACCUMULATE},
    [DRAM_READ] = {"memory read", DRAM_BEAT},
    [DRAM_WRITE] = {"memory written", DRAM_BEAT},
};

static void count_array(const struct bd_descriptor *d, const struct bd_program_header *h, struct events *e)
{
    const bool mac = d->datapath == BD_DATAPATH_MAC;
    for (uint32_t word = 0; word < d->k_words; word++) {
        for (uint32_t plane = 0; plane < d->weight_bits; plane++) {
            /* XNOR reads a word for each plane of the codes, MAC one that it takes in segments */
            for (uint32_t part = 0; part < (mac ? d->segments : d->in_bits); part++) {
                e->of[mac ? ARRAY_MAC : ARRAY_XNOR] += (double)h->rows * (mac ? h->mac_lanes : h->lanes);
                e->of[ARRAY_ACCUMULATE] += h->rows;
                if (!mac || part == 0) {
                    e->of[WORD_SRAM] += h->rows * h->lanes + 8.0 * h->lanes; /* a bit of weight a row; a byte of code */
                }
            }
        }
    }
}

static void count_value(const struct bd_descriptor *d, struct events *e)
{
    e->of[SCALE_MULTIPLY] += 2;
    e->of[SCALE_ACCUMULATE] += 3;
    e->of[ADD_SRAM] += d->flags & BD_FLAG_ADD_STREAM ? 32 : 0;
    e->of[WRITE_SRAM] += d->flags & BD_FLAG_WRITE_STREAM ? 32 : 0;
    for (uint32_t slot = 0; d->flags & BD_FLAG_WRITE_CODES && slot < d->out_slots; slot++) {
        e->of[CODES_SRAM] += 8;
    }
}

static uint64_t whole_beats(uint64_t bytes)
{
    return (bytes + 7) / 8;
}

static void count_layer(const struct bd_descriptor *d, const struct bd_program_header *h, bool store, struct events *e)
{
    const uint32_t groups = (d->out_channels + h->rows - 1) / h->rows;
    for (uint32_t group = 0; group < groups; group++) {
        for (uint32_t pixel = 0; pixel < d->out_height * d->out_width; pixel++) {
            if (d->operation == BD_OP_CONV) {
                count_array(d, h, e);
            }
            for (uint32_t row = 0; row < h->rows; row++) {
                count_value(d, e);
            }
        }
        for (uint32_t pixel = 0; d->operation == BD_OP_POOL && pixel < d->in_height * d->in_width; pixel++) {
            e->of[POOL_SRAM] += 32.0 * h->rows;
            e->of[POOL_ACCUMULATE] += h->rows;
        }
        e->of[DRAM_READ] += (double)whole_beats(d->table_stride) + (double)whole_beats(d->weight_bytes);
        e->of[DRAM_WRITE] += d->flags & BD_FLAG_RESULT ? whole_beats(4 * h->rows) : 0;
    }
    e->of[DRAM_READ] += sizeof *d / 8;
    if (d->flags & BD_FLAG_LOAD_INPUT) {
        e->of[DRAM_READ] += (double)whole_beats((uint64_t)d->in_height * d->in_width * d->in_channels);
    }
    for (uint32_t pixel = 0; store && pixel < d->out_height * d->out_width; pixel++) {
        e->of[DRAM_WRITE] += d->flags & BD_FLAG_STORE_CODES ? whole_beats(d->out_channels) : 0;
        e->of[DRAM_WRITE] += d->flags & BD_FLAG_STORE_STREAM ? groups * h->rows * 4 / 8.0 : 0;
    }
}

static void add(struct events *to, const struct events *more)
{
    for (int i = 0; i < TERMS; i++) {
        to->of[i] += more->of[i];
    }
}

static double nanojoule(const struct events *e)
{
    double sum = 0;
    for (int i = 0; i < TERMS; i++) {
        sum += e->of[i] * picojoule[terms[i].event] / 1000;
    }
    return sum;
}

/* Each real tap of each filter at each output, once for every pair of bit-planes that meet. */
static void check_operations(const struct bd_descriptor *d, const struct bd_layer_cost *cost)
{
    uint64_t taps = 0;
    for (uint32_t o = 0; d->operation == BD_OP_CONV && o < d->out_height * d->out_width * d->out_channels; o++) {
        for (uint32_t tap = 0; tap < d->kernel_h * d->kernel_w; tap++) {
            taps += d->in_channels / d->groups;
        }
    }
    const bool mac = d->datapath == BD_DATAPATH_MAC;
    cr_assert_eq(cost->mac_ops, mac ? taps * d->weight_bits : 0, "layer %u", d->layer);
    cr_assert_eq(cost->xnor_ops, mac ? 0 : taps * d->weight_bits * d->in_bits, "layer %u", d->layer);
}

static void check_frame(const struct bd_program *program, const struct bd_hardware *hardware, unsigned s, bool store,
                        struct events *all)
{
    struct bd_error err;
    struct bd_frame_cost *cost = bd_xcalloc(1, sizeof *cost);
    cr_assert_eq(bd_cost_frame(program, hardware, s, store, cost, &err), BD_OK, "%s", err.message);
    double layers = 0;
    for (unsigned l = 0; l < program->header->layer_count; l++) {
        const struct bd_descriptor *d = bd_program_descriptor(program, s, l);
        struct events e = {0};
        count_layer(d, program->header, store, &e);
        check_operations(d, &cost->layers[l]);
        add(all, &e);
        e.of[DRAM_WRITE] = 0; /* the frame's, not the layer's */
        cr_assert_float_eq(cost->layers[l].energy_nj, nanojoule(&e), 1e-9 * nanojoule(&e),
                           "layer %u: %g nJ, counted %g", l, cost->layers[l].energy_nj, nanojoule(&e));
        layers += cost->layers[l].energy_nj;
    }
    const double written = (double)cost->write_bytes / 8 * picojoule[DRAM_BEAT] / 1000;
    cr_assert_float_eq(cost->energy_nj, layers + written, 1e-9 * cost->energy_nj);
    free(cost);
}

Test(energy, every_term_is_counted_by_loops)
{
    struct bd_hardware hardware;
    struct bd_checkpoint checkpoint;
    struct bd_program program;
    struct bd_fold_report report;
    struct bd_error err;
    const struct bd_fold_options options = {.max_moved = 1000.0};
    cr_assert_eq(bd_hardware_load(&hardware, "yaml-configs/hardware/demo.yaml", &err), BD_OK, "%s", err.message);
    cr_assert_eq(bd_random_checkpoint("yaml-configs/networks/resnet8.yaml", 1, &checkpoint, &err), BD_OK, "%s",
                 err.message);
    cr_assert_eq(bd_fold(&checkpoint, &hardware, &options, &program, &report, &err), BD_OK, "%s", err.message);
    struct events all = {0};
    struct bd_frame_cost *cost = bd_xcalloc(1, sizeof *cost);
    for (unsigned s = 0; s < program.header->switch_count; s++) {
        for (int store = 0; store < 2; store++) {
            struct events here = {0};
            check_frame(&program, &hardware, s, store, &here);
            cr_assert_eq(bd_cost_frame(&program, &hardware, s, store, cost, &err), BD_OK);
            cr_assert_eq(cost->read_bytes, (uint64_t)here.of[DRAM_READ] * 8, "switch %u", s);
            cr_assert_eq(cost->write_bytes, (uint64_t)here.of[DRAM_WRITE] * 8, "switch %u", s);
            cr_assert_float_eq(cost->energy_nj, nanojoule(&here), 1e-9 * nanojoule(&here), "switch %u", s);
            add(&all, &here);
        }
    }
    for (int i = 0; i < TERMS; i++) { /* a term of nothing would be missed by nobody */
        cr_assert_gt(all.of[i] * picojoule[terms[i].event] / 1000, 1e-6 * nanojoule(&all), "no %s", terms[i].name);
    }
    free(cost);
    bd_fold_report_release(&report);
    bd_program_release(&program);
    bd_checkpoint_release(&checkpoint);
    bd_hardware_release(&hardware);
}

/* The table that `bitdial cost --energy-table` prints has these figures too. */
Test(energy, table_is_the_source)
{
    static const struct {
        enum bd_energy_operation row;
        double picojoule;
    } rows[] = {{BD_ENERGY_full_adder, 0.03 / 8}, {BD_ENERGY_xnor_bit, 0.03 / 8 * 1.25},
                {BD_ENERGY_mac_lane, 0.05},       {BD_ENERGY_accumulate, 0.1},
                {BD_ENERGY_multiply, 3.1},        {BD_ENERGY_sram_bit, 10.0 / 64},
                {BD_ENERGY_dram_beat, 1950}};
    cr_assert_eq(sizeof rows / sizeof *rows, BD_ENERGY_COUNT);
    for (size_t i = 0; i < BD_ENERGY_COUNT; i++) {
        cr_assert_float_eq(bd_energy_table[rows[i].row].picojoule, rows[i].picojoule, 1e-12);
    }
}
