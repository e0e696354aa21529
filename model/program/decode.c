#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/program/decode.h"
#include "model/program/layout.h"
#include "model/program/planes.h"

struct layer_contents {
    uint8_t *codes; /* owned by the first switch that shows them */
    bool owns_codes;
    int32_t *multipliers;
    int64_t *biases;
};

struct bd_decoded {
    unsigned switch_count, layer_count;
    struct layer_contents *contents; /* [switch][layer] */
    int *producers;                  /* [layer] */
};

static struct layer_contents *at(const struct bd_decoded *decoded, unsigned s, unsigned l)
{
    return &decoded->contents[s * decoded->layer_count + l];
}

/* Planes that the image holds of what switch s reads: as many as its readers want. */
static uint32_t stored_planes(const struct bd_program *p, unsigned s, unsigned l)
{
    const struct bd_descriptor *d = bd_program_descriptor(p, s, l);
    uint32_t planes = d->weight_bits;
    for (unsigned other = 0; other < p->header->switch_count; other++) {
        const struct bd_descriptor *o = bd_program_descriptor(p, other, l);
        if (o->weight_offset == d->weight_offset && o->weight_bits > planes)
            planes = o->weight_bits;
    }
    return planes;
}

/* B is B' without what the array's sum lacks. */
static void decode_table(const struct bd_program *p, const struct bd_descriptor *d, struct layer_contents *c)
{
    const size_t taps = d->operation == BD_OP_CONV ? (size_t)d->in_channels / d->groups * d->kernel_h * d->kernel_w : 0;
    c->multipliers = bd_xcalloc(d->out_channels, sizeof *c->multipliers);
    c->biases = bd_xcalloc(d->out_channels, sizeof *c->biases);
    if (d->operation == BD_OP_LOAD)
        return;
    for (uint32_t oc = 0; oc < d->out_channels; oc++) {
        int64_t row[2], sum = 0;
        memcpy(row, p->image + d->table_offset + (size_t)oc * BD_TABLE_ROW_BYTES, sizeof row);
        c->multipliers[oc] = (int32_t)row[0];
        c->biases[oc] = row[1];
        if (!bd_bias_holds_constant(d))
            continue;
        for (size_t i = 0; i < taps; i++)
            sum += c->codes[oc * taps + i] >> (8 - d->weight_bits);
        c->biases[oc] -= row[0] * bd_row_constant(d, sum, (int64_t)taps);
    }
}

static void decode_layer(const struct bd_program *p, struct bd_decoded *decoded, unsigned s, unsigned l)
{
    const struct bd_descriptor *d = bd_program_descriptor(p, s, l);
    struct layer_contents *c = at(decoded, s, l);
    for (unsigned other = 0; other < s && d->operation == BD_OP_CONV && !c->codes; other++)
        if (bd_program_descriptor(p, other, l)->weight_offset == d->weight_offset)
            c->codes = at(decoded, other, l)->codes;
    for (unsigned twin = 0; twin < l && d->operation == BD_OP_CONV && !c->codes; twin++)
        if (bd_program_same_weights(bd_program_descriptor(p, s, twin), d))
            c->codes = at(decoded, s, twin)->codes;
    if (d->operation == BD_OP_CONV && !c->codes) {
        c->codes = bd_planes_read(p, d, stored_planes(p, s, l));
        c->owns_codes = true;
    }
    decode_table(p, d, c);
}

/* ---- data flow ---------------------------------------------------------------------------------------------- */

/* Words of each bank of the tensors that a layer reads and writes. */
static uint64_t in_words(const struct bd_descriptor *d)
{
    return bd_tensor_layout(d->in_layout, d->in_bits, d->in_height, d->in_width, d->in_channels).words;
}

static uint64_t out_words(const struct bd_descriptor *d)
{
    return bd_tensor_layout(d->out_layout, d->out_bits, d->out_height, d->out_width, d->out_channels).words;
}

static bool writes_over_input(const struct bd_descriptor *writer, const struct bd_descriptor *reader)
{
    return (writer->flags & BD_FLAG_WRITE_CODES) && writer->out_base < reader->in_base + in_words(reader) &&
           reader->in_base < writer->out_base + out_words(writer);
}

static bool same_tensor(const struct bd_descriptor *reader, const struct bd_descriptor *writer)
{
    return reader->in_base == writer->out_base && reader->in_height == writer->out_height &&
           reader->in_width == writer->out_width && reader->in_channels == writer->out_channels &&
           reader->in_layout == writer->out_layout && reader->in_bits == writer->out_bits &&
           !(reader->flags & BD_FLAG_IN_SIGNED) == !(writer->flags & BD_FLAG_OUT_SIGNED);
}

static bd_status flow_fail(const struct bd_program *p, unsigned s, unsigned l, const char *what, struct bd_error *err)
{
    return bd_fail(err, BD_BAD_INPUT, "program '%s': layer '%s' at switch '%s': %s", p->header->network, p->names[l],
                   p->switches[s].name, what);
}

