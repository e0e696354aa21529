/* What the files of the co-simulation share: cosim.c runs images and
 * cosim_random.c random networks, by the frames of cosim_frames.c; cosim_compare.c says what differs. */
#ifndef BD_COSIM_COSIM_PARTS_H
#define BD_COSIM_COSIM_PARTS_H

#include "sw/cosim/cosim.h"

struct bd_cosim_price { /* a frame's predicted clocks and their parts */
    bool known;
    uint64_t cycles;
    struct bd_device_counters parts;
};

/* A device at its work. */
struct bd_cosim_worker {
    const struct bd_cosim_options *options;
    const struct bd_dataset *dataset;
    uint64_t done, total; /* frames, or random networks */
    struct bd_session session;
    /* the program at hand */
    const struct bd_program *program;
    struct bd_decoded *decoded;
    unsigned *schedule, schedule_length;
    struct bd_memory_model memory;
    struct bd_cosim_price prices[BD_PROGRAM_MAX_SWITCHES][2];
    bool loads; /* the next frame brings the program onto the chip */
    uint64_t macs[BD_PROGRAM_MAX_SWITCHES];
    uint8_t *store;
    bool loaded_bytes_taken;
    uint64_t written_before[BD_WRITE_CLASSES];
    struct bd_cosim_totals totals;
};

/* One frame: what runs, and what should come out. */
struct bd_cosim_item {
    uint32_t id; /* image index, or random network */
    unsigned switch_index;
    const uint8_t *image;
    const int32_t *logits;            /* of the reference */
    const struct bd_frame *reference; /* every layer, or NULL where only the result is compared */
    bool stalls;
};

/* Counts what is done, and tells it. */
void bd_cosim_show_progress(struct bd_cosim_worker *w, uint64_t more);

/* Decodes and loads a program, its layers stored from then on where there is room for them; `leave` frees what that
 * took, also after a failure. */
bd_status bd_cosim_enter(struct bd_cosim_worker *w, const struct bd_program *program, struct bd_error *err)
    BD_WARN_UNUSED;
void bd_cosim_leave(struct bd_cosim_worker *w);
bd_status bd_cosim_set_memory(struct bd_cosim_worker *w, const struct bd_memory_model *memory, struct bd_error *err)
    BD_WARN_UNUSED;

/* Takes account of the bytes that the host has written since the last call: those of loading, of one frame, or
 * (not `is_frame`) of several. */
void bd_cosim_count_bytes(struct bd_cosim_worker *w, const struct bd_statistics *s, bool is_frame);
/* Runs one item and compares it, with its layers stored where it has a reference for them. */
bd_status bd_cosim_run_item(struct bd_cosim_worker *w, const struct bd_cosim_item *item, struct bd_error *err)
    BD_WARN_UNUSED;
/* Starts three frames, `before` and twice `index`, and compares the clocks of the last two: each was queued, the one
 * behind another switch, the other behind its own. The device's counter must say what a lone frame takes. */
bd_status bd_cosim_check_queue(struct bd_cosim_worker *w, unsigned before, unsigned index,
                               const struct bd_cosim_item *item, struct bd_error *err) BD_WARN_UNUSED;

/* The random networks. */
bd_status bd_cosim_run_random(struct bd_cosim_worker *w, struct bd_error *err) BD_WARN_UNUSED;

/* The command line that repeats an item. */
void bd_cosim_repeat_line(const struct bd_cosim_worker *w, const struct bd_cosim_item *item, char *text, size_t size);
/* Puts a difference in words, unless one stands there. */
void bd_cosim_note_in(struct bd_cosim_worker *w, char first[1536], const struct bd_cosim_item *item,
                      const char *difference);

/* A layer that the device stored, and the result, against the reference. */
void bd_cosim_compare_layer(struct bd_cosim_worker *w, const struct bd_cosim_item *item, unsigned layer);
void bd_cosim_compare_result(struct bd_cosim_worker *w, const struct bd_cosim_item *item, const int32_t *found);

/* The predicted clocks of a frame, with every layer stored or none. */
bd_status bd_cosim_find_price(struct bd_cosim_worker *w, unsigned switch_index, bool store, uint64_t *cycles,
                              struct bd_error *err) BD_WARN_UNUSED;
/* Clocks that loading the program takes, at the memory timing that holds; counts them if `count`. */
uint64_t bd_cosim_load_cycles(struct bd_cosim_worker *w, bool count);
/* A frame's clocks, counted outside the device and by its own counters, against the prediction; where the frame loads
 * the program, that is part of both. */
void bd_cosim_compare_cycles(struct bd_cosim_worker *w, const struct bd_cosim_item *item, bool store,
                             uint64_t simulated);

#endif
