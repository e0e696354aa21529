#include "model/compile/pack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/compile/layout.h"
#include "model/core/file.h"
#include "model/core/memory.h"

/* Bias of rows past out_channels: far below zero, so that their code is 0 at every shift. */
#define PAD_ROW_BIAS (-((int64_t)1 << 46))
#define MAX_TENSORS (BD_PROGRAM_MAX_LAYERS + 1)
#define UNFOLD_MAX_CHANNELS 4
#define UNFOLD_MAX_WIDTH 256

struct tensor {
    bool used, on_input;
    int writer, last_reader; /* layer indices; writer -1 is the input */
    uint32_t height, width, channels, reader_kernel, reader_pad;
    struct bd_tensor_layout layout;
    uint32_t base;
};

struct packer {
    const struct bd_plain_network *net;
    const struct bd_hardware *hw;
    bool reference_only, unfold;
    struct bd_program_header head;
    struct tensor tensors[MAX_TENSORS];
    int tensor_count;
    struct bd_descriptor *descriptors; /* [switch][layer] */
    uint8_t *image;
};

static uint64_t align(uint64_t v)
{
    return (v + BD_PROGRAM_ALIGN - 1) / BD_PROGRAM_ALIGN * BD_PROGRAM_ALIGN;
}

static struct bd_descriptor *descriptor(struct packer *p, int s, int l)
{
    return &p->descriptors[s * p->net->layer_count + l];
}

static bd_status refuse(const struct packer *p, int layer, struct bd_error *err, const char *what)
{
    return bd_fail(err, BD_BAD_INPUT, "layer '%s' of '%s' cannot run on hardware '%s': %s", p->net->layers[layer].name,
                   p->net->name, p->hw->name, what);
}

/* ---- tensors ---------------------------------------------------------------------------------------------- */

static bd_status note_tensor(struct packer *p, int index, struct bd_error *err)
{
    if (index < 0 || index >= MAX_TENSORS)
        return bd_fail(err, BD_BAD_INPUT, "tensor index %d is outside 0..%d", index, MAX_TENSORS - 1);
    if (index >= p->tensor_count)
        p->tensor_count = index + 1;
    return BD_OK;
}

static bd_status collect_tensors(struct packer *p, struct bd_error *err)
{
    for (int l = 0; l < p->net->layer_count; l++) {
        const struct bd_plain_layer *layer = &p->net->layers[l];
        if (layer->operation == BD_OP_CONV) {
            if (note_tensor(p, layer->in_tensor, err))
                return err->status;
            struct tensor *t = &p->tensors[layer->in_tensor];
            if (layer->in_tensor == 0 && !t->used)
                *t = (struct tensor){.used = true, .on_input = true, .writer = -1, .height = layer->in_height,
                                     .width = layer->in_width, .channels = layer->in_channels};
            if (!t->used || t->height != (uint32_t)layer->in_height || t->width != (uint32_t)layer->in_width ||
                t->channels != (uint32_t)layer->in_channels)
                return bd_fail(err, BD_BAD_INPUT, "layer '%s' reads tensor %d, which is not written before it in that shape",
                               layer->name, layer->in_tensor);
            t->last_reader = l;
            if ((uint32_t)layer->kernel_w > t->reader_kernel)
                t->reader_kernel = layer->kernel_w;
            if ((uint32_t)layer->pad > t->reader_pad)
                t->reader_pad = layer->pad;
        }
        if (layer->out_tensor >= 0) {
            if (note_tensor(p, layer->out_tensor, err))
                return err->status;
            struct tensor *t = &p->tensors[layer->out_tensor];
            if (t->used)
                return bd_fail(err, BD_BAD_INPUT, "layer '%s' writes tensor %d a second time", layer->name,
                               layer->out_tensor);
            *t = (struct tensor){.used = true, .writer = l, .last_reader = l, .height = layer->out_height,
                                 .width = layer->out_width, .channels = layer->out_channels};
        }
    }
    return BD_OK;
}

/* The first layer's windows are made while the image is loaded, where the generator can do it: one 3x3 reader,
 * padding 1 of unsigned codes, few channels. */
