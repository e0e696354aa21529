/* Two roads to a price: the description's, and the one over a checkpoint of it, folded, packed and priced from its
 * program. Every network of yaml-configs on every hardware configuration, at every switch, with random widths and three
 * memories: image bytes, clocks, bytes, energy and refusals are equal. BITDIAL_PRICE_VECTORS=40 draws that many vectors
 * of widths for each network, and prints how many prices were compared; without it there are two. It takes minutes:
 * BITDIAL_TEST_SECONDS bounds a test's time. */
#include <criterion/criterion.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/checkpoint/random_checkpoint.h"
#include "model/core/memory.h"
#include "model/core/rng.h"
#include "model/cost/layer_table.h"
#include "model/cost/pricer.h"
#include "model/fold/fold.h"

#define SEED 20

static const struct bd_memory_model memories[] = {{20, 1, 4}, {60, 4, 1}, {90, 4, 2}};
enum { MEMORIES = sizeof memories / sizeof *memories };

/* What a road says of one switch. */
struct word {
    uint64_t image_bytes, weight_bytes, table_bytes;
    struct {
        uint64_t cycles, read_bytes, write_bytes;
        double energy_nj;
    } at[MEMORIES];
};

static void say(struct word *word, const struct bd_program_header *h, int memory, const struct bd_frame_cost *cost)
{
    word->image_bytes = h->image_bytes;
    word->weight_bytes = h->weight_bytes;
    word->table_bytes = h->table_bytes;
    word->at[memory].cycles = cost->cycles;
    word->at[memory].read_bytes = cost->read_bytes;
    word->at[memory].write_bytes = cost->write_bytes;
    word->at[memory].energy_nj = cost->energy_nj;
}

static struct word program_says(const struct bd_program *program, struct bd_hardware hardware, unsigned s)
{
    struct word word = {0};
    struct bd_error err;
    struct bd_frame_cost *cost = bd_xcalloc(1, sizeof *cost);
    for (int m = 0; m < MEMORIES; m++) {
        hardware.memory = memories[m];
        cr_assert_eq(bd_cost_frame(program, &hardware, s, false, cost, &err), BD_OK, "%s", err.message);
        say(&word, program->header, m, cost);
    }
    free(cost);
    return word;
}

/* At a switch of the graph, with channels[g] in prune group g; channels NULL: as described. */
static bd_status description_says(const struct bd_graph *graph, struct bd_hardware hardware, int s, const int *channels,
                                  struct word *word, struct bd_error *err)
{
    struct bd_pricer pricer;
    memset(word, 0, sizeof *word);
    bd_status status = bd_pricer_init(&pricer, graph, &hardware, s, err);
    for (int m = 0; m < MEMORIES && status == BD_OK; m++) {
        hardware.memory = memories[m];
        status = bd_pricer_price(&pricer, channels, err);
        if (status == BD_OK) {
            say(word, &pricer.plan.header, m, pricer.cost);
        }
    }
    bd_pricer_release(&pricer);
    return status;
}

