/* `bitdial govern`: a day of budgets under the governor; and two switches for one frame. */
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/file.h"
#include "model/core/json.h"
#include "model/core/memory.h"
#include "model/cost/cost.h"
#include "model/eval/integers.h"
#include "sw/cli/cli.h"
#include "sw/cli/image_options.h"
#include "sw/cli/options.h"
#include "sw/cli/report.h"
#include "sw/govern/confidence.h"
#include "sw/govern/picture.h"

static const char usage[] =
    "Usage: bitdial govern TRACE.csv --program NET.bdp --hardware HW.yaml [OPTION]...\n"
    "       bitdial govern --confidence --program NET.bdp --hardware HW.yaml [OPTION]...\n"
    "Plays a day of budgets (energy, heat, deadlines, bytes; sw/govern/trace.h) on a simulated device: the governor of "
    "the\n"
    "driver chooses every frame's switch, the reference says what each switch makes of each image, the cost model what "
    "a\n"
    "frame takes. Compares with the best schedule of one who knows the whole day, which is computed exactly.\n"
    "--confidence chooses, on validation images, two switches and a margin: a frame whose two largest logits at the "
    "low\n"
    "switch differ by less is run again at the high one; and measures that on the test images.\n"
    "Exit code 1: a budget was exceeded by more than a frame, or more lost than --loss.\n\n"
    "  --program NET.bdp   the program\n"
    "  --hardware HW.yaml  the configuration that it was compiled for\n"
    "  --confidence        choose and measure a margin in place of a day\n"
    "  --images N          the first N test images (default: 1000; of --confidence all)\n" BD_IMAGE_USAGE
    "  --loss POINTS       most that may be lost, in points of accuracy (default: 1; of --confidence 0.3)\n"
    "  --patience N        decisions in a row for a better switch before it is taken (default: 8)\n"
    "  -o, --output FILE   draw the day (SVG)\n"
    "  --json              one JSON object on standard output\n"
    "  --help              print this\n";

struct govern {
    const char *program_path, *hardware_path, *trace_path, *output;
    struct bd_image_options images;
    int64_t patience;
    double loss;
    bool confidence, json;
    struct bd_program program;
    struct bd_decoded *decoded;
    struct bd_hardware hardware;
    struct bd_governor_switch table[BD_GOVERNOR_SWITCHES];
    json_t *report;
};

/* The answers of all switches on a set of images; to be freed. */
static bd_status ask_all(struct govern *g, const struct bd_dataset *set, struct bd_answers *answers, int32_t **logits,
                         struct bd_error *err)
{
    const struct bd_program_header *h = g->program.header;
    *answers = (struct bd_answers){
        .switches = h->switch_count, .images = (uint32_t)set->count, .classes = h->classes, .labels = set->labels};
    *logits = bd_xcalloc((size_t)h->switch_count * set->count * h->classes, sizeof **logits);
    answers->logits = *logits;
    bd_status status =
        set->labels ? BD_OK : bd_fail(err, BD_BAD_INPUT, "these images have no labels, which tell what is right");
    for (uint32_t s = 0; s < h->switch_count && status == BD_OK; s++) {
        status = bd_integer_eval(&g->program, g->decoded, s, set, set->count,
                                 *logits + (size_t)s * set->count * h->classes, NULL, err);
    }
    return status;
}

static bd_status price(struct govern *g, struct bd_error *err)
{
    struct bd_frame_cost *cost = bd_xcalloc(1, sizeof *cost);
    bd_status status = bd_cost_check(&g->program, &g->hardware, err);
    for (uint32_t s = 0; s < g->program.header->switch_count && status == BD_OK; s++) {
        status = bd_cost_frame(&g->program, &g->hardware, s, false, cost, err);
        g->table[s] = (struct bd_governor_switch){
            .clocks = (uint32_t)cost->cycles,
            .energy_nj = (uint32_t)(cost->energy_nj + 0.5),
            .bus_bytes = (uint32_t)(cost->read_bytes + cost->write_bytes),
        };
    }
    free(cost);
    return status;
}

