/* Networks, levels, switches and hardware to designs. */
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "sw/sweep/sweep_parts.h"

const char *const bd_sweep_state_names[] = {"absent", "excluded", "open", "refused", "failed", "done"};

static bool has_switch(const struct bd_sweep_network *n, const char *name)
{
    for (int i = 0; i < n->switch_count; i++) {
        if (!strcmp(n->switches[i], name)) {
            return true;
        }
    }
    return false;
}

static void exclude(struct bd_sweep_design *d, const char *reason)
{
    d->state = BD_SWEEP_EXCLUDED;
    d->reason = bd_xstrdup(reason);
}

/* What follows from the hardware alone. */
static void judge(const struct bd_sweep *s, struct bd_sweep_design *d, bool named_switch)
{
    const struct bd_sweep_hardware *h = &s->hardware[d->hardware];
    char why[160];
    for (int m = 0; m < BD_SWEEP_METRIC_COUNT; m++) {
        d->metric[m] = NAN;
    }
    d->state = BD_SWEEP_OPEN;
    if (!has_switch(&s->networks[d->network], d->sw)) {
        d->state = BD_SWEEP_ABSENT;
        if (named_switch) {
            exclude(d, "the network has no such switch");
        }
        return;
    }
    if (h->refused) {
        exclude(d, h->refused);
        return;
    }
    d->metric[BD_SWEEP_LUT4] = round(h->area.cells[BD_AREA_LUT4]);
    d->metric[BD_SWEEP_SITES] = round(bd_area_sites(h->area.cells));
    d->metric[BD_SWEEP_BLOCK_RAM] = h->area.cells[BD_AREA_DP16KD];
    d->metric[BD_SWEEP_MULTIPLIERS] = round(h->area.cells[BD_AREA_MULT18X18D]);
    if (s->part && !bd_area_fits(&h->area, s->part, why, sizeof why)) {
        exclude(d, why);
    }
}

static bd_status add_design(struct bd_sweep_file *f, const struct bd_yaml_node *node, int network, int level,
                            const char *sw, int hardware, bool named_switch, struct bd_error *err)
{
    struct bd_sweep *s = &f->sweep;
    if (s->design_count == BD_SWEEP_DESIGNS) {
        return bd_yaml_fail(&f->yaml, node, err, "more than %d designs", BD_SWEEP_DESIGNS);
    }
    if (s->design_count % 1024 == 0) {
        s->designs = bd_xrealloc(s->designs, s->design_count + 1024, sizeof *s->designs);
    }
    struct bd_sweep_design *d = &s->designs[s->design_count++];
    *d = (struct bd_sweep_design){.network = network, .level = level, .hardware = hardware};
    snprintf(d->sw, sizeof d->sw, "%s", sw);
    d->name =
        bd_asprintf("%s.%s.%s.%s", s->networks[network].name, sw, s->levels[level].name, s->hardware[hardware].name);
    if (strlen(d->name) > BD_SWEEP_NAME) {
        return bd_yaml_fail(&f->yaml, node, err, "the name '%s' of a design is longer than %d bytes", d->name,
                            BD_SWEEP_NAME);
    }
    judge(s, d, named_switch);
    d->selected = s->kind != BD_SWEEP_SEARCH;
    return BD_OK;
}

/* ---- all combinations ---- */

static void add_switch(struct bd_sweep *s, const char *name)
{
    for (size_t i = 0; i < s->switch_count; i++) {
        if (!strcmp(s->switches[i], name)) {
            return;
        }
    }
    s->switches = bd_xrealloc(s->switches, s->switch_count + 1, sizeof *s->switches);
    snprintf(s->switches[s->switch_count++], sizeof *s->switches, "%s", name);
}

static bd_status read_switches(struct bd_sweep_file *f, struct bd_error *err)
{
    struct bd_sweep *s = &f->sweep;
    size_t count = 0;
    if (f->switches && bd_sweep_list(f, f->switches, "switches", &count, err)) {
        return err->status;
    }
    for (size_t i = 0; i < count; i++) {
        const struct bd_yaml_node *item = bd_sweep_item(f->switches, i);
        bool known = false;
        for (size_t n = 0; n < s->network_count; n++) {
            known = known || has_switch(&s->networks[n], item->text);
        }
        if (!known) {
            return bd_yaml_fail(&f->yaml, item, err, "no network has a switch '%s' that hardware runs", item->text);
        }
        add_switch(s, item->text);
    }
    for (size_t n = 0; n < s->network_count && !f->switches; n++) {
        for (int i = 0; i < s->networks[n].switch_count; i++) {
            add_switch(s, s->networks[n].switches[i]);
        }
    }
    return s->switch_count ? BD_OK : bd_yaml_fail(&f->yaml, f->networks, err, "no network has a switch for hardware");
}