static bool equal(const struct word *a, const struct word *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

static struct {
    int compiled, refused, prices;
} count;

/* Both roads on one hardware configuration. `text` names the case in messages. */
static void compare(const struct bd_graph *graph, const struct bd_checkpoint *checkpoint, const int *channels,
                    const char *hardware_path, const char *text)
{
    struct bd_hardware hardware;
    struct bd_program program;
    struct bd_fold_report report;
    struct bd_error err = {0}, said = {0};
    const struct bd_fold_options options = {.max_moved = 1000.0};
    int switches[BD_PROGRAM_MAX_SWITCHES], own[BD_PROGRAM_MAX_SWITCHES];
    const int switch_count = bd_plain_switches(graph, switches);
    cr_assert_eq(bd_plain_switches(&checkpoint->graph, own), switch_count);
    cr_assert_eq(bd_hardware_load(&hardware, hardware_path, &err), BD_OK, "%s", err.message);
    const bd_status packed = bd_fold(checkpoint, &hardware, &options, &program, &report, &err);
    for (int k = 0; k < switch_count; k++) {
        struct word described, resized;
        const bd_status first = description_says(graph, hardware, switches[k], channels, &described, &said);
        cr_assert_eq(first, packed, "%s on %s: '%s' by the description, '%s' by the checkpoint", text, hardware_path,
                     first ? said.message : "fits", packed ? err.message : "fits");
        cr_assert(!first || strcmp(said.message, err.message) == 0, "%s on %s: '%s' against '%s'", text, hardware_path,
                  said.message, err.message);
        cr_assert_eq(description_says(&checkpoint->graph, hardware, own[k], NULL, &resized, &said), packed);
        cr_assert(equal(&described, &resized), "%s on %s: widths in a group against a description of those widths",
                  text, hardware_path);
        if (packed == BD_OK) {
            const struct word compiled = program_says(&program, hardware, (unsigned)k);
            cr_assert(
                equal(&described, &compiled),
                "%s on %s, switch %d: %llu bytes and %llu clocks by the description, %llu and %llu by the program",
                text, hardware_path, k, (unsigned long long)described.image_bytes,
                (unsigned long long)described.at[0].cycles, (unsigned long long)compiled.image_bytes,
                (unsigned long long)compiled.at[0].cycles);
            count.prices += MEMORIES;
        }
    }
    if (packed == BD_OK) {
        bd_program_release(&program);
        bd_fold_report_release(&report);
    }
    *(packed ? &count.refused : &count.compiled) += 1;
    bd_hardware_release(&hardware);
}

/* Widths of vector `v`. The first two are those of every run: one channel everywhere, where depthwise layers have a
 * single group; and random ones, narrow where the network is large. Each eighth is whole. */
static void draw(const struct bd_graph *graph, struct bd_rng *rng, int v, int *channels)
{
    for (int g = 0; g < graph->prune_group_count; g++) {
        const int full = bd_graph_group_channels(graph, g), most = v == 1 && full > 64 ? full / 8 : full;
        channels[g] = v % 8 == 7 ? full : v == 0 ? 1 : 1 + (int)bd_rng_below(rng, (uint32_t)most);
    }
}

static void compare_widths(const struct bd_graph *graph, const char *path, int vectors, const glob_t *hardware)
{
    struct bd_rng rng;
    bd_rng_seed(&rng, SEED);
    for (int v = 0; v < vectors; v++) {
        int channels[BD_MAX_LAYERS];
        struct bd_checkpoint checkpoint;
        struct bd_error err;
        char text[256];
        snprintf(text, sizeof text, "%s, vector %d of seed %d", path, v, SEED);
        draw(graph, &rng, v, channels);
        bd_checkpoint_init(&checkpoint);
        cr_assert_eq(bd_graph_resize(graph, channels, &checkpoint.graph, &err), BD_OK, "%s: %s", text, err.message);
        bd_random_arrays(&checkpoint, SEED + (uint64_t)v);
        for (size_t h = 0; h < hardware->gl_pathc; h++) {
            compare(graph, &checkpoint, channels, hardware->gl_pathv[h], text);
        }
        bd_checkpoint_release(&checkpoint);
    }
}

/* Of each hardware configuration: as it is, and this many with memories that fit closely. */
static size_t fits_asked(void)
{
    return getenv("BITDIAL_PRICE_VECTORS") ? 3 : 1;
}

static int vectors_asked(void)
{
    const char *text = getenv("BITDIAL_PRICE_VECTORS");
    return text ? atoi(text) : 2;
}

static void find(const char *pattern, glob_t *found)
{
    cr_assert_eq(glob(pattern, 0, NULL, found), 0, "nothing matches %s", pattern);
}

Test(pricer, a_price_is_that_of_what_is_packed)
{
    glob_t networks, hardware;
    find("yaml-configs/networks/*.yaml", &networks);
    find("yaml-configs/hardware/*.yaml", &hardware);
    for (size_t n = 0; n < networks.gl_pathc; n++) {
        struct bd_graph graph;
        struct bd_error err;
        cr_assert_eq(bd_graph_load(&graph, networks.gl_pathv[n], &err), BD_OK, "%s", err.message);
        compare_widths(&graph, networks.gl_pathv[n], vectors_asked(), &hardware);
        bd_graph_release(&graph);
    }
    cr_assert(count.compiled > 10 && count.refused > 10, "%d compiled, %d refused", count.compiled, count.refused);
    if (getenv("BITDIAL_PRICE_VECTORS")) {
        printf("%zu networks x %zu hardware configurations x %d vectors: %d compiled, %d refused, %d prices equal\n",
               networks.gl_pathc, hardware.gl_pathc, vectors_asked(), count.compiled, count.refused, count.prices);
    }
    globfree(&networks);
    globfree(&hardware);
}

static bool has_price(const struct bd_graph *graph, const struct bd_hardware *hardware, int s, const int *channels,
                      struct bd_load_descriptor *load)
{
    struct bd_pricer pricer;
    struct bd_error err;
    const bool priced =
        bd_pricer_init(&pricer, graph, hardware, s, &err) == BD_OK && bd_pricer_price(&pricer, channels, &err) == BD_OK;
    *load = pricer.plan.load;
    bd_pricer_release(&pricer);
    return priced;
}

/* The least size of a memory, a multiple of `step`, with which the network has a price. */
static int64_t least(const struct bd_graph *graph, struct bd_hardware *hardware, int s, const int *channels,
                     int64_t *size, int64_t step)
{
    struct bd_load_descriptor load;
    int64_t low = 0, high = *size / step;
    while (low + 1 < high) {
        const int64_t half = (low + high) / 2;
        *size = half * step;
        *(has_price(graph, hardware, s, channels, &load) ? &high : &low) = half;
    }
    return high * step;
}

/* Memories that hold the layers of a random network whole, and not a word more; one of them at random lacks a step. */
static void fit_closely(const struct bd_graph *graph, struct bd_hardware *hardware, int s, struct bd_rng *rng)
{
    struct bd_load_descriptor load;
    int channels[BD_MAX_LAYERS];
    draw(graph, rng, 2, channels);
    hardware->act_words = hardware->z_words = hardware->weight_words = 1 << 20;
    hardware->table_words = hardware->correct_words = 1 << 20;
    if (!has_price(graph, hardware, s, channels, &load)) {
        return;
    }
    int64_t *const sizes[] = {&hardware->act_words, &hardware->z_words, &hardware->weight_words, &hardware->table_words,
                              &hardware->correct_words};
    const int64_t steps[] = {1, 2, 4, hardware->rows, 1};
    const int64_t fit[] = {0, 0, (int64_t)load.weight_beats * 32 / (9 * hardware->rows), load.table_beats / 2,
                           (int64_t)load.correct_beats * 2 / hardware->requant_units};
    for (int m = 0; m < 5; m++) {
        *sizes[m] = fit[m] > 0 ? fit[m] : m > 1 ? *sizes[m] : least(graph, hardware, s, channels, sizes[m], steps[m]);
    }
    const int lacks = (int)bd_rng_below(rng, 6);
    if (lacks < 5) {
        *sizes[lacks] -= steps[lacks];
    }
}

/* Clocks by the layers that other candidates had, against the plan of each: one pricer for all candidates, as a search
 * has it, and most differ from the one before in one group alone, by a channel or by any number. */
static void compare_layers(const struct bd_graph *graph, struct bd_hardware hardware, int s, struct bd_rng *rng,
                           int vectors, const char *text, int *fits, int *refused)
{
    int channels[BD_MAX_LAYERS];
    struct bd_pricer pricer;
    struct bd_error err;
    if (bd_pricer_init(&pricer, graph, &hardware, s, &err)) { /* a datapath that is left out */
        bd_pricer_release(&pricer);
        return;
    }
    for (int v = 0; v < vectors; v++) {
        const int group = (int)bd_rng_below(rng, (uint32_t)graph->prune_group_count);
        const int full = bd_graph_group_channels(graph, group);
        if (v % 4 == 0) {
            draw(graph, rng, 2, channels);
        } else if (v % 4 == 1) {
            channels[group] = 1 + (int)bd_rng_below(rng, (uint32_t)full);
        } else {
            channels[group] = channels[group] > 1 ? channels[group] - 1 : full;
        }
        if (v % 16 == 15) {
            hardware.memory = memories[v / 16 % MEMORIES];
        }
        const uint64_t layers = bd_pricer_cycles(&pricer, channels);
        const bool priced = bd_pricer_price(&pricer, channels, &err) == BD_OK;
        const uint64_t plan = priced ? pricer.cost->cycles : UINT64_MAX;
        cr_assert_eq(layers, plan, "%s, vector %d: %llu clocks by layers, %llu by a plan", text, v,
                     (unsigned long long)layers, (unsigned long long)plan);
        *(priced ? fits : refused) += 1;
    }
    bd_pricer_release(&pricer);
}

Test(pricer, layers_that_occurred_before_cost_the_same)
{
    glob_t networks, hardware_files;
    struct bd_rng rng;
    int fits = 0, refused = 0;
    bd_rng_seed(&rng, SEED);
    find("yaml-configs/networks/*.yaml", &networks);
    find("yaml-configs/hardware/*.yaml", &hardware_files);
    for (size_t n = 0; n < networks.gl_pathc; n++) {
        struct bd_graph graph;
        struct bd_error err;
        int switches[BD_PROGRAM_MAX_SWITCHES];
        cr_assert_eq(bd_graph_load(&graph, networks.gl_pathv[n], &err), BD_OK, "%s", err.message);
        const int switch_count = bd_plain_switches(&graph, switches);
        const size_t sets = 1 + fits_asked();
        for (size_t h = 0; h < sets * hardware_files.gl_pathc; h++) {
            struct bd_hardware hardware;
            char text[256];
            const char *path = hardware_files.gl_pathv[h / sets];
            const int s = switches[bd_rng_below(&rng, (uint32_t)switch_count)];
            snprintf(text, sizeof text, "%s on %s, memories %zu of seed %d", networks.gl_pathv[n], path, h % sets,
                     SEED);
            cr_assert_eq(bd_hardware_load(&hardware, path, &err), BD_OK, "%s", err.message);
            if (h % sets > 0) {
                fit_closely(&graph, &hardware, s, &rng);
            }
            compare_layers(&graph, hardware, s, &rng, 12 * vectors_asked(), text, &fits, &refused);
            bd_hardware_release(&hardware);
        }
        bd_graph_release(&graph);
    }
    cr_assert(fits > 1000 && refused > 100, "%d fit, %d refused", fits, refused);
    globfree(&networks);
    globfree(&hardware_files);
}

Test(pricer, a_full_table_begins_again)
{
    struct bd_layer_table table;
    bd_layer_table_init(&table);
    for (int round = 0; round < 2; round++) {
        size_t layers = 0;
        for (; bd_layer_table_has_room(&table, 1); layers++) {
            const uint32_t key = bd_layer_key((int)(layers / 4095), 1 + (int)(layers % 4095), 7);
            struct bd_layer_price *price = bd_layer_table_at(&table, key);
            cr_assert_eq(price->key, 0, "layer %zu was there", layers);
            price->key = key;
            price->clocks = (uint32_t)layers;
        }
        cr_assert_gt(layers, 100000);
        for (size_t k = 0; k < layers; k++) {
            const uint32_t key = bd_layer_key((int)(k / 4095), 1 + (int)(k % 4095), 7);
            cr_assert_eq(bd_layer_table_at(&table, key)->clocks, k);
        }
        bd_layer_table_clear(&table);
    }
    bd_layer_table_release(&table);
}

/* Where codes do not nest, which planes are stored is a matter of the quantizer's rule. Of one channel and one weight
 * many codes are equal by chance, which must change nothing. A switch in floats is left out by both roads. */
static const char family[] = "name: family\ninput: {height: 6, width: 6, channels: 1}\nclasses: 2\n"
                             "switches: [%s]\nquantizers: {weights: %s, activations: dorefa}\n"
                             "stem: {channels: 9, kernel: 3, weight_bits: %d}\nstages:\n"
                             "  - {channels: 9, blocks: [{kind: basic, inner: 5}]}\n"
                             "  - {channels: 12, stride: 2, blocks: [{kind: basic, shortcut: %s}]}\n"
                             "head: {pool_bits: 8, weight_bits: %d}\n";

/* The bytes of weights in the image are those of the planes expected. */
static void check_planes(const struct bd_graph *graph, int fixed, int expected, const char *text)
{
    struct bd_plain_network network;
    struct bd_hardware hardware;
    struct bd_plan plan;
    struct bd_error err;
    int switches[BD_PROGRAM_MAX_SWITCHES];
    const int switch_count = bd_plain_switches(graph, switches);
    cr_assert_eq(bd_hardware_load(&hardware, "yaml-configs/hardware/demo.yaml", &err), BD_OK, "%s", err.message);
    cr_assert_eq(bd_plain_from_graph(&network, graph, switches, switch_count, &err), BD_OK, "%s", err.message);
    bd_status status = bd_plan_open(&plan, &network, &hardware, false, &err);
    status = status ? status : bd_plan_make(&plan, &err);
    cr_assert_eq(status == BD_OK, expected > 0, "%s: %s", text, err.message);
    uint64_t bytes = 0;
    for (int l = 0; l < network.layer_count && expected; l++) {
        int stored = 0;
        for (int s = 0; s < switch_count; s++) { /* each store once, at the first switch that reads it */
            const struct bd_descriptor *d = bd_plan_descriptor(&plan, s, l);
            int first = 0, planes = 0;
            while (bd_plan_descriptor(&plan, first, l)->weight_offset != d->weight_offset)
                first++;
            for (int other = s; other < switch_count; other++) {
                const struct bd_descriptor *o = bd_plan_descriptor(&plan, other, l);
                planes =
                    o->weight_offset == d->weight_offset && (int)o->weight_bits > planes ? (int)o->weight_bits : planes;
            }
            if (first < s || d->operation != BD_OP_CONV)
                continue;
            stored += planes;
            const uint64_t words = ((uint64_t)planes * d->weight_plane + 3) / 4 * 4; /* up to whole beats */
            bytes += words * d->row_groups * 18 * (uint64_t)hardware.rows / 8;
        }
        if (bd_plan_descriptor(&plan, 0, l)->operation == BD_OP_CONV)
            cr_assert_eq(stored, graph->layers[l].weight_bits ? fixed : expected, "%s: layer %d stores %d planes", text,
                         l, stored);
    }
    cr_assert(!expected || plan.header.weight_bytes == bytes, "%s: %u bytes of weights, not %llu", text,
              plan.header.weight_bytes, (unsigned long long)bytes);
    bd_plan_release(&plan);
    bd_plain_release(&network);
    bd_hardware_release(&hardware);
}

Test(pricer, planes_are_shared_by_rule)
{
    static const struct {
        const char *weights, *switches, *of_integers, *shortcut;
        int bits;   /* of stem and classifier */
        int planes; /* stored of a layer whose bits are the switch's, for all switches; 0: refused */
    } cases[] = {
        {"dorefa", "w8a8, w2a4, w2a2, w1a32, w1a2, w1a1", "w8a8,w2a4,w2a2,w1a2,w1a1", "projection", 8, 8 + 2 + 1},
        {"dorefa", "w2a2, w1a1", "w2a2,w1a1", "projection", 1, 2 + 1},
        {"lsq", "w1a32, w1a8, w1a2, w1a1", "w1a8,w1a2,w1a1", "projection", 1, 1},
        {"lsq", "w4a4, w1a1", "w4a4,w1a1", "projection", 8, 4 + 1},
        {"floor", "w2a32, w2a4, w2a2", "w2a4,w2a2", "projection", 2, 2},
        {"floor", "w2a2, w1a1", "w2a2,w1a1", "average", 8, 2},
    };
    glob_t hardware;
    find("yaml-configs/hardware/*.yaml", &hardware);
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct bd_graph graph;
        struct bd_error err;
        char *text =
            bd_asprintf(family, cases[c].switches, cases[c].weights, cases[c].bits, cases[c].shortcut, cases[c].bits);
        cr_assert_eq(bd_graph_parse(&graph, "family", text, strlen(text), &err), BD_OK, "%s", err.message);
        free(text);
        check_planes(&graph, cases[c].bits, cases[c].planes, cases[c].weights);
        for (int narrow = 0; narrow < 2; narrow++) {
            int channels[BD_MAX_LAYERS];
            struct bd_checkpoint checkpoint, integers;
            for (int g = 0; g < graph.prune_group_count; g++) {
                channels[g] = narrow ? 1 : bd_graph_group_channels(&graph, g);
            }
            bd_checkpoint_init(&checkpoint);
            bd_checkpoint_init(&integers);
            cr_assert_eq(bd_graph_resize(&graph, channels, &checkpoint.graph, &err), BD_OK, "%s", err.message);
            /* bd_fold wants the switches in floats left out by name */
            const struct bd_graph_shape shape = {.switches = cases[c].of_integers};
            cr_assert_eq(bd_graph_adapt(&checkpoint.graph, &shape, &integers.graph, &err), BD_OK, "%s", err.message);
            bd_random_arrays(&integers, SEED);
            for (size_t h = 0; h < hardware.gl_pathc; h++) {
                compare(&graph, &integers, channels, hardware.gl_pathv[h], cases[c].weights);
            }
            bd_checkpoint_release(&checkpoint);
            bd_checkpoint_release(&integers);
        }
        bd_graph_release(&graph);
    }
    globfree(&hardware);
}

