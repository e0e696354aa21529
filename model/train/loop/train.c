#include "model/train/loop/train.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/clock.h"
#include "model/core/memory.h"
#include "model/kernels/conv.h"
#include "model/train/loop/identity.h"
#include "model/train/loop/run.h"
#include "model/train/network/accuracy.h"

bool bd_train_uses_bfloat16(const struct bd_train_plan *plan)
{
    return plan->arithmetic == BD_ARITHMETIC_BFLOAT16 ||
           (plan->arithmetic == BD_ARITHMETIC_AUTO && bd_conv_half_is_fast());
}

/* What the plan asks for that this machine or these data do not have. */
static bd_status check_run(const struct bd_run *run, struct bd_error *err)
{
    const struct bd_train_control *control = run->control;
    bd_status status = bd_check_dataset(run->graph, control->train, err);
    if (!status && control->validation) {
        status = bd_check_dataset(run->graph, control->validation, err);
    }
    if (!status && run->plan.arithmetic == BD_ARITHMETIC_BFLOAT16 && !bd_conv_half_is_fast()) {
        status = bd_fail(err, BD_BAD_INPUT, "this processor does not multiply bfloat16: train with float32 or auto");
    }
    if (!status && control->reducer && run->plan.batch % control->reducer->ranks) {
        status = bd_fail(err, BD_BAD_INPUT, "a batch of %" PRId64 " does not divide among %d ranks", run->plan.batch,
                         control->reducer->ranks);
    }
    if (!status && control->reducer && control->reducer->ranks > 1 && run->plan.balance == BD_BALANCE_NORM) {
        status = bd_fail(err, BD_BAD_INPUT, "'balance: norm' needs the whole gradient of a switch: train on one rank");
    }
    if (!status && run->plan.teacher == BD_TEACHER_NETWORK && !control->teacher) {
        status = bd_fail(err, BD_BAD_INPUT, "the teacher is a finished network, but none is given");
    }
    return status;
}

static void open_rooms(struct bd_run *run)
{
    const struct bd_graph *graph = run->graph;
    size_t batch = run->rows;
    for (int i = 0; i < graph->layer_count; i++) {
        run->pooled_count = graph->layers[i].kind == BD_LAYER_POOL ? graph->layers[i].in_channels : run->pooled_count;
    }
    for (int s = 0; s < graph->switch_count; s++) {
        run->logits[s] = bd_xcalloc(batch * graph->classes, sizeof(float));
        run->pooled[s] = bd_xcalloc(batch * run->pooled_count, sizeof(float));
    }
    run->d_logits = bd_xcalloc(batch * graph->classes, sizeof(float));
    run->d_pooled = bd_xcalloc(batch * run->pooled_count, sizeof(float));
    bd_meter_open(&run->meter, run->parameters, run->parameter_count);
    bd_occupancy_open(&run->occupancy, graph);
    run->shown.occupancy = &run->occupancy;
}

