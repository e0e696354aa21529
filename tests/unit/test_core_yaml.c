/* Strict YAML: every refusal with its exact position, and the binding's types, bounds and defaults. */
#include <criterion/criterion.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
        {"rows: 010\nname: a\nrate: 0\n",
         "t.yaml:1:7: 'rows' must not begin with a needless 0, got '010': some read that as octal"},
        {"rows: -08\nname: a\nrate: 0\n",
         "t.yaml:1:7: 'rows' must not begin with a needless 0, got '-08': some read that as octal"},
        {"rows: 00\nname: a\nrate: 0\n",
         "t.yaml:1:7: 'rows' must not begin with a needless 0, got '00': some read that as octal"},
        {"rows: 1\nname: a\nrate: 010\n",
         "t.yaml:3:7: 'rate' must not begin with a needless 0, got '010': some read that as octal"},
        {"rows: 1\nname: a\nrate: 00.5\n",
         "t.yaml:3:7: 'rate' must not begin with a needless 0, got '00.5': some read that as octal"},
        {"rows: 1\nname: a\nrate: +01e-2\n",
         "t.yaml:3:7: 'rate' must not begin with a needless 0, got '+01e-2': some read that as octal"},
        {"rows: 1\nname: a\nrate: 0x1\n", "t.yaml:3:7: 'rate' must be a finite decimal number, got '0x1'"},
        {"rows: 0o10\nname: a\nrate: 0\n", "t.yaml:1:7: 'rows' must be an integer, got '0o10'"},
        {"rows: 0x\nname: a\n", "t.yaml:1:7: 'rows' must be an integer, got '0x'"},
        {"rows: \"1\"\nname: a\n", "t.yaml:1:7: 'rows' must be an integer, got '1'"},
        {"rows:\nname: a\n", "t.yaml:1:6: 'rows' must be an integer, got 'nothing'"},
        {"rows: [1]\nname: a\n", "t.yaml:1:7: 'rows' must be an integer, got 'a sequence'"},
        {"rows: 1\nname: a\nrate: nan\n", "t.yaml:3:7: 'rate' must be a finite decimal number, got 'nan'"},
        {"rows: 1\nname: a\nrate: 1e999\n", "t.yaml:3:7: 'rate' must be a finite decimal number, got '1e999'"},
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

/* A zero alone, before a point and in an exponent says what it says; text may begin as it likes. */
Test(core_yaml, zeros_that_mislead_nobody)
{
    static const struct {
        const char *rows, *rate, *name;
        double expected;
    } cases[] = {
        {"10", "0", "010", 0}, {"0xA", "0.5", "a", 0.5}, {"0x0a", "1e-05", "00", 1e-5}, {"10", "-0", "0x1", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bd_yaml yaml;
        struct config config;
        struct bd_error err = {0};
        char *text = bd_asprintf("rows: %s\nrate: %s\nname: %s\n", cases[i].rows, cases[i].rate, cases[i].name);
        cr_assert_eq(bind(text, strlen(text), &yaml, &config, &err), BD_OK, "%s", err.message);
        cr_assert(config.rows == 10 && config.rate == cases[i].expected && !strcmp(config.name, cases[i].name));
        bd_fields_release(fields, &config);
        bd_yaml_release(&yaml);
        free(text);
    }
}

/* A byte order mark is passed over, also by the columns of messages; a second one, or one of UTF-16, is not. */
Test(core_yaml, byte_order_mark)
{
    struct bd_yaml yaml;
    struct config config;
    struct bd_error err = {0};
    static const char good[] = "\xEF\xBB\xBFrows: 3\r\nname: a\r\n";
    cr_assert_eq(bind(good, strlen(good), &yaml, &config, &err), BD_OK, "%s", err.message);
    cr_assert_eq(config.rows, 3);
    bd_fields_release(fields, &config);
    bd_yaml_release(&yaml);
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"\xEF\xBB\xBFrows: 0\nname: a\n", "t.yaml:1:7: 'rows' must be 1..64, got 0"},
        {"\xEF\xBB\xBFrows: 1\nname: \"\xff\"\n", "t.yaml:2:8: invalid leading UTF-8 octet"},
        {"\xEF\xBB\xBF", "t.yaml:1:1: the document is empty"},
        {"\xFF\xFEr\0o\0", "t.yaml:1:1: invalid leading UTF-8 octet"},
        {"rows: 1\rname: \"\xff\"\r", "t.yaml:2:8: invalid leading UTF-8 octet"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cr_assert_eq(bind(cases[i].text, strlen(cases[i].text), &yaml, &config, &err), BD_BAD_INPUT, "case %zu", i);
        cr_assert_str_eq(err.message, cases[i].message, "case %zu: %s", i, err.message);
    }
}

