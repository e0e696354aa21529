/* The Gaussian process, the acquisition, ask/tell, the journal. */
#include <cblas.h>
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/core/memory.h"
#include "model/core/rng.h"
#include "model/search/gp.h"
#include "model/search/journal.h"
#include "model/search/search.h"
#include "tests/support/dense_gp.h"

static void random_data(size_t n, size_t d, uint64_t seed, double *x, double *y)
{
    struct bd_rng rng;
    bd_rng_seed(&rng, seed);
    for (size_t i = 0; i < n; i++) {
        y[i] = 0.1 * bd_rng_normal(&rng);
        for (size_t k = 0; k < d; k++) {
            x[i * d + k] = bd_rng_uniform(&rng);
            y[i] += sin(3.0 * x[i * d + k] * (double)(k + 1));
        }
    }
}

/* Largest difference of the analytic gradient from central differences, relative to the gradient's size. */
static double gradient_error(size_t n, size_t d, uint64_t seed, double planted)
{
    double x[40 * 5], y[40], theta[7], gradient[7], worst = 0.0;
    random_data(n, d, seed, x, y);
    struct bd_rng rng;
    bd_rng_seed(&rng, seed + 1);
    for (size_t i = 0; i < d + 2; i++) {
        theta[i] = -1.0 + 0.7 * bd_rng_normal(&rng);
    }
    bd_gp_log_posterior(n, d, x, y, theta, gradient);
    for (size_t i = 0; i < d + 2; i++) {
        double kept = theta[i], h = 1e-5;
        theta[i] = kept + h;
        double above = bd_gp_log_posterior(n, d, x, y, theta, NULL);
        theta[i] = kept - h;
        double below = bd_gp_log_posterior(n, d, x, y, theta, NULL);
        theta[i] = kept;
        double error = fabs(gradient[i] * (1.0 + planted) - (above - below) / (2.0 * h)) / (1.0 + fabs(gradient[i]));
        worst = fmax(worst, error);
    }
    return worst;
}

Test(search, gp_gradient_is_that_of_finite_differences)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        size_t d = 1 + seed % 5;
        double error = gradient_error(10 + seed, d, seed, 0.0);
        cr_assert_lt(error, 1e-5, "seed %d: error %g", (int)seed, error);
        cr_assert_gt(gradient_error(10 + seed, d, seed, 0.01), 1e-5, "a gradient wrong by 1 %% passed");
    }
}

Test(search, gp_fit_predicts_a_smooth_function)
{
    size_t n = 60, d = 2;
    double x[60 * 2], y[60], work[60], mean, variance;
    struct bd_rng rng;
    bd_rng_seed(&rng, 7);
    for (size_t i = 0; i < n; i++) {
        x[2 * i] = bd_rng_uniform(&rng);
        x[2 * i + 1] = bd_rng_uniform(&rng);
        y[i] = 80.0 + 5.0 * sin(4.0 * x[2 * i]); /* the second input does not matter */
    }
    struct bd_gp gp = {0};
    struct bd_error err;
    cr_assert_eq(bd_gp_fit(&gp, n, d, x, y, &(struct bd_gp_effort){.starts = 4, .evaluations = 80}, &rng, &err), BD_OK);
    cr_assert_gt(gp.theta[1], gp.theta[0] + 1.0, "relevance of the inputs is not learned");
    for (int i = 0; i < 50; i++) {
        double point[2] = {0.1 + 0.8 * bd_rng_uniform(&rng), bd_rng_uniform(&rng)};
        bd_gp_predict(&gp, point, work, &mean, &variance);
        cr_assert_float_eq(mean, 80.0 + 5.0 * sin(4.0 * point[0]), 0.1);
        cr_assert_geq(variance, 0.0);
    }
    bd_gp_release(&gp);
}

