#include "tests/support/uio_stand_in.h"

#ifdef __x86_64__ /* the trap flag, by which one instruction runs */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <ucontext.h>
#include <unistd.h>

#include "sw/driver/bitdial_regs.h"
#include "sw/transport/uio.h"

enum { MEMORY = 1 << 20, WINDOW = BITDIAL_WINDOW_BYTES, TRAP_FLAG = 0x100, IS_WRITE = 2 };
#define BASE 0x70000000u

static struct bd_stand_in it;

static void need(bool good, const char *what)
{
    if (!good) {
        fprintf(stderr, "uio_stand_in: %s failed: %s\n", what, strerror(errno));
        abort();
    }
}

/* An access to the window: it may happen, for one instruction, on a page that holds what the device would show. */
static void on_access(int signal_number, siginfo_t *info, void *context)
{
    ucontext_t *u = context;
    uint8_t *at = info->si_addr;
    if (!it.window || at < it.window || at >= it.window + WINDOW) {
        signal(signal_number, SIG_DFL); /* a true crash */
        return;
    }
    it.offset = (uint32_t)(at - it.window);
    it.is_write = u->uc_mcontext.gregs[REG_ERR] & IS_WRITE;
    mprotect(it.window, WINDOW, PROT_READ | PROT_WRITE);
    pthread_mutex_lock(&it.lock);
    ((volatile uint32_t *)it.window)[it.offset / 4] = it.is_write ? 0 : bd_device_model_read(it.model, it.offset);
    pthread_mutex_unlock(&it.lock);
    u->uc_mcontext.gregs[REG_EFL] |= TRAP_FLAG;
}

static void after_access(int signal_number, siginfo_t *info, void *context)
{
    (void)signal_number, (void)info;
    ucontext_t *u = context;
    u->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
    it.accesses++;
    if (it.is_write) {
        pthread_mutex_lock(&it.lock);
        bd_device_model_write(it.model, it.offset, ((volatile uint32_t *)it.window)[it.offset / 4]);
        pthread_mutex_unlock(&it.lock);
    }
    mprotect(it.window, WINDOW, PROT_NONE);
}

/* The kernel's part: when the interrupt may come and the line rises, its count can be read. */
static void *play_kernel(void *nothing)
{
    uint32_t unmask, count = 0;
    while (read(it.line[1], &unmask, sizeof unmask) == sizeof unmask) {
        need(unmask == 1, "unmask");
        pthread_mutex_lock(&it.lock);
        if (it.spurious == 0) {
            bd_device_model_run(it.model, UINT64_MAX);
        }
        bool high = bd_device_model_irq(it.model) && !it.line_is_cut;
        if (it.spurious > 0) {
            it.spurious--;
            high = true;
        }
        pthread_mutex_unlock(&it.lock);
        count++;
        it.interrupts += high;
        if (high && write(it.line[1], &count, sizeof count) != sizeof count) {
            break;
        }
    }
    return nothing;
}

static int memory_file(size_t size)
{
    const int fd = memfd_create("bitdial-stand-in", MFD_CLOEXEC);
    need(fd >= 0 && ftruncate(fd, (off_t)size) == 0, "memfd");
    return fd;
}

/* Finds where the platform has mapped the window: the mapping of our file. */
static void trap_window(void)
{
    char line[512];
    unsigned long from;
    struct stat wanted;
    FILE *maps = fopen("/proc/self/maps", "r");
    need(maps && fstat(it.registers, &wanted) == 0, "maps");
    while (fgets(line, sizeof line, maps)) {
        unsigned long inode;
        if (sscanf(line, "%lx-%*x %*s %*x %*s %lu", &from, &inode) == 2 && inode == wanted.st_ino) {
            it.window = (uint8_t *)from;
        }
    }
    fclose(maps);
    need(it.window, "finding the window");
    const struct sigaction access = {.sa_sigaction = on_access, .sa_flags = SA_SIGINFO};
    const struct sigaction step = {.sa_sigaction = after_access, .sa_flags = SA_SIGINFO};
    need(sigaction(SIGSEGV, &access, NULL) == 0 && sigaction(SIGTRAP, &step, NULL) == 0, "sigaction");
    need(mprotect(it.window, WINDOW, PROT_NONE) == 0, "mprotect");
}

struct bd_stand_in *bd_stand_in_open(struct bd_platform *platform)
{
    struct bd_error err;
    memset(&it, 0, sizeof it);
    pthread_mutex_init(&it.lock, NULL);
    need(bd_hardware_load(&it.hardware, "tests/small_hardware.yaml", &err) == BD_OK, "the hardware");
    it.registers = memory_file(WINDOW);
    it.bytes = memory_file(MEMORY);
    it.memory = (struct bd_guarded_memory){.base = BASE, .size = MEMORY};
    it.memory.bytes = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED, it.bytes, 0);
    need(it.memory.bytes != MAP_FAILED, "mmap");
    it.model = bd_device_model_new(&it.memory, &it.hardware);
    need(socketpair(AF_UNIX, SOCK_STREAM, 0, it.line) == 0, "socketpair");
    need(pthread_create(&it.kernel, NULL, play_kernel, NULL) == 0, "pthread_create");
    const struct bd_uio_files files = {"stand-in", dup(it.registers), it.line[0], dup(it.bytes), 0, BASE, MEMORY};
    need(bd_uio_open_files(platform, &files, &err) == BD_OK, "bd_uio_open_files");
    trap_window();
    return &it;
}

void bd_stand_in_close(struct bd_platform *platform)
{
    struct bd_error err;
    it.window = NULL;
    need(platform->ops->close(platform->self, &err) == BD_OK, "close");
    pthread_join(it.kernel, NULL);
    close(it.line[1]);
    bd_device_model_free(it.model);
    munmap(it.memory.bytes, MEMORY);
    close(it.registers);
    close(it.bytes);
    bd_hardware_release(&it.hardware);
}

#endif
