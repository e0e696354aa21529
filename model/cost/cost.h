/* What a network costs on a hardware configuration: clocks from doorbell to interrupt, bytes, operations, energy, all
 * exact, of a frame whose program is on the chip (every one but the first). */
#ifndef BD_COST_COST_H
#define BD_COST_COST_H

#include <stdbool.h>
#include <stdint.h>

#include "model/cost/bus.h"
#include "model/program/hardware.h"
#include "model/program/program.h"

struct bd_layer_cost {
    uint64_t compute;      /* clocks in which blocks of pixels are walked (their intervals) */
    uint64_t weight_stall; /* clocks the compute side waited for tables or weights of this layer */
    uint64_t input_stall, output_stall, overhead;
    uint64_t total;                     /* their sum: from the end of the layer before to the end of this one */
    uint64_t weight_bytes, table_bytes; /* fetched */
    uint64_t xnor_ops, mac_ops; /* binary multiply-accumulates; add-only accumulations; taps outside the map too */
    double busy;                /* ... of what the layer's datapath could do in `total` clocks; pooling 0 */
    double fill;                /* part of the `total` clocks in which the array of its datapath has work; pooling 0 */
    uint64_t memory_bytes;      /* read from and written to the memories on the chip (energy.h) */
    double energy_nj;           /* of the accelerator and of the bytes fetched for this layer (energy.h) */
};

struct bd_frame_cost {
    uint64_t cycles; /* doorbell write accepted to interrupt raised */
    uint64_t compute, weight_stall, input_stall, output_stall, overhead; /* partition of cycles */
    uint64_t read_bytes, write_bytes;                                    /* over the memory bus in the frame */
    uint64_t memory_bytes;                                               /* of the memories on the chip */
    double busy;      /* part of the clocks that the products would take if datapaths did nothing else */
    double xnor_fill; /* `fill` over the clocks of all layers on XNOR; 0 without any */
    double energy_nj; /* layers, image, result and stores */
    unsigned layer_count;
    struct bd_layer_cost layers[BD_PROGRAM_MAX_LAYERS];
};

/* BD_BAD_INPUT where the program was packed for another geometry. */
bd_status bd_cost_check(const struct bd_program *program, const struct bd_hardware *hardware, struct bd_error *err)
    BD_WARN_UNUSED;

/* Cost of one frame at a switch; `store` as with CONTROL.store_enable. Refuses what bd_cost_check does, and an unknown
 * switch. Program, images and results are taken to begin at multiples of 4 KiB in memory. */
bd_status bd_cost_frame(const struct bd_program *program, const struct bd_hardware *hardware, unsigned switch_index,
                        bool store, struct bd_frame_cost *cost, struct bd_error *err) BD_WARN_UNUSED;

/* The same from descriptors alone (header->layer_count of them, of one switch). `image`: kept from one call to the
 * next, or NULL. */
void bd_cost_layers(const struct bd_program_header *header, const struct bd_descriptor *descriptors,
                    unsigned switch_index, const struct bd_memory_model *memory, bool store,
                    struct bd_image_fetch *image, struct bd_frame_cost *cost);

/* The same for networks whose layers are known one by one (pricer.c): what a layer that fetches nothing takes from its
 * set-up on, an image apart, depends on no other layer. */
bool bd_cost_is_resident(const struct bd_descriptor *d);

/* A first layer, image and all: when the second is the sequencer's turn, the loader's, and when memory is free. */
struct bd_first_layer {
    int64_t end, loader, next_beat;
};
void bd_cost_first_layer(const struct bd_program_header *header, const struct bd_descriptor *descriptor,
                         unsigned switch_index, const struct bd_memory_model *memory, struct bd_image_fetch *image,
                         struct bd_first_layer *first);
/* Clocks of another layer from its set-up to the next one's turn; the last: to the interrupt, result written. */
int64_t bd_cost_layer_clocks(const struct bd_program_header *header, const struct bd_descriptor *descriptor,
                             const struct bd_memory_model *memory);
/* Clocks of the frame: bd_cost_layers' cycles. layer_clocks[layer], from 1 on. */
uint64_t bd_cost_resident(const struct bd_program_header *header, unsigned switch_index,
                          const struct bd_memory_model *memory, const struct bd_first_layer *first,
                          const int64_t *layer_clocks);

/* Clocks (counted as weight stall) by which a program's first frame takes longer, and the bytes that it reads more. */
uint64_t bd_cost_load(const struct bd_program_header *header, const struct bd_load_descriptor *load,
                      const struct bd_memory_model *memory, uint64_t *bytes);

#endif
