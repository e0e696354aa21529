/* A day of a simulated device under a governor: every request of a trace waits its turn, the governor chooses its
 * switch by what the buckets hold at that moment, and the frame takes the clocks, energy and bytes of the cost model.
 * Whether its answer is right is looked up: what each switch said of each image, from the reference, is given
 * beforehand. */
#ifndef BD_GOVERN_DAY_H
#define BD_GOVERN_DAY_H

#include "sw/govern/trace.h"

/* Of energy about a minute's frames at twenty a second, of heat and time some dozens (bd_governor_bucket). */
#define BD_DAY_SHIFTS                                                                                                  \
    {                                                                                                                  \
        10, 6, 5, 6                                                                                                    \
    }

struct bd_day_options {
    const struct bd_governor_switch *switches; /* the governor's table */
    const struct bd_governor_switch *actual;   /* what frames cost, where that is something else; or NULL */
    uint32_t count;
    double clock_hz;
    const uint8_t *right; /* (images, count): 1 where the switch classifies the image rightly */
    uint32_t images;      /* used one after the other, again and again */
    uint32_t patience;    /* bd_governor */
    unsigned shift[BD_GOVERN_RESOURCES];
};

struct bd_day_row {                            /* a span of the trace */
    uint32_t frames[BD_GOVERNOR_SWITCHES + 1]; /* at each switch; the last: left out */
    double level[BD_GOVERN_RESOURCES];         /* at its end; 0 where there is no limit */
};

struct bd_day {
    struct bd_day_row *rows; /* owned; trace->count */
    size_t row_count;
    uint64_t requests, served, right, changes; /* changes of the switch between frames */
    double worth;                              /* sum of the table's accuracies of the frames served, in parts of one */
    double energy_nj, clocks;
    double
        overdrawn[BD_GOVERN_RESOURCES]; /* largest: how far a bucket fell below nothing, in frames of its then switch */
    double start[BD_GOVERN_RESOURCES];  /* levels at the day's begin */
};

void bd_day_play(const struct bd_trace *trace, const struct bd_day_options *options, struct bd_day *day);
void bd_day_release(struct bd_day *day);

#endif
