/* What a folder's runs are of: the head of their plan, and whether a comparison belongs to it. */
#include <stdlib.h>
#include <string.h>

#include "model/compare/compare.h"
#include "model/core/memory.h"
#include "model/search/journal.h"

const char *bd_comparison_arithmetic(const struct bd_comparison *comparison)
{
    return bd_train_uses_bfloat16(&comparison->config.train.plan) ? "bfloat16" : "float32";
}

bd_status bd_comparison_images(const struct bd_comparison *comparison, char **text, struct bd_error *err)
{
    const struct bd_compare_config *c = &comparison->config;
    const int64_t most[] = {[BD_SPLIT_TRAIN] = c->images, [BD_SPLIT_VALIDATION] = 0, [BD_SPLIT_TEST] = c->test_images};
    uint32_t found[3];
    for (int split = BD_SPLIT_TRAIN; split <= BD_SPLIT_TEST; split++) {
        struct bd_dataset set;
        if (bd_dataset_open(&set, &c->data, split, err)) {
            return err->status;
        }
        const uint32_t whole = set.count;
        set.count = most[split] && most[split] < whole ? (uint32_t)most[split] : whole;
        found[split] = bd_dataset_checksum(&set);
        set.count = whole;
        bd_dataset_release(&set);
    }
    *text = bd_asprintf("%08x %08x %08x", found[0], found[1], found[2]);
    return BD_OK;
}

char *bd_comparison_identity(const struct bd_comparison *comparison, const char *build, const char *images)
{
    const struct bd_compare_config *c = &comparison->config;
    char *recipe = bd_train_plan_text(&c->train.plan);
    json_t *networks = json_array(), *runs = json_array();
    for (int i = 0; i < comparison->network_count; i++) {
        json_array_append_new(networks, json_string(comparison->networks[i].yaml_text));
    }
    for (int i = 0; i < comparison->run_count; i++) {
        json_array_append_new(runs, json_string(comparison->runs[i].id));
    }
    json_t *rates = json_array();
    for (int i = 0; i < comparison->rate_count; i++) {
        json_array_append_new(rates, json_real(comparison->rates[i]));
    }
    json_t *head = json_pack(
        "{s:s, s:s, s:o, s:o, s:o, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:i, s:I, s:I, s:s, s:s}", "journal",
        "bitdial compare 1", "name", c->name, "networks", networks, "runs", runs, "rates", rates, "recipe", recipe,
        "epochs", (json_int_t)c->train.plan.epochs, "steps", (json_int_t)c->train.plan.steps, "pilot_epochs",
        (json_int_t)c->pilot_epochs, "pilot_steps", (json_int_t)c->pilot_steps, "images", (json_int_t)c->images,
        "test_images", (json_int_t)c->test_images, "data", c->data.kind, "validation", (json_int_t)c->data.validation,
        "size", (json_int_t)c->data.size, "arithmetic", bd_comparison_arithmetic(comparison), "build", build);
    if (images) {
        json_object_set_new(head, "images_crc", json_string(images));
    }
    char *text = json_dumps(head, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(17));
    json_decref(head);
    free(recipe);
    return text;
}

static bool same(const json_t *began, const json_t *now, bool go_on)
{
    return began && now ? json_equal(began, now) : !go_on;
}

static bd_status tell(const char *key, const json_t *began, const json_t *now, struct bd_error *err)
{
    if (strcmp(key, "build")) {
        return bd_journal_tell_difference(key, began, now, "comparison", err);
    }
    return bd_fail(err, BD_BAD_INPUT, "it was begun by another build of bitdial, whose numbers may differ (%s, not %s)",
                   began ? json_string_value(began) : "one that gave no name", json_string_value(now));
}

bd_status bd_comparison_belongs(const char *begun, const char *now, bool go_on, bool any_build, struct bd_error *err)
{
    json_t *began = json_loads(begun, 0, NULL), *ours = json_loads(now, 0, NULL), *all = json_object();
    const char *key;
    json_t *value;
    bd_status status = BD_OK;
    json_object_update(all, ours);
    json_object_update(all, began);
    if (!json_is_object(began)) {
        status = bd_fail(err, BD_BAD_INPUT, "it is not of a comparison");
    }
    json_object_foreach(all, key, value)
    {
        bool build = !strcmp(key, "build"), matters = build ? go_on && !any_build : go_on || strcmp(key, "arithmetic");
        const json_t *then = json_object_get(began, key), *here = json_object_get(ours, key);
        if (!status && matters && !same(then, here, go_on)) {
            status = tell(key, then, here, err);
        }
    }
    json_decref(all);
    json_decref(ours);
    json_decref(began);
    return status;
}
