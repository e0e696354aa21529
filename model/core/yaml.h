/* Strict YAML: libyaml events into a tree with positions, then table-driven binding to C structs.
 *
 * Refused with file:line:col: aliases and anchors, tags, several documents, duplicate keys, depth over 64, over
 * 100,000 nodes, over 1 MiB, non-UTF-8 (a byte order mark at the start is passed over); in binding: unknown, missing,
 * mistyped and out-of-range keys. Integers are decimal or 0x...; reals are decimal. Neither may begin with a needless
 * zero, which versions of YAML read differently. */
#ifndef BD_CORE_YAML_H
#define BD_CORE_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/core/error.h"

enum bd_yaml_kind { BD_YAML_SCALAR, BD_YAML_SEQUENCE, BD_YAML_MAPPING };

struct bd_yaml_node {
    enum bd_yaml_kind kind;
    int line, column;             /* 1-based */
    char *text;                   /* scalar: its text, NUL-terminated */
    bool quoted;                  /* scalar written in quotes or as a block: always a string */
    size_t count;                 /* sequence: items; mapping: pairs */
    struct bd_yaml_node **keys;   /* mapping only; scalars */
    struct bd_yaml_node **values; /* mapping values or sequence items */
};

struct bd_yaml {
    char *path; /* as given: the prefix of every message */
    struct bd_yaml_node *root;
};

/* Loads a file or text (`path` is then only a name for messages). On failure nothing is held. */
bd_status bd_yaml_load(struct bd_yaml *yaml, const char *path, struct bd_error *err) BD_WARN_UNUSED;
bd_status bd_yaml_parse(struct bd_yaml *yaml, const char *path, const char *text, size_t size, struct bd_error *err)
    BD_WARN_UNUSED;
void bd_yaml_release(struct bd_yaml *yaml);

/* The value of `key` in a mapping, or NULL. */
const struct bd_yaml_node *bd_yaml_get(const struct bd_yaml_node *mapping, const char *key);

/* BD_BAD_INPUT with "path:line:col: " before the text. */
bd_status bd_yaml_fail(const struct bd_yaml *yaml, const struct bd_yaml_node *node, struct bd_error *err,
                       const char *format, ...) BD_PRINTF(4, 5);

enum bd_field_type {
    BD_FIELD_BOOL,   /* bool:     true | false */
    BD_FIELD_INT,    /* int64_t   in min..max (decimal or 0x) */
    BD_FIELD_REAL,   /* double    in min..max, finite */
    BD_FIELD_STRING, /* char *    malloc'd, max = longest length */
    BD_FIELD_PATH,   /* char *    a STRING that names a file or folder to read: beside the YAML file where it is there,
                        else as it is, which is from the current folder */
    BD_FIELD_ENUM,   /* int       index into the '|'-separated `choices` */
    BD_FIELD_MAP,    /* sub-table `fields`, bound at the same struct base + offset */
    BD_FIELD_NODE,   /* const struct bd_yaml_node *: the caller reads it (lists and free-form parts) */
};

/* One row a key. A row with `fallback` NULL is required; otherwise `fallback` is the default, as YAML text
 * ("" for an absent NODE, STRING or PATH gives NULL). */
struct bd_field {
    const char *name;
    enum bd_field_type type;
    size_t offset;
    double min, max;
    const char *fallback;
    const char *choices;
    const struct bd_field *fields; /* BD_FIELD_MAP: its rows, ended by a row without a name */
    const char *help;
};

/* Binds `node` (a mapping) to `base` by the table, which a row without a name ends. On failure strings already
 * bound are freed and set to NULL. */
bd_status bd_yaml_bind(const struct bd_yaml *yaml, const struct bd_yaml_node *node, const struct bd_field *fields,
                       void *base, struct bd_error *err) BD_WARN_UNUSED;
/* Frees the STRING and PATH fields of a bound struct. */
void bd_fields_release(const struct bd_field *fields, void *base);

/* BD_OK where `path`, which a PATH field gave, is there; else BD_BAD_INPUT at its key ("teacher.checkpoint") in the
 * YAML file that was loaded, with both places where it was looked for. */
bd_status bd_yaml_expect_path(const char *file, const char *key, const char *path, struct bd_error *err) BD_WARN_UNUSED;

/* Scalars outside a table (list items). */
/* A path as of a PATH field, which must be there: beside the YAML file, else from the current folder; malloc'd. */
bd_status bd_yaml_path(const struct bd_yaml *yaml, const struct bd_yaml_node *node, const char *key, char **path,
                       struct bd_error *err) BD_WARN_UNUSED;
bd_status bd_yaml_int(const struct bd_yaml *yaml, const struct bd_yaml_node *node, int64_t min, int64_t max,
                      int64_t *value, struct bd_error *err) BD_WARN_UNUSED;
bd_status bd_yaml_real(const struct bd_yaml *yaml, const struct bd_yaml_node *node, double min, double max,
                       double *value, struct bd_error *err) BD_WARN_UNUSED;

#endif
