/* The rule for outputs: links, devices, pipes, modes; what may be replaced; inputs; one writer. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "model/core/file.h"
#include "model/core/memory.h"
#include "model/core/output.h"
#include "tests/support/temporary_folder.h"

TestSuite(core_output, .init = make_folder, .fini = remove_folder);

static char *in_folder(const char *name)
{
    return bd_asprintf("%s/%s", folder, name);
}

/* By plain stdio: not by what is tested. */
static void put(const char *path, const char *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    cr_assert(file && fwrite(bytes, 1, size, file) == size && fclose(file) == 0);
}

static void holds(const char *path, const char *text)
{
    char found[64] = "";
    FILE *file = fopen(path, "rb");
    cr_assert(file && fread(found, 1, sizeof found - 1, file) == strlen(text), "'%s'", path);
    cr_assert_str_eq(found, text);
    fclose(file);
}

Test(core_output, mode_stays)
{
    struct bd_error err;
    struct stat info;
    char *path = in_folder("a");
    put(path, "old", 3);
    for (mode_t mode = 0400; mode <= 0755; mode += 0155) {
        cr_assert_eq(chmod(path, mode), 0);
        cr_assert_eq(bd_file_write(path, "new", 3, &err), BD_OK);
        cr_assert_eq(stat(path, &info), 0);
        cr_assert_eq(info.st_mode & 07777, mode, "%o became %o", mode, info.st_mode & 07777);
    }
    free(path);
}

/* The link stays, the file at its end is replaced; also where it is made, where links are relative and in a row. */
Test(core_output, links_stay)
{
    struct bd_error err;
    struct stat info;
    char *sub = in_folder("sub"), *target = in_folder("sub/t"), *one = in_folder("sub/one"), *two = in_folder("two");
    cr_assert_eq(mkdir(sub, 0777), 0);
    cr_assert_eq(symlink("t", one), 0);
    cr_assert_eq(symlink("sub/one", two), 0);
    for (int round = 0; round < 2; round++) { /* first with nothing at the end */
        const char *text = round ? "second" : "first";
        cr_assert_eq(bd_file_write(two, text, strlen(text), &err), BD_OK, "%s", err.message);
        cr_assert(lstat(two, &info) == 0 && S_ISLNK(info.st_mode));
        cr_assert(lstat(one, &info) == 0 && S_ISLNK(info.st_mode));
        cr_assert(lstat(target, &info) == 0 && S_ISREG(info.st_mode));
        holds(target, text);
    }
    char *found = bd_output_target(two);
    cr_assert(stat(found, &info) == 0);
    free(found);
    cr_assert_eq(unlink(one), 0);
    cr_assert_eq(symlink("one", one), 0); /* a circle */
    cr_assert_neq(bd_file_write(two, "x", 1, &err), BD_OK);
    free(sub);
    free(target);
    free(one);
    free(two);
}

Test(core_output, pipes_and_devices_are_written)
{
    struct bd_error err;
    struct stat info;
    char *pipe = in_folder("pipe"), *null = in_folder("null"), *large = bd_xcalloc(1, 1 << 20);
    cr_assert_eq(mkfifo(pipe, 0600), 0);
    cr_assert_eq(symlink("/dev/null", null), 0);
    cr_assert_eq(bd_file_write(null, "x", 1, &err), BD_OK);
    cr_assert(stat("/dev/null", &info) == 0 && S_ISCHR(info.st_mode));
    cr_assert_null(bd_output_target(null));
    pid_t reader = fork();
    if (reader == 0) { /* opens late, and reads more than a pipe holds */
        usleep(50000);
        size_t count = 0;
        char bytes[4096];
        int fd = open(pipe, O_RDONLY);
        for (ssize_t got; (got = read(fd, bytes, sizeof bytes)) > 0; count += got) {
        }
        _exit(count == 1 << 20 ? 0 : 1);
    }
    int how;
    cr_assert_eq(bd_file_write(pipe, large, 1 << 20, &err), BD_OK, "%s", err.message);
    cr_assert(waitpid(reader, &how, 0) == reader && WIFEXITED(how) && WEXITSTATUS(how) == 0);
    cr_assert(lstat(pipe, &info) == 0 && S_ISFIFO(info.st_mode));
    cr_assert_eq(bd_output_check(pipe, BD_OUTPUT_PROGRAM, "no", NULL, &err), BD_OK);
    cr_assert_eq(bd_output_check(pipe, BD_OUTPUT_TRACE, NULL, NULL, &err), BD_BAD_INPUT);
    cr_assert_eq(bd_file_write("/dev/full", "x", 1, &err), BD_INFRA);
    cr_assert_str_eq(err.message, "cannot write '/dev/full': No space left on device");
    cr_assert_eq(bd_file_write(folder, "x", 1, &err), BD_BAD_INPUT);
    free(pipe);
    free(null);
    free(large);
}

/* The longest name that a folder takes can be written: the temporary file's is its own. */
Test(core_output, long_names)
{
    struct bd_error err;
    char name[256];
    memset(name, 'n', 255);
    name[255] = 0;
    char *path = in_folder(name);
    cr_assert_eq(bd_file_write(path, "x", 1, &err), BD_OK, "%s", err.message);
    holds(path, "x");
    free(path);
}

