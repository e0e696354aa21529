#include "model/cost/layer_table.h"

#include <stdlib.h>
#include <string.h>

#include "model/core/memory.h"

#define SLOT_BITS 18 /* pages of slots that are never used cost nothing */
#define SLOTS ((size_t)1 << SLOT_BITS)

void bd_layer_table_init(struct bd_layer_table *table)
{
    *table = (struct bd_layer_table){.slots = bd_xcalloc(SLOTS, sizeof *table->slots)};
}

void bd_layer_table_release(struct bd_layer_table *table)
{
    free(table->slots);
    *table = (struct bd_layer_table){0};
}

void bd_layer_table_clear(struct bd_layer_table *table)
{
    if (table->used > 0)
        memset(table->slots, 0, SLOTS * sizeof *table->slots);
    table->used = 0;
}

bool bd_layer_table_has_room(const struct bd_layer_table *table, size_t layers)
{
    return table->used + layers <= SLOTS / 2;
}

struct bd_layer_price *bd_layer_table_at(struct bd_layer_table *table, uint32_t key)
{
    size_t at = key * 0x9e3779b1u >> (32 - SLOT_BITS); /* the golden ratio's fraction spreads neighbours */
    while (table->slots[at].key != key && table->slots[at].key != 0)
        at = (at + 1) % SLOTS;
    if (table->slots[at].key == 0)
        table->used++;
    return &table->slots[at];
}
