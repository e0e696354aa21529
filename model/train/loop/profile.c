#include "model/train/loop/profile.h"

#include <omp.h>

#include "model/core/clock.h"
#include "model/train/loop/run.h"

#define WARM_UP 3 /* steps, in which memory is touched for the first time */

/* The least time, and what came with it: what another program takes from the machine is left out. */
static bool is_least(double *least, double value)
{
    const bool less = *least == 0 || value < *least;
    *least = less ? value : *least;
    return less;
}

static bd_status profile_step(struct bd_run *run, struct bd_train_profile *profile, struct bd_error *err)
{
    bd_net_start_profile(run->net);
    run->phases = (struct bd_run_phases){0};
    const double wall = bd_seconds(CLOCK_MONOTONIC), processor = bd_seconds(CLOCK_PROCESS_CPUTIME_ID);
    const bd_status status = bd_run_step(run, err);
    const double took = bd_seconds(CLOCK_MONOTONIC) - wall;
    if (is_least(&profile->processor, bd_seconds(CLOCK_PROCESS_CPUTIME_ID) - processor)) {
        profile->wall = took;
        profile->net = bd_net_profile(run->net);
        profile->data = run->phases.data;
        profile->loss = run->phases.loss;
        profile->optimizer = run->phases.optimizer;
    }
    run->step++;
    return status;
}

static bd_status profile_bare_step(struct bd_run *run, struct bd_train_profile *profile, struct bd_error *err)
{
    double wall = bd_seconds(CLOCK_MONOTONIC), processor = bd_seconds(CLOCK_PROCESS_CPUTIME_ID);
    const bd_status status = bd_net_bare_step(run->net, err);
    wall = bd_seconds(CLOCK_MONOTONIC) - wall;
    processor = bd_seconds(CLOCK_PROCESS_CPUTIME_ID) - processor;
    profile->bound_walls += wall;
    profile->bound_processors += processor;
    if (is_least(&profile->bound_processor, processor)) {
        profile->bound_wall = wall;
    }
    return status;
}

static bd_status profile_run(struct bd_run *run, int64_t steps, struct bd_train_profile *profile, struct bd_error *err)
{
    bd_status status = BD_OK;
    for (int i = 0; i < WARM_UP && !status; i++) {
        status = bd_run_step(run, err);
        run->step++;
    }
    for (int64_t i = 0; i < steps && !status; i++) {
        status = profile_step(run, profile, err);
        status = status ? status : profile_bare_step(run, profile, err);
    }
    return status;
}

bd_status bd_train_profile(struct bd_checkpoint *checkpoint, const struct bd_train_plan *plan,
                           struct bd_train_control *control, int64_t steps, struct bd_train_profile *profile,
                           struct bd_error *err)
{
    struct bd_run run = {.checkpoint = checkpoint, .graph = &checkpoint->graph, .plan = *plan, .control = control};
    run.plan.steps = steps + WARM_UP;
    *profile = (struct bd_train_profile){.steps = steps, .batch = plan->batch, .threads = omp_get_max_threads()};
    bd_status status = bd_run_open(&run, err);
    if (!status) {
        status = profile_run(&run, steps, profile, err);
        profile->half = run.half;
    }
    bd_run_close(&run);
    if (!status) {
        profile->roofline = bd_measure_roofline();
    }
    return status;
}
