#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "model/core/memory.h"
#include "model/program/layout.h"
#include "model/program/random_network.h"
#include "sw/cosim/cosim_parts.h"

enum { STALL_CHANCE = 64 }; /* of 256 */

static void show_progress(struct bd_cosim_shared *shared, uint64_t more)
{
    pthread_mutex_lock(&shared->lock);
    shared->done += more;
    time_t now = time(NULL);
    bool last = shared->done == shared->total, terminal = isatty(STDERR_FILENO);
    if (last || now - shared->shown >= (terminal ? 1 : 10)) {
        shared->shown = now;
        fprintf(stderr, "%scosim: %" PRIu64 " of %" PRIu64 " frames%s", terminal ? "\r" : "", shared->done,
                shared->total, terminal && !last ? "" : "\n");
    }
    pthread_mutex_unlock(&shared->lock);
}

/* Takes account of the bytes that the host has written since the last call: those of loading, of one frame, or
 * (not `is_frame`) of several. */
static void count_bytes(struct bd_cosim_worker *w, const struct bd_statistics *s, bool is_frame)
{
    uint64_t frame = 0, stray = 0;
    for (int i = 0; i < BD_WRITE_CLASSES; i++) {
        uint64_t more = s->written[i] - w->written_before[i];
        w->written_before[i] = s->written[i];
        frame += more;
        stray += i == BD_WRITE_IMAGE || i == BD_WRITE_REGISTERS ? 0 : more;
    }
    struct bd_cosim_totals *t = &w->totals;
    if (!w->loaded_bytes_taken) {
        t->bytes_load += frame;
        w->loaded_bytes_taken = true;
        return;
    }
    t->stray_bytes += stray;
    if (!is_frame) {
        return;
    }
    t->bytes_min = t->bytes_max == 0 || frame < t->bytes_min ? frame : t->bytes_min;
    t->bytes_max = frame > t->bytes_max ? frame : t->bytes_max;
}

/* Tells the device how many clocks a wait may take: a frame that never ends must not be simulated for ever, but one
 * that runs at a wrong switch should end and be told by its switch. */
static bd_status bound_wait(struct bd_cosim_worker *w, bool store, bool stalls, struct bd_error *err)
{
    uint64_t longest = 0, cycles;
    for (unsigned s = 0; s < w->program->header->switch_count; s++) {
        bd_status status = bd_cosim_find_price(w, s, store, &cycles, err);
        if (status != BD_OK) {
            return status;
        }
        longest = cycles > longest ? cycles : longest;
    }
    w->session.platform.wait_clocks = longest * (stalls ? 64 : 2) + 100000;
    return BD_OK;
}

/* Runs one item, with its layers stored where it has a reference for them. */
static bd_status run_item(struct bd_cosim_worker *w, const struct bd_cosim_item *item, struct bd_error *err)
{
    const struct bd_platform_ops *ops = w->session.platform.ops;
    bool store = item->reference != NULL;
    struct bd_statistics statistics;
    if (atomic_load(&w->shared->stop)) {
        return bd_fail(err, BD_INFRA, "ended because another device failed");
    }
    int32_t *logits = bd_xcalloc(w->program->header->classes, sizeof *logits);
    bd_status status = bound_wait(w, store, item->stalls, err);
    if (status == BD_OK && w->options->stalls) {
        status = ops->set_stalls(w->session.platform.self, w->options->seed + item->id, item->stalls ? STALL_CHANCE : 0,
                                 err);
    }
    if (status == BD_OK) {
        status = bd_session_start(&w->session, 0, item->switch_index, item->image, err);
    }
    if (status == BD_OK) {
        status = bd_session_finish(&w->session, 0, logits, err);
    }
    if (status == BD_OK) {
        status = bd_session_statistics(&w->session, &statistics, err);
    }
    if (status == BD_OK && store) {
        status = bd_session_read_store(&w->session, w->store, err);
    }
    if (status == BD_OK) {
        for (unsigned l = 0; store && l < w->program->header->layer_count; l++) {
            bd_cosim_compare_layer(w, item, l);
        }
        bd_cosim_compare_result(w, item, logits);
        if (!item->stalls) {
            bd_cosim_compare_cycles(w, item, store, statistics.frame_cycles);
        }
        count_bytes(w, &statistics, true);
        w->totals.binary_macs += w->macs[item->switch_index];
    } else {
        char line[768];
        bd_cosim_repeat_line(w, item, line, sizeof line);
        bd_fail_prefix(err, "%s %u, switch %s", w->options->path ? "image" : "network", item->id,
                       w->program->switches[item->switch_index].name);
        size_t used = strlen(err->message);
        snprintf(err->message + used, sizeof err->message - used, "; repeat with: %s", line);
    }
    free(logits);
    return status;
}

