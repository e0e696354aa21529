#include "model/cost/shape.h"

#include <string.h>

#include "model/program/layout.h"
#include "model/program/pack.h"

#define IM2COL_MAX_CHANNELS 4
#define IM2COL_MAX_WIDTH 256

struct shaper {
    const struct bd_graph *graph;
    const struct bd_hardware *hardware;
    const struct bd_program_header *header;
    bool im2col;
    struct bd_tensor_layout layouts[BD_MAX_LAYERS + 1]; /* by quantizer */
};

static uint64_t align(uint64_t v)
{
    return (v + BD_PROGRAM_ALIGN - 1) / BD_PROGRAM_ALIGN * BD_PROGRAM_ALIGN;
}

static void lay_out_tensors(struct shaper *s)
{
    const struct bd_graph *graph = s->graph;
    uint32_t kernel[BD_MAX_LAYERS + 1] = {0}, pad[BD_MAX_LAYERS + 1] = {0};
    for (int l = 0; l < graph->layer_count; l++) {
        const struct bd_layer *layer = &graph->layers[l];
        if (layer->in_quantizer >= 0) {
            uint32_t *k = &kernel[layer->in_quantizer], *p = &pad[layer->in_quantizer];
            *k = (uint32_t)layer->kernel_w > *k ? (uint32_t)layer->kernel_w : *k;
            *p = (uint32_t)layer->pad > *p ? (uint32_t)layer->pad : *p;
        }
    }
    for (int q = 0; q < graph->quantizer_count; q++) {
        const struct bd_quantizer *quantizer = &graph->quantizers[q];
        s->layouts[q] = bd_tensor_layout((uint32_t)s->hardware->rows, (uint32_t)s->hardware->lanes,
                                         (uint32_t)quantizer->height, (uint32_t)quantizer->width,
                                         (uint32_t)quantizer->channels, kernel[q] ? kernel[q] : 1, pad[q]);
    }
    const struct bd_layer *first = &graph->layers[0];
    s->im2col = first->kernel_h == 3 && first->kernel_w == 3 && first->pad == 1 && first->groups == 1 &&
                first->in_channels <= IM2COL_MAX_CHANNELS && 9 * first->in_channels <= s->hardware->lanes &&
                first->in_width <= IM2COL_MAX_WIDTH;
    if (s->im2col) {
        s->layouts[0] = (struct bd_tensor_layout){.slots = 1,
                                                  .slot_lanes = 9 * (uint32_t)first->in_channels,
                                                  .pixel_words = 1,
                                                  .pitch = (uint32_t)first->out_width};
    }
}

static uint32_t layer_flags(const struct shaper *s, const struct bd_layer *layer, const struct bd_switch *sw)
{
    const struct bd_graph *graph = s->graph;
    uint32_t flags = 0;
    if (layer == &graph->layers[0]) {
        flags |= BD_FLAG_LOAD_INPUT | (s->im2col ? BD_FLAG_IM2COL : 0);
    }
    if (layer->out_quantizer >= 0) {
        flags |= BD_FLAG_WRITE_CODES | BD_FLAG_STORE_CODES;
        flags |= bd_quantizer_signed(&graph->quantizers[layer->out_quantizer], sw) ? BD_FLAG_OUT_SIGNED : 0;
    }
    if (layer->adds_stream) {
        flags |= BD_FLAG_ADD_STREAM;
    }
    if (layer->writes_stream) {
        flags |= BD_FLAG_WRITE_STREAM | BD_FLAG_STORE_STREAM;
    }
    if (layer == &graph->layers[graph->layer_count - 1]) {
        flags |= BD_FLAG_RESULT | BD_FLAG_LAST | BD_FLAG_WRITE_STREAM | BD_FLAG_STORE_STREAM;
    }
    if (layer->in_quantizer >= 0 && bd_quantizer_signed(&graph->quantizers[layer->in_quantizer], sw)) {
        flags |= BD_FLAG_IN_SIGNED;
    }
    return flags;
}

/* The cheaper datapath that the hardware has; XNOR among equals. */
static void choose_datapath(const struct shaper *s, struct bd_descriptor *d)
{
    d->datapath = s->hardware->mac && d->operation == BD_OP_CONV ? BD_DATAPATH_MAC : BD_DATAPATH_XNOR;
    bd_descriptor_derive(d, s->header);
    if (d->datapath == BD_DATAPATH_MAC && s->hardware->xnor) {
        struct bd_descriptor other = *d;
        other.datapath = BD_DATAPATH_XNOR;
        bd_descriptor_derive(&other, s->header);
        if (other.initiation_interval <= d->initiation_interval) {
            *d = other;
        }
    }
}

