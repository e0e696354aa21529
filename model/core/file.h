/* Whole-file reads, writes under the rule of output.h, CRC-32,
 * and .npy output. */
#ifndef BD_CORE_FILE_H
#define BD_CORE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "model/core/error.h"

/* Reads all of `path` into *data (malloc'd, the caller frees; one extra zero byte follows). A file over
 * `limit` bytes is BD_BAD_INPUT; a missing one too, and what is no regular file (a pipe, a device, a folder, a socket),
 * which is refused without being opened: nothing waits for a writer. */
bd_status bd_file_read(const char *path, size_t limit, uint8_t **data, size_t *size, struct bd_error *err)
    BD_WARN_UNUSED;

/* Whether a regular file begins with these bytes (at most 16); false where it cannot be read. */
bool bd_file_begins(const char *path, const void *bytes, size_t size);
/* BD_BAD_INPUT, with the kind of file in the message, when `info` is not that of a regular file. */
bd_status bd_file_check_regular(const char *path, const struct stat *info, struct bd_error *err) BD_WARN_UNUSED;

/* Writes as output.h says: after any failure or kill a file holds either its old bytes or all of the new ones. */
bd_status bd_file_write(const char *path, const void *data, size_t size, struct bd_error *err) BD_WARN_UNUSED;

/* mkdir -p. */
bd_status bd_make_folder(const char *path, struct bd_error *err) BD_WARN_UNUSED;
/* The same for the folder that `path` lies in. */
bd_status bd_make_parent(const char *path, struct bd_error *err) BD_WARN_UNUSED;

/* CRC-32 of zlib (polynomial 0xEDB88320). */
uint32_t bd_crc32(const void *data, size_t size);

enum bd_npy_type { BD_NPY_U8, BD_NPY_I8, BD_NPY_I16, BD_NPY_I32, BD_NPY_I64, BD_NPY_F32, BD_NPY_F64 };

/* Writes a C-contiguous little-endian array of `rank` (1..8) dimensions as NumPy .npy format 1.0, atomically. */
bd_status bd_npy_write(const char *path, enum bd_npy_type type, int rank, const int64_t *shape, const void *data,
                       struct bd_error *err) BD_WARN_UNUSED;

#endif
