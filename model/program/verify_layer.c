#include <stddef.h>
#include <string.h>

#include "model/program/device_rules.h"
#include "model/program/layout.h"
#include "model/program/verify.h"

static bool spans(uint64_t first, uint64_t bytes, uint64_t start, uint64_t room)
{
    return first >= start && first % 8 == 0 && bytes <= room && first - start <= room - bytes;
}

struct span_check {
    bool bad;
    size_t at;
    const char *what;
};

#define BAD(field, text)                                                                                               \
    (struct span_check)                                                                                                \
    {                                                                                                                  \
        true, offsetof(struct bd_descriptor, field), text                                                              \
    }

/* Kernel, stride and padding, and the output's shape that follows; a window always has a real tap. */
static struct span_check check_window(const struct bd_descriptor *d)
{
    if (!d->kernel_h || !d->kernel_w || d->kernel_h > BD_LIMIT_REFERENCE_KERNEL ||
        d->kernel_w > BD_LIMIT_REFERENCE_KERNEL || !d->stride || d->stride > BD_LIMIT_REFERENCE_KERNEL)
        return BAD(kernel_h, "kernel or stride out of range");
    if (d->pad_top >= d->kernel_h || d->pad_bottom >= d->kernel_h || d->pad_left >= d->kernel_w ||
        d->pad_right >= d->kernel_w)
        return BAD(pad_top, "padding must be less than the kernel");
    const uint64_t reach_h = d->in_height + (uint64_t)d->pad_top + d->pad_bottom;
    const uint64_t reach_w = d->in_width + (uint64_t)d->pad_left + d->pad_right;
    if (reach_h < d->kernel_h || reach_w < d->kernel_w || (reach_h - d->kernel_h) / d->stride + 1 != d->out_height ||
        (reach_w - d->kernel_w) / d->stride + 1 != d->out_width)
        return BAD(out_height, "output shape does not follow from input, kernel, stride and padding");
    return (struct span_check){0};
}

/* Shapes, bits and requantizer: what every executor relies on without looking again. */
static struct span_check check_shapes(const struct bd_descriptor *d)
{
    if (d->operation != BD_OP_CONV && d->operation != BD_OP_POOL)
        return BAD(operation, "unknown operation");
    if (d->datapath > 1)
        return BAD(datapath, "unknown datapath");
    if (d->flags >= BD_FLAG_OUT_SIGNED << 1)
        return BAD(flags, "an unknown flag");
    if (((d->flags & BD_FLAG_STORE_CODES) && !(d->flags & BD_FLAG_WRITE_CODES)) ||
        ((d->flags & BD_FLAG_STORE_STREAM) && !(d->flags & BD_FLAG_WRITE_STREAM)))
        return BAD(flags, "what is stored is not written first");
    if (!d->out_height || !d->out_width || d->out_height > BD_LIMIT_REFERENCE_SIDE ||
        d->out_width > BD_LIMIT_REFERENCE_SIDE || !d->out_channels || d->out_channels > BD_LIMIT_REFERENCE_CHANNELS)
        return BAD(out_height, "output shape out of range");
    if (!d->in_height || !d->in_width || d->in_height > BD_LIMIT_REFERENCE_SIDE ||
        d->in_width > BD_LIMIT_REFERENCE_SIDE || !d->in_channels || d->in_channels > BD_LIMIT_REFERENCE_CHANNELS)
        return BAD(in_height, "input shape out of range");
    if (d->out_bits > 8 || ((d->flags & BD_FLAG_WRITE_CODES) && d->out_bits < 1))
        return BAD(out_bits, "out_bits must be 1..8, or 0 where no codes leave");
    if (d->shift > 47 || d->code_shift > 31 || d->residual_shift > 31 || d->code_multiplier >= 1u << 18)
        return BAD(shift, "requantizer shift or multiplier out of range");
    if (d->weight_zero_point > 1 || (d->weight_zero_point && d->weight_bits < 2))
        return BAD(weight_zero_point, "the weights' zero point must be 0, or 1 from 2 bits on");
    if (d->in_zero_point || d->channel_tile || d->row_tile || d->spill_offset || d->reserved)
        return BAD(in_zero_point, "a field that version 1 reserves is set");
    if (d->pool_kind >= (d->operation == BD_OP_POOL ? BD_POOL_KIND_COUNT : 1))
        return BAD(pool_kind, "unknown kind of pooling");
    if (d->operation == BD_OP_POOL) {
        if (d->in_channels != d->out_channels || d->presets != 1)
            return BAD(in_channels, "a pooling layer keeps its channels");
        const bool windows = bd_pool_kinds[d->pool_kind].windows;
        if (!windows && (d->out_height != 1 || d->out_width != 1))
            return BAD(out_height, "a global pooling layer has one output pixel for each channel");
        if (windows && (d->flags & BD_FLAG_ADD_STREAM))
            return BAD(flags, "pooling of windows reads the stream and adds nothing to it");
        return windows ? check_window(d) : (struct span_check){0};
    }
    if (d->weight_bits < 1 || d->weight_bits > 8 || d->in_bits < 1 || d->in_bits > 8 ||
        ((d->flags & BD_FLAG_IN_SIGNED) && d->in_bits != 1))
        return BAD(weight_bits, "weight_bits and in_bits must be 1..8, signed codes 1 bit");
    const struct span_check window = check_window(d);
    if (window.bad)
        return window;
    if (!d->groups || d->in_channels % d->groups || d->out_channels % d->groups)
        return BAD(groups, "groups must divide the channels");
    if ((uint64_t)d->kernel_h * d->kernel_w * (d->in_channels / d->groups) * ((1u << d->weight_bits) - 1) *
            ((1u << d->in_bits) - 1) >
        INT32_MAX)
        return BAD(in_channels, "a sum could leave 32 bits");
    if (d->presets != ((d->flags & BD_FLAG_IN_SIGNED) && d->pad_left ? 16u : 1u))
        return BAD(presets, "presets must be 16 for padded signed inputs, else 1");
    return (struct span_check){0};
}

