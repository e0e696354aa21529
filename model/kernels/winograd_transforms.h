/* Of winograd_passes.h: vectors of 16 channels as one type has them (HALF: bfloat16), and the transforms of one
 * dimension. Included once, by that file. */
#include <immintrin.h>
#include <stdint.h>

#include "model/kernels/winograd_parts.h"

#define INLINE static inline __attribute__((always_inline))

/* Points +-P and +-Q; P Q = 1. Divisors: of a point, the product of its distances to the others. */
#define P (2.0f / 3)
#define Q (3.0f / 2)
#define SUM (P * P + Q * Q)
#define DIVISOR_P (2 * P * P * (P * P - Q * Q))
#define DIVISOR_Q (2 * Q * Q * (Q * Q - P * P))

#if HALF
typedef uint16_t number;
enum { WORDS = BLOCK / 2 }; /* of 16 channels */
#else
typedef float number;
enum { WORDS = BLOCK };
#endif

/* ---- numbers ---- */

INLINE __m512 all(float value)
{
    return _mm512_set1_ps(value);
}

/* a b + c */
INLINE __m512 madd(float a, __m512 b, __m512 c)
{
    return _mm512_fmadd_ps(all(a), b, c);
}

INLINE __m512 load(const number *from)
{
#if HALF
    return (__m512)_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)from)), 16);
#else
    return _mm512_loadu_ps(from);
#endif
}

INLINE void store(number *to, __m512 value)
{
#if HALF
    _mm256_storeu_si256((__m256i *)to, (__m256i)_mm512_cvtneps_pbh(value));
#else
    _mm512_storeu_ps(to, value);
#endif
}

#if HALF
/* 16 numbers and 16 after them. */
INLINE __m512i beside(__m512 low, __m512 high)
{
    return (__m512i)_mm512_cvtne2ps_pbh(high, low);
}

/* Words of the first 16 numbers and the second. */
INLINE __m512i interleave(__m512i two)
{
    const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6,
                                           21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    return _mm512_permutexvar_epi16(order, two);
}

INLINE __m512i pair(__m512 low, __m512 high)
{
    return interleave(beside(low, high));
}
#endif

/* sum + word (for all) * words */
INLINE __m512 multiply(__m512 sum, __m512i word, __m512i words)
{
#if HALF
    return _mm512_dpbf16_ps(sum, (__m512bh)word, (__m512bh)words);
#else
    return _mm512_fmadd_ps((__m512)word, (__m512)words, sum);
#endif
}

/* ---- transforms of one dimension ---- */

/* Six neighbours of a map: coefficients of the polynomials that vanish at all points but one. */
INLINE void of_window(const __m512 d[IN], __m512 to[IN])
{
    __m512 even = madd(-Q * Q, d[2], d[4]), odd = madd(P, d[3], _mm512_mul_ps(all(-Q), d[1]));
    to[0] = _mm512_add_ps(madd(-SUM, d[2], d[0]), d[4]);
    to[1] = _mm512_add_ps(even, odd);
    to[2] = _mm512_sub_ps(even, odd);
    even = madd(-P * P, d[2], d[4]);
    odd = madd(Q, d[3], _mm512_mul_ps(all(-P), d[1]));
    to[3] = _mm512_add_ps(even, odd);
    to[4] = _mm512_sub_ps(even, odd);
    to[5] = _mm512_add_ps(madd(-SUM, d[3], d[1]), d[5]);
}

/* Values at the points of the polynomial with four coefficients; divisors are left to results_3. */
INLINE void of_taps_4(const __m512 g[4], __m512 to[IN])
{
    __m512 even = madd(P * P, g[2], g[0]), odd = madd(P * P * P, g[3], _mm512_mul_ps(all(P), g[1]));
    to[0] = g[0];
    to[1] = _mm512_add_ps(even, odd);
    to[2] = _mm512_sub_ps(even, odd);
    even = madd(Q * Q, g[2], g[0]);
    odd = madd(Q * Q * Q, g[3], _mm512_mul_ps(all(Q), g[1]));
    to[3] = _mm512_add_ps(even, odd);
    to[4] = _mm512_sub_ps(even, odd);
    to[5] = g[3];
}

/* The same of three coefficients, divided. */
INLINE void of_taps_3(const __m512 g[3], __m512 to[IN])
{
    const float p = 1 / DIVISOR_P, q = 1 / DIVISOR_Q;
    __m512 even = madd(p * P * P, g[2], _mm512_mul_ps(all(p), g[0])), odd = _mm512_mul_ps(all(p * P), g[1]);
    to[0] = g[0];
    to[1] = _mm512_add_ps(even, odd);
    to[2] = _mm512_sub_ps(even, odd);
    even = madd(q * Q * Q, g[2], _mm512_mul_ps(all(q), g[0]));
    odd = _mm512_mul_ps(all(q * Q), g[1]);
    to[3] = _mm512_add_ps(even, odd);
    to[4] = _mm512_sub_ps(even, odd);
    to[5] = g[2];
}

INLINE void results_4(const __m512 m[IN], __m512 to[4])
{
    __m512 even_p = _mm512_add_ps(m[1], m[2]), odd_p = _mm512_sub_ps(m[1], m[2]);
    __m512 even_q = _mm512_add_ps(m[3], m[4]), odd_q = _mm512_sub_ps(m[3], m[4]);
    to[0] = _mm512_add_ps(_mm512_add_ps(even_p, even_q), m[0]);
    to[1] = madd(P, odd_p, _mm512_mul_ps(all(Q), odd_q));
    to[2] = madd(P * P, even_p, _mm512_mul_ps(all(Q * Q), even_q));
    to[3] = madd(P * P * P, odd_p, madd(Q * Q * Q, odd_q, m[5]));
}

/* Divides too. */
INLINE void results_3(const __m512 m[IN], __m512 to[3])
{
    const float p = 1 / DIVISOR_P, q = 1 / DIVISOR_Q;
    __m512 even_p = _mm512_add_ps(m[1], m[2]), odd_p = _mm512_sub_ps(m[1], m[2]);
    __m512 even_q = _mm512_add_ps(m[3], m[4]), odd_q = _mm512_sub_ps(m[3], m[4]);
    to[0] = madd(p, even_p, madd(q, even_q, m[0]));
    to[1] = madd(p * P, odd_p, _mm512_mul_ps(all(q * Q), odd_q));
    to[2] = madd(p * P * P, even_p, madd(q * Q * Q, even_q, m[5]));
}
