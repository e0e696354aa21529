#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/compare/compare.h"
#include "model/core/memory.h"

#define AT(member) offsetof(struct bd_compare_config, member)
static const struct bd_field pilot_fields[] = {
    {"epochs", BD_FIELD_INT, AT(pilot_epochs), 1, 10000, "1", NULL, NULL, "length of a pilot"},
    {"steps", BD_FIELD_INT, AT(pilot_steps), 0, 1 << 30, "0", NULL, NULL, "the same in steps, before 'epochs'"},
    {0},
};
const struct bd_field bd_compare_fields[] = {
    {"name", BD_FIELD_STRING, AT(name), 1, 63, NULL, NULL, NULL, "of the comparison"},
    {"network", BD_FIELD_PATH, AT(network), 1, 4095, NULL, NULL, NULL, "network YAML"},
    {"folder", BD_FIELD_STRING, AT(folder), 1, 4095, NULL, NULL, NULL, "runs, checkpoints, logs and tables"},
    {"data", BD_FIELD_MAP, AT(data), 0, 0, "{}", NULL, bd_data_fields, "the images"},
    {"images", BD_FIELD_INT, AT(images), 0, 1 << 30, "0", NULL, NULL, "the first so many training images; 0: all"},
    {"test_images", BD_FIELD_INT, AT(test_images), 0, 1 << 30, "0", NULL, NULL, "the first so many; 0: all"},
    {"switches", BD_FIELD_STRING, AT(switches), 0, 255, "", NULL, NULL, "instead of the network's, as w1a8,w1a1"},
    {"quantizers", BD_FIELD_STRING, AT(families), 0, 255, "", NULL, NULL,
     "families, some of floor,dorefa,lsq; empty: as the network says"},
    {"teachers", BD_FIELD_STRING, AT(teachers), 0, 255, "top", NULL, NULL, "some of labels,top,next"},
    {"label_weights", BD_FIELD_STRING, AT(label_weights), 0, 255, "", NULL, NULL,
     "values of a0, as 0,1; empty: train's. Without meaning for 'labels', which is one variant"},
    {"grid", BD_FIELD_ENUM, AT(grid), 0, 0, "full", "full|one_factor", NULL,
     "all combinations of the lists; or the first of each, and what differs from that in one"},
    {"extra_top", BD_FIELD_STRING, AT(extra_top), 0, 15, "", NULL, NULL,
     "one more variant, the first, with this switch on top, as w1a32"},
    {"extra_arithmetic", BD_FIELD_ENUM, AT(extra_arithmetic), 0, 0, "none", "none|float32|bfloat16", NULL,
     "one more variant, the first, with gradients of this arithmetic"},
    {"arms", BD_FIELD_STRING, AT(arms), 0, 255, "shared,independent,independent_taught", NULL, NULL, "what is trained"},
    {"rates", BD_FIELD_STRING, AT(rates), 1, 255, NULL, NULL, NULL, "learning rates that each network chooses from"},
    {"pilot", BD_FIELD_MAP, 0, 0, 0, "{}", NULL, pilot_fields, "the short runs that choose"},
    {"seeds", BD_FIELD_INT, AT(seeds), 1, 100, "1", NULL, NULL, "runs of each network, seeds 1, 2, ..."},
    {"jobs", BD_FIELD_INT, AT(jobs), 1, 256, "1", NULL, NULL, "runs side by side"},
    {"train", BD_FIELD_MAP, AT(train), 0, 0, "{}", NULL, bd_train_fields, "the recipe: as in a training configuration"},
    {0},
};
#undef AT

const char *const bd_arm_names[BD_ARM_COUNT] = {"shared", "independent", "independent_taught"};
static const char *const teacher_names[] = {"labels", "top", "next"};
static const struct {
    const char *name, *quantizers;
} families[] = {
    {"floor", "{weights: floor, activations: pact}"},
    {"dorefa", "{weights: dorefa, activations: dorefa}"},
    {"lsq", "{weights: lsq, activations: lsq}"},
};