static bool can_unfold(const struct packer *p)
{
    const struct bd_plain_layer *first = &p->net->layers[0];
    if (first->operation != BD_OP_CONV || first->in_tensor != 0 || p->tensors[0].last_reader != 0)
        return false;
    for (int s = 0; s < p->net->switch_count; s++)
        if (first->at[s].in_signed)
            return false;
    return first->kernel_h == 3 && first->kernel_w == 3 && first->pad == 1 && first->groups == 1 &&
           first->in_channels <= UNFOLD_MAX_CHANNELS && 9 * first->in_channels <= p->hw->lanes &&
           first->in_width <= UNFOLD_MAX_WIDTH;
}

static bool overlaps_live(const struct packer *p, int index, uint32_t base)
{
    const struct tensor *t = &p->tensors[index];
    for (int i = 0; i < p->tensor_count; i++) {
        const struct tensor *o = &p->tensors[i];
        if (i >= index || !o->used || o->last_reader < t->writer)
            continue;
        if (base < o->base + o->layout.words && o->base < base + t->layout.words)
            return true;
    }
    return false;
}

static uint32_t lowest_place(const struct packer *p, int i)
{
    uint32_t best = overlaps_live(p, i, 0) ? UINT32_MAX : 0;
    for (int k = 0; k < i; k++) {
        const uint32_t end = p->tensors[k].base + p->tensors[k].layout.words;
        if (p->tensors[k].used && end < best && !overlaps_live(p, i, end))
            best = end;
    }
    return best;
}

/* UINT32_MAX when there is none inside the buffer. */
static uint32_t highest_place(const struct packer *p, int i)
{
    const uint32_t words = p->tensors[i].layout.words, limit = p->head.act_words;
    uint32_t best = words <= limit && !overlaps_live(p, i, limit - words) ? limit - words : UINT32_MAX;
    for (int k = 0; k < i; k++) {
        const struct tensor *o = &p->tensors[k];
        if (o->used && o->base >= words && o->base <= limit && (best == UINT32_MAX || o->base - words > best) &&
            !overlaps_live(p, i, o->base - words))
            best = o->base - words;
    }
    return best;
}

/* Tensors lie at the two ends in turn, so that in a chain the one just read leaves its whole end free. */
static uint32_t find_place(const struct packer *p, int i)
{
    const uint32_t low = lowest_place(p, i), high = highest_place(p, i);
    const bool low_fits = (uint64_t)low + p->tensors[i].layout.words <= p->head.act_words;
    return high != UINT32_MAX && (i % 2 == 0 || !low_fits) ? high : low;
}

/* First fit by lifetime: a tensor may lie wherever no tensor still to be read lies. Tensors are placed in the order
 * of their writers, which is the order of their indices or is made so by the caller. */
static bd_status place_tensors(struct packer *p, struct bd_error *err)
{
    for (int i = 0; i < p->tensor_count; i++) {
        struct tensor *t = &p->tensors[i];
        if (!t->used)
            continue;
        if (i > 0 && t->writer < p->tensors[i - 1].writer && p->tensors[i - 1].used)
            return bd_fail(err, BD_BAD_INPUT, "tensor %d is written before tensor %d", i, i - 1);
        if (i == 0 && p->unfold) {
            const struct bd_plain_layer *first = &p->net->layers[0];
            t->layout = (struct bd_tensor_layout){.height = first->out_height, .width = first->out_width,
                                                  .channels = 9 * first->in_channels, .slots = 1,
                                                  .slot_lanes = 9 * first->in_channels, .pixel_words = 1,
                                                  .pitch = first->out_width,
                                                  .words = (uint32_t)(first->out_height * first->out_width)};
        } else {
            t->layout = bd_tensor_layout(p->hw->rows, p->hw->lanes, t->height, t->width, t->channels,
                                         t->reader_kernel ? t->reader_kernel : 1, t->reader_pad);
        }
        const uint32_t best = find_place(p, i);
        t->base = best;
        const uint32_t end = best + t->layout.words;
        if (end > p->head.act_words) {
            if (!p->reference_only)
                return bd_fail(err, BD_BAD_INPUT,
                               "layer '%s' of '%s' cannot run on hardware '%s': its activations need %u words of the "
                               "activation buffer, which has %u",
                               p->net->layers[t->writer < 0 ? 0 : t->writer].name, p->net->name, p->hw->name, end,
                               p->head.act_words);
            p->head.act_words = end;
        }
    }
    return BD_OK;
}

