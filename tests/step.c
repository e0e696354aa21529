/* One training step taken apart, and training steps against the clock: for the benchmarks and checks of tests/bench.
 *   step time NETWORK.yaml --steps N [--batch N] [--bfloat16] [--data FOLDER]
 *       trains a fresh network by the trainer's own loop and prints images and seconds as JSON: on one random batch
 * again and again, or on Fashion-MNIST through the loader (moved by up to one pixel, mirrored). The first steps, in
 *       which memory is touched for the first time, do not count. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "model/core/memory.h"
#include "model/core/rng.h"
#include "model/train/train.h"

#define WARM_UP 2 /* steps */

static double seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

struct options {
    const char *network, *data;
    int64_t steps, batch;
    bool half;
};

static void random_images(struct bd_dataset *data, const struct bd_graph *graph, uint32_t count, uint64_t seed)
{
    struct bd_rng rng;
    const size_t size = (size_t)graph->input_height * graph->input_width * graph->input_channels;
    *data = (struct bd_dataset){.count = count,
                                .height = graph->input_height,
                                .width = graph->input_width,
                                .channels = graph->input_channels,
                                .classes = graph->classes,
                                .images = bd_xmalloc(count * size),
                                .labels = bd_xcalloc(count, sizeof *data->labels)};
    bd_rng_seed(&rng, seed);
    for (size_t i = 0; i < count * size; i++) {
        data->images[i] = bd_rng_below(&rng, 256);
    }
    for (uint32_t i = 0; i < count; i++) {
        data->labels[i] = bd_rng_below(&rng, graph->classes);
    }
}

/* ---- time ---- */

struct watch { /* of the steps that count */
    double start, end, cpu_start, cpu_end;
    int64_t steps;
};

static void watch(void *context, const struct bd_train_event *event)
{
    struct watch *watch = context;
    if (event->kind != BD_TRAIN_STEP || event->step < WARM_UP) {
        return;
    }
    watch->end = seconds(CLOCK_MONOTONIC);
    watch->cpu_end = seconds(CLOCK_PROCESS_CPUTIME_ID);
    watch->steps = event->step - WARM_UP;
    if (event->step == WARM_UP) {
        watch->start = watch->end;
        watch->cpu_start = watch->cpu_end;
    }
}

static bd_status time_steps(const struct options *options, struct bd_checkpoint *checkpoint, struct bd_error *err)
{
    struct bd_dataset data;
    struct bd_train_plan plan;
    bd_train_plan_init(&plan);
    plan.batch = options->batch;
    plan.steps = options->steps + WARM_UP;
    plan.arithmetic = options->half ? BD_ARITHMETIC_BFLOAT16 : BD_ARITHMETIC_FLOAT32;
    plan.teacher = BD_TEACHER_TOP;
    plan.teacher_ramp = 0;
    plan.recalibrate = 0;
    plan.crop = options->data ? 1 : 0;
    plan.flip = options->data != NULL;
    if (!options->data) {
        random_images(&data, &checkpoint->graph, options->batch, 1);
    } else if (bd_dataset_load(&data, options->data, BD_SPLIT_TRAIN, err)) {
        return err->status;
    }
    bd_train_initialise(checkpoint, &plan);
    struct watch watched = {0};
    struct bd_train_control control = {.train = &data, .watch = watch, .context = &watched};
    bd_status status = bd_train_run(checkpoint, &plan, &control, err);
    bd_dataset_release(&data);
    if (!status) {
        printf("{\"images\": %" PRId64 ", \"seconds\": %.6f, \"cpu_seconds\": %.6f}\n", watched.steps * options->batch,
               watched.end - watched.start, watched.cpu_end - watched.cpu_start);
    }
    return status;
}

/* ---- the command ---- */

static int usage(void)
{
    fputs("usage: step time NETWORK.yaml --steps N [--batch N] [--bfloat16] [--data FOLDER]\n", stderr);
    return BD_BAD_INPUT;
}

static bool parse(struct options *options, int argc, char **argv)
{
    static const struct option table[] = {{"steps", required_argument, NULL, 's'},
                                          {"batch", required_argument, NULL, 'b'},
                                          {"bfloat16", no_argument, NULL, 'h'},
                                          {"data", required_argument, NULL, 'd'},
                                          {0}};
    *options = (struct options){.steps = 10, .batch = 128};
    for (int option; (option = getopt_long(argc, argv, "", table, NULL)) != -1;) {
        switch (option) {
        case 's':
            options->steps = strtoll(optarg, NULL, 10);
            break;
        case 'b':
            options->batch = strtoll(optarg, NULL, 10);
            break;
        case 'h':
            options->half = true;
            break;
        case 'd':
            options->data = optarg;
            break;
        default:
            return false;
        }
    }
    if (optind + 2 != argc || strcmp(argv[optind], "time") || options->steps < 1 || options->batch < 1) {
        return false;
    }
    options->network = argv[optind + 1];
    return true;
}

int main(int argc, char **argv)
{
    struct options options;
    if (!parse(&options, argc, argv)) {
        return usage();
    }
    struct bd_checkpoint checkpoint;
    struct bd_error err;
    bd_checkpoint_init(&checkpoint);
    bd_status status = bd_graph_load(&checkpoint.graph, options.network, &err);
    if (!status) {
        status = time_steps(&options, &checkpoint, &err);
        bd_checkpoint_release(&checkpoint);
    }
    if (status) {
        fprintf(stderr, "step: %s\n", err.message);
    }
    return status;
}
