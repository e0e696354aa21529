#include "sw/govern/optimum.h"

#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"

/* A concave function from 0 on: pieces of falling slope, level behind them. */
struct piece {
    double length, slope;
};

struct concave {
    double at_zero;
    struct piece *pieces;
    size_t count;
};

struct hull {
    int order[BD_GOVERNOR_SWITCHES]; /* switches on the hull, by cost */
    int count;
    double cost[BD_GOVERNOR_SWITCHES], worth[BD_GOVERNOR_SWITCHES];
};

static double cost_of(const struct bd_governor_switch *s, enum bd_governor_resource resource)
{
    return resource == BD_GOVERN_TIME ? s->clocks : resource == BD_GOVERN_BYTES ? s->bus_bytes : s->energy_nj;
}

/* The upper hull of (0, 0) and the switches that are good enough: from each point on to the steepest next one. */
static void make_hull(struct hull *hull, const struct bd_governor_switch *switches, uint32_t count,
                      enum bd_governor_resource resource, double floor_percent)
{
    double cost = 0, worth = 0;
    hull->count = 0;
    for (;;) {
        int next = -1;
        double steepest = 0;
        for (uint32_t s = 0; s < count; s++) {
            const double c = cost_of(&switches[s], resource), w = switches[s].accuracy / 1e4;
            if (w * 100 + 1e-9 < floor_percent || w <= worth || c < cost) {
                continue;
            }
            const double slope = (w - worth) / (c - cost > 1e-12 ? c - cost : 1e-12);
            if (next < 0 || slope > steepest || (slope == steepest && c > cost_of(&switches[next], resource))) {
                next = (int)s;
                steepest = slope;
            }
        }
        if (next < 0) {
            return;
        }
        cost = cost_of(&switches[next], resource);
        worth = switches[next].accuracy / 1e4;
        hull->order[hull->count] = next;
        hull->cost[hull->count] = cost;
        hull->worth[hull->count++] = worth;
    }
}

static double hull_cost(const struct hull *hull, int i)
{
    return hull->cost[i] - (i ? hull->cost[i - 1] : 0);
}

static double hull_slope(const struct hull *hull, int i)
{
    const double cost = hull_cost(hull, i);
    return (hull->worth[i] - (i ? hull->worth[i - 1] : 0)) / (cost > 1e-12 ? cost : 1e-12);
}

/* The worth of a span added to that of what follows it, best divided. */
static struct concave merge(const struct hull *hull, double frames, const struct concave *rest)
{
    struct concave sum = {.at_zero = rest->at_zero,
                          .pieces = bd_xcalloc(rest->count + (size_t)hull->count, sizeof *sum.pieces)};
    size_t r = 0;
    for (int h = 0; h < hull->count || r < rest->count;) {
        if (h < hull->count && (r == rest->count || hull_slope(hull, h) >= rest->pieces[r].slope)) {
            sum.pieces[sum.count++] = (struct piece){frames * hull_cost(hull, h), hull_slope(hull, h)};
            h++;
        } else {
            sum.pieces[sum.count++] = rest->pieces[r++];
        }
    }
    return sum;
}

/* f(x + gain), for x up to `room`. */
static void move(struct concave *f, double gain, double room)
{
    size_t kept = 0;
    for (size_t i = 0; i < f->count && room > 0; i++) {
        struct piece piece = f->pieces[i];
        const double off = piece.length < gain ? piece.length : gain;
        f->at_zero += off * piece.slope;
        gain -= off;
        piece.length -= off;
        piece.length = piece.length < room ? piece.length : room;
        room -= piece.length;
        if (piece.length > 0) {
            f->pieces[kept++] = piece;
        }
    }
    f->count = kept;
}

/* How much of `have` goes into the span where it is best divided with what follows, given as it was merged. */
static double divide(const struct hull *hull, double frames, const struct concave *rest, double have)
{
    double spent = 0;
    size_t r = 0;
    for (int h = 0; have > 0 && (h < hull->count || r < rest->count);) {
        if (h < hull->count && (r == rest->count || hull_slope(hull, h) >= rest->pieces[r].slope)) {
            const double length = frames * hull_cost(hull, h++), part = length < have ? length : have;
            spent += part;
            have -= part;
        } else {
            const double length = rest->pieces[r++].length;
            have -= length < have ? length : have;
        }
    }
    return spent;
}

/* Frames move along the hull all together but for those of the piece at which the amount ends. */
static void set_parts(const struct hull *hull, double frames, double spent, struct bd_optimum_row *row)
{
    int at = BD_GOVERNOR_SWITCHES; /* where all frames are before the piece at hand: left out */
    memset(row->part, 0, sizeof row->part);
    row->spent = spent;
    for (int h = 0; h < hull->count && frames > 0; h++) {
        const double length = frames * hull_cost(hull, h);
        if (spent < length) {
            row->part[hull->order[h]] = spent / length;
            row->part[at] = 1 - spent / length;
            return;
        }
        spent -= length;
        at = hull->order[h];
    }
    row->part[at] = 1;
}

double bd_optimum(const struct bd_trace *trace, const struct bd_governor_switch *switches, uint32_t count,
                  enum bd_governor_resource resource, double clock_hz, double start, struct bd_optimum_row *rows)
{
    struct concave *after = bd_xcalloc(trace->count + 1, sizeof *after); /* worth of the spans from k on, by level */
    for (size_t k = trace->count; k-- > 0;) {
        struct hull hull;
        struct bd_trace_bucket bucket;
        const struct bd_trace_row *row = &trace->rows[k];
        make_hull(&hull, switches, count, resource, row->floor_percent);
        if (!bd_trace_bucket(row, resource, clock_hz, &bucket)) { /* the best switch for all, and nothing is spent */
            after[k] = merge(&(struct hull){0}, 0, &after[k + 1]);
            after[k].at_zero += hull.count ? row->requests * hull.worth[hull.count - 1] : 0;
            continue;
        }
        after[k] = merge(&hull, row->requests, &after[k + 1]);
        move(&after[k], bucket.gain, bucket.room);
    }
    double level = start, sum = after[0].at_zero;
    for (size_t i = 0; i < after[0].count && level > 0; i++) {
        const double part = after[0].pieces[i].length < level ? after[0].pieces[i].length : level;
        sum += part * after[0].pieces[i].slope;
        level -= part;
    }
    level = start;
    for (size_t k = 0; k < trace->count && rows; k++) {
        struct hull hull;
        struct bd_trace_bucket bucket;
        make_hull(&hull, switches, count, resource, trace->rows[k].floor_percent);
        if (!bd_trace_bucket(&trace->rows[k], resource, clock_hz, &bucket)) {
            set_parts(&hull, 1, 1e300, &rows[k]);
            rows[k].spent = 0;
            continue;
        }
        level += bucket.gain;
        const double spent = divide(&hull, trace->rows[k].requests, &after[k + 1], level);
        set_parts(&hull, trace->rows[k].requests, spent, &rows[k]);
        level -= spent;
        if (k + 1 < trace->count && bd_trace_bucket(&trace->rows[k + 1], resource, clock_hz, &bucket)) {
            level = level < bucket.room ? level : bucket.room;
        }
    }
    for (size_t k = 0; k <= trace->count; k++) {
        free(after[k].pieces);
    }
    free(after);
    return sum;
}
