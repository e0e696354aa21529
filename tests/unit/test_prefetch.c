/* What loops of products fetch: every line of every span once, and past its end at most the rest of a loop. */
#include <criterion/criterion.h>

#include "model/kernels/prefetch.h"

enum { LINE = BD_PREFETCH_LINE, TURNS = 5, ROOM = 64 };

/* Loops of TURNS turns until nothing is left; counts how often each of the memory's lines is fetched. */
static int fetch_all(struct bd_prefetch *prefetch, const char *memory, int counts[ROOM])
{
    char idle;
    int loops = 0;
    for (;; loops++) {
        size_t step;
        const char *at = bd_prefetch_take(prefetch, TURNS, &idle, &step);
        if (at == &idle) {
            cr_assert_eq(step, 0);
            return loops;
        }
        cr_assert_eq(step, LINE);
        for (int i = 0; i < TURNS; i++, at += step) {
            counts[(at - memory) / LINE]++;
        }
    }
}

Test(prefetch, every_line_is_fetched)
{
    static _Alignas(LINE) char memory[ROOM * LINE];
    int counts[ROOM] = {0};
    struct bd_prefetch prefetch = {0};
    bd_prefetch_add(&prefetch, memory, 12 * LINE);
    bd_prefetch_add(&prefetch, memory + 20 * LINE, TURNS * LINE);
    bd_prefetch_add(&prefetch, memory + 40 * LINE, 3 * LINE + 1); /* part of a line is a line */
    cr_expect_eq(fetch_all(&prefetch, memory, counts), 3 + 1 + 1);
    for (int i = 0; i < ROOM; i++) {
        /* a loop that ends a span runs on past it */
        const int expected = i < 15 || (i >= 20 && i < 25) || (i >= 40 && i < 45);
        cr_expect_eq(counts[i], expected, "line %d: %d times", i, counts[i]);
    }
    cr_expect_eq(fetch_all(&prefetch, memory, counts), 0);
}

Test(prefetch, the_last_span_comes_first)
{
    static _Alignas(LINE) char memory[2 * LINE];
    struct bd_prefetch prefetch = {0};
    size_t step;
    bd_prefetch_add(&prefetch, memory, LINE);
    bd_prefetch_add(&prefetch, memory + LINE, LINE);
    cr_expect_eq(bd_prefetch_take(&prefetch, 1, NULL, &step), memory + LINE);
    cr_expect_eq(bd_prefetch_take(&prefetch, 1, NULL, &step), memory);
    cr_expect_null(bd_prefetch_take(&prefetch, 1, NULL, &step));
}

Test(prefetch, spans_beyond_its_room_are_left_out)
{
    static _Alignas(LINE) char memory[ROOM * LINE];
    int counts[ROOM] = {0};
    struct bd_prefetch prefetch = {0};
    for (int i = 0; i < BD_PREFETCH_SPANS + 2; i++) {
        bd_prefetch_add(&prefetch, memory + i * TURNS * LINE, TURNS * LINE);
    }
    cr_expect_eq(fetch_all(&prefetch, memory, counts), BD_PREFETCH_SPANS);
    cr_expect_eq(counts[BD_PREFETCH_SPANS * TURNS], 0);
}

Test(prefetch, a_span_may_begin_within_a_line)
{
    static _Alignas(LINE) char memory[ROOM * LINE];
    struct bd_prefetch prefetch = {0};
    size_t step;
    bd_prefetch_add(&prefetch, memory + LINE / 2, LINE); /* two halves */
    cr_expect_eq(bd_prefetch_take(&prefetch, 1, NULL, &step), memory);
    cr_expect_eq(bd_prefetch_take(&prefetch, 1, NULL, &step), memory + LINE);
    cr_expect_null(bd_prefetch_take(&prefetch, 1, NULL, &step));
}

Test(prefetch, nothing_to_fetch)
{
    char idle;
    size_t step = 1;
    cr_expect_eq(bd_prefetch_take(NULL, TURNS, &idle, &step), &idle);
    cr_expect_eq(step, 0);
}
