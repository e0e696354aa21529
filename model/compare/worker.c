/* One run of a comparison: train or go on, evaluate, tell. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/compare/compare.h"
#include "model/core/memory.h"
#include "model/eval/evaluate.h"

char *bd_comparison_checkpoint(const struct bd_comparison *c, const struct bd_compare_run *run)
{
    return bd_asprintf("%s/%s.h5", c->config.folder, run->id);
}

struct work {
    const struct bd_comparison *comparison;
    const struct bd_compare_run *run;
    struct bd_dataset train, validation, test;
    struct bd_checkpoint checkpoint, teacher;
    char *path;
    uint32_t switches;
    bool pilot;
};

static bd_status open_data(struct work *work, struct bd_error *err)
{
    const struct bd_compare_config *config = &work->comparison->config;
    bd_status status = bd_dataset_open(&work->train, &config->data, BD_SPLIT_TRAIN, err);
    status = status ? status : bd_dataset_open(&work->validation, &config->data, BD_SPLIT_VALIDATION, err);
    if (!status && config->images) {
        if (config->images > work->train.count) {
            return bd_fail(err, BD_BAD_INPUT, "'images' is %d, but there are %u training images", (int)config->images,
                           work->train.count);
        }
        work->train.count = config->images;
    }
    return status;
}

/* What this very run left, finished or not; else fresh weights, the same for every arm of a seed. */
static bd_status open_checkpoint(struct work *work, const struct bd_train_plan *plan,
                                 const struct bd_train_control *control, bool *finished, struct bd_error *err)
{
    const struct bd_variant *variant = &work->comparison->variants[work->run->variant];
    const struct bd_graph *graph = &work->comparison->networks[variant->network];
    *finished = false;
    if (access(work->path, F_OK) == 0) {
        bd_status status = bd_checkpoint_load(&work->checkpoint, work->path, err);
        if (!status && (bd_train_check_network(&work->checkpoint.graph, graph, err) ||
                        bd_train_check_made(&work->checkpoint, plan, control, err))) {
            status = bd_fail_prefix(err, "'%s'", work->path);
        }
        *finished = !status && !bd_checkpoint_find(&work->checkpoint, "train/step");
        return status;
    }
    bd_checkpoint_init(&work->checkpoint);
    bd_status status = bd_graph_parse(&work->checkpoint.graph, work->comparison->config.network, graph->yaml_text,
                                      strlen(graph->yaml_text), err);
    if (!status) {
        bd_train_initialise(&work->checkpoint, plan);
    }
    return status;
}

static struct bd_train_plan plan_of(const struct work *work, double rate)
{
    const struct bd_comparison *c = work->comparison;
    const struct bd_compare_run *run = work->run;
    const struct bd_variant *variant = &c->variants[run->variant];
    struct bd_train_plan plan = c->config.train.plan;
    plan.rate = rate;
    plan.seed = run->seed;
    plan.arithmetic = variant->arithmetic;
    plan.switches = work->switches;
    plan.label_weight = variant->label_weight;
    plan.teacher = run->arm == BD_ARM_SHARED   ? variant->teacher
                   : run->arm == BD_ARM_TAUGHT ? BD_TEACHER_NETWORK
                                               : BD_TEACHER_LABELS;
    plan.steps = bd_comparison_steps(c, run, work->train.count);
    if (run->arm != BD_ARM_SHARED) { /* what has a meaning between switches alone */
        plan.sampled = 0;
        plan.warm_start = 0;
        plan.frozen = 0;
    }
    return plan;
}

static bd_status train(struct work *work, double rate, void (*watch)(void *context, const struct bd_train_event *event),
                       void *context, struct bd_error *err)
{
    const struct bd_comparison *c = work->comparison;
    struct bd_train_plan plan = plan_of(work, rate);
    struct bd_train_control control = {.train = &work->train,
                                       .validation = &work->validation,
                                       .validate_images = c->config.train.validate_images,
                                       .save_path = work->path,
                                       .save_every = c->config.train.save_every,
                                       .measure_every = c->config.train.measure_every,
                                       .watch = watch,
                                       .context = context};
    bool finished;
    bd_status status = BD_OK;
    if (work->run->teacher >= 0) {
        const struct bd_compare_run *teacher = &c->runs[work->run->teacher];
        char *path = bd_comparison_checkpoint(c, teacher);
        status = bd_checkpoint_load(&work->teacher, path, err);
        free(path);
        control.teacher = &work->teacher;
        control.teacher_switch = teacher->switch_index;
    }
    status = status ? status : open_checkpoint(work, &plan, &control, &finished, err);
    if (status || finished) {
        return status;
    }
    status = bd_train_run(&work->checkpoint, &plan, &control, err);
    return status ? status : bd_checkpoint_save(&work->checkpoint, work->path, err);
}

