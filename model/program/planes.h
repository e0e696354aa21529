/* Weight planes of an image read back by the layout alone. */
#ifndef BD_PROGRAM_PLANES_H
#define BD_PROGRAM_PLANES_H

#include "model/program/program.h"

/* Codes of a layer as a switch reads them: the top `planes` bits, left-aligned to 8, as (OC, IC/groups, KH, KW). */
uint8_t *bd_planes_read(const struct bd_program *program, const struct bd_descriptor *d, uint32_t planes);
/* Bytes of one plane of a row group; the bits of `rows` rows that hold weights are set. */
uint8_t *bd_planes_mask(const struct bd_program_header *geometry, const struct bd_descriptor *d, uint32_t rows);

#endif