/* A pixel's channels lie where packer, array and stores look for them; `base` up to `left` of one tensor. */
static bool layout_holds(const struct bd_program_header *h, uint32_t width, uint32_t channels, uint32_t slots,
                         uint32_t slot_lanes, uint32_t pixel_words, uint32_t pitch, uint32_t left)
{
    const struct bd_tensor_layout t = bd_tensor_layout(h->rows, h->lanes, 1, width, channels, 1, 0);
    return slots >= 1 && slots <= h->lanes && slot_lanes == t.slot_lanes && pixel_words == t.pixel_words &&
           (uint64_t)slots * slot_lanes <= h->lanes && left <= BD_LIMIT_REFERENCE_KERNEL &&
           pitch == (width + left) * pixel_words;
}

/* Every weight and code that the layer touches has a lane of a word: decoding and the array index without looking. */
static struct span_check check_input_layout(const struct bd_program_header *h, const struct bd_descriptor *d)
{
    const struct bd_walk walk = bd_descriptor_walk(d);
    const bool im2col = d->flags & BD_FLAG_IM2COL;
    if (im2col && (d->layer != 0 || d->kernel_h != 3 || d->kernel_w != 3 || d->groups != 1 ||
                   (uint64_t)d->in_channels * 9 > h->lanes))
        return BAD(flags, "windows are made for a first layer of 3x3 alone, and must fit the lanes");
    if (im2col ? d->in_slots != 1 || d->in_slot_lanes != walk.channels || d->in_pixel_words != 1 || d->in_left ||
                     d->in_pitch != d->out_width
               : !layout_holds(h, d->in_width, d->in_channels, d->in_slots, d->in_slot_lanes, d->in_pixel_words,
                               d->in_pitch, d->in_left))
        return BAD(in_slots, "the input's layout does not follow from its shape");
    if (!im2col && d->in_slots > 1 && d->in_left < d->pad_left)
        return BAD(in_left, "the input has no columns for the padding on its left");
    const uint32_t row_words = (walk.kernel_w + d->in_slots - 1) / d->in_slots;
    const uint64_t words = (uint64_t)walk.kernel_h * row_words * d->in_pixel_words;
    if (words * h->rows * h->lanes / 8 > UINT32_MAX / 8)
        return BAD(k_words, "a row group's weights exceed any buffer");
    return (struct span_check){0};
}

static struct span_check check_output_layout(const struct bd_program_header *h, const struct bd_descriptor *d)
{
    if (!(d->flags & BD_FLAG_WRITE_CODES))
        return (struct span_check){0};
    if (!layout_holds(h, d->out_width, d->out_channels, d->out_slots, d->out_slot_lanes, d->out_pixel_words,
                      d->out_pitch, d->out_left))
        return BAD(out_slots, "the output's layout does not follow from its shape");
    if (d->out_base + (uint64_t)d->out_pitch * d->out_height > h->act_words)
        return BAD(out_base, "the output tensor lies outside the activation buffer");
    return (struct span_check){0};
}

