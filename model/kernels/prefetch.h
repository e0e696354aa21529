/* Memory that will be read or written soon, fetched into the second-level cache while products keep the processor
 * busy: loops of products have room for a fetch in every turn, and element-wise loops, which wait for memory, have
 * nothing else to do. A few spans of bytes, the last added first. A loop that ends a span runs on past it, up to its
 * own turns: that costs traffic and touches nothing. A list is one thread's, and used up by the loops that it is given
 * to. */
#ifndef BD_TRAIN_AHEAD_H
#define BD_TRAIN_AHEAD_H

#include <stddef.h>
#include <stdint.h>

enum { BD_AHEAD_SPANS = 6, BD_AHEAD_LINE = 64 };

struct bd_ahead {
    int count;
    struct {
        const char *at;
        size_t lines;
    } span[BD_AHEAD_SPANS];
};

/* Spans beyond BD_AHEAD_SPANS are left out. */
static inline void bd_ahead_add(struct bd_ahead *ahead, const void *from, size_t bytes)
{
    if (ahead->count < BD_AHEAD_SPANS) {
        const size_t before = (uintptr_t)from % BD_AHEAD_LINE;
        ahead->span[ahead->count].at = (const char *)from - before;
        ahead->span[ahead->count++].lines = (before + bytes + BD_AHEAD_LINE - 1) / BD_AHEAD_LINE;
    }
}

/* Where a loop of `turns` fetches, a line in each turn, and sets *step to the bytes from one to the next: 0 where
 * nothing is left (or `ahead` is NULL), at `idle`. */
static inline const char *bd_ahead_take(struct bd_ahead *ahead, size_t turns, const void *idle, size_t *step)
{
    if (!ahead || !ahead->count) {
        *step = 0;
        return idle;
    }
    const int top = ahead->count - 1;
    const char *at = ahead->span[top].at;
    *step = BD_AHEAD_LINE;
    if (ahead->span[top].lines <= turns) {
        ahead->count--;
    } else {
        ahead->span[top].at += turns * BD_AHEAD_LINE;
        ahead->span[top].lines -= turns;
    }
    return at;
}

#endif
