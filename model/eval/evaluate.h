/* The float forward of a checkpoint in evaluation mode: running statistics, codes as checkpoint.h defines them. */
#ifndef BD_EVAL_EVALUATE_H
#define BD_EVAL_EVALUATE_H

#include <stddef.h>
#include <stdint.h>

#include "model/checkpoint/checkpoint.h"
#include "model/core/error.h"
#include "model/data/dataset.h"

/* Images first .. first + count - 1 of the data set at one switch. logits (count, classes) and predictions (count)
 * may be NULL; equal logits go to the lowest class. Operands are float32, so results do not depend on the processor's
 * bfloat16. */
bd_status bd_float_eval(const struct bd_checkpoint *checkpoint, int switch_index, const struct bd_dataset *dataset,
                        size_t first, size_t count, float *logits, uint16_t *predictions, struct bd_error *err)
    BD_WARN_UNUSED;

/* Part of the first `count` images (0: all) that each switch of the mask (0: all) classifies rightly, by switch index:
 * accuracy[BD_MAX_SWITCHES], 0 where the switch was not asked for. */
bd_status bd_float_accuracy(const struct bd_checkpoint *checkpoint, uint32_t switches, const struct bd_dataset *dataset,
                            size_t count, double *accuracy, struct bd_error *err) BD_WARN_UNUSED;

#endif
