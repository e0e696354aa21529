/* A hardware configuration: the geometry that becomes SystemVerilog parameters, the memory it sits on, and the
 * clock and energy table that reports use. Read from yaml-configs/hardware/ by a strict table
 * (`bitdial help hardware` prints it). */
#ifndef BD_PROGRAM_HARDWARE_H
#define BD_PROGRAM_HARDWARE_H

#include <stdbool.h>
#include <stdint.h>

#include "model/core/error.h"

struct bd_memory_model {
    int64_t latency;       /* clocks from an accepted read address to its first beat; also last W beat to B */
    int64_t beat_interval; /* clocks between 8-byte beats: 1 is full rate, 4 is a quarter of it */
    int64_t outstanding;   /* read bursts open at once */
};

struct bd_hardware {
    char *name;
    int64_t rows;          /* output channels computed at once; power of two, 2..64 */
    int64_t lanes;         /* bits of one K word; multiple of rows and of mac_lanes, 8..256 */
    int64_t mac_lanes;     /* activations the add-only MAC takes a clock; power of two, 2..64 */
    int64_t requant_units; /* requantizers side by side; power of two, 2..rows */
    bool xnor, mac;        /* datapaths present; at least one */
    int64_t act_words;     /* activation buffer, words of lanes x 8 bits */
    int64_t z_words;       /* residual buffer, words of requant_units x 32 bits */
    int64_t weight_words;  /* weight buffer, words of rows x lanes bits, for each of its two slots */
    int64_t mult_bits;     /* width of the requantizer's multiplier M, 8..32 */
    double clock_mhz;      /* for reports only */
    char *energy_table;    /* name of the table, for reports only */
    struct bd_memory_model memory;
};

bd_status bd_hardware_load(struct bd_hardware *hardware, const char *path, struct bd_error *err) BD_WARN_UNUSED;
/* The geometry of programs for the reference alone (BD_GEOMETRY_REFERENCE): it decides how their bytes lie and how wide
 * M is, and nothing else. Released like a loaded one. */
void bd_hardware_reference(struct bd_hardware *hardware);
void bd_hardware_release(struct bd_hardware *hardware);
/* Reads "LATENCY,INTERVAL,OUTSTANDING", each in the bounds that a configuration has for it. */
bd_status bd_memory_parse(struct bd_memory_model *memory, const char *text, struct bd_error *err) BD_WARN_UNUSED;
/* Prints the table of keys to a stream: name, type, bounds, default, help. */
void bd_hardware_help(void *stdio_file);

/* 64-bit hash of what changes the RTL (geometry, buffers, datapaths, mult_bits; not memory, clock, energy or
 * name), the value of the RTL's GEOMETRY_HASH register and the name of its cached build. */
uint64_t bd_hardware_geometry_hash(const struct bd_hardware *hardware);

#endif
