#include "model/train/schedule.h"

#include <math.h>

double bd_schedule_rate(const struct bd_train_plan *plan, int64_t step, int64_t steps)
{
    double warm = plan->warm_up * steps;
    if (step < warm) {
        return plan->rate * (step + 1) / (warm + 1);
    }
    double done = (step - warm) / (steps - warm);
    return plan->rate * 0.5 * (1 + cos(M_PI * done));
}

double bd_schedule_ramp(const struct bd_train_plan *plan, int64_t step, int64_t steps)
{
    double ramp = plan->teacher_ramp > 0 ? step / (plan->teacher_ramp * steps) : 1;
    return ramp < 1 ? ramp : 1;
}
