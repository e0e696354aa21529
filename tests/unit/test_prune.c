/* Surgery. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/checkpoint/random_checkpoint.h"
#include "model/core/memory.h"
#include "model/core/rng.h"
#include "model/prune/prune.h"
#include "model/prune/ranking.h"

static const char description[] = "name: tiny\n"
                                  "input: {height: 8, width: 8, channels: 1}\n"
                                  "classes: 4\n"
                                  "switches: [w8a8, w2a2, w1a1]\n"
                                  "stem: {channels: 6, kernel: 3, stride: 1, weight_bits: 8}\n"
                                  "stages:\n"
                                  "  - channels: 6\n"
                                  "    stride: 1\n"
                                  "    blocks:\n"
                                  "      - {kind: basic, inner: 5, shortcut: identity}\n"
                                  "  - channels: 7\n"
                                  "    stride: 2\n"
                                  "    blocks:\n"
                                  "      - {kind: basic, inner: 9, shortcut: projection}\n"
                                  "head: {pool_bits: 8, weight_bits: 8}\n";

static void put_random(struct bd_checkpoint *c, struct bd_rng *rng, int rank, const int64_t *shape, const char *layer,
                       const char *sw, const char *what)
{
    struct bd_array *a = sw ? bd_checkpoint_put(c, rank, shape, "%s.%s.%s", layer, sw, what)
                            : bd_checkpoint_put(c, rank, shape, "%s.%s", layer, what);
    for (int64_t i = 0; i < a->count; i++) {
        a->data[i] = (float)(0.1 + fabs(bd_rng_normal(rng)));
        if (!strcmp(what, "weight")) {
            a->data[i] = (float)bd_rng_normal(rng);
        }
    }
}

static void random_checkpoint_of(struct bd_checkpoint *c, const char *text, uint64_t seed)
{
    static const char *const norm[] = {"gamma", "beta", "mean", "var"};
    struct bd_error err;
    struct bd_rng rng;
    const int64_t one[1] = {1};
    bd_rng_seed(&rng, seed);
    bd_checkpoint_init(c);
    cr_assert_eq(bd_graph_parse(&c->graph, "tiny", text, strlen(text), &err), BD_OK, "%s", err.message);
    c->metadata = bd_xstrdup("{}");
    for (int l = 0; l < c->graph.layer_count; l++) {
        const struct bd_layer *layer = &c->graph.layers[l];
        int64_t shape[4] = {layer->out_channels, layer->in_channels / layer->groups, layer->kernel_h, layer->kernel_w};
        if (!bd_layer_has_weights(layer)) {
            continue;
        }
        put_random(c, &rng, 4, shape, layer->name, NULL, "weight");
        put_random(c, &rng, 1, one, layer->name, NULL, "scale");
        if (layer->kind == BD_LAYER_CLASSIFIER) {
            put_random(c, &rng, 1, shape, layer->name, NULL, "bias");
        }
        for (int s = 0; s < c->graph.switch_count; s++) {
            put_random(c, &rng, 1, one, layer->name, c->graph.switches[s].name, "wscale");
            for (int k = 0; k < 4 && layer->kind == BD_LAYER_CONV; k++) {
                put_random(c, &rng, 1, shape, layer->name, c->graph.switches[s].name, norm[k]);
            }
        }
    }
    for (int q = 1; q < c->graph.quantizer_count; q++) {
        for (int s = 0; s < c->graph.switch_count; s++) {
            if (!bd_quantizer_signed(&c->graph.quantizers[q], &c->graph.switches[s])) {
                put_random(c, &rng, 1, one, c->graph.quantizers[q].name, c->graph.switches[s].name, "alpha");
            }
        }
    }
    cr_assert_eq(bd_checkpoint_check(c, &err), BD_OK, "%s", err.message);
}

static void random_checkpoint(struct bd_checkpoint *c, uint64_t seed)
{
    random_checkpoint_of(c, description, seed);
}

/* Groups of the description above, in the order of the graph: stem stream, inner 1, stream 2, inner 2. */
static int **all_orders(const struct bd_checkpoint *c, enum bd_ranking ranking)
{
    struct bd_error err;
    int **orders = bd_orders_new(&c->graph);
    const struct bd_ranking_source source = {.checkpoint = c, .seed = 5};
    cr_assert_eq(bd_prune_orders(&source, ranking, orders, &err), BD_OK, "%s", err.message);
    return orders;
}

static void free_orders(const struct bd_checkpoint *c, int **orders)
{
    bd_orders_free(&c->graph, orders);
}

