/* Activations in the activation buffer, by lifetime. */
#include "model/program/pack_parts.h"

#define IM2COL_MAX_CHANNELS 4
#define IM2COL_MAX_WIDTH 256

static bd_status note_tensor(struct bd_packer *p, int index, struct bd_error *err)
{
    if (index < 0 || index >= BD_PACK_MAX_TENSORS)
        return bd_fail(err, BD_BAD_INPUT, "tensor index %d is outside 0..%d", index, BD_PACK_MAX_TENSORS - 1);
    if (index >= p->tensor_count)
        p->tensor_count = index + 1;
    return BD_OK;
}

bd_status bd_pack_collect_tensors(struct bd_packer *p, struct bd_error *err)
{
    for (int l = 0; l < p->net->layer_count; l++) {
        const struct bd_plain_layer *layer = &p->net->layers[l];
        if (layer->operation == BD_OP_CONV) {
            if (note_tensor(p, layer->in_tensor, err))
                return err->status;
            struct bd_pack_tensor *t = &p->tensors[layer->in_tensor];
            if (layer->in_tensor == 0 && !t->used)
                *t = (struct bd_pack_tensor){.used = true,
                                             .on_input = true,
                                             .writer = -1,
                                             .height = layer->in_height,
                                             .width = layer->in_width,
                                             .channels = layer->in_channels};
            if (!t->used || t->height != (uint32_t)layer->in_height || t->width != (uint32_t)layer->in_width ||
                t->channels != (uint32_t)layer->in_channels)
                return bd_fail(err, BD_BAD_INPUT,
                               "layer '%s' reads tensor %d, which is not written before it in that shape", layer->name,
                               layer->in_tensor);
            t->last_reader = l;
            if ((uint32_t)layer->kernel_w > t->reader_kernel)
                t->reader_kernel = layer->kernel_w;
            if ((uint32_t)layer->pad > t->reader_pad)
                t->reader_pad = layer->pad;
        }
        if (layer->out_tensor >= 0) {
            if (note_tensor(p, layer->out_tensor, err))
                return err->status;
            struct bd_pack_tensor *t = &p->tensors[layer->out_tensor];
            if (t->used)
                return bd_fail(err, BD_BAD_INPUT, "layer '%s' writes tensor %d a second time", layer->name,
                               layer->out_tensor);
            *t = (struct bd_pack_tensor){.used = true,
                                         .writer = l,
                                         .last_reader = l,
                                         .height = layer->out_height,
                                         .width = layer->out_width,
                                         .channels = layer->out_channels};
        }
    }
    return BD_OK;
}

bool bd_pack_can_im2col(const struct bd_packer *p)
{
    const struct bd_plain_layer *first = &p->net->layers[0];
    if (first->operation != BD_OP_CONV || first->in_tensor != 0 || p->tensors[0].last_reader != 0)
        return false;
    for (int s = 0; s < p->net->switch_count; s++)
        if (first->at[s].in_signed)
            return false;
    return first->kernel_h == 3 && first->kernel_w == 3 && first->pad == 1 && first->groups == 1 &&
           first->in_channels <= IM2COL_MAX_CHANNELS && 9 * first->in_channels <= p->hw->lanes &&
           first->in_width <= IM2COL_MAX_WIDTH;
}

static bool overlaps_live(const struct bd_packer *p, int index, uint32_t base)
{
    const struct bd_pack_tensor *t = &p->tensors[index];
    for (int i = 0; i < p->tensor_count; i++) {
        const struct bd_pack_tensor *o = &p->tensors[i];
        if (i >= index || !o->used || o->last_reader < t->writer)
            continue;
        if (base < o->base + o->layout.words && o->base < base + t->layout.words)
            return true;
    }
    return false;
}

static uint32_t lowest_place(const struct bd_packer *p, int i)
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
static uint32_t highest_place(const struct bd_packer *p, int i)
{
    const uint32_t words = p->tensors[i].layout.words, limit = p->head.act_words;
    uint32_t best = words <= limit && !overlaps_live(p, i, limit - words) ? limit - words : UINT32_MAX;
    for (int k = 0; k < i; k++) {
        const struct bd_pack_tensor *o = &p->tensors[k];
        if (o->used && o->base >= words && o->base <= limit && (best == UINT32_MAX || o->base - words > best) &&
            !overlaps_live(p, i, o->base - words))
            best = o->base - words;
    }
    return best;
}

/* Tensors lie at the two ends in turn, so that in a chain the one just read leaves its whole end free. */
static uint32_t find_place(const struct bd_packer *p, int i)
{
    const uint32_t low = lowest_place(p, i), high = highest_place(p, i);
    const bool low_fits = (uint64_t)low + p->tensors[i].layout.words <= p->head.act_words;
    return high != UINT32_MAX && (i % 2 == 0 || !low_fits) ? high : low;
}

bd_status bd_pack_place_tensors(struct bd_packer *p, struct bd_error *err)
{
    for (int i = 0; i < p->tensor_count; i++) {
        struct bd_pack_tensor *t = &p->tensors[i];
        if (!t->used)
            continue;
        if (i > 0 && t->writer < p->tensors[i - 1].writer && p->tensors[i - 1].used)
            return bd_fail(err, BD_BAD_INPUT, "tensor %d is written before tensor %d", i, i - 1);
        if (i == 0 && p->im2col) {
            const struct bd_plain_layer *first = &p->net->layers[0];
            t->layout = (struct bd_tensor_layout){.height = first->out_height,
                                                  .width = first->out_width,
                                                  .channels = 9 * first->in_channels,
                                                  .slots = 1,
                                                  .slot_lanes = 9 * first->in_channels,
                                                  .pixel_words = 1,
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
