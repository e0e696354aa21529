/* `bitdial inspect`: what a program image holds, in words, in JSON, or taken apart into arrays. */
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/file.h"
#include "model/core/json.h"
#include "model/core/memory.h"
#include "model/core/output.h"
#include "model/exec/exec.h"
#include "model/program/program.h"
#include "sw/cli/cli.h"
#include "sw/cli/options.h"
#include "sw/cli/report.h"

static const char usage[] =
    "Usage: bitdial inspect NET.bdp [--json] [--extract DIR]\n"
    "Verifies a program image and prints its header, switches, layers and descriptors.\n\n"
    "  --json         one JSON object on standard output\n"
    "  --extract DIR  also write the network's contents, free of any hardware layout: DIR/network.json, and per layer\n"
    "                 NNN (its number) layerNNN_codes.npy (OC, IC/groups, KH, KW) uint8, and per switch S (its "
    "number)\n"
    "                 layerNNN_switchS_m.npy (OC) int32 and layerNNN_switchS_b.npy (OC) int64, and where a switch has "
    "weight\n"
    "                 codes of its own layerNNN_switchS_codes.npy\n"
    "  --help         print this\n";

static json_t *descriptor_json(const struct bd_descriptor *d)
{
    json_t *object = json_object();
#define X(field) json_object_set_new(object, #field, json_integer((json_int_t)d->field));
    BD_DESCRIPTOR_FIELDS(X)
#undef X
    return object;
}

static json_t *header_json(const struct bd_program *program)
{
    const struct bd_program_header *h = program->header;
    json_t *object =
        json_pack("{s:o, s:s, s:s}", "network", bd_json_text(h->network), "crc32", "", "geometry_hash", "");
    json_object_set_new(object, "crc32", json_sprintf("%08x", h->crc));
    json_object_set_new(object, "geometry_hash", json_sprintf("%016" PRIx64, h->geometry_hash));
    const struct {
        const char *name;
        uint64_t value;
    } fields[] = {
        {"version", h->version},
        {"image_bytes", h->image_bytes},
        {"rows", h->rows},
        {"lanes", h->lanes},
        {"mac_lanes", h->mac_lanes},
        {"requant_units", h->requant_units},
        {"datapaths", h->datapaths},
        {"mult_bits", h->mult_bits},
        {"act_words", h->act_words},
        {"z_words", h->z_words},
        {"weight_words", h->weight_words},
        {"layer_count", h->layer_count},
        {"switch_count", h->switch_count},
        {"classes", h->classes},
        {"input_height", h->input_height},
        {"input_width", h->input_width},
        {"input_channels", h->input_channels},
        {"input_bytes", h->input_bytes},
        {"output_bytes", h->output_bytes},
        {"store_bytes", h->store_bytes},
        {"z_frac", h->z_frac},
        {"switch_offset", h->switch_offset},
        {"name_offset", h->name_offset},
        {"descriptor_offset", h->descriptor_offset},
        {"switch_stride", h->switch_stride},
        {"table_offset", h->table_offset},
        {"table_bytes", h->table_bytes},
        {"weight_offset", h->weight_offset},
        {"weight_bytes", h->weight_bytes},
    };
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        json_object_set_new(object, fields[i].name, json_integer((json_int_t)fields[i].value));
    }
    return object;
}

static json_t *program_json(const struct bd_program *program)
{
    json_t *switches = json_array();
    for (unsigned s = 0; s < program->header->switch_count; s++) {
        json_t *layers = json_array();
        for (unsigned l = 0; l < program->header->layer_count; l++) {
            json_t *layer = descriptor_json(bd_program_descriptor(program, s, l));
            json_object_set_new(layer, "name", bd_json_text(program->names[l]));
            json_array_append_new(layers, layer);
        }
        json_array_append_new(switches,
                              json_pack("{s:o, s:i, s:i, s:o}", "name", bd_json_text(program->switches[s].name),
                                        "weight_bits", program->switches[s].weight_bits, "activation_bits",
                                        program->switches[s].activation_bits, "layers", layers));
    }
    return json_pack("{s:o, s:o}", "header", header_json(program), "switches", switches);
}

/* ---- the network without its layout ------------------------------------------------------------------------- */

/* Switches that store the same planes share one file of codes, the first switch's without a number. */
static bool owns_codes(const struct bd_decoded *decoded, unsigned s, unsigned l)
{
    return s > 0 && bd_decoded_codes(decoded, s, l) != bd_decoded_codes(decoded, 0, l);
}

static void codes_name(const struct bd_decoded *decoded, unsigned s, unsigned l, char *name, size_t size)
{
    if (owns_codes(decoded, s, l)) {
        snprintf(name, size, "layer%03u_switch%u_codes.npy", l, s);
    } else {
        snprintf(name, size, "layer%03u_codes.npy", l);
    }
}

