#include "sw/regress/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/checkpoint/checkpoint.h"
#include "model/core/choice.h"
#include "model/core/memory.h"
#include "model/program/hardware.h"
#include "model/regress/case.h"
#include "sw/regress/suite_parts.h"

struct head {
    char *name, *title;
    int64_t seed;
    const struct bd_yaml_node *tests;
};
#define AT(member) offsetof(struct head, member)
static const struct bd_field head_fields[] = {
    {"name", BD_FIELD_STRING, AT(name), 1, 63, NULL, NULL, NULL, "of the suite"},
    {"title", BD_FIELD_STRING, AT(title), 0, 255, "", NULL, NULL, "for the report"},
    {"seed", BD_FIELD_INT, AT(seed), 0, 1e15, "1", NULL, NULL, "master seed, where --seed gives none"},
    {"tests", BD_FIELD_NODE, AT(tests), 0, 0, NULL, NULL, NULL, "a list"},
    {0},
};
#undef AT

static void release_texts(struct bd_suite_texts *t)
{
    for (size_t i = 0; i < t->count; i++)
        free(t->text[i]);
    free(t->text);
    *t = (struct bd_suite_texts){0};
}

static void release_test(struct bd_suite_test *t)
{
    struct bd_suite_texts *const lists[] = {&t->hardware, &t->networks, &t->memory, &t->stalls, &t->modes, &t->names};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        release_texts(lists[i]);
    free(t->name);
    free(t->schedule);
    free(t->table);
}

void bd_suite_release(struct bd_suite *suite)
{
    for (size_t i = 0; i < suite->test_count; i++)
        release_test(&suite->tests[i]);
    free(suite->tests);
    free(suite->path);
    free(suite->name);
    free(suite->title);
    *suite = (struct bd_suite){0};
}

/* ---- lists -------------------------------------------------------------------------------------------------- */

/* Each item through `check`, which may replace it; NULL: taken as it is. */
typedef bd_status check_item(const struct bd_yaml *yaml, const struct bd_yaml_node *node, const char *key,
                             const char *choices, char **text, struct bd_error *err);

static bd_status read_list(const struct bd_yaml *yaml, const struct bd_yaml_node *node, const char *key,
                           const char *choices, check_item *check, struct bd_suite_texts *list, struct bd_error *err)
{
    if (!node)
        return BD_OK;
    const size_t count = node->kind == BD_YAML_SEQUENCE ? node->count : 1;
    if (count == 0 || node->kind == BD_YAML_MAPPING)
        return bd_yaml_fail(yaml, node, err, "'%s' must be a value or a list of some", key);
    list->text = bd_xcalloc(count, sizeof *list->text);
    for (size_t i = 0; i < count; i++) {
        const struct bd_yaml_node *item = node->kind == BD_YAML_SEQUENCE ? node->values[i] : node;
        if (item->kind != BD_YAML_SCALAR || !item->text[0])
            return bd_yaml_fail(yaml, item, err, "an item of '%s' must be a word or a number", key);
        for (size_t before = 0; before < i; before++)
            if (strcmp(list->text[before], item->text) == 0)
                return bd_yaml_fail(yaml, item, err, "'%s' has '%s' twice", key, item->text);
        list->text[list->count++] = bd_xstrdup(item->text);
        if (check && check(yaml, item, key, choices, &list->text[i], err))
            return err->status;
    }
    return BD_OK;
}

/* A file to read: beside the suite, or from the current folder. */
static bd_status find_file(const struct bd_yaml *yaml, const struct bd_yaml_node *node, const char *key,
                           const char *choices, char **text, struct bd_error *err)
{
    const char *slash = strrchr(yaml->path, '/');
    (void)choices;
    char *near = slash && (*text)[0] != '/' ? bd_asprintf("%.*s/%s", (int)(slash - yaml->path), yaml->path, *text)
                                            : bd_xstrdup(*text);
    const bool there = access(near, R_OK) == 0;
    if (!there && access(*text, R_OK) != 0) {
        bd_yaml_fail(yaml, node, err,
                     "'%s' names '%s', which is neither beside this file ('%s') nor in the current folder", key, *text,
                     near);
        free(near);
        return err->status;
    }
    if (there) {
        free(*text);
        *text = near;
    } else {
        free(near);
    }
    return BD_OK;
}