Test(search, gp_stands_repeated_points_and_equal_targets)
{
    double x[6] = {0.5, 0.5, 0.5, 0.5, 0.2, 0.2}, y[6] = {1, 1, 1, 1, 1, 1}, point[1] = {0.3}, work[6];
    struct bd_gp gp = {0};
    struct bd_error err;
    struct bd_rng rng;
    bd_rng_seed(&rng, 1);
    cr_assert_eq(bd_gp_fit(&gp, 6, 1, x, y, &(struct bd_gp_effort){.starts = 3, .evaluations = 80}, &rng, &err), BD_OK);
    double mean, variance;
    bd_gp_predict(&gp, point, work, &mean, &variance);
    cr_assert_float_eq(mean, 1.0, 1e-6);
    bd_gp_release(&gp);
    cr_assert_eq(bd_gp_fit(&gp, 0, 1, x, y, &(struct bd_gp_effort){.starts = 3, .evaluations = 80}, &rng, &err),
                 BD_BAD_INPUT);
}

/* ---- ask/tell ---- */

static bd_status tell_one(struct bd_search *search, const double *point, double value, struct bd_error *err)
{
    return bd_search_tell(search, point, &value, err);
}

static const double grid[] = {2, 4, 6, 8, 10, 12, 14, 16};
static const double coarse[] = {8, 16, 32};

struct sphere {
    size_t d;
    int best[6];
};

static double sphere_cost(void *context, const double *point)
{
    const struct sphere *s = context;
    double sum = 0;
    for (size_t i = 0; i < s->d; i++) {
        sum += point[i];
    }
    return sum;
}

static double sphere_value(const struct sphere *s, const double *point)
{
    double sum = 0;
    for (size_t i = 0; i < s->d; i++) {
        sum -= (point[i] - s->best[i]) * (point[i] - s->best[i]) * (1.0 + (double)i);
    }
    return sum;
}

static struct sphere problem = {.d = 5, .best = {12, 4, 16, 2, 10}};

static void start(struct bd_search *search, enum bd_search_method method, uint64_t seed, double budget)
{
    struct bd_search_axis axes[5];
    for (int i = 0; i < 5; i++) {
        axes[i] = (struct bd_search_axis){.count = 8, .values = grid};
    }
    struct bd_search_config config = {
        .method = method, .seed = seed, .initial = 8, .budget = budget, .cost = sphere_cost, .context = &problem};
    struct bd_error err;
    cr_assert_eq(bd_search_init(search, 5, axes, &config, &err), BD_OK);
}

static double run(enum bd_search_method method, uint64_t seed, int evaluations)
{
    struct bd_search search;
    struct bd_error err;
    start(&search, method, seed, 44);
    for (int i = 0; i < evaluations; i++) {
        double point[5];
        if (bd_search_ask(&search, point, &err) != BD_OK) {
            cr_assert_eq(method, BD_SEARCH_UNIFORM, "%s", err.message);
            break;
        }
        cr_assert_leq(sphere_cost(&problem, point), 44);
        for (size_t k = 0; k < search.count; k++) {
            cr_assert(memcmp(search.observations[k].point, point, sizeof(point)), "a point was proposed twice");
        }
        cr_assert_eq(tell_one(&search, point, sphere_value(&problem, point), &err), BD_OK);
    }
    double best = search.observations[bd_search_best(&search)].value[0];
    bd_search_release(&search);
    return best;
}

Test(search, bayes_finds_what_the_baselines_do_not)
{
    double bayes = 0, random = 0, sobol = 0, uniform = 0;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        bayes += run(BD_SEARCH_BAYES, seed, 40) / 3;
        random += run(BD_SEARCH_RANDOM, seed, 40) / 3;
        sobol += run(BD_SEARCH_SOBOL, seed, 40) / 3;
        uniform += run(BD_SEARCH_UNIFORM, seed, 40) / 3;
    }
    printf("mean best of 40 evaluations, 3 seeds (0 is the optimum): bayes %.2f random %.2f sobol %.2f uniform %.2f\n",
           bayes, random, sobol, uniform);
    cr_assert_geq(bayes, -8.0);
    cr_assert(bayes > random && bayes > sobol && bayes > uniform);
}

/* log of the expected improvement, by the textbook's formula in long double; best: the largest mean at a point seen. */
static double improvement(const struct bd_search *search, const double *x, const double *y, const double *point,
                          double best)
{
    double mean, variance;
    dense_predict(search->count, search->d, x, y, search->theta[0], point, &mean, &variance);
    const long double sd = sqrtl(fmax(variance, 1e-300)), z = (mean - best) / sd;
    return (double)logl(sd * (expl(-z * z / 2) / sqrtl(2 * acosl(-1)) + z * erfcl(-z / sqrtl(2)) / 2));
}

