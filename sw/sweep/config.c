/* SWEEP.yaml. */
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/checkpoint/checkpoint.h"
#include "model/core/file.h"
#include "model/core/memory.h"
#include "model/data/source.h"
#include "model/program/plain.h"
#include "model/prune/ranking.h"
#include "sw/sweep/sweep_parts.h"

enum { CHECKPOINT = 1 << 30 };

#define AT(member) offsetof(struct bd_sweep_file, sweep.member)
#define NODE(member) offsetof(struct bd_sweep_file, member)
static const struct bd_field prune_fields[] = {
    {"hardware", BD_FIELD_PATH, AT(prune.hardware), 0, 4095, "", NULL, NULL,
     "configuration whose prices the budgets are of; empty: the first"},
    {"switch", BD_FIELD_STRING, AT(prune.sw), 0, 15, "", NULL, NULL,
     "at which prices count and accuracy is searched; empty: the network's last"},
    {"evaluations", BD_FIELD_INT, AT(prune.evaluations), 1, 100000, "20", NULL, NULL, "networks that are measured"},
    {"initial", BD_FIELD_INT, AT(prune.initial), 2, 1000, "6", NULL, NULL, "of them before the model is asked"},
    {"images", BD_FIELD_INT, AT(prune.images), 1, 1000000, "1000", NULL, NULL, "validation images of a measurement"},
    {"recalibrate", BD_FIELD_INT, AT(prune.recalibrate), 1, 10000, "5", NULL, NULL,
     "batches for batch-norm statistics"},
    {"tune_steps", BD_FIELD_INT, AT(prune.tune_steps), 0, 1000000, "0", NULL, NULL,
     "of fine-tuning of the best; 0: statistics alone"},
    {"tune_rate", BD_FIELD_REAL, AT(prune.tune_rate), 0, 10, "0.001", NULL, NULL, "peak rate"},
    {"seed", BD_FIELD_INT, AT(prune.seed), 0, 1e15, "1", NULL, NULL, "of proposals and fine-tuning"},
    {"ranking", BD_FIELD_ENUM, AT(prune.ranking), 0, 0, BD_RANKING_DEFAULT, BD_RANKINGS, NULL,
     "which filters go first"},
    {"groups", BD_FIELD_STRING, AT(prune.groups), 0, 63, "inner,stream", NULL, NULL, "widths that may move"},
    {"least_ratio", BD_FIELD_REAL, AT(prune.least_ratio), 0, 1, "0.25", NULL, NULL, "of a group's channels that stay"},
    {0},
};
static const struct bd_field search_fields[] = {
    {"evaluations", BD_FIELD_INT, AT(search.evaluations), 1, 100000, "40", NULL, NULL, "designs that are run"},
    {"initial", BD_FIELD_INT, AT(search.initial), 2, 1000, "8", NULL, NULL, "of them before the model is asked"},
    {"parallel", BD_FIELD_INT, AT(search.parallel), 1, 256, "1", NULL, NULL,
     "proposed ahead of results: decides what is proposed, whatever --jobs is"},
    {"seed", BD_FIELD_INT, AT(search.seed), 0, 1e15, "1", NULL, NULL, "of proposals"},
    {0},
};
const struct bd_field bd_sweep_fields[] = {
    {"name", BD_FIELD_STRING, AT(name), 1, 63, NULL, NULL, NULL, "of the sweep"},
    {"title", BD_FIELD_STRING, AT(title), 0, 1000, "", NULL, NULL, "for people"},
    {"kind", BD_FIELD_ENUM, AT(kind), 0, 0, "product", BD_SWEEP_KINDS, NULL,
     "every combination; the points listed; or those that a Bayesian search proposes"},
    {"networks", BD_FIELD_NODE, NODE(networks), 0, 0, NULL, NULL, NULL, "checkpoints"},
    {"switches", BD_FIELD_NODE, NODE(switches), 0, 0, "", NULL, NULL, "w1a4, ...; empty: all of each network"},
    {"pruning", BD_FIELD_NODE, NODE(pruning), 0, 0, "", NULL, NULL,
     "levels: none, or {clocks: 0.8}, {energy: ...}, {bytes: ...}: the share that stays"},
    {"hardware", BD_FIELD_NODE, NODE(hardware), 0, 0, "", NULL, NULL,
     "configurations: FILE, or {file: FILE, name: NAME, keys: {rows: [8, 16], ...}}"},
    {"keys", BD_FIELD_NODE, NODE(keys), 0, 0, "", NULL, NULL, "values of keys of all of them, every combination"},
    {"memory", BD_FIELD_NODE, NODE(memory), 0, 0, "", NULL, NULL,
     "timings LATENCY,INTERVAL,OUTSTANDING; empty: the configuration's"},
    {"points", BD_FIELD_NODE, NODE(points), 0, 0, "", NULL, NULL,
     "of kind list: {network, switch, pruning, hardware, memory, keys}, one value each"},
    {"objectives", BD_FIELD_NODE, NODE(objectives), 0, 0, NULL, NULL, NULL, "metrics, the most important first"},
    {"constraints", BD_FIELD_NODE, NODE(constraints), 0, 0, "", NULL, NULL, "such as 'fps >= 1000'"},
    {"device", BD_FIELD_STRING, AT(device), 0, 31, "", NULL, NULL,
     BD_AREA_PARTS ": designs that do not fit are not run"},
    {"frame_rate", BD_FIELD_REAL, AT(frame_rate), 0.001, 1e9, "1", NULL, NULL, "frames a second that power_mw is of"},
    {"images", BD_FIELD_INT, AT(images), 0, 1 << 30, "0", NULL, NULL, "test images of accuracy; 0: all"},
    {"data", BD_FIELD_MAP, AT(data), 0, 0, "{}", NULL, bd_data_fields,
     "the images; a kind that is not named is found out"},
    {"prune", BD_FIELD_MAP, 0, 0, 0, "{}", NULL, prune_fields, "how checkpoints are pruned, once for each level"},
    {"search", BD_FIELD_MAP, 0, 0, 0, "{}", NULL, search_fields, "of kind search"},
    {"confirm", BD_FIELD_INT, AT(confirm_images), 1, 10000, "2", NULL, NULL, "images of a run on the RTL"},
    {"time_limit", BD_FIELD_INT, AT(time_limit), 1, 1000000, "7200", NULL, NULL, "s, of one task"},
    {0},
};
#undef AT
#undef NODE