/* What one layer does at one switch, in the terms of model/exec/README.md. */
static json_t *switch_json(const struct bd_decoded *decoded, const struct bd_descriptor *d, unsigned s, unsigned l)
{
    json_t *object = json_pack("{s:i, s:i, s:b, s:i, s:b}", "weight_bits", d->weight_bits, "in_bits", d->in_bits,
                               "in_signed", (d->flags & BD_FLAG_IN_SIGNED) != 0, "out_bits", d->out_bits, "out_signed",
                               (d->flags & BD_FLAG_OUT_SIGNED) != 0);
    json_object_set_new(object, "sh", json_integer(d->shift));
    json_object_set_new(object, "R", json_integer(d->residual_multiplier));
    json_object_set_new(object, "rs", json_integer(d->residual_shift));
    json_object_set_new(object, "S", json_integer(d->code_multiplier));
    json_object_set_new(object, "H", json_integer(d->code_offset));
    json_object_set_new(object, "ss", json_integer(d->code_shift));
    json_object_set_new(object, "M", json_sprintf("layer%03u_switch%u_m.npy", l, s));
    json_object_set_new(object, "B", json_sprintf("layer%03u_switch%u_b.npy", l, s));
    if (d->operation == BD_OP_CONV) {
        char name[64];
        codes_name(decoded, s, l, name, sizeof name);
        json_object_set_new(object, "codes", json_string(name));
        json_object_set_new(object, "weight_zero_point", json_integer(d->weight_zero_point));
    }
    return object;
}

static json_t *layer_json(const struct bd_program *program, const struct bd_decoded *decoded, unsigned l)
{
    const struct bd_descriptor *d = bd_program_descriptor(program, 0, l);
    json_t *at = json_array();
    for (unsigned s = 0; s < program->header->switch_count; s++) {
        json_array_append_new(at, switch_json(decoded, bd_program_descriptor(program, s, l), s, l));
    }
    const bool pool = d->operation == BD_OP_POOL;
    json_t *object =
        json_pack("{s:o, s:s, s:i, s:[i,i,i], s:[i,i,i], s:[i,i], s:i, s:[i,i,i,i], s:i, s:b, s:b, s:b, s:o}", "name",
                  bd_json_text(program->names[l]), "operation", pool ? bd_pool_kinds[d->pool_kind].name : "conv",
                  "reads", bd_decoded_producer(decoded, l), "in", d->in_height, d->in_width, d->in_channels, "out",
                  d->out_height, d->out_width, d->out_channels, "kernel", d->kernel_h, d->kernel_w, "stride", d->stride,
                  "pad", d->pad_top, d->pad_bottom, d->pad_left, d->pad_right, "groups", d->groups, "writes_codes",
                  (d->flags & BD_FLAG_WRITE_CODES) != 0, "writes_stream", (d->flags & BD_FLAG_WRITE_STREAM) != 0,
                  "adds_stream", (d->flags & BD_FLAG_ADD_STREAM) != 0, "switches", at);
    return object;
}

static bd_status write_array(const char *folder, const char *name, enum bd_npy_type type, int rank,
                             const int64_t *shape, const void *data, struct bd_error *err)
{
    char *path = bd_asprintf("%s/%s", folder, name);
    const bd_status status = bd_cli_write_array(path, NULL, type, rank, shape, data, err);
    free(path);
    return status;
}

static bd_status extract_layer(const struct bd_program *program, const struct bd_decoded *decoded, unsigned l,
                               const char *folder, struct bd_error *err)
{
    const struct bd_descriptor *d = bd_program_descriptor(program, 0, l);
    char name[64];
    const int64_t shape[4] = {d->out_channels, d->in_channels / d->groups, d->kernel_h, d->kernel_w};
    for (unsigned s = 0; s < program->header->switch_count && d->operation == BD_OP_CONV; s++) {
        codes_name(decoded, s, l, name, sizeof name);
        if ((s == 0 || owns_codes(decoded, s, l)) &&
            write_array(folder, name, BD_NPY_U8, 4, shape, bd_decoded_codes(decoded, s, l), err)) {
            return err->status;
        }
    }
    const int64_t channels = d->out_channels;
    for (unsigned s = 0; s < program->header->switch_count; s++) {
        snprintf(name, sizeof name, "layer%03u_switch%u_m.npy", l, s);
        if (write_array(folder, name, BD_NPY_I32, 1, &channels, bd_decoded_multipliers(decoded, s, l), err)) {
            return err->status;
        }
        snprintf(name, sizeof name, "layer%03u_switch%u_b.npy", l, s);
        if (write_array(folder, name, BD_NPY_I64, 1, &channels, bd_decoded_biases(decoded, s, l), err)) {
            return err->status;
        }
    }
    return BD_OK;
}

