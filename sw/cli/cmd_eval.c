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
#include "model/data/dataset.h"
#include "model/eval/evaluate.h"
#include "model/exec/exec.h"
#include "model/exec/fast.h"
#include "model/fold/fold.h"
#include "model/train/network/accuracy.h"
#include "sw/cli/cli.h"
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
    "  --hardware FILE   fold the checkpoint for this hardware configuration\n"
    "  --reference       fold it for the plain reference alone, which runs layers that no hardware has\n"
    "  --max-moved N     as of `bitdial compile`: refuse a layer with more than N per mille of moved values (default: "
    "1)\n"
    "  --switches LIST   only these switches, separated by commas\n"
    "  --images N        the first N images (default: all)\n"
    "  --split NAME      test or validation (default: test)\n"
    "  --compare N       compare the fast path with the plain executor on N images a switch (default: 500)\n"
    "  --logits FILE     also write the integer logits, (switches, images, classes) int32, as a .npy file\n"
    "  --timing          add the speed of both executors in 10^9 multiply-accumulates a second, all threads together\n"
    "  --kind KIND       " BD_DATA_CHOICES " (default: fashion-mnist)\n"
    "  --data DIR        the data set's folder (default: $BITDIAL_DATA, else the kind's own)\n"
    "  --json            one JSON object on standard output\n"
    "  --help            print this\n";

#define MAX_RESULTS BD_MAX_SWITCHES

struct result { /* one switch; -1 where there is nothing to say */
    char name[16];
    double float_accuracy, integer_accuracy;
    int64_t disagree, compared, mismatches;
    double fast_seconds, plain_seconds;
};

