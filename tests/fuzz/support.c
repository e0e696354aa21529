#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

void fuzz_demand(int holds, const char *text)
{
    if (!holds) {
        fprintf(stderr, "fuzz: %s\n", text);
        abort();
    }
}

void fuzz_planted(const uint8_t *data, size_t size)
{
    fuzz_demand(size < 3 || memcmp(data, "BAD", 3) != 0, "a planted fault");
}

const char *fuzz_file(const void *data, size_t size)
{
    static int fd = -1;
    static char path[64];
    if (fd < 0) {
        fd = memfd_create("fuzz", MFD_CLOEXEC);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    fuzz_demand(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size, "no file in memory");
    return path;
}

int fuzz_accepted(bd_status status, const struct bd_error *err)
{
    fuzz_demand(status == BD_OK || status == BD_BAD_INPUT || status == BD_FAIL, "neither accepted nor refused");
    fuzz_demand(status == BD_OK || (err->status == status && err->message[0]), "a refusal without a message");
    fuzz_demand(status == BD_OK || memchr(err->message, 0, sizeof err->message), "a message without an end");
    return status == BD_OK;
}
