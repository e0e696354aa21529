/* What a run does over its steps: schedules, teachers, who trains when, the optimiser, and the measured gradients. */
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "model/eval/evaluate.h"
#include "model/quant/quant.h"
#include "model/train/loop/loss.h"
#include "model/train/loop/optimizer.h"
#include "model/train/loop/schedule.h"
#include "model/train/loop/targets.h"
#include "model/train/network/measure.h"
#include "tests/support/train_fixture.h"

Test(train_recipe, rates)
{
    struct bd_train_plan plan;
    bd_train_plan_init(&plan);
    plan.rate = 1;
    plan.warm_up = 0.1;
    cr_assert_float_eq(bd_schedule_rate(&plan, 0, 100), 1 / 11.0, 1e-12);
    cr_assert_float_eq(bd_schedule_rate(&plan, 9, 100), 10 / 11.0, 1e-12);
    cr_assert_float_eq(bd_schedule_rate(&plan, 10, 100), 1, 1e-12);
    cr_assert_float_eq(bd_schedule_rate(&plan, 55, 100), 0.5, 1e-12);
    plan.schedule = BD_SCHEDULE_CONSTANT;
    cr_assert_eq(bd_schedule_rate(&plan, 99, 100), 1);
    plan.schedule = BD_SCHEDULE_STEP;
    plan.drop_every = 0.25;
    for (int step = 10; step < 100; step++) {
        cr_assert_float_eq(bd_schedule_rate(&plan, step, 100), pow(0.1, step / 25), 1e-12);
    }
    cr_assert_float_eq(bd_schedule_ramp(&plan, 5, 100), 0.5, 1e-12);
    cr_assert_eq(bd_schedule_ramp(&plan, 10, 100), 1);
}

/* The highest and the lowest always, the others as often as each other. */
Test(train_recipe, sandwich)
{
    struct bd_train_plan plan;
    int seen[5] = {0};
    bd_train_plan_init(&plan);
    plan.switches = 0x2f; /* 0, 1, 2, 3, 5 */
    plan.sampled = 3;
    for (int step = 0; step < 3000; step++) {
        uint32_t chosen = bd_schedule_switches(&plan, step, 3000);
        cr_assert_eq(chosen & ~plan.switches, 0);
        cr_assert_eq(__builtin_popcount(chosen), 3);
        cr_assert_eq(chosen & 0x21, 0x21);
        for (int s = 1; s < 4; s++) {
            seen[s] += chosen >> s & 1;
        }
    }
    for (int s = 1; s < 4; s++) {
        cr_assert(seen[s] > 900 && seen[s] < 1100, "switch %d trained %d times", s, seen[s]);
    }
    plan.sampled = 5;
    cr_assert_eq(bd_schedule_switches(&plan, 1, 3000), plan.switches);
    plan.warm_start = 0.5;
    plan.leaders = 2;
    cr_assert_eq(bd_schedule_switches(&plan, 1499, 3000), 3);
    cr_assert_eq(bd_schedule_switches(&plan, 1500, 3000), plan.switches);
}

/* ---- the loss ---- */

static double plain_loss(const float *z, const float *teacher, const float *p, const float *q, const uint16_t *labels,
                         double a0, double a1, double a2, double t)
{
    double total = 0;
    for (int n = 0; n < 2; n++) {
        double sum = 0, soft = 0, softer = 0, divergence = 0, squares = 0;
        for (int c = 0; c < CLASSES; c++) {
            sum += exp(z[n * CLASSES + c]);
            soft += exp(z[n * CLASSES + c] / t);
            softer += exp(teacher[n * CLASSES + c] / t);
        }
        for (int c = 0; c < CLASSES; c++) {
            double a = exp(teacher[n * CLASSES + c] / t) / softer, b = exp(z[n * CLASSES + c] / t) / soft;
            divergence += a * log(a / b);
        }
        for (int c = 0; c < 4; c++) {
            squares += pow(p[n * 4 + c] - q[n * 4 + c], 2) / 4;
        }
        total += a0 * (log(sum) - z[n * CLASSES + labels[n]]) + a1 * t * t * divergence + a2 * squares;
    }
    return total / 2;
}

