/* Evaluations side by side, as points of the runner (model/runs).
 *
 * With J jobs, proposal k is made when the values of the proposals before k - J + 1 are told, in the order of their
 * numbers, whichever ended first; the J - 1 before it are pending. So everything that is proposed is a function of the
 * search's file, its seed and J: a search that was killed and gone on with proposes, measures and journals the same.
 * The price is that a quick evaluation waits for a slow one that was proposed J before. */
#ifndef BD_PRUNE_PARALLEL_H
#define BD_PRUNE_PARALLEL_H

#include "model/prune/pipeline.h"
#include "model/runs/runs.h"

struct bd_prune_parallel {
    struct bd_prune_run *run;
    const char *const *worker; /* how one is started: argv without its last word, the channels; ended by NULL */
    int threads;               /* of each */
    /* filled by the calls */
    json_t **results;      /* (search.asked) what the workers printed, or NULL */
    bool begun, all_asked; /* all_asked: the grid has no point left */
};

/* The callbacks of bd_runs_execute, whose `user` is a struct bd_prune_parallel; the journal is open. A measurement that
 * failed ends the search, with the last line of its worker. */
bd_status bd_prune_more(void *parallel, struct bd_runs_plan *plan, struct bd_error *err) BD_WARN_UNUSED;
bd_status bd_prune_on_result(void *parallel, const struct bd_runs_point *point, enum bd_runs_state state,
                             const json_t *result, struct bd_error *err) BD_WARN_UNUSED;
void bd_prune_parallel_release(struct bd_prune_parallel *parallel);

/* The number of a point's proposal; -1: none of them. */
long bd_prune_proposal_of(const struct bd_prune_parallel *parallel, const char *point);
/* The folder of the runs, beside the journal; malloc'd. */
char *bd_prune_runs_folder(const struct bd_prune_run *run);

/* What a worker prints: {"accuracy": {"w1a1": 0.9, ...}}, a new reference. */
json_t *bd_prune_result(const struct bd_prune_run *run, const double *accuracy);

#endif