/* One hexadecimal digit for four images, the first being the highest bit. */
static char *pack_right(const uint8_t *right, size_t count)
{
    size_t digits = (count + 3) / 4;
    char *text = bd_xcalloc(digits + 1, 1);
    for (size_t d = 0; d < digits; d++) {
        int value = 0;
        for (size_t k = 0; k < 4; k++) {
            value = 2 * value + (4 * d + k < count ? right[4 * d + k] : 0);
        }
        text[d] = "0123456789abcdef"[value];
    }
    return text;
}

/* Which test images a switch classifies rightly. */
static bd_status test_switch(const struct work *work, int s, size_t count, json_t *into, struct bd_error *err)
{
    const struct bd_graph *graph = &work->checkpoint.graph;
    size_t classes = graph->classes;
    float *logits = bd_xcalloc(count * classes, sizeof *logits);
    uint8_t *right = bd_xcalloc(count, 1);
    bd_status status = bd_float_eval(&work->checkpoint, s, &work->test, 0, count, logits, NULL, err);
    for (size_t i = 0; i < count && !status; i++) {
        size_t best = 0;
        for (size_t k = 1; k < classes; k++) {
            best = logits[i * classes + k] > logits[i * classes + best] ? k : best;
        }
        right[i] = best == work->test.labels[i];
    }
    if (!status) {
        char *text = pack_right(right, count);
        json_object_set_new(into, graph->switches[s].name, json_string(text));
        free(text);
    }
    free(logits);
    free(right);
    return status;
}

static bd_status evaluate(struct work *work, double rate, char **record, struct bd_error *err)
{
    const struct bd_compare_config *config = &work->comparison->config;
    const struct bd_graph *graph = &work->checkpoint.graph;
    double accuracy[BD_MAX_SWITCHES];
    bd_status status = bd_float_accuracy(&work->checkpoint, work->switches, &work->validation, 0, accuracy, err);
    if (!status && !work->pilot) {
        status = bd_dataset_open(&work->test, &config->data, BD_SPLIT_TEST, err);
    }
    if (status) {
        return status;
    }
    json_t *validation = json_object(), *right = json_object();
    size_t count =
        config->test_images && config->test_images < work->test.count ? (size_t)config->test_images : work->test.count;
    for (int s = 0; s < graph->switch_count && !status; s++) {
        if (work->switches >> s & 1) {
            json_object_set_new(validation, graph->switches[s].name, json_real(accuracy[s]));
            status = work->pilot ? BD_OK : test_switch(work, s, count, right, err);
        }
    }
    json_t *o = json_pack("{s:s, s:f, s:o}", "run", work->run->id, "rate", rate, "validation", validation);
    if (!work->pilot) {
        json_object_set_new(o, "test_images", json_integer(count));
        json_object_set(o, "right", right);
    }
    json_decref(right);
    *record = status ? NULL : json_dumps(o, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(17));
    json_decref(o);
    return status;
}

bd_status bd_comparison_run(const struct bd_comparison *c, const struct bd_compare_run *run, double rate,
                            void (*watch)(void *context, const struct bd_train_event *event), void *context,
                            char **record, struct bd_error *err)
{
    const struct bd_graph *graph = &c->networks[c->variants[run->variant].network];
    struct work work = {.comparison = c, .run = run, .pilot = bd_comparison_is_pilot(c, run)};
    work.switches = run->switch_index < 0 ? (1u << graph->switch_count) - 1 : 1u << run->switch_index;
    work.path = bd_comparison_checkpoint(c, run);
    bd_checkpoint_init(&work.checkpoint);
    bd_checkpoint_init(&work.teacher);
    bd_status status = open_data(&work, err);
    status = status ? status : train(&work, rate, watch, context, err);
    status = status ? status : evaluate(&work, rate, record, err);
    bd_dataset_release(&work.train);
    bd_dataset_release(&work.validation);
    bd_dataset_release(&work.test);
    bd_checkpoint_release(&work.checkpoint);
    bd_checkpoint_release(&work.teacher);
    free(work.path);
    return status;
}
