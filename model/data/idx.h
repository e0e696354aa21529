/* IDX files in gzip, as Yann LeCun's MNIST page defines them: big-endian magic 0x00 0x00 TYPE RANK, RANK 32-bit
 * dimensions, then the elements. TYPE 0x08 (unsigned byte) is the only one read here. */
#ifndef BD_DATA_IDX_H
#define BD_DATA_IDX_H

#include <stddef.h>
#include <stdint.h>

#include "model/core/error.h"

#define BD_IDX_MAX_BYTES (256u << 20) /* limit on the elements of one file */

struct bd_idx {
    int rank; /* 1..4 */
    uint32_t shape[4];
    size_t count;  /* product of shape, 1..BD_IDX_MAX_BYTES */
    uint8_t *data; /* (count), owned: free() */
};

/* Reads `path` and demands the rank and, where shape[i] != 0, the dimension. Refused as BD_BAD_INPUT with
 * "path: offset N: ..." (N counts uncompressed bytes): a file that is not whole gzip, a wrong magic, type, rank or
 * dimension, missing or extra bytes. On failure nothing is held. */
bd_status bd_idx_load(struct bd_idx *idx, const char *path, int rank, const uint32_t *shape, struct bd_error *err)
    BD_WARN_UNUSED;

#endif
