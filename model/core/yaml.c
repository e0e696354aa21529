#include "model/core/yaml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "model/core/file.h"
#include "model/core/memory.h"

#define MAX_BYTES (1u << 20)
#define MAX_DEPTH 64
#define MAX_NODES 100000

/* ---- events to tree ---- */

struct reader {
    yaml_parser_t parser;
    const char *path, *text;
    size_t size, nodes;
    struct bd_error *err;
};

static void free_node(struct bd_yaml_node *node)
{
    if (!node) {
        return;
    }
    for (size_t i = 0; i < node->count; i++) {
        if (node->keys) {
            free_node(node->keys[i]);
        }
        free_node(node->values[i]);
    }
    free(node->text);
    free(node->keys);
    free(node->values);
    free(node);
}

static bd_status fail_at(struct reader *reader, yaml_mark_t mark, const char *format, ...) BD_PRINTF(3, 4);
static bd_status fail_at(struct reader *reader, yaml_mark_t mark, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = bd_vasprintf(format, arguments);
    va_end(arguments);
    bd_fail(reader->err, BD_BAD_INPUT, "%s:%zu:%zu: %s", reader->path, mark.line + 1, mark.column + 1, text);
    free(text);
    return bd_fail_at(reader->err, reader->path, (int64_t)mark.line + 1, (int64_t)mark.column + 1, -1);
}

/* The reader stage of libyaml knows only a byte offset. */
static yaml_mark_t mark_of_offset(const struct reader *reader, size_t offset)
{
    yaml_mark_t mark = {.index = offset};
    for (size_t i = 0; i < offset && i < reader->size; i++) {
        if (reader->text[i] == '\n' ||
            (reader->text[i] == '\r' && (i + 1 == reader->size || reader->text[i + 1] != '\n'))) {
            mark.line++;
            mark.column = 0;
        } else if ((reader->text[i] & 0xc0) != 0x80) {
            mark.column++;
        }
    }
    return mark;
}

static bd_status next_event(struct reader *reader, yaml_event_t *event)
{
    yaml_parser_t *parser = &reader->parser;
    if (yaml_parser_parse(parser, event)) {
        return BD_OK;
    }
    if (parser->error == YAML_MEMORY_ERROR) {
        return bd_fail(reader->err, BD_INFRA, "%s: out of memory", reader->path);
    }
    yaml_mark_t mark =
        parser->error == YAML_READER_ERROR ? mark_of_offset(reader, parser->problem_offset) : parser->problem_mark;
    const char *problem = parser->problem ? parser->problem : "malformed YAML";
    return parser->context ? fail_at(reader, mark, "%s %s", parser->context, problem)
                           : fail_at(reader, mark, "%s", problem);
}

static int by_text_then_index(const void *left, const void *right)
{
    const struct bd_yaml_node *a = *(struct bd_yaml_node *const *)left, *b = *(struct bd_yaml_node *const *)right;
    int order = strcmp(a->text, b->text);
    if (order != 0) {
        return order;
    }
    return a->line != b->line ? (a->line > b->line) - (a->line < b->line)
                              : (a->column > b->column) - (a->column < b->column);
}

/* Sorted, so that a mapping of many keys costs no more than n log n. */
static bd_status refuse_duplicates(struct reader *reader, const struct bd_yaml_node *mapping)
{
    if (mapping->count < 2) {
        return BD_OK;
    }
    struct bd_yaml_node **keys = bd_xcalloc(mapping->count, sizeof *keys);
    memcpy(keys, mapping->keys, mapping->count * sizeof *keys);
    qsort(keys, mapping->count, sizeof *keys, by_text_then_index);
    bd_status status = BD_OK;
    for (size_t i = 1; i < mapping->count && status == BD_OK; i++) {
        if (strcmp(keys[i - 1]->text, keys[i]->text) == 0) {
            yaml_mark_t mark = {.line = keys[i]->line - 1, .column = keys[i]->column - 1};
            status = fail_at(reader, mark, "duplicate key '%s', first at line %d", keys[i]->text, keys[i - 1]->line);
        }
    }
    free(keys);
    return status;
}

