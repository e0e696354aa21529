/* Prices of networks that differ from one graph in the channels of its prune groups alone: what a search asks for. */
#ifndef BD_COST_PRICER_H
#define BD_COST_PRICER_H

#include "model/cost/cost.h"
#include "model/cost/shape.h"

struct bd_pricer {
    const struct bd_hardware *hardware; /* the caller's; outlives the pricer, as does the graph */
    const struct bd_graph *base;
    int switch_index;
    struct bd_graph graph; /* the candidate: base with other channel counts; no text */
    struct bd_shape *shape;
    struct bd_frame_cost *cost;
};

void bd_pricer_init(struct bd_pricer *pricer, const struct bd_graph *graph, const struct bd_hardware *hardware,
                    int switch_index);
void bd_pricer_release(struct bd_pricer *pricer);

/* Clocks of a frame with group_channels[g] channels in prune group g; UINT64_MAX where a buffer is too small. */
uint64_t bd_pricer_cycles(struct bd_pricer *pricer, const int *group_channels);

/* Channel counts of a group, ascending, that the hardware tells apart while the other groups are whole: each is the
 * largest of its price; none below `least`. `counts` has room for the group's full width; returns how many. */
size_t bd_pricer_grid(struct bd_pricer *pricer, int group, int least, int *counts);

#endif
