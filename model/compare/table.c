/* Rows and Markdown from finished runs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/compare/compare.h"
#include "model/compare/statistics.h"
#include "model/core/memory.h"

/* What one arm has at one switch: a vector of right answers for each seed. */
struct cell {
    size_t seeds, images;
    uint8_t *right[100];
    double accuracy[100], mean, rate;
};

static uint8_t *unpack_right(const char *text, size_t count)
{
    uint8_t *right = bd_xcalloc(count, 1);
    if ((count + 3) / 4 > strlen(text)) {
        free(right);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        char digit = text[i / 4];
        int value = digit <= '9' ? digit - '0' : digit - 'a' + 10;
        right[i] = value >> (3 - i % 4) & 1;
    }
    return right;
}

static bool matches(const struct bd_comparison *c, const struct bd_compare_run *run, enum bd_arm arm, int variant,
                    const char *name)
{
    if (run->arm != arm || (c->rate_count > 1 && run->rate >= 0) || !run->result) {
        return false;
    }
    const struct bd_variant *asked = &c->variants[variant], *its = &c->variants[run->variant];
    bool same = arm == BD_ARM_INDEPENDENT ? its->family == asked->family && its->arithmetic == asked->arithmetic
                                          : run->variant == variant;
    return same && json_object_get(json_object_get(run->result, "right"), name);
}

/* All finished seeds of an arm at a switch, in the order of seeds. */
static void gather(const struct bd_comparison *c, enum bd_arm arm, int variant, const char *name, struct cell *cell)
{
    *cell = (struct cell){0};
    for (int i = 0; i < c->run_count && cell->seeds < 100; i++) {
        const struct bd_compare_run *run = &c->runs[i];
        if (!matches(c, run, arm, variant, name)) {
            continue;
        }
        size_t count = json_integer_value(json_object_get(run->result, "test_images"));
        uint8_t *right =
            unpack_right(json_string_value(json_object_get(json_object_get(run->result, "right"), name)), count);
        if (!right || (cell->seeds && count != cell->images)) {
            free(right);
            continue;
        }
        double sum = 0;
        for (size_t k = 0; k < count; k++) {
            sum += right[k];
        }
        cell->images = count;
        cell->rate = json_number_value(json_object_get(run->result, "rate"));
        cell->accuracy[cell->seeds] = sum / count;
        cell->mean += (sum / count - cell->mean) / (cell->seeds + 1);
        cell->right[cell->seeds++] = right;
    }
}

static void release(struct cell *cell)
{
    for (size_t i = 0; i < cell->seeds; i++) {
        free(cell->right[i]);
    }
}

/* Two decimals of a per cent are more than the noise: rounded, so that the table's bytes are the same everywhere. */
static json_t *percent(double part)
{
    return json_real((double)(long long)(part * 1e5 + (part < 0 ? -0.5 : 0.5)) / 1e3);
}

static void put_difference(json_t *row, const char *prefix, const struct cell *a, const struct cell *b)
{
    char *difference = bd_asprintf("%sdifference", prefix), *interval = bd_asprintf("%sinterval", prefix),
         *by_seed = bd_asprintf("%sdifference_by_seed", prefix);
    size_t seeds = a->seeds < b->seeds ? a->seeds : b->seeds;
    if (!seeds || a->images != b->images || a->images < 2) {
        json_object_set_new(row, difference, json_null());
        json_object_set_new(row, interval, json_null());
    } else {
        struct bd_paired p =
            bd_paired_difference((const uint8_t *const *)a->right, (const uint8_t *const *)b->right, seeds, a->images);
        json_object_set_new(row, difference, percent(p.difference));
        json_object_set_new(row, interval, json_pack("[o, o]", percent(p.low), percent(p.high)));
        json_t *list = json_array();
        for (size_t i = 0; i < seeds; i++) {
            json_array_append_new(list, percent(a->accuracy[i] - b->accuracy[i]));
        }
        json_object_set_new(row, by_seed, list);
    }
    free(difference);
    free(interval);
    free(by_seed);
}

static json_t *mean_or_null(const struct cell *cell)
{
    return cell->seeds ? percent(cell->mean) : json_null();
}

