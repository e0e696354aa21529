/* The governor's decisions one by one; the best schedule of a day against counting through all of them; days that are
 * played; and the choice of a margin. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/file.h"
#include "model/core/memory.h"
#include "model/core/rng.h"
#include "sw/govern/confidence.h"
#include "sw/govern/day.h"
#include "sw/govern/optimum.h"

/* From dear to cheap; the first is dearer and no better than the second. */
static const struct bd_governor_switch table[] = {
    {.clocks = 1000, .energy_nj = 80, .bus_bytes = 10, .accuracy = 9300},
    {.clocks = 600, .energy_nj = 50, .bus_bytes = 10, .accuracy = 9310},
    {.clocks = 300, .energy_nj = 30, .bus_bytes = 10, .accuracy = 9200},
};
enum { TABLE = sizeof table / sizeof *table, SKIP = BD_GOVERNOR_SKIP };

static struct bd_governor_budget no_limits(void)
{
    struct bd_governor_budget budget = {.first = BD_GOVERNOR_UNLIMITED, .waiting = 1};
    for (int r = 0; r < BD_GOVERN_RESOURCES; r++) {
        budget.buckets[r].level = BD_GOVERNOR_UNLIMITED;
    }
    return budget;
}

Test(governor, one_decision)
{
    static const struct {
        int64_t level, reserve, income;
        unsigned shift;
        uint32_t floor;
        int chosen;
    } energy[] = {
        {BD_GOVERNOR_UNLIMITED, 0, 0, 0, 0, 1}, /* the best, not the dearest */
        {1000, 0, 50, 10, 0, 1},                /* what comes in pays it */
        {1000, 0, 49, 10, 0, 2},
        {1000, 0, 49, 9, 0, 1}, /* a part of what is there helps */
        {1000, 1000, 50, 4, 0, 1},
        {999, 1001, 50, 1, 0, 2},     /* below the reserve less is spent */
        {100, 1000000, 50, 4, 0, 2},  /* the cheapest, however much lacks */
        {29, 0, 1000, 0, 0, SKIP},    /* not what is not there */
        {30, 0, 0, 62, 0, 2},         /* to the last */
        {49, 0, 1000, 0, 9201, SKIP}, /* a floor that cannot be paid */
        {50, 5000, 0, 3, 9201, 1},    /* one that can */
        {1 << 30, 0, 1000, 3, 9311, SKIP},
        {-5, 0, 1000, 0, 0, SKIP},
    };
    for (size_t i = 0; i < sizeof energy / sizeof *energy; i++) {
        struct bd_governor g;
        struct bd_governor_budget budget = no_limits();
        cr_assert(bd_governor_init(&g, table, TABLE, 1));
        budget.buckets[BD_GOVERN_ENERGY] =
            (struct bd_governor_bucket){energy[i].level, energy[i].reserve, energy[i].income, energy[i].shift};
        budget.floor = energy[i].floor;
        cr_assert_eq(bd_governor_next(&g, &budget), energy[i].chosen, "case %zu gives %d", i,
                     bd_governor_next(&g, &budget));
    }
}

Test(governor, deadlines_of_all_that_wait)
{
    static const struct {
        int64_t first, last;
        uint32_t waiting;
        int chosen;
    } cases[] = {
        {1000, 1000, 1, 1}, {599, 599, 1, 2},  {299, 299, 1, SKIP},
        {700, 900, 2, 1}, /* 900 - 300 for the one behind it */
        {700, 899, 2, 2},   {700, 1200, 3, 1}, {700, 1199, 3, 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bd_governor g;
        struct bd_governor_budget budget = no_limits();
        cr_assert(bd_governor_init(&g, table, TABLE, 1));
        budget.buckets[BD_GOVERN_TIME] = (struct bd_governor_bucket){.level = cases[i].last, .income = 100000};
        budget.first = cases[i].first;
        budget.waiting = cases[i].waiting;
        cr_assert_eq(bd_governor_next(&g, &budget), cases[i].chosen, "case %zu", i);
    }
}

Test(governor, up_with_patience_down_at_once)
{
    struct bd_governor g;
    struct bd_governor_budget rich = no_limits(), poor = no_limits();
    cr_assert(bd_governor_init(&g, table, TABLE, 4));
    poor.buckets[BD_GOVERN_HEAT] = (struct bd_governor_bucket){.level = 40, .income = 40};
    cr_assert_eq(bd_governor_next(&g, &poor), 2);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(bd_governor_next(&g, &rich), 2, "decision %d", i);
    }
    cr_assert_eq(bd_governor_next(&g, &rich), 1);
    cr_assert_eq(bd_governor_next(&g, &poor), 2);
    cr_assert_eq(bd_governor_next(&g, &rich), 2);
    cr_assert_eq(bd_governor_next(&g, &poor), 2, "it begins to count again");
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(bd_governor_next(&g, &rich), 2);
    }
    cr_assert_eq(bd_governor_next(&g, &rich), 1);
    cr_assert_not(bd_governor_init(&g, table, 0, 1));
    cr_assert_not(bd_governor_init(&g, table, BD_GOVERNOR_SWITCHES + 1, 1));
}

