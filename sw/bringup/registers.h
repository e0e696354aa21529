/* The register map with names, for people: what hw/regs.yaml says, as tables. */
#ifndef BD_BRINGUP_REGISTERS_H
#define BD_BRINGUP_REGISTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bd_register_row {
    const char *name;
    uint32_t offset;
    const char *access; /* "ro", "rw", "wo" or "w1c" */
    uint32_t writable;  /* bits that read back as written */
    const char *help;
};

struct bd_register_field {
    uint32_t offset; /* of its register */
    const char *name;
    unsigned shift;
    uint32_t mask; /* in place */
    const char *help;
};

extern const struct bd_register_row bd_registers[];
extern const size_t bd_register_count;
extern const struct bd_register_field bd_register_fields[];
extern const size_t bd_register_field_count;

/* By its name or, where that is NULL, by offset; NULL: there is none. */
const struct bd_register_row *bd_register_find(const char *name, uint32_t offset);

/* Whether a read changes nothing: all but wo registers, whose reads say nothing. */
static inline bool bd_register_is_readable(const struct bd_register_row *row)
{
    return row->access[0] != 'w' || row->access[1] != 'o';
}

/* The name of a field's value, or NULL where it has none. */
const char *bd_register_value_name(const struct bd_register_field *field, uint32_t value);

/* "BUSY 1, QUEUE_LEVEL 2, ERROR 5 (WATCHDOG)": the fields of a register's value, or "" without fields. */
void bd_register_describe(uint32_t offset, uint32_t value, char *text, size_t size);

#endif
