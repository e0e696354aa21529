/* Device memory as a plain byte array that counts what the host writes, by class, and refuses writes into a sealed
 * program. Used by the in-process device and by the SystemC platform's memory target. */
#ifndef BD_TRANSPORT_GUARDED_MEMORY_H
#define BD_TRANSPORT_GUARDED_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/core/error.h"

/* Where the host's bytes go. Memory outside every declared region is `other`; register writes are counted by the
 * platform with bd_guarded_memory_count. */
enum bd_write_class { BD_WRITE_PROGRAM, BD_WRITE_IMAGE, BD_WRITE_REGISTERS, BD_WRITE_OTHER, BD_WRITE_CLASSES };

struct bd_region {
    uint64_t address, size;
};

struct bd_guarded_memory {
    uint8_t *bytes; /* owned */
    uint64_t base, size;
    struct bd_region regions[BD_WRITE_CLASSES]; /* one a class; empty where not declared */
    bool sealed;
    uint64_t written[BD_WRITE_CLASSES]; /* bytes by the host */
    uint64_t violations;                /* writes into the sealed program that were refused */
    uint64_t violation_address;         /* of the first one */
};

void bd_guarded_memory_init(struct bd_guarded_memory *memory, uint64_t base, uint64_t size); /* zeroed bytes */
void bd_guarded_memory_release(struct bd_guarded_memory *memory);

/* Declares where a class lies, in place of where it lay. */
bd_status bd_guarded_memory_declare(struct bd_guarded_memory *memory, enum bd_write_class kind, uint64_t address,
                                    uint64_t size, struct bd_error *err) BD_WARN_UNUSED;

/* Plants a fault: flips one bit, behind the guard and uncounted. */
bd_status bd_guarded_memory_flip(struct bd_guarded_memory *memory, uint64_t address, uint64_t bit, struct bd_error *err)
    BD_WARN_UNUSED;

/* The bytes at an address, or NULL where [address, address + size) is not all inside. */
uint8_t *bd_guarded_memory_at(const struct bd_guarded_memory *memory, uint64_t address, uint64_t size);

/* Whether a write may not happen: it would touch the sealed program. Notes the violation. */
bool bd_guarded_memory_refuses(struct bd_guarded_memory *memory, uint64_t address, uint64_t size);

void bd_guarded_memory_count(struct bd_guarded_memory *memory, enum bd_write_class kind, uint64_t bytes);

enum bd_access { BD_ACCESS_OK, BD_ACCESS_OUTSIDE, BD_ACCESS_SEALED };

/* The host's accesses: a write is counted by the class of its first byte. Refused ones change nothing. */
enum bd_access bd_guarded_memory_host_write(struct bd_guarded_memory *memory, uint64_t address, const void *data,
                                            uint64_t size);
enum bd_access bd_guarded_memory_host_read(const struct bd_guarded_memory *memory, uint64_t address, void *data,
                                           uint64_t size);

/* An access that went wrong in words: BD_BAD_INPUT outside, BD_FAIL into the sealed program. */
bd_status bd_access_status(enum bd_access access, const char *what, uint64_t address, uint64_t size,
                           struct bd_error *err) BD_WARN_UNUSED;

#endif
