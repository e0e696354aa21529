/* Plans as YAML files: points, and products of lists. README.md shows one. */
#ifndef BD_RUNS_PLAN_FILE_H
#define BD_RUNS_PLAN_FILE_H

#include "model/core/yaml.h"
#include "model/runs/runs.h"

/* The keys of a plan, and those of each of its points. */
extern const struct bd_field bd_runs_plan_fields[], bd_runs_point_fields[];

/* Reads a plan. `program`: the file that argv[0] "bitdial" means. BD_BAD_INPUT with file:line:column. */
bd_status bd_runs_plan_read(const char *path, const char *program, struct bd_runs_plan **plan, struct bd_error *err)
    BD_WARN_UNUSED;

#endif
