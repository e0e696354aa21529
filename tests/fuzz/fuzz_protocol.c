/* The device protocol, from both sides: frames into a device that serves, and replies into a client that asks. The
 * first byte chooses the side. In what follows, each frame's magic, length and checksum are made right where the
 * frame's own payload length fits; its first byte says whether. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "model/core/file.h"
#include "model/core/memory.h"
#include "sw/transport/link.h"
#include "sw/transport/ref.h"
#include "sw/transport/server.h"
#include "tests/fuzz/fuzz.h"

#define MEMORY (1 << 20)
#define MOST_BYTES 60000 /* fits into a socket's buffer: nobody reads while it is written */

/* Input: u8 mends, u8 op, u8 status, u8 sequence, u16 payload bytes, payload. */
static size_t frames_of(const uint8_t *data, size_t size, uint8_t *out)
{
    size_t used = 0;
    while (size >= 6) {
        const size_t payload = data[4] | data[5] << 8, rest = size - 6, taken = payload < rest ? payload : rest;
        const struct bd_message message = {.sequence = data[3], .op = data[1], .status = data[2]};
        if (used + BD_FRAME_HEADER + taken + BD_FRAME_TRAILER > MOST_BYTES) {
            break;
        }
        const size_t length = bd_frame_encode(out + used, &message, data + 6, taken, NULL, 0);
        if (data[0] % 16 == 1) { /* one byte of the frame as chance has it */
            out[used + data[3] % length] ^= data[1];
        }
        used += length;
        data += 6 + taken;
        size -= 6 + taken;
    }
    return used;
}

static void open_pair(int pair[2])
{
    const int room = 1 << 20;
    fuzz_demand(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0, "no socket pair");
    for (int i = 0; i < 2; i++) {
        setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    }
}

static void serve(const uint8_t *frames, size_t size)
{
    static int replies = -1; /* nobody reads them */
    int in[2];
    struct bd_platform device;
    struct bd_hardware hardware;
    struct bd_error err = {0};
    fuzz_demand(bd_hardware_load(&hardware, "tests/small_hardware.yaml", &err) == BD_OK, err.message);
    bd_ref_open_sized(&device, &hardware, MEMORY);
    replies = replies < 0 ? open("/dev/null", O_WRONLY | O_CLOEXEC) : replies;
    open_pair(in);
    fuzz_demand(write(in[1], frames, size) == (ssize_t)size && shutdown(in[1], SHUT_WR) == 0, "no write");
    const bd_status status = bd_serve(&device, in[0], replies, true, &err);
    fuzz_demand(status == BD_OK || err.message[0], "service ended without a message");
    fuzz_demand(device.ops->close(device.self, &err) == BD_OK, "the device does not close");
    bd_hardware_release(&hardware);
    close(in[0]);
    close(in[1]);
}

static void ask(const uint8_t *frames, size_t size)
{
    int pair[2];
    struct bd_error err = {0};
    struct bd_platform platform;
    const struct bd_link_options options = {.name = "fuzz", .reply_ms = 1000};
    open_pair(pair);
    fuzz_demand(write(pair[1], frames, size) == (ssize_t)size && shutdown(pair[1], SHUT_WR) == 0, "no write");
    const int own = dup(pair[0]);
    if (bd_link_open(&platform, pair[0], own, &options, &err) == BD_OK) {
        uint8_t bytes[300];
        uint32_t value;
        bool raised;
        struct bd_statistics statistics;
        const struct bd_platform_ops *ops = platform.ops;
        bd_status last = ops->read_register(platform.self, 8, &value, &err);
        last = last ? last : ops->read_memory(platform.self, platform.memory_base, bytes, sizeof bytes, &err);
        last = last ? last : ops->write_memory(platform.self, platform.memory_base, bytes, sizeof bytes, &err);
        last = last ? last : ops->wait_irq(platform.self, 1, 0, &raised, &err);
        last = last ? last : ops->statistics(platform.self, &statistics, &err);
        fuzz_demand(last == BD_OK || err.message[0], "a request failed without a message");
        last = ops->close(platform.self, &err);
        fuzz_demand(last == BD_OK || err.message[0], "closing failed without a message");
    } else {
        fuzz_demand(err.message[0], "no link and no message");
    }
    close(pair[1]);
}

void fuzz_protocol(const uint8_t *data, size_t size)
{
    if (size == 0 || size > MOST_BYTES) {
        return;
    }
    uint8_t *frames = bd_xmalloc(MOST_BYTES);
    const size_t length = frames_of(data + 1, size - 1, frames);
    (data[0] % 2 ? ask : serve)(frames, length);
    free(frames);
}
