/* Reads hw/descriptor.yaml and has its files written. */
#include "hw/gen/descriptor.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "hw/gen/gen.h"
#include "model/core/memory.h"

const char *const gen_when_names[] = {"always", "conv", "write_codes", "add_stream", "store_codes", "store_stream"};

static const struct bd_field file_table[] = {
    {"limits", BD_FIELD_NODE, offsetof(struct gen_descriptor, limits_node), 0, 0, NULL, NULL, NULL, "list"},
    {"fields", BD_FIELD_NODE, offsetof(struct gen_descriptor, fields_node), 0, 0, NULL, NULL, NULL, "list"},
    {0},
};
#define AT(member) offsetof(struct gen_limit, member)
static const struct bd_field limit_table[] = {
    {"name", BD_FIELD_STRING, AT(name), 0, 40, NULL, NULL, NULL, "capitals"},
    {"value", BD_FIELD_INT, AT(value), 1, UINT32_MAX, NULL, NULL, NULL, "the largest"},
    {"help", BD_FIELD_STRING, AT(help), 0, 300, NULL, NULL, NULL, "meaning"},
    {0},
};
#undef AT
#define AT(member) offsetof(struct gen_name, member)
static const struct bd_field value_table[] = {
    {"name", BD_FIELD_STRING, AT(name), 0, 40, NULL, NULL, NULL, "capitals"},
    {"value", BD_FIELD_INT, AT(value), 0, UINT32_MAX, NULL, NULL, NULL, "number"},
    {"help", BD_FIELD_STRING, AT(help), 0, 300, NULL, NULL, NULL, "meaning"},
    {0},
};
static const struct bd_field bit_table[] = {
    {"name", BD_FIELD_STRING, AT(name), 0, 40, NULL, NULL, NULL, "capitals"},
    {"rtl", BD_FIELD_STRING, AT(rtl), 0, 40, "", NULL, NULL, "member of descriptor_t"},
    {"help", BD_FIELD_STRING, AT(help), 0, 300, NULL, NULL, NULL, "meaning"},
    {0},
};
#undef AT
#define AT(member) offsetof(struct gen_field, member)
static const struct bd_field field_table[] = {
    {"name", BD_FIELD_STRING, AT(name), 0, 40, NULL, NULL, NULL, "small letters"},
    {"word", BD_FIELD_INT, AT(word), 0, GEN_WORDS - 1, NULL, NULL, NULL, "its place"},
    {"signed", BD_FIELD_BOOL, AT(is_signed), 0, 0, "false", NULL, NULL, "two's complement"},
    {"min", BD_FIELD_STRING, AT(min_text), 0, 40, "0", NULL, NULL, "smallest"},
    {"max", BD_FIELD_STRING, AT(max_text), 0, 40, "4294967295", NULL, NULL, "largest"},
    {"only_ends", BD_FIELD_BOOL, AT(only_ends), 0, 0, "false", NULL, NULL, "nothing between"},
    {"multiple", BD_FIELD_INT, AT(multiple), 1, 4096, "1", NULL, NULL, "power of two"},
    {"when", BD_FIELD_ENUM, AT(when), 0, 0, "always", GEN_WHEN_CHOICES, NULL, "where the rule holds"},
    {"min_when", BD_FIELD_ENUM, AT(min_when), 0, 0, "always", GEN_WHEN_CHOICES, NULL, "where min holds"},
    {"rtl", BD_FIELD_STRING, AT(rtl), 0, 40, "", NULL, NULL, "member of descriptor_t"},
    {"lsb", BD_FIELD_INT, AT(lsb), 0, 31, "0", NULL, NULL, "lowest bit kept"},
    {"width", BD_FIELD_INT, AT(width), 0, 32, "0", NULL, NULL, "bits kept; 0: as max needs"},
    {"help", BD_FIELD_STRING, AT(help), 0, 300, NULL, NULL, NULL, "meaning"},
    {"values", BD_FIELD_NODE, AT(values_node), 0, 0, "", NULL, NULL, "list"},
    {"bits", BD_FIELD_NODE, AT(bits_node), 0, 0, "", NULL, NULL, "list"},
    {0},
};
#undef AT

unsigned gen_bits(uint64_t max)
{
    unsigned bits = 0;
    while (max >> bits)
        bits++;
    return bits;
}

static bd_status load_limits(const struct bd_yaml *yaml, struct gen_descriptor *d, struct bd_error *err)
{
    if (gen_check_list(yaml, d->limits_node, GEN_LIMITS, err))
        return err->status;
    for (size_t i = 0; i < d->limits_node->count; i++) {
        const struct bd_yaml_node *node = d->limits_node->values[i];
        struct gen_limit *limit = &d->limits[i];
        if (bd_yaml_bind(yaml, node, limit_table, limit, err))
            return err->status;
        d->limit_count++;
        if (gen_check_name(yaml, node, limit->name, false, err))
            return err->status;
        for (size_t j = 0; j < i; j++)
            if (!strcmp(d->limits[j].name, limit->name))
                return bd_yaml_fail(yaml, node, err, "limit '%s' stands twice", limit->name);
    }
    return BD_OK;
}

