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

bd_status bd_plan_refuse(const struct bd_plan *p, int layer, const char *why, struct bd_error *err)
{
    return bd_fail(err, BD_BAD_INPUT, "layer '%s' of '%s' cannot run on hardware '%s': %s",
                   p->network->layers[layer].name, p->network->name, p->hardware->name, why);
}

bd_status bd_plan_refuse_size(const struct bd_plan *p, int layer, const char *what, uint64_t needed, const char *memory,
                              uint64_t size, struct bd_error *err)
{
    char why[160];
    snprintf(why, sizeof why, "%s %llu words of the %s, which has %llu", what, (unsigned long long)needed, memory,
             (unsigned long long)size);
    return bd_plan_refuse(p, layer, why, err);
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

int bd_plan_stored_by(const struct bd_plan *p, int s, int l)
{
    return p->layers[l].stored_by[s];
}

uint32_t bd_plan_planes(const struct bd_plan *p, int s, int l)
{
    return p->layers[l].planes[p->layers[l].stored_by[s]];
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
        if (layer->in_tensor == 0 && at->in_bits != 8)
            return bd_plan_refuse(p, l, "it reads the image as codes of fewer than 8 bits", err);
        if (at->datapath >= 0 && !(at->datapath == BD_DATAPATH_XNOR ? p->hardware->xnor : p->hardware->mac))
            return bd_plan_refuse(p, l, "it asks for a datapath that is left out", err);
    }
    return BD_OK;
}

static void start_header(struct bd_plan *p)
{
    const struct bd_plain_network *net = p->source;
    const struct bd_hardware *hw = p->hardware;
    const int switches = net->switch_count;
    struct bd_program_header *h = &p->header;
    *h = (struct bd_program_header){
        .magic = BD_PROGRAM_MAGIC,
        .version = BD_PROGRAM_VERSION,
        .header_bytes = sizeof *h,
        .geometry_hash = p->reference_only ? BD_GEOMETRY_REFERENCE : bd_hardware_geometry_hash(hw),
        .rows = (uint32_t)hw->rows,
        .requant_units = (uint32_t)hw->requant_units,
        .mac_channels = (uint32_t)hw->mac_channels,
        .datapaths = (hw->xnor ? 1u : 0) | (hw->mac ? 2u : 0),
        .acc_bits = (uint32_t)hw->acc_bits,
        .mult_bits = (uint32_t)hw->mult_bits,
        .act_words = (uint32_t)hw->act_words,
        .z_words = (uint32_t)hw->z_words,
        .weight_words = (uint32_t)hw->weight_words,
        .table_words = (uint32_t)hw->table_words,
        .correct_words = (uint32_t)hw->correct_words,
        .descriptors = (uint32_t)hw->descriptors,
        .switch_count = (uint32_t)switches,
        .classes = (uint32_t)net->classes,
        .switch_offset = sizeof *h,
    };
    snprintf(h->network, sizeof h->network, "%s", net->name);
    h->name_offset = (uint32_t)align(h->switch_offset + (uint64_t)switches * sizeof(struct bd_program_switch));
}

static void count_layers(struct bd_plan *p)
{
    struct bd_program_header *h = &p->header;
    const int layers = p->network->layer_count, switches = p->network->switch_count;
    h->layer_count = (uint32_t)layers;
    h->load_offset = (uint32_t)align(h->name_offset + (uint64_t)layers * BD_PROGRAM_NAME);
    h->descriptor_offset = h->load_offset + (uint32_t)sizeof(struct bd_load_descriptor);
    h->switch_stride = (uint32_t)(layers * sizeof(struct bd_descriptor));
    h->table_offset = (uint32_t)align(h->descriptor_offset + (uint64_t)switches * h->switch_stride);
}

bd_status bd_plan_open(struct bd_plan *p, const struct bd_plain_network *net, const struct bd_hardware *hw,
                       bool reference_only, struct bd_error *err)
{
    *p = (struct bd_plan){.source = net, .network = net, .hardware = hw, .reference_only = reference_only};
    if (net->layer_count < 1 || net->layer_count > BD_PROGRAM_MAX_LAYERS || net->switch_count < 1 ||
        net->switch_count > BD_PROGRAM_MAX_SWITCHES)
        return bd_fail(err, BD_BAD_INPUT, "network '%s': %d layers and %d switches; a program holds 1..%d and 1..%d",
                       net->name, net->layer_count, net->switch_count, BD_PROGRAM_MAX_LAYERS, BD_PROGRAM_MAX_SWITCHES);
    if (net->layers[0].operation != BD_OP_CONV || net->layers[0].in_tensor != 0)
        return bd_fail(err, BD_BAD_INPUT, "network '%s': the first layer must read the input", net->name);
    start_header(p);
    p->descriptors = bd_xcalloc((size_t)net->layer_count * net->switch_count, sizeof *p->descriptors);
    p->tensors = bd_xcalloc(BD_PLAN_MAX_TENSORS, sizeof *p->tensors);
    p->layers = bd_xcalloc((size_t)net->layer_count, sizeof *p->layers);
    p->cut_datapaths = bd_xcalloc((size_t)net->layer_count * net->switch_count, sizeof *p->cut_datapaths);
    for (int l = 0; l < net->layer_count; l++)
        if (check_bits(p, l, err))
            return err->status;
    return BD_OK;
}

