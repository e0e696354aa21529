/* What the fast executor knows of a switch before it runs an image: inside model/exec alone.
 *
 * Maps of codes lie as the integer kernels read them (model/kernels/intconv.h): bytes in blocks of 16 channels, with
 * the borders that their readers need around them. The stream and the sums are (C/16, H, W, 16). */
#ifndef BD_EXEC_FAST_PARTS_H
#define BD_EXEC_FAST_PARTS_H

#include "model/exec/fast.h"
#include "model/exec/requantizer.h"
#include "model/kernels/intconv.h"

struct bd_fast_kernel {
    const char *name;
    bool (*usable)(void);
    bd_intconv_kernel *convolve; /* of layers that it takes; others go by `any` */
    bd_intconv_kernel *any;
    bd_requantize_kernel *requantize;
    bool wide; /* AVX-512: takes packed bytes and sums of 16 bits */
};

/* NULL where the processor lacks it; the fastest there is for a name of NULL. */
const struct bd_fast_kernel *bd_fast_kernel_named(const char *name);

/* Codes of one image: bytes, twice the code where it is +-1; borders hold what stands for 0. */
struct bd_fast_tensor {
    int producer; /* the layer that writes them; -1: the image */
    bool is_signed;
    int height, width, blocks;
    int top, bottom, left, right; /* borders */
    size_t row, plane;
    int last_reader, home; /* home: the tensor in whose memory it lies */
};

/* A row that OP_LOAD copies: of a tensor of codes, or of the stream that a layer kept. */
struct bd_fast_row {
    int from;
    uint32_t row;
};

struct bd_fast_layer {
    const struct bd_descriptor *d;
    bd_intconv_kernel *convolve;
    struct bd_intconv_shape shape;
    struct bd_intconv_weights weights;
    int in, out; /* tensors; -1: none */
    int highest; /* the largest byte that it reads */
    enum bd_number type;
    struct bd_requantizer requantizer;
    int64_t sum_bound, z_bound;
    struct bd_fast_row *codes, *stream; /* OP_LOAD: [out_height], or NULL */
    bool keeps_stream;                  /* some OP_LOAD brings its stream back */
};

struct bd_fast_plan {
    const struct bd_fast_kernel *kernel;
    int layer_count, tensor_count;
    struct bd_fast_layer *layers;
    struct bd_fast_tensor *tensors;
    size_t sums, stream, room; /* bytes, the most that any layer needs */
};

/* Packs the weights of every layer; `program` and `decoded` stay the caller's and outlive the plan. */
void bd_fast_plan_init(struct bd_fast_plan *plan, const struct bd_fast_kernel *kernel, const struct bd_program *program,
                       const struct bd_decoded *decoded, unsigned switch_index);
void bd_fast_plan_release(struct bd_fast_plan *plan);

#endif
