/* `bitdial compile`: a checkpoint folded to integers and packed for one hardware configuration. */
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/checkpoint/random_checkpoint.h"
#include "model/core/file.h"
#include "model/core/json.h"
#include "model/core/output.h"
#include "model/fold/fold.h"
#include "model/program/layout.h"
#include "model/program/maps.h"
#include "sw/cli/cli.h"
#include "sw/cli/options.h"
#include "sw/cli/report.h"

static const char usage[] =
    "Usage: bitdial compile CHECKPOINT --hardware HW.yaml -o NET.bdp [--switches LIST] [--max-moved N] [--json]\n"
    "       bitdial compile CHECKPOINT --reference -o NET.bdp [OPTION]...\n"
    "       bitdial compile NETWORK.yaml --random-weights SEED ...\n"
    "Folds a trained network to integers, checks every code edge, and writes the program image.\n\n"
    "  --hardware FILE   the hardware configuration; layers that it cannot run are refused by name\n"
    "  --reference       for the plain reference alone, which runs every layer at every size; no device takes the "
    "image\n"
    "  -o, --output FILE  the program image to write (required); replaces an earlier one, and no other kind of file\n"
    "  --random-weights SEED  give the network of a description weights, batch norm and clip levels at random: what "
    "it\n"
    "                    computes means nothing, but it can be run, compared and timed before anything is trained\n"
    "  --switches LIST   the switches to keep, separated by commas (default: all)\n"
    "  --max-moved N     refuse when a layer has more than N per mille of its reachable accumulator values with\n"
    "                    another code than the exact one (default: 1)\n"
    "  --json            one JSON object on standard output\n"
    "  --help            print this\n\n"
    "Per layer and switch it prints the datapath, weight x input bits, clocks of the walk, and\n"
    "  edges      code edges inside the accumulator's range; moved: those at another accumulator value than the\n"
    "             exact one; values: accumulator values whose code differs; worst: the most at one edge\n"
    "  stream     where a residual is added, or values leave: a proven bound of |z - exact| in units of z, and in\n"
    "             steps of the code that leaves, given equal codes before it\n";

struct arguments {
    const char *checkpoint, *hardware, *output;
    struct bd_fold_options fold;
    int64_t seed; /* of random weights; below 0: a checkpoint's */
    bool json;
};

/* The first band of layer l in a program, and the clocks of all; NULL where no image was made. */
static const struct bd_descriptor *first_band(const struct bd_program *program, int s, int l, uint64_t *clocks)
{
    *clocks = 0;
    unsigned bands;
    const int first = program->image ? bd_map_first_band(program, (unsigned)l, &bands) : -1;
    for (unsigned at = (unsigned)first, left = bands; first >= 0 && left > 0; at++) {
        if (bd_map_is_band(program, (unsigned)first, at)) {
            *clocks += bd_descriptor_clocks(bd_program_descriptor(program, (unsigned)s, at));
            left--;
        }
    }
    return first >= 0 ? bd_program_descriptor(program, (unsigned)s, (unsigned)first) : NULL;
}

/* What compile says about one layer at one switch; the descriptor is there only when an image was made. */
static json_t *layer_json(const struct bd_layer *layer, const struct bd_fold_layer *at, const struct bd_descriptor *d,
                          uint64_t clocks)
{
    json_t *object = json_pack("{s:s, s:f}", "name", layer->name, "z_peak", at->z_peak);
    if (d) {
        json_object_set_new(object, "datapath",
                            json_string(d->operation == BD_OP_POOL        ? "pool"
                                        : d->datapath == BD_DATAPATH_XNOR ? "xnor"
                                                                          : "mac"));
        json_object_set_new(object, "weight_bits", json_integer(d->weight_bits));
        json_object_set_new(object, "in_bits", json_integer(d->in_bits));
        json_object_set_new(object, "clocks", json_integer((json_int_t)clocks));
    }
    if (at->has_codes && !at->takes_stream) {
        const struct bd_edge_count *e = &at->edges;
        json_object_set_new(object, "edges", json_integer(e->edges));
        json_object_set_new(object, "edges_moved", json_integer(e->edges_moved));
        json_object_set_new(object, "values", json_integer(e->values));
        json_object_set_new(object, "values_moved", json_integer(e->values_moved));
        json_object_set_new(object, "worst", json_integer(e->worst));
    }
    if (at->stream_error > 0) {
        json_object_set_new(object, "stream_error", json_real(at->stream_error));
        json_object_set_new(object, "code_error", json_real(at->code_error));
    }
    return object;
}

