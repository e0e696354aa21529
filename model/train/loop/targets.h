/* A network that stands still and gives a switch its targets: a finished one, or a copy of the trained network's own
 * highest switch as it stood at some step. It runs on running statistics. */
#ifndef BD_LOOP_TARGETS_H
#define BD_LOOP_TARGETS_H

#include <stdbool.h>

#include "model/train/network/network.h"

struct bd_targets {
    struct bd_checkpoint copy; /* of the network's own arrays; its graph is the original's */
    struct bd_net *net;        /* NULL: closed */
    int switch_index;
    float *logits; /* (batch, classes) */
};

/* `teacher` must outlive the targets. BD_BAD_INPUT unless its images and classes are those of `graph`, and, where
 * `pooled` maps are compared, its pooled channels too. */
bd_status bd_targets_open(struct bd_targets *targets, const struct bd_checkpoint *teacher, int switch_index,
                          const struct bd_graph *graph, bool pooled, int batch, bool half, struct bd_error *err)
    BD_WARN_UNUSED;
/* Copies the checkpoint's arrays to "train/frozen/" beside them, so that a resumed run finds the copy. */
void bd_targets_freeze(struct bd_checkpoint *checkpoint);
/* Opens the copy that bd_targets_freeze made. */
bd_status bd_targets_open_frozen(struct bd_targets *targets, const struct bd_checkpoint *checkpoint, int switch_index,
                                 int batch, bool half, struct bd_error *err) BD_WARN_UNUSED;
/* Fills logits from a batch; bd_net_pooled(targets->net) has its pooled map. */
bd_status bd_targets_take(struct bd_targets *targets, const uint8_t *images, struct bd_error *err) BD_WARN_UNUSED;
void bd_targets_close(struct bd_targets *targets);

#endif