/* ---- descriptors ------------------------------------------------------------------------------------------ */

static void put_in_layout(struct bd_descriptor *d, const struct tensor *t)
{
    d->in_base = t->base;
    d->in_slots = t->layout.slots;
    d->in_slot_lanes = t->layout.slot_lanes;
    d->in_pixel_words = t->layout.pixel_words;
    d->in_pitch = t->layout.pitch;
    d->in_left = t->layout.left;
}

static void put_out_layout(struct bd_descriptor *d, const struct tensor *t)
{
    d->out_base = t->base;
    d->out_slots = t->layout.slots;
    d->out_slot_lanes = t->layout.slot_lanes;
    d->out_pixel_words = t->layout.pixel_words;
    d->out_pitch = t->layout.pitch;
    d->out_left = t->layout.left;
}

static uint32_t layer_flags(const struct packer *p, int l, int s)
{
    const struct bd_plain_layer *layer = &p->net->layers[l];
    uint32_t flags = 0;
    if (l == 0)
        flags |= BD_FLAG_LOAD_INPUT | (p->unfold ? BD_FLAG_UNFOLD : 0);
    if (layer->out_tensor >= 0)
        flags |= BD_FLAG_WRITE_CODES | BD_FLAG_STORE_CODES;
    if (layer->adds_stream)
        flags |= BD_FLAG_ADD_STREAM;
    if (layer->writes_stream)
        flags |= BD_FLAG_WRITE_STREAM | BD_FLAG_STORE_STREAM;
    if (l == p->net->layer_count - 1)
        flags |= BD_FLAG_RESULT | BD_FLAG_LAST | BD_FLAG_WRITE_STREAM | BD_FLAG_STORE_STREAM;
    if (layer->at[s].in_signed)
        flags |= BD_FLAG_IN_SIGNED;
    if (layer->at[s].out_signed)
        flags |= BD_FLAG_OUT_SIGNED;
    return flags;
}

static void choose_datapath(const struct packer *p, struct bd_descriptor *d, int wanted)
{
    if (d->operation == BD_OP_POOL)
        wanted = BD_DATAPATH_XNOR;
    else if (wanted < 0 && !(p->hw->xnor && p->hw->mac))
        wanted = p->hw->xnor ? BD_DATAPATH_XNOR : BD_DATAPATH_MAC;
    d->datapath = wanted < 0 ? BD_DATAPATH_MAC : wanted;
    bd_descriptor_derive(d, &p->head);
    if (wanted >= 0)
        return;
    struct bd_descriptor other = *d;
    other.datapath = BD_DATAPATH_XNOR;
    bd_descriptor_derive(&other, &p->head);
    if (other.interval <= d->interval)
        *d = other;
}

/* The codes that a switch reads of a layer, and the planes stored of them. */
static const uint8_t *stored_codes(const struct bd_plain_layer *layer, int s)
{
    return layer->at[s].codes ? layer->at[s].codes : layer->codes;
}

static int stored_planes(const struct bd_plain_layer *layer, int s)
{
    return layer->at[s].codes ? layer->at[s].weight_bits : layer->weight_planes;
}

static size_t weight_count(const struct bd_plain_layer *layer)
{
    return (size_t)layer->out_channels * (layer->in_channels / layer->groups) * layer->kernel_h * layer->kernel_w;
}

/* The first switch that stores the same planes: all that read the layer's, or those whose own are equal. */
static int storing_switch(const struct bd_plain_layer *layer, int s)
{
    for (int first = 0; first < s; first++) {
        const uint8_t *a = layer->at[first].codes, *b = layer->at[s].codes;
        if (!a && !b)
            return first;
        if (a && b && stored_planes(layer, first) == stored_planes(layer, s) && !memcmp(a, b, weight_count(layer)))
            return first;
    }
    return s;
}

