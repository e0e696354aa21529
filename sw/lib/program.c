/* Hardware configurations, programs, and their prices. */
#include <stdlib.h>

#include "model/core/file.h"
#include "model/core/memory.h"
#include "model/cost/cost.h"
#include "model/cost/pricer.h"
#include "model/exec/fast.h"
#include "model/fold/fold.h"
#include "sw/lib/api.h"

bitdial_status bitdial_hardware_load(const char *path, struct bitdial_hardware **hardware, struct bitdial_error *err)
{
    struct bd_error here;
    struct bitdial_hardware *made = bd_xcalloc(1, sizeof *made);
    bd_status status = bd_hardware_load(&made->hardware, path, &here);
    if (status) {
        free(made);
        return bd_api_give(status, &here, err);
    }
    *hardware = made;
    return BITDIAL_OK;
}

void bitdial_hardware_free(struct bitdial_hardware *hardware)
{
    if (hardware) {
        bd_hardware_release(&hardware->hardware);
        free(hardware);
    }
}

/* ---- programs ---- */

bitdial_status bitdial_compile(const struct bitdial_network *network, const struct bitdial_hardware *hardware,
                               const char *switches, double max_moved, struct bitdial_program **program,
                               struct bitdial_error *err)
{
    struct bd_hardware reference;
    if (!hardware) {
        bd_hardware_reference(&reference);
    }
    struct bd_fold_options options = {
        .switches = switches, .reference = !hardware, .max_moved = max_moved < 0 ? BD_DEFAULT_MAX_MOVED : max_moved};
    struct bd_error here;
    struct bd_fold_report report = {0};
    struct bitdial_program *made = bd_xcalloc(1, sizeof *made);
    bd_status status = bd_fold(&network->checkpoint, hardware ? &hardware->hardware : &reference, &options,
                               &made->program, &report, &here);
    bd_fold_report_release(&report);
    if (!hardware) {
        bd_hardware_release(&reference);
    }
    if (status) {
        free(made);
        return bd_api_give(status, &here, err);
    }
    *program = made;
    return BITDIAL_OK;
}

bitdial_status bitdial_program_load(const char *path, struct bitdial_program **program, struct bitdial_error *err)
{
    struct bd_error here;
    struct bitdial_program *made = bd_xcalloc(1, sizeof *made);
    bd_status status = bd_program_load(&made->program, path, &here);
    if (status) {
        free(made);
        return bd_api_give(status, &here, err);
    }
    *program = made;
    return BITDIAL_OK;
}

bitdial_status bitdial_program_open(const void *bytes, size_t size, struct bitdial_program **program,
                                    struct bitdial_error *err)
{
    struct bd_error here;
    struct bitdial_program *made = bd_xcalloc(1, sizeof *made);
    bd_status status = bd_program_open(&made->program, "program in memory", bytes, size, &here);
    if (status) {
        free(made);
        return bd_api_give(status, &here, err);
    }
    *program = made;
    return BITDIAL_OK;
}

bitdial_status bitdial_program_save(const struct bitdial_program *program, const char *path, struct bitdial_error *err)
{
    struct bd_error here;
    return bd_api_give(bd_file_write(path, program->program.image, program->program.size, &here), &here, err);
}

void bitdial_program_free(struct bitdial_program *program)
{
    if (program) {
        bd_decoded_free(program->decoded);
        bd_program_release(&program->program);
        free(program);
    }
}

struct bitdial_program_info bitdial_program_info(const struct bitdial_program *program)
{
    const struct bd_program_header *h = program->program.header;
    return (struct bitdial_program_info){.name = h->network,
                                         .height = (int)h->input_height,
                                         .width = (int)h->input_width,
                                         .channels = (int)h->input_channels,
                                         .classes = (int)h->classes,
                                         .switch_count = (int)h->switch_count,
                                         .layer_count = (int)h->layer_count,
                                         .image_bytes = program->program.size};
}

const char *bitdial_program_switch_name(const struct bitdial_program *program, int switch_index)
{
    return switch_index >= 0 && switch_index < (int)program->program.header->switch_count
               ? program->program.switches[switch_index].name
               : NULL;
}

int bitdial_program_switch(const struct bitdial_program *program, const char *name)
{
    return bd_program_switch(&program->program, name);
}

bitdial_status bitdial_program_run(const struct bitdial_program *program, int switch_index, const uint8_t *bytes,
                                   size_t count, int32_t *logits, struct bitdial_error *err)
{
    if (bd_api_check_switch(switch_index, (int)program->program.header->switch_count, err)) {
        return err->status;
    }
    struct bd_error here;
    struct bitdial_program *own = (struct bitdial_program *)program; /* the decoded form is a cache */
    bd_status status = own->decoded ? BD_OK : bd_decode(&program->program, &own->decoded, &here);
    status =
        status ? status
               : bd_execute_fast(&program->program, own->decoded, (unsigned)switch_index, bytes, count, logits, &here);
    return bd_api_give(status, &here, err);
}

/* ---- prices ---- */

static struct bitdial_cost summary(const struct bd_program_header *h, const struct bd_load_descriptor *load,
                                   const struct bitdial_hardware *hardware, const struct bd_frame_cost *c)
{
    uint64_t bytes;
    const uint64_t clocks = bd_cost_load(h, load, &hardware->hardware.memory, &bytes);
    return (struct bitdial_cost){.clocks = c->cycles,
                                 .compute = c->compute,
                                 .weight_stall = c->weight_stall,
                                 .input_stall = c->input_stall,
                                 .output_stall = c->output_stall,
                                 .overhead = c->overhead,
                                 .read_bytes = c->read_bytes,
                                 .write_bytes = c->write_bytes,
                                 .image_bytes = h->image_bytes,
                                 .weight_bytes = h->weight_bytes,
                                 .table_bytes = h->table_bytes,
                                 .load_clocks = clocks,
                                 .load_bytes = bytes,
                                 .energy_nj = c->energy_nj};
}

bitdial_status bitdial_program_cost(const struct bitdial_program *program, const struct bitdial_hardware *hardware,
                                    int switch_index, struct bitdial_cost *cost, struct bitdial_error *err)
{
    if (bd_api_check_switch(switch_index, (int)program->program.header->switch_count, err)) {
        return err->status;
    }
    struct bd_error here;
    struct bd_frame_cost *frame = bd_xcalloc(1, sizeof *frame);
    bd_status status =
        bd_cost_frame(&program->program, &hardware->hardware, (unsigned)switch_index, false, frame, &here);
    if (!status) {
        *cost = summary(program->program.header, bd_program_load_descriptor(&program->program), hardware, frame);
    }
    free(frame);
    return bd_api_give(status, &here, err);
}

bitdial_status bitdial_network_cost(const struct bitdial_network *network, const struct bitdial_hardware *hardware,
                                    int switch_index, struct bitdial_cost *cost, struct bitdial_error *err)
{
    const struct bd_graph *graph = &network->checkpoint.graph;
    if (bd_api_check_switch(switch_index, graph->switch_count, err)) {
        return err->status;
    }
    struct bd_error here;
    struct bd_pricer pricer;
    bd_status status = bd_pricer_init(&pricer, graph, &hardware->hardware, switch_index, &here);
    status = status ? status : bd_pricer_price(&pricer, NULL, &here);
    if (!status) {
        *cost = summary(&pricer.plan.header, &pricer.plan.load, hardware, pricer.cost);
    }
    bd_pricer_release(&pricer);
    return bd_api_give(status, &here, err);
}
