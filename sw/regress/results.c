#include "sw/regress/results.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/core/file.h"
#include "model/core/json.h"
#include "model/core/memory.h"
#include "model/core/version.h"
#include "model/runs/runs.h"
#include "sw/page/page.h"
#include "sw/regress/coverage.h"
#include "sw/regress/places.h"
#include "sw/session/tree.h"

enum { FILE_MOST = 64 << 20 };

/* ---- which points belong to which test ---------------------------------------------------------------------- */

bd_status bd_results_begin(const char *dir, const struct bd_suite *suite, uint64_t seed, const char *root,
                           const struct bd_suite_points *points, bool places, struct bd_error *err)
{
    json_t *tests = json_array(), *list = json_array();
    for (size_t t = 0; t < suite->test_count; t++)
        json_array_append_new(tests, json_pack("{s:o, s:s}", "name", bd_json_text(suite->tests[t].name), "kind",
                                               bd_suite_kind(&suite->tests[t])));
    for (size_t p = 0; p < points->count; p++)
        json_array_append_new(list, json_pack("{s:o, s:I, s:o}", "name", bd_json_text(points->points[p].name), "test",
                                              (json_int_t)points->points[p].test, "hardware",
                                              bd_json_text(points->points[p].hardware)));
    uint32_t rtl;
    if (bd_tree_rtl_hash(root, &rtl, err)) {
        json_decref(tests);
        json_decref(list);
        return err->status;
    }
    char *coverage = bd_asprintf("%s%shw/coverage.yaml", root, *root ? "/" : ""), *hash = bd_asprintf("%08x", rtl);
    json_t *object = json_pack("{s:o, s:o, s:I, s:s, s:o, s:o, s:o}", "suite", bd_json_text(suite->name), "title",
                               bd_json_text(suite->title), "seed", (json_int_t)seed, "rtl", hash, "tests", tests,
                               "points", list, "coverage", bd_json_text(coverage));
    free(coverage);
    free(hash);
    if (places)
        json_object_set_new(object, "places", bd_json_text(root));
    char *text = json_dumps(object, JSON_INDENT(1)), *path = bd_asprintf("%s/suite.json", dir);
    char *counts = bd_asprintf("%s/coverage", dir);
    bd_status status = bd_make_folder(places ? counts : dir, err);
    free(counts);
    status = status ? status : bd_file_write(path, text, strlen(text), err);
    json_decref(object);
    free(text);
    free(path);
    return status;
}

/* ---- reading ------------------------------------------------------------------------------------------------ */

/* NULL, without a message, where a file is not there; `wanted`: BD_BAD_INPUT then. */
static bd_status read_json(const char *dir, const char *name, bool wanted, json_t **object, struct bd_error *err)
{
    char *path = bd_asprintf("%s/%s", dir, name);
    uint8_t *data;
    size_t size;
    json_error_t why;
    struct bd_error missing;
    *object = NULL;
    bd_status status = bd_file_read(path, FILE_MOST, &data, &size, wanted ? err : &missing);
    if (!status) {
        *object = json_loadb((const char *)data, size, 0, &why);
        free(data);
        if (!json_is_object(*object)) {
            json_decref(*object);
            *object = NULL;
            status = bd_fail(err, BD_BAD_INPUT, "%s:%d:%d: %s", path, why.line, why.column,
                             *why.text ? why.text : "no JSON object");
        }
    } else if (!wanted) {
        status = BD_OK;
    }
    free(path);
    return status;
}

static json_t *find(const json_t *list, const char *name)
{
    json_t *row;
    size_t i;
    json_array_foreach((json_t *)list, i, row)
    {
        if (strcmp(bd_results_text(row, "name"), name) == 0)
            return row;
    }
    return NULL;
}

/* Runs of the folder: how many points each ran, how many of them failed, for how long. */
static json_t *sum_history(const json_t *events)
{
    json_t *runs = json_array(), *event, *last = NULL;
    size_t i;
    json_array_foreach((json_t *)events, i, event)
    {
        const json_int_t run = json_integer_value(json_object_get(event, "run"));
        if (!last || json_integer_value(json_object_get(last, "run")) != run) {
            last = json_pack("{s:I, s:I, s:I, s:f}", "run", run, "total", (json_int_t)0, "failed", (json_int_t)0,
                             "seconds", 0.0);
            json_array_append_new(runs, last);
        }
        const bool bad = strcmp(bd_results_text(event, "state"), "done") != 0;
        json_object_set_new(last, "total", json_integer((json_int_t)bd_results_number(last, "total") + 1));
        json_object_set_new(last, "failed", json_integer((json_int_t)bd_results_number(last, "failed") + bad));
        json_object_set_new(last, "seconds",
                            json_real(bd_results_number(last, "seconds") + bd_results_number(event, "seconds")));
    }
    return runs;
}

