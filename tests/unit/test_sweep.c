/* Sweeps: designs follow from lists, fronts from their definition, and what is wrong is said where it stands. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/checkpoint/random_checkpoint.h"
#include "model/core/file.h"
#include "model/core/rng.h"
#include "sw/page/page.h"
#include "sw/sweep/drive.h"
#include "sw/sweep/seek.h"
#include "sw/sweep/sweep.h"
#include "tests/support/temporary_folder.h"

/* Two networks of the switches w4a4 and w1a1, one of w2a2 alone. */
static void make_networks(void)
{
    struct bd_checkpoint checkpoint;
    struct bd_error err;
    char *narrow = bd_asprintf("%s/narrow.yaml", folder);
    uint8_t *text;
    size_t size;
    cr_assert_eq(bd_file_read("tests/small_network.yaml", 1 << 20, &text, &size, &err), BD_OK, "%s", err.message);
    memcpy(strstr((char *)text, "[w4a4, w1a1]"), "[w2a2]      ", 12);
    cr_assert_eq(bd_file_write(narrow, text, size, &err), BD_OK, "%s", err.message);
    for (int n = 0; n < 3; n++) {
        char *path = bd_asprintf("%s/%c.h5", folder, 'a' + n);
        cr_assert_eq(bd_random_checkpoint(n == 2 ? narrow : "tests/small_network.yaml", 1 + n, &checkpoint, &err),
                     BD_OK, "%s", err.message);
        cr_assert_eq(bd_checkpoint_save(&checkpoint, path, &err), BD_OK, "%s", err.message);
        bd_checkpoint_release(&checkpoint);
        free(path);
    }
    free(narrow);
    free(text);
}

static void begin(void)
{
    make_folder();
    make_networks();
}

TestSuite(sweep, .init = begin, .fini = remove_folder);

static bd_status load(struct bd_sweep *sweep, const char *text, struct bd_error *err)
{
    char *path = bd_asprintf("%s/sweep.yaml", folder);
    cr_assert_eq(bd_file_write(path, text, strlen(text), err), BD_OK, "%s", err->message);
    const bd_status status = bd_sweep_load(sweep, path, err);
    free(path);
    return status;
}

static const struct bd_sweep_design *find(const struct bd_sweep *sweep, const char *name)
{
    for (size_t d = 0; d < sweep->design_count; d++) {
        if (strcmp(sweep->designs[d].name, name) == 0)
            return &sweep->designs[d];
    }
    return NULL;
}

#define HARDWARE "tests/small_hardware.yaml"
#define COMMON "name: s\nnetworks: [a.h5, b.h5, c.h5]\nobjectives: [clocks, sites]\n"

/* Names are put together here by plain loops. */
Test(sweep, a_product_is_every_combination)
{
    static const char *const networks[] = {"a", "b", "c"}, *const switches[] = {"w4a4", "w1a1", "w2a2"},
                             *const levels[] = {"none", "clocks85", "bytes62_5"};
    static const int rows[] = {8, 16}, units[] = {4, 16};
    static const char *const memories[] = {"12_1_2", "60_4_1"};
    struct bd_sweep sweep;
    struct bd_error err;
    cr_assert_eq(load(&sweep,
                      COMMON "pruning: [none, {clocks: 0.85}, {bytes: 0.625}]\nmemory: ['12,1,2', '60,4,1']\n"
                             "hardware: [" HARDWARE ", {file: " HARDWARE
                             ", name: v, keys: {rows: [8, 16], requant_units: [4, 16], z_words: 16384}}]\n",
                      &err),
                 BD_OK, "%s", err.message);
    size_t open = 0, excluded = 0;
    for (int n = 0; n < 3; n++)
        for (int s = 0; s < 3; s++)
            for (int l = 0; l < 3; l++)
                for (int m = 0; m < 2; m++)
                    for (int r = -1; r < 2; r++)
                        for (int q = 0; q < (r < 0 ? 1 : 2); q++) {
                            char name[128], *hardware = bd_asprintf("v-r%d-q%d", rows[r < 0 ? 0 : r], units[q]);
                            const bool here = (n == 2) == (s == 2), good = r < 0 || units[q] <= rows[r];
                            snprintf(name, sizeof name, "%s.%s.%s.%s-m%s", networks[n], switches[s], levels[l],
                                     r < 0 ? "small" : hardware, memories[m]);
                            const struct bd_sweep_design *d = find(&sweep, name);
                            cr_assert_not_null(d, "%s", name);
                            cr_assert_eq(d->state,
                                         !here  ? BD_SWEEP_ABSENT
                                         : good ? BD_SWEEP_OPEN
                                                : BD_SWEEP_EXCLUDED,
                                         "%s", name);
                            open += here && good;
                            excluded += here && !good;
                            free(hardware);
                        }
    cr_assert_eq(sweep.design_count, 3 * 3 * 3 * 2 * 5);
    cr_assert_eq(open, 5 * 3 * 2 * 4);
    cr_assert_eq(excluded, 5 * 3 * 2);
    const struct bd_sweep_design *d = find(&sweep, "b.w1a1.bytes62_5.v-r16-q4-m60_4_1");
    const struct bd_hardware *h = &sweep.hardware[d->hardware].hardware;
    cr_assert(h->rows == 16 && h->requant_units == 4 && h->z_words == 16384 && h->memory.latency == 60);
    cr_assert(sweep.levels[d->level].bytes == 0.625 && sweep.levels[d->level].clocks == 1);
    bd_sweep_release(&sweep);
}

