/* What follows from the weights: what surrounds them in the planes, the corrections, and that a stream in 16 bits fits
 * them for every image. Derived here once more, by sums over taps; the packer goes weight by weight. */
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/program/layout.h"
#include "model/program/maps.h"
#include "model/program/planes.h"
#include "model/program/verify.h"

struct interval {
    int64_t low, high;
};

/* One layer at one switch. */
struct subject {
    const struct bd_verifier *v;
    const struct bd_program_header *h;
    const struct bd_descriptor *d;
    uint32_t s, l;
    const uint8_t *codes; /* (OC, IC/groups, KH, KW) */
};

static bd_status weights_fail(const struct subject *t, uint64_t byte, const char *part, const char *what)
{
    const struct bd_program *p = t->v->program;
    return bd_verify_fail(t->v, byte, "%s of layer '%s' at switch '%s': %s", part, p->names[t->l],
                          p->switches[t->s].name, what);
}

/* ---- planes ------------------------------------------------------------------------------------------------- */

/* What is no weight counts as 1: the array's constants say so. */
static bd_status check_padding(const struct subject *t)
{
    const struct bd_descriptor *d = t->d;
    const uint64_t plane = bd_weight_bytes(t->h, d->weight_plane), step = bd_weight_bytes(t->h, d->weight_step);
    const uint32_t last = d->out_channels - (d->row_groups - 1) * t->h->rows;
    uint8_t *whole = bd_planes_mask(t->h, d, t->h->rows), *tail = bd_planes_mask(t->h, d, last);
    uint64_t bad = 0;
    for (uint32_t g = 0; g < d->row_groups && !bad; g++) {
        const uint8_t *mask = g + 1 == d->row_groups ? tail : whole;
        for (uint32_t i = 0; i < d->weight_bits && !bad; i++) {
            const uint64_t at = d->weight_offset + g * step + i * plane;
            for (uint64_t b = 0; b < plane && !bad; b++)
                if ((t->v->program->image[at + b] | mask[b]) != 0xff)
                    bad = at + b;
        }
    }
    free(whole);
    free(tail);
    return bad ? weights_fail(t, bad, "weights", "a bit that is no weight is 0") : BD_OK;
}

/* ---- corrections -------------------------------------------------------------------------------------------- */

/* How many taps along one side lie in the map, of the kernel's places first..end-1. */
struct reach {
    uint32_t first, end;
};

static struct reach reach(uint32_t output, uint32_t stride, uint32_t pad, uint32_t kernel, uint32_t size)
{
    const int64_t corner = (int64_t)output * stride - pad;
    const int64_t end = size - corner < kernel ? size - corner : kernel;
    return (struct reach){corner < 0 ? (uint32_t)-corner : 0, (uint32_t)end};
}

/* What a row's sum lacks at output (oy, ox): of signed codes x = 2c - 1, of the zero point, of XNOR's count of zeros.
 */
static int64_t wanted(const struct subject *t, const int64_t *tap_codes, uint32_t oy, uint32_t ox)
{
    const struct bd_descriptor *d = t->d;
    const struct reach v = reach(oy, d->stride, d->pad_top, d->kernel_h, d->in_height);
    const struct reach h = reach(ox, d->stride, d->pad_left, d->kernel_w, d->in_width);
    const int64_t depth = d->in_channels / d->groups, top = ((int64_t)1 << d->weight_bits) - 1;
    int64_t zeros = 0, missing = 0, all = 0, present = 0;
    for (uint32_t ky = 0; ky < d->kernel_h; ky++)
        for (uint32_t kx = 0; kx < d->kernel_w; kx++) {
            const int64_t codes = tap_codes[ky * d->kernel_w + kx], weights = 2 * codes - depth * top;
            const bool real = ky >= v.first && ky < v.end && kx >= h.first && kx < h.end;
            zeros += depth * top - codes;
            all += weights;
            missing += real ? 0 : weights;
            present += real ? depth : 0;
        }
    const bool is_signed = d->flags & BD_FLAG_IN_SIGNED;
    if (d->datapath == BD_DATAPATH_MAC)
        zeros = 0;
    if (d->in_bits > 1) /* counted in each plane that is walked, an even number of them */
        zeros *= ((int64_t)1 << (d->in_bits + 1) / 2 * 2) - 1;
    if (!d->weight_zero_point)
        return missing;
    return is_signed ? missing - all - 2 * zeros + present : -zeros;
}

