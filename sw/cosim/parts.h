/* A co-simulation in parts, each a device and a point of the runner (model/runs): what each is started with, the record
 * that it prints, and their sum. Item n of the run (image, or random network) is of the switch and memory setting that
 * it would be of in one piece, whatever the parts, so differences and clocks are the same; only what a device does once
 * (the program's load) is counted once a part. */
#ifndef BD_COSIM_PARTS_H
#define BD_COSIM_PARTS_H

#include <jansson.h>

#include "model/runs/runs.h"
#include "sw/cosim/cosim.h"

/* ---- totals ---- */

void bd_cosim_merge(struct bd_cosim_totals *to, const struct bd_cosim_totals *from);
/* BD_FAIL with the first difference. */
bd_status bd_cosim_judge(const struct bd_cosim_totals *t, struct bd_error *err) BD_WARN_UNUSED;
/* What a part prints: all of its totals, and why it failed (NULL: it did not); a new reference. */
json_t *bd_cosim_record(const struct bd_cosim_totals *t, const char *failure);
/* What that function made, read back; BD_BAD_INPUT for anything else. */
bd_status bd_cosim_record_read(const json_t *record, struct bd_cosim_totals *t, struct bd_error *err) BD_WARN_UNUSED;

/* ---- parts ---- */

struct bd_cosim_parts {
    const struct bd_cosim_options *options; /* of the whole run */
    const char *program;                    /* the file of bitdial */
    const char *input;                      /* a file of images, or NULL */
    uint32_t count;                         /* parts, 1 .. options->count, nearly alike */
    struct bd_cosim_totals **totals;        /* (count) filled by bd_cosim_on_result, or NULL */
};

/* Adds the points. */
bd_status bd_cosim_plan(struct bd_cosim_parts *parts, struct bd_runs_plan *plan, struct bd_error *err) BD_WARN_UNUSED;
/* The callback of bd_runs_execute, whose `user` is a struct bd_cosim_parts. A part that did not come to its end, or
 * whose device failed, ends the run, with its message. */
bd_status bd_cosim_on_result(void *parts, const struct bd_runs_point *point, enum bd_runs_state state,
                             const json_t *result, struct bd_error *err) BD_WARN_UNUSED;
/* The sum of those that have ended, in the order of the parts. */
void bd_cosim_sum(const struct bd_cosim_parts *parts, struct bd_cosim_totals *sum);
void bd_cosim_parts_release(struct bd_cosim_parts *parts);

/* How part `from`, of `count` items, is started: argv, ended by NULL; it and its words are malloc'd. */
char **bd_cosim_part_arguments(const struct bd_cosim_options *whole, const char *program, uint32_t from,
                               uint32_t count);

#endif
