/* How full the levels of the quantizers are, layer by layer and over the whole network. An outer or inner level near
 * nothing means a badly chosen range. */
#ifndef BD_NETWORK_HISTOGRAM_H
#define BD_NETWORK_HISTOGRAM_H

#include "model/train/network/network.h"

#define BD_LEVEL_BINS 16

/* How many codes of one layer's weights, or of one quantizer's activations, stand at each of the 2^bits levels, from
 * the lowest to the highest. bits 0: float, or the network's input, or not counted. */
struct bd_level_counts {
    int bits;
    uint64_t count[BD_NET_LEVELS];
};

/* Of every layer and quantizer at every switch: weights (switches, layers), activations (switches, quantizers). */
struct bd_occupancy {
    const struct bd_graph *graph;
    struct bd_level_counts *weights, *activations;
};

/* `graph` must outlive it. */
void bd_occupancy_open(struct bd_occupancy *occupancy, const struct bd_graph *graph);
void bd_occupancy_close(struct bd_occupancy *occupancy);
/* Counts anew what the switch quantizes: the weights as bd_net_update_weights left them, and the activations of its
 * forward, which must be the network's last. */
void bd_occupancy_take(struct bd_occupancy *occupancy, const struct bd_net *net, int switch_index);
const struct bd_level_counts *bd_occupancy_weights(const struct bd_occupancy *occupancy, int layer, int switch_index);
const struct bd_level_counts *bd_occupancy_activations(const struct bd_occupancy *occupancy, int quantizer,
                                                       int switch_index);

/* Codes at a level as a part of all; and the levels that hold any. */
double bd_level_part(const struct bd_level_counts *counts, int level);
int bd_histogram_used(const struct bd_level_counts *counts);

/* Parts that sum to 1, from the lowest level to the highest: min(16, 2^bits) bins, neighbouring levels together where
 * there are more. Of the weights and activations that a switch quantizes with bits of its own, over the whole network.
 * 0 bins: 32 bits, or nothing quantized. */
struct bd_histogram {
    int weight_bins, activation_bins;
    double weights[BD_LEVEL_BINS], activations[BD_LEVEL_BINS];
};

/* Of a switch that was taken. */
struct bd_histogram bd_histogram_sum(const struct bd_occupancy *occupancy, int switch_index);

#endif
