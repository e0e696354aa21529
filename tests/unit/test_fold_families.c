/* Every quantizer family from a checkpoint to integers: weights quantized again here by formulas written out in double,
 * batch norm and quantizers as the papers have them, layer by layer beside the plain executor. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/checkpoint/random_checkpoint.h"
#include "model/core/memory.h"
#include "model/core/rng.h"
#include "model/eval/evaluate.h"
#include "model/exec/exec.h"
#include "model/exec/fast.h"
#include "model/exec/requantize.h"
#include "model/fold/fold.h"

#define DEMO "yaml-configs/hardware/demo.yaml"

static const char network[] = "name: families\ninput: {height: 12, width: 12, channels: 2}\nclasses: 5\n"
                              "switches: [w8a8, w5a4, w2a2, w1a8, w1a1]\n"
                              "quantizers: {weights: %s, activations: %s, weight_unit: %s}\n"
                              "stem: {channels: 6, kernel: 3, stride: 1, weight_bits: 8}\nstages:\n"
                              "  - channels: 6\n    stride: 1\n    blocks:\n"
                              "      - {kind: basic, inner: 10, shortcut: identity}\n"
                              "  - channels: 12\n    stride: 2\n    blocks:\n"
                              "      - {kind: bireal, shortcut: projection, projection_bits: 8}\n"
                              "head: {pool_bits: 8, weight_bits: 8}\n";

struct family {
    const char *weights, *activations, *unit;
};

static const struct family all_families[] = {
    {"floor", "pact", "rms"},  {"floor", "dorefa", "filter"}, {"floor", "pact-published", "layer"},
    {"dorefa", "pact", "rms"}, {"dorefa", "dorefa", "layer"}, {"dorefa", "lsq", "filter"},
    {"lsq", "lsq", "rms"},     {"lsq", "pact", "filter"},     {"lsq", "lsq", "layer"},
};

static void make(struct bd_checkpoint *checkpoint, const struct family *family, uint64_t seed)
{
    struct bd_error err;
    char *text = bd_asprintf(network, family->weights, family->activations, family->unit);
    bd_checkpoint_init(checkpoint);
    cr_assert_eq(bd_graph_parse(&checkpoint->graph, "families", text, strlen(text), &err), BD_OK, "%s", err.message);
    free(text);
    bd_random_arrays(checkpoint, seed);
    cr_assert_eq(bd_checkpoint_check(checkpoint, &err), BD_OK, "%s", err.message);
}

static bd_status fold(const struct bd_checkpoint *checkpoint, bool reference, struct bd_program *program,
                      struct bd_fold_report *report, struct bd_error *err)
{
    struct bd_hardware hardware;
    const struct bd_fold_options options = {.max_moved = BD_DEFAULT_MAX_MOVED, .reference = reference};
    cr_assert_eq(bd_hardware_load(&hardware, DEMO, err), BD_OK, "%s", err->message);
    const bd_status status = bd_fold(checkpoint, &hardware, &options, program, report, err);
    bd_hardware_release(&hardware);
    return status;
}

static double value(const struct bd_checkpoint *c, const char *owner, const char *sw, const char *what, size_t i)
{
    const struct bd_array *array = bd_checkpoint_find(c, "%s.%s.%s", owner, sw, what);
    cr_assert(array && i < (size_t)array->count, "%s.%s.%s has no value %zu", owner, sw, what, i);
    return array->data[i];
}

static double level(const struct bd_checkpoint *c, const struct bd_layer *layer, const char *sw)
{
    const struct bd_array *own = bd_checkpoint_find(c, "%s.%s.wstep", layer->name, sw);
    const struct bd_array *shared = bd_checkpoint_find(c, "%s.wstep", layer->name);
    return (own ? own : shared)->data[0];
}

/* The real weight of the layer's latent i at a switch, by the definition of its family. */
static double real_weight(const struct bd_checkpoint *c, const struct bd_layer *layer, const struct bd_switch *sw,
                          size_t i)
{
    const struct bd_array *latent = bd_checkpoint_find(c, "%s.weight", layer->name);
    const struct bd_array *units = bd_checkpoint_find(c, "%s.%s.wscale", layer->name, sw->name);
    const int bits = layer->weight_bits ? layer->weight_bits : sw->weight_bits, n = (1 << bits) - 1;
    const double w = latent->data[i];
    const double unit = units->data[units->count == 1 ? 0 : i / (size_t)(latent->count / units->count)];
    if (bits == 1) {
        return w >= 0 ? unit : -unit;
    }
    if (c->graph.weights == BD_WEIGHTS_LSQ) {
        return unit * floor(fmin(fmax(w / level(c, layer, sw->name), -(n + 1) / 2), (n - 1) / 2) + 0.5);
    }
    const double scale = bd_checkpoint_find(c, "%s.scale", layer->name)->data[0];
    if (c->graph.weights == BD_WEIGHTS_DOREFA) {
        return unit * (2 * floor(n * (tanh(w) / (2 * scale) + 0.5) + 0.5) - n);
    }
    return unit * (2 * fmin(floor((n + 1) * fmin(fmax(w / (2 * scale) + 0.5, 0), 1)), n) - n);
}

