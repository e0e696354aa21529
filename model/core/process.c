#include "model/core/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "model/core/clock.h"
#include "model/core/memory.h"

enum { STEP_MS = 200, WAITING_MS = 500 };
#define OUTPUT_MOST ((size_t)64 << 20)

struct run {
    const struct bd_process *process;
    pid_t pid;
    int in, log; /* files opened before the fork: its stdin, its log or -1 */
    double began, told;
    char *output;
    size_t size, room;
};

/* In the new process; never returns. Tells errno through `failed` where the program cannot be started. */
static void become(const struct run *run, int out, int failed, pid_t parent)
{
    const struct bd_process *p = run->process;
    const int errors = p->errors == BD_PROCESS_JOIN ? out : p->errors == BD_PROCESS_LOG ? run->log : STDERR_FILENO;
    if (!p->foreground) {
        setpgid(0, 0); /* a Ctrl-C is for the caller */
    }
    if (!p->outlives) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    }
    if ((p->outlives || getppid() == parent) && dup2(run->in, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0 &&
        dup2(errors, STDERR_FILENO) >= 0) {
        execvp(p->argv[0], (char *const *)p->argv);
    }
    const int code = errno;
    (void)!write(failed, &code, sizeof code);
    _exit(127);
}

static void tell_waiting(struct run *run)
{
    const double now = bd_seconds(CLOCK_MONOTONIC);
    if (run->process->waiting && 1000 * (now - run->told) >= WAITING_MS) {
        run->told = now;
        run->process->waiting(run->process->context, (long)run->pid, now - run->began);
    }
}

static bool is_over(const struct run *run)
{
    return bd_seconds(CLOCK_MONOTONIC) - run->began >= run->process->seconds;
}

static void keep(struct run *run, const char *more, size_t got)
{
    const size_t most = run->process->most ? run->process->most : OUTPUT_MOST;
    got = got < most - run->size ? got : most - run->size;
    if (run->size + got + 1 > run->room) {
        run->room = 2 * (run->size + got + 1);
        run->output = bd_xrealloc(run->output, run->room, 1);
    }
    memcpy(run->output + run->size, more, got);
    run->size += got;
    run->output[run->size] = '\0';
}

/* Reads until the program closes its end, or its time is over. */
static void read_all(struct run *run, int from)
{
    while (!is_over(run)) {
        struct pollfd wait = {.fd = from, .events = POLLIN};
        char more[4096];
        tell_waiting(run);
        if (poll(&wait, 1, STEP_MS) <= 0) {
            continue;
        }
        const ssize_t got = read(from, more, sizeof more);
        if (got == 0 || (got < 0 && errno != EINTR)) {
            return;
        }
        keep(run, more, got > 0 ? (size_t)got : 0);
    }
}

/* Waits for its end, killing it once its time is over. */
static int reap(struct run *run)
{
    const pid_t whom = run->process->foreground ? run->pid : -run->pid;
    int how = 0;
    bool killed = false;
    for (pid_t got = 0; got != run->pid;) {
        got = waitpid(run->pid, &how, WNOHANG);
        if (got < 0 && errno != EINTR) {
            break;
        }
        if (got == 0 && !killed && is_over(run)) {
            kill(whom, SIGKILL);
            killed = true;
        }
        if (got == 0) {
            tell_waiting(run);
            nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        }
    }
    if (!run->process->foreground) {
        kill(whom, SIGKILL); /* what it may have left */
    }
    return killed ? BD_PROCESS_TIMED_OUT : WIFEXITED(how) ? WEXITSTATUS(how) : BD_PROCESS_SIGNALLED;
}

static bd_status open_files(struct run *run, struct bd_error *err)
{
    const struct bd_process *p = run->process;
    const char *input = p->input ? p->input : "/dev/null";
    run->in = open(input, O_RDONLY | O_CLOEXEC);
    if (run->in < 0) {
        return bd_fail(err, BD_INFRA, "cannot open '%s' for '%s': %s", input, p->argv[0], strerror(errno));
    }
    if (p->errors == BD_PROCESS_LOG) {
        run->log = open(p->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
        if (run->log < 0) {
            return bd_fail(err, BD_INFRA, "cannot write '%s', the log of '%s': %s", p->log, p->argv[0],
                           strerror(errno));
        }
    }
    return BD_OK;
}

/* Starts the program; *from: where its output comes from. */
static bd_status start(struct run *run, int *from, struct bd_error *err)
{
    int out[2], failed[2], code = 0;
    const char *name = run->process->argv[0];
    if (pipe2(out, O_CLOEXEC) != 0) {
        return bd_fail(err, BD_INFRA, "cannot start '%s': %s", name, strerror(errno));
    }
    if (pipe2(failed, O_CLOEXEC) != 0) {
        code = errno;
        close(out[0]);
        close(out[1]);
        return bd_fail(err, BD_INFRA, "cannot start '%s': %s", name, strerror(code));
    }
    const pid_t parent = getpid();
    run->pid = fork();
    if (run->pid == 0) {
        become(run, out[1], failed[1], parent);
    }
    code = run->pid < 0 ? errno : 0;
    close(out[1]);
    close(failed[1]);
    while (run->pid > 0 && read(failed[0], &code, sizeof code) < 0 && errno == EINTR) {
    }
    close(failed[0]);
    *from = out[0];
    if (code) {
        close(out[0]);
        while (run->pid > 0 && waitpid(run->pid, NULL, 0) < 0 && errno == EINTR) {
        }
        return bd_fail(err, BD_INFRA, "cannot start '%s': %s", name, strerror(code));
    }
    return BD_OK;
}

bd_status bd_process_run(const struct bd_process *process, char **output, int *code, struct bd_error *err)
{
    struct run run = {.process = process, .in = -1, .log = -1};
    int from = -1;
    *output = NULL;
    run.began = run.told = bd_seconds(CLOCK_MONOTONIC);
    bd_status status = open_files(&run, err);
    status = status ? status : start(&run, &from, err);
    if (!status) {
        keep(&run, "", 0);
        read_all(&run, from);
        close(from);
        *code = reap(&run);
        *output = run.output;
    }
    if (run.in >= 0) {
        close(run.in);
    }
    if (run.log >= 0) {
        close(run.log);
    }
    return status;
}