/* The last layer before l whose codes overlap what l reads must have written exactly that. */
static bd_status find_producer(const struct bd_program *p, unsigned s, unsigned l, int *producer, struct bd_error *err)
{
    const struct bd_descriptor *d = bd_program_descriptor(p, s, l);
    const struct bd_descriptor *first = bd_program_descriptor(p, s, 0);
    if (writes_over_input(d, d))
        return flow_fail(p, s, l, "it overwrites the tensor that it reads", err);
    for (int k = (int)l - 1; k >= 0; k--) {
        const struct bd_descriptor *w = bd_program_descriptor(p, s, (unsigned)k);
        if (!writes_over_input(w, d))
            continue;
        if (!same_tensor(d, w))
            return flow_fail(p, s, l, "it reads a tensor that no layer wrote in that layout", err);
        *producer = k;
        return BD_OK;
    }
    *producer = -1;
    if (l > 0 &&
        (first->operation != BD_OP_CONV || d->in_base != first->in_base || d->in_height != first->in_height ||
         d->in_width != first->in_width || d->in_channels != first->in_channels || d->in_bits != first->in_bits ||
         d->in_layout != first->in_layout || !(d->flags & BD_FLAG_IN_SIGNED) != !(first->flags & BD_FLAG_IN_SIGNED)))
        return flow_fail(p, s, l, "it reads a tensor that no layer wrote", err);
    return BD_OK;
}

/* There is one stream: a layer that writes it replaces it. */
static bd_status check_stream(const struct bd_program *p, unsigned s, struct bd_error *err)
{
    const struct bd_descriptor *held = NULL;
    for (unsigned l = 0; l < p->header->layer_count; l++) {
        const struct bd_descriptor *d = bd_program_descriptor(p, s, l);
        const bool pool = d->operation == BD_OP_POOL;
        if (d->flags & BD_FLAG_ADD_STREAM || pool) {
            const uint32_t height = pool ? d->in_height : d->out_height, width = pool ? d->in_width : d->out_width;
            if (!held || held->z_out_base != d->z_in_base ||
                !(held->flags & BD_FLAG_Z_OUT_WIDE) != !(d->flags & BD_FLAG_Z_IN_WIDE) || held->out_height != height ||
                held->out_width != width || held->out_channels != d->out_channels)
                return flow_fail(p, s, l, "it reads a residual stream that no layer wrote in that shape", err);
        }
        if (d->flags & BD_FLAG_WRITE_STREAM)
            held = d;
    }
    return BD_OK;
}

static bd_status trace_flow(const struct bd_program *p, struct bd_decoded *decoded, struct bd_error *err)
{
    for (unsigned s = 0; s < decoded->switch_count; s++) {
        if (check_stream(p, s, err))
            return err->status;
        for (unsigned l = 0; l < decoded->layer_count; l++) {
            int producer = -2;
            if (bd_program_descriptor(p, s, l)->operation == BD_OP_CONV && find_producer(p, s, l, &producer, err))
                return err->status;
            if (s > 0 && producer != decoded->producers[l])
                return flow_fail(p, s, l, "it reads another tensor than at the first switch", err);
            decoded->producers[l] = producer;
        }
    }
    return BD_OK;
}

bd_status bd_decode(const struct bd_program *program, struct bd_decoded **out, struct bd_error *err)
{
    struct bd_decoded *decoded = bd_xcalloc(1, sizeof *decoded);
    decoded->switch_count = program->header->switch_count;
    decoded->layer_count = program->header->layer_count;
    decoded->contents = bd_xcalloc((size_t)decoded->switch_count * decoded->layer_count, sizeof *decoded->contents);
    decoded->producers = bd_xcalloc(decoded->layer_count, sizeof *decoded->producers);
    *out = NULL;
    if (trace_flow(program, decoded, err)) {
        bd_decoded_free(decoded);
        return err->status;
    }
    for (unsigned s = 0; s < decoded->switch_count; s++)
        for (unsigned l = 0; l < decoded->layer_count; l++)
            decode_layer(program, decoded, s, l);
    *out = decoded;
    return BD_OK;
}

void bd_decoded_free(struct bd_decoded *decoded)
{
    if (!decoded)
        return;
    for (unsigned i = 0; i < decoded->switch_count * decoded->layer_count; i++) {
        if (decoded->contents[i].owns_codes)
            free(decoded->contents[i].codes);
        free(decoded->contents[i].multipliers);
        free(decoded->contents[i].biases);
    }
    free(decoded->contents);
    free(decoded->producers);
    free(decoded);
}

int bd_decoded_producer(const struct bd_decoded *decoded, unsigned layer)
{
    return decoded->producers[layer];
}

const uint8_t *bd_decoded_codes(const struct bd_decoded *decoded, unsigned switch_index, unsigned layer)
{
    return at(decoded, switch_index, layer)->codes;
}

const int32_t *bd_decoded_multipliers(const struct bd_decoded *decoded, unsigned switch_index, unsigned layer)
{
    return at(decoded, switch_index, layer)->multipliers;
}

const int64_t *bd_decoded_biases(const struct bd_decoded *decoded, unsigned switch_index, unsigned layer)
{
    return at(decoded, switch_index, layer)->biases;
}
