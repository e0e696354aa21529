/* How full the levels of a quantizer are: of the weights and of the activations that a switch quantizes with bits of
 * its own, over the whole network. An outer or inner level near nothing means a badly chosen range. */
#ifndef BD_TRAIN_LEVELS_H
#define BD_TRAIN_LEVELS_H

#include "model/train/network.h"

#define BD_LEVEL_BINS 16

/* Parts that sum to 1, from the lowest level to the highest: min(16, 2^bits) bins, neighbouring levels together where
 * there are more. 0 bins: 32 bits, or nothing quantized. */
struct bd_levels {
    int weight_bins, activation_bins;
    double weights[BD_LEVEL_BINS], activations[BD_LEVEL_BINS];
};

/* Of the weights as bd_net_update_weights left them and the activations of the switch's last forward, which must be the
 * network's last. `batch`: images of that forward. */
struct bd_levels bd_levels_count(const struct bd_net *net, const struct bd_graph *graph, int switch_index, int batch);

#endif
