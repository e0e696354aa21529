/* A day of budgets: rows of a CSV file, each a span of time in which what comes in and what is asked for is even.
 *
 * The first line names the columns, in any order; `seconds` and `requests` must be there, an empty cell or a missing
 * column is no limit. Lines that begin with '#' are comments.
 *
 *   seconds            length of the span
 *   requests           frames asked for in it
 *   energy_uj          microjoules that come into the store
 *   energy_room_uj     what the store holds
 *   energy_reserve_uj  what should be left in it at this time (half of the room)
 *   heat_uj            microjoules that can be led away
 *   heat_room_uj       what the device can take up beside
 *   bus_bytes          bytes over the memory bus; what is not used is lost
 *   deadline_us        from a request to its result
 *   floor_percent      least accuracy of a frame */
#ifndef BD_GOVERN_TRACE_H
#define BD_GOVERN_TRACE_H

#include <stddef.h>

#include "model/core/error.h"
#include "sw/driver/governor/governor.h"

#define BD_TRACE_ROWS 100000
#define BD_TRACE_NONE (-1.0) /* no limit */

/* X(column, member, least, most) */
#define BD_TRACE_COLUMNS(X)                                                                                            \
    X("seconds", seconds, 1e-3, 1e7)                                                                                   \
    X("requests", requests, 0, 1e8)                                                                                    \
    X("energy_uj", energy_uj, 0, 1e12)                                                                                 \
    X("energy_room_uj", energy_room_uj, 0, 1e12)                                                                       \
    X("energy_reserve_uj", energy_reserve_uj, 0, 1e12)                                                                 \
    X("heat_uj", heat_uj, 0, 1e12)                                                                                     \
    X("heat_room_uj", heat_room_uj, 0, 1e12)                                                                           \
    X("bus_bytes", bus_bytes, 0, 1e15)                                                                                 \
    X("deadline_us", deadline_us, 1, 1e10)                                                                             \
    X("floor_percent", floor_percent, 0, 100)

struct bd_trace_row { /* BD_TRACE_NONE where the file says nothing */
#define X(column, member, least, most) double member;
    BD_TRACE_COLUMNS(X)
#undef X
};

struct bd_trace {
    struct bd_trace_row *rows; /* owned */
    size_t count;
};

/* BD_BAD_INPUT with file, line and column for anything that is not as above. */
bd_status bd_trace_load(struct bd_trace *trace, const char *path, struct bd_error *err) BD_WARN_UNUSED;
void bd_trace_release(struct bd_trace *trace);

/* A bucket in a span of time, in its own unit (nanojoules, clocks, bytes). */
struct bd_trace_bucket {
    double gain;    /* in the whole span */
    double room;    /* most that it holds */
    double reserve; /* where its level should rest */
};

/* The bucket of a resource in a row; false where the row does not limit it. `clock_hz` is the device's. */
bool bd_trace_bucket(const struct bd_trace_row *row, enum bd_governor_resource resource, double clock_hz,
                     struct bd_trace_bucket *bucket);

#endif