Test(sweep, what_does_not_fit_a_device_is_left_out_with_the_reason)
{
    struct bd_sweep sweep;
    struct bd_error err;
    cr_assert_eq(load(&sweep,
                      "name: s\nnetworks: a.h5\nobjectives: lut4\ndevice: LFE5U-45F\nhardware: {file: " HARDWARE
                      ", keys: {rows: [8, 64], act_words: [2048, 1048576]}}\n",
                      &err),
                 BD_OK, "%s", err.message);
    cr_assert_eq(find(&sweep, "a.w1a1.none.small-r8-a2048")->state, BD_SWEEP_OPEN);
    const struct bd_sweep_design *wide = find(&sweep, "a.w1a1.none.small-r64-a2048"),
                                 *deep = find(&sweep, "a.w1a1.none.small-r8-a1048576");
    cr_assert(wide->state == BD_SWEEP_EXCLUDED && strstr(wide->reason, "sites, where an LFE5U-45F has 43848"), "%s",
              wide->reason);
    cr_assert(deep->state == BD_SWEEP_EXCLUDED && strstr(deep->reason, "block RAMs, where an LFE5U-45F has 108"), "%s",
              deep->reason);
    bd_sweep_release(&sweep);
}

Test(sweep, a_list_is_its_points)
{
    struct bd_sweep sweep;
    struct bd_error err;
    cr_assert_eq(load(&sweep,
                      COMMON "kind: list\npruning: [none, {clocks: 0.8}]\npoints:\n"
                             "  - {network: c, switch: w2a2, hardware: " HARDWARE "}\n"
                             "  - {network: a, switch: w1a1, pruning: clocks80, hardware: " HARDWARE
                             ", memory: '60,4,1', keys: {rows: 16}}\n"
                             "  - {network: b, switch: w1a1, hardware: " HARDWARE "}\n",
                      &err),
                 BD_OK, "%s", err.message);
    cr_assert_eq(sweep.design_count, 3);
    cr_assert_eq(sweep.hardware_count, 2); /* the first and the last have one */
    cr_assert_str_eq(sweep.designs[0].name, "c.w2a2.none.small");
    cr_assert_str_eq(sweep.designs[1].name, "a.w1a1.clocks80.small-r16-m60_4_1");
    cr_assert_eq(sweep.hardware[sweep.designs[1].hardware].hardware.rows, 16);
    cr_assert_str_eq(sweep.designs[2].name, "b.w1a1.none.small");
    bd_sweep_release(&sweep);
}

