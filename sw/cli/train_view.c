#include "sw/cli/train_view.h"
#include "model/core/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/core/memory.h"
#include "model/core/output.h"

void bd_train_view_init(struct bd_train_view *view, const struct bd_graph *graph, int64_t log_every)
{
    *view = (struct bd_train_view){.graph = graph,
                                   .log_every = log_every,
                                   .terminal = isatty(STDERR_FILENO),
                                   .started = bd_seconds(CLOCK_MONOTONIC)};
}

/* What a kill left of the last line would spoil the next one. */
static bool drop_torn_line(int fd)
{
    struct stat info;
    char byte = '\n';
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        return true;
    }
    off_t end = info.st_size;
    while (end > 0 && pread(fd, &byte, 1, end - 1) == 1 && byte != '\n') {
        end--;
    }
    return end == info.st_size || ftruncate(fd, end) == 0;
}

bd_status bd_train_view_open_log(struct bd_train_view *view, const char *path, bool append, struct bd_error *err)
{
    bd_status status = bd_output_check(path, BD_OUTPUT_LOG, NULL, NULL, err);
    if (status) {
        return status;
    }
    view->log = fopen(path, append ? "a+e" : "we");
    view->log_path = bd_xstrdup(path);
    return view->log && (!append || drop_torn_line(fileno(view->log)))
               ? BD_OK
               : bd_fail(err, BD_INFRA, "cannot write the log '%s': %s", path, strerror(errno));
}

bd_status bd_train_view_close_log(struct bd_train_view *view, bd_status status, struct bd_error *err)
{
    if (view->log && fclose(view->log) != 0 && !view->log_error) {
        view->log_error = errno;
    }
    if (!status && view->log_error) {
        status = bd_fail(err, BD_INFRA, "cannot write the log '%s': %s", view->log_path, strerror(view->log_error));
    }
    free(view->log_path);
    view->log_path = NULL;
    view->log = NULL;
    return status;
}

void bd_train_view_clear(struct bd_train_view *view)
{
    if (view->bar_shown) {
        fprintf(stderr, "\r\033[K");
        view->bar_shown = false;
    }
}

void bd_train_view_print(FILE *out, const struct bd_graph *graph, const struct bd_train_event *event)
{
    for (int s = 0; s < graph->switch_count; s++) {
        if (event->switches >> s & 1) {
            fprintf(out, " %s %.1f", graph->switches[s].name, 100 * event->accuracy[s]);
        }
    }
}

static double mean_loss(const struct bd_graph *graph, const struct bd_train_event *event)
{
    double sum = 0;
    int count = 0;
    for (int s = 0; s < graph->switch_count; s++) {
        if (event->switches >> s & 1) {
            sum += event->loss[s];
            count++;
        }
    }
    return sum / count;
}

static void print_time(FILE *out, double seconds)
{
    int whole = seconds;
    fprintf(out, "%d:%02d:%02d", whole / 3600, whole / 60 % 60, whole % 60);
}

static void show_step(struct bd_train_view *view, const struct bd_train_event *event)
{
    const struct bd_graph *graph = view->graph;
    double t = bd_seconds(CLOCK_MONOTONIC);
    if (t - view->shown_at < (view->terminal ? 0.5 : 15) && event->step < event->steps) {
        return;
    }
    view->shown_at = t;
    if (view->terminal) {
        char bar[21];
        int filled = 20 * event->step / event->steps;
        for (int i = 0; i < 20; i++) {
            bar[i] = i < filled ? '#' : '.';
        }
        bar[20] = 0;
        fprintf(stderr, "\r\033[K[%s] %3d%% ", bar, (int)(100 * event->step / event->steps));
        view->bar_shown = true;
    }
    fprintf(stderr, "step %" PRId64 "/%" PRId64 " loss %.3f %%", event->step, event->steps, mean_loss(graph, event));
    bd_train_view_print(stderr, graph, event);
    fprintf(stderr, " | %.0f images/s, ", event->images_per_second);
    print_time(stderr, event->seconds_left);
    fprintf(stderr, " left%s", view->terminal ? "" : "\n");
    fflush(stderr);
}

json_t *bd_train_view_by_switch(const struct bd_graph *graph, uint32_t switches, const double *values)
{
    json_t *object = json_object();
    for (int s = 0; s < graph->switch_count; s++) {
        if (switches >> s & 1) {
            json_object_set_new(object, graph->switches[s].name, json_real(values[s]));
        }
    }
    return object;
}

