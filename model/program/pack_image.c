/* The image of a program: tables, corrections, weight planes, and where everything lies. */
#include <stdio.h>
#include <string.h>

#include "model/core/file.h"
#include "model/core/memory.h"
#include "model/program/pack_parts.h"
#include "model/program/plan_parts.h"

/* ---- weights ------------------------------------------------------------------------------------------------ */

static size_t row_weights(const struct bd_plain_layer *layer)
{
    return (size_t)(layer->in_channels / layer->groups) * layer->kernel_h * layer->kernel_w;
}

static void write_weights(const struct bd_plan *p, int s, int l, uint8_t *out)
{
    const struct bd_plain_layer *layer = &p->network->layers[l];
    const struct bd_descriptor *d = bd_plan_descriptor(p, s, l);
    const struct bd_program_header *h = &p->header;
    const uint32_t channels = (uint32_t)(layer->in_channels / layer->groups), planes = bd_plan_planes(p, s, l);
    const uint64_t plane_bytes = bd_weight_bytes(h, d->weight_plane), step = bd_weight_bytes(h, d->weight_step);
    memset(out, 0xff, d->row_groups * step);
    const uint8_t *code = bd_pack_codes(layer, s);
    for (uint32_t oc = 0; oc < (uint32_t)layer->out_channels; oc++) {
        uint8_t *chunk = out + oc / h->rows * step;
        for (uint32_t ic = 0; ic < channels; ic++)
            for (uint32_t ky = 0; ky < (uint32_t)layer->kernel_h; ky++)
                for (uint32_t kx = 0; kx < (uint32_t)layer->kernel_w; kx++, code++) {
                    const uint64_t bit = bd_weight_bit(d, h, oc % h->rows, ky, kx, ic);
                    for (uint32_t plane = 0; plane < planes; plane++)
                        if (!(*code >> (7 - plane) & 1))
                            chunk[plane * plane_bytes + bit / 8] &= (uint8_t) ~(1u << bit % 8);
                }
    }
}

/* ---- tables and corrections --------------------------------------------------------------------------------- */

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

static int64_t sum_codes(const struct bd_plain_layer *layer, const struct bd_descriptor *d, int s, uint32_t oc)
{
    const size_t count = row_weights(layer);
    const uint8_t *codes = bd_pack_codes(layer, s) + oc * count;
    int64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += codes[i] >> (8 - d->weight_bits);
    return sum;
}

/* M and B of one channel as the array's sums want them. */
static struct bd_pack_row table_row(const struct bd_plan *p, int s, int l, uint32_t oc)
{
    const struct bd_plain_layer *layer = &p->network->layers[l];
    const struct bd_descriptor *d = bd_plan_descriptor(p, s, l);
    const struct bd_plain_requant *q = &layer->at[s].requant;
    struct bd_pack_row row = {q->multiplier[oc], q->bias[oc]};
    if (d->flags & BD_FLAG_SIGN_ONLY)
        row = bd_pack_sign(q, oc);
    if (bd_bias_holds_constant(d))
        row.bias += row.multiplier * bd_row_constant(d, sum_codes(layer, d, s, oc), (int64_t)row_weights(layer));
    return row;
}

static void write_table(const struct bd_plan *p, int s, int l, uint8_t *out)
{
    const struct bd_descriptor *d = bd_plan_descriptor(p, s, l);
    for (uint32_t oc = 0; oc < d->row_groups * p->header.rows; oc++, out += BD_TABLE_ROW_BYTES) {
        const struct bd_pack_row row =
            oc < d->out_channels ? table_row(p, s, l, oc) : (struct bd_pack_row){0, bd_pad_bias(d)};
        put64(out, (uint64_t)row.multiplier);
        put64(out + 8, (uint64_t)row.bias);
    }
}

/* The first output of class c along one side. */
static int64_t class_output(uint32_t c, uint32_t first, uint32_t last, uint32_t count)
{
    return c <= first ? c : (int64_t)count - last + c - first - 1;
}

static bool inside(int64_t output, uint32_t stride, uint32_t pad, uint32_t tap, uint32_t size)
{
    const int64_t at = output * stride + tap - pad;
    return at >= 0 && at < size;
}

