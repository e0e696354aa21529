/* Plans: points and what makes one the same as another. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/core/file.h"
#include "model/core/json.h"
#include "model/core/memory.h"
#include "model/core/version.h"
#include "model/runs/runs_parts.h"

#define INPUT_LIMIT ((size_t)1 << 34)
#define PLAN_LIMIT ((size_t)1 << 30)
#define PLAN_NAME "bitdial runs 1"

/* ---- the caller's lists, copied ---- */

static size_t count_of(const char *const *list)
{
    size_t count = 0;
    while (list && list[count]) {
        count++;
    }
    return count;
}

static const char *const *copy_list(const char *const *list)
{
    const size_t count = count_of(list);
    char **copy = bd_xcalloc(count + 1, sizeof *copy);
    for (size_t i = 0; i < count; i++) {
        copy[i] = bd_xstrdup(list[i]);
    }
    return (const char *const *)copy;
}

static void free_list(const char *const *list)
{
    for (size_t i = 0; i < count_of(list); i++) {
        free((char *)list[i]);
    }
    free((void *)list);
}

struct bd_runs_plan *bd_runs_plan_new(const char *kind, const char *title)
{
    struct bd_runs_plan *plan = bd_xcalloc(1, sizeof *plan);
    plan->kind = bd_xstrdup(kind);
    plan->title = bd_xstrdup(title);
    plan->names = json_object();
    plan->head = json_object();
    return plan;
}

void bd_runs_plan_free(struct bd_runs_plan *plan)
{
    if (!plan) {
        return;
    }
    for (size_t i = 0; i < plan->count; i++) {
        struct bd_runs_entry *entry = &plan->entries[i];
        free((char *)entry->point.name);
        free((char *)entry->point.repeat);
        free((char *)entry->point.identity);
        free_list(entry->point.argv);
        free_list(entry->point.environment);
        free_list(entry->point.inputs);
        free(entry->inputs);
    }
    for (size_t i = 0; i < plan->checked_count; i++) {
        free(plan->checked[i]->path);
        free(plan->checked[i]);
    }
    free(plan->checked);
    free(plan->entries);
    free(plan->kind);
    free(plan->title);
    json_decref(plan->names);
    json_decref(plan->head);
    free(plan);
}

void bd_runs_plan_head(struct bd_runs_plan *plan, json_t *head)
{
    json_incref(head);
    json_decref(plan->head);
    plan->head = head;
}

size_t bd_runs_plan_count(const struct bd_runs_plan *plan)
{
    return plan->count;
}

const struct bd_runs_point *bd_runs_plan_point(const struct bd_runs_plan *plan, size_t index)
{
    return &plan->entries[index].point;
}

ssize_t bd_runs_plan_find(const struct bd_runs_plan *plan, const char *name)
{
    const json_t *at = json_object_get(plan->names, name);
    return at ? (ssize_t)json_integer_value(at) : -1;
}

/* ---- identity ---- */

/* 64-bit FNV-1a: of strings with their ends, so that two lists are not one. */
static uint64_t mix(uint64_t hash, const char *text)
{
    for (const char *c = text;; c++) {
        hash = (hash ^ (uint8_t)*c) * 0x100000001b3u;
        if (!*c) {
            return hash;
        }
    }
}

static void set_identity(struct bd_runs_entry *entry)
{
    uint64_t hash = mix(0xcbf29ce484222325u, BD_VERSION);
    const char *const *const lists[] = {entry->point.argv, entry->point.environment};
    if (entry->point.identity) {
        hash = mix(hash, entry->point.identity);
    }
    for (int l = 0; l < 2 && !entry->point.identity; l++) {
        for (size_t i = 0; i < count_of(lists[l]); i++) {
            hash = mix(hash, lists[l][i]);
        }
        hash = mix(hash, "|");
    }
    for (size_t i = 0; i < count_of(entry->point.inputs); i++) {
        hash = mix(mix(hash, entry->inputs[i]->path), entry->inputs[i]->checksum);
    }
    snprintf(entry->identity, sizeof entry->identity, "%016" PRIx64, hash);
}