void bd_plan_release(struct bd_plan *p)
{
    free(p->descriptors);
    free(p->tensors);
    free(p->layers);
    free(p->cut_datapaths);
    bd_plan_cut_release(p);
    memset(p, 0, sizeof *p);
}

/* ---- descriptors -------------------------------------------------------------------------------------------- */

static bool is_depthwise(const struct bd_plain_layer *layer)
{
    return layer->groups > 1 && layer->groups == layer->in_channels && layer->groups == layer->out_channels;
}

/* Codes of one bit leave and nothing else: a comparison makes them. */
static bool sign_only(const struct bd_plan *p, int l, int s)
{
    const struct bd_plain_layer *layer = &p->network->layers[l];
    return !p->reference_only && layer->operation == BD_OP_CONV && layer->out_tensor >= 0 &&
           layer->at[s].out_bits == 1 && !layer->writes_stream && !layer->adds_stream &&
           l != p->network->layer_count - 1;
}

static uint32_t layer_flags(const struct bd_plan *p, int l, int s)
{
    const struct bd_plain_layer *layer = &p->network->layers[l];
    const struct bd_plan_band *band = p->bands ? &p->bands[l] : NULL;
    uint32_t flags = l == 0 || (band && band->image) ? BD_FLAG_LOAD_INPUT : 0;
    if (layer->operation == BD_OP_LOAD)
        return flags | BD_FLAG_LOAD | (layer->out_tensor >= 0 ? BD_FLAG_WRITE_CODES : BD_FLAG_WRITE_STREAM) |
               (layer->at[s].out_signed ? BD_FLAG_OUT_SIGNED : 0);
    if (band && band->codes_map >= 0)
        flags |= BD_FLAG_SPILL_CODES;
    if (band && band->stream_map >= 0)
        flags |= BD_FLAG_SPILL_STREAM;
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
    if (is_depthwise(layer))
        flags |= BD_FLAG_DEPTHWISE;
    if (layer->operation == BD_OP_CONV &&
        (layer->at[s].weight_zero_point || (layer->at[s].in_signed && layer->pad > 0)))
        flags |= BD_FLAG_CORRECT;
    if (sign_only(p, l, s))
        flags |= BD_FLAG_SIGN_ONLY;
    return flags;
}

/* Shape and flags of what is brought back from memory. */
static void start_load(struct bd_plan *p, int s, int l)
{
    const struct bd_plain_layer *layer = &p->network->layers[l];
    *bd_plan_descriptor(p, s, l) = (struct bd_descriptor){.operation = BD_OP_LOAD,
                                                          .flags = layer_flags(p, l, s),
                                                          .in_bits = (uint32_t)layer->at[s].out_bits,
                                                          .out_bits = (uint32_t)layer->at[s].out_bits,
                                                          .in_height = (uint32_t)layer->out_height,
                                                          .in_width = (uint32_t)layer->out_width,
                                                          .in_channels = (uint32_t)layer->out_channels,
                                                          .out_height = (uint32_t)layer->out_height,
                                                          .out_width = (uint32_t)layer->out_width,
                                                          .out_channels = (uint32_t)layer->out_channels};
}

/* Shape, flags and numbers; what is derived and placed comes later. */
static void start_descriptor(struct bd_plan *p, int s, int l)
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
                                .weight_zero_point = (uint32_t)at->weight_zero_point};
    if (d->flags & BD_FLAG_SIGN_ONLY) {
        d->shift = d->code_shift = 0;
        d->code_multiplier = 1;
        d->code_offset = 1;
    }
    if (d->flags & BD_FLAG_STORE_CODES)
        d->store_codes_bytes = bd_store_codes_bytes(d);
    if (d->flags & BD_FLAG_STORE_STREAM)
        d->store_z_bytes = bd_store_z_bytes(d, &p->header);
    if (p->bands) {
        d->pad_top -= (uint32_t)p->bands[l].cut_top;
        d->pad_bottom -= (uint32_t)p->bands[l].cut_bottom;
    }
}

/* ---- what hardware cannot run ------------------------------------------------------------------------------- */