Test(governor, what_is_measured_moves_the_table)
{
    struct bd_governor g;
    cr_assert(bd_governor_init(&g, table, TABLE, 1));
    for (int i = 0; i < 200; i++) {
        bd_governor_ended(&g, 1, 1200, 25);
    }
    cr_assert(g.at[1].clocks >= 1193 && g.at[1].clocks <= 1200, "%u", g.at[1].clocks);
    cr_assert(g.at[1].energy_nj >= 25 && g.at[1].energy_nj <= 32, "%u", g.at[1].energy_nj);
    cr_assert_eq(g.at[0].clocks, 1000);
    bd_governor_ended(&g, 1, 0, 0);
    bd_governor_ended(&g, -1, 5, 5);
    bd_governor_ended(&g, TABLE, 5, 5);
    cr_assert_geq(g.at[1].clocks, 1193);
    const int32_t logits[] = {-5, 7, 3, 7}, apart[] = {INT32_MIN, INT32_MAX};
    cr_assert_eq(bd_governor_margin(logits, 3), 4);
    cr_assert_eq(bd_governor_margin(logits, 4), 0);
    cr_assert_eq(bd_governor_margin(apart, 2), UINT32_MAX);
    cr_assert_eq(bd_governor_margin(logits, 1), UINT32_MAX);
}

enum { ROWS = 4, FRAMES = 12, ROOM = 80 };

/* The best sum by trying every number of frames at every switch in every span, level by level. */
static double best_by_counting(const struct bd_trace *trace, const struct bd_governor_switch *switches, int start)
{
    double after[ROOM + 1] = {0}, here[ROOM + 1];
    for (int k = (int)trace->count - 1; k >= 0; k--) {
        const int gain = (int)lround(trace->rows[k].heat_uj * 1000), n = (int)trace->rows[k].requests;
        const int next_room = k + 1 < (int)trace->count ? (int)lround(trace->rows[k + 1].heat_room_uj * 1000) : ROOM;
        for (int level = 0; level <= ROOM; level++) {
            const int have = level + gain;
            here[level] = 0;
            for (int a = 0; a <= n; a++) {
                for (int b = 0; a + b <= n; b++) {
                    for (int c = 0; a + b + c <= n; c++) {
                        const int cost = a * (int)switches[0].energy_nj + b * (int)switches[1].energy_nj +
                                         c * (int)switches[2].energy_nj;
                        if (cost > have) {
                            break;
                        }
                        const int left = have - cost < next_room ? have - cost : next_room;
                        const double worth = (a * (double)switches[0].accuracy + b * (double)switches[1].accuracy +
                                              c * (double)switches[2].accuracy) /
                                                 1e4 +
                                             (k + 1 < (int)trace->count ? after[left] : 0);
                        here[level] = worth > here[level] ? worth : here[level];
                    }
                }
            }
        }
        memcpy(after, here, sizeof after);
    }
    return after[start];
}

/* The exact best for parts of frames is no less than the best of whole ones, by no more than a frame a span; and the
 * schedule that goes with it can be paid and is worth that much. */