Test(sweep, what_is_wrong_is_told_where_it_stands)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {COMMON, "sweep.yaml:1:1: missing key 'hardware'"},
        {COMMON "hardware: []\n", "sweep.yaml:4:11: 'hardware' must name some"},
        {COMMON "hardware: none.yaml\n", "sweep.yaml:4:11: 'hardware' names 'none.yaml'"},
        {COMMON "hardware: a.h5\n", "sweep.yaml:4:11: 'hardware' names"},
        {COMMON "hardware: [" HARDWARE ", " HARDWARE "]\n", "two configurations are called 'small'"},
        {COMMON "hardware: " HARDWARE "\nkeys: {row: 8}\n",
         "sweep.yaml:5:8: a hardware configuration has no key 'row'"},
        {COMMON "hardware: " HARDWARE "\nkeys: {memory: 8}\n", "sweep.yaml:5:8: a hardware configuration has no key"},
        {COMMON "hardware: " HARDWARE "\nkeys: {rows: []}\n", "sweep.yaml:5:14: 'rows' must be a value or a list"},
        {COMMON "hardware: " HARDWARE "\nkeys: {rows: [8, 99]}\n", "sweep.yaml:5:18: 'rows' must be 8..64"},
        {COMMON "hardware: " HARDWARE "\nkeys: {datapaths: [all]}\n", "sweep.yaml:5:20: 'datapaths' must be one of"},
        {COMMON "hardware: " HARDWARE "\nmemory: ['1,2']\n", "sweep.yaml:5:10: 'memory'"},
        {COMMON "hardware: " HARDWARE "\nswitches: [w3a3]\n", "sweep.yaml:5:12: no network has a switch 'w3a3'"},
        {COMMON "hardware: " HARDWARE "\nswitches: []\n", "sweep.yaml:5:11: 'switches' must be a value or a list"},
        {COMMON "hardware: " HARDWARE "\npruning: []\n", "sweep.yaml:5:10: 'pruning' has no level"},
        {COMMON "hardware: " HARDWARE "\npruning: [half]\n", "sweep.yaml:5:11: a level of 'pruning' is 'none'"},
        {COMMON "hardware: " HARDWARE "\npruning: [{clocks: 2}]\n", "sweep.yaml:5:20: the value must be 0.01..0.999"},
        {COMMON "hardware: " HARDWARE "\npruning: [{speed: 0.5}]\n", "sweep.yaml:5:19: a level is a share of"},
        {COMMON "hardware: " HARDWARE "\nconstraints: ['fps > 3']\n", "sweep.yaml:5:15: a constraint is"},
        {COMMON "hardware: " HARDWARE "\nconstraints: ['fun >= 3']\n", "sweep.yaml:5:15: 'constraints' knows no 'fun'"},
        {COMMON "hardware: " HARDWARE "\ndevice: X\n", "sweep.yaml:5:9: 'device' must be one of LFE5U-25F|"},
        {COMMON "hardware: " HARDWARE "\ndevice: LFE5U-25F\n", "sweep.yaml:5:9: no design is left to run"},
        {COMMON "hardware: " HARDWARE "\nsped: 1\n", "sweep.yaml:5:1: unknown key 'sped'"},
        {COMMON "hardware: " HARDWARE "\npoints: []\n", "sweep.yaml:5:9: 'points' are of kind list"},
        {COMMON "kind: list\npoints: []\n", "sweep.yaml:5:9: 'points' must list some point"},
        {COMMON "kind: list\nhardware: " HARDWARE "\n", "sweep.yaml:5:11: of kind list, 'hardware' stands in each"},
        {COMMON "kind: list\npoints: [{network: d, switch: w1a1, hardware: " HARDWARE "}]\n",
         "sweep.yaml:5:20: 'network' is none of 'networks': 'd'"},
        {COMMON "kind: list\npoints: [{network: a, switch: w2a2, hardware: " HARDWARE "}]\n",
         "sweep.yaml:5:31: network 'a' has no switch 'w2a2'"},
        {COMMON "kind: list\npoints: [{network: a, switch: w1a1, hardware: " HARDWARE ", keys: {rows: [8]}}]\n",
         "'rows' of a point is one value"},
        {COMMON "kind: search\nhardware: [{file: " HARDWARE ", keys: {rows: [8]}}]\n",
         "of kind search, keys stand at the top"},
        {"name: s\nnetworks: []\nobjectives: clocks\n", "sweep.yaml:2:11: 'networks' must be a value or a list"},
        {"name: s\nnetworks: [a.h5, sweep.yaml]\nobjectives: clocks\n", "sweep.yaml:2:18: 'networks' names"},
        {"name: s\nnetworks: a.h5\nobjectives: [speed]\n", "sweep.yaml:3:14: 'objectives' knows no 'speed'"},
        {"name: s\nnetworks: a.h5\nkind: search\nobjectives: [clocks, lut4, bytes]\n",
         "sweep.yaml:4:13: a search has one or two objectives"},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct bd_sweep sweep;
        struct bd_error err;
        cr_assert_eq(load(&sweep, cases[c].text, &err), BD_BAD_INPUT, "case %zu is taken", c);
        cr_assert(strstr(err.message, cases[c].message), "case %zu: '%s'", c, err.message);
        bd_sweep_release(&sweep);
    }
}

