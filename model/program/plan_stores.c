/* What lies in memory behind STORE_ADDR: maps that do not stay on the chip first, then what layers store when asked to.
 */
#include <stdlib.h>

#include "model/core/memory.h"
#include "model/program/plan_parts.h"

static uint64_t align(uint64_t v)
{
    return (v + BD_PROGRAM_ALIGN - 1) / BD_PROGRAM_ALIGN * BD_PROGRAM_ALIGN;
}

/* Where row `row` of a map begins, from where it lies on. */
static uint64_t row_offset(const struct bd_plan *p, const struct bd_descriptor *d, int row, bool codes)
{
    return (uint64_t)row * (codes ? bd_map_row_bytes(d) : bd_map_z_row_bytes(d, &p->header));
}

/* What lies in memory as on the chip has its bytes when its layout is known. */
static void measure_map(const struct bd_plan *p, struct bd_descriptor *d)
{
    const bool load = d->flags & BD_FLAG_LOAD;
    if (load ? d->flags & BD_FLAG_WRITE_CODES : d->flags & BD_FLAG_SPILL_CODES)
        d->store_codes_bytes = bd_store_codes_bytes(d);
    if (load ? d->flags & BD_FLAG_WRITE_STREAM : d->flags & BD_FLAG_SPILL_STREAM)
        d->store_z_bytes = bd_store_z_bytes(d, &p->header);
}

/* Maps that do not stay on the chip, one behind the other, each with room for the switch where it takes most. Returns
 * where they end. */
static uint64_t place_maps(struct bd_plan *p)
{
    uint64_t *begin[2], end = 0;
    for (int i = 0; i < p->network->switch_count * p->network->layer_count; i++)
        measure_map(p, &p->descriptors[i]);
    for (int codes = 0; codes < 2; codes++)
        begin[codes] = bd_xcalloc(BD_PLAN_MAX_TENSORS, sizeof **begin);
    for (int l = 0; l < p->network->layer_count; l++)
        for (int codes = 0; codes < 2; codes++) {
            const struct bd_plan_band *band = &p->bands[l];
            const int map = codes ? band->codes_map : band->stream_map,
                      row = codes ? band->codes_row : band->stream_row;
            if (map < 0)
                continue;
            const bool writes = p->network->layers[l].operation != BD_OP_LOAD;
            uint64_t most = 0;
            for (int s = 0; s < p->network->switch_count; s++) {
                struct bd_descriptor *d = bd_plan_descriptor(p, s, l);
                const int height = p->source->layers[band->source].out_height;
                const uint64_t bytes = row_offset(p, d, height, codes);
                most = bytes > most ? bytes : most;
            }
            if (writes && row == 0) {
                begin[codes][map] = end;
                end += align(most);
            }
            for (int s = 0; s < p->network->switch_count; s++) {
                struct bd_descriptor *d = bd_plan_descriptor(p, s, l);
                const uint64_t from = band->image ? (uint64_t)row * p->header.input_width * p->header.input_channels
                                                  : begin[codes][map] + row_offset(p, d, row, codes);
                *(codes ? &d->store_codes_offset : &d->store_z_offset) = (uint32_t)from;
            }
        }
    for (int codes = 0; codes < 2; codes++)
        free(begin[codes]);
    return end;
}

bd_status bd_plan_place_stores(struct bd_plan *p, struct bd_error *err)
{
    uint64_t store = p->bands ? place_maps(p) : 0, most = 0;
    p->header.map_bytes = (uint32_t)store;
    for (int l = 0; l < p->network->layer_count; l++) {
        const struct bd_descriptor *first = bd_plan_descriptor(p, 0, l);
        const uint64_t values = (uint64_t)first->out_height * first->out_width * first->row_groups * p->header.rows;
        most = values > most ? values : most;
        const bool brings = first->flags & BD_FLAG_LOAD;
        const uint64_t codes = brings || first->flags & BD_FLAG_SPILL_CODES ? 0 : align(first->store_codes_bytes);
        const uint64_t z = brings || first->flags & BD_FLAG_SPILL_STREAM ? 0 : align(first->store_z_bytes);
        for (int s = 0; s < p->network->switch_count; s++) {
            struct bd_descriptor *d = bd_plan_descriptor(p, s, l);
            if (!(d->flags & (BD_FLAG_SPILL_CODES | BD_FLAG_LOAD)))
                d->store_codes_offset = (uint32_t)store;
            if (!(d->flags & (BD_FLAG_SPILL_STREAM | BD_FLAG_LOAD)))
                d->store_z_offset = (uint32_t)(store + codes);
        }
        store += codes + z;
    }
    if (p->header.image_bytes > UINT32_MAX || store > UINT32_MAX || 4 * most > UINT32_MAX)
        return bd_fail(err, BD_BAD_INPUT, "network '%s' exceeds the 4 GiB of a program image and of its stores",
                       p->network->name);
    p->header.store_bytes = (uint32_t)store;
    return BD_OK;
}
