/* A trained network in a file: HDF5 (readable by h5dump) behind a 512-byte user block that holds magic, length and
 * CRC-32 of the whole; written atomically, without times, so that equal contents are equal bytes.
 *
 * In memory: the network description, JSON metadata, and named arrays of float32. The names that training writes
 * and that folding and pruning read (L a layer's name, Q a quantizer's, S a switch's):
 *   L.weight             (OC, IC/groups, KH, KW)   latent weights, shared by every switch
 *   L.scale              (1)      the level of the weight quantizer (model/quant): floor's s, DoReFa's max |tanh w|
 *   L.S.wstep            (1)      the same for LSQ: the learned step, of switches with 2 bits or more; layers of fixed
 *                                 weight bits have one for all switches, L.wstep
 *   L.S.wscale           (1), or (OC) where 1-bit weights have a unit for each filter: the value of one weight unit
 *   L.S.gamma, .beta, .mean, .var (OC)  batch norm over the real-valued convolution, eps = BD_BN_EPS; CONV only
 *   L.bias               (OC)     CLASSIFIER only; the classifier has one wscale for every switch, stored for each
 *   Q.S.alpha            (1)      clip level: code = clamp(floor(n x / alpha + 1/2), 0, n), value = code alpha / n;
 *                                 absent where the codes are +-1 (x >= 0 is +1), for the input and for DoReFa
 *                                 (alpha = 1), and for LSQ, but for 32-bit activations
 *   Q.S.step             (1)      LSQ: alpha is n times this
 * Layers of 32-bit (float) weights have neither scale, wstep nor wscale.
 * Training adds its own state (optimiser moments, moving averages, RNG) under names that begin with "train/". */
#ifndef BD_CHECKPOINT_CHECKPOINT_H
#define BD_CHECKPOINT_CHECKPOINT_H

#include <stddef.h>
#include <stdint.h>

#include "model/core/error.h"
#include "model/graph/graph.h"
#include "model/quant/quant.h"

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
/* A checkpoint is taken for a file of unknown hands: it is read by hdf5_reader.h, not by the HDF5 library, opens no
 * other file, takes memory in proportion to its size, and every value in it is finite. BD_BAD_INPUT: "PATH: offset N:
 * ..."; nothing is held then. */
bd_status bd_checkpoint_load(struct bd_checkpoint *checkpoint, const char *path, struct bd_error *err) BD_WARN_UNUSED;
/* The same of a file's bytes; `path` is a name for messages. */
bd_status bd_checkpoint_parse(struct bd_checkpoint *checkpoint, const char *path, const uint8_t *bytes, size_t size,
                              struct bd_error *err) BD_WARN_UNUSED;
/* BD_FAIL where an array holds a value that is not finite: what cannot be loaded is not saved, and the file of that
 * name stays as it is. */
bd_status bd_checkpoint_save(const struct bd_checkpoint *checkpoint, const char *path, struct bd_error *err)
    BD_WARN_UNUSED;

/* The index of the first value that is an infinity or NaN, or -1. */
int64_t bd_first_not_finite(const float *values, int64_t count);
/* The first array that holds an infinity or NaN, and the index of it; NULL when all values are finite. */
const struct bd_array *bd_checkpoint_not_finite(const struct bd_checkpoint *checkpoint, int64_t *at);

/* CRC-32 over the network's text and the arrays in the order of their names, but for "train/" and the metadata. */
uint32_t bd_checkpoint_checksum(const struct bd_checkpoint *checkpoint);

/* The array of that name, or NULL. */
struct bd_array *bd_checkpoint_find(const struct bd_checkpoint *checkpoint, const char *format, ...) BD_PRINTF(2, 3);
/* Adds (or replaces) a zeroed array; never NULL (out of memory aborts). */
struct bd_array *bd_checkpoint_put(struct bd_checkpoint *checkpoint, int rank, const int64_t *shape, const char *format,
                                   ...) BD_PRINTF(4, 5);
/* Removes every array whose name begins with `prefix` ("train/" leaves what ships). */
void bd_checkpoint_drop(struct bd_checkpoint *checkpoint, const char *prefix);
/* What a quantizer learns at a switch: "alpha", "step", or NULL. */
const char *bd_checkpoint_level_kind(const struct bd_graph *graph, int quantizer, const struct bd_switch *sw);
/* Whether a layer's weight quantizer keeps a level at a switch, and the name of its array ("L.scale", "L.wstep" or
 * "L.S.wstep"; `size` of 2 BD_NAME_SIZE holds it). */
bool bd_checkpoint_weight_level_name(const struct bd_graph *graph, const struct bd_layer *layer,
                                     const struct bd_switch *sw, char *name, size_t size);
/* Values of L.S.wscale. */
size_t bd_checkpoint_unit_count(const struct bd_graph *graph, const struct bd_layer *layer, const struct bd_switch *sw);

/* BD_OK when every layer's and quantizer's arrays, all that this header names, are there with the right shapes,
 * scales and clip levels positive, variances not negative. */
bd_status bd_checkpoint_check(const struct bd_checkpoint *checkpoint, struct bd_error *err) BD_WARN_UNUSED;

/* The clip level of a quantizer at a switch, for every family: code = clamp(floor(n x / alpha + 1/2), 0, n). 1 for the
 * input and for +-1 codes. */
bd_status bd_checkpoint_alpha(const struct bd_checkpoint *checkpoint, int quantizer, int switch_index,
                              long double *alpha, struct bd_error *err) BD_WARN_UNUSED;

/* How a layer's weights are quantized at a switch. BD_BAD_INPUT for float weights or a level that is missing. */
bd_status bd_checkpoint_weight_rule(const struct bd_checkpoint *checkpoint, const struct bd_layer *layer,
                                    int switch_index, struct bd_weight_rule *rule, struct bd_error *err) BD_WARN_UNUSED;

/* The layer's integer weights at a switch in (OC, IC/groups, KH, KW) order: exactly those that training uses. */
bd_status bd_checkpoint_integers(const struct bd_checkpoint *checkpoint, const struct bd_layer *layer, int switch_index,
                                 int16_t *integers, struct bd_error *err) BD_WARN_UNUSED;

/* The same as codes, one byte each, in the byte's top bits. Where codes nest these are c_8, the same for all switches.
 */
bd_status bd_checkpoint_codes(const struct bd_checkpoint *checkpoint, const struct bd_layer *layer, int switch_index,
                              uint8_t *codes, struct bd_error *err) BD_WARN_UNUSED;

#endif
