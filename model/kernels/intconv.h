/* Convolutions of activation codes with whole-number weights, exact in int32: what the hardware computes, on AVX-512's
 * dot products of 4 unsigned with 4 signed bytes (VNNI, which adds into int32 without saturating).
 *
 * Source: bytes in blocks of 16 channels with the padding around them, so that no window needs a border case. A byte is
 * a code plus `bias`; the padding holds `bias`, a code of 0. +-1 codes have bias 1 (bytes 0 and 2): their padding is a
 * true 0, and bias sum(w), one number per channel, takes the bias out of the sums.
 * Weights: -128..127, or odd numbers up to +-255 when some are larger. Those are held as h = (w - 1) / 2, and
 * sum w a = 2 sum h a + sum a: the sum of a window's codes is made once for all channels.
 * +-1 weights meet codes of up to two bits, or four with an even number of blocks, as bits (bitconv.h).
 *
 * The kernel is used where the processor has it and a test at start finds it exact; else oneDNN multiplies floats. */
#ifndef BD_KERNELS_INTCONV_H
#define BD_KERNELS_INTCONV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/kernels/bitconv.h"
#include "model/kernels/kernels.h"
#include "model/kernels/prefetch.h"

#define BD_INTCONV_BLOCK 16

static inline int bd_intconv_blocks(int channels)
{
    return (channels + BD_INTCONV_BLOCK - 1) / BD_INTCONV_BLOCK;
}

struct bd_intconv_shape {
    int in_channels, out_channels; /* real ones, not padded */
    bool depthwise;                /* channel c reads channel c alone */
    int kernel_h, kernel_w, stride, pad;
    int in_height, in_width, out_height, out_width;
    size_t row, plane; /* bytes from a row, and from a block of channels, to the next */
};

struct bd_intconv_weights {
    int8_t *packed;    /* (OC/16, IC/16, KH, KW, 4, 16, 4) */
    int32_t *wide;     /* depthwise: (OC/16, KH, KW, 16) */
    int32_t *sums;     /* of each channel's weights */
    int16_t *pairs;    /* what the kernels of bd_intconv_pack_any read, alone of these */
    int64_t magnitude; /* the largest sum of |w| of a channel: bounds every sum */
    bool halved;       /* packed holds (w - 1) / 2 */
    struct bd_bitconv_weights bits;
};

/* Codes of an image: the first byte of the first window; what is added to a code; the largest byte. `prefetch`: what to
 * fetch beside the products, as far as they last (it is used up; depthwise layers fetch nothing), or NULL. */
struct bd_intconv_source {
    const uint8_t *first;
    int bias, highest;
    struct bd_prefetch *prefetch;
};

/* `weights` (OC, IC, KH, KW), depthwise (OC, 1, KH, KW). Rooms are made at the first call. */
void bd_intconv_pack(const struct bd_intconv_shape *shape, const int16_t *weights, struct bd_intconv_weights *packed);
void bd_intconv_release(struct bd_intconv_weights *packed);
/* For the kernels of any processor alone; weights of any kind up to +-255. */
void bd_intconv_pack_any(const struct bd_intconv_shape *shape, const int16_t *weights,
                         struct bd_intconv_weights *packed);

/* One image. `sums`: (OC/16, OH, OW, 16), INT32 or, when the magnitude allows, INT16. `room`: bd_intconv_room_size()
 * bytes at a multiple of 64. In the calling thread alone. */
typedef void bd_intconv_kernel(const struct bd_intconv_shape *shape, const struct bd_intconv_weights *weights,
                               const struct bd_intconv_source *source, enum bd_number type, void *sums, void *room);
bd_intconv_kernel bd_intconv_forward;
/* Its two ways: dot products of bytes alone, or bits where these take the weights and codes. */
bd_intconv_kernel bd_intconv_by_bytes, bd_intconv_by_bits;
size_t bd_intconv_room_size(const struct bd_intconv_shape *shape);
/* The same sums without AVX-512, from what bd_intconv_pack_any made, at any stride: multiply-adds of pairs of 16-bit
 * numbers (AVX2), and plain loops. `room`: bd_intconv_any_room_size() bytes. */
bd_intconv_kernel bd_intconv_by_pairs, bd_intconv_by_loops;
size_t bd_intconv_any_room_size(const struct bd_intconv_shape *shape);

/* True when the kernel's sums are those of plain loops on extreme and random codes and weights: padded, strided, with
 * part-filled blocks, +-1, depthwise, of maps that are not square or smaller than a window. */
bool bd_intconv_exact(bd_intconv_kernel *kernel);
/* True where bits have been found exact too: after bd_intconv_usable(), before which bytes are used. */
bool bd_intconv_bits_usable(void);
/* True where the processor has the instructions, the kernel has been found exact (once), and it has not been turned
 * off by bd_intconv_allow(false), which tests and comparisons of the two ways do. Not beside running networks. */
bool bd_intconv_usable(void);
void bd_intconv_allow(bool allowed);

#endif