static void put_layouts(const struct shaper *s, const struct bd_layer *layer, struct bd_descriptor *d)
{
    if (layer->in_quantizer >= 0) {
        const struct bd_tensor_layout *t = &s->layouts[layer->in_quantizer];
        d->in_slots = t->slots;
        d->in_slot_lanes = t->slot_lanes;
        d->in_pixel_words = t->pixel_words;
        d->in_pitch = t->pitch;
        d->in_left = t->left;
    }
    if (layer->out_quantizer >= 0) {
        const struct bd_tensor_layout *t = &s->layouts[layer->out_quantizer];
        d->out_slots = t->slots;
        d->out_slot_lanes = t->slot_lanes;
        d->out_pixel_words = t->pixel_words;
        d->out_pitch = t->pitch;
        d->out_left = t->left;
    }
}

static void fill(const struct shaper *s, int l, const struct bd_switch *sw, struct bd_descriptor *d)
{
    const struct bd_graph *graph = s->graph;
    const struct bd_layer *layer = &graph->layers[l];
    bool conv = bd_layer_has_weights(layer);
    *d = (struct bd_descriptor){.operation = conv ? BD_OP_CONV : BD_OP_POOL,
                                .flags = layer_flags(s, layer, sw),
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
                                .layer = (uint32_t)l};
    if (conv) {
        d->weight_bits = (uint32_t)bd_layer_weight_bits(layer, sw);
        d->in_bits = (uint32_t)bd_quantizer_bits(&graph->quantizers[layer->in_quantizer], sw);
    }
    if (layer->out_quantizer >= 0) {
        d->out_bits = (uint32_t)bd_quantizer_bits(&graph->quantizers[layer->out_quantizer], sw);
    }
    put_layouts(s, layer, d);
    d->presets = (d->flags & BD_FLAG_IN_SIGNED) && layer->pad > 0 ? 16 : 1;
    choose_datapath(s, d);
    d->table_stride = bd_table_bytes(s->header, d->presets);
    if (conv) {
        uint32_t planes = layer->weight_bits ? (uint32_t)layer->weight_bits : 8;
        d->weight_stride = planes * bd_plane_bytes(s->header, d->k_words);
        d->weight_bytes = d->weight_bits * bd_plane_bytes(s->header, d->k_words);
    }
    if (d->flags & BD_FLAG_STORE_CODES) {
        d->store_codes_bytes = bd_store_codes_bytes(d);
    }
    if (d->flags & BD_FLAG_STORE_STREAM) {
        d->store_z_bytes = bd_store_z_bytes(d, s->header);
    }
}

/* Bytes of a layer's tables at a switch: only the presets depend on it. */
static uint64_t table_bytes(const struct shaper *s, int l, const struct bd_switch *sw, const struct bd_descriptor *d)
{
    const struct bd_layer *layer = &s->graph->layers[l];
    bool is_signed = layer->in_quantizer >= 0 && bd_quantizer_signed(&s->graph->quantizers[layer->in_quantizer], sw);
    return align((uint64_t)d->row_groups * bd_table_bytes(s->header, is_signed && layer->pad > 0 ? 16 : 1));
}

/* Offsets in the image, which decide where bursts meet 4 KiB. */
static void place(const struct shaper *s, int switch_index, struct bd_shape *shape)
{
    const struct bd_graph *graph = s->graph;
    struct bd_program_header *h = &shape->header;
    uint64_t at = align(sizeof(*h) + (uint64_t)graph->switch_count * sizeof(struct bd_program_switch));
    at = align(at + (uint64_t)graph->layer_count * BD_PROGRAM_NAME);
    h->descriptor_offset = (uint32_t)at;
    h->switch_stride = (uint32_t)((size_t)graph->layer_count * sizeof(struct bd_descriptor));
    at = align(at + (uint64_t)graph->switch_count * h->switch_stride);
    h->table_offset = (uint32_t)at;
    for (int k = 0; k < graph->switch_count; k++) {
        for (int l = 0; l < graph->layer_count; l++) {
            struct bd_descriptor *d = &shape->descriptors[l];
            if (k == switch_index) {
                d->table_offset = (uint32_t)at;
            }
            at += table_bytes(s, l, &graph->switches[k], d);
        }
    }
    h->table_bytes = (uint32_t)at - h->table_offset;
    h->weight_offset = (uint32_t)at;
    uint64_t store = 0;
    for (int l = 0; l < graph->layer_count; l++) {
        struct bd_descriptor *d = &shape->descriptors[l];
        uint64_t weights = align((uint64_t)d->row_groups * d->weight_stride);
        d->weight_offset = weights ? (uint32_t)at : 0;
        at += weights;
        d->store_codes_offset = (uint32_t)store;
        d->store_z_offset = (uint32_t)(store + align(d->store_codes_bytes));
        store += align(d->store_codes_bytes) + align(d->store_z_bytes);
    }
    h->weight_bytes = (uint32_t)at - h->weight_offset;
    h->store_bytes = (uint32_t)store;
    h->image_bytes = at;
}

