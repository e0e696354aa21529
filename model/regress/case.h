/* A small network that stands alone: its shape in words, its weights and scales drawn from a seed, and one image. A
 * shrinker (shrink.h) makes a failure smaller by changing the words; what is left of the content stays what it was,
 * because each number is drawn by its own place (layer's id, channel, tap), not by its turn. */
#ifndef BD_REGRESS_CASE_H
#define BD_REGRESS_CASE_H

#include <stdbool.h>
#include <stdint.h>

#include "model/core/error.h"
#include "model/program/hardware.h"
#include "model/program/program.h"

struct bd_case_bits {
    int weight_bits, out_bits; /* 1..8; out_bits where codes are written */
    bool out_signed;           /* +-1 for 0, 1: of one bit */
    bool own_planes;           /* weights of its own, not the layer's */
    int weight_zero_point;     /* program.h */
    int datapath;              /* bd_datapath */
};

struct bd_case_layer {
    int id;    /* which numbers it draws */
    int reads; /* the layer before it whose codes it reads; -1: the image. POOL reads the stream: -2 */
    enum bd_operation operation;
    enum bd_pool_kind pool_kind;
    int kernel, stride, pad; /* not of an average over the whole map */
    int channels;            /* of the output; POOL and depthwise layers take those of their input */
    bool depthwise, codes, writes, adds;
    struct bd_case_bits at[BD_PROGRAM_MAX_SWITCHES];
};

struct bd_case_switch {
    char name[16];
    bool narrow; /* the residual stream has 16 bits */
};

struct bd_case {
    char *hardware; /* path of the configuration, or NULL */
    uint64_t seed;  /* of all content */
    bool saturate;  /* scales so large that z meets the limits of 32 bits */
    int switch_count, layer_count;
    struct bd_case_switch switches[BD_PROGRAM_MAX_SWITCHES];
    struct bd_case_layer *layers; /* owned */
    int height, width, channels;  /* of the image */
    uint8_t *image;               /* (height, width, channels), owned */
    /* how it is run */
    char *bench; /* further options of the bench, divided by blanks, or NULL */
};

/* The shape of any program image that a device runs, with `image` (copied) in place of the input. Content is drawn
 * anew. */
bd_status bd_case_from_program(struct bd_case *c, const struct bd_program *program, const uint8_t *image,
                               struct bd_error *err) BD_WARN_UNUSED;
void bd_case_copy(struct bd_case *to, const struct bd_case *from);
void bd_case_release(struct bd_case *c);

/* BD_BAD_INPUT where it is no network that this hardware runs: shapes that do not meet, a last map of several pixels,
 * too much for a memory. */
bd_status bd_case_pack(const struct bd_case *c, const struct bd_hardware *hardware, struct bd_program *program,
                       struct bd_error *err) BD_WARN_UNUSED;

/* Height, width and channels of what a layer reads and writes; false where shapes do not meet. */
struct bd_case_shape {
    int in_height, in_width, in_channels, out_height, out_width, out_channels;
};
bool bd_case_shapes(const struct bd_case *c, struct bd_case_shape *shapes);
/* Gives the last layer, a convolution whose map would have several pixels, a window of its whole input, where a kernel
 * and a stride can. */
void bd_case_fit_last(struct bd_case *c);

/* Writes PATH and beside it its image, PATH with .npy in place of .yaml; reads both back. */
bd_status bd_case_write(const struct bd_case *c, const char *path, struct bd_error *err) BD_WARN_UNUSED;
bd_status bd_case_load(struct bd_case *c, const char *path, struct bd_error *err) BD_WARN_UNUSED;

#endif
