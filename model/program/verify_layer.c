#include <stddef.h>
#include <string.h>

#include "model/program/device_rules.h"
#include "model/program/layout.h"
#include "model/program/maps.h"
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

/* Flags that follow from the rest of a convolution. */
static struct span_check check_flags(const struct bd_descriptor *d)
{
    const bool depthwise = d->groups > 1 && d->groups == d->in_channels && d->groups == d->out_channels;
    if (!(d->flags & BD_FLAG_DEPTHWISE) != !depthwise)
        return BAD(flags, "DEPTHWISE does not follow from the groups");
    const bool padded = d->pad_top || d->pad_bottom || d->pad_left || d->pad_right;
    const bool corrects = d->weight_zero_point || ((d->flags & BD_FLAG_IN_SIGNED) && padded);
    if (!(d->flags & BD_FLAG_CORRECT) != !corrects)
        return BAD(flags, "CORRECT does not follow from the input's sign, the padding and the weights' zero point");
    const uint32_t stream = BD_FLAG_ADD_STREAM | BD_FLAG_WRITE_STREAM;
    if ((d->flags & BD_FLAG_SIGN_ONLY) &&
        (!(d->flags & BD_FLAG_WRITE_CODES) || (d->flags & stream) || d->out_bits != 1 || d->shift || d->code_shift ||
         d->code_multiplier != 1 || d->code_offset != 1))
        return BAD(flags, "SIGN_ONLY is set, but more than a comparison is asked for");
    return (struct span_check){0};
}

/* Nothing is stated of a load but what comes from where. */
static struct span_check check_load(const struct bd_descriptor *d)
{
    const uint32_t may = BD_FLAG_LOAD | BD_FLAG_LOAD_INPUT | BD_FLAG_WRITE_CODES | BD_FLAG_WRITE_STREAM |
                         BD_FLAG_OUT_SIGNED | BD_FLAG_Z_OUT_WIDE;
    const bool codes = d->flags & BD_FLAG_WRITE_CODES, stream = d->flags & BD_FLAG_WRITE_STREAM;
    if ((d->flags & ~may) || codes == stream || ((d->flags & BD_FLAG_LOAD_INPUT) && !codes))
        return BAD(flags, "a flag that a load does not have, or not one of codes and stream");
    if (!d->out_height || !d->out_width || !d->out_channels)
        return BAD(out_height, "nothing is loaded");
    struct bd_descriptor only = {.operation = BD_OP_LOAD,
                                 .flags = d->flags,
                                 .in_bits = d->out_bits,
                                 .out_bits = d->out_bits,
                                 .in_height = d->out_height,
                                 .in_width = d->out_width,
                                 .in_channels = d->out_channels,
                                 .out_height = d->out_height,
                                 .out_width = d->out_width,
                                 .out_channels = d->out_channels,
                                 .out_base = d->out_base,
                                 .out_layout = d->out_layout,
                                 .out_cell_words = d->out_cell_words,
                                 .out_pitch = d->out_pitch,
                                 .z_out_base = d->z_out_base,
                                 .row_groups = d->row_groups,
                                 .blocks_large = d->blocks_large,
                                 .pixels_large = d->pixels_large,
                                 .interval_large = d->interval_large,
                                 .pixel_period = d->pixel_period,
                                 .store_codes_offset = d->store_codes_offset,
                                 .store_codes_bytes = d->store_codes_bytes,
                                 .store_z_offset = d->store_z_offset,
                                 .store_z_bytes = d->store_z_bytes};
    return memcmp(&only, d, sizeof only) ? BAD(operation, "a load states more than what comes from where")
                                         : (struct span_check){0};
}

