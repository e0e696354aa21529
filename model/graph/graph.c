#include "model/graph/graph.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/file.h"
#include "model/core/memory.h"

#define MAX_STAGES 8
#define MAX_BLOCKS 32
#define MAX_CHANNELS 4096

enum block_kind { BLOCK_BASIC, BLOCK_BIREAL };
enum shortcut { SHORTCUT_AUTO, SHORTCUT_IDENTITY, SHORTCUT_PROJECTION };

static const char *const block_kind_names[] = {"basic", "bireal"};
static const char *const shortcut_names[] = {"auto", "identity", "projection"};

/* The YAML document, before shapes. */
struct block {
    int kind, shortcut;
    int64_t inner; /* 0: the stage's channels */
    int64_t projection_bits;
    const struct bd_yaml_node *node; /* for messages; NULL once the text is gone */
};

struct stage {
    int64_t channels, stride;
    const struct bd_yaml_node *blocks_node;
    int block_count;
    struct block blocks[MAX_BLOCKS];
};

struct description {
    char *name;
    int64_t height, width, channels, classes;
    int64_t stem_channels, stem_kernel, stem_stride, stem_bits;
    int64_t pool_bits, head_bits;
    const struct bd_yaml_node *switches_node, *stages_node;
    int stage_count;
    struct stage stages[MAX_STAGES];
};

#define AT(member) offsetof(struct description, member)

static const struct bd_field input_fields[] = {
    {"height", BD_FIELD_INT, AT(height), 1, 1024, NULL, NULL, NULL, "pixels"},
    {"width", BD_FIELD_INT, AT(width), 1, 1024, NULL, NULL, NULL, "pixels"},
    {"channels", BD_FIELD_INT, AT(channels), 1, 64, NULL, NULL, NULL, "1 for grey, 3 for colour"},
    {0},
};
static const struct bd_field stem_fields[] = {
    {"channels", BD_FIELD_INT, AT(stem_channels), 1, MAX_CHANNELS, NULL, NULL, NULL, "filters of the first layer"},
    {"kernel", BD_FIELD_INT, AT(stem_kernel), 1, 7, "3", NULL, NULL, "odd square kernel"},
    {"stride", BD_FIELD_INT, AT(stem_stride), 1, 4, "1", NULL, NULL, "stride of the first layer"},
    {"weight_bits", BD_FIELD_INT, AT(stem_bits), 0, 8, "8", NULL, NULL, "0: the switch's"},
    {0},
};
static const struct bd_field head_fields[] = {
    {"pool_bits", BD_FIELD_INT, AT(pool_bits), 1, 32, "8", NULL, NULL, "code of the pooled map, 1..8; 32: trains only"},
    {"weight_bits", BD_FIELD_INT, AT(head_bits), 0, 8, "8", NULL, NULL, "classifier; 0: the switch's"},
    {0},
};
static const struct bd_field document_fields[] = {
    {"name", BD_FIELD_STRING, AT(name), 0, BD_NAME_SIZE - 1, NULL, NULL, NULL, "letters, digits, '_', '-', '.'"},
    {"input", BD_FIELD_MAP, 0, 0, 0, NULL, NULL, input_fields, "shape of one image"},
    {"classes", BD_FIELD_INT, AT(classes), 2, 1000, NULL, NULL, NULL, "outputs of the classifier"},
    {"switches", BD_FIELD_NODE, AT(switches_node), 0, 0, NULL, NULL, NULL,
     "list of w<bits>a<bits>, highest precision first"},
    {"stem", BD_FIELD_MAP, 0, 0, 0, NULL, NULL, stem_fields, "first convolution"},
    {"stages", BD_FIELD_NODE, AT(stages_node), 0, 0, NULL, NULL, NULL, "list of stages"},
    {"head", BD_FIELD_MAP, 0, 0, 0, NULL, NULL, head_fields, "pooling and classifier"},
    {0},
};

