#include "model/fold/fold.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/fold/fold_parts.h"

/* The stream at one switch, per channel: its range in units of z, and how far it can be from the real value. */
struct stream {
    int64_t low, high;
    long double error;
};

/* ---- switches ----------------------------------------------------------------------------------------------- */

static bool list_has(const char *list, const char *name)
{
    const size_t length = strlen(name);
    for (const char *p = list; p;) {
        if (strncmp(p, name, length) == 0 && (p[length] == '\0' || p[length] == ',')) {
            return true;
        }
        p = strchr(p, ',');
        p = p ? p + 1 : NULL;
    }
    return false;
}

static bd_status check_list(const struct bd_graph *graph, const char *list, struct bd_error *err)
{
    for (const char *p = list; p;) {
        const char *end = strchrnul(p, ',');
        char *name = bd_xstrndup(p, end - p);
        const bool known = bd_graph_switch(graph, name) >= 0;
        if (!known) {
            bd_fail(err, BD_BAD_INPUT, "network '%s' has no switch '%s'", graph->name, name);
        }
        free(name);
        if (!known) {
            return err->status;
        }
        p = *end ? end + 1 : NULL;
    }
    return BD_OK;
}

static bd_status choose_switches(struct bd_folding *f, struct bd_error *err)
{
    if (check_list(f->graph, f->options->switches, err)) {
        return err->status;
    }
    for (int i = 0; i < f->graph->switch_count; i++) {
        const struct bd_switch *sw = &f->graph->switches[i];
        if (f->options->switches && !list_has(f->options->switches, sw->name)) {
            continue;
        }
        f->report->switches[f->report->switch_count++] = i;
    }
    return bd_plain_from_graph(&f->network, f->graph, f->report->switches, f->report->switch_count, err);
}

/* What the hardware does not run is refused before any weight is read, as its price is. */
static bd_status check_hardware(const struct bd_folding *f, struct bd_error *err)
{
    struct bd_plan plan;
    bd_status status = bd_plan_open(&plan, &f->network, f->hardware, f->options->reference, err);
    status = status ? status : bd_plan_make(&plan, err);
    bd_plan_release(&plan);
    return status;
}

/* ---- integers ----------------------------------------------------------------------------------------------- */

/* A stream in 16 bits is kept below 2^15; its z_frac has been chosen so. */
static bd_status check_kept(const struct bd_folding *f, int s, int64_t low, int64_t high, struct bd_error *err)
{
    const bool fits = !f->network.narrow_stream[s] || (low >= INT16_MIN && high <= INT16_MAX);
    return fits ? BD_OK
                : bd_fail(err, BD_BAD_INPUT, "the residual stream could leave 16 bits: %lld to %lld", (long long)low,
                          (long long)high);
}

static bd_status check_peak(int64_t low, int64_t high, const char *what, struct bd_error *err)
{
    const double peak = fmax(-(double)low, (double)high);
    return peak > INT32_MAX ? bd_fail(err, BD_BAD_INPUT, "%s could saturate 32 bits: up to %.0f", what, peak) : BD_OK;
}

static void note_peak(struct bd_fold_layer *report, int64_t low, int64_t high)
{
    report->z_peak = fmax(report->z_peak, fmax(-(double)low, (double)high));
}

/* z and the stream after this layer: ranges and errors, channel by channel. */
static bd_status advance_stream(const struct bd_folding *f, int s, int l, enum bd_rounding rounding,
                                struct stream *stream, struct bd_error *err)
{
    const struct bd_layer *layer = &f->graph->layers[l];
    const struct bd_requant *q = &f->fitted[bd_fold_at(f, s, l)];
    struct bd_fold_layer *report = &f->report->at[bd_fold_at(f, s, l)];
    const int z_frac = report->z_frac;
    for (int c = 0; c < layer->out_channels; c++) {
        const struct bd_affine *a = &f->affine[bd_fold_at(f, s, l)][c];
        struct stream here;
        bd_requant_range(a, q->multiplier[c], q->bias[c], q->shift, &here.low, &here.high);
        here.error = bd_requant_error(a, q->multiplier[c], q->bias[c], q->shift, z_frac, rounding);
        if (layer->adds_stream) {
            here.low += stream[c].low;
            here.high += stream[c].high;
            here.error += stream[c].error;
        }
        if (check_peak(here.low, here.high, "the residual stream", err) || check_kept(f, s, here.low, here.high, err)) {
            return err->status;
        }
        note_peak(report, here.low, here.high);
        stream[c] = here;
        report->stream_error = fmax(report->stream_error, (double)here.error);
    }
    return BD_OK;
}

