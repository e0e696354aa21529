/* Hot loops: vector types give the same code on every compiler, target_clones the widest registers present. Without
 * contraction to fused multiply-adds (the C11 default here) all clones give the same bits. */
#pragma GCC optimize("O3")

#include "model/train/kernels.h"

#include <stdint.h>
#include <string.h>

#define CLONES __attribute__((target_clones("avx2", "default")))
#define FLUSH 64 /* pixels summed in float32 before they are added in double */
#define LANES 8

typedef float vf __attribute__((vector_size(32), aligned(4), may_alias));
typedef int32_t vi __attribute__((vector_size(32), aligned(4), may_alias));
typedef uint16_t vh __attribute__((vector_size(16), aligned(2), may_alias));

#define ALL(x) ((vf){0} + (x))
#define SELECT(mask, yes, no) ((vf)(((mask) & (vi)(yes)) | (~(mask) & (vi)(no))))
#define ADD_TO_DOUBLES(sums, v)                                                                                        \
    for (int lane = 0; lane < LANES; lane++) {                                                                         \
        (sums)[lane] += (v)[lane];                                                                                     \
    }

/* An operand vector at pixel `at`: bfloat16 is the upper half of a float32, rounded to nearest even. */
#define LOAD(base, at, half)                                                                                           \
    ((half) ? (vf)(__builtin_convertvector(((const vh *)(base))[at], vi) << 16) : ((const vf *)(base))[at])
#define STORE(base, at, half, value)                                                                                   \
    do {                                                                                                               \
        if (half) {                                                                                                    \
            vi bits_ = (vi)(value);                                                                                    \
            bits_ += 0x7fff + ((bits_ >> 16) & 1);                                                                     \
            ((vh *)(base))[at] = __builtin_convertvector((bits_ >> 16) & 0xffff, vh);                                  \
        } else {                                                                                                       \
            ((vf *)(base))[at] = (value);                                                                              \
        }                                                                                                              \
    } while (0)

#define PACT_CODE(result, z, scale, n)                                                                                 \
    do {                                                                                                               \
        vf t_ = (z) * (scale) + 0.5f;                                                                                  \
        t_ = (vf)((vi)t_ & (t_ > 0.0f));                                                                               \
        t_ = SELECT(t_ < (n), t_, ALL(n));                                                                             \
        (result) = __builtin_convertvector(__builtin_convertvector(t_, vi), vf);                                       \
    } while (0)

#define PARTS 1
#define NAME(name) name##_8
#include "model/train/kernels_block.h"
#define PARTS 2
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
