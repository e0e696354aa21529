/* What a sweep came to: one document, and that as files. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/file.h"
#include "model/core/json.h"
#include "model/core/memory.h"
#include "model/core/version.h"
#include "sw/page/page.h"
#include "sw/sweep/sweep.h"

enum { FILE_MOST = 256 << 20, LAYERS_OF = 200 };

/* ---- the document ---- */

static char *constraint_text(const struct bd_sweep_constraint *c)
{
    return bd_asprintf("%s %s %g", bd_sweep_metrics[c->metric].name, c->at_least ? ">=" : "<=", c->value);
}

static json_t *metrics_json(const double *metric)
{
    json_t *object = json_object();
    for (int m = 0; m < BD_SWEEP_METRIC_COUNT; m++) {
        if (!isnan(metric[m])) {
            json_object_set_new(object, bd_sweep_metrics[m].name, json_real(metric[m]));
        }
    }
    return object;
}

static json_t *design_json(const struct bd_sweep *s, const struct bd_sweep_design *d, bool layers)
{
    const struct bd_sweep_hardware *h = &s->hardware[d->hardware];
    json_t *o = json_pack("{s:s, s:o, s:s, s:s, s:s, s:o, s:s, s:o}", "name", d->name, "network",
                          bd_json_text(s->networks[d->network].path), "switch", d->sw, "pruning",
                          s->levels[d->level].name, "hardware", h->name, "base", bd_json_text(h->path), "state",
                          bd_sweep_state_names[d->state], "reason", bd_json_text(d->reason ? d->reason : ""));
    json_object_set_new(o, "feasible", json_boolean(d->feasible));
    json_object_set_new(o, "front", json_boolean(d->front));
    json_object_set_new(o, "confirmed",
                        d->confirmed ? json_boolean(json_is_true(json_object_get(d->confirmed, "pass"))) : json_null());
    if (d->confirmed) {
        json_object_set(o, "confirmation", d->confirmed);
    }
    if (!h->refused) {
        json_object_set_new(o, "clock_mhz", json_real(h->hardware.clock_mhz));
        json_object_set_new(o, "clock", json_string(bd_hardware_clock_word(&h->hardware)));
    }
    json_object_set_new(o, "metrics", metrics_json(d->metric));
    if (layers && d->layers) {
        json_object_set(o, "layers", d->layers);
    }
    return o;
}

struct counts {
    size_t all, by_state[BD_SWEEP_DONE + 1], feasible, front, confirmed, unconfirmed, open;
};

static struct counts count(const struct bd_sweep *s)
{
    struct counts c = {0};
    for (size_t i = 0; i < s->design_count; i++) {
        const struct bd_sweep_design *d = &s->designs[i];
        const bool pass = d->front && json_is_true(json_object_get(d->confirmed, "pass"));
        c.all += d->state != BD_SWEEP_ABSENT;
        c.by_state[d->state]++;
        c.feasible += d->feasible;
        c.front += d->front;
        c.confirmed += pass;
        c.unconfirmed += d->front && d->confirmed && !pass;
        c.open += d->state == BD_SWEEP_OPEN && d->selected;
    }
    return c;
}

/* What is lacking of a design, in words; malloc'd. */
static char *lacks(const struct bd_sweep *s, const struct bd_sweep_design *d)
{
    char *text = bd_xstrdup("");
    for (size_t c = 0; c < s->constraint_count; c++) {
        const struct bd_sweep_constraint *bound = &s->constraints[c];
        const struct bd_sweep_metric_row *row = &bd_sweep_metrics[bound->metric];
        if (!bd_sweep_meets(bound, d->metric[bound->metric])) {
            char *longer =
                bd_asprintf("%s%s%s %.*f where %s %g is asked", text, *text ? ", " : "", row->name, row->digits,
                            d->metric[bound->metric], bound->at_least ? ">=" : "<=", bound->value);
            free(text);
            text = longer;
        }
    }
    return text;
}

static char *objectives_text(const struct bd_sweep *s)
{
    char *text = bd_xstrdup("");
    for (size_t o = 0; o < s->objective_count; o++) {
        char *longer = bd_asprintf("%s%s%s", text, *text ? ", " : "", bd_sweep_metrics[s->objectives[o]].name);
        free(text);
        text = longer;
    }
    return text;
}

