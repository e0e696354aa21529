/* Weights, tables and corrections: which planes are stored, what stays on the chip and what is fetched for each row
 * group, and where all of it lies. */
#include <string.h>

#include "model/program/plan_parts.h"

static uint64_t align(uint64_t v)
{
    return (v + BD_PROGRAM_ALIGN - 1) / BD_PROGRAM_ALIGN * BD_PROGRAM_ALIGN;
}

/* The layer whose tables and weights layer l uses: its own, or those of the first band. -1: it has none. */
static int owner(const struct bd_plan *p, int l)
{
    return p->network->layers[l].operation == BD_OP_LOAD ? -1 : p->bands ? p->bands[l].twin : l;
}

/* ---- sizes -------------------------------------------------------------------------------------------------- */

/* Switches share planes where they read the same codes on the same datapath: there chunks are alike. */
static void share_planes(struct bd_plan *p, int l)
{
    const struct bd_plain_layer *layer = &p->network->layers[l];
    struct bd_plan_layer *keep = &p->layers[l];
    bool even[BD_PROGRAM_MAX_SWITCHES] = {false};
    for (int s = 0; s < p->network->switch_count; s++) {
        const struct bd_descriptor *d = bd_plan_descriptor(p, s, l);
        int by = 0;
        while (by < s && (bd_plan_storing_switch(layer, by) != bd_plan_storing_switch(layer, s) ||
                          bd_plan_descriptor(p, by, l)->datapath != d->datapath))
            by++;
        keep->stored_by[s] = by;
        if (by == s)
            keep->planes[s] = 0;
        if (d->weight_bits > keep->planes[by])
            keep->planes[by] = d->weight_bits;
        even[by] |= d->in_bits == 1;
    }
    for (int s = 0; s < p->network->switch_count; s++) {
        struct bd_descriptor *d = bd_plan_descriptor(p, s, l);
        const int by = keep->stored_by[s];
        d->weight_plane = bd_weight_plane(d, even[by]);
        d->weight_step = bd_weight_step(keep->planes[by], d->weight_plane);
        if (by == s)
            keep->weight_words += (uint64_t)d->row_groups * d->weight_step;
        const uint64_t chunk = bd_weight_step(d->weight_bits, d->weight_plane);
        keep->weight_chunk = chunk > keep->weight_chunk ? chunk : keep->weight_chunk;
    }
}

/* A further band reads what the first one stores. */
static void follow_planes(struct bd_plan *p, int l, int own)
{
    memcpy(p->layers[l].stored_by, p->layers[own].stored_by, sizeof p->layers[l].stored_by);
    memcpy(p->layers[l].planes, p->layers[own].planes, sizeof p->layers[l].planes);
    for (int s = 0; s < p->network->switch_count; s++) {
        struct bd_descriptor *d = bd_plan_descriptor(p, s, l);
        const struct bd_descriptor *first = bd_plan_descriptor(p, s, own);
        d->weight_plane = first->weight_plane;
        d->weight_step = first->weight_step;
    }
}

void bd_plan_measure(struct bd_plan *p, int l)
{
    struct bd_plan_layer *keep = &p->layers[l];
    *keep = (struct bd_plan_layer){0};
    const int own = owner(p, l);
    if (own < 0)
        return;
    struct bd_plan_layer *total = &p->layers[own];
    const uint32_t correct_word = p->header.requant_units * 4;
    for (int s = 0; s < p->network->switch_count; s++) {
        const struct bd_descriptor *d = bd_plan_descriptor(p, s, l);
        const uint64_t correct = bd_correct_chunk(d, &p->header) / correct_word;
        total->table_words += own == l ? (uint64_t)d->row_groups * p->header.rows : 0;
        total->correct_words += d->row_groups * correct;
        total->correct_chunk = correct > total->correct_chunk ? correct : total->correct_chunk;
    }
    if (p->network->layers[l].operation == BD_OP_CONV && own == l)
        share_planes(p, l);
    else if (p->network->layers[l].operation == BD_OP_CONV)
        follow_planes(p, l, own);
}

/* ---- what stays on the chip --------------------------------------------------------------------------------- */

/* A memory with some layers resident and two slots for the others. */
struct use {
    uint64_t resident, slot;
    int largest; /* unstreamed layer with the most; -1: all are streamed */
    uint64_t needed;
};

