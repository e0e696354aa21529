/* The statistics of a comparison against planted data and a computation of another kind; what a comparison runs. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/compare/compare.h"
#include "model/compare/statistics.h"
#include "model/core/file.h"
#include "model/core/rng.h"

#define IMAGES 2000

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* 95 % of the differences of resampled images lie between *low and *high. */
static void bootstrap(uint8_t (*first)[IMAGES], uint8_t (*second)[IMAGES], int pairs, double *low, double *high)
{
    enum { ROUNDS = 2000 };
    static double found[ROUNDS];
    struct bd_rng rng;
    bd_rng_seed(&rng, 17);
    for (int round = 0; round < ROUNDS; round++) {
        int sum = 0;
        for (int i = 0; i < IMAGES; i++) {
            uint32_t at = bd_rng_below(&rng, IMAGES);
            for (int p = 0; p < pairs; p++) {
                sum += first[p][at] - second[p][at];
            }
        }
        found[round] = (double)sum / pairs / IMAGES;
    }
    qsort(found, ROUNDS, sizeof *found, compare_doubles);
    *low = found[ROUNDS / 40];
    *high = found[ROUNDS - 1 - ROUNDS / 40];
}

/* One pair with b images won and c lost: the textbook's McNemar interval. */
Test(compare, planted_difference)
{
    static uint8_t first[1][IMAGES], second[1][IMAGES];
    const uint8_t *a[] = {first[0]}, *b[] = {second[0]};
    for (int i = 0; i < IMAGES; i++) {
        first[0][i] = i < 1500 || (i >= 1600 && i < 1660); /* 60 won */
        second[0][i] = i < 1480;                           /* and 20 more, none lost */
    }
    for (int i = 0; i < 30; i++) {
        first[0][i] = 0; /* 30 lost */
    }
    struct bd_paired p = bd_paired_difference(a, b, 1, IMAGES);
    double won = 80, lost = 30, d = (won - lost) / IMAGES;
    double error = sqrt(won + lost - (won - lost) * (won - lost) / IMAGES) / IMAGES;
    cr_assert_float_eq(p.difference, d, 1e-12);
    cr_assert_float_eq(p.low, d - 1.96 * error, 2e-5);
    cr_assert_float_eq(p.high, d + 1.96 * error, 2e-5);
    p = bd_paired_difference(a, a, 1, IMAGES);
    cr_assert(p.difference == 0 && p.low == 0 && p.high == 0);
}

/* Three seeds whose errors are tied to the images: the interval is that of resampled images. */
Test(compare, seeds_combined)
{
    static uint8_t first[3][IMAGES], second[3][IMAGES];
    const uint8_t *a[] = {first[0], first[1], first[2]}, *b[] = {second[0], second[1], second[2]};
    struct bd_rng rng;
    double low, high, plain = 0;
    bd_rng_seed(&rng, 5);
    for (int i = 0; i < IMAGES; i++) {
        double hard = bd_rng_uniform(&rng); /* hard images are hard for every seed */
        for (int p = 0; p < 3; p++) {
            first[p][i] = bd_rng_uniform(&rng) > hard * hard * 0.9;
            second[p][i] = bd_rng_uniform(&rng) > hard * 0.5;
            plain += first[p][i] - second[p][i];
        }
    }
    struct bd_paired p = bd_paired_difference(a, b, 3, IMAGES);
    bootstrap(first, second, 3, &low, &high);
    cr_assert_float_eq(p.difference, plain / 3 / IMAGES, 1e-12);
    cr_assert_float_eq(p.low, low, 0.1 * (high - low), "%g, resampled %g", p.low, low);
    cr_assert_float_eq(p.high, high, 0.1 * (high - low), "%g, resampled %g", p.high, high);
    /* The bootstrap tells a wrong interval: one that takes the seeds for more images is too narrow. */
    double narrow = (p.high - p.low) / sqrt(3);
    cr_assert_gt((high - low) - narrow, 0.2 * (high - low));
}

static bd_status take(struct bd_comparison *c, const char *text, struct bd_error *err)
{
    json_t *record = json_loads(text, 0, NULL);
    cr_assert_not_null(record);
    bd_status status = bd_comparison_take(c, record, err);
    json_decref(record);
    return status;
}

static void load(struct bd_comparison *c, const char *text)
{
    struct bd_error err;
    char path[] = "/tmp/bitdial-compare-XXXXXX";
    close(mkstemp(path));
    cr_assert_eq(bd_file_write(path, text, strlen(text), &err), BD_OK, "%s", err.message);
    cr_assert_eq(bd_comparison_load(c, path, &err), BD_OK, "%s", err.message);
    unlink(path);
}

