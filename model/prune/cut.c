#include "model/prune/cut.h"

#include <math.h>

#include "model/eval/evaluate.h"
#include "model/prune/prune.h"
#include "model/train/loop/train.h"

static bd_status tune(const struct bd_checkpoint *whole, const struct bd_cut_recipe *recipe,
                      struct bd_checkpoint *pruned, struct bd_error *err)
{
    struct bd_train_plan plan;
    struct bd_train_control control = {.train = recipe->train, .teacher = whole};
    bd_train_plan_init(&plan);
    plan.steps = recipe->steps;
    plan.epochs = recipe->epochs;
    plan.batch = recipe->batch;
    plan.rate = recipe->rate;
    plan.seed = recipe->seed;
    plan.switches = recipe->switches;
    plan.teacher = recipe->teacher;
    plan.sign_gradient = recipe->sign_gradient;
    plan.recalibrate = 0; /* afterwards, alike with and without tuning */
    return bd_train_run(pruned, &plan, &control, err);
}

bd_status bd_cut_accuracy(const struct bd_checkpoint *checkpoint, int *const *orders, const int *channels,
                          const struct bd_cut_recipe *recipe, double *accuracy, struct bd_error *err)
{
    struct bd_prune_choice choice;
    struct bd_checkpoint pruned;
    bd_prune_choose(&checkpoint->graph, orders, channels, &choice);
    bd_status status = bd_prune_surgery(checkpoint, &choice, &pruned, err);
    bd_prune_choice_release(&choice);
    if (status != BD_OK) {
        return status;
    }
    if (recipe->steps || recipe->epochs) {
        status = tune(checkpoint, recipe, &pruned, err);
    }
    if (status == BD_OK) {
        status = bd_train_recalibrate(&pruned, recipe->train, recipe->switches, (int)recipe->batch,
                                      (int)recipe->recalibrate, err);
    }
    if (status == BD_OK) {
        status =
            bd_float_accuracy(&pruned, recipe->switches, recipe->validation, (size_t)recipe->images, accuracy, err);
    }
    bd_checkpoint_release(&pruned);
    return status;
}

double bd_cut_mean(const struct bd_graph *graph, uint32_t switches, const double *accuracy)
{
    double sum = 0.0;
    int count = 0;
    for (int s = 0; s < graph->switch_count; s++) {
        if (!switches || switches >> s & 1) {
            sum += 100.0 * accuracy[s];
            count++;
        }
    }
    return sum / count;
}

double bd_cut_worst(const struct bd_graph *graph, uint32_t switches, const double *accuracy)
{
    double worst = HUGE_VAL;
    for (int s = 0; s < graph->switch_count; s++) {
        if (!switches || switches >> s & 1) {
            worst = fmin(worst, 100.0 * accuracy[s]);
        }
    }
    return worst;
}