/* What the stream's error, and the reader's own rounding, come to in steps of the code that leaves. */
static void note_code_error(const struct bd_code_rule *rule, struct bd_fold_layer *report)
{
    if (rule->bits > 0 && !rule->is_signed) {
        report->code_error = report->stream_error / (double)ldexpl(rule->step, report->z_frac) +
                             (double)bd_fold_reader_error(rule, report->z_frac, 0);
    }
}

static bd_status fit_stream_layer(struct bd_folding *f, int s, int l, const struct bd_code_rule *rule,
                                  struct stream *stream, struct bd_error *err)
{
    const struct bd_layer *layer = &f->graph->layers[l];
    struct bd_requant *q = &f->fitted[bd_fold_at(f, s, l)];
    struct bd_fold_layer *report = &f->report->at[bd_fold_at(f, s, l)];
    const enum bd_rounding rounding = rule->is_signed ? BD_ROUND_DOWN : BD_ROUND_NEAREST;
    if (bd_requant_fit_stream(f->affine[bd_fold_at(f, s, l)], layer->out_channels, report->z_frac,
                              (int)f->hardware->mult_bits, rounding, q, err) ||
        bd_requant_fit_reader(rule, report->z_frac, q, err) || advance_stream(f, s, l, rounding, stream, err)) {
        return err->status;
    }
    report->has_stream = true;
    report->takes_stream = layer->adds_stream;
    note_code_error(rule, report);
    return BD_OK;
}

/* The pool's accumulator is the sum of z over all pixels; its real value is that over pixels 2^F. */
static bd_status fit_pool(struct bd_folding *f, int s, int l, const struct bd_code_rule *rule,
                          const struct stream *stream, struct bd_error *err)
{
    const struct bd_layer *layer = &f->graph->layers[l];
    const int64_t pixels = (int64_t)layer->in_height * layer->in_width;
    struct bd_affine *channels = bd_xcalloc(layer->out_channels, sizeof *channels);
    f->affine[bd_fold_at(f, s, l)] = channels;
    struct bd_fold_layer *report = &f->report->at[bd_fold_at(f, s, l)];
    for (int c = 0; c < layer->out_channels; c++) {
        channels[c] = (struct bd_affine){.gain = ldexpl(1.0L / (long double)pixels, -report->z_frac),
                                         .lo = stream[c].low * pixels,
                                         .hi = stream[c].high * pixels};
        if (check_peak(channels[c].lo, channels[c].hi, "the pool's sum", err)) {
            return err->status;
        }
        report->stream_error = fmax(report->stream_error, (double)stream[c].error);
    }
    if (!rule->is_signed) {
        report->code_error = report->stream_error / (double)ldexpl(rule->step, report->z_frac);
    }
    return bd_requant_fit_codes(channels, layer->out_channels, rule, (int)f->hardware->mult_bits,
                                &f->fitted[bd_fold_at(f, s, l)], err);
}

/* z is the stream's largest: the accumulator itself, within the range and error of what it reads. */
static bd_status fit_max_pool(struct bd_folding *f, int s, int l, const struct bd_code_rule *rule,
                              const struct stream *stream, struct bd_error *err)
{
    const struct bd_layer *layer = &f->graph->layers[l];
    struct bd_requant *q = &f->fitted[bd_fold_at(f, s, l)];
    struct bd_fold_layer *report = &f->report->at[bd_fold_at(f, s, l)];
    for (int c = 0; c < layer->out_channels; c++) {
        q->multiplier[c] = 1;
        note_peak(report, stream[c].low, stream[c].high);
        report->stream_error = fmax(report->stream_error, (double)stream[c].error);
    }
    report->has_stream = true;
    report->takes_stream = true;
    note_code_error(rule, report);
    return bd_requant_fit_reader(rule, report->z_frac, q, err);
}

