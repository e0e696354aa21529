/* One step of a run. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "model/core/clock.h"
#include "model/train/loop/loss.h"
#include "model/train/loop/optimizer.h"
#include "model/train/loop/run.h"
#include "model/train/loop/schedule.h"

#define SHOWN_AVERAGE 0.03 /* part of a new step in the averages that are shown */

static void show_switch(struct bd_run *run, int s, double loss_now, double accuracy_now)
{
    double part = 1.0 / (run->step - run->first_step + 1);
    part = part > SHOWN_AVERAGE ? part : SHOWN_AVERAGE;
    run->shown.loss[s] += part * (loss_now - run->shown.loss[s]);
    run->shown.accuracy[s] += part * (accuracy_now - run->shown.accuracy[s]);
}

/* ---- the switches that join after a warm start ---- */

static void copy_array(struct bd_checkpoint *checkpoint, const char *owner, const char *suffix, const char *from,
                       const char *to)
{
    const struct bd_array *source = bd_checkpoint_find(checkpoint, "%s.%s.%s", owner, from, suffix);
    struct bd_array *copy = bd_checkpoint_find(checkpoint, "%s.%s.%s", owner, to, suffix);
    if (source && copy && source->count == copy->count) {
        memcpy(copy->data, source->data, copy->count * sizeof *copy->data);
    }
}

/* Batch norm and clip levels of the lowest leader, and LSQ steps anew, go to every switch that did not lead. */
static void join_switches(struct bd_run *run)
{
    static const char *const norms[] = {"gamma", "beta", "mean", "var"};
    const struct bd_graph *graph = run->graph;
    uint32_t leaders = bd_schedule_leaders(&run->plan);
    int from = 0;
    for (int s = 0; s < graph->switch_count; s++) {
        from = leaders >> s & 1 ? s : from;
    }
    for (int s = 0; s < graph->switch_count; s++) {
        if (!(run->plan.switches >> s & 1) || leaders >> s & 1) {
            continue;
        }
        for (int l = 0; l < graph->layer_count; l++) {
            for (size_t k = 0; k < sizeof norms / sizeof *norms; k++) {
                copy_array(run->checkpoint, graph->layers[l].name, norms[k], graph->switches[from].name,
                           graph->switches[s].name);
            }
        }
        bd_train_join_levels(run->checkpoint, from, s);
    }
}

/* ---- teachers ---- */

struct teacher {
    const float *logits, *pooled; /* logits NULL: labels alone */
};

/* `above`: the next-higher switch of this step, or -1. */
static struct teacher teacher_of(const struct bd_run *run, int s, int above)
{
    int from = -1;
    bool frozen = run->step >= bd_schedule_freeze(&run->plan, run->steps);
    if (run->plan.teacher == BD_TEACHER_NETWORK || (frozen && s != run->top)) {
        return (struct teacher){run->targets.logits, bd_net_pooled(run->targets.net)};
    }
    if (run->plan.teacher == BD_TEACHER_TOP && s != run->top) {
        from = run->top;
    } else if (run->plan.teacher == BD_TEACHER_NEXT) {
        from = above;
    }
    struct teacher teacher = {0};
    if (from >= 0) {
        teacher = (struct teacher){run->logits[from], run->pooled[from]};
    }
    return teacher;
}

/* The targets of networks that stand still, for this step's batch. */
static bd_status take_targets(struct bd_run *run, struct bd_error *err)
{
    int64_t freeze = bd_schedule_freeze(&run->plan, run->steps);
    bool frozen = run->plan.teacher != BD_TEACHER_NETWORK && run->step >= freeze;
    bd_status status = BD_OK;
    if (frozen && !run->targets.net) {
        if (run->step == freeze) {
            bd_targets_freeze(run->checkpoint);
        }
        status = bd_targets_open_frozen(&run->targets, run->checkpoint, run->top, run->rows, run->half, err);
    }
    return status || !run->targets.net ? status : bd_targets_take(&run->targets, run->images, err);
}

/* ---- a step ---- */

