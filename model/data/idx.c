#include "model/data/idx.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "model/core/file.h"
#include "model/core/memory.h"

/* A gzip file being inflated from memory; `offset` counts uncompressed bytes already handed out. */
struct stream {
    z_stream z;
    const char *path;
    size_t offset;
    bool ended; /* the gzip trailer (CRC-32 and length) has been checked */
    struct bd_error *err;
};

#define REFUSE(stream, ...) refuse((stream), (stream)->offset, __VA_ARGS__)

static bd_status refuse(struct stream *stream, size_t offset, const char *format, ...) BD_PRINTF(3, 4);
static bd_status refuse(struct stream *stream, size_t offset, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = bd_vasprintf(format, arguments);
    va_end(arguments);
    bd_fail_byte(stream->err, stream->path, offset, "%s", text);
    free(text);
    return BD_BAD_INPUT;
}

/* Inflates up to `size` bytes; fewer only at the end of the stream. */
static bd_status take(struct stream *stream, uint8_t *out, size_t size, size_t *taken)
{
    stream->z.next_out = out;
    stream->z.avail_out = size;
    while (stream->z.avail_out > 0 && !stream->ended) {
        int result = inflate(&stream->z, Z_NO_FLUSH);
        size_t at = stream->offset + size - stream->z.avail_out;
        if (result == Z_STREAM_END) {
            stream->ended = true;
        } else if (result == Z_BUF_ERROR) {
            return refuse(stream, at, "the gzip stream is cut off");
        } else if (result == Z_MEM_ERROR) {
            return bd_fail(stream->err, BD_INFRA, "%s: out of memory", stream->path);
        } else if (result != Z_OK) {
            return refuse(stream, at, "corrupt gzip stream: %s", stream->z.msg ? stream->z.msg : "bad data");
        }
    }
    *taken = size - stream->z.avail_out;
    stream->offset += *taken;
    return BD_OK;
}

static uint32_t big_endian(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static bd_status read_header(struct stream *stream, struct bd_idx *idx, int rank, const uint32_t *shape)
{
    uint8_t bytes[4];
    size_t taken;
    bd_status status = take(stream, bytes, 4, &taken);
    if (status != BD_OK) {
        return status;
    }
    if (taken < 4) {
        return REFUSE(stream, "the file ends within its magic number");
    }
    if (big_endian(bytes) != (0x800u | (uint32_t)rank)) {
        return refuse(stream, 0, "the magic number must be 0x%08x (unsigned bytes of rank %d), got 0x%08x",
                      0x800u | (uint32_t)rank, rank, big_endian(bytes));
    }
    idx->rank = rank;
    idx->count = 1;
    for (int i = 0; i < rank; i++) {
        size_t at = stream->offset;
        status = take(stream, bytes, 4, &taken);
        if (status != BD_OK) {
            return status;
        }
        if (taken < 4) {
            return REFUSE(stream, "the file ends within its dimensions");
        }
        idx->shape[i] = big_endian(bytes);
        if (idx->shape[i] == 0 || (shape[i] != 0 && idx->shape[i] != shape[i])) {
            return shape[i] ? refuse(stream, at, "dimension %d must be %u, got %u", i, shape[i], idx->shape[i])
                            : refuse(stream, at, "dimension %d is 0", i);
        }
        if (__builtin_mul_overflow(idx->count, (size_t)idx->shape[i], &idx->count) || idx->count > BD_IDX_MAX_BYTES) {
            return refuse(stream, at, "the dimensions ask for more than %u bytes", BD_IDX_MAX_BYTES);
        }
    }
    return BD_OK;
}

static bd_status read_elements(struct stream *stream, struct bd_idx *idx)
{
    size_t taken, extra = 0;
    uint8_t more;
    idx->data = bd_xmalloc(idx->count);
    bd_status status = take(stream, idx->data, idx->count, &taken);
    if (status == BD_OK && taken < idx->count) {
        status = REFUSE(stream, "the file ends after %zu of %zu elements", taken, idx->count);
    }
    if (status == BD_OK) {
        status = take(stream, &more, 1, &extra);
    }
    if (status == BD_OK && extra != 0) {
        status = refuse(stream, stream->offset - 1, "extra bytes follow the %zu elements", idx->count);
    }
    if (status == BD_OK && stream->z.avail_in != 0) {
        status = REFUSE(stream, "%u extra bytes follow the gzip stream", stream->z.avail_in);
    }
    return status;
}

bd_status bd_idx_load(struct bd_idx *idx, const char *path, int rank, const uint32_t *shape, struct bd_error *err)
{
    *idx = (struct bd_idx){0};
    uint8_t *packed;
    size_t size;
    bd_status status = bd_file_read(path, BD_IDX_MAX_BYTES, &packed, &size, err);
    if (status != BD_OK) {
        return status;
    }
    struct stream stream = {.path = path, .err = err};
    stream.z.next_in = packed;
    stream.z.avail_in = size;
    if (inflateInit2(&stream.z, 15 + 16) != Z_OK) { /* 16: gzip framing only */
        free(packed);
        return bd_fail(err, BD_INFRA, "%s: cannot start zlib", path);
    }
    status = read_header(&stream, idx, rank, shape);
    if (status == BD_OK) {
        status = read_elements(&stream, idx);
    }
    if (status != BD_OK) {
        free(idx->data);
        *idx = (struct bd_idx){0};
    }
    inflateEnd(&stream.z);
    free(packed);
    return status;
}
