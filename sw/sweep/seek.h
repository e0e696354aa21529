/* The search of a sweep: which of its designs are run, by the project's Gaussian-process search along the lists. What
 * does not fit, or breaks a constraint of area, is masked; a design that breaks another constraint is told as the worst
 * so far. Proposals are told in their order, `parallel` ahead at most, so that they depend on nothing else. */
#ifndef BD_SWEEP_SEEK_H
#define BD_SWEEP_SEEK_H

#include "sw/sweep/sweep.h"

struct bd_sweep_seek;

/* `sweep` is of kind search and outlives it. NULL in *seek where there is nothing to choose: all designs are selected.
 */
bd_status bd_sweep_seek_new(struct bd_sweep *sweep, struct bd_sweep_seek **seek, struct bd_error *err) BD_WARN_UNUSED;
void bd_sweep_seek_free(struct bd_sweep_seek *seek); /* NULL is allowed */
/* Tells what is known of proposals, and selects more designs. */
bd_status bd_sweep_seek_go_on(struct bd_sweep_seek *seek, struct bd_error *err) BD_WARN_UNUSED;

#endif
