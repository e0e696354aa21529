/* What is done to a shard between two batch norms, and the walk over all shards. Forward goes image by image, whose
 * codes and sums fit in the nearest caches; backward by parts of a shard where both
 * gradients are Winograd's, else by whole shards, for oneDNN's sake. */
#include <omp.h>
#include <string.h>

#include "model/train/network_parts.h"

#define IMAGES 2 /* that a thread takes at a time, where shards need not be whole */

/* Bytes that a pass reads and writes, for the profile. */
static void count_bytes(struct bd_net *net, double bytes)
{
    if (net->profiling) {
#pragma omp atomic
        net->profile.bytes[BD_PHASE_NORMS] += bytes;
    }
}

void bd_net_count_convolution(struct bd_net *net, const struct bd_net_layer *layer, int images, enum bd_phase phase)
{
    if (net->profiling) {
        const struct bd_layer *info = layer->info;
        double operations = 2.0 * images * info->out_channels * layer->out_pixels * (info->in_channels / info->groups) *
                            info->kernel_h * info->kernel_w * bd_layer_side(info) * bd_layer_side(info);
#pragma omp atomic
        net->profile.operations[phase] += operations;
    }
}

/* ---- forward ---- */

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
    count_bytes(net, (double)layer->out_padded * layer->out_pixels *
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
    count_bytes(net, (double)layer->out_padded * layer->out_pixels * number);
}

/* Where the first window of an image begins. */
static const uint8_t *first_window(const struct bd_net *net, const struct bd_net_layer *layer, int image)
{
    const struct bd_net_codes *codes = &net->codes[layer->info->in_quantizer];
    size_t inset = codes->pad - layer->info->pad;
    return codes->bytes + image * codes->image + inset * codes->row + inset * net->block;
}

static void convolve_image(struct bd_net *net, const struct bd_net_layer *layer, int s, int image, int worker,
                           struct bd_ahead *ahead)
{
    struct bd_code code = bd_net_code(net, layer->info->in_quantizer, s);
    char *sums = (char *)layer->accumulation + bd_image_at(layer, image) * bd_number_size(layer->accumulation_type);
    const struct bd_intconv_source source = {.first = first_window(net, layer, image),
                                             .bias = bd_code_bias(&code),
                                             .highest = code.kind == BD_CODE_SIGN ? 2 : (int)code.n,
                                             .ahead = ahead};
    bd_intconv_forward(&layer->shape, &layer->sets[layer->set_of[s]].packed, &source, layer->accumulation_type, sums,
                       net->worker[worker].convolution);
}

/* Images' input of a layer as numbers: pixels, or codes, made in the worker's room. */
static const void *operand_of(struct bd_net *net, const struct bd_net_layer *layer, int s, int image, int images,
                              int worker)
{
    const struct bd_layer *info = layer->info;
    int q = info->in_quantizer;
    size_t plane = (size_t)info->in_height * info->in_width * net->block, inside = (size_t)info->in_width * net->block;
    size_t first = image, map = (size_t)layer->in_padded * info->in_height * info->in_width;
    char *to = net->worker[worker].operand;
    enum bd_number type = bd_operand_type(net);
    if (q == BD_QUANTIZER_INPUT) {
        return net->image + first * map;
    }
    const struct bd_net_codes *codes = &net->codes[q];
    struct bd_code code = bd_net_code(net, q, s);
    if (code.kind == BD_CODE_CLIP) {
        if (type == BD_FLOAT) {
            return codes->values + first * map;
        }
        bd_kernel_narrow(codes->values + first * map, images * map, type, to);
        return to;
    }
    for (int n = 0; n < images; n++) {
        for (size_t b = 0; b < map / plane; b++) {
            const uint8_t *from =
                codes->bytes + (first + n) * codes->image + b * codes->plane + codes->pad * (codes->row + net->block);
            for (int y = 0; y < info->in_height; y++) {
                bd_kernel_widen(from + y * codes->row, bd_code_bias(&code), inside, type, to);
                to += inside * bd_number_size(type);
            }
        }
    }
    return net->worker[worker].operand;
}

