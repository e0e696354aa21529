/* What the files of the plan share: plan_tensors.c places activations and the residual stream, plan_datapath.c chooses
 * layouts and datapaths, plan_memory.c says what stays on the chip; plan.c makes descriptors and offsets of it. */
#ifndef BD_PROGRAM_PLAN_PARTS_H
#define BD_PROGRAM_PLAN_PARTS_H

#include "model/program/plan.h"

#define BD_PLAN_MAX_TENSORS (BD_PROGRAM_MAX_LAYERS + 1)

struct bd_plan_tensor {
    bool used;
    int writer, last_reader; /* layer indices; writer -1 is the input */
    uint32_t height, width, channels;
    bool read, wants_windows; /* some reader is no 1x1 without padding, or is depthwise */
    uint32_t layout;
    uint64_t words; /* of each bank, at the switch with the most */
    uint32_t base;
};

struct bd_plan_layer {
    /* planes: */
    int stored_by[BD_PROGRAM_MAX_SWITCHES];
    uint32_t planes[BD_PROGRAM_MAX_SWITCHES]; /* of a switch that stores */
    /* words over all row groups and switches, and of one streamed row group at its most */
    uint64_t weight_words, weight_chunk, table_words, correct_words, correct_chunk;
    bool streams_weights, streams_tables;
};

/* Which tensors there are, with writers, readers and shapes. */
bd_status bd_plan_collect_tensors(struct bd_plan *plan, struct bd_error *err) BD_WARN_UNUSED;
/* Places them: a tensor may lie wherever no tensor still to be read lies. Tensors are placed in the order of their
 * writers, which is the order of their indices or is made so by the caller. For the reference the memory is made as
 * large as need be. */
bd_status bd_plan_place_tensors(struct bd_plan *plan, struct bd_error *err) BD_WARN_UNUSED;
/* Bases and widths of the residual stream. */
bd_status bd_plan_place_stream(struct bd_plan *plan, struct bd_error *err) BD_WARN_UNUSED;

/* Layouts of the tensors, and the datapath of every layer at every switch; descriptors are derived then. */
bd_status bd_plan_choose_datapaths(struct bd_plan *plan, struct bd_error *err) BD_WARN_UNUSED;

/* Which planes are stored, what stays on the chip, and every base, offset and slot. */
bd_status bd_plan_place_memories(struct bd_plan *plan, struct bd_error *err) BD_WARN_UNUSED;

/* "layer 'x' of 'n' cannot run on hardware 'h': its ... need N words of the ..., which has M" */
bd_status bd_plan_refuse_size(const struct bd_plan *plan, int layer, const char *what, uint64_t needed,
                              const char *memory, uint64_t size, struct bd_error *err);
/* "layer 'x' of 'n' cannot run on hardware 'h': ..." */
bd_status bd_plan_refuse(const struct bd_plan *plan, int layer, const char *why, struct bd_error *err);

#endif
