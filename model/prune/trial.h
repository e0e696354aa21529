/* A trial of rankings: networks of the same widths, cut by each ranking, side by side.
 *
 * A point is a vector of widths under a budget, drawn by the seed; every ranking, and several random orders, which stay
 * the same from point to point, cut the network to it, and the cuts are measured (cut.h). A ranking is judged by its
 * difference to the mean of the random orders at each point. The price of a network is in clocks of a switch where the
 * hardware runs it, else in bit operations (products x bits of both sides).
 *
 * The journal's head says what a measurement is (network, images, recipe, seed), and each further record is one: a
 * trial that goes on may have more budgets, points, rankings and orders than the journal has seen. */
#ifndef BD_PRUNE_TRIAL_H
#define BD_PRUNE_TRIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "model/cost/pricer.h"
#include "model/data/source.h"
#include "model/prune/cut.h"
#include "model/prune/ranking.h"
#include "model/search/journal.h"

#define BD_TRIAL_BUDGETS 8

struct bd_trial_config {
    const char *checkpoint, *hardware;
    const char *budget_switch; /* whose clocks count; NULL: the last */
    const char *switches;      /* that rank and are measured, with commas; NULL: budget_switch; "all" */
    struct bd_data_spec data;  /* released by its owner */
    int budget_count, points, orders;
    double budgets[BD_TRIAL_BUDGETS]; /* of the whole network's price */
    uint32_t rankings;                /* mask of enum bd_ranking but RANDOM, which is always there */
    int64_t images, recalibrate, batch, steps, epochs, seed;
    double rate;
};

struct bd_trial_point {
    int budget; /* index */
    int number; /* among those of the budget */
    int *channels;
    double price;
};

struct bd_trial_column { /* a ranking, or one random order */
    enum bd_ranking ranking;
    int number; /* of the random order */
    int **orders;
    double seconds; /* that it took to rank */
};

struct bd_trial {
    struct bd_trial_config config;
    struct bd_checkpoint base;
    struct bd_hardware hardware;
    struct bd_dataset train, validation;
    struct bd_pricer pricer;
    bool in_clocks; /* else bit operations */
    char *refusal;  /* why not in clocks */
    char *images_told;
    int budget_switch;
    uint32_t switches;
    double whole; /* price of the whole network */
    int point_count, column_count;
    struct bd_trial_point *points;
    struct bd_trial_column *columns;
    double (*accuracy)[BD_MAX_SWITCHES]; /* (points, columns), by switch */
    bool *done;                          /* (points, columns) */
    int resumed, done_count;
    char *identity;
    struct bd_journal journal;
};

/* Loads, ranks, draws the points. BD_BAD_INPUT where no widths are within 5 % of a budget. */
bd_status bd_trial_open(struct bd_trial *trial, const struct bd_trial_config *config, struct bd_error *err)
    BD_WARN_UNUSED;
void bd_trial_close(struct bd_trial *trial);
/* Opens the journal and takes what it has measured. */
bd_status bd_trial_journal(struct bd_trial *trial, const char *path, enum bd_journal_mode mode, struct bd_error *err)
    BD_WARN_UNUSED;
/* The next measurement, journalled where a journal is open; its point and column. BD_FAIL when all are done. */
bd_status bd_trial_step(struct bd_trial *trial, int *point, int *column, struct bd_error *err) BD_WARN_UNUSED;

/* Mean accuracy of the measured switches at a point, in per cent. */
double bd_trial_value(const struct bd_trial *trial, int point, int column);

struct bd_trial_summary {          /* of one ranking over all points, in points of accuracy */
    double mean[BD_TRIAL_BUDGETS]; /* at each budget */
    double total;                  /* mean over the points */
    double gain, low, high;        /* of the paired differences to the mean random order: mean, 95 % interval */
    int above;                     /* points at which it is above that mean */
};
struct bd_trial_summary bd_trial_summarise(const struct bd_trial *trial, enum bd_ranking ranking);
/* Deviation of random orders about their mean: of their accuracy at one point, and of their mean over all points. */
void bd_trial_scatter(const struct bd_trial *trial, double *at_a_point, double *of_the_mean);

#endif
