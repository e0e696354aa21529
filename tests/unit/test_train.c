/* Training: gradients against finite differences, and the bits of a run. */
#include <criterion/criterion.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/eval/evaluate.h"
#include "model/kernels/conv.h"
#include "model/train/loop/train.h"
#include "model/train/network/network.h"
#include "tests/support/train_fixture.h"

#define PROBED 6 /* entries of each array whose gradient is compared */
#define PROBED_OF(probe, i) ((probe).parameters[i].count < PROBED ? (probe).parameters[i].count : PROBED)

/* ---- gradients ---- */

struct probe {
    struct bd_checkpoint checkpoint;
    struct bd_dataset data;
    struct bd_net *net;
    struct bd_parameter *parameters;
    size_t count;
    float *d_logits, *d_pooled, *logits; /* d_pooled: weights of the pooled map in the loss */
    int outputs, pooled;
};

/* A network away from the symmetric start, weights in the middle of their code's bin, and random d_logits. */
static void open_probe(struct probe *probe, const char *sw, const char *kind, int pool_bits, int batch, bool half)
{
    struct bd_error err;
    struct bd_train_plan plan;
    struct bd_rng rng;
    bd_train_plan_init(&plan);
    make_checkpoint(&probe->checkpoint, sw, kind, pool_bits, &plan);
    make_images(&probe->data, batch, 5);
    bd_rng_seed(&rng, 7);
    probe->outputs = batch * CLASSES;
    probe->logits = bd_xcalloc(probe->outputs, sizeof(float));
    probe->d_logits = bd_xcalloc(probe->outputs, sizeof(float));
    for (int i = 0; i < probe->outputs; i++) {
        probe->d_logits[i] = bd_rng_normal(&rng) / batch;
    }
    const struct bd_graph *graph = &probe->checkpoint.graph;
    probe->pooled = batch * graph->layers[graph->layer_count - 1].in_channels;
    probe->d_pooled = bd_xcalloc(probe->pooled, sizeof(float));
    for (int i = 0; i < probe->pooled; i++) {
        probe->d_pooled[i] = 0.3 * bd_rng_normal(&rng) / batch;
    }
    cr_assert_eq(bd_net_create(&probe->net, &probe->checkpoint, batch, 1, half, true, &err), BD_OK, "%s", err.message);
    probe->parameters = bd_net_parameters(probe->net, &probe->count);
    for (size_t i = 0; i < probe->count; i++) {
        struct bd_parameter *p = &probe->parameters[i];
        for (size_t k = 0; k < p->count; k++) {
            if (p->kind == BD_PARAMETER_WEIGHT) {
                int code = 256 * (p->value[k] / (2 * *p->limit) + 0.5);
                code = code < 2 ? 2 : code > 253 ? 253 : code;
                p->value[k] = ((code + 0.5) / 256 - 0.5) * 2 * *p->limit;
            } else if (p->kind == BD_PARAMETER_ALPHA) {
                p->value[k] = 1.2f;
            } else {
                p->value[k] += 0.3 * bd_rng_normal(&rng);
            }
        }
    }
}

static void close_probe(struct probe *probe)
{
    bd_net_destroy(probe->net);
    bd_checkpoint_release(&probe->checkpoint);
    bd_dataset_release(&probe->data);
    free(probe->logits);
    free(probe->d_logits);
    free(probe->d_pooled);
}

static double probe_loss(struct probe *probe)
{
    double sum = net_loss(probe->net, &probe->data, 0, probe->logits, probe->d_logits, probe->outputs);
    for (int i = 0; i < probe->pooled; i++) {
        sum += (double)bd_net_pooled(probe->net)[i] * probe->d_pooled[i];
    }
    return sum;
}

static void probe_gradient(struct probe *probe)
{
    struct bd_error err;
    probe_loss(probe);
    cr_assert_eq(bd_net_backward(probe->net, 0, probe->d_logits, probe->d_pooled, &err), BD_OK, "%s", err.message);
    cr_assert_eq(bd_net_finish(probe->net, &err), BD_OK, "%s", err.message);
}

/* The central difference, with its leading error taken out. A weight moves by one code, and the quantized weight with
 * it by s / 128; other parameters move a little. */
static double difference(struct probe *probe, const struct bd_parameter *p, size_t k)
{
    double step = p->kind == BD_PARAMETER_WEIGHT ? *p->limit / 128.0 : 2e-3, slope[2];
    float kept = p->value[k];
    for (int wide = 0; wide < 2; wide++) {
        p->value[k] = kept + (wide + 1) * step;
        double above = probe_loss(probe);
        p->value[k] = kept - (wide + 1) * step;
        slope[wide] = (above - probe_loss(probe)) / (2 * (wide + 1) * step);
    }
    p->value[k] = kept;
    return (4 * slope[0] - slope[1]) / 3;
}

