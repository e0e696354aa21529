/* Hot loops: vector types give the same code on every compiler, target_clones the widest registers present. Without
 * contraction to fused multiply-adds (the C11 default here) all clones give the same bits. */
#pragma GCC optimize("O3")

#include "model/train/kernels.h"

#include <stdint.h>
#include <string.h>

#define CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#define FLUSH 64 /* pixels summed in float32 before they are added in double */

#define BLOCK 8
#define NAME(name) name##_8
#include "model/train/kernels_block.h"
#undef BLOCK
#undef NAME
#define BLOCK 16
#define NAME(name) name##_16
#include "model/train/kernels_block.h"

void bd_kernel_moments(const float *a, int pixels, int block, double *sums)
{
    if (block == 16) {
        moments_16(a, pixels, sums);
    } else {
        moments_8(a, pixels, sums);
    }
}

void bd_kernel_forward(const struct bd_forward_slab *slab, int pixels, int block, bool half, const struct bd_code *code)
{
    if (block == 16) {
        (half ? forward_half_16 : forward_float_16)(slab, pixels, code);
    } else {
        (half ? forward_half_8 : forward_float_8)(slab, pixels, code);
    }
}

void bd_kernel_backward(const struct bd_backward_slab *slab, int pixels, int block, bool half,
                        const struct bd_code *code, double *sums, double *d_alpha)
{
    if (block == 16) {
        (half ? backward_half_16 : backward_float_16)(slab, pixels, code, sums, d_alpha);
    } else {
        (half ? backward_half_8 : backward_float_8)(slab, pixels, code, sums, d_alpha);
    }
}

void bd_kernel_normalize_gradient(const float *g, const float *a, const float *p, const float *q, const float *r,
                                  int pixels, int block, bool half, void *d_a, float *sum)
{
    if (block == 16) {
        (half ? normalize_half_16 : normalize_float_16)(g, a, p, q, r, pixels, d_a, sum);
    } else {
        (half ? normalize_half_8 : normalize_float_8)(g, a, p, q, r, pixels, d_a, sum);
    }
}