/* Shapes, bits and requantizer: what every executor relies on without looking again. */
static struct span_check check_shapes(const struct bd_descriptor *d)
{
    if (d->operation != BD_OP_CONV && d->operation != BD_OP_POOL && d->operation != BD_OP_LOAD)
        return BAD(operation, "unknown operation");
    if (!(d->flags & BD_FLAG_LOAD) != (d->operation != BD_OP_LOAD))
        return BAD(flags, "LOAD does not follow from the operation");
    if (d->datapath > 1)
        return BAD(datapath, "unknown datapath");
    if (d->flags >= BD_FLAG_SPILL_STREAM << 1)
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
    if (d->pool_kind >= (d->operation == BD_OP_POOL ? BD_POOL_KIND_COUNT : 1))
        return BAD(pool_kind, "unknown kind of pooling");
    if ((d->flags & BD_FLAG_SPILL_CODES && !(d->flags & BD_FLAG_STORE_CODES)) ||
        (d->flags & BD_FLAG_SPILL_STREAM && !(d->flags & BD_FLAG_STORE_STREAM)))
        return BAD(flags, "what is not stored is spilled");
    if (d->operation == BD_OP_LOAD)
        return check_load(d);
    if (d->operation == BD_OP_POOL) {
        if (d->in_channels != d->out_channels)
            return BAD(in_channels, "a pooling layer keeps its channels");
        const bool windows = bd_pool_kinds[d->pool_kind].windows;
        if (d->flags & (BD_FLAG_IN_SIGNED | BD_FLAG_DEPTHWISE | BD_FLAG_CORRECT | BD_FLAG_SIGN_ONLY |
                        BD_FLAG_STREAM_WEIGHTS | BD_FLAG_LOAD_INPUT))
            return BAD(flags, "a flag of convolutions on a pooling layer");
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
    return check_flags(d);
}

/* On a device z has an address: in place, pixel by pixel, or clear of what is still to be read. */
static struct span_check check_stream(const struct bd_program_header *h, const struct bd_descriptor *d)
{
    const bool pool = d->operation == BD_OP_POOL, adds = d->flags & BD_FLAG_ADD_STREAM, reads = pool || adds;
    const bool writes = d->flags & BD_FLAG_WRITE_STREAM;
    const bool wide_in = d->flags & BD_FLAG_Z_IN_WIDE, wide_out = d->flags & BD_FLAG_Z_OUT_WIDE;
    const uint64_t out_pixels = (uint64_t)d->out_height * d->out_width;
    const uint64_t in_pixels = pool ? (uint64_t)d->in_height * d->in_width : out_pixels;
    const uint64_t in = bd_z_words(h, in_pixels, d->row_groups, wide_in);
    const uint64_t out = bd_z_words(h, out_pixels, d->row_groups, wide_out);
    if ((wide_in && !reads) || (wide_out && !writes) || ((d->flags & BD_FLAG_RESULT) && !wide_out))
        return BAD(flags, "widths of the stream that is not read or written, or of the result");
    if (reads && (d->z_in_base % 2 || d->z_in_base + in > h->z_words))
        return BAD(z_in_base, "the residual map that is read lies outside the residual memory");
    if (writes && (d->z_out_base % 2 || d->z_out_base + out > h->z_words))
        return BAD(z_out_base, "the residual map that is written lies outside the residual memory");
    const bool in_place = adds && d->z_in_base == d->z_out_base && wide_in == wide_out;
    if (reads && writes && !in_place && d->z_in_base < d->z_out_base + out && d->z_out_base < d->z_in_base + in)
        return BAD(z_out_base, "the layer overwrites the residual map that it reads");
    return (struct span_check){0};
}

/* What a device takes on trust of a convolution. */
static struct span_check check_sums(const struct bd_descriptor *d)
{
    const struct bd_borders b = bd_borders(d);
    if (((d->flags & BD_FLAG_LOAD_INPUT) || d->in_layout == BD_LAYOUT_BYTE) && d->in_bits != 8)
        return BAD(in_bits, "an image of codes of other than 8 bits");
    if (b.top > 8 || b.bottom > 8 || b.left > 8 || b.right > 8 || bd_border_classes(d) > BD_LIMIT_BORDER_CLASSES)
        return BAD(borders, "too many classes of border pixels");
    return (struct span_check){0};
}

/* Counts that follow from the layer and the geometry. */
static bool derived_alike(const struct bd_program_header *h, const struct bd_descriptor *d)
{
    struct bd_descriptor derived = *d;
    bd_descriptor_derive(&derived, h);
    return !memcmp(&derived, d, sizeof derived);
}

static struct span_check check_layouts(const struct bd_program_header *h, const struct bd_descriptor *d)
{
    const bool conv = d->operation == BD_OP_CONV, pointwise = d->kernel_h == 1 && d->kernel_w == 1 && !d->pad_top &&
                                                              !d->pad_bottom && !d->pad_left && !d->pad_right;
    const bool depthwise = d->flags & BD_FLAG_DEPTHWISE;
    const uint32_t image = (d->flags & BD_FLAG_LOAD) && (d->flags & BD_FLAG_LOAD_INPUT) ? 2 : 1;
    if (d->in_layout > (conv ? 2 : 0) || d->out_layout > (d->flags & BD_FLAG_WRITE_CODES ? image : 0))
        return BAD(in_layout, "unknown layout");
    if (conv && ((d->in_layout == BD_LAYOUT_CHANNEL && (!pointwise || depthwise)) ||
                 (d->in_layout == BD_LAYOUT_BYTE && (depthwise || d->datapath != BD_DATAPATH_MAC))))
        return BAD(in_layout, "a layout that the layer cannot walk");
    if (conv && d->datapath == BD_DATAPATH_XNOR && depthwise)
        return BAD(datapath, "depthwise filters on the XNOR datapath");
    if (conv &&
        bd_tensor_layout(d->in_layout, d->in_bits, d->in_height, d->in_width, d->in_channels).words + d->in_base >
            h->act_words)
        return BAD(in_base, "the input tensor lies outside the activation memory");
    if ((d->flags & BD_FLAG_WRITE_CODES) &&
        bd_tensor_layout(d->out_layout, d->out_bits, d->out_height, d->out_width, d->out_channels).words + d->out_base >
            h->act_words)
        return BAD(out_base, "the output tensor lies outside the activation memory");
    return (struct span_check){0};
}

static struct span_check check_weights(const struct bd_program_header *h, const struct bd_descriptor *d)
{
    if (d->operation != BD_OP_CONV)
        return d->weight_plane || d->weight_step || d->weight_offset || d->weight_base
                   ? BAD(weight_plane, "weights of no convolution")
                   : (struct span_check){0};
    if (d->weight_plane != bd_weight_plane(d, false) &&
        (d->in_layout == BD_LAYOUT_BYTE || d->weight_plane != bd_weight_plane(d, true)))
        return BAD(weight_plane, "the words of a weight plane do not follow from the layer");
    if (d->in_bits == 1 && d->weight_plane != bd_weight_plane(d, true))
        return BAD(weight_plane, "an odd number of weight words where one-bit codes take two at once");
    if (d->weight_plane > UINT32_MAX / 16 || d->weight_step < bd_weight_step(d->weight_bits, d->weight_plane) ||
        d->weight_step > bd_weight_step(8, d->weight_plane) ||
        !spans(d->weight_offset, bd_weight_bytes(h, (uint64_t)d->row_groups * d->weight_step), h->weight_offset,
               h->weight_bytes))
        return BAD(weight_offset, "the layer's weights lie outside the weights");
    return (struct span_check){0};
}

static struct span_check check_stores(const struct bd_program_header *h, const struct bd_descriptor *d)
{
    const bool spills_codes = d->flags & BD_FLAG_SPILL_CODES, spills_z = d->flags & BD_FLAG_SPILL_STREAM;
    const uint64_t pixels = (uint64_t)d->out_height * d->out_width;
    const uint64_t codes =
        spills_codes ? (uint64_t)d->out_height * bd_map_row_bytes(d) : pixels * ((d->out_channels + 7) / 8 * 8);
    const uint64_t z =
        spills_z ? (uint64_t)d->out_height * bd_map_z_row_bytes(d, h) : pixels * d->row_groups * h->rows * 4;
    if (d->flags & BD_FLAG_STORE_CODES
            ? d->store_codes_bytes != codes ||
                  !spans(d->store_codes_offset, codes, 0, spills_codes ? h->map_bytes : h->store_bytes)
            : d->store_codes_bytes)
        return BAD(store_codes_offset, "the stored codes lie outside the store area");
    if (d->flags & BD_FLAG_STORE_STREAM
            ? d->store_z_bytes != z || !spans(d->store_z_offset, z, 0, spills_z ? h->map_bytes : h->store_bytes)
            : d->store_z_bytes)
        return BAD(store_z_offset, "the stored z lies outside the store area");
    if (spills_z && !bd_map_stream_even(d, h))
        return BAD(store_z_offset, "rows of the spilled z have an odd number of words");
    return (struct span_check){0};
}

/* What a load brings was left by layers before it, in the same form. */
static struct span_check check_sources(const struct bd_program *p, uint32_t s, uint32_t l)
{
    const struct bd_descriptor *d = bd_program_descriptor(p, s, l);
    const bool codes = d->flags & BD_FLAG_WRITE_CODES, stream = d->flags & BD_FLAG_WRITE_STREAM;
    const bool image = d->flags & BD_FLAG_LOAD_INPUT;
    const uint64_t code_bytes = codes && !image ? (uint64_t)d->out_height * bd_map_row_bytes(d) : 0;
    const uint64_t z_bytes = stream ? (uint64_t)d->out_height * bd_map_z_row_bytes(d, p->header) : 0;
    struct bd_map_row row;
    if (d->store_codes_bytes != code_bytes || (!codes && d->store_codes_offset))
        return BAD(store_codes_bytes, "the bytes of the codes do not follow from their shape");
    if (d->store_z_bytes != z_bytes || (!stream && d->store_z_offset))
        return BAD(store_z_bytes, "the bytes of z do not follow from its shape");
    if (stream && !bd_map_stream_even(d, p->header))
        return BAD(store_z_offset, "rows of the loaded z have an odd number of words");
    for (uint32_t y = 0; y < d->out_height; y++) {
        if (codes && !bd_map_codes_row(p, s, l, y, &row))
            return BAD(store_codes_offset, "it loads codes that no layer before it left there in that form");
        if (stream && !bd_map_stream_row(p, s, l, y, &row))
            return BAD(store_z_offset, "it loads a stream that no layer before it left there in that form");
    }
    return (struct span_check){0};
}

static struct span_check check_memory(const struct bd_program_header *h, const struct bd_descriptor *d)
{
    struct span_check r = check_layouts(h, d);
    if (r.bad)
        return r;
    if (!derived_alike(h, d))
        return BAD(row_groups, "counts do not follow from the layer and the geometry");
    if (d->operation == BD_OP_LOAD)
        return (struct span_check){0};
    if (!spans(d->table_offset, (uint64_t)d->row_groups * bd_table_chunk(h), h->table_offset, h->table_bytes))
        return BAD(table_offset, "the layer's tables lie outside the tables");
    const uint64_t correct = (uint64_t)d->row_groups * bd_correct_chunk(d, h);
    if (correct ? !spans(d->correct_offset, correct, h->correct_offset, h->correct_bytes)
                : d->correct_offset || d->correct_base)
        return BAD(correct_offset, "the layer's corrections lie outside the corrections");
    r = check_stores(h, d);
    return r.bad ? r : check_weights(h, d);
}

/* Switches change bits and numbers; what flows where is the same for all. */
static bool same_at_all_switches(const struct bd_descriptor *a, const struct bd_descriptor *b)
{
    const uint32_t own = BD_FLAG_IN_SIGNED | BD_FLAG_OUT_SIGNED | BD_FLAG_CORRECT | BD_FLAG_SIGN_ONLY |
                         BD_FLAG_Z_IN_WIDE | BD_FLAG_Z_OUT_WIDE;
    const size_t shape = offsetof(struct bd_descriptor, in_height),
                 end = offsetof(struct bd_descriptor, weight_zero_point);
    return a->operation == b->operation && (a->flags & ~own) == (b->flags & ~own) &&
           !memcmp((const char *)a + shape, (const char *)b + shape, end - shape) && a->pool_kind == b->pool_kind &&
           a->in_base == b->in_base && a->in_layout == b->in_layout && a->out_base == b->out_base &&
           a->out_layout == b->out_layout;
}

/* Whether `bytes` from `first` on overlap what a layer stores. */
static bool overwrites(uint64_t first, uint64_t bytes, const struct bd_descriptor *o)
{
    const bool codes = o->flags & BD_FLAG_STORE_CODES, z = o->flags & BD_FLAG_STORE_STREAM;
    return (codes && first < (uint64_t)o->store_codes_offset + o->store_codes_bytes &&
            o->store_codes_offset < first + bytes) ||
           (z && first < (uint64_t)o->store_z_offset + o->store_z_bytes && o->store_z_offset < first + bytes);
}

/* Against the same layer at other switches, and the layers before it. */
static struct span_check check_neighbours(const struct bd_program *p, uint32_t s, uint32_t l)
{
    const struct bd_descriptor *d = bd_program_descriptor(p, s, l);
    if (!same_at_all_switches(bd_program_descriptor(p, 0, l), d))
        return BAD(operation, "shape, flow or layout differ from those at the first switch");
    for (uint32_t other = 0; other < s && d->operation == BD_OP_CONV; other++) {
        const struct bd_descriptor *o = bd_program_descriptor(p, other, l);
        if (o->weight_offset == d->weight_offset &&
            (o->weight_step != d->weight_step || o->weight_plane != d->weight_plane || o->datapath != d->datapath))
            return BAD(weight_step, "two switches read the same weights in different ways");
    }
    for (uint32_t before = 0; before < l; before++) {
        const struct bd_descriptor *o = bd_program_descriptor(p, s, before);
        if (((d->flags & BD_FLAG_STORE_CODES) && overwrites(d->store_codes_offset, d->store_codes_bytes, o)) ||
            ((d->flags & BD_FLAG_STORE_STREAM) && overwrites(d->store_z_offset, d->store_z_bytes, o)))
            return BAD(store_codes_offset, "its stores overwrite those of a layer before it");
    }
    if ((d->flags & BD_FLAG_STORE_CODES) && (d->flags & BD_FLAG_STORE_STREAM) &&
        d->store_z_offset < (uint64_t)d->store_codes_offset + d->store_codes_bytes &&
        d->store_codes_offset < (uint64_t)d->store_z_offset + d->store_z_bytes)
        return BAD(store_z_offset, "its stored z overwrites its stored codes");
    return (struct span_check){0};
}

/* Its place in the network. */
static struct span_check check_place(const struct bd_program_header *h, const struct bd_descriptor *d, uint32_t l)
{
    const uint32_t last = BD_FLAG_LAST | BD_FLAG_RESULT;
    const bool load = d->operation == BD_OP_LOAD, image = d->flags & BD_FLAG_LOAD_INPUT;
    if (l == 0 ? !image : image && !load)
        return BAD(flags, "the first layer, and else only loads, bring the input");
    if ((d->flags & last) != (l == h->layer_count - 1 ? last : 0))
        return BAD(flags, "the last layer, and only it, writes the result");
    if ((d->flags & BD_FLAG_RESULT) && !(d->flags & BD_FLAG_WRITE_STREAM))
        return BAD(flags, "the result is the last layer's z, but it keeps none");
    if (l == h->layer_count - 1 && d->out_channels != h->classes)
        return BAD(out_channels, "the last layer's channels are not the classes");
    if (l == 0 && !load &&
        (d->operation != BD_OP_CONV || d->in_height != h->input_height || d->in_width != h->input_width ||
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
    if (!r.bad && device)
        r = check_sums(d);
    if (!r.bad)
        r = check_memory(h, d);
    if (!r.bad && device)
        r = check_stream(h, d);
    if (!r.bad && d->operation == BD_OP_LOAD)
        r = check_sources(v->program, s, l);
    if (!r.bad)
        r = check_neighbours(v->program, s, l);
    return r.bad ? bd_verify_fail_layer(v, s, l, r.at, r.what) : BD_OK;
}
