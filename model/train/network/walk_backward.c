/* Backward, by parts of a shard where both gradients are Winograd's, else by whole shards, for oneDNN's sake. */
#include <string.h>

#include "model/train/network/walk_parts.h"

/* d_stream[0] from the gradient of the pooled map, which holds what the pool's quantizer lets through. */
static void unpool_shard(struct bd_net *net, const struct bd_net_layer *pool, int shard)
{
    const struct bd_net_layer *last = &net->layers[pool->stream_source];
    const int channels = pool->info->in_channels, block = net->block;
    const size_t number = bd_number_size(bd_operand_type(net));
    for (int n = shard * net->shard; n < (shard + 1) * net->shard; n++) {
        for (int b = 0; b < bd_blocks(net, last); b++) {
            char *map = (char *)net->d_stream[0] + (bd_image_at(last, n) + b * bd_slab_size(net, last)) * number;
            char row[BD_MAX_BLOCK * sizeof(float)];
            float d[BD_MAX_BLOCK];
            for (int c = 0; c < block; c++) {
                int channel = b * block + c;
                d[c] = channel < channels ? net->d_pooled[n * channels + channel] / last->out_pixels : 0;
            }
            bd_kernel_narrow(d, block, bd_operand_type(net), row);
            for (int p = 0; p < last->out_pixels; p++) {
                memcpy(map + p * block * number, row, block * number);
            }
        }
    }
}

static void gather_part(struct bd_net *net, const struct bd_walk *walk, struct bd_part part, int worker)
{
    const struct bd_net_layer *layer = walk->gather;
    int q = layer->info->out_quantizer, block = net->block, first = part.first * bd_blocks(net, layer);
    enum bd_number d_type = bd_operand_type(net);
    size_t start = bd_image_at(layer, part.first), number = bd_number_size(layer->accumulation_type);
    const size_t gradient = bd_number_size(d_type);
    struct bd_code code = bd_net_code(net, q, walk->s);
    const char *first_reader = q < 0 ? NULL : net->d_code[q], *d_stream = walk->d_stream;
    const char *d_code[2] = {walk->d_source_stays ? net->worker[worker].d_code : NULL,
                             first_reader ? first_reader + start * gradient : NULL};
    if (!d_code[0]) {
        d_code[0] = d_code[1];
        d_code[1] = NULL;
    }
    for (int i = 0; i < part.images * bd_blocks(net, layer); i++) {
        size_t in = i * bd_slab_size(net, layer), at = start + in;
        int channel = i % bd_blocks(net, layer) * block;
        struct bd_backward_slab slab = {.a = (const char *)layer->accumulation + at * number,
                                        .a_type = layer->accumulation_type,
                                        .d_type = d_type,
                                        .slope = layer->slope + channel,
                                        .offset = layer->offset + channel,
                                        .stream = layer->stream ? layer->stream + at : NULL,
                                        .d_stream = d_stream ? d_stream + at * gradient : NULL,
                                        .d_code = d_code[0] ? d_code[0] + in * gradient : NULL,
                                        .d_code_2 = d_code[1] ? d_code[1] + in * gradient : NULL,
                                        .code_gain = 1 / code.step,
                                        .g = (char *)walk->gather_g + at * gradient};
        bd_kernel_backward(&slab, layer->out_pixels, block, &code, net->slab_sums + (size_t)(first + i) * 2 * block,
                           &net->slab_alpha[first + i]);
    }
    bd_net_count_bytes(net, (double)part.images * layer->out_padded * layer->out_pixels *
                                (number + (layer->stream ? 4 : 0) +
                                 (1 + (d_stream ? 1 : 0) + (d_code[0] ? 1 : 0) + (d_code[1] ? 1 : 0)) * gradient));
}