/* Both gradients are those of the formula, by central differences, for a0 = 0 and 1. */
Test(train_recipe, loss_gradient)
{
    float z[] = {0.3f, -1.1f, 2.0f, 0.9f, 0.1f, -0.4f}, teacher[] = {1.3f, 0.2f, -0.7f, 0.0f, 2.2f, 1.0f};
    float p[8] = {1, 2, 3, 4, 0.5f, 0.1f, 0.2f, 2}, q[8] = {0, 2.5f, 3, 1, 1, 1, 0.3f, 0};
    float d_logits[6], d_pooled[8];
    const uint16_t labels[] = {2, 1};
    int right;
    for (int a0 = 0; a0 < 2; a0++) {
        struct bd_loss loss = {.batch = 2,
                               .total = 2,
                               .classes = CLASSES,
                               .labels = labels,
                               .label_weight = a0,
                               .teacher = teacher,
                               .teacher_weight = 0.7,
                               .temperature = 3};
        bd_loss_gradient(&loss, z, d_logits, &right);
        cr_assert_eq(right, 1);
        bd_loss_pooled_gradient(p, q, 2, 2, 4, 0.6, d_pooled);
        for (int i = 0; i < 14; i++) {
            float *at = i < 6 ? &z[i] : &p[i - 6], kept = *at;
            *at = kept + 1e-2f;
            double above = plain_loss(z, teacher, p, q, labels, a0, 0.7, 0.6, 3);
            *at = kept - 1e-2f;
            double below = plain_loss(z, teacher, p, q, labels, a0, 0.7, 0.6, 3);
            *at = kept;
            cr_assert_float_eq((above - below) / 2e-2, i < 6 ? d_logits[i] : d_pooled[i - 6], 1e-4);
        }
    }
}

/* ---- the optimiser ---- */

/* Against the formulas in double precision, over several updates. */
static void check_optimizer(int kind, bool decoupled)
{
    enum { COUNT = 37, UPDATES = 20 };
    struct bd_train_plan plan;
    struct bd_rng rng;
    float value[COUNT], gradient[COUNT], m[COUNT] = {0}, v[COUNT] = {0}, limit = 0.5f;
    double plain[COUNT], m2[COUNT] = {0}, v2[COUNT] = {0};
    struct bd_parameter p = {
        .kind = BD_PARAMETER_WEIGHT, .count = COUNT, .value = value, .gradient = gradient, .limit = &limit};
    bd_train_plan_init(&plan);
    plan.optimizer = kind;
    plan.weight_decay = 0.05;
    plan.decoupled = decoupled;
    bd_rng_seed(&rng, 3);
    for (int i = 0; i < COUNT; i++) {
        plain[i] = value[i] = 0.4f * (2 * bd_rng_uniform(&rng) - 1);
    }
    for (int t = 0; t < UPDATES; t++) {
        for (int i = 0; i < COUNT; i++) {
            gradient[i] = bd_rng_normal(&rng);
            double g = gradient[i] + (decoupled ? 0 : 0.05 * plain[i]), change;
            m2[i] = kind == BD_OPTIMIZER_ADAM ? 0.9 * m2[i] + 0.1 * g : 0.9 * m2[i] + g;
            v2[i] = 0.999 * v2[i] + 0.001 * g * g;
            change = kind == BD_OPTIMIZER_ADAM
                         ? m2[i] / (1 - pow(0.9, t + 1)) / (sqrt(v2[i] / (1 - pow(0.999, t + 1))) + 1e-8)
                         : m2[i];
            plain[i] = plain[i] * (decoupled ? 1 - 0.02 * 0.05 : 1) - 0.02 * change;
            plain[i] = fmin(fmax(plain[i], -limit), limit);
        }
        bd_optimizer_update(&plan, &p, t, 0.02, m, v);
    }
    for (int i = 0; i < COUNT; i++) {
        cr_assert_float_eq(value[i], plain[i], 1e-5, "optimiser %d entry %d: %g, expected %g", kind, i, value[i],
                           plain[i]);
    }
    double sum = 0;
    for (int i = 0; i < COUNT; i++) {
        sum += fabsf(value[i]);
    }
    cr_assert_float_eq(bd_mean_magnitude(value, COUNT), sum / COUNT, 1e-9);
}

Test(train_recipe, optimizer_matches_formulas)
{
    for (int decoupled = 0; decoupled < 2; decoupled++) {
        check_optimizer(BD_OPTIMIZER_ADAM, decoupled);
        check_optimizer(BD_OPTIMIZER_SGD, decoupled);
    }
}

/* ---- runs ---- */

static const float *array_of(const struct run *run, const char *name)
{
    const struct bd_array *array = bd_checkpoint_find(&run->checkpoint, "%s", name);
    cr_assert_not_null(array, "%s", name);
    return array->data;
}

