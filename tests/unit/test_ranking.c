/* Rankings by what they must say of networks in which the answer is planted. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "model/checkpoint/random_checkpoint.h"
#include "model/core/memory.h"
#include "model/core/rng.h"
#include "model/prune/ranking.h"

static const char description[] =
    "name: tiny\ninput: {height: 8, width: 8, channels: 1}\nclasses: 4\nswitches: [w8a8, w2a2, w1a1]\n"
    "stem: {channels: 9, max_pool: {kernel: 2}}\n"
    "stages: [{channels: 12, blocks: [{kind: separable}, {kind: plain, channels: 10}]}]\nhead: {}\n";

static void make(struct bd_checkpoint *c, struct bd_dataset *images, const char *text, uint64_t seed)
{
    struct bd_error err;
    struct bd_rng rng;
    bd_checkpoint_init(c);
    cr_assert_eq(bd_graph_parse(&c->graph, "tiny", text, strlen(text), &err), BD_OK, "%s", err.message);
    bd_random_arrays(c, seed);
    bd_rng_seed(&rng, seed);
    *images = (struct bd_dataset){.count = 5, .height = 8, .width = 8, .channels = 1, .classes = 4};
    images->images = bd_xmalloc(5 * 64);
    images->labels = bd_xcalloc(5, sizeof(uint16_t));
    for (int i = 0; i < 5 * 64; i++) {
        images->images[i] = (uint8_t)bd_rng_below(&rng, 256);
    }
}

static void drop(struct bd_checkpoint *c, struct bd_dataset *images)
{
    bd_checkpoint_release(c);
    bd_dataset_release(images);
}

static int **orders_of(const struct bd_ranking_source *source, enum bd_ranking ranking)
{
    struct bd_error err;
    int **orders = bd_orders_new(&source->checkpoint->graph);
    cr_assert_eq(bd_prune_orders(source, ranking, orders, &err), BD_OK, "%s", err.message);
    return orders;
}

static struct bd_array *array(struct bd_checkpoint *c, int layer, const char *what)
{
    return bd_checkpoint_find(c, "%s.%s", c->graph.layers[layer].name, what);
}

Test(ranking, each_is_a_permutation_and_named_once)
{
    struct bd_checkpoint c;
    struct bd_dataset images;
    char names[256] = "";
    make(&c, &images, description, 1);
    const struct bd_ranking_source source = {.checkpoint = &c, .images = &images, .seed = 3};
    for (int k = 0; k < BD_RANKING_COUNT; k++) {
        int **orders = orders_of(&source, (enum bd_ranking)k);
        strcat(strcat(names, k ? "|" : ""), bd_rankings[k].name);
        for (int g = 0; g < c.graph.prune_group_count; g++) {
            const int n = bd_graph_group_channels(&c.graph, g);
            unsigned seen = 0;
            for (int i = 0; i < n; i++) {
                seen |= 1U << orders[g][i];
            }
            cr_assert_eq(seen, (1U << n) - 1, "%s, group %d", bd_rankings[k].name, g);
        }
        bd_orders_free(&c.graph, orders);
    }
    cr_assert_str_eq(names, BD_RANKINGS);
    cr_assert_str_eq(bd_rankings[0].name, BD_RANKING_DEFAULT);
    drop(&c, &images);
}

/* In every group, a channel whose filters are another's negated, in every layer of the group, is the first to go: of
 * depthwise layers too, whose filters have one input channel. The reverse gives it up last. */
Test(ranking, twins_of_every_kind_of_layer_are_redundant)
{
    struct bd_checkpoint c;
    struct bd_dataset images;
    make(&c, &images, description, 9);
    for (int l = 0; l < c.graph.layer_count; l++) {
        const struct bd_layer *layer = &c.graph.layers[l];
        if (layer->kind == BD_LAYER_CONV) {
            struct bd_array *w = array(&c, l, "weight");
            const int size = (int)w->count / layer->out_channels, last = layer->out_channels - 1;
            for (int i = 0; i < size; i++) {
                w->data[last * size + i] = -w->data[3 * size + i];
            }
        }
    }
    struct bd_array *stem = bd_checkpoint_find(&c, "stem.weight"); /* tells nothing: the depthwise layer must */
    for (int64_t i = 9; i < stem->count; i++) {
        stem->data[i] = stem->data[i % 9];
    }
    const struct bd_ranking_source source = {.checkpoint = &c};
    int **orders = orders_of(&source, BD_RANK_REDUNDANCY), **reversed = orders_of(&source, BD_RANK_REVERSED);
    for (int g = 0; g < c.graph.prune_group_count; g++) {
        const int n = bd_graph_group_channels(&c.graph, g);
        cr_assert(orders[g][0] == 3 || orders[g][0] == n - 1, "group %d: %d goes first", g, orders[g][0]);
        cr_assert(orders[g][1] != 3 && orders[g][1] != n - 1, "the survivor of a pair is not redundant");
        for (int i = 0; i < n; i++) {
            cr_assert_eq(reversed[g][i], orders[g][n - 1 - i]);
        }
    }
    bd_orders_free(&c.graph, orders);
    bd_orders_free(&c.graph, reversed);
    drop(&c, &images);
}

