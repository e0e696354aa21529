/* The named peer of the benchmarks: oneDNN's convolution of bytes, u8 with s8 to s32, in the layouts that it chooses,
 * for what the integer kernels are given. It knows no other precision. In the calling thread, with OpenMP set to one.
 */
#ifndef BD_TESTS_BENCH_PEER_H
#define BD_TESTS_BENCH_PEER_H

#include <dnnl.h>
#include <stdbool.h>

#include "model/kernels/intconv.h"

struct peer {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_t convolution;
    dnnl_memory_t source, weights, sums;
};

/* A batch of `images`, on any bytes; false where oneDNN cannot. To be closed either way. */
bool peer_open(struct peer *peer, const struct bd_intconv_shape *shape, int images);
/* Seconds of the thread's processor time that the batch took. */
double peer_run(const struct peer *peer);
void peer_close(struct peer *peer);

#endif