static struct use weight_use(const struct bd_plan *p)
{
    struct use u = {.largest = -1};
    for (int l = 0; l < p->network->layer_count; l++) {
        const struct bd_plan_layer *keep = &p->layers[l];
        if (keep->streams_weights) {
            u.slot = keep->weight_chunk > u.slot ? keep->weight_chunk : u.slot;
            continue;
        }
        u.resident += keep->weight_words;
        if (keep->weight_words && (u.largest < 0 || keep->weight_words > p->layers[u.largest].weight_words))
            u.largest = l;
    }
    u.needed = u.resident + 2 * u.slot;
    return u;
}

static struct use table_use(const struct bd_plan *p)
{
    struct use u = {.largest = -1};
    for (int l = 0; l < p->network->layer_count; l++) {
        const struct bd_plan_layer *keep = &p->layers[l];
        if (keep->streams_tables) {
            u.slot = p->header.rows;
            continue;
        }
        u.resident += keep->table_words;
        if (keep->table_words && (u.largest < 0 || keep->table_words > p->layers[u.largest].table_words))
            u.largest = l;
    }
    u.needed = u.resident + 2 * u.slot;
    return u;
}

static struct use correct_use(const struct bd_plan *p)
{
    struct use u = {.largest = -1};
    for (int l = 0; l < p->network->layer_count; l++) {
        const struct bd_plan_layer *keep = &p->layers[l];
        if (keep->streams_tables) {
            u.slot = keep->correct_chunk > u.slot ? keep->correct_chunk : u.slot;
            continue;
        }
        u.resident += keep->correct_words;
        if (keep->correct_words && (u.largest < 0 || keep->correct_words > p->layers[u.largest].correct_words))
            u.largest = l;
    }
    u.needed = u.resident + 2 * u.slot;
    return u;
}

static int most_of(const struct bd_plan *p, bool corrections)
{
    int most = 0;
    for (int l = 1; l < p->network->layer_count; l++) {
        const struct bd_plan_layer *a = &p->layers[l], *b = &p->layers[most];
        if (corrections ? a->correct_chunk > b->correct_chunk : a->weight_chunk > b->weight_chunk)
            most = l;
    }
    return most;
}

/* The layers that take most are fetched first, until the rest fits with its slots. */
static bd_status stream_weights(struct bd_plan *p, struct bd_error *err)
{
    uint64_t least = UINT64_MAX;
    for (;;) {
        const struct use u = weight_use(p);
        least = u.needed < least ? u.needed : least;
        if (p->reference_only || u.needed <= p->header.weight_words)
            return BD_OK;
        if (u.largest < 0)
            return bd_plan_refuse_size(p, most_of(p, false), "its weights need", least, "weight memory (weight_words)",
                                       p->header.weight_words, err);
        p->layers[u.largest].streams_weights = true;
    }
}

static bd_status stream_tables(struct bd_plan *p, struct bd_error *err)
{
    uint64_t least_tables = UINT64_MAX, least_corrections = UINT64_MAX;
    for (;;) {
        const struct use tables = table_use(p), corrections = correct_use(p);
        const bool fits = tables.needed <= p->header.table_words, holds = corrections.needed <= p->header.correct_words;
        least_tables = tables.needed < least_tables ? tables.needed : least_tables;
        least_corrections = corrections.needed < least_corrections ? corrections.needed : least_corrections;
        if (p->reference_only || (fits && holds))
            return BD_OK;
        const int next = fits && corrections.largest >= 0 ? corrections.largest : tables.largest;
        if (next < 0)
            break;
        p->layers[next].streams_tables = true;
    }
    if (least_tables > p->header.table_words)
        return bd_plan_refuse_size(p, 0, "its tables need", least_tables, "table memory (table_words)",
                                   p->header.table_words, err);
    return bd_plan_refuse_size(p, most_of(p, true), "its corrections need", least_corrections,
                               "correction memory (correct_words)", p->header.correct_words, err);
}

/* ---- places ------------------------------------------------------------------------------------------------- */

