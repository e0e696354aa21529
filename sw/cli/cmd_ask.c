/* bitdial ask: points of a study to be measured, as JSON lines. */
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/search/study.h"
#include "sw/cli/cli.h"
#include "sw/cli/options.h"
#include "sw/cli/report.h"

static const char usage[] =
    "Usage: bitdial ask [STUDY.yaml] --journal FILE [OPTION]...\n"
    "Proposes points to measure, one a line: {\"id\": 1, \"point\": {\"AXIS\": NUMBER, ...}}. Their values go to "
    "'bitdial tell'.\n"
    "The journal is the study's memory: the first call makes it from STUDY.yaml, later ones need it alone. A point is "
    "on the\n"
    "disk before it is printed, and pending until it is told: asked again meanwhile, by several workers say, the "
    "study\n"
    "proposes other points. It never proposes a point twice. One process at a time holds the journal; another one is "
    "refused\n"
    "with exit code 3 and may try again. With no point left the exit code is 1.\n"
    "  --journal FILE  memory of the study\n"
    "  --count N       points to propose (default: 1)\n"
    "  --pending       propose none: print what was asked for and not told, as after a worker died\n"
    "  --json          print one JSON object, with the points in a list\n"
    "  --help          this text and the table of keys\n"
    "\n"
    "EXAMPLE\n"
    "Which level of gzip and which size of blocks suit a file, where a byte costs 1, a level 500 and a KiB of block "
    "20:\n"
    "\n"
    "  cat >study.yaml <<END\n"
    "  axes:\n"
    "    - {name: level, from: 1, to: 9}\n"
    "    - {name: block, values: [1, 2, 4, 8, 16, 32, 64], scale: log}\n"
    "  goals: minimize\n"
    "  END\n"
    "  for i in $(seq 20); do\n"
    "    bitdial ask study.yaml --journal study.jsonl >point\n"
    "    level=$(jq .point.level point) block=$(jq .point.block point)\n"
    "    split -b ${block}k \"$FILE\" part. && gzip -f -$level part.*\n"
    "    bytes=$(cat part.*.gz | wc -c); rm part.*\n"
    "    jq -c \"{id, value: ($bytes + 500 * $level + 20 * $block)}\" point | bitdial tell --journal study.jsonl\n"
    "  done\n"
    "\n"
    "Two goals, as {goals: [minimize, maximize]}, are told as \"values\": [1, 2], and 'bitdial tell' prints their "
    "front.\n";

static void print_keys(void)
{
    puts("\nKeys of STUDY.yaml:");
    for (const struct bd_field *f = bd_study_fields; f->name; f++) {
        printf("  %-12s %s\n", f->name, f->help);
    }
}

static void print_points(const struct bd_study *study, const size_t *ids, size_t count, bool json)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(list, bd_study_id_json(study, ids[i]));
        if (!json) {
            char *text = json_dumps(json_array_get(list, i), JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(17));
            puts(text);
            free(text);
        }
    }
    if (json) {
        bd_cli_report(json_pack("{s:O, s:I, s:I}", "points", list, "pending", (json_int_t)study->search.pending, "told",
                                (json_int_t)study->search.count));
    }
    json_decref(list);
}

int cmd_ask(int argc, char **argv)
{
    const char *journal = NULL;
    int64_t count = 1;
    bool pending = false, json = false;
    const struct bd_option table[] = {{"journal", .text = &journal},
                                      {"count", .integer = &count, .min = 1, .max = 10000},
                                      {"pending", .flag = &pending},
                                      {"json", .flag = &json},
                                      {0}};
    int code = bd_cli_options("ask", usage, table, argc, argv);
    if (code == BD_OK && argc == 2 && argv[1][2] == 'h') {
        print_keys();
    }
    if (code != BD_OPTIONS_READ) {
        return code;
    }
    if (optind + 1 < argc) {
        return bd_cli_usage("ask", "expected one STUDY.yaml at most");
    }
    if (!journal) {
        return bd_cli_usage("ask", "'--journal' is missing");
    }
    struct bd_study study;
    struct bd_error err;
    if (bd_study_open(&study, optind < argc ? argv[optind] : NULL, journal, &err)) {
        return bd_cli_fail("ask", &err);
    }
    size_t *ids = calloc(study.count + (size_t)count, sizeof *ids), found = 0;
    bd_status status = BD_OK;
    for (size_t id = 1; pending && id <= study.count; id++) {
        if (study.points[id - 1].state == BD_STUDY_PENDING) {
            ids[found++] = id;
        }
    }
    for (int64_t i = 0; !pending && i < count && status == BD_OK; i++) {
        status = bd_study_ask(&study, &ids[found], &err);
        found += status == BD_OK;
    }
    print_points(&study, ids, found, json);
    free(ids);
    bd_study_close(&study);
    return status == BD_OK ? BD_OK : bd_cli_fail("ask", &err);
}
