#include <stdio.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/graph/description.h"

/* Where the walk over the blocks stands: one map, of real values, which `writer` completed. Who wants it as codes asks
 * for a quantizer (the writer emits its codes); who wants the values themselves keeps it as the stream. */
struct builder {
    struct bd_graph *graph;
    const struct bd_yaml *yaml;
    int channels, height, width; /* of the map */
    int group;                   /* prune group of its channels */
    int writer;
    int layer_room, quantizer_room;
};

static int add_quantizer(struct builder *b, const char *name, int bits, int channels, int height, int width)
{
    struct bd_graph *graph = b->graph;
    if (graph->quantizer_count == b->quantizer_room) {
        b->quantizer_room = b->quantizer_room * 2 + 8;
        graph->quantizers = bd_xrealloc(graph->quantizers, b->quantizer_room, sizeof *graph->quantizers);
    }
    struct bd_quantizer *q = &graph->quantizers[graph->quantizer_count];
    *q = (struct bd_quantizer){.bits = bits, .channels = channels, .height = height, .width = width};
    snprintf(q->name, sizeof q->name, "%s", name);
    return graph->quantizer_count++;
}

static struct bd_layer *add_layer(struct builder *b, const char *name, enum bd_layer_kind kind)
{
    struct bd_graph *graph = b->graph;
    if (graph->layer_count == b->layer_room) {
        b->layer_room = b->layer_room * 2 + 16;
        graph->layers = bd_xrealloc(graph->layers, b->layer_room, sizeof *graph->layers);
    }
    struct bd_layer *layer = &graph->layers[graph->layer_count++];
    *layer = (struct bd_layer){.kind = kind,
                               .in_quantizer = -1,
                               .out_quantizer = -1,
                               .groups = 1,
                               .kernel_h = 1,
                               .kernel_w = 1,
                               .stride = 1,
                               .prune_group = -1};
    snprintf(layer->name, sizeof layer->name, "%s", name);
    return layer;
}

/* Input shape, kernel and the output's shape of a square window. */
static void set_window(struct bd_layer *layer, int in_height, int in_width, int kernel, int stride, int pad)
{
    layer->kernel_h = layer->kernel_w = kernel;
    layer->stride = stride;
    layer->pad = pad;
    layer->in_height = in_height;
    layer->in_width = in_width;
    layer->out_height = (in_height + 2 * pad - kernel) / stride + 1;
    layer->out_width = (in_width + 2 * pad - kernel) / stride + 1;
}

/* One convolution, before its shape is known to the graph. */
struct conv {
    int quantizer, out_channels, kernel, stride, pad, groups, weight_bits, prune_group;
};

static struct bd_layer *add_conv(struct builder *b, const char *prefix, const char *name, struct conv conv)
{
    char full[BD_NAME_SIZE];
    snprintf(full, sizeof full, "%s%s", prefix, name);
    struct bd_layer *layer = add_layer(b, full, BD_LAYER_CONV);
    const struct bd_quantizer *in = &b->graph->quantizers[conv.quantizer];
    layer->in_quantizer = conv.quantizer;
    layer->weight_bits = conv.weight_bits;
    layer->in_channels = in->channels;
    layer->out_channels = conv.out_channels;
    layer->groups = conv.groups ? conv.groups : 1;
    layer->prune_group = conv.prune_group;
    set_window(layer, in->height, in->width, conv.kernel, conv.stride, conv.pad);
    return layer;
}

static void becomes_map(struct builder *b, const struct bd_layer *layer)
{
    b->writer = (int)(layer - b->graph->layers);
    b->channels = layer->out_channels;
    b->height = layer->out_height;
    b->width = layer->out_width;
    b->group = layer->prune_group;
}

static void completes_stream(struct builder *b, struct bd_layer *layer, bool adds)
{
    layer->writes_stream = true;
    layer->adds_stream = adds;
    becomes_map(b, layer);
}

static void keep_stream(struct builder *b)
{
    b->graph->layers[b->writer].writes_stream = true;
}