/* One sentence; malloc'd. */
static char *verdict(const struct bd_sweep *s, const struct counts *c, const struct bd_sweep_design *nearest)
{
    if (!c->by_state[BD_SWEEP_DONE]) {
        return bd_asprintf("no design of %zu has been run to its end", c->all);
    }
    if (!c->front) {
        char *lack = lacks(s, nearest),
             *text = bd_asprintf("no design of %zu that ran meets every constraint; the nearest is '%s': %s",
                                 c->by_state[BD_SWEEP_DONE], nearest->name, lack);
        free(lack);
        return text;
    }
    char *objectives = objectives_text(s), *confirmed = bd_xstrdup("none of them was run on the RTL");
    if (c->confirmed + c->unconfirmed) {
        free(confirmed);
        confirmed = bd_asprintf("%zu of them confirmed on the RTL (%d image%s each, values and clocks)%s", c->confirmed,
                                (int)s->confirm_images, s->confirm_images == 1 ? "" : "s",
                                c->unconfirmed ? ", THE OTHERS ARE NOT" : "");
    }
    char *text = bd_asprintf("%zu of %zu designs that ran meet every constraint, %zu are on the front of %s; %s%s",
                             c->feasible, c->by_state[BD_SWEEP_DONE], c->front, objectives, confirmed,
                             c->open ? "; it is not whole: some designs have not run" : "");
    free(objectives);
    free(confirmed);
    return text;
}

struct order {
    const struct bd_sweep *sweep;
    const struct bd_sweep_design *design;
};

static int compare(const void *a, const void *b)
{
    const struct order *x = a, *y = b;
    if (x->design->state != y->design->state) { /* done first */
        return x->design->state > y->design->state ? -1 : 1;
    }
    if (x->design->state != BD_SWEEP_DONE) {
        return strcmp(x->design->name, y->design->name);
    }
    return bd_sweep_before(x->sweep, x->design, y->design) ? -1 : bd_sweep_before(x->sweep, y->design, x->design);
}

static json_t *designs_json(const struct bd_sweep *s, const struct bd_sweep_design *nearest)
{
    struct order *order = bd_xcalloc(s->design_count, sizeof *order);
    json_t *list = json_array();
    for (size_t d = 0; d < s->design_count; d++) {
        order[d] = (struct order){s, &s->designs[d]};
    }
    qsort(order, s->design_count, sizeof *order, compare);
    for (size_t d = 0; d < s->design_count; d++) {
        const struct bd_sweep_design *design = order[d].design;
        if (design->state != BD_SWEEP_ABSENT) {
            const bool layers = design == nearest || design->front || (design->feasible && d < LAYERS_OF);
            json_array_append_new(list, design_json(s, design, layers));
        }
    }
    free(order);
    return list;
}

static json_t *counts_json(const struct counts *c)
{
    json_t *o = json_pack("{s:I, s:I, s:I, s:I, s:I}", "designs", (json_int_t)c->all, "feasible",
                          (json_int_t)c->feasible, "front", (json_int_t)c->front, "confirmed", (json_int_t)c->confirmed,
                          "unconfirmed", (json_int_t)c->unconfirmed);
    for (int state = BD_SWEEP_EXCLUDED; state <= BD_SWEEP_DONE; state++) {
        json_object_set_new(o, bd_sweep_state_names[state], json_integer((json_int_t)c->by_state[state]));
    }
    return o;
}

json_t *bd_sweep_document(const struct bd_sweep *s)
{
    const struct counts c = count(s);
    const long at = c.front ? -1 : bd_sweep_nearest(s);
    const struct bd_sweep_design *nearest = at < 0 ? NULL : &s->designs[at];
    json_t *objectives = json_array(), *constraints = json_array(), *known = json_object(), *front = json_array();
    for (size_t o = 0; o < s->objective_count; o++) {
        json_array_append_new(objectives, json_string(bd_sweep_metrics[s->objectives[o]].name));
    }
    for (size_t i = 0; i < s->constraint_count; i++) {
        char *text = constraint_text(&s->constraints[i]);
        json_array_append_new(constraints, json_string(text));
        free(text);
    }
    for (int m = 0; m < BD_SWEEP_METRIC_COUNT; m++) {
        json_object_set_new(known, bd_sweep_metrics[m].name, json_string(bd_sweep_metrics[m].known));
    }
    json_t *designs = designs_json(s, nearest), *design;
    size_t i;
    json_array_foreach(designs, i, design)
    {
        if (json_is_true(json_object_get(design, "front"))) {
            json_array_append(front, json_object_get(design, "name"));
        }
    }
    char *words = verdict(s, &c, nearest);
    json_t *o = json_pack("{s:o, s:o, s:s, s:o, s:f, s:I, s:o, s:o, s:o}", "sweep", bd_json_text(s->name), "title",
                          bd_json_text(s->title ? s->title : ""), "kind",
                          (const char *const[]){"product", "list", "search"}[s->kind], "device",
                          bd_json_text(s->device), "frame_rate", s->frame_rate, "images", (json_int_t)s->images,
                          "objectives", objectives, "constraints", constraints, "known", known);
    json_object_set_new(o, "version", json_string(BD_VERSION));
    json_object_set_new(o, "verdict", bd_json_text(words));
    json_object_set_new(o, "counts", counts_json(&c));
    json_object_set_new(o, "front", front);
    json_object_set_new(o, "nearest", nearest ? json_string(nearest->name) : json_null());
    json_object_set_new(o, "designs", designs);
    free(words);
    return o;
}

