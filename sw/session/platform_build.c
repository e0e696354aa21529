#include "sw/session/platform_build.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "model/core/clock.h"
#include "model/core/memory.h"
#include "sw/session/tree.h"

enum { BUILD_MS = 3600000, NOTICE_MS = 5000 };

static void become_builder(char *const *argv, int out)
{
    dup2(out, STDOUT_FILENO);
    execv(argv[0], argv);
    _exit(127);
}

/* Reads what the builder prints until it closes its end; false after BUILD_MS. Says what is waited for after 5 s, and
 * again each time that the wait has doubled. */
static bool read_line(const struct bd_session_options *options, const char *script, pid_t builder, int in, char *line,
                      size_t size)
{
    const double start = bd_seconds(CLOCK_MONOTONIC);
    double next = NOTICE_MS;
    for (size_t have = 0;;) {
        const double waited = 1000 * (bd_seconds(CLOCK_MONOTONIC) - start);
        struct pollfd wait = {.fd = in, .events = POLLIN};
        if (waited >= BUILD_MS) {
            return false;
        }
        if (waited >= next && options->notice) {
            char text[256];
            snprintf(text, sizeof text, "waiting for %s (pid %ld), which builds for '%.100s': %.0f s", script,
                     (long)builder, options->hardware_path, waited / 1000);
            options->notice(options->context, text);
            next = 2 * waited;
        }
        if (poll(&wait, 1, 500) <= 0) {
            continue;
        }
        char more[512];
        ssize_t got = read(in, more, sizeof more);
        if (got == 0 || (got < 0 && errno != EINTR)) {
            line[have] = '\0';
            return true;
        }
        size_t room = size - 1 - have, part = got > 0 ? (size_t)got : 0;
        part = part < room ? part : room;
        memcpy(line + have, more, part);
        have += part;
    }
}

static bd_status run_builder(const struct bd_session_options *options, const char *script, char *const *argv,
                             char *line, size_t size, int *code, struct bd_error *err)
{
    int pair[2];
    if (pipe2(pair, O_CLOEXEC) != 0) {
        return bd_fail(err, BD_INFRA, "cannot run %s: %s", script, strerror(errno));
    }
    pid_t child = fork();
    if (child == 0) {
        become_builder(argv, pair[1]);
    }
    close(pair[1]);
    if (child < 0) {
        close(pair[0]);
        return bd_fail(err, BD_INFRA, "cannot run %s: %s", script, strerror(errno));
    }
    bool ended = read_line(options, script, child, pair[0], line, size);
    close(pair[0]);
    if (!ended) {
        kill(child, SIGTERM);
    }
    while (waitpid(child, code, 0) < 0 && errno == EINTR) {
    }
    return ended ? BD_OK
                 : bd_fail(err, BD_INFRA, "%s did not end within %d minutes: it was ended", script, BUILD_MS / 60000);
}

bd_status bd_tree_build(const struct bd_session_options *options, const char *script, const char *const *arguments,
                        char **path, struct bd_error *err)
{
    char root[PATH_MAX], hardware[PATH_MAX], line[PATH_MAX];
    int code = 0;
    bd_status status = bd_tree_find(root, err);
    if (status != BD_OK) {
        return status;
    }
    if (!realpath(options->hardware_path, hardware)) {
        return bd_fail(err, BD_BAD_INPUT, "cannot open '%s': %s", options->hardware_path, strerror(errno));
    }
    char *file = bd_asprintf("%s/%s", root, script);
    char *argv[12] = {"/bin/sh", file};
    int n = 2;
    for (; *arguments; arguments++) {
        argv[n++] = (char *)*arguments;
    }
    argv[n] = hardware;
    status = run_builder(options, script, argv, line, sizeof line, &code, err);
    free(file);
    if (status != BD_OK) {
        return status;
    }
    line[strcspn(line, "\n")] = '\0';
    if (!*line || code != 0) {
        return bd_fail(err, BD_INFRA, "%s did not build for '%s' (exit code %d)", script, options->hardware_path,
                       WIFEXITED(code) ? WEXITSTATUS(code) : -1);
    }
    *path = bd_xstrdup(line);
    return BD_OK;
}

bd_status bd_platform_build(const struct bd_session_options *options, char **path, struct bd_error *err)
{
    const char *const arguments[] = {"--target", options->device,
                                     options->trace || options->rtl_fault ? "--debug" : NULL, NULL};
    return bd_tree_build(options, "sim/build.sh", arguments, path, err);
}
