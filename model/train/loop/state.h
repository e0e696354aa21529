/* What a run keeps beside the weights, inside the checkpoint under "train/", so that saving it saves the state: the
 * step, the optimiser's moments and how often each switch was updated. The plan stands in the metadata, and a resumed
 * run must have the same. */
#ifndef BD_LOOP_STATE_H
#define BD_LOOP_STATE_H

#include "model/train/loop/train.h"
#include "model/train/network/network.h"

struct bd_train_state {
    size_t count;            /* parameters */
    float **first, **second; /* moments by parameter, in the checkpoint; second: Adam's alone */
    float *step;             /* "train/step": low 20 bits, the rest */
    float *updates;          /* "train/updates": the same for each switch; updates of its private parameters */
};

/* Finds or makes the state. *step: where the run stands, 0 for a start. `plan_text`: all that decides the run's bits,
 * as words "key value ..."; BD_BAD_INPUT when the checkpoint was started under another. */
bd_status bd_train_state_open(struct bd_train_state *state, struct bd_checkpoint *checkpoint,
                              const struct bd_train_plan *plan, const char *plan_text,
                              const struct bd_parameter *parameters, size_t count, int64_t *step, struct bd_error *err)
    BD_WARN_UNUSED;
/* Notes the step in the checkpoint, before it is saved. */
void bd_train_state_note(struct bd_train_state *state, int64_t step);
/* How often the parameter was updated, and one more. Shared ones are updated at every step. */
int64_t bd_train_state_updates(const struct bd_train_state *state, const struct bd_parameter *parameter, int64_t step);
void bd_train_state_count(struct bd_train_state *state, int switch_index);
void bd_train_state_close(struct bd_train_state *state);

#endif
