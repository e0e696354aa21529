/* Network descriptions: layers, shapes, prune groups, refusals with positions. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/graph/graph.h"
#include "tests/support/graph_fixture.h"

static const char resnet8[] = "yaml-configs/networks/resnet8.yaml";

Test(graph, resnet8_layers)
{
    static const struct {
        const char *name;
        int in, out, side, stride, group;
        bool writes, adds;
        const char *in_q, *out_q;
    } expected[] = {
        {"stem", 1, 16, 28, 1, 0, true, false, "input", "s1b1.q1"},
        {"s1b1.conv1", 16, 16, 28, 1, 1, false, false, "s1b1.q1", "s1b1.q2"},
        {"s1b1.conv2", 16, 16, 28, 1, 0, true, true, "s1b1.q2", "s2b1.q1"},
        {"s2b1.proj", 16, 32, 14, 2, 2, true, false, "s2b1.q1", NULL},
        {"s2b1.conv1", 16, 32, 14, 2, 3, false, false, "s2b1.q1", "s2b1.q2"},
        {"s2b1.conv2", 32, 32, 14, 1, 2, true, true, "s2b1.q2", "s3b1.q1"},
        {"s3b1.proj", 32, 64, 7, 2, 4, true, false, "s3b1.q1", NULL},
        {"s3b1.conv1", 32, 64, 7, 2, 5, false, false, "s3b1.q1", "s3b1.q2"},
        {"s3b1.conv2", 64, 64, 7, 1, 4, true, true, "s3b1.q2", NULL},
        {"pool", 64, 64, 1, 1, 4, false, false, NULL, "pool.q"},
        {"fc", 64, 10, 1, 1, -1, false, false, "pool.q", NULL},
    };
    struct bd_graph graph;
    struct bd_error err;
    cr_assert_eq(bd_graph_load(&graph, resnet8, &err), BD_OK, "%s", err.message);
    cr_assert_eq(graph.layer_count, (int)(sizeof expected / sizeof *expected));
    cr_assert_eq(graph.prune_group_count, 6);
    cr_assert_eq(graph.switch_count, 7);
    for (int i = 0; i < graph.layer_count; i++) {
        const struct bd_layer *layer = &graph.layers[i];
        cr_assert_str_eq(layer->name, expected[i].name);
        cr_assert_eq(layer->in_channels, expected[i].in, "%s", layer->name);
        cr_assert_eq(layer->out_channels, expected[i].out, "%s", layer->name);
        cr_assert_eq(layer->out_height, expected[i].side, "%s", layer->name);
        cr_assert_eq(layer->stride, expected[i].stride, "%s", layer->name);
        cr_assert_eq(layer->prune_group, expected[i].group, "%s", layer->name);
        cr_assert_eq(layer->writes_stream, expected[i].writes, "%s", layer->name);
        cr_assert_eq(layer->adds_stream, expected[i].adds, "%s", layer->name);
        const char *in = layer->in_quantizer < 0 ? NULL : graph.quantizers[layer->in_quantizer].name;
        const char *out = layer->out_quantizer < 0 ? NULL : graph.quantizers[layer->out_quantizer].name;
        cr_assert(in == expected[i].in_q || !strcmp(in, expected[i].in_q), "%s", layer->name);
        cr_assert(out == expected[i].out_q || !strcmp(out, expected[i].out_q), "%s", layer->name);
    }
    const struct bd_switch *low = &graph.switches[bd_graph_switch(&graph, "w1a1")];
    cr_assert_eq(bd_layer_weight_bits(&graph.layers[0], low), 8);
    cr_assert_eq(bd_layer_weight_bits(&graph.layers[3], low), 1);
    cr_assert(bd_quantizer_signed(&graph.quantizers[1], low));
    cr_assert_not(bd_quantizer_signed(&graph.quantizers[BD_QUANTIZER_INPUT], low));
    cr_assert_eq(bd_graph_producer(&graph, BD_QUANTIZER_INPUT), -1);
    cr_assert_eq(bd_graph_producer(&graph, graph.layers[3].in_quantizer), 2);
    cr_assert_eq(bd_graph_switch(&graph, "w3a3"), -1);
    bd_graph_release(&graph);
}

/* Pruned and described anew, the network has the same structure and the asked widths. */
Test(graph, resize)
{
    struct bd_graph graph, pruned, again;
    struct bd_error err;
    cr_assert_eq(bd_graph_load(&graph, resnet8, &err), BD_OK, "%s", err.message);
    const int channels[] = {13, 9, 13, 20, 41, 1};
    cr_assert_eq(bd_graph_resize(&graph, channels, &pruned, &err), BD_OK, "%s", err.message);
    cr_assert_eq(bd_graph_parse(&again, "again", pruned.yaml_text, strlen(pruned.yaml_text), &err), BD_OK, "%s",
                 err.message);
    cr_assert_eq(pruned.layer_count, graph.layer_count);
    cr_assert_eq(pruned.prune_group_count, graph.prune_group_count);
    for (int g = 0; g < graph.prune_group_count; g++) {
        cr_assert_eq(bd_graph_group_channels(&pruned, g), channels[g]);
        cr_assert_eq(bd_graph_group_channels(&again, g), channels[g]);
    }
    for (int i = 0; i < graph.layer_count; i++) {
        const struct bd_layer *before = &graph.layers[i], *after = &pruned.layers[i];
        cr_assert_str_eq(after->name, before->name);
        cr_assert_eq(after->prune_group, before->prune_group);
        cr_assert_eq(after->out_channels,
                     before->prune_group < 0 ? before->out_channels : channels[before->prune_group]);
        cr_assert_eq(after->adds_stream, before->adds_stream);
        cr_assert_eq(after->weight_bits, before->weight_bits);
    }
    bd_graph_release(&again);
    const int empty[] = {13, 0, 13, 20, 41, 1};
    cr_assert_eq(bd_graph_resize(&graph, empty, &again, &err), BD_BAD_INPUT);
    bd_graph_release(&graph);
    bd_graph_release(&pruned);
}

