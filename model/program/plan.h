/* The plan of a program: from the shape of a plain network to its descriptors and to where everything lies, in the
 * memories of the chip and in the image; all of a program but what stands in its tables and weights. The packer fills
 * in what is planned here, and the cost model prices it, so a price is the price of what would be packed, and what one
 * refuses the other does. */
#ifndef BD_PROGRAM_PLAN_H
#define BD_PROGRAM_PLAN_H

#include "model/program/hardware.h"
#include "model/program/layout.h"
#include "model/program/plain.h"
#include "model/program/program.h"

struct bd_plan {
    const struct bd_plain_network *source; /* the caller's; they outlive the plan */
    const struct bd_hardware *hardware;
    const struct bd_plain_network *network; /* what is planned: the source, or that with its layers in bands */
    bool reference_only;
    struct bd_program_header header; /* complete, but for the CRC */
    struct bd_load_descriptor load;
    struct bd_descriptor *descriptors; /* [switch][layer]; requantizer numbers as the network has them */
    /* of the files of the plan */
    int tensor_count;
    struct bd_plan_tensor *tensors;
    struct bd_plan_layer *layers;
    struct bd_plan_cut *cut;
    struct bd_plan_band *bands; /* [layer], of the network in bands; NULL: nothing is cut */
    uint8_t *cut_datapaths;     /* [switch][layer of the source] */
    struct bd_plan_miss {
        int memory, layer, layers;
        uint64_t needed;
    } miss; /* what did not fit */
};

/* Checks and keeps what does not depend on the number of channels: BD_BAD_INPUT, by the layer's name, for bits and
 * datapaths that this hardware does not have. `reference_only` as of bd_pack. To be released in every case. */
bd_status bd_plan_open(struct bd_plan *plan, const struct bd_plain_network *network, const struct bd_hardware *hardware,
                       bool reference_only, struct bd_error *err) BD_WARN_UNUSED;
/* Makes header and descriptors for the network as it stands: in_channels, out_channels and groups of its layers may
 * have changed since the last call. Maps that do not fit the chip are cut in bands. BD_BAD_INPUT, by the layer's name,
 * for layers that the RTL lacks, and for a memory that is too small; the message tells the size with which the network
 * fits. */
bd_status bd_plan_make(struct bd_plan *plan, struct bd_error *err) BD_WARN_UNUSED;
/* The descriptors of one layer as it stands, without places (bases, offsets, streaming), for a network whose plan has
 * been made before with other channel counts, and not in bands. BD_BAD_INPUT where the layer alone is a reason to
 * refuse. */
bd_status bd_plan_make_layer(struct bd_plan *plan, int layer, struct bd_error *err) BD_WARN_UNUSED;
/* What bd_plan_make_layer made, kept: bd_plan_layer_bytes bytes, to be put back in place of making it again, for the
 * same channels. */
size_t bd_plan_layer_bytes(const struct bd_plan *plan);
void bd_plan_keep_layer(const struct bd_plan *plan, int layer, void *kept);
void bd_plan_put_layer(struct bd_plan *plan, int layer, const void *kept);
/* Places of all layers, each made or put: the plan that bd_plan_make makes, or BD_BAD_INPUT where it does not fit
 * whole: where `miss` names a memory of maps, bd_plan_make may fit it in bands. */
bd_status bd_plan_place(struct bd_plan *plan, struct bd_error *err) BD_WARN_UNUSED;
/* After a plan that cut the network in bands: the plan is one of whole layers again, for bd_plan_make_layer. */
bd_status bd_plan_uncut(struct bd_plan *plan, struct bd_error *err) BD_WARN_UNUSED;
void bd_plan_release(struct bd_plan *plan);

/* Descriptor of layer l at switch s. */
static inline struct bd_descriptor *bd_plan_descriptor(const struct bd_plan *plan, int s, int l)
{
    return &plan->descriptors[s * plan->network->layer_count + l];
}

/* The first descriptor of layer l of the source, and how many belong to it: its bands and what they load. */
int bd_plan_layer_at(const struct bd_plan *plan, int l, int *count);

/* The switch whose codes switch s reads of a layer: s itself, or an earlier one. */
int bd_plan_storing_switch(const struct bd_plain_layer *layer, int s);
/* The switch whose planes in the image switch s of the plan reads: that, or a later one where datapaths differ. */
int bd_plan_stored_by(const struct bd_plan *plan, int s, int l);
/* Planes that the image holds of them: as many as the widest reader wants. */
uint32_t bd_plan_planes(const struct bd_plan *plan, int s, int l);

#endif
