/* Prices of networks from their description alone: of a graph, and of those that differ from it in the channels of its
 * prune groups, which is what a search asks for. What is priced is the plan (model/program/plan.h) that the packer
 * would fill for a checkpoint of that description, so price and refusals are those of the compiled program with every
 * switch that hardware runs (bd_plain_switches). */
#ifndef BD_COST_PRICER_H
#define BD_COST_PRICER_H

#include "model/cost/cost.h"
#include "model/graph/graph.h"
#include "model/program/plan.h"

/* Stays where it was initialised: the plan points into it. */
struct bd_pricer {
    const struct bd_graph *graph; /* the caller's, as the hardware is; both outlive the pricer */
    const struct bd_hardware *hardware;
    struct bd_plain_network network; /* the candidate: the graph with other channel counts */
    struct bd_plan plan;             /* of the last candidate of bd_pricer_price, until bd_pricer_cycles */
    int at;                          /* the switch that is priced, of the plan's */
    struct bd_image_fetch image;     /* the fetch that all candidates share */
    struct bd_frame_cost *cost;
    struct bd_pricer_layers *layers; /* for bd_pricer_cycles: layers priced so far */
};

/* `switch_index`: of the graph. BD_BAD_INPUT, by name, for a network or switch in floats, and for what no number of
 * channels makes good. To be released in every case. */
bd_status bd_pricer_init(struct bd_pricer *pricer, const struct bd_graph *graph, const struct bd_hardware *hardware,
                         int switch_index, struct bd_error *err) BD_WARN_UNUSED;
void bd_pricer_release(struct bd_pricer *pricer);

/* Plan and cost of the network with group_channels[g] channels in prune group g, up to those of the graph; NULL: the
 * graph's. BD_BAD_INPUT, by the layer's name, where it would not be packed. */
bd_status bd_pricer_price(struct bd_pricer *pricer, const int *group_channels, struct bd_error *err) BD_WARN_UNUSED;
/* Clocks of a frame; UINT64_MAX where there is no price. The same as bd_pricer_price says, some fifty times quicker
 * where weights and tables stay on the chip and the layers occurred before: what a layer takes follows from its
 * channels. */
uint64_t bd_pricer_cycles(struct bd_pricer *pricer, const int *group_channels);

/* Channel counts of a group, ascending, that the hardware tells apart while the other groups are whole: each is the
 * largest of its price; none below `least`. `counts` has room for the group's full width; returns how many. */
size_t bd_pricer_grid(struct bd_pricer *pricer, int group, int least, int *counts);

#endif