/* Starts three frames, `before` and twice `index`, and compares the clocks of the last two: each was queued, the one
 * behind another switch, the other behind its own. The device's counter must say what a lone frame takes. */
static bd_status check_queue(struct bd_cosim_worker *w, unsigned before, unsigned index,
                             const struct bd_cosim_item *item, struct bd_error *err)
{
    const unsigned order[3] = {before, index, index};
    uint64_t cycles[3], counted[3];
    int32_t *logits = bd_xcalloc(w->program->header->classes, sizeof *logits);
    bd_status status = bound_wait(w, false, false, err);
    for (unsigned i = 0; i < 3 && status == BD_OK; i++) {
        status = bd_session_start(&w->session, i, order[i], item->image, err);
    }
    for (unsigned i = 0; i < 3 && status == BD_OK; i++) {
        struct bd_statistics statistics;
        status = bd_session_finish(&w->session, i, logits, err);
        if (status == BD_OK) {
            status = bd_session_statistics(&w->session, &statistics, err);
        }
        struct bd_device_counters counters = {0};
        if (status == BD_OK) {
            status = bd_session_fail(&w->session, bd_device_read_counters(&w->session.device, &counters), err);
        }
        cycles[i] = status == BD_OK ? statistics.frame_cycles : 0;
        counted[i] = counters.total;
        w->totals.binary_macs += w->macs[order[i]];
    }
    if (status == BD_OK) {
        struct bd_cosim_item last = *item;
        last.switch_index = index;
        bd_cosim_compare_result(w, &last, logits);
        struct bd_statistics statistics;
        status = bd_session_statistics(&w->session, &statistics, err);
        if (status == BD_OK) {
            count_bytes(w, &statistics, false);
        }
        w->totals.queue_checked++;
        uint64_t alone = w->prices[index][false].cycles;
        if (cycles[1] != cycles[2] || counted[1] != alone || counted[2] != alone) {
            char text[320];
            snprintf(text, sizeof text,
                     "queued behind %s it took %" PRIu64 " clocks, behind its own kind %" PRIu64
                     "; the device counts %" PRIu64 " and %" PRIu64 ", alone it takes %" PRIu64,
                     w->program->switches[before].name, cycles[1], cycles[2], counted[1], counted[2], alone);
            bd_cosim_note_in(w, w->totals.first_cycles, &last, text);
            w->totals.queue_different++;
        }
    }
    free(logits);
    return status;
}

/* Binary multiply-accumulates of a frame: every real one, by the bit-planes of both operands. */
static uint64_t frame_macs(const struct bd_program *program, unsigned switch_index)
{
    uint64_t macs = 0;
    for (unsigned l = 0; l < program->header->layer_count; l++) {
        const struct bd_descriptor *d = bd_program_descriptor(program, switch_index, l);
        if (d->operation == BD_OP_CONV) {
            macs += (uint64_t)d->out_height * d->out_width * d->out_channels * (d->in_channels / d->groups) *
                    d->kernel_h * d->kernel_w * d->weight_bits * d->in_bits;
        }
    }
    return macs;
}

static void leave_program(struct bd_cosim_worker *w)
{
    bd_decoded_free(w->decoded);
    free(w->store);
    free(w->schedule);
    w->decoded = NULL;
    w->store = NULL;
    w->schedule = NULL;
}

