#include "model/program/maps.h"

#include "model/program/layout.h"

static bool same_map(const struct bd_descriptor *a, const struct bd_descriptor *b)
{
    return a->out_width == b->out_width && a->out_channels == b->out_channels;
}

/* Same codes, alike in memory. */
static bool same_codes(const struct bd_descriptor *a, const struct bd_descriptor *b)
{
    return same_map(a, b) && a->out_bits == b->out_bits && a->out_layout == b->out_layout &&
           !(a->flags & BD_FLAG_OUT_SIGNED) == !(b->flags & BD_FLAG_OUT_SIGNED);
}

static bool image_row(const struct bd_program_header *h, const struct bd_descriptor *d, uint32_t y,
                      struct bd_map_row *row)
{
    const uint64_t bytes = (uint64_t)h->input_width * h->input_channels;
    const uint64_t first = d->store_codes_offset / bytes;
    *row = (struct bd_map_row){.layer = -1, .row = (uint32_t)(first + y)};
    return d->out_width == h->input_width && d->out_channels == h->input_channels && d->out_bits == 8 &&
           !(d->flags & BD_FLAG_OUT_SIGNED) && d->store_codes_offset % bytes == 0 && first + y < h->input_height;
}

/* The layer before `layer` whose bytes at `offset` hold the place `at`. */
static bool find(const struct bd_program *p, unsigned s, unsigned layer, bool codes, uint64_t at, uint32_t row_bytes,
                 struct bd_map_row *row)
{
    const struct bd_descriptor *d = bd_program_descriptor(p, s, layer);
    for (unsigned l = 0; l < layer; l++) {
        const struct bd_descriptor *o = bd_program_descriptor(p, s, l);
        const uint64_t begin = codes ? o->store_codes_offset : o->store_z_offset;
        const uint64_t bytes = codes ? o->store_codes_bytes : o->store_z_bytes;
        if (!(o->flags & (codes ? BD_FLAG_SPILL_CODES : BD_FLAG_SPILL_STREAM)) || at < begin || at >= begin + bytes)
            continue;
        *row = (struct bd_map_row){.layer = (int)l, .row = (uint32_t)((at - begin) / row_bytes)};
        const bool alike = codes
                               ? same_codes(d, o)
                               : same_map(d, o) && !(d->flags & BD_FLAG_Z_OUT_WIDE) == !(o->flags & BD_FLAG_Z_OUT_WIDE);
        return alike && (at - begin) % row_bytes == 0 && row->row < o->out_height;
    }
    return false;
}

bool bd_map_codes_row(const struct bd_program *p, unsigned s, unsigned l, uint32_t y, struct bd_map_row *row)
{
    const struct bd_descriptor *d = bd_program_descriptor(p, s, l);
    if (d->flags & BD_FLAG_LOAD_INPUT)
        return image_row(p->header, d, y, row);
    const uint32_t bytes = bd_map_row_bytes(d);
    return find(p, s, l, true, d->store_codes_offset + (uint64_t)y * bytes, bytes, row);
}

bool bd_map_stream_row(const struct bd_program *p, unsigned s, unsigned l, uint32_t y, struct bd_map_row *row)
{
    const struct bd_descriptor *d = bd_program_descriptor(p, s, l);
    const uint32_t bytes = bd_map_z_row_bytes(d, p->header);
    return find(p, s, l, false, d->store_z_offset + (uint64_t)y * bytes, bytes, row);
}

bool bd_map_stream_even(const struct bd_descriptor *d, const struct bd_program_header *g)
{
    return (d->flags & BD_FLAG_Z_OUT_WIDE) || d->out_width * d->row_groups * (g->rows / g->requant_units) % 2 == 0;
}

bool bd_map_is_band(const struct bd_program *p, unsigned first, unsigned at)
{
    const struct bd_descriptor *d = bd_program_descriptor(p, 0, first), *o = bd_program_descriptor(p, 0, at);
    return o->operation != BD_OP_LOAD && o->table_offset == d->table_offset;
}

int bd_map_first_band(const struct bd_program *p, unsigned index, unsigned *bands)
{
    int first = -1;
    unsigned layers = 0;
    *bands = 0;
    for (unsigned l = 0; l < p->header->layer_count; l++) {
        if (bd_program_descriptor(p, 0, l)->operation == BD_OP_LOAD)
            continue;
        if (first < 0 || !bd_map_is_band(p, (unsigned)first, l)) {
            if (layers++ > index)
                break;
            first = (int)l;
            *bands = 0;
        }
        ++*bands;
    }
    return layers > index ? first : -1;
}
