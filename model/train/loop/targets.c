#include "model/train/loop/targets.h"

#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"

#define PREFIX "train/frozen/"

static int pooled_channels(const struct bd_graph *graph)
{
    for (int i = 0; i < graph->layer_count; i++) {
        if (graph->layers[i].kind == BD_LAYER_POOL) {
            return graph->layers[i].in_channels;
        }
    }
    return 0;
}

bd_status bd_targets_open(struct bd_targets *targets, const struct bd_checkpoint *teacher, int switch_index,
                          const struct bd_graph *graph, bool pooled, int batch, bool half, struct bd_error *err)
{
    const struct bd_graph *from = &teacher->graph;
    if (from->input_height != graph->input_height || from->input_width != graph->input_width ||
        from->input_channels != graph->input_channels || from->classes != graph->classes) {
        return bd_fail(err, BD_BAD_INPUT, "the teacher '%s' reads %dx%dx%d in %d classes, '%s' %dx%dx%d in %d",
                       from->name, from->input_height, from->input_width, from->input_channels, from->classes,
                       graph->name, graph->input_height, graph->input_width, graph->input_channels, graph->classes);
    }
    if (pooled && pooled_channels(from) != pooled_channels(graph)) {
        return bd_fail(err, BD_BAD_INPUT,
                       "the pooled map of the teacher '%s' has %d channels, that of '%s' %d: they "
                       "cannot be compared",
                       from->name, pooled_channels(from), graph->name, pooled_channels(graph));
    }
    if (switch_index < 0 || switch_index >= from->switch_count) {
        return bd_fail(err, BD_BAD_INPUT, "the teacher '%s' has no switch %d", from->name, switch_index);
    }
    /* Without training the network only reads the checkpoint. */
    bd_status status =
        bd_net_create(&targets->net, (struct bd_checkpoint *)teacher, batch, 1u << switch_index, half, false, err);
    if (status) {
        return status;
    }
    targets->switch_index = switch_index;
    targets->logits = bd_xcalloc((size_t)batch * graph->classes, sizeof *targets->logits);
    return BD_OK;
}

void bd_targets_freeze(struct bd_checkpoint *checkpoint)
{
    size_t count = checkpoint->array_count;
    for (size_t i = 0; i < count; i++) {
        if (!strncmp(checkpoint->arrays[i].name, "train/", 6)) {
            continue;
        }
        struct bd_array from = checkpoint->arrays[i]; /* putting moves the list, not the data */
        struct bd_array *to = bd_checkpoint_put(checkpoint, from.rank, from.shape, PREFIX "%s", from.name);
        memcpy(to->data, from.data, from.count * sizeof *to->data);
    }
}

bd_status bd_targets_open_frozen(struct bd_targets *targets, const struct bd_checkpoint *checkpoint, int switch_index,
                                 int batch, bool half, struct bd_error *err)
{
    bd_checkpoint_init(&targets->copy);
    targets->copy.graph = checkpoint->graph;
    for (size_t i = 0; i < checkpoint->array_count; i++) {
        const struct bd_array *from = &checkpoint->arrays[i];
        if (strncmp(from->name, PREFIX, strlen(PREFIX))) {
            continue;
        }
        struct bd_array *to =
            bd_checkpoint_put(&targets->copy, from->rank, from->shape, "%s", from->name + strlen(PREFIX));
        memcpy(to->data, from->data, from->count * sizeof *to->data);
    }
    return bd_targets_open(targets, &targets->copy, switch_index, &checkpoint->graph, false, batch, half, err);
}

bd_status bd_targets_take(struct bd_targets *targets, const uint8_t *images, struct bd_error *err)
{
    bd_status status = bd_net_begin(targets->net, images, err);
    return status ? status : bd_net_forward(targets->net, targets->switch_index, BD_NET_EVALUATE, targets->logits, err);
}

void bd_targets_close(struct bd_targets *targets)
{
    bd_net_destroy(targets->net);
    free(targets->logits);
    if (targets->copy.arrays) {
        memset(&targets->copy.graph, 0, sizeof targets->copy.graph); /* the original's */
        bd_checkpoint_release(&targets->copy);
    }
    *targets = (struct bd_targets){0};
}
