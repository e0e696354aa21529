#include "sw/transport/uio.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "model/core/clock.h"
#include "model/core/memory.h"
#include "sw/driver/bitdial_regs.h"
#include "sw/transport/board.h"

struct uio {
    char *name;
    int registers_fd, interrupt_fd, memory_fd;
    volatile uint32_t *window;
    volatile uint8_t *memory;
    uint64_t memory_base, memory_bytes;
};

/* A bus that answers an access with an error, as one without logic behind it may, ends as SIGBUS here. Where this
 * thread is inside an access, that is the access's failure; anywhere else it is what it was before. */
static __thread sigjmp_buf *access_under_way;
static struct sigaction before;

static void on_bus_error(int number, siginfo_t *info, void *context)
{
    if (access_under_way) {
        siglongjmp(*access_under_way, 1);
    }
    if (before.sa_flags & SA_SIGINFO) {
        before.sa_sigaction(number, info, context);
    } else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
        before.sa_handler(number);
    } else {
        sigaction(SIGBUS, &before, NULL); /* the access comes again, and ends the program */
    }
}

/* For the rest of the program, once. */
static void catch_bus_errors(void)
{
    const struct sigaction action = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO | SA_NODEFER};
    sigaction(SIGBUS, &action, &before);
}

/* The memory may be mapped without a cache, where whole, aligned words alone are sure to pass: no memcpy. */
static void copy_from(uint8_t *to, volatile const uint8_t *from, uint64_t size)
{
    for (; size > 0 && (uintptr_t)from % 8; size--) {
        *to++ = *from++;
    }
    for (; size >= 8; size -= 8, from += 8, to += 8) {
        const uint64_t word = *(volatile const uint64_t *)from;
        memcpy(to, &word, 8);
    }
    for (; size > 0; size--) {
        *to++ = *from++;
    }
}

static void copy_to(volatile uint8_t *to, const uint8_t *from, uint64_t size)
{
    for (; size > 0 && (uintptr_t)to % 8; size--) {
        *to++ = *from++;
    }
    for (; size >= 8; size -= 8, from += 8, to += 8) {
        uint64_t word;
        memcpy(&word, from, 8);
        *(volatile uint64_t *)to = word;
    }
    for (; size > 0; size--) {
        *to++ = *from++;
    }
}

struct access {
    enum { READ_REGISTER, WRITE_REGISTER, READ_MEMORY, WRITE_MEMORY } what;
    uint64_t at; /* from the beginning of the window or of the memory */
    void *data;
    uint64_t size;
};

/* Fences on both sides: what was written to memory is there before the device hears of it. */
static void carry_out(const struct uio *u, const struct access *a)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    switch (a->what) {
    case READ_REGISTER:
        *(uint32_t *)a->data = u->window[a->at / 4];
        break;
    case WRITE_REGISTER:
        u->window[a->at / 4] = *(const uint32_t *)a->data;
        break;
    case READ_MEMORY:
        copy_from(a->data, u->memory + a->at, a->size);
        break;
    case WRITE_MEMORY:
        copy_to(u->memory + a->at, a->data, a->size);
        break;
    }
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static bd_status reach(const struct uio *u, const struct access *a, struct bd_error *err)
{
    static const char *const words[] = {"reading the register", "writing the register", "reading memory",
                                        "writing memory"};
    sigjmp_buf back;
    if (sigsetjmp(back, 0) == 0) {
        access_under_way = &back;
        carry_out(u, a);
        access_under_way = NULL;
        return BD_OK;
    }
    access_under_way = NULL;
    return bd_fail(err, BD_INFRA,
                   "'%s' no longer answers: %s at 0x%" PRIx64
                   " ended in a bus error; the logic may be without clock, in "
                   "reset, or not configured",
                   u->name, words[a->what], a->what >= READ_MEMORY ? u->memory_base + a->at : a->at);
}

static bd_status read_register(void *self, uint32_t offset, uint32_t *value, struct bd_error *err)
{
    return reach(self, &(struct access){.what = READ_REGISTER, .at = offset, .data = value}, err);
}

