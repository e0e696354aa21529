/* `bitdial regress SUITE.yaml --out DIR`: a suite of regression tests, run, told, and its failures looked into. */
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/core/json.h"
#include "model/core/memory.h"
#include "model/runs/runs.h"
#include "sw/cli/cli.h"
#include "sw/cli/options.h"
#include "sw/cli/report.h"
#include "sw/cli/runs_options.h"
#include "sw/regress/plan.h"
#include "sw/regress/results.h"
#include "sw/regress/triage.h"
#include "sw/session/tree.h"

#define NAME "regress"

static const char usage[] =
    "Usage: bitdial regress SUITE.yaml --out DIR [OPTION]...\n"
    "       bitdial regress --case CASE.yaml\n"
    "Runs the tests of a suite (yaml-configs/suites: smoke, nightly, coverage, release) and writes results.json, "
    "results.csv,\n"
    "results.md and junit.xml to DIR. The first failures of benches are run once more by themselves, with a trace and "
    "a\n"
    "GTKWave save file at the first wrong clock, and made as small as they still fail: DIR/failures/NAME. `bitdial\n"
    "report DIR` makes one page of it. sw/regress/README.md tells what a suite may say.\n\n"
    "  -o, --out DIR        the folder\n"
    "  --seed S             master seed of all random networks and images (default: the suite's)\n"
    "  --triage N           failures that are looked into, at most (default 3; 0: none)\n"
    "  --no-trace           without traces\n"
    "  --coverage           benches on models that count lines, branches and edges of ports of the RTL as they run:\n"
    "                       built anew, and three times as slow\n"
    "  --case FILE          repeat such a smallest network on its bench\n" BD_RUNS_USAGE
    "  --help               print this\n";

struct options {
    struct bd_runs_command runs;
    const char *suite, *out, *one;
    int64_t seed, triage;
    bool no_trace, coverage;
};

static int parse_options(struct options *o, int argc, char **argv)
{
    *o = (struct options){.runs = {.command = NAME}, .seed = -1, .triage = 3};
    const struct bd_option table[] = {
        {"out", .text = &o->out, .letter = 'o'},
        {"seed", .integer = &o->seed, .min = 0, .max = 1000000000000000},
        {"triage", .integer = &o->triage, .min = 0, .max = 1000},
        {"no-trace", .flag = &o->no_trace},
        {"coverage", .flag = &o->coverage},
        {"case", .text = &o->one},
        BD_RUNS_ROWS(&o->runs),
        {0},
    };
    int code = bd_cli_options(NAME, usage, table, argc, argv);
    if (code != BD_OPTIONS_READ) {
        return code;
    }
    o->suite = optind < argc ? argv[optind] : NULL;
    if (o->one && (o->suite || o->out)) {
        return bd_cli_usage(NAME, "--case stands alone");
    }
    if (!o->one && optind + 1 != argc) {
        return bd_cli_usage(NAME, "expected one suite (SUITE.yaml), or --case");
    }
    if (!o->one && !o->out && !o->runs.list) {
        return bd_cli_usage(NAME, "'--out' is missing: the folder for results");
    }
    code = bd_cli_check_runs(&o->runs);
    return code == BD_OK ? BD_OPTIONS_READ : code;
}

/* ---- failures ----------------------------------------------------------------------------------------------- */

static void tell(const char *text)
{
    fprintf(stderr, "bitdial " NAME ": %s\n", text);
}

static bd_status look_into(const struct options *o, const char *root, const struct bd_suite_point *point,
                           const json_t *result, struct bd_error *err)
{
    char *folder = bd_asprintf("%s/failures/%s", o->out, point->name);
    char *file = bd_asprintf("%s/failure.json", folder);
    const struct bd_triage triage = {
        .root = root, .folder = folder, .trace = !o->no_trace, .shrink = true, .notice = tell};
    json_t *found = NULL;
    bd_status status = bd_triage_run(&triage, point, json_object_get(result, "output"), &found, err);
    if (!status && json_object_size(found)) {
        json_object_set(found, "of", json_object_get(result, "checksum")); /* which it explains, and no later one */
        char *text = json_dumps(found, JSON_INDENT(1));
        status = bd_file_write(file, text, strlen(text), err);
        free(text);
    }
    json_decref(status ? NULL : found);
    free(folder);
    free(file);
    return status;
}

/* Failures that were looked into before, under --resume, stay as they are. */
static bool is_known(const struct options *o, const char *name, const json_t *result)
{
    json_t *found = bd_results_failure(o->out, name, result);
    json_decref(found);
    return found;
}

