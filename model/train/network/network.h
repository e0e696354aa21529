/* The network of a checkpoint as training runs it: forward and backward of one switch over one batch.
 *
 * Convolutions multiply whole numbers (activation codes by integer weights), so an accumulation is the integer that
 * hardware gets; where the processor allows it is computed in integers (intconv.h) and exact, else in floats, exact
 * while it stays under 2^24. Its real value is k times it, k = wscale * step of the input codes. Batch norm takes k in,
 * and with it slope and offset per channel turn an accumulation into z in one multiply-add. 32-bit activations run in
 * floats.
 *
 * The arrays of the checkpoint are read and updated in place (running statistics, wscale); the checkpoint must outlive
 * the network and keep its arrays. A first layer with fixed weight bits gives every switch the same accumulations:
 * it runs once a step. The number of threads leaves no trace in the results. */
#ifndef BD_NETWORK_NETWORK_H
#define BD_NETWORK_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/checkpoint/checkpoint.h"
#include "model/core/error.h"

enum bd_parameter_kind {
    BD_PARAMETER_WEIGHT,
    BD_PARAMETER_BIAS,
    BD_PARAMETER_GAMMA,
    BD_PARAMETER_BETA,
    BD_PARAMETER_ALPHA, /* a clip level */
    BD_PARAMETER_STEP   /* LSQ's, of weights or activations */
};

struct bd_parameter {
    enum bd_parameter_kind kind;
    int switch_index; /* -1: shared by every switch */
    size_t count;
    float *value;       /* in the checkpoint */
    float *gradient;    /* shared: the mean over the switches of the step */
    const float *limit; /* WEIGHT of centred floor: the layer's s; else NULL */
    char name[96];      /* of the checkpoint's array */
};

struct bd_net;

/* Where the time of a step goes. NORMS: batch norm, quantizers, residual sums, pooling, both ways. */
enum bd_phase {
    BD_PHASE_CONVOLVE,
    BD_PHASE_DATA_GRADIENT,
    BD_PHASE_WEIGHT_GRADIENT,
    BD_PHASE_NORMS,
    BD_PHASE_WEIGHTS, /* quantizing and laying out weights, adding up their gradients */
    BD_PHASES
};

struct bd_profile {
    double seconds[BD_PHASES];    /* of processor time, all threads */
    double operations[BD_PHASES]; /* multiplications and additions; WEIGHTS and NORMS: 0 */
    double bytes[BD_PHASES];      /* NORMS: numbers read and written, each once per pass */
};

/* What data-parallel ranks share: each function replaces `count` numbers by their sums over all ranks, the same bits on
 * every rank. */
struct bd_reducer {
    void *context;
    int ranks;
    bd_status (*sum_doubles)(void *context, double *values, size_t count, struct bd_error *err);
    bd_status (*sum_floats)(void *context, float *values, size_t count, struct bd_error *err);
};

#define BD_NET_EVALUATE (-1.0) /* as `momentum`: use the running statistics and leave them */

/* `switches` (a bit each) are those that will run. Without `training` there is no backward. */
bd_status bd_net_create(struct bd_net **net, struct bd_checkpoint *checkpoint, int batch, uint32_t switches, bool half,
                        bool training, struct bd_error *err) BD_WARN_UNUSED;
void bd_net_destroy(struct bd_net *net);

/* The gradient of +-1 activations from here on, instead of the one that the network's description names. */
void bd_net_set_sign_gradient(struct bd_net *net, enum bd_sign_gradient gradient);

struct bd_parameter *bd_net_parameters(struct bd_net *net, size_t *count);

/* Quantizes the weights as they now stand, at every switch; once after every change. */
void bd_net_update_weights(struct bd_net *net);
/* Takes a batch of raw pixels (batch, H, W, C), clears the gradients and runs what all switches share. */
bd_status bd_net_begin(struct bd_net *net, const uint8_t *images, struct bd_error *err) BD_WARN_UNUSED;
/* logits (batch, classes). `momentum`: the part of a new batch in the running statistics, or BD_NET_EVALUATE. */
bd_status bd_net_forward(struct bd_net *net, int switch_index, double momentum, float *logits, struct bd_error *err)
    BD_WARN_UNUSED;
/* Gradients of the loss whose gradient in the logits of the forward just done is d_logits, and in the pooled map's
 * values besides (batch, channels; before its quantizer) d_pooled, where not NULL. */
bd_status bd_net_backward(struct bd_net *net, int switch_index, const float *d_logits, const float *d_pooled,
                          struct bd_error *err) BD_WARN_UNUSED;
/* Completes the gradients: shared ones become the mean over the switches run backward since bd_net_begin. */
bd_status bd_net_finish(struct bd_net *net, struct bd_error *err) BD_WARN_UNUSED;

/* Makes the network one of reducer->ranks that take a step together: batch-norm moments, batch norm's backward sums
 * and, in bd_net_finish, every gradient become sums over the ranks. Every rank makes the same calls; d_logits and
 * d_pooled are of a loss that is divided by the images of all ranks. `reducer` is copied; NULL: alone again. */
void bd_net_set_reducer(struct bd_net *net, const struct bd_reducer *reducer);

/* Starts counting anew; and what was counted since. Counting costs about 1 % of the time. */
void bd_net_start_profile(struct bd_net *net);
struct bd_profile bd_net_profile(const struct bd_net *net);

/* The convolutions of a step and nothing else: each layer's forward sums, data gradient and weight gradient at each
 * switch, on whatever the buffers hold after a step. Leaves nothing that a next bd_net_begin would read. */
bd_status bd_net_bare_step(struct bd_net *net, struct bd_error *err) BD_WARN_UNUSED;

/* For tests and tools: a convolution's sums (batch, out_channels, OH, OW) in the last forward, as doubles. True where
 * they come from the integer kernel. */
bool bd_net_accumulation(const struct bd_net *net, int layer, double *sums);
/* A quantizer's codes (batch, channels, H, W) at the switch whose forward was last; not those of 32-bit activations. */
void bd_net_codes(const struct bd_net *net, int quantizer, int switch_index, int16_t *codes);
/* How many of them stand at each level, from the lowest: 0 .. 2^bits - 1, or -1 and +1 of signs. */
#define BD_NET_LEVELS 256
void bd_net_count_codes(const struct bd_net *net, int quantizer, int switch_index, uint64_t counts[BD_NET_LEVELS]);
/* The integer weights (OC, IC / groups, KH, KW) of a layer at a switch, as bd_net_update_weights left them; NULL: float
 * weights. */
const int16_t *bd_net_weight_integers(const struct bd_net *net, int layer, int switch_index);
/* The pooled map's values (batch, channels) of the last forward. */
const float *bd_net_pooled(const struct bd_net *net);

#endif
