/* `bitdial eval`: accuracy of a checkpoint in float and of its program in integers, on the same images. */
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/clock.h"
#include "model/core/file.h"
#include "model/core/json.h"
#include "model/core/memory.h"
#include "model/core/output.h"
#include "model/cost/cost.h"
#include "model/eval/integers.h"
#include "model/exec/fast.h"
#include "model/fold/fold.h"
#include "model/train/network/accuracy.h"
#include "sw/cli/against.h"
#include "sw/cli/cli.h"
#include "sw/cli/dial.h"
#include "sw/cli/image_options.h"
#include "sw/cli/options.h"
#include "sw/cli/report.h"

static const char usage[] =
    "Usage: bitdial eval CHECKPOINT [--hardware HW.yaml | --reference] [OPTION]...\n"
    "       bitdial eval NET.bdp [OPTION]...\n"
    "       bitdial eval CHECKPOINT NET.bdp [OPTION]...\n"
    "Accuracy per switch: of a checkpoint in float, of a program in integers, and on how many images the two differ.\n"
    "With --hardware or --reference the checkpoint is folded as `bitdial compile` does it. The integers come from the "
    "fast executor,\n"
    "which is compared with the plain one in the same run; a mismatch is a failure (exit code 1).\n\n"
    "  --hardware FILE     fold the checkpoint for this hardware configuration\n"
    "  --reference         fold it for the plain reference alone, which runs layers that no hardware has\n"
    "  --max-moved N       as of `bitdial compile`: refuse a layer with more than N per mille of moved values "
    "(default: 1)\n"
    "  --switches LIST     only these switches, separated by commas\n"
    "  --images N          the first N images (default: all)\n" BD_IMAGE_USAGE
    "  --split NAME        test or validation (default: test)\n"
    "  --compare N         compare the fast path with the plain executor on N images a switch (default: 500)\n"
    "  --against FILE      also say by how much another checkpoint differs on the same images, with the 95 % interval "
    "of "
    "pairs\n"
    "  --dial FILE         also price every switch on --hardware and draw accuracy against clocks and energy (SVG)\n"
    "  --logits FILE       also write the integer logits, (switches, images, classes) int32, as a .npy file\n"
    "  --timing            add the speed of both executors in 10^9 multiply-accumulates a second, all threads "
    "together\n"
    "  --json              one JSON object on standard output\n"
    "  --help              print this\n";

#define MAX_RESULTS BD_MAX_SWITCHES

struct result {
    char name[16];
    struct bd_switch_result of;
    uint64_t clocks; /* of a frame, with --dial */
    double energy_nj;
    struct bd_against_result against; /* with --against */
};

struct eval {
    const char *hardware, *switches, *logits_path, *dial, *other;
    struct bd_image_options data;
    int64_t images, compare;
    double max_moved;
    bool json, timing, reference;
    bool has_checkpoint, has_program;
    struct bd_checkpoint checkpoint;
    struct bd_program program;
    struct bd_decoded *decoded;
    struct bd_dataset set;
    struct bd_hardware at;     /* --hardware */
    struct bd_against against; /* --against */
    int result_count;
    struct result results[MAX_RESULTS];
    int logits_count; /* switches in `logits` */
    int32_t *logits;  /* (switches, images, classes), where they are to be written */
};

static bool wanted(const struct eval *e, const char *name)
{
    if (!e->switches) {
        return true;
    }
    const size_t length = strlen(name);
    for (const char *p = e->switches; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL) {
        if (strncmp(p, name, length) == 0 && (p[length] == '\0' || p[length] == ',')) {
            return true;
        }
    }
    return false;
}

/* ---- what is evaluated -------------------------------------------------------------------------------------- */