static bd_status find_hardware(const struct bd_yaml *yaml, const struct bd_yaml_node *node, const char *key,
                               const char *choices, char **text, struct bd_error *err)
{
    struct bd_hardware hardware;
    struct bd_error why;
    if (find_file(yaml, node, key, choices, text, err))
        return err->status;
    if (bd_hardware_load(&hardware, *text, &why))
        return bd_yaml_fail(yaml, node, err, "'%s' names '%s', which is no hardware configuration: %s", key, *text,
                            why.message);
    bd_hardware_release(&hardware);
    return BD_OK;
}

/* A network by hand, which must be one. */
static bd_status find_case(const struct bd_yaml *yaml, const struct bd_yaml_node *node, const char *key,
                           const char *choices, char **text, struct bd_error *err)
{
    struct bd_case c;
    struct bd_error why;
    if (find_file(yaml, node, key, choices, text, err))
        return err->status;
    if (bd_case_load(&c, *text, &why))
        return bd_yaml_fail(yaml, node, err, "'%s' names '%s', which is no network by hand: %s", key, *text,
                            why.message);
    bd_case_release(&c);
    return BD_OK;
}

static bd_status check_words(const struct bd_graph *graph, const char *path, const char *schedule, struct bd_error *why)
{
    char *copy = bd_xstrdup(schedule), *rest = copy;
    bd_status status = BD_OK;
    for (char *word; *schedule && !status && (word = strsep(&rest, ","));) {
        int s = 0;
        while (s < graph->switch_count && strcmp(graph->switches[s].name, word) != 0)
            s++;
        if (s == graph->switch_count)
            status = bd_fail(why, BD_BAD_INPUT, "'schedule' has '%s', and '%s' has no such switch", word, path);
    }
    free(copy);
    return status;
}

/* Trained networks, which must be some and have every switch of the schedule. */
static bd_status check_checkpoints(const struct bd_yaml *yaml, const struct bd_yaml_node *node,
                                   const struct bd_suite_test *test, struct bd_error *err)
{
    const struct bd_yaml_node *list = bd_yaml_get(node, "networks"), *schedule = bd_yaml_get(node, "schedule");
    bd_status status = BD_OK;
    for (size_t i = 0; i < test->networks.count && !status; i++) {
        const char *path = test->networks.text[i];
        struct bd_checkpoint checkpoint;
        struct bd_error why;
        if (bd_checkpoint_load(&checkpoint, path, &why))
            return bd_yaml_fail(yaml, list->kind == BD_YAML_SEQUENCE ? list->values[i] : list, err,
                                "'networks' names '%s', which is no checkpoint: %s", path, why.message);
        if (check_words(&checkpoint.graph, path, test->schedule ? test->schedule : "", &why))
            status = bd_yaml_fail(yaml, schedule, err, "%s", why.message);
        bd_checkpoint_release(&checkpoint);
    }
    return status;
}

static bd_status check_memory(const struct bd_yaml *yaml, const struct bd_yaml_node *node, const char *key,
                              const char *choices, char **text, struct bd_error *err)
{
    struct bd_memory_model memory;
    struct bd_error why;
    (void)choices;
    if (bd_memory_parse(&memory, *text, &why))
        return bd_yaml_fail(yaml, node, err, "'%s': %s", key, why.message);
    return BD_OK;
}

static bd_status check_stall(const struct bd_yaml *yaml, const struct bd_yaml_node *node, const char *key,
                             const char *choices, char **text, struct bd_error *err)
{
    int64_t value;
    (void)key;
    (void)choices;
    (void)text;
    return bd_yaml_int(yaml, node, 0, 255, &value, err);
}

