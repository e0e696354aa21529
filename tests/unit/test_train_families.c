/* Quantizer families in the trainer: kernels against the reference functions, gradients of weights and levels against
 * finite differences, and the integers that training and folding agree on. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/eval/evaluate.h"
#include "model/kernels/kernels.h"
#include "model/train/network/network.h"
#include "tests/support/train_fixture.h"

/* ---- kernels ------------------------------------------------------------------------------------------------ */

enum { PIXELS = 90 };

static struct bd_code code_of(const struct bd_activation_rule *rule, enum bd_code_pass pass)
{
    struct bd_code code = {.kind = rule->is_signed    ? BD_CODE_SIGN
                                   : rule->bits == 32 ? BD_CODE_CLIP
                                                      : BD_CODE_PACT,
                           .pass = pass,
                           .alpha = bd_activation_alpha(rule),
                           .step = 1};
    code.n = (float)((1 << (rule->bits & 31)) - 1);
    code.scale = code.n / code.alpha;
    return code;
}

/* dx and the clip level's gradient of the kernel beside bd_activation_backward, ends of the range among the values. */
static void check_pass(const struct bd_activation_rule *rule, enum bd_code_pass pass, int block)
{
    static float a[PIXELS * BD_MAX_BLOCK], d[PIXELS * BD_MAX_BLOCK], g[PIXELS * BD_MAX_BLOCK];
    static float expected[PIXELS * BD_MAX_BLOCK];
    float one[BD_MAX_BLOCK], zero[BD_MAX_BLOCK] = {0};
    double sums[2 * BD_MAX_BLOCK], d_alpha, d_level;
    const struct bd_code code = code_of(rule, pass);
    struct bd_rng rng;
    bd_rng_seed(&rng, 21);
    for (int i = 0; i < PIXELS * block; i++) {
        const float ends[] = {0, 1, -1, code.alpha, -0.0f};
        a[i] = bd_rng_below(&rng, 8) ? (float)bd_rng_normal(&rng) : ends[bd_rng_below(&rng, 5)];
        d[i] = (float)bd_rng_normal(&rng);
    }
    for (int c = 0; c < block; c++) {
        one[c] = 1;
    }
    const struct bd_backward_slab slab = {.a = a,
                                          .a_type = BD_FLOAT,
                                          .d_type = BD_FLOAT,
                                          .slope = one,
                                          .offset = zero,
                                          .d_code = d,
                                          .code_gain = 1,
                                          .g = g};
    bd_kernel_backward(&slab, PIXELS, block, &code, sums, &d_alpha);
    bd_activation_backward(rule, a, d, (size_t)(PIXELS * block), expected, &d_level);
    for (int i = 0; i < PIXELS * block; i++) {
        cr_assert_float_eq(g[i], expected[i], 1e-6, "family %d, pass %d, z %a: %g, expected %g", rule->family, pass,
                           a[i], g[i], expected[i]);
    }
    if (rule->family == BD_ACTIVATIONS_LSQ && rule->bits < 32) {
        d_alpha *= code.n * bd_lsq_gradient_scale(rule->features, (int)code.n);
    }
    if (!rule->is_signed && rule->family != BD_ACTIVATIONS_DOREFA) {
        cr_assert_float_eq(d_alpha, d_level, 1e-4 * (1 + fabs(d_level)), "family %d: %g, expected %g", rule->family,
                           d_alpha, d_level);
    }
}

