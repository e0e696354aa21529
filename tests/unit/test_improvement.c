/* Expected improvements against numerical integration and counting, and the derivatives against differences. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/rng.h"
#include "model/search/improvement.h"

Test(improvement, log_expected_improvement)
{
    /* E[max(z, 0)] for z ~ N(m, 1) is phi(m) + m Phi(m), here by numerical integration */
    static const double table[][2] = {
        {3.0, 1.098739665328}, {0.0, -0.918938533205}, {-1.0, -2.485121025713}, {-5.0, -16.744301162661}};
    for (size_t i = 0; i < 4; i++) {
        cr_assert_float_eq(bd_log_expected_improvement(table[i][0], 1.0, 0.0), table[i][1], 1e-9, "at %g", table[i][0]);
    }
    double last = HUGE_VAL;
    for (double z = 5.0; z > -1e6; z = z > -10 ? z - 0.01 : z * 1.01) { /* monotone and finite through every branch */
        double value = bd_log_expected_improvement(z, 1.0, 0.0);
        cr_assert(isfinite(value) && value < last, "at %g: %.17g after %.17g", z, value, last);
        last = value;
    }
    double near = bd_log_expected_improvement(-49.999999, 1.0, 0.0),
           far = bd_log_expected_improvement(-50.000001, 1.0, 0.0);
    cr_assert_float_eq(near, far, 2e-4);
    /* scale: EI of sd s is s times EI of the scaled gap */
    cr_assert_float_eq(bd_log_expected_improvement(2.0, 4.0, 3.0),
                       bd_log_expected_improvement(-0.5, 1.0, 0.0) + log(2.0), 1e-12);
}

/* ---- two objectives ---- */

enum { POINTS = 9 };

/* Whether any point of a set lies above (x, y) in both. */
static int covered(const double *values, size_t count, double x, double y)
{
    for (size_t i = 0; i < count; i++) {
        if (values[2 * i] > x && values[2 * i + 1] > y) {
            return 1;
        }
    }
    return 0;
}

/* Points whose values are tenths, so that a grid of middles of cells counts areas exactly. */
static void random_values(struct bd_rng *rng, double *values)
{
    for (size_t i = 0; i < 2 * POINTS; i++) {
        values[i] = bd_rng_below(rng, 21) / 10.0 - 1.0;
    }
}

static size_t make_front(const double *values, double *front)
{
    size_t order[POINTS];
    const size_t size = bd_front_of(POINTS, values, order);
    for (size_t i = 0; i < size; i++) {
        memcpy(front + 2 * i, values + 2 * order[i], 2 * sizeof *front);
    }
    return size;
}

Test(improvement, hypervolume_is_a_count_of_cells)
{
    const double reference[2] = {-0.5, -0.7};
    struct bd_rng rng;
    bd_rng_seed(&rng, 1);
    for (int trial = 0; trial < 200; trial++) {
        double values[2 * POINTS], front[2 * POINTS];
        random_values(&rng, values);
        const size_t size = make_front(values, front);
        int cells = 0;
        for (int i = 0; i < 20; i++) {
            for (int j = 0; j < 20; j++) {
                const double x = -0.95 + 0.1 * i, y = -0.95 + 0.1 * j;
                cells += x > reference[0] && y > reference[1] && covered(values, POINTS, x, y);
            }
        }
        cr_assert_float_eq(bd_hypervolume(size, front, reference), 0.01 * cells, 1e-9, "trial %d", trial);
        for (size_t i = 1; i < size; i++) {
            cr_assert(front[2 * i] > front[2 * i - 2] && front[2 * i + 1] < front[2 * i - 1], "no front");
        }
        for (size_t i = 0; i < POINTS; i++) { /* each point is on the front or below it */
            int held = 0;
            for (size_t k = 0; k < size; k++) {
                held |= front[2 * k] >= values[2 * i] && front[2 * k + 1] >= values[2 * i + 1];
            }
            cr_assert(held, "trial %d: point %zu is lost", trial, i);
        }
    }
}

