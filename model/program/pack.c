#include <stdio.h>
#include <stdlib.h>

#include "model/core/memory.h"
#include "model/program/pack_parts.h"

static bd_status refuse(const struct bd_packer *p, int layer, struct bd_error *err, const char *what)
{
    return bd_fail(err, BD_BAD_INPUT, "layer '%s' of '%s' cannot run on hardware '%s': %s", p->net->layers[layer].name,
                   p->net->name, p->hw->name, what);
}

/* ---- descriptors ------------------------------------------------------------------------------------------ */

static void put_in_layout(struct bd_descriptor *d, const struct bd_pack_tensor *t)
{
    d->in_base = t->base;
    d->in_slots = t->layout.slots;
    d->in_slot_lanes = t->layout.slot_lanes;
    d->in_pixel_words = t->layout.pixel_words;
    d->in_pitch = t->layout.pitch;
    d->in_left = t->layout.left;
}

static void put_out_layout(struct bd_descriptor *d, const struct bd_pack_tensor *t)
{
    d->out_base = t->base;
    d->out_slots = t->layout.slots;
    d->out_slot_lanes = t->layout.slot_lanes;
    d->out_pixel_words = t->layout.pixel_words;
    d->out_pitch = t->layout.pitch;
    d->out_left = t->layout.left;
}

static uint32_t layer_flags(const struct bd_packer *p, int l, int s)
{
    const struct bd_plain_layer *layer = &p->net->layers[l];
    uint32_t flags = 0;
    if (l == 0)
        flags |= BD_FLAG_LOAD_INPUT | (p->im2col ? BD_FLAG_IM2COL : 0);
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

static void choose_datapath(const struct bd_packer *p, struct bd_descriptor *d, int wanted)
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
    if (other.initiation_interval <= d->initiation_interval)
        *d = other;
}

static void fill_descriptor(struct bd_packer *p, int s, int l)
{
    const struct bd_plain_layer *layer = &p->net->layers[l];
    const struct bd_plain_layer_switch *at = &layer->at[s];
    struct bd_descriptor *d = bd_pack_descriptor(p, s, l);
    *d = (struct bd_descriptor){.operation = layer->operation,
                                .pool_kind = layer->pool_kind,
                                .flags = layer_flags(p, l, s),
                                .weight_bits = at->weight_bits,
                                .in_bits = at->in_bits,
                                .out_bits = at->out_bits,
                                .in_height = layer->in_height,
                                .in_width = layer->in_width,
                                .in_channels = layer->in_channels,
                                .out_height = layer->out_height,
                                .out_width = layer->out_width,
                                .out_channels = layer->out_channels,
                                .kernel_h = layer->kernel_h,
                                .kernel_w = layer->kernel_w,
                                .stride = layer->stride,
                                .groups = layer->groups,
                                .pad_top = layer->pad,
                                .pad_bottom = layer->pad,
                                .pad_left = layer->pad,
                                .pad_right = layer->pad,
                                .shift = at->requant.shift,
                                .code_multiplier = at->requant.code_multiplier,
                                .code_offset = at->requant.code_offset,
                                .code_shift = at->requant.code_shift,
                                .residual_multiplier = at->requant.residual_multiplier,
                                .residual_shift = at->requant.residual_shift,
                                .weight_zero_point = (uint32_t)at->weight_zero_point,
                                .layer = l};
    if (layer->operation == BD_OP_CONV)
        put_in_layout(d, &p->tensors[layer->in_tensor]);
    if (layer->out_tensor >= 0)
        put_out_layout(d, &p->tensors[layer->out_tensor]);
    d->presets = at->in_signed && layer->pad > 0 ? 16 : 1;
    choose_datapath(p, d, at->datapath);
    d->table_stride = bd_table_bytes(&p->head, d->presets);
    if (layer->operation == BD_OP_CONV) {
        d->weight_stride = bd_pack_planes(layer, s) * bd_plane_bytes(&p->head, d->k_words);
        d->weight_bytes = at->weight_bits * bd_plane_bytes(&p->head, d->k_words);
    }
    if (d->flags & BD_FLAG_STORE_CODES)
        d->store_codes_bytes = bd_store_codes_bytes(d);
    if (d->flags & BD_FLAG_STORE_STREAM)
        d->store_z_bytes = bd_store_z_bytes(d, &p->head);
}

