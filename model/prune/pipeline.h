/* `bitdial prune SEARCH.yaml`: search over the channels of every prune group under a budget of clocks, then
 * fine-tuning of the best, in steps that the caller drives and reports.
 *
 * An evaluation is surgery, a short fine-tune where the file asks for one, batch-norm recalibration, and the mean or
 * worst float accuracy of the objective's switches on the first validation images. The journal's first record
 * identifies the search (file, checkpoint, hardware); each further record is one evaluation. */
#ifndef BD_PRUNE_PIPELINE_H
#define BD_PRUNE_PIPELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "model/core/error.h"
#include "model/core/yaml.h"
#include "model/data/source.h"
#include "model/program/hardware.h"
#include "model/prune/prices.h"
#include "model/prune/prune.h"
#include "model/prune/ranking.h"
#include "model/search/journal.h"
#include "model/search/search.h"
#include "model/train/loop/train.h"

struct bd_prune_config {
    char *checkpoint, *hardware, *output, *journal;
    struct bd_data_spec data; /* of kind BD_DATA_ANY where the file names none: found out (source.h) */
    char *budget_switch;
    double budget_ratio, floor_ratio; /* of the whole network's clocks */
    double limits[BD_PRICES];         /* of its other prices; 1: none */
    int front, price;                 /* whether accuracy is searched beside a price, and which one */
    int worst;                        /* of the objective's switches, instead of their mean */
    char *objective;                  /* comma-separated switches; NULL: all */
    char *groups;                     /* comma-separated: "inner" and "stream" widths that may move, */
    bool inner, stream;               /* and what it says */
    int method, ranking;
    int64_t seed, evaluations, initial;
    int64_t jobs;       /* evaluations side by side, not a key of the file; over 1 it decides what is proposed */
    double least_ratio; /* of a group's channels that always stay */
    int64_t finalists, finalist_steps;
    int64_t tune_steps, tune_batch, recalibrate, images; /* of one evaluation */
    double tune_rate;
    int tune_teacher, tune_sign; /* enum bd_teacher, of which NETWORK is the whole one; enum bd_plan_sign_gradient */
    int64_t final_epochs, final_steps, final_batch, final_save_every, final_crop;
    double final_rate;
    int final_teacher, final_sign;
    char *final_switches; /* comma-separated; NULL: all */
};

extern const struct bd_field bd_prune_fields[];
bd_status bd_prune_config_load(struct bd_prune_config *config, const char *path, struct bd_error *err) BD_WARN_UNUSED;
void bd_prune_config_release(struct bd_prune_config *config);

struct bd_prune_forecast { /* the model's, of an evaluation before it was measured; NAN: none */
    double mean, sd;
};

struct bd_prune_proposal { /* of evaluations side by side */
    double point[BD_GP_MAX_DIMENSIONS];
    struct bd_prune_forecast forecast;
};

struct bd_prune_run {
    struct bd_prune_config config; /* the run's; released with it */
    struct bd_checkpoint base;
    struct bd_hardware hardware;
    struct bd_dataset train, validation;
    struct bd_prices prices;
    char *images_told;    /* which images they are, in words */
    uint64_t base_cycles; /* of the whole network at the budget's switch */
    uint32_t objective;   /* mask of switches */
    uint32_t final;       /* of those that the best is tuned at */
    size_t axis_count;
    char *told_whole; /* in words, the groups that stay whole because a search has no more axes; NULL: none */
    int axis_group[BD_GP_MAX_DIMENSIONS]; /* group that an axis moves */
    double *axis_values[BD_GP_MAX_DIMENSIONS];
    int **orders; /* (groups) ranking of each */
    struct bd_search search;
    char *identity; /* the journal's head: all that decides a proposal or a measurement, as JSON */
    struct bd_journal journal;
    size_t resumed;                      /* evaluations found in the journal */
    struct bd_prune_forecast *forecasts; /* (search.count) of the observations */
    struct bd_prune_proposal *proposals; /* (search.asked) where config.jobs is over 1 */
    double accuracy[BD_MAX_SWITCHES];    /* of the last evaluation, by switch */
};

/* Takes the config over; loads, ranks and prices. */
bd_status bd_prune_open(struct bd_prune_run *run, struct bd_prune_config *config, struct bd_error *err) BD_WARN_UNUSED;
void bd_prune_close(struct bd_prune_run *run);
/* For measurements alone, with the rankings of a file (bd_orders_write): no search, no price, no journal. */
bd_status bd_prune_open_worker(struct bd_prune_run *run, struct bd_prune_config *config, const char *orders,
                               struct bd_error *err) BD_WARN_UNUSED;