/* What a channel's sum lacks in windows of the class of output (oy, ox), beyond what its bias holds. */
static int32_t correction(const struct bd_plan *p, int s, int l, uint32_t oc, int64_t oy, int64_t ox)
{
    const struct bd_plain_layer *layer = &p->network->layers[l];
    const struct bd_descriptor *d = bd_plan_descriptor(p, s, l);
    const uint8_t *code = bd_pack_codes(layer, s) + oc * row_weights(layer);
    int64_t missing = 0, present = 0;
    for (uint32_t ic = 0; ic < d->in_channels / d->groups; ic++)
        for (uint32_t ky = 0; ky < d->kernel_h; ky++)
            for (uint32_t kx = 0; kx < d->kernel_w; kx++, code++) {
                if (inside(oy, d->stride, d->pad_top, ky, d->in_height) &&
                    inside(ox, d->stride, d->pad_left, kx, d->in_width))
                    present++;
                else
                    missing += 2 * (*code >> (8 - d->weight_bits)) + 1 - (1 << d->weight_bits);
            }
    const bool is_signed = d->flags & BD_FLAG_IN_SIGNED;
    int64_t value = is_signed ? missing : 0;
    if (!bd_bias_holds_constant(d))
        value +=
            bd_row_constant(d, sum_codes(layer, d, s, oc), (int64_t)row_weights(layer)) + (is_signed ? present : 0);
    return (int32_t)value;
}

/* Of one row group: classes, a row of values each. */
static void write_corrections(const struct bd_plan *p, int s, int l, uint32_t group, uint8_t *out)
{
    const struct bd_descriptor *d = bd_plan_descriptor(p, s, l);
    const struct bd_borders b = bd_borders(d);
    for (uint32_t v = 0; v < b.top + 1 + b.bottom; v++)
        for (uint32_t h = 0; h < b.left + 1 + b.right; h++)
            for (uint32_t r = 0; r < p->header.rows; r++, out += 4) {
                const uint32_t oc = group * p->header.rows + r;
                if (oc < d->out_channels)
                    put32(out, (uint32_t)correction(p, s, l, oc, class_output(v, b.top, b.bottom, d->out_height),
                                                    class_output(h, b.left, b.right, d->out_width)));
            }
}

/* ---- image -------------------------------------------------------------------------------------------------- */

static void write_layer(const struct bd_plan *p, int s, int l, uint8_t *image)
{
    const struct bd_descriptor *d = bd_plan_descriptor(p, s, l);
    if (d->operation == BD_OP_LOAD)
        return;
    const bool owns = !p->bands || p->bands[l].twin == l; /* else the first band of the layer does */
    if (owns)
        write_table(p, s, l, image + d->table_offset);
    for (uint32_t g = 0; g < d->row_groups && (d->flags & BD_FLAG_CORRECT); g++)
        write_corrections(p, s, l, g, image + d->correct_offset + (size_t)g * bd_correct_chunk(d, &p->header));
    if (d->operation == BD_OP_CONV && owns && bd_plan_stored_by(p, s, l) == s)
        write_weights(p, s, l, image + d->weight_offset);
}

uint8_t *bd_pack_image(const struct bd_plan *p)
{
    const int layers = p->network->layer_count, switches = p->network->switch_count;
    uint8_t *image = bd_xcalloc(p->header.image_bytes, 1);
    for (int s = 0; s < switches; s++)
        memcpy(image + p->header.switch_offset + (size_t)s * sizeof p->network->switches[0], &p->network->switches[s],
               sizeof p->network->switches[0]);
    for (int l = 0; l < layers; l++)
        snprintf((char *)image + p->header.name_offset + (size_t)l * BD_PROGRAM_NAME, BD_PROGRAM_NAME, "%s",
                 p->network->layers[l].name);
    memcpy(image + p->header.load_offset, &p->load, sizeof p->load);
    memcpy(image + p->header.descriptor_offset, p->descriptors,
           (size_t)switches * layers * sizeof(struct bd_descriptor));
    for (int s = 0; s < switches; s++)
        for (int l = 0; l < layers; l++)
            write_layer(p, s, l, image);
    memcpy(image, &p->header, sizeof p->header);
    ((struct bd_program_header *)image)->crc = bd_crc32(image, p->header.image_bytes);
    return image;
}
