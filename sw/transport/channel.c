#include "sw/transport/channel.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* A peer that takes no bytes for this long is stuck. */
#define SEND_LIMIT_MS 60000

void bd_channel_init(struct bd_channel *channel, int in, int out)
{
    channel->in = in;
    channel->out = out;
    channel->have = channel->consumed = 0;
    channel->received_fd = -1;
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* send() where the descriptor is a socket, so that a dead peer gives EPIPE and not a signal; write() elsewhere. */
static ssize_t put(int fd, const uint8_t *bytes, size_t size, int along)
{
    struct iovec part = {.iov_base = (void *)bytes, .iov_len = size};
    union {
        struct cmsghdr align;
        char space[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (along >= 0) {
        message.msg_control = control.space;
        message.msg_controllen = sizeof control.space;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(header), &along, sizeof along);
    }
    ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT); /* the wait has a limit: bd_channel_send's */
    return sent < 0 && errno == ENOTSOCK ? write(fd, bytes, size) : sent;
}

bd_status bd_channel_send(struct bd_channel *channel, const struct bd_message *message, const void *head,
                          size_t head_size, const void *body, size_t body_size, int fd, struct bd_error *err)
{
    size_t size = bd_frame_encode(channel->sending, message, head, head_size, body, body_size);
    for (size_t at = 0; at < size;) {
        ssize_t sent = put(channel->out, channel->sending + at, size - at, at == 0 ? fd : -1);
        if (sent > 0) {
            at += (size_t)sent;
        } else if (sent < 0 && errno == EAGAIN) {
            struct pollfd wait = {.fd = channel->out, .events = POLLOUT};
            if (poll(&wait, 1, SEND_LIMIT_MS) == 0) {
                return bd_fail(err, BD_INFRA, "the peer takes no bytes: waited %d ms to send %s", SEND_LIMIT_MS,
                               bd_request_name(message->op));
            }
        } else if (sent < 0 && errno != EINTR) {
            return bd_fail(err, BD_INFRA, "cannot send %s: %s", bd_request_name(message->op), strerror(errno));
        }
    }
    return BD_OK;
}

/* read() that also takes a descriptor sent along. */
static ssize_t take(struct bd_channel *channel, uint8_t *to, size_t room)
{
    struct iovec part = {.iov_base = to, .iov_len = room};
    union {
        struct cmsghdr align;
        char space[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof control.space};
    ssize_t got = recvmsg(channel->in, &message, MSG_CMSG_CLOEXEC);
    if (got < 0 && errno == ENOTSOCK) {
        return read(channel->in, to, room);
    }
    struct cmsghdr *header = got > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
        if (channel->received_fd >= 0) {
            close(channel->received_fd);
        }
        memcpy(&channel->received_fd, CMSG_DATA(header), sizeof channel->received_fd);
    }
    return got;
}

/* Bytes of the frame at the buffer's start once its header is there; 0 before. */
static enum bd_received frame_size(const struct bd_channel *channel, size_t *size, struct bd_error *err)
{
    *size = 0;
    if (channel->have >= BD_FRAME_HEADER) {
        *size = bd_frame_length(channel->received, err);
        return *size ? BD_RECEIVED_FRAME : BD_RECEIVED_MALFORMED;
    }
    return BD_RECEIVED_FRAME;
}

enum bd_received bd_channel_receive(struct bd_channel *channel, int64_t milliseconds, struct bd_message *message,
                                    struct bd_error *err)
{
    channel->have -= channel->consumed;
    memmove(channel->received, channel->received + channel->consumed, channel->have);
    channel->consumed = 0;
    int64_t deadline = milliseconds < 0 ? -1 : now_ms() + milliseconds;
    for (;;) {
        size_t size;
        if (frame_size(channel, &size, err) == BD_RECEIVED_MALFORMED) {
            return BD_RECEIVED_MALFORMED;
        }
        if (size > 0 && channel->have >= size) {
            channel->consumed = size;
            return bd_frame_parse(channel->received, size, message, err) == BD_OK ? BD_RECEIVED_FRAME
                                                                                  : BD_RECEIVED_MALFORMED;
        }
        if (deadline >= 0) {
            int64_t left = deadline - now_ms();
            struct pollfd wait = {.fd = channel->in, .events = POLLIN};
            int ready = poll(&wait, 1, left < 0 ? 0 : left > 1000000 ? 1000000 : (int)left);
            if (ready == 0 && now_ms() >= deadline) {
                return BD_RECEIVED_TIMEOUT;
            }
            if (ready <= 0) {
                continue;
            }
        }
        ssize_t got = take(channel, channel->received + channel->have, sizeof channel->received - channel->have);
        if (got > 0) {
            channel->have += (size_t)got;
        } else if (got == 0 || (errno != EINTR && errno != EAGAIN)) {
            if (got == 0 && channel->have > 0) {
                bd_fail(err, BD_BAD_INPUT, "frame: the channel closed after %zu bytes of one", channel->have);
                return BD_RECEIVED_MALFORMED;
            }
            return BD_RECEIVED_END;
        }
    }
}
