/* Fidelity of the readers' integer sums: a channel is worth what the sums of the filters that read it lose without it.
 */
#include <stdlib.h>

#include "model/core/memory.h"
#include "model/prune/fidelity.h"
#include "model/prune/ranking_parts.h"
#include "model/prune/readers.h"

#define MOST_FLOATS ((size_t)1 << 27) /* of a group's covariances; above it every 2nd, 3rd, ... filter is looked at */

/* One filter at one switch. */
struct place {
    int row, reader, filter;
};

static size_t list_sums(const struct bd_readers *readers, int group, int apart, struct place *places)
{
    size_t count = 0;
    for (int r = 0; r < readers->count; r++) {
        for (int s = 0; s < readers->switch_count && readers->readers[r].group == group; s++) {
            for (int f = 0; f < readers->readers[r].filters; f += apart) {
                if (places) {
                    places[count] = (struct place){s * readers->count + r, r, f};
                }
                count++;
            }
        }
    }
    return count;
}

static void covariances(const struct bd_readers *readers, const struct place *places, size_t count, float *covariance)
{
#pragma omp parallel for schedule(dynamic, 16)
    for (size_t k = 0; k < count; k++) {
        const struct bd_reader *reader = &readers->readers[places[k].reader];
        const size_t n = (size_t)reader->channels;
        float *room = bd_xmalloc((size_t)reader->points * n * sizeof(*room));
        bd_fidelity_covariance(reader->points, reader->taps, reader->channels, readers->codes[places[k].row],
                               readers->weights[places[k].row] + (size_t)places[k].filter * (size_t)reader->taps * n,
                               room, covariance + k * n * n);
        free(room);
    }
}

static void order_group(const struct bd_readers *readers, int group, int channels, int *order)
{
    const size_t matrix = (size_t)channels * (size_t)channels;
    int apart = 1;
    while (list_sums(readers, group, apart, NULL) * matrix > MOST_FLOATS && apart < 4096) {
        apart++;
    }
    const size_t count = list_sums(readers, group, apart, NULL);
    struct place *places = bd_xcalloc(count, sizeof(*places));
    float *covariance = bd_xmalloc(count * matrix * sizeof(*covariance));
    list_sums(readers, group, apart, places);
    covariances(readers, places, count, covariance);
    bd_fidelity_order(channels, count, covariance, NULL, order);
    free(places);
    free(covariance);
}

bd_status bd_order_by_fidelity(const struct bd_ranking_source *source, int **orders, struct bd_error *err)
{
    const struct bd_graph *graph = &source->checkpoint->graph;
    struct bd_readers readers;
    if (bd_readers_sample(source, &readers, err)) {
        return err->status;
    }
    for (int g = 0; g < graph->prune_group_count; g++) {
        order_group(&readers, g, bd_graph_group_channels(graph, g), orders[g]);
    }
    bd_readers_release(&readers);
    return BD_OK;
}
