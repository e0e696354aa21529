#include "model/core/output.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "model/core/file.h"
#include "model/core/memory.h"

#define MOST_LINKS 40
#define HEAD 4096         /* bytes that tell a text */
#define READER_SECONDS 10 /* to wait for a pipe to be opened for reading, */
#define TAKEN_SECONDS 60  /* and for it to take bytes */

/* ---- names ---- */

static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash) {
        return bd_xstrdup(".");
    }
    return slash == path ? bd_xstrdup("/") : bd_xstrndup(path, slash - path);
}

/* The descriptor that a name such as /dev/stdout's target stands for, or -1. */
static int descriptor_of(const char *path)
{
    char own[64];
    snprintf(own, sizeof own, "/proc/%ld/fd/", (long)getpid());
    const char *const folders[] = {"/dev/fd/", "/proc/self/fd/", own};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        size_t length = strlen(folders[i]);
        char *end;
        if (!strncmp(path, folders[i], length) && path[length] >= '0' && path[length] <= '9') {
            long fd = strtol(path + length, &end, 10);
            return *end || fd > INT_MAX ? -1 : (int)fd;
        }
    }
    return -1;
}

/* Follows the links of the last component; *fd: an open descriptor that they end in, or -1. malloc'd; NULL with errno
 * where they go round in a circle. */
static char *follow(const char *path, int *fd)
{
    char *at = bd_xstrdup(path), to[PATH_MAX];
    for (int links = 0; (*fd = descriptor_of(at)) < 0; links++) {
        ssize_t length = readlink(at, to, sizeof to - 1);
        if (length < 0) {
            break; /* no link, or nothing */
        }
        if (links == MOST_LINKS) {
            free(at);
            errno = ELOOP;
            return NULL;
        }
        to[length] = 0;
        char *folder = folder_of(at), *next = to[0] == '/' ? bd_xstrdup(to) : bd_asprintf("%s/%s", folder, to);
        free(folder);
        free(at);
        at = next;
    }
    return at;
}

char *bd_output_target(const char *path)
{
    int fd;
    struct stat info;
    char *target = follow(path, &fd);
    if (fd >= 0 || (target && stat(target, &info) == 0 && !S_ISREG(info.st_mode))) {
        free(target);
        return NULL;
    }
    return target;
}

/* ---- writing ---- */

/* A pipe that takes nothing for long is an error, not a wait without end. */
static int write_all(int fd, const uint8_t *data, size_t size)
{
    while (size > 0) {
        ssize_t put = write(fd, data, size);
        if (put < 0 && errno == EAGAIN) {
            struct pollfd wait = {.fd = fd, .events = POLLOUT};
            if (poll(&wait, 1, TAKEN_SECONDS * 1000) == 0) {
                errno = ETIMEDOUT;
                return -1;
            }
            continue;
        }
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put < 0) {
            return -1;
        }
        data += put;
        size -= put;
    }
    return 0;
}

static bd_status cannot(struct bd_error *err, const char *path, int error)
{
    return bd_fail(err, BD_INFRA, "cannot write '%s': %s", path, strerror(error));
}

/* A device, a pipe, an open descriptor: its bytes, in order. A pipe without a reader is waited for. */
static bd_status write_through(const char *path, const char *target, int open_fd, const void *data, size_t size,
                               struct bd_error *err)
{
    int fd = open_fd >= 0 ? dup(open_fd) : -1;
    for (int tries = 0; open_fd < 0; tries++) {
        fd = open(target, O_WRONLY | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
        if (fd >= 0 || errno != ENXIO || tries == READER_SECONDS * 50) {
            break;
        }
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    }
    if (fd < 0 && errno == ENXIO) {
        return bd_fail(err, BD_INFRA, "waited %d s for a reader of '%s'", READER_SECONDS, path);
    }
    if (fd < 0) {
        return cannot(err, path, errno);
    }
    int error = write_all(fd, data, size) != 0 ? errno : 0;
    if (close(fd) != 0 && !error) {
        error = errno;
    }
    return error ? cannot(err, path, error) : BD_OK;
}

static int sync_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return -1;
    }
    int result = fsync(fd);
    close(fd);
    return result;
}

/* A new file in the folder, under a name that no living or dead writer uses and that is short whatever the target's. */
static int create_in(const char *folder, char **temporary)
{
    for (unsigned n = 0;; n++) {
        *temporary = bd_asprintf("%s/.bitdial-%ld-%u.tmp", folder, (long)getpid(), n);
        int fd = open(*temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0 || errno != EEXIST || n == 1000) {
            return fd;
        }
        free(*temporary);
    }
}