static bd_status check_input(struct bd_runs_plan *plan, const char *path, const struct bd_runs_input **found,
                             struct bd_error *err)
{
    for (size_t i = plan->checked_count; i-- > 0;) {
        if (!strcmp(plan->checked[i]->path, path)) {
            *found = plan->checked[i];
            return BD_OK;
        }
    }
    uint8_t *data;
    size_t size;
    if (bd_file_read(path, INPUT_LIMIT, &data, &size, err)) {
        return err->status;
    }
    struct bd_runs_input *input = bd_xcalloc(1, sizeof *input);
    input->path = bd_xstrdup(path);
    snprintf(input->checksum, sizeof input->checksum, "%08x-%zx", bd_crc32(data, size), size);
    free(data);
    plan->checked = bd_xrealloc(plan->checked, plan->checked_count + 1, sizeof *plan->checked);
    plan->checked[plan->checked_count++] = input;
    *found = input;
    return BD_OK;
}

/* ---- points ---- */

static bool is_name(const char *name)
{
    static const char letters[] = "._-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    const size_t length = strlen(name);
    return length > 0 && length <= BD_RUNS_NAME && strspn(name, letters) == length && !strchr("._-", name[0]);
}

static bd_status check_point(const struct bd_runs_plan *plan, const struct bd_runs_point *point, struct bd_error *err)
{
    const char *name = point->name ? point->name : "";
    if (!is_name(name)) {
        return bd_fail(err, BD_BAD_INPUT,
                       "'%s' is no name of a point: letters, digits, '.', '_' and '-', at most %d, a letter or digit "
                       "first",
                       name, BD_RUNS_NAME);
    }
    if (bd_runs_plan_find(plan, name) >= 0) {
        return bd_fail(err, BD_BAD_INPUT, "two points are named '%s'", name);
    }
    if (!count_of(point->argv) || !point->argv[0][0]) {
        return bd_fail(err, BD_BAD_INPUT, "point '%s' has no program to run", name);
    }
    if (!(point->time_limit >= 0) || point->memory_limit < 0 || !(point->weight >= 0)) {
        return bd_fail(err, BD_BAD_INPUT, "point '%s' has a limit or weight below 0", name);
    }
    for (size_t i = 0; i < count_of(point->environment); i++) {
        const char *equal = strchr(point->environment[i], '=');
        if (!equal || equal == point->environment[i]) {
            return bd_fail(err, BD_BAD_INPUT, "point '%s': '%s' is no NAME=value", name, point->environment[i]);
        }
    }
    if (plan->count == BD_RUNS_POINTS) {
        return bd_fail(err, BD_BAD_INPUT, "a plan has at most %d points", BD_RUNS_POINTS);
    }
    return BD_OK;
}

bd_status bd_runs_plan_add(struct bd_runs_plan *plan, const struct bd_runs_point *point, struct bd_error *err)
{
    if (check_point(plan, point, err)) {
        return err->status;
    }
    const size_t input_count = count_of(point->inputs);
    const struct bd_runs_input **inputs = bd_xcalloc(input_count + 1, sizeof *inputs);
    for (size_t i = 0; i < input_count; i++) {
        if (check_input(plan, point->inputs[i], &inputs[i], err)) {
            free(inputs);
            return bd_fail_prefix(err, "an input of point '%s'", point->name);
        }
    }
    if (plan->count == plan->room) {
        plan->room = plan->room ? 2 * plan->room : 64;
        plan->entries = bd_xrealloc(plan->entries, plan->room, sizeof *plan->entries);
    }
    struct bd_runs_entry *entry = &plan->entries[plan->count];
    *entry = (struct bd_runs_entry){.point = *point, .inputs = inputs};
    entry->point.name = bd_xstrdup(point->name);
    entry->point.argv = copy_list(point->argv);
    entry->point.environment = copy_list(point->environment);
    entry->point.inputs = copy_list(point->inputs);
    entry->point.weight = point->weight > 0 ? point->weight : 1;
    entry->point.repeat =
        point->repeat ? bd_xstrdup(point->repeat) : bd_runs_shell_line(point->environment, point->argv);
    entry->point.identity = point->identity ? bd_xstrdup(point->identity) : NULL;
    set_identity(entry);
    json_object_set_new(plan->names, entry->point.name, json_integer((json_int_t)plan->count++));
    return BD_OK;
}

