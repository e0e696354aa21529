#include "sw/govern/confidence.h"

#include <stdbool.h>
#include <stdlib.h>

#include "model/core/memory.h"
#include "model/exec/exec.h"

static const int32_t *logits_of(const struct bd_answers *a, int s, uint32_t image)
{
    return a->logits + ((size_t)s * a->images + image) * a->classes;
}

static bool is_right(const struct bd_answers *a, int s, uint32_t image)
{
    return bd_argmax(logits_of(a, s, image), a->classes) == a->labels[image];
}

double bd_answers_accuracy(const struct bd_answers *a, int switch_index)
{
    uint32_t right = 0;
    for (uint32_t i = 0; i < a->images; i++) {
        right += is_right(a, switch_index, i);
    }
    return (double)right / a->images;
}

static void fill(const struct bd_answers *a, const struct bd_governor_switch *table, uint64_t right, uint64_t repeated,
                 struct bd_confidence *result)
{
    result->accuracy = (double)right / a->images;
    result->repeated = (double)repeated / a->images;
    result->energy_nj = table[result->low].energy_nj + result->repeated * table[result->high].energy_nj;
    result->clocks = table[result->low].clocks + result->repeated * table[result->high].clocks;
}

void bd_confidence_measure(const struct bd_answers *a, const struct bd_governor_switch *table, int low, int high,
                           uint32_t margin, struct bd_confidence *result)
{
    uint64_t right = 0, repeated = 0;
    *result = (struct bd_confidence){.low = low, .high = high, .margin = margin};
    for (uint32_t i = 0; i < a->images; i++) {
        const bool again = bd_governor_margin(logits_of(a, low, i), a->classes) < margin;
        repeated += again;
        right += is_right(a, again ? high : low, i);
    }
    fill(a, table, right, repeated, result);
}

struct sample {
    uint32_t margin;
    bool low, high; /* right there */
};

static int by_margin(const void *a, const void *b)
{
    const struct sample *x = a, *y = b;
    return x->margin < y->margin ? -1 : x->margin > y->margin;
}

/* The least margin of a pair at which enough is right; false where none is. */
static bool least_margin(const struct bd_answers *a, const struct bd_governor_switch *table, double enough,
                         struct sample *samples, struct bd_confidence *result)
{
    uint64_t right = 0;
    for (uint32_t i = 0; i < a->images; i++) {
        samples[i] = (struct sample){bd_governor_margin(logits_of(a, result->low, i), a->classes),
                                     is_right(a, result->low, i), is_right(a, result->high, i)};
        right += samples[i].low;
    }
    qsort(samples, a->images, sizeof *samples, by_margin);
    for (uint32_t i = 0;; i++) {
        /* Those before i are run again: a margin between i - 1 and i, so not where the two are equal. */
        const bool possible = i == 0 || i == a->images || samples[i].margin > samples[i - 1].margin;
        if (possible && (double)right >= enough * a->images) {
            result->margin = i == 0 ? 0 : samples[i - 1].margin + 1;
            fill(a, table, right, i, result);
            return true;
        }
        if (i == a->images) {
            return false;
        }
        right += samples[i].high;
        right -= samples[i].low;
    }
}

void bd_confidence_choose(const struct bd_answers *a, const struct bd_governor_switch *table, int top, double loss,
                          struct bd_confidence *result)
{
    const double enough = bd_answers_accuracy(a, top) - loss;
    struct sample *samples = bd_xcalloc(a->images, sizeof *samples);
    bd_confidence_measure(a, table, top, top, 0, result);
    for (int low = 0; low < (int)a->switches; low++) {
        for (int high = 0; high < (int)a->switches; high++) {
            struct bd_confidence pair = {.low = low, .high = high};
            if (table[low].energy_nj < table[high].energy_nj && least_margin(a, table, enough, samples, &pair) &&
                pair.energy_nj < result->energy_nj) {
                *result = pair;
            }
        }
    }
    free(samples);
}
