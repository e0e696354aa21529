/* Activations in the activation buffer, by lifetime. */
#include "model/program/plan_parts.h"
static bd_status note_tensor(struct bd_plan *p, int index, struct bd_error *err)
{
    if (index < 0 || index >= BD_PLAN_MAX_TENSORS)
        return bd_fail(err, BD_BAD_INPUT, "tensor index %d is outside 0..%d", index, BD_PLAN_MAX_TENSORS - 1);
    if (index >= p->tensor_count) {
        for (int i = p->tensor_count; i <= index; i++)
            p->tensors[i].used = false;
        p->tensor_count = index + 1;
    }
    return BD_OK;
}

static bd_status note_reader(struct bd_plan *p, int l, struct bd_error *err)
{
    const struct bd_plain_layer *layer = &p->network->layers[l];
    if (note_tensor(p, layer->in_tensor, err))
        return err->status;
    struct bd_plan_tensor *t = &p->tensors[layer->in_tensor];
    if (layer->in_tensor == 0 && !t->used)
        *t = (struct bd_plan_tensor){.used = true,
                                     .writer = -1,
                                     .height = (uint32_t)layer->in_height,
                                     .width = (uint32_t)layer->in_width,
                                     .channels = (uint32_t)layer->in_channels};
    if (!t->used || t->height != (uint32_t)layer->in_height || t->width != (uint32_t)layer->in_width ||
        t->channels != (uint32_t)layer->in_channels)
        return bd_fail(err, BD_BAD_INPUT, "layer '%s' reads tensor %d, which is not written before it in that shape",
                       layer->name, layer->in_tensor);
    t->last_reader = l;
    if ((uint32_t)layer->kernel_w > t->reader_kernel)
        t->reader_kernel = (uint32_t)layer->kernel_w;
    if ((uint32_t)layer->pad > t->reader_pad)
        t->reader_pad = (uint32_t)layer->pad;
    return BD_OK;
}

static bd_status note_writer(struct bd_plan *p, int l, struct bd_error *err)
{
    const struct bd_plain_layer *layer = &p->network->layers[l];
    if (note_tensor(p, layer->out_tensor, err))
        return err->status;
    struct bd_plan_tensor *t = &p->tensors[layer->out_tensor];
    if (t->used)
        return bd_fail(err, BD_BAD_INPUT, "layer '%s' writes tensor %d a second time", layer->name, layer->out_tensor);
    *t = (struct bd_plan_tensor){.used = true,
                                 .writer = l,
                                 .last_reader = l,
                                 .height = (uint32_t)layer->out_height,
                                 .width = (uint32_t)layer->out_width,
                                 .channels = (uint32_t)layer->out_channels};
    return BD_OK;
}

/* The first layer's windows are made while the image is loaded, where the generator can do it: one 3x3 reader, padding
 * 1 of unsigned codes, few channels. */
static bool can_im2col(const struct bd_plan *p)
{
    const struct bd_plain_layer *first = &p->network->layers[0];
    if (first->operation != BD_OP_CONV || first->in_tensor != 0 || p->tensors[0].last_reader != 0)
        return false;
    for (int s = 0; s < p->network->switch_count; s++)
        if (first->at[s].in_signed)
            return false;
    return first->kernel_h == 3 && first->kernel_w == 3 && first->pad == 1 && first->groups == 1 &&
           first->in_channels <= BD_LIMIT_IM2COL_CHANNELS && 9 * first->in_channels <= p->hardware->lanes &&
           first->in_width <= BD_LIMIT_IM2COL_WIDTH;
}

static void lay_out_tensor(struct bd_plan *p, int i)
{
    struct bd_plan_tensor *t = &p->tensors[i];
    if (i > 0 || !p->im2col) {
        t->layout = bd_tensor_layout(p->header.rows, p->header.lanes, t->height, t->width, t->channels,
                                     t->reader_kernel ? t->reader_kernel : 1, t->reader_pad);
        return;
    }
    const struct bd_plain_layer *first = &p->network->layers[0];
    t->layout = (struct bd_tensor_layout){.height = (uint32_t)first->out_height,
                                          .width = (uint32_t)first->out_width,
                                          .channels = 9 * (uint32_t)first->in_channels,
                                          .slots = 1,
                                          .slot_lanes = 9 * (uint32_t)first->in_channels,
                                          .pixel_words = 1,
                                          .pitch = (uint32_t)first->out_width,
                                          .words = (uint32_t)(first->out_height * first->out_width)};
}