static void tap_sums(const struct subject *t, uint32_t oc, int64_t *sums)
{
    const struct bd_descriptor *d = t->d;
    const uint32_t taps = d->kernel_h * d->kernel_w, depth = d->in_channels / d->groups;
    const uint8_t *code = t->codes + (size_t)oc * depth * taps;
    memset(sums, 0, taps * sizeof *sums);
    for (uint32_t ic = 0; ic < depth; ic++)
        for (uint32_t tap = 0; tap < taps; tap++)
            sums[tap] += *code++ >> (8 - d->weight_bits);
}

static bd_status check_corrections(const struct subject *t)
{
    const struct bd_descriptor *d = t->d;
    const struct bd_borders b = bd_borders(d);
    const uint32_t rows = t->h->rows, across = b.left + 1 + b.right;
    const uint64_t chunk = bd_correct_chunk(d, t->h);
    int64_t *sums = bd_xcalloc((size_t)d->kernel_h * d->kernel_w, sizeof *sums);
    uint64_t bad = 0;
    for (uint32_t oc = 0; oc < d->row_groups * rows && !bad; oc++) {
        const uint64_t at = d->correct_offset + oc / rows * chunk + oc % rows * 4;
        if (oc < d->out_channels)
            tap_sums(t, oc, sums);
        for (uint32_t oy = 0; oy < d->out_height && !bad; oy++)
            for (uint32_t ox = 0; ox < d->out_width && !bad; ox++) {
                if ((oy > b.top && oy + b.bottom + 1 < d->out_height) ||
                    (ox > b.left && ox + b.right + 1 < d->out_width))
                    continue; /* as the one before it */
                const uint32_t class = bd_border_class(oy, b.top, b.bottom, d->out_height) * across +
                                       bd_border_class(ox, b.left, b.right, d->out_width);
                int32_t got;
                memcpy(&got, t->v->program->image + at + (uint64_t) class * rows * 4, 4);
                if (got != (oc < d->out_channels ? wanted(t, sums, oy, ox) : 0))
                    bad = at + (uint64_t) class * rows * 4;
            }
    }
    free(sums);
    return bad ? weights_fail(t, bad, "corrections", "they do not follow from the weights") : BD_OK;
}

/* ---- the stream in 16 bits ---------------------------------------------------------------------------------- */

static struct interval conv_range(const struct subject *t, uint32_t oc)
{
    const struct bd_descriptor *d = t->d;
    const size_t count = (size_t)(d->in_channels / d->groups) * d->kernel_h * d->kernel_w;
    int64_t positive = 0, negative = 0;
    for (size_t i = 0; i < count; i++) {
        const int odd = 2 * (t->codes[oc * count + i] >> (8 - d->weight_bits)) + 1 - (1 << d->weight_bits);
        const int weight = d->weight_zero_point ? (odd - 1) / 2 : odd;
        *(weight > 0 ? &positive : &negative) += weight;
    }
    const int64_t most = (1 << d->in_bits) - 1;
    if (d->flags & BD_FLAG_IN_SIGNED)
        return (struct interval){negative - positive, positive - negative};
    return (struct interval){negative * most, positive * most};
}

static struct interval pool_range(const struct bd_descriptor *d, struct interval stream)
{
    const struct bd_pool_kind_row *kind = &bd_pool_kinds[d->pool_kind];
    if (kind->largest)
        return stream;
    const int64_t terms = kind->windows ? (int64_t)d->kernel_h * d->kernel_w : (int64_t)d->in_height * d->in_width;
    const bool padded = d->pad_top || d->pad_bottom || d->pad_left || d->pad_right;
    const int64_t low = padded && stream.low > 0 ? 0 : stream.low, high = padded && stream.high < 0 ? 0 : stream.high;
    return (struct interval){low * terms, high * terms};
}

