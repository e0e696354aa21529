/* What the files of the plan share: plan_tensors.c places activations and the residual stream, plan_datapath.c chooses
 * layouts and datapaths, plan_memory.c says what stays on the chip, plan_bands.c cuts what does not fit; plan.c makes
 * descriptors and offsets of it. */
#ifndef BD_PROGRAM_PLAN_PARTS_H
#define BD_PROGRAM_PLAN_PARTS_H

#include "model/program/plan.h"

#define BD_PLAN_MAX_TENSORS (BD_PROGRAM_MAX_LAYERS + 1)

struct bd_plan_tensor {
    bool used;
    int writer, last_reader; /* layer indices; writer -1 is the input */
    uint32_t height, width, channels;
    bool read, wants_windows; /* some reader is no 1x1 without padding, or is depthwise */
    uint32_t layout;
    uint64_t words; /* of each bank, at the switch with the most */
    uint32_t base;
};

/* A layer of a network in bands. */
struct bd_plan_band {
    int source;                 /* layer of the network as it came */
    int twin;                   /* the first band of the same layer, or this one: weights and tables are shared */
    int codes_map, codes_row;   /* tensor of the source whose rows are spilled or loaded, from this one on; -1: none */
    int stream_map, stream_row; /* the same of the stream that layer stream_map of the source writes */
    int cut_top, cut_bottom;    /* rows of padding that the band lacks */
    bool image;                 /* rows of the image are loaded */
};

enum { BD_PLAN_FITS, BD_PLAN_ACTIVATIONS, BD_PLAN_STREAM }; /* the memory that is too small */

/* Behind a plan whose miss says that a memory is too small: cuts the network (further). False: that cannot be. */
bool bd_plan_cut_more(struct bd_plan *plan);
/* The least words of a memory with which the network could be cut to fit it, and the layer that wants them. */
uint64_t bd_plan_least(const struct bd_plan *plan, int memory, int *layer);
/* Layout of a tensor of the network in bands: the same for all parts of a map. */
uint32_t bd_plan_cut_layout(const struct bd_plan *plan, int tensor);
void bd_plan_cut_release(struct bd_plan *plan);

struct bd_plan_layer {
    /* planes: */
    int stored_by[BD_PROGRAM_MAX_SWITCHES];
    uint32_t planes[BD_PROGRAM_MAX_SWITCHES]; /* of a switch that stores */
    /* words over all row groups and switches, and of one streamed row group at its most */
    uint64_t weight_words, weight_chunk, table_words, correct_words, correct_chunk;
    bool streams_weights, streams_tables;
};

/* Which tensors there are, with writers, readers and shapes. */
bd_status bd_plan_collect_tensors(struct bd_plan *plan, struct bd_error *err) BD_WARN_UNUSED;
/* The image's layout as its readers want it: bd_plan_choose_datapaths may choose another. */
void bd_plan_image_layout(struct bd_plan *plan);
/* Places them: a tensor may lie wherever no tensor still to be read lies. Tensors are placed in the order of their
 * writers, which is the order of their indices or is made so by the caller. For the reference the memory is made as
 * large as need be. */
bd_status bd_plan_place_tensors(struct bd_plan *plan, struct bd_error *err) BD_WARN_UNUSED;
/* Words of each bank that a tensor takes, at the switch with the most. */
uint64_t bd_plan_tensor_words(const struct bd_plan *plan, const struct bd_plan_tensor *tensor);
/* Words of all tensors that are to be read at once, at their most, and the layer that writes the last of them. */
uint64_t bd_plan_most_live(const struct bd_plan *plan, int *layer);
/* A map of the stream as it lies, and where the next one lies that is made of it or beside it: `words` (bd_z_words). */
struct bd_plan_stream {
    uint64_t base, words;
    bool wide;
};
struct bd_plan_stream bd_plan_next_stream(const struct bd_plan_stream *before, bool adds, bool pools, bool wide,
                                          uint64_t words);
/* Bases and widths of the residual stream. */
bd_status bd_plan_place_stream(struct bd_plan *plan, struct bd_error *err) BD_WARN_UNUSED;

/* Layouts of the tensors, and the datapath of layers first .. first + count - 1 at every switch; their descriptors are
 * derived then. A layer's depend on nothing of the others but the layouts of tensors. */
bd_status bd_plan_choose_datapaths(struct bd_plan *plan, int first, int count, struct bd_error *err) BD_WARN_UNUSED;

/* Which planes of a layer are stored, and what it takes of the memories of weights, tables and corrections. */
void bd_plan_measure(struct bd_plan *plan, int layer);
/* What stays on the chip, and every base, offset and slot, of layers that are measured. */
bd_status bd_plan_place_memories(struct bd_plan *plan, struct bd_error *err) BD_WARN_UNUSED;

/* Where maps and stores lie in memory. */
bd_status bd_plan_place_stores(struct bd_plan *plan, struct bd_error *err) BD_WARN_UNUSED;

/* "layer 'x' of 'n' cannot run on hardware 'h': its ... need N words of the ..., which has M" */
bd_status bd_plan_refuse_size(const struct bd_plan *plan, int layer, const char *what, uint64_t needed,
                              const char *memory, uint64_t size, struct bd_error *err);
/* "layer 'x' of 'n' cannot run on hardware 'h': ..." */
bd_status bd_plan_refuse(const struct bd_plan *plan, int layer, const char *why, struct bd_error *err);

#endif
