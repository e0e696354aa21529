/* The description of a study: YAML in, JSON out. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/search/study.h"

#define MOST 1e300
#define LEVELS 100000 /* values of an axis */

struct keys {
    const struct bd_yaml_node *axes, *goals, *reference, *constraints;
    int method;
    int64_t seed, initial;
};
#define AT(member) offsetof(struct keys, member)
const struct bd_field bd_study_fields[] = {
    {"axes", BD_FIELD_NODE, AT(axes), 0, 0, NULL, NULL, NULL,
     "list of {name, from, to, step}, whole numbers; {name, values}, a list; {name, low, high}, any number; each may "
     "have "
     "`scale: log`"},
    {"goals", BD_FIELD_NODE, AT(goals), 0, 0, "", NULL, NULL, "maximize (the default) or minimize, or a list of two"},
    {"reference", BD_FIELD_NODE, AT(reference), 0, 0, "", NULL, NULL,
     "two numbers that values of two goals must be better than"},
    {"constraints", BD_FIELD_NODE, AT(constraints), 0, 0, "", NULL, NULL,
     "list of {weights: {AXIS: NUMBER, ...}, least, most}: bounds of a weighted sum"},
    {"method", BD_FIELD_ENUM, AT(method), 0, 0, "bayes", BD_SEARCH_METHODS, NULL, "how points are proposed"},
    {"seed", BD_FIELD_INT, AT(seed), 0, 1e15, "1", NULL, NULL, "of proposals"},
    {"initial", BD_FIELD_INT, AT(initial), 2, 1000, "8", NULL, NULL, "Sobol points before the model is asked"},
    {0},
};
#undef AT

struct axis_keys {
    char *name;
    int scale;
    int64_t from, to, step;
    double low, high;
    const struct bd_yaml_node *values;
};
#define AT(member) offsetof(struct axis_keys, member)
#define NAME                                                                                                           \
    {                                                                                                                  \
        "name", BD_FIELD_STRING, AT(name), 1, 63, NULL, NULL, NULL, ""                                                 \
    }
#define SCALE                                                                                                          \
    {                                                                                                                  \
        "scale", BD_FIELD_ENUM, AT(scale), 0, 0, "linear", "linear|log", NULL, ""                                      \
    }
static const struct bd_field whole_fields[] = {
    NAME,
    SCALE,
    {"from", BD_FIELD_INT, AT(from), -1e15, 1e15, NULL, NULL, NULL, ""},
    {"to", BD_FIELD_INT, AT(to), -1e15, 1e15, NULL, NULL, NULL, ""},
    {"step", BD_FIELD_INT, AT(step), 1, 1e15, "1", NULL, NULL, ""},
    {0},
};
static const struct bd_field range_fields[] = {
    NAME,
    SCALE,
    {"low", BD_FIELD_REAL, AT(low), -MOST, MOST, NULL, NULL, NULL, ""},
    {"high", BD_FIELD_REAL, AT(high), -MOST, MOST, NULL, NULL, NULL, ""},
    {0},
};
static const struct bd_field list_fields[] = {
    NAME,
    SCALE,
    {"values", BD_FIELD_NODE, AT(values), 0, 0, NULL, NULL, NULL, ""},
    {0},
};
#undef AT
#undef NAME
#undef SCALE

static const char *const name_characters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";

static bd_status read_values(const struct bd_yaml *yaml, const struct bd_yaml_node *node, struct bd_search_axis *axis,
                             struct bd_error *err)
{
    if (node->kind != BD_YAML_SEQUENCE || node->count < 1 || node->count > LEVELS) {
        return bd_yaml_fail(yaml, node, err, "'values' must be a list of 1..%d numbers", LEVELS);
    }
    double *values = bd_xcalloc(node->count, sizeof *values);
    axis->values = values;
    axis->count = node->count;
    for (size_t i = 0; i < node->count; i++) {
        if (bd_yaml_real(yaml, node->values[i], -MOST, MOST, &values[i], err)) {
            return err->status;
        }
        if (i && values[i] <= values[i - 1]) {
            return bd_yaml_fail(yaml, node->values[i], err, "'values' must ascend");
        }
    }
    return BD_OK;
}

