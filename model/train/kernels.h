/* Element-wise kernels of training, each over one slab: the `pixels` of one image in one block of `block` channels,
 * (pixels, block) float32 or, for operands, float32 or bfloat16. Single-threaded; callers run slabs in parallel.
 * Sums are returned per slab so that the caller adds them in one order, whatever the number of threads. */
#ifndef BD_TRAIN_KERNELS_H
#define BD_TRAIN_KERNELS_H

#include <stdbool.h>
#include <stddef.h>

#define BD_MAX_BLOCK 16

enum bd_code_kind {
    BD_CODE_NONE,
    BD_CODE_PACT, /* 0..n */
    BD_CODE_SIGN, /* +-1 */
    BD_CODE_CLIP, /* clip(x, 0, alpha), unquantized: 32-bit activations */
};

struct bd_code {
    enum bd_code_kind kind;
    float n;     /* PACT: 2^bits - 1 */
    float scale; /* PACT: n / alpha */
    float alpha;
    float step; /* value of one code unit: alpha / n, or 1 */
};

/* sums[0..block): of a; sums[block..2 block): of a^2. */
void bd_kernel_moments(const float *a, int pixels, int block, double *sums);

/* z = slope a + offset (per channel) [+ stream_in]; z goes to stream_out and its code to `codes`, where not NULL. */
struct bd_forward_slab {
    const float *a, *slope, *offset, *stream_in;
    float *stream_out;
    void *codes;
};
void bd_kernel_forward(const struct bd_forward_slab *slab, int pixels, int block, bool half,
                       const struct bd_code *code);

/* The gradient g of z: d_stream (or nothing) plus what the quantizer passes of (d_code + d_code_2) * code_gain.
 * z is `stream` where the layer wrote one, else slope a + offset. sums[0..block): of g; sums[block..2 block): of
 * g a. *d_alpha: the clip level's gradient. `g` may be d_stream. */
struct bd_backward_slab {
    const float *a, *slope, *offset, *stream, *d_stream;
    const void *d_code, *d_code_2;
    float code_gain;
    float *g;
};
void bd_kernel_backward(const struct bd_backward_slab *slab, int pixels, int block, bool half,
                        const struct bd_code *code, double *sums, double *d_alpha);

/* d_a = p g + q a + r, per channel, into an operand; or added to the float32 `sum` where d_a is NULL. */
void bd_kernel_normalize_gradient(const float *g, const float *a, const float *p, const float *q, const float *r,
                                  int pixels, int block, bool half, void *d_a, float *sum);

#endif
