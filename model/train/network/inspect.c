/* What tests and tools read out of a network. */
#include <omp.h>
#include <string.h>

#include "model/train/network/network_parts.h"

static bd_status bare_layer(struct bd_net *net, struct bd_net_layer *layer, int s, struct bd_error *err)
{
    bd_status worst = BD_OK;
    layer->accumulation_type = bd_net_accumulation_type(net, layer, s);
#pragma omp parallel for schedule(dynamic, 1) num_threads(net->workers)
    for (int shard = 0; shard < net->shards; shard++) {
        struct bd_error here;
        bd_status status = bd_net_convolve_shard(net, layer, s, net->training, shard, omp_get_thread_num(), &here);
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

bd_status bd_net_bare_step(struct bd_net *net, struct bd_error *err)
{
    bd_status status = BD_OK;
    const bool profiling = net->profiling;
    net->profiling = false;
    for (int s = 0; s < net->graph->switch_count; s++) {
        for (int i = 0; i < net->graph->layer_count && !status; i++) {
            bool first = s == __builtin_ctz(net->switches);
            struct bd_net_layer *layer = &net->layers[i];
            if (net->switches >> s & 1 && layer->conv && (first || !layer->once)) {
                status = bare_layer(net, layer, s, err);
            }
        }
    }
    net->profiling = profiling;
    return status;
}

bool bd_net_accumulation(const struct bd_net *net, int index, double *sums)
{
    const struct bd_net_layer *layer = &net->layers[index];
    int channels = layer->info->out_channels, block = net->block;
    for (int n = 0; n < net->batch; n++) {
        for (int c = 0; c < channels; c++) {
            size_t from = bd_image_at(layer, n) + c / block * bd_slab_size(net, layer) + c % block;
            double *to = sums + ((size_t)n * channels + c) * layer->out_pixels;
            for (int p = 0; p < layer->out_pixels; p++) {
                size_t at = from + (size_t)p * block;
                to[p] = layer->accumulation_type == BD_INT16   ? ((const int16_t *)layer->accumulation)[at]
                        : layer->accumulation_type == BD_INT32 ? ((const int32_t *)layer->accumulation)[at]
                                                               : ((const float *)layer->accumulation)[at];
            }
        }
    }
    return layer->accumulation_type != BD_FLOAT;
}

void bd_net_codes(const struct bd_net *net, int quantizer, int s, int16_t *to)
{
    const struct bd_quantizer *info = &net->graph->quantizers[quantizer];
    const struct bd_net_codes *codes = &net->codes[quantizer];
    struct bd_code code = bd_net_code(net, quantizer, s);
    int pixels = info->height * info->width, block = net->block;
    if (!codes->bytes && quantizer != BD_QUANTIZER_INPUT) { /* the pool's */
        for (int i = 0; i < net->batch * info->channels; i++) {
            to[i] = net->pooled_codes[i];
        }
        return;
    }
    for (int n = 0; n < net->batch; n++) {
        for (int c = 0; c < info->channels; c++) {
            for (int p = 0; p < pixels; p++, to++) {
                int y = p / info->width + codes->pad, x = p % info->width + codes->pad;
                if (quantizer == BD_QUANTIZER_INPUT) {
                    *to = net->image[((size_t)n * info->channels + c) * pixels + p];
                } else {
                    *to = codes->bytes[n * codes->image + c / block * codes->plane + y * codes->row + x * block +
                                       c % block] -
                          bd_code_bias(&code);
                }
            }
        }
    }
}

void bd_net_count_codes(const struct bd_net *net, int quantizer, int s, uint64_t counts[BD_NET_LEVELS])
{
    const struct bd_quantizer *info = &net->graph->quantizers[quantizer];
    const struct bd_net_codes *codes = &net->codes[quantizer];
    const int block = net->block, shift = bd_net_code(net, quantizer, s).kind == BD_CODE_SIGN; /* 0 and 2 are -1, +1 */
    memset(counts, 0, BD_NET_LEVELS * sizeof *counts);
    if (!codes->bytes) { /* the pool's */
        for (int i = 0; i < net->batch * info->channels; i++) {
            counts[((int)net->pooled_codes[i] + shift) >> shift]++;
        }
        return;
    }
#pragma omp parallel for num_threads(net->workers) reduction(+ : counts[:BD_NET_LEVELS])
    for (int n = 0; n < net->batch; n++) {
        for (int first = 0; first < info->channels; first += block) {
            const int channels = info->channels - first < block ? info->channels - first : block;
            for (int y = 0; y < info->height; y++) {
                const uint8_t *row = codes->bytes + n * codes->image + first / block * codes->plane +
                                     (y + codes->pad) * codes->row + codes->pad * block;
                for (int x = 0; x < info->width; x++) {
                    for (int c = 0; c < channels; c++) {
                        counts[row[x * block + c] >> shift]++;
                    }
                }
            }
        }
    }
}

const int16_t *bd_net_weight_integers(const struct bd_net *net, int index, int s)
{
    const struct bd_net_layer *layer = &net->layers[index];
    return layer->sets[layer->set_of[s]].integers;
}

const float *bd_net_pooled(const struct bd_net *net)
{
    return net->pooled;
}
