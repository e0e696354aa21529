/* Upsets: drawing against counts and known squares, outcomes one by one, intervals against sums of the binomial
 * distribution, counts through JSON and back. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "sw/driver/driver.h"
#include "sw/upset/campaign.h"
#include "sw/upset/upset.h"

Test(upset, drawing_is_uniform_and_repeats)
{
    enum { BITS = 7, CLOCKS = 5, DRAWS = 70000 };
    unsigned seen[BITS][CLOCKS] = {{0}};
    for (uint64_t k = 0; k < DRAWS; k++) {
        const struct bd_upset_hit a = bd_upset_draw(3, 1, BD_UPSET_STATE, k, BITS, CLOCKS),
                                  b = bd_upset_draw(3, 1, BD_UPSET_STATE, k, BITS, CLOCKS);
        cr_assert(a.bit == b.bit && a.clock == b.clock && a.bit < BITS && a.clock < CLOCKS);
        seen[a.bit][a.clock]++;
    }
    double square = 0;
    for (int i = 0; i < BITS; i++) {
        for (int j = 0; j < CLOCKS; j++) {
            const double expected = (double)DRAWS / (BITS * CLOCKS), d = seen[i][j] - expected;
            square += d * d / expected;
        }
    }
    cr_assert(square < 65.2, "chi square of 34 degrees %g is beyond its 99.9 %%", square);
}

Test(upset, every_argument_changes_what_is_drawn)
{
    const uint64_t bits = (uint64_t)1 << 40;
    const struct bd_upset_hit base = bd_upset_draw(1, 0, BD_UPSET_WEIGHTS, 0, bits, 1000000),
                              other[] = {bd_upset_draw(2, 0, BD_UPSET_WEIGHTS, 0, bits, 1000000),
                                         bd_upset_draw(1, 1, BD_UPSET_WEIGHTS, 0, bits, 1000000),
                                         bd_upset_draw(1, 0, BD_UPSET_TABLES, 0, bits, 1000000),
                                         bd_upset_draw(1, 0, BD_UPSET_WEIGHTS, 1, bits, 1000000)};
    for (int i = 0; i < 4; i++) {
        cr_assert(other[i].bit != base.bit && other[i].clock != base.clock, "argument %d", i);
        for (int j = 0; j < i; j++) {
            cr_assert(other[i].bit != other[j].bit, "arguments %d and %d", i, j);
        }
    }
}

Test(upset, outcomes)
{
    static const int32_t right[] = {5, 9, 9, -3}, close[] = {5, 9, 8, -3}, other[] = {5, 8, 9, -3};
    const struct bd_upset_frame golden = {BD_DEVICE_OK, false, 100, right};
    const struct {
        struct bd_upset_frame seen;
        enum bd_upset_outcome outcome;
    } cases[] = {
        {{BD_DEVICE_OK, false, 100, right}, BD_UPSET_MASKED},
        {{BD_DEVICE_OK, false, 101, right}, BD_UPSET_LATE},
        {{BD_DEVICE_OK, false, 99, right}, BD_UPSET_LATE},
        {{BD_DEVICE_OK, false, 100, close}, BD_UPSET_LOGITS}, /* the lowest of two equals was the class */
        {{BD_DEVICE_OK, false, 101, close}, BD_UPSET_LOGITS},
        {{BD_DEVICE_OK, false, 100, other}, BD_UPSET_CLASS},
        {{BD_DEVICE_WATCHDOG, false, 0, NULL}, BD_UPSET_DETECTED},
        {{BD_DEVICE_WRONG_TAG, false, 0, NULL}, BD_UPSET_DETECTED},
        {{BD_DEVICE_TRANSPORT, false, 0, NULL}, BD_UPSET_DETECTED},
        {{BD_DEVICE_TRANSPORT, true, 0, NULL}, BD_UPSET_HANG},
        {{BD_DEVICE_TIMEOUT, true, 0, NULL}, BD_UPSET_HANG},
        {{BD_DEVICE_LOST_INTERRUPT, true, 0, NULL}, BD_UPSET_HANG},
        {{BD_DEVICE_FORGOTTEN, true, 0, NULL}, BD_UPSET_HANG},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_assert_eq(bd_upset_classify(&cases[i].seen, &golden, 4), cases[i].outcome, "case %zu", i);
    }
}

/* P(X <= k) of n draws with share p, summed. */
static double at_most(unsigned k, unsigned n, double p)
{
    double sum = 0;
    for (unsigned i = 0; i <= k; i++) {
        sum += exp(lgamma(n + 1.0) - lgamma(i + 1.0) - lgamma(n - i + 1.0) + i * log(p) + (n - i) * log1p(-p));
    }
    return sum;
}

