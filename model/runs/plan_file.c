#include "model/runs/plan_file.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"

#define LISTS 16 /* of a product */
#define LIMIT_SECONDS 1e7
#define LIMIT_MIB (1 << 30)

/* What a point and the whole plan may say alike; the plan's are the defaults of its points. */
struct common {
    double time_limit, weight;
    int64_t memory_limit;
    const struct bd_yaml_node *inputs, *environment;
};
struct row {
    struct common common;
    char *name;
    const struct bd_yaml_node *argv, *lists;
};
struct top {
    struct common common;
    char *title;
    const struct bd_yaml_node *points;
};

#define COMMON(type, time, memory)                                                                                     \
    {"time_limit", BD_FIELD_REAL, offsetof(struct type, common.time_limit),                                            \
     -1,           LIMIT_SECONDS, time,                                                                                \
     NULL,         NULL,          "s of wall time; 0: none"},                                                          \
        {"memory_limit", BD_FIELD_INT, offsetof(struct type, common.memory_limit),     -1, LIMIT_MIB, memory,          \
         NULL,           NULL,         "MiB that its processes hold resident; 0: none"},                               \
        {"inputs", BD_FIELD_NODE, offsetof(struct type, common.inputs), 0, 0, "",                                      \
         NULL,     NULL,          "files whose checksums belong to it"},                                               \
    {                                                                                                                  \
        "environment", BD_FIELD_NODE, offsetof(struct type, common.environment), 0, 0, "", NULL, NULL,                 \
            "NAME: value beside the caller's"                                                                          \
    }
const struct bd_field bd_runs_point_fields[] = {
    {"name", BD_FIELD_STRING, offsetof(struct row, name), 1, BD_RUNS_NAME, NULL, NULL, NULL, "with {key} of a product"},
    {"argv", BD_FIELD_NODE, offsetof(struct row, argv), 0, 0, NULL, NULL, NULL, "program and arguments"},
    {"for", BD_FIELD_NODE, offsetof(struct row, lists), 0, 0, "", NULL, NULL, "key: [values]: a point for each"},
    {"weight", BD_FIELD_REAL, offsetof(struct row, common.weight), 0, 1e12, "1", NULL, NULL, "of its work"},
    COMMON(row, "-1", "-1"),
    {0},
};
const struct bd_field bd_runs_plan_fields[] = {
    {"title", BD_FIELD_STRING, offsetof(struct top, title), 1, 255, NULL, NULL, NULL, "for people"},
    {"points", BD_FIELD_NODE, offsetof(struct top, points), 0, 0, NULL, NULL, NULL, "a list"},
    COMMON(top, "0", "0"),
    {0},
};

struct reader {
    struct bd_yaml yaml;
    const char *program;
    struct top top;
    struct bd_runs_plan *plan;
    struct bd_error *err;
};

/* Which value each list of the product has now. */
struct product {
    const struct bd_yaml_node *lists;
    size_t at[LISTS];
};

/* ---- lists ---- */

static bd_status check_list(struct reader *r, const struct bd_yaml_node *node, const char *key, size_t least)
{
    if (node && (node->kind != BD_YAML_SEQUENCE || node->count < least)) {
        return bd_yaml_fail(&r->yaml, node, r->err, "'%s' must be a list%s", key, least ? " that is not empty" : "");
    }
    for (size_t i = 0; node && i < node->count; i++) {
        if (node->values[i]->kind != BD_YAML_SCALAR) {
            return bd_yaml_fail(&r->yaml, node->values[i], r->err, "'%s' must be a list of plain values", key);
        }
    }
    return BD_OK;
}

static bd_status check_environment(struct reader *r, const struct bd_yaml_node *node)
{
    if (node && node->kind != BD_YAML_MAPPING) {
        return bd_yaml_fail(&r->yaml, node, r->err, "'environment' must be a map of names and values");
    }
    for (size_t i = 0; node && i < node->count; i++) {
        if (node->values[i]->kind != BD_YAML_SCALAR) {
            return bd_yaml_fail(&r->yaml, node->values[i], r->err, "'%s' must be a plain value", node->keys[i]->text);
        }
    }
    return BD_OK;
}

static bd_status check_product(struct reader *r, const struct bd_yaml_node *lists)
{
    if (lists && (lists->kind != BD_YAML_MAPPING || lists->count > LISTS)) {
        return bd_yaml_fail(&r->yaml, lists, r->err, "'for' must be a map of at most %d lists", LISTS);
    }
    for (size_t i = 0; lists && i < lists->count; i++) {
        if (check_list(r, lists->values[i], lists->keys[i]->text, 1)) {
            return r->err->status;
        }
    }
    return BD_OK;
}

/* ---- {key} ---- */

/* The value of the key that `text` begins with after its brace; NULL: none of the product's. */
static const char *value_of(const struct product *product, const char *text, size_t *length)
{
    for (size_t i = 0; product->lists && i < product->lists->count; i++) {
        const char *key = product->lists->keys[i]->text;
        *length = strlen(key);
        if (!strncmp(text, key, *length) && text[*length] == '}') {
            return product->lists->values[i]->values[product->at[i]]->text;
        }
    }
    return NULL;
}

