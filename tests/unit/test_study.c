/* A study: its description in YAML and JSON, its journal, and what is told. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/core/memory.h"
#include "model/search/study.h"

static const char *const text =
    "axes:\n"
    "  - {name: n, from: -2, to: 9, step: 3}\n"
    "  - {name: rate, low: 1.0e-5, high: 0.3, scale: log}\n"
    "  - {name: size, values: [0.25, 1, 1000], scale: log}\n"
    "goals: [minimize, maximize]\n"
    "reference: [10, -3.5]\n"
    "constraints: [{weights: {n: 2, size: -0.1}, most: 9}, {weights: {rate: 1}, least: 1e-4}]\n"
    "method: sobol\n"
    "seed: 7\n"
    "initial: 3\n";

Test(study, its_json_is_a_study_alike)
{
    struct bd_study_space space, again;
    struct bd_error err;
    cr_assert_eq(bd_study_parse(&space, "text", text, &err), BD_OK, "%s", err.message);
    cr_assert(space.d == 3 && space.axes[0].count == 4 && space.axes[0].values[3] == 7 && space.axes[1].count == 0);
    cr_assert(space.axes[1].low == 1e-5 && space.axes[1].log && space.axes[2].values[0] == 0.25 && !space.axes[0].log);
    cr_assert(space.goals == 2 && space.minimize[0] && !space.minimize[1] && space.reference[1] == -3.5);
    cr_assert(space.constraint_count == 2 && space.constraints[0].weights[2] == -0.1 && space.constraints[0].most == 9);
    cr_assert(space.method == BD_SEARCH_SOBOL && space.seed == 7 && space.initial == 3);
    json_t *json = bd_study_json(&space);
    char *dumped = json_dumps(json, JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(17));
    cr_assert_eq(bd_study_parse(&again, "json", dumped, &err), BD_OK, "%s", err.message);
    json_t *same = bd_study_json(&again);
    cr_assert(json_equal(json, same), "%s", dumped);
    json_decref(json);
    json_decref(same);
    free(dumped);
    bd_study_space_release(&space);
    bd_study_space_release(&again);
}

/* Minimised values are as they were told, and a constraint holds for every point. */
Test(study, its_journal_goes_on)
{
    char folder[] = "/tmp/bd_study_XXXXXX";
    struct bd_error err;
    struct bd_study study;
    cr_assert(mkdtemp(folder));
    char *yaml = bd_asprintf("%s/s.yaml", folder), *journal = bd_asprintf("%s/j.jsonl", folder);
    FILE *f = fopen(yaml, "w");
    fputs("axes: [{name: a, from: 0, to: 9}, {name: b, from: 0, to: 9}]\ngoals: minimize\ninitial: 4\n"
          "constraints: [{weights: {a: 1, b: 1}, least: 5}]\n",
          f);
    fclose(f);
    size_t expected = 0;
    double least = HUGE_VAL;
    for (int round = 0; round < 25; round++) { /* opened anew each time */
        size_t id, bad;
        cr_assert_eq(bd_study_open(&study, round % 2 ? NULL : yaml, journal, &err), BD_OK, "%s", err.message);
        cr_assert_eq(bd_study_ask(&study, &id, &err), BD_OK, "%s", err.message);
        cr_assert_eq(id, (size_t)round + 1);
        const double *p = study.points[id - 1].point, value = (p[0] - 6) * (p[0] - 6) + (p[1] - 1) * (p[1] - 1) + 3;
        cr_assert_geq(p[0] + p[1], 5);
        if (value < least) {
            least = value;
            expected = id;
        }
        json_t *messages = json_pack("[{s:I, s:f}]", "id", (json_int_t)id, "value", value);
        cr_assert_eq(bd_study_tell(&study, messages, &bad, &err), BD_OK, "%s", err.message);
        json_decref(messages);
        cr_assert_eq(bd_study_best(&study), expected);
        cr_assert_eq(study.points[expected - 1].told[0], least);
        bd_study_close(&study);
    }
    cr_assert_eq(least, 3, "the least of the grid was not found: %g", least);
    unlink(yaml);
    unlink(journal);
    rmdir(folder);
    free(yaml);
    free(journal);
}
