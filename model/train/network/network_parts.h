/* Inside of network.h: what its parts (network.c, quantizers.c, weights.c, forward.c, backward.c, the walks) share. */
#ifndef BD_NETWORK_NETWORK_PARTS_H
#define BD_NETWORK_NETWORK_PARTS_H

#include "model/kernels/conv.h"
#include "model/kernels/intconv.h"
#include "model/kernels/kernels.h"
#include "model/train/network/network.h"

/* The integers of a layer's weights at the switches that share them, in the forms that the passes read. Float weights
 * (32 bits) have no integers: they are multiplied as they are, and their unit is 1. */
struct bd_net_set {
    int first;         /* the first of those switches */
    int16_t *integers; /* (OC, IC / groups, KH, KW); NULL: float weights */
    float *factors;    /* of a classifier: the integers or the float weights */
    struct bd_intconv_weights packed;
};

struct bd_net_layer {
    const struct bd_layer *info;
    struct bd_conv *conv;
    struct bd_intconv_shape shape;         /* of the integer kernel */
    int in_padded, out_padded, out_pixels; /* channels in whole blocks */
    bool once;                             /* same accumulations in every switch */
    int stream_source;                     /* ADDS and layers that read the stream: the layer whose stream it reads */
    size_t weight_count;
    float *weight, *bias;                                     /* checkpoint */
    struct bd_weight_rule rule[BD_MAX_SWITCHES];              /* with the level as it was at the last update */
    float *level[BD_MAX_SWITCHES], *d_level[BD_MAX_SWITCHES]; /* of weights; d_level for learned ones alone */
    int unit_count[BD_MAX_SWITCHES];                          /* of wscale: 1, or one a filter */
    float one;                                                /* the unit of float weights */
    float *wscale[BD_MAX_SWITCHES], *gamma[BD_MAX_SWITCHES], *beta[BD_MAX_SWITCHES], *mean[BD_MAX_SWITCHES],
        *variance[BD_MAX_SWITCHES];
    float *d_weight, *d_bias, *d_gamma[BD_MAX_SWITCHES], *d_beta[BD_MAX_SWITCHES];
    float *d_value; /* gradient of the weights' real values on its way to the latents (OC, IC / groups, KH, KW) */
    struct bd_net_set *sets;
    int set_count, set_of[BD_MAX_SWITCHES];
    float *plain;                       /* float weights or their gradient, channels padded */
    void *accumulation;                 /* (N, OC/B, pixels, B) */
    enum bd_number accumulation_type;   /* of the last forward */
    float *stream, *d_accumulation_sum; /* the latter for ONCE layers only */
    double *batch_mean, *batch_inverse; /* of the accumulation; inverse = k / sqrt(k^2 var + eps), (out_padded) */
    double *batch_variance;
    float *slope, *offset; /* (out_padded) */
    uint8_t *winner;       /* MAXPOOL: the tap whose value each result is */
    float *back[3];        /* d_a = back[0] g + back[1] a + back[2], (out_padded) */
};

/* The codes of a quantizer: bytes (N, C/B, height + 2 pad, width + 2 pad, B), as bd_code_bias says; the padding is as
 * wide as the widest reader's. Unquantized values instead are float32 without padding. */
struct bd_net_codes {
    uint8_t *bytes;
    float *values; /* where a running switch has 32-bit activations */
    int pad;
    size_t row, plane, image; /* bytes from one to the next */
    int8_t *border;           /* by image: what its padding holds */
};

/* What each thread has of its own. */
struct bd_net_worker {
    void *operand;                                                 /* a shard of codes as oneDNN reads them */
    void *d_accumulation;                                          /* a shard */
    void *d_code;                                                  /* a shard */
    void *convolution;                                             /* what a convolution has under way */
    double seconds[BD_PHASES], before[BD_PHASES], wall, processor; /* the latter three: of bd_clock_begin */
    int taken;      /* parts of its run that are taken in a walk, by any thread */
    char apart[64]; /* a cache line from the next worker's */
};

