/* Training, recalibration and evaluation. */
#include "model/train/loop/train.h"
#include "model/eval/evaluate.h"
#include "sw/lib/api.h"

struct watcher {
    const struct bitdial_train_options *options;
};

static void watch(void *context, const struct bd_train_event *event)
{
    const struct bitdial_train_options *options = ((struct watcher *)context)->options;
    if (event->kind != BD_TRAIN_STEP || !options->watch) {
        return;
    }
    struct bitdial_progress progress = {.step = event->step,
                                        .steps = event->steps,
                                        .images_per_second = event->images_per_second,
                                        .seconds_left = event->seconds_left};
    memcpy(progress.loss, event->loss, sizeof progress.loss);
    memcpy(progress.accuracy, event->accuracy, sizeof progress.accuracy);
    options->watch(options->context, &progress);
}

_Static_assert((int)BITDIAL_MAX_SWITCHES == BD_MAX_SWITCHES, "as many switches outside as inside");

bitdial_status bitdial_train(struct bitdial_network *network, const char *recipe_path,
                             const struct bitdial_images *train, const struct bitdial_images *validation,
                             const struct bitdial_train_options *options, bool *finished, struct bitdial_error *err)
{
    static const struct bitdial_train_options none;
    struct watcher watcher = {.options = options ? options : &none};
    struct bd_error here;
    struct bd_train_config config;
    bd_status status = bd_train_config_load(&config, recipe_path, &here);
    if (status) {
        return bd_api_give(status, &here, err);
    }
    if (config.plan.teacher == BD_TEACHER_NETWORK) {
        bd_train_config_release(&config);
        return bd_api_fail(err, BITDIAL_BAD_INPUT,
                           "%s: a teacher in a file of its own is for the command alone: choose labels, top or next",
                           recipe_path);
    }
    struct bd_train_control control = {.train = &train->dataset,
                                       .validation = validation ? &validation->dataset : NULL,
                                       .validate_images = config.validate_images,
                                       .save_path = watcher.options->save_path,
                                       .save_every = config.save_every,
                                       .limit_seconds = watcher.options->limit_seconds,
                                       .watch = watch,
                                       .context = &watcher};
    status = bd_train_switch_mask(&network->checkpoint.graph, config.switches, &config.plan.switches, &here);
    status = status ? status : bd_train_run(&network->checkpoint, &config.plan, &control, &here);
    bd_train_config_release(&config);
    if (!status) {
        *finished = control.finished;
    }
    return bd_api_give(status, &here, err);
}

bitdial_status bitdial_recalibrate(struct bitdial_network *network, const struct bitdial_images *images, uint32_t count,
                                   struct bitdial_error *err)
{
    const uint32_t all = images->dataset.count, used = count && count < all ? count : all;
    const uint32_t batch = used < 128 ? used : 128;
    struct bd_error here;
    bd_status status = bd_train_recalibrate(&network->checkpoint, &images->dataset, 0, (int)batch,
                                            (int)((used + batch - 1) / batch), &here);
    return bd_api_give(status, &here, err);
}

bitdial_status bitdial_evaluate(const struct bitdial_network *network, const struct bitdial_images *images,
                                uint32_t count, double *accuracy, struct bitdial_error *err)
{
    struct bd_error here;
    double all[BD_MAX_SWITCHES];
    bd_status status = bd_float_accuracy(&network->checkpoint, 0, &images->dataset, count, all, &here);
    if (!status) {
        memcpy(accuracy, all, (size_t)network->checkpoint.graph.switch_count * sizeof *accuracy);
    }
    return bd_api_give(status, &here, err);
}
