/* Trees of YAML bound to structs by tables (yaml.h). */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/core/choice.h"
#include "model/core/memory.h"
#include "model/core/yaml.h"

static const char *got(const struct bd_yaml_node *node)
{
    switch (node->kind) {
    case BD_YAML_SEQUENCE:
        return "a sequence";
    case BD_YAML_MAPPING:
        return "a mapping";
    default:
        return node->text[0] ? node->text : "nothing";
    }
}

static bool holds_text(const struct bd_field *field)
{
    return field->type == BD_FIELD_STRING || field->type == BD_FIELD_PATH;
}

static bool is_plain(const struct bd_yaml_node *node)
{
    return node->kind == BD_YAML_SCALAR && !node->quoted;
}

/* 010 is eight in YAML 1.1, ten in YAML 1.2, and a slip of the finger most often: none of them is taken. */
static bool begins_with_zero(const char *text)
{
    const char *digits = text + (*text == '-' || *text == '+');
    return digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9';
}

static bd_status refuse_zeros(const struct bd_yaml *yaml, const struct bd_yaml_node *node, const char *name,
                              struct bd_error *err)
{
    return bd_yaml_fail(yaml, node, err, "%s must not begin with a needless 0, got '%s': some read that as octal", name,
                        node->text);
}

/* Decimal, or 0x. */
static bool parse_int(const char *text, int64_t *value)
{
    const char *digits = text + (*text == '-' || *text == '+');
    bool hex = digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X');
    const char *allowed = hex ? "0123456789abcdefABCDEF" : "0123456789";
    const char *body = hex ? digits + 2 : digits;
    if (!*body || body[strspn(body, allowed)]) {
        return false;
    }
    errno = 0;
    *value = strtoll(text, NULL, hex ? 16 : 10);
    return errno == 0;
}

static bool parse_real(const char *text, double *value)
{
    if (!*text || text[strspn(text, "0123456789+-.eE")]) {
        return false;
    }
    char *end;
    *value = strtod(text, &end);
    return *end == '\0' && isfinite(*value);
}

/* `name` is the quoted subject of the message. */
static bd_status read_int(const struct bd_yaml *yaml, const struct bd_yaml_node *node, const char *name, double min,
                          double max, int64_t *value, struct bd_error *err)
{
    int64_t read;
    if (is_plain(node) && begins_with_zero(node->text)) {
        return refuse_zeros(yaml, node, name, err);
    }
    if (!is_plain(node) || !parse_int(node->text, &read)) {
        return bd_yaml_fail(yaml, node, err, "%s must be an integer, got '%s'", name, got(node));
    }
    if ((double)read < min || (double)read > max) {
        return bd_yaml_fail(yaml, node, err, "%s must be %.17g..%.17g, got %" PRId64, name, min, max, read);
    }
    *value = read;
    return BD_OK;
}

static bd_status read_real(const struct bd_yaml *yaml, const struct bd_yaml_node *node, const char *name, double min,
                           double max, double *value, struct bd_error *err)
{
    double read;
    if (is_plain(node) && begins_with_zero(node->text)) {
        return refuse_zeros(yaml, node, name, err);
    }
    if (!is_plain(node) || !parse_real(node->text, &read)) {
        return bd_yaml_fail(yaml, node, err, "%s must be a finite decimal number, got '%s'", name, got(node));
    }
    if (read < min || read > max) {
        return bd_yaml_fail(yaml, node, err, "%s must be %g..%g, got %s", name, min, max, node->text);
    }
    *value = read;
    return BD_OK;
}

bd_status bd_yaml_int(const struct bd_yaml *yaml, const struct bd_yaml_node *node, int64_t min, int64_t max,
                      int64_t *value, struct bd_error *err)
{
    return read_int(yaml, node, "the value", (double)min, (double)max, value, err);
}

bd_status bd_yaml_real(const struct bd_yaml *yaml, const struct bd_yaml_node *node, double min, double max,
                       double *value, struct bd_error *err)
{
    return read_real(yaml, node, "the value", min, max, value, err);
}