static bd_status open_file(struct eval *e, const char *path, struct bd_error *err)
{
    if (bd_file_begins(path, "BDP1", 4)) {
        if (e->has_program) {
            return bd_fail(err, BD_BAD_INPUT, "'%s' is a second program", path);
        }
        e->has_program = bd_program_load(&e->program, path, err) == BD_OK;
        return e->has_program ? BD_OK : err->status;
    }
    if (e->has_checkpoint) {
        return bd_fail(err, BD_BAD_INPUT, "'%s' is a second checkpoint", path);
    }
    e->has_checkpoint = bd_checkpoint_load(&e->checkpoint, path, err) == BD_OK;
    return e->has_checkpoint ? BD_OK : err->status;
}

/* The wanted switches that integers can run, as fold takes them; the caller frees. */
static char *integer_switches(const struct eval *e)
{
    char *list = bd_xstrdup("");
    for (int s = 0; s < e->checkpoint.graph.switch_count; s++) {
        const struct bd_switch *sw = &e->checkpoint.graph.switches[s];
        if (sw->activation_bits <= 8 && wanted(e, sw->name)) {
            char *longer = bd_asprintf("%s%s%s", list, *list ? "," : "", sw->name);
            free(list);
            list = longer;
        }
    }
    return list;
}

static bd_status fold(struct eval *e, struct bd_error *err)
{
    if (e->reference) {
        bd_hardware_reference(&e->at);
    } else if (bd_hardware_load(&e->at, e->hardware, err)) {
        return err->status;
    }
    char *list = integer_switches(e);
    bd_status status = BD_OK;
    if (*list) {
        const struct bd_fold_options options = {.switches = list, .reference = e->reference, .max_moved = e->max_moved};
        struct bd_fold_report report;
        status = bd_fold(&e->checkpoint, &e->at, &options, &e->program, &report, err);
        e->has_program = status == BD_OK;
        bd_fold_report_release(&report);
    }
    free(list);
    return status;
}

/* Every name in --switches must be one that is evaluated. */
static bd_status check_switches(const struct eval *e, struct bd_error *err)
{
    for (const char *p = e->switches; p;) {
        const char *end = strchrnul(p, ',');
        char *name = bd_xstrndup(p, (size_t)(end - p));
        const bool known = (e->has_checkpoint && bd_graph_switch(&e->checkpoint.graph, name) >= 0) ||
                           (e->has_program && bd_program_switch(&e->program, name) >= 0);
        if (!known) {
            bd_fail(err, BD_BAD_INPUT, "there is no switch '%s'", name);
        }
        free(name);
        if (!known) {
            return err->status;
        }
        p = *end ? end + 1 : NULL;
    }
    return BD_OK;
}

/* Opens the images that were asked for, in the network's shape. */
static bd_status open_images(struct eval *e, struct bd_error *err)
{
    const struct bd_image_shape shape =
        e->has_checkpoint ? bd_graph_shape(&e->checkpoint.graph) : bd_program_shape(&e->program);
    bd_status status = bd_cli_open_images(&e->set, &e->data, &shape, 0, err);
    e->images = e->set.count;
    if (status == BD_OK && e->has_checkpoint) {
        status = bd_check_dataset(&e->checkpoint.graph, &e->set, err);
    }
    return status == BD_OK && e->has_program ? bd_check_program_images(&e->program, &e->set, err) : status;
}

static bd_status prepare(struct eval *e, char **files, int file_count, struct bd_error *err)
{
    for (int i = 0; i < file_count; i++) {
        if (open_file(e, files[i], err)) {
            return err->status;
        }
    }
    const bool folds = e->hardware || e->reference;
    if (e->hardware && e->reference) {
        return bd_fail(err, BD_BAD_INPUT, "--hardware and --reference exclude each other");
    }
    if (folds && e->has_program) {
        return bd_fail(err, BD_BAD_INPUT, "%s folds a checkpoint, but a program is given",
                       e->hardware ? "--hardware" : "--reference");
    }
    if (folds && fold(e, err)) {
        return err->status;
    }
    if (check_switches(e, err) || (e->has_program && bd_decode(&e->program, &e->decoded, err))) {
        return err->status;
    }
    bd_status status = open_images(e, err);
    if (status != BD_OK || !e->other) {
        return status;
    }
    if (!e->has_checkpoint || !e->set.labels || e->images < 2) {
        return bd_fail(err, BD_BAD_INPUT, "'--against' wants a checkpoint, and two images at least with labels");
    }
    return bd_against_open(&e->against, e->other, &e->checkpoint, folds ? &e->at : NULL, e->reference, e->max_moved,
                           err);
}

