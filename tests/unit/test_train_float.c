/* First and last layers with float weights: sums, gradients and runs. */
#include <math.h>

#include "model/eval/evaluate.h"
#include "model/train/network/network.h"
#include "tests/support/train_fixture.h"

static const char float_format[] = "name: tiny\n"
                                   "input: {height: 8, width: 8, channels: 1}\n"
                                   "classes: 3\n"
                                   "switches: [%s]\n"
                                   "quantizers: {weights: %s}\n"
                                   "stem: {channels: 5, weight_bits: 32}\n"
                                   "stages:\n"
                                   "  - {channels: 5, blocks: [{inner: 7}]}\n"
                                   "  - {channels: 19, stride: 2, blocks: [{kind: basic}]}\n"
                                   "head: {pool_bits: %d, weight_bits: 32}\n";

static void make_float_ends(struct bd_checkpoint *checkpoint, const char *switches, const char *weights, int pool_bits)
{
    struct bd_error err;
    struct bd_train_plan plan;
    char *text = bd_asprintf(float_format, switches, weights, pool_bits);
    bd_checkpoint_release(checkpoint);
    bd_checkpoint_init(checkpoint);
    cr_assert_eq(bd_graph_parse(&checkpoint->graph, "tiny", text, strlen(text), &err), BD_OK, "%s", err.message);
    free(text);
    tiny_plan(&plan);
    bd_train_initialise(checkpoint, &plan);
}

/* One network at one switch over a batch, and a random gradient of its logits. */
enum { BATCH = 64 };
struct probe {
    struct bd_checkpoint checkpoint;
    struct bd_dataset data;
    struct bd_net *net;
    struct bd_parameter *parameters;
    size_t count;
    float logits[BATCH * CLASSES], d_logits[BATCH * CLASSES];
};

static void open_probe(struct probe *probe, const char *sw, int pool_bits, bool half)
{
    struct bd_error err;
    struct bd_rng rng;
    bd_checkpoint_init(&probe->checkpoint);
    make_float_ends(&probe->checkpoint, sw, "floor", pool_bits);
    make_images(&probe->data, BATCH, 5);
    bd_rng_seed(&rng, 7);
    for (int i = 0; i < BATCH * CLASSES; i++) {
        probe->d_logits[i] = (float)bd_rng_normal(&rng) / BATCH;
    }
    cr_assert_eq(bd_net_create(&probe->net, &probe->checkpoint, BATCH, 1, half, true, &err), BD_OK, "%s", err.message);
    probe->parameters = bd_net_parameters(probe->net, &probe->count);
}

static void close_probe(struct probe *probe)
{
    bd_net_destroy(probe->net);
    bd_checkpoint_release(&probe->checkpoint);
    bd_dataset_release(&probe->data);
}

static double loss(struct probe *probe)
{
    return net_loss(probe->net, &probe->data, 0, probe->logits, probe->d_logits, BATCH * CLASSES);
}

/* The stem's sums are those of pixels and latents, the logits those of the pooled code and latents, in double. */
Test(train_float, sums_are_those_of_the_latents)
{
    struct probe probe;
    static double sums[BATCH * 5 * SIDE * SIDE];
    int16_t pooled[BATCH * 19];
    open_probe(&probe, "w2a2", 8, false);
    loss(&probe);
    const float *stem = bd_checkpoint_find(&probe.checkpoint, "stem.weight")->data;
    const float *fc = bd_checkpoint_find(&probe.checkpoint, "fc.weight")->data;
    const float *bias = bd_checkpoint_find(&probe.checkpoint, "fc.bias")->data;
    const double step = *bd_checkpoint_find(&probe.checkpoint, "pool.q.w2a2.alpha")->data / 255.0;
    cr_assert_not(bd_net_accumulation(probe.net, 0, sums), "float weights in the integer kernel");
    cr_assert_null(bd_net_weight_integers(probe.net, 0, 0));
    for (int n = 0; n < BATCH; n++) {
        for (int c = 0; c < 5; c++) {
            for (int p = 0; p < SIDE * SIDE; p++) {
                double sum = 0;
                for (int k = 0; k < 9; k++) {
                    const int y = p / SIDE + k / 3 - 1, x = p % SIDE + k % 3 - 1;
                    const bool inside = y >= 0 && y < SIDE && x >= 0 && x < SIDE;
                    sum += inside ? (double)stem[c * 9 + k] * probe.data.images[(n * SIDE + y) * SIDE + x] : 0;
                }
                cr_assert_float_eq(sums[(n * 5 + c) * SIDE * SIDE + p], sum, 1e-3);
            }
        }
    }
    bd_net_codes(probe.net, probe.checkpoint.graph.quantizer_count - 1, 0, pooled);
    for (int n = 0; n < BATCH; n++) {
        for (int o = 0; o < CLASSES; o++) {
            double sum = bias[o];
            for (int c = 0; c < 19; c++) {
                sum += fc[o * 19 + c] * step * pooled[n * 19 + c];
            }
            cr_assert_float_eq(probe.logits[n * CLASSES + o], sum, 1e-4);
        }
    }
    close_probe(&probe);
}

