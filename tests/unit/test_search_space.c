/* What a search may be over: pending points, ranges and ratios, masks, two objectives. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/search/improvement.h"
#include "model/search/search.h"

static const double tens[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};

static double bowl(size_t d, const double *point)
{
    double sum = 0;
    for (size_t i = 0; i < d; i++) {
        sum -= (point[i] - 2 - (double)i) * (point[i] - 2 - (double)i);
    }
    return sum;
}

static void open_grid(struct bd_search *search, size_t d, const struct bd_search_config *config)
{
    struct bd_search_axis axes[6];
    struct bd_error err;
    for (size_t i = 0; i < d; i++) {
        axes[i] = (struct bd_search_axis){.count = 10, .values = tens};
    }
    cr_assert_eq(bd_search_init(search, d, axes, config, &err), BD_OK, "%s", err.message);
}

/* Four workers: batches of points that differ, of all of which some are told late, one is lost and asked for anew. */
Test(search_space, pending_points_are_not_proposed_and_spread)
{
    const struct bd_search_config config = {.method = BD_SEARCH_BAYES, .seed = 4, .initial = 6};
    struct bd_search search;
    struct bd_error err;
    double points[44][3];
    open_grid(&search, 3, &config);
    for (int batch = 0; batch < 11; batch++) {
        for (int k = 0; k < 4; k++) {
            double *point = points[4 * batch + k];
            cr_assert_eq(bd_search_ask(&search, point, &err), BD_OK, "%s", err.message);
            for (int before = 0; before < 4 * batch + k; before++) {
                cr_assert(memcmp(points[before], point, sizeof points[0]), "point %d again", before);
            }
        }
        cr_assert_eq(search.pending, 4);
        for (int k = 3; k >= 0; k--) {
            const double value = bowl(3, points[4 * batch + k]);
            cr_assert_eq(bd_search_tell(&search, points[4 * batch + k], &value, &err), BD_OK);
        }
        cr_assert_eq(search.pending, 0);
    }
    cr_assert_eq(search.asked, 44);
    cr_assert_gt(search.observations[bd_search_best(&search)].value[0], -3);

    double lost[3], point[3];
    cr_assert_eq(bd_search_ask(&search, lost, &err), BD_OK);
    cr_assert_eq(bd_search_forget(&search, lost, &err), BD_OK);
    cr_assert_eq(bd_search_forget(&search, lost, &err), BD_BAD_INPUT);
    cr_assert_eq(search.pending, 0);
    /* The uncertainty around a pending point is believed gone: the next proposal is elsewhere. */
    cr_assert_eq(bd_search_ask(&search, lost, &err), BD_OK);
    cr_assert_eq(bd_search_ask(&search, point, &err), BD_OK);
    cr_assert(memcmp(lost, point, sizeof point));
    bd_search_release(&search);
}

/* A search that replays what was asked and told, in that order, goes on in the same bits. */
Test(search_space, asks_are_replayed_too)
{
    const struct bd_search_config config = {.method = BD_SEARCH_BAYES, .seed = 9, .initial = 4};
    struct bd_search whole, resumed;
    struct bd_error err;
    char *records[40];
    int count = 0;
    double points[3][2], found[2], expected[2];
    open_grid(&whole, 2, &config);
    for (int round = 0; round < 12; round++) {
        cr_assert_eq(bd_search_ask(&whole, points[round % 3], &err), BD_OK);
        records[count++] = bd_search_record_ask(&whole);
        if (round % 3 == 2) {
            for (int k = 2; k >= round / 6; k--) { /* at first all, later one stays pending */
                const double value = bowl(2, points[k]) / 7;
                cr_assert_eq(bd_search_tell(&whole, points[k], &value, &err), BD_OK);
                records[count++] = bd_search_record(&whole);
            }
        }
    }
    open_grid(&resumed, 2, &config);
    for (int i = 0; i < count; i++) {
        cr_assert_eq(strstr(records[i], "asked") ? bd_search_replay_ask(&resumed, records[i], &err)
                                                 : bd_search_replay(&resumed, records[i], &err),
                     BD_OK, "%s", err.message);
    }
    cr_assert(whole.pending == 2 && resumed.pending == 2 && resumed.asked == 12);
    cr_assert_eq(bd_search_ask(&whole, expected, &err), BD_OK);
    cr_assert_eq(bd_search_ask(&resumed, found, &err), BD_OK);
    cr_assert_arr_eq(found, expected, sizeof found);
    cr_assert_eq(bd_search_replay_ask(&resumed, records[0], &err), BD_BAD_INPUT, "a record out of order passed");
    bd_search_release(&whole);
    bd_search_release(&resumed);
    for (int i = 0; i < count; i++) {
        free(records[i]);
    }
}

