/* Folding a whole network, layer by layer, against batch norm written out in long double. */
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
#include "model/fold/fold.h"
#include "tests/support/exact_code.h"

#define NETWORK "yaml-configs/networks/resnet8.yaml"
#define DEMO "yaml-configs/hardware/demo.yaml"

struct folded {
    struct bd_checkpoint checkpoint;
    struct bd_hardware hardware;
    struct bd_program program;
    struct bd_decoded *decoded;
    struct bd_fold_report report;
};

/* For the demo's hardware, or for the reference alone where `hardware` is NULL. */
static void fold_network(struct folded *f, const char *network, const char *hardware, uint64_t seed,
                         const char *switches)
{
    struct bd_error err;
    const struct bd_fold_options options = {
        .switches = switches, .reference = !hardware, .max_moved = BD_DEFAULT_MAX_MOVED};
    cr_assert_eq(bd_random_checkpoint(network, seed, &f->checkpoint, &err), BD_OK, "%s", err.message);
    if (hardware) {
        cr_assert_eq(bd_hardware_load(&f->hardware, hardware, &err), BD_OK, "%s", err.message);
    } else {
        bd_hardware_reference(&f->hardware);
    }
    cr_assert_eq(bd_fold(&f->checkpoint, &f->hardware, &options, &f->program, &f->report, &err), BD_OK, "seed %llu: %s",
                 (unsigned long long)seed, err.message);
    cr_assert_eq(bd_decode(&f->program, &f->decoded, &err), BD_OK, "%s", err.message);
}

static void release_network(struct folded *f)
{
    bd_decoded_free(f->decoded);
    bd_fold_report_release(&f->report);
    bd_program_release(&f->program);
    bd_hardware_release(&f->hardware);
    bd_checkpoint_release(&f->checkpoint);
}

static float value(const struct bd_checkpoint *c, const char *layer, const char *sw, const char *name, int i)
{
    return bd_checkpoint_find(c, "%s.%s.%s", layer, sw, name)->data[i];
}

/* Real value of a code of quantizer q at a switch. */
static long double code_value(const struct bd_checkpoint *c, int q, const struct bd_switch *sw, uint8_t code)
{
    const struct bd_quantizer *quantizer = &c->graph.quantizers[q];
    if (bd_quantizer_signed(quantizer, sw)) {
        return code ? 1 : -1;
    }
    const long double alpha = q == BD_QUANTIZER_INPUT ? 1 : value(c, quantizer->name, sw->name, "alpha", 0);
    return alpha * code / ((1 << bd_quantizer_bits(quantizer, sw)) - 1);
}

/* The real convolution at one output (`values` of the codes read), then batch norm as it is written in every paper. */
static long double real_output(const struct bd_checkpoint *c, const struct bd_layer *l, const struct bd_switch *sw,
                               const uint8_t *codes, const uint8_t *in, const long double *values, int oc, int oy,
                               int ox)
{
    const int bits = bd_layer_weight_bits(l, sw);
    const int own = l->in_channels / l->groups, first = oc / (l->out_channels / l->groups) * own;
    const int height = l->averages ? 2 : l->kernel_h, width = l->averages ? 2 : l->kernel_w;
    long double sum = 0;
    for (int ky = 0; ky < height; ky++) {
        for (int kx = 0; kx < width; kx++) {
            const int y = oy * l->stride + ky - l->pad, x = ox * l->stride + kx - l->pad;
            for (int i = 0; i < own && y >= 0 && y < l->in_height && x >= 0 && x < l->in_width; i++) {
                const int c8 = codes[((oc * own + i) * height + ky) * width + kx];
                cr_assert(!l->averages || c8 == codes[(oc * own + i) * 4], "%s: the taps of a mean differ", l->name);
                const int weight = 2 * (c8 >> (8 - bits)) + 1 - (1 << bits);
                sum += weight * values[in[(y * l->in_width + x) * l->in_channels + first + i]];
            }
        }
    }
    sum *= value(c, l->name, sw->name, "wscale", 0) / (l->averages ? 4.0L : 1.0L); /* a mean of four */
    if (l->kind == BD_LAYER_CLASSIFIER) {
        return sum + bd_checkpoint_find(c, "%s.bias", l->name)->data[oc];
    }
    const long double deviation = sqrtl(value(c, l->name, sw->name, "var", oc) + (long double)BD_BN_EPS);
    return value(c, l->name, sw->name, "gamma", oc) * ((sum - value(c, l->name, sw->name, "mean", oc)) / deviation) +
           value(c, l->name, sw->name, "beta", oc);
}

