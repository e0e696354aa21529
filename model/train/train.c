#include "model/train/train.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "model/core/memory.h"
#include "model/core/rng.h"
#include "model/quant/quant.h"
#include "model/train/conv.h"
#include "model/train/evaluate.h"
#include "model/train/network.h"

#define SMALLEST_ALPHA 0.05f
#define SMALLEST_SCALE 1e-4f
#define ADAM_EPS 1e-8
#define SHOWN_AVERAGE 0.03 /* part of a new step in the averages that are shown */

/* ---- starting values ---- */

/* Clip levels for inputs of about unit variance: near the least squared error of a half-normal. */
static float first_alpha(int bits)
{
    return bits <= 2 ? 2.0f : bits <= 4 ? 3.0f : bits <= 8 ? 4.0f : 6.0f;
}

static void fill(struct bd_array *array, float value)
{
    for (int64_t i = 0; i < array->count; i++) {
        array->data[i] = value;
    }
}

static double mean_magnitude(const float *values, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += fabsf(values[i]);
    }
    return sum / count;
}

static void initialise_layer(struct bd_checkpoint *checkpoint, const struct bd_layer *layer,
                             const struct bd_train_plan *plan, struct bd_rng *rng)
{
    const int64_t one = 1, channels = layer->out_channels;
    const int64_t kernel[] = {layer->out_channels, layer->in_channels / layer->groups, layer->kernel_h,
                              layer->kernel_w};
    struct bd_array *weight = bd_checkpoint_put(checkpoint, 4, kernel, "%s.weight", layer->name);
    double deviation = sqrt(2.0 / (kernel[1] * kernel[2] * kernel[3]));
    for (int64_t i = 0; i < weight->count; i++) {
        weight->data[i] = deviation * bd_rng_normal(rng);
    }
    float s = plan->scale_factor * mean_magnitude(weight->data, weight->count);
    fill(bd_checkpoint_put(checkpoint, 1, &one, "%s.scale", layer->name), s > SMALLEST_SCALE ? s : SMALLEST_SCALE);
    if (layer->kind == BD_LAYER_CLASSIFIER) {
        bd_checkpoint_put(checkpoint, 1, &channels, "%s.bias", layer->name);
    }
    for (int i = 0; i < checkpoint->graph.switch_count; i++) {
        const char *sw = checkpoint->graph.switches[i].name;
        fill(bd_checkpoint_put(checkpoint, 1, &one, "%s.%s.wscale", layer->name, sw), s / 256);
        if (layer->kind == BD_LAYER_CONV) {
            fill(bd_checkpoint_put(checkpoint, 1, &channels, "%s.%s.gamma", layer->name, sw), 1);
            bd_checkpoint_put(checkpoint, 1, &channels, "%s.%s.beta", layer->name, sw);
            bd_checkpoint_put(checkpoint, 1, &channels, "%s.%s.mean", layer->name, sw);
            fill(bd_checkpoint_put(checkpoint, 1, &channels, "%s.%s.var", layer->name, sw), 1);
        }
    }
}

void bd_train_initialise(struct bd_checkpoint *checkpoint, const struct bd_train_plan *plan)
{
    const struct bd_graph *graph = &checkpoint->graph;
    const int64_t one = 1;
    struct bd_rng rng;
    bd_rng_seed(&rng, plan->seed);
    for (int i = 0; i < graph->layer_count; i++) {
        if (graph->layers[i].kind != BD_LAYER_POOL) {
            initialise_layer(checkpoint, &graph->layers[i], plan, &rng);
        }
    }
    for (int q = 0; q < graph->quantizer_count; q++) {
        for (int s = 0; s < graph->switch_count; s++) {
            const struct bd_switch *sw = &graph->switches[s];
            if (bd_checkpoint_has_alpha(graph, q, sw)) {
                fill(bd_checkpoint_put(checkpoint, 1, &one, "%s.%s.alpha", graph->quantizers[q].name, sw->name),
                     first_alpha(bd_quantizer_bits(&graph->quantizers[q], sw)));
            }
        }
    }
}

/* ---- a run ---- */

