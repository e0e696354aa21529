/* Strict YAML: every refusal with its exact position, and the binding's types, bounds and defaults. */
#include <criterion/criterion.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/core/yaml.h"

struct sub {
    int64_t depth;
    char *label;
};

struct config {
    int64_t rows;
    double rate;
    bool fast;
    int mode;
    char *name, *note;
    struct sub sub;
    const struct bd_yaml_node *list;
};

static const struct bd_field sub_fields[] = {
    {"depth", BD_FIELD_INT, offsetof(struct sub, depth), 0, 9, "3", NULL, NULL, "help"},
    {"label", BD_FIELD_STRING, offsetof(struct sub, label), 0, 8, "none", NULL, NULL, "help"},
    {0},
};
static const struct bd_field fields[] = {
    {"rows", BD_FIELD_INT, offsetof(struct config, rows), 1, 64, NULL, NULL, NULL, "help"},
    {"rate", BD_FIELD_REAL, offsetof(struct config, rate), 0, 1, "0.5", NULL, NULL, "help"},
    {"fast", BD_FIELD_BOOL, offsetof(struct config, fast), 0, 0, "true", NULL, NULL, "help"},
    {"mode", BD_FIELD_ENUM, offsetof(struct config, mode), 0, 0, "two", "one|two|three", NULL, "help"},
    {"name", BD_FIELD_STRING, offsetof(struct config, name), 0, 8, NULL, NULL, NULL, "help"},
    {"note", BD_FIELD_STRING, offsetof(struct config, note), 0, 8, "", NULL, NULL, "help"},
    {"sub", BD_FIELD_MAP, offsetof(struct config, sub), 0, 0, "", NULL, sub_fields, "help"},
    {"list", BD_FIELD_NODE, offsetof(struct config, list), 0, 0, "", NULL, NULL, "help"},
    {0},
};

/* Parses and binds; on success the caller releases both. */
static bd_status bind(const char *text, size_t size, struct bd_yaml *yaml, struct config *config, struct bd_error *err)
{
    memset(config, 0xa5, sizeof *config);
    bd_status status = bd_yaml_parse(yaml, "t.yaml", text, size, err);
    if (status != BD_OK) {
        return status;
    }
    status = bd_yaml_bind(yaml, yaml->root, fields, config, err);
    if (status != BD_OK) {
        cr_assert_null(config->name);
        cr_assert_null(config->sub.label);
        bd_yaml_release(yaml);
    }
    return status;
}

Test(core_yaml, binds_every_type)
{
    static const char text[] = "rows: 0x10\nrate: 2.5e-1\nfast: false\nmode: three\nname: \"12\"\nnote: n\n"
                               "sub: {depth: 9, label: abc}\nlist: [1, 2]\n";
    struct bd_yaml yaml;
    struct config config;
    struct bd_error err = {0};
    cr_assert_eq(bind(text, strlen(text), &yaml, &config, &err), BD_OK, "%s", err.message);
    cr_assert_eq(config.rows, 16);
    cr_assert_eq(config.rate, 0.25);
    cr_assert_not(config.fast);
    cr_assert_eq(config.mode, 2);
    cr_assert_str_eq(config.name, "12");
    cr_assert_str_eq(config.note, "n");
    cr_assert_eq(config.sub.depth, 9);
    cr_assert_str_eq(config.sub.label, "abc");
    cr_assert_eq(config.list->count, 2);
    int64_t item;
    cr_assert_eq(bd_yaml_int(&yaml, config.list->values[1], 0, 2, &item, &err), BD_OK);
    cr_assert_eq(item, 2);
    cr_assert_eq(bd_yaml_int(&yaml, config.list->values[1], 0, 1, &item, &err), BD_BAD_INPUT);
    cr_assert_str_eq(err.message, "t.yaml:8:11: the value must be 0..1, got 2");
    bd_fields_release(fields, &config);
    cr_assert_null(config.name);
    bd_yaml_release(&yaml);
}