/* The map as it stands becomes codes of a new quantizer, emitted by the layer that completed it. */
static int quantize_map(struct builder *b, const char *prefix, const char *name, int bits)
{
    char full[BD_NAME_SIZE];
    snprintf(full, sizeof full, "%s%s", prefix, name);
    int quantizer = add_quantizer(b, full, bits, b->channels, b->height, b->width);
    b->graph->layers[b->writer].out_quantizer = quantizer;
    return quantizer;
}

static bd_status build_window_pool(struct builder *b, const char *name, const struct bd_window_pool *pool,
                                   struct bd_error *err)
{
    if (!pool->kernel) {
        return BD_OK;
    }
    if (b->height + 2 * pool->pad < pool->kernel || b->width + 2 * pool->pad < pool->kernel) {
        return bd_yaml_fail(b->yaml, pool->node, err, "a %dx%d window with padding %d does not fit a %dx%d map",
                            (int)pool->kernel, (int)pool->kernel, (int)pool->pad, b->height, b->width);
    }
    keep_stream(b);
    struct bd_layer *layer = add_layer(b, name, pool->kind);
    layer->in_channels = layer->out_channels = b->channels;
    layer->prune_group = b->group;
    set_window(layer, b->height, b->width, (int)pool->kernel, (int)pool->stride, (int)pool->pad);
    becomes_map(b, layer);
    return BD_OK;
}

static bd_status build_residual(struct builder *b, const struct bd_block *block, const char *prefix, int stride,
                                struct bd_error *err)
{
    const int channels = (int)block->channels, bits = (int)block->weight_bits;
    const bool project = bd_block_projects(block, stride, b->channels);
    if (!project && (stride != 1 || channels != b->channels)) {
        return bd_yaml_fail(b->yaml, block->node, err,
                            "an identity shortcut needs stride 1 and equal channels, got stride %d and %d to %d",
                            stride, b->channels, channels);
    }
    if (block->shortcut == BD_SHORTCUT_AVERAGE && (stride != 2 || b->height % 2 || b->width % 2)) {
        return bd_yaml_fail(b->yaml, block->node, err,
                            "an average shortcut needs stride 2 and a map of even sides, got stride %d and %dx%d",
                            stride, b->height, b->width);
    }
    keep_stream(b);
    const int q1 = quantize_map(b, prefix, ".q1", (int)block->activation_bits);
    if (project) {
        struct bd_layer *projection = add_conv(b, prefix, ".proj",
                                               (struct conv){.quantizer = q1,
                                                             .out_channels = channels,
                                                             .kernel = 1,
                                                             .stride = stride,
                                                             .weight_bits = (int)block->projection_bits,
                                                             .prune_group = b->graph->prune_group_count++});
        projection->averages = block->shortcut == BD_SHORTCUT_AVERAGE;
        completes_stream(b, projection, false);
    }
    const bool bireal = block->kind == BD_BLOCK_BIREAL;
    const int stream_group = b->group;
    struct conv first = {q1, (int)block->inner, 3, stride, 1, 1, bits, stream_group};
    if (!bireal) {
        first.prune_group = b->graph->prune_group_count++;
    }
    struct bd_layer *conv1 = add_conv(b, prefix, ".conv1", first);
    if (bireal) {
        completes_stream(b, conv1, true);
    }
    char name[BD_NAME_SIZE];
    snprintf(name, sizeof name, "%s.q2", prefix);
    const int q2 = conv1->out_quantizer =
        add_quantizer(b, name, (int)block->activation_bits, conv1->out_channels, conv1->out_height, conv1->out_width);
    completes_stream(b, add_conv(b, prefix, ".conv2", (struct conv){q2, channels, 3, 1, 1, 1, bits, stream_group}),
                     true);
    return BD_OK;
}

