#include "model/prune/pipeline.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/core/file.h"
#include "model/core/memory.h"
#include "model/prune/cut.h"
#include "model/train/network/accuracy.h"

/* ---- opening ---- */

/* "inner" groups have one writer; the residual stream's have the layers that write it. */
static bool group_is_stream(const struct bd_graph *graph, int group)
{
    for (int l = 0; l < graph->layer_count; l++) {
        if (graph->layers[l].prune_group == group && graph->layers[l].writes_stream) {
            return true;
        }
    }
    return false;
}

/* Clocks, within all the other budgets. */
static double point_cost(void *context, const double *point)
{
    struct bd_prune_run *run = context;
    int channels[BD_MAX_LAYERS];
    bd_prune_channels(run, point, channels);
    for (enum bd_price price = BD_PRICE_CLOCKS + 1; price < BD_PRICES; price++) {
        const double limit = run->config.limits[price];
        if (limit < 1.0 && bd_prices_of(&run->prices, price, channels) > limit * run->prices.whole[price]) {
            return HUGE_VAL;
        }
    }
    return bd_prices_of(&run->prices, BD_PRICE_CLOCKS, channels);
}

/* The second objective of a front: a price, the less the better. */
static double point_price(void *context, const double *point)
{
    struct bd_prune_run *run = context;
    int channels[BD_MAX_LAYERS];
    bd_prune_channels(run, point, channels);
    return -bd_prices_of(&run->prices, (enum bd_price)run->config.price, channels);
}

/* Single filters where stored bytes decide, whole tiles of the hardware where they do not. */
static enum bd_price grid_of(const struct bd_prune_config *config)
{
    const bool bytes = config->limits[BD_PRICE_BYTES] < 1.0 || (config->front && config->price == BD_PRICE_BYTES);
    return bytes ? BD_PRICE_BYTES : BD_PRICE_CLOCKS;
}

static void tell_whole(struct bd_prune_run *run, int group)
{
    const struct bd_graph *graph = &run->base.graph;
    int l = 0;
    while (graph->layers[l].prune_group != group) {
        l++;
    }
    char *longer = bd_asprintf("%s%s%s", run->told_whole ? run->told_whole : "", run->told_whole ? ", " : "",
                               graph->layers[l].name);
    free(run->told_whole);
    run->told_whole = longer;
}

static bd_status make_axes(struct bd_prune_run *run, struct bd_error *err)
{
    const struct bd_graph *graph = &run->base.graph;
    for (int g = 0; g < graph->prune_group_count; g++) {
        int full = bd_graph_group_channels(graph, g);
        if (!(group_is_stream(graph, g) ? run->config.stream : run->config.inner)) {
            continue;
        }
        int *widths = bd_xcalloc((size_t)full, sizeof(int));
        double *values = bd_xcalloc((size_t)full, sizeof(double));
        int least = (int)ceil(run->config.least_ratio * full);
        size_t count = bd_prices_grid(&run->prices, grid_of(&run->config), g, least > 1 ? least : 1, widths);
        for (size_t i = 0; i < count; i++) {
            values[i] = widths[i];
        }
        free(widths);
        if (count < 2 || run->axis_count == BD_GP_MAX_DIMENSIONS) {
            free(values);
            if (count > 1) {
                tell_whole(run, g);
            }
            continue;
        }
        run->search.axes[run->axis_count] = (struct bd_search_axis){.count = count, .values = values};
        run->axis_group[run->axis_count] = g;
        run->axis_values[run->axis_count++] = values;
    }
    if (run->axis_count == 0) {
        return bd_fail(err, BD_BAD_INPUT, "the hardware tells no two widths of '%s' apart", graph->name);
    }
    return BD_OK;
}

static bd_status make_search(struct bd_prune_run *run, struct bd_error *err)
{
    struct bd_search_axis axes[BD_GP_MAX_DIMENSIONS];
    struct bd_search_config config = {.method = (enum bd_search_method)run->config.method,
                                      .seed = (uint64_t)run->config.seed,
                                      .initial = (int)run->config.initial,
                                      .budget = run->config.budget_ratio * (double)run->base_cycles,
                                      .floor = run->config.floor_ratio * (double)run->base_cycles,
                                      .cost = point_cost,
                                      .objectives = run->config.front ? 2 : 1,
                                      .known = run->config.front ? point_price : NULL,
                                      .context = run};
    memcpy(axes, run->search.axes, sizeof(axes));
    bd_status status = bd_search_init(&run->search, run->axis_count, axes, &config, err);
    if (status != BD_OK) {
        const double *limits = run->config.limits;
        const bool others = limits[BD_PRICE_ENERGY] < 1.0 || limits[BD_PRICE_BYTES] < 1.0;
        bd_fail_prefix(err, "budget of %g of the %" PRIu64 " clocks%s of '%s' at '%s'", run->config.budget_ratio,
                       run->base_cycles, others ? ", and of other prices," : "", run->base.graph.name,
                       run->config.budget_switch);
    }
    return status;
}

