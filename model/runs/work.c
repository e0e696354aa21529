/* One point, held to its limits, and its result. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "model/core/clock.h"
#include "model/core/file.h"
#include "model/core/memory.h"
#include "model/core/output.h"
#include "model/runs/runs_parts.h"

#define LOOK_FIRST 0.005          /* s from the start to the first look at it, */
#define LOOK_MOST 0.1             /* and between two later ones */
#define TASK_LOCK_SECONDS 86400.0 /* in a job: for an earlier one of the same point */
#define TAIL 4096                 /* bytes of stderr in which the last line stands */
#define DEPTH 64                  /* of processes that start processes */

/* Why it is being ended. */
enum ending { NOT_ENDED, OVER_TIME, OVER_MEMORY, STOPPED };

struct work {
    const char *dir;
    const struct bd_runs_entry *entry;
    pid_t pid; /* of the point, which leads a process group */
    double started, kill_at;
    enum ending ending;
    double peak_mib, own_mib;
    double waited; /* s that its threads have stood ready for a processor */
    sigset_t signals;
};

/* ---- looking at it ---- */

/* What a process and all that it started hold and wait for, now. */
struct look {
    double resident_mib, waited;
};

static double resident_of(pid_t pid)
{
    char path[64];
    long pages = 0;
    snprintf(path, sizeof path, "/proc/%ld/statm", (long)pid);
    FILE *file = fopen(path, "re");
    if (file) {
        if (fscanf(file, "%*d %ld", &pages) != 1) {
            pages = 0;
        }
        fclose(file);
    }
    return (double)pages * (double)sysconf(_SC_PAGESIZE) / (1 << 20);
}

/* A file of a thread, opened; NULL where the thread has gone. */
static FILE *of_thread(pid_t pid, const char *thread, const char *name)
{
    char path[400];
    snprintf(path, sizeof path, "/proc/%ld/task/%.20s/%s", (long)pid, thread, name);
    return fopen(path, "re");
}

/* Calls `visit` for each child of each thread of a process. */
static void each_child(pid_t pid, void (*visit)(void *context, pid_t child, int depth), void *context, int depth)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%ld/task", (long)pid);
    DIR *threads = opendir(path);
    struct dirent *thread;
    while (threads && (thread = readdir(threads))) {
        long child;
        FILE *file = thread->d_name[0] == '.' ? NULL : of_thread(pid, thread->d_name, "children");
        while (file && fscanf(file, "%ld", &child) == 1) {
            visit(context, (pid_t)child, depth);
        }
        if (file) {
            fclose(file);
        }
    }
    if (threads) {
        closedir(threads);
    }
}

/* Seconds that the threads of a process have stood ready, without a processor. */
static double waited_of(pid_t pid)
{
    char path[64];
    double sum = 0;
    snprintf(path, sizeof path, "/proc/%ld/task", (long)pid);
    DIR *threads = opendir(path);
    struct dirent *thread;
    while (threads && (thread = readdir(threads))) {
        double nanoseconds;
        FILE *file = thread->d_name[0] == '.' ? NULL : of_thread(pid, thread->d_name, "schedstat");
        if (file && fscanf(file, "%*f %lf", &nanoseconds) == 1) {
            sum += 1e-9 * nanoseconds;
        }
        if (file) {
            fclose(file);
        }
    }
    if (threads) {
        closedir(threads);
    }
    return sum;
}

static void look_at(void *context, pid_t pid, int depth)
{
    struct look *look = context;
    look->resident_mib += resident_of(pid);
    look->waited += waited_of(pid);
    if (depth < DEPTH) {
        each_child(pid, look_at, look, depth + 1);
    }
}

/* ---- the point's process ---- */