/* A number, or the name of a limit. */
static bd_status read_bound(const struct bd_yaml *yaml, const struct gen_descriptor *d, const struct bd_yaml_node *node,
                            const char *key, const char *text, uint32_t *value, const struct gen_limit **limit,
                            struct bd_error *err)
{
    *limit = NULL;
    for (size_t i = 0; i < d->limit_count; i++)
        if (!strcmp(d->limits[i].name, text)) {
            *limit = &d->limits[i];
            *value = (uint32_t)d->limits[i].value;
            return BD_OK;
        }
    const struct bd_yaml_node *at = bd_yaml_get(node, key);
    int64_t number = strtoll(text, NULL, 0);
    if (at && isalpha((unsigned char)text[0]))
        return bd_yaml_fail(yaml, at, err, "'%s' is no limit", text);
    if (at && bd_yaml_int(yaml, at, 0, UINT32_MAX, &number, err))
        return err->status;
    *value = (uint32_t)number;
    return BD_OK;
}

static bd_status load_names(const struct bd_yaml *yaml, struct gen_field *f, struct bd_error *err)
{
    const struct bd_yaml_node *list = f->values_node ? f->values_node : f->bits_node;
    f->has_bits = f->bits_node != NULL;
    if (!list)
        return BD_OK;
    if (gen_check_list(yaml, list, GEN_NAMES, err))
        return err->status;
    for (size_t i = 0; i < list->count; i++) {
        struct gen_name *name = &f->names[i];
        if (bd_yaml_bind(yaml, list->values[i], f->has_bits ? bit_table : value_table, name, err))
            return err->status;
        f->name_count++;
        if (gen_check_name(yaml, list->values[i], name->name, false, err))
            return err->status;
        if (f->has_bits)
            name->value = (int64_t)i;
    }
    return BD_OK;
}

static bd_status load_field(const struct bd_yaml *yaml, const struct bd_yaml_node *node, struct gen_descriptor *d,
                            struct bd_error *err)
{
    struct gen_field *f = &d->fields[d->field_count];
    const struct gen_limit *min_limit;
    if (bd_yaml_bind(yaml, node, field_table, f, err))
        return err->status;
    d->field_count++;
    if (gen_check_name(yaml, node, f->name, true, err) || load_names(yaml, f, err) ||
        read_bound(yaml, d, node, "min", f->min_text, &f->min, &min_limit, err) ||
        read_bound(yaml, d, node, "max", f->max_text, &f->max, &f->max_limit, err))
        return err->status;
    if (!bd_yaml_get(node, "min_when"))
        f->min_when = f->when;
    if (f->word != (int64_t)d->field_count - 1)
        return bd_yaml_fail(yaml, node, err, "field '%s' is word %d, but stands as number %zu: every word, in order",
                            f->name, (int)f->word, d->field_count - 1);
    if (f->min > f->max || (f->multiple & (f->multiple - 1)) || f->min % f->multiple ||
        (f->max != UINT32_MAX && f->max % f->multiple))
        return bd_yaml_fail(yaml, node, err, "min, max and multiple of '%s' do not go together", f->name);
    if ((f->when != WHEN_ALWAYS || f->min_when != WHEN_ALWAYS) && f->word < 2)
        return bd_yaml_fail(yaml, node, err, "'%s' is read before what 'when' asks for", f->name);
    if (!f->width)
        f->width = gen_bits(f->max);
    if (f->lsb + f->width > 32 || (f->rtl && !f->width))
        return bd_yaml_fail(yaml, node, err, "'%s' keeps bits that a word does not have", f->name);
    for (size_t i = 0; i + 1 < d->field_count; i++)
        if (!strcmp(d->fields[i].name, f->name))
            return bd_yaml_fail(yaml, node, err, "field '%s' stands twice", f->name);
    return BD_OK;
}

static bd_status load_descriptor(const struct bd_yaml *yaml, struct gen_descriptor *d, struct bd_error *err)
{
    if (bd_yaml_bind(yaml, yaml->root, file_table, d, err) || load_limits(yaml, d, err) ||
        gen_check_list(yaml, d->fields_node, GEN_WORDS, err))
        return err->status;
    if (d->fields_node->count != GEN_WORDS)
        return bd_yaml_fail(yaml, d->fields_node, err, "expected the %d words of a descriptor, got %zu", GEN_WORDS,
                            d->fields_node->count);
    for (size_t i = 0; i < GEN_WORDS; i++)
        if (load_field(yaml, d->fields_node->values[i], d, err))
            return err->status;
    return BD_OK;
}

static void release(struct gen_descriptor *d)
{
    for (size_t i = 0; i < d->field_count; i++) {
        struct gen_field *f = &d->fields[i];
        for (size_t n = 0; n < f->name_count; n++)
            bd_fields_release(f->has_bits ? bit_table : value_table, &f->names[n]);
        bd_fields_release(field_table, f);
    }
    for (size_t i = 0; i < d->limit_count; i++)
        bd_fields_release(limit_table, &d->limits[i]);
    bd_fields_release(file_table, d);
    free(d);
}

bd_status gen_descriptor(const char *yaml_path, const char *root, struct bd_error *err)
{
    struct bd_yaml yaml;
    if (bd_yaml_load(&yaml, yaml_path, err))
        return err->status;
    struct gen_descriptor *d = bd_xcalloc(1, sizeof *d);
    bd_status status = load_descriptor(&yaml, d, err);
    if (!status)
        status = gen_write(root, "model/program/descriptor.h", gen_descriptor_c, d, err);
    if (!status)
        status = gen_write(root, "hw/bitdial_descriptor_pkg.sv", gen_descriptor_package, d, err);
    if (!status)
        status = gen_write(root, "hw/control/descriptor_fields.sv", gen_descriptor_decoder, d, err);
    if (!status)
        status = gen_write(root, "hw/DESCRIPTOR.md", gen_descriptor_markdown, d, err);
    release(d);
    bd_yaml_release(&yaml);
    return status;
}
