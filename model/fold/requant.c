#include "model/fold/requant.h"

#include <math.h>
#include <string.h>

#define MAX_SHIFT 47
#define MAX_CODE_SHIFT 31
#define CODE_MULTIPLIER_BITS 18
#define CODE_FRACTION 12 /* fraction bits of z where codes alone leave; less where z would not fit */

typedef __int128 wide;

/* acc values first..last; empty when first > last. */
struct interval {
    int64_t first, last;
};

static int64_t interval_size(struct interval a)
{
    return a.first > a.last ? 0 : a.last - a.first + 1;
}

static struct interval intersect(struct interval a, struct interval b)
{
    return (struct interval){a.first > b.first ? a.first : b.first, a.last < b.last ? a.last : b.last};
}

static wide floor_div(wide a, wide b) /* b > 0 */
{
    return a / b - (a % b < 0);
}

static wide ceil_div(wide a, wide b)
{
    return -floor_div(-a, b);
}

static int64_t clamp_acc(wide acc, int64_t lo, int64_t hi)
{
    return acc < lo ? lo : acc > hi ? hi : (int64_t)acc;
}

static int64_t code_count(const struct bd_code_rule *rule)
{
    return ((int64_t)1 << rule->bits) - 1;
}

static long double edge_value(const struct bd_code_rule *rule, int64_t code)
{
    return rule->is_signed ? 0.0L : rule->step * ((long double)code - 0.5L);
}

/* The acc values at which the exact code is at least `code`. The division only guesses: the comparison decides. */
static struct interval exact_interval(const struct bd_affine *c, const struct bd_code_rule *rule, int64_t code)
{
    const long double edge = edge_value(rule, code);
    struct interval all = {c->lo, c->hi}, none = {c->lo, c->lo - 1};
    if (c->gain == 0.0L) {
        return c->offset >= edge ? all : none;
    }
    const long double guess = (edge - c->offset) / c->gain;
    const long double low = (long double)c->lo, high = (long double)c->hi;
    int64_t acc = guess <= low ? c->lo : guess >= high ? c->hi : (int64_t)ceill(guess);
#define REACHED(a) (c->gain * (long double)(a) + c->offset >= edge)
    if (c->gain > 0.0L) {
        while (acc > c->lo && REACHED(acc - 1)) {
            acc--;
        }
        while (acc <= c->hi && !REACHED(acc)) {
            acc++;
        }
        return (struct interval){acc, c->hi};
    }
    while (acc < c->hi && REACHED(acc + 1)) {
        acc++;
    }
    while (acc >= c->lo && !REACHED(acc)) {
        acc--;
    }
#undef REACHED
    return (struct interval){c->lo, acc};
}

/* The acc values at which the integer code is at least `code`: the requantizer run backwards, one step at a time. */
static struct interval integer_interval(const struct bd_affine *c, const struct bd_requant *q, int channel,
                                        int64_t code)
{
    struct interval all = {c->lo, c->hi}, none = {c->lo, c->lo - 1};
    const wide z = ceil_div(((wide)code << q->code_shift) - q->code_offset, q->code_multiplier);
    if (z > INT32_MAX) {
        return none;
    }
    if (z <= INT32_MIN) {
        return all;
    }
    const wide target = z * ((wide)1 << q->shift) - q->bias[channel]; /* M acc >= target */
    const int32_t m = q->multiplier[channel];
    if (m == 0) {
        return target <= 0 ? all : none;
    }
    if (m > 0) {
        return (struct interval){clamp_acc(ceil_div(target, m), c->lo, c->hi + 1), c->hi};
    }
    return (struct interval){c->lo, clamp_acc(floor_div(-target, -(wide)m), c->lo - 1, c->hi)};
}

