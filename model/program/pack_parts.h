/* What the files of the packer share: pack.c checks the content and plans, pack_image.c writes the image, pack_sign.c
 * turns requantizers into thresholds. */
#ifndef BD_PROGRAM_PACK_PARTS_H
#define BD_PROGRAM_PACK_PARTS_H

#include "model/program/plan.h"

/* The codes that a switch reads of a layer. */
static inline const uint8_t *bd_pack_codes(const struct bd_plain_layer *layer, int s)
{
    return layer->at[s].own_planes ? layer->at[layer->at[s].same_as].codes : layer->codes;
}

struct bd_pack_row {
    int64_t multiplier, bias;
};

/* M, 1, 0 or -1, and B with which M acc + B >= 0 exactly where the requantizer's code is 1: for every 32-bit acc. */
struct bd_pack_row bd_pack_sign(const struct bd_plain_requant *requant, uint32_t channel);

/* Tables, weight planes and all else, CRC included: plan->header.image_bytes bytes, the caller's to free. */
uint8_t *bd_pack_image(const struct bd_plan *plan);

#endif
