/* Training batches, made ahead of the trainer by threads of their own.
 *
 * Which images step k holds, in which order and how they are changed is a function of (seed, k) alone, whatever the
 * number of threads: the permutation of an epoch, the shifts and mirrors of a step, its cutout squares and its resized
 * crops come from generators of their own, seeded by (seed, epoch) or (seed, step). An epoch is count / batch steps
 * over one permutation; the images that are left over wait for another epoch.
 *
 * Changes of an image, in this order:
 *   in memory    shift by up to `crop` pixels, black outside (a random crop of the padded image), mirror
 *   from files   random resized crop (image.h), mirror
 *   both         cutout: a square of zeros whose centre is uniform over the image, cut at the borders
 *                (DeVries and Taylor 2017, arXiv:1708.04552) */
#ifndef BD_DATA_BATCH_H
#define BD_DATA_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "model/core/error.h"
#include "model/data/dataset.h"

struct bd_batch_plan {
    int64_t batch;  /* images a step, 1..count of the data set */
    int64_t seed;   /* >= 0 */
    int64_t crop;   /* pixels, >= 0 */
    bool flip;      /* mirror half of the images */
    int64_t cutout; /* side of the square in pixels; 0: none */
    /* The rows of every batch that are delivered, for a trainer that shares its batches with others: `rows` from
     * `first_row`. 0 rows: all of them. */
    int64_t first_row, rows;
    int threads; /* 0: one for a data set in memory, one for each processor where files are decoded */
};

struct bd_batches; /* one consumer: calls on one must not overlap */

/* Starts making the batches of steps first_step, first_step + 1, ... `dataset` must outlive it. */
bd_status bd_batches_open(struct bd_batches **batches, const struct bd_dataset *dataset,
                          const struct bd_batch_plan *plan, int64_t first_step, struct bd_error *err) BD_WARN_UNUSED;

/* The next step's images (rows, height, width, channels) and labels (rows), valid until the next call. A file that
 * cannot be decoded is an error at the step that holds it: "path: offset N: ...". */
bd_status bd_batches_next(struct bd_batches *batches, const uint8_t **images, const uint16_t **labels,
                          struct bd_error *err) BD_WARN_UNUSED;

/* Stops the threads, whatever they are at. NULL is allowed. */
void bd_batches_close(struct bd_batches *batches);

#endif