void bd_requant_count_edges(const struct bd_affine *channels, int count, const struct bd_code_rule *rule,
                            const struct bd_requant *requant, struct bd_edge_count *out)
{
    memset(out, 0, sizeof *out);
    for (int i = 0; i < count; i++) {
        const int64_t values = channels[i].hi - channels[i].lo + 1;
        out->values += values;
        for (int64_t code = 1; code <= code_count(rule); code++) {
            const struct interval exact = exact_interval(&channels[i], rule, code);
            const struct interval integer = integer_interval(&channels[i], requant, i, code);
            const int64_t sizes[2] = {interval_size(exact), interval_size(integer)};
            const int64_t moved = sizes[0] + sizes[1] - 2 * interval_size(intersect(exact, integer));
            out->edges += (sizes[0] > 0 && sizes[0] < values) || (sizes[1] > 0 && sizes[1] < values);
            out->edges_moved += moved > 0;
            out->values_moved += moved;
            if (moved > out->worst) {
                out->worst = moved;
            }
        }
    }
}

void bd_requant_range(const struct bd_affine *c, int32_t multiplier, int64_t bias, int shift, int64_t *lo, int64_t *hi)
{
    const int64_t a = (multiplier * c->lo + bias) >> shift, b = (multiplier * c->hi + bias) >> shift;
    *lo = a < b ? a : b;
    *hi = a < b ? b : a;
}

/* t / 2^sh - value 2^F is linear in acc, so its extremes lie at the ends; the floor takes off less than 1, of which
 * the half that the bias may hold was put on. */
long double bd_requant_error(const struct bd_affine *c, int32_t multiplier, int64_t bias, int shift, int z_frac,
                             enum bd_rounding rounding)
{
    const int64_t half = rounding == BD_ROUND_NEAREST && shift > 0 ? (int64_t)1 << (shift - 1) : 0;
    long double worst = 0;
    for (int end = 0; end < 2; end++) {
        const int64_t acc = end ? c->hi : c->lo;
        const long double exact = ldexpl(c->gain * (long double)acc + c->offset, z_frac);
        const long double line = ldexpl((long double)(multiplier * acc + bias - half), -shift);
        worst = fmaxl(worst, fabsl(line - exact));
    }
    return worst + (shift > 0 ? (rounding == BD_ROUND_NEAREST ? 0.5L : 1.0L) : 0.0L);
}

/* Middle of the acc values whose exact code is neither the first nor the last, or of the whole range. */
static int64_t middle(const struct bd_affine *c, const struct bd_code_rule *rule)
{
    if (rule && rule->bits > 0) {
        const struct interval above = exact_interval(c, rule, 1), top = exact_interval(c, rule, code_count(rule));
        const int64_t first = c->gain > 0 ? above.first : top.last, last = c->gain > 0 ? top.first : above.last;
        return clamp_acc(first + (last - first) / 2, c->lo, c->hi);
    }
    return c->lo + (c->hi - c->lo) / 2;
}

/* M and B of one channel for t = value * scale. What rounding M costs in slope is taken up by B at the middle of
 * the range that matters, so that the error at its ends is half of what it would be. False when they do not fit. */
static bool fit_channel(const struct bd_affine *c, const struct bd_code_rule *rule, long double scale, int mult_bits,
                        int32_t *multiplier, int64_t *bias)
{
    const long double gain = c->gain * scale, limit = ldexpl(1.0L, mult_bits - 1) - 1.0L;
    const long double m = roundl(gain);
    const long double b = roundl(c->offset * scale + (gain - m) * (long double)middle(c, rule));
    if (!(fabsl(m) <= limit) || !(fabsl(b) < ldexpl(1.0L, 46))) {
        return false;
    }
    *multiplier = (int32_t)m;
    *bias = (int64_t)b;
    return true;
}

/* The finest scale unit * 2^T, T <= most, at which every channel fits; -1 when T = 0 is too fine already. */
static int fit_channels(const struct bd_affine *channels, int count, const struct bd_code_rule *rule, long double unit,
                        int mult_bits, int most, struct bd_requant *out)
{
    int t = most;
    for (int i = 0; i < count && t >= 0;) {
        if (fit_channel(&channels[i], rule, ldexpl(unit, t), mult_bits, &out->multiplier[i], &out->bias[i])) {
            i++;
        } else {
            t--;
            i = 0;
        }
    }
    return t;
}

