/* The plain executor: the definition of right. It runs a program image layer by layer exactly by the arithmetic of
 * README.md, from canonical arrays decoded once from the image, in loops written to be read.
 *
 * Arrays are NHWC for one image: codes (H, W, C) uint8 (a +-1 code is 0 or 1), z (H, W, C) int32. */
#ifndef BD_EXEC_EXEC_H
#define BD_EXEC_EXEC_H

#include <stdint.h>

#include "model/program/decode.h"
#include "model/program/program.h"

/* What one layer left behind; NULL where the layer has no such output. Owned by the frame. */
struct bd_layer_output {
    int height, width, channels;
    uint8_t *codes; /* (H, W, C) */
    int32_t *z;     /* (H, W, C): the stream after this layer, or the logits */
};

struct bd_frame { /* one executed image, all its layers */
    unsigned layer_count;
    struct bd_layer_output *outputs;
    const int32_t *logits; /* (classes), into the last layer's z */
};

/* Runs one image (input_bytes codes, NHWC) at a switch. The frame keeps every layer's output. */
bd_status bd_execute(const struct bd_program *program, const struct bd_decoded *decoded, unsigned switch_index,
                     const uint8_t *image, struct bd_frame *frame, struct bd_error *err) BD_WARN_UNUSED;
void bd_frame_release(struct bd_frame *frame);

/* The weights W that a convolution's sums have, of its c_8 (bd_decoded_codes): from (OC, IC/groups, KH, KW) to
 * (OC, KH, KW, IC/groups); malloc'd. */
int16_t *bd_execute_weights(const struct bd_descriptor *descriptor, const uint8_t *c8);

/* The class of the largest logit, the lowest among equals. */
unsigned bd_argmax(const int32_t *logits, unsigned classes);

/* Stored form: what a device writes at STORE_ADDR for a layer (SPEC in README.md), unpacked to the arrays above,
 * and packed from them. `store` holds header->store_bytes. Channels of padding are ignored and written as 0. */
void bd_store_unpack(const struct bd_program *program, unsigned switch_index, unsigned layer, const uint8_t *store,
                     struct bd_layer_output *output /* arrays allocated by the call */);
void bd_store_pack(const struct bd_program *program, unsigned switch_index, unsigned layer,
                   const struct bd_layer_output *output, uint8_t *store);

#endif
