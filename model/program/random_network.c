#include "model/program/random_network.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/core/rng.h"
#include "model/program/pack.h"
#include "model/program/random_requant.h"

enum { FEW_CHANNELS = 8 };
enum { MAX_LAYERS = 16, MAX_TENSORS = 16, MAX_CHANNELS = 70, MAX_CLASSES = 20, MAX_SIDE = 9 };

struct tensor {
    int height, width, channels;
    int bits[BD_PROGRAM_MAX_SWITCHES];
    bool is_signed[BD_PROGRAM_MAX_SWITCHES];
};

struct generator {
    struct bd_rng rng, planes;
    const struct bd_hardware *hardware;
    uint32_t index;
    int switch_count;
    bool reference; /* layers that only the reference runs, too */
    bool saturate;  /* scales so large that z meets the limits of 32 bits; such networks do not pool */
    bool narrow[BD_PROGRAM_MAX_SWITCHES];
    int most_channels, most_side;
    struct tensor tensors[MAX_TENSORS];
    int tensor_count;
    struct {
        int height, width, channels;
    } stream;
    struct bd_plain_layer layers[MAX_LAYERS];
    char names[MAX_LAYERS][16];
    int layer_count;
};

static int below(struct generator *g, int bound)
{
    return (int)bd_rng_below(&g->rng, (uint32_t)bound);
}

static bool one_in(struct generator *g, int n)
{
    return below(g, n) == 0;
}

static int channels(struct generator *g)
{
    static const int edges[] = {1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 70};
    const int count = one_in(g, 2) ? edges[below(g, sizeof edges / sizeof *edges)] : 1 + below(g, MAX_CHANNELS);
    return count < g->most_channels ? count : g->most_channels;
}

static int add_tensor(struct generator *g, int height, int width, int channel_count)
{
    struct tensor *t = &g->tensors[g->tensor_count];
    *t = (struct tensor){.height = height, .width = width, .channels = channel_count};
    for (int s = 0; s < g->switch_count; s++) {
        t->bits[s] = s == 0 ? 1 + (int)(g->index / 8 % 8) : 1 + below(g, 8);
        t->is_signed[s] = t->bits[s] == 1 && one_in(g, 2);
    }
    return g->tensor_count++;
}

static int ceil_div(int a, int b)
{
    return (a + b - 1) / b;
}

static int out_side(int side, int kernel, int stride, int pad)
{
    return (side + 2 * pad - kernel) / stride + 1;
}

/* Weight planes that two slots may hold of a layer's row group, whatever its layout. */
static int plane_limit(const struct generator *g, int kernel, int in_channels)
{
    if (g->reference)
        return 8;
    const int64_t sub_windows = (int64_t)ceil_div(kernel, 3) * ceil_div(kernel, 3);
    const int64_t limit = g->hardware->weight_words / (2 * 4 * sub_windows * (ceil_div(in_channels, 16) * 2));
    return (int)(limit > 8 ? 8 : limit);
}

/* A map of which so many rows fit can be cut in bands. */
enum { BAND_ROWS = 3 };

static bool stream_fits(const struct generator *g, int height, int width, int channel_count)
{
    if (g->reference)
        return true;
    int64_t groups = ceil_div(channel_count, (int)g->hardware->rows), rows = height < BAND_ROWS ? height : BAND_ROWS;
    return 2 * rows * width * groups * (g->hardware->rows / g->hardware->requant_units) + 2 <= g->hardware->z_words;
}

static void requant(struct generator *g, struct bd_plain_layer *layer, int s, double acc_spread, double acc_most)
{
    bd_random_requant(&g->rng, layer, s,
                      &(struct bd_random_scale){.acc_spread = acc_spread,
                                                .acc_most = acc_most,
                                                .mult_bits = (int)g->hardware->mult_bits,
                                                .saturate = g->saturate,
                                                .narrow = g->narrow[s]});
}

struct shape {
    int kernel, stride, pad, out_channels, groups; /* groups 0: 1 */
    bool writes, adds, has_codes, is_last;
};

static int weight_bits_at(struct generator *g, int s, int limit)
{
    int bits = s == 0 ? 1 + (int)(g->index % 8) : 1 + below(g, 8);
    return bits > limit ? limit : bits;
}

/* Of several switches some have planes of their own, as codes that do not nest need them: others than any of the
 * layer's, or the same as an earlier switch's. Dealt out by a generator apart, so that the rest stays as it was. */