/* ---- one switch --------------------------------------------------------------------------------------------- */

static bd_status eval_switch(struct eval *e, const char *name, struct bd_error *err)
{
    struct result *r = &e->results[e->result_count++];
    struct bd_evaluation evaluation = {.checkpoint = e->has_checkpoint ? &e->checkpoint : NULL,
                                       .program = e->has_program ? &e->program : NULL,
                                       .decoded = e->decoded,
                                       .set = &e->set,
                                       .images = (size_t)e->images,
                                       .compare = (size_t)e->compare};
    int32_t *logits = NULL;
    snprintf(r->name, sizeof r->name, "%s", name);
    if (e->logits_path && e->has_program && bd_program_switch(&e->program, name) >= 0) {
        const size_t values = (size_t)e->images * e->program.header->classes;
        e->logits = bd_xrealloc(e->logits, (e->logits_count + 1) * values, sizeof *e->logits);
        logits = e->logits + e->logits_count++ * values;
    }
    if (e->other) {
        bd_against_watch(&e->against, &evaluation);
    }
    bd_status status = bd_evaluate_switch(&evaluation, name, &r->of, logits, err);
    if (status == BD_OK && e->other) {
        status = bd_against_compare(&e->against, &evaluation, name, &r->against, err);
    }
    return status;
}

/* ---- the dial ----------------------------------------------------------------------------------------------- */

static bd_status price(struct eval *e, struct bd_error *err)
{
    struct bd_frame_cost *cost = bd_xmalloc(sizeof *cost);
    bd_status status = BD_OK;
    for (int i = 0; i < e->result_count && !status; i++) {
        struct result *r = &e->results[i];
        const int at = bd_program_switch(&e->program, r->name);
        status = at < 0 ? BD_OK : bd_cost_frame(&e->program, &e->at, at, false, cost, err);
        r->clocks = at < 0 || status ? 0 : cost->cycles;
        r->energy_nj = at < 0 || status ? 0 : cost->energy_nj;
    }
    free(cost);
    return status;
}

static bd_status draw_dial(const struct eval *e, struct bd_error *err)
{
    struct bd_dial_point points[MAX_RESULTS];
    int count = 0;
    for (int i = 0; i < e->result_count; i++) {
        const struct result *r = &e->results[i];
        const int at = bd_program_switch(&e->program, r->name);
        if (at >= 0 && r->of.integer_accuracy >= 0) {
            struct bd_dial_point *p = &points[count++];
            *p = (struct bd_dial_point){.weight_bits = (int)e->program.switches[at].weight_bits,
                                        .activation_bits = (int)e->program.switches[at].activation_bits,
                                        .float_accuracy = r->of.float_accuracy,
                                        .integer_accuracy = r->of.integer_accuracy,
                                        .clocks = r->clocks,
                                        .energy_nj = r->energy_nj};
            memcpy(p->name, r->name, sizeof p->name);
        }
    }
    if (!count) {
        return bd_fail(err, BD_BAD_INPUT, "there is nothing to draw: no switch has an accuracy in integers");
    }
    char *title = bd_asprintf("%s on %s", e->program.header->network, e->at.name);
    bd_status status = bd_cli_draw_dial(title, points, count, e->dial, err);
    free(title);
    return status;
}

/* ---- report ------------------------------------------------------------------------------------------------- */

static void print_share(double share)
{
    if (share < 0) {
        printf("%10s", "-");
    } else {
        printf("%9.2f%%", 100 * share);
    }
}

