#include "model/checkpoint/hdf5_reader.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SUPERBLOCK_SIZE 96
#define HEADER_SIZE 16 /* before an object's messages */
#define NODE_SIZE 24   /* before a B-tree node's keys */
#define ENTRY_SIZE 40  /* of a symbol table node */
#define MAX_DEPTH 8    /* of groups in groups */
#define MAX_LEVEL 8    /* of a B-tree */
#define MAX_BLOCKS 16  /* of one object header */
#define MAX_COUNT ((int64_t)1 << 28)
#define UNDEFINED UINT64_MAX

enum message {
    MESSAGE_NIL = 0x0,
    MESSAGE_SPACE = 0x1,
    MESSAGE_LINK_INFO = 0x2,
    MESSAGE_TYPE = 0x3,
    MESSAGE_OLD_FILL = 0x4,
    MESSAGE_FILL = 0x5,
    MESSAGE_LINK = 0x6,
    MESSAGE_EXTERNAL = 0x7,
    MESSAGE_LAYOUT = 0x8,
    MESSAGE_GROUP_INFO = 0xa,
    MESSAGE_FILTERS = 0xb,
    MESSAGE_ATTRIBUTE = 0xc,
    MESSAGE_COMMENT = 0xd,
    MESSAGE_OLD_TIME = 0xe,
    MESSAGE_CONTINUATION = 0x10,
    MESSAGE_GROUP = 0x11,
    MESSAGE_TIME = 0x12,
};

/* H5T_IEEE_F32LE as it stands in a datatype message. */
static const uint8_t float32[] = {0x11, 0x20, 31, 0, 4, 0, 0, 0, 0, 0, 32, 0, 23, 8, 0, 23, 127, 0, 0, 0};

struct reader {
    const uint8_t *bytes; /* of the HDF5 file: addresses count from here */
    uint64_t size, base;
    /* What the walk may still meet. In a sound file every message, link and node takes 8 bytes or more of its own, and
     * every array its own bytes: a file that says more than it holds says some of it twice. */
    uint64_t steps, data;
    bd_hdf5_visit *visit;
    void *context;
    struct bd_error *err;
    char name[BD_HDF5_NAME_SIZE]; /* of the object that is read; "" for the root */
};

/* What an object's messages tell. */
struct object {
    uint64_t address;
    bool has_space, has_type, has_layout, has_group;
    bool text;
    int rank;
    int64_t shape[4], count;
    uint64_t text_size;
    uint64_t data, data_size; /* of a dataset */
    uint64_t tree, heap;      /* of a group */
};

struct message_bytes {
    const uint8_t *bytes;
    uint64_t size, address;
    int type;
    bool shared;
};

static uint64_t get_le(const uint8_t *from, int bytes)
{
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++) {
        value |= (uint64_t)from[i] << (8 * i);
    }
    return value;
}

/* The bytes at an address, or NULL where they are not all in the file. */
static const uint8_t *bytes_at(const struct reader *reader, uint64_t address, uint64_t length)
{
    return address <= reader->size && length <= reader->size - address ? reader->bytes + address : NULL;
}

static bd_status damaged(const struct reader *reader, uint64_t address, const char *what)
{
    const uint64_t offset = reader->base + (address < reader->size ? address : 0);
    if (reader->name[0]) {
        bd_fail(reader->err, BD_BAD_INPUT, "offset %" PRIu64 ": object '%s' %s", offset, reader->name, what);
    } else {
        bd_fail(reader->err, BD_BAD_INPUT, "offset %" PRIu64 ": the HDF5 file %s", offset, what);
    }
    return bd_fail_at(reader->err, "", 0, 0, (int64_t)offset); /* the caller knows the file */
}

static bd_status take_step(struct reader *reader, uint64_t address)
{
    if (!reader->steps) {
        return damaged(reader, address, "has a structure that does not fit into the file");
    }
    reader->steps--;
    return BD_OK;
}

/* ---- an object's messages ----------------------------------------------------------------------------------- */

static bd_status read_space(const struct reader *reader, const struct message_bytes *message, struct object *object)
{
    const uint8_t *bytes = message->bytes;
    if (message->size < 8 || bytes[0] != 1 || bytes[1] > 4 || message->size < 8 + 8 * (uint64_t)bytes[1]) {
        return damaged(reader, message->address, "has no shape of 0 to 4 sizes");
    }
    object->rank = bytes[1];
    object->count = 1;
    for (int i = 0; i < object->rank; i++) {
        const uint64_t extent = get_le(bytes + 8 + 8 * i, 8);
        if (extent < 1 || extent > (uint64_t)(MAX_COUNT / object->count)) {
            return damaged(reader, message->address, "has a size of zero, or one too large");
        }
        object->shape[i] = (int64_t)extent;
        object->count *= object->shape[i];
    }
    return BD_OK;
}