#undef AT
#define AT(member) offsetof(struct stage, member)
static const struct bd_field stage_fields[] = {
    {"channels", BD_FIELD_INT, AT(channels), 1, MAX_CHANNELS, NULL, NULL, NULL, "width of the residual stream"},
    {"stride", BD_FIELD_INT, AT(stride), 1, 4, "1", NULL, NULL, "of the stage's first block"},
    {"blocks", BD_FIELD_NODE, AT(blocks_node), 0, 0, NULL, NULL, NULL, "list of blocks"},
    {0},
};
#undef AT
#define AT(member) offsetof(struct block, member)
static const struct bd_field block_fields[] = {
    {"kind", BD_FIELD_ENUM, AT(kind), 0, 0, "basic", "basic|bireal", NULL,
     "one shortcut a block, or one a convolution"},
    {"inner", BD_FIELD_INT, AT(inner), 0, MAX_CHANNELS, "0", NULL, NULL,
     "width between the convolutions; 0: the stage's"},
    {"shortcut", BD_FIELD_ENUM, AT(shortcut), 0, 0, "auto", "auto|identity|projection", NULL,
     "auto: identity where shapes allow"},
    {"projection_bits", BD_FIELD_INT, AT(projection_bits), 0, 8, "0", NULL, NULL, "weight bits; 0: the switch's"},
    {0},
};
#undef AT

static bool name_is_plain(const char *name)
{
    if (!*name) {
        return false;
    }
    for (const char *c = name; *c; c++) {
        if (!isalnum((unsigned char)*c) && !strchr("_-.", *c)) {
            return false;
        }
    }
    return true;
}

/* Reads "w1a8" in full. */
static bool parse_switch(const char *text, struct bd_switch *sw)
{
    int weight, activation, used = 0;
    if (strlen(text) >= sizeof sw->name || sscanf(text, "w%1da%2d%n", &weight, &activation, &used) != 2 || text[used]) {
        return false;
    }
    char canonical[32];
    snprintf(canonical, sizeof canonical, "w%da%d", weight, activation);
    if (strcmp(canonical, text) || weight < 1 || weight > 8 ||
        !((activation >= 1 && activation <= 8) || activation == 32)) {
        return false;
    }
    sw->weight_bits = weight;
    sw->activation_bits = activation;
    strcpy(sw->name, text);
    return true;
}

static bd_status read_switches(struct bd_graph *graph, const struct bd_yaml *yaml, const struct bd_yaml_node *node,
                               struct bd_error *err)
{
    if (node->kind != BD_YAML_SEQUENCE || node->count < 1 || node->count > BD_MAX_SWITCHES) {
        return bd_yaml_fail(yaml, node, err, "'switches' must be a list of 1 to %d names", BD_MAX_SWITCHES);
    }
    for (size_t i = 0; i < node->count; i++) {
        const struct bd_yaml_node *item = node->values[i];
        struct bd_switch *sw = &graph->switches[i];
        if (item->kind != BD_YAML_SCALAR || !parse_switch(item->text, sw)) {
            return bd_yaml_fail(yaml, item, err, "a switch must read w<1..8>a<1..8 or 32>, such as 'w1a4'");
        }
        for (size_t j = 0; j < i; j++) {
            if (!strcmp(graph->switches[j].name, sw->name)) {
                return bd_yaml_fail(yaml, item, err, "switch '%s' is listed twice", sw->name);
            }
        }
        const struct bd_switch *above = sw - 1;
        if (i && (sw->weight_bits > above->weight_bits ||
                  (sw->weight_bits == above->weight_bits && sw->activation_bits > above->activation_bits))) {
            return bd_yaml_fail(yaml, item, err,
                                "switch '%s' must stand before '%s': highest precision first, weight bits "
                                "before activation bits",
                                sw->name, above->name);
        }
    }
    graph->switch_count = node->count;
    return BD_OK;
}

