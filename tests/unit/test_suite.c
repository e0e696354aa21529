/* Suites: points follow from the seed, and what is wrong is said where it stands. */
#include <criterion/criterion.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/core/choice.h"
#include "model/core/file.h"
#include "model/runs/runs.h"
#include "sw/regress/plan.h"
#include "sw/regress/suite_parts.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/temporary_folder.h"

TestSuite(suite, .init = make_folder, .fini = remove_folder);

static char *write_suite(const char *text)
{
    struct bd_error err;
    char *path = bd_asprintf("%s/suite.yaml", folder);
    cr_assert_eq(bd_file_write(path, text, strlen(text), &err), BD_OK, "%s", err.message);
    return path;
}

static char *points_of(const char *text, uint64_t seed)
{
    struct bd_suite suite;
    struct bd_suite_points points;
    struct bd_error err;
    char *path = write_suite(text), *all = NULL;
    size_t size;
    FILE *out = open_memstream(&all, &size);
    cr_assert_eq(bd_suite_load(&suite, path, &err), BD_OK, "%s", err.message);
    cr_assert_eq(bd_suite_expand(&suite, seed, "", &points, &err), BD_OK, "%s", err.message);
    for (size_t p = 0; p < points.count; p++) {
        fprintf(out, "%s:", points.points[p].name);
        for (char **word = points.points[p].argv; *word; word++)
            fprintf(out, " %s", *word);
        fputc('\n', out);
    }
    fclose(out);
    bd_suite_points_release(&points);
    bd_suite_release(&suite);
    free(path);
    return all;
}

#define RANDOM                                                                                                         \
    "  - {name: r, kind: random, hardware: [tests/small_hardware.yaml, tests/mixed_hardware.yaml], networks: 5, "      \
    "per_point: 2, stalls: [0, 90], memory: '60,4,1'}\n"
#define BUS "  - {name: b, kind: bus, hardware: tests/small_hardware.yaml, cases: [errors, hangs], networks: 3}\n"

static int lines(const char *text)
{
    int count = 0;
    for (; *text; text++)
        count += *text == '\n';
    return count;
}

Test(suite, points_follow_from_the_seed)
{
    char *first = points_of("name: a\ntests:\n" RANDOM, 7), *again = points_of("name: a\ntests:\n" RANDOM, 7);
    char *other = points_of("name: a\ntests:\n" RANDOM, 8), *more = points_of("name: a\ntests:\n" BUS RANDOM, 7);
    cr_assert_str_eq(first, again);
    cr_assert_str_neq(first, other);
    cr_assert_eq(lines(first), 2 * 2 * 3, "%s", first); /* hardware, stalls, parts of 2, 2 and 1 */
    cr_assert_eq(lines(more), 12 + 2 * 3);
    cr_assert(strstr(more, first), "a test that is added changes the points of another");
    cr_assert(strstr(first, "r.mixed_hardware.memory60_4_1.stalls90.2: sh sim/bench/run.sh tests/mixed_hardware.yaml "
                            "--json --patience 2000000 --random 1 --first 4 --seed "),
              "%s", first);
    cr_assert(strstr(first, " --memory 60,4,1 --stalls 90\n"));
    cr_assert_not(strstr(first, "--stalls 0"));
    free(first);
    free(again);
    free(other);
    free(more);
}

Test(suite, no_two_points_have_one_seed)
{
    char *all = points_of("name: a\ntests:\n" RANDOM BUS, 3), *seeds[64];
    int count = 0;
    for (char *at = all; (at = strstr(at, "--seed ")); at += 7)
        seeds[count++] = at + 7;
    cr_assert_eq(count, 18);
    for (int i = 0; i < count; i++)
        for (int k = 0; k < i; k++)
            cr_assert_neq(strtoull(seeds[i], NULL, 10), strtoull(seeds[k], NULL, 10));
    free(all);
}