struct bd_net {
    struct bd_checkpoint *checkpoint;
    const struct bd_graph *graph;
    int batch, block, shard, shards, workers;
    enum bd_sign_gradient sign_gradient;
    uint32_t switches;
    bool half, training, integer; /* integer: that kernel is usable */
    bool profiling, laid_out;     /* laid_out: the convolutions hold the sets as they stand */
    struct bd_reducer reducer;    /* of one rank by itself: ranks 1 */
    struct bd_net_layer *layers;
    float *level[BD_MAX_LAYERS][BD_MAX_SWITCHES], *d_level[BD_MAX_LAYERS][BD_MAX_SWITCHES]; /* by quantizer */
    struct bd_net_codes *codes;                                                             /* by quantizer */
    const void **d_code; /* by quantizer: the gradient that the first of two readers left, or NULL */
    float *image;        /* (N, C, H, W) */
    void *d_code_room;   /* where it does so; the last reader's stays in the worker's room */
    struct bd_net_worker *worker;
    float *d_shards[2]; /* a layer's weight gradients as its kernel leaves them, by shard: of the walk under way at
                         * `turn`, of the walk before, which are added up meanwhile, beside it */
    int turn;
    bool upwards;      /* the way that the walk under way goes through the batch */
    void *d_stream[2]; /* two: a stage's first gradient is gathered while the last of the next is read */
    void *d_inner[2];  /* two: a walk reads the one image by image and gathers the other, of maps of another size */
    double *slab_sums, *slab_alpha, *channel_sums;
    float *pooled, *pooled_codes, *d_pooled; /* (N, C) */
    int backward_count;
    struct bd_parameter *parameters;
    size_t parameter_count;
    struct bd_profile profile;
};

static inline enum bd_number bd_operand_type(const struct bd_net *net)
{
    return net->half ? BD_HALF : BD_FLOAT;
}

/* Blocks of channels in a layer's map, and numbers in one such block of one image. */
static inline int bd_blocks(const struct bd_net *net, const struct bd_net_layer *layer)
{
    return layer->out_padded / net->block;
}

static inline size_t bd_slab_size(const struct bd_net *net, const struct bd_net_layer *layer)
{
    return (size_t)layer->out_pixels * net->block;
}

/* Where an image begins in a layer's map. */
static inline size_t bd_image_at(const struct bd_net_layer *layer, int image)
{
    return (size_t)image * layer->out_padded * layer->out_pixels;
}

/* What one walk does with each shard, in this order; unused steps are NULL. */
struct bd_walk {
    int s;
    bool measure;
    struct bd_net_layer *emit, *window_pool, *convolve, *pool;  /* forward */
    struct bd_net_layer *unpool, *normalize, *scatter, *gather; /* backward; scatter: a window pooling */
    const void *normalize_g;
    const void *scatter_g; /* into `scattered`, a gradient of the stream */
    void *scattered;
    struct bd_net_layer *add_up; /* what the walk before normalized */
    const void *d_stream; /* gradient of what `gather` writes to the stream, from the layers that read it; or NULL */
    void *gather_g;
    void *d_source;      /* where `normalize` leaves the gradient of its input codes, or NULL: */
    bool d_source_stays; /* in the worker's room, for `gather` alone */
};

/* An image of a layer that pools windows, from its source's stream; and the gradient g of its values into that
 * stream's. `room` holds an image of the source's in float32. */
void bd_net_window_pool_image(struct bd_net *net, struct bd_net_layer *layer, int image);
void bd_net_window_pool_back(const struct bd_net *net, const struct bd_net_layer *layer, const void *g, int image,
                             float *room, void *d_stream);

/* Takes every shard through the walk. A thread has a run of neighbouring shards, or images of shards, and then takes
 * what others have left of theirs; runs are gone through upwards and downwards in turns. */