static void fill_descriptor(struct packer *p, int s, int l)
{
    const struct bd_plain_layer *layer = &p->net->layers[l];
    const struct bd_plain_layer_switch *at = &layer->at[s];
    struct bd_descriptor *d = descriptor(p, s, l);
    *d = (struct bd_descriptor){
        .operation = layer->operation, .pool_kind = layer->pool_kind, .flags = layer_flags(p, l, s), .weight_bits = at->weight_bits,
        .in_bits = at->in_bits, .out_bits = at->out_bits, .in_height = layer->in_height, .in_width = layer->in_width,
        .in_channels = layer->in_channels, .out_height = layer->out_height, .out_width = layer->out_width,
        .out_channels = layer->out_channels, .kernel_h = layer->kernel_h, .kernel_w = layer->kernel_w,
        .stride = layer->stride, .groups = layer->groups, .pad_top = layer->pad, .pad_bottom = layer->pad,
        .pad_left = layer->pad, .pad_right = layer->pad, .shift = at->requant.shift,
        .code_multiplier = at->requant.code_multiplier, .code_offset = at->requant.code_offset,
        .code_shift = at->requant.code_shift, .residual_multiplier = at->requant.residual_multiplier,
        .residual_shift = at->requant.residual_shift, .weight_zero_point = (uint32_t)at->weight_zero_point, .layer = l};
    if (layer->operation == BD_OP_CONV)
        put_in_layout(d, &p->tensors[layer->in_tensor]);
    if (layer->out_tensor >= 0)
        put_out_layout(d, &p->tensors[layer->out_tensor]);
    d->presets = at->in_signed && layer->pad > 0 ? 16 : 1;
    choose_datapath(p, d, at->datapath);
    d->table_stride = bd_table_bytes(&p->head, d->presets);
    if (layer->operation == BD_OP_CONV) {
        d->weight_stride = stored_planes(layer, s) * bd_plane_bytes(&p->head, d->k_words);
        d->weight_bytes = at->weight_bits * bd_plane_bytes(&p->head, d->k_words);
    }
    if (d->flags & BD_FLAG_STORE_CODES)
        d->store_codes_bytes = bd_store_codes_bytes(d);
    if (d->flags & BD_FLAG_STORE_STREAM)
        d->store_z_bytes = bd_store_z_bytes(d, &p->head);
}

static bd_status check_layer(const struct packer *p, int l, struct bd_error *err)
{
    const struct bd_plain_layer *layer = &p->net->layers[l];
    for (int s = 0; s < p->net->switch_count; s++) {
        const struct bd_plain_layer_switch *at = &layer->at[s];
        const struct bd_plain_requant *q = &at->requant;
        if (at->requant.shift < 0 || q->shift > 47 || q->code_multiplier >= 1u << 18 || q->code_shift < 0 ||
            q->code_shift > 31 || q->residual_shift < 0 || q->residual_shift > 31)
            return bd_fail(err, BD_BAD_INPUT, "layer '%s': requantizer fields out of range at switch '%s'", layer->name,
                           p->net->switches[s].name);
        if (layer->out_tensor >= 0 && (at->out_bits < 1 || at->out_bits > 8))
            return bd_fail(err, BD_BAD_INPUT, "layer '%s': output codes of %d bits", layer->name, at->out_bits);
        for (int c = 0; c < layer->out_channels; c++) {
            const int64_t limit = (int64_t)1 << (p->hw->mult_bits - 1), bias = q->bias[c];
            if (q->multiplier[c] >= limit || q->multiplier[c] < -limit || bias >= (int64_t)1 << 47 ||
                bias < -((int64_t)1 << 47))
                return bd_fail(err, BD_BAD_INPUT, "layer '%s': channel %d: M or B exceeds its width", layer->name, c);
        }
        if (layer->operation != BD_OP_CONV)
            continue;
        const int planes = stored_planes(layer, s);
        if (at->weight_bits < 1 || at->weight_bits > planes || planes > 8 || !stored_codes(layer, s) ||
            at->weight_zero_point < 0 || at->weight_zero_point > (at->weight_bits > 1 ? 1 : 0) ||
            at->in_bits < 1 || at->in_bits > 8 || (at->in_signed && at->in_bits != 1))
            return bd_fail(err, BD_BAD_INPUT, "layer '%s': bits out of range at switch '%s'", layer->name,
                           p->net->switches[s].name);
        const double worst = (double)layer->kernel_h * layer->kernel_w * layer->in_channels / layer->groups *
                             ((1 << at->weight_bits) - 1) * ((1 << at->in_bits) - 1);
        if (worst >= 2147483648.0)
            return bd_fail(err, BD_BAD_INPUT, "layer '%s': accumulator may exceed 32 bits", layer->name);
    }
    return BD_OK;
}