static json_t *parts(const double *values, int count)
{
    json_t *list = json_array();
    for (int i = 0; i < count; i++) {
        json_array_append_new(list, json_real(values[i]));
    }
    return list;
}

static void log_levels(const struct bd_train_view *view, const struct bd_train_event *event, json_t *line)
{
    json_t *weights = json_object(), *activations = json_object();
    for (int s = 0; s < view->graph->switch_count; s++) {
        const char *name = view->graph->switches[s].name;
        const struct bd_histogram *histogram = &event->histogram[s];
        if (event->switches >> s & 1 && histogram->weight_bins) {
            json_object_set_new(weights, name, parts(histogram->weights, histogram->weight_bins));
        }
        if (event->switches >> s & 1 && histogram->activation_bins) {
            json_object_set_new(activations, name, parts(histogram->activations, histogram->activation_bins));
        }
    }
    json_object_set_new(line, "weight_levels", weights);
    json_object_set_new(line, "activation_levels", activations);
}

#define COUNTED_BITS 4 /* of more bits the log has a summary alone */

static json_t *level_counts(const struct bd_level_counts *counts)
{
    const int levels = 1 << counts->bits;
    json_t *object = json_pack("{s:i}", "bits", counts->bits), *list = json_array();
    if (counts->bits > COUNTED_BITS) {
        json_decref(list);
        json_object_set_new(object, "lowest", json_real(bd_level_part(counts, 0)));
        json_object_set_new(object, "highest", json_real(bd_level_part(counts, levels - 1)));
        json_object_set_new(object, "used", json_integer(bd_histogram_used(counts)));
        return object;
    }
    for (int i = 0; i < levels; i++) {
        json_array_append_new(list, json_integer((json_int_t)counts->count[i]));
    }
    json_object_set_new(object, "counts", list);
    return object;
}

static json_t *ends(const struct bd_level_counts *counts)
{
    return json_pack("{s:i, s:f, s:f}", "bits", counts->bits, "lowest", bd_level_part(counts, 0), "highest",
                     bd_level_part(counts, (1 << counts->bits) - 1));
}

/* {switch: {layer: ...}}, {switch: {quantizer: ...}} of the switches that were measured. */
static void log_codes(const struct bd_graph *graph, const struct bd_train_event *event, json_t *line)
{
    json_t *all_weights = json_object(), *all_activations = json_object();
    for (int s = 0; s < graph->switch_count; s++) {
        json_t *weights = json_object(), *activations = json_object();
        for (int l = 0; l < graph->layer_count; l++) {
            const struct bd_level_counts *counts = bd_occupancy_weights(event->occupancy, l, s);
            if (counts->bits) {
                json_object_set_new(weights, graph->layers[l].name, level_counts(counts));
            }
        }
        for (int q = 0; q < graph->quantizer_count; q++) {
            const struct bd_level_counts *counts = bd_occupancy_activations(event->occupancy, q, s);
            if (counts->bits) {
                json_object_set_new(activations, graph->quantizers[q].name, ends(counts));
            }
        }
        if (event->measured >> s & 1) {
            json_object_set(all_weights, graph->switches[s].name, weights);
            json_object_set(all_activations, graph->switches[s].name, activations);
        }
        json_decref(weights);
        json_decref(activations);
    }
    json_object_set_new(line, "weight_codes", all_weights);
    json_object_set_new(line, "activation_codes", all_activations);
}

static void log_gradients(const struct bd_graph *graph, const struct bd_train_event *event, json_t *line)
{
    json_t *cosines = json_object();
    for (int s = 0; s < graph->switch_count; s++) {
        if (event->measured >> s & 1) {
            json_object_set_new(cosines, graph->switches[s].name,
                                bd_train_view_by_switch(graph, event->measured, event->gradient_cosine[s]));
        }
    }
    json_object_set_new(line, "gradient_norm", bd_train_view_by_switch(graph, event->measured, event->gradient_norm));
    json_object_set_new(line, "gradient_cosine", cosines);
    json_t *layers = json_object();
    for (size_t i = 0; i < event->gradient_layer_count; i++) {
        const struct bd_gradient_layer *layer = &event->gradient_layers[i];
        json_object_set_new(layers, layer->name, bd_train_view_by_switch(graph, event->measured, layer->norm));
    }
    json_object_set_new(line, "gradient_layers", layers);
}

