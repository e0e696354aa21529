/* Makes a failing case smaller: fewer switches, layers, channels and pixels, plainer layers, an emptier image, as long
 * as it fails in the same way. A round tries every reduction, large steps first; rounds are repeated until one changes
 * nothing, so that no single reduction of those that are known makes the result smaller. */
#ifndef BD_REGRESS_SHRINK_H
#define BD_REGRESS_SHRINK_H

#include "model/regress/case.h"

struct bd_shrink {
    /* Runs a case. *fails: it fails as the first did. A failure of the call ends the search. */
    bd_status (*test)(void *user, const struct bd_case *c, bool *fails, struct bd_error *err);
    void *user;
    int tries_most; /* calls of `test`; 0: 2,000 */
    /* filled */
    int tries;  /* made */
    bool whole; /* no reduction is left; else tries_most ended it */
};

/* Replaces *c by the smallest that was found. BD_FAIL: not even *c itself, or with other content, fails; *c is then
 * what it was. */
bd_status bd_shrink(struct bd_shrink *shrink, struct bd_case *c, struct bd_error *err) BD_WARN_UNUSED;

#endif
