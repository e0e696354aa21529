/* Gradients of 3x3 convolutions with stride 1 and padding 1, by Winograd's minimal filtering in two dimensions: of the
 * activations by F(4x4, 3x3), of the weights by F(3x3, 4x4). Both multiply 36 pairs for a tile of 4x4 source pixels
 * where plain sums multiply 144, and both read the same transformed windows of 6x6 gradients around it: the one with
 * the weights as taps, the other with the tile itself. (S. Winograd, "Arithmetic complexity of computations", 1980; A.
 * Lavin and S. Gray, "Fast Algorithms for Convolutional Neural Networks", arXiv:1509.09308.) Forward sums are not made
 * this way: they are exact integers (intconv.h).
 *
 * Interpolation points are 0, +-2/3, +-3/2 and infinity: a product of 1 keeps the constants small. Every sum is
 * float32.
 * tests/unit/test_winograd.c holds the root mean square error to 2e-6 of the result in float32, and to 2e-2 with
 * products of bfloat16.
 *
 * Activations are (N, C/16, H, W, 16), float32 or, with `half`, bfloat16. For processors with AVX-512. */
#ifndef BD_KERNELS_WINOGRAD_H
#define BD_KERNELS_WINOGRAD_H

#include <stdbool.h>
#include <stddef.h>

#include "model/kernels/prefetch.h"

#define BD_WINOGRAD_BLOCK 16

struct bd_winograd_shape {
    int batch, in_channels, out_channels; /* channels in multiples of 16 */
    int height, width;                    /* of source and result alike */
    bool half;                            /* activations and products are bfloat16 */
};

/* Where maps lie; steps in bytes. Codes are bytes with `bias` added. */
struct bd_winograd_maps {
    const void *first;
    size_t row, plane, image; /* to the next row, block of channels, image */
    int bias;
};

/* True where the processor has the instructions, the map fills its tiles of 4x4 at least half, transformed weights are
 * not too many (256 x 256 channels), and the kernels have not been turned off by bd_winograd_allow(false), which
 * comparisons with plain sums do. */
bool bd_winograd_fits(const struct bd_winograd_shape *shape);
void bd_winograd_allow(bool allowed);

/* Sizes in bytes, of what the caller allocates at multiples of 64. A room serves one thread. */
size_t bd_winograd_packed_size(const struct bd_winograd_shape *shape);
size_t bd_winograd_room_size(const struct bd_winograd_shape *shape);

/* weights (OC, IC, 3, 3) float32 to the form in which they meet transformed tiles. */
void bd_winograd_pack(const struct bd_winograd_shape *shape, const float *weights, void *packed);

/* Both gradients of some images of a batch: first the weights', then, from the same transformed tiles, the
 * activations'. A batch goes through in parts of bd_winograd_images() or fewer, so that they stay in the second-level
 * cache; d_weights is finished with the last. Where `codes` the source is bytes, else numbers. */
struct bd_winograd_task {
    const struct bd_winograd_shape *shape;
    int images;
    bool begins, ends;             /* the batch */
    const void *packed, *d_result; /* d_result (images, OC/16, H, W, 16) */
    struct bd_winograd_maps source;
    bool codes;
    void *room;       /* the same for all parts, and nobody else's between */
    float *d_weights; /* OC IC 9 float32 as (OC/16, IC, 9, 16), overwritten; bd_winograd_plain makes (OC, IC, 3, 3) of
                         it */
    void *d_source;   /* (images, IC/16, H, W, 16) */
    struct bd_prefetch while_weights, while_data; /* to fetch beside the products of either */
};
int bd_winograd_images(const struct bd_winograd_shape *shape);
void bd_winograd_weight_gradient(const struct bd_winograd_task *task);
void bd_winograd_data_gradient(const struct bd_winograd_task *task);

/* `channels` maps of numbers (float32 or bfloat16) beside each other in every image. */
struct bd_winograd_maps bd_winograd_number_maps(const struct bd_winograd_shape *shape, const void *first, int channels);
void bd_winograd_plain(const struct bd_winograd_shape *shape, const float *d_weights, float *plain);

#endif
