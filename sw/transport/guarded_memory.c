#include "sw/transport/guarded_memory.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"

void bd_guarded_memory_init(struct bd_guarded_memory *memory, uint64_t base, uint64_t size)
{
    *memory = (struct bd_guarded_memory){.base = base, .size = size, .bytes = bd_xcalloc(1, size)};
}

void bd_guarded_memory_release(struct bd_guarded_memory *memory)
{
    free(memory->bytes);
    *memory = (struct bd_guarded_memory){0};
}

uint8_t *bd_guarded_memory_at(const struct bd_guarded_memory *memory, uint64_t address, uint64_t size)
{
    uint64_t offset = address - memory->base;
    return address >= memory->base && offset <= memory->size && size <= memory->size - offset ? memory->bytes + offset
                                                                                              : NULL;
}

static bool overlaps(const struct bd_region *region, uint64_t address, uint64_t size)
{
    return size > 0 && region->size > 0 && address < region->address + region->size && region->address < address + size;
}

bool bd_guarded_memory_refuses(struct bd_guarded_memory *memory, uint64_t address, uint64_t size)
{
    if (!memory->sealed || !overlaps(&memory->regions[BD_WRITE_PROGRAM], address, size)) {
        return false;
    }
    if (memory->violations++ == 0) {
        memory->violation_address = address;
    }
    return true;
}

void bd_guarded_memory_count(struct bd_guarded_memory *memory, enum bd_write_class kind, uint64_t bytes)
{
    memory->written[kind] += bytes;
}

static enum bd_write_class class_of(const struct bd_guarded_memory *memory, uint64_t address)
{
    for (int class = 0; class < BD_WRITE_CLASSES; class ++) {
        if (overlaps(&memory->regions[class], address, 1)) {
            return class;
        }
    }
    return BD_WRITE_OTHER;
}

enum bd_access bd_guarded_memory_host_write(struct bd_guarded_memory *memory, uint64_t address, const void *data,
                                            uint64_t size)
{
    uint8_t *to = bd_guarded_memory_at(memory, address, size);
    if (!to) {
        return BD_ACCESS_OUTSIDE;
    }
    if (bd_guarded_memory_refuses(memory, address, size)) {
        return BD_ACCESS_SEALED;
    }
    memcpy(to, data, size);
    bd_guarded_memory_count(memory, class_of(memory, address), size);
    return BD_ACCESS_OK;
}

enum bd_access bd_guarded_memory_host_read(const struct bd_guarded_memory *memory, uint64_t address, void *data,
                                           uint64_t size)
{
    const uint8_t *from = bd_guarded_memory_at(memory, address, size);
    if (!from) {
        return BD_ACCESS_OUTSIDE;
    }
    memcpy(data, from, size);
    return BD_ACCESS_OK;
}

bd_status bd_guarded_memory_declare(struct bd_guarded_memory *memory, enum bd_write_class kind, uint64_t address,
                                    uint64_t size, struct bd_error *err)
{
    if (kind >= BD_WRITE_CLASSES) {
        return bd_fail(err, BD_BAD_INPUT, "no class of writes has number %d", (int)kind);
    }
    if (!bd_guarded_memory_at(memory, address, size)) {
        return bd_access_status(BD_ACCESS_OUTSIDE, "region", address, size, err);
    }
    memory->regions[kind] = (struct bd_region){.address = address, .size = size};
    return BD_OK;
}

bd_status bd_guarded_memory_flip(struct bd_guarded_memory *memory, uint64_t address, uint64_t bit, struct bd_error *err)
{
    uint8_t *at = bd_guarded_memory_at(memory, address, 1);
    if (!at || bit > 7) {
        return bd_fail(err, BD_BAD_INPUT, "no bit %" PRIu64 " at 0x%" PRIx64, bit, address);
    }
    *at ^= (uint8_t)(1u << bit);
    return BD_OK;
}

bd_status bd_access_status(enum bd_access access, const char *what, uint64_t address, uint64_t size,
                           struct bd_error *err)
{
    switch (access) {
    case BD_ACCESS_SEALED:
        return bd_fail(err, BD_FAIL, "%s of %" PRIu64 " bytes at 0x%" PRIx64 " touches the sealed program", what, size,
                       address);
    case BD_ACCESS_OUTSIDE:
        return bd_fail(err, BD_BAD_INPUT, "%s of %" PRIu64 " bytes at 0x%" PRIx64 " is outside memory", what, size,
                       address);
    default:
        return BD_OK;
    }
}