static float *gradient_of_shard(struct bd_net *net, const struct bd_net_layer *layer, int shard)
{
    return net->d_shards[net->turn] + shard * bd_conv_gradient_count(layer->conv);
}

bd_status bd_net_weight_gradient(struct bd_net *net, const struct bd_net_layer *layer, int s, int shard, int worker,
                                 const void *d_accumulation, struct bd_error *err)
{
    return bd_conv_backward_weights(layer->conv, worker,
                                    operand_of(net, layer, s, shard * net->shard, net->shard, worker), d_accumulation,
                                    gradient_of_shard(net, layer, shard), err);
}

/* Both gradients of a layer whose convolution filters, of `images` of a shard: the whole shard's, part by part in their
 * order. The worker's room holds the images' gradients alone, d_source takes theirs. */
static void filter_images(struct bd_net *net, const struct bd_net_layer *layer, int s, int image, int images,
                          int worker, void *d_source, const struct bd_ahead ahead[2])
{
    const int q = layer->info->in_quantizer, shard = image / net->shard;
    const struct bd_code code = bd_net_code(net, q, s);
    struct bd_winograd_task task = bd_conv_filtering(layer->conv, worker, layer->set_of[s]);
    task.images = images;
    task.begins = image == shard * net->shard;
    task.ends = image + images == (shard + 1) * net->shard;
    task.d_result = net->worker[worker].d_accumulation;
    task.d_weights = gradient_of_shard(net, layer, shard);
    task.d_source = d_source;
    task.while_weights = ahead[0];
    task.while_data = ahead[1];
    task.codes = code.kind != BD_CODE_CLIP;
    if (task.codes) {
        const struct bd_net_codes *codes = &net->codes[q];
        task.source = (struct bd_winograd_maps){.first = codes->bytes + image * codes->image +
                                                         codes->pad * (codes->row + net->block),
                                                .row = codes->row,
                                                .plane = codes->plane,
                                                .image = codes->image,
                                                .bias = bd_code_bias(&code)};
    } else {
        task.source =
            bd_winograd_number_maps(task.shape, operand_of(net, layer, s, image, images, worker), layer->in_padded);
    }
    double from = bd_clock(net);
    bd_winograd_weight_gradient(&task);
    from = bd_clock_phase(net, worker, BD_PHASE_WEIGHT_GRADIENT, from);
    bd_winograd_data_gradient(&task);
    bd_clock_phase(net, worker, BD_PHASE_DATA_GRADIENT, from);
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

/* Whether a forward walk's convolution is oneDNN's, for whole shards. */
static bool by_shards(const struct bd_walk *walk)
{
    return walk->convolve && walk->convolve->accumulation_type == BD_FLOAT;
}

/* What emit_image() will read and write, if there is such an image. */
static struct bd_ahead ahead_of_emit(const struct bd_net *net, const struct bd_net_layer *layer, int image)
{
    struct bd_ahead ahead = {0};
    if (!layer || image < 0 || image >= net->batch) {
        return ahead;
    }
    const struct bd_layer *info = layer->info;
    const size_t at = bd_image_at(layer, image), count = bd_image_at(layer, 1),
                 number = bd_number_size(layer->accumulation_type);
    const int q = info->out_quantizer;
    if (q >= 0 && net->codes[q].bytes) {
        bd_ahead_add(&ahead, net->codes[q].bytes + image * net->codes[q].image, net->codes[q].image);
    }
    bd_ahead_add(&ahead, (const char *)layer->accumulation + at * number, count * number);
    if (info->adds_stream) {
        bd_ahead_add(&ahead, net->layers[layer->stream_source].stream + at, count * sizeof(float));
    }
    return ahead;
}

/* After `image` of those from `first` on, as far as a worker knows. */
static int next_image(const struct bd_net *net, int image, int first, int images)
{
    return image + 1 < first + images ? image + 1 : net->upwards ? first + images : first - images;
}

/* `images` of a shard from `first` on: all where the convolution takes whole shards. */
static bd_status forward_images(struct bd_net *net, const struct bd_walk *walk, int first, int images, int worker,
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
            struct bd_ahead ahead = ahead_of_emit(net, walk->emit, next_image(net, image, first, images));
            convolve_image(net, layer, walk->s, image, worker, &ahead);
            from = bd_clock_phase(net, worker, BD_PHASE_CONVOLVE, from);
            if (walk->measure) {
                measure_image(net, layer, image);
            }
        }
        if (walk->maxpool) {
            bd_net_maxpool_image(net, walk->maxpool, image);
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
                                       operand_of(net, layer, walk->s, shard * net->shard, net->shard, worker),
                                       (float *)layer->accumulation + bd_image_at(layer, shard * net->shard), err);
    from = bd_clock_phase(net, worker, BD_PHASE_CONVOLVE, from);
    for (int n = 0; n < net->shard && walk->measure; n++) {
        measure_image(net, layer, shard * net->shard + n);
    }
    bd_clock_phase(net, worker, BD_PHASE_NORMS, from);
    return status;
}

