/* The surgery that removes filters.
 *
 * Prune group g of a graph is a set of channels that stand or fall together: the outputs of one inner convolution, or
 * of every layer that writes one residual stream. A ranking (ranking.h) orders the channels of a group; surgery takes
 * the channels to keep and cuts weights, batch norm of every switch, and the readers' input channels. */
#ifndef BD_PRUNE_PRUNE_H
#define BD_PRUNE_PRUNE_H

#include <stdbool.h>
#include <stdint.h>

#include "model/checkpoint/checkpoint.h"
#include "model/core/error.h"

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