/* The new file gets the owner and the mode of the one that it replaces, as far as the user may give them. */
static int take_over(int fd, const struct stat *old)
{
    if (fchown(fd, old->st_uid, old->st_gid) != 0 && errno != EPERM && errno != EINVAL) {
        return -1;
    }
    return fchmod(fd, old->st_mode & 07777);
}

static bd_status replace(const char *path, const char *target, const struct stat *old, const void *data, size_t size,
                         struct bd_error *err)
{
    char *folder = folder_of(target), *temporary;
    int fd = create_in(folder, &temporary), error = 0;
    bd_status status = BD_OK;
    if (fd < 0) {
        status = bd_fail(err, BD_INFRA, "cannot create '%s': %s", path, strerror(errno));
    } else {
        if ((old && take_over(fd, old) != 0) || write_all(fd, data, size) != 0 || fsync(fd) != 0) {
            error = errno;
        }
        if (close(fd) != 0 && !error) {
            error = errno;
        }
        if (!error && rename(temporary, target) != 0) {
            error = errno;
        }
        if (error) {
            unlink(temporary);
            status = cannot(err, path, error);
        } else if (sync_folder(folder) != 0) {
            status = bd_fail(err, BD_INFRA, "cannot sync folder '%s': %s", folder, strerror(errno));
        }
    }
    free(temporary);
    free(folder);
    return status;
}

bd_status bd_file_write(const char *path, const void *data, size_t size, struct bd_error *err)
{
    int fd;
    struct stat old;
    char *target = follow(path, &fd);
    if (!target) {
        return cannot(err, path, errno);
    }
    bool there = fd < 0 && stat(target, &old) == 0;
    bd_status status;
    if (there && S_ISDIR(old.st_mode)) {
        status = bd_fail(err, BD_BAD_INPUT, "cannot write '%s': it is a folder", path);
    } else if (fd >= 0 || (there && !S_ISREG(old.st_mode))) {
        status = write_through(path, target, fd, data, size, err);
    } else {
        status = replace(path, target, there ? &old : NULL, data, size, err);
    }
    free(target);
    return status;
}

bd_status bd_output_try(const char *path, struct bd_error *err)
{
    struct stat info;
    char *target = bd_output_target(path), *temporary;
    if (!target) {
        return BD_OK; /* a device or a pipe */
    }
    char *folder = folder_of(target);
    while (stat(folder, &info) != 0 && errno == ENOENT) {
        char *above = folder_of(folder);
        free(folder);
        folder = above;
    }
    int fd = create_in(folder, &temporary);
    bd_status status = BD_OK;
    if (fd < 0) {
        status =
            bd_fail(err, BD_INFRA, "cannot write '%s': no file can be made in '%s': %s", path, folder, strerror(errno));
    } else {
        close(fd);
        unlink(temporary);
    }
    free(temporary);
    free(folder);
    free(target);
    return status;
}

/* ---- what may be written ---- */

static const struct {
    const char *name; /* with its article */
    const char *head; /* first bytes; NULL: none */
    size_t length;
} kinds[] = {
    [BD_OUTPUT_CHECKPOINT] = {"a checkpoint", "BITDIALC", 8},
    [BD_OUTPUT_PROGRAM] = {"a program image", "BDP1", 4},
    [BD_OUTPUT_JOURNAL] = {"a journal", "{\"crc\":\"", 8},
    [BD_OUTPUT_LOG] = {"a training log", "{\"event\":\"", 10},
    [BD_OUTPUT_ARRAY] = {"an array", "\x93NUMPY", 6},
    [BD_OUTPUT_DRAWING] = {"a drawing", "<?xml", 5},
    [BD_OUTPUT_TRACE] = {"a trace", "\0\0\0\0\0\0\0\1\x49", 9},
    [BD_OUTPUT_TEXT] = {"a text", NULL, 0},
};

/* The kind that the first bytes tell; -1: none of them. */
static int kind_of(const char *head, size_t size)
{
    for (int kind = 0; kind < BD_OUTPUT_TEXT; kind++) {
        if (size >= kinds[kind].length && !memcmp(head, kinds[kind].head, kinds[kind].length)) {
            return kind;
        }
    }
    return memchr(head, 0, size) ? -1 : BD_OUTPUT_TEXT;
}

static bd_status check_existing(const char *path, enum bd_output_kind kind, const char *keep, struct bd_error *err)
{
    char head[HEAD];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : read(fd, head, sizeof head);
    int error = errno;
    if (fd >= 0) {
        close(fd);
    }
    if (size < 0) {
        return bd_fail(err, BD_BAD_INPUT, "cannot read '%s', which is there already: %s", path, strerror(error));
    }
    const int found = kind_of(head, size);
    if (size > 0 && found != (int)kind) {
        return bd_fail(err, BD_BAD_INPUT, "'%s' is there already and is %s, not %s: it is not replaced", path,
                       found < 0 ? "of another kind" : kinds[found].name, kinds[kind].name);
    }
    return size > 0 && keep ? bd_fail(err, BD_BAD_INPUT, "%s '%s' is there already: %s",
                                      kinds[kind].name + (kinds[kind].name[1] == 'n' ? 3 : 2), path, keep)
                            : BD_OK;
}

