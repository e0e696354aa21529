#include "model/program/program.h"

#include <stdlib.h>
#include <string.h>

#include "model/core/file.h"
#include "model/core/memory.h"
#include "model/program/layout.h"

#define IMAGE_LIMIT ((size_t)1 << 32)

/* Where a check stands, for messages: "name: byte N: ...". */
struct checker {
    const struct bd_program *program;
    const char *name;
    struct bd_error *err;
};

static bd_status malformed(const struct checker *c, uint64_t byte, const char *format, ...) BD_PRINTF(3, 4);
static bd_status malformed(const struct checker *c, uint64_t byte, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *what = bd_vasprintf(format, arguments);
    va_end(arguments);
    bd_fail(c->err, BD_BAD_INPUT, "%s: byte %llu: %s", c->name, (unsigned long long)byte, what);
    free(what);
    return bd_fail_at(c->err, c->name, 0, 0, (int64_t)byte);
}

#define FIELD_AT(type, field) offsetof(struct type, field)
#define HEADER_FAIL(field, what) malformed(c, FIELD_AT(bd_program_header, field), what)

static bool power_of_two(uint32_t v)
{
    return v && !(v & (v - 1));
}

static bd_status check_geometry(const struct checker *c)
{
    const struct bd_program_header *h = c->program->header;
    if (!power_of_two(h->rows) || h->rows < 2 || h->rows > 64)
        return HEADER_FAIL(rows, "rows must be a power of two in 2..64");
    if (h->lanes < 8 || h->lanes > 256 || h->lanes % h->rows || h->rows * h->lanes % 64)
        return HEADER_FAIL(lanes, "lanes must be 8..256, a multiple of rows, rows x lanes a multiple of 64");
    if (!power_of_two(h->mac_lanes) || h->mac_lanes < 2 || h->mac_lanes > 64)
        return HEADER_FAIL(mac_lanes, "mac_lanes must be a power of two in 2..64");
    if (!power_of_two(h->requant_units) || h->requant_units < 2 || h->requant_units > h->rows)
        return HEADER_FAIL(requant_units, "requant_units must be a power of two in 2..rows");
    if (h->datapaths < 1 || h->datapaths > 3)
        return HEADER_FAIL(datapaths, "datapaths must be 1, 2 or 3");
    if (h->mult_bits < 8 || h->mult_bits > 32)
        return HEADER_FAIL(mult_bits, "mult_bits must be 8..32");
    return BD_OK;
}

/* [offset, offset + bytes) lies in the image behind the header, aligned. */
static bool inside(const struct bd_program *p, uint64_t offset, uint64_t bytes)
{
    return offset % BD_PROGRAM_ALIGN == 0 && offset >= sizeof *p->header && offset <= p->size &&
           bytes <= p->size - offset;
}

static bool terminated(const char *text, size_t room)
{
    return memchr(text, 0, room) != NULL;
}

static bd_status check_header(const struct checker *c)
{
    const struct bd_program *p = c->program;
    const struct bd_program_header *h = p->header;
    if (check_geometry(c))
        return c->err->status;
    if (h->layer_count < 1 || h->layer_count > BD_PROGRAM_MAX_LAYERS)
        return HEADER_FAIL(layer_count, "layer_count must be 1..256");
    if (h->switch_count < 1 || h->switch_count > BD_PROGRAM_MAX_SWITCHES)
        return HEADER_FAIL(switch_count, "switch_count must be 1..16");
    if ((uint64_t)h->input_height * h->input_width * h->input_channels != h->input_bytes || !h->input_bytes ||
        h->input_height > 4096 || h->input_width > 4096)
        return HEADER_FAIL(input_bytes, "input_bytes does not follow from the input's shape");
    if (!h->classes || (h->classes + (uint64_t)h->rows - 1) / h->rows * h->rows * 4 != h->output_bytes)
        return HEADER_FAIL(output_bytes, "output_bytes does not follow from classes and rows");
    if (h->z_frac > 30)
        return HEADER_FAIL(z_frac, "z_frac must be 0..30");
    if (!inside(p, h->switch_offset, (uint64_t)h->switch_count * sizeof(struct bd_program_switch)))
        return HEADER_FAIL(switch_offset, "the switch table lies outside the image");
    if (!inside(p, h->name_offset, (uint64_t)h->layer_count * BD_PROGRAM_NAME))
        return HEADER_FAIL(name_offset, "the name table lies outside the image");
    if (h->switch_stride != h->layer_count * sizeof(struct bd_descriptor))
        return HEADER_FAIL(switch_stride, "switch_stride must be layer_count x 256");
    if (!inside(p, h->descriptor_offset, (uint64_t)h->switch_count * h->switch_stride))
        return HEADER_FAIL(descriptor_offset, "the descriptors lie outside the image");
    if (!inside(p, h->table_offset, h->table_bytes))
        return HEADER_FAIL(table_offset, "the tables lie outside the image");
    if (!inside(p, h->weight_offset, h->weight_bytes))
        return HEADER_FAIL(weight_offset, "the weights lie outside the image");
    if (!terminated(h->network, sizeof h->network))
        return HEADER_FAIL(network, "the network's name does not end");
    return BD_OK;
}