static bd_status open_images(struct govern *g, enum bd_split split, int64_t limit, struct bd_dataset *set,
                             struct bd_error *err)
{
    const struct bd_image_shape shape = bd_program_shape(&g->program);
    struct bd_image_options images = g->images;
    images.source.split = split;
    return bd_cli_open_images(set, &images, &shape, limit, err);
}

static json_t *pair_json(const struct govern *g, const struct bd_confidence *c)
{
    return json_pack("{s:o, s:o, s:I, s:f, s:f, s:f, s:f}", "low", bd_json_text(g->program.switches[c->low].name),
                     "high", bd_json_text(g->program.switches[c->high].name), "margin", (json_int_t)c->margin,
                     "accuracy", c->accuracy, "repeated", c->repeated, "energy_nj", c->energy_nj, "clocks", c->clocks);
}

static void tell_pair(const struct govern *g, const char *what, const struct bd_confidence *c)
{
    printf("%-26s %6.2f %%   %8.3f uJ   %10.0f clocks   %5.1f %% run again\n", what, 100 * c->accuracy,
           c->energy_nj / 1e3, c->clocks, 100 * c->repeated);
    (void)g;
}

static int dearest(const struct govern *g)
{
    int top = 0;
    for (uint32_t s = 1; s < g->program.header->switch_count; s++) {
        top = g->table[s].clocks > g->table[top].clocks ? (int)s : top;
    }
    return top;
}

/* Chooses on validation images with a third of the loss, so that the test images have room; then measures. */
static bd_status run_confidence(struct govern *g, struct bd_error *err)
{
    struct bd_dataset validation = {0}, test = {0};
    struct bd_answers chosen_on, measured_on;
    int32_t *logits[2] = {NULL, NULL};
    struct bd_confidence choice, highest, result;
    const int top = dearest(g);
    bd_status status = open_images(g, BD_SPLIT_VALIDATION, 0, &validation, err);
    status = status ? status : ask_all(g, &validation, &chosen_on, &logits[0], err);
    status = status ? status : open_images(g, BD_SPLIT_TEST, 0, &test, err);
    status = status ? status : ask_all(g, &test, &measured_on, &logits[1], err);
    if (status == BD_OK) {
        bd_confidence_choose(&chosen_on, g->table, top, g->loss / 300, &choice);
        bd_confidence_measure(&measured_on, g->table, top, top, 0, &highest);
        bd_confidence_measure(&measured_on, g->table, choice.low, choice.high, choice.margin, &result);
        const double lost = 100 * (highest.accuracy - result.accuracy);
        json_object_update_new(g->report,
                               json_pack("{s:o, s:o, s:o, s:f, s:f, s:f, s:b}", "chosen", pair_json(g, &choice),
                                         "measured", pair_json(g, &result), "highest", pair_json(g, &highest),
                                         "lost_points", lost, "energy_part", result.energy_nj / highest.energy_nj,
                                         "clocks_part", result.clocks / highest.clocks, "pass", lost <= g->loss));
        if (!g->json) {
            printf("low %s, high %s, margin %u: chosen on %u validation images, measured on %u\n",
                   g->program.switches[choice.low].name, g->program.switches[choice.high].name, choice.margin,
                   chosen_on.images, measured_on.images);
            tell_pair(g, "highest switch alone", &highest);
            tell_pair(g, "low, high where in doubt", &result);
            printf("%.2f points lost; %.0f %% of the energy and %.0f %% of the clocks of the highest switch\n", lost,
                   100 * result.energy_nj / highest.energy_nj, 100 * result.clocks / highest.clocks);
        }
        if (lost > g->loss) {
            status = bd_fail(err, BD_FAIL, "%.2f points are lost, at most %.2f may be", lost, g->loss);
        }
    }
    free(logits[0]);
    free(logits[1]);
    bd_dataset_release(&validation);
    bd_dataset_release(&test);
    return status;
}