/* Batch norm's backward pass, into the worker's room or the sum of a ONCE layer. */
static void normalize_part(struct bd_net *net, const struct bd_walk *walk, struct bd_part part, int worker)
{
    const struct bd_net_layer *layer = walk->normalize;
    size_t start = bd_image_at(layer, part.first), number = bd_number_size(layer->accumulation_type);
    const bool of_image = layer->info->in_quantizer == BD_QUANTIZER_INPUT;
    enum bd_number g_type = bd_operand_type(net), d_type = of_image ? BD_FLOAT : g_type;
    char *d_accumulation = net->worker[worker].d_accumulation;
    for (int i = 0; i < part.images * bd_blocks(net, layer); i++) {
        size_t in = i * bd_slab_size(net, layer), at = start + in;
        int c = i % bd_blocks(net, layer) * net->block;
        struct bd_normalize_slab slab = {.g = (const char *)walk->normalize_g + at * bd_number_size(g_type),
                                         .a = (const char *)layer->accumulation + at * number,
                                         .g_type = g_type,
                                         .a_type = layer->accumulation_type,
                                         .d_type = d_type,
                                         .p = layer->back[0] + c,
                                         .q = layer->back[1] + c,
                                         .r = layer->back[2] + c,
                                         .d_a = layer->once ? NULL : d_accumulation + in * bd_number_size(d_type),
                                         .sum = layer->once ? layer->d_accumulation_sum + at : NULL};
        bd_kernel_normalize_gradient(&slab, layer->out_pixels, net->block);
    }
    bd_net_count_bytes(net, (double)part.images * layer->out_padded * layer->out_pixels *
                                (number + bd_number_size(g_type) + (layer->once ? 8 : bd_number_size(d_type))));
}

/* Where a layer's gradients of codes go: of images from `image` on. */
static void *source_gradient(const struct bd_net *net, const struct bd_walk *walk, int image, int worker)
{
    const struct bd_net_layer *layer = walk->normalize;
    const size_t map = (size_t)layer->in_padded * layer->info->in_height * layer->info->in_width;
    return walk->d_source_stays ? net->worker[worker].d_code
           : walk->d_source     ? (char *)walk->d_source + image * map * bd_number_size(bd_operand_type(net))
                                : NULL;
}

static bd_status convolve_back(struct bd_net *net, const struct bd_walk *walk, int shard, int worker,
                               struct bd_error *err)
{
    const struct bd_net_layer *layer = walk->normalize;
    const void *d_accumulation = net->worker[worker].d_accumulation;
    void *d_source = source_gradient(net, walk, shard * net->shard, worker);
    double from = bd_clock(net);
    bd_status status = bd_net_weight_gradient(net, layer, walk->s, shard, worker, d_accumulation, err);
    from = bd_clock_phase(net, worker, BD_PHASE_WEIGHT_GRADIENT, from);
    if (!status && d_source) {
        status = bd_conv_backward_data(layer->conv, worker, layer->set_of[walk->s], d_accumulation, d_source, err);
        bd_clock_phase(net, worker, BD_PHASE_DATA_GRADIENT, from);
    }
    return status;
}

/* What gather_part() will read and write; a d_stream, where there is one, is what gather_g takes the place of. */
static struct bd_prefetch prefetch_of_gather(const struct bd_net *net, const struct bd_walk *walk, struct bd_part part)
{
    struct bd_prefetch prefetch = {0};
    const struct bd_net_layer *layer = walk->gather;
    if (!layer) {
        return prefetch;
    }
    const size_t at = bd_image_at(layer, part.first), count = bd_image_at(layer, part.images),
                 gradient = bd_number_size(bd_operand_type(net)), number = bd_number_size(layer->accumulation_type);
    const int q = layer->info->out_quantizer;
    if (q >= 0 && net->d_code[q]) {
        bd_prefetch_add(&prefetch, (const char *)net->d_code[q] + at * gradient, count * gradient);
    }
    bd_prefetch_add(&prefetch, (const char *)walk->gather_g + at * gradient, count * gradient);
    if (layer->stream) {
        bd_prefetch_add(&prefetch, layer->stream + at, count * sizeof(float));
    }
    bd_prefetch_add(&prefetch, (const char *)layer->accumulation + at * number, count * number);
    return prefetch;
}