/* ---- fronts -------------------------------------------------------------------------------------------------- */

/* Designs with random metrics of few values, so that many are equal. */
static void make_random(struct bd_sweep *s, struct bd_rng *rng, size_t count)
{
    static const int objectives[] = {BD_SWEEP_ACCURACY, BD_SWEEP_LUT4, BD_SWEEP_FPS};
    *s = (struct bd_sweep){.design_count = count, .objective_count = 1 + bd_rng_below(rng, 3)};
    s->designs = bd_xcalloc(count, sizeof *s->designs);
    memcpy(s->objectives, objectives, sizeof objectives);
    if (bd_rng_below(rng, 2))
        s->constraints[s->constraint_count++] = (struct bd_sweep_constraint){BD_SWEEP_FPS, true, 3};
    if (bd_rng_below(rng, 2))
        s->constraints[s->constraint_count++] = (struct bd_sweep_constraint){BD_SWEEP_ENERGY, false, 4};
    for (size_t d = 0; d < count; d++) {
        struct bd_sweep_design *design = &s->designs[d];
        design->name = bd_asprintf("d%03zu", d);
        design->state = bd_rng_below(rng, 8) ? BD_SWEEP_DONE : BD_SWEEP_FAILED;
        for (int m = 0; m < BD_SWEEP_METRIC_COUNT; m++)
            design->metric[m] = bd_rng_below(rng, 6);
    }
}

static bool is_feasible(const struct bd_sweep *s, const struct bd_sweep_design *d)
{
    bool good = d->state == BD_SWEEP_DONE;
    for (size_t c = 0; c < s->constraint_count; c++)
        good = good && (s->constraints[c].metric == BD_SWEEP_FPS ? d->metric[BD_SWEEP_FPS] >= 3
                                                                 : d->metric[BD_SWEEP_ENERGY] <= 4);
    return good;
}

/* On the front: every other feasible design is worse somewhere, or equal everywhere. */
static bool is_on_front(const struct bd_sweep *s, const struct bd_sweep_design *d)
{
    for (size_t o = 0; o < s->design_count; o++) {
        const double *a = s->designs[o].metric, *b = d->metric;
        const double gain[] = {a[BD_SWEEP_ACCURACY] - b[BD_SWEEP_ACCURACY], b[BD_SWEEP_LUT4] - a[BD_SWEEP_LUT4],
                               a[BD_SWEEP_FPS] - b[BD_SWEEP_FPS]};
        double least = HUGE_VAL, sum = 0;
        for (size_t k = 0; k < s->objective_count; k++) {
            least = fmin(least, gain[k]);
            sum += fabs(gain[k]);
        }
        if (is_feasible(s, &s->designs[o]) && least >= 0 && sum > 0)
            return false;
    }
    return is_feasible(s, d);
}

static void release_random(struct bd_sweep *s)
{
    for (size_t d = 0; d < s->design_count; d++)
        free(s->designs[d].name);
    free(s->designs);
}

Test(sweep, fronts_are_those_of_the_definition)
{
    struct bd_rng rng;
    bd_rng_seed(&rng, 7);
    for (int round = 0; round < 300; round++) {
        struct bd_sweep s;
        size_t expected = 0;
        make_random(&s, &rng, 1 + bd_rng_below(&rng, 40));
        const size_t count = bd_sweep_mark_front(&s);
        for (size_t d = 0; d < s.design_count; d++) {
            cr_assert_eq(s.designs[d].feasible, is_feasible(&s, &s.designs[d]), "round %d, design %zu", round, d);
            cr_assert_eq(s.designs[d].front, is_on_front(&s, &s.designs[d]), "round %d, design %zu", round, d);
            expected += s.designs[d].front;
        }
        cr_assert_eq(count, expected);
        release_random(&s);
    }
}

