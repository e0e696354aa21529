/* Functional coverage of a suite: bins that its points have filled, against all that are declared (hw/coverage.yaml).
 */
#ifndef BD_REGRESS_COVERAGE_H
#define BD_REGRESS_COVERAGE_H

#include <jansson.h>

#include "model/core/error.h"

/* `bins`: {"group/value/value": count}. *found, a new reference: {"groups": [{"name", "about", "bins", "filled",
 * "holes": [names], "filled_by"}], "unknown": [bins that are not declared]}. */
bd_status bd_coverage_judge(const char *path, const json_t *bins, json_t **found, struct bd_error *err) BD_WARN_UNUSED;
/* Adds the counts of one point to those of a suite. */
void bd_coverage_merge(json_t *bins, const json_t *more);

#endif
