/* Fidelity against sums made by hand, and against the plain definition on a network of every kind of reader. */
#include <criterion/criterion.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "model/checkpoint/random_checkpoint.h"
#include "model/core/memory.h"
#include "model/core/rng.h"
#include "model/exec/exec.h"
#include "model/fold/fold.h"
#include "model/prune/fidelity.h"
#include "model/prune/ranking.h"
#include "model/prune/readers.h"

/* corr^2 of the sum over the kept terms with the sum over all; terms (points, count). -1: the whole does not vary. */
static double plain_fidelity(int points, int count, const double *terms, const bool *kept)
{
    double a = 0, b = 0, aa = 0, ab = 0, bb = 0;
    for (int p = 0; p < points; p++) {
        double part = 0, whole = 0;
        for (int c = 0; c < count; c++) {
            whole += terms[p * count + c];
            part += kept[c] ? terms[p * count + c] : 0;
        }
        a += part / points;
        b += whole / points;
    }
    for (int p = 0; p < points; p++) {
        double part = -a, whole = -b;
        for (int c = 0; c < count; c++) {
            whole += terms[p * count + c];
            part += kept[c] ? terms[p * count + c] : 0;
        }
        aa += part * part;
        ab += part * whole;
        bb += whole * whole;
    }
    return bb < 1e-9 ? -1 : aa < 1e-6 * bb ? 0 : ab * ab / (aa * bb);
}

/* ---- by hand ---- */

enum { POINTS = 8, TERMS = 5 };

static void order_of(const int16_t codes[POINTS][TERMS], const int16_t *weights, int *order)
{
    float room[POINTS * TERMS], covariance[TERMS * TERMS];
    bd_fidelity_covariance(POINTS, 1, TERMS, &codes[0][0], weights, room, covariance);
    bd_fidelity_order(TERMS, 1, covariance, NULL, order);
}

/* Channel 2 has one code at every point; 0 and 3 are twins; 1 and 4 stand alone, 4 with twice the weight. The three
 * patterns are orthogonal, so that with variances 4 (the twins), 1 and 4 the right order follows by hand:
 *   whole 9. Without 2: corr^2 = 1. Then without 1: 8/9 = 0.889; without a twin: (2 + 1 + 4)^2 / (6 * 9) = 0.907;
 *   without 4: 5/9. So 2, one twin, and of 1 (cov 6, var 5: 0.8), the other twin (cov 5, var 5: 0.556) and 4 (cov 3,
 *   var 2: 0.5) first 1, then of the twin (cov 4, var 4: 0.444) and 4 (cov 2, var 1: 0.444) either. */
Test(fidelity, known_orders)
{
    static const int16_t codes[POINTS][TERMS] = {{1, 1, 7, 1, 1},    {1, 1, 7, 1, -1},   {1, -1, 7, 1, 1},
                                                 {1, -1, 7, 1, -1},  {-1, 1, 7, -1, 1},  {-1, 1, 7, -1, -1},
                                                 {-1, -1, 7, -1, 1}, {-1, -1, 7, -1, -1}};
    static const int16_t weights[TERMS] = {1, 1, 9, 1, 2};
    int order[TERMS];
    order_of(codes, weights, order);
    cr_assert_eq(order[0], 2, "a constant tells nothing, but %d goes first", order[0]);
    cr_assert_eq(order[1], 3, "of twins the higher one goes, but it is %d", order[1]);
    cr_assert_eq(order[2], 1);
    /* a channel without influence goes first, even one whose codes vary most; then the constant */
    static const int16_t mute[TERMS] = {1, 3, 9, 1, 0};
    order_of(codes, mute, order);
    cr_assert_eq(order[0], 4);
    cr_assert_eq(order[1], 2);
    /* the sign of a channel does not matter, for slope and offset are free */
    static const int16_t turned[TERMS] = {-1, -1, -9, -1, -2};
    int again[TERMS];
    order_of(codes, weights, order);
    order_of(codes, turned, again);
    cr_assert_arr_eq(order, again, sizeof(order));
    /* two sums: weights say which counts */
    static const double first[2] = {1, 0}, second[2] = {0, 1};
    float room[POINTS * TERMS], covariance[2 * TERMS * TERMS];
    bd_fidelity_covariance(POINTS, 1, TERMS, &codes[0][0], weights, room, covariance);
    bd_fidelity_covariance(POINTS, 1, TERMS, &codes[0][0], mute, room, covariance + TERMS * TERMS);
    bd_fidelity_order(TERMS, 2, covariance, first, again);
    cr_assert_arr_eq(order, again, sizeof(order));
    bd_fidelity_order(TERMS, 2, covariance, second, again);
    cr_assert_eq(again[0], 4);
}

