/* Cells of an ECP5 that a hardware configuration takes for the blocks that it has many of, by formulas fitted to mapped
 * blocks (hw/synth/area.json, `make fit-area`): a sum of terms of the RTL's parameters for each block and kind of cell.
 * What a machine has once (control, buses, memories) is in no formula. */
#ifndef BD_COST_AREA_H
#define BD_COST_AREA_H

#include <stddef.h>

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

double bd_area_sites(const double cells[BD_AREA_CELL_COUNT]);
extern const char *const bd_area_cell_names[BD_AREA_CELL_COUNT];

#endif
