/* `bitdial compare`: what its parts share. cmd_compare.c has the options, the journal and the table. */
#ifndef BD_CLI_COMPARE_H
#define BD_CLI_COMPARE_H

#include <sys/types.h>

#include "model/compare/compare.h"
#include "model/search/journal.h"

#define BD_COMPARE_JOBS 256

struct bd_compare_options {
    const char *config, *folder, *worker;
    int64_t jobs, threads;
    double rate;
    bool plan, table, fresh, any_build, json;
};

struct bd_compare_worker {
    pid_t pid;
    int output;
    struct bd_compare_run *run;
};

struct bd_compare_session {
    struct bd_compare_options options;
    struct bd_comparison comparison;
    struct bd_journal journal;
    struct bd_compare_worker workers[BD_COMPARE_JOBS];
    int busy, finished;
    double started;
};

/* Prints what would be run, on what, and about how long it takes, from a few steps of each network. */
bd_status bd_compare_print_plan(const struct bd_compare_session *session, struct bd_error *err) BD_WARN_UNUSED;

/* Runs all that is not finished in processes of their own, each of which ends in a line of the journal. On a failure
 * the others are ended; what they did is in their checkpoints. */
bd_status bd_compare_run_all(struct bd_compare_session *session, struct bd_error *err) BD_WARN_UNUSED;

#endif
