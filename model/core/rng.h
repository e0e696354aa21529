/* Seeded, counter-free generator: xoshiro256** seeded by splitmix64 (Blackman and Vigna, 2018).
 * The state is plain data: save and restore it to resume a run in the same bits. */
#ifndef BD_CORE_RNG_H
#define BD_CORE_RNG_H

#include <stdint.h>

struct bd_rng {
    uint64_t s[4];
};

void bd_rng_seed(struct bd_rng *rng, uint64_t seed);
uint64_t bd_rng_u64(struct bd_rng *rng);
/* Uniform in 0 .. bound-1 without bias; bound >= 1. */
uint32_t bd_rng_below(struct bd_rng *rng, uint32_t bound);
/* Uniform in [0, 1) with 53 bits. */
double bd_rng_uniform(struct bd_rng *rng);
/* Standard normal (Box-Muller, one value a call, no hidden spare). */
double bd_rng_normal(struct bd_rng *rng);
/* Fisher-Yates over n indices. */
void bd_rng_shuffle(struct bd_rng *rng, uint32_t *index, uint32_t n);

#endif
