/* The way to a device by user I/O, against a stand-in for the kernel's files: every access to the register window traps
 * and reaches the device model, the memory is shared with it, the interrupt comes over a socket. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <ucontext.h>
#include <unistd.h>

#include "model/core/file.h"
#include "model/core/memory.h"
#include "sw/bringup/selftest_parts.h"
#include "sw/driver/bitdial_regs.h"
#include "sw/session/session.h"
#include "sw/transport/device_model.h"
#include "sw/transport/uio.h"

#ifdef __x86_64__ /* the trap flag, by which one instruction runs */

enum { MEMORY = 1 << 20, WINDOW = BITDIAL_WINDOW_BYTES, TRAP_FLAG = 0x100, IS_WRITE = 2 };
#define BASE 0x70000000u

/* The stand-in ("test double") for /dev/uio0 with a u-dma-buf. */
static struct stand_in {
    struct bd_hardware hardware;
    struct bd_guarded_memory memory;
    struct bd_device_model *model;
    int registers, bytes, line[2]; /* line[0]: the program's end of the interrupt */
    uint8_t *window;               /* where the program has mapped the registers */
    uint32_t offset;               /* of the access under way */
    bool is_write, line_is_cut;
    pthread_t kernel;
    pthread_mutex_t lock;
    unsigned accesses, interrupts;
} it;

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
        cr_assert_eq(unmask, 1);
        pthread_mutex_lock(&it.lock);
        bd_device_model_run(it.model, UINT64_MAX);
        const bool high = bd_device_model_irq(it.model) && !it.line_is_cut;
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
    cr_assert(fd >= 0 && ftruncate(fd, (off_t)size) == 0);
    return fd;
}

/* Finds where the platform has mapped the window: the mapping of our file. */
static void trap_window(void)
{
    char line[512];
    unsigned long from;
    struct stat wanted;
    FILE *maps = fopen("/proc/self/maps", "r");
    cr_assert(maps && fstat(it.registers, &wanted) == 0);
    while (fgets(line, sizeof line, maps)) {
        unsigned long inode;
        if (sscanf(line, "%lx-%*x %*s %*x %*s %lu", &from, &inode) == 2 && inode == wanted.st_ino) {
            it.window = (uint8_t *)from;
        }
    }
    fclose(maps);
    cr_assert_not_null(it.window);
    const struct sigaction access = {.sa_sigaction = on_access, .sa_flags = SA_SIGINFO};
    const struct sigaction step = {.sa_sigaction = after_access, .sa_flags = SA_SIGINFO};
    cr_assert(sigaction(SIGSEGV, &access, NULL) == 0 && sigaction(SIGTRAP, &step, NULL) == 0);
    cr_assert_eq(mprotect(it.window, WINDOW, PROT_NONE), 0);
}

static void open_stand_in(struct bd_platform *platform)
{
    struct bd_error err;
    memset(&it, 0, sizeof it);
    pthread_mutex_init(&it.lock, NULL);
    cr_assert_eq(bd_hardware_load(&it.hardware, "tests/small_hardware.yaml", &err), BD_OK, "%s", err.message);
    it.registers = memory_file(WINDOW);
    it.bytes = memory_file(MEMORY);
    it.memory = (struct bd_guarded_memory){.base = BASE, .size = MEMORY};
    it.memory.bytes = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED, it.bytes, 0);
    cr_assert(it.memory.bytes != MAP_FAILED);
    it.model = bd_device_model_new(&it.memory, &it.hardware);
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, it.line), 0);
    cr_assert_eq(pthread_create(&it.kernel, NULL, play_kernel, NULL), 0);
    const struct bd_uio_files files = {"stand-in", dup(it.registers), it.line[0], dup(it.bytes), 0, BASE, MEMORY};
    cr_assert_eq(bd_uio_open_files(platform, &files, &err), BD_OK, "%s", err.message);
    trap_window();
}

static void close_stand_in(struct bd_platform *platform)
{
    struct bd_error err;
    it.window = NULL;
    cr_assert_eq(platform->ops->close(platform->self, &err), BD_OK);
    pthread_join(it.kernel, NULL);
    close(it.line[1]);
    bd_device_model_free(it.model);
    munmap(it.memory.bytes, MEMORY);
    close(it.registers);
    close(it.bytes);
    bd_hardware_release(&it.hardware);
}

/* The steps of the self-test, frames and interrupts with them, through the mapped window; then with the interrupt's
 * wire cut. */
