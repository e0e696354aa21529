/* The best schedule of a day for one who knows it all beforehand: which part of each span's frames runs at which
 * switch, so that the sum of their accuracies is greatest and a bucket never overdrawn. Exact for parts of frames, so
 * no schedule of whole frames does better.
 *
 * What a span is worth for an amount spent in it is concave: frames are moved, in the order of gain for cost, from left
 * out to the cheapest switch and on along the upper hull of (cost, accuracy). So is, by induction from the last span to
 * the first, what the rest of the day is worth for a level of the bucket; the sum of both, best divided, is the merging
 * of their slopes. Nothing is rounded but doubles. */
#ifndef BD_GOVERN_OPTIMUM_H
#define BD_GOVERN_OPTIMUM_H

#include "sw/govern/trace.h"

struct bd_optimum_row {
    double spent;                          /* of the bucket */
    double part[BD_GOVERNOR_SWITCHES + 1]; /* of the span's frames at each switch; the last: left out */
};

/* Sum of accuracies (in parts of one) over the day's frames by the best schedule under the bucket of `resource` alone,
 * which starts at `start`; a row without a limit on it spends nothing. rows (trace->count), or NULL, gets the schedule.
 * Under several limits the least of these sums is no less than what any schedule reaches. */
double bd_optimum(const struct bd_trace *trace, const struct bd_governor_switch *switches, uint32_t count,
                  enum bd_governor_resource resource, double clock_hz, double start, struct bd_optimum_row *rows);

#endif