/* In a warm start the lower switches stay as they were made; then they take over what the leader learned. */
Test(train_recipe, warm_start)
{
    struct run run;
    struct bd_error err;
    open_run(&run, "w2a8, w2a2, w1a1");
    run.plan.recalibrate = 0;
    run.plan.warm_start = 1;
    do_run(&run);
    cr_assert_neq(array_of(&run, "s1b1.conv1.w2a8.gamma")[0], 1);
    cr_assert_eq(array_of(&run, "s1b1.conv1.w2a2.gamma")[0], 1);
    cr_assert_eq(array_of(&run, "s1b1.conv1.w1a1.mean")[0], 0);
    close_run(&run);

    open_run(&run, "w2a8, w2a2, w1a1");
    run.plan.recalibrate = 0;
    run.plan.norm_momentum = 0;
    run.plan.warm_start = 0.5;
    run.plan.rate = 0;
    run.plan.scale_momentum = 0;
    struct bd_array *gamma = bd_checkpoint_find(&run.checkpoint, "s1b1.conv1.w2a8.gamma"),
                    *alpha = bd_checkpoint_find(&run.checkpoint, "s1b1.q1.w2a8.alpha");
    gamma->data[1] = 2.5f;
    if (alpha) {
        alpha->data[0] = 1.75f;
    }
    cr_assert_eq(bd_train_run(&run.checkpoint, &run.plan, &run.control, &err), BD_OK, "%s", err.message);
    cr_assert_eq(array_of(&run, "s1b1.conv1.w2a2.gamma")[1], 2.5f);
    cr_assert_eq(array_of(&run, "s1b1.conv1.w1a1.gamma")[1], 2.5f);
    close_run(&run);
}

/* The run's own gradient of signs is that of a network described with it, and another than the default. */
Test(train_recipe, sign_gradient)
{
    struct run own, described, plain;
    open_run(&own, "w2a2, w1a1");
    open_run(&described, "w2a2, w1a1");
    open_run(&plain, "w2a2, w1a1");
    own.plan.sign_gradient = BD_PLAN_SIGN_BIREAL;
    described.checkpoint.graph.sign_gradient = BD_SIGN_BIREAL;
    plain.plan.sign_gradient = BD_PLAN_SIGN_CLIP;
    do_run(&own);
    do_run(&described);
    do_run(&plain);
    assert_same_arrays(&own.checkpoint, &described.checkpoint);
    cr_assert_neq(array_of(&own, "s1b1.conv1.w1a1.gamma")[0], array_of(&plain, "s1b1.conv1.w1a1.gamma")[0]);
    close_run(&own);
    close_run(&described);
    close_run(&plain);
}

/* A switch that is not sampled does not move, not even by momentum. */
Test(train_recipe, unsampled_switches_rest)
{
    struct run run;
    open_run(&run, "w2a8, w2a4, w2a2");
    run.plan.sampled = 2;
    run.plan.recalibrate = 0;
    do_run(&run);
    cr_assert_eq(array_of(&run, "s1b1.conv1.w2a4.gamma")[0], 1);
    cr_assert_neq(array_of(&run, "s1b1.conv1.w2a8.gamma")[0], 1);
    cr_assert_neq(array_of(&run, "s1b1.conv1.w2a2.gamma")[0], 1);
    close_run(&run);
}

/* Everything at once, stopped at every kind of step and resumed: the same bits as at one go. */
static void all_features(struct bd_train_plan *plan)
{
    plan->warm_start = 0.2; /* steps 0 to 4 */
    plan->frozen = 0.5;     /* from step 12 on */
    plan->sampled = 2;
    plan->pooled_weight = 0.5;
    plan->teacher = BD_TEACHER_NEXT;
    plan->weight_decay = 1e-3;
    plan->schedule = BD_SCHEDULE_STEP;
}

Test(train_recipe, resumed_is_uninterrupted)
{
    static const int64_t stops[] = {4, 5, 6, 11, 12, 13};
    struct run whole;
    char path[] = "/tmp/bitdial-recipe-XXXXXX";
    close(mkstemp(path));
    open_run(&whole, "w2a8, w2a2, w1a1");
    all_features(&whole.plan);
    do_run(&whole);
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++) {
        struct run cut, rest;
        open_run(&cut, "w2a8, w2a2, w1a1");
        open_run(&rest, "w2a8, w2a2, w1a1");
        all_features(&cut.plan);
        all_features(&rest.plan);
        cut_and_go_on(&cut, &rest, stops[i], path);
        assert_same_arrays(&whole.checkpoint, &rest.checkpoint);
        cr_assert_eq(rest.checkpoint.array_count, whole.checkpoint.array_count);
        close_run(&cut);
        close_run(&rest);
    }
    unlink(path);
    close_run(&whole);
}

