/* A suite's points as a plan of the runner (model/runs). */
#ifndef BD_REGRESS_PLAN_H
#define BD_REGRESS_PLAN_H

#include "model/runs/runs.h"
#include "sw/regress/suite.h"

/* *plan: bd_runs_plan_free. What a point's result rests on enters its identity: its hardware configuration and network,
 * and, of points that simulate, all sources of the RTL. */
bd_status bd_suite_plan(const struct bd_suite *suite, const struct bd_suite_points *points, const char *root,
                        struct bd_runs_plan **plan, struct bd_error *err) BD_WARN_UNUSED;

#endif
