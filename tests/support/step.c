/* One training step taken apart, and training steps against the clock: for the benchmarks and checks of tests/bench.
 *   step time NETWORK.yaml --steps N [--batch N] [--bfloat16] [--data FOLDER]
 *       trains a fresh network by the trainer's own loop and prints images, seconds and the process's largest memory
 *       as JSON: on one random batch again and again, or on Fashion-MNIST through the loader (moved by up to one pixel,
 *       mirrored). The first steps, in which memory is touched for the first time, do not count.
 *   step bound NETWORK.yaml --steps N [--batch N] [--bfloat16]
 *       the same for the convolutions of such steps and nothing else, of N steps together.
 *   step dump NETWORK.yaml OUT --seed N [--batch N] [--bfloat16] [--teacher labels|top|next] [--optimizer adam|sgd]
 *       one step of a random network on random images, taken apart into .npy files under OUT: every array of the
 *       checkpoint (NAME), gradients (gradient/NAME), both after two updates (updated/NAME; SGD's with momentum and
 *       decay of everything), and for each switch S the codes of each quantizer Q (S/codes/Q), sums and integer weights
 *       of each layer L (S/sums/L, S/weights/L), S/pooled, S/logits, S/loss, S/d_logits; step.json says what else
 * decided the numbers. Batch norm's running statistics are those of the batch alone. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "model/checkpoint/random_checkpoint.h"
#include "model/core/file.h"
#include "model/core/memory.h"
#include "model/core/rng.h"
#include "model/kernels/conv.h"
#include "model/train/loop/loss.h"
#include "model/train/loop/optimizer.h"
#include "model/train/loop/profile.h"
#include "model/train/loop/train.h"
#include "model/train/network/network.h"

#define WARM_UP 2 /* steps */

static double seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

struct options {
    const char *command, *network, *out, *data;
    int64_t steps, batch, seed;
    enum bd_teacher teacher;
    enum bd_optimizer optimizer;
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
    struct bd_train_profile profile;
    const bool bound = !strcmp(options->command, "bound");
    bd_status status = bound ? bd_train_profile(checkpoint, &plan, &control, options->steps, &profile, err)
                             : bd_train_run(checkpoint, &plan, &control, err);
    bd_dataset_release(&data);
    if (!status) {
        const double wall = bound ? profile.bound_walls : watched.end - watched.start;
        const double processor = bound ? profile.bound_processors : watched.cpu_end - watched.cpu_start;
        struct rusage usage;
        getrusage(RUSAGE_SELF, &usage);
        printf("{\"images\": %" PRId64 ", \"seconds\": %.6f, \"cpu_seconds\": %.6f, \"peak_mib\": %.0f}\n",
               (bound ? options->steps : watched.steps) * options->batch, wall, processor, usage.ru_maxrss / 1024.0);
    }
    return status;
}

/* ---- dump ---- */

#define LABEL_WEIGHT 0.5 /* of switches that have a teacher */
#define TEACHER_WEIGHT 0.7
#define TEMPERATURE 2.0
#define POOLED_WEIGHT 0.3
#define RATE 0.01
#define UPDATES 2
#define WEIGHT_DECAY 0.05 /* SGD's */
#define NORM_DECAY 0.03

static const char *const optimizers[] = {"adam", "sgd"};

struct dump {
    const struct options *options;
    struct bd_checkpoint *checkpoint;
    const struct bd_graph *graph;
    struct bd_net *net;
    struct bd_dataset data;
    float *logits[BD_MAX_SWITCHES], *pooled[BD_MAX_SWITCHES], *d_logits, *d_pooled;
    void *room; /* for the largest of what is asked from the network */
};

static bd_status put(const struct dump *d, const char *folder, const char *name, enum bd_npy_type type, int rank,
                     const int64_t *shape, const void *values, struct bd_error *err)
{
    char *in = bd_asprintf("%s/%s", d->options->out, folder), *path = bd_asprintf("%s/%s.npy", in, name);
    bd_status status = bd_make_folder(in, err);
    status = status ? status : bd_npy_write(path, type, rank, shape, values, err);
    free(in);
    free(path);
    return status;
}

static bd_status put_checkpoint(const struct dump *d, const char *folder, struct bd_error *err)
{
    bd_status status = BD_OK;
    for (size_t i = 0; i < d->checkpoint->array_count && !status; i++) {
        const struct bd_array *array = &d->checkpoint->arrays[i];
        status = put(d, folder, array->name, BD_NPY_F32, array->rank, array->shape, array->data, err);
    }
    return status;
}

