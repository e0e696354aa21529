/* The register map: from hw/regs.yaml the C header of the driver, the SystemVerilog package, the map for people, and
 * offset, access and reset of every register for the reset and access tests. */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hw/gen/gen.h"
#include "model/core/memory.h"

#define MAX_REGISTERS 128
#define MAX_FIELDS 16
#define MAX_VALUES 16
#define WINDOW_BYTES 4096

enum access { ACCESS_RO, ACCESS_RW, ACCESS_WO, ACCESS_W1C, ACCESS_INHERIT };
static const char *const access_names[] = {"ro", "rw", "wo", "w1c"};
#define ACCESS_CHOICES "ro|rw|wo|w1c"

struct value {
    char *name, *help;
    int64_t value;
};

struct field {
    char *name, *help;
    int64_t lsb, width;
    int access;
    const struct bd_yaml_node *values_node;
    struct value values[MAX_VALUES];
    size_t value_count;
};

struct reg {
    char *name, *help, *reset_text;
    int64_t offset;
    uint32_t reset;
    bool reset_is_parameter;
    int access;
    const struct bd_yaml_node *fields_node;
    struct field fields[MAX_FIELDS];
    size_t field_count;
};

struct map {
    char *prefix;
    const struct bd_yaml_node *registers_node;
    struct reg registers[MAX_REGISTERS];
    size_t count;
};

static const struct bd_field map_table[] = {
    {"prefix", BD_FIELD_STRING, offsetof(struct map, prefix), 0, 16, NULL, NULL, NULL, "prefix of C names"},
    {"registers", BD_FIELD_NODE, offsetof(struct map, registers_node), 0, 0, NULL, NULL, NULL, "list"},
    {0},
};
static const struct bd_field reg_table[] = {
    {"name", BD_FIELD_STRING, offsetof(struct reg, name), 0, 40, NULL, NULL, NULL, "upper case"},
    {"offset", BD_FIELD_INT, offsetof(struct reg, offset), 0, WINDOW_BYTES - 4, NULL, NULL, NULL, "bytes"},
    {"access", BD_FIELD_ENUM, offsetof(struct reg, access), 0, 0, NULL, ACCESS_CHOICES, NULL, "kind"},
    {"reset", BD_FIELD_STRING, offsetof(struct reg, reset_text), 0, 16, NULL, NULL, NULL, "number or 'parameter'"},
    {"help", BD_FIELD_STRING, offsetof(struct reg, help), 0, 300, NULL, NULL, NULL, "meaning"},
    {"fields", BD_FIELD_NODE, offsetof(struct reg, fields_node), 0, 0, "", NULL, NULL, "list"},
    {0},
};
static const struct bd_field field_table[] = {
    {"name", BD_FIELD_STRING, offsetof(struct field, name), 0, 40, NULL, NULL, NULL, "upper case"},
    {"lsb", BD_FIELD_INT, offsetof(struct field, lsb), 0, 31, NULL, NULL, NULL, "lowest bit"},
    {"width", BD_FIELD_INT, offsetof(struct field, width), 1, 32, NULL, NULL, NULL, "bits"},
    {"access", BD_FIELD_ENUM, offsetof(struct field, access), 0, 0, "inherit", ACCESS_CHOICES "|inherit", NULL, "kind"},
    {"help", BD_FIELD_STRING, offsetof(struct field, help), 0, 300, NULL, NULL, NULL, "meaning"},
    {"values", BD_FIELD_NODE, offsetof(struct field, values_node), 0, 0, "", NULL, NULL, "list"},
    {0},
};
static const struct bd_field value_table[] = {
    {"name", BD_FIELD_STRING, offsetof(struct value, name), 0, 40, NULL, NULL, NULL, "upper case"},
    {"value", BD_FIELD_INT, offsetof(struct value, value), 0, UINT32_MAX, NULL, NULL, NULL, "number"},
    {"help", BD_FIELD_STRING, offsetof(struct value, help), 0, 300, NULL, NULL, NULL, "meaning"},
    {0},
};

static bd_status load_field(const struct bd_yaml *yaml, const struct bd_yaml_node *node, struct field *field,
                            struct bd_error *err)
{
    if (bd_yaml_bind(yaml, node, field_table, field, err) || gen_check_name(yaml, node, field->name, false, err))
        return err->status;
    if (field->lsb + field->width > 32)
        return bd_yaml_fail(yaml, node, err, "field '%s' ends past bit 31", field->name);
    if (!field->values_node)
        return BD_OK;
    if (gen_check_list(yaml, field->values_node, MAX_VALUES, err))
        return err->status;
    for (size_t i = 0; i < field->values_node->count; i++) {
        const struct bd_yaml_node *item = field->values_node->values[i];
        struct value *value = &field->values[field->value_count++];
        if (bd_yaml_bind(yaml, item, value_table, value, err) || gen_check_name(yaml, item, value->name, false, err))
            return err->status;
        if (value->value >> field->width)
            return bd_yaml_fail(yaml, item, err, "value '%s' does not fit %d bits", value->name, (int)field->width);
    }
    return BD_OK;
}

