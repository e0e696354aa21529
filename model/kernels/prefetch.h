/* Memory that will be read or written soon, fetched into the second-level cache while products keep the processor
 * busy: loops of products have room for a fetch in every turn, and element-wise loops, which wait for memory, have
 * nothing else to do. A few spans of bytes, the last added first. A loop that ends a span runs on past it, up to its
 * own turns: that costs traffic and touches nothing. A list is one thread's, and used up by the loops that it is given
 * to. */
#ifndef BD_KERNELS_PREFETCH_H
#define BD_KERNELS_PREFETCH_H

#include <stddef.h>
#include <stdint.h>

enum { BD_PREFETCH_SPANS = 6, BD_PREFETCH_LINE = 64 };

struct bd_prefetch {
    int count;
    struct {
        const char *at;
        size_t lines;
    } span[BD_PREFETCH_SPANS];
};

/* Spans beyond BD_PREFETCH_SPANS are left out. */
static inline void bd_prefetch_add(struct bd_prefetch *prefetch, const void *from, size_t bytes)
{
    if (prefetch->count < BD_PREFETCH_SPANS) {
        const size_t before = (uintptr_t)from % BD_PREFETCH_LINE;
        prefetch->span[prefetch->count].at = (const char *)from - before;
        prefetch->span[prefetch->count++].lines = (before + bytes + BD_PREFETCH_LINE - 1) / BD_PREFETCH_LINE;
    }
}

/* Where a loop of `turns` fetches, a line in each turn, and sets *step to the bytes from one to the next: 0 where
 * nothing is left (or `prefetch` is NULL), at `idle`. */
static inline const char *bd_prefetch_take(struct bd_prefetch *prefetch, size_t turns, const void *idle, size_t *step)
{
    if (!prefetch || !prefetch->count) {
        *step = 0;
        return idle;
    }
    const int top = prefetch->count - 1;
    const char *at = prefetch->span[top].at;
    *step = BD_PREFETCH_LINE;
    if (prefetch->span[top].lines <= turns) {
        prefetch->count--;
    } else {
        prefetch->span[top].at += turns * BD_PREFETCH_LINE;
        prefetch->span[top].lines -= turns;
    }
    return at;
}

#endif
