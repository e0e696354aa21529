#include "model/program/random_requant.h"

#include <math.h>

#include "model/core/memory.h"

/* Whatever a layer adds to a stream in 16 bits, for sums up to `acc_most`, stays below this: so may several layers. */
enum { NARROW_MOST = 2048 };

static int below(struct bd_rng *rng, int bound)
{
    return (int)bd_rng_below(rng, (uint32_t)bound);
}

static bool one_in(struct bd_rng *rng, int n)
{
    return below(rng, n) == 0;
}

/* Codes cover about +-2 spreads: S / 2^ss = levels / (4 * spread), with S near its full width or 1. */
static void codes(struct bd_rng *rng, struct bd_plain_layer_switch *at, double z_spread)
{
    at->requant.code_multiplier = 1;
    if (at->out_bits == 0)
        return;
    if (at->out_bits == 1 && one_in(rng, 2)) { /* the sign */
        at->requant.code_offset = 1;
        return;
    }
    double ratio = ldexp(1, at->out_bits) / (4 * z_spread);
    int code_shift = one_in(rng, 3) ? (int)ceil(log2(1 / ratio)) : 17 + (int)floor(log2(1 / ratio));
    code_shift = code_shift < 0 ? 0 : code_shift > 31 ? 31 : code_shift;
    double multiplier_s = fmax(1, fmin(ldexp(1, 18) - 1, floor(ldexp(ratio, code_shift) + 0.5)));
    at->requant.code_multiplier = (uint32_t)multiplier_s;
    at->requant.code_shift = code_shift;
    at->requant.code_offset = code_shift > 0 ? 1 << (code_shift - 1) : 0;
    if (one_in(rng, 4) && code_shift < 30)
        at->requant.code_offset += 1 << code_shift;
}

/* The accumulator's spread over the inputs is carried to a spread of z that covers the codes. */
void bd_random_requant(struct bd_rng *rng, struct bd_plain_layer *layer, int s, const struct bd_random_scale *scale)
{
    struct bd_plain_layer_switch *at = &layer->at[s];
    int n = layer->out_channels, m_bits = scale->mult_bits - 1;
    int32_t *multiplier = bd_xcalloc((size_t)n, sizeof *multiplier);
    int64_t *bias = bd_xcalloc((size_t)n, sizeof *bias);
    at->requant = (struct bd_plain_requant){.multiplier = multiplier, .bias = bias, .residual_multiplier = 1};
    double z_spread =
        layer->writes_stream ? ldexp(1, scale->saturate ? 30 : 8 + below(rng, 5)) : ldexp(1, 6 + below(rng, 12));
    double top = ldexp(1, m_bits);
    int shift = (int)floor(log2(top * 0.75 * scale->acc_spread / z_spread));
    const bool narrow = layer->writes_stream && scale->narrow;
    if (narrow) {
        shift = (int)ceil(log2(top * scale->acc_most / NARROW_MOST));
        z_spread = fmax(1, ldexp(top * 0.75 * scale->acc_spread, -shift));
    }
    shift = shift < 0 ? 0 : shift > 47 ? 47 : shift;
    /* The largest bias that neither leaves 48 bits nor, outside saturating networks, swamps the sum. */
    double bias_spread = fmin(ldexp(narrow ? NARROW_MOST : z_spread, shift), ldexp(1, 46));
    for (int c = 0; c < n; c++) {
        double sign = one_in(rng, 4) ? -1 : 1;
        multiplier[c] = (int32_t)(sign * floor(top * (0.5 + 0.499 * bd_rng_uniform(rng))));
        if (one_in(rng, 16))
            multiplier[c] = one_in(rng, 2) ? -(int32_t)top : (int32_t)(top - 1);
        bias[c] = (int64_t)(bias_spread * (2 * bd_rng_uniform(rng) - 1));
    }
    at->requant.shift = shift;
    codes(rng, at, z_spread);
}
