/* What the files of folding share; fold.h is what others see. */
#ifndef BD_FOLD_FOLD_PARTS_H
#define BD_FOLD_FOLD_PARTS_H

#include "model/fold/fold.h"
#include "model/program/pack.h"
#include "model/program/plan.h"

struct bd_folding {
    const struct bd_checkpoint *checkpoint;
    const struct bd_graph *graph;
    const struct bd_hardware *hardware;
    const struct bd_fold_options *options;
    struct bd_fold_report *report;
    struct bd_plain_network network; /* the shape from the start, the content at the end */
    uint8_t **codes;                 /* [switch][layer], of the switches that store them; NULL for pooling */
    struct bd_requant *fitted;       /* [switch][layer] */
    struct bd_affine **affine; /* [switch][layer], NULL for max pooling, and for the pool until the stream is known */
};

static inline size_t bd_fold_at(const struct bd_folding *f, int s, int l)
{
    return (size_t)s * f->graph->layer_count + l;
}

static inline const struct bd_switch *bd_fold_switch(const struct bd_folding *f, int s)
{
    return &f->graph->switches[f->report->switches[s]];
}

static inline bd_status bd_fold_where(const struct bd_folding *f, int s, int l, struct bd_error *err)
{
    return bd_fail_prefix(err, "layer '%s' at switch '%s'", f->graph->layers[l].name, bd_fold_switch(f, s)->name);
}

/* How far, in steps of its code, a quantizer of the stream may be off at F fraction bits: S's rounding at the top
 * code, and half a unit of z for each of `writes` layers that wrote the stream. Infinite where S does not fit. */
long double bd_fold_reader_error(const struct bd_code_rule *rule, int z_frac, int writes);

/* Sets the report's z_frac, one for all switches that keep the stream in 32 bits, and one for each part of a stream in
 * 16 bits, from a layer that begins it anew to the next: the F at which the
 * quantizers of the stream are least off, among those that exclude saturation, keep a narrow stream below 2^15 and let
 * M fit. Reads `affine` of all layers but the pool. */
bd_status bd_fold_choose_z_fracs(struct bd_folding *f, struct bd_error *err) BD_WARN_UNUSED;

#endif