Test(governor, best_schedule_against_counting)
{
    struct bd_rng rng;
    bd_rng_seed(&rng, 11);
    for (int round = 0; round < 60; round++) {
        struct bd_trace_row rows[ROWS];
        struct bd_governor_switch s[3] = {{.clocks = 9}, {.clocks = 5}, {.clocks = 3}};
        for (int i = 0; i < 3; i++) {
            s[i].energy_nj = 1 + (uint32_t)bd_rng_below(&rng, 9);
            s[i].accuracy = 3000 + (uint32_t)bd_rng_below(&rng, 7000);
        }
        for (int k = 0; k < ROWS; k++) {
            rows[k] = (struct bd_trace_row){10,
                                            (double)bd_rng_below(&rng, FRAMES + 1),
                                            -1,
                                            -1,
                                            -1,
                                            1e-3 * (double)bd_rng_below(&rng, 50),
                                            1e-3 * (5 + (double)bd_rng_below(&rng, ROOM - 4)),
                                            -1,
                                            -1,
                                            -1};
        }
        const struct bd_trace trace = {rows, ROWS};
        const int start = (int)bd_rng_below(&rng, (uint32_t)lround(rows[0].heat_room_uj * 1000) + 1);
        struct bd_optimum_row best[ROWS];
        const double exact = bd_optimum(&trace, s, 3, BD_GOVERN_HEAT, 1e6, start, best);
        const double counted = best_by_counting(&trace, s, start);
        cr_assert(exact >= counted - 1e-9 && exact <= counted + ROWS, "round %d: %.6f, counted %.6f", round, exact,
                  counted);
        double level = start, worth = 0;
        for (int k = 0; k < ROWS; k++) {
            double cost = 0, parts = best[k].part[BD_GOVERNOR_SWITCHES];
            level = fmin(level, rows[k].heat_room_uj * 1000) + rows[k].heat_uj * 1000;
            for (int i = 0; i < 3; i++) {
                parts += best[k].part[i];
                cost += rows[k].requests * best[k].part[i] * s[i].energy_nj;
                worth += rows[k].requests * best[k].part[i] * s[i].accuracy / 1e4;
            }
            level -= cost;
            cr_assert(rows[k].requests == 0 || fabs(parts - 1) < 1e-9, "round %d: parts %.9f", round, parts);
            cr_assert(level > -1e-6 && fabs(cost - best[k].spent) < 1e-6, "round %d: row %d cannot be paid", round, k);
        }
        cr_assert(fabs(worth - exact) < 1e-6, "round %d: the schedule is worth %.6f, %.6f was said", round, worth,
                  exact);
    }
}

/* Many frames a span: parts of frames no longer matter, and the counting is by the same table in other words. */
Test(governor, best_schedule_by_hand)
{
    /* 100 frames, energy for 30 a frame and 500 more: all at the cheapest, 25 of them at the next (20 more each). */
    struct bd_trace_row row = {100, 100, -1, -1, -1, 3.5, 4, -1, -1, -1};
    const struct bd_trace trace = {&row, 1};
    struct bd_optimum_row best;
    const double worth = bd_optimum(&trace, table, TABLE, BD_GOVERN_HEAT, 1e6, 0, &best);
    cr_assert(fabs(worth - (75 * .92 + 25 * .931)) < 1e-9, "%.6f", worth);
    cr_assert(fabs(best.part[1] - 0.25) < 1e-12 && fabs(best.part[2] - 0.75) < 1e-12);
    row.floor_percent = 93; /* the cheapest is not good enough: 70 frames, 30 left out */
    cr_assert(fabs(bd_optimum(&trace, table, TABLE, BD_GOVERN_HEAT, 1e6, 0, &best) - 70 * .931) < 1e-9);
    cr_assert(fabs(best.part[BD_GOVERNOR_SWITCHES] - 0.3) < 1e-12);
    cr_assert(fabs(bd_optimum(&trace, table, TABLE, BD_GOVERN_ENERGY, 1e6, 0, &best) - 93.1) < 1e-9,
              "no limit on energy");
}

/* Days of each kind: nothing is overdrawn, every request is counted once, little is lost; and with a governor that is
 * told a wrong cost the check sees it. */
