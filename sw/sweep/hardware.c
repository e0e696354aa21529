/* Hardware configurations of a sweep: bases, and what is overridden of them. */
#include <stdlib.h>
#include <string.h>

#include "model/core/file.h"
#include "model/core/memory.h"
#include "sw/sweep/sweep_parts.h"

enum { KEYS = 16, NAME = 47, VARIANTS = 20000, TEXT = 1 << 20 };

/* Keys in the names of configurations; the others stand there as they are. */
static const struct {
    const char *key, *brief;
} briefs[] = {{"rows", "r"},          {"requant_units", "q"}, {"datapaths", ""},     {"mac_channels", "mc"},
              {"act_words", "a"},     {"z_words", "z"},       {"weight_words", "w"}, {"table_words", "t"},
              {"correct_words", "c"}, {"descriptors", "d"},   {"acc_bits", "acc"},   {"mult_bits", "m"},
              {"clock_mhz", "f"}};

struct base {
    char *path, *name; /* name: of its configurations, or NULL: the file's */
    struct bd_yaml yaml;
    size_t key_count;
    const struct bd_yaml_node *keys[KEYS], *values[KEYS];
    const struct bd_yaml_node *memory; /* a list of texts, or NULL */
};

struct base_row {
    const struct bd_yaml_node *file;
    char *name;
    const struct bd_yaml_node *keys;
};
static const struct bd_field base_fields[] = {
    {"file", BD_FIELD_NODE, offsetof(struct base_row, file), 0, 0, NULL, NULL, NULL, "configuration"},
    {"name", BD_FIELD_STRING, offsetof(struct base_row, name), 1, 30, "", NULL, NULL,
     "of its configurations, before what varies"},
    {"keys", BD_FIELD_NODE, offsetof(struct base_row, keys), 0, 0, "", NULL, NULL, "values of keys, all combinations"},
    {0},
};

/* One value of a key, in the bounds that a configuration has for it. */
static bd_status check_value(const struct bd_sweep_file *f, const struct bd_field *key,
                             const struct bd_yaml_node *value, struct bd_error *err)
{
    struct bd_field rows[2] = {*key};
    union {
        int64_t integer;
        double real;
        int choice;
        char *text;
    } room;
    struct bd_yaml_node name = {.text = (char *)key->name}, *names = &name, *values = (struct bd_yaml_node *)value;
    const struct bd_yaml_node pair = {.kind = BD_YAML_MAPPING,
                                      .line = value->line,
                                      .column = value->column,
                                      .count = 1,
                                      .keys = &names,
                                      .values = &values};
    rows[0].offset = 0;
    bd_status status = bd_yaml_bind(&f->yaml, &pair, rows, &room, err);
    if (!status) {
        bd_fields_release(rows, &room);
    }
    return status;
}

static bd_status take_keys(const struct bd_sweep_file *f, const struct bd_yaml_node *keys, struct base *base,
                           struct bd_error *err)
{
    if (keys && keys->kind != BD_YAML_MAPPING) {
        return bd_yaml_fail(&f->yaml, keys, err, "'keys' must be a mapping of keys to values");
    }
    for (size_t k = 0; keys && k < keys->count; k++) {
        const char *name = keys->keys[k]->text;
        const struct bd_field *field = bd_hardware_key(name);
        size_t count;
        if (!field || !strcmp(name, "name") || !strcmp(name, "memory")) {
            return bd_yaml_fail(&f->yaml, keys->keys[k], err, "a hardware configuration has no key '%s' to override%s",
                                name, field ? ": 'memory' has a list of its own" : "");
        }
        for (size_t i = 0; i < base->key_count; i++) {
            if (!strcmp(base->keys[i]->text, name)) {
                return bd_yaml_fail(&f->yaml, keys->keys[k], err, "'%s' is overridden twice", name);
            }
        }
        if (base->key_count == KEYS) {
            return bd_yaml_fail(&f->yaml, keys->keys[k], err, "more than %d keys are overridden", KEYS);
        }
        if (bd_sweep_list(f, keys->values[k], name, &count, err)) {
            return err->status;
        }
        for (size_t i = 0; i < count; i++) {
            if (check_value(f, field, bd_sweep_item(keys->values[k], i), err)) {
                return err->status;
            }
        }
        base->keys[base->key_count] = keys->keys[k];
        base->values[base->key_count++] = keys->values[k];
    }
    return BD_OK;
}

