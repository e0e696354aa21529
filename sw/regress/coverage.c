#include "sw/regress/coverage.h"

#include <stdlib.h>
#include <string.h>

#include "model/core/json.h"
#include "model/core/memory.h"
#include "model/core/yaml.h"

struct group {
    char *name, *about, *suite;
    const struct bd_yaml_node *of;
};
#define AT(member) offsetof(struct group, member)
static const struct bd_field group_fields[] = {
    {"name", BD_FIELD_STRING, AT(name), 1, 40, NULL, NULL, NULL, "first word of its bins"},
    {"about", BD_FIELD_STRING, AT(about), 1, 200, NULL, NULL, NULL, "what is counted"},
    {"of", BD_FIELD_NODE, AT(of), 0, 0, NULL, NULL, NULL, "lists, whose products are the bins"},
    {"suite", BD_FIELD_STRING, AT(suite), 1, 400, NULL, NULL, NULL, "a test that fills its holes"},
    {0},
};
#undef AT
struct head {
    const struct bd_yaml_node *groups;
};
static const struct bd_field head_fields[] = {
    {"groups", BD_FIELD_NODE, offsetof(struct head, groups), 0, 0, NULL, NULL, NULL, "a list"},
    {0},
};

void bd_coverage_merge(json_t *bins, const json_t *more)
{
    const char *bin;
    json_t *count;
    json_object_foreach((json_t *)more, bin, count)
    {
        json_object_set_new(bins, bin,
                            json_integer(json_integer_value(json_object_get(bins, bin)) + json_integer_value(count)));
    }
}

/* The bins whose names begin with `begin`, over the lists from `list` on. */
static void expand(const struct bd_yaml_node *of, size_t list, const char *begin, const json_t *bins, json_t *row,
                   json_t *declared)
{
    if (list == of->count) {
        json_object_set_new(row, "bins", json_integer(json_integer_value(json_object_get(row, "bins")) + 1));
        json_object_set_new(declared, begin, json_true());
        if (json_integer_value(json_object_get(bins, begin)) > 0)
            json_object_set_new(row, "filled", json_integer(json_integer_value(json_object_get(row, "filled")) + 1));
        else
            json_array_append_new(json_object_get(row, "holes"), bd_json_text(begin));
        return;
    }
    for (size_t v = 0; v < of->values[list]->count; v++) {
        char *name = bd_asprintf("%s/%s", begin, of->values[list]->values[v]->text);
        expand(of, list + 1, name, bins, row, declared);
        free(name);
    }
}

static bd_status check_lists(const struct bd_yaml *yaml, const struct bd_yaml_node *of, struct bd_error *err)
{
    if (of->kind != BD_YAML_SEQUENCE || of->count == 0)
        return bd_yaml_fail(yaml, of, err, "'of' must be a list of lists");
    for (size_t i = 0; i < of->count; i++) {
        if (of->values[i]->kind != BD_YAML_SEQUENCE || of->values[i]->count == 0)
            return bd_yaml_fail(yaml, of->values[i], err, "an item of 'of' must be a list of words or numbers");
        for (size_t v = 0; v < of->values[i]->count; v++)
            if (of->values[i]->values[v]->kind != BD_YAML_SCALAR)
                return bd_yaml_fail(yaml, of->values[i]->values[v], err, "a value must be a word or a number");
    }
    return BD_OK;
}

static bd_status judge_group(const struct bd_yaml *yaml, const struct bd_yaml_node *node, const json_t *bins,
                             json_t *found, json_t *declared, struct bd_error *err)
{
    struct group group;
    if (node->kind != BD_YAML_MAPPING)
        return bd_yaml_fail(yaml, node, err, "a group must be a mapping");
    if (bd_yaml_bind(yaml, node, group_fields, &group, err))
        return err->status;
    const bd_status status = check_lists(yaml, group.of, err);
    if (!status) {
        json_t *row = json_pack("{s:o, s:o, s:i, s:i, s:[], s:o}", "name", bd_json_text(group.name), "about",
                                bd_json_text(group.about), "bins", 0, "filled", 0, "holes", "filled_by",
                                bd_json_text(group.suite));
        expand(group.of, 0, group.name, bins, row, declared);
        json_array_append_new(json_object_get(found, "groups"), row);
    }
    bd_fields_release(group_fields, &group);
    return status;
}

bd_status bd_coverage_judge(const char *path, const json_t *bins, json_t **found, struct bd_error *err)
{
    struct bd_yaml yaml;
    struct head head;
    const char *bin;
    json_t *count;
    if (bd_yaml_load(&yaml, path, err))
        return err->status;
    json_t *declared = json_object();
    *found = json_pack("{s:[], s:[]}", "groups", "unknown");
    bd_status status = bd_yaml_bind(&yaml, yaml.root, head_fields, &head, err);
    if (!status && (head.groups->kind != BD_YAML_SEQUENCE || head.groups->count == 0))
        status = bd_yaml_fail(&yaml, head.groups, err, "'groups' must be a list of one group or more");
    for (size_t g = 0; !status && g < head.groups->count; g++)
        status = judge_group(&yaml, head.groups->values[g], bins, *found, declared, err);
    json_object_foreach((json_t *)bins, bin, count)
    {
        if (!json_object_get(declared, bin))
            json_array_append_new(json_object_get(*found, "unknown"), bd_json_text(bin));
    }
    json_decref(declared);
    bd_yaml_release(&yaml);
    if (status)
        json_decref(*found);
    return status;
}