struct walk { /* real values beside the frame's integers */
    long double *stream, *next;
    int64_t codes, codes_off;
};

static void compare_code(struct walk *w, const struct bd_code_rule *rule, long double real, uint8_t code,
                         long double slack, const char *where)
{
    const struct bd_affine here = {.offset = real};
    const int exact = exact_code(&here, rule, 0);
    w->codes++;
    if (exact == code) {
        return;
    }
    w->codes_off++;
    const int upper = exact > code ? exact : code;
    const long double edge = rule->is_signed ? 0 : rule->step * (upper - 0.5L);
    cr_assert(abs(exact - code) == 1 && fabsl(real - edge) <= slack,
              "%s: code %d, exact %d, %Lg from its edge, over %Lg", where, code, exact, fabsl(real - edge), slack);
}

static long double real_mean(const struct bd_layer *l, const long double *stream, int oc, int oy, int ox)
{
    long double sum = 0;
    for (int y = oy * l->stride - l->pad; y < oy * l->stride - l->pad + l->kernel_h; y++) {
        for (int x = ox * l->stride - l->pad; x < ox * l->stride - l->pad + l->kernel_w; x++) {
            const bool inside = y >= 0 && x >= 0 && y < l->in_height && x < l->in_width;
            sum += inside ? stream[(y * l->in_width + x) * l->in_channels + oc] : 0;
        }
    }
    return sum / (l->kernel_h * l->kernel_w);
}

static long double real_maximum(const struct bd_layer *l, const long double *stream, int oc, int oy, int ox)
{
    long double most = -INFINITY;
    for (int y = oy * l->stride - l->pad; y < oy * l->stride - l->pad + l->kernel_h; y++) {
        for (int x = ox * l->stride - l->pad; x < ox * l->stride - l->pad + l->kernel_w; x++) {
            if (y >= 0 && y < l->in_height && x >= 0 && x < l->in_width) {
                most = fmaxl(most, stream[(y * l->in_width + x) * l->in_channels + oc]);
            }
        }
    }
    return most;
}

