#include "model/train/loop/loss.h"

#include <math.h>
#include <stddef.h>

/* probabilities[c] = softmax(logits / temperature); returns the log of the normaliser plus the largest. */
static double softmax(const float *logits, int classes, double temperature, double *probabilities)
{
    double most = logits[0], sum = 0;
    for (int c = 1; c < classes; c++) {
        most = logits[c] > most ? logits[c] : most;
    }
    for (int c = 0; c < classes; c++) {
        probabilities[c] = exp((logits[c] - most) / temperature);
        sum += probabilities[c];
    }
    for (int c = 0; c < classes; c++) {
        probabilities[c] /= sum;
    }
    return log(sum) + most / temperature;
}

double bd_loss_gradient(const struct bd_loss *loss, const float *logits, float *d_logits, int *right)
{
    int classes = loss->classes;
    double student[classes], soft_student[classes], soft_teacher[classes], total = 0;
    *right = 0;
    for (int64_t n = 0; n < loss->batch; n++) {
        const float *z = logits + n * classes;
        float *d = d_logits + n * classes;
        int label = loss->labels[n], best = 0;
        total += softmax(z, classes, 1, student) - z[label];
        if (loss->teacher) {
            softmax(z, classes, loss->temperature, soft_student);
            softmax(loss->teacher + n * classes, classes, loss->temperature, soft_teacher);
        }
        for (int c = 0; c < classes; c++) {
            double g = loss->label_weight * (student[c] - (c == label));
            if (loss->teacher) {
                g += loss->teacher_weight * loss->temperature * (soft_student[c] - soft_teacher[c]);
            }
            d[c] = g / loss->total;
            best = z[c] > z[best] ? c : best;
        }
        *right += best == label;
    }
    return total;
}

void bd_loss_pooled_gradient(const float *pooled, const float *teacher, int64_t batch, int64_t total, int channels,
                             double weight, float *d_pooled)
{
    double gain = 2 * weight / (total * channels);
    for (int64_t i = 0; i < batch * channels; i++) {
        d_pooled[i] = gain * (pooled[i] - teacher[i]);
    }
}