static void own_planes(struct generator *g, struct bd_plain_layer *layer, int s, size_t count)
{
    struct bd_plain_layer_switch *at = &layer->at[s];
    if (g->switch_count == 1 || bd_rng_below(&g->planes, 3) > 0)
        return;
    at->own_planes = true;
    at->same_as = s;
    uint8_t *codes = bd_xmalloc(count);
    for (size_t i = 0; i < count; i++)
        codes[i] = (uint8_t)(bd_rng_u64(&g->planes) & (0xffu << (8 - at->weight_bits)));
    for (int before = 0; before < s; before++)
        if (layer->at[before].own_planes && layer->at[before].weight_bits == at->weight_bits &&
            bd_rng_below(&g->planes, 2))
            at->same_as = layer->at[before].same_as;
    if (at->same_as == s)
        at->codes = codes;
    else
        free(codes);
}

/* Appends a convolution that reads tensor `in`; returns the tensor it writes, or -1. */
static int add_conv(struct generator *g, int in, struct shape shape)
{
    int l = g->layer_count++;
    struct bd_plain_layer *layer = &g->layers[l];
    const struct tensor from = g->tensors[in];
    snprintf(g->names[l], sizeof g->names[l], "%s%d", shape.is_last ? "fc" : "conv", l);
    *layer = (struct bd_plain_layer){
        .name = g->names[l],
        .operation = BD_OP_CONV,
        .in_tensor = in,
        .out_tensor = -1,
        .writes_stream = shape.writes,
        .adds_stream = shape.adds,
        .in_height = from.height,
        .in_width = from.width,
        .in_channels = from.channels,
        .out_height = out_side(from.height, shape.kernel, shape.stride, shape.pad),
        .out_width = out_side(from.width, shape.kernel, shape.stride, shape.pad),
        .out_channels = shape.out_channels,
        .kernel_h = shape.kernel,
        .kernel_w = shape.kernel,
        .stride = shape.stride,
        .pad = shape.pad,
        .groups = shape.groups ? shape.groups : 1,
        .weight_planes = 8,
    };
    if (shape.has_codes)
        layer->out_tensor = add_tensor(g, layer->out_height, layer->out_width, layer->out_channels);
    if (shape.writes) {
        g->stream.height = layer->out_height;
        g->stream.width = layer->out_width;
        g->stream.channels = layer->out_channels;
    }
    int limit = plane_limit(g, shape.kernel, from.channels);
    limit = limit < 1 ? 1 : limit; /* too much for this hardware: the packer says so */
    bool fixed = one_in(g, 5);
    if (fixed)
        layer->weight_planes = 1 + below(g, limit);
    int window = shape.kernel * shape.kernel * from.channels / layer->groups;
    size_t count = (size_t)shape.out_channels * (size_t)window;
    uint8_t *codes = bd_xmalloc(count);
    for (size_t i = 0; i < count; i++)
        codes[i] = (uint8_t)(bd_rng_u64(&g->rng) & (0xffu << (8 - layer->weight_planes)));
    layer->codes = codes;
    for (int s = 0; s < g->switch_count; s++) {
        struct bd_plain_layer_switch *at = &layer->at[s];
        at->weight_bits = fixed ? layer->weight_planes : weight_bits_at(g, s, limit);
        at->in_bits = from.bits[s];
        at->in_signed = from.is_signed[s];
        if (layer->out_tensor >= 0) {
            at->out_bits = g->tensors[layer->out_tensor].bits[s];
            at->out_signed = g->tensors[layer->out_tensor].is_signed[s];
        }
        own_planes(g, layer, s, count);
        at->datapath = -1;
        if (g->hardware->xnor && g->hardware->mac && !one_in(g, 4) && layer->groups == 1)
            at->datapath = one_in(g, 2) ? BD_DATAPATH_XNOR : BD_DATAPATH_MAC;
        at->weight_zero_point = at->weight_bits > 1 && bd_rng_below(&g->planes, 6) == 0;
        requant(g, layer, s, sqrt(window) * ldexp(0.6, at->weight_bits) * ldexp(0.6, at->in_bits),
                ldexp(window, at->weight_bits + at->in_bits));
    }
    return layer->out_tensor;
}

