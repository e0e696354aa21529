/* `bitdial upset`: single-bit upsets in the running accelerator, many of them, and what they come to. */
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/core/json.h"
#include "model/core/memory.h"
#include "model/core/process.h"
#include "sw/cli/cli.h"
#include "sw/cli/image_options.h"
#include "sw/cli/options.h"
#include "sw/cli/report.h"
#include "sw/cli/runs_options.h"
#include "sw/session/platform_build.h"
#include "sw/upset/campaign.h"

#define NAME "upset"

enum { ONLY_SECONDS = 3600 };

static const char usage[] =
    "Usage: bitdial upset NET.bdp --hardware HW.yaml --out DIR [OPTION]...\n"
    "       bitdial upset NET.bdp --hardware HW.yaml --switches NAME --classes NAME --only K [--trace FILE]\n"
    "Flips one bit of the Verilated accelerator at a random clock of a frame, again and again, and counts what "
    "becomes\n"
    "of the frame and of the next one: masked, late, wrong logits, wrong class, detected, hang. sw/upset/README.md "
    "has\n"
    "the words. DIR keeps what each thousand of injections came to (runs.db, points/).\n\n"
    "  --hardware HW.yaml   the configuration that the network was compiled for (required)\n"
    "  -o, --out DIR        the folder\n"
    "  --switches LIST      switches, separated by commas (default: all of the network)\n"
    "  --classes LIST       where bits are flipped (default: all):\n"
#define X(class, name, help) "                         " name ": " help "\n"
    BD_UPSET_CLASSES(X)
#undef X
        "  --injections N       of each switch and class (default: 1000); 9604 give +-1 point at 95 %\n"
        "  --over WHAT          memories: 'used', what the program lies in and the frame touches (default), or 'all'\n"
        "  --seed S             injection k of seed S is always the same one (default: 1)\n"
        "  --watchdog CLOCKS    WATCHDOG_LIMIT (default: the clocks of a frame, at least 20000)\n"
        "  --host-limit CLOCKS  that the host waits for a frame (default: three frames, the load, two watchdogs, an "
        "abort)\n"
        "  --check N            of the injections that the C reference decided every N-th runs on the RTL too "
        "(default: 100)\n"
        "  --full               simulate every injection from the beginning to the end, and nothing by the reference\n"
        "  --fit F              upsets of 2^20 bits in 10^9 hours, for rates (default: 1000)\n"
        "  --images N           number of images, a thousand injections each in turn (default: 4)\n" BD_IMAGE_USAGE
        "  --noise              random images of the network's shape by --seed, in place of any files\n"
        "  --only K             injection K alone, of one switch and class; prints what it came to\n"
        "  --trace FILE         with --only: an FST trace of its two frames\n" BD_RUNS_USAGE
        "  --help               print this\n";

struct options {
    struct bd_runs_command runs;
    struct bd_image_options images;
    struct bd_upset_campaign campaign;
    const char *out, *switches, *classes, *over, *trace;
    char first[24]; /* the first image's number as text */
    int64_t injections, seed, watchdog, host_limit, check, only;
};

/* The words that say where images come from, but for their number. */
static void take_image_words(struct options *o)
{
    struct bd_upset_campaign *c = &o->campaign;
    const struct bd_image_source *source = &o->images.source;
    const char *const kind = source->data.kind == BD_DATA_ANY ? NULL : bd_data_about(source->data.kind)->name;
    const char *const pairs[][2] = {{"--images", source->array},
                                    {"--data", source->data.folder},
                                    {"--kind", kind},
                                    {"--first", source->first ? o->first : NULL}};
    if (source->noise) {
        c->image_words[c->image_word_count++] = "--noise";
    }
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        if (pairs[i][1]) {
            c->image_words[c->image_word_count++] = pairs[i][0];
            c->image_words[c->image_word_count++] = pairs[i][1];
        }
    }
}