/* Every surviving number by its own index arithmetic, for one layer. */
static void check_layer(const struct bd_checkpoint *a, const struct bd_checkpoint *b, const char *name, const int *out,
                        int outs, const int *in, int ins, int old_ins, int spatial)
{
    const struct bd_array *wa = bd_checkpoint_find(a, "%s.weight", name),
                          *wb = bd_checkpoint_find(b, "%s.weight", name);
    cr_assert_eq(wb->count, (int64_t)outs * ins * spatial);
    for (int o = 0; o < outs; o++) {
        for (int i = 0; i < ins; i++) {
            for (int k = 0; k < spatial; k++) {
                int from_o = out ? out[o] : o, from_i = in ? in[i] : i;
                cr_assert_eq(wb->data[(o * ins + i) * spatial + k], wa->data[(from_o * old_ins + from_i) * spatial + k],
                             "%s %d %d", name, o, i);
            }
        }
        const struct bd_array *ba = bd_checkpoint_find(a, "%s.w2a2.beta", name);
        const struct bd_array *bb = bd_checkpoint_find(b, "%s.w2a2.beta", name);
        cr_assert(!ba || bb->data[o] == ba->data[out ? out[o] : o]);
    }
}

Test(prune, surgery_keeps_what_survives_and_cuts_readers)
{
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct bd_checkpoint c, p;
        struct bd_error err;
        struct bd_prune_choice choice;
        random_checkpoint(&c, seed);
        const int channels[4] = {4, 1 + (int)(seed % 5), 3, 1 + (int)(seed % 9)};
        int **orders = all_orders(&c, BD_RANK_REDUNDANCY);
        bd_prune_choose(&c.graph, orders, channels, &choice);
        cr_assert_eq(bd_prune_surgery(&c, &choice, &p, &err), BD_OK, "%s", err.message);
        int *const *k = choice.kept;
        check_layer(&c, &p, "stem", k[0], channels[0], NULL, 1, 1, 9);
        check_layer(&c, &p, "s1b1.conv1", k[1], channels[1], k[0], channels[0], 6, 9);
        check_layer(&c, &p, "s1b1.conv2", k[0], channels[0], k[1], channels[1], 5, 9);
        check_layer(&c, &p, "s2b1.proj", k[2], channels[2], k[0], channels[0], 6, 1);
        check_layer(&c, &p, "s2b1.conv1", k[3], channels[3], k[0], channels[0], 6, 9);
        check_layer(&c, &p, "s2b1.conv2", k[2], channels[2], k[3], channels[3], 9, 9);
        check_layer(&c, &p, "fc", NULL, 4, k[2], channels[2], 7, 1);
        cr_assert_eq(bd_checkpoint_find(&c, "stem.scale")->data[0], bd_checkpoint_find(&p, "stem.scale")->data[0]);
        cr_assert_eq(bd_checkpoint_find(&c, "s1b1.q2.w2a2.alpha")->data[0],
                     bd_checkpoint_find(&p, "s1b1.q2.w2a2.alpha")->data[0]);
        bd_checkpoint_release(&p);
        bd_prune_choice_release(&choice);
        free_orders(&c, orders);
        bd_checkpoint_release(&c);
    }
}

/* Depthwise filters go with their channels, through max pooling too; a planted exchange of two is caught. */
Test(prune, surgery_takes_depthwise_filters_with_their_channels)
{
    static const char text[] =
        "name: tiny\ninput: {height: 8, width: 8, channels: 1}\nclasses: 4\nswitches: [w8a8, w2a2, w1a1]\n"
        "stem: {channels: 6, max_pool: {kernel: 2}}\n"
        "stages: [{channels: 7, blocks: [{kind: separable}, {kind: plain, channels: 5}]}]\nhead: {}\n";
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct bd_checkpoint c, p;
        struct bd_error err;
        struct bd_prune_choice choice;
        random_checkpoint_of(&c, text, seed);
        cr_assert_eq(c.graph.prune_group_count, 3); /* stem, its pool and s1b1.dw; s1b1.pw; s1b2.conv and the pool */
        const int channels[3] = {4, 1 + (int)seed, 3};
        int **orders = all_orders(&c, BD_RANK_REDUNDANCY);
        bd_prune_choose(&c.graph, orders, channels, &choice);
        cr_assert_eq(bd_prune_surgery(&c, &choice, &p, &err), BD_OK, "%s", err.message);
        int *const *k = choice.kept;
        check_layer(&c, &p, "stem", k[0], 4, NULL, 1, 1, 9);
        check_layer(&c, &p, "s1b1.dw", k[0], 4, NULL, 1, 1, 9);
        check_layer(&c, &p, "s1b1.pw", k[1], channels[1], k[0], 4, 6, 1);
        check_layer(&c, &p, "s1b2.conv", k[2], 3, k[1], channels[1], 7, 9);
        check_layer(&c, &p, "fc", NULL, 4, k[2], 3, 5, 1);
        float *weight = bd_checkpoint_find(&p, "s1b1.dw.weight")->data;
        for (int i = 0; i < 9; i++) {
            const float t = weight[i];
            weight[i] = weight[9 + i];
            weight[9 + i] = t;
        }
        cr_assert_eq(bd_prune_verify(&c, &choice, &p, &err), BD_FAIL);
        cr_assert_not_null(strstr(err.message, "s1b1.dw"), "%s", err.message);
        bd_checkpoint_release(&p);
        bd_prune_choice_release(&choice);
        free_orders(&c, orders);
        bd_checkpoint_release(&c);
    }
}