static bd_status read_blocks(struct stage *stage, const struct bd_yaml *yaml, struct bd_error *err)
{
    const struct bd_yaml_node *list = stage->blocks_node;
    if (list->kind != BD_YAML_SEQUENCE || list->count < 1 || list->count > MAX_BLOCKS) {
        return bd_yaml_fail(yaml, list, err, "'blocks' must be a list of 1 to %d blocks", MAX_BLOCKS);
    }
    for (size_t i = 0; i < list->count; i++) {
        struct block *block = &stage->blocks[i];
        bd_status status = bd_yaml_bind(yaml, list->values[i], block_fields, block, err);
        if (status) {
            return status;
        }
        block->node = list->values[i];
        if (i && block->shortcut == SHORTCUT_PROJECTION) {
            return bd_yaml_fail(yaml, block->node, err, "only a stage's first block may have a projection shortcut");
        }
        if (block->kind == BLOCK_BIREAL && block->inner && block->inner != stage->channels) {
            return bd_yaml_fail(yaml, block->node, err,
                                "'inner' of a bireal block must be the stage's %d channels, got %d",
                                (int)stage->channels, (int)block->inner);
        }
    }
    stage->block_count = list->count;
    return BD_OK;
}

static bd_status read_stages(struct description *d, const struct bd_yaml *yaml, struct bd_error *err)
{
    const struct bd_yaml_node *list = d->stages_node;
    if (list->kind != BD_YAML_SEQUENCE || list->count < 1 || list->count > MAX_STAGES) {
        return bd_yaml_fail(yaml, list, err, "'stages' must be a list of 1 to %d stages", MAX_STAGES);
    }
    for (size_t i = 0; i < list->count; i++) {
        bd_status status = bd_yaml_bind(yaml, list->values[i], stage_fields, &d->stages[i], err);
        if (!status) {
            status = read_blocks(&d->stages[i], yaml, err);
        }
        if (status) {
            return status;
        }
    }
    d->stage_count = list->count;
    return BD_OK;
}

static bd_status read_document(struct description *d, struct bd_graph *graph, const struct bd_yaml *yaml,
                               struct bd_error *err)
{
    bd_status status = bd_yaml_bind(yaml, yaml->root, document_fields, d, err);
    if (status) {
        return status;
    }
    if (!name_is_plain(d->name)) {
        return bd_yaml_fail(yaml, bd_yaml_get(yaml->root, "name"), err,
                            "'name' must hold letters, digits, '_', '-' and '.' alone");
    }
    if (d->stem_kernel % 2 == 0) {
        return bd_yaml_fail(yaml, bd_yaml_get(yaml->root, "stem"), err, "'kernel' must be odd, got %d",
                            (int)d->stem_kernel);
    }
    if (d->pool_bits > 8 && d->pool_bits != 32) {
        return bd_yaml_fail(yaml, bd_yaml_get(yaml->root, "head"), err, "'pool_bits' must be 1..8 or 32, got %d",
                            (int)d->pool_bits);
    }
    status = read_switches(graph, yaml, d->switches_node, err);
    return status ? status : read_stages(d, yaml, err);
}