/* On a device z has an address: in place, or clear of what is still to be read. */
static struct span_check check_stream(const struct bd_program_header *h, const struct bd_descriptor *d)
{
    const uint64_t pixel = (uint64_t)d->row_groups * (h->rows / h->requant_units);
    const bool pool = d->operation == BD_OP_POOL, reads = pool || (d->flags & BD_FLAG_ADD_STREAM);
    const uint64_t in = pixel * (pool ? (uint64_t)d->in_height * d->in_width : (uint64_t)d->out_height * d->out_width);
    const uint64_t out = pixel * d->out_height * d->out_width;
    const bool writes = d->flags & BD_FLAG_WRITE_STREAM;
    if (reads && d->z_in_base + in > h->z_words)
        return BAD(z_in_base, "the residual map that is read lies outside the residual buffer");
    if (writes && d->z_out_base + out > h->z_words)
        return BAD(z_out_base, "the residual map that is written lies outside the residual buffer");
    if (reads && writes && d->z_in_base != d->z_out_base && d->z_in_base < d->z_out_base + out &&
        d->z_out_base < d->z_in_base + in)
        return BAD(z_out_base, "the layer overwrites the residual map that it reads");
    return (struct span_check){0};
}

static struct span_check check_memory(const struct bd_program_header *h, const struct bd_descriptor *d)
{
    struct bd_descriptor derived = *d;
    if (d->operation == BD_OP_CONV) {
        const struct span_check r = check_input_layout(h, d);
        if (r.bad)
            return r;
    }
    bd_descriptor_derive(&derived, h);
    if (derived.row_groups != d->row_groups || derived.row_words != d->row_words || derived.k_words != d->k_words ||
        derived.segments != d->segments || derived.pixel_cycles != d->pixel_cycles ||
        derived.initiation_interval != d->initiation_interval)
        return BAD(row_groups, "loop counts do not follow from the layer and the geometry");
    if (d->table_stride != bd_table_bytes(h, d->presets) ||
        !spans(d->table_offset, (uint64_t)d->row_groups * d->table_stride, h->table_offset, h->table_bytes))
        return BAD(table_offset, "the layer's tables lie outside the tables");
    const uint64_t pixels = (uint64_t)d->out_height * d->out_width;
    const uint64_t codes = pixels * ((d->out_channels + 7) / 8 * 8), z = pixels * d->row_groups * h->rows * 4;
    if ((d->flags & BD_FLAG_STORE_CODES) &&
        (d->store_codes_bytes != codes || !spans(d->store_codes_offset, codes, 0, h->store_bytes)))
        return BAD(store_codes_offset, "the stored codes lie outside the store area");
    if ((d->flags & BD_FLAG_STORE_STREAM) && (d->store_z_bytes != z || !spans(d->store_z_offset, z, 0, h->store_bytes)))
        return BAD(store_z_offset, "the stored z lies outside the store area");
    const struct span_check output = check_output_layout(h, d);
    if (output.bad)
        return output;
    if (d->operation == BD_OP_POOL)
        return (struct span_check){0};
    const uint64_t plane = bd_plane_bytes(h, d->k_words);
    if (d->weight_bytes != d->weight_bits * plane || d->weight_stride < d->weight_bytes || d->weight_stride % plane ||
        d->weight_stride / plane > 8 ||
        !spans(d->weight_offset, (uint64_t)d->row_groups * d->weight_stride, h->weight_offset, h->weight_bytes))
        return BAD(weight_offset, "the layer's weights lie outside the weights");
    const uint64_t in_words = (uint64_t)d->in_pitch * (d->flags & BD_FLAG_IM2COL ? d->out_height : d->in_height);
    if (d->in_base + in_words > h->act_words)
        return BAD(in_base, "the input tensor lies outside the activation buffer");
    return (struct span_check){0};
}

/* Switches change bits and numbers; what flows where is the same for all. */
static bool same_at_all_switches(const struct bd_descriptor *a, const struct bd_descriptor *b)
{
    const uint32_t own = BD_FLAG_IN_SIGNED | BD_FLAG_OUT_SIGNED;
    struct bd_descriptor other = *b;
    other.weight_zero_point = a->weight_zero_point; /* LSQ has none at one bit */
    const size_t shape = offsetof(struct bd_descriptor, in_height);
    return a->operation == b->operation && (a->flags & ~own) == (b->flags & ~own) &&
           !memcmp((const char *)a + shape, (const char *)&other + shape,
                   offsetof(struct bd_descriptor, segments) - shape);
}

