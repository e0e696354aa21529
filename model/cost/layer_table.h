/* Layers priced so far, by their place in the network and their channels: a hash table, emptied when it is full. */
#ifndef BD_COST_LAYER_TABLE_H
#define BD_COST_LAYER_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/program/plan_fit.h"

enum bd_layer_word {
    BD_LAYER_PRICED = 0,
    BD_LAYER_REFUSED = 1,   /* no network with this layer is packed */
    BD_LAYER_TOO_LARGE = 2, /* for the numbers below: ask for a plan */
};

struct bd_layer_price {
    uint32_t key;
    uint16_t word;        /* enum bd_layer_word */
    uint16_t whole_codes; /* layer 0: it reads the image as whole codes */
    uint32_t kept;        /* of pricer.c: where its descriptors are, from 1 on; 0: nowhere */
    uint32_t clocks;      /* where it stays on the chip: bd_cost_layer_clocks; layer 0: bd_first_layer.end */
    struct bd_layer_need need;
};

#define BD_LAYER_KEY_MAX 4095 /* channels that a key holds */

struct bd_layer_table {
    struct bd_layer_price *slots;
    size_t used;
};

void bd_layer_table_init(struct bd_layer_table *table);
void bd_layer_table_release(struct bd_layer_table *table);
void bd_layer_table_clear(struct bd_layer_table *table);
/* Whether so many more layers find a place. */
bool bd_layer_table_has_room(const struct bd_layer_table *table, size_t layers);

/* `in`, `out`: channels, 1..BD_LAYER_KEY_MAX. */
static inline uint32_t bd_layer_key(int layer, int in, int out)
{
    return (uint32_t)layer << 24 | (uint32_t)in << 12 | (uint32_t)out;
}
/* The place of a key, while there is room: where its `key` is 0 it is new, and the caller's to fill, key first. Valid
 * until the table is cleared. */
struct bd_layer_price *bd_layer_table_at(struct bd_layer_table *table, uint32_t key);

#endif