static bd_status triage(const struct options *o, const char *root, const struct bd_suite_points *points,
                        struct bd_error *err)
{
    int64_t looked = 0;
    bd_status status = BD_OK;
    for (size_t p = 0; p < points->count && looked < o->triage && !status; p++) {
        const struct bd_suite_point *point = &points->points[p];
        json_t *result = NULL;
        if (!point->is_bench) {
            continue;
        }
        status = bd_runs_result(o->out, point->name, &result, err);
        if (!status && bd_runs_result_state(result) == BD_RUNS_FAILED && !is_known(o, point->name, result)) {
            status = look_into(o, root, point, result, err);
            looked++;
        }
        json_decref(result);
    }
    return status;
}

/* ---- the end ------------------------------------------------------------------------------------------------ */

static void print_failures(const json_t *document)
{
    const json_t *test, *point;
    size_t t, p;
    json_array_foreach(json_object_get(document, "tests"), t, test)
    {
        json_array_foreach(json_object_get(test, "points"), p, point)
        {
            const char *state = bd_results_text(point, "state");
            const json_t *failure = json_object_get(point, "failure");
            if (!strcmp(state, "done") || !strcmp(state, "queued") || !strcmp(state, "running")) {
                continue;
            }
            const char *text = bd_results_text(failure, "text");
            printf("%-14s %s: %s\n    repeat: %s\n", state, bd_results_text(point, "name"),
                   *text ? text : bd_results_text(point, "cause"),
                   bd_results_text(failure ? failure : point, "repeat"));
            if (*bd_results_text(failure, "case_repeat")) {
                printf("    smallest: %s\n", bd_results_text(failure, "case_repeat"));
            }
            if (*bd_results_text(failure, "view_line")) {
                printf("    waves: %s\n", bd_results_text(failure, "view_line"));
            }
        }
    }
}

/* A line a group with holes: a few of them, and the test that fills them. */
static void print_coverage(const json_t *coverage)
{
    const json_t *group;
    size_t g, filled = 0, all = 0;
    json_array_foreach(json_object_get(coverage, "groups"), g, group)
    {
        filled += (size_t)bd_results_number(group, "filled");
        all += (size_t)bd_results_number(group, "bins");
    }
    if (all) {
        printf("coverage: %zu of %zu bins filled\n", filled, all);
    }
    json_array_foreach(json_object_get(coverage, "groups"), g, group)
    {
        const json_t *holes = json_object_get(group, "holes");
        for (size_t h = 0; h < json_array_size(holes) && h < 4; h++) {
            printf("%s%s", h ? ", " : "    holes: ", json_string_value(json_array_get(holes, h)));
        }
        if (json_array_size(holes)) {
            printf("%s; filled by %s\n", json_array_size(holes) > 4 ? ", ..." : "",
                   bd_results_text(group, "filled_by"));
        }
    }
    const json_t *unknown = json_object_get(coverage, "unknown");
    if (json_array_size(unknown)) {
        printf("    %zu bins are not declared in hw/coverage.yaml, as %s\n", json_array_size(unknown),
               json_string_value(json_array_get(unknown, 0)));
    }
}

/* A line a kind, some of the holes, and waivers that no longer hold. */
static void print_places(const json_t *places)
{
    enum { SHOWN = 12 };
    const json_t *row, *holes = json_object_get(places, "holes");
    size_t i;
    json_array_foreach(json_object_get(places, "kinds"), i, row)
    {
        printf("coverage: %s: %.0f of %.0f, %.0f waived: %.1f %%, goal %.0f %%\n", bd_results_text(row, "kind"),
               bd_results_number(row, "covered"), bd_results_number(row, "places"), bd_results_number(row, "waived"),
               bd_results_number(row, "percent"), bd_results_number(row, "goal"));
    }
    json_array_foreach((json_t *)holes, i, row)
    {
        if (i < SHOWN) {
            printf("    %s:%.0f: %s: %s\n", bd_results_text(row, "file"), bd_results_number(row, "line"),
                   bd_results_text(row, "name"), bd_results_text(row, "text"));
        }
    }
    if (json_array_size(holes) > SHOWN) {
        printf("    and %zu more holes, in results.json and the report\n", json_array_size(holes) - SHOWN);
    }
}

static size_t tell_stale(const json_t *places)
{
    const json_t *stale = json_object_get(places, "stale"), *row;
    size_t i;
    json_array_foreach((json_t *)stale, i, row)
    {
        fprintf(stderr, "%s\n", json_string_value(row));
    }
    return json_array_size(stale);
}