/* z is the mean of the stream's values in a window, rounded: padding counts as zeros. */
static bd_status fit_window_average(struct bd_folding *f, int s, int l, const struct bd_code_rule *rule,
                                    struct stream *stream, struct bd_error *err)
{
    const struct bd_layer *layer = &f->graph->layers[l];
    const int64_t terms = (int64_t)layer->kernel_h * layer->kernel_w;
    struct bd_requant *q = &f->fitted[bd_fold_at(f, s, l)];
    struct bd_fold_layer *report = &f->report->at[bd_fold_at(f, s, l)];
    struct bd_affine *channels = bd_xcalloc(layer->out_channels, sizeof *channels);
    f->affine[bd_fold_at(f, s, l)] = channels;
    for (int c = 0; c < layer->out_channels; c++) {
        const int64_t low = layer->pad && stream[c].low > 0 ? 0 : stream[c].low;
        const int64_t high = layer->pad && stream[c].high < 0 ? 0 : stream[c].high;
        channels[c] = (struct bd_affine){
            .gain = ldexpl(1.0L / (long double)terms, -report->z_frac), .lo = low * terms, .hi = high * terms};
        if (check_peak(channels[c].lo, channels[c].hi, "a window's sum", err)) {
            return err->status;
        }
    }
    if (bd_requant_fit_stream(channels, layer->out_channels, report->z_frac, (int)f->hardware->mult_bits,
                              BD_ROUND_NEAREST, q, err)) {
        return err->status;
    }
    for (int c = 0; c < layer->out_channels; c++) {
        bd_requant_range(&channels[c], q->multiplier[c], q->bias[c], q->shift, &stream[c].low, &stream[c].high);
        stream[c].error +=
            bd_requant_error(&channels[c], q->multiplier[c], q->bias[c], q->shift, report->z_frac, BD_ROUND_NEAREST);
        note_peak(report, stream[c].low, stream[c].high);
        report->stream_error = fmax(report->stream_error, (double)stream[c].error);
    }
    report->has_stream = true;
    report->takes_stream = true;
    note_code_error(rule, report);
    return bd_requant_fit_reader(rule, report->z_frac, q, err);
}

/* Logits are accumulators; the bias is rounded to their unit. */
static bd_status fit_classifier(struct bd_folding *f, int s, int l, struct bd_error *err)
{
    const struct bd_layer *layer = &f->graph->layers[l];
    struct bd_requant *q = &f->fitted[bd_fold_at(f, s, l)];
    struct bd_fold_layer *report = &f->report->at[bd_fold_at(f, s, l)];
    for (int c = 0; c < layer->out_channels; c++) {
        const struct bd_affine *a = &f->affine[bd_fold_at(f, s, l)][c];
        const long double bias = roundl(a->offset / a->gain);
        if (fabsl(bias) > INT32_MAX) {
            return bd_fail(err, BD_BAD_INPUT, "the bias of class %d is beyond 32 bits in units of the logits", c);
        }
        q->multiplier[c] = 1;
        q->bias[c] = (int64_t)bias;
        if (check_peak(a->lo + q->bias[c], a->hi + q->bias[c], "a logit", err)) {
            return err->status;
        }
        note_peak(report, a->lo + q->bias[c], a->hi + q->bias[c]);
    }
    report->has_stream = true;
    report->stream_error = 0.5;
    return BD_OK;
}

/* Codes alone leave: the fit has excluded saturation of their z. */
static void note_code_peak(struct bd_folding *f, int s, int l)
{
    const struct bd_requant *q = &f->fitted[bd_fold_at(f, s, l)];
    for (int c = 0; c < f->graph->layers[l].out_channels; c++) {
        int64_t low, high;
        bd_requant_range(&f->affine[bd_fold_at(f, s, l)][c], q->multiplier[c], q->bias[c], q->shift, &low, &high);
        note_peak(&f->report->at[bd_fold_at(f, s, l)], low, high);
    }
}

