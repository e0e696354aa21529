/* Cases as a YAML file and an image beside it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/file.h"
#include "model/core/memory.h"
#include "model/core/yaml.h"
#include "model/data/npy.h"
#include "model/regress/case.h"

/* ---- writing ------------------------------------------------------------------------------------------------ */

static char *image_path(const char *path)
{
    const char *dot = strrchr(path, '.'), *slash = strrchr(path, '/');
    const int stem = (int)(dot && (!slash || dot > slash) ? (size_t)(dot - path) : strlen(path));
    return bd_asprintf("%.*s.npy", stem, path);
}

static const char *word(bool value)
{
    return value ? "true" : "false";
}

static void write_layer(FILE *out, const struct bd_case *c, const struct bd_case_layer *layer)
{
    const bool pools = layer->operation == BD_OP_POOL;
    fprintf(out, "  - {id: %d, reads: %d, operation: %s, kernel: %d, stride: %d, pad: %d, channels: %d,\n", layer->id,
            layer->reads, pools ? bd_pool_kinds[layer->pool_kind].name : "conv", layer->kernel, layer->stride,
            layer->pad, layer->channels);
    fprintf(out, "     depthwise: %s, codes: %s, writes_stream: %s, adds_stream: %s, at: [\n", word(layer->depthwise),
            word(layer->codes), word(layer->writes), word(layer->adds));
    for (int s = 0; s < c->switch_count; s++) {
        const struct bd_case_bits *at = &layer->at[s];
        fprintf(out,
                "       {weight_bits: %d, out_bits: %d, out_signed: %s, own_planes: %s, weight_zero_point: %d, "
                "datapath: %s}%s\n",
                at->weight_bits, at->out_bits, word(at->out_signed), word(at->own_planes), at->weight_zero_point,
                at->datapath == BD_DATAPATH_XNOR ? "xnor" : "mac", s + 1 < c->switch_count ? "," : "]}");
    }
}

/* In single quotes, where a quote stands twice. */
static void write_text(FILE *out, const char *key, const char *text)
{
    fprintf(out, "%s: '", key);
    for (; *text; text++)
        fprintf(out, *text == '\'' ? "''" : "%c", *text);
    fputs("'\n", out);
}

static void write_case(FILE *out, const struct bd_case *c, const char *image)
{
    const char *slash = strrchr(image, '/');
    fputs("# A network that stands alone: bitdial regress --case THIS_FILE runs it on the RTL.\n"
          "# reads: the layer, by its place from 0, whose codes are read; -1 the image, -2 the residual stream.\n",
          out);
    write_text(out, "hardware", c->hardware ? c->hardware : "");
    write_text(out, "bench", c->bench ? c->bench : "");
    write_text(out, "image", slash ? slash + 1 : image);
    fprintf(out, "seed: %llu\nsaturate: %s\nswitches:\n", (unsigned long long)c->seed, word(c->saturate));
    for (int s = 0; s < c->switch_count; s++)
        fprintf(out, "  - {name: '%s', narrow_stream: %s}\n", c->switches[s].name, word(c->switches[s].narrow));
    fputs("layers:\n", out);
    for (int l = 0; l < c->layer_count; l++)
        write_layer(out, c, &c->layers[l]);
}

bd_status bd_case_write(const struct bd_case *c, const char *path, struct bd_error *err)
{
    char *image = image_path(path), *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out) {
        free(image);
        return bd_fail(err, BD_INFRA, "cannot write '%s': out of memory", path);
    }
    write_case(out, c, image);
    fclose(out);
    const int64_t shape[4] = {1, c->height, c->width, c->channels};
    bd_status status = bd_npy_write(image, BD_NPY_U8, 4, shape, c->image, err);
    status = status ? status : bd_file_write(path, text, size, err);
    free(text);
    free(image);
    return status;
}

/* ---- reading ------------------------------------------------------------------------------------------------ */

struct head {
    char *hardware, *bench, *image;
    int64_t seed;
    bool saturate;
    const struct bd_yaml_node *switches, *layers;
};

#define AT(member) offsetof(struct head, member)
static const struct bd_field head_fields[] = {
    {"hardware", BD_FIELD_PATH, AT(hardware), 0, 4095, NULL, NULL, NULL, "configuration that it runs on"},
    {"bench", BD_FIELD_STRING, AT(bench), 0, 4095, "", NULL, NULL, "further options of the bench"},
    {"image", BD_FIELD_PATH, AT(image), 1, 4095, NULL, NULL, NULL, "array (1, H, W, C) of bytes"},
    {"seed", BD_FIELD_INT, AT(seed), 0, 9e15, NULL, NULL, NULL, "of weights and scales"},
    {"saturate", BD_FIELD_BOOL, AT(saturate), 0, 0, "false", NULL, NULL, "scales that reach the limits of 32 bits"},
    {"switches", BD_FIELD_NODE, AT(switches), 0, 0, NULL, NULL, NULL, "a list"},
    {"layers", BD_FIELD_NODE, AT(layers), 0, 0, NULL, NULL, NULL, "a list, in the order in which they run"},
    {0},
};
#undef AT