struct run {
    struct bd_checkpoint *checkpoint;
    const struct bd_graph *graph;
    struct bd_train_plan plan;
    struct bd_train_control *control;
    struct bd_net *net;
    struct bd_parameter *parameters;
    size_t parameter_count;
    float **moment1, **moment2; /* by parameter, in the checkpoint; moment2 Adam's alone */
    float *step_array;          /* "train/step": low 20 bits, the rest */
    int64_t step, steps, steps_per_epoch;
    uint32_t *order; /* the epoch's permutation */
    int64_t order_epoch;
    uint8_t *images, *labels;
    float *logits[BD_MAX_SWITCHES], *d_logits;
    struct bd_train_event shown;
    double started;
    int64_t first_step;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static bool trains(const struct run *run, int s)
{
    return run->plan.switches >> s & 1;
}

static bool use_half(const struct bd_train_plan *plan)
{
    return plan->arithmetic == BD_ARITHMETIC_BFLOAT16 ||
           (plan->arithmetic == BD_ARITHMETIC_AUTO && bd_conv_half_is_fast());
}

/* All that decides a run's bits, as text: a resumed run must have the same. */
static char *plan_text(const struct run *run)
{
    const struct bd_train_plan *p = &run->plan;
    return bd_asprintf(
        "images %u steps %" PRId64 " batch %" PRId64 " seed %" PRId64 " optimizer %d rate %.17g warm_up %.17g "
        "momentum %.17g beta2 %.17g level_decay %.17g teacher %d %.17g %.17g %.17g %.17g crop %" PRId64 " flip %d "
        "norm %.17g scale %.17g %.17g %.17g recalibrate %" PRId64 " half %d switches %x",
        run->control->train->count, run->steps, p->batch, p->seed, p->optimizer, p->rate, p->warm_up, p->momentum,
        p->beta2, p->level_decay, p->teacher, p->label_weight, p->teacher_weight, p->temperature, p->teacher_ramp,
        p->crop, p->flip, p->norm_momentum, p->scale_factor, p->scale_momentum, p->scale_freeze, p->recalibrate,
        use_half(p), p->switches);
}

static bd_status check_plan(const struct run *run, struct bd_error *err)
{
    char *text = plan_text(run);
    json_t *metadata = json_loads(run->checkpoint->metadata ? run->checkpoint->metadata : "{}", 0, NULL);
    const char *before = json_string_value(json_object_get(metadata, "plan"));
    bd_status status = BD_OK;
    if (!before || strcmp(before, text)) {
        status = bd_fail(err, BD_BAD_INPUT, "cannot resume: the run was started as '%s', not '%s'",
                         before ? before : "unknown", text);
    }
    json_decref(metadata);
    free(text);
    return status;
}

static void store_plan(struct run *run)
{
    char *text = plan_text(run);
    json_t *metadata = json_loads(run->checkpoint->metadata ? run->checkpoint->metadata : "{}", 0, NULL);
    metadata = json_is_object(metadata) ? metadata : json_object();
    json_object_set_new(metadata, "plan", json_string(text));
    free(run->checkpoint->metadata);
    run->checkpoint->metadata = json_dumps(metadata, JSON_SORT_KEYS | JSON_COMPACT);
    json_decref(metadata);
    free(text);
}

/* The moments live in the checkpoint, so that saving it saves them. */
static float *state_array(struct run *run, const char *kind, const struct bd_parameter *p)
{
    struct bd_array *array = bd_checkpoint_find(run->checkpoint, "train/%s/%s", kind, p->name);
    const int64_t count = p->count;
    if (!array || array->count != count) {
        array = bd_checkpoint_put(run->checkpoint, 1, &count, "train/%s/%s", kind, p->name);
    }
    return array->data;
}

static bd_status open_state(struct run *run, struct bd_error *err)
{
    const int64_t two = 2;
    struct bd_array *step = bd_checkpoint_find(run->checkpoint, "train/step");
    if (step) {
        bd_status status = check_plan(run, err);
        if (status) {
            return status;
        }
        if (step->count != 2) {
            return bd_fail(err, BD_BAD_INPUT, "array 'train/step' has the wrong shape");
        }
        run->step = (int64_t)step->data[0] + ((int64_t)step->data[1] << 20);
    } else {
        bd_checkpoint_drop(run->checkpoint, "train/");
        step = bd_checkpoint_put(run->checkpoint, 1, &two, "train/step");
        store_plan(run);
    }
    run->step_array = step->data;
    run->first_step = run->step;
    run->moment1 = bd_xcalloc(run->parameter_count, sizeof *run->moment1);
    run->moment2 = bd_xcalloc(run->parameter_count, sizeof *run->moment2);
    for (size_t i = 0; i < run->parameter_count; i++) {
        run->moment1[i] = state_array(run, "moment1", &run->parameters[i]);
        if (run->plan.optimizer == BD_OPTIMIZER_ADAM) {
            run->moment2[i] = state_array(run, "moment2", &run->parameters[i]);
        }
    }
    return BD_OK;
}

static bd_status open_run(struct run *run, struct bd_error *err)
{
    const struct bd_dataset *data = run->control->train;
    bd_status status = bd_check_dataset(run->graph, data, err);
    if (!status && run->control->validation) {
        status = bd_check_dataset(run->graph, run->control->validation, err);
    }
    if (status) {
        return status;
    }
    if (data->count < run->plan.batch) {
        return bd_fail(err, BD_BAD_INPUT, "a batch of %" PRId64 " is more than the %u training images", run->plan.batch,
                       data->count);
    }
    if (run->plan.arithmetic == BD_ARITHMETIC_BFLOAT16 && !bd_conv_half_is_fast()) {
        return bd_fail(err, BD_BAD_INPUT, "this processor does not multiply bfloat16: train with float32 or auto");
    }
    uint32_t all = (1u << run->graph->switch_count) - 1;
    run->plan.switches = run->plan.switches ? run->plan.switches & all : all;
    run->steps_per_epoch = data->count / run->plan.batch;
    run->steps = run->plan.steps ? run->plan.steps : run->plan.epochs * run->steps_per_epoch;
    status =
        bd_net_create(&run->net, run->checkpoint, run->plan.batch, run->plan.switches, use_half(&run->plan), true, err);
    if (status) {
        return status;
    }
    run->parameters = bd_net_parameters(run->net, &run->parameter_count);
    run->order = bd_xcalloc(data->count, sizeof *run->order);
    run->order_epoch = -1;
    run->images = bd_xcalloc(run->plan.batch, (size_t)data->height * data->width * data->channels);
    run->labels = bd_xcalloc(run->plan.batch, 1);
    size_t logits = run->plan.batch * run->graph->classes;
    for (int s = 0; s < run->graph->switch_count; s++) {
        run->logits[s] = bd_xcalloc(logits, sizeof(float));
    }
    run->d_logits = bd_xcalloc(logits, sizeof(float));
    run->started = now();
    return open_state(run, err);
}

static void close_run(struct run *run)
{
    bd_net_destroy(run->net);
    for (int s = 0; s < BD_MAX_SWITCHES; s++) {
        free(run->logits[s]);
    }
    free(run->d_logits);
    free(run->order);
    free(run->images);
    free(run->labels);
    free(run->moment1);
    free(run->moment2);
}

/* ---- a batch ---- */

enum stream { STREAM_ORDER = 1, STREAM_AUGMENT };

static void seed_stream(struct bd_rng *rng, const struct run *run, enum stream stream, int64_t index)
{
    bd_rng_seed(rng, (uint64_t)run->plan.seed * 0x9e3779b97f4a7c15u ^ (uint64_t)index << 8 ^ (uint64_t)stream);
    bd_rng_seed(rng, bd_rng_u64(rng));
}

/* Copies an image moved by (dy, dx), black outside, mirrored where `flip`. */
static void place_image(const uint8_t *from, uint8_t *to, int height, int width, int channels, int dy, int dx,
                        bool flip)
{
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            int sy = y + dy, sx = (flip ? width - 1 - x : x) + dx;
            uint8_t *pixel = to + ((size_t)y * width + x) * channels;
            if (sy < 0 || sy >= height || sx < 0 || sx >= width) {
                memset(pixel, 0, channels);
            } else {
                memcpy(pixel, from + ((size_t)sy * width + sx) * channels, channels);
            }
        }
    }
}