/* Planted faults: the verifier must name each. */
Test(prune, verifier_catches_changed_survivors)
{
    struct bd_checkpoint c, p;
    struct bd_error err;
    struct bd_prune_choice choice;
    random_checkpoint(&c, 3);
    const int channels[4] = {4, 3, 5, 6};
    int **orders = all_orders(&c, BD_RANK_L1_NORM);
    bd_prune_choose(&c.graph, orders, channels, &choice);
    cr_assert_eq(bd_prune_surgery(&c, &choice, &p, &err), BD_OK);
    cr_assert_eq(bd_prune_verify(&c, &choice, &p, &err), BD_OK);

    float *scale = bd_checkpoint_find(&p, "s2b1.conv1.scale")->data, kept = *scale;
    *scale *= 0.9F; /* as a scale taken from the largest surviving weight would be */
    cr_assert_eq(bd_prune_verify(&c, &choice, &p, &err), BD_FAIL);
    cr_assert(strstr(err.message, "s2b1.conv1") && strstr(err.message, "weight code"), "%s", err.message);
    *scale = kept;

    float *gamma = bd_checkpoint_find(&p, "s1b1.conv2.w1a1.gamma")->data, first = gamma[0];
    gamma[0] = gamma[1]; /* batch norm cut at another filter */
    cr_assert_eq(bd_prune_verify(&c, &choice, &p, &err), BD_FAIL);
    cr_assert(strstr(err.message, "s1b1.conv2") && strstr(err.message, "w1a1"), "%s", err.message);
    gamma[0] = first;

    int other = 0;
    while (other == choice.kept[1][0] || other == choice.kept[1][1] || other == choice.kept[1][2]) {
        other++;
    }
    choice.kept[1][0] = other; /* a reader that kept other channels than its writer */
    cr_assert_eq(bd_prune_verify(&c, &choice, &p, &err), BD_FAIL);
    bd_checkpoint_release(&p);
    bd_prune_choice_release(&choice);
    free_orders(&c, orders);
    bd_checkpoint_release(&c);
}

/* Any number of any batch norm or unit, at any switch, that changed is found, and its layer named. */
Test(prune, verifier_looks_at_every_array)
{
    static const char *const kinds[] = {"gamma", "beta", "mean", "var", "wscale"};
    struct bd_checkpoint c, p;
    struct bd_error err;
    struct bd_prune_choice choice;
    int found = 0;
    random_checkpoint(&c, 4);
    const int channels[4] = {4, 3, 5, 6};
    int **orders = all_orders(&c, BD_RANK_L1_NORM);
    bd_prune_choose(&c.graph, orders, channels, &choice);
    cr_assert_eq(bd_prune_surgery(&c, &choice, &p, &err), BD_OK);
    for (int l = 0; l < p.graph.layer_count; l++) {
        for (int s = 0; s < p.graph.switch_count && p.graph.layers[l].kind == BD_LAYER_CONV; s++) {
            for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
                const char *layer = p.graph.layers[l].name;
                struct bd_array *a = bd_checkpoint_find(&p, "%s.%s.%s", layer, p.graph.switches[s].name, kinds[k]);
                float *last = &a->data[a->count - 1];
                const float kept = *last;
                *last += 0.5f;
                cr_assert_eq(bd_prune_verify(&c, &choice, &p, &err), BD_FAIL, "%s", a->name);
                cr_assert(strstr(err.message, layer) && strstr(err.message, p.graph.switches[s].name), "%s",
                          err.message);
                *last = kept;
                found++;
            }
        }
    }
    cr_assert_eq(bd_prune_verify(&c, &choice, &p, &err), BD_OK, "%s", err.message);
    cr_assert_eq(found, 6 * 3 * 5);
    bd_checkpoint_release(&p);
    bd_prune_choice_release(&choice);
    free_orders(&c, orders);
    bd_checkpoint_release(&c);
}

