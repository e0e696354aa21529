/* Hot loops; without contraction to fused multiply-adds (the C11 default here) all clones give the same bits. */
#pragma GCC optimize("O3", "no-math-errno")

#include "model/train/loop/optimizer.h"

#include <math.h>

#include "model/quant/quant.h"

#define CLONES __attribute__((target_clones("avx2", "default")))
#define ADAM_EPS 1e-8f

/* What one update does to every entry. `shrink`: what decoupled decay leaves of a value. */
struct update {
    float rate, decay, shrink, low, high;
    float momentum, rest1, beta2, rest2, correct1, correct2; /* the last two: 1 / (1 - beta^updates) */
};

CLONES static void update_adam(const struct update *u, size_t count, const float *restrict gradient,
                               float *restrict value, float *restrict m, float *restrict v)
{
    struct update k = *u;
    for (size_t i = 0; i < count; i++) {
        float g = gradient[i] + k.decay * value[i];
        m[i] = k.momentum * m[i] + k.rest1 * g;
        v[i] = k.beta2 * v[i] + k.rest2 * (g * g);
        float next = k.shrink * value[i] - k.rate * (m[i] * k.correct1) / (sqrtf(v[i] * k.correct2) + ADAM_EPS);
        next = next < k.low ? k.low : next;
        value[i] = next > k.high ? k.high : next;
    }
}

CLONES static void update_sgd(const struct update *u, size_t count, const float *restrict gradient,
                              float *restrict value, float *restrict m)
{
    struct update k = *u;
    for (size_t i = 0; i < count; i++) {
        float g = gradient[i] + k.decay * value[i];
        m[i] = k.momentum * m[i] + g;
        float next = k.shrink * value[i] - k.rate * m[i];
        next = next < k.low ? k.low : next;
        value[i] = next > k.high ? k.high : next;
    }
}

static double decay_of(const struct bd_train_plan *plan, enum bd_parameter_kind kind)
{
    switch (kind) {
    case BD_PARAMETER_WEIGHT:
        return plan->weight_decay;
    case BD_PARAMETER_ALPHA:
        return plan->level_decay;
    case BD_PARAMETER_STEP:
        return 0;
    default:
        return plan->norm_decay;
    }
}

void bd_optimizer_update(const struct bd_train_plan *plan, const struct bd_parameter *p, int64_t updates, double rate,
                         float *m, float *v)
{
    double decay = decay_of(plan, p->kind);
    struct update u = {.rate = rate,
                       .decay = plan->decoupled ? 0 : decay,
                       .shrink = plan->decoupled ? 1 - rate * decay : 1,
                       .low = -INFINITY,
                       .high = INFINITY,
                       .momentum = plan->momentum,
                       .rest1 = 1 - plan->momentum,
                       .beta2 = plan->beta2,
                       .rest2 = 1 - plan->beta2,
                       .correct1 = 1 / (1 - pow(plan->momentum, updates + 1)),
                       .correct2 = 1 / (1 - pow(plan->beta2, updates + 1))};
    if (p->kind == BD_PARAMETER_STEP) {
        u.rate *= plan->optimizer == BD_OPTIMIZER_ADAM ? *p->value : 1;
        u.low = BD_SMALLEST_STEP;
    } else if (p->limit) {
        u.low = -*p->limit;
        u.high = *p->limit;
    } else if (p->kind == BD_PARAMETER_ALPHA) {
        u.low = BD_SMALLEST_ALPHA;
    }
    if (plan->optimizer == BD_OPTIMIZER_ADAM) {
        update_adam(&u, p->count, p->gradient, p->value, m, v);
    } else {
        update_sgd(&u, p->count, p->gradient, p->value, m);
    }
}

void bd_optimizer_follow_scale(const struct bd_train_plan *plan, const struct bd_parameter *weight)
{
    float *s = (float *)weight->limit; /* in the checkpoint, as the values are */
    *s += plan->scale_momentum * (plan->scale_factor * bd_mean_magnitude(weight->value, weight->count) - *s);
    *s = *s > BD_SMALLEST_SCALE ? *s : BD_SMALLEST_SCALE;
}