Test(core_yaml, defaults)
{
    static const char text[] = "# comment\nrows: 64\nname: x\n";
    struct bd_yaml yaml;
    struct config config;
    struct bd_error err = {0};
    cr_assert_eq(bind(text, strlen(text), &yaml, &config, &err), BD_OK, "%s", err.message);
    cr_assert_eq(config.rate, 0.5);
    cr_assert(config.fast);
    cr_assert_eq(config.mode, 1);
    cr_assert_null(config.note);
    cr_assert_null(config.list);
    cr_assert_eq(config.sub.depth, 3);
    cr_assert_str_eq(config.sub.label, "none");
    bd_fields_release(fields, &config);
    bd_yaml_release(&yaml);
}

Test(core_yaml, refuses_with_position)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"rows: 1\nname: a\nrows: 2\n", "t.yaml:3:1: duplicate key 'rows', first at line 1"},
        {"rows: 1\nname: a\nsub: {depth: 1, depth: 1}\n", "t.yaml:3:17: duplicate key 'depth', first at line 3"},
        {"rows: 1\nname: a\ncolumns: 2\n", "t.yaml:3:1: unknown key 'columns'"},
        {"rows: 1\nname: a\nsub:\n  height: 2\n", "t.yaml:4:3: unknown key 'height'"},
        {"rows: 1\nname: a\n<<: {rate: 1}\n", "t.yaml:3:1: unknown key '<<'"},
        {"name: a\n", "t.yaml:1:1: missing key 'rows'"},
        {"rows: 0\nname: a\n", "t.yaml:1:7: 'rows' must be 1..64, got 0"},
        {"rows: 65\nname: a\n", "t.yaml:1:7: 'rows' must be 1..64, got 65"},
        {"rows: 99999999999999999999\nname: a\n", "t.yaml:1:7: 'rows' must be an integer, got '99999999999999999999'"},
        {"rows: 1.5\nname: a\n", "t.yaml:1:7: 'rows' must be an integer, got '1.5'"},
        {"rows: 010\nname: a\n", "t.yaml:1:7: 'rows' must be an integer, got '010'"},
        {"rows: 0x\nname: a\n", "t.yaml:1:7: 'rows' must be an integer, got '0x'"},
        {"rows: \"1\"\nname: a\n", "t.yaml:1:7: 'rows' must be an integer, got '1'"},
        {"rows:\nname: a\n", "t.yaml:1:6: 'rows' must be an integer, got 'nothing'"},
        {"rows: [1]\nname: a\n", "t.yaml:1:7: 'rows' must be an integer, got 'a sequence'"},
        {"rows: 1\nname: a\nrate: nan\n", "t.yaml:3:7: 'rate' must be a finite number, got 'nan'"},
        {"rows: 1\nname: a\nrate: 1e999\n", "t.yaml:3:7: 'rate' must be a finite number, got '1e999'"},
        {"rows: 1\nname: a\nrate: 1.01\n", "t.yaml:3:7: 'rate' must be 0..1, got 1.01"},
        {"rows: 1\nname: a\nfast: yes\n", "t.yaml:3:7: 'fast' must be true or false, got 'yes'"},
        {"rows: 1\nname: a\nmode: four\n", "t.yaml:3:7: 'mode' must be one of one|two|three, got 'four'"},
        {"rows: 1\nname: a\nmode: one|two\n", "t.yaml:3:7: 'mode' must be one of one|two|three, got 'one|two'"},
        {"rows: 1\nname: {a: 1}\n", "t.yaml:2:7: 'name' must be a string, got a mapping"},
        {"rows: 1\nname: abcdefghi\n", "t.yaml:2:7: 'name' is longer than 8 bytes"},
        {"rows: 1\nname: a\nsub: 3\n", "t.yaml:3:6: 'sub' must be a mapping, got '3'"},
        {"- rows\n", "t.yaml:1:1: expected a mapping, got 'a sequence'"},
        {"", "t.yaml:1:1: the document is empty"},
        {"rows: 1\n---\nrows: 2\n", "t.yaml:2:1: a second document begins; one is allowed"},
        {"a: &x [1]\nb: *x\n", "t.yaml:1:4: anchors are not allowed: '&x'"},
        {"a: *x\n", "t.yaml:1:4: aliases are not allowed: '*x'"},
        {"a: !!int 3\n", "t.yaml:1:4: tags are not allowed: 'tag:yaml.org,2002:int'"},
        {"? [a]\n: 1\n", "t.yaml:1:3: a key must be a scalar"},
        {"a: \"x\\0y\"\n", "t.yaml:1:4: a scalar holds a zero byte"},
        {"a: 1\nb: \"\xff\"\n", "t.yaml:2:5: invalid leading UTF-8 octet"},
        {"a: [1, 2\n", "t.yaml:2:1: while parsing a flow sequence did not find expected ',' or ']'"},
        {"a: 1\n b: 2\n", "t.yaml:2:3: mapping values are not allowed in this context"},
        {"a:\n\t- 1\n", "t.yaml:2:1: while scanning for the next token found character that cannot start any token"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bd_yaml yaml;
        struct config config;
        struct bd_error err = {0};
        cr_assert_eq(bind(cases[i].text, strlen(cases[i].text), &yaml, &config, &err), BD_BAD_INPUT, "case %zu", i);
        cr_assert_str_eq(err.message, cases[i].message, "case %zu: %s", i, err.message);
        cr_assert_null(yaml.root);
        cr_assert_null(yaml.path);
    }
}