static bd_status make_orders(struct bd_prune_run *run, struct bd_error *err)
{
    const struct bd_ranking_source source = {.checkpoint = &run->base,
                                             .images = &run->train,
                                             .switches = run->objective,
                                             .seed = (uint64_t)run->config.seed};
    run->orders = bd_orders_new(&run->base.graph);
    return bd_prune_orders(&source, (enum bd_ranking)run->config.ranking, run->orders, err);
}

static bd_status load_network(struct bd_prune_run *run, struct bd_error *err)
{
    bd_status status = bd_checkpoint_load(&run->base, run->config.checkpoint, err);
    if (status == BD_OK) {
        status = bd_hardware_load(&run->hardware, run->config.hardware, err);
    }
    if (status == BD_OK) {
        status = bd_train_switch_mask(&run->base.graph, run->config.objective, &run->objective, err);
    }
    if (status == BD_OK) {
        status = bd_train_switch_mask(&run->base.graph, run->config.final_switches, &run->final, err);
    }
    if (status == BD_OK && bd_graph_switch(&run->base.graph, run->config.budget_switch) < 0) {
        status = bd_fail(err, BD_BAD_INPUT, "network '%s' has no switch '%s'", run->base.graph.name,
                         run->config.budget_switch);
    }
    return status;
}

static bd_status load_data(struct bd_prune_run *run, struct bd_error *err)
{
    const struct bd_image_shape shape = bd_graph_shape(&run->base.graph);
    bd_status status = bd_data_resolve(&run->config.data, &shape, &run->images_told, err);
    if (status == BD_OK) {
        status = bd_dataset_open(&run->train, &run->config.data, BD_SPLIT_TRAIN, err);
    }
    if (status == BD_OK) {
        status = bd_dataset_open(&run->validation, &run->config.data, BD_SPLIT_VALIDATION, err);
    }
    return status == BD_OK ? bd_check_dataset(&run->base.graph, &run->validation, err) : status;
}

static bd_status price_base(struct bd_prune_run *run, struct bd_error *err)
{
    const struct bd_graph *graph = &run->base.graph;
    const int budget_switch = bd_graph_switch(graph, run->config.budget_switch);
    if (bd_prices_init(&run->prices, graph, &run->hardware, budget_switch, err)) {
        return err->status;
    }
    run->base_cycles = (uint64_t)run->prices.whole[BD_PRICE_CLOCKS];
    return BD_OK;
}

typedef bd_status (*opening_step)(struct bd_prune_run *run, struct bd_error *err);

static bd_status open_run(struct bd_prune_run *run, struct bd_prune_config *config, const opening_step *steps,
                          struct bd_error *err)
{
    memset(run, 0, sizeof(*run));
    run->journal.fd = -1;
    run->config = *config;
    memset(config, 0, sizeof(*config));
    bd_checkpoint_init(&run->base);
    bd_status status = BD_OK;
    for (; *steps && status == BD_OK; steps++) {
        status = (*steps)(run, err);
    }
    if (status != BD_OK) {
        bd_prune_close(run);
    }
    return status;
}

bd_status bd_prune_open(struct bd_prune_run *run, struct bd_prune_config *config, struct bd_error *err)
{
    static const opening_step steps[] = {load_network, price_base,  make_axes,         make_search,
                                         load_data,    make_orders, bd_prune_identify, NULL};
    return open_run(run, config, steps, err);
}

bd_status bd_prune_open_worker(struct bd_prune_run *run, struct bd_prune_config *config, const char *orders,
                               struct bd_error *err)
{
    static const opening_step steps[] = {load_network, load_data, NULL};
    bd_status status = open_run(run, config, steps, err);
    if (status == BD_OK) {
        status = bd_orders_read(&run->base.graph, orders, &run->orders, err);
        if (status != BD_OK) {
            bd_prune_close(run);
        }
    }
    return status;
}

void bd_prune_close(struct bd_prune_run *run)
{
    free(run->forecasts);
    free(run->proposals);
    for (size_t i = 0; i < run->axis_count; i++) {
        free(run->axis_values[i]);
    }
    bd_orders_free(&run->base.graph, run->orders);
    free(run->identity);
    bd_search_release(&run->search);
    bd_journal_close(&run->journal);
    bd_prices_release(&run->prices);
    free(run->told_whole);
    free(run->images_told);
    bd_dataset_release(&run->train);
    bd_dataset_release(&run->validation);
    bd_hardware_release(&run->hardware);
    bd_checkpoint_release(&run->base);
    bd_prune_config_release(&run->config);
}

/* ---- cuts ---- */

double bd_prune_worth(const struct bd_prune_run *run, const double *accuracy)
{
    return run->config.worst ? bd_cut_worst(&run->base.graph, run->objective, accuracy)
                             : bd_cut_mean(&run->base.graph, run->objective, accuracy);
}