Test(governor, days_are_within_their_budgets)
{
    static const uint8_t right[] = {1, 1, 1, 1, 1, 0, 0, 1, 1};
    struct bd_trace_row rows[40];
    for (int kind = 0; kind < 3; kind++) {
        for (int k = 0; k < 40; k++) {
            const double gain = 2000 * (35 + 20 * sin(k / 5.0)) / 1e3; /* 15 to 55 nanojoules a frame */
            rows[k] = (struct bd_trace_row){1,
                                            2000,
                                            kind == 0 ? gain : -1,
                                            kind == 0 ? 200 : -1,
                                            -1,
                                            kind == 1 ? gain : -1,
                                            kind == 1 ? 10 : -1,
                                            -1,
                                            kind == 2 ? 20000 : -1,
                                            -1};
            rows[k].requests = kind == 2 && k % 4 == 0 ? 3000 : rows[k].requests;
        }
        const struct bd_trace trace = {rows, 40};
        const struct bd_day_options options = {.switches = table,
                                               .count = TABLE,
                                               .clock_hz = 1e6,
                                               .right = right,
                                               .images = 3,
                                               .patience = 8,
                                               .shift = BD_DAY_SHIFTS};
        struct bd_day day;
        double best = 1e300;
        bd_day_play(&trace, &options, &day);
        uint64_t frames = 0, left_out = 0;
        for (int k = 0; k < 40; k++) {
            for (int s = 0; s <= BD_GOVERNOR_SWITCHES; s++) {
                frames += day.rows[k].frames[s];
            }
            left_out += day.rows[k].frames[BD_GOVERNOR_SWITCHES];
        }
        for (int r = 0; r < BD_GOVERN_RESOURCES; r++) {
            cr_assert_eq(day.overdrawn[r], 0, "kind %d", kind);
            best = fmin(best, bd_optimum(&trace, table, TABLE, (enum bd_governor_resource)r, 1e6, day.start[r], NULL));
        }
        cr_assert(frames == day.requests && day.served == frames - left_out && day.right <= day.served);
        cr_assert_eq(day.requests, kind == 2 ? 90000 : 80000);
        cr_assert(day.worth <= best + 1e-6, "kind %d: better than the best", kind);
        cr_assert(best - day.worth < 0.12 * (double)day.requests, "kind %d: %.1f of %.1f", kind, day.worth, best);
        bd_day_release(&day);
        struct bd_governor_switch dearer[TABLE];
        struct bd_day_options wrong = options;
        for (int s = 0; s < TABLE; s++) {
            dearer[s] = table[s];
            dearer[s].clocks = table[s].clocks * 7 / 5;
            dearer[s].energy_nj = table[s].energy_nj * 7 / 5;
        }
        wrong.actual = dearer;
        bd_day_play(&trace, &wrong, &day);
        const double over = day.overdrawn[kind == 0 ? BD_GOVERN_ENERGY : kind == 1 ? BD_GOVERN_HEAT : BD_GOVERN_TIME];
        cr_assert(over <= 1, "kind %d: overdrawn by %.3f frames", kind, over);
        bd_day_release(&day);
    }
}

/* The first frame costs 42 where the table says 30 and 30 are there: 12 of 42 too much, and nothing else is run. */
Test(governor, an_overdrawn_bucket_is_seen)
{
    static const uint8_t right[] = {1, 1, 1};
    struct bd_trace_row row = {10, 3, 0, 0.03, 0.03, -1, -1, -1, -1, -1};
    const struct bd_trace trace = {&row, 1};
    struct bd_governor_switch dearer[TABLE];
    struct bd_day day;
    memcpy(dearer, table, sizeof table);
    dearer[2].energy_nj = 42;
    const struct bd_day_options options = {.switches = table,
                                           .actual = dearer,
                                           .count = TABLE,
                                           .clock_hz = 1e6,
                                           .right = right,
                                           .images = 1,
                                           .patience = 1};
    bd_day_play(&trace, &options, &day);
    cr_assert(fabs(day.overdrawn[BD_GOVERN_ENERGY] - 12 / 42.0) < 1e-9, "%.4f", day.overdrawn[BD_GOVERN_ENERGY]);
    cr_assert(day.served == 1 && day.requests == 3);
    bd_day_release(&day);
}