#define HEAD "name: n\ninput: {height: 8, width: 8, channels: 1}\nclasses: 3\n"
#define TAIL "stem: {channels: 4}\nstages:\n  - {channels: 4, blocks: [{kind: basic}]}\nhead: {}\n"

Test(graph, bireal_blocks_write_the_stream_twice)
{
    static const char text[] = HEAD "switches: [w1a1]\nstem: {channels: 4}\n"
                                    "stages:\n  - {channels: 8, stride: 2, blocks: [{kind: bireal}]}\nhead: {}\n";
    struct bd_graph graph;
    struct bd_error err;
    cr_assert_eq(bd_graph_parse(&graph, "n", text, sizeof text - 1, &err), BD_OK, "%s", err.message);
    cr_assert_eq(graph.prune_group_count, 2);
    for (int i = 2; i <= 3; i++) {
        cr_assert(graph.layers[i].writes_stream && graph.layers[i].adds_stream);
        cr_assert_eq(graph.layers[i].prune_group, 1);
    }
    bd_graph_release(&graph);
}

/* Stem, `blocks` plain layers, pool and classifier. */
static void parse_plain(struct bd_graph *graph, int blocks, bd_status expected, struct bd_error *err)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    fputs("name: n\ninput: {height: 1, width: 1, channels: 1}\nclasses: 2\nswitches: [w1a1]\nstem: {channels: 1}\n"
          "stages:\n",
          out);
    for (int i = 0; i < blocks; i++) {
        fprintf(out, i % 32 ? ", {kind: plain}" : "  - {channels: 1, blocks: [{kind: plain}");
        fputs(i % 32 == 31 || i == blocks - 1 ? "]}\n" : "", out);
    }
    fputs("head: {}\n", out);
    fclose(out);
    cr_assert_eq(bd_graph_parse(graph, "n", text, size, err), expected, "%d: %s", blocks, err->message);
    free(text);
}

Test(graph, layers_are_counted_as_built)
{
    struct bd_graph graph;
    struct bd_error err = {0};
    for (int blocks = 1; blocks <= BD_MAX_LAYERS - 3; blocks += 84) {
        parse_plain(&graph, blocks, BD_OK, &err);
        cr_assert_eq(graph.layer_count, blocks + 3);
        bd_graph_release(&graph);
    }
    parse_plain(&graph, BD_MAX_LAYERS - 2, BD_BAD_INPUT, &err);
    cr_assert_str_eq(err.message, "n:7:3: 257 layers, of which a network has at most 256");
}

Test(graph, refusals_have_positions)
{
    static const struct refusal cases[] = {
        {HEAD "switches: [w1a1, w8a8]\n" TAIL, "n:4:18: switch 'w8a8' must stand before 'w1a1'"},
        {HEAD "switches: [w1a1, w1a1]\n" TAIL, "n:4:18: switch 'w1a1' is listed twice"},
        {HEAD "switches: [w9a1]\n" TAIL, "n:4:12: a switch must read"},
        {HEAD "switches: [w1a01]\n" TAIL, "n:4:12: a switch must read"},
        {HEAD "switches: []\n" TAIL, "n:4:11: 'switches' must be a list"},
        {HEAD TAIL, "'switches'"},
        {HEAD "switches: [w1a1]\nstem: {channels: 4, kernel: 4}\nstages:\n  - {channels: 4, blocks: [{}]}\nhead: {}\n",
         "'kernel' must be odd"},
        {HEAD "switches: [w1a1]\nstem: {channels: 4}\nstages:\n  - {channels: 8, blocks: [{shortcut: "
              "identity}]}\nhead: {}\n",
         "n:7:28: an identity shortcut needs"},
        {HEAD "switches: [w1a1]\nstem: {channels: 4}\nstages:\n  - {channels: 4, blocks: []}\nhead: {}\n",
         "'blocks' must be a list"},
        {HEAD "switches: [w1a1]\nstem: {channels: 0}\nstages:\n  - {channels: 4, blocks: [{}]}\nhead: {}\n",
         "channels"},
        {HEAD "switches: [w1a1]\n" TAIL "colour: red\n", "unknown key 'colour'"},
        {HEAD "switches: [w1a1]\nstem: {channels: 4}\nstages:\n  - {channels: 4, blocks: [{}]}\nhead: {pool_bits: 9}\n",
         "'pool_bits' must be 1..8 or 32"},
    };
    assert_refused(cases, sizeof cases / sizeof *cases);
}
