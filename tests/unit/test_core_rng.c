/* The generator against values of the authors' C code, and its derived distributions. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "model/core/rng.h"

/* State 1, 2, 3, 4: the first outputs worked out by hand from the published recurrence, as in other test suites
 * of xoshiro256**. */
Test(core_rng, known_answer)
{
    static const uint64_t expected[] = {11520u, 0u, 1509978240u, 1215971899390074240u, 1216172134540287360u};
    struct bd_rng rng = {{1, 2, 3, 4}};
    for (int i = 0; i < 5; i++) {
        uint64_t got = bd_rng_u64(&rng);
        cr_assert_eq(got, expected[i], "output %d is %lu", i, got);
    }
}

/* splitmix64 from 0 gives these first two words in the authors' file. */
Test(core_rng, seed)
{
    struct bd_rng rng;
    bd_rng_seed(&rng, 0);
    cr_assert_eq(rng.s[0], 0xe220a8397b1dcdafu);
    cr_assert_eq(rng.s[1], 0x6e789e6aa1b965f4u);
}

/* Chi-square over 7 cells, 6 degrees of freedom: over 33 is one chance in 100,000; the seed is fixed. */
Test(core_rng, below_is_uniform)
{
    struct bd_rng rng;
    bd_rng_seed(&rng, 1);
    enum { CELLS = 7, N = 70000 };
    int count[CELLS] = {0};
    for (int i = 0; i < N; i++) {
        uint32_t x = bd_rng_below(&rng, CELLS);
        cr_assert_lt(x, CELLS);
        count[x]++;
    }
    double chi = 0;
    for (int i = 0; i < CELLS; i++) {
        double d = count[i] - (double)N / CELLS;
        chi += d * d * CELLS / N;
    }
    cr_assert_lt(chi, 33, "chi-square %f", chi);
}

/* A bound of 3 * 2^30 is where taking a remainder of 32 bits would give the low third twice the weight. */
Test(core_rng, below_has_no_bias)
{
    struct bd_rng rng;
    bd_rng_seed(&rng, 2);
    const uint32_t bound = 3u << 30;
    int low = 0;
    for (int i = 0; i < 30000; i++) {
        uint32_t x = bd_rng_below(&rng, bound);
        cr_assert_lt(x, bound);
        low += x < bound / 3;
    }
    cr_assert(abs(low - 10000) < 450, "%d of 30000 in the low third", low);
    cr_assert_eq(bd_rng_below(&rng, 1), 0);
}

Test(core_rng, uniform_and_normal_moments)
{
    struct bd_rng rng;
    bd_rng_seed(&rng, 3);
    double sum = 0, normal = 0, square = 0;
    const int n = 100000;
    for (int i = 0; i < n; i++) {
        double u = bd_rng_uniform(&rng), g = bd_rng_normal(&rng);
        cr_assert(u >= 0 && u < 1);
        cr_assert(isfinite(g));
        sum += u;
        normal += g;
        square += g * g;
    }
    cr_assert(fabs(sum / n - 0.5) < 0.005);
    cr_assert(fabs(normal / n) < 0.016);
    cr_assert(fabs(square / n - 1) < 0.023);
}

Test(core_rng, shuffle_is_a_fair_permutation)
{
    struct bd_rng rng;
    bd_rng_seed(&rng, 4);
    int first[5][5] = {{0}};
    for (int round = 0; round < 5000; round++) {
        uint32_t index[5] = {0, 1, 2, 3, 4};
        bd_rng_shuffle(&rng, index, 5);
        unsigned seen = 0;
        for (int i = 0; i < 5; i++) {
            seen |= 1u << index[i];
            first[i][index[i]]++;
        }
        cr_assert_eq(seen, 31);
    }
    for (int i = 0; i < 25; i++) {
        cr_assert(abs(first[i / 5][i % 5] - 1000) < 130, "%d at %d %d times", i % 5, i / 5, first[i / 5][i % 5]);
    }
}

/* The state is the whole of it: a copy continues alike, which is what resuming relies on. */
Test(core_rng, a_copy_continues_alike)
{
    struct bd_rng a, b;
    bd_rng_seed(&a, 5);
    (void)bd_rng_normal(&a);
    b = a;
    for (int i = 0; i < 100; i++) {
        cr_assert_eq(bd_rng_normal(&a), bd_rng_normal(&b));
    }
}
