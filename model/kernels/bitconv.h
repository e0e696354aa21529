/* The integer convolution (intconv.h) of +-1 weights with few-bit codes, on bits: 32 products of one bit take an XOR, a
 * population count and an addition.
 *
 * With b the bits of one plane of the codes and n those of negative weights (n = 1 for -1), over the same positions
 *     sum w b = popcount(b ^ n) - popcount(n),
 * and a code is the sum of its planes, b_0 + 2 b_1. A +-1 code is 2 b - 1, so sum w a = 2 popcount(b ^ n) - (products);
 * padding, which is a true 0, reads as -1, and what it adds is taken from a table by the part of the kernel that is
 * outside. (M. Rastegari et al., "XNOR-Net", arXiv:1603.05279; M. Courbariaux et al., arXiv:1602.02830.)
 *
 * A word holds one pixel's 32 channels; of 16 channels that are left over it holds two pixels that a window has below
 * or beside each other. For processors with AVX-512 and VPOPCNTDQ. */
#ifndef BD_KERNELS_BITCONV_H
#define BD_KERNELS_BITCONV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/kernels/kernels.h"

struct bd_intconv_shape;
struct bd_intconv_source;

struct bd_bitconv_weights {
    int planes;         /* codes of so many bits are taken: 0 unless all weights are +-1 and the shape fits */
    int words;          /* of a window */
    int32_t *where;     /* (words): from a window's first pixel to each */
    uint32_t *negative; /* (OC/16, words, 16) */
    int32_t *minus;     /* (OC/16, 16): how many are -1 */
    int32_t *start;     /* (OC/16, (2 pad + 1)^2, 16): for +-1 codes, by edge: minus the products, and the weights that
                         * meet padding */
};

/* `weights` (OC, IC, KH, KW). Rooms are made at the first call. */
void bd_bitconv_pack(const struct bd_intconv_shape *shape, const int16_t *weights, struct bd_bitconv_weights *packed);
void bd_bitconv_release(struct bd_bitconv_weights *packed);

/* True where codes stored as bytes up to `highest` with `bias` (intconv.h) are taken: +-1 and few bits. */
bool bd_bitconv_takes(const struct bd_bitconv_weights *packed, int bias, int highest);
size_t bd_bitconv_room_size(const struct bd_intconv_shape *shape);
/* One image; arguments as of bd_intconv_forward. `room`: bd_bitconv_room_size() bytes at a multiple of 64. */
void bd_bitconv_forward(const struct bd_intconv_shape *shape, const struct bd_bitconv_weights *weights,
                        const struct bd_intconv_source *source, enum bd_number type, void *sums, void *room);

#endif
