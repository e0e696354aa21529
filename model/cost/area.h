/* Cells of an ECP5 that a hardware configuration takes for the blocks that it has many of, by formulas fitted to mapped
 * blocks (hw/synth/area.json, `make fit-area`): a sum of terms of the RTL's parameters for each block and kind of cell.
 * What a machine has once (control, buses, memories) is in no formula: of the whole machine it is taken to be what one
 * mapped machine has beside its blocks, whatever the configuration; but block RAM follows from the memories' shapes. */
#ifndef BD_COST_AREA_H
#define BD_COST_AREA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/program/hardware.h"

/* Kinds of cells: X(name, sites of one). A site is a LUT place of a slice; registers stand beside them. */
#define BD_AREA_CELLS(X)                                                                                               \
    X(LUT4, 1)                                                                                                         \
    X(CCU2C, 2)                                                                                                        \
    X(DPR16X4, 6)                                                                                                      \
    X(FF, 0)                                                                                                           \
    X(DP16KD, 0)                                                                                                       \
    X(MULT18X18D, 0)

enum bd_area_cell {
#define X(name, sites) BD_AREA_##name,
    BD_AREA_CELLS(X)
#undef X
        BD_AREA_CELL_COUNT
};

struct bd_area {
    double cells[BD_AREA_CELL_COUNT];
    double off[BD_AREA_CELL_COUNT]; /* at most: the fit's largest residual, of every block */
};

/* A block: its module's name, how many of it the machine has, and their cells together. Below bd_area_blocks(). */
struct bd_area_block {
    const char *name;
    int count;
    struct bd_area area;
};
size_t bd_area_blocks(void);
struct bd_area_block bd_area_block(const struct bd_hardware *hardware, size_t index);
/* All blocks together. */
struct bd_area bd_area(const struct bd_hardware *hardware);

/* What the machine that was mapped as a whole (bd_area_measured: its configuration) takes beside its blocks and block
 * RAM: the constant of bd_area_machine. */
struct bd_area bd_area_rest(void);
extern const char *const bd_area_measured;
/* Block RAMs (DP16KD), exact: each memory in the form that takes the fewest, or in LUT RAM where that is less. */
int64_t bd_area_block_ram(const struct bd_hardware *hardware);
/* A whole machine, estimated: blocks, the rest, block RAM. `off` is of the blocks alone. */
struct bd_area bd_area_machine(const struct bd_hardware *hardware);

/* A part: what it has. */
struct bd_area_part {
    const char *name;
    double sites, block_ram, multipliers; /* a site has a register beside it */
};
/* NULL: there is no part of that name. */
const struct bd_area_part *bd_area_part(const char *name);
#define BD_AREA_PARTS "LFE5U-25F|LFE5U-45F|LFE5U-85F"
/* Whether a machine's cells fit a part; `why` (of `size` bytes) says what is too much, or "". */
bool bd_area_fits(const struct bd_area *machine, const struct bd_area_part *part, char *why, size_t size);

double bd_area_sites(const double cells[BD_AREA_CELL_COUNT]);
extern const char *const bd_area_cell_names[BD_AREA_CELL_COUNT];

#endif
