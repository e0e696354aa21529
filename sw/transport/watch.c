#include "sw/transport/watch.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "model/core/clock.h"

enum { SLICE_MS = 250, BUSY_MS = 60000 };

/* The state letter of proc(5): R runs, T and t are stopped, Z is dead; '?' where it is not known. */
static char process_state(pid_t process)
{
    char path[64], text[256] = "", state = '?';
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)process);
    FILE *file = process > 0 ? fopen(path, "r") : NULL;
    if (file) {
        text[fread(text, 1, sizeof text - 1, file)] = '\0';
        fclose(file);
    }
    const char *name_end = strrchr(text, ')'); /* the name before it may hold anything */
    if (name_end && name_end[1] == ' ') {
        state = name_end[2];
    }
    return state;
}

static bool is_stopped(char state)
{
    return state == 'T' || state == 't';
}

/* " (pid 12, stopped by a signal)"; empty where no process is known. */
static void describe(const struct bd_watch *watch, char state, char *text, size_t size)
{
    const char *doing = is_stopped(state) ? ", stopped by a signal" : state == 'R' ? ", running" : "";
    text[0] = '\0';
    if (watch->child > 0) {
        snprintf(text, size, " (pid %ld%s)", (long)watch->child, doing);
    }
}

enum bd_received bd_watch_reply(const struct bd_watch *watch, struct bd_channel *channel,
                                const struct bd_message *request, uint64_t request_ms, struct bd_message *reply,
                                struct bd_error *err)
{
    const uint64_t limit = request_ms + watch->reply_ms;
    uint64_t waited = 0, stopped = 0, next = watch->notice_ms;
    char process[64], state = '?';
    while (waited < limit && stopped < watch->reply_ms) {
        const uint64_t slice = limit - waited < SLICE_MS ? limit - waited : SLICE_MS;
        const double start = bd_seconds(CLOCK_MONOTONIC);
        enum bd_received received = bd_channel_receive(channel, (int64_t)slice, reply, err);
        if (received != BD_RECEIVED_TIMEOUT) {
            return received;
        }
        const uint64_t took = (uint64_t)(1000 * (bd_seconds(CLOCK_MONOTONIC) - start));
        const uint64_t counted = took > 2 * slice ? 2 * slice : took < slice ? slice : took;
        waited += counted;
        state = process_state(watch->child);
        stopped = is_stopped(state) ? stopped + counted : 0;
        if (waited < next || (request_ms > 0 && state == 'R' && waited < BUSY_MS)) {
            continue;
        }
        next = 2 * waited;
        if (watch->notice) {
            char text[512];
            describe(watch, state, process, sizeof process);
            snprintf(text, sizeof text, "waiting for the device process '%.200s'%s: no answer to %s for %.0f s",
                     watch->name, process, bd_request_name(request->op), (double)waited / 1000);
            watch->notice(watch->context, text);
        }
    }
    describe(watch, state, process, sizeof process);
    bd_fail(err, BD_INFRA, "device '%s'%s did not answer %s (frame %u) in %" PRIu64 " ms", watch->name, process,
            bd_request_name(request->op), request->sequence, waited < limit ? stopped : limit);
    return BD_RECEIVED_TIMEOUT;
}
