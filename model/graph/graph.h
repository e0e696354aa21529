/* A network description turned into typed layers with shapes, in execution order.
 *
 * The residual stream r carries real values; a *quantizer* turns it (or an inner batch norm's output) into the
 * activation codes that convolutions read. A layer is one accumulation (convolution, pooling, classifier), its
 * batch norm, and what leaves it: values to the residual stream (`writes_stream`, after adding the stream when
 * `adds_stream`), codes of quantizer `out_quantizer`, or logits. Block `basic`:
 *     r' = S(r) + BN(conv2(Q2(BN(conv1(Q1(r))))))
 * with S the identity, or a strided 1x1 convolution with batch norm that reads the same codes Q1(r) and runs
 * first (its layer writes the stream without adding), or that convolution of the means of 2x2 codes. `bireal`: one such
 * shortcut around every convolution.
 *
 * Blocks without a shortcut make no stream: `plain`, BN(conv(Q(r))), and `separable`, a depthwise convolution (groups
 * equal to its channels) and a 1x1, each reading codes straight from the batch norm before it. Their last layer writes
 * the stream only where pooling or a shortcut takes its values. */
#ifndef BD_GRAPH_GRAPH_H
#define BD_GRAPH_GRAPH_H

#include <stdbool.h>
#include <stdint.h>

#include "model/core/error.h"
#include "model/core/yaml.h"

#define BD_MAX_SWITCHES 16
#define BD_MAX_LAYERS 256
#define BD_NAME_SIZE 48

/* One operating point, written w<weight bits>a<activation bits>; w1a32 (activation_bits 32) trains only. */
struct bd_switch {
    int weight_bits;     /* 1..8 */
    int activation_bits; /* 1..8 or 32 */
    char name[8];
};

/* What a layer's accumulator is, before its requantizer: a sum of products of codes and weights, the sum of values of
 * the residual stream, or the largest of them. A sum of values stands for their mean. */
enum bd_accumulator { BD_SUM_OF_PRODUCTS, BD_SUM_OF_VALUES, BD_LARGEST_VALUE };

/* Every kind of layer, a row each: X(kind, name, accumulator, norm, bias, windows)
 *   name         of pooling windows: its key in a description
 *   accumulator  products: it reads codes and has weights; values: it reads the residual stream and has none
 *   norm         batch norm, for each switch
 *   bias         a bias for each channel, shared by the switches
 *   windows      its kernel slides over the map in strides; else it takes the whole map at once
 * A new kind is a new row; `switch` statements over kinds have no default, so that the compiler names what else asks.
 */
#define BD_LAYER_KINDS(X)                                                                                              \
    X(CONV, "conv", BD_SUM_OF_PRODUCTS, true, false, true)                                                             \
    X(POOL, "average", BD_SUM_OF_VALUES, false, false, false)                                                          \
    X(CLASSIFIER, "classifier", BD_SUM_OF_PRODUCTS, false, true, false)                                                \
    X(MAXPOOL, "max_pool", BD_LARGEST_VALUE, false, false, true)                                                       \
    X(MEANPOOL, "average_pool", BD_SUM_OF_VALUES, false, false, true)

enum bd_layer_kind {
#define X(kind, name, accumulator, norm, bias, windows) BD_LAYER_##kind,
    BD_LAYER_KINDS(X)
#undef X
};
enum {
#define X(kind, name, accumulator, norm, bias, windows) +1
    BD_LAYER_KIND_COUNT = 0 BD_LAYER_KINDS(X)
#undef X
};

struct bd_layer_kind_row {
    const char *name;
    enum bd_accumulator accumulator;
    bool norm, bias, windows;
};
extern const struct bd_layer_kind_row bd_layer_kinds[BD_LAYER_KIND_COUNT];

/* The quantizers of a network (model/quant); the first of each is the default. */
enum bd_weight_quantizer { BD_WEIGHTS_FLOOR, BD_WEIGHTS_DOREFA, BD_WEIGHTS_LSQ };
enum bd_activation_quantizer {
    BD_ACTIVATIONS_PACT,
    BD_ACTIVATIONS_PACT_PUBLISHED,
    BD_ACTIVATIONS_DOREFA,
    BD_ACTIVATIONS_LSQ
};
enum bd_sign_gradient { BD_SIGN_CLIP, BD_SIGN_BIREAL };
/* What one unit of a 1-bit weight is worth: equal root mean square at every switch, or mean |w| of the layer or filter.
 */
enum bd_weight_unit { BD_UNIT_RMS, BD_UNIT_LAYER, BD_UNIT_FILTER };

#define BD_QUANTIZER_INPUT 0 /* the raw pixel: code p worth p/255, always 8 bits unsigned */