static int add_pool(struct generator *g)
{
    int l = g->layer_count++;
    struct bd_plain_layer *layer = &g->layers[l];
    snprintf(g->names[l], sizeof g->names[l], "pool%d", l);
    *layer = (struct bd_plain_layer){
        .name = g->names[l],
        .operation = BD_OP_POOL,
        .in_tensor = -1,
        .in_height = g->stream.height,
        .in_width = g->stream.width,
        .in_channels = g->stream.channels,
        .out_height = 1,
        .out_width = 1,
        .out_channels = g->stream.channels,
        .kernel_h = g->stream.height,
        .kernel_w = g->stream.width,
        .stride = 1,
        .groups = 1,
    };
    layer->out_tensor = add_tensor(g, 1, 1, g->stream.channels);
    for (int s = 0; s < g->switch_count; s++) {
        layer->at[s].out_bits = g->tensors[layer->out_tensor].bits[s];
        layer->at[s].out_signed = g->tensors[layer->out_tensor].is_signed[s];
        requant(g, layer, s, ldexp(sqrt(g->stream.height * g->stream.width), 10), 0);
    }
    return layer->out_tensor;
}

/* Pooling of the stream's windows as it stands, with random M and B behind it as behind every layer. */
static int add_window_pool(struct generator *g)
{
    int l = g->layer_count++;
    struct bd_plain_layer *layer = &g->layers[l];
    snprintf(g->names[l], sizeof g->names[l], "max%d", l);
    enum bd_pool_kind kind;
    do {
        kind = (enum bd_pool_kind)below(g, BD_POOL_KIND_COUNT);
    } while (!bd_pool_kinds[kind].windows || (g->saturate && !bd_pool_kinds[kind].largest));
    int side = g->stream.height < g->stream.width ? g->stream.height : g->stream.width;
    int kernel = 2 + below(g, 3), pad = kernel > side ? kernel / 2 : below(g, kernel / 2 + 1);
    if (kernel > side + 2 * pad)
        kernel = side + 2 * pad;
    *layer = (struct bd_plain_layer){
        .name = g->names[l],
        .operation = BD_OP_POOL,
        .pool_kind = kind,
        .in_tensor = -1,
        .writes_stream = true,
        .in_height = g->stream.height,
        .in_width = g->stream.width,
        .in_channels = g->stream.channels,
        .out_channels = g->stream.channels,
        .kernel_h = kernel,
        .kernel_w = kernel,
        .stride = 1 + below(g, 3),
        .pad = pad,
        .groups = 1,
    };
    layer->out_height = g->stream.height = out_side(layer->in_height, kernel, layer->stride, pad);
    layer->out_width = g->stream.width = out_side(layer->in_width, kernel, layer->stride, pad);
    layer->out_tensor = add_tensor(g, layer->out_height, layer->out_width, layer->out_channels);
    for (int s = 0; s < g->switch_count; s++) {
        layer->at[s].out_bits = g->tensors[layer->out_tensor].bits[s];
        layer->at[s].out_signed = g->tensors[layer->out_tensor].is_signed[s];
        requant(g, layer, s, 1024, kind == BD_POOL_MAX ? 32768 : 32768.0 * kernel * kernel);
    }
    return layer->out_tensor;
}

/* What a device runs beside the usual. */
static void device_shape(struct generator *g, int in, struct shape *shape)
{
    static const int kernels[] = {2, 4, 5, 5, 6, 7, 8, 9};
    const struct tensor *t = &g->tensors[in];
    const int side = t->height < t->width ? t->height : t->width;
    if (one_in(g, 3)) {
        shape->kernel = kernels[below(g, sizeof kernels / sizeof *kernels)];
        shape->stride = 1 + below(g, 4);
        if (plane_limit(g, shape->kernel, t->channels) < 1)
            shape->kernel = 1;
        shape->pad = shape->kernel > side ? shape->kernel / 2 : below(g, shape->kernel / 2 + 1);
    }
    if (g->hardware->mac && one_in(g, 4)) {
        shape->groups = t->channels;
        shape->out_channels = t->channels;
    }
}

static void reference_shape(struct generator *g, int in, struct shape *shape)
{
    const struct tensor *t = &g->tensors[in];
    int side = t->height < t->width ? t->height : t->width;
    shape->kernel = 1 + 2 * below(g, 4);
    shape->pad = shape->kernel > side ? shape->kernel / 2 : below(g, shape->kernel / 2 + 1);
    shape->stride = 1 + below(g, 4);
    shape->groups = 1;
    if (one_in(g, 2)) { /* depthwise, or a divisor of the channels */
        shape->groups = one_in(g, 2) ? t->channels : 1 + below(g, t->channels);
        while (t->channels % shape->groups)
            shape->groups--;
        bool depthwise = shape->groups == t->channels && !one_in(g, 4);
        shape->out_channels = shape->groups * (depthwise ? 1 : 1 + below(g, 3));
    }
}

