/* What a comparison will run, on what, and about how long it takes. */
#ifndef BD_COMPARE_PLAN_H
#define BD_COMPARE_PLAN_H

#include "model/compare/compare.h"

#define BD_COMPARE_TIMED_STEPS 4 /* of each network, on noise, from which the times are told */

/* *plan: {"name", "folder", "data": {"set", "folder", "training_images", "validation_images", "test_images"},
 * "arithmetic", "epochs", "pilot_epochs", "seeds", "jobs", "seconds", "runs": [{"run", "steps", "epochs", "seconds"}]},
 * a new reference. Trains nothing but the timed steps; opens the data set to count its images. */
bd_status bd_comparison_plan(const struct bd_comparison *comparison, json_t **plan, struct bd_error *err)
    BD_WARN_UNUSED;

#endif