/* Step of a quantizer's codes at a switch; 0: signs. */
static double step_of(const struct bd_checkpoint *c, int q, const struct bd_switch *sw)
{
    const struct bd_quantizer *quantizer = &c->graph.quantizers[q];
    const int bits = quantizer->bits ? quantizer->bits : sw->activation_bits;
    const double n = (1 << bits) - 1;
    if (q == BD_QUANTIZER_INPUT) {
        return 1.0 / 255;
    }
    if (bits == 1) {
        return 0;
    }
    switch (c->graph.activations) {
    case BD_ACTIVATIONS_DOREFA:
        return 1 / n;
    case BD_ACTIVATIONS_LSQ:
        return value(c, quantizer->name, sw->name, "step", 0);
    default:
        return value(c, quantizer->name, sw->name, "alpha", 0) / n;
    }
}

struct walk {
    const struct bd_checkpoint *checkpoint;
    const struct bd_fold_report *report;
    const struct bd_frame *frame;
    const uint8_t *image;
    int s;
    double *stream, *next;
    int codes, codes_off;
};

static double real_sum(const struct walk *w, const struct bd_layer *l, const double *weights, int oc, int oy, int ox)
{
    const struct bd_switch *sw = &w->checkpoint->graph.switches[w->s];
    const int producer = bd_graph_producer(&w->checkpoint->graph, l->in_quantizer);
    const uint8_t *in = producer < 0 ? w->image : w->frame->outputs[producer].codes;
    const double step = step_of(w->checkpoint, l->in_quantizer, sw);
    double sum = 0;
    for (int ky = 0; ky < l->kernel_h; ky++) {
        for (int kx = 0; kx < l->kernel_w; kx++) {
            const int y = oy * l->stride + ky - l->pad, x = ox * l->stride + kx - l->pad;
            for (int ic = 0; ic < l->in_channels && y >= 0 && y < l->in_height && x >= 0 && x < l->in_width; ic++) {
                const int code = in[(y * l->in_width + x) * l->in_channels + ic];
                sum += weights[((oc * l->in_channels + ic) * l->kernel_h + ky) * l->kernel_w + kx] *
                       (step > 0 ? step * code : 2 * code - 1);
            }
        }
    }
    return sum;
}

static void check_code(struct walk *w, const struct bd_layer *layer, double real, int code, double slack)
{
    const struct bd_switch *sw = &w->checkpoint->graph.switches[w->s];
    const double step = step_of(w->checkpoint, layer->out_quantizer, sw);
    const struct bd_quantizer *q = &w->checkpoint->graph.quantizers[layer->out_quantizer];
    const int n = (1 << (q->bits ? q->bits : sw->activation_bits)) - 1;
    const int exact = step > 0 ? (int)fmin(fmax(floor(real / step + 0.5), 0), n) : real >= 0;
    w->codes++;
    if (exact != code) {
        const double edge = step > 0 ? step * (fmax(exact, code) - 0.5) : 0;
        w->codes_off++;
        cr_assert(abs(exact - code) == 1 && fabs(real - edge) < slack, "%s at %s: code %d, exact %d, %g from the edge",
                  layer->name, sw->name, code, exact, fabs(real - edge));
    }
}