Test(upset, intervals)
{
    double low, high;
    bd_upset_interval(0, 0, &low, &high);
    cr_assert(low == 0 && high == 1);
    bd_upset_interval(0, 10, &low, &high); /* z^2 / (n + z^2) */
    cr_assert(low == 0 && fabs(high - 3.841458820694124 / 13.841458820694124) < 1e-12);
    bd_upset_interval(10, 10, &low, &high);
    cr_assert(high == 1 && fabs(low - 10 / 13.841458820694124) < 1e-12);
    /* its ends are the shares from which what was seen is 1.96 standard deviations away */
    for (unsigned n = 1; n < 400; n += 7) {
        for (unsigned k = 1; k < n; k++) {
            bd_upset_interval(k, n, &low, &high);
            const double p = (double)k / n;
            cr_assert(0 < low && low < p && p < high && high < 1);
            cr_assert_float_eq((p - low) / sqrt(low * (1 - low) / n), 1.959963984540054, 1e-6);
            cr_assert_float_eq((high - p) / sqrt(high * (1 - high) / n), 1.959963984540054, 1e-6);
        }
    }
    /* exact tails beyond them are about 2.5 %; 9,604 of a half give a point */
    bd_upset_interval(4802, 9604, &low, &high);
    cr_assert(high - 0.5 < 0.01 && high - 0.5 > 0.0099);
    cr_assert_float_eq(at_most(4802, 9604, high), 0.025, 0.001);
    cr_assert_float_eq(1 - at_most(4801, 9604, low), 0.025, 0.001);
}

Test(upset, counts_come_back_from_json)
{
    struct bd_upset_counts counts = {0}, back, sum = {0};
    struct bd_error err;
    bd_upset_count(&counts, BD_UPSET_MASKED, BD_DEVICE_OK, true);
    bd_upset_count(&counts, BD_UPSET_CLASS, BD_DEVICE_OK, false);
    bd_upset_count(&counts, BD_UPSET_DETECTED, BD_DEVICE_WATCHDOG, true);
    bd_upset_count(&counts, BD_UPSET_HANG, BD_DEVICE_LOST_INTERRUPT, false);
    json_t *json = bd_upset_counts_json(&counts);
    cr_assert_eq(bd_upset_counts_read(&back, json, &err), BD_OK);
    cr_assert(memcmp(&back, &counts, sizeof back) == 0);
    bd_upset_add(&sum, &counts);
    bd_upset_add(&sum, &back);
    cr_assert(sum.total == 8 && sum.outcome[BD_UPSET_CLASS] == 2 && sum.persistent[BD_UPSET_HANG] == 2 &&
              sum.status[BD_DEVICE_WATCHDOG] == 2 && sum.persistent[BD_UPSET_MASKED] == 0);
    /* counts that cannot be are refused */
    json_t *hang = json_object_get(json_object_get(json, "outcomes"), "hang");
    json_object_set_new(hang, "count", json_integer(2));
    cr_assert_eq(bd_upset_counts_read(&back, json, &err), BD_BAD_INPUT);
    json_object_set_new(hang, "count", json_integer(1));
    json_object_set_new(hang, "persistent", json_integer(2));
    cr_assert_eq(bd_upset_counts_read(&back, json, &err), BD_BAD_INPUT);
    json_object_set_new(hang, "persistent", json_integer(1));
    json_object_set_new(json_object_get(json, "errors"), "no such error", json_integer(1));
    cr_assert_eq(bd_upset_counts_read(&back, json, &err), BD_BAD_INPUT);
    json_decref(json);
}

Test(upset, injector_arguments)
{
    const struct bd_upset_campaign campaign = {.program = "a b.bdp",
                                               .hardware = "h.yaml",
                                               .injector = "upset",
                                               .images = "i.bin",
                                               .switches = {"w8a8", "w1a1"},
                                               .switch_count = 2,
                                               .seed = 7,
                                               .injections = 5000,
                                               .image_count = 3,
                                               .watchdog = 500,
                                               .all = true};
    static const char *const expected[] = {"upset", "--hardware", "h.yaml", "--program", "a b.bdp", "--images",
                                           "i.bin", "--switch",   "w1a1",   "--class",   "tables",  "--seed",
                                           "7",     "--image",    "1",      "--from",    "4002",    "--count",
                                           "1",     "--watchdog", "500",    "--over",    "all",     NULL};
    char **argv = bd_upset_arguments(&campaign, 1, BD_UPSET_TABLES, 4 * BD_UPSET_CHUNK + 2, 1, NULL);
    for (int i = 0; expected[i] || argv[i]; i++) {
        cr_assert(expected[i] && argv[i] && strcmp(expected[i], argv[i]) == 0, "argument %d: %s", i, argv[i]);
    }
    free(argv);
    char *line = bd_upset_repeat(&campaign, "w1a1", "tables", 4002);
    cr_assert_str_eq(line, "bitdial upset 'a b.bdp' --hardware h.yaml --switches w1a1 --classes tables --seed 7 "
                           "--images 3 --only 4002 --watchdog 500 --over all");
    free(line);
}
