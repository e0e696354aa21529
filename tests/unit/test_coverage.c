/* Coverage: declared bins against counted ones. */
#include <criterion/criterion.h>
#include <string.h>

#include "model/core/file.h"
#include "model/core/yaml.h"
#include "model/regress/case.h"
#include "sw/regress/coverage.h"
#include "sw/regress/results.h"
#include "sw/regress/suite.h"
#include "tests/support/temporary_folder.h"

TestSuite(coverage, .init = make_folder, .fini = remove_folder);

static bd_status judge(const char *text, const char *bins_text, json_t **found, struct bd_error *err)
{
    char *path = bd_asprintf("%s/coverage.yaml", folder);
    json_t *bins = json_loads(bins_text, 0, NULL);
    cr_assert(bins);
    cr_assert_eq(bd_file_write(path, text, strlen(text), err), BD_OK);
    const bd_status status = bd_coverage_judge(path, bins, found, err);
    json_decref(bins);
    free(path);
    return status;
}

Test(coverage, lists_holes_and_what_is_not_declared)
{
    struct bd_error err;
    json_t *found;
    cr_assert_eq(judge("groups: [{name: a, about: x, of: [[p, q], [1, 2]], suite: fill it}]\n",
                       "{\"a/p/1\": 3, \"a/q/2\": 1, \"a/q/1\": 0, \"b/z\": 1}", &found, &err),
                 BD_OK, "%s", err.message);
    const json_t *group = json_array_get(json_object_get(found, "groups"), 0);
    cr_assert_eq(bd_results_number(group, "bins"), 4);
    cr_assert_eq(bd_results_number(group, "filled"), 2);
    const json_t *holes = json_object_get(group, "holes");
    cr_assert_eq(json_array_size(holes), 2);
    cr_assert_str_eq(json_string_value(json_array_get(holes, 0)), "a/p/2");
    cr_assert_str_eq(json_string_value(json_array_get(holes, 1)), "a/q/1");
    cr_assert_str_eq(bd_results_text(group, "filled_by"), "fill it");
    cr_assert_eq(json_array_size(json_object_get(found, "unknown")), 1);
    json_decref(found);
}

Test(coverage, merges_counts)
{
    json_t *bins = json_object(), *more = json_loads("{\"a/1\": 2, \"a/2\": 1}", 0, NULL);
    bd_coverage_merge(bins, more);
    bd_coverage_merge(bins, more);
    bd_coverage_merge(bins, NULL);
    cr_assert_eq(json_integer_value(json_object_get(bins, "a/1")), 4);
    cr_assert_eq(json_object_size(bins), 2);
    json_decref(bins);
    json_decref(more);
}

Test(coverage, refuses_with_the_place)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"groups: []\n", ":1:9: 'groups' must be a list"},
        {"groups: [{name: a, about: x, of: [], suite: s}]\n", ":1:34: 'of' must be a list of lists"},
        {"groups: [{name: a, about: x, of: [[1], []], suite: s}]\n", ":1:40: an item of 'of'"},
        {"groups: [{name: a, about: x, of: [[1]], suit: s}]\n", ":1:41: unknown key 'suit'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bd_error err;
        json_t *found;
        cr_assert_eq(judge(cases[i].text, "{}", &found, &err), BD_BAD_INPUT, "%s", cases[i].text);
        cr_assert(strstr(err.message, cases[i].message), "%s: %s", cases[i].text, err.message);
    }
}

static void expect_test(const char *line)
{
    struct bd_suite suite;
    struct bd_error err;
    char *path = bd_asprintf("%s/suite.yaml", folder), *text = bd_asprintf("name: a\ntests:\n  - %s\n", line);
    cr_assert_eq(bd_file_write(path, text, strlen(text), &err), BD_OK);
    cr_assert_eq(bd_suite_load(&suite, path, &err), BD_OK, "%s", err.message);
    bd_suite_release(&suite);
    free(text);
    free(path);
}

/* What the lists of bins and waivers offer against holes can be put into a suite as it stands. */
Test(coverage, what_fills_holes_is_a_test)
{
    struct bd_yaml yaml;
    struct bd_error err;
    cr_assert_eq(bd_yaml_load(&yaml, "hw/coverage.yaml", &err), BD_OK, "%s", err.message);
    const struct bd_yaml_node *groups = bd_yaml_get(yaml.root, "groups");
    for (size_t g = 0; g < groups->count; g++)
        expect_test(bd_yaml_get(groups->values[g], "suite")->text);
    bd_yaml_release(&yaml);
    cr_assert_eq(bd_yaml_load(&yaml, "hw/coverage_waivers.yaml", &err), BD_OK, "%s", err.message);
    const struct bd_yaml_node *files = bd_yaml_get(yaml.root, "filled_by");
    cr_assert_gt(files->count, 5);
    for (size_t f = 0; f < files->count; f++)
        expect_test(files->values[f]->text);
    bd_yaml_release(&yaml);
}

/* precisions.yaml is what it says: a layer of every pair of bits on either array, depthwise weights and codes of every
 * width. */
Test(coverage, one_case_has_every_precision)
{
    struct bd_case c;
    struct bd_hardware hardware;
    struct bd_program program;
    struct bd_error err;
    bool pairs[2][9][9] = {0}, depthwise[9] = {0}, codes[9] = {0};
    cr_assert_eq(bd_case_load(&c, "tests/coverage/precisions.yaml", &err), BD_OK, "%s", err.message);
    cr_assert_eq(bd_hardware_load(&hardware, c.hardware, &err), BD_OK, "%s", err.message);
    cr_assert_eq(bd_case_pack(&c, &hardware, &program, &err), BD_OK, "%s", err.message);
    for (unsigned s = 0; s < program.header->switch_count; s++)
        for (unsigned l = 0; l < program.header->layer_count; l++) {
            const struct bd_descriptor *d = bd_program_descriptor(&program, s, l);
            codes[d->out_bits] = true;
            if (d->flags & BD_FLAG_DEPTHWISE)
                depthwise[d->weight_bits] = true;
            else
                pairs[d->datapath == BD_DATAPATH_XNOR][d->weight_bits][d->in_bits] = true;
        }
    cr_assert(codes[0]);
    for (int bits = 1; bits <= 8; bits++) {
        cr_assert(depthwise[bits] && codes[bits], "%d", bits);
        for (int in = 1; in <= 8; in++)
            cr_assert(pairs[0][bits][in] && pairs[1][bits][in], "%d %d", bits, in);
    }
    bd_program_release(&program);
    bd_hardware_release(&hardware);
    bd_case_release(&c);
}
