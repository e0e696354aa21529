/* Waiting for a device process's reply: word about a wait that grows long, and an end of it. */
#ifndef BD_TRANSPORT_WATCH_H
#define BD_TRANSPORT_WATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "sw/transport/channel.h"

#define BD_WATCH_NOTICE_MS 5000

struct bd_watch {
    const char *name;   /* of the device, for messages */
    pid_t child;        /* its process; 0: not known */
    uint32_t reply_ms;  /* a stopped process is given up after this long, whatever the request may take */
    uint32_t notice_ms; /* first word; each further one comes after twice the time */
    void (*notice)(void *context, const char *text); /* takes a line without its end; NULL: nobody listens */
    void *context;
};

/* Waits at most request_ms + reply_ms for the reply to request `op`. Time in which this process did not run itself does
 * not count. A busy process that may take `request_ms` by itself is left alone for a minute before a notice; one that
 * is stopped (SIGSTOP, a debugger) or idle is named after notice_ms. BD_RECEIVED_TIMEOUT fills err too. */
enum bd_received bd_watch_reply(const struct bd_watch *watch, struct bd_channel *channel,
                                const struct bd_message *request, uint64_t request_ms, struct bd_message *reply,
                                struct bd_error *err);

#endif
