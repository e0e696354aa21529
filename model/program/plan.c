#include "model/program/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/program/device_rules.h"
#include "model/program/plan_parts.h"

static uint64_t align(uint64_t v)
{
    return (v + BD_PROGRAM_ALIGN - 1) / BD_PROGRAM_ALIGN * BD_PROGRAM_ALIGN;
}

bd_status bd_plan_refuse_size(const struct bd_plan *p, int layer, const char *what, uint64_t needed, const char *buffer,
                              uint64_t size, struct bd_error *err)
{
    return bd_fail(err, BD_BAD_INPUT,
                   "layer '%s' of '%s' cannot run on hardware '%s': %s %llu words of the %s, which has %llu",
                   p->network->layers[layer].name, p->network->name, p->hardware->name, what,
                   (unsigned long long)needed, buffer, (unsigned long long)size);
}

int bd_plan_storing_switch(const struct bd_plain_layer *layer, int s)
{
    if (layer->at[s].own_planes)
        return layer->at[s].same_as;
    for (int first = 0; first < s; first++)
        if (!layer->at[first].own_planes)
            return first;
    return s;
}

int bd_plan_planes(const struct bd_plain_layer *layer, int s)
{
    return layer->at[s].own_planes ? layer->at[s].weight_bits : layer->weight_planes;
}

/* ---- what does not depend on the number of channels --------------------------------------------------------- */

static bd_status check_planes(const struct bd_plain_layer *layer, int s)
{
    const struct bd_plain_layer_switch *at = &layer->at[s];
    const int first = at->same_as;
    if (!at->own_planes)
        return at->weight_bits <= layer->weight_planes ? BD_OK : BD_BAD_INPUT;
    return first >= 0 && first <= s && layer->at[first].own_planes && layer->at[first].same_as == first &&
                   layer->at[first].weight_bits == at->weight_bits
               ? BD_OK
               : BD_BAD_INPUT;
}

static bd_status check_bits(const struct bd_plan *p, int l, struct bd_error *err)
{
    const struct bd_plain_layer *layer = &p->network->layers[l];
    for (int s = 0; s < p->network->switch_count; s++) {
        const struct bd_plain_layer_switch *at = &layer->at[s];
        if (layer->out_tensor >= 0 && (at->out_bits < 1 || at->out_bits > 8))
            return bd_fail(err, BD_BAD_INPUT, "layer '%s': output codes of %d bits", layer->name, at->out_bits);
        if (layer->operation != BD_OP_CONV)
            continue;
        if (at->weight_bits < 1 || at->weight_bits > 8 || layer->weight_planes > 8 || check_planes(layer, s) ||
            at->weight_zero_point < 0 || at->weight_zero_point > (at->weight_bits > 1 ? 1 : 0) || at->in_bits < 1 ||
            at->in_bits > 8 || (at->in_signed && at->in_bits != 1))
            return bd_fail(err, BD_BAD_INPUT, "layer '%s': bits out of range at switch '%s'", layer->name,
                           p->network->switches[s].name);
        if (p->reference_only)
            continue;
        if (at->weight_zero_point)
            return bd_fail(err, BD_BAD_INPUT,
                           "layer '%s' needs weights with a zero point (LSQ), which the RTL does not have",
                           layer->name);
        if (at->datapath >= 0 && !(at->datapath == BD_DATAPATH_XNOR ? p->hardware->xnor : p->hardware->mac))
            return bd_fail(err, BD_BAD_INPUT,
                           "layer '%s' of '%s' cannot run on hardware '%s': it asks for a datapath that is left out",
                           layer->name, p->network->name, p->hardware->name);
    }
    return BD_OK;
}

static void keep_layer(struct bd_plan *p, int l)
{
    const struct bd_plain_layer *layer = &p->network->layers[l];
    struct bd_plan_layer *keep = &p->layers[l];
    for (int s = 0; s < p->network->switch_count; s++) {
        const struct bd_plain_layer_switch *at = &layer->at[s];
        keep->presets[s] = at->in_signed && layer->pad > 0 ? 16 : 1;
        keep->table_stride[s] = bd_table_bytes(&p->header, keep->presets[s]);
        if (layer->operation != BD_OP_CONV)
            continue;
        keep->stored_by[s] = bd_plan_storing_switch(layer, s);
        if (keep->stored_by[s] == s) {
            keep->store_planes[keep->store_count] = (uint32_t)bd_plan_planes(layer, s);
            keep->store_switch[keep->store_count++] = s;
        }
        if ((uint32_t)at->weight_bits > keep->most_weight_bits)
            keep->most_weight_bits = (uint32_t)at->weight_bits;
        const double most =
            (double)layer->kernel_h * layer->kernel_w * ((1 << at->weight_bits) - 1) * ((1 << at->in_bits) - 1);
        if (most > keep->most_of_a_channel)
            keep->most_of_a_channel = most;
    }
}

