/* Many small runs of programs on one machine or by Slurm: a plan of points, a folder that keeps what each came to.
 *
 * A *point* is one process: an argument vector, limits, and a line that repeats it. A *plan* is a list of points. Its
 * folder DIR holds
 *
 *     plan.json                    what the points are, and which build of the program began them
 *     runs.db                      SQLite: tables `points`, `meta`, `history` (README.md has the columns)
 *     points/NAME/stdout, stderr   of the last attempt
 *     points/NAME/result.json      what it came to: written as a whole, with a checksum, before the runner hears of it
 *
 * The process that calls bd_runs_execute is the only writer of runs.db; results are written by a process beside each
 * point, which also holds the point to its limits, kills it with all of its children, and dies with the caller. So
 * whoever is killed, at whatever instant, `resume` goes on to the same results: no point is lost, none that has a
 * result is run again.
 *
 * A point ends as
 *     done            exit code 0
 *     failed          exit code 1, 2, 3 or another, a signal, its memory limit; `cause` says which
 *     timed_out       its time limit; `cause` says whether it computed or waited
 *     infrastructure  it could not be started, or was killed from outside BD_RUNS_TRIES times in a row
 *
 * Every call may be made from one thread at a time; bd_runs_execute forks, and should be called from the main thread:
 * a worker dies with the thread that started it. */
#ifndef BD_RUNS_RUNS_H
#define BD_RUNS_RUNS_H

#include <jansson.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/core/error.h"

#define BD_RUNS_JOBS 256         /* processes side by side, at most */
#define BD_RUNS_NAME 200         /* bytes of a point's name, at most */
#define BD_RUNS_POINTS 1000000   /* of a plan, at most */
#define BD_RUNS_TRIES 5          /* attempts of a point that is killed from outside */
#define BD_RUNS_KILL_SECONDS 2.0 /* from SIGTERM to SIGKILL */

/* ---- plans ---- */

/* All is copied by bd_runs_plan_add. */
struct bd_runs_point {
    const char *name;               /* letters, digits, . _ -; begins with a letter or digit; unique in its plan */
    const char *const *argv;        /* ended by NULL; argv[0]: a program's path, or a name that PATH finds */
    const char *const *environment; /* "NAME=value" beside the caller's, ended by NULL; NULL: none */
    const char *const *inputs;      /* files whose checksums enter the identity, ended by NULL; NULL: none */
    double time_limit;              /* s of wall time; 0: none */
    int64_t memory_limit;           /* MiB that its processes hold resident together, looked at every 0.1 s; 0: none */
    double weight;                  /* of its work, for the time left; 0: 1 */
    const char *repeat;             /* a shell line that repeats it; NULL: made of environment and argv */
    const char *identity;           /* what it is, where argv says more than that (a folder, threads): enters the
                                       identity instead of environment and argv; NULL: those */
};

struct bd_runs_plan; /* opaque */

/* kind: the command that plans ("runs", "regress", "compare"); title: for people. Never NULL; bd_runs_plan_free. */
struct bd_runs_plan *bd_runs_plan_new(const char *kind, const char *title);
void bd_runs_plan_free(struct bd_runs_plan *plan); /* NULL is allowed */
/* BD_BAD_INPUT: a name that is malformed or taken, no argv, a limit below 0, an input that cannot be read. */
bd_status bd_runs_plan_add(struct bd_runs_plan *plan, const struct bd_runs_point *point, struct bd_error *err)
    BD_WARN_UNUSED;
/* What else decides the results, as a JSON object (a new reference is kept): stands in plan.json under "head". Another
 * one is refused under `resume`, naming the first key that differs. */
void bd_runs_plan_head(struct bd_runs_plan *plan, json_t *head);
/* Limits of all points, there already and added later, in place of their own; 0: their own. */
void bd_runs_plan_limit(struct bd_runs_plan *plan, double time_limit, int64_t memory_limit);
size_t bd_runs_plan_count(const struct bd_runs_plan *plan);
/* The plan's own copies, valid until it is freed or added to. index < bd_runs_plan_count. */
const struct bd_runs_point *bd_runs_plan_point(const struct bd_runs_plan *plan, size_t index);

/* argv (ended by NULL) as one line of a POSIX shell, each word quoted where it needs to be; malloc'd. */
char *bd_runs_shell_line(const char *const *environment, const char *const *argv);
/* The file of the running program, links resolved: argv[0] of points that are bitdial itself. malloc'd. */
bd_status bd_runs_own_program(char **path, struct bd_error *err) BD_WARN_UNUSED;

/* ---- running ---- */

enum bd_runs_state {
    BD_RUNS_QUEUED,
    BD_RUNS_RUNNING,
    BD_RUNS_DONE,
    BD_RUNS_FAILED,
    BD_RUNS_TIMED_OUT,
    BD_RUNS_INFRASTRUCTURE,
    BD_RUNS_STATES
};
extern const char *const bd_runs_state_names[BD_RUNS_STATES]; /* "queued", ..., "infrastructure" */

/* Points of the plan by state, and how fast it goes. */
struct bd_runs_progress {
    size_t total, selected;          /* of the plan; of those, the ones that this call runs or has results of */
    size_t expected;                 /* selected, or the `expected` of the options where that is more */
    size_t state[BD_RUNS_STATES];    /* of the selected ones */
    size_t found;                    /* of those, results that were there already */
    double seconds;                  /* since the call */
    double per_minute, seconds_left; /* points a minute in this call; by weight; negative: not known yet */
};

