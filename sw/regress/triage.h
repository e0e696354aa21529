/* What is done about a failure of the bench: the line that repeats it, one run by itself with a trace, and the smallest
 * network that still fails. */
#ifndef BD_REGRESS_TRIAGE_H
#define BD_REGRESS_TRIAGE_H

#include <jansson.h>

#include "model/core/error.h"
#include "sw/regress/suite.h"

struct bd_triage {
    const char *root;                 /* as of bd_suite_expand */
    const char *folder;               /* of this failure; made, and written over */
    double seconds;                   /* for each of the runs and for the whole search; 0: 1,800 */
    bool trace, shrink;               /* what is wanted */
    void (*notice)(const char *text); /* what goes on, or NULL */
};

/* The line that repeats the first failure of a bench's JSON output alone; malloc'd. NULL where it has none. */
char *bd_triage_repeat(const char *root, const struct bd_suite_point *point, const json_t *output);

/* Fills *found, a new reference: {"kind", "text", "layer", "repeat", "trace", "view", "trace_error", "case",
 * "case_repeat", "layers", "height", "width", "channels", "tries", "whole", "shrink_error"}, as far as they are known.
 * A search that finds nothing smaller is told there, not as a failure of the call. */
bd_status bd_triage_run(const struct bd_triage *triage, const struct bd_suite_point *point, const json_t *output,
                        json_t **found, struct bd_error *err) BD_WARN_UNUSED;

/* Runs a case (model/regress) on the bench that it names, in place of this process. Returns only on a failure. */
bd_status bd_case_repeat(const char *root, const char *path, struct bd_error *err) BD_WARN_UNUSED;

#endif