static bd_status open_base(const struct bd_sweep_file *f, const struct bd_yaml_node *node,
                           const struct bd_yaml_node *more_keys, struct base *base, struct bd_error *err)
{
    struct base_row row = {.file = node};
    struct bd_hardware hardware;
    struct bd_error why;
    if (node->kind == BD_YAML_MAPPING && bd_yaml_bind(&f->yaml, node, base_fields, &row, err)) {
        return err->status;
    }
    base->name = row.name;
    if (bd_yaml_path(&f->yaml, row.file, "hardware", &base->path, err)) {
        return err->status;
    }
    if (bd_hardware_load(&hardware, base->path, &why)) {
        return bd_yaml_fail(&f->yaml, row.file, err, "'hardware' names '%s', which is no hardware configuration: %s",
                            base->path, why.message);
    }
    base->name = base->name ? base->name : bd_xstrdup(hardware.name);
    bd_hardware_release(&hardware);
    bd_status status = bd_yaml_load(&base->yaml, base->path, err);
    status = status ? status : take_keys(f, row.keys, base, err);
    return status ? status : take_keys(f, more_keys, base, err);
}

static void release_base(struct base *base)
{
    free(base->path);
    free(base->name);
    bd_yaml_release(&base->yaml);
}

/* ---- one configuration ---- */

static void append(char **text, char *more)
{
    char *longer = bd_asprintf("%s%s", *text, more);
    free(*text);
    free(more);
    *text = longer;
}

/* A scalar as it can be written again. */
static char *written(const struct bd_yaml_node *node)
{
    if (!node->quoted) {
        return bd_xstrdup(node->text);
    }
    json_t *text = json_string(node->text);
    char *quoted = text ? json_dumps(text, JSON_ENCODE_ANY) : NULL;
    json_decref(text);
    return quoted ? quoted : bd_xstrdup("");
}

static const struct bd_yaml_node *value_of(const struct base *base, const size_t *at, const char *key)
{
    for (size_t k = 0; k < base->key_count; k++) {
        if (!strcmp(base->keys[k]->text, key)) {
            return bd_sweep_item(base->values[k], at[k]);
        }
    }
    return NULL;
}

static void append_pair(char **text, const char *key, const struct bd_yaml_node *value)
{
    char *word = written(value);
    append(text, bd_asprintf("%s: %s\n", key, word));
    free(word);
}

/* The configuration as a file: the base's keys with the values of this one. */
static char *make_text(const struct base *base, const size_t *at, const char *memory, const char *name)
{
    const struct bd_yaml_node *root = base->yaml.root;
    char *text = bd_asprintf("name: %s\n", name);
    for (size_t i = 0; i < root->count; i++) {
        const char *key = root->keys[i]->text;
        const struct bd_yaml_node *value = root->values[i];
        if (!strcmp(key, "name") || value_of(base, at, key) || (memory && !strcmp(key, "memory"))) {
            continue;
        }
        if (value->kind == BD_YAML_SCALAR) {
            append_pair(&text, key, value);
        } else if (value->kind == BD_YAML_MAPPING) {
            append(&text, bd_asprintf("%s:\n", key));
            for (size_t j = 0; j < value->count; j++) {
                char *inner = bd_asprintf("  %s", value->keys[j]->text);
                append_pair(&text, inner, value->values[j]);
                free(inner);
            }
        }
    }
    for (size_t k = 0; k < base->key_count; k++) {
        append_pair(&text, base->keys[k]->text, bd_sweep_item(base->values[k], at[k]));
    }
    if (memory) {
        struct bd_memory_model m;
        struct bd_error ignored;
        if (!bd_memory_parse(&m, memory, &ignored)) {
            append(&text, bd_asprintf("memory: {latency: %d, beat_interval: %d, outstanding: %d}\n", (int)m.latency,
                                      (int)m.beat_interval, (int)m.outstanding));
        }
    }
    return text;
}

/* The base's name with what varies; a number stands for what is too long. */
static char *make_name(const struct base *base, const size_t *at, const char *memory, bool all)
{
    char *name = bd_xstrdup(base->name);
    for (size_t k = 0; k < base->key_count; k++) {
        const struct bd_yaml_node *values = base->values[k];
        const char *brief = base->keys[k]->text;
        for (size_t b = 0; b < sizeof briefs / sizeof *briefs; b++) {
            brief = !strcmp(briefs[b].key, brief) ? briefs[b].brief : brief;
        }
        if (all || (values->kind == BD_YAML_SEQUENCE && values->count > 1)) {
            append(&name, bd_asprintf("-%s%s", brief, bd_sweep_item(values, at[k])->text));
        }
    }
    if (memory) {
        append(&name, bd_asprintf("-m%s", memory));
    }
    for (char *c = name; *c; c++) {
        *c = strchr(",. ", *c) ? '_' : *c;
    }
    if (strlen(name) > NAME) {
        const uint32_t sum = bd_crc32(name, strlen(name));
        name[NAME - 9] = '\0';
        append(&name, bd_asprintf("-%08x", sum));
    }
    return name;
}

static const char *after_place(const char *message)
{
    const char *colon = strstr(message, ": ");
    return colon ? colon + 2 : message;
}

