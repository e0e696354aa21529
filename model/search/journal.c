#include "model/search/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/core/file.h"
#include "model/core/memory.h"

#define JOURNAL_LIMIT (64u << 20)
#define HEAD_LENGTH 27 /* {"crc":"xxxxxxxx","record": */

/* The record inside a line of `length` bytes (no newline), malloc'd; NULL where the line is damaged. */
static char *parse_line(const char *line, size_t length)
{
    unsigned crc;
    int used = 0;
    if (length <= HEAD_LENGTH + 1 || line[length - 1] != '}') {
        return NULL;
    }
    char head[HEAD_LENGTH + 1];
    memcpy(head, line, HEAD_LENGTH);
    head[HEAD_LENGTH] = 0;
    if (sscanf(head, "{\"crc\":\"%8x\",\"record\":%n", &crc, &used) != 1 || used != HEAD_LENGTH) {
        return NULL;
    }
    size_t size = length - HEAD_LENGTH - 1;
    if (bd_crc32(line + HEAD_LENGTH, size) != crc) {
        return NULL;
    }
    return bd_xstrndup(line + HEAD_LENGTH, size);
}

/* Reads all good lines; *good: how many bytes they take. */
static bd_status read_lines(struct bd_journal *journal, const char *text, size_t size, size_t *good,
                            struct bd_error *err)
{
    *good = 0;
    for (size_t line = 1; *good < size; line++) {
        const char *start = text + *good, *end = memchr(start, '\n', size - *good);
        char *record = end ? parse_line(start, (size_t)(end - start)) : NULL;
        if (!record) {
            bool last = !end || end + 1 == text + size;
            if (!last) {
                bd_fail(err, BD_BAD_INPUT, "%s:%zu: the line's CRC does not match", journal->path, line);
                return bd_fail_at(err, journal->path, (int64_t)line, 0, -1);
            }
            journal->dropped = true;
            return BD_OK;
        }
        journal->records = bd_xrealloc(journal->records, journal->count + 1, sizeof(char *));
        journal->records[journal->count++] = record;
        *good = (size_t)(end + 1 - text);
    }
    return BD_OK;
}

static bd_status open_journal(struct bd_journal *journal, bool resume, struct bd_error *err)
{
    struct stat st;
    size_t good = 0;
    journal->fd = open(journal->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0666);
    if (journal->fd < 0 || fstat(journal->fd, &st) != 0) {
        return bd_fail(err, BD_INFRA, "cannot write journal '%s': %s", journal->path, strerror(errno));
    }
    if (bd_file_check_regular(journal->path, &st, err)) {
        return bd_fail_prefix(err, "journal");
    }
    if (flock(journal->fd, LOCK_EX | LOCK_NB) != 0) {
        return bd_fail(err, BD_INFRA, "journal '%s' is in use by another process", journal->path);
    }
    bool exists = st.st_size > 0;
    if (exists && !resume) {
        return bd_fail(err, BD_BAD_INPUT, "journal '%s' is there already: resume it, or remove it first",
                       journal->path);
    }
    if (exists) {
        uint8_t *text;
        size_t size;
        bd_status status = bd_file_read(journal->path, JOURNAL_LIMIT, &text, &size, err);
        if (status != BD_OK) {
            return status;
        }
        status = read_lines(journal, (const char *)text, size, &good, err);
        free(text);
        if (status != BD_OK) {
            return status;
        }
    }
    if (ftruncate(journal->fd, (off_t)good) != 0) {
        return bd_fail(err, BD_INFRA, "cannot write journal '%s': %s", journal->path, strerror(errno));
    }
    return BD_OK;
}

bd_status bd_journal_open(struct bd_journal *journal, const char *path, bool resume, struct bd_error *err)
{
    *journal = (struct bd_journal){.fd = -1, .path = bd_xstrdup(path)};
    bd_status status = open_journal(journal, resume, err);
    if (status != BD_OK) {
        bd_journal_close(journal);
    }
    return status;
}

bd_status bd_journal_append(struct bd_journal *journal, const char *record, struct bd_error *err)
{
    size_t size = strlen(record);
    char *line = bd_asprintf("{\"crc\":\"%08x\",\"record\":%s}\n", (unsigned)bd_crc32(record, size), record);
    size_t length = strlen(line), done = 0;
    while (done < length) {
        ssize_t wrote = write(journal->fd, line + done, length - done);
        if (wrote < 0 && errno != EINTR) {
            break;
        }
        done += wrote > 0 ? (size_t)wrote : 0;
    }
    free(line);
    if (done < length || fdatasync(journal->fd) != 0) {
        return bd_fail(err, BD_INFRA, "cannot write journal '%s': %s", journal->path, strerror(errno));
    }
    return BD_OK;
}

void bd_journal_close(struct bd_journal *journal)
{
    if (journal->fd >= 0) {
        close(journal->fd);
    }
    for (size_t i = 0; i < journal->count; i++) {
        free(journal->records[i]);
    }
    free(journal->records);
    free(journal->path);
    *journal = (struct bd_journal){.fd = -1};
}
