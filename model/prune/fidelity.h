/* Fidelity of sums: how well a sum over some of its terms stands for the sum over all of them, up to slope and offset,
 * which the batch norm behind it adapts: corr^2 (kept sum, whole sum), the mean over many sums that have the same
 * terms.
 *
 * A sum is told by the covariances of its terms, covariance (terms, terms): with a kept set K
 *     cov(kept, whole) = sum of rows in K,   var(kept) = sum of rows and columns in K,
 * which backward elimination carries along as terms go, so that one step costs a row of each matrix. */
#ifndef BD_PRUNE_FIDELITY_H
#define BD_PRUNE_FIDELITY_H

#include <stddef.h>
#include <stdint.h>

/* Order of `terms` terms of `sums` sums: again and again the one goes whose removal lowers the mean of corr^2 least, of
 * equal ones the highest. order[0] goes first. covariance (sums, terms, terms), symmetric; weight (sums), or NULL: all
 * alike. A sum that does not vary has no say. */
void bd_fidelity_order(int terms, size_t sums, const float *covariance, const double *weight, int *order);

/* Covariances of the terms of one filter of a reader: codes (points, taps, channels), weights (taps, channels) of the
 * filter; covariance (channels, channels). `room`: points * channels floats. */
void bd_fidelity_covariance(int points, int taps, int channels, const int16_t *codes, const int16_t *weights,
                            float *room, float *covariance);

#endif
