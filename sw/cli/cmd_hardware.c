/* bitdial hardware: checks a hardware configuration and prints its geometry, or the parameters of its RTL. */
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "model/core/json.h"
#include "model/cost/area.h"
#include "model/program/hardware.h"
#include "model/program/program.h"
#include "sw/cli/cli.h"
#include "sw/cli/options.h"
#include "sw/cli/report.h"

static const char usage[] =
    "Usage: bitdial hardware FILE [--parameters] [--json]\n"
    "Checks a hardware configuration and prints its geometry, and what it takes of an ECP5: rows and requantizers by\n"
    "formulas fitted to mapped ones (hw/synth), block RAM by the memories' shapes, and the rest, which a machine has "
    "once,\n"
    "as the configuration `mid` has it.\n"
    "  --parameters  print the RTL's parameters instead, one Verilator option (-GNAME=VALUE) a line\n"
    "  --json        print one JSON object; with --parameters it maps parameter names to values\n"
    "  --help        this text and the table of keys\n\n";

struct parameter {
    const char *name;
    int64_t value;
};

enum { PARAMETERS = 12 };

static void list_parameters(const struct bd_hardware *h, struct parameter list[PARAMETERS])
{
    const struct parameter values[PARAMETERS] = {
        {"ROWS", h->rows},
        {"RQ", h->requant_units},
        {"MC", h->mac_channels},
        {"HAS_XNOR", h->xnor},
        {"ACT_WORDS", h->act_words},
        {"Z_WORDS", h->z_words},
        {"WEIGHT_WORDS", h->weight_words},
        {"TABLE_WORDS", h->table_words},
        {"CORRECT_WORDS", h->correct_words},
        {"DESCRIPTORS", h->descriptors},
        {"ACC_BITS", h->acc_bits},
        {"MULT_BITS", h->mult_bits},
    };
    for (int i = 0; i < PARAMETERS; i++) {
        list[i] = values[i];
    }
}

static const char *datapaths(const struct bd_hardware *h)
{
    return !h->mac ? "xnor" : !h->xnor ? "mac" : "both";
}

static json_t *parameters_json(const struct bd_hardware *h)
{
    struct parameter list[PARAMETERS];
    list_parameters(h, list);
    json_t *object = json_object();
    for (int i = 0; i < PARAMETERS; i++) {
        json_object_set_new(object, list[i].name, json_integer(list[i].value));
    }
    json_object_set_new(object, "GEOMETRY_HASH", json_sprintf("64'h%016" PRIx64, bd_hardware_geometry_hash(h)));
    return object;
}

/* ---- area ---- */

static json_t *cells_json(const double cells[BD_AREA_CELL_COUNT])
{
    json_t *object = json_object();
    for (int c = 0; c < BD_AREA_CELL_COUNT; c++) {
        json_object_set_new(object, bd_area_cell_names[c], json_real(cells[c]));
    }
    json_object_set_new(object, "sites", json_real(bd_area_sites(cells)));
    return object;
}

static json_t *area_json(const struct bd_hardware *h)
{
    json_t *blocks = json_array();
    for (size_t i = 0; i < bd_area_blocks(); i++) {
        const struct bd_area_block b = bd_area_block(h, i);
        json_array_append_new(blocks, json_pack("{s:s, s:i, s:o, s:o}", "block", b.name, "count", b.count, "cells",
                                                cells_json(b.area.cells), "off_at_most", cells_json(b.area.off)));
    }
    const struct bd_area all = bd_area(h), rest = bd_area_rest(), machine = bd_area_machine(h);
    return json_pack("{s:s, s:o, s:o, s:o, s:{s:s, s:o}, s:o}", "part", "LFE5U", "blocks", blocks, "cells",
                     cells_json(all.cells), "off_at_most", cells_json(all.off), "rest", "measured_on", bd_area_measured,
                     "cells", cells_json(rest.cells), "machine", cells_json(machine.cells));
}

static void print_cells(const char *name, int count, const struct bd_area *area)
{
    char times[16] = "";
    if (count) {
        snprintf(times, sizeof times, "%d x", count);
    }
    printf("  %5s %-18s", times, name);
    for (int c = 0; c < BD_AREA_CELL_COUNT; c++) {
        printf(" %10.0f", area->cells[c]);
    }
    printf(" %8.0f, off by at most %.0f sites\n", bd_area_sites(area->cells), bd_area_sites(area->off));
}

static void print_whole(const char *what, const char *name, const struct bd_area *area)
{
    printf("  %15s %-8s", what, name);
    for (int c = 0; c < BD_AREA_CELL_COUNT; c++) {
        printf(" %10.0f", area->cells[c]);
    }
    printf(" %8.0f\n", bd_area_sites(area->cells));
}

