/* Plans as YAML files: points, and products of lists. README.md shows one. */
#ifndef BD_RUNS_PLAN_FILE_H
#define BD_RUNS_PLAN_FILE_H

#include "model/runs/runs.h"

/* Reads a plan. `program`: the file that argv[0] "bitdial" means. BD_BAD_INPUT with file:line:column. */
bd_status bd_runs_plan_read(const char *path, const char *program, struct bd_runs_plan **plan, struct bd_error *err)
    BD_WARN_UNUSED;

#endif
