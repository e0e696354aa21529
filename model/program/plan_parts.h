/* What the files of the plan share: plan_tensors.c places activations; plan.c makes descriptors and offsets. */
#ifndef BD_PROGRAM_PLAN_PARTS_H
#define BD_PROGRAM_PLAN_PARTS_H

#include "model/program/plan.h"

#define BD_PLAN_MAX_TENSORS (BD_PROGRAM_MAX_LAYERS + 1)

struct bd_plan_tensor {
    bool used;
    int writer, last_reader; /* layer indices; writer -1 is the input */
    uint32_t height, width, channels, reader_kernel, reader_pad;
    struct bd_tensor_layout layout;
    uint32_t base;
};

/* What does not depend on the number of channels. */
struct bd_plan_layer {
    uint32_t presets[BD_PROGRAM_MAX_SWITCHES], table_stride[BD_PROGRAM_MAX_SWITCHES];
    int stored_by[BD_PROGRAM_MAX_SWITCHES]; /* whose planes a switch reads */
    int store_count;                        /* switches that store planes: which, and how many planes */
    int store_switch[BD_PROGRAM_MAX_SWITCHES];
    uint32_t store_planes[BD_PROGRAM_MAX_SWITCHES];
    uint32_t most_weight_bits;
    double most_of_a_channel; /* the largest that one input channel can add to an accumulator */
};

/* Which tensors there are, with writers, readers and shapes. */
bd_status bd_plan_collect_tensors(struct bd_plan *plan, struct bd_error *err) BD_WARN_UNUSED;
/* Places them: a tensor may lie wherever no tensor still to be read lies. Tensors are placed in the order of their
 * writers, which is the order of their indices or is made so by the caller. For the reference the buffer is made as
 * large as need be. */
bd_status bd_plan_place_tensors(struct bd_plan *plan, struct bd_error *err) BD_WARN_UNUSED;

/* "layer 'x' of 'n' cannot run on hardware 'h': its ... need N words of the ..., which has M" */
bd_status bd_plan_refuse_size(const struct bd_plan *plan, int layer, const char *what, uint64_t needed,
                              const char *buffer, uint64_t size, struct bd_error *err);

#endif
