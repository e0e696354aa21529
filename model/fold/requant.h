/* From real arithmetic to the integer requantizer of model/exec/README.md, one layer at one switch at a time:
 *     t = M acc + B,  z = sat32((t >> sh) + residual),  code = clamp((S z + H) >> ss, 0, 2^bits - 1)
 * and the count of what that changed. Everything real is long double (64-bit significand). */
#ifndef BD_FOLD_REQUANT_H
#define BD_FOLD_REQUANT_H

#include <stdbool.h>
#include <stdint.h>

#include "model/core/error.h"

/* One output channel before its quantizer: value = gain * acc + offset, for every acc in lo..hi (|acc| < 2^31). */
struct bd_affine {
    long double gain, offset;
    int64_t lo, hi;
};

/* The exact quantizer. Codes of `bits` bits: code >= j iff value >= step * (j - 1/2), j = 1 .. 2^bits - 1.
 * Signed (one bit): the code is 1 iff value >= 0. bits 0: no codes leave. */
struct bd_code_rule {
    int bits;
    bool is_signed;
    long double step; /* value of one code unit, > 0 */
};

/* The integers. The arrays are the caller's, one entry a channel. */
struct bd_requant {
    int32_t *multiplier;
    int64_t *bias;
    int shift;
    uint32_t code_multiplier;
    int32_t code_offset;
    int code_shift;
};

/* A layer whose codes alone leave it: z in units of rule->step with ss fraction bits, S = 1. Sign outputs get the
 * exact threshold of each channel (M = 1, 0 or -1). Refuses, BD_BAD_INPUT without a name in front, when the gain or
 * offset of a channel fits no M and B, or z could saturate. */
bd_status bd_requant_fit_codes(const struct bd_affine *channels, int count, const struct bd_code_rule *rule,
                               int mult_bits, struct bd_requant *out, struct bd_error *err) BD_WARN_UNUSED;

/* How a stream's value is brought to its fraction bits. A sign is that of the exact value where the floor is taken, for
 * a floor never lifts a negative value to zero. */
enum bd_rounding { BD_ROUND_NEAREST, BD_ROUND_DOWN };

/* A layer that writes the stream: z = value * 2^z_frac, rounded to nearest. Sets M, B and the shift. */
bd_status bd_requant_fit_stream(const struct bd_affine *channels, int count, int z_frac, int mult_bits,
                                enum bd_rounding rounding, struct bd_requant *out, struct bd_error *err) BD_WARN_UNUSED;

/* The quantizer that reads the stream: S / 2^ss ~ 1 / (step 2^z_frac), H = 2^(ss-1); sign: S = H = 1, ss = 0.
 * With bits 0: S = H = ss = 0. */
bd_status bd_requant_fit_reader(const struct bd_code_rule *rule, int z_frac, struct bd_requant *out,
                                struct bd_error *err) BD_WARN_UNUSED;

/* Bounds of z before the residual is added, over the channel's acc range. */
void bd_requant_range(const struct bd_affine *channel, int32_t multiplier, int64_t bias, int shift, int64_t *lo,
                      int64_t *hi);

/* Bound of |z - value 2^z_frac| over the channel's acc range, in units of z, before the residual is added. */
long double bd_requant_error(const struct bd_affine *channel, int32_t multiplier, int64_t bias, int shift, int z_frac,
                             enum bd_rounding rounding);

struct bd_edge_count {
    int64_t edges;        /* code edges inside the reachable acc range, over all channels */
    int64_t edges_moved;  /* of these, edges at another acc than the exact one */
    int64_t values;       /* reachable acc values, over all channels */
    int64_t values_moved; /* acc values whose code differs, counted once for every code of difference */
    int64_t worst;        /* most acc values that one edge moved by */
};

/* Compares every code edge of every channel (no residual) with the exact one. Codes are monotone in acc, so the
 * edges say it all. */
void bd_requant_count_edges(const struct bd_affine *channels, int count, const struct bd_code_rule *rule,
                            const struct bd_requant *requant, struct bd_edge_count *out);

#endif