/* Blocks without a shortcut: each convolution reads codes straight from the batch norm before it. */
static void build_plain(struct builder *b, const struct bd_block *block, const char *prefix, int stride)
{
    const int channels = (int)block->channels, bits = (int)block->weight_bits;
    const int q1 = quantize_map(b, prefix, ".q1", (int)block->activation_bits);
    if (block->kind == BD_BLOCK_PLAIN) {
        const struct conv conv = {q1, channels, 3, stride, 1, 1, bits, b->graph->prune_group_count++};
        becomes_map(b, add_conv(b, prefix, ".conv", conv));
        return;
    }
    /* One filter a channel: a depthwise layer's outputs are its inputs' channels. */
    const int depthwise_bits = block->depthwise_bits ? (int)block->depthwise_bits : bits;
    becomes_map(b, add_conv(b, prefix, ".dw",
                            (struct conv){q1, b->channels, 3, stride, 1, b->channels, depthwise_bits, b->group}));
    const int q2 = quantize_map(b, prefix, ".q2", (int)block->activation_bits);
    const struct conv pointwise = {q2, channels, 1, 1, 0, 1, bits, b->graph->prune_group_count++};
    becomes_map(b, add_conv(b, prefix, ".pw", pointwise));
}

static bd_status build_stage(struct builder *b, const struct bd_stage *stage, int number, struct bd_error *err)
{
    char name[32];
    for (int k = 0; k < stage->block_count; k++) {
        const struct bd_block *block = &stage->blocks[k];
        const int stride = k == 0 ? (int)stage->stride : 1;
        snprintf(name, sizeof name, "s%db%d", number, k + 1);
        if (block->kind == BD_BLOCK_SEPARABLE || block->kind == BD_BLOCK_PLAIN) {
            build_plain(b, block, name, stride);
        } else if (build_residual(b, block, name, stride, err)) {
            return err->status;
        }
    }
    snprintf(name, sizeof name, "s%d.pool", number);
    return build_window_pool(b, name, &stage->pool, err);
}

static void build_head(struct builder *b, const struct bd_description *d)
{
    keep_stream(b);
    struct bd_layer *pool = add_layer(b, "pool", BD_LAYER_POOL);
    pool->in_channels = pool->out_channels = b->channels;
    pool->in_height = pool->kernel_h = b->height;
    pool->in_width = pool->kernel_w = b->width;
    pool->out_height = pool->out_width = 1;
    pool->prune_group = b->group;
    const int quantizer = pool->out_quantizer = add_quantizer(b, "pool.q", (int)d->pool_bits, b->channels, 1, 1);
    struct bd_layer *fc = add_layer(b, "fc", BD_LAYER_CLASSIFIER);
    fc->in_quantizer = quantizer;
    fc->weight_bits = (int)d->head_bits;
    fc->in_channels = b->channels;
    fc->out_channels = (int)d->classes;
    fc->in_height = fc->in_width = fc->out_height = fc->out_width = 1;
}

/* Stages and blocks are bounded, so that even what is refused here was built in bounded room. */
static bd_status check_size(const struct builder *b, const struct bd_description *d, struct bd_error *err)
{
    const int layers = b->graph->layer_count;
    return layers > BD_MAX_LAYERS ? bd_yaml_fail(b->yaml, d->stages_node, err,
                                                 "%d layers, of which a network has at most %d", layers, BD_MAX_LAYERS)
                                  : BD_OK;
}

bd_status bd_graph_build(struct bd_graph *graph, const struct bd_description *d, const struct bd_yaml *yaml,
                         struct bd_error *err)
{
    struct builder b = {.graph = graph, .yaml = yaml};
    const struct conv stem = {.quantizer =
                                  add_quantizer(&b, "input", 8, (int)d->in_channels, (int)d->height, (int)d->in_width),
                              .out_channels = (int)d->stem_channels,
                              .kernel = (int)d->stem_kernel,
                              .stride = (int)d->stem_stride,
                              .pad = (int)d->stem_pad,
                              .weight_bits = (int)d->stem_bits,
                              .prune_group = graph->prune_group_count++};
    becomes_map(&b, add_conv(&b, "stem", "", stem));
    bd_status status = build_window_pool(&b, "stem.pool", &d->stem_pool, err);
    for (int s = 0; s < d->stage_count && !status; s++) {
        status = build_stage(&b, &d->stages[s], s + 1, err);
    }
    if (status) {
        return status;
    }
    build_head(&b, d);
    return check_size(&b, d, err);
}