static void fit_signs(const struct bd_affine *channels, int count, const struct bd_code_rule *rule,
                      struct bd_requant *out)
{
    for (int i = 0; i < count; i++) {
        const struct interval ones = exact_interval(&channels[i], rule, 1);
        const bool constant = channels[i].gain == 0.0L;
        out->multiplier[i] = constant ? 0 : channels[i].gain > 0.0L ? 1 : -1;
        out->bias[i] = constant ? (interval_size(ones) ? 0 : -1) : channels[i].gain > 0.0L ? -ones.first : ones.last;
    }
    out->shift = 0;
    out->code_multiplier = 1;
    out->code_offset = 1;
    out->code_shift = 0;
}

/* The most |z| of any channel. */
static int64_t peak(const struct bd_affine *channels, int count, const struct bd_requant *q, int shift)
{
    int64_t most = 0;
    for (int i = 0; i < count; i++) {
        int64_t lo, hi;
        bd_requant_range(&channels[i], q->multiplier[i], q->bias[i], shift, &lo, &hi);
        most = -lo > most ? -lo : most;
        most = hi > most ? hi : most;
    }
    return most;
}

bd_status bd_requant_fit_codes(const struct bd_affine *channels, int count, const struct bd_code_rule *rule,
                               int mult_bits, struct bd_requant *out, struct bd_error *err)
{
    if (rule->is_signed) {
        fit_signs(channels, count, rule, out);
        return BD_OK;
    }
    const int t = fit_channels(channels, count, rule, 1.0L / rule->step, mult_bits, MAX_SHIFT + CODE_FRACTION, out);
    if (t < 1) {
        return bd_fail(err, BD_BAD_INPUT,
                       "a channel's scale or offset is too large for a %d-bit multiplier and a "
                       "48-bit bias",
                       mult_bits);
    }
    int ss = t < CODE_FRACTION ? t : CODE_FRACTION;
    while (ss > 1 && t - ss < MAX_SHIFT && peak(channels, count, out, t - ss) > INT32_MAX) {
        ss--;
    }
    if (peak(channels, count, out, t - ss) > INT32_MAX) {
        return bd_fail(err, BD_BAD_INPUT, "the value before the quantizer could saturate 32 bits");
    }
    out->shift = t - ss;
    out->code_multiplier = 1;
    out->code_shift = ss;
    out->code_offset = (int32_t)1 << (ss - 1);
    return BD_OK;
}

bd_status bd_requant_fit_stream(const struct bd_affine *channels, int count, int z_frac, int mult_bits,
                                enum bd_rounding rounding, struct bd_requant *out, struct bd_error *err)
{
    out->shift = fit_channels(channels, count, NULL, ldexpl(1.0L, z_frac), mult_bits, MAX_SHIFT, out);
    if (out->shift < 0) {
        return bd_fail(err, BD_BAD_INPUT,
                       "a channel's scale or offset is too large for a %d-bit multiplier and a "
                       "48-bit bias at %d fraction bits",
                       mult_bits, z_frac);
    }
    for (int i = 0; i < count && out->shift > 0 && rounding == BD_ROUND_NEAREST; i++) {
        out->bias[i] += (int64_t)1 << (out->shift - 1);
    }
    return BD_OK;
}

bd_status bd_requant_fit_reader(const struct bd_code_rule *rule, int z_frac, struct bd_requant *out,
                                struct bd_error *err)
{
    out->code_multiplier = rule->bits > 0;
    out->code_offset = rule->bits > 0;
    out->code_shift = 0;
    if (rule->bits == 0 || rule->is_signed) {
        return BD_OK;
    }
    const long double ratio = 1.0L / ldexpl(rule->step, z_frac);
    int ss = MAX_CODE_SHIFT;
    while (ss > 0 && roundl(ldexpl(ratio, ss)) >= ldexpl(1.0L, CODE_MULTIPLIER_BITS)) {
        ss--;
    }
    const long double s = roundl(ldexpl(ratio, ss));
    if (ss < 1 || s < 1.0L) {
        return bd_fail(err, BD_BAD_INPUT, "the quantizer's step is too %s for a stream of %d fraction bits",
                       s < 1.0L ? "large" : "small", z_frac);
    }
    out->code_multiplier = (uint32_t)s;
    out->code_shift = ss;
    out->code_offset = (int32_t)1 << (ss - 1);
    return BD_OK;
}
