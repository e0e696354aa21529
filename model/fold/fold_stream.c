/* The stream's real range, and its number of fraction bits. */
#include <math.h>
#include <stdlib.h>

#include "model/core/memory.h"
#include "model/fold/fold_parts.h"

#define MAX_Z_FRAC 24
#define MIN_Z_FRAC (-16)        /* of a stream in 16 bits: a unit of z may be worth more than 1 */
#define SUM_LIMIT 1073741824.0L /* 2^30: a factor of two below saturation, for the real range */
#define NARROW_LIMIT 32256.0L   /* of a stream in 16 bits: below 2^15 by more than all rounding */

static long double real_low(const struct bd_affine *c)
{
    return c->offset + c->gain * (long double)(c->gain > 0 ? c->lo : c->hi);
}

static long double real_high(const struct bd_affine *c)
{
    return c->offset + c->gain * (long double)(c->gain > 0 ? c->hi : c->lo);
}

/* The largest magnitudes: of convolutions, their sums and the pool's sums, which are never kept; and of what is kept as
 * the stream. Each with the layer where. */
struct peaks {
    long double sum, kept;
    int sum_layer, kept_layer;
};

/* What has one number of fraction bits: the switches that keep the stream in 32 bits, or at one that keeps it in 16 the
 * layers from one that begins the stream anew to the next. */
struct group {
    bool narrow;
    int first, end; /* switches */
    int from, to;   /* layers */
};

static bool in_group(const struct bd_folding *f, struct group group, int s)
{
    return f->network.narrow_stream[s] == group.narrow;
}

/* Follows the stream through the group's layers at a switch. */
static void stream_peak(const struct bd_folding *f, int s, struct group group, struct peaks *peaks)
{
    long double *low = NULL, *high = NULL;
    for (int l = group.from; l < group.to; l++) {
        const struct bd_layer *layer = &f->graph->layers[l];
        const long double terms = bd_layer_row(layer)->accumulator == BD_SUM_OF_VALUES
                                      ? (long double)layer->kernel_h * layer->kernel_w
                                      : 1.0L;
        if (layer->writes_stream) {
            low = bd_xrealloc(low, layer->out_channels, sizeof *low);
            high = bd_xrealloc(high, layer->out_channels, sizeof *high);
        } else if (!bd_layer_reads_stream(layer)) {
            continue;
        }
        for (int c = 0; c < layer->out_channels; c++) {
            long double own = 0;
            if (!bd_layer_reads_stream(layer)) { /* the largest of values, and their mean, keep their range */
                const struct bd_affine *a = &f->affine[bd_fold_at(f, s, l)][c];
                own = fmaxl(fabsl(real_low(a)), fabsl(real_high(a)));
                low[c] = real_low(a) + (layer->adds_stream ? low[c] : 0);
                high[c] = real_high(a) + (layer->adds_stream ? high[c] : 0);
            }
            const long double kept = fmaxl(fabsl(low[c]), fabsl(high[c])), sum = fmaxl(own, kept * terms);
            if (kept > peaks->kept) {
                peaks->kept = kept;
                peaks->kept_layer = l;
            }
            if (sum > peaks->sum) {
                peaks->sum = sum;
                peaks->sum_layer = l;
            }
        }
    }
    free(low);
    free(high);
}

/* The largest gain of a layer that writes the stream: M must hold it times 2^F. */
static long double stream_gain(const struct bd_folding *f, struct group group)
{
    long double most = 0;
    for (int s = group.first; s < group.end; s++) {
        for (int l = group.from; in_group(f, group, s) && l < group.to; l++) {
            const struct bd_layer *layer = &f->graph->layers[l];
            const bool scales = layer->writes_stream && bd_layer_row(layer)->norm;
            for (int c = 0; scales && c < layer->out_channels; c++) {
                most = fmaxl(most, fabsl(f->affine[bd_fold_at(f, s, l)][c].gain));
            }
        }
    }
    return most;
}

long double bd_fold_reader_error(const struct bd_code_rule *rule, int z_frac, int writes)
{
    if (rule->is_signed) {
        return 0;
    }
    struct bd_requant q;
    struct bd_error err;
    if (bd_requant_fit_reader(rule, z_frac, &q, &err)) {
        return INFINITY;
    }
    const long double ratio = ldexpl(rule->step, z_frac);
    const long double slope = fabsl(ldexpl((long double)q.code_multiplier, -q.code_shift) * ratio - 1.0L);
    return slope * (long double)((1 << rule->bits) - 1) + 0.5L * writes / ratio;
}

