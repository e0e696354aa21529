#include "sw/regress/waivers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"

const char *const bd_place_kinds[BD_PLACE_KINDS] = {"line", "branch", "port"};

/* ---- reading ------------------------------------------------------------------------------------------------ */

enum { REASON = 10 }; /* letters, at least */

struct bd_waiver_row {
    char *file, *line, *of, *reason;
    const struct bd_yaml_node *ports, *hardware;
};
#define AT(member) offsetof(struct bd_waiver_row, member)
static const struct bd_field row_fields[] = {
    {"file", BD_FIELD_STRING, AT(file), 1, 200, NULL, NULL, NULL, "of the RTL; FOLDER/: all below it"},
    {"line", BD_FIELD_STRING, AT(line), 0, 400, "", NULL, NULL, "the text of a line, without the blanks at its ends"},
    {"of", BD_FIELD_STRING, AT(of), 0, 40, "", NULL, NULL, "a block of that line alone: if, else, elsif, case, block"},
    {"ports", BD_FIELD_NODE, AT(ports), 0, 0, "", NULL, NULL, "ports: NAME, NAME[BIT], NAME[HIGH:LOW]"},
    {"hardware", BD_FIELD_NODE, AT(hardware), 0, 0, "", NULL, NULL, "configurations on which alone it holds"},
    {"reason", BD_FIELD_STRING, AT(reason), 0, 400, NULL, NULL, NULL, "why no run can cover it"},
    {0},
};
#undef AT
struct goals {
    double line, branch, port;
};
static const struct bd_field goal_fields[] = {
    {"line", BD_FIELD_REAL, offsetof(struct goals, line), 0, 100, NULL, NULL, NULL, "percent"},
    {"branch", BD_FIELD_REAL, offsetof(struct goals, branch), 0, 100, NULL, NULL, NULL, "percent"},
    {"port", BD_FIELD_REAL, offsetof(struct goals, port), 0, 100, NULL, NULL, NULL, "percent"},
    {0},
};
struct head {
    const struct bd_yaml_node *goals, *filled_by, *waivers;
};
static const struct bd_field head_fields[] = {
    {"goals", BD_FIELD_NODE, offsetof(struct head, goals), 0, 0, NULL, NULL, NULL, "of each kind"},
    {"filled_by", BD_FIELD_NODE, offsetof(struct head, filled_by), 0, 0, NULL, NULL, NULL, "tests of a suite by files"},
    {"waivers", BD_FIELD_NODE, offsetof(struct head, waivers), 0, 0, NULL, NULL, NULL, "a list"},
    {0},
};

static struct bd_waiver *add(struct bd_waivers *w, const struct bd_yaml_node *node, const struct bd_waiver_row *row)
{
    w->waivers = bd_xrealloc(w->waivers, w->count + 1, sizeof *w->waivers);
    struct bd_waiver *waiver = &w->waivers[w->count++];
    *waiver = (struct bd_waiver){
        .node = node, .file = row->file, .reason = row->reason, .hardware = row->hardware, .from = -1, .to = -1};
    return waiver;
}

static bd_status add_port(struct bd_waivers *w, const struct bd_yaml_node *node, const struct bd_waiver_row *row,
                          struct bd_error *err)
{
    if (node->kind != BD_YAML_SCALAR)
        return bd_yaml_fail(&w->yaml, node, err, "a port must be NAME, NAME[BIT] or NAME[HIGH:LOW]");
    struct bd_waiver *waiver = add(w, node, row);
    const size_t name = strcspn(node->text, "[");
    const char *bits = node->text + name;
    int end = 0;
    waiver->port = bd_xstrndup(node->text, name);
    if (!*bits)
        return BD_OK;
    long high, low;
    if (sscanf(bits, "[%ld:%ld]%n", &high, &low, &end) != 2 || !end) {
        end = 0;
        if (sscanf(bits, "[%ld]%n", &high, &end) == 1)
            low = high;
    }
    if (!end || bits[end] || low < 0 || high < low)
        return bd_yaml_fail(&w->yaml, node, err, "a port must be NAME, NAME[BIT] or NAME[HIGH:LOW]");
    waiver->from = low;
    waiver->to = high;
    return BD_OK;
}

static bd_status add_row(struct bd_waivers *w, const struct bd_yaml_node *node, const struct bd_waiver_row *row,
                         struct bd_error *err)
{
    if (strlen(row->reason) < REASON)
        return bd_yaml_fail(&w->yaml, bd_yaml_get(node, "reason"), err, "'reason' must say why no run can cover it");
    if (row->hardware && row->hardware->kind != BD_YAML_SEQUENCE)
        return bd_yaml_fail(&w->yaml, row->hardware, err, "'hardware' must be a list of names");
    if (!row->line == !row->ports)
        return bd_yaml_fail(&w->yaml, node, err, "a waiver must have either 'line' or 'ports'");
    if (row->line) {
        struct bd_waiver *waiver = add(w, node, row);
        waiver->line = row->line;
        waiver->of = row->of ? row->of : "";
        return BD_OK;
    }
    if (row->ports->kind != BD_YAML_SEQUENCE || row->ports->count == 0)
        return bd_yaml_fail(&w->yaml, row->ports, err, "'ports' must be a list of one port or more");
    for (size_t p = 0; p < row->ports->count; p++)
        if (add_port(w, row->ports->values[p], row, err))
            return err->status;
    return BD_OK;
}