bd_status bd_output_check(const char *path, enum bd_output_kind kind, const char *keep, const char *const *inputs,
                          struct bd_error *err)
{
    struct stat info, other;
    if (stat(path, &info) != 0) {
        return BD_OK; /* nothing there; what else is wrong the write will tell */
    }
    if (S_ISDIR(info.st_mode)) {
        return bd_fail(err, BD_BAD_INPUT, "cannot write '%s': it is a folder", path);
    }
    if (!S_ISREG(info.st_mode)) {
        return kind != BD_OUTPUT_TRACE ? BD_OK
                                       : bd_fail(err, BD_BAD_INPUT, "cannot write '%s': a trace needs a file", path);
    }
    for (; inputs && *inputs; inputs++) {
        if (**inputs && stat(*inputs, &other) == 0 && other.st_dev == info.st_dev && other.st_ino == info.st_ino) {
            return !strcmp(path, *inputs)
                       ? bd_fail(err, BD_BAD_INPUT, "'%s' is the input and the output: name another output", path)
                       : bd_fail(err, BD_BAD_INPUT, "the output '%s' is the same file as the input '%s': name another",
                                 path, *inputs);
        }
    }
    int fd;
    char *target = follow(path, &fd);
    bd_status status = fd >= 0 ? BD_OK : check_existing(path, kind, keep, err);
    free(target);
    return status;
}

/* ---- one writer ---- */

/* The process that holds a flock on the file, from the kernel's list; 0 where it does not tell. */
static long holder_of(int fd)
{
    struct stat info;
    FILE *list = fopen("/proc/locks", "re");
    char line[256];
    long holder = 0;
    while (list && !holder && fstat(fd, &info) == 0 && fgets(line, sizeof line, list)) {
        long pid;
        unsigned long long inode;
        if (sscanf(line, "%*d: FLOCK %*s %*s %ld %*x:%*x:%llu", &pid, &inode) == 2 && inode == info.st_ino && pid > 0) {
            holder = pid;
        }
    }
    if (list) {
        fclose(list);
    }
    return holder;
}

bd_status bd_output_hold(int fd, const char *path, struct bd_error *err)
{
    char name[64] = "", file[64];
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        return BD_OK;
    }
    if (errno != EWOULDBLOCK) {
        return bd_fail(err, BD_INFRA, "cannot lock '%s': %s", path, strerror(errno));
    }
    const long pid = holder_of(fd);
    snprintf(file, sizeof file, "/proc/%ld/comm", pid);
    FILE *comm = pid ? fopen(file, "re") : NULL;
    if (comm) {
        if (!fgets(name, sizeof name, comm)) {
            name[0] = 0;
        }
        name[strcspn(name, "\n")] = 0;
        fclose(comm);
    }
    return pid ? bd_fail(err, BD_INFRA, "'%s' is in use by process %ld%s%s%s", path, pid, *name ? " (" : "", name,
                         *name ? ")" : "")
               : bd_fail(err, BD_INFRA, "'%s' is in use by another process", path);
}

bd_status bd_output_lock(struct bd_output_lock *lock, const char *path, struct bd_error *err)
{
    *lock = BD_OUTPUT_UNLOCKED;
    char *target = bd_output_target(path);
    if (!target) {
        return BD_OK;
    }
    lock->path = bd_asprintf("%s.lock", target);
    free(target);
    bd_status status = BD_OK;
    for (;;) {
        struct stat held, named;
        lock->fd = open(lock->path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
        if (lock->fd < 0) {
            status =
                bd_fail(err, BD_INFRA, "cannot write '%s': cannot make '%s': %s", path, lock->path, strerror(errno));
            break;
        }
        status = bd_output_hold(lock->fd, path, err);
        if (status) {
            break;
        }
        /* The one before removes its file at its end: a lock on a file that has no name any more is no lock. */
        if (fstat(lock->fd, &held) == 0 && stat(lock->path, &named) == 0 && held.st_ino == named.st_ino &&
            held.st_dev == named.st_dev) {
            return BD_OK;
        }
        close(lock->fd);
    }
    if (lock->fd >= 0) {
        close(lock->fd);
    }
    free(lock->path);
    *lock = BD_OUTPUT_UNLOCKED;
    return status;
}

void bd_output_unlock(struct bd_output_lock *lock)
{
    if (lock->fd >= 0) {
        unlink(lock->path);
        close(lock->fd);
    }
    free(lock->path);
    *lock = BD_OUTPUT_UNLOCKED;
}