bd_status bd_net_walk(struct bd_net *net, const struct bd_walk *walk, struct bd_error *err) BD_WARN_UNUSED;
/* The shard's three convolutions at a switch alone, forward alone with `back` false. */
bd_status bd_net_convolve_shard(struct bd_net *net, const struct bd_net_layer *layer, int s, bool back, int shard,
                                int worker, struct bd_error *err) BD_WARN_UNUSED;
/* The shard's weight gradient, where !bd_conv_filters(), in its place in d_shards[turn]. */
bd_status bd_net_weight_gradient(struct bd_net *net, const struct bd_net_layer *layer, int s, int shard, int worker,
                                 const void *d_accumulation, struct bd_error *err) BD_WARN_UNUSED;
/* slab_sums over this rank's batch into channel_sums: [0, out_padded) of the first number, then of the second; and
 * those over all ranks. */
void bd_net_add_slabs(struct bd_net *net, const struct bd_net_layer *layer);
bd_status bd_net_reduce_sums(struct bd_net *net, const struct bd_net_layer *layer, struct bd_error *err) BD_WARN_UNUSED;

/* How the sums of the layer's forward at a switch are stored: as narrow as the weights' magnitude and the codes allow.
 */
enum bd_number bd_net_accumulation_type(const struct bd_net *net, const struct bd_net_layer *layer, int s);
/* True where the layer's sums at the switch are integers from the integer kernel. */
bool bd_net_in_integers(const struct bd_net *net, const struct bd_net_layer *layer, int s);
/* A quantizer at a switch (not the input), and its code as the kernels take it; quantizer -1: none. */
struct bd_activation_rule bd_net_activation(const struct bd_net *net, int quantizer, int s);
struct bd_code bd_net_code(const struct bd_net *net, int quantizer, int s);
/* Adds to the gradient of a quantizer's level, from that of the clip level. */
void bd_net_add_alpha_gradient(struct bd_net *net, int quantizer, int s, double d_alpha);

/* A parameter's gradient, for `value` of the checkpoint's array owner.suffix or owner.SWITCH.suffix. */
float *bd_net_add_parameter(struct bd_net *net, enum bd_parameter_kind kind, int switch_index, size_t count,
                            float *value, const float *limit, const char *owner, const char *suffix);
void bd_net_bind_quantizers(struct bd_net *net);

/* Opens and closes the weight sets of a layer. */
bd_status bd_net_open_weights(struct bd_net *net, struct bd_net_layer *layer, struct bd_error *err) BD_WARN_UNUSED;
void bd_net_close_weights(struct bd_net_layer *layer);
/* Gives the convolutions the sets as they stand, unless they have them. */
bd_status bd_net_lay_out_weights(struct bd_net *net, struct bd_error *err) BD_WARN_UNUSED;
/* Adds the gradients of the switch's integer weights, by shard (they are used up), to those of the latents and of the
 * level; */
bd_status bd_net_add_weight_gradient(struct bd_net *net, struct bd_net_layer *layer, int s, float *d_shards, int worker,
                                     struct bd_error *err) BD_WARN_UNUSED;
/* the same from the gradient of the weights' real values in layer->d_value. */
void bd_net_add_value_gradient(struct bd_net_layer *layer, int s);

/* For the profile: the convolution of some images; bytes that element-wise loops read and write. */
void bd_net_count_convolution(struct bd_net *net, const struct bd_net_layer *layer, int images, enum bd_phase phase);
void bd_net_count_bytes(struct bd_net *net, double bytes);
/* Seconds when profiling, else 0. bd_clock_phase adds what passed since `from` to the worker's phase and gives the time
 * now. Between begin and end what is added is scaled to the thread's own processor time in the end: reading that clock
 * takes a call of the kernel, too long for every image, and on a loaded machine some of the time that passes is
 * others'. */
double bd_clock(const struct bd_net *net);
double bd_clock_phase(struct bd_net *net, int worker, enum bd_phase phase, double from);
void bd_clock_begin(struct bd_net *net, int worker);
void bd_clock_end(struct bd_net *net, int worker);

#endif
