#include "model/program/plain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/graph/graph.h"
#include "model/quant/quant.h"

static const char FLOAT_ONLY[] = "it trains and evaluates in float only, no hardware runs it";

/* What is float in a layer, whatever the switch; then what is float at a switch. */
static bd_status check_float(const struct bd_graph *graph, const int *switches, int switch_count, struct bd_error *err)
{
    for (int l = 0; l < graph->layer_count; l++) {
        const struct bd_layer *layer = &graph->layers[l];
        const char *what = layer->weight_bits > 8 ? "float weights"
                           : layer->in_quantizer >= 0 && graph->quantizers[layer->in_quantizer].bits > 8
                               ? "float activations"
                               : NULL;
        if (what) {
            return bd_fail(err, BD_BAD_INPUT, "layer '%s' has %s: %s", layer->name, what, FLOAT_ONLY);
        }
    }
    for (int s = 0; s < switch_count; s++) {
        const struct bd_switch *sw = &graph->switches[switches[s]];
        if (sw->activation_bits > 8) {
            return bd_fail(err, BD_BAD_INPUT, "switch '%s' has float activations: %s; choose other switches", sw->name,
                           FLOAT_ONLY);
        }
    }
    return BD_OK;
}

int bd_plain_switches(const struct bd_graph *graph, int switches[BD_PROGRAM_MAX_SWITCHES])
{
    int count = 0;
    for (int s = 0; s < graph->switch_count; s++) {
        if (graph->switches[s].activation_bits <= 8) {
            switches[count++] = s;
        }
    }
    return count;
}

static void describe_weights(const struct bd_graph *graph, const struct bd_layer *layer, int s,
                             struct bd_plain_layer *plain)
{
    struct bd_plain_layer_switch *at = &plain->at[s];
    at->weight_zero_point = bd_weight_zero_point(graph->weights, at->weight_bits);
    if (bd_weight_nests(graph->weights)) {
        plain->weight_planes = at->weight_bits > plain->weight_planes ? at->weight_bits : plain->weight_planes;
        return;
    }
    at->own_planes = true;
    at->same_as = s;
    for (int first = s - 1; first >= 0; first--) {
        if (plain->at[first].weight_bits == at->weight_bits &&
            bd_weight_level_shared(graph->weights, at->weight_bits, layer->weight_bits > 0)) {
            at->same_as = first;
        }
    }
}

static void describe_switch(const struct bd_graph *graph, const struct bd_layer *layer, const struct bd_switch *sw,
                            int s, struct bd_plain_layer *plain)
{
    struct bd_plain_layer_switch *at = &plain->at[s];
    at->datapath = -1;
    if (bd_layer_has_weights(layer)) {
        const struct bd_quantizer *in = &graph->quantizers[layer->in_quantizer];
        at->weight_bits = bd_layer_weight_bits(layer, sw);
        at->in_bits = bd_quantizer_bits(in, sw);
        at->in_signed = bd_quantizer_signed(in, sw);
        describe_weights(graph, layer, s, plain);
    }
    if (layer->out_quantizer >= 0) {
        const struct bd_quantizer *out = &graph->quantizers[layer->out_quantizer];
        at->out_bits = bd_quantizer_bits(out, sw);
        at->out_signed = bd_quantizer_signed(out, sw);
    }
}

/* 0 for layers that do not pool. */
static enum bd_pool_kind pool_kind(const struct bd_layer *layer)
{
    switch (layer->kind) {
    case BD_LAYER_MAXPOOL:
        return BD_POOL_MAX;
    case BD_LAYER_MEANPOOL:
        return BD_POOL_WINDOW_AVERAGE;
    case BD_LAYER_POOL:
    case BD_LAYER_CONV:
    case BD_LAYER_CLASSIFIER:
        break;
    }
    return BD_POOL_AVERAGE;
}

static struct bd_plain_layer describe_layer(const struct bd_layer *layer)
{
    return (struct bd_plain_layer){
        .name = layer->name,
        .operation = bd_layer_has_weights(layer) ? BD_OP_CONV : BD_OP_POOL,
        .pool_kind = pool_kind(layer),
        .in_tensor = layer->in_quantizer,
        .out_tensor = layer->out_quantizer,
        .writes_stream = layer->writes_stream,
        .adds_stream = layer->adds_stream,
        .in_height = layer->in_height,
        .in_width = layer->in_width,
        .in_channels = layer->in_channels,
        .out_height = layer->out_height,
        .out_width = layer->out_width,
        .out_channels = layer->out_channels,
        .kernel_h = bd_layer_side(layer) * layer->kernel_h,
        .kernel_w = bd_layer_side(layer) * layer->kernel_w,
        .stride = layer->stride,
        .pad = layer->pad,
        .groups = layer->groups,
    };
}

/* Codes made of stream values, one by one, have two bits or fewer. */
static bool is_narrow(const struct bd_graph *graph, const struct bd_switch *sw)
{
    for (int l = 0; l < graph->layer_count; l++) {
        const struct bd_layer *layer = &graph->layers[l];
        if (layer->writes_stream && layer->out_quantizer >= 0 &&
            bd_quantizer_bits(&graph->quantizers[layer->out_quantizer], sw) > 2) {
            return false;
        }
    }
    return true;
}

bd_status bd_plain_from_graph(struct bd_plain_network *network, const struct bd_graph *graph, const int *switches,
                              int switch_count, struct bd_error *err)
{
    *network = (struct bd_plain_network){.name = graph->name};
    if (check_float(graph, switches, switch_count, err)) {
        return err->status;
    }
    network->switch_count = switch_count;
    network->layer_count = graph->layer_count;
    network->classes = graph->classes;
    for (int s = 0; s < switch_count; s++) {
        const struct bd_switch *sw = &graph->switches[switches[s]];
        struct bd_program_switch *to = &network->switches[s];
        snprintf(to->name, sizeof to->name, "%s", sw->name);
        to->weight_bits = (uint32_t)sw->weight_bits;
        to->activation_bits = (uint32_t)sw->activation_bits;
        network->narrow_stream[s] = is_narrow(graph, sw);
    }
    network->layers = bd_xcalloc((size_t)graph->layer_count, sizeof *network->layers);
    for (int l = 0; l < graph->layer_count; l++) {
        network->layers[l] = describe_layer(&graph->layers[l]);
        for (int s = 0; s < switch_count; s++) {
            describe_switch(graph, &graph->layers[l], &graph->switches[switches[s]], s, &network->layers[l]);
        }
    }
    return BD_OK;
}

void bd_plain_release(struct bd_plain_network *network)
{
    free(network->layers);
    memset(network, 0, sizeof *network);
}

const char *bd_rtl_lacks(int groups, int kernel, int stride, int pad)
{
    if (groups != 1)
        return "groups of more than one channel";
    if (kernel > BD_LIMIT_KERNEL)
        return "kernels over 9x9";
    if (pad >= kernel)
        return "padding as wide as the kernel";
    return stride < 1 || stride > BD_LIMIT_STRIDE ? "strides over 4" : NULL;
}
