/* Pruning: orders of a group's channels, and the surgery. */
#include <stdlib.h>

#include "model/core/choice.h"
#include "model/core/memory.h"
#include "model/prune/prune.h"
#include "sw/lib/api.h"

int bitdial_group_channels(const struct bitdial_network *network, int group)
{
    const struct bd_graph *graph = &network->checkpoint.graph;
    return group >= 0 && group < graph->prune_group_count ? bd_graph_group_channels(graph, group) : 0;
}

bitdial_status bitdial_prune_order(const struct bitdial_network *network, int group, const char *ranking, uint64_t seed,
                                   int *order, struct bitdial_error *err)
{
    const int index = bd_choice(BD_RANKINGS, ranking);
    if (index < 0) {
        return bd_api_fail(err, BITDIAL_BAD_INPUT, "no ranking is called '%s': it is one of " BD_RANKINGS, ranking);
    }
    if (!bitdial_group_channels(network, group)) {
        return bd_api_fail(err, BITDIAL_BAD_INPUT, "no group %d: there are %d, from 0", group,
                           network->checkpoint.graph.prune_group_count);
    }
    struct bd_error here;
    return bd_api_give(bd_prune_order(&network->checkpoint, group, (enum bd_ranking)index, seed, order, &here), &here,
                       err);
}

/* Every channel of the group once, and as many of them kept as there are. */
static bitdial_status check_group(const struct bitdial_network *network, int group, const int *order, int channels,
                                  struct bitdial_error *err)
{
    const int full = bitdial_group_channels(network, group);
    if (channels < 1 || channels > full) {
        return bd_api_fail(err, BITDIAL_BAD_INPUT, "group %d has 1 to %d channels, not %d", group, full, channels);
    }
    bool *seen = bd_xcalloc((size_t)full, sizeof *seen);
    bool good = true;
    for (int i = 0; i < full && good; i++) {
        good = order[i] >= 0 && order[i] < full && !seen[order[i]];
        if (good) {
            seen[order[i]] = true;
        }
    }
    free(seen);
    return good ? BITDIAL_OK
                : bd_api_fail(err, BITDIAL_BAD_INPUT, "the order of group %d is not its channels 0 to %d, each once",
                              group, full - 1);
}

bitdial_status bitdial_prune(const struct bitdial_network *network, const int *const *orders, const int *channels,
                             struct bitdial_network **pruned, struct bitdial_error *err)
{
    const struct bd_graph *graph = &network->checkpoint.graph;
    for (int g = 0; g < graph->prune_group_count; g++) {
        if (check_group(network, g, orders[g], channels[g], err)) {
            return err->status;
        }
    }
    struct bd_error here;
    struct bd_prune_choice kept;
    struct bitdial_network *made = bd_xcalloc(1, sizeof *made);
    bd_prune_choose(graph, (int *const *)orders, channels, &kept);
    bd_status status = bd_prune_surgery(&network->checkpoint, &kept, &made->checkpoint, &here);
    bd_prune_choice_release(&kept);
    if (status) {
        free(made);
        return bd_api_give(status, &here, err);
    }
    *pruned = made;
    return BITDIAL_OK;
}
