/* The shipped networks: their published counts in closed form against the walk over their layers, the text round trip,
 * and what the blocks without a shortcut turn into. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/graph/graph.h"
#include "model/graph/parameter_count.h"
#include "tests/support/graph_fixture.h"

static void load(struct bd_graph *graph, const char *name)
{
    char path[96];
    struct bd_error err;
    snprintf(path, sizeof path, "yaml-configs/networks/%s.yaml", name);
    cr_assert_eq(bd_graph_load(graph, path, &err), BD_OK, "%s", err.message);
}

static void parse(struct bd_graph *graph, const char *text)
{
    struct bd_error err;
    cr_assert_eq(bd_graph_parse(graph, "n", text, strlen(text), &err), BD_OK, "%s", err.message);
}

static double model_mib(const struct bd_graph *graph, const char *name)
{
    struct bd_switch_counts at;
    bd_switch_counts(graph, &graph->switches[bd_graph_switch(graph, name)], &at);
    return (double)at.model_bytes / 1048576.0;
}

/* ResNet-18 in closed form: a stage of c channels has two blocks of 3x3 convolutions and, but for the first, a 1x1. */
static uint64_t resnet18_inner_weights(uint64_t *batch_norm)
{
    uint64_t weights = 0, before = 64;
    *batch_norm = 2 * 64;
    for (uint64_t c = 64; c <= 512; c *= 2) {
        weights += 9 * (before * c + 3 * c * c) + (c > 64 ? before * c : 0);
        *batch_norm += 2 * (c > 64 ? 5 : 4) * c;
        before = c;
    }
    return weights;
}

Test(networks, resnet18_has_its_published_size)
{
    struct bd_graph graph;
    struct bd_graph_counts total;
    load(&graph, "resnet18");
    uint64_t batch_norm;
    const uint64_t inner = resnet18_inner_weights(&batch_norm), outer = 7 * 7 * 3 * 64 + 512 * 1000 + 1000;
    bd_graph_counts(&graph, &total);
    cr_assert_eq(total.parameters, inner + outer + batch_norm);
    cr_assert_eq(total.parameters, 11689512u); /* as every description of ResNet-18 has it */
    cr_assert_eq(total.private_parameters, batch_norm);
    cr_assert_eq(total.macs, 1814073344u);
    for (int bits = 1; bits <= 8; bits *= 2) {
        const char *const names[] = {"w1a1", "w2a2", "w4a4", "w8a8"};
        const double closed = ((double)inner * bits / 8 + 4.0 * (double)(outer + batch_norm)) / 1048576.0;
        const char *name = names[bits == 1 ? 0 : bits == 2 ? 1 : bits == 4 ? 2 : 3];
        cr_assert_float_eq(model_mib(&graph, name), closed, 1e-9, "%s", name);
    }
    cr_assert_float_eq(model_mib(&graph, "w1a1"), 3.34, 0.0334);
    cr_assert_float_eq(model_mib(&graph, "w2a2"), 4.69, 0.005);
    bd_graph_release(&graph);
}

/* MobileNet v1: a depthwise and a 1x1 convolution from m to n channels have 9 m + m n weights. */
static uint64_t mobilenet_weights(const int *channels, int count, int inputs, int classes, uint64_t *batch_norm)
{
    uint64_t weights = 9 * (uint64_t)(inputs * channels[0]) + (uint64_t)(channels[count - 1] + 1) * (uint64_t)classes;
    *batch_norm = 2 * (uint64_t)channels[0];
    for (int i = 1; i < count; i++) {
        weights += (uint64_t)(9 * channels[i - 1] + channels[i - 1] * channels[i]);
        *batch_norm += 2 * (uint64_t)(channels[i - 1] + channels[i]);
    }
    return weights;
}