static bool was_seen(const struct bd_search *search, const double *point)
{
    bool seen = false;
    for (size_t i = 0; i < search->count; i++) {
        seen |= !memcmp(search->observations[i].point, point, search->d * sizeof *point);
    }
    return seen;
}

/* Yeo and Johnson's formula as printed. */
static double bent(const struct bd_power *power, double y)
{
    const double t = (y - power->offset) / power->scale, l = power->power;
    return t >= 0 ? (l > 0 ? (pow(t + 1, l) - 1) / l : log(t + 1))
                  : (l < 2 ? -(pow(1 - t, 2 - l) - 1) / (2 - l) : -log(1 - t));
}

/* The highest expected improvement among the points of the whole grid that are allowed and not told yet, and that of
 * the proposal, by the model whose parameters the search holds. */
static void compare_with_grid(const struct bd_search *search, const double *proposal, double *proposed, double *highest)
{
    double x[MOST * 5], y[MOST], best = -HUGE_VAL;
    const size_t n = search->count, d = search->d;
    for (size_t i = 0; i < n; i++) {
        y[i] = bent(&search->power, search->observations[i].value[0]);
        for (size_t k = 0; k < d; k++) {
            x[i * d + k] = (search->observations[i].point[k] - 2) / 14.0;
        }
    }
    for (size_t i = 0; i < n; i++) {
        double mean, variance;
        dense_predict(n, d, x, y, search->theta[0], x + i * d, &mean, &variance);
        best = fmax(best, mean);
    }
    *proposed = *highest = -HUGE_VAL;
    for (int g = 0; g < 1 << (3 * d); g++) {
        double there[5];
        double at[5];
        for (size_t k = 0; k < d; k++) {
            there[k] = grid[g >> (3 * k) & 7];
            at[k] = (there[k] - 2) / 14.0;
        }
        const double cost = sphere_cost(search->config.context, there);
        if (cost <= search->config.budget && cost >= search->config.floor && !was_seen(search, there)) {
            const double value = improvement(search, x, y, at, best);
            *highest = fmax(*highest, value);
            *proposed = memcmp(there, proposal, d * sizeof *there) ? *proposed : value;
        }
    }
}

static void check_proposals(size_t d, double floor, double budget, int rounds)
{
    const struct bd_search_axis axes[5] = {{.count = 8, .values = grid},
                                           {.count = 8, .values = grid},
                                           {.count = 8, .values = grid},
                                           {.count = 8, .values = grid},
                                           {.count = 8, .values = grid}};
    struct sphere here = {.d = d, .best = {12, 4, 8, 6, 14}};
    struct bd_search_config config = {.method = BD_SEARCH_BAYES,
                                      .seed = 5,
                                      .initial = 6,
                                      .budget = budget,
                                      .floor = floor,
                                      .cost = sphere_cost,
                                      .context = &here};
    struct bd_search search;
    struct bd_error err;
    cr_assert_eq(bd_search_init(&search, d, axes, &config, &err), BD_OK);
    for (int round = 0; round < rounds; round++) {
        double point[5];
        cr_assert_eq(bd_search_ask(&search, point, &err), BD_OK);
        if (round >= 6 && round % 2 == 0) { /* the others look near the best point alone */
            double proposed, highest;
            compare_with_grid(&search, point, &proposed, &highest);
            cr_assert(proposed >= highest - 1e-3, "round %d: proposed %g, the highest is %g", round, proposed, highest);
        }
        cr_assert_eq(tell_one(&search, point, sphere_value(&here, point), &err), BD_OK);
    }
    bd_search_release(&search);
}

Test(search, proposals_are_the_highest_of_the_whole_grid)
{
    check_proposals(3, 0, 30, 16);
    check_proposals(4, 36, 36, 14); /* along the budget's edge alone, where one width only grows as another shrinks */
}

