/* result.json: what a point came to, whole or not there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/core/file.h"
#include "model/core/json.h"
#include "model/core/memory.h"
#include "model/runs/runs_parts.h"

#define OUTPUT_LIMIT ((size_t)64 << 20) /* of stdout that is read for an object */
#define RESULT_LIMIT ((size_t)256 << 20)

const char *const bd_runs_state_names[BD_RUNS_STATES] = {"queued", "running",   "done",
                                                         "failed", "timed_out", "infrastructure"};

char *bd_runs_path(const char *dir, const char *name, const char *file)
{
    return bd_asprintf("%s/points/%s/%s", dir, name, file);
}

enum bd_runs_state bd_runs_result_state(const json_t *result)
{
    const char *name = json_string_value(json_object_get(result, "state"));
    for (int state = BD_RUNS_DONE; name && state < BD_RUNS_STATES; state++) {
        if (!strcmp(name, bd_runs_state_names[state])) {
            return state;
        }
    }
    return BD_RUNS_QUEUED;
}

/* Of everything in the object but the checksum itself. */
static void checksum_of(const json_t *result, char text[16])
{
    json_t *rest = json_copy((json_t *)result);
    json_object_del(rest, "checksum");
    char *dump = json_dumps(rest, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(17));
    snprintf(text, 16, "%08x", bd_crc32(dump, strlen(dump)));
    free(dump);
    json_decref(rest);
}

/* The object that the point printed as all of its output, or null. */
static json_t *read_output(const char *dir, const char *name)
{
    char *path = bd_runs_path(dir, name, "stdout");
    uint8_t *text;
    size_t size;
    struct bd_error ignored;
    json_t *object = NULL;
    if (bd_file_read(path, OUTPUT_LIMIT, &text, &size, &ignored) == BD_OK) {
        object = json_loadb((char *)text, size, 0, NULL);
        free(text);
    }
    free(path);
    if (!json_is_object(object)) {
        json_decref(object);
        object = json_null();
    }
    return object;
}

static json_t *integer_or_null(int value)
{
    return value < 0 ? json_null() : json_integer(value);
}

bd_status bd_runs_result_write(const char *dir, const char *name, const char *identity, const struct bd_runs_end *end,
                               struct bd_error *err)
{
    char checksum[16];
    json_t *result =
        json_pack("{s:s, s:s, s:o, s:o, s:o, s:f, s:f, s:f, s:i, s:o}", "identity", identity, "state",
                  bd_runs_state_names[end->state], "exit", integer_or_null(end->exit), "signal",
                  integer_or_null(end->signal), "cause", bd_json_text(end->cause), "seconds", end->seconds, "cpu_s",
                  end->cpu, "peak_mib", end->peak_mib, "attempt", end->attempt, "output", read_output(dir, name));
    checksum_of(result, checksum);
    json_object_set_new(result, "checksum", json_string(checksum));
    char *text = json_dumps(result, JSON_REAL_PRECISION(17)), *path = bd_runs_path(dir, name, "result.json");
    bd_status status = bd_file_write(path, text, strlen(text), err);
    free(text);
    free(path);
    json_decref(result);
    return status;
}

bd_status bd_runs_result_read(const char *dir, const char *name, const char *identity, json_t **result,
                              struct bd_error *err)
{
    char *path = bd_runs_path(dir, name, "result.json"), checksum[16];
    uint8_t *text;
    size_t size;
    bd_status status = BD_OK;
    *result = NULL;
    if (access(path, F_OK) == 0) {
        status = bd_file_read(path, RESULT_LIMIT, &text, &size, err);
        if (!status) {
            *result = json_loadb((char *)text, size, 0, NULL);
            free(text);
            const char *told = json_string_value(json_object_get(*result, "checksum"));
            if (told) {
                checksum_of(*result, checksum);
            }
            if (!told || strcmp(told, checksum) || bd_runs_result_state(*result) == BD_RUNS_QUEUED) {
                status = bd_fail(err, BD_BAD_INPUT, "'%s' is damaged", path);
            }
        }
    }
    free(path);
    const char *of = json_string_value(json_object_get(*result, "identity"));
    if (status || (identity && (!of || strcmp(of, identity)))) {
        json_decref(*result);
        *result = NULL;
    }
    return status;
}

bd_status bd_runs_result(const char *dir, const char *name, json_t **result, struct bd_error *err)
{
    return bd_runs_result_read(dir, name, NULL, result, err);
}