Test(networks, mobilenet_has_its_published_counts_at_every_width)
{
    static const int channels[] = {32, 64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024};
    static const double widths[] = {1.0, 0.5, 0.3};
    struct bd_graph graph, narrow;
    struct bd_graph_counts total;
    load(&graph, "mobilenet");
    bd_graph_counts(&graph, &total);
    cr_assert_eq(total.macs, 568740352u); /* published: 569 million */
    for (size_t w = 0; w < sizeof widths / sizeof widths[0]; w++) {
        int scaled[14];
        uint64_t batch_norm;
        for (int i = 0; i < 14; i++) {
            scaled[i] = (int)(channels[i] * widths[w] + 0.5);
        }
        char text[4096], *at = strstr(graph.yaml_text, "width: 1.0");
        cr_assert_not_null(at);
        snprintf(text, sizeof text, "%.*swidth: %g%s", (int)(at - graph.yaml_text), graph.yaml_text, widths[w],
                 at + strlen("width: 1.0"));
        parse(&narrow, text);
        bd_graph_counts(&narrow, &total);
        const uint64_t weights = mobilenet_weights(scaled, 14, 3, 1000, &batch_norm);
        cr_assert_eq(total.parameters, weights + batch_norm, "width %g", widths[w]);
        cr_assert(w > 0 || total.parameters == 4231976u); /* published: 4.2 million */
        bd_graph_release(&narrow);
    }
    bd_graph_release(&graph);
}

Test(networks, depthwise_layers_share_the_group_of_their_inputs)
{
    struct bd_graph graph;
    load(&graph, "mobilenet_narrow");
    int depthwise = 0, streams = 0;
    for (int l = 0; l < graph.layer_count; l++) {
        const struct bd_layer *layer = &graph.layers[l];
        streams += layer->writes_stream;
        if (layer->groups == 1) {
            continue;
        }
        depthwise++;
        cr_assert_eq(layer->groups, layer->in_channels);
        cr_assert_eq(layer->out_channels, layer->in_channels);
        cr_assert_eq(layer->prune_group, graph.layers[l - 1].prune_group);
        cr_assert_neq(layer->prune_group, graph.layers[l + 1].prune_group);
        cr_assert_eq(layer->weight_bits, 8);
        cr_assert_eq(graph.layers[l + 1].weight_bits, 0);
    }
    cr_assert_eq(depthwise, 8);
    cr_assert_eq(streams, 1, "only the last map, for the pool");
    cr_assert(graph.layers[graph.layer_count - 3].writes_stream);
    cr_assert_eq(graph.layers[graph.layer_count - 3].out_quantizer, -1);
    bd_graph_release(&graph);
}

Test(networks, max_pooling_stands_behind_the_layers_that_it_reads)
{
    struct bd_graph graph;
    load(&graph, "vgg_small");
    static const struct {
        const char *name;
        int side;
        bool stream, codes;
    } expected[] = {{"stem", 32, false, true},      {"s1b1.conv", 32, true, false}, {"s1.pool", 16, false, true},
                    {"s2b1.conv", 16, false, true}, {"s2b2.conv", 16, true, false}, {"s2.pool", 8, false, true},
                    {"s3b1.conv", 8, false, true},  {"s3b2.conv", 8, true, false},  {"s3.pool", 4, true, false},
                    {"pool", 1, false, true},       {"fc", 1, false, false}};
    cr_assert_eq(graph.layer_count, (int)(sizeof expected / sizeof expected[0]));
    for (int l = 0; l < graph.layer_count; l++) {
        const struct bd_layer *layer = &graph.layers[l];
        cr_assert_str_eq(layer->name, expected[l].name);
        cr_assert_eq(layer->out_height, expected[l].side, "%s", layer->name);
        cr_assert_eq(layer->writes_stream, expected[l].stream, "%s", layer->name);
        cr_assert_eq(layer->out_quantizer >= 0, expected[l].codes, "%s", layer->name);
        if (layer->kind == BD_LAYER_MAXPOOL) {
            cr_assert_eq(layer->in_quantizer, -1);
            cr_assert_eq(layer->prune_group, graph.layers[l - 1].prune_group);
        }
    }
    bd_graph_release(&graph);
}

static void same_graph(const struct bd_graph *a, const struct bd_graph *b)
{
    cr_assert_eq(a->layer_count, b->layer_count);
    cr_assert_eq(a->quantizer_count, b->quantizer_count);
    cr_assert_eq(a->prune_group_count, b->prune_group_count);
    cr_assert_arr_eq(a->layers, b->layers, (size_t)a->layer_count * sizeof *a->layers, "%s", a->name);
    cr_assert_arr_eq(a->quantizers, b->quantizers, (size_t)a->quantizer_count * sizeof *a->quantizers);
    cr_assert_arr_eq(a->switches, b->switches, sizeof a->switches);
    cr_assert(a->weights == b->weights && a->activations == b->activations && a->sign_gradient == b->sign_gradient &&
              a->weight_unit == b->weight_unit);
}