/* With a0 = 0 a switch below the highest never sees a label: other labels for it change nothing in its part. Seen by
 * the top teaching nothing: with all weights 0 the lower switch's private parameters stay. */
Test(train_recipe, label_weight_zero)
{
    struct run run;
    open_run(&run, "w2a8, w2a2");
    run.plan.label_weight = 0;
    run.plan.teacher_weight = 0;
    run.plan.level_decay = 0;
    run.plan.recalibrate = 0;
    do_run(&run);
    cr_assert_eq(array_of(&run, "s1b1.conv1.w2a2.gamma")[0], 1);
    cr_assert_neq(array_of(&run, "s1b1.conv1.w2a8.gamma")[0], 1);
    close_run(&run);
}

/* A finished network teaches one that never sees a label; a wrong teacher is refused. */
Test(train_recipe, finished_network_teaches)
{
    struct run teacher, run;
    struct bd_error err;
    double accuracy[BD_MAX_SWITCHES];
    open_run(&teacher, "w8a8");
    teacher.plan.steps = 120;
    do_run(&teacher);
    open_run(&run, "w2a2");
    run.plan.steps = 120;
    run.plan.teacher = BD_TEACHER_NETWORK;
    run.plan.label_weight = 0;
    run.plan.teacher_weight = 1;
    run.plan.pooled_weight = 0.1;
    cr_assert_eq(bd_train_run(&run.checkpoint, &run.plan, &run.control, &err), BD_BAD_INPUT);
    run.control.teacher = &teacher.checkpoint;
    run.control.teacher_switch = 3;
    cr_assert_eq(bd_train_run(&run.checkpoint, &run.plan, &run.control, &err), BD_BAD_INPUT);
    cr_assert_not_null(strstr(err.message, "no switch 3"), "%s", err.message);
    bd_checkpoint_drop(&run.checkpoint, "train/");
    run.control.teacher_switch = 0;
    do_run(&run);
    cr_assert_eq(bd_float_accuracy(&run.checkpoint, 0, &run.data, 0, accuracy, &err), BD_OK);
    cr_assert_gt(accuracy[0], 0.9, "taught by a network alone it stands at %g", accuracy[0]);
    close_run(&teacher);
    close_run(&run);
}

/* ---- measured gradients ---- */

struct measured {
    int steps;
    double norm[2], cosine;
};

static void take_measured(void *context, const struct bd_train_event *event)
{
    struct measured *measured = context;
    if (event->kind == BD_TRAIN_STEP && event->measured) {
        cr_assert_eq(event->measured, 3);
        cr_assert_eq(event->step % 5, 0);
        cr_assert_float_eq(event->gradient_cosine[0][0], 1, 1e-6);
        cr_assert_eq(event->gradient_cosine[0][1], event->gradient_cosine[1][0]);
        cr_assert(fabs(event->gradient_cosine[0][1]) <= 1 && event->gradient_cosine[0][1] != 0);
        for (int s = 0; s < 2; s++) {
            double squares = 0;
            for (size_t i = 0; i < event->gradient_layer_count; i++) {
                squares += pow(event->gradient_layers[i].norm[s], 2);
            }
            cr_assert_float_eq(sqrt(squares), event->gradient_norm[s], 1e-9 * event->gradient_norm[s]);
        }
        cr_assert_gt(event->gradient_layer_count, 3);
        memcpy(measured->norm, event->gradient_norm, sizeof measured->norm);
        measured->steps++;
    }
}

