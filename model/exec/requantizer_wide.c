/* The requantizer on AVX-512, 16 channels a vector. */
#pragma GCC optimize("O3")
#include <immintrin.h>

#include "model/exec/requantizer.h"

#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl")))
#define INLINE static inline __attribute__((always_inline)) TARGET
enum { BLOCK = BD_REQUANTIZER_BLOCK, LEVELS = BD_REQUANTIZER_LEVELS };

INLINE __m512i load_sums(const void *sums, enum bd_number type, size_t at)
{
    return type == BD_INT16 ? _mm512_cvtepi16_epi32(_mm256_loadu_si256((const __m256i *)((const int16_t *)sums + at)))
                            : _mm512_loadu_si512((const int32_t *)sums + at);
}

/* ---- comparisons of sums ---- */

/* Two pixels' sums of 16 bits side by side; a mask has a bit for each byte of codes. */
INLINE void narrow_sum_row(const int16_t *sums, int width, const int levels, __m512i flip, const __m512i *above,
                           const __m256i *value, uint8_t *codes)
{
    for (int x = 0; x < width; x += 2) {
        const __mmask32 there = x + 1 < width ? ~(__mmask32)0 : 0xffff;
        const __m512i sum = _mm512_xor_si512(_mm512_maskz_loadu_epi16(there, sums + (size_t)x * BLOCK), flip);
        __m256i code = _mm256_maskz_mov_epi8(_mm512_cmpgt_epi16_mask(sum, above[0]), value[0]);
        for (int k = 1; k < levels; k++) {
            code = _mm256_mask_mov_epi8(code, _mm512_cmpgt_epi16_mask(sum, above[k]), value[k]);
        }
        _mm256_mask_storeu_epi8(codes + (size_t)x * BLOCK, there, code);
    }
}

INLINE void wide_sum_row(const int32_t *sums, int width, const int levels, __m512i flip, const __m512i *above,
                         const __m256i *value, uint8_t *codes)
{
    for (int x = 0; x < width; x++) {
        const __m512i sum = _mm512_xor_si512(_mm512_loadu_si512(sums + (size_t)x * BLOCK), flip);
        __m128i code = _mm_maskz_mov_epi8(_mm512_cmpgt_epi32_mask(sum, above[0]), _mm256_castsi256_si128(value[0]));
        for (int k = 1; k < levels; k++) {
            code = _mm_mask_mov_epi8(code, _mm512_cmpgt_epi32_mask(sum, above[k]), _mm256_castsi256_si128(value[k]));
        }
        _mm_storeu_si128((__m128i *)(void *)(codes + (size_t)x * BLOCK), code);
    }
}

/* The low halves of both halves. */
INLINE __m512i twice_narrow(__m512i v)
{
    const __m256i narrow = _mm512_cvtepi32_epi16(v);
    return _mm512_inserti64x4(_mm512_castsi256_si512(narrow), narrow, 1);
}

INLINE void compare_sums(const struct bd_requantizer *r, const struct bd_requantized_map *map,
                         const enum bd_number type, const int levels)
{
    const size_t pixels = (size_t)map->height * map->width;
    __m256i value[LEVELS];
    for (int k = 0; k < levels; k++) {
        value[k] = _mm256_set1_epi8((char)((k + 1) * r->unit));
    }
    for (int block = 0; block < r->blocks; block++) {
        __m512i above[LEVELS], flip = _mm512_loadu_si512(r->flip + (size_t)block * BLOCK);
        flip = type == BD_INT16 ? twice_narrow(flip) : flip;
        for (int k = 0; k < levels; k++) {
            const __m512i v = _mm512_loadu_si512(r->sum_above + ((size_t)block * levels + k) * BLOCK);
            above[k] = type == BD_INT16 ? twice_narrow(v) : v;
        }
        for (int y = 0; y < map->height; y++) {
            uint8_t *codes = map->codes + block * map->plane + y * map->row;
            const size_t at = (block * pixels + (size_t)y * map->width) * BLOCK;
            if (type == BD_INT16) {
                narrow_sum_row((const int16_t *)map->sums + at, map->width, levels, flip, above, value, codes);
            } else {
                wide_sum_row((const int32_t *)map->sums + at, map->width, levels, flip, above, value, codes);
            }
        }
    }
}

/* ---- z ---- */

/* M and B of 16 channels, those of even and of odd numbers apart, as 64-bit products take them. */
struct scale {
    __m512i m_even, m_odd, b_even, b_odd;
    __m128i shift;
};

INLINE struct scale scale_of(const struct bd_requantizer *r, int block)
{
    const __m512i even = _mm512_set_epi64(14, 12, 10, 8, 6, 4, 2, 0), odd = _mm512_set_epi64(15, 13, 11, 9, 7, 5, 3, 1);
    const __m512i m = _mm512_loadu_si512(r->m + (size_t)block * BLOCK);
    const __m512i b_low = _mm512_loadu_si512(r->b + (size_t)block * BLOCK),
                  b_high = _mm512_loadu_si512(r->b + (size_t)block * BLOCK + 8);
    return (struct scale){.m_even = m,
                          .m_odd = _mm512_srli_epi64(m, 32),
                          .b_even = _mm512_permutex2var_epi64(b_low, even, b_high),
                          .b_odd = _mm512_permutex2var_epi64(b_low, odd, b_high),
                          .shift = _mm_cvtsi32_si128((int)r->d.shift)};
}

