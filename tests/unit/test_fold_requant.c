/* Requantizers fitted to a layer against brute force: every accumulator value of random channels through the exact rule
 * and through the requantizer. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/rng.h"
#include "model/exec/requantize.h"
#include "tests/support/exact_code.h"

#define CHANNELS 6

struct layer_sample {
    struct bd_affine channels[CHANNELS];
    struct bd_code_rule rule;
    int32_t m[CHANNELS];
    int64_t b[CHANNELS];
    struct bd_requant q;
};

static void random_layer(struct layer_sample *s, struct bd_rng *rng)
{
    memset(s, 0, sizeof *s);
    const bool is_signed = bd_rng_below(rng, 5) == 0;
    s->rule = (struct bd_code_rule){.bits = is_signed ? 1 : 1 + (int)bd_rng_below(rng, 8), .is_signed = is_signed};
    s->rule.step = is_signed ? 1 : (long double)(0.01 + bd_rng_uniform(rng)) / ((1 << s->rule.bits) - 1);
    for (int c = 0; c < CHANNELS; c++) {
        struct bd_affine *a = &s->channels[c];
        a->lo = -(int64_t)bd_rng_below(rng, 1500);
        a->hi = bd_rng_below(rng, 1500);
        a->gain = bd_rng_normal(rng) * exp2(-(double)bd_rng_below(rng, 12));
        a->offset = bd_rng_normal(rng);
        switch (bd_rng_below(rng, 8)) {
        case 0:
            a->gain = 0;
            break;
        case 1:
            a->offset = 0; /* an edge exactly at an accumulator value */
            break;
        case 2:
            a->gain = s->rule.step / 2; /* ties at every other value */
            a->offset = s->rule.step * 3;
            break;
        case 3:
            a->offset *= 1000; /* never reaches another code */
            break;
        }
    }
    s->q = (struct bd_requant){.multiplier = s->m, .bias = s->b};
}

static struct bd_descriptor descriptor_of(const struct layer_sample *s)
{
    return (struct bd_descriptor){.shift = (uint32_t)s->q.shift,
                                  .code_multiplier = s->q.code_multiplier,
                                  .code_offset = s->q.code_offset,
                                  .code_shift = (uint32_t)s->q.code_shift,
                                  .out_bits = (uint32_t)s->rule.bits};
}

/* Codes of difference over every accumulator value of every channel. */
static int64_t brute_moved(const struct layer_sample *s)
{
    const struct bd_descriptor d = descriptor_of(s);
    int64_t moved = 0;
    for (int c = 0; c < CHANNELS; c++) {
        for (int64_t acc = s->channels[c].lo; acc <= s->channels[c].hi; acc++) {
            const int32_t z = bd_requantize_z(&d, s->m[c], s->b[c], (int32_t)acc, 0);
            moved += llabs((long long)bd_requantize_code(&d, z) - exact_code(&s->channels[c], &s->rule, acc));
        }
    }
    return moved;
}

Test(fold_requant, counts_every_moved_code)
{
    struct bd_rng rng;
    bd_rng_seed(&rng, 11);
    int64_t coarse = 0, fine = 0, edges = 0;
    for (int i = 0; i < 400; i++) {
        struct layer_sample s;
        struct bd_error err;
        random_layer(&s, &rng);
        const int mult_bits = i % 2 ? 24 : 8;
        if (bd_requant_fit_codes(s.channels, CHANNELS, &s.rule, mult_bits, &s.q, &err)) {
            cr_assert_eq(mult_bits, 8, "case %d: %s", i, err.message); /* a wide range of gains needs the bits */
            continue;
        }
        struct bd_edge_count count;
        bd_requant_count_edges(s.channels, CHANNELS, &s.rule, &s.q, &count);
        cr_assert_eq(count.values_moved, brute_moved(&s), "case %d: counted %lld", i, (long long)count.values_moved);
        cr_assert_leq(count.edges_moved, count.values_moved);
        cr_assert(s.rule.is_signed ? count.values_moved == 0 : true, "case %d: a sign moved", i);
        *(mult_bits == 8 ? &coarse : &fine) += count.values_moved;
        edges += count.edges;
    }
    cr_assert_gt(edges, 10000);
    cr_assert_gt(coarse, 1000, "the check sees nothing: %lld moved with 8-bit M", (long long)coarse);
    cr_assert_lt(fine, coarse / 100, "%lld moved with 24-bit M", (long long)fine);
}

