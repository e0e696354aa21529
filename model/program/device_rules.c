#include "model/program/device_rules.h"

#include "model/program/layout.h"

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

static bool input_fits(const struct bd_descriptor *d, const struct bd_program_header *g, uint32_t layer,
                       struct bd_refusal *refusal)
{
    const bool load = d->flags & BD_FLAG_LOAD_INPUT, im2col = d->flags & BD_FLAG_IM2COL;
    if (load != (layer == 0) || (load && d->operation == BD_OP_POOL))
        REFUSE(flags, "the first layer, and only it, loads the image, and it must be a convolution");
    if (!im2col)
        return true;
    if (!load || d->kernel_h != 3 || d->pad_top != 1)
        REFUSE(flags, "windows are made of the image alone, for a 3x3 kernel with padding 1");
    const uint32_t channels = g->lanes / 9 > BD_LIMIT_IM2COL_CHANNELS ? BD_LIMIT_IM2COL_CHANNELS : g->lanes / 9;
    if (d->in_channels > channels || d->in_width > BD_LIMIT_IM2COL_WIDTH)
        REFUSE(in_channels, "an image of %u columns and %u channels is loaded as windows; a device takes %d and %u",
               d->in_width, d->in_channels, BD_LIMIT_IM2COL_WIDTH, channels);
    return true;
}

static bool convolution_fits(const struct bd_descriptor *d, const struct bd_program_header *g,
                             struct bd_refusal *refusal)
{
    if (!(g->datapaths >> d->datapath & 1))
        REFUSE(datapath, "the %s datapath is left out", d->datapath == BD_DATAPATH_MAC ? "MAC" : "XNOR");
    if (d->kernel_h != d->kernel_w)
        REFUSE(kernel_h, "a kernel of %ux%u; a device takes square ones", d->kernel_h, d->kernel_w);
    if (d->pad_bottom != d->pad_top || d->pad_left != d->pad_top || d->pad_right != d->pad_top)
        REFUSE(pad_top, "paddings that differ from side to side");
    if (d->kernel_h == 1 && d->pad_top)
        REFUSE(pad_top, "padding around a 1x1 kernel");
    if (d->weight_bytes != d->weight_bits * bd_plane_bytes(g, d->k_words))
        REFUSE(weight_bytes, "weight_bytes is %u; %u planes of %u words take %u", d->weight_bytes, d->weight_bits,
               d->k_words, d->weight_bits * bd_plane_bytes(g, d->k_words));
    if (d->k_words * d->weight_bits > g->weight_words)
        REFUSE(k_words, "weights of %u words a row group; the weight buffer has %u", d->k_words * d->weight_bits,
               g->weight_words);
    return true;
}

/* What follows from the shape and the build, in every layer. */
static bool counts_fit(const struct bd_descriptor *d, const struct bd_program_header *g, struct bd_refusal *refusal)
{
    const uint32_t groups = (d->out_channels + g->rows - 1) / g->rows, table = bd_table_bytes(g, d->presets);
    if (d->row_groups != groups)
        REFUSE(row_groups, "row_groups is %u; %u channels in rows of %u make %u", d->row_groups, d->out_channels,
               g->rows, groups);
    if (d->table_stride != table)
        REFUSE(table_stride, "table_stride is %u; a table of %u presets takes %u", d->table_stride, d->presets, table);
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
    return input_fits(d, geometry, layer, refusal) && counts_fit(d, geometry, refusal) &&
           (d->operation == BD_OP_POOL || convolution_fits(d, geometry, refusal));
}