struct bd_quantizer {
    char name[BD_NAME_SIZE];
    int bits; /* 0: the switch's activation bits; else fixed; 32: clipped, not quantized, trains only */
    int channels, height, width;
};

struct bd_layer {
    char
        name[BD_NAME_SIZE]; /* stem, stem.pool, s1b1.conv1, s2b1.proj, s1b1.conv, s1b1.dw, s1b1.pw, s1.pool, pool, fc */
    enum bd_layer_kind kind;
    int in_quantizer;  /* index into quantizers; -1 where it reads the stream */
    int out_quantizer; /* index, or -1 */
    bool writes_stream, adds_stream;
    int weight_bits; /* 0: the switch's; else fixed (stem and classifier: 8); 32: float, trains only */
    int in_channels, out_channels, groups;
    bool averages;                       /* its one tap reads the mean of a 2x2 window of codes: bd_layer_side */
    int kernel_h, kernel_w, stride, pad; /* square stride and symmetric padding; in MAXPOOL padding never wins */
    int in_height, in_width, out_height, out_width;
    int prune_group; /* index of the prunable channel group that this layer's outputs belong to, or -1 */
};

struct bd_graph {
    char name[BD_NAME_SIZE];
    char *yaml_text; /* the description as loaded; kept in checkpoints so that they stand alone */
    int input_height, input_width, input_channels, classes;
    enum bd_weight_quantizer weights;
    enum bd_activation_quantizer activations;
    enum bd_sign_gradient sign_gradient;
    enum bd_weight_unit weight_unit;
    int switch_count;
    struct bd_switch switches[BD_MAX_SWITCHES]; /* from the highest precision to the lowest */
    int layer_count, quantizer_count, prune_group_count;
    struct bd_layer *layers;
    struct bd_quantizer *quantizers;
};

bd_status bd_graph_load(struct bd_graph *graph, const char *path, struct bd_error *err) BD_WARN_UNUSED;
bd_status bd_graph_parse(struct bd_graph *graph, const char *name_for_messages, const char *text, size_t size,
                         struct bd_error *err) BD_WARN_UNUSED;
void bd_graph_release(struct bd_graph *graph);

/* A copy of `graph` with `group_channels[g]` (1 or more) channels in prune group g: what pruning makes. The copy's
 * yaml_text is written out in full, so that the pruned network stands alone. */
bd_status bd_graph_resize(const struct bd_graph *graph, const int *group_channels, struct bd_graph *resized,
                          struct bd_error *err) BD_WARN_UNUSED;

/* What differs from one data set to the next; 0 and NULL leave what the description says. */
struct bd_graph_shape {
    int height, width, channels, classes;
    const char *switches; /* names separated by commas, from the highest precision to the lowest */
};

/* A copy of `graph` for other images, classes or switches; its yaml_text is written out in full. */
bd_status bd_graph_adapt(const struct bd_graph *graph, const struct bd_graph_shape *shape, struct bd_graph *adapted,
                         struct bd_error *err) BD_WARN_UNUSED;

/* Channels of a prune group. */
int bd_graph_group_channels(const struct bd_graph *graph, int group);
/* Index of the layer that emits a quantizer's codes; -1 for BD_QUANTIZER_INPUT. */
int bd_graph_producer(const struct bd_graph *graph, int quantizer);

/* Index of a switch by name, or -1. */
int bd_graph_switch(const struct bd_graph *graph, const char *name);
/* The words of the YAML. */
const char *bd_weight_quantizer_name(enum bd_weight_quantizer quantizer);
const char *bd_activation_quantizer_name(enum bd_activation_quantizer quantizer);
const char *bd_sign_gradient_name(enum bd_sign_gradient gradient);
const char *bd_weight_unit_name(enum bd_weight_unit unit);

/* The row of a layer's kind, and what is asked of it most. */
const struct bd_layer_kind_row *bd_layer_row(const struct bd_layer *layer);
bool bd_layer_has_weights(const struct bd_layer *layer);
bool bd_layer_reads_stream(const struct bd_layer *layer);
bool bd_layer_pools_windows(const struct bd_layer *layer);
/* Side of the window of codes under each tap: 1, or 2 where the layer averages. A layer with weights (OC, IC, 1, 1)
 * that averages is, in whole numbers, the 2x2 convolution whose four taps are that one, and a sum of it is worth a
 * quarter. */
int bd_layer_side(const struct bd_layer *layer);
/* Weight bits of a layer and bits of a quantizer at a switch. */
int bd_layer_weight_bits(const struct bd_layer *layer, const struct bd_switch *sw);
int bd_quantizer_bits(const struct bd_quantizer *quantizer, const struct bd_switch *sw);
/* True where the codes are +-1: 1-bit activations of any quantizer but the input. */
bool bd_quantizer_signed(const struct bd_quantizer *quantizer, const struct bd_switch *sw);

#endif
