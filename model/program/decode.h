/* A program image read back: weights as codes, tables as arrays, and which layer's output each layer reads. Decoded by
 * the layout alone, not copied from what packed it. */
#ifndef BD_PROGRAM_DECODE_H
#define BD_PROGRAM_DECODE_H

#include <stdint.h>

#include "model/program/program.h"

/* Canonical contents of an image. */
struct bd_decoded;
bd_status bd_decode(const struct bd_program *program, struct bd_decoded **decoded, struct bd_error *err) BD_WARN_UNUSED;
void bd_decoded_free(struct bd_decoded *decoded);
/* c_8-style code (value of the top weight_planes bits, left-aligned to 8) of weight (oc, ic, ky, kx) of a layer. */
const uint8_t *bd_decoded_codes(const struct bd_decoded *decoded, unsigned switch_index,
                                unsigned layer); /* (OC, IC/groups, KH, KW); NULL for pooling; one array for the
                                                  * switches that read the same planes */
/* M and B as model/exec/README.md has them; of layers with SIGN_ONLY those of its threshold. */
const int32_t *bd_decoded_multipliers(const struct bd_decoded *decoded, unsigned switch_index, unsigned layer);
const int64_t *bd_decoded_biases(const struct bd_decoded *decoded, unsigned switch_index, unsigned layer);

/* The layer whose codes a layer reads, -1 for the network's input; found by following the activation memory, and
 * checked: nothing may overwrite a tensor before its last reader. Pooling reads the stream: -2. */
int bd_decoded_producer(const struct bd_decoded *decoded, unsigned layer);

#endif
