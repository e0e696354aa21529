/* Random small networks for tests of anything that runs a program image: every weight and activation width,
 * +-1 activations, weights with a zero point, kernels 1..9, strides 1..4, padding up to half the kernel,
 * channels 1..70, depthwise filters, residual adds, projections, pooling of maps and windows, saturation, streams in 16
 * and 32 bits, several switches, some with weight planes of their own, both datapaths that the hardware has.
 *
 * Deterministic in (seed, index, geometry). Widths are dealt out by index: any 64 networks in a row hold every
 * pair (weight bits, activation bits) of 1..8 x 1..8 at their first switch, in every layer but those that read the
 * image or hold fixed-precision weights. Everything fits the buffers of `hardware`, where they are small in bands whose
 * maps stream through memory: where a network would not, it is drawn again with fewer channels and pixels. */
#ifndef BD_PROGRAM_RANDOM_NETWORK_H
#define BD_PROGRAM_RANDOM_NETWORK_H

#include <stdint.h>

#include "model/core/error.h"
#include "model/program/hardware.h"
#include "model/program/program.h"

/* Network number `index` of the sequence `seed`, packed for `hardware`. Release it with bd_program_release. */
bd_status bd_random_network(uint64_t seed, uint32_t index, const struct bd_hardware *hardware,
                            struct bd_program *program, struct bd_error *err) BD_WARN_UNUSED;

/* The same network, packed for `other`. */
bd_status bd_random_network_elsewhere(uint64_t seed, uint32_t index, const struct bd_hardware *hardware,
                                      const struct bd_hardware *other, struct bd_program *program, struct bd_error *err)
    BD_WARN_UNUSED;

/* The same with what the reference alone runs, groups of several channels, and images of fewer bits; packed for the
 * reference in the layout of `hardware`. */
bd_status bd_random_reference_network(uint64_t seed, uint32_t index, const struct bd_hardware *hardware,
                                      struct bd_program *program, struct bd_error *err) BD_WARN_UNUSED;

/* Fills image[header->input_bytes] with random codes that the first layer's width allows at every switch. */
void bd_random_image(const struct bd_program *program, uint64_t seed, uint8_t *image);

#endif