/* A screen: families x (labels, and two teachers x two label weights), and one with another switch on top. */
Test(compare, grid)
{
    struct bd_comparison c;
    load(&c, "name: grid\nnetwork: yaml-configs/networks/resnet8.yaml\nfolder: none\nswitches: w1a8,w1a1\n"
             "quantizers: floor,dorefa,lsq\nteachers: labels,top,next\nlabel_weights: 0,1\nextra_top: w1a32\n"
             "arms: shared\nrates: 0.001,0.003,0.01\nseeds: 3\n");
    cr_assert_eq(c.variant_count, 16);
    cr_assert_eq(c.network_count, 4);
    cr_assert_eq(c.run_count, 16 * (3 + 3));
    cr_assert_str_eq(c.networks[3].switches[0].name, "w1a32");
    cr_assert_eq(c.networks[3].switch_count, 3);
    cr_assert_eq(c.networks[1].weights, BD_WEIGHTS_DOREFA);
    cr_assert_eq(c.networks[2].activations, BD_ACTIVATIONS_LSQ);
    cr_assert_str_eq(c.variants[15].name, "floor.top.a0-0.w1a32");
    bd_comparison_release(&c);
}

/* One factor at a time: the first cell, and three families, three teachers and two label weights share it. */
Test(compare, grid_of_one_factor)
{
    static const char text[] = "name: grid\nnetwork: yaml-configs/networks/resnet8.yaml\nfolder: none\n"
                               "switches: w1a8,w1a1\nquantizers: floor,dorefa,lsq\nlabel_weights: 1,0\n"
                               "arms: shared\nrates: 0.01\ngrid: one_factor\nteachers: %s\n%s";
    static const char *const names[] = {"floor.top.a0-1",         "floor.top.a0-0",      "floor.next.a0-1",
                                        "floor.labels",           "dorefa.top.a0-1",     "lsq.top.a0-1",
                                        "floor.top.a0-1.float32", "floor.top.a0-1.w1a32"};
    struct bd_comparison c;
    struct bd_error err;
    char yaml[512], path[] = "/tmp/bd_compare_XXXXXX";
    snprintf(yaml, sizeof yaml, text, "top,next,labels", "extra_top: w1a32\nextra_arithmetic: float32\n");
    load(&c, yaml);
    cr_assert_eq(c.variant_count, sizeof names / sizeof *names);
    cr_assert_eq(c.run_count, c.variant_count);
    for (int i = 0; i < c.variant_count; i++) {
        cr_assert_str_eq(c.variants[i].name, names[i]);
        cr_assert_eq(c.variants[i].arithmetic, i == 6 ? BD_ARITHMETIC_FLOAT32 : BD_ARITHMETIC_AUTO);
    }
    bd_comparison_release(&c);

    close(mkstemp(path));
    snprintf(yaml, sizeof yaml, text, "labels,top", "");
    cr_assert_eq(bd_file_write(path, yaml, strlen(yaml), &err), BD_OK, "%s", err.message);
    cr_assert_eq(bd_comparison_load(&c, path, &err), BD_BAD_INPUT);
    cr_assert(strstr(err.message, ":10:") && strstr(err.message, "one_factor"), "%s", err.message);
    unlink(path);
}

/* What waits for what, and which rate pilots choose. */
Test(compare, order_and_choice)
{
    struct bd_comparison c;
    struct bd_error err;
    load(&c, "name: order\nnetwork: yaml-configs/networks/resnet8.yaml\nfolder: none\nswitches: w1a8,w1a4,w1a1\n"
             "teachers: next\nrates: 0.001,0.003\nseeds: 2\n");
    const struct bd_compare_run *full = bd_comparison_find(&c, "shared.own.next.a0-0.5.seed2"),
                                *taught = bd_comparison_find(&c, "taught.own.next.a0-0.5.w1a1.seed2");
    cr_assert_not_null(full);
    cr_assert_not_null(taught);
    cr_assert_str_eq(c.runs[taught->teacher].id, "independent.own.w1a4.seed2");
    cr_assert_null(bd_comparison_find(&c, "taught.own.next.a0-0.5.w1a8.seed1"));
    cr_assert_not(bd_comparison_ready(&c, full));
    cr_assert_eq(take(&c,
                      "{\"run\":\"shared.own.next.a0-0.5.pilot1\",\"rate\":0.001,"
                      "\"validation\":{\"w1a8\":0.9,\"w1a4\":0.5,\"w1a1\":0.5}}",
                      &err),
                 BD_OK);
    cr_assert_not(bd_comparison_ready(&c, full));
    cr_assert_eq(take(&c,
                      "{\"run\":\"shared.own.next.a0-0.5.pilot2\",\"rate\":0.003,"
                      "\"validation\":{\"w1a8\":0.7,\"w1a4\":0.7,\"w1a1\":0.7}}",
                      &err),
                 BD_OK);
    cr_assert(bd_comparison_ready(&c, full));
    cr_assert_eq(bd_comparison_rate(&c, full), 0.003);
    cr_assert_eq(take(&c, "{\"run\":\"shared.nothing\",\"validation\":{}}", &err), BD_BAD_INPUT);
    bd_comparison_release(&c);
}

