/* A program of the system (sbatch, squeue, scancel), run to its end. */
#ifndef BD_RUNS_COMMAND_H
#define BD_RUNS_COMMAND_H

#include <stddef.h>

#include "model/core/error.h"

/* Runs argv (ended by NULL; found by PATH) and takes what it says on stdout and stderr together as *text, malloc'd.
 * *code: its exit code, 128 + n for a signal. BD_INFRA when it cannot be started or takes longer than `seconds`, after
 * which it is killed; *text is NULL then. */
bd_status bd_runs_command(const char *const *argv, double seconds, char **text, int *code, struct bd_error *err)
    BD_WARN_UNUSED;

#endif