/* Where edges fall between accumulator values by a wide margin, 24-bit multipliers must move none. */
Test(fold_requant, no_code_moves_without_ties)
{
    struct bd_rng rng;
    bd_rng_seed(&rng, 12);
    for (int i = 0; i < 200; i++) {
        struct layer_sample s;
        struct bd_error err;
        random_layer(&s, &rng);
        for (int c = 0; c < CHANNELS; c++) {
            s.channels[c].gain = s.rule.step * (bd_rng_below(&rng, 2) ? 0.125L : -0.125L);
            s.channels[c].offset = s.rule.step * ((long double)bd_rng_below(&rng, 64) / 8 + 0.0625L);
        }
        cr_assert_eq(bd_requant_fit_codes(s.channels, CHANNELS, &s.rule, 24, &s.q, &err), BD_OK);
        cr_assert_eq(brute_moved(&s), 0, "case %d", i);
    }
}

Test(fold_requant, stream_is_within_its_bound)
{
    struct bd_rng rng;
    bd_rng_seed(&rng, 13);
    for (int i = 0; i < 200; i++) {
        struct layer_sample s;
        struct bd_error err;
        random_layer(&s, &rng);
        const int z_frac = 6 + (int)bd_rng_below(&rng, 8);
        const enum bd_rounding rounding = i % 2 ? BD_ROUND_DOWN : BD_ROUND_NEAREST;
        cr_assert_eq(bd_requant_fit_stream(s.channels, CHANNELS, z_frac, 24, rounding, &s.q, &err), BD_OK, "%s",
                     err.message);
        cr_assert_eq(bd_requant_fit_reader(&s.rule, z_frac, &s.q, &err), BD_OK, "%s", err.message);
        const struct bd_descriptor d = descriptor_of(&s);
        for (int c = 0; c < CHANNELS; c++) {
            const struct bd_affine *a = &s.channels[c];
            const long double bound = bd_requant_error(a, s.m[c], s.b[c], s.q.shift, z_frac, rounding);
            int64_t low, high;
            bd_requant_range(a, s.m[c], s.b[c], s.q.shift, &low, &high);
            long double worst = 0;
            for (int64_t acc = a->lo; acc <= a->hi; acc++) {
                const int32_t z = bd_requantize_z(&d, s.m[c], s.b[c], (int32_t)acc, 0);
                worst = fmaxl(worst, fabsl(z - ldexpl(a->gain * (long double)acc + a->offset, z_frac)));
                cr_assert(z >= low && z <= high, "case %d: z outside its range", i);
                /* The multiplier's rounding alone moves a sign. */
                const long double exact = ldexpl(a->gain * (long double)acc + a->offset, z_frac);
                if (rounding == BD_ROUND_DOWN && fabsl(exact) > bound - 1)
                    cr_assert_eq(z >= 0, exact >= 0, "case %d: z %d of %Lg", i, z, exact);
            }
            cr_assert(worst <= bound, "case %d: off by %Lg, bound %Lg", i, worst, bound);
            cr_assert(bound < worst + (rounding == BD_ROUND_DOWN ? 1.1L : 0.6L),
                      "case %d: off by %Lg at most, bound %Lg", i, worst, bound);
        }
        struct bd_edge_count count;
        bd_requant_count_edges(s.channels, CHANNELS, &s.rule, &s.q, &count);
        cr_assert_eq(count.values_moved, brute_moved(&s), "case %d", i);
    }
}

Test(fold_requant, refuses_what_does_not_fit)
{
    struct layer_sample s = {.rule = {.bits = 4, .step = 1e-9L}};
    struct bd_error err;
    s.q = (struct bd_requant){.multiplier = s.m, .bias = s.b};
    for (int c = 0; c < CHANNELS; c++) {
        s.channels[c] = (struct bd_affine){.gain = 1, .offset = 0, .lo = -1000000, .hi = 1000000};
    }
    cr_assert_eq(bd_requant_fit_codes(s.channels, CHANNELS, &s.rule, 24, &s.q, &err), BD_BAD_INPUT);
    s.rule.step = 1e-5L; /* M fits; z reaches 10^11 steps */
    cr_assert_eq(bd_requant_fit_codes(s.channels, CHANNELS, &s.rule, 24, &s.q, &err), BD_BAD_INPUT);
    cr_assert(strstr(err.message, "saturate"), "%s", err.message);
    s.channels[2].gain = 1e9L;
    cr_assert_eq(bd_requant_fit_stream(s.channels, CHANNELS, 16, 24, BD_ROUND_NEAREST, &s.q, &err), BD_BAD_INPUT);
    s.rule.step = 1e30L;
    cr_assert_eq(bd_requant_fit_reader(&s.rule, 16, &s.q, &err), BD_BAD_INPUT);
}