/* ---- lists ---- */

const struct bd_yaml_node *bd_sweep_item(const struct bd_yaml_node *node, size_t index)
{
    return node->kind == BD_YAML_SEQUENCE ? node->values[index] : node;
}

bd_status bd_sweep_list(const struct bd_sweep_file *f, const struct bd_yaml_node *node, const char *key, size_t *count,
                        struct bd_error *err)
{
    *count = node->kind == BD_YAML_SEQUENCE ? node->count : 1;
    if (node->kind == BD_YAML_MAPPING || *count == 0) {
        return bd_yaml_fail(&f->yaml, node, err, "'%s' must be a value or a list of some", key);
    }
    for (size_t i = 0; i < *count; i++) {
        const struct bd_yaml_node *item = bd_sweep_item(node, i);
        if (item->kind != BD_YAML_SCALAR || !item->text[0]) {
            return bd_yaml_fail(&f->yaml, item, err, "an item of '%s' must be a word or a number", key);
        }
        for (size_t before = 0; before < i; before++) {
            if (!strcmp(bd_sweep_item(node, before)->text, item->text)) {
                return bd_yaml_fail(&f->yaml, item, err, "'%s' has '%s' twice", key, item->text);
            }
        }
    }
    return BD_OK;
}

/* A file's name without folder and end, of letters that names of points may have; malloc'd. */
static char *stem_of(const char *path)
{
    const char *slash = strrchr(path, '/'), *begin = slash ? slash + 1 : path, *dot = strrchr(begin, '.');
    char *stem = bd_xstrndup(begin, dot && dot != begin ? (size_t)(dot - begin) : strlen(begin));
    for (char *c = stem; *c; c++) {
        const bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9');
        *c = plain || *c == '-' ? *c : '_';
    }
    return stem;
}