static bd_status put_codes(const struct dump *d, int s, struct bd_error *err)
{
    bd_status status = BD_OK;
    char *folder = bd_asprintf("%s/codes", d->graph->switches[s].name);
    for (int q = 1; q < d->graph->quantizer_count && !status; q++) {
        const struct bd_quantizer *info = &d->graph->quantizers[q];
        const int64_t shape[] = {d->options->batch, info->channels, info->height, info->width};
        if (bd_quantizer_bits(info, &d->graph->switches[s]) != 32) {
            bd_net_codes(d->net, q, s, d->room);
            status = put(d, folder, info->name, BD_NPY_I16, 4, shape, d->room, err);
        }
    }
    free(folder);
    return status;
}

static bd_status put_layers(const struct dump *d, int s, struct bd_error *err)
{
    bd_status status = BD_OK;
    char *sums = bd_asprintf("%s/sums", d->graph->switches[s].name);
    char *weights = bd_asprintf("%s/weights", d->graph->switches[s].name);
    for (int l = 0; l < d->graph->layer_count && !status; l++) {
        const struct bd_layer *info = &d->graph->layers[l];
        const int64_t shape[] = {info->out_channels, info->in_channels / info->groups, info->kernel_h, info->kernel_w};
        const int64_t map[] = {d->options->batch, info->out_channels, info->out_height, info->out_width};
        if (bd_layer_has_weights(info) && bd_layer_weight_bits(info, &d->graph->switches[s]) != 32) {
            status = put(d, weights, info->name, BD_NPY_I16, 4, shape, bd_net_weight_integers(d->net, l, s), err);
        }
        if (info->kind == BD_LAYER_CONV && !status) {
            bd_net_accumulation(d->net, l, d->room);
            status = put(d, sums, info->name, BD_NPY_F64, 4, map, d->room, err);
        }
    }
    free(sums);
    free(weights);
    return status;
}

static bd_status put_switch(const struct dump *d, int s, double loss, struct bd_error *err)
{
    const char *name = d->graph->switches[s].name;
    const int64_t one = 1, logits[] = {d->options->batch, d->graph->classes};
    const int64_t pooled[] = {d->options->batch, d->graph->layers[d->graph->layer_count - 1].in_channels};
    bd_status status = put_codes(d, s, err);
    status = status ? status : put_layers(d, s, err);
    status = status ? status : put(d, name, "pooled", BD_NPY_F32, 2, pooled, bd_net_pooled(d->net), err);
    status = status ? status : put(d, name, "logits", BD_NPY_F32, 2, logits, d->logits[s], err);
    status = status ? status : put(d, name, "d_logits", BD_NPY_F32, 2, logits, d->d_logits, err);
    return status ? status : put(d, name, "loss", BD_NPY_F64, 1, &one, &loss, err);
}

static bd_status run_switch(const struct dump *d, int s, struct bd_error *err)
{
    const int teacher = d->options->teacher == BD_TEACHER_LABELS || s == 0 ? -1
                        : d->options->teacher == BD_TEACHER_TOP            ? 0
                                                                           : s - 1;
    bd_status status = bd_net_forward(d->net, s, 1.0, d->logits[s], err);
    if (status) {
        return status;
    }
    const struct bd_loss loss = {.batch = d->options->batch,
                                 .total = d->options->batch,
                                 .classes = d->graph->classes,
                                 .labels = d->data.labels,
                                 .label_weight = teacher < 0 ? 1 : LABEL_WEIGHT,
                                 .teacher = teacher < 0 ? NULL : d->logits[teacher],
                                 .teacher_weight = TEACHER_WEIGHT,
                                 .temperature = TEMPERATURE};
    int right, channels = d->graph->layers[d->graph->layer_count - 1].in_channels;
    double value = bd_loss_gradient(&loss, d->logits[s], d->d_logits, &right) / d->options->batch;
    memcpy(d->pooled[s], bd_net_pooled(d->net), d->options->batch * channels * sizeof(float));
    if (teacher >= 0) {
        bd_loss_pooled_gradient(d->pooled[s], d->pooled[teacher], d->options->batch, d->options->batch, channels,
                                POOLED_WEIGHT, d->d_pooled);
    }
    status = put_switch(d, s, value, err);
    return status ? status : bd_net_backward(d->net, s, d->d_logits, teacher < 0 ? NULL : d->d_pooled, err);
}

