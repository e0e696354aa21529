/* Loading: a file from outside, of which nothing is believed. Its checksum tells of accidents, not of intent. */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "model/checkpoint/checkpoint_parts.h"
#include "model/checkpoint/hdf5_reader.h"
#include "model/core/file.h"
#include "model/core/memory.h"

#define MAX_FILE ((size_t)1 << 30)
#define MAX_TEXT ((size_t)1 << 20)

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "arrays are copied as they stand in the file");

static uint64_t get_le(const uint8_t *from, int bytes)
{
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++) {
        value |= (uint64_t)from[i] << (8 * i);
    }
    return value;
}

/* Of the whole file, its own field taken as zero. */
static uint32_t crc_of(const uint8_t *bytes, size_t size)
{
    static const uint8_t zero[4];
    const uLong crc = crc32_z(crc32_z(0, bytes, AT_CRC), zero, sizeof zero);
    return crc32_z(crc, bytes + AT_CRC + 4, size - AT_CRC - 4);
}

static bd_status check_block(const char *path, const uint8_t *bytes, size_t size, struct bd_error *err)
{
    if (size < USER_BLOCK) {
        return bd_fail_byte(err, path, size, "the file ends inside its %d-byte header", USER_BLOCK);
    }
    if (memcmp(bytes, MAGIC, 8)) {
        return bd_fail_byte(err, path, 0, "not a Bitdial checkpoint");
    }
    uint64_t version = get_le(bytes + AT_VERSION, 4), length = get_le(bytes + AT_LENGTH, 8);
    if (version != VERSION) {
        return bd_fail_byte(err, path, AT_VERSION, "checkpoint version %" PRIu64 ", this program reads %d", version,
                            VERSION);
    }
    if (length != size) {
        return bd_fail_byte(err, path, AT_LENGTH, "the header tells %" PRIu64 " bytes, the file has %zu", length, size);
    }
    uint32_t stored = get_le(bytes + AT_CRC, 4);
    uint32_t computed = crc_of(bytes, size);
    if (stored != computed) {
        return bd_fail_byte(err, path, AT_CRC, "CRC-32 is %08x, the contents give %08x", stored, computed);
    }
    return BD_OK;
}

struct reader {
    struct bd_checkpoint *checkpoint;
    char *network;
};

static bd_status read_text(struct reader *reader, const struct bd_hdf5_dataset *dataset, struct bd_error *err)
{
    const char *text = (const char *)dataset->bytes;
    char **to = !strcmp(dataset->name, NETWORK_NAME)    ? &reader->network
                : !strcmp(dataset->name, METADATA_NAME) ? &reader->checkpoint->metadata
                                                        : NULL;
    if (!to || dataset->size > MAX_TEXT) {
        return bd_fail(err, BD_BAD_INPUT, "offset %d: text '%s' is %s", USER_BLOCK, dataset->name,
                       to ? "longer than a MiB" : "none that a checkpoint has");
    }
    *to = bd_xstrndup(text, strnlen(text, dataset->size));
    return BD_OK;
}

static bd_status visit(void *context, const struct bd_hdf5_dataset *dataset, struct bd_error *err)
{
    struct reader *reader = context;
    if (dataset->text) {
        return read_text(reader, dataset, err);
    }
    struct bd_array *array =
        bd_checkpoint_append(reader->checkpoint, dataset->rank, dataset->shape, bd_xstrdup(dataset->name));
    memcpy(array->data, dataset->bytes, dataset->size);
    return BD_OK;
}

static bd_status check_metadata(const char *text, struct bd_error *err)
{
    json_error_t error;
    json_t *metadata = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    const bool fine = json_is_object(metadata);
    json_decref(metadata);
    return fine ? BD_OK : bd_fail(err, BD_BAD_INPUT, "text '" METADATA_NAME "' is not a JSON object");
}

static bd_status check_values(const struct bd_checkpoint *checkpoint, struct bd_error *err)
{
    int64_t at;
    const struct bd_array *bad = bd_checkpoint_not_finite(checkpoint, &at);
    return bad ? bd_fail(err, BD_BAD_INPUT, "array '%s' holds %g at index %" PRId64, bad->name, (double)bad->data[at],
                         at)
               : BD_OK;
}

static bd_status read_network(struct reader *reader, struct bd_error *err)
{
    struct bd_checkpoint *checkpoint = reader->checkpoint;
    if (!reader->network || !checkpoint->metadata) {
        return bd_fail(err, BD_BAD_INPUT, "text '%s' is missing", reader->network ? METADATA_NAME : NETWORK_NAME);
    }
    bd_status status = check_metadata(checkpoint->metadata, err);
    status = status ? status
                    : bd_graph_parse(&checkpoint->graph, NETWORK_NAME, reader->network, strlen(reader->network), err);
    status = status ? status : check_values(checkpoint, err);
    return status ? status : bd_checkpoint_check(checkpoint, err);
}

bd_status bd_checkpoint_parse(struct bd_checkpoint *checkpoint, const char *path, const uint8_t *bytes, size_t size,
                              struct bd_error *err)
{
    struct reader reader = {.checkpoint = checkpoint};
    bd_checkpoint_init(checkpoint);
    bd_status status = check_block(path, bytes, size, err);
    if (status) {
        return status;
    }
    status = bd_hdf5_read(bytes, size, USER_BLOCK, visit, &reader, err);
    if (!status && read_network(&reader, err)) {
        bd_fail_prefix(err, "offset %d", USER_BLOCK);
        status = bd_fail_at(err, path, 0, 0, USER_BLOCK);
    }
    free(reader.network);
    if (status) {
        bd_checkpoint_release(checkpoint);
        bd_fail_prefix(err, "%s", path);
        status = bd_fail_at(err, path, 0, 0, err->byte);
    }
    return status;
}

bd_status bd_checkpoint_load(struct bd_checkpoint *checkpoint, const char *path, struct bd_error *err)
{
    uint8_t *bytes;
    size_t size;
    bd_checkpoint_init(checkpoint);
    bd_status status = bd_file_read(path, MAX_FILE, &bytes, &size, err);
    if (status) {
        return status;
    }
    status = bd_checkpoint_parse(checkpoint, path, bytes, size, err);
    free(bytes);
    return status;
}
