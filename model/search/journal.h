/* An append-only journal: one JSON object a line, `{"crc":"xxxxxxxx","record":{...}}`, the CRC-32 being that of the
 * record's text. A line is on the disk before the call that wrote it returns. A last line without its newline, which a
 * kill can leave, is dropped by the first append after a resume; damage anywhere else, and a file that is no journal,
 * is refused and left as it is. One process at a time holds a journal. */
#ifndef BD_SEARCH_JOURNAL_H
#define BD_SEARCH_JOURNAL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "model/core/error.h"

enum bd_journal_mode {
    BD_JOURNAL_NEW,     /* one that is there already is BD_BAD_INPUT */
    BD_JOURNAL_RESUME,  /* goes on with it; none is a new one */
    BD_JOURNAL_REPLACE, /* begins anew, over a journal that is there */
};

struct bd_journal {
    int fd;
    size_t good; /* bytes that stay */
    char *path;
    size_t count;
    char **records; /* the records found at opening, JSON text each */
    bool dropped;   /* a torn last line does not count */
};

/* Opens for appending; what is there already is not changed before the first append. A damaged line is BD_BAD_INPUT
 * with "path:line: ...", a journal that another process holds BD_INFRA. */
bd_status bd_journal_open(struct bd_journal *journal, const char *path, enum bd_journal_mode mode, struct bd_error *err)
    BD_WARN_UNUSED;
/* `record`: JSON text in one line. */
bd_status bd_journal_append(struct bd_journal *journal, const char *record, struct bd_error *err) BD_WARN_UNUSED;
/* BD_BAD_INPUT, naming the first key that differs, unless two heads (JSON objects) are equal. `what`: of which the
 * journal is, for the message. */
bd_status bd_journal_check_head(const char *was, const char *now, const char *what, struct bd_error *err)
    BD_WARN_UNUSED;
/* The message of one key; NULL: the key is not there. */
bd_status bd_journal_tell_difference(const char *key, const json_t *was, const json_t *now, const char *what,
                                     struct bd_error *err) BD_WARN_UNUSED;
void bd_journal_close(struct bd_journal *journal);

#endif
