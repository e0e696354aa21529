#include "model/regress/case.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/program/decode.h"
#include "model/program/pack.h"
#include "model/program/random_requant.h"

void bd_case_release(struct bd_case *c)
{
    free(c->hardware);
    free(c->layers);
    free(c->image);
    free(c->bench);
    *c = (struct bd_case){0};
}

void bd_case_copy(struct bd_case *to, const struct bd_case *from)
{
    const size_t pixels = (size_t)from->height * (size_t)from->width * (size_t)from->channels;
    *to = *from;
    to->hardware = from->hardware ? bd_xstrdup(from->hardware) : NULL;
    to->bench = from->bench ? bd_xstrdup(from->bench) : NULL;
    to->layers = bd_xcalloc((size_t)from->layer_count, sizeof *to->layers);
    memcpy(to->layers, from->layers, (size_t)from->layer_count * sizeof *to->layers);
    to->image = bd_xmalloc(pixels);
    memcpy(to->image, from->image, pixels);
}

/* ---- from a program ----------------------------------------------------------------------------------------- */

/* Whether a switch's weights are others than the first switch's, cut to the bits of both. */
static bool has_own_planes(const struct bd_program *program, const struct bd_decoded *decoded, unsigned s, unsigned l)
{
    const struct bd_descriptor *d = bd_program_descriptor(program, s, l), *first = bd_program_descriptor(program, 0, l);
    const uint8_t *codes = bd_decoded_codes(decoded, s, l), *before = bd_decoded_codes(decoded, 0, l);
    const uint32_t bits = d->weight_bits < first->weight_bits ? d->weight_bits : first->weight_bits;
    const uint8_t mask = (uint8_t)(0xffu << (8 - bits));
    const size_t count = (size_t)d->out_channels * (d->in_channels / d->groups) * d->kernel_h * d->kernel_w;
    for (size_t i = 0; i < count; i++)
        if ((codes[i] ^ before[i]) & mask)
            return true;
    return false;
}

static void take_layer(struct bd_case *c, const struct bd_program *program, const struct bd_decoded *decoded,
                       unsigned l)
{
    const struct bd_descriptor *d = bd_program_descriptor(program, 0, l);
    struct bd_case_layer *layer = &c->layers[l];
    *layer = (struct bd_case_layer){
        .id = (int)l,
        .reads = bd_decoded_producer(decoded, l),
        .operation = d->operation,
        .pool_kind = d->pool_kind,
        .kernel = (int)d->kernel_h,
        .stride = (int)d->stride,
        .pad = (int)d->pad_top,
        .channels = (int)d->out_channels,
        .depthwise = (d->flags & BD_FLAG_DEPTHWISE) != 0,
        .codes = (d->flags & BD_FLAG_WRITE_CODES) != 0,
        .writes = (d->flags & BD_FLAG_WRITE_STREAM) && !(d->flags & BD_FLAG_RESULT),
        .adds = (d->flags & BD_FLAG_ADD_STREAM) != 0,
    };
    for (unsigned s = 0; s < program->header->switch_count; s++) {
        d = bd_program_descriptor(program, s, l);
        layer->at[s] = (struct bd_case_bits){
            .weight_bits = (int)d->weight_bits,
            .out_bits = (int)d->out_bits,
            .out_signed = (d->flags & BD_FLAG_OUT_SIGNED) != 0,
            .weight_zero_point = (int)d->weight_zero_point,
            .datapath = (int)d->datapath,
            .own_planes = d->operation == BD_OP_CONV && has_own_planes(program, decoded, s, l),
        };
        /* One flag of 16 or 32 bits stands for the whole stream; the result alone is always wide. */
        if (layer->writes && !(d->flags & BD_FLAG_Z_OUT_WIDE))
            c->switches[s].narrow = true;
    }
}

