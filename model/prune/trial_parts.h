/* The steps of opening a trial that price networks. */
#ifndef BD_PRUNE_TRIAL_PARTS_H
#define BD_PRUNE_TRIAL_PARTS_H

#include "model/prune/trial.h"

/* The whole network's price, and in what it is. */
bd_status bd_trial_price(struct bd_trial *trial, struct bd_error *err) BD_WARN_UNUSED;
/* The widths of every point. */
bd_status bd_trial_draw(struct bd_trial *trial, struct bd_error *err) BD_WARN_UNUSED;

#endif
