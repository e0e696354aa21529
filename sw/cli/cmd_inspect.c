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
#include "model/program/extract.h"
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
        {"requant_units", h->requant_units},
        {"mac_channels", h->mac_channels},
        {"datapaths", h->datapaths},
        {"acc_bits", h->acc_bits},
        {"mult_bits", h->mult_bits},
        {"act_words", h->act_words},
        {"z_words", h->z_words},
        {"weight_words", h->weight_words},
        {"table_words", h->table_words},
        {"correct_words", h->correct_words},
        {"descriptors", h->descriptors},
        {"layer_count", h->layer_count},
        {"switch_count", h->switch_count},
        {"classes", h->classes},
        {"input_height", h->input_height},
        {"input_width", h->input_width},
        {"input_channels", h->input_channels},
        {"input_bytes", h->input_bytes},
        {"output_bytes", h->output_bytes},
        {"store_bytes", h->store_bytes},
        {"map_bytes", h->map_bytes},
        {"switch_offset", h->switch_offset},
        {"name_offset", h->name_offset},
        {"load_offset", h->load_offset},
        {"descriptor_offset", h->descriptor_offset},
        {"switch_stride", h->switch_stride},
        {"table_offset", h->table_offset},
        {"table_bytes", h->table_bytes},
        {"correct_offset", h->correct_offset},
        {"correct_bytes", h->correct_bytes},
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
                              json_pack("{s:o, s:i, s:i, s:i, s:o}", "name", bd_json_text(program->switches[s].name),
                                        "weight_bits", program->switches[s].weight_bits, "activation_bits",
                                        program->switches[s].activation_bits, "z_frac", program->switches[s].z_frac,
                                        "layers", layers));
    }
    return json_pack("{s:o, s:o}", "header", header_json(program), "switches", switches);
}

/* ---- text --------------------------------------------------------------------------------------------------- */

static void print_layer(const struct bd_program *program, unsigned s, unsigned l)
{
    const struct bd_descriptor *d = bd_program_descriptor(program, s, l);
    const bool pool = d->operation == BD_OP_POOL;
    printf("  %3u %-14s %-4s %ux%u%-2s->%u  %ux%ux%u -> %ux%ux%u", l, program->names[l],
           d->operation == BD_OP_LOAD        ? "load"
           : pool                            ? bd_pool_kinds[d->pool_kind].largest ? "max" : "pool"
           : d->datapath == BD_DATAPATH_XNOR ? "xnor"
                                             : "mac",
           d->weight_bits, d->in_bits, d->flags & BD_FLAG_IN_SIGNED ? "s" : "", d->out_bits, d->in_height, d->in_width,
           d->in_channels, d->out_height, d->out_width, d->out_channels);
    if (d->operation != BD_OP_LOAD && (!pool || bd_pool_kinds[d->pool_kind].windows)) {
        printf("  %ux%u/%u pad %u", d->kernel_h, d->kernel_w, d->stride, d->pad_top);
    }
    if (d->groups > 1) {
        printf("  groups %u", d->groups);
    }
    printf("  tiles %u  blocks %u x %u + %u  clocks/block %u%s%s%s%s%s%s%s\n", d->row_groups, d->blocks_large,
           d->pixels_large, d->blocks_small, d->interval_large, d->flags & BD_FLAG_SIGN_ONLY ? "  signs" : "",
           d->flags & BD_FLAG_WRITE_STREAM ? "  stream" : "", d->flags & BD_FLAG_ADD_STREAM ? "+" : "",
           d->flags & BD_FLAG_STREAM_WEIGHTS ? "  weights fetched" : "",
           d->flags & BD_FLAG_STREAM_TABLES ? "  tables fetched" : "",
           d->flags & BD_FLAG_SPILL_CODES ? "  codes to memory" : "",
           d->flags & BD_FLAG_SPILL_STREAM ? "  stream to memory" : "");
}

static void print_program(const struct bd_program *program)
{
    const struct bd_program_header *h = program->header;
    printf("network '%s': %u layers, %u switches, %ux%ux%u to %u classes\n", h->network, h->layer_count,
           h->switch_count, h->input_height, h->input_width, h->input_channels, h->classes);
    printf("image %" PRIu64 " bytes, crc32 %08x, version %u: tables %u bytes, corrections %u, weights %u\n",
           h->image_bytes, h->crc, h->version, h->table_bytes, h->correct_bytes, h->weight_bytes);
    printf("geometry %016" PRIx64 ": %u rows, %u MAC channels, %u requantizers of %u-bit M; words: activations 9 x %u, "
           "residual %u, weights %u, tables %u, corrections %u\n",
           h->geometry_hash, h->rows, h->mac_channels, h->requant_units, h->mult_bits, h->act_words, h->z_words,
           h->weight_words, h->table_words, h->correct_words);
    const struct bd_load_descriptor *load = bd_program_load_descriptor(program);
    printf("resident: descriptors %u bytes, tables %u, corrections %u, weights %u\n", 8 * load->descriptor_beats,
           8 * load->table_beats, 8 * load->correct_beats, 8 * load->weight_beats);
    printf("stores need %u bytes, of them maps of every frame %u\n", h->store_bytes, h->map_bytes);
    for (unsigned s = 0; s < h->switch_count; s++) {
        printf("%s, stream of %d fraction bits\n", program->switches[s].name, program->switches[s].z_frac);
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
    bd_status status = folder ? bd_program_extract(&program, folder, &err) : BD_OK;
    if (status == BD_OK && json) {
        bd_cli_report(program_json(&program));
    } else if (status == BD_OK) {
        print_program(&program);
    }
    bd_program_release(&program);
    return status == BD_OK ? BD_OK : bd_cli_fail("inspect", &err);
}
