/* Places of the RTL: counts of points together, what is covered, waived, left, and waivers that no longer hold. */
#include <criterion/criterion.h>
#include <string.h>

#include "model/core/file.h"
#include "model/core/memory.h"
#include "sw/regress/places.h"
#include "sw/regress/results.h"
#include "tests/support/temporary_folder.h"

TestSuite(places, .init = make_folder, .fini = remove_folder);

static char *put(const char *name, const char *text)
{
    struct bd_error err;
    char *path = bd_asprintf("%s/%s", folder, name);
    cr_assert_eq(bd_file_write(path, text, strlen(text), &err), BD_OK, "%s", err.message);
    return path;
}

static void merge(json_t *places, const char *text)
{
    struct bd_error err;
    char *path = put("counts", text);
    cr_assert_eq(bd_places_merge(places, path, &err), BD_OK, "%s", err.message);
    free(path);
}

static const char source[] = "module m (\n  input logic [3:0] a_i,\n  output logic b_o\n);\n  always_comb begin\n"
                             "    if (a_i == 4'd3) b_o = 1'b1;\n    else b_o = 1'b0;\n  end\nendmodule\n";
static const char counts[] = "branch\tm.sv\t6\tif 5\t0\nbranch\tm.sv\t6\telse 6\t4\nline\tm.sv\t5\tblock 3\t4\n"
                             "port\tm.sv\t2\ta_i\t0011 0111\nport\tm.sv\t3\tb_o\t0 0\n";

/* Of source and counts under waivers, written to files. */
static bd_status judge(const char *waivers, const char *more, json_t **found, struct bd_error *err)
{
    char *root = bd_asprintf("%s/", folder), *path = put("waivers.yaml", waivers);
    json_t *places = json_object();
    free(put("m.sv", source));
    merge(places, counts);
    if (more)
        merge(places, more);
    json_t *hardware = json_pack("{s:b}", "small", 1);
    const bd_status status = bd_places_judge(path, root, hardware, places, found, err);
    json_decref(hardware);
    json_decref(places);
    free(path);
    free(root);
    return status;
}

#define HEAD "goals: {line: 100, branch: 100, port: 95}\nfilled_by: {\"\": any, m: test m}\nwaivers:"

static double sum(const json_t *found, size_t kind, const char *key)
{
    return bd_results_number(json_array_get(json_object_get(found, "kinds"), kind), key);
}

Test(places, adds_counts_and_joins_edges)
{
    json_t *places = json_object();
    merge(places, counts);
    merge(places, "branch\tm.sv\t6\tif 5\t3\nport\tm.sv\t2\ta_i\t100000 100000\nport\tm.sv\t3\tb_o\t1 0\n");
    cr_assert_eq(json_integer_value(json_object_get(places, "branch\tm.sv\t6\tif 5")), 3);
    cr_assert_str_eq(json_string_value(json_object_get(places, "port\tm.sv\t2\ta_i")), "100011 100111");
    merge(places, "port\tm.sv\t2\ta_i\t0100 0000\n");
    cr_assert_str_eq(json_string_value(json_object_get(places, "port\tm.sv\t2\ta_i")), "100111 100111");
    cr_assert_str_eq(json_string_value(json_object_get(places, "port\tm.sv\t3\tb_o")), "1 0");
    json_decref(places);
}

Test(places, refuses_files_that_hold_no_counts)
{
    static const char *const rows[] = {"branch\n",
                                       "branch\tm.sv\t6\tif 5\tx\n",
                                       "line\tm.sv\t6\tif 5\t\n",
                                       "port\tm.sv\t2\ta_i\t01\n",
                                       "port\tm.sv\t2\ta_i\t01 0\n",
                                       "port\tm.sv\t2\ta_i\t01 012\n",
                                       "port\tm.sv\t2\ta_i\t 0\n",
                                       "line\tm.sv\t1\tblock 1\t1\n\nline\tm.sv\t1\tblock 1\t1\n"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bd_error err;
        json_t *places = json_object();
        char *path = put("counts", rows[i]);
        cr_assert_eq(bd_places_merge(places, path, &err), BD_BAD_INPUT, "%s", rows[i]);
        cr_assert(strstr(err.message, i == 7 ? "counts:2:1: " : "counts:1:1: "), "%s", err.message);
        free(path);
        json_decref(places);
    }
}

