/* Points as processes of this machine: a worker for each, forked, which runs the point and writes its result. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "model/core/memory.h"
#include "model/runs/runs_parts.h"

#define SAYS 1024
#define LOCK_SECONDS 10.0 /* for an attempt that is being killed */

struct worker {
    pid_t pid;
    size_t index;
    int output;      /* what it says: "pid N\n", then an error; closed when it has ended */
    char said[SAYS]; /* so far */
    size_t length;
};

struct local {
    struct bd_runs_executor x;
    struct worker workers[BD_RUNS_JOBS];
    int busy, lock;
};

/* In the worker: never returns. */
static void work(const struct local *l, size_t index, int attempt, int report, pid_t parent)
{
    struct bd_error err;
    setpgid(0, 0); /* a Ctrl-C is for the caller */
    signal(SIGINT, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    if (l->lock >= 0) {
        close(l->lock); /* the folder is free when the caller has gone */
    }
    sigset_t term;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, NULL);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) {
        _exit(BD_RUNS_WORK_STOPPED);
    }
    const int end = bd_runs_work(l->x.dir, &l->x.plan->entries[index], attempt, LOCK_SECONDS, report, &err);
    if (end == BD_RUNS_WORK_FAILED || end < 0) {
        dprintf(report, "%s %s\n", end < 0 ? "lost" : "error", err.message);
    }
    _exit(end < 0 ? BD_RUNS_WORK_FAILED : end);
}

static bd_status start(struct bd_runs_executor *x, size_t index, int attempt, struct bd_error *err)
{
    struct local *l = (struct local *)x;
    int ends[2];
    const pid_t parent = getpid();
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return bd_fail(err, BD_INFRA, "cannot make a pipe: %s", strerror(errno));
    }
    const pid_t pid = fork();
    if (pid == 0) {
        work(l, index, attempt, ends[1], parent);
    }
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return bd_fail(err, BD_INFRA, "cannot start a worker: %s", strerror(errno));
    }
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    l->workers[l->busy++] = (struct worker){.pid = pid, .index = index, .output = ends[0]};
    return BD_OK;
}

/* Takes what a worker says; true when it has said all, which is when it has ended. */
static bool listen_to(struct worker *w)
{
    for (;;) {
        char rest[256];
        const size_t room = SAYS - 1 - w->length;
        ssize_t got = room ? read(w->output, w->said + w->length, room) : read(w->output, rest, sizeof rest);
        if (got == 0) {
            return true;
        }
        if (got < 0) {
            return errno != EINTR && errno != EAGAIN;
        }
        w->length += room ? (size_t)got : 0;
        w->said[w->length] = 0;
    }
}

static void tell(const struct worker *w, int how, struct bd_runs_ended *ended)
{
    const char *newline = strchr(w->said, '\n'), *last = w->said;
    if (!strncmp(w->said, "pid ", 4) && newline) {
        last = newline + 1;
    }
    *ended = (struct bd_runs_ended){.index = w->index, .how = BD_RUNS_HAS_ENDED};
    if (WIFSIGNALED(how)) {
        ended->how = BD_RUNS_WAS_LOST;
        snprintf(ended->message, sizeof ended->message, "its worker was ended by signal %d", WTERMSIG(how));
    } else if (WEXITSTATUS(how) == BD_RUNS_WORK_STOPPED) {
        ended->how = BD_RUNS_WAS_STOPPED;
    } else if (WEXITSTATUS(how) != BD_RUNS_WORK_DONE) {
        const bool lost = !strncmp(last, "lost ", 5), error = !strncmp(last, "error ", 6);
        ended->how = lost ? BD_RUNS_WAS_LOST : BD_RUNS_CANNOT_WORK;
        snprintf(ended->message, sizeof ended->message, "%.*s",
                 (int)strcspn(last + (lost    ? 5
                                      : error ? 6
                                              : 0),
                              "\n"),
                 lost || error ? last + (lost ? 5 : 6) : "its worker ended without a word");
    }
}

/* What is left of a worker that was killed itself: the point's own process has died with it, its children have not. */
static void clear_up(struct worker *w, struct bd_runs_ended *ended)
{
    int how;
    long group;
    const bool told = sscanf(w->said, "pid %ld", &group) == 1 && group > 1;
    while (waitpid(w->pid, &how, 0) < 0 && errno == EINTR) {
    }
    if (WIFSIGNALED(how) && told) {
        kill((pid_t)-group, SIGKILL);
    }
    close(w->output);
    tell(w, how, ended);
}

static bd_status wait_for(struct bd_runs_executor *x, int milliseconds, struct bd_runs_ended *ended, size_t room,
                          size_t *count, struct bd_error *err)
{
    struct local *l = (struct local *)x;
    struct pollfd fds[BD_RUNS_JOBS];
    (void)err;
    *count = 0;
    for (int i = 0; i < l->busy; i++) {
        fds[i] = (struct pollfd){.fd = l->workers[i].output, .events = POLLIN};
    }
    if (poll(fds, (nfds_t)l->busy, milliseconds) <= 0) {
        return BD_OK; /* nothing, or a signal that the caller looks at */
    }
    int kept = 0;
    for (int i = 0; i < l->busy; i++) {
        if (*count < room && fds[i].revents && listen_to(&l->workers[i])) {
            clear_up(&l->workers[i], &ended[(*count)++]);
        } else {
            l->workers[kept++] = l->workers[i];
        }
    }
    l->busy = kept;
    return BD_OK;
}

static void stop(struct bd_runs_executor *x)
{
    struct local *l = (struct local *)x;
    for (int i = 0; i < l->busy; i++) {
        kill(l->workers[i].pid, SIGTERM);
    }
}

static void close_local(struct bd_runs_executor *x)
{
    struct local *l = (struct local *)x;
    for (int i = 0; i < l->busy; i++) { /* none, unless the caller gave up */
        struct bd_runs_ended ignored;
        kill(l->workers[i].pid, SIGKILL);
        clear_up(&l->workers[i], &ignored);
    }
    free(l);
}

struct bd_runs_executor *bd_runs_local_open(const char *dir, const struct bd_runs_plan *plan, int jobs, int keep_from)
{
    struct local *l = bd_xcalloc(1, sizeof *l);
    l->x = (struct bd_runs_executor){start, wait_for, stop, close_local, dir, plan, jobs};
    l->lock = keep_from;
    return &l->x;
}