static void start_header(struct bd_plan *p)
{
    const struct bd_plain_network *net = p->network;
    const struct bd_hardware *hw = p->hardware;
    const int layers = net->layer_count, switches = net->switch_count;
    struct bd_program_header *h = &p->header;
    *h = (struct bd_program_header){
        .magic = BD_PROGRAM_MAGIC,
        .version = BD_PROGRAM_VERSION,
        .header_bytes = sizeof *h,
        .geometry_hash = p->reference_only ? BD_GEOMETRY_REFERENCE : bd_hardware_geometry_hash(hw),
        .rows = (uint32_t)hw->rows,
        .lanes = (uint32_t)hw->lanes,
        .mac_lanes = (uint32_t)hw->mac_lanes,
        .requant_units = (uint32_t)hw->requant_units,
        .datapaths = (hw->xnor ? 1u : 0) | (hw->mac ? 2u : 0),
        .mult_bits = (uint32_t)hw->mult_bits,
        .act_words = (uint32_t)hw->act_words,
        .z_words = (uint32_t)hw->z_words,
        .weight_words = (uint32_t)hw->weight_words,
        .layer_count = (uint32_t)layers,
        .switch_count = (uint32_t)switches,
        .classes = (uint32_t)net->classes,
        .z_frac = (uint32_t)net->z_frac,
        .switch_offset = sizeof *h,
    };
    snprintf(h->network, sizeof h->network, "%s", net->name);
    h->name_offset = (uint32_t)align(h->switch_offset + (uint64_t)switches * sizeof(struct bd_program_switch));
    h->descriptor_offset = (uint32_t)align(h->name_offset + (uint64_t)layers * BD_PROGRAM_NAME);
    h->switch_stride = (uint32_t)(layers * sizeof(struct bd_descriptor));
    h->table_offset = (uint32_t)align(h->descriptor_offset + (uint64_t)switches * h->switch_stride);
}

bd_status bd_plan_open(struct bd_plan *p, const struct bd_plain_network *net, const struct bd_hardware *hw,
                       bool reference_only, int switch_index, struct bd_error *err)
{
    const bool every = switch_index == BD_EVERY_SWITCH;
    *p = (struct bd_plan){.network = net,
                          .hardware = hw,
                          .reference_only = reference_only,
                          .first_switch = every ? 0 : switch_index,
                          .switch_count = every ? net->switch_count : 1};
    if (net->layer_count < 1 || net->layer_count > BD_PROGRAM_MAX_LAYERS || net->switch_count < 1 ||
        net->switch_count > BD_PROGRAM_MAX_SWITCHES)
        return bd_fail(err, BD_BAD_INPUT, "network '%s': %d layers and %d switches; a program holds 1..%d and 1..%d",
                       net->name, net->layer_count, net->switch_count, BD_PROGRAM_MAX_LAYERS, BD_PROGRAM_MAX_SWITCHES);
    if (net->layers[0].operation != BD_OP_CONV || net->layers[0].in_tensor != 0)
        return bd_fail(err, BD_BAD_INPUT, "network '%s': the first layer must read the input", net->name);
    start_header(p);
    p->descriptors = bd_xcalloc((size_t)net->layer_count * p->switch_count, sizeof *p->descriptors);
    p->tensors = bd_xcalloc(BD_PLAN_MAX_TENSORS, sizeof *p->tensors);
    p->layers = bd_xcalloc((size_t)net->layer_count, sizeof *p->layers);
    for (int l = 0; l < net->layer_count; l++) {
        if (check_bits(p, l, err))
            return err->status;
        keep_layer(p, l);
    }
    return BD_OK;
}

void bd_plan_release(struct bd_plan *p)
{
    free(p->descriptors);
    free(p->tensors);
    free(p->layers);
    memset(p, 0, sizeof *p);
}

/* ---- descriptors -------------------------------------------------------------------------------------------- */

static void put_in_layout(struct bd_descriptor *d, const struct bd_plan_tensor *t)
{
    d->in_base = t->base;
    d->in_slots = t->layout.slots;
    d->in_slot_lanes = t->layout.slot_lanes;
    d->in_pixel_words = t->layout.pixel_words;
    d->in_pitch = t->layout.pitch;
    d->in_left = t->layout.left;
}