static bd_status read_string(const struct bd_yaml *yaml, const struct bd_yaml_node *node, const char *name, double max,
                             char **value, struct bd_error *err)
{
    if (node->kind != BD_YAML_SCALAR || (!node->quoted && (!node->text[0] || strcmp(node->text, "~") == 0))) {
        return bd_yaml_fail(yaml, node, err, "%s must be a string, got %s", name, got(node));
    }
    if ((double)strlen(node->text) > max) {
        return bd_yaml_fail(yaml, node, err, "%s is longer than %.0f bytes", name, max);
    }
    *value = bd_xstrdup(node->text);
    return BD_OK;
}

/* `path` beside `file`, as it is named there; malloc'd. */
static char *beside(const char *file, const char *path)
{
    const char *slash = strrchr(file, '/');
    return path[0] == '/' || !slash ? bd_xstrdup(path) : bd_asprintf("%.*s/%s", (int)(slash - file), file, path);
}

static char *resolve(const char *file, const char *path)
{
    char *near = beside(file, path);
    if (access(near, F_OK) == 0) {
        return near;
    }
    free(near);
    return bd_xstrdup(path);
}

bd_status bd_yaml_path(const struct bd_yaml *yaml, const struct bd_yaml_node *node, const char *key, char **path,
                       struct bd_error *err)
{
    char *text;
    if (node->kind != BD_YAML_SCALAR || !node->text[0]) {
        return bd_yaml_fail(yaml, node, err, "'%s' must name a file, got '%s'", key, got(node));
    }
    text = resolve(yaml->path, node->text);
    if (access(text, F_OK) != 0) {
        char *near = beside(yaml->path, node->text);
        bd_yaml_fail(yaml, node, err,
                     "'%s' names '%s', which is neither beside this file ('%s') nor in the current folder", key,
                     node->text, near);
        free(near);
        free(text);
        return err->status;
    }
    *path = text;
    return BD_OK;
}

bd_status bd_yaml_expect_path(const char *file, const char *key, const char *path, struct bd_error *err)
{
    struct bd_yaml yaml;
    if (access(path, F_OK) == 0) {
        return BD_OK;
    }
    char *near = beside(file, path), *keys = bd_xstrdup(key), *rest = keys;
    bd_status status = bd_yaml_load(&yaml, file, err);
    if (!status) {
        const struct bd_yaml_node *node = yaml.root;
        for (char *word; node && (word = strsep(&rest, "."));) {
            node = bd_yaml_get(node, word);
        }
        node = node ? node : yaml.root;
        status = strcmp(near, path)
                     ? bd_yaml_fail(&yaml, node, err,
                                    "'%s' names '%s', which is neither beside this file ('%s') nor in the "
                                    "current folder",
                                    key, path, near)
                     : bd_yaml_fail(&yaml, node, err, "'%s' names '%s', which is not there", key, path);
        bd_yaml_release(&yaml);
    }
    free(near);
    free(keys);
    return status;
}

static bd_status read_enum(const struct bd_yaml *yaml, const struct bd_yaml_node *node, const char *name,
                           const char *choices, int *value, struct bd_error *err)
{
    const int index = node->kind == BD_YAML_SCALAR ? bd_choice(choices, node->text) : -1;
    if (index >= 0) {
        *value = index;
        return BD_OK;
    }
    return bd_yaml_fail(yaml, node, err, "%s must be one of %s, got '%s'", name, choices, got(node));
}

static bd_status bind_map(const struct bd_yaml *yaml, const struct bd_yaml_node *node, const struct bd_field *fields,
                          void *base, struct bd_error *err);

static bd_status bind_value(const struct bd_yaml *yaml, const struct bd_yaml_node *node, const struct bd_field *field,
                            void *base, struct bd_error *err)
{
    char name[96];
    snprintf(name, sizeof name, "'%s'", field->name);
    void *at = (char *)base + field->offset;
    switch (field->type) {
    case BD_FIELD_BOOL:
        if (!is_plain(node) || (strcmp(node->text, "true") != 0 && strcmp(node->text, "false") != 0)) {
            return bd_yaml_fail(yaml, node, err, "%s must be true or false, got '%s'", name, got(node));
        }
        *(bool *)at = node->text[0] == 't';
        return BD_OK;
    case BD_FIELD_INT:
        return read_int(yaml, node, name, field->min, field->max, at, err);
    case BD_FIELD_REAL:
        return read_real(yaml, node, name, field->min, field->max, at, err);
    case BD_FIELD_STRING:
        return read_string(yaml, node, name, field->max, at, err);
    case BD_FIELD_PATH: {
        bd_status status = read_string(yaml, node, name, field->max, at, err);
        if (!status) {
            char *text = *(char **)at;
            *(char **)at = resolve(yaml->path, text);
            free(text);
        }
        return status;
    }
    case BD_FIELD_ENUM:
        return read_enum(yaml, node, name, field->choices, at, err);
    case BD_FIELD_MAP:
        if (node->kind != BD_YAML_MAPPING) {
            return bd_yaml_fail(yaml, node, err, "%s must be a mapping, got '%s'", name, got(node));
        }
        return bind_map(yaml, node, field->fields, at, err);
    case BD_FIELD_NODE:
        *(const struct bd_yaml_node **)at = node;
        return BD_OK;
    }
    return bd_yaml_fail(yaml, node, err, "%s has no known type", name);
}

