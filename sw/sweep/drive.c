#include "sw/sweep/drive.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "sw/sweep/seek.h"

void bd_sweep_run_init(struct bd_sweep_run *run)
{
    const struct bd_sweep *s = run->sweep;
    run->checkpoints = bd_xcalloc(s->network_count * s->level_count, sizeof *run->checkpoints);
    run->asked = bd_xcalloc(s->design_count, sizeof *run->asked);
    run->confirm_asked = bd_xcalloc(s->design_count, sizeof *run->confirm_asked);
    run->index = json_object();
    for (size_t d = 0; d < s->design_count; d++) {
        json_object_set_new(run->index, s->designs[d].name, json_integer((json_int_t)d));
    }
    for (size_t n = 0; n < s->network_count; n++) {
        for (size_t l = 0; l < s->level_count; l++) {
            bd_sweep_name_checkpoint(run, (int)n, (int)l);
        }
    }
}

void bd_sweep_run_release(struct bd_sweep_run *run)
{
    const size_t count = run->checkpoints ? run->sweep->network_count * run->sweep->level_count : 0;
    for (size_t c = 0; c < count; c++) {
        free(run->checkpoints[c].path);
        free(run->checkpoints[c].identity);
        free(run->checkpoints[c].reason);
    }
    for (size_t a = 0; a < run->accuracy_count; a++) {
        free(run->accuracies[a].reason);
        json_decref(run->accuracies[a].values);
    }
    free(run->checkpoints);
    free(run->accuracies);
    free(run->asked);
    free(run->confirm_asked);
    json_decref(run->index);
    bd_sweep_seek_free(run->seek);
}

bool bd_sweep_needs_accuracy(const struct bd_sweep *s)
{
    bool needs = false;
    for (size_t o = 0; o < s->objective_count; o++) {
        needs = needs || s->objectives[o] == BD_SWEEP_ACCURACY;
    }
    for (size_t c = 0; c < s->constraint_count; c++) {
        needs = needs || s->constraints[c].metric == BD_SWEEP_ACCURACY;
    }
    return needs;
}

/* ---- accuracies ---- */

/* That of a design; one is made where there is none. */
static struct bd_sweep_accuracy *accuracy_of(struct bd_sweep_run *run, const struct bd_sweep_design *d)
{
    const int bits = (int)run->sweep->hardware[d->hardware].hardware.mult_bits;
    for (size_t a = 0; a < run->accuracy_count; a++) {
        struct bd_sweep_accuracy *accuracy = &run->accuracies[a];
        if (accuracy->network == d->network && accuracy->level == d->level && accuracy->mult_bits == bits) {
            return accuracy;
        }
    }
    run->accuracies = bd_xrealloc(run->accuracies, run->accuracy_count + 1, sizeof *run->accuracies);
    struct bd_sweep_accuracy *accuracy = &run->accuracies[run->accuracy_count++];
    *accuracy = (struct bd_sweep_accuracy){
        .network = d->network, .level = d->level, .mult_bits = bits, .hardware = d->hardware};
    return accuracy;
}

/* ---- designs ---- */

static void end_design(struct bd_sweep_design *d, enum bd_sweep_state state, const char *what, const char *reason)
{
    d->state = state;
    free(d->reason);
    d->reason = reason ? bd_asprintf("%s%s", what, reason) : NULL;
}

/* A design with a price: done when its accuracy is known too. */
static void settle(struct bd_sweep_run *run, struct bd_sweep_design *d)
{
    const struct bd_sweep_checkpoint *c = bd_sweep_checkpoint_of(run, d->network, d->level);
    if (d->state != BD_SWEEP_OPEN || !d->selected) {
        return;
    }
    if (c->state == BD_SWEEP_LOST) {
        end_design(d, BD_SWEEP_FAILED, "pruning: ", c->reason);
        return;
    }
    if (!d->priced) {
        return;
    }
    if (bd_sweep_needs_accuracy(run->sweep)) {
        const struct bd_sweep_accuracy *a = accuracy_of(run, d);
        const json_t *value = json_object_get(a->values, d->sw);
        if (a->state == BD_SWEEP_LOST || (a->state == BD_SWEEP_THERE && !value)) {
            end_design(d, BD_SWEEP_FAILED, "accuracy: ", a->reason ? a->reason : "there is none at this switch");
            return;
        }
        if (a->state != BD_SWEEP_THERE) {
            return;
        }
        d->metric[BD_SWEEP_ACCURACY] = 100 * json_number_value(value);
    }
    d->state = BD_SWEEP_DONE;
}