const char *bd_rtl_lacks(bool max_pool, int groups, int kernel, int stride, int pad)
{
    if (max_pool)
        return "max pooling";
    if (groups != 1)
        return "groups";
    if (kernel != 1 && kernel != 3)
        return "kernels other than 1x1 and 3x3";
    if (pad > kernel / 2)
        return "padding over half the kernel";
    return stride < 1 || stride > 2 ? "strides other than 1 and 2" : NULL;
}

/* Before anything is laid out: layers that no configuration runs. */
static bd_status check_operations(const struct packer *p, struct bd_error *err)
{
    for (int l = 0; l < p->net->layer_count; l++) {
        const struct bd_plain_layer *layer = &p->net->layers[l];
        const bool pool = layer->operation == BD_OP_POOL;
        if (pool && layer->pool_kind == BD_POOL_AVERAGE)
            continue;
        const char *lacks = layer->kernel_h != layer->kernel_w && !pool
                                ? "kernels that are not square"
                                : bd_rtl_lacks(pool, layer->groups, layer->kernel_h, layer->stride, layer->pad);
        if (lacks)
            return bd_fail(err, BD_BAD_INPUT, "layer '%s' needs %s, which the RTL does not have", layer->name, lacks);
    }
    return BD_OK;
}

static bd_status check_support(const struct packer *p, int l, struct bd_error *err)
{
    const struct bd_plain_layer *layer = &p->net->layers[l];
    const struct bd_descriptor *d = &p->descriptors[l];
    if ((d->flags & BD_FLAG_WRITE_STREAM) &&
        (uint64_t)d->out_height * d->out_width * d->row_groups * (p->hw->rows / p->hw->requant_units) >
            p->head.z_words)
        return refuse(p, l, err, "its residual map exceeds the residual buffer (z_words)");
    if (layer->operation == BD_OP_POOL)
        return BD_OK;
    for (int s = 0; s < p->net->switch_count; s++) {
        const struct bd_plain_layer_switch *at = &layer->at[s];
        if (at->weight_zero_point)
            return refuse(p, l, err, "weights with a zero point (LSQ)");
        if (at->requant.residual_multiplier != 1 || at->requant.residual_shift != 0)
            return refuse(p, l, err, "a residual scale other than 1");
        if ((uint64_t)d->k_words * at->weight_bits > p->head.weight_words)
            return refuse(p, l, err, "its weights of one row group exceed the weight buffer (weight_words)");
        if (at->datapath >= 0 && !(at->datapath == BD_DATAPATH_XNOR ? p->hw->xnor : p->hw->mac))
            return refuse(p, l, err, "it asks for a datapath that is left out");
    }
    return BD_OK;
}

/* ---- tables and weights ----------------------------------------------------------------------------------- */

static int weight_value(uint8_t c8, int bits)
{
    return 2 * (c8 >> (8 - bits)) + 1 - (1 << bits);
}

/* True where tap (ky, kx) lies outside the map in windows of a border class. Kernels are at most 3 wide with
 * padding at most 1, so a missing side takes exactly the outermost taps. */
static bool tap_missing(const struct bd_plain_layer *layer, int cls, int ky, int kx)
{
    return ((cls & 1) && ky == 0) || ((cls & 2) && ky == layer->kernel_h - 1) || ((cls & 4) && kx == 0) ||
           ((cls & 8) && kx == layer->kernel_w - 1);
}

/* What the array's raw sum P lacks to the accumulator: acc = (signed ? 2P : P) + preset. XNOR counts matches of
 * +-1 planes, the add-only MAC sums codes; model/compile/README.md derives the four constants. */
static int32_t preset(const struct bd_plain_layer *layer, const struct bd_descriptor *d, int s, int oc, int cls)
{
    const int channels = layer->in_channels / layer->groups;
    const int taps = layer->kernel_h * layer->kernel_w * channels;
    const uint8_t *codes = stored_codes(layer, s) + (size_t)oc * channels * layer->kernel_h * layer->kernel_w;
    const bool is_signed = d->flags & BD_FLAG_IN_SIGNED, mac = d->datapath == BD_DATAPATH_MAC;
    int64_t sum_codes = 0, sum_missing = 0, sum_present = 0;
    for (int ic = 0; ic < channels; ic++)
        for (int ky = 0; ky < layer->kernel_h; ky++)
            for (int kx = 0; kx < layer->kernel_w; kx++) {
                const uint8_t c8 = codes[(ic * layer->kernel_h + ky) * layer->kernel_w + kx];
                const int w = weight_value(c8, d->weight_bits);
                sum_codes += c8 >> (8 - d->weight_bits);
                *(tap_missing(layer, cls, ky, kx) ? &sum_missing : &sum_present) += w;
            }
    const int64_t full = (int64_t)taps * ((1 << d->weight_bits) - 1);
    if (mac)
        return is_signed ? (int32_t)-sum_present : 0;
    return (int32_t)(is_signed ? sum_missing - full : (sum_codes - full) * ((1 << d->in_bits) - 1));
}