Test(search_space, ranges_and_ratios)
{
    const double sizes[] = {1, 10, 100, 1000};
    const struct bd_search_axis axes[3] = {
        {.low = -2, .high = 3}, {.low = 1e-5, .high = 1e-1, .log = true}, {.count = 4, .values = sizes, .log = true}};
    struct bd_search search;
    struct bd_error err;
    for (enum bd_search_method method = BD_SEARCH_BAYES; method <= BD_SEARCH_SOBOL; method++) {
        const struct bd_search_config config = {.method = method, .seed = 2, .initial = 8};
        int small = 0;
        cr_assert_eq(bd_search_init(&search, 3, axes, &config, &err), BD_OK, "%s", err.message);
        for (int i = 0; i < 40; i++) {
            double p[3];
            cr_assert_eq(bd_search_ask(&search, p, &err), BD_OK, "%s", err.message);
            cr_assert(p[0] >= -2 && p[0] <= 3 && p[1] >= 1e-5 && p[1] <= 1e-1, "%g %g", p[0], p[1]);
            small += p[1] < 1e-3;
            const double a = p[0] - 0.37, b = log10(p[1]) + 3.2, c = log10(p[2]) - 2, value = -a * a - b * b - c * c;
            cr_assert_eq(bd_search_tell(&search, p, &value, &err), BD_OK);
        }
        cr_assert(small > 8, "%d of 40 in the lower half of the ratios", small);
        if (method == BD_SEARCH_BAYES) {
            const struct bd_observation *best = &search.observations[bd_search_best(&search)];
            cr_assert_gt(best->value[0], -1e-3, "between the levels of any grid: %g", best->value[0]);
        }
        bd_search_release(&search);
    }
    const double nan = strtod("nan", NULL), falling[] = {2, 1}, zero[] = {0, 1}, odd[] = {1, nan};
    const struct {
        struct bd_search_axis axis;
        const char *text;
    } rows[] = {
        {{.count = 2, .values = falling}, "do not ascend"},
        {{.count = 2, .values = odd}, "not a finite number"},
        {{.count = 2, .values = zero, .log = true}, "logarithmic"},
        {{.low = 3, .high = 2}, "no range"},
        {{.low = 1, .high = nan}, "no range"},
        {{.low = -1, .high = 2, .log = true}, "logarithmic"},
        {{.count = 0}, "has no value"},
    };
    const struct bd_search_config config = {.method = BD_SEARCH_RANDOM};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cr_assert_eq(bd_search_init(&search, 1, &rows[i].axis, &config, &err), BD_BAD_INPUT, "row %zu", i);
        cr_assert_not_null(strstr(err.message, rows[i].text), "%s", err.message);
    }
}

static bool even_sum(void *context, const double *point)
{
    ++*(int *)context;
    return fmod(point[0] + point[1], 2) == 0;
}

static double sum_of_two(void *context, const double *point)
{
    (void)context;
    return point[0] + point[1];
}

