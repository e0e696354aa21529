#include "model/eval/evaluate.h"

#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/train/network/accuracy.h"

#define EVALUATION_BATCH 128

static size_t image_size(const struct bd_graph *graph)
{
    return (size_t)graph->input_height * graph->input_width * graph->input_channels;
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
        status = bd_net_begin_images(net, graph, batch, dataset, first + at, here, room, err);
        status = status ? status : bd_net_forward(net, switch_index, BD_NET_EVALUATE, batch_logits, err);
        if (!status && logits) {
            memcpy(logits + at * classes, batch_logits, here * classes * sizeof *logits);
        }
        for (size_t i = 0; i < here && !status && predictions; i++) {
            predictions[at + i] = bd_largest_logit(batch_logits + i * classes, classes);
        }
    }
    free(room);
    free(batch_logits);
    bd_net_destroy(net);
    return status;
}