static int parse_options(struct options *o, int argc, char **argv)
{
    *o = (struct options){.runs = {.command = NAME},
                          .images = BD_IMAGE_DEFAULTS(NAME),
                          .campaign = {.fit = 1000},
                          .injections = 1000,
                          .seed = 1,
                          .check = 100,
                          .only = -1};
    const struct bd_option table[] = {
        {"hardware", .text = &o->campaign.hardware},
        {"out", .text = &o->out, .letter = 'o'},
        {"switches", .text = &o->switches},
        {"classes", .text = &o->classes},
        {"injections", .integer = &o->injections, .min = 1, .max = 100000000},
        {"over", .text = &o->over, .choices = "used|all"},
        {"seed", .integer = &o->seed, .min = 0, .max = INT64_MAX},
        {"watchdog", .integer = &o->watchdog, .min = 100, .max = INT32_MAX},
        {"host-limit", .integer = &o->host_limit, .min = 1000, .max = INT32_MAX},
        {"check", .integer = &o->check, .min = 0, .max = INT32_MAX},
        {"full", .flag = &o->campaign.full},
        {"fit", .real = &o->campaign.fit, .low = 1e-9, .high = 1e12},
        BD_IMAGE_ROWS(&o->images),
        {"noise", .flag = &o->images.source.noise},
        {"only", .integer = &o->only, .min = 0, .max = INT64_MAX - 1},
        {"trace", .text = &o->trace},
        BD_RUNS_ROWS(&o->runs),
        {0},
    };
    int code = bd_cli_options(NAME, usage, table, argc, argv);
    if (code != BD_OPTIONS_READ) {
        return code;
    }
    if (optind + 1 != argc) {
        return bd_cli_usage(NAME, "expected one program image (NET.bdp)");
    }
    if (!o->campaign.hardware) {
        return bd_cli_usage(NAME, "'--hardware' is missing");
    }
    if (!o->out && o->only < 0) {
        return bd_cli_usage(NAME, "'--out' is missing: the folder for results");
    }
    if (o->trace && o->only < 0) {
        return bd_cli_usage(NAME, "'--trace' goes with '--only'");
    }
    struct bd_upset_campaign *c = &o->campaign;
    c->program = argv[optind];
    c->seed = (uint64_t)o->seed;
    c->injections = (uint64_t)o->injections;
    c->watchdog = (uint64_t)o->watchdog;
    c->host_limit = (uint64_t)o->host_limit;
    c->check = (uint64_t)o->check;
    c->all = o->over && strcmp(o->over, "all") == 0;
    snprintf(o->first, sizeof o->first, "%lld", (long long)o->images.source.first);
    take_image_words(o);
    code = bd_cli_check_images(&o->images);
    code = code == BD_OK ? bd_cli_check_runs(&o->runs) : code;
    return code == BD_OK ? BD_OPTIONS_READ : code;
}

/* ---- lists of names ---- */

/* Splits a list at commas in place and gives each name's place by `find`; BD_BAD_INPUT for one that is not known. */
static bd_status take_names(const char *list, const char *what, int (*find)(const void *context, const char *name),
                            void (*take)(void *to, int place, const char *name), const void *context, void *to,
                            struct bd_error *err)
{
    char *copy = bd_xstrdup(list), *rest = copy;
    bd_status status = BD_OK;
    for (char *name; !status && (name = strsep(&rest, ","));) {
        const int place = find(context, name);
        if (place < 0) {
            status = bd_fail(err, BD_BAD_INPUT, "there is no %s '%s'", what, name);
        } else {
            take(to, place, name);
        }
    }
    free(copy);
    return status;
}

static int find_class(const void *context, const char *name)
{
    (void)context;
    for (int c = 0; c < BD_UPSET_CLASS_COUNT; c++) {
        if (strcmp(bd_upset_class_names[c], name) == 0) {
            return c;
        }
    }
    return -1;
}

static void take_class(void *to, int place, const char *name)
{
    (void)name;
    ((bool *)to)[place] = true;
}

static int find_switch(const void *program, const char *name)
{
    return bd_program_switch(program, name);
}

static void take_switch(void *to, int place, const char *name)
{
    (void)name;
    ((bool *)to)[place] = true;
}

