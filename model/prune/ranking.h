/* Which channels of a prune group to give up first: rankings by name, all behind one function.
 *
 * A ranking is a nested order of the channels of every group. One that reads images measures the network on them, at
 * the switches that are asked for; the others know the checkpoint alone. */
#ifndef BD_PRUNE_RANKING_H
#define BD_PRUNE_RANKING_H

#include <stdbool.h>
#include <stdint.h>

#include "model/checkpoint/checkpoint.h"
#include "model/core/error.h"
#include "model/data/dataset.h"

/* Every ranking, a row each, the default first: X(kind, name, reads images, function, help). */
#define BD_RANKING_ROWS(FIRST, X)                                                                                      \
    FIRST(FIDELITY, "fidelity", true, bd_order_by_fidelity, "what its readers' integer sums lose without it")          \
    X(REDUNDANCY, "redundancy", false, bd_order_by_redundancy, "closeness of the integer filters to one another")      \
    X(REVERSED, "redundancy-reversed", false, bd_order_by_reversed, "the same, the most redundant given up last")      \
    X(L1_NORM, "l1-norm", false, bd_order_by_l1_norm, "mean |latent weight|")                                          \
    X(FPGM, "fpgm", false, bd_order_by_fpgm, "distance to all other filters (geometric median)")                       \
    X(GAMMA, "gamma", false, bd_order_by_gamma, "|gamma|, the slope of batch norm")                                    \
    X(VARIANCE, "code-variance", true, bd_order_by_variance, "variance of the channel's codes")                        \
    X(RANDOM, "random", false, bd_order_by_random, "chance, by the seed")

#define BD_RANKING_KIND(kind, name, images, order, help) BD_RANK_##kind,
#define BD_RANKING_NAME(kind, name, images, order, help) name
#define BD_RANKING_BAR_NAME(kind, name, images, order, help) "|" name
enum bd_ranking { BD_RANKING_ROWS(BD_RANKING_KIND, BD_RANKING_KIND) BD_RANKING_COUNT };
#define BD_RANKINGS BD_RANKING_ROWS(BD_RANKING_NAME, BD_RANKING_BAR_NAME)
#define BD_RANKING_DEFAULT "fidelity"

/* What a ranking may read. */
struct bd_ranking_source {
    const struct bd_checkpoint *checkpoint;
    const struct bd_dataset *images; /* for calibration, in the network's shape; NULL: only for those that read none */
    uint32_t switches;               /* mask of those that count; 0: all. FIDELITY, GAMMA and VARIANCE alone ask */
    uint64_t seed;                   /* of random orders, and of the images and pixels that are looked at */
};

struct bd_ranking_row {
    const char *name;
    bool reads_images;
    bd_status (*order)(const struct bd_ranking_source *source, int **orders, struct bd_error *err);
    const char *help;
};
extern const struct bd_ranking_row bd_rankings[BD_RANKING_COUNT];

/* Orders every group: orders[g] has room for bd_graph_group_channels(g) indices; its first is the channel to give up
 * first. The same for a source whatever the number of threads. BD_BAD_INPUT where the ranking reads images and there
 * are none, and, by the layer's name, where it needs integers and a layer has none. */
bd_status bd_prune_orders(const struct bd_ranking_source *source, enum bd_ranking ranking, int **orders,
                          struct bd_error *err) BD_WARN_UNUSED;

/* Room for the orders of every group of a graph. */
int **bd_orders_new(const struct bd_graph *graph);
void bd_orders_free(const struct bd_graph *graph, int **orders);
/* The same to and from a file, as JSON. BD_BAD_INPUT where a file's are not orders of the graph's groups. */
bd_status bd_orders_write(const struct bd_graph *graph, int *const *orders, const char *path, struct bd_error *err)
    BD_WARN_UNUSED;
bd_status bd_orders_read(const struct bd_graph *graph, const char *path, int ***orders, struct bd_error *err)
    BD_WARN_UNUSED;

#endif
