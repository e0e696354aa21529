/* Accuracy of a network that stands: images in batches, a switch's logits, the largest of them. */
#include "model/train/network/accuracy.h"

#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"

bd_status bd_check_dataset(const struct bd_graph *graph, const struct bd_dataset *dataset, struct bd_error *err)
{
    if ((int)dataset->height != graph->input_height || (int)dataset->width != graph->input_width ||
        (int)dataset->channels != graph->input_channels || (int)dataset->classes > graph->classes) {
        return bd_fail(err, BD_BAD_INPUT,
                       "network '%s' reads images of %dx%dx%d in %d classes, the data set has %ux%ux%u in %u",
                       graph->name, graph->input_height, graph->input_width, graph->input_channels, graph->classes,
                       dataset->height, dataset->width, dataset->channels, dataset->classes);
    }
    return BD_OK;
}

static size_t image_size(const struct bd_graph *graph)
{
    return (size_t)graph->input_height * graph->input_width * graph->input_channels;
}

bd_status bd_net_begin_images(struct bd_net *net, const struct bd_graph *graph, int batch,
                              const struct bd_dataset *dataset, size_t first, size_t count, uint8_t *room,
                              struct bd_error *err)
{
    size_t size = image_size(graph);
    bd_status status = bd_dataset_read(dataset, first, count, room, err);
    memset(room + count * size, 0, (batch - count) * size);
    return status ? status : bd_net_begin(net, room, err);
}

int bd_largest_logit(const float *logits, int classes)
{
    int best = 0;
    for (int c = 1; c < classes; c++) {
        best = logits[c] > logits[best] ? c : best;
    }
    return best;
}

bd_status bd_net_accuracy(struct bd_net *net, const struct bd_graph *graph, int batch, uint32_t switches,
                          const struct bd_dataset *dataset, size_t count, double *accuracy, struct bd_error *err)
{
    size_t right[BD_MAX_SWITCHES] = {0};
    uint8_t *room = bd_xcalloc(batch, image_size(graph));
    float *logits = bd_xcalloc((size_t)batch * graph->classes, sizeof *logits);
    bd_status status = BD_OK;
    count = count && count < dataset->count ? count : dataset->count;
    for (size_t first = 0; first < count && !status; first += batch) {
        size_t here = count - first < (size_t)batch ? count - first : (size_t)batch;
        status = bd_net_begin_images(net, graph, batch, dataset, first, here, room, err);
        for (int s = 0; s < graph->switch_count && !status; s++) {
            if (!(switches >> s & 1)) {
                continue;
            }
            status = bd_net_forward(net, s, BD_NET_EVALUATE, logits, err);
            for (size_t i = 0; i < here && !status; i++) {
                right[s] += bd_largest_logit(logits + i * graph->classes, graph->classes) == dataset->labels[first + i];
            }
        }
    }
    for (int s = 0; s < BD_MAX_SWITCHES; s++) {
        accuracy[s] = count ? (double)right[s] / count : 0;
    }
    free(room);
    free(logits);
    return status;
}
