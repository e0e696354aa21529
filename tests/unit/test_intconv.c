/* The sums of training's forward pass are the plain integer computation's, bit for bit. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/core/rng.h"
#include "model/kernels/intconv.h"
#include "model/train/loop/train.h"
#include "model/train/network/network.h"

enum { BATCH = 12, SIDE = 12 };

/* Channel counts that fill no block, strides, 1x1 shortcuts, borders. */
static const char network_format[] = "name: small\n"
                                     "input: {height: 12, width: 12, channels: 2}\n"
                                     "classes: 3\n"
                                     "switches: [w8a8, w8a1, w6a7, w4a4, w2a2, w1a8, w1a2, w1a1]\n"
                                     "stem: {channels: 5}\n"
                                     "stages:\n"
                                     "  - {channels: 5, blocks: [%s]}\n"
                                     "  - {channels: 37, stride: 2, blocks: [%s, %s]}\n"
                                     "  - {channels: 64, stride: 2, blocks: [%s]}\n"
                                     "head: {pool_bits: 8}\n";

/* Depthwise convolutions, or plain ones, and max pooling of values that are or are not a residual stream's. */
static const char pooled_format[] =
    "name: small\n"
    "input: {height: 12, width: 12, channels: 2}\n"
    "classes: 3\n"
    "switches: [w8a8, w8a1, w6a7, w4a4, w2a2, w1a8, w1a2, w1a1]\n"
    "stem: {channels: 21, max_pool: {kernel: 3, stride: 2, pad: 1}}\n"
    "stages:\n"
    "  - {channels: 21, blocks: [%s]}\n"
    "  - {channels: 37, stride: 2, max_pool: {kernel: 2, stride: 1}, blocks: [%s, %s]}\n"
    "  - {channels: 40, blocks: [%s]}\n"
    "head: {pool_bits: 8}\n";

/* Shortcuts that average 2x2 codes first, from every width of codes and behind signs. */
static const char average_format[] = "name: small\n"
                                     "input: {height: 12, width: 12, channels: 2}\n"
                                     "classes: 3\n"
                                     "switches: [w8a8, w8a1, w6a7, w4a4, w2a2, w1a8, w1a2, w1a1]\n"
                                     "stem: {channels: 21}\n"
                                     "stages:\n"
                                     "  - {channels: 37, blocks: [%s]}\n"
                                     "  - {channels: 37, stride: 2, blocks: [%s, {kind: basic}]}\n"
                                     "  - {channels: 20, stride: 2, blocks: [{kind: bireal, shortcut: average}]}\n"
                                     "head: {pool_bits: 8}\n";

struct probe {
    struct bd_checkpoint checkpoint;
    struct bd_net *net;
    uint8_t images[BATCH * SIDE * SIDE * 2];
    float logits[BATCH * 3];
};

static void open_probe(struct probe *probe, const char *format, const char *first, const char *rest)
{
    struct bd_error err;
    struct bd_train_plan plan;
    struct bd_rng rng;
    char *text = bd_asprintf(format, first, rest, rest, rest);
    bd_train_plan_init(&plan);
    bd_rng_seed(&rng, 21);
    bd_checkpoint_init(&probe->checkpoint);
    cr_assert_eq(bd_graph_parse(&probe->checkpoint.graph, "small", text, strlen(text), &err), BD_OK, "%s", err.message);
    free(text);
    bd_train_initialise(&probe->checkpoint, &plan);
    for (size_t i = 0; i < sizeof probe->images; i++) {
        probe->images[i] = bd_rng_below(&rng, 256);
    }
    uint32_t all = (1u << probe->checkpoint.graph.switch_count) - 1;
    cr_assert_eq(bd_net_create(&probe->net, &probe->checkpoint, BATCH, all, false, true, &err), BD_OK, "%s",
                 err.message);
    cr_assert_eq(bd_net_begin(probe->net, probe->images, &err), BD_OK, "%s", err.message);
}

static void close_probe(struct probe *probe)
{
    bd_net_destroy(probe->net);
    bd_checkpoint_release(&probe->checkpoint);
}

static void forward(struct probe *probe, int s)
{
    struct bd_error err;
    cr_assert_eq(bd_net_forward(probe->net, s, 0.1, probe->logits, &err), BD_OK, "%s", err.message);
}

