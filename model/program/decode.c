#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"
#include "model/program/decode.h"
#include "model/program/layout.h"

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

/* Reads every weight where bd_weight_place says that it stands, plane by plane from the top. */
static uint8_t *decode_codes(const struct bd_program *p, const struct bd_descriptor *d)
{
    const struct bd_program_header *h = p->header;
    const uint32_t channels = d->in_channels / d->groups, plane_bytes = bd_plane_bytes(h, d->k_words);
    const uint32_t planes = d->weight_stride / plane_bytes;
    uint8_t *codes = bd_xcalloc((size_t)d->out_channels * channels * d->kernel_h, d->kernel_w), *code = codes;
    for (uint32_t oc = 0; oc < d->out_channels; oc++)
        for (uint32_t ic = 0; ic < channels; ic++)
            for (uint32_t ky = 0; ky < d->kernel_h; ky++)
                for (uint32_t kx = 0; kx < d->kernel_w; kx++, code++) {
                    uint32_t k_word, lane;
                    bd_weight_place(d, h, ky, kx, ic, &k_word, &lane);
                    const uint8_t *chunk = p->image + d->weight_offset + (size_t)(oc / h->rows) * d->weight_stride;
                    const uint64_t bit = ((uint64_t)k_word * h->rows + oc % h->rows) * h->lanes + lane;
                    for (uint32_t plane = 0; plane < planes; plane++)
                        if (chunk[(size_t)plane * plane_bytes + bit / 8] >> bit % 8 & 1)
                            *code |= (uint8_t)(0x80u >> plane);
                }
    return codes;
}

static void decode_table(const struct bd_program *p, const struct bd_descriptor *d, struct layer_contents *c)
{
    const struct bd_program_header *h = p->header;
    const uint32_t mask_bytes = 3 * ((h->lanes + 63) / 64 * 8);
    c->multipliers = bd_xcalloc(d->out_channels, sizeof *c->multipliers);
    c->biases = bd_xcalloc(d->out_channels, sizeof *c->biases);
    for (uint32_t oc = 0; oc < d->out_channels; oc++) {
        const uint8_t *row =
            p->image + d->table_offset + (size_t)(oc / h->rows) * d->table_stride + mask_bytes + oc % h->rows * 16;
        memcpy(&c->multipliers[oc], row, 4);
        memcpy(&c->biases[oc], row + 8, 8);
    }
}

static void decode_layer(const struct bd_program *p, struct bd_decoded *decoded, unsigned s, unsigned l)
{
    const struct bd_descriptor *d = bd_program_descriptor(p, s, l);
    struct layer_contents *c = at(decoded, s, l);
    decode_table(p, d, c);
    if (d->operation == BD_OP_POOL)
        return;
    for (unsigned other = 0; other < s; other++)
        if (bd_program_descriptor(p, other, l)->weight_offset == d->weight_offset) {
            c->codes = at(decoded, other, l)->codes;
            return;
        }
    c->codes = decode_codes(p, d);
    c->owns_codes = true;
}

/* ---- data flow ---------------------------------------------------------------------------------------------- */

static bool overlap(uint32_t a, uint32_t a_words, uint32_t b, uint32_t b_words)
{
    return a < b + b_words && b < a + a_words;
}

static uint32_t in_words(const struct bd_descriptor *d)
{
    return d->in_pitch * (d->flags & BD_FLAG_IM2COL ? d->out_height : d->in_height);
}

static bool same_layout(const struct bd_descriptor *reader, const struct bd_descriptor *writer)
{
    return reader->in_height == writer->out_height && reader->in_width == writer->out_width &&
           reader->in_channels == writer->out_channels && reader->in_slots == writer->out_slots &&
           reader->in_slot_lanes == writer->out_slot_lanes && reader->in_pixel_words == writer->out_pixel_words &&
           reader->in_pitch == writer->out_pitch && reader->in_left == writer->out_left &&
           reader->in_bits == writer->out_bits &&
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
    if ((d->flags & BD_FLAG_WRITE_CODES) && overlap(d->out_base, d->out_pitch * d->out_height, d->in_base, in_words(d)))
        return flow_fail(p, s, l, "it overwrites the tensor that it reads", err);
    for (int k = (int)l - 1; k >= 0; k--) {
        const struct bd_descriptor *w = bd_program_descriptor(p, s, (unsigned)k);
        if (!(w->flags & BD_FLAG_WRITE_CODES) ||
            !overlap(w->out_base, w->out_pitch * w->out_height, d->in_base, in_words(d)))
            continue;
        if (w->out_base != d->in_base || !same_layout(d, w))
            return flow_fail(p, s, l, "it reads a tensor that no layer wrote in that layout", err);
        *producer = k;
        return BD_OK;
    }
    *producer = -1;
    if (l > 0 &&
        (d->in_base != first->in_base || d->in_height != first->in_height || d->in_width != first->in_width ||
         d->in_channels != first->in_channels || d->in_bits != first->in_bits || (first->flags & BD_FLAG_IM2COL)))
        return flow_fail(p, s, l, "it reads a tensor that no layer wrote", err);
    return BD_OK;
}

/* The residual buffer holds one stream, written in place. */
static bd_status check_stream(const struct bd_program *p, unsigned s, struct bd_error *err)
{
    const struct bd_descriptor *held = NULL;
    for (unsigned l = 0; l < p->header->layer_count; l++) {
        const struct bd_descriptor *d = bd_program_descriptor(p, s, l);
        const bool pool = d->operation == BD_OP_POOL;
        if (d->flags & BD_FLAG_ADD_STREAM || pool) {
            const uint32_t height = pool ? d->in_height : d->out_height, width = pool ? d->in_width : d->out_width;
            if (!held || held->z_out_base != d->z_in_base || held->out_height != height || held->out_width != width ||
                held->out_channels != d->out_channels)
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
