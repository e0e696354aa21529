#include "model/graph/description.h"

#include <ctype.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const char *const block_kind_names[] = {"basic", "bireal", "separable", "plain"};
static const char *const shortcut_names[] = {"auto", "identity", "projection", "average"};
static const char *const weights_names[] = {"floor", "dorefa", "lsq"};
static const char *const activations_names[] = {"pact", "pact-published", "dorefa", "lsq"};
static const char *const sign_gradient_names[] = {"clip", "bireal"};
static const char *const weight_unit_names[] = {"rms", "layer", "filter"};

#define AT(member) offsetof(struct bd_description, member)

static const struct bd_field input_fields[] = {
    {"height", BD_FIELD_INT, AT(height), 1, 1024, NULL, NULL, NULL, "pixels"},
    {"width", BD_FIELD_INT, AT(in_width), 1, 1024, NULL, NULL, NULL, "pixels"},
    {"channels", BD_FIELD_INT, AT(in_channels), 1, 64, NULL, NULL, NULL, "1 for grey, 3 for colour"},
    {0},
};
static const struct bd_field stem_fields[] = {
    {"channels", BD_FIELD_INT, AT(stem_channels), 1, BD_MAX_CHANNELS, NULL, NULL, NULL, "filters of the first layer"},
    {"kernel", BD_FIELD_INT, AT(stem_kernel), 1, 7, "3", NULL, NULL, "odd square kernel"},
    {"stride", BD_FIELD_INT, AT(stem_stride), 1, 4, "1", NULL, NULL, "stride of the first layer"},
    {"pad", BD_FIELD_INT, AT(stem_pad), -1, 3, "-1", NULL, NULL, "padding; -1: half the kernel"},
    {"weight_bits", BD_FIELD_INT, AT(stem_bits), 0, 32, "8", NULL, NULL, "0: the switch's; 32: float, trains only"},
    {"average_pool", BD_FIELD_NODE, AT(stem_pool_nodes[BD_LAYER_MEANPOOL]), 0, 0, "", NULL, NULL,
     "or average pooling there; padding counts as zeros"},
    {"max_pool", BD_FIELD_NODE, AT(stem_pool_nodes[BD_LAYER_MAXPOOL]), 0, 0, "", NULL, NULL,
     "max pooling behind the first layer"},
    {"average_pool", BD_FIELD_NODE, AT(stem_pool_nodes[BD_LAYER_MEANPOOL]), 0, 0, "", NULL, NULL,
     "or average pooling; padding counts as zeros"},
    {0},
};
static const struct bd_field head_fields[] = {
    {"pool_bits", BD_FIELD_INT, AT(pool_bits), 1, 32, "8", NULL, NULL, "code of the pooled map, 1..8; 32: trains only"},
    {"weight_bits", BD_FIELD_INT, AT(head_bits), 0, 32, "8", NULL, NULL,
     "classifier; 0: the switch's; 32: float, trains only"},
    {0},
};
static const struct bd_field quantizer_fields[] = {
    {"weights", BD_FIELD_ENUM, AT(weights), 0, 0, "floor", "floor|dorefa|lsq", NULL, "family of the weights"},
    {"activations", BD_FIELD_ENUM, AT(activations), 0, 0, "pact", "pact|pact-published|dorefa|lsq", NULL,
     "family of the activations"},
    {"sign_gradient", BD_FIELD_ENUM, AT(sign_gradient), 0, 0, "clip", "clip|bireal", NULL,
     "gradient of a 1-bit activation"},
    {"weight_unit", BD_FIELD_ENUM, AT(weight_unit), 0, 0, "rms", "rms|layer|filter", NULL,
     "what a weight's unit is worth"},
    {0},
};
static const struct bd_field document_fields[] = {
    {"name", BD_FIELD_STRING, AT(name), 0, BD_NAME_SIZE - 1, NULL, NULL, NULL, "letters, digits, '_', '-', '.'"},
    {"input", BD_FIELD_MAP, 0, 0, 0, NULL, NULL, input_fields, "shape of one image"},
    {"classes", BD_FIELD_INT, AT(classes), 2, 1000, NULL, NULL, NULL, "outputs of the classifier"},
    {"width", BD_FIELD_REAL, AT(width), 0.01, 16, "1", NULL, NULL, "multiplies every channel count"},
    {"switches", BD_FIELD_NODE, AT(switches_node), 0, 0, NULL, NULL, NULL,
     "list of w<bits>a<bits>, highest precision first"},
    {"quantizers", BD_FIELD_MAP, 0, 0, 0, "", NULL, quantizer_fields, "how weights and activations are quantized"},
    {"stem", BD_FIELD_MAP, 0, 0, 0, NULL, NULL, stem_fields, "first convolution"},
    {"stages", BD_FIELD_NODE, AT(stages_node), 0, 0, NULL, NULL, NULL, "list of stages"},
    {"head", BD_FIELD_MAP, 0, 0, 0, NULL, NULL, head_fields, "pooling and classifier"},
    {0},
};

