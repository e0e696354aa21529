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
    TABLE_SRAM,
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
    [TABLE_SRAM] = {"tables and corrections read", SRAM_BIT},
    [POOL_SRAM] = {"pooled values read", SRAM_BIT},
    [POOL_ACCUMULATE] = {"pooled values added", ACCUMULATE},
    [DRAM_READ] = {"memory read", DRAM_BEAT},
    [DRAM_WRITE] = {"memory written", DRAM_BEAT},
};

static uint32_t classes(const struct bd_descriptor *d)
{
    const uint32_t b = d->borders;
    return ((b & 255) + 1 + (b >> 8 & 255)) * ((b >> 16 & 255) + 1 + (b >> 24));
}

static int pairs(uint32_t bits)
{
    return ((int)bits + 1) / 2;
}

/* Of one row group: every step of every block's walk. */
static void count_xnor(const struct bd_descriptor *d, const struct bd_program_header *h, struct events *e)
{
    for (uint32_t block = 0; block < d->blocks_large + d->blocks_small; block++)
        for (int step = 0; step < (int)d->weight_bits * pairs(d->in_bits); step++)
            for (uint32_t word = 0; word < d->sub_rows * d->sub_columns * d->word_groups; word++) {
                const uint32_t pixels = d->pixels_large - (block >= d->blocks_large);
                e->of[WORD_SRAM] += 72.0 * h->rows * (d->in_bits == 1 ? 2 : 1); /* read once a block */
                e->of[WORD_SRAM] += 144.0 * pixels;
                e->of[ARRAY_XNOR] += 144.0 * h->rows * pixels;
                e->of[ARRAY_ACCUMULATE] += h->rows * pixels;
            }
}

static void count_mac(const struct bd_descriptor *d, const struct bd_program_header *h, struct events *e)
{
    const bool depthwise = d->flags & BD_FLAG_DEPTHWISE;
    for (uint32_t pixel = 0; pixel < d->out_height * d->out_width; pixel++)
        for (uint32_t sub = 0; sub < d->sub_rows * d->sub_columns; sub++)
            for (uint32_t group = 0; group < d->word_groups; group++) {
                int gather = d->in_layout == BD_LAYOUT_BYTE ? 1 : pairs(d->in_bits);
                if (depthwise)
                    gather = d->in_bits == 1 ? ((int)h->rows + 15) / 16 : (int)h->rows / 8 * pairs(d->in_bits);
                e->of[WORD_SRAM] += 144.0 * gather;
                const uint32_t segments = group + 1 < d->word_groups ? d->segments : d->tail_segments;
                for (uint32_t segment = 0; segment < segments * d->weight_bits; segment++) {
                    e->of[ARRAY_MAC] += 9.0 * h->rows * (depthwise ? 1 : h->mac_channels);
                    e->of[ARRAY_ACCUMULATE] += h->rows;
                    e->of[WORD_SRAM] += 18.0 * h->rows / (h->mac_channels == 1 ? 2 : 1);
                }
            }
}

static void count_value(const struct bd_descriptor *d, struct events *e)
{
    const bool compares = d->flags & BD_FLAG_SIGN_ONLY;
    e->of[SCALE_MULTIPLY] += compares ? 0 : 2;
    e->of[SCALE_ACCUMULATE] += compares ? 1 : 3;
    e->of[SCALE_ACCUMULATE] += d->flags & BD_FLAG_CORRECT ? 1 : 0;
    e->of[ADD_SRAM] += d->flags & BD_FLAG_ADD_STREAM ? (d->flags & BD_FLAG_Z_IN_WIDE ? 32 : 16) : 0;
    e->of[WRITE_SRAM] += d->flags & BD_FLAG_WRITE_STREAM ? (d->flags & BD_FLAG_Z_OUT_WIDE ? 32 : 16) : 0;
    if (d->flags & BD_FLAG_WRITE_CODES)
        e->of[CODES_SRAM] += d->out_bits == 1 ? 1 : 2 * pairs(d->out_bits);
}

