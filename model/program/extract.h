/* What a program image holds, free of any hardware layout: a description and arrays in files, from which another
 * implementation of model/exec/README.md can run the network. */
#ifndef BD_PROGRAM_EXTRACT_H
#define BD_PROGRAM_EXTRACT_H

#include "model/program/program.h"

/* Writes network.json, and per layer NNN layerNNN_codes.npy (OC, IC/groups, KH, KW) uint8 and per switch S
 * layerNNN_switchS_m.npy (OC) int32 and layerNNN_switchS_b.npy (OC) int64; where a switch has weight codes of its own
 * layerNNN_switchS_codes.npy. Makes the folder. network.json goes last: where it stands, all arrays do. */
bd_status bd_program_extract(const struct bd_program *program, const char *folder, struct bd_error *err) BD_WARN_UNUSED;

#endif