static bd_status stream_error_at(const struct bd_folding *f, struct group group, int z_frac, long double *worst,
                                 struct bd_error *err)
{
    *worst = 0;
    for (int s = group.first; s < group.end; s++) {
        int writes = 0;
        for (int l = group.from; in_group(f, group, s) && l < group.to; l++) {
            const struct bd_layer *layer = &f->graph->layers[l];
            if (layer->writes_stream && bd_layer_row(layer)->norm) {
                writes = layer->adds_stream ? writes + 1 : 1;
            }
            const bool reads = layer->writes_stream || bd_layer_reads_stream(layer);
            if (!reads || layer->out_quantizer < 0) {
                continue;
            }
            struct bd_code_rule rule;
            if (bd_fold_rule(f->checkpoint, layer->out_quantizer, f->report->switches[s], &rule, err)) {
                return bd_fold_where(f, s, l, err);
            }
            *worst = fmaxl(*worst, bd_fold_reader_error(&rule, z_frac, writes));
        }
    }
    return BD_OK;
}

static bd_status choose_z_frac(const struct bd_folding *f, struct group group, int *chosen, struct bd_error *err)
{
    struct peaks peaks = {0};
    long double best = INFINITY;
    for (int s = group.first; s < group.end; s++) {
        if (in_group(f, group, s)) {
            stream_peak(f, s, group, &peaks);
        }
    }
    const long double kept_limit = group.narrow ? NARROW_LIMIT : SUM_LIMIT;
    const long double gain = stream_gain(f, group);
    const long double gain_limit = ldexpl(1.0L, (int)f->hardware->mult_bits - 1) - 1.0L;
    bool found = false;
    for (int z_frac = group.narrow ? MIN_Z_FRAC : 0;
         z_frac <= MAX_Z_FRAC && ldexpl(peaks.sum, z_frac) < SUM_LIMIT && ldexpl(peaks.kept, z_frac) < kept_limit;
         z_frac++) {
        if (ldexpl(gain, z_frac) > gain_limit && found) {
            break;
        }
        long double worst;
        if (stream_error_at(f, group, z_frac, &worst, err)) {
            return err->status;
        }
        if (!found || worst < best || (group.narrow && worst == best)) {
            best = worst;
            *chosen = z_frac;
        }
        found = true;
    }
    if (!found) {
        const bool kept = peaks.kept >= kept_limit;
        return bd_fail(err, BD_BAD_INPUT,
                       "layer '%s': the residual stream could reach %.3Lg: no %d-bit format holds it",
                       f->graph->layers[kept ? peaks.kept_layer : peaks.sum_layer].name, kept ? peaks.kept : peaks.sum,
                       kept && group.narrow ? 16 : 32);
    }
    return BD_OK;
}

static bool begins_stream(const struct bd_layer *layer)
{
    return layer->writes_stream && !layer->adds_stream && !bd_layer_reads_stream(layer);
}

/* At a switch that keeps the stream in 16 bits each part of it has fraction bits of its own: its range grows from block
 * to block, and what a projection begins anew may be finer than what comes before or behind. */
static bd_status choose_parts(struct bd_folding *f, int s, struct bd_error *err)
{
    const int layers = f->graph->layer_count;
    int least = MAX_Z_FRAC;
    struct group part = {.narrow = true, .first = s, .end = s + 1};
    while (part.from < layers && !begins_stream(&f->graph->layers[part.from])) {
        part.from++;
    }
    for (; part.from < layers; part.from = part.to) {
        int z_frac = 0;
        part.to = part.from + 1;
        while (part.to < layers && !begins_stream(&f->graph->layers[part.to])) {
            part.to++;
        }
        if (choose_z_frac(f, part, &z_frac, err)) {
            return err->status;
        }
        for (int l = part.from; l < part.to; l++) {
            f->report->at[bd_fold_at(f, s, l)].z_frac = z_frac;
        }
        least = z_frac < least ? z_frac : least;
    }
    f->report->z_frac[s] = least;
    return BD_OK;
}

bd_status bd_fold_choose_z_fracs(struct bd_folding *f, struct bd_error *err)
{
    const struct group wide = {.first = 0, .end = f->report->switch_count, .from = 0, .to = f->graph->layer_count};
    int shared = 0;
    if (choose_z_frac(f, wide, &shared, err)) {
        return err->status;
    }
    for (int s = 0; s < f->report->switch_count; s++) {
        if (f->network.narrow_stream[s]) {
            if (choose_parts(f, s, err)) {
                return err->status;
            }
            continue;
        }
        f->report->z_frac[s] = shared;
        for (int l = 0; l < f->graph->layer_count; l++) {
            f->report->at[bd_fold_at(f, s, l)].z_frac = shared;
        }
    }
    return BD_OK;
}