/* Columns that miss the same taps at the left and at the right. */
static bool alike(const struct bd_descriptor *d, uint32_t x, uint32_t y)
{
    const uint32_t left = d->borders >> 16 & 255, right = d->borders >> 24, width = d->out_width;
    const uint32_t from_right = width - 1 - x, other_from_right = width - 1 - y;
    return (x < left ? x : left) == (y < left ? y : left) &&
           (from_right < right ? from_right : right) == (other_from_right < right ? other_from_right : right);
}

/* Corrections of a row group: a word is read for each pixel and part of the rows, but for a pixel whose one word is
 * that of the pixel before it in its row. */
static void count_corrections(const struct bd_descriptor *d, const struct bd_program_header *h, struct events *e)
{
    for (uint32_t pixel = 0; d->flags & BD_FLAG_CORRECT && pixel < d->out_height * d->out_width; pixel++) {
        const uint32_t x = pixel % d->out_width;
        const bool kept = x > 0 && h->rows == h->requant_units && alike(d, x, x - 1);
        e->of[TABLE_SRAM] += kept ? 0 : 24.0 * h->rows;
    }
}

static uint64_t whole_beats(uint64_t bytes)
{
    return (bytes + 7) / 8;
}

static void count_layer(const struct bd_descriptor *d, const struct bd_program_header *h, bool store, struct events *e)
{
    const uint32_t groups = (d->out_channels + h->rows - 1) / h->rows, pixels = d->out_height * d->out_width;
    for (uint32_t group = 0; group < groups; group++) {
        if (d->operation == BD_OP_CONV)
            (d->datapath == BD_DATAPATH_XNOR ? count_xnor : count_mac)(d, h, e);
        for (uint32_t value = 0; value < pixels * h->rows; value++)
            count_value(d, e);
        count_corrections(d, h, e);
        e->of[TABLE_SRAM] += (24.0 + 52.0) * h->rows;
        for (uint32_t tap = 0; d->operation == BD_OP_POOL && tap < pixels * d->in_height * d->in_width; tap++) {
            e->of[POOL_SRAM] += (d->flags & BD_FLAG_Z_IN_WIDE ? 32.0 : 16.0) * h->rows;
            e->of[POOL_ACCUMULATE] += h->rows;
        }
        if (d->flags & BD_FLAG_STREAM_TABLES)
            e->of[DRAM_READ] += 2.0 * h->rows + (d->flags & BD_FLAG_CORRECT ? classes(d) * h->rows / 2.0 : 0);
        if (d->flags & BD_FLAG_STREAM_WEIGHTS)
            e->of[DRAM_READ] += (d->weight_bits * d->weight_plane + 3) / 4 * 9 * (h->rows / 8);
        e->of[DRAM_WRITE] += d->flags & BD_FLAG_RESULT ? whole_beats(4 * h->rows) : 0;
    }
    if (h->layer_count * h->switch_count > h->descriptors)
        e->of[DRAM_READ] += sizeof *d / 8;
    if (d->flags & BD_FLAG_LOAD_INPUT)
        e->of[DRAM_READ] += (double)whole_beats((uint64_t)d->in_height * d->in_width * d->in_channels);
    for (uint32_t pixel = 0; store && pixel < pixels; pixel++) {
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

static double memory_bits(const struct events *e)
{
    double sum = 0;
    for (int i = 0; i < TERMS; i++) {
        sum += terms[i].event == SRAM_BIT ? e->of[i] : 0;
    }
    return sum;
}

/* Each tap of each filter at each output, once for every pair of bit-planes that meet. */
static void check_operations(const struct bd_descriptor *d, const struct bd_layer_cost *cost)
{
    uint64_t taps = 0;
    for (uint32_t o = 0; d->operation == BD_OP_CONV && o < d->out_height * d->out_width * d->out_channels; o++) {
        for (uint32_t tap = 0; tap < d->kernel_h * d->kernel_w; tap++) {
            taps += d->in_channels / d->groups;
        }
    }
    const bool mac = d->datapath == BD_DATAPATH_MAC;
    cr_assert_eq(cost->mac_ops, mac ? taps * d->weight_bits : 0);
    cr_assert_eq(cost->xnor_ops, mac ? 0 : taps * d->weight_bits * d->in_bits);
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
        cr_assert_eq(cost->layers[l].memory_bytes, (uint64_t)(memory_bits(&e) / 8));
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
