/* A checkpoint that nobody trained: random weights, batch norm of plausible size with the awkward cases among them
 * (negative and zero gamma, large means), random clip levels. For tests of what reads checkpoints, and to run and time
 * a network before it is trained (bitdial compile --random-weights). */
#ifndef BD_CHECKPOINT_RANDOM_CHECKPOINT_H
#define BD_CHECKPOINT_RANDOM_CHECKPOINT_H

#include <stdint.h>

#include "model/checkpoint/checkpoint.h"
#include "model/core/error.h"

/* Of the network described at `path`; deterministic in the seed. Release it with bd_checkpoint_release. */
bd_status bd_random_checkpoint(const char *path, uint64_t seed, struct bd_checkpoint *checkpoint, struct bd_error *err)
    BD_WARN_UNUSED;
/* The arrays alone, for a checkpoint whose graph stands and that has none. */
void bd_random_arrays(struct bd_checkpoint *checkpoint, uint64_t seed);

#endif
