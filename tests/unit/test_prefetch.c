/* What loops of products fetch: every line of every span once, and past its end at most the rest of a loop. */
#include <criterion/criterion.h>

#include "model/kernels/prefetch.h"

enum { LINE = BD_AHEAD_LINE, TURNS = 5, ROOM = 64 };

/* Loops of TURNS turns until nothing is left; counts how often each of the memory's lines is fetched. */
static int fetch_all(struct bd_ahead *ahead, const char *memory, int counts[ROOM])
{
    char idle;
    int loops = 0;
    for (;; loops++) {
        size_t step;
        const char *at = bd_ahead_take(ahead, TURNS, &idle, &step);
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

Test(train_ahead, every_line_is_fetched)
{
    static _Alignas(LINE) char memory[ROOM * LINE];
    int counts[ROOM] = {0};
    struct bd_ahead ahead = {0};
    bd_ahead_add(&ahead, memory, 12 * LINE);
    bd_ahead_add(&ahead, memory + 20 * LINE, TURNS * LINE);
    bd_ahead_add(&ahead, memory + 40 * LINE, 3 * LINE + 1); /* part of a line is a line */
    cr_expect_eq(fetch_all(&ahead, memory, counts), 3 + 1 + 1);
    for (int i = 0; i < ROOM; i++) {
        /* a loop that ends a span runs on past it */
        const int expected = i < 15 || (i >= 20 && i < 25) || (i >= 40 && i < 45);
        cr_expect_eq(counts[i], expected, "line %d: %d times", i, counts[i]);
    }
    cr_expect_eq(fetch_all(&ahead, memory, counts), 0);
}

Test(train_ahead, the_last_span_comes_first)
{
    static _Alignas(LINE) char memory[2 * LINE];
    struct bd_ahead ahead = {0};
    size_t step;
    bd_ahead_add(&ahead, memory, LINE);
    bd_ahead_add(&ahead, memory + LINE, LINE);
    cr_expect_eq(bd_ahead_take(&ahead, 1, NULL, &step), memory + LINE);
    cr_expect_eq(bd_ahead_take(&ahead, 1, NULL, &step), memory);
    cr_expect_null(bd_ahead_take(&ahead, 1, NULL, &step));
}

Test(train_ahead, spans_beyond_its_room_are_left_out)
{
    static _Alignas(LINE) char memory[ROOM * LINE];
    int counts[ROOM] = {0};
    struct bd_ahead ahead = {0};
    for (int i = 0; i < BD_AHEAD_SPANS + 2; i++) {
        bd_ahead_add(&ahead, memory + i * TURNS * LINE, TURNS * LINE);
    }
    cr_expect_eq(fetch_all(&ahead, memory, counts), BD_AHEAD_SPANS);
    cr_expect_eq(counts[BD_AHEAD_SPANS * TURNS], 0);
}

Test(train_ahead, a_span_may_begin_within_a_line)
{
    static _Alignas(LINE) char memory[ROOM * LINE];
    struct bd_ahead ahead = {0};
    size_t step;
    bd_ahead_add(&ahead, memory + LINE / 2, LINE); /* two halves */
    cr_expect_eq(bd_ahead_take(&ahead, 1, NULL, &step), memory);
    cr_expect_eq(bd_ahead_take(&ahead, 1, NULL, &step), memory + LINE);
    cr_expect_null(bd_ahead_take(&ahead, 1, NULL, &step));
}

Test(train_ahead, nothing_to_fetch)
{
    char idle;
    size_t step = 1;
    cr_expect_eq(bd_ahead_take(NULL, TURNS, &idle, &step), &idle);
    cr_expect_eq(step, 0);
}
