/* Between winograd.c and its two passes over tiles (winograd_passes.h, compiled for float32 and for bfloat16). */
#ifndef BD_KERNELS_WINOGRAD_PARTS_H
#define BD_KERNELS_WINOGRAD_PARTS_H

#include "model/kernels/winograd.h"

#define BD_WINOGRAD_LINE 64 /* bytes of a cache line */

enum {
    BLOCK = BD_WINOGRAD_BLOCK,
    OUT = 4,         /* side of a tile of results */
    IN = 6,          /* side of the window that it reads; interpolation points of a dimension */
    POINTS = IN * IN /* products that a tile takes */
};

/* How a batch is cut into parts of whole images, whose transformed tiles fit the second-level cache. */
struct bd_winograd_cut {
    int images, rows, columns; /* images of a part; tiles of an image */
    int tiles;                 /* of a part; even, the last may be one of zeros */
};

void bd_winograd_pack_float(const struct bd_winograd_shape *shape, const float *weights, void *packed);
void bd_winograd_pack_half(const struct bd_winograd_shape *shape, const float *weights, void *packed);
void bd_winograd_weight_float(const struct bd_winograd_task *task, const struct bd_winograd_cut *cut);
void bd_winograd_weight_half(const struct bd_winograd_task *task, const struct bd_winograd_cut *cut);
void bd_winograd_data_float(const struct bd_winograd_task *task, const struct bd_winograd_cut *cut);
void bd_winograd_data_half(const struct bd_winograd_task *task, const struct bd_winograd_cut *cut);

#endif