static const char every_key[] =
    "name: every\ninput: {height: 21, width: 19, channels: 3}\nclasses: 7\nwidth: 0.5\nswitches: [w2a2, w1a1]\n"
    "quantizers: {weights: lsq, activations: dorefa, sign_gradient: bireal, weight_unit: filter}\n"
    "stem: {channels: 8, kernel: 5, stride: 2, pad: 1, weight_bits: 32, max_pool: {kernel: 3, stride: 1, pad: 1}}\n"
    "stages:\n"
    "  - channels: 12\n    blocks:\n      - {kind: plain, weight_bits: 3, activation_bits: 32}\n"
    "      - {kind: basic, inner: 10, weight_bits: 2, activation_bits: 5}\n      - {kind: basic, shortcut: "
    "projection}\n"
    "  - channels: 20\n    stride: 2\n    max_pool: {kernel: 2}\n    blocks:\n"
    "      - {kind: separable, channels: 14, depthwise_bits: 8}\n      - {kind: bireal, projection_bits: 4}\n"
    "head: {pool_bits: 6, weight_bits: 0}\n";

/* Written out in full and read again, a description gives the same graph, whatever it uses. */
Test(networks, text_round_trip_keeps_everything)
{
    static const char *const names[] = {"resnet8",   "resnet20",         "resnet20_w1",     "resnet20_bireal",
                                        "resnet18",  "resnet18_small",   "resnet18_narrow", "resnet18_bireal",
                                        "mobilenet", "mobilenet_narrow", "vgg_small",       NULL};
    for (int i = 0; i < (int)(sizeof names / sizeof names[0]); i++) {
        struct bd_graph graph, adapted, resized;
        struct bd_error err;
        int channels[BD_MAX_LAYERS];
        if (names[i]) {
            load(&graph, names[i]);
        } else {
            parse(&graph, every_key);
        }
        const struct bd_graph_shape same = {0};
        cr_assert_eq(bd_graph_adapt(&graph, &same, &adapted, &err), BD_OK, "%s", err.message);
        same_graph(&graph, &adapted);
        for (int g = 0; g < graph.prune_group_count; g++) {
            channels[g] = bd_graph_group_channels(&graph, g);
        }
        cr_assert_eq(bd_graph_resize(&adapted, channels, &resized, &err), BD_OK, "%s", err.message);
        same_graph(&graph, &resized);
        bd_graph_release(&resized);
        for (int g = 0; g < graph.prune_group_count; g++) {
            channels[g] = 1 + (g * 7 + 3) % channels[g];
        }
        cr_assert_eq(bd_graph_resize(&graph, channels, &resized, &err), BD_OK, "%s", err.message);
        cr_assert_eq(resized.layer_count, graph.layer_count);
        for (int l = 0; l < graph.layer_count; l++) {
            const struct bd_layer *before = &graph.layers[l], *after = &resized.layers[l];
            cr_assert_eq(after->prune_group, before->prune_group, "%s", before->name);
            cr_assert(before->prune_group < 0 || after->out_channels == channels[before->prune_group], "%s",
                      before->name);
            cr_assert_eq(after->writes_stream, before->writes_stream, "%s", before->name);
            cr_assert_eq(after->weight_bits, before->weight_bits, "%s", before->name);
            cr_assert_eq(after->groups == 1 || after->groups == after->in_channels, true);
        }
        bd_graph_release(&resized);
        bd_graph_release(&adapted);
        bd_graph_release(&graph);
    }
}