struct source {
    struct bd_comparison *comparison;
    struct bd_yaml yaml;
    struct bd_error *err;
};

/* The words of a comma-separated list; each goes to `take`, which may refuse it. */
static bd_status each_word(struct source *source, const char *key, const char *list,
                           bool (*take)(struct bd_comparison *c, const char *word))
{
    const struct bd_yaml_node *node = bd_yaml_get(source->yaml.root, key);
    char *copy = bd_xstrdup(list ? list : ""), *rest = NULL;
    bd_status status = BD_OK;
    for (char *word = strtok_r(copy, ", ", &rest); word && !status; word = strtok_r(NULL, ", ", &rest)) {
        if (!take(source->comparison, word)) {
            status = bd_yaml_fail(&source->yaml, node ? node : source->yaml.root, source->err,
                                  "'%s' does not take '%s', or not so many", key, word);
        }
    }
    free(copy);
    return status;
}

static int index_of(const char *word, const char *const *names, int count)
{
    for (int i = 0; i < count; i++) {
        if (!strcmp(word, names[i])) {
            return i;
        }
    }
    return -1;
}

static bool take_number(double *values, int *count, const char *word, double low, double high)
{
    char *end;
    double value = strtod(word, &end);
    if (*count == BD_COMPARE_MAX || end == word || *end || !(value >= low && value <= high)) {
        return false;
    }
    values[(*count)++] = value;
    return true;
}

static bool take_rate(struct bd_comparison *c, const char *word)
{
    return take_number(c->rates, &c->rate_count, word, 1e-8, 10);
}

static bool take_label_weight(struct bd_comparison *c, const char *word)
{
    return take_number(c->label_weights, &c->label_weight_count, word, 0, 10);
}

static bool take_teacher(struct bd_comparison *c, const char *word)
{
    int teacher = index_of(word, teacher_names, 3);
    if (teacher < 0 || c->teacher_count == BD_COMPARE_MAX) {
        return false;
    }
    c->teachers[c->teacher_count++] = teacher;
    return true;
}

static bool take_arm(struct bd_comparison *c, const char *word)
{
    int arm = index_of(word, bd_arm_names, BD_ARM_COUNT);
    c->arms |= arm < 0 ? 0 : 1u << arm;
    return arm >= 0;
}

static bool take_family(struct bd_comparison *c, const char *word)
{
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        if (!strcmp(word, families[i].name) && c->family_count < BD_COMPARE_MAX) {
            c->families[c->family_count++] = bd_xstrdup(word);
            return true;
        }
    }
    return false;
}

static bd_status read_lists(struct source *source)
{
    struct bd_comparison *c = source->comparison;
    bd_status status = each_word(source, "rates", c->config.rates, take_rate);
    status = status ? status : each_word(source, "label_weights", c->config.label_weights, take_label_weight);
    status = status ? status : each_word(source, "teachers", c->config.teachers, take_teacher);
    status = status ? status : each_word(source, "arms", c->config.arms, take_arm);
    status = status ? status : each_word(source, "quantizers", c->config.families, take_family);
    if (status) {
        return status;
    }
    if (!c->rate_count || !c->teacher_count || !c->arms) {
        return bd_yaml_fail(&source->yaml, source->yaml.root, source->err, "'%s' names nothing",
                            !c->rate_count      ? "rates"
                            : !c->teacher_count ? "teachers"
                                                : "arms");
    }
    if (c->arms >> BD_ARM_TAUGHT & 1 && !(c->arms >> BD_ARM_INDEPENDENT & 1)) {
        return bd_yaml_fail(&source->yaml, bd_yaml_get(source->yaml.root, "arms"), source->err,
                            "'arms' with 'independent_taught' needs 'independent': its networks teach");
    }
    if (c->config.grid == BD_GRID_ONE_FACTOR && c->teachers[0] == BD_TEACHER_LABELS && c->label_weight_count > 1) {
        return bd_yaml_fail(&source->yaml, bd_yaml_get(source->yaml.root, "teachers"), source->err,
                            "'one_factor' varies 'label_weights' at the first of 'teachers', where 'labels' has none");
    }
    if (!c->label_weight_count) {
        c->label_weights[c->label_weight_count++] = c->config.train.plan.label_weight;
    }
    return BD_OK;
}