static bd_status load_register(const struct bd_yaml *yaml, const struct bd_yaml_node *node, struct reg *reg,
                               struct bd_error *err)
{
    if (bd_yaml_bind(yaml, node, reg_table, reg, err) || gen_check_name(yaml, node, reg->name, false, err))
        return err->status;
    if (reg->offset % 4)
        return bd_yaml_fail(yaml, node, err, "offset of '%s' must be a multiple of 4", reg->name);
    reg->reset_is_parameter = strcmp(reg->reset_text, "parameter") == 0;
    if (!reg->reset_is_parameter) {
        int64_t reset;
        if (bd_yaml_int(yaml, bd_yaml_get(node, "reset"), 0, UINT32_MAX, &reset, err))
            return err->status;
        reg->reset = (uint32_t)reset;
    }
    if (!reg->fields_node)
        return BD_OK;
    if (gen_check_list(yaml, reg->fields_node, MAX_FIELDS, err))
        return err->status;
    uint64_t used = 0;
    for (size_t i = 0; i < reg->fields_node->count; i++) {
        struct field *field = &reg->fields[reg->field_count++];
        if (load_field(yaml, reg->fields_node->values[i], field, err))
            return err->status;
        uint64_t mask = ((UINT64_C(1) << field->width) - 1) << field->lsb;
        if (used & mask)
            return bd_yaml_fail(yaml, reg->fields_node->values[i], err, "field '%s' overlaps another", field->name);
        used |= mask;
    }
    return BD_OK;
}

static bd_status load_map(const struct bd_yaml *yaml, struct map *map, struct bd_error *err)
{
    if (bd_yaml_bind(yaml, yaml->root, map_table, map, err) ||
        gen_check_list(yaml, map->registers_node, MAX_REGISTERS, err))
        return err->status;
    for (size_t i = 0; i < map->registers_node->count; i++) {
        const struct bd_yaml_node *node = map->registers_node->values[i];
        struct reg *reg = &map->registers[map->count++];
        if (load_register(yaml, node, reg, err))
            return err->status;
        for (size_t j = 0; j < i; j++)
            if (map->registers[j].offset == reg->offset || !strcmp(map->registers[j].name, reg->name))
                return bd_yaml_fail(yaml, node, err, "register '%s' repeats the name or offset of '%s'", reg->name,
                                    map->registers[j].name);
    }
    return BD_OK;
}

static void release_map(struct map *map)
{
    for (size_t r = 0; r < map->count; r++) {
        struct reg *reg = &map->registers[r];
        for (size_t f = 0; f < reg->field_count; f++) {
            for (size_t v = 0; v < reg->fields[f].value_count; v++)
                bd_fields_release(value_table, &reg->fields[f].values[v]);
            bd_fields_release(field_table, &reg->fields[f]);
        }
        bd_fields_release(reg_table, reg);
    }
    bd_fields_release(map_table, map);
}

static uint32_t field_mask(const struct field *field)
{
    return (uint32_t)(((UINT64_C(1) << field->width) - 1) << field->lsb);
}

/* Bits that software can write and read back. */
static uint32_t writable_mask(const struct reg *reg)
{
    if (reg->access != ACCESS_RW)
        return 0;
    if (!reg->field_count)
        return UINT32_MAX;
    uint32_t mask = 0;
    for (size_t f = 0; f < reg->field_count; f++)
        if (reg->fields[f].access == ACCESS_INHERIT || reg->fields[f].access == ACCESS_RW)
            mask |= field_mask(&reg->fields[f]);
    return mask;
}

static unsigned width(const struct reg *reg)
{
    int64_t bits = 0;
    for (size_t f = 0; f < reg->field_count; f++)
        if (reg->fields[f].lsb + reg->fields[f].width > bits)
            bits = reg->fields[f].lsb + reg->fields[f].width;
    return (unsigned)bits;
}

