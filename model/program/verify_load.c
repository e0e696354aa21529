/* What stays on the chip: the load descriptor against the layers, and every base against where its part is put. */
#include <stddef.h>

#include "model/program/layout.h"
#include "model/program/verify.h"

/* A memory of the chip: the part of its section that is loaded once, and two slots at the top. */
struct memory {
    uint64_t words, word_bytes; /* its size */
    uint64_t section, resident; /* byte of the image where its section begins; bytes that are loaded */
    uint64_t slot_base, slot_words;
};

static bd_status load_fail(const struct bd_verifier *v, size_t at, const char *what)
{
    return bd_verify_fail(v, v->program->header->load_offset + at, "load descriptor: %s", what);
}

/* Bytes that are resident lie in the section and in the memory, below the slots that are used. */
static bool holds(const struct memory *m, uint64_t section_bytes, bool slots)
{
    return m->resident <= section_bytes && m->resident % m->word_bytes == 0 &&
           m->resident / m->word_bytes <= (slots ? m->slot_base : m->words) &&
           (!slots || m->slot_base + 2 * m->slot_words <= m->words);
}

/* A layer's part: put where its section begins at word 0, or streamed in chunks that fit a slot. */
static bool part_fits(const struct memory *m, bool streamed, uint64_t offset, uint64_t base, uint64_t bytes,
                      uint64_t chunk)
{
    if (bytes == 0)
        return true;
    if (streamed)
        return base == 0 && chunk <= m->slot_words * m->word_bytes;
    return base * m->word_bytes == offset - m->section && offset - m->section + bytes <= m->resident;
}

struct memories {
    struct memory weights, tables, corrections;
};

static bd_status check_layer(const struct bd_verifier *v, const struct memories *m, uint32_t s, uint32_t l)
{
    const struct bd_program_header *h = v->program->header;
    const struct bd_descriptor *d = bd_program_descriptor(v->program, s, l);
    if (d->operation == BD_OP_LOAD)
        return BD_OK;
    const bool streams_tables = d->flags & BD_FLAG_STREAM_TABLES, streams_weights = d->flags & BD_FLAG_STREAM_WEIGHTS;
    if (!part_fits(&m->tables, streams_tables, d->table_offset, d->table_base,
                   (uint64_t)d->row_groups * bd_table_chunk(h), bd_table_chunk(h)))
        return bd_verify_fail_layer(v, s, l, offsetof(struct bd_descriptor, table_base),
                                    "its tables are not where the device puts them");
    const uint64_t correct = bd_correct_chunk(d, h);
    if (!part_fits(&m->corrections, streams_tables, d->correct_offset, d->correct_base, d->row_groups * correct,
                   correct))
        return bd_verify_fail_layer(v, s, l, offsetof(struct bd_descriptor, correct_base),
                                    "its corrections are not where the device puts them");
    if (d->operation == BD_OP_CONV && !part_fits(&m->weights, streams_weights, d->weight_offset, d->weight_base,
                                                 bd_weight_bytes(h, (uint64_t)d->row_groups * d->weight_step),
                                                 bd_weight_bytes(h, bd_weight_step(d->weight_bits, d->weight_plane))))
        return bd_verify_fail_layer(v, s, l, offsetof(struct bd_descriptor, weight_base),
                                    "its weights are not where the device puts them");
    return BD_OK;
}

static bd_status check_sections(const struct bd_verifier *v, const struct bd_load_descriptor *load)
{
    const struct bd_program_header *h = v->program->header;
    if (load->descriptor_offset != h->descriptor_offset || load->table_offset != h->table_offset ||
        load->correct_offset != h->correct_offset || load->weight_offset != h->weight_offset)
        return load_fail(v, 0, "its offsets are not the header's");
    if (load->zero[0] || load->zero[1] || load->zero[2])
        return load_fail(v, offsetof(struct bd_load_descriptor, zero), "a reserved word is not 0");
    return BD_OK;
}

bd_status bd_verify_load(const struct bd_verifier *v)
{
    const struct bd_program_header *h = v->program->header;
    const struct bd_load_descriptor *load = bd_program_load_descriptor(v->program);
    if (check_sections(v, load))
        return v->err->status;
    if (h->geometry_hash == BD_GEOMETRY_REFERENCE)
        return BD_OK; /* the reference loads nothing */
    const struct memories m = {.weights = {h->weight_words, bd_weight_bytes(h, 4) / 4, h->weight_offset,
                                           8ull * load->weight_beats, load->weight_slot_base, load->weight_slot_words},
                               .tables = {h->table_words, BD_TABLE_ROW_BYTES, h->table_offset, 8ull * load->table_beats,
                                          load->table_slot_base, h->rows},
                               .corrections = {h->correct_words, 4ull * h->requant_units, h->correct_offset,
                                               8ull * load->correct_beats, load->correct_slot_base,
                                               load->correct_slot_words}};
    bool tables = false, weights = false, corrections = false;
    for (uint32_t s = 0; s < h->switch_count; s++)
        for (uint32_t l = 0; l < h->layer_count; l++) {
            const struct bd_descriptor *d = bd_program_descriptor(v->program, s, l);
            tables |= d->flags & BD_FLAG_STREAM_TABLES;
            corrections |= (d->flags & BD_FLAG_STREAM_TABLES) && (d->flags & BD_FLAG_CORRECT);
            weights |= d->flags & BD_FLAG_STREAM_WEIGHTS;
        }
    const uint32_t lists = h->switch_count * h->layer_count;
    if (load->descriptor_beats && (load->descriptor_beats != 32 * lists || lists > h->descriptors))
        return load_fail(v, offsetof(struct bd_load_descriptor, descriptor_beats),
                         "the descriptors do not fit the device's memory for them");
    if (!holds(&m.tables, h->table_bytes, tables))
        return load_fail(v, offsetof(struct bd_load_descriptor, table_beats), "the tables exceed their memory");
    if (!holds(&m.corrections, h->correct_bytes, corrections))
        return load_fail(v, offsetof(struct bd_load_descriptor, correct_beats), "the corrections exceed their memory");
    if (!holds(&m.weights, h->weight_bytes, weights) || load->weight_slot_base % 4 || load->weight_slot_words % 4)
        return load_fail(v, offsetof(struct bd_load_descriptor, weight_beats), "the weights exceed their memory");
    for (uint32_t s = 0; s < h->switch_count; s++)
        for (uint32_t l = 0; l < h->layer_count; l++)
            if (check_layer(v, &m, s, l))
                return v->err->status;
    return BD_OK;
}