/* A group of one layer: the filter whose score is planted goes first. */
Test(ranking, scores_are_those_of_their_names)
{
    static const char *const switches[] = {"w8a8", "w2a2", "w1a1"};
    struct bd_checkpoint c;
    struct bd_dataset images;
    make(&c, &images, description, 4);
    const int layer = c.graph.layer_count - 3, group = c.graph.layers[layer].prune_group; /* the plain convolution */
    cr_assert_eq(c.graph.layers[layer].out_channels, 10);
    struct bd_array *w = array(&c, layer, "weight");
    const int size = (int)w->count / 10;
    for (int i = 0; i < size; i++) { /* 4 is small; 7 stands in the middle of all */
        float mean = 0.0F;
        w->data[4 * size + i] *= 0.01F;
        for (int f = 0; f < 10; f++) {
            mean += f == 7 ? 0.0F : w->data[f * size + i] / 9.0F;
        }
        w->data[7 * size + i] = mean + (i % 2 ? 0.5F : -0.5F);
    }
    for (int s = 0; s < 3; s++) { /* 2 has the least slope, and at w1a1 alone it is 5 */
        struct bd_array *gamma = bd_checkpoint_find(&c, "%s.%s.gamma", c.graph.layers[layer].name, switches[s]);
        for (int f = 0; f < 10; f++) {
            gamma->data[f] = (f % 2 ? 1.0F : -1.0F) * (f == (s == 2 ? 5 : 2) ? 0.01F : 1.0F);
        }
    }
    const struct bd_ranking_source all = {.checkpoint = &c}, last = {.checkpoint = &c, .switches = 4};
    const struct {
        const struct bd_ranking_source *source;
        enum bd_ranking ranking;
        int first;
    } cases[] = {{&all, BD_RANK_L1_NORM, 4}, {&all, BD_RANK_GAMMA, 2}, {&last, BD_RANK_GAMMA, 5}};
    for (size_t k = 0; k < sizeof(cases) / sizeof(*cases); k++) {
        int **orders = orders_of(cases[k].source, cases[k].ranking);
        cr_assert_eq(orders[group][0], cases[k].first, "%s: %d", bd_rankings[cases[k].ranking].name, orders[group][0]);
        bd_orders_free(&c.graph, orders);
    }
    int **orders = orders_of(&all, BD_RANK_FPGM);
    cr_assert(orders[group][0] == 7 || orders[group][0] == 4, "%d is not in the middle", orders[group][0]);
    bd_orders_free(&c.graph, orders);
    drop(&c, &images);
}

/* A channel whose batch norm sends every value below zero has one code on all images. */
Test(ranking, a_channel_that_never_changes_has_no_variance)
{
    static const char text[] =
        "name: t\ninput: {height: 8, width: 8, channels: 1}\nclasses: 4\nswitches: [w8a8, w2a2]\n"
        "stem: {channels: 9}\nstages: [{channels: 12, blocks: [{kind: plain}]}]\nhead: {}\n";
    struct bd_checkpoint c;
    struct bd_dataset images;
    make(&c, &images, text, 7);
    for (int s = 0; s < 2; s++) {
        const char *name = c.graph.switches[s].name;
        for (int f = 0; f < 9; f++) { /* all others change sign */
            bd_checkpoint_find(&c, "stem.%s.gamma", name)->data[f] = f == 5 ? 1e-3F : 1.0F;
            bd_checkpoint_find(&c, "stem.%s.beta", name)->data[f] = f == 5 ? -50.0F : 0.5F;
            bd_checkpoint_find(&c, "stem.%s.mean", name)->data[f] = 0.0F;
        }
    }
    const struct bd_ranking_source source = {.checkpoint = &c, .images = &images};
    const enum bd_ranking rankings[] = {BD_RANK_VARIANCE, BD_RANK_FIDELITY};
    for (int k = 0; k < 2; k++) {
        int **orders = orders_of(&source, rankings[k]);
        cr_assert_eq(orders[0][0], 5, "%s gives up %d first", bd_rankings[rankings[k]].name, orders[0][0]);
        bd_orders_free(&c.graph, orders);
    }
    drop(&c, &images);
}

Test(ranking, what_cannot_be_measured_is_refused)
{
    struct bd_checkpoint c;
    struct bd_dataset images;
    struct bd_error err;
    make(&c, &images,
         "name: f\ninput: {height: 8, width: 8, channels: 1}\nclasses: 4\nswitches: [w1a32, w1a1]\n"
         "stem: {channels: 4}\nstages: [{channels: 4, blocks: [{}]}]\nhead: {}\n",
         2);
    struct bd_ranking_source source = {.checkpoint = &c};
    int **orders = bd_orders_new(&c.graph);
    cr_assert_eq(bd_prune_orders(&source, BD_RANK_FIDELITY, orders, &err), BD_BAD_INPUT);
    cr_assert_not_null(strstr(err.message, "'fidelity' reads calibration images"), "%s", err.message);
    source.images = &images;
    cr_assert_eq(bd_prune_orders(&source, BD_RANK_FIDELITY, orders, &err), BD_OK, "%s", err.message); /* w1a1's */
    source.switches = 1;
    cr_assert_eq(bd_prune_orders(&source, BD_RANK_FIDELITY, orders, &err), BD_BAD_INPUT);
    cr_assert_not_null(strstr(err.message, "integer activations"), "%s", err.message);
    source.switches = 0;
    images.height = 7;
    cr_assert_eq(bd_prune_orders(&source, BD_RANK_FIDELITY, orders, &err), BD_BAD_INPUT);
    cr_assert_not_null(strstr(err.message, "7 x 8 x 1"), "%s", err.message);
    bd_orders_free(&c.graph, orders);
    drop(&c, &images);
}
