/* `bitdial show`: the layers of a network, what they hold and do, and what each switch makes of that. */
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "model/checkpoint/checkpoint.h"
#include "model/core/file.h"
#include "model/core/json.h"
#include "model/core/output.h"
#include "model/graph/parameter_count.h"
#include "sw/cli/cli.h"
#include "sw/cli/options.h"
#include "sw/cli/report.h"

static const char usage[] =
    "Usage: bitdial show NETWORK.yaml|CHECKPOINT [--input HxWxC] [--classes N] [--switches LIST] [--write FILE]\n"
    "                    [--force] [--json]\n"
    "Prints a network's layers with their shapes, parameters and multiply-accumulates (MACs), and for each switch the\n"
    "bytes of its weights, its binary MACs and bit operations, and the model size.\n\n"
    "  --input HxWxC     the same network for images of this height, width and channels\n"
    "  --classes N       ... for this many classes\n"
    "  --switches LIST   ... at these switches, separated by commas, highest precision first\n"
    "  --write FILE      write the description that results, in full, as YAML\n"
    "  --force           write over a text that is there already\n"
    "  --json            one JSON object on standard output\n"
    "  --help            print this\n\n"
    "Columns of a switch:\n"
    "  weights           bytes of all weights at the switch's bits, or their layer's own\n"
    "  binary            part of the MACs that multiply 1-bit weights by +-1 activations\n"
    "  bit operations    MACs x weight bits x activation bits, summed over layers; float counts 32\n"
    "  model             size as published for quantized networks: first and last layer, bias, gamma and beta in\n"
    "                    float32, all other weights at the switch's bits; 1 MiB is 2^20 bytes\n";

struct arguments {
    const char *path, *write;
    struct bd_graph_shape shape;
    bool json, adapts, force;
};

static const char *kind_name(const struct bd_layer *layer)
{
    if (layer->kind != BD_LAYER_CONV) {
        return bd_layer_row(layer)->name;
    }
    return layer->averages                       ? "avg+conv"
           : layer->groups == 1                  ? "conv"
           : layer->groups == layer->in_channels ? "depthwise"
                                                 : "grouped";
}

static double mebibytes(uint64_t bytes)
{
    return (double)bytes / 1048576.0;
}

/* ---- text ---- */

static void print_bits(int bits)
{
    if (bits) {
        printf(" %5d", bits);
    } else {
        printf(" %5s", "sw");
    }
}

static void print_layer(const struct bd_graph *graph, const struct bd_layer *layer)
{
    struct bd_layer_counts own;
    bd_layer_counts(layer, &own);
    char in[32], out[32], window[32];
    snprintf(in, sizeof in, "%dx%dx%d", layer->in_height, layer->in_width, layer->in_channels);
    snprintf(out, sizeof out, "%dx%dx%d", layer->out_height, layer->out_width, layer->out_channels);
    snprintf(window, sizeof window, "%dx%d/%d", layer->kernel_h, layer->kernel_w, layer->stride);
    printf("%-14s %-10s %-13s %-13s %-8s", layer->name, kind_name(layer), in, out, window);
    if (own.weights) {
        printf(" %9" PRIu64 " %12" PRIu64, own.weights, own.macs);
        print_bits(layer->weight_bits);
        print_bits(graph->quantizers[layer->in_quantizer].bits);
    } else {
        printf(" %9s %12s %5s %5s", "", "", "", "");
    }
    printf("%s%s%s\n", layer->adds_stream ? "  adds to" : " ", layer->writes_stream ? " stream" : "",
           layer->out_quantizer >= 0 ? " codes" : "");
}

/* How a pruned network was made. */
static void print_making(const json_t *metadata)
{
    const json_t *budget = json_object_get(metadata, "budget");
    if (budget) {
        printf("\npruned from a network of checksum %s: ranking %s, search %s, at most %.4g of its clocks at %s\n",
               json_string_value(json_object_get(metadata, "source_checksum")),
               json_string_value(json_object_get(metadata, "ranking")),
               json_string_value(json_object_get(metadata, "method")),
               json_number_value(json_object_get(budget, "ratio")),
               json_string_value(json_object_get(metadata, "budget_switch")));
    }
}

