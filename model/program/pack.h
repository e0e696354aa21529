/* From plain layers with their content to a program image for one geometry: the plan (plan.h) filled with tables and
 * weight planes. Folding (model/fold) makes such layers from a checkpoint; tests make random ones. */
#ifndef BD_PROGRAM_PACK_H
#define BD_PROGRAM_PACK_H

#include "model/program/hardware.h"
#include "model/program/plain.h"
#include "model/program/program.h"

/* Packs for `hardware`; the last layer is the result. What the RTL lacks, and what this hardware has no room or
 * datapath for, is refused by the layer's name with BD_BAD_INPUT, unless `reference_only`: then the image has the
 * layout that hardware of this geometry and unlimited buffers would have, and no device but the reference takes it. */
bd_status bd_pack(const struct bd_plain_network *network, const struct bd_hardware *hardware, bool reference_only,
                  struct bd_program *program, struct bd_error *err) BD_WARN_UNUSED;

#endif