static void assemble_batch(struct run *run)
{
    const struct bd_dataset *data = run->control->train;
    int64_t epoch = run->step / run->steps_per_epoch, at = run->step % run->steps_per_epoch * run->plan.batch;
    struct bd_rng rng;
    if (run->order_epoch != epoch) {
        for (uint32_t i = 0; i < data->count; i++) {
            run->order[i] = i;
        }
        seed_stream(&rng, run, STREAM_ORDER, epoch);
        bd_rng_shuffle(&rng, run->order, data->count);
        run->order_epoch = epoch;
    }
    seed_stream(&rng, run, STREAM_AUGMENT, run->step);
    size_t size = (size_t)data->height * data->width * data->channels;
    for (int64_t i = 0; i < run->plan.batch; i++) {
        uint32_t index = run->order[at + i];
        int crop = run->plan.crop;
        int dy = (int)bd_rng_below(&rng, 2 * crop + 1) - crop, dx = (int)bd_rng_below(&rng, 2 * crop + 1) - crop;
        bool flip = bd_rng_below(&rng, 2) && run->plan.flip;
        place_image(bd_dataset_image(data, index), run->images + i * size, data->height, data->width, data->channels,
                    dy, dx, flip);
        run->labels[i] = data->labels[index];
    }
}

/* ---- loss ---- */

