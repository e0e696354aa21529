/* The comparison behind `bitdial cosim`: frames on a device against the plain reference, every layer, and their
 * clocks against the cost model. */
#ifndef BD_COSIM_COSIM_H
#define BD_COSIM_COSIM_H

#include <stdbool.h>
#include <stdint.h>

#include "model/data/source.h"
#include "sw/session/session.h"

#define BD_COSIM_SETTINGS 8

/* Planted faults: X(name, RTL build's fault number or 0, help) */
#define BD_COSIM_FAULTS(X)                                                                                             \
    X("weight-bit", 0, "one weight bit flipped in device memory")                                                      \
    X("rounding", 1, "a requantizer that rounds the other way")                                                        \
    X("precision", 2, "PRECISION writes that are ignored")                                                             \
    X("interrupt", 3, "an interrupt that never comes")                                                                 \
    X("table", 4, "requantizer tables of another switch")                                                              \
    X("guard", 0, "a host write into the loaded program")

struct bd_cosim_options {
    struct bd_session_options session;
    const char *path;              /* the program image; NULL in random mode */
    struct bd_image_source source; /* of the images, for the line that repeats them */
    bool kind_given;               /* the source's kind was asked for, not found out */
    uint32_t first, count;         /* images, or random networks */
    uint32_t
        skip; /* of a part of a longer run: its items before `first`, with whose switches and memories it goes on */
    const char *schedule; /* text of --schedule or NULL */
    struct bd_memory_model settings[BD_COSIM_SETTINGS];
    unsigned setting_count;
    uint64_t seed;     /* of random networks, images and stalls */
    bool results_only; /* no frame stores its layers: results and clocks alone are compared, in half of the frames */
    bool stalls;       /* frames that store layers run with random bus stalls, uncounted */
    const char *fault; /* name of a planted fault, or NULL */
    /* After each frame (in random mode: network), of how many; with the session's context. NULL: not called. */
    void (*progress)(void *context, uint64_t done, uint64_t total);
};

struct bd_cosim_switch {
    uint64_t frames;                     /* run in each of the two ways */
    uint64_t simulated[2], predicted[2]; /* clocks, without loading the program; [1]: with every layer stored */
    uint64_t compared[2];                /* frames whose clocks were compared */
};

struct bd_cosim_totals {
    uint64_t images;     /* (image, switch, memory setting) triples run */
    uint64_t mismatches; /* values that differ: codes, stream, logits */
    uint64_t layer_mismatches[BD_PROGRAM_MAX_LAYERS];
    uint64_t cycle_mismatches;   /* frames whose clocks differ from the prediction */
    uint64_t untimed;            /* frames whose clocks no prediction binds: a board's memory of varying timing */
    uint64_t loads, load_cycles; /* programs loaded by a frame whose clocks were compared, and their predicted clocks */
    uint64_t queue_checked, queue_different;
    struct bd_cosim_switch at[BD_PROGRAM_MAX_SWITCHES];
    uint64_t bytes_load, bytes_min, bytes_max; /* written by the host: before the first frame; a frame after it */
    uint64_t stray_bytes;                      /* written after loading that were neither image nor registers */
    uint64_t violations;
    uint64_t clocks, run_nanoseconds, binary_macs;
    uint64_t networks, layers; /* random mode */
    bool shared;
    bool broken;   /* a device failed: not everything ran */
    bool unstored; /* the device's memory had no room for layers: results alone were compared */
    /* The first value, and the first clock count, that differs: in words, with the command that repeats it; or "". */
    char first[1536], first_cycles[1536];
};

/* The command line that repeats the whole run. */
void bd_cosim_repeat_run(const struct bd_cosim_options *options, char *text, size_t size);

/* Runs all; *totals is valid where the status is BD_OK or BD_FAIL. BD_FAIL: a difference, or a device that failed,
 * in err. `dataset` holds the images first .. first + count - 1 alone (bd_images_open); it and
 * `program` are not used in random mode. One device; parts.h runs several side by side. */
bd_status bd_cosim(const struct bd_cosim_options *options, const struct bd_program *program,
                   const struct bd_dataset *dataset, struct bd_cosim_totals *totals, struct bd_error *err)
    BD_WARN_UNUSED;

#endif
