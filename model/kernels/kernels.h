/* Element-wise kernels of training, each over one slab: the `pixels` of one image in one block of `block` channels,
 * (pixels, block). Numbers lie in memory as narrow as they are exact (bd_number) and are widened to float32 a few at
 * a time, in registers and first-level cache. Single-threaded; callers run slabs in parallel. Sums are returned per
 * slab so that the caller adds them in one order, whatever the number of threads. */
#ifndef BD_KERNELS_KERNELS_H
#define BD_KERNELS_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BD_MAX_BLOCK 16

/* How a number is stored. HALF is bfloat16. */
enum bd_number { BD_FLOAT, BD_HALF, BD_INT32, BD_INT16, BD_BYTE };

static inline size_t bd_number_size(enum bd_number type)
{
    return type == BD_BYTE ? 1 : type == BD_HALF || type == BD_INT16 ? 2 : 4;
}

enum bd_code_kind {
    BD_CODE_NONE,
    BD_CODE_PACT, /* 0..n */
    BD_CODE_SIGN, /* +-1 */
    BD_CODE_CLIP, /* clip(x, 0, alpha), unquantized: 32-bit activations */
};

/* Which gradient passes. OWN: PACT's with the rounding error in the clip level's gradient (LSQ's too), a sign's where
 * |z| <= 1. PUBLISHED: PACT's clip level learns from what lies above alone. CLOSED: DoReFa's, with z = alpha still
 * inside. BIREAL: a sign's max(0, 2 - 2 |z|). */
enum bd_code_pass { BD_PASS_OWN, BD_PASS_PUBLISHED, BD_PASS_CLOSED, BD_PASS_BIREAL };

struct bd_code {
    enum bd_code_kind kind;
    enum bd_code_pass pass;
    float n;     /* PACT: 2^bits - 1 */
    float scale; /* PACT: n / alpha */
    float alpha;
    float step; /* value of one code unit: alpha / n, or 1 */
};

/* What is added to a code to store it as a byte: a padded 0 of a +-1 code is a 1. */
static inline int bd_code_bias(const struct bd_code *code)
{
    return code->kind == BD_CODE_SIGN ? 1 : 0;
}

/* sums[0..block): of a; sums[block..2 block): of a^2. */
void bd_kernel_moments(const void *a, enum bd_number type, int pixels, int block, double *sums);

/* z = slope a + offset (per channel) [+ stream_in]; z goes to stream_out and its code to `codes`, where not NULL;
 * stream_out at multiples of 64 bytes. Codes are bytes with their bias, `width` pixels a row and rows `pitch` bytes
 * apart; CLIP's are float32 in one piece. */
struct bd_forward_slab {
    const void *a;
    enum bd_number a_type;
    const float *slope, *offset, *stream_in;
    float *stream_out;
    void *codes;
    int width, pitch;
};
void bd_kernel_forward(const struct bd_forward_slab *slab, int pixels, int block, const struct bd_code *code);

/* The gradient g of z: what the quantizer passes of d_code + d_code_2, times code_gain, plus d_stream; absent parts are
 * NULL. z is `stream` where the layer wrote one, else slope a + offset. sums[0..block): of g; sums[block..2 block): of
 * g a. *d_alpha: the clip level's gradient. With `stream` g may be d_stream. Without it g is stored *before* the gain,
 * which leaves the bits of d_code as they are: sums and d_alpha have it. */
struct bd_backward_slab {
    const void *a;
    enum bd_number a_type, d_type; /* d_type: of every gradient here, FLOAT or HALF */
    const float *slope, *offset, *stream;
    const void *d_code, *d_code_2, *d_stream;
    float code_gain;
    void *g;
};
void bd_kernel_backward(const struct bd_backward_slab *slab, int pixels, int block, const struct bd_code *code,
                        double *sums, double *d_alpha);

/* d_a = p g + q a + r, per channel, into d_a (d_type: FLOAT or HALF); or added to the float32 `sum` where d_a is NULL.
 */
struct bd_normalize_slab {
    const void *g, *a;
    enum bd_number g_type, a_type, d_type;
    const float *p, *q, *r;
    void *d_a;
    float *sum;
};
void bd_kernel_normalize_gradient(const struct bd_normalize_slab *slab, int pixels, int block);

/* `count` (a multiple of 8) bytes less their bias, or float32 numbers, as FLOAT or HALF; rows of bytes are the
 * caller's to take apart. */
void bd_kernel_widen(const uint8_t *bytes, int bias, size_t count, enum bd_number type, void *to);
void bd_kernel_narrow(const float *from, size_t count, enum bd_number type, void *to);

/* sums[i] += sums[k stride + i] for k = 1 .. many - 1 in this order, i < count. */
void bd_kernel_add_up(float *sums, int many, size_t stride, size_t count);

#endif
