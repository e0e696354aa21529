/* The image of a program: tables, weight planes, and where everything lies. */
#include <stdio.h>
#include <string.h>

#include "model/core/file.h"
#include "model/core/memory.h"
#include "model/program/pack_parts.h"

/* Bias of rows past out_channels: far below zero, so that their code is 0 at every shift. */
#define PAD_ROW_BIAS (-((int64_t)1 << 46))

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
 * +-1 planes, the add-only MAC sums codes; model/program/README.md derives the four constants. */
static int32_t preset(const struct bd_plain_layer *layer, const struct bd_descriptor *d, int s, int oc, int cls)
{
    const int channels = layer->in_channels / layer->groups;
    const int taps = layer->kernel_h * layer->kernel_w * channels;
    const uint8_t *codes = bd_pack_codes(layer, s) + (size_t)oc * channels * layer->kernel_h * layer->kernel_w;
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

static void write_masks(const struct bd_plan *p, const struct bd_descriptor *d, uint8_t *out)
{
    if (d->operation == BD_OP_POOL)
        return;
    const uint32_t channels = d->flags & BD_FLAG_IM2COL ? bd_descriptor_walk(d).channels : d->in_channels;
    const uint32_t bytes = (p->header.lanes + 63) / 64 * 8;
    if (d->in_slots > 1) {
        for (uint32_t j = 0; j < d->in_slots && j < 3; j++)
            set_lanes(out + j * bytes, j * d->in_slot_lanes, channels);
    } else {
        set_lanes(out, 0, p->header.lanes);
        set_lanes(out + bytes, 0, channels - (d->in_pixel_words - 1) * p->header.lanes);
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

static void write_table(const struct bd_plan *p, int s, int l, uint32_t group, uint8_t *out)
{
    const struct bd_plain_layer *layer = &p->network->layers[l];
    const struct bd_descriptor *d = bd_plan_descriptor(p, s, l);
    const uint32_t rows = p->header.rows;
    write_masks(p, d, out);
    out += 3 * ((p->header.lanes + 63) / 64 * 8);
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

static void write_weights(const struct bd_plan *p, int s, int l, uint8_t *out)
{
    const struct bd_plain_layer *layer = &p->network->layers[l];
    const struct bd_descriptor *d = bd_plan_descriptor(p, s, l);
    const uint32_t rows = p->header.rows, lanes = p->header.lanes;
    const uint32_t channels = (uint32_t)(layer->in_channels / layer->groups);
    const uint32_t plane_bytes = bd_plane_bytes(&p->header, d->k_words);
    memset(out, 0xff, (size_t)d->row_groups * d->weight_stride);
    const uint8_t *code = bd_pack_codes(layer, s);
    const int planes = bd_plan_planes(layer, s);
    for (uint32_t oc = 0; oc < (uint32_t)layer->out_channels; oc++)
        for (uint32_t ic = 0; ic < channels; ic++)
            for (uint32_t ky = 0; ky < (uint32_t)layer->kernel_h; ky++)
                for (uint32_t kx = 0; kx < (uint32_t)layer->kernel_w; kx++, code++) {
                    uint32_t k_word, lane;
                    bd_weight_place(d, &p->header, ky, kx, ic, &k_word, &lane);
                    const uint64_t bit = ((uint64_t)k_word * rows + oc % rows) * lanes + lane;
                    uint8_t *chunk = out + (size_t)(oc / rows) * d->weight_stride;
                    for (int plane = 0; plane < planes; plane++)
                        if (!(*code >> (7 - plane) & 1))
                            chunk[(size_t)plane * plane_bytes + bit / 8] &= (uint8_t) ~(1u << bit % 8);
                }
}

/* ---- image ------------------------------------------------------------------------------------------------ */

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
    memcpy(image + p->header.descriptor_offset, p->descriptors,
           (size_t)switches * layers * sizeof(struct bd_descriptor));
    for (int s = 0; s < switches; s++)
        for (int l = 0; l < layers; l++) {
            const struct bd_descriptor *d = bd_plan_descriptor(p, s, l);
            for (uint32_t g = 0; g < d->row_groups; g++)
                write_table(p, s, l, g, image + d->table_offset + (size_t)g * d->table_stride);
        }
    for (int s = 0; s < switches; s++)
        for (int l = 0; l < layers; l++)
            if (p->network->layers[l].operation == BD_OP_CONV && bd_plan_storing_switch(&p->network->layers[l], s) == s)
                write_weights(p, s, l, image + bd_plan_descriptor(p, s, l)->weight_offset);
    memcpy(image, &p->header, sizeof p->header);
    ((struct bd_program_header *)image)->crc = bd_crc32(image, p->header.image_bytes);
    return image;
}