static void put_out_layout(struct bd_descriptor *d, const struct bd_plan_tensor *t)
{
    d->out_base = t->base;
    d->out_slots = t->layout.slots;
    d->out_slot_lanes = t->layout.slot_lanes;
    d->out_pixel_words = t->layout.pixel_words;
    d->out_pitch = t->layout.pitch;
    d->out_left = t->layout.left;
}

static uint32_t layer_flags(const struct bd_plan *p, int l, int s)
{
    const struct bd_plain_layer *layer = &p->network->layers[l];
    uint32_t flags = 0;
    if (l == 0)
        flags |= BD_FLAG_LOAD_INPUT | (p->im2col ? BD_FLAG_IM2COL : 0);
    if (layer->out_tensor >= 0)
        flags |= BD_FLAG_WRITE_CODES | BD_FLAG_STORE_CODES;
    if (layer->adds_stream)
        flags |= BD_FLAG_ADD_STREAM;
    if (layer->writes_stream)
        flags |= BD_FLAG_WRITE_STREAM | BD_FLAG_STORE_STREAM;
    if (l == p->network->layer_count - 1)
        flags |= BD_FLAG_RESULT | BD_FLAG_LAST | BD_FLAG_WRITE_STREAM | BD_FLAG_STORE_STREAM;
    if (layer->at[s].in_signed)
        flags |= BD_FLAG_IN_SIGNED;
    if (layer->at[s].out_signed)
        flags |= BD_FLAG_OUT_SIGNED;
    return flags;
}

/* The one asked for; else the cheaper of those that the hardware has, XNOR among equals. */
static void choose_datapath(const struct bd_plan *p, struct bd_descriptor *d, int wanted)
{
    if (d->operation == BD_OP_POOL)
        wanted = BD_DATAPATH_XNOR;
    else if (wanted < 0 && !(p->hardware->xnor && p->hardware->mac))
        wanted = p->hardware->xnor ? BD_DATAPATH_XNOR : BD_DATAPATH_MAC;
    d->datapath = wanted < 0 ? BD_DATAPATH_MAC : (uint32_t)wanted;
    bd_descriptor_derive(d, &p->header);
    if (wanted >= 0)
        return;
    const uint32_t mac_interval = d->initiation_interval;
    d->datapath = BD_DATAPATH_XNOR;
    bd_descriptor_derive(d, &p->header);
    if (d->initiation_interval > mac_interval) {
        d->datapath = BD_DATAPATH_MAC;
        bd_descriptor_derive(d, &p->header);
    }
}

static void fill_descriptor(struct bd_plan *p, int s, int l)
{
    const struct bd_plain_layer *layer = &p->network->layers[l];
    const struct bd_plain_layer_switch *at = &layer->at[s];
    struct bd_descriptor *d = bd_plan_descriptor(p, s, l);
    *d = (struct bd_descriptor){.operation = layer->operation,
                                .pool_kind = layer->pool_kind,
                                .flags = layer_flags(p, l, s),
                                .weight_bits = (uint32_t)at->weight_bits,
                                .in_bits = (uint32_t)at->in_bits,
                                .out_bits = (uint32_t)at->out_bits,
                                .in_height = (uint32_t)layer->in_height,
                                .in_width = (uint32_t)layer->in_width,
                                .in_channels = (uint32_t)layer->in_channels,
                                .out_height = (uint32_t)layer->out_height,
                                .out_width = (uint32_t)layer->out_width,
                                .out_channels = (uint32_t)layer->out_channels,
                                .kernel_h = (uint32_t)layer->kernel_h,
                                .kernel_w = (uint32_t)layer->kernel_w,
                                .stride = (uint32_t)layer->stride,
                                .groups = (uint32_t)layer->groups,
                                .pad_top = (uint32_t)layer->pad,
                                .pad_bottom = (uint32_t)layer->pad,
                                .pad_left = (uint32_t)layer->pad,
                                .pad_right = (uint32_t)layer->pad,
                                .shift = (uint32_t)at->requant.shift,
                                .code_multiplier = at->requant.code_multiplier,
                                .code_offset = at->requant.code_offset,
                                .code_shift = (uint32_t)at->requant.code_shift,
                                .residual_multiplier = at->requant.residual_multiplier,
                                .residual_shift = (uint32_t)at->requant.residual_shift,
                                .weight_zero_point = (uint32_t)at->weight_zero_point,
                                .presets = p->layers[l].presets[s],
                                .table_stride = p->layers[l].table_stride[s],
                                .layer = (uint32_t)l};
    if (layer->operation == BD_OP_CONV)
        put_in_layout(d, &p->tensors[layer->in_tensor]);
    if (layer->out_tensor >= 0)
        put_out_layout(d, &p->tensors[layer->out_tensor]);
    choose_datapath(p, d, at->datapath);
    if (layer->operation == BD_OP_CONV) {
        d->weight_stride = (uint32_t)bd_plan_planes(layer, s) * bd_plane_bytes(&p->header, d->k_words);
        d->weight_bytes = d->weight_bits * bd_plane_bytes(&p->header, d->k_words);
    }
    if (d->flags & BD_FLAG_STORE_CODES)
        d->store_codes_bytes = bd_store_codes_bytes(d);
    if (d->flags & BD_FLAG_STORE_STREAM)
        d->store_z_bytes = bd_store_z_bytes(d, &p->header);
}