/* Keys of the recipe that the comparison decides itself. */
static bd_status check_recipe(struct source *source)
{
    static const char *const ours[] = {"network", "init", "output", "switches", "seed", "data"};
    const struct bd_yaml_node *train = bd_yaml_get(source->yaml.root, "train");
    for (size_t i = 0; train && i < sizeof ours / sizeof *ours; i++) {
        const struct bd_yaml_node *node = bd_yaml_get(train, ours[i]);
        if (node) {
            return bd_yaml_fail(&source->yaml, node, source->err, "'%s' belongs to the comparison, not to 'train'",
                                ours[i]);
        }
    }
    const struct bd_yaml_node *optimizer = train ? bd_yaml_get(train, "optimizer") : NULL;
    if (optimizer && bd_yaml_get(optimizer, "rate")) {
        return bd_yaml_fail(&source->yaml, bd_yaml_get(optimizer, "rate"), source->err,
                            "'rate' is chosen from 'rates'");
    }
    const struct bd_yaml_node *teacher = train ? bd_yaml_get(train, "teacher") : NULL;
    if (teacher && bd_yaml_get(teacher, "from")) {
        return bd_yaml_fail(&source->yaml, bd_yaml_get(teacher, "from"), source->err, "'from' is one of 'teachers'");
    }
    return BD_OK;
}

/* ---- networks ---- */

/* The description with another family: its own top-level line `quantizers: {...}` goes. */
static char *with_family(const char *text, const char *quantizers)
{
    char *result = NULL;
    size_t size;
    FILE *out = open_memstream(&result, &size);
    if (!out) {
        abort(); /* out of memory */
    }
    for (const char *line = text; *line;) {
        size_t length = strcspn(line, "\n");
        if (strncmp(line, "quantizers:", 11)) {
            fprintf(out, "%.*s\n", (int)length, line);
        }
        line += length + (line[length] == '\n');
    }
    fprintf(out, "quantizers: %s\n", quantizers);
    fclose(out);
    return result;
}

static bd_status make_network(struct bd_comparison *c, int family, const char *switches, struct bd_error *err)
{
    struct bd_graph plain, *out = &c->networks[c->network_count];
    bd_status status = bd_graph_load(&plain, c->config.network, err);
    if (status) {
        return status;
    }
    if (family >= 0) {
        const char *quantizers = NULL;
        for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
            quantizers = !strcmp(families[i].name, c->families[family]) ? families[i].quantizers : quantizers;
        }
        char *text = with_family(plain.yaml_text, quantizers);
        bd_graph_release(&plain);
        status = bd_graph_parse(&plain, c->config.network, text, strlen(text), err);
        free(text);
        if (status) {
            return status;
        }
    }
    struct bd_graph_shape shape = {.switches = switches && *switches ? switches : NULL};
    status = bd_graph_adapt(&plain, &shape, out, err);
    bd_graph_release(&plain);
    c->network_count += status == BD_OK;
    return status;
}

static struct bd_variant *add_variant(struct bd_comparison *c, int network, int family, int teacher,
                                      double label_weight)
{
    struct bd_variant *v = &c->variants[c->variant_count++];
    *v = (struct bd_variant){.family = family,
                             .teacher = teacher,
                             .label_weight = label_weight,
                             .network = network,
                             .arithmetic = c->config.train.plan.arithmetic};
    const char *name = family < 0 ? "own" : c->families[family];
    if (teacher == BD_TEACHER_LABELS) {
        snprintf(v->name, sizeof v->name, "%s.labels", name);
    } else {
        snprintf(v->name, sizeof v->name, "%s.%s.a0-%g", name, teacher_names[teacher], label_weight);
    }
    return v;
}

static void mark_extra(struct bd_variant *v, const char *what)
{
    v->extra = true;
    size_t length = strlen(v->name);
    snprintf(v->name + length, sizeof v->name - length, ".%s", what);
}

