/* How much each switch has to say in the shared weights: the norm of its part of their gradient, and the cosine
 * between two switches' parts. Backward passes add to one gradient, so a switch's part is what its pass added. */
#ifndef BD_NETWORK_MEASURE_H
#define BD_NETWORK_MEASURE_H

#include "model/train/network/network.h"

/* A weight array. */
struct bd_gradient_layer {
    const char *name; /* of the parameter, which owns it */
    double norm[BD_MAX_SWITCHES];
};

struct bd_gradient_meter {
    size_t count;                     /* entries of the shared weights */
    uint32_t taken;                   /* switches that stand in `part` */
    float *part[BD_MAX_SWITCHES];     /* (count) */
    float *before;                    /* (count) the gradient before the next backward pass */
    struct bd_gradient_layer *layers; /* of bd_meter_read */
    size_t layer_count;
};

void bd_meter_open(struct bd_gradient_meter *meter, const struct bd_parameter *parameters, size_t parameter_count);
void bd_meter_close(struct bd_gradient_meter *meter);
/* Forgets the last step; after bd_net_begin. */
void bd_meter_clear(struct bd_gradient_meter *meter);
/* After the backward pass of a switch. */
void bd_meter_take(struct bd_gradient_meter *meter, const struct bd_parameter *parameters, size_t parameter_count,
                   int switch_index);
/* After the switch's part was taken: scales it, in the gradient, layer by layer to the norm of the part of switch `to`,
 * which was taken before. What is measured stays as it was. */
void bd_meter_balance(struct bd_gradient_meter *meter, const struct bd_parameter *parameters, size_t parameter_count,
                      int switch_index, int to);
/* Of the switches taken; a cosine with a part that is nothing is 0. Leaves the norms by layer in `layers`. */
void bd_meter_read(struct bd_gradient_meter *meter, const struct bd_parameter *parameters, size_t parameter_count,
                   double norm[BD_MAX_SWITCHES], double cosine[BD_MAX_SWITCHES][BD_MAX_SWITCHES]);

#endif