/* Of 64-bit numbers the low halves: of even channels, and of odd ones. */
INLINE __m512i low_halves(__m512i even, __m512i odd)
{
    return _mm512_mask_shuffle_epi32(even, 0xaaaa, odd, (_MM_PERM_ENUM)0xa0);
}

INLINE void scaled(const struct scale *s, __m512i sum, __m512i *even, __m512i *odd)
{
    const __m512i t_even = _mm512_add_epi64(_mm512_mul_epi32(sum, s->m_even), s->b_even);
    const __m512i t_odd = _mm512_add_epi64(_mm512_mul_epi32(_mm512_srli_epi64(sum, 32), s->m_odd), s->b_odd);
    *even = _mm512_sra_epi64(t_even, s->shift);
    *odd = _mm512_sra_epi64(t_odd, s->shift);
}

INLINE __m512i narrow_z(const struct scale *s, __m512i sum, __m512i r)
{
    __m512i even, odd;
    scaled(s, sum, &even, &odd);
    return _mm512_add_epi32(low_halves(even, odd), r);
}

/* (R r) >> rs of even or odd channels, which lie in the low halves. */
INLINE __m512i residual(const struct bd_descriptor *d, __m512i r)
{
    return _mm512_sra_epi64(_mm512_mul_epi32(r, _mm512_set1_epi64(d->residual_multiplier)),
                            _mm_cvtsi32_si128((int)d->residual_shift));
}

INLINE __m512i saturated(__m512i v)
{
    return _mm512_max_epi64(_mm512_min_epi64(v, _mm512_set1_epi64(INT32_MAX)), _mm512_set1_epi64(INT32_MIN));
}

INLINE __m512i wide_z(const struct scale *s, const struct bd_descriptor *d, __m512i sum, __m512i r)
{
    __m512i even, odd;
    scaled(s, sum, &even, &odd);
    even = _mm512_add_epi64(even, residual(d, r));
    odd = _mm512_add_epi64(odd, residual(d, _mm512_srli_epi64(r, 32)));
    return low_halves(saturated(even), saturated(odd));
}

/* ---- codes of z ---- */

struct coder {
    __m512i low_z, high_z, multiplier, offset, offset_64, top, unit, above[LEVELS];
    __m128i shift, value[LEVELS];
};

INLINE struct coder coder_of(const struct bd_requantizer *r)
{
    struct coder c = {.low_z = _mm512_set1_epi32(r->low_z),
                      .high_z = _mm512_set1_epi32(r->high_z),
                      .multiplier = _mm512_set1_epi32((int)r->d.code_multiplier),
                      .offset = _mm512_set1_epi32(r->d.code_offset),
                      .offset_64 = _mm512_set1_epi64(r->d.code_offset),
                      .top = _mm512_set1_epi64((1 << (r->d.out_bits & 31)) - 1), /* anything where no codes leave */
                      .unit = _mm512_set1_epi32(r->unit),
                      .shift = _mm_cvtsi32_si128((int)r->d.code_shift)};
    for (int k = 0; k < LEVELS; k++) {
        c.above[k] = _mm512_set1_epi32(r->z_above[k]);
        c.value[k] = _mm_set1_epi8((char)((k + 1) * r->unit));
    }
    return c;
}

INLINE __m512i clamped(const struct coder *c, __m512i z)
{
    return _mm512_min_epi32(_mm512_max_epi32(z, c->low_z), c->high_z);
}

INLINE __m512i narrow_code(const struct coder *c, __m512i z)
{
    return _mm512_sra_epi32(_mm512_add_epi32(_mm512_mullo_epi32(clamped(c, z), c->multiplier), c->offset), c->shift);
}

/* Before its clamp, of even channels. */
INLINE __m512i code_64(const struct coder *c, __m512i z)
{
    return _mm512_sra_epi64(_mm512_add_epi64(_mm512_mul_epi32(z, c->multiplier), c->offset_64), c->shift);
}

INLINE __m512i clamped_code(const struct coder *c, __m512i z)
{
    z = clamped(c, z);
    return low_halves(code_64(c, z), code_64(c, _mm512_srli_epi64(z, 32)));
}

INLINE __m512i wide_code(const struct coder *c, __m512i z)
{
    const __m512i zero = _mm512_setzero_si512();
    const __m512i even = _mm512_min_epi64(_mm512_max_epi64(code_64(c, z), zero), c->top);
    const __m512i odd = _mm512_min_epi64(_mm512_max_epi64(code_64(c, _mm512_srli_epi64(z, 32)), zero), c->top);
    return _mm512_mullo_epi32(low_halves(even, odd), c->unit);
}