static void count(json_t *counts, const char *state)
{
    const char *key = strcmp(state, "running") == 0 ? "queued" : state;
    json_object_set_new(counts, key, json_integer((json_int_t)bd_results_number(counts, key) + 1));
    json_object_set_new(counts, "total", json_integer((json_int_t)bd_results_number(counts, "total") + 1));
}

/* Places that a point ran, to those of the others; a point that counts none has no file. */
static bd_status count_places(const char *dir, const char *name, json_t *document, struct bd_error *err)
{
    json_t *places = json_object_get(document, "places");
    char *path = bd_asprintf("%s/coverage/%s", dir, name);
    const bd_status status = places && access(path, F_OK) == 0 ? bd_places_merge(places, path, err) : BD_OK;
    free(path);
    return status;
}

/* Bins that a point filled, to those of the others. */
static bd_status count_bins(const char *dir, const char *name, json_t *document, struct bd_error *err)
{
    json_t *result = NULL;
    if (bd_runs_result(dir, name, &result, err))
        return err->status;
    bd_coverage_merge(json_object_get(document, "bins"), json_object_get(json_object_get(result, "output"), "bins"));
    json_decref(result);
    return count_places(dir, name, document, err);
}

/* Configurations of the points that counted places: {"small_hardware": true}. */
static json_t *names_of_hardware(const json_t *suite)
{
    json_t *names = json_object(), *row;
    size_t i;
    json_array_foreach(json_object_get(suite, "points"), i, row)
    {
        const char *path = bd_results_text(row, "hardware"), *slash = strrchr(path, '/');
        const char *name = slash ? slash + 1 : path;
        char *stem = bd_xstrndup(name, strcspn(name, "."));
        if (*stem)
            json_object_set_new(names, stem, json_true());
        free(stem);
    }
    return names;
}

/* What was counted becomes what was covered. */
static bd_status judge(const json_t *suite, json_t *document, struct bd_error *err)
{
    const json_t *bins = json_object_get(document, "bins"), *places = json_object_get(document, "places");
    json_t *found = NULL;
    bd_status status = BD_OK;
    if (json_object_size(bins)) {
        status = bd_coverage_judge(bd_results_text(suite, "coverage"), bins, &found, err);
        if (!status)
            json_object_set_new(document, "coverage", found);
    }
    if (!status && places) {
        const char *root = bd_results_text(suite, "places");
        char *slash = bd_asprintf("%s%s", root, *root ? "/" : "");
        char *waivers = bd_asprintf("%shw/coverage_waivers.yaml", slash);
        json_t *hardware = names_of_hardware(suite);
        status = bd_places_judge(waivers, slash, hardware, places, &found, err);
        json_decref(hardware);
        free(waivers);
        free(slash);
        if (!status)
            json_object_set_new(document, "places", found);
        if (!status && json_array_size(json_object_get(found, "stale")))
            json_object_set_new(document, "pass", json_false());
    }
    return status;
}

json_t *bd_results_failure(const char *dir, const char *name, const json_t *result)
{
    char *file = bd_asprintf("failures/%s/failure.json", name);
    struct bd_error ignored; /* one that cannot be read is looked into anew */
    json_t *failure = NULL;
    const char *of = bd_results_text(result, "checksum");
    if (read_json(dir, file, false, &failure, &ignored) || (failure && strcmp(bd_results_text(failure, "of"), of))) {
        json_decref(failure);
        failure = NULL;
    }
    free(file);
    return failure;
}

/* What was found out about the failure of a point. */
static bd_status add_failure(const char *dir, const char *name, json_t *point, struct bd_error *err)
{
    json_t *result = NULL;
    if (bd_runs_result(dir, name, &result, err))
        return err->status;
    json_t *failure = bd_results_failure(dir, name, result);
    if (failure)
        json_object_set_new(point, "failure", failure);
    json_decref(result);
    return BD_OK;
}

