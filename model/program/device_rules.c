#include "model/program/device_rules.h"

#include <stddef.h>
#include <stdio.h>

struct rule {
    const char *name;
    unsigned word;
    enum bd_descriptor_when when, min_when;
    uint32_t min, max, multiple;
    bool only_ends;
};

static const struct rule rules[] = {
#define X(word, name, when, min_when, min, max, multiple, only_ends)                                                   \
    {#name, word, when, min_when, min, max, multiple, only_ends},
    BD_DESCRIPTOR_RULES(X)
#undef X
};

static bool holds(const struct bd_descriptor *d, enum bd_descriptor_when when)
{
    switch (when) {
    case BD_WHEN_ALWAYS:
        return true;
    case BD_WHEN_CONV:
        return d->operation == BD_OP_CONV;
    case BD_WHEN_WRITE_CODES:
        return d->flags & BD_FLAG_WRITE_CODES;
    case BD_WHEN_ADD_STREAM:
        return d->flags & BD_FLAG_ADD_STREAM;
    case BD_WHEN_STORE_CODES:
        return d->flags & BD_FLAG_STORE_CODES;
    case BD_WHEN_STORE_STREAM:
        return d->flags & BD_FLAG_STORE_STREAM;
    }
    return true;
}

static void explain(const struct rule *rule, uint32_t value, uint32_t min, struct bd_refusal *refusal)
{
    refusal->word = rule->word;
    const int n = snprintf(refusal->why, sizeof refusal->why, "%s is %u; a device takes ", rule->name, value);
    char *rest = refusal->why + n;
    const size_t room = sizeof refusal->why - (size_t)n;
    if (min == rule->max)
        snprintf(rest, room, "%u alone", min);
    else if (rule->only_ends)
        snprintf(rest, room, "%u or %u", rule->min, rule->max);
    else if (rule->multiple > 1 && rule->max == UINT32_MAX)
        snprintf(rest, room, "multiples of %u", rule->multiple);
    else if (rule->multiple > 1)
        snprintf(rest, room, "multiples of %u in %u..%u", rule->multiple, min, rule->max);
    else
        snprintf(rest, room, "%u..%u", min, rule->max);
}

/* Every word alone. A search prices thousands of networks, so what holds where is found once, not for every word. */
static bool words_fit(const struct bd_descriptor *d, struct bd_refusal *refusal)
{
    bool held[BD_WHEN_STORE_STREAM + 1];
    for (enum bd_descriptor_when when = BD_WHEN_ALWAYS; when <= BD_WHEN_STORE_STREAM; when++)
        held[when] = holds(d, when);
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        const struct rule *rule = &rules[i];
        const uint32_t value = ((const uint32_t *)d)[rule->word], min = held[rule->min_when] ? rule->min : 0;
        const bool whole = value <= rule->max && (value & (rule->multiple - 1)) == 0 &&
                           (!rule->only_ends || value == rule->min || value == rule->max);
        if (value >= min && (whole || !held[rule->when]))
            continue;
        explain(rule, value, min, refusal);
        return false;
    }
    return true;
}

#define REFUSE(field, ...)                                                                                             \
    do {                                                                                                               \
        refusal->word = offsetof(struct bd_descriptor, field) / 4;                                                     \
        snprintf(refusal->why, sizeof refusal->why, __VA_ARGS__);                                                      \
        return false;                                                                                                  \
    } while (0)

static bool layout_fits(const struct bd_descriptor *d, struct bd_refusal *refusal)
{
    const bool mac = d->datapath == BD_DATAPATH_MAC, depthwise = d->flags & BD_FLAG_DEPTHWISE;
    const bool bytes = d->in_layout == BD_LAYOUT_BYTE, channel = d->in_layout == BD_LAYOUT_CHANNEL;
    if (depthwise && !mac)
        REFUSE(datapath, "depthwise filters on the XNOR datapath");
    if (bytes && !mac)
        REFUSE(in_layout, "whole codes, but not for the MAC");
    if (depthwise && (channel || bytes))
        REFUSE(in_layout, "depthwise filters on another layout than windows");
    if (channel && (d->kernel_h != 1 || d->kernel_w != 1 || d->in_tail_banks == 0))
        REFUSE(in_layout, "a layout for 1x1 kernels, but a kernel of %ux%u or no last banks", d->kernel_h, d->kernel_w);
    return true;
}

