/* Tables: what the array and the requantizers take on trust. Each number is derived here once more, from the shape and
 * the weight planes, by counting bits of whole rows; the packer counts weight by weight. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/program/layout.h"
#include "model/program/verify.h"

#define PAD_ROW_BIAS (-((int64_t)1 << 46))

struct table_check {
    const struct bd_verifier *v;
    const struct bd_program_header *h;
    const struct bd_descriptor *d;
    uint32_t s, l;
    uint8_t *taps; /* (kernel_h, kernel_w, k_words, lanes / 8): lanes of a row that hold weights of that tap; or NULL */
};

static bd_status table_fail(const struct table_check *t, uint64_t byte, const char *what)
{
    const struct bd_program *p = t->v->program;
    return bd_verify_fail(t->v, byte, "tables of layer '%s' at switch '%s': %s", p->names[t->l], p->switches[t->s].name,
                          what);
}

static bool lane_masked(const struct table_check *t, uint32_t mask, uint32_t lane)
{
    const struct bd_descriptor *d = t->d;
    const uint32_t channels = d->flags & BD_FLAG_IM2COL ? bd_descriptor_walk(d).channels : d->in_channels;
    if (d->operation == BD_OP_POOL || lane >= t->h->lanes)
        return false;
    if (d->in_slots > 1)
        return mask < d->in_slots && lane >= mask * d->in_slot_lanes && lane < mask * d->in_slot_lanes + channels;
    return mask == 0 || (mask == 1 && lane < channels - (d->in_pixel_words - 1) * t->h->lanes);
}

static bool masks_right(const struct table_check *t, const uint8_t *masks)
{
    const uint32_t bits = (t->h->lanes + 63) / 64 * 64;
    for (uint32_t mask = 0; mask < 3; mask++)
        for (uint32_t lane = 0; lane < bits; lane++)
            if ((masks[(mask * bits + lane) / 8] >> lane % 8 & 1) != lane_masked(t, mask, lane))
                return false;
    return true;
}

/* M and B of one row; past the last channel they give code 0. */
static const char *row_fault(const struct table_check *t, const uint8_t *row, bool real)
{
    int32_t m, zero;
    int64_t b;
    memcpy(&m, row, 4);
    memcpy(&zero, row + 4, 4);
    memcpy(&b, row + 8, 8);
    const int64_t m_limit = (int64_t)1 << (t->h->mult_bits - 1), b_limit = (int64_t)1 << 47;
    if (zero)
        return "the word behind M is not 0";
    if (!real)
        return m || b != PAD_ROW_BIAS ? "a row past the last channel is not M 0, B -2^46" : NULL;
    if (m < -m_limit || m >= m_limit)
        return "M exceeds mult_bits";
    return b < -b_limit || b >= b_limit ? "B exceeds 48 bits" : NULL;
}

/* Which lanes of a row's K words hold the weights of each tap. */
static uint8_t *tap_lanes(const struct table_check *t)
{
    const struct bd_descriptor *d = t->d;
    const size_t bytes = (size_t)d->k_words * t->h->lanes / 8;
    uint8_t *taps = bd_xcalloc((size_t)d->kernel_h * d->kernel_w, bytes);
    for (uint32_t ky = 0; ky < d->kernel_h; ky++)
        for (uint32_t kx = 0; kx < d->kernel_w; kx++)
            for (uint32_t ic = 0; ic < d->in_channels / d->groups; ic++) {
                uint32_t k_word, lane;
                bd_weight_place(d, t->h, ky, kx, ic, &k_word, &lane);
                taps[((size_t)ky * d->kernel_w + kx) * bytes + ((size_t)k_word * t->h->lanes + lane) / 8] |=
                    (uint8_t)(1u << lane % 8);
            }
    return taps;
}

/* Sum of one tap's codes (their top weight_bits bits) over the input channels of row r of a row group. */
static int64_t tap_sum(const struct table_check *t, const uint8_t *chunk, uint32_t r, size_t tap)
{
    const struct bd_descriptor *d = t->d;
    const uint32_t bytes = t->h->lanes / 8;
    const uint8_t *lanes = t->taps + tap * d->k_words * bytes;
    int64_t sum = 0;
    for (uint32_t plane = 0; plane < d->weight_bits; plane++) {
        const uint8_t *words = chunk + (size_t)plane * bd_plane_bytes(t->h, d->k_words);
        int64_t ones = 0;
        for (uint32_t k = 0; k < d->k_words; k++)
            for (uint32_t i = 0; i < bytes; i++)
                ones += __builtin_popcount(words[((size_t)k * t->h->rows + r) * bytes + i] & lanes[k * bytes + i]);
        sum += ones << (d->weight_bits - 1 - plane);
    }
    return sum;
}