struct switch_row {
    char *name;
    bool narrow;
};
static const struct bd_field switch_fields[] = {
    {"name", BD_FIELD_STRING, offsetof(struct switch_row, name), 1, 15, NULL, NULL, NULL, "of the switch"},
    {"narrow_stream", BD_FIELD_BOOL, offsetof(struct switch_row, narrow), 0, 0, "false", NULL, NULL, "of 16 bits"},
    {0},
};

struct layer_row {
    int64_t id, reads, kernel, stride, pad, channels;
    int operation;
    bool depthwise, codes, writes, adds;
    const struct bd_yaml_node *at;
};
enum { OPERATION_CONV };
#define OPERATIONS "conv|pool|max_pool|average_pool" /* conv, then bd_pool_kinds in their order */
#define AT(member) offsetof(struct layer_row, member)
static const struct bd_field layer_fields[] = {
    {"id", BD_FIELD_INT, AT(id), 0, 65535, NULL, NULL, NULL, "which weights it draws"},
    {"reads", BD_FIELD_INT, AT(reads), -2, BD_PROGRAM_MAX_LAYERS, NULL, NULL, NULL, "the layer that it reads"},
    {"operation", BD_FIELD_ENUM, AT(operation), 0, 0, NULL, OPERATIONS, NULL, ""},
    {"kernel", BD_FIELD_INT, AT(kernel), 1, BD_LIMIT_SIDE, "1", NULL, NULL, "side"},
    {"stride", BD_FIELD_INT, AT(stride), 1, BD_LIMIT_SIDE, "1", NULL, NULL, ""},
    {"pad", BD_FIELD_INT, AT(pad), 0, BD_LIMIT_KERNEL - 1, "0", NULL, NULL, "on all sides"},
    {"channels", BD_FIELD_INT, AT(channels), 1, BD_LIMIT_CHANNELS, NULL, NULL, NULL, "of the output"},
    {"depthwise", BD_FIELD_BOOL, AT(depthwise), 0, 0, "false", NULL, NULL, ""},
    {"codes", BD_FIELD_BOOL, AT(codes), 0, 0, "false", NULL, NULL, "writes codes"},
    {"writes_stream", BD_FIELD_BOOL, AT(writes), 0, 0, "false", NULL, NULL, ""},
    {"adds_stream", BD_FIELD_BOOL, AT(adds), 0, 0, "false", NULL, NULL, ""},
    {"at", BD_FIELD_NODE, AT(at), 0, 0, NULL, NULL, NULL, "bits, a row a switch"},
    {0},
};
#undef AT

struct bits_row {
    int64_t weight_bits, out_bits, zero_point;
    bool out_signed, own_planes;
    int datapath;
};
#define AT(member) offsetof(struct bits_row, member)
static const struct bd_field bits_fields[] = {
    {"weight_bits", BD_FIELD_INT, AT(weight_bits), 0, 8, "0", NULL, NULL, ""},
    {"out_bits", BD_FIELD_INT, AT(out_bits), 0, 8, "0", NULL, NULL, ""},
    {"out_signed", BD_FIELD_BOOL, AT(out_signed), 0, 0, "false", NULL, NULL, ""},
    {"own_planes", BD_FIELD_BOOL, AT(own_planes), 0, 0, "false", NULL, NULL, ""},
    {"weight_zero_point", BD_FIELD_INT, AT(zero_point), 0, 1, "0", NULL, NULL, ""},
    {"datapath", BD_FIELD_ENUM, AT(datapath), 0, 0, "xnor", "xnor|mac", NULL, ""},
    {0},
};
#undef AT

/* A list of mappings, of so many rows. */
static bd_status expect_list(const struct bd_yaml *yaml, const struct bd_yaml_node *node, const char *what,
                             size_t least, size_t most, struct bd_error *err)
{
    if (node->kind != BD_YAML_SEQUENCE || node->count < least || node->count > most)
        return bd_yaml_fail(yaml, node, err, "'%s' must be a list of %zu..%zu rows", what, least, most);
    for (size_t i = 0; i < node->count; i++)
        if (node->values[i]->kind != BD_YAML_MAPPING)
            return bd_yaml_fail(yaml, node->values[i], err, "a row of '%s' must be a mapping", what);
    return BD_OK;
}

