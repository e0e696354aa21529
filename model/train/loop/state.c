#include "model/train/loop/state.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/train/loop/identity.h"

#define STEP_BITS 20 /* a float holds whole numbers of 24 bits */

static void store_plan(struct bd_checkpoint *checkpoint, const char *text)
{
    json_t *metadata = json_loads(checkpoint->metadata ? checkpoint->metadata : "{}", 0, NULL);
    metadata = json_is_object(metadata) ? metadata : json_object();
    json_object_set_new(metadata, "plan", json_string(text));
    free(checkpoint->metadata);
    checkpoint->metadata = json_dumps(metadata, JSON_SORT_KEYS | JSON_COMPACT);
    json_decref(metadata);
}

/* A count that one float would not hold. */
static int64_t split_value(const float *pair)
{
    return (int64_t)pair[0] + ((int64_t)pair[1] << STEP_BITS);
}

static void split_store(float *pair, int64_t value)
{
    pair[0] = value & ((1 << STEP_BITS) - 1);
    pair[1] = value >> STEP_BITS;
}

static float *moment(struct bd_checkpoint *checkpoint, const char *kind, const struct bd_parameter *p)
{
    struct bd_array *array = bd_checkpoint_find(checkpoint, "train/%s/%s", kind, p->name);
    const int64_t count = p->count;
    if (!array || array->count != count) {
        array = bd_checkpoint_put(checkpoint, 1, &count, "train/%s/%s", kind, p->name);
    }
    return array->data;
}

bd_status bd_train_state_open(struct bd_train_state *state, struct bd_checkpoint *checkpoint,
                              const struct bd_train_plan *plan, const char *plan_text,
                              const struct bd_parameter *parameters, size_t count, int64_t *step, struct bd_error *err)
{
    const int64_t two = 2, updates = 2 * checkpoint->graph.switch_count;
    struct bd_array *at = bd_checkpoint_find(checkpoint, "train/step");
    *step = 0;
    if (at) {
        bd_status status = bd_train_check_identity(checkpoint, plan_text, err);
        if (status) {
            return status;
        }
        if (at->count != two) {
            return bd_fail(err, BD_BAD_INPUT, "array 'train/step' has the wrong shape");
        }
        *step = split_value(at->data);
    } else {
        bd_checkpoint_drop(checkpoint, "train/");
        at = bd_checkpoint_put(checkpoint, 1, &two, "train/step");
        store_plan(checkpoint, plan_text);
    }
    state->step = at->data;
    at = bd_checkpoint_find(checkpoint, "train/updates");
    at = at && at->count == updates ? at : bd_checkpoint_put(checkpoint, 1, &updates, "train/updates");
    state->updates = at->data;
    state->count = count;
    state->first = bd_xcalloc(count, sizeof *state->first);
    state->second = bd_xcalloc(count, sizeof *state->second);
    for (size_t i = 0; i < count; i++) {
        state->first[i] = moment(checkpoint, "moment1", &parameters[i]);
        if (plan->optimizer == BD_OPTIMIZER_ADAM) {
            state->second[i] = moment(checkpoint, "moment2", &parameters[i]);
        }
    }
    return BD_OK;
}

void bd_train_state_note(struct bd_train_state *state, int64_t step)
{
    split_store(state->step, step);
}

int64_t bd_train_state_updates(const struct bd_train_state *state, const struct bd_parameter *parameter, int64_t step)
{
    return parameter->switch_index < 0 ? step : split_value(state->updates + 2 * parameter->switch_index);
}

void bd_train_state_count(struct bd_train_state *state, int switch_index)
{
    float *pair = state->updates + 2 * switch_index;
    split_store(pair, split_value(pair) + 1);
}

void bd_train_state_close(struct bd_train_state *state)
{
    free(state->first);
    free(state->second);
    *state = (struct bd_train_state){0};
}
