#include "model/core/rng.h"

#include <math.h>

static uint64_t splitmix64(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint64_t rotate_left(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

void bd_rng_seed(struct bd_rng *rng, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        rng->s[i] = splitmix64(&seed);
    }
}

uint64_t bd_rng_u64(struct bd_rng *rng)
{
    uint64_t *s = rng->s;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

/* Lemire's multiply-and-reject ("Fast random integer generation in an interval", 2019). */
uint32_t bd_rng_below(struct bd_rng *rng, uint32_t bound)
{
    uint64_t m = (bd_rng_u64(rng) >> 32) * bound;
    if ((uint32_t)m < bound) {
        uint32_t threshold = -bound % bound;
        while ((uint32_t)m < threshold) {
            m = (bd_rng_u64(rng) >> 32) * bound;
        }
    }
    return m >> 32;
}

double bd_rng_uniform(struct bd_rng *rng)
{
    return (double)(bd_rng_u64(rng) >> 11) * 0x1p-53;
}

double bd_rng_normal(struct bd_rng *rng)
{
    double radius = sqrt(-2.0 * log(1.0 - bd_rng_uniform(rng)));
    double angle = 2.0 * M_PI * bd_rng_uniform(rng);
    return radius * cos(angle);
}

void bd_rng_shuffle(struct bd_rng *rng, uint32_t *index, uint32_t n)
{
    for (uint32_t i = n; i > 1; i--) {
        uint32_t j = bd_rng_below(rng, i);
        uint32_t swap = index[i - 1];
        index[i - 1] = index[j];
        index[j] = swap;
    }
}