/* probabilities[c] = softmax(logits / temperature); returns the log of the normaliser plus the largest. */
static double softmax(const float *logits, int classes, double temperature, double *probabilities)
{
    double most = logits[0], sum = 0;
    for (int c = 1; c < classes; c++) {
        most = logits[c] > most ? logits[c] : most;
    }
    for (int c = 0; c < classes; c++) {
        probabilities[c] = exp((logits[c] - most) / temperature);
        sum += probabilities[c];
    }
    for (int c = 0; c < classes; c++) {
        probabilities[c] /= sum;
    }
    return log(sum) + most / temperature;
}

/* Mean over the batch of labels * CE + teacher * T^2 KL(teacher || student) and its gradient in the logits. Returns the
 * cross-entropy alone, which is comparable between switches; *right counts correct images. */
static double loss(const struct run *run, const float *logits, const float *teacher, double label_weight,
                   double teacher_weight, float *d_logits, int *right)
{
    int classes = run->graph->classes;
    double student[classes], soft_student[classes], soft_teacher[classes], total = 0,
                                                                           temperature = run->plan.temperature;
    *right = 0;
    for (int64_t n = 0; n < run->plan.batch; n++) {
        const float *z = logits + n * classes;
        float *d = d_logits + n * classes;
        int label = run->labels[n], best = 0;
        total += softmax(z, classes, 1, student) - z[label];
        if (teacher) {
            softmax(z, classes, temperature, soft_student);
            softmax(teacher + n * classes, classes, temperature, soft_teacher);
        }
        for (int c = 0; c < classes; c++) {
            double g = label_weight * (student[c] - (c == label));
            if (teacher) {
                g += teacher_weight * temperature * (soft_student[c] - soft_teacher[c]);
            }
            d[c] = g / run->plan.batch;
            best = z[c] > z[best] ? c : best;
        }
        *right += best == label;
    }
    return total / run->plan.batch;
}

/* ---- the optimiser ---- */

static double learning_rate(const struct run *run)
{
    double warm = run->plan.warm_up * run->steps, step = run->step;
    if (step < warm) {
        return run->plan.rate * (step + 1) / (warm + 1);
    }
    double done = (step - warm) / (run->steps - warm);
    return run->plan.rate * 0.5 * (1 + cos(M_PI * done));
}

static void update(struct run *run, size_t index, double rate)
{
    const struct bd_train_plan *plan = &run->plan;
    struct bd_parameter *p = &run->parameters[index];
    float *m = run->moment1[index], *v = run->moment2[index];
    double correct1 = 1 - pow(plan->momentum, run->step + 1), correct2 = 1 - pow(plan->beta2, run->step + 1);
    double decay = p->kind == BD_PARAMETER_ALPHA ? plan->level_decay : 0;
    for (size_t i = 0; i < p->count; i++) {
        double g = p->gradient[i] + decay * p->value[i], change;
        if (plan->optimizer == BD_OPTIMIZER_ADAM) {
            m[i] = plan->momentum * m[i] + (1 - plan->momentum) * g;
            v[i] = plan->beta2 * v[i] + (1 - plan->beta2) * g * g;
            change = m[i] / correct1 / (sqrt(v[i] / correct2) + ADAM_EPS);
        } else {
            m[i] = plan->momentum * m[i] + g;
            change = m[i];
        }
        float value = p->value[i] - rate * change;
        if (p->kind == BD_PARAMETER_WEIGHT) {
            float s = *p->limit;
            value = value < -s ? -s : value > s ? s : value;
        } else if (p->kind == BD_PARAMETER_ALPHA) {
            value = value < SMALLEST_ALPHA ? SMALLEST_ALPHA : value;
        }
        p->value[i] = value;
    }
}

