#include "sw/cli/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/json.h"
#include "sw/cli/cli.h"

#define DIGITS 15 /* of a real number: what a double holds of decimal digits */

static struct {
    bool wanted, broken, failed;
    json_t *report;
    struct bd_error error;
} state;

void bd_cli_report_begin(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--"); i++) {
        state.wanted = state.wanted || !strcmp(argv[i], "--json") || !strncmp(argv[i], "--json=", 7);
    }
}

void bd_cli_report_wanted(bool wanted)
{
    state.wanted = wanted;
}

void bd_cli_report(json_t *object)
{
    json_decref(state.report);
    state.report = object;
    state.broken = !object;
}

void bd_cli_report_error(const struct bd_error *err)
{
    if (!state.failed) {
        state.error = *err;
        state.failed = true;
    }
}

static json_t *error_json(int code)
{
    const struct bd_error *err = &state.error;
    json_t *error = json_pack("{s:i, s:o}", "exit_code", code, "message",
                              bd_json_text(state.failed ? err->message : "the command failed"));
    if (state.failed && err->file[0]) {
        json_object_set_new(error, "file", bd_json_text(err->file));
    }
    const struct {
        const char *key;
        int64_t value, least;
    } places[] = {{"line", err->line, 1}, {"column", err->column, 1}, {"byte", err->byte, 0}};
    for (int i = 0; i < 3 && state.failed && err->file[0]; i++) {
        if (places[i].value >= places[i].least) {
            json_object_set_new(error, places[i].key, json_integer(places[i].value));
        }
    }
    return error;
}

int bd_cli_report_end(int code)
{
    if (!state.wanted) {
        return code;
    }
    if (code == BD_OK && !state.report && !state.broken) { /* after --help */
        return code;
    }
    struct bd_error err;
    if (state.broken && code == BD_OK) {
        code = bd_cli_fail("report", (bd_fail(&err, BD_INFRA, "the report cannot be written as JSON"), &err));
    }
    json_t *object = state.report ? state.report : json_object();
    if (code != BD_OK) {
        json_object_set_new(object, "error", error_json(code));
    }
    char *text = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(DIGITS));
    json_decref(object);
    state.report = NULL;
    state.wanted = false;
    if (!text) {
        return bd_cli_fail("report", (bd_fail(&err, BD_INFRA, "the report cannot be written as JSON"), &err));
    }
    puts(text);
    free(text);
    return code;
}