static bd_status add_network(struct bd_sweep_file *f, const struct bd_yaml_node *node, struct bd_error *err)
{
    struct bd_sweep *s = &f->sweep;
    s->networks = bd_xrealloc(s->networks, s->network_count + 1, sizeof *s->networks);
    struct bd_sweep_network *n = &s->networks[s->network_count];
    struct bd_checkpoint checkpoint;
    struct bd_error why;
    uint8_t *bytes;
    size_t size;
    *n = (struct bd_sweep_network){0};
    if (bd_yaml_path(&f->yaml, node, "networks", &n->path, err)) {
        return err->status;
    }
    n->name = stem_of(n->path);
    s->network_count++;
    for (size_t i = 0; i + 1 < s->network_count; i++) {
        if (!strcmp(s->networks[i].name, n->name)) {
            return bd_yaml_fail(&f->yaml, node, err, "'networks' has two files called '%s'", n->name);
        }
    }
    if (bd_checkpoint_load(&checkpoint, n->path, &why)) {
        return bd_yaml_fail(&f->yaml, node, err, "'networks' names '%s', which is no checkpoint: %s", n->path,
                            why.message);
    }
    int switches[BD_PROGRAM_MAX_SWITCHES];
    n->switch_count = bd_plain_switches(&checkpoint.graph, switches);
    for (int i = 0; i < n->switch_count; i++) {
        snprintf(n->switches[i], sizeof n->switches[i], "%s", checkpoint.graph.switches[switches[i]].name);
    }
    bd_checkpoint_release(&checkpoint);
    bd_status status = bd_file_read(n->path, CHECKPOINT, &bytes, &size, err);
    if (!status) {
        n->crc = bd_crc32(bytes, size);
        free(bytes);
    }
    return status;
}

/* ---- pruning levels ---- */

static bd_status take_share(const struct bd_sweep_file *f, const struct bd_yaml_node *node, const char *key,
                            struct bd_sweep_level *level, struct bd_error *err)
{
    double *share = !strcmp(key, "clocks")   ? &level->clocks
                    : !strcmp(key, "energy") ? &level->energy
                    : !strcmp(key, "bytes")  ? &level->bytes
                                             : NULL;
    if (!share) {
        return bd_yaml_fail(&f->yaml, node, err, "a level is a share of 'clocks', 'energy' or 'bytes', got '%s'", key);
    }
    return bd_yaml_real(&f->yaml, node, 0.01, 0.999, share, err);
}

static bd_status add_level(struct bd_sweep_file *f, const struct bd_yaml_node *node, struct bd_error *err)
{
    struct bd_sweep *s = &f->sweep;
    struct bd_sweep_level level = {.clocks = 1, .energy = 1, .bytes = 1};
    const bool none = node && node->kind == BD_YAML_SCALAR && !strcmp(node->text, "none");
    if (node && !none && (node->kind != BD_YAML_MAPPING || !node->count)) {
        return bd_yaml_fail(&f->yaml, node, err, "a level of 'pruning' is 'none', or a share as {clocks: 0.8}");
    }
    char *name = bd_xstrdup(node && !none ? "" : "none");
    for (size_t i = 0; node && !none && i < node->count; i++) {
        const struct bd_yaml_node *value = node->values[i];
        if (take_share(f, value, node->keys[i]->text, &level, err)) {
            free(name);
            return err->status;
        }
        char share[32];
        snprintf(share, sizeof share, "%g", round(1e5 * atof(value->text)) / 1e3); /* in per cent */
        share[strcspn(share, ".")] = strchr(share, '.') ? '_' : '\0';
        char *longer = bd_asprintf("%s%s%s%s", name, *name ? "-" : "", node->keys[i]->text, share);
        free(name);
        name = longer;
    }
    for (size_t i = 0; i < s->level_count; i++) {
        if (!strcmp(s->levels[i].name, name)) {
            bd_yaml_fail(&f->yaml, node, err, "'pruning' has '%s' twice", name);
            free(name);
            return err->status;
        }
    }
    level.name = name;
    s->levels = bd_xrealloc(s->levels, s->level_count + 1, sizeof *s->levels);
    s->levels[s->level_count++] = level;
    return BD_OK;
}