Test(uio, self_test_through_the_mapped_window)
{
    static bd_status (*const steps[])(struct bd_selftest * t, struct bd_error * err) = {
        bd_selftest_scratch, bd_selftest_registers, bd_selftest_memory, bd_selftest_dma,
        bd_selftest_layers,  bd_selftest_switches,  bd_selftest_queue,  bd_selftest_watchdog,
    };
    struct bd_selftest t = {0};
    struct bd_error err;
    char detail[640];
    t.detail = detail;
    t.detail_size = sizeof detail;
    t.session.is_board = true;
    t.session.frame_ms = 60000;
    open_stand_in(&t.session.platform);
    cr_assert_eq(bd_session_identify(&t.session, &err), BD_OK, "%s", err.message);
    cr_assert_eq(t.session.hardware.rows, 8, "the geometry is told by the registers");
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        cr_assert_eq(steps[i](&t, &err), BD_OK, "step %zu: %s", i, err.message);
    }
    cr_assert(it.accesses > 300 && it.interrupts > 8, "%u accesses, %u interrupts", it.accesses, it.interrupts);

    it.line_is_cut = true;
    t.session.frame_ms = 50;
    int32_t logits[64];
    cr_assert_eq(bd_session_start(&t.session, 0, 0, t.images[0], &err), BD_OK, "%s", err.message);
    cr_assert_eq(bd_session_finish(&t.session, 0, logits, &err), BD_FAIL);
    cr_assert(strstr(err.message, "interrupt never came"), "%s", err.message);
    bd_selftest_release_program(&t);
    struct bd_hardware told = t.session.hardware;
    close_stand_in(&t.session.platform);
    bd_hardware_release(&told);
}
#endif

/* What the kernel should tell and does not, by a folder in place of /sys. */
Test(uio, what_is_missing_is_named)
{
    char folder[] = "/tmp/bitdial-uio-XXXXXX", path[128], command[1024];
    struct bd_platform platform;
    struct bd_error err;
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/uio0", folder);
    struct bd_uio_options options = {.path = path, .sysfs = folder};
    cr_assert_eq(bd_uio_open(&platform, &options, &err), BD_INFRA);
    cr_assert(strstr(err.message, "No such file") && strstr(err.message, "uio_pdrv_genirq"), "%s", err.message);

    cr_assert_eq(bd_file_write(path, "", 0, &err), BD_OK);
    cr_assert_eq(truncate(path, 3 * 4096), 0);
    cr_assert_eq(bd_uio_open(&platform, &options, &err), BD_BAD_INPUT);
    cr_assert(strstr(err.message, "does not know 'uio0'"), "%s", err.message);

    const struct {
        const char *folder, *file, *text, *message;
        bd_status status;
    } steps[] = {
        {"class/uio/uio0/maps/map0", "size", "0x800\n", "are 2048 bytes, a window has 4096", BD_INFRA},
        {"class/uio/uio0/maps/map0", "size", "0x1000\n", "load u-dma-buf", BD_INFRA},
        {"class/u-dma-buf/udmabuf7", "phys_addr", "0x70000000\n", "knows no u-dma-buf 'udmabuf7'", BD_INFRA},
        {"class/u-dma-buf/udmabuf7", "size", "8192\n", "cannot open the memory", BD_INFRA},
        {"class/uio/uio0/maps/map1", "addr", "0x60000000\n", "cannot open the memory", BD_INFRA},
        {"class/uio/uio0/maps/map1", "size", "0x2000\n", "", BD_OK},
    };
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        char file[256], memory[128];
        snprintf(file, sizeof file, "%s/%s/%s", folder, steps[i].folder, steps[i].file);
        cr_assert_eq(bd_make_parent(file, &err), BD_OK, "%s", err.message);
        cr_assert_eq(bd_file_write(file, steps[i].text, strlen(steps[i].text), &err), BD_OK, "%s", err.message);
        snprintf(memory, sizeof memory, "%s/udmabuf7", folder);
        options.memory = i >= 2 && i <= 4 ? memory : NULL;
        cr_assert_eq(bd_uio_open(&platform, &options, &err), steps[i].status, "step %zu: %s", i, err.message);
        cr_assert(steps[i].status == BD_OK || strstr(err.message, steps[i].message), "step %zu: %s", i, err.message);
    }
    /* The second map: memory from the second page of the device's file on. */
    cr_assert(platform.memory_base == 0x60000000 && platform.memory_bytes == 0x2000);
    uint8_t bytes[19], back[19];
    memset(bytes, 0x5a, sizeof bytes);
    cr_assert_eq(platform.ops->write_memory(platform.self, 0x60000003, bytes, sizeof bytes, &err), BD_OK);
    cr_assert_eq(platform.ops->read_memory(platform.self, 0x60000003, back, sizeof back, &err), BD_OK);
    cr_assert_arr_eq(back, bytes, sizeof bytes);
    uint8_t *file = NULL;
    size_t size;
    cr_assert_eq(platform.ops->close(platform.self, &err), BD_OK);
    cr_assert_eq(bd_file_read(path, 1 << 20, &file, &size, &err), BD_OK);
    cr_assert(file[4096 + 2] == 0 && file[4096 + 3] == 0x5a && file[4096 + 21] == 0x5a && file[4096 + 22] == 0);
    free(file);
    snprintf(command, sizeof command, "rm -r %s", folder);
    cr_assert_eq(system(command), 0);
}