static void write_c(FILE *out, const void *what)
{
    const struct map *map = what;
    const char *p = map->prefix;
    fprintf(out,
            "/* Register map of the accelerator, generated from hw/regs.yaml: do not edit. */\n"
            "/* clang-format off */\n#ifndef BITDIAL_REGS_H\n#define BITDIAL_REGS_H\n\n"
            "#define %s_WINDOW_BYTES %uu\n",
            p, WINDOW_BYTES);
    for (size_t r = 0; r < map->count; r++) {
        const struct reg *reg = &map->registers[r];
        fprintf(out, "\n/* %s: %s */\n#define %s_%s_REG 0x%03xu\n", access_names[reg->access], reg->help, p, reg->name,
                (unsigned)reg->offset);
        if (!reg->reset_is_parameter && reg->reset)
            fprintf(out, "#define %s_%s_RESET 0x%xu\n", p, reg->name, reg->reset);
        for (size_t f = 0; f < reg->field_count; f++) {
            const struct field *field = &reg->fields[f];
            fprintf(out, "#define %s_%s_%s_SHIFT %u /* %s */\n", p, reg->name, field->name, (unsigned)field->lsb,
                    field->help);
            fprintf(out, "#define %s_%s_%s_MASK 0x%xu /* in place */\n", p, reg->name, field->name, field_mask(field));
            for (size_t v = 0; v < field->value_count; v++)
                fprintf(out, "#define %s_%s_%s 0x%xu /* %s */\n", p, field->name, field->values[v].name,
                        (unsigned)field->values[v].value, field->values[v].help);
        }
    }
    fprintf(out,
            "\n/* Every rw register with the bits that read back as written: X(offset, mask). */\n"
            "#define %s_WRITABLE(X)",
            p);
    for (size_t r = 0; r < map->count; r++)
        if (map->registers[r].access == ACCESS_RW)
            fprintf(out, " \\\n    X(%s_%s_REG, 0x%xu)", p, map->registers[r].name, writable_mask(&map->registers[r]));
    fprintf(out, "\n\n#endif\n");
}

static void write_sv(FILE *out, const void *what)
{
    const struct map *map = what;
    fprintf(out, "// Register map of the accelerator, generated from hw/regs.yaml: do not edit.\n"
                 "// The map lists what exists; not every block needs all of it.\n// verilator lint_off UNUSEDPARAM\n"
                 "package bitdial_regs_pkg;");
    for (size_t r = 0; r < map->count; r++) {
        const struct reg *reg = &map->registers[r];
        fprintf(out, "\n\n  // %s: %s\n  localparam logic [11:0] %s_ADDR = 12'h%03x;", access_names[reg->access],
                reg->help, reg->name, (unsigned)reg->offset);
        if (!reg->reset_is_parameter)
            fprintf(out, "\n  localparam logic [31:0] %s_RESET = 32'h%08x;", reg->name, reg->reset);
        if (reg->field_count)
            fprintf(out, "\n  localparam int %s_W = %u;  // bits up to the last field", reg->name, width(reg));
        if (reg->field_count && reg->access == ACCESS_RW)
            fprintf(out, "\n  localparam logic [31:0] %s_WRITABLE = 32'h%08x;", reg->name, writable_mask(reg));
        for (size_t f = 0; f < reg->field_count; f++) {
            const struct field *field = &reg->fields[f];
            fprintf(out, "\n  localparam int %s_%s_LSB = %u;", reg->name, field->name, (unsigned)field->lsb);
            for (size_t v = 0; v < field->value_count; v++)
                fprintf(out, "\n  localparam logic [%u:0] %s_%s = %u'd%u;", (unsigned)field->width - 1, field->name,
                        field->values[v].name, (unsigned)field->width, (unsigned)field->values[v].value);
        }
    }
    fprintf(out, "\nendpackage\n// verilator lint_on UNUSEDPARAM\n");
}

static void write_markdown(FILE *out, const void *what)
{
    const struct map *map = what;
    fprintf(out,
            "# Registers\n\nGenerated from `hw/regs.yaml`: do not edit. AXI4-Lite, 32 bits, a window of %u bytes;"
            " an access outside the map answers SLVERR.\n\n"
            "ro: a write is ignored. rw: reads give back what was written. wo: a write acts, reads give 0."
            " w1c: writing 1 clears.\n\n| offset | register | access | reset | meaning |\n|---|---|---|---|---|\n",
            WINDOW_BYTES);
    for (size_t r = 0; r < map->count; r++) {
        const struct reg *reg = &map->registers[r];
        char reset[24] = "build";
        if (!reg->reset_is_parameter)
            snprintf(reset, sizeof reset, "0x%x", reg->reset);
        fprintf(out, "| 0x%03x | %s | %s | %s | %s |\n", (unsigned)reg->offset, reg->name, access_names[reg->access],
                reset, reg->help);
    }
    fprintf(out, "\n## Fields\n\n| register | bits | field | meaning |\n|---|---|---|---|\n");
    for (size_t r = 0; r < map->count; r++) {
        const struct reg *reg = &map->registers[r];
        for (size_t f = 0; f < reg->field_count; f++) {
            const struct field *field = &reg->fields[f];
            fprintf(out, "| %s | %u:%u | %s%s%s | %s", reg->name, (unsigned)(field->lsb + field->width - 1),
                    (unsigned)field->lsb, field->name, field->access == ACCESS_INHERIT ? "" : " ",
                    field->access == ACCESS_INHERIT ? "" : access_names[field->access], field->help);
            for (size_t v = 0; v < field->value_count; v++)
                fprintf(out, "; %u %s: %s", (unsigned)field->values[v].value, field->values[v].name,
                        field->values[v].help);
            fprintf(out, " |\n");
        }
    }
}