static bd_status read_type(const struct reader *reader, const struct message_bytes *message, struct object *object)
{
    const uint8_t *bytes = message->bytes;
    if (message->size >= sizeof float32 && !memcmp(bytes, float32, sizeof float32)) {
        return BD_OK;
    }
    /* Version 1, class text; ended or filled up by zero bytes (not by blanks), in ASCII or UTF-8. */
    object->text = message->size >= 8 && bytes[0] == 0x13 && (bytes[1] & 0xf) <= 1 && bytes[1] >> 4 <= 1;
    object->text_size = object->text ? get_le(bytes + 4, 4) : 0;
    return object->text ? BD_OK
                        : damaged(reader, message->address, "is neither little-endian float32 nor fixed-size text");
}

static bd_status read_layout(const struct reader *reader, const struct message_bytes *message, struct object *object)
{
    const uint8_t *bytes = message->bytes;
    if (message->size < 18 || bytes[0] != 3 || bytes[1] != 1) {
        return damaged(reader, message->address, "is not stored contiguously");
    }
    object->data = get_le(bytes + 2, 8);
    object->data_size = get_le(bytes + 10, 8);
    return BD_OK;
}

static bd_status read_group(const struct reader *reader, const struct message_bytes *message, struct object *object)
{
    if (message->size < 16) {
        return damaged(reader, message->address, "is a group without its table");
    }
    object->tree = get_le(message->bytes, 8);
    object->heap = get_le(message->bytes + 8, 8);
    return BD_OK;
}

/* Notes that an object has a message, which it may have once, and not in common with other objects. */
static bd_status note(const struct reader *reader, const struct message_bytes *message, bool *seen)
{
    if (message->shared || *seen) {
        return damaged(reader, message->address, "has a shared or repeated header message");
    }
    *seen = true;
    return BD_OK;
}

static bd_status read_message(const struct reader *reader, const struct message_bytes *message, struct object *object)
{
    bd_status status;
    switch (message->type) {
    case MESSAGE_NIL:
    case MESSAGE_OLD_FILL:
    case MESSAGE_FILL:
    case MESSAGE_ATTRIBUTE:
    case MESSAGE_COMMENT:
    case MESSAGE_OLD_TIME:
    case MESSAGE_TIME:
        return BD_OK;
    case MESSAGE_SPACE:
        status = note(reader, message, &object->has_space);
        return status ? status : read_space(reader, message, object);
    case MESSAGE_TYPE:
        status = note(reader, message, &object->has_type);
        return status ? status : read_type(reader, message, object);
    case MESSAGE_LAYOUT:
        status = note(reader, message, &object->has_layout);
        return status ? status : read_layout(reader, message, object);
    case MESSAGE_GROUP:
        status = note(reader, message, &object->has_group);
        return status ? status : read_group(reader, message, object);
    case MESSAGE_EXTERNAL:
        return damaged(reader, message->address, "keeps its values in another file");
    case MESSAGE_FILTERS:
        return damaged(reader, message->address, "is compressed or otherwise filtered");
    case MESSAGE_LINK_INFO:
    case MESSAGE_LINK:
    case MESSAGE_GROUP_INFO:
        return damaged(reader, message->address, "is a group of a newer format of HDF5 than checkpoints have");
    default:
        return damaged(reader, message->address, "has a header message that no checkpoint has");
    }
}

struct block {
    uint64_t address, length;
};