/* Bit 0, 1, 2, 3 of a border class: the window crosses the top, bottom, left, right. */
static bool tap_missing(const struct bd_descriptor *d, uint32_t cls, uint32_t ky, uint32_t kx)
{
    return ((cls & 1) && ky == 0) || ((cls & 2) && ky == d->kernel_h - 1) || ((cls & 4) && kx == 0) ||
           ((cls & 8) && kx == d->kernel_w - 1);
}

/* The presets of one row, by the table in model/program/README.md. */
static bool presets_right(const struct table_check *t, const uint8_t *chunk, const uint8_t *presets, uint32_t r,
                          bool real)
{
    const struct bd_descriptor *d = t->d;
    const bool is_signed = d->flags & BD_FLAG_IN_SIGNED, mac = d->datapath == BD_DATAPATH_MAC;
    const int64_t channels = real && t->taps ? d->in_channels / d->groups : 0;
    const int64_t top = ((int64_t)1 << d->weight_bits) - 1;
    int64_t sums[9] = {0};
    const size_t taps = channels ? (size_t)d->kernel_h * d->kernel_w : 0;
    for (size_t tap = 0; tap < taps; tap++)
        sums[tap] = tap_sum(t, chunk, r, tap);
    for (uint32_t cls = 0; cls < d->presets; cls++) {
        int64_t codes = 0, missing = 0, present = 0;
        for (size_t tap = 0; tap < taps; tap++) {
            const bool gone = tap_missing(d, cls, (uint32_t)tap / d->kernel_w, (uint32_t)tap % d->kernel_w);
            codes += sums[tap];
            *(gone ? &missing : &present) += 2 * sums[tap] - channels * top; /* of W = 2c + 1 - 2^b */
        }
        const int64_t full = (int64_t)taps * channels * top;
        const int64_t want = !taps       ? 0
                             : mac       ? (is_signed ? -present : 0)
                             : is_signed ? missing - full
                                         : (codes - full) * (((int64_t)1 << d->in_bits) - 1);
        int32_t got;
        memcpy(&got, presets + ((size_t)cls * t->h->rows + r) * 4, 4);
        if (got != want)
            return false;
    }
    return true;
}

static bd_status check_chunk(const struct table_check *t, uint32_t group)
{
    const struct bd_program *p = t->v->program;
    const struct bd_descriptor *d = t->d;
    const uint32_t mask_bytes = 3 * ((t->h->lanes + 63) / 64 * 8), rows = t->h->rows;
    const uint64_t at = d->table_offset + (uint64_t)group * d->table_stride;
    const uint8_t *table = p->image + at;
    if (t->v->contents && !masks_right(t, table))
        return table_fail(t, at, "the lane masks do not follow from the input's layout");
    for (uint32_t r = 0; r < rows; r++) {
        const bool real = (uint64_t)group * rows + r < d->out_channels;
        const char *fault = row_fault(t, table + mask_bytes + (size_t)r * 16, real);
        if (fault)
            return table_fail(t, at + mask_bytes + (uint64_t)r * 16, fault);
    }
    const uint64_t presets = mask_bytes + (uint64_t)rows * 16;
    if (!t->v->contents || t->h->geometry_hash == BD_GEOMETRY_REFERENCE)
        return BD_OK; /* the reference takes no presets; a device's kernels are 3x3 at most */
    const uint8_t *weights = p->image + d->weight_offset + (size_t)group * d->weight_stride;
    for (uint32_t r = 0; r < rows; r++)
        if (!presets_right(t, weights, table + presets, r, (uint64_t)group * rows + r < d->out_channels))
            return table_fail(t, at + presets + (uint64_t)r * 4, "the presets do not follow from the weights");
    return BD_OK;
}

bd_status bd_verify_tables(const struct bd_verifier *v, uint32_t s, uint32_t l)
{
    struct table_check t = {
        .v = v, .h = v->program->header, .d = bd_program_descriptor(v->program, s, l), .s = s, .l = l};
    const bool device = t.h->geometry_hash != BD_GEOMETRY_REFERENCE;
    t.taps = device && v->contents && t.d->operation == BD_OP_CONV ? tap_lanes(&t) : NULL;
    bd_status status = BD_OK;
    for (uint32_t group = 0; group < t.d->row_groups && status == BD_OK; group++)
        status = check_chunk(&t, group);
    free(t.taps);
    return status;
}