void bd_train_view_log(struct bd_train_view *view, const struct bd_train_event *event, const char *what)
{
    const struct bd_graph *graph = view->graph;
    if (!view->log) {
        return;
    }
    json_t *line = json_pack("{s:s, s:I, s:I, s:f, s:f, s:f, s:o}", "event", what, "step", (json_int_t)event->step,
                             "epoch", (json_int_t)event->epoch, "seconds", bd_seconds(CLOCK_MONOTONIC) - view->started,
                             "images_per_second", event->images_per_second, "rate", event->rate, "accuracy",
                             bd_train_view_by_switch(graph, event->switches, event->accuracy));
    if (event->kind == BD_TRAIN_STEP) {
        json_object_set_new(line, "loss", bd_train_view_by_switch(graph, event->switches, event->loss));
    }
    if (event->kind == BD_TRAIN_VALIDATED) {
        log_levels(view, event, line);
    }
    if (event->kind == BD_TRAIN_STEP && event->measured) {
        log_gradients(graph, event, line);
        log_codes(graph, event, line);
    }
    if ((json_dumpf(line, view->log, JSON_COMPACT | JSON_REAL_PRECISION(7)) || fputc('\n', view->log) == EOF ||
         fflush(view->log) != 0) &&
        !view->log_error) {
        view->log_error = errno ? errno : EIO;
    }
    json_decref(line);
}

void bd_train_view_watch(void *context, const struct bd_train_event *event)
{
    struct bd_train_view *view = context;
    const struct bd_graph *graph = view->graph;
    switch (event->kind) {
    case BD_TRAIN_STEP:
        view->images_per_second = event->images_per_second;
        show_step(view, event);
        if (event->measured || event->step % view->log_every == 0 || event->step == event->steps) {
            bd_train_view_log(view, event, "step");
        }
        break;
    case BD_TRAIN_VALIDATED:
        bd_train_view_clear(view);
        fprintf(stderr, "epoch %" PRId64 ": validation %%", event->epoch);
        bd_train_view_print(stderr, graph, event);
        fprintf(stderr, "\n");
        bd_train_view_log(view, event, "validated");
        memcpy(view->validation_accuracy, event->accuracy, sizeof event->accuracy);
        view->validated = true;
        break;
    case BD_TRAIN_SAVED:
        bd_train_view_log(view, event, "saved");
        break;
    case BD_TRAIN_RECALIBRATED:
        bd_train_view_clear(view);
        fprintf(stderr, "batch-norm statistics taken anew\n");
        break;
    }
}

/* The switch of fewest weight bits above one: its own codes where they do not nest. */
static int level_switch(const struct bd_graph *graph, const struct bd_layer *layer)
{
    int best = 0;
    for (int s = 1; s < graph->switch_count; s++) {
        int bits = bd_layer_weight_bits(layer, &graph->switches[s]);
        best = bits > 1 && bits < bd_layer_weight_bits(layer, &graph->switches[best]) ? s : best;
    }
    return best;
}

bd_status bd_train_view_levels(const struct bd_checkpoint *checkpoint, struct bd_error *err)
{
    fprintf(stderr, "weights in each 2-bit level, %%:\n");
    for (int i = 0; i < checkpoint->graph.layer_count; i++) {
        const struct bd_layer *layer = &checkpoint->graph.layers[i];
        if (!bd_layer_has_weights(layer) || layer->weight_bits > 8) {
            continue;
        }
        size_t count = bd_checkpoint_find(checkpoint, "%s.weight", layer->name)->count, levels[4] = {0};
        uint8_t *codes = bd_xcalloc(count, 1);
        bd_status status = bd_checkpoint_codes(checkpoint, layer, level_switch(&checkpoint->graph, layer), codes, err);
        for (size_t k = 0; k < count; k++) {
            levels[codes[k] >> 6]++;
        }
        free(codes);
        if (status) {
            return status;
        }
        fprintf(stderr, "  %-12s", layer->name);
        for (int level = 0; level < 4; level++) {
            fprintf(stderr, " %5.1f", 100.0 * levels[level] / count);
        }
        fprintf(stderr, "\n");
    }
    return BD_OK;
}