Test(search_space, what_is_not_allowed_is_not_proposed)
{
    struct bd_error err;
    for (enum bd_search_method method = BD_SEARCH_BAYES; method <= BD_SEARCH_SOBOL; method++) {
        struct bd_search search;
        int calls = 0;
        const struct bd_search_config config = {
            .method = method, .seed = 2, .initial = 4, .allowed = even_sum, .context = &calls};
        open_grid(&search, 2, &config);
        for (int i = 0; i < 50; i++) { /* all of them: half of the grid */
            double p[2];
            if (method == BD_SEARCH_UNIFORM && i == 10) {
                break; /* ten of them have equal numbers */
            }
            cr_assert_eq(bd_search_ask(&search, p, &err), BD_OK, "%d: %s", i, err.message);
            cr_assert_eq(fmod(p[0] + p[1], 2), 0);
            const double value = bowl(2, p);
            cr_assert_eq(bd_search_tell(&search, p, &value, &err), BD_OK);
        }
        double p[2];
        cr_assert_eq(bd_search_ask(&search, p, &err), BD_FAIL);
        cr_assert_gt(calls, 50);
        bd_search_release(&search);
    }
    struct bd_search search;
    int calls = 0;
    const struct bd_search_config config = {.method = BD_SEARCH_RANDOM,
                                            .allowed = even_sum,
                                            .cost = sum_of_two,
                                            .budget = 12,
                                            .floor = 4,
                                            .context = &calls};
    open_grid(&search, 2, &config);
    cr_assert_eq(bd_search_check(&search, (double[]){3, 5}, &err), BD_OK);
    cr_assert_eq(bd_search_check(&search, (double[]){3, 4}, &err), BD_BAD_INPUT, "not allowed");
    cr_assert_eq(bd_search_check(&search, (double[]){1, 1}, &err), BD_BAD_INPUT, "under the floor");
    cr_assert_eq(bd_search_check(&search, (double[]){9, 5}, &err), BD_BAD_INPUT, "over the budget");
    cr_assert_eq(bd_search_check(&search, (double[]){3.5, 4.5}, &err), BD_BAD_INPUT, "on no axis");
    bd_search_release(&search);
}

/* ---- two objectives ---- */

static void two_bowls(const double *p, double *values)
{
    values[0] = bowl(2, p);
    values[1] = -(p[0] - 8) * (p[0] - 8) - (p[1] - 3) * (p[1] - 3);
}

static double second_bowl(void *context, const double *p)
{
    double values[2];
    (void)context;
    two_bowls(p, values);
    return values[1];
}

static double run_front(enum bd_search_method method, bool known, uint64_t seed)
{
    static const double reference[2] = {-50, -50};
    const struct bd_search_config config = {.method = method,
                                            .seed = seed,
                                            .initial = 6,
                                            .objectives = 2,
                                            .known = known ? second_bowl : NULL,
                                            .reference = seed % 2 ? reference : NULL};
    struct bd_search search;
    struct bd_error err;
    open_grid(&search, 2, &config);
    for (int i = 0; i < 24; i++) {
        double p[2], values[2];
        cr_assert_eq(bd_search_ask(&search, p, &err), BD_OK, "%s", err.message);
        two_bowls(p, values);
        cr_assert_eq(bd_search_tell(&search, p, values, &err), BD_OK);
    }
    size_t front[24];
    const size_t size = bd_search_front(&search, front);
    double values[48];
    for (size_t i = 0; i < size; i++) {
        memcpy(values + 2 * i, search.observations[front[i]].value, 2 * sizeof *values);
    }
    bd_search_release(&search);
    return bd_hypervolume(size, values, reference);
}

Test(search_space, fronts_grow_faster_by_the_model)
{
    /* The whole front lies between the two best points, (2, 3) and (8, 3). */
    double all[14], reference[2] = {-50, -50};
    for (int i = 0; i < 7; i++) {
        two_bowls((double[]){8 - i, 3}, all + 2 * i);
    }
    const double whole = bd_hypervolume(7, all, reference);
    for (uint64_t seed = 1; seed <= 2; seed++) {
        const double bayes = run_front(BD_SEARCH_BAYES, false, seed), random = run_front(BD_SEARCH_RANDOM, false, seed);
        cr_assert_gt(bayes, 0.985 * whole, "seed %d: %g of %g", (int)seed, bayes, whole);
        cr_assert_gt(run_front(BD_SEARCH_BAYES, true, seed), 0.985 * whole, "the second one known");
        cr_assert_lt(random, 0.985 * whole, "too easy");
    }
}

