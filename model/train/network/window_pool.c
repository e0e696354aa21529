/* Max pooling of the residual stream: real values in, real values out; padding never wins, the first of equals does.
 * Its values stand where a convolution's sums would, with slope 1 and offset 0, so that they are emitted and their
 * gradient gathered as any layer's. */
#include <string.h>

#include "model/train/network/network_parts.h"

void bd_net_window_pool_image(struct bd_net *net, struct bd_net_layer *layer, int image)
{
    const struct bd_layer *info = layer->info;
    const struct bd_net_layer *source = &net->layers[layer->stream_source];
    const int block = net->block;
    for (int b = 0; b < bd_blocks(net, layer); b++) {
        const float *from = source->stream + bd_image_at(source, image) + b * bd_slab_size(net, source);
        size_t at = bd_image_at(layer, image) + b * bd_slab_size(net, layer);
        for (int p = 0; p < layer->out_pixels; p++, at += block) {
            float *best = (float *)layer->accumulation + at;
            int top = p / info->out_width * info->stride - info->pad;
            int left = p % info->out_width * info->stride - info->pad;
            bool any = false;
            for (int tap = 0; tap < info->kernel_h * info->kernel_w; tap++) {
                int y = top + tap / info->kernel_w, x = left + tap % info->kernel_w;
                if (y < 0 || y >= info->in_height || x < 0 || x >= info->in_width) {
                    continue;
                }
                const float *value = from + ((size_t)y * info->in_width + x) * block;
                for (int c = 0; c < block; c++) {
                    bool wins = !any || value[c] > best[c];
                    best[c] = wins ? value[c] : best[c];
                    layer->winner[at + c] = wins ? tap : layer->winner[at + c];
                }
                any = true;
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
    const struct bd_layer *info = layer->info;
    const struct bd_net_layer *source = &net->layers[layer->stream_source];
    const int block = net->block;
    const enum bd_number type = bd_operand_type(net);
    const size_t count = bd_image_at(source, 1);
    memset(room, 0, count * sizeof *room);
    for (int b = 0; b < bd_blocks(net, layer); b++) {
        float *to = room + b * bd_slab_size(net, source);
        size_t at = bd_image_at(layer, image) + b * bd_slab_size(net, layer);
        for (int p = 0; p < layer->out_pixels; p++, at += block) {
            int top = p / info->out_width * info->stride - info->pad;
            int left = p % info->out_width * info->stride - info->pad;
            for (int c = 0; c < block; c++) {
                int tap = layer->winner[at + c];
                int y = top + tap / info->kernel_w, x = left + tap % info->kernel_w;
                to[((size_t)y * info->in_width + x) * block + c] += number_at(g, at + c, type);
            }
        }
    }
    bd_kernel_narrow(room, count, type, (char *)d_stream + bd_image_at(source, image) * bd_number_size(type));
}