/* The growth of the area by a point, counted by the area's own function, over a fine grid of both forecasts. */
static double integrate(const struct bd_forecast *f, size_t size, const double *front, const double *reference)
{
    enum { STEPS = 160 };
    const double before = bd_hypervolume(size, front, reference), step = 10.0 / STEPS;
    double sum = 0;
    for (int i = 0; i < STEPS; i++) {
        for (int j = 0; j < STEPS; j++) {
            const double z[2] = {-5 + step * (i + 0.5), -5 + step * (j + 0.5)};
            double values[2 * POINTS + 2], joined[2 * POINTS + 2];
            size_t order[POINTS + 1];
            memcpy(values, front, 2 * size * sizeof *values);
            values[2 * size] = f[0].mean + f[0].sd * z[0];
            values[2 * size + 1] = f[1].mean + f[1].sd * z[1];
            const size_t now = bd_front_of(size + 1, values, order);
            for (size_t k = 0; k < now; k++) {
                memcpy(joined + 2 * k, values + 2 * order[k], 2 * sizeof *joined);
            }
            const double weight = exp(-0.5 * (z[0] * z[0] + z[1] * z[1])) / (2 * acos(-1)) * step * step;
            sum += weight * (bd_hypervolume(now, joined, reference) - before);
        }
    }
    return sum;
}

Test(improvement, expected_hypervolume_improvement_is_an_integral)
{
    const double reference[2] = {-1.1, -0.9};
    struct bd_rng rng;
    bd_rng_seed(&rng, 2);
    for (int trial = 0; trial < 12; trial++) {
        double values[2 * POINTS], front[2 * POINTS];
        random_values(&rng, values);
        const size_t size = trial ? make_front(values, front) : 0;
        struct bd_forecast f[2];
        for (int k = 0; k < 2; k++) {
            f[k] = (struct bd_forecast){bd_rng_normal(&rng), 0.3 + bd_rng_uniform(&rng)};
        }
        const double expected = log(integrate(f, size, front, reference));
        const double found = bd_log_hypervolume_improvement(f, size, front, reference, NULL);
        cr_assert_float_eq(found, expected, 0.01, "trial %d: %g, expected %g", trial, found, expected);
    }
    /* A known second objective: the strips that it reaches, each as wide as the first is expected to reach into it. */
    const double front[4] = {0.0, 1.0, 1.0, 0.0}, corner[2] = {-1.0, -1.0};
    const struct bd_forecast known[2] = {{0.3, 0.5}, {0.5, 0.0}};
    const double above = exp(bd_log_expected_improvement(0.3, 0.25, 0.0)),
                 beyond = exp(bd_log_expected_improvement(0.3, 0.25, 1.0));
    cr_assert_float_eq(exp(bd_log_hypervolume_improvement(known, 2, front, corner, NULL)),
                       0.5 * (above - beyond) + 1.5 * beyond, 1e-12);
    /* Far below the front it is finite, and higher where it is nearer. */
    double last = -HUGE_VAL;
    for (double mean = -1e6; mean < 3; mean = mean < -1 ? mean / 1.3 : mean + 0.01) {
        const struct bd_forecast far[2] = {{mean, 1.0}, {mean, 1.0}};
        const double value = bd_log_hypervolume_improvement(far, 2, front, corner, NULL);
        cr_assert(isfinite(value) && value > last, "at %g: %.17g after %.17g", mean, value, last);
        last = value;
    }
}

/* Largest relative difference of the derivatives from central differences. */
static double gradient_error(struct bd_rng *rng, double far, double planted)
{
    double values[2 * POINTS], front[2 * POINTS], worst = 0;
    const double reference[2] = {-1.1, -0.9};
    random_values(rng, values);
    const size_t size = make_front(values, front);
    struct bd_forecast f[2];
    struct bd_forecast_gradient g[2];
    for (int k = 0; k < 2; k++) {
        f[k] = (struct bd_forecast){bd_rng_normal(rng) - far, 0.3 + bd_rng_uniform(rng)};
    }
    bd_log_hypervolume_improvement(f, size, front, reference, g);
    for (int k = 0; k < 4; k++) {
        double *at = k % 2 ? &f[k / 2].sd : &f[k / 2].mean, kept = *at, h = 1e-5;
        *at = kept + h;
        const double above = bd_log_hypervolume_improvement(f, size, front, reference, NULL);
        *at = kept - h;
        const double below = bd_log_hypervolume_improvement(f, size, front, reference, NULL);
        *at = kept;
        const double found = (k % 2 ? g[k / 2].sd : g[k / 2].mean) * (1 + planted);
        worst = fmax(worst, fabs(found - (above - below) / (2 * h)) / (1 + fabs(found)));
    }
    return worst;
}

Test(improvement, derivatives_are_those_of_differences)
{
    struct bd_rng rng;
    bd_rng_seed(&rng, 3);
    for (int trial = 0; trial < 60; trial++) {
        const double far = trial % 3 * 4.0;
        struct bd_rng same = rng;
        cr_assert_lt(gradient_error(&rng, far, 0), 1e-5, "trial %d", trial);
        cr_assert_gt(gradient_error(&same, far, 0.01), 1e-5, "a derivative wrong by 1 %% passed");
    }
}
