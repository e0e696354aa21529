/* How full the levels are: the counts of a running network against those of the checkpoint's own codes and of plain
 * walks over the activations. */
#include <math.h>

#include "model/quant/quant.h"
#include "model/train/network/histogram.h"
#include "tests/support/train_fixture.h"

/* The level of an integer weight, from the lowest: odd numbers, or LSQ's whole ones. */
static int level_of(enum bd_weight_quantizer family, int integer, int bits)
{
    return family == BD_WEIGHTS_LSQ && bits > 1 ? integer + (1 << (bits - 1)) : (integer + (1 << bits) - 1) / 2;
}

struct expected {
    const struct bd_checkpoint *checkpoint;
    uint64_t count[BD_MAX_LAYERS][4][BD_NET_LEVELS]; /* layer, switch */
    int compared;
};

/* From the checkpoint as it stands: what the next step's forward passes multiply by. */
static void count_checkpoint(struct expected *expected)
{
    const struct bd_graph *graph = &expected->checkpoint->graph;
    struct bd_error err;
    memset(expected->count, 0, sizeof expected->count);
    for (int l = 0; l < graph->layer_count; l++) {
        const struct bd_layer *layer = &graph->layers[l];
        for (int s = 0; s < graph->switch_count && bd_layer_has_weights(layer); s++) {
            const int64_t count = bd_checkpoint_find(expected->checkpoint, "%s.weight", layer->name)->count;
            int16_t *integers = bd_xmalloc(count * sizeof *integers);
            cr_assert_eq(bd_checkpoint_integers(expected->checkpoint, layer, s, integers, &err), BD_OK);
            for (int64_t i = 0; i < count; i++) {
                const int bits = bd_layer_weight_bits(layer, &graph->switches[s]);
                expected->count[l][s][level_of(graph->weights, integers[i], bits)]++;
            }
            free(integers);
        }
    }
}

static void compare(void *context, const struct bd_train_event *event)
{
    struct expected *expected = context;
    const struct bd_graph *graph = &expected->checkpoint->graph;
    if (event->kind != BD_TRAIN_STEP) {
        return;
    }
    cr_assert_eq(event->measured, 15);
    for (int s = 0; s < graph->switch_count; s++) {
        for (int l = 0; l < graph->layer_count; l++) {
            const struct bd_layer *layer = &graph->layers[l];
            const struct bd_level_counts *counts = bd_occupancy_weights(event->occupancy, l, s);
            const int bits = bd_layer_has_weights(layer) ? bd_layer_weight_bits(layer, &graph->switches[s]) : 0;
            cr_assert_eq(counts->bits, bits, "%s has %d bits", layer->name, counts->bits);
            cr_assert_arr_eq(counts->count, expected->count[l][s], sizeof counts->count, "%s at %s, step %d",
                             layer->name, graph->switches[s].name, (int)event->step);
            expected->compared += bits > 0;
        }
        for (int q = 0; q < graph->quantizer_count; q++) {
            const struct bd_level_counts *counts = bd_occupancy_activations(event->occupancy, q, s);
            const struct bd_quantizer *info = &graph->quantizers[q];
            uint64_t sum = 0;
            for (int i = 0; i < BD_NET_LEVELS; i++) {
                sum += counts->count[i];
            }
            cr_assert_eq(sum, q == BD_QUANTIZER_INPUT ? 0 : 16u * info->channels * info->height * info->width);
        }
    }
    count_checkpoint(expected);
}

/* Every step of a run, weights that move and ranges that follow them: the counts are those of the checkpoint that the
 * step began with. Counting changes no bit of it. */
static void check_run(enum bd_weight_quantizer weights, enum bd_activation_quantizer activations)
{
    struct run run, plain;
    struct run *both[] = {&run, &plain};
    struct expected *expected = bd_xcalloc(1, sizeof *expected);
    for (int i = 0; i < 2; i++) {
        open_run(both[i], "w8a8, w4a4, w2a2, w1a1");
        both[i]->checkpoint.graph.weights = weights;
        both[i]->checkpoint.graph.activations = activations;
        bd_checkpoint_drop(&both[i]->checkpoint, "");
        both[i]->plan.steps = 8;
        bd_train_initialise(&both[i]->checkpoint, &both[i]->plan);
    }
    expected->checkpoint = &run.checkpoint;
    count_checkpoint(expected);
    run.control.measure_every = 1;
    run.control.watch = compare;
    run.control.context = expected;
    do_run(&run);
    do_run(&plain);
    cr_assert_eq(expected->compared, 8 * 4 * 9); /* nine layers with weights */
    assert_same_arrays(&plain.checkpoint, &run.checkpoint);
    free(expected);
    close_run(&run);
    close_run(&plain);
}

Test(histogram, weights_are_the_checkpoints)
{
    check_run(BD_WEIGHTS_FLOOR, BD_ACTIVATIONS_PACT);
    check_run(BD_WEIGHTS_LSQ, BD_ACTIVATIONS_LSQ);
}

