/* What the files of the runner share: plan.c makes plans, plan_json.c keeps and compares them, result.c reads and
 * writes what a point came to, work.c runs one point, local.c and slurm.c run many, store.c keeps the database,
 * execute.c is the loop. */
#ifndef BD_RUNS_RUNS_PARTS_H
#define BD_RUNS_RUNS_PARTS_H

#include <sys/types.h>

#include "model/runs/runs.h"

#define BD_RUNS_IDENTITY 17 /* 16 hexadecimal digits and a zero byte */

/* ---- plan.c, plan_json.c ---- */

struct bd_runs_input {
    char *path, checksum[32];
};

/* A point with its identity; `point` shares what stands here. */
struct bd_runs_entry {
    struct bd_runs_point point;
    char identity[BD_RUNS_IDENTITY];
    const struct bd_runs_input **inputs; /* as many as point.inputs has */
};

struct bd_runs_plan {
    char *kind, *title;
    json_t *head;
    struct bd_runs_entry *entries;
    size_t count, room;
    struct bd_runs_input **checked; /* each input once */
    size_t checked_count;
    json_t *names;     /* name -> position */
    double time_limit; /* of each point, in place of its own; 0: its own */
    int64_t memory_limit;
};

/* Strings of a list that NULL ends; 0 for NULL. */
size_t bd_runs_list_length(const char *const *list);
/* Position of a name, or -1. */
ssize_t bd_runs_plan_find(const struct bd_runs_plan *plan, const char *name);
/* Writes it to DIR unless that holds the same; points that only *stored, the plan there (or NULL), has stay, and its
 * build. *stored becomes what is there now. */
bd_status bd_runs_plan_save(const struct bd_runs_plan *plan, const char *dir, json_t **stored, struct bd_error *err)
    BD_WARN_UNUSED;
/* Reads DIR's plan.json, a new reference; *stored NULL where there is none. */
bd_status bd_runs_plan_load(const char *dir, json_t **stored, struct bd_error *err) BD_WARN_UNUSED;
/* A plan of that one point of DIR's, whose inputs must be what they were. */
bd_status bd_runs_plan_of_point(const char *dir, const char *name, struct bd_runs_plan **plan, struct bd_error *err)
    BD_WARN_UNUSED;
/* BD_BAD_INPUT, naming the first difference, unless the stored plan is this one: the same build unless `any_build`;
 * where `growing`, points that both have are alike, else all points. */
bd_status bd_runs_plan_same(const struct bd_runs_plan *plan, const json_t *stored, bool growing, bool any_build,
                            struct bd_error *err) BD_WARN_UNUSED;

/* ---- result.c ---- */

char *bd_runs_path(const char *dir, const char *name, const char *file); /* DIR/points/NAME/file; malloc'd */
/* What a point came to, before it is a result. */
struct bd_runs_end {
    enum bd_runs_state state;
    int exit, signal; /* -1: none */
    char cause[512];
    double seconds, cpu;
    double peak_mib;
    int attempt;
};
/* Writes points/NAME/result.json; stdout of the point is read for its output. */
bd_status bd_runs_result_write(const char *dir, const char *name, const char *identity, const struct bd_runs_end *end,
                               struct bd_error *err) BD_WARN_UNUSED;
/* *result NULL: none, or none of that identity (NULL: any). BD_BAD_INPUT: damaged. */
bd_status bd_runs_result_read(const char *dir, const char *name, const char *identity, json_t **result,
                              struct bd_error *err) BD_WARN_UNUSED;

/* ---- work.c ---- */

enum { BD_RUNS_WORK_DONE = 0, BD_RUNS_WORK_FAILED = 3, BD_RUNS_WORK_STOPPED = 4 };

/* Runs a point to its result. The calling process has its signals to itself: SIGTERM stops the point, without a result.
 * An earlier attempt that still runs is waited for so long. `report`: a descriptor that gets "pid N\n", the process
 * group of the point, or -1. Returns one of the above; err is of FAILED. */
int bd_runs_work(const char *dir, const struct bd_runs_entry *entry, int attempt, double lock_seconds, int report,
                 struct bd_error *err);

/* ---- local.c, slurm.c: executors ---- */

/* What became of a point that was started. */
struct bd_runs_ended {
    size_t index;
    enum { BD_RUNS_HAS_ENDED, BD_RUNS_WAS_LOST, BD_RUNS_WAS_STOPPED, BD_RUNS_CANNOT_WORK } how;
    char message[512]; /* of LOST: how; of CANNOT_WORK: the error */
};

struct bd_runs_executor {
    /* Starts a point; `attempt` counts from 1. */
    bd_status (*start)(struct bd_runs_executor *x, size_t index, int attempt, struct bd_error *err);
    /* Waits up to `milliseconds` for points to end; *count of up to `room`. */
    bd_status (*wait)(struct bd_runs_executor *x, int milliseconds, struct bd_runs_ended *ended, size_t room,
                      size_t *count, struct bd_error *err);
    /* Asks all that run to end without a result; wait tells when they have. */
    void (*stop)(struct bd_runs_executor *x);
    void (*close)(struct bd_runs_executor *x);
    const char *dir;
    const struct bd_runs_plan *plan;
    int jobs;
};

/* `keep_from`: a descriptor that no worker may hold open (the folder's lock), or -1. */
struct bd_runs_executor *bd_runs_local_open(const char *dir, const struct bd_runs_plan *plan, int jobs, int keep_from);

/* Whether Slurm's commands are there: before anything is written. */
bd_status bd_runs_slurm_check(struct bd_error *err) BD_WARN_UNUSED;
/* `options`: of sbatch, with spaces between; `jobs`: tasks at once, 0: all. */
bd_status bd_runs_slurm_open(struct bd_runs_executor **x, const char *dir, const struct bd_runs_plan *plan,
                             const char *options, int jobs, struct bd_error *err) BD_WARN_UNUSED;

/* ---- store.c ---- */

struct bd_runs_store; /* opaque: the database */

bd_status bd_runs_store_open(struct bd_runs_store **store, const char *dir, bool write, struct bd_error *err)
    BD_WARN_UNUSED;
void bd_runs_store_close(struct bd_runs_store *store); /* NULL is allowed */
bd_status bd_runs_store_begin(struct bd_runs_store *store, struct bd_error *err) BD_WARN_UNUSED;
bd_status bd_runs_store_commit(struct bd_runs_store *store, struct bd_error *err) BD_WARN_UNUSED;
/* Drops all points and begins the next run of the folder. */
bd_status bd_runs_store_renew(struct bd_runs_store *store, const struct bd_runs_plan *plan, struct bd_error *err)
    BD_WARN_UNUSED;
/* What ran when a call was killed is queued. */
bd_status bd_runs_store_settle(struct bd_runs_store *store, struct bd_error *err) BD_WARN_UNUSED;
/* The point's row, made where it is missing; *attempt: of its attempts so far. *result: of its row where that is
 * final, a new reference, or NULL. */
bd_status bd_runs_store_row(struct bd_runs_store *store, const struct bd_runs_entry *entry, int *attempt,
                            json_t **result, struct bd_error *err) BD_WARN_UNUSED;
/* It is queued (again), or running since now. */
bd_status bd_runs_store_state(struct bd_runs_store *store, const char *name, enum bd_runs_state state, int attempt,
                              struct bd_error *err) BD_WARN_UNUSED;
/* It has a result; `history`: which is new. */
bd_status bd_runs_store_result(struct bd_runs_store *store, const char *name, const json_t *result, bool history,
                               struct bd_error *err) BD_WARN_UNUSED;

#endif
