/* The points of a sweep, added to a growing plan of model/runs as what they need is there, and their results. */
#ifndef BD_SWEEP_DRIVE_H
#define BD_SWEEP_DRIVE_H

#include "model/runs/runs.h"
#include "sw/sweep/sweep.h"

struct bd_sweep_seek; /* seek.h */

enum bd_sweep_task { BD_SWEEP_PRUNE, BD_SWEEP_ACCURACY_OF, BD_SWEEP_PRICE, BD_SWEEP_CONFIRM, BD_SWEEP_TASKS };
extern const char *const bd_sweep_task_names[BD_SWEEP_TASKS];

enum bd_sweep_wait { BD_SWEEP_UNASKED, BD_SWEEP_ASKED, BD_SWEEP_THERE, BD_SWEEP_LOST };

/* A network at a level of pruning. */
struct bd_sweep_checkpoint {
    enum bd_sweep_wait state;
    char *path, *identity, *reason; /* reason: of LOST */
};

/* Its accuracy, for multipliers of so many bits. */
struct bd_sweep_accuracy {
    int network, level, mult_bits, hardware; /* hardware: one of those multipliers, for 24 bits none is needed */
    enum bd_sweep_wait state;
    char *reason;
    json_t *values; /* by switch, 0..1 */
};

struct bd_sweep_run {
    struct bd_sweep *sweep;
    const char *dir, *program; /* program: bitdial's own file */
    int threads;               /* of each task */
    bool confirm, force;       /* force: what earlier runs left of pruning is dropped */
    /* its own */
    bool begun;
    struct bd_sweep_checkpoint *checkpoints; /* [network * levels + level] */
    struct bd_sweep_accuracy *accuracies;
    size_t accuracy_count;
    bool *asked, *confirm_asked; /* of each design */
    json_t *index;               /* design by name */
    struct bd_sweep_seek *seek;
};

void bd_sweep_run_init(struct bd_sweep_run *run);
void bd_sweep_run_release(struct bd_sweep_run *run);

/* struct bd_runs_options' callbacks; `run` is a struct bd_sweep_run *. */
bd_status bd_sweep_more(void *run, struct bd_runs_plan *plan, struct bd_error *err) BD_WARN_UNUSED;
bd_status bd_sweep_on_result(void *run, const struct bd_runs_point *point, enum bd_runs_state state,
                             const json_t *result, struct bd_error *err) BD_WARN_UNUSED;
/* Every task that is known before anything ran, for --list; and how many, and their weight. */
bd_status bd_sweep_plan_all(struct bd_sweep_run *run, struct bd_runs_plan *plan, struct bd_error *err) BD_WARN_UNUSED;

/* Whether accuracy is asked for: an objective or a constraint. */
bool bd_sweep_needs_accuracy(const struct bd_sweep *sweep);
/* "DIR/hardware/NAME.yaml", or the base's file; malloc'd. */
char *bd_sweep_hardware_path(const struct bd_sweep_run *run, int hardware);

/* ---- tasks.c ---- */

bd_status bd_sweep_add_prune(const struct bd_sweep_run *run, int network, int level, struct bd_runs_plan *plan,
                             struct bd_error *err) BD_WARN_UNUSED;
bd_status bd_sweep_add_accuracy(const struct bd_sweep_run *run, const struct bd_sweep_accuracy *accuracy,
                                struct bd_runs_plan *plan, struct bd_error *err) BD_WARN_UNUSED;
bd_status bd_sweep_add_price(const struct bd_sweep_run *run, const struct bd_sweep_design *design,
                             struct bd_runs_plan *plan, struct bd_error *err) BD_WARN_UNUSED;
bd_status bd_sweep_add_confirm(const struct bd_sweep_run *run, const struct bd_sweep_design *design,
                               struct bd_runs_plan *plan, struct bd_error *err) BD_WARN_UNUSED;
/* Files that tasks read: DIR/hardware/NAME.yaml, DIR/pruned/NET.LEVEL.yaml. */
bd_status bd_sweep_write_inputs(const struct bd_sweep_run *run, struct bd_error *err) BD_WARN_UNUSED;
/* Path and identity of a checkpoint. */
void bd_sweep_name_checkpoint(struct bd_sweep_run *run, int network, int level);

static inline struct bd_sweep_checkpoint *bd_sweep_checkpoint_of(const struct bd_sweep_run *run, int network, int level)
{
    return &run->checkpoints[(size_t)network * run->sweep->level_count + (size_t)level];
}

#endif
