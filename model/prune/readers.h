/* The readers of prune groups: what each layer that reads a group's codes sums, from the integers that the plain
 * executor (model/exec) leaves on calibration images.
 *
 * A layer reads a group when the codes that it convolves come from a layer of the group: convolutions, averaging
 * shortcuts (as the 2x2 convolutions that they are) and the classifier behind its pooling. A depthwise layer passes a
 * channel on alone: its sum has one term, which stays or goes with the channel, and tells nothing; it belongs to the
 * group itself, and its own readers are the group's. The same holds for pooling windows. */
#ifndef BD_PRUNE_READERS_H
#define BD_PRUNE_READERS_H

#include <stdint.h>

#include "model/prune/ranking.h"

#define BD_READER_IMAGES 128 /* calibration images, drawn by the source's seed */
#define BD_READER_POINTS 800 /* most outputs of a reader that are looked at, spread over the images */

struct bd_reader {
    int layer;    /* of the graph */
    int group;    /* whose channels it reads */
    int channels; /* of the group */
    int taps;     /* of the kernel in whole numbers: four for each of an averaging layer's */
    int filters;
    int points; /* outputs looked at */
};

/* sum of filter f at point p = over taps t and channels c of weights[f][t][c] codes[p][t][c]; rows [s * count + r]. */
struct bd_readers {
    int count, switch_count;
    int switches[BD_MAX_SWITCHES]; /* of the graph */
    struct bd_reader *readers;     /* (count) */
    int16_t **codes;               /* (points, taps, channels) each: values of codes, 0 beyond the map */
    int16_t **weights;             /* (filters, taps, channels) each */
};

/* Runs the source's images at its switches. BD_BAD_INPUT where the network does not fold, or at no such switch. */
bd_status bd_readers_sample(const struct bd_ranking_source *source, struct bd_readers *readers, struct bd_error *err)
    BD_WARN_UNUSED;
void bd_readers_release(struct bd_readers *readers);

#endif