static void print_area(const struct bd_hardware *h)
{
    printf("  what repeats, of an ECP5  ");
    for (int c = 0; c < BD_AREA_CELL_COUNT; c++) {
        printf(" %10s", bd_area_cell_names[c]);
    }
    printf(" %8s\n", "sites");
    for (size_t i = 0; i < bd_area_blocks(); i++) {
        const struct bd_area_block b = bd_area_block(h, i);
        if (b.count) {
            print_cells(b.name, b.count, &b.area);
        }
    }
    const struct bd_area all = bd_area(h);
    print_cells("together", 0, &all);
    const struct bd_area rest = bd_area_rest(), machine = bd_area_machine(h);
    print_whole("the rest, as of", bd_area_measured, &rest);
    print_whole("estimate of", "the whole", &machine);
}

static json_t *geometry_json(const struct bd_hardware *h)
{
    json_t *memory = json_pack("{s:I, s:I, s:I, s:s}", "latency", (json_int_t)h->memory.latency, "beat_interval",
                               (json_int_t)h->memory.beat_interval, "outstanding", (json_int_t)h->memory.outstanding,
                               "timing", h->memory_timing == BD_MEMORY_VARYING ? "varying" : "fixed");
    json_t *object = json_pack("{s:o, s:I, s:I, s:s, s:I}", "name", bd_json_text(h->name), "rows", (json_int_t)h->rows,
                               "requant_units", (json_int_t)h->requant_units, "datapaths", datapaths(h), "mac_channels",
                               (json_int_t)h->mac_channels);
    const struct parameter sizes[] = {
        {"act_words", h->act_words},         {"z_words", h->z_words},
        {"weight_words", h->weight_words},   {"table_words", h->table_words},
        {"correct_words", h->correct_words}, {"descriptors", h->descriptors},
        {"acc_bits", h->acc_bits},           {"mult_bits", h->mult_bits},
    };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        json_object_set_new(object, sizes[i].name, json_integer(sizes[i].value));
    }
    json_object_set_new(object, "clock_mhz", json_real(h->clock_mhz));
    json_object_set_new(object, "clock", json_string(bd_hardware_clock_word(h)));
    json_object_set_new(object, "energy_table", json_string(h->energy_table));
    json_object_set_new(object, "memory", memory);
    json_object_set_new(object, "area", area_json(h));
    json_object_set_new(object, "geometry_hash", json_sprintf("%016" PRIx64, bd_hardware_geometry_hash(h)));
    return object;
}

static void print_parameters(const struct bd_hardware *h)
{
    struct parameter list[PARAMETERS];
    list_parameters(h, list);
    for (int i = 0; i < PARAMETERS; i++) {
        printf("-G%s=%" PRId64 "\n", list[i].name, list[i].value);
    }
    printf("-GGEOMETRY_HASH=64'h%016" PRIx64 "\n", bd_hardware_geometry_hash(h));
}

static void print_memory(const char *name, int64_t words, int64_t bits)
{
    printf("  %-18s %8" PRId64 " words of %4" PRId64 " bits %10" PRId64 " bytes\n", name, words, bits,
           words * bits / 8);
}

static void print_geometry(const struct bd_hardware *h)
{
    printf("%s: %" PRId64 " rows x 72 lanes, datapaths %s, %" PRId64 " MAC channels, %" PRId64
           " requantizers of %" PRId64 "-bit M, accumulators of %" PRId64 " bits\n",
           h->name, h->rows, datapaths(h), h->mac_channels, h->requant_units, h->mult_bits, h->acc_bits);
    print_memory("activation memory", 9 * h->act_words, 16);
    print_memory("residual memory", h->z_words, 16 * h->requant_units);
    print_memory("weight memory", h->weight_words, 18 * h->rows);
    print_memory("table memory", h->table_words, h->mult_bits + BD_TABLE_BIAS_BITS);
    print_memory("correction memory", h->correct_words, BD_CORRECT_BITS * h->requant_units);
    print_memory("descriptor memory", h->descriptors, 2048);
    printf("  memory: latency %" PRId64 ", a beat every %" PRId64 ", %" PRId64 " outstanding%s; %g MHz (%s)\n",
           h->memory.latency, h->memory.beat_interval, h->memory.outstanding,
           h->memory_timing == BD_MEMORY_VARYING ? ", varying" : "", h->clock_mhz, bd_hardware_clock_word(h));
    printf("  geometry hash %016" PRIx64 "\n", bd_hardware_geometry_hash(h));
    print_area(h);
}

int cmd_hardware(int argc, char **argv)
{
    bool parameters = false, json = false;
    const struct bd_option table[] = {{"parameters", .flag = &parameters}, {"json", .flag = &json}, {0}};
    int code = bd_cli_options("hardware", usage, table, argc, argv);
    if (code == BD_OK) {
        bd_hardware_help(stdout);
    }
    if (code != BD_OPTIONS_READ) {
        return code;
    }
    if (optind + 1 != argc) {
        return bd_cli_usage("hardware", "expected one FILE");
    }
    struct bd_hardware hardware;
    struct bd_error err;
    if (bd_hardware_load(&hardware, argv[optind], &err) != BD_OK) {
        return bd_cli_fail("hardware", &err);
    }
    if (json) {
        bd_cli_report(parameters ? parameters_json(&hardware) : geometry_json(&hardware));
    } else if (parameters) {
        print_parameters(&hardware);
    } else {
        print_geometry(&hardware);
    }
    bd_hardware_release(&hardware);
    return BD_OK;
}