/* ---- a network with every kind of reader ---- */

static const char description[] =
    "name: tiny\ninput: {height: 8, width: 8, channels: 1}\nclasses: 4\n"
    "switches: [w8a8, w2a2, w1a1]\nstem: {channels: 6, max_pool: {kernel: 2}}\n"
    "stages:\n"
    "  - {channels: 6, blocks: [{kind: basic, inner: 5}, {kind: separable}]}\n"
    "  - {channels: 8, stride: 2, blocks: [{kind: basic, inner: 7, shortcut: SHORTCUT}]}\n"
    "head: {}\n";

struct network {
    struct bd_checkpoint checkpoint;
    struct bd_dataset images;
    struct bd_program program;
    struct bd_decoded *decoded;
    struct bd_frame *frames; /* [image][switch] */
};

enum { SWITCHES = 3 };

static void make(struct network *n, const char *shortcut, uint32_t images, uint64_t seed)
{
    struct bd_error err;
    struct bd_rng rng;
    struct bd_hardware hardware;
    struct bd_fold_report report;
    const struct bd_fold_options options = {.reference = true, .max_moved = 1e9};
    const char *at = strstr(description, "SHORTCUT");
    char *text = bd_asprintf("%.*s%s%s", (int)(at - description), description, shortcut, at + 8);
    bd_checkpoint_init(&n->checkpoint);
    cr_assert_eq(bd_graph_parse(&n->checkpoint.graph, "tiny", text, strlen(text), &err), BD_OK, "%s", err.message);
    free(text);
    bd_random_arrays(&n->checkpoint, seed);
    n->images = (struct bd_dataset){.count = images, .height = 8, .width = 8, .channels = 1, .classes = 4};
    n->images.images = bd_xmalloc(images * 64);
    n->images.labels = bd_xcalloc(images, sizeof(uint16_t));
    bd_rng_seed(&rng, seed);
    for (uint32_t i = 0; i < images * 64; i++) {
        n->images.images[i] = (uint8_t)bd_rng_below(&rng, 256);
    }
    bd_hardware_reference(&hardware);
    cr_assert_eq(bd_fold(&n->checkpoint, &hardware, &options, &n->program, &report, &err), BD_OK, "%s", err.message);
    bd_fold_report_release(&report);
    bd_hardware_release(&hardware);
    cr_assert_eq(bd_decode(&n->program, &n->decoded, &err), BD_OK);
    n->frames = bd_xcalloc(images * SWITCHES, sizeof(*n->frames));
    for (uint32_t i = 0; i < images * SWITCHES; i++) {
        cr_assert_eq(bd_execute(&n->program, n->decoded, i % SWITCHES, n->images.images + (size_t)(i / SWITCHES) * 64,
                                &n->frames[i], &err),
                     BD_OK);
    }
}

static void drop(struct network *n)
{
    for (uint32_t i = 0; i < n->images.count * SWITCHES; i++) {
        bd_frame_release(&n->frames[i]);
    }
    free(n->frames);
    bd_decoded_free(n->decoded);
    bd_program_release(&n->program);
    bd_checkpoint_release(&n->checkpoint);
    bd_dataset_release(&n->images);
}

/* The codes that a layer reads are those of this layer: by the description, not by the program. */
static int producer_of(const struct bd_graph *graph, int l)
{
    for (int k = 0; k < graph->layer_count; k++) {
        if (graph->layers[k].out_quantizer >= 0 && graph->layers[k].out_quantizer == graph->layers[l].in_quantizer) {
            return k;
        }
    }
    return -1;
}

