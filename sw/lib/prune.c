/* Pruning: orders of a group's channels, and the surgery. */
#include <stdlib.h>

#include "model/core/choice.h"
#include "model/core/memory.h"
#include "model/prune/prune.h"
#include "model/prune/ranking.h"
#include "sw/lib/api.h"

int bitdial_group_channels(const struct bitdial_network *network, int group)
{
    const struct bd_graph *graph = &network->checkpoint.graph;
    return group >= 0 && group < graph->prune_group_count ? bd_graph_group_channels(graph, group) : 0;
}

/* The place of a ranking's name, or -1 and a message. */
static int find_ranking(const char *ranking, struct bitdial_error *err)
{
    const int index = bd_choice(BD_RANKINGS, ranking);
    if (index < 0) {
        bd_api_fail(err, BITDIAL_BAD_INPUT, "no ranking is called '%s': it is one of " BD_RANKINGS, ranking);
    }
    return index;
}

bitdial_status bitdial_prune_orders(const struct bitdial_network *network, const struct bitdial_images *images,
                                    const char *ranking, uint64_t seed, int **orders, struct bitdial_error *err)
{
    const int index = find_ranking(ranking, err);
    if (index < 0) {
        return err->status;
    }
    struct bd_error here;
    const struct bd_ranking_source source = {
        .checkpoint = &network->checkpoint, .images = images ? &images->dataset : NULL, .seed = seed};
    return bd_api_give(bd_prune_orders(&source, (enum bd_ranking)index, orders, &here), &here, err);
}

bitdial_status bitdial_prune_order(const struct bitdial_network *network, int group, const char *ranking, uint64_t seed,
                                   int *order, struct bitdial_error *err)
{
    const struct bd_graph *graph = &network->checkpoint.graph;
    const int index = find_ranking(ranking, err), channels = bitdial_group_channels(network, group);
    if (index < 0) {
        return err->status;
    }
    if (bd_rankings[index].reads_images) {
        return bd_api_fail(err, BITDIAL_BAD_INPUT, "ranking '%s' reads images: bitdial_prune_orders takes them",
                           ranking);
    }
    if (!channels) {
        return bd_api_fail(err, BITDIAL_BAD_INPUT, "no group %d: there are %d, from 0", group,
                           graph->prune_group_count);
    }
    int **orders = bd_orders_new(graph);
    const bitdial_status status = bitdial_prune_orders(network, NULL, ranking, seed, orders, err);
    if (status == BITDIAL_OK) {
        memcpy(order, orders[group], (size_t)channels * sizeof *order);
    }
    bd_orders_free(graph, orders);
    return status;
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
