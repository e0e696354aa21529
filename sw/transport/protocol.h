/* The framed device protocol: encoding and checking of frames, apart from any channel. README.md tells the whole of
 * it. A frame, little-endian:
 *
 *   u32 magic "BDF1"   u32 sequence   u16 op   u16 status   u32 payload bytes   payload   u32 CRC-32 of all before
 *
 * A request has status 0; its reply repeats sequence and op, with status 0 and results, or an enum bd_reply and
 * text. Payload layouts are the structs below, little-endian, in this order, without padding. */
#ifndef BD_TRANSPORT_PROTOCOL_H
#define BD_TRANSPORT_PROTOCOL_H

#include <stddef.h>
#include <stdint.h>

#include "model/core/error.h"

#define BD_FRAME_MAGIC 0x31464442u /* "BDF1" */
#define BD_PROTOCOL_VERSION 1u
#define BD_FRAME_HEADER 16u
#define BD_FRAME_TRAILER 4u
#define BD_FRAME_PAYLOAD 65536u /* most bytes of payload; longer transfers are several frames */
#define BD_FRAME_MAX (BD_FRAME_HEADER + BD_FRAME_PAYLOAD + BD_FRAME_TRAILER)

/* X(name, value, request payload -> reply payload) */
#define BD_REQUESTS(X)                                                                                                 \
    X(HELLO, 1, "bd_hello -> bd_hello_reply; must come first")                                                         \
    X(READ_REGISTER, 2, "u64 offset -> u64 value")                                                                     \
    X(WRITE_REGISTER, 3, "u64 offset, u64 value -> nothing")                                                           \
    X(READ_MEMORY, 4, "u64 address, u64 size -> bytes")                                                                \
    X(WRITE_MEMORY, 5, "u64 address, bytes -> nothing")                                                                \
    X(READ_SHARED, 6, "u64 address, u64 size, u64 offset in the window -> nothing")                                    \
    X(WRITE_SHARED, 7, "u64 address, u64 size, u64 offset in the window -> nothing")                                   \
    X(WAIT_IRQ, 8, "u64 milliseconds, u64 clocks (0: no limit) -> u64 1 when the line is high, 0 when time ran out")   \
    X(STATISTICS, 9, "nothing -> bd_statistics")                                                                       \
    X(SET_MEMORY, 10, "u64 latency, u64 beat interval, u64 outstanding -> nothing")                                    \
    X(SET_STALLS, 11, "u64 seed, u64 chance of a stall in 256 (0: none) -> nothing")                                   \
    X(REGION, 12, "u64 class, u64 address, u64 size -> nothing")                                                       \
    X(SEAL, 13, "u64 1 seal the program region, 0 open it -> nothing")                                                 \
    X(FLIP_BIT, 14, "u64 address, u64 bit: plants a fault behind the guard -> nothing")                                \
    X(QUIT, 15, "nothing -> nothing; the device process ends")

enum bd_request {
#define X(name, value, help) BD_REQUEST_##name = value,
    BD_REQUESTS(X)
#undef X
};

enum bd_reply { /* status of a reply; all but OK carry text */
                BD_REPLY_OK,
                BD_REPLY_REFUSED,   /* the request is malformed or not possible */
                BD_REPLY_VIOLATION, /* a write into the sealed program */
                BD_REPLY_DAMAGED,   /* of a board at a serial line: a frame came that was not whole; send it again */
};

struct bd_hello {
    uint64_t version;
    uint64_t want_shared; /* 1: the client can take a file descriptor */
};

struct bd_hello_reply {
    uint64_t version;
    uint64_t memory_base, memory_bytes;
    uint64_t shared_bytes; /* size of the window whose descriptor came with this frame; 0: none */
    char target[16];       /* "rtl" or "tlm" */
};

struct bd_statistics {
    uint64_t frame_cycles;    /* of the last finished frame: from the doorbell's handshake, or the end of the frame
                               * before it, to the interrupt line's rise, counted outside the device */
    uint64_t frames;          /* ends of frames seen */
    uint64_t clocks;          /* since power-up */
    uint64_t run_nanoseconds; /* wall time spent in the clock loop */
    uint64_t written[4];      /* bytes that the host wrote, by enum bd_write_class */
    uint64_t violations, violation_address;
    uint64_t bus_read_bytes, bus_write_bytes; /* by the device's bus master; 0 at targets without pins */
};

/* A frame as received: points into the buffer it was parsed from. */
struct bd_message {
    uint32_t sequence;
    uint16_t op, status;
    const uint8_t *payload;
    uint32_t size;
};

/* Writes a frame to `out` (BD_FRAME_MAX bytes); the payload is `head` followed by `body`, together at most
 * BD_FRAME_PAYLOAD. Either may be empty. Returns the frame's length. */
size_t bd_frame_encode(uint8_t *out, const struct bd_message *message, const void *head, size_t head_size,
                       const void *body, size_t body_size);

/* Bytes of the whole frame whose first BD_FRAME_HEADER bytes are given, or 0 where they are no frame's. */
size_t bd_frame_length(const uint8_t *header, struct bd_error *err);

/* Checks a whole frame of bd_frame_length bytes; BD_BAD_INPUT names what is wrong. */
bd_status bd_frame_parse(const uint8_t *frame, size_t size, struct bd_message *message, struct bd_error *err)
    BD_WARN_UNUSED;

const char *bd_request_name(unsigned op); /* "READ_MEMORY", or "unknown" */

/* Little-endian numbers of a payload. */
uint64_t bd_get_u64(const uint8_t *bytes);
void bd_put_u64(uint8_t *bytes, uint64_t value);

#endif
