#include "model/eval/integers.h"

#include <stdlib.h>
#include <string.h>

#include "model/core/clock.h"
#include "model/core/memory.h"
#include "model/eval/evaluate.h"
#include "model/exec/fast.h"

bd_status bd_check_program_images(const struct bd_program *program, const struct bd_dataset *set, struct bd_error *err)
{
    const struct bd_program_header *h = program->header;
    if (h->input_height != set->height || h->input_width != set->width || h->input_channels != set->channels ||
        h->classes < set->classes) {
        return bd_fail(err, BD_BAD_INPUT,
                       "the program takes %ux%ux%u images of %u classes, the data set has %ux%ux%u of %u",
                       h->input_height, h->input_width, h->input_channels, h->classes, set->height, set->width,
                       set->channels, set->classes);
    }
    return BD_OK;
}

bd_status bd_integer_eval(const struct bd_program *program, const struct bd_decoded *decoded, unsigned switch_index,
                          const struct bd_dataset *set, size_t count, int32_t *logits, uint16_t *predictions,
                          struct bd_error *err)
{
    const unsigned classes = program->header->classes;
    int32_t *own = logits ? NULL : bd_xcalloc(count * classes, sizeof *own), *to = logits ? logits : own;
    bd_status status = bd_execute_fast(program, decoded, switch_index, set->images, count, to, err);
    for (size_t i = 0; i < count && status == BD_OK && predictions; i++) {
        predictions[i] = (uint16_t)bd_argmax(to + i * classes, classes);
    }
    free(own);
    return status;
}

/* Which images are right goes to `each` (count), unless NULL. */
static double share_right(const struct bd_dataset *set, size_t count, const uint16_t *predictions, uint8_t *each)
{
    size_t right = 0;
    for (size_t i = 0; i < count; i++) {
        const bool is = predictions[i] == set->labels[i];
        right += is;
        if (each) {
            each[i] = is;
        }
    }
    return count ? (double)right / (double)count : 0;
}

bd_status bd_integer_accuracy(const struct bd_program *program, const struct bd_decoded *decoded, unsigned switch_index,
                              const struct bd_dataset *set, size_t count, double *accuracy, struct bd_error *err)
{
    uint16_t *predictions = bd_xcalloc(count, sizeof *predictions);
    bd_status status = bd_integer_eval(program, decoded, switch_index, set, count, NULL, predictions, err);
    *accuracy = status == BD_OK ? share_right(set, count, predictions, NULL) : 0;
    free(predictions);
    return status;
}

bd_status bd_integer_check(const struct bd_program *program, const struct bd_decoded *decoded, unsigned switch_index,
                           const struct bd_dataset *set, size_t count, const int32_t *logits, int64_t *mismatches,
                           struct bd_error *err)
{
    const size_t classes = program->header->classes;
    bd_status status = BD_OK;
    int64_t different = 0;
#pragma omp parallel for schedule(dynamic) reduction(+ : different)
    for (size_t i = 0; i < count; i++) {
        struct bd_frame frame;
        struct bd_error own;
        if (bd_execute(program, decoded, switch_index, bd_dataset_image(set, (uint32_t)i), &frame, &own)) {
#pragma omp critical(bd_integer_check)
            {
                *err = own;
                status = own.status;
            }
            continue;
        }
        different += memcmp(frame.logits, logits + i * classes, classes * sizeof *logits) != 0;
        bd_frame_release(&frame);
    }
    *mismatches = different;
    return status;
}

static bd_status evaluate_integers(const struct bd_evaluation *e, unsigned s, struct bd_switch_result *r,
                                   int32_t *logits, uint16_t *predictions, struct bd_error *err)
{
    double start = bd_seconds(CLOCK_MONOTONIC);
    bd_status status = bd_integer_eval(e->program, e->decoded, s, e->set, e->images, logits, predictions, err);
    r->fast_seconds = bd_seconds(CLOCK_MONOTONIC) - start;
    if (status != BD_OK) {
        return status;
    }
    r->integer_accuracy = e->set->labels ? share_right(e->set, e->images, predictions, e->integers_right) : -1;
    r->compared = (int64_t)(e->compare < e->images ? e->compare : e->images);
    start = bd_seconds(CLOCK_MONOTONIC);
    status = bd_integer_check(e->program, e->decoded, s, e->set, (size_t)r->compared, logits, &r->mismatches, err);
    r->plain_seconds = bd_seconds(CLOCK_MONOTONIC) - start;
    return status;
}

bd_status bd_evaluate_switch(const struct bd_evaluation *e, const char *name, struct bd_switch_result *r,
                             int32_t *logits, struct bd_error *err)
{
    *r = (struct bd_switch_result){.float_accuracy = -1, .integer_accuracy = -1, .disagree = -1, .compared = -1};
    const int in_float = e->checkpoint ? bd_graph_switch(&e->checkpoint->graph, name) : -1;
    const int in_program = e->program ? bd_program_switch(e->program, name) : -1;
    uint16_t *exact = bd_xcalloc(e->images, sizeof *exact), *integer = bd_xcalloc(e->images, sizeof *integer);
    int32_t *own = in_program >= 0 && !logits ? bd_xcalloc(e->images * e->program->header->classes, sizeof *own) : NULL;
    bd_status status = BD_OK;
    if (in_float >= 0) {
        status = bd_float_eval(e->checkpoint, in_float, e->set, 0, e->images, NULL, exact, err);
        r->float_accuracy =
            status == BD_OK && e->set->labels ? share_right(e->set, e->images, exact, e->float_right) : -1;
    }
    if (in_program >= 0 && status == BD_OK) {
        status = evaluate_integers(e, (unsigned)in_program, r, logits ? logits : own, integer, err);
    }
    if (in_float >= 0 && in_program >= 0 && status == BD_OK) {
        r->disagree = 0;
        for (size_t i = 0; i < e->images; i++) {
            r->disagree += exact[i] != integer[i];
        }
    }
    free(own);
    free(exact);
    free(integer);
    return status;
}