/* A word of `choices`; its first word where that is followed by numbers ("front 8 1 1000"). */
static bd_status check_choice(const struct bd_yaml *yaml, const struct bd_yaml_node *node, const char *key,
                              const char *choices, char **text, struct bd_error *err)
{
    if ((*text)[strspn(*text, "abcdefghijklmnopqrstuvwxyz0123456789_- ")])
        return bd_yaml_fail(yaml, node, err, "'%s' takes lower-case words and numbers, got '%s'", key, *text);
    char *word = bd_xstrndup(*text, strcspn(*text, " "));
    const bool known = !choices || bd_choice(choices, word) >= 0;
    free(word);
    return known ? BD_OK : bd_yaml_fail(yaml, node, err, "'%s' must be of %s, got '%s'", key, choices, *text);
}

/* Points are named by their files' names, without folder and ending: no two of a list may be alike. */
static bd_status check_stems(const struct bd_yaml *yaml, const struct bd_yaml_node *node, const char *key,
                             const struct bd_suite_texts *list, struct bd_error *err)
{
    for (size_t i = 0; i < list->count; i++)
        for (size_t before = 0; before < i; before++) {
            char *one = bd_suite_stem(list->text[before]), *other = bd_suite_stem(list->text[i]);
            const bool same = strcmp(one, other) == 0;
            free(one);
            free(other);
            if (same)
                return bd_yaml_fail(
                    yaml, node->values[i], err,
                    "'%s' has two files of one name, '%s' and '%s', which names of points would not tell "
                    "apart",
                    key, list->text[before], list->text[i]);
        }
    return BD_OK;
}

/* ---- tests -------------------------------------------------------------------------------------------------- */

static bd_status find_kind(const struct bd_yaml *yaml, const struct bd_yaml_node *node, int *kind, struct bd_error *err)
{
    const struct bd_yaml_node *name = node->kind == BD_YAML_MAPPING ? bd_yaml_get(node, "kind") : NULL;
    char known[256] = "";
    if (node->kind != BD_YAML_MAPPING)
        return bd_yaml_fail(yaml, node, err, "a test must be a mapping");
    if (!name)
        return bd_yaml_fail(yaml, node, err, "missing key 'kind'");
    for (int k = 0; k < bd_suite_kind_count; k++) {
        if (name->kind == BD_YAML_SCALAR && strcmp(name->text, bd_suite_kinds[k].name) == 0) {
            *kind = k;
            return BD_OK;
        }
        snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", k ? ", " : "", bd_suite_kinds[k].name);
    }
    return bd_yaml_fail(yaml, name, err, "'kind' must be one of %s, got '%s'", known,
                        name->kind == BD_YAML_SCALAR ? name->text : "a list");
}

/* "a|b|c" as a list of three. */
static void take_all(const char *choices, struct bd_suite_texts *list)
{
    char *copy = bd_xstrdup(choices), *rest = copy;
    for (char *word; (word = strsep(&rest, "|"));) {
        list->text = bd_xrealloc(list->text, list->count + 1, sizeof *list->text);
        list->text[list->count++] = bd_xstrdup(word);
    }
    free(copy);
}

static bd_status read_lists(const struct bd_yaml *yaml, const struct bd_suite_row *row, struct bd_suite_test *test,
                            struct bd_error *err)
{
    const struct bd_suite_kind *kind = &bd_suite_kinds[test->kind];
    check_item *const network = kind->networks == BD_SUITE_BY_HAND ? find_case : find_file;
    if (read_list(yaml, row->hardware, "hardware", NULL, find_hardware, &test->hardware, err) ||
        read_list(yaml, row->networks, "networks", NULL, network, &test->networks, err) ||
        check_stems(yaml, row->hardware, "hardware", &test->hardware, err) ||
        check_stems(yaml, row->networks, "networks", &test->networks, err) ||
        read_list(yaml, row->memory, "memory", NULL, check_memory, &test->memory, err) ||
        read_list(yaml, row->stalls, "stalls", NULL, check_stall, &test->stalls, err) ||
        read_list(yaml, row->modes, "cases", kind->modes, check_choice, &test->modes, err))
        return err->status;
    if (row->names)
        return read_list(yaml, row->names, "names", kind->names, check_choice, &test->names, err);
    if (kind->names) /* it is a key that may be left out, or this kind has none */
        take_all(kind->names, &test->names);
    return BD_OK;
}

