/* What changes over a run: a function of the plan, the step and the number of steps alone. */
#ifndef BD_TRAIN_SCHEDULE_H
#define BD_TRAIN_SCHEDULE_H

#include "model/train/train.h"

/* Learning rate: linear warm-up, then cosine to zero (Loshchilov and Hutter, arXiv:1608.03983). */
double bd_schedule_rate(const struct bd_train_plan *plan, int64_t step, int64_t steps);
/* 0..1: how much of the teacher's weight counts. */
double bd_schedule_ramp(const struct bd_train_plan *plan, int64_t step, int64_t steps);

#endif