static bd_status fit_layer(struct bd_folding *f, int s, int l, struct stream *stream, struct bd_error *err)
{
    const struct bd_layer *layer = &f->graph->layers[l];
    struct bd_requant *q = &f->fitted[bd_fold_at(f, s, l)];
    struct bd_code_rule rule = {.step = 1};
    if (layer->out_quantizer >= 0 &&
        bd_fold_rule(f->checkpoint, layer->out_quantizer, f->report->switches[s], &rule, err)) {
        return err->status;
    }
    bd_status status = BD_OK;
    switch (layer->kind) {
    case BD_LAYER_CLASSIFIER:
        status = fit_classifier(f, s, l, err);
        break;
    case BD_LAYER_POOL:
        status = fit_pool(f, s, l, &rule, stream, err);
        break;
    case BD_LAYER_MAXPOOL:
        status = fit_max_pool(f, s, l, &rule, stream, err);
        break;
    case BD_LAYER_MEANPOOL:
        status = fit_window_average(f, s, l, &rule, stream, err);
        break;
    case BD_LAYER_CONV:
        status = layer->writes_stream ? fit_stream_layer(f, s, l, &rule, stream, err)
                                      : bd_requant_fit_codes(f->affine[bd_fold_at(f, s, l)], layer->out_channels, &rule,
                                                             (int)f->hardware->mult_bits, q, err);
        break;
    }
    if (status != BD_OK) {
        return status;
    }
    struct bd_fold_layer *report = &f->report->at[bd_fold_at(f, s, l)];
    report->has_codes = rule.bits > 0;
    if (!report->has_stream) {
        note_code_peak(f, s, l);
    }
    if (report->has_codes && !report->takes_stream) {
        bd_requant_count_edges(f->affine[bd_fold_at(f, s, l)], layer->out_channels, &rule, q, &report->edges);
    }
    return BD_OK;
}

static bd_status fit_switch(struct bd_folding *f, int s, struct bd_error *err)
{
    int channels = 1;
    for (int l = 0; l < f->graph->layer_count; l++) {
        channels = f->graph->layers[l].out_channels > channels ? f->graph->layers[l].out_channels : channels;
    }
    struct stream *stream = bd_xcalloc(channels, sizeof *stream);
    bd_status status = BD_OK;
    for (int l = 0; l < f->graph->layer_count && status == BD_OK; l++) {
        status = fit_layer(f, s, l, stream, err);
        if (status != BD_OK) {
            bd_fold_where(f, s, l, err);
        }
    }
    free(stream);
    return status;
}

static bd_status check_moved(const struct bd_folding *f, struct bd_error *err)
{
    for (int s = 0; s < f->report->switch_count; s++) {
        for (int l = 0; l < f->graph->layer_count; l++) {
            const struct bd_edge_count *e = &f->report->at[bd_fold_at(f, s, l)].edges;
            const double moved = e->values ? 1000.0 * (double)e->values_moved / (double)e->values : 0.0;
            if (moved > f->options->max_moved) {
                bd_fail(err, BD_FAIL,
                        "%lld of %lld accumulator values have another code than the exact one: %.3g per "
                        "mille, over the bound of %g",
                        (long long)e->values_moved, (long long)e->values, moved, f->options->max_moved);
                return bd_fold_where(f, s, l, err);
            }
        }
    }
    return BD_OK;
}

/* ---- assembly ----------------------------------------------------------------------------------------------- */

/* Of the convolution in whole numbers: `taps` for each weight of the checkpoint. */
static size_t weight_count(const struct bd_layer *layer)
{
    const int side = bd_layer_side(layer);
    return (size_t)layer->out_channels * (layer->in_channels / layer->groups) * side * layer->kernel_h * side *
           layer->kernel_w;
}

/* Each code of a layer's weights becomes those of its taps, in place, from the last on. */
static void spread(const struct bd_layer *layer, uint8_t *codes)
{
    const size_t taps = (size_t)bd_layer_side(layer) * bd_layer_side(layer);
    for (size_t i = weight_count(layer); i-- > 0;) {
        codes[i] = codes[i / taps];
    }
}

static bd_status read_layer_switch(struct bd_folding *f, int s, int l, struct bd_error *err)
{
    const struct bd_layer *layer = &f->graph->layers[l];
    const int index = f->report->switches[s];
    int16_t *weights = bd_xmalloc(weight_count(layer) * sizeof *weights);
    f->affine[bd_fold_at(f, s, l)] = bd_xcalloc(layer->out_channels, sizeof **f->affine);
    bd_status status = bd_checkpoint_integers(f->checkpoint, layer, index, weights, err);
    if (!status && bd_plan_storing_switch(&f->network.layers[l], s) == s) {
        f->codes[bd_fold_at(f, s, l)] = bd_xmalloc(weight_count(layer));
        status = bd_checkpoint_codes(f->checkpoint, layer, index, f->codes[bd_fold_at(f, s, l)], err);
        if (status == BD_OK) {
            spread(layer, f->codes[bd_fold_at(f, s, l)]);
        }
    }
    status =
        status ? status : bd_fold_affine(f->checkpoint, layer, index, weights, f->affine[bd_fold_at(f, s, l)], err);
    free(weights);
    return status;
}