/* In the new process: never returns. */
static void become(const struct work *w, pid_t parent, int out, int error, int failure)
{
    const struct bd_runs_point *point = &w->entry->point;
    const int null = open("/dev/null", O_RDONLY);
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(127);
    }
    sigaction(SIGINT, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
    sigaction(SIGTERM, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (size_t i = 0; point->environment && point->environment[i]; i++) {
        char *name = bd_xstrdup(point->environment[i]), *equal = strchr(name, '=');
        *equal = 0;
        setenv(name, equal + 1, 1);
        free(name);
    }
    if (null >= 0 && dup2(null, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0 &&
        dup2(error, STDERR_FILENO) >= 0) {
        execvp(point->argv[0], (char *const *)point->argv);
    }
    const int code = errno;
    if (write(failure, &code, sizeof code) < 0) {
        _exit(126);
    }
    _exit(127);
}

static int create(const struct work *w, const char *file, struct bd_error *err)
{
    char *path = bd_runs_path(w->dir, w->entry->point.name, file);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) {
        bd_fail(err, BD_INFRA, "cannot write '%s': %s", path, strerror(errno));
    }
    free(path);
    return fd;
}

/* *code: errno of a program that cannot be started, else 0. */
static bd_status start(struct work *w, int *code, struct bd_error *err)
{
    int ends[2] = {-1, -1}, out = create(w, "stdout", err), error = out < 0 ? -1 : create(w, "stderr", err);
    bd_status status = error < 0 ? err->status : BD_OK;
    if (!status && pipe2(ends, O_CLOEXEC) != 0) {
        status = bd_fail(err, BD_INFRA, "cannot make a pipe: %s", strerror(errno));
    }
    if (!status) {
        struct rusage usage;
        const pid_t parent = getpid();
        getrusage(RUSAGE_SELF, &usage);
        w->own_mib = (double)usage.ru_maxrss / 1024;
        w->started = bd_seconds(CLOCK_MONOTONIC);
        w->pid = fork();
        if (w->pid == 0) {
            become(w, parent, out, error, ends[1]);
        }
        if (w->pid < 0) {
            status = bd_fail(err, BD_INFRA, "cannot start a process: %s", strerror(errno));
        } else {
            setpgid(w->pid, w->pid); /* whoever is first */
        }
        close(ends[1]);
        *code = 0;
        while (!status && read(ends[0], code, sizeof *code) < 0 && errno == EINTR) {
        }
        close(ends[0]);
    }
    if (out >= 0) {
        close(out);
    }
    if (error >= 0) {
        close(error);
    }
    return status;
}

static void end_it(struct work *w, enum ending why, int signal_number)
{
    if (!w->ending) {
        w->ending = why;
        kill(-w->pid, signal_number);
        w->kill_at = bd_seconds(CLOCK_MONOTONIC) + BD_RUNS_KILL_SECONDS;
    }
}

static double look(struct work *w)
{
    struct look seen = {0};
    look_at(&seen, w->pid, 0);
    w->peak_mib = seen.resident_mib > w->peak_mib ? seen.resident_mib : w->peak_mib;
    w->waited = seen.waited > w->waited ? seen.waited : w->waited;
    return seen.resident_mib;
}

/* Until the point's process has ended, which stays to be waited for. */
static void watch(struct work *w)
{
    const struct bd_runs_point *point = &w->entry->point;
    double pause = LOOK_FIRST;
    look(w);
    for (;;) {
        siginfo_t info = {0};
        const struct timespec time = {.tv_nsec = (long)(pause * 1e9)};
        const int signal_number = sigtimedwait(&w->signals, NULL, &time);
        if (waitid(P_PID, (id_t)w->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == w->pid) {
            return;
        }
        const double now = bd_seconds(CLOCK_MONOTONIC);
        const double resident = look(w);
        if (signal_number == SIGTERM) {
            end_it(w, STOPPED, SIGTERM);
        }
        if (point->memory_limit && resident > (double)point->memory_limit) {
            end_it(w, OVER_MEMORY, SIGKILL);
        }
        if (point->time_limit > 0 && now - w->started > point->time_limit) {
            end_it(w, OVER_TIME, SIGTERM);
        }
        if (w->ending && now > w->kill_at) {
            kill(-w->pid, SIGKILL);
        }
        pause = 2 * pause < LOOK_MOST ? 2 * pause : LOOK_MOST;
    }
}

static void kill_child(void *context, pid_t pid, int depth)
{
    (void)context, (void)depth;
    kill(pid, SIGKILL);
}

/* What the point started and left: it leads a group that is killed before its number is free again, and what left the
 * group has become a child of this process. */
static void reap(struct work *w, int *how, struct rusage *usage)
{
    kill(-w->pid, SIGKILL);
    while (wait4(w->pid, how, 0, usage) < 0 && errno == EINTR) {
    }
    const double until = bd_seconds(CLOCK_MONOTONIC) + BD_RUNS_KILL_SECONDS;
    pid_t got;
    while ((got = waitpid(-1, NULL, WNOHANG)) >= 0 && bd_seconds(CLOCK_MONOTONIC) < until) {
        each_child(getpid(), kill_child, NULL, 0);
        if (got == 0) {
            nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        }
    }
}

/* ---- what it came to ---- */

/* The last line that the point wrote on stderr, or "". */
static void last_line(const struct work *w, char *line, size_t size)
{
    char *path = bd_runs_path(w->dir, w->entry->point.name, "stderr"), text[TAIL + 1];
    FILE *file = fopen(path, "re");
    size_t got = 0;
    if (file) {
        if (fseek(file, -(long)TAIL, SEEK_END) != 0) {
            rewind(file);
        }
        got = fread(text, 1, TAIL, file);
        fclose(file);
    }
    free(path);
    while (got > 0 && strchr("\n\r ", text[got - 1])) {
        got--;
    }
    text[got] = 0;
    const char *last = strrchr(text, '\n');
    snprintf(line, size, "%.*s", (int)size - 1, last ? last + 1 : text);
}

static void judge_exit(const struct work *w, int how, struct bd_runs_end *end)
{
    static const char *const meaning[] = {"", "", " (usage or bad input)", " (infrastructure)"};
    char line[320];
    last_line(w, line, sizeof line);
    if (WIFSIGNALED(how)) {
        end->signal = WTERMSIG(how);
        snprintf(end->cause, sizeof end->cause, "ended by signal %d (%s)", end->signal, strsignal(end->signal));
    } else {
        end->exit = WEXITSTATUS(how);
        snprintf(end->cause, sizeof end->cause, "ended with exit code %d%s", end->exit,
                 end->exit < 4 ? meaning[end->exit] : "");
    }
    end->state = end->exit == 0 ? BD_RUNS_DONE : BD_RUNS_FAILED;
    if (end->state == BD_RUNS_DONE) {
        end->cause[0] = 0;
    } else if (line[0]) {
        const size_t used = strlen(end->cause);
        snprintf(end->cause + used, sizeof end->cause - used, ": %s", line);
    }
}

static void judge(const struct work *w, int how, const struct rusage *usage, struct bd_runs_end *end)
{
    const struct bd_runs_point *point = &w->entry->point;
    const double peak = (double)usage->ru_maxrss / 1024; /* of the largest; it begins as a copy of this process */
    end->seconds = bd_seconds(CLOCK_MONOTONIC) - w->started;
    end->cpu = (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) +
               1e-6 * (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec);
    end->peak_mib = peak > w->own_mib + 1 && peak > w->peak_mib ? peak : w->peak_mib;
    judge_exit(w, how, end);
    if (w->ending == OVER_TIME) {
        const bool spins = end->cpu + w->waited > 0.5 * end->seconds;
        end->state = BD_RUNS_TIMED_OUT;
        snprintf(
            end->cause, sizeof end->cause,
            "timed out after %g s: it computed for %.1f s and stood ready for a processor for %.1f s, so it %s, or "
            "needs a longer limit",
            point->time_limit, end->cpu, w->waited, spins ? "spins" : "waits for what does not come");
    } else if (w->ending == OVER_MEMORY) {
        end->state = BD_RUNS_FAILED;
        snprintf(end->cause, sizeof end->cause,
                 "held %.0f MiB of memory, over its limit of %ld MiB: it leaks, or needs a higher limit", w->peak_mib,
                 (long)point->memory_limit);
    }
}

/* Runs the point, and writes its result unless it was stopped or killed from outside. */
static int run(struct work *w, int attempt, int report, struct bd_error *err)
{
    const struct bd_runs_point *point = &w->entry->point;
    struct bd_runs_end end = {.state = BD_RUNS_INFRASTRUCTURE, .exit = -1, .signal = -1, .attempt = attempt};
    struct rusage usage;
    int code, how;
    if (start(w, &code, err)) {
        return BD_RUNS_WORK_FAILED;
    }
    if (report >= 0 && dprintf(report, "pid %ld\n", (long)w->pid) < 0) {
        end_it(w, STOPPED, SIGTERM); /* nobody listens */
    }
    watch(w);
    reap(w, &how, &usage);
    if (w->ending == STOPPED) {
        return BD_RUNS_WORK_STOPPED;
    }
    if (code) {
        snprintf(end.cause, sizeof end.cause, "cannot start '%s': %s", point->argv[0], strerror(code));
    } else {
        judge(w, how, &usage, &end);
    }
    if (!w->ending && end.signal == SIGKILL) {
        bd_fail(err, BD_INFRA, "was killed from outside (signal 9), as a machine that runs out of memory does");
        return -1;
    }
    return bd_runs_result_write(w->dir, point->name, w->entry->identity, &end, err) ? BD_RUNS_WORK_FAILED
                                                                                    : BD_RUNS_WORK_DONE;
}

/* ---- before and after ---- */

/* Held by the point's processes too: two attempts of one point never run beside each other. The one before may still
 * be dying. */
static int take_lock(const struct work *w, double seconds, struct bd_error *err)
{
    char *path = bd_runs_path(w->dir, w->entry->point.name, "lock");
    int fd = open(path, O_RDWR | O_CREAT, 0666);
    bd_status status = fd < 0 ? bd_fail(err, BD_INFRA, "cannot write '%s': %s", path, strerror(errno)) : BD_OK;
    const double until = bd_seconds(CLOCK_MONOTONIC) + seconds;
    while (!status && bd_output_hold(fd, path, err)) {
        if (bd_seconds(CLOCK_MONOTONIC) > until) {
            status = bd_fail_prefix(err, "an earlier attempt of point '%s' does not end", w->entry->point.name);
        } else {
            nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
        }
    }
    free(path);
    if (status && fd >= 0) {
        close(fd);
    }
    return status ? -1 : fd;
}

/* What writers that were killed left (model/core/output.h). */
static void drop_partial_files(const struct work *w)
{
    char *folder = bd_runs_path(w->dir, w->entry->point.name, "");
    DIR *list = opendir(folder);
    struct dirent *file;
    while (list && (file = readdir(list))) {
        const char *end = strrchr(file->d_name, '.');
        if (!strncmp(file->d_name, ".bitdial-", 9) && end && !strcmp(end, ".tmp")) {
            unlinkat(dirfd(list), file->d_name, 0);
        }
    }
    if (list) {
        closedir(list);
    }
    free(folder);
}

int bd_runs_work(const char *dir, const struct bd_runs_entry *entry, int attempt, double lock_seconds, int report,
                 struct bd_error *err)
{
    struct work w = {.dir = dir, .entry = entry};
    char *folder = bd_runs_path(dir, entry->point.name, "");
    bd_status status = bd_make_folder(folder, err);
    json_t *result = NULL;
    free(folder);
    sigemptyset(&w.signals);
    sigaddset(&w.signals, SIGCHLD);
    sigaddset(&w.signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &w.signals, NULL);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    int lock = status ? -1 : take_lock(&w, lock_seconds, err), end = BD_RUNS_WORK_FAILED;
    struct bd_error ignored;
    if (lock >= 0 && bd_runs_result_read(dir, entry->point.name, entry->identity, &result, &ignored) == BD_OK &&
        result) {
        end = BD_RUNS_WORK_DONE; /* the attempt before came to its end after all */
        json_decref(result);
    } else if (lock >= 0) {
        drop_partial_files(&w);
        end = run(&w, attempt, report, err);
    }
    if (lock >= 0) {
        close(lock);
    }
    return end;
}

bd_status bd_runs_point_run(const char *dir, const char *name, int attempt, struct bd_error *err)
{
    struct bd_runs_plan *plan;
    if (bd_runs_plan_of_point(dir, name, &plan, err)) {
        return err->status;
    }
    const int end = bd_runs_work(dir, &plan->entries[0], attempt, TASK_LOCK_SECONDS, -1, err);
    bd_runs_plan_free(plan);
    if (end == BD_RUNS_WORK_STOPPED) {
        return bd_fail(err, BD_INFRA, "point '%s' was stopped", name);
    }
    return end == BD_RUNS_WORK_DONE ? BD_OK : bd_fail_prefix(err, "point '%s'", name);
}
