/* One convolution in floats, forward and backward, in the blocked layout of the trainer: every oneDNN call of Bitdial's
 * training is behind this interface. Backward passes that Winograd's filtering (winograd.h) can do are left to it.
 * Forward serves the image, unquantized activations and weights, and processors without the integer kernel (intconv.h).
 *
 * Weights are kept in `sets`, one for each set of integers that the switches use, so that changing switches lays
 * nothing out anew.
 * Activations are (N, C/B, H, W, B) with B = bd_conv_block() channels side by side and C a multiple of B (channels
 * that the network does not have carry zero weights); the input image alone is (N, C, H, W) float32. Operands (codes,
 * odd weights, gradients of the accumulations) are float32 or bfloat16; accumulations are float32. Codes up to 255 and
 * weights up to +-255 are exact in both, so both give the same sums while these stay under 2^24. */
#ifndef BD_KERNELS_CONV_H
#define BD_KERNELS_CONV_H

#include <stdbool.h>
#include <stddef.h>

#include "model/core/error.h"
#include "model/kernels/winograd.h"

struct bd_conv_shape {
    int batch, in_channels, out_channels; /* padded to B, but for in_channels of an image */
    bool depthwise;                       /* channel c reads channel c alone */
    int kernel_h, kernel_w, stride, pad;
    int in_height, in_width, out_height, out_width;
    bool image; /* reads the input image; has no backward-data */
    bool half;  /* operands are bfloat16, but for an image's layer */
    bool training;
    int sets;
    int workers; /* threads that may call at once, each with its own `worker` below this */
};

struct bd_conv;

/* Channels in a block: 16 with AVX-512, else 8. */
int bd_conv_block(void);
/* True where this processor multiplies bfloat16 natively. */
bool bd_conv_half_is_fast(void);

bd_status bd_conv_create(struct bd_conv **conv, const struct bd_conv_shape *shape, struct bd_error *err) BD_WARN_UNUSED;
void bd_conv_destroy(struct bd_conv *conv);

/* Memory of bd_conv_room_size() bytes (none: 0), at a multiple of 64, for what a worker has under way in backward
 * passes; the caller's, and shared with other convolutions. To be lent before the first of these passes. */
size_t bd_conv_room_size(const struct bd_conv *conv);
void bd_conv_lend_room(struct bd_conv *conv, int worker, void *room);

/* Takes weights (OC, IC, KH, KW), depthwise (OC, 1, KH, KW), float32, as set `set`, for `forward` too or for
 * the passes backward alone. Not beside other calls. */
bd_status bd_conv_set_weights(struct bd_conv *conv, int set, const float *weights, bool forward, struct bd_error *err)
    BD_WARN_UNUSED;

/* Each runs in the calling thread alone, over one shard of `batch` images. */
bd_status bd_conv_forward(struct bd_conv *conv, int worker, int set, const void *source, float *accumulation,
                          struct bd_error *err) BD_WARN_UNUSED;
/* Where !bd_conv_filters(). d_source is of the operand type. */
bd_status bd_conv_backward_data(struct bd_conv *conv, int worker, int set, const void *d_accumulation, void *d_source,
                                struct bd_error *err) BD_WARN_UNUSED;
bd_status bd_conv_backward_weights(struct bd_conv *conv, int worker, const void *source, const void *d_accumulation,
                                   float *d_weights, struct bd_error *err) BD_WARN_UNUSED;
/* True where both gradients are Winograd's: tasks of so many images or fewer, of which the caller sets all but the
 * shape, the weights and the room. */
bool bd_conv_filters(const struct bd_conv *conv);
int bd_conv_filtered_images(const struct bd_conv *conv);
struct bd_winograd_task bd_conv_filtering(const struct bd_conv *conv, int worker, int set);
/* Gradients of weights are bd_conv_gradient_count() float32 in an order of the kernel's own, overwritten; sums of such
 * arrays are what bd_conv_plain_gradient turns into (OC, IC, KH, KW). */
size_t bd_conv_gradient_count(const struct bd_conv *conv);
bd_status bd_conv_plain_gradient(struct bd_conv *conv, float *d_weights, float *plain, struct bd_error *err)
    BD_WARN_UNUSED;

#endif
