/* The kernels in vectors of 16 with AVX-512's masks and conversions, as the table WIDE; ROUNDS: by a processor that
 * rounds to bfloat16 itself. */
#include <immintrin.h>

#include "model/kernels/kernels_parts.h"

#define INLINE static inline __attribute__((always_inline))
#define CLONES static
#define FORM INLINE
#define LANES 16

typedef float vf __attribute__((vector_size(64), aligned(4), may_alias));
typedef __m512i vi;
typedef __mmask16 mask;

INLINE vf all(float x)
{
    return _mm512_set1_ps(x);
}

INLINE vf load(const void *base, size_t at, const enum bd_number type)
{
    switch (type) {
    case BD_HALF:
        return (vf)_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)base + at)), 16);
    case BD_INT32:
        return _mm512_cvtepi32_ps(_mm512_loadu_si512((const char *)base + at * 64));
    case BD_INT16:
        return _mm512_cvtepi32_ps(_mm512_cvtepi16_epi32(_mm256_loadu_si256((const __m256i *)base + at)));
    case BD_BYTE:
        return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)base + at)));
    default:
        return _mm512_loadu_ps((const float *)base + at * LANES);
    }
}

/* Rounded to nearest even where bfloat16 is asked for. */
INLINE void store(void *base, size_t at, const enum bd_number type, vf value)
{
    if (type == BD_HALF) {
#if ROUNDS
        _mm256_storeu_si256((__m256i *)base + at, (__m256i)_mm512_cvtneps_pbh(value));
#else
        __m512i bits = (__m512i)value, one = _mm512_set1_epi32(1);
        bits = _mm512_add_epi32(
            bits, _mm512_add_epi32(_mm512_set1_epi32(0x7fff), _mm512_and_si512(_mm512_srli_epi32(bits, 16), one)));
        _mm256_storeu_si256((__m256i *)base + at, _mm512_cvtepi32_epi16(_mm512_srli_epi32(bits, 16)));
#endif
    } else {
        _mm512_storeu_ps((float *)base + at * LANES, value);
    }
}

INLINE void store_past(float *base, size_t at, vf value)
{
    _mm512_stream_ps(base + at * LANES, value);
}

INLINE void store_bytes(uint8_t *base, size_t at, vi value)
{
    _mm_storeu_si128((__m128i *)base + at, _mm512_cvtepi32_epi8(value));
}

INLINE vi whole(vf v)
{
    return _mm512_cvttps_epi32(v);
}

INLINE vf real(vi v)
{
    return _mm512_cvtepi32_ps(v);
}

INLINE vf whole_part(vf v)
{
    return _mm512_roundscale_ps(v, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC);
}

INLINE vf low(vf a, vf b)
{
    return _mm512_min_ps(a, b);
}

INLINE vf high(vf a, vf b)
{
    return _mm512_max_ps(a, b);
}

INLINE vf madd(vf a, vf b, vf c)
{
    return _mm512_fmadd_ps(a, b, c);
}

INLINE mask at_least(vf a, vf b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_GE_OQ);
}

INLINE mask below(mask m, vf a, vf b)
{
    return _mm512_mask_cmp_ps_mask(m, a, b, _CMP_LT_OQ);
}

INLINE vf keep(mask m, vf v)
{
    return _mm512_maskz_mov_ps(m, v);
}

INLINE vf add_kept(mask m, vf a, vf b, vf c)
{
    return _mm512_mask3_fmadd_ps(a, b, c, m);
}

INLINE vf choose(mask m, vf a, vf b)
{
    return _mm512_mask_mov_ps(b, m, a);
}

INLINE void add_lanes(double *sums, vf v)
{
    __m256 halves[2] = {_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1)};
    for (int i = 0; i < 2; i++) {
        double *to = sums + i * 8;
        _mm512_storeu_pd(to, _mm512_add_pd(_mm512_loadu_pd(to), _mm512_cvtps_pd(halves[i])));
    }
}

#define PARTS 1
#define NAME(name) wide_##name
#include "model/kernels/kernels_block.h"

static void wide_widen(const uint8_t *bytes, int bias, size_t count, enum bd_number type, void *to)
{
    const vf less = all(bias);
    for (size_t i = 0; i < count / LANES; i++) {
        vf value = load(bytes, i, BD_BYTE) - less;
        if (type == BD_HALF) { /* whole numbers to 255 need no rounding */
            _mm256_storeu_si256((__m256i *)to + i, _mm512_cvtepi32_epi16(_mm512_srli_epi32((__m512i)value, 16)));
        } else {
            store(to, i, BD_FLOAT, value);
        }
    }
}

const struct bd_block_kernels WIDE = {wide_moments, wide_forward, wide_backward, wide_normalize, wide_widen};
