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

static bool input_fits(const struct bd_descriptor *d, uint32_t layer, struct bd_refusal *refusal)
{
    const bool load = d->flags & BD_FLAG_LOAD_INPUT;
    if (load != (layer == 0) || (load && d->operation == BD_OP_POOL))
        REFUSE(flags, "the first layer, and only it, loads the image, and it must be a convolution");
    if (load && d->in_bits != 8)
        REFUSE(in_bits, "an image of %u-bit codes; a device takes 8", d->in_bits);
    return true;
}

static bool borders_fit(const struct bd_descriptor *d, struct bd_refusal *refusal)
{
    const uint32_t top = d->borders & 255, bottom = d->borders >> 8 & 255, left = d->borders >> 16 & 255,
                   right = d->borders >> 24;
    const uint32_t classes = (top + 1 + bottom) * (left + 1 + right);
    if (top > 8 || bottom > 8 || left > 8 || right > 8)
        REFUSE(borders, "more than 8 border rows or columns on a side");
    if (classes > BD_LIMIT_BORDER_CLASSES)
        REFUSE(borders, "%u classes of border pixels; a device takes %d", classes, BD_LIMIT_BORDER_CLASSES);
    return true;
}

static bool convolution_fits(const struct bd_descriptor *d, const struct bd_program_header *g,
                             struct bd_refusal *refusal)
{
    const bool xnor = d->datapath == BD_DATAPATH_XNOR;
    if (!(g->datapaths >> d->datapath & 1))
        REFUSE(datapath, "the %s datapath is left out", xnor ? "XNOR" : "MAC");
    if (xnor && (d->flags & BD_FLAG_DEPTHWISE))
        REFUSE(datapath, "depthwise filters on the XNOR datapath");
    if (xnor && d->in_layout == BD_LAYOUT_BYTE)
        REFUSE(in_layout, "whole codes for the XNOR datapath");
    return borders_fit(d, refusal);
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
    return input_fits(d, layer, refusal) && (d->operation == BD_OP_POOL || convolution_fits(d, geometry, refusal));
}