static void append(struct bd_yaml_node *parent, struct bd_yaml_node *key, struct bd_yaml_node *value)
{
    /* Room grows by doubling at each power of two. */
    if ((parent->count & (parent->count - 1)) == 0) {
        size_t room = parent->count ? parent->count * 2 : 1;
        parent->values = bd_xrealloc(parent->values, room, sizeof *parent->values);
        if (parent->kind == BD_YAML_MAPPING) {
            parent->keys = bd_xrealloc(parent->keys, room, sizeof *parent->keys);
        }
    }
    if (parent->kind == BD_YAML_MAPPING) {
        parent->keys[parent->count] = key;
    }
    parent->values[parent->count++] = value;
}

static bd_status read_node(struct reader *reader, const yaml_event_t *event, int depth, struct bd_yaml_node **out);

/* The items or pairs of an open collection, to its end event. */
static bd_status read_items(struct reader *reader, struct bd_yaml_node *parent, int depth)
{
    yaml_event_type_t end = parent->kind == BD_YAML_MAPPING ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT;
    struct bd_yaml_node *key = NULL;
    for (;;) {
        yaml_event_t event;
        bd_status status = next_event(reader, &event);
        if (status != BD_OK) {
            free_node(key);
            return status;
        }
        if (event.type == end) {
            yaml_event_delete(&event);
            return parent->kind == BD_YAML_MAPPING ? refuse_duplicates(reader, parent) : BD_OK;
        }
        struct bd_yaml_node *node = NULL;
        bool is_key = parent->kind == BD_YAML_MAPPING && !key;
        if (is_key && event.type != YAML_SCALAR_EVENT && event.type != YAML_ALIAS_EVENT) {
            status = fail_at(reader, event.start_mark, "a key must be a scalar");
        } else {
            status = read_node(reader, &event, depth + 1, &node);
        }
        yaml_event_delete(&event);
        if (status != BD_OK) {
            free_node(key);
            return status;
        }
        if (is_key) {
            key = node;
        } else {
            append(parent, key, node);
            key = NULL;
        }
    }
}

static bd_status read_scalar(struct reader *reader, const yaml_event_t *event, struct bd_yaml_node *node)
{
    const char *text = (const char *)event->data.scalar.value;
    size_t length = event->data.scalar.length;
    if (memchr(text, 0, length)) {
        return fail_at(reader, event->start_mark, "a scalar holds a zero byte");
    }
    node->kind = BD_YAML_SCALAR;
    node->text = bd_xstrndup(text, length);
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    return BD_OK;
}

static bd_status refuse_properties(struct reader *reader, yaml_mark_t mark, const yaml_char_t *anchor,
                                   const yaml_char_t *tag)
{
    if (anchor) {
        return fail_at(reader, mark, "anchors are not allowed: '&%s'", anchor);
    }
    return tag ? fail_at(reader, mark, "tags are not allowed: '%s'", tag) : BD_OK;
}

static bd_status read_node(struct reader *reader, const yaml_event_t *event, int depth, struct bd_yaml_node **out)
{
    yaml_mark_t mark = event->start_mark;
    if (depth > MAX_DEPTH) {
        return fail_at(reader, mark, "nesting is deeper than %d", MAX_DEPTH);
    }
    if (++reader->nodes > MAX_NODES) {
        return fail_at(reader, mark, "more than %d nodes", MAX_NODES);
    }
    struct bd_yaml_node *node = bd_xcalloc(1, sizeof *node);
    node->line = mark.line + 1;
    node->column = mark.column + 1;
    bd_status status;
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        status = refuse_properties(reader, mark, event->data.scalar.anchor, event->data.scalar.tag);
        status = status == BD_OK ? read_scalar(reader, event, node) : status;
        break;
    case YAML_SEQUENCE_START_EVENT:
        node->kind = BD_YAML_SEQUENCE;
        status = refuse_properties(reader, mark, event->data.sequence_start.anchor, event->data.sequence_start.tag);
        status = status == BD_OK ? read_items(reader, node, depth) : status;
        break;
    case YAML_MAPPING_START_EVENT:
        node->kind = BD_YAML_MAPPING;
        status = refuse_properties(reader, mark, event->data.mapping_start.anchor, event->data.mapping_start.tag);
        status = status == BD_OK ? read_items(reader, node, depth) : status;
        break;
    case YAML_ALIAS_EVENT:
        status = fail_at(reader, mark, "aliases are not allowed: '*%s'", event->data.alias.anchor);
        break;
    default:
        status = fail_at(reader, mark, "expected a value");
    }
    if (status != BD_OK) {
        free_node(node);
        return status;
    }
    *out = node;
    return BD_OK;
}