static const char *const resources[] = {"energy", "heat", "time", "bytes"};

/* The least of the best sums under each limit alone: no schedule reaches more. */
static double best_schedule(const struct bd_trace *trace, const struct bd_day_options *o, const struct bd_day *day,
                            struct bd_optimum_row *rows)
{
    double least = -1;
    struct bd_optimum_row *here = bd_xcalloc(trace->count, sizeof *here);
    for (int r = 0; r < BD_GOVERN_RESOURCES; r++) {
        const double sum =
            bd_optimum(trace, o->switches, o->count, (enum bd_governor_resource)r, o->clock_hz, day->start[r], here);
        if (least < 0 || sum < least) {
            least = sum;
            memcpy(rows, here, trace->count * sizeof *rows);
        }
    }
    free(here);
    return least;
}

static bd_status judge(struct govern *g, const struct bd_day *day, double best, struct bd_error *err)
{
    const double all = day->requests ? (double)day->requests : 1, lost = 100 * (best - day->worth) / all;
    double worst = 0;
    json_t *overdrawn = json_object();
    for (int r = 0; r < BD_GOVERN_RESOURCES; r++) {
        worst = day->overdrawn[r] > worst ? day->overdrawn[r] : worst;
        json_object_set_new(overdrawn, resources[r], json_real(day->overdrawn[r]));
    }
    json_object_update_new(g->report,
                           json_pack("{s:I, s:I, s:I, s:f, s:f, s:f, s:f, s:f, s:o, s:i, s:f, s:b}", "requests",
                                     (json_int_t)day->requests, "served", (json_int_t)day->served, "changes",
                                     (json_int_t)day->changes, "accuracy", (double)day->right / all,
                                     "accuracy_by_table", day->worth / all, "best_by_table", best / all, "lost_points",
                                     lost, "energy_uj", day->energy_nj / 1e3, "overdrawn_frames", overdrawn,
                                     "change_clocks", 0, "clocks", day->clocks, "pass", worst <= 1 && lost <= g->loss));
    if (!g->json) {
        printf("%" PRIu64 " frames asked for, %" PRIu64 " run, %.2f J, %" PRIu64
               " changes of the switch at 0 clocks each\n",
               day->requests, day->served, day->energy_nj * 1e-9, day->changes);
        printf("right             %.2f %% of all that were asked for\n", 100 * (double)day->right / all);
        printf("by the table      %.3f %%; the best schedule of one who knows the day %.3f %%: %.3f points lost\n",
               100 * day->worth / all, 100 * best / all, lost);
        printf("budgets           exceeded by %.2f frames at most\n", worst);
    }
    if (worst > 1) {
        return bd_fail(err, BD_FAIL, "a budget was exceeded by %.2f frames", worst);
    }
    return lost <= g->loss ? BD_OK : bd_fail(err, BD_FAIL, "%.3f points are lost, at most %.2f may be", lost, g->loss);
}

