/* Batch-norm statistics anew, weights frozen. */
#include <stdlib.h>

#include "model/core/memory.h"
#include "model/train/loop/train.h"
#include "model/train/network/accuracy.h"
#include "model/train/network/network.h"

bd_status bd_train_recalibrate(struct bd_checkpoint *checkpoint, const struct bd_dataset *images, uint32_t switches,
                               int batch, int batches, struct bd_error *err)
{
    const struct bd_graph *graph = &checkpoint->graph;
    struct bd_net *net;
    switches = switches ? switches : (1u << graph->switch_count) - 1;
    if (batch < 1 || batches < 1 || (uint64_t)batch * batches > images->count) {
        return bd_fail(err, BD_BAD_INPUT, "cannot take %d batches of %d from %u images", batches, batch, images->count);
    }
    bd_status status = bd_check_dataset(graph, images, err);
    status = status ? status : bd_net_create(&net, checkpoint, batch, switches, false, false, err);
    if (status) {
        return status;
    }
    float *logits = bd_xcalloc((size_t)batch * graph->classes, sizeof *logits);
    uint8_t *room = bd_xcalloc(batch, (size_t)images->height * images->width * images->channels);
    for (int i = 0; i < batches && !status; i++) {
        status = bd_dataset_read(images, (uint32_t)i * batch, batch, room, err);
        status = status ? status : bd_net_begin(net, room, err);
        for (int s = 0; s < graph->switch_count && !status; s++) {
            if (switches >> s & 1) {
                status = bd_net_forward(net, s, 1.0 / (i + 1), logits, err);
            }
        }
    }
    free(room);
    free(logits);
    bd_net_destroy(net);
    return status;
}
