/* What the files of `bitdial prune SEARCH.yaml` share: cmd_prune.c has the options, fine-tuning and the table,
 * prune_search.c the search, one evaluation after another or side by side. */
#ifndef BD_CLI_PRUNE_SESSION_H
#define BD_CLI_PRUNE_SESSION_H

#include "model/prune/measure.h"
#include "model/prune/pipeline.h"
#include "model/runs/runs.h"
#include "sw/cli/image_options.h"

struct bd_prune_options {
    const char *config, *checkpoint, *journal, *output, *channels, *picture;
    const char *evaluate, *orders, *slurm; /* evaluate: a worker's */
    struct bd_image_options images; /* folder and kind in place of the file's; the rest: those of the closing table */
    int64_t evaluations, jobs, memory_limit;
    double time_limit;
    bool resume, force, search_only, json, rankings;
};

struct bd_prune_session {
    struct bd_prune_options options;
    struct bd_prune_run run;
    int channels[BD_MAX_LAYERS]; /* of the network chosen */
    struct bd_checkpoint pruned;
    bool has_pruned, has_test;
    struct bd_dataset test; /* of the closing table */
    struct bd_measured before, after;
    double shown_at;
};

/* The search; the best point's channels. */
bd_status bd_cli_prune_search(struct bd_prune_session *session, struct bd_error *err) BD_WARN_UNUSED;
/* One count a prune group, with commas. */
bd_status bd_cli_prune_channels(const struct bd_graph *graph, const char *text, int *channels, struct bd_error *err)
    BD_WARN_UNUSED;
/* A worker: measures the channels of --evaluate and prints what a search reads. Takes the config over. */
bd_status bd_cli_prune_evaluate(const struct bd_prune_options *options, struct bd_prune_config *config,
                                struct bd_error *err) BD_WARN_UNUSED;

#endif
