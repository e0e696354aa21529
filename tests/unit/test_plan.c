/* The plan of a program: what "needs N words" promises, tensors that may not meet, and the most layers. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/checkpoint/random_checkpoint.h"
#include "model/core/memory.h"
#include "model/core/rng.h"
#include "model/exec/exec.h"
#include "model/fold/fold.h"
#include "model/program/plan.h"

#define DEMO "yaml-configs/hardware/demo.yaml"
#define MOST (1 << 20)

static void load_roomy(struct bd_hardware *hardware, const char *path)
{
    struct bd_error err;
    cr_assert_eq(bd_hardware_load(hardware, path, &err), BD_OK, "%s", err.message);
    hardware->act_words = hardware->z_words = hardware->weight_words = MOST;
    hardware->table_words = hardware->correct_words = MOST;
}

/* "... need N words of the WHAT": N; 0 where the message says something else. */
static long needed_words(const char *message, const char *what)
{
    const char *at = strstr(message, what);
    char *from = NULL;
    for (const char *p = message; at && (p = strstr(p, " need")) && p < at; p++) {
        from = strpbrk(p, "0123456789");
    }
    return from ? strtol(from, NULL, 10) : 0;
}

/* ---- chains of convolutions, some of which read a tensor long after it was written -------------------------- */

struct chain {
    struct bd_plain_layer layers[16];
    char names[16][8];
    struct bd_plain_network network;
};

static void make_chain(struct chain *c, struct bd_rng *rng, int reach)
{
    memset(c, 0, sizeof *c);
    const int count = 3 + (int)bd_rng_below(rng, 13), height = 1 + (int)bd_rng_below(rng, 6),
              width = 1 + (int)bd_rng_below(rng, 6), input = 1 + (int)bd_rng_below(rng, 200);
    for (int l = 0; l < count; l++) {
        struct bd_plain_layer *layer = &c->layers[l];
        const int back = (int)bd_rng_below(rng, (uint32_t)reach), in = l - back > 0 ? l - back : 0;
        snprintf(c->names[l], sizeof c->names[l], "l%d", l);
        *layer = (struct bd_plain_layer){.name = c->names[l],
                                         .operation = BD_OP_CONV,
                                         .in_tensor = in,
                                         .out_tensor = l < count - 1 ? l + 1 : -1,
                                         .in_height = height,
                                         .in_width = width,
                                         .in_channels = in ? c->layers[in - 1].out_channels : input,
                                         .out_height = height,
                                         .out_width = width,
                                         .out_channels = 1 + (int)bd_rng_below(rng, 400),
                                         .kernel_h = 1,
                                         .kernel_w = 1,
                                         .stride = 1,
                                         .groups = 1,
                                         .weight_planes = 8};
        layer->at[0] = (struct bd_plain_layer_switch){.weight_bits = 1 + (int)bd_rng_below(rng, 8),
                                                      .in_bits = in ? c->layers[in - 1].at[0].out_bits : 8,
                                                      .out_bits = 1 + (int)bd_rng_below(rng, 8),
                                                      .datapath = -1};
    }
    c->network = (struct bd_plain_network){.name = "chain",
                                           .switch_count = 1,
                                           .layer_count = count,
                                           .classes = c->layers[count - 1].out_channels,
                                           .layers = c->layers};
}

/* Layer l's tensor (l - 1 the writer's) is live from its writer to its last reader. */
static int last_reader(const struct chain *c, int tensor)
{
    int last = tensor - 1;
    for (int l = 0; l < c->network.layer_count; l++) {
        last = c->layers[l].in_tensor == tensor ? l : last;
    }
    return last;
}

static void check_places(const struct chain *c, const struct bd_plan *plan, unsigned seed)
{
    uint32_t base[17] = {0}, words[17] = {0};
    for (int l = 0; l < c->network.layer_count; l++) {
        const struct bd_descriptor *d = bd_plan_descriptor(plan, 0, l);
        base[c->layers[l].in_tensor] = d->in_base;
        words[c->layers[l].in_tensor] = d->in_pitch * d->in_height; /* read by 1x1 alone: a row of cells a row */
        cr_assert_eq(d->in_layout, BD_LAYOUT_CHANNEL, "seed %u", seed);
        if (c->layers[l].out_tensor >= 0) {
            base[l + 1] = d->out_base;
            words[l + 1] = d->out_pitch * (d->out_layout == BD_LAYOUT_WINDOW ? (d->out_height + 2) / 3 : d->out_height);
        }
    }
    for (int a = 0; a < c->network.layer_count; a++) {
        cr_assert_leq(base[a] + words[a], plan->header.act_words, "seed %u: tensor %d leaves the buffer", seed, a);
        for (int b = a + 1; b < c->network.layer_count; b++) { /* b is written by layer b - 1 */
            cr_assert(last_reader(c, a) < b - 1 || base[a] + words[a] <= base[b] || base[b] + words[b] <= base[a],
                      "seed %u: tensor %d lies over tensor %d, which is still to be read", seed, b, a);
        }
    }
}

/* BD_OK where the chain is planned with `words` of the activation buffer. */
static bd_status plan_chain(const struct chain *c, struct bd_hardware *hardware, long words, unsigned seed,
                            struct bd_error *err)
{
    struct bd_plan plan;
    hardware->act_words = words;
    bd_status status = bd_plan_open(&plan, &c->network, hardware, false, err);
    status = status ? status : bd_plan_make(&plan, err);
    if (status == BD_OK && plan.network == plan.source) {
        check_places(c, &plan, seed);
    }
    bd_plan_release(&plan);
    return status;
}