bd_status bd_run_open(struct bd_run *run, struct bd_error *err)
{
    const struct bd_train_control *control = run->control;
    struct bd_train_plan *plan = &run->plan;
    bd_status status = check_run(run, err);
    if (status) {
        return status;
    }
    uint32_t all = (1u << run->graph->switch_count) - 1;
    plan->switches = plan->switches ? plan->switches & all : all;
    run->top = __builtin_ctz(plan->switches);
    run->steps_per_epoch = control->train->count / plan->batch;
    run->steps = plan->steps ? plan->steps : plan->epochs * run->steps_per_epoch;
    run->half = bd_train_uses_bfloat16(plan);
    run->rows = plan->batch / (control->reducer ? control->reducer->ranks : 1);
    status = bd_net_create(&run->net, run->checkpoint, run->rows, plan->switches, run->half, true, err);
    if (status) {
        return status;
    }
    if (plan->sign_gradient != BD_PLAN_SIGN_NETWORK) {
        bd_net_set_sign_gradient(run->net, plan->sign_gradient == BD_PLAN_SIGN_CLIP ? BD_SIGN_CLIP : BD_SIGN_BIREAL);
    }
    bd_net_set_reducer(run->net, control->reducer);
    run->parameters = bd_net_parameters(run->net, &run->parameter_count);
    open_rooms(run);
    char *text = bd_train_identity(run->checkpoint, plan, control);
    status = bd_train_state_open(&run->state, run->checkpoint, plan, text, run->parameters, run->parameter_count,
                                 &run->step, err);
    free(text);
    run->first_step = run->step;
    if (!status && plan->teacher == BD_TEACHER_NETWORK) {
        status = bd_targets_open(&run->targets, control->teacher, control->teacher_switch, run->graph,
                                 plan->pooled_weight > 0, run->rows, run->half, err);
    }
    const struct bd_batch_plan batches = {.batch = plan->batch,
                                          .seed = plan->seed,
                                          .crop = plan->crop,
                                          .flip = plan->flip,
                                          .cutout = plan->cutout,
                                          .first_row = control->rank * run->rows,
                                          .rows = control->reducer ? run->rows : 0};
    status = status ? status : bd_batches_open(&run->batches, control->train, &batches, run->step, err);
    run->started = bd_seconds(CLOCK_MONOTONIC);
    return status;
}

void bd_run_close(struct bd_run *run)
{
    bd_batches_close(run->batches);
    bd_targets_close(&run->targets);
    bd_meter_close(&run->meter);
    bd_occupancy_close(&run->occupancy);
    bd_train_state_close(&run->state);
    bd_net_destroy(run->net);
    for (int s = 0; s < BD_MAX_SWITCHES; s++) {
        free(run->logits[s]);
        free(run->pooled[s]);
    }
    free(run->d_logits);
    free(run->d_pooled);
}

/* ---- the loop ---- */

static void tell(struct bd_run *run, int kind)
{
    struct bd_train_event *event = &run->shown;
    double elapsed = bd_seconds(CLOCK_MONOTONIC) - run->started;
    int64_t done = run->step - run->first_step;
    event->kind = kind;
    event->step = run->step;
    event->steps = run->steps;
    event->epoch = run->step / run->steps_per_epoch;
    event->switches = run->plan.switches;
    event->images_per_second = elapsed > 0 ? done * run->plan.batch / elapsed : 0;
    event->seconds_left = done ? elapsed / done * (run->steps - run->step) : 0;
    if (run->control->watch) {
        run->control->watch(run->control->context, event);
    }
}

/* Levels of every switch, over the validation images that fill one batch. */
static bd_status count_levels(struct bd_run *run, struct bd_error *err)
{
    const struct bd_dataset *images = run->control->validation;
    if (images->count < run->rows) {
        return BD_OK;
    }
    uint8_t *room = bd_xcalloc(run->rows, (size_t)images->height * images->width * images->channels);
    bd_status status = bd_dataset_read(images, 0, run->rows, room, err);
    status = status ? status : bd_net_begin(run->net, room, err);
    for (int s = 0; s < run->graph->switch_count && !status; s++) {
        if (run->plan.switches >> s & 1) {
            status = bd_net_forward(run->net, s, BD_NET_EVALUATE, run->logits[s], err);
            bd_occupancy_take(&run->occupancy, run->net, s);
            run->shown.histogram[s] = bd_histogram_sum(&run->occupancy, s);
        }
    }
    free(room);
    return status;
}

static bd_status validate(struct bd_run *run, struct bd_error *err)
{
    struct bd_train_event kept = run->shown;
    if (!run->control->validation || run->control->rank) {
        return BD_OK;
    }
    bd_net_set_reducer(run->net, NULL); /* the other ranks go on to the next step and wait there */
    bd_net_update_weights(run->net);
    bd_status status = bd_net_accuracy(run->net, run->graph, run->rows, run->plan.switches, run->control->validation,
                                       run->control->validate_images, run->shown.accuracy, err);
    status = status ? status : count_levels(run, err);
    bd_net_set_reducer(run->net, run->control->reducer);
    if (!status) {
        tell(run, BD_TRAIN_VALIDATED);
    }
    run->shown = kept; /* the moving averages go on */
    return status;
}

