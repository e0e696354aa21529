/* A trained network in a file: HDF5 (readable by h5dump) behind a 512-byte user block that holds magic, length and
 * CRC-32 of the whole; written atomically, without times, so that equal contents are equal bytes.
 *
 * In memory: the network description, JSON metadata, and named arrays of float32. The names that training writes
 * and that folding and pruning read (L a layer's name, Q a quantizer's, S a switch's):
 *   L.weight             (OC, IC/groups, KH, KW)   latent weights, shared by every switch
 *   L.scale              (1)      s of the centred-floor quantizer: t = clip(w / (2 s) + 1/2, 0, 1)
 *   L.S.wscale           (1)      value of one weight unit: w = wscale * (2 c_b + 1 - 2^b), c_b = c_8 >> (8 - b)
 *   L.S.gamma, .beta, .mean, .var (OC)  batch norm over the real-valued convolution, eps = BD_BN_EPS; CONV only
 *   L.bias               (OC)     CLASSIFIER only; the classifier has one wscale for every switch, stored for each
 *   Q.S.alpha            (1)      clip level: code = clamp(floor(n x / alpha + 1/2), 0, n), value = code alpha / n;
 *                                 absent where the codes are +-1 (x >= 0 is +1) and for the input (alpha = 1)
 * Training adds its own state (optimiser moments, moving averages, RNG) under names that begin with "train/". */
#ifndef BD_TRAIN_CHECKPOINT_H
#define BD_TRAIN_CHECKPOINT_H

#include <stddef.h>
#include <stdint.h>

#include "model/core/error.h"
#include "model/graph/graph.h"

#define BD_BN_EPS 1e-5

struct bd_array {
    char *name;
    int rank;
    int64_t shape[4];
    int64_t count; /* product of shape */
    float *data;
};

struct bd_checkpoint {
    struct bd_graph graph;
    char *metadata; /* JSON object: how it was made (command, config, seed, epochs, measured figures) */
    size_t array_count, array_room;
    struct bd_array *arrays;
};

void bd_checkpoint_init(struct bd_checkpoint *checkpoint);
void bd_checkpoint_release(struct bd_checkpoint *checkpoint);
bd_status bd_checkpoint_load(struct bd_checkpoint *checkpoint, const char *path, struct bd_error *err) BD_WARN_UNUSED;
bd_status bd_checkpoint_save(const struct bd_checkpoint *checkpoint, const char *path, struct bd_error *err)
    BD_WARN_UNUSED;

/* The array of that name, or NULL. */
struct bd_array *bd_checkpoint_find(const struct bd_checkpoint *checkpoint, const char *format, ...) BD_PRINTF(2, 3);
/* Adds (or replaces) a zeroed array; never NULL (out of memory aborts). */
struct bd_array *bd_checkpoint_put(struct bd_checkpoint *checkpoint, int rank, const int64_t *shape, const char *format,
                                   ...) BD_PRINTF(4, 5);
/* Removes every array whose name begins with `prefix` ("train/" leaves what ships). */
void bd_checkpoint_drop(struct bd_checkpoint *checkpoint, const char *prefix);
/* Whether Q.S.alpha exists: not for the input, not where the codes are +-1. */
bool bd_checkpoint_has_alpha(const struct bd_graph *graph, int quantizer, const struct bd_switch *sw);
/* BD_OK when every layer's and quantizer's arrays, all that this header names, are there with the right shapes,
 * scales and clip levels positive. */
bd_status bd_checkpoint_check(const struct bd_checkpoint *checkpoint, struct bd_error *err) BD_WARN_UNUSED;

/* The layer's weight codes c_8 in (OC, IC/groups, KH, KW) order, one byte each, from latent weights and L.scale:
 * c_8 = min(floor(256 clip(w/(2s) + 1/2, 0, 1)), 255), computed in float32 exactly as training does. */
bd_status bd_checkpoint_codes(const struct bd_checkpoint *checkpoint, const struct bd_layer *layer, uint8_t *codes,
                              struct bd_error *err) BD_WARN_UNUSED;

#endif