Test(networks, quantizers_and_single_layers_say_their_own)
{
    struct bd_graph graph;
    parse(&graph, every_key);
    cr_assert_eq(graph.weights, BD_WEIGHTS_LSQ);
    cr_assert_eq(graph.activations, BD_ACTIVATIONS_DOREFA);
    cr_assert_eq(graph.sign_gradient, BD_SIGN_BIREAL);
    cr_assert_eq(graph.weight_unit, BD_UNIT_FILTER);
    static const struct {
        const char *name;
        int out, side, weight_bits, in_bits;
    } expected[] = {{"stem", 4, 10, 32, 8},      {"stem.pool", 4, 10, 0, 0},  {"s1b1.conv", 6, 10, 3, 32},
                    {"s1b2.conv1", 5, 10, 2, 5}, {"s1b2.conv2", 6, 10, 2, 5}, {"s1b3.proj", 6, 10, 0, 0},
                    {"s1b3.conv1", 6, 10, 0, 0}, {"s1b3.conv2", 6, 10, 0, 0}, {"s2b1.dw", 6, 5, 8, 0},
                    {"s2b1.pw", 7, 5, 0, 0},     {"s2b2.proj", 10, 5, 4, 0},  {"s2b2.conv1", 10, 5, 0, 0},
                    {"s2b2.conv2", 10, 5, 0, 0}, {"s2.pool", 10, 2, 0, 0},    {"pool", 10, 1, 0, 0},
                    {"fc", 7, 1, 0, 6}};
    cr_assert_eq(graph.layer_count, (int)(sizeof expected / sizeof expected[0]));
    for (int l = 0; l < graph.layer_count; l++) {
        const struct bd_layer *layer = &graph.layers[l];
        cr_assert_str_eq(layer->name, expected[l].name);
        cr_assert_eq(layer->out_channels, expected[l].out, "%s", layer->name);
        cr_assert_eq(layer->out_height, expected[l].side, "%s", layer->name);
        cr_assert_eq(layer->weight_bits, expected[l].weight_bits, "%s", layer->name);
        cr_assert(layer->in_quantizer < 0 || graph.quantizers[layer->in_quantizer].bits == expected[l].in_bits, "%s",
                  layer->name);
    }
    bd_graph_release(&graph);
}

Test(networks, other_images_classes_and_switches)
{
    struct bd_graph graph, adapted;
    struct bd_error err;
    load(&graph, "resnet20");
    const struct bd_graph_shape shape = {32, 40, 3, 100, "w2a2,w1a4"};
    cr_assert_eq(bd_graph_adapt(&graph, &shape, &adapted, &err), BD_OK, "%s", err.message);
    cr_assert_eq(adapted.layers[0].in_channels, 3);
    cr_assert_eq(adapted.layers[0].out_width, 40);
    cr_assert_eq(adapted.layers[adapted.layer_count - 1].out_channels, 100);
    cr_assert_eq(adapted.switch_count, 2);
    cr_assert_str_eq(adapted.switches[1].name, "w1a4");
    bd_graph_release(&adapted);
    const struct bd_graph_shape wrong = {.switches = "w1a1,w2a2"};
    cr_assert_eq(bd_graph_adapt(&graph, &wrong, &adapted, &err), BD_BAD_INPUT);
    cr_assert_not_null(strstr(err.message, "switches:1:7: switch 'w2a2' must stand before 'w1a1'"), "%s", err.message);
    const struct bd_graph_shape many = {.classes = 1001};
    cr_assert_eq(bd_graph_adapt(&graph, &many, &adapted, &err), BD_BAD_INPUT);
    cr_assert_not_null(strstr(err.message, "'classes' must be 2..1000, got 1001"), "%s", err.message);
    bd_graph_release(&graph);
}

#define LEAD "name: n\ninput: {height: 6, width: 8, channels: 1}\nclasses: 3\nswitches: [w1a1]\n"