static void print_layer(const struct bd_layer *layer, const struct bd_fold_layer *at, const struct bd_descriptor *d,
                        uint64_t clocks)
{
    printf("  %-14s", layer->name);
    if (d && d->operation == BD_OP_POOL) {
        printf(" pool      %7" PRIu64, clocks);
    } else if (d) {
        printf(" %-4s %ux%u%s %7" PRIu64, d->datapath == BD_DATAPATH_XNOR ? "xnor" : "mac", d->weight_bits, d->in_bits,
               d->flags & BD_FLAG_IN_SIGNED ? "s" : " ", clocks);
    }
    if (at->has_codes && !at->takes_stream) {
        printf("  edges %" PRId64 " moved %" PRId64 " values %" PRId64 "/%" PRId64 " worst %" PRId64, at->edges.edges,
               at->edges.edges_moved, at->edges.values_moved, at->edges.values, at->edges.worst);
    }
    if (at->stream_error > 0) {
        printf("  stream %.2f", at->stream_error);
        if (at->code_error > 0) {
            printf(" = %.4f steps", at->code_error);
        }
    }
    putchar('\n');
}

static json_t *report_json(const struct bd_checkpoint *checkpoint, const struct bd_fold_report *report,
                           const struct bd_program *program)
{
    json_t *switches = json_array();
    for (int s = 0; s < report->switch_count; s++) {
        json_t *layers = json_array();
        for (int l = 0; l < report->layer_count; l++) {
            uint64_t clocks;
            const struct bd_descriptor *d = first_band(program, s, l, &clocks);
            json_array_append_new(
                layers, layer_json(&checkpoint->graph.layers[l], &report->at[s * report->layer_count + l], d, clocks));
        }
        json_array_append_new(switches,
                              json_pack("{s:s, s:i, s:o}", "name", checkpoint->graph.switches[report->switches[s]].name,
                                        "z_frac", report->z_frac[s], "layers", layers));
    }
    return switches;
}

static void print_report(const struct bd_checkpoint *checkpoint, const struct bd_fold_report *report,
                         const struct bd_program *program)
{
    for (int s = 0; s < report->switch_count; s++) {
        printf("%s, stream of %d fraction bits\n", checkpoint->graph.switches[report->switches[s]].name,
               report->z_frac[s]);
        for (int l = 0; l < report->layer_count; l++) {
            uint64_t clocks;
            const struct bd_descriptor *d = first_band(program, s, l, &clocks);
            print_layer(&checkpoint->graph.layers[l], &report->at[s * report->layer_count + l], d, clocks);
        }
    }
}

/* The layer and switch with the largest part of moved values. */
static void print_most_moved(const struct bd_checkpoint *checkpoint, const struct bd_fold_report *report, double bound)
{
    double most = -1;
    int at = 0;
    for (int i = 0; i < report->switch_count * report->layer_count; i++) {
        const struct bd_edge_count *e = &report->at[i].edges;
        const double part = e->values ? 1000.0 * (double)e->values_moved / (double)e->values : -1;
        if (part > most) {
            most = part;
            at = i;
        }
    }
    printf("most moved: layer '%s' at switch '%s', %.3g per mille of its accumulator values (bound %g)\n",
           checkpoint->graph.layers[at % report->layer_count].name,
           checkpoint->graph.switches[report->switches[at / report->layer_count]].name, most, bound);
}