static bd_status read_document(struct reader *reader, struct bd_yaml_node **root)
{
    for (;;) {
        yaml_event_t event;
        bd_status status = next_event(reader, &event);
        if (status != BD_OK) {
            return status;
        }
        yaml_event_type_t type = event.type;
        if (type == YAML_DOCUMENT_START_EVENT && *root) {
            status = fail_at(reader, event.start_mark, "a second document begins; one is allowed");
        } else if (type == YAML_STREAM_END_EVENT && !*root) {
            status = fail_at(reader, event.start_mark, "the document is empty");
        } else if (type == YAML_SCALAR_EVENT || type == YAML_SEQUENCE_START_EVENT || type == YAML_MAPPING_START_EVENT ||
                   type == YAML_ALIAS_EVENT) {
            status = read_node(reader, &event, 1, root);
        }
        yaml_event_delete(&event);
        if (status != BD_OK || type == YAML_STREAM_END_EVENT) {
            return status;
        }
    }
}

bd_status bd_yaml_parse(struct bd_yaml *yaml, const char *path, const char *text, size_t size, struct bd_error *err)
{
    *yaml = (struct bd_yaml){0};
    struct reader reader = {.path = path, .text = text, .size = size, .err = err};
    if (size > MAX_BYTES) {
        return bd_fail(err, BD_BAD_INPUT, "%s:1:1: the text is over %u bytes", path, MAX_BYTES);
    }
    if (!yaml_parser_initialize(&reader.parser)) {
        return bd_fail(err, BD_INFRA, "%s: cannot start the YAML parser", path);
    }
    if (size >= 3 && !memcmp(text, "\xEF\xBB\xBF", 3)) { /* the byte order mark that some editors begin UTF-8 with */
        reader.text += 3;
        reader.size -= 3;
    }
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)reader.text, reader.size);
    bd_status status = read_document(&reader, &yaml->root);
    yaml_parser_delete(&reader.parser);
    yaml->path = bd_xstrdup(path);
    if (status != BD_OK) {
        bd_yaml_release(yaml);
    }
    return status;
}

bd_status bd_yaml_load(struct bd_yaml *yaml, const char *path, struct bd_error *err)
{
    *yaml = (struct bd_yaml){0};
    uint8_t *text;
    size_t size;
    /* A looser limit than the parser's, whose refusal names a position. */
    bd_status status = bd_file_read(path, 16u * MAX_BYTES, &text, &size, err);
    if (status != BD_OK) {
        return status;
    }
    status = bd_yaml_parse(yaml, path, (const char *)text, size, err);
    free(text);
    return status;
}

void bd_yaml_release(struct bd_yaml *yaml)
{
    free_node(yaml->root);
    free(yaml->path);
    *yaml = (struct bd_yaml){0};
}

const struct bd_yaml_node *bd_yaml_get(const struct bd_yaml_node *mapping, const char *key)
{
    if (!mapping || mapping->kind != BD_YAML_MAPPING) {
        return NULL;
    }
    for (size_t i = 0; i < mapping->count; i++) {
        if (strcmp(mapping->keys[i]->text, key) == 0) {
            return mapping->values[i];
        }
    }
    return NULL;
}

bd_status bd_yaml_fail(const struct bd_yaml *yaml, const struct bd_yaml_node *node, struct bd_error *err,
                       const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = bd_vasprintf(format, arguments);
    va_end(arguments);
    bd_fail(err, BD_BAD_INPUT, "%s:%d:%d: %s", yaml->path, node->line, node->column, text);
    free(text);
    return bd_fail_at(err, yaml->path, node->line, node->column, -1);
}
