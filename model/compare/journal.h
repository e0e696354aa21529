/* The journal of a comparison in its folder: a head that says what it is of, and a record for each finished run. */
#ifndef BD_COMPARE_JOURNAL_H
#define BD_COMPARE_JOURNAL_H

#include "model/compare/compare.h"
#include "model/search/journal.h"

struct bd_compare_journal {
    bool fresh;     /* refuse a journal that is there */
    bool go_on;     /* it will be written on, not only read: arithmetic and build must be the same */
    bool any_build; /* but for the build */
};

/* Makes the folder, opens journal.jsonl in it or begins it (to be read alone it must be there), and gives its records
 * to the comparison. The caller closes the journal, also after a failure. */
bd_status bd_comparison_open_journal(struct bd_comparison *comparison, struct bd_journal *journal,
                                     const struct bd_compare_journal *how, struct bd_error *err) BD_WARN_UNUSED;

#endif