static bd_status read_filled_by(const struct bd_waivers *w, const struct bd_yaml_node *node, struct bd_error *err)
{
    if (node->kind != BD_YAML_MAPPING)
        return bd_yaml_fail(&w->yaml, node, err, "'filled_by' must map beginnings of paths to tests");
    for (size_t i = 0; i < node->count; i++)
        if (node->values[i]->kind != BD_YAML_SCALAR)
            return bd_yaml_fail(&w->yaml, node->values[i], err, "a test must be one line of a suite, in quotes");
    return BD_OK;
}

static bd_status read_all(struct bd_waivers *w, struct bd_error *err)
{
    struct head head;
    struct goals goals;
    if (bd_yaml_bind(&w->yaml, w->yaml.root, head_fields, &head, err))
        return err->status;
    if (bd_yaml_bind(&w->yaml, head.goals, goal_fields, &goals, err) || read_filled_by(w, head.filled_by, err))
        return err->status;
    w->goals[BD_PLACE_LINE] = goals.line;
    w->goals[BD_PLACE_BRANCH] = goals.branch;
    w->goals[BD_PLACE_PORT] = goals.port;
    if (head.waivers->kind != BD_YAML_SEQUENCE)
        return bd_yaml_fail(&w->yaml, head.waivers, err, "'waivers' must be a list");
    w->rows = bd_xcalloc(head.waivers->count + 1, sizeof *w->rows);
    for (size_t i = 0; i < head.waivers->count; i++) {
        const struct bd_yaml_node *node = head.waivers->values[i];
        if (node->kind != BD_YAML_MAPPING)
            return bd_yaml_fail(&w->yaml, node, err, "a waiver must be a mapping");
        if (bd_yaml_bind(&w->yaml, node, row_fields, &w->rows[i], err))
            return err->status;
        w->row_count++;
        if (add_row(w, node, &w->rows[i], err))
            return err->status;
    }
    return BD_OK;
}

bd_status bd_waivers_load(struct bd_waivers *waivers, const char *path, struct bd_error *err)
{
    *waivers = (struct bd_waivers){0};
    if (bd_yaml_load(&waivers->yaml, path, err))
        return err->status;
    const bd_status status = read_all(waivers, err);
    if (status)
        bd_waivers_release(waivers);
    return status;
}

void bd_waivers_release(struct bd_waivers *waivers)
{
    for (size_t i = 0; i < waivers->row_count; i++)
        bd_fields_release(row_fields, &waivers->rows[i]);
    for (size_t i = 0; i < waivers->count; i++)
        free(waivers->waivers[i].port);
    free(waivers->rows);
    free(waivers->waivers);
    bd_yaml_release(&waivers->yaml);
    *waivers = (struct bd_waivers){0};
}

/* ---- matching ----------------------------------------------------------------------------------------------- */

/* A file, or all below a folder ("hw/"). */
static bool is_of_file(const struct bd_waiver *w, const char *file)
{
    const size_t size = strlen(w->file);
    return size && w->file[size - 1] == '/' ? strncmp(w->file, file, size) == 0 : strcmp(w->file, file) == 0;
}

static bool is_of_line(const struct bd_waiver *w, const struct bd_place *place)
{
    const size_t of = strlen(w->of);
    return place->kind != BD_PLACE_PORT && strcmp(w->line, place->text) == 0 &&
           (!of || (strncmp(w->of, place->name, of) == 0 && place->name[of] == ' '));
}

static bool is_of_port(const struct bd_waiver *w, const struct bd_place *place)
{
    const int64_t bit = (int64_t)place->bit;
    return place->kind == BD_PLACE_PORT && strcmp(w->port, place->name) == 0 &&
           (w->from < 0 || (w->from <= bit && bit <= w->to));
}

void bd_waivers_lift(struct bd_waivers *waivers, const char *hardware)
{
    for (size_t i = 0; i < waivers->count; i++) {
        struct bd_waiver *w = &waivers->waivers[i];
        bool holds = !w->hardware;
        for (size_t h = 0; w->hardware && h < w->hardware->count; h++)
            holds = holds || (w->hardware->values[h]->text && strcmp(w->hardware->values[h]->text, hardware) == 0);
        w->lifted = w->lifted || !holds;
    }
}

bool bd_waivers_match(struct bd_waivers *waivers, const struct bd_place *place)
{
    bool any = false;
    for (size_t i = 0; i < waivers->count; i++) {
        struct bd_waiver *w = &waivers->waivers[i];
        if (!w->lifted && is_of_file(w, place->file) && (w->line ? is_of_line(w, place) : is_of_port(w, place))) {
            w->matched++;
            w->uncovered += !place->covered;
            any = true;
        }
    }
    return any;
}

const char *bd_waivers_filled_by(const struct bd_waivers *waivers, const char *file)
{
    const struct bd_yaml_node *all = bd_yaml_get(waivers->yaml.root, "filled_by");
    const char *test = NULL;
    size_t longest = 0;
    for (size_t i = 0; i < all->count; i++) {
        const size_t size = strlen(all->keys[i]->text);
        if (size > longest && strncmp(file, all->keys[i]->text, size) == 0) {
            longest = size;
            test = all->values[i]->text;
        }
    }
    return test;
}