static bd_status read_layers(struct bd_folding *f, struct bd_error *err)
{
    for (int l = 0; l < f->graph->layer_count; l++) {
        const struct bd_layer *layer = &f->graph->layers[l];
        for (int s = 0; s < f->report->switch_count; s++) {
            struct bd_requant *q = &f->fitted[bd_fold_at(f, s, l)];
            q->multiplier = bd_xcalloc(layer->out_channels, sizeof *q->multiplier);
            q->bias = bd_xcalloc(layer->out_channels, sizeof *q->bias);
            if (bd_layer_has_weights(layer) && read_layer_switch(f, s, l, err)) {
                return bd_fold_where(f, s, l, err);
            }
        }
    }
    return BD_OK;
}

static bd_status pack(struct bd_folding *f, struct bd_program *program, struct bd_error *err)
{
    for (int s = 0; s < f->report->switch_count; s++) {
        f->network.switches[s].z_frac = f->report->z_frac[s];
    }
    for (int l = 0; l < f->graph->layer_count; l++) {
        struct bd_plain_layer *layer = &f->network.layers[l];
        layer->codes = bd_weight_nests(f->graph->weights) ? f->codes[bd_fold_at(f, 0, l)] : NULL;
        for (int s = 0; s < f->report->switch_count; s++) {
            const struct bd_requant *q = &f->fitted[bd_fold_at(f, s, l)];
            if (layer->at[s].own_planes) {
                layer->at[s].codes = f->codes[bd_fold_at(f, s, l)];
            }
            layer->at[s].requant = (struct bd_plain_requant){.multiplier = q->multiplier,
                                                             .bias = q->bias,
                                                             .shift = q->shift,
                                                             .code_multiplier = q->code_multiplier,
                                                             .code_offset = q->code_offset,
                                                             .code_shift = q->code_shift,
                                                             .residual_multiplier = 1};
        }
    }
    return bd_pack(&f->network, f->hardware, f->options->reference, program, err);
}

static bd_status run(struct bd_folding *f, struct bd_program *program, struct bd_error *err)
{
    bd_status status = read_layers(f, err);
    if (status == BD_OK) {
        status = bd_fold_choose_z_fracs(f, err);
    }
    for (int s = 0; s < f->report->switch_count && status == BD_OK; s++) {
        status = fit_switch(f, s, err);
    }
    if (status == BD_OK) {
        status = check_moved(f, err);
    }
    return status == BD_OK ? pack(f, program, err) : status;
}

static void release(struct bd_folding *f)
{
    for (int l = 0; l < f->graph->layer_count; l++) {
        for (int s = 0; s < f->report->switch_count; s++) {
            free(f->codes[bd_fold_at(f, s, l)]);
            free(f->affine[bd_fold_at(f, s, l)]);
            free(f->fitted[bd_fold_at(f, s, l)].multiplier);
            free(f->fitted[bd_fold_at(f, s, l)].bias);
        }
    }
    free(f->codes);
    free(f->affine);
    free(f->fitted);
    bd_plain_release(&f->network);
}

bd_status bd_fold(const struct bd_checkpoint *checkpoint, const struct bd_hardware *hardware,
                  const struct bd_fold_options *options, struct bd_program *program, struct bd_fold_report *report,
                  struct bd_error *err)
{
    struct bd_folding f = {.checkpoint = checkpoint,
                           .graph = &checkpoint->graph,
                           .hardware = hardware,
                           .options = options,
                           .report = report};
    memset(program, 0, sizeof *program);
    memset(report, 0, sizeof *report);
    if (choose_switches(&f, err)) {
        return err->status;
    }
    if (bd_checkpoint_check(checkpoint, err) || check_hardware(&f, err)) {
        bd_plain_release(&f.network);
        return err->status;
    }
    const size_t layers = (size_t)f.graph->layer_count, cells = layers * report->switch_count;
    report->layer_count = f.graph->layer_count;
    report->at = bd_xcalloc(cells, sizeof *report->at);
    f.codes = bd_xcalloc(cells, sizeof *f.codes);
    f.fitted = bd_xcalloc(cells, sizeof *f.fitted);
    f.affine = bd_xcalloc(cells, sizeof *f.affine);
    const bd_status status = run(&f, program, err);
    release(&f);
    if (status != BD_OK && status != BD_FAIL) {
        bd_fold_report_release(report);
    }
    return status;
}

void bd_fold_report_release(struct bd_fold_report *report)
{
    free(report->at);
    memset(report, 0, sizeof *report);
}