static bd_status check_names(const struct checker *c)
{
    const struct bd_program *p = c->program;
    for (uint32_t s = 0; s < p->header->switch_count; s++)
        if (!terminated(p->switches[s].name, sizeof p->switches[s].name) || !p->switches[s].name[0])
            return malformed(c, p->header->switch_offset + (uint64_t)s * sizeof *p->switches,
                             "a switch's name is empty or does not end");
    for (uint32_t l = 0; l < p->header->layer_count; l++)
        if (!terminated(p->names[l], BD_PROGRAM_NAME) || !p->names[l][0])
            return malformed(c, p->header->name_offset + (uint64_t)l * BD_PROGRAM_NAME,
                             "a layer's name is empty or does not end");
    return BD_OK;
}

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
        true, FIELD_AT(bd_descriptor, field), text                                                                     \
    }

/* Kernel, stride and padding, and the output's shape that follows; a window always has a real tap. */
static struct span_check check_window(const struct bd_descriptor *d)
{
    if (!d->kernel_h || !d->kernel_w || d->kernel_h > 64 || d->kernel_w > 64 || !d->stride || d->stride > 64)
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

const struct bd_pool_kind_row bd_pool_kinds[BD_POOL_KIND_COUNT] = {
#define X(kind, number, name, windows, largest, lacks) {name, windows, largest, lacks},
    BD_POOL_KINDS(X)
#undef X
};

/* Shapes, bits and requantizer: what every executor relies on without looking again. */
static struct span_check check_shapes(const struct bd_descriptor *d)
{
    if (d->operation != BD_OP_CONV && d->operation != BD_OP_POOL)
        return BAD(operation, "unknown operation");
    if (d->datapath > 1)
        return BAD(datapath, "unknown datapath");
    if (!d->out_height || !d->out_width || d->out_height > 4096 || d->out_width > 4096 || !d->out_channels ||
        d->out_channels > 65535)
        return BAD(out_height, "output shape out of range");
    if (!d->in_height || !d->in_width || d->in_height > 4096 || d->in_width > 4096 || !d->in_channels ||
        d->in_channels > 65535)
        return BAD(in_height, "input shape out of range");
    if ((d->flags & BD_FLAG_WRITE_CODES) && (d->out_bits < 1 || d->out_bits > 8))
        return BAD(out_bits, "out_bits must be 1..8");
    if (d->shift > 47 || d->code_shift > 31 || d->residual_shift > 31 || d->code_multiplier >= 1u << 18)
        return BAD(shift, "requantizer shift or multiplier out of range");
    if (d->weight_zero_point > 1 || (d->weight_zero_point && d->weight_bits < 2))
        return BAD(weight_zero_point, "the weights' zero point must be 0, or 1 from 2 bits on");
    if (d->in_zero_point || d->channel_tile || d->row_tile || d->spill_offset)
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

/* Every weight and code that the layer touches has a lane of a word: decoding and the array index without looking. */
static struct span_check check_input_layout(const struct bd_program_header *h, const struct bd_descriptor *d)
{
    const struct bd_walk walk = bd_descriptor_walk(d);
    const bool im2col = d->flags & BD_FLAG_IM2COL;
    const uint32_t channels = im2col ? walk.channels : d->in_channels;
    if (im2col && (d->layer != 0 || d->kernel_h != 3 || d->kernel_w != 3 || d->groups != 1 || channels > h->lanes))
        return BAD(flags, "windows are made for a first layer of 3x3 alone, and must fit the lanes");
    if (channels > h->lanes ? d->in_slots != 1 || d->in_pixel_words != (channels + h->lanes - 1) / h->lanes
                            : !d->in_slots || d->in_slots > h->lanes || d->in_pixel_words != 1 ||
                                  d->in_slot_lanes < channels || d->in_slots * (uint64_t)d->in_slot_lanes > h->lanes)
        return BAD(in_slots, "the input's layout does not hold its channels");
    const uint32_t width = im2col ? d->out_width : d->in_width;
    if (d->in_left > 64 || d->in_pitch != (width + d->in_left) * d->in_pixel_words)
        return BAD(in_pitch, "the input's rows do not follow from its width");
    const uint32_t row_words = (walk.kernel_w + d->in_slots - 1) / d->in_slots;
    const uint64_t words = (uint64_t)walk.kernel_h * row_words * d->in_pixel_words;
    if (words * h->rows * h->lanes / 8 > UINT32_MAX / 8)
        return BAD(k_words, "a row group's weights exceed any buffer");
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
    if ((d->flags & BD_FLAG_STORE_CODES) && (d->store_codes_bytes != bd_store_codes_bytes(d) ||
                                             !spans(d->store_codes_offset, d->store_codes_bytes, 0, h->store_bytes)))
        return BAD(store_codes_offset, "the stored codes lie outside the store area");
    if ((d->flags & BD_FLAG_STORE_STREAM) &&
        (d->store_z_bytes != bd_store_z_bytes(d, h) || !spans(d->store_z_offset, d->store_z_bytes, 0, h->store_bytes)))
        return BAD(store_z_offset, "the stored z lies outside the store area");
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

static bd_status check_descriptor(const struct checker *c, uint32_t s, uint32_t l)
{
    const struct bd_program_header *h = c->program->header;
    const struct bd_descriptor *d = bd_program_descriptor(c->program, s, l);
    struct span_check r = check_shapes(d);
    if (!r.bad)
        r = check_memory(h, d);
    if (!r.bad && d->layer != l)
        r = BAD(layer, "descriptor out of order");
    if (!r.bad && (l == 0) != !!(d->flags & BD_FLAG_LOAD_INPUT))
        r = BAD(flags, "the first layer, and only it, loads the input");
    const uint32_t last = BD_FLAG_LAST | BD_FLAG_RESULT;
    if (!r.bad && (d->flags & last) != (l == h->layer_count - 1 ? last : 0))
        r = BAD(flags, "the last layer, and only it, writes the result");
    if (!r.bad && (d->flags & BD_FLAG_RESULT) && !(d->flags & BD_FLAG_WRITE_STREAM))
        r = BAD(flags, "the result is the last layer's z, but it keeps none");
    if (!r.bad && !same_at_all_switches(bd_program_descriptor(c->program, 0, l), d))
        r = BAD(operation, "shape, flow or layout differ from those at the first switch");
    if (!r.bad && l == h->layer_count - 1 && d->out_channels != h->classes)
        r = BAD(out_channels, "the last layer's channels are not the classes");
    if (!r.bad && l == 0 &&
        (d->operation != BD_OP_CONV || d->in_height != h->input_height || d->in_width != h->input_width ||
         d->in_channels != h->input_channels))
        r = BAD(in_height, "the first layer does not read the input's shape");
    if (!r.bad && (d->flags & BD_FLAG_WRITE_CODES) &&
        (uint64_t)d->out_base + (uint64_t)d->out_pitch * d->out_height > h->act_words)
        r = BAD(out_base, "the output tensor lies outside the activation buffer");
    if (!r.bad)
        return BD_OK;
    const uint64_t byte = h->descriptor_offset + (uint64_t)s * h->switch_stride + (uint64_t)l * sizeof *d + r.at;
    return malformed(c, byte, "descriptor of layer '%s' at switch '%s': %s", c->program->names[l],
                     c->program->switches[s].name, r.what);
}

static bd_status check(const struct checker *c)
{
    const struct bd_program *p = c->program;
    if (check_header(c) || check_names(c))
        return c->err->status;
    for (uint32_t s = 0; s < p->header->switch_count; s++)
        for (uint32_t l = 0; l < p->header->layer_count; l++)
            if (check_descriptor(c, s, l))
                return c->err->status;
    return BD_OK;
}

static bd_status check_envelope(const char *name, const uint8_t *image, size_t size, struct bd_error *err)
{
    struct bd_program_header h;
    const struct checker c = {NULL, name, err};
    if (size < sizeof h)
        return malformed(&c, size, "ends inside the 256-byte header");
    memcpy(&h, image, sizeof h);
    if (h.magic != BD_PROGRAM_MAGIC)
        return malformed(&c, 0, "not a program image (magic 0x%08x)", h.magic);
    if (h.version != BD_PROGRAM_VERSION || h.header_bytes != sizeof h)
        return malformed(&c, 4, "version %u of the program image; this build reads version %u", h.version,
                         BD_PROGRAM_VERSION);
    if (h.image_bytes != size)
        return malformed(&c, 16, "the header says %llu bytes, there are %zu", (unsigned long long)h.image_bytes, size);
    return BD_OK;
}

static bd_status adopt(struct bd_program *program, const char *name, uint8_t *image, size_t size, struct bd_error *err)
{
    struct bd_program_header *h = (struct bd_program_header *)image;
    const uint32_t crc = h->crc;
    h->crc = 0;
    const uint32_t found = bd_crc32(image, size);
    h->crc = crc;
    if (found != crc)
        return malformed(&(struct checker){NULL, name, err}, 12, "checksum 0x%08x, but the contents give 0x%08x", crc,
                         found);
    *program = (struct bd_program){.image = image, .size = size, .header = h};
    program->switches = (const struct bd_program_switch *)(image + (h->switch_offset <= size ? h->switch_offset : 0));
    program->names = (const char(*)[BD_PROGRAM_NAME])(image + (h->name_offset <= size ? h->name_offset : 0));
    return check(&(struct checker){program, name, err});
}

bd_status bd_program_open(struct bd_program *program, const char *name, const void *image, size_t size,
                          struct bd_error *err)
{
    if (check_envelope(name, image, size, err))
        return err->status;
    uint8_t *copy =
        aligned_alloc(BD_PROGRAM_ALIGN, (size + BD_PROGRAM_ALIGN - 1) / BD_PROGRAM_ALIGN * BD_PROGRAM_ALIGN);
    if (!copy)
        return bd_fail(err, BD_INFRA, "%s: out of memory for %zu bytes", name, size);
    memcpy(copy, image, size);
    const bd_status status = adopt(program, name, copy, size, err);
    if (status != BD_OK) {
        free(copy);
        *program = (struct bd_program){0};
    }
    return status;
}

bd_status bd_program_load(struct bd_program *program, const char *path, struct bd_error *err)
{
    uint8_t *data;
    size_t size;
    if (bd_file_read(path, IMAGE_LIMIT, &data, &size, err))
        return err->status;
    const bd_status status = bd_program_open(program, path, data, size, err);
    free(data);
    return status;
}

void bd_program_release(struct bd_program *program)
{
    free(program->image);
    *program = (struct bd_program){0};
}

const struct bd_descriptor *bd_program_descriptor(const struct bd_program *program, unsigned switch_index,
                                                  unsigned layer)
{
    const struct bd_program_header *h = program->header;
    return (const struct bd_descriptor *)(program->image + h->descriptor_offset +
                                          (size_t)switch_index * h->switch_stride) +
           layer;
}

int bd_program_switch(const struct bd_program *program, const char *name)
{
    for (uint32_t s = 0; s < program->header->switch_count; s++)
        if (!strcmp(program->switches[s].name, name))
            return (int)s;
    return -1;
}
