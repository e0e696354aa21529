#include "sw/regress/faults.h"

#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/core/yaml.h"

struct head {
    char *hardware;
    const struct bd_yaml_node *faults;
};
static const struct bd_field head_fields[] = {
    {"hardware", BD_FIELD_PATH, offsetof(struct head, hardware), 1, 4095, NULL, NULL, NULL, "on which all are planted"},
    {"faults", BD_FIELD_NODE, offsetof(struct head, faults), 0, 0, NULL, NULL, NULL, "a list"},
    {0},
};
#define AT(member) offsetof(struct bd_fault, member)
static const struct bd_field fault_fields[] = {
    {"name", BD_FIELD_STRING, AT(name), 1, 60, NULL, NULL, NULL, ""},
    {"number", BD_FIELD_INT, AT(number), 0, 999, "0", NULL, NULL, "of hw/bitdial_fault.svh"},
    {"unit", BD_FIELD_STRING, AT(unit), 1, 40, NULL, NULL, NULL, "where it is planted"},
    {"expect", BD_FIELD_STRING, AT(expect), 1, 200, NULL, NULL, NULL, "KEY=VALUE of the first failure, in words"},
    {"bench", BD_FIELD_STRING, AT(bench), 1, 200, NULL, NULL, NULL, "options of the bench"},
    {"about", BD_FIELD_STRING, AT(about), 1, 200, NULL, NULL, NULL, "what is wrong"},
    {0},
};
#undef AT

void bd_faults_release(struct bd_fault_table *table)
{
    for (size_t f = 0; f < table->count; f++)
        bd_fields_release(fault_fields, &table->faults[f]);
    free(table->faults);
    free(table->hardware);
    *table = (struct bd_fault_table){0};
}

static bd_status read_fault(const struct bd_yaml *yaml, const struct bd_yaml_node *node, struct bd_fault_table *table,
                            struct bd_error *err)
{
    struct bd_fault *fault = &table->faults[table->count];
    if (node->kind != BD_YAML_MAPPING)
        return bd_yaml_fail(yaml, node, err, "a fault must be a mapping");
    if (bd_yaml_bind(yaml, node, fault_fields, fault, err))
        return err->status;
    table->count++;
    if (fault->name[strspn(fault->name, "abcdefghijklmnopqrstuvwxyz0123456789-_")])
        return bd_yaml_fail(yaml, bd_yaml_get(node, "name"), err,
                            "a fault's name is made of a-z, 0-9, - and _, got '%s'", fault->name);
    for (size_t f = 0; f + 1 < table->count; f++)
        if (strcmp(table->faults[f].name, fault->name) == 0)
            return bd_yaml_fail(yaml, bd_yaml_get(node, "name"), err, "the fault '%s' stands twice", fault->name);
    return BD_OK;
}

bd_status bd_faults_load(struct bd_fault_table *table, const char *path, struct bd_error *err)
{
    struct bd_yaml yaml;
    struct head head;
    *table = (struct bd_fault_table){0};
    if (bd_yaml_load(&yaml, path, err))
        return err->status;
    bd_status status = bd_yaml_bind(&yaml, yaml.root, head_fields, &head, err);
    if (!status) {
        table->hardware = head.hardware;
        if (head.faults->kind != BD_YAML_SEQUENCE || head.faults->count == 0)
            status = bd_yaml_fail(&yaml, head.faults, err, "'faults' must be a list of one fault or more");
        else
            table->faults = bd_xcalloc(head.faults->count, sizeof *table->faults);
        for (size_t f = 0; !status && f < head.faults->count; f++)
            status = read_fault(&yaml, head.faults->values[f], table, err);
    }
    bd_yaml_release(&yaml);
    if (status)
        bd_faults_release(table);
    return status;
}