static void report_all(const struct arguments *a, const struct bd_checkpoint *checkpoint,
                       const struct bd_fold_report *report, const struct bd_program *program)
{
    if (!a->json) {
        print_report(checkpoint, report, program);
        print_most_moved(checkpoint, report, a->fold.max_moved);
        if (program->image) {
            printf("%s: network '%s' for %s, %zu bytes, crc32 %08x\n", a->output, program->header->network,
                   a->hardware ? a->hardware : "the reference", program->size, program->header->crc);
        }
        return;
    }
    json_t *object = json_pack("{s:o, s:o, s:b, s:o}", "checkpoint", bd_json_text(a->checkpoint), "hardware",
                               bd_json_text(a->hardware), "written", program->image != NULL, "switches",
                               report_json(checkpoint, report, program));
    if (program->image) {
        json_object_set_new(object, "program", bd_json_text(a->output));
        json_object_set_new(object, "bytes", json_integer((json_int_t)program->size));
        json_object_set_new(object, "crc32", json_sprintf("%08x", program->header->crc));
        json_object_set_new(object, "geometry_hash", json_sprintf("%016" PRIx64, program->header->geometry_hash));
    }
    bd_cli_report(object);
}

static bd_status compile(const struct arguments *a, struct bd_checkpoint *checkpoint, struct bd_hardware *hardware,
                         struct bd_error *err)
{
    struct bd_program program;
    struct bd_fold_report report;
    bd_status status = bd_fold(checkpoint, hardware, &a->fold, &program, &report, err);
    if (status == BD_OK) {
        status = bd_file_write(a->output, program.image, program.size, err);
    }
    if (status == BD_OK || status == BD_FAIL) {
        report_all(a, checkpoint, &report, &program);
    }
    bd_fold_report_release(&report);
    if (program.image) {
        bd_program_release(&program);
    }
    return status;
}

static int read_arguments(int argc, char **argv, struct arguments *a)
{
    const struct bd_option table[] = {
        {"hardware", .text = &a->hardware},
        {"reference", .flag = &a->fold.reference},
        {"output", .text = &a->output, .letter = 'o'},
        {"random-weights", .integer = &a->seed, .min = 0, .max = INT64_MAX},
        {"switches", .text = &a->fold.switches},
        {"max-moved", .real = &a->fold.max_moved, .low = 0, .high = 1000},
        {"json", .flag = &a->json},
        {0},
    };
    int code = bd_cli_options("compile", usage, table, argc, argv);
    if (code != BD_OPTIONS_READ) {
        return code;
    }
    if (optind + 1 != argc || !a->hardware == !a->fold.reference || !a->output) {
        return bd_cli_usage(
            "compile",
            "expected one CHECKPOINT (or NETWORK.yaml with --random-weights), --hardware or --reference, and --output");
    }
    a->checkpoint = argv[optind];
    return BD_OPTIONS_READ;
}

int cmd_compile(int argc, char **argv)
{
    struct arguments a = {.fold = {.max_moved = BD_DEFAULT_MAX_MOVED}, .seed = -1};
    int code = read_arguments(argc, argv, &a);
    if (code != BD_OPTIONS_READ) {
        return code;
    }
    struct bd_error err;
    struct bd_hardware hardware;
    struct bd_checkpoint checkpoint;
    struct bd_output_lock lock;
    const char *const inputs[] = {a.checkpoint, a.hardware ? a.hardware : "", NULL};
    if (bd_output_check(a.output, BD_OUTPUT_PROGRAM, NULL, inputs, &err)) {
        return bd_cli_fail("compile", &err);
    }
    if (a.fold.reference) {
        bd_hardware_reference(&hardware);
    } else if (bd_hardware_load(&hardware, a.hardware, &err)) {
        return bd_cli_fail("compile", &err);
    }
    bd_status status = a.seed >= 0 ? bd_random_checkpoint(a.checkpoint, (uint64_t)a.seed, &checkpoint, &err)
                                   : bd_checkpoint_load(&checkpoint, a.checkpoint, &err);
    if (status == BD_OK) {
        status = bd_output_lock(&lock, a.output, &err);
        if (status == BD_OK) {
            status = compile(&a, &checkpoint, &hardware, &err);
            bd_output_unlock(&lock);
        }
        bd_checkpoint_release(&checkpoint);
    }
    bd_hardware_release(&hardware);
    return status == BD_OK ? BD_OK : bd_cli_fail("compile", &err);
}