/* One layer of a frame: z within its bound of the real stream, codes exact but beside an edge. */
static void check_layer(const struct folded *f, int s, int l, const struct bd_frame *frame, const uint8_t *image,
                        struct walk *w)
{
    const struct bd_checkpoint *c = &f->checkpoint;
    const struct bd_layer *layer = &c->graph.layers[l];
    const struct bd_switch *sw = &c->graph.switches[f->report.switches[s]];
    const struct bd_fold_layer *report = &f->report.at[s * f->report.layer_count + l];
    const struct bd_layer_output *out = &frame->outputs[l];
    const long double lsb = ldexpl(1, -report->z_frac);
    const int producer = layer->in_quantizer < 0 ? -1 : bd_graph_producer(&c->graph, layer->in_quantizer);
    const uint8_t *in = producer < 0 ? image : frame->outputs[producer].codes;
    struct bd_code_rule rule = {0};
    struct bd_error err;
    if (layer->out_quantizer >= 0) {
        cr_assert_eq(bd_fold_rule(c, layer->out_quantizer, f->report.switches[s], &rule, &err), BD_OK);
    }
    const uint8_t *codes = bd_decoded_codes(f->decoded, (unsigned)s, (unsigned)l);
    long double values[256] = {0};
    for (int code = 0; code < 256 && layer->in_quantizer >= 0; code++) {
        values[code] = code_value(c, layer->in_quantizer, sw, (uint8_t)code);
    }
    for (int i = 0; i < layer->out_height * layer->out_width * layer->out_channels; i++) {
        const int oc = i % layer->out_channels, ox = i / layer->out_channels % layer->out_width;
        const int oy = i / layer->out_channels / layer->out_width;
        long double real = 0;
        if (layer->kind == BD_LAYER_POOL) {
            for (int p = 0; p < layer->in_height * layer->in_width; p++) {
                real += w->stream[p * layer->in_channels + oc] / (layer->in_height * layer->in_width);
            }
        } else if (layer->kind == BD_LAYER_MAXPOOL) {
            real = real_maximum(layer, w->stream, oc, oy, ox);
        } else if (layer->kind == BD_LAYER_MEANPOOL) {
            real = real_mean(layer, w->stream, oc, oy, ox);
        } else {
            real = real_output(c, layer, sw, codes, in, values, oc, oy, ox) + (layer->adds_stream ? w->stream[i] : 0);
        }
        if (layer->writes_stream) {
            w->next[i] = real;
            cr_assert_leq(abs(out->z[i]), report->z_peak, "%s %s: z beyond its range", layer->name, sw->name);
            cr_assert(fabsl(out->z[i] - real / lsb) <= report->stream_error * (1 + 1e-6),
                      "%s %s: z off by %Lg, bound %g", layer->name, sw->name, fabsl(out->z[i] - real / lsb),
                      report->stream_error);
        }
        if (out->codes) {
            /* What the stream may be off by, and a step's thousandth for the folded multipliers. */
            const long double slack = report->stream_error * lsb + rule.step / 1000;
            compare_code(w, &rule, real, out->codes[i], slack, layer->name);
        }
    }
    if (layer->writes_stream) {
        long double *was = w->stream;
        w->stream = w->next;
        w->next = was;
    }
}

static void check_network(const char *network, const char *hardware, uint64_t seed, const char *switches)
{
    struct folded f;
    struct bd_rng rng;
    struct bd_error err;
    fold_network(&f, network, hardware, seed, switches);
    bd_rng_seed(&rng, seed);
    const uint32_t bytes = f.program.header->input_bytes;
    uint8_t *image = bd_xmalloc(bytes);
    for (uint32_t i = 0; i < bytes; i++) {
        image[i] = (uint8_t)(i / 28 % 4 == 0 ? 0 : bd_rng_below(&rng, 256));
    }
    for (int s = 0; s < f.report.switch_count; s++) {
        struct bd_frame frame;
        cr_assert_eq(bd_execute(&f.program, f.decoded, (unsigned)s, image, &frame, &err), BD_OK, "%s", err.message);
        struct walk w = {.stream = bd_xcalloc(28 * 28 * 64, sizeof(long double)),
                         .next = bd_xcalloc(28 * 28 * 64, sizeof(long double))};
        for (int l = 0; l < f.report.layer_count; l++) {
            check_layer(&f, s, l, &frame, image, &w);
        }
        cr_assert_gt(w.codes, 2000);
        cr_assert_lt(w.codes_off, w.codes / 500, "seed %llu, %s: %lld of %lld codes off", (unsigned long long)seed,
                     f.program.switches[s].name, (long long)w.codes_off, (long long)w.codes);
        free(w.stream);
        free(w.next);
        bd_frame_release(&frame);
    }
    free(image);
    release_network(&f);
}

/* A description in a file of its own; the caller unlinks it. */
static void write_network(const char *text, char path[])
{
    const int file = mkstemp(path);
    cr_assert(file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text));
    close(file);
}

Test(fold, network_follows_batch_norm_written_out)
{
    check_network(NETWORK, DEMO, 1, "w8a8,w2a2,w1a1");
}

Test(fold, another_network_follows_too)
{
    check_network(NETWORK, DEMO, 2, "w4a4,w1a8");
}

/* Shortcuts that average 2x2 codes first, in both kinds of blocks. */
Test(fold, averaging_shortcuts_follow_too)
{
    static const char text[] = "name: average\ninput: {height: 20, width: 12, channels: 2}\nclasses: 5\n"
                               "switches: [w8a8, w3a3, w1a1]\nstem: {channels: 12}\nstages:\n"
                               "  - {channels: 20, stride: 2, blocks: [{kind: basic, inner: 9, shortcut: average}]}\n"
                               "  - {channels: 36, stride: 2, blocks: [{kind: bireal, shortcut: average, "
                               "projection_bits: 4}]}\nhead: {}\n";
    char path[] = "/tmp/bitdial-average-XXXXXX";
    write_network(text, path);
    check_network(path, NULL, 12, NULL);
    unlink(path);
}