Test(search, small_grid_is_exhausted_once)
{
    struct bd_search_axis axes[2] = {{.count = 3, .values = coarse}, {.count = 3, .values = coarse}};
    struct bd_search_config config = {.method = BD_SEARCH_BAYES, .seed = 3, .initial = 3};
    struct bd_search search;
    struct bd_error err;
    double point[2];
    cr_assert_eq(bd_search_init(&search, 2, axes, &config, &err), BD_OK);
    for (int i = 0; i < 9; i++) {
        cr_assert_eq(bd_search_ask(&search, point, &err), BD_OK);
        cr_assert_eq(tell_one(&search, point, point[0] - point[1], &err), BD_OK);
    }
    cr_assert_eq(bd_search_ask(&search, point, &err), BD_FAIL);
    bd_search_release(&search);
}

Test(search, budget_below_every_point_is_refused)
{
    struct bd_search_axis axes[5] = {{.count = 8, .values = grid},
                                     {.count = 8, .values = grid},
                                     {.count = 8, .values = grid},
                                     {.count = 8, .values = grid},
                                     {.count = 8, .values = grid}};
    struct bd_search_config config = {.budget = 9, .cost = sphere_cost, .context = &problem};
    struct bd_search search;
    struct bd_error err;
    cr_assert_eq(bd_search_init(&search, 5, axes, &config, &err), BD_BAD_INPUT);
    cr_assert(strstr(err.message, "no point of the grid"));
}

Test(search, floor_is_a_mask_too)
{
    struct bd_search_axis axes[5] = {{.count = 8, .values = grid},
                                     {.count = 8, .values = grid},
                                     {.count = 8, .values = grid},
                                     {.count = 8, .values = grid},
                                     {.count = 8, .values = grid}};
    struct bd_error err;
    for (int method = BD_SEARCH_BAYES; method <= BD_SEARCH_SOBOL; method++) {
        struct bd_search_config config = {.method = (enum bd_search_method)method,
                                          .seed = 2,
                                          .initial = 5,
                                          .budget = 44,
                                          .floor = 40,
                                          .cost = sphere_cost,
                                          .context = &problem};
        struct bd_search search;
        cr_assert_eq(bd_search_init(&search, 5, axes, &config, &err), BD_OK);
        for (int i = 0; i < 12; i++) {
            double point[5];
            if (bd_search_ask(&search, point, &err) != BD_OK) {
                cr_assert_eq(method, BD_SEARCH_UNIFORM, "%s", err.message);
                break;
            }
            double cost = sphere_cost(&problem, point);
            cr_assert(cost >= 40 && cost <= 44, "method %d proposes a cost of %g", method, cost);
            cr_assert_eq(tell_one(&search, point, sphere_value(&problem, point), &err), BD_OK);
        }
        bd_search_release(&search);
    }
}

Test(search, replay_goes_on_in_the_same_bits)
{
    struct bd_search whole, resumed;
    struct bd_error err;
    char *records[24];
    double points[24][5];
    start(&whole, BD_SEARCH_BAYES, 11, 44);
    for (int i = 0; i < 24; i++) {
        cr_assert_eq(bd_search_ask(&whole, points[i], &err), BD_OK);
        cr_assert_eq(tell_one(&whole, points[i], sphere_value(&problem, points[i]) / 3.0, &err), BD_OK);
        records[i] = bd_search_record(&whole);
    }
    for (int cut = 0; cut < 24; cut += 5) {
        start(&resumed, BD_SEARCH_BAYES, 11, 44);
        for (int i = 0; i < cut; i++) {
            cr_assert_eq(bd_search_replay(&resumed, records[i], &err), BD_OK, "%s", err.message);
        }
        for (int i = cut; i < 24; i++) {
            double point[5];
            cr_assert_eq(bd_search_ask(&resumed, point, &err), BD_OK);
            cr_assert_arr_eq(point, points[i], sizeof(point));
            cr_assert_eq(tell_one(&resumed, point, sphere_value(&problem, point) / 3.0, &err), BD_OK);
            char *record = bd_search_record(&resumed);
            cr_assert_str_eq(record, records[i]);
            free(record);
        }
        bd_search_release(&resumed);
    }
    start(&resumed, BD_SEARCH_BAYES, 11, 44);
    cr_assert_eq(bd_search_replay(&resumed, records[3], &err), BD_BAD_INPUT, "a record out of order passed");
    bd_search_release(&resumed);
    bd_search_release(&whole);
    for (int i = 0; i < 24; i++) {
        free(records[i]);
    }
}