json_t *bd_sweep_reasons(const json_t *document, const char *state)
{
    json_t *groups = json_array(), *places = json_object();
    const json_t *design;
    size_t i;
    json_array_foreach(json_object_get(document, "designs"), i, design)
    {
        const char *hardware = bd_page_text(design, "hardware"), *reason = bd_page_text(design, "reason");
        if (!strcmp(bd_page_text(design, "state"), state)) {
            char *key = bd_asprintf("%s\n%s", hardware, reason);
            json_t *group = json_object_get(places, key);
            if (!group) {
                group = json_pack("{s:s, s:s}", "hardware", hardware, "reason", reason);
                json_array_append(groups, group);
                json_object_set_new(places, key, group);
            }
            json_object_set_new(group, "designs", json_integer((json_int_t)bd_page_number(group, "designs") + 1));
            free(key);
        }
    }
    json_decref(places);
    return groups;
}

/* ---- CSV ---- */

static void csv_word(FILE *out, const char *text)
{
    fputs(",\"", out);
    for (; *text; text++) {
        fputs(*text == '"' ? "\"" : "", out);
        fputc(*text, out);
    }
    fputc('"', out);
}

void bd_sweep_csv(FILE *out, const json_t *document)
{
    static const char *const words[] = {"network", "switch", "pruning", "hardware", "state", "reason"};
    const json_t *design;
    size_t i;
    fputs("name,network,switch,pruning,hardware,state,reason,feasible,front,confirmed,clock_mhz,clock", out);
    for (int m = 0; m < BD_SWEEP_METRIC_COUNT; m++) {
        fprintf(out, ",%s", bd_sweep_metrics[m].name);
    }
    fputc('\n', out);
    json_array_foreach(json_object_get(document, "designs"), i, design)
    {
        fprintf(out, "%s", bd_page_text(design, "name")); /* letters and digits alone */
        for (size_t w = 0; w < sizeof words / sizeof *words; w++) {
            csv_word(out, bd_page_text(design, words[w]));
        }
        const json_t *confirmed = json_object_get(design, "confirmed");
        fprintf(out, ",%d,%d,%s,%g,%s", json_is_true(json_object_get(design, "feasible")),
                json_is_true(json_object_get(design, "front")),
                json_is_boolean(confirmed) ? json_is_true(confirmed) ? "1" : "0" : "",
                bd_page_number(design, "clock_mhz"), bd_page_text(design, "clock"));
        for (int m = 0; m < BD_SWEEP_METRIC_COUNT; m++) {
            const json_t *value = json_object_get(json_object_get(design, "metrics"), bd_sweep_metrics[m].name);
            fputc(',', out);
            if (value) {
                fprintf(out, "%.10g", json_number_value(value));
            }
        }
        fputc('\n', out);
    }
}

/* ---- Markdown ---- */

static void md_text(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (strchr("|<>&`*", *text)) {
            fputc('\\', out);
        }
        fputc(*text == '\n' ? ' ' : *text, out);
    }
}

static void md_head(FILE *out)
{
    fputs("| network | switch | pruning | hardware |", out);
    for (int m = 0; m < BD_SWEEP_METRIC_COUNT; m++) {
        fprintf(out, " %s%s%s |", bd_sweep_metrics[m].name, *bd_sweep_metrics[m].unit ? ", " : "",
                bd_sweep_metrics[m].unit);
    }
    fputs(" clock | RTL |\n|---|---|---|---|", out);
    for (int m = 0; m < BD_SWEEP_METRIC_COUNT; m++) {
        fputs("---|", out);
    }
    fputs("---|---|\n", out);
}

