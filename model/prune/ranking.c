#include <stdlib.h>

#include "model/core/memory.h"
#include "model/prune/ranking_parts.h"

#define ROW(kind, name, images, order, help) [BD_RANK_##kind] = {name, images, order, help},
const struct bd_ranking_row bd_rankings[BD_RANKING_COUNT] = {BD_RANKING_ROWS(ROW, ROW)};
#undef ROW

int bd_group_layers(const struct bd_graph *graph, int group, int *layers)
{
    int count = 0;
    for (int l = 0; l < graph->layer_count; l++) {
        if (graph->layers[l].prune_group == group && bd_layer_row(&graph->layers[l])->norm) {
            layers[count++] = l;
        }
    }
    return count;
}

size_t bd_filter_size(const struct bd_layer *layer)
{
    return (size_t)(layer->in_channels / layer->groups) * (size_t)layer->kernel_h * (size_t)layer->kernel_w;
}

void bd_order_by_score(size_t n, const double *score, int *order)
{
    for (size_t i = 0; i < n; i++) {
        order[i] = (int)i;
        for (size_t k = i; k > 0 && score[order[k]] < score[order[k - 1]]; k--) {
            int t = order[k];
            order[k] = order[k - 1];
            order[k - 1] = t;
        }
    }
}

bd_status bd_prune_orders(const struct bd_ranking_source *source, enum bd_ranking ranking, int **orders,
                          struct bd_error *err)
{
    const struct bd_ranking_row *row = &bd_rankings[ranking];
    if (row->reads_images && !source->images) {
        return bd_fail(err, BD_BAD_INPUT, "ranking '%s' reads calibration images, and there are none", row->name);
    }
    return row->order(source, orders, err) ? bd_fail_prefix(err, "ranking '%s'", row->name) : BD_OK;
}

int **bd_orders_new(const struct bd_graph *graph)
{
    int **orders = bd_xcalloc((size_t)graph->prune_group_count, sizeof(*orders));
    for (int g = 0; g < graph->prune_group_count; g++) {
        orders[g] = bd_xcalloc((size_t)bd_graph_group_channels(graph, g), sizeof(**orders));
    }
    return orders;
}

void bd_orders_free(const struct bd_graph *graph, int **orders)
{
    for (int g = 0; orders && g < graph->prune_group_count; g++) {
        free(orders[g]);
    }
    free(orders);
}
