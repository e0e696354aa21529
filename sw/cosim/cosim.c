#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "model/core/memory.h"
#include "model/program/layout.h"
#include "sw/cosim/cosim_parts.h"

static bd_status plant(struct bd_cosim_worker *w, struct bd_error *err)
{
    const char *fault = w->options->fault;
    const struct bd_platform_ops *ops = w->session.platform.ops;
    uint64_t base = w->session.platform.memory_base;
    if (fault && strcmp(fault, "weight-bit") == 0) { /* the sign of a middle tap of the first layer's channel 0 */
        const struct bd_descriptor *d = bd_program_descriptor(w->program, 0, 0);
        d += d->operation == BD_OP_LOAD; /* which brings rows of the image */
        uint64_t bit = bd_weight_bit(d, w->program->header, 0, d->kernel_h / 2, d->kernel_w / 2, 0);
        return ops->flip_bit(w->session.platform.self, base + d->weight_offset + bit / 8, bit % 8, err);
    }
    if (fault && strcmp(fault, "guard") == 0) {
        uint8_t byte = 0;
        return ops->write_memory(w->session.platform.self, base + w->program->header->weight_offset, &byte, 1, err);
    }
    return BD_OK;
}

/* Every image of this worker at one memory setting: all with their layers stored, where that is asked for and there is
 * room for them, then all without. */
static bd_status run_setting(struct bd_cosim_worker *w, struct bd_error *err)
{
    uint32_t count = w->to - w->from, classes = w->program->header->classes;
    int32_t *logits = bd_xcalloc((size_t)count * classes, sizeof *logits);
    bool store = w->session.can_store && !w->options->results_only;
    bd_status status = bd_session_store_layers(&w->session, store, err);
    for (uint32_t n = 0; n < count && status == BD_OK; n++) {
        struct bd_frame frame;
        uint32_t id = w->options->first + w->from + n;
        unsigned s = w->schedule[(w->from + n) % w->schedule_length];
        const uint8_t *image = bd_dataset_image(w->shared->dataset, w->from + n);
        status = bd_execute(w->program, w->decoded, s, image, &frame, err);
        if (status != BD_OK) {
            break;
        }
        memcpy(logits + (size_t)n * classes, frame.logits, classes * sizeof *logits);
        if (store) {
            status = bd_cosim_run_item(
                w,
                &(struct bd_cosim_item){
                    .id = id, .switch_index = s, .image = image, .logits = frame.logits, .reference = &frame},
                err);
        }
        bd_frame_release(&frame);
        bd_cosim_show_progress(w->shared, store);
    }
    if (status == BD_OK && store) {
        status = bd_session_store_layers(&w->session, false, err);
    }
    for (uint32_t n = 0; n < count && status == BD_OK; n++) {
        uint32_t id = w->options->first + w->from + n;
        unsigned s = w->schedule[(w->from + n) % w->schedule_length];
        status = bd_cosim_run_item(w,
                                   &(struct bd_cosim_item){.id = id,
                                                           .switch_index = s,
                                                           .logits = logits + (size_t)n * classes,
                                                           .image = bd_dataset_image(w->shared->dataset, w->from + n)},
                                   err);
        w->totals.at[s].frames++;
        w->totals.images++;
        bd_cosim_show_progress(w->shared, 1);
    }
    free(logits);
    return status;
}

/* Every switch of the schedule behind the one that comes before it there. */
static bd_status run_queue_checks(struct bd_cosim_worker *w, struct bd_error *err)
{
    bd_status status = BD_OK;
    for (unsigned i = 0; i < w->schedule_length && status == BD_OK; i++) {
        unsigned index = w->schedule[i], before = w->schedule[(i + w->schedule_length - 1) % w->schedule_length];
        const uint8_t *image = bd_dataset_image(w->shared->dataset, 0);
        struct bd_frame frame;
        if (index == before) {
            continue;
        }
        status = bd_execute(w->program, w->decoded, index, image, &frame, err);
        if (status == BD_OK) {
            status = bd_cosim_check_queue(
                w, before, index,
                &(struct bd_cosim_item){.id = w->options->first, .image = image, .logits = frame.logits}, err);
            bd_frame_release(&frame);
        }
    }
    return status;
}