bd_status bd_case_from_program(struct bd_case *c, const struct bd_program *program, const uint8_t *image,
                               struct bd_error *err)
{
    const struct bd_program_header *h = program->header;
    struct bd_decoded *decoded;
    if (bd_decode(program, &decoded, err))
        return err->status;
    *c = (struct bd_case){.seed = 1,
                          .switch_count = (int)h->switch_count,
                          .layer_count = (int)h->layer_count,
                          .height = (int)h->input_height,
                          .width = (int)h->input_width,
                          .channels = (int)h->input_channels};
    c->layers = bd_xcalloc(h->layer_count, sizeof *c->layers);
    for (unsigned s = 0; s < h->switch_count; s++)
        memcpy(c->switches[s].name, program->switches[s].name, sizeof c->switches[s].name);
    for (unsigned l = 0; l < h->layer_count; l++)
        take_layer(c, program, decoded, l);
    c->image = bd_xmalloc(h->input_bytes);
    memcpy(c->image, image, h->input_bytes);
    bd_decoded_free(decoded);
    return BD_OK;
}

/* ---- shapes ------------------------------------------------------------------------------------------------- */

static int out_side(int side, const struct bd_case_layer *layer)
{
    const int room = side + 2 * layer->pad - layer->kernel;
    return room < 0 ? 0 : room / layer->stride + 1;
}

static bool whole_map(const struct bd_case_layer *layer)
{
    return layer->operation == BD_OP_POOL && !bd_pool_kinds[layer->pool_kind].windows;
}

bool bd_case_shapes(const struct bd_case *c, struct bd_case_shape *shapes)
{
    int stream = -1; /* the layer that wrote it */
    for (int l = 0; l < c->layer_count; l++) {
        const struct bd_case_layer *layer = &c->layers[l];
        const bool pools = layer->operation == BD_OP_POOL;
        const int from = pools ? stream : layer->reads;
        if (from >= l || (pools && from < 0) || (!pools && from >= 0 && !c->layers[from].codes) || layer->stride < 1)
            return false;
        struct bd_case_shape *at = &shapes[l];
        at->in_height = from < 0 ? c->height : shapes[from].out_height;
        at->in_width = from < 0 ? c->width : shapes[from].out_width;
        at->in_channels = from < 0 ? c->channels : shapes[from].out_channels;
        at->out_height = whole_map(layer) ? 1 : out_side(at->in_height, layer);
        at->out_width = whole_map(layer) ? 1 : out_side(at->in_width, layer);
        at->out_channels = pools || layer->depthwise ? at->in_channels : layer->channels;
        if (at->out_height < 1 || at->out_width < 1)
            return false;
        const struct bd_case_shape *r = stream < 0 ? NULL : &shapes[stream];
        if (layer->adds && (!r || r->out_height != at->out_height || r->out_width != at->out_width ||
                            r->out_channels != at->out_channels))
            return false;
        stream = layer->writes ? l : stream;
    }
    const struct bd_case_shape *last = &shapes[c->layer_count - 1];
    return last->out_height == 1 && last->out_width == 1;
}

void bd_case_fit_last(struct bd_case *c)
{
    struct bd_case_layer *last = &c->layers[c->layer_count - 1];
    struct bd_case_shape *shapes = bd_xcalloc((size_t)c->layer_count, sizeof *shapes);
    if (last->operation == BD_OP_CONV && !bd_case_shapes(c, shapes)) {
        const struct bd_case_shape *at = &shapes[c->layer_count - 1];
        const int least = at->in_height < at->in_width ? at->in_height : at->in_width;
        const int most = at->in_height + at->in_width - least;
        if (least >= 1 && least <= BD_LIMIT_KERNEL && most - least < BD_LIMIT_STRIDE) {
            last->kernel = least;
            last->stride = most - least + 1;
            last->pad = 0;
            last->depthwise = false;
        }
    }
    free(shapes);
}

/* ---- content ------------------------------------------------------------------------------------------------ */

