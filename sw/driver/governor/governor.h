/* The governor: which switch the next frame takes, of what there is to spend. Freestanding C11 in whole numbers: no
 * allocation, no library, no division, a few hundred clocks of a small processor for a decision.
 *
 * What limits a device are four kinds of buckets: energy in a store, heat that may still be given off, time until a
 * deadline, bytes over the memory bus. A bucket has a level, gains some for each frame that is asked for, and pays for
 * each frame that is run. The governor lets a frame cost what its bucket gains, and of what lies above the bucket's
 * reserve a part more, or of what lacks a part less: so a level comes to rest at its reserve, and a store that is full
 * is used. A frame that a bucket cannot pay is never started. Changing the switch costs a device nothing, so the choice
 * is made anew for every frame; going up takes some patience, so that it does not flicker at a border.
 *
 *     init -> { next -> run the frame -> ended } ...
 */
#ifndef BD_DRIVER_GOVERNOR_H
#define BD_DRIVER_GOVERNOR_H

#include <stdbool.h>
#include <stdint.h>

#define BD_GOVERNOR_SWITCHES 16
#define BD_GOVERNOR_SKIP (-1) /* no switch can be paid: leave this frame out */
#define BD_GOVERNOR_UNLIMITED INT64_MAX

enum bd_governor_resource { BD_GOVERN_ENERGY, BD_GOVERN_HEAT, BD_GOVERN_TIME, BD_GOVERN_BYTES, BD_GOVERN_RESOURCES };

struct bd_governor_switch { /* what a frame costs and is worth; by the cost model and by validation */
    uint32_t clocks;
    uint32_t energy_nj;
    uint32_t bus_bytes;
    uint32_t accuracy; /* hundredths of a percent */
};

struct bd_governor_bucket {
    int64_t level;   /* nanojoules, clocks or bytes; BD_GOVERNOR_UNLIMITED: no limit */
    int64_t reserve; /* where the level should come to rest */
    int64_t income;  /* gained from one frame that is asked for to the next */
    unsigned shift;  /* 2^-shift of what lies above the reserve is spent on a frame beside the income; 0..62 */
};

struct bd_governor_budget {
    struct bd_governor_bucket buckets[BD_GOVERN_RESOURCES];
    /* Of time: the level is the clocks until the deadline of the frame that waits last, `first` until that of the one
     * to be started now; BD_GOVERNOR_UNLIMITED: none. */
    int64_t first;
    uint32_t waiting; /* frames that wait, this one with them */
    uint32_t floor;   /* least accuracy; a frame that cannot have it is left out */
};

struct bd_governor { /* read as you like */
    struct bd_governor_switch at[BD_GOVERNOR_SWITCHES];
    uint32_t count, cheapest; /* the switch with the fewest clocks */
    uint32_t patience;        /* decisions in a row for a better switch before it is taken */
    uint32_t asked;           /* of them so far */
    int chosen;               /* last; BD_GOVERNOR_SKIP: none yet */
};

/* Copies the table of `count` switches (1..16; false for any other). */
bool bd_governor_init(struct bd_governor *governor, const struct bd_governor_switch *switches, uint32_t count,
                      uint32_t patience);

/* The switch of the next frame, or BD_GOVERNOR_SKIP. */
int bd_governor_next(struct bd_governor *governor, const struct bd_governor_budget *budget);

/* A frame has ended at a switch: what the counters say moves the table (an eighth of the difference a frame), since the
 * memory may be slower today than the model knows. Zero: not measured. */
void bd_governor_ended(struct bd_governor *governor, int switch_index, uint32_t clocks, uint32_t energy_nj);

/* By how much the largest logit exceeds the next one: a frame below a margin is worth repeating at a better switch. */
uint32_t bd_governor_margin(const int32_t *logits, uint32_t classes);

#endif
