/* What a network is worth when so many channels of it are kept: surgery, a short fine-tuning where one is asked for,
 * batch-norm statistics anew, and the float accuracy on validation images. */
#ifndef BD_PRUNE_CUT_H
#define BD_PRUNE_CUT_H

#include <stdint.h>

#include "model/checkpoint/checkpoint.h"
#include "model/data/dataset.h"

struct bd_cut_recipe {
    const struct bd_dataset *train, *validation;
    uint32_t switches; /* mask of those that are tuned and measured; 0: all */
    int64_t images;    /* validation images, the first so many */
    int64_t recalibrate, batch;
    int64_t steps, epochs; /* of tuning: steps, else whole epochs; both 0: none */
    double rate;
    int teacher;       /* enum bd_teacher; NETWORK: the checkpoint itself, whole, at its highest switch */
    int sign_gradient; /* enum bd_plan_sign_gradient */
    int64_t seed;
};

/* Keeps the last channels[g] of orders[g] in every group g (prune.h); accuracy[BD_MAX_SWITCHES] by switch index, 0
 * where the switch was not asked for. The checkpoint stays as it is. */
bd_status bd_cut_accuracy(const struct bd_checkpoint *checkpoint, int *const *orders, const int *channels,
                          const struct bd_cut_recipe *recipe, double *accuracy, struct bd_error *err) BD_WARN_UNUSED;

/* Mean accuracy of the switches of a mask (0: all), in per cent. */
double bd_cut_mean(const struct bd_graph *graph, uint32_t switches, const double *accuracy);
/* The lowest of them. */
double bd_cut_worst(const struct bd_graph *graph, uint32_t switches, const double *accuracy);

#endif