/* The comparison sees what it is for: a word about a network a row group wider, a switch fewer, another memory. */
Test(pricer, a_drift_is_seen)
{
    struct bd_graph graph, fewer;
    struct bd_hardware hardware;
    struct bd_error err;
    struct word word, other;
    int channels[BD_MAX_LAYERS];
    cr_assert_eq(bd_graph_load(&graph, "yaml-configs/networks/resnet8.yaml", &err), BD_OK, "%s", err.message);
    cr_assert_eq(bd_hardware_load(&hardware, "yaml-configs/hardware/slow_memory.yaml", &err), BD_OK, "%s", err.message);
    hardware.act_words = hardware.z_words = 1 << 14;
    for (int g = 0; g < graph.prune_group_count; g++) {
        channels[g] = 16;
    }
    cr_assert_eq(description_says(&graph, hardware, 6, channels, &word, &err), BD_OK, "%s", err.message);
    for (int g = 0; g < graph.prune_group_count; g++) {
        channels[g]++;
        cr_assert_eq(description_says(&graph, hardware, 6, channels, &other, &err), BD_OK);
        cr_assert_not(equal(&word, &other), "group %d", g);
        channels[g]--;
    }
    const struct bd_graph_shape shape = {.switches = "w8a8,w1a1"};
    cr_assert_eq(bd_graph_adapt(&graph, &shape, &fewer, &err), BD_OK, "%s", err.message);
    cr_assert_eq(description_says(&fewer, hardware, 1, channels, &other, &err), BD_OK);
    cr_assert_not(equal(&word, &other));
    bd_graph_release(&fewer);
    bd_graph_release(&graph);
    bd_hardware_release(&hardware);
}
