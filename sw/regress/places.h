/* Places of the RTL that a suite's benches have run: lines and branches, and rising and falling edges of modules'
 * ports, as models count them that hw/build.sh --coverage built (sim/bench/places.h writes them, a file a point).
 * Against them stand waivers (hw/coverage_waivers.yaml), each with its reason. */
#ifndef BD_REGRESS_PLACES_H
#define BD_REGRESS_PLACES_H

#include <jansson.h>

#include "model/core/error.h"

/* Adds the counts of one point's file to `places`: {"kind\tfile\tline\tname": count, or of a port "ROSE FELL"}. */
bd_status bd_places_merge(json_t *places, const char *path, struct bd_error *err) BD_WARN_UNUSED;

/* *found, a new reference:
 *
 *     {"kinds": [{"kind": "line" | "branch" | "port", "places", "covered", "waived", "percent", "goal"}],
 *      "files": [{"file", "line": [places, covered, waived], "branch": [...], "port": [...]}],
 *      "holes": [{"kind", "file", "line", "name", "text", "filled_by"}], "stale": [texts]}
 *
 * percent: of the places that are not waived, those that were covered. text: the source line. A waiver is stale where
 * all that it waives was covered, or its line or port is in the file no more; BD_BAD_INPUT is for waivers that cannot
 * be read. `root`: the folder that holds hw, ended by a slash, or "". hardware: {name: anything} of the configurations
 * that ran, which lift waivers that do not hold on them. */
bd_status bd_places_judge(const char *waivers, const char *root, const json_t *hardware, const json_t *places,
                          json_t **found, struct bd_error *err) BD_WARN_UNUSED;

#endif
