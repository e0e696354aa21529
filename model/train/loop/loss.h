/* The loss of one switch over a batch, and its gradient in the logits and in the pooled map.
 *
 * L = a0 CE + a1 T^2 KL(teacher || student) + a2 mean (student's pooled - teacher's)^2, the mean over the batch and,
 * in the last term, over channels too (Hinton, Vinyals and Dean, arXiv:1503.02531; the last term is ours to choose).
 * Logits (batch, classes), pooled maps (batch, channels). */
#ifndef BD_LOOP_LOSS_H
#define BD_LOOP_LOSS_H

#include <stdint.h>

struct bd_loss {
    int64_t batch; /* images here */
    int64_t total; /* images of the mean: those of all ranks */
    int classes;
    const uint16_t *labels;             /* (batch) */
    double label_weight;                /* a0 */
    const float *teacher;               /* its logits, or NULL: no second term */
    double teacher_weight, temperature; /* a1, T */
};

/* Returns the sum of the cross-entropies over the images here; *right counts correct ones. */
double bd_loss_gradient(const struct bd_loss *loss, const float *logits, float *d_logits, int *right);

/* The last term alone: d_pooled of `weight` times it, over batch * channels values, for a mean
 * over `total` images. */
void bd_loss_pooled_gradient(const float *pooled, const float *teacher, int64_t batch, int64_t total, int channels,
                             double weight, float *d_pooled);

#endif