/* Opens the journal, before the first step. An existing one that goes on must be this search's. */
bd_status bd_prune_journal(struct bd_prune_run *run, enum bd_journal_mode mode, struct bd_error *err) BD_WARN_UNUSED;
/* One evaluation, journalled. BD_FAIL when the grid has no point left. */
bd_status bd_prune_step(struct bd_prune_run *run, struct bd_error *err) BD_WARN_UNUSED;
/* The two halves of it, for evaluations side by side: the next proposal, journalled, which is pending from now on (its
 * index is search.asked - 1); and what the network of a proposal was found to be worth (accuracy by switch). */
bd_status bd_prune_ask(struct bd_prune_run *run, struct bd_error *err) BD_WARN_UNUSED;
bd_status bd_prune_tell(struct bd_prune_run *run, size_t proposal, const double *accuracy, struct bd_error *err)
    BD_WARN_UNUSED;
/* Cuts to these channels, measures: accuracy[BD_MAX_SWITCHES] by switch, 0 where it does not count. */
bd_status bd_prune_evaluate(const struct bd_prune_run *run, const int *group_channels, double *accuracy,
                            struct bd_error *err) BD_WARN_UNUSED;
/* The same after so many steps of tuning. */
bd_status bd_prune_measure(const struct bd_prune_run *run, const int *group_channels, int64_t steps, double *accuracy,
                           struct bd_error *err) BD_WARN_UNUSED;

/* The last choice (finalists.c): the best config.finalists points of the search, best first, and the largest network
 * of one ratio for all groups within the budgets, unless it is one of them; returns how many. Room for finalists + 1.
 */
size_t bd_prune_finalists(const struct bd_prune_run *run, double (*points)[BD_GP_MAX_DIMENSIONS]);
/* What one of them is worth after config.finalist_steps of tuning: as the journal says, or measured and journalled. */
bd_status bd_prune_final(struct bd_prune_run *run, const double *point, double *worth, struct bd_error *err)
    BD_WARN_UNUSED;
/* Whether a record of the journal is of a finalist, and none of the search. */
bool bd_prune_is_finalist(const char *record);

/* How the observations that were forecast lie to their forecasts: how many, root mean square error in points of
 * accuracy, and how many of them are within two deviations. */
struct bd_prune_skill {
    size_t count, within;
    double error;
};
struct bd_prune_skill bd_prune_skill(const struct bd_prune_run *run);

/* What accuracies by switch are worth: the mean or the worst of the objective's switches, in per cent. */
double bd_prune_worth(const struct bd_prune_run *run, const double *accuracy);
/* Channels of every group at a point of the search (one value an axis). */
void bd_prune_channels(const struct bd_prune_run *run, const double *point, int *group_channels);
/* The checkpoint with so many channels in each group: surgery alone. */
bd_status bd_prune_cut(const struct bd_prune_run *run, const int *group_channels, struct bd_checkpoint *pruned,
                       struct bd_error *err) BD_WARN_UNUSED;

/* Cuts to these channels, fine-tunes and saves to the config's output, whose folder is there. With `resume` it goes on
 * from what a killed run left in bd_prune_partial, which must be of this very fine-tuning. `watch` as in struct
 * bd_train_control. The caller releases `pruned`. */
bd_status bd_prune_finish(struct bd_prune_run *run, const int *group_channels, bool resume,
                          void (*watch)(void *, const struct bd_train_event *), void *context,
                          struct bd_checkpoint *pruned, struct bd_error *err) BD_WARN_UNUSED;

/* Path of the unfinished fine-tuning, beside the output; malloc'd. */
char *bd_prune_partial(const struct bd_prune_run *run);

/* Fills run->identity; a step of opening. */
bd_status bd_prune_identify(struct bd_prune_run *run, struct bd_error *err) BD_WARN_UNUSED;
/* Writes into the metadata how the network was made: what the whole one says of itself stays apart, under "base". */
void bd_prune_note(struct bd_prune_run *run, const int *group_channels, struct bd_checkpoint *pruned);
/* BD_BAD_INPUT, naming the first difference, unless an output that is there is of this search, and, unless NULL, of
 * these channels. */
bd_status bd_prune_check_output(const struct bd_prune_run *run, const int *group_channels, struct bd_error *err)
    BD_WARN_UNUSED;

#endif
