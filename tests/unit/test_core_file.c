/* Files: reads within limits, writes that are whole or not at all, CRC-32, .npy bytes; error text; allocation. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "model/core/file.h"
#include "model/core/memory.h"
#include "tests/support/temporary_folder.h"

/* Files in the folder, whatever their names. */
static int files(void)
{
    int count = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *entry; (entry = readdir(dir));) {
        count += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
    }
    closedir(dir);
    return count;
}

TestSuite(core_file, .init = make_folder, .fini = remove_folder);

Test(core_file, write_then_read)
{
    struct bd_error err;
    char *path = bd_asprintf("%s/a", folder);
    uint8_t *data;
    size_t size;
    cr_assert_eq(bd_file_write(path, "abc", 3, &err), BD_OK);
    cr_assert_eq(bd_file_write(path, "de\0f", 4, &err), BD_OK);
    cr_assert_eq(files(), 1);
    cr_assert_eq(bd_file_read(path, 4, &data, &size, &err), BD_OK);
    cr_assert_eq(size, 4);
    cr_assert_eq(memcmp(data, "de\0f", 5), 0, "the extra zero byte follows");
    free(data);
    cr_assert_eq(bd_file_read(path, 3, &data, &size, &err), BD_BAD_INPUT);
    cr_assert_not_null(strstr(err.message, "is over the limit of 3 bytes"));
    cr_assert_null(data);
    cr_assert_eq(bd_file_write(path, NULL, 0, &err), BD_OK);
    cr_assert_eq(bd_file_read(path, 0, &data, &size, &err), BD_OK);
    cr_assert_eq(size, 0);
    free(data);
    free(path);
}

Test(core_file, reads_what_has_no_size)
{
    struct bd_error err;
    uint8_t *data;
    size_t size;
    cr_assert_eq(bd_file_read("/proc/self/maps", 1 << 20, &data, &size, &err), BD_OK);
    cr_assert_gt(size, 0);
    free(data);
    cr_assert_eq(bd_file_read("/nowhere", 100, &data, &size, &err), BD_BAD_INPUT);
    cr_assert_str_eq(err.message, "cannot open '/nowhere': No such file or directory");
}

/* What is no regular file is refused by its kind, at once: a pipe that nobody writes to would be waited for. */
Test(core_file, reads_regular_files_only)
{
    struct bd_error err;
    uint8_t *data;
    size_t size;
    char *pipe = bd_asprintf("%s/pipe", folder), *link = bd_asprintf("%s/link", folder);
    char *file = bd_asprintf("%s/file", folder), *socket_path = bd_asprintf("%s/socket", folder);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", socket_path);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_assert_eq(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    cr_assert_eq(mkfifo(pipe, 0600), 0);
    cr_assert_eq(symlink("pipe", link), 0);
    cr_assert_eq(bd_file_write(file, "BDP1", 4, &err), BD_OK);
    const struct {
        const char *path, *kind;
    } cases[] = {{pipe, "a pipe"},
                 {link, "a pipe"},
                 {folder, "a folder"},
                 {socket_path, "a socket"},
                 {"/dev/zero", "a character device"},
                 {"/dev/null", "a character device"}};
    alarm(20);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *message = bd_asprintf("'%s' is %s, not a regular file", cases[i].path, cases[i].kind);
        cr_assert_eq(bd_file_read(cases[i].path, 100, &data, &size, &err), BD_BAD_INPUT, "%s", cases[i].path);
        cr_assert_str_eq(err.message, message);
        cr_assert_not(bd_file_begins(cases[i].path, "", 0), "%s", cases[i].path);
        free(message);
    }
    alarm(0);
    cr_assert(bd_file_begins(file, "BDP", 3) && bd_file_begins(file, "BDP1", 4));
    cr_assert_not(bd_file_begins(file, "BDP2", 4) || bd_file_begins(file, "BDP1\0", 5));
    close(listener);
    free(pipe);
    free(link);
    free(file);
    free(socket_path);
}

/* A file-size limit makes the write fail half way: the old bytes stay and no temporary file does. */
Test(core_file, failed_write_changes_nothing)
{
    struct bd_error err;
    char *path = bd_asprintf("%s/a", folder);
    uint8_t *data;
    size_t size;
    cr_assert_eq(bd_file_write(path, "old", 3, &err), BD_OK);
    uint8_t *large = bd_xcalloc(1, 1 << 20);
    struct rlimit old, limit;
    getrlimit(RLIMIT_FSIZE, &old);
    limit = old;
    limit.rlim_cur = 1000;
    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    bd_status status = bd_file_write(path, large, 1 << 20, &err);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
    cr_assert_eq(status, BD_INFRA);
    cr_assert_not_null(strstr(err.message, "cannot write"));
    cr_assert_eq(files(), 1);
    cr_assert_eq(bd_file_read(path, 10, &data, &size, &err), BD_OK);
    cr_assert_str_eq((char *)data, "old");
    free(data);
    free(large);
    free(path);
}

/* A writer killed at random instants leaves one whole version or another, never a mixture. */
Test(core_file, kill_leaves_a_whole_file)
{
    enum { SIZE = 1 << 18 };
    struct bd_error err;
    char *path = bd_asprintf("%s/a", folder);
    uint8_t *versions = bd_xmalloc(SIZE);
    cr_assert_eq(bd_file_write(path, versions, SIZE, &err), BD_OK);
    for (int round = 0; round < 20; round++) {
        pid_t child = fork();
        if (child == 0) {
            for (int version = 1;; version++) {
                memset(versions, version & 0xff, SIZE);
                if (bd_file_write(path, versions, SIZE, &err) != BD_OK) {
                    _exit(1);
                }
            }
        }
        usleep(3000 + 977 * round);
        kill(child, SIGKILL);
        int status;
        waitpid(child, &status, 0);
        cr_assert(WIFSIGNALED(status), "the writer failed by itself");
        uint8_t *data;
        size_t size;
        cr_assert_eq(bd_file_read(path, SIZE, &data, &size, &err), BD_OK);
        cr_assert_eq(size, SIZE);
        if (round > 0) {
            cr_assert_eq(memcmp(data, data + 1, SIZE - 1), 0, "round %d mixes versions", round);
        }
        free(data);
        memset(versions, 0, SIZE);
        cr_assert_eq(bd_file_write(path, versions, SIZE, &err), BD_OK);
    }
    free(versions);
    free(path);
}