/* z of a channel after this layer, from M and B of the decoded sum. */
static struct interval z_range(const struct subject *t, uint32_t oc, struct interval stream)
{
    const struct bd_descriptor *d = t->d;
    int64_t row[2];
    memcpy(row, t->v->program->image + d->table_offset + (size_t)oc * BD_TABLE_ROW_BYTES, sizeof row);
    struct interval acc = d->operation == BD_OP_POOL ? pool_range(d, stream) : conv_range(t, oc);
    if (t->codes && bd_bias_holds_constant(d)) {
        const size_t count = (size_t)(d->in_channels / d->groups) * d->kernel_h * d->kernel_w;
        int64_t sum = 0;
        for (size_t i = 0; i < count; i++)
            sum += t->codes[oc * count + i] >> (8 - d->weight_bits);
        row[1] -= row[0] * bd_row_constant(d, sum, (int64_t)count);
    }
    const int64_t a = (row[0] * acc.low + row[1]) >> d->shift, b = (row[0] * acc.high + row[1]) >> d->shift;
    struct interval z = {a < b ? a : b, a < b ? b : a};
    if (d->flags & BD_FLAG_ADD_STREAM) {
        z.low += stream.low;
        z.high += stream.high;
    }
    return z;
}

/* Rows past the last channel: a negative number of each layer that adds, which must not pile up to -2^15. */
static bd_status follow_pad_rows(const struct subject *t, int64_t *pad)
{
    const struct bd_descriptor *d = t->d;
    int64_t own = -1;
    if (d->out_channels % t->h->rows) {
        int64_t bias;
        memcpy(&bias, t->v->program->image + d->table_offset + (size_t)d->out_channels * BD_TABLE_ROW_BYTES + 8, 8);
        own = bias >> d->shift;
    }
    *pad = own + (d->flags & BD_FLAG_ADD_STREAM ? *pad : 0);
    return *pad < INT16_MIN && !(d->flags & BD_FLAG_Z_OUT_WIDE)
               ? bd_verify_fail_layer(t->v, t->s, t->l, 4, "rows past its channels could leave 16 bits")
               : BD_OK;
}

/* Ranges of the stream, channel by channel, and of rows past the last one: as it stands, and as layers spilled it. */
struct ranges {
    struct interval *now; /* [channels] */
    int64_t pad;
    struct interval **spilled; /* [layer], NULL where none was */
    int64_t *spilled_pad;
};

static void widen(struct interval *range, const struct interval *by)
{
    range->low = by->low < range->low ? by->low : range->low;
    range->high = by->high > range->high ? by->high : range->high;
}

/* What is loaded lies in the ranges of the layers that spilled it. */
static void load_ranges(const struct subject *t, struct ranges *r)
{
    int before = -1;
    for (uint32_t y = 0; y < t->d->out_height; y++) {
        struct bd_map_row row;
        if (!bd_map_stream_row(t->v->program, t->s, t->l, y, &row) || row.layer == before)
            continue;
        for (uint32_t c = 0; c < t->d->out_channels; c++) {
            if (before < 0)
                r->now[c] = r->spilled[row.layer][c];
            widen(&r->now[c], &r->spilled[row.layer][c]);
        }
        r->pad = before < 0 || r->spilled_pad[row.layer] < r->pad ? r->spilled_pad[row.layer] : r->pad;
        before = row.layer;
    }
}

static void spill_ranges(const struct subject *t, struct ranges *r)
{
    r->spilled[t->l] = bd_xcalloc(t->d->out_channels, sizeof *r->now);
    memcpy(r->spilled[t->l], r->now, t->d->out_channels * sizeof *r->now);
    r->spilled_pad[t->l] = r->pad;
}