static void print_graph(const struct bd_graph *graph, const json_t *metadata)
{
    struct bd_graph_counts total;
    bd_graph_counts(graph, &total);
    printf("network '%s': %dx%dx%d images, %d classes, %d layers, %d prune groups\n", graph->name, graph->input_height,
           graph->input_width, graph->input_channels, graph->classes, graph->layer_count, graph->prune_group_count);
    printf("quantizers: weights %s in units of %s, activations %s, sign gradient %s\n\n",
           bd_weight_quantizer_name(graph->weights), bd_weight_unit_name(graph->weight_unit),
           bd_activation_quantizer_name(graph->activations), bd_sign_gradient_name(graph->sign_gradient));
    printf("%-14s %-10s %-13s %-13s %-8s %9s %12s %5s %5s  %s\n", "layer", "kind", "reads", "gives", "window",
           "weights", "MACs", "w", "a", "leaves");
    for (int l = 0; l < graph->layer_count; l++) {
        print_layer(graph, &graph->layers[l]);
    }
    printf("\n%" PRIu64 " parameters, %" PRIu64 " of them private to each switch; %" PRIu64
           " multiply-accumulates an image\n(w, a: bits of weights and of the codes read; sw: the switch's)\n\n",
           total.parameters, total.private_parameters, total.macs);
    printf("%-8s %14s %16s %20s %12s\n", "switch", "weights, B", "binary MACs", "bit operations", "model, MiB");
    for (int s = 0; s < graph->switch_count; s++) {
        struct bd_switch_counts at;
        bd_switch_counts(graph, &graph->switches[s], &at);
        printf("%-8s %14" PRIu64 " %16" PRIu64 " %20" PRIu64 " %12.3f\n", graph->switches[s].name, at.weight_bytes,
               at.binary_macs, at.bit_ops, mebibytes(at.model_bytes));
    }
    print_making(metadata);
}

/* ---- JSON ---- */

static json_t *shape_json(int height, int width, int channels)
{
    return json_pack("[i, i, i]", height, width, channels);
}

static json_t *layer_json(const struct bd_graph *graph, const struct bd_layer *layer)
{
    struct bd_layer_counts own;
    bd_layer_counts(layer, &own);
    json_t *object =
        json_pack("{s:o, s:s, s:o, s:o, s:o, s:i, s:i, s:i, s:b, s:b, s:b, s:i}", "name", bd_json_text(layer->name),
                  "kind", kind_name(layer), "in", shape_json(layer->in_height, layer->in_width, layer->in_channels),
                  "out", shape_json(layer->out_height, layer->out_width, layer->out_channels), "kernel",
                  json_pack("[i, i]", layer->kernel_h, layer->kernel_w), "stride", layer->stride, "pad", layer->pad,
                  "groups", layer->groups, "writes_codes", layer->out_quantizer >= 0, "writes_stream",
                  layer->writes_stream, "adds_stream", layer->adds_stream, "prune_group", layer->prune_group);
    json_object_update_new(object, json_pack("{s:I, s:I, s:I, s:I}", "weights", (json_int_t)own.weights, "norms",
                                             (json_int_t)own.norms, "biases", (json_int_t)own.biases, "macs",
                                             (json_int_t)own.macs));
    json_t *bits = json_array();
    for (int s = 0; s < graph->switch_count && own.weights; s++) {
        const struct bd_switch *sw = &graph->switches[s];
        const struct bd_quantizer *in = &graph->quantizers[layer->in_quantizer];
        json_array_append_new(bits, json_pack("{s:s, s:i, s:i}", "switch", sw->name, "weight_bits",
                                              bd_layer_weight_bits(layer, sw), "in_bits", bd_quantizer_bits(in, sw)));
    }
    json_object_set_new(object, "bits", bits);
    return object;
}

static void print_json(const struct bd_graph *graph, const json_t *metadata)
{
    struct bd_graph_counts total;
    bd_graph_counts(graph, &total);
    json_t *layers = json_array(), *switches = json_array();
    for (int l = 0; l < graph->layer_count; l++) {
        json_array_append_new(layers, layer_json(graph, &graph->layers[l]));
    }
    for (int s = 0; s < graph->switch_count; s++) {
        struct bd_switch_counts at;
        bd_switch_counts(graph, &graph->switches[s], &at);
        json_array_append_new(switches,
                              json_pack("{s:s, s:I, s:I, s:I, s:I, s:f}", "name", graph->switches[s].name,
                                        "weight_bytes", (json_int_t)at.weight_bytes, "binary_macs",
                                        (json_int_t)at.binary_macs, "bit_ops", (json_int_t)at.bit_ops, "model_bytes",
                                        (json_int_t)at.model_bytes, "model_mib", mebibytes(at.model_bytes)));
    }
    json_t *object = json_pack(
        "{s:o, s:o, s:i, s:{s:s, s:s, s:s, s:s}, s:I, s:I, s:I, s:i, s:o, s:o}", "network", bd_json_text(graph->name),
        "input", shape_json(graph->input_height, graph->input_width, graph->input_channels), "classes", graph->classes,
        "quantizers", "weights", bd_weight_quantizer_name(graph->weights), "activations",
        bd_activation_quantizer_name(graph->activations), "sign_gradient", bd_sign_gradient_name(graph->sign_gradient),
        "weight_unit", bd_weight_unit_name(graph->weight_unit), "parameters", (json_int_t)total.parameters,
        "private_parameters", (json_int_t)total.private_parameters, "macs", (json_int_t)total.macs, "prune_groups",
        graph->prune_group_count, "layers", layers, "switches", switches);
    if (metadata) {
        json_object_set(object, "metadata", (json_t *)metadata);
    }
    bd_cli_report(object);
}