static bd_status check_operation(const struct bd_plan *p, int l, struct bd_error *err)
{
    const struct bd_plain_layer *layer = &p->network->layers[l];
    if (layer->operation == BD_OP_POOL)
        return BD_OK;
    const double taps = (double)layer->kernel_h * layer->kernel_w * (layer->in_channels / layer->groups);
    for (int s = 0; s < p->network->switch_count; s++)
        if (taps * ((1 << layer->at[s].weight_bits) - 1) * ((1 << layer->at[s].in_bits) - 1) >= 2147483648.0)
            return bd_fail(err, BD_BAD_INPUT, "layer '%s': accumulator may exceed 32 bits", layer->name);
    if (p->reference_only)
        return BD_OK;
    const int side = layer->kernel_h > layer->kernel_w ? layer->kernel_h : layer->kernel_w;
    const char *lacks = bd_rtl_lacks(is_depthwise(layer) ? 1 : layer->groups, side, layer->stride, layer->pad);
    if (lacks)
        return bd_fail(err, BD_BAD_INPUT, "layer '%s' needs %s, which the RTL does not have", layer->name, lacks);
    return BD_OK;
}

/* What the RTL refuses of a descriptor, said of the layer. A price knows no requantizer numbers: pack.c looks at them.
 */
static bd_status check_device(const struct bd_plan *p, int first, int count, struct bd_error *err)
{
    struct bd_refusal refusal;
    for (int s = 0; s < p->network->switch_count; s++)
        for (int l = first; l < first + count; l++) {
            struct bd_descriptor d = *bd_plan_descriptor(p, s, l);
            d.shift = d.code_multiplier = d.code_shift = d.residual_shift = 0;
            d.residual_multiplier = 1;
            if (!bd_device_takes(&d, &p->header, (uint32_t)l, (uint32_t)p->network->layer_count, &refusal))
                return bd_plan_refuse(p, l, refusal.why, err);
        }
    return BD_OK;
}

/* Tensors and descriptors of the network, whole or in bands, before anything is placed. */
static bd_status describe(struct bd_plan *p, struct bd_error *err)
{
    const struct bd_plain_network *net = p->network;
    count_layers(p);
    if (bd_plan_collect_tensors(p, err))
        return err->status;
    for (int s = 0; s < net->switch_count; s++)
        for (int l = 0; l < net->layer_count; l++)
            net->layers[l].operation == BD_OP_LOAD ? start_load(p, s, l) : start_descriptor(p, s, l);
    return bd_plan_choose_datapaths(p, 0, net->layer_count, err);
}

static bd_status lay_out(struct bd_plan *p, struct bd_error *err)
{
    p->miss = (struct bd_plan_miss){0};
    if (describe(p, err) || bd_plan_place_tensors(p, err))
        return err->status;
    return bd_plan_place_stream(p, err);
}

/* Cuts the network in bands until its maps fit. *whole, where not NULL, is what the uncut network misses. */
static bd_status cut_to_fit(struct bd_plan *p, struct bd_plan_miss *whole, struct bd_error *err)
{
    p->network = p->source;
    p->bands = NULL;
    while (lay_out(p, err)) {
        if (whole && !p->bands)
            *whole = p->miss;
        const int layer = p->bands ? p->bands[p->miss.layer].source : p->miss.layer;
        if (!bd_plan_cut_more(p)) {
            p->miss.layer = layer;
            return err->status;
        }
        const size_t count = (size_t)p->network->layer_count;
        p->descriptors = bd_xrealloc(p->descriptors, count * (size_t)p->network->switch_count, sizeof *p->descriptors);
        p->layers = bd_xrealloc(p->layers, count, sizeof *p->layers);
    }
    return BD_OK;
}

bd_status bd_plan_uncut(struct bd_plan *p, struct bd_error *err)
{
    p->network = p->source;
    p->bands = NULL;
    return describe(p, err);
}