/* The messages of one block of a header; blocks that go on elsewhere are added to `blocks`. */
static bd_status read_block(struct reader *reader, struct block block, struct object *object, struct block *blocks,
                            int *block_count, int *left)
{
    const uint8_t *bytes = bytes_at(reader, block.address, block.length);
    if (!bytes) {
        return damaged(reader, block.address, "has a header that runs over the file's end");
    }
    for (uint64_t at = 0; *left && block.length - at >= 8; (*left)--) {
        struct message_bytes message = {.bytes = bytes + at + 8,
                                        .size = get_le(bytes + at + 2, 2),
                                        .address = block.address + at,
                                        .type = (int)get_le(bytes + at, 2),
                                        .shared = bytes[at + 4] & 2};
        if (message.size > block.length - at - 8) {
            return damaged(reader, message.address, "has a header message that runs over its block");
        }
        bd_status status = take_step(reader, message.address);
        if (!status && message.type == MESSAGE_CONTINUATION) {
            if (message.size < 16 || *block_count == MAX_BLOCKS) {
                return damaged(reader, message.address, "has a header in too many blocks");
            }
            blocks[(*block_count)++] = (struct block){get_le(message.bytes, 8), get_le(message.bytes + 8, 8)};
        } else if (!status) {
            status = read_message(reader, &message, object);
        }
        if (status) {
            return status;
        }
        at += 8 + message.size;
    }
    return BD_OK;
}

static bd_status read_header(struct reader *reader, uint64_t address, struct object *object)
{
    struct block blocks[MAX_BLOCKS];
    int block_count = 1;
    const uint8_t *bytes = bytes_at(reader, address, HEADER_SIZE);
    *object = (struct object){.address = address};
    if (!bytes || bytes[0] != 1) {
        return damaged(reader, address, "has no object header of version 1");
    }
    int left = (int)get_le(bytes + 2, 2);
    blocks[0] = (struct block){address + HEADER_SIZE, get_le(bytes + 8, 4)};
    for (int i = 0; i < block_count; i++) {
        if (read_block(reader, blocks[i], object, blocks, &block_count, &left)) {
            return reader->err->status;
        }
    }
    return left ? damaged(reader, address, "has fewer header messages than it tells") : BD_OK;
}

/* ---- datasets ----------------------------------------------------------------------------------------------- */

static bd_status visit_dataset(struct reader *reader, const struct object *object)
{
    struct bd_hdf5_dataset dataset = {.name = reader->name, .text = object->text, .rank = object->rank};
    if (object->has_group || !object->has_space || !object->has_type || !object->has_layout) {
        return damaged(reader, object->address, "is neither a group nor an array");
    }
    if (object->text ? object->rank != 0 : object->rank == 0) {
        return damaged(reader, object->address, "is neither one text nor an array of 1 to 4 sizes of float32");
    }
    dataset.size = object->text ? object->text_size : (uint64_t)object->count * 4;
    if (object->data_size != dataset.size) {
        return damaged(reader, object->address, "holds another number of bytes than its shape tells");
    }
    dataset.bytes = bytes_at(reader, object->data, dataset.size);
    if (!dataset.bytes || dataset.size > reader->data) {
        return damaged(reader, object->address, "has more values than the file holds");
    }
    reader->data -= dataset.size;
    memcpy(dataset.shape, object->shape, sizeof dataset.shape);
    return reader->visit(reader->context, &dataset, reader->err);
}

/* ---- groups ------------------------------------------------------------------------------------------------- */

/* The group that is read, the length of its name in reader->name, and the last name that was met in it. */
struct group {
    const uint8_t *names; /* of its links */
    uint64_t name_size;
    int depth;
    size_t length;
    const char *last;
};

static bd_status read_object(struct reader *reader, uint64_t address, int depth);

/* Puts the full name of a link into reader->name: printable, without '/', and above the one before it. */
static bd_status read_name(struct reader *reader, struct group *group, uint64_t at, uint64_t address)
{
    const char *name = (const char *)group->names + (at < group->name_size ? at : 0);
    const uint64_t room = BD_HDF5_NAME_SIZE - group->length - 1; /* for a '/', the name and its zero byte */
    const uint64_t rest = at < group->name_size ? group->name_size - at : 0;
    const char *end = memchr(name, 0, rest < room ? rest : room);
    reader->name[group->length] = 0;
    if (!end || end == name) {
        return damaged(reader, address, "holds a link whose name is empty, too long or outside the table of names");
    }
    for (const char *c = name; c < end; c++) {
        if (*c <= ' ' || *c > '~' || *c == '/') {
            return damaged(reader, address, "holds a link whose name is not printable ASCII");
        }
    }
    if (group->last && strcmp(group->last, name) >= 0) {
        return damaged(reader, address, "holds links that are not in the order of their names");
    }
    group->last = name;
    snprintf(reader->name + group->length, BD_HDF5_NAME_SIZE - group->length, "%s%s", group->length ? "/" : "", name);
    return BD_OK;
}