/* Where a layer's stored codes and z end. */
static uint64_t stored_end(const struct bd_descriptor *d)
{
    const uint64_t codes = d->flags & BD_FLAG_STORE_CODES ? (uint64_t)d->store_codes_offset + d->store_codes_bytes : 0;
    const uint64_t z = d->flags & BD_FLAG_STORE_STREAM ? (uint64_t)d->store_z_offset + d->store_z_bytes : 0;
    return codes > z ? codes : z;
}

/* Against the same layer at other switches, and the layers before it. */
static struct span_check check_neighbours(const struct bd_program *p, uint32_t s, uint32_t l)
{
    const struct bd_descriptor *d = bd_program_descriptor(p, s, l);
    if (!same_at_all_switches(bd_program_descriptor(p, 0, l), d))
        return BAD(operation, "shape, flow or layout differ from those at the first switch");
    for (uint32_t other = 0; other < s && d->operation == BD_OP_CONV; other++) {
        const struct bd_descriptor *o = bd_program_descriptor(p, other, l);
        if (o->weight_offset == d->weight_offset && o->weight_stride != d->weight_stride)
            return BAD(weight_stride, "two switches read the same weights with different strides");
    }
    for (uint32_t before = 0; before < l; before++) {
        const uint64_t end = stored_end(bd_program_descriptor(p, s, before));
        if (((d->flags & BD_FLAG_STORE_CODES) && d->store_codes_offset < end) ||
            ((d->flags & BD_FLAG_STORE_STREAM) && d->store_z_offset < end))
            return BAD(store_codes_offset, "its stores overwrite those of a layer before it");
    }
    if ((d->flags & BD_FLAG_STORE_CODES) && (d->flags & BD_FLAG_STORE_STREAM) &&
        d->store_z_offset < (uint64_t)d->store_codes_offset + d->store_codes_bytes)
        return BAD(store_z_offset, "its stored z overwrites its stored codes");
    return (struct span_check){0};
}

/* Its place in the network. */
static struct span_check check_place(const struct bd_program_header *h, const struct bd_descriptor *d, uint32_t l)
{
    const uint32_t last = BD_FLAG_LAST | BD_FLAG_RESULT;
    if (d->layer != l)
        return BAD(layer, "descriptor out of order");
    if ((l == 0) != !!(d->flags & BD_FLAG_LOAD_INPUT))
        return BAD(flags, "the first layer, and only it, loads the input");
    if ((d->flags & last) != (l == h->layer_count - 1 ? last : 0))
        return BAD(flags, "the last layer, and only it, writes the result");
    if ((d->flags & BD_FLAG_RESULT) && !(d->flags & BD_FLAG_WRITE_STREAM))
        return BAD(flags, "the result is the last layer's z, but it keeps none");
    if (l == h->layer_count - 1 && d->out_channels != h->classes)
        return BAD(out_channels, "the last layer's channels are not the classes");
    if (l == 0 && (d->operation != BD_OP_CONV || d->in_height != h->input_height || d->in_width != h->input_width ||
                   d->in_channels != h->input_channels))
        return BAD(in_height, "the first layer does not read the input's shape");
    return (struct span_check){0};
}

bd_status bd_verify_descriptor(const struct bd_verifier *v, uint32_t s, uint32_t l)
{
    const struct bd_program_header *h = v->program->header;
    const struct bd_descriptor *d = bd_program_descriptor(v->program, s, l);
    const bool device = h->geometry_hash != BD_GEOMETRY_REFERENCE;
    struct bd_refusal refusal;
    struct span_check r = check_shapes(d);
    if (!r.bad)
        r = check_place(h, d, l);
    if (!r.bad && device && !bd_device_takes(d, h, l, h->layer_count, &refusal))
        r = (struct span_check){true, refusal.word * sizeof(uint32_t), refusal.why};
    if (!r.bad)
        r = check_memory(h, d);
    if (!r.bad && device)
        r = check_stream(h, d);
    if (!r.bad)
        r = check_neighbours(v->program, s, l);
    return r.bad ? bd_verify_fail_layer(v, s, l, r.at, r.what) : BD_OK;
}
