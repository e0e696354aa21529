#include "tests/bench/peer.h"

#include <omp.h>
#include <string.h>

#include "model/core/clock.h"

bool peer_open(struct peer *peer, const struct bd_intconv_shape *s, int images)
{
    dnnl_memory_desc_t source, weights, sums;
    dnnl_convolution_desc_t desc;
    dnnl_primitive_desc_t pd = NULL;
    dnnl_dims_t in = {images, s->in_channels, s->in_height, s->in_width}, strides = {s->stride, s->stride},
                pad = {s->pad, s->pad};
    dnnl_dims_t out = {images, s->out_channels, s->out_height, s->out_width};
    dnnl_dims_t kernel = {s->out_channels, s->in_channels, s->kernel_h, s->kernel_w},
                each = {s->out_channels, 1, 1, s->kernel_h, s->kernel_w};
    /* What a stride leaves over at the far side needs no padding there. */
    dnnl_dims_t far = {(s->out_height - 1) * s->stride + s->kernel_h - s->pad - s->in_height,
                       (s->out_width - 1) * s->stride + s->kernel_w - s->pad - s->in_width};
    *peer = (struct peer){0};
    omp_set_num_threads(1);
    if (dnnl_engine_create(&peer->engine, dnnl_cpu, 0) || dnnl_stream_create(&peer->stream, peer->engine, 0) ||
        dnnl_memory_desc_init_by_tag(&source, 4, in, dnnl_u8, dnnl_format_tag_any) ||
        dnnl_memory_desc_init_by_tag(&weights, s->depthwise ? 5 : 4, s->depthwise ? each : kernel, dnnl_s8,
                                     dnnl_format_tag_any) ||
        dnnl_memory_desc_init_by_tag(&sums, 4, out, dnnl_s32, dnnl_format_tag_any) ||
        dnnl_convolution_forward_desc_init(&desc, dnnl_forward_inference, dnnl_convolution_direct, &source, &weights,
                                           NULL, &sums, strides, pad, far) ||
        dnnl_primitive_desc_create(&pd, &desc, NULL, peer->engine, NULL) ||
        dnnl_primitive_create(&peer->convolution, pd)) {
        return false;
    }
    const dnnl_memory_desc_t *of[] = {dnnl_primitive_desc_query_md(pd, dnnl_query_src_md, 0),
                                      dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0),
                                      dnnl_primitive_desc_query_md(pd, dnnl_query_dst_md, 0)};
    dnnl_memory_t *to[] = {&peer->source, &peer->weights, &peer->sums};
    bool made = true;
    for (int i = 0; i < 3 && made; i++) {
        void *at;
        made = !dnnl_memory_create(to[i], of[i], peer->engine, DNNL_MEMORY_ALLOCATE) &&
               !dnnl_memory_get_data_handle(*to[i], &at);
        if (made) {
            memset(at, 1, dnnl_memory_desc_get_size(of[i]));
        }
    }
    dnnl_primitive_desc_destroy(pd);
    return made;
}

double peer_run(const struct peer *peer)
{
    const dnnl_exec_arg_t arguments[] = {
        {DNNL_ARG_SRC, peer->source}, {DNNL_ARG_WEIGHTS, peer->weights}, {DNNL_ARG_DST, peer->sums}};
    const double from = bd_seconds(CLOCK_THREAD_CPUTIME_ID);
    dnnl_primitive_execute(peer->convolution, peer->stream, 3, arguments);
    dnnl_stream_wait(peer->stream);
    return bd_seconds(CLOCK_THREAD_CPUTIME_ID) - from;
}

void peer_close(struct peer *peer)
{
    dnnl_memory_t memories[] = {peer->source, peer->weights, peer->sums};
    for (int i = 0; i < 3; i++) {
        if (memories[i]) {
            dnnl_memory_destroy(memories[i]);
        }
    }
    if (peer->convolution) {
        dnnl_primitive_destroy(peer->convolution);
    }
    if (peer->stream) {
        dnnl_stream_destroy(peer->stream);
    }
    if (peer->engine) {
        dnnl_engine_destroy(peer->engine);
    }
}
