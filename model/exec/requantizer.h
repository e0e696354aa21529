/* The requantizer (requantize.h) over whole maps in blocks of 16 channels, exactly, in the cheapest form that a layer's
 * numbers allow. z and codes never fall when the sum rises (or, with M < 0, when it falls), so that
 *   - codes of one or two bits of a layer that keeps no z are comparisons of the sum with thresholds, one set a
 * channel;
 *   - codes of one or two bits of z are comparisons of z;
 *   - other codes are made of a z that is first clamped to where the code changes, in 32 bits where that is enough;
 *   - z is the low half of a 64-bit shift, without saturation, where its bound is below 2^31.
 * Thresholds are found by bisection with the functions of requantize.h themselves. Anything else takes 64 bits. */
#ifndef BD_EXEC_REQUANTIZER_H
#define BD_EXEC_REQUANTIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/kernels/kernels.h"
#include "model/program/program.h"

enum { BD_REQUANTIZER_BLOCK = 16, BD_REQUANTIZER_LEVELS = 3 };

enum bd_code_form {
    BD_FORM_NONE,       /* no codes leave */
    BD_FORM_SUM_LEVELS, /* compare sums; no z is made */
    BD_FORM_Z_LEVELS,   /* compare z */
    BD_FORM_NARROW,     /* 32 bits, of a clamped z */
    BD_FORM_CLAMPED,    /* 64 bits, of a clamped z */
    BD_FORM_WIDE,       /* 64 bits */
};

struct bd_requantizer { /* of one layer at one switch */
    struct bd_descriptor d;
    int blocks;
    bool adds, keeps; /* r is added; z is written */
    bool narrow;      /* z needs no saturation */
    enum bd_code_form form;
    int levels;        /* 1 or 3: codes of one or two bits */
    int low_z, high_z; /* NARROW, CLAMPED: z clamped to these has the same code, which needs no clamp of its own */
    int z_above[BD_REQUANTIZER_LEVELS]; /* Z_LEVELS: code > k where z > z_above[k] */
    int32_t *m;                         /* (OC/16, 16), 0 beyond the channels */
    int64_t *b;
    int32_t *flip;      /* SUM_LEVELS, (OC/16, 16): -1 where M < 0: then ~sum is compared, else 0 */
    int32_t *sum_above; /* (OC/16, levels, 16) */
    uint8_t unit;       /* what a code is multiplied by in a map: 2 for +-1, else 1 */
};

/* Sums lie within +-sum_bound and r within +-stream_bound (at most 2^31). Returns the bound of z. `keeps`: z is wanted;
 * `emits`: codes are. M and B as in the program, one a channel. */
int64_t bd_requantizer_init(struct bd_requantizer *requantizer, const struct bd_descriptor *d, const int32_t *m,
                            const int64_t *b, int64_t sum_bound, int64_t stream_bound, bool keeps, bool emits);
void bd_requantizer_release(struct bd_requantizer *requantizer);

/* One image: all blocks, (OC/16, pixels, 16). `stream` is r where the layer adds it, and becomes z where it is kept.
 * Codes go times `unit` to bytes of rows `width` pixels wide, `row` bytes apart, planes of 16 channels `plane` apart.
 */
struct bd_requantized_map {
    const void *sums;
    enum bd_number type; /* INT32, or INT16 where sum_bound is at most 32766 */
    int32_t *stream;
    uint8_t *codes;
    size_t row, plane;
    int height, width;
};
typedef void bd_requantize_kernel(const struct bd_requantizer *requantizer, const struct bd_requantized_map *map);
/* For AVX-512, and for any processor, which also reads INT32 alone. */
bd_requantize_kernel bd_requantize_wide, bd_requantize_plain;

#endif