/* ---- backward ---- */

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

static void gather_images(struct bd_net *net, const struct bd_walk *walk, int image, int images, int worker)
{
    const struct bd_net_layer *layer = walk->gather;
    int q = layer->info->out_quantizer, block = net->block, first = image * bd_blocks(net, layer);
    enum bd_number d_type = bd_operand_type(net);
    size_t start = bd_image_at(layer, image), number = bd_number_size(layer->accumulation_type);
    const size_t gradient = bd_number_size(d_type);
    struct bd_code code = bd_net_code(net, q, walk->s);
    const char *first_reader = q < 0 ? NULL : net->d_code[q], *d_stream = walk->d_stream;
    const char *d_code[2] = {walk->d_source_stays ? net->worker[worker].d_code : NULL,
                             first_reader ? first_reader + start * gradient : NULL};
    if (!d_code[0]) {
        d_code[0] = d_code[1];
        d_code[1] = NULL;
    }
    for (int i = 0; i < images * bd_blocks(net, layer); i++) {
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
    count_bytes(net, (double)images * layer->out_padded * layer->out_pixels *
                         (number + (layer->stream ? 4 : 0) +
                          (1 + (d_stream ? 1 : 0) + (d_code[0] ? 1 : 0) + (d_code[1] ? 1 : 0)) * gradient));
}

/* Batch norm's backward pass, into the worker's room or the sum of a ONCE layer. */
static void normalize_images(struct bd_net *net, const struct bd_walk *walk, int image, int images, int worker)
{
    const struct bd_net_layer *layer = walk->normalize;
    size_t start = bd_image_at(layer, image), number = bd_number_size(layer->accumulation_type);
    const bool of_image = layer->info->in_quantizer == BD_QUANTIZER_INPUT;
    enum bd_number g_type = bd_operand_type(net), d_type = of_image ? BD_FLOAT : g_type;
    char *d_accumulation = net->worker[worker].d_accumulation;
    for (int i = 0; i < images * bd_blocks(net, layer); i++) {
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
    count_bytes(net, (double)images * layer->out_padded * layer->out_pixels *
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

/* What gather_images() of these images will read and write. */
static struct bd_ahead ahead_of_gather(const struct bd_net *net, const struct bd_walk *walk, int image, int images)
{
    struct bd_ahead ahead = {0};
    const struct bd_net_layer *layer = walk->gather;
    if (!layer) {
        return ahead;
    }
    const size_t at = bd_image_at(layer, image), count = bd_image_at(layer, images),
                 gradient = bd_number_size(bd_operand_type(net)), number = bd_number_size(layer->accumulation_type);
    const int q = layer->info->out_quantizer;
    if (q >= 0 && net->d_code[q]) {
        bd_ahead_add(&ahead, (const char *)net->d_code[q] + at * gradient, count * gradient);
    }
    if (walk->d_stream && walk->d_stream != walk->gather_g) {
        bd_ahead_add(&ahead, (const char *)walk->d_stream + at * gradient, count * gradient);
    }
    bd_ahead_add(&ahead, (const char *)walk->gather_g + at * gradient, count * gradient);
    if (layer->stream) {
        bd_ahead_add(&ahead, layer->stream + at, count * sizeof(float));
    }
    bd_ahead_add(&ahead, (const char *)layer->accumulation + at * number, count * number);
    return ahead;
}

/* What normalize_images() and the weights' gradient of these images will read, if there are such images. */
static struct bd_ahead ahead_of_normalize(const struct bd_net *net, const struct bd_walk *walk, int image, int images)
{
    struct bd_ahead ahead = {0};
    if (image < 0 || image >= net->batch) {
        return ahead;
    }
    const struct bd_net_layer *layer = walk->normalize;
    const struct bd_net_codes *codes = &net->codes[layer->info->in_quantizer];
    const size_t at = bd_image_at(layer, image), count = bd_image_at(layer, images),
                 gradient = bd_number_size(bd_operand_type(net)), number = bd_number_size(layer->accumulation_type);
    if (codes->bytes) {
        bd_ahead_add(&ahead, codes->bytes + image * codes->image, images * codes->image);
    }
    bd_ahead_add(&ahead, (const char *)layer->accumulation + at * number, count * number);
    bd_ahead_add(&ahead, (const char *)walk->normalize_g + at * gradient, count * gradient);
    return ahead;
}

/* Images of a shard through batch norm, convolution and gathering while they are in cache. `next`: where the worker
 * goes on, as far as it knows. */
static void filter_back(struct bd_net *net, const struct bd_walk *walk, int image, int images, int next, int worker)
{
    double from = bd_clock(net);
    const struct bd_ahead ahead[2] = {ahead_of_gather(net, walk, image, images),
                                      ahead_of_normalize(net, walk, next, images)};
    normalize_images(net, walk, image, images, worker);
    bd_clock_phase(net, worker, BD_PHASE_NORMS, from);
    filter_images(net, walk->normalize, walk->s, image, images, worker, source_gradient(net, walk, image, worker),
                  ahead);
    from = bd_clock(net);
    if (walk->gather) {
        gather_images(net, walk, image, images, worker);
    }
    bd_clock_phase(net, worker, BD_PHASE_NORMS, from);
}

static bd_status backward_shard(struct bd_net *net, const struct bd_walk *walk, int shard, int worker,
                                struct bd_error *err)
{
    const struct bd_net_layer *layer = walk->normalize;
    const int first = shard * net->shard, end = first + net->shard;
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
        const int part = bd_conv_filtered_images(layer->conv);
        bd_clock_phase(net, worker, BD_PHASE_NORMS, from);
        for (int image = first; image < end; image += part) {
            const int next = image + part < end ? image + part : net->upwards ? end : first - net->shard;
            filter_back(net, walk, image, end - image < part ? end - image : part, next, worker);
        }
        return BD_OK;
    }
    if (layer) {
        normalize_images(net, walk, first, net->shard, worker);
        bd_clock_phase(net, worker, BD_PHASE_NORMS, from);
        status = layer->once ? BD_OK : convolve_back(net, walk, shard, worker, err);
        from = bd_clock(net);
    }
    for (int n = first; walk->scatter && n < end; n++) {
        bd_net_maxpool_back(net, walk->scatter, walk->scatter_g, n, net->worker[worker].d_accumulation,
                            walk->scattered);
    }
    if (!status && walk->gather) {
        gather_images(net, walk, first, net->shard, worker);
    }
    bd_clock_phase(net, worker, BD_PHASE_NORMS, from);
    return status;
}

/* ---- both ---- */

bd_status bd_net_convolve_shard(struct bd_net *net, const struct bd_net_layer *layer, int s, bool back, int shard,
                                int worker, struct bd_error *err)
{
    const struct bd_net_worker *own = &net->worker[worker];
    bool image = layer->info->in_quantizer == BD_QUANTIZER_INPUT;
    int set = layer->set_of[s];
    bd_status status = BD_OK;
    if (layer->accumulation_type == BD_FLOAT) {
        status = bd_conv_forward(layer->conv, worker, set, image ? net->image : own->operand,
                                 (float *)layer->accumulation + bd_image_at(layer, shard * net->shard), err);
    } else {
        for (int n = 0; n < net->shard; n++) {
            convolve_image(net, layer, s, shard * net->shard + n, worker, NULL);
        }
    }
    if (status || !back) {
        return status;
    }
    if (bd_conv_filters(layer->conv)) {
        const struct bd_ahead nothing[2] = {0};
        const int part = bd_conv_filtered_images(layer->conv), end = (shard + 1) * net->shard;
        for (int image = shard * net->shard; image < end; image += part) {
            filter_images(net, layer, s, image, end - image < part ? end - image : part, worker, own->d_code, nothing);
        }
        return BD_OK;
    }
    status = bd_conv_backward_weights(layer->conv, worker, image ? net->image : own->operand, own->d_accumulation,
                                      gradient_of_shard(net, layer, shard), err);
    return status || image ? status
                           : bd_conv_backward_data(layer->conv, worker, set, own->d_accumulation, own->d_code, err);
}

/* The part that a thread takes next, or -1. Each has a run of neighbouring parts and goes through it the other way
 * round than in the walk before: what that one touched last is in the thread's caches yet. Who is through takes of
 * others'. */
static int next_part(struct bd_net *net, int parts, int worker)
{
    for (int i = 0; i < net->workers; i++) {
        const int owner = (worker + i) % net->workers;
        const int begin = owner * parts / net->workers, end = (owner + 1) * parts / net->workers;
        int taken;
#pragma omp atomic capture
        taken = net->worker[owner].taken++;
        if (taken < end - begin) {
            return net->upwards ? begin + taken : end - 1 - taken;
        }
    }
    return -1;
}

bd_status bd_net_walk(struct bd_net *net, const struct bd_walk *walk, struct bd_error *err)
{
    bd_status worst = BD_OK;
    const bool back = walk->unpool || walk->normalize || walk->scatter || walk->gather;
    const int part = back || by_shards(walk) ? net->shard : net->shard % IMAGES ? 1 : IMAGES;
    const int parts = net->batch / part;
    int jobs = walk->add_up ? 1 : 0;
    for (int i = 0; i < net->workers; i++) {
        net->worker[i].taken = 0;
    }
    net->upwards = !net->upwards;
#pragma omp parallel num_threads(net->workers)
    {
        const int worker = omp_get_thread_num();
        struct bd_error here;
        bd_status status = BD_OK;
        int job;
#pragma omp atomic capture
        job = jobs--;
        if (job > 0) {
            status = bd_net_add_weight_gradient(net, walk->add_up, walk->s, net->d_shards[!net->turn], worker, &here);
        }
        for (int i; !status && (i = next_part(net, parts, worker)) >= 0;) {
            status = back ? backward_shard(net, walk, i, worker, &here)
                          : forward_images(net, walk, i * part, part, worker, &here);
        }
        if (status) {
#pragma omp critical(bd_net_walk)
            {
                worst = status;
                *err = here;
            }
        }
    }
    return worst;
}

void bd_net_add_slabs(struct bd_net *net, const struct bd_net_layer *layer)
{
    int block = net->block, blocks = bd_blocks(net, layer);
    memset(net->channel_sums, 0, 2 * layer->out_padded * sizeof *net->channel_sums);
    for (int i = 0; i < net->batch * blocks; i++) {
        const double *from = net->slab_sums + (size_t)i * 2 * block;
        double *to = net->channel_sums + i % blocks * block;
        for (int c = 0; c < block; c++) {
            to[c] += from[c];
            to[layer->out_padded + c] += from[block + c];
        }
    }
}

bd_status bd_net_reduce_sums(struct bd_net *net, const struct bd_net_layer *layer, struct bd_error *err)
{
    const struct bd_reducer *reducer = &net->reducer;
    return reducer->ranks == 1 ? BD_OK
                               : reducer->sum_doubles(reducer->context, net->channel_sums, 2 * layer->out_padded, err);
}
