/* Paired comparison of two sets of predictions over the same test images.
 *
 * For image i let d_i be the mean over seeds (and, in a mean over switches, over switches) of a_i - b_i, where a_i is 1
 * when the first network is right and else 0. The difference is the mean of d_i over images, its standard error the
 * deviation of d_i over sqrt(images): with one seed and one switch, the paired binomial (McNemar) error
 * sqrt(b + c - (b - c)^2 / n) / n with n / (n - 1) for an unbiased variance. Interval: 1.96 errors to both sides.
 * It speaks of the noise of finitely many test images; how much seeds differ is shown beside it. */
#ifndef BD_COMPARE_STATISTICS_H
#define BD_COMPARE_STATISTICS_H

#include <stddef.h>
#include <stdint.h>

struct bd_paired {
    double difference, low, high; /* parts, not per cent */
};

/* `first` and `second`: `pairs` pointers each (seeds times switches) to (images) bytes, 1 where right. images >= 2. */
struct bd_paired bd_paired_difference(const uint8_t *const *first, const uint8_t *const *second, size_t pairs,
                                      size_t images);

#endif