/* A shortcut around every convolution, colours, a strided stem of 4 bits, odd widths and bits. */
Test(fold, bireal_network_follows_too)
{
    static const char text[] = "name: bireal\ninput: {height: 16, width: 16, channels: 3}\nclasses: 10\n"
                               "switches: [w8a8, w3a5, w1a3, w1a1]\n"
                               "stem: {channels: 12, kernel: 3, stride: 2, weight_bits: 4}\nstages:\n"
                               "  - channels: 12\n    stride: 1\n    blocks:\n"
                               "      - {kind: bireal, shortcut: identity}\n"
                               "      - {kind: basic, inner: 20, shortcut: identity}\n"
                               "  - channels: 24\n    stride: 2\n    blocks:\n"
                               "      - {kind: bireal, shortcut: projection, projection_bits: 8}\n"
                               "head: {pool_bits: 6, weight_bits: 8}\n";
    char path[] = "/tmp/bitdial-bireal-XXXXXX";
    write_network(text, path);
    check_network(path, DEMO, 7, NULL);
    check_network(path, DEMO, 8, NULL);
    unlink(path);
}

/* What the reference alone runs: a wide strided stem, max pooling before and behind blocks, depthwise filters, codes
 * straight from batch norm, and a residual block among them. */
Test(fold, network_without_hardware_follows_too)
{
    static const char text[] =
        "name: mixed\ninput: {height: 26, width: 22, channels: 3}\nclasses: 150\nswitches: [w8a8, w2a2, w1a8, w1a1]\n"
        "stem: {channels: 16, kernel: 7, stride: 2, max_pool: {kernel: 3, stride: 2, pad: 1}}\nstages:\n"
        "  - channels: 20\n    blocks: [{kind: separable, depthwise_bits: 8}, {kind: separable, weight_bits: 3}]\n"
        "  - channels: 24\n    max_pool: {kernel: 2}\n    blocks: [{kind: plain}, {kind: basic, inner: 18}]\n"
        "  - channels: 28\n    blocks: [{kind: bireal}, {kind: separable, activation_bits: 6}]\n"
        "head: {pool_bits: 8, weight_bits: 8}\n";
    char path[] = "/tmp/bitdial-mixed-XXXXXX";
    write_network(text, path);
    check_network(path, NULL, 9, NULL);
    check_network(path, NULL, 10, NULL);
    unlink(path);
}

/* The mean of windows, of a stream and of values that are none, with and without padding. */
Test(fold, window_averages_follow_too)
{
    static const char text[] =
        "name: means\ninput: {height: 26, width: 22, channels: 3}\nclasses: 7\nswitches: [w8a8, w1a2, w1a1]\n"
        "stem: {channels: 16, average_pool: {kernel: 3, stride: 2, pad: 1}}\nstages:\n"
        "  - channels: 16\n    average_pool: {kernel: 2}\n    blocks: [{kind: basic}]\n"
        "  - channels: 24\n    average_pool: {kernel: 3, stride: 1, pad: 1}\n    blocks: [{kind: plain}]\n"
        "head: {pool_bits: 8, weight_bits: 8}\n";
    char path[] = "/tmp/bitdial-means-XXXXXX";
    write_network(text, path);
    check_network(path, NULL, 11, NULL);
    check_network(path, NULL, 12, NULL);
    check_network(path, DEMO, 11, NULL);
    unlink(path);
}

