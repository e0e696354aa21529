/* What a network holds and does, by walking its layers: parameters, multiply-accumulates, bits. All counts are exact
 * integers; the arithmetic of an image counts taps of padding too, as bd_program_macs does. */
#ifndef BD_GRAPH_PARAMETER_COUNT_H
#define BD_GRAPH_PARAMETER_COUNT_H

#include "model/graph/graph.h"

struct bd_layer_counts {
    uint64_t weights; /* of the convolution or classifier; 0 for pooling */
    uint64_t norms;   /* gamma and beta of one switch's batch norm */
    uint64_t biases;  /* of the classifier */
    uint64_t macs;    /* of one image */
};
void bd_layer_counts(const struct bd_layer *layer, struct bd_layer_counts *counts);

/* One switch. Bytes of weights are a layer's bits up to whole bytes; float weights have 32 bits. */
struct bd_switch_counts {
    uint64_t binary_macs;  /* 1-bit weights on +-1 activations: XNOR and popcount */
    uint64_t bit_ops;      /* sum of MACs x weight bits x activation bits, float counted as 32 */
    uint64_t weight_bytes; /* at this switch's bits */
    uint64_t model_bytes;  /* model size as published for quantized networks: first and last layer, their bias, gamma
                            * and beta in float32, all other weights at the switch's bits */
};
void bd_switch_counts(const struct bd_graph *graph, const struct bd_switch *sw, struct bd_switch_counts *counts);

struct bd_graph_counts {
    uint64_t parameters;         /* weights, biases, gamma and beta of one switch */
    uint64_t private_parameters; /* of these, those that each switch has for itself */
    uint64_t macs;
};
void bd_graph_counts(const struct bd_graph *graph, struct bd_graph_counts *counts);

#endif