/* `text` with each {key} of the product replaced; other braces stay. malloc'd. */
static char *fill_in(const struct product *product, const char *text)
{
    char *out = bd_xstrdup("");
    while (*text) {
        size_t length = 0, plain = strcspn(text + 1, "{") + 1;
        const char *value = *text == '{' ? value_of(product, text + 1, &length) : NULL;
        char *longer = value ? bd_asprintf("%s%s", out, value) : bd_asprintf("%s%.*s", out, (int)plain, text);
        free(out);
        out = longer;
        text += value ? length + 2 : plain;
    }
    return out;
}

static void free_list(char **list)
{
    for (char **item = list; item && *item; item++) {
        free(*item);
    }
    free(list);
}

/* Two lists one after another, filled in; ended by NULL. */
static char **make_list(const struct product *product, const struct bd_yaml_node *first,
                        const struct bd_yaml_node *second)
{
    const struct bd_yaml_node *const both[] = {first, second};
    char **list = bd_xcalloc((first ? first->count : 0) + (second ? second->count : 0) + 1, sizeof *list);
    size_t count = 0;
    for (int b = 0; b < 2; b++) {
        for (size_t i = 0; both[b] && i < both[b]->count; i++) {
            char *value = fill_in(product, both[b]->values[i]->text);
            if (both[b]->kind == BD_YAML_MAPPING) {
                list[count++] = bd_asprintf("%s=%s", both[b]->keys[i]->text, value);
                free(value);
            } else {
                list[count++] = value;
            }
        }
    }
    return list;
}

/* ---- points ---- */

static bd_status add_point(struct reader *r, const struct bd_yaml_node *node, const struct row *row,
                           const struct product *product)
{
    const struct common *own = &row->common, *all = &r->top.common;
    char *name = fill_in(product, row->name), **argv = make_list(product, row->argv, NULL),
         **inputs = make_list(product, all->inputs, own->inputs),
         **environment = make_list(product, all->environment, own->environment);
    if (!strcmp(argv[0], "bitdial")) {
        free(argv[0]);
        argv[0] = bd_xstrdup(r->program);
    }
    const struct bd_runs_point point = {
        .name = name,
        .argv = (const char *const *)argv,
        .environment = (const char *const *)environment,
        .inputs = (const char *const *)inputs,
        .time_limit = own->time_limit < 0 ? all->time_limit : own->time_limit,
        .memory_limit = own->memory_limit < 0 ? all->memory_limit : own->memory_limit,
        .weight = own->weight,
    };
    bd_status status = bd_runs_plan_add(r->plan, &point, r->err);
    if (status == BD_BAD_INPUT) {
        struct bd_error told = *r->err;
        status = bd_yaml_fail(&r->yaml, node, r->err, "%.900s", told.message);
    }
    free(name);
    free_list(argv);
    free_list(inputs);
    free_list(environment);
    return status;
}

/* A point for each combination, the last list changing fastest. */
static bd_status add_points(struct reader *r, const struct bd_yaml_node *node, const struct row *row)
{
    struct product product = {.lists = row->lists};
    bd_status status = check_list(r, row->argv, "argv", 1);
    status = status ? status : check_list(r, row->common.inputs, "inputs", 0);
    status = status ? status : check_environment(r, row->common.environment);
    status = status ? status : check_product(r, row->lists);
    while (!status) {
        status = add_point(r, node, row, &product);
        size_t i = product.lists ? product.lists->count : 0;
        while (i > 0 && ++product.at[i - 1] == product.lists->values[i - 1]->count) {
            product.at[--i] = 0;
        }
        if (i == 0) {
            break;
        }
    }
    return status;
}

static bd_status read_points(struct reader *r)
{
    const struct bd_yaml_node *points = r->top.points;
    bd_status status = check_list(r, r->top.common.inputs, "inputs", 0);
    status = status ? status : check_environment(r, r->top.common.environment);
    if (!status && (points->kind != BD_YAML_SEQUENCE || points->count == 0)) {
        status = bd_yaml_fail(&r->yaml, points, r->err, "'points' must be a list that is not empty");
    }
    for (size_t i = 0; !status && i < points->count; i++) {
        struct row row = {0};
        status = bd_yaml_bind(&r->yaml, points->values[i], bd_runs_point_fields, &row, r->err);
        if (!status) {
            status = add_points(r, points->values[i], &row);
            bd_fields_release(bd_runs_point_fields, &row);
        }
    }
    return status;
}

bd_status bd_runs_plan_read(const char *path, const char *program, struct bd_runs_plan **plan, struct bd_error *err)
{
    struct reader r = {.program = program, .err = err};
    *plan = NULL;
    if (bd_yaml_load(&r.yaml, path, err)) {
        return err->status;
    }
    bd_status status = bd_yaml_bind(&r.yaml, r.yaml.root, bd_runs_plan_fields, &r.top, err);
    if (!status) {
        r.plan = bd_runs_plan_new("runs", r.top.title);
        status = read_points(&r);
        bd_fields_release(bd_runs_plan_fields, &r.top);
    }
    bd_yaml_release(&r.yaml);
    if (status) {
        bd_runs_plan_free(r.plan);
    } else {
        *plan = r.plan;
    }
    return status;
}
