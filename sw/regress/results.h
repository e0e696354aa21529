/* What a run of a suite came to, as one JSON document, and that document in other forms.
 *
 *     {"pass", "suite", "title", "seed", "rtl", "version", "run", "seconds", "counts": {"total", "done", "failed",
 * "timed_out", "infrastructure", "queued"}, "tests": [{"name", "kind", "state", "seconds", "points": [{"name",
 * "hardware", "state", "cause", "repeat", "seconds", "cpu_s", "peak_mib", "ended", "failure": {triage.h}}]}],
 *      "history": [{"run", "total", "failed", "seconds"}], "coverage": {coverage.h}, absent where no point counted any,
 *      "places": {places.h}, absent where the suite was run without coverage of the RTL}
 *
 * "rtl" is the checksum of the sources (bd_tree_rtl_hash). A test's state is "passed" where all of its points are done,
 * "failed" where one is not, "not run" else. The suite passes where all points are done and no waiver is stale. */
#ifndef BD_REGRESS_RESULTS_H
#define BD_REGRESS_RESULTS_H

#include <jansson.h>
#include <stdio.h>

#include "model/core/error.h"
#include "sw/page/page.h"
#include "sw/regress/suite.h"

/* Writes DIR/suite.json: which points belong to which test, and the files that declare coverage. places: benches count
 * places of the RTL, each in DIR/coverage/NAME, whose folder is made. */
bd_status bd_results_begin(const char *dir, const struct bd_suite *suite, uint64_t seed, const char *root,
                           const struct bd_suite_points *points, bool places, struct bd_error *err) BD_WARN_UNUSED;
/* Reads DIR as it stands, also while it runs; *document is a new reference. BD_BAD_INPUT where DIR holds no run of a
 * suite. */
bd_status bd_results_read(const char *dir, json_t **document, struct bd_error *err) BD_WARN_UNUSED;
/* Writes DIR/results.json, results.csv, results.md and junit.xml. */
bd_status bd_results_write(const char *dir, const json_t *document, struct bd_error *err) BD_WARN_UNUSED;

/* failures/NAME/failure.json, where that is about this result of the point and no earlier one; else NULL. A new
 * reference. */
json_t *bd_results_failure(const char *dir, const char *name, const json_t *result);

/* Each to a stream that the caller checks and closes. */
void bd_results_junit(FILE *out, const json_t *document);
void bd_results_csv(FILE *out, const json_t *document);
void bd_results_markdown(FILE *out, const json_t *document);
void bd_results_html(FILE *out, const json_t *document);

/* ---- for the writers ---- */

static inline const char *bd_results_text(const json_t *object, const char *key)
{
    return bd_page_text(object, key);
}
static inline double bd_results_number(const json_t *object, const char *key)
{
    return bd_page_number(object, key);
}
static inline void bd_results_escape(FILE *out, const char *text)
{
    bd_page_escape(out, text);
}

#endif