static bd_status bind_default(const struct bd_yaml *yaml, const struct bd_yaml_node *mapping,
                              const struct bd_field *field, void *base, struct bd_error *err)
{
    struct bd_yaml_node node = {.line = mapping->line, .column = mapping->column, .kind = BD_YAML_SCALAR};
    if (field->type == BD_FIELD_MAP) {
        node.kind = BD_YAML_MAPPING;
    } else if (field->type == BD_FIELD_NODE || (holds_text(field) && !field->fallback[0])) {
        return BD_OK; /* stays NULL */
    } else {
        node.text = (char *)field->fallback;
    }
    return bind_value(yaml, &node, field, base, err);
}

static bd_status refuse_unknown(const struct bd_yaml *yaml, const struct bd_yaml_node *mapping,
                                const struct bd_field *fields, struct bd_error *err)
{
    for (size_t i = 0; i < mapping->count; i++) {
        const struct bd_field *field = fields;
        while (field->name && strcmp(field->name, mapping->keys[i]->text) != 0) {
            field++;
        }
        if (!field->name) {
            return bd_yaml_fail(yaml, mapping->keys[i], err, "unknown key '%s'", mapping->keys[i]->text);
        }
    }
    return BD_OK;
}

static bd_status bind_map(const struct bd_yaml *yaml, const struct bd_yaml_node *mapping, const struct bd_field *fields,
                          void *base, struct bd_error *err)
{
    bd_status status = refuse_unknown(yaml, mapping, fields, err);
    for (const struct bd_field *field = fields; field->name && status == BD_OK; field++) {
        const struct bd_yaml_node *value = bd_yaml_get(mapping, field->name);
        if (value) {
            status = bind_value(yaml, value, field, base, err);
        } else if (field->fallback) {
            status = bind_default(yaml, mapping, field, base, err);
        } else {
            status = bd_yaml_fail(yaml, mapping, err, "missing key '%s'", field->name);
        }
    }
    return status;
}

/* Pointers start as NULL, so that a failure at any row can release the whole struct. */
static void clear_pointers(const struct bd_field *fields, void *base)
{
    for (const struct bd_field *field = fields; field->name; field++) {
        void *at = (char *)base + field->offset;
        if (field->type == BD_FIELD_MAP) {
            clear_pointers(field->fields, at);
        } else if (holds_text(field)) {
            *(char **)at = NULL;
        } else if (field->type == BD_FIELD_NODE) {
            *(const struct bd_yaml_node **)at = NULL;
        }
    }
}

bd_status bd_yaml_bind(const struct bd_yaml *yaml, const struct bd_yaml_node *node, const struct bd_field *fields,
                       void *base, struct bd_error *err)
{
    clear_pointers(fields, base);
    if (node->kind != BD_YAML_MAPPING) {
        return bd_yaml_fail(yaml, node, err, "expected a mapping, got '%s'", got(node));
    }
    bd_status status = bind_map(yaml, node, fields, base, err);
    if (status != BD_OK) {
        bd_fields_release(fields, base);
    }
    return status;
}

void bd_fields_release(const struct bd_field *fields, void *base)
{
    for (const struct bd_field *field = fields; field->name; field++) {
        void *at = (char *)base + field->offset;
        if (field->type == BD_FIELD_MAP) {
            bd_fields_release(field->fields, at);
        } else if (holds_text(field)) {
            free(*(char **)at);
            *(char **)at = NULL;
        }
    }
}
