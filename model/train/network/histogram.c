#include "model/train/network/histogram.h"

#include <stdlib.h>

#include "model/core/memory.h"
#include "model/quant/quant.h"

void bd_occupancy_open(struct bd_occupancy *occupancy, const struct bd_graph *graph)
{
    const size_t switches = graph->switch_count;
    *occupancy = (struct bd_occupancy){
        .graph = graph,
        .weights = bd_xcalloc(switches * graph->layer_count, sizeof *occupancy->weights),
        .activations = bd_xcalloc(switches * graph->quantizer_count, sizeof *occupancy->activations)};
}

void bd_occupancy_close(struct bd_occupancy *occupancy)
{
    free(occupancy->weights);
    free(occupancy->activations);
    *occupancy = (struct bd_occupancy){0};
}

const struct bd_level_counts *bd_occupancy_weights(const struct bd_occupancy *occupancy, int layer, int s)
{
    return &occupancy->weights[(size_t)s * occupancy->graph->layer_count + layer];
}

const struct bd_level_counts *bd_occupancy_activations(const struct bd_occupancy *occupancy, int quantizer, int s)
{
    return &occupancy->activations[(size_t)s * occupancy->graph->quantizer_count + quantizer];
}

static void count_weights(const struct bd_net *net, const struct bd_graph *graph, int l, int s,
                          struct bd_level_counts *counts)
{
    const struct bd_layer *layer = &graph->layers[l];
    const int bits = bd_layer_weight_bits(layer, &graph->switches[s]);
    *counts = (struct bd_level_counts){0};
    if (!bd_layer_has_weights(layer) || bits > 8) {
        return;
    }
    const int16_t *integers = bd_net_weight_integers(net, l, s);
    const int zero_point = bd_weight_zero_point(graph->weights, bits);
    const size_t count =
        (size_t)layer->out_channels * (layer->in_channels / layer->groups) * layer->kernel_h * layer->kernel_w;
    counts->bits = bits;
    for (size_t i = 0; i < count; i++) {
        counts->count[bd_weight_code(integers[i], bits, zero_point) >> (8 - bits)]++;
    }
}

static void count_activations(const struct bd_net *net, const struct bd_graph *graph, int q, int s,
                              struct bd_level_counts *counts)
{
    const int bits = bd_quantizer_bits(&graph->quantizers[q], &graph->switches[s]);
    *counts = (struct bd_level_counts){0};
    if (q != BD_QUANTIZER_INPUT && bits <= 8) {
        counts->bits = bits;
        bd_net_count_codes(net, q, s, counts->count);
    }
}

void bd_occupancy_take(struct bd_occupancy *occupancy, const struct bd_net *net, int s)
{
    const struct bd_graph *graph = occupancy->graph;
    for (int l = 0; l < graph->layer_count; l++) {
        count_weights(net, graph, l, s, &occupancy->weights[(size_t)s * graph->layer_count + l]);
    }
    for (int q = 0; q < graph->quantizer_count; q++) {
        count_activations(net, graph, q, s, &occupancy->activations[(size_t)s * graph->quantizer_count + q]);
    }
}

double bd_level_part(const struct bd_level_counts *counts, int level)
{
    uint64_t all = 0;
    for (int i = 0; i < 1 << counts->bits; i++) {
        all += counts->count[i];
    }
    return all ? (double)counts->count[level] / (double)all : 0;
}

int bd_histogram_used(const struct bd_level_counts *counts)
{
    int used = 0;
    for (int i = 0; i < 1 << counts->bits; i++) {
        used += counts->count[i] > 0;
    }
    return used;
}

static int bins_of(int bits)
{
    return bits == 32 ? 0 : bits > 4 ? BD_LEVEL_BINS : 1 << bits;
}

static void add(const struct bd_level_counts *counts, double *bins)
{
    for (int i = 0; counts->bits && i < 1 << counts->bits; i++) {
        bins[counts->bits > 4 ? i >> (counts->bits - 4) : i] += (double)counts->count[i];
    }
}

static void to_parts(double *bins, int count)
{
    double sum = 0;
    for (int i = 0; i < count; i++) {
        sum += bins[i];
    }
    for (int i = 0; i < count && sum > 0; i++) {
        bins[i] /= sum;
    }
}

struct bd_histogram bd_histogram_sum(const struct bd_occupancy *occupancy, int s)
{
    const struct bd_graph *graph = occupancy->graph;
    const struct bd_switch *sw = &graph->switches[s];
    struct bd_histogram histogram = {bins_of(sw->weight_bits), bins_of(sw->activation_bits), {0}, {0}};
    for (int l = 0; l < graph->layer_count; l++) {
        if (!graph->layers[l].weight_bits) {
            add(bd_occupancy_weights(occupancy, l, s), histogram.weights);
        }
    }
    for (int q = 0; q < graph->quantizer_count; q++) {
        if (!graph->quantizers[q].bits) {
            add(bd_occupancy_activations(occupancy, q, s), histogram.activations);
        }
    }
    to_parts(histogram.weights, histogram.weight_bins);
    to_parts(histogram.activations, histogram.activation_bins);
    return histogram;
}