Test(governor, margins)
{
    /* Two switches, two classes, six images; the cheap one is wrong where its logits are close. */
    static const int32_t logits[] = {
        0, 9, 9, 0, 3, 4, 0, 5, 0, 8, 5, 4, /* dear: classes 1 0 1 1 1 0 */
        0, 9, 9, 0, 4, 3, 0, 5, 2, 1, 7, 4, /* cheap: classes 1 0 0 1 0 0, margins 9 9 1 5 1 3 */
    };
    static const uint16_t labels[] = {1, 0, 1, 1, 1, 0};
    const struct bd_answers answers = {2, 6, 2, logits, labels};
    const struct bd_governor_switch costs[] = {{.clocks = 90, .energy_nj = 900}, {.clocks = 10, .energy_nj = 100}};
    struct bd_confidence c;
    cr_assert_eq(bd_answers_accuracy(&answers, 0), 1);
    bd_confidence_choose(&answers, costs, 0, 0, &c);
    cr_assert(c.low == 1 && c.high == 0 && c.margin == 2, "%d %d %u", c.low, c.high, c.margin);
    cr_assert(c.accuracy == 1 && fabs(c.repeated - 2 / 6.0) < 1e-12 && fabs(c.energy_nj - 400) < 1e-9 &&
              fabs(c.clocks - 40) < 1e-9);
    struct bd_confidence again;
    bd_confidence_measure(&answers, costs, 1, 0, c.margin, &again);
    cr_assert(again.accuracy == c.accuracy && again.energy_nj == c.energy_nj);
    bd_confidence_choose(&answers, costs, 0, 0.34, &c);
    cr_assert(c.low == 1 && c.margin == 0 && c.repeated == 0, "two of six may be wrong");
    bd_confidence_measure(&answers, costs, 1, 0, UINT32_MAX, &c);
    cr_assert(c.accuracy == 1 && c.repeated == 1);
}

Test(governor, traces_are_read_strictly)
{
    static const struct {
        const char *text, *message;
    } bad[] = {
        {"", "no rows"},
        {"seconds,requests\n", "no rows"},
        {"seconds,power\n1,2\n", ":1:9: there is no column 'power'"},
        {"seconds,seconds\n1,2\n", ":1:9: column stands twice: 'seconds'"},
        {"seconds,requests\n1,x\n", ":2:3: 'requests' must be a number 0..1e+08, got 'x'"},
        {"# words\nseconds,requests\n\n1,2,3\n", ":4:5: more cells than columns: '3'"},
        {"seconds,requests\n0,2\n", ":2:1: 'seconds' must be"},
        {"seconds,requests\n1,nan\n", "must be a number"},
        {"seconds\n1\n", ":2:1: a row lacks 'requests'"},
        {"seconds,requests,energy_uj\n1,2,3\n", "a row lacks 'energy_room_uj'"},
        {"seconds,requests,heat_room_uj\n1,2,3\n", "a row lacks 'heat_uj'"},
    };
    char folder[] = "/tmp/bitdial-traces-XXXXXX", path[64];
    struct bd_trace trace;
    struct bd_error err;
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/t.csv", folder);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cr_assert_eq(bd_file_write(path, bad[i].text, strlen(bad[i].text), &err), BD_OK);
        cr_assert_eq(bd_trace_load(&trace, path, &err), BD_BAD_INPUT, "'%s' is taken", bad[i].text);
        cr_assert(strstr(err.message, bad[i].message), "'%s' says '%s'", bad[i].text, err.message);
    }
    const char *good = "requests,seconds,energy_uj,energy_room_uj\r\n# x\n5,2.5,,\n6,1,7,8";
    cr_assert_eq(bd_file_write(path, good, strlen(good), &err), BD_OK);
    cr_assert_eq(bd_trace_load(&trace, path, &err), BD_OK, "%s", err.message);
    cr_assert(trace.count == 2 && trace.rows[0].seconds == 2.5 && trace.rows[0].energy_uj == BD_TRACE_NONE &&
              trace.rows[1].energy_room_uj == 8 && trace.rows[1].requests == 6);
    bd_trace_release(&trace);
    remove(path);
    remove(folder);
}