/* What normalize_part() and the weights' gradient will read, if there is such a part. */
static struct bd_prefetch prefetch_of_normalize(const struct bd_net *net, const struct bd_walk *walk,
                                                struct bd_part part)
{
    struct bd_prefetch prefetch = {0};
    if (part.first < 0 || part.first >= net->batch) {
        return prefetch;
    }
    const struct bd_net_layer *layer = walk->normalize;
    const struct bd_net_codes *codes = &net->codes[layer->info->in_quantizer];
    const size_t at = bd_image_at(layer, part.first), count = bd_image_at(layer, part.images),
                 gradient = bd_number_size(bd_operand_type(net)), number = bd_number_size(layer->accumulation_type);
    if (bd_net_code(net, layer->info->in_quantizer, walk->s).kind == BD_CODE_CLIP) {
        const size_t map = (size_t)layer->in_padded * layer->info->in_height * layer->info->in_width;
        bd_prefetch_add(&prefetch, codes->values + part.first * map, part.images * map * sizeof(float));
    } else {
        bd_prefetch_add(&prefetch, codes->bytes + part.first * codes->image, part.images * codes->image);
    }
    bd_prefetch_add(&prefetch, (const char *)layer->accumulation + at * number, count * number);
    bd_prefetch_add(&prefetch, (const char *)walk->normalize_g + at * gradient, count * gradient);
    return prefetch;
}

/* Part of a shard through batch norm, convolution and gathering while it is in cache. `next`: where the worker goes
 * on, as far as it knows. */
static void filter_back(struct bd_net *net, const struct bd_walk *walk, struct bd_part part, struct bd_part next,
                        int worker)
{
    double from = bd_clock(net);
    const struct bd_prefetch prefetch[2] = {prefetch_of_gather(net, walk, part),
                                            prefetch_of_normalize(net, walk, next)};
    normalize_part(net, walk, part, worker);
    bd_clock_phase(net, worker, BD_PHASE_NORMS, from);
    bd_net_filter_part(net, walk->normalize, walk->s, part, worker, source_gradient(net, walk, part.first, worker),
                       prefetch);
    from = bd_clock(net);
    if (walk->gather) {
        gather_part(net, walk, part, worker);
    }
    bd_clock_phase(net, worker, BD_PHASE_NORMS, from);
}

bd_status bd_net_backward_shard(struct bd_net *net, const struct bd_walk *walk, int shard, int worker,
                                struct bd_error *err)
{
    const struct bd_net_layer *layer = walk->normalize;
    const int first = shard * net->shard, end = first + net->shard;
    const struct bd_part whole = {first, net->shard};
    bd_status status = BD_OK;
    double from = bd_clock(net);
    if (walk->unpool) {
        unpool_shard(net, walk->unpool, shard);
    }
    if (layer && !layer->once) {
        bd_net_count_convolution(net, layer, net->shard, BD_PHASE_WEIGHT_GRADIENT);
    }
    if (layer && walk->d_source) {
        bd_net_count_convolution(net, layer, net->shard, BD_PHASE_DATA_GRADIENT);
    }
    if (layer && bd_conv_filters(layer->conv)) {
        bd_clock_phase(net, worker, BD_PHASE_NORMS, from);
        struct bd_part part = bd_net_filtered_part(layer, first, end);
        while (part.images) {
            struct bd_part next = bd_net_filtered_part(layer, part.first + part.images, end),
                           fetched = next; /* where the worker goes on */
            if (!next.images) {
                const int shard_after = net->upwards ? end : first - net->shard;
                fetched = bd_net_filtered_part(layer, shard_after, shard_after + net->shard);
            }
            filter_back(net, walk, part, fetched, worker);
            part = next;
        }
        return BD_OK;
    }
    if (layer) {
        normalize_part(net, walk, whole, worker);
        bd_clock_phase(net, worker, BD_PHASE_NORMS, from);
        status = layer->once ? BD_OK : convolve_back(net, walk, shard, worker, err);
        from = bd_clock(net);
    }
    for (int n = first; walk->scatter && n < end; n++) {
        bd_net_window_pool_back(net, walk->scatter, walk->scatter_g, n, net->worker[worker].d_accumulation,
                                walk->scattered);
    }
    if (!status && walk->gather) {
        gather_part(net, walk, whole, worker);
    }
    bd_clock_phase(net, worker, BD_PHASE_NORMS, from);
    return status;
}
