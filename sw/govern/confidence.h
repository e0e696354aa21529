/* Two switches for one frame: the cheap one first, the dear one only where the cheap one's answer was close. */
#ifndef BD_GOVERN_CONFIDENCE_H
#define BD_GOVERN_CONFIDENCE_H

#include <stddef.h>

#include "sw/driver/governor/governor.h"

struct bd_answers { /* what a network said of images at each of its switches, the switches one behind the other */
    uint32_t switches, images, classes;
    const int32_t *logits; /* (switches, images, classes) */
    const uint16_t *labels;
};

struct bd_confidence {
    int low, high;   /* switches */
    uint32_t margin; /* frames whose two largest logits at `low` differ by less are run again at `high` */
    double accuracy; /* in parts of one, as are the rest */
    double repeated;
    double energy_nj, clocks; /* mean of a frame */
};

/* What a pair of switches and a margin come to on a set of images. */
void bd_confidence_measure(const struct bd_answers *answers, const struct bd_governor_switch *table, int low, int high,
                           uint32_t margin, struct bd_confidence *result);

/* The pair and margin of least mean energy whose accuracy on these images is at most `loss` below that of `top`; the
 * dearer switch is always at least as dear as the cheap one, and the pair (top, top) is always possible. */
void bd_confidence_choose(const struct bd_answers *answers, const struct bd_governor_switch *table, int top,
                          double loss, struct bd_confidence *result);

/* Part of the images that a switch classifies rightly. */
double bd_answers_accuracy(const struct bd_answers *answers, int switch_index);

#endif