Test(search_space, two_values_are_recorded_and_refused)
{
    const struct bd_search_config config = {.method = BD_SEARCH_BAYES, .seed = 3, .initial = 4, .objectives = 2};
    const double nan = strtod("nan", NULL), bad[2] = {1, nan};
    struct bd_search whole, resumed;
    struct bd_error err;
    double p[2], q[2], values[2], reference[2];
    open_grid(&whole, 2, &config);
    open_grid(&resumed, 2, &config);
    for (int i = 0; i < 9; i++) {
        cr_assert_eq(bd_search_ask(&whole, p, &err), BD_OK);
        cr_assert_eq(bd_search_tell(&whole, p, bad, &err), BD_BAD_INPUT);
        two_bowls(p, values);
        cr_assert_eq(bd_search_tell(&whole, p, values, &err), BD_OK);
        char *record = bd_search_record(&whole);
        cr_assert_eq(bd_search_replay(&resumed, record, &err), BD_OK, "%s: %s", err.message, record);
        free(record);
    }
    cr_assert_eq(bd_search_ask(&whole, p, &err), BD_OK);
    cr_assert_eq(bd_search_ask(&resumed, q, &err), BD_OK);
    cr_assert_arr_eq(p, q, sizeof p);
    cr_assert_eq(bd_search_replay(&resumed, "{\"index\":9,\"point\":[1,2],\"values\":[1]}", &err), BD_BAD_INPUT);
    cr_assert_eq(bd_search_replay(&resumed, "{\"index\":9,\"point\":[1,2],\"value\":1}", &err), BD_BAD_INPUT);
    bd_search_reference(&whole, reference);
    cr_assert(isfinite(reference[0]) && isfinite(reference[1]));
    bd_search_release(&whole);
    bd_search_release(&resumed);
}

/* A smooth hill on 513 levels of six axes, which turn into each other, as a search finds near its best point. */
static double hill(const double *point)
{
    static const double top[6] = {100, 200, 300, 400, 150, 350};
    double away[6], sum = 0;
    for (int i = 0; i < 6; i++) {
        away[i] = (point[i] - top[i]) / 512;
        sum += (1.0 + i) * away[i] * away[i];
    }
    return exp(-2 * (sum + 2 * away[0] * away[1] + 1.5 * away[2] * away[3] - 2 * away[4] * away[5]));
}

/* Of the grid's points one is the top, and its neighbours on one axis lie 1e-5 to 1e-4 below it. */
Test(search_space, a_hill_is_climbed_to_its_top)
{
    static double levels[513];
    struct bd_search_axis axes[6];
    double below = 0;
    for (int i = 0; i < 513; i++) {
        levels[i] = i;
    }
    for (int i = 0; i < 6; i++) {
        axes[i] = (struct bd_search_axis){.count = 513, .values = levels};
    }
    for (uint64_t seed = 4; seed <= 5; seed++) {
        const struct bd_search_config config = {.method = BD_SEARCH_BAYES, .seed = seed, .initial = 10};
        struct bd_search search;
        struct bd_error err;
        cr_assert_eq(bd_search_init(&search, 6, axes, &config, &err), BD_OK);
        for (int i = 0; i < 100; i++) {
            double point[6], value;
            cr_assert_eq(bd_search_ask(&search, point, &err), BD_OK, "%s", err.message);
            value = hill(point);
            cr_assert_eq(bd_search_tell(&search, point, &value, &err), BD_OK, "%s", err.message);
        }
        below += 1 - search.observations[bd_search_best(&search)].value[0];
        bd_search_release(&search);
    }
    printf("a hill's top less the best of 100 evaluations, sum of two seeds: %.2g\n", below);
    cr_assert_leq(below, 4e-5);
}
