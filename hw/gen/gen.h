/* The generator (build/regs): hw/regs.yaml and hw/descriptor.yaml in, C, SystemVerilog and Markdown out. */
#ifndef HW_GEN_GEN_H
#define HW_GEN_GEN_H

#include <stdio.h>

#include "model/core/error.h"
#include "model/core/yaml.h"

/* A list node of 1..limit entries. */
bd_status gen_check_list(const struct bd_yaml *yaml, const struct bd_yaml_node *node, size_t limit,
                         struct bd_error *err) BD_WARN_UNUSED;
/* A name of capitals, digits and '_'; with `lower`, of small letters. */
bd_status gen_check_name(const struct bd_yaml *yaml, const struct bd_yaml_node *node, const char *name, bool lower,
                         struct bd_error *err) BD_WARN_UNUSED;
/* Writes what `write` prints to ROOT/NAME. */
bd_status gen_write(const char *root, const char *name, void (*write)(FILE *, const void *), const void *what,
                    struct bd_error *err) BD_WARN_UNUSED;

bd_status gen_registers(const char *yaml_path, const char *root, struct bd_error *err) BD_WARN_UNUSED;
bd_status gen_descriptor(const char *yaml_path, const char *root, struct bd_error *err) BD_WARN_UNUSED;

#endif
