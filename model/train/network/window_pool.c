/* Pooling of the residual stream's windows: real values in, real values out. The largest: padding never wins, the first
 * of equals does. The mean: padding counts as zeros. The results stand where a convolution's sums would, with slope 1
 * and offset 0, so that they are emitted and their gradient gathered as any layer's. */
#include <string.h>

#include "model/train/network/network_parts.h"

/* Values (block) of the map at tap `tap` of output pixel `p`, or NULL in the padding. */
static float *tap_at(const struct bd_net_layer *layer, float *map, int block, int p, int tap)
{
    const struct bd_layer *info = layer->info;
    const int y = p / info->out_width * info->stride - info->pad + tap / info->kernel_w;
    const int x = p % info->out_width * info->stride - info->pad + tap % info->kernel_w;
    const bool outside = y < 0 || y >= info->in_height || x < 0 || x >= info->in_width;
    return outside ? NULL : map + ((size_t)y * info->in_width + x) * block;
}

static bool takes_largest(const struct bd_net_layer *layer)
{
    return bd_layer_row(layer->info)->accumulator == BD_LARGEST_VALUE;
}

static void take_largest(const struct bd_net_layer *layer, float *map, int block, int p, float *best, uint8_t *winner)
{
    bool any = false;
    for (int tap = 0; tap < layer->info->kernel_h * layer->info->kernel_w; tap++) {
        const float *value = tap_at(layer, map, block, p, tap);
        for (int c = 0; value && c < block; c++) {
            bool wins = !any || value[c] > best[c];
            best[c] = wins ? value[c] : best[c];
            winner[c] = wins ? tap : winner[c];
        }
        any |= value != NULL;
    }
}

static void take_mean(const struct bd_net_layer *layer, float *map, int block, int p, float *mean)
{
    const int taps = layer->info->kernel_h * layer->info->kernel_w;
    memset(mean, 0, block * sizeof *mean);
    for (int tap = 0; tap < taps; tap++) {
        const float *value = tap_at(layer, map, block, p, tap);
        for (int c = 0; value && c < block; c++) {
            mean[c] += value[c] / taps;
        }
    }
}

void bd_net_window_pool_image(struct bd_net *net, struct bd_net_layer *layer, int image)
{
    const struct bd_net_layer *source = &net->layers[layer->stream_source];
    const int block = net->block;
    for (int b = 0; b < bd_blocks(net, layer); b++) {
        float *from = source->stream + bd_image_at(source, image) + b * bd_slab_size(net, source);
        size_t at = bd_image_at(layer, image) + b * bd_slab_size(net, layer);
        for (int p = 0; p < layer->out_pixels; p++, at += block) {
            float *to = (float *)layer->accumulation + at;
            if (takes_largest(layer)) {
                take_largest(layer, from, block, p, to, layer->winner + at);
            } else {
                take_mean(layer, from, block, p, to);
            }
        }
    }
}

static float number_at(const void *numbers, size_t at, enum bd_number type)
{
    if (type == BD_FLOAT) {
        return ((const float *)numbers)[at];
    }
    uint32_t bits = (uint32_t)((const uint16_t *)numbers)[at] << 16; /* bfloat16 */
    float number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

void bd_net_window_pool_back(const struct bd_net *net, const struct bd_net_layer *layer, const void *g, int image,
                             float *room, void *d_stream)
{
    const struct bd_net_layer *source = &net->layers[layer->stream_source];
    const int block = net->block, taps = layer->info->kernel_h * layer->info->kernel_w;
    const enum bd_number type = bd_operand_type(net);
    const size_t count = bd_image_at(source, 1);
    memset(room, 0, count * sizeof *room);
    for (int b = 0; b < bd_blocks(net, layer); b++) {
        float *map = room + b * bd_slab_size(net, source);
        size_t at = bd_image_at(layer, image) + b * bd_slab_size(net, layer);
        for (int p = 0; p < layer->out_pixels; p++, at += block) {
            for (int c = 0; takes_largest(layer) && c < block; c++) {
                tap_at(layer, map, block, p, layer->winner[at + c])[c] += number_at(g, at + c, type);
            }
            for (int tap = 0; !takes_largest(layer) && tap < taps; tap++) {
                float *to = tap_at(layer, map, block, p, tap);
                for (int c = 0; to && c < block; c++) {
                    to[c] += number_at(g, at + c, type) / taps;
                }
            }
        }
    }
    bd_kernel_narrow(room, count, type, (char *)d_stream + bd_image_at(source, image) * bd_number_size(type));
}