Test(networks, refusals_have_positions)
{
    static const struct refusal cases[] = {
        {LEAD "quantizers: {weights: round}\nstem: {channels: 4}\nstages: [{channels: 4, blocks: [{}]}]\nhead: {}\n",
         "n:5:23: 'weights' must be one of floor|dorefa|lsq, got 'round'"},
        {LEAD "stem: {channels: 4, weight_bits: 9}\nstages: [{channels: 4, blocks: [{}]}]\nhead: {}\n",
         "n:5:34: 'weight_bits' must be 1..8 or 32, got 9"},
        {LEAD "stem: {channels: 4, kernel: 7, pad: 0}\nstages: [{channels: 4, blocks: [{}]}]\nhead: {}\n",
         "n:5:37: a 7x7 kernel with padding 0 does not fit a 6x8 image"},
        {LEAD "stem: {channels: 4, pad: 3}\nstages: [{channels: 4, blocks: [{}]}]\nhead: {}\n",
         "n:5:26: a 3x3 kernel with padding 3"},
        {LEAD "stem: {channels: 4, max_pool: {kernel: 3, pad: 2}}\nstages: [{channels: 4, blocks: [{}]}]\nhead: {}\n",
         "n:5:31: 'pad' must be at most half the kernel of 3, got 2"},
        {LEAD "stem: {channels: 4, max_pool: {stride: 3}}\nstages: [{channels: 4, blocks: [{}]}]\nhead: {}\n",
         "n:5:31: missing key 'kernel'"},
        {LEAD
         "stem: {channels: 4}\nstages: [{channels: 4, stride: 2, max_pool: {kernel: 7}, blocks: [{}]}]\nhead: {}\n",
         "n:6:45: a 7x7 window with padding 0 does not fit a 3x4 map"},
        {LEAD "stem: {channels: 4}\nstages: [{channels: 4, blocks: [{kind: plain, inner: 3}]}]\nhead: {}\n",
         "n:6:54: a plain block has no 'inner'"},
        {LEAD "stem: {channels: 4}\nstages: [{channels: 4, blocks: [{kind: separable, shortcut: auto}]}]\nhead: {}\n",
         "n:6:61: a separable block has no 'shortcut'"},
        {LEAD "stem: {channels: 4}\nstages: [{channels: 4, blocks: [{depthwise_bits: 8}]}]\nhead: {}\n",
         "n:6:50: a basic block has no 'depthwise_bits'"},
        {LEAD "stem: {channels: 4}\nstages: [{channels: 4, blocks: [{activation_bits: 12}]}]\nhead: {}\n",
         "n:6:51: 'activation_bits' must be 1..8 or 32, got 12"},
        {LEAD "stem: {channels: 4}\nstages: [{channels: 4, blocks: [{kind: bireal, inner: 5}]}]\nhead: {}\n",
         "n:6:33: 'inner' of a bireal block must be its 4 channels, got 5"},
        {LEAD "width: 0\nstem: {channels: 4}\nstages: [{channels: 4, blocks: [{}]}]\nhead: {}\n",
         "n:5:8: 'width' must be"},
        {LEAD "stem: {channels: 4}\nstages: [{channels: 4, blocks: [{}]}]\nhead: {weight_bits: 31}\n",
         "n:7:21: 'weight_bits' must be 1..8 or 32, got 31"},
    };
    assert_refused(cases, sizeof cases / sizeof *cases);
}

/* The projection keeps its 1x1 weights and reads means: what it gives, costs and writes out. */
Test(networks, averaging_shortcuts)
{
    static const char format[] =
        "name: a\ninput: {height: %d, width: 12, channels: 1}\nclasses: 3\nswitches: [w2a2, w1a1]\nstem: {channels: "
        "4}\n"
        "stages:\n  - {channels: 6, stride: %d, blocks: [{shortcut: average}, {kind: bireal}]}\nhead: {}\n";
    struct bd_graph graph, resized;
    struct bd_layer_counts counts;
    struct bd_error err;
    char *text = bd_asprintf(format, 8, 2);
    parse(&graph, text);
    free(text);
    const struct bd_layer *projection = &graph.layers[1];
    cr_assert_str_eq(projection->name, "s1b1.proj");
    cr_assert(projection->averages && projection->kernel_h == 1 && projection->stride == 2 && projection->pad == 0);
    cr_assert(projection->out_height == 4 && projection->out_width == 6 && bd_layer_side(projection) == 2);
    bd_layer_counts(projection, &counts);
    cr_assert_eq(counts.weights, 4 * 6);
    cr_assert_eq(counts.macs, 4 * 6 * 4 * 6);
    for (int l = 0; l < graph.layer_count; l++) {
        cr_assert_eq(graph.layers[l].averages, l == 1, "%s", graph.layers[l].name);
    }
    const int channels[] = {4, 5, 3}; /* stem, stream, inner */
    cr_assert_eq(graph.prune_group_count, 3);
    cr_assert_eq(bd_graph_resize(&graph, channels, &resized, &err), BD_OK, "%s", err.message);
    cr_assert(resized.layers[1].averages && resized.layers[1].out_channels == 5);
    bd_graph_release(&graph);
    bd_graph_release(&resized);
    const int refused[][2] = {{8, 1}, {7, 2}};
    for (int i = 0; i < 2; i++) {
        text = bd_asprintf(format, refused[i][0], refused[i][1]);
        cr_assert_eq(bd_graph_parse(&graph, "n", text, strlen(text), &err), BD_BAD_INPUT);
        cr_assert_not_null(strstr(err.message, "n:7:39: an average shortcut needs stride 2"), "%s", err.message);
        free(text);
    }
}
