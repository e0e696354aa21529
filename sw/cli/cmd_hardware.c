/* bitdial hardware: checks a hardware configuration and prints its geometry, or the parameters of its RTL. */
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "model/core/json.h"
#include "model/program/hardware.h"
#include "sw/cli/cli.h"
#include "sw/cli/options.h"
#include "sw/cli/report.h"

static const char usage[] =
    "Usage: bitdial hardware FILE [--parameters] [--json]\n"
    "Checks a hardware configuration and prints its geometry.\n"
    "  --parameters  print the RTL's parameters instead, one Verilator option (-GNAME=VALUE) a line\n"
    "  --json        print one JSON object; with --parameters it maps parameter names to values\n"
    "  --help        this text and the table of keys\n\n";

struct parameter {
    const char *name;
    int64_t value;
};

enum { PARAMETERS = 10 };

static void list_parameters(const struct bd_hardware *h, struct parameter list[PARAMETERS])
{
    const struct parameter values[PARAMETERS] = {
        {"ROWS", h->rows},           {"LANES", h->lanes},     {"MAC_LANES", h->mac_lanes},
        {"RQ", h->requant_units},    {"HAS_XNOR", h->xnor},   {"HAS_MAC", h->mac},
        {"ACT_WORDS", h->act_words}, {"Z_WORDS", h->z_words}, {"WEIGHT_WORDS", h->weight_words},
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

static json_t *geometry_json(const struct bd_hardware *h)
{
    json_t *memory = json_pack("{s:I, s:I, s:I}", "latency", (json_int_t)h->memory.latency, "beat_interval",
                               (json_int_t)h->memory.beat_interval, "outstanding", (json_int_t)h->memory.outstanding);
    return json_pack("{s:o, s:I, s:I, s:I, s:I, s:s, s:I, s:I, s:I, s:I, s:f, s:s, s:o, s:o}", "name",
                     bd_json_text(h->name), "rows", (json_int_t)h->rows, "lanes", (json_int_t)h->lanes, "mac_lanes",
                     (json_int_t)h->mac_lanes, "requant_units", (json_int_t)h->requant_units, "datapaths", datapaths(h),
                     "act_words", (json_int_t)h->act_words, "z_words", (json_int_t)h->z_words, "weight_words",
                     (json_int_t)h->weight_words, "mult_bits", (json_int_t)h->mult_bits, "clock_mhz", h->clock_mhz,
                     "energy_table", h->energy_table, "memory", memory, "geometry_hash",
                     json_sprintf("%016" PRIx64, bd_hardware_geometry_hash(h)));
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

static void print_geometry(const struct bd_hardware *h)
{
    printf("%s: %" PRId64 " rows x %" PRId64 " lanes, datapaths %s, %" PRId64 " MAC lanes, %" PRId64
           " requantizers of %" PRId64 "-bit M\n",
           h->name, h->rows, h->lanes, datapaths(h), h->mac_lanes, h->requant_units, h->mult_bits);
    printf("  activation buffer  %8" PRId64 " words  %10" PRId64 " bytes\n", h->act_words, h->act_words * h->lanes);
    printf("  residual buffer    %8" PRId64 " words  %10" PRId64 " bytes\n", h->z_words,
           h->z_words * h->requant_units * 4);
    printf("  weight buffer    2 x %6" PRId64 " words  %10" PRId64 " bytes\n", h->weight_words,
           2 * h->weight_words * h->rows * h->lanes / 8);
    printf("  memory: latency %" PRId64 ", a beat every %" PRId64 ", %" PRId64 " outstanding; %g MHz\n",
           h->memory.latency, h->memory.beat_interval, h->memory.outstanding, h->clock_mhz);
    printf("  geometry hash %016" PRIx64 "\n", bd_hardware_geometry_hash(h));
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