bd_status bd_plan_collect_tensors(struct bd_plan *p, struct bd_error *err)
{
    p->tensor_count = 0;
    for (int l = 0; l < p->network->layer_count; l++) {
        const struct bd_plain_layer *layer = &p->network->layers[l];
        if (layer->operation == BD_OP_CONV && note_reader(p, l, err))
            return err->status;
        if (layer->out_tensor >= 0 && note_writer(p, l, err))
            return err->status;
    }
    p->im2col = can_im2col(p);
    int before = -1;
    for (int i = 0; i < p->tensor_count; i++) {
        if (!p->tensors[i].used)
            continue;
        if (before >= 0 && p->tensors[i].writer < p->tensors[before].writer)
            return bd_fail(err, BD_BAD_INPUT, "tensor %d is written before tensor %d", i, before);
        before = i;
        lay_out_tensor(p, i);
    }
    return BD_OK;
}

/* ---- places ------------------------------------------------------------------------------------------------- */

/* What is still to be read when a tensor is written. */
struct live {
    int count;
    const struct bd_plan_tensor *tensors[BD_PLAN_MAX_TENSORS];
};

static void drop_read(struct live *live, const struct bd_plan_tensor *written)
{
    int kept = 0;
    for (int k = 0; k < live->count; k++)
        if (live->tensors[k]->last_reader >= written->writer)
            live->tensors[kept++] = live->tensors[k];
    live->count = kept;
}

static bool is_free(const struct live *live, uint64_t base, uint32_t words)
{
    for (int k = 0; k < live->count; k++) {
        const struct bd_plan_tensor *o = live->tensors[k];
        if (base < (uint64_t)o->base + o->layout.words && o->base < base + words)
            return false;
    }
    return true;
}

static uint64_t lowest_place(const struct live *live, uint32_t words)
{
    uint64_t best = is_free(live, 0, words) ? 0 : UINT64_MAX;
    for (int k = 0; k < live->count; k++) {
        const uint64_t end = (uint64_t)live->tensors[k]->base + live->tensors[k]->layout.words;
        if (end < best && is_free(live, end, words))
            best = end;
    }
    return best;
}

/* UINT64_MAX where there is none inside the buffer. */
static uint64_t highest_place(const struct live *live, uint32_t words, uint64_t limit)
{
    uint64_t best = words <= limit && is_free(live, limit - words, words) ? limit - words : UINT64_MAX;
    for (int k = 0; k < live->count && best != limit - words; k++) {
        const uint64_t end = live->tensors[k]->base;
        if (end >= words && end <= limit && (best == UINT64_MAX || end - words > best) &&
            is_free(live, end - words, words))
            best = end - words;
    }
    return best;
}

/* Tensors lie at the two ends in turn, so that in a chain the one just read leaves its whole end free. */
static bool place_within(struct bd_plan *p, uint64_t limit)
{
    struct live live;
    live.count = 0;
    for (int i = 0; i < p->tensor_count; i++) {
        struct bd_plan_tensor *t = &p->tensors[i];
        if (!t->used)
            continue;
        const uint32_t words = t->layout.words;
        drop_read(&live, t);
        const uint64_t low = lowest_place(&live, words), high = highest_place(&live, words, limit);
        const bool low_fits = low + words <= limit;
        if (high == UINT64_MAX && !low_fits)
            return false;
        t->base = (uint32_t)(high != UINT64_MAX && (i % 2 == 0 || !low_fits) ? high : low);
        live.tensors[live.count++] = t;
    }
    return true;
}

/* Words of all tensors that are to be read at once, at their most, and the layer that writes the last of them. */
static uint64_t most_live(const struct bd_plan *p, int *layer)
{
    struct live live;
    live.count = 0;
    uint64_t most = 0;
    for (int i = 0; i < p->tensor_count; i++) {
        if (!p->tensors[i].used)
            continue;
        drop_read(&live, &p->tensors[i]);
        live.tensors[live.count++] = &p->tensors[i];
        uint64_t words = 0;
        for (int k = 0; k < live.count; k++)
            words += live.tensors[k]->layout.words;
        if (words > most) {
            most = words;
            *layer = p->tensors[i].writer < 0 ? 0 : p->tensors[i].writer;
        }
    }
    return most;
}

/* No buffer smaller than what is live at once can do. In a chain, where a tensor is read before the next but one is
 * written, that much always does; else gaps may be lost, and the smallest size is found by trying. A network that fits
 * some size fits every larger one, for what lies beyond may stay unused. */
bd_status bd_plan_place_tensors(struct bd_plan *p, struct bd_error *err)
{
    const uint64_t size = p->header.act_words;
    if (!p->reference_only && place_within(p, size))
        return BD_OK;
    int layer = 0;
    uint64_t needed = most_live(p, &layer);
    while (needed <= UINT32_MAX && !place_within(p, needed))
        needed++;
    if (needed > UINT32_MAX)
        return bd_fail(err, BD_BAD_INPUT, "layer '%s' of '%s': its activations need more than 2^32 words",
                       p->network->layers[layer].name, p->network->name);
    if (needed <= size)
        return BD_OK;
    if (!p->reference_only)
        return bd_plan_refuse_size(p, layer, "its activations need", needed, "activation buffer (act_words)", size,
                                   err);
    p->header.act_words = (uint32_t)needed;
    return BD_OK;
}