/* Every size from N on is enough, and no smaller one. */
Test(plan, activations_need_what_is_said)
{
    struct bd_hardware hardware;
    struct bd_error err;
    load_roomy(&hardware, DEMO);
    for (unsigned seed = 0; seed < 100; seed++) {
        struct bd_rng rng;
        struct chain chain;
        bd_rng_seed(&rng, seed);
        make_chain(&chain, &rng, seed % 4 + 1);
        cr_assert_eq(plan_chain(&chain, &hardware, 1, seed, &err), BD_BAD_INPUT, "seed %u", seed);
        const long needed = needed_words(err.message, "activation memory");
        cr_assert_gt(needed, 1, "seed %u: %s", seed, err.message);
        for (long words = needed > 8 ? needed - 8 : 1; words < needed; words++) {
            cr_assert_eq(plan_chain(&chain, &hardware, words, seed, &err), BD_BAD_INPUT, "seed %u: %ld words do", seed,
                         words);
            cr_assert_eq(needed_words(err.message, "activation memory"), needed, "seed %u: %s", seed, err.message);
        }
        for (long words = needed; words < needed + 8; words++) {
            cr_assert_eq(plan_chain(&chain, &hardware, words, seed, &err), BD_OK, "seed %u: %s", seed, err.message);
        }
    }
    bd_hardware_release(&hardware);
}

/* ---- a trained network --------------------------------------------------------------------------------------- */

static bd_status compile(const struct bd_checkpoint *checkpoint, const struct bd_hardware *hardware,
                         struct bd_error *err)
{
    struct bd_program program;
    struct bd_fold_report report;
    const struct bd_fold_options options = {.max_moved = 1000.0};
    const bd_status status = bd_fold(checkpoint, hardware, &options, &program, &report, err);
    if (status == BD_OK) {
        bd_program_release(&program);
        bd_fold_report_release(&report);
    }
    return status;
}

/* On every configuration, each memory alone too small by far: the size named compiles, one word less does not. */
Test(plan, a_network_compiles_with_the_words_that_it_needs)
{
    static const char *const hardwares[] = {DEMO, "yaml-configs/hardware/rq4.yaml", "yaml-configs/hardware/small.yaml"};
    static const char *const buffers[] = {"activation memory", "residual memory", "weight memory", "table memory",
                                          "correction memory"};
    struct bd_checkpoint checkpoint;
    struct bd_error err;
    cr_assert_eq(bd_random_checkpoint("yaml-configs/networks/resnet8.yaml", 3, &checkpoint, &err), BD_OK, "%s",
                 err.message);
    for (size_t h = 0; h < sizeof hardwares / sizeof *hardwares; h++) {
        struct bd_hardware hardware;
        load_roomy(&hardware, hardwares[h]);
        int64_t *const words[] = {&hardware.act_words, &hardware.z_words, &hardware.weight_words, &hardware.table_words,
                                  &hardware.correct_words};
        for (size_t b = 0; b < sizeof buffers / sizeof *buffers; b++) {
            *words[b] = 4;
            cr_assert_eq(compile(&checkpoint, &hardware, &err), BD_BAD_INPUT);
            const long needed = needed_words(err.message, buffers[b]);
            cr_assert_gt(needed, 4, "%s", err.message);
            *words[b] = needed - 1;
            cr_assert_eq(compile(&checkpoint, &hardware, &err), BD_BAD_INPUT, "%s: %ld - 1", buffers[b], needed);
            cr_assert_eq(needed_words(err.message, buffers[b]), needed, "%s", err.message);
            *words[b] = needed;
            cr_assert_eq(compile(&checkpoint, &hardware, &err), BD_OK, "%s", err.message);
            *words[b] = MOST;
        }
        bd_hardware_release(&hardware);
    }
    bd_checkpoint_release(&checkpoint);
}

/* Stem, 253 plain layers, pool and classifier are as many layers as a program holds. */
Test(plan, a_program_holds_256_layers)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    fputs("name: deep\ninput: {height: 4, width: 4, channels: 1}\nclasses: 2\nswitches: [w1a1]\nstem: {channels: 2}\n"
          "stages:\n",
          out);
    for (int i = 0; i < 253; i++) {
        fprintf(out, i % 32 ? ", {kind: plain}" : "  - {channels: 2, blocks: [{kind: plain}");
        fputs(i % 32 == 31 || i == 252 ? "]}\n" : "", out);
    }
    fputs("head: {}\n", out);
    fclose(out);
    struct bd_checkpoint checkpoint;
    struct bd_hardware hardware;
    struct bd_program program;
    struct bd_fold_report report;
    struct bd_decoded *decoded;
    struct bd_frame frame;
    struct bd_error err;
    const struct bd_fold_options options = {.max_moved = 1000.0};
    bd_checkpoint_init(&checkpoint);
    cr_assert_eq(bd_graph_parse(&checkpoint.graph, "deep", text, size, &err), BD_OK, "%s", err.message);
    free(text);
    bd_random_arrays(&checkpoint, 1);
    cr_assert_eq(bd_hardware_load(&hardware, DEMO, &err), BD_OK);
    cr_assert_eq(bd_fold(&checkpoint, &hardware, &options, &program, &report, &err), BD_OK, "%s", err.message);
    cr_assert_eq(program.header->layer_count, BD_PROGRAM_MAX_LAYERS);
    uint8_t image[16] = {1, 200, 30};
    cr_assert_eq(bd_decode(&program, &decoded, &err), BD_OK, "%s", err.message);
    cr_assert_eq(bd_execute(&program, decoded, 0, image, &frame, &err), BD_OK, "%s", err.message);
    bd_frame_release(&frame);
    bd_decoded_free(decoded);
    bd_fold_report_release(&report);
    bd_program_release(&program);
    bd_hardware_release(&hardware);
    bd_checkpoint_release(&checkpoint);
}