static void set_lanes(uint8_t *mask, uint32_t first, uint32_t count)
{
    for (uint32_t l = first; l < first + count; l++)
        mask[l / 8] |= (uint8_t)(1u << l % 8);
}

static void write_masks(const struct packer *p, const struct bd_descriptor *d, uint8_t *out)
{
    if (d->operation == BD_OP_POOL)
        return;
    const uint32_t channels = d->flags & BD_FLAG_UNFOLD ? bd_descriptor_walk(d).channels : d->in_channels;
    const uint32_t bytes = (p->head.lanes + 63) / 64 * 8;
    if (d->in_slots > 1) {
        for (uint32_t j = 0; j < d->in_slots && j < 3; j++)
            set_lanes(out + j * bytes, j * d->in_slot_lanes, channels);
    } else {
        set_lanes(out, 0, p->head.lanes);
        set_lanes(out + bytes, 0, channels - (d->in_pixel_words - 1) * p->head.lanes);
    }
}

static void put32(uint8_t *out, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(v >> 8 * i);
}

static void put64(uint8_t *out, uint64_t v)
{
    put32(out, (uint32_t)v);
    put32(out + 4, (uint32_t)(v >> 32));
}

static void write_table(const struct packer *p, int s, int l, uint32_t group, uint8_t *out)
{
    const struct bd_plain_layer *layer = &p->net->layers[l];
    const struct bd_descriptor *d = &p->descriptors[s * p->net->layer_count + l];
    const uint32_t rows = p->head.rows;
    write_masks(p, d, out);
    out += 3 * ((p->head.lanes + 63) / 64 * 8);
    for (uint32_t r = 0; r < rows; r++, out += 16) {
        const uint32_t oc = group * rows + r;
        const bool real = oc < (uint32_t)layer->out_channels;
        put32(out, real ? (uint32_t)layer->at[s].requant.multiplier[oc] : 0);
        put64(out + 8, (uint64_t)(real ? layer->at[s].requant.bias[oc] : PAD_ROW_BIAS));
    }
    for (uint32_t cls = 0; cls < d->presets; cls++)
        for (uint32_t r = 0; r < rows; r++, out += 4) {
            const uint32_t oc = group * rows + r;
            if (layer->operation == BD_OP_CONV && oc < (uint32_t)layer->out_channels)
                put32(out, (uint32_t)preset(layer, d, s, (int)oc, (int)cls));
        }
}

static void write_weights(const struct packer *p, int s, int l, uint8_t *out)
{
    const struct bd_plain_layer *layer = &p->net->layers[l];
    const struct bd_descriptor *d = &p->descriptors[s * p->net->layer_count + l];
    const uint32_t rows = p->head.rows, lanes = p->head.lanes;
    const uint32_t channels = (uint32_t)(layer->in_channels / layer->groups);
    const uint32_t plane_bytes = bd_plane_bytes(&p->head, d->k_words);
    memset(out, 0xff, (size_t)d->row_groups * d->weight_stride);
    const uint8_t *code = stored_codes(layer, s);
    const int planes = stored_planes(layer, s);
    for (uint32_t oc = 0; oc < (uint32_t)layer->out_channels; oc++)
        for (uint32_t ic = 0; ic < channels; ic++)
            for (uint32_t ky = 0; ky < (uint32_t)layer->kernel_h; ky++)
                for (uint32_t kx = 0; kx < (uint32_t)layer->kernel_w; kx++, code++) {
                    uint32_t k_word, lane;
                    bd_weight_place(d, &p->head, ky, kx, ic, &k_word, &lane);
                    const uint64_t bit = ((uint64_t)k_word * rows + oc % rows) * lanes + lane;
                    uint8_t *chunk = out + (size_t)(oc / rows) * d->weight_stride;
                    for (int plane = 0; plane < planes; plane++)
                        if (!(*code >> (7 - plane) & 1))
                            chunk[(size_t)plane * plane_bytes + bit / 8] &= (uint8_t)~(1u << bit % 8);
                }
}