static double gmacs(const struct eval *e, int64_t images, double seconds)
{
    return 1e-9 * (double)bd_program_macs(&e->program) * (double)images / seconds;
}

static void print_result(const struct eval *e, const struct result *r)
{
    printf("%-8s", r->name);
    print_share(r->of.float_accuracy);
    print_share(r->of.integer_accuracy);
    if (r->of.disagree < 0) {
        printf("%10s", "-");
    } else {
        printf("%10lld", (long long)r->of.disagree);
    }
    if (r->of.compared < 0) {
        printf("%12s%12s", "-", "-");
    } else {
        printf("%12lld%12lld", (long long)r->of.compared, (long long)r->of.mismatches);
    }
    if (e->timing && r->of.compared > 0) {
        printf("%10.2f%10.2f", gmacs(e, e->images, r->of.fast_seconds), gmacs(e, r->of.compared, r->of.plain_seconds));
    }
    putchar('\n');
    fflush(stdout);
}

static void print_head(const struct eval *e)
{
    printf("%lld %s images; ", (long long)e->images, e->data.source.split == BD_SPLIT_TEST ? "test" : "validation");
    if (e->has_program) {
        printf("integers by the fast executor (kernel %s), compared with the plain one\n", bd_execute_fast_kernel());
    } else {
        printf("float only: no program, --hardware or --reference\n");
    }
    printf("%-8s%10s%10s%10s%12s%12s%s\n", "switch", "float", "integer", "disagree", "compared", "mismatches",
           e->timing ? "      fast     plain GMAC/s" : "");
}

static void print_json(const struct eval *e, bool pass)
{
    json_t *switches = json_array();
    for (int i = 0; i < e->result_count; i++) {
        const struct result *r = &e->results[i];
        json_t *object = json_pack("{s:o}", "name", bd_json_text(r->name));
        if (r->of.float_accuracy >= 0) {
            json_object_set_new(object, "float_accuracy", json_real(r->of.float_accuracy));
        }
        if (r->of.integer_accuracy >= 0) {
            json_object_set_new(object, "integer_accuracy", json_real(r->of.integer_accuracy));
        }
        if (r->of.compared >= 0) {
            json_object_set_new(object, "compared", json_integer(r->of.compared));
            json_object_set_new(object, "mismatches", json_integer(r->of.mismatches));
            if (e->timing && r->of.compared > 0) {
                json_object_set_new(object, "fast_gmacs", json_real(gmacs(e, e->images, r->of.fast_seconds)));
                json_object_set_new(object, "plain_gmacs", json_real(gmacs(e, r->of.compared, r->of.plain_seconds)));
            }
        }
        if (r->clocks) {
            json_object_set_new(object, "clocks", json_integer((json_int_t)r->clocks));
            json_object_set_new(object, "energy_nj", json_real(r->energy_nj));
        }
        if (r->of.disagree >= 0) {
            json_object_set_new(object, "disagree", json_integer(r->of.disagree));
        }
        bd_against_json(&r->against, object);
        json_array_append_new(switches, object);
    }
    json_t *object = json_pack("{s:I, s:s, s:s, s:b, s:o}", "images", (json_int_t)e->images, "split",
                               e->data.source.split == BD_SPLIT_TEST ? "test" : "validation", "path",
                               e->has_program ? "fast" : "float", "pass", pass, "switches", switches);
    if (e->has_program) {
        json_object_set_new(object, "kernel", json_string(bd_execute_fast_kernel()));
        json_object_set_new(object, "program_crc32", json_sprintf("%08x", e->program.header->crc));
    }
    bd_cli_report(object);
}