static void md_design(FILE *out, const json_t *design)
{
    const char *network = bd_page_text(design, "name");
    const json_t *confirmed = json_object_get(design, "confirmed");
    fprintf(out, "| %.*s | %s | %s | ", (int)strcspn(network, "."), network, bd_page_text(design, "switch"),
            bd_page_text(design, "pruning"));
    md_text(out, bd_page_text(design, "hardware"));
    fputs(" |", out);
    for (int m = 0; m < BD_SWEEP_METRIC_COUNT; m++) {
        const json_t *value = json_object_get(json_object_get(design, "metrics"), bd_sweep_metrics[m].name);
        if (value) {
            fprintf(out, " %.*f |", bd_sweep_metrics[m].digits, json_number_value(value));
        } else {
            fputs(" - |", out);
        }
    }
    fprintf(out, " %g MHz %s | %s |\n", bd_page_number(design, "clock_mhz"), bd_page_text(design, "clock"),
            json_is_boolean(confirmed) ? json_is_true(confirmed) ? "confirmed" : "NOT CONFIRMED" : "not run");
}

static void md_done(FILE *out, const json_t *document, const char *title, bool front)
{
    const json_t *design;
    size_t i, shown = 0;
    json_array_foreach(json_object_get(document, "designs"), i, design)
    {
        if (!strcmp(bd_page_text(design, "state"), "done") &&
            (!front || json_is_true(json_object_get(design, "front")))) {
            if (!shown++) {
                fprintf(out, "\n## %s\n\n", title);
                md_head(out);
            }
            md_design(out, design);
        }
    }
}

static void md_reasons(FILE *out, const json_t *document, const char *title, const char *state)
{
    json_t *groups = bd_sweep_reasons(document, state), *group;
    size_t i;
    json_array_foreach(groups, i, group)
    {
        if (!i) {
            fprintf(out, "\n## %s\n\n| hardware | designs | why |\n|---|---|---|\n", title);
        }
        fprintf(out, "| %s | %.0f | ", bd_page_text(group, "hardware"), bd_page_number(group, "designs"));
        md_text(out, bd_page_text(group, "reason"));
        fputs(" |\n", out);
    }
    json_decref(groups);
}

void bd_sweep_markdown(FILE *out, const json_t *document)
{
    const json_t *text, *value;
    const char *name;
    size_t i;
    fputs("# ", out);
    md_text(out, bd_page_text(document, "sweep"));
    fputs("\n\n", out);
    md_text(out, bd_page_text(document, "title"));
    fputs("\n\n**", out);
    md_text(out, bd_page_text(document, "verdict"));
    fputs(".**\n\nConstraints:", out);
    json_array_foreach(json_object_get(document, "constraints"), i, text)
    {
        fprintf(out, "%s %s", i ? ";" : "", json_string_value(text));
    }
    const char *device = bd_page_text(document, "device");
    fprintf(out, "%s%s%s.\n", i ? "" : " none", *device ? "; device " : "", device);
    md_done(out, document, "The front", true);
    md_done(out, document, "All designs that ran", false);
    md_reasons(out, document, "Left out before they ran", "excluded");
    md_reasons(out, document, "Refused by the hardware", "refused");
    md_reasons(out, document, "Failed", "failed");
    fputs("\n## How each figure is known\n\n| figure | |\n|---|---|\n", out);
    json_object_foreach(json_object_get(document, "known"), name, value)
    {
        fprintf(out, "| %s | %s |\n", name, json_string_value(value));
    }
}

/* ---- files ---- */

static void write_json(FILE *out, const json_t *document)
{
    json_dumpf(document, out, JSON_INDENT(1) | JSON_REAL_PRECISION(12));
    fputc('\n', out);
}

bd_status bd_sweep_write(const char *dir, const json_t *document, struct bd_error *err)
{
    static const struct {
        const char *name;
        void (*write)(FILE *out, const json_t *document);
    } files[] = {{"results.csv", bd_sweep_csv}, {"results.md", bd_sweep_markdown}, {"results.json", write_json}};
    for (size_t f = 0; f < sizeof files / sizeof *files; f++) {
        char *path = bd_asprintf("%s/%s", dir, files[f].name);
        bd_status status = bd_page_save(path, files[f].write, document, err);
        free(path);
        if (status) {
            return status;
        }
    }
    return BD_OK;
}

bd_status bd_sweep_read(const char *dir, json_t **document, struct bd_error *err)
{
    char *path = bd_asprintf("%s/results.json", dir);
    uint8_t *data;
    size_t size;
    struct bd_error missing;
    *document = NULL;
    bd_status status = BD_OK;
    if (!bd_file_read(path, FILE_MOST, &data, &size, &missing)) {
        json_error_t why;
        json_t *object = json_loadb((const char *)data, size, 0, &why);
        free(data);
        if (!object) {
            status = bd_fail(err, BD_BAD_INPUT, "%s:%d:%d: %s", path, why.line, why.column, why.text);
        } else if (json_is_string(json_object_get(object, "sweep")) &&
                   json_is_array(json_object_get(object, "designs"))) {
            *document = json_incref(object);
        }
        json_decref(object);
    }
    free(path);
    return status;
}