/* A point with what the runner knows of it and what was found out about its failure. */
static bd_status read_point(const char *dir, const json_t *about, const json_t *list, json_t *test, json_t *document,
                            struct bd_error *err)
{
    const char *name = bd_results_text(about, "name");
    json_t *known = find(list, name), *point = known ? json_deep_copy(known) : json_object();
    json_object_set(point, "name", json_object_get(about, "name"));
    json_object_set(point, "hardware", json_object_get(about, "hardware"));
    if (!known)
        json_object_set_new(point, "state", json_string("queued"));
    const char *state = bd_results_text(point, "state");
    count(json_object_get(document, "counts"), state);
    const double seconds = bd_results_number(point, "seconds");
    json_object_set_new(test, "seconds", json_real(bd_results_number(test, "seconds") + seconds));
    json_object_set_new(document, "seconds", json_real(bd_results_number(document, "seconds") + seconds));
    const char *was = bd_results_text(test, "state");
    const bool waits = strcmp(state, "queued") == 0 || strcmp(state, "running") == 0;
    if (waits ? strcmp(was, "failed") != 0 : strcmp(state, "done") != 0)
        json_object_set_new(test, "state", json_string(waits ? "not run" : "failed"));
    json_array_append_new(json_object_get(test, "points"), point);
    return waits                        ? BD_OK
           : strcmp(state, "done") == 0 ? count_bins(dir, name, document, err)
                                        : add_failure(dir, name, point, err);
}

bd_status bd_results_read(const char *dir, json_t **document, struct bd_error *err)
{
    json_t *suite, *list = NULL, *events = NULL, *row;
    size_t i;
    if (read_json(dir, "suite.json", true, &suite, err))
        return bd_fail_prefix(err, "'%s' holds no run of a suite", dir);
    if (bd_runs_list(dir, NULL, &list, err) || bd_runs_history(dir, NULL, &events, err)) {
        json_decref(suite);
        json_decref(list);
        json_decref(events);
        return err->status;
    }
    *document = json_pack("{s:O, s:O, s:O, s:O?, s:s, s:O, s:f, s:{}, s:[], s:{}, s:o}", "suite",
                          json_object_get(suite, "suite"), "title", json_object_get(suite, "title"), "seed",
                          json_object_get(suite, "seed"), "rtl", json_object_get(suite, "rtl"), "version", BD_VERSION,
                          "run", json_object_get(list, "run"), "seconds", 0.0, "counts", "tests", "bins", "history",
                          sum_history(events));
    if (json_object_get(suite, "places"))
        json_object_set_new(*document, "places", json_object());
    static const char *const states[] = {"total", "done", "failed", "timed_out", "infrastructure", "queued"};
    for (size_t s = 0; s < sizeof states / sizeof *states; s++)
        json_object_set_new(json_object_get(*document, "counts"), states[s], json_integer(0));
    json_array_foreach(json_object_get(suite, "tests"), i, row)
    {
        json_array_append_new(json_object_get(*document, "tests"),
                              json_pack("{s:O, s:O, s:s, s:f, s:[]}", "name", json_object_get(row, "name"), "kind",
                                        json_object_get(row, "kind"), "state", "passed", "seconds", 0.0, "points"));
    }
    bd_status status = BD_OK;
    json_array_foreach(json_object_get(suite, "points"), i, row)
    {
        const size_t at = (size_t)json_integer_value(json_object_get(row, "test"));
        json_t *test = json_array_get(json_object_get(*document, "tests"), at);
        if (!status && test)
            status = read_point(dir, row, json_object_get(list, "points"), test, *document, err);
    }
    const json_t *counts = json_object_get(*document, "counts");
    json_object_set_new(*document, "pass",
                        json_boolean(bd_results_number(counts, "done") == bd_results_number(counts, "total")));
    status = status ? status : judge(suite, *document, err);
    json_decref(suite);
    json_decref(list);
    json_decref(events);
    if (status)
        json_decref(*document);
    return status;
}

/* ---- writing ------------------------------------------------------------------------------------------------ */

static void write_json(FILE *out, const json_t *document)
{
    json_dumpf(document, out, JSON_INDENT(1));
    fputc('\n', out);
}

bd_status bd_results_write(const char *dir, const json_t *document, struct bd_error *err)
{
    static const struct {
        const char *name;
        void (*write)(FILE *out, const json_t *document);
    } files[] = {{"results.json", write_json},
                 {"results.csv", bd_results_csv},
                 {"results.md", bd_results_markdown},
                 {"junit.xml", bd_results_junit}};
    for (size_t f = 0; f < sizeof files / sizeof *files; f++) {
        char *path = bd_asprintf("%s/%s", dir, files[f].name);
        bd_status status = bd_page_save(path, files[f].write, document, err);
        free(path);
        if (status)
            return status;
    }
    return BD_OK;
}