static int64_t plain_sum(const struct bd_layer *layer, const int16_t *codes, const int16_t *weights, int o, int oy,
                         int ox)
{
    int64_t sum = 0;
    int depth = layer->in_channels / layer->groups, first = o / (layer->out_channels / layer->groups) * depth;
    const int height = layer->averages ? 2 : layer->kernel_h, width = layer->averages ? 2 : layer->kernel_w;
    for (int c = 0; c < depth; c++) {
        for (int ky = 0; ky < height; ky++) {
            for (int kx = 0; kx < width; kx++) {
                int y = oy * layer->stride + ky - layer->pad, x = ox * layer->stride + kx - layer->pad;
                if (y >= 0 && y < layer->in_height && x >= 0 && x < layer->in_width) {
                    sum += (int64_t)codes[((first + c) * layer->in_height + y) * layer->in_width + x] *
                           weights[layer->averages ? o * depth + c : ((o * depth + c) * height + ky) * width + kx];
                }
            }
        }
    }
    return sum;
}

/* Every sum of the layer, of every image; returns how many there are. */
static size_t check_layer(const struct probe *probe, int index, int s)
{
    const struct bd_graph *graph = &probe->checkpoint.graph;
    const struct bd_layer *layer = &graph->layers[index];
    const struct bd_quantizer *in = &graph->quantizers[layer->in_quantizer];
    size_t map = (size_t)in->channels * in->height * in->width, pixels = layer->out_height * layer->out_width;
    int16_t *codes = bd_xcalloc(BATCH * map, sizeof *codes);
    double *sums = bd_xcalloc(BATCH * layer->out_channels * pixels, sizeof *sums);
    bool integer = bd_net_accumulation(probe->net, index, sums);
    bd_net_codes(probe->net, layer->in_quantizer, s, codes);
    cr_assert_eq(integer, bd_intconv_usable() && layer->in_quantizer != BD_QUANTIZER_INPUT);
    for (size_t i = 0; i < BATCH * layer->out_channels * pixels; i++) {
        int n = i / pixels / layer->out_channels, o = i / pixels % layer->out_channels, p = i % pixels;
        int64_t expected = plain_sum(layer, codes + n * map, bd_net_weight_integers(probe->net, index, s), o,
                                     p / layer->out_width, p % layer->out_width);
        cr_assert_eq(sums[i], expected, "%s at %s, image %d channel %d pixel %d: %g, expected %lld", layer->name,
                     graph->switches[s].name, n, o, p, sums[i], (long long)expected);
    }
    free(codes);
    free(sums);
    return BATCH * layer->out_channels * pixels;
}

static void check_network(const char *format, const char *first, const char *rest)
{
    struct probe probe;
    size_t checked = 0;
    open_probe(&probe, format, first, rest);
    const struct bd_graph *graph = &probe.checkpoint.graph;
    for (int s = 0; s < graph->switch_count; s++) {
        forward(&probe, s);
        for (int i = 0; i < graph->layer_count; i++) {
            if (graph->layers[i].kind == BD_LAYER_CONV) {
                checked += check_layer(&probe, i, s);
            }
        }
    }
    cr_assert_gt(checked, 20000);
    close_probe(&probe);
}

Test(intconv, basic)
{
    check_network(network_format, "{kind: basic, inner: 23}", "{kind: basic, inner: 6}");
}

Test(intconv, bireal)
{
    check_network(network_format, "{kind: bireal}", "{kind: bireal}");
}

Test(intconv, separable)
{
    check_network(pooled_format, "{kind: separable}", "{kind: separable}");
}

Test(intconv, plain_and_pooled)
{
    check_network(pooled_format, "{kind: plain}", "{kind: plain}");
}

Test(intconv, basic_and_pooled)
{
    check_network(pooled_format, "{kind: basic}", "{kind: basic}");
}

Test(intconv, averaging_shortcuts)
{
    check_network(average_format, "{kind: basic, inner: 6}", "{kind: basic, inner: 23, shortcut: average}");
}

/* Without the integer kernel floats give the same bits, in sums and in what comes of them. */
Test(intconv, floats_agree)
{
    struct probe integers, floats;
    open_probe(&integers, network_format, "{kind: basic, inner: 23}", "{kind: basic}");
    bd_intconv_allow(false);
    open_probe(&floats, network_format, "{kind: basic, inner: 23}", "{kind: basic}");
    check_layer(&floats, 0, 0);
    bd_intconv_allow(true);
    for (int s = 0; s < integers.checkpoint.graph.switch_count; s++) {
        forward(&integers, s);
        forward(&floats, s);
        cr_assert_arr_eq(integers.logits, floats.logits, sizeof integers.logits, "switch %d", s);
    }
    close_probe(&integers);
    close_probe(&floats);
}

/* ---- the test at start finds faults ---- */

static size_t count_sums(const struct bd_intconv_shape *s)
{
    return (size_t)(s->out_channels + 15) / 16 * 16 * s->out_height * s->out_width;
}