static void write_text(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text; text++)
        fprintf(out, *text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
    fputc('"', out);
}

/* The map as lists for programs that show registers to people. */
static void write_names(FILE *out, const void *what)
{
    const struct map *map = what;
    fprintf(out,
            "/* Names and meanings of registers, generated from hw/regs.yaml: do not edit. */\n"
            "/* clang-format off */\n#ifndef BITDIAL_REGS_NAMES_H\n#define BITDIAL_REGS_NAMES_H\n\n"
            "/* X(name, offset, access, bits that read back as written, meaning) */\n#define %s_REGISTERS(X)",
            map->prefix);
    for (size_t r = 0; r < map->count; r++) {
        const struct reg *reg = &map->registers[r];
        fprintf(out, " \\\n    X(\"%s\", 0x%03xu, \"%s\", 0x%xu, ", reg->name, (unsigned)reg->offset,
                access_names[reg->access], writable_mask(reg));
        write_text(out, reg->help);
        fputc(')', out);
    }
    fprintf(out, "\n\n/* X(offset of the register, name, shift, mask in place, meaning) */\n#define %s_FIELDS(X)",
            map->prefix);
    for (size_t r = 0; r < map->count; r++)
        for (size_t f = 0; f < map->registers[r].field_count; f++) {
            const struct field *field = &map->registers[r].fields[f];
            fprintf(out, " \\\n    X(0x%03xu, \"%s\", %u, 0x%xu, ", (unsigned)map->registers[r].offset, field->name,
                    (unsigned)field->lsb, field_mask(field));
            write_text(out, field->help);
            fputc(')', out);
        }
    fprintf(out, "\n\n/* X(offset of the register, shift of the field, value, name, meaning) */\n#define %s_VALUES(X)",
            map->prefix);
    for (size_t r = 0; r < map->count; r++)
        for (size_t f = 0; f < map->registers[r].field_count; f++)
            for (size_t v = 0; v < map->registers[r].fields[f].value_count; v++) {
                const struct value *value = &map->registers[r].fields[f].values[v];
                fprintf(out, " \\\n    X(0x%03xu, %u, %u, \"%s\", ", (unsigned)map->registers[r].offset,
                        (unsigned)map->registers[r].fields[f].lsb, (unsigned)value->value, value->name);
                write_text(out, value->help);
                fputc(')', out);
            }
    fprintf(out, "\n\n#endif\n");
}

static void write_tests(FILE *out, const void *what)
{
    const struct map *map = what;
    fprintf(out, "/* Every register with its access and reset, generated from hw/regs.yaml: do not edit.\n"
                 " * REGS_TABLE(X): X(name, offset, access, reset, reset is fixed, bits that read back as written) */\n"
                 "/* clang-format off */\n#ifndef REGS_TABLE_H\n#define REGS_TABLE_H\n\n"
                 "enum regs_access { REGS_RO, REGS_RW, REGS_WO, REGS_W1C };\n\n#define REGS_TABLE(X)");
    for (size_t r = 0; r < map->count; r++) {
        const struct reg *reg = &map->registers[r];
        char access[8] = "";
        for (size_t i = 0; access_names[reg->access][i]; i++)
            access[i] = (char)toupper((unsigned char)access_names[reg->access][i]);
        fprintf(out, " \\\n    X(%s, 0x%03xu, REGS_%s, 0x%08xu, %d, 0x%08xu)", reg->name, (unsigned)reg->offset, access,
                reg->reset, !reg->reset_is_parameter, writable_mask(reg));
    }
    fprintf(out, "\n\n#endif\n");
}

bd_status gen_registers(const char *yaml_path, const char *root, struct bd_error *err)
{
    struct bd_yaml yaml;
    if (bd_yaml_load(&yaml, yaml_path, err))
        return err->status;
    struct map *map = bd_xcalloc(1, sizeof *map);
    bd_status status = load_map(&yaml, map, err);
    if (!status)
        status = gen_write(root, "sw/driver/bitdial_regs.h", write_c, map, err);
    if (!status)
        status = gen_write(root, "sw/bringup/bitdial_regs_names.h", write_names, map, err);
    if (!status)
        status = gen_write(root, "hw/bitdial_regs_pkg.sv", write_sv, map, err);
    if (!status)
        status = gen_write(root, "hw/REGS.md", write_markdown, map, err);
    if (!status)
        status = gen_write(root, "tests/support/regs_table.h", write_tests, map, err);
    release_map(map);
    free(map);
    bd_yaml_release(&yaml);
    return status;
}
