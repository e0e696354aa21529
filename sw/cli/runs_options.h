/* What all commands over the runner (model/runs) share: options, progress on stderr, Ctrl-C, lists and reports. */
#ifndef BD_CLI_RUNS_OPTIONS_H
#define BD_CLI_RUNS_OPTIONS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "model/runs/runs.h"

struct bd_runs_command {
    const char *command;
    int64_t jobs;         /* 0: not given */
    double time_limit;    /* s of each point, in place of its own; 0: its own */
    int64_t memory_limit; /* MiB, likewise */
    bool resume, force, any_build, retry_failed, list, json;
    bool at_once; /* the first Ctrl-C ends running points too: nothing would be gone on with */
    const char *filter, *slurm;
    /* More words about a point that has ended, malloc'd, or NULL; `user` is that of the callbacks. NULL: none. */
    char *(*describe)(void *user, const struct bd_runs_event *event);
};

/* Rows of the option table; `o` is a struct bd_runs_command * whose `command` is set. */
#define BD_RUNS_ROWS(o)                                                                                                \
    {"jobs", .integer = &(o)->jobs, .min = 1, .max = BD_RUNS_JOBS, .letter = 'j'}, {"resume", .flag = &(o)->resume},   \
        {"force", .flag = &(o)->force}, {"retry", .take = bd_cli_take_retry, .context = (o)},                          \
        {"any-build", .flag = &(o)->any_build}, {"filter", .text = &(o)->filter, .letter = 'k'},                       \
        {"slurm", .text = &(o)->slurm}, {"time-limit", .real = &(o)->time_limit, .low = 0.01, .high = 1e7},            \
        {"memory-limit", .integer = &(o)->memory_limit, .min = 1, .max = 1 << 30}, {"list", .flag = &(o)->list},       \
    {                                                                                                                  \
        "json", .flag = &(o)->json                                                                                     \
    }
/* Their lines of the usage text; the lines of --jobs and --list end in the command's own words. */
#define BD_RUNS_USAGE                                                                                                  \
    "  -j, --jobs N         side by side (default: as many as there are processors)\n"                                 \
    "  --resume             go on in a folder where it was stopped or killed\n"                                        \
    "  --force              begin anew: the results in the folder are dropped\n"                                       \
    "  --retry WHAT         'failed': go on, and run again what failed or timed out\n"                                 \
    "  --any-build          go on with what another build of bitdial began\n"                                          \
    "  -k, --filter TEXT    only names that match: a glob, or a part of the name\n"                                    \
    "  --slurm OPTIONS      as job arrays of Slurm, with these options of sbatch ('': none); the folder must be "      \
    "shared\n"                                                                                                         \
    "  --time-limit S       of wall time, of each point, in place of its own\n"                                        \
    "  --memory-limit MIB   that a point and what it started hold together, in place of its own\n"                     \
    "  --list               print names, states and lines that repeat them; run nothing\n"                             \
    "  --json               one JSON object on stdout\n"

bool bd_cli_take_retry(void *options, const char *text);
/* 0, or 2 after telling which options exclude each other. */
int bd_cli_check_runs(const struct bd_runs_command *options);

/* bd_runs_execute with these options; of `own` the callbacks, `user`, `growing` count, and on_event, which is called
 * after the progress was told. The first Ctrl-C lets running points end, the second kills them. */
bd_status bd_cli_runs_execute(const struct bd_runs_command *options, struct bd_runs_plan *plan, const char *dir,
                              const struct bd_runs_options *own, struct bd_runs_summary *summary, struct bd_error *err)
    BD_WARN_UNUSED;

/* `--list`: the plan's points that match, with what DIR (may be NULL, or not there) knows of them; text or report. */
bd_status bd_cli_runs_list(const struct bd_runs_command *options, const struct bd_runs_plan *plan, const char *dir,
                           struct bd_error *err) BD_WARN_UNUSED;

/* The same of DIR alone, as far as its plan is known. */
bd_status bd_cli_runs_list_folder(const struct bd_runs_command *options, const char *dir, struct bd_error *err)
    BD_WARN_UNUSED;

/* {"total", "done", "failed", "timed_out", "infrastructure", "queued"} of the selected points; a new reference. */
json_t *bd_cli_runs_counts(const struct bd_runs_summary *summary);
/* BD_OK when all selected points are done; BD_FAIL when some failed or timed out, BD_INFRA when some met the
 * infrastructure, told in `err`. */
bd_status bd_cli_runs_verdict(const struct bd_runs_summary *summary, struct bd_error *err) BD_WARN_UNUSED;

#endif
