/* A hardware configuration: the geometry that becomes SystemVerilog parameters, the memory it sits on, and the
 * clock and energy table that reports use. Read from yaml-configs/hardware/ by a strict table
 * (`bitdial help hardware` prints it). */
#ifndef BD_PROGRAM_HARDWARE_H
#define BD_PROGRAM_HARDWARE_H

#include <stdbool.h>
#include <stdint.h>

#include "model/core/error.h"
#include "model/core/yaml.h"

struct bd_memory_model {
    int64_t latency;       /* clocks from an accepted read address to its first beat; also last W beat to B */
    int64_t beat_interval; /* clocks between 8-byte beats: 1 is full rate, 4 is a quarter of it */
    int64_t outstanding;   /* read bursts open at once */
};

/* Fixed: the same clocks every time, so that a board's frames take the clocks predicted. Varying: refresh, open rows
 * and others who ask decide (SDRAM); the prediction is then a guide, with which a board's clocks are not compared. A
 * simulated device's memory is always fixed. */
enum bd_memory_timing { BD_MEMORY_FIXED, BD_MEMORY_VARYING };

struct bd_hardware {
    char *name;
    int64_t rows;          /* R: output channels computed at once; 8, 16, 32 or 64 */
    int64_t requant_units; /* RQ: requantizers side by side; power of two, 2..rows */
    int64_t mac_channels;  /* MC: channels of nine taps that the add-only MAC takes a clock: 0 (no MAC), 1 or 2 */
    bool xnor, mac;        /* datapaths present, at least one; mac: mac_channels > 0 */
    int64_t act_words;     /* activation memory, words of 16 bits in each of its nine banks */
    int64_t z_words;       /* residual memory, words of requant_units x 16 bits; even */
    int64_t weight_words;  /* weight memory, words of 18 bits a row; a multiple of 4 */
    int64_t table_words;   /* table memory, entries of one row: M and B' */
    int64_t correct_words; /* correction memory, words of requant_units x 24 bits; 0: none */
    int64_t descriptors;   /* layer descriptors kept on the chip; 0: fetched for every layer */
    int64_t acc_bits;      /* width of an accumulator, 24..32 */
    int64_t mult_bits;     /* width of the requantizer's multiplier M, 8..24 */
    double clock_mhz;      /* for reports only */
    int clock;             /* enum bd_clock_source: what clock_mhz rests on; every report that uses it says so */
    char *energy_table;    /* name of the table, for reports only */
    struct bd_memory_model memory;
    int memory_timing; /* enum bd_memory_timing: whether a board's memory keeps to that */
};

enum bd_clock_source { BD_CLOCK_ASSUMED, BD_CLOCK_ROUTED };
/* "assumed" or "routed". */
const char *bd_hardware_clock_word(const struct bd_hardware *hardware);

bd_status bd_hardware_load(struct bd_hardware *hardware, const char *path, struct bd_error *err) BD_WARN_UNUSED;
/* The same of text in memory; `path` is then a name for messages. */
bd_status bd_hardware_parse(struct bd_hardware *hardware, const char *path, const char *text, struct bd_error *err)
    BD_WARN_UNUSED;
/* The row of a key of the file; NULL: there is none. */
const struct bd_field *bd_hardware_key(const char *name);
/* The geometry of programs for the reference alone (BD_GEOMETRY_REFERENCE): it decides how their bytes lie and how wide
 * M is, and nothing else. Released like a loaded one. */
void bd_hardware_reference(struct bd_hardware *hardware);
void bd_hardware_release(struct bd_hardware *hardware);
/* Reads "LATENCY,INTERVAL,OUTSTANDING", each in the bounds that a configuration has for it. */
bd_status bd_memory_parse(struct bd_memory_model *memory, const char *text, struct bd_error *err) BD_WARN_UNUSED;
/* Prints the table of keys to a stream: name, type, bounds, default, help. */
void bd_hardware_help(void *stdio_file);

/* 64-bit hash of what changes the RTL (geometry, memories, datapaths, widths; not the memory behind the bus, clock,
 * energy or name), the value of the RTL's GEOMETRY_HASH register and the name of its cached build. */
uint64_t bd_hardware_geometry_hash(const struct bd_hardware *hardware);

#endif
