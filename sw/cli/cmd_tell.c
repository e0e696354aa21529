/* bitdial tell: values of points that 'bitdial ask' proposed, as JSON lines on standard input. */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/search/study.h"
#include "sw/cli/cli.h"
#include "sw/cli/options.h"
#include "sw/cli/report.h"

static const char usage[] =
    "Usage: bitdial tell --journal FILE [--json] <MESSAGES\n"
    "Takes the values of points that 'bitdial ask' proposed, from standard input, one JSON object a line:\n"
    "  {\"id\": 3, \"value\": 0.25}           the value of point 3\n"
    "  {\"id\": 3, \"values\": [0.25, 17]}    of a study of two goals\n"
    "  {\"point\": {\"AXIS\": 5, ...}, \"value\": 0.25}    of a point that was not asked for, as of an earlier "
    "measurement\n"
    "  {\"id\": 3, \"lost\": true}            there will be none, as where a worker died: it may be proposed again\n"
    "All lines are checked before the first one counts; each is on the disk before it counts. Prints how many points "
    "are\n"
    "told and pending, and the best one, or the front; no line prints that alone.\n"
    "  --journal FILE  memory of the study\n"
    "  --json          print one JSON object\n"
    "  --help          this text\n";

#define NAME "tell"
#define LINES 100000

static json_t *read_messages(struct bd_error *err)
{
    json_t *messages = json_array();
    char *line = NULL;
    size_t room = 0;
    ssize_t length;
    bool fine = true;
    for (int number = 1; fine && (length = getline(&line, &room, stdin)) >= 0; number++) {
        json_error_t wrong;
        json_t *message = json_loadb(line, (size_t)length, JSON_REJECT_DUPLICATES, &wrong);
        if (!message || number > LINES) {
            bd_fail(err, BD_BAD_INPUT, "standard input:%d: %s", number,
                    message ? "too many lines at once" : "the line is no JSON object");
            json_decref(message);
            fine = false;
        } else {
            json_array_append_new(messages, message);
        }
    }
    if (fine && ferror(stdin)) {
        bd_fail(err, BD_INFRA, "cannot read standard input: %s", strerror(errno));
        fine = false;
    }
    free(line);
    if (!fine) {
        json_decref(messages);
        return NULL;
    }
    return messages;
}

static json_t *results(const struct bd_study *study)
{
    json_t *o =
        json_pack("{s:I, s:I}", "told", (json_int_t)study->search.count, "pending", (json_int_t)study->search.pending);
    if (study->space.goals == 2) {
        json_t *front = json_array();
        size_t *ids = calloc(study->count + 1, sizeof *ids);
        const size_t size = bd_study_front(study, ids);
        for (size_t i = 0; i < size; i++) {
            json_array_append_new(front, bd_study_id_json(study, ids[i]));
        }
        free(ids);
        json_object_set_new(o, "front", front);
    } else if (bd_study_best(study)) {
        json_object_set_new(o, "best", bd_study_id_json(study, bd_study_best(study)));
    }
    return o;
}

static void print_results(const json_t *o)
{
    const json_t *front = json_object_get(o, "front"), *best = json_object_get(o, "best");
    printf("%" JSON_INTEGER_FORMAT " told, %" JSON_INTEGER_FORMAT " pending\n",
           json_integer_value(json_object_get(o, "told")), json_integer_value(json_object_get(o, "pending")));
    for (size_t i = 0; i < (front ? json_array_size(front) : best != NULL); i++) {
        char *text = json_dumps(front ? json_array_get(front, i) : best, JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(10));
        printf("%s %s\n", front ? "front" : "best", text);
        free(text);
    }
}

int cmd_tell(int argc, char **argv)
{
    const char *journal = NULL;
    bool json = false;
    const struct bd_option table[] = {{"journal", .text = &journal}, {"json", .flag = &json}, {0}};
    int code = bd_cli_options(NAME, usage, table, argc, argv);
    if (code != BD_OPTIONS_READ) {
        return code;
    }
    if (optind < argc) {
        return bd_cli_usage(NAME, "'%s' is not wanted: messages come from standard input", argv[optind]);
    }
    if (!journal) {
        return bd_cli_usage(NAME, "'--journal' is missing");
    }
    struct bd_study study;
    struct bd_error err;
    json_t *messages = read_messages(&err);
    if (!messages) {
        return bd_cli_fail(NAME, &err);
    }
    bd_status status = bd_study_open(&study, NULL, journal, &err);
    if (status == BD_OK) {
        size_t bad = 0;
        status = bd_study_tell(&study, messages, &bad, &err);
        if (status == BD_BAD_INPUT) {
            bd_fail_prefix(&err, "standard input:%zu", bad + 1);
        }
        if (status == BD_OK) {
            json_t *found = results(&study);
            if (json) {
                bd_cli_report(json_incref(found));
            } else {
                print_results(found);
            }
            json_decref(found);
        }
        bd_study_close(&study);
    }
    json_decref(messages);
    return status == BD_OK ? BD_OK : bd_cli_fail(NAME, &err);
}
