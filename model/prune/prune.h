/* Which filters to give up, and the surgery that removes them.
 *
 * Prune group g of a graph is a set of channels that stand or fall together: the outputs of one inner convolution, or
 * of every layer that writes one residual stream. Ranking orders the channels of a group; surgery takes the channels
 * to keep and cuts weights, batch norm of every switch, and the readers' input channels. */
#ifndef BD_PRUNE_PRUNE_H
#define BD_PRUNE_PRUNE_H

#include <stdbool.h>
#include <stdint.h>

#include "model/checkpoint/checkpoint.h"
#include "model/core/error.h"

enum bd_ranking {
    BD_RANK_REDUNDANCY, /* closeness of the integer filters to one another, over all switches */
    BD_RANK_L1_NORM,    /* mean |latent weight| */
    BD_RANK_FPGM,       /* distance to all other filters (geometric median; He and others, CVPR 2019) */
    BD_RANK_RANDOM,
};
#define BD_RANKINGS "redundancy|l1-norm|fpgm|random"

/* order[0] is the channel to give up first, order[n-1] the one to give up last; n = bd_graph_group_channels.
 *
 * Redundancy: two filters' distance is the mean over the switches of sum |W_f - W_g| / sum of the largest possible,
 * W the switch's integer weights (Hamming distance at 1 bit), or the same to -W_g where that is less, for the batch
 * norm that follows every convolution absorbs a sign; over a group of several layers, their mean. The channel of the
 * closest pair that is nearer to the rest is given up, and so on. Ties go to the higher channel. `seed` is read by
 * RANDOM alone. */
bd_status bd_prune_order(const struct bd_checkpoint *checkpoint, int group, enum bd_ranking ranking, uint64_t seed,
                         int *order, struct bd_error *err) BD_WARN_UNUSED;

/* Channels that a network keeps: kept[g] holds count[g] indices, ascending. */
struct bd_prune_choice {
    int group_count;
    int *count;
    int **kept;
};

/* The last channels[g] of every group's order (orders[g] of the group's full width). Never fails. */
void bd_prune_choose(const struct bd_graph *graph, int *const *orders, const int *channels,
                     struct bd_prune_choice *choice);
void bd_prune_choice_release(struct bd_prune_choice *choice);

/* A new checkpoint with the kept channels alone. Each layer keeps its quantizer's scale and weight unit, so that
 * every surviving weight code is what it was. Optimiser state ("train/...") is left behind: its shapes are gone.
 * Metadata is copied. A depthwise filter goes with its channel; other grouped convolutions are refused by the layer's
 * name. */
bd_status bd_prune_surgery(const struct bd_checkpoint *checkpoint, const struct bd_prune_choice *choice,
                           struct bd_checkpoint *pruned, struct bd_error *err) BD_WARN_UNUSED;

/* BD_FAIL, naming layer and filter, when a surviving weight code, a batch-norm entry or a scale differs. */
bd_status bd_prune_verify(const struct bd_checkpoint *checkpoint, const struct bd_prune_choice *choice,
                          const struct bd_checkpoint *pruned, struct bd_error *err) BD_WARN_UNUSED;

#endif