static bd_status count_values(const struct bd_yaml *yaml, const struct bd_yaml_node *node, const struct axis_keys *keys,
                              struct bd_search_axis *axis, struct bd_error *err)
{
    const int64_t count = keys->to >= keys->from ? (keys->to - keys->from) / keys->step + 1 : 0;
    if (count < 1 || count > LEVELS) {
        return bd_yaml_fail(yaml, node, err, "'from' to 'to' must be 1..%d numbers", LEVELS);
    }
    double *values = bd_xcalloc((size_t)count, sizeof *values);
    for (int64_t i = 0; i < count; i++) {
        values[i] = (double)(keys->from + i * keys->step);
    }
    axis->values = values;
    axis->count = (size_t)count;
    return BD_OK;
}

static bd_status read_axis(struct bd_study_space *space, const struct bd_yaml *yaml, const struct bd_yaml_node *node,
                           struct bd_error *err)
{
    struct axis_keys keys = {0};
    const bool listed = node->kind == BD_YAML_MAPPING && bd_yaml_get(node, "values"),
               ranged = node->kind == BD_YAML_MAPPING && bd_yaml_get(node, "low");
    if (bd_yaml_bind(yaml, node, listed ? list_fields : ranged ? range_fields : whole_fields, &keys, err)) {
        return err->status;
    }
    const size_t a = space->d++;
    struct bd_search_axis *axis = &space->axes[a];
    space->names[a] = keys.name; /* the space's from here on */
    axis->log = keys.scale == 1;
    if (!*keys.name || keys.name[strspn(keys.name, name_characters)]) {
        return bd_yaml_fail(yaml, node, err, "an axis is named by letters, digits, '_', '.' and '-', got '%s'",
                            keys.name);
    }
    for (size_t other = 0; other < a; other++) {
        if (!strcmp(space->names[other], keys.name)) {
            return bd_yaml_fail(yaml, node, err, "two axes are named '%s'", keys.name);
        }
    }
    if (listed) {
        if (read_values(yaml, keys.values, axis, err)) {
            return err->status;
        }
    } else if (ranged) {
        axis->low = keys.low;
        axis->high = keys.high;
        if (!(keys.low < keys.high)) {
            return bd_yaml_fail(yaml, node, err, "'low' of %g is not below 'high' of %g", keys.low, keys.high);
        }
    } else if (count_values(yaml, node, &keys, axis, err)) {
        return err->status;
    }
    if (axis->log && !((axis->count ? axis->values[0] : axis->low) > 0.0)) {
        return bd_yaml_fail(yaml, node, err, "'%s' has a logarithmic scale, so all of it must be above 0", keys.name);
    }
    return BD_OK;
}

static bd_status read_axes(struct bd_study_space *space, const struct bd_yaml *yaml, const struct bd_yaml_node *node,
                           struct bd_error *err)
{
    if (node->kind != BD_YAML_SEQUENCE || node->count < 1 || node->count > BD_GP_MAX_DIMENSIONS) {
        return bd_yaml_fail(yaml, node, err, "'axes' must be a list of 1..%d axes", BD_GP_MAX_DIMENSIONS);
    }
    for (size_t i = 0; i < node->count; i++) {
        if (read_axis(space, yaml, node->values[i], err)) {
            return err->status;
        }
    }
    return BD_OK;
}

static bd_status read_goal(struct bd_study_space *space, const struct bd_yaml *yaml, const struct bd_yaml_node *node,
                           struct bd_error *err)
{
    const bool scalar = node->kind == BD_YAML_SCALAR, least = scalar && !strcmp(node->text, "minimize");
    if (!least && !(scalar && !strcmp(node->text, "maximize"))) {
        return bd_yaml_fail(yaml, node, err, "a goal is 'maximize' or 'minimize'%s%s", scalar ? ", got " : "",
                            scalar ? node->text : "");
    }
    space->minimize[space->goals++] = least;
    return BD_OK;
}