static bd_status write_register(void *self, uint32_t offset, uint32_t value, struct bd_error *err)
{
    return reach(self, &(struct access){.what = WRITE_REGISTER, .at = offset, .data = &value}, err);
}

static bd_status read_memory(void *self, uint64_t address, void *data, uint64_t size, struct bd_error *err)
{
    const struct uio *u = self;
    return reach(u, &(struct access){READ_MEMORY, address - u->memory_base, data, size}, err);
}

static bd_status write_memory(void *self, uint64_t address, const void *data, uint64_t size, struct bd_error *err)
{
    const struct uio *u = self;
    return reach(u, &(struct access){WRITE_MEMORY, address - u->memory_base, (void *)data, size}, err);
}

/* The kernel masks the interrupt when it comes, and lets it come again when it is written to. */
static bd_status wait_irq(void *self, uint64_t milliseconds, bool *raised, struct bd_error *err)
{
    const struct uio *u = self;
    const double until = 1000 * bd_seconds(CLOCK_MONOTONIC) + (double)milliseconds;
    const uint32_t unmask = 1;
    uint32_t count;
    *raised = false;
    if (write(u->interrupt_fd, &unmask, sizeof unmask) != sizeof unmask) {
        return bd_fail(err, BD_INFRA, "cannot let the interrupt of '%s' come: %s; its device may have been given none",
                       u->name, strerror(errno));
    }
    for (;;) {
        const double left = until - 1000 * bd_seconds(CLOCK_MONOTONIC);
        struct pollfd wait = {.fd = u->interrupt_fd, .events = POLLIN};
        const int ready = poll(&wait, 1, left <= 0 ? 0 : left < 1e6 ? (int)left + 1 : 1000000);
        if (ready > 0) {
            const ssize_t got = read(u->interrupt_fd, &count, sizeof count);
            if (got == sizeof count) {
                *raised = true;
                return BD_OK;
            }
            if (got >= 0 || errno != EINTR) {
                return bd_fail(err, BD_INFRA, "cannot read the interrupt of '%s': %s", u->name,
                               got < 0 ? strerror(errno) : "its file ended");
            }
        } else if (left <= 0) {
            return BD_OK;
        }
    }
}

static void close_uio(void *self)
{
    struct uio *u = self;
    if (u->window) {
        munmap((void *)u->window, BITDIAL_WINDOW_BYTES);
    }
    if (u->memory) {
        munmap((void *)u->memory, u->memory_bytes);
    }
    close(u->registers_fd);
    if (u->interrupt_fd != u->registers_fd) {
        close(u->interrupt_fd);
    }
    if (u->memory_fd != u->registers_fd && u->memory_fd >= 0) {
        close(u->memory_fd);
    }
    free(u->name);
    free(u);
}

static const struct bd_board_ops uio_ops = {
    .read_register = read_register,
    .write_register = write_register,
    .read_memory = read_memory,
    .write_memory = write_memory,
    .wait_irq = wait_irq,
    .close = close_uio,
};

bd_status bd_uio_open_files(struct bd_platform *platform, const struct bd_uio_files *f, struct bd_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct uio *u = bd_xcalloc(1, sizeof *u);
    pthread_once(&once, catch_bus_errors);
    *u = (struct uio){.name = bd_xstrdup(f->name),
                      .registers_fd = f->registers,
                      .interrupt_fd = f->interrupt,
                      .memory_fd = f->memory,
                      .memory_base = f->memory_base,
                      .memory_bytes = f->memory_bytes};
    bd_status status = BD_OK;
    void *at = mmap(NULL, BITDIAL_WINDOW_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, f->registers, 0);
    if (at == MAP_FAILED) {
        status = bd_fail(err, BD_INFRA, "cannot map the registers of '%s': %s", f->name, strerror(errno));
    } else {
        u->window = at;
        at = mmap(NULL, f->memory_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, f->memory, (off_t)f->memory_offset);
        if (at == MAP_FAILED) {
            status = bd_fail(err, BD_INFRA, "cannot map the memory of '%s' (%" PRIu64 " bytes): %s", f->name,
                             f->memory_bytes, strerror(errno));
        } else {
            u->memory = at;
        }
    }
    if (status != BD_OK) {
        close_uio(u);
        return status;
    }
    bd_board_open(platform, "uio", &uio_ops, u, f->memory_base, f->memory_bytes);
    return BD_OK;
}

