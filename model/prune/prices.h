/* What a network of so many channels costs at one switch, exactly and before anything is measured: clocks of a frame,
 * energy of a frame (nanojoules, model/cost/energy.h), and stored bytes (the model size as published for quantized
 * networks, model/graph/parameter_count.h). Each of them falls with each channel. */
#ifndef BD_PRUNE_PRICES_H
#define BD_PRUNE_PRICES_H

#include "model/cost/pricer.h"
#include "model/graph/graph.h"

enum bd_price { BD_PRICE_CLOCKS, BD_PRICE_ENERGY, BD_PRICE_BYTES, BD_PRICES };
#define BD_PRICE_CHOICES "clocks|energy|bytes"

/* Stays where it was initialised. */
struct bd_prices {
    const struct bd_graph *graph; /* the caller's, as the hardware is; both outlive the prices */
    int switch_index;
    struct bd_pricer clocks, energy;
    struct bd_layer *layers; /* of the network that was priced by its bytes last */
    double whole[BD_PRICES]; /* of the whole network */
};

/* To be released in every case. Errors as of bd_pricer_init and bd_pricer_price. */
bd_status bd_prices_init(struct bd_prices *prices, const struct bd_graph *graph, const struct bd_hardware *hardware,
                         int switch_index, struct bd_error *err) BD_WARN_UNUSED;
void bd_prices_release(struct bd_prices *prices);
/* group_channels[g] channels in prune group g; HUGE_VAL where the hardware does not run it. */
double bd_prices_of(struct bd_prices *prices, enum bd_price price, const int *group_channels);
/* Channel counts of a group, ascending from `least` on, that a price tells apart: whole tiles of the hardware, for
 * bytes single filters. `counts` has room for the group's full width; returns how many. */
size_t bd_prices_grid(struct bd_prices *prices, enum bd_price price, int group, int least, int *counts);

#endif
