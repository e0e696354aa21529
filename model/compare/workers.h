/* The runs of a comparison, each in a process of its own, which ends in one record. */
#ifndef BD_COMPARE_WORKERS_H
#define BD_COMPARE_WORKERS_H

#include "model/compare/compare.h"

#define BD_COMPARE_JOBS 256 /* processes side by side, at most */

struct bd_compare_workers {
    /* In a new process, whose stdout is the pipe for the record and whose stderr is the run's log in the folder: trains
     * the run at `rate` (bd_comparison_run), prints its record as one line and ends with a bd_status as exit code.
     * Replaces the process by exec, as a rule; where it returns, the run has failed. */
    void (*become)(void *context, const struct bd_compare_run *run, double rate);
    /* A run has ended, and the comparison has its result: `record` is to be kept. A failure ends all runs. */
    bd_status (*finished)(void *context, const struct bd_compare_run *run, const char *record, struct bd_error *err);
    void *context;
};

/* Runs all that has no result yet, config.jobs side by side; workers die with this process. Ends at the first failure,
 * which names the run, its log and the log's last line; what the others did is in their checkpoints. */
bd_status bd_comparison_run_all(struct bd_comparison *comparison, const struct bd_compare_workers *how,
                                struct bd_error *err) BD_WARN_UNUSED;

#endif
