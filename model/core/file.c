#include "model/core/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "model/core/memory.h"

/* ---- reading ---- */

static const char *kind_of(mode_t mode)
{
    return S_ISDIR(mode)    ? "a folder"
           : S_ISFIFO(mode) ? "a pipe"
           : S_ISSOCK(mode) ? "a socket"
           : S_ISCHR(mode)  ? "a character device"
           : S_ISBLK(mode)  ? "a block device"
                            : "of an unknown kind";
}

bd_status bd_file_check_regular(const char *path, const struct stat *info, struct bd_error *err)
{
    return S_ISREG(info->st_mode)
               ? BD_OK
               : bd_fail(err, BD_BAD_INPUT, "'%s' is %s, not a regular file", path, kind_of(info->st_mode));
}

/* Looked at before it is opened, since opening alone may wake a pipe's writer or act on a device; and again after,
 * since another file may have taken its place. O_NONBLOCK: an open of a pipe does not wait for its writer. */
static bd_status open_regular(const char *path, int *fd, struct stat *info, struct bd_error *err)
{
    *fd = -1;
    if (stat(path, info) == 0 && bd_file_check_regular(path, info, err)) {
        return err->status;
    }
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (*fd < 0) {
        return bd_fail(err, BD_BAD_INPUT, "cannot open '%s': %s", path, strerror(errno));
    }
    bd_status status = fstat(*fd, info) == 0 ? bd_file_check_regular(path, info, err)
                                             : bd_fail(err, BD_INFRA, "cannot read '%s': %s", path, strerror(errno));
    if (status) {
        close(*fd);
        *fd = -1;
    }
    return status;
}

/* Reads to the end of `fd` whatever stat says: the file may grow, and files of /proc tell no size. */
static bd_status read_all(int fd, const char *path, size_t limit, size_t room, uint8_t **data, size_t *size,
                          struct bd_error *err)
{
    uint8_t *bytes = bd_xmalloc(room + 1);
    size_t used = 0;
    for (;;) {
        if (used == room) {
            room = room * 2 > limit ? limit + 1 : room * 2;
            bytes = bd_xrealloc(bytes, room + 1, 1);
        }
        ssize_t got = read(fd, bytes + used, room - used);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            int error = errno;
            free(bytes);
            return bd_fail(err, error == EISDIR ? BD_BAD_INPUT : BD_INFRA, "cannot read '%s': %s", path,
                           strerror(error));
        }
        if (got == 0) {
            break;
        }
        used += got;
        if (used > limit) {
            free(bytes);
            return bd_fail(err, BD_BAD_INPUT, "'%s' is over the limit of %zu bytes", path, limit);
        }
    }
    bytes[used] = 0;
    *data = bytes;
    *size = used;
    return BD_OK;
}

bd_status bd_file_read(const char *path, size_t limit, uint8_t **data, size_t *size, struct bd_error *err)
{
    *data = NULL;
    *size = 0;
    if (limit > PTRDIFF_MAX / 4) {
        limit = PTRDIFF_MAX / 4;
    }
    int fd;
    struct stat info;
    if (open_regular(path, &fd, &info, err)) {
        return err->status;
    }
    const size_t room = (size_t)info.st_size < limit ? (size_t)info.st_size + 1 : limit + 1;
    bd_status status = read_all(fd, path, limit, room, data, size, err);
    close(fd);
    return status;
}

bool bd_file_begins(const char *path, const void *bytes, size_t size)
{
    struct bd_error ignored;
    struct stat info;
    uint8_t start[16];
    int fd;
    if (size > sizeof start || open_regular(path, &fd, &info, &ignored)) {
        return false;
    }
    const bool same = read(fd, start, size) == (ssize_t)size && memcmp(start, bytes, size) == 0;
    close(fd);
    return same;
}

bd_status bd_make_folder(const char *path, struct bd_error *err)
{
    char *copy = bd_xstrdup(path);
    size_t length = strlen(copy);
    bd_status status = BD_OK;
    for (size_t i = 1; i <= length && status == BD_OK; i++) {
        if (copy[i] != '/' && copy[i] != '\0') {
            continue;
        }
        char kept = copy[i];
        copy[i] = '\0';
        struct stat info;
        if (mkdir(copy, 0777) != 0 && (errno != EEXIST || stat(copy, &info) != 0 || !S_ISDIR(info.st_mode))) {
            status = bd_fail(err, BD_INFRA, "cannot make folder '%s': %s", path,
                             errno == EEXIST ? "a file is in the way" : strerror(errno));
        }
        copy[i] = kept;
    }
    free(copy);
    return status;
}

bd_status bd_make_parent(const char *path, struct bd_error *err)
{
    const char *slash = strrchr(path, '/');
    if (!slash || slash == path) {
        return BD_OK;
    }
    char *folder = bd_xstrndup(path, slash - path);
    bd_status status = bd_make_folder(folder, err);
    free(folder);
    return status;
}

uint32_t bd_crc32(const void *data, size_t size)
{
    return crc32_z(0, data, size);
}

bd_status bd_npy_write(const char *path, enum bd_npy_type type, int rank, const int64_t *shape, const void *data,
                       struct bd_error *err)
{
    static const struct {
        const char *descr;
        size_t size;
    } types[] = {{"|u1", 1}, {"|i1", 1}, {"<i2", 2}, {"<i4", 4}, {"<i8", 8}, {"<f4", 4}, {"<f8", 8}};

    if (rank < 1 || rank > 8) {
        return bd_fail(err, BD_BAD_INPUT, "'%s': an array has 1 to 8 dimensions, got %d", path, rank);
    }
    size_t bytes = types[type].size;
    char dimensions[8 * 22 + 1];
    int used = 0;
    for (int i = 0; i < rank; i++) {
        if (shape[i] < 0 || __builtin_mul_overflow(bytes, (size_t)shape[i], &bytes)) {
            return bd_fail(err, BD_BAD_INPUT, "'%s': dimension %d is %" PRId64, path, i, shape[i]);
        }
        used += snprintf(dimensions + used, sizeof dimensions - used, "%s%" PRId64 "%s", i ? " " : "", shape[i],
                         i + 1 < rank || rank == 1 ? "," : "");
    }
    char header[512];
    int length = snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }",
                          types[type].descr, dimensions);
    /* Magic, version, length and header end with a newline on a multiple of 64 bytes. */
    size_t total = (10 + length + 1 + 63) / 64 * 64;
    uint8_t *out = bd_xmalloc(total + bytes);
    size_t header_size = total - 10;
    memcpy(out, "\x93NUMPY\x01\x00", 8);
    out[8] = header_size & 0xff;
    out[9] = header_size >> 8;
    memset(out + 10, ' ', header_size);
    memcpy(out + 10, header, length);
    out[total - 1] = '\n';
    if (bytes > 0) {
        memcpy(out + total, data, bytes);
    }
    bd_status status = bd_file_write(path, out, total + bytes, err);
    free(out);
    return status;
}