static bd_status check_room(const struct shaper *s, const struct bd_shape *shape, struct bd_error *err)
{
    const struct bd_hardware *hw = s->hardware;
    for (int l = 0; l < s->graph->layer_count; l++) {
        const struct bd_descriptor *d = &shape->descriptors[l];
        uint64_t z_words =
            (uint64_t)d->out_height * d->out_width * d->row_groups * (uint64_t)(hw->rows / hw->requant_units);
        if ((d->flags & BD_FLAG_WRITE_STREAM) && z_words > (uint64_t)hw->z_words) {
            return bd_fail(err, BD_BAD_INPUT, "layer '%s' exceeds the residual buffer (z_words) of '%s'",
                           s->graph->layers[l].name, hw->name);
        }
        if ((uint64_t)d->k_words * d->weight_bits > (uint64_t)hw->weight_words) {
            return bd_fail(err, BD_BAD_INPUT, "layer '%s' exceeds the weight buffer (weight_words) of '%s'",
                           s->graph->layers[l].name, hw->name);
        }
    }
    return BD_OK;
}

/* Limits of the RTL, as bd_pack has them for images. */
bd_status bd_shape_check(const struct bd_graph *graph, int switch_index, struct bd_error *err)
{
    const struct bd_switch *sw = &graph->switches[switch_index];
    for (int l = 0; l < graph->layer_count; l++) {
        const struct bd_layer *layer = &graph->layers[l];
        if (layer->kind == BD_LAYER_POOL) {
            continue;
        }
        const bool reads = layer->in_quantizer >= 0;
        const char *needs = NULL;
        if (reads && bd_quantizer_bits(&graph->quantizers[layer->in_quantizer], sw) > 8) {
            needs = "float activations";
        } else if (layer->weight_bits > 8) {
            needs = "float weights";
        } else {
            needs = bd_rtl_lacks(layer->kind == BD_LAYER_MAXPOOL, layer->groups, bd_layer_side(layer) * layer->kernel_h,
                                 layer->stride, layer->pad);
        }
        if (needs) {
            return bd_fail(err, BD_BAD_INPUT, "layer '%s' needs %s, which the RTL does not have", layer->name, needs);
        }
    }
    return BD_OK;
}

bd_status bd_shape_graph(const struct bd_graph *graph, const struct bd_hardware *hardware, int switch_index,
                         struct bd_shape *shape, struct bd_error *err)
{
    if (bd_shape_check(graph, switch_index, err)) {
        return err->status;
    }
    struct bd_program_header *h = &shape->header;
    const struct bd_layer *last = &graph->layers[graph->layer_count - 1];
    *h = (struct bd_program_header){.rows = (uint32_t)hardware->rows,
                                    .lanes = (uint32_t)hardware->lanes,
                                    .mac_lanes = (uint32_t)hardware->mac_lanes,
                                    .requant_units = (uint32_t)hardware->requant_units,
                                    .layer_count = (uint32_t)graph->layer_count,
                                    .switch_count = (uint32_t)graph->switch_count,
                                    .classes = (uint32_t)graph->classes,
                                    .input_height = (uint32_t)graph->input_height,
                                    .input_width = (uint32_t)graph->input_width,
                                    .input_channels = (uint32_t)graph->input_channels,
                                    .input_bytes =
                                        (uint32_t)(graph->input_height * graph->input_width * graph->input_channels)};
    h->output_bytes = ((uint32_t)last->out_channels + h->rows - 1) / h->rows * h->rows * 4;
    struct shaper s = {.graph = graph, .hardware = hardware, .header = h};
    lay_out_tensors(&s);
    for (int l = 0; l < graph->layer_count; l++) {
        fill(&s, l, &graph->switches[switch_index], &shape->descriptors[l]);
    }
    place(&s, switch_index, shape);
    return check_room(&s, shape, err);
}
