#include "model/train/train.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "model/core/memory.h"
#include "model/data/batch.h"
#include "model/train/conv.h"
#include "model/train/evaluate.h"
#include "model/train/loss.h"
#include "model/train/network.h"
#include "model/train/optimizer.h"
#include "model/train/schedule.h"
#include "model/train/state.h"

#define SHOWN_AVERAGE 0.03 /* part of a new step in the averages that are shown */

/* ---- a run ---- */

struct run {
    struct bd_checkpoint *checkpoint;
    const struct bd_graph *graph;
    struct bd_train_plan plan;
    struct bd_train_control *control;
    struct bd_net *net;
    struct bd_parameter *parameters;
    size_t parameter_count;
    struct bd_train_state state;
    int64_t step, steps, steps_per_epoch;
    struct bd_batches *batches;
    const uint16_t *labels; /* of this step's batch */
    float *logits[BD_MAX_SWITCHES], *d_logits;
    struct bd_train_event shown;
    double started;
    int64_t first_step;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static bool trains(const struct run *run, int s)
{
    return run->plan.switches >> s & 1;
}

static bool use_half(const struct bd_train_plan *plan)
{
    return plan->arithmetic == BD_ARITHMETIC_BFLOAT16 ||
           (plan->arithmetic == BD_ARITHMETIC_AUTO && bd_conv_half_is_fast());
}

/* All that decides the run's bits. */
static char *plan_text(const struct run *run)
{
    char *keys = bd_train_plan_text(&run->plan);
    char *text = bd_asprintf("%simages %u; steps %" PRId64 "; bfloat16 %d; switches %x", keys,
                             run->control->train->count, run->steps, use_half(&run->plan), run->plan.switches);
    free(keys);
    return text;
}

static bd_status open_run(struct run *run, struct bd_error *err)
{
    const struct bd_dataset *data = run->control->train;
    bd_status status = bd_check_dataset(run->graph, data, err);
    if (!status && run->control->validation) {
        status = bd_check_dataset(run->graph, run->control->validation, err);
    }
    if (status) {
        return status;
    }
    if (run->plan.arithmetic == BD_ARITHMETIC_BFLOAT16 && !bd_conv_half_is_fast()) {
        return bd_fail(err, BD_BAD_INPUT, "this processor does not multiply bfloat16: train with float32 or auto");
    }
    uint32_t all = (1u << run->graph->switch_count) - 1;
    run->plan.switches = run->plan.switches ? run->plan.switches & all : all;
    run->steps_per_epoch = data->count / run->plan.batch;
    run->steps = run->plan.steps ? run->plan.steps : run->plan.epochs * run->steps_per_epoch;
    status =
        bd_net_create(&run->net, run->checkpoint, run->plan.batch, run->plan.switches, use_half(&run->plan), true, err);
    if (status) {
        return status;
    }
    run->parameters = bd_net_parameters(run->net, &run->parameter_count);
    size_t logits = run->plan.batch * run->graph->classes;
    for (int s = 0; s < run->graph->switch_count; s++) {
        run->logits[s] = bd_xcalloc(logits, sizeof(float));
    }
    run->d_logits = bd_xcalloc(logits, sizeof(float));
    run->started = now();
    char *text = plan_text(run);
    status = bd_train_state_open(&run->state, run->checkpoint, &run->plan, text, run->parameters, run->parameter_count,
                                 &run->step, err);
    free(text);
    run->first_step = run->step;
    const struct bd_batch_plan batches = {.batch = run->plan.batch,
                                          .seed = run->plan.seed,
                                          .crop = run->plan.crop,
                                          .flip = run->plan.flip,
                                          .cutout = run->plan.cutout};
    return status ? status : bd_batches_open(&run->batches, data, &batches, run->step, err);
}

static void close_run(struct run *run)
{
    bd_batches_close(run->batches);
    bd_net_destroy(run->net);
    for (int s = 0; s < BD_MAX_SWITCHES; s++) {
        free(run->logits[s]);
    }
    free(run->d_logits);
    bd_train_state_close(&run->state);
}

/* ---- the loop ---- */

static void show_switch(struct run *run, int s, double loss_now, double accuracy_now)
{
    double part = 1.0 / (run->step - run->first_step + 1);
    part = part > SHOWN_AVERAGE ? part : SHOWN_AVERAGE;
    run->shown.loss[s] += part * (loss_now - run->shown.loss[s]);
    run->shown.accuracy[s] += part * (accuracy_now - run->shown.accuracy[s]);
}

static bd_status train_switch(struct run *run, int s, int top, int above, struct bd_error *err)
{
    const struct bd_train_plan *plan = &run->plan;
    bd_status status = bd_net_forward(run->net, s, plan->norm_momentum, run->logits[s], err);
    if (status) {
        return status;
    }
    int teacher = plan->teacher == BD_TEACHER_LABELS || s == top ? -1 : plan->teacher == BD_TEACHER_TOP ? top : above;
    struct bd_loss loss = {.batch = plan->batch,
                           .classes = run->graph->classes,
                           .labels = run->labels,
                           .label_weight = teacher < 0 ? 1 : plan->label_weight,
                           .teacher = teacher < 0 ? NULL : run->logits[teacher],
                           .teacher_weight = plan->teacher_weight * bd_schedule_ramp(plan, run->step, run->steps),
                           .temperature = plan->temperature};
    int right;
    double here = bd_loss_gradient(&loss, run->logits[s], run->d_logits, &right);
    show_switch(run, s, here, (double)right / plan->batch);
    if (!isfinite(here)) {
        return bd_fail(err, BD_FAIL, "the loss of switch '%s' is not finite at step %" PRId64,
                       run->graph->switches[s].name, run->step);
    }
    return bd_net_backward(run->net, s, run->d_logits, NULL, err);
}

static bd_status train_step(struct run *run, struct bd_error *err)
{
    const uint8_t *images;
    bd_status status = bd_batches_next(run->batches, &images, &run->labels, err);
    if (status) {
        return status;
    }
    bd_net_update_weights(run->net);
    status = bd_net_begin(run->net, images, err);
    for (int s = 0, top = -1, above = -1; s < run->graph->switch_count && !status; s++) {
        if (trains(run, s)) {
            top = top < 0 ? s : top;
            status = train_switch(run, s, top, above, err);
            above = s;
        }
    }
    status = status ? status : bd_net_finish(run->net, err);
    if (status) {
        return status;
    }
    double rate = bd_schedule_rate(&run->plan, run->step, run->steps);
    bool follow = run->step < run->plan.scale_freeze * run->steps; /* then codes move with the latents alone */
    for (size_t i = 0; i < run->parameter_count; i++) {
        const struct bd_parameter *p = &run->parameters[i];
        bd_optimizer_update(&run->plan, p, run->step, rate, run->state.first[i], run->state.second[i]);
        if (follow && p->kind == BD_PARAMETER_WEIGHT) {
            bd_optimizer_follow_scale(&run->plan, p);
        }
    }
    run->shown.rate = rate;
    return BD_OK;
}

static void tell(struct run *run, int kind)
{
    struct bd_train_event *event = &run->shown;
    double elapsed = now() - run->started;
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

static bd_status validate(struct run *run, struct bd_error *err)
{
    struct bd_train_event kept = run->shown;
    if (!run->control->validation) {
        return BD_OK;
    }
    bd_net_update_weights(run->net);
    bd_status status =
        bd_net_accuracy(run->net, run->graph, run->plan.batch, run->plan.switches, run->control->validation,
                        run->control->validate_images, run->shown.accuracy, err);
    if (!status) {
        tell(run, BD_TRAIN_VALIDATED);
    }
    run->shown = kept;
    return status;
}

static bd_status save(struct run *run, struct bd_error *err)
{
    if (!run->control->save_path) {
        return BD_OK;
    }
    bd_net_update_weights(run->net);
    bd_train_state_note(&run->state, run->step);
    bd_status status = bd_checkpoint_save(run->checkpoint, run->control->save_path, err);
    if (!status) {
        tell(run, BD_TRAIN_SAVED);
    }
    return status;
}

static bd_status loop(struct run *run, struct bd_error *err)
{
    while (run->step < run->steps) {
        if (run->control->limit_seconds > 0 && now() - run->started >= run->control->limit_seconds) {
            run->control->finished = false;
            return save(run, err);
        }
        bd_status status = train_step(run, err);
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

static bd_status finish(struct run *run, struct bd_error *err)
{
    bd_net_update_weights(run->net);
    int64_t batches = run->plan.recalibrate < run->steps_per_epoch ? run->plan.recalibrate : run->steps_per_epoch;
    if (batches) {
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
    struct run run = {.checkpoint = checkpoint, .graph = &checkpoint->graph, .plan = *plan, .control = control};
    control->finished = true;
    bd_status status = open_run(&run, err);
    status = status ? status : loop(&run, err);
    if (!status && control->finished) {
        status = finish(&run, err);
    }
    close_run(&run);
    return status;
}