/* Switches in the checkpoint's order, or the program's where there is no checkpoint. */
static bd_status eval_all(struct eval *e, struct bd_error *err)
{
    const int count = e->has_checkpoint ? e->checkpoint.graph.switch_count : (int)e->program.header->switch_count;
    if (!e->json) {
        print_head(e);
    }
    int64_t mismatches = 0;
    for (int s = 0; s < count; s++) {
        const char *name = e->has_checkpoint ? e->checkpoint.graph.switches[s].name : e->program.switches[s].name;
        if (!wanted(e, name)) {
            continue;
        }
        if (eval_switch(e, name, err)) {
            return err->status;
        }
        const struct result *r = &e->results[e->result_count - 1];
        mismatches += r->of.mismatches;
        if (!e->json) {
            print_result(e, r);
        }
    }
    if (e->logits) {
        const int64_t shape[3] = {e->logits_count, e->images, e->program.header->classes};
        if (bd_npy_write(e->logits_path, BD_NPY_I32, 3, shape, e->logits, err)) {
            return err->status;
        }
    }
    if (e->dial && (price(e, err) || draw_dial(e, err))) {
        return err->status;
    }
    if (e->other && !e->json) {
        bd_against_print_head(&e->against);
    }
    for (int i = 0; i < e->result_count && e->other && !e->json; i++) {
        bd_against_print(&e->results[i].against, e->results[i].name);
    }
    if (e->json) {
        print_json(e, mismatches == 0);
    }
    return mismatches == 0 ? BD_OK
                           : bd_fail(err, BD_FAIL, "the fast executor differs from the plain one on %lld images",
                                     (long long)mismatches);
}

static void release(struct eval *e)
{
    bd_against_release(&e->against);
    free(e->logits);
    bd_decoded_free(e->decoded);
    bd_dataset_release(&e->set);
    if (e->has_program) {
        bd_program_release(&e->program);
    }
    bd_hardware_release(&e->at);
    if (e->has_checkpoint) {
        bd_checkpoint_release(&e->checkpoint);
    }
}

int cmd_eval(int argc, char **argv)
{
    struct eval e = {.compare = 500, .max_moved = BD_DEFAULT_MAX_MOVED, .data = BD_IMAGE_DEFAULTS("eval")};
    int split = 0;
    const struct bd_option table[] = {
        {"hardware", .text = &e.hardware},
        {"reference", .flag = &e.reference},
        {"switches", .text = &e.switches},
        {"max-moved", .real = &e.max_moved, .low = 0, .high = 1000},
        BD_IMAGE_ROWS(&e.data),
        {"split", .choice = &split, .choices = "test|validation"},
        {"compare", .integer = &e.compare, .min = 0, .max = INT32_MAX},
        {"dial", .text = &e.dial},
        {"logits", .text = &e.logits_path},
        {"against", .text = &e.other},
        {"json", .flag = &e.json},
        {"timing", .flag = &e.timing},
        {0},
    };
    int code = bd_cli_options("eval", usage, table, argc, argv);
    if (code != BD_OPTIONS_READ) {
        return code;
    }
    e.data.source.split = split ? BD_SPLIT_VALIDATION : BD_SPLIT_TEST;
    if (optind == argc || argc - optind > 2) {
        return bd_cli_usage("eval", "expected a CHECKPOINT, a NET.bdp, or both");
    }
    code = bd_cli_check_images(&e.data);
    if (code != BD_OK) {
        return code;
    }
    struct bd_error err;
    const char *const inputs[] = {argv[optind], e.hardware ? e.hardware : "", argv[optind + 1], NULL};
    if (e.dial && !e.hardware) {
        return bd_cli_usage("eval", "'--dial' wants a checkpoint and '--hardware'");
    }
    bd_status status = e.dial ? bd_output_check(e.dial, BD_OUTPUT_DRAWING, NULL, inputs, &err) : BD_OK;
    status = status || !e.logits_path ? status : bd_output_check(e.logits_path, BD_OUTPUT_ARRAY, NULL, inputs, &err);
    status = status ? status : prepare(&e, argv + optind, argc - optind, &err);
    if (status == BD_OK) {
        status = eval_all(&e, &err);
    }
    release(&e);
    return status == BD_OK ? BD_OK : bd_cli_fail("eval", &err);
}