/* Tables and corrections of the layers that are streamed, or of those that are not, behind what stands there. */
static void place_tables(struct bd_plan *p, bool streamed, uint64_t *tables, uint64_t *corrections)
{
    const struct bd_program_header *h = &p->header;
    for (int s = 0; s < p->network->switch_count; s++)
        for (int l = 0; l < p->network->layer_count; l++) {
            const int own = owner(p, l);
            if (own < 0 || p->layers[own].streams_tables != streamed)
                continue;
            struct bd_descriptor *d = bd_plan_descriptor(p, s, l);
            const uint64_t correct = d->row_groups * (uint64_t)bd_correct_chunk(d, h);
            d->flags |= streamed ? BD_FLAG_STREAM_TABLES : 0u;
            d->table_offset =
                own == l ? (uint32_t)(h->table_offset + *tables) : bd_plan_descriptor(p, s, own)->table_offset;
            d->correct_offset = correct ? (uint32_t)*corrections : 0; /* from its section: turned later */
            d->table_base = streamed ? 0 : (d->table_offset - h->table_offset) / BD_TABLE_ROW_BYTES;
            d->correct_base = streamed || !correct ? 0 : (uint32_t)(*corrections / (h->requant_units * 4));
            *tables += own == l ? (uint64_t)d->row_groups * bd_table_chunk(h) : 0;
            *corrections += correct;
        }
}

static void place_weights(struct bd_plan *p, bool streamed, uint64_t *words)
{
    const struct bd_program_header *h = &p->header;
    for (int l = 0; l < p->network->layer_count; l++) {
        const int own = owner(p, l);
        if (p->network->layers[l].operation != BD_OP_CONV || p->layers[own].streams_weights != streamed)
            continue;
        for (int s = 0; s < p->network->switch_count; s++) {
            struct bd_descriptor *d = bd_plan_descriptor(p, s, l);
            const int by = p->layers[l].stored_by[s];
            d->flags |= streamed ? BD_FLAG_STREAM_WEIGHTS : 0u;
            if (by < s || own != l) {
                d->weight_base = bd_plan_descriptor(p, by, own)->weight_base;
                d->weight_offset = bd_plan_descriptor(p, by, own)->weight_offset;
                continue;
            }
            d->weight_base = streamed ? 0 : (uint32_t)*words;
            d->weight_offset = (uint32_t)(h->weight_offset + bd_weight_bytes(h, *words));
            *words += (uint64_t)d->row_groups * d->weight_step;
        }
    }
}

static void place_slots(struct bd_plan *p)
{
    const struct bd_program_header *h = &p->header;
    const struct use weights = weight_use(p), tables = table_use(p), corrections = correct_use(p);
    struct bd_load_descriptor *load = &p->load;
    if (weights.slot) {
        load->weight_slot_words = (uint32_t)weights.slot;
        load->weight_slot_base = h->weight_words - 2 * (uint32_t)weights.slot;
    }
    if (corrections.slot) {
        load->correct_slot_words = (uint32_t)corrections.slot;
        load->correct_slot_base = h->correct_words - 2 * (uint32_t)corrections.slot;
    }
    if (tables.slot)
        load->table_slot_base = h->table_words - 2 * (uint32_t)tables.slot;
}

bd_status bd_plan_place_memories(struct bd_plan *p, struct bd_error *err)
{
    struct bd_program_header *h = &p->header;
    if (stream_weights(p, err) || stream_tables(p, err))
        return err->status;
    struct bd_load_descriptor *load = &p->load;
    *load = (struct bd_load_descriptor){.descriptor_offset = h->descriptor_offset};
    uint64_t tables = 0, corrections = 0, words = 0;
    place_tables(p, false, &tables, &corrections);
    load->table_beats = (uint32_t)(tables / 8);
    load->correct_beats = (uint32_t)(corrections / 8);
    place_tables(p, true, &tables, &corrections);
    h->table_bytes = (uint32_t)tables;
    h->correct_offset = (uint32_t)align(h->table_offset + tables);
    h->correct_bytes = (uint32_t)corrections;
    h->weight_offset = (uint32_t)align(h->correct_offset + corrections);
    place_weights(p, false, &words);
    load->weight_beats = (uint32_t)(bd_weight_bytes(h, words) / 8);
    place_weights(p, true, &words);
    h->weight_bytes = (uint32_t)bd_weight_bytes(h, words);
    h->image_bytes = align(h->table_offset + tables) + align(corrections) + align(bd_weight_bytes(h, words));
    for (int i = 0; i < p->network->switch_count * p->network->layer_count; i++)
        if (p->descriptors[i].flags & BD_FLAG_CORRECT)
            p->descriptors[i].correct_offset += h->correct_offset;
    load->table_offset = h->table_offset;
    load->correct_offset = h->correct_offset;
    load->weight_offset = h->weight_offset;
    const uint32_t lists = h->switch_count * h->layer_count;
    load->descriptor_beats = !p->reference_only && lists <= h->descriptors ? 32 * lists : 0;
    if (!p->reference_only)
        place_slots(p);
    return BD_OK;
}
