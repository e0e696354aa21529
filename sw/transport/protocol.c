#include "sw/transport/protocol.h"

#include <string.h>

#include "model/core/file.h"

static uint32_t get_u32(const uint8_t *bytes)
{
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static void put_u32(uint8_t *bytes, uint32_t value)
{
    for (int i = 0; i < 4; i++) {
        bytes[i] = (uint8_t)(value >> 8 * i);
    }
}

uint64_t bd_get_u64(const uint8_t *bytes)
{
    return get_u32(bytes) | (uint64_t)get_u32(bytes + 4) << 32;
}

void bd_put_u64(uint8_t *bytes, uint64_t value)
{
    put_u32(bytes, (uint32_t)value);
    put_u32(bytes + 4, (uint32_t)(value >> 32));
}

size_t bd_frame_encode(uint8_t *out, const struct bd_message *message, const void *head, size_t head_size,
                       const void *body, size_t body_size)
{
    size_t payload = head_size + body_size;
    put_u32(out, BD_FRAME_MAGIC);
    put_u32(out + 4, message->sequence);
    put_u32(out + 8, message->op | (uint32_t)message->status << 16);
    put_u32(out + 12, (uint32_t)payload);
    if (head_size) {
        memcpy(out + BD_FRAME_HEADER, head, head_size);
    }
    if (body_size) {
        memcpy(out + BD_FRAME_HEADER + head_size, body, body_size);
    }
    put_u32(out + BD_FRAME_HEADER + payload, bd_crc32(out, BD_FRAME_HEADER + payload));
    return BD_FRAME_HEADER + payload + BD_FRAME_TRAILER;
}

size_t bd_frame_length(const uint8_t *header, struct bd_error *err)
{
    uint32_t payload = get_u32(header + 12);
    if (get_u32(header) != BD_FRAME_MAGIC) {
        bd_fail(err, BD_BAD_INPUT, "frame: bad magic 0x%08x", get_u32(header));
        return 0;
    }
    if (payload > BD_FRAME_PAYLOAD) {
        bd_fail(err, BD_BAD_INPUT, "frame %u: payload of %u bytes, at most %u are allowed", get_u32(header + 4),
                payload, BD_FRAME_PAYLOAD);
        return 0;
    }
    return BD_FRAME_HEADER + payload + BD_FRAME_TRAILER;
}

bd_status bd_frame_parse(const uint8_t *frame, size_t size, struct bd_message *message, struct bd_error *err)
{
    if (size < BD_FRAME_HEADER) {
        return bd_fail(err, BD_BAD_INPUT, "frame: %zu bytes are fewer than a header", size);
    }
    size_t length = bd_frame_length(frame, err);
    if (length == 0) {
        return err->status;
    }
    if (length != size) {
        return bd_fail(err, BD_BAD_INPUT, "frame: %zu bytes where its header says %zu", size, length);
    }
    uint32_t crc = bd_crc32(frame, size - BD_FRAME_TRAILER), sent = get_u32(frame + size - BD_FRAME_TRAILER);
    *message = (struct bd_message){
        .sequence = get_u32(frame + 4),
        .op = (uint16_t)get_u32(frame + 8),
        .status = (uint16_t)(get_u32(frame + 8) >> 16),
        .payload = frame + BD_FRAME_HEADER,
        .size = (uint32_t)(size - BD_FRAME_HEADER - BD_FRAME_TRAILER),
    };
    if (crc != sent) {
        return bd_fail(err, BD_BAD_INPUT, "frame %u: CRC 0x%08x, computed 0x%08x", message->sequence, sent, crc);
    }
    return BD_OK;
}

const char *bd_request_name(unsigned op)
{
    switch (op) {
#define X(name, value, help)                                                                                           \
    case BD_REQUEST_##name:                                                                                            \
        return #name;
        BD_REQUESTS(X)
#undef X
    default:
        return "unknown";
    }
}