struct paths {
    char *file, *other;
};
static const struct bd_field path_fields[] = {
    {"file", BD_FIELD_PATH, offsetof(struct paths, file), 0, 4096, NULL, NULL, NULL, "help"},
    {"other", BD_FIELD_PATH, offsetof(struct paths, other), 0, 4096, "", NULL, NULL, "help"},
    {0},
};

/* A path is looked for beside the file that names it, then in the current folder. */
Test(core_yaml, paths)
{
    char folder[] = "/tmp/bitdial-yaml-XXXXXX", cwd[4096];
    cr_assert(mkdtemp(folder) && getcwd(cwd, sizeof cwd) && chdir(folder) == 0);
    cr_assert(mkdir("configs", 0777) == 0 && mkdir("configs/sub", 0777) == 0 && mkdir("sub", 0777) == 0);
    FILE *text = fopen("configs/t.yaml", "w");
    fputs("other: x\nfile: sub/none\n", text);
    fclose(text);
    static const char *const files[] = {"configs/sub/both", "sub/both", "sub/far", "configs/near"};
    for (int i = 0; i < 4; i++) {
        fclose(fopen(files[i], "w"));
    }
    char *absolute = bd_asprintf("%s/sub/far", folder);
    const char *const cases[][2] = {{"sub/both", "configs/sub/both"}, {"sub/far", "sub/far"},
                                    {"near", "configs/near"},         {"../sub/far", "configs/../sub/far"},
                                    {"sub/none", "sub/none"},         {absolute, absolute}};
    struct bd_error err = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bd_yaml yaml;
        struct paths paths;
        char *line = bd_asprintf("file: %s\n", cases[i][0]);
        cr_assert_eq(bd_yaml_parse(&yaml, "configs/t.yaml", line, strlen(line), &err), BD_OK);
        cr_assert_eq(bd_yaml_bind(&yaml, yaml.root, path_fields, &paths, &err), BD_OK, "%s", err.message);
        cr_assert_str_eq(paths.file, cases[i][1]);
        cr_assert_null(paths.other);
        bd_fields_release(path_fields, &paths);
        cr_assert_null(paths.file);
        bd_yaml_release(&yaml);
        free(line);
    }
    cr_assert_eq(bd_yaml_expect_path("configs/t.yaml", "file", "configs/near", &err), BD_OK);
    cr_assert_eq(bd_yaml_expect_path("configs/t.yaml", "file", "sub/none", &err), BD_BAD_INPUT);
    cr_assert_str_eq(err.message, "configs/t.yaml:2:7: 'file' names 'sub/none', which is neither beside this file "
                                  "('configs/sub/none') nor in the current folder");
    free(absolute);
    char *command = bd_asprintf("rm -r %s", folder);
    cr_assert(chdir(cwd) == 0 && system(command) == 0);
    free(command);
}

Test(core_yaml, missing_file)
{
    struct bd_yaml yaml;
    struct bd_error err;
    cr_assert_eq(bd_yaml_load(&yaml, "no/such.yaml", &err), BD_BAD_INPUT);
    cr_assert_str_eq(err.message, "cannot open 'no/such.yaml': No such file or directory");
}