Test(sweep, the_nearest_design_lacks_least)
{
    struct bd_sweep_design designs[3] = {{.name = (char *)"a", .state = BD_SWEEP_DONE},
                                         {.name = (char *)"b", .state = BD_SWEEP_DONE},
                                         {.name = (char *)"c", .state = BD_SWEEP_FAILED}};
    struct bd_sweep s = {.designs = designs,
                         .design_count = 3,
                         .objectives = {BD_SWEEP_CLOCKS},
                         .objective_count = 1,
                         .constraints = {{BD_SWEEP_FPS, true, 1000}, {BD_SWEEP_LUT4, false, 20000}},
                         .constraint_count = 2};
    designs[0].metric[BD_SWEEP_FPS] = 900, designs[0].metric[BD_SWEEP_LUT4] = 10000;  /* lacks 0.1 */
    designs[1].metric[BD_SWEEP_FPS] = 2000, designs[1].metric[BD_SWEEP_LUT4] = 21000; /* lacks 0.05 */
    designs[2].metric[BD_SWEEP_FPS] = 999.9, designs[2].metric[BD_SWEEP_LUT4] = 1;    /* did not run */
    cr_assert_eq(bd_sweep_mark_front(&s), 0);
    cr_assert_float_eq(bd_sweep_lack(&s, designs[0].metric), 0.1, 1e-12);
    cr_assert_eq(bd_sweep_nearest(&s), 1);
    designs[0].metric[BD_SWEEP_FPS] = 990;
    cr_assert_eq(bd_sweep_nearest(&s), 0);
}

/* ---- searches ------------------------------------------------------------------------------------------------ */

/* What a design of the search would come to, made up of its places. */
static void make_up(struct bd_sweep *s, struct bd_sweep_design *d)
{
    const struct bd_hardware *h = &s->hardware[d->hardware].hardware;
    const double rows = (double)h->rows, units = (double)h->requant_units, slow = (double)h->memory.latency;
    d->metric[BD_SWEEP_CLOCKS] = 1e6 / rows + 1e5 / units + 100 * slow + (d->sw[1] == '4' ? 5e4 : 0);
    d->metric[BD_SWEEP_ENERGY] = rows + units / 2 + 10 * d->network;
    d->state = BD_SWEEP_DONE;
}

static char *search_once(size_t burst)
{
    struct bd_sweep sweep;
    struct bd_error err;
    struct bd_sweep_seek *seek;
    char *proposals = bd_xstrdup("");
    cr_assert_eq(
        load(&sweep,
             "name: s\nkind: search\nnetworks: [a.h5, b.h5]\nobjectives: [clocks, energy]\nhardware: " HARDWARE
             "\nkeys: {rows: [8, 16, 32, 64], requant_units: [2, 4, 8, 16, 32]}\nmemory: ['12,1,2', '60,4,1']\n"
             "search: {evaluations: 24, initial: 8, parallel: 3}\nconstraints: ['block_ram <= 100']\n",
             &err),
        BD_OK, "%s", err.message);
    cr_assert_eq(bd_sweep_seek_new(&sweep, &seek, &err), BD_OK, "%s", err.message);
    cr_assert_eq(bd_sweep_seek_go_on(seek, &err), BD_OK, "%s", err.message);
    for (bool more = true; more;) { /* results come `burst` at a time, in any order */
        size_t given = 0;
        more = false;
        for (size_t d = sweep.design_count; d-- > 0 && given < burst;) {
            struct bd_sweep_design *design = &sweep.designs[d];
            if (design->selected && design->state == BD_SWEEP_OPEN) {
                cr_assert_leq(design->metric[BD_SWEEP_BLOCK_RAM], 100, "'%s' breaks a constraint", design->name);
                make_up(&sweep, design);
                given++;
                more = true;
            }
        }
        cr_assert_eq(bd_sweep_seek_go_on(seek, &err), BD_OK, "%s", err.message);
    }
    size_t count = 0;
    for (size_t d = 0; d < sweep.design_count; d++) {
        if (sweep.designs[d].selected) {
            char *longer = bd_asprintf("%s %s", proposals, sweep.designs[d].name);
            free(proposals);
            proposals = longer;
            count++;
        }
    }
    cr_assert_eq(count, 24);
    bd_sweep_seek_free(seek);
    bd_sweep_release(&sweep);
    return proposals;
}

