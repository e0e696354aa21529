/* The loss of one switch over a batch, and its gradient in the logits.
 *
 * L = label_weight CE + teacher_weight T^2 KL(teacher || student), the mean over the batch (Hinton, Vinyals and Dean,
 * arXiv:1503.02531). Logits (batch, classes). */
#ifndef BD_TRAIN_LOSS_H
#define BD_TRAIN_LOSS_H

#include <stdint.h>

struct bd_loss {
    int64_t batch;
    int classes;
    const uint16_t *labels; /* (batch) */
    double label_weight;
    const float *teacher; /* its logits, or NULL: no second term */
    double teacher_weight, temperature;
};

/* Returns the cross-entropy alone, which is comparable between switches; *right counts correct images. */
double bd_loss_gradient(const struct bd_loss *loss, const float *logits, float *d_logits, int *right);

#endif