/* Each part of a test goes on where the one before ended: the ninth kernel of borders is the ninth network. */
Test(suite, parts_of_modes_begin_where_the_last_ended)
{
    char *all = points_of("name: a\ntests:\n  - {name: d, kind: directed, hardware: tests/small_hardware.yaml, "
                          "cases: borders, networks: 9, per_point: 4, stalls: [0, 60]}\n",
                          1);
    cr_assert_eq(lines(all), 2 * 3, "%s", all);
    for (int part = 0; part < 3; part++) {
        static const char *const counts[] = {"4 --first 0", "4 --first 4", "1 --first 8"};
        for (int stalls = 0; stalls < 2; stalls++) {
            char *name = bd_asprintf("d.small_hardware.borders.stalls%d.%d: ", stalls ? 60 : 0, part);
            char *options = bd_asprintf(" --borders --random %s --seed ", counts[part]), *line = strstr(all, name);
            cr_assert(line, "no '%s' in %s", name, all);
            char *end = strchr(line, '\n'), *found = strstr(line, options), *held = strstr(line, "--stalls 60");
            cr_assert(found && found < end, "no '%s' in %s", options, line);
            cr_assert_eq(held && held < end, stalls, "%s", line);
            free(name);
            free(options);
        }
    }
    free(all);
}

/* A share is asked for where a mode has faults to share, and nowhere else. */
Test(suite, a_share_goes_to_the_modes_that_have_one)
{
    char *all = points_of("name: a\ntests:\n  - {name: b, kind: bus, hardware: tests/small_hardware.yaml, cases: "
                          "[errors, hangs, resets], stalls: 60, share: 4}\n  - {name: d, kind: directed, hardware: "
                          "tests/small_hardware.yaml, cases: [words, limits]}\n",
                          1);
    int shared = 0;
    cr_assert_eq(lines(all), 5, "%s", all);
    for (char *at = all; (at = strstr(at, " --share 4\n")); at++)
        shared++;
    cr_assert_eq(shared, 2, "%s", all);
    for (char *line = all, *rest = all; (line = strsep(&rest, "\n")) && *line;)
        cr_assert_eq(strstr(line, "--share") != NULL,
                     strncmp(line, "b.", 2) == 0 && (strstr(line, " --hangs ") || strstr(line, " --resets ")), "%s",
                     line);
    free(all);
}

static const char *names_of(const char *kind)
{
    for (int k = 0; k < bd_suite_kind_count; k++)
        if (strcmp(bd_suite_kinds[k].name, kind) == 0)
            return bd_suite_kinds[k].names;
    cr_assert_fail("no kind '%s'", kind);
    return NULL;
}

static int words(const char *choices)
{
    int count = 1;
    for (; *choices; choices++)
        count += *choices == '|';
    return count;
}

/* All files of a pattern, "BEFORE*AFTER", and no others are names of a kind. */
static void expect_files(const char *kind, const char *pattern)
{
    const char *names = names_of(kind), *star = strchr(pattern, '*');
    glob_t found;
    cr_assert_eq(glob(pattern, 0, NULL, &found), 0);
    for (size_t f = 0; f < found.gl_pathc; f++) {
        const char *name = found.gl_pathv[f] + (star - pattern);
        char *stem = bd_xstrndup(name, strlen(name) - strlen(star + 1));
        cr_assert(bd_choice(names, stem) >= 0, "%s is no name of '%s'", found.gl_pathv[f], kind);
        free(stem);
    }
    cr_assert_eq((int)found.gl_pathc, words(names), "%s", names);
    globfree(&found);
}

/* Each name of a kind is a file: BEFORE NAME AFTER. */
static void expect_each(const char *kind, const char *before, const char *after)
{
    char *copy = bd_xstrdup(names_of(kind)), *rest = copy;
    for (char *word; (word = strsep(&rest, "|"));) {
        char *path = bd_asprintf("%s%s%s", before, word, after);
        cr_assert_eq(access(path, R_OK), 0, "%s", path);
        free(path);
    }
    free(copy);
}

static char *text_of_file(const char *path)
{
    uint8_t *data;
    size_t size;
    struct bd_error err;
    cr_assert_eq(bd_file_read(path, 1 << 20, &data, &size, &err), BD_OK, "%s", err.message);
    char *text = bd_xstrndup((char *)data, size);
    free(data);
    return text;
}