/* ---- what hardware cannot run ------------------------------------------------------------------------------- */

static bd_status check_operation(const struct bd_plan *p, int l, struct bd_error *err)
{
    const struct bd_plain_layer *layer = &p->network->layers[l];
    const bool pool = layer->operation == BD_OP_POOL;
    if (!pool && p->layers[l].most_of_a_channel * (layer->in_channels / layer->groups) >= 2147483648.0)
        return bd_fail(err, BD_BAD_INPUT, "layer '%s': accumulator may exceed 32 bits", layer->name);
    if (p->reference_only)
        return BD_OK;
    const char *lacks = pool ? bd_pool_kinds[layer->pool_kind].lacks
                        : layer->kernel_h != layer->kernel_w
                            ? "kernels that are not square"
                            : bd_rtl_lacks(layer->groups, layer->kernel_h, layer->stride, layer->pad);
    return lacks ? bd_fail(err, BD_BAD_INPUT, "layer '%s' needs %s, which the RTL does not have", layer->name, lacks)
                 : BD_OK;
}

/* The residual buffer and the weight buffer hold one layer's at a time: the largest decides. */
static bd_status check_buffers(const struct bd_plan *p, struct bd_error *err)
{
    const struct bd_program_header *h = &p->header;
    int z_layer = 0, weight_layer = 0;
    uint64_t z_words = 0, weight_words = 0;
    for (int l = 0; l < p->network->layer_count; l++) {
        const struct bd_descriptor *d = bd_plan_descriptor(p, p->first_switch, l);
        const uint64_t z = d->flags & BD_FLAG_WRITE_STREAM
                               ? (uint64_t)d->out_height * d->out_width * d->row_groups * (h->rows / h->requant_units)
                               : 0;
        const uint64_t weights = (uint64_t)d->k_words * p->layers[l].most_weight_bits;
        if (z > z_words) {
            z_words = z;
            z_layer = l;
        }
        if (weights > weight_words) {
            weight_words = weights;
            weight_layer = l;
        }
    }
    if (z_words > h->z_words)
        return bd_plan_refuse_size(p, z_layer, "its residual map needs", z_words, "residual buffer (z_words)",
                                   h->z_words, err);
    if (weight_words > h->weight_words)
        return bd_plan_refuse_size(p, weight_layer, "its weights of one row group need", weight_words,
                                   "weight buffer (weight_words)", h->weight_words, err);
    return BD_OK;
}

/* What the RTL refuses of a descriptor, said of the layer. A price knows no requantizer numbers: pack.c looks at them.
 */
static bd_status check_device(const struct bd_plan *p, struct bd_error *err)
{
    struct bd_refusal refusal;
    for (int i = 0; i < p->switch_count; i++)
        for (int l = 0; l < p->network->layer_count; l++) {
            struct bd_descriptor d = *bd_plan_descriptor(p, p->first_switch + i, l);
            d.shift = d.code_multiplier = d.code_shift = d.residual_shift = 0;
            d.residual_multiplier = 1;
            if (!bd_device_takes(&d, &p->header, (uint32_t)l, (uint32_t)p->network->layer_count, &refusal))
                return bd_fail(err, BD_BAD_INPUT, "layer '%s' of '%s' cannot run on hardware '%s': %s",
                               p->network->layers[l].name, p->network->name, p->hardware->name, refusal.why);
        }
    return BD_OK;
}

