/* Reads the part of HDF5 in which checkpoints are written, and nothing else, from a file's bytes in memory.
 *
 * The HDF5 library trusts what it reads: it opens other files that a file names, runs filters, and can crash or take
 * memory without end on a damaged header. So a file from outside never reaches it; it only writes. This reader knows
 * the earliest file format (HDF5 File Format Specification 3.0: superblock 0, groups as B-trees of version 1, object
 * headers of version 1), checks every offset and length against the file before it follows it, calls nothing, takes no
 * memory, and ends in time linear in the file's size whatever the bytes are.
 *
 * Accepted: groups, hard links, scalars of fixed-size text, and arrays of 1 to 4 sizes of little-endian float32, stored
 * contiguously in this file. Refused by name: links to elsewhere, data in other files, chunks, filters, compact and
 * virtual storage, shared and other types, names that are not printable ASCII, and groups of the newer formats (h5py:
 * libver='latest'). Attributes, comments and times are skipped. */
#ifndef BD_CHECKPOINT_HDF5_READER_H
#define BD_CHECKPOINT_HDF5_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/core/error.h"

#define BD_HDF5_NAME_SIZE 256 /* of a full name, "group/name", its zero byte included */

struct bd_hdf5_dataset {
    const char *name; /* without a leading '/'; valid during the visit */
    bool text;        /* bytes of a text that ends at its first zero byte or at `size`; else float32 */
    int rank;         /* 0 for text, else 1..4 */
    int64_t shape[4]; /* each at least 1 */
    size_t size;      /* bytes; of all datasets of a file together at most the file's size */
    const uint8_t *bytes;
};

/* Ends the walk with its status when that is not BD_OK. */
typedef bd_status bd_hdf5_visit(void *context, const struct bd_hdf5_dataset *dataset, struct bd_error *err);

/* Visits every dataset of the HDF5 file that begins `base` bytes into the `size` bytes, in the order of names, no name
 * twice. BD_BAD_INPUT begins with "offset N: " of the place in `bytes`. */
bd_status bd_hdf5_read(const uint8_t *bytes, size_t size, size_t base, bd_hdf5_visit *visit, void *context,
                       struct bd_error *err) BD_WARN_UNUSED;

#endif