/* Clipping has kinks, which finite differences blur: many images average them out, and the bound allows for some. */
static void check_gradients(const char *kind)
{
    struct probe probe;
    int told = 0;
    open_probe(&probe, "w8a32", kind, 32, 128, false);
    probe_gradient(&probe);
    float *ours = bd_xcalloc(probe.count * PROBED, sizeof *ours);
    for (size_t i = 0; i < probe.count; i++) {
        for (size_t k = 0; k < PROBED && k < probe.parameters[i].count; k++) {
            ours[i * PROBED + k] = probe.parameters[i].gradient[k * probe.parameters[i].count / PROBED_OF(probe, i)];
        }
    }
    for (size_t i = 0; i < probe.count; i++) {
        const struct bd_parameter *p = &probe.parameters[i];
        double apart = 0, size = 0;
        for (size_t k = 0; k < PROBED && k < p->count; k++) {
            double theirs = difference(&probe, p, k * p->count / PROBED_OF(probe, i)),
                   gap = theirs - ours[i * PROBED + k];
            apart += gap * gap;
            size += theirs * theirs;
        }
        apart = sqrt(apart);
        size = sqrt(size);
        bool stem = !strncmp(p->name, "stem", 4);
        cr_assert_leq(apart, (stem ? 0.5 : 0.3) * size + 5e-3,
                      "%s: differences of size %g, the gradient is apart by %g", p->name, size, apart);
        told += size > 0.01;
    }
    cr_assert_gt(told, (int)probe.count * 2 / 3, "only %d of %zu gradients are large enough to tell", told,
                 probe.count);
    free(ours);
    close_probe(&probe);
}

Test(train, gradients_basic)
{
    check_gradients("basic");
}

Test(train, gradients_bireal)
{
    check_gradients("bireal");
}

Test(train, gradients_separable)
{
    check_gradients("{kind: separable}");
}

Test(train, gradients_plain_pooled)
{
    check_gradients("{kind: plain}");
}

Test(train, gradients_basic_pooled)
{
    check_gradients("{kind: basic}");
}

/* bfloat16 operands hold codes and weights exactly: the same logits, and gradients that differ by rounding alone. Clip
 * levels' are small sums of large terms that cancel. */
Test(train, gradients_half)
{
    struct probe exact, half;
    if (!bd_conv_half_is_fast()) {
        return; /* nothing here multiplies bfloat16 */
    }
    open_probe(&exact, "w4a4", "basic", 8, 64, false);
    open_probe(&half, "w4a4", "basic", 8, 64, true);
    probe_gradient(&exact);
    probe_gradient(&half);
    cr_assert_arr_eq(exact.logits, half.logits, exact.outputs * sizeof(float));
    for (size_t i = 0; i < exact.count; i++) {
        const struct bd_parameter *a = &exact.parameters[i], *b = &half.parameters[i];
        double apart = 0, size = 0;
        for (size_t k = 0; k < a->count; k++) {
            apart += pow(a->gradient[k] - b->gradient[k], 2);
            size += pow(a->gradient[k], 2);
        }
        cr_assert_leq(sqrt(apart), 0.03 * sqrt(size) + (a->kind == BD_PARAMETER_ALPHA ? 4e-3 : 1e-3),
                      "%s: size %g, apart by %g", a->name, sqrt(size), sqrt(apart));
    }
    close_probe(&exact);
    close_probe(&half);
}

/* ---- the bits of a run ---- */

/* One switch of a shared network trains as the network that has it alone. */
Test(train, one_switch_is_an_independent_run)
{
    struct run shared, alone;
    open_run(&shared, "w8a8, w2a2, w1a1");
    open_run(&alone, "w2a2");
    shared.plan.switches = 1u << bd_graph_switch(&shared.checkpoint.graph, "w2a2");
    do_run(&shared);
    do_run(&alone);
    cr_assert_gt(assert_same_arrays(&alone.checkpoint, &shared.checkpoint), 40);
    close_run(&shared);
    close_run(&alone);
}

Test(train, thread_count_leaves_no_trace)
{
    struct run one, three, fewer;
    open_run(&one, "w2a2, w1a1");
    open_run(&three, "w2a2, w1a1");
    open_run(&fewer, "w2a2, w1a1");
    omp_set_num_threads(1);
    do_run(&one);
    omp_set_num_threads(3);
    do_run(&three);
    assert_same_arrays(&one.checkpoint, &three.checkpoint);
    omp_set_max_active_levels(0); /* a network for three threads gets one */
    do_run(&fewer);
    omp_set_max_active_levels(1);
    assert_same_arrays(&one.checkpoint, &fewer.checkpoint);
    close_run(&one);
    close_run(&three);
    close_run(&fewer);
}