static bd_status put_gradients(const struct dump *d, struct bd_error *err)
{
    size_t count;
    const struct bd_parameter *parameters = bd_net_parameters(d->net, &count);
    bd_status status = BD_OK;
    for (size_t i = 0; i < count && !status; i++) {
        const struct bd_array *array = bd_checkpoint_find(d->checkpoint, "%s", parameters[i].name);
        status =
            put(d, "gradient", parameters[i].name, BD_NPY_F32, array->rank, array->shape, parameters[i].gradient, err);
    }
    return status;
}

/* The same gradients twice: the second update shows what the moments do. */
static bd_status update(const struct dump *d, const struct bd_train_plan *plan, struct bd_error *err)
{
    size_t count;
    const struct bd_parameter *parameters = bd_net_parameters(d->net, &count);
    for (size_t i = 0; i < count; i++) {
        float *first = bd_xcalloc(parameters[i].count, sizeof *first);
        float *second = bd_xcalloc(parameters[i].count, sizeof *second);
        for (int done = 0; done < UPDATES; done++) {
            bd_optimizer_update(plan, &parameters[i], done, RATE, first, second);
        }
        free(first);
        free(second);
    }
    return put_checkpoint(d, "updated", err);
}

static bd_status put_inputs(const struct dump *d, const struct bd_train_plan *plan, struct bd_error *err)
{
    const int64_t count = d->data.count, images[] = {count, d->data.height, d->data.width, d->data.channels};
    char *path = bd_asprintf("%s/step.json", d->options->out);
    char *text = bd_asprintf(
        "{\"label_weight\": %g, \"teacher_weight\": %g, \"temperature\": %g, \"pooled_weight\": %g, \"rate\": %g, "
        "\"updates\": %d, \"beta1\": %.17g, \"beta2\": %.17g, \"level_decay\": %.17g, \"weight_decay\": %.17g, "
        "\"norm_decay\": %.17g, \"optimizer\": \"%s\"}\n",
        LABEL_WEIGHT, TEACHER_WEIGHT, TEMPERATURE, POOLED_WEIGHT, RATE, UPDATES, plan->momentum, plan->beta2,
        plan->level_decay, plan->weight_decay, plan->norm_decay, optimizers[plan->optimizer]);
    bd_status status = put(d, ".", "images", BD_NPY_U8, 4, images, d->data.images, err);
    int16_t *labels = bd_xcalloc(count, sizeof *labels);
    for (int64_t i = 0; i < count; i++) {
        labels[i] = d->data.labels[i];
    }
    status = status ? status : put(d, ".", "labels", BD_NPY_I16, 1, &count, labels, err);
    status = status ? status : bd_file_write(path, text, strlen(text), err);
    free(labels);
    free(text);
    free(path);
    return status;
}

static bd_status take_apart(struct dump *d, struct bd_error *err)
{
    struct bd_train_plan plan;
    bd_train_plan_init(&plan);
    plan.optimizer = d->options->optimizer;
    plan.weight_decay = plan.optimizer == BD_OPTIMIZER_SGD ? WEIGHT_DECAY : 0;
    plan.norm_decay = plan.optimizer == BD_OPTIMIZER_SGD ? NORM_DECAY : 0;
    bd_net_update_weights(d->net);
    bd_status status = put_inputs(d, &plan, err);
    status = status ? status : bd_net_begin(d->net, d->data.images, err);
    for (int s = 0; s < d->graph->switch_count && !status; s++) {
        status = run_switch(d, s, err);
    }
    status = status ? status : bd_net_finish(d->net, err);
    status = status ? status : put_gradients(d, err);
    status = status ? status : put_checkpoint(d, ".", err);
    return status ? status : update(d, &plan, err);
}