/* s follows factor * mean|w| until it is frozen; then codes move with the latents alone. */
static void follow_scales(struct run *run)
{
    if (run->step >= run->plan.scale_freeze * run->steps) {
        return;
    }
    for (size_t i = 0; i < run->parameter_count; i++) {
        const struct bd_parameter *p = &run->parameters[i];
        if (p->kind == BD_PARAMETER_WEIGHT) {
            float *s = (float *)p->limit;
            *s += run->plan.scale_momentum * (run->plan.scale_factor * mean_magnitude(p->value, p->count) - *s);
            *s = *s > SMALLEST_SCALE ? *s : SMALLEST_SCALE;
        }
    }
}

/* ---- the loop ---- */

static void show_switch(struct run *run, int s, double loss_now, double accuracy_now)
{
    double part = 1.0 / (run->step - run->first_step + 1);
    part = part > SHOWN_AVERAGE ? part : SHOWN_AVERAGE;
    run->shown.loss[s] += part * (loss_now - run->shown.loss[s]);
    run->shown.accuracy[s] += part * (accuracy_now - run->shown.accuracy[s]);
}

static bd_status train_switch(struct run *run, int s, int top, int above, struct bd_error *err)
{
    const struct bd_train_plan *plan = &run->plan;
    bd_status status = bd_net_forward(run->net, s, plan->norm_momentum, run->logits[s], err);
    if (status) {
        return status;
    }
    int teacher = plan->teacher == BD_TEACHER_LABELS || s == top ? -1 : plan->teacher == BD_TEACHER_TOP ? top : above;
    double ramp = plan->teacher_ramp > 0 ? run->step / (plan->teacher_ramp * run->steps) : 1;
    int right;
    double here =
        loss(run, run->logits[s], teacher < 0 ? NULL : run->logits[teacher], teacher < 0 ? 1 : plan->label_weight,
             plan->teacher_weight * (ramp < 1 ? ramp : 1), run->d_logits, &right);
    show_switch(run, s, here, (double)right / plan->batch);
    if (!isfinite(here)) {
        return bd_fail(err, BD_FAIL, "the loss of switch '%s' is not finite at step %" PRId64,
                       run->graph->switches[s].name, run->step);
    }
    return bd_net_backward(run->net, s, run->d_logits, NULL, err);
}

static bd_status train_step(struct run *run, struct bd_error *err)
{
    assemble_batch(run);
    bd_net_update_weights(run->net);
    bd_status status = bd_net_begin(run->net, run->images, err);
    for (int s = 0, top = -1, above = -1; s < run->graph->switch_count && !status; s++) {
        if (trains(run, s)) {
            top = top < 0 ? s : top;
            status = train_switch(run, s, top, above, err);
            above = s;
        }
    }
    status = status ? status : bd_net_finish(run->net, err);
    if (status) {
        return status;
    }
    double rate = learning_rate(run);
    for (size_t i = 0; i < run->parameter_count; i++) {
        update(run, i, rate);
    }
    follow_scales(run);
    run->shown.rate = rate;
    return BD_OK;
}

static void tell(struct run *run, int kind)
{
    struct bd_train_event *event = &run->shown;
    double elapsed = now() - run->started;
    int64_t done = run->step - run->first_step;
    event->kind = kind;
    event->step = run->step;
    event->steps = run->steps;
    event->epoch = run->step / run->steps_per_epoch;
    event->switches = run->plan.switches;
    event->images_per_second = elapsed > 0 ? done * run->plan.batch / elapsed : 0;
    event->seconds_left = done ? elapsed / done * (run->steps - run->step) : 0;
    if (run->control->watch) {
        run->control->watch(run->control->context, event);
    }
}