/* What a suite may name is what the tree has. */
Test(suite, names_are_those_of_the_tree)
{
    expect_files("proof", "hw/prove/*.svh");
    expect_each("unit", "sim/bench/", ".sh");
    expect_each("script", "tests/cli/", "_test.sh");
#define X(target) "|" #target
    static const char targets[] = FUZZ_TARGETS(X);
    cr_assert_str_eq(names_of("fuzz"), targets + 1);
#undef X
    char *kinds = text_of_file("tests/inject/inject_kinds.c"),
         *makefiles[] = {text_of_file("Makefile"), text_of_file("hw/rules.mk"), text_of_file("sim/rules.mk")};
    int injected = 0;
    for (char *row = kinds; (row = strstr(row, "\n    {\"")); row++) { /* {"name", count, ...}: those of a whole run */
        char name[64];
        int count;
        if (sscanf(row, "\n    {\"%63[^\"]\", %d, ", name, &count) == 2 && count > 0) {
            cr_assert(bd_choice(names_of("inject"), name) >= 0, "%s", name);
            injected++;
        }
    }
    cr_assert_eq(injected, words(names_of("inject")));
    char *copy = bd_xstrdup(names_of("make")), *rest = copy;
    for (char *word; (word = strsep(&rest, "|"));) {
        char *target = bd_asprintf("\n%s: ", word);
        cr_assert(strstr(makefiles[0], target) || strstr(makefiles[1], target) || strstr(makefiles[2], target), "%s",
                  word);
        free(target);
    }
    free(copy);
    free(kinds);
    for (int m = 0; m < 3; m++)
        free(makefiles[m]);
}

Test(suite, names_left_out_are_all)
{
    char *all = points_of("name: a\ntests: [{name: p, kind: proof}, {name: f, kind: fuzz, seconds: 5}]\n", 1);
    cr_assert_eq(lines(all), words(names_of("proof")) + words(names_of("fuzz")), "%s", all);
    cr_assert(strstr(all, "\nf.idx: sh tests/make.sh fuzz SECONDS=5 TARGETS=idx\n"), "%s", all);
    free(all);
}

/* Proofs, benches of blocks and shell tests are of the RTL as it stands, too: --resume goes on with no other. */
Test(suite, every_point_knows_its_rtl)
{
    struct bd_suite suite;
    struct bd_suite_points points;
    struct bd_runs_plan *plan;
    struct bd_error err;
    char *path =
        write_suite("name: a\ntests: [{name: p, kind: proof, names: csr}, {name: u, kind: unit, names: count}, "
                    "{name: s, kind: script, names: chip}]\n");
    cr_assert_eq(bd_suite_load(&suite, path, &err), BD_OK, "%s", err.message);
    cr_assert_eq(bd_suite_expand(&suite, 1, "", &points, &err), BD_OK, "%s", err.message);
    cr_assert_eq(bd_suite_plan(&suite, &points, "", NULL, &plan, &err), BD_OK, "%s", err.message);
    for (size_t p = 0; p < points.count; p++) {
        const struct bd_runs_point *point = bd_runs_plan_point(plan, p);
        bool known = false;
        for (size_t i = 0; point->inputs && point->inputs[i]; i++)
            known = known || strcmp(point->inputs[i], "hw/control/csr.sv") == 0;
        cr_assert(known, "%s", point->name);
    }
    bd_runs_plan_free(plan);
    bd_suite_points_release(&points);
    bd_suite_release(&suite);
    free(path);
}