static bd_status add_one(struct bd_sweep_file *f, const struct bd_yaml_node *node, const struct base *base,
                         const size_t *at, const char *memory, bool named, struct bd_error *err)
{
    struct bd_sweep *s = &f->sweep;
    struct bd_error why;
    const bool own = base->key_count || memory || named;
    char *name = make_name(base, at, memory, !named), *text = own ? make_text(base, at, memory, name) : NULL;
    for (size_t i = 0; i < s->hardware_count; i++) {
        const struct bd_sweep_hardware *h = &s->hardware[i];
        if (!strcmp(h->name, name)) {
            const bool same =
                text && h->text ? !strcmp(text, h->text) : !text && !h->text && !strcmp(h->path, base->path);
            f->last_hardware = i;
            free(text);
            bd_status status =
                same && s->kind == BD_SWEEP_LIST
                    ? BD_OK
                    : bd_yaml_fail(&f->yaml, node, err, "two configurations are called '%s': give one a 'name'", name);
            free(name);
            return status;
        }
    }
    f->last_hardware = s->hardware_count;
    if (s->hardware_count == VARIANTS) {
        free(name);
        free(text);
        return bd_yaml_fail(&f->yaml, node, err, "'hardware' and 'keys' make more than %d configurations", VARIANTS);
    }
    s->hardware = bd_xrealloc(s->hardware, s->hardware_count + 1, sizeof *s->hardware);
    struct bd_sweep_hardware *h = &s->hardware[s->hardware_count++];
    *h = (struct bd_sweep_hardware){.name = name, .path = bd_xstrdup(base->path), .text = text};
    bd_status status =
        text ? bd_hardware_parse(&h->hardware, name, text, &why) : bd_hardware_load(&h->hardware, base->path, &why);
    if (status) { /* relations between keys; each alone was checked */
        h->refused = bd_xstrdup(after_place(why.message));
    } else {
        h->area = bd_area_machine(&h->hardware);
    }
    return BD_OK;
}

static bd_status add_combinations(struct bd_sweep_file *f, const struct bd_yaml_node *node, const struct base *base,
                                  size_t number, struct bd_error *err)
{
    const bool named = node->kind == BD_YAML_MAPPING && bd_yaml_get(node, "name");
    const size_t memories = !base->memory ? 1 : base->memory->kind == BD_YAML_SEQUENCE ? base->memory->count : 1;
    size_t at[KEYS + 1] = {0};
    bd_status status = BD_OK;
    for (bool more = true; more && !status;) {
        for (size_t m = 0; m < memories && !status; m++) {
            status = add_one(f, node, base, at, base->memory ? bd_sweep_item(base->memory, m)->text : NULL, named, err);
            double *places = status ? NULL : f->sweep.hardware[f->sweep.hardware_count - 1].at;
            for (size_t k = 0; places && k < 6; k++) {
                places[k + 2] = k < base->key_count ? (double)at[k] : 0;
            }
            if (places) {
                places[0] = (double)number;
                places[1] = (double)m;
            }
        }
        size_t k = base->key_count; /* the last key turns fastest */
        while (k-- > 0 && ++at[k] == (base->values[k]->kind == BD_YAML_SEQUENCE ? base->values[k]->count : 1)) {
            at[k] = 0;
        }
        more = k != (size_t)-1;
    }
    return status;
}

bd_status bd_sweep_add_hardware(struct bd_sweep_file *f, const struct bd_yaml_node *node,
                                const struct bd_yaml_node *more_keys, const struct bd_yaml_node *memory, size_t *first,
                                size_t *count, struct bd_error *err)
{
    const size_t items = node->kind == BD_YAML_SEQUENCE ? node->count : 1;
    size_t memories = 0;
    bd_status status = items ? BD_OK : bd_yaml_fail(&f->yaml, node, err, "'hardware' must name some configuration");
    status = status || !memory ? status : bd_sweep_list(f, memory, "memory", &memories, err);
    for (size_t m = 0; m < memories && !status; m++) {
        struct bd_memory_model model;
        struct bd_error why;
        if (bd_memory_parse(&model, bd_sweep_item(memory, m)->text, &why)) {
            status = bd_yaml_fail(&f->yaml, bd_sweep_item(memory, m), err, "'memory': %s", why.message);
        }
    }
    *first = f->sweep.hardware_count;
    for (size_t i = 0; i < items && !status; i++) {
        struct base base = {.memory = memory};
        const struct bd_yaml_node *item = node->kind == BD_YAML_SEQUENCE ? node->values[i] : node;
        status = open_base(f, item, more_keys, &base, err);
        status = status ? status : add_combinations(f, item, &base, i, err);
        release_base(&base);
    }
    *count = f->sweep.hardware_count - *first;
    return status;
}