#undef AT
#define AT(member) offsetof(struct bd_stage, member)
static const struct bd_field stage_fields[] = {
    {"channels", BD_FIELD_INT, AT(channels), 1, BD_MAX_CHANNELS, NULL, NULL, NULL, "width of the stage's maps"},
    {"stride", BD_FIELD_INT, AT(stride), 1, 4, "1", NULL, NULL, "of the stage's first block"},
    {"blocks", BD_FIELD_NODE, AT(blocks_node), 0, 0, NULL, NULL, NULL, "list of blocks"},
    {"max_pool", BD_FIELD_NODE, AT(pool_nodes[BD_LAYER_MAXPOOL]), 0, 0, "", NULL, NULL,
     "max pooling behind the blocks"},
    {"average_pool", BD_FIELD_NODE, AT(pool_nodes[BD_LAYER_MEANPOOL]), 0, 0, "", NULL, NULL,
     "or average pooling; padding counts as zeros"},
    {0},
};
#undef AT
#define AT(member) offsetof(struct bd_block, member)
static const struct bd_field block_fields[] = {
    {"kind", BD_FIELD_ENUM, AT(kind), 0, 0, "basic", "basic|bireal|separable|plain", NULL,
     "one shortcut a block, or one a convolution; or none: depthwise and 1x1, or 3x3"},
    {"channels", BD_FIELD_INT, AT(channels), 0, BD_MAX_CHANNELS, "0", NULL, NULL,
     "width of the block's output; 0: the stage's"},
    {"inner", BD_FIELD_INT, AT(inner), 0, BD_MAX_CHANNELS, "0", NULL, NULL,
     "width between a basic block's convolutions; 0: the output's"},
    {"shortcut", BD_FIELD_ENUM, AT(shortcut), 0, 0, "auto", "auto|identity|projection|average", NULL,
     "auto: identity where shapes allow; average: of 2x2 codes, then a projection"},
    {"projection_bits", BD_FIELD_INT, AT(projection_bits), 0, 8, "0", NULL, NULL, "weight bits; 0: the switch's"},
    {"weight_bits", BD_FIELD_INT, AT(weight_bits), 0, 8, "0", NULL, NULL, "of its convolutions; 0: the switch's"},
    {"depthwise_bits", BD_FIELD_INT, AT(depthwise_bits), 0, 8, "0", NULL, NULL,
     "weight bits of a separable block's depthwise convolution; 0: as weight_bits"},
    {"activation_bits", BD_FIELD_INT, AT(activation_bits), 0, 32, "0", NULL, NULL,
     "codes that its convolutions read; 0: the switch's; 32: trains only"},
    {0},
};
#undef AT
#define AT(member) offsetof(struct bd_window_pool, member)
static const struct bd_field pool_fields[] = {
    {"kernel", BD_FIELD_INT, AT(kernel), 2, 7, NULL, NULL, NULL, "side of the square window"},
    {"stride", BD_FIELD_INT, AT(stride), 1, 4, "2", NULL, NULL, "from one window to the next"},
    {"pad", BD_FIELD_INT, AT(pad), 0, 3, "0", NULL, NULL, "padding, which never wins; at most half the kernel"},
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

bd_status bd_description_switches(struct bd_description *d, const struct bd_yaml *yaml, const struct bd_yaml_node *node,
                                  struct bd_error *err)
{
    if (node->kind != BD_YAML_SEQUENCE || node->count < 1 || node->count > BD_MAX_SWITCHES) {
        return bd_yaml_fail(yaml, node, err, "'switches' must be a list of 1 to %d names", BD_MAX_SWITCHES);
    }
    for (size_t i = 0; i < node->count; i++) {
        const struct bd_yaml_node *item = node->values[i];
        struct bd_switch *sw = &d->switches[i];
        if (item->kind != BD_YAML_SCALAR || !parse_switch(item->text, sw)) {
            return bd_yaml_fail(yaml, item, err, "a switch must read w<1..8>a<1..8 or 32>, such as 'w1a4'");
        }
        for (size_t j = 0; j < i; j++) {
            if (!strcmp(d->switches[j].name, sw->name)) {
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
    d->switch_count = (int)node->count;
    return BD_OK;
}

/* `nodes`: what stands behind the name of each kind, or NULL. */
static bd_status read_window_pool(struct bd_window_pool *pool, const struct bd_yaml *yaml,
                                  const struct bd_yaml_node *const *nodes, struct bd_error *err)
{
    const struct bd_yaml_node *node = NULL;
    for (int kind = 0; kind < BD_LAYER_KIND_COUNT; kind++) {
        if (nodes[kind] && node) {
            return bd_yaml_fail(yaml, nodes[kind], err, "'%s' stands beside '%s': a map is pooled once",
                                bd_layer_kinds[kind].name, bd_layer_kinds[pool->kind].name);
        }
        if (nodes[kind]) {
            node = nodes[kind];
            pool->kind = (enum bd_layer_kind)kind;
        }
    }
    if (!node) {
        return BD_OK;
    }
    bd_status status = bd_yaml_bind(yaml, node, pool_fields, pool, err);
    if (!status && 2 * pool->pad > pool->kernel) {
        status = bd_yaml_fail(yaml, node, err, "'pad' must be at most half the kernel of %d, got %d", (int)pool->kernel,
                              (int)pool->pad);
    }
    pool->node = node;
    return status;
}

/* 0 and 1..8, or 32 for what trains only. */
static bd_status check_bits(const struct bd_yaml *yaml, const struct bd_yaml_node *mapping, const char *key,
                            int64_t bits, struct bd_error *err)
{
    const struct bd_yaml_node *node = bd_yaml_get(mapping, key);
    return bits > 8 && bits != 32
               ? bd_yaml_fail(yaml, node ? node : mapping, err, "'%s' must be 1..8 or 32, got %d", key, (int)bits)
               : BD_OK;
}

static int64_t scaled(const struct bd_description *d, int64_t channels)
{
    return channels == 0 ? 0 : (int64_t)fmin(BD_MAX_CHANNELS, fmax(1, floor((double)channels * d->width + 0.5)));
}

/* Keys that say nothing about a block of this kind are refused where they stand. */
static bd_status check_block(const struct bd_block *block, const struct bd_yaml *yaml, struct bd_error *err)
{
    const bool residual = block->kind == BD_BLOCK_BASIC || block->kind == BD_BLOCK_BIREAL;
    const struct {
        const char *key;
        bool good;
    } keys[] = {{"inner", residual},
                {"shortcut", residual},
                {"projection_bits", residual},
                {"depthwise_bits", block->kind == BD_BLOCK_SEPARABLE}};
    for (int i = 0; i < 4; i++) {
        const struct bd_yaml_node *node = bd_yaml_get(block->node, keys[i].key);
        if (node && !keys[i].good) {
            return bd_yaml_fail(yaml, node, err, "a %s block has no '%s'", block_kind_names[block->kind], keys[i].key);
        }
    }
    if (block->kind == BD_BLOCK_BIREAL && block->inner != block->channels) {
        return bd_yaml_fail(yaml, block->node, err, "'inner' of a bireal block must be its %d channels, got %d",
                            (int)block->channels, (int)block->inner);
    }
    return check_bits(yaml, block->node, "activation_bits", block->activation_bits, err);
}

static bd_status read_blocks(const struct bd_description *d, struct bd_stage *stage, const struct bd_yaml *yaml,
                             struct bd_error *err)
{
    const struct bd_yaml_node *list = stage->blocks_node;
    if (list->kind != BD_YAML_SEQUENCE || list->count < 1 || list->count > BD_MAX_BLOCKS) {
        return bd_yaml_fail(yaml, list, err, "'blocks' must be a list of 1 to %d blocks", BD_MAX_BLOCKS);
    }
    for (size_t i = 0; i < list->count; i++) {
        struct bd_block *block = &stage->blocks[i];
        bd_status status = bd_yaml_bind(yaml, list->values[i], block_fields, block, err);
        if (status) {
            return status;
        }
        block->node = list->values[i];
        block->channels = block->channels ? scaled(d, block->channels) : stage->channels;
        block->inner = block->inner ? scaled(d, block->inner) : block->channels;
        status = check_block(block, yaml, err);
        if (status) {
            return status;
        }
    }
    stage->block_count = (int)list->count;
    return read_window_pool(&stage->pool, yaml, stage->pool_nodes, err);
}

static bd_status read_stages(struct bd_description *d, const struct bd_yaml *yaml, struct bd_error *err)
{
    const struct bd_yaml_node *list = d->stages_node;
    if (list->kind != BD_YAML_SEQUENCE || list->count < 1 || list->count > BD_MAX_STAGES) {
        return bd_yaml_fail(yaml, list, err, "'stages' must be a list of 1 to %d stages", BD_MAX_STAGES);
    }
    for (size_t i = 0; i < list->count; i++) {
        struct bd_stage *stage = &d->stages[i];
        bd_status status = bd_yaml_bind(yaml, list->values[i], stage_fields, stage, err);
        if (!status) {
            stage->channels = scaled(d, stage->channels);
            status = read_blocks(d, stage, yaml, err);
        }
        if (status) {
            return status;
        }
    }
    d->stage_count = (int)list->count;
    return BD_OK;
}

static bd_status check_stem(struct bd_description *d, const struct bd_yaml *yaml, struct bd_error *err)
{
    const struct bd_yaml_node *stem = bd_yaml_get(yaml->root, "stem"), *node;
    if (d->stem_kernel % 2 == 0) {
        return bd_yaml_fail(yaml, stem, err, "'kernel' must be odd, got %d", (int)d->stem_kernel);
    }
    d->stem_pad = d->stem_pad < 0 ? d->stem_kernel / 2 : d->stem_pad;
    const int64_t side = d->height < d->in_width ? d->height : d->in_width;
    if (d->stem_pad >= d->stem_kernel || side + 2 * d->stem_pad < d->stem_kernel) {
        node = bd_yaml_get(stem, "pad");
        return bd_yaml_fail(yaml, node ? node : stem, err, "a %dx%d kernel with padding %d does not fit a %dx%d image",
                            (int)d->stem_kernel, (int)d->stem_kernel, (int)d->stem_pad, (int)d->height,
                            (int)d->in_width);
    }
    if (check_bits(yaml, stem, "weight_bits", d->stem_bits, err)) {
        return err->status;
    }
    return read_window_pool(&d->stem_pool, yaml, d->stem_pool_nodes, err);
}

bd_status bd_description_read(struct bd_description *d, const struct bd_yaml *yaml, struct bd_error *err)
{
    bd_status status = bd_yaml_bind(yaml, yaml->root, document_fields, d, err);
    if (status) {
        return status;
    }
    if (!name_is_plain(d->name)) {
        return bd_yaml_fail(yaml, bd_yaml_get(yaml->root, "name"), err,
                            "'name' must hold letters, digits, '_', '-' and '.' alone");
    }
    const struct bd_yaml_node *head = bd_yaml_get(yaml->root, "head");
    if (check_stem(d, yaml, err) || check_bits(yaml, head, "pool_bits", d->pool_bits, err) ||
        check_bits(yaml, head, "weight_bits", d->head_bits, err)) {
        return err->status;
    }
    d->stem_channels = scaled(d, d->stem_channels);
    status = bd_description_switches(d, yaml, d->switches_node, err);
    return status ? status : read_stages(d, yaml, err);
}

void bd_description_release(struct bd_description *d)
{
    bd_fields_release(document_fields, d);
}

bool bd_block_projects(const struct bd_block *block, int stride, int64_t channels)
{
    return block->shortcut == BD_SHORTCUT_PROJECTION || block->shortcut == BD_SHORTCUT_AVERAGE ||
           (block->shortcut == BD_SHORTCUT_AUTO && (stride != 1 || channels != block->channels));
}

/* ---- writing ---- */

/* Hands out the prune groups' widths in the order in which bd_graph_build numbers them. */
struct widths {
    const int *group_channels;
    int next;
};

static int take(struct widths *w, int64_t described)
{
    return w->group_channels ? w->group_channels[w->next++] : (int)described;
}

static void write_window_pool(FILE *out, const char *lead, const struct bd_window_pool *pool, const char *end)
{
    if (pool->kernel) {
        fprintf(out, "%s%s: {kernel: %d, stride: %d, pad: %d}%s", lead, bd_layer_kinds[pool->kind].name,
                (int)pool->kernel, (int)pool->stride, (int)pool->pad, end);
    }
}

static void write_head(FILE *out, const struct bd_description *d, int stem_channels)
{
    fprintf(out, "name: %s\ninput: {height: %d, width: %d, channels: %d}\nclasses: %d\nswitches: [", d->name,
            (int)d->height, (int)d->in_width, (int)d->in_channels, (int)d->classes);
    for (int i = 0; i < d->switch_count; i++) {
        fprintf(out, "%s%s", i ? ", " : "", d->switches[i].name);
    }
    fprintf(out, "]\nquantizers: {weights: %s, activations: %s, sign_gradient: %s, weight_unit: %s}\n",
            weights_names[d->weights], activations_names[d->activations], sign_gradient_names[d->sign_gradient],
            weight_unit_names[d->weight_unit]);
    fprintf(out, "stem: {channels: %d, kernel: %d, stride: %d, pad: %d, weight_bits: %d", stem_channels,
            (int)d->stem_kernel, (int)d->stem_stride, (int)d->stem_pad, (int)d->stem_bits);
    write_window_pool(out, ", ", &d->stem_pool, "");
    fputs("}\nstages:\n", out);
}

static void write_block(FILE *out, const struct bd_block *block, bool projects, int channels, int inner)
{
    fprintf(out, "      - {kind: %s, channels: %d", block_kind_names[block->kind], channels);
    if (block->kind == BD_BLOCK_BASIC || block->kind == BD_BLOCK_BIREAL) {
        const int shortcut = block->shortcut == BD_SHORTCUT_AVERAGE ? BD_SHORTCUT_AVERAGE
                             : projects                             ? BD_SHORTCUT_PROJECTION
                                                                    : BD_SHORTCUT_IDENTITY;
        fprintf(out, ", inner: %d, shortcut: %s, projection_bits: %d", inner, shortcut_names[shortcut],
                (int)block->projection_bits);
    }
    if (block->weight_bits) {
        fprintf(out, ", weight_bits: %d", (int)block->weight_bits);
    }
    if (block->depthwise_bits) {
        fprintf(out, ", depthwise_bits: %d", (int)block->depthwise_bits);
    }
    if (block->activation_bits) {
        fprintf(out, ", activation_bits: %d", (int)block->activation_bits);
    }
    fputs("}\n", out);
}

void bd_description_write(FILE *out, const struct bd_description *d, const int *group_channels)
{
    struct widths w = {group_channels, 0};
    int stream = take(&w, d->stem_channels); /* as written; `before`: as described */
    int64_t before = d->stem_channels;
    write_head(out, d, stream);
    for (int s = 0; s < d->stage_count; s++) {
        const struct bd_stage *stage = &d->stages[s];
        char *blocks;
        size_t size;
        FILE *list = open_memstream(&blocks, &size);
        for (int k = 0; k < stage->block_count; k++) {
            const struct bd_block *block = &stage->blocks[k];
            const bool residual = block->kind == BD_BLOCK_BASIC || block->kind == BD_BLOCK_BIREAL;
            const bool projects = residual && bd_block_projects(block, k ? 1 : (int)stage->stride, before);
            if (!residual || projects) {
                stream = take(&w, block->channels);
            }
            const int inner = block->kind == BD_BLOCK_BASIC ? take(&w, block->inner) : stream;
            write_block(list, block, projects, stream, inner);
            before = block->channels;
        }
        fclose(list);
        fprintf(out, "  - channels: %d\n    stride: %d\n", stream, (int)stage->stride);
        write_window_pool(out, "    ", &stage->pool, "\n");
        fprintf(out, "    blocks:\n%s", blocks);
        free(blocks);
    }
    fprintf(out, "head: {pool_bits: %d, weight_bits: %d}\n", (int)d->pool_bits, (int)d->head_bits);
}

const char *bd_weight_quantizer_name(enum bd_weight_quantizer quantizer)
{
    return weights_names[quantizer];
}

const char *bd_activation_quantizer_name(enum bd_activation_quantizer quantizer)
{
    return activations_names[quantizer];
}

const char *bd_sign_gradient_name(enum bd_sign_gradient gradient)
{
    return sign_gradient_names[gradient];
}

const char *bd_weight_unit_name(enum bd_weight_unit unit)
{
    return weight_unit_names[unit];
}
