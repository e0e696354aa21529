#include "model/runs/command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "model/core/clock.h"
#include "model/core/memory.h"

#define TEXT_LIMIT ((size_t)64 << 20)

/* In the new process: never returns. */
static void become(const char *const *argv, int output)
{
    const int null = open("/dev/null", O_RDONLY);
    setpgid(0, 0); /* a Ctrl-C is for the caller */
    if (null >= 0 && dup2(null, STDIN_FILENO) >= 0 && dup2(output, STDOUT_FILENO) >= 0 &&
        dup2(output, STDERR_FILENO) >= 0) {
        execvp(argv[0], (char *const *)argv);
    }
    dprintf(output, "cannot start '%s': %s\n", argv[0], strerror(errno));
    _exit(127);
}

/* False: too long. */
static bool read_all(int fd, double seconds, char **text)
{
    const double until = bd_seconds(CLOCK_MONOTONIC) + seconds;
    size_t size = 0;
    *text = bd_xstrdup("");
    for (;;) {
        char part[4096];
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        const double left = until - bd_seconds(CLOCK_MONOTONIC);
        if (left <= 0 || size > TEXT_LIMIT) {
            return false;
        }
        if (poll(&wait, 1, (int)(1000 * left) + 1) <= 0) {
            continue;
        }
        const ssize_t got = read(fd, part, sizeof part);
        if (got == 0) {
            return true;
        }
        if (got > 0) {
            *text = bd_xrealloc(*text, size + (size_t)got + 1, 1);
            memcpy(*text + size, part, (size_t)got);
            size += (size_t)got;
            (*text)[size] = 0;
        } else if (errno != EINTR) {
            return true;
        }
    }
}

bd_status bd_runs_command(const char *const *argv, double seconds, char **text, int *code, struct bd_error *err)
{
    int ends[2], how;
    *text = NULL;
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return bd_fail(err, BD_INFRA, "cannot make a pipe: %s", strerror(errno));
    }
    const pid_t pid = fork();
    if (pid == 0) {
        become(argv, ends[1]);
    }
    close(ends[1]);
    bd_status status = pid < 0 ? bd_fail(err, BD_INFRA, "cannot start a process: %s", strerror(errno)) : BD_OK;
    if (!status && !read_all(ends[0], seconds, text)) {
        kill(-pid, SIGKILL);
        kill(pid, SIGKILL);
        status = bd_fail(err, BD_INFRA, "'%s' took longer than %g s", argv[0], seconds);
    }
    close(ends[0]);
    while (pid > 0 && waitpid(pid, &how, 0) < 0 && errno == EINTR) {
    }
    if (!status) {
        *code = WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
    }
    if (!status && *code == 127) {
        status = bd_fail(err, BD_INFRA, "%.*s", (int)strcspn(*text, "\n"), *text);
    }
    if (status) {
        free(*text);
        *text = NULL;
    }
    return status;
}
