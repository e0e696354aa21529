/* Inside of train.h: a run, as its parts (train.c: the loop; step.c: one step) share it. */
#ifndef BD_LOOP_RUN_H
#define BD_LOOP_RUN_H

#include "model/data/batch.h"
#include "model/train/loop/state.h"
#include "model/train/loop/targets.h"
#include "model/train/loop/train.h"
#include "model/train/network/measure.h"
#include "model/train/network/network.h"

struct bd_run_phases { /* seconds of this thread's processor time, summed over steps */
    double data, loss, optimizer;
};

struct bd_run {
    struct bd_checkpoint *checkpoint;
    const struct bd_graph *graph;
    struct bd_train_plan plan;
    struct bd_train_control *control;
    bool half;
    struct bd_net *net;
    struct bd_parameter *parameters;
    size_t parameter_count;
    struct bd_train_state state;
    int64_t rows; /* images of a step on this rank */
    int64_t step, steps, steps_per_epoch, first_step;
    int64_t saved;    /* the step of the last checkpoint of this run; 0: none yet */
    int top;          /* the highest switch that trains */
    int pooled_count; /* channels of the pooled map */
    struct bd_batches *batches;
    const uint8_t *images; /* of this step's batch */
    const uint16_t *labels;
    float *logits[BD_MAX_SWITCHES], *pooled[BD_MAX_SWITCHES], *d_logits, *d_pooled;
    struct bd_targets targets; /* open where a network that stands still teaches */
    struct bd_gradient_meter meter;
    struct bd_occupancy occupancy;
    struct bd_train_event shown;
    double started;
    struct bd_run_phases phases;
};

bd_status bd_run_open(struct bd_run *run, struct bd_error *err) BD_WARN_UNUSED;
void bd_run_close(struct bd_run *run); /* also after a failed open */

/* Batch, every switch of the step forward and backward, one update. */
bd_status bd_run_step(struct bd_run *run, struct bd_error *err) BD_WARN_UNUSED;

#endif
