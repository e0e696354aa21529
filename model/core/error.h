/* Status and error text of every fallible call.
 *
 * A function returns bd_status and, when that is not BD_OK, fills the caller's `struct bd_error` with one
 * complete, lower-case sentence without a full stop, subject quoted, led by "file:line:col: " where input
 * caused it. Libraries never print, exit or keep a last error. `err` may not be NULL.
 * The values are the exit codes of the `bitdial` command. */
#ifndef BD_CORE_ERROR_H
#define BD_CORE_ERROR_H

#include <stdarg.h>
#include <stdint.h>

#define BD_WARN_UNUSED __attribute__((warn_unused_result))
#define BD_PRINTF(f, a) __attribute__((format(printf, f, a)))

typedef enum bd_status {
    BD_OK = 0,        /* done */
    BD_FAIL = 1,      /* a check failed: a mismatch, a missed bound */
    BD_BAD_INPUT = 2, /* usage, or a file that is malformed; nothing was written */
    BD_INFRA = 3,     /* the machine failed us: I/O, memory, a dead process, a timeout */
} bd_status;

struct bd_error {
    bd_status status;
    char message[1024];
    /* Where the input stands that caused it, for programs; the message has it too. */
    char file[512];       /* empty: not known */
    int64_t line, column; /* from 1; 0: not known */
    int64_t byte;         /* offset from 0; -1: not known */
};

/* Fills `err` and returns `status`, so that `return bd_fail(err, BD_INFRA, "cannot open '%s'", p);` reads well. */
bd_status bd_fail(struct bd_error *err, bd_status status, const char *format, ...) BD_PRINTF(3, 4);

/* BD_BAD_INPUT for what stands at a byte of a file, from 0: "file: offset N: text", and the place noted in `err`. */
bd_status bd_fail_byte(struct bd_error *err, const char *file, uint64_t byte, const char *format, ...) BD_PRINTF(4, 5);

/* Puts "text: " before the message that `err` holds; returns its status. */
bd_status bd_fail_prefix(struct bd_error *err, const char *format, ...) BD_PRINTF(2, 3);

/* Notes where the input stands that caused the failure `err` holds, whose message says it in words; returns its status.
 * line and column 0, byte -1: not known. */
bd_status bd_fail_at(struct bd_error *err, const char *file, int64_t line, int64_t column, int64_t byte);

#endif
