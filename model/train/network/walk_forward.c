/* Forward, image by image, so that codes and sums fit the nearest caches. */
#include <string.h>

#include "model/train/network/walk_parts.h"

/* The padding around an image's codes is a code of 0. */
static void fill_border(struct bd_net *net, int quantizer, int image, int bias)
{
    const struct bd_quantizer *info = &net->graph->quantizers[quantizer];
    struct bd_net_codes *codes = &net->codes[quantizer];
    size_t side = (size_t)codes->pad * net->block, inside = (size_t)info->width * net->block;
    if (codes->border[image] == bias) {
        return;
    }
    codes->border[image] = bias;
    for (size_t plane = 0; plane < codes->image; plane += codes->plane) {
        uint8_t *row = codes->bytes + image * codes->image + plane;
        for (int y = -codes->pad; y < info->height + codes->pad; y++, row += codes->row) {
            if (y < 0 || y >= info->height) {
                memset(row, bias, codes->row);
            } else {
                memset(row, bias, side);
                memset(row + side + inside, bias, side);
            }
        }
    }
}

static void emit_image(struct bd_net *net, const struct bd_net_layer *layer, const struct bd_code *code, int image)
{
    const struct bd_layer *info = layer->info;
    int q = info->out_quantizer;
    struct bd_net_codes *codes = q < 0 ? NULL : &net->codes[q];
    bool bytes = codes && code->kind != BD_CODE_CLIP;
    const float *stream_in = info->adds_stream ? net->layers[layer->stream_source].stream : NULL;
    size_t number = bd_number_size(layer->accumulation_type);
    if (bytes) {
        fill_border(net, q, image, bd_code_bias(code));
    }
    for (int b = 0; b < bd_blocks(net, layer); b++) {
        size_t at = bd_image_at(layer, image) + b * bd_slab_size(net, layer);
        struct bd_forward_slab slab = {.a = (const char *)layer->accumulation + at * number,
                                       .a_type = layer->accumulation_type,
                                       .slope = layer->slope + b * net->block,
                                       .offset = layer->offset + b * net->block,
                                       .stream_in = stream_in ? stream_in + at : NULL,
                                       .stream_out = layer->stream ? layer->stream + at : NULL,
                                       .width = info->out_width};
        if (bytes) {
            slab.pitch = codes->row;
            slab.codes = codes->bytes + image * codes->image + b * codes->plane + codes->pad * codes->row +
                         codes->pad * net->block;
        } else if (codes) {
            slab.codes = codes->values + at;
        }
        bd_kernel_forward(&slab, layer->out_pixels, net->block, code);
    }
    bd_net_count_bytes(net, (double)layer->out_padded * layer->out_pixels *
                                (number + (stream_in ? 4 : 0) + (layer->stream ? 4 : 0) + (codes ? bytes ? 1 : 4 : 0)));
}

static void measure_image(struct bd_net *net, const struct bd_net_layer *layer, int image)
{
    size_t number = bd_number_size(layer->accumulation_type);
    for (int b = 0; b < bd_blocks(net, layer); b++) {
        size_t at = bd_image_at(layer, image) + b * bd_slab_size(net, layer);
        bd_kernel_moments((const char *)layer->accumulation + at * number, layer->accumulation_type, layer->out_pixels,
                          net->block, net->slab_sums + (size_t)(image * bd_blocks(net, layer) + b) * 2 * net->block);
    }
    bd_net_count_bytes(net, (double)layer->out_padded * layer->out_pixels * number);
}

/* pooled (N, C): the mean of the stream over its pixels. */
static void pool_image(struct bd_net *net, const struct bd_net_layer *pool, int image)
{
    const struct bd_net_layer *last = &net->layers[pool->stream_source];
    int channels = pool->info->in_channels, block = net->block;
    for (int c = 0; c < channels; c++) {
        const float *map = last->stream + bd_image_at(last, image) + c / block * bd_slab_size(net, last);
        float sum = 0;
        for (int p = 0; p < last->out_pixels; p++) {
            sum += map[p * block + c % block];
        }
        net->pooled[image * channels + c] = sum / last->out_pixels;
    }
}

