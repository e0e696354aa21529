/* Pooling of windows in the trainer, with the winners held: a linear map P of the stream, and what goes back must be
 * its transpose, <P x, g> = <x, P' g>. Winners are found here, from the stream's values. */
#include <math.h>

#include "model/train/network/network_parts.h"
#include "tests/support/train_fixture.h"

enum { IMAGES = 8 };

static double number_at(const void *numbers, size_t at, bool half)
{
    const uint32_t bits = half ? (uint32_t)((const uint16_t *)numbers)[at] << 16 : 0;
    float number;
    memcpy(&number, half ? (const void *)&bits : (const void *)((const float *)numbers + at), sizeof number);
    return number;
}

/* Where the largest value of the window of result `p`, channel c, stands in an image's stream; the first of equals. */
static size_t winner_of(const struct bd_net *net, const struct bd_net_layer *layer, const float *stream, int p, int c)
{
    const struct bd_layer *info = layer->info;
    const struct bd_net_layer *source = &net->layers[layer->stream_source];
    const int top = p / info->out_width * info->stride - info->pad,
              left = p % info->out_width * info->stride - info->pad;
    size_t best = SIZE_MAX;
    for (int y = top; y < top + info->kernel_h; y++) {
        for (int x = left; x < left + info->kernel_w; x++) {
            if (y >= 0 && y < info->in_height && x >= 0 && x < info->in_width) {
                const size_t at = c / net->block * bd_slab_size(net, source) +
                                  ((size_t)y * info->in_width + x) * net->block + c % net->block;
                best = best == SIZE_MAX || stream[at] > stream[best] ? at : best;
            }
        }
    }
    return best;
}

static void check_layer(struct bd_net *net, struct bd_net_layer *layer, bool half)
{
    const struct bd_net_layer *source = &net->layers[layer->stream_source];
    const size_t in = bd_image_at(source, 1), out = bd_image_at(layer, 1), number = half ? 2 : 4;
    float *x = bd_xaligned(in * sizeof *x), *room = bd_xaligned(in * sizeof *room);
    double *expected = bd_xcalloc(in, sizeof *expected);
    char *g = bd_xaligned(IMAGES * out * number), *back = bd_xaligned(IMAGES * in * number);
    struct bd_rng rng;
    bd_rng_seed(&rng, 19);
    for (size_t i = 0; i < IMAGES * out; i++) { /* whole numbers, exact in either kind */
        const float value = (float)((int)bd_rng_below(&rng, 15) - 7);
        uint32_t bits;
        memcpy(&bits, &value, sizeof bits);
        const uint16_t upper = (uint16_t)(bits >> 16);
        memcpy(g + i * number, half ? (const void *)&upper : (const void *)&value, number);
    }
    for (int image = 0; image < IMAGES; image++) {
        const float *stream = source->stream + bd_image_at(source, image);
        double there = 0, here = 0;
        memset(expected, 0, in * sizeof *expected);
        for (size_t i = 0; i < in; i++) {
            x[i] = (float)bd_rng_normal(&rng);
        }
        for (int p = 0; p < layer->out_pixels; p++) {
            for (int c = 0; c < layer->out_padded; c++) {
                const size_t to = c / net->block * bd_slab_size(net, layer) + (size_t)p * net->block + c % net->block,
                             from = winner_of(net, layer, stream, p, c);
                const double gradient = number_at(g, bd_image_at(layer, image) + to, half);
                cr_assert_eq(((const float *)layer->accumulation)[bd_image_at(layer, image) + to], stream[from]);
                there += x[from] * gradient;
                expected[from] += gradient;
            }
        }
        bd_net_window_pool_back(net, layer, g, image, room, back);
        for (size_t i = 0; i < in; i++) {
            const double found = number_at(back, bd_image_at(source, image) + i, half);
            cr_assert_eq(found, expected[i], "%s, image %d, place %zu: %g, expected %g", layer->info->name, image, i,
                         found, expected[i]);
            here += x[i] * found;
        }
        cr_assert_float_eq(here, there, 1e-9 * (1 + fabs(there)));
    }
    free(x);
    free(room);
    free(expected);
    free(g);
    free(back);
}

static void check_network(const char *kind, bool half)
{
    struct bd_checkpoint checkpoint;
    struct bd_dataset data;
    struct bd_train_plan plan;
    struct bd_net *net;
    struct bd_error err;
    float logits[IMAGES * CLASSES];
    int pools = 0;
    tiny_plan(&plan);
    make_checkpoint(&checkpoint, "w4a4", kind, 8, &plan);
    make_images(&data, IMAGES, 5);
    cr_assert_eq(bd_net_create(&net, &checkpoint, IMAGES, 1, half, true, &err), BD_OK, "%s", err.message);
    bd_net_update_weights(net);
    cr_assert_eq(bd_net_begin(net, data.images, &err), BD_OK, "%s", err.message);
    cr_assert_eq(bd_net_forward(net, 0, 0, logits, &err), BD_OK, "%s", err.message);
    for (int l = 0; l < checkpoint.graph.layer_count; l++) {
        if (net->layers[l].winner) {
            check_layer(net, &net->layers[l], half);
            pools++;
        }
    }
    cr_assert_eq(pools, 2);
    bd_net_destroy(net);
    bd_checkpoint_release(&checkpoint);
    bd_dataset_release(&data);
}

Test(window_pool, gradients_go_to_the_winners)
{
    for (int half = 0; half <= bd_conv_half_is_fast(); half++) {
        check_network("{kind: plain}", half);
        check_network("{kind: basic}", half);
    }
}
