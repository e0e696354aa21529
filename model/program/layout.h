/* How tensors lie in the activation buffer and how a layer walks them: the formulas that packer, verifier, executor
 * and cost model share. One word of the buffer is `lanes` codes.
 *
 * A map (H, W, C) with C <= lanes takes one word a pixel; where a pixel fills few lanes and its readers' kernels are
 * wide, the word of column x also holds the pixels x+1 .. x+slots-1 ("im2col": side by side), so that one read feeds
 * several taps. With more channels a pixel takes pixel_words words and slots is 1. */
#ifndef BD_PROGRAM_LAYOUT_H
#define BD_PROGRAM_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "model/program/program.h"

struct bd_tensor_layout {
    uint32_t height, width, channels;
    uint32_t slots;       /* U: neighbouring pixels in one word */
    uint32_t slot_lanes;  /* Cs: lanes from one slot to the next */
    uint32_t pixel_words; /* cw */
    uint32_t left;        /* PL: columns stored left of column 0 */
    uint32_t pitch;       /* words from one row to the next */
    uint32_t words;       /* whole tensor */
};

/* `reader_kernel` and `reader_pad`: the widest among the layers that read the tensor. */
struct bd_tensor_layout bd_tensor_layout(uint32_t rows, uint32_t lanes, uint32_t height, uint32_t width,
                                         uint32_t channels, uint32_t reader_kernel, uint32_t reader_pad);

/* Columns of the activation buffer that a layer computes on: its kernel, or 1x1 over windows after im2col. */
struct bd_walk {
    uint32_t kernel_h, kernel_w, stride, pad; /* as the array sees them */
    uint32_t channels;                        /* lanes of a pixel: in_channels, or 9 x in_channels */
};
struct bd_walk bd_descriptor_walk(const struct bd_descriptor *d);

/* Fills row_groups, row_words, k_words, segments, pixel_cycles and initiation_interval from the fields before them. */
void bd_descriptor_derive(struct bd_descriptor *d, const struct bd_program_header *geometry);

/* Bytes of a table chunk, of one plane of a weight chunk. */
uint32_t bd_table_bytes(const struct bd_program_header *geometry, uint32_t presets);
uint32_t bd_plane_bytes(const struct bd_program_header *geometry, uint32_t k_words);

/* Bytes of a layer's stored codes and z. */
uint32_t bd_store_codes_bytes(const struct bd_descriptor *d);
uint32_t bd_store_z_bytes(const struct bd_descriptor *d, const struct bd_program_header *geometry);

/* Where the weight of tap (ky, kx) and input channel ic stands: K word and lane. */
void bd_weight_place(const struct bd_descriptor *d, const struct bd_program_header *geometry, uint32_t ky, uint32_t kx,
                     uint32_t ic, uint32_t *k_word, uint32_t *lane);

#endif
