/* From plain integer layers to a program image: layout of tensors, weights and tables for one geometry.
 * Folding (fold.h) makes such layers from a checkpoint; tests make random ones. */
#ifndef BD_PROGRAM_PACK_H
#define BD_PROGRAM_PACK_H

#include <stdbool.h>
#include <stdint.h>

#include "model/program/hardware.h"
#include "model/program/program.h"

/* What one switch does with one layer. M, B: out_channels each, owned by the caller. */
struct bd_plain_requant {
    const int32_t *multiplier;   /* M[out_channels] */
    const int64_t *bias;         /* B[out_channels], 48 bits signed */
    int shift;                   /* sh 0..47 */
    uint32_t code_multiplier;    /* S < 2^18 */
    int32_t code_offset;         /* H */
    int code_shift;              /* ss 0..31 */
    int32_t residual_multiplier; /* R, 1 */
    int residual_shift;          /* rs, 0 */
};

struct bd_plain_layer_switch {
    int weight_bits, in_bits, out_bits; /* out_bits 0 where no codes leave */
    bool in_signed, out_signed;
    int datapath;          /* bd_datapath, or -1: the cheaper one that the hardware has */
    const uint8_t *codes;  /* weight_bits planes of the switch's own, in the form of the layer's; NULL: the layer's */
    int weight_zero_point; /* 0: W = 2c + 1 - 2^b; 1: (2c + 1 - 2^b - 1) / 2 */
    struct bd_plain_requant requant;
};

struct bd_plain_layer {
    const char *name;
    enum bd_operation operation;
    enum bd_pool_kind pool_kind; /* POOL */
    int in_tensor;  /* index of the code tensor read (CONV); 0 is the network's input. POOL: -1, reads the stream */
    int out_tensor; /* index of the code tensor written, or -1; each is written by one layer */
    bool writes_stream, adds_stream;
    int in_height, in_width, in_channels, out_height, out_width, out_channels;
    int kernel_h, kernel_w, stride, pad, groups;
    int weight_planes;    /* CONV: of `codes`: 8, or fewer where no switch reads more */
    const uint8_t *codes; /* c_8 (OC, IC/groups, KH, KW): one byte a weight; NULL where no switch reads them */
    struct bd_plain_layer_switch at[BD_PROGRAM_MAX_SWITCHES];
};

struct bd_plain_network {
    const char *name;
    int switch_count, layer_count, classes, z_frac;
    struct bd_program_switch switches[BD_PROGRAM_MAX_SWITCHES];
    const struct bd_plain_layer *layers;
};

/* What the RTL lacks for an operation of that shape, in words that end "layer 'x' needs ...": groups, max pooling,
 * other kernels, strides or paddings. NULL: it has everything. `kernel`, `pad`: square and symmetric. */
const char *bd_rtl_lacks(bool max_pool, int groups, int kernel, int stride, int pad);

/* Packs for `hardware`; the last layer is the result. Switches whose own planes are equal share them. What the RTL
 * lacks (these, and weights with a zero point), and what this hardware has no room or datapath for, is refused by the
 * layer's name with BD_BAD_INPUT, unless `reference_only`: then the image has the layout that hardware of this geometry
 * and unlimited buffers would have, and no device but the reference takes it. */
bd_status bd_pack(const struct bd_plain_network *network, const struct bd_hardware *hardware, bool reference_only,
                  struct bd_program *program, struct bd_error *err) BD_WARN_UNUSED;

#endif