static void check_layer(struct walk *w, int l)
{
    const struct bd_checkpoint *c = w->checkpoint;
    const struct bd_layer *layer = &c->graph.layers[l];
    const struct bd_switch *sw = &c->graph.switches[w->s];
    const struct bd_layer_output *out = &w->frame->outputs[l];
    const struct bd_fold_layer *report = &w->report->at[w->s * w->report->layer_count + l];
    const double lsb = ldexp(1, -report->z_frac);
    const size_t count = (size_t)layer->out_channels * layer->in_channels * layer->kernel_h * layer->kernel_w;
    double *weights = bd_xcalloc(count, sizeof *weights);
    for (size_t i = 0; i < count && layer->kind != BD_LAYER_POOL; i++) {
        weights[i] = real_weight(c, layer, sw, i);
    }
    for (int i = 0; i < layer->out_height * layer->out_width * layer->out_channels; i++) {
        const int oc = i % layer->out_channels, ox = i / layer->out_channels % layer->out_width;
        double real = 0;
        if (layer->kind == BD_LAYER_POOL) {
            for (int p = 0; p < layer->in_height * layer->in_width; p++) {
                real += w->stream[p * layer->in_channels + oc] / (layer->in_height * layer->in_width);
            }
        } else {
            real = real_sum(w, layer, weights, oc, i / layer->out_channels / layer->out_width, ox);
        }
        if (layer->kind == BD_LAYER_CONV) {
            real = value(c, layer->name, sw->name, "gamma", (size_t)oc) *
                       (real - value(c, layer->name, sw->name, "mean", (size_t)oc)) /
                       sqrt(value(c, layer->name, sw->name, "var", (size_t)oc) + BD_BN_EPS) +
                   value(c, layer->name, sw->name, "beta", (size_t)oc) + (layer->adds_stream ? w->stream[i] : 0);
        } else if (layer->kind == BD_LAYER_CLASSIFIER) {
            const double unit = value(c, layer->name, sw->name, "wscale", 0) * step_of(c, layer->in_quantizer, sw);
            real += bd_checkpoint_find(c, "%s.bias", layer->name)->data[oc];
            cr_assert_float_eq(out->z[i], real / unit, 0.51 + 1e-6 * fabs(real / unit), "logit %d at %s", oc, sw->name);
            continue;
        }
        if (layer->writes_stream) {
            w->next[i] = real;
            cr_assert(fabs(out->z[i] - real / lsb) <= report->stream_error * (1 + 1e-6), "%s at %s: z %d, exact %g",
                      layer->name, sw->name, out->z[i], real / lsb);
        }
        if (out->codes) {
            check_code(w, layer, real, out->codes[i], report->stream_error * lsb + 2e-3);
        }
    }
    if (layer->writes_stream) {
        double *was = w->stream;
        w->stream = w->next;
        w->next = was;
    }
    free(weights);
}

/* The fast executor gives the same logits. */
static void check_fast(const struct bd_program *program, const struct bd_decoded *decoded, unsigned s,
                       const uint8_t *image, const int32_t *logits)
{
    static const char *const kernels[] = {"plain", NULL}; /* NULL: the fastest here */
    int32_t found[5];
    struct bd_error err;
    for (int k = 0; k < 2; k++) {
        cr_assert_eq(bd_execute_fast_by(kernels[k], program, decoded, s, image, 1, found, &err), BD_OK, "%s",
                     err.message);
        cr_assert_arr_eq(found, logits, sizeof found);
    }
}