static bd_status train_switch(struct bd_run *run, int s, int above, struct bd_error *err)
{
    const struct bd_train_plan *plan = &run->plan;
    bd_status status = bd_net_forward(run->net, s, plan->norm_momentum, run->logits[s], err);
    if (status) {
        return status;
    }
    struct teacher teacher = teacher_of(run, s, above);
    double ramp = bd_schedule_ramp(plan, run->step, run->steps);
    struct bd_loss loss = {.batch = run->rows,
                           .total = plan->batch,
                           .classes = run->graph->classes,
                           .labels = run->labels,
                           .label_weight = teacher.logits ? plan->label_weight : 1,
                           .teacher = teacher.logits,
                           .teacher_weight = plan->teacher_weight * ramp,
                           .temperature = plan->temperature};
    int right;
    double sums[2], from = bd_seconds(CLOCK_THREAD_CPUTIME_ID);
    sums[0] = bd_loss_gradient(&loss, run->logits[s], run->d_logits, &right);
    sums[1] = right;
    run->phases.loss += bd_seconds(CLOCK_THREAD_CPUTIME_ID) - from;
    if (run->control->reducer) {
        status = run->control->reducer->sum_doubles(run->control->reducer->context, sums, 2, err);
        if (status) {
            return status;
        }
    }
    show_switch(run, s, sums[0] / plan->batch, sums[1] / plan->batch);
    if (!isfinite(sums[0])) {
        return bd_fail(err, BD_FAIL, "the loss of switch '%s' is not finite at step %" PRId64,
                       run->graph->switches[s].name, run->step);
    }
    bool compares = plan->pooled_weight > 0;
    if (compares) {
        memcpy(run->pooled[s], bd_net_pooled(run->net), run->rows * run->pooled_count * sizeof(float));
    }
    compares = compares && teacher.logits;
    if (compares) {
        bd_loss_pooled_gradient(run->pooled[s], teacher.pooled, run->rows, plan->batch, run->pooled_count,
                                plan->pooled_weight * ramp, run->d_pooled);
    }
    return bd_net_backward(run->net, s, run->d_logits, compares ? run->d_pooled : NULL, err);
}

static void update_parameters(struct bd_run *run, uint32_t switches)
{
    double rate = bd_schedule_rate(&run->plan, run->step, run->steps);
    bool follow = run->step < run->plan.scale_freeze * run->steps; /* then codes move with the latents alone */
#pragma omp parallel for schedule(dynamic, 1)
    for (size_t i = 0; i < run->parameter_count; i++) {
        const struct bd_parameter *p = &run->parameters[i];
        if (p->switch_index >= 0 && !(switches >> p->switch_index & 1)) {
            continue; /* did not run: neither momentum nor decay moves it */
        }
        bd_optimizer_update(&run->plan, p, bd_train_state_updates(&run->state, p, run->step), rate, run->state.first[i],
                            run->state.second[i]);
        if (follow && p->limit) {
            bd_optimizer_follow_scale(&run->plan, p);
        }
    }
    for (int s = 0; s < run->graph->switch_count; s++) {
        if (switches >> s & 1) {
            bd_train_state_count(&run->state, s);
        }
    }
    run->shown.rate = rate;
}

bd_status bd_run_step(struct bd_run *run, struct bd_error *err)
{
    int64_t every = run->control->measure_every;
    bool measured = every && (run->step + 1) % every == 0 && !run->control->reducer; /* parts are not summed */
    const bool balanced = run->plan.balance == BD_BALANCE_NORM;
    uint32_t switches = bd_schedule_switches(&run->plan, run->step, run->steps);
    if (run->step && run->step == bd_schedule_join(&run->plan, run->steps)) {
        join_switches(run);
    }
    double from = bd_seconds(CLOCK_THREAD_CPUTIME_ID);
    bd_status status = bd_batches_next(run->batches, &run->images, &run->labels, err);
    run->phases.data += bd_seconds(CLOCK_THREAD_CPUTIME_ID) - from;
    if (!status) {
        bd_net_update_weights(run->net);
        status = take_targets(run, err);
    }
    status = status ? status : bd_net_begin(run->net, run->images, err);
    if (measured || balanced) {
        bd_meter_clear(&run->meter);
    }
    for (int s = 0, above = -1; s < run->graph->switch_count && !status; s++) {
        if (switches >> s & 1) {
            status = train_switch(run, s, above, err);
            above = s;
            if (measured || balanced) {
                bd_meter_take(&run->meter, run->parameters, run->parameter_count, s);
            }
            if (balanced) {
                bd_meter_balance(&run->meter, run->parameters, run->parameter_count, s, run->top);
            }
            if (measured) {
                bd_occupancy_take(&run->occupancy, run->net, s);
            }
        }
    }
    status = status ? status : bd_net_finish(run->net, err);
    if (status) {
        return status;
    }
    run->shown.measured = measured ? switches : 0;
    if (measured) {
        bd_meter_read(&run->meter, run->parameters, run->parameter_count, run->shown.gradient_norm,
                      run->shown.gradient_cosine);
        run->shown.gradient_layers = run->meter.layers;
        run->shown.gradient_layer_count = run->meter.layer_count;
    }
    from = bd_seconds(CLOCK_THREAD_CPUTIME_ID);
    update_parameters(run, switches);
    run->phases.optimizer += bd_seconds(CLOCK_THREAD_CPUTIME_ID) - from;
    return BD_OK;
}
