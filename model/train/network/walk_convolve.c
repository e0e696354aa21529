/* The convolutions of a walk: a layer's on images or a shard, whichever kernel they are. */
#include "model/train/network/walk_parts.h"

/* Where the first window of an image begins. */
static const uint8_t *first_window(const struct bd_net *net, const struct bd_net_layer *layer, int image)
{
    const struct bd_net_codes *codes = &net->codes[layer->info->in_quantizer];
    size_t inset = codes->pad - layer->info->pad;
    return codes->bytes + image * codes->image + inset * codes->row + inset * net->block;
}

void bd_net_convolve_image(struct bd_net *net, const struct bd_net_layer *layer, int s, int image, int worker,
                           struct bd_prefetch *prefetch)
{
    struct bd_code code = bd_net_code(net, layer->info->in_quantizer, s);
    char *sums = (char *)layer->accumulation + bd_image_at(layer, image) * bd_number_size(layer->accumulation_type);
    const struct bd_intconv_source source = {.first = first_window(net, layer, image),
                                             .bias = bd_code_bias(&code),
                                             .highest = code.kind == BD_CODE_SIGN ? 2 : (int)code.n,
                                             .prefetch = prefetch};
    bd_intconv_forward(&layer->shape, &layer->sets[layer->set_of[s]].packed, &source, layer->accumulation_type, sums,
                       net->worker[worker].convolution);
}

const void *bd_net_operand(struct bd_net *net, const struct bd_net_layer *layer, int s, int image, int images,
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
                                    bd_net_operand(net, layer, s, shard * net->shard, net->shard, worker),
                                    d_accumulation, gradient_of_shard(net, layer, shard), err);
}

struct bd_part bd_net_filtered_part(const struct bd_net_layer *layer, int first, int end)
{
    const int most = bd_conv_filtered_images(layer->conv);
    return (struct bd_part){first, end - first < most ? end - first : most};
}

void bd_net_filter_part(struct bd_net *net, const struct bd_net_layer *layer, int s, struct bd_part part, int worker,
                        void *d_source, const struct bd_prefetch prefetch[2])
{
    const int q = layer->info->in_quantizer, shard = part.first / net->shard;
    const struct bd_code code = bd_net_code(net, q, s);
    struct bd_winograd_task task = bd_conv_filtering(layer->conv, worker, layer->set_of[s]);
    task.images = part.images;
    task.begins = part.first == shard * net->shard;
    task.ends = part.first + part.images == (shard + 1) * net->shard;
    task.d_result = net->worker[worker].d_accumulation;
    task.d_weights = gradient_of_shard(net, layer, shard);
    task.d_source = d_source;
    task.while_weights = prefetch[0];
    task.while_data = prefetch[1];
    task.codes = code.kind != BD_CODE_CLIP;
    if (task.codes) {
        const struct bd_net_codes *codes = &net->codes[q];
        task.source = (struct bd_winograd_maps){.first = codes->bytes + part.first * codes->image +
                                                         codes->pad * (codes->row + net->block),
                                                .row = codes->row,
                                                .plane = codes->plane,
                                                .image = codes->image,
                                                .bias = bd_code_bias(&code)};
    } else {
        const void *numbers = bd_net_operand(net, layer, s, part.first, part.images, worker);
        task.source = bd_winograd_number_maps(task.shape, numbers, layer->in_padded);
    }
    double from = bd_clock(net);
    bd_winograd_weight_gradient(&task);
    from = bd_clock_phase(net, worker, BD_PHASE_WEIGHT_GRADIENT, from);
    bd_winograd_data_gradient(&task);
    bd_clock_phase(net, worker, BD_PHASE_DATA_GRADIENT, from);
}

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
            bd_net_convolve_image(net, layer, s, shard * net->shard + n, worker, NULL);
        }
    }
    if (status || !back) {
        return status;
    }
    if (bd_conv_filters(layer->conv)) {
        const struct bd_prefetch nothing[2] = {0};
        const int end = (shard + 1) * net->shard;
        struct bd_part part = bd_net_filtered_part(layer, shard * net->shard, end);
        for (; part.images; part = bd_net_filtered_part(layer, part.first + part.images, end)) {
            bd_net_filter_part(net, layer, s, part, worker, own->d_code, nothing);
        }
        return BD_OK;
    }
    status = bd_conv_backward_weights(layer->conv, worker, image ? net->image : own->operand, own->d_accumulation,
                                      gradient_of_shard(net, layer, shard), err);
    return status || image ? status
                           : bd_conv_backward_data(layer->conv, worker, set, own->d_accumulation, own->d_code, err);
}
