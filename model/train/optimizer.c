#include "model/train/optimizer.h"

#include <math.h>

#include "model/quant/quant.h"

#define ADAM_EPS 1e-8

void bd_optimizer_update(const struct bd_train_plan *plan, const struct bd_parameter *p, int64_t updates, double rate,
                         float *m, float *v)
{
    double correct1 = 1 - pow(plan->momentum, updates + 1), correct2 = 1 - pow(plan->beta2, updates + 1);
    double decay = p->kind == BD_PARAMETER_ALPHA ? plan->level_decay : 0;
    for (size_t i = 0; i < p->count; i++) {
        double g = p->gradient[i] + decay * p->value[i], change;
        if (plan->optimizer == BD_OPTIMIZER_ADAM) {
            m[i] = plan->momentum * m[i] + (1 - plan->momentum) * g;
            v[i] = plan->beta2 * v[i] + (1 - plan->beta2) * g * g;
            change = m[i] / correct1 / (sqrt(v[i] / correct2) + ADAM_EPS);
        } else {
            m[i] = plan->momentum * m[i] + g;
            change = m[i];
        }
        float value = p->value[i] - rate * change;
        if (p->kind == BD_PARAMETER_WEIGHT) {
            float s = *p->limit;
            value = value < -s ? -s : value > s ? s : value;
        } else if (p->kind == BD_PARAMETER_ALPHA) {
            value = value < BD_SMALLEST_ALPHA ? BD_SMALLEST_ALPHA : value;
        }
        p->value[i] = value;
    }
}

void bd_optimizer_follow_scale(const struct bd_train_plan *plan, const struct bd_parameter *weight)
{
    float *s = (float *)weight->limit; /* in the checkpoint, as the values are */
    *s += plan->scale_momentum * (plan->scale_factor * bd_mean_magnitude(weight->value, weight->count) - *s);
    *s = *s > BD_SMALLEST_SCALE ? *s : BD_SMALLEST_SCALE;
}