static bd_status read_goals(struct bd_study_space *space, const struct bd_yaml *yaml, const struct keys *keys,
                            struct bd_error *err)
{
    const struct bd_yaml_node *node = keys->goals, *reference = keys->reference;
    if (!node) {
        space->goals = 1;
    } else if (node->kind != BD_YAML_SEQUENCE) {
        if (read_goal(space, yaml, node, err)) {
            return err->status;
        }
    } else {
        if (node->count < 1 || node->count > BD_SEARCH_OBJECTIVES) {
            return bd_yaml_fail(yaml, node, err, "'goals' must be one or two");
        }
        for (size_t i = 0; i < node->count; i++) {
            if (read_goal(space, yaml, node->values[i], err)) {
                return err->status;
            }
        }
    }
    if (!reference) {
        return BD_OK;
    }
    if (space->goals != 2 || reference->kind != BD_YAML_SEQUENCE || reference->count != 2) {
        return bd_yaml_fail(yaml, reference, err, "'reference' must be two numbers, beside two goals");
    }
    space->has_reference = true;
    for (size_t i = 0; i < 2; i++) {
        if (bd_yaml_real(yaml, reference->values[i], -MOST, MOST, &space->reference[i], err)) {
            return err->status;
        }
    }
    return BD_OK;
}

struct constraint_keys {
    const struct bd_yaml_node *weights;
    double least, most;
};

static bd_status read_constraint(struct bd_study_space *space, const struct bd_yaml *yaml,
                                 const struct bd_yaml_node *node, struct bd_error *err)
{
    struct constraint_keys keys;
    const struct bd_field fields[] = {
        {"weights", BD_FIELD_NODE, offsetof(struct constraint_keys, weights), 0, 0, NULL, NULL, NULL, ""},
        {"least", BD_FIELD_REAL, offsetof(struct constraint_keys, least), -MOST, MOST, "-1e300", NULL, NULL, ""},
        {"most", BD_FIELD_REAL, offsetof(struct constraint_keys, most), -MOST, MOST, "1e300", NULL, NULL, ""},
        {0},
    };
    if (bd_yaml_bind(yaml, node, fields, &keys, err)) {
        return err->status;
    }
    struct bd_study_constraint *c = &space->constraints[space->constraint_count++];
    c->least = keys.least;
    c->most = keys.most;
    if (keys.weights->kind != BD_YAML_MAPPING) {
        return bd_yaml_fail(yaml, keys.weights, err, "'weights' must be numbers by the names of axes");
    }
    for (size_t i = 0; i < keys.weights->count; i++) {
        size_t a = 0;
        while (a < space->d && strcmp(space->names[a], keys.weights->keys[i]->text) != 0) {
            a++;
        }
        if (a == space->d) {
            return bd_yaml_fail(yaml, keys.weights->keys[i], err, "no axis is named '%s'", keys.weights->keys[i]->text);
        }
        if (bd_yaml_real(yaml, keys.weights->values[i], -MOST, MOST, &c->weights[a], err)) {
            return err->status;
        }
    }
    return BD_OK;
}

static bd_status read_constraints(struct bd_study_space *space, const struct bd_yaml *yaml,
                                  const struct bd_yaml_node *node, struct bd_error *err)
{
    if (node && (node->kind != BD_YAML_SEQUENCE || node->count > BD_STUDY_CONSTRAINTS)) {
        return bd_yaml_fail(yaml, node, err, "'constraints' must be a list of %d at most", BD_STUDY_CONSTRAINTS);
    }
    for (size_t i = 0; node && i < node->count; i++) {
        if (read_constraint(space, yaml, node->values[i], err)) {
            return err->status;
        }
    }
    return BD_OK;
}