/* Measuring changes no bit, and the first step's norm of a switch is that of a network which has it alone. */
Test(train_recipe, measured_gradients)
{
    struct run run, plain, alone;
    struct measured both = {0};
    open_run(&run, "w2a8, w1a1");
    open_run(&plain, "w2a8, w1a1");
    run.plan.teacher = plain.plan.teacher = BD_TEACHER_LABELS;
    run.control.measure_every = 5;
    run.control.watch = take_measured;
    run.control.context = &both;
    do_run(&run);
    do_run(&plain);
    cr_assert_eq(both.steps, 4);
    cr_assert(both.norm[0] > 0 && both.norm[1] > 0);
    assert_same_arrays(&plain.checkpoint, &run.checkpoint);
    close_run(&run);
    close_run(&plain);

    open_run(&alone, "w1a1");
    struct bd_error err;
    struct bd_net *net;
    struct bd_gradient_meter meter;
    size_t count;
    double norm[BD_MAX_SWITCHES], cosine[BD_MAX_SWITCHES][BD_MAX_SWITCHES], plain_norm = 0;
    float logits[16 * CLASSES], d_logits[16 * CLASSES];
    cr_assert_eq(bd_net_create(&net, &alone.checkpoint, 16, 1, false, true, &err), BD_OK);
    struct bd_parameter *p = bd_net_parameters(net, &count);
    bd_meter_open(&meter, p, count);
    cr_assert_eq(bd_net_begin(net, alone.data.images, &err), BD_OK);
    bd_meter_clear(&meter);
    cr_assert_eq(bd_net_forward(net, 0, 0, logits, &err), BD_OK);
    for (int i = 0; i < 16 * CLASSES; i++) {
        d_logits[i] = (i % 5 - 2) / 16.0f;
    }
    cr_assert_eq(bd_net_backward(net, 0, d_logits, NULL, &err), BD_OK);
    bd_meter_take(&meter, p, count, 0);
    bd_meter_read(&meter, p, count, norm, cosine);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; p[i].kind == BD_PARAMETER_WEIGHT && k < p[i].count; k++) {
            plain_norm += pow(p[i].gradient[k], 2);
        }
    }
    cr_assert_float_eq(norm[0], sqrt(plain_norm), 1e-6 * norm[0]);
    bd_meter_close(&meter);
    bd_net_destroy(net);
    close_run(&alone);
}

/* Two backward passes into one gradient: balanced, the second part has in every layer the norm of the first, and its
 * own direction. */
Test(train_recipe, balanced_gradients)
{
    struct run run;
    struct bd_error err;
    struct bd_net *net;
    struct bd_gradient_meter meter;
    size_t count, uneven = 0;
    float logits[16 * CLASSES], d_logits[16 * CLASSES];
    open_run(&run, "w2a8, w1a1");
    cr_assert_eq(bd_net_create(&net, &run.checkpoint, 16, 3, false, true, &err), BD_OK);
    const struct bd_parameter *p = bd_net_parameters(net, &count);
    bd_meter_open(&meter, p, count);
    float *first = bd_xcalloc(meter.count, sizeof *first);
    cr_assert_eq(bd_net_begin(net, run.data.images, &err), BD_OK);
    bd_meter_clear(&meter);
    for (int s = 0; s < 2; s++) {
        cr_assert_eq(bd_net_forward(net, s, 0, logits, &err), BD_OK);
        for (int i = 0; i < 16 * CLASSES; i++) {
            d_logits[i] = (i % 5 - 2) / 16.0f * (1 + 6 * s);
        }
        cr_assert_eq(bd_net_backward(net, s, d_logits, NULL, &err), BD_OK);
        bd_meter_take(&meter, p, count, s);
        bd_meter_balance(&meter, p, count, s, 0);
        for (size_t i = 0, at = 0; i < count; i++) {
            if (p[i].kind != BD_PARAMETER_WEIGHT) {
                continue;
            }
            double wanted = 0, measured = 0, got = 0, product = 0;
            for (size_t k = 0; k < p[i].count; k++, at++) {
                const double part = p[i].gradient[k] - (s ? first[at] : 0), before = meter.part[s][at];
                wanted += (double)meter.part[0][at] * meter.part[0][at];
                measured += before * before;
                got += part * part;
                product += part * before;
                first[at] = p[i].gradient[k];
                cr_assert_eq(meter.before[at], p[i].gradient[k]);
            }
            uneven += measured > 2 * wanted;
            cr_assert_float_eq(sqrt(got), sqrt(wanted), 1e-5 * sqrt(wanted), "%s", p[i].name);
            cr_assert_float_eq(product, sqrt(got * measured), 1e-5 * sqrt(got * measured), "%s", p[i].name);
        }
    }
    cr_assert_gt(uneven, 3, "nothing to balance");
    free(first);
    bd_meter_close(&meter);
    bd_net_destroy(net);
    close_run(&run);
}

/* One switch by itself is its own measure: balancing changes no bit. */
Test(train_recipe, one_switch_is_balanced)
{
    struct run run, plain;
    open_run(&run, "w1a1");
    open_run(&plain, "w1a1");
    run.plan.balance = BD_BALANCE_NORM;
    do_run(&run);
    do_run(&plain);
    assert_same_arrays(&plain.checkpoint, &run.checkpoint);
    close_run(&run);
    close_run(&plain);
}