Test(places, tells_holes_and_takes_waivers)
{
    struct bd_error err;
    json_t *found;
    cr_assert_eq(judge(HEAD " []\n", NULL, &found, &err), BD_OK, "%s", err.message);
    cr_assert_eq(sum(found, 0, "percent"), 100);
    cr_assert_eq(sum(found, 1, "percent"), 50);
    cr_assert_eq(sum(found, 2, "places"), 10);
    cr_assert_eq(sum(found, 2, "covered"), 5);
    const json_t *holes = json_object_get(found, "holes");
    cr_assert_eq(json_array_size(holes), 3);
    const json_t *branch = json_array_get(holes, 0), *port = json_array_get(holes, 1);
    cr_assert_str_eq(bd_results_text(branch, "text"), "if (a_i == 4'd3) b_o = 1'b1;");
    cr_assert_str_eq(bd_results_text(branch, "filled_by"), "test m");
    cr_assert_str_eq(bd_results_text(port, "name"), "a_i never rises: 3:2 never falls: 3");
    json_decref(found);

    cr_assert_eq(judge(HEAD "\n  - {file: m.sv, line: \"if (a_i == 4'd3) b_o = 1'b1;\", of: if, reason: no run can}\n"
                            "  - {file: m.sv, ports: [\"a_i[3:2]\", b_o], reason: no run can}\n",
                       NULL, &found, &err),
                 BD_OK, "%s", err.message);
    cr_assert_eq(json_array_size(json_object_get(found, "holes")), 0);
    cr_assert_eq(json_array_size(json_object_get(found, "stale")), 0);
    cr_assert_eq(sum(found, 1, "waived"), 1);
    cr_assert_eq(sum(found, 2, "waived"), 5);
    cr_assert_eq(sum(found, 2, "percent"), 100);
    json_decref(found);
    cr_assert_eq(
        judge(HEAD "\n  - {file: m.sv, ports: [b_o], hardware: [other], reason: only there}\n", NULL, &found, &err),
        BD_OK, "%s", err.message);
    cr_assert_eq(json_array_size(json_object_get(found, "holes")), 3);
    json_decref(found);
}

Test(places, takes_waivers_of_a_folder)
{
    struct bd_error err;
    json_t *found;
    char *sub = bd_asprintf("%s/sub", folder);
    cr_assert_eq(bd_make_folder(sub, &err), BD_OK);
    free(put("sub/m.sv", source));
    cr_assert_eq(judge(HEAD "\n  - {file: sub/, ports: [a_i], reason: no run can}\n", "port\tsub/m.sv\t2\ta_i\t0 0\n",
                       &found, &err),
                 BD_OK, "%s", err.message);
    cr_assert_eq(sum(found, 2, "waived"), 2);
    cr_assert_eq(sum(found, 2, "places"), 12);
    json_decref(found);
    cr_assert_eq(judge(HEAD "\n  - {file: sub/, ports: [a_i], reason: no run can}\n", "port\tsub/m.sv\t2\ta_i\t1 1\n",
                       &found, &err),
                 BD_OK, "%s", err.message);
    cr_assert_eq(json_array_size(json_object_get(found, "stale")), 1);
    json_decref(found);
    free(sub);
}

