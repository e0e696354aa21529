/* A plain network: integer layers in the order in which they run, with the bits of every switch, before anything is
 * placed. Its shape says how a program for it is laid out (plan.h); its content, weights and requantizer numbers, is
 * what the packer writes there (pack.h). A graph gives the shape (bd_plain_from_graph), for folding, which adds the
 * content from a checkpoint, and for prices, which need none. */
#ifndef BD_PROGRAM_PLAIN_H
#define BD_PROGRAM_PLAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "model/core/error.h"
#include "model/program/program.h"

struct bd_graph;

/* Content: what one switch does with the sums of one layer. M, B: out_channels each, owned by the caller. */
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
    int weight_zero_point; /* 0: W = 2c + 1 - 2^b; 1: (2c + 1 - 2^b - 1) / 2 */
    bool own_planes;       /* weight_bits planes of codes of its own, where codes do not nest; else the layer's */
    int same_as;           /* own planes: the first switch whose codes are equal whatever the weights; or this one */
    /* content */
    const uint8_t *codes; /* of a switch that is same_as itself, in the form of the layer's */
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
    int weight_planes; /* CONV: of the layer's codes: 8, or fewer where no switch reads more */
    struct bd_plain_layer_switch at[BD_PROGRAM_MAX_SWITCHES];
    /* content */
    const uint8_t *codes; /* c_8 (OC, IC/groups, KH, KW): one byte a weight; NULL where no switch reads them */
};

struct bd_plain_network {
    const char *name;
    int switch_count, layer_count, classes;
    bool narrow_stream[BD_PROGRAM_MAX_SWITCHES]; /* kept in 16 bits: stays below 2^15, which opening the program proves
                                                  */
    struct bd_program_switch switches[BD_PROGRAM_MAX_SWITCHES];
    struct bd_plain_layer *layers;
};

/* The shape of a graph's integers at some of its switches (indices, in the program's order; 1 or more); no content.
 * Names point into the graph; the layers are owned: bd_plain_release. What trains and evaluates in float only is
 * BD_BAD_INPUT, by the layer's or the switch's name, and nothing is held then.
 *
 * The stream. It is kept in 16 bits at a switch whose codes of it have at most two bits (those of a pooled map aside):
 * 16 bits over the whole proven range leave too few of them below the point for finer codes.
 *
 * Weight planes. Where codes nest they are the layer's, as many as the widest switch reads. Else a switch has its own,
 * and shares them with the first that reads its weights by the same rule: equal bits, and a level that is one for
 * both (bd_weight_level_shared). Codes that only happen to be equal are stored twice, so that a description says
 * where everything lies. */
bd_status bd_plain_from_graph(struct bd_plain_network *network, const struct bd_graph *graph, const int *switches,
                              int switch_count, struct bd_error *err) BD_WARN_UNUSED;
void bd_plain_release(struct bd_plain_network *network);

/* The switches of a graph that hardware can run, all but those of float activations: how many, and which. */
int bd_plain_switches(const struct bd_graph *graph, int switches[BD_PROGRAM_MAX_SWITCHES]);

/* What the RTL lacks for an operation of that shape, in words that end "layer 'x' needs ...": other groups than
 * depthwise, larger kernels, strides or paddings. NULL: it has everything. `kernel`, `pad`: square and symmetric. */
const char *bd_rtl_lacks(int groups, int kernel, int stride, int pad);

#endif