static bd_status choose(struct options *o, const struct bd_program *program, struct bd_error *err)
{
    struct bd_upset_campaign *c = &o->campaign;
    bool on[BD_PROGRAM_MAX_SWITCHES] = {false};
    bd_status status = BD_OK;
    if (o->classes) {
        status = take_names(o->classes, "class", find_class, take_class, NULL, c->class, err);
    }
    for (int k = 0; k < BD_UPSET_CLASS_COUNT && !o->classes; k++) {
        c->class[k] = true;
    }
    if (!status && o->switches) {
        status = take_names(o->switches, "switch", find_switch, take_switch, program, on, err);
    }
    for (unsigned s = 0; s < program->header->switch_count; s++) {
        if (!o->switches || on[s]) {
            c->switches[c->switch_count++] = program->switches[s].name;
        }
    }
    return status;
}

/* ---- images ---- */

/* Writes them for the injector into the folder, under a name that says what they are. */
static bd_status write_images(struct options *o, const struct bd_program *program, const char *folder, char **path,
                              struct bd_error *err)
{
    struct bd_dataset set = {0};
    const struct bd_image_shape shape = bd_program_shape(program);
    o->images.source.seed = o->campaign.seed;
    bd_status status = bd_cli_open_images(&set, &o->images, &shape, 4, err);
    if (status) {
        return status;
    }
    const size_t each = program->header->input_bytes;
    uint8_t *data = bd_xcalloc(set.count, each);
    o->campaign.image_count = set.count;
    status = bd_dataset_read(&set, 0, set.count, data, err);
    *path = bd_asprintf("%s/images-%08x.bin", folder, (unsigned)bd_crc32(data, set.count * each));
    status = status ? status : bd_make_folder(folder, err);
    status = status ? status : bd_file_write(*path, data, set.count * each, err);
    free(data);
    bd_dataset_release(&set);
    return status;
}

/* ---- one injection ---- */

/* Runs the injector and reads the JSON object that it prints; what it says goes to `log`. */
static bd_status run_injector(char *const *argv, const char *log, json_t **output, struct bd_error *err)
{
    char *text = NULL;
    int code;
    json_error_t problem;
    const struct bd_process process = {
        .argv = (const char *const *)argv, .seconds = ONLY_SECONDS, .errors = BD_PROCESS_LOG, .log = log};
    if (bd_process_run(&process, &text, &code, err)) {
        return err->status;
    }
    *output = json_loads(text, 0, &problem);
    free(text);
    if (!*output) {
        uint8_t *said = NULL;
        size_t size;
        struct bd_error ignored;
        bd_status status = code == BD_FAIL || code == BD_BAD_INPUT ? (bd_status)code : BD_INFRA;
        status = bd_file_read(log, 1 << 20, &said, &size, &ignored)
                     ? bd_fail(err, status, "the injector ended with code %d and no result", code)
                     : bd_fail(err, status, "the injector ended with code %d and no result: %.*s", code,
                               (int)strcspn((char *)said, "\n"), (char *)said);
        free(said);
        return status;
    }
    return BD_OK;
}

static bd_status run_one(struct options *o, const struct bd_program *program, struct bd_error *err)
{
    struct bd_upset_campaign *c = &o->campaign;
    char folder[] = "/tmp/bitdial-upset-XXXXXX", *images = NULL, *log;
    int owners = 0, owner = 0;
    for (int k = 0; k < BD_UPSET_CLASS_COUNT; k++) {
        owners += c->class[k];
        owner = c->class[k] ? k : owner;
    }
    if (owners != 1 || c->switch_count != 1) {
        return bd_fail(err, BD_BAD_INPUT, "'--only' needs one switch (--switches NAME) and one class (--classes NAME)");
    }
    if (!mkdtemp(folder)) {
        return bd_fail(err, BD_INFRA, "cannot make a folder in /tmp");
    }
    json_t *output = NULL;
    bd_status status = write_images(o, program, folder, &images, err);
    if (!status) {
        c->images = images;
        char **argv = bd_upset_arguments(c, 0, owner, (uint64_t)o->only, 1, o->trace);
        log = bd_asprintf("%s/log", folder);
        status = run_injector(argv, log, &output, err);
        unlink(log);
        free(log);
        free(argv);
    }
    if (!status && o->runs.json) {
        bd_cli_report(output);
    } else if (!status) {
        const json_t *row = json_array_get(json_object_get(output, "injections"), 0);
        printf(
            "injection %lld of seed %llu: %s flipped %lld clocks after the doorbell\nthe frame: %s%s%s\nthe next: %s\n",
            (long long)o->only, (unsigned long long)c->seed, json_string_value(json_array_get(row, 1)),
            (long long)json_integer_value(json_array_get(row, 2)), json_string_value(json_array_get(row, 3)),
            *json_string_value(json_array_get(row, 4)) ? ": " : "", json_string_value(json_array_get(row, 4)),
            json_string_value(json_array_get(row, 5)));
        json_decref(output);
    }
    if (images) {
        unlink(images);
    }
    rmdir(folder);
    free(images);
    return status;
}

