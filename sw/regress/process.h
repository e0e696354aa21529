/* A program run to its end or its time limit, for what is done after a failure. */
#ifndef BD_REGRESS_PROCESS_H
#define BD_REGRESS_PROCESS_H

#include "model/core/error.h"

enum { BD_PROCESS_TIMED_OUT = -1, BD_PROCESS_SIGNALLED = -2 };

/* Runs argv (ended by NULL; argv[0] by PATH) with stderr added to the file `log` and gives what it prints (malloc'd, a
 * zero byte behind it, at most 1 MiB) and its exit code or one of the above. With its time over it and its group are
 * killed; it dies with the caller. BD_INFRA where it cannot be started. */
bd_status bd_process_run(char *const *argv, double seconds, const char *log, char **output, int *code,
                         struct bd_error *err) BD_WARN_UNUSED;

#endif
