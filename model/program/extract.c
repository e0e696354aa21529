#include "model/program/extract.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/core/file.h"
#include "model/core/json.h"
#include "model/core/memory.h"
#include "model/core/output.h"
#include "model/program/decode.h"
#include "model/program/maps.h"

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
    if (d->operation == BD_OP_LOAD) {
        return object;
    }
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

/* [layer, row] of each row that a load brings; layer -1: the image. */
static json_t *rows_json(const struct bd_program *program, unsigned l, bool codes)
{
    const struct bd_descriptor *d = bd_program_descriptor(program, 0, l);
    json_t *rows = json_array();
    for (uint32_t y = 0; y < d->out_height; y++) {
        struct bd_map_row from = {0};
        (void)(codes ? bd_map_codes_row : bd_map_stream_row)(program, 0, l, y, &from);
        json_array_append_new(rows, json_pack("[i,i]", from.layer, (int)from.row));
    }
    return rows;
}

static json_t *layer_json(const struct bd_program *program, const struct bd_decoded *decoded, unsigned l)
{
    const struct bd_descriptor *d = bd_program_descriptor(program, 0, l);
    json_t *at = json_array();
    for (unsigned s = 0; s < program->header->switch_count; s++) {
        json_array_append_new(at, switch_json(decoded, bd_program_descriptor(program, s, l), s, l));
    }
    const bool pool = d->operation == BD_OP_POOL, load = d->operation == BD_OP_LOAD;
    json_t *object =
        json_pack("{s:o, s:s, s:i, s:[i,i,i], s:[i,i,i], s:[i,i], s:i, s:[i,i,i,i], s:i, s:b, s:b, s:b, s:o}", "name",
                  bd_json_text(program->names[l]), "operation",
                  load   ? "load"
                  : pool ? bd_pool_kinds[d->pool_kind].name
                         : "conv",
                  "reads", bd_decoded_producer(decoded, l), "in", d->in_height, d->in_width, d->in_channels, "out",
                  d->out_height, d->out_width, d->out_channels, "kernel", d->kernel_h, d->kernel_w, "stride", d->stride,
                  "pad", d->pad_top, d->pad_bottom, d->pad_left, d->pad_right, "groups", d->groups, "writes_codes",
                  (d->flags & BD_FLAG_WRITE_CODES) != 0, "writes_stream", (d->flags & BD_FLAG_WRITE_STREAM) != 0,
                  "adds_stream", (d->flags & BD_FLAG_ADD_STREAM) != 0, "switches", at);
    if (load) {
        json_object_set_new(object, "rows", rows_json(program, l, d->flags & BD_FLAG_WRITE_CODES));
    }
    return object;
}

static bd_status write_array(const char *folder, const char *name, enum bd_npy_type type, int rank,
                             const int64_t *shape, const void *data, struct bd_error *err)
{
    char *path = bd_asprintf("%s/%s", folder, name);
    bd_status status = bd_output_check(path, BD_OUTPUT_ARRAY, NULL, NULL, err);
    status = status ? status : bd_npy_write(path, type, rank, shape, data, err);
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
    for (unsigned s = 0; s < program->header->switch_count && d->operation != BD_OP_LOAD; s++) {
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

bd_status bd_program_extract(const struct bd_program *program, const char *folder, struct bd_error *err)
{
    struct bd_decoded *decoded;
    if (bd_decode(program, &decoded, err)) {
        return err->status;
    }
    json_t *switches = json_array(), *layers = json_array(), *z_frac = json_array();
    bd_status status = bd_make_folder(folder, err);
    for (unsigned s = 0; s < program->header->switch_count; s++) {
        json_array_append_new(switches, bd_json_text(program->switches[s].name));
        json_array_append_new(z_frac, json_integer(program->switches[s].z_frac));
    }
    for (unsigned l = 0; l < program->header->layer_count && status == BD_OK; l++) {
        json_array_append_new(layers, layer_json(program, decoded, l));
        status = extract_layer(program, decoded, l, folder, err);
    }
    const struct bd_program_header *h = program->header;
    json_t *network = json_pack("{s:o, s:[i,i,i], s:i, s:o, s:o, s:o}", "network", bd_json_text(h->network), "input",
                                h->input_height, h->input_width, h->input_channels, "classes", h->classes, "z_frac",
                                z_frac, "switches", switches, "layers", layers);
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