/* ---- image ------------------------------------------------------------------------------------------------ */

static bd_status lay_out(struct packer *p, struct bd_error *err)
{
    struct bd_program_header *h = &p->head;
    const int layers = p->net->layer_count, switches = p->net->switch_count;
    uint64_t at = sizeof *h;
    h->switch_offset = (uint32_t)at;
    h->name_offset = (uint32_t)(at = align(at + (uint64_t)switches * sizeof(struct bd_program_switch)));
    h->descriptor_offset = (uint32_t)(at = align(at + (uint64_t)layers * BD_PROGRAM_NAME));
    h->switch_stride = (uint32_t)(layers * sizeof(struct bd_descriptor));
    h->table_offset = (uint32_t)(at = align(at + (uint64_t)switches * h->switch_stride));
    for (int s = 0; s < switches; s++)
        for (int l = 0; l < layers; l++) {
            struct bd_descriptor *d = descriptor(p, s, l);
            d->table_offset = (uint32_t)at;
            at = align(at + (uint64_t)d->row_groups * d->table_stride);
        }
    h->table_bytes = (uint32_t)(at - h->table_offset);
    h->weight_offset = (uint32_t)at;
    uint64_t store = 0;
    for (int l = 0; l < layers; l++) {
        const struct bd_descriptor *first = descriptor(p, 0, l);
        const uint64_t codes = align(first->store_codes_bytes), z = align(first->store_z_bytes);
        for (int s = 0; s < switches; s++) {
            struct bd_descriptor *d = descriptor(p, s, l);
            const int stored = d->operation == BD_OP_CONV ? storing_switch(&p->net->layers[l], s) : 0;
            d->weight_offset = d->operation != BD_OP_CONV ? 0 : stored < s ? descriptor(p, stored, l)->weight_offset
                                                                           : (uint32_t)at;
            if (d->operation == BD_OP_CONV && stored == s)
                at = align(at + (uint64_t)d->row_groups * d->weight_stride);
            if (at > UINT32_MAX)
                break;
            d->store_codes_offset = (uint32_t)store;
            d->store_z_offset = (uint32_t)(store + codes);
        }
        store += codes + z;
        if (at > UINT32_MAX || store > UINT32_MAX)
            return bd_fail(err, BD_BAD_INPUT, "network '%s' exceeds the 4 GiB of a program image", p->net->name);
    }
    h->weight_bytes = (uint32_t)(at - h->weight_offset);
    h->store_bytes = (uint32_t)store;
    h->image_bytes = at;
    return BD_OK;
}

static void write_image(struct packer *p)
{
    const int layers = p->net->layer_count, switches = p->net->switch_count;
    p->image = bd_xcalloc(p->head.image_bytes, 1);
    for (int s = 0; s < switches; s++)
        memcpy(p->image + p->head.switch_offset + (size_t)s * sizeof p->net->switches[0], &p->net->switches[s],
               sizeof p->net->switches[0]);
    for (int l = 0; l < layers; l++)
        snprintf((char *)p->image + p->head.name_offset + (size_t)l * BD_PROGRAM_NAME, BD_PROGRAM_NAME, "%s",
                 p->net->layers[l].name);
    memcpy(p->image + p->head.descriptor_offset, p->descriptors,
           (size_t)switches * layers * sizeof(struct bd_descriptor));
    for (int s = 0; s < switches; s++)
        for (int l = 0; l < layers; l++) {
            const struct bd_descriptor *d = descriptor(p, s, l);
            for (uint32_t g = 0; g < d->row_groups; g++)
                write_table(p, s, l, g, p->image + d->table_offset + (size_t)g * d->table_stride);
        }
    for (int s = 0; s < switches; s++)
        for (int l = 0; l < layers; l++)
            if (p->net->layers[l].operation == BD_OP_CONV && storing_switch(&p->net->layers[l], s) == s)
                write_weights(p, s, l, p->image + descriptor(p, s, l)->weight_offset);
    memcpy(p->image, &p->head, sizeof p->head);
    ((struct bd_program_header *)p->image)->crc = bd_crc32(p->image, p->head.image_bytes);
}

