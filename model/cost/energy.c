#include "model/cost/energy.h"

#include "model/program/layout.h"

const struct bd_energy_row bd_energy_table[BD_ENERGY_COUNT] = {
#define X(name, pj, meaning) {#name, pj, meaning},
    BD_ENERGY_TABLE(X)
#undef X
};

static double price(enum bd_energy_operation operation)
{
    return bd_energy_table[operation].picojoule;
}

/* Words of nine banks that a layer's walk reads, over all row groups; weight words (18 bits a row); clocks in which the
 * array adds. */
struct walk {
    double act_words, weight_words, clocks;
};

static struct walk walk_of(const struct bd_descriptor *d, const struct bd_program_header *g)
{
    const double subs = (double)d->sub_rows * d->sub_columns, pixels = (double)d->out_height * d->out_width;
    const double blocks = (double)d->blocks_large + d->blocks_small, pairs = bd_code_pairs(d->in_bits);
    if (d->datapath == BD_DATAPATH_XNOR) {
        const double words = d->weight_bits * pairs * subs * d->word_groups * (d->in_bits == 1 ? 2 : 1);
        return (struct walk){.act_words = pixels * d->weight_bits * pairs * subs * d->word_groups * d->row_groups,
                             .weight_words = 4 * blocks * words * d->row_groups,
                             .clocks = pixels * d->weight_bits * pairs * subs * d->word_groups * d->row_groups};
    }
    const double segments = (d->word_groups - 1.0) * d->segments + d->tail_segments;
    const double gather = d->in_layout == BD_LAYOUT_BYTE    ? 1
                          : !(d->flags & BD_FLAG_DEPTHWISE) ? pairs
                          : d->in_bits == 1                 ? (g->rows + 15) / 16
                                                            : g->rows / 8 * pairs;
    const double clocks = pixels * subs * d->weight_bits * segments * d->row_groups;
    return (struct walk){.act_words = pixels * subs * d->word_groups * gather * d->row_groups,
                         .weight_words = clocks / (g->mac_channels == 1 ? 2 : 1),
                         .clocks = clocks};
}

static double array_pj(const struct bd_descriptor *d, const struct bd_program_header *g)
{
    const struct walk w = walk_of(d, g);
    const double rows = g->rows;
    const double lanes = d->datapath == BD_DATAPATH_XNOR ? 144 * price(BD_ENERGY_xnor_bit)
                         : d->flags & BD_FLAG_DEPTHWISE  ? 9 * price(BD_ENERGY_mac_lane)
                                                         : 9.0 * g->mac_channels * price(BD_ENERGY_mac_lane);
    return w.clocks * rows * (lanes + price(BD_ENERGY_accumulate)) +
           (w.act_words * 9 * 16 + w.weight_words * 18 * rows) * price(BD_ENERGY_sram_bit);
}

/* What leaves: tables are read once a tile, the stream and codes for each value; a comparison multiplies nothing. */
static double output_pj(const struct bd_descriptor *d, const struct bd_program_header *g)
{
    const double pixels = (double)d->out_height * d->out_width * d->row_groups, values = pixels * g->rows;
    const double sram = price(BD_ENERGY_sram_bit);
    double each = d->flags & BD_FLAG_SIGN_ONLY ? price(BD_ENERGY_accumulate)
                                               : 2 * price(BD_ENERGY_multiply) + 3 * price(BD_ENERGY_accumulate);
    each += d->flags & BD_FLAG_CORRECT ? BD_CORRECT_BITS * sram + price(BD_ENERGY_accumulate) : 0;
    each += d->flags & BD_FLAG_ADD_STREAM ? (d->flags & BD_FLAG_Z_IN_WIDE ? 32 : 16) * sram : 0;
    each += d->flags & BD_FLAG_WRITE_STREAM ? (d->flags & BD_FLAG_Z_OUT_WIDE ? 32 : 16) * sram : 0;
    each += d->flags & BD_FLAG_WRITE_CODES ? (d->out_bits == 1 ? 1 : 2 * bd_code_pairs(d->out_bits)) * sram : 0;
    return values * each + (double)d->row_groups * g->rows * (g->mult_bits + BD_TABLE_BIAS_BITS) * sram;
}

double bd_energy_layer_nj(const struct bd_descriptor *d, const struct bd_program_header *geometry)
{
    double pj = output_pj(d, geometry);
    if (d->operation == BD_OP_POOL) {
        const bool windows = bd_pool_kinds[d->pool_kind].windows;
        const double taps = windows ? (double)d->kernel_h * d->kernel_w : (double)d->in_height * d->in_width;
        const double values = (double)d->out_height * d->out_width * taps * d->row_groups * geometry->rows;
        pj += values *
              ((d->flags & BD_FLAG_Z_IN_WIDE ? 32 : 16) * price(BD_ENERGY_sram_bit) + price(BD_ENERGY_accumulate));
    } else {
        pj += array_pj(d, geometry);
    }
    return pj / 1000.0;
}

double bd_energy_memory_nj(uint64_t bytes)
{
    return (double)bytes / 8.0 * price(BD_ENERGY_dram_beat) / 1000.0;
}