/* Variants stand against the first one, image by image, in the switches that both have. */
Test(compare, against_the_first_variant)
{
    static const char *const records[] = {
        "{\"run\":\"shared.floor.top.a0-1.seed1\",\"rate\":0.01,\"validation\":{\"w1a8\":0.9},\"test_images\":8,"
        "\"right\":{\"w1a8\":\"ff\",\"w1a1\":\"f0\"}}",
        "{\"run\":\"shared.dorefa.top.a0-1.seed1\",\"rate\":0.01,\"validation\":{\"w1a8\":0.9},\"test_images\":8,"
        "\"right\":{\"w1a8\":\"7f\",\"w1a1\":\"f8\"}}",
        "{\"run\":\"shared.floor.top.a0-1.w1a32.seed1\",\"rate\":0.01,\"validation\":{\"w1a8\":0.9},\"test_images\":8,"
        "\"right\":{\"w1a32\":\"00\",\"w1a8\":\"ff\",\"w1a1\":\"fc\"}}",
    };
    struct bd_comparison c;
    struct bd_error err;
    load(&c, "name: first\nnetwork: yaml-configs/networks/resnet8.yaml\nfolder: none\nswitches: w1a8,w1a1\n"
             "quantizers: floor,dorefa\nlabel_weights: 1\narms: shared\nrates: 0.01\nextra_top: w1a32\n");
    for (size_t i = 0; i < sizeof records / sizeof *records; i++) {
        cr_assert_eq(take(&c, records[i], &err), BD_OK, "%s", err.message);
    }
    json_t *table = bd_comparison_table(&c), *rows = json_object_get(table, "rows");
    /* Two rows of each of two variants, then three. */
    const double expected[] = {NAN, NAN, -12.5, 12.5, NAN, 0, 25};
    cr_assert_eq(json_array_size(rows), 7);
    for (size_t i = 0; i < 7; i++) {
        const json_t *difference = json_object_get(json_array_get(rows, i), "first_difference");
        cr_assert_eq(json_is_number(difference), !isnan(expected[i]), "row %zu", i);
        cr_assert(isnan(expected[i]) || json_number_value(difference) == expected[i], "row %zu: %g", i,
                  json_number_value(difference));
    }
    const json_t *means = json_object_get(table, "means");
    cr_assert_null(json_object_get(json_array_get(means, 0), "first_difference"));
    cr_assert_eq(json_number_value(json_object_get(json_array_get(means, 1), "first_difference")), 0);
    cr_assert_eq(json_number_value(json_object_get(json_array_get(means, 2), "first_difference")), 12.5);
    char *text = bd_comparison_markdown(table);
    cr_assert_not_null(strstr(text, "| shared − taught | − floor.top.a0-1 |"), "%s", text);
    free(text);
    json_decref(table);
    bd_comparison_release(&c);
}

/* Under which heads a folder is gone on with, and under which its table is read. */
Test(compare, folders_of_others)
{
    static const char now[] = "{\"images\":9,\"size\":0,\"arithmetic\":\"float32\",\"build\":\"b\"}";
    static const struct {
        const char *begun, *told; /* NULL: belongs */
        bool table, any_build;
    } rows[] = {
        {now, NULL, true, false},
        {"{\"images\":8,\"size\":0,\"arithmetic\":\"float32\",\"build\":\"b\"}", "'images' was 8 there and is 9", false,
         true},
        {"{\"images\":9,\"size\":0,\"arithmetic\":\"bfloat16\",\"build\":\"b\"}", "'arithmetic' was \"bfloat16\"", true,
         true},
        {"{\"images\":9,\"size\":0,\"arithmetic\":\"float32\",\"build\":\"a\"}", "another build", true, false},
        {"{\"images\":9,\"size\":0,\"arithmetic\":\"float32\",\"build\":\"a\"}", NULL, true, true},
        {"{\"images\":9,\"build\":\"b\"}", "'size' was absent there", true,
         true}, /* of a build that did not tell its arithmetic */
        {"{\"images\":9,\"size\":0,\"arithmetic\":\"float32\",\"build\":\"b\",\"new\":1}",
         "'new' was 1 there and is absent here", true, true},
        {"[]", "not of a comparison", false, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bd_error err;
        bd_status status = bd_comparison_belongs(rows[i].begun, now, true, rows[i].any_build, &err);
        cr_assert_eq(status, rows[i].told ? BD_BAD_INPUT : BD_OK, "%s", rows[i].begun);
        cr_assert(!rows[i].told || strstr(err.message, rows[i].told), "%s: %s", rows[i].begun, err.message);
        status = bd_comparison_belongs(rows[i].begun, now, false, false, &err);
        cr_assert_eq(status, rows[i].table ? BD_OK : BD_BAD_INPUT, "the table of %s", rows[i].begun);
    }
}