static bd_status bind(struct bd_study_space *space, struct bd_yaml *yaml, struct bd_error *err)
{
    struct keys keys = {0};
    memset(space, 0, sizeof *space);
    bd_status status = bd_yaml_bind(yaml, yaml->root, bd_study_fields, &keys, err);
    if (status == BD_OK) {
        space->method = keys.method;
        space->seed = keys.seed;
        space->initial = keys.initial;
        status = read_axes(space, yaml, keys.axes, err);
    }
    if (status == BD_OK) {
        status = read_goals(space, yaml, &keys, err);
    }
    if (status == BD_OK) {
        status = read_constraints(space, yaml, keys.constraints, err);
    }
    if (status != BD_OK) {
        bd_study_space_release(space);
    }
    bd_yaml_release(yaml);
    return status;
}

bd_status bd_study_load(struct bd_study_space *space, const char *path, struct bd_error *err)
{
    struct bd_yaml yaml;
    const bd_status status = bd_yaml_load(&yaml, path, err);
    return status == BD_OK ? bind(space, &yaml, err) : status;
}

bd_status bd_study_parse(struct bd_study_space *space, const char *path, const char *text, struct bd_error *err)
{
    struct bd_yaml yaml;
    const bd_status status = bd_yaml_parse(&yaml, path, text, strlen(text), err);
    return status == BD_OK ? bind(space, &yaml, err) : status;
}

void bd_study_space_release(struct bd_study_space *space)
{
    for (size_t i = 0; i < space->d; i++) {
        free(space->names[i]);
        free((double *)space->axes[i].values);
    }
    memset(space, 0, sizeof *space);
}

/* ---- JSON ---- */

static json_t *number(double value)
{
    return fabs(value) < 9e15 && value == floor(value) ? json_integer((json_int_t)value) : json_real(value);
}

static json_t *axis_json(const char *name, const struct bd_search_axis *axis)
{
    json_t *o = json_pack("{s:s, s:s}", "name", name, "scale", axis->log ? "log" : "linear");
    if (!axis->count) {
        json_object_set_new(o, "low", number(axis->low));
        json_object_set_new(o, "high", number(axis->high));
        return o;
    }
    json_t *values = json_array();
    for (size_t i = 0; i < axis->count; i++) {
        json_array_append_new(values, number(axis->values[i]));
    }
    json_object_set_new(o, "values", values);
    return o;
}

json_t *bd_study_json(const struct bd_study_space *space)
{
    static const char *const methods[] = {"bayes", "random", "uniform", "sobol"};
    json_t *axes = json_array(), *goals = json_array(), *constraints = json_array();
    for (size_t i = 0; i < space->d; i++) {
        json_array_append_new(axes, axis_json(space->names[i], &space->axes[i]));
    }
    for (int k = 0; k < space->goals; k++) {
        json_array_append_new(goals, json_string(space->minimize[k] ? "minimize" : "maximize"));
    }
    for (size_t c = 0; c < space->constraint_count; c++) {
        json_t *weights = json_object();
        for (size_t i = 0; i < space->d; i++) {
            if (space->constraints[c].weights[i] != 0.0) {
                json_object_set_new(weights, space->names[i], number(space->constraints[c].weights[i]));
            }
        }
        json_array_append_new(constraints, json_pack("{s:o, s:o, s:o}", "weights", weights, "least",
                                                     number(space->constraints[c].least), "most",
                                                     number(space->constraints[c].most)));
    }
    json_t *o =
        json_pack("{s:o, s:o, s:o, s:s, s:I, s:I}", "axes", axes, "goals", goals, "constraints", constraints, "method",
                  methods[space->method], "seed", (json_int_t)space->seed, "initial", (json_int_t)space->initial);
    if (space->has_reference) {
        json_object_set_new(o, "reference",
                            json_pack("[o, o]", number(space->reference[0]), number(space->reference[1])));
    }
    return o;
}
