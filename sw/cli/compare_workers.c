/* The runs of a comparison, in processes of their own. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/wait.h>
#include <unistd.h>

#include "model/core/clock.h"
#include "model/core/file.h"
#include "model/core/memory.h"
#include "sw/cli/compare.h"

#define LOG_LIMIT ((size_t)64 << 20)

static char *log_path(const struct bd_compare_session *session, const struct bd_compare_run *run)
{
    return bd_asprintf("%s/%s.log", session->comparison.config.folder, run->id);
}

/* In the child: its record goes to `output`, its progress to the log; it dies with its parent. */
static void become_worker(const struct bd_compare_session *session, const struct bd_compare_run *run, int output,
                          pid_t parent)
{
    char *log = log_path(session, run), *rate = bd_asprintf("%.17g", bd_comparison_rate(&session->comparison, run)),
         *threads = bd_asprintf("%d", (int)session->options.threads);
    int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent || fd < 0 || dup2(output, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0) {
        _exit(BD_INFRA);
    }
    setenv("OMP_NUM_THREADS", threads, 1);
    setenv("OMP_WAIT_POLICY", "passive", 1);
    execl("/proc/self/exe", "bitdial", "compare", session->options.config, "--folder",
          session->comparison.config.folder, "--threads", threads, "--worker", run->id, "--rate", rate, (char *)NULL);
    _exit(BD_INFRA);
}

static bd_status start(struct bd_compare_session *session, struct bd_compare_run *run, struct bd_error *err)
{
    int ends[2];
    pid_t parent = getpid();
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return bd_fail(err, BD_INFRA, "cannot make a pipe: %s", strerror(errno));
    }
    pid_t pid = fork();
    if (pid == 0) {
        become_worker(session, run, ends[1], parent);
    }
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return bd_fail(err, BD_INFRA, "cannot start a worker: %s", strerror(errno));
    }
    run->started = true;
    session->workers[session->busy++] = (struct bd_compare_worker){pid, ends[0], run};
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
static bd_status failure(const struct bd_compare_session *session, const struct bd_compare_run *run, int how,
                         struct bd_error *err)
{
    char *path = log_path(session, run);
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

static void tell_finished(const struct bd_compare_session *session, const struct bd_compare_run *run)
{
    const char *name;
    json_t *value;
    fprintf(stderr, "[%d/%d] %s rate %g: validation %%", session->finished, session->comparison.run_count, run->id,
            json_number_value(json_object_get(run->result, "rate")));
    json_object_foreach(json_object_get(run->result, "validation"), name, value)
    {
        fprintf(stderr, " %s %.1f", name, 100 * json_number_value(value));
    }
    fprintf(stderr, " (%.0f s since the start)\n", bd_seconds(CLOCK_MONOTONIC) - session->started);
}

/* A run that others learn from keeps its checkpoint, and so does every full run; a pilot's only chose a rate. */
static void drop_pilot(const struct bd_compare_session *session, const struct bd_compare_run *run)
{
    if (bd_comparison_is_pilot(&session->comparison, run)) {
        char *path = bd_comparison_checkpoint(&session->comparison, run);
        unlink(path);
        free(path);
    }
}

/* Waits for any worker and takes what it found. */
static bd_status reap(struct bd_compare_session *session, struct bd_error *err)
{
    int how;
    /* A record may be longer than a pipe holds, so that a worker would wait for its reader: read before waiting. */
    fd_set set;
    int most = 0;
    FD_ZERO(&set);
    for (int i = 0; i < session->busy; i++) {
        FD_SET(session->workers[i].output, &set);
        most = session->workers[i].output > most ? session->workers[i].output : most;
    }
    while (select(most + 1, &set, NULL, NULL, NULL) < 0 && errno == EINTR) {
    }
    int which = 0;
    while (which < session->busy - 1 && !FD_ISSET(session->workers[which].output, &set)) {
        which++;
    }
    struct bd_compare_worker worker = session->workers[which];
    session->workers[which] = session->workers[--session->busy];
    char *record = read_record(worker.output);
    close(worker.output);
    while (waitpid(worker.pid, &how, 0) < 0 && errno == EINTR) {
    }
    bd_status status = BD_OK;
    if (!WIFEXITED(how) || WEXITSTATUS(how) != 0) {
        status = failure(session, worker.run, how, err);
    } else {
        status = bd_comparison_take(&session->comparison, record, err);
    }
    status = status ? status : bd_journal_append(&session->journal, record, err);
    free(record);
    if (!status) {
        session->finished++;
        tell_finished(session, worker.run);
        drop_pilot(session, worker.run);
    }
    return status;
}

bd_status bd_compare_run_all(struct bd_compare_session *session, struct bd_error *err)
{
    struct bd_comparison *c = &session->comparison;
    bd_status status = BD_OK;
    while (!status) {
        for (int i = 0; i < c->run_count && session->busy < c->config.jobs && !status; i++) {
            struct bd_compare_run *run = &c->runs[i];
            if (!run->result && !run->started && bd_comparison_ready(c, run)) {
                status = start(session, run, err);
            }
        }
        if (!session->busy) {
            break;
        }
        status = status ? status : reap(session, err);
    }
    for (int i = 0; i < session->busy; i++) { /* after a failure: what the others did is in their checkpoints */
        kill(session->workers[i].pid, SIGKILL);
        waitpid(session->workers[i].pid, NULL, 0);
        close(session->workers[i].output);
    }
    return status;
}
