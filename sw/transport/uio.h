/* An accelerator in this machine's own chip as a platform, by Linux user I/O: registers are mapped from /dev/uioN, its
 * interrupt is read from there, and its memory is a reserved region (the second map of that device) or a u-dma-buf. An
 * access that the bus answers with an error, of which the kernel makes SIGBUS, fails with BD_INFRA: for that, the first
 * device that is opened takes SIGBUS over for the program, and passes on those of others. */
#ifndef BD_TRANSPORT_UIO_H
#define BD_TRANSPORT_UIO_H

#include "sw/transport/platform.h"

struct bd_uio_options {
    const char *path;   /* /dev/uioN */
    const char *memory; /* /dev/udmabufN; NULL or "": the second map, else /dev/udmabuf0 */
    const char *sysfs;  /* where the kernel tells sizes and addresses; NULL: /sys */
};

/* BD_INFRA, with what is likely to be missing, where it cannot be opened or mapped; BD_BAD_INPUT for a path that names
 * no uio device. */
bd_status bd_uio_open(struct bd_platform *platform, const struct bd_uio_options *options, struct bd_error *err)
    BD_WARN_UNUSED;

/* The same on descriptors that are open, which it takes; two may be equal. */
struct bd_uio_files {
    const char *name; /* for messages */
    int registers;    /* the window is mapped from its beginning */
    int interrupt;    /* 4 bytes written: the interrupt may come; 4 bytes to be read: it came */
    int memory;
    uint64_t memory_offset;             /* in that descriptor, a multiple of the page size */
    uint64_t memory_base, memory_bytes; /* as the device's bus master sees it */
};
bd_status bd_uio_open_files(struct bd_platform *platform, const struct bd_uio_files *files, struct bd_error *err)
    BD_WARN_UNUSED;

#endif