static void take_price(struct bd_sweep_run *run, struct bd_sweep_design *d, const json_t *output)
{
    const struct bd_hardware *h = &run->sweep->hardware[d->hardware].hardware;
    const char *refused = json_string_value(json_object_get(output, "refused"));
    if (refused) {
        end_design(d, BD_SWEEP_REFUSED, "", refused);
        return;
    }
    const double clocks = json_number_value(json_object_get(output, "clocks")),
                 energy = json_number_value(json_object_get(output, "energy_nj"));
    d->metric[BD_SWEEP_CLOCKS] = clocks;
    d->metric[BD_SWEEP_ENERGY] = energy / 1000;
    d->metric[BD_SWEEP_BYTES] = json_number_value(json_object_get(output, "bytes"));
    d->metric[BD_SWEEP_FPS] = h->clock_mhz * 1e6 / clocks;
    d->metric[BD_SWEEP_POWER] = energy * run->sweep->frame_rate * 1e-6; /* nJ a frame, frames a second: mW */
    d->layers = json_incref(json_object_get(output, "layers"));
    d->priced = true;
}

/* ---- results of tasks ---- */

static char *cause_of(const json_t *result)
{
    const char *cause = json_string_value(json_object_get(result, "cause"));
    return bd_xstrdup(cause && *cause ? cause : "it left no result");
}

static void take_checkpoint(struct bd_sweep_run *run, const char *name, bool done, const json_t *result)
{
    const struct bd_sweep *s = run->sweep;
    for (size_t n = 0; n < s->network_count; n++) {
        for (size_t l = 0; l < s->level_count; l++) {
            char *own = bd_asprintf("%s.%s", s->networks[n].name, s->levels[l].name);
            struct bd_sweep_checkpoint *c = bd_sweep_checkpoint_of(run, (int)n, (int)l);
            if (!strcmp(own, name) && !done && !c->reason) {
                c->reason = cause_of(result);
            }
            if (!strcmp(own, name)) {
                c->state = done ? BD_SWEEP_THERE : BD_SWEEP_LOST;
            }
            free(own);
        }
    }
}

static void take_accuracy(struct bd_sweep_run *run, const char *name, bool done, const json_t *result)
{
    const struct bd_sweep *s = run->sweep;
    for (size_t a = 0; a < run->accuracy_count; a++) {
        struct bd_sweep_accuracy *accuracy = &run->accuracies[a];
        char *base = bd_asprintf("%s.%s", s->networks[accuracy->network].name, s->levels[accuracy->level].name),
             *own = accuracy->mult_bits == 24 ? bd_xstrdup(base) : bd_asprintf("%s.m%d", base, accuracy->mult_bits);
        if (!strcmp(own, name)) {
            accuracy->state = done ? BD_SWEEP_THERE : BD_SWEEP_LOST;
            accuracy->values = json_incref(json_object_get(json_object_get(result, "output"), "accuracy"));
            accuracy->reason = done ? NULL : cause_of(result);
        }
        free(base);
        free(own);
    }
}

static void take_confirm(struct bd_sweep_design *d, bool done, const json_t *result)
{
    json_t *output = json_object_get(result, "output");
    d->confirmed = json_is_object(output) ? json_deep_copy(output) : json_object();
    const bool same = json_number_value(json_object_get(d->confirmed, "clocks")) == d->metric[BD_SWEEP_CLOCKS];
    const bool pass = done && json_is_true(json_object_get(d->confirmed, "pass")) && same;
    json_object_set_new(d->confirmed, "pass", json_boolean(pass));
    if (!pass) {
        char *cause = done ? bd_xstrdup("other clocks than priced") : cause_of(result);
        json_object_set_new(d->confirmed, "cause", json_string(cause));
        free(cause);
    }
}

bd_status bd_sweep_on_result(void *context, const struct bd_runs_point *point, enum bd_runs_state state,
                             const json_t *result, struct bd_error *err)
{
    struct bd_sweep_run *run = context;
    const bool done = state == BD_RUNS_DONE;
    int task = BD_SWEEP_TASKS;
    size_t length = 0;
    (void)err;
    for (int t = 0; t < BD_SWEEP_TASKS; t++) {
        const size_t own = strlen(bd_sweep_task_names[t]);
        if (!strncmp(point->name, bd_sweep_task_names[t], own) && point->name[own] == '.') {
            task = t;
            length = own + 1;
        }
    }
    const char *name = point->name + length;
    const json_t *at = json_object_get(run->index, name);
    struct bd_sweep_design *d = at ? &run->sweep->designs[json_integer_value(at)] : NULL;
    if (task == BD_SWEEP_PRUNE) {
        take_checkpoint(run, name, done, result);
    } else if (task == BD_SWEEP_ACCURACY_OF) {
        take_accuracy(run, name, done, result);
    } else if (task == BD_SWEEP_PRICE && d && !done) {
        char *cause = cause_of(result);
        end_design(d, BD_SWEEP_FAILED, "price: ", cause);
        free(cause);
    } else if (task == BD_SWEEP_PRICE && d) {
        take_price(run, d, json_object_get(result, "output"));
    } else if (task == BD_SWEEP_CONFIRM && d) {
        take_confirm(d, done, result);
    }
    return BD_OK;
}

