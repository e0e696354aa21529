/* Requantizer numbers of random layers: scales under which sums of the layer's size reach the codes, with signs,
 * extreme multipliers and large biases mixed in. */
#ifndef BD_PROGRAM_RANDOM_REQUANT_H
#define BD_PROGRAM_RANDOM_REQUANT_H

#include <stdbool.h>

#include "model/core/rng.h"
#include "model/program/plain.h"

struct bd_random_scale {
    double acc_spread; /* standard deviation of the layer's sums, about */
    double acc_most;   /* the largest that they may be; used where `narrow` */
    int mult_bits;     /* of the hardware */
    bool saturate;     /* the stream meets the limits of 32 bits */
    bool narrow;       /* the stream has 16 bits at this switch */
};

/* Sets M[out_channels], B[out_channels] (malloc'd, the caller frees) and the shifts of `layer` at switch s, whose bits
 * and flags are set. The numbers of a channel follow from `rng` and from the channels before it alone. */
void bd_random_requant(struct bd_rng *rng, struct bd_plain_layer *layer, int s, const struct bd_random_scale *scale);

#endif
