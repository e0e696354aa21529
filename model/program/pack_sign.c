/* One-bit codes by comparison: a channel's requantizer becomes a threshold of its accumulator, exactly. */
#include "model/program/pack_parts.h"

typedef __int128 wide;

static wide ceil_div(wide a, wide b) /* b > 0 */
{
    return a / b + (a % b > 0);
}

static wide floor_div(wide a, wide b)
{
    return -ceil_div(-a, b);
}

static int64_t clamp(wide acc)
{
    const int64_t low = (int64_t)INT32_MIN - 1, high = (int64_t)INT32_MAX + 1;
    return acc < low ? low : acc > high ? high : (int64_t)acc;
}

/* The least z whose code is 1; above INT32_MAX: none. */
static wide least_z(const struct bd_plain_requant *q)
{
    const wide edge = ((wide)1 << q->code_shift) - q->code_offset;
    if (q->code_multiplier == 0)
        return edge <= 0 ? INT32_MIN : (wide)INT32_MAX + 1;
    return ceil_div(edge, q->code_multiplier);
}

struct bd_pack_row bd_pack_sign(const struct bd_plain_requant *q, uint32_t oc)
{
    const int64_t m = q->multiplier[oc];
    const wide z = least_z(q);
    const struct bd_pack_row always = {0, 0}, never = {0, -1};
    if (z <= INT32_MIN || z > INT32_MAX) /* z saturates there */
        return z <= INT32_MIN ? always : never;
    const wide target = z * ((wide)1 << q->shift) - q->bias[oc]; /* 1 where M acc >= target */
    if (m == 0)
        return target <= 0 ? always : never;
    if (m > 0)
        return (struct bd_pack_row){1, -clamp(ceil_div(target, m))};
    return (struct bd_pack_row){-1, clamp(floor_div(-target, -m))};
}