static void start_header(struct packer *p)
{
    const struct bd_plain_network *net = p->net;
    const struct bd_plain_layer *first = &net->layers[0], *last = &net->layers[net->layer_count - 1];
    const uint32_t rows = (uint32_t)p->hw->rows;
    p->head = (struct bd_program_header){
        .magic = BD_PROGRAM_MAGIC, .version = BD_PROGRAM_VERSION, .header_bytes = sizeof p->head,
        .geometry_hash = p->reference_only ? BD_GEOMETRY_REFERENCE : bd_hardware_geometry_hash(p->hw), .rows = rows, .lanes = (uint32_t)p->hw->lanes,
        .mac_lanes = (uint32_t)p->hw->mac_lanes, .requant_units = (uint32_t)p->hw->requant_units,
        .datapaths = (p->hw->xnor ? 1u : 0) | (p->hw->mac ? 2u : 0), .mult_bits = (uint32_t)p->hw->mult_bits,
        .act_words = (uint32_t)p->hw->act_words, .z_words = (uint32_t)p->hw->z_words,
        .weight_words = (uint32_t)p->hw->weight_words, .layer_count = (uint32_t)net->layer_count,
        .switch_count = (uint32_t)net->switch_count, .classes = (uint32_t)net->classes,
        .input_height = (uint32_t)first->in_height, .input_width = (uint32_t)first->in_width,
        .input_channels = (uint32_t)first->in_channels,
        .input_bytes = (uint32_t)(first->in_height * first->in_width * first->in_channels),
        .output_bytes = ((uint32_t)last->out_channels + rows - 1) / rows * rows * 4, .z_frac = (uint32_t)net->z_frac};
    snprintf(p->head.network, sizeof p->head.network, "%s", net->name);
}

static bd_status build(struct packer *p, struct bd_error *err)
{
    const struct bd_plain_network *net = p->net;
    if (net->layer_count < 1 || net->layer_count > BD_PROGRAM_MAX_LAYERS || net->switch_count < 1 ||
        net->switch_count > BD_PROGRAM_MAX_SWITCHES)
        return bd_fail(err, BD_BAD_INPUT, "network '%s': %d layers and %d switches; a program holds 1..%d and 1..%d",
                       net->name, net->layer_count, net->switch_count, BD_PROGRAM_MAX_LAYERS, BD_PROGRAM_MAX_SWITCHES);
    if (net->layers[0].operation != BD_OP_CONV || net->layers[0].in_tensor != 0)
        return bd_fail(err, BD_BAD_INPUT, "network '%s': the first layer must read the input", net->name);
    if (net->classes != net->layers[net->layer_count - 1].out_channels)
        return bd_fail(err, BD_BAD_INPUT, "network '%s': the last layer has %d channels for %d classes", net->name,
                       net->layers[net->layer_count - 1].out_channels, net->classes);
    start_header(p);
    if (!p->reference_only && check_operations(p, err))
        return err->status;
    if (collect_tensors(p, err))
        return err->status;
    p->unfold = can_unfold(p);
    if (place_tensors(p, err))
        return err->status;
    p->descriptors = bd_xcalloc((size_t)net->layer_count * net->switch_count, sizeof *p->descriptors);
    for (int l = 0; l < net->layer_count; l++) {
        if (check_layer(p, l, err))
            return err->status;
        for (int s = 0; s < net->switch_count; s++)
            fill_descriptor(p, s, l);
        if (!p->reference_only && check_support(p, l, err))
            return err->status;
    }
    if (lay_out(p, err))
        return err->status;
    write_image(p);
    return BD_OK;
}

bd_status bd_pack(const struct bd_plain_network *network, const struct bd_hardware *hardware, bool reference_only,
                  struct bd_program *program, struct bd_error *err)
{
    struct packer *p = bd_xcalloc(1, sizeof *p);
    p->net = network;
    p->hw = hardware;
    p->reference_only = reference_only;
    bd_status status = build(p, err);
    if (status == BD_OK)
        status = bd_program_open(program, network->name, p->image, p->head.image_bytes, err);
    free(p->descriptors);
    free(p->image);
    free(p);
    return status;
}