Test(core_file, write_needs_its_folder)
{
    struct bd_error err;
    char *path = bd_asprintf("%s/b/c/d", folder), *parent = bd_asprintf("%s/b/c", folder);
    cr_assert_eq(bd_file_write(path, "x", 1, &err), BD_INFRA);
    cr_assert_eq(bd_make_folder(parent, &err), BD_OK);
    cr_assert_eq(bd_make_folder(parent, &err), BD_OK, "a second time is no error");
    cr_assert_eq(bd_file_write(path, "x", 1, &err), BD_OK);
    cr_assert_eq(bd_make_folder(path, &err), BD_INFRA, "a file is in the way");
    struct stat info;
    stat(path, &info);
    mode_t mask = umask(0);
    umask(mask);
    cr_assert_eq(info.st_mode & 0777, 0666 & ~mask);
    free(parent);
    free(path);
}

/* "123456789" is the check value of the polynomial's catalogue entry (CRC-32/ISO-HDLC). */
Test(core_file, crc32_check_value)
{
    cr_assert_eq(bd_crc32("123456789", 9), 0xcbf43926u);
    cr_assert_eq(bd_crc32("", 0), 0);
}

/* Byte for byte what numpy.save writes for np.array([[1,-2,3],[4,5,6]], dtype='<i2'), header padding included. */
Test(core_file, npy_bytes)
{
    static const int16_t values[] = {1, -2, 3, 4, 5, 6};
    static const uint8_t tail[] = {1, 0, 0xfe, 0xff, 3, 0, 4, 0, 5, 0, 6, 0};
    const int64_t shape[] = {2, 3};
    struct bd_error err;
    char *path = bd_asprintf("%s/a.npy", folder);
    uint8_t *data;
    size_t size;
    cr_assert_eq(bd_npy_write(path, BD_NPY_I16, 2, shape, values, &err), BD_OK);
    cr_assert_eq(bd_file_read(path, 1000, &data, &size, &err), BD_OK);
    cr_assert_eq(size, 128 + sizeof tail);
    cr_assert_eq(memcmp(data, "\x93NUMPY\x01\x00\x76\x00", 10), 0);
    static const char header[] = "{'descr': '<i2', 'fortran_order': False, 'shape': (2, 3), }";
    cr_assert_eq(memcmp(data + 10, header, strlen(header)), 0, "%.118s", data + 10);
    for (size_t i = 10 + strlen(header); i < 127; i++) {
        cr_assert_eq(data[i], ' ');
    }
    cr_assert_eq(data[127], '\n');
    cr_assert_eq(memcmp(data + 128, tail, sizeof tail), 0);
    free(data);
    const int64_t one[] = {6};
    cr_assert_eq(bd_npy_write(path, BD_NPY_U8, 1, one, "abcdef", &err), BD_OK);
    cr_assert_eq(bd_file_read(path, 1000, &data, &size, &err), BD_OK);
    cr_assert_not_null(strstr((char *)data + 10, "{'descr': '|u1', 'fortran_order': False, 'shape': (6,), }"));
    cr_assert_eq(size, 128 + 6);
    free(data);
    cr_assert_eq(bd_npy_write(path, BD_NPY_U8, 0, one, "a", &err), BD_BAD_INPUT);
    cr_assert_eq(bd_npy_write(path, BD_NPY_U8, 9, one, "a", &err), BD_BAD_INPUT);
    const int64_t negative[] = {-1}, vast[] = {INT64_MAX, 8};
    cr_assert_eq(bd_npy_write(path, BD_NPY_U8, 1, negative, "a", &err), BD_BAD_INPUT);
    cr_assert_eq(bd_npy_write(path, BD_NPY_I64, 2, vast, "a", &err), BD_BAD_INPUT);
    free(path);
}

Test(core_error, text_and_prefix)
{
    struct bd_error err;
    cr_assert_eq(bd_fail(&err, BD_FAIL, "layer '%s' differs", "stem"), BD_FAIL);
    cr_assert_eq(bd_fail_prefix(&err, "image %d", 7), BD_FAIL);
    cr_assert_str_eq(err.message, "image 7: layer 'stem' differs");
    char *vast = bd_xmalloc(5000);
    memset(vast, 'x', 4999);
    vast[4999] = '\0';
    bd_fail(&err, BD_INFRA, "%s", vast);
    bd_fail_prefix(&err, "%s", vast);
    cr_assert_eq(strlen(err.message), sizeof err.message - 1);
    free(vast);
}

/* A product that overflows must abort rather than give a small block. */
Test(core_memory, overflow_aborts)
{
    for (int which = 0; which < 2; which++) {
        pid_t child = fork();
        if (child == 0) {
            fclose(stderr);
            volatile size_t count = SIZE_MAX / 4 + 2;
            void *block = which ? bd_xcalloc(count, 4) : bd_xrealloc(NULL, count, 4);
            _exit(block != NULL);
        }
        int status;
        waitpid(child, &status, 0);
        cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "status %x", status);
    }
    void *empty = bd_xcalloc(0, 8);
    cr_assert_not_null(empty);
    free(empty);
}
