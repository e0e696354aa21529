/* The device side of the protocol: answers frames from a channel with any platform. */
#ifndef BD_TRANSPORT_SERVER_H
#define BD_TRANSPORT_SERVER_H

#include <stdbool.h>

#include "sw/transport/platform.h"

#define BD_SHARED_WINDOW_BYTES (1u << 20)

/* Serves until QUIT or until the client closes: BD_OK. A malformed frame ends the service: BD_BAD_INPUT, after a
 * last reply that says why. `allow_shared` offers a memory window to clients that ask for one. The platform stays
 * open. */
bd_status bd_serve(struct bd_platform *platform, int in, int out, bool allow_shared, struct bd_error *err)
    BD_WARN_UNUSED;

#endif
