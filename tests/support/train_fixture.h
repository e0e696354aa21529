/* A network so small that tests train it in a fraction of a second, images that it can learn, and runs of both. For
 * test_train*.c; every function is used or not, as the test pleases. */
#ifndef TESTS_TRAIN_FIXTURE_H
#define TESTS_TRAIN_FIXTURE_H

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/core/memory.h"
#include "model/core/rng.h"
#include "model/train/loop/train.h"
#include "model/train/network/network.h"

#pragma GCC diagnostic ignored "-Wunused-function"

#define CLASSES 3
#define SIDE 8

/* A network with every kind of layer and channel counts that fill no block. */
static const char network_format[] = "name: tiny\n"
                                     "input: {height: 8, width: 8, channels: 1}\n"
                                     "classes: 3\n"
                                     "switches: [%s]\n"
                                     "stem: {channels: 5}\n"
                                     "stages:\n"
                                     "  - {channels: 5, blocks: [{inner: 7}]}\n"
                                     "  - {channels: 19, stride: 2, blocks: [{inner: 6}, {kind: %s}]}\n"
                                     "head: {pool_bits: %d}\n";

/* For kinds in braces: max pooling of values that are or are not a residual stream's. */
static const char pooled_format[] = "name: tiny\n"
                                    "input: {height: 8, width: 8, channels: 1}\n"
                                    "classes: 3\n"
                                    "switches: [%s]\n"
                                    "stem: {channels: 5, max_pool: {kernel: 3, stride: 2, pad: 1}}\n"
                                    "stages:\n"
                                    "  - {channels: 5, blocks: [%s]}\n"
                                    "  - {channels: 19, max_pool: {kernel: 2, stride: 1}, blocks: [%s]}\n"
                                    "head: {pool_bits: %d}\n";

static void make_checkpoint(struct bd_checkpoint *checkpoint, const char *switches, const char *kind, int pool_bits,
                            const struct bd_train_plan *plan)
{
    struct bd_error err;
    bool pooled = kind[0] == '{';
    char *text = pooled ? bd_asprintf(pooled_format, switches, kind, kind, pool_bits)
                        : bd_asprintf(network_format, switches, kind, pool_bits);
    bd_checkpoint_init(checkpoint);
    cr_assert_eq(bd_graph_parse(&checkpoint->graph, "tiny", text, strlen(text), &err), BD_OK, "%s", err.message);
    free(text);
    bd_train_initialise(checkpoint, plan);
}

/* Images whose class is where their light stands, with noise. */
static void make_images(struct bd_dataset *data, uint32_t count, uint64_t seed)
{
    struct bd_rng rng;
    bd_rng_seed(&rng, seed);
    *data = (struct bd_dataset){.count = count, .height = SIDE, .width = SIDE, .channels = 1, .classes = CLASSES};
    data->images = bd_xcalloc(count, SIDE * SIDE);
    data->labels = bd_xcalloc(count, sizeof *data->labels);
    for (uint32_t i = 0; i < count; i++) {
        int label = bd_rng_below(&rng, CLASSES);
        data->labels[i] = label;
        for (int p = 0; p < SIDE * SIDE; p++) {
            int light = (p % SIDE) * CLASSES / SIDE == label ? 120 : 0;
            data->images[i * SIDE * SIDE + p] = light + bd_rng_below(&rng, 100);
        }
    }
}

static void tiny_plan(struct bd_train_plan *plan)
{
    bd_train_plan_init(plan);
    plan->batch = 16;
    plan->steps = 24;
    plan->crop = 1;
    plan->flip = false; /* left and right are classes here */
    plan->rate = 0.01;
    plan->recalibrate = 2;
    plan->scale_freeze = 0.5;
}

struct run {
    struct bd_checkpoint checkpoint;
    struct bd_dataset data;
    struct bd_train_plan plan;
    struct bd_train_control control;
};

static void open_run(struct run *run, const char *switches)
{
    memset(run, 0, sizeof *run);
    tiny_plan(&run->plan);
    make_checkpoint(&run->checkpoint, switches, "basic", 8, &run->plan);
    make_images(&run->data, 160, 3);
    run->control.train = run->control.validation = &run->data;
}

static void do_run(struct run *run)
{
    struct bd_error err;
    cr_assert_eq(bd_train_run(&run->checkpoint, &run->plan, &run->control, &err), BD_OK, "%s", err.message);
}

static void close_run(struct run *run)
{
    bd_checkpoint_release(&run->checkpoint);
    bd_dataset_release(&run->data);
}

static void load_again(struct run *run, const char *path)
{
    struct bd_error err;
    bd_checkpoint_release(&run->checkpoint);
    cr_assert_eq(bd_checkpoint_load(&run->checkpoint, path, &err), BD_OK, "%s", err.message);
}

struct stop {
    struct bd_train_control *control;
    int64_t step;
};

static void stop_there(void *context, const struct bd_train_event *event)
{
    const struct stop *stop = context;
    if (event->step == stop->step) {
        stop->control->limit_seconds = 1e-9;
    }
}

/* Stops the run at a step by a limit that has passed; it is saved at `path`. `rest` goes on from there to the end. */
static void cut_and_go_on(struct run *cut, struct run *rest, int64_t step, const char *path)
{
    struct stop stop = {&cut->control, step};
    cut->control.save_path = path;
    cut->control.watch = stop_there;
    cut->control.context = &stop;
    do_run(cut);
    cr_assert_not(cut->control.finished);
    load_again(rest, path);
    do_run(rest);
    cr_assert(rest->control.finished);
}

/* Every array of `few` is in `many` with the same bits; returns how many there are. */
static size_t assert_same_arrays(const struct bd_checkpoint *few, const struct bd_checkpoint *many)
{
    for (size_t i = 0; i < few->array_count; i++) {
        const struct bd_array *a = &few->arrays[i], *b = bd_checkpoint_find(many, "%s", a->name);
        cr_assert_not_null(b, "%s is missing", a->name);
        cr_assert_eq(a->count, b->count);
        cr_assert_arr_eq(a->data, b->data, a->count * sizeof(float), "%s differs", a->name);
    }
    return few->array_count;
}

/* Forward with the weights as they are; the sum of logits times given numbers, which then are its gradient. */
static double net_loss(struct bd_net *net, const struct bd_dataset *data, int s, float *logits, const float *d_logits,
                       int count)
{
    struct bd_error err;
    double sum = 0;
    bd_net_update_weights(net);
    cr_assert_eq(bd_net_begin(net, data->images, &err), BD_OK, "%s", err.message);
    cr_assert_eq(bd_net_forward(net, s, 0, logits, &err), BD_OK, "%s", err.message);
    for (int i = 0; i < count; i++) {
        sum += (double)logits[i] * d_logits[i];
    }
    return sum;
}

#endif