Test(suite, refuses_with_the_place)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"name: a\ntests: []\n", ":2:8: 'tests' must be a list of one test or more"},
        {"name: a\ntests: {}\n", ":2:8: 'tests' must be a list"},
        {"name: a\nsed: 3\ntests: [{name: x, kind: proof, names: csr}]\n", ":2:1: unknown key 'sed'"},
        {"name: a\ntests: [{name: x}]\n", ":2:9: missing key 'kind'"},
        {"name: a\ntests: [7]\n", ":2:9: a test must be a mapping"},
        {"name: a\ntests: [{name: x, kind: rndom}]\n", ":2:25: 'kind' must be one of random, directed"},
        {"name: a\ntests: [{name: x, kind: unit}]\n", ":2:9: missing key 'names'"},
        {"name: a\ntests: [{name: x, kind: fuzz, names: yaml}]\n", "'names' must be of program|checkpoint|"},
        {"name: a\ntests: [{name: x, kind: make, names: clean}]\n", "'names' must be of netlist|"},
        {"name: a\ntests: [{name: x, kind: proof, names: [csr, foo]}]\n", ":2:45: 'names' must be of axil_slave|"},
        {"name: a\ntests: [{name: x, kind: proof, names: [csr, csr]}]\n", ":2:45: 'names' has 'csr' twice"},
        {"name: a\ntests: [{name: x, kind: unit, names: [front 8; rm]}]\n", "takes lower-case words and numbers"},
        {"name: a\ntests: [{name: X, kind: proof, names: csr}]\n", ":2:16: a test's name is made of"},
        {"name: a\ntests:\n- {name: x, kind: proof, names: csr}\n- {name: x, kind: proof, names: csr}\n",
         ":4:10: the test 'x' stands at line 3 already"},
        {"name: a\ntests: [{name: x, kind: random, hardware: no.yaml, networks: 1}]\n",
         ":2:43: 'hardware' names 'no.yaml'"},
        {"name: a\ntests: [{name: x, kind: random, hardware: README.md, networks: 1}]\n",
         "which is no hardware configuration: README.md:"},
        {"name: a\ntests: [{name: x, kind: random, hardware: tests/small_hardware.yaml, networks: 0}]\n",
         "'networks' must be 1..1000000, got 0"},
        {"name: a\ntests: [{name: x, kind: random, hardware: tests/small_hardware.yaml, networks: 1, stalls: 256}]\n",
         "must be 0..255, got 256"},
        {"name: a\ntests: [{name: x, kind: random, hardware: tests/small_hardware.yaml, networks: 1, memory: '1,2'}]\n",
         "'memory': "},
        {"name: a\ntests: [{name: x, kind: case, hardware: tests/small_hardware.yaml, networks: "
         "tests/small_network.yaml}]\n",
         "'networks' names 'tests/small_network.yaml', which is no network by hand: tests/small_network.yaml:"},
        {"name: a\ntests: [{name: x, kind: random, networks: 1, hardware: [tests/small_hardware.yaml, "
         "tests/unit/../small_hardware.yaml]}]\n",
         ":2:84: 'hardware' has two files of one name, 'tests/small_hardware.yaml' and "},
        {"name: a\ntests: [{name: x, kind: zoo, hardware: tests/small_hardware.yaml, images: 2, networks: "
         "tests/small_network.yaml}]\n",
         "suite.yaml:2:88: 'networks' names 'tests/small_network.yaml', which is no checkpoint: "},
        {"name: a\ntests: [{name: x, kind: zoo, hardware: tests/small_hardware.yaml, images: 2, networks: "
         "model/zoo/resnet8.h5, schedule: 'w1a1,w9a9'}]\n",
         "suite.yaml:2:120: 'schedule' has 'w9a9', and 'model/zoo/resnet8.h5' has no such switch"},
        {"name: a\ntests: [{name: x, kind: bus, hardware: tests/small_hardware.yaml, cases: errors, share: 2}]\n",
         ":2:89: 'share' is of words|hangs|resets, none of which is in 'cases'"},
        {"name: a\ntests: [{name: x, kind: bus, hardware: tests/small_hardware.yaml, cases: hangs, share: 0}]\n",
         "'share' must be 1..1000, got 0"},
        {"name: a\ntests: [{name: x, kind: faults, table: no.yaml}]\n", "'table' names 'no.yaml', which is not there"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bd_suite suite;
        struct bd_error err;
        char *path = write_suite(cases[i].text);
        cr_assert_eq(bd_suite_load(&suite, path, &err), BD_BAD_INPUT, "%s", cases[i].text);
        cr_assert(strstr(err.message, path) && strstr(err.message, cases[i].message), "%s: %s", cases[i].text,
                  err.message);
        free(path);
    }
}

/* Those that ship load, from the root. */
Test(suite, of_the_project_load)
{
    static const char *const names[] = {"smoke", "nightly", "release", "coverage"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct bd_suite suite;
        struct bd_suite_points points;
        struct bd_error err;
        char *path = bd_asprintf("yaml-configs/suites/%s.yaml", names[i]);
        cr_assert_eq(bd_suite_load(&suite, path, &err), BD_OK, "%s", err.message);
        cr_assert_str_eq(suite.name, names[i]);
        cr_assert_eq(bd_suite_expand(&suite, 1, "", &points, &err), BD_OK, "%s", err.message);
        cr_assert_gt(points.count, 5);
        bd_suite_points_release(&points);
        bd_suite_release(&suite);
        free(path);
    }
}
