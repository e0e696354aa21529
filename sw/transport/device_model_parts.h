/* What the parts of the device model share: its state, and a frame's work (device_frame.c) beneath registers, queue and
 * time (device_model.c). */
#ifndef BD_TRANSPORT_DEVICE_MODEL_PARTS_H
#define BD_TRANSPORT_DEVICE_MODEL_PARTS_H

#include "model/cost/cost.h"
#include "model/exec/exec.h"
#include "sw/driver/bitdial_regs.h"
#include "sw/transport/device_model.h"

enum { BD_MODEL_QUEUE = 2, BD_MODEL_IN_FLIGHT = 3 };

struct bd_model_request { /* what a doorbell latches: all that its frame uses */
    uint64_t program, input, output, store_address;
    uint32_t desc_offset, switch_stride, layer_count, switch_index, tag, frame_limit;
    uint64_t generation;
    bool store;
};

struct bd_model_result { /* of a frame that ended well */
    uint32_t tag, switch_index;
    uint64_t counters[6]; /* total, compute, weight stall, input stall, output stall, overhead */
};

struct bd_device_model {
    struct bd_guarded_memory *memory;
    struct bd_hardware hardware;                  /* its strings stay the caller's */
    uint32_t registers[BITDIAL_WINDOW_BYTES / 4]; /* rw registers as written */
    uint32_t error, error_layer, cause;
    struct bd_model_request queue[BD_MODEL_QUEUE], running;
    unsigned queued;
    bool busy;
    uint64_t now, start, end;
    uint64_t frame_cycles, frames;
    uint32_t frame_count, upper;                               /* half of the counter whose lower half was read last */
    struct bd_model_result shown, results[BD_MODEL_IN_FLIGHT]; /* acknowledged last; not acknowledged, oldest first */
    unsigned result_count;
    struct bd_frame_cost running_cost;
    uint64_t generation;        /* counts whatever says that the program may be another one */
    bool loaded;                /* a frame has brought a program onto the chip: */
    uint64_t loaded_generation; /* this one */
    /* the program as last read from memory, and what was made of it */
    bool opened;
    uint8_t *seen;
    size_t seen_size;
    struct bd_program program;
    struct bd_decoded *decoded;
    bool priced[BD_PROGRAM_MAX_SWITCHES][2];
    struct bd_frame_cost prices[BD_PROGRAM_MAX_SWITCHES][2];
    struct bd_frame frame; /* of the running frame */
};

/* Reads program and image of the frame in `running` as the RTL does, prices and executes it. Returns an error code of
 * STATUS, with the layer at which it aborts the frame. */
uint32_t bd_device_frame_begin(struct bd_device_model *model, uint32_t *layer);
/* Writes the running frame's result and the layers that it stores; false is a bus error. */
bool bd_device_frame_write(struct bd_device_model *model);
/* Forgets the program that was read from memory last. */
void bd_device_frame_forget(struct bd_device_model *model);

#endif