/* ---- offsets ------------------------------------------------------------------------------------------------ */

static bool has_descriptors(const struct bd_plan *p, int s)
{
    return s >= p->first_switch && s < p->first_switch + p->switch_count;
}

static uint64_t place_tables(struct bd_plan *p, uint64_t at)
{
    for (int s = 0; s < p->network->switch_count; s++)
        for (int l = 0; l < p->network->layer_count; l++) {
            if (has_descriptors(p, s))
                bd_plan_descriptor(p, s, l)->table_offset = (uint32_t)at;
            const uint64_t groups = bd_plan_descriptor(p, p->first_switch, l)->row_groups;
            at = align(at + groups * p->layers[l].table_stride[s]);
        }
    return at;
}

/* Planes of one layer, for every switch that stores some. */
static uint64_t place_weights(struct bd_plan *p, int l, uint64_t at)
{
    const struct bd_plan_layer *keep = &p->layers[l];
    const struct bd_descriptor *first = bd_plan_descriptor(p, p->first_switch, l);
    const uint64_t plane = (uint64_t)first->row_groups * bd_plane_bytes(&p->header, first->k_words);
    uint32_t offsets[BD_PROGRAM_MAX_SWITCHES];
    for (int i = 0; i < keep->store_count; i++) {
        offsets[keep->store_switch[i]] = (uint32_t)at;
        at = align(at + plane * keep->store_planes[i]);
    }
    for (int i = 0; i < p->switch_count; i++)
        bd_plan_descriptor(p, p->first_switch + i, l)->weight_offset = offsets[keep->stored_by[p->first_switch + i]];
    return at;
}

static bd_status place_all(struct bd_plan *p, struct bd_error *err)
{
    struct bd_program_header *h = &p->header;
    uint64_t store = 0, most = 0, at = place_tables(p, h->table_offset);
    h->table_bytes = (uint32_t)(at - h->table_offset);
    h->weight_offset = (uint32_t)at;
    for (int l = 0; l < p->network->layer_count; l++) {
        const struct bd_descriptor *first = bd_plan_descriptor(p, p->first_switch, l);
        if (first->operation == BD_OP_CONV)
            at = place_weights(p, l, at);
        const uint64_t values = (uint64_t)first->out_height * first->out_width * first->row_groups * h->rows;
        most = values > most ? values : most;
        const uint64_t codes = align(first->store_codes_bytes), z = align(first->store_z_bytes);
        for (int i = 0; i < p->switch_count; i++) {
            struct bd_descriptor *d = bd_plan_descriptor(p, p->first_switch + i, l);
            d->store_codes_offset = (uint32_t)store;
            d->store_z_offset = (uint32_t)(store + codes);
        }
        store += codes + z;
    }
    if (at > UINT32_MAX || store > UINT32_MAX || 4 * most > UINT32_MAX)
        return bd_fail(err, BD_BAD_INPUT, "network '%s' exceeds the 4 GiB of a program image and of its stores",
                       p->network->name);
    h->weight_bytes = (uint32_t)(at - h->weight_offset);
    h->store_bytes = (uint32_t)store;
    h->image_bytes = at;
    return BD_OK;
}

bd_status bd_plan_make(struct bd_plan *p, struct bd_error *err)
{
    const struct bd_plain_network *net = p->network;
    const struct bd_plain_layer *first = &net->layers[0], *last = &net->layers[net->layer_count - 1];
    struct bd_program_header *h = &p->header;
    if (net->classes != last->out_channels)
        return bd_fail(err, BD_BAD_INPUT, "network '%s': the last layer has %d channels for %d classes", net->name,
                       last->out_channels, net->classes);
    h->input_height = (uint32_t)first->in_height;
    h->input_width = (uint32_t)first->in_width;
    h->input_channels = (uint32_t)first->in_channels;
    h->input_bytes = h->input_height * h->input_width * h->input_channels;
    h->output_bytes = ((uint32_t)last->out_channels + h->rows - 1) / h->rows * h->rows * 4;
    for (int l = 0; l < net->layer_count; l++)
        if (check_operation(p, l, err))
            return err->status;
    if (bd_plan_collect_tensors(p, err) || bd_plan_place_tensors(p, err))
        return err->status;
    for (int i = 0; i < p->switch_count; i++)
        for (int l = 0; l < net->layer_count; l++)
            fill_descriptor(p, p->first_switch + i, l);
    if (!p->reference_only && (check_buffers(p, err) || check_device(p, err)))
        return err->status;
    return place_all(p, err);
}