static void check_activations(const char *switches, const char *kind, int pool_bits)
{
    struct bd_checkpoint checkpoint;
    struct bd_train_plan plan;
    struct bd_dataset data;
    struct bd_error err;
    struct bd_net *net;
    struct bd_occupancy occupancy;
    float logits[16 * CLASSES];
    tiny_plan(&plan);
    make_checkpoint(&checkpoint, switches, kind, pool_bits, &plan);
    make_images(&data, 16, 3);
    const struct bd_graph *graph = &checkpoint.graph;
    cr_assert_eq(bd_net_create(&net, &checkpoint, 16, (1u << graph->switch_count) - 1, false, true, &err), BD_OK);
    cr_assert_eq(bd_net_begin(net, data.images, &err), BD_OK);
    bd_occupancy_open(&occupancy, graph);
    for (int s = 0; s < graph->switch_count; s++) {
        cr_assert_eq(bd_net_forward(net, s, 1, logits, &err), BD_OK);
        bd_occupancy_take(&occupancy, net, s);
        for (int q = 1; q < graph->quantizer_count; q++) {
            const struct bd_quantizer *info = &graph->quantizers[q];
            const struct bd_level_counts *counts = bd_occupancy_activations(&occupancy, q, s);
            const int bits = bd_quantizer_bits(info, &graph->switches[s]);
            const size_t count = (size_t)16 * info->channels * info->height * info->width;
            uint64_t plain[BD_NET_LEVELS] = {0};
            int16_t *codes = bd_xcalloc(count, sizeof *codes);
            int used = 0;
            cr_assert_eq(counts->bits, bits == 32 ? 0 : bits);
            if (bits != 32) {
                bd_net_codes(net, q, s, codes);
                for (size_t i = 0; i < count; i++) {
                    plain[bits == 1 ? codes[i] > 0 : codes[i]]++;
                }
                for (int i = 0; i < BD_NET_LEVELS; i++) {
                    used += plain[i] > 0;
                }
                cr_assert_eq(bd_histogram_used(counts), used);
                cr_assert_float_eq(bd_level_part(counts, 0), (double)plain[0] / (double)count, 1e-12);
            }
            cr_assert_arr_eq(counts->count, plain, sizeof plain, "%s at %s", info->name, graph->switches[s].name);
            free(codes);
        }
    }
    bd_occupancy_close(&occupancy);
    bd_net_destroy(net);
    bd_dataset_release(&data);
    bd_checkpoint_release(&checkpoint);
}

/* Signs, codes and unquantized values, maps that fill no block, padding, and the pooled map. */
Test(histogram, activations_are_those_of_the_maps)
{
    check_activations("w8a8, w4a4, w2a2, w1a1", "basic", 8);
    check_activations("w1a32, w1a3, w1a1", "bireal", 1);
    check_activations("w2a2, w1a1", "{kind: plain}", 4);
}

/* The sums over the network: each layer's counts, by bins. */
Test(histogram, sums_are_those_of_the_layers)
{
    struct run run;
    struct bd_error err;
    struct bd_net *net;
    struct bd_occupancy occupancy;
    open_run(&run, "w8a8, w2a2");
    run.checkpoint.graph.weights = BD_WEIGHTS_LSQ;
    bd_checkpoint_drop(&run.checkpoint, "");
    bd_train_initialise(&run.checkpoint, &run.plan);
    const struct bd_graph *graph = &run.checkpoint.graph;
    cr_assert_eq(bd_net_create(&net, &run.checkpoint, 16, 3, false, true, &err), BD_OK);
    bd_occupancy_open(&occupancy, graph);
    float logits[16 * CLASSES];
    cr_assert_eq(bd_net_begin(net, run.data.images, &err), BD_OK);
    for (int s = 0; s < 2; s++) {
        cr_assert_eq(bd_net_forward(net, s, 1, logits, &err), BD_OK);
        bd_occupancy_take(&occupancy, net, s);
        const struct bd_histogram histogram = bd_histogram_sum(&occupancy, s);
        const int bins = s ? 4 : 16, each = s ? 1 : 16;
        cr_assert_eq(histogram.weight_bins, bins);
        cr_assert_eq(histogram.activation_bins, bins);
        for (int i = 0; i < bins; i++) {
            double here[2] = {0}, all[2] = {0};
            for (int l = 0; l < graph->layer_count; l++) {
                for (int k = 0; k < BD_NET_LEVELS && !graph->layers[l].weight_bits; k++) {
                    double count = bd_occupancy_weights(&occupancy, l, s)->count[k];
                    here[0] += k / each == i ? count : 0;
                    all[0] += count;
                }
            }
            for (int q = 1; q < graph->quantizer_count; q++) {
                for (int k = 0; k < BD_NET_LEVELS && !graph->quantizers[q].bits; k++) {
                    double count = bd_occupancy_activations(&occupancy, q, s)->count[k];
                    here[1] += k / each == i ? count : 0;
                    all[1] += count;
                }
            }
            cr_assert_float_eq(histogram.weights[i], here[0] / all[0], 1e-12);
            cr_assert_float_eq(histogram.activations[i], here[1] / all[1], 1e-12);
            cr_assert(s == 0 || histogram.weights[i] > 0, "level %d of LSQ's 2-bit weights is empty", i);
        }
    }
    bd_occupancy_close(&occupancy);
    bd_net_destroy(net);
    close_run(&run);
}