static bd_status read_levels(struct bd_sweep_file *f, struct bd_error *err)
{
    const struct bd_yaml_node *list = f->pruning;
    bd_status status = BD_OK;
    if (list && list->kind == BD_YAML_SEQUENCE && !list->count) {
        return bd_yaml_fail(&f->yaml, list, err, "'pruning' has no level; without pruning it is [none]");
    }
    for (size_t i = 0; i < (list && list->kind == BD_YAML_SEQUENCE ? list->count : 1) && !status; i++) {
        status = add_level(f, list ? bd_sweep_item(list, i) : NULL, err);
    }
    const struct bd_yaml_node *prune = bd_yaml_get(f->yaml.root, "prune"),
                              *hardware = prune ? bd_yaml_get(prune, "hardware") : NULL;
    struct bd_hardware loaded;
    struct bd_error why;
    if (!status && hardware && f->sweep.prune.hardware) {
        if (bd_hardware_load(&loaded, f->sweep.prune.hardware, &why)) {
            return bd_yaml_fail(&f->yaml, hardware, err,
                                "'hardware' names '%s', which is no hardware configuration: %s",
                                f->sweep.prune.hardware, why.message);
        }
        bd_hardware_release(&loaded);
    }
    return status;
}

/* ---- objectives and constraints ---- */

static bd_status read_objectives(struct bd_sweep_file *f, struct bd_error *err)
{
    struct bd_sweep *s = &f->sweep;
    size_t count;
    bd_status status = bd_sweep_list(f, f->objectives, "objectives", &count, err);
    for (size_t i = 0; i < count && !status; i++) {
        const struct bd_yaml_node *item = bd_sweep_item(f->objectives, i);
        const int metric = bd_sweep_metric(item->text);
        if (metric < 0) {
            return bd_yaml_fail(&f->yaml, item, err, "'objectives' knows no '%s': bitdial sweep --help lists metrics",
                                item->text);
        }
        s->objectives[s->objective_count++] = metric;
    }
    if (!status && s->kind == BD_SWEEP_SEARCH && s->objective_count > 2) {
        return bd_yaml_fail(&f->yaml, f->objectives, err, "a search has one or two objectives, not %zu",
                            s->objective_count);
    }
    return status;
}

static bd_status add_constraint(struct bd_sweep_file *f, const struct bd_yaml_node *item, struct bd_error *err)
{
    struct bd_sweep *s = &f->sweep;
    char name[32], sign[4], rest[2];
    double value;
    const int got = sscanf(item->text, " %31[a-z0-9_] %3[<>=] %lf %1s", name, sign, &value, rest);
    if (got != 3 || (strcmp(sign, ">=") && strcmp(sign, "<="))) {
        return bd_yaml_fail(&f->yaml, item, err, "a constraint is 'METRIC >= NUMBER' or 'METRIC <= NUMBER', got '%s'",
                            item->text);
    }
    if (!isfinite(value)) {
        return bd_yaml_fail(&f->yaml, item, err, "a constraint's bound must be a finite number, got '%s'", item->text);
    }
    const int metric = bd_sweep_metric(name);
    if (metric < 0) {
        return bd_yaml_fail(&f->yaml, item, err, "'constraints' knows no '%s': bitdial sweep --help lists metrics",
                            name);
    }
    if (s->constraint_count == BD_SWEEP_CONSTRAINTS) {
        return bd_yaml_fail(&f->yaml, item, err, "more than %d constraints", BD_SWEEP_CONSTRAINTS);
    }
    s->constraints[s->constraint_count++] =
        (struct bd_sweep_constraint){.metric = metric, .at_least = sign[0] == '>', .value = value};
    return BD_OK;
}