/* A random kernel, stride and padding that leave at least one output pixel and whose weights fit. */
static struct shape random_shape(struct generator *g, int in)
{
    const struct tensor *t = &g->tensors[in];
    struct shape shape = {.kernel = one_in(g, 3) ? 1 : 3, .stride = 1 + one_in(g, 3), .has_codes = true};
    if (plane_limit(g, 3, t->channels) < 1)
        shape.kernel = 1;
    if (shape.kernel == 3)
        shape.pad = t->height < 3 || t->width < 3 ? 1 : !one_in(g, 4);
    shape.out_channels = channels(g);
    if (g->reference)
        reference_shape(g, in, &shape);
    else
        device_shape(g, in, &shape);
    return shape;
}

/* A residual block over tensor `in` whose stream is live: identity, or with a projection that replaces the stream. */
static int add_block(struct generator *g, int in)
{
    struct shape first = random_shape(g, in);
    const struct tensor t = g->tensors[in];
    first.groups = 0;
    bool projects = first.kernel % 2 == 0 || first.pad != first.kernel / 2 || one_in(g, 2);
    int channel_count = projects ? channels(g) : g->stream.channels;
    if (!projects)
        first.stride = 1;
    int height = out_side(t.height, first.kernel, first.stride, first.pad);
    int width = out_side(t.width, first.kernel, first.stride, first.pad);
    if (!stream_fits(g, height, width, channel_count))
        return add_conv(g, in, first);
    if (projects) {
        struct shape projection = first; /* the same map; a 1x1 where that gives it */
        if (first.kernel % 2 == 1 && first.pad == first.kernel / 2) {
            projection.kernel = 1;
            projection.pad = 0;
        }
        projection.out_channels = channel_count;
        projection.writes = true;
        projection.has_codes = false;
        add_conv(g, in, projection);
    }
    int inner = add_conv(g, in, first);
    bool wide = plane_limit(g, 3, first.out_channels) >= 1 && !one_in(g, 4);
    struct shape second = {.kernel = wide ? 3 : 1,
                           .stride = 1,
                           .pad = wide,
                           .out_channels = channel_count,
                           .writes = true,
                           .adds = true,
                           .has_codes = true};
    return add_conv(g, inner, second);
}

static void build(struct generator *g)
{
    int height = 1 + below(g, g->most_side), width = 1 + below(g, g->most_side);
    int input = add_tensor(g, height, width, one_in(g, 2) ? 1 + below(g, 4) : channels(g));
    int image_bits = 1 + below(g, 8);
    if (!g->reference)
        image_bits = 8;
    for (int s = 0; s < g->switch_count; s++) { /* one image serves all switches */
        g->tensors[input].bits[s] = image_bits;
        g->tensors[input].is_signed[s] = false;
    }
    struct shape stem = random_shape(g, input);
    const struct tensor *t = &g->tensors[input];
    stem.writes = stream_fits(g, out_side(t->height, stem.kernel, stem.stride, stem.pad),
                              out_side(t->width, stem.kernel, stem.stride, stem.pad), stem.out_channels);
    bool live = stem.writes; /* the stream has the shape of the tensor at hand */
    int at = add_conv(g, input, stem);
    for (int n = below(g, g->reference ? 6 : 3); n > 0; n--) {
        if (live && one_in(g, g->reference ? 2 : 5)) {
            at = add_window_pool(g);
        } else if (live && !one_in(g, 3) && !g->reference) {
            at = add_block(g, at);
            live = g->layers[g->layer_count - 1].writes_stream;
        } else {
            struct shape shape = random_shape(g, at);
            shape.writes = g->reference && one_in(g, 2);
            at = add_conv(g, at, shape);
            live = shape.writes;
        }
    }
    const struct tensor *last = &g->tensors[at];
    bool single = last->height == 1 && last->width == 1;
    struct shape classifier = {.kernel = 1, .stride = 1, .out_channels = 1 + below(g, MAX_CLASSES), .is_last = true};
    if (!single || (live && one_in(g, 2))) {
        if (live && !g->saturate) {
            at = add_pool(g);
        } else { /* down to one pixel without pooling: strided windows */
            while (g->tensors[at].height > 1 || g->tensors[at].width > 1) {
                struct shape shape = random_shape(g, at);
                shape.stride = 2;
                if (!g->reference && shape.kernel > 1) /* even kernels with padding might never end */
                    shape.kernel = 3, shape.pad = 1;
                at = add_conv(g, at, shape);
            }
        }
    }
    add_conv(g, at, classifier);
}

