/* What the files of this folder share. */
#ifndef BD_SWEEP_SWEEP_PARTS_H
#define BD_SWEEP_SWEEP_PARTS_H

#include "sw/sweep/sweep.h"

/* SWEEP.yaml while it is read. */
struct bd_sweep_file {
    struct bd_sweep sweep; /* what the table binds of it */
    struct bd_yaml yaml;
    const struct bd_yaml_node *networks, *switches, *pruning, *hardware, *keys, *memory, *points, *objectives,
        *constraints;
    size_t last_hardware; /* the configuration that was added or found last */
};

/* The scalars of a list, or of one scalar: how many, and each; a mapping or an empty list is refused. */
bd_status bd_sweep_list(const struct bd_sweep_file *f, const struct bd_yaml_node *node, const char *key, size_t *count,
                        struct bd_error *err) BD_WARN_UNUSED;
const struct bd_yaml_node *bd_sweep_item(const struct bd_yaml_node *node, size_t index);

/* Configurations: bases (`node`: a path, or a mapping of file, name, keys) with every combination of keys and memories.
 * Appends to sweep->hardware; *first and *count: which they are. `more_keys`, `memory`: those of all bases, or NULL. */
bd_status bd_sweep_add_hardware(struct bd_sweep_file *f, const struct bd_yaml_node *node,
                                const struct bd_yaml_node *more_keys, const struct bd_yaml_node *memory, size_t *first,
                                size_t *count, struct bd_error *err) BD_WARN_UNUSED;

/* Networks, levels and hardware to designs. */
bd_status bd_sweep_expand(struct bd_sweep_file *f, struct bd_error *err) BD_WARN_UNUSED;

#endif