/* Every switch's vectors of an arm one after the other, as one cell. */
static void append(struct cell *all, struct cell *cell)
{
    for (size_t i = 0; i < cell->seeds && all->seeds < 100; i++) {
        all->right[all->seeds] = cell->right[i];
        all->accuracy[all->seeds++] = cell->accuracy[i];
    }
    all->images = cell->images;
}

/* In the highest switch nobody teaches: the taught network is the independent one. */
static void gather_arms(const struct bd_comparison *c, int variant, int s, struct cell cells[BD_ARM_COUNT])
{
    const struct bd_variant *v = &c->variants[variant];
    const char *name = c->networks[v->network].switches[s].name;
    bool taught = c->arms >> BD_ARM_TAUGHT & 1 && !v->extra && v->teacher != BD_TEACHER_LABELS;
    for (int arm = 0; arm < BD_ARM_COUNT; arm++) {
        enum bd_arm from = arm == BD_ARM_TAUGHT && taught && s == 0 ? BD_ARM_INDEPENDENT : (enum bd_arm)arm;
        gather(c, from, variant, name, &cells[arm]);
    }
}

/* The shared network of a variant against that of the first one, switch by switch and in the mean of the switches that
 * both have. */
static void put_against_first(const struct bd_comparison *c, int variant, json_t *rows, json_t *mean)
{
    const struct bd_graph *graph = &c->networks[c->variants[variant].network];
    struct cell ours[BD_MAX_SWITCHES], first[BD_MAX_SWITCHES], all[2] = {{0}};
    bool whole = true;
    for (int s = 0; s < graph->switch_count; s++) {
        const char *name = graph->switches[s].name;
        gather(c, BD_ARM_SHARED, variant, name, &ours[s]);
        gather(c, BD_ARM_SHARED, 0, name, &first[s]);
        put_difference(json_array_get(rows, s), "first_", &ours[s], &first[s]);
        if (bd_graph_switch(&c->networks[c->variants[0].network], name) >= 0) {
            whole = whole && ours[s].seeds && ours[s].seeds == first[s].seeds;
            append(&all[0], &ours[s]);
            append(&all[1], &first[s]);
        }
    }
    if (whole) {
        put_difference(mean, "first_", &all[0], &all[1]);
        json_object_del(mean, "first_difference_by_seed");
    }
    for (int s = 0; s < graph->switch_count; s++) {
        release(&ours[s]);
        release(&first[s]);
    }
}

static void add_variant(const struct bd_comparison *c, int variant, json_t *all_rows, json_t *means)
{
    const struct bd_variant *v = &c->variants[variant];
    const struct bd_graph *graph = &c->networks[v->network];
    struct cell cells[BD_MAX_SWITCHES][BD_ARM_COUNT], all[BD_ARM_COUNT] = {{0}};
    json_t *rows = json_array();
    bool whole = true;
    for (int s = 0; s < graph->switch_count; s++) {
        gather_arms(c, variant, s, cells[s]);
        struct cell *shared = &cells[s][BD_ARM_SHARED], *alone = &cells[s][BD_ARM_INDEPENDENT],
                    *taught = &cells[s][BD_ARM_TAUGHT];
        json_t *row = json_pack("{s:s, s:s, s:o, s:o, s:o}", "variant", v->name, "switch", graph->switches[s].name,
                                "shared", mean_or_null(shared), "independent", mean_or_null(alone),
                                "independent_taught", mean_or_null(taught));
        put_difference(row, "", shared, alone);
        put_difference(row, "taught_", shared, taught);
        json_t *rates = json_object();
        for (int arm = 0; arm < BD_ARM_COUNT; arm++) {
            if (cells[s][arm].seeds) {
                json_object_set_new(rates, bd_arm_names[arm], json_real(cells[s][arm].rate));
            }
        }
        json_object_set_new(row, "rates", rates);
        json_object_set_new(row, "seeds", json_integer(shared->seeds));
        json_array_append_new(rows, row);
        if (shared->seeds && alone->seeds == shared->seeds) {
            append(&all[BD_ARM_SHARED], shared);
            append(&all[BD_ARM_INDEPENDENT], alone);
        } else {
            whole = false;
        }
    }
    json_t *mean = json_pack("{s:s}", "variant", v->name);
    double sum = 0;
    int count = 0;
    for (int s = 0; s < graph->switch_count; s++) {
        sum += cells[s][BD_ARM_SHARED].mean;
        count += cells[s][BD_ARM_SHARED].seeds > 0;
    }
    json_object_set_new(mean, "shared", count == graph->switch_count ? percent(sum / count) : json_null());
    if (whole) {
        put_difference(mean, "", &all[BD_ARM_SHARED], &all[BD_ARM_INDEPENDENT]);
        json_object_del(mean, "difference_by_seed");
    }
    if (variant) {
        put_against_first(c, variant, rows, mean);
    }
    json_array_append_new(means, mean);
    json_array_extend(all_rows, rows);
    json_decref(rows);
    for (int s = 0; s < graph->switch_count; s++) {
        for (int arm = 0; arm < BD_ARM_COUNT; arm++) {
            release(&cells[s][arm]);
        }
    }
}