/* Terms of one sum at every output of every image, by the checkpoint's weights and the frames' codes; the count. */
static int plain_terms(const struct network *n, int l, int s, int filter, double *terms)
{
    const struct bd_graph *graph = &n->checkpoint.graph;
    const struct bd_layer *layer = &graph->layers[l];
    const int producer = producer_of(graph, l), channels = layer->in_channels, side = bd_layer_side(layer);
    const int kernel = layer->kernel_h * side, step = layer->stride;
    const bool sign = bd_quantizer_signed(&graph->quantizers[layer->in_quantizer], &graph->switches[s]);
    const size_t size = (size_t)layer->out_channels * (size_t)channels * (size_t)(layer->kernel_h * layer->kernel_w);
    int16_t *weights = bd_xcalloc(size, sizeof(*weights));
    struct bd_error err;
    int points = 0;
    cr_assert_eq(bd_checkpoint_integers(&n->checkpoint, layer, s, weights, &err), BD_OK);
    for (uint32_t i = 0; i < n->images.count; i++) {
        const struct bd_layer_output *in = &n->frames[i * SWITCHES + (uint32_t)s].outputs[producer];
        for (int y = 0; y < layer->out_height; y++) {
            for (int x = 0; x < layer->out_width; x++, points++) {
                for (int c = 0; c < channels; c++) {
                    double sum = 0;
                    for (int k = 0; k < kernel * kernel; k++) {
                        const int iy = y * step + k / kernel - layer->pad, ix = x * step + k % kernel - layer->pad;
                        if (iy < 0 || ix < 0 || iy >= in->height || ix >= in->width) {
                            continue;
                        }
                        const int code = in->codes[(iy * in->width + ix) * channels + c];
                        const int tap = side == 1 ? k : 0;
                        sum += weights[(filter * channels + c) * (side == 1 ? kernel * kernel : 1) + tap] *
                               (sign ? 2 * code - 1 : code);
                    }
                    terms[points * channels + c] = sum;
                }
            }
        }
    }
    free(weights);
    return points;
}

struct plain_sum {
    int points;
    double *terms;
};

static double mean_fidelity(const struct plain_sum *sums, int count, int channels, const bool *kept)
{
    double total = 0;
    int counted = 0;
    for (int k = 0; k < count; k++) {
        const double f = plain_fidelity(sums[k].points, channels, sums[k].terms, kept);
        total += f < 0 ? 0 : f;
        counted += f >= 0;
    }
    return counted ? total / counted : 1;
}

/* How much the order gives away, at its worst step, against the best choice of the plain definition. */
static double worst_choice(const struct plain_sum *sums, int count, int channels, const int *order)
{
    bool kept[16];
    double worst = 0;
    memset(kept, 1, sizeof(kept));
    for (int step = 0; step + 1 < channels; step++) {
        double best = -1, chosen = -1;
        for (int c = 0; c < channels; c++) {
            if (kept[c]) {
                kept[c] = false;
                const double f = mean_fidelity(sums, count, channels, kept);
                kept[c] = true;
                best = f > best ? f : best;
                chosen = c == order[step] ? f : chosen;
            }
        }
        cr_assert_geq(chosen, 0, "channel %d goes twice", order[step]);
        worst = fmax(worst, best - chosen);
        kept[order[step]] = false;
    }
    return worst;
}

static int all_sums(const struct network *n, int group, uint32_t switches, struct plain_sum *sums)
{
    const struct bd_graph *graph = &n->checkpoint.graph;
    int count = 0;
    for (int l = 0; l < graph->layer_count; l++) {
        const struct bd_layer *layer = &graph->layers[l];
        const int producer = bd_layer_has_weights(layer) && layer->in_quantizer >= 0 ? producer_of(graph, l) : -1;
        if (producer < 0 || graph->layers[producer].prune_group != group || layer->groups > 1) {
            continue;
        }
        for (int s = 0; s < SWITCHES; s++) {
            for (int f = 0; f < layer->out_channels && switches >> s & 1; f++, count++) {
                sums[count].terms = bd_xcalloc(200 * 16, sizeof(double));
                sums[count].points = plain_terms(n, l, s, f, sums[count].terms);
            }
        }
    }
    return count;
}

/* Three images: every output of every reader is looked at. */
Test(fidelity, orders_are_those_of_the_plain_definition)
{
    static const char *const shortcuts[] = {"projection", "average"};
    int groups = 0, caught = 0;
    for (int k = 0; k < 2; k++) {
        struct network n;
        struct bd_error err;
        make(&n, shortcuts[k], 3, 11 + (uint64_t)k);
        const struct bd_graph *graph = &n.checkpoint.graph;
        for (uint32_t switches = 4; switches <= 7; switches += 3) { /* w1a1, and all three */
            const struct bd_ranking_source source = {
                .checkpoint = &n.checkpoint, .images = &n.images, .switches = switches, .seed = 5};
            int **orders = bd_orders_new(graph);
            cr_assert_eq(bd_prune_orders(&source, BD_RANK_FIDELITY, orders, &err), BD_OK, "%s", err.message);
            for (int g = 0; g < graph->prune_group_count; g++) {
                struct plain_sum sums[256];
                const int channels = bd_graph_group_channels(graph, g), count = all_sums(&n, g, switches, sums);
                cr_assert_gt(count, 0, "group %d has no reader", g);
                const double worst = worst_choice(sums, count, channels, orders[g]);
                cr_assert_lt(worst, 1e-5, "group %d: a choice is %g below the best", g, worst);
                int reversed[16]; /* the check itself: the reverse must not pass */
                for (int c = 0; c < channels; c++) {
                    reversed[c] = orders[g][channels - 1 - c];
                }
                caught += worst_choice(sums, count, channels, reversed) > 0.01;
                groups++;
                for (int i = 0; i < count; i++) {
                    free(sums[i].terms);
                }
            }
            bd_orders_free(graph, orders);
        }
        drop(&n);
    }
    cr_assert(groups > 15 && 4 * caught > 3 * groups, "the reverse is caught in %d of %d groups", caught, groups);
}