static void release(struct generator *g)
{
    for (int l = 0; l < g->layer_count; l++) {
        free((void *)g->layers[l].codes);
        for (int s = 0; s < g->switch_count; s++) {
            free((void *)g->layers[l].at[s].codes);
            free((void *)g->layers[l].at[s].requant.multiplier);
            free((void *)g->layers[l].at[s].requant.bias);
        }
    }
}

/* One try, with at most so many channels and pixels a side. */
static bd_status try_network(uint64_t seed, uint32_t index, const struct bd_hardware *hardware,
                             const struct bd_hardware *other, bool reference, int most_channels, int most_side,
                             struct bd_program *program, struct bd_error *err)
{
    struct generator *g = bd_xcalloc(1, sizeof *g);
    g->reference = reference;
    bd_rng_seed(&g->rng, seed * 0x9e3779b97f4a7c15u + index);
    bd_rng_seed(&g->planes, ~(seed * 0x9e3779b97f4a7c15u + index));
    g->hardware = hardware;
    g->most_channels = most_channels;
    g->most_side = most_side;
    g->index = index;
    g->switch_count = 1 + below(g, 3);
    g->saturate = one_in(g, 8);
    for (int s = 0; s < g->switch_count; s++)
        g->narrow[s] = !g->saturate && one_in(g, 2);
    build(g);
    char name[BD_PROGRAM_NAME];
    snprintf(name, sizeof name, "random-%llu-%u", (unsigned long long)seed, index);
    struct bd_plain_network network = {
        .name = name,
        .switch_count = g->switch_count,
        .layer_count = g->layer_count,
        .classes = g->layers[g->layer_count - 1].out_channels,
        .layers = g->layers,
    };
    for (int s = 0; s < g->switch_count; s++) {
        snprintf(network.switches[s].name, sizeof network.switches[s].name, "s%d", s);
        network.switches[s].z_frac = 8;
        network.narrow_stream[s] = g->narrow[s];
        network.switches[s].weight_bits = s == 0 ? index % 8 + 1 : 8;
        network.switches[s].activation_bits = s == 0 ? index / 8 % 8 + 1 : 8;
    }
    bd_status status = bd_pack(&network, hardware, reference, program, err);
    if (status == BD_OK && other) {
        bd_program_release(program);
        status = bd_pack(&network, other, reference, program, err);
    }
    release(g);
    free(g);
    return status;
}

/* Where the buffers are small, the network that does not fit them, in bands either, is drawn again, half as wide; one
 * of few channels half as large, too. */
static bd_status random_network(uint64_t seed, uint32_t index, const struct bd_hardware *hardware,
                                const struct bd_hardware *other, bool reference, struct bd_program *program,
                                struct bd_error *err)
{
    int channel_limit = MAX_CHANNELS, side = MAX_SIDE;
    while (try_network(seed, index, hardware, other, reference, channel_limit, side, program, err)) {
        if (channel_limit == 1 && side == 1)
            return bd_fail_prefix(err, "random network %u of seed %llu", index, (unsigned long long)seed);
        side = channel_limit > FEW_CHANNELS ? side : side > 1 ? side / 2 : 1;
        channel_limit = channel_limit > 1 ? channel_limit / 2 : 1;
    }
    return BD_OK;
}

bd_status bd_random_network(uint64_t seed, uint32_t index, const struct bd_hardware *hardware,
                            struct bd_program *program, struct bd_error *err)
{
    return random_network(seed, index, hardware, NULL, false, program, err);
}

bd_status bd_random_network_elsewhere(uint64_t seed, uint32_t index, const struct bd_hardware *hardware,
                                      const struct bd_hardware *other, struct bd_program *program, struct bd_error *err)
{
    return random_network(seed, index, hardware, other, false, program, err);
}

bd_status bd_random_reference_network(uint64_t seed, uint32_t index, const struct bd_hardware *hardware,
                                      struct bd_program *program, struct bd_error *err)
{
    return random_network(seed, index, hardware, NULL, true, program, err);
}

void bd_random_image(const struct bd_program *program, uint64_t seed, uint8_t *image)
{
    struct bd_rng rng;
    bd_rng_seed(&rng, seed);
    uint32_t bits = bd_program_descriptor(program, 0, 0)->in_bits;
    for (uint32_t i = 0; i < program->header->input_bytes; i++)
        image[i] = (uint8_t)bd_rng_below(&rng, 1u << bits);
}
