/* Plans: points, and the identity of each. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/core/file.h"
#include "model/core/memory.h"
#include "model/core/version.h"
#include "model/runs/runs_parts.h"

#define INPUT_LIMIT ((size_t)1 << 34)

/* ---- the caller's lists, copied ---- */

size_t bd_runs_list_length(const char *const *list)
{
    size_t count = 0;
    while (list && list[count]) {
        count++;
    }
    return count;
}

static const char *const *copy_list(const char *const *list)
{
    const size_t count = bd_runs_list_length(list);
    char **copy = bd_xcalloc(count + 1, sizeof *copy);
    for (size_t i = 0; i < count; i++) {
        copy[i] = bd_xstrdup(list[i]);
    }
    return (const char *const *)copy;
}

static void free_list(const char *const *list)
{
    for (size_t i = 0; i < bd_runs_list_length(list); i++) {
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
        for (size_t i = 0; i < bd_runs_list_length(lists[l]); i++) {
            hash = mix(hash, lists[l][i]);
        }
        hash = mix(hash, "|");
    }
    for (size_t i = 0; i < bd_runs_list_length(entry->point.inputs); i++) {
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
    if (!bd_runs_list_length(point->argv) || !point->argv[0][0]) {
        return bd_fail(err, BD_BAD_INPUT, "point '%s' has no program to run", name);
    }
    if (!(point->time_limit >= 0) || point->memory_limit < 0 || !(point->weight >= 0)) {
        return bd_fail(err, BD_BAD_INPUT, "point '%s' has a limit or weight below 0", name);
    }
    for (size_t i = 0; i < bd_runs_list_length(point->environment); i++) {
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

static void limit(const struct bd_runs_plan *plan, struct bd_runs_entry *entry)
{
    entry->point.time_limit = plan->time_limit > 0 ? plan->time_limit : entry->point.time_limit;
    entry->point.memory_limit = plan->memory_limit > 0 ? plan->memory_limit : entry->point.memory_limit;
}

void bd_runs_plan_limit(struct bd_runs_plan *plan, double time_limit, int64_t memory_limit)
{
    plan->time_limit = time_limit;
    plan->memory_limit = memory_limit;
    for (size_t i = 0; i < plan->count; i++) {
        limit(plan, &plan->entries[i]);
    }
}

bd_status bd_runs_plan_add(struct bd_runs_plan *plan, const struct bd_runs_point *point, struct bd_error *err)
{
    if (check_point(plan, point, err)) {
        return err->status;
    }
    const size_t input_count = bd_runs_list_length(point->inputs);
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
    limit(plan, entry);
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
    if (bd_runs_list_length(environment) > 0) {
        append_word(&line, "env"); /* so that a quoted assignment is one too */
    }
    for (size_t i = 0; i < bd_runs_list_length(environment); i++) {
        append_word(&line, environment[i]);
    }
    for (size_t i = 0; i < bd_runs_list_length(argv); i++) {
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
