/* A suite's points as a plan of the runner (model/runs). */
#ifndef BD_REGRESS_PLAN_H
#define BD_REGRESS_PLAN_H

#include "model/runs/runs.h"
#include "sw/regress/suite.h"

/* *plan: bd_runs_plan_free. What a point's result rests on enters its identity: its hardware configuration and network,
 * and, of points that simulate, all sources of the RTL. coverage: NULL, or the folder in which each bench writes which
 * places of the RTL it ran, as a file of the point's name (places.h). */
bd_status bd_suite_plan(const struct bd_suite *suite, const struct bd_suite_points *points, const char *root,
                        const char *coverage, struct bd_runs_plan **plan, struct bd_error *err) BD_WARN_UNUSED;

#endif