/* ---- what is shown ---- */

/* Takes the graph out of a checkpoint, with what that says of its making (or NULL), or reads a description. */
static bd_status load(struct bd_graph *graph, json_t **metadata, const char *path, struct bd_error *err)
{
    *metadata = NULL;
    if (!bd_file_begins(path, "BITDIALC", 8)) {
        return bd_graph_load(graph, path, err);
    }
    struct bd_checkpoint checkpoint;
    if (bd_checkpoint_load(&checkpoint, path, err)) {
        return err->status;
    }
    *graph = checkpoint.graph;
    checkpoint.graph = (struct bd_graph){0};
    *metadata = checkpoint.metadata ? json_loads(checkpoint.metadata, 0, NULL) : NULL;
    bd_checkpoint_release(&checkpoint);
    return BD_OK;
}

static bd_status show(const struct arguments *a, struct bd_error *err)
{
    struct bd_graph graph;
    json_t *metadata;
    const char *const inputs[] = {a->path, NULL};
    if (a->write && bd_output_check(a->write, BD_OUTPUT_TEXT, a->force ? NULL : "--force replaces it", inputs, err)) {
        return err->status;
    }
    if (load(&graph, &metadata, a->path, err)) {
        return err->status;
    }
    bd_status status = BD_OK;
    if (a->adapts || a->write) {
        struct bd_graph adapted;
        status = bd_graph_adapt(&graph, &a->shape, &adapted, err);
        bd_graph_release(&graph);
        graph = adapted;
    }
    if (status == BD_OK && a->write) {
        status = bd_file_write(a->write, graph.yaml_text, strlen(graph.yaml_text), err);
    }
    if (status == BD_OK) {
        (a->json ? print_json : print_graph)(&graph, metadata);
    }
    json_decref(metadata);
    bd_graph_release(&graph);
    return status;
}

static bool read_shape(void *context, const char *text)
{
    struct bd_graph_shape *shape = context;
    int used = 0;
    if (sscanf(text, "%dx%dx%d%n", &shape->height, &shape->width, &shape->channels, &used) != 3 || text[used] ||
        shape->height < 1 || shape->width < 1 || shape->channels < 1) {
        bd_cli_usage("show", "'--input' must read HEIGHTxWIDTHxCHANNELS, got '%s'", text);
        return false;
    }
    return true;
}

static int read_arguments(int argc, char **argv, struct arguments *a)
{
    int64_t classes = 0;
    const struct bd_option table[] = {
        {"input", .take = read_shape, .context = &a->shape},
        {"classes", .integer = &classes, .min = 2, .max = 1000},
        {"switches", .text = &a->shape.switches},
        {"write", .text = &a->write},
        {"force", .flag = &a->force},
        {"json", .flag = &a->json},
        {0},
    };
    int code = bd_cli_options("show", usage, table, argc, argv);
    if (code != BD_OPTIONS_READ) {
        return code;
    }
    if (optind + 1 != argc) {
        return bd_cli_usage("show", "expected one NETWORK.yaml or CHECKPOINT");
    }
    a->path = argv[optind];
    a->shape.classes = (int)classes;
    a->adapts = a->shape.height || classes || a->shape.switches;
    return BD_OPTIONS_READ;
}

int cmd_show(int argc, char **argv)
{
    struct arguments a = {0};
    int code = read_arguments(argc, argv, &a);
    if (code != BD_OPTIONS_READ) {
        return code;
    }
    struct bd_error err;
    return show(&a, &err) == BD_OK ? BD_OK : bd_cli_fail("show", &err);
}
