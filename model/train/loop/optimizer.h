/* One update of a parameter by SGD with momentum or by Adam (Kingma and Ba, arXiv:1412.6980), the bounds that latents
 * and clip levels keep, and the slow range s of the weights. */
#ifndef BD_LOOP_OPTIMIZER_H
#define BD_LOOP_OPTIMIZER_H

#include "model/train/loop/train.h"
#include "model/train/network/network.h"

#define BD_SMALLEST_ALPHA 0.05f
#define BD_SMALLEST_SCALE 1e-4f
#define BD_SMALLEST_STEP 1e-6f

/* `updates`: how many updates of this parameter were made before (the bias correction of Adam). The moments have the
 * parameter's shape and start at zero; `second` is Adam's alone. Latents of centred floor stay in +-s. Adam moves
 * every number by about the rate, whatever its gradient: too much for an LSQ step, which it moves by that part of
 * itself. */
void bd_optimizer_update(const struct bd_train_plan *plan, const struct bd_parameter *parameter, int64_t updates,
                         double rate, float *first, float *second);

/* s of a weight of centred floor follows scale_factor mean|w|. */
void bd_optimizer_follow_scale(const struct bd_train_plan *plan, const struct bd_parameter *weight);

#endif
