/* Writes everything that is derived from the two sources of facts that software and RTL share:
 *     hw/regs.yaml        registers.c    sw/driver/bitdial_regs.h, hw/bitdial_regs_pkg.sv, hw/REGS.md,
 *                                        tests/support/regs_table.h, sw/bringup/bitdial_regs_names.h
 *     hw/descriptor.yaml  descriptor*.c  model/program/descriptor.h, hw/bitdial_descriptor_pkg.sv,
 *                                        hw/control/descriptor_fields.sv, hw/DESCRIPTOR.md
 * Usage: regs REGS.yaml DESCRIPTOR.yaml ROOT   (files go under ROOT, whose folders exist) */
#include <ctype.h>
#include <stdlib.h>

#include "hw/gen/gen.h"
#include "model/core/file.h"
#include "model/core/memory.h"

bd_status gen_check_name(const struct bd_yaml *yaml, const struct bd_yaml_node *node, const char *name, bool lower,
                         struct bd_error *err)
{
    bool good = lower ? islower((unsigned char)name[0]) : isupper((unsigned char)name[0]);
    for (const char *c = name; *c; c++)
        good = good && ((lower ? islower((unsigned char)*c) : isupper((unsigned char)*c)) ||
                        isdigit((unsigned char)*c) || *c == '_');
    if (!good)
        return bd_yaml_fail(yaml, node, err, "name '%s' must be %s letters, digits and '_', a letter first", name,
                            lower ? "small" : "capital");
    return BD_OK;
}

bd_status gen_check_list(const struct bd_yaml *yaml, const struct bd_yaml_node *node, size_t limit,
                         struct bd_error *err)
{
    if (node->kind != BD_YAML_SEQUENCE || node->count < 1 || node->count > limit)
        return bd_yaml_fail(yaml, node, err, "expected a list of 1..%zu entries", limit);
    return BD_OK;
}

bd_status gen_write(const char *root, const char *name, void (*write)(FILE *, const void *), const void *what,
                    struct bd_error *err)
{
    char *text = NULL, *path = bd_asprintf("%s/%s", root, name);
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out) {
        free(path);
        return bd_fail(err, BD_INFRA, "cannot open a memory stream");
    }
    write(out, what);
    fclose(out);
    bd_status status = bd_file_write(path, text, size, err);
    free(text);
    free(path);
    return status;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: regs REGS.yaml DESCRIPTOR.yaml ROOT\n");
        return BD_BAD_INPUT;
    }
    struct bd_error err = {0};
    if (gen_registers(argv[1], argv[3], &err) || gen_descriptor(argv[2], argv[3], &err))
        fprintf(stderr, "regs: %s\n", err.message);
    return err.status;
}
