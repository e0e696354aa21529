#include "sw/govern/day.h"

#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"

struct player {
    const struct bd_trace *trace;
    const struct bd_day_options *o;
    struct bd_day *day;
    struct bd_governor governor;
    double time, level[BD_GOVERN_RESOURCES]; /* of the buckets, at `time` */
    size_t row;                              /* the span that `time` lies in */
    double row_end, free;                    /* seconds; when the device is free */
    /* requests that have come and not been served: the span and number of the first, and how many */
    size_t next_row;
    double next_at;       /* when the next request comes */
    double next_begin;    /* of its span */
    uint64_t next_number; /* within its span */
    uint64_t image;
    int last;
};

static double request_time(const struct player *p)
{
    const struct bd_trace_row *row = &p->trace->rows[p->next_row];
    return p->next_begin + row->seconds * ((double)p->next_number + 0.5) / row->requests;
}

/* Goes on to the next request, past spans without any; false at the day's end. */
static bool find_request(struct player *p)
{
    while (p->next_row < p->trace->count && (double)p->next_number >= p->trace->rows[p->next_row].requests) {
        p->next_begin += p->trace->rows[p->next_row].seconds;
        p->next_row++;
        p->next_number = 0;
    }
    return p->next_row < p->trace->count;
}

/* Lets time pass up to `until`: buckets fill, spans end. Energy and heat and bytes fill evenly; time is the deadline's.
 */
static void pass(struct player *p, double until)
{
    while (p->row < p->trace->count) {
        const struct bd_trace_row *row = &p->trace->rows[p->row];
        const double to = until < p->row_end ? until : p->row_end,
                     part = to > p->time ? (to - p->time) / row->seconds : 0;
        for (int r = 0; r < BD_GOVERN_RESOURCES; r++) {
            struct bd_trace_bucket bucket;
            if (r == BD_GOVERN_TIME || !bd_trace_bucket(row, (enum bd_governor_resource)r, p->o->clock_hz, &bucket)) {
                continue;
            }
            p->level[r] += bucket.gain * part;
            p->level[r] = p->level[r] < bucket.room ? p->level[r] : bucket.room;
            p->day->rows[p->row].level[r] = p->level[r];
        }
        p->time = to > p->time ? to : p->time;
        if (until < p->row_end || p->row + 1 == p->trace->count) {
            return;
        }
        p->row++;
        p->row_end += p->trace->rows[p->row].seconds;
    }
}

/* Requests of the span of the oldest one that have come by `now`, that one with them. */
static uint64_t waiting(const struct player *p, double now)
{
    const struct bd_trace_row *row = &p->trace->rows[p->next_row];
    const double come = (now - p->next_begin) / row->seconds * row->requests + 0.5;
    const double all = come < row->requests ? come : row->requests;
    const double count = all - (double)p->next_number;
    return count < 1 ? 1 : (uint64_t)count;
}

static struct bd_governor_budget look(const struct player *p, const struct bd_trace_row *row, double now)
{
    struct bd_governor_budget budget = {.first = BD_GOVERNOR_UNLIMITED,
                                        .waiting = 1,
                                        .floor =
                                            row->floor_percent > 0 ? (uint32_t)(100 * row->floor_percent + 0.5) : 0};
    for (int r = 0; r < BD_GOVERN_RESOURCES; r++) {
        struct bd_trace_bucket bucket;
        struct bd_governor_bucket *b = &budget.buckets[r];
        *b = (struct bd_governor_bucket){.level = BD_GOVERNOR_UNLIMITED};
        if (!bd_trace_bucket(row, (enum bd_governor_resource)r, p->o->clock_hz, &bucket)) {
            continue;
        }
        *b = (struct bd_governor_bucket){.level = (int64_t)p->level[r],
                                         .reserve = (int64_t)bucket.reserve,
                                         .income = (int64_t)(bucket.gain / (row->requests > 1 ? row->requests : 1)),
                                         .shift = p->o->shift[r]};
        if (r == BD_GOVERN_TIME) {
            const double late = now - p->next_at;
            budget.waiting = (uint32_t)waiting(p, now);
            budget.first = (int64_t)(bucket.room - late * p->o->clock_hz);
            b->level = budget.first + (int64_t)((double)(budget.waiting - 1) * bucket.gain / row->requests);
        }
    }
    return budget;
}

