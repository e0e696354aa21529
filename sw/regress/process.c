#include "sw/regress/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "model/core/clock.h"
#include "model/core/memory.h"

enum { OUTPUT_MOST = 1 << 20, STEP_MS = 200 };

static void become(char *const *argv, int out, int log, pid_t parent)
{
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(127);
    const int in = open("/dev/null", O_RDONLY);
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    execvp(argv[0], argv);
    _exit(127);
}

/* Reads until the program closes its end; false when its time is over. */
static bool read_all(int in, double until, char *output, size_t *size)
{
    for (;;) {
        struct pollfd wait = {.fd = in, .events = POLLIN};
        if (bd_seconds(CLOCK_MONOTONIC) >= until)
            return false;
        if (poll(&wait, 1, STEP_MS) <= 0)
            continue;
        char more[4096];
        const ssize_t got = read(in, more, sizeof more);
        if (got == 0 || (got < 0 && errno != EINTR))
            return true;
        const size_t room = OUTPUT_MOST - *size, part = got > 0 ? (size_t)got : 0;
        memcpy(output + *size, more, part < room ? part : room);
        *size += part < room ? part : room;
    }
}

/* Waits for the program, killing it once its time is over. */
static int reap(pid_t child, double until)
{
    int status = 0;
    bool killed = false;
    for (pid_t got = 0; got != child;) {
        got = waitpid(child, &status, WNOHANG);
        if (got < 0 && errno != EINTR)
            break;
        if (got == 0 && !killed && bd_seconds(CLOCK_MONOTONIC) >= until) {
            kill(-child, SIGKILL);
            killed = true;
        }
        if (got == 0)
            nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    kill(-child, SIGKILL); /* what it may have left */
    return killed ? BD_PROCESS_TIMED_OUT : WIFEXITED(status) ? WEXITSTATUS(status) : BD_PROCESS_SIGNALLED;
}

bd_status bd_process_run(char *const *argv, double seconds, const char *log, char **output, int *code,
                         struct bd_error *err)
{
    int pair[2];
    const int file = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (file < 0 || pipe2(pair, O_CLOEXEC) != 0) {
        bd_fail(err, BD_INFRA, "cannot run '%s': %s: %s", argv[0], log, strerror(errno));
        if (file >= 0)
            close(file);
        return err->status;
    }
    const pid_t parent = getpid(), child = fork();
    if (child == 0)
        become(argv, pair[1], file, parent);
    close(pair[1]);
    close(file);
    if (child < 0) {
        close(pair[0]);
        return bd_fail(err, BD_INFRA, "cannot run '%s': %s", argv[0], strerror(errno));
    }
    size_t size = 0;
    *output = bd_xmalloc(OUTPUT_MOST + 1);
    const double until = bd_seconds(CLOCK_MONOTONIC) + seconds;
    const bool ended = read_all(pair[0], until, *output, &size);
    close(pair[0]);
    (*output)[size] = '\0';
    *code = reap(child, ended ? until : 0);
    return BD_OK;
}