/* What emit_image() will read and write, if there is such an image; but the stream that it writes, which goes past the
 * caches. */
static struct bd_prefetch prefetch_of_emit(const struct bd_net *net, const struct bd_net_layer *layer,
                                           const struct bd_code *code, int image)
{
    struct bd_prefetch prefetch = {0};
    if (!layer || image < 0 || image >= net->batch) {
        return prefetch;
    }
    const struct bd_layer *info = layer->info;
    const size_t at = bd_image_at(layer, image), count = bd_image_at(layer, 1),
                 number = bd_number_size(layer->accumulation_type);
    const int q = info->out_quantizer;
    if (q >= 0 && code->kind == BD_CODE_CLIP) {
        bd_prefetch_add(&prefetch, net->codes[q].values + at, count * sizeof(float));
    } else if (q >= 0) {
        bd_prefetch_add(&prefetch, net->codes[q].bytes + image * net->codes[q].image, net->codes[q].image);
    }
    bd_prefetch_add(&prefetch, (const char *)layer->accumulation + at * number, count * number);
    if (info->adds_stream) {
        bd_prefetch_add(&prefetch, net->layers[layer->stream_source].stream + at, count * sizeof(float));
    }
    return prefetch;
}

/* After `image` of those from `first` on, as far as a worker knows. */
static int next_image(const struct bd_net *net, int image, int first, int images)
{
    return image + 1 < first + images ? image + 1 : net->upwards ? first + images : first - images;
}

bd_status bd_net_forward_images(struct bd_net *net, const struct bd_walk *walk, int first, int images, int worker,
                                struct bd_error *err)
{
    const struct bd_net_layer *layer = walk->convolve;
    const int shard = first / net->shard;
    struct bd_code code = walk->emit ? bd_net_code(net, walk->emit->info->out_quantizer, walk->s) : (struct bd_code){0};
    bool integers = layer && layer->accumulation_type != BD_FLOAT;
    double from = bd_clock(net);
    for (int image = first; image < first + images; image++) {
        if (walk->emit) {
            emit_image(net, walk->emit, &code, image);
        }
        if (integers) {
            from = bd_clock_phase(net, worker, BD_PHASE_NORMS, from);
            struct bd_prefetch prefetch =
                prefetch_of_emit(net, walk->emit, &code, next_image(net, image, first, images));
            bd_net_convolve_image(net, layer, walk->s, image, worker, &prefetch);
            from = bd_clock_phase(net, worker, BD_PHASE_CONVOLVE, from);
            if (walk->measure) {
                measure_image(net, layer, image);
            }
        }
        if (walk->window_pool) {
            bd_net_window_pool_image(net, walk->window_pool, image);
        }
        if (walk->pool) {
            pool_image(net, walk->pool, image);
        }
    }
    from = bd_clock_phase(net, worker, BD_PHASE_NORMS, from);
    if (layer) {
        bd_net_count_convolution(net, layer, images, BD_PHASE_CONVOLVE);
    }
    if (!layer || integers) {
        return BD_OK;
    }
    bd_status status = bd_conv_forward(layer->conv, worker, layer->set_of[walk->s],
                                       bd_net_operand(net, layer, walk->s, shard * net->shard, net->shard, worker),
                                       (float *)layer->accumulation + bd_image_at(layer, shard * net->shard), err);
    from = bd_clock_phase(net, worker, BD_PHASE_CONVOLVE, from);
    for (int n = 0; n < net->shard && walk->measure; n++) {
        measure_image(net, layer, shard * net->shard + n);
    }
    bd_clock_phase(net, worker, BD_PHASE_NORMS, from);
    return status;
}