void bd_prune_channels(const struct bd_prune_run *run, const double *point, int *group_channels)
{
    for (int g = 0; g < run->base.graph.prune_group_count; g++) {
        group_channels[g] = bd_graph_group_channels(&run->base.graph, g);
    }
    for (size_t i = 0; i < run->axis_count; i++) {
        group_channels[run->axis_group[i]] = (int)point[i];
    }
}

bd_status bd_prune_cut(const struct bd_prune_run *run, const int *group_channels, struct bd_checkpoint *pruned,
                       struct bd_error *err)
{
    struct bd_prune_choice choice;
    bd_prune_choose(&run->base.graph, run->orders, group_channels, &choice);
    bd_status status = bd_prune_surgery(&run->base, &choice, pruned, err);
    bd_prune_choice_release(&choice);
    return status;
}

/* ---- the best ---- */

static bd_status fine_tune(struct bd_prune_run *run, const char *partial, uint32_t start,
                           void (*watch)(void *, const struct bd_train_event *), void *context,
                           struct bd_checkpoint *pruned, struct bd_error *err)
{
    const struct bd_prune_config *c = &run->config;
    struct bd_train_plan plan;
    struct bd_train_control control = {.train = &run->train,
                                       .validation = &run->validation,
                                       .validate_images = c->images,
                                       .save_path = partial,
                                       .save_every = c->final_save_every,
                                       .start = start,
                                       .teacher = &run->base,
                                       .watch = watch,
                                       .context = context};
    bd_train_plan_init(&plan);
    plan.epochs = c->final_epochs;
    plan.steps = c->final_steps;
    plan.batch = c->final_batch;
    plan.crop = c->final_crop;
    plan.rate = c->final_rate;
    plan.seed = c->seed;
    plan.teacher = c->final_teacher;
    plan.sign_gradient = c->final_sign;
    plan.switches = run->final;
    if (plan.epochs == 0 && plan.steps == 0) {
        return bd_train_recalibrate(pruned, &run->train, 0, (int)plan.batch, (int)plan.recalibrate, err);
    }
    bd_status status = bd_train_run(pruned, &plan, &control, err);
    const uint32_t others =
        ((1u << pruned->graph.switch_count) - 1) & ~run->final; /* shared weights moved for them too */
    if (status == BD_OK && others) {
        status = bd_train_recalibrate(pruned, &run->train, others, (int)plan.batch, (int)plan.recalibrate, err);
    }
    return status;
}

/* What a killed run left of this very fine-tuning: bd_train_run checks all but the network. */
static bd_status take_partial(const char *partial, struct bd_checkpoint *pruned, struct bd_error *err)
{
    struct bd_checkpoint saved;
    if (access(partial, F_OK) != 0) {
        return BD_OK;
    }
    bd_status status = bd_checkpoint_load(&saved, partial, err);
    if (status != BD_OK) {
        return status;
    }
    if (!bd_checkpoint_find(&saved, "train/step")) {
        status = bd_fail(err, BD_BAD_INPUT, "'%s' holds no fine-tuning to resume", partial);
    } else if (bd_train_check_network(&saved.graph, &pruned->graph, err) != BD_OK) {
        status = bd_fail_prefix(err, "'%s'", partial);
    } else {
        struct bd_checkpoint cut = *pruned;
        *pruned = saved;
        saved = cut;
    }
    bd_checkpoint_release(&saved);
    return status;
}

/* A new fine-tuning does not go on with what a killed run left, and does not lose it either. */
static bd_status set_aside(const char *partial, struct bd_error *err)
{
    char *old = bd_asprintf("%s.old", partial);
    bd_status status = BD_OK;
    if (rename(partial, old) != 0 && errno != ENOENT) {
        status = bd_fail(err, BD_INFRA, "cannot rename '%s' to '%s': %s", partial, old, strerror(errno));
    }
    free(old);
    return status;
}

bd_status bd_prune_finish(struct bd_prune_run *run, const int *group_channels, bool resume,
                          void (*watch)(void *, const struct bd_train_event *), void *context,
                          struct bd_checkpoint *pruned, struct bd_error *err)
{
    bd_status status = bd_prune_cut(run, group_channels, pruned, err);
    if (status != BD_OK) {
        return status;
    }
    char *partial = bd_prune_partial(run);
    const uint32_t start = bd_checkpoint_checksum(pruned);
    if (resume) {
        status = take_partial(partial, pruned, err);
    } else {
        status = set_aside(partial, err);
    }
    if (status == BD_OK) {
        status = fine_tune(run, partial, start, watch, context, pruned, err);
    }
    if (status == BD_OK) {
        bd_prune_note(run, group_channels, pruned);
        status = bd_checkpoint_save(pruned, run->config.output, err);
    }
    if (status == BD_OK) {
        unlink(partial);
    } else {
        bd_checkpoint_release(pruned);
    }
    free(partial);
    return status;
}

char *bd_prune_partial(const struct bd_prune_run *run)
{
    return bd_asprintf("%s.partial", run->config.output);
}
