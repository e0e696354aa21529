/* Energy of one operation, and how often a layer does it.
 *
 * Source of the figures: M. Horowitz, "Computing's energy problem (and what we can do about it)", ISSCC 2014, 45 nm at
 * 0.9 V. They price the design's operations in that technology; they are no measurement of a device. */
#ifndef BD_COST_ENERGY_H
#define BD_COST_ENERGY_H

#include "model/program/program.h"

/* X(name, picojoule, meaning) */
#define BD_ENERGY_TABLE(X)                                                                                             \
    X(full_adder, 0.03 / 8, "8-bit add 0.03 pJ, as eight full adders")                                                 \
    X(xnor_bit, 1.25 * 0.03 / 8, "one XNOR (a quarter of a full adder) and one full adder of the popcount tree")       \
    X(mac_lane, 0.05, "16-bit add: an 8-bit code added or subtracted in a growing tree")                               \
    X(accumulate, 0.1, "32-bit add")                                                                                   \
    X(multiply, 3.1, "32-bit multiply")                                                                                \
    X(sram_bit, 10.0 / 64, "8 KB SRAM, 64 bits for 10 pJ")                                                             \
    X(dram_beat, 1950.0, "DRAM, 64 bits for 1.3 to 2.6 nJ: the middle")

enum bd_energy_operation {
#define X(name, pj, meaning) BD_ENERGY_##name,
    BD_ENERGY_TABLE(X)
#undef X
        BD_ENERGY_COUNT
};

struct bd_energy_row {
    const char *name;
    double picojoule;
    const char *meaning;
};
extern const struct bd_energy_row bd_energy_table[BD_ENERGY_COUNT];

/* What happens inside the accelerator for one layer: arrays, memories, requantizers; lanes without a tap switch too. */
struct bd_layer_events {
    double xnor_bits, mac_lanes, accumulations, multiplications;
    double memory_bits;  /* read from and written to the memories on the chip: activations, weights, stream, tables,
                          * corrections */
    double array_clocks; /* in which the array adds products of taps */
};
void bd_energy_count(const struct bd_descriptor *d, const struct bd_program_header *geometry,
                     struct bd_layer_events *events);
/* Nanojoules for them. */
double bd_energy_layer_nj(const struct bd_layer_events *events);
/* Nanojoules for bytes over the memory bus. */
double bd_energy_memory_nj(uint64_t bytes);

#endif
