/* A network in figures, by switch: accuracy in float and in integers, clocks and energy of a frame, bytes. */
#ifndef BD_PRUNE_MEASURE_H
#define BD_PRUNE_MEASURE_H

#include "model/checkpoint/checkpoint.h"
#include "model/data/dataset.h"
#include "model/program/hardware.h"

struct bd_measured { /* by switch index of the graph; 0 where integers cannot run a switch */
    double float_accuracy[BD_MAX_SWITCHES], integer_accuracy[BD_MAX_SWITCHES], energy_nj[BD_MAX_SWITCHES];
    uint64_t cycles[BD_MAX_SWITCHES], image_bytes;
};

/* Folds the checkpoint for the hardware and measures it on the first `count` images (0: all) of a set in memory. */
bd_status bd_measure(const struct bd_checkpoint *checkpoint, const struct bd_hardware *hardware,
                     const struct bd_dataset *test, size_t count, struct bd_measured *measured, struct bd_error *err)
    BD_WARN_UNUSED;

#endif