/* Entries of a layer's weights by central differences; `bound`: of the largest. The logits are linear in the
 * classifier; behind the stem clipping has kinks. */
static void check_gradient(struct probe *probe, const char *name, float move, double bound)
{
    struct bd_error err;
    loss(probe);
    cr_assert_eq(bd_net_backward(probe->net, 0, probe->d_logits, NULL, &err), BD_OK, "%s", err.message);
    cr_assert_eq(bd_net_finish(probe->net, &err), BD_OK, "%s", err.message);
    for (size_t i = 0; i < probe->count; i++) {
        const struct bd_parameter *p = &probe->parameters[i];
        if (strcmp(p->name, name)) {
            continue;
        }
        float *ours = bd_xcalloc(p->count, sizeof *ours);
        double apart = 0, size = 0;
        cr_assert_null(p->limit, "float weights are not clipped");
        memcpy(ours, p->gradient, p->count * sizeof *ours);
        for (size_t k = 0; k < p->count; k++) {
            const float kept = p->value[k];
            p->value[k] = kept + move;
            const double above = loss(probe);
            p->value[k] = kept - move;
            const double theirs = (above - loss(probe)) / (2 * move);
            p->value[k] = kept;
            apart += pow(theirs - ours[k], 2);
            size += theirs * theirs;
        }
        cr_assert(size > 1e-6 && sqrt(apart) <= bound * sqrt(size), "%s: differences of size %g, apart by %g", name,
                  sqrt(size), sqrt(apart));
        free(ours);
        return;
    }
    cr_assert_fail("%s is no parameter", name);
}

Test(train_float, gradients_are_differences)
{
    struct probe probe;
    open_probe(&probe, "w8a32", 32, false);
    check_gradient(&probe, "fc.weight", 0.05f, 1e-3);
    check_gradient(&probe, "stem.weight", 1e-3f, 0.04);
    close_probe(&probe);
}

/* A run learns, keeps no range for its float layers, and a switch of it is the run of that switch alone. */
Test(train_float, trains_and_one_switch_is_an_independent_run)
{
    static const char *const families[] = {"floor", "dorefa", "lsq"};
    struct bd_error err;
    for (int i = 0; i < 3; i++) {
        struct run shared, alone;
        double accuracy[BD_MAX_SWITCHES];
        open_run(&shared, "w1a1");
        open_run(&alone, "w1a1");
        make_float_ends(&shared.checkpoint, "w4a4, w2a2", families[i], 8);
        make_float_ends(&alone.checkpoint, "w2a2", families[i], 8);
        shared.plan.steps = 60;
        do_run(&shared);
        cr_assert_eq(bd_float_accuracy(&shared.checkpoint, 0, &shared.data, 0, accuracy, &err), BD_OK);
        cr_assert(accuracy[0] > 0.6 && accuracy[1] > 0.6, "%s: %g %g", families[i], accuracy[0], accuracy[1]);
        cr_assert_null(bd_checkpoint_find(&shared.checkpoint, "stem.scale"));
        cr_assert_null(bd_checkpoint_find(&shared.checkpoint, "stem.w2a2.wscale"));
        cr_assert_null(bd_checkpoint_find(&shared.checkpoint, "fc.wstep"));
        make_float_ends(&shared.checkpoint, "w4a4, w2a2", families[i], 8);
        shared.plan.steps = alone.plan.steps = 24;
        shared.plan.switches = 2;
        do_run(&shared);
        do_run(&alone);
        cr_assert_gt(assert_same_arrays(&alone.checkpoint, &shared.checkpoint), 20);
        close_run(&shared);
        close_run(&alone);
    }
}
