/* What a device refuses: the rules of the RTL in C, for the compiler, the verifier of programs and the device model.
 * Those of single words come from hw/descriptor.yaml (descriptor.h); those over several stand here and in
 * hw/control/descriptor_slot.sv, and sim/bench compares the two. That what a descriptor describes fits together and
 * stays inside the memories is no rule of the RTL but the verifier's (verify.h). */
#ifndef BD_PROGRAM_DEVICE_RULES_H
#define BD_PROGRAM_DEVICE_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "model/program/program.h"

struct bd_refusal {
    unsigned word; /* of the descriptor: the first at fault */
    char why[128]; /* "in_channels is 4096; a device takes 1..4095" */
};

/* Whether a device takes `d` as layer `layer` (from 0) of a list of `layer_count` layers. Of `geometry` the
 * datapaths and rows are read. On false, `refusal` says why. */
bool bd_device_takes(const struct bd_descriptor *d, const struct bd_program_header *geometry, uint32_t layer,
                     uint32_t layer_count, struct bd_refusal *refusal);

#endif
