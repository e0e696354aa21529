/* The memory bus as the accelerator's DMAs use it, in clocks (hw/README.md, section Timing). "In clock t" speaks of
 * what stands on the wires in that clock; a register shows what it took in the clock before. */
#ifndef BD_COST_BUS_H
#define BD_COST_BUS_H

#include <stdint.h>

#include "model/program/hardware.h"
#include "model/program/program.h"

#define BD_DMA_BURSTS 4 /* bursts that the read DMA keeps open: a memory that holds more changes nothing */

struct bd_read_channel {
    const struct bd_memory_model *memory;
    int64_t next_beat; /* first clock in which the memory may show another beat */
    /* of the job under way */
    unsigned burst;
    int64_t formed;             /* clock in which the DMA forms the next burst */
    int64_t end[BD_DMA_BURSTS]; /* last beats of the bursts before, by burst number */
};

/* A job whose beats are taken as they come, started in clock `start`: clock of its last beat. */
int64_t bd_read_job(struct bd_read_channel *r, int64_t start, uint64_t address, uint64_t beats);

/* An image's job, kept, since one is a later one's picture, shifted by their starts. */
struct bd_image_fetch {
    uint32_t height, width, channels, whole, offset; /* offset: of its first byte, in 4 KiB */
    struct bd_memory_model memory;
    int64_t next_beat_before;
    int64_t last, done, next_beat;
};
/* The image of a first layer: *last is the clock of its last beat; returns the clock in which the image loader says
 * that it is done. `kept` is used and renewed. */
int64_t bd_image_job(struct bd_read_channel *r, int64_t start, const struct bd_descriptor *d,
                     struct bd_image_fetch *kept, int64_t *last);

/* Codes that OP_LOAD brings, taken word by word: *last is the clock of the last beat; returns that of the last word. */
int64_t bd_codes_job(struct bd_read_channel *r, int64_t start, const struct bd_descriptor *d, int64_t *last);

struct bd_write_channel {
    const struct bd_memory_model *memory;
    int64_t next_beat;
};

/* What the store unit reads for its beats: `reads` clocks each, the last one of every `row_beats` `tail` clocks. */
struct bd_store_reads {
    uint32_t reads, row_beats, tail;
};

/* A job of the write DMA started in clock `start`, fed by the store unit, started in clock `store`: clock of the last
 * response. */
int64_t bd_write_job(struct bd_write_channel *w, int64_t start, int64_t store, const struct bd_store_reads *reads,
                     uint64_t address, uint64_t beats);

#endif