static bd_status run_network(struct bd_cosim_worker *w, const struct bd_program *program, struct bd_error *err)
{
    bd_status status = bd_cosim_enter(w, program, err);
    struct bd_statistics statistics;
    if (status == BD_OK) {
        status = bd_session_statistics(&w->session, &statistics, err);
    }
    if (status == BD_OK) {
        bd_cosim_count_bytes(w, &statistics, false);
        status = plant(w, err);
    }
    for (unsigned m = 0; m < w->options->setting_count && status == BD_OK; m++) {
        status = bd_cosim_set_memory(w, &w->options->settings[m], err);
        if (status == BD_OK) {
            status = run_setting(w, err);
        }
        if (status == BD_OK && m == 0 && w->from == 0) {
            status = run_queue_checks(w, err);
        }
    }
    bd_cosim_leave(w);
    return status;
}

static bd_status run_worker(struct bd_cosim_worker *w, const struct bd_program *program)
{
    bd_status status = bd_session_open(&w->session, &w->options->session, &w->err);
    if (status != BD_OK) {
        return status;
    }
    w->totals.shared = bd_session_is_shared(&w->session);
    status = program ? run_network(w, program, &w->err) : bd_cosim_run_random(w, &w->err);
    struct bd_statistics statistics;
    struct bd_error ignored;
    if (bd_session_statistics(&w->session, &statistics, &ignored) == BD_OK) {
        w->totals.violations = statistics.violations;
        w->totals.clocks = statistics.clocks;
        w->totals.run_nanoseconds = statistics.run_nanoseconds;
    }
    bd_status closed = bd_session_close(&w->session, status == BD_OK ? &w->err : &ignored);
    return status == BD_OK ? closed : status;
}

struct start {
    struct bd_cosim_worker *worker;
    const struct bd_program *program;
};

static void *thread_main(void *argument)
{
    struct start *start = argument;
    struct bd_cosim_worker *worker = start->worker;
    worker->status = run_worker(worker, start->program);
    worker->was_stopped = worker->status != BD_OK && atomic_exchange(&worker->shared->stop, true);
    return NULL;
}

bd_status bd_cosim(const struct bd_cosim_options *options, const struct bd_program *program,
                   const struct bd_dataset *dataset, struct bd_cosim_totals *totals, struct bd_error *err)
{
    unsigned jobs = options->jobs < options->count ? options->jobs : options->count;
    struct bd_cosim_shared shared = {
        .options = options, .dataset = dataset, .lock = PTHREAD_MUTEX_INITIALIZER, .shown = time(NULL)};
    shared.total =
        program ? (options->results_only ? 1 : 2) * (uint64_t)options->count * options->setting_count : options->count;
    struct bd_cosim_worker *workers = bd_xcalloc(jobs, sizeof *workers);
    struct start starts[BD_COSIM_JOBS];
    pthread_t threads[BD_COSIM_JOBS];
    for (unsigned j = 0; j < jobs; j++) {
        workers[j].shared = &shared;
        workers[j].options = options;
        workers[j].from = (uint32_t)((uint64_t)options->count * j / jobs);
        workers[j].to = (uint32_t)((uint64_t)options->count * (j + 1) / jobs);
        starts[j] = (struct start){.worker = &workers[j], .program = program};
        if (pthread_create(&threads[j], NULL, thread_main, &starts[j]) != 0) {
            thread_main(&starts[j]); /* no further thread: this one does the work */
            threads[j] = pthread_self();
        }
    }
    *totals = (struct bd_cosim_totals){0};
    bd_status status = BD_OK;
    for (unsigned j = 0; j < jobs; j++) {
        if (!pthread_equal(threads[j], pthread_self())) {
            pthread_join(threads[j], NULL);
        }
        bd_cosim_merge(totals, &workers[j].totals);
        /* What the first device died of, not that others were ended for it. */
        if (workers[j].status != BD_OK && !workers[j].was_stopped) {
            status = workers[j].status;
            *err = workers[j].err;
        }
    }
    free(workers);
    return status == BD_OK ? bd_cosim_judge(totals, err) : status;
}
