#include "model/prune/measure.h"

#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/cost/cost.h"
#include "model/eval/evaluate.h"
#include "model/eval/integers.h"
#include "model/fold/fold.h"

static bd_status measure_program(const struct bd_program *program, const struct bd_hardware *hardware,
                                 const struct bd_fold_report *report, const struct bd_dataset *test, size_t count,
                                 struct bd_measured *m, struct bd_error *err)
{
    struct bd_decoded *decoded = NULL;
    struct bd_frame_cost *cost = bd_xcalloc(1, sizeof *cost);
    bd_status status = bd_decode(program, &decoded, err);
    m->image_bytes = program->header->image_bytes;
    for (int k = 0; k < report->switch_count && status == BD_OK; k++) {
        int s = report->switches[k];
        status = bd_cost_frame(program, hardware, (unsigned)k, false, cost, err);
        if (status == BD_OK) {
            m->cycles[s] = cost->cycles;
            m->energy_nj[s] = cost->energy_nj;
            status = bd_integer_accuracy(program, decoded, (unsigned)k, test, count, &m->integer_accuracy[s], err);
        }
    }
    bd_decoded_free(decoded);
    free(cost);
    return status;
}

bd_status bd_measure(const struct bd_checkpoint *checkpoint, const struct bd_hardware *hardware,
                     const struct bd_dataset *test, size_t count, struct bd_measured *m, struct bd_error *err)
{
    const struct bd_fold_options options = {.max_moved = BD_DEFAULT_MAX_MOVED};
    struct bd_program program;
    struct bd_fold_report report = {0};
    memset(m, 0, sizeof *m);
    count = count && count < test->count ? count : test->count;
    bd_status status = bd_float_accuracy(checkpoint, 0, test, count, m->float_accuracy, err);
    if (status == BD_OK) {
        status = bd_fold(checkpoint, hardware, &options, &program, &report, err);
    }
    if (status == BD_OK) {
        status = measure_program(&program, hardware, &report, test, count, m, err);
        bd_program_release(&program);
    }
    bd_fold_report_release(&report);
    return status;
}
