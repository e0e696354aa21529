#include "sw/bringup/registers.h"

#include <stdio.h>
#include <string.h>

#include "sw/bringup/bitdial_regs_names.h"

const struct bd_register_row bd_registers[] = {
#define X(name, offset, access, writable, help) {name, offset, access, writable, help},
    BITDIAL_REGISTERS(X)
#undef X
};
const size_t bd_register_count = sizeof bd_registers / sizeof *bd_registers;

const struct bd_register_field bd_register_fields[] = {
#define X(offset, name, shift, mask, help) {offset, name, shift, mask, help},
    BITDIAL_FIELDS(X)
#undef X
};
const size_t bd_register_field_count = sizeof bd_register_fields / sizeof *bd_register_fields;

static const struct {
    uint32_t offset;
    unsigned shift;
    uint32_t value;
    const char *name, *help;
} values[] = {
#define X(offset, shift, value, name, help) {offset, shift, value, name, help},
    BITDIAL_VALUES(X)
#undef X
};

const struct bd_register_row *bd_register_find(const char *name, uint32_t offset)
{
    for (size_t i = 0; i < bd_register_count; i++) {
        if (name ? strcmp(bd_registers[i].name, name) == 0 : bd_registers[i].offset == offset) {
            return &bd_registers[i];
        }
    }
    return NULL;
}

const char *bd_register_value_name(const struct bd_register_field *field, uint32_t value)
{
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        if (values[i].offset == field->offset && values[i].shift == field->shift && values[i].value == value) {
            return values[i].name;
        }
    }
    return NULL;
}

void bd_register_describe(uint32_t offset, uint32_t value, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < bd_register_field_count && used < size; i++) {
        const struct bd_register_field *field = &bd_register_fields[i];
        if (field->offset != offset) {
            continue;
        }
        const uint32_t part = (value & field->mask) >> field->shift;
        const char *name = bd_register_value_name(field, part);
        used += (size_t)snprintf(text + used, size - used, "%s%s %u%s%s%s", used ? ", " : "", field->name, part,
                                 name ? " (" : "", name ? name : "", name ? ")" : "");
    }
}
