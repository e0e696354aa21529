/* A regression suite: tests of several kinds, from a YAML file (yaml-configs/suites), as points of the runner.
 *
 * A test says what is run on what; kinds.c has the kinds and their keys, expand.c what they become. Seeds
 * of the points are drawn from the suite's master seed, the test's name and the point's number, so that a suite with
 * one seed is the same list of points everywhere, and a test that is added or left out changes no other. */
#ifndef BD_REGRESS_SUITE_H
#define BD_REGRESS_SUITE_H

#include <stddef.h>
#include <stdint.h>

#include "model/core/error.h"
#include "model/core/yaml.h"

struct bd_suite_texts { /* of a list, or of one value that stands for a list of one */
    char **text;        /* owned */
    size_t count;
};

struct bd_suite_test {
    char *name;
    int kind;           /* row of the table of kinds */
    int64_t time_limit; /* s of a point */
    int line;           /* where it stands */
    /* what its kind uses */
    struct bd_suite_texts hardware, networks, memory, stalls, modes, names;
    int64_t count, per_point, images, seconds, fault, share;
    char *schedule, *table;
};

struct bd_suite {
    char *path, *name, *title;
    int64_t seed;
    struct bd_suite_test *tests; /* owned */
    size_t test_count;
};

/* BD_BAD_INPUT with file:line:column for whatever is not as it must be: an empty suite, unknown keys, kinds and names,
 * files that are not there, hardware configurations that do not load. Nothing is run or written. */
bd_status bd_suite_load(struct bd_suite *suite, const char *path, struct bd_error *err) BD_WARN_UNUSED;
void bd_suite_release(struct bd_suite *suite);

/* ---- points ---- */

struct bd_suite_point {
    char *name;
    size_t test;    /* index in the suite */
    char **argv;    /* owned, ended by NULL */
    char *hardware; /* owned; NULL: of no hardware configuration */
    char *network;  /* owned; NULL: none that is a file */
    double weight;  /* of its work, about seconds */
    bool is_bench;  /* argv is sim/bench/run.sh HARDWARE ...: its failures are traced and made smaller */
};

struct bd_suite_points {
    struct bd_suite_point *points; /* owned */
    size_t count;
};

/* All points of a suite. `root`: the folder that holds sim, hw and tests, or "" for the current one. */
bd_status bd_suite_expand(const struct bd_suite *suite, uint64_t seed, const char *root, struct bd_suite_points *points,
                          struct bd_error *err) BD_WARN_UNUSED;
void bd_suite_points_release(struct bd_suite_points *points);

/* "random", "zoo", ... of a test. */
const char *bd_suite_kind(const struct bd_suite_test *test);

#endif