Test(train_families, kernels_are_the_reference)
{
    static const struct {
        struct bd_activation_rule rule;
        enum bd_code_pass pass;
    } cases[] = {
        {{.family = BD_ACTIVATIONS_PACT, .bits = 3, .level = 1.5f}, BD_PASS_OWN},
        {{.family = BD_ACTIVATIONS_PACT_PUBLISHED, .bits = 3, .level = 1.5f}, BD_PASS_PUBLISHED},
        {{.family = BD_ACTIVATIONS_DOREFA, .bits = 3}, BD_PASS_CLOSED},
        {{.family = BD_ACTIVATIONS_LSQ, .bits = 3, .level = 0.25f, .features = 700}, BD_PASS_OWN},
        {{.family = BD_ACTIVATIONS_PACT, .bits = 32, .level = 1.5f}, BD_PASS_OWN},
        {{.family = BD_ACTIVATIONS_DOREFA, .bits = 32}, BD_PASS_CLOSED},
        {{.bits = 1, .is_signed = true}, BD_PASS_OWN},
        {{.bits = 1, .is_signed = true, .sign_gradient = BD_SIGN_BIREAL}, BD_PASS_BIREAL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_pass(&cases[i].rule, cases[i].pass, 8);
        check_pass(&cases[i].rule, cases[i].pass, 16);
    }
}

/* ---- networks ----------------------------------------------------------------------------------------------- */

struct families {
    enum bd_weight_quantizer weights;
    enum bd_activation_quantizer activations;
    enum bd_sign_gradient sign_gradient;
    enum bd_weight_unit unit;
};

struct probe {
    struct bd_checkpoint checkpoint;
    struct bd_dataset data;
    struct bd_net *net;
    struct bd_parameter *parameters;
    size_t count;
    int batch;
    float *logits, *d_logits;
};

static void open_probe(struct probe *probe, const struct families *families, const char *switches, int pool_bits,
                       int batch)
{
    struct bd_error err;
    struct bd_train_plan plan;
    struct bd_rng rng;
    bd_train_plan_init(&plan);
    char *text = bd_asprintf(network_format, switches, "bireal", pool_bits);
    bd_checkpoint_init(&probe->checkpoint);
    struct bd_graph *graph = &probe->checkpoint.graph;
    cr_assert_eq(bd_graph_parse(graph, "tiny", text, strlen(text), &err), BD_OK, "%s", err.message);
    free(text);
    graph->weights = families->weights;
    graph->activations = families->activations;
    graph->sign_gradient = families->sign_gradient;
    graph->weight_unit = families->unit;
    bd_train_initialise(&probe->checkpoint, &plan);
    make_images(&probe->data, (uint32_t)batch, 5);
    bd_rng_seed(&rng, 7);
    probe->batch = batch;
    probe->logits = bd_xcalloc((size_t)batch * CLASSES, sizeof(float));
    probe->d_logits = bd_xcalloc((size_t)batch * CLASSES, sizeof(float));
    for (int i = 0; i < batch * CLASSES; i++) {
        probe->d_logits[i] = (float)(bd_rng_normal(&rng) / batch);
    }
    const uint32_t all = (1u << graph->switch_count) - 1;
    cr_assert_eq(bd_net_create(&probe->net, &probe->checkpoint, batch, all, false, true, &err), BD_OK, "%s",
                 err.message);
    probe->parameters = bd_net_parameters(probe->net, &probe->count);
}

static void close_probe(struct probe *probe)
{
    bd_net_destroy(probe->net);
    bd_checkpoint_release(&probe->checkpoint);
    bd_dataset_release(&probe->data);
    free(probe->logits);
    free(probe->d_logits);
}

static double loss(struct probe *probe, int s)
{
    return net_loss(probe->net, &probe->data, s, probe->logits, probe->d_logits, probe->batch * CLASSES);
}

static void backward(struct probe *probe, int s)
{
    struct bd_error err;
    loss(probe, s);
    cr_assert_eq(bd_net_backward(probe->net, s, probe->d_logits, NULL, &err), BD_OK, "%s", err.message);
    cr_assert_eq(bd_net_finish(probe->net, &err), BD_OK, "%s", err.message);
}

static struct bd_parameter *parameter(struct probe *probe, const char *name)
{
    for (size_t i = 0; i < probe->count; i++) {
        if (strcmp(probe->parameters[i].name, name) == 0) {
            return &probe->parameters[i];
        }
    }
    cr_assert_fail("no parameter %s", name);
    return NULL;
}

/* Where a latent's value moves by exactly one step of the rounded grid of 8 bits, a central difference of the loss
 * gives its gradient in the real weight; the latent's is that times the slope of what was rounded. */
static double latent_difference(struct probe *probe, enum bd_weight_quantizer family, struct bd_parameter *p, size_t k,
                                double level)
{
    const float kept = p->value[k];
    double slope[2];
    for (int wide = 1; wide <= 2; wide++) {
        double l[2], step = 0;
        for (int side = 0; side < 2; side++) {
            const int move = side ? wide : -wide;
            if (family == BD_WEIGHTS_DOREFA) {
                const int code = bd_dorefa_code(kept, (float)level, 8) + move;
                p->value[k] = (float)atanh(level * (2 * code / 255.0 - 1));
                step = 2.0 / 255;
            } else {
                p->value[k] = (float)(kept + level * move);
                step = level;
            }
            l[side] = loss(probe, 0);
        }
        slope[wide - 1] = (l[1] - l[0]) / (2 * wide * step);
    }
    p->value[k] = kept;
    const double dy = (4 * slope[0] - slope[1]) / 3, t = tanh(kept);
    return family == BD_WEIGHTS_DOREFA ? dy * (1 - t * t) / level : dy;
}

/* Latents in the middle of their code's bin, none beside the ends. */
static void centre(struct bd_parameter *p, enum bd_weight_quantizer family, float level)
{
    for (size_t k = 0; k < p->count; k++) {
        if (family == BD_WEIGHTS_LSQ) {
            p->value[k] = level * (float)fmin(fmax(floor(p->value[k] / level + 0.5), -120), 120);
        } else if (fabs(tanh(p->value[k])) < level) {
            const int code = (int)fmin(fmax(bd_dorefa_code(p->value[k], level, 8), 3), 252);
            p->value[k] = (float)atanh(level * (2 * code / 255.0 - 1));
        }
    }
}

static void check_latents(enum bd_weight_quantizer family)
{
    const struct families families = {family, BD_ACTIVATIONS_PACT, BD_SIGN_CLIP, BD_UNIT_LAYER};
    const char *const layers[] = {"stem", "s1b1.conv1", "s2b1.proj", "s2b2.conv2", "fc"};
    struct probe probe;
    open_probe(&probe, &families, "w8a32", 32, 48);
    for (size_t l = 0; l < sizeof layers / sizeof *layers; l++) {
        const char *level_name = family == BD_WEIGHTS_DOREFA          ? "scale"
                                 : l == 0 || !strcmp(layers[l], "fc") ? "wstep"
                                                                      : "w8a32.wstep";
        char name[80];
        snprintf(name, sizeof name, "%s.weight", layers[l]);
        struct bd_parameter *p = parameter(&probe, name);
        float *level = bd_checkpoint_find(&probe.checkpoint, "%s.%s", layers[l], level_name)->data;
        centre(p, family, *level);
        backward(&probe, 0);
        enum { PROBED = 8 };
        double ours[PROBED], apart = 0, size = 0, before = 0;
        for (int i = 0; i < PROBED; i++) {
            const size_t k = (size_t)i * p->count / PROBED;
            ours[i] = p->gradient[k];
        }
        for (int i = 0; i < PROBED; i++) {
            const size_t k = (size_t)i * p->count / PROBED;
            if (family == BD_WEIGHTS_DOREFA && fabs(tanh(p->value[k])) >= 0.95 * *level) {
                continue; /* moving it would move the level */
            }
            const double theirs = latent_difference(&probe, family, p, k, *level);
            apart += pow(theirs - ours[i], 2);
            size += theirs * theirs;
            before += ours[i] * ours[i];
        }
        cr_assert_gt(size, 1e-8, "%s: nothing to tell", layers[l]);
        cr_assert_leq(sqrt(apart), (l == 0 ? 0.5 : 0.3) * sqrt(size) + 5e-3,
                      "%s: differences of size %g, gradients %g, apart by %g", layers[l], sqrt(size), sqrt(before),
                      sqrt(apart));
    }
    close_probe(&probe);
}

Test(train_families, gradients_through_tanh)
{
    check_latents(BD_WEIGHTS_DOREFA);
}

Test(train_families, gradients_of_lsq_latents)
{
    check_latents(BD_WEIGHTS_LSQ);
}

/* With the integers held, d loss / ds is sum dy q, which differences show; LSQ's is g (sum dy q - sum dy v/s). */
Test(train_families, gradients_of_weight_steps)
{
    const struct families families = {BD_WEIGHTS_LSQ, BD_ACTIVATIONS_PACT, BD_SIGN_CLIP, BD_UNIT_RMS};
    const char *const layers[] = {"stem", "s1b1.conv1", "s2b2.conv2", "fc"};
    struct probe probe;
    open_probe(&probe, &families, "w8a32", 32, 48);
    for (size_t l = 0; l < sizeof layers / sizeof *layers; l++) {
        const bool fixed = l == 0 || l == 3;
        char name[80];
        snprintf(name, sizeof name, "%s.weight", layers[l]);
        struct bd_parameter *p = parameter(&probe, name);
        snprintf(name, sizeof name, fixed ? "%s.wstep" : "%s.w8a32.wstep", layers[l]);
        struct bd_parameter *step = parameter(&probe, name);
        cr_assert_eq(step->kind, BD_PARAMETER_STEP);
        cr_assert_eq(step->switch_index, fixed ? -1 : 0);
        const float s = *step->value;
        for (size_t k = 0; k < p->count; k++) { /* off the middle by a fifth, far from the ends */
            p->value[k] = s * (float)(fmin(fmax(floor(p->value[k] / s + 0.5), -90), 90) + 0.2);
        }
        backward(&probe, 0);
        double held = 0;
        const double found = *step->gradient;
        for (size_t k = 0; k < p->count; k++) {
            held += (double)p->gradient[k] * p->value[k] / s;
        }
        double l2[2];
        for (int side = 0; side < 2; side++) {
            *step->value = s * (side ? 1.001f : 0.999f);
            l2[side] = loss(&probe, 0);
        }
        *step->value = s;
        const double g = bd_lsq_gradient_scale((double)p->count, 127);
        const double expected = g * ((l2[1] - l2[0]) / (0.002 * s) - held);
        cr_assert_float_eq(found, expected, 0.02 * fabs(expected) + 0.02 * g * fabs(held) + 1e-4,
                           "%s: %g, expected %g (held %g)", name, found, expected, g * held);
    }
    close_probe(&probe);
}

/* LSQ activations are PACT's with alpha = n s: the same loss, and the step's gradient n g times alpha's. */
Test(train_families, activation_steps_are_clip_levels)
{
    const struct families pact = {BD_WEIGHTS_FLOOR, BD_ACTIVATIONS_PACT, BD_SIGN_CLIP, BD_UNIT_RMS};
    const struct families lsq = {BD_WEIGHTS_FLOOR, BD_ACTIVATIONS_LSQ, BD_SIGN_CLIP, BD_UNIT_RMS};
    struct probe a, b;
    open_probe(&a, &pact, "w4a4", 8, 32);
    open_probe(&b, &lsq, "w4a4", 8, 32);
    const struct bd_graph *graph = &a.checkpoint.graph;
    for (int q = 1; q < graph->quantizer_count; q++) { /* exact in both */
        const int n = graph->quantizers[q].bits == 8 ? 255 : 15;
        *bd_checkpoint_find(&a.checkpoint, "%s.w4a4.alpha", graph->quantizers[q].name)->data = (float)n / 128;
        *bd_checkpoint_find(&b.checkpoint, "%s.w4a4.step", graph->quantizers[q].name)->data = 1.0f / 128;
    }
    backward(&a, 0);
    backward(&b, 0);
    cr_assert_arr_eq(a.logits, b.logits, 32 * CLASSES * sizeof(float));
    for (int q = 1; q < graph->quantizer_count; q++) {
        const struct bd_quantizer *info = &graph->quantizers[q];
        const int n = info->bits == 8 ? 255 : 15;
        char name[80];
        snprintf(name, sizeof name, "%s.w4a4.alpha", info->name);
        const double alpha = *parameter(&a, name)->gradient;
        snprintf(name, sizeof name, "%s.w4a4.step", info->name);
        const double step = *parameter(&b, name)->gradient;
        const double gain = n / sqrt((double)info->channels * info->height * info->width * n);
        cr_assert_float_eq(step, gain * alpha, 1e-4 * (1e-3 + fabs(gain * alpha)), "%s: %g, expected %g", name, step,
                           gain * alpha);
    }
    close_probe(&a);
    close_probe(&b);
}

/* A published PACT level learns from above alone; DoReFa's learns nothing; the forward pass is one and the same. */
Test(train_families, families_share_the_forward_pass)
{
    struct probe probes[3];
    const enum bd_activation_quantizer kinds[] = {BD_ACTIVATIONS_PACT, BD_ACTIVATIONS_PACT_PUBLISHED,
                                                  BD_ACTIVATIONS_DOREFA};
    for (int i = 0; i < 3; i++) {
        const struct families families = {BD_WEIGHTS_FLOOR, kinds[i], BD_SIGN_CLIP, BD_UNIT_RMS};
        open_probe(&probes[i], &families, "w4a4", 8, 32);
        const struct bd_graph *graph = &probes[i].checkpoint.graph;
        for (int q = 1; q < graph->quantizer_count && i < 2; q++) {
            *bd_checkpoint_find(&probes[i].checkpoint, "%s.w4a4.alpha", graph->quantizers[q].name)->data = 1;
        }
        backward(&probes[i], 0);
        cr_assert_arr_eq(probes[i].logits, probes[0].logits, 32 * CLASSES * sizeof(float));
    }
    for (size_t i = 0; i < probes[2].count; i++) {
        cr_assert(probes[2].parameters[i].kind != BD_PARAMETER_ALPHA);
    }
    int differ = 0;
    for (size_t i = 0; i < probes[0].count; i++) {
        const struct bd_parameter *a = &probes[0].parameters[i], *b = &probes[1].parameters[i];
        if (a->kind == BD_PARAMETER_ALPHA) {
            differ += *a->gradient != *b->gradient;
        } else {
            cr_assert_arr_eq(a->gradient, b->gradient, a->count * sizeof(float), "%s", a->name);
        }
    }
    cr_assert_gt(differ, 3);
    for (int i = 0; i < 3; i++) {
        close_probe(&probes[i]);
    }
}

/* The Bi-Real gradient reaches the weights behind a sign, and the loss does not know it. */
Test(train_families, sign_gradients_differ_behind_signs)
{
    const struct families clip = {BD_WEIGHTS_FLOOR, BD_ACTIVATIONS_PACT, BD_SIGN_CLIP, BD_UNIT_RMS};
    const struct families bireal = {BD_WEIGHTS_FLOOR, BD_ACTIVATIONS_PACT, BD_SIGN_BIREAL, BD_UNIT_RMS};
    struct probe a, b;
    open_probe(&a, &clip, "w1a1", 8, 32);
    open_probe(&b, &bireal, "w1a1", 8, 32);
    backward(&a, 0);
    backward(&b, 0);
    cr_assert_arr_eq(a.logits, b.logits, 32 * CLASSES * sizeof(float));
    const struct bd_parameter *last[] = {parameter(&a, "s2b2.conv2.weight"), parameter(&b, "s2b2.conv2.weight")};
    const struct bd_parameter *first[] = {parameter(&a, "stem.weight"), parameter(&b, "stem.weight")};
    cr_assert_arr_eq(last[0]->gradient, last[1]->gradient, last[0]->count * sizeof(float));
    cr_assert(memcmp(first[0]->gradient, first[1]->gradient, first[0]->count * sizeof(float)) != 0);
    close_probe(&a);
    close_probe(&b);
}

/* Units by filter fold into batch norm: the logits are those of one unit a layer, but for batch norm's epsilon; the
 * gradient of a filter's latents is that of its real weights, whatever the unit. */
Test(train_families, units_fold_into_batch_norm)
{
    const struct families layer = {BD_WEIGHTS_FLOOR, BD_ACTIVATIONS_PACT, BD_SIGN_CLIP, BD_UNIT_LAYER};
    const struct families filter = {BD_WEIGHTS_FLOOR, BD_ACTIVATIONS_PACT, BD_SIGN_CLIP, BD_UNIT_FILTER};
    struct probe a, b;
    open_probe(&a, &layer, "w1a4", 8, 32);
    open_probe(&b, &filter, "w1a4", 8, 32);
    backward(&a, 0);
    backward(&b, 0);
    const struct bd_array *one = bd_checkpoint_find(&a.checkpoint, "s1b1.conv1.w1a4.wscale");
    const struct bd_array *many = bd_checkpoint_find(&b.checkpoint, "s1b1.conv1.w1a4.wscale");
    cr_assert(one->count == 1 && many->count == 7);
    const struct bd_parameter *p = parameter(&a, "s1b1.conv1.weight"), *q = parameter(&b, "s1b1.conv1.weight");
    const size_t taps = p->count / 7;
    double apart = 0, size = 0;
    for (size_t k = 0; k < p->count; k++) {
        const double ratio = many->data[k / taps] / one->data[0]; /* dy of the same integer's share */
        apart += pow(q->gradient[k] * ratio - p->gradient[k], 2);
        size += pow(p->gradient[k], 2);
    }
    cr_assert_lt(sqrt(apart), 0.1 * sqrt(size), "size %g, apart by %g", sqrt(size), sqrt(apart));
    close_probe(&a);
    close_probe(&b);
}

/* The trainer's integers at every switch are those of the checkpoint, which folding takes; equal steps in 30 updates
 * keep them so, with private steps that moved and stayed positive. */
Test(train_families, every_family_trains_and_its_integers_are_the_checkpoints)
{
    static const struct families all[] = {
        {BD_WEIGHTS_DOREFA, BD_ACTIVATIONS_DOREFA, BD_SIGN_BIREAL, BD_UNIT_FILTER},
        {BD_WEIGHTS_DOREFA, BD_ACTIVATIONS_PACT_PUBLISHED, BD_SIGN_CLIP, BD_UNIT_RMS},
        {BD_WEIGHTS_LSQ, BD_ACTIVATIONS_LSQ, BD_SIGN_CLIP, BD_UNIT_RMS},
        {BD_WEIGHTS_FLOOR, BD_ACTIVATIONS_LSQ, BD_SIGN_CLIP, BD_UNIT_LAYER},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct run run;
        struct bd_error err;
        struct bd_net *net;
        open_run(&run, "w8a8, w4a4, w2a2, w1a1");
        struct bd_graph *graph = &run.checkpoint.graph;
        graph->weights = all[i].weights;
        graph->activations = all[i].activations;
        graph->sign_gradient = all[i].sign_gradient;
        graph->weight_unit = all[i].unit;
        bd_checkpoint_drop(&run.checkpoint, "");
        run.plan.steps = 60;
        bd_train_initialise(&run.checkpoint, &run.plan);
        double accuracy[BD_MAX_SWITCHES];
        const struct bd_array *step = bd_checkpoint_find(&run.checkpoint, "s1b1.conv1.w4a4.wstep");
        const float first = step ? *step->data : 0;
        do_run(&run);
        cr_assert(!step || *bd_checkpoint_find(&run.checkpoint, "s1b1.conv1.w4a4.wstep")->data != first);
        cr_assert_eq(bd_checkpoint_check(&run.checkpoint, &err), BD_OK, "%s", err.message);
        cr_assert_eq(bd_float_accuracy(&run.checkpoint, 0, &run.data, 0, accuracy, &err), BD_OK, "%s", err.message);
        cr_assert_eq(bd_net_create(&net, &run.checkpoint, 16, 15, false, false, &err), BD_OK, "%s", err.message);
        for (int s = 0; s < 4; s++) {
            cr_assert_gt(accuracy[s], 0.6, "family %zu, switch %d: %g", i, s, accuracy[s]);
            for (int l = 0; l < graph->layer_count; l++) {
                const struct bd_layer *layer = &graph->layers[l];
                if (!bd_layer_has_weights(layer)) {
                    continue;
                }
                const size_t count = (size_t)bd_checkpoint_find(&run.checkpoint, "%s.weight", layer->name)->count;
                int16_t *integers = bd_xmalloc(count * sizeof *integers);
                cr_assert_eq(bd_checkpoint_integers(&run.checkpoint, layer, s, integers, &err), BD_OK);
                cr_assert_arr_eq(bd_net_weight_integers(net, l, s), integers, count * sizeof *integers, "%s",
                                 layer->name);
                free(integers);
            }
        }
        bd_net_destroy(net);
        close_run(&run);
    }
}
