#include "sw/regress/plan.h"

#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "sw/session/tree.h"

/* What a bench with coverage is, wherever it writes that. */
static char *covered_identity(const struct bd_suite_point *p)
{
    static const char *const environment[] = {"BITDIAL_COVERAGE=", NULL};
    return bd_runs_shell_line(environment, (const char *const *)p->argv);
}

static bd_status add_point(const struct bd_suite *suite, const struct bd_suite_point *p, const glob_t *sources,
                           const char *coverage, struct bd_runs_plan *plan, struct bd_error *err)
{
    char *file = coverage && p->is_bench ? bd_asprintf("BITDIAL_COVERAGE=%s/%s", coverage, p->name) : NULL;
    char *identity = file ? covered_identity(p) : NULL;
    const char *const environment[] = {file, NULL};
    const char **inputs = bd_xcalloc(sources->gl_pathc + 3, sizeof *inputs);
    size_t count = 0;
    if (p->hardware)
        inputs[count++] = p->hardware;
    if (p->network)
        inputs[count++] = p->network;
    for (size_t s = 0; s < sources->gl_pathc; s++) /* proofs, benches of blocks and scripts read them, too */
        inputs[count++] = sources->gl_pathv[s];
    const struct bd_runs_point point = {.name = p->name,
                                        .argv = (const char *const *)p->argv,
                                        .environment = file ? environment : NULL,
                                        .identity = identity,
                                        .inputs = inputs,
                                        .time_limit = (double)suite->tests[p->test].time_limit,
                                        .weight = p->weight};
    const bd_status status = bd_runs_plan_add(plan, &point, err);
    free(inputs);
    free(identity);
    free(file);
    return status;
}

bd_status bd_suite_plan(const struct bd_suite *suite, const struct bd_suite_points *points, const char *root,
                        const char *coverage, struct bd_runs_plan **plan, struct bd_error *err)
{
    glob_t sources;
    bd_status status = BD_OK;
    bd_tree_rtl(root, &sources);
    *plan = bd_runs_plan_new("regress", suite->name);
    for (size_t p = 0; p < points->count && !status; p++)
        status = add_point(suite, &points->points[p], &sources, coverage, *plan, err);
    globfree(&sources);
    if (status) {
        bd_runs_plan_free(*plan);
        *plan = NULL;
    }
    return status;
}