/* The logits mean what the float network's mean, on images that were not made for the purpose. */
Test(fold, logits_agree_with_the_float_network)
{
    struct folded f;
    struct bd_error err;
    struct bd_dataset test;
    enum { IMAGES = 12, CLASSES = 10 };
    fold_network(&f, NETWORK, DEMO, 3, NULL);
    cr_assert_eq(bd_dataset_load(&test, NULL, BD_SPLIT_TEST, &err), BD_OK, "%s", err.message);
    const struct bd_layer *last = &f.checkpoint.graph.layers[f.checkpoint.graph.layer_count - 1];
    for (int s = 0; s < f.report.switch_count; s++) {
        float real[IMAGES * CLASSES];
        cr_assert_eq(bd_float_eval(&f.checkpoint, s, &test, 0, IMAGES, real, NULL, &err), BD_OK, "%s", err.message);
        const char *name = f.program.switches[s].name;
        const double unit = value(&f.checkpoint, last->name, name, "wscale", 0) *
                            value(&f.checkpoint, "pool.q", name, "alpha", 0) / 255;
        double difference = 0, size = 0;
        for (int i = 0; i < IMAGES; i++) {
            struct bd_frame frame;
            cr_assert_eq(
                bd_execute(&f.program, f.decoded, (unsigned)s, bd_dataset_image(&test, (uint32_t)i), &frame, &err),
                BD_OK, "%s", err.message);
            for (int c = 0; c < CLASSES; c++) {
                difference += fabs(unit * frame.logits[c] - real[i * CLASSES + c]);
                size += fabs((double)real[i * CLASSES + c]);
            }
            bd_frame_release(&frame);
        }
        /* a stream in 16 bits has fewer of them below the point */
        const double bound = f.program.switches[s].activation_bits > 2 ? 0.01 : 0.04;
        cr_assert_lt(difference, bound * size, "%s: logits off by %.2f %%", name, 100 * difference / size);
    }
    bd_dataset_release(&test);
    release_network(&f);
}

static bd_status fold_status(struct bd_checkpoint *checkpoint, const char *switches, double max_moved, int mult_bits,
                             struct bd_error *err)
{
    struct bd_hardware hardware;
    struct bd_program program;
    struct bd_fold_report report;
    cr_assert_eq(bd_hardware_load(&hardware, DEMO, err), BD_OK);
    hardware.mult_bits = mult_bits;
    const struct bd_fold_options options = {.switches = switches, .max_moved = max_moved};
    const bd_status status = bd_fold(checkpoint, &hardware, &options, &program, &report, err);
    cr_assert_eq(program.image != NULL, status == BD_OK);
    cr_assert_eq(report.at != NULL, status == BD_OK || status == BD_FAIL);
    if (status == BD_OK) {
        bd_program_release(&program);
    }
    bd_fold_report_release(&report);
    bd_hardware_release(&hardware);
    return status;
}