/* Where the walk over the blocks stands. */
struct builder {
    struct bd_graph *graph;
    const struct bd_yaml *yaml;
    int channels, height, width; /* of the residual stream */
    int stream_group;
    int writer; /* layer that last completed the stream: it emits the next quantizer's codes */
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

static struct bd_layer *add_conv(struct builder *b, const char *name, int quantizer, int out_channels, int kernel,
                                 int stride, int weight_bits, int group)
{
    struct bd_layer *layer = add_layer(b, name, BD_LAYER_CONV);
    const struct bd_quantizer *in = &b->graph->quantizers[quantizer];
    layer->in_quantizer = quantizer;
    layer->weight_bits = weight_bits;
    layer->in_channels = in->channels;
    layer->out_channels = out_channels;
    layer->kernel_h = layer->kernel_w = kernel;
    layer->stride = stride;
    layer->pad = kernel / 2;
    layer->in_height = in->height;
    layer->in_width = in->width;
    layer->out_height = (in->height + 2 * layer->pad - kernel) / stride + 1;
    layer->out_width = (in->width + 2 * layer->pad - kernel) / stride + 1;
    layer->prune_group = group;
    return layer;
}

/* The stream as it stands becomes codes of a new quantizer, emitted by the layer that completed it. */
static int quantize_stream(struct builder *b, const char *name, int bits)
{
    int quantizer = add_quantizer(b, name, bits, b->channels, b->height, b->width);
    b->graph->layers[b->writer].out_quantizer = quantizer;
    return quantizer;
}

static void completes_stream(struct builder *b, struct bd_layer *layer, bool adds)
{
    layer->writes_stream = true;
    layer->adds_stream = adds;
    b->writer = layer - b->graph->layers;
    b->channels = layer->out_channels;
    b->height = layer->out_height;
    b->width = layer->out_width;
}

static bd_status build_block(struct builder *b, const struct stage *stage, const struct block *block,
                             const char *prefix, int stride, struct bd_error *err)
{
    char name[BD_NAME_SIZE];
    int channels = stage->channels;
    bool fits = stride == 1 && channels == b->channels;
    if (block->shortcut == SHORTCUT_IDENTITY && !fits) {
        return bd_yaml_fail(b->yaml, block->node, err,
                            "an identity shortcut needs stride 1 and equal channels, got stride %d and %d to %d",
                            stride, b->channels, channels);
    }
    bool project = block->shortcut == SHORTCUT_PROJECTION || !fits;
    snprintf(name, sizeof name, "%s.q1", prefix);
    int q1 = quantize_stream(b, name, 0);
    if (project) {
        b->stream_group = b->graph->prune_group_count++;
        snprintf(name, sizeof name, "%s.proj", prefix);
        struct bd_layer *projection =
            add_conv(b, name, q1, channels, 1, stride, block->projection_bits, b->stream_group);
        completes_stream(b, projection, false);
    }
    bool bireal = block->kind == BLOCK_BIREAL;
    int inner = bireal || !block->inner ? channels : block->inner;
    int inner_group = bireal ? b->stream_group : b->graph->prune_group_count++;
    snprintf(name, sizeof name, "%s.conv1", prefix);
    struct bd_layer *conv1 = add_conv(b, name, q1, inner, 3, stride, 0, inner_group);
    if (bireal) {
        completes_stream(b, conv1, true);
    }
    snprintf(name, sizeof name, "%s.q2", prefix);
    int q2 = add_quantizer(b, name, 0, inner, conv1->out_height, conv1->out_width);
    conv1->out_quantizer = q2;
    snprintf(name, sizeof name, "%s.conv2", prefix);
    completes_stream(b, add_conv(b, name, q2, channels, 3, 1, 0, b->stream_group), true);
    return BD_OK;
}

static bd_status build_layers(struct bd_graph *graph, const struct description *d, const struct bd_yaml *yaml,
                              struct bd_error *err)
{
    struct builder b = {.graph = graph, .yaml = yaml};
    int input = add_quantizer(&b, "input", 8, d->channels, d->height, d->width);
    b.stream_group = graph->prune_group_count++;
    completes_stream(
        &b, add_conv(&b, "stem", input, d->stem_channels, d->stem_kernel, d->stem_stride, d->stem_bits, b.stream_group),
        false);
    for (int s = 0; s < d->stage_count; s++) {
        const struct stage *stage = &d->stages[s];
        for (int k = 0; k < stage->block_count; k++) {
            char prefix[32];
            snprintf(prefix, sizeof prefix, "s%db%d", s + 1, k + 1);
            int stride = k == 0 ? stage->stride : 1;
            bd_status status = build_block(&b, stage, &stage->blocks[k], prefix, stride, err);
            if (status) {
                return status;
            }
        }
    }
    struct bd_layer *pool = add_layer(&b, "pool", BD_LAYER_POOL);
    pool->in_channels = pool->out_channels = b.channels;
    pool->in_height = pool->kernel_h = b.height;
    pool->in_width = pool->kernel_w = b.width;
    pool->out_height = pool->out_width = 1;
    pool->prune_group = b.stream_group;
    pool->out_quantizer = add_quantizer(&b, "pool.q", d->pool_bits, b.channels, 1, 1);
    struct bd_layer *fc = add_layer(&b, "fc", BD_LAYER_CLASSIFIER);
    fc->in_quantizer = graph->quantizer_count - 1;
    fc->weight_bits = d->head_bits;
    fc->in_channels = b.channels;
    fc->out_channels = d->classes;
    fc->in_height = fc->in_width = fc->out_height = fc->out_width = 1;
    return BD_OK;
}

/* Most layers a description can make stays under BD_MAX_LAYERS: checked here, before anything is built. */
static bd_status check_size(const struct description *d, const struct bd_yaml *yaml, struct bd_error *err)
{
    int layers = 3;
    for (int s = 0; s < d->stage_count; s++) {
        layers += 3 * d->stages[s].block_count;
    }
    if (layers > BD_MAX_LAYERS) {
        return bd_yaml_fail(yaml, d->stages_node, err, "more than %d layers", BD_MAX_LAYERS);
    }
    return BD_OK;
}

static bd_status build(struct bd_graph *graph, const struct bd_yaml *yaml, struct bd_error *err)
{
    struct description *d = bd_xcalloc(1, sizeof *d);
    bd_status status = read_document(d, graph, yaml, err);
    if (!status) {
        status = check_size(d, yaml, err);
    }
    if (!status) {
        strcpy(graph->name, d->name);
        graph->input_height = d->height;
        graph->input_width = d->width;
        graph->input_channels = d->channels;
        graph->classes = d->classes;
        status = build_layers(graph, d, yaml, err);
    }
    bd_fields_release(document_fields, d);
    free(d);
    return status;
}

bd_status bd_graph_parse(struct bd_graph *graph, const char *name_for_messages, const char *text, size_t size,
                         struct bd_error *err)
{
    memset(graph, 0, sizeof *graph);
    struct bd_yaml yaml;
    bd_status status = bd_yaml_parse(&yaml, name_for_messages, text, size, err);
    if (status) {
        return status;
    }
    status = build(graph, &yaml, err);
    bd_yaml_release(&yaml);
    if (status) {
        bd_graph_release(graph);
        return status;
    }
    graph->yaml_text = bd_xstrndup(text, size);
    return BD_OK;
}

bd_status bd_graph_load(struct bd_graph *graph, const char *path, struct bd_error *err)
{
    memset(graph, 0, sizeof *graph);
    uint8_t *text;
    size_t size;
    bd_status status = bd_file_read(path, 1 << 20, &text, &size, err);
    if (status) {
        return status;
    }
    status = bd_graph_parse(graph, path, (const char *)text, size, err);
    free(text);
    return status;
}

void bd_graph_release(struct bd_graph *graph)
{
    free(graph->yaml_text);
    free(graph->layers);
    free(graph->quantizers);
    memset(graph, 0, sizeof *graph);
}

/* Writes the description with its widths taken from the prune groups, in the order in which build_layers numbers
 * them. */
static void write_description(FILE *out, const struct description *d, const struct bd_graph *graph,
                              const int *group_channels)
{
    int group = 0;
    int stem = group_channels[group++], stream = stem;
    fprintf(out, "name: %s\ninput: {height: %d, width: %d, channels: %d}\nclasses: %d\nswitches: [", d->name,
            (int)d->height, (int)d->width, (int)d->channels, (int)d->classes);
    for (int i = 0; i < graph->switch_count; i++) {
        fprintf(out, "%s%s", i ? ", " : "", graph->switches[i].name);
    }
    fprintf(out, "]\nstem: {channels: %d, kernel: %d, stride: %d, weight_bits: %d}\nstages:\n", stem,
            (int)d->stem_kernel, (int)d->stem_stride, (int)d->stem_bits);
    int original = d->stem_channels;
    for (int s = 0; s < d->stage_count; s++) {
        const struct stage *stage = &d->stages[s];
        char *blocks;
        size_t size;
        FILE *list = open_memstream(&blocks, &size);
        for (int k = 0; k < stage->block_count; k++) {
            const struct block *block = &stage->blocks[k];
            bool fits = (k || stage->stride == 1) && original == stage->channels;
            bool project = block->shortcut == SHORTCUT_PROJECTION || !fits;
            original = stage->channels;
            if (project) {
                stream = group_channels[group++];
            }
            int inner = block->kind == BLOCK_BIREAL ? stream : group_channels[group++];
            fprintf(list, "      - {kind: %s, inner: %d, shortcut: %s, projection_bits: %d}\n",
                    block_kind_names[block->kind], inner,
                    shortcut_names[project ? SHORTCUT_PROJECTION : SHORTCUT_IDENTITY], (int)block->projection_bits);
        }
        fclose(list);
        fprintf(out, "  - channels: %d\n    stride: %d\n    blocks:\n%s", stream, (int)stage->stride, blocks);
        free(blocks);
    }
    fprintf(out, "head: {pool_bits: %d, weight_bits: %d}\n", (int)d->pool_bits, (int)d->head_bits);
}

bd_status bd_graph_resize(const struct bd_graph *graph, const int *group_channels, struct bd_graph *resized,
                          struct bd_error *err)
{
    memset(resized, 0, sizeof *resized);
    for (int g = 0; g < graph->prune_group_count; g++) {
        if (group_channels[g] < 1 || group_channels[g] > MAX_CHANNELS) {
            return bd_fail(err, BD_BAD_INPUT, "prune group %d must have 1..%d channels, got %d", g, MAX_CHANNELS,
                           group_channels[g]);
        }
    }
    struct bd_yaml yaml;
    bd_status status = bd_yaml_parse(&yaml, graph->name, graph->yaml_text, strlen(graph->yaml_text), err);
    if (status) {
        return status;
    }
    struct bd_graph scratch = {0};
    struct description *d = bd_xcalloc(1, sizeof *d);
    status = read_document(d, &scratch, &yaml, err);
    if (!status) {
        char *text;
        size_t size;
        FILE *out = open_memstream(&text, &size);
        write_description(out, d, graph, group_channels);
        fclose(out);
        status = bd_graph_parse(resized, graph->name, text, size, err);
        free(text);
    }
    bd_fields_release(document_fields, d);
    free(d);
    bd_yaml_release(&yaml);
    return status;
}

int bd_graph_group_channels(const struct bd_graph *graph, int group)
{
    for (int i = 0; i < graph->layer_count; i++) {
        if (graph->layers[i].prune_group == group) {
            return graph->layers[i].out_channels;
        }
    }
    return 0;
}

int bd_graph_producer(const struct bd_graph *graph, int quantizer)
{
    for (int i = 0; i < graph->layer_count; i++) {
        if (graph->layers[i].out_quantizer == quantizer) {
            return i;
        }
    }
    return -1;
}

int bd_graph_switch(const struct bd_graph *graph, const char *name)
{
    for (int i = 0; i < graph->switch_count; i++) {
        if (!strcmp(graph->switches[i].name, name)) {
            return i;
        }
    }
    return -1;
}

int bd_layer_weight_bits(const struct bd_layer *layer, const struct bd_switch *sw)
{
    return layer->weight_bits ? layer->weight_bits : sw->weight_bits;
}

int bd_quantizer_bits(const struct bd_quantizer *quantizer, const struct bd_switch *sw)
{
    return quantizer->bits ? quantizer->bits : sw->activation_bits;
}

bool bd_quantizer_signed(const struct bd_quantizer *quantizer, const struct bd_switch *sw)
{
    return bd_quantizer_bits(quantizer, sw) == 1 && strcmp(quantizer->name, "input") != 0;
}