Test(core_output, only_its_own_kind_is_replaced)
{
    static const struct {
        enum bd_output_kind kind;
        const char *bytes;
        size_t size;
    } heads[] = {
        {BD_OUTPUT_CHECKPOINT, "BITDIALC\1\0\0\0", 12},
        {BD_OUTPUT_PROGRAM, "BDP1\0\0", 6},
        {BD_OUTPUT_JOURNAL, "{\"crc\":\"00000000\",", 18},
        {BD_OUTPUT_LOG, "{\"event\":\"step\"}", 16},
        {BD_OUTPUT_ARRAY, "\x93NUMPY\1\0", 8},
        {BD_OUTPUT_DRAWING, "<?xml version", 13},
        {BD_OUTPUT_TRACE, "\0\0\0\0\0\0\0\1\x49\0", 10},
        {BD_OUTPUT_TEXT, "name: net\n", 10},
    };
    struct bd_error err;
    char *path = in_folder("a");
    for (size_t there = 0; there < sizeof heads / sizeof *heads; there++) {
        put(path, heads[there].bytes, heads[there].size);
        for (size_t now = 0; now < sizeof heads / sizeof *heads; now++) {
            bd_status status = bd_output_check(path, heads[now].kind, NULL, NULL, &err);
            cr_assert_eq(status, now == there ? BD_OK : BD_BAD_INPUT, "%zu over %zu", now, there);
        }
        cr_assert_eq(bd_output_check(path, heads[there].kind, "--force replaces it", NULL, &err), BD_BAD_INPUT);
        cr_assert_not_null(strstr(err.message, "is there already: --force replaces it"), "%s", err.message);
    }
    put(path, "", 0);
    cr_assert_eq(bd_output_check(path, BD_OUTPUT_CHECKPOINT, "no", NULL, &err), BD_OK, "an empty file");
    put(path, "\x7f\0ELF", 5);
    cr_assert_eq(bd_output_check(path, BD_OUTPUT_TEXT, NULL, NULL, &err), BD_BAD_INPUT, "bytes of no known kind");
    cr_assert_eq(bd_output_check(folder, BD_OUTPUT_TEXT, NULL, NULL, &err), BD_BAD_INPUT);
    cr_assert_eq(unlink(path), 0);
    cr_assert_eq(bd_output_check(path, BD_OUTPUT_TEXT, "no", NULL, &err), BD_OK, "nothing there");
    free(path);
}

Test(core_output, an_input_is_no_output)
{
    struct bd_error err;
    char *input = in_folder("in"), *hard = in_folder("hard"), *soft = in_folder("soft"), *other = in_folder("other");
    const char *const inputs[] = {"", "/nowhere/at/all", input, NULL};
    put(input, "name: net\n", 10);
    put(other, "name: net\n", 10);
    cr_assert(link(input, hard) == 0 && symlink("in", soft) == 0);
    const char *const outputs[] = {input, hard, soft};
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(bd_output_check(outputs[i], BD_OUTPUT_TEXT, NULL, inputs, &err), BD_BAD_INPUT, "%s", outputs[i]);
        cr_assert_not_null(strstr(err.message, "input"), "%s", err.message);
    }
    cr_assert_eq(bd_output_check(other, BD_OUTPUT_TEXT, NULL, inputs, &err), BD_OK);
    free(input);
    free(hard);
    free(soft);
    free(other);
}

/* A child holds the lock: by any name of the file it is refused here, and after a kill it is free. */
Test(core_output, one_writer)
{
    struct bd_error err;
    struct bd_output_lock lock, second;
    char *path = in_folder("a"), *name = in_folder("l"), *file = in_folder("a.lock"), *missing = in_folder("no/a");
    int ready[2];
    char byte;
    cr_assert(symlink("a", name) == 0 && pipe(ready) == 0);
    pid_t child = fork();
    if (child == 0) {
        byte = bd_output_lock(&lock, path, &err) == BD_OK ? 'y' : 'n';
        (void)!write(ready[1], &byte, 1);
        pause();
        _exit(0);
    }
    cr_assert(read(ready[0], &byte, 1) == 1 && byte == 'y');
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(bd_output_lock(&second, i ? name : path, &err), BD_INFRA);
        cr_assert_not_null(strstr(err.message, "is in use by "), "%s", err.message);
        char *pid = bd_asprintf("process %ld (", (long)child);
        cr_assert(strstr(err.message, pid) || strstr(err.message, "another process"), "%s", err.message);
        free(pid);
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    cr_assert_eq(access(file, F_OK), 0);
    cr_assert_eq(bd_output_lock(&second, name, &err), BD_OK, "%s", err.message);
    bd_output_unlock(&second);
    cr_assert_neq(access(file, F_OK), 0, "the lock's file was left");
    cr_assert_eq(bd_output_lock(&second, "/dev/null", &err), BD_OK);
    bd_output_unlock(&second);
    cr_assert_eq(bd_output_lock(&second, missing, &err), BD_INFRA);
    free(path);
    free(name);
    free(file);
    free(missing);
}