static void one_off(const struct bd_intconv_shape *s, const struct bd_intconv_weights *w,
                    const struct bd_intconv_source *source, enum bd_number type, void *sums, void *room)
{
    bd_intconv_forward(s, w, source, type, sums, room);
    if (type == BD_INT32 && s->stride == 2) {
        ((int32_t *)sums)[5] ^= 1;
    }
}

static void no_bias(const struct bd_intconv_shape *s, const struct bd_intconv_weights *w,
                    const struct bd_intconv_source *source, enum bd_number type, void *sums, void *room)
{
    const struct bd_intconv_source without = {.first = source->first, .bias = 0, .highest = source->highest};
    bd_intconv_forward(s, w, &without, type, sums, room);
}

/* As kernels without exact dot products do. */
static void saturating(const struct bd_intconv_shape *s, const struct bd_intconv_weights *w,
                       const struct bd_intconv_source *source, enum bd_number type, void *sums, void *room)
{
    bd_intconv_forward(s, w, source, type, sums, room);
    for (size_t i = 0; type == BD_INT32 && i < count_sums(s); i++) {
        int32_t *sum = (int32_t *)sums + i;
        *sum = *sum > 2000000 ? 2000000 : *sum;
    }
}

static void narrow_only(const struct bd_intconv_shape *s, const struct bd_intconv_weights *w,
                        const struct bd_intconv_source *source, enum bd_number type, void *sums, void *room)
{
    bd_intconv_forward(s, w, source, type, sums, room);
    for (size_t i = 0; type == BD_INT16 && i < count_sums(s); i++) {
        ((int16_t *)sums)[i] &= ~0x4000;
    }
}

/* Sums of +-1 codes that take padding for -1. */
static void no_edges(const struct bd_intconv_shape *s, const struct bd_intconv_weights *w,
                     const struct bd_intconv_source *source, enum bd_number type, void *sums, void *room)
{
    struct bd_intconv_shape inside = *s;
    if (w->bits.planes && source->bias) {
        inside.in_height += 2 * s->pad; /* as if the padding were pixels */
        inside.in_width += 2 * s->pad;
        inside.pad = 0;
    }
    bd_intconv_by_bits(&inside, w, source, type, sums, room);
}

static void two_planes(const struct bd_intconv_shape *s, const struct bd_intconv_weights *w,
                       const struct bd_intconv_source *source, enum bd_number type, void *sums, void *room)
{
    const struct bd_intconv_source less = {.first = source->first,
                                           .bias = source->bias,
                                           .highest = w->bits.planes && source->highest > 3 ? 3 : source->highest};
    bd_intconv_by_bits(s, w, &less, type, sums, room);
}

/* A kernel that is not exact is left alone, quietly: not where the processor has its instructions. */
Test(intconv, kernels_are_exact_here)
{
    const bool bytes = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                       __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni");
    cr_assert_eq(bd_intconv_usable(), bytes);
    cr_assert_eq(bd_intconv_bits_usable(), bytes); /* without VPOPCNTDQ it takes bytes */
}

Test(intconv, faults_of_bits_are_found)
{
    if (!bd_intconv_usable() || !__builtin_cpu_supports("avx512vpopcntdq")) {
        return; /* no such kernel here */
    }
    cr_assert(bd_intconv_exact(bd_intconv_by_bits));
    cr_assert(bd_intconv_exact(bd_intconv_by_bytes));
    cr_assert_not(bd_intconv_exact(no_edges));
    cr_assert_not(bd_intconv_exact(two_planes));
}

/* Sums of +-1 codes that are taken for 0 and 2. */
static void unbiased_loops(const struct bd_intconv_shape *s, const struct bd_intconv_weights *w,
                           const struct bd_intconv_source *source, enum bd_number type, void *sums, void *room)
{
    const struct bd_intconv_source other = {.first = source->first, .highest = source->highest};
    bd_intconv_by_loops(s, w, &other, type, sums, room);
}

/* The ways of processors without AVX-512 run on any. */
Test(intconv, kernels_of_any_processor_are_exact)
{
    cr_assert(bd_intconv_exact(bd_intconv_by_loops));
    cr_assert(!__builtin_cpu_supports("avx2") || bd_intconv_exact(bd_intconv_by_pairs));
    cr_assert_not(bd_intconv_exact(unbiased_loops));
}

Test(intconv, faults_are_found)
{
    if (!bd_intconv_usable()) {
        return; /* no such kernel here */
    }
    cr_assert(bd_intconv_exact(bd_intconv_forward));
    cr_assert_not(bd_intconv_exact(one_off));
    cr_assert_not(bd_intconv_exact(no_bias));
    cr_assert_not(bd_intconv_exact(saturating));
    cr_assert_not(bd_intconv_exact(narrow_only));
    bd_intconv_allow(false);
    cr_assert_not(bd_intconv_usable());
    bd_intconv_allow(true);
}