/* network.json goes last: where it stands, all arrays do. */
static bd_status extract(const struct bd_program *program, const char *folder, struct bd_error *err)
{
    struct bd_decoded *decoded;
    if (bd_decode(program, &decoded, err)) {
        return err->status;
    }
    json_t *switches = json_array(), *layers = json_array();
    bd_status status = bd_make_folder(folder, err);
    for (unsigned s = 0; s < program->header->switch_count; s++) {
        json_array_append_new(switches, bd_json_text(program->switches[s].name));
    }
    for (unsigned l = 0; l < program->header->layer_count && status == BD_OK; l++) {
        json_array_append_new(layers, layer_json(program, decoded, l));
        status = extract_layer(program, decoded, l, folder, err);
    }
    const struct bd_program_header *h = program->header;
    json_t *network = json_pack("{s:o, s:[i,i,i], s:i, s:i, s:o, s:o}", "network", bd_json_text(h->network), "input",
                                h->input_height, h->input_width, h->input_channels, "classes", h->classes, "z_frac",
                                h->z_frac, "switches", switches, "layers", layers);
    if (status == BD_OK) {
        char *text = json_dumps(network, JSON_INDENT(1)), *path = bd_asprintf("%s/network.json", folder);
        status = bd_output_check(path, BD_OUTPUT_TEXT, NULL, NULL, err);
        status = status ? status : bd_file_write(path, text, strlen(text), err);
        free(path);
        free(text);
    }
    json_decref(network);
    bd_decoded_free(decoded);
    return status;
}

/* ---- text --------------------------------------------------------------------------------------------------- */

static void print_layer(const struct bd_program *program, unsigned s, unsigned l)
{
    const struct bd_descriptor *d = bd_program_descriptor(program, s, l);
    const bool pool = d->operation == BD_OP_POOL;
    printf("  %3u %-14s %-4s %ux%u%-2s->%u  %ux%ux%u -> %ux%ux%u", l, program->names[l],
           pool                              ? bd_pool_kinds[d->pool_kind].largest ? "max" : "pool"
           : d->datapath == BD_DATAPATH_XNOR ? "xnor"
                                             : "mac",
           d->weight_bits, d->in_bits, d->flags & BD_FLAG_IN_SIGNED ? "s" : "", d->out_bits, d->in_height, d->in_width,
           d->in_channels, d->out_height, d->out_width, d->out_channels);
    if (!pool || bd_pool_kinds[d->pool_kind].windows) {
        printf("  %ux%u/%u pad %u", d->kernel_h, d->kernel_w, d->stride, d->pad_top);
    }
    if (d->groups > 1) {
        printf("  groups %u", d->groups);
    }
    printf("  tiles %u  words %u  clocks/pixel %u%s%s%s\n", d->row_groups, d->k_words, d->initiation_interval,
           d->flags & BD_FLAG_IM2COL ? "  windows" : "", d->flags & BD_FLAG_WRITE_STREAM ? "  stream" : "",
           d->flags & BD_FLAG_ADD_STREAM ? "+" : "");
}

static void print_program(const struct bd_program *program)
{
    const struct bd_program_header *h = program->header;
    printf("network '%s': %u layers, %u switches, %ux%ux%u to %u classes\n", h->network, h->layer_count,
           h->switch_count, h->input_height, h->input_width, h->input_channels, h->classes);
    printf("image %" PRIu64 " bytes, crc32 %08x, version %u: tables %u bytes, weights %u bytes\n", h->image_bytes,
           h->crc, h->version, h->table_bytes, h->weight_bytes);
    printf("geometry %016" PRIx64 ": %u rows x %u lanes, %u MAC lanes, %u requantizers of %u-bit M; buffers of %u, %u "
           "and 2 x %u words\n",
           h->geometry_hash, h->rows, h->lanes, h->mac_lanes, h->requant_units, h->mult_bits, h->act_words, h->z_words,
           h->weight_words);
    printf("stream of %u fraction bits; stores need %u bytes\n", h->z_frac, h->store_bytes);
    for (unsigned s = 0; s < h->switch_count; s++) {
        printf("%s\n", program->switches[s].name);
        for (unsigned l = 0; l < h->layer_count; l++) {
            print_layer(program, s, l);
        }
    }
}

int cmd_inspect(int argc, char **argv)
{
    bool json = false;
    const char *folder = NULL;
    const struct bd_option table[] = {{"json", .flag = &json}, {"extract", .text = &folder}, {0}};
    int code = bd_cli_options("inspect", usage, table, argc, argv);
    if (code != BD_OPTIONS_READ) {
        return code;
    }
    if (optind + 1 != argc) {
        return bd_cli_usage("inspect", "expected one NET.bdp");
    }
    struct bd_error err;
    struct bd_program program;
    if (bd_program_load(&program, argv[optind], &err)) {
        return bd_cli_fail("inspect", &err);
    }
    bd_status status = folder ? extract(&program, folder, &err) : BD_OK;
    if (status == BD_OK && json) {
        bd_cli_report(program_json(&program));
    } else if (status == BD_OK) {
        print_program(&program);
    }
    bd_program_release(&program);
    return status == BD_OK ? BD_OK : bd_cli_fail("inspect", &err);
}
