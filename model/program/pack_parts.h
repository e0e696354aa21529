/* What the files of the packer share: pack.c checks the content and plans, pack_image.c writes the image. */
#ifndef BD_PROGRAM_PACK_PARTS_H
#define BD_PROGRAM_PACK_PARTS_H

#include "model/program/plan.h"

/* The codes that a switch reads of a layer. */
static inline const uint8_t *bd_pack_codes(const struct bd_plain_layer *layer, int s)
{
    return layer->at[s].own_planes ? layer->at[layer->at[s].same_as].codes : layer->codes;
}

/* Tables, weight planes and all else, CRC included: plan->header.image_bytes bytes, the caller's to free. */
uint8_t *bd_pack_image(const struct bd_plan *plan);

#endif
