#include "model/eval/evaluate.h"

#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/train/network/network.h"

#define EVALUATION_BATCH 128

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

/* Runs what the switches share over up to `batch` images; the rest of the batch is black. */
static bd_status begin_batch(struct bd_net *net, const struct bd_graph *graph, int batch,
                             const struct bd_dataset *dataset, size_t first, size_t count, uint8_t *room,
                             struct bd_error *err)
{
    size_t size = image_size(graph);
    bd_status status = bd_dataset_read(dataset, first, count, room, err);
    memset(room + count * size, 0, (batch - count) * size);
    return status ? status : bd_net_begin(net, room, err);
}

static int largest(const float *logits, int classes)
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
        status = begin_batch(net, graph, batch, dataset, first, here, room, err);
        for (int s = 0; s < graph->switch_count && !status; s++) {
            if (!(switches >> s & 1)) {
                continue;
            }
            status = bd_net_forward(net, s, BD_NET_EVALUATE, logits, err);
            for (size_t i = 0; i < here && !status; i++) {
                right[s] += largest(logits + i * graph->classes, graph->classes) == dataset->labels[first + i];
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

static uint32_t all_switches(const struct bd_graph *graph)
{
    return (1u << graph->switch_count) - 1;
}

bd_status bd_float_accuracy(const struct bd_checkpoint *checkpoint, uint32_t switches, const struct bd_dataset *dataset,
                            size_t count, double *accuracy, struct bd_error *err)
{
    const struct bd_graph *graph = &checkpoint->graph;
    struct bd_net *net;
    switches = switches ? switches : all_switches(graph);
    bd_status status = bd_check_dataset(graph, dataset, err);
    /* Without training the network only reads the checkpoint. */
    status =
        status ? status
               : bd_net_create(&net, (struct bd_checkpoint *)checkpoint, EVALUATION_BATCH, switches, false, false, err);
    if (status) {
        return status;
    }
    status = bd_net_accuracy(net, graph, EVALUATION_BATCH, switches, dataset, count, accuracy, err);
    bd_net_destroy(net);
    return status;
}

bd_status bd_float_eval(const struct bd_checkpoint *checkpoint, int switch_index, const struct bd_dataset *dataset,
                        size_t first, size_t count, float *logits, uint16_t *predictions, struct bd_error *err)
{
    const struct bd_graph *graph = &checkpoint->graph;
    if (switch_index < 0 || switch_index >= graph->switch_count || first > dataset->count ||
        count > dataset->count - first) {
        return bd_fail(err, BD_BAD_INPUT, "no switch %d, or no images %zu to %zu", switch_index, first, first + count);
    }
    bd_status status = bd_check_dataset(graph, dataset, err);
    if (status) {
        return status;
    }
    int batch = count < EVALUATION_BATCH ? (count ? count : 1) : EVALUATION_BATCH, classes = graph->classes;
    struct bd_net *net;
    status = bd_net_create(&net, (struct bd_checkpoint *)checkpoint, batch, 1u << switch_index, false, false, err);
    if (status) {
        return status;
    }
    uint8_t *room = bd_xcalloc(batch, image_size(graph));
    float *batch_logits = bd_xcalloc((size_t)batch * classes, sizeof *batch_logits);
    for (size_t at = 0; at < count && !status; at += batch) {
        size_t here = count - at < (size_t)batch ? count - at : (size_t)batch;
        status = begin_batch(net, graph, batch, dataset, first + at, here, room, err);
        status = status ? status : bd_net_forward(net, switch_index, BD_NET_EVALUATE, batch_logits, err);
        if (!status && logits) {
            memcpy(logits + at * classes, batch_logits, here * classes * sizeof *logits);
        }
        for (size_t i = 0; i < here && !status && predictions; i++) {
            predictions[at + i] = largest(batch_logits + i * classes, classes);
        }
    }
    free(room);
    free(batch_logits);
    bd_net_destroy(net);
    return status;
}