json_t *bd_comparison_table(const struct bd_comparison *c)
{
    json_t *rows = json_array(), *means = json_array();
    for (int v = 0; v < c->variant_count; v++) {
        add_variant(c, v, rows, means);
    }
    return json_pack("{s:s, s:s, s:o, s:o}", "name", c->config.name, "first", c->variants[0].name, "rows", rows,
                     "means", means);
}

/* ---- Markdown ---- */

static void print_number(FILE *out, const json_t *value, const char *format)
{
    if (json_is_number(value)) {
        fprintf(out, format, json_number_value(value));
    } else {
        fputs("–", out);
    }
}

static void print_difference(FILE *out, const json_t *row, const char *difference, const char *interval)
{
    const json_t *range = json_object_get(row, interval);
    print_number(out, json_object_get(row, difference), "%+.2f");
    if (json_is_array(range)) {
        fprintf(out, " [%+.2f, %+.2f]", json_number_value(json_array_get(range, 0)),
                json_number_value(json_array_get(range, 1)));
    }
}

/* The end of a row. */
static void print_first(FILE *out, const json_t *row, bool variants)
{
    fputs(" |", out);
    if (variants) {
        fputs(" ", out);
        print_difference(out, row, "first_difference", "first_interval");
        fputs(" |", out);
    }
    fputs("\n", out);
}

char *bd_comparison_markdown(const json_t *table)
{
    char *text = NULL;
    size_t size, i;
    json_t *row, *means = json_object_get(table, "means");
    const bool variants = json_array_size(means) > 1;
    const char *first = json_string_value(json_object_get(table, "first"));
    FILE *out = open_memstream(&text, &size);
    if (!out) {
        abort(); /* out of memory */
    }
    fprintf(out,
            "# %s\n\nTest accuracy, %%, mean over seeds; paired differences with 95 %% intervals over test images.\n",
            json_string_value(json_object_get(table, "name")));
    fprintf(out, "\n| variant | switch | shared | independent | taught | shared − independent | shared − taught |");
    if (variants) {
        fprintf(out, " − %s |", first);
    }
    fprintf(out, "\n|---|---|---|---|---|---|---|%s\n", variants ? "---|" : "");
    json_array_foreach(json_object_get(table, "rows"), i, row)
    {
        fprintf(out, "| %s | %s | ", json_string_value(json_object_get(row, "variant")),
                json_string_value(json_object_get(row, "switch")));
        static const char *const arms[] = {"shared", "independent", "independent_taught"};
        for (int a = 0; a < 3; a++) {
            print_number(out, json_object_get(row, arms[a]), "%.2f");
            fputs(" | ", out);
        }
        print_difference(out, row, "difference", "interval");
        fputs(" | ", out);
        print_difference(out, row, "taught_difference", "taught_interval");
        print_first(out, row, variants);
    }
    fprintf(out, "\n| variant | shared, mean over switches | shared − independent |");
    if (variants) {
        fprintf(out, " − %s, switches of both |", first);
    }
    fprintf(out, "\n|---|---|---|%s\n", variants ? "---|" : "");
    json_array_foreach(means, i, row)
    {
        fprintf(out, "| %s | ", json_string_value(json_object_get(row, "variant")));
        print_number(out, json_object_get(row, "shared"), "%.2f");
        fputs(" | ", out);
        print_difference(out, row, "difference", "interval");
        print_first(out, row, variants);
    }
    fclose(out);
    return text;
}