static bd_status follow_stream(const struct subject *t, struct interval *stream, int64_t *pad)
{
    for (uint32_t oc = 0; oc < t->d->out_channels; oc++) {
        const struct interval z = z_range(t, oc, stream[oc]);
        if (!(t->d->flags & BD_FLAG_Z_OUT_WIDE) && (z.low < INT16_MIN || z.high > INT16_MAX))
            return bd_verify_fail_layer(t->v, t->s, t->l, 4, "its residual stream could leave 16 bits");
        stream[oc].low = z.low < INT32_MIN ? INT32_MIN : z.low > INT32_MAX ? INT32_MAX : z.low;
        stream[oc].high = z.high < INT32_MIN ? INT32_MIN : z.high > INT32_MAX ? INT32_MAX : z.high;
    }
    return follow_pad_rows(t, pad);
}

/* ---- */

/* Whether some layer keeps the stream in 16 bits: else no range is followed. */
static bool is_narrow(const struct bd_program *p, uint32_t s)
{
    for (uint32_t l = 0; l < p->header->layer_count; l++) {
        const uint32_t flags = bd_program_descriptor(p, s, l)->flags;
        if ((flags & BD_FLAG_WRITE_STREAM) && !(flags & BD_FLAG_Z_OUT_WIDE))
            return true;
    }
    return false;
}

static bd_status check_layer(struct subject *t, bool narrow, struct ranges *ranges)
{
    const bool conv = t->d->operation == BD_OP_CONV, follows = narrow && (t->d->flags & BD_FLAG_WRITE_STREAM);
    uint8_t *codes = NULL;
    bd_status status = conv ? check_padding(t) : BD_OK;
    if (status == BD_OK && conv && (follows || (t->d->flags & BD_FLAG_CORRECT)))
        t->codes = codes = bd_planes_read(t->v->program, t->d, t->d->weight_bits);
    if (status == BD_OK && (t->d->flags & BD_FLAG_CORRECT))
        status = check_corrections(t);
    if (status == BD_OK && follows)
        status = t->d->operation == BD_OP_LOAD ? (load_ranges(t, ranges), BD_OK)
                                               : follow_stream(t, ranges->now, &ranges->pad);
    if (status == BD_OK && follows && (t->d->flags & BD_FLAG_SPILL_STREAM))
        spill_ranges(t, ranges);
    free(codes);
    t->codes = NULL;
    return status;
}

bd_status bd_verify_weights(const struct bd_verifier *v)
{
    const struct bd_program_header *h = v->program->header;
    if (h->geometry_hash == BD_GEOMETRY_REFERENCE)
        return BD_OK; /* the reference sums weights themselves */
    uint32_t most = 1;
    for (uint32_t l = 0; l < h->layer_count; l++) {
        const struct bd_descriptor *d = bd_program_descriptor(v->program, 0, l);
        most = d->out_channels > most ? d->out_channels : most;
    }
    struct ranges ranges = {.now = bd_xcalloc(most, sizeof *ranges.now),
                            .spilled = bd_xcalloc(h->layer_count, sizeof *ranges.spilled),
                            .spilled_pad = bd_xcalloc(h->layer_count, sizeof *ranges.spilled_pad)};
    bd_status status = BD_OK;
    for (uint32_t s = 0; s < h->switch_count; s++) {
        const bool narrow = is_narrow(v->program, s);
        ranges.pad = 0; /* z of rows past the last channel */
        for (uint32_t l = 0; l < h->layer_count && status == BD_OK; l++) {
            struct subject t = {.v = v, .h = h, .d = bd_program_descriptor(v->program, s, l), .s = s, .l = l};
            status = check_layer(&t, narrow, &ranges);
        }
        for (uint32_t l = 0; l < h->layer_count; l++) {
            free(ranges.spilled[l]);
            ranges.spilled[l] = NULL;
        }
    }
    free(ranges.now);
    free(ranges.spilled);
    free(ranges.spilled_pad);
    return status;
}