static bd_status check_name(const struct bd_yaml *yaml, const struct bd_yaml_node *node, const struct bd_suite *suite,
                            const char *name, struct bd_error *err)
{
    const struct bd_yaml_node *at = bd_yaml_get(node, "name");
    if (name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_")] || name[0] == '-' || name[0] == '_')
        return bd_yaml_fail(yaml, at, err, "a test's name is made of a-z, 0-9, - and _, got '%s'", name);
    for (size_t i = 0; i < suite->test_count; i++)
        if (strcmp(suite->tests[i].name, name) == 0)
            return bd_yaml_fail(yaml, at, err, "the test '%s' stands at line %d already", name, suite->tests[i].line);
    return BD_OK;
}

/* A share of faults is asked for: some case must have faults to share. */
static bd_status check_share(const struct bd_yaml *yaml, const struct bd_yaml_node *node,
                             const struct bd_suite_test *test, struct bd_error *err)
{
    for (size_t m = 0; m < test->modes.count; m++)
        if (bd_choice(BD_SUITE_SHARED, test->modes.text[m]) >= 0)
            return BD_OK;
    return bd_yaml_fail(yaml, bd_yaml_get(node, "share"), err,
                        "'share' is of " BD_SUITE_SHARED ", none of which is in 'cases'");
}

static bd_status read_test(const struct bd_yaml *yaml, const struct bd_yaml_node *node, struct bd_suite *suite,
                           struct bd_error *err)
{
    struct bd_suite_row row = {0};
    int kind = 0;
    if (find_kind(yaml, node, &kind, err) || bd_yaml_bind(yaml, node, bd_suite_kinds[kind].fields, &row, err))
        return err->status;
    free(row.kind);
    struct bd_suite_test *test = &suite->tests[suite->test_count];
    *test = row.test;
    test->kind = kind;
    test->line = node->line;
    bd_status status = check_name(yaml, node, suite, test->name, err);
    suite->test_count++; /* it is the suite's to release */
    status = status ? status : read_lists(yaml, &row, test, err);
    if (!status && test->share > 1)
        status = check_share(yaml, node, test, err);
    if (!status && bd_suite_kinds[kind].networks == BD_SUITE_TRAINED)
        status = check_checkpoints(yaml, node, test, err);
    if (!status && test->table && access(test->table, R_OK) != 0)
        status =
            bd_yaml_fail(yaml, bd_yaml_get(node, "table"), err, "'table' names '%s', which is not there", test->table);
    return status;
}

bd_status bd_suite_load(struct bd_suite *suite, const char *path, struct bd_error *err)
{
    struct bd_yaml yaml;
    struct head head;
    *suite = (struct bd_suite){0};
    if (bd_yaml_load(&yaml, path, err))
        return err->status;
    bd_status status = bd_yaml_bind(&yaml, yaml.root, head_fields, &head, err);
    if (!status) {
        suite->path = bd_xstrdup(path);
        suite->name = head.name;
        suite->title = head.title;
        suite->seed = head.seed;
        if (head.tests->kind != BD_YAML_SEQUENCE || head.tests->count == 0)
            status = bd_yaml_fail(&yaml, head.tests, err, "'tests' must be a list of one test or more");
        else
            suite->tests = bd_xcalloc(head.tests->count, sizeof *suite->tests);
        for (size_t i = 0; !status && i < head.tests->count; i++)
            status = read_test(&yaml, head.tests->values[i], suite, err);
    }
    bd_yaml_release(&yaml);
    if (status)
        bd_suite_release(suite);
    return status;
}