/* Proposals must not depend on how many threads the linear algebra is told to use. */
Test(search, threads_leave_no_trace)
{
    enum { N = 300, D = 4 };
    static double x[N * D], y[N], gradient[2][D + 2], theta[D + 2];
    struct bd_rng rng;
    double value[2];
    bd_rng_seed(&rng, 5);
    for (int i = 0; i < N * D; i++) {
        x[i] = bd_rng_uniform(&rng);
    }
    for (int i = 0; i < N; i++) {
        y[i] = bd_rng_normal(&rng);
    }
    const int before = openblas_get_num_threads();
    for (int threads = 1; threads <= 2; threads++) {
        openblas_set_num_threads(threads);
        value[threads - 1] = bd_gp_log_posterior(N, D, x, y, theta, gradient[threads - 1]);
        cr_assert_eq(openblas_get_num_threads(), threads, "the number of threads was not restored");
    }
    openblas_set_num_threads(before);
    cr_assert_eq(memcmp(&value[0], &value[1], sizeof value[0]), 0);
    cr_assert_eq(memcmp(gradient[0], gradient[1], sizeof gradient[0]), 0);
}

static double sum_cost(void *context, const double *point)
{
    (void)context;
    return point[0] + point[1];
}

Test(search, what_cannot_be_is_refused)
{
    static const double values[] = {1, 2, 4};
    const struct bd_search_axis axes[] = {{.count = 3, .values = values}, {.count = 3, .values = values}};
    const double nan = strtod("nan", NULL), inf = strtod("inf", NULL);
    const struct {
        double floor, budget;
        const char *text;
    } bounds[] = {
        {5, 4, "the floor of 5 is not below the budget of 4"},
        {0, nan, "the floor"},
        {nan, 4, "the floor"},
        {0, inf, "the floor"},
        {0, 1.5, "no point of the grid meets the budget of 1.5: the smallest costs 2"},
        {9, 10, "no point of the grid reaches the floor of 9: the largest costs 8"},
    };
    struct bd_search search;
    struct bd_error err;
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
        struct bd_search_config config = {
            .initial = 2, .budget = bounds[i].budget, .floor = bounds[i].floor, .cost = sum_cost};
        cr_assert_eq(bd_search_init(&search, 2, axes, &config, &err), BD_BAD_INPUT, "row %zu", i);
        cr_assert_not_null(strstr(err.message, bounds[i].text), "%s", err.message);
    }
    struct bd_search_config config = {.initial = 2, .budget = 6.5, .floor = 6.4, .cost = sum_cost};
    double point[2] = {1, 2};
    cr_assert_eq(bd_search_init(&search, 2, axes, &config, &err), BD_OK);
    cr_assert_eq(bd_search_ask(&search, point, &err), BD_BAD_INPUT, "no sum is between 6.4 and 6.5");
    cr_assert_eq(tell_one(&search, (double[]){1, 2}, nan, &err), BD_BAD_INPUT);
    cr_assert_eq(tell_one(&search, (double[]){1, 2}, -inf, &err), BD_BAD_INPUT);
    cr_assert_eq(tell_one(&search, (double[]){1, 3}, 1, &err), BD_BAD_INPUT, "3 is on no axis");
    cr_assert_eq(search.count, 0);
    cr_assert_eq(bd_search_replay(&search, "{\"index\":0,\"point\":[1,2.5],\"value\":1}", &err), BD_BAD_INPUT);
    bd_search_release(&search);
}

/* ---- journal ---- */

static void write_text(const char *path, const char *text, size_t size)
{
    FILE *f = fopen(path, "wb");
    cr_assert(f && fwrite(text, 1, size, f) == size);
    fclose(f);
}

/* The whole file is these many bytes. */
static void read_text(const char *path, char *text, size_t size)
{
    FILE *f = fopen(path, "rb");
    cr_assert(f && fread(text, 1, 512, f) == size);
    text[size < 511 ? size : 511] = 0;
    fclose(f);
}

