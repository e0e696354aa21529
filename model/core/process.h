/* A program run to its end or its time limit, for what it prints. No shell is involved; its stdin is empty unless
 * given. */
#ifndef BD_CORE_PROCESS_H
#define BD_CORE_PROCESS_H

#include <stdbool.h>
#include <stddef.h>

#include "model/core/error.h"

enum { BD_PROCESS_TIMED_OUT = -1, BD_PROCESS_SIGNALLED = -2 }; /* in place of an exit code */

enum bd_process_errors {                     /* where its stderr goes */
                         BD_PROCESS_INHERIT, /* to the caller's */
                         BD_PROCESS_JOIN,    /* into the output */
                         BD_PROCESS_LOG,     /* added to the file `log` */
};

struct bd_process {
    const char *const *argv; /* ended by NULL; argv[0] by PATH */
    double seconds;          /* of wall time; over it, it and its process group are killed */
    const char *input;       /* a file that it reads as its stdin; NULL: nothing */
    enum bd_process_errors errors;
    const char *log;
    size_t most;     /* bytes of output that are kept; the rest is read and dropped. 0: 64 MiB */
    bool outlives;   /* goes on where the caller dies; else it is killed with the thread that called */
    bool foreground; /* stays in the caller's process group, so that a Ctrl-C ends both; what it started is then not
                        killed with it */
    /* About twice a second while it runs, with its id and the seconds since its start; NULL: not called. */
    void (*waiting)(void *context, long pid, double seconds);
    void *context;
};

/* *output: what it printed, malloc'd, a zero byte behind it; NULL after a failure. *code: its exit code, or one of the
 * above. BD_INFRA where it cannot be started, with the reason. What it leaves behind in its group is killed. */
bd_status bd_process_run(const struct bd_process *process, char **output, int *code, struct bd_error *err)
    BD_WARN_UNUSED;

#endif
