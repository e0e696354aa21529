#include "model/cost/energy.h"

const struct bd_energy_row bd_energy_table[BD_ENERGY_COUNT] = {
#define X(name, pj, meaning) {#name, pj, meaning},
    BD_ENERGY_TABLE(X)
#undef X
};

static double price(enum bd_energy_operation operation)
{
    return bd_energy_table[operation].picojoule;
}

/* A convolution's pixels: K words read from both buffers, and what the arrays do with them. */
static double array_pj(const struct bd_descriptor *d, const struct bd_program_header *g)
{
    double pixels = (double)d->out_height * d->out_width * d->row_groups, rows = g->rows, lanes = g->lanes;
    double cycles = pixels * d->pixel_cycles;
    double word_reads = d->datapath == BD_DATAPATH_MAC ? cycles / d->segments : cycles;
    double array =
        d->datapath == BD_DATAPATH_MAC ? g->mac_lanes * price(BD_ENERGY_mac_lane) : lanes * price(BD_ENERGY_xnor_bit);
    return cycles * rows * (array + price(BD_ENERGY_accumulate)) +
           word_reads * lanes * (rows + 8.0) * price(BD_ENERGY_sram_bit);
}

/* Requantizer and buffer traffic of the values that leave. */
static double output_pj(const struct bd_descriptor *d, const struct bd_program_header *g)
{
    double values = (double)d->out_height * d->out_width * d->row_groups * g->rows;
    double each = 2.0 * price(BD_ENERGY_multiply) + 3.0 * price(BD_ENERGY_accumulate);
    each += d->flags & BD_FLAG_ADD_STREAM ? 32.0 * price(BD_ENERGY_sram_bit) : 0.0;
    each += d->flags & BD_FLAG_WRITE_STREAM ? 32.0 * price(BD_ENERGY_sram_bit) : 0.0;
    each += d->flags & BD_FLAG_WRITE_CODES ? 8.0 * d->out_slots * price(BD_ENERGY_sram_bit) : 0.0;
    return values * each;
}

double bd_energy_layer_nj(const struct bd_descriptor *d, const struct bd_program_header *geometry)
{
    double pj = output_pj(d, geometry);
    if (d->operation == BD_OP_POOL) {
        double values = (double)d->in_height * d->in_width * d->row_groups * geometry->rows;
        pj += values * (32.0 * price(BD_ENERGY_sram_bit) + price(BD_ENERGY_accumulate));
    } else {
        pj += array_pj(d, geometry);
    }
    return pj / 1000.0;
}

double bd_energy_memory_nj(uint64_t bytes)
{
    return (double)bytes / 8.0 * price(BD_ENERGY_dram_beat) / 1000.0;
}