/* Decodes and loads a program. */
static bd_status enter_program(struct bd_cosim_worker *w, const struct bd_program *program, struct bd_error *err)
{
    w->program = program;
    memset(w->prices, 0, sizeof w->prices);
    w->loaded_bytes_taken = false;
    for (unsigned s = 0; s < program->header->switch_count; s++) {
        w->macs[s] = frame_macs(program, s);
    }
    w->store = bd_xmalloc(program->header->store_bytes);
    bd_status status = bd_decode(program, &w->decoded, err);
    if (status == BD_OK) {
        status = bd_schedule_parse(program, w->options->schedule, &w->schedule, &w->schedule_length, err);
    }
    if (status == BD_OK) {
        status = bd_session_load(&w->session, program, err);
    }
    if (status == BD_OK) {
        status = bd_session_store_layers(&w->session, true, err);
    }
    return status;
}

static bd_status plant(struct bd_cosim_worker *w, struct bd_error *err)
{
    const char *fault = w->options->fault;
    const struct bd_platform_ops *ops = w->session.platform.ops;
    uint64_t base = w->session.platform.memory_base;
    if (fault && strcmp(fault, "weight-bit") == 0) { /* the sign of a middle tap of the first layer's channel 0 */
        const struct bd_descriptor *d = bd_program_descriptor(w->program, 0, 0);
        uint32_t word, lane;
        bd_weight_place(d, w->program->header, d->kernel_h / 2, d->kernel_w / 2, 0, &word, &lane);
        uint64_t bit = (uint64_t)word * w->program->header->rows * w->program->header->lanes + lane;
        return ops->flip_bit(w->session.platform.self, base + d->weight_offset + bit / 8, bit % 8, err);
    }
    if (fault && strcmp(fault, "guard") == 0) {
        uint8_t byte = 0;
        return ops->write_memory(w->session.platform.self, base + w->program->header->weight_offset, &byte, 1, err);
    }
    return BD_OK;
}

static bd_status set_memory(struct bd_cosim_worker *w, const struct bd_memory_model *memory, struct bd_error *err)
{
    w->memory = *memory;
    memset(w->prices, 0, sizeof w->prices);
    return w->session.platform.ops->set_memory(w->session.platform.self, memory, err);
}

/* Every image of this worker at one memory setting: all with their layers stored, then all without. */
static bd_status run_setting(struct bd_cosim_worker *w, struct bd_error *err)
{
    uint32_t count = w->to - w->from, classes = w->program->header->classes;
    int32_t *logits = bd_xcalloc((size_t)count * classes, sizeof *logits);
    bd_status status = bd_session_store_layers(&w->session, true, err);
    for (uint32_t n = 0; n < count && status == BD_OK; n++) {
        struct bd_frame frame;
        uint32_t id = w->options->first + w->from + n;
        unsigned s = w->schedule[(w->from + n) % w->schedule_length];
        const uint8_t *image = bd_dataset_image(w->shared->dataset, id);
        status = bd_execute(w->program, w->decoded, s, image, &frame, err);
        if (status != BD_OK) {
            break;
        }
        memcpy(logits + (size_t)n * classes, frame.logits, classes * sizeof *logits);
        status = run_item(w,
                          &(struct bd_cosim_item){
                              .id = id, .switch_index = s, .image = image, .logits = frame.logits, .reference = &frame},
                          err);
        bd_frame_release(&frame);
        show_progress(w->shared, 1);
    }
    if (status == BD_OK) {
        status = bd_session_store_layers(&w->session, false, err);
    }
    for (uint32_t n = 0; n < count && status == BD_OK; n++) {
        uint32_t id = w->options->first + w->from + n;
        unsigned s = w->schedule[(w->from + n) % w->schedule_length];
        status = run_item(w,
                          &(struct bd_cosim_item){.id = id,
                                                  .switch_index = s,
                                                  .logits = logits + (size_t)n * classes,
                                                  .image = bd_dataset_image(w->shared->dataset, id)},
                          err);
        w->totals.at[s].frames++;
        w->totals.images++;
        show_progress(w->shared, 1);
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
        const uint8_t *image = bd_dataset_image(w->shared->dataset, w->options->first);
        struct bd_frame frame;
        if (index == before) {
            continue;
        }
        status = bd_execute(w->program, w->decoded, index, image, &frame, err);
        if (status == BD_OK) {
            status = check_queue(
                w, before, index,
                &(struct bd_cosim_item){.id = w->options->first, .image = image, .logits = frame.logits}, err);
            bd_frame_release(&frame);
        }
    }
    return status;
}

