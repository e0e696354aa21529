#include "model/program/verify.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"

#define HEADER_FAIL(field, what) bd_verify_fail(v, offsetof(struct bd_program_header, field), "%s", what)

static bool power_of_two(uint32_t v)
{
    return v && !(v & (v - 1));
}

/* Of the geometry that the header states. */
static uint64_t stated_hash(const struct bd_program_header *h)
{
    const struct bd_hardware hardware = {.rows = h->rows,
                                         .requant_units = h->requant_units,
                                         .mac_channels = h->mac_channels,
                                         .xnor = h->datapaths & 1,
                                         .mac = h->datapaths >> 1 & 1,
                                         .act_words = h->act_words,
                                         .z_words = h->z_words,
                                         .weight_words = h->weight_words,
                                         .table_words = h->table_words,
                                         .correct_words = h->correct_words,
                                         .descriptors = h->descriptors,
                                         .acc_bits = h->acc_bits,
                                         .mult_bits = h->mult_bits};
    return bd_hardware_geometry_hash(&hardware);
}

static bd_status check_geometry(const struct bd_verifier *v)
{
    const struct bd_program_header *h = v->program->header;
    if (!power_of_two(h->rows) || h->rows < 8 || h->rows > 64)
        return HEADER_FAIL(rows, "rows must be a power of two in 8..64");
    if (!power_of_two(h->requant_units) || h->requant_units < 2 || h->requant_units > h->rows)
        return HEADER_FAIL(requant_units, "requant_units must be a power of two in 2..rows");
    if (h->datapaths < 1 || h->datapaths > 3)
        return HEADER_FAIL(datapaths, "datapaths must be 1, 2 or 3");
    if (h->mac_channels > 2 || !h->mac_channels != !(h->datapaths & 2))
        return HEADER_FAIL(mac_channels, "mac_channels must be 1 or 2 with the MAC, 0 without");
    if (h->acc_bits < 24 || h->acc_bits > 32)
        return HEADER_FAIL(acc_bits, "acc_bits must be 24..32");
    if (h->mult_bits < 8 || h->mult_bits > 24)
        return HEADER_FAIL(mult_bits, "mult_bits must be 8..24");
    if (h->geometry_hash != BD_GEOMETRY_REFERENCE && (h->z_words % 2 || h->weight_words % 4))
        return HEADER_FAIL(z_words, "z_words must be even, weight_words a multiple of 4");
    if (h->geometry_hash != BD_GEOMETRY_REFERENCE && h->geometry_hash != stated_hash(h))
        return HEADER_FAIL(geometry_hash, "the geometry hash is not that of the geometry stated");
    return BD_OK;
}

/* The next part, [offset, offset + bytes), lies in the image behind the part that ends at *end, aligned. */
static bool follows(const struct bd_program *p, uint64_t *end, uint64_t offset, uint64_t bytes)
{
    const bool good =
        offset % BD_PROGRAM_ALIGN == 0 && offset >= *end && offset <= p->size && bytes <= p->size - offset;
    *end = offset + bytes;
    return good;
}

static bool all_zero(const void *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (((const uint8_t *)bytes)[i])
            return false;
    return true;
}

/* Bytes of the UTF-8 character at `text`, which ends at a zero; 0 where it is none that prints. */
static size_t character(const uint8_t *text)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const size_t n = text[0] < 0x80 ? 1 : text[0] >> 5 == 6 ? 2 : text[0] >> 4 == 14 ? 3 : text[0] >> 3 == 30 ? 4 : 0;
    uint32_t code = n == 1 ? text[0] : text[0] & 0x7fu >> n;
    for (size_t i = 1; i < n; i++) {
        if (text[i] >> 6 != 2)
            return 0;
        code = code << 6 | (text[i] & 0x3fu);
    }
    const bool control = code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x2028 || code == 0x2029 ||
                         (code >= 0x200e && code <= 0x200f) || (code >= 0x202a && code <= 0x202e) ||
                         (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
    const bool none = n == 0 || code < least[n] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000);
    return control || none ? 0 : n;
}

