/* The kernels in vectors of 8 for any processor, as the table NARROW: vector types give the same code on every
 * compiler. Without contraction to fused multiply-adds (the C11 default here) all builds of this file give the same
 * bits. Vectors of 8, because GCC 12 takes comparisons of 16 apart lane by lane; kernels_wide.h has intrinsics instead.
 */
#pragma GCC diagnostic ignored "-Wpsabi" /* vectors pass between functions of this file alone, inlined */

#include "model/kernels/kernels_parts.h"

#define CLONES static
#define INLINE static inline __attribute__((always_inline))
#ifndef FORM
#define FORM INLINE
#endif
#define LANES 8

typedef float vf __attribute__((vector_size(32), aligned(4), may_alias));
typedef int32_t vi __attribute__((vector_size(32), aligned(4), may_alias));
typedef uint16_t vh __attribute__((vector_size(16), aligned(2), may_alias));
typedef int16_t vs __attribute__((vector_size(16), aligned(2), may_alias));
typedef uint8_t vb __attribute__((vector_size(8), aligned(1), may_alias));
typedef vi mask;

INLINE vf all(float x)
{
    return (vf){0} + x;
}

/* Vector `at` of `type`; bfloat16 is the upper half of a float32. */
INLINE vf load(const void *base, size_t at, const enum bd_number type)
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
INLINE void store(void *base, size_t at, const enum bd_number type, vf value)
{
    if (type == BD_HALF) {
        vi bits = (vi)value;
        bits += 0x7fff + ((bits >> 16) & 1);
        ((vh *)base)[at] = __builtin_convertvector((bits >> 16) & 0xffff, vh);
    } else {
        ((vf *)base)[at] = value;
    }
}

INLINE void store_past(float *base, size_t at, vf value)
{
    store(base, at, BD_FLOAT, value);
}

INLINE void store_bytes(uint8_t *base, size_t at, vi value)
{
    ((vb *)base)[at] = __builtin_convertvector(value, vb);
}

INLINE vi whole(vf v)
{
    return __builtin_convertvector(v, vi);
}

INLINE vf real(vi v)
{
    return __builtin_convertvector(v, vf);
}

INLINE vf whole_part(vf v)
{
    return real(whole(v));
}

INLINE vf low(vf a, vf b)
{
    vi below = a < b;
    return (vf)((below & (vi)a) | (~below & (vi)b));
}

INLINE vf high(vf a, vf b)
{
    vi over = a > b;
    return (vf)((over & (vi)a) | (~over & (vi)b));
}

INLINE vf madd(vf a, vf b, vf c)
{
    return a * b + c;
}

INLINE mask at_least(vf a, vf b)
{
    return a >= b;
}

INLINE mask below(mask m, vf a, vf b)
{
    return m & (a < b);
}

INLINE vf keep(mask m, vf v)
{
    return (vf)(m & (vi)v);
}

INLINE vf add_kept(mask m, vf a, vf b, vf c)
{
    return c + keep(m, a * b);
}

INLINE vf choose(mask m, vf a, vf b)
{
    return (vf)((m & (vi)a) | (~m & (vi)b));
}

INLINE void add_lanes(double *sums, vf v)
{
    for (int lane = 0; lane < LANES; lane++) {
        sums[lane] += v[lane];
    }
}

#define PARTS 1
#define NAME(name) name##_8
#include "model/kernels/kernels_block.h"
#define PARTS 2
#define NAME(name) name##_16
#include "model/kernels/kernels_block.h"

static void widen(const uint8_t *bytes, int bias, size_t count, enum bd_number type, void *to)
{
    const float less = bias;
    for (size_t i = 0; i < count / LANES; i++) {
        store(to, i, type, load(bytes, i, BD_BYTE) - less);
    }
}

static void narrow(const float *from, size_t count, enum bd_number type, void *to)
{
    for (size_t i = 0; i < count / LANES; i++) {
        store(to, i, type, load(from, i, BD_FLOAT));
    }
}

const struct bd_narrow_kernels NARROW = {{moments_8, forward_8, backward_8, normalize_8, widen},
                                         {moments_16, forward_16, backward_16, normalize_16, widen},
                                         narrow};