enum bd_runs_event_kind {
    BD_RUNS_FOUND,    /* its result was there */
    BD_RUNS_STARTED,  /* an attempt began */
    BD_RUNS_REPEATED, /* it was killed from outside, or its result was damaged, and is queued again: `cause` */
    BD_RUNS_ENDED,    /* it has a result now */
    BD_RUNS_TICK,     /* about once a second, of no point (`point` NULL) */
    BD_RUNS_STOPPING, /* `stop` was seen: nothing more is started (`point` NULL) */
};

struct bd_runs_event {
    enum bd_runs_event_kind kind;
    const struct bd_runs_point *point;
    enum bd_runs_state state; /* of FOUND and ENDED */
    const char *cause;        /* why it is not done; "" else */
    const json_t *result;     /* of FOUND and ENDED: result.json, README.md has its keys; borrowed */
    const struct bd_runs_progress *progress;
};

struct bd_runs_options {
    int jobs;               /* points side by side, 1 .. BD_RUNS_JOBS; 0: as many as there are processors */
    bool resume;            /* go on in a folder that holds this plan; where it is new, begin */
    bool force;             /* begin anew: results of the folder's plan are dropped, its history stays */
    bool retry_failed;      /* resume, and what failed, timed out or met the infrastructure runs again */
    bool any_build;         /* resume also what another build of the program began */
    bool growing;           /* the plan is added to by `more`: a stored plan may hold points that come later */
    size_t expected;        /* points that a growing plan will have, and the sum of their weights, for the time left; */
    double expected_weight; /* 0: those that it has */
    const char *filter;     /* run those alone whose names match: a glob, or a part of the name; NULL or "": all */
    const char *slurm; /* NULL: processes of this machine; else by sbatch, with these options beside ours ("": none) */
    /* *stop set, say by a signal handler: 1 starts nothing more and lets running points end; 2 kills them too. */
    const volatile sig_atomic_t *stop;
    void *user;
    void (*on_event)(void *user, const struct bd_runs_event *event); /* or NULL */
    /* A point has a result, found or new. A failure ends the call with it, running points being killed. Or NULL. */
    bd_status (*on_result)(void *user, const struct bd_runs_point *point, enum bd_runs_state state,
                           const json_t *result, struct bd_error *err);
    /* Of a growing plan: called at the beginning and whenever results have come, may add points to the plan. A point
     * whose result is stored gets it at once. The call ends when nothing runs and `more` has added nothing. */
    bd_status (*more)(void *user, struct bd_runs_plan *plan, struct bd_error *err);
};

struct bd_runs_summary {
    struct bd_runs_progress progress;
    bool stopped; /* before the end, by `stop` */
};

/* Runs what has no result yet. BD_OK when all selected points have one, whatever it is: see summary. BD_INFRA: stopped,
 * a full disk, a database that another process locks (named), a folder in use; BD_BAD_INPUT: a folder that holds a plan
 * already (neither resume nor force), another plan or build under `resume`, naming the first difference, or a filter
 * that no point matches. What was done until then is kept. *summary is filled in any case. */
bd_status bd_runs_execute(struct bd_runs_plan *plan, const char *dir, const struct bd_runs_options *options,
                          struct bd_runs_summary *summary, struct bd_error *err) BD_WARN_UNUSED;

/* ---- reading, also while it runs ---- */

/* *result: the point's result.json as a new reference; NULL where it has none. A damaged one is BD_BAD_INPUT. */
bd_status bd_runs_result(const char *dir, const char *name, json_t **result, struct bd_error *err) BD_WARN_UNUSED;
/* *head: what bd_runs_plan_head gave the plan of DIR, a new reference; NULL where DIR holds no runs. */
bd_status bd_runs_head(const char *dir, json_t **head, struct bd_error *err) BD_WARN_UNUSED;
/* The state in a result.json object; BD_RUNS_QUEUED for NULL. */
enum bd_runs_state bd_runs_result_state(const json_t *result);
/* *list: {"kind", "title", "run", "points": [{"name", "state", "cause", "repeat", "seconds", "cpu_s", "peak_mib",
 * "attempt", "started", "ended"}]} in the plan's order, of the points that match `filter` (NULL: all); a new reference.
 */
bd_status bd_runs_list(const char *dir, const char *filter, json_t **list, struct bd_error *err) BD_WARN_UNUSED;
/* *history: [{"run", "point", "state", "seconds", "ended"}] of all runs of the folder, in the order of their ends, of
 * the point of that name (NULL: of all); a new reference. */
bd_status bd_runs_history(const char *dir, const char *point, json_t **history, struct bd_error *err) BD_WARN_UNUSED;

/* Whether a name matches a filter: as a glob where that has one of *?[, else as a part; NULL and "" match all. */
bool bd_runs_matches(const char *filter, const char *name);

/* ---- in a job of Slurm ---- */

/* Runs one point of DIR's plan.json and writes its result, waiting while an earlier attempt of it still runs. SIGTERM
 * ends it without a result. BD_OK when there is a result, whatever it is. */
bd_status bd_runs_point_run(const char *dir, const char *name, int attempt, struct bd_error *err) BD_WARN_UNUSED;
/* The same for the task of a job array that this process is of; `batch`: the file that the runner handed in. */
bd_status bd_runs_task(const char *dir, const char *batch, struct bd_error *err) BD_WARN_UNUSED;

#endif
