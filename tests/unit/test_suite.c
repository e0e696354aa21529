/* Suites: points follow from the seed, and what is wrong is said where it stands. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/file.h"
#include "sw/regress/suite.h"
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
        {"name: a\ntests: [{name: x, kind: proof}]\n", ":2:9: missing key 'names'"},
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
    static const char *const names[] = {"smoke", "nightly", "release"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct bd_suite suite;
        struct bd_suite_points points;
        struct bd_error err;
        char *path = bd_asprintf("yaml-configs/suites/%s.yaml", names[i]);
        cr_assert_eq(bd_suite_load(&suite, path, &err), BD_OK, "%s", err.message);
        cr_assert_str_eq(suite.name, names[i]);
        cr_assert_eq(bd_suite_expand(&suite, 1, "", &points, &err), BD_OK, "%s", err.message);
        cr_assert_gt(points.count, 5 * (i + 1));
        bd_suite_points_release(&points);
        bd_suite_release(&suite);
        free(path);
    }
}
