/* The way to a device by user I/O, against a stand-in for the kernel's files (tests/support/uio_stand_in.h). */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "model/core/file.h"
#include "sw/bringup/selftest_parts.h"
#include "sw/session/session.h"
#include "sw/transport/uio.h"
#include "tests/support/uio_stand_in.h"

#ifdef __x86_64__

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
    struct bd_stand_in *it = bd_stand_in_open(&t.session.platform);
    cr_assert_eq(bd_session_identify(&t.session, &err), BD_OK, "%s", err.message);
    cr_assert_eq(t.session.hardware.rows, 8, "the geometry is told by the registers");
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        cr_assert_eq(steps[i](&t, &err), BD_OK, "step %zu: %s", i, err.message);
    }
    cr_assert(it->accesses > 300 && it->interrupts > 8, "%u accesses, %u interrupts", it->accesses, it->interrupts);

    it->line_is_cut = true;
    t.session.frame_ms = 50;
    int32_t logits[64];
    cr_assert_eq(bd_session_start(&t.session, 0, 0, t.images[0], &err), BD_OK, "%s", err.message);
    cr_assert_eq(bd_session_finish(&t.session, 0, logits, &err), BD_FAIL);
    cr_assert(strstr(err.message, "interrupt never came"), "%s", err.message);
    bd_selftest_release_program(&t);
    struct bd_hardware told = t.session.hardware;
    bd_stand_in_close(&t.session.platform);
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

/* Registers and memory whose bus answers with errors: files that are cut behind their mapping end in the same signal.
 */
Test(uio, a_bus_that_answers_with_errors_is_named)
{
    struct bd_platform platform;
    struct bd_error err;
    uint32_t value = 0;
    uint8_t bytes[16] = {0};
    const int registers = memfd_create("registers", 0), memory = memfd_create("memory", 0);
    cr_assert(ftruncate(registers, 4096) == 0 && ftruncate(memory, 8192) == 0);
    const struct bd_uio_files files = {"uio7", dup(registers), dup(registers), dup(memory), 0, 0x60000000, 8192};
    cr_assert_eq(bd_uio_open_files(&platform, &files, &err), BD_OK, "%s", err.message);
    cr_assert_eq(platform.ops->write_register(platform.self, 0x94, 77, &err), BD_OK);
    cr_assert_eq(platform.ops->read_register(platform.self, 0x94, &value, &err), BD_OK);
    cr_assert_eq(value, 77);
    cr_assert(ftruncate(registers, 0) == 0 && ftruncate(memory, 4096) == 0);
    for (int again = 0; again < 2; again++) {
        cr_assert_eq(platform.ops->read_register(platform.self, 0x94, &value, &err), BD_INFRA);
        cr_assert(strstr(err.message, "'uio7' no longer answers: reading the register at 0x94"), "%s", err.message);
        cr_assert_eq(platform.ops->write_register(platform.self, 0x94, 1, &err), BD_INFRA);
        cr_assert_eq(platform.ops->read_memory(platform.self, 0x60001004, bytes, sizeof bytes, &err), BD_INFRA);
        cr_assert_eq(platform.ops->write_memory(platform.self, 0x60000ffc, bytes, sizeof bytes, &err), BD_INFRA);
        cr_assert(strstr(err.message, "writing memory at 0x60000ffc"), "%s", err.message);
    }
    cr_assert_eq(platform.ops->write_memory(platform.self, 0x60000000, bytes, sizeof bytes, &err), BD_OK);
    cr_assert_eq(platform.ops->close(platform.self, &err), BD_OK);
    close(registers);
    close(memory);
}