/* A name is ended by zeros, prints on every terminal, and is one part of a path. NULL, or what is wrong. */
static const char *name_fault(const char *name, size_t room)
{
    const char *end = memchr(name, 0, room);
    if (!end || end == name || !all_zero(end, room - (size_t)(end - name)))
        return "a name is empty, does not end, or is followed by more than zeros";
    for (const char *c = name; c < end;) {
        const size_t n = character((const uint8_t *)c);
        if (n == 0 || *c == '/')
            return "a name holds '/', or what is no printable UTF-8";
        c += n;
    }
    return !strcmp(name, ".") || !strcmp(name, "..") ? "a name is '.' or '..'" : NULL;
}

static bd_status check_header(const struct bd_verifier *v)
{
    const struct bd_program *p = v->program;
    const struct bd_program_header *h = p->header;
    uint64_t end = sizeof *h;
    if (check_geometry(v))
        return v->err->status;
    if (h->layer_count < 1 || h->layer_count > BD_PROGRAM_MAX_LAYERS)
        return HEADER_FAIL(layer_count, "layer_count must be 1..256");
    if (h->switch_count < 1 || h->switch_count > BD_PROGRAM_MAX_SWITCHES)
        return HEADER_FAIL(switch_count, "switch_count must be 1..16");
    if ((uint64_t)h->input_height * h->input_width * h->input_channels != h->input_bytes || !h->input_bytes ||
        h->input_height > BD_LIMIT_REFERENCE_SIDE || h->input_width > BD_LIMIT_REFERENCE_SIDE)
        return HEADER_FAIL(input_bytes, "input_bytes does not follow from the input's shape");
    if (!h->classes || (h->classes + (uint64_t)h->rows - 1) / h->rows * h->rows * 4 != h->output_bytes)
        return HEADER_FAIL(output_bytes, "output_bytes does not follow from classes and rows");
    if (!follows(p, &end, h->switch_offset, (uint64_t)h->switch_count * sizeof(struct bd_program_switch)))
        return HEADER_FAIL(switch_offset, "the switch table lies outside the image");
    if (!follows(p, &end, h->name_offset, (uint64_t)h->layer_count * BD_PROGRAM_NAME))
        return HEADER_FAIL(name_offset, "the name table lies outside the image");
    if (h->switch_stride != h->layer_count * sizeof(struct bd_descriptor))
        return HEADER_FAIL(switch_stride, "switch_stride must be layer_count x 256");
    if (!follows(p, &end, h->load_offset, sizeof(struct bd_load_descriptor)))
        return HEADER_FAIL(load_offset, "the load descriptor lies outside the image");
    if (h->descriptor_offset != end ||
        !follows(p, &end, h->descriptor_offset, (uint64_t)h->switch_count * h->switch_stride))
        return HEADER_FAIL(descriptor_offset,
                           "the descriptors do not follow the load descriptor, or lie outside the image");
    if (!follows(p, &end, h->table_offset, h->table_bytes))
        return HEADER_FAIL(table_offset, "the tables lie outside the image");
    if (!follows(p, &end, h->correct_offset, h->correct_bytes))
        return HEADER_FAIL(correct_offset, "the corrections lie outside the image");
    if (!follows(p, &end, h->weight_offset, h->weight_bytes))
        return HEADER_FAIL(weight_offset, "the weights lie outside the image");
    const char *fault = name_fault(h->network, sizeof h->network);
    if (fault)
        return HEADER_FAIL(network, fault);
    if (h->map_bytes > h->store_bytes)
        return HEADER_FAIL(map_bytes, "maps lie outside the store area");
    if (!all_zero(h->reserved, sizeof h->reserved))
        return HEADER_FAIL(reserved, "a reserved word is not 0");
    return BD_OK;
}

