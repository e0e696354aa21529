/* Accuracy of a network that stands, in evaluation mode: used between epochs, and by evaluation (model/eval). */
#ifndef BD_TRAIN_ACCURACY_H
#define BD_TRAIN_ACCURACY_H

#include <stddef.h>
#include <stdint.h>

#include "model/data/dataset.h"
#include "model/train/network/network.h"

/* BD_BAD_INPUT unless the data set's images and classes fit the network. */
bd_status bd_check_dataset(const struct bd_graph *graph, const struct bd_dataset *dataset, struct bd_error *err)
    BD_WARN_UNUSED;

/* Runs what the switches share over images first .. first + count - 1, count <= batch; the rest of the batch is black.
 * `room` holds `batch` images. */
bd_status bd_net_begin_images(struct bd_net *net, const struct bd_graph *graph, int batch,
                              const struct bd_dataset *dataset, size_t first, size_t count, uint8_t *room,
                              struct bd_error *err) BD_WARN_UNUSED;
/* The class of an image's logits; of equal ones the lowest. */
int bd_largest_logit(const float *logits, int classes);

/* Part of the first `count` images (0: all) that each switch of the mask classifies rightly, by switch index:
 * accuracy[BD_MAX_SWITCHES], 0 where the switch was not asked for. */
bd_status bd_net_accuracy(struct bd_net *net, const struct bd_graph *graph, int batch, uint32_t switches,
                          const struct bd_dataset *dataset, size_t count, double *accuracy, struct bd_error *err)
    BD_WARN_UNUSED;

#endif