/* stale: waivers that are. */
static bd_status report(const struct options *o, const struct bd_runs_summary *summary, size_t *stale,
                        struct bd_error *err)
{
    json_t *document;
    if (bd_results_read(o->out, &document, err)) {
        return err->status;
    }
    const bd_status status = bd_results_write(o->out, document, err);
    *stale = status ? 0 : tell_stale(json_object_get(document, "places"));
    if (!status && o->runs.json) {
        bd_cli_report(json_incref(document));
    } else if (!status) {
        const struct bd_runs_progress *p = &summary->progress;
        print_failures(document);
        print_coverage(json_object_get(document, "coverage"));
        print_places(json_object_get(document, "places"));
        printf("%zu points by seed %.0f on RTL %s in %.1f s: %zu passed, %zu failed, %zu timed out, %zu met the "
               "infrastructure, "
               "%zu not run\n",
               p->selected, bd_results_number(document, "seed"), bd_results_text(document, "rtl"), p->seconds,
               p->state[BD_RUNS_DONE], p->state[BD_RUNS_FAILED], p->state[BD_RUNS_TIMED_OUT],
               p->state[BD_RUNS_INFRASTRUCTURE], p->state[BD_RUNS_QUEUED] + p->state[BD_RUNS_RUNNING]);
    }
    json_decref(document);
    return status;
}

/* suite.json is written when the runner has taken the folder: what it refuses stays as it was. */
struct beginning {
    const struct options *o;
    const struct bd_suite *suite;
    const struct bd_suite_points *points;
    const char *root;
    uint64_t seed;
    bool done;
    bd_status status;
    struct bd_error err;
};

static void begin(void *user, const struct bd_runs_event *event)
{
    struct beginning *b = user;
    (void)event;
    if (!b->done) {
        b->done = true;
        b->status = bd_results_begin(b->o->out, b->suite, b->seed, b->root, b->points, b->o->coverage, &b->err);
    }
}

static bd_status run_plan(const struct options *o, const struct bd_suite *suite, uint64_t seed, const char *root,
                          const struct bd_suite_points *points, struct bd_runs_plan *plan, struct bd_error *err)
{
    struct beginning beginning = {.o = o, .suite = suite, .points = points, .root = root, .seed = seed};
    const struct bd_runs_options own = {.user = &beginning, .on_event = begin};
    struct bd_runs_summary summary;
    struct bd_error other;
    fprintf(stderr, "bitdial " NAME ": %s: %zu points of %zu tests by master seed %" PRIu64 "\n", suite->name,
            points->count, suite->test_count, seed);
    bd_status status = bd_cli_runs_execute(&o->runs, plan, o->out, &own, &summary, err);
    if (!beginning.done) { /* refused, or nothing to do */
        return status;
    }
    if (beginning.status) {
        *err = beginning.err;
        return beginning.status;
    }
    status = status ? status : triage(o, root, points, err);
    size_t stale = 0;
    const bd_status told = report(o, &summary, &stale, status ? &other : err);
    status = status ? status : told;
    status = status ? status : bd_cli_runs_verdict(&summary, err);
    return status || !stale ? status : bd_fail(err, BD_FAIL, "%zu waivers of coverage are stale", stale);
}

static bd_status run(const struct options *o, struct bd_error *err)
{
    struct bd_suite suite;
    struct bd_suite_points points = {0};
    struct bd_runs_plan *plan = NULL;
    char root[PATH_MAX];
    if (bd_tree_root(root, err)) {
        return err->status;
    }
    if (o->one) {
        return bd_case_repeat(root, o->one, err);
    }
    if (bd_suite_load(&suite, o->suite, err)) {
        return err->status;
    }
    char *coverage = o->coverage && o->out ? bd_asprintf("%s/coverage", o->out) : NULL;
    const uint64_t seed = (uint64_t)(o->seed >= 0 ? o->seed : suite.seed);
    bd_status status = bd_suite_expand(&suite, seed, root, &points, err);
    status = status ? status : bd_suite_plan(&suite, &points, root, coverage, &plan, err);
    free(coverage);
    if (!status && o->runs.list) {
        status = bd_cli_runs_list(&o->runs, plan, o->out, err);
    } else if (!status) {
        status = run_plan(o, &suite, seed, root, &points, plan, err);
    }
    bd_runs_plan_free(plan);
    bd_suite_points_release(&points);
    bd_suite_release(&suite);
    return status;
}

int cmd_regress(int argc, char **argv)
{
    struct options options;
    struct bd_error err;
    int parsed = parse_options(&options, argc, argv);
    if (parsed != BD_OPTIONS_READ) {
        return parsed;
    }
    bd_status status = run(&options, &err);
    return status == BD_OK ? BD_OK : bd_cli_fail(NAME, &err);
}
