#include "model/search/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/core/file.h"
#include "model/core/memory.h"
#include "model/core/output.h"

#define JOURNAL_LIMIT (64u << 20)
#define HEAD "{\"crc\":\""
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

/* What a kill leaves of a line begins as a line does. */
static bool begins_like_a_line(const char *text, size_t size)
{
    const size_t length = strlen(HEAD);
    return !memcmp(text, HEAD, size < length ? size : length);
}

static bd_status bad_line(const struct bd_journal *journal, size_t line, const char *what, struct bd_error *err)
{
    bd_fail(err, BD_BAD_INPUT, "%s:%zu: %s", journal->path, line, what);
    return bd_fail_at(err, journal->path, (int64_t)line, 0, -1);
}

/* Reads all lines; journal->good: how many bytes of them are whole. */
static bd_status read_lines(struct bd_journal *journal, const char *text, size_t size, struct bd_error *err)
{
    size_t *good = &journal->good;
    for (size_t line = 1; *good < size; line++) {
        const char *start = text + *good, *end = memchr(start, '\n', size - *good);
        if (!begins_like_a_line(start, size - *good)) {
            return bad_line(journal, line, "this is no line of a journal", err);
        }
        if (!end) {
            journal->dropped = true;
            return BD_OK;
        }
        char *record = parse_line(start, (size_t)(end - start));
        if (!record) {
            return bad_line(journal, line, "the line's CRC does not match", err);
        }
        journal->records = bd_xrealloc(journal->records, journal->count + 1, sizeof(char *));
        journal->records[journal->count++] = record;
        *good = (size_t)(end + 1 - text);
    }
    return BD_OK;
}

static bd_status open_journal(struct bd_journal *journal, enum bd_journal_mode mode, struct bd_error *err)
{
    struct stat st;
    bd_status status = bd_output_check(journal->path, BD_OUTPUT_JOURNAL, NULL, NULL, err);
    if (status != BD_OK && mode != BD_JOURNAL_RESUME) { /* else the line is told */
        return status;
    }
    journal->fd = open(journal->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0666);
    if (journal->fd < 0 || fstat(journal->fd, &st) != 0) {
        return bd_fail(err, BD_INFRA, "cannot write journal '%s': %s", journal->path, strerror(errno));
    }
    if (bd_file_check_regular(journal->path, &st, err)) {
        return bd_fail_prefix(err, "journal");
    }
    status = bd_output_hold(journal->fd, journal->path, err);
    if (status != BD_OK || st.st_size == 0 || mode == BD_JOURNAL_REPLACE) {
        return status;
    }
    if (mode == BD_JOURNAL_NEW) {
        return bd_fail(err, BD_BAD_INPUT, "journal '%s' is there already: resume it, or replace it", journal->path);
    }
    uint8_t *text;
    size_t size;
    status = bd_file_read(journal->path, JOURNAL_LIMIT, &text, &size, err);
    if (status == BD_OK) {
        status = read_lines(journal, (const char *)text, size, err);
        free(text);
    }
    return status;
}

bd_status bd_journal_open(struct bd_journal *journal, const char *path, enum bd_journal_mode mode, struct bd_error *err)
{
    *journal = (struct bd_journal){.fd = -1, .path = bd_xstrdup(path)};
    bd_status status = open_journal(journal, mode, err);
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
    /* Cuts off what is no whole line: of a kill, of the journal that is replaced, or of an append that failed. */
    bool cut = ftruncate(journal->fd, (off_t)journal->good) == 0;
    while (cut && done < length) {
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
    journal->good += length;
    return BD_OK;
}

bd_status bd_journal_tell_difference(const char *key, const json_t *was, const json_t *now, const char *what,
                                     struct bd_error *err)
{
    const size_t flags = JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15);
    char *then = was ? json_dumps(was, flags) : bd_xstrdup("absent"),
         *here = now ? json_dumps(now, flags) : bd_xstrdup("absent");
    bd_status status =
        strlen(then) + strlen(here) < 400
            ? bd_fail(err, BD_BAD_INPUT, "it is of another %s: '%s' was %s there and is %s here", what, key, then, here)
            : bd_fail(err, BD_BAD_INPUT, "it is of another %s: '%s' differs", what, key);
    free(then);
    free(here);
    return status;
}

bd_status bd_journal_check_head(const char *was, const char *now, const char *what, struct bd_error *err)
{
    json_t *before = json_loads(was, 0, NULL), *here = json_loads(now, 0, NULL), *all = json_object(), *value;
    const char *key;
    bd_status status = BD_OK;
    json_object_update(all, here);
    json_object_update(all, before);
    if (!json_is_object(before)) {
        status = bd_fail(err, BD_BAD_INPUT, "it is not of a %s", what);
    }
    json_object_foreach(all, key, value)
    {
        const json_t *a = json_object_get(before, key), *b = json_object_get(here, key);
        if (!status && !(a && b && json_equal(a, b))) {
            status = bd_journal_tell_difference(key, a, b, what, err);
        }
    }
    json_decref(all);
    json_decref(before);
    json_decref(here);
    return status;
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
