/* Inside of kernels.h: what kernels.c, kernels_narrow.h and kernels_wide.h, for AVX-512, share. */
#ifndef BD_KERNELS_KERNELS_PARTS_H
#define BD_KERNELS_KERNELS_PARTS_H

#include <math.h>
#include <string.h>

#include "model/kernels/kernels.h"

#define FLUSH 64 /* pixels summed in float32 before they are added in double */

/* Calls `function` with the accumulations' type as a constant, TYPE in the arguments. */
#define BY_NUMBER(type, function, ...)                                                                                 \
    if ((type) == BD_INT16) {                                                                                          \
        const enum bd_number TYPE = BD_INT16;                                                                          \
        function(__VA_ARGS__);                                                                                         \
    } else if ((type) == BD_INT32) {                                                                                   \
        const enum bd_number TYPE = BD_INT32;                                                                          \
        function(__VA_ARGS__);                                                                                         \
    } else {                                                                                                           \
        const enum bd_number TYPE = BD_FLOAT;                                                                          \
        function(__VA_ARGS__);                                                                                         \
    }

/* The kernels for blocks of one size. */
struct bd_block_kernels {
    void (*moments)(const void *a, enum bd_number type, int pixels, double *sums);
    void (*forward)(const struct bd_forward_slab *slab, int pixels, const struct bd_code *code);
    void (*backward)(const struct bd_backward_slab *slab, int pixels, const struct bd_code *code, double *sums,
                     double *d_alpha);
    void (*normalize)(const struct bd_normalize_slab *slab, int pixels);
    void (*widen)(const uint8_t *bytes, int bias, size_t count, enum bd_number type, void *to);
};
/* Blocks of 16 channels on AVX-512, and where it rounds to bfloat16 by itself (kernels_wide.h). */
extern const struct bd_block_kernels bd_kernels_wide, bd_kernels_wide_half;

/* Blocks of 8 and of 16 channels on any processor, and on one with AVX2 (kernels_narrow.h): the same bits. */
struct bd_narrow_kernels {
    struct bd_block_kernels of_8, of_16;
    void (*narrow)(const float *from, size_t count, enum bd_number type, void *to);
};
extern const struct bd_narrow_kernels bd_kernels_any, bd_kernels_avx2;

#endif
