#pragma GCC optimize("O3")
#include "model/exec/requantizer.h"

#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/exec/requantize.h"

enum { BLOCK = BD_REQUANTIZER_BLOCK };

/* ---- bounds and thresholds ---- */

static int64_t magnitude(int64_t a)
{
    return a < 0 ? -a : a;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Of |z|, before saturation. */
static int64_t z_bound(const struct bd_descriptor *d, const int32_t *m, const int64_t *b, int64_t sum_bound,
                       int64_t stream_bound)
{
    int64_t most = 0;
    for (uint32_t c = 0; c < d->out_channels; c++) {
        const int64_t t = ((magnitude(m[c]) * sum_bound + magnitude(b[c])) >> d->shift) + 1;
        most = t > most ? t : most;
    }
    if (d->flags & BD_FLAG_ADD_STREAM) {
        most += (magnitude(d->residual_multiplier) * stream_bound >> d->residual_shift) + 1;
    }
    return most;
}

/* What a channel's code is of. */
struct curve {
    const struct bd_descriptor *d;
    bool of_z; /* of z itself; else of a sum, by m and b */
    int32_t m;
    int64_t b;
};

/* Never falls in u, which is z, the sum or, with M < 0, the sum's complement. */
static int code_at(const struct curve *curve, int64_t u)
{
    if (curve->of_z) {
        return bd_requantize_code(curve->d, (int32_t)u);
    }
    const int32_t sum = (int32_t)(curve->m < 0 ? ~u : u);
    return bd_requantize_code(curve->d, bd_requantize_z(curve->d, curve->m, curve->b, sum, 0));
}

/* The largest u in low..high whose code is below `code`; low - 1 where there is none. */
static int64_t last_below(const struct curve *curve, int code, int64_t low, int64_t high)
{
    int64_t below = low - 1, above = high + 1;
    while (above - below > 1) {
        const int64_t middle = below + (above - below) / 2;
        if (code_at(curve, middle) < code) {
            below = middle;
        } else {
            above = middle;
        }
    }
    return below;
}

static void find_sum_levels(struct bd_requantizer *r, int64_t sum_bound)
{
    for (uint32_t c = 0; c < r->d.out_channels; c++) {
        const struct curve curve = {.d = &r->d, .m = r->m[c], .b = r->b[c]};
        r->flip[c] = r->m[c] < 0 ? -1 : 0;
        for (int k = 0; k < r->levels; k++) {
            const int64_t at = last_below(&curve, k + 1, -sum_bound - 1, sum_bound);
            r->sum_above[((size_t)c / BLOCK * r->levels + k) * BLOCK + c % BLOCK] = (int32_t)at;
        }
    }
}

static int64_t before_clamp(const struct bd_descriptor *d, int64_t z)
{
    return (d->code_multiplier * z + d->code_offset) >> d->code_shift;
}

/* The first z whose code before its clamp is at least `code`; INT32_MAX + 1 where there is none. */
static int64_t first_at_least(const struct bd_descriptor *d, int code)
{
    int64_t below = (int64_t)INT32_MIN - 1, above = (int64_t)INT32_MAX + 1;
    while (above - below > 1) {
        const int64_t middle = below + (above - below) / 2;
        if (before_clamp(d, middle) < code) {
            below = middle;
        } else {
            above = middle;
        }
    }
    return above;
}

/* Where codes need no clamp: false where no z's code is the lowest or the highest, because it leaps past. */
static bool find_range(struct bd_requantizer *r, int top)
{
    const int64_t low = first_at_least(&r->d, 0), high = first_at_least(&r->d, top + 1) - 1;
    if (low > high || (low > INT32_MIN && before_clamp(&r->d, low) != 0) ||
        (high < INT32_MAX && before_clamp(&r->d, high) != top)) {
        return false;
    }
    r->low_z = (int)low;
    r->high_z = (int)high;
    return true;
}

static bool fits_32(const struct bd_requantizer *r)
{
    const int64_t s = r->d.code_multiplier, low = s * r->low_z + r->d.code_offset,
                  high = s * r->high_z + r->d.code_offset;
    return low >= INT32_MIN && high <= INT32_MAX;
}

static void choose_form(struct bd_requantizer *r, int64_t sum_bound)
{
    const struct curve curve = {.d = &r->d, .of_z = true};
    const int top = (1 << r->d.out_bits) - 1;
    r->levels = top <= BD_REQUANTIZER_LEVELS ? top : 0;
    if (r->levels && !r->keeps && !r->adds && sum_bound < INT32_MAX) {
        r->form = BD_FORM_SUM_LEVELS;
        r->sum_above = bd_xcalloc((size_t)r->blocks * BLOCK * r->levels, sizeof *r->sum_above);
        r->flip = bd_xcalloc((size_t)r->blocks * BLOCK, sizeof *r->flip);
        find_sum_levels(r, sum_bound);
        return;
    }
    r->form = BD_FORM_WIDE;
    if (!r->narrow) {
        return;
    }
    if (r->levels) {
        r->form = BD_FORM_Z_LEVELS;
        for (int k = 0; k < r->levels; k++) { /* no narrow z is INT32_MIN or INT32_MAX */
            r->z_above[k] = (int)last_below(&curve, k + 1, INT32_MIN + 1, INT32_MAX);
        }
        return;
    }
    if (find_range(r, top)) {
        r->form = fits_32(r) ? BD_FORM_NARROW : BD_FORM_CLAMPED;
    }
}

int64_t bd_requantizer_init(struct bd_requantizer *r, const struct bd_descriptor *d, const int32_t *m, const int64_t *b,
                            int64_t sum_bound, int64_t stream_bound, bool keeps, bool emits)
{
    const int64_t bound = z_bound(d, m, b, sum_bound, stream_bound);
    *r = (struct bd_requantizer){.d = *d,
                                 .blocks = (int)((d->out_channels + BLOCK - 1) / BLOCK),
                                 .adds = d->flags & BD_FLAG_ADD_STREAM,
                                 .keeps = keeps,
                                 .unit = d->flags & BD_FLAG_OUT_SIGNED ? 2 : 1};
    /* As low halves of 64 bits; a residual scaled by more than 1 is the wide form's. */
    r->narrow = bound < INT32_MAX && (!r->adds || (d->residual_multiplier == 1 && d->residual_shift == 0));
    r->m = bd_xcalloc((size_t)r->blocks * BLOCK, sizeof *r->m);
    r->b = bd_xcalloc((size_t)r->blocks * BLOCK, sizeof *r->b);
    memcpy(r->m, m, d->out_channels * sizeof *m);
    memcpy(r->b, b, d->out_channels * sizeof *b);
    if (emits) {
        choose_form(r, sum_bound);
    }
    return smaller(bound, (int64_t)1 << 31);
}

void bd_requantizer_release(struct bd_requantizer *r)
{
    free(r->m);
    free(r->b);
    free(r->flip);
    free(r->sum_above);
    *r = (struct bd_requantizer){0};
}

/* ---- any processor ---- */

void bd_requantize_plain(const struct bd_requantizer *r, const struct bd_requantized_map *map)
{
    const struct bd_descriptor d = r->d; /* a copy, which nothing changes */
    const size_t pixels = (size_t)map->height * map->width;
    for (int block = 0; block < r->blocks; block++) {
        const int32_t *sums = (const int32_t *)map->sums + block * pixels * BLOCK;
        int32_t *stream = map->stream ? map->stream + block * pixels * BLOCK : NULL;
        const int32_t *m = r->m + (size_t)block * BLOCK;
        const int64_t *b = r->b + (size_t)block * BLOCK;
        for (size_t p = 0; p < pixels; p++, sums += BLOCK) {
            int32_t z[BLOCK];
            for (int c = 0; c < BLOCK; c++) {
                z[c] = bd_requantize_z(&d, m[c], b[c], sums[c], r->adds ? stream[p * BLOCK + c] : 0);
            }
            if (r->keeps) {
                memcpy(stream + p * BLOCK, z, sizeof z);
            }
            if (r->form != BD_FORM_NONE) {
                uint8_t *codes = map->codes + block * map->plane + p / map->width * map->row + p % map->width * BLOCK;
                for (int c = 0; c < BLOCK; c++) {
                    codes[c] = (uint8_t)(r->unit * bd_requantize_code(&d, z[c]));
                }
            }
        }
    }
}