static const struct bd_governor_switch *actual(const struct bd_day_options *o, int s)
{
    return o->actual ? &o->actual[s] : &o->switches[s];
}

/* The frame's costs leave the buckets; notes one that falls below nothing. */
static void pay(struct player *p, const struct bd_trace_row *row, int s, double end)
{
    const struct bd_governor_switch *at = actual(p->o, s);
    const double cost[BD_GOVERN_RESOURCES] = {at->energy_nj, at->energy_nj, at->clocks, at->bus_bytes};
    for (int r = 0; r < BD_GOVERN_RESOURCES; r++) {
        struct bd_trace_bucket bucket;
        if (!bd_trace_bucket(row, (enum bd_governor_resource)r, p->o->clock_hz, &bucket)) {
            continue;
        }
        double left =
            r == BD_GOVERN_TIME ? bucket.room - (end - p->next_at) * p->o->clock_hz : (p->level[r] -= cost[r]);
        if (left < 0 && -left / cost[r] > p->day->overdrawn[r]) {
            p->day->overdrawn[r] = -left / cost[r];
        }
        if (r == BD_GOVERN_TIME) {
            p->day->rows[p->row].level[r] = left;
        }
    }
}

static void serve(struct player *p)
{
    const struct bd_trace_row *row = &p->trace->rows[p->next_row];
    struct bd_day *day = p->day;
    p->next_at = request_time(p);
    const double now = p->free > p->next_at ? p->free : p->next_at;
    pass(p, now);
    struct bd_governor_budget budget = look(p, row, now);
    const int s = bd_governor_next(&p->governor, &budget);
    const uint32_t image = (uint32_t)(p->image++ % p->o->images);
    day->requests++;
    p->next_number++;
    if (s < 0) {
        day->rows[p->next_row].frames[BD_GOVERNOR_SWITCHES]++;
        return;
    }
    const struct bd_governor_switch *at = actual(p->o, s);
    p->free = now + at->clocks / p->o->clock_hz;
    pay(p, row, s, p->free);
    bd_governor_ended(&p->governor, s, at->clocks, at->energy_nj);
    day->rows[p->next_row].frames[s]++;
    day->served++;
    day->right += p->o->right[(size_t)image * p->o->count + (size_t)s];
    day->worth += p->o->switches[s].accuracy / 1e4;
    day->energy_nj += at->energy_nj;
    day->clocks += at->clocks;
    day->changes += p->last >= 0 && p->last != s;
    p->last = s;
}

void bd_day_play(const struct bd_trace *trace, const struct bd_day_options *options, struct bd_day *day)
{
    struct player p = {.trace = trace, .o = options, .day = day, .row_end = trace->rows[0].seconds, .last = -1};
    *day = (struct bd_day){.rows = bd_xcalloc(trace->count, sizeof *day->rows), .row_count = trace->count};
    (void)bd_governor_init(&p.governor, options->switches, options->count, options->patience);
    for (int r = 0; r < BD_GOVERN_RESOURCES; r++) { /* a store holds its reserve, all else is rested */
        struct bd_trace_bucket bucket;
        if (bd_trace_bucket(&trace->rows[0], (enum bd_governor_resource)r, options->clock_hz, &bucket)) {
            day->start[r] = p.level[r] = r == BD_GOVERN_ENERGY ? bucket.reserve : bucket.room;
        }
    }
    while (find_request(&p)) {
        serve(&p);
    }
    pass(&p, 1e300);
}

void bd_day_release(struct bd_day *day)
{
    free(day->rows);
    *day = (struct bd_day){0};
}
