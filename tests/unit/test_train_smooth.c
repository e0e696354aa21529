/* Gradients where the network is smooth: every activation stands far from its clips, so that the loss has no kinks and
 * finite differences are exact but for rounding. What goes back through a layer is then known to a few parts in a
 * thousand, whichever layer it is: convolutions of every kernel, batch norm, residual sums, max pooling, averaged and
 * projected shortcuts, global pooling, the classifier. */
#include <math.h>

#include "model/train/network/network.h"
#include "tests/support/train_fixture.h"

enum { BATCH = 24 };

static const char smooth_format[] = "name: smooth\n"
                                    "input: {height: 8, width: 8, channels: 1}\n"
                                    "classes: 3\n"
                                    "switches: [w8a32]\n"
                                    "stem: {channels: 6, weight_bits: 32%s}\n"
                                    "stages:\n"
                                    "  - {channels: 6, blocks: [%s]}\n"
                                    "  - {channels: 18, stride: 2, blocks: [%s]}\n"
                                    "head: {pool_bits: 32, weight_bits: 32}\n";

struct probe {
    struct bd_checkpoint checkpoint;
    struct bd_dataset data;
    struct bd_net *net;
    struct bd_parameter *parameters;
    size_t count;
    int pooled;
    float logits[BATCH * CLASSES], d_logits[BATCH * CLASSES], d_pooled[BATCH * 18];
};

/* Weights in the middle of their code's bin and two codes from the ends; batch norms that give 6 +- 1; clips at 1000.
 */
static void set_parameter(struct bd_parameter *p, struct bd_rng *rng)
{
    for (size_t k = 0; k < p->count; k++) {
        if (p->kind == BD_PARAMETER_WEIGHT && p->limit) {
            const int code = (int)(256 * (p->value[k] / (2 * *p->limit) + 0.5));
            const int inner = code < 3 ? 3 : code > 252 ? 252 : code;
            p->value[k] = (float)(((inner + 0.5) / 256 - 0.5) * 2 * *p->limit);
        } else if (p->kind == BD_PARAMETER_GAMMA) {
            p->value[k] = (float)(1 + 0.2 * bd_rng_normal(rng));
        } else if (p->kind == BD_PARAMETER_BETA) {
            p->value[k] = (float)(6 + 0.2 * bd_rng_normal(rng));
        } else if (p->kind == BD_PARAMETER_ALPHA) {
            p->value[k] = 1000;
        }
    }
}

static void open_probe(struct probe *probe, const char *stem, const char *first, const char *second)
{
    struct bd_error err;
    struct bd_train_plan plan;
    struct bd_rng rng;
    char *text = bd_asprintf(smooth_format, stem, first, second);
    bd_checkpoint_init(&probe->checkpoint);
    cr_assert_eq(bd_graph_parse(&probe->checkpoint.graph, "smooth", text, strlen(text), &err), BD_OK, "%s",
                 err.message);
    free(text);
    tiny_plan(&plan);
    bd_train_initialise(&probe->checkpoint, &plan);
    make_images(&probe->data, BATCH, 5);
    bd_rng_seed(&rng, 7);
    for (int i = 0; i < BATCH * CLASSES; i++) {
        probe->d_logits[i] = (float)bd_rng_normal(&rng) / BATCH;
    }
    const struct bd_graph *graph = &probe->checkpoint.graph;
    probe->pooled = BATCH * graph->layers[graph->layer_count - 1].in_channels;
    cr_assert_leq(probe->pooled, BATCH * 18);
    for (int i = 0; i < probe->pooled; i++) {
        probe->d_pooled[i] = (float)bd_rng_normal(&rng) / BATCH;
    }
    cr_assert_eq(bd_net_create(&probe->net, &probe->checkpoint, BATCH, 1, false, true, &err), BD_OK, "%s", err.message);
    probe->parameters = bd_net_parameters(probe->net, &probe->count);
    for (size_t i = 0; i < probe->count; i++) {
        set_parameter(&probe->parameters[i], &rng);
    }
}

static void close_probe(struct probe *probe)
{
    bd_net_destroy(probe->net);
    bd_checkpoint_release(&probe->checkpoint);
    bd_dataset_release(&probe->data);
}

static double loss(struct probe *probe)
{
    double sum = net_loss(probe->net, &probe->data, 0, probe->logits, probe->d_logits, BATCH * CLASSES);
    for (int i = 0; i < probe->pooled; i++) {
        sum += (double)bd_net_pooled(probe->net)[i] * probe->d_pooled[i];
    }
    return sum;
}

