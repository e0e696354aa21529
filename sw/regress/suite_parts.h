/* What suite.c, kinds.c and expand.c share: the table of kinds. */
#ifndef BD_REGRESS_SUITE_PARTS_H
#define BD_REGRESS_SUITE_PARTS_H

#include "sw/regress/suite.h"

/* A test while it is read: numbers and texts in their place, lists as nodes. */
struct bd_suite_row {
    struct bd_suite_test test; /* but for its lists */
    char *kind;
    const struct bd_yaml_node *hardware, *networks, *memory, *stalls, *modes, *names;
};

struct bd_expansion; /* expand.c */

enum bd_suite_networks {
    BD_SUITE_NO_NETWORKS, /* or random ones, by their number */
    BD_SUITE_BY_HAND,     /* model/regress/case.h */
    BD_SUITE_TRAINED,     /* checkpoints, with every switch of the schedule */
};

struct bd_suite_kind {
    const char *name;
    const struct bd_field *fields; /* of a struct bd_suite_row, ended by a row without a name */
    const char *modes, *names;     /* "one|other": what the lists may hold; NULL: anything, of names digits and words */
    void (*expand)(struct bd_expansion *x, const struct bd_suite_test *test);
    enum bd_suite_networks networks;
};
extern const struct bd_suite_kind bd_suite_kinds[];
extern const int bd_suite_kind_count;

/* Modes of the bench that plant many faults on one network, of which a share can be asked for. */
#define BD_SUITE_SHARED "words|hangs|resets"

/* The points of a test of each kind. */
void bd_expand_random(struct bd_expansion *x, const struct bd_suite_test *t);
void bd_expand_modes(struct bd_expansion *x, const struct bd_suite_test *t);
void bd_expand_cases(struct bd_expansion *x, const struct bd_suite_test *t);
void bd_expand_zoo(struct bd_expansion *x, const struct bd_suite_test *t);
void bd_expand_faults(struct bd_expansion *x, const struct bd_suite_test *t);
void bd_expand_unit(struct bd_expansion *x, const struct bd_suite_test *t);
void bd_expand_proof(struct bd_expansion *x, const struct bd_suite_test *t);
void bd_expand_fuzz(struct bd_expansion *x, const struct bd_suite_test *t);
void bd_expand_inject(struct bd_expansion *x, const struct bd_suite_test *t);
void bd_expand_make(struct bd_expansion *x, const struct bd_suite_test *t);
void bd_expand_shell(struct bd_expansion *x, const struct bd_suite_test *t);

/* "demo" of ".../demo.yaml", with '_' for what no point's name may hold; malloc'd. */
char *bd_suite_stem(const char *path);

#endif