static bd_status check_layer(const struct bd_packer *p, int l, struct bd_error *err)
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
        const int planes = bd_pack_planes(layer, s);
        if (at->weight_bits < 1 || at->weight_bits > planes || planes > 8 || !bd_pack_codes(layer, s) ||
            at->weight_zero_point < 0 || at->weight_zero_point > (at->weight_bits > 1 ? 1 : 0) || at->in_bits < 1 ||
            at->in_bits > 8 || (at->in_signed && at->in_bits != 1))
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
static bd_status check_operations(const struct bd_packer *p, struct bd_error *err)
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

static bd_status check_support(const struct bd_packer *p, int l, struct bd_error *err)
{
    const struct bd_plain_layer *layer = &p->net->layers[l];
    const struct bd_descriptor *d = &p->descriptors[l];
    if ((d->flags & BD_FLAG_WRITE_STREAM) &&
        (uint64_t)d->out_height * d->out_width * d->row_groups * (p->hw->rows / p->hw->requant_units) > p->head.z_words)
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

/* ---- the whole -------------------------------------------------------------------------------------------- */

static void start_header(struct bd_packer *p)
{
    const struct bd_plain_network *net = p->net;
    const struct bd_plain_layer *first = &net->layers[0], *last = &net->layers[net->layer_count - 1];
    const uint32_t rows = (uint32_t)p->hw->rows;
    p->head = (struct bd_program_header){
        .magic = BD_PROGRAM_MAGIC,
        .version = BD_PROGRAM_VERSION,
        .header_bytes = sizeof p->head,
        .geometry_hash = p->reference_only ? BD_GEOMETRY_REFERENCE : bd_hardware_geometry_hash(p->hw),
        .rows = rows,
        .lanes = (uint32_t)p->hw->lanes,
        .mac_lanes = (uint32_t)p->hw->mac_lanes,
        .requant_units = (uint32_t)p->hw->requant_units,
        .datapaths = (p->hw->xnor ? 1u : 0) | (p->hw->mac ? 2u : 0),
        .mult_bits = (uint32_t)p->hw->mult_bits,
        .act_words = (uint32_t)p->hw->act_words,
        .z_words = (uint32_t)p->hw->z_words,
        .weight_words = (uint32_t)p->hw->weight_words,
        .layer_count = (uint32_t)net->layer_count,
        .switch_count = (uint32_t)net->switch_count,
        .classes = (uint32_t)net->classes,
        .input_height = (uint32_t)first->in_height,
        .input_width = (uint32_t)first->in_width,
        .input_channels = (uint32_t)first->in_channels,
        .input_bytes = (uint32_t)(first->in_height * first->in_width * first->in_channels),
        .output_bytes = ((uint32_t)last->out_channels + rows - 1) / rows * rows * 4,
        .z_frac = (uint32_t)net->z_frac};
    snprintf(p->head.network, sizeof p->head.network, "%s", net->name);
}

static bd_status build(struct bd_packer *p, struct bd_error *err)
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
    if (bd_pack_collect_tensors(p, err))
        return err->status;
    p->im2col = bd_pack_can_im2col(p);
    if (bd_pack_place_tensors(p, err))
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
    if (bd_pack_lay_out(p, err))
        return err->status;
    bd_pack_write_image(p);
    return BD_OK;
}

bd_status bd_pack(const struct bd_plain_network *network, const struct bd_hardware *hardware, bool reference_only,
                  struct bd_program *program, struct bd_error *err)
{
    struct bd_packer *p = bd_xcalloc(1, sizeof *p);
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
