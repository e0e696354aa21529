/* What a training run shows: progress on stderr, and a log of one JSON object a line:
 *   step       step, epoch, seconds, images_per_second, rate, and by switch loss and accuracy (moving averages); on
 *              measured steps gradient_norm and gradient_cosine of the switches in the shared weights,
 *              gradient_layers (the norms of each weight array by itself), and how full
 *              the levels are by switch, from the lowest level to the highest: weight_codes by layer (bits, and counts
 *              up to 4 bits, else the parts `lowest` and `highest` and how many levels are `used`), activation_codes
 *              by quantizer (bits, and the parts `lowest` and `highest`)
 *   validated  accuracy by switch; weight_levels, activation_levels: parts of the levels, lowest first, by switch
 *   saved, tested
 * A resumed run appends; steps that it does again stand twice, and the later line counts. */
#ifndef BD_CLI_TRAIN_VIEW_H
#define BD_CLI_TRAIN_VIEW_H

#include <jansson.h>
#include <stdio.h>

#include "model/train/loop/train.h"

struct bd_train_view {
    const struct bd_graph *graph;
    FILE *log;         /* or NULL */
    char *log_path;    /* of `log` */
    int log_error;     /* errno of the first line that could not be written, or 0 */
    int64_t log_every; /* steps */
    bool terminal, bar_shown;
    double shown_at, started, images_per_second;
    double validation_accuracy[BD_MAX_SWITCHES];
    bool validated;
};

/* `graph` must outlive the view. */
void bd_train_view_init(struct bd_train_view *view, const struct bd_graph *graph, int64_t log_every);
/* Opens the log: to add lines with `append`, else anew. What is there must be a training log. */
bd_status bd_train_view_open_log(struct bd_train_view *view, const char *path, bool append, struct bd_error *err)
    BD_WARN_UNUSED;
/* Closes it. `status` of the run before, or BD_INFRA where that was BD_OK and a line was lost. */
bd_status bd_train_view_close_log(struct bd_train_view *view, bd_status status, struct bd_error *err) BD_WARN_UNUSED;
/* A watcher of a run; `context` is the view. */
void bd_train_view_watch(void *context, const struct bd_train_event *event);
/* One line of the log. */
void bd_train_view_log(struct bd_train_view *view, const struct bd_train_event *event, const char *what);
/* Takes the progress bar off the terminal. */
void bd_train_view_clear(struct bd_train_view *view);
void bd_train_view_print(FILE *out, const struct bd_graph *graph, const struct bd_train_event *event);
/* Prints how full each 2-bit level of the weights is: outer levels near nothing would mean a badly chosen range. */
bd_status bd_train_view_levels(const struct bd_checkpoint *checkpoint, struct bd_error *err) BD_WARN_UNUSED;
/* {"w1a8": value, ...} of the switches in the mask. */
json_t *bd_train_view_by_switch(const struct bd_graph *graph, uint32_t switches, const double *values);

#endif