/* `count` times `piece` between two ends. */
static char *repeat(const char *begin, const char *piece, size_t count, const char *end)
{
    size_t width = strlen(piece), used = strlen(begin);
    char *text = bd_xmalloc(used + count * width + strlen(end) + 1);
    strcpy(text, begin);
    for (size_t i = 0; i < count; i++, used += width) {
        memcpy(text + used, piece, width);
    }
    strcpy(text + used, end);
    return text;
}

static void expect(char *text, const char *message)
{
    struct bd_yaml yaml;
    struct bd_error err = {0};
    bd_status status = bd_yaml_parse(&yaml, "t", text, strlen(text), &err);
    if (message) {
        cr_assert_eq(status, BD_BAD_INPUT);
        cr_assert_str_eq(err.message, message, "%s", err.message);
    } else {
        cr_assert_eq(status, BD_OK, "%s", err.message);
        bd_yaml_release(&yaml);
    }
    free(text);
}

Test(core_yaml, limits)
{
    char *closing = repeat("", "]", 64, "\n");
    expect(repeat("", "[", 64, closing), NULL);
    free(closing);
    expect(repeat("", "[", 65, "\n"), "t:1:65: nesting is deeper than 64");
    expect(repeat("", "[", 200000, "\n"), "t:1:65: nesting is deeper than 64");
    expect(repeat("[", "0,", 99999, "]\n"), NULL);
    expect(repeat("[", "0,", 100000, "]\n"), "t:1:200000: more than 100000 nodes");
    expect(repeat("a: 1 #", "x", (1 << 20) - 6, ""), NULL);
    expect(repeat("a: 1 #", "x", (1 << 20) - 5, ""), "t:1:1: the text is over 1048576 bytes");
    expect(bd_xstrdup("a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\n"), "t:1:4: anchors are not allowed: '&a'");
}

/* 40,000 keys of which the last repeats the first: found, and in good time. */
Test(core_yaml, many_keys)
{
    char *text = bd_xmalloc(40001 * 12);
    size_t used = 0;
    for (int i = 0; i < 40000; i++) {
        used += sprintf(text + used, "k%d: 0\n", i);
    }
    strcpy(text + used, "k0: 1\n");
    expect(text, "t:40001:1: duplicate key 'k0', first at line 1");
}

Test(core_yaml, missing_file)
{
    struct bd_yaml yaml;
    struct bd_error err;
    cr_assert_eq(bd_yaml_load(&yaml, "no/such.yaml", &err), BD_BAD_INPUT);
    cr_assert_str_eq(err.message, "cannot open 'no/such.yaml': No such file or directory");
}
