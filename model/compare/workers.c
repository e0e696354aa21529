/* The runs of a comparison, in processes of their own. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/wait.h>
#include <unistd.h>

#include "model/compare/workers.h"
#include "model/core/file.h"
#include "model/core/memory.h"

#define LOG_LIMIT ((size_t)64 << 20)

struct worker {
    pid_t pid;
    int output;
    struct bd_compare_run *run;
};

struct pool {
    struct bd_comparison *comparison;
    const struct bd_compare_workers *how;
    struct worker workers[BD_COMPARE_JOBS];
    int busy;
};

static char *log_path(const struct pool *pool, const struct bd_compare_run *run)
{
    return bd_asprintf("%s/%s.log", pool->comparison->config.folder, run->id);
}

/* In the child: its record goes to `output`, its progress to the log; it dies with its parent. */
static void become_worker(const struct pool *pool, const struct bd_compare_run *run, int output, pid_t parent)
{
    char *log = log_path(pool, run);
    int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == parent && fd >= 0 && dup2(output, STDOUT_FILENO) >= 0 && dup2(fd, STDERR_FILENO) >= 0) {
        pool->how->become(pool->how->context, run, bd_comparison_rate(pool->comparison, run));
    }
    _exit(BD_INFRA);
}

static bd_status start(struct pool *pool, struct bd_compare_run *run, struct bd_error *err)
{
    int ends[2];
    pid_t parent = getpid();
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return bd_fail(err, BD_INFRA, "cannot make a pipe: %s", strerror(errno));
    }
    pid_t pid = fork();
    if (pid == 0) {
        become_worker(pool, run, ends[1], parent);
    }
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return bd_fail(err, BD_INFRA, "cannot start a worker: %s", strerror(errno));
    }
    run->started = true;
    pool->workers[pool->busy++] = (struct worker){pid, ends[0], run};
    return BD_OK;
}

/* All that the worker wrote, without the newline; it has ended. */
static char *read_record(int fd)
{
    char *text = NULL;
    size_t size = 0;
    for (;;) {
        text = bd_xrealloc(text, size + 65536, 1);
        ssize_t got = read(fd, text + size, 65535);
        if (got <= 0 && !(got < 0 && errno == EINTR)) {
            break;
        }
        size += got > 0 ? (size_t)got : 0;
    }
    text[size] = 0;
    text[strcspn(text, "\n")] = 0;
    return text;
}

/* Why a worker failed: the last line of its log. */
static bd_status failure(const struct pool *pool, const struct bd_compare_run *run, int how, struct bd_error *err)
{
    char *path = log_path(pool, run);
    uint8_t *text = NULL;
    size_t size = 0;
    struct bd_error ignored;
    const char *last = "it left no message";
    if (bd_file_read(path, LOG_LIMIT, &text, &size, &ignored) == BD_OK && size) {
        text[size - 1] = text[size - 1] == '\n' ? 0 : text[size - 1];
        const char *line = strrchr((char *)text, '\n');
        last = line ? line + 1 : (char *)text;
    }
    bd_status status =
        WIFSIGNALED(how) ? bd_fail(err, BD_INFRA, "run '%s' was ended by signal %d (%s)", run->id, WTERMSIG(how), path)
                         : bd_fail(err, WEXITSTATUS(how) ? (bd_status)WEXITSTATUS(how) : BD_INFRA,
                                   "run '%s' failed (%s): %s", run->id, path, last);
    free(text);
    free(path);
    return status;
}

/* A run that others learn from keeps its checkpoint, and so does every full run; a pilot's only chose a rate. */
static void drop_pilot(const struct pool *pool, const struct bd_compare_run *run)
{
    if (bd_comparison_is_pilot(pool->comparison, run)) {
        char *path = bd_comparison_checkpoint(pool->comparison, run);
        unlink(path);
        free(path);
    }
}

/* Waits for any worker and takes what it found. */
static bd_status reap(struct pool *pool, struct bd_error *err)
{
    int how;
    /* A record may be longer than a pipe holds, so that a worker would wait for its reader: read before waiting. */
    fd_set set;
    int most = 0;
    FD_ZERO(&set);
    for (int i = 0; i < pool->busy; i++) {
        FD_SET(pool->workers[i].output, &set);
        most = pool->workers[i].output > most ? pool->workers[i].output : most;
    }
    while (select(most + 1, &set, NULL, NULL, NULL) < 0 && errno == EINTR) {
    }
    int which = 0;
    while (which < pool->busy - 1 && !FD_ISSET(pool->workers[which].output, &set)) {
        which++;
    }
    struct worker worker = pool->workers[which];
    pool->workers[which] = pool->workers[--pool->busy];
    char *record = read_record(worker.output);
    close(worker.output);
    while (waitpid(worker.pid, &how, 0) < 0 && errno == EINTR) {
    }
    bd_status status = BD_OK;
    if (!WIFEXITED(how) || WEXITSTATUS(how) != 0) {
        status = failure(pool, worker.run, how, err);
    } else {
        status = bd_comparison_take(pool->comparison, record, err);
    }
    status = status ? status : pool->how->finished(pool->how->context, worker.run, record, err);
    free(record);
    if (!status) {
        drop_pilot(pool, worker.run);
    }
    return status;
}

static bd_status run_pool(struct pool *pool, int jobs, struct bd_error *err)
{
    struct bd_comparison *c = pool->comparison;
    bd_status status = BD_OK;
    while (!status) {
        for (int i = 0; i < c->run_count && pool->busy < jobs && !status; i++) {
            struct bd_compare_run *run = &c->runs[i];
            if (!run->result && !run->started && bd_comparison_ready(c, run)) {
                status = start(pool, run, err);
            }
        }
        if (!pool->busy) {
            break;
        }
        status = status ? status : reap(pool, err);
    }
    for (int i = 0; i < pool->busy; i++) { /* after a failure: what the others did is in their checkpoints */
        kill(pool->workers[i].pid, SIGKILL);
        waitpid(pool->workers[i].pid, NULL, 0);
        close(pool->workers[i].output);
    }
    return status;
}

bd_status bd_comparison_run_all(struct bd_comparison *comparison, const struct bd_compare_workers *how,
                                struct bd_error *err)
{
    struct pool *pool = bd_xcalloc(1, sizeof *pool);
    const int64_t jobs = comparison->config.jobs;
    pool->comparison = comparison;
    pool->how = how;
    bd_status status = run_pool(pool, jobs < BD_COMPARE_JOBS ? (int)jobs : BD_COMPARE_JOBS, err);
    free(pool);
    return status;
}
