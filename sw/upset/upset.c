#include "sw/upset/upset.h"

#include <string.h>

#include "model/core/rng.h"
#include "sw/driver/driver.h"

const char *const bd_upset_class_names[BD_UPSET_CLASS_COUNT] = {
#define X(class, name, help) name,
    BD_UPSET_CLASSES(X)
#undef X
};

const char *const bd_upset_outcome_names[BD_UPSET_OUTCOME_COUNT] = {
#define X(outcome, name, help) name,
    BD_UPSET_OUTCOMES(X)
#undef X
};

/* A word of a generator whose state depends on all of its arguments: each is mixed in by a seeding of its own. */
static struct bd_rng generator(uint64_t seed, unsigned switch_index, enum bd_upset_class owner, uint64_t k)
{
    const uint64_t parts[] = {switch_index, owner, k};
    struct bd_rng rng;
    bd_rng_seed(&rng, seed);
    for (int i = 0; i < 3; i++) {
        bd_rng_seed(&rng, bd_rng_u64(&rng) + parts[i]);
    }
    return rng;
}

/* Uniform below `bound` without bias: values of the last, incomplete range are drawn again. */
static uint64_t below(struct bd_rng *rng, uint64_t bound)
{
    const uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
    uint64_t value;
    do {
        value = bd_rng_u64(rng);
    } while (value >= limit);
    return value % bound;
}

struct bd_upset_hit bd_upset_draw(uint64_t seed, unsigned switch_index, enum bd_upset_class owner, uint64_t k,
                                  uint64_t bits, uint32_t clocks)
{
    struct bd_rng rng = generator(seed, switch_index, owner, k);
    struct bd_upset_hit draw = {.bit = below(&rng, bits)};
    draw.clock = (uint32_t)below(&rng, clocks);
    return draw;
}

static unsigned best(const int32_t *logits, unsigned classes)
{
    unsigned found = 0;
    for (unsigned c = 1; c < classes; c++) {
        found = logits[c] > logits[found] ? c : found;
    }
    return found;
}

enum bd_upset_outcome bd_upset_classify(const struct bd_upset_frame *seen, const struct bd_upset_frame *right,
                                        unsigned classes)
{
    if (seen->silent) {
        return BD_UPSET_HANG;
    }
    if (seen->status != BD_DEVICE_OK) {
        return BD_UPSET_DETECTED;
    }
    if (memcmp(seen->logits, right->logits, classes * sizeof *seen->logits) != 0) {
        return best(seen->logits, classes) == best(right->logits, classes) ? BD_UPSET_LOGITS : BD_UPSET_CLASS;
    }
    return seen->clocks == right->clocks ? BD_UPSET_MASKED : BD_UPSET_LATE;
}
