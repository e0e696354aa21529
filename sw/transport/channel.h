/* Frames over a pair of file descriptors, with a deadline on every wait and, over a Unix socket, a descriptor sent
 * along. */
#ifndef BD_TRANSPORT_CHANNEL_H
#define BD_TRANSPORT_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "sw/transport/protocol.h"

struct bd_channel {
    int in, out;     /* may be the same; owned by the caller */
    size_t have;     /* bytes received and not yet consumed */
    size_t consumed; /* of them, bytes of the message handed out last */
    int received_fd; /* a descriptor that came along, -1: none; the caller's once taken */
    uint8_t received[2 * BD_FRAME_MAX], sending[BD_FRAME_MAX];
};

void bd_channel_init(struct bd_channel *channel, int in, int out);

/* Encodes and sends a frame; `fd` >= 0 goes along. A closed or stuck channel is BD_INFRA. */
bd_status bd_channel_send(struct bd_channel *channel, const struct bd_message *message, const void *head,
                          size_t head_size, const void *body, size_t body_size, int fd, struct bd_error *err)
    BD_WARN_UNUSED;

enum bd_received { BD_RECEIVED_FRAME, BD_RECEIVED_END, BD_RECEIVED_TIMEOUT, BD_RECEIVED_MALFORMED };

/* Waits at most `milliseconds` (-1: for ever) for a whole frame. The message points into the channel until the next
 * call. MALFORMED fills err, END means that the other side closed. */
enum bd_received bd_channel_receive(struct bd_channel *channel, int64_t milliseconds, struct bd_message *message,
                                    struct bd_error *err);

#endif