/* Slope of the loss along `direction`, its leading errors taken out. */
static double slope_along(struct probe *probe, struct bd_parameter *p, const float *direction, double step)
{
    float *kept = bd_xcalloc(p->count, sizeof *kept);
    double slope[2];
    memcpy(kept, p->value, p->count * sizeof *kept);
    for (int wide = 1; wide <= 2; wide++) {
        double at[2];
        for (int side = 0; side < 2; side++) {
            for (size_t k = 0; k < p->count; k++) {
                p->value[k] = (float)(kept[k] + (side ? wide : -wide) * step * direction[k]);
            }
            at[side] = loss(probe);
        }
        slope[wide - 1] = (at[1] - at[0]) / (2 * wide * step);
    }
    memcpy(p->value, kept, p->count * sizeof *kept);
    free(kept);
    return (4 * slope[0] - slope[1]) / 3;
}

/* Two directions: the gradient's own signs, which a wrong scale shows, and random signs, which what is left out shows.
 * Quantized weights move by whole codes, for in between the loss is flat. */
static void check_array(struct probe *probe, struct bd_parameter *p, const float *gradient, double bound,
                        const char *network)
{
    struct bd_rng rng;
    double size = 0, mean = 0;
    float *direction = bd_xcalloc(p->count, sizeof *direction);
    bd_rng_seed(&rng, 13);
    for (size_t k = 0; k < p->count; k++) {
        size += (double)gradient[k] * gradient[k];
        mean += fabs(p->value[k]) / (double)p->count;
    }
    size = sqrt(size);
    const double step = p->limit ? *p->limit / 128.0 : mean > 0 ? 0.01 * mean : 0.01;
    for (int random = 0; random < 2; random++) {
        double expected = 0;
        for (size_t k = 0; k < p->count; k++) {
            direction[k] = (random ? bd_rng_below(&rng, 2) : gradient[k] < 0) ? -1 : 1;
            expected += (double)direction[k] * gradient[k];
        }
        const double found = slope_along(probe, p, direction, step);
        cr_assert_float_eq(found, expected, bound * (size + fabs(expected)) + 1e-4,
                           "%s: %s, %s signs: differences %g, gradient %g of %g", network, p->name,
                           random ? "random" : "its own", found, expected, size);
    }
    free(direction);
}

static void check_network(const char *stem, const char *first, const char *second)
{
    struct probe probe;
    struct bd_error err;
    int told = 0;
    open_probe(&probe, stem, first, second);
    loss(&probe);
    cr_assert_eq(bd_net_backward(probe.net, 0, probe.d_logits, probe.d_pooled, &err), BD_OK, "%s", err.message);
    cr_assert_eq(bd_net_finish(probe.net, &err), BD_OK, "%s", err.message);
    float **gradients = bd_xcalloc(probe.count, sizeof *gradients);
    for (size_t i = 0; i < probe.count; i++) {
        gradients[i] = bd_xcalloc(probe.parameters[i].count, sizeof(float));
        memcpy(gradients[i], probe.parameters[i].gradient, probe.parameters[i].count * sizeof(float));
    }
    for (size_t i = 0; i < probe.count; i++) {
        struct bd_parameter *p = &probe.parameters[i];
        if (p->kind == BD_PARAMETER_ALPHA) {
            cr_assert_eq(*gradients[i], 0, "%s: something is clipped", p->name);
        } else { /* where what a window's largest value is changes on the way, there are kinks after all */
            const bool before_pooling = strstr(stem, "max_pool") && !strncmp(p->name, "stem", 4);
            check_array(&probe, p, gradients[i], before_pooling ? 0.09 : 0.015, second);
        }
        told += p->kind != BD_PARAMETER_ALPHA;
        free(gradients[i]);
    }
    cr_assert_gt(told, 10);
    free(gradients);
    close_probe(&probe);
}

Test(train_smooth, shortcuts)
{
    check_network("", "{kind: basic}", "{kind: basic, shortcut: projection}, {kind: basic, inner: 7}");
    check_network("", "{kind: bireal}", "{kind: bireal, shortcut: average}");
}

Test(train_smooth, no_shortcuts)
{
    check_network("", "{kind: separable}", "{kind: separable}, {kind: plain}");
}

Test(train_smooth, max_pooling)
{
    check_network(", max_pool: {kernel: 3, stride: 2, pad: 1}", "{kind: basic}", "{kind: basic, shortcut: average}");
    check_network(", max_pool: {kernel: 2, stride: 1}", "{kind: plain}", "{kind: plain}");
}

Test(train_smooth, average_pooling)
{
    check_network(", average_pool: {kernel: 3, stride: 2, pad: 1}", "{kind: basic}", "{kind: basic}");
    check_network(", average_pool: {kernel: 2, stride: 1}", "{kind: plain}", "{kind: plain}");
}