Test(search, journal_drops_a_torn_line_and_refuses_damage)
{
    char folder[] = "/tmp/bd_journal_XXXXXX", path[64];
    static const char *const strange[] = {"a", "{\"event\":\"step\"}\n", "{\"crX", "a note of mine\nand another"};
    struct bd_journal journal;
    struct bd_error err;
    cr_assert(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/j.jsonl", folder);
    cr_assert_eq(bd_journal_open(&journal, path, BD_JOURNAL_NEW, &err), BD_OK);
    for (int i = 0; i < 3; i++) {
        char record[32];
        snprintf(record, sizeof(record), "{\"index\":%d}", i);
        cr_assert_eq(bd_journal_append(&journal, record, &err), BD_OK);
    }
    bd_journal_close(&journal);
    cr_assert_eq(bd_journal_open(&journal, path, BD_JOURNAL_NEW, &err), BD_BAD_INPUT, "an old journal was overwritten");

    char text[512], after[512];
    FILE *f = fopen(path, "rb");
    size_t size = fread(text, 1, sizeof(text), f), line = size / 3;
    fclose(f);
    for (size_t cut = 2 * line; cut <= size; cut++) { /* torn anywhere in the last line */
        write_text(path, text, cut);
        cr_assert_eq(bd_journal_open(&journal, path, BD_JOURNAL_RESUME, &err), BD_OK, "cut at %zu: %s", cut,
                     err.message);
        cr_assert_eq(journal.count, cut == size ? 3 : 2);
        cr_assert_eq(journal.dropped, cut != size && cut != 2 * line);
        cr_assert_eq(bd_journal_append(&journal, "{\"index\":2}", &err), BD_OK);
        bd_journal_close(&journal);
        cr_assert_eq(bd_journal_open(&journal, path, BD_JOURNAL_RESUME, &err), BD_OK);
        cr_assert_eq(journal.count, cut == size ? 4 : 3);
        cr_assert_str_eq(journal.records[2], "{\"index\":2}");
        bd_journal_close(&journal);
    }
    for (size_t at = 0; at < size; at++) { /* any byte of any line changed, the last one's too */
        text[at] ^= 1;
        write_text(path, text, size);
        bd_status status = bd_journal_open(&journal, path, BD_JOURNAL_RESUME, &err);
        if (at + 1 < size) {
            cr_assert_eq(status, BD_BAD_INPUT, "byte %zu", at);
            char *where = bd_asprintf("%s:%zu: ", path, at / line + 1);
            cr_assert_eq(strncmp(err.message, where, strlen(where)), 0, "byte %zu: %s", at, err.message);
            free(where);
        } else { /* without its newline the line may be cut inside what looks whole */
            cr_assert_eq(status, BD_OK);
            bd_journal_close(&journal);
        }
        read_text(path, after, size);
        cr_assert_eq(memcmp(after, text, size), 0, "byte %zu: opening changed the file", at);
        text[at] ^= 1;
    }
    for (size_t i = 0; i < sizeof strange / sizeof *strange; i++) { /* no journal: left as it is */
        write_text(path, strange[i], strlen(strange[i]));
        for (enum bd_journal_mode mode = BD_JOURNAL_NEW; mode <= BD_JOURNAL_REPLACE; mode++) {
            cr_assert_eq(bd_journal_open(&journal, path, mode, &err), BD_BAD_INPUT, "'%s'", strange[i]);
        }
        read_text(path, after, strlen(strange[i]));
    }
    write_text(path, text, size);
    cr_assert_eq(bd_journal_open(&journal, path, BD_JOURNAL_REPLACE, &err), BD_OK);
    cr_assert_eq(journal.count, 0);
    read_text(path, after, size); /* still there: nothing was appended yet */
    struct bd_journal second;
    cr_assert_eq(bd_journal_open(&second, path, BD_JOURNAL_RESUME, &err), BD_INFRA, "two hold one journal");
    cr_assert_eq(bd_journal_append(&journal, "{\"index\":9}", &err), BD_OK);
    bd_journal_close(&journal);
    read_text(path, after, line);
    cr_assert_not_null(strstr(after, "{\"index\":9}"));
    unlink(path);
    rmdir(folder);
}
