/* What a search, and the network that it ends in, must be of to go on with it. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "model/core/file.h"
#include "model/core/memory.h"
#include "model/prune/pipeline.h"

#define CHECKPOINT_LIMIT ((size_t)1 << 30)
static const char *const methods[] = {[BD_SEARCH_BAYES] = "bayes",
                                      [BD_SEARCH_RANDOM] = "random",
                                      [BD_SEARCH_UNIFORM] = "uniform",
                                      [BD_SEARCH_SOBOL] = "sobol"};

/* The first validation images, as many as an evaluation measures. */
static uint32_t measured_images(const struct bd_prune_run *run)
{
    struct bd_dataset part = run->validation;
    part.count = run->config.images < part.count ? (uint32_t)run->config.images : part.count;
    return bd_dataset_checksum(&part);
}

bd_status bd_prune_identify(struct bd_prune_run *run, struct bd_error *err)
{
    const struct bd_prune_config *c = &run->config;
    const struct bd_memory_model *memory = &run->hardware.memory;
    struct bd_train_plan plan;
    uint8_t *bytes;
    size_t size;
    bd_status status = bd_file_read(c->checkpoint, CHECKPOINT_LIMIT, &bytes, &size, err);
    if (status != BD_OK) {
        return status;
    }
    bd_train_plan_init(&plan);
    char *hardware = bd_asprintf("%s %016" PRIx64 " %" PRId64 ",%" PRId64 ",%" PRId64, run->hardware.name,
                                 bd_hardware_geometry_hash(&run->hardware), memory->latency, memory->beat_interval,
                                 memory->outstanding);
    json_t *o = json_pack(
        "{s:s, s:s, s:I, s:s, s:s, s:f, s:f, s:I, s:I, s:i, s:s, s:I, s:I, s:s, s:f, s:s, s:I, s:I, "
        "s:I, s:I, s:f, s:b}",
        "journal", "bitdial prune 3", "network", run->base.graph.name, "checkpoint_crc",
        (json_int_t)bd_crc32(bytes, size), "hardware", hardware, "budget_switch", c->budget_switch, "budget",
        c->budget_ratio * (double)run->base_cycles, "floor", c->floor_ratio * (double)run->base_cycles,
        "training_images_crc", (json_int_t)bd_dataset_checksum(&run->train), "validation_images_crc",
        (json_int_t)measured_images(run), "method", c->method, "ranking", bd_rankings[c->ranking].name, "seed",
        (json_int_t)c->seed, "initial", (json_int_t)c->initial, "groups", c->groups, "least_ratio", c->least_ratio,
        "objective", c->objective ? c->objective : "", "images", (json_int_t)c->images, "recalibrate",
        (json_int_t)c->recalibrate, "tune_steps", (json_int_t)c->tune_steps, "tune_batch", (json_int_t)c->tune_batch,
        "tune_rate", c->tune_rate, "bfloat16", c->tune_steps > 0 && bd_train_uses_bfloat16(&plan));
    for (enum bd_price price = BD_PRICE_CLOCKS + 1; price < BD_PRICES; price++) {
        if (c->limits[price] < 1.0) {
            json_object_set_new(o, price == BD_PRICE_ENERGY ? "energy_budget" : "bytes_budget",
                                json_real(c->limits[price] * run->prices.whole[price]));
        }
    }
    if (c->tune_teacher != BD_TEACHER_TOP) {
        json_object_set_new(o, "teacher", json_integer(c->tune_teacher));
    }
    if (c->tune_sign != BD_PLAN_SIGN_NETWORK) {
        json_object_set_new(o, "sign_gradient", json_integer(c->tune_sign));
    }
    if (c->worst) {
        json_object_set_new(o, "target", json_string("worst"));
    }
    if (c->front) {
        json_object_set_new(o, "front", json_integer(c->price));
    }
    if (c->jobs > 1) { /* evaluations that are pending decide the next proposal */
        json_object_set_new(o, "jobs", json_integer((json_int_t)c->jobs));
    }
    free(hardware);
    free(bytes);
    run->identity = json_dumps(o, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(17));
    json_decref(o);
    return BD_OK;
}