/* Says with how much of the memory that is too small the network would fit. */
static bd_status refuse_maps(struct bd_plan *p, const struct bd_plan_miss *uncut, struct bd_error *err)
{
    const struct bd_plan_miss whole = *uncut;
    struct bd_plan_miss miss = p->miss;
    struct bd_error ignored;
    const bool activations = miss.memory == BD_PLAN_ACTIVATIONS;
    uint32_t *size = activations ? &p->header.act_words : &p->header.z_words;
    const uint32_t has = *size, most = whole.memory == miss.memory ? (uint32_t)whole.needed : UINT32_MAX;
    const uint64_t least = bd_plan_least(p, miss.memory, &miss.layer);
    uint32_t low = has, high = most;
    bool helps = false;
    if (least > has && least <= UINT32_MAX) { /* no less does; nearly always that much does */
        low = (uint32_t)least - 1;
        *size = (uint32_t)least;
        helps = cut_to_fit(p, NULL, &ignored) == BD_OK;
        high = helps ? *size : most;
    }
    if (!helps) {
        *size = high;
        helps = cut_to_fit(p, NULL, &ignored) == BD_OK;
    }
    while (helps && high - low > 1) { /* the least with which it fits */
        *size = low + (high - low) / 2;
        if (cut_to_fit(p, NULL, &ignored) == BD_OK) {
            high = *size;
        } else {
            low = *size;
            miss.layer = p->miss.layer;
        }
    }
    *size = has;
    if (bd_plan_uncut(p, &ignored))
        return err->status;
    if (!helps && miss.layers)
        return bd_fail(err, BD_BAD_INPUT,
                       "network '%s' does not fit hardware '%s': with its maps in bands it has %d layers; a program "
                       "holds %d",
                       p->source->name, p->hardware->name, miss.layers, BD_PROGRAM_MAX_LAYERS);
    if (!helps)
        return err->status;
    return activations ? bd_plan_refuse_size(p, miss.layer, "its activations need", high,
                                             "activation memory (act_words)", has, err)
                       : bd_plan_refuse_size(p, miss.layer, "its residual map needs", high, "residual memory (z_words)",
                                             has, err);
}

static bd_status lay_out_maps(struct bd_plan *p, struct bd_error *err)
{
    struct bd_plan_miss whole = {0};
    const bd_status status = cut_to_fit(p, &whole, err);
    return status == BD_OK || p->miss.memory == BD_PLAN_FITS ? status : refuse_maps(p, &whole, err);
}

int bd_plan_layer_at(const struct bd_plan *p, int l, int *count)
{
    int first = l, end = l + 1;
    if (p->bands) {
        for (first = 0; p->bands[first].source != l;)
            first++;
        for (end = first; end < p->network->layer_count && p->bands[end].source == l;)
            end++;
    }
    *count = end - first;
    return first;
}

bd_status bd_plan_make(struct bd_plan *p, struct bd_error *err)
{
    p->network = p->source;
    p->bands = NULL;
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
    if (lay_out_maps(p, err))
        return err->status;
    for (int l = 0; l < p->network->layer_count; l++)
        bd_plan_measure(p, l);
    if (bd_plan_place_memories(p, err) || bd_plan_place_stores(p, err))
        return err->status;
    return p->reference_only ? BD_OK : check_device(p, 0, p->network->layer_count, err);
}

bd_status bd_plan_make_layer(struct bd_plan *p, int l, struct bd_error *err)
{
    const int out_tensor = p->network->layers[l].out_tensor;
    if (check_operation(p, l, err))
        return err->status;
    for (int s = 0; s < p->network->switch_count; s++)
        start_descriptor(p, s, l);
    if (l == 0)
        bd_plan_image_layout(p);
    if (bd_plan_choose_datapaths(p, l, 1, err))
        return err->status;
    if (out_tensor >= 0)
        p->tensors[out_tensor].channels = (uint32_t)p->network->layers[l].out_channels;
    bd_plan_measure(p, l);
    return check_device(p, l, 1, err);
}

size_t bd_plan_layer_bytes(const struct bd_plan *p)
{
    return (size_t)p->network->switch_count * sizeof *p->descriptors + sizeof *p->layers;
}

void bd_plan_keep_layer(const struct bd_plan *p, int l, void *kept)
{
    char *at = kept;
    memcpy(at, &p->layers[l], sizeof *p->layers);
    at += sizeof *p->layers;
    for (int s = 0; s < p->network->switch_count; s++)
        memcpy(at + (size_t)s * sizeof *p->descriptors, bd_plan_descriptor(p, s, l), sizeof *p->descriptors);
}

void bd_plan_put_layer(struct bd_plan *p, int l, const void *kept)
{
    const int out_tensor = p->network->layers[l].out_tensor;
    const char *at = kept;
    memcpy(&p->layers[l], at, sizeof *p->layers);
    at += sizeof *p->layers;
    for (int s = 0; s < p->network->switch_count; s++)
        memcpy(bd_plan_descriptor(p, s, l), at + (size_t)s * sizeof *p->descriptors, sizeof *p->descriptors);
    if (out_tensor >= 0)
        p->tensors[out_tensor].channels = bd_plan_descriptor(p, 0, l)->out_channels;
    if (l == 0)
        p->tensors[0].layout = bd_plan_descriptor(p, 0, 0)->in_layout;
}

bd_status bd_plan_place(struct bd_plan *p, struct bd_error *err)
{
    p->miss = (struct bd_plan_miss){0};
    return bd_plan_place_tensors(p, err) || bd_plan_place_stream(p, err) || bd_plan_place_memories(p, err)
               ? err->status
               : bd_plan_place_stores(p, err);
}
