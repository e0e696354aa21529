#include "sw/govern/trace.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/file.h"
#include "model/core/memory.h"

enum { MAX_BYTES = 64 << 20, MAX_COLUMNS = 16 };

struct column {
    const char *name;
    size_t place; /* in a row */
    double least, most;
};

static const struct column columns[] = {
#define X(column, member, least, most) {column, offsetof(struct bd_trace_row, member), least, most},
    BD_TRACE_COLUMNS(X)
#undef X
};
enum { COLUMNS = sizeof columns / sizeof *columns };

struct reader {
    const char *path;
    const struct column *order[MAX_COLUMNS]; /* of the file */
    int count;
    long line;
};

static bd_status refuse(const struct reader *r, int column, struct bd_error *err, const char *what, const char *cell,
                        size_t length)
{
    bd_fail(err, BD_BAD_INPUT, "%s:%ld:%d: %s '%.*s'", r->path, r->line, column, what, (int)(length < 60 ? length : 60),
            cell);
    return bd_fail_at(err, r->path, r->line, column, -1);
}

static bd_status read_name(struct reader *r, const char *cell, size_t length, int at, struct bd_error *err)
{
    if (r->count == MAX_COLUMNS) {
        return refuse(r, at, err, "one column too many:", cell, length);
    }
    for (int c = 0; c < COLUMNS; c++) {
        if (strlen(columns[c].name) == length && strncmp(columns[c].name, cell, length) == 0) {
            for (int before = 0; before < r->count; before++) {
                if (r->order[before] == &columns[c]) {
                    return refuse(r, at, err, "column stands twice:", cell, length);
                }
            }
            r->order[r->count++] = &columns[c];
            return BD_OK;
        }
    }
    return refuse(r, at, err, "there is no column", cell, length);
}

static bd_status read_cell(struct reader *r, int index, const char *cell, size_t length, int at,
                           struct bd_trace_row *row, struct bd_error *err)
{
    if (index >= r->count) {
        return refuse(r, at, err, "more cells than columns:", cell, length);
    }
    if (length == 0) {
        return BD_OK;
    }
    const struct column *column = r->order[index];
    char *end;
    char text[64] = "";
    if (length < sizeof text) {
        memcpy(text, cell, length);
    }
    const double value = strtod(text, &end);
    if (end == text || *end || !isfinite(value) || value < column->least || value > column->most) {
        char what[128];
        snprintf(what, sizeof what, "'%s' must be a number %g..%g, got", column->name, column->least, column->most);
        return refuse(r, at, err, what, cell, length);
    }
    memcpy((char *)row + column->place, &value, sizeof value);
    return BD_OK;
}

static bd_status check_row(const struct reader *r, const struct bd_trace_row *row, struct bd_error *err)
{
    const char *missing = row->seconds < 0                                 ? "seconds"
                          : row->requests < 0                              ? "requests"
                          : row->energy_uj >= 0 && row->energy_room_uj < 0 ? "energy_room_uj"
                          : row->energy_room_uj >= 0 && row->energy_uj < 0 ? "energy_uj"
                          : row->heat_uj >= 0 && row->heat_room_uj < 0     ? "heat_room_uj"
                          : row->heat_room_uj >= 0 && row->heat_uj < 0     ? "heat_uj"
                                                                           : NULL;
    return missing ? refuse(r, 1, err, "a row lacks", missing, strlen(missing)) : BD_OK;
}

/* A line: names in the first, else a row. */
static bd_status read_line(struct reader *r, const char *line, size_t length, struct bd_trace_row *row,
                           struct bd_error *err)
{
    const bool names = r->count == 0;
    bd_status status = BD_OK;
    size_t at = 0;
    for (int index = 0; at <= length && status == BD_OK; index++) {
        const char *comma = memchr(line + at, ',', length - at);
        const size_t size = comma ? (size_t)(comma - line) - at : length - at;
        status = names ? read_name(r, line + at, size, (int)at + 1, err)
                       : read_cell(r, index, line + at, size, (int)at + 1, row, err);
        at += size + 1;
    }
    return status == BD_OK && !names ? check_row(r, row, err) : status;
}

bd_status bd_trace_load(struct bd_trace *trace, const char *path, struct bd_error *err)
{
    uint8_t *data = NULL;
    size_t size = 0, room = 0;
    *trace = (struct bd_trace){0};
    bd_status status = bd_file_read(path, MAX_BYTES, &data, &size, err);
    struct reader reader = {.path = path};
    for (size_t at = 0; at < size && status == BD_OK;) {
        const char *line = (const char *)data + at;
        const char *end = memchr(line, '\n', size - at);
        size_t length = end ? (size_t)(end - line) : size - at;
        at += length + 1;
        reader.line++;
        length -= length > 0 && line[length - 1] == '\r';
        if (length == 0 || line[0] == '#') {
            continue;
        }
        struct bd_trace_row row;
        for (int c = 0; c < COLUMNS; c++) {
            memcpy((char *)&row + columns[c].place, &(double){BD_TRACE_NONE}, sizeof(double));
        }
        const bool names = reader.count == 0;
        status = read_line(&reader, line, length, &row, err);
        if (status == BD_OK && !names) {
            if (trace->count == BD_TRACE_ROWS) {
                status = refuse(&reader, 1, err, "more rows than a trace may have:", line, length);
                break;
            }
            if (trace->count == room) {
                room = room ? 2 * room : 256;
                trace->rows = bd_xrealloc(trace->rows, room, sizeof *trace->rows);
            }
            trace->rows[trace->count++] = row;
        }
    }
    free(data);
    if (status == BD_OK && trace->count == 0) {
        status = bd_fail(err, BD_BAD_INPUT, "%s: no rows", path);
    }
    if (status != BD_OK) {
        bd_trace_release(trace);
    }
    return status;
}

void bd_trace_release(struct bd_trace *trace)
{
    free(trace->rows);
    *trace = (struct bd_trace){0};
}

bool bd_trace_bucket(const struct bd_trace_row *row, enum bd_governor_resource resource, double clock_hz,
                     struct bd_trace_bucket *bucket)
{
    switch (resource) {
    case BD_GOVERN_ENERGY:
        *bucket = (struct bd_trace_bucket){
            1e3 * row->energy_uj, 1e3 * row->energy_room_uj,
            1e3 * (row->energy_reserve_uj >= 0 ? row->energy_reserve_uj : row->energy_room_uj / 2)};
        return row->energy_uj >= 0;
    case BD_GOVERN_HEAT:
        *bucket = (struct bd_trace_bucket){1e3 * row->heat_uj, 1e3 * row->heat_room_uj, 500 * row->heat_room_uj};
        return row->heat_uj >= 0;
    case BD_GOVERN_TIME: /* what is left of the deadline for another frame; it grows as time passes */
        *bucket = (struct bd_trace_bucket){row->seconds * clock_hz, 1e-6 * row->deadline_us * clock_hz,
                                           0.5e-6 * row->deadline_us * clock_hz};
        return row->deadline_us >= 0;
    default:
        /* A hundredth of a span's bytes may be saved up. */
        *bucket = (struct bd_trace_bucket){row->bus_bytes, row->bus_bytes / 100, row->bus_bytes / 200};
        return row->bus_bytes >= 0;
    }
}
