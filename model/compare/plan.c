/* What a comparison will run, on what, and about how long it takes. */
#include <stdlib.h>
#include <string.h>

#include "model/compare/plan.h"
#include "model/core/clock.h"
#include "model/core/json.h"
#include "model/core/memory.h"

/* Seconds that one image takes in the shared network of a variant on one thread, from a few steps on noise. */
static bd_status time_image(const struct bd_graph *graph, const struct bd_train_plan *recipe, double *seconds,
                            struct bd_error *err)
{
    struct bd_checkpoint checkpoint;
    struct bd_train_plan plan = *recipe;
    struct bd_dataset noise = {.count = plan.batch,
                               .height = graph->input_height,
                               .width = graph->input_width,
                               .channels = graph->input_channels,
                               .classes = graph->classes};
    size_t size = (size_t)plan.batch * noise.height * noise.width * noise.channels;
    plan.steps = BD_COMPARE_TIMED_STEPS;
    plan.recalibrate = 0;
    plan.switches = 0;
    noise.images = bd_xcalloc(size, 1);
    noise.labels = bd_xcalloc(plan.batch, sizeof *noise.labels);
    for (size_t i = 0; i < size; i++) {
        noise.images[i] = (i * 2654435761u) >> 24;
    }
    bd_checkpoint_init(&checkpoint);
    bd_status status = bd_graph_parse(&checkpoint.graph, graph->name, graph->yaml_text, strlen(graph->yaml_text), err);
    if (!status) {
        bd_train_initialise(&checkpoint, &plan);
        struct bd_train_control control = {.train = &noise};
        double start = bd_seconds(CLOCK_MONOTONIC);
        status = bd_train_run(&checkpoint, &plan, &control, err);
        *seconds = (bd_seconds(CLOCK_MONOTONIC) - start) / (BD_COMPARE_TIMED_STEPS * plan.batch);
    }
    bd_checkpoint_release(&checkpoint);
    bd_dataset_release(&noise);
    return status;
}

/* How many images of each split the comparison reads: {"training", "validation", "test", ...}. */
static bd_status describe_data(const struct bd_comparison *c, json_t *data, struct bd_error *err)
{
    static const char *const names[] = {"training_images", "validation_images", "test_images"};
    const int64_t limits[] = {c->config.images, 0, c->config.test_images};
    json_object_set_new(data, "set", json_string(bd_data_about(c->config.data.kind)->name));
    json_object_set_new(data, "folder", bd_json_text(bd_data_folder(&c->config.data)));
    for (int split = BD_SPLIT_TRAIN; split <= BD_SPLIT_TEST; split++) {
        struct bd_dataset images;
        bd_status status = bd_dataset_open(&images, &c->config.data, split, err);
        if (status) {
            return status;
        }
        int64_t count = images.count, limit = limits[split];
        bd_dataset_release(&images);
        if (split == BD_SPLIT_TRAIN && limit > count) {
            return bd_fail(err, BD_BAD_INPUT, "'images' is %d, but there are %d training images", (int)limit,
                           (int)count);
        }
        json_object_set_new(data, names[split], json_integer(limit && limit < count ? limit : count));
    }
    return BD_OK;
}

/* Adds what a run takes to the plan's totals; its seconds are those of one run alone. */
static void add_run(const struct bd_comparison *c, const struct bd_compare_run *run, double per_image, int64_t images,
                    json_t *plan)
{
    const int64_t batch = c->config.train.plan.batch;
    int64_t steps = bd_comparison_steps(c, run, images), epoch = images / batch;
    double part = run->switch_index < 0 ? 1 : 1.0 / c->networks[c->variants[run->variant].network].switch_count;
    double seconds = per_image * part * steps * batch, epochs = epoch ? (double)steps / epoch : 0;
    bool pilot = bd_comparison_is_pilot(c, run);
    json_object_set_new(plan, pilot ? "pilot_epochs" : "epochs", json_real(epochs));
    json_object_set_new(plan, "seconds",
                        json_real(json_number_value(json_object_get(plan, "seconds")) + seconds / c->config.jobs));
    json_array_append_new(json_object_get(plan, "runs"),
                          json_pack("{s:s, s:I, s:f, s:f}", "run", run->id, "steps", (json_int_t)steps, "epochs",
                                    epochs, "seconds", seconds));
}

static bd_status make_plan(const struct bd_comparison *c, json_t *plan, struct bd_error *err)
{
    double per_image[c->network_count + 1];
    json_t *data = json_object();
    json_object_set_new(plan, "name", bd_json_text(c->config.name));
    json_object_set_new(plan, "folder", bd_json_text(c->config.folder));
    json_object_set_new(plan, "data", data);
    json_object_set_new(plan, "arithmetic", json_string(bd_comparison_arithmetic(c)));
    json_object_set_new(plan, "seeds", json_integer(c->config.seeds));
    json_object_set_new(plan, "jobs", json_integer(c->config.jobs));
    json_object_set_new(plan, "runs", json_array());
    bd_status status = describe_data(c, data, err);
    for (int n = 0; n < c->network_count && !status; n++) {
        status = time_image(&c->networks[n], &c->config.train.plan, &per_image[n], err);
    }
    int64_t images = json_integer_value(json_object_get(data, "training_images"));
    for (int i = 0; i < c->run_count && !status; i++) {
        add_run(c, &c->runs[i], per_image[c->variants[c->runs[i].variant].network], images, plan);
    }
    return status;
}

bd_status bd_comparison_plan(const struct bd_comparison *comparison, json_t **plan, struct bd_error *err)
{
    *plan = json_object();
    bd_status status = make_plan(comparison, *plan, err);
    if (status) {
        json_decref(*plan);
        *plan = NULL;
    }
    return status;
}