Test(places, finds_stale_waivers)
{
    static const struct {
        const char *waiver, *more, *why; /* why: NULL, it holds */
    } cases[] = {
        {"{file: m.sv, line: \"if (a_i == 4'd3) b_o = 1'b1;\", of: if, reason: no run can}", NULL, NULL},
        {"{file: m.sv, line: \"if (a_i == 4'd3) b_o = 1'b1;\", reason: no run can}", NULL, NULL},
        {"{file: m.sv, line: \"if (a_i == 4'd3) b_o = 1'b1;\", of: else, reason: no run can}", NULL, "was covered"},
        {"{file: m.sv, line: \"if (a_i == 4'd3) b_o = 1'b1;\", of: if, reason: no run can}",
         "branch\tm.sv\t6\tif 5\t1\n", "was covered"},
        {"{file: m.sv, line: else b_o = 1'b0;, reason: no model has it}", NULL, NULL},
        {"{file: m.sv, ports: [\"a_i[0]\"], hardware: [small], reason: no run can}", NULL, "was covered"},
        {"{file: m.sv, ports: [\"a_i[0]\"], hardware: [other], reason: no run can}", NULL, NULL}, // lifted
        {"{file: m.sv, line: else b_o = 1'b1;, reason: no run can}", NULL, "is there no more"},
        {"{file: n.sv, line: else b_o = 1'b1;, reason: no run can}", NULL, "in no file"},
        {"{file: m.sv, ports: [a_i], reason: no run can}", NULL, NULL},
        {"{file: m.sv, ports: [\"a_i[1:0]\"], reason: no run can}", NULL, "was covered"},
        {"{file: m.sv, ports: [\"a_i[3]\"], reason: no run can}", "port\tm.sv\t2\ta_i\t1000 1000\n", "was covered"},
        {"{file: m.sv, ports: [b_o, b_i], reason: no run can}", NULL, "is there no more"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bd_error err;
        json_t *found;
        char *text = bd_asprintf(HEAD "\n  - %s\n", cases[i].waiver);
        cr_assert_eq(judge(text, cases[i].more, &found, &err), BD_OK, "%s: %s", cases[i].waiver, err.message);
        const json_t *stale = json_object_get(found, "stale");
        cr_assert_eq(json_array_size(stale), cases[i].why != NULL, "%s", cases[i].waiver);
        const char *why = json_string_value(json_array_get(stale, 0));
        cr_assert(!why || (strstr(why, cases[i].why) && strstr(why, "waivers.yaml:4:")), "%s", why);
        json_decref(found);
        free(text);
    }
}

Test(places, refuses_waivers_with_the_place)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {HEAD " 3\n", ":3:10: 'waivers' must be a list"},
        {HEAD "\n  - 3\n", ":4:5: a waiver must be a mapping"},
        {HEAD "\n  - {file: m.sv, reason: no run can}\n", ":4:5: a waiver must have either"},
        {HEAD "\n  - {file: m.sv, line: x, ports: [a], reason: no run can}\n", ":4:5: a waiver must have either"},
        {HEAD "\n  - {file: m.sv, line: x}\n", "reason"},
        {HEAD "\n  - {file: m.sv, line: x, hardware: small, reason: no run can}\n", ":4:37: 'hardware' must be a list"},
        {HEAD "\n  - {file: m.sv, line: x, reason: no}\n", ":4:35: 'reason' must say why"},
        {HEAD "\n  - {file: m.sv, ports: a, reason: no run can}\n", ":4:25: 'ports' must be a list"},
        {HEAD "\n  - {file: m.sv, ports: [\"a[1:2]\"], reason: no run can}\n", ":4:26: a port must be NAME"},
        {HEAD "\n  - {file: m.sv, ports: [\"a[1\"], reason: no run can}\n", ":4:26: a port must be NAME"},
        {"goals: {line: 101, branch: 1, port: 1}\nfilled_by: {}\nwaivers: []\n", ":1:15: "},
        {"goals: {line: 1, branch: 1, port: 1}\nfilled_by: {a: [b]}\nwaivers: []\n", ":2:16: a test must be"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bd_error err;
        json_t *found;
        cr_assert_eq(judge(cases[i].text, NULL, &found, &err), BD_BAD_INPUT, "%s", cases[i].text);
        cr_assert(strstr(err.message, cases[i].message), "%s", err.message);
    }
}

Test(places, waivers_of_the_rtl_can_be_read)
{
    struct bd_error err;
    json_t *places = json_object(), *found;
    cr_assert_eq(bd_places_judge("hw/coverage_waivers.yaml", "", NULL, places, &found, &err), BD_OK, "%s", err.message);
    json_decref(found);
    json_decref(places);
}
