/* The one requantizer of the C side (README.md of this folder; hw/datapath/requantizer_pipe.sv is the other half of
 * the pair): t = M acc + B,   z = sat32((t >> sh) + ((R r) >> rs)),   code = clamp((S z + H) >> ss, 0, 2^a - 1) with
 * arithmetic shifts, that is, floors. */
#ifndef BD_EXEC_REQUANTIZE_H
#define BD_EXEC_REQUANTIZE_H

#include <stdint.h>

#include "model/program/program.h"

/* z of one output: acc s32, M up to 32 bits, B 48 bits, r s32 (0 where the layer does not add the stream). */
static inline int32_t bd_requantize_z(const struct bd_descriptor *d, int32_t m, int64_t b, int32_t acc, int32_t r)
{
    const int64_t t = (int64_t)m * acc + b;
    int64_t z = t >> d->shift;
    if (d->flags & BD_FLAG_ADD_STREAM)
        z += ((int64_t)d->residual_multiplier * r) >> d->residual_shift;
    return (int32_t)(z > INT32_MAX ? INT32_MAX : z < INT32_MIN ? INT32_MIN : z);
}

/* Code of z: 0 .. 2^out_bits - 1. */
static inline uint8_t bd_requantize_code(const struct bd_descriptor *d, int32_t z)
{
    const int64_t top = (1 << d->out_bits) - 1;
    const int64_t code = ((int64_t)d->code_multiplier * z + d->code_offset) >> d->code_shift;
    return (uint8_t)(code < 0 ? 0 : code > top ? top : code);
}

#endif