/* Surgery keeps every code of families whose codes do not nest: levels stay with the layer, a filter takes its unit
 * with it. Their checkpoints order filters by the codes of each switch. */
Test(prune, families_keep_their_codes)
{
    static const char *const quantizers[] = {"{weights: dorefa, activations: pact, weight_unit: filter}",
                                             "{weights: lsq, activations: lsq, weight_unit: filter}",
                                             "{weights: lsq, activations: dorefa, weight_unit: layer}"};
    for (size_t i = 0; i < sizeof quantizers / sizeof *quantizers; i++) {
        struct bd_checkpoint c, p;
        struct bd_error err;
        char *text = bd_asprintf("%squantizers: %s\n", description, quantizers[i]);
        bd_checkpoint_init(&c);
        cr_assert_eq(bd_graph_parse(&c.graph, "tiny", text, strlen(text), &err), BD_OK, "%s", err.message);
        free(text);
        bd_random_arrays(&c, 7 + i);
        int **orders = all_orders(&c, BD_RANK_REDUNDANCY);
        int channels[16];
        for (int g = 0; g < c.graph.prune_group_count; g++) {
            channels[g] = bd_graph_group_channels(&c.graph, g) - 1;
        }
        struct bd_prune_choice choice;
        bd_prune_choose(&c.graph, orders, channels, &choice);
        cr_assert_eq(bd_prune_surgery(&c, &choice, &p, &err), BD_OK, "%s", err.message);
        cr_assert_eq(p.graph.weights, c.graph.weights);
        const struct bd_array *unit = bd_checkpoint_find(&p, "s1b1.conv1.w1a1.wscale");
        cr_assert_eq(unit->count, c.graph.weight_unit == BD_UNIT_FILTER ? channels[1] : 1);
        struct bd_array *weight = bd_checkpoint_find(&p, "s1b1.conv1.weight");
        weight->data[0] = -weight->data[0]; /* a changed code is found */
        cr_assert_eq(bd_prune_verify(&c, &choice, &p, &err), BD_FAIL);
        bd_prune_choice_release(&choice);
        free_orders(&c, orders);
        bd_checkpoint_release(&c);
        bd_checkpoint_release(&p);
    }
}

/* Float ends train and evaluate only: no ranking or surgery without codes. */
Test(prune, float_layers_are_refused_by_name)
{
    static const char text[] = "name: f\ninput: {height: 8, width: 8, channels: 1}\nclasses: 3\nswitches: [w2a2]\n"
                               "stem: {channels: 4, weight_bits: 32}\nstages: [{channels: 4, blocks: [{}]}]\n"
                               "head: {}\n";
    struct bd_checkpoint c, p;
    struct bd_error err;
    bd_checkpoint_init(&c);
    cr_assert_eq(bd_graph_parse(&c.graph, "f", text, strlen(text), &err), BD_OK, "%s", err.message);
    bd_random_arrays(&c, 7);
    int channels[16];
    const struct bd_ranking_source source = {.checkpoint = &c};
    int **refused = bd_orders_new(&c.graph);
    cr_assert_eq(bd_prune_orders(&source, BD_RANK_REDUNDANCY, refused, &err), BD_BAD_INPUT);
    free_orders(&c, refused);
    cr_assert_not_null(strstr(err.message, "layer 'stem' has float weights"), "%s", err.message);
    int **orders = all_orders(&c, BD_RANK_RANDOM);
    for (int g = 0; g < c.graph.prune_group_count; g++) {
        channels[g] = bd_graph_group_channels(&c.graph, g) - 1;
    }
    struct bd_prune_choice choice;
    bd_prune_choose(&c.graph, orders, channels, &choice);
    cr_assert_eq(bd_prune_surgery(&c, &choice, &p, &err), BD_BAD_INPUT);
    cr_assert_not_null(strstr(err.message, "layer 'stem' has float weights"), "%s", err.message);
    bd_prune_choice_release(&choice);
    free_orders(&c, orders);
    bd_checkpoint_release(&c);
}
