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
    const double gather = bd_gather_clocks(d, g->rows);
    const double clocks = pixels * subs * d->weight_bits * segments * d->row_groups;
    return (struct walk){.act_words = pixels * subs * d->word_groups * gather * d->row_groups,
                         .weight_words = clocks / (g->mac_channels == 1 ? 2 : 1),
                         .clocks = clocks};
}

static void count_array(const struct bd_descriptor *d, const struct bd_program_header *g, struct bd_layer_events *e)
{
    const struct walk w = walk_of(d, g);
    const double rows = g->rows;
    if (d->datapath == BD_DATAPATH_XNOR)
        e->xnor_bits += w.clocks * rows * 144;
    else
        e->mac_lanes += w.clocks * rows * 9 * (d->flags & BD_FLAG_DEPTHWISE ? 1 : g->mac_channels);
    e->accumulations += w.clocks * rows;
    e->array_clocks = w.clocks;
    e->memory_bits += w.act_words * 9 * 16 + w.weight_words * 18 * rows;
}

/* Pixels for which corrections are read: all of them, or, where one word holds a pixel's, those of another class than
 * their neighbour to the left. */
static double corrected_pixels(const struct bd_descriptor *d, const struct bd_program_header *g)
{
    const struct bd_borders b = bd_borders(d);
    const uint32_t changes = b.left + b.right < d->out_width ? b.left + b.right + 1 : d->out_width;
    return (double)d->row_groups * d->out_height * (g->rows == g->requant_units ? changes : d->out_width);
}

/* What leaves: tables are read once a tile, the stream and codes for each value; a comparison multiplies nothing. */
static void count_output(const struct bd_descriptor *d, const struct bd_program_header *g, struct bd_layer_events *e)
{
    const double pixels = (double)d->out_height * d->out_width * d->row_groups, values = pixels * g->rows;
    const bool correct = d->flags & BD_FLAG_CORRECT;
    double bits = 0;
    bits += d->flags & BD_FLAG_ADD_STREAM ? (d->flags & BD_FLAG_Z_IN_WIDE ? 32 : 16) : 0;
    bits += d->flags & BD_FLAG_WRITE_STREAM ? (d->flags & BD_FLAG_Z_OUT_WIDE ? 32 : 16) : 0;
    bits += d->flags & BD_FLAG_WRITE_CODES ? (d->out_bits == 1 ? 1 : 2 * bd_code_pairs(d->out_bits)) : 0;
    e->multiplications += d->flags & BD_FLAG_SIGN_ONLY ? 0 : 2 * values;
    e->accumulations += ((d->flags & BD_FLAG_SIGN_ONLY ? 1 : 3) + (correct ? 1 : 0)) * values;
    e->memory_bits += values * bits + (double)d->row_groups * g->rows * (g->mult_bits + BD_TABLE_BIAS_BITS);
    e->memory_bits += correct ? corrected_pixels(d, g) * g->rows * BD_CORRECT_BITS : 0;
}

void bd_energy_count(const struct bd_descriptor *d, const struct bd_program_header *geometry, struct bd_layer_events *e)
{
    *e = (struct bd_layer_events){0};
    if (d->operation == BD_OP_LOAD) { /* written once, of 8-bit codes where it is the image */
        const double image = (double)d->out_height * d->out_width * d->out_channels * 8;
        e->memory_bits = d->flags & BD_FLAG_LOAD_INPUT ? image : 8.0 * d->store_codes_bytes + 8.0 * d->store_z_bytes;
        return;
    }
    count_output(d, geometry, e);
    e->memory_bits += d->flags & BD_FLAG_SPILL_CODES ? 8.0 * d->store_codes_bytes : 0;
    e->memory_bits += d->flags & BD_FLAG_SPILL_STREAM ? 8.0 * d->store_z_bytes : 0;
    if (d->operation == BD_OP_POOL) {
        const bool windows = bd_pool_kinds[d->pool_kind].windows;
        const double taps = windows ? (double)d->kernel_h * d->kernel_w : (double)d->in_height * d->in_width;
        const double values = (double)d->out_height * d->out_width * taps * d->row_groups * geometry->rows;
        e->memory_bits += values * (d->flags & BD_FLAG_Z_IN_WIDE ? 32 : 16);
        e->accumulations += values;
    } else {
        count_array(d, geometry, e);
    }
}

double bd_energy_layer_nj(const struct bd_layer_events *e)
{
    const double pj = e->xnor_bits * price(BD_ENERGY_xnor_bit) + e->mac_lanes * price(BD_ENERGY_mac_lane) +
                      e->accumulations * price(BD_ENERGY_accumulate) + e->multiplications * price(BD_ENERGY_multiply) +
                      e->memory_bits * price(BD_ENERGY_sram_bit);
    return pj / 1000.0;
}

double bd_energy_memory_nj(uint64_t bytes)
{
    return (double)bytes / 8.0 * price(BD_ENERGY_dram_beat) / 1000.0;
}
