/* An append-only journal: one JSON object a line, `{"crc":"xxxxxxxx","record":{...}}`, the CRC-32 being that of the
 * record's text. A line is on the disk before the call that wrote it returns. A torn last line, which a kill can
 * leave, is dropped on resume; damage anywhere else is refused. One process at a time holds a journal. */
#ifndef BD_SEARCH_JOURNAL_H
#define BD_SEARCH_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "model/core/error.h"

struct bd_journal {
    int fd;
    char *path;
    size_t count;
    char **records; /* the records found at opening, JSON text each */
    bool dropped;   /* a torn last line was dropped */
};

/* Opens for appending. Without `resume` a journal that is there already is BD_BAD_INPUT; with it, none is a new one.
 * A damaged line before the last is BD_BAD_INPUT with "path:line: ...". */
bd_status bd_journal_open(struct bd_journal *journal, const char *path, bool resume, struct bd_error *err)
    BD_WARN_UNUSED;
/* `record`: JSON text in one line. */
bd_status bd_journal_append(struct bd_journal *journal, const char *record, struct bd_error *err) BD_WARN_UNUSED;
void bd_journal_close(struct bd_journal *journal);

#endif
