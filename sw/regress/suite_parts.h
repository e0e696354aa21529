/* What suite.c and kinds.c share: the table of kinds. */
#ifndef BD_REGRESS_SUITE_PARTS_H
#define BD_REGRESS_SUITE_PARTS_H

#include "sw/regress/suite.h"

/* A test while it is read: numbers and texts in their place, lists as nodes. */
struct bd_suite_row {
    struct bd_suite_test test; /* but for its lists */
    char *kind;
    const struct bd_yaml_node *hardware, *networks, *memory, *stalls, *modes, *names;
};

struct bd_expansion; /* kinds.c */

struct bd_suite_kind {
    const char *name;
    const struct bd_field *fields; /* of a struct bd_suite_row, ended by a row without a name */
    const char *modes, *names;     /* "one|other": what the lists may hold; NULL: anything, of names digits and words */
    void (*expand)(struct bd_expansion *x, const struct bd_suite_test *test);
};
extern const struct bd_suite_kind bd_suite_kinds[];
extern const int bd_suite_kind_count;

#endif