static bd_status validate(struct run *run, struct bd_error *err)
{
    struct bd_train_event kept = run->shown;
    if (!run->control->validation) {
        return BD_OK;
    }
    bd_net_update_weights(run->net);
    bd_status status =
        bd_net_accuracy(run->net, run->graph, run->plan.batch, run->plan.switches, run->control->validation,
                        run->control->validate_images, run->shown.accuracy, err);
    if (!status) {
        tell(run, BD_TRAIN_VALIDATED);
    }
    run->shown = kept;
    return status;
}

static bd_status save(struct run *run, struct bd_error *err)
{
    if (!run->control->save_path) {
        return BD_OK;
    }
    bd_net_update_weights(run->net);
    run->step_array[0] = run->step & 0xfffff;
    run->step_array[1] = run->step >> 20;
    bd_status status = bd_checkpoint_save(run->checkpoint, run->control->save_path, err);
    if (!status) {
        tell(run, BD_TRAIN_SAVED);
    }
    return status;
}

static bd_status loop(struct run *run, struct bd_error *err)
{
    while (run->step < run->steps) {
        if (run->control->limit_seconds > 0 && now() - run->started >= run->control->limit_seconds) {
            run->control->finished = false;
            return save(run, err);
        }
        bd_status status = train_step(run, err);
        if (status) {
            return status;
        }
        run->step++;
        tell(run, BD_TRAIN_STEP);
        bool last = run->step == run->steps;
        if (!last && run->control->save_every && run->step % run->control->save_every == 0) {
            status = save(run, err);
        }
        if (!status && !last && run->step % run->steps_per_epoch == 0) {
            status = validate(run, err);
        }
        if (status) {
            return status;
        }
    }
    return BD_OK;
}

static bd_status finish(struct run *run, struct bd_error *err)
{
    bd_net_update_weights(run->net);
    int64_t batches = run->plan.recalibrate < run->steps_per_epoch ? run->plan.recalibrate : run->steps_per_epoch;
    if (batches) {
        bd_status status = bd_train_recalibrate(run->checkpoint, run->control->train, run->plan.switches,
                                                run->plan.batch, batches, err);
        if (status) {
            return status;
        }
        tell(run, BD_TRAIN_RECALIBRATED);
    }
    bd_status status = validate(run, err);
    bd_checkpoint_drop(run->checkpoint, "train/");
    return status;
}

bd_status bd_train_run(struct bd_checkpoint *checkpoint, const struct bd_train_plan *plan,
                       struct bd_train_control *control, struct bd_error *err)
{
    struct run run = {.checkpoint = checkpoint, .graph = &checkpoint->graph, .plan = *plan, .control = control};
    control->finished = true;
    bd_status status = open_run(&run, err);
    status = status ? status : loop(&run, err);
    if (!status && control->finished) {
        status = finish(&run, err);
    }
    close_run(&run);
    return status;
}

bd_status bd_train_recalibrate(struct bd_checkpoint *checkpoint, const struct bd_dataset *images, uint32_t switches,
                               int batch, int batches, struct bd_error *err)
{
    const struct bd_graph *graph = &checkpoint->graph;
    struct bd_net *net;
    switches = switches ? switches : (1u << graph->switch_count) - 1;
    if (batch < 1 || batches < 1 || (uint64_t)batch * batches > images->count) {
        return bd_fail(err, BD_BAD_INPUT, "cannot take %d batches of %d from %u images", batches, batch, images->count);
    }
    bd_status status = bd_check_dataset(graph, images, err);
    status = status ? status : bd_net_create(&net, checkpoint, batch, switches, false, false, err);
    if (status) {
        return status;
    }
    float *logits = bd_xcalloc((size_t)batch * graph->classes, sizeof *logits);
    for (int i = 0; i < batches && !status; i++) {
        status = bd_net_begin(net, bd_dataset_image(images, (uint32_t)i * batch), err);
        for (int s = 0; s < graph->switch_count && !status; s++) {
            if (switches >> s & 1) {
                status = bd_net_forward(net, s, 1.0 / (i + 1), logits, err);
            }
        }
    }
    free(logits);
    bd_net_destroy(net);
    return status;
}