static void check_family(const struct family *family, uint64_t seed)
{
    struct bd_checkpoint checkpoint;
    struct bd_program program;
    struct bd_fold_report report;
    struct bd_decoded *decoded;
    struct bd_error err;
    struct bd_rng rng;
    uint8_t image[12 * 12 * 2];
    make(&checkpoint, family, seed);
    cr_assert_eq(fold(&checkpoint, true, &program, &report, &err), BD_OK, "%s/%s/%s: %s", family->weights,
                 family->activations, family->unit, err.message);
    cr_assert_eq(bd_decode(&program, &decoded, &err), BD_OK, "%s", err.message);
    bd_rng_seed(&rng, seed);
    for (size_t i = 0; i < sizeof image; i++) {
        image[i] = (uint8_t)bd_rng_below(&rng, 256);
    }
    struct walk w = {.checkpoint = &checkpoint, .report = &report, .image = image};
    w.stream = bd_xcalloc(12 * 12 * 12, sizeof *w.stream);
    w.next = bd_xcalloc(12 * 12 * 12, sizeof *w.next);
    for (w.s = 0; w.s < report.switch_count; w.s++) {
        struct bd_frame frame;
        cr_assert_eq(bd_execute(&program, decoded, (unsigned)w.s, image, &frame, &err), BD_OK, "%s", err.message);
        w.frame = &frame;
        for (int l = 0; l < report.layer_count; l++) {
            check_layer(&w, l);
        }
        check_fast(&program, decoded, (unsigned)w.s, image, frame.logits);
        bd_frame_release(&frame);
    }
    cr_assert(w.codes > 10000 && w.codes_off < w.codes / 200, "%d of %d codes off", w.codes_off, w.codes);
    free(w.stream);
    free(w.next);
    bd_decoded_free(decoded);
    bd_fold_report_release(&report);
    bd_program_release(&program);
    bd_checkpoint_release(&checkpoint);
}

Test(fold_families, integers_follow_the_definitions)
{
    for (size_t i = 0; i < sizeof all_families / sizeof *all_families; i++) {
        check_family(&all_families[i], 20 + i);
    }
}

/* The trainer's network in floats and the program in integers see the same classes' scores. */
Test(fold_families, logits_agree_with_the_float_network)
{
    enum { IMAGES = 8, CLASSES = 5, BYTES = 12 * 12 * 2 };
    for (size_t i = 0; i < sizeof all_families / sizeof *all_families; i++) {
        struct bd_checkpoint checkpoint;
        struct bd_program program;
        struct bd_fold_report report;
        struct bd_decoded *decoded;
        struct bd_error err;
        struct bd_rng rng;
        uint8_t images[IMAGES * BYTES];
        uint16_t labels[IMAGES] = {0};
        const struct bd_dataset data = {.images = images,
                                        .labels = labels,
                                        .count = IMAGES,
                                        .height = 12,
                                        .width = 12,
                                        .channels = 2,
                                        .classes = CLASSES};
        make(&checkpoint, &all_families[i], 120 + i);
        cr_assert_eq(fold(&checkpoint, true, &program, &report, &err), BD_OK, "%s", err.message);
        cr_assert_eq(bd_decode(&program, &decoded, &err), BD_OK, "%s", err.message);
        bd_rng_seed(&rng, i);
        for (size_t k = 0; k < sizeof images; k++) {
            images[k] = (uint8_t)bd_rng_below(&rng, 256);
        }
        for (int s = 0; s < report.switch_count; s++) {
            float real[IMAGES * CLASSES];
            int32_t logits[IMAGES * CLASSES];
            double apart = 0, size = 0;
            const struct bd_switch *sw = &checkpoint.graph.switches[s];
            const struct bd_layer *last = &checkpoint.graph.layers[checkpoint.graph.layer_count - 1];
            const double unit =
                value(&checkpoint, "fc", sw->name, "wscale", 0) * step_of(&checkpoint, last->in_quantizer, sw);
            cr_assert_eq(bd_float_eval(&checkpoint, s, &data, 0, IMAGES, real, NULL, &err), BD_OK, "%s", err.message);
            cr_assert_eq(bd_execute_fast(&program, decoded, (unsigned)s, images, IMAGES, logits, &err), BD_OK, "%s",
                         err.message);
            for (int k = 0; k < IMAGES * CLASSES; k++) {
                apart += fabs(unit * logits[k] - (double)real[k]);
                size += fabs((double)real[k]);
            }
            /* a stream in 16 bits has fewer of them below the point */
            cr_assert_lt(apart, (sw->activation_bits > 2 ? 0.02 : 0.04) * size,
                         "family %zu at %s: logits off by %.2f %%", i, sw->name, 100 * apart / size);
        }
        bd_decoded_free(decoded);
        bd_fold_report_release(&report);
        bd_program_release(&program);
        bd_checkpoint_release(&checkpoint);
    }
}