/* Variants beside the grid, like its first one that has a teacher: a switch on top matters to those that learn from
 * it. */
static bd_status add_extras(struct bd_comparison *c, struct bd_error *err)
{
    static const char *const arithmetics[] = {"", "float32", "bfloat16"}; /* enum bd_arithmetic */
    int like = 0;
    while (like + 1 < c->variant_count && c->variants[like].teacher == BD_TEACHER_LABELS) {
        like++;
    }
    const struct bd_variant base = c->variants[like];
    if (c->config.extra_arithmetic != BD_ARITHMETIC_AUTO) {
        struct bd_variant *v = add_variant(c, base.network, base.family, base.teacher, base.label_weight);
        v->arithmetic = c->config.extra_arithmetic;
        mark_extra(v, arithmetics[v->arithmetic]);
    }
    if (!c->config.extra_top) {
        return BD_OK;
    }
    const struct bd_graph *first = &c->networks[0];
    char *switches = bd_xstrdup(c->config.extra_top);
    for (int s = 0; s < first->switch_count; s++) {
        char *longer = bd_asprintf("%s,%s", switches, first->switches[s].name);
        free(switches);
        switches = longer;
    }
    bd_status status = make_network(c, base.family, switches, err);
    free(switches);
    if (!status) {
        mark_extra(add_variant(c, c->network_count - 1, base.family, base.teacher, base.label_weight),
                   c->config.extra_top);
    }
    return status;
}

static bd_status make_variants(struct bd_comparison *c, struct bd_error *err)
{
    int family_count = c->family_count ? c->family_count : 1;
    c->networks = bd_xcalloc(family_count + 1, sizeof *c->networks);
    c->variants = bd_xcalloc(family_count * BD_COMPARE_MAX * BD_COMPARE_MAX + 2, sizeof *c->variants);
    for (int f = 0; f < family_count; f++) {
        int family = c->family_count ? f : -1;
        bd_status status = make_network(c, family, c->config.switches, err);
        if (status) {
            return status;
        }
        for (int t = 0; t < c->teacher_count; t++) {
            int weights = c->teachers[t] == BD_TEACHER_LABELS ? 1 : c->label_weight_count;
            for (int w = 0; w < weights; w++) {
                if (c->config.grid == BD_GRID_FULL || !!f + !!t + !!w <= 1) {
                    add_variant(c, f, family, c->teachers[t], c->label_weights[w]);
                }
            }
        }
    }
    return add_extras(c, err);
}

bd_status bd_comparison_load(struct bd_comparison *comparison, const char *path, struct bd_error *err)
{
    struct source source = {.comparison = comparison, .err = err};
    *comparison = (struct bd_comparison){0};
    bd_status status = bd_yaml_load(&source.yaml, path, err);
    if (status) {
        return status;
    }
    status = bd_yaml_bind(&source.yaml, source.yaml.root, bd_compare_fields, &comparison->config, err);
    status = status ? status : check_recipe(&source);
    status = status ? status : read_lists(&source);
    bd_yaml_release(&source.yaml);
    status = status ? status : bd_yaml_expect_path(path, "network", comparison->config.network, err);
    if (!status && comparison->config.data.folder) {
        status = bd_yaml_expect_path(path, "data.folder", comparison->config.data.folder, err);
    }
    status = status ? status : make_variants(comparison, err);
    if (status) {
        bd_comparison_release(comparison);
        return status;
    }
    bd_comparison_make_runs(comparison);
    return BD_OK;
}

void bd_comparison_release(struct bd_comparison *comparison)
{
    for (int i = 0; i < comparison->run_count; i++) {
        json_decref(comparison->runs[i].result);
    }
    for (int i = 0; i < comparison->network_count; i++) {
        bd_graph_release(&comparison->networks[i]);
    }
    for (int i = 0; i < comparison->family_count; i++) {
        free(comparison->families[i]);
    }
    free(comparison->runs);
    free(comparison->networks);
    free(comparison->variants);
    bd_fields_release(bd_compare_fields, &comparison->config);
    *comparison = (struct bd_comparison){0};
}