static bd_status read_bits(const struct bd_yaml *yaml, const struct bd_yaml_node *node, struct bd_case *c,
                           struct bd_case_layer *layer, struct bd_error *err)
{
    const size_t count = (size_t)c->switch_count;
    bd_status status = expect_list(yaml, node, "at", count, count, err);
    for (size_t s = 0; s < count && !status; s++) {
        struct bits_row row;
        status = bd_yaml_bind(yaml, node->values[s], bits_fields, &row, err);
        if (status)
            break;
        if ((layer->codes && row.out_bits < 1) || (layer->operation == BD_OP_CONV && row.weight_bits < 1))
            return bd_yaml_fail(yaml, node->values[s], err, "a layer that has codes or weights needs bits for them");
        layer->at[s] = (struct bd_case_bits){.weight_bits = (int)row.weight_bits,
                                             .out_bits = (int)row.out_bits,
                                             .out_signed = row.out_signed,
                                             .own_planes = row.own_planes,
                                             .weight_zero_point = (int)row.zero_point,
                                             .datapath = row.datapath};
    }
    return status;
}

static bd_status read_layer(const struct bd_yaml *yaml, const struct bd_yaml_node *node, struct bd_case *c, int l,
                            struct bd_error *err)
{
    struct layer_row row;
    if (bd_yaml_bind(yaml, node, layer_fields, &row, err))
        return err->status;
    const bool pools = row.operation != OPERATION_CONV;
    if (pools ? row.reads != -2 : row.reads < -1 || row.reads >= l)
        return bd_yaml_fail(yaml, node, err, "'reads' must be -2 of a pooling layer, and of others an earlier layer");
    c->layers[l] = (struct bd_case_layer){.id = (int)row.id,
                                          .reads = (int)row.reads,
                                          .operation = pools ? BD_OP_POOL : BD_OP_CONV,
                                          .pool_kind = pools ? (enum bd_pool_kind)(row.operation - 1) : BD_POOL_AVERAGE,
                                          .kernel = (int)row.kernel,
                                          .stride = (int)row.stride,
                                          .pad = (int)row.pad,
                                          .channels = (int)row.channels,
                                          .depthwise = row.depthwise,
                                          .codes = row.codes,
                                          .writes = row.writes,
                                          .adds = row.adds};
    return read_bits(yaml, row.at, c, &c->layers[l], err);
}

static bd_status read_lists(const struct bd_yaml *yaml, const struct head *head, struct bd_case *c,
                            struct bd_error *err)
{
    if (expect_list(yaml, head->switches, "switches", 1, BD_PROGRAM_MAX_SWITCHES, err) ||
        expect_list(yaml, head->layers, "layers", 1, BD_PROGRAM_MAX_LAYERS, err))
        return err->status;
    c->switch_count = (int)head->switches->count;
    c->layer_count = (int)head->layers->count;
    c->layers = bd_xcalloc(head->layers->count, sizeof *c->layers);
    for (int s = 0; s < c->switch_count; s++) {
        struct switch_row row;
        if (bd_yaml_bind(yaml, head->switches->values[s], switch_fields, &row, err))
            return err->status;
        snprintf(c->switches[s].name, sizeof c->switches[s].name, "%s", row.name);
        c->switches[s].narrow = row.narrow;
        bd_fields_release(switch_fields, &row);
    }
    for (int l = 0; l < c->layer_count; l++)
        if (read_layer(yaml, head->layers->values[l], c, l, err))
            return err->status;
    return BD_OK;
}

static bd_status read_image(const struct bd_yaml *yaml, const char *path, struct bd_case *c, struct bd_error *err)
{
    struct bd_dataset set = {0};
    if (bd_npy_images(path, &set, err))
        return err->status;
    bd_status status = BD_OK;
    if (set.count != 1) {
        status =
            bd_yaml_fail(yaml, bd_yaml_get(yaml->root, "image"), err, "'%s' holds %u images, not one", path, set.count);
    } else {
        c->height = (int)set.height;
        c->width = (int)set.width;
        c->channels = (int)set.channels;
        c->image = set.images;
        set.images = NULL;
    }
    bd_dataset_release(&set);
    return status;
}

bd_status bd_case_load(struct bd_case *c, const char *path, struct bd_error *err)
{
    struct bd_yaml yaml;
    struct head head;
    *c = (struct bd_case){0};
    if (bd_yaml_load(&yaml, path, err))
        return err->status;
    bd_status status = bd_yaml_bind(&yaml, yaml.root, head_fields, &head, err);
    if (!status) {
        c->seed = (uint64_t)head.seed;
        c->saturate = head.saturate;
        c->hardware = head.hardware && head.hardware[0] ? bd_xstrdup(head.hardware) : NULL;
        c->bench = head.bench && head.bench[0] ? bd_xstrdup(head.bench) : NULL;
        status = read_lists(&yaml, &head, c, err);
        status = status ? status : read_image(&yaml, head.image, c, err);
        bd_fields_release(head_fields, &head);
    }
    bd_yaml_release(&yaml);
    if (status)
        bd_case_release(c);
    return status;
}