/* Where the weights of switches stand in the image: one place for codes that nest and for equal ones, else several. */
Test(fold_families, only_codes_that_do_not_nest_have_planes_of_their_own)
{
    for (size_t i = 0; i < sizeof all_families / sizeof *all_families; i++) {
        const struct family *family = &all_families[i];
        const bool nests = strcmp(family->weights, "floor") == 0, lsq = strcmp(family->weights, "lsq") == 0;
        struct bd_checkpoint checkpoint;
        struct bd_program program;
        struct bd_fold_report report;
        struct bd_error err;
        make(&checkpoint, family, 40 + i);
        cr_assert_eq(fold(&checkpoint, true, &program, &report, &err), BD_OK, "%s", err.message);
        for (unsigned l = 0; l < program.header->layer_count; l++) {
            const struct bd_layer *layer = &checkpoint.graph.layers[l];
            for (unsigned s = 1; s < program.header->switch_count && layer->kind != BD_LAYER_POOL; s++) {
                const struct bd_descriptor *a = bd_program_descriptor(&program, 0, l);
                const struct bd_descriptor *b = bd_program_descriptor(&program, s, l);
                cr_assert_eq(a->weight_offset == b->weight_offset, nests || layer->weight_bits, "%s, %s at %s",
                             family->weights, layer->name, program.switches[s].name);
                cr_assert_eq(b->weight_zero_point, lsq && b->weight_bits > 1);
            }
            if (!layer->weight_bits && layer->kind == BD_LAYER_CONV) { /* w1a8 and w1a1: the same signs */
                cr_assert_eq(bd_program_descriptor(&program, 3, l)->weight_offset,
                             bd_program_descriptor(&program, 4, l)->weight_offset);
            }
        }
        bd_fold_report_release(&report);
        bd_program_release(&program);
        bd_checkpoint_release(&checkpoint);
    }
}

/* Every family runs on hardware: DoReFa's odd integers from planes of their own, LSQ's with corrections. */
Test(fold_families, hardware_runs_them_all)
{
    for (size_t i = 0; i < sizeof all_families / sizeof *all_families; i++) {
        struct bd_checkpoint checkpoint;
        struct bd_program program;
        struct bd_fold_report report;
        struct bd_error err;
        make(&checkpoint, &all_families[i], 60 + i);
        cr_assert_eq(fold(&checkpoint, false, &program, &report, &err), BD_OK, "%s: %s", all_families[i].weights,
                     err.message);
        const struct bd_descriptor *d = bd_program_descriptor(&program, 0, 1);
        const bool lsq = strcmp(all_families[i].weights, "lsq") == 0 && d->weight_bits > 1;
        cr_assert_eq(d->weight_zero_point, lsq, "%s", all_families[i].weights);
        cr_assert_eq(!(d->flags & BD_FLAG_CORRECT), !lsq && !(d->flags & BD_FLAG_IN_SIGNED));
        bd_fold_report_release(&report);
        bd_program_release(&program);
        bd_checkpoint_release(&checkpoint);
    }
}