struct eval {
    const char *hardware, *switches, *logits_path;
    struct bd_data_spec data;
    int64_t images, compare;
    double max_moved;
    enum bd_split split;
    bool json, timing, reference;
    bool has_checkpoint, has_program;
    struct bd_checkpoint checkpoint;
    struct bd_program program;
    struct bd_decoded *decoded;
    struct bd_dataset set;
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
    struct bd_hardware hardware;
    if (e->reference) {
        bd_hardware_reference(&hardware);
    } else if (bd_hardware_load(&hardware, e->hardware, err)) {
        return err->status;
    }
    char *list = integer_switches(e);
    bd_status status = BD_OK;
    if (*list) {
        const struct bd_fold_options options = {.switches = list, .reference = e->reference, .max_moved = e->max_moved};
        struct bd_fold_report report;
        status = bd_fold(&e->checkpoint, &hardware, &options, &e->program, &report, err);
        e->has_program = status == BD_OK;
        bd_fold_report_release(&report);
    }
    free(list);
    bd_hardware_release(&hardware);
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

static bd_status check_images(struct eval *e, struct bd_error *err)
{
    if (e->images == 0 || e->images > e->set.count) {
        e->images = e->set.count;
    }
    if (e->has_checkpoint && bd_check_dataset(&e->checkpoint.graph, &e->set, err)) {
        return err->status;
    }
    const struct bd_program_header *h = e->program.header;
    if (e->has_program && (h->input_height != e->set.height || h->input_width != e->set.width ||
                           h->input_channels != e->set.channels || h->classes != e->set.classes)) {
        return bd_fail(err, BD_BAD_INPUT,
                       "the program takes %ux%ux%u images of %u classes, the data set has %ux%ux%u of %u",
                       h->input_height, h->input_width, h->input_channels, h->classes, e->set.height, e->set.width,
                       e->set.channels, e->set.classes);
    }
    return BD_OK;
}

/* Where images are cut to size, the network says to which. */
static bd_status open_images(struct eval *e, struct bd_error *err)
{
    e->data.size = e->has_checkpoint ? e->checkpoint.graph.input_height : (int64_t)e->program.header->input_height;
    return bd_dataset_open(&e->set, &e->data, e->split, err);
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
    if (check_switches(e, err) || (e->has_program && bd_decode(&e->program, &e->decoded, err)) || open_images(e, err) ||
        check_images(e, err)) {
        return err->status;
    }
    return bd_dataset_keep(&e->set, (uint32_t)e->images, err);
}

/* ---- one switch --------------------------------------------------------------------------------------------- */

static double accuracy(const struct eval *e, const uint16_t *predictions)
{
    int64_t right = 0;
    for (int64_t i = 0; i < e->images; i++) {
        right += predictions[i] == e->set.labels[i];
    }
    return (double)right / (double)e->images;
}

/* Images among the first `compared` whose logits differ between the two executors. */
static bd_status compare_paths(const struct eval *e, unsigned s, const int32_t *logits, struct result *r,
                               struct bd_error *err)
{
    const size_t classes = e->program.header->classes;
    bd_status status = BD_OK;
    int64_t mismatches = 0;
    r->compared = e->compare < e->images ? e->compare : e->images;
    const double start = bd_seconds(CLOCK_MONOTONIC);
#pragma omp parallel for schedule(dynamic) reduction(+ : mismatches)
    for (int64_t i = 0; i < r->compared; i++) {
        struct bd_frame frame;
        struct bd_error own;
        if (bd_execute(&e->program, e->decoded, s, bd_dataset_image(&e->set, (uint32_t)i), &frame, &own)) {
#pragma omp critical
            {
                *err = own;
                status = own.status;
            }
            continue;
        }
        mismatches += memcmp(frame.logits, logits + (size_t)i * classes, classes * sizeof *logits) != 0;
        bd_frame_release(&frame);
    }
    r->mismatches = mismatches;
    r->plain_seconds = bd_seconds(CLOCK_MONOTONIC) - start;
    return status;
}

static void keep_logits(struct eval *e, const int32_t *logits)
{
    const size_t values = (size_t)e->images * e->program.header->classes;
    e->logits = bd_xrealloc(e->logits, (e->logits_count + 1) * values, sizeof *e->logits);
    memcpy(e->logits + e->logits_count++ * values, logits, values * sizeof *logits);
}

static bd_status eval_integers(struct eval *e, unsigned s, struct result *r, uint16_t *predictions,
                               struct bd_error *err)
{
    const size_t classes = e->program.header->classes;
    int32_t *logits = bd_xcalloc((size_t)e->images * classes, sizeof *logits);
    const double start = bd_seconds(CLOCK_MONOTONIC);
    bd_status status = bd_execute_fast(&e->program, e->decoded, s, e->set.images, (size_t)e->images, logits, err);
    r->fast_seconds = bd_seconds(CLOCK_MONOTONIC) - start;
    if (status == BD_OK) {
        for (int64_t i = 0; i < e->images; i++) {
            predictions[i] = (uint16_t)bd_argmax(logits + (size_t)i * classes, (unsigned)classes);
        }
        r->integer_accuracy = accuracy(e, predictions);
        status = compare_paths(e, s, logits, r, err);
    }
    if (status == BD_OK && e->logits_path) {
        keep_logits(e, logits);
    }
    free(logits);
    return status;
}

static bd_status eval_switch(struct eval *e, const char *name, struct bd_error *err)
{
    struct result *r = &e->results[e->result_count++];
    *r = (struct result){.float_accuracy = -1, .integer_accuracy = -1, .disagree = -1, .compared = -1};
    snprintf(r->name, sizeof r->name, "%s", name);
    const int in_float = e->has_checkpoint ? bd_graph_switch(&e->checkpoint.graph, name) : -1;
    const int in_program = e->has_program ? bd_program_switch(&e->program, name) : -1;
    uint16_t *exact = bd_xcalloc((size_t)e->images, sizeof *exact);
    uint16_t *integer = bd_xcalloc((size_t)e->images, sizeof *integer);
    bd_status status = BD_OK;
    if (in_float >= 0) {
        status = bd_float_eval(&e->checkpoint, in_float, &e->set, 0, (size_t)e->images, NULL, exact, err);
        r->float_accuracy = status == BD_OK ? accuracy(e, exact) : -1;
    }
    if (in_program >= 0 && status == BD_OK) {
        status = eval_integers(e, (unsigned)in_program, r, integer, err);
    }
    if (in_float >= 0 && in_program >= 0 && status == BD_OK) {
        r->disagree = 0;
        for (int64_t i = 0; i < e->images; i++) {
            r->disagree += exact[i] != integer[i];
        }
    }
    free(exact);
    free(integer);
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
    print_share(r->float_accuracy);
    print_share(r->integer_accuracy);
    if (r->disagree < 0) {
        printf("%10s", "-");
    } else {
        printf("%10lld", (long long)r->disagree);
    }
    if (r->compared < 0) {
        printf("%12s%12s", "-", "-");
    } else {
        printf("%12lld%12lld", (long long)r->compared, (long long)r->mismatches);
    }
    if (e->timing && r->compared > 0) {
        printf("%10.2f%10.2f", gmacs(e, e->images, r->fast_seconds), gmacs(e, r->compared, r->plain_seconds));
    }
    putchar('\n');
    fflush(stdout);
}

static void print_head(const struct eval *e)
{
    printf("%lld %s images; ", (long long)e->images, e->split == BD_SPLIT_TEST ? "test" : "validation");
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
        if (r->float_accuracy >= 0) {
            json_object_set_new(object, "float_accuracy", json_real(r->float_accuracy));
        }
        if (r->integer_accuracy >= 0) {
            json_object_set_new(object, "integer_accuracy", json_real(r->integer_accuracy));
            json_object_set_new(object, "compared", json_integer(r->compared));
            json_object_set_new(object, "mismatches", json_integer(r->mismatches));
            if (e->timing && r->compared > 0) {
                json_object_set_new(object, "fast_gmacs", json_real(gmacs(e, e->images, r->fast_seconds)));
                json_object_set_new(object, "plain_gmacs", json_real(gmacs(e, r->compared, r->plain_seconds)));
            }
        }
        if (r->disagree >= 0) {
            json_object_set_new(object, "disagree", json_integer(r->disagree));
        }
        json_array_append_new(switches, object);
    }
    json_t *object = json_pack("{s:I, s:s, s:s, s:b, s:o}", "images", (json_int_t)e->images, "split",
                               e->split == BD_SPLIT_TEST ? "test" : "validation", "path",
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
        mismatches += r->mismatches;
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
    if (e->json) {
        print_json(e, mismatches == 0);
    }
    return mismatches == 0 ? BD_OK
                           : bd_fail(err, BD_FAIL, "the fast executor differs from the plain one on %lld images",
                                     (long long)mismatches);
}

static void release(struct eval *e)
{
    free(e->logits);
    bd_decoded_free(e->decoded);
    bd_dataset_release(&e->set);
    if (e->has_program) {
        bd_program_release(&e->program);
    }
    if (e->has_checkpoint) {
        bd_checkpoint_release(&e->checkpoint);
    }
}

int cmd_eval(int argc, char **argv)
{
    struct eval e = {
        .split = BD_SPLIT_TEST, .compare = 500, .max_moved = BD_DEFAULT_MAX_MOVED, .data = {.validation = -1}};
    int split = 0;
    const struct bd_option table[] = {
        {"hardware", .text = &e.hardware},
        {"reference", .flag = &e.reference},
        {"switches", .text = &e.switches},
        {"max-moved", .real = &e.max_moved, .low = 0, .high = 1000},
        {"images", .integer = &e.images, .min = 1, .max = INT32_MAX},
        {"split", .choice = &split, .choices = "test|validation"},
        {"compare", .integer = &e.compare, .min = 0, .max = INT32_MAX},
        {"kind", .choice = &e.data.kind, .choices = BD_DATA_CHOICES},
        {"data", .text = (const char **)&e.data.folder},
        {"logits", .text = &e.logits_path},
        {"json", .flag = &e.json},
        {"timing", .flag = &e.timing},
        {0},
    };
    int code = bd_cli_options("eval", usage, table, argc, argv);
    if (code != BD_OPTIONS_READ) {
        return code;
    }
    e.split = split ? BD_SPLIT_VALIDATION : BD_SPLIT_TEST;
    if (optind == argc || argc - optind > 2) {
        return bd_cli_usage("eval", "expected a CHECKPOINT, a NET.bdp, or both");
    }
    struct bd_error err;
    const char *const inputs[] = {argv[optind], e.hardware ? e.hardware : "", argv[optind + 1], NULL};
    bd_status status = e.logits_path ? bd_output_check(e.logits_path, BD_OUTPUT_ARRAY, NULL, inputs, &err) : BD_OK;
    status = status ? status : prepare(&e, argv + optind, argc - optind, &err);
    if (status == BD_OK) {
        status = eval_all(&e, &err);
    }
    release(&e);
    return status == BD_OK ? BD_OK : bd_cli_fail("eval", &err);
}