/* ---- what is run next ---- */

/* Tasks that a design needs and nobody asked for. `all`: also those that must wait for its checkpoint. */
static bd_status ask_for(struct bd_sweep_run *run, size_t index, bool all, struct bd_runs_plan *plan,
                         struct bd_error *err)
{
    struct bd_sweep_design *d = &run->sweep->designs[index];
    struct bd_sweep_checkpoint *c = bd_sweep_checkpoint_of(run, d->network, d->level);
    bd_status status = BD_OK;
    if (d->state != BD_SWEEP_OPEN || !d->selected) {
        return BD_OK;
    }
    if (c->state == BD_SWEEP_UNASKED) {
        c->state = BD_SWEEP_ASKED;
        status = bd_sweep_add_prune(run, d->network, d->level, plan, err);
    }
    if (status || run->asked[index] || (c->state != BD_SWEEP_THERE && !all)) {
        return status;
    }
    if (bd_sweep_needs_accuracy(run->sweep)) {
        struct bd_sweep_accuracy *a = accuracy_of(run, d);
        if (a->state == BD_SWEEP_UNASKED) {
            a->state = BD_SWEEP_ASKED;
            status = bd_sweep_add_accuracy(run, a, plan, err);
        }
    }
    run->asked[index] = true;
    return status ? status : bd_sweep_add_price(run, d, plan, err);
}

/* Before a search every checkpoint is made: which of them may be chosen is known then. */
static bd_status begin_search(struct bd_sweep_run *run, struct bd_runs_plan *plan, bool *ready, struct bd_error *err)
{
    struct bd_sweep *s = run->sweep;
    bd_status status = BD_OK;
    *ready = true;
    for (size_t d = 0; d < s->design_count && !status; d++) {
        struct bd_sweep_checkpoint *c = bd_sweep_checkpoint_of(run, s->designs[d].network, s->designs[d].level);
        if (s->designs[d].state == BD_SWEEP_OPEN && c->state == BD_SWEEP_UNASKED) {
            c->state = BD_SWEEP_ASKED;
            status = bd_sweep_add_prune(run, s->designs[d].network, s->designs[d].level, plan, err);
        }
        *ready = *ready && (s->designs[d].state != BD_SWEEP_OPEN || c->state > BD_SWEEP_ASKED);
    }
    for (size_t d = 0; d < s->design_count && *ready; d++) {
        const struct bd_sweep_checkpoint *c = bd_sweep_checkpoint_of(run, s->designs[d].network, s->designs[d].level);
        if (s->designs[d].state == BD_SWEEP_OPEN && c->state == BD_SWEEP_LOST) {
            end_design(&s->designs[d], BD_SWEEP_FAILED, "pruning: ", c->reason);
        }
    }
    return status;
}

static bd_status seek(struct bd_sweep_run *run, struct bd_runs_plan *plan, bool *ready, struct bd_error *err)
{
    bd_status status = begin_search(run, plan, ready, err);
    if (!status && *ready && !run->seek) {
        status = bd_sweep_seek_new(run->sweep, &run->seek, err);
    }
    return status || !run->seek ? status : bd_sweep_seek_go_on(run->seek, err);
}

bd_status bd_sweep_more(void *context, struct bd_runs_plan *plan, struct bd_error *err)
{
    struct bd_sweep_run *run = context;
    struct bd_sweep *s = run->sweep;
    bool whole = true;
    bd_status status = run->begun ? BD_OK : bd_sweep_write_inputs(run, err);
    run->begun = true;
    for (size_t d = 0; d < s->design_count; d++) {
        settle(run, &s->designs[d]);
    }
    if (!status && s->kind == BD_SWEEP_SEARCH) {
        status = seek(run, plan, &whole, err);
    }
    for (size_t d = 0; d < s->design_count && !status; d++) {
        status = ask_for(run, d, false, plan, err);
        whole = whole && (s->designs[d].state != BD_SWEEP_OPEN || !s->designs[d].selected);
    }
    if (!status && whole && bd_sweep_mark_front(s) && run->confirm) {
        for (size_t d = 0; d < s->design_count && !status; d++) {
            if (s->designs[d].front && !run->confirm_asked[d]) {
                run->confirm_asked[d] = true;
                status = bd_sweep_add_confirm(run, &s->designs[d], plan, err);
            }
        }
    }
    return status;
}

bd_status bd_sweep_plan_all(struct bd_sweep_run *run, struct bd_runs_plan *plan, struct bd_error *err)
{
    bd_status status = BD_OK;
    for (size_t d = 0; d < run->sweep->design_count && !status; d++) {
        status = ask_for(run, d, true, plan, err);
    }
    return status;
}