static uint64_t mix(uint64_t x) /* splitmix64 */
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/* Codes of a layer, or of one of its switches (own >= 0), with so many planes. */
static uint8_t *draw_codes(const struct bd_case *c, int l, int own, const struct bd_plain_layer *layer, int planes)
{
    const int inputs = layer->in_channels / layer->groups;
    const uint64_t start = mix(mix(c->seed) ^ (uint64_t)(c->layers[l].id * 32 + own + 1));
    uint8_t *codes = bd_xmalloc((size_t)layer->out_channels * (size_t)(inputs * layer->kernel_h * layer->kernel_w));
    size_t i = 0;
    for (int oc = 0; oc < layer->out_channels; oc++)
        for (int ic = 0; ic < inputs; ic++)
            for (int ky = 0; ky < layer->kernel_h; ky++)
                for (int kx = 0; kx < layer->kernel_w; kx++) {
                    const uint64_t place = ((uint64_t)oc << 32) | ((uint64_t)ic << 16) | (uint64_t)(ky * 256 + kx);
                    codes[i++] = (uint8_t)(mix(start ^ place) & (0xffu << (8 - planes)));
                }
    return codes;
}

static void draw_scales(const struct bd_case *c, const struct bd_hardware *hardware, int l, int s,
                        struct bd_plain_layer *layer)
{
    const struct bd_plain_layer_switch *at = &layer->at[s];
    const int window = layer->kernel_h * layer->kernel_w * (layer->in_channels / layer->groups);
    struct bd_random_scale scale = {
        .mult_bits = (int)hardware->mult_bits, .saturate = c->saturate, .narrow = c->switches[s].narrow};
    if (layer->operation == BD_OP_CONV) {
        scale.acc_spread = sqrt(window) * ldexp(0.6, at->weight_bits) * ldexp(0.6, at->in_bits);
        scale.acc_most = ldexp(window, at->weight_bits + at->in_bits);
    } else if (bd_pool_kinds[layer->pool_kind].windows) {
        scale.acc_spread = 1024;
        scale.acc_most = bd_pool_kinds[layer->pool_kind].largest ? 32768 : 32768.0 * layer->kernel_h * layer->kernel_w;
    } else {
        scale.acc_spread = ldexp(sqrt(layer->kernel_h * layer->kernel_w), 10);
    }
    struct bd_rng rng;
    bd_rng_seed(&rng, mix(c->seed ^ 0x5ca1e) ^ (uint64_t)(c->layers[l].id * 32 + s));
    bd_random_requant(&rng, layer, s, &scale);
}

/* ---- a plain network ---------------------------------------------------------------------------------------- */

struct build {
    struct bd_plain_network network;
    struct bd_plain_layer *layers;
    char (*names)[16];
};

static void set_bits(const struct bd_case *c, int l, struct bd_plain_layer *layer)
{
    const struct bd_case_layer *from = &c->layers[l];
    for (int s = 0; s < c->switch_count; s++) {
        const struct bd_case_bits *bits = &from->at[s];
        struct bd_plain_layer_switch *at = &layer->at[s];
        at->datapath = -1;
        at->same_as = s;
        if (layer->out_tensor >= 0) {
            at->out_bits = bits->out_bits;
            at->out_signed = bits->out_signed;
        }
        if (layer->operation == BD_OP_POOL)
            continue;
        at->weight_bits = bits->weight_bits;
        at->in_bits = from->reads < 0 ? 8 : c->layers[from->reads].at[s].out_bits;
        at->in_signed = from->reads >= 0 && c->layers[from->reads].at[s].out_signed;
        at->own_planes = bits->own_planes;
        at->weight_zero_point = bits->weight_zero_point;
        at->datapath = bits->datapath;
        if (!bits->own_planes && bits->weight_bits > layer->weight_planes)
            layer->weight_planes = bits->weight_bits;
    }
}

