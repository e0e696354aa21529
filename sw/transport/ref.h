/* The `ref` device: device model and memory in this process. */
#ifndef BD_TRANSPORT_REF_H
#define BD_TRANSPORT_REF_H

#include "sw/transport/platform.h"

#define BD_PLATFORM_MEMORY_BASE 0x100000000u /* above 4 GiB, so that the upper address halves matter */
#define BD_PLATFORM_MEMORY_BYTES (64u << 20)

/* `hardware` is copied, its strings stay the caller's and must outlive the platform. */
void bd_ref_open(struct bd_platform *platform, const struct bd_hardware *hardware);
/* The same with another size of memory. */
void bd_ref_open_sized(struct bd_platform *platform, const struct bd_hardware *hardware, uint64_t memory_bytes);

#endif