static bd_status run_day(struct govern *g, struct bd_error *err)
{
    struct bd_trace trace = {0};
    struct bd_dataset test = {0};
    struct bd_answers answers = {0};
    int32_t *logits = NULL;
    bd_status status = bd_trace_load(&trace, g->trace_path, err);
    status = status ? status : open_images(g, BD_SPLIT_TEST, 1000, &test, err);
    status = status ? status : ask_all(g, &test, &answers, &logits, err);
    if (status != BD_OK) {
        bd_trace_release(&trace);
        bd_dataset_release(&test);
        free(logits);
        return status;
    }
    const uint32_t count = answers.switches;
    uint8_t *right = bd_xcalloc((size_t)answers.images * count, 1);
    const char *names[BD_GOVERNOR_SWITCHES];
    for (uint32_t s = 0; s < count; s++) {
        for (uint32_t i = 0; i < answers.images; i++) {
            const int32_t *at = logits + ((size_t)s * answers.images + i) * answers.classes;
            right[(size_t)i * count + s] = bd_argmax(at, answers.classes) == answers.labels[i];
        }
        g->table[s].accuracy = (uint32_t)(1e4 * bd_answers_accuracy(&answers, (int)s) + 0.5);
        names[s] = g->program.switches[s].name;
    }
    const struct bd_day_options options = {.switches = g->table,
                                           .count = count,
                                           .clock_hz = 1e6 * g->hardware.clock_mhz,
                                           .right = right,
                                           .images = answers.images,
                                           .patience = (uint32_t)g->patience,
                                           .shift = BD_DAY_SHIFTS};
    struct bd_day day;
    struct bd_optimum_row *best = bd_xcalloc(trace.count, sizeof *best);
    bd_day_play(&trace, &options, &day);
    const double worth = best_schedule(&trace, &options, &day, best);
    status = judge(g, &day, worth, err);
    if (g->output) {
        struct bd_error wrong;
        char *title = bd_asprintf("%s under %s", g->program.header->network, g->trace_path);
        char *svg = bd_day_picture(title, &trace, &options, names, &day, best);
        const bd_status written = bd_file_write(g->output, svg, strlen(svg), &wrong);
        if (written != BD_OK && status == BD_OK) {
            status = written;
            *err = wrong;
        }
        free(svg);
        free(title);
    }
    bd_day_release(&day);
    free(best);
    free(right);
    free(logits);
    bd_dataset_release(&test);
    bd_trace_release(&trace);
    return status;
}

static bd_status run(struct govern *g, struct bd_error *err)
{
    bd_status status = bd_program_load(&g->program, g->program_path, err);
    status = status ? status : bd_decode(&g->program, &g->decoded, err);
    if (status == BD_OK && (status = bd_hardware_load(&g->hardware, g->hardware_path, err)) == BD_OK) {
        status = price(g, err);
        if (status == BD_OK) {
            json_object_set_new(g->report, "network", bd_json_text(g->program.header->network));
            status = g->confidence ? run_confidence(g, err) : run_day(g, err);
        }
        bd_hardware_release(&g->hardware);
    }
    bd_decoded_free(g->decoded);
    bd_program_release(&g->program);
    return status;
}

int cmd_govern(int argc, char **argv)
{
    struct govern g = {.images = BD_IMAGE_DEFAULTS("govern"), .patience = 8, .loss = -1};
    const struct bd_option table[] = {
        {"program", .text = &g.program_path},
        {"hardware", .text = &g.hardware_path},
        {"confidence", .flag = &g.confidence},
        BD_IMAGE_ROWS(&g.images),
        {"loss", .real = &g.loss, .low = 0, .high = 100},
        {"patience", .integer = &g.patience, .min = 1, .max = 1000000},
        {"output", .text = &g.output, .letter = 'o'},
        {"json", .flag = &g.json},
        {0},
    };
    int code = bd_cli_options("govern", usage, table, argc, argv);
    if (code != BD_OPTIONS_READ) {
        return code;
    }
    if (!g.program_path || !g.hardware_path) {
        return bd_cli_usage("govern", "'%s' is missing", g.program_path ? "--hardware" : "--program");
    }
    if (argc - optind != (g.confidence ? 0 : 1)) {
        return bd_cli_usage("govern", "expected one trace (TRACE.csv), or --confidence");
    }
    if (g.confidence && (g.output || g.images.source.array)) {
        return bd_cli_usage("govern", "--confidence takes the images of a data set, and draws nothing");
    }
    code = bd_cli_check_images(&g.images);
    if (code != BD_OK) {
        return code;
    }
    g.trace_path = g.confidence ? NULL : argv[optind];
    g.loss = g.loss >= 0 ? g.loss : g.confidence ? 0.3 : 1;
    g.report = json_object();
    struct bd_error err;
    bd_status status = run(&g, &err);
    if (g.json) {
        bd_cli_report(g.report);
    } else {
        json_decref(g.report);
    }
    return status == BD_OK ? BD_OK : bd_cli_fail("govern", &err);
}