/* A symbol table node: links of a group. */
static bd_status read_links(struct reader *reader, struct group *group, uint64_t address)
{
    const uint8_t *bytes = bytes_at(reader, address, 8);
    const uint64_t count = bytes ? get_le(bytes + 6, 2) : 0;
    if (!bytes || memcmp(bytes, "SNOD\1", 5) || !bytes_at(reader, address, 8 + count * ENTRY_SIZE)) {
        return damaged(reader, address, "has a broken table of links");
    }
    for (uint64_t i = 0; i < count; i++) {
        const uint8_t *entry = bytes + 8 + i * ENTRY_SIZE;
        bd_status status = take_step(reader, address);
        status = status ? status : read_name(reader, group, get_le(entry, 8), address);
        if (!status && get_le(entry + 16, 4) > 1) { /* a cached object header is 1, a soft link 2 */
            status = damaged(reader, address + 8 + i * ENTRY_SIZE, "is a link to another name");
        }
        status = status ? status : read_object(reader, get_le(entry + 8, 8), group->depth + 1);
        reader->name[group->length] = 0;
        if (status) {
            return status;
        }
    }
    return BD_OK;
}

/* A node of the B-tree; `level`: what the node above demands, or -1 for any. */
static bd_status read_tree(struct reader *reader, struct group *group, uint64_t address, int level)
{
    const uint8_t *bytes = bytes_at(reader, address, NODE_SIZE);
    const uint64_t count = bytes ? get_le(bytes + 6, 2) : 0;
    if (!bytes || memcmp(bytes, "TREE\0", 5) || (level < 0 ? bytes[5] > MAX_LEVEL : bytes[5] != level) ||
        !bytes_at(reader, address, NODE_SIZE + 16 * count + 8)) {
        return damaged(reader, address, "has a broken tree of links");
    }
    bd_status status = take_step(reader, address);
    for (uint64_t i = 0; i < count && !status; i++) {
        const uint64_t child = get_le(bytes + NODE_SIZE + 16 * i + 8, 8); /* keys stand between */
        status = bytes[5] ? read_tree(reader, group, child, bytes[5] - 1) : read_links(reader, group, child);
    }
    return status;
}

static bd_status read_links_of(struct reader *reader, const struct object *object, int depth)
{
    struct group group = {.depth = depth, .length = strlen(reader->name)};
    const uint8_t *heap = bytes_at(reader, object->heap, 32);
    if (depth > MAX_DEPTH) {
        return damaged(reader, object->address, "lies too deep in groups");
    }
    if (!heap || memcmp(heap, "HEAP\0", 5)) {
        return damaged(reader, object->heap, "has no table of names");
    }
    group.name_size = get_le(heap + 8, 8);
    group.names = bytes_at(reader, get_le(heap + 24, 8), group.name_size);
    if (!group.names) {
        return damaged(reader, object->heap, "has a table of names that runs over the file's end");
    }
    return read_tree(reader, &group, object->tree, -1);
}

static bd_status read_object(struct reader *reader, uint64_t address, int depth)
{
    struct object object;
    if (read_header(reader, address, &object)) {
        return reader->err->status;
    }
    const bool group = object.has_group && !object.has_space && !object.has_type && !object.has_layout;
    return group ? read_links_of(reader, &object, depth) : visit_dataset(reader, &object);
}

bd_status bd_hdf5_read(const uint8_t *bytes, size_t size, size_t base, bd_hdf5_visit *visit, void *context,
                       struct bd_error *err)
{
    struct reader reader = {.bytes = bytes + base,
                            .size = size - base,
                            .base = base,
                            .steps = (size - base) / 8,
                            .data = size - base,
                            .visit = visit,
                            .context = context,
                            .err = err};
    static const uint8_t signature[] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
    const uint8_t *block = bytes_at(&reader, 0, SUPERBLOCK_SIZE);
    if (!block || memcmp(block, signature, sizeof signature)) {
        return bd_fail(err, BD_BAD_INPUT, "offset %zu: not an HDF5 file", base);
    }
    if (block[8] != 0 || block[9] != 0 || block[10] != 0 || block[12] != 0 || block[13] != 8 || block[14] != 8) {
        return damaged(&reader, 8, "is not of the earliest format (superblock version 0, offsets of 8 bytes)");
    }
    if (get_le(block + 24, 8) != base || get_le(block + 48, 8) != UNDEFINED) {
        return damaged(&reader, 24, "does not begin where its superblock tells, or is one of several");
    }
    return read_object(&reader, get_le(block + 64, 8), 0);
}