/* ---- shell lines ---- */

static void append(char **text, const char *more)
{
    char *longer = bd_asprintf("%s%s", *text, more);
    free(*text);
    *text = longer;
}

/* A word as it is where the shell reads nothing into it, else in single quotes. */
static void append_word(char **line, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+:,./-=";
    if (**line) {
        append(line, " ");
    }
    if (*word && !word[strspn(word, plain)]) {
        append(line, word);
        return;
    }
    append(line, "'");
    for (const char *at = word; *at;) {
        size_t length = strcspn(at, "'");
        char *part = bd_xstrndup(at, length);
        append(line, part);
        free(part);
        at += length;
        if (*at) {
            append(line, "'\\''");
            at++;
        }
    }
    append(line, "'");
}

char *bd_runs_shell_line(const char *const *environment, const char *const *argv)
{
    char *line = bd_xstrdup("");
    if (count_of(environment) > 0) {
        append_word(&line, "env"); /* so that a quoted assignment is one too */
    }
    for (size_t i = 0; i < count_of(environment); i++) {
        append_word(&line, environment[i]);
    }
    for (size_t i = 0; i < count_of(argv); i++) {
        append_word(&line, argv[i]);
    }
    return line;
}

bd_status bd_runs_own_program(char **path, struct bd_error *err)
{
    char self[4096];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length < 0) {
        return bd_fail(err, BD_INFRA, "cannot tell the file of the running program: /proc is missing");
    }
    self[length] = 0;
    *path = bd_xstrdup(self);
    return BD_OK;
}

/* ---- plan.json ---- */

static json_t *list_json(const char *const *list)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count_of(list); i++) {
        json_array_append_new(array, bd_json_text(list[i]));
    }
    return array;
}

static json_t *entry_json(const struct bd_runs_entry *entry)
{
    const struct bd_runs_point *p = &entry->point;
    json_t *inputs = json_array();
    for (size_t i = 0; i < count_of(p->inputs); i++) {
        json_array_append_new(inputs, json_pack("{s:o, s:s}", "path", bd_json_text(p->inputs[i]), "checksum",
                                                entry->inputs[i]->checksum));
    }
    return json_pack("{s:s, s:s, s:o, s:o, s:o, s:f, s:I, s:f, s:o}", "name", p->name, "identity", entry->identity,
                     "argv", list_json(p->argv), "environment", list_json(p->environment), "inputs", inputs,
                     "time_limit", p->time_limit, "memory_limit", (json_int_t)p->memory_limit, "weight", p->weight,
                     "repeat", bd_json_text(p->repeat));
}

/* The program's own file, as one number: another build may compute other results. */
static bd_status build_of(char build[16], struct bd_error *err)
{
    uint8_t *program;
    size_t size;
    if (bd_file_read("/proc/self/exe", INPUT_LIMIT, &program, &size, err)) {
        return err->status;
    }
    snprintf(build, 16, "%08x", bd_crc32(program, size));
    free(program);
    return BD_OK;
}

static bd_status plan_json(const struct bd_runs_plan *plan, json_t **object, struct bd_error *err)
{
    char build[16], folder[4096];
    if (build_of(build, err)) {
        return err->status;
    }
    if (!getcwd(folder, sizeof folder)) {
        return bd_fail(err, BD_INFRA, "cannot tell the current folder");
    }
    json_t *points = json_array();
    for (size_t i = 0; i < plan->count; i++) {
        json_array_append_new(points, entry_json(&plan->entries[i]));
    }
    *object = json_pack("{s:s, s:o, s:o, s:s, s:s, s:o, s:O, s:o}", "plan", PLAN_NAME, "kind", bd_json_text(plan->kind),
                        "title", bd_json_text(plan->title), "version", BD_VERSION, "build", build, "folder",
                        bd_json_text(folder), "head", plan->head, "points", points);
    return BD_OK;
}