/* Names of switches stand in lists on the command line. */
static bool is_switch_name(const char *name)
{
    return name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.")] == '\0';
}

static bd_status check_switches(const struct bd_verifier *v)
{
    const struct bd_program *p = v->program;
    for (uint32_t s = 0; s < p->header->switch_count; s++) {
        const struct bd_program_switch *sw = &p->switches[s];
        const uint64_t byte = p->header->switch_offset + (uint64_t)s * sizeof *sw;
        const char *fault = name_fault(sw->name, sizeof sw->name);
        if (fault)
            return bd_verify_fail(v, byte, "%s", fault);
        if (!is_switch_name(sw->name))
            return bd_verify_fail(v, byte, "a switch's name must hold letters, digits, '_', '-' and '.' alone");
        for (uint32_t other = 0; other < s; other++)
            if (!strcmp(p->switches[other].name, sw->name))
                return bd_verify_fail(v, byte, "two switches have the same name");
        if (sw->weight_bits < 1 || sw->weight_bits > BD_LIMIT_WEIGHT_BITS || sw->activation_bits < 1 ||
            sw->activation_bits > BD_LIMIT_CODE_BITS || sw->z_frac < -30 || sw->z_frac > 30 || sw->reserved)
            return bd_verify_fail(v, byte + offsetof(struct bd_program_switch, weight_bits),
                                  "a switch's bits must be 1..8, its z_frac -30..30, and its reserved word 0");
    }
    return BD_OK;
}

static bd_status check_layer_names(const struct bd_verifier *v)
{
    const struct bd_program *p = v->program;
    for (uint32_t l = 0; l < p->header->layer_count; l++) {
        const uint64_t byte = p->header->name_offset + (uint64_t)l * BD_PROGRAM_NAME;
        const char *fault = name_fault(p->names[l], BD_PROGRAM_NAME);
        if (fault)
            return bd_verify_fail(v, byte, "%s", fault);
        for (uint32_t other = 0; other < l; other++)
            if (!strcmp(p->names[other], p->names[l]))
                return bd_verify_fail(v, byte, "two layers have the same name");
    }
    return BD_OK;
}

bd_status bd_verify_fail(const struct bd_verifier *v, uint64_t byte, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *what = bd_vasprintf(format, arguments);
    va_end(arguments);
    bd_fail(v->err, BD_BAD_INPUT, "%s: byte %llu: %s", v->name, (unsigned long long)byte, what);
    free(what);
    return bd_fail_at(v->err, v->name, 0, 0, (int64_t)byte);
}

bd_status bd_verify_fail_layer(const struct bd_verifier *v, uint32_t s, uint32_t l, size_t at, const char *what)
{
    const struct bd_program *p = v->program;
    const struct bd_program_header *h = p->header;
    const uint64_t byte =
        h->descriptor_offset + (uint64_t)s * h->switch_stride + (uint64_t)l * sizeof(struct bd_descriptor) + at;
    return bd_verify_fail(v, byte, "descriptor of layer '%s' at switch '%s': %s", p->names[l], p->switches[s].name,
                          what);
}

bd_status bd_program_verify(const struct bd_program *program, const char *name, bool contents, struct bd_error *err)
{
    const struct bd_verifier verifier = {program, name, contents, err}, *v = &verifier;
    if (check_header(v) || check_switches(v) || check_layer_names(v))
        return err->status;
    for (uint32_t s = 0; s < program->header->switch_count; s++)
        for (uint32_t l = 0; l < program->header->layer_count; l++)
            if (bd_verify_descriptor(v, s, l))
                return err->status;
    if (bd_verify_load(v))
        return err->status;
    for (uint32_t s = 0; s < program->header->switch_count; s++)
        for (uint32_t l = 0; l < program->header->layer_count; l++)
            if (bd_verify_tables(v, s, l))
                return err->status;
    return contents ? bd_verify_weights(v) : BD_OK;
}