/* A number that the kernel tells in a file, in hexadecimal with 0x or else decimal; false where there is none. */
static bool read_number(const char *sysfs, const char *folder, const char *device, const char *file, uint64_t *value)
{
    char text[32] = "";
    char *path = bd_asprintf("%s/class/%s/%s/%s", sysfs, folder, device, file), *end;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    free(path);
    const ssize_t got = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
    if (fd >= 0) {
        close(fd);
    }
    errno = 0;
    *value = strtoull(text, &end, 0);
    return got > 0 && end != text && errno == 0 && (*end == '\n' || *end == '\0');
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The memory: the second map of the uio device, or a u-dma-buf. */
static bd_status find_memory(const struct bd_uio_options *o, const char *sysfs, struct bd_uio_files *f,
                             struct bd_error *err)
{
    const char *device = base_name(o->path);
    const bool named = o->memory && *o->memory;
    if (!named && read_number(sysfs, "uio", device, "maps/map1/addr", &f->memory_base) &&
        read_number(sysfs, "uio", device, "maps/map1/size", &f->memory_bytes)) {
        f->memory = f->registers;
        f->memory_offset = (uint64_t)sysconf(_SC_PAGESIZE); /* map n lies at n pages, by the kernel's rule */
        return BD_OK;
    }
    const char *path = named ? o->memory : "/dev/udmabuf0";
    if (!read_number(sysfs, "u-dma-buf", base_name(path), "phys_addr", &f->memory_base) ||
        !read_number(sysfs, "u-dma-buf", base_name(path), "size", &f->memory_bytes)) {
        return bd_fail(
            err, BD_INFRA,
            "'%s' has no memory: its second map is missing, and the kernel knows no u-dma-buf '%s'; load u-dma-buf "
            "(modprobe u-dma-buf udmabuf0=16777216), or give the device a reserved region, or name the buffer "
            "(uio:PATH,MEMORY)",
            o->path, base_name(path));
    }
    f->memory = open(path, O_RDWR | O_SYNC | O_CLOEXEC); /* O_SYNC: no cache between us and the device */
    return f->memory >= 0
               ? BD_OK
               : bd_fail(err, BD_INFRA, "cannot open the memory '%s' of '%s': %s", path, o->path, strerror(errno));
}

bd_status bd_uio_open(struct bd_platform *platform, const struct bd_uio_options *o, struct bd_error *err)
{
    const char *sysfs = o->sysfs ? o->sysfs : "/sys";
    struct bd_uio_files f = {.name = o->path, .registers = -1, .memory = -1};
    uint64_t bytes;
    f.registers = f.interrupt = open(o->path, O_RDWR | O_SYNC | O_CLOEXEC);
    if (f.registers < 0) {
        return bd_fail(err, BD_INFRA, "cannot open '%s': %s; a device tree entry bound to uio_pdrv_genirq makes it",
                       o->path, strerror(errno));
    }
    bd_status status = BD_OK;
    if (!read_number(sysfs, "uio", base_name(o->path), "maps/map0/size", &bytes)) {
        status = bd_fail(err, BD_BAD_INPUT, "'%s' is no uio device: the kernel does not know '%s' as one", o->path,
                         base_name(o->path));
    } else if (bytes < BITDIAL_WINDOW_BYTES) {
        status = bd_fail(err, BD_INFRA, "the registers of '%s' are %" PRIu64 " bytes, a window has %u", o->path, bytes,
                         BITDIAL_WINDOW_BYTES);
    }
    status = status ? status : find_memory(o, sysfs, &f, err);
    if (status != BD_OK) {
        close(f.registers);
        return status;
    }
    return bd_uio_open_files(platform, &f, err);
}
