#include "model/train/loop/schedule.h"

#include <math.h>

#include "model/core/rng.h"

#define SANDWICH_STREAM 0x73616e64 /* apart from the generators of order and augmentation */

double bd_schedule_rate(const struct bd_train_plan *plan, int64_t step, int64_t steps)
{
    double warm = plan->warm_up * steps;
    if (step < warm) {
        return plan->rate * (step + 1) / (warm + 1);
    }
    switch (plan->schedule) {
    case BD_SCHEDULE_STEP:
        return plan->rate * pow(plan->drop_factor, floor(step / (plan->drop_every * steps)));
    case BD_SCHEDULE_CONSTANT:
        return plan->rate;
    default:
        return plan->rate * 0.5 * (1 + cos(M_PI * (step - warm) / (steps - warm)));
    }
}

double bd_schedule_ramp(const struct bd_train_plan *plan, int64_t step, int64_t steps)
{
    double ramp = plan->teacher_ramp > 0 ? step / (plan->teacher_ramp * steps) : 1;
    return ramp < 1 ? ramp : 1;
}

int64_t bd_schedule_join(const struct bd_train_plan *plan, int64_t steps)
{
    return ceil(plan->warm_start * steps);
}

int64_t bd_schedule_freeze(const struct bd_train_plan *plan, int64_t steps)
{
    return steps - (int64_t)floor(plan->frozen * steps);
}

uint32_t bd_schedule_leaders(const struct bd_train_plan *plan)
{
    uint32_t leaders = 0;
    int64_t wanted = plan->leaders;
    for (int s = 0; s < BD_MAX_SWITCHES && wanted > 0; s++) {
        if (plan->switches >> s & 1) {
            leaders |= 1u << s;
            wanted--;
        }
    }
    return leaders;
}

uint32_t bd_schedule_switches(const struct bd_train_plan *plan, int64_t step, int64_t steps)
{
    uint32_t middle[BD_MAX_SWITCHES], count = 0;
    int high = -1, low = -1;
    if (step < bd_schedule_join(plan, steps)) {
        return bd_schedule_leaders(plan);
    }
    for (int s = 0; s < BD_MAX_SWITCHES; s++) {
        if (plan->switches >> s & 1) {
            high = high < 0 ? s : high;
            low = s;
        }
    }
    for (int s = high + 1; s < low; s++) {
        if (plan->switches >> s & 1) {
            middle[count++] = s;
        }
    }
    if (plan->sampled == 0 || plan->sampled >= count + 2) {
        return plan->switches;
    }
    struct bd_rng rng;
    uint32_t chosen = 1u << high;
    if (plan->sampled > 1) {
        chosen |= 1u << low;
    }
    bd_rng_seed(&rng, (uint64_t)plan->seed << 32 ^ SANDWICH_STREAM ^ (uint64_t)step * 0x9e3779b97f4a7c15u);
    bd_rng_shuffle(&rng, middle, count);
    for (int i = 0; i + 2 < plan->sampled; i++) {
        chosen |= 1u << middle[i];
    }
    return chosen;
}
