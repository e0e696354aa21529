/* plan.json, and whether a plan is the one that stands there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/core/file.h"
#include "model/core/json.h"
#include "model/core/memory.h"
#include "model/core/version.h"
#include "model/runs/runs_parts.h"

#define PROGRAM_LIMIT ((size_t)1 << 34)
#define PLAN_LIMIT ((size_t)1 << 30)
#define PLAN_NAME "bitdial runs 1"

/* ---- written and read ---- */

static json_t *list_json(const char *const *list)
{
    json_t *array = json_array();
    for (size_t i = 0; i < bd_runs_list_length(list); i++) {
        json_array_append_new(array, bd_json_text(list[i]));
    }
    return array;
}

static json_t *entry_json(const struct bd_runs_entry *entry)
{
    const struct bd_runs_point *p = &entry->point;
    json_t *inputs = json_array();
    for (size_t i = 0; i < bd_runs_list_length(p->inputs); i++) {
        json_array_append_new(inputs, json_pack("{s:o, s:s}", "path", bd_json_text(p->inputs[i]), "checksum",
                                                entry->inputs[i]->checksum));
    }
    return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:f, s:I, s:f, s:o}", "name", p->name, "identity", entry->identity,
                     "is", bd_json_text(p->identity), "argv", list_json(p->argv), "environment",
                     list_json(p->environment), "inputs", inputs, "time_limit", p->time_limit, "memory_limit",
                     (json_int_t)p->memory_limit, "weight", p->weight, "repeat", bd_json_text(p->repeat));
}

/* The program's own file, as one number: another build may compute other results. */
static bd_status build_of(char build[16], struct bd_error *err)
{
    uint8_t *program;
    size_t size;
    if (bd_file_read("/proc/self/exe", PROGRAM_LIMIT, &program, &size, err)) {
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

/* ---- a point of a stored plan ---- */

/* The strings of an array, or of the "path" of its objects; ended by NULL, to be freed with the array. */
static const char *const *strings_of(const json_t *array)
{
    const char **list = bd_xcalloc(json_array_size(array) + 1, sizeof *list);
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *item = json_array_get(array, i);
        list[i] = json_is_object(item) ? text_of(item, "path") : json_string_value(item);
    }
    return list;
}

static bd_status add_stored(struct bd_runs_plan *plan, const json_t *stored, struct bd_error *err)
{
    const char *const *argv = strings_of(json_object_get(stored, "argv")),
                      *const *environment = strings_of(json_object_get(stored, "environment")),
                      *const *inputs = strings_of(json_object_get(stored, "inputs"));
    const struct bd_runs_point point = {.name = text_of(stored, "name"),
                                        .argv = argv,
                                        .environment = environment,
                                        .inputs = inputs,
                                        .time_limit = json_number_value(json_object_get(stored, "time_limit")),
                                        .memory_limit = json_integer_value(json_object_get(stored, "memory_limit")),
                                        .identity = json_string_value(json_object_get(stored, "is"))};
    bd_status status = bd_runs_plan_add(plan, &point, err);
    if (!status && strcmp(plan->entries[0].identity, text_of(stored, "identity"))) {
        status = tell_point(stored, &plan->entries[0], err);
    }
    free((void *)argv);
    free((void *)environment);
    free((void *)inputs);
    return status;
}

bd_status bd_runs_plan_of_point(const char *dir, const char *name, struct bd_runs_plan **plan, struct bd_error *err)
{
    json_t *stored, *point;
    size_t i;
    *plan = NULL;
    if (bd_runs_plan_load(dir, &stored, err)) {
        return err->status;
    }
    bd_status status = bd_fail(err, BD_BAD_INPUT, "the plan in '%s' has no point '%s'", dir, name);
    json_array_foreach(json_object_get(stored, "points"), i, point)
    {
        if (!strcmp(text_of(point, "name"), name)) {
            *plan = bd_runs_plan_new(text_of(stored, "kind"), text_of(stored, "title"));
            status = add_stored(*plan, point, err);
            break;
        }
    }
    if (status) {
        bd_runs_plan_free(*plan);
        *plan = NULL;
    }
    json_decref(stored);
    return status;
}

/* ---- is it the same plan? ---- */

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