Test(train, resumed_is_uninterrupted)
{
    struct run whole, cut, rest;
    struct bd_error err;
    char path[] = "/tmp/bitdial-train-XXXXXX";
    close(mkstemp(path));
    open_run(&whole, "w2a2, w1a1");
    open_run(&cut, "w2a2, w1a1");
    open_run(&rest, "w2a2, w1a1");
    do_run(&whole);
    cut_and_go_on(&cut, &rest, 9, path);
    assert_same_arrays(&whole.checkpoint, &rest.checkpoint);
    load_again(&rest, path);
    rest.plan.rate *= 2;
    cr_assert_eq(bd_train_run(&rest.checkpoint, &rest.plan, &rest.control, &err), BD_BAD_INPUT);
    cr_assert_not_null(strstr(err.message, "cannot resume: the run was started with 'optimizer.rate "), "%s",
                       err.message);
    rest.plan.rate /= 2;
    struct bd_dataset *data = &rest.data;
    for (int what = 0; what < 4; what++) { /* other labels, other images, another start; then all as it was */
        data->labels[0] ^= what == 0;
        data->images[100] ^= what == 1;
        rest.control.start = what == 2 ? 7 : 0;
        load_again(&rest, path);
        cr_assert_eq(bd_train_run(&rest.checkpoint, &rest.plan, &rest.control, &err), what < 3 ? BD_BAD_INPUT : BD_OK);
        cr_assert(what == 3 || strstr(err.message, what < 2 ? "'data " : "'start "), "%s", err.message);
        data->labels[0] ^= what == 0;
        data->images[100] ^= what == 1;
    }
    unlink(path);
    close_run(&whole);
    close_run(&cut);
    close_run(&rest);
}

/* It learns what is there to learn, at every switch, and evaluation agrees with itself. */
struct planting {
    struct run *run;
    int64_t step;
};

static void plant(void *context, const struct bd_train_event *event)
{
    const struct planting *planting = context;
    if (event->kind == BD_TRAIN_STEP && event->step == planting->step) {
        bd_checkpoint_find(&planting->run->checkpoint, "s1b1.conv1.w1a1.mean")->data[2] = NAN;
    }
}

/* A running mean takes no part in the loss of a training step: only the array itself tells that it is no number. */
Test(train, stops_where_an_array_is_not_finite)
{
    struct run run;
    struct bd_error err;
    char path[] = "/tmp/bitdial-train-XXXXXX";
    close(mkstemp(path));
    open_run(&run, "w2a2, w1a1");
    struct planting planting = {&run, 7};
    run.control.save_path = path;
    run.control.save_every = 3;
    run.control.watch = plant;
    run.control.context = &planting;
    cr_assert_eq(bd_train_run(&run.checkpoint, &run.plan, &run.control, &err), BD_FAIL);
    char *message = bd_asprintf("training diverged: after step 8 array 's1b1.conv1.w1a1.mean' holds nan at index 2; "
                                "'%s' keeps step 6",
                                path);
    cr_assert_str_eq(err.message, message);
    load_again(&run, path);
    run.control.watch = NULL;
    do_run(&run);
    cr_assert(run.control.finished, "the kept checkpoint does not go on");
    close_run(&run);
    unlink(path);
    free(message);
}

Test(train, learns)
{
    struct run run;
    struct bd_error err;
    double accuracy[BD_MAX_SWITCHES];
    open_run(&run, "w8a8, w2a2, w1a1");
    run.plan.steps = 120;
    do_run(&run);
    cr_assert_eq(bd_float_accuracy(&run.checkpoint, 0, &run.data, 0, accuracy, &err), BD_OK, "%s", err.message);
    for (int s = 0; s < 3; s++) {
        uint16_t predictions[160];
        float logits[160 * CLASSES];
        cr_assert_gt(accuracy[s], 0.9, "switch %d stands at %g", s, accuracy[s]);
        cr_assert_eq(bd_float_eval(&run.checkpoint, s, &run.data, 0, 160, logits, predictions, &err), BD_OK);
        int right = 0;
        for (int i = 0; i < 160; i++) {
            right += predictions[i] == run.data.labels[i];
            cr_assert_eq(logits[i * CLASSES + predictions[i]],
                         fmaxf(fmaxf(logits[i * CLASSES], logits[i * CLASSES + 1]), logits[i * CLASSES + 2]));
        }
        cr_assert_float_eq(right / 160.0, accuracy[s], 1e-9);
    }
    cr_assert_eq(bd_float_eval(&run.checkpoint, 0, &run.data, 100, 61, NULL, NULL, &err), BD_BAD_INPUT);
    close_run(&run);
}

/* Recalibrated statistics are the data's own: normalized again, each channel's mean is beta and deviation gamma. */
Test(train, recalibration_restores_statistics)
{
    struct run run;
    struct bd_error err;
    open_run(&run, "w2a2, w1a1");
    do_run(&run);
    struct bd_array *mean = bd_checkpoint_find(&run.checkpoint, "stem.w1a1.mean"),
                    *variance = bd_checkpoint_find(&run.checkpoint, "s1b1.conv2.w1a1.var");
    float mean_before = mean->data[0], variance_before = variance->data[1];
    mean->data[0] += 3;
    variance->data[1] *= 7;
    cr_assert_eq(bd_train_recalibrate(&run.checkpoint, &run.data, 0, 16, 2, &err), BD_OK, "%s", err.message);
    cr_assert_eq(mean->data[0], mean_before);
    cr_assert_eq(variance->data[1], variance_before);
    cr_assert_eq(bd_train_recalibrate(&run.checkpoint, &run.data, 0, 16, 11, &err), BD_BAD_INPUT);
    close_run(&run);
}