static void fill_layer(const struct bd_case *c, const struct bd_case_shape *shape, int l, struct build *b)
{
    const struct bd_case_layer *from = &c->layers[l];
    const bool pools = from->operation == BD_OP_POOL, whole = whole_map(from);
    struct bd_plain_layer *layer = &b->layers[l];
    snprintf(b->names[l], sizeof b->names[l], "%s%d", pools ? "pool" : "conv", from->id);
    *layer = (struct bd_plain_layer){
        .name = b->names[l],
        .operation = from->operation,
        .pool_kind = from->pool_kind,
        .in_tensor = pools ? -1 : from->reads + 1, /* tensor 0 is the image, l + 1 the codes of layer l */
        .out_tensor = from->codes ? l + 1 : -1,
        .writes_stream = from->writes,
        .adds_stream = from->adds,
        .in_height = shape->in_height,
        .in_width = shape->in_width,
        .in_channels = shape->in_channels,
        .out_height = shape->out_height,
        .out_width = shape->out_width,
        .out_channels = shape->out_channels,
        .kernel_h = whole ? shape->in_height : from->kernel,
        .kernel_w = whole ? shape->in_width : from->kernel,
        .stride = whole ? 1 : from->stride,
        .pad = whole ? 0 : from->pad,
        .groups = from->depthwise && !pools ? shape->in_channels : 1,
        .weight_planes = pools ? 0 : 1,
    };
    set_bits(c, l, layer);
}

static void fill_content(const struct bd_case *c, const struct bd_hardware *hardware, struct build *b)
{
    for (int l = 0; l < c->layer_count; l++) {
        struct bd_plain_layer *layer = &b->layers[l];
        if (layer->operation == BD_OP_CONV)
            layer->codes = draw_codes(c, l, -1, layer, layer->weight_planes);
        for (int s = 0; s < c->switch_count; s++) {
            if (layer->at[s].own_planes)
                layer->at[s].codes = draw_codes(c, l, s, layer, layer->at[s].weight_bits);
            draw_scales(c, hardware, l, s, layer);
        }
    }
}

static void release(const struct bd_case *c, struct build *b)
{
    for (int l = 0; l < c->layer_count; l++) {
        free((void *)b->layers[l].codes);
        for (int s = 0; s < c->switch_count; s++) {
            free((void *)b->layers[l].at[s].codes);
            free((void *)b->layers[l].at[s].requant.multiplier);
            free((void *)b->layers[l].at[s].requant.bias);
        }
    }
    free(b->layers);
    free(b->names);
}

bd_status bd_case_pack(const struct bd_case *c, const struct bd_hardware *hardware, struct bd_program *program,
                       struct bd_error *err)
{
    struct bd_case_shape *shapes = bd_xcalloc((size_t)c->layer_count, sizeof *shapes);
    if (!bd_case_shapes(c, shapes)) {
        free(shapes);
        return bd_fail(err, BD_BAD_INPUT, "the layers of the case do not fit each other");
    }
    struct build b = {.layers = bd_xcalloc((size_t)c->layer_count, sizeof *b.layers),
                      .names = bd_xcalloc((size_t)c->layer_count, sizeof *b.names)};
    for (int l = 0; l < c->layer_count; l++)
        fill_layer(c, &shapes[l], l, &b);
    fill_content(c, hardware, &b);
    b.network = (struct bd_plain_network){.name = "case",
                                          .switch_count = c->switch_count,
                                          .layer_count = c->layer_count,
                                          .classes = shapes[c->layer_count - 1].out_channels,
                                          .layers = b.layers};
    for (int s = 0; s < c->switch_count; s++) {
        memcpy(b.network.switches[s].name, c->switches[s].name, sizeof c->switches[s].name);
        b.network.switches[s].z_frac = 8;
        b.network.switches[s].weight_bits = b.network.switches[s].activation_bits = 8;
        b.network.narrow_stream[s] = c->switches[s].narrow;
    }
    const bd_status status = bd_pack(&b.network, hardware, false, program, err);
    release(c, &b);
    free(shapes);
    return status;
}
