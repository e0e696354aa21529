/* The descriptors that a graph would get from bd_pack, without weights or tables: all that its cost depends on. So a
 * search prices a network that nobody has trained. Equality with packed programs is a test. */
#ifndef BD_COST_SHAPE_H
#define BD_COST_SHAPE_H

#include "model/graph/graph.h"
#include "model/program/hardware.h"
#include "model/program/program.h"

struct bd_shape {
    struct bd_program_header header;                         /* geometry, counts and sizes; no names, no CRC */
    struct bd_descriptor descriptors[BD_PROGRAM_MAX_LAYERS]; /* of one switch; requantizer fields and buffer bases 0 */
};

/* BD_BAD_INPUT by the layer's name where no hardware configuration runs the network at a switch: a price would be
 * nonsense. */
bd_status bd_shape_check(const struct bd_graph *graph, int switch_index, struct bd_error *err) BD_WARN_UNUSED;

/* BD_BAD_INPUT as of bd_shape_check, and by the layer's name where a row group's weights exceed the weight buffer or a
 * map the residual buffer; the activation buffer's room, which depends on placement, is bd_pack's to refuse. */
bd_status bd_shape_graph(const struct bd_graph *graph, const struct bd_hardware *hardware, int switch_index,
                         struct bd_shape *shape, struct bd_error *err) BD_WARN_UNUSED;

#endif
