/* What the files of a sweep's page share. */
#ifndef BD_SWEEP_HTML_PARTS_H
#define BD_SWEEP_HTML_PARTS_H

#include <stdio.h>

#include "sw/sweep/sweep.h"

/* "front", "ok" (meets every constraint), or "". */
const char *bd_sweep_class(const json_t *design);
/* Whether a design of the document has a metric, and its value. */
bool bd_sweep_value(const json_t *design, int metric, double *value);
/* Drawings: the first objective against each other one; all objectives and constrained metrics side by side. */
void bd_sweep_fronts(FILE *out, const json_t *document);
void bd_sweep_parallel(FILE *out, const json_t *document);

#endif