static json_t *widths_json(const struct bd_prune_run *run, const int *group_channels)
{
    json_t *widths = json_array();
    for (int g = 0; g < run->base.graph.prune_group_count; g++) {
        json_array_append_new(widths, json_integer(group_channels[g]));
    }
    return widths;
}

/* What it was made from and how, by the names that the search's file has. */
static json_t *made_from(const struct bd_prune_run *run)
{
    const struct bd_prune_config *c = &run->config;
    char source[16];
    snprintf(source, sizeof source, "%08x", bd_checkpoint_checksum(&run->base));
    return json_pack("{s:s, s:s, s:s, s:{s:f, s:f, s:f, s:f, s:f}}", "source_checksum", source, "ranking",
                     bd_rankings[c->ranking].name, "method", methods[c->method], "budget", "ratio", c->budget_ratio,
                     "floor", c->floor_ratio, "clocks", c->budget_ratio * (double)run->base_cycles, "energy",
                     c->limits[BD_PRICE_ENERGY], "bytes", c->limits[BD_PRICE_BYTES]);
}

void bd_prune_note(struct bd_prune_run *run, const int *group_channels, struct bd_checkpoint *pruned)
{
    const struct bd_prune_config *c = &run->config;
    json_t *base = run->base.metadata ? json_loads(run->base.metadata, 0, NULL) : NULL;
    json_t *tuned = pruned->metadata ? json_loads(pruned->metadata, 0, NULL) : NULL,
           *plan = json_object_get(tuned, "plan");
    const bool tunes = c->final_epochs || c->final_steps;
    json_t *metadata = json_pack(
        "{s:s, s:s, s:s, s:I, s:o, s:I, s:I, s:I, s:{s:I, s:I, s:I, s:f, s:I, s:i, s:O?}, s:o, s:o}", "made_by",
        "bitdial prune", "hardware", run->hardware.name, "budget_switch", c->budget_switch, "seed", (json_int_t)c->seed,
        "group_channels", widths_json(run, group_channels), "evaluations", (json_int_t)run->search.count,
        "cycles_before", (json_int_t)run->base_cycles, "cycles_after",
        (json_int_t)bd_prices_of(&run->prices, BD_PRICE_CLOCKS, group_channels), "fine_tuning", "epochs",
        (json_int_t)c->final_epochs, "steps", (json_int_t)c->final_steps, "batch", (json_int_t)c->final_batch, "rate",
        c->final_rate, "crop", (json_int_t)c->final_crop, "teacher", c->final_teacher, "plan", tunes ? plan : NULL,
        "search", json_loads(run->identity, 0, NULL), "base", base ? base : json_object());
    json_object_update_new(metadata, made_from(run));
    free(pruned->metadata);
    pruned->metadata = json_dumps(metadata, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(17));
    json_decref(metadata);
    json_decref(tuned);
}

bd_status bd_prune_check_output(const struct bd_prune_run *run, const int *group_channels, struct bd_error *err)
{
    const char *output = run->config.output;
    struct bd_checkpoint made;
    struct stat info;
    if (stat(output, &info) != 0 || !S_ISREG(info.st_mode) || info.st_size == 0) {
        return BD_OK;
    }
    bd_status status = bd_checkpoint_load(&made, output, err);
    if (status != BD_OK) {
        return status;
    }
    json_t *metadata = made.metadata ? json_loads(made.metadata, 0, NULL) : NULL;
    json_t *search = json_object_get(metadata, "search");
    char *was = search ? json_dumps(search, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(17)) : NULL;
    json_t *widths = group_channels ? widths_json(run, group_channels) : NULL;
    if (!was) {
        status = bd_fail(err, BD_BAD_INPUT, "'%s' is no checkpoint of a pruning: --force begins anew over it", output);
    } else if (bd_journal_check_head(was, run->identity, "search", err)) {
        status = bd_fail_prefix(err, "'%s'", output);
    } else if (widths && !json_equal(widths, json_object_get(metadata, "group_channels"))) {
        status = bd_fail(err, BD_BAD_INPUT, "'%s' is of another search: its groups have other channels", output);
    }
    free(was);
    json_decref(widths);
    json_decref(metadata);
    bd_checkpoint_release(&made);
    return status;
}
