/* The client's side of the protocol: a platform behind frames. */
#ifndef BD_TRANSPORT_LINK_H
#define BD_TRANSPORT_LINK_H

#include <stdbool.h>
#include <sys/types.h>

#include "sw/transport/platform.h"

#define BD_LINK_REPLY_MS 60000 /* default of reply_ms */

struct bd_link_options {
    const char *name;  /* of the device, for messages */
    pid_t child;       /* process to watch, and to end on close; 0: none */
    bool shared;       /* ask for the shared window */
    uint32_t reply_ms; /* longest wait for a reply, beside the time that a request itself asks for; 0: the default */
    /* Is told, a line at a time, what a wait is for that has grown longer than notice_ms (0: 5 s); see watch.h. */
    void (*notice)(void *context, const char *text);
    void *context;
    uint32_t notice_ms;
};

/* Says HELLO over a channel and fills `platform`. Takes both descriptors, which may be equal; on failure it has
 * closed them and ended the child. */
bd_status bd_link_open(struct bd_platform *platform, int in, int out, const struct bd_link_options *options,
                       struct bd_error *err) BD_WARN_UNUSED;

/* Starts `argv[0]` (NULL-ended argv) with one end of a socket pair as its descriptor 3 and its standard output on
 * standard error, and opens a link to it; fills the options' name and child itself. The child dies with the thread
 * that started it. */
bd_status bd_link_spawn(struct bd_platform *platform, char *const *argv, const struct bd_link_options *options,
                        struct bd_error *err) BD_WARN_UNUSED;

/* Whether the platform's bulk transfers go through a shared window. */
bool bd_link_is_shared(const struct bd_platform *platform);

#endif
