#include "model/graph/graph.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/file.h"
#include "model/core/memory.h"
#include "model/graph/description.h"

/* Takes what a description says of the network as a whole, then builds its layers. */
static bd_status fill(struct bd_graph *graph, const struct bd_description *d, const struct bd_yaml *yaml,
                      struct bd_error *err)
{
    strcpy(graph->name, d->name);
    graph->input_height = (int)d->height;
    graph->input_width = (int)d->in_width;
    graph->input_channels = (int)d->in_channels;
    graph->classes = (int)d->classes;
    graph->weights = d->weights;
    graph->activations = d->activations;
    graph->sign_gradient = d->sign_gradient;
    graph->weight_unit = d->weight_unit;
    graph->switch_count = d->switch_count;
    memcpy(graph->switches, d->switches, sizeof graph->switches);
    return bd_graph_build(graph, d, yaml, err);
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
    struct bd_description *d = bd_xcalloc(1, sizeof *d);
    status = bd_description_read(d, &yaml, err);
    if (!status) {
        status = fill(graph, d, &yaml, err);
    }
    bd_description_release(d);
    free(d);
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

/* The shape's switches, "w1a8,w1a4", as a YAML list in the place of the description's. */
static bd_status replace_switches(struct bd_description *d, const char *names, struct bd_error *err)
{
    struct bd_yaml yaml;
    char *text = bd_asprintf("[%s]", names);
    bd_status status = bd_yaml_parse(&yaml, "switches", text, strlen(text), err);
    if (!status) {
        status = bd_description_switches(d, &yaml, yaml.root, err);
        bd_yaml_release(&yaml);
    }
    free(text);
    return status;
}

static bd_status adapt(struct bd_description *d, const struct bd_graph_shape *shape, struct bd_error *err)
{
    if (shape->height < 0 || shape->width < 0 || shape->channels < 0 || shape->classes < 0) {
        return bd_fail(err, BD_BAD_INPUT, "a network's input and classes cannot be negative");
    }
    d->height = shape->height ? shape->height : d->height;
    d->in_width = shape->width ? shape->width : d->in_width;
    d->in_channels = shape->channels ? shape->channels : d->in_channels;
    d->classes = shape->classes ? shape->classes : d->classes;
    return shape->switches ? replace_switches(d, shape->switches, err) : BD_OK;
}

/* Reads the graph's text again, changes it, and parses what that writes out: one way in for every graph. */
static bd_status rewrite(const struct bd_graph *graph, const struct bd_graph_shape *shape, const int *group_channels,
                         struct bd_graph *out, struct bd_error *err)
{
    struct bd_yaml yaml;
    bd_status status = bd_yaml_parse(&yaml, graph->name, graph->yaml_text, strlen(graph->yaml_text), err);
    if (status) {
        return status;
    }
    struct bd_description *d = bd_xcalloc(1, sizeof *d);
    status = bd_description_read(d, &yaml, err);
    if (!status && shape) {
        status = adapt(d, shape, err);
    }
    if (!status) {
        char *text;
        size_t size;
        FILE *stream = open_memstream(&text, &size);
        bd_description_write(stream, d, group_channels);
        fclose(stream);
        status = bd_graph_parse(out, graph->name, text, size, err);
        free(text);
    }
    bd_description_release(d);
    free(d);
    bd_yaml_release(&yaml);
    return status;
}

bd_status bd_graph_resize(const struct bd_graph *graph, const int *group_channels, struct bd_graph *resized,
                          struct bd_error *err)
{
    memset(resized, 0, sizeof *resized);
    for (int g = 0; g < graph->prune_group_count; g++) {
        if (group_channels[g] < 1 || group_channels[g] > BD_MAX_CHANNELS) {
            return bd_fail(err, BD_BAD_INPUT, "prune group %d must have 1..%d channels, got %d", g, BD_MAX_CHANNELS,
                           group_channels[g]);
        }
    }
    return rewrite(graph, NULL, group_channels, resized, err);
}

bd_status bd_graph_adapt(const struct bd_graph *graph, const struct bd_graph_shape *shape, struct bd_graph *adapted,
                         struct bd_error *err)
{
    memset(adapted, 0, sizeof *adapted);
    return rewrite(graph, shape, NULL, adapted, err);
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

const struct bd_layer_kind_row bd_layer_kinds[BD_LAYER_KIND_COUNT] = {
#define X(kind, name, accumulator, norm, bias, windows) {name, accumulator, norm, bias, windows},
    BD_LAYER_KINDS(X)
#undef X
};

const struct bd_layer_kind_row *bd_layer_row(const struct bd_layer *layer)
{
    return &bd_layer_kinds[layer->kind];
}

bool bd_layer_has_weights(const struct bd_layer *layer)
{
    return bd_layer_row(layer)->accumulator == BD_SUM_OF_PRODUCTS;
}

bool bd_layer_pools_windows(const struct bd_layer *layer)
{
    return bd_layer_row(layer)->windows && bd_layer_reads_stream(layer);
}

int bd_layer_side(const struct bd_layer *layer)
{
    return layer->averages ? 2 : 1;
}

bool bd_layer_reads_stream(const struct bd_layer *layer)
{
    return !bd_layer_has_weights(layer);
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