static bd_status run_network(struct bd_cosim_worker *w, const struct bd_program *program, struct bd_error *err)
{
    bd_status status = enter_program(w, program, err);
    struct bd_statistics statistics;
    if (status == BD_OK) {
        status = bd_session_statistics(&w->session, &statistics, err);
    }
    if (status == BD_OK) {
        count_bytes(w, &statistics, false);
        status = plant(w, err);
    }
    for (unsigned m = 0; m < w->options->setting_count && status == BD_OK; m++) {
        status = set_memory(w, &w->options->settings[m], err);
        if (status == BD_OK) {
            status = run_setting(w, err);
        }
        if (status == BD_OK && m == 0 && w->from == 0) {
            status = run_queue_checks(w, err);
        }
    }
    leave_program(w);
    return status;
}

/* One random network at each of its switches; then, queued, behind another. */
static bd_status run_random(struct bd_cosim_worker *w, uint32_t id, struct bd_error *err)
{
    struct bd_program program;
    bd_status status = bd_random_network(w->options->seed, id, &w->session.hardware, &program, err);
    if (status != BD_OK) {
        return status;
    }
    uint8_t *image = bd_xmalloc(program.header->input_bytes);
    bd_random_image(&program, w->options->seed + id, image);
    status = enter_program(w, &program, err);
    struct bd_statistics statistics;
    if (status == BD_OK) {
        status = bd_session_statistics(&w->session, &statistics, err);
    }
    if (status == BD_OK) {
        count_bytes(w, &statistics, false);
    }
    for (unsigned s = 0; s < program.header->switch_count && status == BD_OK; s++) {
        struct bd_frame frame;
        status = bd_execute(&program, w->decoded, s, image, &frame, err);
        if (status != BD_OK) {
            break;
        }
        struct bd_cosim_item item = {.id = id,
                                     .switch_index = s,
                                     .image = image,
                                     .logits = frame.logits,
                                     .reference = &frame,
                                     .stalls = w->options->stalls};
        status = bd_session_store_layers(&w->session, true, err);
        if (status == BD_OK) {
            status = run_item(w, &item, err);
        }
        if (status == BD_OK) {
            status = bd_session_store_layers(&w->session, false, err);
        }
        if (status == BD_OK) {
            item.reference = NULL;
            item.stalls = false;
            status = run_item(w, &item, err);
        }
        if (status == BD_OK && s > 0) {
            status = check_queue(w, s - 1, s, &item, err);
        }
        bd_frame_release(&frame);
        w->totals.at[s].frames++;
        w->totals.images++;
    }
    w->totals.networks++;
    w->totals.layers += program.header->layer_count;
    show_progress(w->shared, 1);
    leave_program(w);
    free(image);
    bd_program_release(&program);
    return status;
}

static bd_status run_all_random(struct bd_cosim_worker *w, struct bd_error *err)
{
    bd_status status = BD_OK;
    for (uint32_t n = w->from; n < w->to && status == BD_OK; n++) {
        status = set_memory(w, &w->options->settings[n % w->options->setting_count], err);
        if (status == BD_OK) {
            status = run_random(w, w->options->first + n, err);
        }
    }
    return status;
}

static bd_status run_worker(struct bd_cosim_worker *w, const struct bd_program *program)
{
    bd_status status = bd_session_open(&w->session, &w->options->session, &w->err);
    if (status != BD_OK) {
        return status;
    }
    w->totals.shared = bd_session_is_shared(&w->session);
    status = program ? run_network(w, program, &w->err) : run_all_random(w, &w->err);
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
    shared.total = program ? 2 * (uint64_t)options->count * options->setting_count : options->count;
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