static bd_status dump(const struct options *options, struct bd_checkpoint *checkpoint, struct bd_error *err)
{
    const struct bd_graph *graph = &checkpoint->graph;
    struct dump d = {.options = options, .checkpoint = checkpoint, .graph = graph};
    if (options->half && !bd_conv_half_is_fast()) {
        return bd_fail(err, BD_INFRA, "this processor does not multiply bfloat16");
    }
    bd_random_arrays(checkpoint, options->seed);
    bd_status status =
        bd_net_create(&d.net, checkpoint, options->batch, (1u << graph->switch_count) - 1, options->half, true, err);
    if (status) {
        return status;
    }
    size_t most = 0;
    for (int q = 0; q < graph->quantizer_count; q++) {
        const struct bd_quantizer *info = &graph->quantizers[q];
        const size_t size = (size_t)options->batch * info->channels * info->height * info->width;
        most = size > most ? size : most;
    }
    for (int l = 0; l < graph->layer_count; l++) {
        const struct bd_layer *info = &graph->layers[l];
        const size_t size = (size_t)options->batch * info->out_channels * info->out_height * info->out_width;
        most = size > most ? size : most;
    }
    d.room = bd_xcalloc(most, sizeof(double));
    const size_t logits = options->batch * graph->classes;
    const size_t pooled = options->batch * graph->layers[graph->layer_count - 1].in_channels;
    d.d_logits = bd_xcalloc(logits, sizeof(float));
    d.d_pooled = bd_xcalloc(pooled, sizeof(float));
    for (int s = 0; s < graph->switch_count; s++) {
        d.logits[s] = bd_xcalloc(logits, sizeof(float));
        d.pooled[s] = bd_xcalloc(pooled, sizeof(float));
    }
    random_images(&d.data, graph, options->batch, options->seed);
    status = take_apart(&d, err);
    for (int s = 0; s < graph->switch_count; s++) {
        free(d.logits[s]);
        free(d.pooled[s]);
    }
    free(d.d_logits);
    free(d.d_pooled);
    free(d.room);
    bd_dataset_release(&d.data);
    bd_net_destroy(d.net);
    return status;
}

/* ---- the command ---- */

static int usage(void)
{
    fputs("usage: step time NETWORK.yaml --steps N [--batch N] [--bfloat16] [--data FOLDER]\n"
          "       step bound NETWORK.yaml --steps N [--batch N] [--bfloat16]\n"
          "       step dump NETWORK.yaml OUT --seed N [--batch N] [--bfloat16] [--teacher labels|top|next]\n"
          "                 [--optimizer adam|sgd]\n",
          stderr);
    return BD_BAD_INPUT;
}

static bool parse(struct options *options, int argc, char **argv)
{
    static const struct option table[] = {
        {"steps", required_argument, NULL, 's'},   {"batch", required_argument, NULL, 'b'},
        {"seed", required_argument, NULL, 'r'},    {"bfloat16", no_argument, NULL, 'h'},
        {"teacher", required_argument, NULL, 't'}, {"optimizer", required_argument, NULL, 'o'},
        {"data", required_argument, NULL, 'd'},    {0}};
    static const char *const teachers[] = {"labels", "top", "next"};
    *options = (struct options){.steps = 10, .batch = 128, .teacher = BD_TEACHER_TOP};
    for (int option; (option = getopt_long(argc, argv, "", table, NULL)) != -1;) {
        switch (option) {
        case 's':
            options->steps = strtoll(optarg, NULL, 10);
            break;
        case 'b':
            options->batch = strtoll(optarg, NULL, 10);
            break;
        case 'r':
            options->seed = strtoll(optarg, NULL, 10);
            break;
        case 'h':
            options->half = true;
            break;
        case 't':
            for (int t = 0; t < 3; t++) {
                if (strcmp(optarg, teachers[t]) == 0) {
                    options->teacher = (enum bd_teacher)t;
                }
            }
            break;
        case 'o':
            options->optimizer = strcmp(optarg, optimizers[BD_OPTIMIZER_SGD]) ? BD_OPTIMIZER_ADAM : BD_OPTIMIZER_SGD;
            break;
        case 'd':
            options->data = optarg;
            break;
        default:
            return false;
        }
    }
    if (optind + 2 > argc || options->steps < 1 || options->batch < 1) {
        return false;
    }
    options->network = argv[optind + 1];
    options->out = optind + 3 == argc ? argv[optind + 2] : NULL;
    options->command = argv[optind];
    return options->out ? !strcmp(options->command, "dump")
                        : !strcmp(options->command, "time") || !strcmp(options->command, "bound");
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
        status = options.out ? dump(&options, &checkpoint, &err) : time_steps(&options, &checkpoint, &err);
        bd_checkpoint_release(&checkpoint);
    }
    if (status) {
        fprintf(stderr, "step: %s\n", err.message);
    }
    return status;
}
