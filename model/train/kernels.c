/* Hot loops: vector types give the same code on every compiler, target_clones the widest registers present. Without
 * contraction to fused multiply-adds (the C11 default here) all clones give the same bits. */
#pragma GCC optimize("O3")
#pragma GCC diagnostic ignored "-Wpsabi" /* vectors pass between functions of this file alone, inlined */

#include "model/train/kernels.h"

#include <string.h>

#define CLONES __attribute__((target_clones("arch=x86-64-v4", "avx2", "default")))
#define INLINE static inline __attribute__((always_inline))
#define FLUSH 64 /* pixels summed in float32 before they are added in double */
#define LANES 8

typedef float vf __attribute__((vector_size(32), aligned(4), may_alias));
typedef int32_t vi __attribute__((vector_size(32), aligned(4), may_alias));
typedef uint16_t vh __attribute__((vector_size(16), aligned(2), may_alias));
typedef int16_t vs __attribute__((vector_size(16), aligned(2), may_alias));
typedef uint8_t vb __attribute__((vector_size(8), aligned(1), may_alias));

#define ALL(x) ((vf){0} + (x))
#define SELECT(mask, yes, no) ((vf)(((mask) & (vi)(yes)) | (~(mask) & (vi)(no))))

/* Vector `at` of `type`; bfloat16 is the upper half of a float32. */
INLINE vf load(const void *base, size_t at, enum bd_number type)
{
    switch (type) {
    case BD_HALF:
        return (vf)(__builtin_convertvector(((const vh *)base)[at], vi) << 16);
    case BD_INT32:
        return __builtin_convertvector(((const vi *)base)[at], vf);
    case BD_INT16:
        return __builtin_convertvector(__builtin_convertvector(((const vs *)base)[at], vi), vf);
    case BD_BYTE:
        return __builtin_convertvector(__builtin_convertvector(((const vb *)base)[at], vi), vf);
    default:
        return ((const vf *)base)[at];
    }
}

/* Rounded to nearest even where bfloat16 is asked for. */
INLINE void store(void *base, size_t at, enum bd_number type, vf value)
{
    if (type == BD_HALF) {
        vi bits = (vi)value;
        bits += 0x7fff + ((bits >> 16) & 1);
        ((vh *)base)[at] = __builtin_convertvector((bits >> 16) & 0xffff, vh);
    } else {
        ((vf *)base)[at] = value;
    }
}

INLINE vf pact_code(vf z, float scale, float n)
{
    vf t = z * scale + 0.5f;
    t = (vf)((vi)t & (t > 0.0f));
    t = SELECT(t < n, t, ALL(n));
    return __builtin_convertvector(__builtin_convertvector(t, vi), vf);
}

INLINE void add_lanes(double *sums, vf v)
{
    for (int lane = 0; lane < LANES; lane++) {
        sums[lane] += v[lane];
    }
}

#define PARTS 1
#define NAME(name) name##_8
#include "model/train/kernels_block.h"
#define PARTS 2
#define NAME(name) name##_16
#include "model/train/kernels_block.h"

void bd_kernel_moments(const void *a, enum bd_number type, int pixels, int block, double *sums)
{
    (block == 16 ? moments_16 : moments_8)(a, type, pixels, sums);
}

void bd_kernel_forward(const struct bd_forward_slab *slab, int pixels, int block, const struct bd_code *code)
{
    (block == 16 ? forward_16 : forward_8)(slab, pixels, code);
}

void bd_kernel_backward(const struct bd_backward_slab *slab, int pixels, int block, const struct bd_code *code,
                        double *sums, double *d_alpha)
{
    (block == 16 ? backward_16 : backward_8)(slab, pixels, code, sums, d_alpha);
}

void bd_kernel_normalize_gradient(const struct bd_normalize_slab *slab, int pixels, int block)
{
    (block == 16 ? normalize_16 : normalize_8)(slab, pixels);
}

CLONES void bd_kernel_widen(const uint8_t *bytes, int bias, size_t count, enum bd_number type, void *to)
{
    const float less = bias;
    if (type == BD_HALF) {
        for (size_t i = 0; i < count / LANES; i++) {
            /* Whole numbers to 255 need no rounding. */
            vf value = load(bytes, i, BD_BYTE) - less;
            ((vh *)to)[i] = __builtin_convertvector(((vi)value >> 16) & 0xffff, vh);
        }
    } else {
        for (size_t i = 0; i < count / LANES; i++) {
            ((vf *)to)[i] = load(bytes, i, BD_BYTE) - less;
        }
    }
}

CLONES void bd_kernel_narrow(const float *from, size_t count, enum bd_number type, void *to)
{
    for (size_t i = 0; i < count / LANES; i++) {
        store(to, i, type, load(from, i, BD_FLOAT));
    }
}

CLONES void bd_kernel_add_up(float *sums, int many, size_t stride, size_t count)
{
    for (int k = 1; k < many; k++) {
        const float *from = sums + k * stride;
        for (size_t i = 0; i < count; i++) {
            sums[i] += from[i];
        }
    }
}