static bd_status combine(struct bd_sweep_file *f, struct bd_error *err)
{
    struct bd_sweep *s = &f->sweep;
    bd_status status = BD_OK;
    for (size_t n = 0; n < s->network_count; n++) {
        for (size_t l = 0; l < s->level_count; l++) {
            for (size_t w = 0; w < s->switch_count; w++) {
                for (size_t h = 0; h < s->hardware_count && !status; h++) {
                    status = add_design(f, f->hardware, (int)n, (int)l, s->switches[w], (int)h, f->switches, err);
                }
            }
        }
    }
    return status;
}

static void add_axis(struct bd_sweep *s, const char *name, size_t size)
{
    s->axis_names[s->axis_count] = bd_xstrdup(name);
    s->axis_sizes[s->axis_count++] = size;
}

/* A search moves along lists: base, memory, and each key of all bases. */
static bd_status make_axes(struct bd_sweep_file *f, struct bd_error *err)
{
    struct bd_sweep *s = &f->sweep;
    for (size_t i = 0; f->hardware->kind == BD_YAML_SEQUENCE && i < f->hardware->count; i++) {
        const struct bd_yaml_node *keys =
            f->hardware->values[i]->kind == BD_YAML_MAPPING ? bd_yaml_get(f->hardware->values[i], "keys") : NULL;
        if (keys) {
            return bd_yaml_fail(&f->yaml, keys, err,
                                "of kind search, keys stand at the top, for all configurations alike");
        }
    }
    add_axis(s, "hardware", f->hardware->kind == BD_YAML_SEQUENCE ? f->hardware->count : 1);
    add_axis(s, "memory", f->memory && f->memory->kind == BD_YAML_SEQUENCE ? f->memory->count : 1);
    for (size_t k = 0; f->keys && k < f->keys->count; k++) {
        const struct bd_yaml_node *values = f->keys->values[k];
        if (s->axis_count == sizeof s->axis_sizes / sizeof *s->axis_sizes) {
            return bd_yaml_fail(&f->yaml, f->keys->keys[k], err, "a search moves six keys at most");
        }
        add_axis(s, f->keys->keys[k]->text, values->kind == BD_YAML_SEQUENCE ? values->count : 1);
    }
    return BD_OK;
}

static bd_status expand_product(struct bd_sweep_file *f, struct bd_error *err)
{
    size_t first, count;
    if (f->points) {
        return bd_yaml_fail(&f->yaml, f->points, err, "'points' are of kind list");
    }
    if (!f->hardware) {
        return bd_yaml_fail(&f->yaml, f->yaml.root, err, "missing key 'hardware'");
    }
    bd_status status = read_switches(f, err);
    status = status ? status : bd_sweep_add_hardware(f, f->hardware, f->keys, f->memory, &first, &count, err);
    status = status || f->sweep.kind != BD_SWEEP_SEARCH ? status : make_axes(f, err);
    return status ? status : combine(f, err);
}

/* ---- explicit points ---- */

struct point {
    char *network, *sw, *level;
    const struct bd_yaml_node *hardware, *memory, *keys;
};
static const struct bd_field point_fields[] = {
    {"network", BD_FIELD_STRING, offsetof(struct point, network), 1, 4095, "", NULL, NULL, "name of its file"},
    {"switch", BD_FIELD_STRING, offsetof(struct point, sw), 1, 15, NULL, NULL, NULL, "switch"},
    {"pruning", BD_FIELD_STRING, offsetof(struct point, level), 1, 63, "none", NULL, NULL, "name of a level"},
    {"hardware", BD_FIELD_NODE, offsetof(struct point, hardware), 0, 0, NULL, NULL, NULL, "configuration"},
    {"memory", BD_FIELD_NODE, offsetof(struct point, memory), 0, 0, "", NULL, NULL, "timing"},
    {"keys", BD_FIELD_NODE, offsetof(struct point, keys), 0, 0, "", NULL, NULL, "overrides"},
    {0},
};

static bd_status one_scalar(const struct bd_sweep_file *f, const struct bd_yaml_node *node, const char *key,
                            struct bd_error *err)
{
    return !node || node->kind == BD_YAML_SCALAR
               ? BD_OK
               : bd_yaml_fail(&f->yaml, node, err, "'%s' of a point is one value", key);
}

