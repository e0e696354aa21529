/* Inside of network.h: what its parts (network.c, walk.c, forward.c, backward.c) share. */
#ifndef BD_TRAIN_NETWORK_PARTS_H
#define BD_TRAIN_NETWORK_PARTS_H

#include "model/train/conv.h"
#include "model/train/kernels.h"
#include "model/train/network.h"

struct bd_net_layer {
    const struct bd_layer *info;
    struct bd_conv *conv;
    int in_padded, out_padded, out_pixels; /* channels in whole blocks */
    bool once;                             /* same accumulations in every switch */
    int stream_source;                     /* ADDS: the layer whose stream it reads */
    size_t weight_count;
    float *weight, *scale, *bias; /* checkpoint */
    float *wscale[BD_MAX_SWITCHES], *gamma[BD_MAX_SWITCHES], *beta[BD_MAX_SWITCHES], *mean[BD_MAX_SWITCHES],
        *variance[BD_MAX_SWITCHES];
    float *d_weight, *d_bias, *d_gamma[BD_MAX_SWITCHES], *d_beta[BD_MAX_SWITCHES];
    uint8_t *codes;                                    /* c_8 of the weights (OC, IC, KH, KW) */
    float *odd;                                        /* the switch's odd weights, channels padded */
    int odd_bits;                                      /* what `odd` and `conv` hold; 0: nothing */
    float *d_odd;                                      /* weight gradient, channels padded */
    float *d_shards;                                   /* the same as oneDNN leaves it, by shard */
    float *accumulation, *stream, *d_accumulation_sum; /* last: float32, ONCE layers only */
    double *batch_mean, *batch_inverse; /* of the accumulation; inverse = k / sqrt(k^2 var + eps), (out_padded) */
    double *batch_variance;
    float *slope, *offset; /* (out_padded) */
    float *back[3];        /* d_a = back[0] g + back[1] a + back[2], (out_padded) */
};

struct bd_net {
    struct bd_checkpoint *checkpoint;
    const struct bd_graph *graph;
    int batch, block, shard, shards, workers;
    uint32_t switches;
    bool half, training;
    struct bd_net_layer *layers;
    float *alpha[BD_MAX_LAYERS][BD_MAX_SWITCHES], *d_alpha[BD_MAX_LAYERS][BD_MAX_SWITCHES]; /* by quantizer */
    void **codes;                           /* operand, by quantizer; NULL for the pool's */
    const void **d_code[2];                 /* by quantizer: the gradients that its readers left, or NULL */
    float *image;                           /* (N, C, H, W) */
    void *d_code_room[2], **d_accumulation; /* the latter one shard for each worker */
    float *d_stream[2], *d_inner; /* two: a stage's first gradient is gathered while the last of the next is read */
    double *slab_sums, *slab_alpha;
    float *pooled, *pooled_codes, *d_pooled; /* (N, C) */
    int backward_count;
    struct bd_parameter *parameters;
    size_t parameter_count;
};

/* A shard of a layer: images k * shard .. (k + 1) * shard - 1. */
static inline int bd_slab_count(const struct bd_net *net, const struct bd_net_layer *layer)
{
    return net->shard * layer->out_padded / net->block;
}

static inline size_t bd_slab_size(const struct bd_net *net, const struct bd_net_layer *layer)
{
    return (size_t)layer->out_pixels * net->block;
}

static inline size_t bd_shard_at(const struct bd_net *net, const struct bd_net_layer *layer, int shard)
{
    return (size_t)shard * bd_slab_count(net, layer) * bd_slab_size(net, layer);
}

/* What one walk does with each shard, in this order; unused steps are NULL. */
struct bd_walk {
    int s;
    bool measure;
    struct bd_net_layer *emit, *convolve, *pool;      /* forward */
    struct bd_net_layer *unpool, *normalize, *gather; /* backward */
    const float *normalize_g;
    const float *d_stream; /* gradient of what `gather` writes to the stream, from the layers that read it; or NULL */
    float *gather_g;
    void *d_source; /* where `normalize` leaves the gradient of its input codes, or NULL */
};

/* Takes every shard through the walk; threads take shards as they come. */
bd_status bd_net_walk(struct bd_net *net, const struct bd_walk *walk, struct bd_error *err) BD_WARN_UNUSED;
/* The shard's input of a layer: pixels or codes. */
const void *bd_net_input(const struct bd_net *net, const struct bd_net_layer *layer, int shard);
/* Sum over the batch of slab_sums entry `which` (0 or 1) of channel c. */
double bd_net_sum(const struct bd_net *net, const struct bd_net_layer *layer, int which, int c);

/* Puts the switch's weights into the layer's convolution, unless they are there. */
bd_status bd_net_load_weights(struct bd_net *net, struct bd_net_layer *layer, int s, struct bd_error *err)
    BD_WARN_UNUSED;
/* A quantizer's code at a switch; quantizer -1: none. */
struct bd_code bd_net_code(const struct bd_net *net, int quantizer, int s);

#endif
