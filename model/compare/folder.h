/* A comparison's folder: its runs are points of the runner (model/runs), in a plan that grows as pilots and teachers
 * end, each a process that prints its record. */
#ifndef BD_COMPARE_FOLDER_H
#define BD_COMPARE_FOLDER_H

#include "model/compare/compare.h"
#include "model/runs/runs.h"

struct bd_compare_folder {
    bool fresh;     /* refuse a folder that holds a comparison */
    bool go_on;     /* it will be run in, not only read: arithmetic and build must be the same */
    bool any_build; /* but for the build */
};

/* Whether the folder of the comparison is of this comparison, or of none yet (to be read alone it must be). *head: for
 * its plan, a new reference. */
bd_status bd_comparison_check_folder(const struct bd_comparison *comparison, const struct bd_compare_folder *how,
                                     json_t **head, struct bd_error *err) BD_WARN_UNUSED;
/* The head of a folder that is begun anew, a new reference. */
bd_status bd_comparison_new_head(const struct bd_comparison *comparison, json_t **head, struct bd_error *err)
    BD_WARN_UNUSED;
/* Takes the results of all finished runs. */
bd_status bd_comparison_read_folder(struct bd_comparison *comparison, struct bd_error *err) BD_WARN_UNUSED;

/* The callbacks of bd_runs_execute; their `user`: */
struct bd_compare_runs {
    struct bd_comparison *comparison;
    const char *program, *config; /* what a worker is started with: `PROGRAM compare CONFIG --worker ID ...` */
    int64_t threads;              /* of each run */
    bool anew;                    /* checkpoints of earlier runs are dropped first */
};
/* Adds the runs whose pilots and teacher have ended. */
bd_status bd_comparison_more(void *runs, struct bd_runs_plan *plan, struct bd_error *err) BD_WARN_UNUSED;
/* Takes a run's record. A run that failed ends all: the message has its last line. */
bd_status bd_comparison_on_result(void *runs, const struct bd_runs_point *point, enum bd_runs_state state,
                                  const json_t *result, struct bd_error *err) BD_WARN_UNUSED;
/* Steps of all runs, as the points' weights count them. */
double bd_comparison_weight(const struct bd_comparison *comparison);

#endif