static bool covers(uint32_t kernel, uint32_t sub_windows)
{
    return kernel <= 3 * sub_windows && kernel + 3 > 3 * sub_windows;
}

static bool convolution_fits(const struct bd_descriptor *d, const struct bd_program_header *g,
                             struct bd_refusal *refusal)
{
    const bool mac = d->datapath == BD_DATAPATH_MAC;
    if (!(g->datapaths >> d->datapath & 1))
        REFUSE(datapath, "the %s datapath is left out", mac ? "MAC" : "XNOR");
    if (!layout_fits(d, refusal))
        return false;
    if (!covers(d->kernel_h, d->sub_rows) || !covers(d->kernel_w, d->sub_columns))
        REFUSE(sub_rows, "sub-windows of %ux%u do not cover a kernel of %ux%u", d->sub_rows, d->sub_columns,
               d->kernel_h, d->kernel_w);
    if (mac && !(d->flags & BD_FLAG_DEPTHWISE) && (d->segments == 0 || d->tail_segments == 0))
        REFUSE(segments, "no segments for the MAC");
    return true;
}

/* A job of no beats would never end. */
static bool load_fits(const struct bd_descriptor *d, struct bd_refusal *refusal)
{
    const bool image = d->flags & BD_FLAG_LOAD_INPUT, codes = d->flags & BD_FLAG_WRITE_CODES;
    const bool stream = d->flags & BD_FLAG_WRITE_STREAM;
    if (!(d->flags & BD_FLAG_LOAD) || (d->flags & BD_FLAG_LAST))
        REFUSE(flags, "OP_LOAD goes with the flag LOAD, and is not the last layer");
    if (codes == stream || (image && !codes))
        REFUSE(flags, "OP_LOAD brings codes or the stream, of the image codes");
    if ((!image && codes && !d->store_codes_bytes) || (stream && !d->store_z_bytes))
        REFUSE(store_codes_bytes, "OP_LOAD of no bytes");
    if (!image && d->out_layout == BD_LAYOUT_BYTE)
        REFUSE(out_layout, "whole codes, but not of the image");
    if (!image && d->store_codes_offset % 8)
        REFUSE(store_codes_offset, "codes in memory begin at multiples of 8");
    return true;
}

static bool stores_fit(const struct bd_descriptor *d, struct bd_refusal *refusal)
{
    if (d->flags & BD_FLAG_LOAD)
        REFUSE(flags, "the flag LOAD goes with OP_LOAD");
    if (d->out_layout == BD_LAYOUT_BYTE)
        REFUSE(out_layout, "whole codes, but not of the image");
    if (d->store_codes_offset % 8)
        REFUSE(store_codes_offset, "codes in memory begin at multiples of 8");
    return true;
}

bool bd_device_takes(const struct bd_descriptor *d, const struct bd_program_header *geometry, uint32_t layer,
                     uint32_t layer_count, struct bd_refusal *refusal)
{
    if (!words_fit(d, refusal))
        return false;
    const bool last = d->flags & BD_FLAG_LAST, result = d->flags & BD_FLAG_RESULT;
    const bool counted = layer_count <= BD_LIMIT_LAYERS && layer + 1 == layer_count;
    if (last != counted || result != last || (layer == BD_LIMIT_LAYERS - 1 && !last))
        REFUSE(flags, "the last layer, and only it, gives the result, and no list has more than %d layers",
               BD_LIMIT_LAYERS);
    const bool image = d->flags & BD_FLAG_LOAD_INPUT, load = d->operation == BD_OP_LOAD;
    if ((layer == 0 && !image) || (image && !load && (layer > 0 || d->operation == BD_OP_POOL)))
        REFUSE(flags,
               "the first layer loads the image, and it must be a convolution or OP_LOAD; no other convolution does");
    if (load ? !load_fits(d, refusal) : !stores_fit(d, refusal))
        return false;
    const uint32_t row_groups = (d->out_channels - 1) / geometry->rows + 1;
    if (d->row_groups != row_groups)
        REFUSE(row_groups, "row_groups is %u; a device of %u rows takes %u for %u channels", d->row_groups,
               geometry->rows, row_groups, d->out_channels);
    if (d->blocks_small && (d->pixels_large == 1 || d->interval_small == 0))
        REFUSE(blocks_small, "small blocks without pixels or clocks");
    return d->operation != BD_OP_CONV || convolution_fits(d, geometry, refusal);
}