/* What a checkpoint lacks or has wrong is named. */
Test(fold_families, missing_levels_are_named)
{
    static const struct {
        struct family family;
        const char *array;
        float value; /* 0 also stands for: not there */
        bool drop;
        const char *message;
    } cases[] = {
        {{"lsq", "lsq", "rms"}, "s1b1.conv1.w2a2.wstep", 0, true, "array 's1b1.conv1.w2a2.wstep' is missing"},
        {{"lsq", "lsq", "rms"}, "stem.wstep", 0, true, "array 'stem.wstep' is missing"},
        {{"lsq", "lsq", "rms"}, "stem.wstep", -1, false, "array 'stem.wstep' must be positive"},
        {{"lsq", "lsq", "rms"}, "s1b1.q1.w8a8.step", NAN, false, "array 's1b1.q1.w8a8.step' must be positive"},
        {{"lsq", "lsq", "rms"}, "s1b1.q2.w8a8.step", 0, true, "array 's1b1.q2.w8a8.step' is missing"},
        {{"dorefa", "pact", "rms"}, "s1b1.conv2.scale", 0, false, "array 's1b1.conv2.scale' must be positive"},
        {{"dorefa", "pact", "filter"}, "s1b1.conv2.w1a1.wscale", 0, false, "array 's1b1.conv2.w1a1.wscale' must be"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bd_checkpoint checkpoint;
        struct bd_program program;
        struct bd_fold_report report;
        struct bd_error err;
        make(&checkpoint, &cases[i].family, 80 + i);
        if (cases[i].drop) {
            bd_checkpoint_drop(&checkpoint, cases[i].array);
        } else {
            bd_checkpoint_find(&checkpoint, "%s", cases[i].array)->data[0] = cases[i].value;
        }
        cr_assert_eq(fold(&checkpoint, true, &program, &report, &err), BD_BAD_INPUT, "case %zu", i);
        cr_assert(strstr(err.message, cases[i].message), "case %zu: %s", i, err.message);
        bd_checkpoint_release(&checkpoint);
    }
    /* One unit where the network has one a filter. */
    struct bd_checkpoint checkpoint;
    struct bd_error err;
    const int64_t one = 1;
    make(&checkpoint, &(struct family){"floor", "pact", "filter"}, 99);
    bd_checkpoint_put(&checkpoint, 1, &one, "s1b1.conv1.w1a8.wscale");
    cr_assert_eq(bd_checkpoint_check(&checkpoint, &err), BD_BAD_INPUT);
    cr_assert(strstr(err.message, "array 's1b1.conv1.w1a8.wscale' has the wrong shape"), "%s", err.message);
    bd_checkpoint_release(&checkpoint);
}

/* A tie of the quantizer is the same tie to the requantizer: every half step, on both sides of zero and past the ends.
 */
Test(fold_families, halves_go_up_in_folding_too)
{
    for (int bits = 1; bits <= 8; bits++) {
        const int n = (1 << bits) - 1;
        const struct bd_activation_rule rule = {.family = BD_ACTIVATIONS_LSQ, .bits = bits, .level = 0.25f};
        const struct bd_code_rule exact = {.bits = bits, .step = 0.25L};
        const struct bd_affine channel = {.gain = 0.125L, .lo = -20, .hi = 2 * n + 20}; /* half a step an acc */
        int32_t m;
        int64_t b;
        struct bd_requant q = {.multiplier = &m, .bias = &b};
        struct bd_error err;
        cr_assert_eq(bd_requant_fit_codes(&channel, 1, &exact, 24, &q, &err), BD_OK, "%s", err.message);
        const struct bd_descriptor d = {.shift = (uint32_t)q.shift,
                                        .code_multiplier = q.code_multiplier,
                                        .code_offset = q.code_offset,
                                        .code_shift = (uint32_t)q.code_shift,
                                        .out_bits = (uint32_t)bits};
        for (int acc = -20; acc <= 2 * n + 20; acc++) {
            const float x = 0.125f * (float)acc;
            float value;
            bd_activation_forward(&rule, &x, 1, &value);
            const int code = bd_requantize_code(&d, bd_requantize_z(&d, m, b, acc, 0));
            cr_assert_eq(value, 0.25f * (float)code, "%d bits, x %g: code %d, value %g", bits, x, code, value);
        }
    }
}
