/* Folding: a trained checkpoint becomes integers. Batch norm, weight scales and quantizer steps of every switch fold
 * into M, B, shifts, S and H (requant.h), which the packer lays out for one hardware configuration.
 *
 * What folding promises, and checks: no accumulator, z, stream or pool sum can leave its 32 bits, for any image;
 * where no residual is added, every code edge of every channel is compared with the exact one and the moved
 * accumulator values are counted; where the stream takes part, the distance of z from the real value is bounded. */
#ifndef BD_FOLD_FOLD_H
#define BD_FOLD_FOLD_H

#include <stdbool.h>
#include <stdint.h>

#include "model/checkpoint/checkpoint.h"
#include "model/core/error.h"
#include "model/fold/requant.h"
#include "model/program/hardware.h"
#include "model/program/program.h"

#define BD_DEFAULT_MAX_MOVED 1.0

struct bd_fold_options {
    const char *switches; /* names separated by commas, in any order; NULL: all of the network */
    bool reference;       /* for the reference alone: layers that no hardware runs, and any size, are good */
    double max_moved;     /* most moved accumulator values a layer and switch may have, in per mille of the reachable */
};

/* One layer at one switch. */
struct bd_fold_layer {
    bool has_codes;    /* codes leave, and `edges` counts them against the exact rule */
    bool has_stream;   /* z stands for a real value: the stream, or the logits */
    bool takes_stream; /* values of the stream go into z: edges are not counted, stream_error bounds instead */
    int z_frac;        /* fraction bits of the stream as this layer reads or leaves it */
    struct bd_edge_count edges;
    double z_peak;       /* proven bound of |z| */
    double stream_error; /* proven bound of |z - real value| in units of z, given equal codes before it */
    double code_error;   /* the same bound, with the reader's own rounding, in steps of the code that leaves; or 0 */
};

struct bd_fold_report {
    int switch_count, layer_count;
    int z_frac[BD_PROGRAM_MAX_SWITCHES]; /* least fraction bits of the stream, by switch */
    int switches[BD_MAX_SWITCHES];       /* indices into the checkpoint's switches, in the program's order */
    struct bd_fold_layer *at;            /* [switch][layer], owned */
};

/* On failure nothing is held by either. Refusals name the layer and switch (BD_BAD_INPUT); a layer over max_moved is
 * BD_FAIL, with `report` then held so that it can be printed. */
bd_status bd_fold(const struct bd_checkpoint *checkpoint, const struct bd_hardware *hardware,
                  const struct bd_fold_options *options, struct bd_program *program, struct bd_fold_report *report,
                  struct bd_error *err) BD_WARN_UNUSED;
void bd_fold_report_release(struct bd_fold_report *report);

/* The exact map of one CONV or CLASSIFIER layer at a switch, per output channel: channels[out_channels].
 * `weights` as of bd_checkpoint_integers. */
bd_status bd_fold_affine(const struct bd_checkpoint *checkpoint, const struct bd_layer *layer, int switch_index,
                         const int16_t *weights, struct bd_affine *channels, struct bd_error *err) BD_WARN_UNUSED;

/* The exact quantizer at a switch. */
bd_status bd_fold_rule(const struct bd_checkpoint *checkpoint, int quantizer, int switch_index,
                       struct bd_code_rule *rule, struct bd_error *err) BD_WARN_UNUSED;

#endif