/* Points of `stored` that the plan does not have (yet) stay, and so does the build that began it. */
static void join(const struct bd_runs_plan *plan, const json_t *stored, json_t *object)
{
    json_t *point, *points = json_object_get(object, "points");
    size_t i;
    json_array_foreach(json_object_get(stored, "points"), i, point)
    {
        const char *name = json_string_value(json_object_get(point, "name"));
        if (name && bd_runs_plan_find(plan, name) < 0) {
            json_array_append(points, point);
        }
    }
    if (stored) {
        json_object_set(object, "build", json_object_get(stored, "build"));
    }
}

bd_status bd_runs_plan_save(const struct bd_runs_plan *plan, const char *dir, json_t **stored, struct bd_error *err)
{
    json_t *object;
    if (plan_json(plan, &object, err)) {
        return err->status;
    }
    join(plan, *stored, object);
    bd_status status = BD_OK;
    if (!*stored || !json_equal(*stored, object)) {
        char *text = json_dumps(object, JSON_INDENT(1) | JSON_REAL_PRECISION(17)),
             *path = bd_asprintf("%s/plan.json", dir);
        status = bd_file_write(path, text, strlen(text), err);
        free(text);
        free(path);
    }
    json_decref(*stored);
    *stored = object;
    return status;
}

bd_status bd_runs_plan_load(const char *dir, json_t **stored, struct bd_error *err)
{
    char *path = bd_asprintf("%s/plan.json", dir);
    uint8_t *text;
    size_t size;
    bd_status status = BD_OK;
    *stored = NULL;
    if (access(path, F_OK) == 0) {
        status = bd_file_read(path, PLAN_LIMIT, &text, &size, err);
        if (!status) {
            const char *name;
            *stored = json_loadb((char *)text, size, 0, NULL);
            name = json_string_value(json_object_get(*stored, "plan"));
            if (!name || strcmp(name, PLAN_NAME) || !json_is_array(json_object_get(*stored, "points"))) {
                json_decref(*stored);
                *stored = NULL;
                status = bd_fail(err, BD_BAD_INPUT, "'%s' is no plan of runs", path);
            }
            free(text);
        }
    }
    free(path);
    return status;
}

bd_status bd_runs_head(const char *dir, json_t **head, struct bd_error *err)
{
    json_t *stored;
    *head = NULL;
    if (bd_runs_plan_load(dir, &stored, err)) {
        return err->status;
    }
    *head = json_incref(json_object_get(stored, "head"));
    json_decref(stored);
    return BD_OK;
}

/* ---- two plans ---- */

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* The first word in which two lists differ, in words; false: none. */
static bool tell_list(const char *what, const json_t *was, const json_t *is, char *text, size_t size)
{
    size_t most = json_array_size(was) > json_array_size(is) ? json_array_size(was) : json_array_size(is);
    for (size_t i = 0; i < most; i++) {
        const char *then = json_string_value(json_array_get(was, i)), *now = json_string_value(json_array_get(is, i));
        if (!then || !now || strcmp(then, now)) {
            snprintf(text, size, "%s %zu was %s%s%s and is %s%s%s", what, i, then ? "'" : "", then ? then : "absent",
                     then ? "'" : "", now ? "'" : "", now ? now : "absent", now ? "'" : "");
            return true;
        }
    }
    return false;
}