INLINE __m128i level_code(const struct coder *c, const int levels, __m512i z)
{
    __m128i code = _mm_maskz_mov_epi8(_mm512_cmpgt_epi32_mask(z, c->above[0]), c->value[0]);
    for (int k = 1; k < levels; k++) {
        code = _mm_mask_mov_epi8(code, _mm512_cmpgt_epi32_mask(z, c->above[k]), c->value[k]);
    }
    return code;
}

INLINE __m128i code_of(const struct coder *c, const enum bd_code_form form, const int levels, __m512i z)
{
    switch (form) {
    case BD_FORM_Z_LEVELS:
        return level_code(c, levels, z);
    case BD_FORM_NARROW:
        return _mm512_cvtepi32_epi8(narrow_code(c, z));
    case BD_FORM_CLAMPED:
        return _mm512_cvtepi32_epi8(clamped_code(c, z));
    default:
        return _mm512_cvtepi32_epi8(wide_code(c, z));
    }
}

/* ---- maps ---- */

/* A block of channels. What is read in the loops is copied first, because bytes that are written might change it for
 * all that the compiler knows. */
INLINE void make_block(const struct bd_requantizer *r, const struct bd_requantized_map *map, int block,
                       const struct coder *coder, const enum bd_number type, const bool narrow, const bool adds,
                       const bool keeps, const enum bd_code_form form, const int levels)
{
    const int height = map->height, width = map->width;
    const struct bd_descriptor *const d = &r->d;
    const struct scale scale = scale_of(r, block);
    const struct coder c = *coder;
    const void *const sums = map->sums;
    const size_t row = map->row;
    size_t at = (size_t)block * height * width * BLOCK;
    int32_t *const stream = map->stream;
    uint8_t *codes = form == BD_FORM_NONE ? NULL : map->codes + block * map->plane;
    for (int y = 0; y < height; y++, codes = form == BD_FORM_NONE ? NULL : codes + row) {
        for (int x = 0; x < width; x++, at += BLOCK) {
            const __m512i sum = load_sums(sums, type, at);
            const __m512i residual = adds ? _mm512_loadu_si512(stream + at) : _mm512_setzero_si512();
            const __m512i z = narrow ? narrow_z(&scale, sum, residual) : wide_z(&scale, d, sum, residual);
            if (keeps) {
                _mm512_storeu_si512(stream + at, z);
            }
            if (form != BD_FORM_NONE) {
                _mm_storeu_si128((__m128i *)(void *)(codes + (size_t)x * BLOCK), code_of(&c, form, levels, z));
            }
        }
    }
}

/* `levels`: of the form Z_LEVELS. */
INLINE void make_z(const struct bd_requantizer *r, const struct bd_requantized_map *map, const enum bd_number type,
                   const bool narrow, const enum bd_code_form form, const int levels)
{
    const struct coder coder = coder_of(r);
    for (int block = 0; block < r->blocks; block++) {
        if (!r->adds && !r->keeps) {
            make_block(r, map, block, &coder, type, narrow, false, false, form, levels);
        } else if (!r->adds) {
            make_block(r, map, block, &coder, type, narrow, false, true, form, levels);
        } else if (r->keeps) {
            make_block(r, map, block, &coder, type, narrow, true, true, form, levels);
        } else {
            make_block(r, map, block, &coder, type, narrow, true, false, form, levels);
        }
    }
}

INLINE void requantize(const struct bd_requantizer *r, const struct bd_requantized_map *map, const enum bd_number type)
{
    if (r->form == BD_FORM_SUM_LEVELS) {
        if (r->levels == 1) {
            compare_sums(r, map, type, 1);
        } else {
            compare_sums(r, map, type, LEVELS);
        }
    } else if (!r->narrow) {
        if (r->form == BD_FORM_NONE) {
            make_z(r, map, type, false, BD_FORM_NONE, 0);
        } else {
            make_z(r, map, type, false, BD_FORM_WIDE, 0);
        }
    } else if (r->form == BD_FORM_NONE) {
        make_z(r, map, type, true, BD_FORM_NONE, 0);
    } else if (r->form == BD_FORM_WIDE) {
        make_z(r, map, type, true, BD_FORM_WIDE, 0);
    } else if (r->form == BD_FORM_NARROW) {
        make_z(r, map, type, true, BD_FORM_NARROW, 0);
    } else if (r->form == BD_FORM_CLAMPED) {
        make_z(r, map, type, true, BD_FORM_CLAMPED, 0);
    } else if (r->levels == 1) {
        make_z(r, map, type, true, BD_FORM_Z_LEVELS, 1);
    } else {
        make_z(r, map, type, true, BD_FORM_Z_LEVELS, LEVELS);
    }
}

TARGET static void requantize_16(const struct bd_requantizer *r, const struct bd_requantized_map *map)
{
    requantize(r, map, BD_INT16);
}

TARGET static void requantize_32(const struct bd_requantizer *r, const struct bd_requantized_map *map)
{
    requantize(r, map, BD_INT32);
}

void bd_requantize_wide(const struct bd_requantizer *r, const struct bd_requantized_map *map)
{
    (map->type == BD_INT16 ? requantize_16 : requantize_32)(r, map);
}