/* The sums that readers are said to make are those that leave the executor: the logits are sums and a bias. */
Test(fidelity, sums_are_the_executors)
{
    struct network n;
    struct bd_error err;
    struct bd_readers readers;
    make(&n, "projection", 7, 3);
    const struct bd_ranking_source source = {.checkpoint = &n.checkpoint, .images = &n.images, .seed = 9};
    cr_assert_eq(bd_readers_sample(&source, &readers, &err), BD_OK, "%s", err.message);
    const int last = n.checkpoint.graph.layer_count - 1, r = readers.count - 1;
    const struct bd_reader *reader = &readers.readers[r];
    cr_assert(reader->layer == last && reader->points == 7 && reader->filters == 4 && reader->taps == 1);
    cr_assert_eq(readers.readers[0].points, 7 * 16);
    for (int s = 0; s < readers.switch_count; s++) {
        const int row = s * readers.count + r;
        for (int p = 0; p < 7; p++) { /* images in an order of the seed's: each point's logits are one image's */
            bool found = false;
            for (uint32_t i = 0; i < 7 && !found; i++) {
                found = true;
                for (int f = 0; f < 4; f++) {
                    int64_t sum = bd_decoded_biases(n.decoded, (unsigned)s, (unsigned)last)[f];
                    for (int c = 0; c < reader->channels; c++) {
                        sum += readers.codes[row][p * reader->channels + c] *
                               readers.weights[row][f * reader->channels + c];
                    }
                    found = found && sum == n.frames[i * SWITCHES + (uint32_t)s].logits[f];
                }
            }
            cr_assert(found, "switch %d, point %d: no image has these logits", s, p);
        }
    }
    bd_readers_release(&readers);
    drop(&n);
}

Test(fidelity, threads_do_not_decide)
{
    struct network n;
    struct bd_error err;
    make(&n, "projection", 140, 8); /* more images than are drawn, more outputs than are looked at */
    const struct bd_graph *graph = &n.checkpoint.graph;
    struct bd_ranking_source source = {.checkpoint = &n.checkpoint, .images = &n.images, .seed = 5};
    const int before = omp_get_max_threads();
    int **orders[3];
    for (int k = 0; k < 3; k++) {
        omp_set_num_threads(k == 0 ? 1 : 3);
        orders[k] = bd_orders_new(graph);
        cr_assert_eq(bd_prune_orders(&source, BD_RANK_FIDELITY, orders[k], &err), BD_OK, "%s", err.message);
    }
    omp_set_num_threads(before);
    for (int g = 0; g < graph->prune_group_count; g++) {
        const size_t size = (size_t)bd_graph_group_channels(graph, g) * sizeof(int);
        cr_assert_arr_eq(orders[0][g], orders[1][g], size);
        cr_assert_arr_eq(orders[0][g], orders[2][g], size);
    }
    struct bd_readers readers[2];
    for (int k = 0; k < 2; k++) {
        source.seed = 5 + (uint64_t)k;
        cr_assert_eq(bd_readers_sample(&source, &readers[k], &err), BD_OK, "%s", err.message);
        cr_assert_eq(readers[k].readers[0].points, BD_READER_POINTS);
        cr_assert_eq(readers[k].readers[readers[k].count - 1].points, BD_READER_IMAGES);
    }
    const struct bd_reader *reader = &readers[0].readers[0];
    const size_t size = (size_t)(reader->points * reader->taps * reader->channels) * sizeof(int16_t);
    cr_assert(memcmp(readers[0].codes[0], readers[1].codes[0], size), "another seed looks at the same pixels");
    for (int k = 0; k < 3; k++) {
        bd_orders_free(graph, orders[k]);
    }
    bd_readers_release(&readers[0]);
    bd_readers_release(&readers[1]);
    drop(&n);
}