static bd_status tell_point(const json_t *was, const struct bd_runs_entry *entry, struct bd_error *err)
{
    char text[512] = "the version of the program is another";
    if (entry->point.identity) {
        return bd_fail(err, BD_BAD_INPUT, "point '%s' is another one: it was '%s' and is '%s'", entry->point.name,
                       text_of(was, "repeat"), entry->point.repeat);
    }
    json_t *is = entry_json(entry);
    const json_t *then = json_object_get(was, "inputs"), *now = json_object_get(is, "inputs");
    if (!tell_list("argument", json_object_get(was, "argv"), json_object_get(is, "argv"), text, sizeof text) &&
        !tell_list("environment", json_object_get(was, "environment"), json_object_get(is, "environment"), text,
                   sizeof text)) {
        for (size_t i = 0; i < json_array_size(now) || i < json_array_size(then); i++) {
            const json_t *a = json_array_get(then, i), *b = json_array_get(now, i);
            if (strcmp(text_of(a, "path"), text_of(b, "path")) ||
                strcmp(text_of(a, "checksum"), text_of(b, "checksum"))) {
                bool same = !strcmp(text_of(a, "path"), text_of(b, "path"));
                snprintf(text, sizeof text, "its input '%s' %s%s%s", text_of(b ? b : a, "path"),
                         same ? "has changed" : "was '", same ? "" : text_of(a, "path"), same ? "" : "'");
                break;
            }
        }
    }
    json_decref(is);
    return bd_fail(err, BD_BAD_INPUT, "point '%s' is another one: %s", entry->point.name, text);
}

static bd_status tell_build(const json_t *stored, struct bd_error *err)
{
    char build[16];
    if (build_of(build, err)) {
        return err->status;
    }
    return strcmp(build, text_of(stored, "build"))
               ? bd_fail(err, BD_BAD_INPUT,
                         "it was begun by another build of the program, whose results may differ (%s, not %s): "
                         "--any-build goes on all the same",
                         text_of(stored, "build"), build)
               : BD_OK;
}

/* The first key in which two heads differ. */
static bd_status tell_head(const json_t *was, const json_t *is, struct bd_error *err)
{
    json_t *all = json_deep_copy(is);
    const char *key;
    json_t *value;
    bd_status status = BD_OK;
    json_object_update_missing(all, (json_t *)was);
    json_object_foreach(all, key, value)
    {
        const json_t *then = json_object_get(was, key), *now = json_object_get(is, key);
        if (!status && (!then || !now || !json_equal(then, now))) {
            char *before = then ? json_dumps(then, JSON_ENCODE_ANY | JSON_COMPACT) : bd_xstrdup("absent"),
                 *after = now ? json_dumps(now, JSON_ENCODE_ANY | JSON_COMPACT) : bd_xstrdup("absent");
            status = bd_fail(err, BD_BAD_INPUT, "'%s' was %.200s there and is %.200s here", key, before, after);
            free(before);
            free(after);
        }
    }
    json_decref(all);
    return status;
}

bd_status bd_runs_plan_same(const struct bd_runs_plan *plan, const json_t *stored, bool growing, bool any_build,
                            struct bd_error *err)
{
    const json_t *points = json_object_get(stored, "points"), *point;
    size_t i;
    if (strcmp(plan->kind, text_of(stored, "kind"))) {
        return bd_fail(err, BD_BAD_INPUT, "it is of '%s', not of '%s'", text_of(stored, "kind"), plan->kind);
    }
    if ((!any_build && tell_build(stored, err)) || tell_head(json_object_get(stored, "head"), plan->head, err)) {
        return err->status;
    }
    json_array_foreach(points, i, point)
    {
        const char *name = text_of(point, "name");
        ssize_t at = growing ? bd_runs_plan_find(plan, name) : i < plan->count ? (ssize_t)i : -1;
        if (at < 0 && growing) {
            continue;
        }
        if (at >= 0 && strcmp(name, plan->entries[at].point.name)) {
            return bd_fail(err, BD_BAD_INPUT, "point %zu was '%s' and is '%s'", i + 1, name,
                           plan->entries[at].point.name);
        }
        if (at >= 0 && strcmp(text_of(point, "identity"), plan->entries[at].identity)) {
            return tell_point(point, &plan->entries[at], err);
        }
    }
    if (!growing && json_array_size(points) != plan->count) {
        return bd_fail(err, BD_BAD_INPUT, "its plan had %zu points and has %zu", json_array_size(points), plan->count);
    }
    return BD_OK;
}