static bd_status read_constraints(struct bd_sweep_file *f, struct bd_error *err)
{
    struct bd_sweep *s = &f->sweep;
    size_t count = 0;
    bd_status status = f->constraints && !(f->constraints->kind == BD_YAML_SEQUENCE && !f->constraints->count)
                           ? bd_sweep_list(f, f->constraints, "constraints", &count, err)
                           : BD_OK;
    for (size_t i = 0; i < count && !status; i++) {
        status = add_constraint(f, bd_sweep_item(f->constraints, i), err);
    }
    if (!status && s->device) {
        s->part = bd_area_part(s->device);
        if (!s->part) {
            return bd_yaml_fail(&f->yaml, bd_yaml_get(f->yaml.root, "device"), err,
                                "'device' must be one of %s, got '%s'", BD_AREA_PARTS, s->device);
        }
    }
    return status;
}

/* ---- the whole ---- */

static bd_status read_networks(struct bd_sweep_file *f, struct bd_error *err)
{
    size_t count;
    bd_status status = bd_sweep_list(f, f->networks, "networks", &count, err);
    for (size_t i = 0; i < count && !status; i++) {
        status = add_network(f, bd_sweep_item(f->networks, i), err);
    }
    return status;
}

static bd_status read_all(struct bd_sweep_file *f, struct bd_error *err)
{
    bd_status status = read_networks(f, err);
    status = status ? status : read_levels(f, err);
    status = status ? status : read_objectives(f, err);
    status = status ? status : read_constraints(f, err);
    if (!bd_yaml_get(f->yaml.root, "data") || !bd_yaml_get(bd_yaml_get(f->yaml.root, "data"), "kind")) {
        f->sweep.data.kind = BD_DATA_ANY;
    }
    return status ? status : bd_sweep_expand(f, err);
}

bd_status bd_sweep_load(struct bd_sweep *sweep, const char *path, struct bd_error *err)
{
    struct bd_sweep_file f = {0};
    *sweep = (struct bd_sweep){0};
    bd_status status = bd_yaml_load(&f.yaml, path, err);
    if (status) {
        return status;
    }
    status = bd_yaml_bind(&f.yaml, f.yaml.root, bd_sweep_fields, &f, err);
    status = status ? status : read_all(&f, err);
    *sweep = f.sweep;
    sweep->path = bd_xstrdup(path);
    bd_yaml_release(&f.yaml);
    return status;
}

static void release_lists(struct bd_sweep *s)
{
    for (size_t i = 0; i < s->network_count; i++) {
        free(s->networks[i].path);
        free(s->networks[i].name);
    }
    for (size_t i = 0; i < s->level_count; i++) {
        free(s->levels[i].name);
    }
    for (size_t i = 0; i < s->hardware_count; i++) {
        free(s->hardware[i].name);
        free(s->hardware[i].path);
        free(s->hardware[i].text);
        free(s->hardware[i].refused);
        bd_hardware_release(&s->hardware[i].hardware);
    }
    for (size_t i = 0; i < s->design_count; i++) {
        free(s->designs[i].name);
        free(s->designs[i].reason);
        json_decref(s->designs[i].layers);
        json_decref(s->designs[i].confirmed);
    }
    for (size_t i = 0; i < s->axis_count; i++) {
        free(s->axis_names[i]);
    }
}

void bd_sweep_release(struct bd_sweep *s)
{
    struct bd_sweep_file f = {.sweep = *s};
    release_lists(s);
    bd_fields_release(bd_sweep_fields, &f); /* texts that the table bound */
    free(s->path);
    free(s->networks);
    free(s->levels);
    free(s->hardware);
    free(s->designs);
    free(s->switches);
    *s = (struct bd_sweep){0};
}
