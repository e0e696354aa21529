/* Activations in their memory, by lifetime; the residual stream in its own. */
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
    const bool pointwise = layer->kernel_h == 1 && layer->kernel_w == 1 && layer->pad == 0;
    t->read = true;
    t->wants_windows |= !pointwise || (layer->groups > 1 && layer->groups == layer->in_channels);
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

static uint32_t layout_for_readers(const struct bd_plan_tensor *t)
{
    return t->read && !t->wants_windows ? BD_LAYOUT_CHANNEL : BD_LAYOUT_WINDOW;
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
    int before = -1;
    for (int i = 0; i < p->tensor_count; i++) {
        if (!p->tensors[i].used)
            continue;
        if (before >= 0 && p->tensors[i].writer < p->tensors[before].writer)
            return bd_fail(err, BD_BAD_INPUT, "tensor %d is written before tensor %d", i, before);
        before = i;
        p->tensors[i].layout = p->bands ? bd_plan_cut_layout(p, i) : layout_for_readers(&p->tensors[i]);
    }
    return BD_OK;
}

void bd_plan_image_layout(struct bd_plan *p)
{
    p->tensors[0].layout = layout_for_readers(&p->tensors[0]);
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

static bool is_free(const struct live *live, uint64_t base, uint64_t words)
{
    for (int k = 0; k < live->count; k++) {
        const struct bd_plan_tensor *o = live->tensors[k];
        if (base < (uint64_t)o->base + o->words && o->base < base + words)
            return false;
    }
    return true;
}

static uint64_t lowest_place(const struct live *live, uint64_t words)
{
    uint64_t best = is_free(live, 0, words) ? 0 : UINT64_MAX;
    for (int k = 0; k < live->count; k++) {
        const uint64_t end = (uint64_t)live->tensors[k]->base + live->tensors[k]->words;
        if (end < best && is_free(live, end, words))
            best = end;
    }
    return best;
}

/* UINT64_MAX where there is none inside the memory. */
static uint64_t highest_place(const struct live *live, uint64_t words, uint64_t limit)
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
        const uint64_t words = t->words;
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

uint64_t bd_plan_most_live(const struct bd_plan *p, int *layer)
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
            words += live.tensors[k]->words;
        if (words > most) {
            most = words;
            *layer = p->tensors[i].writer < 0 ? 0 : p->tensors[i].writer;
        }
    }
    return most;
}

/* No memory smaller than what is live at once can do. In a chain, where a tensor is read before the next but one is
 * written, that much always does; else gaps may be lost, and the smallest size is found by trying. A network that fits
 * some size fits every larger one, for what lies beyond may stay unused. */
static bd_status place(struct bd_plan *p, struct bd_error *err)
{
    const uint64_t size = p->header.act_words;
    if (!p->reference_only && place_within(p, size))
        return BD_OK;
    int layer = 0;
    uint64_t needed = bd_plan_most_live(p, &layer);
    while (needed <= UINT32_MAX && !place_within(p, needed))
        needed++;
    if (needed > UINT32_MAX)
        return bd_fail(err, BD_BAD_INPUT, "layer '%s' of '%s': its activations need more than 2^32 words",
                       p->network->layers[layer].name, p->network->name);
    if (needed <= size)
        return BD_OK;
    p->miss = (struct bd_plan_miss){.memory = BD_PLAN_ACTIVATIONS, .layer = layer, .needed = needed};
    if (!p->reference_only)
        return bd_plan_refuse_size(p, layer, "its activations need", needed, "activation memory (act_words)", size,
                                   err);
    p->header.act_words = (uint32_t)needed;
    return BD_OK;
}

/* Words of a tensor at a switch: its writer's, or of what the image is read as. */
static uint64_t words_at(const struct bd_plan *p, const struct bd_plan_tensor *t, int s)
{
    const uint32_t bits =
        t->writer < 0 ? bd_plan_descriptor(p, s, 0)->in_bits : bd_plan_descriptor(p, s, t->writer)->out_bits;
    return bd_tensor_layout(t->layout, bits, t->height, t->width, t->channels).words;
}

uint64_t bd_plan_tensor_words(const struct bd_plan *p, const struct bd_plan_tensor *t)
{
    uint64_t most = 0;
    for (int s = 0; s < p->network->switch_count && t->used; s++) {
        const uint64_t words = words_at(p, t, s);
        most = words > most ? words : most;
    }
    return most;
}

bd_status bd_plan_place_tensors(struct bd_plan *p, struct bd_error *err)
{
    for (int i = 0; i < p->tensor_count; i++)
        p->tensors[i].words = bd_plan_tensor_words(p, &p->tensors[i]);
    if (place(p, err))
        return err->status;
    for (int s = 0; s < p->network->switch_count; s++)
        for (int l = 0; l < p->network->layer_count; l++) {
            const struct bd_plain_layer *layer = &p->network->layers[l];
            struct bd_descriptor *d = bd_plan_descriptor(p, s, l);
            d->in_base = layer->operation == BD_OP_CONV ? p->tensors[layer->in_tensor].base : 0;
            d->out_base = layer->out_tensor >= 0 ? p->tensors[layer->out_tensor].base : 0;
        }
    return BD_OK;
}

/* ---- the residual stream ------------------------------------------------------------------------------------ */

struct bd_plan_stream bd_plan_next_stream(const struct bd_plan_stream *before, bool adds, bool pools, bool wide,
                                          uint64_t words)
{
    struct bd_plan_stream out = {.words = words, .wide = wide};
    if (adds && wide == before->wide)
        out.base = before->base; /* in place: what is read of a pixel is read before it is written */
    else if ((adds || pools) && before->base < words)
        out.base = before->base + before->words;
    return out;
}

static struct bd_plan_stream next_stream(const struct bd_plan *p, int s, const struct bd_descriptor *d,
                                         const struct bd_plan_stream *before)
{
    const bool wide = !p->network->narrow_stream[s] || (d->flags & BD_FLAG_RESULT);
    return bd_plan_next_stream(before, d->flags & BD_FLAG_ADD_STREAM, d->operation == BD_OP_POOL, wide,
                               bd_z_words(&p->header, (uint64_t)d->out_height * d->out_width, d->row_groups, wide));
}

bd_status bd_plan_place_stream(struct bd_plan *p, struct bd_error *err)
{
    uint64_t most = 0;
    int largest = 0;
    for (int s = 0; s < p->network->switch_count; s++) {
        struct bd_plan_stream now = {0};
        for (int l = 0; l < p->network->layer_count; l++) {
            struct bd_descriptor *d = bd_plan_descriptor(p, s, l);
            if (d->operation == BD_OP_POOL || (d->flags & BD_FLAG_ADD_STREAM)) {
                d->z_in_base = (uint32_t)now.base;
                d->flags |= now.wide ? BD_FLAG_Z_IN_WIDE : 0u;
            }
            if (!(d->flags & BD_FLAG_WRITE_STREAM))
                continue;
            now = next_stream(p, s, d, &now);
            d->z_out_base = (uint32_t)now.base;
            d->flags |= now.wide ? BD_FLAG_Z_OUT_WIDE : 0u;
            if (now.base + now.words > most) {
                most = now.base + now.words;
                largest = l;
            }
        }
    }
    if (p->reference_only || most <= p->header.z_words)
        return BD_OK;
    p->miss = (struct bd_plan_miss){.memory = BD_PLAN_STREAM, .layer = largest, .needed = most};
    return bd_plan_refuse_size(p, largest, "its residual map needs", most, "residual memory (z_words)",
                               p->header.z_words, err);
}
