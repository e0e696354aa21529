#include "model/compare/statistics.h"

#include <math.h>

#define NORMAL_95 1.959963984540054

struct bd_paired bd_paired_difference(const uint8_t *const *first, const uint8_t *const *second, size_t pairs,
                                      size_t images)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < images; i++) {
        int wins = 0;
        for (size_t p = 0; p < pairs; p++) {
            wins += first[p][i] - second[p][i];
        }
        double d = (double)wins / pairs;
        sum += d;
        squares += d * d;
    }
    double mean = sum / images, variance = (squares - sum * mean) / (images - 1);
    double reach = NORMAL_95 * sqrt(fmax(variance, 0) / images);
    return (struct bd_paired){mean, mean - reach, mean + reach};
}