Test(sweep, proposals_of_a_search_do_not_depend_on_when_results_come)
{
    char *one = search_once(1), *many = search_once(3);
    cr_assert_str_eq(one, many);
    free(one);
    free(many);
}

/* ---- the RTL's word ------------------------------------------------------------------------------------------- */

static void give(struct bd_sweep_run *run, const char *name, const char *output)
{
    struct bd_error err;
    const struct bd_runs_point point = {.name = name};
    json_t *result = json_pack("{s:o}", "output", json_loads(output, 0, NULL));
    cr_assert_eq(bd_sweep_on_result(run, &point, BD_RUNS_DONE, result, &err), BD_OK);
    json_decref(result);
}

/* The name of the plan's last point. */
static const char *last_point(const struct bd_runs_plan *plan)
{
    return bd_runs_plan_point(plan, bd_runs_plan_count(plan) - 1)->name;
}

Test(sweep, a_design_is_confirmed_by_the_clocks_that_it_was_priced_at)
{
    static const struct {
        const char *output;
        bool good;
    } cases[] = {{"{\"pass\": true, \"clocks\": 500}", true},
                 {"{\"pass\": true, \"clocks\": 501}", false},
                 {"{\"pass\": false, \"clocks\": 500}", false},
                 {"{}", false}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct bd_sweep sweep;
        struct bd_error err;
        struct bd_runs_plan *plan = bd_runs_plan_new("sweep", "s");
        cr_assert_eq(load(&sweep, COMMON "switches: w2a2\nhardware: " HARDWARE "\n", &err), BD_OK, "%s", err.message);
        struct bd_sweep_run run = {
            .sweep = &sweep, .dir = folder, .program = "/bin/true", .threads = 1, .confirm = true};
        bd_sweep_run_init(&run);
        cr_assert_eq(bd_sweep_more(&run, plan, &err), BD_OK, "%s", err.message);
        cr_assert_str_eq(last_point(plan), "price.c.w2a2.none.small");
        give(&run, last_point(plan), "{\"clocks\": 500, \"energy_nj\": 2000, \"bytes\": 7, \"layers\": []}");
        cr_assert_eq(bd_sweep_more(&run, plan, &err), BD_OK, "%s", err.message);
        cr_assert_str_eq(last_point(plan), "confirm.c.w2a2.none.small");
        give(&run, last_point(plan), cases[c].output);
        json_t *document = bd_sweep_document(&sweep);
        const json_t *counts = json_object_get(document, "counts");
        cr_assert_eq(bd_page_number(counts, "confirmed"), cases[c].good, "case %zu", c);
        cr_assert_eq(bd_page_number(counts, "unconfirmed"), !cases[c].good, "case %zu", c);
        cr_assert_eq(find(&sweep, "c.w2a2.none.small")->metric[BD_SWEEP_FPS], 1e8 / 500);
        json_decref(document);
        bd_runs_plan_free(plan);
        bd_sweep_run_release(&run);
        bd_sweep_release(&sweep);
    }
}

/* ---- results ------------------------------------------------------------------------------------------------- */

Test(sweep, texts_of_others_are_made_safe)
{
    struct bd_sweep sweep;
    struct bd_error err;
    cr_assert_eq(load(&sweep, COMMON "title: '<script>alert(1)</script> | a'\nhardware: " HARDWARE "\n", &err), BD_OK,
                 "%s", err.message);
    for (size_t d = 0; d < sweep.design_count; d++) {
        if (sweep.designs[d].state == BD_SWEEP_OPEN)
            make_up(&sweep, &sweep.designs[d]);
    }
    cr_assert_gt(bd_sweep_mark_front(&sweep), 0);
    json_t *document = bd_sweep_document(&sweep);
    void (*const writers[])(FILE * out, const json_t *document) = {bd_sweep_html, bd_sweep_markdown, bd_sweep_csv};
    for (size_t w = 0; w < 3; w++) {
        char *text = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);
        writers[w](out, document);
        fclose(out);
        cr_assert_null(strstr(text, "<script>alert"));
        cr_assert(strstr(text, w == 2 ? ",\"w1a1\"," : "none of them was run on the RTL"), "writer %zu", w);
        cr_assert(w != 0 || strstr(text, "&lt;script&gt;alert"));
        free(text);
    }
    json_decref(document);
    bd_sweep_release(&sweep);
}
