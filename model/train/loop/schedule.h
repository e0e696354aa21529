/* What changes over a run: a function of the plan, the step and the number of steps alone. */
#ifndef BD_LOOP_SCHEDULE_H
#define BD_LOOP_SCHEDULE_H

#include "model/train/loop/train.h"

/* Learning rate: linear warm-up; then cosine to zero (Loshchilov and Hutter, arXiv:1608.03983), drops, or constant. */
double bd_schedule_rate(const struct bd_train_plan *plan, int64_t step, int64_t steps);
/* 0..1: how much of the teacher's weights counts. */
double bd_schedule_ramp(const struct bd_train_plan *plan, int64_t step, int64_t steps);

/* The first step that is not of the warm start; 0 without one. */
int64_t bd_schedule_join(const struct bd_train_plan *plan, int64_t steps);
/* The first step of the frozen teacher; `steps` without one. */
int64_t bd_schedule_freeze(const struct bd_train_plan *plan, int64_t steps);

/* The switches of plan->switches that lead a warm start. */
uint32_t bd_schedule_leaders(const struct bd_train_plan *plan);
/* The switches of plan->switches that train in this step: the leaders in a warm start, else all or the sampled ones
 * (the sandwich rule of Yu and Huang, arXiv:1903.05134: the highest, the lowest, and others at random). */
uint32_t bd_schedule_switches(const struct bd_train_plan *plan, int64_t step, int64_t steps);

#endif
