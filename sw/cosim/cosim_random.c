#include <stdlib.h>

#include "model/core/memory.h"
#include "model/program/random_network.h"
#include "sw/cosim/cosim_parts.h"

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
    status = bd_cosim_enter(w, &program, err);
    struct bd_statistics statistics;
    if (status == BD_OK) {
        status = bd_session_statistics(&w->session, &statistics, err);
    }
    if (status == BD_OK) {
        bd_cosim_count_bytes(w, &statistics, false);
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
            status = bd_cosim_run_item(w, &item, err);
        }
        if (status == BD_OK) {
            status = bd_session_store_layers(&w->session, false, err);
        }
        if (status == BD_OK) {
            item.reference = NULL;
            item.stalls = false;
            status = bd_cosim_run_item(w, &item, err);
        }
        if (status == BD_OK && s > 0) {
            status = bd_cosim_check_queue(w, s - 1, s, &item, err);
        }
        bd_frame_release(&frame);
        w->totals.at[s].frames++;
        w->totals.images++;
    }
    w->totals.networks++;
    w->totals.layers += program.header->layer_count;
    bd_cosim_show_progress(w, 1);
    bd_cosim_leave(w);
    free(image);
    bd_program_release(&program);
    return status;
}

bd_status bd_cosim_run_random(struct bd_cosim_worker *w, struct bd_error *err)
{
    bd_status status = BD_OK;
    const struct bd_cosim_options *o = w->options;
    for (uint32_t n = 0; n < o->count && status == BD_OK; n++) {
        status = bd_cosim_set_memory(w, &o->settings[(o->skip + n) % o->setting_count], err);
        if (status == BD_OK) {
            status = run_random(w, o->first + n, err);
        }
    }
    return status;
}