Test(fold, float_layers_are_refused_by_name)
{
    static const struct {
        const char *stem, *block, *head, *message;
    } cases[] = {
        {"weight_bits: 32", "", "", "layer 'stem' has float weights"},
        {"weight_bits: 8", "activation_bits: 32", "", "layer 's1b1.conv1' has float activations"},
        {"weight_bits: 8", "", "pool_bits: 32", "layer 'fc' has float activations"},
        {"weight_bits: 8", "", "weight_bits: 32", "layer 'fc' has float weights"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bd_checkpoint checkpoint;
        struct bd_error err = {0};
        char text[400], path[] = "/tmp/bitdial-float-XXXXXX";
        snprintf(text, sizeof text,
                 "name: f\ninput: {height: 8, width: 8, channels: 1}\nclasses: 3\nswitches: [w1a1]\n"
                 "stem: {channels: 4, %s}\nstages: [{channels: 4, blocks: [{%s}]}]\nhead: {%s}\n",
                 cases[i].stem, cases[i].block, cases[i].head);
        write_network(text, path);
        bd_checkpoint_init(&checkpoint);
        cr_assert_eq(bd_graph_load(&checkpoint.graph, path, &err), BD_OK, "%s", err.message);
        unlink(path);
        const bd_status status = fold_status(&checkpoint, NULL, 1.0, 24, &err);
        cr_assert_eq(status, BD_BAD_INPUT);
        cr_assert_not_null(strstr(err.message, cases[i].message), "%s", err.message);
        bd_checkpoint_release(&checkpoint);
    }
}

Test(fold, bound_on_moved_codes_is_kept)
{
    struct bd_checkpoint checkpoint;
    struct bd_error err;
    cr_assert_eq(bd_random_checkpoint(NETWORK, 4, &checkpoint, &err), BD_OK);
    cr_assert_eq(fold_status(&checkpoint, NULL, 1.0, 24, &err), BD_OK, "%s", err.message);
    cr_assert_eq(fold_status(&checkpoint, NULL, 0.0, 24, &err), BD_FAIL);
    cr_assert(strstr(err.message, "layer '") && strstr(err.message, "per mille"), "%s", err.message);
    cr_assert_eq(fold_status(&checkpoint, "w8a8", 1.0, 8, &err), BD_FAIL, "an 8-bit M moves next to nothing");
    cr_assert_eq(fold_status(&checkpoint, "w1a1,w1a2", 1.0, 16, &err), BD_OK, "%s", err.message);
    bd_checkpoint_release(&checkpoint);
}

Test(fold, refusals_name_layer_and_switch)
{
    static const struct {
        const char *array;
        int index;
        float value;
        const char *message;
    } cases[] = {
        {"s1b1.conv1.w2a2.gamma", 3, NAN, "array 's1b1.conv1.w2a2.gamma' holds a value that is not finite at 3"},
        {"s1b1.conv1.w2a2.gamma", 3, 1e20f, "layer 's1b1.conv1' at switch 'w2a2': "},
        {"s2b1.conv2.w1a8.beta", 0, 1e15f, "layer 's2b1.conv2'"},
        {"s2b1.conv2.w1a8.var", 1, -1.0f, "array 's2b1.conv2.w1a8.var' holds a negative variance at index 1"},
        {"fc.bias", 2, 1e30f, "layer 'fc' at switch 'w8a8': the bias of class 2"},
        {"s1b1.q1.w4a4.alpha", 0, 1e-30f, "layer 'stem' at switch 'w4a4': the quantizer's step is too small"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bd_checkpoint checkpoint;
        struct bd_error err;
        cr_assert_eq(bd_random_checkpoint(NETWORK, 5, &checkpoint, &err), BD_OK);
        bd_checkpoint_find(&checkpoint, "%s", cases[i].array)->data[cases[i].index] = cases[i].value;
        cr_assert_eq(fold_status(&checkpoint, NULL, 1000, 24, &err), BD_BAD_INPUT, "case %zu", i);
        cr_assert(strstr(err.message, cases[i].message), "case %zu: %s", i, err.message);
        bd_checkpoint_release(&checkpoint);
    }
}

Test(fold, switches_are_chosen_by_name)
{
    static const char text[] = "name: tiny\ninput: {height: 8, width: 8, channels: 1}\nclasses: 3\n"
                               "switches: [w2a2, w1a32]\nstem: {channels: 4, kernel: 3, stride: 1, weight_bits: 8}\n"
                               "stages:\n  - channels: 4\n    stride: 1\n    blocks:\n"
                               "      - {kind: basic, inner: 4, shortcut: identity}\n"
                               "head: {pool_bits: 8, weight_bits: 8}\n";
    char path[] = "/tmp/bitdial-tiny-XXXXXX";
    write_network(text, path);
    struct bd_checkpoint checkpoint;
    struct bd_error err;
    const bd_status made = bd_random_checkpoint(path, 6, &checkpoint, &err);
    unlink(path);
    cr_assert_eq(made, BD_OK, "%s", err.message);
    cr_assert_eq(fold_status(&checkpoint, NULL, 1000, 24, &err), BD_BAD_INPUT);
    cr_assert(strstr(err.message, "switch 'w1a32' has float activations"), "%s", err.message);
    cr_assert_eq(fold_status(&checkpoint, "w2a2,w9", 1000, 24, &err), BD_BAD_INPUT);
    cr_assert(strstr(err.message, "no switch 'w9'"), "%s", err.message);
    cr_assert_eq(fold_status(&checkpoint, "w2a2", 1000, 24, &err), BD_OK, "%s", err.message);
    bd_checkpoint_release(&checkpoint);
}
