/* The YAML document of a network before shapes: what a file says, defaults filled in, channel counts already times
 * the width multiplier. Internal to this folder: description.c reads and writes it, build.c makes layers of it. */
#ifndef BD_GRAPH_DESCRIPTION_H
#define BD_GRAPH_DESCRIPTION_H

#include <stdio.h>

#include "model/graph/graph.h"

#define BD_MAX_STAGES 32
#define BD_MAX_BLOCKS 32
#define BD_MAX_CHANNELS 4096

enum bd_block_kind { BD_BLOCK_BASIC, BD_BLOCK_BIREAL, BD_BLOCK_SEPARABLE, BD_BLOCK_PLAIN };
enum bd_shortcut { BD_SHORTCUT_AUTO, BD_SHORTCUT_IDENTITY, BD_SHORTCUT_PROJECTION, BD_SHORTCUT_AVERAGE };

/* Written as a mapping whose key is the name of its kind: a place has one at most. */
struct bd_window_pool {
    enum bd_layer_kind kind;
    int64_t kernel, stride, pad; /* kernel 0: there is none */
    const struct bd_yaml_node *node;
};

struct bd_block {
    int kind, shortcut;
    int64_t channels;                                      /* 0 in the file means the stage's; never 0 here */
    int64_t inner;                                         /* of a basic block, never 0 here; channels in the others */
    int64_t projection_bits, weight_bits, activation_bits; /* 0: the switch's */
    int64_t depthwise_bits;                                /* of a separable block; 0: its weight_bits */
    const struct bd_yaml_node *node;                       /* for messages */
};

struct bd_stage {
    int64_t channels, stride;
    const struct bd_yaml_node *blocks_node, *pool_nodes[BD_LAYER_KIND_COUNT];
    struct bd_window_pool pool;
    int block_count;
    struct bd_block blocks[BD_MAX_BLOCKS];
};

struct bd_description {
    char *name;
    double width;
    int64_t height, in_width, in_channels, classes;
    int64_t stem_channels, stem_kernel, stem_stride, stem_pad, stem_bits;
    int64_t pool_bits, head_bits;
    int weights, activations, sign_gradient, weight_unit;
    const struct bd_yaml_node *switches_node, *stages_node, *stem_pool_nodes[BD_LAYER_KIND_COUNT];
    struct bd_window_pool stem_pool;
    int switch_count;
    struct bd_switch switches[BD_MAX_SWITCHES];
    int stage_count;
    struct bd_stage stages[BD_MAX_STAGES];
};

/* Reads and checks a document; d is zeroed by the caller and holds nodes of `yaml`. Released by
 * bd_description_release in every case. */
bd_status bd_description_read(struct bd_description *d, const struct bd_yaml *yaml, struct bd_error *err)
    BD_WARN_UNUSED;
void bd_description_release(struct bd_description *d);

/* Switches of a list of names, as the description's; `name` and `node` are for messages. */
bd_status bd_description_switches(struct bd_description *d, const struct bd_yaml *yaml, const struct bd_yaml_node *node,
                                  struct bd_error *err) BD_WARN_UNUSED;

/* True where the block needs a projection for its shortcut; `channels`: those of the stream before it. */
bool bd_block_projects(const struct bd_block *block, int stride, int64_t channels);

/* Writes the document in full; group_channels: channels of each prune group, in the order in which bd_graph_build
 * numbers them; NULL: as described. Shortcuts stay what they are in `d`, whatever the new widths. */
void bd_description_write(FILE *out, const struct bd_description *d, const int *group_channels);

/* Fills the graph's layers, quantizers and prune groups. */
bd_status bd_graph_build(struct bd_graph *graph, const struct bd_description *d, const struct bd_yaml *yaml,
                         struct bd_error *err) BD_WARN_UNUSED;

#endif