static bd_status save(struct bd_run *run, struct bd_error *err)
{
    if (!run->control->save_path || run->control->rank) {
        return BD_OK;
    }
    bd_net_update_weights(run->net);
    bd_train_state_note(&run->state, run->step);
    bd_status status = bd_checkpoint_save(run->checkpoint, run->control->save_path, err);
    if (!status) {
        run->saved = run->step;
        tell(run, BD_TRAIN_SAVED);
    }
    return status;
}

/* Whether the time is over; of several ranks, when it is for one of them. */
static bd_status check_limit(const struct bd_run *run, bool *over, struct bd_error *err)
{
    const struct bd_train_control *control = run->control;
    double late = control->limit_seconds > 0 && bd_seconds(CLOCK_MONOTONIC) - run->started >= control->limit_seconds;
    bd_status status = BD_OK;
    if (control->reducer && control->limit_seconds > 0) {
        status = control->reducer->sum_doubles(control->reducer->context, &late, 1, err);
    }
    *over = late > 0;
    return status;
}

/* Quantizers and clipping may hide a weight that is no number from the loss: the arrays themselves are asked, every
 * step, before one of them is saved. */
static bd_status check_finite(const struct bd_run *run, struct bd_error *err)
{
    int64_t at;
    const struct bd_array *bad = bd_checkpoint_not_finite(run->checkpoint, &at);
    if (!bad) {
        return BD_OK;
    }
    char *kept = run->saved ? bd_asprintf("; '%s' keeps step %" PRId64, run->control->save_path, run->saved)
                            : bd_xstrdup("; nothing was saved in this run");
    bd_fail(err, BD_FAIL, "training diverged: after step %" PRId64 " array '%s' holds %g at index %" PRId64 "%s",
            run->step + 1, bad->name, (double)bad->data[at], at, run->control->save_path ? kept : "");
    free(kept);
    return err->status;
}

static bd_status loop(struct bd_run *run, struct bd_error *err)
{
    while (run->step < run->steps) {
        bool over;
        bd_status status = check_limit(run, &over, err);
        if (!status && over) {
            run->control->finished = false;
            return save(run, err);
        }
        status = status ? status : bd_run_step(run, err);
        status = status ? status : check_finite(run, err);
        if (status) {
            return status;
        }
        run->step++;
        tell(run, BD_TRAIN_STEP);
        bool last = run->step == run->steps;
        if (!last && run->control->save_every && run->step % run->control->save_every == 0) {
            status = save(run, err);
        }
        if (!status && !last && run->step % run->steps_per_epoch == 0) {
            status = validate(run, err);
        }
        if (status) {
            return status;
        }
    }
    return BD_OK;
}

static bd_status finish(struct bd_run *run, struct bd_error *err)
{
    bd_net_update_weights(run->net);
    int64_t batches = run->plan.recalibrate < run->steps_per_epoch ? run->plan.recalibrate : run->steps_per_epoch;
    if (batches && !run->control->rank) {
        bd_status status = bd_train_recalibrate(run->checkpoint, run->control->train, run->plan.switches,
                                                run->plan.batch, batches, err);
        if (status) {
            return status;
        }
        tell(run, BD_TRAIN_RECALIBRATED);
    }
    bd_status status = validate(run, err);
    bd_checkpoint_drop(run->checkpoint, "train/");
    return status;
}

bd_status bd_train_run(struct bd_checkpoint *checkpoint, const struct bd_train_plan *plan,
                       struct bd_train_control *control, struct bd_error *err)
{
    struct bd_run run = {.checkpoint = checkpoint, .graph = &checkpoint->graph, .plan = *plan, .control = control};
    control->finished = true;
    bd_status status = bd_run_open(&run, err);
    status = status ? status : loop(&run, err);
    if (!status && control->finished) {
        status = finish(&run, err);
    }
    bd_run_close(&run);
    return status;
}