static bd_status find_parts(const struct bd_sweep_file *f, const struct bd_yaml_node *node, const struct point *p,
                            int *network, int *level, struct bd_error *err)
{
    const struct bd_sweep *s = &f->sweep;
    *network = s->network_count == 1 && !p->network ? 0 : -1;
    *level = -1;
    for (size_t n = 0; n < s->network_count && p->network; n++) {
        const bool same = !strcmp(s->networks[n].name, p->network) || !strcmp(s->networks[n].path, p->network);
        *network = same ? (int)n : *network;
    }
    for (size_t l = 0; l < s->level_count; l++) {
        *level = !strcmp(s->levels[l].name, p->level) ? (int)l : *level;
    }
    if (*network < 0) {
        return bd_yaml_fail(&f->yaml, p->network ? bd_yaml_get(node, "network") : node, err,
                            p->network ? "'network' is none of 'networks': '%s'" : "missing key 'network'%s",
                            p->network ? p->network : "");
    }
    if (*level < 0) {
        const struct bd_yaml_node *at = bd_yaml_get(node, "pruning");
        return bd_yaml_fail(&f->yaml, at ? at : node, err, "'pruning' of the sweep has no level '%s'", p->level);
    }
    if (!has_switch(&s->networks[*network], p->sw)) {
        return bd_yaml_fail(&f->yaml, bd_yaml_get(node, "switch"), err,
                            "network '%s' has no switch '%s' that hardware runs", s->networks[*network].name, p->sw);
    }
    return BD_OK;
}

static bd_status add_point(struct bd_sweep_file *f, const struct bd_yaml_node *node, struct bd_error *err)
{
    struct point p = {0};
    int network, level;
    size_t first, count;
    if (bd_yaml_bind(&f->yaml, node, point_fields, &p, err)) {
        return err->status;
    }
    bd_status status = find_parts(f, node, &p, &network, &level, err);
    status = status ? status : one_scalar(f, p.hardware, "hardware", err);
    status = status ? status : one_scalar(f, p.memory, "memory", err);
    for (size_t k = 0; p.keys && p.keys->kind == BD_YAML_MAPPING && k < p.keys->count && !status; k++) {
        status = one_scalar(f, p.keys->values[k], p.keys->keys[k]->text, err);
    }
    status = status ? status : bd_sweep_add_hardware(f, p.hardware, p.keys, p.memory, &first, &count, err);
    for (size_t d = 0; d < f->sweep.design_count && !status; d++) {
        const struct bd_sweep_design *other = &f->sweep.designs[d];
        if (other->network == network && other->level == level && !strcmp(other->sw, p.sw) &&
            other->hardware == (int)f->last_hardware) {
            status = bd_yaml_fail(&f->yaml, node, err, "the point '%s' is listed twice", other->name);
        }
    }
    status = status ? status : add_design(f, node, network, level, p.sw, (int)f->last_hardware, true, err);
    bd_fields_release(point_fields, &p);
    return status;
}

static bd_status expand_list(struct bd_sweep_file *f, struct bd_error *err)
{
    const struct {
        const struct bd_yaml_node *node;
        const char *key;
    } rest[] = {{f->hardware, "hardware"}, {f->keys, "keys"}, {f->memory, "memory"}, {f->switches, "switches"}};
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++) {
        if (rest[i].node) {
            return bd_yaml_fail(&f->yaml, rest[i].node, err, "of kind list, '%s' stands in each of 'points'",
                                rest[i].key);
        }
    }
    if (!f->points || f->points->kind != BD_YAML_SEQUENCE || !f->points->count) {
        return bd_yaml_fail(&f->yaml, f->points ? f->points : f->yaml.root, err, "'points' must list some point");
    }
    bd_status status = BD_OK;
    for (size_t i = 0; i < f->points->count && !status; i++) {
        status = add_point(f, f->points->values[i], err);
    }
    return status;
}

/* ---- */

bd_status bd_sweep_expand(struct bd_sweep_file *f, struct bd_error *err)
{
    struct bd_sweep *s = &f->sweep;
    const struct bd_sweep_design *excluded = NULL;
    bd_status status = s->kind == BD_SWEEP_LIST ? expand_list(f, err) : expand_product(f, err);
    size_t left = 0;
    for (size_t d = 0; d < s->design_count; d++) {
        left += s->designs[d].state == BD_SWEEP_OPEN;
        excluded = s->designs[d].state == BD_SWEEP_EXCLUDED ? &s->designs[d] : excluded;
    }
    if (!status && !left) {
        const struct bd_yaml_node *at = bd_yaml_get(f->yaml.root, s->part ? "device" : "kind");
        return bd_yaml_fail(&f->yaml, at ? at : f->yaml.root, err, "no design is left to run: '%s': %s",
                            excluded ? excluded->name : s->name,
                            excluded ? excluded->reason : "no network has such a switch");
    }
    return status;
}
