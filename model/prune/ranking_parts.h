/* The rankings themselves (the functions of the table in ranking.h), and what they share. */
#ifndef BD_PRUNE_RANKING_PARTS_H
#define BD_PRUNE_RANKING_PARTS_H

#include <stddef.h>

#include "model/prune/ranking.h"

#define BD_RANKING_FUNCTION(kind, name, images, order, help)                                                           \
    bd_status order(const struct bd_ranking_source *source, int **orders, struct bd_error *err) BD_WARN_UNUSED;
BD_RANKING_ROWS(BD_RANKING_FUNCTION, BD_RANKING_FUNCTION)
#undef BD_RANKING_FUNCTION

/* Layers that write a group's channels and hold weights: indices to layers[BD_MAX_LAYERS], and how many. */
int bd_group_layers(const struct bd_graph *graph, int group, int *layers);
/* Weights of one filter. */
size_t bd_filter_size(const struct bd_layer *layer);
/* The least score first; of equal ones the lower channel. */
void bd_order_by_score(size_t n, const double *score, int *order);

#endif