/* ---- a campaign ---- */

static json_t *head_json(const struct options *o)
{
    const struct bd_upset_campaign *c = &o->campaign;
    return json_pack("{s:I, s:I, s:s, s:I, s:I, s:I, s:b}", "seed", (json_int_t)c->seed, "injections",
                     (json_int_t)c->injections, "over", c->all ? "all" : "used", "watchdog", (json_int_t)c->watchdog,
                     "host_limit", (json_int_t)c->host_limit, "images", (json_int_t)c->image_count, "full", c->full);
}

static bd_status tell(const struct options *o, const struct bd_runs_summary *summary, struct bd_error *err)
{
    json_t *report = NULL;
    bd_status status = bd_upset_report(&o->campaign, o->out, &report, err);
    if (status) {
        return status;
    }
    if (o->runs.json) {
        json_object_set_new(report, "points", bd_cli_runs_counts(summary));
        bd_cli_report(report);
    } else {
        char *table = bd_upset_table(report);
        fputs(table, stdout);
        free(table);
        json_decref(report);
    }
    return BD_OK;
}

static bd_status run_campaign(struct options *o, const struct bd_program *program, struct bd_error *err)
{
    struct bd_upset_campaign *c = &o->campaign;
    struct bd_runs_plan *plan = bd_runs_plan_new(NAME, program->header->network);
    const struct bd_runs_options own = {0};
    struct bd_runs_summary summary;
    struct bd_error other;
    char *images = NULL;
    bd_status status = write_images(o, program, o->out, &images, err);
    c->images = images;
    status = status ? status : bd_upset_plan(c, plan, err);
    if (!status && o->runs.list) {
        status = bd_cli_runs_list(&o->runs, plan, o->out, err);
    } else if (!status) {
        bd_runs_plan_head(plan, head_json(o));
        status = bd_cli_runs_execute(&o->runs, plan, o->out, &own, &summary, err);
        status = status ? status : bd_cli_runs_verdict(&summary, err);
        if (summary.progress.selected) {
            const bd_status told = tell(o, &summary, status ? &other : err);
            status = status ? status : told;
        }
    }
    bd_runs_plan_free(plan);
    free(images);
    return status;
}

static bd_status run(struct options *o, struct bd_error *err)
{
    struct bd_program program = {0};
    struct bd_hardware hardware;
    const struct bd_session_options session = {
        .device = "rtl", .hardware_path = o->campaign.hardware, .notice = bd_cli_notice, .context = (void *)NAME};
    const char *const arguments[] = {o->trace ? "--debug" : NULL, NULL};
    const char *const inputs[] = {o->campaign.program, o->campaign.hardware, NULL};
    char *injector = NULL;
    bd_status status = bd_hardware_load(&hardware, o->campaign.hardware, err);
    if (status) {
        return status;
    }
    o->campaign.clock_mhz = hardware.clock_mhz;
    bd_hardware_release(&hardware);
    status = bd_program_load(&program, o->campaign.program, err);
    status = status ? status : choose(o, &program, err);
    status = status ? status : bd_cli_trace(&o->trace, inputs, err);
    status = status ? status : bd_tree_build(&session, "sim/upset/build.sh", arguments, &injector, err);
    if (!status) {
        o->campaign.injector = injector;
        status = o->only >= 0 ? run_one(o, &program, err) : run_campaign(o, &program, err);
    }
    free(injector);
    bd_program_release(&program);
    return status;
}

int cmd_upset(int argc, char **argv)
{
    struct options options;
    struct bd_error err;
    const int parsed = parse_options(&options, argc, argv);
    if (parsed != BD_OPTIONS_READ) {
        return parsed;
    }
    const bd_status status = run(&options, &err);
    if (status) {
        return bd_cli_fail(NAME, &err);
    }
    return BD_OK;
}
